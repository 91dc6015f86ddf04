//! Files that are cut, torn, mixed up or of another make: clear words, the rest is done, and nothing is called tampering that the
//! file itself explains.

mod common;

use common::{COLUMNS, HEADER, Said, files, row, run, series, text};
use pollwatch_model::{Register, Stage};
use pollwatch_rolls::interval::Linking;
use pollwatch_rolls::run::Report;

fn compared(files: &[(String, Vec<u8>)]) -> (Said, Report) {
    run(files, None, Linking::Off)
}

/// Fails when anything is called altered.
#[track_caller]
fn nothing_is_altered(said: &Said) {
    for draft in &said.drafts {
        assert_ne!(draft.stage, Some(Stage::Altered), "{}", draft.summary);
    }
}

#[test]
fn a_file_that_is_cut_short_is_told_and_not_assured() {
    let mut files = files(&series(1));
    let whole = files[5].1.clone();
    // Inside the last row.
    files[5].1.truncate(whole.len() - 20);
    let (said, report) = compared(&files);
    let problem = said.says(&format!("where {COLUMNS} belong"));
    assert_eq!(problem.file, files[5].0);
    assert_eq!(
        problem.record,
        Some(whole.iter().filter(|byte| **byte == b'\n').count() as u64)
    );
    assert_eq!(report.judged.len(), 5, "the rest is compared");
    nothing_is_altered(&said);
    assert!(
        !said.is_assured(),
        "a file that was not read whole is no ground for an assurance"
    );
    // Half of it is gone, between two rows: no row is torn, and still it is told as what it is, with its cause among the causes.
    let end = whole[..whole.len() / 2]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .expect("a line")
        + 1;
    files[5].1 = whole[..end].to_vec();
    let (said, _) = compared(&files);
    assert!(!said.is_assured());
    for draft in said.drafts.iter().filter(|draft| draft.kind == "roll-change") {
        assert!(
            draft
                .alternatives
                .iter()
                .any(|cause| cause.contains("a file that was cut")),
            "{}: {:?}",
            draft.summary,
            draft.alternatives
        );
    }
}

#[test]
fn a_row_with_a_column_too_few_is_named_by_its_line_far_into_the_file() {
    // More than one block of the reader, so that lines are counted across blocks.
    let first = series(2).remove(0);
    let wide: Vec<common::Voter> = (0..8u64)
        .flat_map(|copy| {
            first.iter().cloned().map(move |mut one| {
                one.id += copy * 1_000_000;
                one
            })
        })
        .collect();
    let mut files = files(&[wide.clone(), wide]);
    let mut lines: Vec<String> = String::from_utf8(files[1].1.clone())
        .expect("text")
        .lines()
        .map(str::to_owned)
        .collect();
    let torn = 15_001;
    assert!(lines.len() > torn && lines[..torn].iter().map(String::len).sum::<usize>() > 1 << 20);
    lines[torn - 1] = lines[torn - 1].rsplit_once('\t').expect("columns").0.to_owned();
    files[1].1 = (lines.join("\n") + "\n").into_bytes();
    let (said, report) = compared(&files);
    let problem = said.says(&format!("has {} columns where {COLUMNS} belong", COLUMNS - 1));
    assert_eq!((problem.record, problem.records_lost), (Some(torn as u64), 1));
    assert_eq!(report.snapshots[1].rows + 2, lines.len() as u64);
    nothing_is_altered(&said);
}

#[test]
fn quotes_that_are_not_closed_cost_their_line_alone() {
    let header = "SOS_VOTERID,COUNTY_NUMBER,LAST_NAME,FIRST_NAME,DATE_OF_BIRTH,VOTER_STATUS,RESIDENTIAL_ADDRESS1,RESIDENTIAL_ZIP";
    let line = |at: usize, last: &str| {
        format!(
            "OH{at:06},{},{last},ANN,1970-01-02,ACTIVE,{at} OAK ST,43001",
            1 + at % 4
        )
    };
    let roll = |torn: Option<usize>| -> Vec<u8> {
        let rows = (0..400).map(|at| {
            if torn == Some(at) {
                line(at, "\"QUILL")
            } else {
                line(at, "\"QUILL, SR\"")
            }
        });
        let rows: Vec<String> = rows.collect();
        format!("{header}\n{}\n", rows.join("\n")).into_bytes()
    };
    let files = [
        ("a_2026-08-03.csv".to_owned(), roll(None)),
        ("b_2026-08-10.csv".to_owned(), roll(Some(250))),
    ];
    let (said, report) = compared(&files);
    let problem = said.says("has a quote that is not closed");
    assert_eq!(
        (problem.file.as_str(), problem.record, problem.records_lost),
        ("b_2026-08-10.csv", Some(252), 1)
    );
    assert_eq!((report.intervals[0].same, report.intervals[0].gone), (399, 1));
    nothing_is_altered(&said);
}

