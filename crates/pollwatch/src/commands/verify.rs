//! `pollwatch verify`: check everything, offline.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use pollwatch_engine::verify::{Fault, verify};

use crate::commands::workspace_dir;
use crate::screen::{grouped, visible, wrapped};

pub fn run(
    workspace: Option<&Path>,
    checkpoint: Option<PathBuf>,
    key: Option<String>,
) -> anyhow::Result<ExitCode> {
    let dir = workspace_dir(workspace)?;
    let older = checkpoint
        .map(|path| std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display())))
        .transpose()?;
    let report = verify(&dir, key.as_deref(), older.as_deref())?;
    if !report.faults.is_empty() {
        // What does not follow is told by the status even when nobody reads to the end.
        crate::STATUS_WHEN_CLOSED.store(1, std::sync::atomic::Ordering::Relaxed);
    }
    println!("ledger    {}", visible(&report.origin));
    println!("key       {}", visible(&report.key));
    println!("entries   {}", grouped(report.entries));
    println!("findings  {}", grouped(report.findings));
    println!("decisions {}", grouped(report.decisions));
    if report.events > 0 {
        println!("events    {}", grouped(report.events));
    }
    if report.tallies > 0 {
        println!("tallies   {}, each counted again", grouped(report.tallies));
    }
    if report.imports > 0 {
        println!("imports   {}, each checked again", grouped(report.imports));
    }
    println!("evidence  {} pieces", grouped(report.evidence));
    if older.is_some() && report.faults.is_empty() {
        println!("The older checkpoint is a prefix of this ledger: nothing in it was changed or cut since.");
    }
    if report.pending > 0 {
        println!(
            "{} entries are recorded and not yet signed; the next recording signs them.",
            grouped(report.pending)
        );
    }
    if report.faults.is_empty() {
        println!("\nEverything follows: signature, tree, statements, record and evidence.");
        if older.is_none() {
            println!(
                "{}",
                wrapped(
                    "This cannot show whether a whole ledger was replaced and signed with a stolen key. Compare with a checkpoint \
                     from an earlier brief: `pollwatch verify --checkpoint FILE`.",
                    90,
                    ""
                )
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nThis does NOT follow:");
    for Fault { what, meaning } in &report.faults {
        println!("  - {}", wrapped(what, 86, "    "));
        println!("    {}", wrapped(meaning, 86, "    "));
    }
    println!("\nKeep the folder as it is for whoever looks into it.");
    Ok(ExitCode::from(1))
}
