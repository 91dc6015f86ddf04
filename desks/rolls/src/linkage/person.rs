//! What is kept of an entry for linking: numbers, 48 bytes each.

use rapidhash::v3::RapidSecrets;
use rustc_hash::FxHashMap;

use crate::classify::address_parts;
use crate::compare::{CompareError, Entry, Snapshot, io, read_entry, short_hash};
use crate::interval::days;
use crate::layout::Role;
use crate::names::Names;
use crate::read::{Blocks, records};

/// No value.
pub(crate) const NO_DATE: i32 = i32::MIN;

/// One entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    /// Its place in the file.
    pub place: u64,
    /// Hash of the address; 0 for none.
    pub address: u64,
    /// Hash of the street and ZIP code; 0 for none.
    pub street: u32,
    pub last: u32,
    pub first: u32,
    pub middle: u32,
    /// Days since 1970.
    pub birth: i32,
    pub zip: u32,
    pub sex: u8,
    pub suffix: u8,
}

/// Names that occur, and how often.
#[derive(Debug, Default)]
pub(crate) struct People {
    pub names: Names,
    /// Of each name its frequency as a last and as a first name.
    pub last_share: Vec<f64>,
    pub first_share: Vec<f64>,
    /// Of each name the number of its family of nicknames; 0 for none.
    pub family: Vec<u16>,
    /// Place of the empty name.
    pub none: u32,
    pub many: usize,
}

impl People {
    /// Counts names when all are read.
    pub fn settle(&mut self, old: &[Person], new: &[Person]) {
        let names = self.names.all().len();
        self.last_share = vec![0.0; names];
        self.first_share = vec![0.0; names];
        for person in old.iter().chain(new) {
            self.last_share[person.last as usize] += 1.0;
            self.first_share[person.first as usize] += 1.0;
        }
        self.many = old.len() + new.len();
        for share in self.last_share.iter_mut().chain(&mut self.first_share) {
            *share /= self.many.max(1) as f64;
        }
        let families = nicknames();
        self.family = self
            .names
            .all()
            .iter()
            .map(|name| families.get(name.as_str()).copied().unwrap_or(0))
            .collect();
        self.none = self.names.place("");
        self.last_share.resize(self.names.all().len(), 0.0);
        self.first_share.resize(self.names.all().len(), 0.0);
        self.family.resize(self.names.all().len(), 0);
    }
}

/// Families of first names: a name and its short forms.
fn nicknames() -> FxHashMap<&'static str, u16> {
    let mut families = FxHashMap::default();
    let lines = include_str!("../../data/nicknames.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (number, line) in lines.enumerate() {
        for name in line.split_whitespace() {
            families.entry(name).or_insert(number as u16 + 1);
        }
    }
    families
}

/// Reads every entry of a snapshot.
pub(crate) fn read_people(
    snapshot: &Snapshot,
    people: &mut People,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Person>, CompareError> {
    // Hashes only meet hashes of this run.
    let secrets = RapidSecrets::seed(0);
    let mut stream = snapshot.data.stream()?;
    let mut offset = 0;
    if snapshot.layout.header {
        let mut header = Vec::new();
        offset = std::io::BufRead::read_until(&mut stream, b'\n', &mut header)
            .map_err(io("read the file again"))? as u64;
    }
    let mut all = Vec::with_capacity(snapshot.rows as usize);
    let mut blocks = Blocks::new(&mut stream, Vec::new(), offset, &snapshot.form);
    let mut entry = Entry::default();
    let mut buffer = Vec::new();
    while let Some(block) = blocks
        .next_block(std::mem::take(&mut buffer))
        .map_err(io("read the file again"))?
    {
        let mut rows = 0;
        records(&block.bytes, &snapshot.form, &mut |_, place, spans| {
            let Ok(spans) = spans else { return };
            rows += 1;
            read_entry(
                &block.bytes[place.clone()],
                spans,
                &snapshot.binding,
                &snapshot.form,
                &mut entry,
            );
            all.push(person(
                &entry,
                block.offset + place.start as u64,
                snapshot,
                people,
                &secrets,
            ));
        });
        progress(rows);
        buffer = block.bytes;
    }
    Ok(all)
}

fn person(
    entry: &Entry,
    place: u64,
    snapshot: &Snapshot,
    people: &mut People,
    secrets: &RapidSecrets,
) -> Person {
    let address = entry.get(Role::Address);
    let hash = |text: &str| {
        if text.is_empty() {
            0
        } else {
            short_hash(text.as_bytes(), secrets) | 1
        }
    };
    let mut bare = String::new();
    let mut name = |role: Role| {
        bare.clear();
        bare.extend(entry.get(role).chars().filter(|letter| letter.is_alphanumeric()));
        people.names.place(&bare)
    };
    let zip = entry.get(Role::Zip);
    Person {
        place,
        address: hash(address),
        street: hash(address_parts(address).street) as u32,
        last: name(Role::LastName),
        first: name(Role::FirstName),
        middle: name(Role::MiddleName),
        birth: entry
            .date(Role::BirthDate, &snapshot.layout)
            .map_or(NO_DATE, days),
        zip: zip.parse().unwrap_or_else(|_| hash(zip) as u32),
        sex: entry.get(Role::Sex).bytes().next().unwrap_or(0),
        suffix: entry.get(Role::Suffix).bytes().next().unwrap_or(0),
    }
}
