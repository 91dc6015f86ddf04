//! Which pairs are looked at: those that share a key.

use super::level::Cache;
use super::person::{NO_DATE, People, Person};
use super::{Candidate, em::Weights, is_kept, odds};
use crate::compare::threads;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    /// Last name and birth date.
    LastBirth,
    /// First name and birth date.
    FirstBirth,
    /// First name and address.
    FirstAddress,
    /// Last name and address.
    LastAddress,
    /// Birth date and address.
    BirthAddress,
    /// Both names and ZIP code.
    NamesZip,
}

/// Every key; a pair is looked at under the first that it shares.
pub(crate) const BLOCKS: [Block; 6] = [
    Block::LastBirth,
    Block::FirstBirth,
    Block::FirstAddress,
    Block::LastAddress,
    Block::BirthAddress,
    Block::NamesZip,
];

/// A block with more pairs is split by a second key: 5,000 entries on each side.
const LARGEST: u64 = 5_000 * 5_000;

impl Block {
    /// The key of an entry; `None` where a part is missing.
    pub fn key(self, person: &Person) -> Option<u64> {
        let (last, first) = (u64::from(person.last), u64::from(person.first));
        let birth = (person.birth != NO_DATE).then_some(person.birth as u32 as u64);
        let address = (person.address != 0).then_some(person.address);
        let zip = u64::from(person.zip);
        Some(match self {
            Block::LastBirth => mix(last, birth?, 1),
            Block::FirstBirth => mix(first, birth?, 2),
            Block::FirstAddress => mix(first, address?, 3),
            Block::LastAddress => mix(last, address?, 4),
            Block::BirthAddress => mix(birth?, address?, 5),
            Block::NamesZip => mix(mix(last, first, 6), zip, 6),
        })
    }
}

fn mix(one: u64, other: u64, salt: u64) -> u64 {
    let product = u128::from(one ^ 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(salt))
        * u128::from(other ^ 0xd6e8_feb8_6659_fd93);
    (product as u64 ^ (product >> 64) as u64).wrapping_add(one.rotate_left(32) ^ other)
}

type Keyed = Vec<(u64, u32)>;

fn keyed(block: Block, people: &[Person]) -> Keyed {
    let mut keys: Keyed = people
        .iter()
        .enumerate()
        .filter_map(|(at, person)| Some((block.key(person)?, at as u32)))
        .collect();
    keys.sort_unstable();
    keys
}

/// Takes a run of entries of each side that share a key.
type EachRun<'a> = dyn FnMut(&[(u64, u32)], &[(u64, u32)]) + 'a;

/// Runs of equal keys on both sides.
fn runs(old: &[(u64, u32)], new: &[(u64, u32)], each: &mut EachRun<'_>) {
    let end = |keys: &[(u64, u32)], from: usize| {
        from + keys[from..]
            .iter()
            .take_while(|key| key.0 == keys[from].0)
            .count()
    };
    let (mut a, mut b) = (0, 0);
    while a < old.len() && b < new.len() {
        match old[a].0.cmp(&new[b].0) {
            std::cmp::Ordering::Less => a += 1,
            std::cmp::Ordering::Greater => b += 1,
            std::cmp::Ordering::Equal => {
                let (a_end, b_end) = (end(old, a), end(new, b));
                each(&old[a..a_end], &new[b..b_end]);
                (a, b) = (a_end, b_end);
            }
        }
    }
}

/// Every pair that shares a key.
pub(crate) fn pairs_of(block: Block, old: &[Person], new: &[Person], each: &mut dyn FnMut(u32, u32)) {
    runs(&keyed(block, old), &keyed(block, new), &mut |a, b| {
        if a.len() as u64 * b.len() as u64 <= LARGEST {
            for one in a {
                for other in b {
                    each(one.1, other.1);
                }
            }
        }
    });
}

/// The pairs of a key that may be links, those of earlier keys left out; and how many were looked at.
pub(crate) fn candidates(
    block: Block,
    earlier: &[Block],
    old: &[Person],
    new: &[Person],
    people: &People,
    weights: &Weights,
) -> (Vec<Candidate>, u64) {
    let (a, b) = (keyed(block, old), keyed(block, new));
    // Slices of the keys, cut where a key ends.
    let parts = threads();
    let mut cuts = vec![0u64];
    for part in 1..parts {
        cuts.push((u64::MAX / parts as u64) * part as u64);
    }
    let slice = |keys: &'_ Keyed, part: usize| -> (usize, usize) {
        let from = keys.partition_point(|key| key.0 < cuts[part]);
        let to = cuts
            .get(part + 1)
            .map_or(keys.len(), |cut| keys.partition_point(|key| key.0 < *cut));
        (from, to)
    };
    let mut all: Vec<(Vec<Candidate>, u64)> = Vec::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..parts)
            .map(|part| {
                let ((a_from, a_to), (b_from, b_to)) = (slice(&a, part), slice(&b, part));
                let (a, b) = (&a[a_from..a_to], &b[b_from..b_to]);
                scope.spawn(move || {
                    let mut cache = Cache::default();
                    let mut found = Vec::new();
                    let mut looked = 0;
                    let mut look = |one: u32, other: u32| {
                        let (left, right) = (&old[one as usize], &new[other as usize]);
                        let is_seen = earlier.iter().any(|block| {
                            let key = block.key(left);
                            key.is_some() && key == block.key(right)
                        });
                        if is_seen {
                            return;
                        }
                        looked += 1;
                        let odds = odds(left, right, people, weights, &mut cache);
                        if is_kept(odds) {
                            found.push(Candidate {
                                old: one,
                                new: other,
                                odds,
                            });
                        }
                    };
                    runs(a, b, &mut |a, b| {
                        let is_large = a.len() as u64 * b.len() as u64 > LARGEST;
                        for one in a {
                            for other in b {
                                // In a large block the middle names must agree too.
                                if !is_large || old[one.1 as usize].middle == new[other.1 as usize].middle {
                                    look(one.1, other.1);
                                }
                            }
                        }
                    });
                    (found, looked)
                })
            })
            .collect();
        for worker in workers {
            // A thread that panics is a fault of ours, and is passed on as one.
            match worker.join() {
                Ok(done) => all.push(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    let mut found = Vec::new();
    let mut looked = 0;
    for (some, pairs) in all {
        found.extend(some);
        looked += pairs;
    }
    (found, looked)
}
