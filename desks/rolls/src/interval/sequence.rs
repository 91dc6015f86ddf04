//! New entries whose identifiers follow each other, with one date of registration and one house: as a script writes them.

use rustc_hash::FxHashMap;

/// A new entry, as far as its identifier tells when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewId {
    /// Hash of what stands before the number.
    pub prefix: u64,
    /// The number at the end of the identifier.
    pub number: u64,
    /// The area of the entry.
    pub area: u16,
    /// Its date of registration, in days since 1970.
    pub date: i32,
    /// Hash of house number, street and ZIP code.
    pub house: u64,
}

/// The runs of an area.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runs {
    /// How many; an entry that follows no other is a run of its own.
    pub runs: u64,
    /// Entries in them.
    pub entries: u64,
    /// Entries of the longest.
    pub longest: u64,
    /// Its house.
    pub house: u64,
}

/// The number at the end of an identifier, and what stands before it; `None` where it ends with no number that fits.
pub fn numbered(id: &str) -> Option<(&str, u64)> {
    let digits = id.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (before, number) = id.split_at(id.len() - digits);
    Some((before, number.parse().ok()?))
}

/// The runs of each area: entries with consecutive numbers after one prefix, one date and one house.
pub fn runs(mut ids: Vec<NewId>) -> FxHashMap<u16, Runs> {
    ids.sort_unstable();
    let mut all: FxHashMap<u16, Runs> = FxHashMap::default();
    let mut at = 0;
    while at < ids.len() {
        let mut end = at + 1;
        while end < ids.len() && follows(&ids[end - 1], &ids[end]) {
            end += 1;
        }
        let length = (end - at) as u64;
        let runs = all.entry(ids[at].area).or_default();
        runs.runs += 1;
        runs.entries += length;
        if length > runs.longest {
            (runs.longest, runs.house) = (length, ids[at].house);
        }
        at = end;
    }
    all
}

fn follows(one: &NewId, next: &NewId) -> bool {
    one.prefix == next.prefix
        && one.number.checked_add(1) == Some(next.number)
        && (one.area, one.date, one.house) == (next.area, next.date, next.house)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_cut_where_a_number_a_day_or_a_house_is_another() {
        assert_eq!(numbered("AB000123"), Some(("AB", 123)));
        assert_eq!(numbered("17"), Some(("", 17)));
        assert_eq!(numbered("ABC"), None);
        assert_eq!(numbered("9".repeat(40).as_str()), None);
        let id = |number, date, house| NewId {
            prefix: 7,
            number,
            area: 1,
            date,
            house,
        };
        let found = runs(vec![
            id(5, 10, 3),
            id(3, 10, 3),
            id(4, 10, 3),
            id(6, 11, 3),
            id(8, 11, 3),
            id(9, 11, 4),
        ]);
        assert_eq!(
            found[&1],
            Runs {
                runs: 4,
                entries: 6,
                longest: 3,
                house: 3
            }
        );
    }
}
