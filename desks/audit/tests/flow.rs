//! The reducer: what an audit's log may say, and what it means.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use pollwatch_audit::election::{Contest, ContestKind};
use pollwatch_audit::flow::event::{
    Answers, Audited, Committed, ContestPlan, Escalated, FullyCounted, InputFile, Marked, Opened, Outcome,
    Reading, Role, Sampled, Seeded, Settled, Undone,
};
use pollwatch_audit::flow::{CardKey, Entry, Event, Known, Method, Refused, State};
use pollwatch_model::{EvidenceId, TargetRef};
use proptest::prelude::*;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_793_700_000 + minute * 60).unwrap()
}

fn entry(minute: i64, event: Event) -> Entry {
    Entry::new("clerk", at(minute), event)
}

fn mayor() -> Contest {
    let mut contest = Contest::new("Mayor");
    contest.add("Ames", false);
    contest.add("Brandt", false);
    contest
}

fn city() -> Contest {
    let mut contest = Contest::new("City");
    contest.kind = ContestKind::Irv;
    contest.ranks = 3;
    for name in ["Ito", "Jones", "Kaur"] {
        contest.add(name, false);
    }
    contest
}

fn inputs() -> Vec<InputFile> {
    vec![InputFile {
        role: Role::Manifest,
        county: String::new(),
        name: "manifest.csv".to_owned(),
        sha256: EvidenceId::of(b"manifest"),
        bytes: 8,
    }]
}

fn opened() -> Event {
    let plan = |contest, audited| ContestPlan { contest, audited };
    Event::Opened(Box::new(Opened {
        title: "General election".to_owned(),
        target: TargetRef {
            id: "wakefield-county".parse().unwrap(),
            name: "Wakefield County Clerk".to_owned(),
        },
        risk_limit: "0.05".to_owned(),
        inputs: inputs(),
        contests: vec![
            plan(mayor(), Audited::Targeted),
            plan(city(), Audited::Opportunistic),
            plan(Contest::new("Dog catcher"), Audited::No),
        ],
        answers: Answers::default(),
        minutes_a_card: 3.0,
    }))
}

fn committed(method: Method) -> Event {
    let outcome = Outcome {
        winners: vec!["Ames".to_owned()],
        votes: vec![60, 40],
        cards: 100,
        assertions: Vec::new(),
        margin_votes: 20,
    };
    Event::Committed(Box::new(Committed {
        inputs: inputs(),
        method,
        cards: 100,
        frame: EvidenceId::of(b"frame"),
        results: BTreeMap::from([
            ("Mayor".to_owned(), outcome.clone()),
            ("City".to_owned(), outcome),
        ]),
    }))
}

fn seeded(seed: &str, rolled: i64) -> Event {
    Event::Seeded(Seeded {
        seed: seed.to_owned(),
        rolled_at: at(rolled),
        rolled_by: vec!["the mayor".to_owned()],
        seen_by: vec!["the public".to_owned()],
        how: "twenty ten-sided dice".to_owned(),
    })
}

const SEED: &str = "09213847561029384756";

fn sampled(round: u32, draws: u64) -> Event {
    Event::Sampled(Sampled {
        round,
        draws: BTreeMap::from([("Mayor".to_owned(), draws)]),
    })
}

fn card(number: u32) -> CardKey {
    CardKey(format!("[\"\",\"Box 1\",\"101\",\"1\",{number}]"))
}

fn read(number: u32, reader: &str, marks: &[&str]) -> Event {
    let marked = Marked {
        marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
        ..Marked::default()
    };
    Event::Read(Reading {
        card: card(number),
        reader: reader.to_owned(),
        found: true,
        votes: BTreeMap::from([("Mayor".to_owned(), marked)]),
    })
}

fn ready() -> State {
    State::replay([
        entry(0, opened()),
        entry(1, committed(Method::CardComparison)),
        entry(3, seeded(SEED, 2)),
        entry(4, sampled(1, 5)),
    ])
    .unwrap()
}

fn refused(state: &State, event: Event) -> Refused {
    let mut state = state.clone();
    let before = state.clone();
    let refused = state.apply(entry(100, event)).unwrap_err();
    assert_eq!(state, before, "a refusal changes nothing");
    refused
}

#[test]
fn an_audit_goes_one_way() {
    let empty = State::default();
    assert!(matches!(
        refused(&empty, committed(Method::CardComparison)),
        Refused::TooEarly { .. }
    ));
    let open = State::replay([entry(0, opened())]).unwrap();
    assert_eq!(refused(&open, opened()), Refused::OpenedAlready);
    assert!(matches!(
        refused(&open, seeded(SEED, 2)),
        Refused::TooEarly { .. }
    ));
    let fixed = State::replay([entry(0, opened()), entry(10, committed(Method::CardComparison))]).unwrap();
    assert_eq!(
        refused(&fixed, committed(Method::Bravo)),
        Refused::CommittedAlready
    );
    assert!(matches!(refused(&fixed, sampled(1, 5)), Refused::TooEarly { .. }));
    let ready = ready();
    assert!(matches!(
        refused(&ready, seeded("11111111111111111111", 50)),
        Refused::SeededAlready { .. }
    ));
    assert!(matches!(
        refused(&ready, sampled(3, 9)),
        Refused::WrongRound { round: 3, due: 2 }
    ));
    assert!(matches!(
        refused(&ready, sampled(2, 4)),
        Refused::FewerDraws { .. }
    ));
    let mut other_files = committed(Method::CardComparison);
    if let Event::Committed(committed) = &mut other_files {
        committed.inputs[0].sha256 = EvidenceId::of(b"another");
    }
    assert_eq!(refused(&open, other_files), Refused::OtherInputs);
    let early = State::replay([entry(5, opened())]).unwrap().clone();
    let mut early = early;
    assert!(matches!(
        early.apply(entry(4, Event::Answered(Answers::default()))),
        Err(Refused::OutOfOrder { .. })
    ));
}

