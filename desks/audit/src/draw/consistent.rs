//! Rivest's consistent sampler: each card has a ticket, and the smallest tickets are drawn.
//!
//! Source: Rivest, Consistent Sampling with Replacement, arXiv 1808.10016, sections 3 and 4, in the form of the package
//! `consistent_sampler` 1.0.10, which state audits use. A ticket is a decimal fraction written as text:
//! "0." and the digits of SHA-256(hex(SHA-256(seed)) + id), read as one big-endian number, last digit first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

/// Whether a card that was drawn goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// A drawn card gets a next, larger ticket and may be drawn again.
    With,
    /// Each card is drawn once at most.
    Without,
}

/// Digits that tickets are printed with after their run of nines, as audits publish them.
pub const PRINTED_DIGITS: usize = 18;

/// A seed, hashed as far as it is the same for every card: one block of SHA-256.
#[derive(Clone, Debug)]
pub struct TicketSeed {
    hashed: Sha256,
}

/// A ticket: the digits after "0.", at most 78 for a first one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(String);

/// One draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketDraw {
    /// The ticket that was drawn.
    pub ticket: Ticket,
    /// Which id it was, counted from 0 in the order of the list.
    pub index: u64,
    /// 1 for the first draw of this id, 2 for the second, …
    pub generation: u32,
}

impl TicketSeed {
    /// Hashes the seed.
    #[must_use]
    pub fn new(seed: &str) -> Self {
        let digest = hex::encode(Sha256::digest(seed.as_bytes()));
        Self {
            hashed: Sha256::new().chain_update(digest.as_bytes()),
        }
    }

    /// The first ticket of the card whose id prints as `id` (see [`super::repr`] for tuples).
    #[must_use]
    pub fn first_ticket(&self, id: &str) -> Ticket {
        Ticket(reversed_decimal(&self.digest(id.as_bytes())))
    }

    fn digest(&self, id: &[u8]) -> [u8; 32] {
        self.hashed.clone().chain_update(id).finalize().into()
    }
}

impl Ticket {
    /// A ticket from its text, "0.…".
    ///
    /// Returns nothing when the text is not a decimal fraction in [0, 1).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("0.")?;
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| Self(digits.to_owned()))
    }

    /// The whole ticket, "0.…".
    #[must_use]
    pub fn text(&self) -> String {
        format!("0.{}", self.0)
    }

    /// The ticket as it is published: cut after `digits` digits past the leading nines.
    #[must_use]
    pub fn trimmed(&self, digits: usize) -> String {
        self.cut(digits).text()
    }

    /// This ticket without the digits that are not printed: where a program follows on the printed ticket.
    #[must_use]
    pub(super) fn cut(&self, digits: usize) -> Self {
        let length = (self.nines() + digits).min(self.0.len());
        Self(self.0[..length].to_owned())
    }

    /// The ticket of the same card's next generation: uniform above this one.
    ///
    /// The leading nines stay, and the digits of SHA-256(ticket + ":" + i) follow, for the least i that makes it larger.
    #[must_use]
    pub fn next(&self) -> Self {
        let nines = &self.0[..self.nines()];
        let text = self.text();
        let mut attempt = 1_u64;
        loop {
            let hash: [u8; 32] = Sha256::digest(format!("{text}:{attempt}").as_bytes()).into();
            let next = Self(format!("{nines}{}", reversed_decimal(&hash)));
            if next > *self {
                return next;
            }
            attempt += 1;
        }
    }

    fn nines(&self) -> usize {
        self.0.bytes().take_while(|byte| *byte == b'9').count()
    }
}

/// A number in [0, 1) from the text alone: "0." and the digits of its SHA-256, last digit first.
#[must_use]
pub fn uniform(text: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    format!("0.{}", reversed_decimal(&hash))
}

/// Least width that the decimal number is padded to before it is turned round.
const LEAST_DIGITS: usize = 64;

fn reversed_decimal(hash: &[u8; 32]) -> String {
    let digits = BigUint::from_bytes_be(hash).to_string();
    let mut reversed: String = digits.bytes().rev().map(char::from).collect();
    while reversed.len() < LEAST_DIGITS {
        reversed.push('0');
    }
    reversed
}

