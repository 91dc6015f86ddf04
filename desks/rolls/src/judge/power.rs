//! How small a change would have been found.

use std::collections::BTreeMap;

use crate::kind::Kind;

use super::baseline::Sums;
use super::{Judge, Table};

/// Kinds for which power is told: those that take a vote away, send a ballot elsewhere, or add a voter.
pub const POWER_KINDS: [Kind; 6] = [
    Kind::Deactivated,
    Kind::GoneActive,
    Kind::Moved,
    Kind::MailRedirected,
    Kind::Party,
    Kind::New,
];

/// The chance with which a group of the smallest size is found: 19 in 20, as power is told in trials.
pub const POWER: f64 = 0.95;

/// The smallest group that would have been found in the last interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    /// The area.
    pub area: u16,
    /// The kind of change.
    pub kind: Kind,
    /// Entries changed on top of ordinary churn, so many that they are found with a chance of [`POWER`] however churn falls out;
    /// `None` where nothing can be expected.
    pub smallest: Option<u64>,
}

impl Judge<'_> {
    /// The smallest groups, for the last interval. `threshold` is the p below which one further test is rejected.
    pub(super) fn power(&self, tables: &BTreeMap<Kind, Table>, threshold: f64) -> Vec<Power> {
        let mut all = Vec::new();
        for kind in POWER_KINDS {
            let Some(table) = tables.get(&kind) else { continue };
            let Some(last) = table.expected.len().checked_sub(1) else {
                continue;
            };
            let sums = Sums::of(table, last);
            for (column, area) in table.areas.iter().enumerate() {
                let observed = table.counts[last][column];
                all.push(Power {
                    area: *area,
                    kind,
                    smallest: table.expected[last][column].and_then(|expected| {
                        smallest_group(
                            &|count| sums.p_of_more(column, count, observed, expected) <= threshold,
                            &|count| sums.p_of_fewer(column, count, observed, expected),
                        )
                    }),
                });
            }
        }
        all
    }
}

/// The smallest group that is found with a chance of [`POWER`]: the least count that is rejected, over what churn falls below in
/// only 1 of 20 intervals. `None` beyond four thousand million.
pub(super) fn smallest_group(is_rejected: &dyn Fn(u64) -> bool, at_most: &dyn Fn(u64) -> f64) -> Option<u64> {
    let critical = first_true(is_rejected)?;
    let usual = first_true(&|count| at_most(count) > 1.0 - POWER)?;
    Some(critical.saturating_sub(usual).max(1))
}

/// The least number for which `holds` is true, where it stays true once it is.
fn first_true(holds: &dyn Fn(u64) -> bool) -> Option<u64> {
    if holds(0) {
        return Some(0);
    }
    let mut high = 1;
    while !holds(high) {
        high *= 2;
        if high > 1 << 32 {
            return None;
        }
    }
    let mut low = high / 2;
    while low + 1 < high {
        let middle = (low + high) / 2;
        if holds(middle) {
            high = middle
        } else {
            low = middle
        }
    }
    Some(high)
}
