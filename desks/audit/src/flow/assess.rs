//! What the hand readings say: for each contest its risk, and what comes next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::draw::{Draw, Pick};
use super::event::{Audited, CardKey, Committed, Marked, Method, Reading};
use super::frame::{Frame, FrameError, Paper};
use super::outcome::{Claim, OutcomeError, card_votes, names, winners_by, words};
use super::ranked;
use super::reading::{marked_of, votes_of};
use super::replaced::{self, Shown};
use super::state::{Known, State};
use crate::assorter::{CardRules, CardVotes, Comparison, Hand, Recorded, pool_mean};
use crate::election::{Contest, ContestId};
use crate::method::MethodError;
use crate::method::limit::{Risk, RiskLimit};
use crate::method::sequential::{AdaptiveBet, Population, Runner, Test};

/// Error rates that a comparison expects before it has seen a card, as audits in Colorado take them: 1 in 1,000 cards is
/// wrong by one vote, 1 in 10,000 by two, in either direction (colorado-rla, default settings). They set the bets only; the
/// risk is valid whatever the rates are.
const EXPECTED_ERRORS: [f64; 4] = [0.0001, 0.001, 0.001, 0.0001];
/// Cards that those rates weigh as much as. At 1,000, the rates that the sample shows count as much once as many are read.
const EXPECTED_WEIGHT: f64 = 1_000.0;
/// Largest share of the stake that one card may lose: one card read as its worst must not end all hope (rlauxe takes the same).
const LARGEST_LOSS: f64 = 0.9;

/// What keeps an audit from being assessed.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    /// Files cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The outcome cannot be audited.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    /// A risk cannot be computed.
    #[error("{contest:?}: {source}")]
    Method {
        /// The contest.
        contest: String,
        /// Why.
        #[source]
        source: MethodError,
    },
    /// Nothing was drawn yet.
    #[error("{0}")]
    TooEarly(&'static str),
    /// The risk limit cannot be read.
    #[error("the risk limit {0:?} is not between 0 and 1")]
    RiskLimit(String),
}

/// What an audit came to so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Version of this format: 1.
    pub schema: u32,
    /// How cards are drawn and risks measured.
    pub method: Method,
    /// The risk limit, as it was written.
    pub risk_limit: String,
    /// Draws so far.
    pub draws: u64,
    /// Distinct cards, or batches, drawn, phantoms included.
    pub distinct: u64,
    /// Of them those that somebody has read, or that are phantoms.
    pub read: u64,
    /// Drawn and not read.
    pub unread: Vec<CardKey>,
    /// Readings that differ and wait to be settled.
    pub disagreements: Vec<CardKey>,
    /// By contest, in the order of the audit.
    pub contests: Vec<ContestResult>,
}

/// What one contest came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContestResult {
    /// The contest.
    pub contest: String,
    /// How it is audited.
    pub audited: Audited,
    /// What it came to.
    pub verdict: Verdict,
    /// Upper bound on the risk; `None` where no risk can be given, as after a full count.
    pub risk: Option<f64>,
    /// Draws that the risk rests on: all before the first that is not read.
    pub draws: u64,
    /// Draws that it has.
    pub drawn: u64,
    /// Cards that may hold it.
    pub cards: u64,
    /// Who was reported to have won.
    pub winners: Vec<String>,
    /// Who won by a full hand count, where it is not the same.
    pub corrected: Option<Vec<String>>,
    /// Votes by a full hand count, by candidate.
    pub hand_count: Option<BTreeMap<String, u64>>,
    /// What must be true, each with its risk.
    pub assertions: Vec<AssertionResult>,
    /// Cards that say otherwise than their records, those that cost nothing included.
    pub differences: Vec<Difference>,
    /// How many more draws are likely to be needed; `None` where that is not a question, or nobody can say.
    pub more: Option<More>,
    /// The contest's risk after each draw, the largest of its assertions', each at its least so far.
    pub series: Vec<f64>,
    /// Why, where the verdict needs a reason.
    pub because: Option<String>,
}

/// What a contest came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The risk is within the limit, or a full hand count gave the same winners.
    Confirmed,
    /// More cards are needed, or drawn cards are not read.
    NotYet,
    /// Only a full hand count can tell.
    FullCount,
    /// A full hand count gave other winners.
    Wrong,
    /// It was not looked at, or no card of it was drawn.
    NotAudited,
}

