//! One sample for several contests, where it is known which cards carry which contest.
//!
//! Each card gets one random number. Every contest wants its first n cards in the order of those numbers; the sample is
//! the union. A contest may use *its* first n cards and no others of the sample: which further cards came along depends on
//! the other contests, and a risk measured on them would not be valid. [`Drawn::usable`] gives the longer prefix that is.
//!
//! Source: Glazer, Spertus and Stark, More Style, Less Work, arXiv 2012.03371, section 3; consistent sampling after
//! Rivest, arXiv 1808.10016.

use super::cryptorandom::Prng;

/// The sample of one contest out of the common one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContestSample {
    /// Indexes of cards, in the order of their numbers: those that the contest asked for.
    pub cards: Vec<usize>,
    /// The number of the last of them; nothing when it asked for none.
    pub threshold: Option<[u8; 32]>,
    /// Indexes of all cards that a risk may use: every card of the contest up to the number until which the sample left
    /// none of its cards out. At least `cards`, as a prefix.
    pub usable: Vec<usize>,
}

/// The sample of all contests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Indexes of cards to look at, in the order of their numbers.
    pub cards: Vec<usize>,
    /// By contest, in the order of the sizes.
    pub contests: Vec<ContestSample>,
}

/// The random numbers of `count` cards, in the order of the cards.
#[must_use]
pub fn card_numbers(seed: &str, count: usize) -> Vec<[u8; 32]> {
    let mut random = Prng::new(seed);
    (0..count).map(|_| random.next_hash()).collect()
}

/// Draws so that contest c gets its first `sizes[c]` cards, or all it has.
///
/// `carries(card, contest)` tells whether a card carries a contest, or may carry it (a phantom). The same numbers with larger
/// sizes give a sample that holds the earlier one, and each contest's earlier cards are a prefix of its later ones.
pub fn draw(numbers: &[[u8; 32]], sizes: &[usize], carries: impl Fn(usize, usize) -> bool) -> Drawn {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by_key(|card| (numbers[*card], *card));
    let mut contests: Vec<ContestSample> = sizes
        .iter()
        .map(|_| ContestSample {
            cards: Vec::new(),
            threshold: None,
            usable: Vec::new(),
        })
        .collect();
    let mut is_open = vec![true; sizes.len()];
    let mut sample = Vec::new();
    for card in order {
        let mut is_taken = false;
        for (contest, size) in sizes.iter().enumerate() {
            if contests[contest].cards.len() < *size && carries(card, contest) {
                contests[contest].cards.push(card);
                contests[contest].threshold = Some(numbers[card]);
                is_taken = true;
            }
        }
        if is_taken {
            sample.push(card);
        }
        for (contest, open) in is_open.iter_mut().enumerate() {
            if *open && carries(card, contest) {
                if is_taken {
                    contests[contest].usable.push(card);
                } else {
                    *open = false;
                }
            }
        }
    }
    Drawn {
        cards: sample,
        contests,
    }
}
