//! Exact tails of discrete distributions, summed term by term from the far end or the near one, whichever is shorter.
//!
//! Terms follow each other by their ratio; only the first needs gamma functions, in logarithms, so that tails of 1e-300 keep
//! their digits.

use statrs::function::factorial::ln_binomial;
use statrs::function::gamma::ln_gamma;

/// A tail below this share of what was summed adds nothing that a double shows.
const NEGLIGIBLE: f64 = 1e-17;

/// Most terms of a sum: beyond it a bound is given back. A county with ten million changes is far from every tail.
const MAX_TERMS: u64 = 20_000_000;

/// `first · (1 + r(k) + r(k) r(k+1) + …)` upwards from `from` while `ratio` gives the next term over this one.
fn sum_up(first_ln: f64, from: u64, last: u64, ratio: impl Fn(u64) -> f64) -> f64 {
    let (mut sum, mut term, mut at) = (1.0, 1.0, from);
    let mut terms = 0;
    while at < last && terms < MAX_TERMS {
        let step = ratio(at);
        term *= step;
        sum += term;
        if step < 1.0 && term < sum * NEGLIGIBLE * (1.0 - step) {
            break;
        }
        at += 1;
        terms += 1;
        if sum > 1e280 {
            return (first_ln + sum.ln()).exp().min(1.0);
        }
    }
    (first_ln + sum.ln()).exp().clamp(0.0, 1.0)
}

/// The same downwards to `last`.
fn sum_down(first_ln: f64, from: u64, last: u64, ratio: impl Fn(u64) -> f64) -> f64 {
    let (mut sum, mut term, mut at) = (1.0, 1.0, from);
    let mut terms = 0;
    while at > last && terms < MAX_TERMS {
        let step = 1.0 / ratio(at - 1);
        term *= step;
        sum += term;
        if step < 1.0 && term < sum * NEGLIGIBLE * (1.0 - step) {
            break;
        }
        at -= 1;
        terms += 1;
        if sum > 1e280 {
            return (first_ln + sum.ln()).exp().min(1.0);
        }
    }
    (first_ln + sum.ln()).exp().clamp(0.0, 1.0)
}

fn negative_binomial_ln(k: u64, mean: f64, size: f64) -> f64 {
    let x = k as f64;
    ln_gamma(size + x) - ln_gamma(size) - ln_gamma(x + 1.0)
        + size * (size / (size + mean)).ln()
        + if k == 0 {
            0.0
        } else {
            x * (mean / (size + mean)).ln()
        }
}

/// P(X ≥ k) of a negative binomial with this mean and size (variance mean + mean²/size).
///
/// Range: 0 to 1. `mean` and `size` must be above 0.
pub fn negative_binomial_at_least(k: u64, mean: f64, size: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    let p = mean / (mean + size);
    let ratio = |j: u64| (size + j as f64) / (j as f64 + 1.0) * p;
    if k as f64 > mean {
        sum_up(negative_binomial_ln(k, mean, size), k, u64::MAX, ratio)
    } else {
        1.0 - sum_down(negative_binomial_ln(k - 1, mean, size), k - 1, 0, ratio)
    }
}

