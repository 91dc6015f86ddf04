//! PCG64 seeded through `SeedSequence`, bit for bit as NumPy's `default_rng` is.
//!
//! Sources: O'Neill, PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms, 2014 (XSL RR 128/64);
//! NumPy enhancement proposal 19 and `numpy.random.SeedSequence` (after Widynski and O'Neill's `seed_seq`).

use num_bigint::BigUint;

/// The multiplier of PCG's 128-bit generator (O'Neill 2014, section 6).
const MULTIPLIER: u128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645;

/// A generator of 64-bit numbers.
#[derive(Clone, Debug)]
pub struct Pcg64 {
    state: u128,
    increment: u128,
}

impl Pcg64 {
    /// As `numpy.random.default_rng(seed)` with a non-negative integer.
    #[must_use]
    pub fn new(seed: &BigUint) -> Self {
        let words = seed_words(seed);
        let state = (u128::from(words[0]) << 64) | u128::from(words[1]);
        let stream = (u128::from(words[2]) << 64) | u128::from(words[3]);
        let increment = (stream << 1) | 1;
        let state = increment
            .wrapping_add(state)
            .wrapping_mul(MULTIPLIER)
            .wrapping_add(increment);
        Self { state, increment }
    }

    /// As `numpy.random.default_rng(seed)`.
    #[must_use]
    pub fn from_number(seed: u64) -> Self {
        Self::new(&BigUint::from(seed))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
        let folded = ((self.state >> 64) as u64) ^ (self.state as u64);
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// A number in [0, 1) with 53 bits.
    pub fn next_f64(&mut self) -> f64 {
        // 2^-53: the step of doubles in [0.5, 1).
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// An integer in [0, bound), without bias (Lemire 2019, arXiv 1805.10941). 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }
}

/// NumPy's `SeedSequence(seed).generate_state(4, uint64)`.
fn seed_words(seed: &BigUint) -> [u64; 4] {
    const INIT_A: u32 = 0x43b0_d7e5;
    const MULT_A: u32 = 0x931e_8875;
    const INIT_B: u32 = 0x8b51_f9dd;
    const MULT_B: u32 = 0x58f3_8ded;
    const MIX_LEFT: u32 = 0xca01_f9dd;
    const MIX_RIGHT: u32 = 0x4973_f715;

    let entropy = seed.to_u32_digits();
    let mut constant = INIT_A;
    let mut hash = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(MULT_A);
        let value = value.wrapping_mul(constant);
        value ^ (value >> 16)
    };
    let mix = |left: u32, right: u32| {
        let value = left
            .wrapping_mul(MIX_LEFT)
            .wrapping_sub(right.wrapping_mul(MIX_RIGHT));
        value ^ (value >> 16)
    };
    let mut pool = [0_u32; 4];
    for (index, word) in pool.iter_mut().enumerate() {
        *word = hash(entropy.get(index).copied().unwrap_or(0));
    }
    for source in 0..4 {
        for target in 0..4 {
            if source != target {
                let hashed = hash(pool[source]);
                pool[target] = mix(pool[target], hashed);
            }
        }
    }
    for word in entropy.iter().skip(4) {
        for target in &mut pool {
            *target = mix(*target, hash(*word));
        }
    }
    let mut constant = INIT_B;
    let mut halves = [0_u32; 8];
    for (index, half) in halves.iter_mut().enumerate() {
        let value = pool[index % 4] ^ constant;
        constant = constant.wrapping_mul(MULT_B);
        let value = value.wrapping_mul(constant);
        *half = value ^ (value >> 16);
    }
    std::array::from_fn(|index| u64::from(halves[2 * index]) | (u64::from(halves[2 * index + 1]) << 32))
}
