//! Ranked ballots, counted by who stands.

use super::RaireError;

/// Candidates are bits of a 64-bit set.
pub const MOST_CANDIDATES: usize = 64;

/// All ballots of a contest, merged into a tree of rankings.
#[derive(Clone, Debug)]
pub struct Profile {
    candidates: usize,
    /// The tree in the order of a walk: a node's children follow it, and `next` passes over them.
    nodes: Vec<Node>,
    /// `margins[w * candidates + l]`: ballots that rank `w` first, and ballots that rank `l` and not `w` above it.
    before: Vec<(u64, u64)>,
    ballots: u64,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    candidate: u8,
    next: u32,
    /// Ballots that begin with the ranks down to here.
    ballots: u64,
}

impl Profile {
    /// Merges ballots: how many there are of each ranking, most preferred first. An empty ranking counts as a ballot.
    ///
    /// Errors: no candidates or more than [`MOST_CANDIDATES`]; a ranking of somebody unknown, or of somebody twice.
    pub fn new(
        candidates: usize,
        ballots: impl IntoIterator<Item = (u64, Vec<usize>)>,
    ) -> Result<Self, RaireError> {
        if candidates == 0 || candidates > MOST_CANDIDATES {
            return Err(RaireError::Candidates(candidates));
        }
        let mut rankings: Vec<(Vec<u8>, u64)> = Vec::new();
        let mut sum = 0;
        for (count, ranking) in ballots {
            let mut seen = 0_u64;
            let mut ranks = Vec::with_capacity(ranking.len());
            for candidate in ranking {
                if candidate >= candidates {
                    let last = candidates - 1;
                    return Err(RaireError::UnknownCandidate { candidate, last });
                }
                if seen & (1 << candidate) != 0 {
                    return Err(RaireError::RankedTwice(candidate));
                }
                seen |= 1 << candidate;
                ranks.push(candidate as u8);
            }
            sum += count;
            rankings.push((ranks, count));
        }
        rankings.sort_unstable();
        rankings.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                earlier.1 += later.1;
            }
            is_same
        });
        let mut nodes = Vec::new();
        grow(&rankings, 0, &mut nodes);
        let mut profile = Self {
            candidates,
            nodes,
            before: Vec::new(),
            ballots: sum,
        };
        profile.before = profile.count_before(&rankings);
        Ok(profile)
    }

    /// How many candidates stand.
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.candidates
    }

    /// How many ballots there are.
    #[must_use]
    pub fn ballots(&self) -> u64 {
        self.ballots
    }

    /// The set of all candidates.
    pub(super) fn everybody(&self) -> u64 {
        if self.candidates == 64 {
            u64::MAX
        } else {
            (1 << self.candidates) - 1
        }
    }

    /// Ballots for each candidate when only those of the set `standing` (bit c for candidate c) stand.
    #[must_use]
    pub fn tallies(&self, standing: u64) -> Vec<u64> {
        let mut tallies = vec![0; self.candidates];
        let mut place = 0;
        while let Some(node) = self.nodes.get(place) {
            if standing >> node.candidate & 1 == 1 {
                tallies[usize::from(node.candidate)] += node.ballots;
                place = node.next as usize;
            } else {
                place += 1;
            }
        }
        tallies
    }

    /// Ballots that rank `winner` first, and ballots that rank `loser` with `winner` not above it.
    #[must_use]
    pub fn first_against_ever(&self, winner: usize, loser: usize) -> (u64, u64) {
        self.before[winner * self.candidates + loser]
    }

    fn count_before(&self, rankings: &[(Vec<u8>, u64)]) -> Vec<(u64, u64)> {
        let firsts = self.tallies(self.everybody());
        let count = self.candidates;
        let mut before: Vec<(u64, u64)> = (0..count * count)
            .map(|index| (firsts[index / count], 0))
            .collect();
        for (ranks, ballots) in rankings {
            let mut above = 0_u64;
            for loser in ranks {
                for winner in 0..count {
                    if above >> winner & 1 == 0 && winner != usize::from(*loser) {
                        before[winner * count + usize::from(*loser)].1 += ballots;
                    }
                }
                above |= 1 << loser;
            }
        }
        before
    }

    /// Everybody who can win, whichever way ties are broken, in rising order.
    #[must_use]
    pub fn possible_winners(&self) -> Vec<usize> {
        let mut waiting = vec![self.everybody()];
        let mut seen = rustc_hash::FxHashSet::default();
        let mut winners = 0_u64;
        while let Some(standing) = waiting.pop() {
            if !seen.insert(standing) {
                continue;
            }
            if standing.count_ones() == 1 {
                winners |= standing;
                continue;
            }
            for candidate in self.last_of(standing) {
                waiting.push(standing & !(1 << candidate));
            }
        }
        members(winners).collect()
    }

    /// Who is eliminated, first to last, then the winner; the first named of tied ones goes.
    #[must_use]
    pub fn elimination_order(&self) -> Vec<usize> {
        let mut standing = self.everybody();
        let mut order = Vec::with_capacity(self.candidates);
        while standing != 0 {
            let Some(last) = self.last_of(standing).first().copied() else {
                break;
            };
            order.push(last);
            standing &= !(1 << last);
        }
        order
    }

    /// Those with the fewest ballots.
    fn last_of(&self, standing: u64) -> Vec<usize> {
        let tallies = self.tallies(standing);
        let least = members(standing).map(|candidate| tallies[candidate]).min();
        members(standing)
            .filter(|candidate| Some(tallies[*candidate]) == least)
            .collect()
    }
}

/// The candidates of a set, rising.
pub(super) fn members(set: u64) -> impl Iterator<Item = usize> {
    let mut left = set;
    std::iter::from_fn(move || {
        (left != 0).then(|| {
            let candidate = left.trailing_zeros() as usize;
            left &= left - 1;
            candidate
        })
    })
}

/// Appends the tree of rankings that share their first `depth` ranks. Rankings are no longer than there are candidates, so the depth is bounded.
fn grow(mut rankings: &[(Vec<u8>, u64)], depth: usize, nodes: &mut Vec<Node>) {
    // Sorted: those that end here come first.
    while rankings.first().is_some_and(|(ranks, _)| ranks.len() == depth) {
        rankings = &rankings[1..];
    }
    while let Some((ranks, _)) = rankings.first() {
        let candidate = ranks[depth];
        let length = rankings.partition_point(|(ranks, _)| ranks[depth] == candidate);
        let (branch, rest) = rankings.split_at(length);
        let place = nodes.len();
        nodes.push(Node {
            candidate,
            next: 0,
            ballots: branch.iter().map(|(_, ballots)| ballots).sum(),
        });
        grow(branch, depth + 1, nodes);
        nodes[place].next = nodes.len() as u32;
        rankings = rest;
    }
}
