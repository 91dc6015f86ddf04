//! CSV (RFC 4180): one name a row, in a column that is named or found by its title.
//!
//! The separator is the comma, semicolon or tab, whichever the first row has most of. Quotes count at the beginning of a
//! field only; a quoted field may hold line breaks. Lines that begin with `#` and blank lines are skipped. A list without a
//! header, such as `1,example.org`, is read too: the first column that holds a host name in its first row is taken.

use std::borrow::Cow;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::gather::{Gathered, Nesting};
use super::lines::text_of;
use super::reader::{Out, shortened};
use super::when::{read_time, read_unix_time};

/// Titles of a column of names, in lower case, the best one first.
const NAME_TITLES: &[&str] = &[
    "domain",
    "domain name",
    "domain_name",
    "fqdn",
    "hostname",
    "host",
    "name",
];

/// Titles of a column of times, in lower case, the best one first.
const TIME_TITLES: &[&str] = &["seen", "first_seen", "timestamp", "date"];

/// What has to be known to read on in a CSV file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CsvState {
    /// The title that the user asked for.
    wanted: Option<String>,
    /// `None` until the first row was read.
    columns: Option<Columns>,
    /// Whether it was said that times cannot be read.
    told_of_times: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Columns {
    delimiter: u8,
    count: usize,
    name: usize,
    time: Option<usize>,
}

/// A field of a row: where it stands, and whether it stood in quotes.
type Field = (Range<usize>, bool);

impl CsvState {
    pub(super) fn new(wanted: Option<String>) -> Self {
        CsvState {
            wanted,
            columns: None,
            told_of_times: false,
        }
    }

    /// The separator of the file, guessed from `line` as long as there was no row.
    pub(super) fn delimiter(&self, line: &[u8]) -> u8 {
        self.columns
            .as_ref()
            .map_or_else(|| guess_delimiter(line), |columns| columns.delimiter)
    }

    /// Reads one row.
    ///
    /// Errors: why the file as a whole cannot be read.
    pub(super) fn read_row(
        &mut self,
        delimiter: u8,
        row: Gathered<'_>,
        out: &mut Out<'_, '_>,
    ) -> Result<(), String> {
        if let Some(why) = row.broken {
            out.broken(&row, why);
            return Ok(());
        }
        if row.text.trim_ascii().is_empty() || row.text.starts_with(b"#") {
            out.without_name(row.lines);
            return Ok(());
        }
        let Some(columns) = &self.columns else {
            let fields = fields_of(delimiter, row.text);
            let (columns, first) = find_columns(self.wanted.as_deref(), delimiter, row.text, &fields)?;
            self.columns = Some(columns);
            match first {
                FirstRow::Header => out.without_name(row.lines),
                FirstRow::Data => self.read_values(&row, out),
            }
            return Ok(());
        };
        debug_assert_eq!(
            columns.delimiter, delimiter,
            "the separator is settled by the first row"
        );
        self.read_values(&row, out);
        Ok(())
    }

    fn read_values(&mut self, row: &Gathered<'_>, out: &mut Out<'_, '_>) {
        let Some(columns) = &self.columns else {
            return;
        };
        let (mut found, mut name, mut time) = (0, None, None);
        let mut last_is_empty = false;
        // The nesting was checked when the row was gathered.
        let _ = walk_fields(columns.delimiter, 0, row.text, &mut |field, quoted| {
            last_is_empty = field.is_empty();
            if found == columns.name {
                name = Some((field.clone(), quoted));
            }
            if Some(found) == columns.time {
                time = Some((field, quoted));
            }
            found += 1;
        });
        let ragged = found != columns.count && !(found == columns.count + 1 && last_is_empty);
        let shape = || {
            format!(
                "the row has {found} fields where the first row has {}",
                columns.count
            )
        };
        let Some(field) = name else {
            return out.lost(row.line, row.lines, format!("{} and no name", shape()));
        };
        let value = value_of(row.text, &field);
        let name = match text_of(value.trim_ascii()) {
            Ok("") => return out.lost(row.line, row.lines, "the column of names is empty"),
            Ok(name) => name,
            Err(why) => return out.lost(row.line, row.lines, why),
        };
        let told_of_times = self.told_of_times;
        let mut seen = None;
        if let Some(field) = time {
            let value = value_of(row.text, &field);
            let value = value.trim_ascii();
            seen = std::str::from_utf8(value).ok().and_then(time_of);
            if seen.is_none() && !value.is_empty() && !told_of_times {
                self.told_of_times = true;
                out.remark(
                    row.line,
                    "the time of the row cannot be read; this is said once for the file",
                );
            }
        }
        if ragged {
            out.remark(
                row.line,
                format!("{}; the name may not be the one that was meant", shape()),
            );
        }
        out.with_names(row.lines);
        out.name(name, row.line, row.text, seen);
    }
}

enum FirstRow {
    Header,
    Data,
}

