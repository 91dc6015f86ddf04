//! What explains a change of many entries at once.

use rustc_hash::FxHashMap;

use crate::interval::{Attribute, Shared};
use crate::kind::Kind;
use crate::scan::Standing;

use super::{Basis, Flag, Judge, MIN_CELL, Place, Test};

/// A group counts as treated whole when nine in ten of it are: the rest moved, was removed or waits.
const WHOLE_GROUP: f64 = 0.9;

/// Fewest entries that make a group: two may be one household that corrected its address.
const SMALLEST_GROUP: u64 = 3;

/// Share of a drive's new entries that are under 45. An assumption: those who are not registered yet are mostly young or have moved,
/// and about half of a roll is older, so that three in four stand apart from a surge that mirrors the roll.
const YOUNG_SHARE: f64 = 0.75;

/// Share of the entries of a surge that must look as the routine does for the surge to pass as routine.
const ROUTINE_SHARE: f64 = 0.95;

/// What explains it.
#[derive(Debug, Clone, PartialEq)]
pub enum Explanation {
    /// One old value became one new value for nearly everybody who had it.
    WholeGroup {
        /// The old value.
        from: String,
        /// The new one.
        to: String,
        /// Entries that were changed so.
        changed: u64,
        /// Entries that had the old value.
        of: u64,
    },
    /// Nearly every entry of the roll that has a value in the column has another one, in every county.
    WrittenAnew {
        /// Entries with another value.
        changed: u64,
        /// Entries that had one.
        of: u64,
    },
    /// A line of the calendar.
    Announced {
        /// Its line.
        line: u64,
        /// Its note.
        note: String,
    },
    /// It has the shape of a routine; nobody announced it.
    Routine(Routine),
    /// The shared value was shared before.
    SharedBefore {
        /// Entries that had it before.
        before: u64,
    },
}

/// Routines of an office or of those who register voters, told by their shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routine {
    /// Many new entries, dated on several days of the interval, of different addresses, mostly under 45.
    RegistrationDrive,
    /// Many entries made inactive or removed, each with a reason that the law gives for it, no group more than others.
    ListMaintenance,
    /// Inactive entries that are gone, no group more than others.
    InactiveRemoved,
    /// Old voters that are gone.
    Deceased,
}

impl Routine {
    /// What it looks like, in words.
    pub fn words(self) -> &'static str {
        match self {
            Routine::RegistrationDrive => {
                "a registration drive: dated on several days of the interval, different addresses, mostly people under 45"
            }
            Routine::ListMaintenance => {
                "list maintenance: each with a reason that the law gives for it, no party, race or sex more than others"
            }
            Routine::InactiveRemoved => {
                "removal of inactive entries: all were inactive before, no party, race or sex more than others"
            }
            Routine::Deceased => {
                "notices of deaths: nearly all were over 75, no party, race or sex more than others"
            }
        }
    }
}

