//! Ballot manifests, as CSV or spreadsheet.
//!
//! A header row names the columns, in any order and in the words of whoever made the file; then one row a batch. Everything that
//! would let a card be drawn that does not exist, or a card be missed, is refused with its line: a batch twice, a number of cards
//! that is none, more cards than any batch has.

use pollwatch_model::Problem;
use rustc_hash::FxHashMap;

use super::error::ReadError;
use super::sheet::read_rows;
use super::source::Source;
use super::text::quoted;
use crate::election::{Batch, BatchId, Manifest};

/// Most cards of one batch. The largest batch on record is a precinct's whole box (about 12,000 in the manifests of Colorado
/// and Georgia); a jurisdiction that stores a county as one batch has under two million.
pub const MAX_BATCH_CARDS: u64 = 10_000_000;
/// Most batches of one manifest.
pub const MAX_BATCHES: usize = 1_000_000;

/// What columns are called.
const COLUMNS: [(Column, &[&str]); 6] = [
    (
        Column::Jurisdiction,
        &["county", "countyid", "countyname", "jurisdiction"],
    ),
    (
        Column::Container,
        &[
            "container",
            "containername",
            "storagelocation",
            "location",
            "box",
            "boxid",
            "bin",
            "cart",
            "storagecontainer",
        ],
    ),
    (
        Column::Tabulator,
        &[
            "tabulator",
            "tabulatorid",
            "tabulatornum",
            "tabulatornumber",
            "scannerid",
            "scanner",
            "scancomputername",
            "machine",
            "traytabulator",
        ],
    ),
    (Column::Batch, &["batchname", "batch", "batchid", "batchnumber"]),
    (
        Column::Cards,
        &[
            "numberofballots",
            "numballots",
            "ballots",
            "ballotcount",
            "numberofcards",
            "cards",
            "numcards",
            "totalballots",
            "ofballots",
            "batchsize",
        ],
    ),
    (Column::Records, &["cvr", "hascvr", "hascvrs", "cvrs"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Jurisdiction,
    Container,
    Tabulator,
    Batch,
    Cards,
    Records,
}

/// Which column a header names; `None` where it names none that is known.
pub(super) fn column(header: &str) -> Option<Column> {
    let plain: String = header
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    COLUMNS
        .into_iter()
        .find(|(_, names)| names.contains(&plain.as_str()))
        .map(|(column, _)| column)
}

/// Columns of a header row, by kind.
#[derive(Default)]
pub(super) struct Header {
    pub(super) at: Vec<(Column, usize)>,
}

impl Header {
    pub(super) fn find(&self, column: Column) -> Option<usize> {
        self.at
            .iter()
            .find(|(known, _)| *known == column)
            .map(|(_, at)| *at)
    }

    pub(super) fn cell<'a>(&self, row: &'a [String], column: Column) -> &'a str {
        self.find(column)
            .and_then(|at| row.get(at))
            .map_or("", String::as_str)
    }

    pub(super) fn batch_id(&self, row: &[String]) -> BatchId {
        BatchId {
            container: self.cell(row, Column::Container).to_owned(),
            tabulator: self.cell(row, Column::Tabulator).to_owned(),
            batch: self.cell(row, Column::Batch).to_owned(),
        }
    }

    /// Reads a header row. Errors: two columns of one meaning.
    pub(super) fn read(row: &[String], file: &str, line: u64) -> Result<Header, ReadError> {
        let mut header = Header { at: Vec::new() };
        for (name, at) in row.iter().zip(0..) {
            let Some(column) = column(name) else { continue };
            if let Some(other) = header.find(column) {
                let what = format!(
                    "the columns {} and {} mean the same",
                    quoted(&row[other]),
                    quoted(name)
                );
                return Err(ReadError::format(file, line, what));
            }
            header.at.push((column, at));
        }
        Ok(header)
    }
}

