//! The record being read, and where it goes. One record's memory serves all of them.

use pollwatch_model::Problem;

use super::error::ReadError;
use super::{CvrFormat, CvrRead, CvrSink, RedactedGroup};
use crate::election::{
    CandidateId, CastVoteRecord, Contest, ContestId, ContestVotes, Election, Mark, Redaction,
};

/// Most contests of one input: Cook County's general elections have about 300.
const MAX_CONTESTS: usize = 20_000;
/// Most candidates of one contest. The longest ballot so far is the French list of 2024 with 38; a recall had 135 (California
/// 2003); names written in are candidates of their own in some exports.
const MAX_CANDIDATES: usize = 20_000;
/// Most problems that are told one by one; the last one says that there are more.
const MAX_TOLD: u64 = 10_000;

/// Where records and problems of one input go.
pub(super) struct Out<'a> {
    pub(super) election: Election,
    pub(super) draft: Draft,
    sink: &'a mut dyn CvrSink,
    file: String,
    records: u64,
    lost: u64,
    groups: u64,
    told: u64,
}

impl<'a> Out<'a> {
    pub(super) fn new(file: &str, sink: &'a mut dyn CvrSink) -> Self {
        Out {
            election: Election::default(),
            draft: Draft::default(),
            sink,
            file: file.to_owned(),
            records: 0,
            lost: 0,
            groups: 0,
            told: 0,
        }
    }

    /// Hands the draft over, and begins the next one.
    pub(super) fn record(&mut self) -> Result<(), ReadError> {
        self.draft.settle();
        self.sink
            .record(&self.election, &self.draft.record)
            .map_err(|source| ReadError::keep(&self.file, source))?;
        self.records += 1;
        self.draft.clear();
        Ok(())
    }

    /// The record at `line` of `file` cannot be read; the draft is thrown away.
    pub(super) fn lost(&mut self, file: &str, line: u64, what: impl Into<String>) {
        self.draft.clear();
        self.lost += 1;
        self.problem(Problem::lost(file, line, what));
    }

    pub(super) fn remark(&mut self, file: &str, line: Option<u64>, what: impl Into<String>) {
        self.problem(Problem::remark(file, line, what));
    }

    fn problem(&mut self, problem: Problem) {
        self.told += 1;
        match self.told.cmp(&MAX_TOLD) {
            std::cmp::Ordering::Less => self.sink.problem(problem),
            std::cmp::Ordering::Equal => {
                self.sink.problem(problem);
                let what = format!("more than {MAX_TOLD} problems; the rest are counted but not told");
                self.sink.problem(Problem::remark(&self.file, None, what));
            }
            std::cmp::Ordering::Greater => {}
        }
    }

    pub(super) fn group(&mut self, group: RedactedGroup) {
        self.draft.clear();
        self.groups += 1;
        self.sink.group(group);
    }

    /// The contest of this name, added if it is new.
    pub(super) fn contest(&mut self, name: &str) -> Result<ContestId, ReadError> {
        match self.election.contest(name) {
            Some(id) => Ok(id),
            None => self.add_contest(Contest::new(name)),
        }
    }

    pub(super) fn add_contest(&mut self, contest: Contest) -> Result<ContestId, ReadError> {
        if self.election.contests.len() >= MAX_CONTESTS {
            return Err(self.too_many(&format!("{MAX_CONTESTS} contests")));
        }
        Ok(self.election.add(contest))
    }

    /// The candidate of this name, added if it is new.
    pub(super) fn candidate(&mut self, contest: ContestId, name: &str) -> Result<CandidateId, ReadError> {
        let at = &mut self.election.contests[contest.index()];
        if let Some(id) = at.candidate(name) {
            return Ok(id);
        }
        if at.candidates.len() >= MAX_CANDIDATES {
            return Err(self.too_many(&format!("{MAX_CANDIDATES} candidates in one contest")));
        }
        Ok(at.add(name, is_write_in(name)))
    }

    fn too_many(&self, what: &str) -> ReadError {
        ReadError::Limit {
            file: self.file.clone(),
            what: format!("it has more than {what}"),
        }
    }

    pub(super) fn end(self, format: CvrFormat) -> CvrRead {
        CvrRead {
            format,
            election: self.election,
            records: self.records,
            lost: self.lost,
            groups: self.groups,
        }
    }
}

/// Whether a name stands for names written in by voters.
pub(super) fn is_write_in(name: &str) -> bool {
    let lower: String = name
        .chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect();
    lower.starts_with("writein")
        || lower.starts_with("qualifiedwritein")
        || lower.starts_with("unqualifiedwritein")
}

/// A record in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) record: CastVoteRecord,
    spare: Vec<ContestVotes>,
}

impl Draft {
    pub(super) fn clear(&mut self) {
        let record = &mut self.record;
        record.card.batch.container.clear();
        record.card.batch.tabulator.clear();
        record.card.batch.batch.clear();
        record.card.record = crate::election::RecordId(0);
        record.card.imprinted.clear();
        record.style.clear();
        record.precinct.clear();
        record.group.clear();
        record.redaction = Redaction::None;
        self.spare.append(&mut record.votes);
    }

    /// What the card says in `contest`, which from now on is on the card.
    pub(super) fn votes(&mut self, contest: ContestId) -> &mut ContestVotes {
        let votes = &mut self.record.votes;
        // Sources keep the columns or marks of a contest together, so that it is nearly always the last one.
        let at = match votes.last() {
            Some(last) if last.contest == contest => votes.len() - 1,
            _ => match votes.iter().position(|votes| votes.contest == contest) {
                Some(at) => at,
                None => {
                    let mut fresh = self.spare.pop().unwrap_or_else(|| ContestVotes {
                        contest,
                        marks: Vec::new(),
                        overvoted: false,
                        overvoted_ranks: Vec::new(),
                    });
                    fresh.contest = contest;
                    fresh.marks.clear();
                    fresh.overvoted = false;
                    fresh.overvoted_ranks.clear();
                    votes.push(fresh);
                    votes.len() - 1
                }
            },
        };
        &mut votes[at]
    }

    pub(super) fn mark(&mut self, contest: ContestId, candidate: CandidateId, rank: u16) {
        self.votes(contest).marks.push(Mark { rank, candidate });
    }

    /// Puts contests and marks in their order, as [`ContestVotes`] promises.
    fn settle(&mut self) {
        let votes = &mut self.record.votes;
        if !votes.is_sorted_by_key(|votes| votes.contest) {
            votes.sort_by_key(|votes| votes.contest);
        }
        for votes in votes {
            if !votes.marks.is_sorted() {
                votes.marks.sort_unstable();
            }
            votes.marks.dedup();
            if !votes.overvoted_ranks.is_sorted() {
                votes.overvoted_ranks.sort_unstable();
            }
            votes.overvoted_ranks.dedup();
        }
    }
}

/// Replaces `text`, keeping its memory.
pub(super) fn set(text: &mut String, value: &str) {
    text.clear();
    text.push_str(value);
}
