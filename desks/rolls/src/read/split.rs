//! Where records and their fields stand.

use crate::layout::{Delimiter, Layout, Place, Quote};

use super::{MAX_RECORD_BYTES, MAX_RECORD_LINES};

/// How the records of one file are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What stands between two fields; `None` for fixed places.
    pub delimiter: Option<u8>,
    /// Whether fields may stand in quotes.
    pub quote: bool,
    /// Fields a record has.
    pub columns: usize,
    /// Places of the fields of a file of fixed places.
    pub fixed: Vec<Place>,
}

impl Form {
    /// The form of a file of `layout` with so many columns.
    pub fn new(layout: &Layout, columns: usize) -> Self {
        Form {
            delimiter: layout.delimiter.byte(),
            quote: layout.quote == Quote::Double && layout.delimiter != Delimiter::Fixed,
            columns,
            fixed: layout.fixed.clone(),
        }
    }
}

/// A field's place in its record, quotes around it left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub start: u32,
    /// One past its last byte.
    pub end: u32,
}

/// Why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It has another number of fields.
    Columns {
        /// Fields it has.
        has: usize,
        /// Fields it should have.
        wants: usize,
    },
    /// A quote is not closed.
    Quote,
    /// It is longer than a record can be.
    Length,
    /// It is shorter than its fixed places.
    Short {
        /// Bytes it has.
        has: usize,
        /// Bytes it should have.
        wants: usize,
    },
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unread::Columns { has, wants } => write!(f, "has {has} columns where {wants} belong"),
            Unread::Quote => write!(f, "has a quote that is not closed"),
            Unread::Length => write!(f, "is longer than {MAX_RECORD_BYTES} bytes"),
            Unread::Short { has, wants } => write!(f, "has {has} bytes where its fixed places need {wants}"),
        }
    }
}

/// Takes a record: the number of its first line from 0, its place, and the places of its fields or why they cannot be told.
pub type EachRecord<'a> = dyn FnMut(u64, std::ops::Range<usize>, Result<&[Span], Unread>) + 'a;

/// Gives every record of `bytes` to `each`: its place, and the places of its fields or why they cannot be told; with the
/// number of its first line, from 0. Empty lines are passed over. Gives back the number of lines.
pub fn records(bytes: &[u8], form: &Form, each: &mut EachRecord<'_>) -> u64 {
    let mut spans: Vec<Span> = Vec::with_capacity(form.columns + 1);
    let (mut start, mut line) = (0, 0);
    while start < bytes.len() {
        let end = line_end(bytes, start);
        let (mut stop, mut lines) = (end, 1);
        let mut outcome = split(content(bytes, start, end), form, &mut spans);
        if outcome == Err(Unread::Quote) {
            // The field may go on in the following lines. If no number of them makes a whole record, only this line is lost.
            let mut further = end;
            for more in 2..=MAX_RECORD_LINES {
                if further >= bytes.len() {
                    break;
                }
                further = line_end(bytes, further);
                if further - start > MAX_RECORD_BYTES {
                    break;
                }
                if split(content(bytes, start, further), form, &mut spans).is_ok() {
                    (stop, lines, outcome) = (further, more as u64, Ok(()));
                    break;
                }
            }
        }
        let record = content(bytes, start, stop);
        if !record.is_empty() {
            let place = start..start + record.len();
            each(line, place, outcome.map(|()| spans.as_slice()));
        }
        line += lines;
        start = stop;
    }
    line
}

/// One past the line feed that ends the line which begins at `start`.
fn line_end(bytes: &[u8], start: usize) -> usize {
    memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at + 1)
}

