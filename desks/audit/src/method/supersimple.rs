//! Super-simple ballot comparison: the Kaplan-Markov bound with the maximum relative overstatement.
//!
//! Sources: Stark, Super-Simple Simultaneous Single-Ballot Risk-Limiting Audits, EVT/WOTE 2010, equations (8) to (10);
//! Lindeman and Stark, A Gentle Introduction to Risk-Limiting Audits, IEEE Security and Privacy 2012, for the sizes.

use super::MethodError;
use super::exact::Product;
use super::limit::{Risk, RiskLimit};
use super::tally::{Pair, Tally};

/// The error inflation factor of Colorado and Arlo: 1.03905 (Lindeman and Stark 2012, for 20 % of errors tolerated).
pub const GAMMA: f64 = 1.03905;

/// Twice [`GAMMA`], over 10,000.
const TWICE_GAMMA: u128 = 20_781;
const UNIT: u128 = 10_000;

/// How one contest reads on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Votes by candidate; all 0 for an undervote, an overvote, or a card without the contest.
    Votes(Vec<u8>),
    /// There is no such record, or the card could not be found.
    Absent,
}

/// A card that was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedCard {
    /// What the voting system recorded.
    pub recorded: Reading,
    /// What people read on the paper.
    pub hand: Reading,
    /// How often it was drawn.
    pub draws: u32,
}

/// How a card's errors on several pairs are put into one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverstatementRule {
    /// The greatest overstatement relative to its pair's margin, as Stark 2010 has it. The only sound rule.
    GreatestRelative,
    /// The pair with the most votes of error, the first of equal ones, whatever its margin: to replay audits that were
    /// judged so. It can confirm a wrong outcome when there are three candidates or more.
    MostVotes,
}

/// A card's error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discrepancy {
    /// Votes by which the record overstates the margin of `pair`, -2 to 2; below 0 it understates.
    pub votes: i8,
    /// The pair that decided.
    pub pair: Pair,
    /// `votes` over the votes between that pair.
    pub relative: f64,
}

/// What the comparison shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The contest's risk, valid for all its pairs at once.
    pub risk: Risk,
    /// Whether the risk is below the limit; decided exactly where it lies near.
    pub met: bool,
    /// By card, in their order; nothing where the reading matches on every pair.
    pub discrepancies: Vec<Option<Discrepancy>>,
}

/// How far one card's record overstates the margins; nothing when it matches on every pair.
///
/// Errors: a list of another length, no loser, a tie.
pub fn discrepancy(
    tally: &Tally,
    recorded: &Reading,
    hand: &Reading,
    rule: OverstatementRule,
) -> Result<Option<Discrepancy>, MethodError> {
    if tally.losers().is_empty() {
        return Err(MethodError::NoLosers);
    }
    if tally.is_tied() {
        return Err(MethodError::Tied);
    }
    let (recorded_reading, hand_reading) = (recorded, hand);
    let (Reading::Votes(recorded), Reading::Votes(hand)) = (recorded, hand) else {
        // A card or record that is missing is taken at its worst (Bañuelos and Stark, arXiv 1207.3413).
        return Ok(worst(tally, rule));
    };
    for votes in [recorded, hand] {
        if votes.len() != tally.votes().len() {
            return Err(MethodError::Candidates {
                expected: tally.votes().len(),
                got: votes.len(),
            });
        }
        if votes.iter().any(|votes| *votes > 1) {
            return Err(MethodError::OutOfRange {
                what: "a candidate's votes on one card",
                range: "0 or 1",
            });
        }
    }
    let mut found: Option<(Discrepancy, u64)> = None;
    let mut is_match = true;
    for pair in tally.pairs() {
        let error = pair_error(pair, recorded_reading, hand_reading);
        is_match &= error == 0;
        let (winner, loser) = tally.votes_of(pair);
        let margin = winner - loser;
        let is_greater = found.is_none_or(|(greatest, its_margin)| match rule {
            // Cross-multiplied: error/margin against the greatest so far, without rounding.
            OverstatementRule::GreatestRelative => {
                i128::from(error) * i128::from(its_margin) > i128::from(greatest.votes) * i128::from(margin)
            }
            OverstatementRule::MostVotes => error > greatest.votes,
        });
        if is_greater {
            let relative = f64::from(error) / margin as f64;
            found = Some((
                Discrepancy {
                    votes: error,
                    pair,
                    relative,
                },
                margin,
            ));
        }
    }
    Ok(found.map(|(discrepancy, _)| discrepancy).filter(|_| !is_match))
}

