//! Tests that need no history: they compare a count with the other counts of its own interval.

use std::collections::BTreeMap;

use crate::churn::beta_binomial_at_least;
use crate::interval::Shared;
use crate::kind::Kind;

use super::{Basis, Judge, Place, Test};

/// Prior of the share of entries that join a value which another entry of the interval has taken: 6 of 10, held as surely as ten
/// entries would show it. A household in the United States has 2.5 persons (Census Bureau, Current Population Survey, 2.53 in 2020), so
/// that of ten who move six join another.
const JOINED_PRIOR: (f64, f64) = (6.0, 10.0);

/// Prior of exchanged digits among changed house numbers: 1 of 4, held as surely as four numbers would show it. An assumption: Damerau
/// (1964) tells four single errors of typing (wrong, missing or extra letter, or two neighbours exchanged), and nothing is known here
/// of which is commoner in house numbers; the roll's own share takes over after a few.
const EXCHANGED_PRIOR: (f64, f64) = (1.0, 3.0);

/// Jeffreys' prior of a share.
const SHARE_PRIOR: (f64, f64) = (0.5, 0.5);

/// What the entries of one cell came to share.
#[derive(Debug, Clone, Copy, Default)]
struct SharedCell {
    /// Distinct values, or runs.
    values: u64,
    /// Entries.
    entries: u64,
    /// Entries with the most shared value, or of the longest run.
    most: u64,
    /// Its hash.
    hash: u64,
}

/// What is shared in a cell: a value, or by `None` a run of identifiers.
type Sort = Option<Shared>;

impl Judge<'_> {
    /// All exact tests; gives back how many there are.
    pub(super) fn exact_tests(&self, tests: &mut Vec<Test>) -> u64 {
        let mut family = self.gathering_tests(tests);
        family += self.share_tests(
            tests,
            Kind::HouseDigits,
            Basis::ExchangedDigits,
            &[Kind::HouseDigits, Kind::HouseNumber],
            EXCHANGED_PRIOR,
        );
        if !self.layout.reasons.is_empty() {
            family += self.share_tests(
                tests,
                Kind::ReasonIllegal,
                Basis::IllegalReason,
                &[
                    Kind::Deactivated,
                    Kind::Reactivated,
                    Kind::Removed,
                    Kind::Restored,
                    Kind::StatusOther,
                    Kind::ReasonAlone,
                ],
                SHARE_PRIOR,
            );
        }
        if self.layout.status.removed_stage {
            family += self.share_tests(
                tests,
                Kind::GoneActive,
                Basis::GoneWithoutStage,
                &[Kind::GoneActive, Kind::GoneInactive, Kind::GoneRemoved],
                SHARE_PRIOR,
            );
        }
        family
    }

    /// The most entries of an area that came to share one value, and the longest run of new identifiers with one date and house.
    fn gathering_tests(&self, tests: &mut Vec<Test>) -> u64 {
        let mut cells: BTreeMap<(usize, u16, Sort), SharedCell> = BTreeMap::new();
        for (at, interval) in self.intervals.iter().enumerate() {
            for ((area, shared, hash), count) in &interval.counts.shared {
                let cell = cells.entry((at, *area, Some(*shared))).or_default();
                cell.values += 1;
                cell.entries += u64::from(*count);
                // Of equal counts the smaller hash, so that the order of the table does not matter.
                if (u64::from(*count), std::cmp::Reverse(*hash)) > (cell.most, std::cmp::Reverse(cell.hash)) {
                    (cell.most, cell.hash) = (u64::from(*count), *hash);
                }
            }
            for (area, runs) in &interval.counts.runs {
                let cell = SharedCell {
                    values: runs.runs,
                    entries: runs.entries,
                    most: runs.longest,
                    hash: runs.house,
                };
                cells.insert((at, *area, None), cell);
            }
        }
        let mut totals: BTreeMap<Sort, (u64, u64)> = BTreeMap::new();
        for ((_, _, sort), cell) in &cells {
            let total = totals.entry(*sort).or_default();
            total.0 += cell.entries - cell.values;
            total.1 += cell.entries;
        }
        for ((at, area, sort), cell) in &cells {
            let SharedCell {
                values,
                entries,
                most,
                hash,
            } = *cell;
            let (joined, all) = totals[sort];
            // What the cell itself has is left out of its own baseline.
            let share = joined_share(joined - (entries - values), all - entries);
            if most < 2 {
                continue;
            }
            let p = most_shared(most, values, share);
            tests.push(Test {
                interval: *at,
                place: Place::Area(*area),
                kind: sort.map_or(Kind::New, Shared::kind),
                basis: sort.map_or(Basis::InSequence(hash), |shared| Basis::SharedValue(shared, hash)),
                observed: most,
                expected: 1.0 + (values as f64).ln() / (1.0 / share).ln(),
                p,
                q: 1.0,
            });
        }
        cells.len() as u64
    }

    /// The share of one kind among several, against the other areas and intervals.
    fn share_tests(
        &self,
        tests: &mut Vec<Test>,
        kind: Kind,
        basis: Basis,
        among: &[Kind],
        prior: (f64, f64),
    ) -> u64 {
        let mut cells: BTreeMap<(usize, u16), (u64, u64)> = BTreeMap::new();
        let mut total = (0, 0);
        for (at, interval) in self.intervals.iter().enumerate() {
            for ((area, other), count) in &interval.counts.changes {
                let cell = cells.entry((at, *area)).or_default();
                if *other == kind {
                    cell.0 += count;
                    total.0 += count;
                }
                if among.contains(other) {
                    cell.1 += count;
                    total.1 += count;
                }
            }
        }
        cells.retain(|_, (_, all)| *all > 0);
        for ((at, area), (some, all)) in &cells {
            if *some == 0 {
                continue;
            }
            let some = (*some).min(*all);
            let (hits, others) = ((total.0 - some) as f64, (total.1 - all) as f64);
            let a = prior.0 + hits;
            let b = prior.1 + (others - hits).max(0.0);
            tests.push(Test {
                interval: *at,
                place: Place::Area(*area),
                kind,
                basis,
                observed: some,
                expected: *all as f64 * a / (a + b),
                p: beta_binomial_at_least(some, *all, a, b),
                q: 1.0,
            });
        }
        cells.len() as u64
    }
}

/// P that of `values` values one is shared by `most` entries or more, when a value gathers one more entry with the chance `share`
/// each time.
pub(super) fn most_shared(most: u64, values: u64, share: f64) -> f64 {
    let one = share.powf(most.saturating_sub(1) as f64);
    -(values as f64 * (-one).ln_1p()).exp_m1()
}

/// The chance that an entry joins a value which another has taken: `joined` of `all` others did.
pub(super) fn joined_share(joined: u64, all: u64) -> f64 {
    (joined as f64 + JOINED_PRIOR.0) / (all as f64 + JOINED_PRIOR.1)
}
