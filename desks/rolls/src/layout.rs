//! Layouts: how the columns of a roll are named, where they stand, and what they mean.
//!
//! A layout is a file of data. Those of five states come with the crate; any other roll has a mapping file of the same form,
//! which [`crate::describe`] drafts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Version of the form of a layout that this crate reads and writes.
pub const LAYOUT_SCHEMA: u32 = 1;

/// Most columns of a roll. Ohio's file has 47 and one for each election since 2000; none that we know has a thousand.
pub const MAX_COLUMNS: usize = 1_024;

/// Longest mapping file, in bytes: MAX_COLUMNS names of a generous length, several times over.
pub const MAX_LAYOUT_BYTES: usize = 1 << 20;

/// What a column means. Columns of one role are compared as one value, joined by a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Identifies the voter in every snapshot.
    Id,
    /// County, town or other area for which changes are counted.
    County,
    /// The area's name.
    CountyName,
    /// An identifier that holds inside one county only.
    LocalId,
    /// Last name.
    LastName,
    /// First name.
    FirstName,
    /// Middle name.
    MiddleName,
    /// Suffix of the name.
    Suffix,
    /// Status: active, inactive, removed.
    Status,
    /// Reason of the status.
    Reason,
    /// Residence: number, street, unit.
    Address,
    /// City of the residence.
    City,
    /// ZIP code of the residence.
    Zip,
    /// Mailing address.
    MailAddress,
    /// City of the mailing address.
    MailCity,
    /// State of the mailing address.
    MailState,
    /// ZIP code of the mailing address.
    MailZip,
    /// Telephone.
    Phone,
    /// Electronic mail.
    Email,
    /// Birth date or year.
    BirthDate,
    /// Date of registration.
    RegistrationDate,
    /// Party.
    Party,
    /// Race, or race and ethnicity.
    Race,
    /// Sex.
    Sex,
    /// Whether the entry is withheld from the public.
    Confidential,
    /// Precinct.
    Precinct,
    /// Districts.
    District,
    /// Past elections.
    History,
    /// Descriptions that follow from other columns: read, and not counted by themselves.
    Described,
}

/// Every role, in order.
pub const ROLES: [Role; 29] = [
    Role::Id,
    Role::County,
    Role::CountyName,
    Role::LocalId,
    Role::LastName,
    Role::FirstName,
    Role::MiddleName,
    Role::Suffix,
    Role::Status,
    Role::Reason,
    Role::Address,
    Role::City,
    Role::Zip,
    Role::MailAddress,
    Role::MailCity,
    Role::MailState,
    Role::MailZip,
    Role::Phone,
    Role::Email,
    Role::BirthDate,
    Role::RegistrationDate,
    Role::Party,
    Role::Race,
    Role::Sex,
    Role::Confidential,
    Role::Precinct,
    Role::District,
    Role::History,
    Role::Described,
];

impl Role {
    /// Its name in a layout, such as `last_name`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Id => "id",
            Role::County => "county",
            Role::CountyName => "county_name",
            Role::LocalId => "local_id",
            Role::LastName => "last_name",
            Role::FirstName => "first_name",
            Role::MiddleName => "middle_name",
            Role::Suffix => "suffix",
            Role::Status => "status",
            Role::Reason => "reason",
            Role::Address => "address",
            Role::City => "city",
            Role::Zip => "zip",
            Role::MailAddress => "mail_address",
            Role::MailCity => "mail_city",
            Role::MailState => "mail_state",
            Role::MailZip => "mail_zip",
            Role::Phone => "phone",
            Role::Email => "email",
            Role::BirthDate => "birth_date",
            Role::RegistrationDate => "registration_date",
            Role::Party => "party",
            Role::Race => "race",
            Role::Sex => "sex",
            Role::Confidential => "confidential",
            Role::Precinct => "precinct",
            Role::District => "district",
            Role::History => "history",
            Role::Described => "described",
        }
    }
}

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// A tab.
    Tab,
    /// A comma.
    Comma,
    /// A vertical bar.
    Pipe,
    /// A semicolon.
    Semicolon,
    /// Nothing: fields have fixed places.
    Fixed,
}

