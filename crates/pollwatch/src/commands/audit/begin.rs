//! What comes before anybody reads a card: the files, the questions, the commitment, the dice, the draw.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_audit::flow::event::{Answer, Answers, Audited, Opened, Role, Seeded, Yes};
use pollwatch_audit::flow::{Event, Method, compose};
use pollwatch_audit::page::{retrieval_csv, retrieval_page};
use pollwatch_engine::audit::load_audit_files;
use pollwatch_engine::{Mode, Workspace};
use pollwatch_model::register::TargetKind;
use pollwatch_model::{Problem, TargetRef};

use super::arguments::{AnswerArguments, InitArguments, SeedArguments, Which};
use super::{append, name_and_number, session, who, write};
use crate::commands::{open_workspace, workspace_dir};
use crate::screen::{grouped, visible, wrapped};

/// Problems of files that are printed word by word.
const PROBLEMS_SHOWN: usize = 20;

pub fn init(workspace: Option<&Path>, arguments: &InitArguments) -> anyhow::Result<ExitCode> {
    let by = who(arguments.by.as_deref())?;
    let mut files: Vec<(Role, String, PathBuf)> = Vec::new();
    for (role, given) in [
        (Role::Manifest, &arguments.manifest),
        (Role::Cvr, &arguments.cvr),
        (Role::BatchTallies, &arguments.batch_tallies),
        (Role::Names, &arguments.names),
    ] {
        for text in given {
            let (county, path) = county_and_file(text);
            files.push((role, county, path));
        }
    }
    if let Some(contests) = &arguments.contests {
        files.push((Role::Contests, String::new(), contests.clone()));
    }
    for (_, _, path) in &files {
        std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    let answers = ask(&arguments.answers)?;
    let mut workspace = open_workspace(workspace, Mode::Write)?;
    let target = target(&workspace, arguments.target.as_deref())?;
    if workspace.audits()?.contains(&arguments.name) {
        let audit = workspace.audit(Some(&arguments.name))?;
        anyhow::ensure!(
            audit.state().opened().is_none(),
            "there is an audit {} already; choose another name, or take its opening back with `pollwatch audit undo`",
            arguments.name
        );
    }
    let inputs = workspace.take_audit_files(&arguments.name, &files)?;
    let loaded = load_audit_files(&workspace, &arguments.name, &inputs, &std::env::temp_dir())?;
    let (contests, remarks) =
        compose(&loaded, &arguments.contest, &arguments.also).map_err(|error| anyhow::anyhow!("{error}"))?;
    show_problems(loaded.problems.iter().chain(&remarks));
    if loaded.problems_left_out > 0 {
        eprintln!("… and {} more", grouped(loaded.problems_left_out));
    }
    let listed: Vec<String> = contests.iter().map(|one| one.contest.name.clone()).collect();
    anyhow::ensure!(
        contests.iter().any(|one| one.audited == Audited::Targeted),
        "say which contests to audit with --contest; the files have {}",
        visible(&listed.join("; "))
    );
    let opened = Opened {
        title: arguments.title.clone().unwrap_or_else(|| arguments.name.clone()),
        target,
        risk_limit: arguments.risk_limit.trim().to_owned(),
        inputs,
        contests,
        answers,
        minutes_a_card: arguments.minutes,
    };
    pollwatch_engine::audit::check_risk_limit(&opened.risk_limit)?;
    let audit = workspace.audit_append(
        &arguments.name,
        &by,
        vec![Event::Opened(Box::new(opened))],
        Timestamp::now(),
    )?;
    let state = audit.state();
    let cards: u64 = loaded.counties.iter().map(|county| county.manifest.cards()).sum();
    println!("The audit {} is open.\n", arguments.name);
    println!("  cards in the manifest   {}", grouped(cards));
    for county in loaded.counties.iter().filter(|county| !county.name.is_empty()) {
        println!(
            "    {:<22}{}",
            visible(&county.name),
            grouped(county.manifest.cards())
        );
    }
    let count = |audited| {
        state.opened().map_or(0, |opened| {
            opened
                .contests
                .iter()
                .filter(|one| one.audited == audited)
                .count()
        })
    };
    println!(
        "  contests                {} audited, {} on cards drawn for others, {} not audited",
        count(Audited::Targeted),
        count(Audited::Opportunistic),
        count(Audited::No)
    );
    say_answers(state.answers());
    println!("\nNext: `pollwatch audit contests`, then `pollwatch audit plan`.");
    Ok(ExitCode::SUCCESS)
}

/// Prints problems, and how many more there are.
pub fn show_problems<'a>(problems: impl Iterator<Item = &'a Problem>) {
    let all: Vec<&Problem> = problems.collect();
    for problem in all.iter().take(PROBLEMS_SHOWN) {
        eprintln!("{}", visible(&problem.to_string()));
    }
    if all.len() > PROBLEMS_SHOWN {
        eprintln!("… and {} more", grouped((all.len() - PROBLEMS_SHOWN) as u64));
    }
}