/// Draws the `take` smallest tickets of `ids`, in their order.
///
/// With [`Replacement::Without`] no more are drawn than there are ids; with no ids nothing is drawn.
/// Memory: a few times `take` tickets, whatever the number of ids.
pub fn draw<I, T>(seed: &str, ids: I, take: usize, replacement: Replacement) -> Vec<TicketDraw>
where
    I: IntoIterator<Item = T>,
    T: AsRef<str>,
{
    let mut smallest = Smallest::new(take);
    let seed = TicketSeed::new(seed);
    for (index, id) in (0_u64..).zip(ids) {
        smallest.offer(index, seed.digest(id.as_ref().as_bytes()));
    }
    chain(smallest.finish(), take, replacement)
}

/// Draws cards out of batches: the id of a card is the tuple of its batch's key and its position, counted from 1.
///
/// `batches` gives for each batch what Python prints for its key, such as `('Box 1', 'Batch 2')` or `'Batch 2'`, and its cards.
/// [`TicketDraw::index`] counts the cards through all batches from 0; [`position`] tells batch and position.
#[must_use]
pub fn draw_from_batches(
    seed: &str,
    batches: &[(String, u64)],
    take: usize,
    replacement: Replacement,
) -> Vec<TicketDraw> {
    let mut smallest = Smallest::new(take);
    let seed = TicketSeed::new(seed);
    let mut index = 0;
    let mut id = Vec::new();
    for (key, cards) in batches {
        id.clear();
        id.push(b'(');
        id.extend_from_slice(key.as_bytes());
        id.extend_from_slice(b", ");
        let start = id.len();
        for position in 1..=*cards {
            id.truncate(start);
            push_decimal(&mut id, position);
            id.push(b')');
            smallest.offer(index, seed.digest(&id));
            index += 1;
        }
    }
    chain(smallest.finish(), take, replacement)
}

/// Which batch and which position in it (from 1) the card with this index has; nothing when there are not so many cards.
#[must_use]
pub fn position(batches: &[(String, u64)], mut index: u64) -> Option<(usize, u64)> {
    for (batch, (_, cards)) in batches.iter().enumerate() {
        if index < *cards {
            return Some((batch, index + 1));
        }
        index -= cards;
    }
    None
}

