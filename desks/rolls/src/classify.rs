//! Two rows of one identifier: what changed.

use std::borrow::Cow;

use crate::compare::Entry;
use crate::kind::Kind;
use crate::layout::{Layout, Role};

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusClass {
    /// May vote.
    Active,
    /// May vote after confirming an address.
    Inactive,
    /// May not vote.
    Removed,
    /// The layout does not say.
    Unknown,
}

/// What the code of a status means. Where the layout lists no codes at all everybody counts as active.
pub fn status_class(layout: &Layout, code: &str) -> StatusClass {
    let codes = &layout.status;
    let is_in = |list: &[String]| list.iter().any(|one| one.eq_ignore_ascii_case(code));
    if is_in(&codes.inactive) {
        StatusClass::Inactive
    } else if is_in(&codes.removed) {
        StatusClass::Removed
    } else if is_in(&codes.active) || codes.active.is_empty() {
        StatusClass::Active
    } else {
        StatusClass::Unknown
    }
}

/// Whether a reason goes with a status by the layout's table; `None` where the table does not know.
pub fn is_legal(layout: &Layout, status: &str, reason: &str) -> Option<bool> {
    if layout.reasons.is_empty() || status.is_empty() || reason.is_empty() {
        return None;
    }
    let of_status = layout
        .reasons
        .iter()
        .find(|(code, _)| code.eq_ignore_ascii_case(status));
    let is_known = layout
        .reasons
        .values()
        .flatten()
        .any(|one| one.eq_ignore_ascii_case(reason));
    match (of_status, is_known) {
        (Some((_, reasons)), true) => Some(reasons.iter().any(|one| one.eq_ignore_ascii_case(reason))),
        _ => None,
    }
}

/// The parts of an address, as far as its words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressParts<'a> {
    /// House number.
    pub number: &'a str,
    /// Street.
    pub street: &'a str,
    /// Unit, with the word before it.
    pub unit: &'a str,
}

/// Takes a normalised address apart.
pub fn address_parts(address: &str) -> AddressParts<'_> {
    let (number, rest) = match address.split_once(' ') {
        Some((first, rest)) if first.starts_with(|letter: char| letter.is_ascii_digit()) => (first, rest),
        _ => ("", address),
    };
    // USPS Publication 28, appendix C2: the designators of units that stand in addresses of single rooms and houses.
    let words = [
        "#", "APT", "UNIT", "LOT", "STE", "SUITE", "RM", "TRLR", "BLDG", "FL",
    ];
    let mut at = 0;
    for word in rest.split(' ') {
        if at > 0 && (words.contains(&word) || word.starts_with('#')) {
            return AddressParts {
                number,
                street: rest[..at].trim_end(),
                unit: &rest[at..],
            };
        }
        at += word.len() + 1;
    }
    AddressParts {
        number,
        street: rest,
        unit: "",
    }
}

/// Whether two neighbouring characters of `one` exchanged give `other`.
pub fn is_neighbours_exchanged(one: &str, other: &str) -> bool {
    let (a, b) = (one.as_bytes(), other.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let Some(at) = a.iter().zip(b).position(|(x, y)| x != y) else {
        return false;
    };
    at + 1 < a.len() && a[at] == b[at + 1] && a[at + 1] == b[at] && a[at + 2..] == b[at + 2..]
}

/// Whether one letter inserted, deleted, replaced or exchanged with its neighbour makes one of the other (Damerau, 1964).
pub fn is_one_letter(one: &str, other: &str) -> bool {
    if one.len().abs_diff(other.len()) > 4 || one.is_empty() || other.is_empty() {
        return false;
    }
    strsim::osa_distance(one, other) == 1
}

/// Letters and digits alone: what is left of a name when hyphens, blanks and apostrophes are put aside.
fn bare(name: &str) -> Cow<'_, str> {
    if name.chars().all(char::is_alphanumeric) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.chars().filter(|letter| letter.is_alphanumeric()).collect())
    }
}