impl Verdict {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Confirmed => "confirmed",
            Verdict::NotYet => "not-yet",
            Verdict::FullCount => "full-count",
            Verdict::Wrong => "wrong",
            Verdict::NotAudited => "not-audited",
        }
    }

    /// The word for people.
    pub fn title(self) -> &'static str {
        match self {
            Verdict::Confirmed => "confirmed",
            Verdict::NotYet => "not yet confirmed",
            Verdict::FullCount => "full hand count needed",
            Verdict::Wrong => "REPORTED OUTCOME IS WRONG",
            Verdict::NotAudited => "not audited",
        }
    }
}

/// An assertion and its risk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssertionResult {
    /// What it says.
    pub says: String,
    /// Its reported margin over the cards that may hold the contest.
    pub margin: f64,
    /// The largest value that a card can have.
    pub upper_bound: f64,
    /// The value of a card that is read as it was recorded; `None` in a polling audit.
    pub no_error: Option<f64>,
    /// Values of the cards in the order of their draws: the risk is a function of these.
    pub values: Vec<f64>,
    /// The risk.
    pub risk: f64,
}

/// A card that says otherwise than its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The card.
    pub card: CardKey,
    /// How often it was drawn.
    pub times: u32,
    /// What the record says; `None` where the contest is not on the record.
    pub record: Option<Marked>,
    /// What the paper says; `None` where the contest is not on the paper, or the paper was not found.
    pub hand: Option<Marked>,
    /// Whether the paper was found.
    pub found: bool,
    /// By how many votes the record overstates the reported margin at worst, over all assertions: below 0 where the paper
    /// is better for the reported winner, 0 where it makes no difference.
    pub overstatement: f64,
}

/// How many more draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct More {
    /// If no further difference is found.
    pub at_best: u64,
    /// If differences go on as often as so far.
    pub likely: u64,
}

/// A risk as text that never says less than it is: two digits, rounded up, in percent.
pub fn risk_text(risk: f64) -> String {
    let percent = risk * 100.0;
    if percent >= 100.0 {
        return "100 %".to_owned();
    }
    // Nobody is helped by more noughts.
    if percent < 0.01 {
        return "less than 0.01 %".to_owned();
    }
    let digits = if percent >= 10.0 {
        0
    } else if percent >= 1.0 {
        1
    } else {
        2
    };
    let scale = 10_f64.powi(digits);
    format!("{:.*} %", digits as usize, (percent * scale).ceil() / scale)
}

/// A risk limit as people say it: `0.05` is 5 %.
pub fn limit_text(limit: &str) -> String {
    match limit.parse::<RiskLimit>() {
        Ok(limit) => {
            let percent = format!("{:.6}", limit.value() * 100.0);
            format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
        }
        Err(_) => limit.to_owned(),
    }
}

/// Assesses every contest by the readings so far.
///
/// Errors: [`AssessError`]; a contest whose margin is zero is no error but needs a full count.
pub fn assess(
    frame: &Frame,
    state: &State,
    committed: &Committed,
    draw: &Draw,
) -> Result<Assessment, AssessError> {
    let opened = state
        .opened()
        .ok_or(AssessError::TooEarly("the audit is not open"))?;
    let limit: RiskLimit = opened
        .risk_limit
        .parse()
        .map_err(|_| AssessError::RiskLimit(opened.risk_limit.clone()))?;
    let mut contests = Vec::new();
    for place in 0..frame.contests().len() {
        contests.push(assess_contest(
            frame,
            state,
            committed.method,
            draw,
            place,
            &limit,
        )?);
    }
    let mut distinct: BTreeMap<&CardKey, bool> = BTreeMap::new();
    for pick in &draw.picks {
        let is_read = pick.card.paper == Paper::Phantom
            || matches!(state.reading(&pick.card.key), Known::One(_))
            || matches!(state.batch_count(&pick.card.key), Known::One(_));
        distinct.insert(&pick.card.key, is_read);
    }
    let unread = draw
        .retrieval()
        .into_iter()
        .filter(|(card, _)| {
            matches!(state.reading(&card.key), Known::Nothing)
                && matches!(state.batch_count(&card.key), Known::Nothing)
        })
        .map(|(card, _)| card.key.clone())
        .collect();
    Ok(Assessment {
        schema: 1,
        method: committed.method,
        risk_limit: opened.risk_limit.clone(),
        draws: draw.picks.len() as u64,
        distinct: distinct.len() as u64,
        read: distinct.values().filter(|is_read| **is_read).count() as u64,
        unread,
        disagreements: state.disagreements().into_iter().cloned().collect(),
        contests,
    })
}

