//! `pollwatch demo`: a worked election, from names to a briefing.

mod audit;
mod rolls;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_engine::{FindingQuery, SourceSpec, Workspace, verify::verify};
use pollwatch_intrusion::IntrusionDesk;
use pollwatch_lookalike::LookalikeDesk;
use pollwatch_mail::MailDesk;
use pollwatch_model::{Decision, Finding, Severity, Tlp, register::TargetKind};
use pollwatch_names::defang;

use crate::demo_data;
use crate::screen::{Screen, grouped, severity_mark, table, visible};

/// Findings in the table that the demo prints.
const ROWS: usize = 15;

pub fn run(dir: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let dir = match dir {
        Some(dir) => dir,
        None => fresh_folder()?,
    };
    println!("{}\n", demo_data::TITLE);
    let owner = "Demonstration";
    let mut workspace = Workspace::init(
        &dir,
        owner,
        "pollwatch.invalid/us-2018",
        Some(demo_data::REGISTER),
        Timestamp::now(),
    )?;
    let mut sources = Vec::new();
    for (name, bytes) in demo_data::SOURCES {
        let path = dir.join("sources").join(name);
        std::fs::create_dir_all(dir.join("sources"))?;
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        let mut spec = SourceSpec::file(&path);
        spec.name = format!("sources/{name}");
        sources.push(spec);
    }
    let mut screen = Screen::new(|_, _| {});
    let report = workspace.run(&LookalikeDesk, &sources, Timestamp::now(), &mut screen);
    screen.close();
    let report = report?;
    println!(
        "Read {} names against {} protected organisations; {} findings recorded.",
        grouped(report.records_read),
        workspace.register().targets.len(),
        grouped(report.findings_new + report.findings_changed + report.findings_known)
    );

    let query = FindingQuery {
        min_severity: Severity::Medium,
        limit: 10_000,
        ..FindingQuery::default()
    };
    let mut found = workspace.findings(&query)?;
    // Of one severity, bodies of the election come before sign-in services, and the surer finding before the other.
    let is_login = |finding: &Finding| {
        let target = workspace.register().target(&finding.target.id);
        target.is_some_and(|target| target.kind == TargetKind::Login)
    };
    found.sort_by_cached_key(|(finding, _)| {
        let doubt = 1_000 - (finding.confidence.get() * 1_000.0) as i64;
        (
            std::cmp::Reverse(finding.severity),
            is_login(finding),
            doubt,
            finding.id.clone(),
        )
    });
    let rows: Vec<Vec<String>> = found
        .iter()
        .take(ROWS)
        .map(|(finding, _)| {
            let detail = |key: &str| {
                finding
                    .details
                    .get(key)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
            };
            vec![
                severity_mark(finding.severity).to_owned(),
                defang(&finding.subject),
                detail("imitates").to_owned(),
                detail("technique").to_owned(),
                finding.id.as_str()[..10].to_owned(),
            ]
        })
        .collect();
    println!(
        "\n{}",
        table(&["severity", "name (defanged)", "imitates", "how", "id"], &rows)
    );
    if found.len() > ROWS {
        println!("… and {} more: `pollwatch findings list`", found.len() - ROWS);
    }

    compare_with_reports(&found);
    read_mailbox(&dir, &mut workspace)?;
    read_logs(&dir, &mut workspace)?;
    rolls::run(&dir, &mut workspace)?;
    let package = audit::run(&dir, &mut workspace)?;

    let brief = dir.join("brief.html");
    std::fs::write(&brief, workspace.brief(Tlp::Amber)?)
        .with_context(|| format!("cannot write {}", brief.display()))?;
    drop(workspace);
    let verified = verify(&dir, None, None)?;
    anyhow::ensure!(
        verified.faults.is_empty(),
        "the demonstration's own ledger does not verify: {:?}",
        verified.faults
    );
    println!(
        "Verified: {} ledger entries, {} pieces of evidence.",
        grouped(verified.entries),
        grouped(verified.evidence)
    );
    println!("\nThe brief is in  {}", visible(&brief.display().to_string()));
    println!("The audit is in  {}", visible(&package.display().to_string()));
    println!("The workspace is {}", visible(&dir.display().to_string()));
    println!(
        "Took {:.1} s, with no network.\n",
        started.elapsed().as_secs_f64()
    );
    next_steps(
        &dir,
        found
            .first()
            .map(|(finding, _)| finding.id.as_str()[..10].to_owned()),
    );
    Ok(ExitCode::SUCCESS)
}

/// Runs the mail desk over the invented mailbox and tells what came of it.
fn read_mailbox(dir: &Path, workspace: &mut Workspace) -> anyhow::Result<()> {
    let (name, bytes) = demo_data::MAILBOX;
    let path = dir.join("sources").join(name);
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    let mut spec = SourceSpec::file(&path);
    spec.name = format!("sources/{name}");
    let mut campaigns: Vec<Finding> = Vec::new();
    let mut messages = 0;
    let mut screen = Screen::new(|finding: &Finding, _| match finding.kind.as_str() {
        "phishing-campaign" => campaigns.push(finding.clone()),
        _ => messages += 1,
    });
    let report = workspace.run(&MailDesk, &[spec], Timestamp::now(), &mut screen);
    screen.close();
    let report = report?;
    println!(
        "\nThen it read a mailbox of {} messages: {messages} are phishing or suspicious, in these campaigns among others:\n",
        grouped(report.records_read)
    );
    campaigns.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
    let rows: Vec<Vec<String>> = campaigns
        .iter()
        .map(|finding| {
            let claimed = finding.details.get("claimed").and_then(|value| value.as_str());
            vec![
                severity_mark(finding.severity).to_owned(),
                visible(
                    claimed
                        .filter(|claimed| !claimed.is_empty())
                        .unwrap_or("nobody known"),
                ),
                visible(&finding.target.name),
                visible(&finding.summary),
            ]
        })
        .collect();
    println!(
        "{}",
        table(&["severity", "speaks as", "aimed at", "what is known"], &rows)
    );
    Ok(())
}

