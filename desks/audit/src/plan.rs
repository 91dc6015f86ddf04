//! What each method would cost: cards, rounds and hours, side by side, before anything is drawn.

mod picture;

use pollwatch_model::Problem;
use serde::{Deserialize, Serialize};

use crate::assorter::{Assertion, CardRules, CardVotes, Comparison};
use crate::election::{Contest, ContestKind, ContestVotes};
use crate::flow::event::{Audited, Method};
use crate::flow::{Claim, Frame, FrameError, OutcomeError, batch_plan, check_method, tally_of};
use crate::method::limit::RiskLimit;
use crate::method::polling::Sizes;
use crate::method::sequential::{Population, Test};
use crate::method::size::{Question, play};
use crate::method::{MethodError, bravo, minerva, providence, supersimple};

pub use picture::plan_page;

/// Audits that are played for each size: the 90 % size is then right within about 3 in 100 audits (binomial).
const PLAYS: u32 = 200;
/// The same numbers for the same question on every machine.
const PLAY_SEED: u64 = 20_161_108;
/// The chance of which the 90 % size speaks.
const CHANCE: f64 = 0.9;
/// Records that are expected to be wrong by one vote and by two, in a thousand: the rates with which Colorado's audits
/// reckon (Lindeman and Stark 2012, section "ballot-level comparison").
const EXPECTED_ONE_VOTE: f64 = 0.001;
const EXPECTED_TWO_VOTES: f64 = 0.0001;

/// What the methods would cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Every method, possible or not, in a fixed order.
    pub options: Vec<PlanOption>,
    /// The one that this program would choose; `None` where none is possible.
    pub chosen: Option<Method>,
    /// Why.
    pub because: String,
    /// Cards of the frame.
    pub cards: u64,
    /// Minutes that reading one card takes, with finding it.
    pub minutes_a_card: f64,
    /// Contests whose margin is zero, or that no assertions decide: they need a full hand count whatever the method.
    pub full_counts: Vec<String>,
}

/// What one method would cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanOption {
    /// The method.
    pub method: Method,
    /// Why it cannot be used, where it cannot.
    pub why_not: Option<String>,
    /// By contest that is drawn for.
    pub contests: Vec<ContestSize>,
    /// Cards to read, over all contests, as expected.
    pub expected: u64,
    /// Cards to read in the first round, so that it is the last in nine audits of ten.
    pub ninety: u64,
    /// Whether so many cards are needed that counting all of them is no more work.
    pub is_full_count: bool,
}

impl PlanOption {
    /// Hours of reading for so many cards.
    pub fn hours(cards: u64, minutes_a_card: f64) -> f64 {
        cards as f64 * minutes_a_card / 60.0
    }
}

/// What one contest needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContestSize {
    /// The contest.
    pub contest: String,
    /// Draws expected until it is confirmed, if the reported outcome is right.
    pub expected: u64,
    /// Draws after which it is confirmed in nine audits of ten.
    pub ninety: u64,
    /// Cards that may hold it.
    pub cards: u64,
}

/// The frame of a method, made by whoever has the files: methods differ in what they take a card for.
pub type FrameOf<'a> = dyn FnMut(Method) -> Result<Frame, FrameError> + 'a;

/// Plans an audit of the contests that are drawn for.
///
/// Errors: files that cannot be read, and outcomes that no method can audit other than by a full count.
pub fn plan(
    frame_of: &mut FrameOf<'_>,
    limit: &RiskLimit,
    minutes_a_card: f64,
) -> Result<(Plan, Vec<Problem>), OutcomeError> {
    let mut options = Vec::new();
    let mut full_counts: Vec<String> = Vec::new();
    let mut problems = Vec::new();
    let mut cards = 0;
    for method in Method::ALL {
        let option = match frame_of(method) {
            Ok(frame) => {
                if cards == 0 || method == Method::CardComparison {
                    cards = frame.cards();
                    problems = crate::flow::compare_reports(&frame);
                }
                option_of(&frame, method, limit, &mut full_counts)?
            }
            Err(error @ FrameError::Bare { .. }) => cannot(method, error.to_string()),
            Err(error) => return Err(error.into()),
        };
        options.push(option);
    }
    let (chosen, because) = choose(&options, minutes_a_card);
    Ok((
        Plan {
            options,
            chosen,
            because,
            cards,
            minutes_a_card,
            full_counts,
        },
        problems,
    ))
}

