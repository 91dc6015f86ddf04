//! The tally: counted, recorded, set beside an earlier one, over what other offices sent.

use serde_json::Value;

use crate::harness::{NAMES, Place};

const STATE_REGISTER: &str = r#"
schema = 1
owner = "State Board of Elections"

[[target]]
id = "wakefield-county"
name = "Wakefield County Clerk"
kind = "office"
state = "TX"
domains = ["wakefieldvotes.gov"]

[[target]]
id = "harlan-county"
name = "Harlan County Clerk"
kind = "office"
state = "TX"
domains = ["harlanvotes.gov"]

[[target]]
id = "senate"
name = "United States Senate"
kind = "office"
domains = ["senate.gov"]
"#;

/// A county's workspace `ws` with findings, and a state's `state` without.
fn county_and_state() -> Place {
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    place
        .run(&[
            "init",
            "state",
            "--owner",
            "State Board of Elections",
            "--origin",
            "state.example/ledger",
        ])
        .succeeds();
    place.write("state/register.toml", STATE_REGISTER);
    place
}

fn key(place: &Place) -> String {
    place.ws(&["key", "show"]).succeeds().out.trim().to_owned()
}

fn export(place: &Place, file: &str) {
    place
        .ws(&["export", file, "--target", "wakefield-county"])
        .succeeds();
}

fn import(place: &Place, file: &str) -> crate::harness::Ran {
    place.run(&[
        "-C",
        "state",
        "import",
        file,
        "--key",
        &key(place),
        "--for",
        "wakefield-county",
    ])
}

fn state_tally(place: &Place) -> Value {
    let ran = place.run(&["-C", "state", "tally", "--desk", "lookalike", "--format", "jsonl"]);
    ran.succeeds().json_lines().remove(0)
}

fn row(tally: &Value, target: &str) -> Value {
    let rows = tally["fields"][0]["rows"].as_array().expect("rows");
    rows.iter()
        .find(|row| row["target"] == target)
        .cloned()
        .expect("the target")
}

#[test]
fn a_recorded_tally_is_counted_again_and_set_beside_the_next() {
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    let recorded = place
        .ws(&["tally", "--record", "--format", "jsonl"])
        .succeeds()
        .json_lines()
        .remove(0);
    let id = recorded["recorded"]["id"].as_str().expect("an id").to_owned();
    let wakefield = row(&recorded, "wakefield-county");
    assert_eq!(wakefield["level"], "prepared");
    let found: Vec<String> = place
        .recorded()
        .iter()
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect();
    for held in wakefield["findings"].as_array().unwrap() {
        assert!(
            found.iter().any(|id| held["id"] == **id),
            "every number opens onto findings: {held}"
        );
    }
    assert_eq!(wakefield["covered"]["sources"][0][0], "names.txt");
    place
        .ws(&["verify"])
        .succeeds()
        .says("tallies   1, each counted again");
    place
        .ws(&["tally", "--against", &id])
        .succeeds()
        .says("No target stands elsewhere");

    for held in wakefield["findings"].as_array().unwrap() {
        let finding = held["id"].as_str().unwrap();
        place
            .ws(&["findings", "decide", finding, "dismissed", "-m", "our own names"])
            .succeeds();
    }
    place
        .ws(&["tally", "--against", &id[..6]])
        .succeeds()
        .says("wakefield-county: no sign, was prepared")
        .says("because an analyst dismissed finding");
    place
        .ws(&["tally", "--record"])
        .succeeds()
        .says("Next year: pollwatch tally --against");
    place.ws(&["tally", "--list"]).succeeds().says(&id);
    place
        .ws(&["verify"])
        .succeeds()
        .says("tallies   2, each counted again");
    place
        .ws(&["tally", "--against", "t-000000000000"])
        .ends_with(2)
        .says("tally --list");
}

#[test]
fn what_a_tally_cannot_be_asked_is_said() {
    let place = Place::with_workspace();
    place
        .ws(&["tally", "--window", "2018-07-01..2018-06-01"])
        .ends_with(2)
        .says("ends before it begins");
    place
        .ws(&["tally", "--window", "last week"])
        .ends_with(2)
        .says("2026-09-01..2026-09-21");
    place
        .ws(&["tally", "--desk", "weather"])
        .ends_with(2)
        .says("lookalike");
    place
        .ws(&["tally", "--target", "nobody"])
        .ends_with(2)
        .says("register list");
    place
        .ws(&["tally", "--kind", "planet"])
        .ends_with(2)
        .says("jurisdiction");
    // Nothing was read: nothing may be called "no sign".
    place.ws(&["tally"]).succeeds().says("no sign: 0; no data: 3");
}

