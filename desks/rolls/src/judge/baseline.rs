//! What ordinary churn leads to expect, and the tests of counts.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::churn::{
    Cell, negative_binomial_at_least, negative_binomial_at_most, spread_between, spread_within,
    spreads_within,
};
use crate::interval::days;
use crate::kind::Kind;
use crate::layout::Layout;
use crate::scan::Standing;

use super::{Basis, Judge, Place, Test};

/// Other intervals that a count is compared with: the nearest twelve. With weekly files that is a quarter, and the seasons of
/// a roll change more slowly than that.
pub const WINDOW: usize = 12;

/// A count so far off goes into no baseline: it would hide its neighbours.
const LEFT_OUT: f64 = 1e-6;

/// Rounds of leaving out.
const ROUNDS: usize = 3;

/// What is expected of one count: a negative binomial.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Expected {
    /// Its mean.
    pub mean: f64,
    /// Its size: variance = mean + mean²/size.
    pub size: f64,
}

/// What is expected of the whole roll. A few intervals tell little of how much intervals differ, and there are no areas to learn
/// it from: each spread that may be counts by its weight.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExpectedWhole {
    mean: f64,
    /// Spreads and their weights, which sum to 1.
    spreads: Vec<(f64, f64)>,
}

impl ExpectedWhole {
    /// Its mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The same of a part of the roll.
    pub(super) fn of_part(&self, share: f64) -> Self {
        ExpectedWhole {
            mean: self.mean * share,
            spreads: self.spreads.clone(),
        }
    }

    /// P of at least so many.
    pub fn at_least(&self, count: u64) -> f64 {
        let parts = self
            .spreads
            .iter()
            .map(|(spread, weight)| weight * negative_binomial_at_least(count, self.mean, 1.0 / spread));
        parts.sum::<f64>().min(1.0)
    }
}

/// Counts of one kind, by interval and area, and what was expected of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Areas, in order.
    pub areas: Vec<u16>,
    /// Counts: interval by area.
    pub counts: Vec<Vec<u64>>,
    /// Rows times weeks: interval by area.
    pub exposure: Vec<Vec<f64>>,
    /// Expectations: interval by area; `None` where nothing can be expected.
    pub expected: Vec<Vec<Option<Expected>>>,
    /// Expectations of the whole roll.
    pub whole: Vec<Option<ExpectedWhole>>,
}

/// Whether a rise of the whole roll may be a deadline: see [`Kind::comes_in_waves`]. Active entries do not vanish in waves
/// where removed ones stay for a while first.
fn is_wave(kind: Kind, layout: &Layout) -> bool {
    kind.comes_in_waves() && !(layout.status.removed_stage && kind == Kind::GoneActive)
}

