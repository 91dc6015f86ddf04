//! ES&S Electionware: one file of votes and one or more files of ballots, in a zip or folder.
//!
//! The file of votes has one row a card: `Cast Vote Record`, leading columns, then one column a contest with the name of the
//! choice, `undervote` or `overvote`; empty where the contest is not on the card. A contest with several columns of one name
//! allows as many votes. Columns named `… choice 1 of 3 …` are the ranks of one contest. The files of ballots give each cast vote
//! record its batch and its `Tabulator CVR`: ten digits, of which the first four are the tabulator and the rest the number; or up
//! to 32 hexadecimal digits, with the tabulator in `Machine`. The whole hexadecimal id is the record's number, so that no two
//! become one. Ballot files may have header lines of their own and end in a total.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::draft::{Out, set};
use super::error::ReadError;
use super::source::{Parts, Source};
use super::table::Rows;
use super::text::{decode, plain, quoted};
use crate::election::{CandidateId, Contest, ContestId, ContestKind, RecordId};
use crate::spill::{KEY, Key, Sorter};

/// Memory for the join of the two kinds of file; what is more goes to the scratch folder.
const SORT_BYTES: usize = 48 << 20;

/// Leading columns of the file of votes; the last one that is met ends them.
const LEADING: [&str; 9] = [
    "Election ID",
    "Audit Number",
    "Tabulator CVR",
    "Cast Vote Record",
    "Batch",
    "Ballot Status",
    "Precinct",
    "Ballot Style",
    "Party",
];

struct Column {
    contest: ContestId,
    rank: u16,
}

pub(super) fn read(source: &mut Source, out: &mut Out<'_>) -> Result<(), ReadError> {
    let scratch = source.scratch();
    let mut parts = source.parts()?;
    let mut votes = Vec::new();
    let mut ballots = Vec::new();
    for at in 0..parts.names().len() {
        let name = parts.names()[at].to_ascii_lowercase();
        let base = name.rsplit('/').next().unwrap_or(&name).to_owned();
        if name.starts_with("__macosx/") || !(base.ends_with(".csv") || base.ends_with(".csv.gz")) {
            continue;
        }
        // "cvr.csv" is the votes, whatever is in it: the way out when both kinds have the same columns.
        match base.trim_end_matches(".gz") != "cvr.csv" && is_ballots(&mut parts, at)? {
            true => ballots.push(at),
            false => votes.push(at),
        }
    }
    let whole = parts.place(usize::MAX);
    if ballots.is_empty() {
        let what =
            "no file of ballots is in it: one with the columns Cast Vote Record, Batch and Tabulator CVR";
        return Err(ReadError::format(&whole, None, what));
    }
    let [votes] = votes[..] else {
        let names: Vec<&str> = votes.iter().map(|at| parts.names()[*at].as_str()).collect();
        let what = match names.is_empty() {
            true => "no file of votes is in it: one with Cast Vote Record and a column for each contest"
                .to_owned(),
            false => format!(
                "several files look like the file of votes ({}): name it cvr.csv",
                names.join(", ")
            ),
        };
        return Err(ReadError::format(&whole, None, what));
    };
    let mut names = Names::default();
    let mut known = Sorter::new(scratch.as_deref(), SORT_BYTES);
    for at in ballots {
        read_ballots(&mut parts, at, &mut known, &mut names, out)?;
    }
    let columns = learn(&mut parts, votes, out)?;
    let mut cast = Sorter::new(scratch.as_deref(), SORT_BYTES);
    read_votes(&mut parts, votes, &columns, &mut cast, &mut names, out)?;
    join(&parts.place(votes), &whole, known, cast, &names, out)
}

fn is_ballots(parts: &mut Parts<'_>, at: usize) -> Result<bool, ReadError> {
    let place = parts.place(at);
    let mut rows = Rows::new(&place, parts.read(at)?, b',')?;
    let Some((row, _)) = rows.next()? else {
        return Ok(false);
    };
    let mut cells = row.iter().map(|cell| decode(cell).trim().to_owned());
    Ok(row.get(0) == Some(b"Ballots") || cells.any(|cell| cell == "Tabulator CVR"))
}

fn key_of(number: u64) -> Key {
    let mut key = [0; KEY];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key
}

/// Names that come again and again, by their places.
#[derive(Default)]
struct Names {
    places: FxHashMap<String, u32>,
    names: Vec<String>,
}

/// Most different names of batches, tabulators, precincts and styles.
const MAX_NAMES: usize = 5_000_000;