/// The line without what ends it.
fn content(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    let line = &bytes[start..end];
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Finds the fields of one record.
pub(crate) fn split(record: &[u8], form: &Form, spans: &mut Vec<Span>) -> Result<(), Unread> {
    spans.clear();
    if record.len() > MAX_RECORD_BYTES {
        return Err(Unread::Length);
    }
    let Some(delimiter) = form.delimiter else {
        return split_fixed(record, form, spans);
    };
    let span = |start: usize, end: usize| Span {
        start: start as u32,
        end: end as u32,
    };
    if !form.quote || memchr::memchr(b'"', record).is_none() {
        let mut start = 0;
        for at in memchr::memchr_iter(delimiter, record) {
            spans.push(span(start, at));
            start = at + 1;
        }
        spans.push(span(start, record.len()));
    } else {
        let mut start = 0;
        loop {
            if record.get(start) == Some(&b'"') {
                let mut at = start + 1;
                let close = loop {
                    let Some(found) = record.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) else {
                        return Err(Unread::Quote);
                    };
                    let quote = at + found;
                    if record.get(quote + 1) == Some(&b'"') {
                        at = quote + 2;
                    } else {
                        break quote;
                    }
                };
                // What stands between the closing quote and the delimiter belongs to nothing.
                let next = memchr::memchr(delimiter, &record[close + 1..]).map(|more| close + 1 + more);
                spans.push(span(start + 1, close));
                match next {
                    Some(next) => start = next + 1,
                    None => break,
                }
            } else {
                match memchr::memchr(delimiter, &record[start..]) {
                    Some(more) => {
                        spans.push(span(start, start + more));
                        start += more + 1;
                    }
                    None => {
                        spans.push(span(start, record.len()));
                        break;
                    }
                }
            }
            if spans.len() > form.columns + 1 {
                // Enough is known: it has too many. The rest is counted, not kept.
                let rest = memchr::memchr_iter(delimiter, &record[start..]).count();
                return Err(Unread::Columns {
                    has: spans.len() + 1 + rest,
                    wants: form.columns,
                });
            }
        }
    }
    // A delimiter behind the last field is common and harmless.
    if spans.len() == form.columns + 1 && spans.last().is_some_and(|last| last.start == last.end) {
        spans.pop();
    }
    if spans.len() == form.columns {
        Ok(())
    } else {
        Err(Unread::Columns {
            has: spans.len(),
            wants: form.columns,
        })
    }
}

/// Fields of fixed places. The last may be cut where the line ends with blanks that were taken away.
fn split_fixed(record: &[u8], form: &Form, spans: &mut Vec<Span>) -> Result<(), Unread> {
    let last_start = form.fixed.iter().map(|place| place.start).max().unwrap_or(1);
    if record.len() < last_start {
        return Err(Unread::Short {
            has: record.len(),
            wants: last_start,
        });
    }
    spans.extend(form.fixed.iter().map(|place| Span {
        start: (place.start - 1).min(record.len()) as u32,
        end: (place.start - 1 + place.width).min(record.len()) as u32,
    }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(columns: usize, delimiter: u8) -> Form {
        Form {
            delimiter: Some(delimiter),
            quote: true,
            columns,
            fixed: Vec::new(),
        }
    }

    fn fields(text: &str, form: &Form) -> Vec<(u64, Result<Vec<String>, Unread>)> {
        let mut all = Vec::new();
        records(text.as_bytes(), form, &mut |line, place, spans| {
            let record = &text.as_bytes()[place];
            let found = spans.map(|spans| {
                spans
                    .iter()
                    .map(|span| {
                        String::from_utf8_lossy(crate::read::field_bytes(record, *span, form.quote).as_ref())
                            .into_owned()
                    })
                    .collect()
            });
            all.push((line, found));
        });
        all
    }

    #[test]
    fn a_field_may_hold_line_feeds_and_a_lone_quote_costs_one_line() {
        let form = form(3, b',');
        let text = "a,\"b\nb\"\"\",c\r\n\n1,\"2,3\n4,5,6\n7,8\n";
        assert_eq!(
            fields(text, &form),
            [
                (0, Ok(vec!["a".into(), "b\nb\"".into(), "c".into()])),
                (3, Err(Unread::Quote)),
                (4, Ok(vec!["4".into(), "5".into(), "6".into()])),
                (5, Err(Unread::Columns { has: 2, wants: 3 })),
            ]
        );
    }

    proptest! {
        #[test]
        fn what_is_written_with_quotes_is_read_back(
            rows in prop::collection::vec(prop::collection::vec("[ -~\\n]{0,8}", 3), 1..20)
        ) {
            let mut text = String::new();
            for row in &rows {
                let quoted: Vec<String> = row.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
                text.push_str(&quoted.join(","));
                text.push('\n');
            }
            let read: Vec<Vec<String>> = fields(&text, &form(3, b',')).into_iter().map(|(_, row)| row.expect("it is whole")).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn no_bytes_panic_and_every_line_is_counted(bytes in prop::collection::vec(any::<u8>(), 0..400), columns in 1usize..5) {
            let mut last = None;
            let lines = records(&bytes, &form(columns, b'\t'), &mut |line, place, _| {
                assert!(place.end <= bytes.len());
                assert!(last < Some(line));
                last = Some(line);
            });
            let feeds = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            let open = u64::from(bytes.last().is_some_and(|byte| *byte != b'\n'));
            prop_assert_eq!(lines, feeds + open);
        }
    }
}