/// `COUNTY=FILE`, or a file alone: a path that exists as it is written is a path, whatever is in its name.
fn county_and_file(text: &str) -> (String, PathBuf) {
    match text.split_once('=') {
        Some((county, file)) if !Path::new(text).exists() && !county.contains(['/', '\\']) => {
            (county.trim().to_owned(), PathBuf::from(file))
        }
        _ => (String::new(), PathBuf::from(text)),
    }
}

fn target(workspace: &Workspace, named: Option<&str>) -> anyhow::Result<TargetRef> {
    let register = workspace.register();
    let found = match named {
        Some(name) => {
            let id = name.parse()?;
            register.target(&id).with_context(|| {
                format!("the register has no target {name:?}: see `pollwatch register list`")
            })?
        }
        None => {
            let holders: Vec<_> = register
                .targets
                .iter()
                .filter(|target| matches!(target.kind, TargetKind::Jurisdiction | TargetKind::Office))
                .collect();
            match holders.as_slice() {
                [only] => *only,
                [] => anyhow::bail!(
                    "the register has no jurisdiction or office whose election this could be: put it into register.toml"
                ),
                several => anyhow::bail!(
                    "say whose election it is with --target: {}",
                    several
                        .iter()
                        .map(|target| target.id.to_string())
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            }
        }
    };
    Ok(TargetRef {
        id: found.id.clone(),
        name: found.name.clone(),
    })
}

const PAPER_TRAIL: &str =
    "Did a compliance audit show that the paper trail was kept: seals, logs, and every card accounted for?";
const MANIFEST: &str =
    "Was the manifest made without the voting system: by counting or weighing paper, not from its reports?";

/// The two questions, asked on a terminal where the command line does not answer them. Silence is no yes.
fn ask(arguments: &AnswerArguments) -> anyhow::Result<Answers> {
    let one = |given: Option<Yes>, because: &str, question: &str| -> anyhow::Result<Answer> {
        if let Some(is_so) = given {
            return Ok(Answer {
                is_so,
                because: because.to_owned(),
            });
        }
        if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
            return Ok(Answer::default());
        }
        println!("{}", wrapped(question, 90, ""));
        loop {
            let answer = prompt("  yes, no or not-known: ")?;
            let Some(answer) = answer else {
                return Ok(Answer::default());
            };
            match answer.trim().to_lowercase().parse::<Yes>() {
                Ok(is_so) => {
                    let because = prompt("  How is that known? ")?.unwrap_or_default();
                    return Ok(Answer {
                        is_so,
                        because: because.trim().to_owned(),
                    });
                }
                Err(why) => println!("  {why}"),
            }
        }
    };
    Ok(Answers {
        paper_trail: one(arguments.paper_trail, &arguments.paper_trail_because, PAPER_TRAIL)?,
        manifest_independent: one(
            arguments.manifest_independent,
            &arguments.manifest_because,
            MANIFEST,
        )?,
    })
}

/// Asks for a line; `None` at the end of the input.
pub fn prompt(text: &str) -> anyhow::Result<Option<String>> {
    print!("{text}");
    std::io::stdout().flush()?;
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("cannot read from the terminal")?;
    Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}

pub fn say_answers(answers: &Answers) {
    let word = |answer: &Answer| {
        let word = match answer.is_so {
            Yes::Yes => "yes",
            Yes::No => "NO",
            Yes::NotKnown => "NOT KNOWN",
        };
        if answer.because.is_empty() {
            word.to_owned()
        } else {
            format!("{word} ({})", visible(&answer.because))
        }
    };
    println!("  paper trail was kept    {}", word(&answers.paper_trail));
    println!(
        "  manifest independent    {}",
        word(&answers.manifest_independent)
    );
    if answers.paper_trail.is_so != Yes::Yes || answers.manifest_independent.is_so != Yes::Yes {
        println!(
            "  {}",
            wrapped(
                "Every result of this audit will say so: without both, it shows that the paper that is there agrees with the \
                 report, and not that this is the paper that voters cast.",
                86,
                "  "
            )
        );
    }
}

pub fn answer(
    workspace: Option<&Path>,
    which: &Which,
    arguments: &AnswerArguments,
) -> anyhow::Result<ExitCode> {
    let by = who(which.by.as_deref())?;
    let audit = open_workspace(workspace, Mode::Read)?.audit(which.audit.as_deref())?;
    let answers = ask(arguments)?;
    let audit = append(workspace, audit.name(), &by, vec![Event::Answered(answers)])?;
    say_answers(audit.state().answers());
    Ok(ExitCode::SUCCESS)
}

