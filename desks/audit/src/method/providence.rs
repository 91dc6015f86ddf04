//! Providence: ballot polling in rounds whose sizes may depend on what was seen.
//!
//! Source: Broadrick, Morin, McClearn, McBurnett, Vora and Zagórski, Providence: a Flexible Round-by-Round Risk-Limiting Audit,
//! arXiv 2210.08717, definition 1 (published earlier as Minerva 2.0).

use super::MethodError;
use super::limit::{Risk, RiskLimit};
use super::polling::{Round, drawn, votes_by_round};
use super::special::{ln_binomial_upper_tail, ln_factorial};
use super::tally::{Assessment, Tally};

/// ln of a pair's risk in the last of these rounds of (winner's, loser's) ballots, not capped, and a bound on its error.
///
/// `null` is the winner's share when it did not win: one half. The likelihood ratio of what came before, times the ratio of the tails of the round's own count.
pub(super) fn ln_ratio(share: f64, null: f64, before: (u64, u64), last: (u64, u64)) -> (f64, f64) {
    let term = |count: u64, chance: f64| {
        if count == 0 {
            0.0
        } else {
            count as f64 * libm::log(chance)
        }
    };
    let prior = term(before.0, null) + term(before.1, 1.0 - null)
        - term(before.0, share)
        - term(before.1, 1.0 - share);
    let ballots = last.0 + last.1;
    let tied = ln_binomial_upper_tail(ballots, last.0, null);
    let reported = if share >= 1.0 {
        // Only the count of all ballots has a chance above 0, and it is 1.
        0.0
    } else {
        ln_binomial_upper_tail(ballots, last.0, share)
    };
    // Six factorials, each right to a few roundings of its size; the sums round far less.
    let error = f64::EPSILON
        * (24.0 * ln_factorial(ballots as f64)
            + 8.0 * prior.abs()
            + 4.0 * (before.0 + before.1) as f64
            + 64.0);
    let ln = prior + tied - reported;
    (if ln.is_nan() { 0.0 } else { ln }, error)
}

/// Measures the risk after these rounds: the least, over the rounds, of the largest over the pairs.
///
/// The limit is met only if it is met after all rounding.
/// Errors: votes that the ballots of a round cannot hold, or a list of another length.
pub fn assess(tally: &Tally, rounds: &[Round], limit: &RiskLimit) -> Result<Assessment, MethodError> {
    let votes = votes_by_round(tally, rounds)?;
    let mut best: Option<Assessment> = None;
    let mut before = vec![0; tally.votes().len()];
    for round in &votes {
        let mut met = true;
        let pairs = tally
            .pairs()
            .map(|pair| {
                let (winner, loser) = tally.votes_of(pair);
                let earlier = (before[pair.winner], before[pair.loser]);
                let last = (round[pair.winner], round[pair.loser]);
                let is_refuted = loser == 0 && earlier.1 + last.1 > 0;
                let risk = if winner == loser || is_refuted {
                    Risk::ONE
                } else {
                    let share = winner as f64 / (winner + loser) as f64;
                    let (ln, error) = ln_ratio(share, 0.5, earlier, last);
                    Risk::from_ln(ln, error)
                };
                met &= risk.is_within(limit);
                (pair, risk)
            })
            .collect();
        let assessment = Assessment::of(pairs, met);
        let is_better = best.as_ref().is_none_or(|best| {
            (assessment.met && !best.met)
                || (assessment.met == best.met && assessment.risk.value < best.risk.value)
        });
        if is_better {
            best = Some(assessment);
        }
        for (sum, more) in before.iter_mut().zip(round) {
            *sum += more;
        }
    }
    Ok(best.unwrap_or_else(|| Assessment::of(tally.pairs().map(|pair| (pair, Risk::ONE)).collect(), false)))
}

/// Ballots to draw, in all, so that the round after `rounds` ends the audit with this chance: the most over the pairs.
///
/// As the authors' own program (r2b2) does, halving between powers of ten, taking all ballots drawn so far as ballots of the
/// pair (it asks for a few more than are needed), and with the largest share below a half where a tie is not possible.
/// Errors: no loser, a tie, or no size below 10 million.
pub fn round_size(
    tally: &Tally,
    rounds: &[Round],
    limit: &RiskLimit,
    chance: f64,
) -> Result<u64, MethodError> {
    most_over_pairs(tally, rounds, |(winner, loser), seen, drawn| {
        let share = winner as f64 / (winner + loser) as f64;
        let null = ((winner + loser) / 2) as f64 / (winner + loser) as f64;
        if share >= 1.0 {
            return Some(libm::ceil(-libm::log2(limit.value())) as u64);
        }
        let before = seen
            .iter()
            .fold((0, 0), |sum, round| (sum.0 + round.0, sum.1 + round.1));
        let ln_limit = libm::log(limit.value());
        let reaches = |ballots: u64| {
            let Some(more) = ballots.checked_sub(drawn).filter(|more| *more > 0) else {
                return false;
            };
            let ends = |count: u64| ln_ratio(share, null, before, (count, more - count)).0 <= ln_limit;
            let (mut low, mut high) = (0, more + 1);
            while low < high {
                let middle = low + (high - low) / 2;
                if ends(middle) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            low <= more && ln_binomial_upper_tail(more, low, share) >= libm::log(chance)
        };
        search(before.0 + before.1 + 1, (10, 10), reaches)
    })
}

/// The most of a pair's ballots over all pairs, scaled to all ballots.
pub(super) fn most_over_pairs(
    tally: &Tally,
    rounds: &[Round],
    mut size: impl FnMut((u64, u64), &[(u64, u64)], u64) -> Option<u64>,
) -> Result<u64, MethodError> {
    if tally.losers().is_empty() {
        return Err(MethodError::NoLosers);
    }
    if tally.is_tied() {
        return Err(MethodError::Tied);
    }
    let votes = votes_by_round(tally, rounds)?;
    let drawn = drawn(rounds);
    let mut most = 0;
    for pair in tally.pairs() {
        let (winner, loser) = tally.votes_of(pair);
        let both = (winner + loser) as f64;
        let seen: Vec<(u64, u64)> = votes
            .iter()
            .map(|votes| (votes[pair.winner], votes[pair.loser]))
            .collect();
        let ballots = size((winner, loser), &seen, drawn).ok_or(MethodError::OutOfRange {
            what: "the size of a round",
            range: "below 10 million ballots; count every ballot",
        })?;
        most = most.max(libm::ceil(ballots as f64 * tally.ballots() as f64 / both) as u64);
    }
    Ok(most)
}

/// Halves between `first` and a bound that grows by a factor until a size is found that reaches the chance.
pub(super) fn search(first: u64, (bound, factor): (u64, u64), reaches: impl Fn(u64) -> bool) -> Option<u64> {
    if reaches(first) {
        return Some(first);
    }
    let mut upper = bound;
    while upper <= first {
        upper *= factor;
    }
    let mut lower = first;
    while upper < 10_000_000 {
        let (mut low, mut high) = (lower, upper);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if reaches(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        if reaches(low) {
            return Some(low);
        }
        if reaches(low + 1) {
            return Some(low + 1);
        }
        lower = upper;
        upper *= factor;
    }
    None
}
