//! How small a change would have been found.

use std::collections::BTreeMap;

use crate::churn::negative_binomial_at_least;
use crate::kind::Kind;

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

/// The smallest group that would have been found in the last interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    /// The area.
    pub area: u16,
    /// The kind of change.
    pub kind: Kind,
    /// Entries changed on top of what was expected; `None` where nothing can be expected.
    pub smallest: Option<u64>,
}

impl Judge<'_> {
    /// The smallest groups, for the last interval. `threshold` is the p below which one further test is rejected.
    pub(super) fn power(&self, tables: &BTreeMap<Kind, Table>, threshold: f64) -> Vec<Power> {
        let mut all = Vec::new();
        for kind in POWER_KINDS {
            let Some(table) = tables.get(&kind) else { continue };
            let Some(row) = table.expected.last() else {
                continue;
            };
            for (column, area) in table.areas.iter().enumerate() {
                let smallest = row[column].and_then(|expected| {
                    let usual = expected.mean.round() as u64;
                    let found = |extra: u64| {
                        negative_binomial_at_least(usual + extra, expected.mean, expected.size) <= threshold
                    };
                    let mut high = 1;
                    while !found(high) {
                        high *= 2;
                        if high > 1 << 32 {
                            return None;
                        }
                    }
                    let mut low = high / 2;
                    while low + 1 < high {
                        let middle = (low + high) / 2;
                        if found(middle) {
                            high = middle
                        } else {
                            low = middle
                        }
                    }
                    Some(high)
                });
                all.push(Power {
                    area: *area,
                    kind,
                    smallest,
                });
            }
        }
        all
    }
}
