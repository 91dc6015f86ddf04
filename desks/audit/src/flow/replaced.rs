//! Risks of methods that draw with replacement: super-simple, BRAVO, Minerva, Providence, and batches by MACRO.

use super::assess::{AssertionResult, More};
use super::draw::Pick;
use super::event::{BatchReading, Method};
use super::frame::{Frame, FrameBatch};
use super::outcome::{Claim, words};
use crate::assorter::{Assertion, CardVotes, Hand, Recorded};
use crate::election::{Contest, ContestKind};
use crate::method::batch::{self, Batch, BatchContest, CountedBatch, Law, Unseen};
use crate::method::limit::{Risk, RiskLimit};
use crate::method::polling::{Round, Sizes};
use crate::method::supersimple::{self, ComparedCard, ErrorCounts, Expectation, OverstatementRule, Reading};
use crate::method::tally::Tally;
use crate::method::{MethodError, bravo, minerva, providence};

/// What the draws of a contest show.
pub(super) struct Shown {
    pub risk: Risk,
    pub met: bool,
    pub assertions: Vec<AssertionResult>,
    pub more: Option<More>,
    pub series: Vec<f64>,
}

/// Draws for which a risk is given after each; beyond it only at the end, for each is computed from the first draw on.
const MOST_SERIES: usize = 500;
/// The chance with which a next round ends the audit.
const CHANCE: f64 = 0.9;

/// The reported tally of a contest of plurality or approval.
///
/// Errors: votes that the cards cannot hold.
pub(crate) fn tally_of(contest: &Contest, claim: &Claim) -> Result<Tally, MethodError> {
    let allowed = match contest.kind {
        ContestKind::Approval => contest.candidates.len() as u32,
        _ => contest.votes_allowed,
    };
    Tally::new(claim.votes.clone(), claim.cards, contest.winners, allowed)
}

/// Cards against their records by Kaplan and Markov's product.
pub(super) fn super_simple(
    contest: &Contest,
    claim: &Claim,
    read: &[(Recorded, Hand)],
    limit: &RiskLimit,
) -> Result<Shown, MethodError> {
    let tally = tally_of(contest, claim)?;
    let votes = |votes: &CardVotes| {
        let mut counts = vec![0_u8; contest.candidates.len()];
        if let CardVotes::Marks(marks) = votes {
            marks.iter().for_each(|mark| counts[*mark] = 1);
        }
        Reading::Votes(counts)
    };
    let cards: Vec<ComparedCard> = read
        .iter()
        .map(|(recorded, hand)| ComparedCard {
            recorded: match recorded {
                Recorded::Card(recorded) => votes(recorded),
                Recorded::Phantom | Recorded::Pooled(_) => Reading::Absent,
            },
            hand: match hand {
                Hand::Read(hand) => votes(hand),
                Hand::NotFound => Reading::Absent,
            },
            draws: 1,
        })
        .collect();
    let judge = |cards: &[ComparedCard]| {
        supersimple::assess(&tally, cards, OverstatementRule::GreatestRelative, limit)
    };
    let judged = judge(&cards)?;
    let mut series = Vec::new();
    if cards.len() <= MOST_SERIES {
        for upto in 1..=cards.len() {
            series.push(judge(&cards[..upto])?.risk.value);
        }
    }
    let mut errors = ErrorCounts::default();
    let mut values = Vec::with_capacity(cards.len());
    for found in &judged.discrepancies {
        values.push(found.map_or(0.0, |found| found.relative));
        match found.map_or(0, |found| found.votes) {
            1 => errors.one_over += 1,
            2 => errors.two_over += 1,
            -1 => errors.one_under += 1,
            -2 => errors.two_under += 1,
            _ => {}
        }
    }
    let more = if judged.met {
        None
    } else {
        let draws = cards.len() as u64;
        let likely = supersimple::size(&tally, limit, Expectation::Observed { draws, errors })?;
        Some(More {
            at_best: likely,
            likely,
        })
    };
    Ok(Shown {
        risk: judged.risk,
        met: judged.met,
        assertions: vec![AssertionResult {
            says: "every reported winner has more votes than every loser (values: overstatement of each draw over the margin of its pair)"
                .to_owned(),
            margin: claim.margin(),
            upper_bound: 2.0,
            no_error: Some(0.0),
            values,
            risk: judged.risk.value,
        }],
        more,
        series,
    })
}

