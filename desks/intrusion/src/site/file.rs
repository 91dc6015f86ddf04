//! What one file let us see.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::read::Dialect;

/// Hours of which counts are kept: twenty years. Lines beyond it count as told at an odd time.
const MAX_HOURS: usize = 20 * 366 * 24;
/// A step back in time by more than this is a jump of the clock; less is the order in which answers end.
const JUMP_MS: i64 = 3_600_000;

/// One file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileSeen {
    /// Its name.
    pub name: String,
    /// Lines that were laid out.
    pub read: u64,
    /// Lines that were not, and were searched as they stand.
    pub unread: u64,
    /// Lines longer than the bound.
    pub cut: u64,
    /// Lines of visitors who stand behind a proxy that nobody declared: to whom they belong is not told.
    pub forwarded: u64,
    /// Lines that tell no time.
    pub untimed: u64,
    /// Lines beyond the hours that are counted.
    pub odd_times: u64,
    /// First and last time, in milliseconds since 1970.
    pub first_ms: Option<i64>,
    /// See [`FileSeen::first_ms`].
    pub last_ms: Option<i64>,
    /// Lines by hour since 1970.
    pub hours: BTreeMap<i32, u32>,
    /// How often the clock went back by more than an hour.
    pub jumps: u32,
    /// Where it first did.
    pub first_jump_line: Option<u64>,
    /// Lines by dialect.
    pub dialects: BTreeMap<Dialect, u64>,
    /// Lines that were sampled, and those of them that an earlier file of the jurisdiction also has.
    pub sampled: u32,
    /// See [`FileSeen::sampled`].
    pub repeated: u32,
    /// Whether it was read to its end.
    pub is_complete: bool,
    latest_ms: i64,
    hour: i32,
    in_hour: u32,
}

impl FileSeen {
    /// Of a file that begins to be read.
    pub fn new(name: &str) -> Self {
        FileSeen {
            name: name.to_owned(),
            latest_ms: i64::MIN,
            ..FileSeen::default()
        }
    }

    /// Takes in the time of a line.
    pub(super) fn tick(&mut self, time_ms: i64, line: u64) {
        if time_ms == i64::MIN {
            self.untimed += 1;
            return;
        }
        let hour = time_ms
            .div_euclid(3_600_000)
            .clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
        if hour != self.hour {
            self.flush();
            self.hour = hour;
        }
        self.in_hour += 1;
        if time_ms < self.latest_ms {
            if self.latest_ms.saturating_sub(time_ms) > JUMP_MS {
                self.jumps += 1;
                self.first_jump_line.get_or_insert(line);
                self.latest_ms = time_ms;
            }
        } else {
            self.latest_ms = time_ms;
        }
        self.first_ms = Some(self.first_ms.map_or(time_ms, |first| first.min(time_ms)));
        self.last_ms = Some(self.last_ms.map_or(time_ms, |last| last.max(time_ms)));
    }

    /// Puts the hour that is being counted with the others.
    pub(super) fn flush(&mut self) {
        let count = std::mem::take(&mut self.in_hour);
        if count == 0 {
            return;
        }
        if self.hours.len() >= MAX_HOURS && !self.hours.contains_key(&self.hour) {
            self.odd_times += u64::from(count);
            return;
        }
        *self.hours.entry(self.hour).or_default() += count;
    }

    /// Whether nearly all of it is also in an earlier file: a rotated copy. Fewer than eight samples say nothing.
    pub fn is_copy(&self) -> bool {
        self.sampled >= 8 && f64::from(self.repeated) >= 0.95 * f64::from(self.sampled)
    }
}
