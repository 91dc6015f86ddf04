//! `pollwatch intrusion`: who attacked election systems, how far it got, and what the logs could not show.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_engine::{Mode, Progress, SourceSpec, Watcher, Workspace};
use pollwatch_intrusion::desk::{jurisdiction_of, parse_window, proxies_of, target_of};
use pollwatch_intrusion::explain::{actor_draft, assurance, seen_words};
use pollwatch_intrusion::lists::{AddressSet, assessors_of, read_assessors, read_indicators, read_proxies};
use pollwatch_intrusion::read::{Dialect, Format as LogFormat, Mapping};
use pollwatch_intrusion::sweep::{Listener, Options, Place, Read, SiteReport, Sweep};
use pollwatch_intrusion::{IntrusionDesk, Verdict};
use pollwatch_model::{Desk, EvidenceId, EvidenceRef, Finding, Problem, Register, Severity};

use crate::arguments::{Format, IntrusionCommand, SketchCommand, SweepArguments};
use crate::commands::{open_workspace, workspace_dir};
use crate::screen::{Screen, grouped, severity_mark, table, visible, wrapped};

mod sketch;

/// Actors that are told of one by one on a terminal; the rest is counted.
const MAX_SHOWN: usize = 40;

pub fn run(workspace: Option<&Path>, command: IntrusionCommand) -> anyhow::Result<ExitCode> {
    match command {
        IntrusionCommand::Sweep(arguments) => sweep(workspace, &arguments, None),
        IntrusionCommand::Sketch(command) => match command {
            SketchCommand::Key { file } => sketch::make_key(&file),
            SketchCommand::Make {
                key,
                output,
                sweep: arguments,
            } => {
                anyhow::ensure!(
                    !arguments.record && arguments.flagged.is_none(),
                    "a sketch is made of logs alone: leave out --record and --flagged, and sweep for them"
                );
                let into = sketch::Into::open(&key, &output)?;
                sweep(workspace, &arguments, Some(&into))
            }
            SketchCommand::Compare { files } => sketch::compare_files(&files),
        },
        IntrusionCommand::About => {
            about();
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// One log and whose it is.
struct Log {
    jurisdiction: String,
    source: SourceSpec,
}

/// All logs that were named, and jurisdictions that are expected.
#[derive(Default)]
struct Logs {
    all: Vec<Log>,
    expected: Vec<String>,
}

fn sweep(
    workspace: Option<&Path>,
    arguments: &SweepArguments,
    into: Option<&sketch::Into>,
) -> anyhow::Result<ExitCode> {
    let (register, proxies) = match workspace_dir(workspace) {
        Ok(_) => {
            let opened = open_workspace(workspace, Mode::Read)?;
            let settings = match opened.settings().desk.get("intrusion") {
                Some(table) => {
                    serde_json::to_value(table).context("cannot take the settings of desk.intrusion")?
                }
                None => serde_json::Value::Null,
            };
            let proxies = proxies_of(&settings).map_err(anyhow::Error::msg)?;
            (opened.register().as_ref().clone(), proxies)
        }
        Err(error) if workspace.is_some() || arguments.record => return Err(error),
        Err(_) => (Register::default(), AddressSet::default()),
    };
    let mut logs = Logs::default();
    if let Some(map) = &arguments.map {
        read_map(map, arguments, &register, &mut logs)?;
    }
    for path in &arguments.paths {
        let (name, path) = named(path);
        add(name, &path, arguments, &register, &mut logs)?;
    }
    anyhow::ensure!(
        !logs.all.is_empty() || !logs.expected.is_empty(),
        "no log was named: give PATH or NAME=PATH, or --map FILE; `pollwatch intrusion about` lists what can be read"
    );
    // One jurisdiction after the other, so that what is remembered of each is together.
    logs.all.sort_by(|a, b| a.jurisdiction.cmp(&b.jurisdiction));
    if arguments.record {
        let exit = record(workspace, arguments, &logs)?;
        if arguments.flagged.is_none() {
            return Ok(exit);
        }
    }
    look(arguments, &register, proxies, &logs, into)
}

/// `NAME=PATH`, where the whole is no path that is there.
fn named(path: &Path) -> (Option<String>, PathBuf) {
    let text = path.to_string_lossy();
    match text.split_once('=') {
        Some((name, rest)) if !name.is_empty() && !name.contains(['/', '\\']) && !path.exists() => {
            (Some(name.trim().to_owned()), PathBuf::from(rest.trim()))
        }
        _ => (None, path.to_path_buf()),
    }
}

fn add(
    name: Option<String>,
    path: &Path,
    arguments: &SweepArguments,
    register: &Register,
    logs: &mut Logs,
) -> anyhow::Result<()> {
    if path.as_os_str().is_empty() {
        logs.expected.extend(name);
        return Ok(());
    }
    let format = match (&arguments.columns, &arguments.read_as) {
        (Some(_), None) => Some("mapped"),
        (_, named) => named.as_deref(),
    };
    if let Some(format) = format {
        Dialect::named(format)?;
    }
    let (sources, passed_over) = SourceSpec::from_paths(&[path.to_path_buf()], format);
    for problem in passed_over {
        eprintln!("{}", visible(&problem.to_string()));
    }
    for source in sources {
        if logs.all.iter().any(|log| log.source.name == source.name) {
            eprintln!(
                "{}",
                visible(&format!("{}: named twice; it is read once", source.name))
            );
            continue;
        }
        let jurisdiction = name
            .clone()
            .unwrap_or_else(|| jurisdiction_of(&source.name, register));
        logs.all.push(Log { jurisdiction, source });
    }
    Ok(())
}

/// Reads the map of jurisdictions: `NAME=PATH` a line (a comma or tab does as well), paths relative to the map's folder.
fn read_map(
    map: &Path,
    arguments: &SweepArguments,
    register: &Register,
    logs: &mut Logs,
) -> anyhow::Result<()> {
    let text =
        std::fs::read_to_string(map).with_context(|| format!("cannot read the map {}", map.display()))?;
    let folder = map.parent().unwrap_or(Path::new("."));
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, path)) = line.split_once(['=', ',', '\t']) else {
            anyhow::bail!(
                "{}:{}: no NAME=PATH; write NAME= alone for a jurisdiction that gave no log",
                map.display(),
                number + 1
            );
        };
        let (name, path) = (name.trim(), path.trim());
        if name.eq_ignore_ascii_case("jurisdiction") && number == 0 {
            continue;
        }
        anyhow::ensure!(
            !name.is_empty(),
            "{}:{}: no name stands before the path",
            map.display(),
            number + 1
        );
        let path = if path.is_empty() {
            PathBuf::new()
        } else {
            folder.join(path)
        };
        logs.expected.push(name.to_owned());
        add(Some(name.to_owned()), &path, arguments, register, logs)?;
    }
    Ok(())
}

