//! SUITE: one stratum audited by comparison, one by polling, joined by Fisher's combination.
//!
//! Source: Ottoboni, Stark, Lindeman and McBurnett, Risk-Limiting Audits by Stratified Union-Intersection Tests of Elections
//! (SUITE), arXiv 1809.04235, sections 2 to 4. A wrong outcome needs the strata's overstatements to add up to the margin V; the share
//! lambda of it that lies in the comparison stratum is unknown, so the risk is the largest over lambda.
//!
//! The largest is bounded with certainty, not sought on a grid. The comparison stratum's p falls with lambda. The polling stratum's is the
//! largest, over the winner's votes, of a likelihood that is concave in logarithm jointly in those votes and lambda, so it has one peak,
//! past which nothing can be larger in both. Between two values of lambda the combination is thus at most that of the one p at
//! the lower end with the other at the upper.

use super::MethodError;
use super::limit::{Risk, RiskLimit};
use super::special::ln_factorial;
use super::supersimple::{ErrorCounts, GAMMA, error_steps};

/// A stratum whose cards have records, drawn with replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedStratum {
    /// Cards in it.
    pub cards: u64,
    /// Reported votes of the pair's winner and loser.
    pub votes: (u64, u64),
    /// Draws.
    pub draws: u64,
    /// Errors among them, for this pair.
    pub errors: ErrorCounts,
}

/// A stratum without records, drawn without replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolledStratum {
    /// Cards in it.
    pub cards: u64,
    /// Reported votes of the pair's winner and loser.
    pub votes: (u64, u64),
    /// Cards drawn.
    pub draws: u64,
    /// Votes on them for winner and loser.
    pub sampled: (u64, u64),
}

/// What is known of a stratum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// A sample.
    Sampled(T),
    /// Every card was counted by hand.
    Counted {
        /// Reported votes of winner and loser.
        reported: (u64, u64),
        /// Counted votes of winner and loser.
        counted: (u64, u64),
    },
}

/// One pair of candidates over the two strata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairStrata {
    /// The stratum with records.
    pub compared: Known<ComparedStratum>,
    /// The stratum without.
    pub polled: Known<PolledStratum>,
}

fn margin((winner, loser): (u64, u64)) -> f64 {
    winner as f64 - loser as f64
}

impl ComparedStratum {
    /// ln of the p-value of "the overstatement here is at least `lambda` of the margin", at most 0 (1809.04235, section 3.1).
    #[must_use]
    pub fn ln_p(&self, margin_votes: f64, lambda: f64) -> f64 {
        if self.draws == 0 || margin_votes == 0.0 {
            return 0.0;
        }
        let base = 1.0 - lambda * margin_votes / (2.0 * GAMMA * self.cards as f64);
        if base <= 0.0 {
            // More than this stratum can hide.
            return 0.0;
        }
        let counts = [
            self.errors.one_over,
            self.errors.two_over,
            self.errors.one_under,
            self.errors.two_under,
        ];
        let found: f64 = counts
            .iter()
            .zip(error_steps(GAMMA))
            .map(|(count, step)| *count as f64 * step)
            .sum();
        (self.draws as f64 * libm::log(base) - found).min(0.0)
    }
}

impl PolledStratum {
    /// ln of the p-value of "winner less loser is `null_margin` here", at most 0; -infinity when the sample rules that out (1809.04235, section 3.2).
    #[must_use]
    pub fn ln_p_of_margin(&self, null_margin: f64) -> f64 {
        let (winner, loser) = (self.sampled.0, self.sampled.1);
        let rest = self.draws.saturating_sub(winner + loser);
        let reported_rest = self.cards.saturating_sub(self.votes.0 + self.votes.1);
        if self.draws == 0 || winner > self.votes.0 || loser > self.votes.1 || rest > reported_rest {
            return 0.0;
        }
        let (winner, loser, rest) = (winner as f64, loser as f64, rest as f64);
        let cards = self.cards as f64;
        let upper = (cards - rest + null_margin) / 2.0;
        let lower = winner.max(loser + null_margin);
        if upper < winner || upper - null_margin < loser {
            return f64::NEG_INFINITY;
        }
        let ln_likelihood = |votes: f64| {
            ln_falling(votes, winner)
                + ln_falling(votes - null_margin, loser)
                + ln_falling(cards - 2.0 * votes + null_margin, rest)
        };
        let reported = ln_falling(self.votes.0 as f64, winner)
            + ln_falling(self.votes.1 as f64, loser)
            + ln_falling(reported_rest as f64, rest);
        // Concave in the winner's votes: thirds close in on the largest.
        let (mut low, mut high) = (lower, upper.max(lower));
        for _ in 0..100 {
            if high - low <= 1e-9 * high.max(1.0) {
                break;
            }
            let third = (high - low) / 3.0;
            if ln_likelihood(low + third) < ln_likelihood(high - third) {
                low += third;
            } else {
                high -= third;
            }
        }
        let largest = ln_likelihood(0.5 * (low + high))
            .max(ln_likelihood(lower))
            .max(ln_likelihood(upper.max(lower)));
        (largest - reported).min(0.0)
    }

