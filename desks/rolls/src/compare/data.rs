//! Reading single rows again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use crate::read::{Form, MAX_RECORD_BYTES, Span, records};

use super::partition::ScratchFile;
use super::{CompareError, io};

/// Bytes read at once when single rows are fetched: a few rows of the widest roll.
const FETCH_BYTES: usize = 4_096;

/// Where the rows of a snapshot can be read again.
#[derive(Debug, Clone)]
pub enum RowData {
    /// The file itself, not packed.
    File(PathBuf),
    /// A copy, unpacked, in the scratch folder.
    Copy(Arc<CopyFile>),
    /// All of it in memory: small files where there is no scratch folder.
    Memory(Arc<Vec<u8>>),
}

/// An unpacked copy; deleted with the last user.
#[derive(Debug)]
pub struct CopyFile(pub(crate) ScratchFile);

impl RowData {
    /// Opens it for fetching rows.
    pub fn rows(&self, form: &Form) -> Result<Rows, CompareError> {
        let source = match self {
            RowData::File(path) => Source::File(File::open(path).map_err(io("open the file again"))?),
            RowData::Copy(copy) => {
                Source::File(File::open(&copy.0.path).map_err(io("open the scratch copy"))?)
            }
            RowData::Memory(bytes) => Source::Memory(Arc::clone(bytes)),
        };
        Ok(Rows {
            source,
            form: form.clone(),
            buffer: Vec::new(),
            begin: 0,
        })
    }

    /// Opens it for reading from the beginning.
    pub fn stream(&self) -> Result<Box<dyn std::io::BufRead>, CompareError> {
        let file = match self {
            RowData::File(path) => File::open(path).map_err(io("open the file again"))?,
            RowData::Copy(copy) => File::open(&copy.0.path).map_err(io("open the scratch copy"))?,
            RowData::Memory(bytes) => {
                return Ok(Box::new(std::io::Cursor::new(SharedBytes(Arc::clone(bytes)))));
            }
        };
        Ok(Box::new(std::io::BufReader::with_capacity(1 << 18, file)))
    }
}

struct SharedBytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

enum Source {
    File(File),
    Memory(Arc<Vec<u8>>),
}

/// Fetches single rows; cheapest in the order of their places.
pub struct Rows {
    source: Source,
    form: Form,
    buffer: Vec<u8>,
    /// Where `buffer` begins in the file.
    begin: u64,
}

impl Rows {
    /// Gives the row at `place` with its fields to `each`. `Ok(false)` when no row can be read there: the file was changed
    /// since it was read first.
    pub fn fetch(&mut self, place: u64, each: &mut dyn FnMut(&[u8], &[Span])) -> Result<bool, CompareError> {
        let mut want = FETCH_BYTES;
        loop {
            let is_all = self.fill(place, want)?;
            let start = place.saturating_sub(self.begin) as usize;
            let bytes = self.buffer.get(start..).unwrap_or_default();
            let mut found = None;
            // A line feed at its end shows that the record is whole, but for one inside quotes: then more is read.
            let end = memchr::memchr(b'\n', bytes)
                .map(|at| at + 1)
                .or(is_all.then_some(bytes.len()));
            if let Some(end) = end {
                records(&bytes[..end], &self.form, &mut |_, place, spans| {
                    if found.is_none() {
                        if let Ok(spans) = spans {
                            each(&bytes[place], spans);
                            found = Some(true);
                        } else {
                            found = Some(false);
                        }
                    }
                });
                if found == Some(true) {
                    return Ok(true);
                }
                // Quoted line feeds: let the reader of records see everything that may belong to it.
                if self.form.quote {
                    self.fill(place, MAX_RECORD_BYTES)?;
                    let start = place.saturating_sub(self.begin) as usize;
                    let bytes = self.buffer.get(start..).unwrap_or_default();
                    let bytes = &bytes[..bytes.len().min(MAX_RECORD_BYTES)];
                    let mut first = None;
                    records(bytes, &self.form, &mut |_, place, spans| {
                        if first.is_none() {
                            first = Some(spans.is_ok());
                            if let Ok(spans) = spans {
                                each(&bytes[place], spans);
                            }
                        }
                    });
                    return Ok(first == Some(true));
                }
                return Ok(false);
            }
            if want >= 2 * MAX_RECORD_BYTES {
                return Ok(false);
            }
            want *= 4;
        }
    }

    /// Makes the buffer hold `want` bytes from `place`; whether the file ends before.
    fn fill(&mut self, place: u64, want: usize) -> Result<bool, CompareError> {
        let end = self.begin + self.buffer.len() as u64;
        if place >= self.begin && place + want as u64 <= end {
            return Ok(false);
        }
        self.begin = place;
        self.buffer.clear();
        match &mut self.source {
            Source::File(file) => {
                let doing = "read a row again";
                file.seek(SeekFrom::Start(place)).map_err(io(doing))?;
                file.by_ref()
                    .take(want as u64)
                    .read_to_end(&mut self.buffer)
                    .map_err(io(doing))?;
            }
            Source::Memory(bytes) => {
                let from = (place as usize).min(bytes.len());
                let to = from.saturating_add(want).min(bytes.len());
                self.buffer.extend_from_slice(&bytes[from..to]);
            }
        }
        Ok(self.buffer.len() < want)
    }
}
