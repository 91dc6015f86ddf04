//! Innocent causes and next steps.

use crate::judge::{Basis, Explanation};
use crate::kind::Kind;
use crate::layout::Role;

/// What innocent cause remains for changes of a kind.
pub fn innocent_causes(kind: Kind, basis: Basis) -> Vec<&'static str> {
    let mut causes = Vec::new();
    if basis == Basis::Fewer {
        return vec![
            "an office that was closed, short of staff or waiting for a vendor in that interval",
            "a file that was drawn earlier than its date says",
        ];
    }
    match kind.role() {
        Some(Role::Status | Role::Reason) => causes.extend([
            "list maintenance that is not in the calendar",
            "cards returned after a mailing, worked off in one batch",
            "a change of how codes are written",
        ]),
        Some(Role::Address | Role::City | Role::Zip | Role::County) => causes.extend([
            "addresses rewritten to the form of the postal service or of the county's 911 plan",
            "a new ZIP code or a street renamed in part",
            "a housing development or a campus that was filled in that week",
        ]),
        Some(Role::MailAddress | Role::MailCity | Role::MailState | Role::MailZip) => causes.extend([
            "a home, campus, shelter or mail service that gave its residents one new address",
            "requests to mail ballots elsewhere that were entered in one batch",
        ]),
        Some(Role::Party) => causes.extend([
            "a deadline to change party that holds in this county alone",
            "a correction of entries made wrongly before",
        ]),
        Some(Role::LastName | Role::FirstName | Role::MiddleName | Role::Suffix) => {
            causes.push("names corrected in one batch, as after a comparison with driver records");
        }
        Some(Role::BirthDate | Role::RegistrationDate) => {
            causes.push("placeholder dates replaced in one batch, as after a comparison with driver records");
        }
        Some(Role::Precinct | Role::District) => causes.extend([
            "a precinct that was split, or a boundary that was corrected",
            "redistricting that is not in the calendar",
        ]),
        Some(Role::Id) => causes.push("duplicates that were merged or entries that were issued again"),
        _ if matches!(kind, Kind::New | Kind::NewOddDate) => causes.extend([
            "a registration drive or a delivery of forms that is not in the calendar",
            "entries of another system that were taken over",
        ]),
        _ if matches!(kind, Kind::GoneActive | Kind::GoneInactive | Kind::GoneRemoved) => causes.extend([
            "removals under the law that are not in the calendar",
            "a file that was cut or drawn with a filter",
            "entries made confidential and left out of the public file",
        ]),
        _ => {}
    }
    causes.push("a correction that the office made in one batch and can show the order for");
    causes
}

/// What to do next.
///
/// `is_without_reason`: entries were deactivated or are gone in a file that has no column for the reason.
pub fn what_to_do(explanation: Option<&Explanation>, basis: Basis, is_without_reason: bool) -> &'static str {
    match explanation {
        Some(Explanation::Routine(_)) => {
            "Ask the county whether it did this, and put it into the calendar file."
        }
        Some(Explanation::WrittenAnew { .. }) => {
            "Ask the office whether another vendor or system wrote this file, and compare some entries by hand."
        }
        Some(_) => "Nothing, if the county confirms it.",
        None if basis == Basis::Fewer => "Ask the county whether work was left undone in that interval.",
        None if is_without_reason => {
            "This file has no reasons, and without them list maintenance and tampering look alike. Ask the county for the record of these \
             changes: who made them, when, and on what order. If it was list maintenance, put it into the calendar file and compare again; \
             if not, keep both files and list the entries with `pollwatch rolls compare --rows FILE`."
        }
        None => {
            "Ask the county for the record of these changes: who made them, when, and on what order. Until it is answered, keep \
             both files, and check the entries against the papers: `pollwatch rolls compare --rows FILE` lists them on your own machine."
        }
    }
}
