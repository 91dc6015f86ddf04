//! Sketches: equal where actors share a trait, silent about everything else.

use std::collections::BTreeSet;
use std::net::IpAddr;

use pollwatch_intrusion::Verdict;
use pollwatch_intrusion::campaign::{ActorTraits, Background};
use pollwatch_intrusion::sketch::{GroupKey, Sketch, SketchError, Strength, compare};
use proptest::prelude::*;

fn actor(jurisdiction: &str, client: &str, payloads: std::ops::Range<u64>) -> (ActorTraits, Verdict) {
    let traits = ActorTraits {
        jurisdiction: jurisdiction.to_owned(),
        clients: vec![client.parse().expect("an address")],
        agents: BTreeSet::from([42]),
        fingerprints: payloads.collect(),
        tools: BTreeSet::from(["sqlmap".to_owned()]),
        path_pairs: BTreeSet::new(),
        classes: BTreeSet::new(),
        first_ms: Some(1_500_000_000_000),
        last_ms: Some(1_500_000_600_000),
    };
    (traits, Verdict::Attempted)
}

/// Visitors of an office, among them 198.51.100.1 and the agent 42.
fn visitors() -> Background {
    let mut background = Background::default();
    let visitor: IpAddr = "198.51.100.1".parse().expect("an address");
    background.add("il", [(visitor, 42, 0)]);
    background
}

#[test]
fn an_address_that_only_actors_have_is_a_strong_match() {
    let key = GroupKey::new([7; 32]);
    let one = Sketch::of(&[actor("il", "203.0.113.7", 0..10)], &visitors(), &key);
    let two = Sketch::of(&[actor("wi", "203.0.113.7", 100..110)], &visitors(), &key);
    let found = compare(&[&one, &two]).expect("two actors");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].strength, Strength::Strong);
    assert_eq!(found[0].shared[0], "1 address that no ordinary visitor has");
}

#[test]
fn an_address_that_visitors_share_is_weak_until_the_behaviour_is_alike() {
    let key = GroupKey::new([7; 32]);
    let one = Sketch::of(&[actor("il", "198.51.100.1", 0..10)], &visitors(), &key);
    let unlike = Sketch::of(&[actor("wi", "198.51.100.1", 100..110)], &visitors(), &key);
    let alike = Sketch::of(&[actor("wi", "198.51.100.1", 0..12)], &visitors(), &key);
    let strength = |other: &Sketch| compare(&[&one, other]).expect("two actors")[0].strength;
    assert_eq!(strength(&unlike), Strength::Weak);
    assert_eq!(strength(&alike), Strength::Strong);
}

#[test]
fn another_key_shares_nothing_but_what_is_in_plain_sight() {
    let one = Sketch::of(
        &[actor("il", "203.0.113.7", 0..10)],
        &visitors(),
        &GroupKey::new([7; 32]),
    );
    let two = Sketch::of(
        &[actor("wi", "203.0.113.7", 0..10)],
        &visitors(),
        &GroupKey::new([8; 32]),
    );
    assert_ne!(one.key_name, two.key_name);
    assert!(compare(&[&one, &two]).expect("two actors").is_empty());
}

#[test]
fn no_address_stands_in_the_file() {
    let sketch = Sketch::of(
        &[actor("il", "203.0.113.7", 0..10)],
        &visitors(),
        &GroupKey::new([7; 32]),
    );
    let text = sketch.to_text();
    assert!(!text.contains("203.0.113") && !text.contains("198.51.100"));
    assert_eq!(
        Sketch::parse(text.as_bytes()).expect("what was written reads back"),
        sketch
    );
}

#[test]
fn a_newer_version_and_damage_are_told_apart() {
    assert!(matches!(Sketch::parse(b""), Err(SketchError::Header)));
    assert!(matches!(
        Sketch::parse(b"{\"pollwatch_sketch\":2,\"new\":1}"),
        Err(SketchError::Version(2))
    ));
    let error = Sketch::parse(b"{\"pollwatch_sketch\":1,\"key\":\"abc\"}\n{}\n").expect_err("no actor");
    assert!(error.to_string().starts_with("line 2 holds no actor"), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..400), is_headed in any::<bool>()) {
        let mut text = Vec::new();
        if is_headed {
            text.extend_from_slice(b"{\"pollwatch_sketch\":1,\"key\":\"abc\"}\n");
        }
        text.extend_from_slice(&bytes);
        if let Ok(sketch) = Sketch::parse(&text) {
            prop_assert_eq!(Sketch::parse(sketch.to_text().as_bytes()).ok(), Some(sketch));
        }
    }
}
