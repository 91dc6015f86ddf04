//! Cases of the intrusion desk: logs of many jurisdictions, of real tools, of many dialects, and single requests.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use pollwatch_intrusion::behave::Window;
use pollwatch_intrusion::event::Event;
use pollwatch_intrusion::lists::{day_or_time, read_assessors, read_indicators};
use pollwatch_intrusion::read::{Format, Reader};
use pollwatch_intrusion::sweep::{Deaf, Listener, Options, Place, SiteReport, Sweep};
use pollwatch_intrusion::{Class, Verdict};

mod requests;

/// Cases of one kind, with how many were right.
struct Cases {
    out: Option<std::io::BufWriter<std::fs::File>>,
    table: Vec<[String; 4]>,
}

impl Cases {
    fn case(
        &mut self,
        name: &str,
        function: &str,
        expect: Value,
        got: Value,
        pass: bool,
    ) -> anyhow::Result<()> {
        if let Some(out) = &mut self.out {
            let line = json!({"case": name, "fn": function, "expect": expect, "got": got, "pass": pass});
            writeln!(out, "{line}").context("cannot write the cases")?;
        }
        Ok(())
    }

    fn row(&mut self, what: &str, got: impl Into<String>, floor: &str, goal: &str) {
        self.table
            .push([what.to_owned(), got.into(), floor.to_owned(), goal.to_owned()]);
    }

    /// A rate, as a row and as a case of its own.
    fn rate(&mut self, what: &str, right: usize, all: usize, floor: f64, goal: f64) -> anyhow::Result<()> {
        let rate = right as f64 / all.max(1) as f64;
        self.row(
            what,
            format!("{rate:.3} ({right} of {all})"),
            &format!("{floor}"),
            &format!("{goal}"),
        );
        self.case(what, "rate", json!(floor), json!(rate), rate >= floor)
    }
}

/// Runs whatever of the folder's parts are there, and prints the table.
pub fn run(dir: &Path, out: Option<&Path>) -> anyhow::Result<()> {
    let out = out
        .map(|path| std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display())))
        .transpose()?
        .map(std::io::BufWriter::new);
    let mut cases = Cases {
        out,
        table: Vec::new(),
    };
    if dir.join("multistate").is_dir() {
        multistate(dir, &mut cases)?;
    }
    if dir.join("coverage").is_dir() {
        coverage(dir, &mut cases)?;
    }
    if dir.join("real-tools").is_dir() {
        real_tools(dir, &mut cases)?;
    }
    if dir.join("requests").is_dir() {
        requests::run(dir, &mut cases)?;
    }
    if dir.join("formats").is_dir() {
        formats(dir, &mut cases)?;
        scenarios(dir, &mut cases)?;
    }
    for place in ["big", "."] {
        let log = dir.join(place).join("access.log");
        if log.is_file() {
            big(&log, &mut cases)?;
        }
    }
    let width = cases
        .table
        .iter()
        .map(|row| row[0].chars().count())
        .max()
        .unwrap_or(0);
    println!(
        "{:<width$}  {:>28}  {:>10}  {:>8}",
        "intrusion", "got", "floor", "goal"
    );
    for [what, got, floor, goal] in &cases.table {
        println!("{what:<width$}  {got:>28}  {floor:>10}  {goal:>8}");
    }
    if let Some(mut out) = cases.out {
        out.flush().context("cannot write the cases")?;
    }
    Ok(())
}

/// The bytes of a file, gzip taken off.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut plain)
            .with_context(|| format!("cannot unpack {}", path.display()))?;
        return Ok(plain);
    }
    Ok(bytes)
}

/// Rows of a table with a heading, as maps.
fn table(path: &Path) -> anyhow::Result<Vec<BTreeMap<String, String>>> {
    let text = String::from_utf8(read(path)?).context("a table is UTF-8")?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    Ok(lines
        .map(|line| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .zip(line.split('\t').map(str::to_owned))
                .collect()
        })
        .collect())
}

