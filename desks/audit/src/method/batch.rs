//! Batch comparison: MACRO with Kaplan-Markov, batches drawn by their error bound.
//!
//! Sources: Stark, Efficient Post-Election Audits of Multiple Contests: 2009 California Tests (SSRN 1443314), section 2 (maximum
//! relative overstatement of pairwise margins) and the Kaplan-Markov P-value; Aslam, Popa and Rivest 2008 (PPEB). Georgia audits
//! this way, with its law of runoffs.

use super::MethodError;
use super::exact::Product;
use super::limit::{Risk, RiskLimit};
use super::tally::Tally;

/// The contest as a whole, and what the batches cannot show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchContest {
    margins: Vec<Margin>,
}

/// A number that must be above 0 for the outcome to be right: a weighted sum of votes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Margin {
    /// Weight of each candidate's votes.
    weights: Vec<i64>,
    /// The reported sum, less what was not in any batch.
    votes: i128,
    /// Sign and size by which one ballot can change the sum towards the loser.
    ballot: i128,
}

/// How the contest is won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// The most votes win.
    Plurality,
    /// More than half of the votes wins; otherwise the two leaders go on.
    MajorityOrRunoff,
}

/// Ballots that no batch shows: each is taken as a vote for the loser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Ballots not counted yet.
    pub pending: u64,
    /// Ballots that cannot be audited (see [`unauditable`]).
    pub unauditable: u64,
}

/// What was reported, or counted, in one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Votes by candidate.
    pub votes: Vec<u64>,
    /// Ballots in it.
    pub ballots: u64,
}

/// Ballots whose votes are in the contest's total and in no batch: the missing votes over the votes allowed, rounded up.
///
/// Errors: a batch of another length.
pub fn unauditable<'a>(
    tally: &Tally,
    batches: impl IntoIterator<Item = &'a Batch>,
) -> Result<u64, MethodError> {
    let mut seen = 0_u64;
    for batch in batches {
        tally.check_length(&batch.votes)?;
        seen += batch.votes.iter().sum::<u64>();
    }
    let all: u64 = tally.votes().iter().sum();
    Ok(all
        .saturating_sub(seen)
        .div_ceil(u64::from(tally.votes_allowed())))
}

impl BatchContest {
    /// The margins that must hold.
    ///
    /// With [`Law::MajorityOrRunoff`] and no majority, two go on, and for each of them its distance from half of the votes must hold
    /// as well. Errors: no loser.
    pub fn new(tally: &Tally, law: Law, unseen: Unseen) -> Result<Self, MethodError> {
        let votes = tally.votes();
        let count = votes.len();
        let sum: u64 = votes.iter().sum();
        let mut order: Vec<usize> = tally.winners().iter().chain(tally.losers()).copied().collect();
        order.dedup();
        let leader_has_majority = votes[order[0]] > sum - votes[order[0]];
        let seats = match law {
            Law::MajorityOrRunoff if !leader_has_majority => 2.min(count),
            _ => tally.winners().len(),
        };
        let (winners, losers) = order.split_at(seats);
        let mut weights: Vec<Vec<i64>> = Vec::new();
        for winner in winners {
            for loser in losers {
                let mut row = vec![0; count];
                row[*winner] = 1;
                row[*loser] = -1;
                weights.push(row);
            }
        }
        if law == Law::MajorityOrRunoff {
            for winner in winners {
                // Twice the winner's votes less all votes, or the negative where it has no majority.
                let sign = if votes[*winner] > sum - votes[*winner] {
                    1
                } else {
                    -1
                };
                let mut row = vec![-sign; count];
                row[*winner] = sign;
                weights.push(row);
            }
        }
        if weights.is_empty() {
            return Err(MethodError::NoLosers);
        }
        let lost = i128::from(unseen.pending) + i128::from(unseen.unauditable);
        let margins = weights
            .into_iter()
            .map(|weights| Margin {
                votes: weighted(&weights, votes) - lost,
                weights,
                ballot: 1,
            })
            .collect();
        Ok(Self { margins })
    }

