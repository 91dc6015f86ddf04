//! `pollwatch mail`: whether messages are what they say they are.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_engine::{Ctx, Mode, NoRecord, RunReport, SourceSpec, protect};
use pollwatch_mail::answer::Language;
use pollwatch_mail::campaign::{Campaign, Traits, campaigns};
use pollwatch_mail::desk::role_of;
use pollwatch_mail::explain::{authentication, campaign_severity, message_draft};
use pollwatch_mail::indicator::Role;
use pollwatch_mail::judge::{Band, Verdict};
use pollwatch_mail::read::{self, Item};
use pollwatch_mail::{Examiner, Judged, MailDesk};
use pollwatch_model::register::MailBoundary;
use pollwatch_model::{Finding, Register};
use pollwatch_names::{Lines, defang, shown};
use serde_json::{Value, json};

use crate::arguments::{CheckArguments, Format, MailCommand};
use crate::commands::open_workspace;
use crate::screen::{Screen, grouped, severity_mark, table, visible, wrapped};

/// Width at which text is broken.
const WIDTH: usize = 92;
/// Rows of the table of many messages.
const MAX_ROWS: usize = 200;

pub fn run(workspace: Option<&Path>, command: MailCommand) -> anyhow::Result<ExitCode> {
    let MailCommand::Check(arguments) = command;
    let (sources, passed_over) = SourceSpec::from_paths(&arguments.paths, arguments.read_as.as_deref());
    for problem in passed_over {
        eprintln!("{}", visible(&problem.to_string()));
    }
    if arguments.paths.iter().any(|path| path.as_os_str() == "-") && std::io::stdin().is_terminal() {
        eprintln!("Paste the message, then press Ctrl-D on a line of its own.");
    }
    if arguments.record || (arguments.format == Format::Jsonl && !arguments.verdicts) {
        return find(workspace, &arguments, &sources);
    }
    let register = Arc::new(register(workspace, &arguments)?);
    let judges = pollwatch_engine::desks::judges("mail", &register);
    let examiner = Examiner::new(Arc::clone(&register), judges.names);
    let mut checked = Checked::default();
    for source in &sources {
        check(source, &examiner, &arguments, &mut checked)?;
    }
    checked.messages.sort_by(|a, b| {
        b.1.scored
            .verdict
            .cmp(&a.1.scored.verdict)
            .then(b.1.scored.probability.total_cmp(&a.1.scored.probability))
    });
    let role = |address: &str| role_of(&examiner, &register, address);
    let traits: Vec<Traits> = checked
        .messages
        .iter()
        .map(|(_, judged)| judged.traits.clone())
        .collect();
    let joined: Vec<Campaign> = campaigns(&traits, &role)
        .into_iter()
        .filter(|one| one.members.len() > 1)
        .collect();
    if !arguments.verdicts {
        match checked.messages.as_slice() {
            [] => println!("There was no message."),
            [(place, judged)] => print!("{}", one_message(place, judged)),
            many => print!("{}", many_messages(many, &joined)),
        }
    }
    eprintln!(
        "{} messages read, {} could not be read.",
        grouped(checked.read),
        grouped(checked.unread)
    );
    let of_messages = checked
        .messages
        .iter()
        .filter_map(|(_, judged)| message_draft(judged, &register).map(|draft| draft.severity));
    let of_campaigns = joined.iter().map(|one| campaign_severity(one, &traits));
    let highest = of_messages.chain(of_campaigns).max();
    Ok(match (arguments.fail_on, highest) {
        (Some(limit), Some(highest)) if highest >= limit => ExitCode::from(1),
        _ if checked.failed > 0 => ExitCode::from(2),
        _ => ExitCode::SUCCESS,
    })
}

#[derive(Default)]
struct Checked {
    messages: Vec<(String, Judged)>,
    read: u64,
    unread: u64,
    failed: u64,
}

