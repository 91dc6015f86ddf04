//! Dominion's CSV export.
//!
//! Four header rows: election and version; contests over their columns, as `Name (Vote For=n)` or `Name (Number of
//! positions=p, Number of ranks=r)`; choices, a ranked one as `Name(rank)`; names of the leading columns, and parties. A row is
//! one card. An empty cell: the contest is not on the card. Cells may be written `="…"`.
//!
//! Counties that withhold votes before publishing leave rows whose cells are blacked out, or rows that sum several cards.

use csv::ByteRecord;

use super::RedactedGroup;
use super::draft::{Out, set};
use super::error::ReadError;
use super::source::Source;
use super::table::Rows;
use super::text::{decode, plain, quoted};
use crate::election::{CandidateId, Contest, ContestId, ContestKind, RecordId, Redaction};

/// Columns that may stand in front of the votes.
const LEADING: [&str; 10] = [
    "CvrNumber",
    "TabulatorNum",
    "BatchId",
    "RecordId",
    "ImprintedId",
    "UniqueVotingIdentifier",
    "CountingGroup",
    "NotCountingGroup",
    "PrecinctPortion",
    "BallotType",
];

/// Most ranks of a ranked contest; the most in use is 10 (San Francisco).
const MAX_RANKS: u32 = 100;

struct Column {
    contest: ContestId,
    candidate: CandidateId,
    rank: u16,
}

#[derive(Default)]
struct Leading {
    at: [Option<usize>; LEADING.len()],
}

impl Leading {
    fn cell<'a>(&self, row: &'a ByteRecord, name: usize) -> &'a [u8] {
        self.at[name].and_then(|at| row.get(at)).map_or(&[], plain)
    }
}

const CVR: usize = 0;
const TABULATOR: usize = 1;
const BATCH: usize = 2;
const RECORD: usize = 3;
const IMPRINTED: usize = 4;
const VOTING: usize = 5;
const GROUP: usize = 6;
const NO_GROUP: usize = 7;
const PRECINCT: usize = 8;
const STYLE: usize = 9;

struct Header {
    leading: Leading,
    first: usize,
    columns: Vec<Option<Column>>,
}

pub(super) fn read(source: &mut Source, out: &mut Out<'_>) -> Result<(), ReadError> {
    let mut parts = source.parts()?;
    if parts.names().len() != 1 {
        let what = "a Dominion CSV export is one file; this holds several".to_owned();
        return Err(ReadError::format(&parts.place(usize::MAX), None, what));
    }
    let place = parts.place(0);
    let mut rows = Rows::new(&place, parts.read(0)?, b',')?;
    let header = read_header(&mut rows, &place, out)?;
    let mut joined = ByteRecord::new();
    let mut odd_text = false;
    while let Some((row, line)) = rows.next()? {
        let row = match row.len() > header.columns.len() && rejoin(row, &mut joined) {
            true => &joined,
            false => row,
        };
        read_row(row, line, &header, &place, out, &mut odd_text)?;
    }
    Ok(())
}

fn read_header<R: std::io::Read>(
    rows: &mut Rows<R>,
    file: &str,
    out: &mut Out<'_>,
) -> Result<Header, ReadError> {
    let short = || {
        ReadError::format(
            file,
            None,
            "the four header rows of a Dominion export are not complete",
        )
    };
    let mut head: Vec<(Vec<String>, u64)> = Vec::new();
    for _ in 0..4 {
        let (row, line) = rows.next()?.ok_or_else(short)?;
        // Contest names are broken over lines in some exports.
        let cells = row.iter().map(|cell| {
            let text = decode(plain(cell)).into_owned();
            text.lines().collect::<Vec<_>>().join(" ")
        });
        head.push((cells.collect(), line));
    }
    let (names, line) = &head[3];
    let mut leading = Leading::default();
    let mut first = 0;
    for (at, name) in names.iter().enumerate() {
        if let Some(which) = LEADING
            .iter()
            .position(|known| name.trim().eq_ignore_ascii_case(known))
            && leading.at[which].is_none()
        {
            leading.at[which] = Some(at);
            first = at + 1;
        }
    }
    for which in [TABULATOR, BATCH, RECORD] {
        if leading.at[which].is_none() {
            let what = format!("the fourth header row has no column {}", LEADING[which]);
            return Err(ReadError::format(file, *line, what));
        }
    }
    out.election.name = head[0].0.first().cloned().unwrap_or_default();
    let (contests, contest_line) = &head[1];
    let width = contests.len().max(names.len()).max(head[2].0.len());
    let mut columns = Vec::with_capacity(width);
    columns.resize_with(first.min(width), || None);
    for at in first..width {
        let contest = contests.get(at).map_or("", |text| text.trim());
        let choice = head[2].0.get(at).map_or("", |text| text.trim());
        if contest.is_empty() {
            if !choice.is_empty() {
                let what = format!(
                    "column {} ({}) belongs to no contest and is not read",
                    at + 1,
                    quoted(choice)
                );
                out.remark(file, Some(*contest_line), what);
            }
            columns.push(None);
            continue;
        }
        columns.push(Some(column(contest, choice, at, file, *contest_line, out)?));
    }
    if columns.iter().all(Option::is_none) {
        return Err(ReadError::format(
            file,
            *contest_line,
            "the second header row names no contest",
        ));
    }
    Ok(Header {
        leading,
        first,
        columns,
    })
}

