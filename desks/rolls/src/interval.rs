//! What changed between two snapshots: counted by area and kind, never by voter.

mod sequence;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use rapidhash::v3::RapidSecrets;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::classify::{StatusClass, address_parts, classify, status_class};
use crate::compare::{CompareError, Entry, Pairs, Rows, Snapshot, pair_up, read_entry, threads};
use crate::kind::Kind;
use crate::layout::{Binding, Drift, Layout, Role};
use crate::linkage::{LinkReport, link};
use crate::names::Names;

pub use sequence::Runs;

/// Rows that one thread takes at a time.
const BATCH: usize = 32_768;

/// Most entries of each table that remembers single values (hashes of them). With 16 bytes an entry one table is below
/// 100 MB; an interval with more changes than that is a new format, and is said to be one.
const MAX_REMEMBERED: usize = 4_000_000;

/// Days by which a registration may reach the file late: forms handed in at a motor-vehicle office are sent on within 10 days
/// (52 U.S.C. 20504(e)), and every state closes its books at most 30 days before an election (20507(a)(1)).
const LATE_DAYS: i32 = 40;

/// A code that the layout does not list is repeated when so many entries have it …
const MIN_TOLD: u64 = crate::judge::MIN_CELL;
/// … and it is no longer than codes are …
const MAX_CODE_BYTES: usize = 12;
/// … and so many at most.
const MAX_CODES_TOLD: usize = 20;

/// An attribute by which changed voters are compared with all voters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// Party.
    Party,
    /// Age in bands.
    Age,
    /// Sex.
    Sex,
    /// Race.
    Race,
    /// Precinct.
    Precinct,
    /// First district column.
    District,
    /// Year of registration.
    RegisteredYear,
    /// Status.
    Status,
}

/// Every attribute.
pub const ATTRIBUTES: [Attribute; 8] = [
    Attribute::Party,
    Attribute::Age,
    Attribute::Sex,
    Attribute::Race,
    Attribute::Precinct,
    Attribute::District,
    Attribute::RegisteredYear,
    Attribute::Status,
];

impl Attribute {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Attribute::Party => "party",
            Attribute::Age => "age",
            Attribute::Sex => "sex",
            Attribute::Race => "race",
            Attribute::Precinct => "precinct",
            Attribute::District => "district",
            Attribute::RegisteredYear => "year of registration",
            Attribute::Status => "status",
        }
    }

    /// The value of an entry; empty where it has none.
    pub fn of<'a>(self, entry: &'a Entry, layout: &Layout, year: i16, band: &'a mut String) -> &'a str {
        match self {
            Attribute::Party => entry.get(Role::Party),
            Attribute::Sex => entry.get(Role::Sex),
            Attribute::Race => entry.get(Role::Race),
            Attribute::Precinct => entry.get(Role::Precinct),
            Attribute::District => entry.get(Role::District).split(' ').next().unwrap_or_default(),
            Attribute::Status => entry.get(Role::Status),
            Attribute::Age => entry
                .date(Role::BirthDate, layout)
                .map_or("", |born| age_band(year - born.year())),
            Attribute::RegisteredYear => match entry.date(Role::RegistrationDate, layout) {
                Some(date) => {
                    *band = date.year().to_string();
                    band
                }
                None => "",
            },
        }
    }
}

/// Bands of age: ten years each from 25 on, as tables of voters by age mostly have them, the youngest and the oldest together. Any
/// bands do that are fixed beforehand.
fn age_band(age: i16) -> &'static str {
    match age {
        ..=24 => "18 to 24",
        25..=34 => "25 to 34",
        35..=44 => "35 to 44",
        45..=54 => "45 to 54",
        55..=64 => "55 to 64",
        65..=74 => "65 to 74",
        75..=84 => "75 to 84",
        _ => "85 and over",
    }
}

/// What sort of value several entries may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shared {
    /// The new mailing address of an entry that was there.
    Mail,
    /// The new residence of an entry that was there.
    Residence,
    /// The residence of a new entry.
    NewResidence,
    /// A new telephone number.
    Phone,
    /// A new e-mail address.
    Email,
    /// The house of a new entry, whatever its unit. Houses are compared only where identifiers follow each other.
    House,
}

impl Shared {
    /// The kind of change that it belongs to.
    pub fn kind(self) -> Kind {
        match self {
            Shared::Mail => Kind::MailRedirected,
            Shared::Residence => Kind::Moved,
            Shared::NewResidence | Shared::House => Kind::New,
            Shared::Phone => Kind::Phone,
            Shared::Email => Kind::Email,
        }
    }

