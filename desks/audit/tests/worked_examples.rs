//! Worked examples of papers and of the peers' own tests, with their source beside each.

use num_bigint::BigUint;
use pollwatch_audit::draw::cryptorandom::Prng;
use pollwatch_audit::draw::pcg::Pcg64;
use pollwatch_audit::draw::repr::tuple_of_texts;
use pollwatch_audit::draw::{consistent::Replacement, counter};
use pollwatch_audit::method::batch::{self, Batch, BatchContest, CountedBatch, Law, Unseen};
use pollwatch_audit::method::limit::{Risk, RiskLimit};
use pollwatch_audit::method::minerva::{self, StoppingRule};
use pollwatch_audit::method::polling::Round;
use pollwatch_audit::method::sequential::{Population, Test};
use pollwatch_audit::method::suite::{ComparedStratum, Known, PairStrata, pair_risk};
use pollwatch_audit::method::supersimple::{ErrorCounts, kaplan_markov_bound, optimistic_size};
use pollwatch_audit::method::tally::{FullCount, Tally};
use pollwatch_audit::method::{bravo, providence};
use pollwatch_audit::raire::{Budget, Difficulty, Profile, assertions};
use sha2::{Digest as _, Sha256};

fn limit(text: &str) -> RiskLimit {
    text.parse().expect("a limit")
}

fn round(votes: &[u64]) -> Round {
    Round {
        ballots: votes.iter().sum(),
        not_found: 0,
        votes: votes.to_vec(),
    }
}

#[track_caller]
fn assert_near(got: f64, expected: f64, relative: f64) {
    assert!(
        (got - expected).abs() <= relative * expected.abs(),
        "{got} is not {expected}"
    );
}

/// Arlo, test_compute_risk: 72 of 119 ballots for the winner of a 60-to-40 contest.
#[test]
fn bravo_measures_the_risk() {
    let tally = Tally::new(vec![600, 400], 1000, 1, 1).expect("a tally");
    let got = bravo::assess(&tally, &[round(&[72, 47])], &limit("10%")).expect("a risk");
    assert_near(got.risk.value, 0.071_403_729_479_314_96, 1e-12);
    assert!(got.met);
    // BRAVO 2012, table of expected sizes: a 10 % margin at 10 %.
    let tally = Tally::new(vec![5500, 4500], 10_000, 1, 1).expect("a tally");
    assert_eq!(bravo::expected_size(&tally, &[0, 0], &limit("10%")), Ok(470));
}

/// The statistic of 8 ballots for a winner of two thirds is (4/3)^8, so the risk is (3/4)^8: a limit that decimals can say to the last digit.
#[test]
fn a_risk_that_equals_the_limit_meets_it_exactly() {
    let tally = Tally::new(vec![200, 100], 300, 1, 1).expect("a tally");
    let votes = [round(&[8, 0])];
    // (3/4)^8 = 6561/65536 = 0.1001129150390625
    let met = |text: &str| bravo::assess(&tally, &votes, &limit(text)).expect("a risk").met;
    assert!(met("0.1001129150390625"));
    assert!(!met("0.100112915039062499"));
}

/// athena, test3: stopping counts and the risk spent of 55 % against 45 % at 10 %.
#[test]
fn minerva_stops_where_its_authors_do() {
    let got = minerva::stopping_counts(0.55, 0.1, &[193, 332, 587], StoppingRule::Tails);
    let counts: Vec<_> = got.iter().map(|(count, _)| *count).collect();
    assert_eq!(counts, [Some(110), Some(183), Some(315)]);
    for ((_, spent), expected) in got.iter().zip([0.0304, 0.0519, 0.0752]) {
        assert!((spent - expected).abs() < 1e-4);
    }
}

/// Arlo, test_compute_risk of Providence: 54 of 100.
#[test]
fn providence_measures_the_risk() {
    let tally = Tally::new(vec![60_000, 40_000], 100_000, 1, 1).expect("a tally");
    let got = providence::assess(&tally, &[round(&[54, 46])], &limit("10%")).expect("a risk");
    assert_near(got.risk.value, 0.266_873_091_296_017_44, 1e-9);
}

/// Stark 2010, table 3: 500 draws, diluted margin 2 %, gamma 1.01; and Colorado's example of the optimistic size.
#[test]
fn kaplan_markov_is_as_printed() {
    let none = ErrorCounts::default();
    let two = ErrorCounts { two_over: 1, ..none };
    assert_eq!(
        (kaplan_markov_bound(500, 0.02, 1.01, &none) * 1000.0).round(),
        7.0
    );
    assert_eq!(
        (kaplan_markov_bound(500, 0.02, 1.01, &two) * 1000.0).round(),
        698.0
    );
    assert_eq!(optimistic_size(0.5, 0.05, 1.2, &none), 34);
}

/// Arlo, test_close_contest: one batch of a contest that is won by two votes.
#[test]
fn macro_measures_the_risk() {
    let batch = |winner, loser| Batch {
        votes: vec![winner, loser],
        ballots: 100,
    };
    let batches = [batch(100, 0), batch(100, 0), batch(0, 100), batch(0, 98)];
    let tally = Tally::new(vec![200, 198], 400, 1, 1).expect("a tally");
    let contest = BatchContest::new(&tally, Law::Plurality, Unseen::default()).expect("a contest");
    let counted = [CountedBatch {
        bound_by: batch(100, 0),
        reported: batch(100, 0),
        counted: batch(100, 0),
        draws: 1,
    }];
    let got = batch::assess(&contest, &batches, &counted, &limit("25%")).expect("a risk");
    assert_near(got.risk.value, 0.995_024_875_621_890_6, 1e-12);
    assert!(!got.met);
    assert_eq!(
        batch::size(&contest, &batches, &limit("25%"), Risk::ONE, 0),
        Ok(4)
    );
}

