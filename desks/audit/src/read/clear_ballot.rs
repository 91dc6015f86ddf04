//! Clear Ballot's CSV export.
//!
//! One header row: leading columns, then one column a choice, headed `Choice_…:contest:Vote For n:choice:party`. Contest and
//! choice may hold colons: the contest is everything between the first colon and `:Vote For n:`, the party stands after the last
//! colon. A row is one card. An empty cell: the contest is not on the card.

use super::draft::{Out, set};
use super::error::ReadError;
use super::source::Source;
use super::table::Rows;
use super::text::{decode, plain, quoted};
use crate::election::{CandidateId, Contest, ContestId, RecordId};

pub(super) fn read(source: &mut Source, out: &mut Out<'_>) -> Result<(), ReadError> {
    let mut parts = source.parts()?;
    if parts.names().len() != 1 {
        let what = "a Clear Ballot export is one file; this holds several";
        return Err(ReadError::format(&parts.place(usize::MAX), None, what));
    }
    let file = parts.place(0);
    let mut rows = Rows::new(&file, parts.read(0)?, b',')?;
    let (head, line) = rows
        .next()?
        .ok_or_else(|| ReadError::format(&file, None, "it is empty"))?;
    let names: Vec<String> = head.iter().map(|cell| decode(cell).into_owned()).collect();
    let first = names.iter().position(|name| parse_choice(name).is_some());
    let first = first.ok_or_else(|| {
        ReadError::format(
            &file,
            line,
            "no column is headed \"Choice_…:contest:Vote For n:choice:party\"",
        )
    })?;
    let at = |name: &str| {
        names[..first]
            .iter()
            .position(|known| known.trim().eq_ignore_ascii_case(name))
    };
    let required = |name: &str| {
        at(name).ok_or_else(|| ReadError::format(&file, line, format!("the header has no column {name}")))
    };
    let (batch, position, tabulator) = (
        required("BoxID")?,
        required("BoxPosition")?,
        required("ScanComputerName")?,
    );
    let (imprinted, style, precinct) = (at("BallotID"), at("BallotStyleID"), at("PrecinctID"));
    let mut columns: Vec<(ContestId, CandidateId)> = Vec::new();
    for (index, name) in names.iter().enumerate().skip(first) {
        let (contest, votes, choice) = parse_choice(name).ok_or_else(|| {
            ReadError::format(
                &file,
                line,
                format!(
                    "column {} is headed {}, which names no choice",
                    index + 1,
                    quoted(name)
                ),
            )
        })?;
        let id = match out.election.contest(contest) {
            Some(id) => id,
            None => out.add_contest(Contest {
                votes_allowed: votes,
                winners: votes,
                ..Contest::new(contest)
            })?,
        };
        if out.election.contests[id.index()].votes_allowed != votes {
            let what = format!("the contest {} is described in two ways", quoted(contest));
            return Err(ReadError::format(&file, line, what));
        }
        let mut unique = choice.to_owned();
        let mut copy = 2;
        while out.election.contests[id.index()].candidate(&unique).is_some() {
            unique = format!("{choice} ({copy})");
            copy += 1;
        }
        columns.push((id, out.candidate(id, &unique)?));
    }
    'rows: while let Some((row, line)) = rows.next()? {
        if row.len() != names.len() {
            let what = format!("it has {} cells where the header has {}", row.len(), names.len());
            out.lost(&file, line, what);
            continue;
        }
        let Ok(record) = decode(plain(&row[position])).trim().parse::<RecordId>() else {
            out.lost(
                &file,
                line,
                format!("BoxPosition is {}, not a number", quoted(&decode(&row[position]))),
            );
            continue;
        };
        for (cell, (contest, candidate)) in row.iter().skip(first).zip(&columns) {
            match plain(cell) {
                b"" => {}
                b"0" => {
                    out.draft.votes(*contest);
                }
                b"1" => out.draft.mark(*contest, *candidate, 0),
                other => {
                    let what = format!("a vote is {} where it should be 0 or 1", quoted(&decode(other)));
                    out.lost(&file, line, what);
                    continue 'rows;
                }
            }
        }
        let draft = &mut out.draft.record;
        draft.card.record = record;
        set(&mut draft.card.batch.tabulator, &decode(plain(&row[tabulator])));
        set(&mut draft.card.batch.batch, &decode(plain(&row[batch])));
        let optional = |at: Option<usize>| at.map(|at| decode(plain(&row[at]))).unwrap_or_default();
        set(&mut draft.card.imprinted, &optional(imprinted));
        set(&mut draft.style, &optional(style));
        set(&mut draft.precinct, &optional(precinct));
        out.record()?;
    }
    Ok(())
}

/// Contest, votes allowed and choice of a column header.
pub(super) fn parse_choice(header: &str) -> Option<(&str, u32, &str)> {
    let (id, rest) = header.split_once(':')?;
    if !id.trim().to_ascii_lowercase().starts_with("choice_") {
        return None;
    }
    // The last one, as a contest may be named "Vote For 2: …" too.
    let at = rest.rfind(":Vote For ")?;
    let (contest, rest) = (&rest[..at], &rest[at + ":Vote For ".len()..]);
    let (votes, rest) = rest.split_once(':')?;
    let votes: u32 = votes.trim().parse().ok().filter(|votes| *votes > 0)?;
    let choice = rest.rsplit_once(':').map_or(rest, |(choice, _)| choice);
    Some((contest, votes, choice))
}
