//! BRAVO: ballot polling by Wald's sequential test.
//!
//! Source: Lindeman, Stark and Yates, BRAVO: Ballot-polling Risk-limiting Audits to Verify Outcomes, EVT/WOTE 2012, section 4
//! (step 3 for the statistic, section 5 for the expected size). Sizes for a chance of stopping: Lindeman's normal approximation,
//! made certain by the binomial quantile, as Arlo computes them.

use super::MethodError;
use super::exact::Product;
use super::limit::{Risk, RiskLimit};
use super::polling::{Round, Sizes, cumulate, drawn};
use super::special::{binomial_quantile, normal_cdf, normal_quantile};
use super::tally::{Assessment, Pair, Tally};

/// Measures the risk after these rounds.
///
/// Ballots are drawn with replacement, so the order and the split into rounds do not matter. The limit is compared exactly.
/// Errors: votes that the ballots of a round cannot hold, or a list of another length.
pub fn assess(tally: &Tally, rounds: &[Round], limit: &RiskLimit) -> Result<Assessment, MethodError> {
    let sampled = cumulate(tally, rounds)?;
    let mut met = true;
    let pairs = tally
        .pairs()
        .map(|pair| {
            let votes = tally.votes_of(pair);
            let counts = (sampled[pair.winner], sampled[pair.loser]);
            let (ln, error) = ln_risk(votes, counts);
            let risk = Risk::from_ln(ln, error);
            met &= if risk.is_at_the_edge_of(limit) {
                is_exactly_within(votes, counts, limit)
            } else {
                risk.is_within(limit)
            };
            (pair, risk)
        })
        .collect();
    Ok(Assessment::of(pairs, met))
}

/// ln of 1/T and a bound on its rounding error; T = (2s)^winner (2(1-s))^loser.
fn ln_risk((winner, loser): (u64, u64), counts: (u64, u64)) -> (f64, f64) {
    let both = (winner + loser) as f64;
    if both == 0.0 || (loser == 0 && counts.1 > 0) {
        return (0.0, 0.0);
    }
    let term = |votes: u64, count: u64| {
        if count == 0 {
            0.0
        } else {
            count as f64 * libm::log(2.0 * votes as f64 / both)
        }
    };
    let (up, down) = (term(winner, counts.0), term(loser, counts.1));
    // The quotient is right to one rounding, so each logarithm to that plus its own.
    let error = f64::EPSILON * (2.0 * (counts.0 + counts.1) as f64 + 4.0 * (up.abs() + down.abs()));
    (-(up + down), error)
}

fn is_exactly_within((winner, loser): (u64, u64), counts: (u64, u64), limit: &RiskLimit) -> bool {
    let both = u128::from(winner) + u128::from(loser);
    let mut product = Product::default();
    product.multiply(both, 2 * u128::from(winner), counts.0);
    product.multiply(both, 2 * u128::from(loser), counts.1);
    product.is_within(limit, false)
}

/// How many more draws a next round needs, if the reported result is right.
///
/// Errors: [`MethodError::NoLosers`], [`MethodError::FullyCounted`], [`MethodError::AlreadyMet`] and those of [`assess`].
pub fn sizes(
    tally: &Tally,
    rounds: &[Round],
    limit: &RiskLimit,
    chances: &[f64],
) -> Result<Sizes, MethodError> {
    if tally.losers().is_empty() {
        return Err(MethodError::NoLosers);
    }
    if drawn(rounds) >= tally.ballots() {
        return Err(MethodError::FullyCounted);
    }
    if tally.is_tied() {
        return Ok(Sizes::AllBallots);
    }
    let sampled = cumulate(tally, rounds)?;
    if tally.losers().iter().all(|loser| tally.votes()[*loser] == 0) {
        if assess(tally, rounds, limit)?.met {
            return Err(MethodError::AlreadyMet);
        }
        return Ok(Sizes::Landslide {
            draws: libm::ceil(-libm::log2(limit.value())) as u64,
        });
    }
    let expected = expected_size(tally, &sampled, limit)?;
    let ballots = tally.ballots() as f64;
    let longest = |chance: f64| {
        contested(tally)
            .map(|pair| pair_size(tally, pair, &sampled, limit, chance))
            .max()
            .unwrap_or(0)
    };
    let slowest = contested(tally)
        .map(|pair| (expected_of_pair(tally, pair, &sampled, limit), pair))
        .fold(None, |slowest: Option<(f64, Pair)>, next| {
            slowest.filter(|slowest| slowest.0 >= next.0).or(Some(next))
        });
    let expected_chance = slowest.filter(|_| tally.winners().len() == 1).map(|(_, pair)| {
        let counts = (sampled[pair.winner], sampled[pair.loser]);
        let (winner, loser) = tally.votes_of(pair);
        let shares = (winner as f64 / ballots, loser as f64 / ballots);
        one_round_chance(limit.value(), shares, counts, expected)
    });
    Ok(Sizes::Draws {
        expected,
        expected_chance,
        by_chance: chances.iter().map(|chance| (*chance, longest(*chance))).collect(),
        full_count_is_less_work: tally.ballots() > 100_000 && longest(0.9) as f64 >= ballots / 4.0,
    })
}

