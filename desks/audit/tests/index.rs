//! The index on disk, and what is compared with the manifest by it.
#![allow(clippy::unwrap_used)]

mod exports;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use exports::{Kept, made};
use pollwatch_audit::election::{
    Batch, BatchId, CandidateId, CardId, CastVoteRecord, Contest, ContestId, ContestVotes, Election,
    Manifest, Mark, RecordId, Redaction,
};
use pollwatch_audit::index::{CardIndex, IndexBuilder, IndexError};
use pollwatch_audit::read::{CvrSink, Source, read_cvrs};
use pollwatch_audit::reconcile::{PublicView, Shown, rare_styles, reconcile};
use proptest::prelude::*;

fn all(index: &mut CardIndex) -> Vec<CastVoteRecord> {
    let mut records = Vec::new();
    index
        .each(|at, record| {
            assert_eq!(at, records.len() as u64);
            records.push(record.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_record_is_found_by_every_way_to_it(made in made(true, 3), memory in 1usize..4_000) {
        let (text, _) = exports::dominion_csv(&made, false, false, "\n");
        let mut kept = Kept::default();
        let read = read_cvrs(&mut Source::from_bytes("a.csv", text.clone().into_bytes()), None, &mut kept).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut builder = IndexBuilder::with_memory(Some(dir.path()), memory);
        read_cvrs(&mut Source::from_bytes("a.csv", text.into_bytes()), None, &mut builder).unwrap();
        let mut index = builder.finish(&read.election, &dir.path().join("cards")).unwrap();
        let mut expected = kept.records;
        // Names of these batches are in the order of the alphabet as in that of people.
        expected.sort_by(|a, b| {
            let number = |record: &CastVoteRecord| record.card.batch.tabulator.parse::<u32>().unwrap();
            (number(a), &a.card).cmp(&(number(b), &b.card))
        });
        prop_assert_eq!(&all(&mut index), &expected);
        prop_assert_eq!(index.len(), expected.len() as u64);
        let mut positions: BTreeMap<BatchId, u64> = BTreeMap::new();
        for (record, at) in expected.iter().zip(0u64..) {
            let position = positions.entry(record.card.batch.clone()).or_default();
            *position += 1;
            prop_assert_eq!(index.at(at).unwrap(), Some(record.clone()));
            prop_assert_eq!(index.position(&record.card.batch, *position).unwrap(), Some((at, record.clone())));
            prop_assert_eq!(index.card(&record.card.batch, record.card.record).unwrap(), Some((at, record.clone())));
            prop_assert_eq!(index.imprinted(&record.card.imprinted).unwrap(), vec![at]);
            prop_assert_eq!(index.card(&record.card.batch, RecordId(record.card.record.0 + 10_000_000)).unwrap(), None);
        }
        prop_assert_eq!(index.at(index.len()).unwrap(), None);
        prop_assert_eq!(index.imprinted("nowhere").unwrap(), Vec::<u64>::new());
        prop_assert_eq!(index.position(&BatchId::new("9", "Z"), 1).unwrap(), None);
    }

    #[test]
    fn a_changed_file_is_refused_or_read_and_never_panics(at in 0usize..2_000, to: u8, cut in 0usize..2_000) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cards");
        drop(index_of(&[("1", "A", 1, "x", 3), ("1", "A", 2, "y", 3), ("2", "B", 1, "z", 3)], &path));
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at % bytes.len();
        bytes[at] = to;
        bytes.truncate(bytes.len() - cut % bytes.len() / 8);
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(mut index) = CardIndex::open(&path) {
            let _ = index.each(|_, _| ControlFlow::Continue(()));
            for at in 0..index.len() {
                let _ = index.at(at);
            }
            let _ = index.shared_imprints(10);
            let _ = index.imprinted("y");
        }
    }
}

/// Cards as tabulator, batch, record, imprinted id and number of contests on them.
fn index_of(cards: &[(&str, &str, u64, &str, u32)], path: &std::path::Path) -> CardIndex {
    let mut election = Election::default();
    for name in ["Mayor", "Sheriff", "Measure 1"] {
        let mut contest = Contest::new(name);
        contest.add("Yes", false);
        election.add(contest);
    }
    let mut builder = IndexBuilder::new(None);
    for (tabulator, batch, record, imprinted, contests) in cards {
        let votes = (0..*contests).map(|contest| ContestVotes {
            contest: ContestId(contest),
            marks: vec![Mark {
                rank: 0,
                candidate: CandidateId(0),
            }],
            overvoted: false,
            overvoted_ranks: Vec::new(),
        });
        let record = CastVoteRecord {
            card: CardId {
                batch: BatchId::new(*tabulator, *batch),
                record: RecordId(u128::from(*record)),
                imprinted: (*imprinted).to_owned(),
            },
            style: format!("Style {contests}"),
            votes: votes.collect(),
            ..CastVoteRecord::default()
        };
        builder.record(&election, &record).unwrap();
    }
    builder.finish(&election, path).unwrap()
}

fn manifest(batches: &[(&str, &str, &str, u64, Option<bool>)]) -> Manifest {
    let batches =
        batches.iter().zip(2..).map(
            |((container, tabulator, batch, cards, has_records), line)| Batch {
                id: BatchId {
                    container: (*container).to_owned(),
                    tabulator: (*tabulator).to_owned(),
                    batch: (*batch).to_owned(),
                },
                cards: *cards,
                has_records: *has_records,
                jurisdiction: String::new(),
                line,
            },
        );
    Manifest {
        batches: batches.collect(),
    }
}

#[test]
fn batches_are_in_the_order_of_people() {
    let dir = tempfile::tempdir().unwrap();
    let cards = [
        ("10", "2", 1, "", 1),
        ("9", "10", 1, "", 1),
        ("9", "2", 7, "", 1),
        ("9", "B-10", 1, "", 1),
        ("9", "B-9", 1, "", 1),
    ];
    let index = index_of(&cards, &dir.path().join("cards"));
    let names: Vec<String> = index.batches().iter().map(|batch| batch.id.to_string()).collect();
    insta::assert_snapshot!(names.join("\n"));
}

#[test]
fn every_difference_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let cards = [
        ("1", "A", 1, "1-A-1", 3),
        ("1", "A", 2, "1-A-2", 3),
        ("1", "A", 4, "1-A-4", 3),
        ("1", "B", 1, "1-B-1", 3),
        ("1", "B", 2, "1-A-2", 3),
        ("1", "B", 2, "1-B-2", 3),
        ("1", "C", 1, "1-C-1", 3),
        ("1", "C", 2, "1-C-2", 3),
        ("2", "A-09", 1, "2-A-1", 3),
        ("2", "D", 1, "2-D-1", 3),
        ("3", "E", 1, "3-E-1", 3),
        ("3", "F", 1, "3-F-1", 3),
    ];
    let mut index = index_of(&cards, &dir.path().join("cards"));
    let manifest = manifest(&[
        ("Box 1", "1", "A", 5, None),
        ("Box 1", "1", "B", 3, None),
        ("Box 1", "1", "C", 1, None),
        ("Box 2", "2", "A-01", 4, None),
        ("Box 2", "2", "D", 1, Some(false)),
        ("Box 3", "2", "G", 7, Some(false)),
        ("Box 3", "3", "E", 1, None),
        ("Box 4", "3", "E", 1, None),
        ("Box 5", "", "F", 1, None),
    ]);
    let reconciled = reconcile(&manifest, &mut index).unwrap();
    let says: Vec<&str> = reconciled
        .differences
        .iter()
        .map(|difference| difference.says.as_str())
        .collect();
    let counts = format!(
        "cards {}, records {}, phantoms {}, outside {}, without records {}",
        reconciled.manifest_cards,
        reconciled.records,
        reconciled.phantoms,
        reconciled.outside,
        reconciled.without_records
    );
    insta::assert_snapshot!(format!("{counts}\n{}", says.join("\n")));
    assert!(!reconciled.is_clean());
    // Cards and records are all accounted for: those that match are the same from both sides.
    let matched = reconciled.records - reconciled.outside;
    let with_wrong_word = 1;
    assert_eq!(
        reconciled.manifest_cards - reconciled.phantoms - reconciled.without_records,
        matched - with_wrong_word
    );
}

#[test]
fn a_clean_manifest_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let mut index = index_of(
        &[("1", "A", 17, "a", 3), ("1", "A", 42, "b", 3)],
        &dir.path().join("cards"),
    );
    let reconciled = reconcile(&manifest(&[("", "1", "A", 2, Some(true))]), &mut index).unwrap();
    assert!(reconciled.is_clean(), "{reconciled:?}");
    assert_eq!(reconciled.phantoms, 0);
}

