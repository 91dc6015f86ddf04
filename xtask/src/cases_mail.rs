//! The cases of `mail`: real messages with labels, hand-written ones with known answers, and the suites of authentication.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use pollwatch_mail::campaign::{Traits, campaigns};
use pollwatch_mail::examine::{Examiner, Judged};
use pollwatch_mail::indicator::Role;
use pollwatch_mail::judge::{Band, Verdict};
use pollwatch_mail::signal::Group;
use pollwatch_model::Register;
use serde_json::{Value, json};

/// A message of the corpus with its label.
pub struct Labelled {
    /// `ham/…`.
    pub file: String,
    /// `phish`, `ham`, `spam`.
    pub label: String,
    /// `credential`, `other`, …
    pub sub: String,
    /// Where it comes from.
    pub source: String,
    /// Date of the message, as the label has it.
    pub date: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Reads every file of a tar archive packed with zstd.
fn unpack(path: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let file = fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut decoder = zstd::stream::read::Decoder::new(file)?;
    decoder.window_log_max(27)?;
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(decoder).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let name = entry
                .path()?
                .to_string_lossy()
                .trim_start_matches("./")
                .to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.insert(name, bytes);
        }
    }
    Ok(files)
}

/// The corpus with its labels, in the order of the label file.
pub fn corpus(dir: &Path) -> Result<Vec<Labelled>> {
    let mut files = unpack(&dir.join("corpus.tar.zst"))?;
    let mut rows = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .quoting(false)
        .from_path(dir.join("labels.tsv"))?;
    let mut all = Vec::new();
    for record in rows.records() {
        let record = record?;
        let field = |at: usize| record.get(at).unwrap_or_default().to_owned();
        if let Some(bytes) = files.remove(&field(0)) {
            all.push(Labelled {
                file: field(0),
                label: field(1),
                sub: field(2),
                source: field(3),
                date: field(5),
                bytes,
            });
        }
    }
    Ok(all)
}

/// The register that `org.json` describes.
pub fn register(dir: &Path) -> Result<Arc<Register>> {
    let org: Value = serde_json::from_str(&fs::read_to_string(dir.join("org.json"))?)?;
    let strings = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect()
    };
    let ids: Vec<String> = strings(&org["trusted_authserv_ids"])
        .iter()
        .filter_map(|id| id.split_whitespace().next().map(str::to_owned))
        .collect();
    let mut text = String::from("schema = 1\nowner = \"cases\"\n");
    let quoted = |list: &[String]| serde_json::to_string(list).unwrap_or_default();
    let mut number = 0;
    let mut add = |name: &str, kind: &str, domains: &[String], more: &str| {
        number += 1;
        text.push_str(&format!(
            "[[target]]\nid = \"t{number}\"\nname = {}\nkind = \"{kind}\"\ndomains = {}\n{more}",
            json!(name),
            quoted(domains)
        ));
    };
    for (at, one) in org["organisations"].as_array().into_iter().flatten().enumerate() {
        let name = one["name"].as_str().unwrap_or_default();
        let people: Vec<String> = strings(&one["vips"])
            .iter()
            .map(|vip| {
                let (name, role) = vip.split_once(" (").unwrap_or((vip, ""));
                format!(
                    "{{ name = {}, role = {} }}",
                    json!(name),
                    json!(role.trim_end_matches(')'))
                )
            })
            .collect();
        let boundary = if at == 0 {
            format!("mail = {{ authserv_ids = {} }}\n", quoted(&ids))
        } else {
            String::new()
        };
        let kind = if one["role"] == "campaign" {
            "campaign"
        } else {
            "office"
        };
        let more = format!(
            "partners = {}\npeople = [{}]\n{boundary}",
            quoted(&strings(&one["partners"])),
            people.join(", ")
        );
        add(name, kind, &strings(&one["domains"]), &more);
        for vendor in one["vendors"].as_array().into_iter().flatten() {
            add(
                vendor["name"].as_str().unwrap_or_default(),
                "vendor",
                &strings(&vendor["domains"]),
                "",
            );
        }
    }
    let (register, problems) = Register::parse("org.json", &text, &|name| pollwatch_names::protectable(name))
        .with_context(|| format!("the register made of org.json cannot be read:\n{text}"))?;
    for problem in problems {
        println!("org.json: {problem:?}");
    }
    Ok(Arc::new(register))
}