#[test]
fn a_seed_is_dice_thrown_after_the_commitment_before_witnesses() {
    let fixed = State::replay([entry(0, opened()), entry(10, committed(Method::CardComparison))]).unwrap();
    assert!(matches!(
        refused(&fixed, seeded("0921384756102938475a", 20)),
        Refused::SeedHasLetters { letter: 'a' }
    ));
    assert!(matches!(
        refused(&fixed, seeded("123", 20)),
        Refused::SeedLength { digits: 3 }
    ));
    assert!(matches!(
        refused(&fixed, seeded(SEED, 10)),
        Refused::SeedIsOlder { .. }
    ));
    assert!(matches!(
        refused(&fixed, seeded(SEED, 101)),
        Refused::SeedIsOfTheFuture { .. }
    ));
    let mut unseen = seeded(SEED, 20);
    if let Event::Seeded(seeded) = &mut unseen {
        seeded.seen_by.clear();
    }
    assert_eq!(refused(&fixed, unseen), Refused::NoWitness);
}

#[test]
fn a_reading_that_cannot_be_is_refused_with_the_reason() {
    let ready = ready();
    for (event, part) in [
        (
            read(1, "Pat", &["Nobody"]),
            "no candidate \"Nobody\"; it has Ames, Brandt",
        ),
        (read(1, "Pat", &["Ames", "Ames"]), "stands twice"),
        (read(1, " ", &["Ames"]), "name of its reader"),
    ] {
        let refused = refused(&ready, event).to_string();
        assert!(refused.contains(part), "{refused}");
    }
    let with = |contest: &str, marked: Marked, found: bool| {
        Event::Read(Reading {
            card: card(1),
            reader: "Pat".to_owned(),
            found,
            votes: BTreeMap::from([(contest.to_owned(), marked)]),
        })
    };
    let ames = Marked {
        marks: vec!["Ames".to_owned()],
        ..Marked::default()
    };
    let ranked = |rows: &[&[&str]]| Marked {
        ranks: rows
            .iter()
            .map(|row| row.iter().map(|name| (*name).to_owned()).collect())
            .collect(),
        ..Marked::default()
    };
    assert_eq!(
        refused(&ready, with("Mayor", ames.clone(), false)),
        Refused::VotesWithoutCard
    );
    assert!(matches!(
        refused(&ready, with("Sheriff", ames.clone(), true)),
        Refused::NoSuchContest { .. }
    ));
    assert!(matches!(
        refused(&ready, with("Mayor", ranked(&[&["Ames"]]), true)),
        Refused::NotRanked { .. }
    ));
    assert!(matches!(
        refused(&ready, with("City", ames, true)),
        Refused::NeedsRanks { .. }
    ));
    assert!(matches!(
        refused(
            &ready,
            with("City", ranked(&[&["Ito"], &[], &["Kaur"], &["Jones"]]), true)
        ),
        Refused::TooManyRanks {
            found: 4,
            ranks: 3,
            ..
        }
    ));
    // Two marks where one is allowed are an overvote, and a skipped or doubly marked rank is what voters do.
    let mut state = ready.clone();
    state
        .apply(entry(5, read(1, "Pat", &["Ames", "Brandt"])))
        .unwrap();
    state
        .apply(entry(
            6,
            with("City", ranked(&[&["Ito", "Kaur"], &[], &["Jones"]]), true),
        ))
        .unwrap();
}

#[test]
fn two_people_may_read_one_card_and_a_disagreement_is_settled_by_an_event() {
    let mut state = ready();
    state.apply(entry(5, read(1, "Pat", &["Ames"]))).unwrap();
    state.apply(entry(6, read(1, "Lee", &["Ames"]))).unwrap();
    assert!(matches!(state.reading(&card(1)), Known::One(_)));
    let settle = |reading: u64, up_to: u64| {
        Event::Settled(Settled {
            card: card(1),
            reading,
            up_to,
            because: "both looked again".to_owned(),
        })
    };
    state.apply(entry(7, read(1, "Max", &["Brandt"]))).unwrap();
    assert!(matches!(state.reading(&card(1)), Known::Disagreement(all) if all.len() == 3));
    assert_eq!(state.disagreements(), [&card(1)]);
    assert!(matches!(
        refused(&state, settle(3, 6)),
        Refused::NotAReadingOfIt { reading: 3, .. }
    ));
    state.apply(entry(8, settle(6, 6))).unwrap();
    assert!(matches!(state.reading(&card(1)), Known::One(reading) if reading.reader == "Max"));
    // A reading after it that says otherwise opens the question anew.
    state.apply(entry(9, read(1, "Kim", &["Ames"]))).unwrap();
    assert!(matches!(state.reading(&card(1)), Known::Disagreement(_)));
    assert!(matches!(
        refused(
            &state,
            Event::Settled(Settled {
                card: card(2),
                reading: 4,
                up_to: 4,
                because: "x".to_owned(),
            })
        ),
        Refused::NothingToSettle { .. }
    ));
}

