//! What an office announced: the calendar file that explains bulk changes.

use jiff::civil::Date;

use crate::kind::Kind;

/// Longest calendar file in bytes, and most lines of it.
pub const MAX_CALENDAR_BYTES: usize = 4 << 20;
/// Most events of a calendar.
pub const MAX_EVENTS: usize = 20_000;

/// What an office may announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// Entries made inactive or removed under the law.
    ListMaintenance,
    /// Notices of deaths worked off.
    Deceased,
    /// Precincts renumbered, split or joined.
    PrecinctChange,
    /// Districts drawn anew.
    Redistricting,
    /// Streets renamed or addresses rewritten.
    AddressChange,
    /// ZIP codes changed by the postal service.
    ZipChange,
    /// Many registrations at once.
    RegistrationDrive,
    /// A deadline of registration or party.
    Deadline,
    /// Another system or vendor: everything may change.
    SystemChange,
}

/// Every kind of event with its name in the file.
pub const EVENT_KINDS: [(EventKind, &str); 9] = [
    (EventKind::ListMaintenance, "list-maintenance"),
    (EventKind::Deceased, "deceased"),
    (EventKind::PrecinctChange, "precinct-change"),
    (EventKind::Redistricting, "redistricting"),
    (EventKind::AddressChange, "address-change"),
    (EventKind::ZipChange, "zip-change"),
    (EventKind::RegistrationDrive, "registration-drive"),
    (EventKind::Deadline, "deadline"),
    (EventKind::SystemChange, "system-change"),
];

impl EventKind {
    /// Whether such an event explains changes of a kind.
    pub fn explains(self, kind: Kind) -> bool {
        match self {
            EventKind::ListMaintenance => matches!(
                kind,
                Kind::Deactivated | Kind::Removed | Kind::GoneInactive | Kind::GoneRemoved | Kind::GoneActive
            ),
            EventKind::Deceased => matches!(kind, Kind::Removed | Kind::GoneActive | Kind::GoneInactive),
            EventKind::PrecinctChange => matches!(kind, Kind::PrecinctAlone | Kind::DistrictAlone),
            EventKind::Redistricting => {
                matches!(kind, Kind::DistrictAlone | Kind::PrecinctAlone | Kind::Column(_))
            }
            EventKind::AddressChange => matches!(
                kind,
                Kind::StreetAlone
                    | Kind::HouseNumber
                    | Kind::Unit
                    | Kind::CityAlone
                    | Kind::Formatting
                    | Kind::Moved
            ),
            EventKind::ZipChange => matches!(kind, Kind::ZipAlone | Kind::MailPlaceAlone),
            EventKind::RegistrationDrive => matches!(kind, Kind::New),
            EventKind::Deadline => matches!(
                kind,
                Kind::New
                    | Kind::Party
                    | Kind::Moved
                    | Kind::MovedCounty
                    | Kind::Reactivated
                    | Kind::MailRedirected
            ),
            EventKind::SystemChange => true,
        }
    }
}

/// One line of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Line in the file, from 1.
    pub line: u64,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Code or name of the county; empty: everywhere.
    pub county: String,
    /// What.
    pub kind: EventKind,
    /// At most so many entries; `None`: any number.
    pub most: Option<u64>,
    /// A note, such as the reference of an announcement.
    pub note: String,
}

/// The events of an office.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// In the order of the file.
    pub events: Vec<Event>,
}

