//! What must hold for every input: prefixes, order, and errors that never help.

use pollwatch_audit::assorter::Assertion;
use pollwatch_audit::draw::consistent::{Replacement, draw, draw_from_batches};
use pollwatch_audit::draw::{card_style, counter, ppeb};
use pollwatch_audit::method::bravo;
use pollwatch_audit::method::limit::RiskLimit;
use pollwatch_audit::method::polling::Round;
use pollwatch_audit::method::sequential::{AdaptiveBet, Population, Test};
use pollwatch_audit::method::supersimple::{self, ComparedCard, OverstatementRule, Reading};
use pollwatch_audit::method::tally::Tally;
use pollwatch_audit::raire::{Budget, Difficulty, Profile, RaireError, assertions, implies};
use proptest::prelude::*;

fn limit() -> RiskLimit {
    RiskLimit::new(0.05).expect("a limit")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_earlier_round_is_a_prefix_of_a_later_one(seed in ".{0,12}", cards in 1..200_u64, first in 0..40_usize, more in 0..40_usize) {
        let batches = [("'A'".to_owned(), cards), ("('B', 'x')".to_owned(), cards / 2)];
        for replacement in [Replacement::With, Replacement::Without] {
            let short = draw_from_batches(&seed, &batches, first, replacement);
            let long = draw_from_batches(&seed, &batches, first + more, replacement);
            prop_assert_eq!(&short[..], &long[..short.len()]);
            let short = counter::draw(&seed, cards, first, replacement);
            let long = counter::draw(&seed, cards, first + more, replacement);
            prop_assert_eq!(&short[..], &long[..short.len()]);
        }
        let keys: Vec<String> = (0..cards).map(|batch| format!("('{batch}',)")).collect();
        let bounds: Vec<f64> = (0..cards).map(|batch| (batch + 1) as f64).collect();
        let short = ppeb::draw(&seed, &keys, &bounds, first);
        prop_assert_eq!(&short[..], &ppeb::draw(&seed, &keys, &bounds, first + more)[..first]);
    }

    /// The sample is a property of the cards' ids, not of the order in which they are listed.
    #[test]
    fn the_order_of_the_list_does_not_matter(seed in "[0-9]{20}", cards in 1..100_usize, take in 1..120_usize) {
        let ids: Vec<String> = (0..cards).map(|card| format!("card-{card}")).collect();
        let turned: Vec<String> = ids.iter().rev().cloned().collect();
        let named = |list: &[String]| -> Vec<_> {
            draw(&seed, list, take, Replacement::With)
                .into_iter()
                .map(|draw| (draw.ticket, list[draw.index as usize].clone(), draw.generation))
                .collect()
        };
        prop_assert_eq!(named(&ids), named(&turned));
    }

    #[test]
    fn each_contest_keeps_its_cards_when_others_grow(
        seed in "[0-9]{6}", carried in proptest::collection::vec(0_u8..8, 1..80), sizes in proptest::array::uniform3(0..20_usize), more in proptest::array::uniform3(0..20_usize)
    ) {
        let numbers = card_style::card_numbers(&seed, carried.len());
        let carries = |card: usize, contest: usize| carried[card] >> contest & 1 == 1;
        let small = card_style::draw(&numbers, &sizes, carries);
        let larger: Vec<usize> = sizes.iter().zip(more).map(|(size, more)| size + more).collect();
        let large = card_style::draw(&numbers, &larger, carries);
        for contest in 0..3 {
            let (before, after) = (&small.contests[contest], &large.contests[contest]);
            prop_assert_eq!(&before.cards[..], &after.cards[..before.cards.len()]);
            // What a risk may use begins with what was asked for, in the same order, and nothing of it was left in the box.
            prop_assert_eq!(&before.cards[..], &before.usable[..before.cards.len()]);
            prop_assert!(before.usable.iter().all(|card| small.cards.contains(card)));
        }
        prop_assert!(small.cards.iter().all(|card| large.cards.contains(card)));
    }

    /// BRAVO draws with replacement: only the sums count.
    #[test]
    fn rounds_can_be_split_and_exchanged(votes in proptest::collection::vec((0..30_u64, 0..30_u64), 1..6)) {
        let tally = Tally::new(vec![600, 400], 1000, 1, 1).expect("a tally");
        let round = |(winner, loser): (u64, u64)| Round { ballots: winner + loser, not_found: 0, votes: vec![winner, loser] };
        let rounds: Vec<Round> = votes.iter().copied().map(round).collect();
        let turned: Vec<Round> = votes.iter().rev().copied().map(round).collect();
        let sum = votes.iter().fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
        let risk = |rounds: &[Round]| bravo::assess(&tally, rounds, &limit()).expect("a risk").risk.value;
        prop_assert_eq!(risk(&rounds), risk(&turned));
        prop_assert_eq!(risk(&rounds), risk(&[round(sum)]));
    }

    /// A card that overstates in the place of one that matches never lowers the risk; nor does one that was not found.
    #[test]
    fn an_overstatement_never_helps(clean in 1..400_u32, place in 0..3_usize) {
        let tally = Tally::new(vec![500, 400, 60], 1000, 1, 1).expect("a tally");
        let vote = |candidate: usize| {
            let mut votes = vec![0; 3];
            votes[candidate] = 1;
            Reading::Votes(votes)
        };
        let hand = [vote(1), Reading::Votes(vec![0; 3]), Reading::Absent][place].clone();
        let card = |hand: Reading, draws: u32| ComparedCard { recorded: vote(0), hand, draws };
        let risk = |cards: &[ComparedCard]| supersimple::assess(&tally, cards, OverstatementRule::GreatestRelative, &limit()).expect("a risk").risk.value;
        let without = risk(&[card(vote(0), clean)]);
        prop_assert!(risk(&[card(vote(0), clean - 1), card(hand, 1)]) >= without);
    }

    /// With a bet or an alternative that does not learn, a smaller value anywhere in the sample never lowers the risk.
    #[test]
    fn a_smaller_value_never_helps(length in 1..80_usize, place in 0..80_usize, size in 100..2000_u64) {
        let no_error = 1.0 / (2.0 - 0.05);
        let population = Population::of_assorter(Some(size), 2.0 * no_error);
        let values = vec![no_error; length];
        let mut worse = values.clone();
        worse[place % length] = 0.0;
        for test in [
            Test::BetFixed { bet: 1.4 },
            Test::KaplanMarkov { padding: 0.1 },
            Test::AlphaComparison { two_vote_rate: 1e-3 },
            Test::BetAdaptive(AdaptiveBet { no_error, expected: [1e-4, 1e-3, 0.0, 0.0], weight: 100.0, largest_loss: 0.9, pooled: Vec::new() }),
        ] {
            let risk = |values: &[f64]| test.risk(&population, values).expect("a risk").value;
            // The draws that are judged by the same null are those before; a risk is the least over all beginnings.
            prop_assert!(risk(&worse) >= risk(&values) * (1.0 - 1e-9), "{:?}", test);
        }
    }

    /// Small contests, against every order of elimination tried one by one.
    #[test]
    fn assertions_are_as_easy_as_can_be_and_imply_the_winner(
        candidates in 2..5_usize, ballots in proptest::collection::vec((1..40_u64, proptest::sample::subsequence(vec![0_usize, 1, 2, 3], 1..4), 0..24_usize), 1..12)
    ) {
        let ballots: Vec<(u64, Vec<usize>)> = ballots
            .into_iter()
            .map(|(count, mut ranks, turn)| {
                let length = ranks.len();
                ranks.rotate_left(turn % length);
                if turn % 2 == 1 { ranks.reverse(); }
                ranks.retain(|candidate| *candidate < candidates);
                (count, ranks)
            })
            .collect();
        let total: u64 = ballots.iter().map(|(count, _)| count).sum();
        let profile = Profile::new(candidates, ballots).expect("ballots");
        let winners = profile.possible_winners();
        let budget = Budget { sets: 1 << 10, may_go_on: &|| true };
        let difficulty = Difficulty::OneOnMargin { ballots: total };
        let result = assertions(&profile, winners[0], difficulty, &budget);
        if winners.len() > 1 {
            prop_assert_eq!(result, Err(RaireError::Tied(winners)));
            return Ok(());
        }
        let least = least_possible(&profile, winners[0], difficulty);
        match result {
            Ok(found) => {
                prop_assert!(found.is_optimal);
                prop_assert!((found.difficulty - least).abs() <= 1e-12 * least);
                let plain: Vec<Assertion> = found.assertions.iter().map(|ranked| ranked.assertion.clone()).collect();
                prop_assert!(implies(candidates, winners[0], &plain, 1 << 10).is_ok());
                // The check can tell: without its hardest assertion alone, or with another winner, something is open unless another covers it.
                prop_assert!(implies(candidates, (winners[0] + 1) % candidates, &plain, 1 << 10).is_err());
            }
            Err(error) => {
                prop_assert_eq!(error, RaireError::FullCount);
                prop_assert!(least.is_infinite());
            }
        }
    }
}