/// Pairs whose loser has votes: the others are decided by any few ballots.
fn contested(tally: &Tally) -> impl Iterator<Item = Pair> {
    tally.pairs().filter(|pair| tally.votes()[pair.loser] > 0)
}

/// Draws expected until the audit ends (BRAVO 2012, section 5, and its correction by half a step): the largest over the pairs.
///
/// `sampled` are the votes seen so far. Errors: no loser, a tie, or nothing left to show.
pub fn expected_size(tally: &Tally, sampled: &[u64], limit: &RiskLimit) -> Result<u64, MethodError> {
    tally.check_length(sampled)?;
    if tally.losers().is_empty() {
        return Err(MethodError::NoLosers);
    }
    if tally.is_tied() {
        return Err(MethodError::Tied);
    }
    let largest = contested(tally)
        .map(|pair| libm::ceil(expected_of_pair(tally, pair, sampled, limit)))
        .fold(f64::NEG_INFINITY, f64::max);
    if largest > 0.0 {
        Ok(largest as u64)
    } else {
        Err(MethodError::AlreadyMet)
    }
}

fn expected_of_pair(tally: &Tally, pair: Pair, sampled: &[u64], limit: &RiskLimit) -> f64 {
    let (winner, loser) = tally.votes_of(pair);
    let (ln_risk, _) = ln_risk((winner, loser), (sampled[pair.winner], sampled[pair.loser]));
    let both = (winner + loser) as f64;
    let up = libm::log(2.0 * winner as f64 / both);
    let down = libm::log(2.0 * loser as f64 / both);
    let drift = (winner as f64 * up + loser as f64 * down) / tally.ballots() as f64;
    (ln_risk - libm::log(limit.value()) + up / 2.0) / drift
}

fn pair_size(tally: &Tally, pair: Pair, sampled: &[u64], limit: &RiskLimit, chance: f64) -> u64 {
    let ballots = tally.ballots() as f64;
    let (winner, loser) = tally.votes_of(pair);
    one_round_size(
        limit.value(),
        (winner as f64 / ballots, loser as f64 / ballots),
        (sampled[pair.winner], sampled[pair.loser]),
        chance,
        tally.ballots(),
    )
}

/// The test's logarithmic steps up and down, the share of the winner among the two, and what remains to be climbed.
fn climb(limit: f64, shares: (f64, f64), counts: (u64, u64)) -> (f64, f64, f64, f64) {
    let share = shares.0 / (shares.0 + shares.1);
    let up = libm::log(share / 0.5);
    let down = libm::log((1.0 - share) / 0.5);
    let left = -libm::log(limit) - (counts.0 as f64 * up + counts.1 as f64 * down);
    (up, down, share, left)
}

/// Draws after which one round ends the audit of a pair with this chance.
///
/// `shares` are the winner's and the loser's votes per ballot, `counts` what was seen of them, `ballots` how many there are.
#[must_use]
pub fn one_round_size(limit: f64, shares: (f64, f64), counts: (u64, u64), chance: f64, ballots: u64) -> u64 {
    let (up, down, share, left) = climb(limit, shares, counts);
    if left <= 0.0 {
        return 0;
    }
    // n s + z sqrt(n s (1-s)) = (left - n down)/(up - down), z the normal quantile: a quadratic in n.
    let z = -normal_quantile(chance);
    let spread = share * (1.0 - share);
    let f = left / (up - down);
    let g = down / (up - down) + share;
    let b = -(z * z * spread + 2.0 * f * g);
    let root = libm::sqrt((b * b - 4.0 * g * g * f * f).max(0.0));
    let signed = if chance > 0.5 { root } else { -root };
    let mut draws = libm::floor((-b + signed) / (2.0 * g * g)) as u64;
    loop {
        let winner = binomial_quantile(draws, share, 1.0 - chance);
        let climbed = winner as f64 * up + (draws - winner) as f64 * down;
        if climbed >= left || draws >= ballots {
            break;
        }
        draws += 1;
    }
    scale_up(draws as f64, shares)
}

/// The quotient of `count` and the sum of the shares, rounded up; the sum is taken without rounding.
fn scale_up(count: f64, shares: (f64, f64)) -> u64 {
    let sum = shares.0 + shares.1;
    let lost = (shares.0 - (sum - (sum - shares.0))) + (shares.1 - (sum - shares.0));
    let quotient = libm::ceil(count / sum);
    let excess = libm::fma(quotient, sum, -count) + quotient * lost;
    (if excess < 0.0 { quotient + 1.0 } else { quotient }) as u64
}

/// Chance, to two decimals, that one round of `draws` ends the audit of a pair (normal approximation).
#[must_use]
pub fn one_round_chance(limit: f64, shares: (f64, f64), counts: (u64, u64), draws: u64) -> f64 {
    let (up, down, share, left) = climb(limit, shares, counts);
    if left <= 0.0 {
        return 0.0;
    }
    let draws = draws as f64 * (shares.0 + shares.1);
    let needed = (left - down * draws) / (up - down);
    let z = (needed - draws * share) / libm::sqrt(draws * share * (1.0 - share));
    libm::round(normal_cdf(-z) * 100.0) / 100.0
}
