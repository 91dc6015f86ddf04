//! What can happen in an audit. The log of these events is all that an audit keeps; everything else is derived.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use pollwatch_model::{EvidenceId, TargetRef};
use serde::{Deserialize, Serialize};

use crate::election::Contest;

/// Version of the entries that this crate writes.
pub const ENTRY_SCHEMA: u32 = 1;

/// One line of an audit's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Version of this format: 1.
    pub schema: u32,
    /// Who recorded it.
    pub by: String,
    /// When it was recorded, by the clock of the machine that keeps the ledger.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

impl Entry {
    /// An entry in today's form.
    pub fn new(by: impl Into<String>, at: Timestamp, event: Event) -> Self {
        Entry {
            schema: ENTRY_SCHEMA,
            by: by.into(),
            at,
            event,
        }
    }
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "what", rename_all = "kebab-case")]
pub enum Event {
    /// The audit began: its files, contests and answers.
    Opened(Box<Opened>),
    /// A question of `init` was answered anew.
    Answered(Answers),
    /// The files and the method were fixed, before anybody could know the seed.
    Committed(Box<Committed>),
    /// Dice were rolled.
    Seeded(Seeded),
    /// A round of cards was drawn.
    Sampled(Sampled),
    /// Somebody read a card by hand.
    Read(Reading),
    /// Somebody counted a drawn batch by hand.
    BatchCounted(BatchReading),
    /// Two readings of a card differ, and somebody looked again and decided.
    Settled(Settled),
    /// A contest goes to a full hand count.
    Escalated(Escalated),
    /// A contest was counted in full by hand.
    FullyCounted(FullyCounted),
    /// An earlier event is taken back; it stays in the log.
    Undone(Undone),
    /// The risk was measured and told.
    Assessed(Assessed),
    /// A package was written.
    Published(Published),
}

impl Event {
    /// The event in a few words, for a list of what can be undone.
    pub fn title(&self) -> String {
        match self {
            Event::Opened(opened) => format!("audit opened: {}", opened.title),
            Event::Answered(_) => "questions answered anew".to_owned(),
            Event::Committed(_) => "files and method committed".to_owned(),
            Event::Seeded(seeded) => format!("seed {} rolled", seeded.seed),
            Event::Sampled(sampled) => format!("round {} drawn", sampled.round),
            Event::Read(reading) => format!("card {} read by {}", reading.card, reading.reader),
            Event::BatchCounted(reading) => format!("batch {} counted by {}", reading.card, reading.reader),
            Event::Settled(settled) => format!("card {} settled", settled.card),
            Event::Escalated(escalated) => format!("{} goes to a full hand count", escalated.contest),
            Event::FullyCounted(counted) => format!("{} counted in full", counted.contest),
            Event::Undone(undone) => format!("entry {} taken back", undone.entry),
            Event::Assessed(_) => "risk measured".to_owned(),
            Event::Published(_) => "package written".to_owned(),
        }
    }
}

/// Names a card or a batch of the audit's frame: a JSON array of texts and numbers, as it is hashed for the draw.
///
/// `["Adams","Box 1","101","7","12"]` is record 12 of batch 7; see [`crate::flow::Frame`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardKey(pub String);

impl fmt::Display for CardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The part that a file plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// How many cards lie where.
    Manifest,
    /// What the voting system recorded for each card.
    Cvr,
    /// What the voting system reported for each batch.
    BatchTallies,
    /// Contests, candidates, seats and reported results.
    Contests,
    /// Which names in a county's files mean which contest.
    Names,
}

impl Role {
    /// Every role, in the order in which they are read.
    pub const ALL: [Role; 5] = [
        Role::Contests,
        Role::Names,
        Role::Manifest,
        Role::Cvr,
        Role::BatchTallies,
    ];

    /// The word for it on the command line and in a package.
    pub fn word(self) -> &'static str {
        match self {
            Role::Manifest => "manifest",
            Role::Cvr => "cvr",
            Role::BatchTallies => "batch-tallies",
            Role::Contests => "contests",
            Role::Names => "names",
        }
    }
}

/// A file that the audit rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// The part it plays.
    pub role: Role,
    /// The county that it is of; empty in an audit of one.
    #[serde(default)]
    pub county: String,
    /// Its name in the audit's folder of inputs and in a package: no path, no two alike.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: EvidenceId,
    /// Its size.
    pub bytes: u64,
}