fn assess_contest(
    frame: &Frame,
    state: &State,
    method: Method,
    draw: &Draw,
    place: usize,
    limit: &RiskLimit,
) -> Result<ContestResult, AssessError> {
    let plan = frame.contests()[place].clone();
    let contest = &plan.contest;
    let mut result = ContestResult {
        contest: contest.name.clone(),
        audited: plan.audited,
        verdict: Verdict::NotAudited,
        risk: None,
        draws: 0,
        drawn: 0,
        cards: frame.stats(place).cards(),
        winners: contest
            .reported
            .as_ref()
            .map(|reported| {
                names(
                    contest,
                    &reported.winners.iter().map(|w| w.index()).collect::<Vec<_>>(),
                )
            })
            .unwrap_or_default(),
        corrected: None,
        hand_count: None,
        assertions: Vec::new(),
        differences: Vec::new(),
        more: None,
        series: Vec::new(),
        because: None,
    };
    if plan.audited == Audited::No {
        return Ok(result);
    }
    let claim = match Claim::of(frame, place) {
        Ok(claim) => Some(claim),
        Err(error @ OutcomeError::Tied { .. }) => {
            result.verdict = Verdict::FullCount;
            result.because = Some(error.to_string());
            None
        }
        // What was committed was a claim; anything else is a fault of the files.
        Err(error) => return Err(error.into()),
    };
    if let Some(claim) = &claim {
        result.winners = names(contest, &claim.winners);
        result.cards = claim.cards;
        let picks: Vec<&Pick> = draw
            .of_contest
            .get(&place)
            .map(|places| places.iter().map(|at| &draw.picks[*at]).collect())
            .unwrap_or_default();
        result.drawn = picks.len() as u64;
        if !picks.is_empty() {
            measure(frame, state, method, claim, contest, &picks, limit, &mut result)?;
        }
    }
    if let Some(because) = state.escalated().get(&contest.name) {
        result.verdict = Verdict::FullCount;
        result.because = Some(because.clone());
        result.more = None;
    }
    if let Some(counted) = state.full_count(&contest.name) {
        let votes: Vec<u64> = contest
            .candidates
            .iter()
            .map(|candidate| counted.votes.get(&candidate.name).copied().unwrap_or(0))
            .collect();
        let due = real_cards(frame, place);
        if counted.cards < due {
            result.verdict = Verdict::FullCount;
            result.because = Some(format!(
                "{} cards were counted by hand, and {due} may hold the contest",
                counted.cards
            ));
            return Ok(result);
        }
        let winners = winners_of_count(contest, &votes);
        by_full_count(contest, claim.as_ref(), &votes, winners, &mut result);
    }
    Ok(result)
}

/// Cards that may hold a contest and that somebody can look at: phantoms are no paper.
pub fn real_cards(frame: &Frame, place: usize) -> u64 {
    let phantoms: u64 = frame
        .batches()
        .iter()
        .enumerate()
        .filter(|(at, _)| frame.county_has(*at, place))
        .map(|(_, batch)| batch.cards - batch.real)
        .sum();
    frame.stats(place).cards().saturating_sub(phantoms)
}