impl Judge<'_> {
    /// The tables of every kind that occurs.
    pub(super) fn tables(&self, standing: &[Standing]) -> BTreeMap<Kind, Table> {
        let mut areas: Vec<u16> = self
            .intervals
            .iter()
            .flat_map(|interval| interval.rows_of.keys().copied())
            .collect();
        areas.sort_unstable();
        areas.dedup();
        let place_of: FxHashMap<u16, usize> =
            areas.iter().enumerate().map(|(at, area)| (*area, at)).collect();
        let exposure: Vec<Vec<f64>> = self
            .intervals
            .iter()
            .map(|interval| {
                let weeks = match (interval.before.1, interval.after.1) {
                    (Some(before), Some(after)) => f64::from((days(after) - days(before)).max(1)) / 7.0,
                    _ => 1.0,
                };
                areas
                    .iter()
                    .map(|area| interval.rows_of.get(area).copied().unwrap_or(0) as f64 * weeks)
                    .collect()
            })
            .collect();
        let mut tables: BTreeMap<Kind, Table> = BTreeMap::new();
        for (at, interval) in self.intervals.iter().enumerate() {
            for ((area, kind), count) in &interval.counts.changes {
                let (Some(place), true) = (place_of.get(area), *kind != Kind::Formatting) else {
                    continue;
                };
                let table = tables.entry(*kind).or_insert_with(|| Table {
                    areas: areas.clone(),
                    counts: vec![vec![0; areas.len()]; self.intervals.len()],
                    exposure: exposure.clone(),
                    expected: Vec::new(),
                    whole: Vec::new(),
                });
                // Whole groups that were mapped alike are told of apart, and are no churn.
                let explained = self.mapped_alike(at, *area, *kind, standing);
                table.counts[at][*place] += count.saturating_sub(explained);
            }
        }
        for table in tables.values_mut() {
            table.expect();
        }
        tables
    }

    /// Tests of one table; gives back how many there are. Tests that cannot be rejected are counted, not kept.
    pub(super) fn count_tests(&self, kind: Kind, table: &Table, tests: &mut Vec<Test>) -> u64 {
        let is_wave = is_wave(kind, self.layout);
        let mut family = 0;
        for at in 0..table.counts.len() {
            let sums = Sums::of(table, at);
            for (column, area) in table.areas.iter().enumerate() {
                let Some(expected) = table.expected[at][column] else {
                    continue;
                };
                let observed = table.counts[at][column];
                family += 2;
                let place = Place::Area(*area);
                let test = |basis: Basis, p: f64| Test {
                    interval: at,
                    place,
                    kind,
                    basis,
                    observed,
                    expected: expected.mean,
                    p,
                    q: 1.0,
                };
                if observed as f64 > expected.mean {
                    let p = sums.p_of_more(column, observed, observed, expected);
                    tests.push(test(Basis::More, p));
                } else if expected.mean > 1.0 {
                    let p = sums.p_of_fewer(column, observed, observed, expected);
                    tests.push(test(Basis::Fewer, p));
                }
            }
            if let (Some(expected), false) = (&table.whole[at], is_wave) {
                family += 1;
                let observed: u64 = table.counts[at].iter().sum();
                if observed as f64 > expected.mean() {
                    tests.push(Test {
                        interval: at,
                        place: Place::Whole,
                        kind,
                        basis: Basis::More,
                        observed,
                        expected: expected.mean(),
                        p: expected.at_least(observed),
                        q: 1.0,
                    });
                }
            }
        }
        family
    }
}

/// Sums over the areas of an interval, for the test that is conditional on the rest of the roll.
pub(super) struct Sums {
    all: Sum,
    /// The two areas that are farthest above their expectations.
    highest: [Option<(usize, Sum)>; 2],
    areas: usize,
}

/// What was counted in areas, and expected of them.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    observed: u64,
    mean: f64,
    /// Sum of squared expectation over size.
    spread: f64,
}

impl Sum {
    fn of(observed: u64, expected: Expected) -> Self {
        Sum {
            observed,
            mean: expected.mean,
            spread: expected.mean * expected.mean / expected.size,
        }
    }

    fn excess(&self) -> f64 {
        self.observed as f64 - self.mean
    }

    fn without(self, other: Sum) -> Self {
        Sum {
            observed: self.observed - other.observed,
            mean: self.mean - other.mean,
            spread: (self.spread - other.spread).max(0.0),
        }
    }
}

impl Sums {
    pub(super) fn of(table: &Table, at: usize) -> Self {
        let mut sums = Sums {
            all: Sum::default(),
            highest: [None; 2],
            areas: 0,
        };
        for (column, expected) in table.expected[at].iter().enumerate() {
            let Some(expected) = expected else { continue };
            let one = Sum::of(table.counts[at][column], *expected);
            sums.all.observed += one.observed;
            sums.all.mean += one.mean;
            sums.all.spread += one.spread;
            sums.areas += 1;
            let is_above = |other: &Option<(usize, Sum)>| {
                other
                    .as_ref()
                    .is_none_or(|(_, other)| one.excess() > other.excess())
            };
            if is_above(&sums.highest[0]) {
                sums.highest = [Some((column, one)), sums.highest[0]];
            } else if is_above(&sums.highest[1]) {
                sums.highest[1] = Some((column, one));
            }
        }
        sums
    }

