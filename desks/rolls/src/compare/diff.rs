//! The second pass: same, changed, gone, new.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::partition::{PARTITIONS, Record};
use super::{CompareError, Snapshot, threads};

/// What two snapshots have in common by identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Rows that are the same, byte for byte (volatile columns apart).
    pub same: u64,
    /// Places of rows with one identifier that are not the same: earlier file, later file.
    pub changed: Vec<(u64, u64)>,
    /// Places of rows whose identifier only the earlier file has.
    pub gone: Vec<u64>,
    /// Places of rows whose identifier only the later file has.
    pub new: Vec<u64>,
    /// Rows of the earlier file beyond the first of their identifier.
    pub repeated_before: u64,
    /// Rows of the later file beyond the first of their identifier.
    pub repeated_after: u64,
}

impl Pairs {
    fn join(&mut self, other: Pairs) {
        self.same += other.same;
        self.changed.extend(other.changed);
        self.gone.extend(other.gone);
        self.new.extend(other.new);
        self.repeated_before += other.repeated_before;
        self.repeated_after += other.repeated_after;
    }
}

/// Pairs the rows of two snapshots.
pub fn pair_up(before: &Snapshot, after: &Snapshot) -> Result<Pairs, CompareError> {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Ok(Pairs::default()));
    std::thread::scope(|scope| {
        for _ in 0..threads() {
            scope.spawn(|| {
                let mut own = Pairs::default();
                let outcome = loop {
                    let partition = next.fetch_add(1, Ordering::Relaxed);
                    if partition >= PARTITIONS {
                        break Ok(());
                    }
                    let loaded = before
                        .partitions
                        .load(partition)
                        .and_then(|old| Ok((old, after.partitions.load(partition)?)));
                    match loaded {
                        Ok((old, new)) => merge(&old, &new, &mut own),
                        Err(error) => break Err(error),
                    }
                };
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                match (outcome, &mut *total) {
                    (Ok(()), Ok(sum)) => sum.join(own),
                    (Err(error), sum @ Ok(_)) => *sum = Err(error),
                    _ => {}
                }
            });
        }
    });
    let mut pairs = total.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    // Threads finish in any order; places do not.
    pairs.changed.sort_unstable();
    pairs.gone.sort_unstable();
    pairs.new.sort_unstable();
    Ok(pairs)
}

/// Merges one pair of partitions, both sorted.
fn merge(old: &[Record], new: &[Record], pairs: &mut Pairs) {
    let run = |records: &[Record], from: usize| -> usize {
        let id = records[from].id;
        from + records[from..]
            .iter()
            .take_while(|record| record.id == id)
            .count()
    };
    let (mut a, mut b) = (0, 0);
    while a < old.len() || b < new.len() {
        let order = match (old.get(a), new.get(b)) {
            (Some(one), Some(other)) => one.id.cmp(&other.id),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        match order {
            std::cmp::Ordering::Less => {
                let end = run(old, a);
                pairs.repeated_before += (end - a - 1) as u64;
                pairs.gone.extend(old[a..end].iter().map(|record| record.place));
                a = end;
            }
            std::cmp::Ordering::Greater => {
                let end = run(new, b);
                pairs.repeated_after += (end - b - 1) as u64;
                pairs.new.extend(new[b..end].iter().map(|record| record.place));
                b = end;
            }
            std::cmp::Ordering::Equal => {
                let (a_end, b_end) = (run(old, a), run(new, b));
                if a_end - a == 1 && b_end - b == 1 {
                    if old[a].row == new[b].row {
                        pairs.same += 1;
                    } else {
                        pairs.changed.push((old[a].place, new[b].place));
                    }
                } else {
                    repeated(&old[a..a_end], &new[b..b_end], pairs);
                }
                (a, b) = (a_end, b_end);
            }
        }
    }
}

/// Several rows of one identifier: those that are the same are paired first, the rest in the order of their places.
fn repeated(old: &[Record], new: &[Record], pairs: &mut Pairs) {
    pairs.repeated_before += (old.len() - 1) as u64;
    pairs.repeated_after += (new.len() - 1) as u64;
    let (mut a, mut b) = (0, 0);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    while a < old.len() || b < new.len() {
        match (old.get(a), new.get(b)) {
            (Some(one), Some(other)) if one.row == other.row => {
                pairs.same += 1;
                (a, b) = (a + 1, b + 1);
            }
            (Some(one), Some(other)) if one.row < other.row => {
                left.push(one.place);
                a += 1;
            }
            (Some(one), None) => {
                left.push(one.place);
                a += 1;
            }
            (_, Some(other)) => {
                right.push(other.place);
                b += 1;
            }
            (None, None) => {}
        }
    }
    left.sort_unstable();
    right.sort_unstable();
    let common = left.len().min(right.len());
    pairs
        .changed
        .extend(left.iter().copied().zip(right.iter().copied()).take(common));
    pairs.gone.extend(&left[common..]);
    pairs.new.extend(&right[common..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_is_counted_once(
            old in prop::collection::vec((0u64..20, 0u64..4), 0..40),
            new in prop::collection::vec((0u64..20, 0u64..4), 0..40),
        ) {
            let records = |rows: &[(u64, u64)]| {
                let mut all: Vec<Record> = rows.iter().enumerate().map(|(at, (id, row))| Record { id: *id, row: *row, place: at as u64 }).collect();
                all.sort_unstable();
                all
            };
            let mut pairs = Pairs::default();
            merge(&records(&old), &records(&new), &mut pairs);
            prop_assert_eq!(pairs.same as usize + pairs.changed.len() + pairs.gone.len(), old.len());
            prop_assert_eq!(pairs.same as usize + pairs.changed.len() + pairs.new.len(), new.len());
            for (before, after) in &pairs.changed {
                let (one, other) = (old[*before as usize], new[*after as usize]);
                prop_assert_eq!(one.0, other.0);
                prop_assert_ne!(one.1, other.1);
            }
            let mut same = Pairs::default();
            merge(&records(&old), &records(&old), &mut same);
            prop_assert_eq!(same.same as usize, old.len());
        }
    }
}
