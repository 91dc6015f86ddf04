//! Voter rolls: what is found, and that nothing printed names a voter.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::harness::Place;

/// The six weekly files of the example, unpacked, with their calendar.
fn example(place: &Place) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/us-2018/rolls");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the example") {
        let path: PathBuf = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("it can be read");
        match name.strip_suffix(".gz") {
            Some(bare) => {
                let mut text = Vec::new();
                flate2::read::GzDecoder::new(&bytes[..])
                    .read_to_end(&mut text)
                    .expect("gzip");
                place.write(bare, text);
                names.push(bare.to_owned());
            }
            None => place.write(&name, bytes),
        }
    }
    names.sort();
    names
}

/// Every name, address and identifier of the files. Names of one syllable pair may be part of other words and are matched whole.
fn secrets(place: &Place, names: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for name in names {
        let text = std::fs::read_to_string(place.path(name)).expect("the file");
        for row in text.lines().skip(1) {
            let fields: Vec<&str> = row.split('\t').collect();
            all.insert(fields[2].to_owned());
            all.insert(fields[3].to_owned());
            all.insert(fields[4].to_owned());
            all.insert(fields[7].to_owned());
            all.insert(fields[9].to_owned());
        }
    }
    all
}

/// Fails unless `out` says `text`, however its lines are broken for the terminal.
#[track_caller]
fn says(out: &str, text: &str) {
    let words: Vec<&str> = out.split_whitespace().collect();
    let words = words.join(" ");
    assert!(words.contains(text), "no {text:?} in {words}");
}

/// Fails when `text` holds one of the secrets: names as whole words, the rest anywhere.
fn names_nobody(text: &str, secrets: &BTreeSet<String>, what: &str) {
    let words: BTreeSet<&str> = text
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .collect();
    for secret in secrets {
        let is_there = if secret.contains(' ') {
            text.contains(secret.as_str())
        } else {
            words.contains(secret.as_str())
        };
        assert!(!is_there, "{what} names {secret:?}");
    }
}