    /// What to expect of an area when the rest of the roll is known: its own expectation times the surge of the rest, and the
    /// squared relative error of that surge.
    ///
    /// This is the Dirichlet-multinomial model in its gamma-Poisson form, conditional on the total of the other areas rather
    /// than on that of all: an injected group is part of the total of all, and would be compared with itself. Of the other areas
    /// the one that is farthest above its expectation is left out, or two injected groups would hide each other. Little is
    /// assumed of the surge beforehand, because a deadline multiplies every area's count: a gamma of shape 1/2, as Jeffreys' prior
    /// of a Poisson rate has it, and mean 1, so that a rest in which nothing is expected says nothing. The other areas' own spread
    /// widens its error. `None` where there is no other area.
    fn surge(&self, column: usize, observed: u64, own: Expected) -> Option<(f64, f64)> {
        if self.areas < 2 {
            return None;
        }
        let mut rest = self.all.without(Sum::of(observed, own));
        let highest = self.highest.iter().flatten().find(|(other, _)| *other != column);
        if let (Some((_, highest)), true) = (highest, self.areas > 2) {
            rest = rest.without(*highest);
        }
        if rest.mean <= 0.0 {
            return None;
        }
        const SHAPE: f64 = 0.5;
        let seen = rest.observed as f64 + SHAPE;
        let factor = seen / (rest.mean + SHAPE);
        Some((factor, 1.0 / seen + rest.spread / (rest.mean * rest.mean)))
    }

    /// Expectation given the rest of the roll.
    fn given_the_rest(&self, column: usize, observed: u64, own: Expected) -> Option<Expected> {
        let (factor, spread) = self.surge(column, observed, own)?;
        Some(Expected {
            mean: own.mean * factor,
            size: 1.0 / (1.0 / own.size + spread),
        })
    }

    /// P of at least `count` where `observed` were counted, by ordinary churn: of the test against other intervals and the one
    /// conditional on the rest of the roll the larger.
    pub(super) fn p_of_more(&self, column: usize, count: u64, observed: u64, own: Expected) -> f64 {
        let p = negative_binomial_at_least(count, own.mean, own.size);
        match self.given_the_rest(column, observed, own) {
            Some(given) => p.max(negative_binomial_at_least(count, given.mean, given.size)),
            None => p,
        }
    }

    /// The same of at most `count`.
    pub(super) fn p_of_fewer(&self, column: usize, count: u64, observed: u64, own: Expected) -> f64 {
        let p = negative_binomial_at_most(count, own.mean, own.size);
        match self.given_the_rest(column, observed, own) {
            Some(given) => p.max(negative_binomial_at_most(count, given.mean, given.size)),
            None => p,
        }
    }
}

impl Table {
    /// The mean of what is expected in an interval, of an area by its column or of the whole roll.
    pub fn mean(&self, at: usize, column: Option<usize>) -> Option<f64> {
        match column {
            Some(column) => self.expected[at][column].map(|expected| expected.mean),
            None => self.whole[at].as_ref().map(ExpectedWhole::mean),
        }
    }

    /// Fits the expectations of every interval on the others.
    pub(super) fn expect(&mut self) {
        let (intervals, areas) = (self.counts.len(), self.areas.len());
        let mut left_out = self.far_off(intervals, areas);
        for _ in 0..ROUNDS {
            self.expected = (0..intervals)
                .map(|at| self.expect_interval(at, &left_out))
                .collect();
            let mut more = false;
            for (at, row) in left_out.iter_mut().enumerate() {
                let sums = Sums::of(self, at);
                for (column, is_out) in row.iter_mut().enumerate() {
                    let Some(expected) = self.expected[at][column] else {
                        continue;
                    };
                    let observed = self.counts[at][column];
                    if *is_out || observed as f64 <= expected.mean {
                        continue;
                    }
                    *is_out = sums.p_of_more(column, observed, observed, expected) < LEFT_OUT;
                    more |= *is_out;
                }
            }
            if !more {
                break;
            }
        }
        self.whole = (0..intervals)
            .map(|at| self.expect_whole(at, &left_out))
            .collect();
    }

