//! Tables that people keep: CSV with comma, semicolon or tab, or the first sheet of a spreadsheet that has anything in it.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{DataRef, Reader, Xlsx};

use super::error::ReadError;
use super::source::Source;
use super::table::Rows;
use super::text::{decode, plain};

/// Largest spreadsheet, packed and unpacked, in bytes: its cells are held in memory, at a few times their size. A manifest of
/// 100,000 batches unpacks to about 25 MB.
const MAX_PACKED_BYTES: u64 = 32 << 20;
const MAX_SHEET_BYTES: u64 = 128 << 20;
/// Most rows.
const MAX_ROWS: u64 = 2_000_000;
/// Most cells of a row (the last column of a spreadsheet is XFD).
const MAX_CELLS: usize = 16_384;
/// Most cells of a spreadsheet.
const MAX_SHEET_CELLS: usize = 4_000_000;

/// Takes a row and its line.
pub(super) type EachRow<'a> = &'a mut dyn FnMut(&[String], u64) -> Result<(), ReadError>;

/// Hands over the rows, with their lines from 1 and each cell trimmed, until `each` fails.
pub(super) fn read_rows(source: &mut Source, each: EachRow<'_>) -> Result<(), ReadError> {
    let file = source.name().to_owned();
    if source.is_many()? {
        return read_workbook(source, each);
    }
    if is_old_workbook(source)? {
        let what = "it is a spreadsheet of the old .xls kind: save it as .xlsx or CSV";
        return Err(ReadError::format(&file, None, what));
    }
    let mut parts = source.parts()?;
    let delimiter = delimiter(&file, parts.read(0)?)?;
    let mut rows = Rows::new(&file, parts.read(0)?, delimiter)?;
    let mut cells = Vec::new();
    let mut count = 0;
    while let Some((row, line)) = rows.next()? {
        count += 1;
        if count > MAX_ROWS || row.len() > MAX_CELLS {
            return Err(too_large(&file));
        }
        cells.clear();
        cells.extend(row.iter().map(|cell| decode(plain(cell)).trim().to_owned()));
        each(&cells, line)?;
    }
    Ok(())
}

fn too_large(file: &str) -> ReadError {
    let what = format!("it has more than {MAX_ROWS} rows, or a row of more than {MAX_CELLS} cells");
    ReadError::Limit {
        file: file.to_owned(),
        what,
    }
}

/// The delimiter that the first row with text has most of.
fn delimiter(file: &str, reader: impl std::io::Read) -> Result<u8, ReadError> {
    let mut rows = Rows::new(file, reader, b'\n')?;
    let Some((row, _)) = rows.next()? else {
        return Ok(b',');
    };
    let text = row.get(0).unwrap_or_default();
    let count = |delimiter: u8| text.iter().filter(|byte| **byte == delimiter).count();
    Ok([b',', b';', b'\t']
        .into_iter()
        .max_by_key(|delimiter| (count(*delimiter), *delimiter == b','))
        .unwrap_or(b','))
}

/// An .xls file is a compound file (MS-CFB, section 2.2).
fn is_old_workbook(source: &mut Source) -> Result<bool, ReadError> {
    let file = source.name().to_owned();
    let mut parts = source.parts()?;
    let mut head = [0; 8];
    let got = super::source::read_full(&mut parts.read(0)?, &mut head)
        .map_err(|error| ReadError::io(&file, error))?;
    Ok(got == 8 && head == [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])
}