fn cannot(method: Method, why: String) -> PlanOption {
    PlanOption {
        method,
        why_not: Some(why),
        contests: Vec::new(),
        expected: 0,
        ninety: 0,
        is_full_count: false,
    }
}

/// The one with the fewest cards; of nearly equal ones the one that handles most.
fn choose(options: &[PlanOption], minutes: f64) -> (Option<Method>, String) {
    let possible: Vec<&PlanOption> = options
        .iter()
        .filter(|option| option.why_not.is_none() && !option.contests.is_empty())
        .collect();
    let Some(best) = possible.iter().min_by_key(|option| option.ninety) else {
        return (None, "no method fits these files; count by hand".to_owned());
    };
    // Ties within a tenth are decided by the order of the methods: the first one needs no replacement and carries contests
    // of every kind on one sample.
    let chosen = possible
        .iter()
        .find(|option| option.ninety as f64 <= best.ninety as f64 * 1.1)
        .unwrap_or(best);
    if chosen.is_full_count {
        return (
            Some(chosen.method),
            "every method needs so many cards that a full hand count is no more work".to_owned(),
        );
    }
    let next = possible
        .iter()
        .filter(|option| option.method != chosen.method)
        .min_by_key(|option| option.ninety);
    let saved = match next {
        Some(next) if next.ninety > chosen.ninety => format!(
            ", {} fewer than {}",
            crate::page::grouped(next.ninety - chosen.ninety),
            next.method.title()
        ),
        _ => String::new(),
    };
    (
        Some(chosen.method),
        format!(
            "it reads the fewest cards, or nearly so, and carries all contests on one sample: {} cards{saved}, about {:.1} hours",
            crate::page::grouped(chosen.ninety),
            PlanOption::hours(chosen.ninety, minutes)
        ),
    )
}

fn option_of(
    frame: &Frame,
    method: Method,
    limit: &RiskLimit,
    full_counts: &mut Vec<String>,
) -> Result<PlanOption, OutcomeError> {
    let mut contests = Vec::new();
    let mut sizes: Vec<(usize, u64, u64)> = Vec::new();
    for place in 0..frame.contests().len() {
        if frame.contests()[place].audited != Audited::Targeted {
            continue;
        }
        let claim = match Claim::of(frame, place) {
            Ok(claim) => claim,
            Err(OutcomeError::Tied { contest }) => {
                if !full_counts.contains(&contest) {
                    full_counts.push(contest);
                }
                continue;
            }
            Err(OutcomeError::CannotImply { why, .. }) => return Ok(cannot(method, why)),
            Err(error) => return Err(error),
        };
        if let Err(error) = check_method(frame, &claim, method) {
            return match error {
                OutcomeError::CannotImply { why, .. } => Ok(cannot(method, why)),
                error => Err(error),
            };
        }
        match size_of(frame, &claim, method, limit) {
            Ok(Some((expected, ninety))) => {
                sizes.push((place, expected, ninety));
                contests.push(ContestSize {
                    contest: frame.contests()[place].contest.name.clone(),
                    expected,
                    ninety,
                    cards: claim.cards,
                });
            }
            Ok(None) => {
                let name = &frame.contests()[place].contest.name;
                return Ok(cannot(
                    method,
                    format!("it compares the votes of candidates, and {name:?} is decided otherwise"),
                ));
            }
            Err(source) => {
                return Err(OutcomeError::Method {
                    contest: frame.contests()[place].contest.name.clone(),
                    source,
                });
            }
        }
    }
    let (expected, ninety) = if method.draws_again() {
        let most = |pick: fn(&ContestSize) -> u64| contests.iter().map(pick).max().unwrap_or(0);
        (most(|one| one.expected), most(|one| one.ninety))
    } else {
        distinct_cards(frame, &sizes)?
    };
    let is_full_count = ninety >= frame.cards() || contests.iter().any(|one| one.ninety >= one.cards);
    Ok(PlanOption {
        method,
        why_not: None,
        contests,
        expected,
        ninety,
        is_full_count,
    })
}