    /// Cells that no baseline should hold, told without one: against the median of their own area, or what areas have in common
    /// when the highest tenth of the cells is put aside. The spread is that of the prior, so that only gross ones are left out;
    /// two that stand beside each other do not hide each other.
    fn far_off(&self, intervals: usize, areas: usize) -> Vec<Vec<bool>> {
        let mut left_out = vec![vec![false; areas]; intervals];
        if intervals < 3 {
            return left_out;
        }
        let rate = |at: usize, column: usize| {
            let exposure = self.exposure[at][column];
            (exposure > 0.0).then(|| (self.counts[at][column] as f64 / exposure, exposure))
        };
        let mut cells: Vec<(f64, f64)> = (0..intervals)
            .flat_map(|at| (0..areas).filter_map(move |column| rate(at, column)))
            .collect();
        cells.sort_by(|a, b| a.0.total_cmp(&b.0));
        cells.truncate(cells.len() - cells.len() / 10);
        let (count, seen) = cells.iter().fold((0.5, 0.0), |sum, (rate, exposure)| {
            (sum.0 + rate * exposure, sum.1 + exposure)
        });
        if seen <= 0.0 {
            return left_out;
        }
        for column in 0..areas {
            let mut own: Vec<f64> = (0..intervals)
                .filter_map(|at| rate(at, column))
                .map(|(rate, _)| rate)
                .collect();
            own.sort_by(f64::total_cmp);
            let median = own.get(own.len() / 2).copied().unwrap_or(0.0);
            for (at, row) in left_out.iter_mut().enumerate() {
                let mean = self.exposure[at][column] * median.max(count / seen);
                let observed = self.counts[at][column];
                row[column] = mean > 0.0
                    && observed as f64 > mean
                    && negative_binomial_at_least(observed, mean, 1.0) < LEFT_OUT;
            }
        }
        left_out
    }

    /// The intervals that interval `at` is compared with.
    fn others(&self, at: usize) -> Vec<usize> {
        let mut others: Vec<usize> = (0..self.counts.len()).filter(|other| *other != at).collect();
        others.sort_by_key(|other| (other.abs_diff(at), *other));
        others.truncate(WINDOW);
        others
    }