fn logs(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .with_context(|| format!("cannot list {}", dir.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = name_of(path);
            name.ends_with(".log") || name.ends_with(".log.gz")
        })
        .collect();
    found.sort();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn options(dir: &Path) -> anyhow::Result<Options> {
    let mut options = Options::new("2026-12-01T00:00:00Z".parse::<Timestamp>()?);
    let list = dir.join("indicators/indicators.csv");
    if list.is_file() {
        options.indicators = read_indicators("indicators.csv", &std::fs::read_to_string(list)?).0;
    }
    // The declared assessor of the cases' README.
    options.assessors = read_assessors("assessors", "192.0.2.250,declared assessor\n").0;
    Ok(options)
}

fn sweep_one(sweep: &mut Sweep, jurisdiction: &str, name: &str, bytes: &[u8]) {
    sweep.read(
        jurisdiction,
        name,
        &Format::Sniffed,
        Place::default(),
        &mut BufReader::new(bytes),
        &mut Deaf,
    );
}

fn multistate(dir: &Path, cases: &mut Cases) -> anyhow::Result<()> {
    let folder = dir.join("multistate");
    let mut sweep = Sweep::new(options(dir)?);
    let mut lines_in_all = 0usize;
    for path in logs(&folder)? {
        let name = name_of(&path);
        let bytes = read(&path)?;
        lines_in_all += memchr_count(&bytes);
        let jurisdiction = name.split('.').next().unwrap_or_default().to_owned();
        sweep_one(&mut sweep, &jurisdiction, &name, &bytes);
    }
    let reports = sweep.finish();
    let truth: BTreeMap<String, String> = table(&folder.join("truth_jurisdictions.tsv"))?
        .into_iter()
        .map(|row| (row["jurisdiction"].clone(), row["verdict"].clone()))
        .collect();
    let mut right = 0;
    let mut by_verdict: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (jurisdiction, expect) in &truth {
        let got = reports
            .iter()
            .find(|report| report.jurisdiction == *jurisdiction)
            .map_or(Verdict::None, SiteReport::verdict);
        let pass = got.word() == expect;
        right += usize::from(pass);
        let count = by_verdict.entry(expect.clone()).or_default();
        count.0 += usize::from(pass);
        count.1 += 1;
        cases.case(jurisdiction, "multistate", json!(expect), json!(got.word()), pass)?;
        if !pass {
            println!("miss: {jurisdiction} is {expect}, got {got}");
            for report in reports
                .iter()
                .filter(|report| report.jurisdiction == *jurisdiction)
            {
                for actor in &report.actors {
                    println!(
                        "      {} {} {:?} {}",
                        actor.verdict,
                        actor.class,
                        actor.addresses.first(),
                        actor.held[0].says
                    );
                }
            }
        }
    }
    cases.row(
        "multistate: verdict exact",
        format!("{right} of {}", truth.len()),
        "46",
        "49",
    );
    for (verdict, (right, all)) in &by_verdict {
        cases.row(&format!("  {verdict}"), format!("{right} of {all}"), "", "");
    }
    let mut raised = 0;
    for row in table(&folder.join("truth_actors.tsv"))? {
        let Some(report) = reports
            .iter()
            .find(|report| report.jurisdiction == row["jurisdictions"])
        else {
            continue;
        };
        let of_actor: Vec<_> = report
            .actors
            .iter()
            .filter(|actor| {
                actor.addresses.iter().any(|address| {
                    row["ips_first10"]
                        .split(',')
                        .any(|known| known == address.to_string())
                })
            })
            .collect();
        let wrong = match row["verdict"].as_str() {
            "authorised" => {
                of_actor.iter().any(|actor| actor.verdict != Verdict::Authorised) || of_actor.is_empty()
            }
            "contact" => of_actor.iter().any(|actor| actor.verdict > Verdict::Contact),
            _ => false,
        };
        raised += usize::from(wrong);
        if matches!(row["verdict"].as_str(), "authorised" | "contact") {
            let got: Vec<&str> = of_actor.iter().map(|actor| actor.verdict.word()).collect();
            cases.case(
                &row["actor"],
                "not raised",
                json!(row["verdict"]),
                json!(got),
                !wrong,
            )?;
        }
    }
    cases.row(
        "multistate: authorised counted or contact raised",
        raised.to_string(),
        "0",
        "0",
    );
    campaigns(&folder, &reports, cases)?;
    actors(&folder.join("truth_lines.tsv.gz"), &reports, "multistate", cases)?;
    lines(
        &folder.join("truth_lines.tsv.gz"),
        &reports,
        lines_in_all,
        "multistate",
        cases,
    )
}

fn campaigns(folder: &Path, reports: &[SiteReport], cases: &mut Cases) -> anyhow::Result<()> {
    let mut members: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for report in reports {
        for actor in &report.actors {
            if let Some(campaign) = &actor.campaign {
                members.entry(campaign).or_default().insert(&report.jurisdiction);
            }
        }
    }
    let truth: BTreeSet<String> = table(&folder.join("truth_actors.tsv"))?
        .into_iter()
        .filter(|row| row["actor"].starts_with("CAMP1-"))
        .map(|row| row["jurisdictions"].clone())
        .collect();
    let best = members
        .values()
        .max_by_key(|found| found.iter().filter(|one| truth.contains(**one)).count());
    let inside = best.map_or(0, |found| {
        found.iter().filter(|one| truth.contains(**one)).count()
    });
    let outside: usize = members
        .values()
        .map(|found| found.iter().filter(|one| !truth.contains(**one)).count())
        .sum();
    cases.row(
        "multistate: campaign, members found / outsiders",
        format!("{inside} of {} / {outside}", truth.len()),
        "12 / 0",
        "14 / 0",
    );
    cases.case(
        "campaign",
        "multistate",
        json!(truth.len()),
        json!([inside, outside]),
        inside >= 12 && outside == 0,
    )
}

/// Recall of labelled lines by class, and innocent lines that were flagged.
fn lines(
    truth: &Path,
    reports: &[SiteReport],
    all_lines: usize,
    what: &str,
    cases: &mut Cases,
) -> anyhow::Result<()> {
    let mut flagged: BTreeMap<(String, u64), Class> = BTreeMap::new();
    for report in reports {
        for actor in &report.actors {
            for (place, class) in &actor.lines {
                let kept = &report.site.kept[*place as usize];
                flagged.insert(
                    (report.site.files[kept.file as usize].name.clone(), kept.line),
                    *class,
                );
            }
        }
    }
    let mut by_class: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    let mut labelled: BTreeSet<(String, u64)> = BTreeSet::new();
    for row in table(truth)? {
        let key = (row["file"].clone(), row["line"].parse::<u64>()?);
        let count = by_class.entry(row["class"].clone()).or_default();
        count.1 += 1;
        if let Some(class) = flagged.get(&key) {
            count.0 += 1;
            count.2 += usize::from(class.word() == row["class"]);
        }
        labelled.insert(key);
    }
    for (class, (found, all, same)) in &by_class {
        cases.rate(
            &format!("{what}: flagged lines, {class}"),
            *found,
            *all,
            0.95,
            0.99,
        )?;
        if same != found {
            cases.row("  of them under that very class", format!("{same}"), "", "");
        }
    }
    let innocent: Vec<_> = flagged.keys().filter(|key| !labelled.contains(*key)).collect();
    let rate = innocent.len() as f64 * 100_000.0 / all_lines.max(1) as f64;
    for (file, line) in innocent.iter().take(10) {
        println!(
            "innocent line flagged: {file}:{line} {}",
            flagged[&(file.clone(), *line)]
        );
    }
    cases.row(
        &format!("{what}: innocent lines flagged per 100,000"),
        format!("{rate:.2} ({} of {all_lines})", innocent.len()),
        "5",
        "1",
    );
    cases.case(
        &format!("{what} innocent"),
        "rate",
        json!(5),
        json!(rate),
        rate <= 5.0,
    )
}

/// Whether clients were rightly told apart and joined: of all pairs of clients of one jurisdiction that we put into one actor,
/// how many are one by the truth, and of all pairs that are one by the truth, how many we put together.
fn actors(truth: &Path, reports: &[SiteReport], what: &str, cases: &mut Cases) -> anyhow::Result<()> {
    let mut of_line: BTreeMap<(String, u64), String> = BTreeMap::new();
    for row in table(truth)? {
        of_line.insert((row["file"].clone(), row["line"].parse()?), row["actor"].clone());
    }
    let (mut joined, mut rightly, mut ones) = (0u64, 0u64, 0u64);
    let (mut found, mut mixed, mut split) = (0usize, 0usize, 0usize);
    let pairs = |count: u64| count * count.saturating_sub(1) / 2;
    for report in reports {
        // By the truth a client may be several actors: it is one address, and counts as the one that has most of its lines.
        let mut counts: BTreeMap<u32, BTreeMap<&str, u64>> = BTreeMap::new();
        for kept in &report.site.kept {
            let key = (report.site.files[kept.file as usize].name.clone(), kept.line);
            if let Some(actor) = of_line.get(&key) {
                *counts.entry(kept.client).or_default().entry(actor).or_default() += 1;
            }
        }
        let truth: BTreeMap<u32, &str> = counts
            .iter()
            .filter_map(|(client, counts)| {
                Some((*client, *counts.iter().max_by_key(|(_, count)| **count)?.0))
            })
            .collect();
        let mut of_truth: BTreeMap<&str, u64> = BTreeMap::new();
        for actor in truth.values() {
            *of_truth.entry(actor).or_default() += 1;
        }
        ones += of_truth.values().map(|count| pairs(*count)).sum::<u64>();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for actor in &report.actors {
            let mut of_actor: BTreeMap<&str, u64> = BTreeMap::new();
            for client in &actor.clients {
                if let Some(name) = truth.get(client) {
                    *of_actor.entry(name).or_default() += 1;
                }
            }
            found += 1;
            mixed += usize::from(of_actor.len() > 1);
            joined += pairs(actor.clients.len() as u64);
            rightly += of_actor.values().map(|count| pairs(*count)).sum::<u64>();
            for name in of_actor.keys() {
                *places.entry(name).or_default() += 1;
            }
        }
        split += places.values().filter(|count| **count > 1).count();
    }
    cases.rate(
        &format!("{what}: pairs of clients joined that are one"),
        rightly as usize,
        joined as usize,
        0.99,
        1.0,
    )?;
    cases.rate(
        &format!("{what}: pairs that are one and were joined"),
        rightly as usize,
        ones as usize,
        0.95,
        0.99,
    )?;
    cases.row(
        &format!("  of {found} actors, mixed of two / split in two"),
        format!("{mixed} / {split}"),
        "",
        "0 / 0",
    );
    Ok(())
}

fn memchr_count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn coverage(dir: &Path, cases: &mut Cases) -> anyhow::Result<()> {
    let folder = dir.join("coverage");
    let truth = table(&folder.join("truth_coverage.tsv"))?;
    let mut options = options(dir)?;
    let bound = |text: &str, is_end| day_or_time(text, is_end).map(|time| time.as_millisecond());
    if let Some(row) = truth.first()
        && let (Some(from_ms), Some(to_ms)) = (
            bound(&row["window_first"], false),
            bound(&row["window_last"], true),
        )
    {
        options.window = Some(Window { from_ms, to_ms });
    }
    let mut sweep = Sweep::new(options);
    for row in &truth {
        sweep.expect(&row["jurisdiction"]);
    }
    for path in logs(&folder)? {
        let name = name_of(&path);
        let jurisdiction = name.split('.').next().unwrap_or_default().to_owned();
        sweep_one(&mut sweep, &jurisdiction, &name, &read(&path)?);
    }
    let reports = sweep.finish();
    let (mut exact, mut within, mut false_none) = (0, 0, 0);
    for row in &truth {
        let expect: Vec<(String, String)> = match row["missing_first"].as_str() {
            "" => Vec::new(),
            first => vec![(first.to_owned(), row["missing_last"].clone())],
        };
        let report = reports
            .iter()
            .find(|report| report.jurisdiction == row["jurisdiction"])
            .context("a jurisdiction that was expected is reported")?;
        let got: Vec<(String, String)> = report
            .seen
            .missing_spans()
            .iter()
            .map(|(from, to)| (from.to_string(), to.to_string()))
            .collect();
        let pass = got == expect;
        exact += usize::from(pass);
        let days: i64 = row["missing_days"].parse().unwrap_or(0);
        within += usize::from((report.seen.missing_days.len() as i64 - days).abs() <= 1);
        false_none += usize::from(days > 0 && report.seen.is_complete());
        if !pass {
            println!("miss: {} misses {expect:?}, got {got:?}", row["jurisdiction"]);
        }
        cases.case(&row["jurisdiction"], "coverage", json!(expect), json!(got), pass)?;
    }
    cases.row(
        "coverage: missing days exact / within a day",
        format!("{exact} / {within} of {}", truth.len()),
        "within",
        "exact",
    );
    cases.row(
        "coverage: \"no sign\" over a missing day",
        false_none.to_string(),
        "0",
        "0",
    );
    cases.case(
        "none over a missing day",
        "coverage",
        json!(0),
        json!(false_none),
        false_none == 0,
    )
}

fn real_tools(dir: &Path, cases: &mut Cases) -> anyhow::Result<()> {
    let folder = dir.join("real-tools");
    let mut right = 0;
    let truth = table(&folder.join("labels.tsv"))?;
    for row in &truth {
        let mut sweep = Sweep::new(options(dir)?);
        sweep_one(
            &mut sweep,
            "site",
            &row["file"],
            &read(&folder.join(&row["file"]))?,
        );
        let reports = sweep.finish();
        let actor = reports[0].actors.first();
        let got = actor.map_or(("none", "none"), |actor| {
            (actor.class.word(), actor.verdict.word())
        });
        let verdict_right = match row["class"].as_str() {
            // A scanner that also sends injections may be either (README of the cases).
            "scanner" => matches!(got.1, "scanned" | "attempted"),
            _ => got.1 == row["verdict"],
        };
        let pass = verdict_right && got.0 == row["class"];
        right += usize::from(pass);
        if !pass {
            println!(
                "miss: {} is {} {}, got {} {}",
                row["file"], row["class"], row["verdict"], got.0, got.1
            );
            for held in actor.iter().flat_map(|actor| &actor.held) {
                println!(
                    "      {} {} {}: {}",
                    held.class, held.verdict, held.rule, held.says
                );
            }
        }
        cases.case(
            &row["file"],
            "real-tools",
            json!([row["class"], row["verdict"]]),
            json!([got.0, got.1]),
            pass,
        )?;
    }
    cases.row(
        "real-tools: class and verdict",
        format!("{right} of {}", truth.len()),
        "7 of 8",
        "8 of 8",
    );
    Ok(())
}

/// Fields of the expected events that we have, with the names that the cases give them.
fn field(event: &Event<'_>, name: &str) -> Option<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(match name {
        "meta.source_ip" | "parsed.clientip" => {
            event.client.map(|client| client.to_string()).unwrap_or_default()
        }
        "meta.http_verb" | "parsed.verb" => text(event.method),
        "meta.http_path" | "parsed.request" => text(event.target),
        "meta.http_status" | "parsed.response" => {
            event.status.map(|status| status.to_string()).unwrap_or_default()
        }
        "parsed.bytes" => event.bytes.map(|bytes| bytes.to_string()).unwrap_or_default(),
        "meta.http_user_agent" => text(event.agent),
        "parsed.http_referer" => text(event.referer),
        "parsed.target_fqdn" => text(event.host),
        "timestamp" => event
            .time_ms
            .and_then(|ms| Timestamp::from_millisecond(ms).ok())
            .map(|time| time.to_string())
            .unwrap_or_default(),
        _ => return None,
    })
}