fn column(
    header: &str,
    choice: &str,
    at: usize,
    file: &str,
    line: u64,
    out: &mut Out<'_>,
) -> Result<Column, ReadError> {
    let stated = contest_header(header);
    let contest = match out.election.contest(stated.name) {
        Some(id) => {
            let known = &out.election.contests[id.index()];
            if known.votes_allowed != stated.votes || known.ranks != stated.ranks {
                let what = format!("the contest {} is described in two ways", quoted(stated.name));
                return Err(ReadError::format(file, line, what));
            }
            id
        }
        None => {
            if !stated.is_stated {
                let what = format!(
                    "{} does not say how many may be voted for: taken as 1",
                    quoted(header)
                );
                out.remark(file, Some(line), what);
            }
            out.add_contest(Contest {
                kind: if stated.ranks > 0 {
                    ContestKind::Irv
                } else {
                    ContestKind::Plurality
                },
                votes_allowed: stated.votes,
                winners: stated.votes,
                ranks: stated.ranks,
                ..Contest::new(stated.name)
            })?
        }
    };
    let (name, rank) = match stated.ranks {
        0 => (choice, 0),
        ranks => ranked_choice(choice, ranks).ok_or_else(|| {
            let what = format!(
                "column {} ({}) should end in its rank, 1 to {ranks}, in brackets",
                at + 1,
                quoted(choice)
            );
            ReadError::format(file, line + 1, what)
        })?,
    };
    let name = if name.is_empty() {
        format!("(column {})", at + 1)
    } else {
        name.to_owned()
    };
    // Some exports have several write-in columns of one name; a vote in each is a vote for another name.
    let mut unique = name.clone();
    let taken = |unique: &str, out: &Out<'_>| {
        stated.ranks == 0 && out.election.contests[contest.index()].candidate(unique).is_some()
    };
    let mut copy = 2;
    while taken(&unique, out) {
        unique = format!("{name} ({copy})");
        copy += 1;
    }
    if unique != name {
        out.remark(
            file,
            Some(line + 1),
            format!(
                "column {}: a second {} is read as {}",
                at + 1,
                quoted(&name),
                quoted(&unique)
            ),
        );
    }
    let candidate = out.candidate(contest, &unique)?;
    Ok(Column {
        contest,
        candidate,
        rank,
    })
}

struct Stated<'a> {
    name: &'a str,
    votes: u32,
    ranks: u32,
    is_stated: bool,
}

/// Takes `Name (Vote For=2)` or `Name (Number of positions=1, Number of ranks=4)` apart.
fn contest_header(header: &str) -> Stated<'_> {
    let unstated = Stated {
        name: header,
        votes: 1,
        ranks: 0,
        is_stated: false,
    };
    let Some((name, rest)) = header
        .trim_end()
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once('('))
    else {
        return unstated;
    };
    let (mut votes, mut ranks) = (None, None);
    for part in rest.split(',') {
        let Some((key, value)) = part.split_once('=') else {
            return unstated;
        };
        let Ok(value) = value.trim().parse::<u32>() else {
            return unstated;
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "vote for" | "number of positions" => votes = Some(value),
            "number of ranks" => ranks = Some(value),
            _ => return unstated,
        }
    }
    match (votes, ranks.unwrap_or(0)) {
        (Some(votes), ranks) if votes > 0 && ranks <= MAX_RANKS => Stated {
            name: name.trim_end(),
            votes,
            ranks,
            is_stated: true,
        },
        _ => unstated,
    }
}

/// Takes `Name(3)` apart.
fn ranked_choice(choice: &str, ranks: u32) -> Option<(&str, u16)> {
    let (name, rank) = choice.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    let rank: u16 = rank.trim().parse().ok()?;
    (rank >= 1 && u32::from(rank) <= ranks).then(|| (name.trim_end(), rank))
}

/// A comma within `="…"` splits the cell, because the quotation mark does not open it. Puts such cells together again; false when
/// there are none.
fn rejoin(row: &ByteRecord, joined: &mut ByteRecord) -> bool {
    joined.clear();
    let mut open: Option<Vec<u8>> = None;
    let mut any = false;
    for cell in row {
        let ends = cell.ends_with(b"\"");
        match &mut open {
            Some(text) => {
                text.push(b',');
                text.extend_from_slice(cell);
                any = true;
                if ends {
                    joined.push_field(text);
                    open = None;
                }
            }
            None if cell.starts_with(b"=\"") && (cell.len() == 2 || !ends) => open = Some(cell.to_vec()),
            None => joined.push_field(cell),
        }
    }
    any && open.is_none()
}

