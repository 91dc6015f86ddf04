//! What people read on paper: whether it can be, by the contests alone.

use std::collections::BTreeSet;

use super::event::{Audited, BatchReading, ContestPlan, FullyCounted, Marked, Reading};
use super::refused::Refused;
use crate::election::{CandidateId, Contest, ContestId, ContestVotes, Mark};

fn plan_of<'a>(contests: &'a [ContestPlan], name: &str) -> Result<&'a ContestPlan, Refused> {
    contests
        .iter()
        .find(|plan| plan.contest.name == name)
        .ok_or_else(|| Refused::NoSuchContest {
            contest: name.to_owned(),
        })
}

fn candidate_of(contest: &Contest, name: &str) -> Result<CandidateId, Refused> {
    contest.candidate(name).ok_or_else(|| Refused::NoSuchCandidate {
        contest: contest.name.clone(),
        candidate: name.to_owned(),
        candidates: contest
            .candidates
            .iter()
            .map(|candidate| candidate.name.clone())
            .collect(),
    })
}

/// Whether a card can say what `reading` says.
///
/// More marks than the contest allows are possible: that is an overvote, and the reading says so by its marks. Errors: a
/// candidate or contest that does not exist, one marked twice, ranks where there are none or more than there are, votes on a
/// card that was not found.
pub fn check_reading(contests: &[ContestPlan], reading: &Reading) -> Result<(), Refused> {
    if reading.reader.trim().is_empty() {
        return Err(Refused::NoReader);
    }
    if !reading.found && !reading.votes.is_empty() {
        return Err(Refused::VotesWithoutCard);
    }
    for (name, marked) in &reading.votes {
        votes_of(&plan_of(contests, name)?.contest, ContestId(0), marked)?;
    }
    Ok(())
}

/// The votes that `marked` gives in `contest`, as a cast vote record would have them.
pub fn votes_of(contest: &Contest, id: ContestId, marked: &Marked) -> Result<ContestVotes, Refused> {
    let mut marks = Vec::new();
    if contest.is_ranked() {
        if !marked.marks.is_empty() {
            return Err(Refused::NeedsRanks {
                contest: contest.name.clone(),
            });
        }
        if marked.ranks.len() > contest.ranks as usize {
            return Err(Refused::TooManyRanks {
                contest: contest.name.clone(),
                found: marked.ranks.len(),
                ranks: contest.ranks,
            });
        }
        for (rank, names) in (1..).zip(&marked.ranks) {
            let mut seen = BTreeSet::new();
            for name in names {
                let candidate = candidate_of(contest, name)?;
                if !seen.insert(candidate) {
                    return Err(Refused::MarkedTwice {
                        contest: contest.name.clone(),
                        candidate: name.clone(),
                    });
                }
                marks.push(Mark { rank, candidate });
            }
        }
    } else {
        if !marked.ranks.is_empty() {
            return Err(Refused::NotRanked {
                contest: contest.name.clone(),
            });
        }
        let mut seen = BTreeSet::new();
        for name in &marked.marks {
            let candidate = candidate_of(contest, name)?;
            if !seen.insert(candidate) {
                return Err(Refused::MarkedTwice {
                    contest: contest.name.clone(),
                    candidate: name.clone(),
                });
            }
            marks.push(Mark { rank: 0, candidate });
        }
    }
    marks.sort_unstable();
    let mut overvoted_ranks = marked.overvoted_ranks.clone();
    overvoted_ranks.sort_unstable();
    overvoted_ranks.dedup();
    if let Some(beyond) = overvoted_ranks
        .iter()
        .find(|rank| **rank == 0 || u32::from(**rank) > contest.ranks)
    {
        return Err(Refused::TooManyRanks {
            contest: contest.name.clone(),
            found: usize::from(*beyond),
            ranks: contest.ranks,
        });
    }
    Ok(ContestVotes {
        contest: id,
        marks,
        overvoted: marked.overvoted,
        overvoted_ranks,
    })
}

/// The votes of a record in the words of a reading.
pub fn marked_of(contest: &Contest, votes: &ContestVotes) -> Marked {
    let name = |candidate: CandidateId| {
        contest
            .candidates
            .get(candidate.index())
            .map(|candidate| candidate.name.clone())
            .unwrap_or_default()
    };
    if !contest.is_ranked() {
        return Marked {
            marks: votes.marks.iter().map(|mark| name(mark.candidate)).collect(),
            overvoted: votes.overvoted,
            ..Marked::default()
        };
    }
    let highest = votes.marks.iter().map(|mark| usize::from(mark.rank)).max();
    let mut ranks: Vec<Vec<String>> = vec![Vec::new(); highest.unwrap_or(0)];
    for mark in &votes.marks {
        let row = usize::from(mark.rank).checked_sub(1);
        if let Some(row) = row.and_then(|at| ranks.get_mut(at)) {
            row.push(name(mark.candidate));
        }
    }
    Marked {
        marks: Vec::new(),
        ranks,
        overvoted: votes.overvoted,
        overvoted_ranks: votes.overvoted_ranks.clone(),
    }
}

/// Whether a batch can hold what was counted in it.
pub fn check_batch_reading(contests: &[ContestPlan], reading: &BatchReading) -> Result<(), Refused> {
    if reading.reader.trim().is_empty() {
        return Err(Refused::NoReader);
    }
    for (name, votes) in &reading.votes {
        let contest = &plan_of(contests, name)?.contest;
        check_votes(contest, reading.cards, votes.iter())?;
    }
    for plan in contests.iter().filter(|plan| plan.audited != Audited::No) {
        let Some(votes) = reading.votes.get(&plan.contest.name) else {
            continue;
        };
        check_complete(&plan.contest, |name| votes.contains_key(name))?;
    }
    Ok(())
}

/// Whether a full count can be.
pub fn check_full_count(plan: &ContestPlan, counted: &FullyCounted) -> Result<(), Refused> {
    if counted.counted_by.iter().all(|name| name.trim().is_empty()) {
        return Err(Refused::NoReader);
    }
    check_votes(&plan.contest, counted.cards, counted.votes.iter())?;
    check_complete(&plan.contest, |name| counted.votes.contains_key(name))
}

fn check_complete(contest: &Contest, has: impl Fn(&str) -> bool) -> Result<(), Refused> {
    match contest.candidates.iter().find(|candidate| !has(&candidate.name)) {
        None => Ok(()),
        Some(missing) => Err(Refused::CandidateLeftOut {
            contest: contest.name.clone(),
            candidate: missing.name.clone(),
        }),
    }
}

fn check_votes<'a>(
    contest: &Contest,
    cards: u64,
    votes: impl Iterator<Item = (&'a String, &'a u64)>,
) -> Result<(), Refused> {
    let mut sum: u64 = 0;
    for (name, count) in votes {
        candidate_of(contest, name)?;
        if *count > cards {
            return Err(Refused::MoreVotesThanCards {
                contest: contest.name.clone(),
                candidate: name.clone(),
                votes: *count,
                cards,
            });
        }
        sum = sum.saturating_add(*count);
    }
    if sum > cards.saturating_mul(u64::from(contest.votes_allowed)) {
        return Err(Refused::MoreVotesThanAllowed {
            contest: contest.name.clone(),
            votes: sum,
            cards,
            allowed: contest.votes_allowed,
        });
    }
    Ok(())
}
