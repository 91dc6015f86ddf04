//! One row, read for comparison.

use jiff::civil::Date;

use crate::layout::{Binding, Layout, Role};
use crate::read::{Form, Span, field_bytes, normalised_into, parse_date};

/// Roles whose values are kept: all but the descriptions and past elections, in the order of [`Role`].
const KEPT: usize = Role::District as usize + 1;

/// The values of a row, each normalised for comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    text: String,
    /// Of each role its value's place in `text`.
    places: [(u32, u32); KEPT],
    /// Values of past elections and of columns without a role, by place among them.
    pub others: Vec<String>,
}

impl Entry {
    /// The value of a role; empty where the file has none, or for the roles that are not kept.
    pub fn get(&self, role: Role) -> &str {
        let (start, end) = self.places.get(role as usize).copied().unwrap_or_default();
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The date of a role.
    pub fn date(&self, role: Role, layout: &Layout) -> Option<Date> {
        parse_date(self.get(role), layout.dates)
    }
}

/// Reads a row into `entry`, which is emptied first.
pub fn read_entry(row: &[u8], spans: &[Span], binding: &Binding, form: &Form, entry: &mut Entry) {
    entry.text.clear();
    entry.others.clear();
    entry.places = [(0, 0); KEPT];
    for (role, places) in &binding.roles {
        let Some(slot) = entry.places.get_mut(*role as usize) else {
            continue;
        };
        let start = entry.text.len();
        for place in places {
            let Some(span) = spans.get(*place) else { continue };
            let before = entry.text.len();
            if before > start {
                entry.text.push(' ');
            }
            let from = entry.text.len();
            normalised_into(&field_bytes(row, *span, form.quote), &mut entry.text);
            if entry.text.len() == from {
                entry.text.truncate(before);
            }
        }
        let value = &entry.text[start..];
        if matches!(role, Role::Zip | Role::MailZip) {
            // ZIP+4 and ZIP are one place: the first five digits are compared.
            let short =
                value.len() > 5 && value.is_ascii() && value.as_bytes()[..5].iter().all(u8::is_ascii_digit);
            if short {
                entry.text.truncate(start + 5);
            }
        }
        *slot = (start as u32, entry.text.len() as u32);
    }
    let history = binding.places(Role::History);
    for place in history.iter().chain(&binding.others) {
        let mut value = String::new();
        if let Some(span) = spans.get(*place) {
            normalised_into(&field_bytes(row, *span, form.quote), &mut value);
        }
        entry.others.push(value);
    }
}
