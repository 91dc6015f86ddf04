//! Cards, and what is marked on them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{CandidateId, Contest, ContestId};

/// A batch: a stack of cards that was scanned together and is stored together.
///
/// A part that a source does not state is empty. Ordered by container, tabulator, batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchId {
    /// The box or bin in which the batch is kept.
    #[serde(default)]
    pub container: String,
    /// The scanner.
    #[serde(default)]
    pub tabulator: String,
    /// The batch's own name or number.
    pub batch: String,
}

impl BatchId {
    /// A batch of a tabulator, with no container stated.
    pub fn new(tabulator: impl Into<String>, batch: impl Into<String>) -> Self {
        BatchId {
            container: String::new(),
            tabulator: tabulator.into(),
            batch: batch.into(),
        }
    }

    /// Whether what is stated of two batches agrees: a container or tabulator that one of them does not state fits any.
    pub fn agrees_with(&self, other: &BatchId) -> bool {
        let fits = |a: &str, b: &str| a.is_empty() || b.is_empty() || a == b;
        self.batch == other.batch
            && fits(&self.tabulator, &other.tabulator)
            && fits(&self.container, &other.container)
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.container.is_empty() {
            write!(f, "container {}, ", self.container)?;
        }
        if !self.tabulator.is_empty() {
            write!(f, "tabulator {}, ", self.tabulator)?;
        }
        write!(f, "batch {}", self.batch)
    }
}

/// The number by which a record is known within its batch.
///
/// Decimal or hexadecimal in the source; 128 bits hold 32 hexadecimal digits, so that two ids never become one. Written
/// as decimal text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u128);

/// A record number that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a record number must be at most 38 decimal or 32 hexadecimal digits")]
pub struct RecordIdError;

impl RecordId {
    /// Reads hexadecimal digits, in either case, with or without `0x`.
    pub fn from_hex(text: &str) -> Result<Self, RecordIdError> {
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(RecordIdError);
        }
        u128::from_str_radix(digits, 16)
            .map(RecordId)
            .map_err(|_| RecordIdError)
    }
}

impl FromStr for RecordId {
    type Err = RecordIdError;

    fn from_str(text: &str) -> Result<Self, RecordIdError> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RecordIdError);
        }
        text.parse().map(RecordId).map_err(|_| RecordIdError)
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for RecordId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One card: a sheet of paper that was scanned. A ballot of two sheets is two cards.
///
/// Equal cards have the same batch and record number; the imprinted id is what the scanner printed on the paper, empty
/// where it printed none. Ordered by batch, then record number.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CardId {
    /// The batch.
    pub batch: BatchId,
    /// The number within the batch, as the source counts: not always 1, 2, 3 ….
    pub record: RecordId,
    /// What is printed on the paper; empty where nothing is.
    #[serde(default)]
    pub imprinted: String,
}

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, record {}", self.batch, self.record)
    }
}

/// A mark for a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// Rank, from 1; 0 where the contest has no ranks.
    pub rank: u16,
    /// For whom.
    pub candidate: CandidateId,
}

/// What a card says in one contest. A contest that is on the card and has no mark is here with no marks (an undervote);
/// a contest that is not on the card is not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContestVotes {
    /// The contest.
    pub contest: ContestId,
    /// The marks, ordered by rank and candidate, none twice.
    pub marks: Vec<Mark>,
    /// The source itself says that the contest is overvoted; it need not say by which marks.
    #[serde(default)]
    pub overvoted: bool,
    /// Ranks that the source itself calls overvoted without saying by which marks, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overvoted_ranks: Vec<u16>,
}

/// What stands at one rank of a ranked contest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RankMark {
    /// Nothing.
    Skipped,
    /// One candidate.
    One(CandidateId),
    /// More than one.
    Overvoted,
}

impl ContestVotes {
    /// Whether no vote counts because there are more marks than the contest allows, or because the source says so. A ranked
    /// contest is judged rank by rank by the rules of `irv`, not here.
    pub fn is_overvote(&self, contest: &Contest) -> bool {
        self.overvoted || (!contest.is_ranked() && self.marks.len() > contest.votes_allowed as usize)
    }

    /// Whether a vote for `candidate` counts in a contest without ranks.
    pub fn has_vote(&self, contest: &Contest, candidate: CandidateId) -> bool {
        !self.is_overvote(contest) && self.marks.iter().any(|mark| mark.candidate == candidate)
    }

    /// What stands at each rank, from rank 1 to `ranks` or the highest that says anything: the raw ballot to which the rules
    /// of `irv` are applied.
    pub fn by_rank(&self, ranks: u32) -> Vec<RankMark> {
        let marked = self.marks.iter().map(|mark| mark.rank);
        let highest = marked
            .chain(self.overvoted_ranks.iter().copied())
            .max()
            .unwrap_or(0);
        let mut rows = vec![RankMark::Skipped; usize::from(highest).max(ranks as usize)];
        for mark in &self.marks {
            if let Some(row) = usize::from(mark.rank)
                .checked_sub(1)
                .and_then(|at| rows.get_mut(at))
            {
                *row = match row {
                    RankMark::Skipped => RankMark::One(mark.candidate),
                    _ => RankMark::Overvoted,
                };
            }
        }
        for rank in &self.overvoted_ranks {
            if let Some(row) = usize::from(*rank).checked_sub(1).and_then(|at| rows.get_mut(at)) {
                *row = RankMark::Overvoted;
            }
        }
        rows
    }

    /// Whether the contest says nothing at all.
    pub fn is_blank(&self) -> bool {
        self.marks.is_empty() && !self.overvoted && self.overvoted_ranks.is_empty()
    }
}

/// Whether the record's votes were taken out or changed before it was published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redaction {
    /// The record is as the voting system made it.
    #[default]
    None,
    /// Votes are withheld: [`CastVoteRecord::votes`] holds only what was left visible. It counts as a card, and whoever has the
    /// whole record can say more.
    Withheld,
}

/// What the voting system recorded for one card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CastVoteRecord {
    /// The card.
    pub card: CardId,
    /// Ballot style (ballot type); empty where the source has none.
    #[serde(default)]
    pub style: String,
    /// Precinct or precinct portion; empty where the source has none.
    #[serde(default)]
    pub precinct: String,
    /// Mail, election day and the like; empty where the source has none.
    #[serde(default)]
    pub group: String,
    /// The contests on the card, ordered by place.
    pub votes: Vec<ContestVotes>,
    /// Whether the votes are withheld.
    #[serde(default)]
    pub redaction: Redaction,
}

impl CastVoteRecord {
    /// What the card says in `contest`; `None` where the contest is not on the card.
    pub fn contest(&self, contest: ContestId) -> Option<&ContestVotes> {
        // Ordered by place: a search would do, but a card holds few contests and the votes are usually all of them.
        self.votes.iter().find(|votes| votes.contest == contest)
    }
}
