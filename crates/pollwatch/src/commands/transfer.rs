//! `pollwatch export` and `pollwatch import`: findings and coverage from office to office.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_engine::{Error, ImportReport, Mode};
use pollwatch_model::TargetId;
use serde_json::json;

use crate::arguments::{ExportArguments, Format, ImportArguments};
use crate::commands::open_workspace;
use crate::screen::{grouped, visible, wrapped};

pub fn export(workspace: Option<&Path>, arguments: ExportArguments) -> anyhow::Result<ExitCode> {
    let mut workspace = open_workspace(workspace, Mode::Write)?;
    let (bytes, manifest) = workspace.export(
        &arguments.targets,
        arguments.tlp,
        &arguments.since,
        Timestamp::now(),
    )?;
    if arguments.file.as_os_str() == "-" {
        std::io::stdout().lock().write_all(&bytes)?;
    } else {
        // Another name first: a file that was broken off is never taken for a whole one.
        let partial = arguments.file.with_added_extension("partial");
        std::fs::write(&partial, &bytes).with_context(|| format!("cannot write {}", partial.display()))?;
        std::fs::rename(&partial, &arguments.file)
            .with_context(|| format!("cannot write {}", arguments.file.display()))?;
    }
    let withheld: u64 = manifest.withheld.iter().map(|withheld| withheld.findings).sum();
    eprintln!(
        "{} lines about {} targets, {}; {} stricter findings are withheld and counted in the file.",
        grouped(manifest.entries.len() as u64 + 1),
        grouped(manifest.targets.len() as u64),
        manifest.tlp.label(),
        grouped(withheld)
    );
    eprintln!(
        "The receiver checks it with this key, which must not travel with the file:\n  {}",
        workspace.verifier_key()
    );
    Ok(ExitCode::SUCCESS)
}

pub fn import(workspace: Option<&Path>, arguments: ImportArguments) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        arguments.files.len() == 1 || (arguments.key.is_none() && arguments.speaks_for.is_empty()),
        "--key and --for concern one sender: give its file alone the first time; later files need neither"
    );
    let mut workspace = open_workspace(workspace, Mode::Write)?;
    let speaks_for: BTreeSet<TargetId> = arguments.speaks_for.iter().cloned().collect();
    for target in &speaks_for {
        if workspace.register().target(target).is_none() {
            return Err(Error::NoSuchTarget(target.clone()).into());
        }
    }
    let bound = (!speaks_for.is_empty()).then_some(&speaks_for);
    let mut refused = 0;
    for path in &arguments.files {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        let taken = workspace.import(
            &name,
            &mut BufReader::new(file),
            arguments.key.as_deref(),
            bound,
            Timestamp::now(),
        );
        match taken {
            Ok(report) => print_report(&name, &report, arguments.format),
            // The other files are still read.
            Err(error @ Error::Refused { .. }) => {
                eprintln!("{}", crate::words::for_people(&error.into()));
                refused += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if refused > 0 {
        return Ok(ExitCode::from(2));
    }
    Ok(ExitCode::SUCCESS)
}

fn print_report(name: &str, report: &ImportReport, format: Format) {
    if format == Format::Jsonl {
        println!(
            "{}",
            json!({
                "file": name, "origin": report.origin, "key": report.key, "for": report.speaks_for, "findings": report.findings,
                "new": report.new, "changed": report.changed, "gone": report.gone, "sources": report.sources,
                "withheld": report.withheld, "not_in_register": report.unknown,
            })
        );
        return;
    }
    println!(
        "{}: every line follows, signed by {}",
        visible(name),
        visible(&report.key)
    );
    println!(
        "  {} findings ({} new, {} changed), coverage of {} sources",
        grouped(report.findings),
        grouped(report.new),
        grouped(report.changed),
        grouped(report.sources)
    );
    match &report.speaks_for {
        Some(targets) => {
            let names: Vec<&str> = targets.iter().map(TargetId::as_str).collect();
            println!(
                "  {}",
                wrapped(
                    &format!("This sender speaks for {} alone.", names.join(", ")),
                    100,
                    "  "
                )
            );
        }
        None => println!("  This sender may speak for any target: bind it with --for TARGET."),
    }
    if report.gone > 0 {
        println!(
            "  {} findings of its last file are not in this one.",
            grouped(report.gone)
        );
    }
    if report.withheld > 0 {
        println!(
            "  {} findings are withheld by the sender; their targets are never counted as \"no sign\".",
            grouped(report.withheld)
        );
    }
    if !report.unknown.is_empty() {
        let names: Vec<&str> = report.unknown.iter().take(12).map(TargetId::as_str).collect();
        let text = format!(
            "Not in our register, so kept and counted nowhere: {}{}.",
            names.join(", "),
            if report.unknown.len() > names.len() {
                " and more"
            } else {
                ""
            }
        );
        println!("  {}", wrapped(&text, 100, "  "));
    }
}
