//! The reader of names, whatever the format: takes up where it stopped, counts every line.

use std::io::BufRead;

use jiff::Timestamp;
use pollwatch_model::{DeskError, Fed, Flow, Input, Position, Problem};
use serde::{Deserialize, Serialize};

use super::gather::{Gathered, Pending};
use super::lines::too_long;
use super::sniff::{Guess, guess_format};
use super::split::{Line, Step, split_lines, without_line_end};
use super::{certstream, csv, lines, zone};

/// The formats that [`NameReader::open`] takes. `csv:COLUMN` stands for `csv:` and the title of any column.
pub const FORMATS: &[&str] = &["lines", "csv", "csv:COLUMN", "jsonl", "zone"];

/// Largest excerpt that is handed on as evidence, in bytes: 4 KiB, room for the longest address line or certificate
/// message of ordinary size.
pub const MAX_EXCERPT_BYTES: usize = 4 * 1024;

/// Version of the form that [`NameReader::save`] gives.
const SAVED_VERSION: u32 = 1;

/// What a reader gives, in the order of the input.
#[derive(Debug)]
pub enum Item<'a> {
    /// A name.
    Name(NameRecord<'a>),
    /// A record that could not be read, or a remark about one.
    Problem(Problem),
}

/// One name and where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameRecord<'a> {
    /// The name as it stands in the input: not lower-cased, not checked, perhaps with `*.`, scheme, port or path. Not empty,
    /// valid UTF-8, without NUL.
    pub name: &'a str,
    /// The line at which its record begins, from 1.
    pub record: u64,
    /// The exact bytes of its record without line end, cut to [`MAX_EXCERPT_BYTES`].
    pub excerpt: &'a [u8],
    /// When the source says that the name was seen.
    pub seen: Option<Timestamp>,
}

/// Every line of the input is counted once: `lines = with_names + without_names + lost`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCounts {
    /// Lines read.
    pub lines: u64,
    /// Lines of records that gave names.
    pub with_names: u64,
    /// Lines that rightly give none: blank ones, comments, headers, heartbeats, zone records that delegate nothing.
    pub without_names: u64,
    /// Lines of records that could not be read; each such record was given as a problem.
    pub lost: u64,
    /// Names given.
    pub names: u64,
}

/// Reads names out of one input, and can be saved between two records and taken up again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NameReader {
    version: u32,
    file: String,
    layout: Layout,
    counts: LineCounts,
}

/// The format, and what has to be known from earlier records to read on in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Layout {
    Undecided,
    Lines,
    Csv(csv::CsvState),
    Jsonl,
    Zone(zone::ZoneState),
}

impl NameReader {
    /// A reader for `input` in `format` (one of [`FORMATS`]); `None`: the first line that is neither blank nor a comment
    /// decides.
    ///
    /// Errors: [`DeskError::Format`] for a format that there is none of.
    pub fn open(format: Option<&str>, input: &Input) -> Result<Self, DeskError> {
        let layout = match format {
            None => Layout::Undecided,
            Some("lines") => Layout::Lines,
            Some("csv") => Layout::Csv(csv::CsvState::new(None)),
            Some("jsonl") => Layout::Jsonl,
            Some("zone") => Layout::Zone(zone::ZoneState::default()),
            Some(other) => match other.strip_prefix("csv:") {
                Some(column) if !column.trim().is_empty() => {
                    Layout::Csv(csv::CsvState::new(Some(column.trim().to_owned())))
                }
                _ => {
                    return Err(DeskError::Format {
                        input: input.name.clone(),
                        why: format!(
                            "there is no format {:?}; the formats are {}",
                            shortened(other),
                            FORMATS.join(", ")
                        ),
                    });
                }
            },
        };
        Ok(NameReader {
            version: SAVED_VERSION,
            file: input.name.clone(),
            layout,
            counts: LineCounts::default(),
        })
    }

