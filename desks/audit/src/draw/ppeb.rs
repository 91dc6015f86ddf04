//! Batches drawn with probability proportional to their error bound.
//!
//! Sources: Aslam, Popa and Rivest, On Auditing Elections When Precincts Have Different Sizes, 2008 (PPEB). The draw itself is
//! the one that Arlo makes, so that its audits can be drawn again: `default_rng(int(sha256_hex(seed), 16)).choice(…, p=…)`.

use std::collections::BTreeMap;

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::consistent::{PRINTED_DIGITS, Ticket, TicketSeed};
use super::pcg::Pcg64;

/// One draw of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchDraw {
    /// Which batch, counted from 0 in the order of the list.
    pub batch: usize,
    /// The ticket of this batch's draw, cut as it is printed: the first one; for each repeat the one that follows on the printed one.
    pub ticket: Ticket,
}

/// Draws `count` batches with replacement.
///
/// `bounds` are the error bounds u of the batches (any scale, not negative), `keys` what Python prints for their keys
/// ([`super::repr::tuple_of_texts`]). A later round draws a larger `count` from the same seed and skips the earlier draws.
/// Returns nothing when the bounds sum to 0 or to no finite number.
#[must_use]
pub fn draw(seed: &str, keys: &[String], bounds: &[f64], count: usize) -> Vec<BatchDraw> {
    let total: f64 = bounds.iter().sum();
    if !(total.is_finite() && total > 0.0) || keys.len() != bounds.len() {
        return Vec::new();
    }
    let mut cumulated: Vec<f64> = Vec::with_capacity(bounds.len());
    let mut sum = 0.0;
    for bound in bounds {
        sum += bound / total;
        cumulated.push(sum);
    }
    for value in &mut cumulated {
        *value /= sum;
    }
    let mut random = Pcg64::new(&BigUint::from_bytes_be(&Sha256::digest(seed.as_bytes())));
    let seed = TicketSeed::new(seed);
    let mut tickets: BTreeMap<usize, Ticket> = BTreeMap::new();
    (0..count)
        .map(|_| {
            let number = random.next_f64();
            let batch = cumulated
                .partition_point(|value| *value <= number)
                .min(keys.len() - 1);
            let ticket = tickets
                .get(&batch)
                .map_or_else(|| seed.first_ticket(&keys[batch]), Ticket::next)
                .cut(PRINTED_DIGITS);
            tickets.insert(batch, ticket.clone());
            BatchDraw { batch, ticket }
        })
        .collect()
}

/// All batches, each once, in the order of the list: what takes the place of a draw that would be as large.
#[must_use]
pub fn all(seed: &str, keys: &[String]) -> Vec<BatchDraw> {
    let seed = TicketSeed::new(seed);
    keys.iter()
        .enumerate()
        .map(|(batch, key)| BatchDraw {
            batch,
            ticket: seed.first_ticket(key).cut(PRINTED_DIGITS),
        })
        .collect()
}