impl Calendar {
    /// Reads a calendar: CSV with the header `from,to,county,event,most,note`, the last two optional. Gives back the events and
    /// what is wrong with the other lines: line and why.
    ///
    /// Errors: a text for the whole file, when it is too long or has no such header.
    pub fn parse(text: &str) -> Result<(Calendar, Vec<(u64, String)>), String> {
        if text.len() > MAX_CALENDAR_BYTES {
            return Err(format!("it is longer than {MAX_CALENDAR_BYTES} bytes"));
        }
        let mut lines = text.lines().enumerate().filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        });
        let header: Vec<String> = lines
            .next()
            .map(|(_, line)| fields(line.trim_start_matches('\u{feff}')))
            .unwrap_or_default()
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        let place = |name: &str| header.iter().position(|one| one == name);
        let (Some(from), Some(to), Some(county), Some(event)) =
            (place("from"), place("to"), place("county"), place("event"))
        else {
            return Err("its first line is not `from,to,county,event,most,note`".to_owned());
        };
        let (most, note) = (place("most"), place("note"));
        let mut calendar = Calendar::default();
        let mut wrong = Vec::new();
        for (at, line) in lines {
            let number = at as u64 + 1;
            if calendar.events.len() >= MAX_EVENTS {
                wrong.push((
                    number,
                    format!("more than {MAX_EVENTS} events: this and the rest is left out"),
                ));
                break;
            }
            let fields = fields(line);
            let field = |at: usize| fields.get(at).map(String::as_str).unwrap_or_default();
            let optional = |at: Option<usize>| at.map(field).unwrap_or_default();
            match read_event(
                number,
                field(from),
                field(to),
                field(county),
                field(event),
                optional(most),
                optional(note),
            ) {
                Ok(event) => calendar.events.push(event),
                Err(why) => wrong.push((number, why)),
            }
        }
        Ok((calendar, wrong))
    }

    /// The event that explains `count` changes of a kind in a county between two days. Where the days of the snapshots are not
    /// known nothing is explained by a calendar.
    pub fn explaining(
        &self,
        kind: Kind,
        county: &str,
        county_name: &str,
        between: (Option<Date>, Option<Date>),
        count: u64,
    ) -> Option<&Event> {
        let (Some(before), Some(after)) = between else {
            return None;
        };
        self.events.iter().find(|event| {
            let is_there = event.county.is_empty()
                || is_same_county(&event.county, county)
                || (!county_name.is_empty() && event.county.eq_ignore_ascii_case(county_name));
            is_there
                && event.kind.explains(kind)
                && event.from <= after
                && event.to >= before
                && event.most.is_none_or(|most| count <= most)
        })
    }
}

/// `7` and `007` are one county.
fn is_same_county(one: &str, other: &str) -> bool {
    let bare = |code: &str| code.trim_start_matches('0').to_ascii_uppercase();
    bare(one) == bare(other)
}

fn read_event(
    line: u64,
    from: &str,
    to: &str,
    county: &str,
    event: &str,
    most: &str,
    note: &str,
) -> Result<Event, String> {
    let day = |text: &str| {
        text.parse::<Date>()
            .map_err(|_| format!("{text:?} is no day written as 2026-08-31"))
    };
    let from = day(from)?;
    let to = if to.is_empty() { from } else { day(to)? };
    if to < from {
        return Err("it ends before it begins".to_owned());
    }
    let kind = EVENT_KINDS
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(event));
    let Some((kind, _)) = kind else {
        let known: Vec<&str> = EVENT_KINDS.iter().map(|(_, name)| *name).collect();
        return Err(format!("{event:?} is no event; known are {}", known.join(", ")));
    };
    let most = match most {
        "" => None,
        text => Some(text.parse().map_err(|_| format!("{text:?} is no number"))?),
    };
    Ok(Event {
        line,
        from,
        to,
        county: if county == "*" {
            String::new()
        } else {
            county.to_owned()
        },
        kind: *kind,
        most,
        note: note.chars().take(200).collect(),
    })
}

/// The fields of a line of CSV, blanks around them gone.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                fields.last_mut().expect("never empty").push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("never empty").push(letter),
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn events_are_read_and_faults_named_by_line() {
        let text = "# our year\nfrom,to,county,event,most,note\n2026-08-01,2026-08-07,007,list-maintenance,500,\"Notice 3, August\"\n\
                    2026-08-09,2026-08-01,*,deadline\nyesterday,,*,deadline\n2026-08-03,,*,party\n";
        let (calendar, wrong) = Calendar::parse(text).expect("it has a header");
        assert_eq!(calendar.events.len(), 1);
        assert_eq!(calendar.events[0].note, "Notice 3, August");
        assert_eq!(wrong.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5, 6]);
        let days = (
            Some("2026-08-03".parse().expect("a day")),
            Some("2026-08-10".parse().expect("a day")),
        );
        assert!(
            calendar
                .explaining(Kind::Deactivated, "7", "", days, 500)
                .is_some()
        );
        assert!(
            calendar
                .explaining(Kind::Deactivated, "7", "", days, 501)
                .is_none()
        );
        assert!(calendar.explaining(Kind::Party, "7", "", days, 5).is_none());
        assert!(calendar.explaining(Kind::Deactivated, "8", "", days, 5).is_none());
        assert!(
            calendar
                .explaining(Kind::Deactivated, "7", "", (None, None), 5)
                .is_none()
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,300}") {
            Calendar::parse(&text).ok();
            Calendar::parse(&format!("from,to,county,event\n{text}")).ok();
        }
    }
}
