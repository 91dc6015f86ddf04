//! Drafts a mapping file for a roll of any form, from its first rows.
//!
//! Names of columns and short codes go into the draft; nothing else of the data does.

use std::collections::{BTreeMap, BTreeSet};

use crate::guess::guess_layout;
use crate::layout::{Dates, Delimiter, LAYOUT_SCHEMA, Layout, Quote, Role, StatusCodes};
use crate::read::{Form, field_bytes, normalised, parse_date, records};

/// Bytes of the file that are looked at.
pub const LOOKED_AT: usize = 1 << 20;

/// Longest code of a status, and most codes.
const MAX_CODE: usize = 14;
const MAX_CODES: usize = 12;

/// Fewest entries that have a code before it is repeated.
const MIN_CODE: usize = 5;

/// A draft, and what to look at in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Drafted {
    /// The layout.
    pub layout: Layout,
    /// The layout of the crate that fits, where one does.
    pub known: Option<String>,
    /// What is uncertain, in plain words.
    pub remarks: Vec<String>,
    /// Of each column how full it is and how many different values the rows that were looked at have.
    pub columns: Vec<Column>,
}

/// What is told of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its role, as far as it can be told.
    pub role: Option<Role>,
    /// Rows with a value.
    pub filled: usize,
    /// Different values.
    pub different: usize,
    /// Rows looked at.
    pub rows: usize,
}

/// Words in the names of columns, and the role that they tell; the first that fits is taken.
const WORDS: [(&str, Role); 53] = [
    ("ncid", Role::Id),
    ("voterid", Role::Id),
    ("voter id", Role::Id),
    ("voteridnumber", Role::Id),
    ("sosvoterid", Role::Id),
    ("registrationnumber", Role::Id),
    ("vuid", Role::Id),
    ("idnumber", Role::Id),
    ("countyname", Role::CountyName),
    ("countydesc", Role::CountyName),
    ("county", Role::County),
    ("mailaddr", Role::MailAddress),
    ("mailingaddr", Role::MailAddress),
    ("mailaddress", Role::MailAddress),
    ("mailingaddress", Role::MailAddress),
    ("mailcity", Role::MailCity),
    ("mailingcity", Role::MailCity),
    ("mailstate", Role::MailState),
    ("mailingstate", Role::MailState),
    ("mailzip", Role::MailZip),
    ("mailingzip", Role::MailZip),
    ("lastname", Role::LastName),
    ("surname", Role::LastName),
    ("namelast", Role::LastName),
    ("firstname", Role::FirstName),
    ("namefirst", Role::FirstName),
    ("middlename", Role::MiddleName),
    ("namemiddle", Role::MiddleName),
    ("middle", Role::MiddleName),
    ("suffix", Role::Suffix),
    ("reason", Role::Reason),
    ("status", Role::Status),
    ("birth", Role::BirthDate),
    ("dob", Role::BirthDate),
    ("registrationdate", Role::RegistrationDate),
    ("registrdt", Role::RegistrationDate),
    ("regdate", Role::RegistrationDate),
    ("dateofregistration", Role::RegistrationDate),
    ("party", Role::Party),
    ("affiliation", Role::Party),
    ("race", Role::Race),
    ("ethnic", Role::Race),
    ("gender", Role::Sex),
    ("sex", Role::Sex),
    ("confidential", Role::Confidential),
    ("precinct", Role::Precinct),
    ("congress", Role::District),
    ("district", Role::District),
    ("phone", Role::Phone),
    ("email", Role::Email),
    ("zip", Role::Zip),
    ("city", Role::City),
    ("address", Role::Address),
];

/// Further words of a residence.
const STREET_WORDS: [&str; 6] = ["street", "housenum", "housenumber", "unit", "apt", "resaddr"];