#[test]
fn mixed_encodings_are_told_and_are_no_change() {
    let mut all = series(3);
    let name = |voter: &mut common::Voter| voter.last = "NUÑEZ-GÜELL".to_owned();
    for voters in &mut all {
        voters
            .iter_mut()
            .filter(|voter| voter.id % 10 == 0)
            .for_each(name);
    }
    let mut files = files(&all);
    let latin = |bytes: &[u8], from: usize| -> Vec<u8> {
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        let mut out = Vec::new();
        for (at, line) in text.split_inclusive('\n').enumerate() {
            if at >= from {
                out.extend(
                    line.chars()
                        .map(|letter| u8::try_from(u32::from(letter)).expect("of Latin-1")),
                );
            } else {
                out.extend_from_slice(line.as_bytes());
            }
        }
        out
    };
    files[4].1 = latin(&files[4].1, 1_000);
    files[5].1 = latin(&files[5].1, 0);
    let (said, report) = compared(&files);
    let problem = said.says("it mixes encodings");
    assert_eq!(
        (problem.file.as_str(), problem.records_lost),
        (files[4].0.as_str(), 0)
    );
    assert_eq!(said.unexplained(), []);
    let names = report.intervals[4]
        .counts
        .changes
        .keys()
        .filter(|(_, kind)| kind.code() == "last-name");
    assert_eq!(names.count(), 0, "one name in two encodings is one name");
}

#[test]
fn another_layout_among_the_files_is_left_out_and_the_rest_is_compared() {
    let mut files = files(&series(1));
    let foreign = (0..60)
        .map(|at| format!("ALA\t{at}\tQUILL\n"))
        .collect::<String>();
    files.insert(3, ("roll_2026-08-20.txt".to_owned(), foreign.into_bytes()));
    let (said, report) = compared(&files);
    assert_eq!(said.failed.len(), 1);
    assert_eq!(said.failed[0].0, "roll_2026-08-20.txt");
    assert!(!said.failed[0].1.contains("QUILL"), "{}", said.failed[0].1);
    assert_eq!(report.judged.len(), 5);
    nothing_is_altered(&said);
}

#[test]
fn one_file_given_twice_and_files_out_of_order_are_told() {
    let mut all = files(&series(1));
    let again = all[5].1.clone();
    all.push(("roll_2026-09-14.txt".to_owned(), again));
    let (said, report) = compared(&all);
    said.says("it holds the same rows as roll_2026-09-07.txt: was one file given twice?");
    assert_eq!(
        (report.intervals.len(), report.judged.len()),
        (6, 5),
        "it says nothing of churn"
    );
    nothing_is_altered(&said);
    let mut all = files(&series(1));
    all.swap(2, 3);
    let (said, _) = compared(&all);
    assert!(
        said.failed[0].1.contains("give snapshots in order of time"),
        "{:?}",
        said.failed
    );
    nothing_is_altered(&said);
}

#[test]
fn identifiers_that_mean_something_else_are_refused() {
    let mut all = series(1);
    // Numbers are given out anew to other persons: every second entry stands under the number of another.
    let last = all.last_mut().expect("six weeks");
    let ids: Vec<u64> = last.iter().map(|voter| voter.id).collect();
    for (at, voter) in last.iter_mut().enumerate().filter(|(at, _)| at % 2 == 0) {
        voter.id = ids[(at + 700) / 2 * 2 % (ids.len() / 2 * 2)];
    }
    let (said, report) = compared(&files(&all));
    said.says("the identifier means something else in the later file");
    assert!(report.intervals[4].refused.is_some());
    assert_eq!(report.judged, [0, 1, 2, 3], "the other intervals are judged");
    nothing_is_altered(&said);
    // Identifiers issued anew for everybody.
    let mut all = series(1);
    all[5].iter_mut().for_each(|voter| voter.id += 5_000_000);
    let (said, _) = compared(&files(&all));
    said.says("identifiers were issued anew, or mean something else");
    nothing_is_altered(&said);
    let (said, _) = run(&files(&all), None, Linking::On);
    said.says("persons were found again by name, birth date and address");
    // A column that does not identify.
    let doubled: Vec<common::Voter> = all[0]
        .iter()
        .flat_map(|voter| [voter.clone(), voter.clone()])
        .collect();
    let (said, _) = compared(&files(&[doubled.clone(), doubled[1..].to_vec()]));
    said.says("rows repeat an identifier");
    nothing_is_altered(&said);
}

