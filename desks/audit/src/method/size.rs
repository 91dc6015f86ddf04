//! How many cards will be needed: by playing audits.

use super::MethodError;
use super::limit::RiskLimit;
use super::sequential::{Population, Runner, Test};
use crate::draw::pcg::Pcg64;

/// An audit to be played.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The test that judges it.
    pub test: Test,
    /// What the cards are drawn from.
    pub population: Population,
    /// The values that cards have, and how many have each. With replacement only their shares matter.
    pub values: Vec<(f64, u64)>,
    /// How often it is played.
    pub repetitions: u32,
    /// The same seed gives the same answer on every machine.
    pub seed: u64,
}

/// How many cards each played audit needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Rising; the number of all cards stands for an audit that went to a full count.
    sizes: Vec<u64>,
}

impl Answer {
    /// The least number of cards that sufficed in at least this share of the audits, 0 < `share` <= 1.
    #[must_use]
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = libm::ceil(share * self.sizes.len() as f64) as usize;
        self.sizes.get(rank.max(1) - 1).copied().unwrap_or(0)
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let sum: f64 = self.sizes.iter().map(|size| *size as f64).sum();
        sum / self.sizes.len().max(1) as f64
    }

    /// All sizes, rising.
    #[must_use]
    pub fn sizes(&self) -> &[u64] {
        &self.sizes
    }
}

/// Plays the audit of `question`.
///
/// Cards come from a PCG64 generator seeded with `seed`. An audit that draws with replacement is given up, as a full count, after as
/// many draws as `values` counts cards.
/// Errors: a population out of range, a value out of range, or counts that do not sum to the population.
pub fn play(question: &Question, limit: &RiskLimit) -> Result<Answer, MethodError> {
    let cards: u64 = question.values.iter().map(|(_, count)| count).sum();
    if cards == 0 || question.population.size.is_some_and(|size| size != cards) {
        return Err(MethodError::OutOfRange {
            what: "the cards of all values together",
            range: "as many as the population has, and at least one",
        });
    }
    let mut random = Pcg64::from_number(question.seed);
    let mut sizes = Vec::with_capacity(question.repetitions as usize);
    for _ in 0..question.repetitions {
        let mut urn = Urn::new(&question.values, question.population.size.is_some());
        let mut runner = Runner::new(&question.test, question.population)?;
        let mut size = cards;
        for drawn in 1..=cards {
            runner.push(urn.draw(&mut random))?;
            if runner.risk().is_within(limit) {
                size = drawn;
                break;
            }
        }
        sizes.push(size);
    }
    sizes.sort_unstable();
    Ok(Answer { sizes })
}

/// Values to draw from.
pub(crate) struct Urn {
    values: Vec<(f64, u64)>,
    left: u64,
    is_used_up: bool,
}

impl Urn {
    pub(crate) fn new(values: &[(f64, u64)], is_used_up: bool) -> Self {
        Self {
            values: values.to_vec(),
            left: values.iter().map(|(_, count)| count).sum(),
            is_used_up,
        }
    }

    /// One value; 0 from an empty urn.
    pub(crate) fn draw(&mut self, random: &mut Pcg64) -> f64 {
        let mut place = random.below(self.left);
        for (value, count) in &mut self.values {
            if place < *count {
                if self.is_used_up {
                    *count -= 1;
                    self.left -= 1;
                }
                return *value;
            }
            place -= *count;
        }
        0.0
    }
}
