//! How often fields agree among different persons, and among the same.

use rustc_hash::FxHashMap;

use super::block::{Block, pairs_of};
use super::level::{
    ADDRESS, BIRTH, Cache, ELSE, FIELDS, FIRST, LAST, LEVELS, MIDDLE, MISSING, Pattern, SEX, compare,
};
use super::person::{People, Person};

/// Random pairs from which the rates among different persons are told.
const RANDOM_PAIRS: usize = 1_000_000;

/// Most pairs of a key from which the rates among the same persons are told.
const EM_PAIRS: usize = 2_000_000;

/// Rounds of EM; it stops when no rate moves by more than a millionth.
const EM_ROUNDS: usize = 100;

/// No rate is below this: what never occurred in a million pairs may still occur.
const LEAST: f64 = 1e-7;

/// Rates of the levels of each field.
type Rates = [[f64; LEVELS]; FIELDS];

/// What agreements weigh.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    /// Logarithms of the likelihood ratio.
    ratio: Rates,
    /// Rates of exact agreement among the same persons, for names, which are weighed by their own frequency.
    exact: [f64; 2],
    /// Logarithm of the odds that a pair is one person before it is looked at.
    prior: f64,
}

impl Weights {
    pub fn odds(&self, pattern: &Pattern, old: &Person, people: &People) -> f64 {
        let mut sum = self.prior;
        for (field, level) in pattern.iter().enumerate() {
            sum += match (field, level) {
                // A name that two agree on is as much evidence as it is rare.
                (LAST, 0) => (self.exact[0] / people.last_share[old.last as usize].max(LEAST)).ln(),
                (FIRST, 0) => (self.exact[1] / people.first_share[old.first as usize].max(LEAST)).ln(),
                _ => self.ratio[field][*level as usize],
            };
        }
        sum
    }
}

/// Estimates the weights.
pub(crate) fn estimate(old: &[Person], new: &[Person], people: &People) -> Weights {
    let different = random_rates(old, new, people);
    let by_name = em(Block::LastBirth, &[LAST, BIRTH], old, new, people, &different);
    let by_address = em(
        Block::FirstAddress,
        &[FIRST, ADDRESS],
        old,
        new,
        people,
        &different,
    );
    let mut same = by_name;
    for field in 0..FIELDS {
        match field {
            LAST | BIRTH => same[field] = by_address[field],
            FIRST | ADDRESS => {}
            _ => {
                for level in 0..LEVELS {
                    same[field][level] = (by_name[field][level] + by_address[field][level]) / 2.0;
                }
            }
        }
    }
    let mut ratio = [[0.0; LEVELS]; FIELDS];
    for field in 0..FIELDS {
        for level in 0..LEVELS {
            ratio[field][level] = if level == MISSING as usize {
                // What is missing says nothing.
                0.0
            } else {
                (same[field][level].max(LEAST) / different[field][level].max(LEAST)).ln()
            };
        }
    }
    Weights {
        ratio,
        exact: [same[LAST][0], same[FIRST][0]],
        // Each entry has about one partner among all of the other file.
        prior: -(old.len().max(new.len()).max(1) as f64).ln(),
    }
}

/// Rates among random pairs: with many entries hardly one of them is the same person.
fn random_rates(old: &[Person], new: &[Person], people: &People) -> Rates {
    let mut counts = [[0.5; LEVELS]; FIELDS];
    let mut cache = Cache::default();
    // SplitMix64 (Steele, Lea and Flood, 2014), so that a run gives the same rates everywhere.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |most: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * most as u128) >> 64) as usize
    };
    if !old.is_empty() && !new.is_empty() {
        let pairs = RANDOM_PAIRS.min(old.len().saturating_mul(new.len()));
        for _ in 0..pairs {
            let (a, b) = (below(old.len()), below(new.len()));
            for (field, level) in compare(&old[a], &new[b], people, &mut cache).iter().enumerate() {
                counts[field][*level as usize] += 1.0;
            }
        }
    }
    normalised(counts)
}

fn normalised(mut counts: Rates) -> Rates {
    for field in &mut counts {
        // Among those that have a value.
        let sum: f64 = field[..=ELSE as usize].iter().sum();
        for level in &mut field[..=ELSE as usize] {
            *level /= sum;
        }
    }
    counts
}

/// EM over the pairs that share a key; the key's own fields are left out, and their rates stay those of `different`.
fn em(
    block: Block,
    fixed: &[usize],
    old: &[Person],
    new: &[Person],
    people: &People,
    different: &Rates,
) -> Rates {
    let mut patterns: FxHashMap<Pattern, f64> = FxHashMap::default();
    let mut cache = Cache::default();
    let mut seen = 0;
    pairs_of(block, old, new, &mut |a, b| {
        seen += 1;
        if seen <= EM_PAIRS {
            *patterns
                .entry(compare(&old[a as usize], &new[b as usize], people, &mut cache))
                .or_default() += 1.0;
        }
    });
    let mut patterns: Vec<(Pattern, f64)> = patterns.into_iter().collect();
    patterns.sort_by_key(|pattern| pattern.0);
    let free: Vec<usize> = [LAST, FIRST, MIDDLE, BIRTH, ADDRESS, SEX]
        .into_iter()
        .filter(|field| !fixed.contains(field))
        .collect();
    // A start that every roll is near to: nine in ten agree exactly, the rest in parts.
    let mut same = [[0.02; LEVELS]; FIELDS];
    for field in &mut same {
        field[0] = 0.9;
    }
    let mut share = 0.5;
    for _ in 0..EM_ROUNDS {
        let mut counts = [[1e-3; LEVELS]; FIELDS];
        let (mut matched, mut all, mut moved) = (0.0, 0.0, 0.0f64);
        for (pattern, count) in &patterns {
            let (mut as_same, mut as_different) = (share, 1.0 - share);
            for field in &free {
                let level = pattern[*field];
                if level != MISSING {
                    as_same *= same[*field][level as usize];
                    as_different *= different[*field][level as usize];
                }
            }
            let p = as_same / (as_same + as_different).max(1e-300);
            matched += p * count;
            all += count;
            for field in &free {
                counts[*field][pattern[*field] as usize] += p * count;
            }
        }
        let next = normalised(counts);
        for field in &free {
            for level in 0..LEVELS {
                moved = moved.max((next[*field][level] - same[*field][level]).abs());
            }
        }
        same = next;
        share = (matched / all.max(1.0)).clamp(1e-6, 1.0 - 1e-6);
        if moved < 1e-6 {
            break;
        }
    }
    same
}
