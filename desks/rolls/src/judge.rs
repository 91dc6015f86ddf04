//! Which changes ordinary churn does not explain.
//!
//! Every count of every interval is tested once; all tests of a run, the exact ones too, are one family.

mod baseline;
#[cfg(test)]
mod calibration;
mod exact;
mod explain;
mod power;

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::calendar::Calendar;
use crate::churn::{Correction, hypergeometric_at_least, q_values, single_threshold};
use crate::interval::{Attribute, Interval, Series, Shared};
use crate::kind::Kind;
use crate::layout::Layout;
use crate::scan::{Standing, Wanted};

pub use baseline::{Expected, ExpectedWhole, Table, WINDOW};
pub use explain::Explanation;
pub use power::Power;

/// The rate of false discoveries that a run allows itself: the 1 %.
pub const ALPHA: f64 = 0.01;

/// Fewest past intervals for a baseline of their own: with fewer the spread between intervals is hardly known.
pub const MIN_HISTORY: usize = 4;

/// Smallest group that is told of by number.
pub const MIN_CELL: u64 = 5;

/// Where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The whole roll.
    Whole,
    /// One area, by its number in the run.
    Area(u16),
}

/// What a test looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// More changes of this kind than expected.
    More,
    /// Fewer.
    Fewer,
    /// One new value that many entries share.
    SharedValue(Shared, u64),
    /// New entries whose identifiers follow each other, with one date and one house, by the house's hash.
    InSequence(u64),
    /// Exchanged digits among changes of house numbers.
    ExchangedDigits,
    /// Statuses that do not go with their reason, among changes of status.
    IllegalReason,
    /// Active entries among those that are gone, where a removed stage comes first.
    GoneWithoutStage,
}

/// One test.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// Place of the interval in the run.
    pub interval: usize,
    /// Where.
    pub place: Place,
    /// What was counted.
    pub kind: Kind,
    /// How it was tested.
    pub basis: Basis,
    /// The count.
    pub observed: u64,
    /// What ordinary churn leads to expect.
    pub expected: f64,
    /// Probability of such a count, or one farther off, by ordinary churn.
    pub p: f64,
    /// Smallest rate of false discoveries at which it is rejected.
    pub q: f64,
}

/// A group that stands out among the changed entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Skew {
    /// By what.
    pub attribute: Attribute,
    /// The value.
    pub value: String,
    /// Changed entries with it.
    pub among_changed: u64,
    /// Changed entries.
    pub changed: u64,
    /// All entries of the area with it.
    pub among_all: u64,
    /// All entries of the area.
    pub all: u64,
    /// Exact probability.
    pub p: f64,
    /// Among the groups looked at inside found changes.
    pub q: f64,
}

/// Changes of one place, interval and column that do not fit, or that an event explains.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// Place of the interval in the run.
    pub interval: usize,
    /// Where.
    pub place: Place,
    /// Areas that it is made of, when it concerns the whole roll.
    pub areas: Vec<u16>,
    /// The tests that were rejected, surest first.
    pub tests: Vec<Test>,
    /// What explains it.
    pub explanation: Option<Explanation>,
    /// Groups that stand out.
    pub skews: Vec<Skew>,
}

impl Flag {
    /// The surest test.
    pub fn first(&self) -> &Test {
        &self.tests[0]
    }

    /// The test to tell people of: the largest count of entries, whichever test was surest.
    pub fn told(&self) -> &Test {
        self.tests
            .iter()
            .filter(|test| matches!(test.basis, Basis::More | Basis::Fewer))
            .max_by_key(|test| test.observed)
            .unwrap_or(self.first())
    }
}

/// What a run's intervals come to.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What does not fit, and what is explained.
    pub flags: Vec<Flag>,
    /// Tests of the family.
    pub tests: u64,
    /// Expectations of every table, for pictures and for power.
    pub tables: BTreeMap<Kind, Table>,
    /// Of each area the smallest group that would have been found in the last interval.
    pub power: Vec<Power>,
    /// p below which a single further test would have been rejected.
    pub threshold: f64,
}