/// Runs the desk into the workspace's record.
fn record(workspace: Option<&Path>, arguments: &SweepArguments, logs: &Logs) -> anyhow::Result<ExitCode> {
    let mut sources = Vec::new();
    for (kind, path) in [
        ("indicators", &arguments.indicators),
        ("proxies", &arguments.proxies),
        ("assessors", &arguments.assessors),
        ("mapping", &arguments.columns),
    ] {
        if let Some(path) = path {
            sources.push(SourceSpec {
                role: format!("list={kind}"),
                ..SourceSpec::file(path)
            });
        }
    }
    if let Some(window) = &arguments.window {
        parse_window(window).map_err(anyhow::Error::msg)?;
    }
    let mut expect: Vec<&str> = logs.expected.iter().map(String::as_str).collect();
    expect.sort_unstable();
    expect.dedup();
    for log in &logs.all {
        let mut role = String::new();
        if let Some(window) = &arguments.window {
            role.push_str(&format!("window={} ", window.trim()));
        }
        // Names with blanks or commas cannot be listed; they are known by their own files.
        let plain: Vec<&str> = expect
            .iter()
            .copied()
            .filter(|name| !name.contains([' ', ',']))
            .collect();
        if !plain.is_empty() {
            role.push_str(&format!("expect={} ", plain.join(",")));
        }
        role.push_str(&format!("jurisdiction={}", log.jurisdiction));
        sources.push(SourceSpec {
            role,
            ..log.source.clone()
        });
    }
    let mut broken_pipe = None;
    let mut screen = Screen::new(|finding: &Finding, _| {
        if broken_pipe.is_none() && arguments.flagged.is_none() {
            broken_pipe = print_finding(finding, arguments.format).err();
        }
    });
    let mut workspace: Workspace = open_workspace(workspace, Mode::Write)?;
    let report = workspace.run(&IntrusionDesk, &sources, Timestamp::now(), &mut screen);
    screen.close();
    if let Some(error) = broken_pipe {
        return Err(error).context("cannot print");
    }
    let report = report?;
    if report.is_resumed {
        eprintln!("An earlier run of these logs was interrupted; this one went on where it stopped.");
    }
    eprintln!(
        "Recorded: {} new, {} changed, {} known already. {} lines read in {} of {} files.",
        grouped(report.findings_new),
        grouped(report.findings_changed),
        grouped(report.findings_known),
        grouped(report.records_read),
        grouped(report.inputs),
        grouped(report.inputs + report.inputs_failed),
    );
    Ok(exit_code(report.highest, report.inputs_failed, arguments.fail_on))
}

