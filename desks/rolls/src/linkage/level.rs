//! How far two entries agree, field by field.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rustc_hash::FxHashMap;

use super::person::{NO_DATE, People, Person};

/// Fields that are compared.
pub(crate) const FIELDS: usize = 6;
pub(crate) const LAST: usize = 0;
pub(crate) const FIRST: usize = 1;
pub(crate) const MIDDLE: usize = 2;
pub(crate) const BIRTH: usize = 3;
pub(crate) const ADDRESS: usize = 4;
pub(crate) const SEX: usize = 5;

/// Levels of each field: 0 is the best, the last but one none; the last is "one of the two has no value".
pub(crate) const LEVELS: usize = 6;
/// No agreement.
pub(crate) const ELSE: u8 = 4;
/// A value is missing.
pub(crate) const MISSING: u8 = 5;

/// Agreement of a pair: of each field its level.
pub(crate) type Pattern = [u8; FIELDS];

/// Levels of pairs of names, so that each pair is compared letter by letter once.
#[derive(Default)]
pub(crate) struct Cache(FxHashMap<(u32, u32), u8>);

/// Most pairs of names that are remembered: 2 million are 48 MB.
const MAX_CACHE: usize = 2_000_000;

/// Compares two entries.
pub(crate) fn compare(old: &Person, new: &Person, people: &People, cache: &mut Cache) -> Pattern {
    [
        name(old.last, new.last, people, cache),
        first(old.first, new.first, people, cache),
        middle(old.middle, new.middle, people),
        birth(old.birth, new.birth),
        address(old, new),
        sex(old, new),
    ]
}

/// Exact; Jaro-Winkler at least 0.92; at least 0.88 (Winkler, 1990; the levels of the common linkage programs); else.
fn name(one: u32, other: u32, people: &People, cache: &mut Cache) -> u8 {
    if one == people.none || other == people.none {
        return MISSING;
    }
    if one == other {
        return 0;
    }
    let key = (one.min(other), one.max(other));
    if let Some(level) = cache.0.get(&key) {
        return *level;
    }
    let alike = strsim::jaro_winkler(people.names.name(one), people.names.name(other));
    let level = if alike >= 0.92 {
        2
    } else if alike >= 0.88 {
        3
    } else {
        ELSE
    };
    if cache.0.len() < MAX_CACHE {
        cache.0.insert(key, level);
    }
    level
}

fn first(one: u32, other: u32, people: &People, cache: &mut Cache) -> u8 {
    let level = name(one, other, people, cache);
    let (a, b) = (people.family[one as usize], people.family[other as usize]);
    if level != 0 && level != MISSING && a != 0 && a == b {
        1
    } else {
        level
    }
}

/// Exact; one the initial of the other; else.
fn middle(one: u32, other: u32, people: &People) -> u8 {
    if one == people.none || other == people.none {
        return MISSING;
    }
    if one == other {
        return 0;
    }
    let (a, b) = (people.names.name(one), people.names.name(other));
    let is_initial = (a.len() == 1 || b.len() == 1) && a.as_bytes()[0] == b.as_bytes()[0];
    if is_initial { 1 } else { ELSE }
}

/// Exact; one digit differs; day and month exchanged; the year alone; else.
fn birth(one: i32, other: i32) -> u8 {
    if one == NO_DATE || other == NO_DATE {
        return MISSING;
    }
    if one == other {
        return 0;
    }
    let day = |days: i32| date(1970, 1, 1).checked_add(days.days()).ok();
    let (Some(a), Some(b)) = (day(one), day(other)) else {
        return ELSE;
    };
    let digits = |date: Date| {
        let (year, month, day) = (date.year() as u16, date.month() as u16, date.day() as u16);
        [
            year / 1000,
            year / 100 % 10,
            year / 10 % 10,
            year % 10,
            month / 10,
            month % 10,
            day / 10,
            day % 10,
        ]
    };
    let differing = digits(a).iter().zip(digits(b)).filter(|(x, y)| **x != *y).count();
    if differing == 1 {
        1
    } else if a.year() == b.year() && a.month() == b.day() && a.day() == b.month() {
        2
    } else if a.year() == b.year() {
        3
    } else {
        ELSE
    }
}

/// Exact with ZIP code; the address alone; the street and ZIP code; the ZIP code alone; else.
fn address(old: &Person, new: &Person) -> u8 {
    if old.address == 0 || new.address == 0 {
        return MISSING;
    }
    let zip = old.zip == new.zip;
    if old.address == new.address {
        u8::from(!zip)
    } else if zip && old.street == new.street {
        2
    } else if zip {
        3
    } else {
        ELSE
    }
}

/// Sex and suffix: both; one of them; else.
fn sex(old: &Person, new: &Person) -> u8 {
    let suffix = old.suffix == new.suffix;
    if old.sex == 0 || new.sex == 0 {
        return if suffix { MISSING } else { ELSE };
    }
    match (old.sex == new.sex, suffix) {
        (true, true) => 0,
        (true, false) => 1,
        (false, true) => 2,
        (false, false) => ELSE,
    }
}
