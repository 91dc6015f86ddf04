//! What the files of a jurisdiction let us see, and what they did not: the days and hours without a line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::site::{FileSeen, Site};

const HOUR_MS: i64 = 3_600_000;
const DAY_HOURS: i32 = 24;
/// Lines that were to be expected in hours without any, from which on the hours are a gap. Visits come in bursts of some six
/// lines: with thirty lines five visits fail to come, which happens by accident once in 150 times, and a gap must be two hours
/// long at least.
const EXPECTED_IN_GAP: f64 = 30.0;
const MIN_GAP_HOURS: i32 = 2;
/// Longest window that is gone through hour by hour: twenty years.
const MAX_WINDOW_HOURS: i32 = 20 * 366 * 24;

/// The time that is asked about, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its first moment, in milliseconds since 1970.
    pub from_ms: i64,
    /// Its last moment.
    pub to_ms: i64,
}

/// A span without a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Its first moment, in milliseconds since 1970.
    pub from_ms: i64,
    /// Its end, which no longer belongs to it.
    pub to_ms: i64,
    /// Why it is one.
    pub why: String,
}

/// What was seen of a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The window: as asked for, else from the first line to the last. `None`: no line tells a time, and none was asked for.
    pub window: Option<Window>,
    /// Whether it was asked for.
    pub is_declared: bool,
    /// Days (UTC) of the window.
    pub days: u32,
    /// Those of them without a single line.
    pub missing_days: Vec<Date>,
    /// Spans without a line: missing days whole, and hours in which lines were to be expected.
    pub gaps: Vec<Gap>,
    /// Lines that were laid out, and lines that were not.
    pub read: u64,
    /// See [`Seen::read`].
    pub unread: u64,
}

impl Seen {
    /// Whether there are lines, on every day, with no gap, and nearly all of them could be laid out.
    pub fn is_complete(&self) -> bool {
        self.read > 0 && self.missing_days.is_empty() && self.gaps.is_empty() && self.share_read() >= 0.95
    }

    /// Share of lines that were laid out.
    pub fn share_read(&self) -> f64 {
        match self.read + self.unread {
            0 => 0.0,
            all => self.read as f64 / all as f64,
        }
    }

    /// Missing days as spans of days, both ends included.
    pub fn missing_spans(&self) -> Vec<(Date, Date)> {
        let mut spans: Vec<(Date, Date)> = Vec::new();
        for day in &self.missing_days {
            match spans.last_mut() {
                Some((_, last)) if last.tomorrow().ok() == Some(*day) => *last = *day,
                _ => spans.push((*day, *day)),
            }
        }
        spans
    }
}

/// What all files of a site together let us see.
pub fn of_site(site: &Site, declared: Option<Window>) -> Seen {
    let mut hours: BTreeMap<i32, u32> = BTreeMap::new();
    let (mut read, mut unread) = (0, 0);
    for file in &site.files {
        read += file.read;
        unread += file.unread;
        for (hour, count) in &file.hours {
            *hours.entry(*hour).or_default() += count;
        }
    }
    seen(&hours, super::guess::span(site), declared, read, unread)
}

/// What one file lets us see.
pub fn of_file(file: &FileSeen, declared: Option<Window>) -> Seen {
    let span = file.first_ms.zip(file.last_ms);
    seen(&file.hours, span, declared, file.read, file.unread)
}