fn print_finding(finding: &Finding, format: Format) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match format {
        Format::Jsonl => {
            serde_json::to_writer(&mut out, finding)?;
            out.write_all(b"\n")
        }
        Format::Table => out.write_all(paragraph(finding).as_bytes()),
    }
}

/// Hears a sweep and shows it.
struct Ear<'a, F: FnMut(&Finding, pollwatch_engine::Novelty)> {
    screen: &'a mut Screen<F>,
    input: &'a str,
    size: Option<u64>,
    bytes: std::sync::Arc<std::sync::atomic::AtomicU64>,
    lines: &'a mut u64,
}

impl<F: FnMut(&Finding, pollwatch_engine::Novelty)> Listener for Ear<'_, F> {
    fn problem(&mut self, problem: Problem) {
        self.screen.problem(&problem);
    }

    fn lines(&mut self, lines: u64) -> bool {
        *self.lines += lines;
        self.screen.progress(Progress {
            input: self.input,
            bytes: self.bytes.load(std::sync::atomic::Ordering::Relaxed),
            size: self.size,
            records: *self.lines,
        });
        true
    }
}

/// Reads the logs and tells, keeping nothing.
fn look(
    arguments: &SweepArguments,
    register: &Register,
    proxies: AddressSet,
    logs: &Logs,
    into: Option<&sketch::Into>,
) -> anyhow::Result<ExitCode> {
    let mut screen = Screen::new(|_: &Finding, _| {});
    let mut options = Options::new(Timestamp::now());
    options.threads = arguments
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
        .clamp(1, 64);
    options.assessors = assessors_of(register);
    options.proxies = proxies;
    if let Some(window) = &arguments.window {
        options.window = Some(parse_window(window).map_err(anyhow::Error::msg)?);
    }
    let list = |path: &PathBuf| {
        std::fs::read(path).with_context(|| format!("cannot read the list {}", path.display()))
    };
    let mut addresses = |path: &PathBuf, read: fn(&str, &str) -> (AddressSet, Vec<Problem>)| {
        let (set, problems) = read(
            &path.display().to_string(),
            &String::from_utf8_lossy(&list(path)?),
        );
        problems.iter().for_each(|problem| screen.problem(problem));
        anyhow::ensure!(
            !set.is_empty(),
            "{} holds no address that can be used; its first column has to be one",
            path.display()
        );
        anyhow::Ok(set)
    };
    if let Some(path) = &arguments.indicators {
        options.indicators = addresses(path, read_indicators)?;
    }
    if let Some(path) = &arguments.proxies {
        options.proxies = addresses(path, read_proxies)?;
    }
    if let Some(path) = &arguments.assessors {
        let (assessors, problems) = read_assessors(
            &path.display().to_string(),
            &String::from_utf8_lossy(&list(path)?),
        );
        problems.iter().for_each(|problem| screen.problem(problem));
        options.assessors.extend(assessors);
    }
    let mapping = match &arguments.columns {
        None => None,
        Some(path) => {
            let text = String::from_utf8_lossy(&list(path)?).into_owned();
            Some(Mapping::parse(&text).with_context(|| format!("cannot use {}", path.display()))?)
        }
    };
    let format = match (&mapping, &arguments.read_as) {
        (Some(mapping), None) => LogFormat::Mapped(mapping.clone()),
        (_, Some(name)) => LogFormat::Named(Dialect::named(name)?),
        (None, None) => LogFormat::Sniffed,
    };
    let mut sweep = Sweep::new(options);
    for name in &logs.expected {
        sweep.expect(name);
    }
    let (mut lines, mut failed) = (0u64, 0u64);
    for log in &logs.all {
        // Known even if it cannot be read: a log that cannot be opened is no sign of anything.
        sweep.expect(&log.jurisdiction);
        let mut opened = match log.source.place.open() {
            Ok(opened) => opened,
            Err(error) => {
                failed += 1;
                screen.problem(&Problem::remark(&log.source.name, None, causes(&error)));
                continue;
            }
        };
        let mut ear = Ear {
            input: &log.source.name,
            size: opened.raw_size,
            bytes: opened.raw_bytes_read(),
            screen: &mut screen,
            lines: &mut lines,
        };
        if let Read::Failed(place, error) = sweep.read(
            &log.jurisdiction,
            &log.source.name,
            &format,
            Place::default(),
            &mut opened,
            &mut ear,
        ) {
            failed += 1;
            let what = format!(
                "{}; the {} lines before were read and stand",
                causes(&error),
                grouped(place.line)
            );
            screen.problem(&Problem::remark(&log.source.name, None, what));
            continue;
        }
        if let Ok(source) = opened.finish() {
            source.problems.iter().for_each(|problem| screen.problem(problem));
        }
    }
    let reports = sweep.finish();
    screen.close();
    if let Some(into) = into {
        into.write(&reports)?;
        return Ok(exit_code(None, failed, None));
    }
    let mut findings: Vec<Finding> = Vec::new();
    for report in &reports {
        let target = target_of(register, &report.jurisdiction);
        let drafts = report
            .actors
            .iter()
            .map(|actor| actor_draft(report, actor, &target))
            .chain(assurance(report, &target).map(|draft| (draft, Vec::new())));
        for (draft, excerpts) in drafts {
            let evidence = excerpts
                .into_iter()
                .map(|excerpt| EvidenceRef {
                    sha256: EvidenceId::of(&excerpt.bytes),
                    media_type: excerpt.media_type.to_owned(),
                    locator: excerpt.locator,
                })
                .collect();
            findings.push(draft.into_finding("intrusion", evidence));
        }
    }
    if let Some(path) = &arguments.flagged {
        write_flagged(path, &reports).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let printed = match arguments.format {
        Format::Jsonl => findings
            .iter()
            .try_for_each(|finding| print_finding(finding, Format::Jsonl)),
        Format::Table => std::io::stdout()
            .lock()
            .write_all(overview(register, &reports, &findings).as_bytes()),
    };
    printed.context("cannot print")?;
    let unread: u64 = reports.iter().map(|report| report.seen.unread).sum();
    eprintln!(
        "{} lines of {} jurisdictions read, {} of them could not be laid out and were searched as they stand; {} of {} files read to the end.",
        grouped(lines),
        grouped(reports.len() as u64),
        grouped(unread),
        grouped(logs.all.len() as u64 - failed),
        grouped(logs.all.len() as u64)
    );
    Ok(exit_code(
        findings.iter().map(|finding| finding.severity).max(),
        failed,
        arguments.fail_on,
    ))
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

fn exit_code(highest: Option<Severity>, failed: u64, fail_on: Option<Severity>) -> ExitCode {
    match (fail_on, highest) {
        (Some(limit), Some(highest)) if highest >= limit => ExitCode::from(1),
        _ if failed > 0 => ExitCode::from(2),
        _ => ExitCode::SUCCESS,
    }
}

/// Every line that is held against somebody, in the order of files and lines.
fn write_flagged(path: &Path, reports: &[SiteReport]) -> anyhow::Result<()> {
    let mut rows: BTreeMap<(String, u64), (&'static str, String)> = BTreeMap::new();
    for report in reports {
        for actor in &report.actors {
            let name = actor.addresses.first().map_or_else(
                || "unnamed".to_owned(),
                |address| format!("{}/{address}", report.jurisdiction),
            );
            for (place, class) in &actor.lines {
                let kept = &report.site.kept[*place as usize];
                let file = &report.site.files[kept.file as usize].name;
                rows.insert((file.clone(), kept.line), (class.word(), name.clone()));
            }
        }
    }
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "file\tline\tclass\tactor")?;
    for ((name, line), (class, actor)) in rows {
        writeln!(file, "{}\t{line}\t{class}\t{}", visible(&name), visible(&actor))?;
    }
    file.flush()?;
    Ok(())
}

/// The table of jurisdictions, then each actor, then the count.
fn overview(register: &Register, reports: &[SiteReport], findings: &[Finding]) -> String {
    let mut order: Vec<&SiteReport> = reports.iter().collect();
    order.sort_by(|a, b| {
        b.verdict()
            .cmp(&a.verdict())
            .then(a.jurisdiction.cmp(&b.jurisdiction))
    });
    let rows: Vec<Vec<String>> = order
        .iter()
        .map(|report| {
            let verdict = report.verdict();
            let furthest = report.actors.iter().find(|actor| actor.verdict == verdict);
            let saw_nothing = report.seen.read + report.seen.unread == 0;
            let word = match verdict {
                Verdict::None if saw_nothing => "no data",
                Verdict::None if report.seen.is_complete() => "no sign",
                Verdict::None => "no sign in what there is",
                other => other.title(),
            };
            vec![
                target_of(register, &report.jurisdiction).name,
                word.to_owned(),
                furthest.map_or(String::new(), |actor| actor.standing.word().to_owned()),
                furthest.map_or(String::new(), |actor| actor.class.title().to_owned()),
                report
                    .actors
                    .iter()
                    .filter(|actor| actor.verdict > Verdict::None)
                    .count()
                    .to_string(),
                seen_words(&report.seen),
            ]
        })
        .collect();
    let mut text = table(
        &["jurisdiction", "furthest", "sure", "by", "actors", "logs"],
        &rows,
    );
    text.push('\n');
    let mut actors: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.kind != "no-sign-in-logs")
        .collect();
    actors.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then(a.target.name.cmp(&b.target.name))
    });
    for finding in actors.iter().take(MAX_SHOWN) {
        text.push_str(&paragraph(finding));
    }
    if actors.len() > MAX_SHOWN {
        text.push_str(&format!(
            "… and {} more actors; --format jsonl has them all.\n",
            grouped((actors.len() - MAX_SHOWN) as u64)
        ));
    }
    text.push_str(&count(reports));
    text
}

