//! Functions of probability: normal quantile, binomial tails, chi-squared tail.
//!
//! All through `libm`, so that every machine gets the same bits and a verifier elsewhere the same risk.

/// Chance that a standard normal variable is at most `z`.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The number that a standard normal variable stays below with chance `q`, 0 < q < 1.
///
/// By bisection of [`normal_cdf`] to the last bit: 60 halvings of [-40, 40].
pub fn normal_quantile(q: f64) -> f64 {
    let (mut low, mut high) = (-40.0_f64, 40.0_f64);
    for _ in 0..70 {
        let middle = 0.5 * (low + high);
        if normal_cdf(middle) < q {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// ln(n!).
pub fn ln_factorial(n: f64) -> f64 {
    libm::lgamma(n + 1.0)
}

/// ln of the chance that `n` independent trials with chance `p` have `k` successes.
pub fn ln_binomial(n: u64, k: u64, p: f64) -> f64 {
    let (n, k) = (n as f64, k as f64);
    let term = |count: f64, chance: f64| {
        if count == 0.0 {
            0.0
        } else {
            count * libm::log(chance)
        }
    };
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k) + term(k, p) + term(n - k, 1.0 - p)
}

/// Chances of 0, 1, …, `n` successes in `n` trials with chance `p`.
///
/// By recurrence from the mode, so that each is right to about `n` roundings times the distance from it; the sum is made 1.
pub fn binomial_pmf(n: u64, p: f64) -> Vec<f64> {
    let length = usize::try_from(n).unwrap_or(usize::MAX);
    let mode = (((n + 1) as f64) * p) as usize;
    let mode = mode.min(length);
    let mut chances = vec![0.0; length + 1];
    chances[mode] = 1.0;
    let odds = p / (1.0 - p);
    for k in mode..length {
        chances[k + 1] = chances[k] * ((n - k as u64) as f64 / (k as f64 + 1.0)) * odds;
    }
    for k in (0..mode).rev() {
        chances[k] = chances[k + 1] * ((k as f64 + 1.0) / (n - k as u64) as f64) / odds;
    }
    let mut sorted = chances.clone();
    sorted.sort_by(f64::total_cmp);
    let sum: f64 = sorted.iter().sum();
    for chance in &mut chances {
        *chance /= sum;
    }
    chances
}

/// ln of the chance of at least `k` successes in `n` trials with chance `p`; -infinity when it is 0.
///
/// Sums the tail outwards from its largest term and stops where a term no longer counts.
pub fn ln_binomial_upper_tail(n: u64, k: u64, p: f64) -> f64 {
    if k == 0 {
        return 0.0;
    }
    if k > n {
        return f64::NEG_INFINITY;
    }
    let odds = p / (1.0 - p);
    let start = k.max((((n + 1) as f64) * p) as u64).min(n);
    let mut sum = 1.0;
    let mut term = 1.0;
    for i in start..n {
        term *= ((n - i) as f64 / (i + 1) as f64) * odds;
        sum += term;
        if term < sum * 1e-18 {
            break;
        }
    }
    term = 1.0;
    for i in (k..start).rev() {
        term *= ((i + 1) as f64 / (n - i) as f64) / odds;
        sum += term;
        if term < sum * 1e-18 {
            break;
        }
    }
    (ln_binomial(n, start, p) + libm::log(sum)).min(0.0)
}

/// Smallest k with P(K <= k) >= q for K successes in `n` trials with chance `p`.
pub fn binomial_quantile(n: u64, p: f64, q: f64) -> u64 {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        // P(K <= m) >= q exactly when P(K >= m + 1) <= 1 - q.
        if binomial_cdf(n, middle, p) >= q {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// P(K <= k) for K successes in `n` trials with chance `p`.
pub fn binomial_cdf(n: u64, k: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    // The lower tail is the upper tail of the failures.
    libm::exp(ln_binomial_upper_tail(n, n - k, 1.0 - p))
}