/// What a count of every card says. No risk belongs to it.
fn by_full_count(
    contest: &Contest,
    claim: Option<&Claim>,
    votes: &[u64],
    winners: Option<Vec<usize>>,
    result: &mut ContestResult,
) {
    result.hand_count = Some(
        contest
            .candidates
            .iter()
            .zip(votes)
            .map(|(candidate, votes)| (candidate.name.clone(), *votes))
            .collect(),
    );
    result.risk = None;
    result.more = None;
    let reported: Option<Vec<usize>> = claim
        .map(|claim| {
            let mut winners = claim.winners.clone();
            winners.sort_unstable();
            winners
        })
        .or_else(|| {
            let reported = contest.reported.as_ref()?;
            let mut winners: Vec<usize> = reported.winners.iter().map(|winner| winner.index()).collect();
            winners.sort_unstable();
            Some(winners)
        });
    match winners {
        None => {
            result.verdict = Verdict::FullCount;
            result.because = Some(
                "the full hand count is tied for the last seat: the law says how that is decided".to_owned(),
            );
        }
        Some(winners) if reported.as_ref() == Some(&winners) => {
            result.verdict = Verdict::Confirmed;
            result.because = Some("every card was counted by hand".to_owned());
        }
        Some(winners) => {
            result.verdict = Verdict::Wrong;
            result.corrected = Some(names(contest, &winners));
            result.because = Some("every card was counted by hand".to_owned());
        }
    }
}

/// Winners of a full count; of a ranked contest by the tally of its last round.
fn winners_of_count(contest: &Contest, votes: &[u64]) -> Option<Vec<usize>> {
    if contest.kind != crate::election::ContestKind::Irv {
        return winners_by(contest, votes);
    }
    let most = votes.iter().max()?;
    let leaders: Vec<usize> = (0..votes.len()).filter(|place| votes[*place] == *most).collect();
    (leaders.len() == 1).then_some(leaders)
}

#[allow(
    clippy::too_many_arguments,
    reason = "each is a different thing, and there is one caller"
)]
fn measure(
    frame: &Frame,
    state: &State,
    method: Method,
    claim: &Claim,
    contest: &Contest,
    picks: &[&Pick],
    limit: &RiskLimit,
    result: &mut ContestResult,
) -> Result<(), AssessError> {
    let fail = |source| AssessError::Method {
        contest: contest.name.clone(),
        source,
    };
    if method == Method::BatchComparison {
        return measure_batches(frame, state, claim, contest, picks, limit, result);
    }
    // The readings up to the first draw that has none: a risk may be looked at after any draw, but not past a gap.
    let mut read: Vec<(&Pick, Hand)> = Vec::new();
    for pick in picks {
        match hand_of(state, pick, contest) {
            Some(hand) => read.push((pick, hand)),
            None => break,
        }
    }
    let all_read = read.len() == picks.len();
    result.differences = differences(state, contest, claim, picks);
    let shown = match method {
        Method::CardComparison | Method::Polling => {
            by_assertions(frame, method, claim, contest, &read, limit)
        }
        Method::SuperSimple => {
            let compared: Vec<(Recorded, Hand)> = read
                .iter()
                .map(|(pick, hand)| {
                    let assertion = &claim.assertions[0].0;
                    let (recorded, _) = recorded_of(frame, claim, contest, assertion, pick);
                    (recorded, hand.clone())
                })
                .collect();
            replaced::super_simple(contest, claim, &compared, limit)
        }
        Method::Bravo | Method::Minerva | Method::Providence => {
            // These are judged when a round ends, and only then.
            let ends = round_ends(state, contest);
            let whole: Vec<u64> = ends.into_iter().filter(|end| *end <= read.len() as u64).collect();
            read.truncate(whole.last().map_or(0, |end| *end as usize));
            let hands: Vec<Hand> = read.iter().map(|(_, hand)| hand.clone()).collect();
            if method == Method::Minerva && !replaced::follows_minerva(&whole) {
                result.because = Some(
                    "Minerva is valid only when the sizes of all rounds follow from the first, and these do not: its risk cannot be told"
                        .to_owned(),
                );
                result.verdict = Verdict::FullCount;
                return Ok(());
            }
            replaced::polling(method, contest, claim, &hands, &whole, limit)
        }
        Method::BatchComparison => unreachable!("batches have their own way"),
    }
    .map_err(fail)?;
    result.draws = read.len() as u64;
    let (is_met, more) = (shown.met, shown.more);
    result.take(shown);
    let distinct: std::collections::BTreeSet<&CardKey> =
        read.iter().map(|(pick, _)| &pick.card.key).collect();
    let has_unseen = picks.iter().any(|pick| pick.card.paper == Paper::Phantom);
    if distinct.len() as u64 == claim.cards && !has_unseen {
        // Every card that may hold it was read: the count decides, and no risk.
        let votes = sum_of(contest, &read);
        let winners = match contest.kind {
            crate::election::ContestKind::Irv => {
                // Every card once, however often it was drawn.
                let once: BTreeMap<&CardKey, &Hand> =
                    read.iter().map(|(pick, hand)| (&pick.card.key, hand)).collect();
                ranked::winners_by_hand(contest, &once.into_values().collect::<Vec<_>>())
            }
            _ => winners_by(contest, &votes),
        };
        by_full_count(contest, Some(claim), &votes, winners, result);
        return Ok(());
    }
    conclude(claim, picks.len(), all_read, is_met, more, result);
    Ok(())
}