#[test]
fn a_new_vendor_is_told_as_drift_before_the_comparison_and_is_no_tampering() {
    let all = series(4);
    let mut files = files(&all);
    // Columns in another order, one renamed, one dropped, one more; telephone numbers and parties written otherwise.
    let mut out = String::new();
    for (at, line) in text(&all[5]).lines().enumerate() {
        let mut fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        if at == 0 {
            fields[5] = "voter_status_cd".to_owned();
        } else {
            fields[10] = format!("+1 ({}) {}", &fields[10][..3], &fields[10][3..]);
            fields[13] = match fields[13].as_str() {
                "DEM" => "D".to_owned(),
                "REP" => "R".to_owned(),
                _ => "N".to_owned(),
            };
        }
        let last = fields.pop().expect("columns");
        fields.insert(2, last);
        fields.remove(2 + 13);
        fields.push(if at == 0 {
            "batch_no".to_owned()
        } else {
            "7".to_owned()
        });
        out.push_str(&fields.join("\t"));
        out.push('\n');
    }
    files[5].1 = out.into_bytes();
    let (said, report) = compared(&files);
    assert_eq!(said.failed, []);
    let last = report.intervals.last().expect("five intervals");
    assert!(
        last.refused.is_none() && last.same == 0 && last.changed > 1_900,
        "every row differs"
    );
    for (name, list) in [
        ("batch_no", &last.drift.added),
        ("gender_code", &last.drift.dropped),
    ] {
        assert!(
            list.iter().any(|column| column.contains(name)),
            "{name}: {:?}",
            last.drift
        );
        said.says(name);
    }
    // Before: the drift is told while the file is read, findings come at the end.
    nothing_is_altered(&said);
    let anew: Vec<&str> = said
        .drafts
        .iter()
        .filter(|draft| draft.details["explained"]["by"] == "written-anew")
        .filter_map(|draft| draft.details["field"].as_str())
        .collect();
    assert!(
        anew.contains(&"full_phone_number") && anew.contains(&"party_cd"),
        "{anew:?}"
    );
}

#[test]
fn hostile_headers_and_empty_files_end_in_words() {
    let whole = files(&series(1)).remove(0).1;
    let deep = format!("{HEADER}\n{}\n", "\t".repeat(70_000));
    for (bytes, words) in [
        (Vec::new(), "empty"),
        (b"\xff\xfec\0o\0u\0n\0t\0y\0".to_vec(), "UTF-16"),
        (b"a\tb\tc\n1\t2\t3\n".to_vec(), "layout"),
        (vec![b'x'; 200_000], "first line is longer"),
        (deep.into_bytes(), "could be read as layout nc"),
    ] {
        let files = [
            ("a_2026-08-03.txt".to_owned(), whole.clone()),
            ("b_2026-08-10.txt".to_owned(), bytes),
        ];
        let (said, _) = common::run_for(&files, Some("nc"), Linking::Off, Register::default());
        let why = said
            .failed
            .first()
            .map(|failed| failed.1.clone())
            .unwrap_or_default();
        assert!(why.contains(words), "{words}: {why:?}");
        nothing_is_altered(&said);
    }
    let mut voters = series(1).remove(0);
    voters.truncate(3);
    assert!(!row(&voters[0]).is_empty());
}

#[test]
fn coverage_names_the_counties_that_the_register_has_and_no_others() {
    let text = r#"
schema = 1
owner = "State"
[[target]]
id = "county2"
name = "Board of Elections, County2"
kind = "office"
state = "NC"
domains = ["county2.gov"]
[[target]]
id = "county3-oh"
name = "County3 Board of Elections"
kind = "office"
state = "OH"
domains = ["county3.gov"]
[[target]]
id = "county9"
name = "County9 Board of Elections"
kind = "office"
state = "NC"
domains = ["county9.gov"]
"#;
    let (register, problems) =
        Register::parse("register.toml", text, &|name| Ok(name.to_owned())).expect("it is a register");
    assert!(problems.is_empty(), "{problems:?}");
    let (said, _) = common::run_for(&files(&series(1)), Some("nc"), Linking::Off, register);
    for coverage in &said.coverage {
        let targets: Vec<&str> = coverage.targets.iter().map(|target| target.as_str()).collect();
        assert_eq!(
            targets,
            ["county2"],
            "another state's county is not this one, and county 9 is not in the file"
        );
    }
    assert_eq!(said.coverage.len(), 6);
}
