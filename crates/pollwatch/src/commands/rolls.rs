//! `pollwatch rolls`: whether a voter roll changed only as rolls do.

pub mod arguments;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_engine::input::Place;
use pollwatch_engine::{Ctx, Mode, NoRecord, RunReport, SourceSpec, Workspace};
use pollwatch_model::{Desk, Finding, Polarity, Register};
use pollwatch_rolls::calendar::{Calendar, MAX_CALENDAR_BYTES};
use pollwatch_rolls::churn::Correction;
use pollwatch_rolls::describe::{LOOKED_AT, draft};
use pollwatch_rolls::interval::{Linking, Listing};
use pollwatch_rolls::layout::{BUILT_IN, Layout, MAX_LAYOUT_BYTES};
use pollwatch_rolls::read::date_in_name;
use pollwatch_rolls::rows::write_rows;
use pollwatch_rolls::run::Report;
use pollwatch_rolls::{Options, Reopen, RollsDesk, Slot};

use crate::arguments::Format;
use crate::commands::open_workspace;
use crate::screen::{Screen, grouped, severity_mark, table, visible, wrapped};

use arguments::{CompareArguments, RollsCommand};

/// Width at which text is broken.
const WIDTH: usize = 92;
/// Explained changes that the table lists.
const EXPLAINED_SHOWN: usize = 20;