/// Findings, as any desk makes them, printed or recorded.
fn find(
    workspace: Option<&Path>,
    arguments: &CheckArguments,
    sources: &[SourceSpec],
) -> anyhow::Result<ExitCode> {
    let mut broken_pipe = None;
    let mut screen = Screen::new(|finding: &Finding, _| {
        if broken_pipe.is_some() {
            return;
        }
        let mut out = std::io::stdout().lock();
        let written = match arguments.format {
            Format::Jsonl => serde_json::to_writer(&mut out, finding)
                .map_err(std::io::Error::from)
                .and_then(|()| out.write_all(b"\n")),
            Format::Table => {
                let text = wrapped(&visible(&finding.summary), WIDTH - 14, "             ");
                writeln!(out, "{:<12} {text}", severity_mark(finding.severity))
            }
        };
        broken_pipe = written.err();
    });
    let report = if arguments.record {
        anyhow::ensure!(
            arguments.register.is_none() && arguments.boundary.is_none(),
            "with --record the workspace's own register is used; its `mail` entry names the boundary"
        );
        let mut workspace = open_workspace(workspace, Mode::Write)?;
        workspace.run(&MailDesk, sources, Timestamp::now(), &mut screen)
    } else {
        let register = Arc::new(register(workspace, arguments)?);
        let ctx = Ctx {
            judges: pollwatch_engine::desks::judges("mail", &register),
            register,
            settings: Value::Null,
            now: Timestamp::now(),
            seed: 0,
            scratch: None,
        };
        pollwatch_engine::run(&MailDesk, &ctx, sources, &mut NoRecord, &mut screen)
    };
    screen.close();
    if let Some(error) = broken_pipe {
        return Err(error).context("cannot print");
    }
    let report: RunReport = report?;
    if arguments.record {
        eprintln!(
            "Recorded: {} new, {} changed, {} known already.",
            grouped(report.findings_new),
            grouped(report.findings_changed),
            grouped(report.findings_known)
        );
    }
    eprintln!(
        "{} messages read, {} could not be read; {} of {} inputs read to the end.",
        grouped(report.records_read),
        grouped(report.records_unread),
        grouped(report.inputs),
        grouped(report.inputs + report.inputs_failed)
    );
    Ok(match (arguments.fail_on, report.highest) {
        (Some(limit), Some(highest)) if highest >= limit => ExitCode::from(1),
        _ if report.inputs_failed > 0 => ExitCode::from(2),
        _ => ExitCode::SUCCESS,
    })
}

/// The register given, else the workspace's, else an empty one: well-known brands are known without any.
fn register(workspace: Option<&Path>, arguments: &CheckArguments) -> anyhow::Result<Register> {
    let mut register = match (&arguments.register, workspace) {
        (Some(path), _) => {
            let (register, problems) = protect::read_list(path)?;
            for problem in problems.iter().take(20) {
                eprintln!("{}", visible(&problem.to_string()));
            }
            register
        }
        (None, Some(_)) => open_workspace(workspace, Mode::Read)?.register().as_ref().clone(),
        (None, None) => match crate::commands::workspace_dir(None) {
            Ok(dir) => open_workspace(Some(&dir), Mode::Read)?
                .register()
                .as_ref()
                .clone(),
            Err(_) => {
                eprintln!(
                    "No register: only well-known brands are compared. Give --register FILE to protect your own names."
                );
                Register::default()
            }
        },
    };
    if let Some(path) = &arguments.boundary {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let boundary: MailBoundary = toml::from_str(&text).with_context(|| {
            format!(
                "{}: a boundary file holds `authserv_ids = [\"mx.example.gov\"]` and `hosted_by = []`",
                path.display()
            )
        })?;
        match register.targets.first_mut() {
            Some(first) => {
                first.mail.authserv_ids.extend(boundary.authserv_ids);
                first.mail.hosted_by.extend(boundary.hosted_by);
            }
            None => {
                anyhow::bail!("--boundary needs a register: the mailbox that it guards has to be somebody's")
            }
        }
    }
    Ok(register)
}

