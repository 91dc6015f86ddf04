//! Products of fractions against a risk limit, without rounding.
//!
//! Used only where the rounded risk lies at the edge of the limit: the numbers grow to millions of bits.

use num_bigint::BigUint;

use super::limit::RiskLimit;

/// A product of powers of fractions of whole numbers.
#[derive(Default)]
pub struct Product {
    factors: Vec<(u128, u128, u64)>,
}

impl Product {
    /// Multiplies by (numerator / denominator)^exponent.
    pub fn multiply(&mut self, numerator: u128, denominator: u128, exponent: u64) {
        if exponent > 0 {
            self.factors.push((numerator, denominator, exponent));
        }
    }

    /// Whether the product is at most the limit, or below it when `is_strict`.
    pub fn is_within(&self, limit: &RiskLimit, is_strict: bool) -> bool {
        let (limit_numerator, limit_denominator) = limit.fraction();
        let mut left = limit_denominator;
        let mut right = limit_numerator;
        for (numerator, denominator, exponent) in &self.factors {
            left *= power(*numerator, *exponent);
            right *= power(*denominator, *exponent);
        }
        if is_strict { left < right } else { left <= right }
    }
}

fn power(base: u128, mut exponent: u64) -> BigUint {
    let mut square = BigUint::from(base);
    let mut product = BigUint::from(1_u32);
    while exponent > 0 {
        if exponent & 1 == 1 {
            product *= &square;
        }
        exponent >>= 1;
        if exponent > 0 {
            square = &square * &square;
        }
    }
    product
}