/// ALPHA with a fixed alternative of 0.6 after ten ballots, eight of them for the winner.
#[test]
fn alpha_multiplies_once() {
    let population = Population::of_assorter(None, 1.0);
    let values = [1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    let history = Test::AlphaFixed { mean: 0.6 }
        .history(&population, &values)
        .expect("a risk");
    assert_near(history[9], 0.363_387_561_502_152_96, 1e-12);
}

/// A polled stratum that was counted whole and found right: the other stratum is tested at the whole margin.
#[test]
fn a_counted_stratum_leaves_its_own_margin() {
    let strata = PairStrata {
        compared: Known::Sampled(ComparedStratum {
            cards: 1000,
            votes: (550, 450),
            draws: 100,
            errors: ErrorCounts::default(),
        }),
        polled: Known::Counted {
            reported: (550, 450),
            counted: (550, 450),
        },
    };
    assert_near(
        pair_risk(&strata).expect("a risk").value,
        4.029_276_148_192_056e-5,
        1e-9,
    );
}

/// RAIRE, example 12: expected ballots of BRAVO and MACRO audits at 5 %.
#[test]
fn raire_is_as_printed() {
    let votes = [
        (5000, vec![0, 1, 2]),
        (5000, vec![0, 2, 1]),
        (5000, vec![1, 2, 0]),
        (1500, vec![1, 0, 2]),
        (5000, vec![2, 1, 0]),
        (500, vec![2, 0, 1]),
        (5000, vec![3, 0]),
    ];
    let profile = Profile::new(4, votes).expect("ballots");
    let budget = Budget {
        sets: 100,
        may_go_on: &|| true,
    };
    let hardest = |difficulty| {
        assertions(&profile, 0, difficulty, &budget)
            .expect("assertions")
            .difficulty
    };
    let (ballots, limit, gamma) = (27_000, 0.05, 1.1);
    assert_near(hardest(Difficulty::Bravo { ballots, limit }), 278.25, 1e-4);
    assert_near(
        hardest(Difficulty::Macro {
            ballots,
            limit,
            gamma,
        }),
        44.49,
        1e-3,
    );
}

#[test]
fn a_full_count_decides() {
    let tally = Tally::new(vec![510, 490], 1000, 1, 1).expect("a tally");
    assert_eq!(
        tally.judge_full_count(&[400, 600]),
        Ok(FullCount::Wrong { winners: vec![1] })
    );
    assert_eq!(tally.judge_full_count(&[501, 499]), Ok(FullCount::Confirmed));
    assert_eq!(
        tally.judge_full_count(&[500, 500]),
        Ok(FullCount::Tied {
            candidates: vec![0, 1]
        })
    );
}

/// NumPy 2.4.6: `default_rng(12345).random(3)`, and a seed of 256 bits.
#[test]
fn pcg_is_numpys() {
    let mut random = Pcg64::from_number(12_345);
    let expected = [
        0.227_336_022_467_169_66,
        0.316_758_339_709_752_87,
        0.797_365_457_332_734_1,
    ];
    assert_eq!(expected.map(|_| random.next_f64()), expected);
    let digest = Sha256::digest(b"06712221796172622814");
    let mut random = Pcg64::new(&BigUint::from_bytes_be(&digest));
    let expected = [
        0.042_384_939_319_760_06,
        0.159_378_170_752_747_4,
        0.049_988_514_307_984_23,
    ];
    assert_eq!(expected.map(|_| random.next_f64()), expected);
}

/// Python 3.11: `repr` of tuples.
#[test]
fn tuples_are_written_as_python_writes_them() {
    assert_eq!(
        tuple_of_texts(&["BALDWIN", "ED-North Baldwin ICP 1 - 0"]),
        "('BALDWIN', 'ED-North Baldwin ICP 1 - 0')"
    );
    assert_eq!(
        tuple_of_texts(&["O'Brien", "say \"x\""]),
        "(\"O'Brien\", 'say \"x\"')"
    );
    assert_eq!(tuple_of_texts(&["it's", "both '\""]), "(\"it's\", 'both \\'\"')");
    assert_eq!(
        tuple_of_texts(&["tab\t\\", "é☃\u{200b}\u{7}"]),
        "('tab\\t\\\\', 'é☃\\u200b\\x07')"
    );
    assert_eq!(tuple_of_texts(&["x"]), "('x',)");
}

/// cryptorandom 0.3, and the 2011 sampler's published tests.
#[test]
fn counters_are_as_published() {
    let mut random = Prng::new("22905465852589543615");
    let expected = [
        0.595_470_329_477_316_2,
        0.491_604_242_083_023_67,
        0.980_150_188_284_628_2,
    ];
    assert_eq!(expected.map(|_| random.random()), expected);
    let mut random = Prng::new("22905465852589543615");
    assert_eq!(
        [(); 3].map(|()| random.integer(1, 1_000_001)),
        [16_881, 351_511, 839_803]
    );
    assert_eq!(counter::draw("1", 1000, 3, Replacement::With), [97, 89, 163]);
    assert_eq!(
        counter::draw("snowman: ☃", 1000, 3, Replacement::With),
        [634, 56, 46]
    );
    assert!(counter::draw("1", 0, 3, Replacement::With).is_empty());
    assert_eq!(counter::draw("1", 3, 9, Replacement::Without).len(), 3);
}