    /// ln of the p-value of "the overstatement here is at least `lambda` of the margin".
    #[must_use]
    pub fn ln_p(&self, margin_votes: f64, lambda: f64) -> f64 {
        if margin_votes == 0.0 {
            return 0.0;
        }
        self.ln_p_of_margin(margin(self.votes) - lambda * margin_votes)
    }
}

/// ln of x (x-1) … (x-count+1), for x at least `count`.
fn ln_falling(x: f64, count: f64) -> f64 {
    if count <= 0.0 {
        return 0.0;
    }
    ln_factorial(x) - ln_factorial((x - count).max(0.0))
}

/// Fisher's combination of two p-values given by their logarithms: the tail of chi-squared with 4 degrees of freedom.
fn fisher(ln_first: f64, ln_second: f64) -> f64 {
    let ln = ln_first + ln_second;
    if ln == f64::NEG_INFINITY {
        return 0.0;
    }
    (libm::exp(ln) * (1.0 - ln)).min(1.0)
}

/// The shares of the margin that can lie in the comparison stratum, given what each stratum can hold.
#[must_use]
pub fn lambda_range(compared: (u64, (u64, u64)), polled: (u64, (u64, u64))) -> (f64, f64) {
    let (first, second) = (margin(compared.1), margin(polled.1));
    let all = first + second;
    let (first_cards, second_cards) = (compared.0 as f64, polled.0 as f64);
    (
        (first - first_cards).max(all - (second + second_cards)) / all,
        (first + first_cards).min(all - (second - second_cards)) / all,
    )
}

/// The risk of one pair: at least the largest over lambda, and no more than a part in a million above it.
///
/// A stratum that was counted whole has a known overstatement; the other is tested at what remains of the margin. Errors: both strata
/// counted whole (the count decides), or no margin.
pub fn pair_risk(strata: &PairStrata) -> Result<Risk, MethodError> {
    let reported = |votes: (u64, u64)| margin(votes);
    let one = |ln: f64| Risk::from_ln(ln, LN_ERROR);
    match (strata.compared, strata.polled) {
        (Known::Counted { .. }, Known::Counted { .. }) => Err(MethodError::FullyCounted),
        (
            Known::Sampled(compared),
            Known::Counted {
                reported: votes,
                counted,
            },
        ) => {
            let all = reported(compared.votes) + reported(votes);
            check_margin(all)?;
            let left = all - (margin(votes) - margin(counted));
            // The counted stratum alone may overturn or prove the outcome.
            if left <= 0.0 {
                return Ok(Risk::ONE);
            }
            Ok(one(compared.ln_p(all, left / all)))
        }
        (
            Known::Counted {
                reported: votes,
                counted,
            },
            Known::Sampled(polled),
        ) => {
            let all = reported(polled.votes) + reported(votes);
            check_margin(all)?;
            let left = all - (margin(votes) - margin(counted));
            if left <= 0.0 {
                return Ok(Risk::ONE);
            }
            // Everything up to that overstatement has to be ruled out, and the peak may lie on the way.
            Ok(one(peak_before(&polled, margin(polled.votes) - left)))
        }
        (Known::Sampled(compared), Known::Sampled(polled)) => {
            check_margin(reported(compared.votes) + reported(polled.votes))?;
            Ok(largest_over_lambda(&compared, &polled, None))
        }
    }
}

/// Whether one pair's risk is at most the limit: decided as soon as the bound allows, without the risk itself.
///
/// Errors: as for [`pair_risk`].
pub fn is_within(strata: &PairStrata, limit: &RiskLimit) -> Result<bool, MethodError> {
    let (Known::Sampled(compared), Known::Sampled(polled)) = (strata.compared, strata.polled) else {
        return Ok(pair_risk(strata)?.is_within(limit));
    };
    check_margin(margin(compared.votes) + margin(polled.votes))?;
    Ok(largest_over_lambda(&compared, &polled, Some(limit.value())).is_within(limit))
}

/// Bound on the error of a p-value's logarithm: factorials of up to 10^7 round by less than this.
const LN_ERROR: f64 = 1e-6;

fn check_margin(margin: f64) -> Result<(), MethodError> {
    if margin > 0.0 {
        Ok(())
    } else {
        Err(MethodError::Tied)
    }
}