    /// The hash of the value of an entry of the later file.
    pub(crate) fn hash(self, entry: &Entry, secrets: &RapidSecrets) -> u64 {
        match self {
            // The ZIP code of a mailing address is often that of the residence: inside one county the address says enough.
            Shared::Mail => hash_of(&[entry.get(Role::MailAddress)], secrets),
            Shared::Residence | Shared::NewResidence => {
                hash_of(&[entry.get(Role::Address), entry.get(Role::Zip)], secrets)
            }
            Shared::Phone => hash_of(&[entry.get(Role::Phone)], secrets),
            Shared::Email => hash_of(&[entry.get(Role::Email)], secrets),
            Shared::House => {
                let parts = address_parts(entry.get(Role::Address));
                hash_of(&[parts.number, parts.street, entry.get(Role::Zip)], secrets)
            }
        }
    }

    /// What is shared, in words.
    pub fn words(self) -> &'static str {
        match self {
            Shared::Mail => "mailing address",
            Shared::Residence | Shared::NewResidence => "residence",
            Shared::Phone => "telephone number",
            Shared::Email => "e-mail address",
            Shared::House => "house",
        }
    }
}

/// Counts of one interval.
#[derive(Debug, Default)]
pub struct Counts {
    /// Changes by area and kind.
    pub changes: FxHashMap<(u16, Kind), u64>,
    /// Of the changed entries of an area and kind, how many have a value of an attribute.
    pub groups: FxHashMap<(u16, Kind, Attribute, u32), u64>,
    /// Changes of an area and kind by old and new value, for kinds that a mapping explains.
    pub mappings: FxHashMap<(u16, Kind, u32, u32), u64>,
    /// How many entries of an area came to share a value, by the value's hash.
    pub shared: FxHashMap<(u16, Shared, u64), u32>,
    /// New entries of an area by date of registration (days since 1970).
    pub new_dates: FxHashMap<(u16, i32), u64>,
    /// Runs of new entries whose identifiers follow each other, by area.
    pub runs: FxHashMap<u16, Runs>,
    /// New entries, until their runs are known.
    new_ids: Vec<sequence::NewId>,
    /// Deactivations and removals with a reason that is given in bulk, by area.
    pub bulk_reason: FxHashMap<(u16, Kind), u64>,
    /// Hashes of identifier, role and the value that was replaced.
    replaced: Vec<u64>,
    /// Hashes of persons: gone, new, replaced by another, put in another's place.
    gone: Vec<u64>,
    appeared: Vec<(u64, Listed)>,
    swapped_out: Vec<u64>,
    swapped_in: Vec<(u64, Listed)>,
    /// Codes that the layout does not list.
    new_codes: BTreeMap<(String, String), u64>,
    /// Entries of which name and birth date both changed.
    other_person: u64,
    /// Rows that could not be read again.
    lost: u64,
    /// Places of what was counted, where they are asked for.
    pub listed: Vec<Listed>,
    /// Whether a table was full.
    is_truncated: bool,
}

/// What two snapshots differ in.
#[derive(Debug)]
pub struct Interval {
    /// Name and day of the earlier one.
    pub before: (String, Option<Date>),
    /// Name and day of the later one.
    pub after: (String, Option<Date>),
    /// Rows of each area in the earlier one.
    pub rows_of: FxHashMap<u16, u64>,
    /// Rows of the two.
    pub rows: (u64, u64),
    /// Rows that are the same.
    pub same: u64,
    /// Rows of one identifier that differ.
    pub changed: u64,
    /// Rows that only the earlier one has.
    pub gone: u64,
    /// Rows that only the later one has.
    pub new: u64,
    /// Rows beyond the first of their identifier.
    pub repeated: (u64, u64),
    /// How the columns differ.
    pub drift: Drift,
    /// The counts.
    pub counts: Counts,
    /// The columns of the earlier one.
    pub binding: Binding,
    /// Why the two cannot be compared; then nothing is counted.
    pub refused: Option<String>,
    /// What is worth saying.
    pub notes: Vec<String>,
    /// Whether the two hold the same rows.
    pub is_same_file: bool,
    /// What linking by name, birth date and address came to, where identifiers did not do.
    pub linked: Option<LinkReport>,
}

