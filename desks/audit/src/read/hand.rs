//! What people read on the cards, as CSV, spreadsheet or JSON.
//!
//! A table has one row a card. Columns that say which card: container, tabulator, batch, and record, position or imprinted id;
//! `found` (no: the card was looked for and not found); `reader`. Every contest has a column headed by its name. A cell holds the
//! names marked, with ` | ` between them; `blank`; `overvote`; `other` for a name that is nobody's; and `not on card`, or nothing.
//! In a ranked contest ` | ` stands between ranks, an empty place is a skipped rank, and ` & ` stands between names at one rank.
//!
//! The JSON form has `contests` and `candidates` (id and description) and `ballots`, each with `id` (tabulator-batch-record) and
//! `votes`: contest id to candidate id to rank.

use std::collections::BTreeMap;

use pollwatch_model::Problem;
use serde::Deserialize;

use super::error::ReadError;
use super::manifest::{Column, Header};
use super::raire::card_of;
use super::sheet::read_rows;
use super::source::Source;
use super::text::quoted;
use super::tree::read_json;
use crate::election::{CandidateId, Contest, ContestId, ContestVotes, Election, HandReading, Mark, RecordId};

/// Most readings of one file.
const MAX_READINGS: usize = 2_000_000;
/// Columns that say which card, as [`hand_reading_header`] writes them.
const CARD_COLUMNS: [&str; 7] = [
    "container",
    "tabulator",
    "batch",
    "record",
    "imprinted",
    "found",
    "reader",
];

/// The header of a form to fill in: which card, found, reader, and a column for each contest.
pub fn hand_reading_header(election: &Election) -> Vec<String> {
    let contests = election.contests.iter().map(|contest| contest.name.clone());
    CARD_COLUMNS
        .iter()
        .map(|name| (*name).to_owned())
        .chain(contests)
        .collect()
}

/// Reads hand readings of the contests of `election`.
///
/// A reading that cannot be is a problem with its line, and is not among those returned: a name that is no candidate of the
/// contest, a card that is not named, a row in which nothing is entered.
pub fn read_hand_readings(
    source: &mut Source,
    election: &Election,
    problem: &mut dyn FnMut(Problem),
) -> Result<Vec<HandReading>, ReadError> {
    if !source.is_many()? && super::sniff::is_json(&mut source.parts()?, 0)? {
        return read_json_form(source, election, problem);
    }
    let file = source.name().to_owned();
    let mut header: Option<Form> = None;
    let mut readings = Vec::new();
    read_rows(source, &mut |row, line| {
        let Some(form) = &header else {
            header = Some(Form::read(row, election, &file, line, problem)?);
            return Ok(());
        };
        match form.reading(row, election, line) {
            Ok(reading) => readings.push(reading),
            Err(what) => problem(Problem::lost(&file, line, what)),
        }
        too_many(readings.len(), &file)
    })?;
    if header.is_none() {
        return Err(ReadError::format(&file, None, "it is empty"));
    }
    Ok(readings)
}

fn too_many(readings: usize, file: &str) -> Result<(), ReadError> {
    if readings > MAX_READINGS {
        let what = format!("it has more than {MAX_READINGS} readings");
        return Err(ReadError::Limit {
            file: file.to_owned(),
            what,
        });
    }
    Ok(())
}

struct Form {
    header: Header,
    record: Option<usize>,
    position: Option<usize>,
    imprinted: Option<usize>,
    found: Option<usize>,
    reader: Option<usize>,
    contests: Vec<(usize, ContestId)>,
}

impl Form {
    fn read(
        row: &[String],
        election: &Election,
        file: &str,
        line: u64,
        problem: &mut dyn FnMut(Problem),
    ) -> Result<Form, ReadError> {
        // A contest may be called "Box" or "Ballots": names of contests come first.
        let contests: Vec<(usize, ContestId)> = row
            .iter()
            .zip(0..)
            .filter_map(|(name, at)| Some((at, election.contest(name)?)))
            .collect();
        let others: Vec<String> = row
            .iter()
            .map(|name| {
                if election.contest(name).is_some() {
                    String::new()
                } else {
                    name.clone()
                }
            })
            .collect();
        let find = |names: &[&str]| {
            others.iter().position(|name| {
                let plain: String = name
                    .chars()
                    .filter(|c| c.is_alphanumeric())
                    .flat_map(char::to_lowercase)
                    .collect();
                names.contains(&plain.as_str())
            })
        };
        let form = Form {
            record: find(&["record", "recordid", "recordnumber"]),
            position: find(&["position", "ballotposition", "ballotnumber", "cardnumber"]),
            imprinted: find(&["imprinted", "imprintedid", "ballotid", "cardid"]),
            found: find(&["found", "cardfound", "ballotfound"]),
            reader: find(&["reader", "readby", "board", "auditboard"]),
            header: Header::read(&others, file, line)?,
            contests,
        };
        if form.record.is_none() && form.position.is_none() && form.imprinted.is_none() {
            let what = "no column says which card: record, position or imprinted";
            return Err(ReadError::format(file, line, what));
        }
        if form.contests.is_empty() {
            let what = "no column is headed by the name of a contest, exactly as the election has it";
            return Err(ReadError::format(file, line, what));
        }
        for (name, at) in others.iter().zip(0..) {
            let used = [
                form.record,
                form.position,
                form.imprinted,
                form.found,
                form.reader,
            ]
            .contains(&Some(at))
                || form.header.at.iter().any(|(_, known)| *known == at);
            if !name.is_empty() && !used {
                let what = format!(
                    "the column {} is no contest of the election and is not read",
                    quoted(name)
                );
                problem(Problem::remark(file, Some(line), what));
            }
        }
        Ok(form)
    }