fn check(
    source: &SourceSpec,
    examiner: &Examiner,
    arguments: &CheckArguments,
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let mut opened = match source.place.open() {
        Ok(opened) => opened,
        Err(error) => {
            checked.failed += 1;
            eprintln!("{}: {}", visible(&source.name), visible(&error.to_string()));
            return Ok(());
        }
    };
    let language = arguments.language.as_deref().map(|language| match language {
        "es" => Language::Spanish,
        _ => Language::English,
    });
    let mut failure = None;
    let outcome = read::read_messages(
        &source.name,
        source.format.as_deref(),
        read::Position::default(),
        &mut opened,
        &mut |item| {
            let message = match item {
                Item::Message(message) => message,
                Item::Problem { locator, what } => {
                    checked.unread += 1;
                    eprintln!("{}: {}", visible(&locator), visible(&what));
                    return true;
                }
            };
            let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                examiner.examine(&message.bytes, &message.locator, language)
            }));
            let Ok(all) = judged else {
                checked.unread += 1;
                eprintln!(
                    "{}: cannot tell: a reader gave up on this message",
                    visible(&message.locator)
                );
                return true;
            };
            checked.read += 1;
            for mut judged in all {
                if arguments.verdicts
                    && let Err(error) = verdict_line(&source.name, &message.locator, &judged)
                {
                    failure = Some(error);
                    return false;
                }
                judged.bytes = Vec::new();
                checked.messages.push((message.locator.clone(), judged));
            }
            true
        },
    );
    if let Some(error) = failure {
        return Err(error).context("cannot print");
    }
    if let Err(error) = outcome {
        checked.failed += 1;
        eprintln!("{}: {}", visible(&source.name), visible(&error.to_string()));
    }
    Ok(())
}

fn verdict_line(file: &str, locator: &str, judged: &Judged) -> std::io::Result<()> {
    let signals: Vec<Value> = judged
        .scored
        .weighed
        .iter()
        .map(|one| {
            json!({"id": one.seen.signal.id(), "group": one.group, "band": one.band, "weight": (one.weight * 100.0).round() / 100.0,
                "text": one.seen.says, "quote": one.seen.quote})
        })
        .collect();
    let line = json!({
        "file": file,
        "message": if judged.part.is_empty() { locator.to_owned() } else { format!("{locator}#{}", judged.part) },
        "sha256": judged.message,
        "verdict": judged.scored.verdict.word(),
        "probability": (judged.scored.probability * 1000.0).round() / 1000.0,
        "signals": signals,
        "indicators": judged.indicators,
        "victims": judged.victims,
        "reporter": judged.reporter,
        "outcome": judged.outcome,
        "authentication": authentication(judged),
        "against": judged.against,
        "not_checked": judged.not_checked,
        "answer": judged.answer.sentences.join(" "),
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Phishing => "[!!] PHISHING",
        Verdict::Suspicious => "[! ] SUSPICIOUS",
        Verdict::Unwanted => "[- ] UNWANTED",
        Verdict::NoSign => "[  ] NO SIGN OF PHISHING",
        Verdict::CannotTell => "[? ] CANNOT TELL",
    }
}

fn hostile(text: &str) -> String {
    shown(text, 240, Lines::Joined)
}

/// Hostile text on one line, cut behind `most` characters.
fn short(text: &str, most: usize) -> String {
    let text = hostile(text);
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}\u{2026}", &text[..at]),
        None => text,
    }
}

/// The end of a path: what tells one file from another.
fn short_end(text: &str, most: usize) -> String {
    let text = hostile(text);
    let count = text.chars().count();
    if count <= most {
        return text;
    }
    let end: String = text.chars().skip(count - most).collect();
    format!("\u{2026}{end}")
}