impl Judge<'_> {
    /// Changes of an area that are whole groups mapped alike.
    pub(super) fn mapped_alike(&self, at: usize, area: u16, kind: Kind, standing: &[Standing]) -> u64 {
        if !kind.is_mapped() {
            return 0;
        }
        self.groups_mapped_alike(at, area, kind, standing)
            .map(|(_, _, changed, _)| changed)
            .sum()
    }

    fn groups_mapped_alike<'b>(
        &'b self,
        at: usize,
        area: u16,
        kind: Kind,
        standing: &'b [Standing],
    ) -> impl Iterator<Item = (u32, u32, u64, u64)> + 'b {
        let standing = &standing[at];
        self.intervals[at]
            .counts
            .mappings
            .iter()
            .filter(move |((of, other, _, _), count)| {
                *of == area && *other == kind && **count >= SMALLEST_GROUP
            })
            .filter_map(move |((_, _, from, to), count)| {
                let all = standing.mapped.get(&(area, kind, *from)).copied()?;
                (*count as f64 >= WHOLE_GROUP * all as f64).then_some((*from, *to, *count, all))
            })
    }

    /// Whole groups, as explained flags of their own.
    pub(super) fn whole_groups(&self, standing: &[Standing]) -> Vec<Flag> {
        let mut flags = Vec::new();
        for (at, interval) in self.intervals.iter().enumerate() {
            let mut cells: Vec<(u16, Kind)> = interval
                .counts
                .changes
                .keys()
                .filter(|(_, kind)| kind.is_mapped())
                .copied()
                .collect();
            cells.sort_unstable();
            for (area, kind) in cells {
                let mut groups: Vec<_> = self.groups_mapped_alike(at, area, kind, standing).collect();
                let name = |place: u32| self.series.values.name(place).to_owned();
                groups.sort_by_key(|(from, to, changed, _)| {
                    (std::cmp::Reverse(*changed), name(*from), name(*to))
                });
                // A group under five is no churn either, and is not told of.
                groups.retain(|(_, _, changed, _)| *changed >= MIN_CELL);
                for (from, to, changed, of) in groups {
                    flags.push(Flag {
                        interval: at,
                        place: Place::Area(area),
                        areas: Vec::new(),
                        tests: vec![Test {
                            interval: at,
                            place: Place::Area(area),
                            kind,
                            basis: Basis::More,
                            observed: changed,
                            expected: 0.0,
                            p: 0.0,
                            q: 0.0,
                        }],
                        explanation: Some(Explanation::WholeGroup {
                            from: name(from),
                            to: name(to),
                            changed,
                            of,
                        }),
                        skews: Vec::new(),
                    });
                }
            }
        }
        flags
    }

    /// What explains a flag; `None` where nothing does.
    pub(super) fn explanation(&self, flag: &Flag, standing: &[Standing]) -> Option<Explanation> {
        let interval = &self.intervals[flag.interval];
        let between = (interval.before.1, interval.after.1);
        let (code, name) = match flag.place {
            Place::Area(area) => (
                self.series.areas.name(u32::from(area)),
                self.series
                    .area_names
                    .get(&area)
                    .map(String::as_str)
                    .unwrap_or_default(),
            ),
            Place::Whole => ("", ""),
        };
        // Every test must be explained, by one line.
        let mut announced = None;
        for test in &flag.tests {
            announced = self
                .rules
                .calendar
                .explaining(test.kind, code, name, between, test.observed);
            if announced.is_none() {
                break;
            }
        }
        if let Some(event) = announced {
            return Some(Explanation::Announced {
                line: event.line,
                note: event.note.clone(),
            });
        }
        let is_of_more = |test: &Test| test.basis == Basis::More && test.kind.is_of_a_column();
        if flag.tests.iter().all(is_of_more) {
            let anew = |test: &Test| self.written_anew(flag.interval, test.kind, standing);
            let all: Option<Vec<(u64, u64)>> = flag.tests.iter().map(anew).collect();
            if let Some((changed, of)) = all.into_iter().flatten().max() {
                return Some(Explanation::WrittenAnew { changed, of });
            }
        }
        let Place::Area(area) = flag.place else {
            return None;
        };
        if let Some(explanation) = self.shared_before(flag, &standing[flag.interval]) {
            return Some(explanation);
        }
        self.routine(flag, area).map(Explanation::Routine)
    }

    /// Columns that are written otherwise from one file to the next, as explained flags of their own.
    pub(super) fn columns_written_anew(&self, standing: &[Standing]) -> Vec<Flag> {
        let mut flags = Vec::new();
        for (at, interval) in self.intervals.iter().enumerate() {
            for kind in super::columns_with_many_changes(interval) {
                let Some((changed, of)) = self.written_anew(at, kind, standing) else {
                    continue;
                };
                flags.push(Flag {
                    interval: at,
                    place: Place::Whole,
                    areas: Vec::new(),
                    tests: vec![Test {
                        interval: at,
                        place: Place::Whole,
                        kind,
                        basis: Basis::More,
                        observed: changed,
                        expected: 0.0,
                        p: 0.0,
                        q: 0.0,
                    }],
                    explanation: Some(Explanation::WrittenAnew { changed, of }),
                    skews: Vec::new(),
                });
            }
        }
        flags
    }

    /// Entries whose value of a column was replaced, and entries that had one, where nearly all were in every county alike: another
    /// vendor or system wrote it. Nobody alters every entry of a roll and hopes not to be seen.
    fn written_anew(&self, at: usize, kind: Kind, standing: &[Standing]) -> Option<(u64, u64)> {
        let interval = &self.intervals[at];
        let (mut changed, mut of) = (0, 0);
        for area in interval.rows_of.keys() {
            let filled = standing[at].filled.get(&(*area, kind)).copied().unwrap_or(0);
            let here = interval.counts.changes.get(&(*area, kind)).copied().unwrap_or(0);
            if filled >= MIN_CELL && (here as f64) < WHOLE_GROUP * filled as f64 {
                return None;
            }
            changed += here;
            of += filled;
        }
        (of > 0).then_some((changed, of))
    }

    /// A new address at which as many lived before: a home, a hall of residence, a shelter, a mail service.
    fn shared_before(&self, flag: &Flag, standing: &Standing) -> Option<Explanation> {
        let mut least = None;
        for test in &flag.tests {
            let (shared, hash) = match test.basis {
                Basis::SharedValue(
                    shared @ (Shared::Mail | Shared::Residence | Shared::NewResidence),
                    hash,
                ) => (shared, hash),
                Basis::InSequence(house) => (Shared::House, house),
                _ => return None,
            };
            let before = standing.shared.get(&(shared, hash)).copied().unwrap_or(0);
            if before < test.observed.max(MIN_CELL) {
                return None;
            }
            least = Some(least.map_or(before, |least: u64| least.min(before)));
        }
        least.map(|before| Explanation::SharedBefore { before })
    }

    fn routine(&self, flag: &Flag, area: u16) -> Option<Routine> {
        if flag.tests.iter().any(|test| test.basis != Basis::More) {
            return None;
        }
        // A routine takes no side.
        let takes_a_side = flag.skews.iter().any(|skew| {
            matches!(
                skew.attribute,
                Attribute::Party | Attribute::Race | Attribute::Sex
            )
        });
        let mut found = None;
        for test in &flag.tests {
            let routine = match test.kind {
                Kind::New => self
                    .is_drive(flag.interval, area, test.observed)
                    .then_some(Routine::RegistrationDrive),
                Kind::Deactivated | Kind::Removed => {
                    let with_reason = self.intervals[flag.interval]
                        .counts
                        .bulk_reason
                        .get(&(area, test.kind));
                    let share = with_reason.copied().unwrap_or(0) as f64 / test.observed as f64;
                    (share >= ROUTINE_SHARE && !takes_a_side).then_some(Routine::ListMaintenance)
                }
                Kind::GoneInactive => (!takes_a_side).then_some(Routine::InactiveRemoved),
                Kind::GoneRemoved => Some(Routine::ListMaintenance),
                Kind::GoneActive if !self.layout.status.removed_stage => {
                    let old =
                        self.share_of_ages(flag.interval, area, test.kind, &["75 to 84", "85 and over"]);
                    (old >= WHOLE_GROUP && !takes_a_side).then_some(Routine::Deceased)
                }
                _ => None,
            };
            routine?;
            found = routine;
        }
        found
    }

    /// Whether new entries look like those of a drive.
    fn is_drive(&self, at: usize, area: u16, new: u64) -> bool {
        let counts = &self.intervals[at].counts;
        let odd = counts
            .changes
            .get(&(area, Kind::NewOddDate))
            .copied()
            .unwrap_or(0);
        if ((new - odd.min(new)) as f64) < ROUTINE_SHARE * new as f64 {
            return false;
        }
        let dates: FxHashMap<i32, u64> = counts
            .new_dates
            .iter()
            .filter(|((of, _), _)| *of == area)
            .map(|((_, day), count)| (*day, *count))
            .collect();
        // Half of them on one day are one delivery, whoever brought it.
        let most = dates.values().copied().max().unwrap_or(0);
        if dates.is_empty() || most * 2 > new {
            return false;
        }
        // No more than a large household at one address.
        let largest = counts
            .shared
            .iter()
            .filter(|((of, shared, _), _)| *of == area && *shared == Shared::NewResidence)
            .map(|(_, count)| *count)
            .max()
            .unwrap_or(0);
        let young = self.share_of_ages(at, area, Kind::New, &["18 to 24", "25 to 34", "35 to 44"]);
        u64::from(largest) < MIN_CELL && young >= YOUNG_SHARE
    }

    fn share_of_ages(&self, at: usize, area: u16, kind: Kind, bands: &[&str]) -> f64 {
        let counts = &self.intervals[at].counts;
        let all = counts.changes.get(&(area, kind)).copied().unwrap_or(0);
        let of = |band: &&str| {
            let place = self.series.values.find(band)?;
            counts.groups.get(&(area, kind, Attribute::Age, place)).copied()
        };
        let some: u64 = bands.iter().filter_map(of).sum();
        if all == 0 { 0.0 } else { some as f64 / all as f64 }
    }
}