/// What a run of several intervals shares.
#[derive(Debug)]
pub struct Series {
    /// Key of the hashes of this run.
    pub secrets: RapidSecrets,
    /// Codes of the areas.
    pub areas: Names,
    /// Names of the areas, where the file has them.
    pub area_names: FxHashMap<u16, String>,
    /// Values of attributes and mappings.
    pub values: Names,
    /// Columns without a role.
    pub columns: Names,
    /// Hashes of identifier, role and every value that was replaced so far.
    replaced: FxHashSet<u64>,
    /// Whether more was replaced than is remembered.
    pub is_forgetful: bool,
}

/// Whether persons are looked for by name, birth date and address where identifiers do not do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Linking {
    /// No: the interval is not compared.
    #[default]
    Off,
    /// Yes.
    On,
}

/// Whether places of changed entries are remembered, so that the rows behind a finding can be listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Listing {
    /// No: counts alone.
    #[default]
    Off,
    /// Yes.
    On,
}

/// Where an entry that was counted stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The area that it was counted in.
    pub area: u16,
    /// As what.
    pub kind: Kind,
    /// Its place in the earlier file; [`NOWHERE`] for a new entry.
    pub old: u64,
    /// Its place in the later file; [`NOWHERE`] for one that is gone.
    pub new: u64,
}

/// A place that is none.
pub const NOWHERE: u64 = u64::MAX;

impl Interval {
    /// Takes over what pairing found.
    fn tell(&mut self, pairs: &Pairs) {
        self.same = pairs.same;
        self.changed = pairs.changed.len() as u64;
        self.gone = pairs.gone.len() as u64;
        self.new = pairs.new.len() as u64;
        self.repeated = (pairs.repeated_before, pairs.repeated_after);
    }
}

impl Series {
    /// An empty one.
    pub fn new(key: u64) -> Self {
        Series {
            secrets: RapidSecrets::seed(key),
            areas: Names::default(),
            area_names: FxHashMap::default(),
            values: Names::default(),
            columns: Names::default(),
            replaced: FxHashSet::default(),
            is_forgetful: false,
        }
    }
}

/// The columns of two files that both have, in places of each.
pub fn common_columns(earlier: &Binding, later: &Binding) -> (Binding, Binding) {
    let keep = |these: &Binding, those: &Binding| {
        let in_those = |at: &usize| {
            let name = &these.names[*at];
            those.names.iter().any(|other| other.eq_ignore_ascii_case(name))
        };
        let mut kept = these.clone();
        for places in kept.roles.values_mut() {
            places.retain(&in_those);
        }
        kept.roles.retain(|_, places| !places.is_empty());
        kept.others.retain(&in_those);
        let by_name = |at: &usize| these.names[*at].to_ascii_lowercase();
        kept.others.sort_by_key(by_name);
        if let Some(history) = kept.roles.get_mut(&Role::History) {
            history.sort_by_key(by_name);
        }
        kept
    };
    (keep(earlier, later), keep(later, earlier))
}

