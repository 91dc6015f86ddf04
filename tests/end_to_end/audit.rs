//! `pollwatch audit`, from the files to a package that a stranger verifies.

use std::collections::BTreeMap;
use std::path::Path;

use crate::harness::{Place, Ran, files_below};

/// A county of 20 batches with 100 cards each, in Dominion's CSV: `votes(card)` gives the marks of card 0, 1, 2, ….
pub struct County {
    /// The cast vote records.
    pub cvr: String,
    /// The manifest.
    pub manifest: String,
    /// What each card says, by tabulator, batch, record.
    pub cards: BTreeMap<(String, String, String), Vec<String>>,
}

const CONTESTS: &str =
    "contest,candidate,seats\nMayor,Ames,1\nMayor,Brandt,\nMayor,Castillo,\nMeasure 7,Yes,1\nMeasure 7,No,\n";

/// 55 % for Ames, 38 % for Brandt, and a measure on every other batch.
fn county() -> County {
    county_of(|card| match card * 37 % 100 {
        0..55 => "Ames",
        55..93 => "Brandt",
        93..97 => "Castillo",
        _ => "",
    })
}

fn county_of(mayor: impl Fn(usize) -> &'static str) -> County {
    let columns = ["Ames", "Brandt", "Castillo", "Yes", "No"];
    let mut cvr = format!("Test,5.10{}\r\n", ",".repeat(11));
    cvr.push_str(&format!(
        "{}Mayor (Vote For=1),Mayor (Vote For=1),Mayor (Vote For=1),Measure 7 (Vote For=1),Measure 7 (Vote For=1)\r\n",
        ",".repeat(8)
    ));
    cvr.push_str(&format!("{}{}\r\n", ",".repeat(8), columns.join(",")));
    cvr.push_str("CvrNumber,TabulatorNum,BatchId,RecordId,ImprintedId,CountingGroup,PrecinctPortion,BallotType,,,,,\r\n");
    let mut manifest = "Container,Tabulator,Batch Name,Number of Ballots\n".to_owned();
    let mut cards = BTreeMap::new();
    let mut number = 0;
    for batch in 1..=20_u32 {
        let tabulator = 101 + batch % 3;
        manifest.push_str(&format!("Box {},{tabulator},{batch},100\n", batch.div_ceil(2)));
        for record in 1..=100 {
            let voted = mayor(number);
            let measure = match (batch % 2, number * 59 % 100) {
                (1, _) => None,
                (_, 0..60) => Some("Yes"),
                (_, 60..97) => Some("No"),
                _ => Some(""),
            };
            let cell = |name: &str, on: Option<&str>| match on {
                None => String::new(),
                Some(voted) => u8::from(voted == name).to_string(),
            };
            number += 1;
            let cells: Vec<String> = columns
                .iter()
                .enumerate()
                .map(|(at, name)| cell(name, if at < 3 { Some(voted) } else { measure }))
                .collect();
            cvr.push_str(&format!(
                "{number},{tabulator},{batch},{record},{tabulator}-{batch}-{record},Mail,Precinct 1,Style {},{}\r\n",
                batch % 2,
                cells.join(",")
            ));
            let said = |voted: &str| {
                if voted.is_empty() {
                    "blank".to_owned()
                } else {
                    voted.to_owned()
                }
            };
            cards.insert(
                (tabulator.to_string(), batch.to_string(), record.to_string()),
                vec![
                    said(voted),
                    measure.map_or_else(|| "not on card".to_owned(), said),
                ],
            );
        }
    }
    County { cvr, manifest, cards }
}

