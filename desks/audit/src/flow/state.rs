//! What an audit's events make of it: a pure reducer.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::event::{
    Answers, Audited, BatchReading, CardKey, Committed, ContestPlan, ENTRY_SCHEMA, Entry, Event,
    FullyCounted, Opened, Reading, Sampled, Seeded, Settled, Undone,
};
use super::reading::{check_batch_reading, check_full_count, check_reading};
use super::refused::Refused;

/// Fewest digits of a seed: twenty throws of a ten-sided die, about 66 bits (Colorado's 8 CCR 1505-1, rule 25.2.2(H)).
pub const MIN_SEED_DIGITS: usize = 20;
/// Most digits of a seed; more adds nothing to a SHA-256.
pub const MAX_SEED_DIGITS: usize = 200;

/// The state after some events. [`State::default`] is an audit that has not begun.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    log: Vec<Entry>,
    /// Of each entry that was taken back, the entry that did it.
    undone: BTreeMap<u64, u64>,
    live: Live,
}

/// What stands, entries that were taken back left out.
#[derive(Debug, Clone, Default, PartialEq)]
struct Live {
    opened: Option<Opened>,
    answers: Answers,
    committed: Option<(u64, Timestamp, Committed)>,
    seeded: Option<(u64, Seeded)>,
    rounds: Vec<Sampled>,
    readings: BTreeMap<CardKey, Vec<(u64, Reading)>>,
    counts: BTreeMap<CardKey, Vec<(u64, BatchReading)>>,
    settled: BTreeMap<CardKey, Settled>,
    escalated: BTreeMap<String, String>,
    full_counts: BTreeMap<String, FullyCounted>,
}