    fn reading(&self, row: &[String], election: &Election, line: u64) -> Result<HandReading, String> {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).map_or("", String::as_str);
        let mut reading = HandReading {
            card: Default::default(),
            position: None,
            found: true,
            votes: Vec::new(),
            reader: cell(self.reader).to_owned(),
            line,
        };
        reading.card.batch = self.header.batch_id(row);
        debug_assert!(self.header.find(Column::Batch).is_some() || reading.card.batch.batch.is_empty());
        reading.card.imprinted = cell(self.imprinted).to_owned();
        let record = cell(self.record);
        if !record.is_empty() {
            reading.card.record = record
                .parse::<RecordId>()
                .map_err(|_| format!("the record is {}, not a number", quoted(record)))?;
        }
        let position = cell(self.position);
        if !position.is_empty() {
            let number = position.parse::<u64>().ok().filter(|number| *number > 0);
            reading.position = Some(
                number.ok_or_else(|| format!("the position is {}, not a number from 1", quoted(position)))?,
            );
        }
        if record.is_empty() && reading.position.is_none() && reading.card.imprinted.is_empty() {
            return Err("it does not say which card it is".to_owned());
        }
        reading.found = match cell(self.found).to_lowercase().as_str() {
            "" | "y" | "yes" | "true" | "1" | "found" => true,
            "n" | "no" | "false" | "0" | "not found" => false,
            other => {
                return Err(format!(
                    "whether the card was found is {}, neither yes nor no",
                    quoted(other)
                ));
            }
        };
        let mut entered = false;
        for (at, contest) in &self.contests {
            let text = cell(Some(*at));
            entered |= !text.is_empty();
            let Some(known) = election.get(*contest) else {
                continue;
            };
            if let Some(votes) = votes(text, *contest, known)? {
                reading.votes.push(votes);
            }
        }
        reading.votes.sort_by_key(|votes| votes.contest);
        match (reading.found, entered) {
            (true, false) => {
                Err("nothing is entered: say \"blank\" where a contest has no mark, or found: no".to_owned())
            }
            (false, true) if !reading.votes.is_empty() => {
                Err("the card was not found, and yet votes are entered for it".to_owned())
            }
            _ => Ok(reading),
        }
    }
}