fn formats(dir: &Path, cases: &mut Cases) -> anyhow::Result<()> {
    let folder = dir.join("formats");
    let (mut right, mut all) = (0, 0);
    for path in logs(&folder)? {
        let name = name_of(&path);
        if name.starts_with("scn_") {
            continue;
        }
        let expect_path = folder.join(name.replace(".log.gz", ".expect.jsonl.gz"));
        let expect = String::from_utf8(read(&expect_path)?)?;
        let bytes = read(&path)?;
        let mut reader = Reader::new(&Format::Sniffed, options(dir)?.now.as_millisecond());
        let mut scratch = Vec::new();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let (mut right_here, mut all_here) = (0, 0);
        let expect: Vec<Value> = expect
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        let survivors = survivors(&expect);
        for row in &expect {
            let Some(line) = row["event"].as_u64().and_then(|event| {
                let is_later = row["stage"] == "s02-enrich" && !survivors.is_empty();
                let place = if is_later {
                    *survivors.get(event as usize)?
                } else {
                    event
                };
                lines.get(place as usize)
            }) else {
                continue;
            };
            reader.declares(line, false);
            let laid = reader.read(line, &mut scratch);
            let event = laid.map(|(_, fields)| fields.event(line, &scratch));
            for (name, value) in row["fields"].as_object().into_iter().flatten() {
                let wanted = value.as_str().unwrap_or_default();
                let Some(got) = field(&event.unwrap_or_default(), name) else {
                    continue;
                };
                let same = same_value(name, wanted, &got) || is_path_of(name, row, &got);
                right_here += usize::from(same);
                all_here += 1;
                if !same {
                    println!(
                        "field: {} event {} {name}: wanted {wanted:?}, got {got:?}",
                        name_of(&path),
                        row["event"]
                    );
                }
                cases.case(
                    &format!("{}:{}:{name}", name_of(&path), row["event"]),
                    "formats",
                    json!(wanted),
                    json!(got),
                    same,
                )?;
            }
        }
        cases.row(
            &format!("  formats: {name}"),
            format!("{right_here} of {all_here}"),
            "",
            "",
        );
        right += right_here;
        all += all_here;
    }
    cases.rate("formats: expected fields", right, all, 0.97, 1.0)
}