/// Votes by which a card's record overstates one pair's margin, -2 to 2; 2 when record or card is missing.
#[must_use]
pub fn pair_error(pair: Pair, recorded: &Reading, hand: &Reading) -> i8 {
    let (Reading::Votes(recorded), Reading::Votes(hand)) = (recorded, hand) else {
        return 2;
    };
    let of = |votes: &[u8], candidate: usize| votes.get(candidate).copied().unwrap_or(0).min(1) as i8;
    let margin = |votes: &[u8]| of(votes, pair.winner) - of(votes, pair.loser);
    margin(recorded) - margin(hand)
}

/// A two-vote overstatement: of the closest pair, or of the first one in a replay.
fn worst(tally: &Tally, rule: OverstatementRule) -> Option<Discrepancy> {
    let pair = match rule {
        OverstatementRule::GreatestRelative => Pair {
            winner: *tally.winners().last()?,
            loser: *tally.losers().first()?,
        },
        OverstatementRule::MostVotes => tally.pairs().next()?,
    };
    let (winner, loser) = tally.votes_of(pair);
    Some(Discrepancy {
        votes: 2,
        pair,
        relative: 2.0 / (winner - loser) as f64,
    })
}

/// Measures the risk of a sample of cards drawn with replacement.
///
/// Understatements count as matches. A tie has risk 1. Draws, not distinct cards, are counted: a sample that was drawn with
/// replacement is never a full count.
/// Errors: no loser, or readings of another length.
pub fn assess(
    tally: &Tally,
    cards: &[ComparedCard],
    rule: OverstatementRule,
    limit: &RiskLimit,
) -> Result<Comparison, MethodError> {
    let margin = tally.margin_votes().ok_or(MethodError::NoLosers)?;
    if margin == 0 {
        return Ok(Comparison {
            risk: Risk::ONE,
            met: false,
            discrepancies: vec![None; cards.len()],
        });
    }
    let margin = u128::from(margin);
    let ballots = u128::from(tally.ballots());
    let (clean, all) = (TWICE_GAMMA * ballots - UNIT * margin, TWICE_GAMMA * ballots);
    let clean_ln = libm::log1p(-((UNIT * margin) as f64 / all as f64));
    let mut product = Product::default();
    let mut discrepancies = Vec::with_capacity(cards.len());
    let (mut ln, mut error, mut draws) = (0.0, 0.0, 0_u64);
    for card in cards {
        let found = discrepancy(tally, &card.recorded, &card.hand, rule)?;
        discrepancies.push(found);
        draws += u64::from(card.draws);
        let Some(found) = found.filter(|found| found.votes > 0) else {
            continue;
        };
        // 1 / (1 - e V / (2 gamma m)): numerator 2 gamma m, denominator 2 gamma m - e V.
        let (winner, loser) = tally.votes_of(found.pair);
        let whole = TWICE_GAMMA * u128::from(winner - loser);
        let taken = UNIT * u128::from(found.votes.unsigned_abs()) * margin;
        product.multiply(whole, whole - taken, u64::from(card.draws));
        let step = -f64::from(card.draws) * libm::log1p(-(taken as f64 / whole as f64));
        ln += step;
        error += f64::EPSILON * (8.0 * step.abs() + 40.0 * f64::from(card.draws));
    }
    ln += draws as f64 * clean_ln;
    error += f64::EPSILON * (8.0 * draws as f64 * clean_ln.abs() + ln.abs() * 2.0 + cards.len() as f64);
    product.multiply(clean, all, draws);
    let risk = Risk::from_ln(ln, error);
    let met = if risk.is_at_the_edge_of(limit) {
        product.is_within(limit, true)
    } else {
        risk.is_within(limit)
    };
    Ok(Comparison {
        risk,
        met,
        discrepancies,
    })
}

/// Errors seen, or expected, among the cards drawn so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCounts {
    /// Overstatements by one vote.
    pub one_over: u64,
    /// Overstatements by two votes.
    pub two_over: u64,
    /// Understatements by one vote.
    pub one_under: u64,
    /// Understatements by two votes.
    pub two_under: u64,
}