impl Delimiter {
    /// The byte; `None` for fixed places.
    pub fn byte(self) -> Option<u8> {
        match self {
            Delimiter::Tab => Some(b'\t'),
            Delimiter::Comma => Some(b','),
            Delimiter::Pipe => Some(b'|'),
            Delimiter::Semicolon => Some(b';'),
            Delimiter::Fixed => None,
        }
    }
}

/// Whether fields may stand in quotes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quote {
    /// A field that begins with a double quote ends with one, and may hold delimiters and line feeds (RFC 4180, section 2).
    #[default]
    Double,
    /// A double quote is a letter like any other.
    None,
}

/// How dates are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dates {
    /// 12/31/1970
    #[serde(rename = "MM/DD/YYYY")]
    MonthDayYear,
    /// 1970-12-31
    #[default]
    #[serde(rename = "YYYY-MM-DD")]
    Iso,
    /// 19701231
    #[serde(rename = "YYYYMMDD")]
    Compact,
    /// 31/12/1970
    #[serde(rename = "DD/MM/YYYY")]
    DayMonthYear,
}

/// A field of fixed place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its first byte, from 1.
    pub start: usize,
    /// Its width in bytes.
    pub width: usize,
}

/// Which codes mean which status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatusCodes {
    /// May vote.
    pub active: Vec<String>,
    /// May vote after confirming an address.
    pub inactive: Vec<String>,
    /// May not vote.
    pub removed: Vec<String>,
    /// Whether removed voters stay in the file for a while before they leave it.
    pub removed_stage: bool,
}

/// Reasons that a registrar gives when many entries are treated at once under the law.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BulkReasons {
    /// Of an inactive status.
    pub inactive: Vec<String>,
    /// Of a removed status.
    pub removed: Vec<String>,
}

/// How a roll is written, and what its columns mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Version of this form: 1.
    pub schema: u32,
    /// Its short name.
    pub name: String,
    /// Its name for people.
    #[serde(default)]
    pub title: String,
    /// What stands between two fields.
    pub delimiter: Delimiter,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Whether fields may stand in quotes.
    #[serde(default)]
    pub quote: Quote,
    /// How dates are written.
    #[serde(default)]
    pub dates: Dates,
    /// Names of the columns of a file without a header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Columns of a file without a header, where it has more than are named; the others are numbered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns_in_all: Option<usize>,
    /// Fields of a file with fixed places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<Place>,
    /// Columns that change for everybody and say nothing, such as an age.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volatile: Vec<String>,
    /// Which columns have which role. A name that ends with `*` stands for all that begin so.
    pub fields: BTreeMap<Role, Vec<String>>,
    /// Older names of columns, and what they are called now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
    /// Which codes mean which status.
    #[serde(default)]
    pub status: StatusCodes,
    /// Which reasons go with which status.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, Vec<String>>,
    /// Reasons of treatment in bulk.
    #[serde(default)]
    pub bulk_reasons: BulkReasons,
}

/// Why a layout cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It is not written as a layout is.
    #[error("cannot read the mapping file: {0}")]
    Form(String),
    /// It is of another version.
    #[error("the mapping file has schema {0}, and this program reads schema {LAYOUT_SCHEMA}")]
    Schema(u32),
    /// It contradicts itself.
    #[error("the mapping file cannot be used: {0}")]
    Content(String),
    /// A file does not have the columns that the layout needs.
    #[error("{0}")]
    Columns(String),
}

/// The text of a layout that comes with the crate.
fn built_in_text(name: &str) -> Option<&'static str> {
    Some(match name {
        "nc" => include_str!("../data/layouts/nc.toml"),
        "oh" => include_str!("../data/layouts/oh.toml"),
        "fl" => include_str!("../data/layouts/fl.toml"),
        "ny" => include_str!("../data/layouts/ny.toml"),
        "pa" => include_str!("../data/layouts/pa.toml"),
        _ => return None,
    })
}

