//! Findings in the record: once each, decided on, shown, counted, told.

use crate::harness::{NAMES, Place, REGISTER};

#[test]
fn scanning_twice_records_once() {
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds()
        .says("4 new");
    let first = place.recorded();
    assert_eq!(first.len(), 4, "{first:#?}");
    // The same names under another file name: a new run, the same findings, more evidence.
    place.write("copy.txt", NAMES);
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds()
        .says("0 new, 0 changed, 4 known");
    place
        .ws(&["lookalike", "scan", "--record", "copy.txt"])
        .succeeds()
        .says("0 new, 4 changed");
    assert_eq!(place.recorded().len(), 4);
    place.ws(&["verify"]).succeeds().says("Everything follows");
}

#[test]
fn the_wire_format_is_the_schema() {
    let place = Place::new();
    place.write("register.toml", REGISTER);
    place.write("names.txt", NAMES);
    let ran = place.run(&[
        "lookalike",
        "scan",
        "--protect",
        "register.toml",
        "--format",
        "jsonl",
        "names.txt",
    ]);
    ran.succeeds();
    for finding in ran.json_lines() {
        let read: pollwatch_model::Finding = serde_json::from_value(finding.clone()).expect("schema 1");
        assert_eq!(read.schema, 1);
        for key in ["name", "registrable", "imitates", "technique", "spans"] {
            assert!(
                finding["details"].get(key).is_some(),
                "no details.{key} in {finding:#}"
            );
        }
        assert!(read.evidence[0].locator.starts_with("names.txt:"), "{finding:#}");
        assert!(!read.alternatives.is_empty() && !read.reasons.is_empty());
    }
}

#[test]
fn exit_codes_tell_what_happened() {
    let place = Place::new();
    place.write("register.toml", REGISTER);
    place.write("names.txt", NAMES);
    place.write("quiet.txt", "maplestreetbakery.com\n");
    let scan = |more: &[&str]| {
        let mut all = vec!["lookalike", "scan", "--protect", "register.toml"];
        all.extend(more);
        place.run(&all)
    };
    scan(&["names.txt"]).ends_with(0);
    scan(&["--fail-on", "medium", "names.txt"]).ends_with(1);
    scan(&["--fail-on", "medium", "quiet.txt"])
        .ends_with(0)
        .says("This says nothing of names that were not among them");
    scan(&["absent.txt"]).ends_with(2).says("absent.txt");
    place.run(&["lookalike", "scan", "--no-such-flag"]).ends_with(2);
    place.run(&["status"]).ends_with(2).says("pollwatch init");
}

#[test]
fn a_pipe_of_names_needs_no_workspace() {
    let place = Place::new();
    place.write("register.toml", REGISTER);
    let arguments = [
        "lookalike",
        "scan",
        "--protect",
        "register.toml",
        "--format",
        "jsonl",
        "--min-severity",
        "low",
        "-",
    ];
    let ran = place.run_with_input(&arguments, NAMES.as_bytes());
    assert_eq!(ran.succeeds().json_lines().len(), 4);
    assert!(
        ran.err
            .lines()
            .last()
            .unwrap()
            .starts_with("9 names read, 0 could not be read"),
        "{ran:#?}"
    );
}

#[test]
fn decisions_are_events_and_the_brief_knows_them() {
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    let id = place.recorded()[0]["id"].as_str().unwrap().to_owned();
    place
        .ws(&["findings", "decide", &id, "dismissed"])
        .ends_with(2)
        .says("needs a reason");
    place
        .ws(&[
            "findings",
            "decide",
            &id[..12],
            "dismissed",
            "-m",
            "our own vendor set it up",
        ])
        .succeeds();
    place
        .ws(&["findings", "show", &id])
        .succeeds()
        .says("our own vendor set it up")
        .says("c2sp.org/tlog-proof@v1");
    place.ws(&["findings", "list"]).succeeds().says("dismissed");
    place.ws(&["tally"]).succeeds().says("3");
    place.ws(&["verify"]).succeeds().says("decisions 1");
    place.ws(&["brief", "-o", "brief.html"]).succeeds();
    let brief = std::fs::read_to_string(place.path("brief.html")).unwrap();
    assert!(brief.contains("our own vendor set it up"));
    place
        .ws(&["findings", "show", "f-zzzz"])
        .ends_with(2)
        .says("findings list");
}

#[test]
fn a_report_to_the_registrar_states_facts_only() {
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    let found = place.recorded();
    let finding = found
        .iter()
        .find(|f| f["subject"] == "login-wakefieldvotes.com")
        .expect("the combosquat");
    let id = finding["id"].as_str().unwrap();
    insta::assert_snapshot!(place.ws(&["findings", "show", id, "--takedown"]).succeeds().out);
}

#[test]
fn a_backup_restores_and_a_rotated_key_is_followed() {
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    let first_key = place.ws(&["key", "show"]).succeeds().out.trim().to_owned();
    place.ws(&["key", "rotate"]).succeeds().says("new key");
    place.write("more.txt", "wakefieldvotes.net\n");
    place
        .ws(&["lookalike", "scan", "--record", "more.txt"])
        .succeeds()
        .says("1 new");
    place
        .ws(&["verify", "--key", &first_key])
        .succeeds()
        .says("Everything follows");

    place.ws(&["backup", "saved"]).succeeds();
    assert!(
        !place.path("saved/keys/ledger.key").exists(),
        "the key stays at home"
    );
    place
        .run(&["restore", "saved", "again"])
        .succeeds()
        .says("no secret key");
    place
        .run(&["-C", "again", "verify", "--key", &first_key])
        .succeeds();
    let restored = place
        .run(&["-C", "again", "findings", "list", "--format", "jsonl"])
        .succeeds()
        .json_lines();
    assert_eq!(
        restored,
        place
            .ws(&["findings", "list", "--format", "jsonl"])
            .succeeds()
            .json_lines()
    );
    place.ws(&["backup", "saved"]).ends_with(2).says("is not empty");
}

#[test]
fn the_secret_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_workspace();
    let mode = std::fs::metadata(place.path("ws/keys/ledger.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let place = Place::with_workspace();
    let binary = env!("CARGO_BIN_EXE_pollwatch");
    let ran = std::process::Command::new("bash")
        .arg("-c")
        .arg(format!("set -o pipefail; {binary} -C ws register schema | true; for _ in 1 2 3; do {binary} -C ws register list | head -c 1; done"))
        .current_dir(place.path("."))
        .output()
        .expect("start a shell");
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && err.is_empty(), "{err}");
}