/// What is known of a card or batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Known<'a, T> {
    /// Nobody has read it.
    Nothing,
    /// Everybody who read it says the same, or the disagreement was settled.
    One(&'a T),
    /// Readings differ, and nobody has settled it: entry of the log and reading.
    Disagreement(Vec<(u64, &'a T)>),
}

/// The state after `entry`, or why it cannot be. Nothing of `state` is lost by a refusal: take a copy, or use
/// [`State::apply`].
pub fn apply(mut state: State, entry: Entry) -> Result<State, Refused> {
    state.apply(entry)?;
    Ok(state)
}

impl State {
    /// The state after all of `entries`; the first one that cannot be, and why.
    pub fn replay(entries: impl IntoIterator<Item = Entry>) -> Result<State, (u64, Refused)> {
        let mut state = State::default();
        for (number, entry) in (0..).zip(entries) {
            state.apply(entry).map_err(|refused| (number, refused))?;
        }
        Ok(state)
    }

    /// Appends `entry`, or says why it cannot be and changes nothing.
    pub fn apply(&mut self, entry: Entry) -> Result<(), Refused> {
        if entry.schema != ENTRY_SCHEMA {
            return Err(Refused::Schema { found: entry.schema });
        }
        if let Some(last) = self.log.last()
            && entry.at < last.at
        {
            return Err(Refused::OutOfOrder {
                at: entry.at,
                last: last.at,
            });
        }
        let number = self.log.len() as u64;
        if let Event::Undone(undone) = &entry.event {
            let live = self.without(undone)?;
            self.undone.insert(undone.entry, number);
            self.live = live;
        } else {
            self.live.apply(number, &entry)?;
        }
        self.log.push(entry);
        Ok(())
    }

    /// What stands when `undone` is carried out. Whatever rests on the entry keeps it from being taken back.
    fn without(&self, undone: &Undone) -> Result<Live, Refused> {
        let number = undone.entry;
        let Some(target) = self.log.get(usize::try_from(number).unwrap_or(usize::MAX)) else {
            return Err(Refused::NoSuchEntry { entry: number });
        };
        if undone.because.trim().is_empty() {
            return Err(Refused::NoReason);
        }
        if self.undone.contains_key(&number) {
            return Err(Refused::UndoneAlready { entry: number });
        }
        if matches!(
            target.event,
            Event::Undone(_) | Event::Assessed(_) | Event::Published(_)
        ) {
            return Err(Refused::CannotBeUndone {
                entry: number,
                what: target.event.title(),
            });
        }
        let mut live = Live::default();
        for (other, entry) in (0..).zip(&self.log) {
            if other == number || self.undone.contains_key(&other) {
                continue;
            }
            live.apply(other, entry).map_err(|_| Refused::RestsOnIt {
                entry: number,
                other,
                what: entry.event.title(),
            })?;
        }
        Ok(live)
    }

    /// Every entry, those that were taken back included.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// The entry that took back entry `number`.
    pub fn undone_by(&self, number: u64) -> Option<u64> {
        self.undone.get(&number).copied()
    }

    /// How the audit began.
    pub fn opened(&self) -> Option<&Opened> {
        self.live.opened.as_ref()
    }

    /// The answers that stand.
    pub fn answers(&self) -> &Answers {
        &self.live.answers
    }

    /// The contest of exactly this name.
    pub fn contest(&self, name: &str) -> Option<&ContestPlan> {
        self.live.contest(name)
    }

    /// What was fixed before the seed, and when.
    pub fn committed(&self) -> Option<(&Committed, Timestamp)> {
        self.live.committed.as_ref().map(|(_, at, what)| (what, *at))
    }

    /// The seed.
    pub fn seeded(&self) -> Option<&Seeded> {
        self.live.seeded.as_ref().map(|(_, seeded)| seeded)
    }

    /// Seeds that were taken back before the one that stands: each is a question that the public may ask.
    pub fn seeds_taken_back(&self) -> Vec<&Seeded> {
        self.undone
            .keys()
            .filter_map(|number| match &self.log.get(*number as usize)?.event {
                Event::Seeded(seeded) => Some(seeded),
                _ => None,
            })
            .collect()
    }

    /// The rounds, in order.
    pub fn rounds(&self) -> &[Sampled] {
        &self.live.rounds
    }

    /// Draws that each contest has by the end of the last round.
    pub fn draws(&self) -> BTreeMap<String, u64> {
        self.live
            .rounds
            .last()
            .map(|round| round.draws.clone())
            .unwrap_or_default()
    }

    /// What is known of a card.
    pub fn reading(&self, card: &CardKey) -> Known<'_, Reading> {
        let readings = self.live.readings.get(card).map_or(&[][..], Vec::as_slice);
        known(readings, self.live.settled.get(card), says_the_same)
    }

    /// What is known of a drawn batch.
    pub fn batch_count(&self, card: &CardKey) -> Known<'_, BatchReading> {
        let counts = self.live.counts.get(card).map_or(&[][..], Vec::as_slice);
        known(counts, self.live.settled.get(card), |a, b| {
            a.cards == b.cards && a.votes == b.votes
        })
    }

    /// Every reading of a card that stands, with its entry in the log.
    pub fn readings_of(&self, card: &CardKey) -> &[(u64, Reading)] {
        self.live.readings.get(card).map_or(&[], Vec::as_slice)
    }

    /// Cards and batches whose readings differ and were not settled.
    pub fn disagreements(&self) -> Vec<&CardKey> {
        let cards = self
            .live
            .readings
            .keys()
            .filter(|card| matches!(self.reading(card), Known::Disagreement(_)));
        let batches = self
            .live
            .counts
            .keys()
            .filter(|card| matches!(self.batch_count(card), Known::Disagreement(_)));
        cards.chain(batches).collect()
    }

    /// Cards that somebody has read, those of a disagreement included.
    pub fn cards_read(&self) -> impl Iterator<Item = &CardKey> {
        self.live.readings.keys().chain(self.live.counts.keys())
    }

    /// Contests that go to a full hand count, and why.
    pub fn escalated(&self) -> &BTreeMap<String, String> {
        &self.live.escalated
    }

    /// The result of a contest's full hand count.
    pub fn full_count(&self, contest: &str) -> Option<&FullyCounted> {
        self.live.full_counts.get(contest)
    }
}

/// Whether two readings of a card say the same, in whatever order they name the candidates.
fn says_the_same(a: &Reading, b: &Reading) -> bool {
    a.found == b.found
        && a.votes.len() == b.votes.len()
        && a.votes
            .iter()
            .zip(&b.votes)
            .all(|((contest, marked), (other, also))| {
                contest == other && marked.clone().normalized() == also.clone().normalized()
            })
}

fn known<'a, T>(
    readings: &'a [(u64, T)],
    settled: Option<&Settled>,
    same: impl Fn(&T, &T) -> bool,
) -> Known<'a, T> {
    let Some((_, first)) = readings.first() else {
        return Known::Nothing;
    };
    if let Some(settled) = settled
        && let Some((_, right)) = readings.iter().find(|(number, _)| *number == settled.reading)
        // Whoever reads the card after that and says otherwise opens the question anew.
        && readings
            .iter()
            .all(|(number, reading)| *number <= settled.up_to || same(reading, right))
    {
        return Known::One(right);
    }
    if readings.iter().all(|(_, reading)| same(reading, first)) {
        return Known::One(first);
    }
    Known::Disagreement(
        readings
            .iter()
            .map(|(number, reading)| (*number, reading))
            .collect(),
    )
}

