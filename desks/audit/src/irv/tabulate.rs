//! Counting round by round: the winner needs a majority of the ballots that still count.

use super::rules::{Cell, End, Ranking, Rules};

/// Ballots that count for nobody, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inactive {
    /// No further choice.
    pub choices: u64,
    /// An overvote.
    pub overvotes: u64,
    /// A candidate ranked again.
    pub duplicates: u64,
    /// Too many empty ranks.
    pub skipped: u64,
}

/// How a round ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody reached the threshold.
    Elected(usize),
    /// Somebody had the fewest ballots.
    Eliminated {
        /// Who.
        candidate: usize,
        /// Where the ballots go: to whom, or to nobody, and how many, in the order of the candidates.
        transfers: Vec<(Option<usize>, u64)>,
        /// Others with as few ballots: the first named was taken, and the result needs the law's tie-break.
        tied_with: Vec<usize>,
    },
    /// No ballot counts any more.
    Nobody,
}

/// One round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundCount {
    /// Ballots that elect: more than half of those that count.
    pub threshold: u64,
    /// Ballots by candidate; nothing for those who are out.
    pub tallies: Vec<Option<u64>>,
    /// Ballots that count for nobody; those without any mark are not among them.
    pub inactive: Inactive,
    /// How it ended.
    pub outcome: Outcome,
}

/// A whole count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tabulation {
    /// First to last.
    pub rounds: Vec<RoundCount>,
    /// Ballots without any mark.
    pub undervotes: u64,
}

impl Tabulation {
    /// Who was elected.
    #[must_use]
    pub fn winner(&self) -> Option<usize> {
        match self.rounds.last()?.outcome {
            Outcome::Elected(candidate) => Some(candidate),
            _ => None,
        }
    }
}

/// Counts ballots of `candidates` candidates until somebody has a majority.
#[must_use]
pub fn tabulate<'a>(
    candidates: usize,
    ballots: impl IntoIterator<Item = &'a [Cell]>,
    rules: &Rules,
) -> Tabulation {
    let mut undervotes = 0;
    let mut rankings: Vec<Ranking> = Vec::new();
    for cells in ballots {
        if cells.iter().all(|cell| *cell == Cell::Skipped) {
            undervotes += 1;
        } else {
            rankings.push(rules.read(cells));
        }
    }
    let mut standing = vec![true; candidates];
    let mut rounds = Vec::new();
    for _ in 0..candidates.max(1) {
        let round = count(&standing, &rankings);
        if let Outcome::Eliminated { candidate, .. } = round.outcome {
            standing[candidate] = false;
            rounds.push(round);
        } else {
            rounds.push(round);
            break;
        }
    }
    Tabulation { rounds, undervotes }
}

fn choice(ranking: &Ranking, standing: &[bool]) -> Option<usize> {
    ranking
        .candidates
        .iter()
        .copied()
        .find(|candidate| standing.get(*candidate) == Some(&true))
}

fn count(standing: &[bool], rankings: &[Ranking]) -> RoundCount {
    let mut tallies: Vec<Option<u64>> = standing.iter().map(|stands| stands.then_some(0)).collect();
    let mut inactive = Inactive::default();
    for ranking in rankings {
        match choice(ranking, standing) {
            Some(candidate) => {
                if let Some(tally) = &mut tallies[candidate] {
                    *tally += 1;
                }
            }
            None => match ranking.end {
                End::Choices => inactive.choices += 1,
                End::Overvote => inactive.overvotes += 1,
                End::Skipped => inactive.skipped += 1,
                End::Duplicate => inactive.duplicates += 1,
            },
        }
    }
    let active: u64 = tallies.iter().flatten().sum();
    let threshold = active / 2 + 1;
    let by_tally = |candidate: usize| tallies[candidate].map(|tally| (candidate, tally));
    let elected = (0..standing.len())
        .filter_map(by_tally)
        .find(|(_, tally)| *tally >= threshold);
    let last = (0..standing.len())
        .filter_map(by_tally)
        .min_by_key(|(_, tally)| *tally);
    let outcome = match (elected, last) {
        (Some((candidate, _)), _) => Outcome::Elected(candidate),
        (None, Some((candidate, fewest))) if active > 0 => {
            let mut after = standing.to_vec();
            after[candidate] = false;
            let moved: Vec<Option<usize>> = rankings
                .iter()
                .filter(|ranking| choice(ranking, standing) == Some(candidate))
                .map(|ranking| choice(ranking, &after))
                .collect();
            let to = (0..standing.len()).map(Some).chain([None]);
            Outcome::Eliminated {
                candidate,
                transfers: to
                    .map(|to| (to, moved.iter().filter(|next| **next == to).count() as u64))
                    .filter(|(_, count)| *count > 0)
                    .collect(),
                tied_with: (0..standing.len())
                    .filter(|other| *other != candidate && tallies[*other] == Some(fewest))
                    .collect(),
            }
        }
        _ => Outcome::Nobody,
    };
    RoundCount {
        threshold,
        tallies,
        inactive,
        outcome,
    }
}