/// The slice of ham that a source belongs to.
pub fn slice(source: &str) -> &'static str {
    let lower = source.to_lowercase();
    if lower.contains("csdmc") || lower.contains("thoughtful") {
        "CSDMC"
    } else if lower.contains("sisimai") {
        "bounces"
    } else if lower.contains("mail-and-packages") {
        "delivery notices"
    } else if lower.contains("llm-evals") {
        "campaign texts"
    } else if lower.contains("spamassassin") {
        "SpamAssassin 2002"
    } else {
        "lists"
    }
}

struct Table {
    rows: Vec<(String, String, String)>,
    lines: Vec<Value>,
}

impl Table {
    fn row(&mut self, name: impl Into<String>, got: impl Into<String>, floor: &str) {
        self.rows.push((name.into(), got.into(), floor.to_owned()));
    }

    /// A message with the signals that it gave, so that a miss can be understood.
    fn judged(&mut self, case: &str, function: &str, expect: &str, judged: &Judged, pass: bool) {
        let signals: Vec<Value> = judged
            .scored
            .weighed
            .iter()
            .map(|one| json!([one.seen.signal.id(), (one.weight * 100.0).round() / 100.0]))
            .collect();
        self.lines.push(json!({"case": case, "fn": function, "expect": expect, "got": judged.scored.verdict.word(), "pass": pass,
            "score": judged.scored.score, "signals": signals}));
    }

    fn line(&mut self, case: &str, function: &str, expect: Value, got: Value, pass: bool) {
        self.lines
            .push(json!({"case": case, "fn": function, "expect": expect, "got": got, "pass": pass}));
    }
}

/// Whether a message has a strong signal of CLAIM or PATH.
fn has_strong(judged: &Judged) -> bool {
    judged
        .scored
        .weighed
        .iter()
        .any(|one| one.band == Band::Strong && matches!(one.group, Group::Claim | Group::Path))
}

fn worst(all: &[Judged]) -> Option<&Judged> {
    all.iter().max_by(|a, b| {
        (a.scored.verdict, a.scored.probability)
            .partial_cmp(&(b.scored.verdict, b.scored.probability))
            .unwrap_or(std::cmp::Ordering::Equal)
    })
}

fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// Runs the folder, prints the table, and writes one line a case to `out`.
pub fn run(dir: &Path, out: Option<&Path>) -> Result<()> {
    let mut table = Table {
        rows: Vec::new(),
        lines: Vec::new(),
    };
    let register = register(dir)?;
    let examiner = Examiner::new(Arc::clone(&register), None);
    if dir.join("corpus.tar.zst").is_file() {
        real(dir, &examiner, &mut table)?;
    }
    if dir.join("cases.jsonl").is_file() {
        handmade(dir, &examiner, &mut table)?;
    }
    if dir.join("auth-suites").is_dir() {
        for (suite, rows) in crate::cases_mail_auth::run(&dir.join("auth-suites"))? {
            let right = rows.iter().filter(|row| row.pass).count();
            table.row(suite, format!("{right} of {}", rows.len()), "98 % / all");
            for row in rows {
                table.line(&row.case, suite, row.expect, row.got, row.pass);
            }
        }
    }
    if let Some(path) = out {
        let text: String = table.lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{:<64} {:>18}   floor", "mail", "got");
    for (name, got, floor) in &table.rows {
        println!("{name:<64} {got:>18}   {floor}");
    }
    Ok(())
}

/// A token of the corpus that tells its label and means nothing: the README of the cases lists them.
type Leak = (&'static str, fn(&[u8]) -> Vec<u8>);

/// What the corpus leaks, each with the change that takes it out of a message.
const LEAKS: &[Leak] = &[
    ("the honeypot's addresses", |mail| {
        let mail = replaced(mail, b"phishing@pot", b"pat@office");
        replaced(
            &replaced(&mail, b"victim-", b"staff-"),
            b"@pot.example",
            b"@office.example",
        )
    }),
    ("Authentication-Results", |mail| {
        without_fields(mail, &["authentication-results", "received-spf", "arc-"])
    }),
    ("List-Id, List-Unsubscribe and the like", |mail| {
        without_fields(mail, &["list-", "precedence", "mailing-list"])
    }),
    ("transport headers", |mail| {
        without_fields(mail, &["received", "x-", "return-path", "delivered-to"])
    }),
    ("marks of the pseudonyms", |mail| {
        let mail = replaced(
            &replaced(mail, b"csmining.org", b"office.example"),
            b"Person ",
            b"Robin ",
        );
        replaced(&mail, b"@lists.ettus.com", b"@lists.office.example")
    }),
    ("age", |mail| without_fields(mail, &["date"])),
];

fn replaced(mail: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len());
    let mut at = 0;
    while at < mail.len() {
        if mail[at..].starts_with(what) {
            out.extend_from_slice(with);
            at += what.len();
        } else {
            out.push(mail[at]);
            at += 1;
        }
    }
    out
}

/// The message without header fields whose name begins with one of `names`.
fn without_fields(mail: &[u8], names: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len());
    let (mut is_header, mut is_dropped) = (true, false);
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if is_header {
            let is_end = line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
            if is_end {
                is_header = false;
            } else if !matches!(line[0], b' ' | b'\t') {
                let head = String::from_utf8_lossy(&line[..line.len().min(40)]).to_ascii_lowercase();
                is_dropped = names.iter().any(|name| head.starts_with(name));
            }
            if is_header && is_dropped {
                continue;
            }
        }
        out.extend_from_slice(line);
    }
    out
}

/// Recall on credential phishing and alarms on ham with one leak after another taken out, and with all.
fn ablation(corpus: &[Labelled], examiner: &Examiner, table: &mut Table) {
    let all: fn(&[u8]) -> Vec<u8> = |mail| {
        LEAKS
            .iter()
            .fold(mail.to_vec(), |mail, (_, change)| change(&mail))
    };
    for (name, change) in LEAKS.iter().copied().chain([("all of these", all)]) {
        let (mut core, mut found, mut ham, mut alarms) = (0, 0, 0, 0);
        for mail in corpus {
            let is_core = mail.sub == "credential";
            if !is_core && mail.label != "ham" {
                continue;
            }
            let judged = examiner.examine(&change(&mail.bytes), &mail.file, None);
            let is_alarm = judged.iter().any(|one| one.scored.verdict.is_alarm());
            if is_core {
                core += 1;
                found += usize::from(is_alarm);
            } else {
                ham += 1;
                alarms += usize::from(is_alarm);
            }
        }
        table.row(
            format!("  without {name}: recall, ham"),
            format!("{:.3}, {:.2} %", share(found, core), 100.0 * share(alarms, ham)),
            "",
        );
    }
}

