//! Changes that their form betrays, in series whose ordinary churn is not flagged; and the rows behind them.

mod common;

use common::{Draw, Said, Voter, files, run, series, voter};
use pollwatch_rolls::interval::Linking;
use pollwatch_rolls::rows::{WARNING, write_rows};
use pollwatch_rolls::run::Report;

const SEEDS: [u64; 6] = [1, 2, 3, 4, 5, 6];

/// Runs a series whose last snapshot was changed.
fn tampered(seed: u64, change: impl Fn(&mut Vec<Voter>, &[Vec<Voter>])) -> (Said, Report) {
    let mut all = series(seed);
    let mut last = all.pop().expect("six weeks");
    change(&mut last, &all);
    all.push(last);
    run(&files(&all), None, Linking::Off)
}

fn has_basis(said: &Said, county: &str, basis: &str, kind: &str) -> bool {
    said.drafts.iter().any(|draft| {
        draft.kind == "roll-change"
            && draft.details["county"] == county
            && draft.details["tests"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|test| test["basis"] == basis && test["kind"] == kind)
    })
}

#[test]
fn ordinary_churn_is_assured_and_not_flagged() {
    for seed in SEEDS {
        let (said, report) = tampered(seed, |_, _| {});
        assert_eq!(said.unexplained(), [], "seed {seed}");
        assert!(said.is_assured() && report.judged.len() == 5, "seed {seed}");
    }
}

#[test]
fn persons_under_each_others_identifiers_are_found() {
    for seed in SEEDS {
        let (said, _) = tampered(seed, |voters, _| {
            let of_county: Vec<usize> = (0..voters.len())
                .filter(|at| voters[*at].county == 2)
                .take(24)
                .collect();
            for pair in of_county.chunks_exact(2) {
                let (one, other) = (voters[pair[0]].id, voters[pair[1]].id);
                (voters[pair[0]].id, voters[pair[1]].id) = (other, one);
            }
        });
        assert!(
            has_basis(&said, "2", "more-than-churn", "id-swapped"),
            "seed {seed}: {:?}",
            said.unexplained()
        );
    }
}

#[test]
fn values_that_come_back_from_an_older_snapshot_are_found() {
    for seed in SEEDS {
        let (said, _) = tampered(seed, |voters, earlier| {
            let mut left = 12;
            for now in voters.iter_mut() {
                // Addresses that were given up in the weeks before, as a backup that is played back in part brings them.
                let first = earlier[0].iter().find(|one| one.id == now.id);
                if let Some(first) = first
                    && left > 0
                    && first.address != now.address
                {
                    now.address.clone_from(&first.address);
                    now.mail.clone_from(&first.mail);
                    now.county = first.county;
                    left -= 1;
                }
            }
            assert_eq!(left, 0, "enough have moved");
        });
        let found = said.drafts.iter().any(|draft| {
            draft.kind == "roll-change"
                && draft.details["tests"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|test| test["kind"] == "returned")
        });
        assert!(found, "seed {seed}: {:?}", said.unexplained());
    }
}

#[test]
fn new_identifiers_in_sequence_with_one_day_and_one_house_are_found_and_listed() {
    for seed in SEEDS {
        let (said, report) = tampered(seed, |voters, _| {
            let mut draw = Draw(seed ^ 0xfeed);
            for unit in 0..9 {
                let mut made = voter(900_000 + unit, 3, "09/02/2026", &mut draw);
                made.address = format!("4410 PARK CT # {}", unit + 1);
                made.mail = made.address.clone();
                voters.push(made);
            }
        });
        assert!(
            has_basis(&said, "3", "identifiers-in-sequence", "new"),
            "seed {seed}: {:?}",
            said.unexplained()
        );
        let mut list = Vec::new();
        let written = write_rows(&report, &mut list).expect("memory does not fail");
        let list = String::from_utf8(list).expect("text");
        assert_eq!(list.lines().next(), Some(WARNING));
        assert!(written.rows >= 9 && written.lost == 0 && written.findings >= 1);
        // Two lines of heading, and the rows.
        assert_eq!(list.lines().count() as u64, written.rows + 2);
        for unit in 0..9 {
            let id = format!("AB{:09}", 900_000 + unit);
            assert!(list.contains(&id), "{id} is listed");
            for draft in &said.drafts {
                let told = serde_json::to_string(&draft.details).expect("JSON") + &draft.summary;
                assert!(!told.contains(&id), "no finding names it");
            }
        }
    }
}

#[test]
fn a_household_and_a_house_that_many_lived_in_before_are_no_sequence() {
    for seed in SEEDS {
        let (said, _) = tampered(seed, |voters, _| {
            let mut draw = Draw(seed ^ 0xbeef);
            // Four of one family, registered on one day.
            for unit in 0..4 {
                let mut made = voter(900_000 + unit, 3, "09/02/2026", &mut draw);
                made.address = "4410 PARK CT".to_owned();
                made.mail = made.address.clone();
                voters.push(made);
            }
        });
        assert_eq!(said.unexplained(), [], "seed {seed}");
    }
    let mut all = series(3);
    let mut draw = Draw(77);
    for week in &mut all {
        for resident in 0..40 {
            let mut made = voter(700_000 + resident, 3, "01/02/2010", &mut Draw(resident));
            made.address = format!("1 COLLEGE ST # {resident}");
            made.mail = made.address.clone();
            week.push(made);
        }
    }
    for unit in 0..9 {
        let mut made = voter(900_000 + unit, 3, "09/02/2026", &mut draw);
        made.address = format!("1 COLLEGE ST # {}", 100 + unit);
        made.mail = made.address.clone();
        all[5].push(made);
    }
    let (said, _) = run(&files(&all), None, Linking::Off);
    let sequence = said.drafts.iter().find(|draft| {
        let mut tests = draft.details["tests"].as_array().into_iter().flatten();
        tests.any(|test| test["basis"] == "identifiers-in-sequence")
    });
    if let Some(draft) = sequence {
        assert_eq!(draft.kind, "roll-bulk-change", "{}", draft.summary);
    }
}