/// The verdict of a sample.
fn conclude(
    claim: &Claim,
    drawn: usize,
    all_read: bool,
    is_met: bool,
    more: Option<More>,
    result: &mut ContestResult,
) {
    result.verdict = if is_met && all_read {
        Verdict::Confirmed
    } else if result.draws >= claim.cards || more.is_some_and(|more| more.at_best >= claim.cards) {
        result.because =
            Some("so many cards would be needed that counting them all is no more work".to_owned());
        Verdict::FullCount
    } else {
        if !all_read {
            result.because = Some(format!(
                "{} of {drawn} draws of this contest have no reading yet",
                drawn as u64 - result.draws
            ));
        }
        result.more = more;
        Verdict::NotYet
    };
}

/// Draws that a contest has by the end of each round; one that is not drawn for counts all.
fn round_ends(state: &State, contest: &Contest) -> Vec<u64> {
    let mut ends: Vec<u64> = state
        .rounds()
        .iter()
        .map(|round| {
            let most = round.draws.values().copied().max().unwrap_or(0);
            round.draws.get(&contest.name).copied().unwrap_or(most)
        })
        .collect();
    // A round in which nothing was drawn for it is none of its rounds.
    ends.dedup();
    ends
}

fn measure_batches(
    frame: &Frame,
    state: &State,
    claim: &Claim,
    contest: &Contest,
    picks: &[&Pick],
    limit: &RiskLimit,
    result: &mut ContestResult,
) -> Result<(), AssessError> {
    let mut read = Vec::new();
    for pick in picks {
        match state.batch_count(&pick.card.key) {
            Known::One(reading) => read.push((*pick, reading)),
            Known::Nothing | Known::Disagreement(_) => break,
        }
    }
    let all_read = read.len() == picks.len();
    result.draws = read.len() as u64;
    let distinct: BTreeMap<usize, &super::event::BatchReading> = read
        .iter()
        .map(|(pick, reading)| (pick.card.batch, *reading))
        .collect();
    if distinct.len() == frame.batches().len() {
        let votes: Vec<u64> = contest
            .candidates
            .iter()
            .map(|one| {
                distinct
                    .values()
                    .filter_map(|reading| reading.votes.get(&contest.name)?.get(&one.name))
                    .sum()
            })
            .collect();
        let winners = winners_by(contest, &votes);
        by_full_count(contest, Some(claim), &votes, winners, result);
        return Ok(());
    }
    let shown =
        replaced::batches(frame, contest, claim, &read, limit).map_err(|source| AssessError::Method {
            contest: contest.name.clone(),
            source,
        })?;
    let (is_met, more) = (shown.met, shown.more);
    result.take(shown);
    conclude(claim, picks.len(), all_read, is_met, more, result);
    Ok(())
}

/// Each assertion by its own sequential test; the contest's risk is the largest.
fn by_assertions(
    frame: &Frame,
    method: Method,
    claim: &Claim,
    contest: &Contest,
    read: &[(&Pick, Hand)],
    limit: &RiskLimit,
) -> Result<Shown, MethodError> {
    let mut shown = Shown {
        risk: Risk {
            value: 0.0,
            relative_error: 0.0,
        },
        met: true,
        assertions: Vec::new(),
        more: None,
        series: vec![0.0_f64; read.len()],
    };
    for (assertion, margin) in &claim.assertions {
        let (test, population, values, no_error) = test_of(frame, method, claim, assertion, *margin, read);
        let mut runner = Runner::new(&test, population)?;
        for (at, value) in values.iter().enumerate() {
            runner.push(*value)?;
            shown.series[at] = shown.series[at].max(runner.risk().value);
        }
        let risk = runner.risk();
        if !risk.is_within(limit) {
            shown.met = false;
            let clean = no_error.unwrap_or((margin + 1.0) / 2.0);
            let needed = likely_more(&runner, &values, clean, claim.cards, limit);
            shown.more = Some(shown.more.map_or(needed, |more| More {
                at_best: more.at_best.max(needed.at_best),
                likely: more.likely.max(needed.likely),
            }));
        }
        shown.risk = shown.risk.max(risk);
        shown.assertions.push(AssertionResult {
            says: words(contest, assertion),
            margin: *margin,
            upper_bound: population.upper_bound,
            no_error,
            values,
            risk: upper(risk),
        });
    }
    Ok(shown)
}

