//! `xtask cases lookalike DIR`: the figures of the lookalike desk on a folder of names with known answers.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use pollwatch_lookalike::score::Weights;
use pollwatch_lookalike::{Aliases, Hit, Matcher, Scratch, register_from_list};
use pollwatch_model::{Register, Severity};
use pollwatch_names::ParsedName;
use serde_json::json;

/// One name that is known to be bad.
pub struct Truth {
    /// The name.
    pub name: String,
    /// The protected names that it imitates.
    pub imitated: Vec<String>,
    /// `political`, `gov`, `media`, `login`, `vendor` or `other`.
    pub scope: String,
    /// As the file has it.
    pub technique: String,
    /// Names of one campaign are held out together.
    pub campaign: String,
}

/// A folder of cases, read.
pub struct Cases {
    /// Known bad names.
    pub truth: Vec<Truth>,
    /// Ordinary names with their flag.
    pub benign: Vec<(String, u8)>,
    /// Newly registered names, unlabelled.
    pub new_names: Vec<String>,
}

fn gunzip(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the folder.
pub fn load(dir: &Path) -> anyhow::Result<Cases> {
    let mut truth = Vec::new();
    let mut reader = csv::Reader::from_path(dir.join("truth.csv"))?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .with_context(|| format!("truth.csv has no column {name}"))
    };
    let (name, imitated, scope, technique, campaign) = (
        column("malicious_domain")?,
        column("imitated_name")?,
        column("scope")?,
        column("technique")?,
        column("campaign")?,
    );
    for row in reader.records() {
        let row = row?;
        truth.push(Truth {
            name: row[name].to_owned(),
            imitated: row[imitated].split(';').map(str::to_owned).collect(),
            scope: row[scope].to_owned(),
            technique: row[technique].to_owned(),
            campaign: row[campaign].to_owned(),
        });
    }
    let mut benign = Vec::new();
    for line in gunzip(&dir.join("benign.tsv.gz"))?.lines() {
        let line = line?;
        let mut cells = line.split('\t');
        if let (Some(host), Some(_), Some(flag)) = (cells.next(), cells.next(), cells.next()) {
            benign.push((host.to_owned(), flag.bytes().next().unwrap_or(b'-')));
        }
    }
    let new_names = BufReader::new(gunzip(&dir.join("nrd_unlabelled.txt.gz"))?.as_slice())
        .lines()
        .collect::<Result<_, _>>()?;
    Ok(Cases {
        truth,
        benign,
        new_names,
    })
}

/// The register of a list file.
pub fn load_register(path: &Path) -> anyhow::Result<Register> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (register, problems) = register_from_list(&path.display().to_string(), &text);
    for problem in problems.iter().take(20) {
        eprintln!("{problem}");
    }
    Ok(register)
}

/// The label that somebody registered; of a public suffix its first label.
pub fn registered_label(name: &str) -> String {
    match ParsedName::parse(name) {
        Ok(parsed) => parsed
            .user_label()
            .unwrap_or_else(|| name.split('.').next().unwrap_or(name))
            .to_owned(),
        Err(_) => name.to_owned(),
    }
}

fn is_core(scope: &str) -> bool {
    matches!(scope, "political" | "gov" | "media")
}

fn is_right(matcher: &Matcher, hit: &Hit, truth: &Truth) -> bool {
    let label = registered_label(&matcher.protected(hit.imitates).domain);
    truth.imitated.iter().any(|name| registered_label(name) == label)
}

#[derive(Default)]
struct Alarms {
    medium: HashSet<String>,
    high: HashSet<String>,
}

impl Alarms {
    fn add(&mut self, hit: Option<&Hit>, scratch: &Scratch) {
        let Some(hit) = hit.filter(|hit| hit.severity.is_alarm()) else {
            return;
        };
        let registrable = scratch.name().registrable().unwrap_or_default().to_owned();
        if hit.severity >= Severity::High {
            self.high.insert(registrable.clone());
        }
        self.medium.insert(registrable);
    }
}

fn per_million(count: usize, of: usize) -> f64 {
    if of == 0 {
        0.0
    } else {
        count as f64 * 1e6 / of as f64
    }
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok())
        .map_or(0.0, |kb| kb / 1024.0)
}

/// Nanoseconds that this thread has been on a processor: what one core does, whatever else the machine is busy with.
fn processor_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace()
        .next()
        .and_then(|ns| ns.parse().ok())
        .unwrap_or(0)
}

fn percentage(hits: usize, of: usize) -> String {
    if of == 0 {
        "-".to_owned()
    } else {
        format!("{hits:>4}/{of:<4} {:.3}", hits as f64 / of as f64)
    }
}

