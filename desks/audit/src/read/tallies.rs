//! Batch tallies, as CSV or spreadsheet: one row a batch, one column a choice.
//!
//! Leading columns as in a manifest (batch, and where they exist county, tabulator, container, cards). Every other column is a
//! choice, headed by its name, or by contest and choice with ` :: ` between them where the file is about several contests.

use std::collections::BTreeSet;

use pollwatch_model::Problem;
use rustc_hash::FxHashMap;

use super::error::ReadError;
use super::manifest::{Column, Header, MAX_BATCH_CARDS, MAX_BATCHES, count};
use super::sheet::read_rows;
use super::source::Source;
use super::text::quoted;
use crate::election::{BatchId, BatchTallies, BatchTally, TallyColumn};

/// Between contest and choice in a header.
const BETWEEN: &str = " :: ";
/// Most votes for one choice in one batch: as many as cards, times the most seats of one contest.
const MAX_VOTES: u64 = MAX_BATCH_CARDS * 100;

/// Reads batch tallies.
///
/// Errors: no column for the batch; no choice; a batch twice; a number that is none; in a spreadsheet, a formula.
pub fn read_batch_tallies(
    source: &mut Source,
    problem: &mut dyn FnMut(Problem),
) -> Result<BatchTallies, ReadError> {
    let file = source.name().to_owned();
    let mut header: Option<(Header, Vec<usize>)> = None;
    let mut tallies = BatchTallies::default();
    let mut lines: FxHashMap<(String, BatchId), u64> = FxHashMap::default();
    read_rows(source, &mut |row, line| {
        let Some((header, choices)) = &header else {
            let read = Header::read(row, &file, line)?;
            if read.find(Column::Batch).is_none() {
                let what = "the first row should name the columns, among them \"Batch Name\"";
                return Err(ReadError::format(&file, line, what));
            }
            let mut choices = Vec::new();
            let mut seen = BTreeSet::new();
            for (name, at) in row.iter().zip(0..) {
                if name.is_empty() || read.at.iter().any(|(_, known)| *known == at) {
                    continue;
                }
                let (contest, candidate) = name.split_once(BETWEEN).unwrap_or(("", name));
                let column = TallyColumn {
                    contest: contest.trim().to_owned(),
                    candidate: candidate.trim().to_owned(),
                };
                if !seen.insert(column.clone()) {
                    return Err(ReadError::format(
                        &file,
                        line,
                        format!("the column {} is there twice", quoted(name)),
                    ));
                }
                tallies.columns.push(column);
                choices.push(at);
            }
            if choices.is_empty() {
                return Err(ReadError::format(&file, line, "no column names a choice"));
            }
            header = Some((read, choices));
            return Ok(());
        };
        let batch = header.batch_id(row);
        if batch.batch.is_empty() || (batch.batch.eq_ignore_ascii_case("total") && batch.tabulator.is_empty())
        {
            problem(Problem::remark(
                &file,
                Some(line),
                "it names no batch: read as a line of totals, and passed over",
            ));
            return Ok(());
        }
        let number = |text: &str, what: &str, most: u64| {
            count(text, most).map_err(|why| {
                ReadError::format(
                    &file,
                    line,
                    format!("{what} of {batch} is {}: {why}", quoted(text)),
                )
            })
        };
        let cards = match header.find(Column::Cards) {
            None => None,
            Some(_) => Some(number(
                header.cell(row, Column::Cards),
                "the number of cards",
                MAX_BATCH_CARDS,
            )?),
        };
        let mut votes = Vec::with_capacity(choices.len());
        for (at, column) in choices.iter().zip(&tallies.columns) {
            let text = row.get(*at).map_or("", String::as_str);
            votes.push(number(
                text,
                &format!("the number of votes for {}", quoted(&column.candidate)),
                MAX_VOTES,
            )?);
        }
        let jurisdiction = header.cell(row, Column::Jurisdiction).to_owned();
        if let Some(other) = lines.insert((jurisdiction.clone(), batch.clone()), line) {
            return Err(ReadError::format(
                &file,
                line,
                format!("{batch} is there twice: it is also on line {other}"),
            ));
        }
        if tallies.batches.len() >= MAX_BATCHES {
            return Err(ReadError::Limit {
                file: file.clone(),
                what: format!("it has more than {MAX_BATCHES} batches"),
            });
        }
        tallies.batches.push(BatchTally {
            jurisdiction,
            batch,
            cards,
            votes,
            line,
        });
        Ok(())
    })?;
    if tallies.batches.is_empty() {
        return Err(ReadError::format(&file, None, "there is no batch in it"));
    }
    Ok(tallies)
}
