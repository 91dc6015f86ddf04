//! Addresses and dates of header fields, read as a mail client would show them.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::displayed;
use crate::message::{Message, decode_words};

/// Most addresses that are read from one field.
const MAX_ADDRESSES: usize = 10_000;
/// Longest name or address that is kept, in characters (RFC 5322, section 2.1.1, longest line).
const MAX_CHARS: usize = 998;

/// One entry of an address list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// The display name, encoded words and quoting undone; empty when there is none.
    pub name: String,
    /// The address, without brackets; empty when the entry has only a name.
    pub address: String,
}

/// The entries of an address list (RFC 5322, section 3.4), in order.
///
/// Reads what clients show rather than what the grammar allows: brackets that are not closed, names with an address in them,
/// two addresses without a comma, semicolons, groups, comments. A comment is the name where there is no other.
/// Shape: at most 10,000 entries, names and addresses of at most 998 characters.
pub fn addresses(field_value: &str) -> Vec<Address> {
    let mut list = List::default();
    let mut chars = field_value.chars();
    let mut comment_depth = 0_usize;
    let mut is_quoted = false;
    let mut in_brackets = false;
    while let Some(char) = chars.next() {
        if list.done.len() >= MAX_ADDRESSES {
            return list.done;
        }
        if is_quoted {
            match char {
                '"' => is_quoted = false,
                '\\' => list.entry.name.extend(chars.next()),
                _ => list.entry.name.push(char),
            }
        } else if comment_depth > 0 {
            match char {
                '(' => comment_depth += 1,
                ')' => comment_depth -= 1,
                '\\' => list.entry.comment.extend(chars.next()),
                _ => list.entry.comment.push(char),
            }
        } else if in_brackets {
            match char {
                '>' => in_brackets = false,
                // A bracket that is never closed must not swallow the rest of the list.
                ',' | ';' if list.entry.address.contains('@') && !list.entry.address.starts_with('@') => {
                    in_brackets = false;
                    list.end();
                }
                _ => list.entry.address.push(char),
            }
        } else {
            match char {
                '"' => is_quoted = true,
                '(' => comment_depth = 1,
                '<' => {
                    if list.entry.has_brackets && list.entry.address.contains('@') {
                        list.end();
                    }
                    list.entry.has_brackets = true;
                    in_brackets = true;
                    list.entry.address.clear();
                }
                ',' | ';' => list.end(),
                // The name of a group.
                ':' if !list.entry.has_brackets && !list.entry.name.contains('@') => {
                    list.entry = Entry::default();
                }
                _ => list.entry.name.push(char),
            }
        }
    }
    list.end();
    list.done
}

#[derive(Default)]
struct List {
    done: Vec<Address>,
    entry: Entry,
}

#[derive(Default)]
struct Entry {
    name: String,
    comment: String,
    address: String,
    has_brackets: bool,
}

impl List {
    fn end(&mut self) {
        let entry = std::mem::take(&mut self.entry);
        let mut name = tidy(&entry.name);
        let mut address = tidy(&entry.address);
        if !entry.has_brackets
            && let Some(word) = name.split_whitespace().find(|word| word.contains('@'))
        {
            address = word.trim_matches(['\'', '[', ']', '<', '>']).to_owned();
            name = tidy(
                &name
                    .split_whitespace()
                    .filter(|other| *other != word)
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
        // A route in front of the address (RFC 5322, section 4.4).
        if address.starts_with('@')
            && let Some((_, behind)) = address.split_once(':')
        {
            address = behind.to_owned();
        }
        if let Some(behind) = strip_prefix_ignoring_case(&address, "mailto:") {
            address = behind.to_owned();
        }
        if name.is_empty() {
            name = tidy(&entry.comment);
        }
        if name.is_empty() && address.is_empty() {
            return;
        }
        self.done.push(Address {
            name: tidy(&decode_words(&name)),
            address: address
                .chars()
                .filter(|char| !char.is_whitespace())
                .take(MAX_CHARS)
                .collect(),
        });
    }
}

fn tidy(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(MAX_CHARS).collect()
}

pub(super) fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// When the message says it was written: its topmost Date field.
///
/// Reads RFC 5322, section 3.3, with the obsolete zones of section 4.3, and what software writes in their place. A date that
/// was copied from a screen (headers lost) carries no zone and is read as UTC.
pub fn date(message: &Message) -> Option<Timestamp> {
    read_date(message.value("date")?)
}

/// A moment as mail programs write it, in whatever form.
pub fn moment(value: &str) -> Option<Timestamp> {
    read_date(value.trim())
}

pub(super) fn read_date(value: &str) -> Option<Timestamp> {
    let value: String = value.chars().take(200).collect();
    if let Ok(moment) = DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(value.as_bytes())
    {
        return Some(moment);
    }
    let field = format!("Date: {value}\r\n\r\n");
    if value.split([' ', ',', '-']).any(displayed::is_short_month)
        && let Some(parsed) = mail_parser::MessageParser::new().parse(field.as_bytes())
        && let Some(date) = parsed.date()
        && date.is_valid()
        && date.year > 1970
        && displayed::has_rfc_order(&value)
    {
        return Timestamp::from_second(date.to_timestamp()).ok();
    }
    displayed::date(&value)
}
