//! What chance alone would make: the permutation null, and the control of false discoveries.

use super::traits::{ActorTraits, Background, hour_of_week, mixed};
use super::weigh::Compared;

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers from the same seed on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `bound`, which is not 0 (Lemire 2019, the biased form: the bias is below one in 2^40 here).
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

/// Which client of a jurisdiction is the attacker is shuffled: each actor is given the addresses and the agent of innocent
/// clients of the same jurisdiction in the same hour of the week; what it did, and when, stays.
///
/// So a crawler, a content network or a popular VPN that many jurisdictions see links by chance as often as it would in truth,
/// and only what goes beyond that counts.
pub(crate) fn shuffled<'a>(
    actors: &'a [ActorTraits],
    background: &Background,
    random: &mut Random,
) -> Vec<Compared<'a>> {
    actors
        .iter()
        .map(|actor| {
            let pool = background.clients_at(
                &actor.jurisdiction,
                hour_of_week(actor.first_ms.unwrap_or_default()),
            );
            if pool.is_empty() {
                return Compared {
                    traits: actor,
                    addresses: Vec::new(),
                    agents: Default::default(),
                };
            }
            let drawn: Vec<_> = actor
                .clients
                .iter()
                .take(MOST_ADDRESSES)
                .map(|_| pool[random.below(pool.len())])
                .collect();
            Compared {
                traits: actor,
                addresses: drawn.iter().map(|(address, _)| *address).collect(),
                agents: drawn
                    .iter()
                    .take(actor.agents.len())
                    .map(|(_, agent)| *agent)
                    .collect(),
            }
        })
        .collect()
}

/// Most addresses of one actor that are compared. Waves of hundreds of addresses are many people's machines.
pub(crate) const MOST_ADDRESSES: usize = 16;

/// Which of the hypotheses with these p-values are rejected at false discovery rate `rate`, and the adjusted values, in the order
/// given (Benjamini and Hochberg 1995, the step-up procedure).
pub(crate) fn benjamini_hochberg(p: &[f64], rate: f64) -> Vec<(bool, f64)> {
    let count = p.len() as f64;
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![1.0_f64; p.len()];
    let mut least = 1.0_f64;
    for (rank, place) in order.iter().enumerate().rev() {
        least = least.min(p[*place] * count / (rank as f64 + 1.0));
        adjusted[*place] = least;
    }
    adjusted.into_iter().map(|q| (q <= rate, q)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Random, benjamini_hochberg};

    /// The worked example of Benjamini and Hochberg 1995, section 4.1: fifteen p-values, four rejected at 5 %.
    #[test]
    fn the_worked_example_of_the_paper() {
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
            0.6528, 0.7590, 1.0,
        ];
        let rejected = benjamini_hochberg(&p, 0.05).iter().filter(|(is, _)| *is).count();
        assert_eq!(rejected, 4);
    }

    #[test]
    fn numbers_are_the_same_everywhere() {
        // First output of SplitMix64 from seed 0, as its authors' code gives it.
        assert_eq!(Random::new(0).next(), 0xe220_a839_7b1d_cdaf);
        let mut random = Random::new(7);
        assert!((0..1000).all(|_| random.below(10) < 10));
    }
}