fn real(dir: &Path, examiner: &Examiner, table: &mut Table) -> Result<()> {
    let corpus = corpus(dir)?;
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    let judged: Vec<(&Labelled, Vec<Judged>)> = corpus
        .iter()
        .map(|mail| {
            let start = Instant::now();
            let judged = examiner.examine(&mail.bytes, &mail.file, None);
            slowest = slowest.max(start.elapsed());
            (mail, judged)
        })
        .collect();
    let seconds = began.elapsed().as_secs_f64();
    let mut slices: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let (mut core, mut core_alarm, mut core_phish) = (0, 0, 0);
    let (mut other, mut other_alarm, mut spam, mut spam_alarm) = (0, 0, 0, 0);
    let mut points: BTreeMap<&str, Vec<(f64, bool)>> = BTreeMap::new();
    for (mail, all) in &judged {
        let Some(worst) = worst(all) else { continue };
        let verdict = worst.scored.verdict;
        match (mail.label.as_str(), mail.sub.as_str()) {
            ("phish", "credential") => {
                core += 1;
                core_alarm += usize::from(verdict.is_alarm());
                core_phish += usize::from(verdict == Verdict::Phishing);
                points
                    .entry("credential")
                    .or_default()
                    .push((worst.scored.probability, true));
                table.judged(
                    &mail.file,
                    "credential",
                    "suspicious or worse",
                    worst,
                    verdict.is_alarm(),
                );
            }
            ("phish", "likely-legit") => {}
            ("phish", _) => {
                other += 1;
                other_alarm += usize::from(verdict.is_alarm());
            }
            ("ham", _) => {
                let slice = slice(&mail.source);
                let entry = slices.entry(slice).or_default();
                entry.0 += 1;
                entry.1 += usize::from(verdict.is_alarm());
                entry.2 += usize::from(has_strong(worst));
                points
                    .entry(slice)
                    .or_default()
                    .push((worst.scored.probability, false));
                table.judged(&mail.file, "ham", "no alarm", worst, !verdict.is_alarm());
            }
            _ => {
                spam += 1;
                spam_alarm += usize::from(verdict.is_alarm());
            }
        }
    }
    table.row(
        "credential phishing, suspicious or worse",
        format!("{:.3} of {core}", share(core_alarm, core)),
        "0.80, goal 0.92",
    );
    table.row(
        "  of them phishing",
        format!("{:.3}", share(core_phish, core)),
        "0.55, goal 0.75",
    );
    let ham: usize = slices.values().map(|slice| slice.0).sum();
    let alarms: usize = slices.values().map(|slice| slice.1).sum();
    let strong: usize = slices.values().map(|slice| slice.2).sum();
    table.row(
        "ham, suspicious or worse",
        format!("{:.2} % ({alarms} of {ham})", 100.0 * share(alarms, ham)),
        "1.0 %, goal 0.3 %",
    );
    for (name, (all, alarm, _)) in &slices {
        table.row(
            format!("  {name}"),
            format!("{:.2} % ({alarm} of {all})", 100.0 * share(*alarm, *all)),
            "3 % or one",
        );
    }
    table.row(
        "ham with a strong CLAIM or PATH signal",
        format!("{:.2} %", 100.0 * share(strong, ham)),
        "3 %, goal 1 %",
    );
    table.row(
        "other phishing (prizes, advance fee, dating …), alarm",
        format!("{:.3} of {other}", share(other_alarm, other)),
        "any answer",
    );
    table.row(
        "spam of 2009-10, alarm",
        format!("{:.3} of {spam}", share(spam_alarm, spam)),
        "any answer",
    );
    let all_points: Vec<(f64, bool)> = points.values().flatten().copied().collect();
    table.row(
        "calibration error (ECE), credential and ham",
        format!("{:.3}", ece(&all_points)),
        "goal 0.05",
    );
    for (name, points) in &points {
        table.row(format!("  {name}"), format!("{:.3}", ece(points)), "");
    }
    ablation(&corpus, examiner, table);
    table.row(
        "speed, messages a second, one core",
        format!("{:.0}", corpus.len() as f64 / seconds),
        "300, goal 1,000",
    );
    table.row(
        "slowest message of the corpus, ms",
        format!("{:.0}", slowest.as_secs_f64() * 1e3),
        "2,000",
    );
    table.row(
        "memory at its highest, MB (corpus in it: see below)",
        format!("{}", peak_mb()),
        "",
    );
    table.row(
        "  corpus held in memory, MB",
        format!(
            "{}",
            corpus.iter().map(|mail| mail.bytes.len()).sum::<usize>() >> 20
        ),
        "",
    );
    Ok(())
}

/// Expected calibration error over ten bins of equal width.
pub fn ece(points: &[(f64, bool)]) -> f64 {
    let mut bins = vec![(0.0, 0.0, 0.0); 10];
    for (probability, is_phish) in points {
        let bin = &mut bins[((probability * 10.0) as usize).min(9)];
        bin.0 += 1.0;
        bin.1 += probability;
        bin.2 += f64::from(u8::from(*is_phish));
    }
    bins.iter().map(|(_, sum, hits)| (sum - hits).abs()).sum::<f64>() / points.len().max(1) as f64
}

