//! Minerva: ballot polling in rounds, judged at the end of each.
//!
//! Source: Zagórski, McClearn, Morin, McBurnett and Vora, Minerva: An Efficient Risk-Limiting Ballot Polling Audit, arXiv
//! 2008.02315, definition 3 and section 4. It looks at the tails of two distributions of the winner's ballots: as reported, and
//! tied; walks that would have stopped earlier are taken out of both.
//!
//! The sizes of rounds must not depend on what the sample showed: [`Round`]s that grow because a result looks close make
//! the measured risk invalid. [`super::providence`] has no such condition.

use super::MethodError;
use super::limit::{Risk, RiskLimit};
use super::polling::{Round, votes_by_round};
use super::special::binomial_pmf;
use super::tally::{Assessment, Tally};

/// Which rule ends a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StoppingRule {
    /// The ratio of the tails is at most the limit (Minerva).
    Tails,
    /// The same, and the ratio of the chances at the count itself is at most this (Athena).
    TailsAndCount(f64),
    /// The ratio at the count itself is at most the limit (BRAVO, looked at when a round ends).
    Count,
}

/// Where the walks of one pair stand between two rounds.
#[derive(Clone, Debug)]
struct Walks {
    /// Winner's ballots of the first entry.
    offset: u64,
    /// Chances under the reported share.
    reported: Vec<f64>,
    /// Chances under a tie.
    tied: Vec<f64>,
    /// Ballots of the pair so far.
    ballots: u64,
    /// Chance that was cut off at the ends of `tied` for being too small to matter.
    dropped: f64,
}

/// Chances below this part of the largest are cut off, and what is cut is added to the risk.
const NEGLIGIBLE: f64 = 1e-80;

impl Walks {
    fn new() -> Self {
        Self {
            offset: 0,
            reported: vec![1.0],
            tied: vec![1.0],
            ballots: 0,
            dropped: 0.0,
        }
    }

    /// Tails of both distributions after `more` further ballots of the pair.
    fn tails(&self, more: u64, share: f64) -> Tails<'_> {
        Tails {
            walks: self,
            reported: suffix_sums(&binomial_pmf(more, share)),
            tied: suffix_sums(&binomial_pmf(more, 0.5)),
        }
    }

    /// Takes a round of `more` ballots in and the walks that reach `stop` out.
    fn advance(&mut self, more: u64, share: f64, stop: Option<u64>) {
        let keep = stop.map(|stop| stop.saturating_sub(self.offset));
        let (reported, start, _) = convolve(&self.reported, &binomial_pmf(more, share), keep);
        let (tied, tied_start, dropped) = convolve(&self.tied, &binomial_pmf(more, 0.5), keep);
        // Both are kept on the same support.
        let low = start.min(tied_start);
        let pad = |values: Vec<f64>, start: usize, length: usize| {
            let mut padded = vec![0.0; start - low];
            padded.extend(values);
            padded.resize(length, 0.0);
            padded
        };
        let length = (start - low + reported.len()).max(tied_start - low + tied.len());
        self.reported = pad(reported, start, length);
        self.tied = pad(tied, tied_start, length);
        self.offset += low as u64;
        self.ballots += more;
        self.dropped += dropped;
    }
}

struct Tails<'a> {
    walks: &'a Walks,
    reported: Vec<f64>,
    tied: Vec<f64>,
}