/// Gives every change between two rows to `each`, with the old and the new value where one value tells it.
///
/// `history` is the number of past elections that both rows' `others` begin with; `column` gives the run's place of the
/// columns that follow.
pub fn classify(
    old: &Entry,
    new: &Entry,
    layout: &Layout,
    history: usize,
    column: &dyn Fn(usize) -> u16,
    each: &mut dyn FnMut(Kind, &str, &str),
) {
    let mut some = false;
    let mut tell = |kind: Kind, from: &str, to: &str| {
        some = true;
        each(kind, from, to);
    };
    let values = |role: Role| (old.get(role), new.get(role));
    let differs = |role: Role| old.get(role) != new.get(role);
    let other_county = differs(Role::County);
    let (from, to) = values(Role::Address);
    let moved = from != to;
    if moved {
        let (a, b) = (address_parts(from), address_parts(to));
        if to.is_empty() {
            tell(Kind::AddressGone, "", "");
        } else if other_county {
            tell(Kind::MovedCounty, from, to);
        } else if a.street == b.street && a.unit == b.unit && !a.number.is_empty() && !b.number.is_empty() {
            let kind = if is_neighbours_exchanged(a.number, b.number) {
                Kind::HouseDigits
            } else {
                Kind::HouseNumber
            };
            tell(kind, a.number, b.number);
        } else if a.street == b.street && a.number == b.number {
            tell(Kind::Unit, a.unit, b.unit);
        } else if a.number == b.number && a.unit == b.unit && !a.number.is_empty() {
            tell(Kind::StreetAlone, a.street, b.street);
        } else {
            tell(Kind::Moved, from, to);
        }
    } else {
        if other_county {
            tell(Kind::CountyAlone, old.get(Role::County), new.get(Role::County));
        }
        if differs(Role::Zip) {
            tell(Kind::ZipAlone, old.get(Role::Zip), new.get(Role::Zip));
        } else if differs(Role::City) {
            tell(Kind::CityAlone, old.get(Role::City), new.get(Role::City));
        }
    }
    let follows = |entry: &Entry| {
        let mail = entry.get(Role::MailAddress);
        mail.is_empty() || mail == entry.get(Role::Address)
    };
    if differs(Role::MailAddress) {
        if !follows(new) {
            tell(
                Kind::MailRedirected,
                old.get(Role::MailAddress),
                new.get(Role::MailAddress),
            );
        } else if !follows(old) {
            tell(Kind::MailToResidence, "", "");
        }
    } else if !moved
        && !(follows(new) && (differs(Role::Zip) || differs(Role::City)))
        && let Some(role) = [Role::MailZip, Role::MailCity, Role::MailState]
            .into_iter()
            .find(|role| differs(*role))
    {
        tell(Kind::MailPlaceAlone, old.get(role), new.get(role));
    }
    status(old, new, layout, &mut tell);
    names(old, new, &mut tell);
    for (role, kind) in [
        (Role::Party, Kind::Party),
        (Role::BirthDate, Kind::BirthDate),
        (Role::Race, Kind::Race),
        (Role::Sex, Kind::Sex),
        (Role::Phone, Kind::Phone),
        (Role::Email, Kind::Email),
    ] {
        if differs(role) {
            tell(kind, old.get(role), new.get(role));
        }
    }
    // A move to another county is a new registration there.
    if !other_county {
        for (role, kind) in [
            (Role::RegistrationDate, Kind::RegistrationDate),
            (Role::LocalId, Kind::LocalId),
        ] {
            if differs(role) {
                tell(kind, old.get(role), new.get(role));
            }
        }
    }
    if differs(Role::Confidential) {
        let is_on = matches!(new.get(Role::Confidential), "Y" | "1" | "T" | "TRUE" | "YES");
        let kind = if is_on {
            Kind::ConfidentialOn
        } else {
            Kind::ConfidentialOff
        };
        tell(kind, "", "");
    }
    if !moved && !other_county {
        if differs(Role::Precinct) {
            tell(
                Kind::PrecinctAlone,
                old.get(Role::Precinct),
                new.get(Role::Precinct),
            );
        } else if differs(Role::District) {
            tell(
                Kind::DistrictAlone,
                old.get(Role::District),
                new.get(Role::District),
            );
        }
    }
    let others = old.others.iter().zip(&new.others);
    if others.clone().take(history).any(|(a, b)| a != b) {
        tell(Kind::History, "", "");
    }
    for (at, (a, b)) in others.enumerate().skip(history) {
        if a != b {
            tell(Kind::Column(column(at)), a, b);
        }
    }
    if !some {
        each(Kind::Formatting, "", "");
    }
}

fn status(old: &Entry, new: &Entry, layout: &Layout, tell: &mut dyn FnMut(Kind, &str, &str)) {
    let (from, to) = (old.get(Role::Status), new.get(Role::Status));
    let (from_reason, to_reason) = (old.get(Role::Reason), new.get(Role::Reason));
    let legal = is_legal(layout, to, to_reason);
    if from != to {
        let kind = match (status_class(layout, from), status_class(layout, to)) {
            (StatusClass::Active, StatusClass::Inactive) => Kind::Deactivated,
            (StatusClass::Inactive, StatusClass::Active) => Kind::Reactivated,
            (StatusClass::Removed, StatusClass::Removed) => Kind::StatusOther,
            (_, StatusClass::Removed) => Kind::Removed,
            (StatusClass::Removed, _) => Kind::Restored,
            _ => Kind::StatusOther,
        };
        tell(kind, from_reason, to_reason);
        if legal == Some(false) {
            tell(Kind::ReasonIllegal, "", "");
        }
    } else if from_reason != to_reason {
        tell(Kind::ReasonAlone, from_reason, to_reason);
        if legal == Some(false) && is_legal(layout, from, from_reason) != Some(false) {
            tell(Kind::ReasonIllegal, "", "");
        }
    }
}