#[test]
fn rare_styles_are_named_by_what_is_shown_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut cards: Vec<(&str, &str, u64, &str, u32)> = (1..=20).map(|at| ("1", "A", at, "", 3)).collect();
    cards.push(("1", "A", 21, "", 1));
    cards.push(("1", "A", 22, "", 2));
    cards.push(("1", "A", 23, "", 2));
    let mut index = index_of(&cards, &dir.path().join("cards"));
    let rare = rare_styles(
        &mut index,
        Shown {
            style: true,
            ..Shown::default()
        },
        10,
    )
    .unwrap();
    let names: Vec<(u64, String, usize)> = rare
        .into_iter()
        .map(|rare| (rare.cards, rare.style, rare.contests.len()))
        .collect();
    assert_eq!(
        names,
        [(1, "Style 1".to_owned(), 1), (2, "Style 2".to_owned(), 2)]
    );
    assert!(rare_styles(&mut index, Shown::default(), 1).unwrap().is_empty());
}

#[test]
fn withheld_votes_are_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = IndexBuilder::new(None);
    let election = Election::default();
    for (number, redaction) in [(1, Redaction::None), (2, Redaction::Withheld)] {
        let mut record = CastVoteRecord {
            redaction,
            ..CastVoteRecord::default()
        };
        record.card.record = RecordId(number);
        builder.record(&election, &record).unwrap();
    }
    let mut index = builder.finish(&election, &dir.path().join("cards")).unwrap();
    assert_eq!(index.at(1).unwrap().unwrap().redaction, Redaction::Withheld);
    insta::assert_snapshot!(PublicView::of(&index).says());
    assert_eq!(
        PublicView::of(&index),
        PublicView {
            cards: 2,
            withheld: 1,
            groups: 0
        }
    );
}

#[test]
fn other_versions_and_other_files_are_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cards");
    drop(index_of(&[("1", "A", 1, "x", 3)], &path));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[7] = 9;
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(
        CardIndex::open(&path),
        Err(IndexError::Version { found: 9, known: 1 })
    ));
    std::fs::write(&path, vec![b'x'; 500]).unwrap();
    assert!(matches!(CardIndex::open(&path), Err(IndexError::Damaged(_))));
}