/// ln of the largest polling p-value for any margin up to `null_margin`.
fn peak_before(polled: &PolledStratum, null_margin: f64) -> f64 {
    let peak = peak_margin(polled);
    polled.ln_p_of_margin(null_margin.min(peak))
}

/// The margin that the polling sample fits best: concave, so thirds close in on it.
fn peak_margin(polled: &PolledStratum) -> f64 {
    let (winner, loser) = (polled.sampled.0 as f64, polled.sampled.1 as f64);
    let rest = polled.draws as f64 - winner - loser;
    let cards = polled.cards as f64;
    let (mut low, mut high) = (winner - (cards - rest - winner), (cards - rest - loser) - loser);
    for _ in 0..80 {
        let third = (high - low) / 3.0;
        if polled_ln_uncapped(polled, low + third) < polled_ln_uncapped(polled, high - third) {
            low += third;
        } else {
            high -= third;
        }
    }
    0.5 * (low + high)
}

/// The same without the cap at 0, so that the peak can be told.
fn polled_ln_uncapped(polled: &PolledStratum, null_margin: f64) -> f64 {
    let (winner, loser) = (polled.sampled.0 as f64, polled.sampled.1 as f64);
    let rest = polled.draws as f64 - winner - loser;
    let cards = polled.cards as f64;
    let upper = (cards - rest + null_margin) / 2.0;
    let lower = winner.max(loser + null_margin);
    if upper < lower {
        return f64::NEG_INFINITY;
    }
    let ln_likelihood = |votes: f64| {
        ln_falling(votes, winner)
            + ln_falling(votes - null_margin, loser)
            + ln_falling(cards - 2.0 * votes + null_margin, rest)
    };
    let (mut low, mut high) = (lower, upper);
    for _ in 0..60 {
        let third = (high - low) / 3.0;
        if ln_likelihood(low + third) < ln_likelihood(high - third) {
            low += third;
        } else {
            high -= third;
        }
    }
    ln_likelihood(0.5 * (low + high))
}

/// A stretch of lambda, with the comparison p at its lower end and the polling p at its upper.
struct Stretch {
    low: f64,
    high: f64,
    ln_low: f64,
    ln_high: f64,
}

impl Stretch {
    fn bound(&self) -> f64 {
        fisher(self.ln_low, self.ln_high)
    }
}

/// Ends early when a limit is given and it is certain on which side of it the largest lies.
fn largest_over_lambda(compared: &ComparedStratum, polled: &PolledStratum, limit: Option<f64>) -> Risk {
    let all = margin(compared.votes) + margin(polled.votes);
    let (low, high) = lambda_range((compared.cards, compared.votes), (polled.cards, polled.votes));
    let peak = peak_margin(polled);
    let at_compared = |lambda: f64| compared.ln_p(all, lambda);
    // Past the peak nothing larger can come, in the one p or the other.
    let at_polled =
        |lambda: f64| polled.ln_p_of_margin((margin(polled.votes) - (1.0 - lambda) * all).min(peak));
    let at = |lambda: f64| fisher(at_compared(lambda), at_polled(lambda));
    let mut largest = at(low).max(at(high));
    let mut waiting = std::collections::BinaryHeap::new();
    waiting.push(Ranked(Stretch {
        low,
        high,
        ln_low: at_compared(low),
        ln_high: at_polled(high),
    }));
    // Each halving closes the gap further; 20,000 are far more than any sample needs, and the bound holds wherever it stops.
    for _ in 0..20_000 {
        let Some(Ranked(top)) = waiting.peek() else {
            break;
        };
        if top.bound() <= largest * (1.0 + 1e-6) || top.high - top.low < 1e-13 * top.high.abs().max(1.0) {
            break;
        }
        let is_decided =
            limit.is_some_and(|limit| largest > limit || top.bound() < limit * (1.0 - 16.0 * LN_ERROR));
        if is_decided {
            break;
        }
        let Some(Ranked(top)) = waiting.pop() else {
            break;
        };
        let middle = 0.5 * (top.low + top.high);
        let (ln_compared, ln_polled) = (at_compared(middle), at_polled(middle));
        largest = largest.max(fisher(ln_compared, ln_polled));
        waiting.push(Ranked(Stretch {
            high: middle,
            ln_high: ln_polled,
            ..top
        }));
        waiting.push(Ranked(Stretch {
            low: middle,
            high: top.high,
            ln_low: ln_compared,
            ln_high: top.ln_high,
        }));
    }
    let bound = waiting
        .peek()
        .map_or(largest, |Ranked(top)| top.bound())
        .max(largest);
    Risk {
        value: bound.clamp(0.0, 1.0),
        relative_error: 4.0 * LN_ERROR,
    }
}