fn push_decimal(bytes: &mut Vec<u8>, mut number: u64) {
    let start = bytes.len();
    loop {
        bytes.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    bytes[start..].reverse();
}

/// Follows each card's chain of tickets, smallest first.
fn chain(firsts: Vec<(u64, [u8; 32])>, take: usize, replacement: Replacement) -> Vec<TicketDraw> {
    let mut waiting: BinaryHeap<Waiting> = firsts
        .into_iter()
        .map(|(index, hash)| {
            Waiting(TicketDraw {
                ticket: Ticket(reversed_decimal(&hash)),
                index,
                generation: 1,
            })
        })
        .collect();
    let mut drawn = Vec::with_capacity(take.min(waiting.len()));
    while drawn.len() < take
        && let Some(Waiting(draw)) = waiting.pop()
    {
        if replacement == Replacement::With {
            waiting.push(Waiting(TicketDraw {
                ticket: draw.ticket.next(),
                index: draw.index,
                generation: draw.generation + 1,
            }));
        }
        drawn.push(draw);
    }
    drawn
}

/// Ordered so that the heap's greatest is the smallest ticket.
struct Waiting(TicketDraw);

impl Waiting {
    fn key(&self) -> (&Ticket, u64) {
        (&self.0.ticket, self.0.index)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// The smallest first tickets of many cards, in bounded memory.
///
/// A card whose first ticket is not among the `take` smallest first tickets cannot be drawn: its later tickets are larger
/// still. Tickets are compared by their first nineteen digits; the few that share those are all kept until the end.
struct Smallest {
    take: usize,
    kept: Vec<(u64, u64, [u8; 32])>,
    /// No ticket whose head is larger can be drawn.
    limit: u64,
}

/// 10^19, the largest power of ten below 2^64.
const HEAD: u64 = 10_000_000_000_000_000_000;

impl Smallest {
    fn new(take: usize) -> Self {
        Self {
            take,
            kept: Vec::new(),
            limit: u64::MAX,
        }
    }

    fn offer(&mut self, index: u64, hash: [u8; 32]) {
        let head = head(&hash, self.limit);
        if head > self.limit || self.take == 0 {
            return;
        }
        self.kept.push((head, index, hash));
        if self.kept.len() >= self.take.saturating_mul(2).max(1024) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.kept.len() <= self.take {
            return;
        }
        let (_, last, _) = self
            .kept
            .select_nth_unstable_by_key(self.take - 1, |(head, _, _)| *head);
        self.limit = last.0;
        let limit = self.limit;
        self.kept.retain(|(head, _, _)| *head <= limit);
    }

    fn finish(mut self) -> Vec<(u64, [u8; 32])> {
        self.shrink();
        self.kept
            .into_iter()
            .map(|(_, index, hash)| (index, hash))
            .collect()
    }
}

/// The first nineteen digits of the ticket as a number, or anything above `limit` when they are above it.
///
/// The first digits of a ticket are the last of the hash. Below 10^16 they begin with three zeros, so the hash is a multiple
/// of a thousand: most hashes are refused by their lowest three bits, without a division.
fn head(hash: &[u8; 32], limit: u64) -> u64 {
    if limit < HEAD / 1000 && hash[31] & 7 != 0 {
        return u64::MAX;
    }
    let mut rest = 0_u128;
    for word in hash.chunks_exact(8) {
        let word = word.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        rest = ((rest << 64) | u128::from(word)) % u128::from(HEAD);
    }
    let mut digits = rest as u64;
    let mut head = 0_u64;
    for _ in 0..19 {
        head = head * 10 + digits % 10;
        digits /= 10;
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_examples_of_the_package() {
        assert_eq!(
            uniform("abc"),
            "0.56998071861792858926477341561059638840106636224182943832566300809078486324348"
        );
        let ticket = Ticket::parse("0.25471").expect("a fraction");
        assert_eq!(
            ticket.next().text(),
            "0.642853261655004694691182528114375607701032283189922170593838029306715548381901"
        );
        let drawn = draw(
            "314159",
            ["ab-1", "ab-2", "cd-1", "ef-3"],
            4,
            Replacement::Without,
        );
        let printed: Vec<_> = drawn
            .iter()
            .map(|draw| (draw.ticket.trimmed(9), draw.index))
            .collect();
        assert_eq!(
            printed,
            [
                ("0.317685817".to_owned(), 2),
                ("0.832984519".to_owned(), 3),
                ("0.9098039269".to_owned(), 0),
                ("0.9231549043".to_owned(), 1)
            ]
        );
    }

    #[test]
    fn few_out_of_many_are_the_smallest_of_all() {
        let ids: Vec<String> = (0..20_000).map(|number| format!("card-{number}")).collect();
        let seed = TicketSeed::new("1");
        let mut all: Vec<Ticket> = ids.iter().map(|id| seed.first_ticket(id)).collect();
        all.sort();
        // 12 of 20,000 passes the short cut by three zeros; 1,500 does not.
        for take in [12, 1500] {
            let drawn = draw("1", &ids, take, Replacement::Without);
            let tickets: Vec<_> = drawn.into_iter().map(|draw| draw.ticket).collect();
            assert_eq!(tickets, all[..take]);
        }
    }

    #[test]
    fn an_earlier_round_is_a_prefix_and_batches_are_tuples() {
        let batches = [("'pct 1'".to_owned(), 4), ("('J', \"b'1\")".to_owned(), 3)];
        let ids = ["('pct 1', 1)", "('pct 1', 2)", "('pct 1', 3)", "('pct 1', 4)"];
        let more = [
            "(('J', \"b'1\"), 1)",
            "(('J', \"b'1\"), 2)",
            "(('J', \"b'1\"), 3)",
        ];
        let long = draw("77", ids.iter().chain(&more), 40, Replacement::With);
        assert_eq!(draw_from_batches("77", &batches, 40, Replacement::With), long);
        assert_eq!(draw_from_batches("77", &batches, 9, Replacement::With), long[..9]);
        assert_eq!(position(&batches, 5), Some((1, 2)));
        assert_eq!(position(&batches, 7), None);
        assert!(long.iter().any(|draw| draw.generation > 1));
    }
}