/// Drafts a mapping file from the first bytes of a roll.
///
/// Errors: a text that says what is missing.
pub fn draft(first_bytes: &[u8]) -> Result<Drafted, String> {
    let end = memchr::memrchr(b'\n', first_bytes).map_or(first_bytes.len(), |at| at + 1);
    let bytes = &first_bytes[..end];
    let lines: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .take(2_000)
        .collect();
    if lines.len() < 2 {
        return Err("it has fewer than two lines".to_owned());
    }
    let known = guess_layout(bytes);
    let (delimiter, columns) = delimiter_of(&lines)
        .ok_or("its lines have no common number of tabs, commas, bars or semicolons; a file of fixed places needs a mapping file by hand, see the layout ny")?;
    let mut layout = Layout {
        schema: LAYOUT_SCHEMA,
        name: "draft".to_owned(),
        title: "drafted from the data; check every line".to_owned(),
        delimiter,
        header: false,
        quote: Quote::Double,
        dates: Dates::Iso,
        columns: Vec::new(),
        columns_in_all: None,
        fixed: Vec::new(),
        volatile: Vec::new(),
        fields: BTreeMap::new(),
        rename: BTreeMap::new(),
        status: StatusCodes::default(),
        reasons: BTreeMap::new(),
        bulk_reasons: Default::default(),
    };
    let form = Form::new(&layout, columns);
    let mut rows: Vec<Vec<String>> = Vec::new();
    records(bytes, &form, &mut |_, place, spans| {
        if let (Ok(spans), true) = (spans, rows.len() < 20_000) {
            let row = &bytes[place];
            rows.push(
                spans
                    .iter()
                    .map(|span| normalised(&field_bytes(row, *span, form.quote)))
                    .collect(),
            );
        }
    });
    if rows.len() < 2 {
        return Err("fewer than two of its rows have the common number of columns".to_owned());
    }
    layout.header = is_header(&rows);
    let mut remarks = Vec::new();
    let names: Vec<String> = if layout.header {
        let raw = lines.first().copied().unwrap_or_default();
        let mut spans = Vec::new();
        crate::read::split_record(
            raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw),
            &form,
            &mut spans,
        )
        .map_err(|why| why.to_string())?;
        spans
            .iter()
            .map(|span| {
                String::from_utf8_lossy(&field_bytes(raw, *span, true))
                    .trim()
                    .to_owned()
            })
            .collect()
    } else {
        remarks.push(
            "it has no header: columns are numbered, and every role has to be filled in by hand".to_owned(),
        );
        (1..=columns).map(|number| format!("Column {number}")).collect()
    };
    let data = if layout.header { &rows[1..] } else { &rows[..] };
    if !layout.header {
        layout.columns.clone_from(&names);
    }
    let mut described: Vec<Column> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let values: BTreeSet<&str> = data
                .iter()
                .map(|row| row[at].as_str())
                .filter(|value| !value.is_empty())
                .collect();
            Column {
                name: name.clone(),
                role: if layout.header { role_of(name) } else { None },
                filled: data.iter().filter(|row| !row[at].is_empty()).count(),
                different: values.len(),
                rows: data.len(),
            }
        })
        .collect();
    settle_id(&mut described, &mut remarks);
    layout.dates = dates_of(&described, data, &mut remarks);
    for column in &described {
        if let Some(role) = column.role {
            layout.fields.entry(role).or_default().push(column.name.clone());
        }
        if column.name.to_ascii_lowercase().contains("age") && column.role.is_none() {
            layout.volatile.push(column.name.clone());
        }
    }
    if let Some(at) = described
        .iter()
        .position(|column| column.role == Some(Role::Status))
    {
        layout.status = status_of(at, data, &mut remarks);
    } else {
        remarks.push("no column looks like a status: everybody counts as active".to_owned());
    }
    for role in [
        Role::County,
        Role::LastName,
        Role::FirstName,
        Role::BirthDate,
        Role::Address,
    ] {
        if !layout.fields.contains_key(&role) {
            remarks.push(format!(
                "no column looks like {}: name it under [fields] where there is one",
                role.name()
            ));
        }
    }
    Ok(Drafted {
        layout,
        known: known.map(|layout| layout.name),
        remarks,
        columns: described,
    })
}

/// The delimiter that most lines have equally often.
fn delimiter_of(lines: &[&[u8]]) -> Option<(Delimiter, usize)> {
    let mut best: Option<(usize, Delimiter, usize)> = None;
    for delimiter in [
        Delimiter::Tab,
        Delimiter::Pipe,
        Delimiter::Semicolon,
        Delimiter::Comma,
    ] {
        let byte = delimiter.byte()?;
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for line in lines {
            // Delimiters inside quotes do not count.
            let mut is_quoted = false;
            let count = line
                .iter()
                .filter(|letter| {
                    is_quoted ^= **letter == b'"';
                    !is_quoted && **letter == byte
                })
                .count();
            *counts.entry(count).or_default() += 1;
        }
        let Some((count, lines_with)) = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .max_by_key(|(_, lines)| *lines)
        else {
            continue;
        };
        if best.is_none_or(|(other, _, _)| lines_with > other) {
            best = Some((lines_with, delimiter, count + 1));
        }
    }
    let (lines_with, delimiter, columns) = best?;
    (lines_with * 2 > lines.len() && columns > 1 && columns <= crate::layout::MAX_COLUMNS)
        .then_some((delimiter, columns))
}

/// A header has names, all different, none of them a number or a date, where the rows below have both.
fn is_header(rows: &[Vec<String>]) -> bool {
    let first = &rows[0];
    let distinct: BTreeSet<&String> = first.iter().collect();
    distinct.len() == first.len()
        && first
            .iter()
            .all(|name| !name.is_empty() && name.chars().any(char::is_alphabetic) && name.len() <= 64)
        && {
            let digits = |row: &Vec<String>| {
                row.iter()
                    .filter(|value| value.chars().any(|letter| letter.is_ascii_digit()))
                    .count()
            };
            digits(first) < digits(&rows[1]).max(1)
        }
}

fn role_of(name: &str) -> Option<Role> {
    let bare: String = name
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let found = WORDS
        .iter()
        .find(|(word, _)| bare.contains(&word.replace(' ', "")))
        .map(|(_, role)| *role);
    found.or_else(|| {
        STREET_WORDS
            .iter()
            .any(|word| bare.contains(word))
            .then_some(Role::Address)
    })
}

