//! Whether a p-value means what it says: rolls that only churn are drawn by the thousand, and every family of tests must reject
//! no more of them than its p promises.
//!
//! The churn drawn here is not the model that is tested: rates of areas, of intervals and of single cells are lognormal, sizes of
//! areas follow a power law, and households have the sizes that households have.

use crate::churn::{beta_binomial_at_least, hypergeometric_at_least};

use super::baseline::{Sums, Table};
use super::exact::{joined_share, most_shared};
use super::power::{POWER, smallest_group};

/// Random numbers of a seed (SplitMix64: Steele, Lea and Flood, 2014, figure 16).
struct Draw(u64);

impl Draw {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1, neither included.
    fn share(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.share() * end as f64) as u64
    }

    /// Standard normal (Box and Muller, 1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.share().ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }

    /// Lognormal with median 1.
    fn factor(&mut self, deviation: f64) -> f64 {
        (deviation * self.normal()).exp()
    }

    /// Poisson, by the product of uniform numbers.
    fn poisson(&mut self, mean: f64) -> u64 {
        let limit = (-mean).exp();
        let (mut product, mut count) = (self.share(), 0);
        while product > limit {
            product *= self.share();
            count += 1;
        }
        count
    }
}

/// How rolls are drawn.
#[derive(Debug, Clone, Copy)]
struct Churn {
    intervals: usize,
    areas: usize,
    /// Mean count of an area of middle size.
    mean: f64,
    /// Deviations, of the logarithm, of the rates of areas, of intervals, and of single cells.
    of_areas: f64,
    of_intervals: f64,
    of_cells: f64,
}

fn drawn(churn: Churn, draw: &mut Draw) -> Table {
    let areas: Vec<u16> = (0..churn.areas as u16).collect();
    let sizes: Vec<f64> = (0..churn.areas)
        .map(|at| 1_000.0 * ((at + 1) as f64 / churn.areas as f64 * 2.0).powf(-0.8))
        .collect();
    let rates: Vec<f64> = sizes
        .iter()
        .map(|size| churn.mean * size / 1_000.0 * draw.factor(churn.of_areas))
        .collect();
    let counts = (0..churn.intervals)
        .map(|_| {
            let surge = draw.factor(churn.of_intervals);
            rates
                .iter()
                .map(|rate| {
                    let mean = rate * surge * draw.factor(churn.of_cells);
                    draw.poisson(mean)
                })
                .collect()
        })
        .collect();
    Table {
        areas,
        counts,
        exposure: vec![sizes; churn.intervals],
        ..Table::default()
    }
}

/// Of so many p-values the shares at or below 5, 1 and 0.1 in 100.
#[derive(Debug, Default)]
struct Seen {
    all: u64,
    below: [u64; 3],
}

const LEVELS: [f64; 3] = [0.05, 0.01, 0.001];

impl Seen {
    fn add(&mut self, p: f64) {
        self.all += 1;
        for (below, level) in self.below.iter_mut().zip(LEVELS) {
            *below += u64::from(p <= level);
        }
    }

    /// Fails where more are below a level than it promises, beyond what chance does to so many draws (5 deviations) and `slack`.
    #[track_caller]
    fn promises_hold(&self, slack: f64, what: &str) {
        for (below, level) in self.below.iter().zip(LEVELS) {
            let expected = level * self.all as f64;
            assert!(
                *below as f64 <= slack * expected + 5.0 * expected.sqrt(),
                "{what}: {below} of {} p-values are at or below {level}, where {expected:.0} are promised",
                self.all
            );
        }
    }
}

/// A quarter more than promised: plug-in estimates of the means leave that much, far from the levels at which a run rejects.
const SLACK: f64 = 1.25;

const CHURNS: [Churn; 7] = [
    Churn {
        intervals: 2,
        areas: 12,
        mean: 4.0,
        of_areas: 0.35,
        of_intervals: 0.25,
        of_cells: 0.15,
    },
    Churn {
        intervals: 4,
        areas: 8,
        mean: 0.3,
        of_areas: 0.35,
        of_intervals: 0.25,
        of_cells: 0.15,
    },
    Churn {
        intervals: 5,
        areas: 8,
        mean: 5.0,
        of_areas: 0.35,
        of_intervals: 0.25,
        of_cells: 0.15,
    },
    Churn {
        intervals: 5,
        areas: 60,
        mean: 40.0,
        of_areas: 0.35,
        of_intervals: 0.25,
        of_cells: 0.15,
    },
    Churn {
        intervals: 12,
        areas: 20,
        mean: 20.0,
        of_areas: 0.8,
        of_intervals: 0.4,
        of_cells: 0.4,
    },
    Churn {
        intervals: 8,
        areas: 12,
        mean: 2.0,
        of_areas: 0.6,
        of_intervals: 0.8,
        of_cells: 0.3,
    },
    Churn {
        intervals: 6,
        areas: 30,
        mean: 0.05,
        of_areas: 0.5,
        of_intervals: 0.3,
        of_cells: 0.3,
    },
];

#[test]
fn counts_of_mere_churn_are_rejected_no_more_often_than_their_p_says() {
    for (at, churn) in CHURNS.into_iter().enumerate() {
        let mut draw = Draw(0xca11 + at as u64);
        let (mut more, mut fewer) = (Seen::default(), Seen::default());
        let repeats = 6_000 / (churn.intervals * churn.areas) + 1;
        for _ in 0..repeats {
            let mut table = drawn(churn, &mut draw);
            table.expect();
            for interval in 0..churn.intervals {
                let sums = Sums::of(&table, interval);
                for column in 0..churn.areas {
                    let expected = table.expected[interval][column].expect("every area has rows");
                    let count = table.counts[interval][column];
                    more.add(sums.p_of_more(column, count, count, expected));
                    fewer.add(sums.p_of_fewer(column, count, count, expected));
                }
            }
        }
        more.promises_hold(SLACK, &format!("{churn:?}, more"));
        fewer.promises_hold(SLACK, &format!("{churn:?}, fewer"));
    }
}