fn read_workbook(source: &mut Source, each: EachRow<'_>) -> Result<(), ReadError> {
    let file = source.name().to_owned();
    let bytes = source.small(MAX_PACKED_BYTES)?;
    // Unpacked once within bounds before a reader that has none sees it.
    {
        let mut parts = source.parts()?;
        let mut total = 0;
        for at in 0..parts.names().len() {
            let left = MAX_SHEET_BYTES - total;
            let mut member = std::io::Read::take(parts.read(at)?, left + 1);
            total += std::io::copy(&mut member, &mut std::io::sink())
                .map_err(|error| ReadError::io(&file, error))?;
            if total > MAX_SHEET_BYTES {
                let what = format!(
                    "it unpacks to more than {} MiB; save it as CSV",
                    MAX_SHEET_BYTES >> 20
                );
                return Err(ReadError::Limit { file, what });
            }
        }
    }
    let bad =
        |what: String| ReadError::format(&file, None, format!("the spreadsheet cannot be read: {what}"));
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| bad(error.to_string()))?;
    for name in book.sheet_names() {
        let cells = read_cells(&mut book, &name, &file)?;
        if cells.is_empty() {
            continue;
        }
        let mut row: Vec<String> = Vec::new();
        let mut cells = cells.into_iter().peekable();
        while let Some(((at, column), text)) = cells.next() {
            row.resize(column as usize, String::new());
            row.push(text);
            if cells.peek().is_none_or(|((next, _), _)| *next != at) {
                each(&row, u64::from(at) + 1)?;
                row.clear();
            }
        }
        return Ok(());
    }
    Err(ReadError::format(
        &file,
        None,
        "no sheet of it has anything in it",
    ))
}

/// Cells that hold something, by row and column. A spreadsheet may name a cell in its last row and column and nothing else, so
/// that the rectangle around its cells must never be laid out.
fn read_cells(
    book: &mut Xlsx<Cursor<Vec<u8>>>,
    sheet: &str,
    file: &str,
) -> Result<BTreeMap<(u32, u32), String>, ReadError> {
    let bad = |what: String| ReadError::format(file, None, format!("the spreadsheet cannot be read: {what}"));
    let mut reader = book
        .worksheet_cells_reader(sheet)
        .map_err(|error| bad(error.to_string()))?;
    let mut cells = BTreeMap::new();
    while let Some(cell) = reader
        .next_cell_with_formula_metadata()
        .map_err(|error| bad(error.to_string()))?
    {
        let (row, column) = cell.pos;
        let refuse = |what: &str| {
            let what = format!(
                "cell {} of sheet {} {what}",
                cell_name(row, column),
                super::text::quoted(sheet)
            );
            ReadError::format(file, u64::from(row) + 1, what)
        };
        if cell.formula.is_some() {
            // A formula's value was computed by whoever saved the file; it may say otherwise on the next machine.
            return Err(refuse(
                "holds a formula: put values in its place (copy, paste as values), so that everybody reads the same numbers",
            ));
        }
        let text = match cell.value {
            DataRef::Empty => continue,
            DataRef::String(text) => text.trim().to_owned(),
            DataRef::SharedString(text) => text.trim().to_owned(),
            DataRef::Int(number) => number.to_string(),
            // Spreadsheets keep whole numbers as floats; to 2^53 they are exact.
            DataRef::Float(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
                format!("{number:.0}")
            }
            DataRef::Float(number) => number.to_string(),
            DataRef::Bool(value) => value.to_string(),
            DataRef::DateTime(_) | DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => {
                return Err(refuse(
                    "holds a date where a name or number should be: make it text and type it again",
                ));
            }
            DataRef::Error(_) => return Err(refuse("holds an error where a name or number should be")),
        };
        if column as usize >= MAX_CELLS || cells.len() >= MAX_SHEET_CELLS {
            return Err(too_large(file));
        }
        if !text.is_empty() {
            cells.insert((row, column), text);
        }
    }
    Ok(cells)
}

/// `B7` for row 6, column 1.
fn cell_name(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut left = u64::from(column) + 1;
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    letters.iter().rev().collect::<String>() + &(u64::from(row) + 1).to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn cells_are_named_as_spreadsheets_name_them() {
        let names: Vec<String> = [(0, 0), (6, 1), (9, 25), (9, 26), (0, 701), (0, 702)]
            .map(|(row, column)| super::cell_name(row, column))
            .into();
        assert_eq!(names, ["A1", "B7", "Z10", "AA10", "ZZ1", "AAA1"]);
    }
}