fn find_columns(
    wanted: Option<&str>,
    delimiter: u8,
    text: &[u8],
    fields: &[Field],
) -> Result<(Columns, FirstRow), String> {
    let titles: Vec<String> = fields
        .iter()
        .map(|field| String::from_utf8_lossy(value_of(text, field).trim_ascii()).to_lowercase())
        .collect();
    let at = |title: &str| titles.iter().position(|other| other == title);
    let time = TIME_TITLES.iter().find_map(|title| at(title));
    let columns = |name, time| Columns {
        delimiter,
        count: fields.len(),
        name,
        time,
    };
    if let Some(wanted) = wanted {
        return match at(&wanted.to_lowercase()) {
            Some(name) => Ok((columns(name, time.filter(|time| *time != name)), FirstRow::Header)),
            None => Err(format!(
                "it has no column {:?}; it has {}",
                shortened(wanted),
                listed(&titles)
            )),
        };
    }
    if let Some(name) = NAME_TITLES.iter().find_map(|title| at(title)) {
        return Ok((columns(name, time), FirstRow::Header));
    }
    if let Some(name) = titles.iter().position(|value| is_like_a_host(value)) {
        return Ok((columns(name, None), FirstRow::Data));
    }
    Err(format!(
        "no column is titled {}; it has {}: say which one holds the names with the format csv:COLUMN",
        NAME_TITLES.join(", "),
        listed(&titles)
    ))
}

fn listed(titles: &[String]) -> String {
    let mut list: Vec<String> = titles
        .iter()
        .take(12)
        .map(|title| format!("{:?}", shortened(title)))
        .collect();
    if titles.len() > list.len() {
        list.push(format!("{} more", titles.len() - list.len()));
    }
    list.join(", ")
}

pub(super) fn is_name_title(value: &str) -> bool {
    NAME_TITLES
        .iter()
        .any(|title| title.eq_ignore_ascii_case(value.trim()))
}

/// Whether a value of a first row is more likely a host name than a title.
pub(super) fn is_like_a_host(value: &str) -> bool {
    let value = value.trim().trim_end_matches('.');
    let Some((before, last)) = value.rsplit_once('.') else {
        return false;
    };
    !before.is_empty()
        && last.starts_with(|c: char| c.is_alphabetic())
        && value
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '*'))
}

pub(super) fn guess_delimiter(line: &[u8]) -> u8 {
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    let (comma, semicolon, tab) = (count(b','), count(b';'), count(b'\t'));
    if comma >= semicolon && comma >= tab {
        b','
    } else if tab >= semicolon {
        b'\t'
    } else {
        b';'
    }
}

fn time_of(text: &str) -> Option<Timestamp> {
    read_time(text).or_else(|| read_unix_time(text.parse().ok()?))
}

pub(super) fn fields_of(delimiter: u8, text: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let _ = walk_fields(delimiter, 0, text, &mut |field, quoted| {
        fields.push((field, quoted))
    });
    fields
}

/// The value of a field, doubled quotes undone.
pub(super) fn value_of<'a>(text: &'a [u8], (range, quoted): &Field) -> Cow<'a, [u8]> {
    let value = &text[range.clone()];
    if !quoted || memchr::memchr(b'"', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'"', rest) {
        plain.extend_from_slice(&rest[..=at]);
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// How many quotes (0 or 1) are open after a line, given how many were before it.
pub(super) fn nest(delimiter: u8, depth: u32, text: &[u8]) -> Nesting {
    if memchr::memchr(b'"', text).is_none() || (depth == 0 && text.starts_with(b"#")) {
        return Ok(depth);
    }
    walk_fields(delimiter, depth, text, &mut |_, _| {})
}

/// Gives every field of `text`; with `depth` 1 the text begins within a quoted field.
fn walk_fields(delimiter: u8, depth: u32, text: &[u8], each: &mut dyn FnMut(Range<usize>, bool)) -> Nesting {
    let mut at = 0;
    let mut inside = depth > 0;
    loop {
        if !inside {
            let spaces = text[at..].iter().take_while(|byte| **byte == b' ').count();
            if text.get(at + spaces) != Some(&b'"') {
                let Some(len) = memchr::memchr(delimiter, &text[at..]) else {
                    each(at..text.len(), false);
                    return Ok(0);
                };
                each(at..at + len, false);
                at += len + 1;
                continue;
            }
            at += spaces + 1;
        }
        inside = false;
        let start = at;
        let end = loop {
            let Some(len) = memchr::memchr(b'"', &text[at..]) else {
                return Ok(1);
            };
            at += len + 1;
            if text.get(at) != Some(&b'"') {
                break at - 1;
            }
            at += 1;
        };
        each(start..end, true);
        at += text[at..].iter().take_while(|byte| **byte == b' ').count();
        match text.get(at) {
            None => return Ok(0),
            Some(byte) if *byte == delimiter => at += 1,
            Some(_) => return Err("text follows a closing quote within a field"),
        }
    }
}
