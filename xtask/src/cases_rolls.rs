//! The cases of `rolls`: series of snapshots with known injections, and rolls whose identifiers were issued anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use pollwatch_rolls::calendar::Calendar;
use pollwatch_rolls::churn::Correction;
use pollwatch_rolls::compare::{Entry, Reading, Snapshot, ingest, read_entry};
use pollwatch_rolls::judge::{Basis, Flag, Place, Rules};
use pollwatch_rolls::kind::Kind;
use pollwatch_rolls::layout::{Layout, Role};
use pollwatch_rolls::linkage::link;
use pollwatch_rolls::run::{Comparison, Report};
use serde_json::{Value, json};

/// Codes of the first twelve counties as the Florida series use them.
const FLORIDA: [&str; 12] = [
    "ALA", "BAK", "BAY", "BRA", "BRE", "BRO", "CAL", "CHA", "CIT", "CLA", "CLL", "CLM",
];

/// Runs the cases below `dir` (the folder of the systems cases, or one of series) and prints a table of figures.
pub fn run(dir: &Path, out: Option<&Path>) -> Result<()> {
    let series = if dir.join("rolls").is_dir() {
        dir.join("rolls")
    } else {
        dir.to_path_buf()
    };
    let mut lines = Vec::new();
    let mut folders: Vec<PathBuf> = fs::read_dir(&series)
        .with_context(|| format!("cannot read {}", series.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("truth.json").is_file())
        .collect();
    folders.sort();
    let (mut found, mut injected, mut false_flags) = (0, 0, BTreeMap::new());
    for folder in &folders {
        let outcome = one_series(folder)?;
        println!("{}", outcome.text);
        found += outcome.found;
        injected += outcome.injected;
        if outcome.injected == 0 {
            false_flags.insert(outcome.name.clone(), outcome.false_flags);
        }
        lines.extend(outcome.lines);
    }
    println!(
        "\ninjections found at the right county and field: {found} of {injected} (floor 10 of 12, goal 12 of 12)"
    );
    for (name, count) in &false_flags {
        println!("unexplained flags in the clean series {name}: {count} (floor 2, goal 0)");
        lines.push(json!({"case": format!("rolls/{name}/clean"), "fn": "unexplained flags", "expect": 0, "got": count, "pass": *count == 0}));
    }
    for folder in linkage_folders(dir) {
        lines.extend(one_linkage(&folder)?);
    }
    lines.push(json!({"case": "rolls/all", "fn": "injections found", "expect": injected, "got": found, "pass": found == injected}));
    if let Some(path) = out {
        let mut file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        for line in &lines {
            writeln!(file, "{line}")?;
        }
    }
    Ok(())
}

/// Folders below `dir/linkage`, or `dir` itself, that hold two files and their true links.
fn linkage_folders(dir: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(dir.join("linkage"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .chain([dir.to_path_buf()])
        .filter(|path| named(path, "truth_links.csv").is_some())
        .collect();
    folders.sort();
    folders
}

/// The file of this name, packed or not.
fn named(folder: &Path, name: &str) -> Option<PathBuf> {
    [name.to_owned(), format!("{name}.gz")]
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

fn opened(path: &Path) -> Result<Box<dyn BufRead>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(if path.extension().is_some_and(|extension| extension == "gz") {
        Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(file)))
    } else {
        Box::new(BufReader::with_capacity(1 << 18, file))
    })
}

/// Links two files and compares with the truth.
fn one_linkage(folder: &Path) -> Result<Vec<Value>> {
    let name = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let layout = Arc::new(Layout::built_in("oh").context("no layout oh")?);
    let read = |which: &str| -> Result<Snapshot> {
        let path = named(folder, which).with_context(|| format!("no {which} in {}", folder.display()))?;
        let is_plain = path.extension().is_some_and(|extension| extension != "gz");
        let reading = Reading {
            name: which,
            layout: Arc::clone(&layout),
            plain: is_plain.then(|| path.clone()),
            scratch: None,
            key: 0x5eed,
        };
        Ok(ingest(&reading, &mut *opened(&path)?, &mut |_| {})?.snapshot)
    };
    let started = Instant::now();
    let (before, after) = (read("before.csv")?, read("after.csv")?);
    let (pairs, report) = link(&before, &after, &mut |_| {})?;
    let seconds = started.elapsed().as_secs_f64();
    let ids = |snapshot: &Snapshot, places: &[u64]| -> Result<Vec<String>> {
        let mut rows = snapshot.data.rows(&snapshot.form)?;
        let mut entry = Entry::default();
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|at| places[*at]);
        let mut ids = vec![String::new(); places.len()];
        for at in order {
            rows.fetch(places[at], &mut |row, spans| {
                read_entry(row, spans, &snapshot.binding, &snapshot.form, &mut entry);
            })?;
            entry.get(Role::Id).clone_into(&mut ids[at]);
        }
        Ok(ids)
    };
    let old: Vec<u64> = pairs.changed.iter().map(|pair| pair.0).collect();
    let new: Vec<u64> = pairs.changed.iter().map(|pair| pair.1).collect();
    let links: BTreeSet<(String, String)> = ids(&before, &old)?.into_iter().zip(ids(&after, &new)?).collect();
    let mut truth = BTreeSet::new();
    let path = named(folder, "truth_links.csv").context("no truth")?;
    for line in opened(&path)?.lines().skip(1) {
        if let Some((old, new)) = line?.split_once(',') {
            truth.insert((old.to_owned(), new.to_owned()));
        }
    }
    let right = links.intersection(&truth).count() as f64;
    let (precision, recall) = (
        right / links.len().max(1) as f64,
        right / truth.len().max(1) as f64,
    );
    println!(
        "\n{name}: {} links, precision {precision:.5} (expected wrong {:.5}), recall {recall:.5} (expected missed {:.5}), {} pairs \
         compared, {seconds:.1} s wall (floor 0.998 at 0.9999, goal 0.9989)",
        links.len(),
        report.expected_false,
        report.expected_missed,
        report.compared
    );
    Ok(vec![
        json!({"case": format!("linkage/{name}/precision"), "fn": "link", "expect": 0.9999, "got": precision, "pass": precision >= 0.9999}),
        json!({"case": format!("linkage/{name}/recall"), "fn": "link", "expect": 0.9989, "got": recall, "pass": recall >= 0.9989}),
    ])
}

