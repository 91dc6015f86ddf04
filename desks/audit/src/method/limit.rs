//! Risk limits and measured risks.

use std::fmt;
use std::str::FromStr;

use num_bigint::BigUint;

use super::MethodError;

/// The largest chance that an audit may have of confirming a wrong outcome: any number between 0 and 1, both excluded.
///
/// Kept as the decimal fraction that was written, so that 0.05 means five hundredths exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RiskLimit {
    /// Numerator over 10^decimals.
    numerator: u64,
    decimals: u32,
}

impl RiskLimit {
    /// A limit from a number.
    ///
    /// Errors: [`MethodError::RiskLimit`] unless 0 < `value` < 1.
    pub fn new(value: f64) -> Result<Self, MethodError> {
        format!("{value}").parse()
    }

    /// The limit as a number.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.to_string().parse().unwrap_or(0.0)
    }

    /// Numerator and denominator.
    pub(super) fn fraction(&self) -> (BigUint, BigUint) {
        (
            BigUint::from(self.numerator),
            BigUint::from(10_u32).pow(self.decimals),
        )
    }
}

impl fmt::Display for RiskLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "0.{:0width$}",
            self.numerator,
            width = self.decimals as usize
        )
    }
}

impl FromStr for RiskLimit {
    type Err = MethodError;

    /// Reads `0.05` or `5%`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || MethodError::RiskLimit(text.chars().take(40).collect());
        let trimmed = text.trim();
        let (number, is_percent) = trimmed
            .strip_suffix('%')
            .map_or((trimmed, false), |number| (number.trim_end(), true));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) || whole.len() + fraction.len() == 0 || whole.len() > 18
        {
            return Err(refuse());
        }
        let fraction = fraction.trim_end_matches('0');
        let decimals = fraction.len() + if is_percent { 2 } else { 0 };
        // 18 decimals fit 64 bits; nobody states a risk limit more finely.
        if decimals > 18 {
            return Err(refuse());
        }
        let numerator: u64 = format!("{whole}{fraction}").parse().map_err(|_| refuse())?;
        let mut decimals = decimals as u32;
        let mut numerator = numerator;
        while numerator.is_multiple_of(10) && decimals > 0 && numerator > 0 {
            numerator /= 10;
            decimals -= 1;
        }
        if numerator == 0 || numerator >= 10_u64.pow(decimals) {
            return Err(refuse());
        }
        Ok(Self { numerator, decimals })
    }
}

/// A measured risk: an upper bound on the chance that a wrong outcome would look at least as well as this one did.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Risk {
    /// From 0 to 1.
    pub value: f64,
    /// The true value is at most `value * (1 + relative_error)`: a bound on all rounding on the way.
    pub relative_error: f64,
}

impl Risk {
    /// The risk of an audit that has shown nothing.
    pub const ONE: Self = Self {
        value: 1.0,
        relative_error: 0.0,
    };

    /// A risk from the natural logarithm of an uncapped one, which is right within `absolute_error`.
    #[must_use]
    pub fn from_ln(ln: f64, absolute_error: f64) -> Self {
        if ln.is_nan() || ln >= 0.0 {
            return Self::ONE;
        }
        Self {
            value: libm::exp(ln),
            // |e^d - 1| <= d + d^2 for d <= 1, and one rounding of the exponential.
            relative_error: absolute_error + absolute_error * absolute_error + 4.0 * f64::EPSILON,
        }
    }

    /// Whether the risk is at most the limit even if every rounding went the wrong way.
    #[must_use]
    pub fn is_within(&self, limit: &RiskLimit) -> bool {
        self.value * (1.0 + self.relative_error + 4.0 * f64::EPSILON) <= limit.value()
    }

    /// Whether rounding leaves open on which side of the limit the risk lies.
    #[must_use]
    pub fn is_at_the_edge_of(&self, limit: &RiskLimit) -> bool {
        let slack = self.relative_error + 4.0 * f64::EPSILON;
        let limit = limit.value();
        self.value * (1.0 + slack) >= limit && self.value * (1.0 - slack) <= limit
    }

    /// The larger of two risks.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        if other.value > self.value { other } else { self }
    }

    /// The smaller of two risks.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        if other.value < self.value { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_the_decimals_that_were_written() {
        for (text, shown) in [
            ("0.05", "0.05"),
            ("5%", "0.05"),
            ("10 %", "0.1"),
            ("0.123456", "0.123456"),
            (".5", "0.5"),
        ] {
            assert_eq!(text.parse::<RiskLimit>().expect("a limit").to_string(), shown);
        }
        for text in [
            "0",
            "1",
            "100%",
            "-0.1",
            "",
            ".",
            "nan",
            "1e-3",
            "5",
            "0.0000000000000000001",
        ] {
            assert!(text.parse::<RiskLimit>().is_err(), "{text}");
        }
        assert!((RiskLimit::new(0.05).expect("a limit").value() - 0.05).abs() < 1e-18);
    }
}
