//! A sequential test over strata: the union-intersection test with bets that do not look at the null.
//!
//! Source: Spertus, Sridhar and Stark, Sequential Stratified Inference for the Mean, arXiv 2409.06680, sections 3 and 4 (union-intersection
//! test statistics of products of stratum martingales; "eta-oblivious" bets, for which the least product lies at a vertex of the set of nulls).
//!
//! A wrong outcome means that the strata's means, weighted by their cards, are at most one half. For each way to share that out, the product of
//! the strata's betting martingales is a martingale; the risk is one over the least of them. With bets that are fixed beforehand each factor is
//! affine in the shared-out means, so the logarithm of the product is concave, and its least value lies at an end of the line: two
//! evaluations are exact. It may be looked at after every card, and a stratum may be escalated alone.

use super::MethodError;
use super::limit::{Risk, RiskLimit};

/// One of the two strata.
#[derive(Clone, Debug, PartialEq)]
pub struct Stratum {
    /// Cards in it.
    pub cards: u64,
    /// Values of the cards drawn, in their order, each from 0 to `bound`. They are the assorter's values plus `shift`.
    ///
    /// Polling: the assorter of the paper, shift 0. Comparison: the bound of the assorter less the overstatement; the shift is that bound less the mean of
    /// the assorter over the stratum's records.
    pub values: Vec<f64>,
    /// Largest value.
    pub bound: f64,
    /// What the mean of the values exceeds the mean of the assorter by.
    pub shift: f64,
    /// The bet on every card, from 0 to 1 over `bound`, fixed before the first draw.
    pub bet: f64,
    /// Whether drawn cards go back.
    pub is_with_replacement: bool,
}

impl Stratum {
    fn check(&self) -> Result<(), MethodError> {
        let refuse = |what, range| Err(MethodError::OutOfRange { what, range });
        if self.cards == 0 || !(self.bound.is_finite() && self.bound > 0.0) {
            return refuse("a stratum", "at least one card, with a largest value above 0");
        }
        if !(self.bet >= 0.0 && self.bet * self.bound <= 1.0) {
            return refuse("a bet", "from 0 to one over the largest value");
        }
        if !self.is_with_replacement && self.values.len() as u64 > self.cards {
            return refuse("cards drawn without replacement", "at most all cards");
        }
        let slack = self.bound * 16.0 * f64::EPSILON;
        if self
            .values
            .iter()
            .any(|value| !(*value >= 0.0 && *value <= self.bound + slack))
        {
            return refuse("a card's value", "from 0 to the largest value");
        }
        Ok(())
    }

    /// The means of the assorter that the first `seen` cards leave possible.
    fn possible_means(&self, seen: usize) -> (f64, f64) {
        let (low, high) = if self.is_with_replacement {
            (0.0, self.bound)
        } else {
            let sum: f64 = self.values[..seen].iter().sum();
            let cards = self.cards as f64;
            (sum / cards, (sum + self.bound * (cards - seen as f64)) / cards)
        };
        (low - self.shift, high - self.shift)
    }

    /// ln of the martingale of the first `seen` cards when the assorter's mean is `mean`, and a bound on its rounding error.
    fn ln_statistic(&self, seen: usize, mean: f64) -> (f64, f64) {
        let null = mean + self.shift;
        let cards = self.cards as f64;
        let (mut ln, mut error, mut sum) = (0.0, 0.0, 0.0);
        for (index, value) in self.values[..seen].iter().enumerate() {
            let expected = if self.is_with_replacement {
                null
            } else {
                ((cards * null - sum) / (cards - index as f64)).clamp(0.0, self.bound)
            };
            let factor = 1.0 + self.bet * (value.min(self.bound) - expected);
            if factor <= 0.0 {
                return (f64::NEG_INFINITY, 0.0);
            }
            ln += libm::log(factor);
            let slack = if self.is_with_replacement {
                0.0
            } else {
                4.0 * f64::EPSILON * (cards * null.abs() + sum) / (cards - index as f64)
            };
            error += (self.bet * slack + 8.0 * f64::EPSILON) / factor;
            sum += value;
        }
        (ln, error + f64::EPSILON * ln.abs())
    }
}