/// The lines that the last parser of the first stage took, in order: the second stage counts those alone.
fn survivors(expect: &[Value]) -> Vec<u64> {
    let of_first = || expect.iter().filter(|row| row["stage"] == "s01-parse");
    let Some(last) = of_first().next_back().map(|row| &row["parser"]) else {
        return Vec::new();
    };
    of_first()
        .filter(|row| row["parser"] == *last)
        .filter_map(|row| row["event"].as_u64())
        .collect()
}

/// Whether the row tells path and query apart, and they are ours together.
fn is_path_of(name: &str, row: &Value, got: &str) -> bool {
    let query = row["fields"]["parsed.http_args"].as_str();
    name == "parsed.request"
        && query.is_some_and(|query| {
            row["fields"][name]
                .as_str()
                .is_some_and(|path| format!("{path}?{query}") == got)
        })
}

fn same_value(name: &str, wanted: &str, got: &str) -> bool {
    if wanted == got || (wanted == "-" && got.is_empty()) {
        return true;
    }
    match name {
        "meta.source_ip" | "parsed.clientip" => {
            let address = |text: &str| {
                text.parse::<std::net::IpAddr>()
                    .map(|address| address.to_canonical())
                    .ok()
            };
            address(wanted).is_some() && address(wanted) == address(got)
        }
        "timestamp" => {
            let time = |text: &str| text.parse::<Timestamp>().ok().map(|time| time.as_millisecond());
            time(wanted).is_some() && time(wanted) == time(got)
        }
        // The path without its query is meant where the expectation has none.
        "meta.http_path" => got.split('?').next() == Some(wanted),
        // W3C writes a plus for a blank; the cases left them as they stand.
        "meta.http_user_agent" => wanted.replace('+', " ") == got.replace('+', " "),
        _ => false,
    }
}