fn names(old: &Entry, new: &Entry, tell: &mut dyn FnMut(Kind, &str, &str)) {
    let changed = |role: Role| bare(old.get(role)) != bare(new.get(role));
    let (last, first) = (changed(Role::LastName), changed(Role::FirstName));
    let letter = |role: Role| is_one_letter(&bare(old.get(role)), &bare(new.get(role)));
    if last && first {
        tell(Kind::NameWhole, "", "");
    } else if last {
        let kind = if letter(Role::LastName) {
            Kind::NameLetter
        } else {
            Kind::LastName
        };
        tell(kind, "", "");
    } else if first {
        let kind = if letter(Role::FirstName) {
            Kind::NameLetter
        } else {
            Kind::FirstName
        };
        tell(kind, "", "");
    }
    if changed(Role::MiddleName) && !(last && first) {
        tell(Kind::MiddleName, "", "");
    }
    if changed(Role::Suffix) {
        tell(Kind::Suffix, "", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::read_entry;
    use crate::read::{Form, records};

    fn kinds(before: &str, after: &str) -> Vec<&'static str> {
        let layout = Layout::built_in("nc").expect("it is there");
        let names = "ncid county_id last_name first_name status_cd reason_cd res_street_address zip_code mail_addr1 party_cd precinct_abbrv";
        let binding = layout
            .bind(names.split(' ').map(str::to_owned).collect())
            .expect("binds");
        let form = Form::new(&layout, binding.names.len());
        let entry = |row: &str| {
            let text = row.replace('|', "\t");
            let mut entry = Entry::default();
            records(text.as_bytes(), &form, &mut |_, place, spans| {
                read_entry(
                    &text.as_bytes()[place],
                    spans.expect("whole"),
                    &binding,
                    &form,
                    &mut entry,
                );
            });
            entry
        };
        let mut all = Vec::new();
        classify(
            &entry(before),
            &entry(after),
            &layout,
            0,
            &|_| 0,
            &mut |kind, _, _| all.push(kind.code()),
        );
        all
    }

    #[test]
    fn every_change_has_one_name() {
        let old = "AB1|1|SMITH-JONES|ANN|A|AV|123 OAK ST # 4|27001|123 OAK ST # 4|DEM|03";
        for (new, wanted) in [
            (
                "AB1|1|SMITH JONES|ANN|A|AV|123 OAK ST # 4|27001-1234|123 OAK ST # 4|DEM|03",
                vec!["formatting"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|A|AV|132 OAK ST # 4|27001|132 OAK ST # 4|DEM|03",
                vec!["house-number-digits"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|A|AV|223 OAK ST # 4|27001|223 OAK ST # 4|DEM|03",
                vec!["house-number"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|A|AV|123 ELM ST # 4|27001|123 ELM ST # 4|DEM|03",
                vec!["street-alone"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|A|AV|123 OAK ST # 5|27001|123 OAK ST # 5|DEM|03",
                vec!["unit"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|A|AV|9 ELM RD|27005|9 ELM RD|DEM|07",
                vec!["moved"],
            ),
            (
                "AB1|2|SMITH-JONES|ANN|A|AV|9 ELM RD|27015|9 ELM RD|DEM|07",
                vec!["moved-county"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|A|AV|123 OAK ST # 4|27001|PO BOX 9|DEM|03",
                vec!["mail-redirected"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|A|AV|123 OAK ST # 4|27002|123 OAK ST # 4|DEM|03",
                vec!["zip-alone"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|I|IN|123 OAK ST # 4|27001|123 OAK ST # 4|DEM|03",
                vec!["deactivated"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|I|AV|123 OAK ST # 4|27001|123 OAK ST # 4|DEM|03",
                vec!["deactivated", "status-reason-illegal"],
            ),
            (
                "AB1|1|SMITH-JONES|ANN|A|AV|123 OAK ST # 4|27001|123 OAK ST # 4|REP|04",
                vec!["party", "precinct-alone"],
            ),
            (
                "AB1|1|SMITH-JOMES|ANN|A|AV|123 OAK ST # 4|27001|123 OAK ST # 4|DEM|03",
                vec!["name-letter"],
            ),
            (
                "AB1|1|BROWN|ANN|A|AV|123 OAK ST # 4|27001|123 OAK ST # 4|DEM|03",
                vec!["last-name"],
            ),
            (
                "AB1|1|BROWN|TOM|A|AV|123 OAK ST # 4|27001|123 OAK ST # 4|DEM|03",
                vec!["name-whole"],
            ),
        ] {
            assert_eq!(kinds(old, new), wanted, "{new}");
        }
    }
}
