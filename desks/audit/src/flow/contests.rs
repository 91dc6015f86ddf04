//! The file of contests: what no voting system's export says in full, such as seats, and what was reported.
//!
//! A CSV with one row a candidate. Columns, in any order and case; only the first two are needed:
//!
//! | column | what it says | where it is empty |
//! |---|---|---|
//! | `contest` | its name | the row above's |
//! | `candidate` | the name | |
//! | `votes` | reported votes | the files' own count |
//! | `winner` | `yes` for a reported winner | the votes decide; a ranked contest is counted from its records |
//! | `seats` | how many win | 1 |
//! | `votes allowed` | votes that a voter has | the records', or the seats |
//! | `kind` | `plurality`, `approval`, `supermajority`, `majority-or-runoff`, `irv`, `d-hondt` | plurality |
//! | `share` | of a supermajority, such as `2/3` or `0.6` | |
//! | `ranks` | of a ranked contest | the records', or its candidates |
//! | `cards` | cards cast that hold the contest, from the check-in of voters | the files' own count |
//! | `audit` | `yes`, `also` (on cards drawn for others) or `no` | yes |
//!
//! What is said of a contest may stand in any one of its rows.

use std::collections::BTreeMap;
use std::io::Read;

use super::event::Audited;
use crate::election::ContestKind;

/// Most rows: a state has some thousands of contests.
const MAX_ROWS: u64 = 200_000;
/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 2_000;
/// Most seats or ranks or votes of a voter.
const MAX_SEATS: u32 = 1_000;

/// A contest as the file has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContestSpec {
    /// Its name.
    pub name: String,
    /// Its candidates with their reported votes and whether they are reported to have won.
    pub candidates: Vec<CandidateSpec>,
    /// How winners follow from votes.
    pub kind: Option<ContestKind>,
    /// Seats.
    pub seats: Option<u32>,
    /// Votes of a voter.
    pub votes_allowed: Option<u32>,
    /// Ranks on the ballot.
    pub ranks: Option<u32>,
    /// Cards that hold it.
    pub cards: Option<u64>,
    /// Whether it is audited.
    pub audited: Option<Audited>,
    /// Line of its first row, from 1.
    pub line: u64,
}

/// A candidate as the file has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CandidateSpec {
    /// The name.
    pub name: String,
    /// Reported votes.
    pub votes: Option<u64>,
    /// Whether the file says that they won.
    pub won: bool,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ContestsError {
    /// Line, from 1.
    pub line: u64,
    /// What is wrong, and what would be right.
    pub why: String,
}

/// Reads the file of contests. The first line that cannot be read refuses the file: a contest that was guessed at would be
/// audited as something that it is not.
pub fn read_contests(bytes: impl Read) -> Result<Vec<ContestSpec>, ContestsError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let headers = reader.headers().map_err(|error| broken(1, &error))?.clone();
    let columns = Columns::of(&headers)?;
    let mut contests: Vec<ContestSpec> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    let mut rows = 0;
    loop {
        let line = reader.position().line();
        let refuse = |why: String| ContestsError { line, why };
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(broken(line, &error)),
        }
        rows += 1;
        if rows > MAX_ROWS {
            return Err(refuse(format!("more than {MAX_ROWS} rows")));
        }
        if record.iter().all(str::is_empty) {
            continue;
        }
        let cell = |column: Option<usize>| column.and_then(|at| record.get(at)).unwrap_or("");
        let name = match cell(Some(columns.contest)) {
            "" => contests
                .last()
                .map(|contest| contest.name.clone())
                .ok_or_else(|| refuse("the first row names no contest".to_owned()))?,
            name => name.to_owned(),
        };
        if name.len() > MAX_NAME_BYTES {
            return Err(refuse(format!(
                "a contest's name of more than {MAX_NAME_BYTES} bytes"
            )));
        }
        let place = *places.entry(name.clone()).or_insert_with(|| {
            contests.push(ContestSpec {
                name,
                line,
                ..ContestSpec::default()
            });
            contests.len() - 1
        });
        let contest = &mut contests[place];
        set(&mut contest.seats, small(cell(columns.seats), "seats"), refuse)?;
        set(
            &mut contest.votes_allowed,
            small(cell(columns.votes_allowed), "votes allowed"),
            refuse,
        )?;
        set(&mut contest.ranks, small(cell(columns.ranks), "ranks"), refuse)?;
        set(&mut contest.cards, count(cell(columns.cards), "cards"), refuse)?;
        set(&mut contest.audited, audited(cell(columns.audit)), refuse)?;
        set(
            &mut contest.kind,
            kind(cell(columns.kind), cell(columns.share)),
            refuse,
        )?;
        let candidate = cell(Some(columns.candidate));
        if candidate.is_empty() {
            continue;
        }
        if candidate.len() > MAX_NAME_BYTES {
            return Err(refuse(format!(
                "a candidate's name of more than {MAX_NAME_BYTES} bytes"
            )));
        }
        if contest.candidates.iter().any(|known| known.name == candidate) {
            return Err(refuse(format!(
                "{candidate:?} stands twice in {:?}",
                contest.name
            )));
        }
        contest.candidates.push(CandidateSpec {
            name: candidate.to_owned(),
            votes: count(cell(columns.votes), "votes").map_err(refuse)?,
            won: match cell(columns.winner).to_lowercase().as_str() {
                "" | "no" | "n" => false,
                "yes" | "y" | "x" => true,
                other => {
                    return Err(ContestsError {
                        line,
                        why: format!("{other:?} in the column winner: write yes or nothing"),
                    });
                }
            },
        });
    }
    if contests.is_empty() {
        return Err(ContestsError {
            line: 1,
            why: "no contest is in it".to_owned(),
        });
    }
    Ok(contests)
}

