//! The share of false discoveries among many tests.

/// How the tests of a family depend on each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Correction {
    /// Independent or positively dependent tests (Benjamini and Hochberg, 1995).
    #[default]
    BenjaminiHochberg,
    /// Any dependence, at the price of power (Benjamini and Yekutieli, 2001, theorem 1.3).
    BenjaminiYekutieli,
}

/// Of each p-value the smallest rate of false discoveries at which its test is rejected in a family of `tests` tests. Tests
/// that are not listed have p = 1.
pub fn q_values(p: &[f64], tests: u64, correction: Correction) -> Vec<f64> {
    let tests = tests.max(p.len() as u64);
    let factor = match correction {
        Correction::BenjaminiHochberg => 1.0,
        Correction::BenjaminiYekutieli => harmonic(tests),
    };
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
    let mut q = vec![1.0; p.len()];
    let mut least = 1.0f64;
    for (down, at) in order.iter().enumerate() {
        let rank = (p.len() - down) as f64;
        least = least.min(p[*at] * factor * tests as f64 / rank);
        q[*at] = least;
    }
    q
}

/// The p below which a test is rejected in a family of `tests` tests even when no other is: what a single change must reach.
pub fn single_threshold(alpha: f64, tests: u64, correction: Correction) -> f64 {
    let tests = tests.max(1);
    let factor = match correction {
        Correction::BenjaminiHochberg => 1.0,
        Correction::BenjaminiYekutieli => harmonic(tests),
    };
    alpha / (tests as f64 * factor)
}

/// 1 + 1/2 + … + 1/n; by its asymptotic series beyond a thousand (error below 1e-13).
fn harmonic(n: u64) -> f64 {
    if n <= 1_000 {
        return (1..=n).map(|k| 1.0 / k as f64).sum();
    }
    let n = n as f64;
    /// Euler's constant.
    const GAMMA: f64 = 0.577_215_664_901_532_9;
    n.ln() + GAMMA + 1.0 / (2.0 * n) - 1.0 / (12.0 * n * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Benjamini and Hochberg (1995), section 3.2: 15 p-values of which the first four are rejected at 0.05.
    #[test]
    fn the_example_of_the_paper_rejects_four() {
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0,
        ];
        let q = q_values(&p, 15, Correction::BenjaminiHochberg);
        assert_eq!(q.iter().filter(|q| **q <= 0.05).count(), 4);
        assert!((q[0] - 0.0015).abs() < 1e-12);
        let yekutieli = q_values(&p, 15, Correction::BenjaminiYekutieli);
        assert_eq!(yekutieli.iter().filter(|q| **q <= 0.05).count(), 3);
        for correction in [Correction::BenjaminiHochberg, Correction::BenjaminiYekutieli] {
            let threshold = single_threshold(0.01, 2_500, correction);
            assert!(q_values(&[threshold * 0.999], 2_500, correction)[0] <= 0.01);
            assert!(q_values(&[threshold * 1.001], 2_500, correction)[0] > 0.01);
        }
        assert!((harmonic(1_000) - harmonic(1_001) + 1.0 / 1_001.0).abs() < 1e-12);
    }
}