/// Distinct cards that the contests together need on average: a card is drawn when any of its contests draws it, and the
/// draws of all contests follow one order, so its chance is the greatest of theirs.
fn distinct_cards(frame: &Frame, sizes: &[(usize, u64, u64)]) -> Result<(u64, u64), FrameError> {
    let shares: Vec<(usize, f64, f64)> = sizes
        .iter()
        .map(|(place, expected, ninety)| {
            let cards = frame.stats(*place).cards().max(1) as f64;
            (*place, *expected as f64 / cards, *ninety as f64 / cards)
        })
        .collect();
    let mut sums = (0.0, 0.0);
    let mut add = |contests: &mut dyn Iterator<Item = usize>, times: f64| {
        let mut chance = (0.0_f64, 0.0_f64);
        for contest in contests {
            for (_, expected, ninety) in shares.iter().filter(|(place, _, _)| *place == contest) {
                chance = (chance.0.max(*expected), chance.1.max(*ninety));
            }
        }
        sums.0 += chance.0 * times;
        sums.1 += chance.1 * times;
    };
    let has_bare = frame
        .batches()
        .iter()
        .any(|batch| batch.kind == crate::flow::BatchKind::Bare);
    if !has_bare {
        frame.each_record(|votes: &[ContestVotes]| {
            add(&mut votes.iter().map(|votes| votes.contest.index()), 1.0);
        })?;
    }
    for (at, batch) in frame.batches().iter().enumerate() {
        let unknown = match batch.kind {
            crate::flow::BatchKind::Records { .. } => batch.cards - batch.real,
            _ => batch.cards,
        };
        if unknown > 0 {
            let present = (0..frame.contests().len()).filter(|contest| frame.county_has(at, *contest));
            add(&mut present.into_iter(), unknown as f64);
        }
    }
    Ok((sums.0.ceil() as u64, sums.1.ceil() as u64))
}

/// Expected and 90 % draws of one contest; `None` where the method cannot judge a contest of this kind.
fn size_of(
    frame: &Frame,
    claim: &Claim,
    method: Method,
    limit: &RiskLimit,
) -> Result<Option<(u64, u64)>, MethodError> {
    let contest = &frame.contests()[claim.contest].contest;
    let by_votes = matches!(contest.kind, ContestKind::Plurality | ContestKind::Approval);
    let tally = || tally_of(contest, claim);
    let capped = |draws: u64| draws.min(claim.cards);
    match method {
        Method::CardComparison => played(claim, limit, |assertion, margin| {
            comparison(claim, assertion, margin)
        }),
        Method::Polling => played(claim, limit, |assertion, margin| {
            polling(contest, claim, assertion, margin)
        }),
        Method::BatchComparison => batch_plan(frame, contest, claim, limit).map(Some),
        _ if !by_votes => Ok(None),
        Method::SuperSimple => {
            let size = supersimple::size(&tally()?, limit, supersimple::Expectation::Usual)?;
            Ok(Some((capped(size), capped(size))))
        }
        Method::Bravo => match bravo::sizes(&tally()?, &[], limit, &[CHANCE])? {
            Sizes::Draws {
                expected, by_chance, ..
            } => {
                let ninety = by_chance.first().map_or(expected, |(_, draws)| *draws);
                Ok(Some((capped(expected), capped(ninety))))
            }
            Sizes::Landslide { draws } => Ok(Some((capped(draws), capped(draws)))),
            Sizes::AllBallots => Ok(Some((claim.cards, claim.cards))),
        },
        Method::Minerva => {
            let size = minerva::round_size(&tally()?, &[], limit, CHANCE)?;
            Ok(Some((capped(size), capped(size))))
        }
        Method::Providence => {
            let size = providence::round_size(&tally()?, &[], limit, CHANCE)?;
            Ok(Some((capped(size), capped(size))))
        }
    }
}

