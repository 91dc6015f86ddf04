//! The promise itself, put to the test: audits of outcomes that are wrong, played to the end, and how many of them were confirmed.
//!
//! A risk limit promises that a wrong outcome is confirmed at most so often. Here elections are made up whose reported winner lost, by one
//! vote or by more, with the errors spread or gathered where they hide best; each is audited thousands of times, judged as often as the method allows,
//! and escalated until it is confirmed or every card is counted. The share confirmed has to stay under the limit by an exact binomial test.
//! The same audits of right outcomes show that a method is not safe merely by never confirming anything.

use crate::assorter::{Assertion, CardRules, CardVotes, Comparison, Hand, Recorded};
use crate::draw::pcg::Pcg64;
use crate::method::batch::{self, Batch, BatchContest, CountedBatch, Law, Unseen};
use crate::method::limit::RiskLimit;
use crate::method::polling::Round;
use crate::method::sequential::{AdaptiveBet, Population, Runner, Test};
use crate::method::size::Urn;
use crate::method::suite::{self, ComparedStratum, Known, PairStrata, PolledStratum};
use crate::method::supersimple::{self, ComparedCard, ErrorCounts, OverstatementRule, Reading};
use crate::method::tally::{Assessment, Tally};
use crate::method::union::{self, Expected, Stratum};
use crate::method::{MethodError, bravo, minerva, providence, tail_chance};

/// A way to audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// [`bravo`], judged after every ten ballots.
    Bravo,
    /// [`minerva`], in three rounds.
    Minerva,
    /// [`providence`], in rounds whose sizes follow what was seen.
    Providence,
    /// ALPHA over the assorter, judged after every card.
    AlphaPolling,
    /// [`supersimple`], judged after every draw.
    SuperSimple,
    /// ALPHA for comparison, judged after every card.
    AlphaComparison,
    /// Betting by growth rate (aGRAPA), comparison.
    BettingGrowth,
    /// A fixed bet, comparison.
    BettingFixed,
    /// Bets that learn error rates (COBRA), comparison.
    BettingAdaptive,
    /// Kaplan-Markov over the overstatement assorter.
    KaplanMarkov,
    /// [`batch`] (MACRO with PPEB), judged after every draw.
    Batches,
    /// ONEAudit: part of the cards are known by the totals of their pools only.
    OneAudit,
    /// [`suite`], judged once, then counted whole.
    Suite,
    /// [`union`], judged ten times.
    Union,
    /// [`supersimple`] by the rule of [`OverstatementRule::MostVotes`]: not sound with three candidates, kept to replay audits.
    SuperSimpleReplayed,
}

/// What is true of the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// The reported winner lost by one vote.
    WrongByOne,
    /// The reported winner lost by several votes in a hundred.
    WrongByMore,
    /// The reported winner lost by one vote, and the errors are gathered: in few batches, in a pool, between two losers.
    Hidden,
    /// The report is right.
    Right,
}

/// What came of the audits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// How many were played.
    pub audits: u32,
    /// How many confirmed the report.
    pub confirmed: u32,
}

impl Played {
    /// The chance of as many confirmations or more if each audit confirmed with chance `limit`: small when the promise is broken.
    #[must_use]
    pub fn tail(&self, limit: &RiskLimit) -> f64 {
        tail_chance(u64::from(self.audits), u64::from(self.confirmed), limit.value())
    }
}

impl Method {
    /// All that may be offered.
    pub const OFFERED: [Self; 14] = [
        Self::Bravo,
        Self::Minerva,
        Self::Providence,
        Self::AlphaPolling,
        Self::SuperSimple,
        Self::AlphaComparison,
        Self::BettingGrowth,
        Self::BettingFixed,
        Self::BettingAdaptive,
        Self::KaplanMarkov,
        Self::Batches,
        Self::OneAudit,
        Self::Suite,
        Self::Union,
    ];
}