fn broken(line: u64, error: &csv::Error) -> ContestsError {
    let why = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8 text: save it as CSV in UTF-8".to_owned(),
        _ => error.to_string(),
    };
    ContestsError { line, why }
}

/// What a cell says is kept once; two rows that say different things of one contest are a fault.
fn set<T: PartialEq + std::fmt::Debug>(
    known: &mut Option<T>,
    said: Result<Option<T>, String>,
    refuse: impl Fn(String) -> ContestsError,
) -> Result<(), ContestsError> {
    let Some(said) = said.map_err(&refuse)? else {
        return Ok(());
    };
    match known {
        Some(known) if *known != said => Err(refuse(
            "it says something else of the contest than a row above".to_owned(),
        )),
        _ => {
            *known = Some(said);
            Ok(())
        }
    }
}

fn count(text: &str, what: &str) -> Result<Option<u64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits: String = text.chars().filter(|letter| *letter != ',').collect();
    match digits.parse::<u64>() {
        // 10^12 is a thousand cards for each human being that votes anywhere.
        Ok(number) if number <= 1_000_000_000_000 => Ok(Some(number)),
        _ => Err(format!("{text:?} in the column {what} is no count")),
    }
}

fn small(text: &str, what: &str) -> Result<Option<u32>, String> {
    match count(text, what)? {
        None => Ok(None),
        Some(number) if (1..=u64::from(MAX_SEATS)).contains(&number) => Ok(Some(number as u32)),
        Some(number) => Err(format!("{number} in the column {what} is not 1 to {MAX_SEATS}")),
    }
}

fn audited(text: &str) -> Result<Option<Audited>, String> {
    Ok(Some(match text.to_lowercase().as_str() {
        "" => return Ok(None),
        "yes" | "y" | "targeted" => Audited::Targeted,
        "also" | "opportunistic" => Audited::Opportunistic,
        "no" | "n" => Audited::No,
        other => {
            return Err(format!(
                "{other:?} in the column audit: write yes, also (on cards drawn for others) or no"
            ));
        }
    }))
}

fn kind(text: &str, share: &str) -> Result<Option<ContestKind>, String> {
    Ok(Some(match text.to_lowercase().as_str() {
        "" => return Ok(None),
        "plurality" => ContestKind::Plurality,
        "approval" => ContestKind::Approval,
        "supermajority" => ContestKind::Supermajority {
            share: parse_share(share)?,
        },
        "majority-or-runoff" => ContestKind::MajorityOrRunoff,
        "irv" => ContestKind::Irv,
        "d-hondt" | "dhondt" => ContestKind::DHondt,
        other => {
            return Err(format!(
                "{other:?} in the column kind: there are plurality, approval, supermajority, majority-or-runoff, irv, d-hondt"
            ));
        }
    }))
}

