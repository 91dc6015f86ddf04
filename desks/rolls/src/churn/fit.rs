//! How much areas differ from each other, and intervals of one area among themselves.
//!
//! Both spreads are squared coefficients of variation `v` of a gamma distribution (shape 1/v) that multiplies a rate: counts
//! are then negative binomial. Each is the mean of its posterior on a grid, under an exponential prior of mean 1. Where
//! nothing is known a rate may well be off by its own size; where much is known the prior gives way. The mean lies above the
//! most likely value when data are few, which errs on the side of fewer findings.

use statrs::function::gamma::ln_gamma;

/// The grid of `v`: from a thousandth (coefficient of variation 3 %) to 16 (400 %), equal steps of the logarithm.
const GRID: usize = 29;
const GRID_LOW: f64 = 0.001;
const GRID_STEP: f64 = 1.412_537_544_622_754_4;

/// One count, and what was expected of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// The count.
    pub count: u64,
    /// The expectation; above 0.
    pub mean: f64,
}

fn grid() -> [f64; GRID] {
    let mut values = [GRID_LOW; GRID];
    for at in 1..GRID {
        values[at] = values[at - 1] * GRID_STEP;
    }
    values
}

/// The posterior of `v` given counts that are negative binomial with size 1/v: values and their weights, which sum to 1.
fn spreads(cells: &[Cell]) -> [(f64, f64); GRID] {
    let values = grid();
    let mut logs = [0.0; GRID];
    for (log, v) in logs.iter_mut().zip(values) {
        let size = 1.0 / v;
        let of_size = ln_gamma(size);
        // The prior, and the width of the grid's step at v.
        *log = -v + v.ln();
        for cell in cells {
            let x = cell.count as f64;
            *log -= (size + x) * (cell.mean / size).ln_1p();
            if cell.count > 0 {
                *log += ln_gamma(size + x) - of_size + x * (cell.mean / size).ln();
            }
        }
    }
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut posterior = [(0.0, 0.0); GRID];
    let mut sum = 0.0;
    for ((slot, log), v) in posterior.iter_mut().zip(logs).zip(values) {
        *slot = (v, (log - top).exp());
        sum += slot.1;
    }
    for (_, weight) in &mut posterior {
        *weight /= sum;
    }
    posterior
}

/// Mean of the posterior of `v` given counts that are negative binomial with size 1/v.
pub fn spread_between(cells: &[Cell]) -> f64 {
    spreads(cells).iter().map(|(v, weight)| v * weight).sum()
}

/// The spread of an area's intervals among themselves: [`spread_between`] over cells whose means are those of their own
/// area, corrected for the means that were fitted to the same cells.
///
/// `fitted` is the number of means that were fitted. With `n` cells only `n − fitted` of them are free; the spread is
/// widened by that share, as a variance is.
pub fn spread_within(cells: &[Cell], fitted: usize) -> f64 {
    let v = spread_between(cells);
    let free = cells.len().saturating_sub(fitted);
    if free == 0 {
        v.max(1.0)
    } else {
        v * cells.len() as f64 / free as f64
    }
}

/// The same, as a posterior: values and their weights.
pub fn spreads_within(cells: &[Cell], fitted: usize) -> Vec<(f64, f64)> {
    let free = cells.len().saturating_sub(fitted);
    let widened = |v: f64| {
        if free == 0 {
            v.max(1.0)
        } else {
            v * cells.len() as f64 / free as f64
        }
    };
    spreads(cells)
        .into_iter()
        .map(|(v, weight)| (widened(v), weight))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_data_the_spread_is_that_of_the_prior_and_with_data_that_of_the_data() {
        assert!(
            (spread_between(&[]) - 1.0).abs() < 0.05,
            "{}",
            spread_between(&[])
        );
        // Counts exactly as expected: hardly any spread.
        let calm: Vec<Cell> = (0..200)
            .map(|_| Cell {
                count: 100,
                mean: 100.0,
            })
            .collect();
        assert!(spread_between(&calm) < 0.003);
        // Half at 50, half at 150: coefficient of variation one half, squared a quarter.
        let wild: Vec<Cell> = (0..200)
            .map(|at| Cell {
                count: if at % 2 == 0 { 50 } else { 150 },
                mean: 100.0,
            })
            .collect();
        let v = spread_between(&wild);
        assert!((0.2..0.4).contains(&v), "{v}");
    }
}
