//! The generator of the package `cryptorandom`: SHA-256 of the seed and a growing run of zero bytes.
//!
//! Source: `cryptorandom` 0.3 (`SHA256.nextRandom`, `random`, `randint`), which SHANGRLA draws with.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

/// A generator. The same seed gives the same numbers for ever.
#[derive(Clone, Debug)]
pub struct Prng {
    hashed: Sha256,
    bits: BigUint,
    bits_left: u64,
}

impl Prng {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: &str) -> Self {
        Self {
            hashed: Sha256::new().chain_update(seed.as_bytes()).chain_update(b","),
            bits: BigUint::ZERO,
            bits_left: 0,
        }
    }

    /// The next hash, as 32 bytes: the random number that a card gets.
    pub fn next_hash(&mut self) -> [u8; 32] {
        let hash = self.hashed.clone().finalize().into();
        self.hashed.update([0]);
        hash
    }

    /// A number in [0, 1): the next hash over 2^256, rounded as Python divides.
    pub fn random(&mut self) -> f64 {
        let hash = BigUint::from_bytes_be(&self.next_hash());
        // Python divides exactly and rounds once: cut to 64 bits, with a sticky lowest bit, then to 53.
        let top = (&hash >> 192_u32).to_u64_digits().first().copied().unwrap_or(0);
        let zeros = top.leading_zeros().min(190);
        let cut: BigUint = &hash >> (192 - zeros);
        let sticky = u64::from(&cut << (192 - zeros) != hash);
        let mantissa = cut.to_u64_digits().first().copied().unwrap_or(0) | sticky;
        (mantissa as f64) * libm::exp2(-64.0 - f64::from(zeros))
    }

    /// An integer in [low, high), without bias.
    ///
    /// Returns `low` when there is no other choice.
    pub fn integer(&mut self, low: u64, high: u64) -> u64 {
        let Some(width) = high.checked_sub(low).filter(|width| *width > 1) else {
            return low;
        };
        let bits = u64::from(64 - (width - 1).leading_zeros());
        loop {
            let number = self.take_bits(bits);
            if number < width {
                return low + number;
            }
        }
    }

    fn take_bits(&mut self, count: u64) -> u64 {
        while count > self.bits_left {
            let more = BigUint::from_bytes_be(&self.next_hash());
            self.bits |= more << self.bits_left;
            self.bits_left += 256;
        }
        let mask = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
        let lowest = self.bits.to_u64_digits().first().copied().unwrap_or(0) & mask;
        self.bits >>= count;
        self.bits_left -= count;
        lowest
    }
}