/// Names of the layouts that come with the crate.
pub const BUILT_IN: [&str; 5] = ["nc", "oh", "fl", "ny", "pa"];

impl Layout {
    /// A layout that comes with the crate; see [`BUILT_IN`].
    pub fn built_in(name: &str) -> Option<Layout> {
        let text = built_in_text(name)?;
        Some(Layout::parse(text).expect("the layouts of the crate are read by a test"))
    }

    /// Reads the text of a mapping file.
    ///
    /// Errors: [`LayoutError::Form`], [`LayoutError::Schema`], [`LayoutError::Content`], each naming what is wrong.
    pub fn parse(text: &str) -> Result<Layout, LayoutError> {
        if text.len() > MAX_LAYOUT_BYTES {
            return Err(LayoutError::Form(format!(
                "it is longer than {MAX_LAYOUT_BYTES} bytes"
            )));
        }
        let layout: Layout = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(0, |span| {
                text.as_bytes()
                    .iter()
                    .take(span.start)
                    .filter(|byte| **byte == b'\n')
                    .count()
                    + 1
            });
            LayoutError::Form(format!("line {line}: {}", error.message()))
        })?;
        if layout.schema != LAYOUT_SCHEMA {
            return Err(LayoutError::Schema(layout.schema));
        }
        layout.check()?;
        Ok(layout)
    }

    fn check(&self) -> Result<(), LayoutError> {
        let wrong = |why: String| Err(LayoutError::Content(why));
        if self.fields.get(&Role::Id).is_none_or(Vec::is_empty) {
            return wrong("`fields.id` names no column".to_owned());
        }
        if self.delimiter == Delimiter::Fixed {
            if self.header || self.fixed.is_empty() {
                return wrong(
                    "a roll of fixed places has no header and lists its places under `fixed`".to_owned(),
                );
            }
        } else if !self.fixed.is_empty() {
            return wrong("`fixed` goes with delimiter \"fixed\" only".to_owned());
        } else if !self.header && self.columns.is_empty() {
            return wrong("a roll without a header lists its columns under `columns`".to_owned());
        }
        if self
            .columns_in_all
            .is_some_and(|all| all < self.columns.len() || all > MAX_COLUMNS)
        {
            return wrong(format!(
                "`columns_in_all` is fewer than are named, or more than {MAX_COLUMNS}"
            ));
        }
        if self.columns.len() > MAX_COLUMNS || self.fixed.len() > MAX_COLUMNS {
            return wrong(format!("it names more than {MAX_COLUMNS} columns"));
        }
        for place in &self.fixed {
            let end = place.start.checked_add(place.width);
            if place.start == 0
                || place.width == 0
                || end.is_none_or(|end| end > crate::read::MAX_RECORD_BYTES)
            {
                return wrong(format!("the place of {:?} is not inside a record", place.name));
            }
        }
        let mut owners: BTreeMap<&str, Role> = BTreeMap::new();
        for (role, columns) in &self.fields {
            for column in columns {
                if let Some(other) = owners.insert(column, *role) {
                    return wrong(format!(
                        "column {column:?} is both {} and {}",
                        other.name(),
                        role.name()
                    ));
                }
            }
        }
        Ok(())
    }

    /// The layout as the text of a mapping file.
    pub fn to_text(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// Finds the columns of a file by their names. `names` come from the header, or from the layout where there is none.
    ///
    /// Errors: [`LayoutError::Columns`] when the identifier is missing or a name stands twice.
    pub fn bind(&self, names: Vec<String>) -> Result<Binding, LayoutError> {
        if names.len() > MAX_COLUMNS {
            return Err(LayoutError::Columns(format!(
                "it has more than {MAX_COLUMNS} columns"
            )));
        }
        let mut renamed = Vec::new();
        let names: Vec<String> = names
            .into_iter()
            .map(|name| {
                let trimmed = name.trim().trim_start_matches('\u{feff}').to_owned();
                let now = self
                    .rename
                    .iter()
                    .find(|(old, _)| old.eq_ignore_ascii_case(&trimmed));
                match now {
                    Some((old, now)) => {
                        renamed.push((old.clone(), now.clone()));
                        now.clone()
                    }
                    None => trimmed,
                }
            })
            .collect();
        let mut seen = BTreeSet::new();
        for name in &names {
            if !name.is_empty() && !seen.insert(name.to_ascii_lowercase()) {
                return Err(LayoutError::Columns(format!(
                    "two of its columns are called {name:?}"
                )));
            }
        }
        let mut roles: BTreeMap<Role, Vec<usize>> = BTreeMap::new();
        let mut owner: Vec<Option<Role>> = vec![None; names.len()];
        for (role, wanted) in &self.fields {
            for pattern in wanted {
                for (at, name) in names.iter().enumerate() {
                    if owner[at].is_none() && matches(pattern, name) {
                        owner[at] = Some(*role);
                        roles.entry(*role).or_default().push(at);
                    }
                }
            }
        }
        if !roles.contains_key(&Role::Id) {
            let wanted = self
                .fields
                .get(&Role::Id)
                .map(|all| all.join(" or "))
                .unwrap_or_default();
            return Err(LayoutError::Columns(format!(
                "it has no column {wanted}, which layout {} identifies voters by; is it the right layout? \
                 `pollwatch rolls describe FILE` drafts one",
                self.name
            )));
        }
        let volatile: Vec<usize> = (0..names.len())
            .filter(|at| self.volatile.iter().any(|pattern| matches(pattern, &names[*at])))
            .collect();
        let others = (0..names.len())
            .filter(|at| owner[*at].is_none() && !volatile.contains(at))
            .collect();
        Ok(Binding {
            roles,
            volatile,
            others,
            renamed,
            names,
        })
    }
}

