//! A second look at an earlier snapshot: how many entries of an area have a value at all.
//!
//! Needed only where something was found; rows of other areas are passed over after their identifier and county.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{TrySendError, channel, sync_channel};

use jiff::civil::Date;
use rapidhash::v3::RapidSecrets;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::compare::{CompareError, Entry, RowData, io, read_entry, threads};
use crate::interval::{ATTRIBUTES, Attribute, Shared, street_of};
use crate::kind::Kind;
use crate::layout::{Binding, Layout, Role};
use crate::names::Names;
use crate::read::{Block, Blocks, Form, normalised, records};

/// What to count.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Areas whose entries are counted.
    pub areas: FxHashSet<u16>,
    /// Old values of mappings: area, kind, value.
    pub mapped: FxHashSet<(u16, Kind, u32)>,
    /// Shared values: sort and hash.
    pub shared: FxHashSet<(Shared, u64)>,
    /// Kinds of which the entries are counted that have a value in the column at all.
    pub filled: FxHashSet<Kind>,
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Entries of an area.
    pub rows: FxHashMap<u16, u64>,
    /// Entries of an area with a value of an attribute.
    pub groups: FxHashMap<(u16, Attribute, u32), u64>,
    /// Entries of an area with a value that a mapping replaced.
    pub mapped: FxHashMap<(u16, Kind, u32), u64>,
    /// Entries, of any wanted area, that had a shared value before.
    pub shared: FxHashMap<(Shared, u64), u64>,
    /// Entries of an area with any value in the column of a kind.
    pub filled: FxHashMap<(u16, Kind), u64>,
}

impl Standing {
    fn join(&mut self, other: Standing) {
        fn add<K: std::hash::Hash + Eq>(sum: &mut FxHashMap<K, u64>, other: FxHashMap<K, u64>) {
            for (key, count) in other {
                *sum.entry(key).or_default() += count;
            }
        }
        add(&mut self.rows, other.rows);
        add(&mut self.groups, other.groups);
        add(&mut self.mapped, other.mapped);
        add(&mut self.shared, other.shared);
        add(&mut self.filled, other.filled);
    }
}

/// The snapshot to look at, and what is known of the run.
pub struct Look<'a> {
    /// Its rows.
    pub data: &'a RowData,
    /// How they are written.
    pub form: &'a Form,
    /// Its columns.
    pub binding: &'a Binding,
    /// Its layout.
    pub layout: &'a Layout,
    /// The day of the later snapshot, for ages.
    pub date: Option<Date>,
    /// Codes of the areas.
    pub areas: &'a Names,
    /// Values of attributes and mappings.
    pub values: &'a Names,
    /// Columns without a role, by place in the run's list.
    pub columns: &'a Names,
    /// Key of the hashes.
    pub secrets: &'a RapidSecrets,
}

/// Counts what is wanted.
pub fn look_again(
    look: &Look<'_>,
    wanted: &Wanted,
    progress: &mut dyn FnMut(u64),
) -> Result<Standing, CompareError> {
    let mut stream = look.data.stream()?;
    if look.layout.header {
        let mut header = Vec::new();
        std::io::BufRead::read_until(&mut stream, b'\n', &mut header).map_err(io("read the file again"))?;
    }
    let (send, receive) = sync_channel::<Block>(4);
    let receive = Mutex::new(receive);
    let (done_send, done) = channel::<(u64, Vec<u8>)>();
    let total = Mutex::new(Standing::default());
    let outcome = std::thread::scope(|scope| {
        for _ in 0..threads() {
            let (receive, total, done_send) = (&receive, &total, done_send.clone());
            scope.spawn(move || {
                let mut counter = Counter::new(look, wanted);
                loop {
                    let next = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(block) = next else { break };
                    let rows = counter.block(&block.bytes);
                    if done_send.send((rows, block.bytes)).is_err() {
                        break;
                    }
                }
                total
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .join(counter.standing);
            });
        }
        drop(done_send);
        let mut blocks = Blocks::new(&mut stream, Vec::new(), 0, look.form);
        let mut spare = Vec::new();
        loop {
            let block = match blocks.next_block(spare.pop().unwrap_or_default()) {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(error) => return Err(io("read the file again")(error)),
            };
            let mut waiting = Some(block);
            while let Some(block) = waiting.take() {
                if let Err(TrySendError::Full(block) | TrySendError::Disconnected(block)) =
                    send.try_send(block)
                {
                    waiting = Some(block);
                    match done.recv() {
                        Ok((rows, buffer)) => {
                            progress(rows);
                            spare.push(buffer);
                        }
                        Err(_) => return Ok(()),
                    }
                }
            }
        }
        drop(send);
        for (rows, _) in done {
            progress(rows);
        }
        Ok(())
    });
    outcome?;
    Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
}