fn place_with(county: &County) -> Place {
    let place = Place::with_workspace();
    place.write("cvr.csv", &county.cvr);
    place.write("manifest.csv", &county.manifest);
    place.write("contests.csv", CONTESTS);
    place
        .ws(&[
            "audit",
            "init",
            "general-2026",
            "--title",
            "General election",
            "--target",
            "wakefield-county",
            "--manifest",
            &shown(&place.path("manifest.csv")),
            "--cvr",
            &shown(&place.path("cvr.csv")),
            "--contests",
            &shown(&place.path("contests.csv")),
            "--paper-trail",
            "yes",
            "--manifest-independent",
            "yes",
        ])
        .succeeds()
        .says("2,000");
    place
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Commits, rolls and draws.
fn draw(place: &Place) {
    place
        .ws(&["audit", "commit"])
        .succeeds()
        .says("Make this public now");
    roll(place, "09213847561029384756").succeeds();
    place.ws(&["audit", "sample"]).succeeds().says("Round 1 is drawn");
}

fn roll(place: &Place, digits: &str) -> Ran {
    place.ws(&[
        "audit",
        "seed",
        digits,
        "--rolled-at",
        &jiff::Timestamp::now().to_string(),
        "--rolled-by",
        "the deputy clerk",
        "--seen-by",
        "two observers",
    ])
}

/// Fills the form of the cards still to read with what `county` says, changed by `change` (contest cells, number of the row).
fn read_all(place: &Place, county: &County, reader: &str, change: impl Fn(usize, &mut Vec<String>)) -> Ran {
    let form = shown(&place.path("form.csv"));
    place.ws(&["audit", "enter", "--form", &form]).succeeds();
    let text = std::fs::read_to_string(&form).expect("the form");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let header = rows.headers().expect("a header").clone();
    let mut filled = csv::Writer::from_writer(Vec::new());
    filled.write_record(&header).expect("write");
    for (number, row) in rows.records().enumerate() {
        let row = row.expect("a row");
        let key = (row[1].to_owned(), row[2].to_owned(), row[3].to_owned());
        let mut says = county.cards[&key].clone();
        change(number, &mut says);
        let mut cells: Vec<String> = row.iter().map(str::to_owned).collect();
        cells[5] = "yes".to_owned();
        cells[6] = reader.to_owned();
        cells[7..9].clone_from_slice(&says);
        filled.write_record(&cells).expect("write");
    }
    place.write("filled.csv", filled.into_inner().expect("bytes"));
    place.ws(&["audit", "enter", "--csv", &shown(&place.path("filled.csv"))])
}

#[test]
fn an_audit_goes_from_its_files_to_a_package_that_a_stranger_verifies() {
    let county = county();
    let place = place_with(&county);
    place.ws(&["audit", "contests"]).succeeds().says("Ames");
    place.ws(&["audit", "plan"]).succeeds().says("card comparison");
    draw(&place);
    let list =
        std::fs::read_to_string(place.path("ws/audits/general-2026/round-1/retrieval.html")).expect("a list");
    assert!(list.contains("Container Box 1") && !list.contains("<script"));
    place
        .ws(&["audit", "assess", "--fail-unless-confirmed"])
        .ends_with(1)
        .says("have no reading yet");
    read_all(&place, &county, "Pat", |_, _| {})
        .succeeds()
        .says("0 rows refused");
    place
        .ws(&["audit", "assess", "--fail-unless-confirmed"])
        .succeeds()
        .says("[ok] Mayor: confirmed")
        .says("[ok] Measure 7: confirmed");
    let findings = place.recorded();
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(findings.iter().all(|finding| finding["polarity"] == "assurance"));
    place
        .ws(&["audit", "publish", &shown(&place.path("package"))])
        .succeeds();
    let key = place.ws(&["key", "show"]).succeeds().out.clone();
    let key = key
        .split_whitespace()
        .find(|word| word.contains('+'))
        .expect("a key");
    // Elsewhere, with nothing but the folder.
    place
        .run(&["audit", "verify", "package", "--key", key])
        .succeeds()
        .says("Everything follows")
        .says("Mayor: confirmed");
    place
        .ws(&["audit", "publish", &shown(&place.path("package.zip"))])
        .succeeds();
    place
        .run(&["audit", "verify", "package.zip"])
        .succeeds()
        .says("No key was given");
    let other = Place::with_workspace();
    let other_key = other.ws(&["key", "show"]).out.clone();
    let other_key = other_key
        .split_whitespace()
        .find(|word| word.contains('+'))
        .expect("a key");
    place
        .run(&["audit", "verify", "package", "--key", other_key])
        .ends_with(1)
        .says("signed by somebody else");
    place.ws(&["verify"]).succeeds().says("Everything follows");
}

#[test]
fn a_changed_byte_in_any_file_of_a_package_is_named() {
    let county = county();
    let place = place_with(&county);
    draw(&place);
    read_all(&place, &county, "Pat", |_, _| {}).succeeds();
    place
        .ws(&["audit", "publish", &shown(&place.path("package"))])
        .succeeds();
    let root = place.path("package");
    for file in files_below(&root) {
        let name = shown(file.strip_prefix(&root).expect("beneath")).replace('\\', "/");
        let before = std::fs::read(&file).expect("read");
        let length = before.len();
        for at in [0, length / 2, length - 1] {
            let mut bytes = before.clone();
            bytes[at] ^= 1;
            std::fs::write(&file, &bytes).expect("write");
            let ran = place.run(&["audit", "verify", "package"]);
            ran.ends_with(1);
            let named = ran
                .out
                .lines()
                .skip_while(|line| !line.contains("does NOT follow"))
                .nth(1);
            assert_eq!(
                named.map(str::trim),
                Some(name.as_str()),
                "byte {at} of {name}: {ran:#?}"
            );
        }
        std::fs::write(&file, &before).expect("write");
        std::fs::remove_file(&file).expect("remove");
        place
            .run(&["audit", "verify", "package"])
            .ends_with(1)
            .says(&name);
        std::fs::write(&file, &before).expect("write");
    }
    place.write("package/extra.txt", "x");
    place
        .run(&["audit", "verify", "package"])
        .ends_with(1)
        .says("extra.txt");
    std::fs::remove_file(place.path("package/extra.txt")).expect("remove");
    place.run(&["audit", "verify", "package"]).succeeds();
}

#[test]
fn the_dice_come_after_the_commitment_and_are_digits() {
    let place = place_with(&county());
    let early = jiff::Timestamp::now().to_string();
    roll(&place, "09213847561029384756")
        .ends_with(2)
        .says("must be committed first");
    place.ws(&["audit", "commit"]).succeeds();
    let old = place.ws(&[
        "audit",
        "seed",
        "09213847561029384756",
        "--rolled-at",
        &early,
        "--rolled-by",
        "a",
        "--seen-by",
        "b",
    ]);
    old.ends_with(2).says("before the files were committed");
    roll(&place, "0921384756x029384756")
        .ends_with(2)
        .says("a seed is digits alone");
    roll(&place, "123").ends_with(2).says("needs 20");
    roll(&place, "09213847561029384756").succeeds();
    roll(&place, "11111111111111111111")
        .ends_with(2)
        .says("rolled already");
    place
        .ws(&["audit", "commit"])
        .ends_with(2)
        .says("committed already");
}

#[test]
fn a_file_that_changed_after_the_opening_is_not_read() {
    let place = place_with(&county());
    let file = place.path("ws/audits/general-2026/inputs/cvr.csv");
    let text = std::fs::read_to_string(&file)
        .expect("read")
        .replacen(",1,0,0,", ",0,1,0,", 1);
    std::fs::write(&file, text).expect("write");
    place
        .ws(&["audit", "plan"])
        .ends_with(2)
        .says("is not the file that the audit was opened with");
}

#[test]
fn a_disagreement_waits_for_somebody_and_an_undone_reading_opens_the_contest_again() {
    let county = county();
    let place = place_with(&county);
    draw(&place);
    read_all(&place, &county, "Pat", |_, _| {}).succeeds();
    place.ws(&["audit", "assess"]).succeeds().says("[ok] Mayor");
    let filled = std::fs::read_to_string(place.path("filled.csv")).expect("read");
    let mut lines: Vec<&str> = filled.lines().take(2).collect();
    let wrong = lines[1].replacen("Pat,", "Lee,", 1);
    let wrong = if wrong.contains(",Ames,") {
        wrong.replace(",Ames,", ",Brandt,")
    } else {
        wrong.replace(",Brandt,", ",Ames,")
    };
    lines[1] = &wrong;
    place.write("second.csv", lines.join("\n"));
    place
        .ws(&["audit", "enter", "--csv", &shown(&place.path("second.csv"))])
        .succeeds();
    place
        .ws(&["audit", "assess"])
        .succeeds()
        .says("1 in disagreement")
        .says("[..] Mayor: not yet confirmed");
    let tally = place
        .ws(&["findings", "list", "--min-severity", "info"])
        .out
        .clone();
    assert!(tally.contains("dismissed"), "{tally}");
    let log = place.ws(&["audit", "log"]).out.clone();
    let entry = log
        .lines()
        .find(|line| line.contains("read by Lee"))
        .and_then(|line| line.split_whitespace().next())
        .expect("the entry of Lee's reading")
        .to_owned();
    place
        .ws(&["audit", "undo", &entry, "-m", "read the wrong card"])
        .succeeds();
    place.ws(&["audit", "assess"]).succeeds().says("[ok] Mayor");
    place.ws(&["audit", "log"]).succeeds().says("taken back by");
    let again = place
        .ws(&["findings", "list", "--min-severity", "info"])
        .out
        .clone();
    assert!(!again.contains("dismissed"), "{again}");
}

#[test]
fn a_full_count_that_contradicts_the_report_is_never_a_small_risk() {
    let county = county();
    let place = place_with(&county);
    draw(&place);
    // On the paper Brandt has what the records give to Ames.
    read_all(&place, &county, "Pat", |_, says| {
        if says[0] == "Ames" {
            says[0] = "Brandt".to_owned();
        }
    })
    .succeeds();
    place
        .ws(&["audit", "assess"])
        .succeeds()
        .says("risk measured so far is 100 %");
    place
        .ws(&["audit", "escalate", "Mayor", "-m", "differences on most cards"])
        .succeeds();
    place
        .ws(&[
            "audit",
            "escalate",
            "Mayor",
            "--votes",
            "Ames=10",
            "--votes",
            "Brandt=900",
            "--votes",
            "Castillo=80",
            "--cards",
            "999",
            "--counted-by",
            "the board",
        ])
        .ends_with(2)
        .says("looks at every card");
    place
        .ws(&[
            "audit",
            "escalate",
            "Mayor",
            "--votes",
            "Ames=10",
            "--votes",
            "Brandt=1860",
            "--votes",
            "Castillo=80",
            "--cards",
            "2000",
            "--counted-by",
            "the board",
        ])
        .succeeds();
    let ran = place.ws(&["audit", "assess"]);
    ran.succeeds()
        .says("[XX] Mayor: REPORTED OUTCOME IS WRONG")
        .says("By the count of every")
        .says("card: Brandt (Brandt 1,860");
    let findings = place.recorded();
    let wrong = findings
        .iter()
        .find(|finding| finding["subject"] == "general-2026/Mayor")
        .expect("a finding");
    assert_eq!(wrong["polarity"], "threat");
    assert_eq!(wrong["stage"], "altered");
    assert!(wrong["details"]["risk"].is_null());
    assert!(
        wrong["alternatives"][0]
            .as_str()
            .expect("text")
            .contains("tabulation error"),
        "{wrong:#?}"
    );
}

#[test]
fn cards_are_read_one_by_one_and_an_interruption_loses_nothing() {
    let county = county();
    let place = place_with(&county);
    draw(&place);
    // Two cards, with a slip on the way, and then the input ends in the middle of the third.
    let ran = place.run_with_input(
        &["-C", "ws", "audit", "enter", "--reader", "Pat"],
        b"9\n1\nn\nx\n2\n",
    );
    ran.succeeds().says("there is no candidate 9");
    let kept = ran.out.matches("kept").count();
    assert!(kept >= 2, "{ran:#?}");
    let log = place.ws(&["audit", "log"]).out.clone();
    assert_eq!(log.matches("read by Pat").count(), kept - 1, "{log}");
    place.ws(&["verify"]).succeeds();
}

#[test]
fn a_reading_of_a_card_that_was_not_drawn_is_refused_by_its_line() {
    let county = county();
    let place = place_with(&county);
    draw(&place);
    let form = shown(&place.path("form.csv"));
    place.ws(&["audit", "enter", "--form", &form]).succeeds();
    let header = std::fs::read_to_string(&form)
        .expect("read")
        .lines()
        .next()
        .expect("a header")
        .to_owned();
    place.write("odd.csv", format!("{header}\nBox 9,999,77,1,,yes,Pat,Ames,Yes\n"));
    place
        .ws(&["audit", "enter", "--csv", &shown(&place.path("odd.csv"))])
        .ends_with(2)
        .says("was not drawn")
        .says("0 readings entered, 1 rows refused");
}

#[test]
fn withheld_records_leave_the_draw_and_the_risks_checkable_and_the_rest_to_an_insider() {
    let county = county();
    let place = place_with(&county);
    draw(&place);
    read_all(&place, &county, "Pat", |_, _| {}).succeeds();
    place
        .ws(&[
            "audit",
            "publish",
            &shown(&place.path("refused")),
            "--rare-style",
            "1500",
        ])
        .ends_with(2)
        .says("may show how a voter voted")
        .says("Style 0");
    place
        .ws(&[
            "audit",
            "publish",
            &shown(&place.path("package")),
            "--withhold-records",
        ])
        .succeeds();
    assert!(!place.path("package/inputs/cvr.csv").exists());
    place
        .run(&["audit", "verify", "package"])
        .succeeds()
        .says("Mayor: confirmed")
        .says("Files of records are withheld (1)");
    std::fs::create_dir(place.path("inside")).expect("make");
    std::fs::copy(place.path("cvr.csv"), place.path("inside/cvr.csv")).expect("copy");
    place
        .run(&["audit", "verify", "package", "--inputs", "inside"])
        .succeeds()
        .says("follows from the records that are withheld");
    let file = place.path("package/records/cvr.csv.json");
    let before = std::fs::read(&file).expect("read");
    for at in [1, before.len() / 2, before.len() - 2] {
        let mut bytes = before.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).expect("write");
        place
            .run(&["audit", "verify", "package"])
            .ends_with(1)
            .says("records/cvr.csv.json");
    }
    std::fs::write(&file, &before).expect("write");
    place.write(
        "inside/cvr.csv",
        county.cvr.replacen("Precinct 1", "Precinct 2", 1),
    );
    place
        .run(&["audit", "verify", "package", "--inputs", "inside"])
        .ends_with(1)
        .says("cvr.csv");
}