/// How many jurisdictions are at each verdict, with what could not be seen beside it.
fn count(reports: &[SiteReport]) -> String {
    let mut parts = Vec::new();
    for verdict in Verdict::ALL
        .iter()
        .rev()
        .filter(|verdict| **verdict > Verdict::None)
    {
        let count = reports
            .iter()
            .filter(|report| report.verdict() == *verdict)
            .count();
        if count > 0 {
            parts.push(format!("{}: {count}", verdict.title()));
        }
    }
    let quiet: Vec<&SiteReport> = reports
        .iter()
        .filter(|report| report.verdict() == Verdict::None && report.seen.read + report.seen.unread > 0)
        .collect();
    let partly = quiet.iter().filter(|report| !report.seen.is_complete()).count();
    let absent = reports
        .iter()
        .filter(|report| report.seen.read + report.seen.unread == 0)
        .count();
    parts.push(format!(
        "no sign: {}, of which {partly} with gaps in their logs",
        quiet.len()
    ));
    parts.push(format!("no data: {absent}"));
    let noun = if reports.len() == 1 {
        "jurisdiction"
    } else {
        "jurisdictions"
    };
    format!("\nOf {} {noun}: {}.\n", reports.len(), parts.join("; "))
}

/// One finding on the terminal.
fn paragraph(finding: &Finding) -> String {
    const INDENT: &str = "             ";
    let mut text = format!(
        "{:<12} {}\n",
        severity_mark(finding.severity),
        wrapped(&finding.summary, 90, INDENT)
    );
    for reason in finding.reasons.iter().take(3) {
        text.push_str(&format!(
            "{INDENT}- {}\n",
            wrapped(&reason.text, 88, "               ")
        ));
    }
    for example in finding
        .details
        .get("examples")
        .and_then(|examples| examples.as_array())
        .into_iter()
        .flatten()
    {
        let part = |key: &str| {
            example
                .get(key)
                .and_then(|value| value.as_str())
                .unwrap_or_default()
                .to_owned()
        };
        text.push_str(&format!(
            "{INDENT}{}:{} {} {}\n",
            visible(&part("file")),
            example
                .get("line")
                .and_then(serde_json::Value::as_u64)
                .unwrap_or(0),
            part("time"),
            visible(&part("what"))
        ));
    }
    text
}