    fn expect_interval(&self, at: usize, left_out: &[Vec<bool>]) -> Vec<Option<Expected>> {
        let areas = self.areas.len();
        let others = self.others(at);
        // Of each area its counts and exposures elsewhere in time.
        let mut own = vec![(0u64, 0.0f64); areas];
        for other in &others {
            for column in 0..areas {
                if !left_out[*other][column] {
                    own[column].0 += self.counts[*other][column];
                    own[column].1 += self.exposure[*other][column];
                }
            }
        }
        // With no other interval the areas are compared with each other.
        let alone = others.is_empty();
        if alone {
            for (column, is_out) in left_out[at].iter().enumerate() {
                if !is_out {
                    own[column] = (self.counts[at][column], self.exposure[at][column]);
                }
            }
        }
        let fit = |leave: Option<usize>| -> Option<(f64, f64, f64)> {
            let used = || {
                own.iter()
                    .enumerate()
                    .filter(move |(column, _)| Some(*column) != leave)
                    .map(|(_, pair)| pair)
            };
            let (count, exposure) = used().fold((0u64, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
            if exposure <= 0.0 {
                return None;
            }
            // Jeffreys' prior of a rate: half a count.
            let rate = (count as f64 + 0.5) / exposure;
            let cells: Vec<Cell> = used()
                .filter(|pair| pair.1 > 0.0)
                .map(|pair| Cell {
                    count: pair.0,
                    mean: pair.1 * rate,
                })
                .collect();
            Some((rate, spread_between(&cells), 1.0 / (count as f64 + 0.5)))
        };
        let together = if alone { None } else { fit(None) };
        let within = together.map(|(rate, between, _)| self.within(&others, &own, rate, between, left_out));
        (0..areas)
            .map(|column| {
                let exposure = self.exposure[at][column];
                if exposure <= 0.0 {
                    return None;
                }
                let (rate, between, of_rate) = if alone { fit(Some(column))? } else { together? };
                let shape = 1.0 / between;
                let (count, seen) = if alone { (0, 0.0) } else { own[column] };
                // The gamma posterior of the area's rate, and beside it the spread of its intervals and what is not known of
                // the common rate; spreads add up to first order.
                let mean = exposure * (shape + count as f64) / (shape / rate + seen);
                let spread = 1.0 / (shape + count as f64) + within.unwrap_or(0.0) + of_rate;
                Some(Expected {
                    mean,
                    size: 1.0 / spread,
                })
            })
            .collect()
    }

    /// How much intervals of one area differ among themselves.
    fn within(
        &self,
        others: &[usize],
        own: &[(u64, f64)],
        rate: f64,
        between: f64,
        left_out: &[Vec<bool>],
    ) -> f64 {
        let shape = 1.0 / between;
        let mut cells = Vec::new();
        let mut fitted = 0;
        for (column, (count, seen)) in own.iter().enumerate() {
            if *seen <= 0.0 {
                continue;
            }
            let of_area = (shape + *count as f64) / (shape / rate + seen);
            // An area whose rate is its own costs a mean; one that takes the common rate costs none.
            if *count as f64 > shape {
                fitted += 1;
            }
            for other in others {
                if !left_out[*other][column] && self.exposure[*other][column] > 0.0 {
                    cells.push(Cell {
                        count: self.counts[*other][column],
                        mean: of_area * self.exposure[*other][column],
                    });
                }
            }
        }
        spread_within(&cells, fitted)
    }

    fn expect_whole(&self, at: usize, left_out: &[Vec<bool>]) -> Option<ExpectedWhole> {
        let total = |other: usize| -> (u64, f64) {
            let mut sum = (0, 0.0);
            for (column, is_out) in left_out[other].iter().enumerate() {
                if !is_out {
                    sum.0 += self.counts[other][column];
                    sum.1 += self.exposure[other][column];
                }
            }
            sum
        };
        let totals: Vec<(u64, f64)> = self
            .others(at)
            .iter()
            .map(|other| total(*other))
            .filter(|pair| pair.1 > 0.0)
            .collect();
        let exposure: f64 = self.exposure[at].iter().sum();
        let (count, seen) = totals
            .iter()
            .fold((0u64, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        if totals.is_empty() || exposure <= 0.0 {
            return None;
        }
        let rate = (count as f64 + 0.5) / seen;
        let cells: Vec<Cell> = totals
            .iter()
            .map(|pair| Cell {
                count: pair.0,
                mean: pair.1 * rate,
            })
            .collect();
        Some(ExpectedWhole {
            mean: exposure * rate,
            spreads: spreads_within(&cells, 1)
                .into_iter()
                .map(|(spread, weight)| (spread + 1.0 / (count as f64 + 0.5), weight))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(counts: Vec<Vec<u64>>) -> Table {
        let areas: Vec<u16> = (0..counts[0].len() as u16).collect();
        let exposure = counts
            .iter()
            .map(|row| row.iter().map(|_| 1_000.0).collect())
            .collect();
        let mut table = Table {
            areas,
            counts,
            exposure,
            ..Table::default()
        };
        table.expect();
        table
    }

    #[test]
    fn an_outlier_does_not_hide_the_one_after_it() {
        let mut counts = vec![vec![10; 8]; 6];
        counts[3][2] = 400;
        counts[4][2] = 200;
        let table = table(counts);
        let expected = table.expected[4][2].expect("it is expected");
        assert!(expected.mean < 12.0, "{expected:?}");
        assert!(negative_binomial_at_least(200, expected.mean, expected.size) < 1e-9);
    }

    #[test]
    fn a_surge_of_all_areas_is_none_of_one_area() {
        let mut counts = vec![vec![10; 8]; 6];
        counts[5] = vec![80, 95, 70, 88, 79, 84, 91, 77];
        let table = table(counts);
        let sums = Sums::of(&table, 5);
        for column in 0..8 {
            let observed = table.counts[5][column];
            let expected = table.expected[5][column].expect("it is expected");
            let p = sums.p_of_more(column, observed, observed, expected);
            assert!(p > 0.01, "{p}");
        }
    }
}
