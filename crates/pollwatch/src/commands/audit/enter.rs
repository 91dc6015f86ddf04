//! Entering what people read, and mending what was entered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use pollwatch_audit::election::Contest;
use pollwatch_audit::flow::event::{Escalated, FullyCounted, Marked, Reading, Settled, Undone};
use pollwatch_audit::flow::{CardKey, Event, check_reading};
use pollwatch_audit::page::RetrievalRow;
use pollwatch_engine::Mode;
use pollwatch_engine::audit::Session;

use super::arguments::Which;
use super::{append, name_and_number, session, who, write};
use crate::commands::audit::begin::{counted, prompt};
use crate::commands::open_workspace;
use crate::screen::{grouped, visible};

/// How readings are entered.
pub struct How {
    /// Who reads.
    pub reader: Option<String>,
    /// From this CSV.
    pub csv: Option<PathBuf>,
    /// Of this county.
    pub county: Option<String>,
    /// Into this empty form.
    pub form: Option<PathBuf>,
    /// Cards that were read already, too.
    pub again: bool,
}

/// The result of a full hand count, as the command line has it.
pub struct HandCount {
    /// `CANDIDATE=VOTES`.
    pub votes: Vec<String>,
    /// Cards counted.
    pub cards: Option<u64>,
    /// By whom.
    pub counted_by: Vec<String>,
}