/// Prints the table, writes misses and alarms to `target/lookalike-cases.txt`, and one JSON line a case to `out`.
pub fn run(dir: &Path, protect: Option<&Path>, out: Option<&Path>) -> anyhow::Result<()> {
    let protect = protect.map_or_else(|| dir.join("protected_5000.csv"), Path::to_path_buf);
    // Speed first, while nothing else lies in memory.
    let big = dir.join("protected_10000.csv");
    let mut speed_lines = Vec::new();
    let mut rate = None;
    if big.exists() {
        let before = resident_mb();
        let register = load_register(&big)?;
        let started = Instant::now();
        let (matcher, _) = Matcher::compile(&register);
        let compiled = started.elapsed();
        let after = resident_mb();
        drop(register);
        speed_lines.push(format!(
            "register of {} compiled in {:.2} s, {:.0} MB resident ({:.0} MB before)",
            big.display(),
            compiled.as_secs_f64(),
            after,
            before
        ));
        let cases = load(dir)?;
        for (what, names) in [
            (
                "new names",
                cases.new_names.iter().map(String::as_str).collect::<Vec<_>>(),
            ),
            (
                "benign hosts",
                cases.benign.iter().map(|(name, _)| name.as_str()).collect(),
            ),
        ] {
            let mut scratch = Scratch::default();
            let mut best = f64::MAX;
            for _ in 0..5 {
                let started = processor_ns();
                let mut alarms = 0u32;
                for name in &names {
                    alarms += u32::from(matches!(matcher.judge(name, &mut scratch), Ok(Some(_))));
                }
                std::hint::black_box(alarms);
                best = best.min((processor_ns() - started) as f64 / 1e9);
            }
            let speed = names.len() as f64 / best;
            rate = Some(rate.map_or(speed, |slowest: f64| slowest.min(speed)));
            speed_lines.push(format!(
                "{:>9.0} names/s of processor time on one core, {what} (best of 5)",
                speed
            ));
        }
    }

    let cases = load(dir)?;
    let register = load_register(&protect)?;
    let started = Instant::now();
    let (matcher, _) = Matcher::compile(&register);
    let compile_seconds = started.elapsed().as_secs_f64();
    let (plain, _) = Matcher::compile_with(&register, Aliases::None, Weights::built_in().clone());
    let mut scratch = Scratch::default();
    let mut lines = Vec::new();
    let mut notes = String::new();

    let mut by_scope: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let mut by_technique: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let (mut hits, mut core_hits, mut cores, mut tops, mut right, mut plain_hits, mut plain_core) =
        (0, 0, 0, 0, 0, 0, 0);
    for truth in &cases.truth {
        let hit = matcher.judge(&truth.name, &mut scratch).ok().flatten();
        let is_hit = hit.as_ref().is_some_and(|hit| hit.severity.is_alarm());
        let is_top = hit.as_ref().is_some_and(|hit| hit.severity >= Severity::High);
        let is_right_name = hit
            .as_ref()
            .is_some_and(|hit| is_hit && is_right(&matcher, hit, truth));
        let is_plain_hit = plain
            .judge(&truth.name, &mut scratch)
            .ok()
            .flatten()
            .is_some_and(|hit| hit.severity.is_alarm());
        hits += usize::from(is_hit);
        tops += usize::from(is_top);
        right += usize::from(is_right_name);
        plain_hits += usize::from(is_plain_hit);
        if is_core(&truth.scope) {
            cores += 1;
            core_hits += usize::from(is_hit);
            plain_core += usize::from(is_plain_hit);
        }
        for (table, key) in [
            (&mut by_scope, &truth.scope),
            (&mut by_technique, &truth.technique),
        ] {
            let row = table.entry(key.clone()).or_default();
            row[0] += 1;
            row[1] += usize::from(is_hit);
            row[2] += usize::from(is_top);
            row[3] += usize::from(is_right_name);
        }
        if !is_hit || !is_right_name {
            let (score, got) = hit.as_ref().map_or((f32::NAN, "-".to_owned()), |hit| {
                (
                    hit.score,
                    format!("{} {}", matcher.protected(hit.imitates).domain, hit.technique),
                )
            });
            writeln!(
                notes,
                "{} {} [{} {}] wanted {} got {got} {score:.2}",
                if is_hit { "WRONG" } else { "MISS " },
                truth.name,
                truth.scope,
                truth.technique,
                truth.imitated.join(";")
            )?;
        }
        lines.push(json!({"case": truth.name, "fn": "lookalike", "expect": truth.imitated.join(";"),
            "got": hit.as_ref().filter(|_| is_hit).map(|hit| matcher.protected(hit.imitates).domain.clone()), "pass": is_hit}));
    }

    let mut alarms: BTreeMap<char, (Alarms, usize)> = BTreeMap::new();
    for (name, flag) in &cases.benign {
        let hit = matcher.judge(name, &mut scratch).ok().flatten();
        let entry = alarms.entry(*flag as char).or_default();
        entry.1 += 1;
        entry.0.add(hit.as_ref(), &scratch);
        if let Some(hit) = hit.filter(|hit| hit.severity.is_alarm()) {
            writeln!(
                notes,
                "ALARM {} {name} {} {} {:.2} {}",
                *flag as char,
                matcher.protected(hit.imitates).domain,
                hit.technique,
                hit.score,
                hit.severity
            )?;
        }
    }
    let mut new_alarms = Alarms::default();
    for name in &cases.new_names {
        let hit = matcher.judge(name, &mut scratch).ok().flatten();
        new_alarms.add(hit.as_ref(), &scratch);
        if let Some(hit) = hit.filter(|hit| hit.severity.is_alarm()) {
            writeln!(
                notes,
                "NEW {name} {} {} {:.2} {}",
                matcher.protected(hit.imitates).domain,
                hit.technique,
                hit.score,
                hit.severity
            )?;
        }
    }

    println!("lookalike: {} protected by {}", dir.display(), protect.display());
    println!("\n  recall              all                 top tier            right name");
    for (title, table) in [("scope", &by_scope), ("technique", &by_technique)] {
        println!("  by {title}");
        for (key, [all, hit, top, right]) in table {
            println!(
                "    {key:<28} {}   {}   {}",
                percentage(*hit, *all),
                percentage(*top, *all),
                percentage(*right, *hit)
            );
        }
    }
    let all = cases.truth.len();
    println!("  all rows                       {}", percentage(hits, all));
    println!(
        "  core (political, gov, media)   {}",
        percentage(core_hits, cores)
    );
    println!("  all rows without aliases       {}", percentage(plain_hits, all));
    println!(
        "  core without aliases           {}",
        percentage(plain_core, cores)
    );
    println!("  top tier                       {}", percentage(tops, all));
    println!("  right name, of hits            {}", percentage(right, hits));
    println!("\n  alarms a million            alarm      top tier   names");
    let empty = (Alarms::default(), 0);
    for (flag, (flagged, names)) in &alarms {
        println!(
            "    flag {flag}               {:>10.0} {:>10.0}   {names}  ({} alarms)",
            per_million(flagged.medium.len(), *names),
            per_million(flagged.high.len(), *names),
            flagged.medium.len()
        );
    }
    let total: usize = alarms.values().map(|(flagged, _)| flagged.medium.len()).sum();
    println!(
        "    all flags            {:>10.0}",
        per_million(total, cases.benign.len())
    );
    println!(
        "    new names            {:>10.0} {:>10.0}   {}  ({} alarms)",
        per_million(new_alarms.medium.len(), cases.new_names.len()),
        per_million(new_alarms.high.len(), cases.new_names.len()),
        cases.new_names.len(),
        new_alarms.medium.len()
    );
    println!(
        "\n  register compiled in {compile_seconds:.2} s; {} units",
        matcher.unit_count()
    );
    for line in &speed_lines {
        println!("  {line}");
    }

    let clean = alarms.get(&'-').unwrap_or(&empty);
    let owned = alarms.get(&'o').unwrap_or(&empty);
    let clean_rate = per_million(clean.0.medium.len(), clean.1);
    let clean_top = per_million(clean.0.high.len(), clean.1);
    let new_rate = per_million(new_alarms.medium.len(), cases.new_names.len());
    let ratio = |hits: usize, of: usize| if of == 0 { 1.0 } else { hits as f64 / of as f64 };
    let mut figure = |case: &str, expect: String, got: f64, pass: bool| {
        lines.push(json!({"case": case, "fn": "lookalike", "expect": expect, "got": (got * 1000.0).round() / 1000.0, "pass": pass}));
    };
    figure(
        "recall",
        ">= 0.78".into(),
        ratio(hits, all),
        ratio(hits, all) >= 0.78,
    );
    figure(
        "recall of core rows",
        ">= 0.78".into(),
        ratio(core_hits, cores),
        ratio(core_hits, cores) >= 0.78,
    );
    figure(
        "clean alarms a million",
        "<= 500".into(),
        clean_rate,
        clean_rate <= 500.0,
    );
    figure(
        "top tier recall",
        ">= 0.50".into(),
        ratio(tops, all),
        ratio(tops, all) >= 0.5,
    );
    figure(
        "top tier clean alarms a million",
        "<= 80".into(),
        clean_top,
        clean_top <= 80.0,
    );
    figure(
        "new names alarms a million",
        "<= 3500".into(),
        new_rate,
        new_rate <= 3500.0,
    );
    figure(
        "owned names that alarm",
        "0".into(),
        owned.0.medium.len() as f64,
        owned.0.medium.is_empty(),
    );
    figure(
        "right name, of hits",
        ">= 0.90".into(),
        ratio(right, hits),
        ratio(right, hits) >= 0.9,
    );
    if let Some(rate) = rate {
        figure("names a second", ">= 600000".into(), rate, rate >= 600_000.0);
    }
    std::fs::create_dir_all("target")?;
    std::fs::write("target/lookalike-cases.txt", notes)?;
    println!("  misses and alarms: target/lookalike-cases.txt");
    if let Some(out) = out {
        let mut file = std::io::BufWriter::new(File::create(out)?);
        for line in lines {
            writeln!(file, "{line}")?;
        }
        file.flush()?;
    }
    Ok(())
}
