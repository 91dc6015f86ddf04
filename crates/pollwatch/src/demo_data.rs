//! The worked election of `examples/us-2018`, inside the binary: the demo needs nothing beside it.

/// What the demo is about.
pub const TITLE: &str = "A worked election: United States, 2018. Ordinary names are invented; the impersonations among them \
are those that public reports of 2016 to 2018 named, and the mailbox with all its people is invented \
(examples/us-2018/README.md).";

/// What is protected.
pub const REGISTER: &str = include_str!("../../../examples/us-2018/register.toml");

/// The streams of names, by file name.
pub const SOURCES: &[(&str, &[u8])] = &[
    (
        "certificates.jsonl.gz",
        include_bytes!("../../../examples/us-2018/certificates.jsonl.gz"),
    ),
    (
        "names.txt.gz",
        include_bytes!("../../../examples/us-2018/names.txt.gz"),
    ),
];

/// A mailbox of invented staff mail, with attacks modelled on public reports.
pub const MAILBOX: (&str, &[u8]) = (
    "staff.mbox",
    include_bytes!("../../../examples/us-2018/mail/staff.mbox"),
);

/// Access logs of invented counties: the target's id, and the file.
pub const LOGS: &[(&str, &[u8])] = &[
    (
        "pinewater-county",
        include_bytes!("../../../examples/us-2018/logs/pinewater-county.log.gz"),
    ),
    (
        "osprey-ridge-county",
        include_bytes!("../../../examples/us-2018/logs/osprey-ridge-county.log.gz"),
    ),
    (
        "tarpon-bend-county",
        include_bytes!("../../../examples/us-2018/logs/tarpon-bend-county.log.gz"),
    ),
];

/// The county that gave no log.
pub const NO_LOG: &str = "saltmarsh-county";

/// The days that are asked about.
pub const LOG_WINDOW: &str = "2018-10-22..2018-11-04";
/// Six weekly files of an invented state's voter roll, the last of them tampered with.
pub const ROLLS: &[(&str, &[u8])] = &[
    (
        "roll_2018-09-03.txt.gz",
        include_bytes!("../../../examples/us-2018/rolls/roll_2018-09-03.txt.gz"),
    ),
    (
        "roll_2018-09-10.txt.gz",
        include_bytes!("../../../examples/us-2018/rolls/roll_2018-09-10.txt.gz"),
    ),
    (
        "roll_2018-09-17.txt.gz",
        include_bytes!("../../../examples/us-2018/rolls/roll_2018-09-17.txt.gz"),
    ),
    (
        "roll_2018-09-24.txt.gz",
        include_bytes!("../../../examples/us-2018/rolls/roll_2018-09-24.txt.gz"),
    ),
    (
        "roll_2018-10-01.txt.gz",
        include_bytes!("../../../examples/us-2018/rolls/roll_2018-10-01.txt.gz"),
    ),
    (
        "roll_2018-10-08.txt.gz",
        include_bytes!("../../../examples/us-2018/rolls/roll_2018-10-08.txt.gz"),
    ),
];

/// What the state announced.
pub const ROLLS_CALENDAR: &[u8] = include_bytes!("../../../examples/us-2018/rolls/calendar.csv");

/// The manifest of an invented county.
pub const AUDIT_MANIFEST: &[u8] = include_bytes!("../../../examples/us-2018/audit/manifest.csv");

/// The contests of that county.
pub const AUDIT_CONTESTS: &[u8] = include_bytes!("../../../examples/us-2018/audit/contests.csv");

/// What its voting system recorded.
pub const AUDIT_RECORDS: &[u8] = include_bytes!("../../../examples/us-2018/audit/cvr.csv.gz");

/// What people would read on its paper.
pub const AUDIT_PAPER: &[u8] = include_bytes!("../../../examples/us-2018/audit/paper.csv.gz");

/// The impersonations, each with the report that named it.
const REPORTED: &str = include_str!("../../../examples/us-2018/reported.csv");

/// The names that public reports call impersonation.
pub fn reported() -> Vec<String> {
    csv::Reader::from_reader(REPORTED.as_bytes())
        .records()
        .filter_map(|row| Some(row.ok()?.get(0)?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reported_row_can_be_read_and_cites_a_report() {
        let mut reader = csv::Reader::from_reader(REPORTED.as_bytes());
        let rows: Vec<_> = reader
            .records()
            .map(|row| row.expect("a row of reported.csv"))
            .collect();
        assert_eq!(rows.len(), reported().len());
        assert!(
            rows.iter().all(|row| row[4].starts_with("http")),
            "every row has an address of its report"
        );
    }
}