/// How to judge.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How tests depend on each other.
    pub correction: Correction,
    /// What was announced.
    pub calendar: Calendar,
}

/// A run's intervals, ready to be judged.
pub struct Judge<'a> {
    /// The intervals that could be compared, in order of time.
    pub intervals: &'a [Interval],
    /// What they share.
    pub series: &'a Series,
    /// How they are written.
    pub layout: &'a Layout,
    /// How to judge.
    pub rules: &'a Rules,
}

impl Judge<'_> {
    /// What has to be counted in the earlier snapshots before [`Judge::judge`]: one [`Wanted`] an interval.
    pub fn wanted(&self) -> Vec<Wanted> {
        let none = vec![Standing::default(); self.intervals.len()];
        let (rejected, _, _) = self.tests(&none);
        let mut wanted = vec![Wanted::default(); self.intervals.len()];
        for test in &rejected {
            let want = &mut wanted[test.interval];
            match test.place {
                Place::Area(area) => {
                    want.areas.insert(area);
                }
                Place::Whole => {
                    let counts = &self.intervals[test.interval].counts.changes;
                    want.areas.extend(
                        counts
                            .keys()
                            .filter(|(_, kind)| *kind == test.kind)
                            .map(|(area, _)| *area),
                    );
                }
            }
            match test.basis {
                Basis::SharedValue(shared, hash) => want.shared.insert((shared, hash)),
                Basis::InSequence(house) => want.shared.insert((Shared::House, house)),
                _ => false,
            };
        }
        for (interval, want) in self.intervals.iter().zip(&mut wanted) {
            for kind in columns_with_many_changes(interval) {
                want.filled.insert(kind);
                want.areas.extend(interval.rows_of.keys());
            }
            for ((area, kind, from, _), count) in &interval.counts.mappings {
                if *count > 1 && want.areas.contains(area) {
                    want.mapped.insert((*area, *kind, *from));
                }
            }
        }
        wanted
    }

    /// Judges every interval. `standing` holds what [`Judge::wanted`] asked for.
    pub fn judge(&self, standing: &[Standing]) -> Judgement {
        let (rejected, tests, tables) = self.tests(standing);
        let threshold = single_threshold(ALPHA, tests, self.rules.correction);
        let mut flags = self.gathered(rejected, &tables, threshold);
        self.skew(&mut flags, standing);
        for flag in &mut flags {
            flag.explanation = self.explanation(flag, standing);
        }
        // A column that is written anew is told of once, for the whole roll.
        flags.retain(|flag| !matches!(flag.explanation, Some(Explanation::WrittenAnew { .. })));
        flags.extend(self.whole_groups(standing));
        flags.extend(self.columns_written_anew(standing));
        flags.sort_by(|a, b| {
            (a.interval, a.first().p)
                .partial_cmp(&(b.interval, b.first().p))
                .unwrap_or(std::cmp::Ordering::Equal)
                .then_with(|| a.place.cmp(&b.place))
                .then_with(|| a.first().kind.cmp(&b.first().kind))
        });
        Judgement {
            power: self.power(&tables, threshold),
            flags,
            tests,
            tables,
            threshold,
        }
    }

    /// All tests: those that are rejected, the size of the family, and the tables.
    fn tests(&self, standing: &[Standing]) -> (Vec<Test>, u64, BTreeMap<Kind, Table>) {
        let tables = self.tables(standing);
        let mut tests = Vec::new();
        let mut family = 0;
        for (kind, table) in &tables {
            family += self.count_tests(*kind, table, &mut tests);
        }
        family += self.exact_tests(&mut tests);
        let p: Vec<f64> = tests.iter().map(|test| test.p).collect();
        let q = q_values(&p, family, self.rules.correction);
        for (test, q) in tests.iter_mut().zip(q) {
            test.q = q;
        }
        tests.retain(|test| test.q <= ALPHA);
        (tests, family, tables)
    }

    /// Joins rejected tests of one place, interval and column; those of many areas at once into one of the whole roll.
    fn gathered(&self, rejected: Vec<Test>, tables: &BTreeMap<Kind, Table>, threshold: f64) -> Vec<Flag> {
        // A rise of the whole roll that single areas account for is told of there.
        let mut by_cell: BTreeMap<(usize, String, bool), Vec<Test>> = BTreeMap::new();
        for test in rejected {
            let column = test
                .kind
                .field(&self.intervals[test.interval].binding, self.series.columns.all());
            let is_fewer = test.basis == Basis::Fewer;
            by_cell
                .entry((test.interval, column, is_fewer))
                .or_default()
                .push(test);
        }
        let mut flags = Vec::new();
        for ((interval, _, _), tests) in by_cell {
            let mut whole_kinds: FxHashSet<Kind> = FxHashSet::default();
            let mut of_one_area: Vec<Test> = Vec::new();
            for test in tests.iter().filter(|test| test.place == Place::Whole) {
                let areas: Vec<u16> = tests
                    .iter()
                    .filter(|other| other.kind == test.kind)
                    .filter_map(|other| match other.place {
                        Place::Area(area) => Some(area),
                        Place::Whole => None,
                    })
                    .collect();
                let Some(table) = tables.get(&test.kind) else {
                    continue;
                };
                if is_of_the_whole(table, interval, &areas, threshold) {
                    whole_kinds.insert(test.kind);
                } else if areas.is_empty() {
                    // Most of the rise is one area's, whose own test was not sure by itself: it is told of there.
                    of_one_area.extend(highest_area(table, test));
                }
            }
            let mut by_place: BTreeMap<Place, Vec<Test>> = BTreeMap::new();
            let mut areas_of_whole: Vec<u16> = Vec::new();
            for test in tests.into_iter().chain(of_one_area) {
                match test.place {
                    Place::Whole if !whole_kinds.contains(&test.kind) => {}
                    Place::Area(area) if whole_kinds.contains(&test.kind) && test.basis == Basis::More => {
                        areas_of_whole.push(area);
                    }
                    place => by_place.entry(place).or_default().push(test),
                }
            }
            areas_of_whole.sort_unstable();
            areas_of_whole.dedup();
            for (place, mut tests) in by_place {
                tests.sort_by(|a, b| {
                    a.p.total_cmp(&b.p)
                        .then_with(|| b.observed.cmp(&a.observed))
                        .then_with(|| a.kind.cmp(&b.kind))
                });
                flags.push(Flag {
                    interval,
                    place,
                    areas: if place == Place::Whole {
                        areas_of_whole.clone()
                    } else {
                        Vec::new()
                    },
                    tests,
                    explanation: None,
                    skews: Vec::new(),
                });
            }
        }
        flags
    }

    /// Looks for groups that stand out, only inside what was found.
    fn skew(&self, flags: &mut [Flag], standing: &[Standing]) {
        let mut skews: Vec<(usize, Skew)> = Vec::new();
        let mut family = 0u64;
        for (at, flag) in flags.iter().enumerate() {
            let interval = &self.intervals[flag.interval];
            let standing = &standing[flag.interval];
            let areas: Vec<u16> = match flag.place {
                Place::Area(area) => vec![area],
                Place::Whole => standing.rows.keys().copied().collect(),
            };
            if flag.first().basis == Basis::Fewer {
                continue;
            }
            // The column's kinds together: who was changed, whatever the form of the change.
            let kinds: FxHashSet<Kind> = flag
                .tests
                .iter()
                .map(|test| test.kind)
                .filter(|kind| *kind != Kind::NewOddDate && *kind != Kind::ReasonIllegal)
                .collect();
            let mut changed: FxHashMap<(Attribute, u32), u64> = FxHashMap::default();
            for ((area, kind, attribute, value), count) in &interval.counts.groups {
                if kinds.contains(kind) && areas.contains(area) {
                    *changed.entry((*attribute, *value)).or_default() += count;
                }
            }
            let drawn: u64 = interval
                .counts
                .changes
                .iter()
                .filter(|((area, kind), _)| kinds.contains(kind) && areas.contains(area))
                .map(|(_, count)| count)
                .sum();
            let all: u64 = areas.iter().filter_map(|area| standing.rows.get(area)).sum();
            let about_status = kinds
                .iter()
                .any(|kind| kind.role() == Some(crate::layout::Role::Status));
            for ((attribute, value), among_changed) in changed {
                let name = self.series.values.name(value);
                if name.is_empty() || (attribute == Attribute::Status && about_status) {
                    continue;
                }
                family += 1;
                let among_all: u64 = areas
                    .iter()
                    .filter_map(|area| standing.groups.get(&(*area, attribute, value)))
                    .sum();
                if among_changed < MIN_CELL || all < drawn || among_all < among_changed {
                    continue;
                }
                let p = hypergeometric_at_least(among_changed, drawn, among_all, all);
                skews.push((
                    at,
                    Skew {
                        attribute,
                        value: name.to_owned(),
                        among_changed,
                        changed: drawn,
                        among_all,
                        all,
                        p,
                        q: 1.0,
                    },
                ));
            }
        }
        let p: Vec<f64> = skews.iter().map(|(_, skew)| skew.p).collect();
        let q = q_values(&p, family, self.rules.correction);
        for ((at, mut skew), q) in skews.into_iter().zip(q) {
            skew.q = q;
            if q <= ALPHA {
                flags[at].skews.push(skew);
            }
        }
        for flag in flags {
            flag.skews.sort_by(|a, b| {
                a.p.total_cmp(&b.p)
                    .then_with(|| a.attribute.cmp(&b.attribute))
                    .then_with(|| a.value.cmp(&b.value))
            });
        }
    }
}

