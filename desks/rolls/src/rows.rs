//! The entries behind findings, for the office that has to check them against its papers.
//!
//! The only output of the desk that names voters. It is written where the caller says and nowhere else: no finding, no page and
//! no record is made of it.

use std::io::Write;

use crate::compare::{CompareError, Entry, Rows, read_entry};
use crate::interval::{Interval, Listed, NOWHERE, Shared, common_columns};
use crate::judge::{Basis, Flag, Place, Test};
use crate::layout::{Binding, Role};
use crate::run::{Kept, Report};

/// First line of a list of rows.
pub const WARNING: &str = "# This file holds voters' identifiers and data. Keep it on this machine: do not publish, send or record it.";

/// Columns of a list of rows.
const COLUMNS: [&str; 10] = [
    "finding",
    "from",
    "to",
    "county",
    "column",
    "kind",
    "identifier",
    "before",
    "after",
    "stands_in",
];

/// What was listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowsWritten {
    /// Findings whose rows are listed.
    pub findings: u64,
    /// Rows.
    pub rows: u64,
    /// Rows that could not be read again: a file was changed since it was compared.
    pub lost: u64,
}

/// Writes the entries of every unexplained change as CSV, after the line [`WARNING`]. Findings are numbered from 1 in the order in
/// which they are told; `before` and `after` are the values of the finding's column, normalised for comparison.
///
/// The comparison must have been told to remember places ([`crate::run::Comparison::listing`]). Missing changes have no rows.
pub fn write_rows(report: &Report, out: &mut dyn Write) -> Result<RowsWritten, CompareError> {
    let doing = crate::compare::io;
    writeln!(out, "{WARNING}").map_err(doing("write the list of rows"))?;
    let mut csv = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| CompareError::Io {
        doing: "write the list of rows",
        source: std::io::Error::other(error),
    };
    csv.write_record(COLUMNS).map_err(failed)?;
    let mut written = RowsWritten::default();
    let unexplained = report
        .judgement
        .flags
        .iter()
        .filter(|flag| flag.explanation.is_none() && flag.first().basis != Basis::Fewer);
    for (at, flag) in unexplained.enumerate() {
        let mut reader = Reader::open(report, flag)?;
        let interval = report.interval(flag.interval);
        for listed in interval.counts.listed.iter().filter(|one| is_of(flag, one)) {
            let [identifier, before, after] = match reader.read(report, flag, listed)? {
                Told::Row(values) => values,
                Told::OfNoTest => continue,
                Told::Lost => {
                    written.lost += 1;
                    continue;
                }
            };
            let row = [
                (at + 1).to_string(),
                crate::explain::called(&interval.before),
                crate::explain::called(&interval.after),
                report.area(listed.area).0.to_owned(),
                listed.kind.field(&interval.binding, report.series.columns.all()),
                listed.kind.code().to_owned(),
                identifier,
                before,
                after,
                if listed.new == NOWHERE { "earlier" } else { "later" }.to_owned(),
            ];
            csv.write_record(row.iter().map(|value| harmless(value)))
                .map_err(failed)?;
            written.rows += 1;
        }
        written.findings += 1;
    }
    csv.flush().map_err(doing("write the list of rows"))?;
    Ok(written)
}

/// A value that no spreadsheet takes for a formula: rolls are outside data.
fn harmless(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{value}")
    } else {
        value.to_owned()
    }
}

/// Whether an entry was counted by one of a flag's tests.
fn is_of(flag: &Flag, listed: &Listed) -> bool {
    let is_there = match flag.place {
        Place::Area(area) => listed.area == area,
        Place::Whole => true,
    };
    is_there && flag.tests.iter().any(|test| test.kind == listed.kind)
}

/// What reading an entry again came to.
enum Told {
    /// Identifier, old and new value.
    Row([String; 3]),
    /// It has not the value that the flag's tests are about.
    OfNoTest,
    /// It cannot be read: the file was changed.
    Lost,
}

/// Reads entries of one interval again.
struct Reader<'a> {
    before: Side<'a>,
    after: Side<'a>,
}

struct Side<'a> {
    kept: &'a Kept,
    binding: Binding,
    rows: Rows,
    entry: Entry,
}

impl Side<'_> {
    fn read(&mut self, place: u64) -> Result<bool, CompareError> {
        if place == NOWHERE {
            self.entry = Entry::default();
            return Ok(true);
        }
        let (binding, form, entry) = (&self.binding, &self.kept.form, &mut self.entry);
        self.rows.fetch(place, &mut |row, spans| {
            read_entry(row, spans, binding, form, entry)
        })
    }
}

impl<'a> Reader<'a> {
    fn open(report: &'a Report, flag: &Flag) -> Result<Self, CompareError> {
        let earlier = report.earlier[report.judged[flag.interval]];
        let (before, after) = (&report.snapshots[earlier], &report.snapshots[earlier + 1]);
        let (old, new) = common_columns(&before.binding, &after.binding);
        let side = |kept: &'a Kept, binding: Binding| -> Result<Side<'a>, CompareError> {
            Ok(Side {
                kept,
                binding,
                rows: kept.data.rows(&kept.form)?,
                entry: Entry::default(),
            })
        };
        Ok(Reader {
            before: side(before, old)?,
            after: side(after, new)?,
        })
    }

    fn read(&mut self, report: &Report, flag: &Flag, listed: &Listed) -> Result<Told, CompareError> {
        if !self.before.read(listed.old)? || !self.after.read(listed.new)? {
            return Ok(Told::Lost);
        }
        let (old, new) = (&self.before.entry, &self.after.entry);
        let is_counted = |test: &Test| match test.basis {
            Basis::SharedValue(shared, hash) => shared.hash(new, &report.series.secrets) == hash,
            Basis::InSequence(house) => Shared::House.hash(new, &report.series.secrets) == house,
            _ => true,
        };
        let mut tests = flag.tests.iter().filter(|test| test.kind == listed.kind);
        if !tests.any(is_counted) {
            return Ok(Told::OfNoTest);
        }
        let identifier = if listed.new == NOWHERE { old } else { new }.get(Role::Id);
        let value = |entry: &Entry, interval: &Interval| match (listed.kind, listed.kind.role()) {
            (crate::kind::Kind::Column(at), _) => {
                let name = &report.series.columns.all()[usize::from(at)];
                let history = interval.binding.places(Role::History).len();
                let places = interval.binding.others.iter();
                let mut names = places.map(|place| &interval.binding.names[*place]);
                let place = names.position(|other| other == name);
                place
                    .and_then(|place| entry.others.get(history + place))
                    .cloned()
                    .unwrap_or_default()
            }
            (_, Some(role)) => entry.get(role).to_owned(),
            (_, None) => String::new(),
        };
        let interval = report.interval(flag.interval);
        Ok(Told::Row([
            identifier.to_owned(),
            value(old, interval),
            value(new, interval),
        ]))
    }
}