/// The class that a scenario of the cases stands for, by the words of its name.
fn class_of_scenario(name: &str) -> &'static [Class] {
    let holds = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if holds(&["bf", "bruteforce", "user-enum", "user_enum", "-enum", "brute"])
        && !holds(&["wordpress_user-enum"])
    {
        return &[Class::Bruteforce, Class::CredStuff];
    }
    if holds(&["sqli"]) {
        return &[Class::Sqli];
    }
    if holds(&["xss"]) {
        return &[Class::Xss];
    }
    if holds(&["path-traversal", "41773"]) {
        return &[Class::Traversal, Class::KnownHole, Class::Rce];
    }
    if holds(&["log4j", "cve", "backdoor"]) {
        return &[
            Class::KnownHole,
            Class::Java,
            Class::Rce,
            Class::WebShell,
            Class::Scanner,
        ];
    }
    if holds(&[
        "user-agent",
        "sensitive",
        "w00tw00t",
        "admin-interface",
        "technology",
        "wpconfig",
        "probing",
        "scan",
        "open-proxy",
        "test",
    ]) {
        return &[
            Class::Scanner,
            Class::Dirbust,
            Class::KnownHole,
            Class::SsrfSsti,
            Class::Rfi,
            Class::Protocol,
        ];
    }
    if holds(&["crawl", "user-enum", "wordpress"]) {
        return &[Class::Dirbust, Class::Enumeration, Class::Scanner];
    }
    &[]
}