/// What the helpdesk reads: the answer, then why.
fn one_message(place: &str, judged: &Judged) -> String {
    let mut text = format!("{}\n\n", mark(judged.scored.verdict));
    let mut line = |lead: &str, words: &str, indent: &str| {
        text.push_str(&format!(
            "{lead}{}\n",
            wrapped(words, WIDTH - lead.chars().count(), indent)
        ));
    };
    for sentence in &judged.answer.sentences {
        line("  ", sentence, "  ");
    }
    for (at, step) in judged.answer.steps.iter().enumerate() {
        line(&format!("  {}. ", at + 1), step, "     ");
    }
    line("", "", "");
    line("  From     ", &hostile(&judged.from), "           ");
    line("  Subject  ", &hostile(&judged.subject), "           ");
    line("  File     ", &hostile(place), "           ");
    let decided: Vec<_> = judged
        .scored
        .weighed
        .iter()
        .filter(|one| one.band != Band::Mention)
        .collect();
    if !decided.is_empty() {
        line("\nWhy", "", "");
        for one in &decided {
            let strong = if one.band == Band::Strong {
                "  ** "
            } else {
                "   * "
            };
            line(strong, &hostile(&one.seen.says), "     ");
            let quote = hostile(&one.seen.quote.text);
            if !quote.is_empty() {
                line("     > ", &pollwatch_names::defang_schemes(&quote), "     > ");
            }
            line(
                "       ",
                &format!(
                    "{}, part {}, byte {}",
                    one.seen.signal.id(),
                    one.seen.quote.part,
                    one.seen.quote.offset
                ),
                "       ",
            );
        }
    }
    let mut list = |title: &str, all: &[String]| {
        if !all.is_empty() {
            line(&format!("\n{title}"), "", "");
            for one in all {
                line("   - ", &hostile(one), "     ");
            }
        }
    };
    list("What spoke against", &judged.against);
    list("What could not be checked", &judged.not_checked);
    let indicators: Vec<String> = judged
        .indicators
        .iter()
        .map(|one| {
            let role = match one.role {
                Role::Attacker => "the attacker's",
                Role::AbusedService => "a service that is abused: block this, not the service",
                Role::CompromisedParty => "a party whose account was taken over: not for blocking",
                Role::Quoted => "quoted in the text",
            };
            format!("{:<12} {}  ({role})", one.kind, defang(&one.value))
        })
        .collect();
    list("What to search for", &indicators);
    text.push_str(&format!(
        "\nHow likely it is phishing: {:.0} %. Recipients named: {}. Strong signs are marked **, others *.\n",
        judged.scored.probability * 100.0,
        judged.victims.len()
    ));
    text
}

fn many_messages(all: &[(String, Judged)], joined: &[Campaign]) -> String {
    let rows: Vec<Vec<String>> = all
        .iter()
        .take(MAX_ROWS)
        .map(|(place, judged)| {
            vec![
                mark(judged.scored.verdict).to_owned(),
                format!("{:.0} %", judged.scored.probability * 100.0),
                short(&judged.from, 28),
                short(&judged.subject, 28),
                short_end(place, 24),
            ]
        })
        .collect();
    let mut text = table(&["verdict", "likely", "from", "subject", "message"], &rows);
    text.push('\n');
    if all.len() > MAX_ROWS {
        text.push_str(&format!("… and {} more\n", all.len() - MAX_ROWS));
    }
    let count = |verdict: Verdict| {
        all.iter()
            .filter(|(_, judged)| judged.scored.verdict == verdict)
            .count()
    };
    text.push_str(&format!(
        "\n{} phishing, {} suspicious, {} unwanted, {} without a sign of phishing, {} that could not be judged.\n",
        count(Verdict::Phishing),
        count(Verdict::Suspicious),
        count(Verdict::Unwanted),
        count(Verdict::NoSign),
        count(Verdict::CannotTell)
    ));
    for campaign in joined {
        let why = campaign
            .joins
            .first()
            .map(|join| hostile(&defang(&join.why)))
            .unwrap_or_default();
        text.push_str(&wrapped(
            &format!(
                "Campaign {}: {} messages to {} people; joined by {why}.",
                campaign.id,
                campaign.mails,
                campaign.people.len()
            ),
            WIDTH,
            "    ",
        ));
        text.push('\n');
    }
    text
}