fn peak_mb() -> u64 {
    fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .split(' ')
                .next()?
                .parse::<u64>()
                .ok()
        })
        .unwrap_or(0)
        / 1024
}

fn handmade(dir: &Path, examiner: &Examiner, table: &mut Table) -> Result<()> {
    let files = unpack(&dir.join("handmade.tar.zst"))?;
    let text = fs::read_to_string(dir.join("cases.jsonl"))?;
    let cases: Vec<Value> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let mut bad: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut ham, mut ham_right) = (0, 0);
    let mut pairs: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut recon, mut recon_right) = (0, 0);
    let (mut signals, mut signals_there, mut wanted, mut listed, mut wrongly) = (0, 0, 0, 0, 0);
    let (mut slowest, mut hostile) = (Duration::ZERO, 0);
    let mut traits: Vec<Traits> = Vec::new();
    let mut clusters: Vec<String> = Vec::new();
    for case in &cases {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let Some(bytes) = files
            .get(text("file"))
            .or_else(|| files.get(&format!("eml/{}.eml", text("id"))))
        else {
            println!("no file for {}", text("id"));
            continue;
        };
        let start = Instant::now();
        let all = examiner.examine(bytes, text("file"), None);
        let took = start.elapsed();
        let Some(judged) = worst(&all) else { continue };
        let got = judged.scored.verdict.word();
        if text("kind") == "hostile" {
            hostile += 1;
            slowest = slowest.max(took);
        }
        for one in &all {
            traits.push(one.traits.clone());
            clusters.push(if text("cluster").is_empty() {
                text("id").to_owned()
            } else {
                text("cluster").to_owned()
            });
        }
        let also: Vec<&str> = case["also_ok"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let expect = text("verdict");
        let is_right = match expect {
            "any" => true,
            "legitimate" => !judged.scored.verdict.is_alarm(),
            wanted => got == wanted || also.contains(&got),
        };
        table.line(text("id"), "verdict", json!(expect), json!(got), is_right);
        if !is_right {
            println!(
                "wrong: {} is {expect}, judged {got} at {:.2} ({:.2}): {}",
                text("id"),
                judged.scored.probability,
                judged.scored.score,
                judged
                    .scored
                    .weighed
                    .iter()
                    .map(|one| format!("{} {:.1}", one.seen.signal.id(), one.weight))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
        }
        match expect {
            "legitimate" => {
                ham += 1;
                ham_right += usize::from(is_right);
            }
            "any" => {}
            _ if text("kind") != "hostile" => {
                let key = if text("cluster").is_empty() {
                    text("id")
                } else {
                    text("cluster")
                };
                let entry = bad.entry(key.to_owned()).or_default();
                entry.0 += usize::from(is_right);
                entry.1 += 1;
            }
            _ => {}
        }
        if !text("pair").is_empty() {
            let entry = pairs.entry(text("pair").to_owned()).or_default();
            entry.0 += usize::from(is_right);
            entry.1 += 1;
        }
        if !text("reconstruction").is_empty() {
            recon += 1;
            recon_right += usize::from(is_right);
        }
        for wanted_signal in case["signals"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            signals += 1;
            let is_there = all
                .iter()
                .flat_map(|one| &one.scored.weighed)
                .any(|one| one.seen.signal.id() == wanted_signal);
            signals_there += usize::from(is_there);
            table.line(
                text("id"),
                "signal",
                json!(wanted_signal),
                json!(is_there),
                is_there,
            );
            if !is_there {
                println!("missing signal: {} {wanted_signal}", text("id"));
            }
        }
        let values: Vec<(String, Role)> = all
            .iter()
            .flat_map(|one| &one.indicators)
            .map(|one| (one.value.to_lowercase(), one.role))
            .collect();
        for list in case["indicators"]
            .as_object()
            .into_iter()
            .flat_map(|map| map.values())
        {
            for value in list.as_array().into_iter().flatten().filter_map(Value::as_str) {
                wanted += 1;
                let lower = value.to_lowercase();
                let recipients: Vec<String> = all.iter().flat_map(|one| one.victims.clone()).collect();
                let masked = pollwatch_mail::indicator::without_victims(&lower, &recipients);
                let is_there = values.iter().any(|(known, _)| {
                    let bare = known.split("://").last().unwrap_or(known);
                    *known == lower || known.eq_ignore_ascii_case(&masked) || bare == lower
                });
                listed += usize::from(is_there);
                table.line(text("id"), "indicator", json!(value), json!(is_there), is_there);
                if !is_there {
                    println!("missing indicator: {} {value}", text("id"));
                }
            }
        }
        for value in case["not_indicators"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let is_there = values
                .iter()
                .any(|(known, role)| known == value && matches!(role, Role::Attacker | Role::AbusedService));
            wrongly += usize::from(is_there);
            table.line(
                text("id"),
                "not-indicator",
                json!(value),
                json!(is_there),
                !is_there,
            );
            if is_there {
                println!("listed wrongly: {} {value}", text("id"));
            }
        }
    }
    let right: f64 = bad.values().map(|(right, all)| share(*right, *all)).sum();
    table.row(
        "hand-written phishing right (a cluster is one case)",
        format!("{:.3} of {}", right / bad.len().max(1) as f64, bad.len()),
        "0.85, goal 0.97",
    );
    table.row(
        "hand-written ham right",
        format!("{:.3} of {ham}", share(ham_right, ham)),
        "0.92, goal 1.0",
    );
    let both = pairs
        .values()
        .filter(|(right, all)| right == all && *all == 2)
        .count();
    table.row(
        "pairs with both halves right",
        format!("{:.3} of {}", share(both, pairs.len()), pairs.len()),
        "0.75, goal 1.0",
    );
    table.row(
        "reconstructions of public attacks right",
        format!("{recon_right} of {recon}"),
        "all",
    );
    table.row(
        "named signals in the explanation",
        format!("{:.3} of {signals}", share(signals_there, signals)),
        "0.90, goal 0.98",
    );
    table.row(
        "indicators listed",
        format!("{:.3} of {wanted}", share(listed, wanted)),
        "0.95, goal 1.0",
    );
    table.row("not_indicators listed as malicious", wrongly.to_string(), "0");
    table.row(
        "campaigns: B-cubed precision and recall",
        b_cubed(&traits, &clusters),
        "",
    );
    table.row(
        format!("slowest of {hostile} hostile files, ms"),
        format!("{:.0}", slowest.as_secs_f64() * 1e3),
        "2,000",
    );
    Ok(())
}

/// B-cubed of the campaigns against the clusters, over messages that belong to a cluster of two or more.
fn b_cubed(traits: &[Traits], clusters: &[String]) -> String {
    let mut of: Vec<usize> = (0..traits.len()).map(|at| usize::MAX - at).collect();
    for (number, campaign) in campaigns(traits, &|_| None).iter().enumerate() {
        for &at in campaign.members.iter().chain(&campaign.evidence) {
            of[at] = number;
        }
    }
    let (mut precision, mut recall, mut count) = (0.0, 0.0, 0.0);
    for at in 0..traits.len() {
        let same_truth: Vec<usize> = (0..traits.len())
            .filter(|other| clusters[*other] == clusters[at])
            .collect();
        if same_truth.len() < 2 {
            continue;
        }
        let same_found: Vec<usize> = (0..traits.len()).filter(|other| of[*other] == of[at]).collect();
        let both = same_found
            .iter()
            .filter(|other| same_truth.contains(other))
            .count() as f64;
        precision += both / same_found.len() as f64;
        recall += both / same_truth.len() as f64;
        count += 1.0;
    }
    if count == 0.0 {
        "no clusters".to_owned()
    } else {
        format!("{:.3} {:.3}", precision / count, recall / count)
    }
}