fn scenarios(dir: &Path, cases: &mut Cases) -> anyhow::Result<()> {
    let folder = dir.join("formats");
    let (mut right, mut all, mut foreign) = (0, 0, 0);
    let mut said = Vec::new();
    let mut quiet = 0;
    for row in table(&folder.join("scenario_expect.tsv"))? {
        let name = format!("scn_{}.log.gz", row["test"]);
        let mut sweep = Sweep::new(options(dir)?);
        sweep_one(&mut sweep, "site", &name, &read(&folder.join(&name))?);
        let report = sweep.finish().swap_remove(0);
        let got: BTreeSet<Class> = report
            .actors
            .iter()
            .flat_map(|actor| actor.classes.iter().copied())
            .collect();
        let words: Vec<&str> = got.iter().map(|class| class.word()).collect();
        if row
            .get("scenarios_expected")
            .is_none_or(|expected| expected.is_empty())
        {
            quiet += 1;
            if !got.is_empty() {
                said.push(name.clone());
            }
            cases.case(&name, "scenario quiet", json!([]), json!(words), got.is_empty())?;
            continue;
        }
        let wanted: BTreeSet<Class> = row["scenarios_expected"]
            .split(',')
            .flat_map(|scenario| class_of_scenario(scenario.rsplit('/').next().unwrap_or_default()))
            .copied()
            .collect();
        // A log that we do not claim to read, or a scenario that is no attack of ours (denial of service, travel).
        let is_claimed = report.seen.share_read() >= 0.5 && !wanted.is_empty();
        if !is_claimed {
            foreign += 1;
            println!(
                "not claimed: {name} (read {:.2}) {} got {words:?}",
                report.seen.share_read(),
                row["scenarios_expected"]
            );
            continue;
        }
        let pass = got.intersection(&wanted).next().is_some();
        right += usize::from(pass);
        all += 1;
        if !pass {
            println!(
                "scenario: {name} wanted {}, got {words:?}",
                row["scenarios_expected"]
            );
        }
        cases.case(
            &name,
            "scenario",
            json!(row["scenarios_expected"]),
            json!(words),
            pass,
        )?;
    }
    cases.rate("scn: right class where one must fire", right, all, 0.80, 0.95)?;
    cases.row(
        "scn: in dialects or of kinds not claimed",
        foreign.to_string(),
        "",
        "",
    );
    for path in logs(&folder)? {
        let name = name_of(&path);
        if name.starts_with("scn_") {
            continue;
        }
        quiet += 1;
        let mut sweep = Sweep::new(options(dir)?);
        sweep_one(&mut sweep, "site", &name, &read(&path)?);
        let report = sweep.finish().swap_remove(0);
        let words: Vec<String> = report
            .actors
            .iter()
            .map(|actor| format!("{} {}", actor.verdict, actor.held[0].says))
            .collect();
        if !words.is_empty() {
            println!("said on {name}: {words:?}");
            said.push(name.clone());
        }
        cases.case(&name, "format quiet", json!([]), json!(words), words.is_empty())?;
    }
    cases.row(
        "scn and formats: anything said where none is expected",
        format!("{} of {quiet}", said.len()),
        "printed",
        "0",
    );
    Ok(())
}