/// The answers on which the meaning of every result rests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Whether a compliance audit showed that the paper trail was kept, and in the officials' words how.
    pub paper_trail: Answer,
    /// Whether the manifest was made without the voting system, and in the officials' words how.
    pub manifest_independent: Answer,
}

/// An answer and what it rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Yes, no, or not known.
    pub is_so: Yes,
    /// How it is known.
    #[serde(default)]
    pub because: String,
}

/// Yes, no, or not known: an open question is never taken for a yes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Yes {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nobody said.
    #[default]
    NotKnown,
}

impl FromStr for Yes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "yes" => Ok(Yes::Yes),
            "no" => Ok(Yes::No),
            "not-known" | "unknown" => Ok(Yes::NotKnown),
            other => Err(format!("{other:?} is not one of yes, no, not-known")),
        }
    }
}

/// How an audit begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// What people call it, such as "General election, 3 November 2026".
    pub title: String,
    /// Whose election it is, in the register's words.
    pub target: TargetRef,
    /// The risk limit as it was written, such as `0.05`.
    pub risk_limit: String,
    /// The files.
    pub inputs: Vec<InputFile>,
    /// The contests of the election, in the order in which people read of them. Those without
    /// [`audited`](ContestPlan::audited) are named as not audited and nothing more.
    pub contests: Vec<ContestPlan>,
    /// What was asked.
    pub answers: Answers,
    /// Minutes that reading one card takes, with finding it; for the plan.
    pub minutes_a_card: f64,
}

/// A contest and whether it is audited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContestPlan {
    /// The contest.
    pub contest: Contest,
    /// How it is audited.
    pub audited: Audited,
}

/// How a contest is audited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audited {
    /// Cards are drawn until its risk is under the limit.
    Targeted,
    /// Its risk is measured on cards that are drawn for others.
    Opportunistic,
    /// It is not looked at.
    No,
}

/// How cards are drawn and risks measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Cards against their records, by assertions, without replacement; batches without records go in as ONEAudit pools.
    CardComparison,
    /// Cards against their records by Kaplan and Markov's product, drawn with replacement ("super-simple").
    SuperSimple,
    /// Cards alone, by assertions (ALPHA), without replacement.
    Polling,
    /// Cards alone, BRAVO, with replacement.
    Bravo,
    /// Cards alone, Providence, with replacement.
    Providence,
    /// Cards alone, Minerva, with replacement.
    Minerva,
    /// Batches against their tallies, drawn by their greatest possible error with replacement (MACRO).
    BatchComparison,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 7] = [
        Method::CardComparison,
        Method::SuperSimple,
        Method::Polling,
        Method::Bravo,
        Method::Providence,
        Method::Minerva,
        Method::BatchComparison,
    ];

    /// Its name on the command line and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Method::CardComparison => "card-comparison",
            Method::SuperSimple => "super-simple",
            Method::Polling => "polling",
            Method::Bravo => "bravo",
            Method::Providence => "providence",
            Method::Minerva => "minerva",
            Method::BatchComparison => "batch-comparison",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Method::CardComparison => "card comparison (betting, ALPHA)",
            Method::SuperSimple => "card comparison (super-simple)",
            Method::Polling => "ballot polling (ALPHA)",
            Method::Bravo => "ballot polling (BRAVO)",
            Method::Providence => "ballot polling (Providence)",
            Method::Minerva => "ballot polling (Minerva)",
            Method::BatchComparison => "batch comparison (MACRO)",
        }
    }

    /// Whether a card or batch can be drawn more than once.
    pub fn draws_again(self) -> bool {
        !matches!(self, Method::CardComparison | Method::Polling)
    }

    /// Whether whole batches are drawn.
    pub fn draws_batches(self) -> bool {
        self == Method::BatchComparison
    }

    /// Whether cards are compared with their records.
    pub fn compares_cards(self) -> bool {
        matches!(self, Method::CardComparison | Method::SuperSimple)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Method::ALL
            .into_iter()
            .find(|method| method.word() == text)
            .ok_or_else(|| {
                let words: Vec<_> = Method::ALL.iter().map(|method| method.word()).collect();
                format!("{text:?} is not a method; there are {}", words.join(", "))
            })
    }
}

/// What was fixed before the seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    /// The files as they then were; the same as those of [`Opened`].
    pub inputs: Vec<InputFile>,
    /// How cards are drawn and risks measured.
    pub method: Method,
    /// The cards of the frame, phantoms included.
    pub cards: u64,
    /// SHA-256 over the names of all cards of the frame in their order, each with a line feed behind it.
    pub frame: EvidenceId,
    /// What the reported results of each audited contest are taken to be, by contest.
    pub results: BTreeMap<String, Outcome>,
}