/// An audit over files that a test has written, opened with `arguments` behind the fixed ones.
fn open_with(place: &Place, arguments: &[&str]) -> Ran {
    let mut all = vec![
        "-C",
        "ws",
        "audit",
        "init",
        "general-2026",
        "--target",
        "wakefield-county",
        "--paper-trail",
        "yes",
        "--manifest-independent",
        "yes",
    ];
    all.extend(arguments);
    place.run(&all)
}

/// Commits to `method`, rolls, draws, and answers every row of the form with `answer`, by column.
fn audit_with(
    place: &Place,
    method: &str,
    answer: impl Fn(&BTreeMap<String, String>, &str) -> String,
) -> Ran {
    place.ws(&["audit", "commit", "--method", method]).succeeds();
    roll(place, "09213847561029384756").succeeds();
    for round in 1..6 {
        let drawn = place.ws(&["audit", "sample"]);
        if round > 1 && drawn.code != Some(0) {
            drawn.says("no contest needs more cards");
            break;
        }
        drawn.succeeds();
        let form = shown(&place.path("form.csv"));
        place.ws(&["audit", "enter", "--form", &form]).succeeds();
        let text = std::fs::read_to_string(&form).expect("the form");
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        let header = rows.headers().expect("a header").clone();
        let mut filled = csv::Writer::from_writer(Vec::new());
        filled.write_record(&header).expect("write");
        for row in rows.records() {
            let row = row.expect("a row");
            let named: BTreeMap<String, String> = header
                .iter()
                .map(str::to_owned)
                .zip(row.iter().map(str::to_owned))
                .collect();
            let cells: Vec<String> = header
                .iter()
                .map(|column| match column {
                    "found" => "yes".to_owned(),
                    "reader" => "Pat".to_owned(),
                    column => answer(&named, column),
                })
                .collect();
            filled.write_record(&cells).expect("write");
        }
        place.write("filled.csv", filled.into_inner().expect("bytes"));
        place
            .ws(&["audit", "enter", "--csv", &shown(&place.path("filled.csv"))])
            .succeeds()
            .says("0 rows refused");
    }
    let ran = place.ws(&["audit", "assess"]);
    ran.succeeds();
    place
        .ws(&[
            "audit",
            "publish",
            &shown(&place.path("package")),
            "--rare-style",
            "0",
        ])
        .succeeds();
    place
        .run(&["audit", "verify", "package"])
        .succeeds()
        .says("Everything follows");
    ran
}