/// Compares two snapshots.
pub fn compare_snapshots(
    before: &Snapshot,
    after: &Snapshot,
    series: &mut Series,
    linking: Linking,
    listing: Listing,
    progress: &mut dyn FnMut(u64),
) -> Result<Interval, CompareError> {
    let drift = Drift::between(&before.binding, &after.binding);
    let (old_binding, new_binding) = common_columns(&before.binding, &after.binding);
    let mut interval = Interval {
        before: (before.name.clone(), before.date),
        after: (after.name.clone(), after.date),
        rows_of: FxHashMap::default(),
        rows: (before.rows, after.rows),
        same: 0,
        changed: 0,
        gone: 0,
        new: 0,
        repeated: (0, 0),
        drift,
        counts: Counts::default(),
        binding: old_binding.clone(),
        refused: None,
        notes: Vec::new(),
        linked: None,
        is_same_file: before.rows == after.rows && before.sum == after.sum && before.rows > 0,
    };
    let mut codes: Vec<_> = before
        .rows_of
        .iter()
        .chain(&after.rows_of)
        .map(|(code, _)| code)
        .collect();
    codes.sort();
    for code in codes {
        series.areas.place(code);
    }
    for (code, rows) in &before.rows_of {
        interval.rows_of.insert(series.areas.place(code) as u16, *rows);
    }
    if before.layout.name != after.layout.name {
        interval.refused = Some(format!(
            "the earlier file is of layout {} and the later of layout {}: two layouts cannot be compared; give a mapping \
             file for both",
            before.layout.name, after.layout.name
        ));
        return Ok(interval);
    }
    let mut pairs = pair_up(before, after)?;
    interval.tell(&pairs);
    if let Some(why) = identifiers_differ(&interval) {
        if linking == Linking::Off {
            interval.refused = Some(why);
            return Ok(interval);
        }
        let (linked, report) = link(before, after, progress)?;
        pairs = linked;
        interval.tell(&pairs);
        interval.linked = Some(report);
    }
    let history = old_binding.places(Role::History).len();
    let columns: Vec<u16> = old_binding
        .others
        .iter()
        .map(|at| series.columns.place(&old_binding.names[*at]) as u16)
        .collect();
    let work = Work {
        before,
        after,
        old_binding: &old_binding,
        new_binding: &new_binding,
        history,
        columns: &columns,
        listing,
        replaced: &series.replaced,
        secrets: &series.secrets,
        areas: &series.areas,
        values: Mutex::new(std::mem::take(&mut series.values)),
        area_names: Mutex::new(std::mem::take(&mut series.area_names)),
    };
    let outcome = work.run(&pairs, progress);
    series.values = work.values.into_inner().unwrap_or_else(PoisonError::into_inner);
    series.area_names = work
        .area_names
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let mut counts = outcome?;
    // "Another person under the same identifier" for a tenth of all entries is no churn: names change for some 1 in 1,000 a
    // year together with the birth date, by correction.
    let common = interval.same + interval.changed;
    if counts.other_person * 10 > common && common > 0 {
        interval.refused = Some(format!(
            "under {} of 100 identifiers that both files have stands another person (name and birth date): the identifier \
             means something else in the later file. Try --link, or another `fields.id` in a mapping file",
            counts.other_person * 100 / common
        ));
        return Ok(interval);
    }
    let replaced = std::mem::take(&mut counts.replaced);
    if series.replaced.len() + replaced.len() <= MAX_REMEMBERED {
        series.replaced.extend(replaced);
    } else {
        series.is_forgetful = true;
    }
    persons(&mut counts, listing);
    counts.runs = sequence::runs(std::mem::take(&mut counts.new_ids));
    counts.listed.sort_unstable();
    // A column that is mapped wrongly may hold anything: only short codes of several entries are repeated.
    let (told, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut counts.new_codes)
        .into_iter()
        .partition(|((_, code), count)| *count >= MIN_TOLD && code.len() <= MAX_CODE_BYTES);
    interval
        .drift
        .new_codes
        .extend(told.into_iter().map(|(code, _)| code).take(MAX_CODES_TOLD));
    if !rest.is_empty() {
        interval.notes.push(format!(
            "{} further codes that the layout does not list stand in changed or new entries",
            rest.len()
        ));
    }
    if counts.lost > 0 {
        interval.notes.push(format!(
            "{} rows could not be read a second time: was a file changed while it was compared?",
            counts.lost
        ));
    }
    if counts.is_truncated {
        interval.notes.push(format!(
            "more than {MAX_REMEMBERED} entries changed: shared values, returned values and exchanged identifiers were \
             looked for among the first of them only"
        ));
    }
    interval.counts = counts;
    Ok(interval)
}

/// Why the identifiers of two files cannot mean the same, if so.
fn identifiers_differ(interval: &Interval) -> Option<String> {
    let common = interval.same + interval.changed;
    let smaller = interval.rows.0.min(interval.rows.1);
    let repeated = interval.repeated.0.max(interval.repeated.1);
    let larger = interval.rows.0.max(interval.rows.1);
    if smaller == 0 {
        return Some("one of the two files has no rows".to_owned());
    }
    // A roll repeats identifiers by mistake; one in twenty is a column that does not identify.
    if repeated * 20 > larger {
        return Some(format!(
            "{repeated} of {larger} rows repeat an identifier: the column does not identify voters in the whole roll. Name \
             further columns under `fields.id` in a mapping file"
        ));
    }
    // No roll loses half of its voters between two snapshots of one year.
    (common * 2 < smaller).then(|| {
        format!(
            "only {common} of {smaller} identifiers stand in both files: identifiers were issued anew, or mean something \
             else. `--link` finds the same persons by name, birth date and address"
        )
    })
}