/// Cards alone. `rounds` are the draws by the end of each whole round.
pub(super) fn polling(
    method: Method,
    contest: &Contest,
    claim: &Claim,
    hands: &[Hand],
    rounds: &[u64],
    limit: &RiskLimit,
) -> Result<Shown, MethodError> {
    let tally = tally_of(contest, claim)?;
    let mut all: Vec<Round> = Vec::new();
    let mut from = 0;
    for end in rounds {
        let end = usize::try_from(*end).unwrap_or(usize::MAX).min(hands.len());
        let mut round = Round {
            ballots: 0,
            not_found: 0,
            votes: vec![0; contest.candidates.len()],
        };
        for hand in &hands[from.min(end)..end] {
            match hand {
                Hand::NotFound => round.not_found += 1,
                Hand::Read(votes) => {
                    round.ballots += 1;
                    if let CardVotes::Marks(marks) = votes {
                        marks.iter().for_each(|mark| round.votes[*mark] += 1);
                    }
                }
            }
        }
        from = end;
        all.push(round);
    }
    let assess = |rounds: &[Round]| match method {
        Method::Bravo => bravo::assess(&tally, rounds, limit),
        Method::Minerva => minerva::assess(&tally, rounds, limit),
        _ => providence::assess(&tally, rounds, limit),
    };
    let judged = assess(&all)?;
    let mut series = Vec::new();
    for upto in 1..=all.len() {
        series.push(assess(&all[..upto])?.risk.value);
    }
    let drawn = hands.len() as u64;
    let more = if judged.met {
        None
    } else {
        let further = match method {
            Method::Bravo => match bravo::sizes(&tally, &all, limit, &[CHANCE]) {
                Ok(Sizes::Draws {
                    by_chance, expected, ..
                }) => by_chance.first().map_or(expected, |(_, draws)| *draws),
                Ok(Sizes::Landslide { draws }) => draws,
                Ok(Sizes::AllBallots) | Err(_) => claim.cards,
            },
            Method::Minerva => minerva::round_size(&tally, &all, limit, CHANCE)
                .map_or(claim.cards, |size| size.saturating_sub(drawn)),
            _ => providence::round_size(&tally, &all, limit, CHANCE)
                .map_or(claim.cards, |size| size.saturating_sub(drawn)),
        };
        Some(More {
            at_best: further,
            likely: further,
        })
    };
    Ok(Shown {
        risk: judged.risk,
        met: judged.met,
        assertions: judged
            .pairs
            .iter()
            .map(|(pair, risk)| {
                let assertion = Assertion::Plurality {
                    winner: pair.winner,
                    loser: pair.loser,
                };
                let margin = assertion
                    .reported_margin(&claim.votes, claim.cards)
                    .unwrap_or(0.0);
                AssertionResult {
                    says: words(contest, &assertion),
                    margin,
                    upper_bound: 1.0,
                    no_error: None,
                    values: hands
                        .iter()
                        .map(|hand| match hand {
                            Hand::Read(votes) => assertion.value(votes),
                            Hand::NotFound => 0.0,
                        })
                        .collect(),
                    risk: risk.value,
                }
            })
            .collect(),
        more,
        series,
    })
}

/// Draws that a contest has in all by the end of round `round` (from 1) of a Minerva audit whose first round had `first`: each
/// further round draws half as many again as the one before it.
///
/// Minerva's risk limit holds when the sizes of the rounds do not depend on what was read (Zagorski et al., arXiv 2008.02315,
/// section 3), so they are fixed by the first; the factor is the one that Arlo takes.
pub fn minerva_draws(first: u64, round: u32) -> u64 {
    let mut sum: u64 = 0;
    let mut next = first as f64;
    for _ in 0..round {
        sum = sum.saturating_add(libm::floor(next) as u64);
        next *= 1.5;
    }
    sum
}

/// Whether the ends of rounds are those that follow from the first.
pub(super) fn follows_minerva(ends: &[u64]) -> bool {
    let first = ends.first().copied().unwrap_or(0);
    (1..)
        .zip(ends)
        .all(|(round, end)| *end == minerva_draws(first, round))
}

/// The reports of all batches and the contest's margins over them.
pub(super) struct Batches {
    pub contest: BatchContest,
    pub reported: Vec<Batch>,
    /// The greatest error that each can hide; `None` when only a full count can decide.
    pub bounds: Option<Vec<f64>>,
}

/// The batches of a contest as MACRO takes them.
///
/// Errors: votes that the cards cannot hold. A batch without a tally is taken as one in which nobody has a vote.
pub(super) fn batches_of(frame: &Frame, contest: &Contest, claim: &Claim) -> Result<Batches, MethodError> {
    let tally = match contest.kind {
        ContestKind::MajorityOrRunoff => {
            Tally::new(claim.votes.clone(), claim.cards, 1, contest.votes_allowed)?
        }
        _ => tally_of(contest, claim)?,
    };
    let law = match contest.kind {
        ContestKind::MajorityOrRunoff => Law::MajorityOrRunoff,
        _ => Law::Plurality,
    };
    let reported: Vec<Batch> = frame
        .batches()
        .iter()
        .enumerate()
        .map(|(at, batch)| Batch {
            votes: frame
                .tally(at, claim.contest)
                .unwrap_or_else(|| vec![0; contest.candidates.len()]),
            ballots: if frame.county_has(at, claim.contest) {
                batch.cards
            } else {
                0
            },
        })
        .collect();
    let unauditable = batch::unauditable(&tally, &reported)?;
    let contest = BatchContest::new(
        &tally,
        law,
        Unseen {
            pending: 0,
            unauditable,
        },
    )?;
    let bounds = contest.bounds(&reported);
    Ok(Batches {
        contest,
        reported,
        bounds,
    })
}

