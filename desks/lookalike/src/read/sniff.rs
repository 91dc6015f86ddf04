//! Decides the format by the first line that says something.
//!
//! One line is enough, because each format shows itself there: a brace, a directive or a record type, a title or a comma.
//! Deciding line by line keeps the choice the same however the bytes arrive, also on a stream that goes on for ever.

use super::csv::{self, CsvState, fields_of, guess_delimiter, is_like_a_host, is_name_title};
use super::reader::Layout;
use super::zone::{self, ZoneState};

pub(super) enum Guess {
    /// The line is blank or a comment.
    NotYet,
    Format(Layout),
    /// None of the formats; why, and what would help.
    Wrong(String),
}

/// Decides by one line, given without its line end.
pub(super) fn guess_format(text: &[u8]) -> Guess {
    let trimmed = text.trim_ascii();
    let Some(first) = trimmed.first() else {
        return Guess::NotYet;
    };
    match first {
        b'#' => Guess::NotYet,
        // Only zone files have such comments.
        b';' => Guess::Format(Layout::Zone(ZoneState::default())),
        b'{' | b'[' if trimmed.len() == 1 => Guess::Wrong(
            "it is one JSON document over many lines; make it JSON Lines, one value a line, for example with jq -c"
                .to_owned(),
        ),
        b'{' | b'[' => Guess::Format(Layout::Jsonl),
        b'"' if is_bare_json_name(trimmed) => Guess::Format(Layout::Jsonl),
        _ if zone::is_like_a_record(text) => Guess::Format(Layout::Zone(ZoneState::default())),
        _ if is_like_csv(trimmed) => Guess::Format(Layout::Csv(CsvState::new(None))),
        _ => Guess::Format(Layout::Lines),
    }
}

fn is_bare_json_name(text: &[u8]) -> bool {
    serde_json::from_slice::<String>(text).is_ok_and(|name| !is_name_title(&name))
}

fn is_like_csv(text: &[u8]) -> bool {
    let delimiter = guess_delimiter(text);
    let values: Vec<String> = fields_of(delimiter, text)
        .iter()
        .map(|field| String::from_utf8_lossy(&csv::value_of(text, field)).into_owned())
        .collect();
    let has_title = values.iter().any(|value| is_name_title(value));
    if values.len() < 2 {
        return has_title;
    }
    if delimiter == b',' {
        // A comma is in no name, but may be in the path of an address.
        return has_title || !values[0].contains("://");
    }
    let first_is_host = values.first().is_some_and(|value| is_like_a_host(value));
    has_title || (!first_is_host && values.iter().any(|value| is_like_a_host(value)))
}