impl ContestResult {
    fn take(&mut self, shown: Shown) {
        self.risk = Some(upper(shown.risk));
        self.assertions = shown.assertions;
        self.series = shown.series;
    }
}

/// What is certain of a risk: its value and the most that rounding can have taken away.
fn upper(risk: Risk) -> f64 {
    (risk.value * (1.0 + risk.relative_error)).min(1.0)
}

/// The votes that were read, of distinct cards.
fn sum_of(contest: &Contest, read: &[(&Pick, Hand)]) -> Vec<u64> {
    let mut seen = std::collections::BTreeSet::new();
    let mut votes = vec![0; contest.candidates.len()];
    for (pick, hand) in read {
        if !seen.insert(&pick.card.key) {
            continue;
        }
        match hand {
            Hand::Read(CardVotes::Marks(marks)) => marks.iter().for_each(|mark| votes[*mark] += 1),
            Hand::Read(CardVotes::Ranks(ranks)) => ranks.iter().take(1).for_each(|first| votes[*first] += 1),
            Hand::Read(CardVotes::NotOnCard) | Hand::NotFound => {}
        }
    }
    votes
}

/// What people found for a draw; `None` while nobody has looked, or readings differ.
fn hand_of(state: &State, pick: &Pick, contest: &Contest) -> Option<Hand> {
    if pick.card.paper == Paper::Phantom {
        return Some(Hand::NotFound);
    }
    match state.reading(&pick.card.key) {
        Known::One(reading) if reading.found => Some(Hand::Read(hand_votes(contest, reading))),
        Known::One(_) => Some(Hand::NotFound),
        Known::Nothing | Known::Disagreement(_) => None,
    }
}

fn hand_votes(contest: &Contest, reading: &Reading) -> CardVotes {
    let votes = reading
        .votes
        .get(&contest.name)
        // The reducer took no reading that this refuses.
        .and_then(|marked| votes_of(contest, ContestId(0), marked).ok());
    card_votes(contest, votes.as_ref())
}

fn recorded_of(
    frame: &Frame,
    claim: &Claim,
    contest: &Contest,
    assertion: &crate::assorter::Assertion,
    pick: &Pick,
) -> (Recorded, CardRules) {
    match &pick.card.paper {
        Paper::Record {
            votes,
            withheld: false,
            ..
        } => {
            let votes = votes.iter().find(|votes| votes.contest.index() == claim.contest);
            (Recorded::Card(card_votes(contest, votes)), CardRules::CardStyle)
        }
        // Nothing is known of it, and it need not hold the contest.
        Paper::Record { .. } | Paper::Bare | Paper::Batch => (Recorded::Phantom, CardRules::AllCards),
        Paper::Phantom => (Recorded::Phantom, CardRules::CardStyle),
        Paper::Pool => {
            let mean = frame.tally(pick.card.batch, claim.contest).and_then(|votes| {
                let cards = frame.batches()[pick.card.batch].cards;
                pool_mean(assertion, &votes, cards)
            });
            (Recorded::Pooled(mean.unwrap_or(0.5)), CardRules::AllCards)
        }
    }
}

