//! The draw: which cards, in which order, for which contest.

use std::collections::BTreeMap;

use super::event::{CardKey, Method};
use super::frame::{Frame, FrameCard, FrameError, Paper};
use super::outcome::Claim;
use super::replaced::{batches_of, ticket_key};
use crate::draw::consistent::{PRINTED_DIGITS, Replacement, Ticket, draw};

/// One draw of a card.
#[derive(Debug, Clone, PartialEq)]
pub struct Pick {
    /// The card.
    pub card: FrameCard,
    /// Its ticket, cut as audits publish it.
    pub ticket: String,
    /// 1 for the first draw of this card, 2 for the second …
    pub times: u32,
    /// Places of the contests that count this draw.
    pub contests: Vec<usize>,
}

/// The draws of all rounds so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draw {
    /// In the order of their tickets.
    pub picks: Vec<Pick>,
    /// By contest, places in `picks` that its risk may use, in order. A contest that is drawn for has its own draws; one
    /// that is not has every card of it up to the first that the sample left out.
    pub of_contest: BTreeMap<usize, Vec<usize>>,
    /// Cards that the draw came by and passed over, for no contest on them needed more.
    pub passed: Vec<FrameCard>,
    /// Draws that each contest could have at most, where that was less than what was asked for.
    pub exhausted: BTreeMap<usize, u64>,
}

impl Draw {
    /// The distinct cards to look for, in the order of the frame, with how often each was drawn. Phantoms are left out: there
    /// is nothing to look for.
    pub fn retrieval(&self) -> Vec<(&FrameCard, u32)> {
        let mut cards: BTreeMap<u64, (&FrameCard, u32)> = BTreeMap::new();
        for pick in &self.picks {
            let times = &mut cards.entry(pick.card.ordinal).or_insert((&pick.card, 0)).1;
            *times += 1;
        }
        cards
            .into_values()
            .filter(|(card, _)| card.paper != Paper::Phantom)
            .collect()
    }

    /// Whether a card was drawn.
    pub fn has(&self, key: &CardKey) -> bool {
        self.picks.iter().any(|pick| pick.card.key == *key)
    }
}

/// Draws cards until every contest has as many as `draws` says, or all it has.
///
/// Without replacement each card has one ticket and each contest takes its first cards in the order of the tickets (Glazer,
/// Spertus and Stark, arXiv 2012.03371); with replacement every draw counts for every contest that is drawn for. More draws
/// hold the fewer ones as a prefix, contest by contest.
pub fn draw_cards(
    frame: &Frame,
    method: Method,
    seed: &str,
    draws: &BTreeMap<usize, u64>,
    usable_for: &[usize],
) -> Result<Draw, FrameError> {
    if method.draws_batches() {
        return Ok(draw_batches(frame, seed, draws));
    }
    if method.draws_again() {
        return draw_again(frame, seed, draws, usable_for);
    }
    let most = draws.values().copied().max().unwrap_or(0);
    if most == 0 {
        return Ok(Draw::default());
    }
    // A contest on a tenth of the cards needs ten times the tickets; if that is not enough, twice as many are looked at.
    let mut take = draws
        .iter()
        .map(|(contest, draws)| {
            let cards = frame.stats(*contest).cards().max(1);
            let share = frame.cards() as f64 / cards as f64;
            (*draws as f64 * share * FIRST_LOOK).ceil() as u64 + LEAST_LOOK
        })
        .max()
        .unwrap_or(0);
    loop {
        let looked = take.min(frame.cards());
        let tickets = draw(seed, frame.keys(), looked as usize, Replacement::Without);
        let drawn = walk(frame, &tickets_of(tickets), draws, usable_for)?;
        if drawn.exhausted.is_empty() || looked == frame.cards() {
            return Ok(drawn);
        }
        take = take.saturating_mul(2);
    }
}

/// How many more tickets are looked at than the share of a contest asks for on average, so that one look is nearly always
/// enough: four standard deviations at 1,000 draws are 13 %.
const FIRST_LOOK: f64 = 1.15;
/// And this many at least.
const LEAST_LOOK: u64 = 64;

fn tickets_of(draws: Vec<crate::draw::consistent::TicketDraw>) -> Vec<(Ticket, u64, u32)> {
    draws
        .into_iter()
        .map(|draw| (draw.ticket, draw.index, draw.generation))
        .collect()
}