/// Plays `audits` audits of one made-up election.
///
/// Errors: none for the elections made up here; those of the method otherwise.
pub fn play(
    method: Method,
    truth: Truth,
    limit: &RiskLimit,
    audits: u32,
    seed: u64,
) -> Result<Played, MethodError> {
    let mut random = Pcg64::from_number(seed);
    let mut confirmed = 0;
    for _ in 0..audits {
        let is_confirmed = match method {
            Method::Bravo => polling(truth, limit, &mut random, &[10; 200], bravo::assess),
            Method::Minerva => polling(truth, limit, &mut random, &[100, 150, 350], minerva::assess),
            Method::Providence => providence_audit(truth, limit, &mut random),
            Method::AlphaPolling => alpha_polling(truth, limit, &mut random),
            Method::SuperSimple => cards(truth, limit, &mut random, OverstatementRule::GreatestRelative),
            Method::SuperSimpleReplayed => cards(truth, limit, &mut random, OverstatementRule::MostVotes),
            Method::AlphaComparison
            | Method::BettingGrowth
            | Method::BettingFixed
            | Method::BettingAdaptive
            | Method::KaplanMarkov => compared(method, truth, limit, &mut random),
            Method::Batches => batches(truth, limit, &mut random),
            Method::OneAudit => pooled(truth, limit, &mut random),
            Method::Suite => suite_audit(truth, limit, &mut random),
            Method::Union => union_audit(truth, limit, &mut random),
        }?;
        confirmed += u32::from(is_confirmed);
    }
    Ok(Played { audits, confirmed })
}

/// Votes for winner, loser and a third of 1,001 ballots, some of them blank: as reported, and as they are.
fn polled_election(truth: Truth) -> ([u64; 3], [u64; 3]) {
    match truth {
        Truth::WrongByOne => ([520, 400, 60], [460, 461, 60]),
        Truth::WrongByMore => ([520, 400, 60], [440, 480, 60]),
        // The closest race is reported as the second closest.
        Truth::Hidden => ([520, 400, 60], [450, 79, 451]),
        Truth::Right => ([520, 400, 60], [520, 400, 60]),
    }
}

const BALLOTS: u64 = 1001;

fn round_of(urn: &mut Urn, ballots: u64, random: &mut Pcg64) -> Round {
    let mut votes = vec![0; 3];
    for _ in 0..ballots {
        let drawn = urn.draw(random) as usize;
        if let Some(votes) = votes.get_mut(drawn) {
            *votes += 1;
        }
    }
    Round {
        ballots,
        not_found: 0,
        votes,
    }
}

/// Ballots by whom they name; 3 for nobody.
fn ballots(votes: [u64; 3]) -> Urn {
    let blank = BALLOTS - votes.iter().sum::<u64>();
    Urn::new(
        &[(0.0, votes[0]), (1.0, votes[1]), (2.0, votes[2]), (3.0, blank)],
        false,
    )
}

type Assess = fn(&Tally, &[Round], &RiskLimit) -> Result<Assessment, MethodError>;

fn polling(
    truth: Truth,
    limit: &RiskLimit,
    random: &mut Pcg64,
    sizes: &[u64],
    assess: Assess,
) -> Result<bool, MethodError> {
    let (reported, votes) = polled_election(truth);
    let tally = Tally::new(reported.to_vec(), BALLOTS, 1, 1)?;
    let mut urn = ballots(votes);
    let mut rounds = Vec::new();
    for size in sizes {
        rounds.push(round_of(&mut urn, *size, random));
        if assess(&tally, &rounds, limit)?.met {
            return Ok(true);
        }
    }
    Ok(false)
}

fn providence_audit(truth: Truth, limit: &RiskLimit, random: &mut Pcg64) -> Result<bool, MethodError> {
    let (reported, votes) = polled_election(truth);
    let tally = Tally::new(reported.to_vec(), BALLOTS, 1, 1)?;
    let mut urn = ballots(votes);
    let mut rounds = vec![round_of(&mut urn, 80, random)];
    for _ in 0..5 {
        let assessment = providence::assess(&tally, &rounds, limit)?;
        if assessment.met {
            return Ok(true);
        }
        // A small round when it looks close, a large one when it does not: what Minerva forbids.
        let size = if assessment.risk.value < 3.0 * limit.value() {
            20
        } else {
            120
        };
        rounds.push(round_of(&mut urn, size, random));
    }
    Ok(providence::assess(&tally, &rounds, limit)?.met)
}