impl Tails<'_> {
    /// Chances of at least `count` winner's ballots: reported, tied.
    fn at(&self, count: u64) -> (f64, f64) {
        let sum = |weights: &[f64], tail: &[f64]| -> f64 {
            weights
                .iter()
                .zip(self.walks.offset..)
                .map(|(weight, before)| {
                    let index = usize::try_from(count.saturating_sub(before)).unwrap_or(usize::MAX);
                    weight * tail.get(index).copied().unwrap_or(0.0)
                })
                .sum()
        };
        (
            sum(&self.walks.reported, &self.reported),
            sum(&self.walks.tied, &self.tied) + self.walks.dropped,
        )
    }

    /// The least count, not below half, that ends the audit; nothing when none does.
    fn stop(&self, ballots: u64, limit: f64, rule: StoppingRule) -> Option<u64> {
        let ends = |count: u64| {
            let (reported, tied) = self.at(count);
            // Where the reported chance nears what was cut off, the ratio lies far below every limit, and its digits mean nothing.
            if reported < libm::sqrt(NEGLIGIBLE) {
                return true;
            }
            let by_tails = limit * reported >= tied;
            let by_count = |bound: f64| {
                let (above, tied_above) = self.at(count + 1);
                bound * (reported - above) >= tied - tied_above
            };
            match rule {
                StoppingRule::Tails => by_tails,
                StoppingRule::TailsAndCount(bound) => by_tails && by_count(bound),
                StoppingRule::Count => by_count(limit),
            }
        };
        // The ratios fall as the count grows (2008.02315, lemma 2), so the least is found by halving.
        let (mut low, mut high) = (ballots.div_ceil(2), ballots + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if ends(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        (low <= ballots).then_some(low)
    }
}

fn suffix_sums(values: &[f64]) -> Vec<f64> {
    let mut sums = values.to_vec();
    let mut sum = 0.0;
    for value in sums.iter_mut().rev() {
        sum += *value;
        *value = sum;
    }
    sums
}

/// Both distributions' sum; entries from `keep` on are left out. Returns the values, their first index, and what was cut.
fn convolve(left: &[f64], right: &[f64], keep: Option<u64>) -> (Vec<f64>, usize, f64) {
    let support = |values: &[f64]| {
        let most = values.iter().copied().fold(0.0, f64::max);
        let is_kept = |value: &f64| *value > most * NEGLIGIBLE;
        let first = values.iter().position(is_kept).unwrap_or(0);
        let last = values.iter().rposition(is_kept).unwrap_or(0);
        let cut: f64 = values[..first].iter().chain(&values[last + 1..]).sum();
        (first, last, cut)
    };
    let (left_first, left_last, left_cut) = support(left);
    let (right_first, right_last, right_cut) = support(right);
    let start = left_first + right_first;
    let mut values = vec![0.0; left_last + right_last + 1 - start];
    for (index, weight) in left[left_first..=left_last].iter().enumerate() {
        for (value, chance) in values[index..].iter_mut().zip(&right[right_first..=right_last]) {
            *value += weight * chance;
        }
    }
    if let Some(keep) = keep {
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        values.truncate(keep.saturating_sub(start).max(1));
        if keep <= start {
            values[0] = 0.0;
        }
    }
    (values, start, left_cut + right_cut)
}

/// Relative rounding error of a ratio of tails over so many ballots: the recurrences round four times a step, the sums once.
fn rounding(ballots: u64) -> f64 {
    32.0 * f64::EPSILON * (ballots as f64 + 16.0)
}

/// The ratio of the tails of one pair after its last round, not capped at 1.
///
/// `rounds` are (winner's, loser's) ballots of each round. A pair that met the limit in an earlier round keeps the ratio of that round.
#[must_use]
pub fn pair_ratio(share: f64, rounds: &[(u64, u64)], limit: f64) -> f64 {
    let mut walks = Walks::new();
    let mut count = 0;
    let mut ratio = 1.0;
    for (index, (winner, loser)) in rounds.iter().enumerate() {
        let more = winner + loser;
        count += winner;
        let tails = walks.tails(more, share);
        let (reported, tied) = tails.at(count);
        ratio = if index == 0 {
            // The first round's tails are plain binomial ones, which logarithms hold however small they are.
            libm::exp(super::providence::ln_ratio(share, 0.5, (0, 0), (*winner, *loser)).0)
        } else if reported > 0.0 {
            tied / reported
        } else {
            // A count so unlikely that a double cannot hold its chance shows nothing.
            f64::INFINITY
        };
        if ratio <= limit || index + 1 == rounds.len() {
            break;
        }
        let stop = tails.stop(walks.ballots + more, limit, StoppingRule::Tails);
        drop(tails);
        walks.advance(more, share, stop);
    }
    ratio
}

/// Measures the risk after these rounds.
///
/// The limit is met only if it is met after all rounding; nothing is decided by a last digit.
/// Errors: votes that the ballots of a round cannot hold, or a list of another length.
pub fn assess(tally: &Tally, rounds: &[Round], limit: &RiskLimit) -> Result<Assessment, MethodError> {
    let votes = votes_by_round(tally, rounds)?;
    let mut met = true;
    let pairs = tally
        .pairs()
        .map(|pair| {
            let (winner, loser) = tally.votes_of(pair);
            let seen: Vec<(u64, u64)> = votes
                .iter()
                .map(|votes| (votes[pair.winner], votes[pair.loser]))
                .collect();
            let ballots = seen.iter().map(|(winner, loser)| winner + loser).sum();
            let risk = if winner == loser || ballots == 0 {
                Risk::ONE
            } else {
                let share = winner as f64 / (winner + loser) as f64;
                Risk {
                    value: pair_ratio(share, &seen, limit.value()).clamp(0.0, 1.0),
                    relative_error: rounding(ballots),
                }
            };
            met &= risk.is_within(limit);
            (pair, risk)
        })
        .collect();
    Ok(Assessment::of(pairs, met))
}

/// Where each round stops, and the chance under a tie of having stopped by then.
///
/// `schedule` are the pair's ballots at the end of each round, rising. A round without a stopping count gives nothing.
#[must_use]
pub fn stopping_counts(
    share: f64,
    limit: f64,
    schedule: &[u64],
    rule: StoppingRule,
) -> Vec<(Option<u64>, f64)> {
    let mut walks = Walks::new();
    let mut risk = 0.0;
    schedule
        .iter()
        .map(|ballots| {
            let more = ballots.saturating_sub(walks.ballots);
            let tails = walks.tails(more, share);
            let stop = tails.stop(*ballots, limit, rule);
            risk += stop.map_or(0.0, |stop| tails.at(stop).1);
            drop(tails);
            walks.advance(more, share, stop);
            (stop, risk)
        })
        .collect()
}

/// A pair's ballots, in all, after which the next round ends the audit with this chance.
///
/// Found by halving as the authors' own program does (r2b2), between doublings of 10,000; the chance is not quite monotone in
/// the size, so a somewhat smaller one may do. Nothing when 10 million do not suffice.
#[must_use]
pub fn pair_size(share: f64, rounds: &[(u64, u64)], limit: f64, chance: f64) -> Option<u64> {
    let mut walks = Walks::new();
    let mut count = 0;
    for (winner, loser) in rounds {
        let stop = walks.tails(winner + loser, share).stop(
            walks.ballots + winner + loser,
            limit,
            StoppingRule::Tails,
        );
        walks.advance(winner + loser, share, stop);
        count += winner;
    }
    let reaches = |ballots: u64| {
        let more = ballots - walks.ballots;
        let tails = walks.tails(more, share);
        tails
            .stop(ballots, limit, StoppingRule::Tails)
            .is_some_and(|stop| {
                let needed = usize::try_from(stop.saturating_sub(count)).unwrap_or(usize::MAX);
                tails.reported.get(needed).is_some_and(|tail| *tail >= chance)
            })
    };
    super::providence::search(walks.ballots + 1, (10_000, 2), reaches)
}

/// Ballots to draw, in all, so that the round after `rounds` ends the audit with this chance: the most over the pairs.
///
/// Errors: no loser, a tie, or no size below 10 million.
pub fn round_size(
    tally: &Tally,
    rounds: &[Round],
    limit: &RiskLimit,
    chance: f64,
) -> Result<u64, MethodError> {
    super::providence::most_over_pairs(tally, rounds, |(winner, loser), seen, _| {
        let share = winner as f64 / (winner + loser) as f64;
        if share >= 1.0 {
            return Some(libm::ceil(-libm::log2(limit.value())) as u64);
        }
        pair_size(share, seen, limit.value(), chance)
    })
}