/// The four logarithms of Lindeman and Stark 2012: one over, two over, one under, two under.
pub(super) fn error_steps(gamma: f64) -> [f64; 4] {
    [
        libm::log(1.0 - 1.0 / (2.0 * gamma)),
        libm::log(1.0 - 1.0 / gamma),
        libm::log(1.0 + 1.0 / (2.0 * gamma)),
        libm::log(1.0 + 1.0 / gamma),
    ]
}

impl ErrorCounts {
    fn in_order(&self) -> [u64; 4] {
        [self.one_over, self.two_over, self.one_under, self.two_under]
    }

    fn sum(&self) -> u64 {
        self.in_order().iter().sum()
    }
}

/// The Kaplan-Markov bound for so many draws with these errors (Stark 2010, equation (10)), at most 1.
///
/// `diluted_margin` is votes between the pair over cards, `gamma` above 1.
#[must_use]
pub fn kaplan_markov_bound(draws: u64, diluted_margin: f64, gamma: f64, errors: &ErrorCounts) -> f64 {
    let clean = draws as f64 * libm::log1p(-diluted_margin / (2.0 * gamma));
    let found: f64 = errors
        .in_order()
        .iter()
        .zip(error_steps(gamma))
        .map(|(count, step)| *count as f64 * step)
        .sum();
    libm::exp((clean - found).min(0.0))
}

/// Draws that suffice if no more errors turn up than these: Colorado's "optimistic" size.
///
/// 0 when the margin is 0, as Colorado prints it: no sample size fits a tie.
#[must_use]
pub fn optimistic_size(limit: f64, diluted_margin: f64, gamma: f64, errors: &ErrorCounts) -> u64 {
    if diluted_margin <= 0.0 {
        return 0;
    }
    let found: f64 = errors
        .in_order()
        .iter()
        .zip(error_steps(gamma))
        .map(|(count, step)| *count as f64 * step)
        .sum();
    let draws = libm::ceil(-2.0 * gamma * (libm::log(limit) + found) / diluted_margin);
    errors.sum().max(draws.max(0.0) as u64)
}

/// What a size is reckoned with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Before the first draw: one card in 1,000 wrong by one vote and one in 10,000 by two, each way (Lindeman and Stark 2012).
    Usual,
    /// After draws with these errors: the overstatements go on at their rate.
    Observed {
        /// Draws so far.
        draws: u64,
        /// Errors among them.
        errors: ErrorCounts,
    },
}

/// How many more draws are needed, at the rate of errors expected (Lindeman and Stark 2012).
///
/// At most all cards. Errors: no loser.
pub fn size(tally: &Tally, limit: &RiskLimit, expectation: Expectation) -> Result<u64, MethodError> {
    let margin = tally.margin_votes().ok_or(MethodError::NoLosers)?;
    let diluted = margin as f64 / tally.ballots() as f64;
    let ln_limit = libm::log(limit.value());
    let (drawn, rates) = match expectation {
        Expectation::Usual | Expectation::Observed { draws: 0, .. } => (0, [0.001, 0.0001, 0.001, 0.0001]),
        Expectation::Observed { draws, errors } => {
            let rate = |count: u64| count as f64 / draws as f64;
            (draws, [rate(errors.one_over), rate(errors.two_over), 0.0, 0.0])
        }
    };
    let steps = error_steps(GAMMA);
    let drift = libm::log(1.0 - diluted / (2.0 * GAMMA))
        - rates
            .iter()
            .zip(steps)
            .map(|(rate, step)| rate * step)
            .sum::<f64>();
    if drift >= 0.0 {
        return Ok(tally.ballots().saturating_sub(drawn));
    }
    let first = libm::ceil(ln_limit / drift);
    let errors = ErrorCounts {
        one_over: libm::ceil(rates[0] * first) as u64,
        two_over: libm::floor(rates[1] * first + 0.5) as u64,
        one_under: libm::ceil(rates[2] * first) as u64,
        two_under: libm::floor(rates[3] * first + 0.5) as u64,
    };
    let draws = optimistic_size(limit.value(), diluted, GAMMA, &errors);
    Ok(draws.min(tally.ballots()).saturating_sub(drawn))
}