impl Live {
    fn contest(&self, name: &str) -> Option<&ContestPlan> {
        let contests = &self.opened.as_ref()?.contests;
        contests.iter().find(|plan| plan.contest.name == name)
    }

    fn opened(&self) -> Result<&Opened, Refused> {
        self.opened.as_ref().ok_or(Refused::TooEarly {
            needs: "the audit must be opened first (`pollwatch audit init`)",
        })
    }

    fn committed(&self) -> Result<&Committed, Refused> {
        let committed = self.committed.as_ref().map(|(_, _, committed)| committed);
        committed.ok_or(Refused::TooEarly {
            needs: "the files must be committed first (`pollwatch audit commit`)",
        })
    }

    fn audited(&self, name: &str) -> Result<&ContestPlan, Refused> {
        match self.contest(name) {
            Some(plan) if plan.audited != Audited::No => Ok(plan),
            Some(_) => Err(Refused::NotAudited {
                contest: name.to_owned(),
            }),
            None => Err(Refused::NoSuchContest {
                contest: name.to_owned(),
            }),
        }
    }

    fn sampled(&self) -> Result<(), Refused> {
        if self.rounds.is_empty() {
            return Err(Refused::TooEarly {
                needs: "cards must be drawn first (`pollwatch audit sample`)",
            });
        }
        Ok(())
    }

    fn apply(&mut self, number: u64, entry: &Entry) -> Result<(), Refused> {
        match &entry.event {
            Event::Opened(opened) => self.open(opened)?,
            Event::Answered(answers) => {
                self.opened()?;
                self.answers = answers.clone();
            }
            Event::Committed(committed) => self.commit(number, entry.at, committed)?,
            Event::Seeded(seeded) => self.seed(number, entry.at, seeded)?,
            Event::Sampled(sampled) => self.sample(sampled)?,
            Event::Read(reading) => {
                self.sampled()?;
                if self.committed()?.method.draws_batches() {
                    return Err(Refused::WrongUnit { wants: "batches" });
                }
                check_reading(&self.opened()?.contests, reading)?;
                let readings = self.readings.entry(reading.card.clone()).or_default();
                readings.push((number, reading.clone()));
            }
            Event::BatchCounted(reading) => {
                self.sampled()?;
                if !self.committed()?.method.draws_batches() {
                    return Err(Refused::WrongUnit { wants: "cards" });
                }
                check_batch_reading(&self.opened()?.contests, reading)?;
                let counts = self.counts.entry(reading.card.clone()).or_default();
                counts.push((number, reading.clone()));
            }
            Event::Settled(settled) => self.settle(number, settled)?,
            Event::Escalated(escalated) => {
                self.committed()?;
                self.audited(&escalated.contest)?;
                if self.escalated.contains_key(&escalated.contest) {
                    return Err(Refused::EscalatedAlready {
                        contest: escalated.contest.clone(),
                    });
                }
                self.escalated
                    .insert(escalated.contest.clone(), escalated.because.clone());
            }
            Event::FullyCounted(counted) => {
                let plan = self.audited(&counted.contest)?;
                if !self.escalated.contains_key(&counted.contest) {
                    return Err(Refused::TooEarly {
                        needs: "the contest must be escalated to a full hand count first (`pollwatch audit escalate`)",
                    });
                }
                if self.full_counts.contains_key(&counted.contest) {
                    return Err(Refused::CountedAlready {
                        contest: counted.contest.clone(),
                    });
                }
                check_full_count(plan, counted)?;
                self.full_counts.insert(counted.contest.clone(), counted.clone());
            }
            Event::Assessed(_) | Event::Published(_) => {
                self.opened()?;
            }
            Event::Undone(_) => {}
        }
        Ok(())
    }

