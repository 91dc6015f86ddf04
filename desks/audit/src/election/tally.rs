//! Counts: of records, of batches, and of what people read by hand.

use serde::{Deserialize, Serialize};

use super::{BatchId, CardId, CastVoteRecord, Contest, ContestVotes, Election, Redaction};

/// A column of batch tallies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TallyColumn {
    /// The contest's name; empty where the file is about one contest and does not name it.
    pub contest: String,
    /// The candidate's name.
    pub candidate: String,
}

/// What was reported for one batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchTally {
    /// The jurisdiction, in a file over several; empty where it is over one.
    #[serde(default)]
    pub jurisdiction: String,
    /// The batch.
    pub batch: BatchId,
    /// Cards in the batch, where the file says.
    pub cards: Option<u64>,
    /// One number for each of [`BatchTallies::columns`].
    pub votes: Vec<u64>,
    /// Line of the file, from 1.
    pub line: u64,
}

/// Batch tallies as a file gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchTallies {
    /// What the numbers count.
    pub columns: Vec<TallyColumn>,
    /// The batches, in the order of the file.
    pub batches: Vec<BatchTally>,
}

/// What people read on one card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandReading {
    /// The card; its record number is 0 where the file names it by `position` or imprinted id only.
    pub card: CardId,
    /// Place in the batch, from 1, where the file says.
    #[serde(default)]
    pub position: Option<u64>,
    /// False where the card was looked for and not found: then `votes` is empty.
    pub found: bool,
    /// What it says; a contest that is not on the card is not here.
    pub votes: Vec<ContestVotes>,
    /// Who read it; empty where the file does not say.
    #[serde(default)]
    pub reader: String,
    /// Line of the file, from 1; 0 where it was not read from a file.
    #[serde(default)]
    pub line: u64,
}

/// Counts of one contest over records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContestCount {
    /// Cards that hold the contest, overvoted and blank ones included.
    pub cards: u64,
    /// Votes for each candidate, overvoted contests left out. For a ranked contest: marks at rank 1 that stand alone there.
    pub votes: Vec<u64>,
    /// Cards on which the contest is overvoted (in a ranked contest: at rank 1).
    pub overvoted: u64,
    /// Cards on which the contest has no mark.
    pub blank: u64,
}

/// Counts over records, contest by contest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Cards, those with withheld votes included.
    pub cards: u64,
    /// Cards whose votes are withheld.
    pub withheld: u64,
    /// One for each contest, in the election's order.
    pub contests: Vec<ContestCount>,
}

impl Tally {
    /// Counts one more record.
    pub fn add(&mut self, election: &Election, record: &CastVoteRecord) {
        self.cards += 1;
        if record.redaction == Redaction::Withheld {
            self.withheld += 1;
        }
        for votes in &record.votes {
            let Some(contest) = election.get(votes.contest) else {
                continue;
            };
            let at = votes.contest.index();
            if self.contests.len() <= at {
                self.contests.resize_with(at + 1, ContestCount::default);
            }
            self.contests[at].add(contest, votes);
        }
    }
}

impl ContestCount {
    /// Counts one more card that holds the contest.
    pub fn add(&mut self, contest: &Contest, votes: &ContestVotes) {
        if self.votes.len() < contest.candidates.len() {
            self.votes.resize(contest.candidates.len(), 0);
        }
        self.cards += 1;
        let counted = match contest.is_ranked() {
            true => {
                let first = votes.marks.iter().take_while(|mark| mark.rank <= 1).count();
                let over = votes.overvoted || first > 1 || votes.overvoted_ranks.first() == Some(&1);
                (!over).then(|| &votes.marks[..first])
            }
            false => (!votes.is_overvote(contest)).then_some(&votes.marks[..]),
        };
        match counted {
            Some(marks) => {
                for mark in marks {
                    if let Some(votes) = self.votes.get_mut(mark.candidate.index()) {
                        *votes += 1;
                    }
                }
            }
            None => self.overvoted += 1,
        }
        if votes.is_blank() {
            self.blank += 1;
        }
    }
}