pub fn commit(workspace: Option<&Path>, which: &Which, method: Option<Method>) -> anyhow::Result<ExitCode> {
    let by = who(which.by.as_deref())?;
    let session = session(workspace, which)?;
    let method = match method {
        Some(method) => method,
        None => session
            .plan()?
            .chosen
            .context("no method fits these files; see `pollwatch audit plan`")?,
    };
    let committed = session.commitment(method)?;
    let inputs = committed.inputs.clone();
    let frame = committed.frame;
    let cards = committed.cards;
    let untestable: Vec<String> = committed
        .results
        .iter()
        .filter(|(_, outcome)| outcome.assertions.is_empty())
        .map(|(contest, _)| contest.clone())
        .collect();
    let name = session.audit().name().to_owned();
    let audit = append(workspace, &name, &by, vec![Event::Committed(Box::new(committed))])?;
    println!("Committed: {}, {} cards.\n", method.title(), grouped(cards));
    for file in &inputs {
        let county = if file.county.is_empty() {
            String::new()
        } else {
            format!("{}, ", file.county)
        };
        println!(
            "  {}  {}{} ({})",
            file.sha256,
            visible(&county),
            visible(&file.name),
            file.role.word()
        );
    }
    println!("  {frame}  the list of cards\n");
    for contest in untestable {
        println!(
            "{}: the reported margin is zero. No sample can decide it: count it by hand (`pollwatch audit escalate`).\n",
            visible(&contest)
        );
    }
    if let Some(kept) = audit.kept().last() {
        println!(
            "Make this public now, before the dice are rolled:\n  {}\n",
            kept.statement
        );
    }
    println!(
        "Next: roll at least twenty ten-sided dice before the public, then `pollwatch audit seed DIGITS …`."
    );
    Ok(ExitCode::SUCCESS)
}

pub fn seed(workspace: Option<&Path>, arguments: &SeedArguments) -> anyhow::Result<ExitCode> {
    let by = who(arguments.which.by.as_deref())?;
    let audit = open_workspace(workspace, Mode::Read)?.audit(arguments.which.audit.as_deref())?;
    let seeded = Seeded {
        seed: arguments
            .digits
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect(),
        rolled_at: arguments.rolled_at,
        rolled_by: arguments.rolled_by.clone(),
        seen_by: arguments.seen_by.clone(),
        how: arguments.how.clone(),
    };
    let audit = append(workspace, audit.name(), &by, vec![Event::Seeded(seeded)])?;
    if let Some(seeded) = audit.state().seeded() {
        println!("Seed      {}", seeded.seed);
        println!(
            "rolled    {} by {}",
            seeded.rolled_at,
            visible(&seeded.rolled_by.join(", "))
        );
        println!("seen by   {}", visible(&seeded.seen_by.join(", ")));
    }
    for earlier in audit.state().seeds_taken_back() {
        println!("taken back before it: {}", earlier.seed);
    }
    println!("\nNext: `pollwatch audit sample`.");
    Ok(ExitCode::SUCCESS)
}

pub fn sample(
    workspace: Option<&Path>,
    which: &Which,
    draws: &[String],
    output: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let by = who(which.by.as_deref())?;
    let mut session = session(workspace, which)?;
    let wanted: BTreeMap<String, u64> = draws
        .iter()
        .map(|text| name_and_number(text))
        .collect::<anyhow::Result<_>>()?;
    if let Some(unread) = session.unread_of_last_round()? {
        anyhow::bail!(
            "{} cards of the last round are not read yet; read them first (`pollwatch audit enter`), a round is judged whole",
            grouped(unread)
        );
    }
    let sampled = session.next_round(&wanted)?;
    anyhow::ensure!(
        sampled.draws.values().any(|count| *count > 0) && sampled.draws != session.audit().state().draws(),
        "no contest needs more cards; see `pollwatch audit assess`"
    );
    let round = sampled.round;
    let name = session.audit().name().to_owned();
    let audit = append(workspace, &name, &by, vec![Event::Sampled(sampled)])?;
    session.renew(audit);
    let folder = match output {
        Some(folder) => folder,
        None => workspace_dir(workspace)?
            .join("audits")
            .join(&name)
            .join(format!("round-{round}")),
    };
    let rows: Vec<_> = session
        .retrieval()?
        .into_iter()
        .filter(|row| !row.is_read)
        .collect();
    let title = session
        .audit()
        .state()
        .opened()
        .map(|opened| opened.title.clone())
        .unwrap_or_default();
    let csv = write(&folder.join("retrieval.csv"), retrieval_csv(&rows))?;
    let page = write(
        &folder.join("retrieval.html"),
        retrieval_page(&title, &format!("round {round}"), &rows),
    )?;
    println!("Round {round} is drawn.\n");
    for (contest, count) in session.audit().state().draws() {
        println!("  {:<40} {:>8} draws in all", visible(&contest), grouped(count));
    }
    let again: u64 = rows
        .iter()
        .map(|row| u64::from(row.times.saturating_sub(1)))
        .sum();
    println!(
        "\n{} to fetch and read.",
        counted(rows.len() as u64, session.thing())
    );
    if again > 0 {
        println!(
            "Some were drawn more than once ({again} further draws): they are read once and count as often as they were drawn."
        );
    }
    println!("\n  to carry along  {}", visible(&page.display().to_string()));
    println!("  as a table      {}", visible(&csv.display().to_string()));
    println!("\nNext: `pollwatch audit enter`.");
    Ok(ExitCode::SUCCESS)
}

/// A number and its thing, in the plural where it belongs.
pub fn counted(number: u64, thing: &str) -> String {
    match (number, thing) {
        (1, _) => format!("1 {thing}"),
        (_, "batch") => format!("{} batches", grouped(number)),
        _ => format!("{} {thing}s", grouped(number)),
    }
}