/// The risk after the first `seen` cards of each stratum.
///
/// Errors: a stratum out of range.
fn risk_at(strata: &[Stratum; 2], seen: [usize; 2]) -> Risk {
    let [first, second] = strata;
    let all = (first.cards + second.cards) as f64;
    let (first_weight, second_weight) = (first.cards as f64 / all, second.cards as f64 / all);
    let (first_low, first_high) = first.possible_means(seen[0]);
    let (second_low, second_high) = second.possible_means(seen[1]);
    let first_of = |second: f64| (0.5 - second_weight * second) / first_weight;
    let second_of = |first: f64| (0.5 - first_weight * first) / second_weight;
    // Sharing out less than one half makes both martingales larger, so the line on which it is one half suffices.
    let low = first_low.max(first_of(second_high));
    let high = first_high.min(first_of(second_low));
    let slack = 1e-12 * (first.bound + second.bound);
    if first_weight * first_low + second_weight * second_low > 0.5 + slack {
        // Even if all other cards were 0, the mean is above one half.
        return Risk {
            value: 0.0,
            relative_error: 0.0,
        };
    }
    if low > high {
        return Risk::ONE;
    }
    let at = |mean: f64| {
        let (left, left_error) = first.ln_statistic(seen[0], mean);
        let (right, right_error) = second.ln_statistic(seen[1], second_of(mean));
        (left + right, left_error + right_error)
    };
    let (low, high) = (at(low), at(high));
    let (ln, error) = if low.0 < high.0 { low } else { high };
    Risk::from_ln(-ln, error + 1e-12)
}

/// The risk after the cards drawn so far, and whether it is at most the limit: the least over the moments at which it was judged.
///
/// `looks` are the numbers of cards of each stratum at which the audit was judged before now (the ends of rounds), rising. Errors: a
/// stratum out of range, or a look beyond the cards drawn.
pub fn assess(
    strata: &[Stratum; 2],
    looks: &[[usize; 2]],
    limit: &RiskLimit,
) -> Result<(Risk, bool), MethodError> {
    for stratum in strata {
        stratum.check()?;
    }
    let now = [strata[0].values.len(), strata[1].values.len()];
    let mut least = risk_at(strata, now);
    for look in looks {
        if look[0] > now[0] || look[1] > now[1] {
            return Err(MethodError::OutOfRange {
                what: "an earlier look",
                range: "at most the cards drawn",
            });
        }
        least = least.min(risk_at(strata, *look));
    }
    Ok((least, least.is_within(limit)))
}

/// What is expected of a stratum before the first draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// Cards in it.
    pub cards: u64,
    /// Draws planned.
    pub draws: u64,
    /// Largest value.
    pub bound: f64,
    /// As in [`Stratum::shift`].
    pub shift: f64,
    /// Values with their shares of the cards, if the report is right.
    pub values: Vec<(f64, f64)>,
}

/// Bets that suit the planned draws: in each stratum in proportion to its cards over its draws, so that how a wrong outcome is shared out between the
/// strata hardly changes the product, and as large as is best for the report.
#[must_use]
pub fn plan_bets(strata: &[Expected; 2]) -> [f64; 2] {
    let ratio = |stratum: &Expected| stratum.cards as f64 / stratum.draws.max(1) as f64;
    let ratios = [ratio(&strata[0]), ratio(&strata[1])];
    // At most nine tenths of the stake on a card.
    let most = (0..2)
        .map(|index| 0.9 / (strata[index].bound * ratios[index]))
        .fold(f64::INFINITY, f64::min);
    let all = (strata[0].cards + strata[1].cards) as f64;
    let weights = [strata[0].cards as f64 / all, strata[1].cards as f64 / all];
    let growth = |scale: f64| {
        let of = |index: usize, mean: f64| -> f64 {
            let stratum = &strata[index];
            let bet = scale * ratios[index];
            let expected: f64 = stratum
                .values
                .iter()
                .map(|(value, share)| {
                    share * libm::log((1.0 + bet * (value - mean - stratum.shift)).max(1e-300))
                })
                .sum();
            stratum.draws as f64 * expected
        };
        let second_of = |first: f64| (0.5 - weights[0] * first) / weights[1];
        let low =
            (-strata[0].shift).max((0.5 - weights[1] * (strata[1].bound - strata[1].shift)) / weights[0]);
        let high = (strata[0].bound - strata[0].shift).min((0.5 + weights[1] * strata[1].shift) / weights[0]);
        [low, high]
            .map(|mean| of(0, mean) + of(1, second_of(mean)))
            .into_iter()
            .fold(f64::INFINITY, f64::min)
    };
    // Concave in the scale: thirds close in on the best.
    let (mut low, mut high) = (0.0, most);
    for _ in 0..100 {
        let third = (high - low) / 3.0;
        if growth(low + third) < growth(high - third) {
            low += third;
        } else {
            high -= third;
        }
    }
    let scale = 0.5 * (low + high);
    [scale * ratios[0], scale * ratios[1]]
}