#[test]
fn a_tally_that_was_tampered_with_is_told() {
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    place.ws(&["tally", "--record"]).succeeds();
    place.ws(&["verify"]).succeeds();
    place.edit_record("UPDATE declarations SET body = replace(body, 'prepared', 'contact')");
    place
        .ws(&["verify"])
        .ends_with(1)
        .says("a recorded tally in the database is not what the ledger signed");
    place.edit_record("DELETE FROM declarations");
    place.ws(&["verify"]).ends_with(1).says("0 of the 1 tallies");
}

#[test]
fn a_state_counts_over_what_its_counties_sent() {
    let place = county_and_state();
    assert_eq!(row(&state_tally(&place), "wakefield-county")["place"], "no-data");
    export(&place, "wakefield.jsonl");
    // Nobody has vouched for the county's key yet.
    place
        .run(&["-C", "state", "import", "wakefield.jsonl"])
        .ends_with(2)
        .says("nobody has vouched")
        .says("Nothing of the file was taken in");
    import(&place, "wakefield.jsonl")
        .succeeds()
        .says("speaks for wakefield-county alone")
        .says("4 findings (4 new");
    let tally = state_tally(&place);
    let wakefield = row(&tally, "wakefield-county");
    assert_eq!(
        (&wakefield["place"], &wakefield["level"]),
        (&"reached".into(), &"prepared".into())
    );
    assert_eq!(wakefield["findings"][0]["origin"], place.origin());
    assert_eq!(
        row(&tally, "harlan-county")["place"],
        "no-data",
        "the county's source speaks of the county alone"
    );
    place.run(&["-C", "state", "tally", "--record"]).succeeds();
    place
        .run(&["-C", "state", "verify"])
        .succeeds()
        .says("imports   1, each checked again");

    // The county dismisses one, finds another and sends again: the key is remembered.
    let id = place.recorded()[0]["id"].as_str().unwrap().to_owned();
    place
        .ws(&["findings", "decide", &id, "dismissed", "-m", "a fan page"])
        .succeeds();
    place.write("more.txt", "wakefieldvotes.net\n");
    place
        .ws(&["lookalike", "scan", "--record", "more.txt"])
        .succeeds();
    export(&place, "wakefield-2.jsonl");
    place
        .run(&["-C", "state", "import", "wakefield-2.jsonl"])
        .succeeds()
        .says("5 findings (1 new, 0 changed)");
    let findings = row(&state_tally(&place), "wakefield-county");
    assert_eq!(
        (
            findings["findings"].as_array().unwrap().len(),
            findings["dismissed"].as_array().unwrap().len()
        ),
        (4, 1)
    );
    place
        .run(&["-C", "state", "tally", "--against", "t-"])
        .ends_with(2);
    place
        .run(&["-C", "state", "verify"])
        .succeeds()
        .says("imports   2, each checked again");
    place
        .run(&["-C", "state", "findings", "show", &id])
        .succeeds()
        .says(&place.origin())
        .says("a fan page");
    place
        .run(&["-C", "state", "brief", "-o", "state.html"])
        .succeeds();
}