    /// The largest error, relative to the margins, that a batch with this report can hide; nothing when a margin is not above 0.
    #[must_use]
    pub fn bound(&self, reported: &Batch) -> Option<f64> {
        self.bound_fraction(reported)
            .map(|(over, under)| over as f64 / under as f64)
    }

    fn bound_fraction(&self, reported: &Batch) -> Option<(i128, i128)> {
        self.greatest(|margin| {
            weighted(&margin.weights, &reported.votes) + i128::from(reported.ballots) * margin.ballot
        })
    }

    /// The error of a batch: by how much its report overstates the margins, relative to them, at least 0.
    #[must_use]
    pub fn error(&self, reported: &Batch, counted: &Batch) -> Option<f64> {
        self.error_fraction(reported, counted)
            .map(|(over, under)| over as f64 / under as f64)
    }

    fn error_fraction(&self, reported: &Batch, counted: &Batch) -> Option<(i128, i128)> {
        self.greatest(|margin| {
            weighted(&margin.weights, &reported.votes) - weighted(&margin.weights, &counted.votes)
        })
    }

    /// The greatest quotient of `over(margin)` and the margin, at least 0; nothing when a margin is not above 0.
    fn greatest(&self, over: impl Fn(&Margin) -> i128) -> Option<(i128, i128)> {
        let mut greatest = (0_i128, 1_i128);
        for margin in &self.margins {
            if margin.votes <= 0 {
                return None;
            }
            let next = (over(margin), margin.votes);
            if next.0 * greatest.1 > greatest.0 * next.1 {
                greatest = next;
            }
        }
        Some(greatest)
    }

    /// The bounds of all batches; nothing when only a full hand count can decide.
    #[must_use]
    pub fn bounds(&self, batches: &[Batch]) -> Option<Vec<f64>> {
        batches.iter().map(|batch| self.bound(batch)).collect()
    }
}

fn weighted(weights: &[i64], votes: &[u64]) -> i128 {
    weights
        .iter()
        .zip(votes)
        .map(|(weight, votes)| i128::from(*weight) * i128::from(*votes))
        .sum()
}

/// A batch that was drawn and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedBatch {
    /// What the drawn batch reported: its bound is that of this report.
    pub bound_by: Batch,
    /// The report that the count is compared with: of the batch, or the sum over the batches that were counted together.
    pub reported: Batch,
    /// The count.
    pub counted: Batch,
    /// How often the batch was drawn.
    pub draws: u32,
}

/// What the counted batches show.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchAssessment {
    /// The contest's risk.
    pub risk: Risk,
    /// Whether the risk is at most the limit; decided exactly where it lies near it.
    pub met: bool,
    /// By counted batch: its error over its bound.
    pub taints: Vec<f64>,
}