/// Over every order that another candidate wins, the easiest step; of those the hardest.
fn least_possible(profile: &Profile, winner: usize, difficulty: Difficulty) -> f64 {
    let count = profile.candidates();
    let mut hardest = f64::NEG_INFINITY;
    let mut orders = vec![Vec::new()];
    for _ in 0..count {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..count)
                    .filter(|candidate| !order.contains(candidate))
                    .map(|candidate| [order.clone(), vec![candidate]].concat())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    for order in orders.iter().filter(|order| order[count - 1] != winner) {
        let mut easiest = f64::INFINITY;
        for (place, gone) in order.iter().enumerate() {
            let standing = &order[place..];
            let set = standing.iter().fold(0_u64, |set, candidate| set | 1 << candidate);
            let tallies = profile.tallies(set);
            for other in order.iter().filter(|other| *other != gone) {
                let pair = |first: usize, then: usize| {
                    let (firsts, ever) = profile.first_against_ever(first, then);
                    difficulty.of(firsts, ever)
                };
                easiest = easiest.min(if standing.contains(other) {
                    pair(*gone, *other).min(difficulty.of(tallies[*gone], tallies[*other]))
                } else {
                    pair(*other, *gone)
                });
            }
        }
        hardest = hardest.max(easiest);
    }
    hardest
}