/// Runs the intrusion desk over the invented counties' logs and tells what each of them shows, and does not.
fn read_logs(dir: &Path, workspace: &mut Workspace) -> anyhow::Result<()> {
    let mut sources = Vec::new();
    for (id, bytes) in demo_data::LOGS {
        let name = format!("{id}.log.gz");
        let path = dir.join("sources").join(&name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        sources.push(SourceSpec {
            name: format!("sources/{name}"),
            role: format!(
                "window={} expect={} jurisdiction={id}",
                demo_data::LOG_WINDOW,
                demo_data::NO_LOG
            ),
            ..SourceSpec::file(&path)
        });
    }
    let mut found: Vec<Finding> = Vec::new();
    let mut screen = Screen::new(|finding: &Finding, _| found.push(finding.clone()));
    let report = workspace.run(&IntrusionDesk, &sources, Timestamp::now(), &mut screen);
    screen.close();
    let report = report?;
    println!(
        "\nThen it read {} lines of access logs of three invented counties; a fourth gave none:\n",
        grouped(report.records_read)
    );
    let ids = demo_data::LOGS
        .iter()
        .map(|(id, _)| *id)
        .chain([demo_data::NO_LOG]);
    let rows: Vec<Vec<String>> = ids
        .map(|id| {
            let name = workspace
                .register()
                .targets
                .iter()
                .find(|target| target.id.as_str() == id)
                .map_or(id, |target| target.name.as_str());
            let furthest = found
                .iter()
                .filter(|finding| finding.target.id.as_str() == id)
                .max_by_key(|finding| finding.severity);
            let (verdict, known) = match furthest {
                Some(finding) => (
                    finding.verdict.clone().unwrap_or_else(|| "no sign".to_owned()),
                    finding.summary.clone(),
                ),
                None if id == demo_data::NO_LOG => (
                    "no data".to_owned(),
                    "It gave no log: nothing can be said of it.".to_owned(),
                ),
                None => (
                    "no sign".to_owned(),
                    "Its log lacks days: `pollwatch tally` names them. This is no all-clear.".to_owned(),
                ),
            };
            vec![visible(name), verdict, visible(&known)]
        })
        .collect();
    println!("{}", table(&["county", "verdict", "what is known"], &rows));
    Ok(())
}

/// Says how the alarms stand against what public reports named, tier by tier.
fn compare_with_reports(found: &[(Finding, Option<Decision>)]) {
    let reported = demo_data::reported();
    let is_hit = |finding: &Finding, domain: &str| {
        domain == finding.subject || domain.ends_with(&format!(".{}", finding.subject))
    };
    println!(
        "Public reports of 2016 to 2018 call {} of these names impersonation. Alarms, by how urgent they are:",
        reported.len()
    );
    for (words, is_in_tier) in [
        (
            "high and up",
            (|severity| severity >= Severity::High) as fn(Severity) -> bool,
        ),
        ("medium", |severity| severity == Severity::Medium),
    ] {
        let tier: Vec<&Finding> = found
            .iter()
            .map(|(finding, _)| finding)
            .filter(|finding| is_in_tier(finding.severity))
            .collect();
        let hits = reported
            .iter()
            .filter(|domain| tier.iter().any(|finding| is_hit(finding, domain)))
            .count();
        let others = tier
            .iter()
            .filter(|finding| !reported.iter().any(|domain| is_hit(finding, domain)))
            .count();
        println!("  {words:<12} {hits:>3} of the reported names, {others:>3} others");
    }
    println!(
        "The stream was filled on purpose with innocent names that share a word with a protected one; a person decides."
    );
}

fn next_steps(dir: &Path, first: Option<String>) {
    let dir = visible(&dir.display().to_string());
    println!("Try next, in that folder (cd {dir}):");
    if let Ok(program) = std::env::current_exe() {
        println!("  (pollwatch is {})", visible(&program.display().to_string()));
    }
    if let Some(id) = first {
        println!("  pollwatch findings show {id}             why, with the evidence and its proof");
        println!("  pollwatch findings show {id} --takedown  a report to the registrar");
    }
    println!("  pollwatch lookalike explain YOUR-NAME.example    what the desk makes of any name");
    println!("  pollwatch tally                                  who was targeted, and what was not seen");
    println!(
        "  pollwatch audit report                           the audit of the invented county, as a page"
    );
    println!("  pollwatch audit verify audit-package             what anybody can check of it, offline");
    println!("  pollwatch verify                                 check the ledger and all evidence");
    println!("  pollwatch init DIR                               a workspace of your own");
}

/// A new folder in the system's temporary folder.
fn fresh_folder() -> anyhow::Result<PathBuf> {
    let base = std::env::temp_dir();
    for number in 1..10_000 {
        let dir = base.join(format!("pollwatch-demo-{number}"));
        match std::fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot make {}", dir.display())),
        }
    }
    anyhow::bail!(
        "{} holds 10,000 demonstrations already; name a folder: pollwatch demo DIR",
        base.display()
    )
}