/// Stretches by their bound.
struct Ranked(Stretch);

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == std::cmp::Ordering::Equal
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0
            .bound()
            .total_cmp(&other.0.bound())
            .then(other.0.low.total_cmp(&self.0.low))
    }
}

/// The contest's risk: the largest over the pairs, and whether it is at most the limit after all rounding.
///
/// Errors: as for [`pair_risk`]; [`MethodError::NoLosers`] without a pair.
pub fn assess(pairs: &[PairStrata], limit: &RiskLimit) -> Result<(Risk, bool), MethodError> {
    let mut largest: Option<Risk> = None;
    for pair in pairs {
        let risk = pair_risk(pair)?;
        largest = Some(largest.map_or(risk, |largest| largest.max(risk)));
    }
    let risk = largest.ok_or(MethodError::NoLosers)?;
    Ok((risk, risk.is_within(limit)))
}

/// The smallest sample that is proposed (Arlo).
const LEAST_DRAWS: u64 = 5;

/// Draws in all, in the comparison and in the polling stratum, that a next round needs if the strata go on as they did: before the first
/// draw as reported, then as seen. Shared out by the strata's cards; found by doubling (later by growing a tenth at a time) and halving,
/// as CORLA18 and Arlo do.
///
/// Errors: [`MethodError::FullyCounted`] when a stratum would have to be counted whole; as for [`pair_risk`].
pub fn size(
    compared: &ComparedStratum,
    polled: &PolledStratum,
    limit: &RiskLimit,
) -> Result<(u64, u64), MethodError> {
    let cards = compared.cards + polled.cards;
    let share = compared.cards as f64 / cards as f64;
    let split = |draws: u64| {
        let first = libm::ceil(share * draws as f64) as u64;
        (first, draws.saturating_sub(first))
    };
    let limit = limit.value();
    let risk_at = |draws: u64| -> Result<f64, MethodError> {
        let (first, second) = split(draws);
        if first < compared.draws || second < polled.draws {
            return Ok(1.0);
        }
        let strata = PairStrata {
            compared: Known::Sampled(expected_comparison(compared, draws, first)),
            polled: Known::Sampled(expected_polling(polled, second)),
        };
        Ok(pair_risk(&strata)?.value)
    };
    let is_first = compared.draws == 0 && polled.draws == 0;
    let growth = if is_first { 2.0 } else { 1.1 };
    let mut draws = LEAST_DRAWS.max(compared.draws + polled.draws);
    loop {
        let next = (growth * draws as f64) as u64;
        draws = next.max(draws + 1);
        if draws > cards {
            return Err(MethodError::FullyCounted);
        }
        if risk_at(draws)? <= limit {
            break;
        }
    }
    let (mut low, mut high) = ((draws as f64 / growth) as u64, draws);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let risk = risk_at(middle)?;
        if risk <= limit {
            high = middle;
            // Near enough below the limit (the same stop as the peers').
            if risk >= 0.8 * limit {
                break;
            }
        } else {
            low = middle;
        }
    }
    let (first, second) = split(high);
    if first >= compared.cards || second >= polled.cards {
        return Err(MethodError::FullyCounted);
    }
    Ok((first, second))
}

fn expected_comparison(compared: &ComparedStratum, draws: u64, first: u64) -> ComparedStratum {
    let more = (draws - compared.draws.min(draws)) as f64;
    let rate = |count: u64| {
        if compared.draws == 0 {
            0.0
        } else {
            more * count as f64 / compared.draws as f64
        }
    };
    let errors = compared.errors;
    ComparedStratum {
        draws: first,
        errors: ErrorCounts {
            one_over: errors.one_over + libm::ceil(rate(errors.one_over)) as u64,
            two_over: errors.two_over + libm::ceil(rate(errors.two_over)) as u64,
            one_under: errors.one_under + rate(errors.one_under) as u64,
            two_under: errors.two_under + rate(errors.two_under) as u64,
        },
        ..*compared
    }
}

fn expected_polling(polled: &PolledStratum, second: u64) -> PolledStratum {
    let more = (second - polled.draws.min(second)) as f64;
    let shares = if polled.draws == 0 {
        let cards = polled.cards as f64;
        (polled.votes.0 as f64 / cards, polled.votes.1 as f64 / cards)
    } else {
        let draws = polled.draws as f64;
        (polled.sampled.0 as f64 / draws, polled.sampled.1 as f64 / draws)
    };
    let winner = polled.sampled.0 + ((more * shares.0) as u64).min(polled.votes.0);
    let loser = polled.sampled.1 + (libm::ceil(more * shares.1) as u64).min(polled.votes.1);
    PolledStratum {
        draws: second.min(polled.cards).max(winner + loser),
        sampled: (winner, loser),
        ..*polled
    }
}
