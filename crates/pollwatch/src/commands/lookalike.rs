//! `pollwatch lookalike`: names that imitate the register's.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_engine::{Ctx, Mode, NoRecord, RunReport, SourceSpec, Workspace, protect};
use pollwatch_lookalike::{LookalikeDesk, Matcher};
use pollwatch_model::{Desk, Finding, Problem, Register, Severity};
use pollwatch_names::defang;

use crate::arguments::{Format, LookalikeCommand, ScanArguments};
use crate::commands::open_workspace;
use crate::screen::{Screen, aligned, grouped, severity_mark, visible, wrapped};

pub fn run(workspace: Option<&Path>, command: LookalikeCommand) -> anyhow::Result<ExitCode> {
    match command {
        LookalikeCommand::Scan(arguments) => scan(workspace, &arguments),
        LookalikeCommand::Explain { name, protect } => explain(workspace, &name, &protect),
        LookalikeCommand::About => {
            about();
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn scan(workspace: Option<&Path>, arguments: &ScanArguments) -> anyhow::Result<ExitCode> {
    let (sources, passed_over) = SourceSpec::from_paths(&arguments.files, arguments.read_as.as_deref());
    for problem in passed_over {
        eprintln!("{}", visible(&problem.to_string()));
    }
    let mut printed = 0u64;
    let mut broken_pipe = None;
    let mut screen = Screen::new(|finding: &Finding, _| {
        if finding.severity >= arguments.min_severity && broken_pipe.is_none() {
            printed += 1;
            let mut out = std::io::stdout().lock();
            let written = match arguments.format {
                Format::Jsonl => serde_json::to_writer(&mut out, finding)
                    .map_err(std::io::Error::from)
                    .and_then(|()| out.write_all(b"\n")),
                Format::Table => out.write_all(scan_entry(finding).as_bytes()),
            };
            broken_pipe = written.err();
        }
    });
    let report = if arguments.record {
        anyhow::ensure!(
            arguments.protect.is_empty(),
            "with --record the workspace's own register is used; import the list there (`pollwatch register import`), or name \
             it under `protect` in pollwatch.toml"
        );
        let mut workspace = open_workspace(workspace, Mode::Write)?;
        workspace.run(&LookalikeDesk, &sources, Timestamp::now(), &mut screen)
    } else {
        let register = register(workspace, &arguments.protect)?;
        let ctx = Ctx {
            register: register.into(),
            settings: serde_json::Value::Null,
            now: Timestamp::now(),
            seed: 0,
            scratch: None,
            judges: Default::default(),
        };
        pollwatch_engine::run(&LookalikeDesk, &ctx, &sources, &mut NoRecord, &mut screen)
    };
    screen.close();
    if let Some(error) = broken_pipe {
        return Err(error).context("cannot print");
    }
    let report = report?;
    summarise(&report, printed, arguments);
    Ok(exit_code(&report, arguments.fail_on))
}

/// The protected names: those of the lists given, else those of the workspace.
fn register(workspace: Option<&Path>, protect: &[PathBuf]) -> anyhow::Result<Register> {
    if protect.is_empty() {
        let workspace: Workspace = open_workspace(workspace, Mode::Read)
            .context("no --protect FILE was given, and the register of a workspace cannot be used")?;
        return Ok(workspace.register().as_ref().clone());
    }
    let mut register = Register::default();
    let mut problems: Vec<Problem> = Vec::new();
    for path in protect {
        let (read, found) = protect::read_list(path)?;
        problems.extend(found);
        problems.extend(register.extend(&path.display().to_string(), read));
    }
    let shown = 20;
    for problem in problems.iter().take(shown) {
        eprintln!("{}", visible(&problem.to_string()));
    }
    if problems.len() > shown {
        eprintln!(
            "… and {} more problems in the lists of protected names",
            problems.len() - shown
        );
    }
    Ok(register)
}

/// One finding on the terminal: what, whom, how, and the letters that match.
fn scan_entry(finding: &Finding) -> String {
    let detail = |key: &str| {
        finding
            .details
            .get(key)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
    };
    let mut text = format!(
        "{:<12} {}  imitates {} ({})\n",
        severity_mark(finding.severity),
        visible(&defang(detail("name"))),
        visible(detail("imitates")),
        visible(&finding.target.name),
    );
    text.push_str(&format!(
        "             {}\n",
        wrapped(
            &format!(
                "{}; how sure: {:.0} %{}",
                detail("technique"),
                finding.confidence.get() * 100.0,
                finding
                    .evidence
                    .first()
                    .map(|e| format!("; {}", e.locator))
                    .unwrap_or_default()
            ),
            86,
            "             "
        )
    ));
    for line in aligned(finding) {
        text.push_str(&format!("             {line}\n"));
    }
    text
}

fn summarise(report: &RunReport, printed: u64, arguments: &ScanArguments) {
    if arguments.format == Format::Table && printed == 0 {
        println!(
            "No name that was read imitates a protected name, at severity {} or above. This says nothing of names that were \
             not among them.",
            arguments.min_severity
        );
    }
    if report.is_resumed {
        eprintln!("An earlier run of these inputs was interrupted; this one went on where it stopped.");
    }
    if arguments.record {
        eprintln!(
            "Recorded: {} new, {} changed, {} known already.",
            grouped(report.findings_new),
            grouped(report.findings_changed),
            grouped(report.findings_known)
        );
    }
    eprintln!(
        "{} names read, {} could not be read; {} of {} inputs read to the end; {} findings shown.",
        grouped(report.records_read),
        grouped(report.records_unread),
        grouped(report.inputs),
        grouped(report.inputs + report.inputs_failed),
        grouped(printed)
    );
}

fn exit_code(report: &RunReport, fail_on: Option<Severity>) -> ExitCode {
    match (fail_on, report.highest) {
        (Some(limit), Some(highest)) if highest >= limit => ExitCode::from(1),
        _ if report.inputs_failed > 0 => ExitCode::from(2),
        _ => ExitCode::SUCCESS,
    }
}

fn explain(workspace: Option<&Path>, name: &str, protect: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let register = register(workspace, protect)?;
    let (matcher, problems) = Matcher::compile(&register);
    for problem in problems {
        eprintln!("{}", visible(&problem.to_string()));
    }
    let explanation = matcher
        .explain(name)
        .with_context(|| format!("cannot judge {name:?}"))?;
    print!("{}", visible_lines(&explanation.to_text()));
    Ok(ExitCode::SUCCESS)
}

fn visible_lines(text: &str) -> String {
    text.lines().map(|line| visible(line) + "\n").collect()
}

fn about() {
    let card = LookalikeDesk.card();
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
}