/// Whether `name` is the column that `pattern` means.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name
            .get(..beginning.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(beginning)),
        None => pattern.eq_ignore_ascii_case(name),
    }
}

/// The columns of one file, found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Names of the columns, older names replaced.
    pub names: Vec<String>,
    /// Places of the columns of a role.
    pub roles: BTreeMap<Role, Vec<usize>>,
    /// Places of columns that are not compared.
    pub volatile: Vec<usize>,
    /// Places of columns without a role.
    pub others: Vec<usize>,
    /// Older names that were replaced: old, now.
    pub renamed: Vec<(String, String)>,
}

impl Binding {
    /// Places of the columns of a role; empty when the file has none.
    pub fn places(&self, role: Role) -> &[usize] {
        self.roles.get(&role).map_or(&[], Vec::as_slice)
    }

    /// The name of the role's first column, or of the role where the file has none.
    pub fn column_of(&self, role: Role) -> String {
        self.places(role)
            .first()
            .and_then(|at| self.names.get(*at))
            .cloned()
            .unwrap_or_else(|| role.name().to_owned())
    }
}

/// How the columns of two snapshots differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Columns that only the later one has.
    pub added: Vec<String>,
    /// Columns that only the earlier one has.
    pub dropped: Vec<String>,
    /// Whether columns of both stand in another order.
    pub is_reordered: bool,
    /// Names that were replaced in only one of the two: old, now.
    pub renamed: Vec<(String, String)>,
    /// Codes of a changed or new entry that the layout does not know: column, code.
    pub new_codes: BTreeSet<(String, String)>,
}