impl Names {
    fn place(&mut self, name: &str, file: &str) -> Result<u32, ReadError> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        if self.names.len() >= MAX_NAMES {
            let what =
                format!("it has more than {MAX_NAMES} different batches, tabulators, precincts and styles");
            return Err(ReadError::Limit {
                file: file.to_owned(),
                what,
            });
        }
        let place = self.names.len() as u32;
        self.places.insert(name.to_owned(), place);
        self.names.push(name.to_owned());
        Ok(place)
    }

    fn name(&self, place: u32) -> &str {
        self.names.get(place as usize).map_or("", String::as_str)
    }
}

/// Reads the number of a cast vote record.
fn number(cell: &[u8]) -> Option<u64> {
    decode(plain(cell)).trim().parse().ok()
}

fn read_ballots(
    parts: &mut Parts<'_>,
    at: usize,
    known: &mut Sorter,
    names: &mut Names,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    let place = parts.place(at);
    let mut rows = Rows::new(&place, parts.read(at)?, b',')?;
    let mut columns: Option<[Option<usize>; 4]> = None;
    let mut payload = Vec::new();
    while let Some((row, line)) = rows.next()? {
        let Some([Some(cvr), Some(batch), Some(tabulator_cvr), machine]) = columns else {
            let find = |name: &str| row.iter().position(|cell| decode(plain(cell)).trim() == name);
            let found = [
                find("Cast Vote Record"),
                find("Batch"),
                find("Tabulator CVR"),
                find("Machine"),
            ];
            if found[..3].iter().all(Option::is_some) {
                columns = Some(found);
            }
            continue;
        };
        let cell = |at: usize| decode(plain(row.get(at).unwrap_or_default())).trim().to_owned();
        if cell(0).starts_with("Total") {
            continue;
        }
        let Some(number) = number(row.get(cvr).unwrap_or_default()) else {
            out.lost(
                &place,
                line,
                format!("Cast Vote Record is {}, not a number", quoted(&cell(cvr))),
            );
            continue;
        };
        let id = cell(tabulator_cvr);
        let ten = id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_digit());
        let (tabulator, record) = match (ten, machine) {
            (true, machine) => (
                machine.map_or_else(|| id[..4].to_owned(), cell),
                id[4..].parse::<RecordId>().map_err(|_| ()),
            ),
            (false, Some(machine)) => (cell(machine), RecordId::from_hex(&id).map_err(|_| ())),
            (false, None) => {
                let what = format!(
                    "Tabulator CVR is {}: without a column Machine it should be ten digits, leading zeros kept",
                    quoted(&id)
                );
                out.lost(&place, line, what);
                continue;
            }
        };
        let Ok(record) = record else {
            let what = format!(
                "Tabulator CVR is {}, neither ten digits nor up to 32 hexadecimal ones",
                quoted(&id)
            );
            out.lost(&place, line, what);
            continue;
        };
        payload.clear();
        payload.extend_from_slice(&names.place(&tabulator, &place)?.to_le_bytes());
        payload.extend_from_slice(&names.place(&cell(batch), &place)?.to_le_bytes());
        payload.extend_from_slice(&record.0.to_le_bytes());
        payload.extend_from_slice(id.as_bytes());
        known
            .push(key_of(number), &payload)
            .map_err(|error| ReadError::keep(&place, error))?;
    }
    if columns.is_none() {
        return Err(ReadError::format(
            &place,
            None,
            "there is no header with Cast Vote Record, Batch and Tabulator CVR",
        ));
    }
    Ok(())
}

struct Layout {
    cvr: usize,
    precinct: Option<usize>,
    style: Option<usize>,
    first: usize,
    columns: Vec<Column>,
    width: usize,
}

