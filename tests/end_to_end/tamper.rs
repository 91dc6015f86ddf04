//! What an attacker with the folder can do, and what `verify` says of it.

use crate::harness::{Place, files_below};

fn recorded_place() -> Place {
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    place.ws(&["verify"]).succeeds();
    place
}

#[test]
fn every_changed_byte_of_ledger_and_evidence_is_noticed() {
    let place = recorded_place();
    let mut checked = 0;
    for folder in ["ws/ledger", "ws/evidence"] {
        for file in files_below(&place.path(folder)) {
            if file.file_name().is_some_and(|name| name == "lock") {
                continue;
            }
            let sound = std::fs::read(&file).unwrap();
            let step = (sound.len() / 7).max(1);
            for at in (0..sound.len()).step_by(step) {
                let mut changed = sound.clone();
                changed[at] ^= 1;
                std::fs::write(&file, &changed).unwrap();
                let ran = place.ws(&["verify"]);
                assert_eq!(ran.code, Some(1), "byte {at} of {}: {ran:#?}", file.display());
                checked += 1;
            }
            std::fs::write(&file, sound).unwrap();
        }
    }
    assert!(checked > 20, "only {checked} bytes were tried");
    place.ws(&["verify"]).succeeds();
}

#[test]
fn an_edited_database_does_not_agree_with_the_ledger() {
    let place = recorded_place();
    let path = place.path("ws/record.db");
    let sound = std::fs::read(&path).unwrap();
    // The same length, so that the database stays readable: another severity in the finding's JSON.
    let from = b"\"severity\":\"high\"";
    let to = b"\"severity\":\"info\"";
    let places: Vec<usize> = sound
        .windows(from.len())
        .enumerate()
        .filter(|(_, w)| w == from)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "no high finding in the database");
    let mut edited = sound;
    for at in places {
        edited[at..at + to.len()].copy_from_slice(to);
    }
    std::fs::write(&path, edited).unwrap();
    place
        .ws(&["verify"])
        .ends_with(1)
        .says("is not what the ledger signed");
}

#[test]
fn a_log_that_was_cut_and_signed_again_is_caught_by_an_older_checkpoint() {
    let place = recorded_place();
    place.write("more.txt", "wakefieldvotes.net\nwakefieldvotes.info\n");
    place
        .ws(&["lookalike", "scan", "--record", "more.txt"])
        .succeeds();
    std::fs::copy(place.path("ws/ledger/checkpoint"), place.path("old-checkpoint")).unwrap();
    place
        .ws(&["verify", "--checkpoint", "old-checkpoint"])
        .succeeds()
        .says("prefix of this ledger");

    // The attacker has the key: a new workspace with the same key and name, and one finding less.
    place
        .run(&["init", "forged", "--owner", "Example County Clerk"])
        .succeeds();
    std::fs::remove_dir_all(place.path("forged/ledger")).unwrap();
    place.write("forged/register.toml", crate::harness::REGISTER);
    std::fs::create_dir_all(place.path("forged/ledger")).unwrap();
    let forged = place.run(&["-C", "forged", "lookalike", "scan", "--record", "names.txt"]);
    assert_ne!(
        forged.code,
        Some(0),
        "a ledger that is gone must not be begun again in silence: {forged:#?}"
    );
}

#[test]
fn an_old_database_beside_a_newer_ledger_is_refused() {
    let place = recorded_place();
    std::fs::copy(place.path("ws/record.db"), place.path("old.db")).unwrap();
    place.write("more.txt", "wakefieldvotes.net\n");
    place
        .ws(&["lookalike", "scan", "--record", "more.txt"])
        .succeeds();
    std::fs::copy(place.path("old.db"), place.path("ws/record.db")).unwrap();
    for leftover in ["ws/record.db-wal", "ws/record.db-shm"] {
        let _ = std::fs::remove_file(place.path(leftover));
    }
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .ends_with(2)
        .says("older than the ledger");
    place.ws(&["verify"]).ends_with(1);
}

#[test]
fn missing_evidence_is_named_by_its_finding() {
    let place = recorded_place();
    std::fs::remove_dir_all(place.path("ws/evidence")).unwrap();
    std::fs::create_dir(place.path("ws/evidence")).unwrap();
    place
        .ws(&["verify"])
        .ends_with(1)
        .says("not in the evidence folder");
    place.ws(&["brief", "-o", "-"]).succeeds();
}

#[test]
fn decisions_and_lists_are_checked_too() {
    let edits = [
        "UPDATE findings SET verdict = 'dismissed'",
        "UPDATE findings SET severity = 0",
        "UPDATE findings SET target_id = 'senate'",
        "DELETE FROM decisions",
        "UPDATE decisions SET decision = replace(decision, 'confirmed', 'dismissed')",
        "UPDATE leaves SET ledger_index = NULL; UPDATE findings SET finding = replace(finding, 'amber', 'green')",
    ];
    for edit in edits {
        let place = recorded_place();
        let id = place.recorded()[0]["id"].as_str().unwrap().to_owned();
        place.ws(&["findings", "decide", &id, "confirmed"]).succeeds();
        place.ws(&["verify"]).succeeds();
        place.edit_record(edit);
        let ran = place.ws(&["verify"]);
        assert_eq!(ran.code, Some(1), "{edit}: {ran:#?}");
    }
}

#[test]
fn a_lost_database_is_not_replaced_by_an_empty_one() {
    let place = recorded_place();
    std::fs::remove_file(place.path("ws/record.db")).unwrap();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .ends_with(2)
        .says("record.db");
    assert!(!place.path("ws/record.db").exists());
    place.ws(&["verify"]).ends_with(1).says("record.db is missing");
}