/// P(X ≤ k) of the same.
pub fn negative_binomial_at_most(k: u64, mean: f64, size: f64) -> f64 {
    let p = mean / (mean + size);
    let ratio = |j: u64| (size + j as f64) / (j as f64 + 1.0) * p;
    if (k as f64) < mean {
        sum_down(negative_binomial_ln(k, mean, size), k, 0, ratio)
    } else {
        1.0 - negative_binomial_at_least(k + 1, mean, size)
    }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

fn beta_binomial_ln(k: u64, n: u64, a: f64, b: f64) -> f64 {
    ln_binomial(n, k) + ln_beta(k as f64 + a, (n - k) as f64 + b) - ln_beta(a, b)
}

/// P(X ≥ k) of a beta-binomial: `n` draws, shares from a beta distribution with `a` and `b` (both above 0).
pub fn beta_binomial_at_least(k: u64, n: u64, a: f64, b: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    let ratio = |j: u64| (n - j) as f64 / (j as f64 + 1.0) * (a + j as f64) / ((n - j) as f64 - 1.0 + b);
    if k as f64 > n as f64 * a / (a + b) {
        sum_up(beta_binomial_ln(k, n, a, b), k, n, ratio)
    } else {
        1.0 - sum_down(beta_binomial_ln(k - 1, n, a, b), k - 1, 0, ratio)
    }
}

/// P(X ≤ k) of the same.
pub fn beta_binomial_at_most(k: u64, n: u64, a: f64, b: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    beta_binomial_at_least(n - k, n, b, a)
}

/// P(X ≥ k): of `drawn` taken from `all`, of whom `marked` are marked, at least `k` are.
pub fn hypergeometric_at_least(k: u64, drawn: u64, marked: u64, all: u64) -> f64 {
    let (drawn, marked) = (drawn.min(all), marked.min(all));
    let least = (drawn + marked).saturating_sub(all);
    if k <= least {
        return 1.0;
    }
    let most = drawn.min(marked);
    if k > most {
        return 0.0;
    }
    let ln = |j: u64| ln_binomial(marked, j) + ln_binomial(all - marked, drawn - j) - ln_binomial(all, drawn);
    let ratio = |j: u64| {
        ((marked - j) as f64 / (j as f64 + 1.0))
            * ((drawn - j) as f64 / ((all + j + 1) - marked - drawn) as f64)
    };
    if k as f64 > drawn as f64 * marked as f64 / all as f64 {
        sum_up(ln(k), k, most, ratio)
    } else {
        1.0 - sum_down(ln(k - 1), k - 1, least, ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(got: f64, wanted: f64) {
        assert!((got / wanted - 1.0).abs() < 1e-9, "{got:e} is not {wanted:e}");
    }

    /// Sums of 40 digits, made with mpmath from the definitions: P(X ≥ k) of the negative binomial, the beta-binomial and the
    /// hypergeometric distribution, and P(X ≤ k) of the first two.
    #[test]
    fn tails_are_those_of_an_independent_implementation() {
        for line in include_str!("../../tests/data/tails.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            let parts: Vec<&str> = line.split('\t').collect();
            let n = |at: usize| parts[at].parse::<f64>().expect("a number");
            let u = |at: usize| parts[at].parse::<u64>().expect("a whole number");
            let got = match parts[0] {
                "nb_sf" => negative_binomial_at_least(u(2), n(3), n(4)),
                "nb_cdf" => negative_binomial_at_most(u(2), n(3), n(4)),
                "bb_sf" => beta_binomial_at_least(u(2), u(3), n(4), n(5)),
                "bb_cdf" => beta_binomial_at_most(u(2), u(3), n(4), n(5)),
                "hg_sf" => hypergeometric_at_least(u(2), u(3), u(4), u(5)),
                other => panic!("unknown row {other}"),
            };
            let wanted = n(1);
            if wanted < 1e-290 {
                assert!(got < 1e-280)
            } else {
                near(got, wanted)
            }
        }
    }

    proptest! {
        #[test]
        fn tails_are_probabilities_and_fall(k in 0u64..200, mean in 0.001f64..300.0, size in 0.05f64..50.0, n in 1u64..300, a in 0.05f64..30.0, b in 0.05f64..30.0) {
            for (here, next) in [
                (negative_binomial_at_least(k, mean, size), negative_binomial_at_least(k + 1, mean, size)),
                (beta_binomial_at_least(k, n, a, b), beta_binomial_at_least(k + 1, n, a, b)),
                (hypergeometric_at_least(k, n, n / 2 + 1, 2 * n), hypergeometric_at_least(k + 1, n, n / 2 + 1, 2 * n)),
            ] {
                prop_assert!((0.0..=1.0).contains(&here) && next <= here + 1e-12, "{here} {next}");
            }
            let sum = negative_binomial_at_most(k, mean, size) + negative_binomial_at_least(k + 1, mean, size);
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}