/// Counts persons that are gone under one identifier and there under another.
fn persons(counts: &mut Counts, listing: Listing) {
    let gone: FxHashSet<u64> = counts.gone.iter().copied().collect();
    let out: FxHashSet<u64> = counts.swapped_out.iter().copied().collect();
    let appeared = std::mem::take(&mut counts.appeared).into_iter();
    let swapped = std::mem::take(&mut counts.swapped_in).into_iter();
    let found = appeared
        .filter(|(person, _)| gone.contains(person))
        .chain(swapped.filter(|(person, _)| out.contains(person)));
    for (_, listed) in found {
        *counts.changes.entry((listed.area, listed.kind)).or_default() += 1;
        if listing == Listing::On && counts.listed.len() < MAX_REMEMBERED {
            counts.listed.push(listed);
        }
    }
    counts.gone = Vec::new();
    counts.swapped_out = Vec::new();
}

/// What the threads share.
struct Work<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    old_binding: &'a Binding,
    new_binding: &'a Binding,
    history: usize,
    columns: &'a [u16],
    listing: Listing,
    replaced: &'a FxHashSet<u64>,
    secrets: &'a RapidSecrets,
    areas: &'a Names,
    values: Mutex<Names>,
    area_names: Mutex<FxHashMap<u16, String>>,
}