/// Whether a rise is one of the whole roll: no single area has most of it, and it is still there without those that stand out
/// by themselves (`rejected`), or they are more than two.
fn is_of_the_whole(table: &Table, interval: usize, rejected: &[u16], threshold: f64) -> bool {
    let counts = &table.counts[interval];
    let total: u64 = counts.iter().sum();
    let most = counts.iter().copied().max().unwrap_or(0);
    if most * 2 > total {
        return false;
    }
    if rejected.is_empty() || rejected.len() > 2 {
        return true;
    }
    let Some(whole) = &table.whole[interval] else {
        return false;
    };
    let (mut rest, mut exposure, mut all) = (0, 0.0, 0.0);
    for (column, area) in table.areas.iter().enumerate() {
        all += table.exposure[interval][column];
        if !rejected.contains(area) {
            rest += counts[column];
            exposure += table.exposure[interval][column];
        }
    }
    exposure > 0.0 && whole.of_part(exposure / all).at_least(rest) <= threshold
}

/// A test of the whole roll, told of the area that has most of what was counted.
fn highest_area(table: &Table, test: &Test) -> Option<Test> {
    let counts = &table.counts[test.interval];
    let column = (0..counts.len()).max_by_key(|column| (counts[*column], std::cmp::Reverse(*column)))?;
    Some(Test {
        place: Place::Area(table.areas[column]),
        observed: counts[column],
        expected: table.mean(test.interval, Some(column)).unwrap_or(0.0),
        ..test.clone()
    })
}

/// Kinds of one column of which so many entries are changed that the column may be written otherwise: one in ten.
fn columns_with_many_changes(interval: &Interval) -> Vec<Kind> {
    let mut sums: BTreeMap<Kind, u64> = BTreeMap::new();
    for ((_, kind), count) in &interval.counts.changes {
        if kind.is_of_a_column() {
            *sums.entry(*kind).or_default() += count;
        }
    }
    let rows: u64 = interval.rows_of.values().sum();
    sums.retain(|_, count| *count * 10 > rows);
    sums.into_keys().collect()
}