pub fn enter(workspace: Option<&Path>, which: &Which, how: &How) -> anyhow::Result<ExitCode> {
    let by = who(which.by.as_deref())?;
    let reader = how.reader.clone().unwrap_or_else(|| by.clone());
    let session = session(workspace, which)?;
    if let Some(path) = &how.form {
        let path = write(path, session.blank_form(how.county.as_deref())?)?;
        println!("An empty form is in {}", visible(&path.display().to_string()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(path) = &how.csv {
        return from_csv(workspace, &session, &by, &reader, path, how.county.as_deref());
    }
    one_by_one(workspace, &session, &by, &reader, how.again)
}

fn from_csv(
    workspace: Option<&Path>,
    session: &Session,
    by: &str,
    reader: &str,
    path: &Path,
    county: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.display().to_string();
    let (events, refused) = session.readings_from_csv(&name, bytes, county, reader)?;
    for problem in &refused {
        eprintln!("{}", visible(&problem.to_string()));
    }
    let entered = events.len() as u64;
    if entered > 0 {
        append(workspace, session.audit().name(), by, events)?;
    }
    println!(
        "{} entered, {} rows refused.",
        counted(entered, "reading"),
        grouped(refused.len() as u64)
    );
    Ok(if refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// What the person at the keyboard did with a card.
enum Answer {
    Read(Box<Reading>),
    Skip,
    Stop,
}

fn one_by_one(
    workspace: Option<&Path>,
    session: &Session,
    by: &str,
    reader: &str,
    again: bool,
) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        session.thing() == "card",
        "this audit draws batches: enter their counts from a CSV (--csv), an empty form is written by --form"
    );
    let rows: Vec<RetrievalRow> = session
        .retrieval()?
        .into_iter()
        .filter(|row| again || !row.is_read)
        .collect();
    let contests = session.audited_contests();
    println!(
        "{} to read. Each is kept as soon as it is entered: stop whenever you like.",
        counted(rows.len() as u64, "card")
    );
    println!("For each contest type the numbers of the marked candidates, or");
    println!("  - for no mark    o for an overvote    n when the contest is not on the card");
    println!("  x when the card was not found    s to skip the card    q to stop\n");
    let mut entered = 0;
    for (at, row) in rows.iter().enumerate() {
        println!("{}", place_of(row, at + 1, rows.len()));
        match ask_card(row, &contests, reader, session)? {
            Answer::Stop => break,
            Answer::Skip => {}
            Answer::Read(reading) => {
                append(workspace, session.audit().name(), by, vec![Event::Read(*reading)])?;
                entered += 1;
                println!("  kept\n");
            }
        }
    }
    println!(
        "{} entered, {} left.",
        counted(entered, "card"),
        grouped(rows.len() as u64 - entered)
    );
    println!("\nNext: `pollwatch audit assess`.");
    Ok(ExitCode::SUCCESS)
}

fn place_of(row: &RetrievalRow, at: usize, of: usize) -> String {
    let mut place = format!("Card {at} of {of}: ");
    for (word, text) in [
        ("", &row.county),
        ("container ", &row.container),
        ("tabulator ", &row.tabulator),
        ("batch ", &row.batch),
    ] {
        if !text.is_empty() {
            place.push_str(&format!("{word}{text}, "));
        }
    }
    if let Some(position) = row.position {
        place.push_str(&format!("card {position} of {}", row.of));
    }
    if !row.imprinted.is_empty() {
        place.push_str(&format!(", printed on it {}", row.imprinted));
    }
    if row.times > 1 {
        place.push_str(&format!(" (drawn {} times)", row.times));
    }
    visible(&place)
}

fn ask_card(
    row: &RetrievalRow,
    contests: &[Contest],
    reader: &str,
    session: &Session,
) -> anyhow::Result<Answer> {
    let mut votes = BTreeMap::new();
    for contest in contests
        .iter()
        .filter(|contest| row.contests.contains(&contest.name))
    {
        println!("  {}{}", visible(&contest.name), how_many(contest));
        for (number, candidate) in (1..).zip(&contest.candidates) {
            println!("    {number:>3}  {}", visible(&candidate.name));
        }
        loop {
            let Some(line) = prompt("  > ")? else {
                println!();
                return Ok(Answer::Stop);
            };
            match line.trim() {
                "q" => return Ok(Answer::Stop),
                "s" => return Ok(Answer::Skip),
                "x" => {
                    return Ok(Answer::Read(Box::new(Reading {
                        card: CardKey(row.key.clone()),
                        reader: reader.to_owned(),
                        found: false,
                        votes: BTreeMap::new(),
                    })));
                }
                "n" => break,
                text => match parse_marks(contest, text) {
                    Ok(marked) => {
                        votes.insert(contest.name.clone(), marked);
                        break;
                    }
                    Err(why) => println!("  {}", visible(&why)),
                },
            }
        }
    }
    let reading = Reading {
        card: CardKey(row.key.clone()),
        reader: reader.to_owned(),
        found: true,
        votes,
    };
    let plans = session
        .audit()
        .state()
        .opened()
        .map(|opened| opened.contests.clone())
        .unwrap_or_default();
    check_reading(&plans, &reading).context("this reading cannot be")?;
    Ok(Answer::Read(Box::new(reading)))
}

fn how_many(contest: &Contest) -> String {
    if contest.is_ranked() {
        return format!(
            ": numbers from first to last choice, up to {}; _ for a skipped rank, 1&2 for a rank with two",
            contest.ranks
        );
    }
    match contest.votes_allowed {
        1 => String::new(),
        allowed => format!(": up to {allowed}"),
    }
}

/// What somebody typed for a contest.
fn parse_marks(contest: &Contest, text: &str) -> Result<Marked, String> {
    let name = |number: &str| -> Result<String, String> {
        let place: usize = number
            .parse()
            .map_err(|_| format!("{number:?} is no number of the list"))?;
        place
            .checked_sub(1)
            .and_then(|place| contest.candidates.get(place))
            .map(|candidate| candidate.name.clone())
            .ok_or_else(|| {
                format!(
                    "there is no candidate {place}; the list ends at {}",
                    contest.candidates.len()
                )
            })
    };
    match text {
        "" => return Err("type - for no mark".to_owned()),
        "-" => return Ok(Marked::default()),
        "o" => {
            return Ok(Marked {
                overvoted: true,
                ..Marked::default()
            });
        }
        _ => {}
    }
    let parts = text.split([' ', ',']).filter(|part| !part.is_empty());
    if !contest.is_ranked() {
        let marks: Vec<String> = parts.map(name).collect::<Result<_, _>>()?;
        return Ok(Marked {
            marks,
            ..Marked::default()
        });
    }
    let ranks = parts
        .map(|part| match part {
            "_" => Ok(Vec::new()),
            several => several.split('&').map(name).collect(),
        })
        .collect::<Result<Vec<Vec<String>>, String>>()?;
    Ok(Marked {
        ranks,
        ..Marked::default()
    })
}

pub fn settle(
    workspace: Option<&Path>,
    which: &Which,
    entry: u64,
    because: &str,
) -> anyhow::Result<ExitCode> {
    let by = who(which.by.as_deref())?;
    let audit = open_workspace(workspace, Mode::Read)?.audit(which.audit.as_deref())?;
    let card = match audit
        .state()
        .log()
        .get(usize::try_from(entry).unwrap_or(usize::MAX))
        .map(|entry| &entry.event)
    {
        Some(Event::Read(reading)) => reading.card.clone(),
        Some(Event::BatchCounted(reading)) => reading.card.clone(),
        _ => anyhow::bail!("entry {entry} is not a reading; see `pollwatch audit log`"),
    };
    let up_to = audit.state().log().len() as u64 - 1;
    let settled = Settled {
        card: card.clone(),
        reading: entry,
        up_to,
        because: because.to_owned(),
    };
    append(workspace, audit.name(), &by, vec![Event::Settled(settled)])?;
    println!("{}: the reading of entry {entry} stands.", visible(&card.0));
    Ok(ExitCode::SUCCESS)
}

pub fn escalate(
    workspace: Option<&Path>,
    which: &Which,
    contest: &str,
    because: &str,
    count: &HandCount,
) -> anyhow::Result<ExitCode> {
    let by = who(which.by.as_deref())?;
    let session = session(workspace, which)?;
    let name = session.audit().name().to_owned();
    let is_escalated = session.audit().state().escalated().contains_key(contest);
    let mut events = Vec::new();
    if !is_escalated {
        anyhow::ensure!(
            !because.trim().is_empty(),
            "say why the contest goes to a full hand count: --because REASON"
        );
        events.push(Event::Escalated(Escalated {
            contest: contest.to_owned(),
            because: because.to_owned(),
        }));
    }
    let counted_in_full = !count.votes.is_empty();
    if counted_in_full {
        let cards = count
            .cards
            .context("say how many cards were counted: --cards NUMBER")?;
        let due = session.cards_of(contest)?;
        anyhow::ensure!(
            cards >= due,
            "a full hand count of {contest:?} looks at every card that may hold it: {} of them, and the count says {}",
            grouped(due),
            grouped(cards)
        );
        let votes: BTreeMap<String, u64> = count
            .votes
            .iter()
            .map(|text| name_and_number(text))
            .collect::<anyhow::Result<_>>()?;
        events.push(Event::FullyCounted(FullyCounted {
            contest: contest.to_owned(),
            cards,
            votes,
            counted_by: count.counted_by.clone(),
        }));
    } else {
        anyhow::ensure!(
            !is_escalated,
            "{contest:?} goes to a full hand count already; enter its result with --votes CANDIDATE=VOTES --cards NUMBER --counted-by NAME"
        );
    }
    append(workspace, &name, &by, events)?;
    if counted_in_full {
        println!(
            "The full hand count of {} is entered.\n\nNext: `pollwatch audit assess`.",
            visible(contest)
        );
    } else {
        println!(
            "{} goes to a full hand count.\n\nNext: count every card, then `pollwatch audit escalate {:?} --votes CANDIDATE=VOTES … --cards NUMBER --counted-by NAME`.",
            visible(contest),
            contest
        );
    }
    Ok(ExitCode::SUCCESS)
}

pub fn undo(workspace: Option<&Path>, which: &Which, entry: u64, because: &str) -> anyhow::Result<ExitCode> {
    let by = who(which.by.as_deref())?;
    let audit = open_workspace(workspace, Mode::Read)?.audit(which.audit.as_deref())?;
    let undone = Undone {
        entry,
        because: because.to_owned(),
    };
    append(workspace, audit.name(), &by, vec![Event::Undone(undone)])?;
    let what = audit
        .state()
        .log()
        .get(usize::try_from(entry).unwrap_or(usize::MAX))
        .map(|entry| entry.event.title())
        .unwrap_or_default();
    println!(
        "Entry {entry} ({}) is taken back. It stays in the log, with your reason.",
        visible(&what)
    );
    Ok(ExitCode::SUCCESS)
}
