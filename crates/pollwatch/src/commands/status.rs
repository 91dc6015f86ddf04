//! `pollwatch status`: the health of the workspace.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use pollwatch_engine::{Mode, WatchHealth};

use crate::commands::{open_workspace, workspace_dir};
use crate::screen::{grouped, table, visible};

pub fn run(workspace: Option<&Path>) -> anyhow::Result<ExitCode> {
    let dir = workspace_dir(workspace)?;
    let workspace = open_workspace(Some(&dir), Mode::Read)?;
    let status = workspace.status()?;
    println!("workspace  {}", visible(&dir.display().to_string()));
    println!(
        "register   {} targets, {} faults",
        workspace.register().targets.len(),
        workspace.register_problems().len()
    );
    println!(
        "record     {} findings, {} of them alarms; {} decided",
        grouped(status.findings),
        grouped(status.alarms),
        grouped(status.decided)
    );
    println!(
        "ledger     {} entries signed, {} waiting",
        grouped(status.ledger_size),
        grouped(status.pending)
    );
    println!("evidence   {} MB", grouped(status.evidence_bytes / 1_000_000));
    if workspace.settings().retention.legal_hold {
        println!("retention  legal hold: nothing is deleted");
    } else {
        println!(
            "retention  unreadable records listed for {} days",
            workspace.settings().retention.problems_days
        );
    }
    for desk in &status.unfinished {
        println!(
            "unfinished a run of the {desk} desk was interrupted; run the same command again and it goes on"
        );
    }
    if let Some(health) = workspace.watch_health()? {
        print_watch(&health);
    }
    if status.coverage.is_empty() {
        println!("\nNo source was read yet: nothing is known, good or bad.");
        return Ok(ExitCode::SUCCESS);
    }
    println!();
    let rows: Vec<Vec<String>> = status
        .coverage
        .iter()
        .map(|seen| {
            vec![
                seen.desk.clone(),
                seen.source.clone(),
                grouped(seen.records_read),
                grouped(seen.records_unread),
                if seen.is_complete { "to its end" } else { "in part" }.to_owned(),
            ]
        })
        .collect();
    print!(
        "{}",
        table(&["desk", "source", "records read", "not readable", "read"], &rows)
    );
    Ok(ExitCode::SUCCESS)
}

/// Whether the daemon runs, and how its sources and its ways of telling people are.
fn print_watch(health: &WatchHealth) {
    let said = match (health.is_heard_of(Timestamp::now()), health.is_stopped) {
        (_, true) => format!("stopped at {}", moment(health.alive_at)),
        (true, false) => format!("running since {}", moment(health.since)),
        _ => format!(
            "NOT RUNNING: last heard of at {}; start `pollwatch watch`",
            moment(health.alive_at)
        ),
    };
    println!("watch      {said}");
    println!();
    let rows: Vec<Vec<String>> = health
        .sources
        .iter()
        .map(|source| {
            vec![
                source.name.clone(),
                source.desk.clone(),
                source.state.word().to_owned(),
                moment(source.read_at),
                grouped(source.records),
                grouped(source.records_unread),
                source.trouble.clone().unwrap_or_default(),
            ]
        })
        .collect();
    print!(
        "{}",
        table(
            &[
                "watched source",
                "desk",
                "state",
                "last read",
                "records",
                "not readable",
                "trouble"
            ],
            &rows
        )
    );
    if !health.alerts.is_empty() {
        println!();
        let rows: Vec<Vec<String>> = health
            .alerts
            .iter()
            .map(|alert| {
                vec![
                    alert.name.clone(),
                    moment(alert.told_at),
                    grouped(alert.waiting),
                    alert.trouble.clone().unwrap_or_default(),
                ]
            })
            .collect();
        print!("{}", table(&["alert", "last told", "waiting", "trouble"], &rows));
    }
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or("never".to_owned(), |at| {
        at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    })
}