#[test]
fn undo_is_an_entry_and_what_others_rest_on_stays() {
    let undo = |entry: u64| {
        Event::Undone(Undone {
            entry,
            because: "entered for the wrong card".to_owned(),
        })
    };
    let mut state = ready();
    state.apply(entry(5, read(1, "Pat", &["Ames"]))).unwrap();
    assert!(matches!(
        refused(&state, undo(2)),
        Refused::RestsOnIt { other: 3, .. }
    ));
    assert!(matches!(refused(&state, undo(3)), Refused::RestsOnIt { .. }));
    assert!(matches!(
        refused(&state, undo(77)),
        Refused::NoSuchEntry { entry: 77 }
    ));
    state.apply(entry(6, undo(4))).unwrap();
    assert_eq!(state.reading(&card(1)), Known::Nothing);
    assert_eq!(state.log().len(), 6, "nothing is overwritten");
    assert_eq!(state.undone_by(4), Some(5));
    assert!(matches!(refused(&state, undo(4)), Refused::UndoneAlready { .. }));
    assert!(matches!(refused(&state, undo(5)), Refused::CannotBeUndone { .. }));
    // With no reading left the round can go, and then the dice: but they stay in sight.
    state.apply(entry(7, undo(3))).unwrap();
    state.apply(entry(8, undo(2))).unwrap();
    assert_eq!(state.seeded(), None);
    assert_eq!(state.seeds_taken_back()[0].seed, SEED);
}

#[test]
fn a_full_count_follows_an_escalation_and_fits_its_cards() {
    let count = |cards: u64, ames: u64, brandt: u64| {
        Event::FullyCounted(FullyCounted {
            contest: "Mayor".to_owned(),
            cards,
            votes: BTreeMap::from([("Ames".to_owned(), ames), ("Brandt".to_owned(), brandt)]),
            counted_by: vec!["Pat".to_owned()],
        })
    };
    let mut state = ready();
    assert!(matches!(
        refused(&state, count(100, 60, 40)),
        Refused::TooEarly { .. }
    ));
    let escalate = Event::Escalated(Escalated {
        contest: "Mayor".to_owned(),
        because: "too many differences".to_owned(),
    });
    state.apply(entry(5, escalate.clone())).unwrap();
    assert!(matches!(
        refused(&state, escalate),
        Refused::EscalatedAlready { .. }
    ));
    assert!(matches!(
        refused(&state, count(100, 101, 0)),
        Refused::MoreVotesThanCards { .. }
    ));
    assert!(matches!(
        refused(&state, count(100, 60, 50)),
        Refused::MoreVotesThanAllowed { .. }
    ));
    state.apply(entry(6, count(100, 40, 60))).unwrap();
    assert_eq!(state.full_count("Mayor").unwrap().votes["Brandt"], 60);
}

proptest! {
    /// Whoever enters first: the readings mean the same.
    #[test]
    fn the_order_of_entry_does_not_matter(
        readings in proptest::collection::vec((1..6u32, 0..3usize, 0..3usize), 1..20),
        order in proptest::collection::vec(any::<u32>(), 20),
    ) {
        let readers = ["Pat", "Lee", "Max"];
        let marks: [&[&str]; 3] = [&["Ames"], &["Brandt"], &[]];
        let mut shuffled: Vec<_> = readings.iter().zip(order).collect();
        shuffled.sort_by_key(|(_, key)| *key);
        let (mut one, mut other) = (ready(), ready());
        for (number, reader, mark) in &readings {
            one.apply(entry(5, read(*number, readers[*reader], marks[*mark]))).unwrap();
        }
        for ((number, reader, mark), _) in shuffled {
            other.apply(entry(5, read(*number, readers[*reader], marks[*mark]))).unwrap();
        }
        prop_assert_eq!(one.disagreements(), other.disagreements());
        for number in 1..6 {
            match (one.reading(&card(number)), other.reading(&card(number))) {
                (Known::One(a), Known::One(b)) => prop_assert_eq!(&a.votes, &b.votes),
                (Known::Nothing, Known::Nothing) | (Known::Disagreement(_), Known::Disagreement(_)) => {}
                (a, b) => prop_assert!(false, "{a:?} {b:?}"),
            }
        }
    }
}

#[test]
fn an_entry_reads_back_as_it_was_written() {
    for one in ready().log() {
        let text = serde_json::to_string(one).unwrap();
        assert_eq!(&serde_json::from_str::<Entry>(&text).unwrap(), one);
    }
}
