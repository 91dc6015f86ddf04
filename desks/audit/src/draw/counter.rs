//! The SHA-256 counter of 2011, by which Colorado draws.
//!
//! Source: Rivest, A Sampler for Ballot Auditing, 2011; Colorado rule 25.2.2 uses it with the seed of twenty dice.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::consistent::Replacement;

/// The numbers `1 + SHA-256(seed + "," + i) mod population`, for i = 1, 2, …: card numbers drawn with replacement.
///
/// Never ends. Nothing is drawn from a population of 0.
pub fn numbers(seed: &str, population: u64) -> impl Iterator<Item = u64> {
    let hashed = Sha256::new().chain_update(seed.as_bytes()).chain_update(b",");
    (1_u64..).take_while(move |_| population > 0).map(move |count| {
        let hash = hashed
            .clone()
            .chain_update(count.to_string().as_bytes())
            .finalize();
        1 + remainder(&hash, population)
    })
}

/// The first `count` numbers in the order of the draw.
///
/// Without replacement a number that was drawn before is passed over, and no more than `population` are drawn.
#[must_use]
pub fn draw(seed: &str, population: u64, count: usize, replacement: Replacement) -> Vec<u64> {
    match replacement {
        Replacement::With => numbers(seed, population).take(count).collect(),
        Replacement::Without => {
            let mut seen = std::collections::BTreeSet::new();
            let count = count.min(usize::try_from(population).unwrap_or(usize::MAX));
            numbers(seed, population)
                .filter(|number| seen.insert(*number))
                .take(count)
                .collect()
        }
    }
}

fn remainder(hash: &[u8], population: u64) -> u64 {
    let digits = (BigUint::from_bytes_be(hash) % population).to_u64_digits();
    digits.first().copied().unwrap_or(0)
}