/// A test, what it draws from, and how many cards have which value.
type Played = (Test, Population, Vec<(f64, u64)>);

/// Plays the audit of each assertion and takes the hardest; only the three with the least margins, for others end earlier.
fn played(
    claim: &Claim,
    limit: &RiskLimit,
    of: impl Fn(&Assertion, f64) -> Option<Played>,
) -> Result<Option<(u64, u64)>, MethodError> {
    let mut hardest: Vec<&(Assertion, f64)> = claim.assertions.iter().collect();
    hardest.sort_by(|a, b| {
        let scaled = |one: &(Assertion, f64)| one.1 / one.0.upper_bound();
        scaled(a).total_cmp(&scaled(b))
    });
    let mut most = (0, 0);
    for (assertion, margin) in hardest.into_iter().take(3) {
        let Some((test, population, values)) = of(assertion, *margin) else {
            return Ok(None);
        };
        let question = Question {
            test,
            population,
            values,
            repetitions: PLAYS,
            seed: PLAY_SEED,
        };
        let answer = play(&question, limit)?;
        most.0 = most.0.max(answer.mean().ceil() as u64);
        most.1 = most.1.max(answer.quantile(CHANCE));
    }
    Ok(Some(most))
}

fn comparison(claim: &Claim, assertion: &Assertion, margin: f64) -> Option<Played> {
    let comparison = Comparison {
        assertion: assertion.clone(),
        margin,
        rules: CardRules::CardStyle,
    };
    let clean = comparison.no_error();
    let population = Population::of_assorter(Some(claim.cards), comparison.upper_bound());
    let of = |rate: f64| (claim.cards as f64 * rate).round() as u64;
    let (one, two) = (of(EXPECTED_ONE_VOTE), of(EXPECTED_TWO_VOTES));
    let bound = assertion.upper_bound();
    let step = |overstatement: f64| clean * (1.0 - overstatement / bound);
    let values = vec![
        (step(0.5 * bound), one),
        (step(bound), two),
        (clean, claim.cards.saturating_sub(one + two)),
    ];
    Some((crate::flow::comparison_test(clean), population, values))
}

fn polling(contest: &Contest, claim: &Claim, assertion: &Assertion, margin: f64) -> Option<Played> {
    let population = Population::of_assorter(Some(claim.cards), assertion.upper_bound());
    let mut values: Vec<(f64, u64)> = Vec::new();
    match assertion {
        Assertion::NotEliminatedBefore { .. } | Assertion::NotEliminatedNext { .. } => {
            // Of the ballots only the margin is known here: as many for as it takes, the rest split or idle alike.
            let lead = (margin * claim.cards as f64).round() as u64;
            let rest = claim.cards.saturating_sub(lead);
            let against = rest / 2;
            values.push((1.0, lead + against));
            values.push((0.0, rest - against));
        }
        _ => {
            let mut left = claim.cards;
            for (place, votes) in claim.votes.iter().enumerate() {
                // Of a contest with several votes a card counts for one candidate: fewer idle cards than in truth at worst.
                let votes = (*votes).min(left);
                values.push((assertion.value(&CardVotes::Marks(vec![place])), votes));
                left -= votes;
            }
            values.push((0.5, left));
            if contest.votes_allowed > 1
                && let Assertion::Plurality { winner, loser } = assertion
            {
                let (won, lost) = (claim.votes[*winner], claim.votes[*loser]);
                let won = won.min(claim.cards);
                let lost = lost.min(claim.cards - won);
                values = vec![(1.0, won), (0.0, lost), (0.5, claim.cards - won - lost)];
            }
        }
    }
    Some((Test::polling((margin + 1.0) / 2.0), population, values))
}