pub fn run(workspace: Option<&Path>, command: RollsCommand) -> anyhow::Result<ExitCode> {
    match command {
        RollsCommand::Compare(arguments) => compare(workspace, &arguments),
        RollsCommand::Describe { file, columns } => describe(&file, columns),
        RollsCommand::About => {
            about();
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The inputs by the names that the engine knows them by.
struct Files(BTreeMap<String, PathBuf>);

impl Reopen for Files {
    fn plain(&self, name: &str) -> Option<PathBuf> {
        let path = self.0.get(name)?;
        let mut file = File::open(path).ok()?;
        // What packs a file is told by its first bytes: gzip (RFC 1952) and zstd (RFC 8878).
        let mut magic = [0u8; 4];
        let read = std::io::Read::read(&mut file, &mut magic).ok()?;
        let is_packed = magic.starts_with(&[0x1f, 0x8b]) || magic == [0x28, 0xb5, 0x2f, 0xfd];
        (read > 0 && !is_packed && path.is_file()).then(|| path.clone())
    }

    fn reopen(&self, name: &str) -> std::io::Result<Box<dyn BufRead>> {
        let path = self.0.get(name).ok_or(std::io::ErrorKind::NotFound)?;
        let opened = Place::File(path.clone()).open().map_err(std::io::Error::other)?;
        Ok(Box::new(BufReader::new(opened)))
    }
}

/// Puts snapshots into the order of the days in their names; those without a day stay where they are given.
pub fn in_order(sources: &mut [SourceSpec]) -> bool {
    let days: Vec<_> = sources.iter().map(|source| date_in_name(&source.name)).collect();
    let is_ordered = days.is_sorted();
    if days.iter().all(Option::is_some) {
        sources.sort_by_key(|source| date_in_name(&source.name));
    }
    is_ordered
}

/// The options of a run over `sources`, beside layout and calendar.
pub fn options(sources: &[SourceSpec], scratch: &Path) -> anyhow::Result<Options> {
    let files = sources
        .iter()
        .filter_map(|source| match &source.place {
            Place::File(path) => Some((source.name.clone(), path.clone())),
            Place::Stdin => None,
        })
        .collect();
    let mut key = [0u8; 8];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("cannot draw a random number: {error}"))?;
    Ok(Options {
        scratch: Some(scratch.to_owned()),
        key: u64::from_le_bytes(key),
        reopen: Some(Arc::new(Files(files))),
        ..Options::default()
    })
}

fn compare(workspace: Option<&Path>, arguments: &CompareArguments) -> anyhow::Result<ExitCode> {
    let (mut sources, passed_over) = SourceSpec::from_paths(&arguments.snapshots, None);
    for problem in passed_over {
        eprintln!("{}", visible(&problem.to_string()));
    }
    anyhow::ensure!(
        sources.len() >= 2,
        "a comparison needs two snapshots of one roll; {} was given",
        sources.len()
    );
    if !in_order(&mut sources) {
        eprintln!("Snapshots are compared in the order of the days in their names.");
    }
    let mut rows = arguments.rows.as_deref().map(new_list).transpose()?;
    let scratch = match &arguments.scratch {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    }
    .context("cannot make a folder for scratch files; name one with --scratch DIR")?;
    let mut options = options(&sources, scratch.path())?;
    options.layout = arguments.layout.as_deref().map(read_layout).transpose()?;
    options.target.clone_from(&arguments.target);
    if let Some(path) = &arguments.calendar {
        options.calendar = read_calendar(path)?;
    }
    if arguments.link {
        options.linking = Linking::On;
    }
    if arguments.yekutieli {
        options.correction = Correction::BenjaminiYekutieli;
    }
    if rows.is_some() {
        options.listing = Listing::On;
    }
    let slot = Slot::default();
    // The engine keeps desks for as long as the program runs.
    let desk: &'static RollsDesk = Box::leak(Box::new(RollsDesk::with(options, Arc::clone(&slot))));
    let mut findings = Vec::new();
    let mut broken_pipe = None;
    let mut screen = Screen::new(|finding: &Finding, _| {
        if arguments.format == Format::Jsonl && broken_pipe.is_none() {
            let mut out = std::io::stdout().lock();
            let written = serde_json::to_writer(&mut out, finding)
                .map_err(std::io::Error::from)
                .and_then(|()| out.write_all(b"\n"));
            broken_pipe = written.err();
        }
        findings.push(finding.clone());
    });
    let report = if arguments.record {
        let mut workspace = open_workspace(workspace, Mode::Write)?;
        workspace.run(desk, &sources, Timestamp::now(), &mut screen)
    } else {
        let ctx = Ctx {
            register: Arc::new(register(workspace)),
            settings: serde_json::Value::Null,
            now: Timestamp::now(),
            seed: 0,
            scratch: None,
            judges: Default::default(),
        };
        pollwatch_engine::run(desk, &ctx, &sources, &mut NoRecord, &mut screen)
    };
    screen.close();
    if let Some(error) = broken_pipe {
        return Err(error).context("cannot print");
    }
    let run = report?;
    let report = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let (Some(path), Some(report)) = (&arguments.html, &report) {
        std::fs::write(path, pollwatch_rolls::page::page(report))
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("The pictures are in {}", visible(&path.display().to_string()));
    }
    if let (Some((path, file)), Some(report)) = (&mut rows, &report) {
        write_list(path, file, report)?;
    }
    if let (Format::Table, Some(report)) = (arguments.format, &report) {
        print!("{}", told(report, &findings));
    }
    summarise(&run, arguments, report.as_ref());
    let compared = report.as_ref().is_some_and(|report| !report.judged.is_empty());
    Ok(match (arguments.fail_on, run.highest) {
        (Some(limit), Some(highest)) if highest >= limit => ExitCode::from(1),
        _ if run.inputs_failed > 0 || !compared => ExitCode::from(2),
        _ => ExitCode::SUCCESS,
    })
}

/// A new file for voters' identifiers: readable by its owner alone, and in no workspace, whose evidence and backups go to others.
fn new_list(path: &Path) -> anyhow::Result<(PathBuf, File)> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let shown = visible(&path.display().to_string());
    let parent = parent
        .canonicalize()
        .with_context(|| format!("cannot write {shown}: its folder is not there"))?;
    if let Some(workspace) = Workspace::find(&parent) {
        anyhow::bail!(
            "a list of rows holds voters' identifiers and must not lie in a workspace, whose evidence and backups go to others: {shown} \
             would lie in {}. Name a file elsewhere",
            visible(&workspace.display().to_string())
        );
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).with_context(|| {
        format!("cannot make {shown}: a list of rows is written to a new file and overwrites none")
    })?;
    Ok((path.to_owned(), file))
}

fn write_list(path: &Path, file: &mut File, report: &Report) -> anyhow::Result<()> {
    let shown = visible(&path.display().to_string());
    let mut out = BufWriter::new(file);
    let written = write_rows(report, &mut out).with_context(|| format!("cannot write {shown}"))?;
    out.flush().with_context(|| format!("cannot write {shown}"))?;
    eprintln!(
        "{shown} lists {} rows of {} findings. It holds voters' identifiers: keep it on this machine.",
        grouped(written.rows),
        grouped(written.findings)
    );
    if written.lost > 0 {
        eprintln!(
            "{} rows could not be read again and are missing from it: was a snapshot changed meanwhile?",
            grouped(written.lost)
        );
    }
    Ok(())
}

/// The register of the workspace, where there is one.
fn register(workspace: Option<&Path>) -> Register {
    let found: Option<Workspace> = match workspace {
        Some(_) => open_workspace(workspace, Mode::Read).ok(),
        None => super::workspace_dir(None)
            .ok()
            .and_then(|dir| open_workspace(Some(&dir), Mode::Read).ok()),
    };
    found
        .map(|workspace| workspace.register().as_ref().clone())
        .unwrap_or_default()
}

/// A layout of the program, or a mapping file.
pub fn read_layout(name: &str) -> anyhow::Result<Layout> {
    if let Some(layout) = Layout::built_in(name) {
        return Ok(layout);
    }
    let path = Path::new(name);
    anyhow::ensure!(
        path.exists(),
        "there is no layout {name:?} and no such file; layouts are {}, and `pollwatch rolls describe FILE` drafts a mapping file",
        BUILT_IN.join(", ")
    );
    let text = read_short(path, MAX_LAYOUT_BYTES)?;
    Layout::parse(&text).with_context(|| format!("cannot use {}", path.display()))
}

pub fn read_calendar(path: &Path) -> anyhow::Result<Calendar> {
    let text = read_short(path, MAX_CALENDAR_BYTES)?;
    let (calendar, wrong) =
        Calendar::parse(&text).map_err(|why| anyhow::anyhow!("cannot use {}: {why}", path.display()))?;
    for (line, why) in wrong {
        eprintln!(
            "{}",
            visible(&format!(
                "{}:{line}: {why}; this line is left out",
                path.display()
            ))
        );
    }
    Ok(calendar)
}

fn read_short(path: &Path, most: usize) -> anyhow::Result<String> {
    let size = std::fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .len();
    anyhow::ensure!(
        size <= most as u64,
        "{} is longer than {most} bytes",
        path.display()
    );
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// What was found, for people.
fn told(report: &Report, findings: &[Finding]) -> String {
    let mut text = String::new();
    let rows: Vec<Vec<String>> = report
        .intervals
        .iter()
        .map(|interval| {
            let number = |count: u64| pollwatch_rolls::shown(count);
            vec![
                pollwatch_rolls::explain::called(&interval.before),
                pollwatch_rolls::explain::called(&interval.after),
                number(interval.same),
                number(interval.changed),
                number(interval.gone),
                number(interval.new),
                if interval.refused.is_some() {
                    "not compared".to_owned()
                } else {
                    String::new()
                },
            ]
        })
        .collect();
    text.push_str(&table(
        &["from", "to", "the same", "changed", "gone", "new", ""],
        &rows,
    ));
    text.push('\n');
    let unexplained: Vec<&Finding> = findings.iter().filter(|one| one.kind == "roll-change").collect();
    let others: Vec<&Finding> = findings
        .iter()
        .filter(|one| one.kind == "roll-change-missing")
        .collect();
    let explained: Vec<&Finding> = findings
        .iter()
        .filter(|one| one.kind == "roll-bulk-change")
        .collect();
    for finding in &unexplained {
        text.push_str(&entry(finding));
        for reason in finding.reasons.iter().skip(1) {
            text.push_str(&format!(
                "             - {}\n",
                wrapped(&reason.text, WIDTH - 15, "               ")
            ));
        }
        text.push_str(&format!(
            "             May still be: {}.\n",
            wrapped(&finding.alternatives.join("; "), WIDTH - 14, "             ")
        ));
    }
    for finding in &others {
        text.push_str(&entry(finding));
    }
    if !explained.is_empty() {
        text.push_str("\nExplained, and shown for that reason:\n");
        for finding in explained.iter().take(EXPLAINED_SHOWN) {
            text.push_str(&entry(finding));
        }
        if explained.len() > EXPLAINED_SHOWN {
            text.push_str(&format!(
                "… and {} more: --format jsonl lists all\n",
                explained.len() - EXPLAINED_SHOWN
            ));
        }
    }
    for finding in findings.iter().filter(|one| one.polarity == Polarity::Assurance) {
        text.push('\n');
        text.push_str(&wrapped(&visible(&finding.summary), WIDTH, ""));
        text.push('\n');
        for reason in &finding.reasons {
            text.push_str(&format!(
                "  - {}\n",
                wrapped(&visible(&reason.text), WIDTH - 4, "    ")
            ));
        }
    }
    if unexplained.is_empty() && !report.judged.is_empty() {
        text.push_str("\nNo change stands out from ordinary churn. That is not a statement about changes too small to see.\n");
    }
    text
}

fn entry(finding: &Finding) -> String {
    format!(
        "{:<12} {}\n",
        severity_mark(finding.severity),
        wrapped(&visible(&finding.summary), WIDTH - 14, "             ")
    )
}

fn summarise(run: &RunReport, arguments: &CompareArguments, report: Option<&Report>) {
    if arguments.record {
        eprintln!(
            "Recorded: {} new, {} changed, {} known already.",
            grouped(run.findings_new),
            grouped(run.findings_changed),
            grouped(run.findings_known)
        );
    }
    if let Some(report) = report {
        eprintln!(
            "{} tests in {} intervals, at most 1 in 100 findings false by chance.",
            grouped(report.judgement.tests),
            report.judged.len()
        );
    }
    eprintln!(
        "{} rows read, {} could not be read; {} of {} snapshots read to the end.",
        grouped(run.records_read),
        grouped(run.records_unread),
        grouped(run.inputs),
        grouped(run.inputs + run.inputs_failed)
    );
}

/// Drafts a mapping file.
fn describe(file: &Path, columns: bool) -> anyhow::Result<ExitCode> {
    let mut opened = Place::File(file.to_owned()).open()?;
    let mut bytes = Vec::new();
    std::io::Read::take(&mut opened, LOOKED_AT as u64)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let drafted = draft(&bytes)
        .map_err(|why| anyhow::anyhow!("cannot draft a mapping file for {}: {why}", file.display()))?;
    if columns {
        let rows: Vec<Vec<String>> = drafted
            .columns
            .iter()
            .map(|column| {
                vec![
                    column.name.clone(),
                    column.role.map_or("", |role| role.name()).to_owned(),
                    format!("{} %", 100 * column.filled / column.rows.max(1)),
                    grouped(column.different as u64),
                ]
            })
            .collect();
        print!(
            "{}",
            table(&["column", "role", "filled", "different values"], &rows)
        );
    } else {
        println!(
            "# Drafted from the first {} rows. Check every line.",
            grouped(drafted.columns.first().map_or(0, |column| column.rows as u64))
        );
        for remark in &drafted.remarks {
            println!("# {}", visible(remark));
        }
        print!("{}", drafted.layout.to_text());
    }
    if let Some(known) = &drafted.known {
        eprintln!("The layout {known} of this program fits this file: no mapping file is needed.");
    }
    eprintln!("Use it with: pollwatch rolls compare --layout MAPPING.toml SNAPSHOT…");
    Ok(ExitCode::SUCCESS)
}

/// What the desk sees, and what it cannot tell.
fn about() {
    let card = RollsDesk::new().card();
    println!("{}\n\n{}\n", card.title, wrapped(card.looks_for, WIDTH, ""));
    for detector in card.detectors {
        println!("{}", detector.name);
        for (name, words) in [
            ("sees", detector.sees),
            ("matters", detector.matters),
            ("cannot tell", detector.cannot_tell),
            ("measured on", detector.measured_on),
            ("sources", detector.sources),
        ] {
            println!("  {name:<12} {}", wrapped(words, WIDTH - 15, "               "));
        }
        println!();
    }
}