struct Outcome {
    name: String,
    found: usize,
    injected: usize,
    false_flags: usize,
    text: String,
    lines: Vec<Value>,
}

/// Compares the snapshots of a folder, in the order of their names.
pub fn compare(folder: &Path, files: &[String], layout: &Layout, calendar: Calendar) -> Result<Report> {
    let mut comparison = Comparison::new(0x5eed);
    for name in files {
        let path = folder.join(name);
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut bytes: Box<dyn BufRead> = if name.ends_with(".gz") {
            Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(file)))
        } else {
            Box::new(BufReader::new(file))
        };
        let reading = Reading {
            name,
            layout: Arc::new(layout.clone()),
            plain: None,
            scratch: None,
            key: 0x5eed,
        };
        let read = ingest(&reading, &mut *bytes, &mut |_| {})?;
        let lost = read.notes.iter().map(|note| note.lost).sum();
        comparison.add(read.snapshot, lost, &mut |_| {})?;
    }
    let rules = Rules {
        correction: Correction::BenjaminiHochberg,
        calendar,
    };
    Ok(comparison.finish(&rules, &mut |_| {})?)
}

fn one_series(folder: &Path) -> Result<Outcome> {
    let name = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let truth: Value = serde_json::from_str(&fs::read_to_string(folder.join("truth.json"))?)?;
    let layout_name = truth["layout"].as_str().unwrap_or_default();
    let layout = Layout::built_in(layout_name).with_context(|| format!("no layout {layout_name:?}"))?;
    let files: Vec<String> = truth["snapshots"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["file"].as_str().map(str::to_owned))
        .collect();
    ensure!(files.len() > 1, "{name} has fewer than two snapshots");
    let started = Instant::now();
    let report = compare(folder, &files, &layout, Calendar::default())?;
    let seconds = started.elapsed().as_secs_f64();
    let flags = unexplained(&report);
    let mut used = vec![false; flags.len()];
    let mut text = format!("{name}: {} tests, {seconds:.1} s", report.judgement.tests);
    let mut lines = Vec::new();
    let injections: Vec<&Value> = truth["tampering"].as_array().into_iter().flatten().collect();
    let mut found = 0;
    for injection in &injections {
        let county = injection["county"].as_i64().unwrap_or(-1);
        let field = injection["field"].as_str().unwrap_or_default();
        let interval = injection["between"][0].as_u64().unwrap_or(0) as usize;
        let mut is_found = false;
        for (at, flag) in flags.iter().enumerate() {
            let is_there = report.judged[flag.interval] == interval
                && is_place(flag, county, layout_name, &report)
                && is_field(flag, field);
            if is_there {
                is_found = true;
                used[at] = true;
            }
        }
        found += usize::from(is_found);
        text.push_str(&format!(
            "\n  {} {} county {county} {field} n={}",
            if is_found { "found " } else { "MISSED" },
            injection["kind"].as_str().unwrap_or_default(),
            injection["n"]
        ));
        lines.push(json!({
            "case": format!("rolls/{name}/{}", injection["kind"].as_str().unwrap_or_default()),
            "fn": "injection at county and field", "expect": {"county": county, "field": field},
            "got": is_found, "pass": is_found,
        }));
    }
    let mut false_flags = 0;
    for (flag, used) in flags.iter().zip(&used) {
        if !used {
            false_flags += 1;
            text.push_str(&format!("\n  flag   {}", described(flag, &report)));
        }
    }
    for flag in &report.judgement.flags {
        if flag.explanation.is_some() {
            text.push_str(&format!(
                "\n  explained {} {:?}",
                described(flag, &report),
                flag.explanation
            ));
        } else if flag.first().basis == Basis::Fewer {
            text.push_str(&format!("\n  fewer  {}", described(flag, &report)));
        }
    }
    // What an operator does: the county's announcements go into the calendar, and the same files are compared again.
    let announced = announced(&truth, layout_name, &files)?;
    if !announced.events.is_empty() && !flags.is_empty() {
        let again = compare(folder, &files, &layout, announced)?;
        text.push_str(&format!(
            "\n  with a calendar of the announced events: {} unexplained, of {} without",
            unexplained(&again).len(),
            flags.len()
        ));
    }
    Ok(Outcome {
        name,
        found,
        injected: injections.len(),
        false_flags,
        text,
        lines,
    })
}