fn parse_share(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    let share = match (text.split_once('/'), text.strip_suffix('%')) {
        (Some((over, under)), _) => number(over).zip(number(under)).map(|(over, under)| over / under),
        (None, Some(percent)) => number(percent).map(|percent| percent / 100.0),
        (None, None) => number(text),
    };
    share
        .filter(|share| *share > 0.0 && *share < 1.0)
        .ok_or_else(|| format!("a supermajority needs its share, such as 2/3 or 0.6, and {text:?} is none"))
}

struct Columns {
    contest: usize,
    candidate: usize,
    votes: Option<usize>,
    winner: Option<usize>,
    seats: Option<usize>,
    votes_allowed: Option<usize>,
    kind: Option<usize>,
    share: Option<usize>,
    ranks: Option<usize>,
    cards: Option<usize>,
    audit: Option<usize>,
}

impl Columns {
    fn of(headers: &csv::StringRecord) -> Result<Self, ContestsError> {
        let names: Vec<String> = headers
            .iter()
            .map(|name| {
                let name = name.trim_start_matches('\u{feff}').trim().to_lowercase();
                name.replace(['_', '-'], " ")
            })
            .collect();
        let at = |words: &[&str]| names.iter().position(|name| words.contains(&name.as_str()));
        let needed = |words: &[&str]| {
            at(words).ok_or_else(|| ContestsError {
                line: 1,
                why: format!(
                    "there is no column {:?}; the first line names the columns, such as contest,candidate,votes,seats",
                    words[0]
                ),
            })
        };
        Ok(Columns {
            contest: needed(&["contest", "contest name"])?,
            candidate: needed(&["candidate", "choice", "candidate name", "choice name"])?,
            votes: at(&["votes", "reported votes"]),
            winner: at(&["winner", "won"]),
            seats: at(&["seats", "winners", "winners allowed"]),
            votes_allowed: at(&["votes allowed", "vote for"]),
            kind: at(&["kind", "social choice"]),
            share: at(&["share"]),
            ranks: at(&["ranks"]),
            cards: at(&["cards", "ballots", "ballot cards"]),
            audit: at(&["audit", "audited"]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_contest_may_stand_in_any_row() {
        let text = "\u{feff}Contest,Candidate,Votes,Seats,Vote-For,Kind,Share,Audit\n\
                    Mayor,Ames,\"1,203\",,,,,\n\
                    ,Brandt,900,1,,,,yes\n\
                    Council,Chu,,3,3,,,also\n\
                    Council,\"O'Hara, \"\"Pat\"\"\",,,,,,\n\
                    Bond,Yes,10,,,supermajority,2/3,no\n";
        let contests = read_contests(text.as_bytes()).unwrap();
        assert_eq!(contests.len(), 3);
        assert_eq!(contests[0].candidates[0].votes, Some(1203));
        assert_eq!(contests[0].seats, Some(1));
        assert_eq!(contests[0].audited, Some(Audited::Targeted));
        assert_eq!(contests[1].candidates[1].name, "O'Hara, \"Pat\"");
        assert_eq!(contests[1].votes_allowed, Some(3));
        assert_eq!(contests[1].audited, Some(Audited::Opportunistic));
        assert_eq!(
            contests[2].kind,
            Some(ContestKind::Supermajority { share: 2.0 / 3.0 })
        );
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_line() {
        for (text, line, part) in [
            ("name,votes\nMayor,3\n", 1, "no column \"contest\""),
            ("contest,candidate,votes\nMayor,Ames,-3\n", 2, "no count"),
            ("contest,candidate\nMayor,Ames\nMayor,Ames\n", 3, "twice"),
            (
                "contest,candidate,seats\nMayor,Ames,1\nMayor,Brandt,2\n",
                3,
                "something else",
            ),
            (
                "contest,candidate,kind\nBond,Yes,supermajority\n",
                2,
                "needs its share",
            ),
            ("contest,candidate\n,Ames\n", 2, "names no contest"),
            ("contest,candidate\n", 1, "no contest is in it"),
        ] {
            let error = read_contests(text.as_bytes()).unwrap_err();
            assert_eq!(error.line, line, "{text:?}: {error}");
            assert!(error.why.contains(part), "{text:?}: {error}");
        }
    }
}
