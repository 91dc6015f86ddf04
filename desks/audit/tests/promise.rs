//! Plays audits of wrong outcomes: the share confirmed must stay under the risk limit.
//!
//! These are the quick ones; `cargo xtask promise` plays more, at several limits.

use pollwatch_audit::method::limit::RiskLimit;
use pollwatch_audit::promise::{Method, Truth, play};

/// A promise that holds fails this test once in ten thousand runs with other seeds, and with these never.
const ALARM: f64 = 1e-4;

#[test]
fn wrong_outcomes_are_confirmed_no_more_often_than_the_limit() {
    let limit = RiskLimit::new(0.1).expect("a limit");
    for method in Method::OFFERED {
        for truth in [Truth::WrongByOne, Truth::WrongByMore, Truth::Hidden] {
            let played = play(method, truth, &limit, 300, 20_260_519).expect("an audit");
            assert!(
                played.tail(&limit) > ALARM,
                "{method:?}, {truth:?}: {} of {} wrong outcomes confirmed",
                played.confirmed,
                played.audits
            );
        }
    }
}

#[test]
fn right_outcomes_are_confirmed_most_of_the_time() {
    let limit = RiskLimit::new(0.1).expect("a limit");
    for method in Method::OFFERED {
        let played = play(method, Truth::Right, &limit, 60, 7).expect("an audit");
        assert!(
            played.confirmed * 2 > played.audits,
            "{method:?}: {} of {} right outcomes confirmed",
            played.confirmed,
            played.audits
        );
    }
}

/// The peer's rule for a card with errors on several pairs breaks the promise; so this file can tell.
#[test]
fn a_rule_that_is_not_sound_is_found_out() {
    let limit = RiskLimit::new(0.1).expect("a limit");
    let played = play(Method::SuperSimpleReplayed, Truth::Hidden, &limit, 400, 1).expect("an audit");
    assert!(
        played.tail(&limit) < ALARM,
        "{} of {}",
        played.confirmed,
        played.audits
    );
}