#[test]
fn every_method_that_is_offered_runs_from_plan_to_package() {
    let county = county();
    for method in ["super-simple", "polling", "bravo", "providence", "minerva"] {
        let place = place_with(&county);
        place.ws(&["audit", "plan"]).succeeds();
        let ran = audit_with(&place, method, |row, column| {
            let key = (
                row["tabulator"].clone(),
                row["batch"].clone(),
                row["record"].clone(),
            );
            match column {
                "Mayor" => county.cards[&key][0].clone(),
                "Measure 7" => county.cards[&key][1].clone(),
                column => row[column].clone(),
            }
        });
        assert!(ran.out.contains("[ok] Mayor: confirmed"), "{method}: {ran:#?}");
    }
}

#[test]
fn a_ranked_contest_is_audited_by_assertions_that_imply_its_outcome() {
    let place = Place::with_workspace();
    let names = ["Ito", "Jones", "Kaur", "Lund"];
    let columns: Vec<String> = names
        .iter()
        .flat_map(|name| (1..=3).map(move |rank| format!("{name}({rank})")))
        .collect();
    let mut cvr = format!("Test,5.10{}\r\n{}", ",".repeat(18), ",".repeat(8));
    cvr.push_str(
        &["City (Number of positions=1, Number of ranks=3)"; 12]
            .iter()
            .map(|title| format!("\"{title}\""))
            .collect::<Vec<_>>()
            .join(","),
    );
    cvr.push_str(&format!("\r\n{}{}\r\n", ",".repeat(8), columns.join(",")));
    cvr.push_str(&format!(
        "CvrNumber,TabulatorNum,BatchId,RecordId,ImprintedId,CountingGroup,PrecinctPortion,BallotType{}\r\n",
        ",".repeat(12)
    ));
    let mut cards = BTreeMap::new();
    for number in 1..=1000_u32 {
        let ranks: &[usize] = match number * 37 % 100 {
            0..40 => &[0, 1],
            40..70 => &[1, 2, 3],
            70..85 => &[2, 0],
            85..97 => &[3, 0, 1],
            _ => &[],
        };
        let cells: Vec<String> = (0..4)
            .flat_map(|name| (0..3).map(move |rank| u8::from(ranks.get(rank) == Some(&name)).to_string()))
            .collect();
        let (batch, record) = ((number - 1) / 100 + 1, (number - 1) % 100 + 1);
        cvr.push_str(&format!(
            "{number},1,{batch},{record},1-{batch}-{record},Mail,P,S,{}\r\n",
            cells.join(",")
        ));
        let says: Vec<&str> = ranks.iter().map(|place| names[*place]).collect();
        let says = if says.is_empty() {
            "blank".to_owned()
        } else {
            says.join(" | ")
        };
        cards.insert((batch.to_string(), record.to_string()), says);
    }
    place.write("cvr.csv", cvr);
    let mut manifest = "Container,Tabulator,Batch Name,Number of Ballots\n".to_owned();
    for batch in 1..=10 {
        manifest.push_str(&format!("Box,1,{batch},100\n"));
    }
    place.write("manifest.csv", manifest);
    open_with(
        &place,
        &[
            "--manifest",
            "manifest.csv",
            "--cvr",
            "cvr.csv",
            "--contest",
            "City",
        ],
    )
    .succeeds();
    place
        .ws(&["audit", "contests"])
        .succeeds()
        .says("instant runoff")
        .says("Ito");
    let ran = audit_with(&place, "card-comparison", |row, column| match column {
        "City" => cards[&(row["batch"].clone(), row["record"].clone())].clone(),
        column => row[column].clone(),
    });
    assert!(ran.out.contains("[ok] City: confirmed"), "{ran:#?}");
    let page = std::fs::read_to_string(place.path("package/index.html")).expect("the page");
    assert!(
        page.contains("cannot be eliminated before") || page.contains("has more votes than"),
        "{page}"
    );
}