#[test]
fn tampering_is_found_and_no_output_of_any_run_names_a_voter() {
    let place = Place::with_workspace();
    let files = example(&place);
    let secrets = secrets(&place, &files);
    assert!(secrets.len() > 10_000, "the files hold voters");
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let with = |more: &[&str]| -> Vec<String> {
        let mut all = vec!["rolls".to_owned(), "compare".to_owned()];
        all.extend(files.iter().chain(more).map(|one| (*one).to_owned()));
        all
    };
    let run = |arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        place.run(&arguments)
    };
    let table = run(with(&["--calendar", "calendar.csv", "--html", "page.html"]));
    table.succeeds();
    for said in [
        "CALDERMERE",
        "neighbouring digits were exchanged",
        "ELLERBY",
        "Line 2 of the calendar",
        "a whole group treated alike",
    ] {
        says(&table.out, said);
    }
    let page = std::fs::read_to_string(place.path("page.html")).expect("the page");
    assert!(page.contains("CALDERMERE") && !page.contains("<script"));
    let lines = run(with(&["--calendar", "calendar.csv", "--format", "jsonl"]));
    lines.succeeds();
    let found: Vec<serde_json::Value> = lines
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("a finding a line"))
        .collect();
    let altered: BTreeSet<(&str, &str)> = found
        .iter()
        .filter(|finding| finding["stage"] == "altered")
        .map(|finding| {
            (
                finding["details"]["county"].as_str().unwrap_or(""),
                finding["details"]["field"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(altered, [("3", "res_street_address"), ("5", "mail_addr1")].into());
    let few: Vec<&str> = files[..2].to_vec();
    let alone = place.run(&["rolls", "compare", few[0], few[1], "--yekutieli"]);
    let clean = place.run(&[&["rolls", "compare", "--calendar", "calendar.csv"], &files[..5]].concat());
    clean.succeeds();
    says(&clean.out, "every change fits ordinary churn or is explained");
    let recorded = place.run(
        &[
            &["-C", "ws", "rolls", "compare", "--record", "--html", "two.html"],
            &files[..],
        ]
        .concat(),
    );
    recorded.succeeds();
    // The list of rows: the one file that names voters, and nothing else that the same run wrote does.
    let listing = place.run(
        &[
            &[
                "-C",
                "ws",
                "rolls",
                "compare",
                "--record",
                "--calendar",
                "calendar.csv",
                "--rows",
                "rows.csv",
                "--format",
                "jsonl",
            ],
            &files[..],
        ]
        .concat(),
    );
    listing
        .succeeds()
        .says("It holds voters' identifiers: keep it on this machine");
    let list = std::fs::read_to_string(place.path("rows.csv")).expect("the list");
    assert!(list.starts_with("# This file holds voters' identifiers"));
    let listed = secrets
        .iter()
        .filter(|secret| list.contains(secret.as_str()))
        .count();
    assert!(listed > 20, "{listed} of the files' values are listed");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.path("rows.csv"))
            .expect("the list")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    }
    let again = place.run(&[&["rolls", "compare", "--rows", "rows.csv"], &files[..2]].concat());
    again.ends_with(2).says("overwrites none");
    assert_eq!(
        std::fs::read_to_string(place.path("rows.csv")).expect("the list"),
        list
    );
    for inside in ["ws/rows.csv", "ws/evidence/rows.csv", "ws/evidence/../rows.csv"] {
        let refused = place.run(&[&["rolls", "compare", "--rows", inside], &files[..2]].concat());
        refused.ends_with(2).says("must not lie in a workspace");
        assert!(!place.path(inside).exists());
    }
    let mut kept = Vec::new();
    let mut folders = vec![place.path("ws")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the workspace") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                kept.extend(std::fs::read(&path).expect("a file of the workspace"));
            }
        }
    }
    let kept = String::from_utf8_lossy(&kept).into_owned();
    let shown = place.ws(&["findings", "list", "--min-severity", "info", "--format", "jsonl"]);
    let brief = place.ws(&["brief", "-o", "brief.html"]);
    let described = place.run(&["rolls", "describe", files[0]]);
    described.succeeds().says("ncid");
    let brief_text = std::fs::read_to_string(place.path("ws/brief.html"))
        .or_else(|_| std::fs::read_to_string(place.path("brief.html")))
        .expect("the brief");
    for (what, text) in [
        ("the table", table.out.as_str()),
        ("the table's remarks", table.err.as_str()),
        ("the findings", lines.out.as_str()),
        ("two files alone", alone.out.as_str()),
        ("the clean run", clean.out.as_str()),
        ("the recorded run", recorded.out.as_str()),
        ("the run that lists rows", listing.out.as_str()),
        ("its remarks", listing.err.as_str()),
        ("the refusal", again.err.as_str()),
        ("everything in the workspace", kept.as_str()),
        ("the list of findings", shown.out.as_str()),
        ("the brief's remarks", brief.err.as_str()),
        ("the brief", brief_text.as_str()),
        ("the page", page.as_str()),
        ("the draft", described.out.as_str()),
    ] {
        names_nobody(text, &secrets, what);
    }
}

#[test]
fn wrong_inputs_are_told_in_plain_words() {
    let place = Place::new();
    let header = "county_id\tncid\tlast_name\tfirst_name\tstatus_cd\tzip_code\n";
    let row = |number: usize| format!("1\tAB{number:06}\tQUILLFEATHER\tANN\tA\t27001\n");
    let rows: String = (0..200).map(row).collect();
    place.write("a_2026-08-03.txt", format!("{header}{rows}"));
    place.write("same_2026-08-10.txt", format!("{header}{rows}"));
    place.write("short_2026-08-17.txt", format!("{header}{rows}1\tAB9\n"));
    place.write("other_2026-08-24.txt", "ALA\t1\tX\n".repeat(50));
    let ran = place.run(&["rolls", "compare", "same_2026-08-10.txt", "a_2026-08-03.txt"]);
    ran.says("order of the days").says("holds the same rows");
    place
        .run(&["rolls", "compare", "a_2026-08-03.txt", "short_2026-08-17.txt"])
        .says("short_2026-08-17.txt:202: has 2 columns where 6 belong");
    place
        .run(&[
            "rolls",
            "compare",
            "a_2026-08-03.txt",
            "same_2026-08-10.txt",
            "other_2026-08-24.txt",
        ])
        .ends_with(2)
        .says("other_2026-08-24.txt");
    place
        .run(&["rolls", "compare", "a_2026-08-03.txt"])
        .ends_with(2)
        .says("needs two snapshots");
    place
        .run(&[
            "rolls",
            "compare",
            "a_2026-08-03.txt",
            "same_2026-08-10.txt",
            "--layout",
            "xx",
        ])
        .ends_with(2)
        .says("rolls describe");
}