fn big(log: &Path, cases: &mut Cases) -> anyhow::Result<()> {
    let dir = log.parent().unwrap_or(Path::new("."));
    let count = |threads: usize| -> anyhow::Result<(f64, usize, Vec<SiteReport>)> {
        let mut options = Options::new("2026-12-01T00:00:00Z".parse::<Timestamp>()?);
        options.threads = threads;
        let mut sweep = Sweep::new(options);
        let file = std::fs::File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
        let mut stream: Box<dyn BufRead> = Box::new(BufReader::with_capacity(1 << 20, file));
        let mut lines = Counter(0);
        let begun = Instant::now();
        sweep.read(
            "XX",
            "access.log",
            &Format::Sniffed,
            Place::default(),
            &mut stream,
            &mut lines,
        );
        let reading = begun.elapsed().as_secs_f64();
        let reports = sweep.finish();
        println!(
            "big: read in {reading:.2} s, judged in {:.2} s",
            begun.elapsed().as_secs_f64() - reading
        );
        Ok((begun.elapsed().as_secs_f64(), lines.0 as usize, reports))
    };
    let (seconds, all, reports) = count(1)?;
    cases.row(
        "big: lines a second, one thread",
        format!("{:.2} M", all as f64 / seconds / 1e6),
        "0.8 M",
        "1.5 M",
    );
    drop(reports);
    let (seconds, _, reports) = count(2)?;
    cases.row(
        "big: lines a second, two threads",
        format!("{:.2} M", all as f64 / seconds / 1e6),
        "1.4 M",
        "2.5 M",
    );
    if let Ok(status) = std::fs::read_to_string("/proc/self/status")
        && let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM"))
    {
        cases.row(
            "big: peak memory",
            peak.split_whitespace().skip(1).collect::<Vec<_>>().join(" "),
            "250 MB",
            "150 MB",
        );
    }
    for report in &reports {
        for actor in &report.actors {
            println!(
                "big: {} {} {:?} {} lines",
                actor.verdict,
                actor.class,
                actor.addresses.first(),
                actor.lines.len()
            );
        }
    }
    let truth = ["truth_lines.tsv", "truth_lines.tsv.gz"]
        .iter()
        .map(|name| dir.join(name))
        .find(|path| path.is_file());
    match truth {
        Some(truth) => {
            actors(&truth, &reports, "big", cases)?;
            lines(&truth, &reports, all, "big", cases)
        }
        None => Ok(()),
    }
}

/// Counts lines.
struct Counter(u64);

impl Listener for Counter {
    fn problem(&mut self, _: pollwatch_model::Problem) {}

    fn lines(&mut self, lines: u64) -> bool {
        self.0 += lines;
        true
    }
}
