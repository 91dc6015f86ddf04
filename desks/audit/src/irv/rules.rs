//! From marks to a ranking.

/// What one rank of a ballot shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// One candidate.
    Candidate(usize),
    /// Nobody.
    Skipped,
    /// Several.
    Overvote,
}

/// What happens at a rank with several candidates.
///
/// The rule by which the rank counts for whoever of them still stands gives no fixed ranking, and is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OvervoteRule {
    /// The ballot ends there.
    Exhaust,
    /// The rank is passed over.
    SkipToNextRank,
}

/// What happens at a candidate who was ranked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateRule {
    /// The ballot ends there.
    Exhaust,
    /// The rank is passed over.
    Skip,
}

/// A jurisdiction's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Several candidates at one rank.
    pub overvote: OvervoteRule,
    /// A candidate ranked again.
    pub duplicate: DuplicateRule,
    /// How many ranks in a row may be empty before the next one is not read any more; nothing for any number.
    pub most_skipped: Option<usize>,
    /// How many ranks are read; nothing for all.
    pub most_ranks: Option<usize>,
}

/// Why a ballot has no further candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No further rank names anybody.
    Choices,
    /// An overvote.
    Overvote,
    /// Too many empty ranks.
    Skipped,
    /// A candidate ranked again.
    Duplicate,
}

/// A ballot as the rules read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Candidates, most preferred first, each once.
    pub candidates: Vec<usize>,
    /// Why it ends.
    pub end: End,
}

impl Rules {
    /// Overvotes end the ballot; empty ranks and repeats are passed over, as most places in the United States have it.
    pub const USUAL: Self = Self {
        overvote: OvervoteRule::Exhaust,
        duplicate: DuplicateRule::Skip,
        most_skipped: None,
        most_ranks: None,
    };

    /// Reads a ballot, from its first rank.
    #[must_use]
    pub fn read(&self, cells: &[Cell]) -> Ranking {
        let mut candidates = Vec::new();
        let mut skipped = 0;
        let length = self.most_ranks.unwrap_or(usize::MAX).min(cells.len());
        for cell in &cells[..length] {
            let is_too_late = self.most_skipped.is_some_and(|most| skipped > most);
            if is_too_late && *cell != Cell::Skipped {
                let end = End::Skipped;
                return Ranking { candidates, end };
            }
            match cell {
                Cell::Skipped => {
                    skipped += 1;
                    continue;
                }
                Cell::Overvote if self.overvote == OvervoteRule::Exhaust => {
                    let end = End::Overvote;
                    return Ranking { candidates, end };
                }
                Cell::Overvote => {}
                Cell::Candidate(candidate) if candidates.contains(candidate) => {
                    if self.duplicate == DuplicateRule::Exhaust {
                        let end = End::Duplicate;
                        return Ranking { candidates, end };
                    }
                }
                Cell::Candidate(candidate) => candidates.push(*candidate),
            }
            skipped = 0;
        }
        Ranking {
            candidates,
            end: End::Choices,
        }
    }
}

/// The cells of a ballot that gives each candidate a rank from 1, or 0 for none: a rank given to several is an overvote.
///
/// Ranks above `most` are left out; the number of cells is at most that.
#[must_use]
pub fn cells_of_ranks(ranks: &[u32], most: u32) -> Vec<Cell> {
    let last = ranks
        .iter()
        .copied()
        .filter(|rank| *rank <= most)
        .max()
        .unwrap_or(0);
    (1..=last)
        .map(|rank| {
            let mut holders = (0..ranks.len()).filter(|candidate| ranks[*candidate] == rank);
            match (holders.next(), holders.next()) {
                (None, _) => Cell::Skipped,
                (Some(candidate), None) => Cell::Candidate(candidate),
                (Some(_), Some(_)) => Cell::Overvote,
            }
        })
        .collect()
}
