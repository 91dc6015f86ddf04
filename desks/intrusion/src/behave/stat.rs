//! The few distributions that the judgement needs, in logarithms so that nothing underflows.

/// Natural logarithm of n! (Stirling's series, Abramowitz and Stegun 6.1.41; exact to 1e-9 from n = 10, summed below).
pub fn ln_factorial(n: u64) -> f64 {
    if n < 10 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let x = n as f64;
    x * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI * x).ln() + 1.0 / (12.0 * x)
        - 1.0 / (360.0 * x.powi(3))
}

/// Logarithm of the chance of `k` or more, where `mean` are expected (Poisson).
///
/// Summed upwards from `k` until a term no longer matters. For `k` at or below the mean it is 0, the chance being near one.
pub fn ln_poisson_tail(k: u64, mean: f64) -> f64 {
    if k == 0 || mean.is_nan() || (k as f64) <= mean {
        return 0.0;
    }
    let mean = mean.max(1e-12);
    let first = k as f64 * mean.ln() - mean - ln_factorial(k);
    let mut sum = 1.0f64;
    let mut term = 1.0f64;
    for step in 1..10_000u64 {
        term *= mean / (k + step) as f64;
        sum += term;
        if term < 1e-15 * sum {
            break;
        }
    }
    (first + sum.ln()).min(0.0)
}

/// The two-sided chance of a table as uneven as `[[a, b], [c, d]]` or more, its margins given (Fisher's exact test).
pub fn fisher_exact(a: u64, b: u64, c: u64, d: u64) -> f64 {
    let (row, column, total) = (a + b, a + c, a + b + c + d);
    if total == 0 {
        return 1.0;
    }
    let ln_table = |x: u64| {
        ln_factorial(row) + ln_factorial(total - row) + ln_factorial(column) + ln_factorial(total - column)
            - ln_factorial(total)
            - ln_factorial(x)
            - ln_factorial(row - x)
            - ln_factorial(column - x)
            - ln_factorial(total - row + x - column)
    };
    let lowest = (row + column).saturating_sub(total);
    let highest = row.min(column);
    let seen = ln_table(a);
    let mut p = 0.0;
    for x in lowest..=highest {
        let other = ln_table(x);
        // Tables that are as likely but for rounding count as well.
        if other <= seen + 1e-7 {
            p += other.exp();
        }
    }
    p.min(1.0)
}

/// Pearson's correlation; 0 where one of the two does not vary.
pub fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    if pairs.len() < 2 {
        return 0.0;
    }
    let (mean_x, mean_y) = pairs
        .iter()
        .fold((0.0, 0.0), |(x, y), (a, b)| (x + a / n, y + b / n));
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xy += (x - mean_x) * (y - mean_y);
        xx += (x - mean_x).powi(2);
        yy += (y - mean_y).powi(2);
    }
    if xx == 0.0 || yy == 0.0 {
        0.0
    } else {
        xy / (xx * yy).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference values: the lady tasting tea (Fisher 1935: 3 of 4 right, two-sided 0.4857) and R's `fisher.test`.
    #[test]
    fn fisher_agrees_with_the_literature() {
        assert!((fisher_exact(3, 1, 1, 3) - 0.485_714).abs() < 1e-5);
        assert!((fisher_exact(4, 0, 0, 4) - 0.028_571).abs() < 1e-5);
        assert!((fisher_exact(1, 9, 11, 3) - 0.002_759_456).abs() < 1e-8);
        assert_eq!(fisher_exact(0, 0, 0, 0), 1.0);
    }

    /// Closed forms: P(X >= 1) = 1 - exp(-m); P(X >= 5 | m = 1) = 0.00365985.
    #[test]
    fn poisson_tails_agree_with_closed_forms() {
        assert!((ln_poisson_tail(1, 0.1).exp() - (1.0 - (-0.1f64).exp())).abs() < 1e-9);
        assert!((ln_poisson_tail(5, 1.0).exp() - 0.003_659_847).abs() < 1e-8);
        assert_eq!(ln_poisson_tail(0, 3.0), 0.0);
        assert!(ln_poisson_tail(900, 60.0) < -1000.0);
    }

    #[test]
    fn factorials_meet_where_the_series_begins() {
        let exact: f64 = (2..=10u64).map(|k| (k as f64).ln()).sum();
        assert!((ln_factorial(10) - exact).abs() < 1e-7);
    }
}
