//! Any other CSV or JSON log, read by a mapping file that says which column is what.
//!
//! ```toml
//! format = "csv"          # or "json"
//! separator = ","         # of csv; default a comma, "\t" for tabs
//! header = true           # of csv: the first line names the columns; default true
//! [fields]                # what we need = what it is called there (a column's number from 1 where there is no header)
//! time = "when"
//! client = "src"
//! target = "uri"
//! status = "rc"
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fields::{Fields, Span};
use super::json::{self, Meaning, Members};

/// A mapping that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Not TOML, or not of this shape.
    #[error("the mapping cannot be read: {0}")]
    Toml(String),
    /// A field that events do not have.
    #[error(
        "the mapping names the field {0:?}; known are time, client, forwarded, method, host, target, path, query, request, status, bytes, seconds, milliseconds, referer, agent and user"
    )]
    Field(String),
    /// Neither client nor target is mapped.
    #[error("the mapping must name at least `client` and one of `target`, `path` and `request`")]
    Incomplete,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: Kind,
    #[serde(default = "comma")]
    separator: char,
    #[serde(default = "yes")]
    header: bool,
    fields: BTreeMap<String, Name>,
}

fn comma() -> char {
    ','
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Name {
    Number(u32),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Csv,
    Json,
}

/// Which column, or which member, is what.
#[derive(Debug, Clone)]
pub struct Mapping {
    kind: Kind,
    separator: u8,
    has_header: bool,
    names: Arc<Vec<(String, Meaning)>>,
}

impl Mapping {
    /// Reads a mapping file.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let written: Written = toml::from_str(text).map_err(|error| MappingError::Toml(error.to_string()))?;
        let mut names = Vec::new();
        for (field, name) in written.fields {
            let meaning = match field.as_str() {
                "time" => Meaning::Time,
                "client" => Meaning::Client,
                "forwarded" => Meaning::Forwarded,
                "method" => Meaning::Method,
                "host" => Meaning::Host,
                "target" => Meaning::Target,
                "path" => Meaning::Path,
                "query" => Meaning::Query,
                "request" => Meaning::Request,
                "status" => Meaning::Status,
                "bytes" => Meaning::Bytes,
                "seconds" => Meaning::Seconds,
                "milliseconds" => Meaning::Milliseconds,
                "referer" => Meaning::Referer,
                "agent" => Meaning::Agent,
                "user" => Meaning::User,
                _ => return Err(MappingError::Field(field)),
            };
            let name = match name {
                Name::Number(number) => number.to_string(),
                Name::Text(text) => text,
            };
            names.push((name, meaning));
        }
        let has = |meaning| names.iter().any(|(_, known)| *known == meaning);
        if !has(Meaning::Client) || !(has(Meaning::Target) || has(Meaning::Path) || has(Meaning::Request)) {
            return Err(MappingError::Incomplete);
        }
        Ok(Mapping {
            kind: written.format,
            separator: u8::try_from(written.separator).unwrap_or(b','),
            has_header: written.header,
            names: Arc::new(names),
        })
    }

    /// The columns that a file's first line names; `None` where the mapping goes by number, or reads JSON.
    pub fn header(&self, line: &[u8]) -> Option<Vec<String>> {
        if self.kind != Kind::Csv || !self.has_header {
            return None;
        }
        let mut columns = Vec::new();
        let mut scratch = Vec::new();
        for_each_column(line, self.separator, &mut scratch, |span, scratch| {
            columns.push(
                String::from_utf8_lossy(span.text(line, scratch))
                    .trim()
                    .to_owned(),
            );
        });
        Some(columns)
    }

    /// One record. `columns`: the header of a CSV.
    pub fn entry(
        &self,
        line: &[u8],
        columns: &[String],
        scratch: &mut Vec<u8>,
        now_ms: i64,
    ) -> Option<Fields> {
        match self.kind {
            Kind::Json => {
                let rename = |name: &[u8]| {
                    self.names
                        .iter()
                        .find(|(known, _)| known.as_bytes() == name)
                        .map(|(_, meaning)| (*meaning, 0))
                };
                json::object(line, line, scratch, now_ms, Some(&rename))
            }
            Kind::Csv => {
                let mut members = Members::default();
                let mut place = 0usize;
                for_each_column(line, self.separator, scratch, |span, _| {
                    let number = (place + 1).to_string();
                    let name = if self.has_header {
                        columns.get(place).map(String::as_str)
                    } else {
                        Some(number.as_str())
                    };
                    for (known, meaning) in self.names.iter() {
                        if Some(known.as_str()) == name {
                            members.put(*meaning, 0, span);
                        }
                    }
                    place += 1;
                });
                members.lay_out(line, scratch, now_ms)
            }
        }
    }
}

/// Columns of one line of CSV (RFC 4180, but a record is a line). Most columns looked at: 1,024.
fn for_each_column(line: &[u8], separator: u8, scratch: &mut Vec<u8>, mut each: impl FnMut(Span, &[u8])) {
    let mut rest = line;
    for _ in 0..1024 {
        if rest.starts_with(b"\"") {
            let start = scratch.len();
            let mut at = 1;
            while at < rest.len() {
                match (rest[at], rest.get(at + 1)) {
                    (b'"', Some(b'"')) => {
                        scratch.push(b'"');
                        at += 2;
                    }
                    (b'"', _) => break,
                    (other, _) => {
                        scratch.push(other);
                        at += 1;
                    }
                }
            }
            let span = Span::of_scratch(scratch, start);
            each(span, scratch);
            rest = rest.get(at + 1..).unwrap_or_default();
            match memchr::memchr(separator, rest) {
                Some(at) => rest = &rest[at + 1..],
                None => return,
            }
            continue;
        }
        match memchr::memchr(separator, rest) {
            Some(at) => {
                each(Span::of(line, &rest[..at]), scratch);
                rest = &rest[at + 1..];
            }
            None => {
                each(Span::of(line, rest), scratch);
                return;
            }
        }
    }
}