/// Walks the tickets in order and takes each card that some contest still needs.
fn walk(
    frame: &Frame,
    tickets: &[(Ticket, u64, u32)],
    draws: &BTreeMap<usize, u64>,
    usable_for: &[usize],
) -> Result<Draw, FrameError> {
    let mut drawn = Draw::default();
    let mut is_open: BTreeMap<usize, bool> = usable_for.iter().map(|contest| (*contest, true)).collect();
    let mut taken: BTreeMap<usize, u64> = draws.keys().map(|contest| (*contest, 0)).collect();
    for contest in usable_for {
        drawn.of_contest.insert(*contest, Vec::new());
    }
    for contest in draws.keys() {
        drawn.of_contest.insert(*contest, Vec::new());
    }
    for (ticket, index, generation) in tickets {
        let needs_more = draws.iter().any(|(contest, needed)| taken[contest] < *needed);
        if !needs_more {
            break;
        }
        let Some(card) = frame.card(*index)? else {
            continue;
        };
        let mut contests = Vec::new();
        for (contest, needed) in draws {
            if taken[contest] < *needed && frame.carries(&card, *contest) {
                *taken.entry(*contest).or_default() += 1;
                contests.push(*contest);
            }
        }
        let is_taken = !contests.is_empty();
        let place = drawn.picks.len();
        for contest in &contests {
            drawn.of_contest.entry(*contest).or_default().push(place);
        }
        for (contest, open) in &mut is_open {
            if draws.contains_key(contest) || !*open || !frame.carries(&card, *contest) {
                continue;
            }
            if is_taken {
                drawn.of_contest.entry(*contest).or_default().push(place);
                contests.push(*contest);
            } else {
                *open = false;
            }
        }
        if is_taken {
            contests.sort_unstable();
            drawn.picks.push(Pick {
                card,
                ticket: ticket.trimmed(PRINTED_DIGITS),
                times: *generation,
                contests,
            });
        } else {
            drawn.passed.push(card);
        }
    }
    drawn.exhausted = draws
        .iter()
        .filter(|(contest, needed)| taken[contest] < **needed)
        .map(|(contest, _)| (*contest, taken[contest]))
        .collect();
    Ok(drawn)
}

fn draw_again(
    frame: &Frame,
    seed: &str,
    draws: &BTreeMap<usize, u64>,
    usable_for: &[usize],
) -> Result<Draw, FrameError> {
    let most = draws.values().copied().max().unwrap_or(0);
    let tickets = draw(seed, frame.keys(), most as usize, Replacement::With);
    let mut drawn = Draw::default();
    for contest in draws.keys().chain(usable_for) {
        drawn.of_contest.insert(*contest, Vec::new());
    }
    for (place, (ticket, index, generation)) in tickets_of(tickets).into_iter().enumerate() {
        let Some(card) = frame.card(index)? else {
            continue;
        };
        let mut contests = Vec::new();
        for (contest, places) in &mut drawn.of_contest {
            // A contest that is not drawn for may use every draw: each is one of all cards, whatever it was drawn for.
            let needed = draws.get(contest).copied().unwrap_or(most);
            if (place as u64) < needed {
                places.push(place);
                contests.push(*contest);
            }
        }
        drawn.picks.push(Pick {
            card,
            ticket: ticket.trimmed(PRINTED_DIGITS),
            times: generation,
            contests,
        });
    }
    Ok(drawn)
}

/// Draws batches with chances in proportion to the greatest error that each can hide, for the one contest that is drawn for
/// (PPEB: Aslam, Popa and Rivest 2008). Nothing is drawn for a contest whose margin is zero.
fn draw_batches(frame: &Frame, seed: &str, draws: &BTreeMap<usize, u64>) -> Draw {
    let mut drawn = Draw::default();
    let Some((contest, count)) = draws.iter().next() else {
        return drawn;
    };
    let plan = &frame.contests()[*contest].contest;
    let bounds = Claim::of(frame, *contest)
        .ok()
        .and_then(|claim| batches_of(frame, plan, &claim).ok()?.bounds);
    let Some(bounds) = bounds else {
        return drawn;
    };
    let keys: Vec<String> = frame
        .batches()
        .iter()
        .map(|batch| ticket_key(frame, batch))
        .collect();
    let mut times: BTreeMap<usize, u32> = BTreeMap::new();
    let places = drawn.of_contest.entry(*contest).or_default();
    for (place, one) in crate::draw::ppeb::draw(seed, &keys, &bounds, *count as usize)
        .into_iter()
        .enumerate()
    {
        let Some(card) = frame.batch_card(one.batch) else {
            continue;
        };
        let times = times.entry(one.batch).or_default();
        *times += 1;
        places.push(place);
        drawn.picks.push(Pick {
            card,
            ticket: one.ticket.trimmed(PRINTED_DIGITS),
            times: *times,
            contests: vec![*contest],
        });
    }
    drawn
}