/// Reads headers, and the names of choices, which stand only in the rows. Choices are put in the order of the alphabet.
fn learn(parts: &mut Parts<'_>, at: usize, out: &mut Out<'_>) -> Result<Layout, ReadError> {
    let place = parts.place(at);
    let mut rows = Rows::new(&place, parts.read(at)?, b',')?;
    let (row, line) = rows
        .next()?
        .ok_or_else(|| ReadError::format(&place, None, "it is empty"))?;
    let names: Vec<String> = row
        .iter()
        .map(|cell| decode(plain(cell)).trim().to_owned())
        .collect();
    let last = names.iter().rposition(|name| LEADING.contains(&name.as_str()));
    let find = |name: &str| names.iter().position(|known| known == name);
    let (Some(last), Some(cvr)) = (last, find("Cast Vote Record")) else {
        return Err(ReadError::format(
            &place,
            line,
            "the header has no column Cast Vote Record",
        ));
    };
    let mut columns = Vec::new();
    for name in &names[last + 1..] {
        let (name, rank) = match ranked_header(name) {
            Some((name, rank, ranks)) => (name, Some((rank, ranks))),
            None => (name.clone(), None),
        };
        let contest = match out.election.contest(&name) {
            Some(contest) => {
                let known = &mut out.election.contests[contest.index()];
                if rank.is_none() {
                    known.votes_allowed += 1;
                    known.winners += 1;
                }
                contest
            }
            None => out.add_contest(match rank {
                Some((_, ranks)) => Contest {
                    kind: ContestKind::Irv,
                    ranks,
                    ..Contest::new(name)
                },
                None => Contest::new(name),
            })?,
        };
        columns.push(Column {
            contest,
            rank: rank.map_or(0, |(rank, _)| rank),
        });
    }
    if columns.is_empty() {
        return Err(ReadError::format(&place, line, "the header names no contest"));
    }
    let layout = Layout {
        cvr,
        precinct: find("Precinct"),
        style: find("Ballot Style"),
        first: last + 1,
        width: names.len(),
        columns,
    };
    let mut choices: Vec<BTreeSet<String>> = vec![BTreeSet::new(); out.election.contests.len()];
    while let Some((row, _)) = rows.next()? {
        for (cell, column) in row.iter().skip(layout.first).zip(&layout.columns) {
            if let Ok(Some(choice)) = choice(&decode(plain(cell))) {
                let known = &mut choices[column.contest.index()];
                if !known.contains(choice) {
                    known.insert(choice.to_owned());
                }
                if known.len() > 20_000 {
                    let what = "a contest has more than 20,000 choices".to_owned();
                    return Err(ReadError::Limit { file: place, what });
                }
            }
        }
    }
    for (choices, contest) in choices.into_iter().zip(0..) {
        for choice in choices {
            out.candidate(ContestId(contest), &choice)?;
        }
    }
    Ok(layout)
}

/// `Mayor choice 2 of 5` is rank 2 of 5 of the contest Mayor.
fn ranked_header(name: &str) -> Option<(String, u16, u32)> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let at = words.windows(4).position(|four| {
        four[0].eq_ignore_ascii_case("choice")
            && four[2].eq_ignore_ascii_case("of")
            && four[1].parse::<u16>().is_ok()
            && four[3].parse::<u16>().is_ok()
    })?;
    let (rank, ranks): (u16, u32) = (words[at + 1].parse().ok()?, words[at + 3].parse().ok()?);
    if rank == 0 || u32::from(rank) > ranks || ranks > 100 {
        return None;
    }
    let rest: Vec<&str> = words[..at].iter().chain(&words[at + 4..]).copied().collect();
    (!rest.is_empty()).then(|| (rest.join(" "), rank, ranks))
}

/// What a cell says: a choice, nothing (an undervote), or too much.
fn choice(cell: &str) -> Result<Option<&str>, ()> {
    match cell.trim() {
        over if over.eq_ignore_ascii_case("overvote") => Err(()),
        under if under.is_empty() || under.eq_ignore_ascii_case("undervote") => Ok(None),
        choice => Ok(Some(choice)),
    }
}

/// What lies in place of a candidate in the payload of a sort.
const UNDERVOTE: u32 = u32::MAX;
const OVERVOTE: u32 = u32::MAX - 1;

fn read_votes(
    parts: &mut Parts<'_>,
    at: usize,
    layout: &Layout,
    cast: &mut Sorter,
    names: &mut Names,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    let place = parts.place(at);
    let mut rows = Rows::new(&place, parts.read(at)?, b',')?;
    rows.next()?;
    let places: Vec<FxHashMap<String, u32>> = out
        .election
        .contests
        .iter()
        .map(|contest| {
            contest
                .candidates
                .iter()
                .map(|candidate| candidate.name.clone())
                .zip(0..)
                .collect()
        })
        .collect();
    let mut payload = Vec::new();
    while let Some((row, line)) = rows.next()? {
        let cell = |at: Option<usize>| {
            at.map(|at| decode(plain(row.get(at).unwrap_or_default())))
                .unwrap_or_default()
        };
        if row.len() != layout.width {
            let what = format!("it has {} cells where the header has {}", row.len(), layout.width);
            out.lost(&place, line, what);
            continue;
        }
        let Some(number) = number(&row[layout.cvr]) else {
            out.lost(
                &place,
                line,
                format!(
                    "Cast Vote Record is {}, not a number",
                    quoted(&cell(Some(layout.cvr)))
                ),
            );
            continue;
        };
        payload.clear();
        payload.extend_from_slice(&line.to_le_bytes());
        payload.extend_from_slice(&names.place(&cell(layout.precinct), &place)?.to_le_bytes());
        payload.extend_from_slice(&names.place(&cell(layout.style), &place)?.to_le_bytes());
        for (cell, column) in row.iter().skip(layout.first).zip(&layout.columns) {
            let text = decode(plain(cell));
            let says = match choice(&text) {
                Err(()) => OVERVOTE,
                Ok(None) if text.trim().is_empty() => continue,
                Ok(None) => UNDERVOTE,
                Ok(Some(name)) => match places[column.contest.index()].get(name) {
                    Some(place) => *place,
                    None => continue,
                },
            };
            payload.extend_from_slice(&column.contest.0.to_le_bytes());
            payload.extend_from_slice(&u32::from(column.rank).to_le_bytes());
            payload.extend_from_slice(&says.to_le_bytes());
        }
        cast.push(key_of(number), &payload)
            .map_err(|error| ReadError::keep(&place, error))?;
    }
    Ok(())
}