    /// Reads `bytes`, which begin at `from`, and gives every name and problem to `each`, until the bytes end or `each` asked
    /// to pause. It pauses between two records only: what else a record holds is given first. On return exactly the bytes
    /// before the position given have been consumed.
    ///
    /// Errors: [`DeskError::Io`] when `bytes` fails, with the position after the last record that was read in full; what was
    /// given stands. [`DeskError::Format`] when the input as a whole cannot be read as what it was said to be.
    pub fn read(
        &mut self,
        from: Position,
        bytes: &mut dyn BufRead,
        each: &mut dyn FnMut(Item<'_>) -> Flow,
    ) -> Result<Fed, DeskError> {
        let NameReader {
            file, layout, counts, ..
        } = self;
        let mut pending = Pending::default();
        let mut at = from;
        let mut reached = from;
        let mut failure: Option<String> = None;
        let mut out = Out {
            file,
            each,
            counts,
            pause: false,
        };

        let ended = split_lines(bytes, |line| {
            out.counts.lines += 1;
            let before = at;
            at.offset += line.len();
            at.record += 1;
            let result = match line {
                Line::Whole(raw) => read_whole_line(layout, &mut pending, before, raw, &mut out),
                Line::TooLong(len) => {
                    end_record(layout, &mut pending, before, &mut out);
                    out.lost(at.record, 1, too_long(len));
                    Ok(())
                }
            };
            if pending.is_empty() {
                reached = at;
            }
            if let Err(why) = result {
                failure = Some(why);
                return Step::Stop;
            }
            if out.pause && pending.is_empty() {
                Step::Stop
            } else {
                Step::On
            }
        });

        if let Some(why) = failure {
            return Err(DeskError::Format {
                input: file.clone(),
                why,
            });
        }
        match ended {
            // Lines of an unfinished record are not counted: they are read again from `reached`.
            Err(source) => {
                out.counts.lines -= at.record - reached.record;
                Err(DeskError::Io {
                    input: file.clone(),
                    at: reached,
                    source,
                })
            }
            Ok(step) => {
                end_record(layout, &mut pending, at, &mut out);
                Ok(if out.pause || step == Step::Stop {
                    Fed::Paused(at)
                } else {
                    Fed::End(at)
                })
            }
        }
    }

    /// The state between two calls of [`NameReader::read`].
    pub fn save(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("strings, numbers and enums always have a JSON form")
    }

    /// A reader in the state that was saved.
    ///
    /// Errors: [`DeskError::Saved`] when the value is not what [`NameReader::save`] of this version gives.
    pub fn restore(saved: serde_json::Value) -> Result<Self, DeskError> {
        let reader: NameReader = serde_json::from_value(saved).map_err(|error| {
            DeskError::Saved(format!("the state of a reader of names is damaged: {error}"))
        })?;
        if reader.version != SAVED_VERSION {
            return Err(DeskError::Saved(format!(
                "the state of a reader of names is of version {}, this program knows {SAVED_VERSION}",
                reader.version
            )));
        }
        Ok(reader)
    }

    /// The format being read, as far as it is decided.
    pub fn format(&self) -> Option<&'static str> {
        match self.layout {
            Layout::Undecided => None,
            Layout::Lines => Some("lines"),
            Layout::Csv(_) => Some("csv"),
            Layout::Jsonl => Some("jsonl"),
            Layout::Zone(_) => Some("zone"),
        }
    }

    /// What was read so far, over all calls.
    pub fn counts(&self) -> LineCounts {
        self.counts
    }
}