impl Drift {
    /// Compares the columns of an earlier and a later file.
    pub fn between(earlier: &Binding, later: &Binding) -> Drift {
        let lower = |binding: &Binding| -> Vec<String> {
            binding
                .names
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect()
        };
        let (old, new) = (lower(earlier), lower(later));
        let only = |these: &[String], names: &[String], those: &[String]| -> Vec<String> {
            these
                .iter()
                .zip(names)
                .filter(|(key, _)| !those.contains(key))
                .map(|(_, name)| name.clone())
                .collect()
        };
        let common_old: Vec<&String> = old.iter().filter(|name| new.contains(name)).collect();
        let common_new: Vec<&String> = new.iter().filter(|name| old.contains(name)).collect();
        let differs = |one: &Binding, other: &Binding| -> Vec<(String, String)> {
            one.renamed
                .iter()
                .filter(|pair| !other.renamed.contains(pair))
                .cloned()
                .collect()
        };
        let mut renamed = differs(earlier, later);
        renamed.extend(differs(later, earlier));
        Drift {
            added: only(&new, &later.names, &old),
            dropped: only(&old, &earlier.names, &new),
            is_reordered: common_old != common_new,
            renamed,
            new_codes: BTreeSet::new(),
        }
    }

    /// Whether nothing differs.
    pub fn is_none(&self) -> bool {
        *self == Drift::default()
    }

    /// What differs, in words, one sentence a difference.
    pub fn sentences(&self) -> Vec<String> {
        let listed = |names: &[String]| {
            names
                .iter()
                .map(|name| format!("{name:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut all = Vec::new();
        if !self.added.is_empty() {
            all.push(format!(
                "only the later file has {}: not compared in this interval",
                listed(&self.added)
            ));
        }
        if !self.dropped.is_empty() {
            all.push(format!(
                "only the earlier file has {}: not compared in this interval",
                listed(&self.dropped)
            ));
        }
        if self.is_reordered {
            all.push("the columns stand in another order; they are matched by name".to_owned());
        }
        for (old, now) in &self.renamed {
            all.push(format!("{old:?} is now called {now:?}; both are read as {now:?}"));
        }
        for (column, code) in &self.new_codes {
            all.push(format!(
                "column {column:?} has the code {code:?}, which the layout does not list"
            ));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_of_the_crate_is_read_and_printed_as_it_was() {
        for name in BUILT_IN {
            let layout = Layout::built_in(name).expect("it is there");
            assert_eq!(layout.name, name);
            assert_eq!(
                Layout::parse(&layout.to_text()).expect("it reads its own text"),
                layout
            );
        }
    }

    #[test]
    fn drift_names_what_differs() {
        let layout = Layout::built_in("nc").expect("it is there");
        let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let earlier = layout
            .bind(names("ncid county_id voter_status_cd race_code"))
            .expect("binds");
        let later = layout
            .bind(names("county_id ncid status_cd party_cd"))
            .expect("binds");
        let drift = Drift::between(&earlier, &later);
        assert_eq!(drift.added, ["party_cd"]);
        assert_eq!(drift.dropped, ["race_code"]);
        assert!(drift.is_reordered);
        assert_eq!(
            drift.renamed,
            [("voter_status_cd".to_owned(), "status_cd".to_owned())]
        );
        assert!(Drift::between(&earlier, &earlier).is_none());
    }

    #[test]
    fn a_mapping_file_that_contradicts_itself_is_refused() {
        for (text, why) in [
            (
                "schema = 2\nname=\"x\"\ndelimiter=\"tab\"\nheader=true\n[fields]\nid=[\"a\"]",
                "schema 2",
            ),
            (
                "schema = 1\nname=\"x\"\ndelimiter=\"tab\"\nheader=true\n[fields]\n",
                "fields.id",
            ),
            (
                "schema = 1\nname=\"x\"\ndelimiter=\"tab\"\nheader=true\n[fields]\nid=[\"a\"]\ncounty=[\"a\"]",
                "both",
            ),
            (
                "schema = 1\nname=\"x\"\ndelimiter=\"fixed\"\nheader=false\n[fields]\nid=[\"a\"]",
                "fixed",
            ),
            (
                "schema = 1\nname=\"x\"\ndelimiter=\"tab\"\nheader=true\nunknown=1\n[fields]\nid=[\"a\"]",
                "unknown",
            ),
        ] {
            let error = Layout::parse(text).expect_err("it is wrong").to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