/// Takes numbers from a payload that this file wrote.
struct Payload<'a>(&'a [u8]);

impl Payload<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_at_checked(N).unwrap_or((&[], &[]));
        self.0 = rest;
        head.try_into().unwrap_or([0; N])
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

/// Joins votes and ballots by the number of the cast vote record. Each must have its other half.
fn join(
    votes_file: &str,
    whole: &str,
    known: Sorter,
    cast: Sorter,
    names: &Names,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    let keep = |error| ReadError::keep(whole, error);
    let mut known = known.sorted().map_err(keep)?;
    let mut cast = cast.sorted().map_err(keep)?;
    let mut ballot = known
        .next()
        .map_err(keep)?
        .map(|(key, payload)| (key, payload.to_vec()));
    let mut last: Option<Key> = None;
    while let Some((key, payload)) = cast.next().map_err(keep)? {
        let number = u64::from_be_bytes(key[..8].try_into().unwrap_or_default());
        let mut payload = Payload(payload);
        let line = payload.u64();
        while let Some((other, _)) = ballot.as_ref().filter(|(other, _)| *other < key) {
            alone(*other, whole, last == Some(*other), out);
            ballot = known
                .next()
                .map_err(keep)?
                .map(|(key, payload)| (key, payload.to_vec()));
        }
        let Some((_, half)) = ballot.take_if(|(other, _)| *other == key) else {
            let what = match last == Some(key) {
                true => format!("cast vote record {number} is there twice"),
                false => format!("cast vote record {number} is in no file of ballots"),
            };
            out.lost(votes_file, line, what);
            continue;
        };
        last = Some(key);
        ballot = known
            .next()
            .map_err(keep)?
            .map(|(key, payload)| (key, payload.to_vec()));
        let mut half = Payload(&half);
        let (tabulator, batch) = (half.u32(), half.u32());
        let record = &mut out.draft.record;
        record.card.record = RecordId(u128::from_le_bytes(half.take()));
        set(&mut record.card.batch.tabulator, names.name(tabulator));
        set(&mut record.card.batch.batch, names.name(batch));
        set(&mut record.card.imprinted, &String::from_utf8_lossy(half.0));
        set(&mut record.precinct, names.name(payload.u32()));
        set(&mut record.style, names.name(payload.u32()));
        while !payload.0.is_empty() {
            let (contest, rank, says) = (ContestId(payload.u32()), payload.u32() as u16, payload.u32());
            let ranked = out.election.contests[contest.index()].is_ranked();
            match says {
                UNDERVOTE => {
                    out.draft.votes(contest);
                }
                OVERVOTE if ranked => out.draft.votes(contest).overvoted_ranks.push(rank),
                OVERVOTE => out.draft.votes(contest).overvoted = true,
                candidate => out.draft.mark(contest, CandidateId(candidate), rank),
            }
        }
        out.record()?;
    }
    while let Some((other, _)) = ballot {
        alone(other, whole, last == Some(other), out);
        ballot = known
            .next()
            .map_err(keep)?
            .map(|(key, payload)| (key, payload.to_vec()));
    }
    Ok(())
}

fn alone(key: Key, file: &str, twice: bool, out: &mut Out<'_>) {
    let number = u64::from_be_bytes(key[..8].try_into().unwrap_or_default());
    let what = match twice {
        true => format!("cast vote record {number} is twice in the files of ballots"),
        false => format!("cast vote record {number} is in the files of ballots and not in the file of votes"),
    };
    out.lost(file, number, what);
}