/// The outcome that is audited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Who won, by name, in the order of the ballot.
    pub winners: Vec<String>,
    /// Votes by candidate, in the order of the ballot, as the files say.
    pub votes: Vec<u64>,
    /// Cards that may hold the contest, phantoms included.
    pub cards: u64,
    /// The statements that together imply the outcome, in words.
    pub assertions: Vec<String>,
    /// Difference between winner and loser in votes, where votes are compared; the least mean margin of the assertions in
    /// votes otherwise.
    pub margin_votes: u64,
}

/// How the seed came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seeded {
    /// The digits.
    pub seed: String,
    /// When the last die was rolled.
    pub rolled_at: Timestamp,
    /// Who rolled.
    pub rolled_by: Vec<String>,
    /// Who saw.
    pub seen_by: Vec<String>,
    /// How: which dice, where.
    #[serde(default)]
    pub how: String,
}

/// A round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// Counts from 1.
    pub round: u32,
    /// For each contest that is drawn for, the draws that it has by the end of this round: never fewer than before.
    pub draws: BTreeMap<String, u64>,
}

/// What somebody read on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The card.
    pub card: CardKey,
    /// Who read it.
    pub reader: String,
    /// False where the card was looked for and not found.
    pub found: bool,
    /// By contest, what is marked; a contest that is not on the card is not here.
    pub votes: BTreeMap<String, Marked>,
}

/// What is marked in a contest.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marked {
    /// Where the contest has no ranks: the candidates with a mark.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// Where it has: rank by rank, none for a skipped rank, several for an overvoted one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranks: Vec<Vec<String>>,
    /// The reader says that it is overvoted, without saying by which marks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub overvoted: bool,
    /// Ranks, from 1, that are overvoted without it being said by which marks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overvoted_ranks: Vec<u16>,
}

impl Marked {
    /// The same marks in an order of their own, so that two readings compare by what they say.
    pub fn normalized(mut self) -> Self {
        self.marks.sort();
        self.ranks.iter_mut().for_each(|row| row.sort());
        while self.ranks.last().is_some_and(Vec::is_empty) {
            self.ranks.pop();
        }
        self
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// What people counted in a drawn batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchReading {
    /// The batch.
    pub card: CardKey,
    /// Who counted it.
    pub reader: String,
    /// Cards that were in it.
    pub cards: u64,
    /// By contest, votes by candidate.
    pub votes: BTreeMap<String, BTreeMap<String, u64>>,
}

/// How a disagreement ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// The card or batch.
    pub card: CardKey,
    /// The entry of the log whose reading is right.
    pub reading: u64,
    /// The last entry that whoever settled it had seen: a reading after it that says otherwise opens the question anew.
    pub up_to: u64,
    /// Who looked, and what they saw.
    pub because: String,
}

/// A contest goes to a full hand count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalated {
    /// The contest.
    pub contest: String,
    /// Why.
    pub because: String,
}

/// The result of a full hand count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullyCounted {
    /// The contest.
    pub contest: String,
    /// Cards that were looked at.
    pub cards: u64,
    /// Votes by candidate. Of a ranked contest: the tally of its last round.
    pub votes: BTreeMap<String, u64>,
    /// Who counted.
    pub counted_by: Vec<String>,
}

/// An event is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undone {
    /// Its number in the log.
    pub entry: u64,
    /// Why.
    pub because: String,
}

/// What was told of the risks at some moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assessed {
    /// The last entry of the log that was taken into account.
    pub up_to: u64,
    /// By contest, the word for what it came to and the risk where one is measured.
    pub contests: BTreeMap<String, AssessedContest>,
}

/// What was told of one contest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssessedContest {
    /// `confirmed`, `not-yet`, `full-count`, `wrong` or `not-audited`.
    pub verdict: String,
    /// The measured risk as text, to the digits that are certain; `None` where there is none.
    pub risk: Option<String>,
    /// Draws that the risk rests on.
    pub draws: u64,
}

/// A package was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The files of the inputs that are in it.
    pub included: Vec<String>,
    /// Of those that are withheld the digest of what is public of them.
    #[serde(default)]
    pub withheld: BTreeMap<String, EvidenceId>,
}