    fn open(&mut self, opened: &Opened) -> Result<(), Refused> {
        if self.opened.is_some() {
            return Err(Refused::OpenedAlready);
        }
        let mut names: Vec<&str> = opened
            .contests
            .iter()
            .map(|plan| plan.contest.name.as_str())
            .collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Refused::ContestTwice {
                contest: twice[0].to_owned(),
            });
        }
        if !opened
            .contests
            .iter()
            .any(|plan| plan.audited == Audited::Targeted)
        {
            return Err(Refused::NothingToAudit);
        }
        let minutes = opened.minutes_a_card;
        if !(minutes.is_finite() && minutes > 0.0) {
            return Err(Refused::Minutes { minutes });
        }
        self.answers = opened.answers.clone();
        self.opened = Some(opened.clone());
        Ok(())
    }

    fn commit(&mut self, number: u64, at: Timestamp, committed: &Committed) -> Result<(), Refused> {
        let opened = self.opened()?;
        if self.committed.is_some() {
            return Err(Refused::CommittedAlready);
        }
        if opened.inputs != committed.inputs {
            return Err(Refused::OtherInputs);
        }
        let drawn_for = |plan: &&ContestPlan| plan.audited != Audited::No;
        for plan in opened.contests.iter().filter(drawn_for) {
            if !committed.results.contains_key(&plan.contest.name) {
                return Err(Refused::NoOutcome {
                    contest: plan.contest.name.clone(),
                });
            }
        }
        self.committed = Some((number, at, committed.clone()));
        Ok(())
    }

    fn seed(&mut self, number: u64, at: Timestamp, seeded: &Seeded) -> Result<(), Refused> {
        let committed_at = match &self.committed {
            Some((_, at, _)) => *at,
            None => {
                self.committed()?;
                return Ok(());
            }
        };
        if let Some((_, before)) = &self.seeded {
            return Err(Refused::SeededAlready {
                seed: before.seed.clone(),
            });
        }
        if let Some(letter) = seeded.seed.chars().find(|letter| !letter.is_ascii_digit()) {
            return Err(Refused::SeedHasLetters { letter });
        }
        if !(MIN_SEED_DIGITS..=MAX_SEED_DIGITS).contains(&seeded.seed.len()) {
            return Err(Refused::SeedLength {
                digits: seeded.seed.len(),
            });
        }
        if seeded.rolled_at <= committed_at {
            return Err(Refused::SeedIsOlder {
                rolled_at: seeded.rolled_at,
                committed_at,
            });
        }
        if seeded.rolled_at > at {
            return Err(Refused::SeedIsOfTheFuture {
                rolled_at: seeded.rolled_at,
                now: at,
            });
        }
        if seeded.rolled_by.is_empty() || seeded.seen_by.is_empty() {
            return Err(Refused::NoWitness);
        }
        self.seeded = Some((number, seeded.clone()));
        Ok(())
    }

    fn sample(&mut self, sampled: &Sampled) -> Result<(), Refused> {
        if self.seeded.is_none() {
            self.committed()?;
            return Err(Refused::TooEarly {
                needs: "the dice must be rolled first (`pollwatch audit seed`)",
            });
        }
        let due = self.rounds.len() as u32 + 1;
        if sampled.round != due {
            return Err(Refused::WrongRound {
                round: sampled.round,
                due,
            });
        }
        for name in sampled.draws.keys() {
            self.audited(name)?;
        }
        if let Some(before) = self.rounds.last() {
            for (contest, draws) in &before.draws {
                let now = sampled.draws.get(contest).copied().unwrap_or(0);
                if now < *draws {
                    return Err(Refused::FewerDraws {
                        contest: contest.clone(),
                        before: *draws,
                        now,
                    });
                }
            }
        }
        self.rounds.push(sampled.clone());
        Ok(())
    }

    fn settle(&mut self, number: u64, settled: &Settled) -> Result<(), Refused> {
        let numbers: Vec<u64> = match self.readings.get(&settled.card) {
            Some(readings) => readings.iter().map(|(number, _)| *number).collect(),
            None => self.counts.get(&settled.card).map_or_else(Vec::new, |counts| {
                counts.iter().map(|(number, _)| *number).collect()
            }),
        };
        if numbers.len() < 2 {
            return Err(Refused::NothingToSettle {
                card: settled.card.clone(),
            });
        }
        if !numbers.contains(&settled.reading) {
            return Err(Refused::NotAReadingOfIt {
                card: settled.card.clone(),
                reading: settled.reading,
            });
        }
        if settled.because.trim().is_empty() {
            return Err(Refused::NoReason);
        }
        if settled.up_to >= number {
            return Err(Refused::NotAReadingOfIt {
                card: settled.card.clone(),
                reading: settled.up_to,
            });
        }
        self.settled.insert(settled.card.clone(), settled.clone());
        Ok(())
    }
}