/// A piece of work of one thread.
enum Piece<'a> {
    Changed(&'a [(u64, u64)]),
    Gone(&'a [u64]),
    New(&'a [u64]),
}

impl Work<'_> {
    fn run(&self, pairs: &Pairs, progress: &mut dyn FnMut(u64)) -> Result<Counts, CompareError> {
        let mut pieces: Vec<Piece<'_>> = pairs.changed.chunks(BATCH).map(Piece::Changed).collect();
        pieces.extend(pairs.gone.chunks(BATCH).map(Piece::Gone));
        pieces.extend(pairs.new.chunks(BATCH).map(Piece::New));
        let next = AtomicUsize::new(0);
        let (send, done) = std::sync::mpsc::channel::<u64>();
        let total = Mutex::new(Ok(Counts::default()));
        std::thread::scope(|scope| {
            for _ in 0..threads() {
                let send = send.clone();
                let (next, pieces, total) = (&next, &pieces, &total);
                scope.spawn(move || {
                    let outcome = self.work(next, pieces, &send);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    match (outcome, &mut *total) {
                        (Ok(own), Ok(sum)) => sum.join(own),
                        (Err(error), sum @ Ok(_)) => *sum = Err(error),
                        _ => {}
                    }
                });
            }
            drop(send);
            for rows in done {
                progress(rows);
            }
        });
        total.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(
        &self,
        next: &AtomicUsize,
        pieces: &[Piece<'_>],
        done: &std::sync::mpsc::Sender<u64>,
    ) -> Result<Counts, CompareError> {
        let mut teller = Teller {
            work: self,
            counts: Counts::default(),
            value_places: FxHashMap::default(),
            named_areas: FxHashSet::default(),
            band: String::new(),
            here: (NOWHERE, NOWHERE),
        };
        let mut old_rows = self.before.data.rows(&self.before.form)?;
        let mut new_rows = self.after.data.rows(&self.after.form)?;
        let (mut old, mut new) = (Entry::default(), Entry::default());
        loop {
            let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return Ok(teller.counts);
            };
            match piece {
                Piece::Changed(pairs) => teller.changed(pairs, &mut old_rows, &mut new_rows)?,
                Piece::Gone(places) => {
                    for place in *places {
                        let is_there = fetch(&mut old_rows, *place, self.before, self.old_binding, &mut old)?;
                        teller.here = (*place, NOWHERE);
                        if is_there {
                            teller.gone(&old)
                        } else {
                            teller.counts.lost += 1
                        }
                    }
                }
                Piece::New(places) => {
                    for place in *places {
                        let is_there = fetch(&mut new_rows, *place, self.after, self.new_binding, &mut new)?;
                        teller.here = (NOWHERE, *place);
                        if is_there {
                            teller.new_entry(&new)
                        } else {
                            teller.counts.lost += 1
                        }
                    }
                }
            }
            let rows = match piece {
                Piece::Changed(pairs) => pairs.len(),
                Piece::Gone(places) | Piece::New(places) => places.len(),
            };
            // Nobody listens any more only when the whole comparison ends.
            done.send(rows as u64).ok();
        }
    }
}

fn fetch(
    rows: &mut Rows,
    place: u64,
    snapshot: &Snapshot,
    binding: &Binding,
    entry: &mut Entry,
) -> Result<bool, CompareError> {
    rows.fetch(place, &mut |row, spans| {
        read_entry(row, spans, binding, &snapshot.form, entry)
    })
}

/// The hash of several values, one after another.
pub(crate) fn hash_of(values: &[&str], secrets: &RapidSecrets) -> u64 {
    let mut joined = String::with_capacity(64);
    for value in values {
        joined.push_str(value);
        joined.push('\u{1f}');
    }
    crate::compare::short_hash(joined.as_bytes(), secrets)
}

/// Counts for one thread.
struct Teller<'a> {
    work: &'a Work<'a>,
    counts: Counts,
    /// Places of values that this thread has met.
    value_places: FxHashMap<String, u32>,
    named_areas: FxHashSet<u16>,
    band: String,
    /// Places of the entry that is looked at: earlier file, later file.
    here: (u64, u64),
}

impl Teller<'_> {
    /// Earlier rows are read in their order, then later rows in theirs: both files are swept once for every piece.
    fn changed(
        &mut self,
        pairs: &[(u64, u64)],
        old_rows: &mut Rows,
        new_rows: &mut Rows,
    ) -> Result<(), CompareError> {
        let work = self.work;
        // `pairs` are sorted by their places in the earlier file. Rows are kept in one buffer until their partner is read.
        let mut kept: Vec<Option<Entry>> = Vec::with_capacity(pairs.len());
        for (place, _) in pairs {
            let mut entry = Entry::default();
            let is_there = fetch(old_rows, *place, work.before, work.old_binding, &mut entry)?;
            kept.push(is_there.then_some(entry));
        }
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_unstable_by_key(|at| pairs[*at].1);
        let mut new = Entry::default();
        for at in order {
            let is_there = fetch(new_rows, pairs[at].1, work.after, work.new_binding, &mut new)?;
            self.here = pairs[at];
            match (kept[at].take(), is_there) {
                (Some(old), true) => self.pair(&old, &new),
                _ => self.counts.lost += 1,
            }
        }
        Ok(())
    }

    fn pair(&mut self, old: &Entry, new: &Entry) {
        let work = self.work;
        let layout = &*work.before.layout;
        let area = self.area(old);
        let mut told: Vec<Kind> = Vec::new();
        let mut mapped: Vec<(Kind, String, String)> = Vec::new();
        let columns = work.columns;
        classify(
            old,
            new,
            layout,
            work.history,
            &|at| columns.get(at - work.history).copied().unwrap_or(0),
            &mut |kind, from, to| {
                told.push(kind);
                if kind.is_mapped() {
                    mapped.push((kind, from.to_owned(), to.to_owned()));
                }
            },
        );
        for kind in &told {
            self.count(area, *kind, old);
        }
        for (kind, from, to) in mapped {
            let (from, to) = (self.value(&from), self.value(&to));
            *self.counts.mappings.entry((area, kind, from, to)).or_default() += 1;
        }
        if told.contains(&Kind::MailRedirected) {
            self.share(area, Shared::Mail, new);
        }
        if told
            .iter()
            .any(|kind| matches!(kind, Kind::Moved | Kind::MovedCounty))
        {
            let to = if told.contains(&Kind::MovedCounty) {
                self.area(new)
            } else {
                area
            };
            self.share(to, Shared::Residence, new);
        }
        if told.contains(&Kind::Phone) && !new.get(Role::Phone).is_empty() {
            self.share(area, Shared::Phone, new);
        }
        if told.contains(&Kind::Email) && !new.get(Role::Email).is_empty() {
            self.share(area, Shared::Email, new);
        }
        let bulk = &layout.bulk_reasons;
        for (kind, reasons) in [
            (Kind::Deactivated, &bulk.inactive),
            (Kind::Removed, &bulk.removed),
        ] {
            let reason = new.get(Role::Reason);
            if told.contains(&kind) && reasons.iter().any(|one| one.eq_ignore_ascii_case(reason)) {
                *self.counts.bulk_reason.entry((area, kind)).or_default() += 1;
            }
        }
        self.returned(area, old, new);
        let is_new_name = told.contains(&Kind::NameWhole);
        if is_new_name
            || (told.contains(&Kind::BirthDate)
                && told
                    .iter()
                    .any(|kind| matches!(kind, Kind::LastName | Kind::FirstName)))
        {
            if told.contains(&Kind::BirthDate) {
                self.counts.other_person += 1;
            }
            if self.has_room(self.counts.swapped_in.len()) {
                let (out, into) = (self.person(old), self.person(new));
                self.counts.swapped_out.push(out);
                let listed = self.listed(area, Kind::IdSwapped);
                self.counts.swapped_in.push((into, listed));
            }
        }
        self.codes(new);
    }

    /// Values that an older snapshot had, and those that are replaced now. A status that comes back is routine.
    fn returned(&mut self, area: u16, old: &Entry, new: &Entry) {
        const LOOKED_AT: [Role; 12] = [
            Role::LastName,
            Role::FirstName,
            Role::Address,
            Role::Zip,
            Role::MailAddress,
            Role::Phone,
            Role::Email,
            Role::BirthDate,
            Role::RegistrationDate,
            Role::Party,
            Role::Precinct,
            Role::Confidential,
        ];
        // With the address its ZIP code and precinct come back, and the mail that follows it: that is one thing.
        let moved = old.get(Role::Address) != new.get(Role::Address);
        for role in LOOKED_AT {
            let (from, to) = (old.get(role), new.get(role));
            if from == to {
                continue;
            }
            let key = |value: &str| self.hash(&[old.get(Role::Id), role.name(), value]);
            let follows = moved
                && (matches!(role, Role::Zip | Role::Precinct)
                    || (role == Role::MailAddress && to == new.get(Role::Address)));
            if !follows && self.work.replaced.contains(&key(to)) {
                self.count(area, Kind::Returned(role), old);
            }
            let key = self.hash(&[old.get(Role::Id), role.name(), from]);
            if self.has_room(self.counts.replaced.len()) {
                self.counts.replaced.push(key);
            }
        }
    }

    fn gone(&mut self, old: &Entry) {
        let area = self.area(old);
        let kind = match status_class(&self.work.before.layout, old.get(Role::Status)) {
            StatusClass::Removed => Kind::GoneRemoved,
            StatusClass::Inactive => Kind::GoneInactive,
            StatusClass::Active | StatusClass::Unknown => Kind::GoneActive,
        };
        self.count(area, kind, old);
        if self.has_room(self.counts.gone.len()) {
            let person = self.person(old);
            self.counts.gone.push(person);
        }
    }

    fn new_entry(&mut self, new: &Entry) {
        let area = self.area(new);
        self.count(area, Kind::New, new);
        if let Some(date) = new.date(Role::RegistrationDate, &self.work.after.layout) {
            let day = days(date);
            *self.counts.new_dates.entry((area, day)).or_default() += 1;
            let is_early = self
                .work
                .before
                .date
                .is_some_and(|before| day < days(before) - LATE_DAYS);
            let is_late = self.work.after.date.is_some_and(|after| day > days(after));
            if is_early || is_late {
                self.count(area, Kind::NewOddDate, new);
            }
        }
        if !new.get(Role::Address).is_empty() {
            self.share(area, Shared::NewResidence, new);
        }
        self.new_id(area, new);
        if self.has_room(self.counts.appeared.len()) {
            let person = self.person(new);
            let listed = self.listed(area, Kind::IdReissued);
            self.counts.appeared.push((person, listed));
        }
        self.codes(new);
    }

    fn new_id(&mut self, area: u16, new: &Entry) {
        let date = new.date(Role::RegistrationDate, &self.work.after.layout);
        let Some((prefix, number)) = sequence::numbered(new.get(Role::Id)) else {
            return;
        };
        if new.get(Role::Address).is_empty() || !self.has_room(self.counts.new_ids.len()) {
            return;
        }
        let id = sequence::NewId {
            prefix: self.hash(&[prefix]),
            number,
            area,
            date: date.map_or(0, days),
            house: Shared::House.hash(new, self.work.secrets),
        };
        self.counts.new_ids.push(id);
    }

    fn count(&mut self, area: u16, kind: Kind, entry: &Entry) {
        *self.counts.changes.entry((area, kind)).or_default() += 1;
        if kind == Kind::Formatting {
            return;
        }
        if self.work.listing == Listing::On && self.has_room(self.counts.listed.len()) {
            let listed = self.listed(area, kind);
            self.counts.listed.push(listed);
        }
        let layout = &*self.work.before.layout;
        let year = self.work.after.date.map_or(2000, Date::year);
        for attribute in ATTRIBUTES {
            let mut band = std::mem::take(&mut self.band);
            let value = attribute.of(entry, layout, year, &mut band);
            let place = self.value(value);
            self.band = band;
            *self
                .counts
                .groups
                .entry((area, kind, attribute, place))
                .or_default() += 1;
        }
    }

    fn listed(&self, area: u16, kind: Kind) -> Listed {
        Listed {
            area,
            kind,
            old: self.here.0,
            new: self.here.1,
        }
    }

    fn share(&mut self, area: u16, shared: Shared, new: &Entry) {
        let hash = shared.hash(new, self.work.secrets);
        let key = (area, shared, hash);
        if self.counts.shared.len() < MAX_REMEMBERED || self.counts.shared.contains_key(&key) {
            *self.counts.shared.entry(key).or_default() += 1;
        } else {
            self.counts.is_truncated = true;
        }
    }

    fn has_room(&mut self, length: usize) -> bool {
        let has = length < MAX_REMEMBERED;
        self.counts.is_truncated |= !has;
        has
    }

    fn person(&self, entry: &Entry) -> u64 {
        self.hash(&[
            entry.get(Role::LastName),
            entry.get(Role::FirstName),
            entry.get(Role::MiddleName),
            entry.get(Role::BirthDate),
            entry.get(Role::Sex),
        ])
    }

    fn hash(&self, values: &[&str]) -> u64 {
        hash_of(values, self.work.secrets)
    }

    fn area(&mut self, entry: &Entry) -> u16 {
        let area = self.work.areas.find(entry.get(Role::County)).unwrap_or(0) as u16;
        if self.named_areas.insert(area) && !entry.get(Role::CountyName).is_empty() {
            let mut names = self
                .work
                .area_names
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            names
                .entry(area)
                .or_insert_with(|| entry.get(Role::CountyName).to_owned());
        }
        area
    }

    fn value(&mut self, value: &str) -> u32 {
        if let Some(place) = self.value_places.get(value) {
            return *place;
        }
        let mut values = self.work.values.lock().unwrap_or_else(PoisonError::into_inner);
        let place = values.place(value);
        self.value_places.insert(value.to_owned(), place);
        place
    }

    fn codes(&mut self, new: &Entry) {
        let layout = &*self.work.after.layout;
        let status = new.get(Role::Status);
        let codes = &layout.status;
        if !codes.active.is_empty()
            && !status.is_empty()
            && status_class(layout, status) == StatusClass::Unknown
        {
            let column = self.work.new_binding.column_of(Role::Status);
            *self
                .counts
                .new_codes
                .entry((column, status.to_owned()))
                .or_default() += 1;
        }
        let reason = new.get(Role::Reason);
        let is_known = layout
            .reasons
            .values()
            .flatten()
            .any(|one| one.eq_ignore_ascii_case(reason));
        if !layout.reasons.is_empty() && !reason.is_empty() && !is_known {
            let column = self.work.new_binding.column_of(Role::Reason);
            *self
                .counts
                .new_codes
                .entry((column, reason.to_owned()))
                .or_default() += 1;
        }
    }
}