/// Judges after every card, without replacement, until all but the last are seen: the whole count then decides.
fn judge_each(
    test: &Test,
    population: Population,
    values: &[(f64, u64)],
    limit: &RiskLimit,
    random: &mut Pcg64,
) -> Result<bool, MethodError> {
    let cards: u64 = values.iter().map(|(_, count)| count).sum();
    let mut urn = Urn::new(values, true);
    let mut runner = Runner::new(test, population)?;
    for _ in 1..cards {
        runner.push(urn.draw(random))?;
        if runner.risk().is_within(limit) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn alpha_polling(truth: Truth, limit: &RiskLimit, random: &mut Pcg64) -> Result<bool, MethodError> {
    let (winner, loser) = match truth {
        Truth::WrongByOne => (180, 181),
        Truth::WrongByMore => (170, 191),
        Truth::Hidden => (200, 201),
        Truth::Right => (230, 131),
    };
    let cards = 401;
    let test = Test::polling(0.5 + 0.5 * 99.0 / 401.0);
    let values = [(1.0, winner), (0.0, loser), (0.5, cards - winner - loser)];
    judge_each(
        &test,
        Population::of_assorter(Some(cards), 1.0),
        &values,
        limit,
        random,
    )
}

fn reading(votes: [u8; 3]) -> Reading {
    Reading::Votes(votes.to_vec())
}

fn cards(
    truth: Truth,
    limit: &RiskLimit,
    random: &mut Pcg64,
    rule: OverstatementRule,
) -> Result<bool, MethodError> {
    let cards = 1000;
    let (winner, first, second) = (reading([1, 0, 0]), reading([0, 1, 0]), reading([0, 0, 1]));
    // Reported votes, how many cards are wrong, and how they are recorded and read.
    let (reported, wrong, recorded, hand) = match truth {
        Truth::WrongByOne => ([500, 460, 20], 21, &winner, &first),
        Truth::WrongByMore => ([500, 460, 20], 42, &winner, &first),
        Truth::Hidden => ([500, 480, 20], 21, &winner, &second),
        Truth::Right => ([500, 380, 20], 0, &winner, &winner),
    };
    let tally = Tally::new(reported.to_vec(), cards, 1, 1)?;
    let mut draws = [0_u32; 2];
    for _ in 0..600 {
        draws[usize::from(random.below(cards) < wrong)] += 1;
        let sample = [
            ComparedCard {
                recorded: winner.clone(),
                hand: winner.clone(),
                draws: draws[0],
            },
            ComparedCard {
                recorded: recorded.clone(),
                hand: hand.clone(),
                draws: draws[1],
            },
        ];
        if supersimple::assess(&tally, &sample, rule, limit)?.met {
            return Ok(true);
        }
    }
    Ok(false)
}

fn compared(
    method: Method,
    truth: Truth,
    limit: &RiskLimit,
    random: &mut Pcg64,
) -> Result<bool, MethodError> {
    // 1,000 cards, winner reported ahead by 40 votes: 20 two-vote overstatements make a tie, and one more vote a wrong outcome.
    let (cards, margin) = (1000, 0.04);
    let no_error = 1.0 / (2.0 - margin);
    let (two, one) = match truth {
        Truth::WrongByOne => (20, 1),
        Truth::WrongByMore => (40, 10),
        Truth::Hidden => (0, 41),
        Truth::Right => (0, 1),
    };
    let values = [(no_error, cards - two - one), (0.0, two), (no_error / 2.0, one)];
    let test = match method {
        Method::AlphaComparison => Test::AlphaComparison { two_vote_rate: 1e-3 },
        Method::BettingGrowth => Test::BetGrowth {
            first: 1.0,
            least_share: 0.9,
            most_share: 0.95,
            growth: 1.0,
        },
        Method::BettingFixed => Test::BetFixed { bet: 1.5 },
        Method::BettingAdaptive => Test::BetAdaptive(AdaptiveBet {
            no_error,
            expected: [1e-4, 1e-3, 1e-3, 1e-4],
            weight: 100.0,
            largest_loss: 0.9,
            pooled: Vec::new(),
        }),
        _ => Test::KaplanMarkov { padding: 0.1 },
    };
    let population = Population::of_assorter(Some(cards), 2.0 * no_error);
    judge_each(&test, population, &values, limit, random)
}

fn batches(truth: Truth, limit: &RiskLimit, random: &mut Pcg64) -> Result<bool, MethodError> {
    // 40 batches of 50 ballots; 1,040 votes for the winner and 960 for the loser are reported.
    let count = 40;
    let reported = Batch {
        votes: vec![26, 24],
        ballots: 50,
    };
    let moved = |index: u64| -> u64 {
        match truth {
            // 41 votes in all: 41 - 40 = 1 vote the other way.
            Truth::WrongByOne => u64::from(index == 0) + 1,
            Truth::WrongByMore => 3,
            // 26 of one batch, 15 of the next.
            Truth::Hidden => [26, 15].get(index as usize).copied().unwrap_or(0),
            Truth::Right => 0,
        }
    };
    let votes = if truth == Truth::Right {
        vec![30, 20]
    } else {
        vec![26, 24]
    };
    let reported = Batch { votes, ..reported };
    let all: Vec<Batch> = vec![reported.clone(); count as usize];
    let sums = vec![reported.votes[0] * count, reported.votes[1] * count];
    let tally = Tally::new(sums, 50 * count, 1, 1)?;
    let contest = BatchContest::new(&tally, Law::Plurality, Unseen::default())?;
    let mut draws = vec![0_u32; count as usize];
    for _ in 0..100 {
        // Equal bounds: every batch is as likely.
        draws[random.below(count) as usize] += 1;
        let counted: Vec<CountedBatch> = (0..count)
            .filter(|index| draws[*index as usize] > 0)
            .map(|index| CountedBatch {
                bound_by: reported.clone(),
                reported: reported.clone(),
                counted: Batch {
                    votes: vec![reported.votes[0] - moved(index), reported.votes[1] + moved(index)],
                    ballots: 50,
                },
                draws: draws[index as usize],
            })
            .collect();
        if batch::assess(&contest, &all, &counted, limit)?.met {
            return Ok(true);
        }
    }
    Ok(false)
}

fn pooled(truth: Truth, limit: &RiskLimit, random: &mut Pcg64) -> Result<bool, MethodError> {
    // 600 cards with records and two pools of 200 of which only the totals are known; the winner is reported ahead by 40.
    let assertion = Assertion::Plurality { winner: 0, loser: 1 };
    let vote = |candidate: usize| CardVotes::Marks(vec![candidate]);
    let lead = if truth == Truth::Right { 100 } else { 20 };
    let recorded = [(Recorded::Card(vote(0)), 310_u64), (Recorded::Card(vote(1)), 290)];
    let pool_totals = [(100 + lead / 2, 100 - lead / 2), (100, 100)];
    let pool_mean = |pool: usize| pool_totals[pool].0 as f64 / 200.0;
    let reported_lead = 20.0 + lead as f64;
    let comparison = Comparison {
        assertion,
        margin: reported_lead / 1000.0,
        rules: CardRules::AllCards,
    };
    // How many cards of each kind are read as the winner's although the record, or the pool's total, has them otherwise.
    let (from_records, from_pool) = match truth {
        Truth::WrongByOne => (11, 10),
        Truth::WrongByMore => (20, 20),
        Truth::Hidden => (0, 21),
        Truth::Right => (0, 0),
    };
    let value =
        |recorded: &Recorded, candidate: usize| comparison.value(recorded, &Hand::Read(vote(candidate)));
    let pool = |index: usize| Recorded::Pooled(pool_mean(index));
    let values = [
        (value(&recorded[0].0, 0), recorded[0].1 - from_records),
        (value(&recorded[0].0, 1), from_records),
        (value(&recorded[1].0, 1), recorded[1].1),
        (value(&pool(0), 0), pool_totals[0].0 - from_pool),
        (value(&pool(0), 1), pool_totals[0].1 + from_pool),
        (value(&pool(1), 0), pool_totals[1].0),
        (value(&pool(1), 1), pool_totals[1].1),
    ];
    let test = Test::BetAdaptive(AdaptiveBet {
        no_error: comparison.no_error(),
        expected: [1e-4, 1e-3, 1e-3, 1e-4],
        weight: 100.0,
        largest_loss: 0.9,
        pooled: vec![
            (values[3].0, pool_totals[0].0 as f64 / 1000.0),
            (values[4].0, pool_totals[0].1 as f64 / 1000.0),
            (values[5].0, 0.1),
            (values[6].0, 0.1),
        ],
    });
    let population = Population::of_assorter(Some(1000), comparison.upper_bound());
    judge_each(&test, population, &values, limit, random)
}

/// Reported votes of both strata, and where the truth differs: wrong cards of the first, moved votes of the second.
fn strata(truth: Truth) -> ([(u64, u64); 2], u64, u64) {
    match truth {
        // The lead is 40 of 1,000: 21 votes the other way.
        Truth::WrongByOne => ([(312, 288), (208, 192)], 12, 9),
        Truth::WrongByMore => ([(312, 288), (208, 192)], 20, 15),
        Truth::Hidden => ([(312, 288), (208, 192)], 0, 21),
        Truth::Right => ([(360, 240), (240, 160)], 0, 0),
    }
}

const STRATA: [u64; 2] = [600, 400];

/// Cards of the polled stratum: winner's and loser's votes on so many, drawn without replacement.
fn poll(urn: &mut Urn, draws: u64, random: &mut Pcg64) -> (u64, u64) {
    let winner = (0..draws).filter(|_| urn.draw(random) > 0.5).count() as u64;
    (winner, draws - winner)
}

fn suite_audit(truth: Truth, limit: &RiskLimit, random: &mut Pcg64) -> Result<bool, MethodError> {
    let (votes, wrong, moved) = strata(truth);
    let draws = [120, 160];
    let two_over = (0..draws[0]).filter(|_| random.below(STRATA[0]) < wrong).count() as u64;
    let mut urn = Urn::new(&[(1.0, votes[1].0 - moved), (0.0, votes[1].1 + moved)], true);
    let sampled = poll(&mut urn, draws[1], random);
    let pair = PairStrata {
        compared: Known::Sampled(ComparedStratum {
            cards: STRATA[0],
            votes: votes[0],
            draws: draws[0],
            errors: ErrorCounts {
                two_over,
                ..ErrorCounts::default()
            },
        }),
        polled: Known::Sampled(PolledStratum {
            cards: STRATA[1],
            votes: votes[1],
            draws: draws[1],
            sampled,
        }),
    };
    suite::is_within(&pair, limit)
}

fn union_audit(truth: Truth, limit: &RiskLimit, random: &mut Pcg64) -> Result<bool, MethodError> {
    let (votes, wrong, moved) = strata(truth);
    let mean = |votes: (u64, u64)| 0.5 + 0.5 * (votes.0 as f64 - votes.1 as f64) / (votes.0 + votes.1) as f64;
    let shift = 1.0 - mean(votes[0]);
    let share = |count: u64| count as f64 / STRATA[1] as f64;
    let bets = union::plan_bets(&[
        Expected {
            cards: STRATA[0],
            draws: 120,
            bound: 2.0,
            shift,
            values: vec![(1.0, 1.0)],
        },
        Expected {
            cards: STRATA[1],
            draws: 160,
            bound: 1.0,
            shift: 0.0,
            values: vec![(1.0, share(votes[1].0)), (0.0, share(votes[1].1))],
        },
    ]);
    let stratum = |index: usize, bound: f64, shift: f64| Stratum {
        cards: STRATA[index],
        values: Vec::new(),
        bound,
        shift,
        bet: bets[index],
        is_with_replacement: false,
    };
    let mut both = [stratum(0, 2.0, shift), stratum(1, 1.0, 0.0)];
    // A matching card is worth the assorter's bound; one that is overstated by two votes, nothing.
    let mut first = Urn::new(&[(1.0, STRATA[0] - wrong), (0.0, wrong)], true);
    let mut second = Urn::new(&[(1.0, votes[1].0 - moved), (0.0, votes[1].1 + moved)], true);
    for _ in 0..10 {
        both[0].values.extend((0..40).map(|_| first.draw(random)));
        both[1].values.extend((0..35).map(|_| second.draw(random)));
        if union::assess(&both, &[], limit)?.1 {
            return Ok(true);
        }
    }
    Ok(false)
}