/// Reads what a cell says of a contest; `None`: it is not on the card.
fn votes(text: &str, contest: ContestId, known: &Contest) -> Result<Option<ContestVotes>, String> {
    let mut votes = ContestVotes {
        contest,
        marks: Vec::new(),
        overvoted: false,
        overvoted_ranks: Vec::new(),
    };
    match text.to_lowercase().as_str() {
        "" | "not on card" | "not on ballot" => return Ok(None),
        "blank" | "undervote" | "no vote" => return Ok(Some(votes)),
        "overvote" => {
            votes.overvoted = true;
            return Ok(Some(votes));
        }
        _ => {}
    }
    let name = |text: &str| -> Option<CandidateId> {
        known.candidate(text).or_else(|| {
            let mut like = known
                .candidates
                .iter()
                .zip(0..)
                .filter(|(c, _)| c.name.to_lowercase() == text.to_lowercase());
            match (like.next(), like.next()) {
                (Some((_, at)), None) => Some(CandidateId(at)),
                _ => text.eq_ignore_ascii_case("other").then_some(CandidateId::OTHER),
            }
        })
    };
    let unknown = |text: &str| {
        let names: Vec<&str> = known
            .candidates
            .iter()
            .take(20)
            .map(|candidate| candidate.name.as_str())
            .collect();
        format!(
            "{} is no candidate of {}: one of {}, other, blank, overvote or not on card",
            quoted(text),
            quoted(&known.name),
            names.join(", ")
        )
    };
    // A name may hold the sign that stands between names.
    if let Some(candidate) = name(text) {
        votes.marks.push(Mark {
            rank: u16::from(known.is_ranked()),
            candidate,
        });
        return Ok(Some(votes));
    }
    for (piece, rank) in text.split('|').map(str::trim).zip(1u16..) {
        if piece.is_empty() {
            if known.is_ranked() {
                continue;
            }
            return Err(format!(
                "there is an empty place between the names in {}",
                quoted(text)
            ));
        }
        if u32::from(rank) > known.ranks.max(1) && known.is_ranked() {
            return Err(format!(
                "{} has {} ranks, and {} has more",
                quoted(&known.name),
                known.ranks,
                quoted(text)
            ));
        }
        let mut add = |candidate| {
            votes.marks.push(Mark {
                rank: if known.is_ranked() { rank } else { 0 },
                candidate,
            });
        };
        match (name(piece), known.is_ranked()) {
            (Some(candidate), _) => add(candidate),
            (None, true) if piece.eq_ignore_ascii_case("overvote") => votes.overvoted_ranks.push(rank),
            (None, true) if piece.contains('&') => {
                for part in piece.split('&').map(str::trim) {
                    add(name(part).ok_or_else(|| unknown(part))?);
                }
            }
            (None, _) => return Err(unknown(piece)),
        }
    }
    votes.marks.sort_unstable();
    let all = votes.marks.len();
    votes
        .marks
        .dedup_by(|a, b| a == b && a.candidate != CandidateId::OTHER);
    if votes.marks.len() < all {
        return Err(format!("{} names somebody twice", quoted(text)));
    }
    Ok(Some(votes))
}

#[derive(Deserialize)]
struct Named {
    description: String,
    id: u64,
}

#[derive(Deserialize)]
struct Ballot {
    id: String,
    votes: BTreeMap<String, BTreeMap<String, u16>>,
}

fn read_json_form(
    source: &mut Source,
    election: &Election,
    problem: &mut dyn FnMut(Problem),
) -> Result<Vec<HandReading>, ReadError> {
    let file = source.name().to_owned();
    let mut parts = source.parts()?;
    let mut contests: BTreeMap<String, String> = BTreeMap::new();
    let mut candidates: BTreeMap<String, String> = BTreeMap::new();
    let bad = |record: u64, error: serde_json::Error| ReadError::format(&file, record, error.to_string());
    let mut entries = 0;
    read_json(
        &file,
        parts.read(0)?,
        &["contests", "candidates"],
        &[],
        &mut |key, value| {
            entries += 1;
            let named: Named = serde_json::from_value(value).map_err(|error| bad(entries, error))?;
            let into = if key == "contests" {
                &mut contests
            } else {
                &mut candidates
            };
            into.insert(named.id.to_string(), named.description);
            too_many(into.len(), &file)
        },
    )?;
    let mut readings = Vec::new();
    let mut record = 0;
    let mut unnumbered = 0;
    read_json(&file, parts.read(0)?, &["ballots"], &[], &mut |_, value| {
        record += 1;
        let ballot: Ballot = serde_json::from_value(value).map_err(|error| bad(record, error))?;
        let mut reading = HandReading {
            card: card_of(&ballot.id, &mut unnumbered),
            position: None,
            found: true,
            votes: Vec::new(),
            reader: String::new(),
            line: record,
        };
        for (id, marks) in ballot.votes {
            let contest = election.contest(&id).or_else(|| {
                contests
                    .get(&id)
                    .and_then(|description| election.contest(description))
            });
            let Some((contest, known)) = contest.and_then(|contest| Some((contest, election.get(contest)?)))
            else {
                problem(Problem::lost(
                    &file,
                    record,
                    format!("contest {} is not of this election", quoted(&id)),
                ));
                return Ok(());
            };
            let mut votes = ContestVotes {
                contest,
                marks: Vec::new(),
                overvoted: false,
                overvoted_ranks: Vec::new(),
            };
            for (id, rank) in marks {
                let candidate = known
                    .candidate(&id)
                    .or_else(|| {
                        candidates
                            .get(&id)
                            .and_then(|description| known.candidate(description))
                    })
                    .unwrap_or(CandidateId::OTHER);
                if candidate == CandidateId::OTHER {
                    let what = format!(
                        "{} is no candidate of {}: read as other",
                        quoted(&id),
                        quoted(&known.name)
                    );
                    problem(Problem::remark(&file, Some(record), what));
                }
                let rank = if known.is_ranked() { rank.max(1) } else { 0 };
                votes.marks.push(Mark { rank, candidate });
            }
            votes.marks.sort_unstable();
            reading.votes.push(votes);
        }
        reading.votes.sort_by_key(|votes| votes.contest);
        readings.push(reading);
        too_many(readings.len(), &file)
    })?;
    Ok(readings)
}