/// Reads names from the beginning of an input or of a format that needs nothing from before `from`; see
/// [`NameReader::read`]. A CSV or zone file that was paused is taken up with a saved [`NameReader`] instead.
///
/// Errors: those of [`NameReader::open`] and [`NameReader::read`].
pub fn read_names(
    format: Option<&str>,
    input: &Input,
    from: Position,
    bytes: &mut dyn BufRead,
    each: &mut dyn FnMut(Item<'_>) -> Flow,
) -> Result<Fed, DeskError> {
    NameReader::open(format, input)?.read(from, bytes, each)
}

#[inline]
fn read_whole_line(
    layout: &mut Layout,
    pending: &mut Pending,
    before: Position,
    raw: &[u8],
    out: &mut Out<'_, '_>,
) -> Result<(), String> {
    let raw = if before.offset == 0 {
        without_byte_order_mark(raw)?
    } else {
        raw
    };
    if let Layout::Undecided = layout {
        match guess_format(without_line_end(raw)) {
            Guess::NotYet => {
                out.without_name(1);
                return Ok(());
            }
            Guess::Wrong(why) => return Err(why),
            Guess::Format(found) => *layout = found,
        }
    }
    let line = before.record + 1;
    match layout {
        Layout::Lines => {
            lines::read_line(without_line_end(raw), line, out);
            Ok(())
        }
        Layout::Jsonl => {
            certstream::read_message(without_line_end(raw), line, out);
            Ok(())
        }
        Layout::Csv(state) => {
            let delimiter = state.delimiter(raw);
            let mut result = Ok(());
            pending.take(
                before,
                raw,
                &|depth, text| csv::nest(delimiter, depth, text),
                &mut |row| {
                    if result.is_ok() {
                        result = state.read_row(delimiter, row, out);
                    }
                },
            );
            result
        }
        Layout::Zone(state) => {
            pending.take(before, raw, &zone::nest, &mut |record| {
                state.read_record(record, out)
            });
            Ok(())
        }
        Layout::Undecided => Ok(()),
    }
}

/// Reads what was gathered of a record that does not end as it should.
fn end_record(layout: &mut Layout, pending: &mut Pending, at: Position, out: &mut Out<'_, '_>) {
    if pending.is_empty() {
        return;
    }
    match layout {
        Layout::Csv(state) => {
            let delimiter = state.delimiter(b"");
            pending.end(at, &|depth, text| csv::nest(delimiter, depth, text), &mut |row| {
                let lines = row.lines;
                if let Err(why) = state.read_row(delimiter, row, out) {
                    out.lost(row.line, lines, why);
                }
            });
        }
        Layout::Zone(state) => {
            pending.end(at, &zone::nest, &mut |record| state.read_record(record, out));
        }
        Layout::Undecided | Layout::Lines | Layout::Jsonl => {}
    }
}

fn without_byte_order_mark(raw: &[u8]) -> Result<&[u8], String> {
    if raw.starts_with(&[0xff, 0xfe]) || raw.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16 text; save it as UTF-8 and read it again".to_owned());
    }
    Ok(raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw))
}

/// The beginning of a text, for a message.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Where the formats put what they read.
pub(super) struct Out<'a, 'e> {
    file: &'a str,
    each: &'e mut dyn FnMut(Item<'_>) -> Flow,
    counts: &'a mut LineCounts,
    pause: bool,
}

impl Out<'_, '_> {
    /// A name of the record that begins at `line`.
    #[inline]
    pub(super) fn name(&mut self, name: &str, line: u64, record: &[u8], seen: Option<Timestamp>) {
        self.counts.names += 1;
        let excerpt = &record[..record.len().min(MAX_EXCERPT_BYTES)];
        self.give(Item::Name(NameRecord {
            name,
            record: line,
            excerpt,
            seen,
        }));
    }

    /// Counts the lines of a record that gave names.
    #[inline]
    pub(super) fn with_names(&mut self, lines: u64) {
        self.counts.with_names += lines;
    }

    /// Counts the lines of a record that rightly gives none.
    #[inline]
    pub(super) fn without_name(&mut self, lines: u64) {
        self.counts.without_names += lines;
    }

    /// A record that could not be read.
    pub(super) fn lost(&mut self, line: u64, lines: u64, why: impl Into<String>) {
        self.counts.lost += lines;
        let problem = Problem::lost(self.file, line, why);
        self.give(Item::Problem(problem));
    }

    /// A remark about a record that was read all the same.
    pub(super) fn remark(&mut self, line: u64, what: impl Into<String>) {
        let problem = Problem::remark(self.file, Some(line), what);
        self.give(Item::Problem(problem));
    }

    #[inline]
    fn give(&mut self, item: Item<'_>) {
        if (self.each)(item) == Flow::Pause {
            self.pause = true;
        }
    }

    /// For a record that was broken before it could be read.
    pub(super) fn broken(&mut self, gathered: &Gathered<'_>, why: &str) {
        self.lost(gathered.line, gathered.lines, why);
    }
}