/// What stands out and nothing explains.
fn unexplained(report: &Report) -> Vec<&Flag> {
    let flags = report.judgement.flags.iter();
    flags
        .filter(|flag| flag.explanation.is_none() && flag.first().basis != Basis::Fewer)
        .collect()
}

/// The calendar that counties would have kept: every documented bulk event of the truth, with its number of entries as the most.
fn announced(truth: &Value, layout: &str, files: &[String]) -> Result<Calendar> {
    let mut text = String::from("from,to,county,event,most\n");
    for event in truth["legit_events"].as_array().into_iter().flatten() {
        let kind = match event["kind"].as_str().unwrap_or_default() {
            "list_maintenance_inactivate" | "list_maintenance_remove" => "list-maintenance",
            "deceased_batch" => "deceased",
            "precinct_renumber" => "precinct-change",
            "street_rename" => "address-change",
            "registration_drive" => "registration-drive",
            _ => continue,
        };
        let county = event["county"].as_u64().unwrap_or(0) as usize;
        let county = if layout == "fl" {
            FLORIDA[county % 12].to_owned()
        } else {
            (county + 1).to_string()
        };
        let week = event["week"].as_u64().unwrap_or(0) as usize;
        let day = files
            .get(week)
            .and_then(|name| pollwatch_rolls::read::date_in_name(name));
        let Some(day) = day else { continue };
        // An announcement of list maintenance tells how many cards were sent, not how many more entries churn adds that week.
        let most = event["n"].as_u64().unwrap_or(0) * 3 / 2 + 20;
        text.push_str(&format!("{day},{day},{county},{kind},{most}\n"));
    }
    Ok(Calendar::parse(&text).map_err(anyhow::Error::msg)?.0)
}

fn described(flag: &Flag, report: &Report) -> String {
    let place = match flag.place {
        Place::Area(area) => report.area(area).0.to_owned(),
        Place::Whole => "statewide".to_owned(),
    };
    let tests: Vec<String> = flag
        .tests
        .iter()
        .map(|test| {
            format!(
                "{} {:?} {} of {:.1} p={:.1e}",
                test.kind.code(),
                test.basis,
                test.observed,
                test.expected,
                test.p
            )
        })
        .collect();
    let skews: Vec<String> = flag
        .skews
        .iter()
        .map(|skew| format!("{}={}", skew.attribute.name(), skew.value))
        .collect();
    format!(
        "interval {} county {place}: {} [{}]",
        report.judged[flag.interval],
        tests.join("; "),
        skews.join(", ")
    )
}

/// The truth numbers counties from 0; -1 is the whole state.
fn is_place(flag: &Flag, county: i64, layout: &str, report: &Report) -> bool {
    match flag.place {
        Place::Whole => county < 0,
        Place::Area(area) => {
            let code = report.area(area).0;
            if layout == "fl" {
                usize::try_from(county).is_ok_and(|at| FLORIDA.get(at % 12) == Some(&code))
            } else {
                code.parse::<i64>().is_ok_and(|number| number == county + 1)
            }
        }
    }
}

/// The truth names columns as the North Carolina file does; several are separated by commas.
fn is_field(flag: &Flag, field: &str) -> bool {
    let north_carolina = Layout::built_in("nc").expect("it comes with the crate");
    field.split([',', '/', '+', ';']).map(str::trim).any(|one| {
        if one.starts_with("(row") {
            return flag.tests.iter().any(|test| {
                matches!(
                    test.kind,
                    Kind::New | Kind::NewOddDate | Kind::GoneActive | Kind::GoneInactive | Kind::GoneRemoved
                )
            });
        }
        let role: Option<Role> = north_carolina
            .fields
            .iter()
            .find(|(_, columns)| columns.iter().any(|column| column.eq_ignore_ascii_case(one)))
            .map(|(role, _)| *role);
        let is_name = |role: Role| matches!(role, Role::LastName | Role::FirstName | Role::MiddleName);
        role.is_some_and(|role| {
            flag.tests.iter().any(|test| {
                test.kind
                    .role()
                    .is_some_and(|found| found == role || (is_name(found) && is_name(role)))
            })
        })
    })
}
