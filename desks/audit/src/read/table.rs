//! Rows of delimited text, one at a time.

use std::io::Read;

use csv::ByteRecord;

use super::error::ReadError;
use super::text::{Budget, Metered, Text};

/// Longest row, in bytes: a header of 10,000 columns with names of 100 letters four times over.
const MAX_ROW_BYTES: usize = 4 << 20;

/// Rows of a delimited file.
pub(super) struct Rows<R> {
    csv: csv::Reader<Metered<Text<R>>>,
    budget: Budget,
    record: ByteRecord,
    file: String,
}

impl<R: Read> Rows<R> {
    pub(super) fn new(file: &str, reader: R, delimiter: u8) -> Result<Self, ReadError> {
        let text = Text::new(reader).map_err(|error| ReadError::io(file, error))?;
        let budget = Budget::new(MAX_ROW_BYTES);
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(1 << 17)
            .from_reader(Metered::new(text, budget.clone()));
        Ok(Rows {
            csv,
            budget,
            record: ByteRecord::new(),
            file: file.to_owned(),
        })
    }

    /// The next row and its line, from 1; rows without any text are passed over.
    pub(super) fn next(&mut self) -> Result<Option<(&ByteRecord, u64)>, ReadError> {
        loop {
            self.budget.renew();
            let line = self.csv.position().line();
            let more = self.csv.read_byte_record(&mut self.record).map_err(|error| {
                let what = error.to_string();
                match error.into_kind() {
                    csv::ErrorKind::Io(source) => match ReadError::io(&self.file, source) {
                        ReadError::Limit { file, what } => ReadError::Limit {
                            file,
                            what: format!("{what} (from line {line}: is a quotation mark left open?)"),
                        },
                        other => other,
                    },
                    _ => ReadError::format(&self.file, line, what),
                }
            })?;
            if !more {
                return Ok(None);
            }
            if self.record.iter().any(|cell| !cell.is_empty()) {
                break;
            }
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(Some((&self.record, line)))
    }
}