/// Tallies of 60 batches in which Ames leads.
fn tallies() -> (String, String) {
    let mut manifest = "Container,Batch Name,Number of Ballots\n".to_owned();
    let mut tallies = "Batch Name,Ames,Brandt\n".to_owned();
    for batch in 1..=60_u32 {
        let cards = 80 + batch % 7 * 10;
        let ames = cards * 6 / 10;
        manifest.push_str(&format!("Box {},{batch},{cards}\n", batch / 10));
        tallies.push_str(&format!("{batch},{ames},{}\n", cards - ames - 2));
    }
    (manifest, tallies)
}

#[test]
fn batches_are_compared_with_their_tallies() {
    let place = Place::with_workspace();
    let (manifest, tallies) = tallies();
    place.write("manifest.csv", &manifest);
    place.write("tallies.csv", &tallies);
    place.write("contests.csv", "contest,candidate\nMayor,Ames\nMayor,Brandt\n");
    open_with(
        &place,
        &[
            "--manifest",
            "manifest.csv",
            "--batch-tallies",
            "tallies.csv",
            "--contests",
            "contests.csv",
        ],
    )
    .succeeds();
    place
        .ws(&["audit", "plan"])
        .succeeds()
        .says("batch comparison (MACRO)");
    let reported: BTreeMap<&str, Vec<&str>> = tallies
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[0], cells[1..].to_vec())
        })
        .collect();
    let sizes: BTreeMap<&str, &str> = manifest
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[1], cells[2])
        })
        .collect();
    let ran = audit_with(&place, "batch-comparison", |row, column| match column {
        "cards" => sizes[row["batch"].as_str()].to_owned(),
        "Mayor: Ames" => reported[row["batch"].as_str()][0].to_owned(),
        "Mayor: Brandt" => reported[row["batch"].as_str()][1].to_owned(),
        column => row[column].clone(),
    });
    assert!(ran.out.contains("[ok] Mayor: confirmed"), "{ran:#?}");
}