impl Counts {
    fn join(&mut self, other: Counts) {
        fn add<K: std::hash::Hash + Eq, N: std::ops::AddAssign + Default>(
            sum: &mut FxHashMap<K, N>,
            other: FxHashMap<K, N>,
        ) {
            for (key, count) in other {
                *sum.entry(key).or_default() += count;
            }
        }
        add(&mut self.changes, other.changes);
        add(&mut self.groups, other.groups);
        add(&mut self.mappings, other.mappings);
        add(&mut self.shared, other.shared);
        add(&mut self.new_dates, other.new_dates);
        add(&mut self.bulk_reason, other.bulk_reason);
        self.new_ids.extend(other.new_ids);
        self.replaced.extend(other.replaced);
        self.gone.extend(other.gone);
        self.appeared.extend(other.appeared);
        self.swapped_out.extend(other.swapped_out);
        self.swapped_in.extend(other.swapped_in);
        self.listed.extend(other.listed);
        for (code, count) in other.new_codes {
            *self.new_codes.entry(code).or_default() += count;
        }
        self.other_person += other.other_person;
        self.lost += other.lost;
        self.is_truncated |= other.is_truncated;
    }
}

/// Days since 1970-01-01.
pub fn days(date: Date) -> i32 {
    date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() as i32 / 24
}

/// The street of an address, by which renamed streets are recognised.
pub fn street_of(address: &str) -> &str {
    address_parts(address).street
}