/// Measures the risk: the product over draws of (1 - 1/U) / (1 - taint), at most 1.
///
/// `batches` are all reported batches. A taint of 1 or more has risk 1, as has a margin that is not above 0.
/// Errors: no batches.
pub fn assess(
    contest: &BatchContest,
    batches: &[Batch],
    counted: &[CountedBatch],
    limit: &RiskLimit,
) -> Result<BatchAssessment, MethodError> {
    let none = BatchAssessment {
        risk: Risk::ONE,
        met: false,
        taints: Vec::new(),
    };
    let Some(bounds) = contest.bounds(batches) else {
        return Ok(none);
    };
    let total: f64 = bounds.iter().sum();
    if total <= 0.0 || total.is_nan() {
        return Err(MethodError::OutOfRange {
            what: "the batches' error bounds",
            range: "above 0 in sum: give the batches that were reported",
        });
    }
    let mut product = Product::default();
    let (mut ln, mut error, mut draws) = (0.0, 0.0, 0_u64);
    let mut taints = Vec::with_capacity(counted.len());
    let mut is_refuted = false;
    for batch in counted {
        let (Some(bound), Some(wrong)) = (
            contest.bound_fraction(&batch.bound_by),
            contest.error_fraction(&batch.reported, &batch.counted),
        ) else {
            return Ok(none);
        };
        // taint = (wrong.0 / wrong.1) / (bound.0 / bound.1), with a batch of bound 0 unable to hide anything.
        let (over, under) = (wrong.0 * bound.1, wrong.1 * bound.0);
        let taint = if over == 0 {
            0.0
        } else {
            over as f64 / under as f64
        };
        taints.push(taint);
        draws += u64::from(batch.draws);
        if over == 0 {
            continue;
        }
        if over >= under {
            is_refuted = true;
            continue;
        }
        let step = -f64::from(batch.draws) * libm::log1p(-taint);
        ln += step;
        // The quotient is right to four roundings, and the logarithm's slope is 1/(1 - taint).
        error +=
            f64::EPSILON * f64::from(batch.draws) * (4.0 / (1.0 - taint)) + 4.0 * f64::EPSILON * step.abs();
        product.multiply(to_u128(under), to_u128(under - over), u64::from(batch.draws));
    }
    if is_refuted || total <= 1.0 {
        return Ok(BatchAssessment { taints, ..none });
    }
    let clean = libm::log1p(-1.0 / total);
    ln += draws as f64 * clean;
    error += f64::EPSILON * draws as f64 * (bounds.len() as f64 + 8.0) / (total - 1.0)
        + 8.0 * f64::EPSILON * ln.abs();
    let risk = Risk::from_ln(ln, error);
    let met = if risk.is_at_the_edge_of(limit) {
        contest.is_exactly_within(batches, draws, product, limit)
    } else {
        risk.is_within(limit)
    };
    Ok(BatchAssessment { risk, met, taints })
}

fn to_u128(number: i128) -> u128 {
    number.unsigned_abs()
}

impl BatchContest {
    fn is_exactly_within(
        &self,
        batches: &[Batch],
        draws: u64,
        mut product: Product,
        limit: &RiskLimit,
    ) -> bool {
        // U over a common denominator: the least common multiple of the margins used.
        let Some(fractions) = batches
            .iter()
            .map(|batch| self.bound_fraction(batch))
            .collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        let mut denominator = 1_u128;
        for (_, under) in &fractions {
            let under = to_u128(*under);
            let Some(multiple) = (denominator / gcd(denominator, under)).checked_mul(under) else {
                return false;
            };
            denominator = multiple;
        }
        let numerator = fractions.iter().try_fold(0_u128, |sum, (over, under)| {
            sum.checked_add(to_u128(*over).checked_mul(denominator / to_u128(*under))?)
        });
        // Numbers beyond 128 bits: not confirmed, since not proved.
        let Some(numerator) = numerator.filter(|numerator| *numerator > denominator) else {
            return false;
        };
        product.multiply(numerator - denominator, numerator, draws);
        product.is_within(limit, false)
    }
}

fn gcd(mut left: u128, mut right: u128) -> u128 {
    while right > 0 {
        (left, right) = (right, left % right);
    }
    left
}

/// How many more draws are needed if no error turns up (one more than the bound asks for, as Arlo has it).
///
/// At most as many as there are batches; when it comes to that, or a margin is not above 0, all of them are to be counted.
/// `so_far` is the measured risk, `counted` how many distinct batches were counted. Errors: [`MethodError::FullyCounted`].
pub fn size(
    contest: &BatchContest,
    batches: &[Batch],
    limit: &RiskLimit,
    so_far: Risk,
    counted: usize,
) -> Result<u64, MethodError> {
    let all = batches.len() as u64;
    if counted >= batches.len() {
        return Err(MethodError::FullyCounted);
    }
    let Some(bounds) = contest.bounds(batches) else {
        return Ok(all);
    };
    let total: f64 = bounds.iter().sum();
    if total <= 1.0 {
        return Ok(all);
    }
    let draws =
        libm::ceil((libm::log(limit.value()) - libm::log(so_far.value)) / libm::log1p(-1.0 / total)) + 1.0;
    Ok((draws.max(0.0) as u64).min(all))
}