#[test]
fn cards_without_records_go_in_as_pools_of_their_batches() {
    let place = Place::with_workspace();
    let (manifest, tallies) = tallies();
    place.write("manifest.csv", &manifest);
    place.write("tallies.csv", &tallies);
    place.write("contests.csv", "contest,candidate\nMayor,Ames\nMayor,Brandt\n");
    open_with(
        &place,
        &[
            "--manifest",
            "manifest.csv",
            "--batch-tallies",
            "tallies.csv",
            "--contests",
            "contests.csv",
        ],
    )
    .succeeds();
    let ran = audit_with(&place, "card-comparison", |row, column| match column {
        "Mayor" => {
            let record: u32 = row["record"].parse().expect("a number");
            // Six of ten cards in each batch are for Ames.
            (if record % 10 < 6 { "Ames" } else { "Brandt" }).to_owned()
        }
        column => row[column].clone(),
    });
    assert!(ran.out.contains("[ok] Mayor: confirmed"), "{ran:#?}");
}

#[test]
fn a_contest_that_crosses_counties_is_drawn_and_judged_once() {
    let county = county();
    let place = Place::with_workspace();
    place.write("a.csv", &county.cvr);
    place.write(
        "b.csv",
        county.cvr.replace("Mayor (Vote For=1)", "MAYOR (Vote For=1)"),
    );
    place.write("manifest.csv", &county.manifest);
    place.write(
        "contests.csv",
        "contest,candidate\nMayor,Ames\nMayor,Brandt\nMayor,Castillo\n",
    );
    place.write("names.json", r#"{"contests": {"MAYOR": "Mayor"}}"#);
    let files = [
        "--manifest",
        "Adams=manifest.csv",
        "--manifest",
        "Baker=manifest.csv",
        "--cvr",
        "Adams=a.csv",
        "--cvr",
        "Baker=b.csv",
        "--contests",
        "contests.csv",
    ];
    open_with(&place, &files)
        .ends_with(2)
        .says("\"MAYOR\"")
        .says("are they one?");
    let mut joined = files.to_vec();
    joined.extend(["--names", "Baker=names.json"]);
    open_with(&place, &joined).succeeds().says("Baker");
    place.ws(&["audit", "commit"]).succeeds().says("4,000 cards");
    roll(&place, "09213847561029384756").succeeds();
    place.ws(&["audit", "sample"]).succeeds();
    let list =
        std::fs::read_to_string(place.path("ws/audits/general-2026/round-1/retrieval.csv")).expect("a list");
    assert!(list.contains("\nAdams,") && list.contains("\nBaker,"), "{list}");
    // The form does not say the county: its rows are told apart by it.
    let form = shown(&place.path("form.csv"));
    place
        .ws(&["audit", "enter", "--form", &form, "--county", "Adams"])
        .succeeds();
    let adams = std::fs::read_to_string(&form).expect("the form").lines().count() - 1;
    let in_list = list.lines().filter(|line| line.starts_with("Adams,")).count();
    assert_eq!(adams, in_list);
}

#[test]
fn ties_and_impossible_results_are_said_before_anything_is_drawn() {
    let place = Place::with_workspace();
    let tied = county_of(|card| if card % 2 == 0 { "Ames" } else { "Brandt" });
    place.write("cvr.csv", &tied.cvr);
    place.write("manifest.csv", &tied.manifest);
    place.write(
        "contests.csv",
        "contest,candidate\nMayor,Ames\nMayor,Brandt\nMayor,Castillo\n",
    );
    let files = [
        "--manifest",
        "manifest.csv",
        "--cvr",
        "cvr.csv",
        "--contests",
        "contests.csv",
    ];
    open_with(&place, &files).succeeds();
    place
        .ws(&["audit", "plan"])
        .succeeds()
        .says("a full hand count is needed");
    place.write(
        "contests.csv",
        "contest,candidate,votes,cards\nMayor,Ames,3000,2000\nMayor,Brandt,10,\n",
    );
    place
        .ws(&["audit", "undo", "0", "-m", "wrong file of contests"])
        .succeeds();
    open_with(&place, &files)
        .ends_with(2)
        .says("votes cannot be on 2000 cards");
    place.write("contests.csv", "contest,candidate\nMayor,Ames\nMayor,Brandt\n");
    place.write("manifest.csv", format!("{}Box 1,102,1,100\n", tied.manifest));
    // A batch twice, by its line.
    open_with(&place, &files).ends_with(2).says("manifest.csv:22:");
    place.write(
        "manifest.csv",
        "Container,Tabulator,Batch Name,Number of Ballots\nBox,1,1,1000000000000\n",
    );
    open_with(&place, &files).ends_with(2).says("manifest.csv:2:");
}