fn read_row(
    row: &ByteRecord,
    line: u64,
    header: &Header,
    file: &str,
    out: &mut Out<'_>,
    odd_text: &mut bool,
) -> Result<(), ReadError> {
    let width = header.columns.len();
    if row.len() < width || row.iter().skip(width).any(|cell| !cell.is_empty()) {
        let what = format!("it has {} cells where the header has {width}", row.len());
        out.lost(file, line, what);
        return Ok(());
    }
    let mut withheld = false;
    let mut odd = None;
    let mut sums = false;
    for (at, (cell, column)) in row.iter().zip(&header.columns).enumerate().skip(header.first) {
        let Some(column) = column else { continue };
        match plain(cell) {
            b"" => {}
            b"0" => {
                out.draft.votes(column.contest);
            }
            b"1" => out.draft.mark(column.contest, column.candidate, column.rank),
            text if is_blacked_out(text) => withheld = true,
            text => match decode(text).trim().parse::<u64>() {
                Ok(0) => {
                    out.draft.votes(column.contest);
                }
                Ok(1) => out.draft.mark(column.contest, column.candidate, column.rank),
                Ok(_) => sums = true,
                Err(_) => odd = odd.or(Some(at)),
            },
        }
    }
    if let Some(at) = odd {
        let what = format!(
            "column {} says {} where a vote is 0 or 1",
            at + 1,
            quoted(&decode(&row[at]))
        );
        out.lost(file, line, what);
        return Ok(());
    }
    let named_so = (0..header.first).any(|at| row.get(at).is_some_and(says_redacted));
    let record = decode(header.leading.cell(row, RECORD))
        .trim()
        .parse::<RecordId>();
    if sums || (record.is_err() && (named_so || withheld)) {
        if !(named_so || record.is_err()) {
            out.lost(
                file,
                line,
                "a vote is a number above 1, and the row does not say that it sums several cards",
            );
            return Ok(());
        }
        out.group(group(row, line, header));
        return Ok(());
    }
    let Ok(record) = record else {
        let what = format!(
            "RecordId is {}, not a number",
            quoted(&decode(header.leading.cell(row, RECORD)))
        );
        out.lost(file, line, what);
        return Ok(());
    };
    let mut text =
        |which: usize, into: fn(&mut crate::election::CastVoteRecord) -> &mut String, out: &mut Out<'_>| {
            let bytes = header.leading.cell(row, which);
            match std::str::from_utf8(bytes) {
                Ok(text) => set(into(&mut out.draft.record), text),
                Err(_) => {
                    if !std::mem::replace(odd_text, true) {
                        out.remark(file, Some(line), "this text is not UTF-8: read as Windows-1252");
                    }
                    set(into(&mut out.draft.record), &decode(bytes));
                }
            }
        };
    text(TABULATOR, |record| &mut record.card.batch.tabulator, out);
    text(BATCH, |record| &mut record.card.batch.batch, out);
    text(IMPRINTED, |record| &mut record.card.imprinted, out);
    if out.draft.record.card.imprinted.is_empty() {
        text(VOTING, |record| &mut record.card.imprinted, out);
    }
    text(
        if header.leading.at[GROUP].is_some() {
            GROUP
        } else {
            NO_GROUP
        },
        |record| &mut record.group,
        out,
    );
    text(PRECINCT, |record| &mut record.precinct, out);
    text(STYLE, |record| &mut record.style, out);
    out.draft.record.card.record = record;
    if withheld || (named_so && out.draft.record.votes.is_empty()) {
        out.draft.record.redaction = Redaction::Withheld;
    }
    out.record()
}

/// What people put over a vote that is withheld.
fn is_blacked_out(text: &[u8]) -> bool {
    let text = decode(text);
    let text = text.trim();
    (!text.is_empty() && text.chars().all(|c| matches!(c, '*' | '█' | 'X' | 'x')))
        || says_redacted(text.as_bytes())
}

fn says_redacted(cell: &[u8]) -> bool {
    // Redacted, redaction, REDACTED.
    cell.windows(6)
        .any(|window| window.eq_ignore_ascii_case(b"redact"))
}

fn group(row: &ByteRecord, line: u64, header: &Header) -> RedactedGroup {
    let label = [CVR, IMPRINTED, BATCH, TABULATOR, RECORD]
        .into_iter()
        .map(|which| decode(header.leading.cell(row, which)).into_owned())
        .find(|text| !text.trim().is_empty());
    let mut votes: Vec<(ContestId, Vec<u64>)> = Vec::new();
    for (cell, column) in row.iter().zip(&header.columns).skip(header.first) {
        let Some(column) = column else { continue };
        let Ok(count) = decode(plain(cell)).trim().parse::<u64>() else {
            continue;
        };
        if column.rank > 1 {
            continue;
        }
        let at = match votes.iter().position(|(contest, _)| *contest == column.contest) {
            Some(at) => at,
            None => {
                votes.push((column.contest, Vec::new()));
                votes.len() - 1
            }
        };
        let sums = &mut votes[at].1;
        if sums.len() <= column.candidate.index() {
            sums.resize(column.candidate.index() + 1, 0);
        }
        sums[column.candidate.index()] = count;
    }
    RedactedGroup {
        label: label.unwrap_or_default(),
        style: decode(header.leading.cell(row, STYLE)).into_owned(),
        line,
        votes,
    }
}