fn about() {
    let card = IntrusionDesk.card();
    println!("{}\n\n{}\n", card.title, wrapped(card.looks_for, 90, ""));
    for detector in card.detectors {
        println!("{}", detector.name);
        for (heading, text) in [
            ("What it sees", detector.sees),
            ("Why it matters", detector.matters),
            ("What it cannot tell", detector.cannot_tell),
            ("Measured on", detector.measured_on),
            ("Sources", detector.sources),
        ] {
            println!("  {heading}: {}", wrapped(text, 90, "    "));
        }
        println!();
    }
    let dialects: Vec<&str> = Dialect::ALL.iter().map(|(_, name)| *name).collect();
    println!(
        "Logs that are read\n  {}\n",
        wrapped(&dialects.join(", "), 90, "  ")
    );
    println!(
        "Any other CSV or JSON log, by --columns FILE\n  format = \"csv\"      # or \"json\"\n  separator = \",\"     # of csv\n  header = true        # the first line names the columns\n  [fields]             # what is needed = what it is called there\n  time = \"when\"\n  client = \"src\"\n  target = \"uri\"\n  status = \"rc\"\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_before_the_path_says_whose_log_it_is() {
        assert_eq!(
            named(Path::new("IL=logs/a.log")),
            (Some("IL".to_owned()), PathBuf::from("logs/a.log"))
        );
        assert_eq!(
            named(Path::new("logs/a=b.log")),
            (None, PathBuf::from("logs/a=b.log"))
        );
        assert_eq!(named(Path::new("GA=")), (Some("GA".to_owned()), PathBuf::new()));
    }
}