fn seen(
    hours: &BTreeMap<i32, u32>,
    span: Option<(i64, i64)>,
    declared: Option<Window>,
    read: u64,
    unread: u64,
) -> Seen {
    let window = declared.or(span.map(|(from_ms, to_ms)| Window { from_ms, to_ms }));
    let mut found = Seen {
        window,
        is_declared: declared.is_some(),
        read,
        unread,
        ..Seen::default()
    };
    let Some(window) = window else {
        return found;
    };
    let hour_of = |ms: i64| {
        ms.div_euclid(HOUR_MS)
            .clamp(i64::from(i32::MIN / 2), i64::from(i32::MAX / 2)) as i32
    };
    let first = hour_of(window.from_ms);
    let last = hour_of(window.to_ms).min(first.saturating_add(MAX_WINDOW_HOURS));
    let usual = Usual::of(hours);
    // Whole days first: a day without a line is named, however quiet the site.
    let mut day = first.div_euclid(DAY_HOURS);
    let last_day = last.div_euclid(DAY_HOURS);
    let is_missing_day = |day: i32| {
        hours
            .range(day * DAY_HOURS..(day + 1) * DAY_HOURS)
            .next()
            .is_none()
    };
    let mut empty_from: Option<i32> = None;
    found.days = (last_day - day + 1) as u32;
    let mut missing = Vec::new();
    while day <= last_day {
        if is_missing_day(day) {
            missing.push(day);
        }
        day += 1;
    }
    found.missing_days = missing.iter().filter_map(|day| date(*day)).collect();
    // Then hours. An empty stretch is a gap where lines were to be expected in it, or where it holds a missing day.
    for hour in first..=last + 1 {
        let is_empty = hour <= last && !hours.contains_key(&hour);
        match (is_empty, empty_from) {
            (true, None) => empty_from = Some(hour),
            (false, Some(from)) => {
                empty_from = None;
                let expected: f64 = usual.expected(from, hour);
                let holds_day = missing
                    .iter()
                    .any(|day| day * DAY_HOURS >= from && (day + 1) * DAY_HOURS <= hour.max(last + 1));
                let is_gap = holds_day || (hour - from >= MIN_GAP_HOURS && expected >= EXPECTED_IN_GAP);
                if is_gap {
                    let why = if hours.is_empty() {
                        "no line tells of this time".to_owned()
                    } else {
                        format!(
                            "no line, where about {expected:.0} were to be expected at these hours of the week"
                        )
                    };
                    found.gaps.push(Gap {
                        from_ms: i64::from(from) * HOUR_MS,
                        to_ms: i64::from(hour) * HOUR_MS,
                        why,
                    });
                }
            }
            _ => {}
        }
    }
    for gap in &mut found.gaps {
        gap.from_ms = gap.from_ms.max(window.from_ms);
        gap.to_ms = gap.to_ms.min(window.to_ms + 1);
    }
    found
}

/// How many lines an hour of the week has where it has any.
struct Usual {
    by_hour: [f64; 168],
}

impl Usual {
    fn of(hours: &BTreeMap<i32, u32>) -> Self {
        let mut by_week: Vec<Vec<u32>> = vec![Vec::new(); 168];
        let mut by_day: Vec<Vec<u32>> = vec![Vec::new(); 24];
        // Hours without a line count as zero where the day has lines at all.
        let days: std::collections::BTreeSet<i32> =
            hours.keys().map(|hour| hour.div_euclid(DAY_HOURS)).collect();
        for day in days {
            for of_day in 0..DAY_HOURS {
                let hour = day * DAY_HOURS + of_day;
                let count = hours.get(&hour).copied().unwrap_or(0);
                by_week[hour.rem_euclid(168) as usize].push(count);
                by_day[of_day as usize].push(count);
            }
        }
        let median = |counts: &mut Vec<u32>| {
            counts.sort_unstable();
            counts.get(counts.len() / 2).copied().unwrap_or(0)
        };
        let mut by_hour = [0.0; 168];
        let of_day: Vec<u32> = by_day.iter_mut().map(median).collect();
        for (hour, slot) in by_hour.iter_mut().enumerate() {
            // With fewer than three weeks an hour of the week has too few numbers: then the hour of the day speaks.
            *slot = match by_week[hour].len() {
                0..3 => f64::from(of_day[hour % 24]),
                _ => f64::from(median(&mut by_week[hour])),
            };
        }
        Usual { by_hour }
    }

    fn expected(&self, from: i32, to: i32) -> f64 {
        (from..to)
            .map(|hour| self.by_hour[hour.rem_euclid(168) as usize])
            .sum()
    }
}

fn date(day: i32) -> Option<Date> {
    let time = Timestamp::from_second(i64::from(day) * 86_400).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(time).date())
}
