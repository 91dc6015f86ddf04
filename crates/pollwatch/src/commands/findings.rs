//! `pollwatch findings`: what was found, and what an analyst made of it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use pollwatch_brief::Veil;
use pollwatch_engine::{FindingQuery, Mode, ShownFinding};
use pollwatch_model::{Decision, Register, Verdict};
use pollwatch_names::defang;

use crate::arguments::{DecisionWord, FindingsCommand, Format};
use crate::commands::open_workspace;
use crate::screen::{aligned, severity_mark, table, visible, wrapped};

pub fn run(workspace: Option<&Path>, command: FindingsCommand) -> anyhow::Result<ExitCode> {
    match command {
        FindingsCommand::List {
            min_severity,
            target,
            text,
            format,
            limit,
        } => {
            let query = FindingQuery {
                min_severity,
                target,
                text,
                limit,
            };
            list(workspace, &query, format)
        }
        FindingsCommand::Show { id, takedown, format } => show(workspace, &id, takedown, format),
        FindingsCommand::Decide {
            id,
            decision,
            reason,
            by,
        } => decide(workspace, &id, decision, &reason, by),
    }
}

fn list(workspace: Option<&Path>, query: &FindingQuery, format: Format) -> anyhow::Result<ExitCode> {
    let workspace = open_workspace(workspace, Mode::Read)?;
    let found = workspace.findings(query)?;
    if format == Format::Jsonl {
        for (finding, _) in &found {
            println!("{}", serde_json::to_string(finding)?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if found.is_empty() {
        println!(
            "Nothing recorded answers to that. This is no statement that nothing happened: see `pollwatch status`."
        );
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(finding, decision)| {
            vec![
                finding.id.as_str()[..10].to_owned(),
                severity_mark(finding.severity).to_owned(),
                defang(&finding.subject),
                finding.target.name.clone(),
                finding.stage.map_or("sound", |stage| stage.word()).to_owned(),
                decision
                    .as_ref()
                    .map_or("", |decision| decision_word(decision))
                    .to_owned(),
            ]
        })
        .collect();
    print!(
        "{}",
        table(
            &["id", "severity", "subject", "target", "stage", "decided"],
            &rows
        )
    );
    if found.len() as u32 == query.limit {
        eprintln!("Only the first {} are shown; --limit shows more.", query.limit);
    }
    Ok(ExitCode::SUCCESS)
}

fn decision_word(decision: &Decision) -> &'static str {
    match decision.verdict {
        Verdict::Confirmed => "confirmed",
        Verdict::Dismissed => "dismissed",
        Verdict::Note => "note",
    }
}

fn show(workspace: Option<&Path>, id: &str, takedown: bool, format: Format) -> anyhow::Result<ExitCode> {
    let workspace = open_workspace(workspace, Mode::Read)?;
    let shown = workspace.finding(id)?;
    if takedown {
        print!("{}", takedown_report(&shown, workspace.register()));
    } else if format == Format::Jsonl {
        println!("{}", serde_json::to_string(&shown.finding)?);
    } else {
        print!("{}", page(&shown, workspace.register()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Bytes of an excerpt that are shown on a terminal.
const EXCERPT_BYTES: usize = 400;

/// A finding as a page of the terminal.
fn page(shown: &ShownFinding, register: &Register) -> String {
    let finding = &shown.finding;
    let veil = Veil::new(register, [finding]);
    let safe = |text: &str| veil.text(text);
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{label:<12} {}", wrapped(value, 86, "             "));
    };
    line(severity_mark(finding.severity), &safe(&finding.summary));
    line("id", &format!("{} (revision {})", finding.id, shown.revision));
    line(
        "target",
        &format!("{} ({})", finding.target.name, finding.target.id),
    );
    line(
        "stage",
        finding.stage.map_or("none: an assurance", |stage| stage.word()),
    );
    line("how sure", &format!("{:.0} %", finding.confidence.get() * 100.0));
    let observed = match (finding.observed.first, finding.observed.last) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(first), _) => first.to_string(),
        _ => "the source tells no time".to_owned(),
    };
    line("seen", &observed);
    for line in aligned(finding) {
        let _ = writeln!(text, "             {line}");
    }
    let _ = writeln!(text, "\nWhy");
    for reason in &finding.reasons {
        let _ = writeln!(
            text,
            "  {:+.1}  {}",
            reason.weight,
            wrapped(&safe(&reason.text), 84, "        ")
        );
    }
    let _ = writeln!(text, "\nWhat else explains it");
    for alternative in &finding.alternatives {
        let _ = writeln!(text, "  - {}", wrapped(&safe(alternative), 84, "    "));
    }
    let _ = writeln!(text, "\nNext\n  {}", wrapped(&safe(&finding.next), 86, "  "));
    let _ = writeln!(text, "\nEvidence");
    for (reference, bytes) in &shown.excerpts {
        let _ = writeln!(text, "  {}  {}", visible(&reference.locator), reference.sha256);
        match bytes {
            Some(bytes) => {
                let excerpt = veil.excerpt(&bytes[..bytes.len().min(EXCERPT_BYTES)]);
                let _ = writeln!(text, "    {}", wrapped(&excerpt, 84, "    "));
            }
            None if shown.origin.is_some() => {
                let _ = writeln!(text, "    kept by the office that sent the finding");
            }
            None => {
                let _ = writeln!(
                    text,
                    "    the evidence is missing from the evidence folder: run `pollwatch verify`"
                );
            }
        }
    }
    match &shown.ledger {
        None if let Some((origin, index)) = &shown.origin => {
            let entry = index.map_or(String::new(), |index| format!("entry {index} of "));
            let _ = writeln!(
                text,
                "\nLedger       {entry}{}, checked when it was taken in; `pollwatch verify` checks it again",
                visible(origin)
            );
        }
        Some(place) => {
            let _ = writeln!(
                text,
                "\nLedger       entry {}; proof:\n{}",
                place.index,
                indented(&place.proof)
            );
        }
        None => text.push_str(
            "\nLedger       not yet signed in: the next recording or `pollwatch verify` shows why\n",
        ),
    }
    for decision in &shown.decisions {
        let _ = writeln!(
            text,
            "Decision     {} by {} at {}: {}",
            decision_word(decision),
            visible(&decision.by),
            decision.at,
            wrapped(&safe(&decision.reason), 80, "             ")
        );
    }
    text
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {}\n", visible(line)))
        .collect()
}

/// The text of a report to a registrar or host: facts only, no demand, no accusation of a person.
fn takedown_report(shown: &ShownFinding, register: &Register) -> String {
    let finding = &shown.finding;
    let veil = Veil::new(register, [finding]);
    let owner = &register.owner;
    let detail = |key: &str| {
        finding
            .details
            .get(key)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
    };
    let mut text = String::new();
    let _ = writeln!(
        text,
        "Subject: Domain name that imitates {}: {}\n",
        visible(detail("imitates")),
        visible(&defang(&finding.subject))
    );
    let _ = writeln!(
        text,
        "To the abuse contact of the registrar or host of {}:\n",
        visible(&defang(&finding.subject))
    );
    let _ = writeln!(
        text,
        "We report a domain name that imitates one of an organisation that we protect.\n"
    );
    let _ = writeln!(text, "Domain name:      {}", visible(&defang(&finding.subject)));
    let _ = writeln!(text, "Name as seen:     {}", visible(&defang(detail("name"))));
    let _ = writeln!(text, "Imitated name:    {}", visible(detail("imitates")));
    let _ = writeln!(text, "Its owner:        {}", visible(&finding.target.name));
    match finding.observed.first {
        Some(first) => {
            let _ = writeln!(text, "First seen:       {first}");
        }
        None => {
            let _ = writeln!(text, "First seen:       the source of the name tells no time");
        }
    }
    let _ = writeln!(text, "\nWhat was observed:");
    for reason in finding.reasons.iter().filter(|reason| reason.weight > 0.0) {
        let _ = writeln!(text, "  - {}", wrapped(&veil.text(&reason.text), 84, "    "));
    }
    let _ = writeln!(
        text,
        "\nWhat was not observed: we looked at the name alone. We have not visited it and say nothing of its content."
    );
    let _ = writeln!(text, "\nWhat else could explain it:");
    for alternative in &finding.alternatives {
        let _ = writeln!(text, "  - {}", wrapped(&veil.text(alternative), 84, "    "));
    }
    let _ = writeln!(
        text,
        "\nEvidence (SHA-256 of the record in which the name was seen):"
    );
    for (reference, _) in &shown.excerpts {
        let _ = writeln!(text, "  {}", reference.sha256);
    }
    let _ = writeln!(
        text,
        "\nPlease check whether the registration and its use keep to your terms, and keep the registration data and logs.\n\n{}",
        if owner.is_empty() {
            "(name and telephone number of the sender)".to_owned()
        } else {
            visible(owner)
        }
    );
    text
}

fn decide(
    workspace: Option<&Path>,
    id: &str,
    decision: DecisionWord,
    reason: &str,
    by: Option<String>,
) -> anyhow::Result<ExitCode> {
    let verdict = match decision {
        DecisionWord::Confirmed => Verdict::Confirmed,
        DecisionWord::Dismissed => Verdict::Dismissed,
        DecisionWord::Note => Verdict::Note,
    };
    anyhow::ensure!(
        verdict == Verdict::Confirmed || !reason.trim().is_empty(),
        "a {} needs a reason: add -m \"…\"; somebody will ask",
        if verdict == Verdict::Dismissed {
            "dismissal"
        } else {
            "note"
        }
    );
    let by = by
        .or_else(|| std::env::var("USER").ok())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| anyhow::anyhow!("who decides? add --by NAME"))?;
    let mut workspace = open_workspace(workspace, Mode::Write)?;
    let decided = workspace.decide(id, verdict, reason.trim(), &by, Timestamp::now())?;
    println!(
        "Recorded: {} is {}, by {}, in the ledger.",
        decided.finding,
        decision_word(&decided),
        visible(&decided.by)
    );
    Ok(ExitCode::SUCCESS)
}
