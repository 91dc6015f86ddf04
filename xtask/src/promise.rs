//! `cargo xtask promise`: thousands of audits of wrong outcomes.

use anyhow::{Result, ensure};
use pollwatch_audit::method::limit::RiskLimit;
use pollwatch_audit::promise::{Method, Truth, play};

/// Methods times elections times limits are some 170 tests: each may fail by chance once in a million.
const ALARM: f64 = 1e-6;

/// Plays `audits` audits of every made-up election by every method at four limits, and prints the shares confirmed.
///
/// Errors: a share that is above the limit by an exact binomial test.
pub fn run(audits: u32, seed: u64) -> Result<()> {
    let mut broken = Vec::new();
    println!(
        "{:<18} {:<12} {:>6} {:>10} {:>8} {:>10}",
        "method", "truth", "limit", "confirmed", "share", "tail"
    );
    for method in Method::OFFERED {
        for truth in [Truth::WrongByOne, Truth::WrongByMore, Truth::Hidden, Truth::Right] {
            for limit in [0.01, 0.05, 0.1, 0.3] {
                let limit = RiskLimit::new(limit)?;
                let played = play(method, truth, &limit, audits, seed)?;
                let share = f64::from(played.confirmed) / f64::from(played.audits.max(1));
                let tail = if truth == Truth::Right {
                    1.0
                } else {
                    played.tail(&limit)
                };
                let name = format!("{method:?}");
                println!(
                    "{name:<18} {:<12} {limit:>6} {:>10} {share:>8.4} {tail:>10.2e}",
                    format!("{truth:?}"),
                    played.confirmed
                );
                if tail < ALARM {
                    broken.push(format!("{name} {truth:?} at {limit}: {share:.4}"));
                }
            }
        }
    }
    ensure!(broken.is_empty(), "the promise is broken: {}", broken.join("; "));
    Ok(())
}