struct Counter<'a> {
    look: &'a Look<'a>,
    wanted: &'a Wanted,
    standing: Standing,
    entry: Entry,
    band: String,
    kinds: Vec<Kind>,
}

impl<'a> Counter<'a> {
    fn new(look: &'a Look<'a>, wanted: &'a Wanted) -> Self {
        let mapped = wanted.mapped.iter().map(|(_, kind, _)| *kind);
        let mut kinds: Vec<Kind> = mapped.chain(wanted.filled.iter().copied()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        Counter {
            look,
            wanted,
            standing: Standing::default(),
            entry: Entry::default(),
            band: String::new(),
            kinds,
        }
    }

    fn block(&mut self, bytes: &[u8]) -> u64 {
        let look = self.look;
        let county = look.binding.places(Role::County).first().copied();
        let mut rows = 0;
        let mut last: (Vec<u8>, Option<u16>) = (Vec::new(), None);
        let mut is_known = false;
        records(bytes, look.form, &mut |_, place, spans| {
            let Ok(spans) = spans else { return };
            rows += 1;
            let row = &bytes[place];
            let code = county.map_or(&b""[..], |at| crate::compare::trimmed(row, spans[at]));
            if !is_known || last.0 != code {
                let area = look.areas.find(&normalised(code)).map(|area| area as u16);
                last = (code.to_vec(), area);
                is_known = true;
            }
            let Some(area) = last.1 else { return };
            let is_wanted = self.wanted.areas.contains(&area);
            if is_wanted || !self.wanted.shared.is_empty() {
                read_entry(row, spans, look.binding, look.form, &mut self.entry);
                self.entry(area, is_wanted);
            }
        });
        rows
    }

    fn entry(&mut self, area: u16, is_wanted: bool) {
        let (look, entry) = (self.look, &self.entry);
        if !self.wanted.shared.is_empty() {
            for sort in [
                Shared::Mail,
                Shared::Residence,
                Shared::NewResidence,
                Shared::House,
            ] {
                let key = (sort, sort.hash(entry, look.secrets));
                if self.wanted.shared.contains(&key) {
                    *self.standing.shared.entry(key).or_default() += 1;
                }
            }
        }
        if !is_wanted {
            return;
        }
        *self.standing.rows.entry(area).or_default() += 1;
        let year = look.date.map_or(2000, Date::year);
        for attribute in ATTRIBUTES {
            let value = attribute.of(entry, look.layout, year, &mut self.band);
            // A value that no changed entry has is of no interest.
            if let Some(place) = look.values.find(value) {
                *self.standing.groups.entry((area, attribute, place)).or_default() += 1;
            }
        }
        for kind in &self.kinds {
            let value = match kind {
                Kind::StreetAlone => street_of(entry.get(Role::Address)),
                Kind::Column(at) => {
                    let name = look.columns.name(u32::from(*at));
                    let history = look.binding.places(Role::History).len();
                    let place = look
                        .binding
                        .others
                        .iter()
                        .position(|at| look.binding.names[*at] == name);
                    place
                        .and_then(|place| entry.others.get(history + place))
                        .map(String::as_str)
                        .unwrap_or_default()
                }
                other => other.role().map(|role| entry.get(role)).unwrap_or_default(),
            };
            if !value.is_empty() && self.wanted.filled.contains(kind) {
                *self.standing.filled.entry((area, *kind)).or_default() += 1;
            }
            let Some(place) = look.values.find(value) else {
                continue;
            };
            let key = (area, *kind, place);
            if self.wanted.mapped.contains(&key) {
                *self.standing.mapped.entry(key).or_default() += 1;
            }
        }
    }
}