/// The test of one assertion, what it draws from, and the values of the cards that were read.
fn test_of(
    frame: &Frame,
    method: Method,
    claim: &Claim,
    assertion: &crate::assorter::Assertion,
    margin: f64,
    read: &[(&Pick, Hand)],
) -> (Test, Population, Vec<f64>, Option<f64>) {
    let contest = &frame.contests()[claim.contest].contest;
    if method == Method::Polling {
        let values = read
            .iter()
            .map(|(_, hand)| match hand {
                Hand::Read(votes) => assertion.value(votes),
                Hand::NotFound => 0.0,
            })
            .collect();
        let population = Population::of_assorter(Some(claim.cards), assertion.upper_bound());
        return (Test::polling((margin + 1.0) / 2.0), population, values, None);
    }
    let comparison = |rules| Comparison {
        assertion: assertion.clone(),
        margin,
        rules,
    };
    let styled = comparison(CardRules::CardStyle);
    let values = read
        .iter()
        .map(|(pick, hand)| {
            let (recorded, rules) = recorded_of(frame, claim, contest, assertion, pick);
            comparison(rules).value(&recorded, hand)
        })
        .collect();
    let population = Population::of_assorter(Some(claim.cards), styled.upper_bound());
    let test = comparison_test(styled.no_error());
    (test, population, values, Some(styled.no_error()))
}

/// The test by which cards are compared with their records: bets that learn the rate of errors (COBRA).
pub fn comparison_test(no_error: f64) -> Test {
    Test::BetAdaptive(AdaptiveBet {
        no_error,
        expected: EXPECTED_ERRORS,
        weight: EXPECTED_WEIGHT,
        largest_loss: LARGEST_LOSS,
        pooled: Vec::new(),
    })
}

/// How many more draws: with no further difference, and with differences as often as so far.
fn likely_more(runner: &Runner<'_>, values: &[f64], clean: f64, cards: u64, limit: &RiskLimit) -> More {
    let left = cards.saturating_sub(values.len() as u64);
    let go_on = |value_of: &dyn Fn(u64) -> f64| -> u64 {
        let mut runner = runner.clone();
        for further in 0..left {
            if runner.risk().is_within(limit) {
                return further;
            }
            if runner.push(value_of(further)).is_err() {
                return left;
            }
        }
        left
    };
    let at_best = go_on(&|_| clean);
    let errors: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| *value < clean - 1e-12)
        .collect();
    let likely = if errors.is_empty() {
        at_best
    } else {
        // Spread evenly, each kind as often as it was seen.
        let every = (values.len() as u64 / errors.len() as u64).max(1);
        go_on(&|further| {
            if further % every == every - 1 {
                errors[(further / every) as usize % errors.len()]
            } else {
                clean
            }
        })
    };
    More { at_best, likely }
}

fn differences(state: &State, contest: &Contest, claim: &Claim, picks: &[&Pick]) -> Vec<Difference> {
    let mut found: BTreeMap<&CardKey, Difference> = BTreeMap::new();
    for pick in picks {
        if let Some(known) = found.get_mut(&pick.card.key) {
            known.times += 1;
            continue;
        }
        let Paper::Record {
            votes,
            withheld: false,
            ..
        } = &pick.card.paper
        else {
            continue;
        };
        let Known::One(reading) = state.reading(&pick.card.key) else {
            continue;
        };
        let recorded = votes.iter().find(|votes| votes.contest.index() == claim.contest);
        let record = recorded.map(|votes| marked_of(contest, votes).normalized());
        let hand = reading
            .votes
            .get(&contest.name)
            .map(|marked| marked.clone().normalized());
        if reading.found && record == hand {
            continue;
        }
        let on_paper = if reading.found {
            Hand::Read(hand_votes(contest, reading))
        } else {
            Hand::NotFound
        };
        let recorded = Recorded::Card(card_votes(contest, recorded));
        let overstatement = claim
            .assertions
            .iter()
            .map(|(assertion, margin)| {
                let comparison = Comparison {
                    assertion: assertion.clone(),
                    margin: *margin,
                    rules: CardRules::CardStyle,
                };
                // In votes: an assorter of plurality moves by one half a vote.
                2.0 * comparison.overstatement(&recorded, &on_paper)
            })
            .fold(f64::NEG_INFINITY, f64::max);
        found.insert(
            &pick.card.key,
            Difference {
                card: pick.card.key.clone(),
                times: 1,
                record,
                hand,
                found: reading.found,
                overstatement: if overstatement.is_finite() {
                    overstatement
                } else {
                    0.0
                },
            },
        );
    }
    found.into_values().collect()
}