#[test]
fn forged_replayed_reordered_truncated_and_oversized_files_are_refused_by_line() {
    let place = county_and_state();
    export(&place, "sound.jsonl");
    let sound = std::fs::read_to_string(place.path("sound.jsonl")).unwrap();
    let lines: Vec<&str> = sound.lines().collect();
    assert_eq!(lines.len(), 6, "the head, four findings, one source");
    let whole = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let changed = |at: usize, from: &str, to: &str| {
        assert!(lines[at].contains(from), "{from} in line {}", at + 1);
        let line = lines[at].replace(from, to);
        let mut all = lines.clone();
        all[at] = &line;
        whole(&all)
    };
    let bad = [
        (
            "a finding changed",
            changed(
                1,
                "\\\"polarity\\\":\\\"threat\\\"",
                "\\\"polarity\\\":\\\"assurance\\\"",
            ),
            "line 2",
        ),
        (
            "a source changed",
            changed(5, "\"records_read\":9", "\"records_read\":8"),
            "line 6",
        ),
        (
            "the manifest changed",
            changed(0, "wakefield-county", "harlan-county"),
            "line 1",
        ),
        (
            "the checkpoint changed",
            changed(0, "\\n\\n", "\\nmore\\n\\n"),
            "line 1",
        ),
        (
            "re-ordered",
            whole(&[lines[0], lines[2], lines[1], lines[3], lines[4], lines[5]]),
            "line 2: the first line names this content at line 3",
        ),
        (
            "left out",
            whole(&[lines[0], lines[1], lines[3], lines[4], lines[5]]),
            "line 3: the first line names this content at line 4",
        ),
        (
            "repeated",
            whole(&[
                lines[0], lines[1], lines[1], lines[2], lines[3], lines[4], lines[5],
            ]),
            "line 3",
        ),
        ("added", format!("{sound}{}\n", lines[1]), "line 7"),
        ("cut at a line", whole(&lines[..3]), "line 4: the file ends here"),
        (
            "cut in a line",
            sound[..sound.len() - 10].to_owned(),
            "line 6: the line has no end",
        ),
        (
            "oversized",
            format!("{}\n{}\n", lines[0], "x".repeat(2 << 20)),
            "line 2: the line is longer",
        ),
        ("empty", String::new(), "line 1"),
        ("of another kind", "{\"schema\":1}\n".to_owned(), "line 1"),
        ("nested", format!("{}\n", "[".repeat(100_000)), "line 1"),
    ];
    for (what, file, says) in bad {
        place.write("bad.jsonl", &file);
        let ran = import(&place, "bad.jsonl");
        assert_eq!(ran.code, Some(2), "{what}: {ran:#?}");
        assert!(ran.err.contains(says), "{what}: {ran:#?}");
    }
    // Somebody else's key, and a key of the same name made by somebody else.
    place
        .run(&[
            "init",
            "other",
            "--owner",
            "Somebody",
            "--origin",
            &place.origin(),
        ])
        .succeeds();
    let other = place
        .run(&["-C", "other", "key", "show"])
        .succeeds()
        .out
        .trim()
        .to_owned();
    place
        .run(&["-C", "state", "import", "sound.jsonl", "--key", &other])
        .ends_with(2)
        .says("not by the key that you trust");
    // A target that the sender may not speak for.
    let ran = place.run(&[
        "-C",
        "state",
        "import",
        "sound.jsonl",
        "--key",
        &key(&place),
        "--for",
        "harlan-county",
    ]);
    ran.ends_with(2).says("speaks for harlan-county alone");
    assert_eq!(
        row(&state_tally(&place), "wakefield-county")["place"],
        "no-data",
        "nothing was taken in"
    );

    import(&place, "sound.jsonl").succeeds();
    import(&place, "sound.jsonl")
        .ends_with(2)
        .says("taken in already");
    export(&place, "newer.jsonl");
    import(&place, "newer.jsonl").succeeds();
    import(&place, "sound.jsonl")
        .ends_with(2)
        .says("older than the last one");
    place
        .ws(&["import", "newer.jsonl"])
        .ends_with(2)
        .says("this very workspace");
    place.run(&["-C", "state", "verify"]).succeeds();
    place.edit_record_of(
        "state",
        "UPDATE imported SET body = replace(body, 'prepared', 'contacted')",
    );
    place
        .run(&["-C", "state", "verify"])
        .ends_with(1)
        .says("what the database has from");
}

#[test]
fn a_ledger_that_was_rewritten_between_two_exports_is_refused() {
    let place = county_and_state();
    // The county keeps a copy of its whole workspace, exports, goes back to the copy and goes on otherwise.
    place.ws(&["backup", "before", "--with-key"]).succeeds();
    export(&place, "first.jsonl");
    import(&place, "first.jsonl").succeeds();
    place.run(&["restore", "before", "again"]).succeeds();
    place.write("others.txt", "wakefieldvotes.info\nwakefieldvotes.biz\n");
    place
        .run(&["-C", "again", "lookalike", "scan", "--record", "others.txt"])
        .succeeds();
    let size = NAMES.lines().count();
    assert!(size > 0);
    for _ in 0..3 {
        place
            .run(&[
                "-C",
                "again",
                "export",
                "forked.jsonl",
                "--target",
                "wakefield-county",
                "--since",
                "5",
            ])
            .succeeds();
    }
    import(&place, "forked.jsonl")
        .ends_with(2)
        .says("rewritten since its last file");
}

#[test]
fn what_is_marked_stricter_is_withheld_and_never_called_no_sign() {
    let place = county_and_state();
    place
        .ws(&[
            "export",
            "clear.jsonl",
            "--target",
            "wakefield-county",
            "--tlp",
            "clear",
        ])
        .succeeds()
        .says("4 stricter findings are withheld");
    let text = std::fs::read_to_string(place.path("clear.jsonl")).unwrap();
    assert!(
        !text.contains("wakefieldvotes.com"),
        "a withheld finding leaves no trace of its subject"
    );
    import(&place, "clear.jsonl")
        .succeeds()
        .says("4 findings are withheld by the sender");
    let wakefield = row(&state_tally(&place), "wakefield-county");
    assert_eq!(
        (&wakefield["place"], &wakefield["withheld"]),
        (&"withheld".into(), &4.into())
    );
    place
        .run(&["-C", "state", "tally", "--record"])
        .succeeds()
        .says("findings withheld by their office: 1");
    place.run(&["-C", "state", "verify"]).succeeds();
}