#[test]
fn counts_of_the_whole_roll_are_rejected_no_more_often_than_their_p_says() {
    // A kind whose intervals differ fivefold comes in waves, and has no test of the whole roll.
    for (at, mut churn) in CHURNS
        .into_iter()
        .enumerate()
        .filter(|(_, churn)| churn.of_intervals < 0.5)
    {
        churn.areas = churn.areas.min(8);
        let mut draw = Draw(0x3017 + at as u64);
        let mut seen = Seen::default();
        for _ in 0..1_500 / churn.intervals {
            let mut table = drawn(churn, &mut draw);
            table.expect();
            for (interval, expected) in table.whole.iter().enumerate() {
                let expected = expected.as_ref().expect("there are other intervals");
                seen.add(expected.at_least(table.counts[interval].iter().sum()));
            }
        }
        seen.promises_hold(SLACK, &format!("{churn:?}, whole roll"));
    }
}

/// Persons of households and how many of a hundred have so many, rounded: 28 of one and 35 of two as the Census Bureau counts them, the
/// rest assumed so that the mean is near its 2.5; seven stands for seven and more.
const HOUSEHOLDS: [(u64, u64); 7] = [(1, 28), (2, 35), (3, 15), (4, 13), (5, 6), (6, 2), (7, 1)];

#[test]
fn households_that_move_are_rejected_no_more_often_than_their_p_says() {
    let mut draw = Draw(0x40e5);
    let mut seen = Seen::default();
    for _ in 0..150 {
        // Cells of a run: so many households have moved in each.
        let mut cells: Vec<(u64, u64, u64)> = Vec::new();
        for _ in 0..30 {
            let households = 1 + draw.below(40);
            let (mut entries, mut most) = (0, 0);
            for _ in 0..households {
                let mut at = draw.below(100);
                let size = HOUSEHOLDS
                    .iter()
                    .find(|(_, of)| {
                        let is = at < *of;
                        at = at.saturating_sub(*of);
                        is
                    })
                    .map_or(1, |pair| pair.0);
                // Not everybody of a household is registered: two of three.
                let registered = (0..size).filter(|_| draw.share() < 0.66).count() as u64;
                entries += registered;
                most = most.max(registered);
            }
            if entries > 0 {
                cells.push((households.min(entries), entries, most));
            }
        }
        let joined: u64 = cells.iter().map(|cell| cell.1 - cell.0).sum();
        let all: u64 = cells.iter().map(|cell| cell.1).sum();
        for (values, entries, most) in cells {
            seen.add(most_shared(
                most,
                values,
                joined_share(joined - (entries - values), all - entries),
            ));
        }
    }
    seen.promises_hold(1.0, "households");
}

#[test]
fn shares_and_groups_are_rejected_no_more_often_than_their_p_says() {
    let mut draw = Draw(0x5a1e);
    let (mut shares, mut groups) = (Seen::default(), Seen::default());
    for _ in 0..2_000 {
        // A share that is the same everywhere, learnt from other cells.
        let share = 0.02 + 0.4 * draw.share();
        let hits = |n: u64, draw: &mut Draw| (0..n).filter(|_| draw.share() < share).count() as u64;
        let (others, all) = (draw.below(200), 1 + draw.below(40));
        let (of_others, some) = (hits(others, &mut draw), hits(all, &mut draw));
        let p = beta_binomial_at_least(
            some,
            all,
            0.5 + of_others as f64,
            0.5 + (others - of_others) as f64,
        );
        shares.add(if some == 0 { 1.0 } else { p });
        // Changed voters drawn from all, without regard to a group.
        let (all, marked, changed) = (2_000, 50 + draw.below(900), 5 + draw.below(100));
        let (mut left, mut of_group) = (marked, 0);
        for at in 0..changed {
            if draw.below(all - at) < left {
                left -= 1;
                of_group += 1;
            }
        }
        groups.add(hypergeometric_at_least(of_group, changed, marked, all));
    }
    shares.promises_hold(SLACK, "shares");
    groups.promises_hold(1.0, "groups");
}

#[test]
fn a_group_of_the_smallest_size_is_found_as_often_as_is_said() {
    let threshold = 1e-5;
    for (at, churn) in CHURNS.into_iter().enumerate() {
        let mut draw = Draw(0x90e4 + at as u64);
        let (mut found, mut all) = (0u64, 0u64);
        for _ in 0..1_500 / (churn.intervals * churn.areas) + 12 {
            let mut table = drawn(churn, &mut draw);
            table.expect();
            let last = churn.intervals - 1;
            let sums = Sums::of(&table, last);
            for column in 0..churn.areas {
                let expected = table.expected[last][column].expect("every area has rows");
                let count = table.counts[last][column];
                let is_rejected = |more: u64| sums.p_of_more(column, more, count, expected) <= threshold;
                if let Some(group) = smallest_group(&is_rejected, &|less| {
                    sums.p_of_fewer(column, less, count, expected)
                }) {
                    all += 1;
                    found += u64::from(is_rejected(count + group));
                }
            }
        }
        assert!(
            found as f64 >= POWER * all as f64 && all > 0,
            "{churn:?}: {found} of {all} groups of the smallest size are found"
        );
    }
}
