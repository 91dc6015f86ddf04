//! Contests and candidates, and what was reported of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Place of a contest in [`Election::contests`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContestId(pub u32);

/// Place of a candidate in [`Contest::candidates`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CandidateId(pub u32);

impl ContestId {
    /// The place as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl CandidateId {
    /// Somebody who is not among the contest's candidates, such as a name written in that nobody registered: a mark like any
    /// other where marks are counted, and nobody's vote.
    pub const OTHER: CandidateId = CandidateId(u32::MAX);

    /// The place as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How the winners of a contest follow from the votes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ContestKind {
    /// Most votes win; one vote, or [`Contest::votes_allowed`] of them, and [`Contest::winners`] seats.
    Plurality,
    /// A voter may approve of any number of candidates; most approvals win.
    Approval,
    /// The winner needs more than `share` of the valid votes.
    Supermajority {
        /// In (0, 1), such as 2/3.
        share: f64,
    },
    /// Whoever has more than half of the valid votes wins; where nobody has, the two highest go to a runoff.
    MajorityOrRunoff,
    /// Instant-runoff voting over ranked marks.
    Irv,
    /// Seats by highest averages (D'Hondt); the candidates are lists.
    DHondt,
}

/// Somebody or something that can be voted for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// As the source writes it.
    pub name: String,
    /// Whether it stands for names that voters wrote in.
    #[serde(default)]
    pub write_in: bool,
}

/// What the authorities reported for a contest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Votes, one number for each candidate in the contest's order. For IRV: first preferences.
    pub votes: Vec<u64>,
    /// Upper bound on the cards that hold the contest (ballots cast in it, blank ones included).
    pub cards: u64,
    /// The reported winners.
    pub winners: Vec<CandidateId>,
}

/// One question on the ballot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// As the source writes it, without "(Vote For=n)" and the like.
    pub name: String,
    /// How winners follow from votes.
    #[serde(flatten)]
    pub kind: ContestKind,
    /// Who can be voted for.
    pub candidates: Vec<Candidate>,
    /// Most votes that a voter may give, at least 1. Where a source states none it is 1, and a problem says so.
    pub votes_allowed: u32,
    /// Seats, at least 1.
    pub winners: u32,
    /// Ranks on the ballot of a ranked contest; 0 in any other.
    #[serde(default)]
    pub ranks: u32,
    /// What was reported; `None` until it is known.
    #[serde(default)]
    pub reported: Option<Reported>,
}

impl Contest {
    /// A plurality contest of one seat without candidates yet.
    pub fn new(name: impl Into<String>) -> Self {
        Contest {
            name: name.into(),
            kind: ContestKind::Plurality,
            candidates: Vec::new(),
            votes_allowed: 1,
            winners: 1,
            ranks: 0,
            reported: None,
        }
    }

    /// The candidate of exactly this name.
    pub fn candidate(&self, name: &str) -> Option<CandidateId> {
        let at = self
            .candidates
            .iter()
            .position(|candidate| candidate.name == name)?;
        Some(CandidateId(at as u32))
    }

    /// Adds a candidate and returns its place.
    pub fn add(&mut self, name: impl Into<String>, write_in: bool) -> CandidateId {
        self.candidates.push(Candidate {
            name: name.into(),
            write_in,
        });
        CandidateId((self.candidates.len() - 1) as u32)
    }

    /// Whether marks carry ranks.
    pub fn is_ranked(&self) -> bool {
        self.ranks > 0
    }
}

/// The contests that one set of records speaks of.
///
/// A reader learns contests and candidates as it reads: places are given in the order of first sight and never change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Election {
    /// The election's name, where a source gives one.
    #[serde(default)]
    pub name: String,
    /// The contests.
    pub contests: Vec<Contest>,
}

impl Election {
    /// The contest of exactly this name.
    pub fn contest(&self, name: &str) -> Option<ContestId> {
        let at = self.contests.iter().position(|contest| contest.name == name)?;
        Some(ContestId(at as u32))
    }

    /// The contest at a place.
    pub fn get(&self, id: ContestId) -> Option<&Contest> {
        self.contests.get(id.index())
    }

    /// Adds a contest and returns its place.
    pub fn add(&mut self, contest: Contest) -> ContestId {
        self.contests.push(contest);
        ContestId((self.contests.len() - 1) as u32)
    }

    /// Places of contests by name.
    pub fn by_name(&self) -> BTreeMap<&str, ContestId> {
        self.contests
            .iter()
            .zip(0..)
            .map(|(contest, at)| (contest.name.as_str(), ContestId(at)))
            .collect()
    }
}