/// Reads a ballot manifest.
///
/// Errors: no columns for batch and number of cards; a batch twice; a number that is not a whole number from 0 to
/// [`MAX_BATCH_CARDS`]; more than [`MAX_BATCHES`] batches; in a spreadsheet, a formula.
pub fn read_manifest(source: &mut Source, problem: &mut dyn FnMut(Problem)) -> Result<Manifest, ReadError> {
    let file = source.name().to_owned();
    let mut header: Option<Header> = None;
    let mut manifest = Manifest::default();
    let mut lines: FxHashMap<(String, BatchId), u64> = FxHashMap::default();
    read_rows(source, &mut |row, line| {
        let Some(header) = &header else {
            let read = Header::read(row, &file, line)?;
            if read.find(Column::Batch).is_none() || read.find(Column::Cards).is_none() {
                let what = "the first row should name the columns, among them \"Batch Name\" and \"Number of Ballots\"";
                return Err(ReadError::format(&file, line, what));
            }
            for (name, at) in row.iter().zip(0..) {
                if !name.is_empty() && !read.at.iter().any(|(_, known)| *known == at) {
                    problem(Problem::remark(
                        &file,
                        Some(line),
                        format!("the column {} is not read", quoted(name)),
                    ));
                }
            }
            header = Some(read);
            return Ok(());
        };
        let id = header.batch_id(row);
        let text = header.cell(row, Column::Cards);
        if id.batch.is_empty() {
            // A last line of totals has a number and no batch.
            let what = match id.tabulator.is_empty() && id.container.is_empty() {
                true => "it names no batch: read as a line of totals, and passed over".to_owned(),
                false => return Err(ReadError::format(&file, line, "the batch has no name")),
            };
            problem(Problem::remark(&file, Some(line), what));
            return Ok(());
        }
        let cards = count(text, MAX_BATCH_CARDS).map_err(|what| {
            ReadError::format(
                &file,
                line,
                format!("the number of cards of {id} is {}: {what}", quoted(text)),
            )
        })?;
        let has_records = match header.find(Column::Records) {
            None => None,
            Some(_) => match header.cell(row, Column::Records).to_lowercase().as_str() {
                "y" | "yes" | "true" | "1" => Some(true),
                "n" | "no" | "false" | "0" => Some(false),
                other => {
                    let what = format!(
                        "whether {id} has cast vote records is {}, neither yes nor no",
                        quoted(other)
                    );
                    return Err(ReadError::format(&file, line, what));
                }
            },
        };
        let jurisdiction = header.cell(row, Column::Jurisdiction).to_owned();
        if let Some(other) = lines.insert((jurisdiction.clone(), id.clone()), line) {
            return Err(ReadError::format(
                &file,
                line,
                format!("{id} is there twice: it is also on line {other}"),
            ));
        }
        if manifest.batches.len() >= MAX_BATCHES {
            return Err(ReadError::Limit {
                file: file.clone(),
                what: format!("it has more than {MAX_BATCHES} batches"),
            });
        }
        if cards == 0 {
            problem(Problem::remark(&file, Some(line), format!("{id} has no cards")));
        }
        manifest.batches.push(Batch {
            id,
            cards,
            has_records,
            jurisdiction,
            line,
        });
        Ok(())
    })?;
    if header.is_none() || manifest.batches.is_empty() {
        return Err(ReadError::format(&file, None, "there is no batch in it"));
    }
    Ok(manifest)
}

/// Reads a whole number, digits only but for commas between groups of three.
pub(super) fn count(text: &str, most: u64) -> Result<u64, String> {
    if text.is_empty() {
        return Err("a number should be here".to_owned());
    }
    if text.starts_with('-') {
        return Err("there cannot be less than none".to_owned());
    }
    let groups: Vec<&str> = text.split(',').collect();
    let grouped = groups.len() == 1
        || (groups[1..].iter().all(|group| group.len() == 3) && (1..=3).contains(&groups[0].len()));
    let digits = groups.concat();
    if !grouped || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("it should be a whole number".to_owned());
    }
    match digits.parse::<u64>() {
        Ok(number) if number <= most => Ok(number),
        _ => Err(format!("it is more than the {most} that can be")),
    }
}