/// Batches against their tallies.
pub(super) fn batches(
    frame: &Frame,
    contest: &Contest,
    claim: &Claim,
    read: &[(&Pick, &BatchReading)],
    limit: &RiskLimit,
) -> Result<Shown, MethodError> {
    let all = batches_of(frame, contest, claim)?;
    let counted: Vec<CountedBatch> = read
        .iter()
        .map(|(pick, reading)| {
            let reported = all.reported[pick.card.batch].clone();
            let votes = reading.votes.get(&contest.name);
            CountedBatch {
                bound_by: reported.clone(),
                reported,
                counted: Batch {
                    votes: contest
                        .candidates
                        .iter()
                        .map(|one| votes.and_then(|votes| votes.get(&one.name)).copied().unwrap_or(0))
                        .collect(),
                    ballots: reading.cards,
                },
                draws: 1,
            }
        })
        .collect();
    let judged = batch::assess(&all.contest, &all.reported, &counted, limit)?;
    let distinct: std::collections::BTreeSet<usize> = read.iter().map(|(pick, _)| pick.card.batch).collect();
    let more = if judged.met {
        None
    } else {
        batch::size(&all.contest, &all.reported, limit, judged.risk, distinct.len())
            .ok()
            .map(|draws| More {
                at_best: draws,
                likely: draws,
            })
    };
    let mut series = Vec::new();
    if counted.len() <= MOST_SERIES {
        for upto in 1..=counted.len() {
            series.push(
                batch::assess(&all.contest, &all.reported, &counted[..upto], limit)?
                    .risk
                    .value,
            );
        }
    }
    Ok(Shown {
        risk: judged.risk,
        met: judged.met,
        assertions: vec![AssertionResult {
            says: "the reported outcome over all batches (values: the error of each drawn batch over the greatest that it could hide)"
                .to_owned(),
            margin: claim.margin(),
            upper_bound: 1.0,
            no_error: Some(0.0),
            values: judged.taints,
            risk: judged.risk.value,
        }],
        more,
        series,
    })
}

/// The name of a batch as tickets hash it: what Python prints for the tuple of container, tabulator and batch, the county first
/// where there is one; parts that are empty are left out.
pub(super) fn ticket_key(frame: &Frame, batch: &FrameBatch) -> String {
    let county = &frame.counties()[batch.county].name;
    let parts: Vec<&str> = [
        county.as_str(),
        &batch.id.container,
        &batch.id.tabulator,
        &batch.id.batch,
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect();
    crate::draw::repr::tuple_of_texts(&parts)
}

/// Cards that MACRO is expected to count, and to count in the draws of its first round: draws times the cards of a batch as it is
/// drawn, each batch once.
///
/// Errors: votes that the cards cannot hold.
pub(crate) fn batch_plan(
    frame: &Frame,
    contest: &Contest,
    claim: &Claim,
    limit: &RiskLimit,
) -> Result<(u64, u64), MethodError> {
    let all = batches_of(frame, contest, claim)?;
    let Some(bounds) = &all.bounds else {
        return Ok((claim.cards, claim.cards));
    };
    let draws = batch::size(&all.contest, &all.reported, limit, Risk::ONE, 0)?;
    let total: f64 = bounds.iter().sum();
    let cards: f64 = bounds
        .iter()
        .zip(&all.reported)
        .map(|(bound, batch)| {
            // The chance that a batch is drawn at all in so many draws.
            let missed = libm::exp(draws as f64 * libm::log1p(-(bound / total).min(1.0 - f64::EPSILON)));
            batch.ballots as f64 * (1.0 - missed)
        })
        .sum();
    let cards = (libm::ceil(cards) as u64).min(claim.cards);
    Ok((cards, cards))
}

/// Draws of batches for a first round.
///
/// Errors: as for [`batch_plan`].
pub fn batch_draws(
    frame: &Frame,
    place: usize,
    claim: &Claim,
    limit: &RiskLimit,
) -> Result<u64, MethodError> {
    let contest = &frame.contests()[place].contest;
    let all = batches_of(frame, contest, claim)?;
    batch::size(&all.contest, &all.reported, limit, Risk::ONE, 0)
}