/// Exactly one column identifies: the one that is called so, else the fullest whose values are all different.
fn settle_id(columns: &mut [Column], remarks: &mut Vec<String>) {
    let is_unique = |column: &Column| column.filled == column.rows && column.different == column.rows;
    let named: Vec<usize> = (0..columns.len())
        .filter(|at| columns[*at].role == Some(Role::Id))
        .collect();
    let chosen = named
        .iter()
        .copied()
        .find(|at| is_unique(&columns[*at]))
        .or_else(|| (0..columns.len()).find(|at| is_unique(&columns[*at]) && columns[*at].role.is_none()))
        .or(named.first().copied());
    for at in named {
        if Some(at) != chosen {
            columns[at].role = Some(Role::LocalId);
        }
    }
    match chosen {
        Some(at) => {
            columns[at].role = Some(Role::Id);
            if !is_unique(&columns[at]) {
                remarks.push(format!(
                    "column {:?} is taken for the identifier, but its values repeat or are missing: it may hold inside one county only",
                    columns[at].name
                ));
            }
        }
        None => remarks.push("no column identifies voters: name one under [fields] id".to_owned()),
    }
}

fn dates_of(columns: &[Column], data: &[Vec<String>], remarks: &mut Vec<String>) -> Dates {
    let at = columns
        .iter()
        .position(|column| column.role == Some(Role::RegistrationDate))
        .or_else(|| {
            columns
                .iter()
                .position(|column| column.role == Some(Role::BirthDate))
        });
    let Some(at) = at else { return Dates::Iso };
    let readable = |form: Dates| {
        data.iter()
            .filter(|row| parse_date(&row[at], form).is_some())
            .count()
    };
    let forms = [
        Dates::Iso,
        Dates::MonthDayYear,
        Dates::Compact,
        Dates::DayMonthYear,
    ];
    let best = forms
        .into_iter()
        .rev()
        .max_by_key(|form| readable(*form))
        .unwrap_or_default();
    if readable(best) * 10 < data.len() * 9 {
        remarks.push(format!(
            "fewer than nine in ten values of {:?} are dates that can be read",
            columns[at].name
        ));
    }
    best
}

fn status_of(at: usize, data: &[Vec<String>], remarks: &mut Vec<String>) -> StatusCodes {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in data {
        *counts.entry(row[at].as_str()).or_default() += 1;
    }
    let is_code = |code: &str| !code.is_empty() && code.len() <= MAX_CODE;
    if counts.len() > MAX_CODES || counts.keys().any(|code| code.len() > MAX_CODE) {
        remarks.push(
            "the column of the status has too many or too long values to be codes: list them by hand"
                .to_owned(),
        );
        return StatusCodes::default();
    }
    let mut codes = StatusCodes::default();
    for (code, count) in counts {
        if !is_code(code) || count < MIN_CODE {
            continue;
        }
        let list = if code.starts_with("AC") || code == "A" {
            &mut codes.active
        } else if code.starts_with('I') || code.starts_with("CONF") {
            &mut codes.inactive
        } else if code.starts_with('R') || code.starts_with("CAN") || code.starts_with('D') {
            codes.removed_stage = true;
            &mut codes.removed
        } else {
            remarks.push(format!("status {code:?}: is it active, inactive or removed?"));
            continue;
        };
        list.push(code.to_owned());
    }
    if codes.active.is_empty() {
        // With a list of its own a status that is not in it counts as unknown.
        codes = StatusCodes::default();
        remarks.push("no status looks like active: list the codes under [status]".to_owned());
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_draft_names_columns_and_repeats_no_value_of_a_person() {
        let mut text = String::from(
            "Voter ID|County|Last Name|First Name|DOB|Status|Residence Address|Zip|Party|Registration Date|Age\n",
        );
        for number in 0..40 {
            text.push_str(&format!(
                "V{number:05}|{}|QUILLFEATHER{number}|ANN|01/02/19{:02}|{}|{number} OAK ST|27001|DEM|03/04/2001|44\n",
                number % 3,
                40 + number,
                if number % 4 == 0 { "I" } else { "A" }
            ));
        }
        let drafted = draft(text.as_bytes()).expect("it has a form");
        assert_eq!(drafted.layout.delimiter, Delimiter::Pipe);
        assert_eq!(drafted.layout.fields[&Role::Id], ["Voter ID"]);
        assert_eq!(drafted.layout.fields[&Role::Address], ["Residence Address"]);
        assert_eq!(drafted.layout.dates, Dates::MonthDayYear);
        assert_eq!(drafted.layout.status.inactive, ["I"]);
        assert_eq!(drafted.layout.volatile, ["Age"]);
        let printed = drafted.layout.to_text();
        assert!(
            !printed.contains("QUILLFEATHER") && !printed.contains("OAK"),
            "{printed}"
        );
        assert_eq!(
            Layout::parse(&printed).expect("a draft can be used"),
            drafted.layout
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            draft(&bytes).ok();
        }
    }
}
