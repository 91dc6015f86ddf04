//! The text form that programs for IRV assertions read.
//!
//! First line: the number of contests. Then one line a contest: `Contest,id,candidates,id,id,…`, after which a program may have
//! written `winner,id` and the like. Then one line for each contest of each ballot: `contest,ballot,first,second,…`; without
//! choices it is blank. A ballot's id is tabulator, batch and record joined by `_` or `-`.

use rustc_hash::FxHashMap;

use super::draft::Out;
use super::error::ReadError;
use super::source::Source;
use super::table::Rows;
use super::text::{decode, quoted};
use crate::election::{
    CardId, CastVoteRecord, Contest, ContestId, ContestKind, ContestVotes, Mark, RecordId,
};

/// Most ballots of a file with several contests: their lines need not stand together, so that all are kept.
const MAX_JOINED: usize = 3_000_000;

pub(super) fn read(source: &mut Source, out: &mut Out<'_>) -> Result<(), ReadError> {
    let mut parts = source.parts()?;
    let file = parts.place(0);
    let mut rows = Rows::new(&file, parts.read(0)?, b',')?;
    let (row, line) = rows
        .next()?
        .ok_or_else(|| ReadError::format(&file, None, "it is empty"))?;
    let count: usize = decode(&row[0])
        .trim()
        .parse()
        .ok()
        .filter(|count| *count > 0 && row.len() == 1)
        .ok_or_else(|| ReadError::format(&file, line, "the first line should be the number of contests"))?;
    let mut contests: FxHashMap<String, ContestId> = FxHashMap::default();
    for _ in 0..count {
        let (row, line) = rows
            .next()?
            .ok_or_else(|| ReadError::format(&file, None, "it ends before its contests do"))?;
        let cells: Vec<String> = row.iter().map(|cell| decode(cell).trim().to_owned()).collect();
        let size = cells.get(2).and_then(|size| size.parse::<usize>().ok());
        let (Some("Contest"), Some(size)) = (cells.first().map(String::as_str), size) else {
            return Err(ReadError::format(
                &file,
                line,
                "a line \"Contest,id,number of candidates,…\" should be here",
            ));
        };
        let names = cells
            .get(3..)
            .and_then(|names| names.get(..size))
            .ok_or_else(|| {
                ReadError::format(
                    &file,
                    line,
                    format!("it names fewer candidates than the {size} it says"),
                )
            })?;
        let id = out.add_contest(Contest {
            kind: ContestKind::Irv,
            ranks: size.clamp(1, 100) as u32,
            ..Contest::new(cells[1].clone())
        })?;
        for name in names {
            out.candidate(id, name)?;
        }
        if contests.insert(cells[1].clone(), id).is_some() {
            return Err(ReadError::format(
                &file,
                line,
                format!("contest {} is there twice", quoted(&cells[1])),
            ));
        }
    }
    let mut joined: FxHashMap<CardId, Vec<ContestVotes>> = FxHashMap::default();
    let mut order: Vec<CardId> = Vec::new();
    let mut unnumbered = 0u128;
    while let Some((row, line)) = rows.next()? {
        let cell = |at: usize| decode(row.get(at).unwrap_or_default()).trim().to_owned();
        let Some(contest) = contests.get(&cell(0)).copied() else {
            out.lost(
                &file,
                line,
                format!("contest {} is not among the contests above", quoted(&cell(0))),
            );
            continue;
        };
        let known = &out.election.contests[contest.index()];
        let choices = row
            .iter()
            .skip(2)
            .map(|cell| decode(cell).trim().to_owned())
            .filter(|name| !name.is_empty());
        let marks: Result<Vec<Mark>, String> = choices
            .zip(1..=u16::MAX)
            .map(|(name, rank)| {
                known
                    .candidate(&name)
                    .map(|candidate| Mark { rank, candidate })
                    .ok_or(name)
            })
            .collect();
        let marks = match marks {
            Ok(marks) => marks,
            Err(name) => {
                out.lost(
                    &file,
                    line,
                    format!(
                        "candidate {} is not of contest {}",
                        quoted(&name),
                        quoted(&cell(0))
                    ),
                );
                continue;
            }
        };
        let card = card_of(&cell(1), &mut unnumbered);
        let votes = ContestVotes {
            contest,
            marks,
            overvoted: false,
            overvoted_ranks: Vec::new(),
        };
        if count == 1 {
            out.draft.record = CastVoteRecord {
                card,
                votes: vec![votes],
                ..CastVoteRecord::default()
            };
            out.record()?;
            continue;
        }
        let of_card = joined.entry(card.clone()).or_insert_with(|| {
            order.push(card);
            Vec::new()
        });
        if of_card.iter().any(|known| known.contest == contest) {
            out.lost(
                &file,
                line,
                format!("ballot {} has this contest twice", quoted(&cell(1))),
            );
            continue;
        }
        of_card.push(votes);
        if order.len() > MAX_JOINED {
            return Err(ReadError::Limit {
                file,
                what: format!("it has several contests and more than {MAX_JOINED} ballots"),
            });
        }
    }
    for card in order {
        let votes = joined.remove(&card).unwrap_or_default();
        out.draft.record = CastVoteRecord {
            card,
            votes,
            ..CastVoteRecord::default()
        };
        out.record()?;
    }
    Ok(())
}

/// Takes `99813_1_17` or `99813-1-17` apart; an id of another form stays whole as the imprinted id, and is numbered.
pub(super) fn card_of(id: &str, unnumbered: &mut u128) -> CardId {
    let mut card = CardId {
        imprinted: id.to_owned(),
        ..CardId::default()
    };
    let parts: Vec<&str> = id.split(['_', '-']).collect();
    if let [tabulator, batch, record] = parts[..]
        && let Ok(record) = record.parse::<RecordId>()
    {
        card.batch = crate::election::BatchId::new(tabulator, batch);
        card.record = record;
        return card;
    }
    *unnumbered += 1;
    card.record = RecordId(*unnumbered);
    card
}
