//! What the files of a jurisdiction let us see, and what they did not: the days and hours without a line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::site::{FileSeen, Site, series_of};

const HOUR_MS: i64 = 3_600_000;
const DAY_HOURS: i32 = 24;
/// Lines that were to be expected in hours without any, from which on the hours are a gap. Visits come in bursts of some six
/// lines: with thirty lines five visits fail to come, which happens by accident once in 150 times, and a gap must be two hours
/// long at least.
const EXPECTED_IN_GAP: f64 = 30.0;
const MIN_GAP_HOURS: i32 = 2;
/// Longest window that is gone through hour by hour: twenty years.
const MAX_WINDOW_HOURS: i32 = 20 * 366 * 24;
/// Days with lines from which on a log is one that usually speaks: an hour of the day has no usual number with fewer than three.
const SPEAKING_DAYS: usize = 3;

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

/// A log that is silent while others of the same place go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    /// The log, as [`series_of`] calls it.
    pub series: String,
    /// Spans in which lines of it were to be expected, and none is there.
    pub gaps: Vec<Gap>,
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
    /// Of logs that usually speak, beside others of the same place: the spans in which they do not.
    pub silent: Vec<Silent>,
    /// Lines that were laid out, and lines that were not.
    pub read: u64,
    /// See [`Seen::read`].
    pub unread: u64,
    /// Lines of visitors who stand behind a proxy that nobody declared, so that what each of them did is not told apart.
    pub forwarded: u64,
}

impl Seen {
    /// Whether there are lines, on every day, with no gap, no log is silent, and nearly all of the lines could be laid out.
    pub fn is_complete(&self) -> bool {
        let is_whole = self.missing_days.is_empty() && self.gaps.is_empty() && self.silent.is_empty();
        self.read > 0 && is_whole && self.share_read() >= 0.95 && !self.is_behind_proxy()
    }

    /// Whether more than one line in twenty is of a visitor whom an undeclared proxy hides. What requests carry is looked at all
    /// the same; what clients do is not, because many look like one.
    pub fn is_behind_proxy(&self) -> bool {
        self.forwarded as f64 > 0.05 * self.read as f64
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
    let mut found = seen(&hours, super::guess::span(site), declared, read, unread);
    found.silent = silent(site, found.window);
    found.forwarded = site.files.iter().map(|file| file.forwarded).sum();
    found
}

/// The logs of a site that are silent in spans of `window` in which they usually speak. A site with one log has none: its
/// silence is the site's. A log that has few lines is not judged, because its silence says nothing.
fn silent(site: &Site, window: Option<Window>) -> Vec<Silent> {
    let mut by_series: BTreeMap<String, BTreeMap<i32, u32>> = BTreeMap::new();
    for file in &site.files {
        let hours = by_series.entry(series_of(&file.name)).or_default();
        for (hour, count) in &file.hours {
            *hours.entry(*hour).or_default() += count;
        }
    }
    let Some(window) = window.filter(|_| by_series.len() > 1) else {
        return Vec::new();
    };
    let (first, last) = hours_of(window);
    let mut all = Vec::new();
    for (series, hours) in by_series {
        let days: std::collections::BTreeSet<i32> =
            hours.keys().map(|hour| hour.div_euclid(DAY_HOURS)).collect();
        if days.len() < SPEAKING_DAYS {
            continue;
        }
        let usual = Usual::of(&hours);
        let empty = empty_stretches(&hours, first, last);
        let mut gaps: Vec<Gap> = empty
            .into_iter()
            .filter_map(|(from, to)| {
                let expected = usual.expected(from, to);
                let is_gap = to - from >= MIN_GAP_HOURS && expected >= EXPECTED_IN_GAP;
                is_gap.then(|| Gap {
                    from_ms: i64::from(from) * HOUR_MS,
                    to_ms: i64::from(to) * HOUR_MS,
                    why: format!(
                        "{series} has no line, where about {expected:.0} were to be expected by its other days; other logs of \
                         the place go on"
                    ),
                })
            })
            .collect();
        clip(&mut gaps, window);
        if !gaps.is_empty() {
            all.push(Silent { series, gaps });
        }
    }
    all
}

/// First and last hour of a window, within bounds.
fn hours_of(window: Window) -> (i32, i32) {
    let hour_of = |ms: i64| {
        ms.div_euclid(HOUR_MS)
            .clamp(i64::from(i32::MIN / 2), i64::from(i32::MAX / 2)) as i32
    };
    let first = hour_of(window.from_ms);
    (
        first,
        hour_of(window.to_ms).min(first.saturating_add(MAX_WINDOW_HOURS)),
    )
}

/// Stretches from `first` to `last` without a line, each from its first hour to the one after its last.
fn empty_stretches(hours: &BTreeMap<i32, u32>, first: i32, last: i32) -> Vec<(i32, i32)> {
    let mut stretches = Vec::new();
    let mut from = first;
    for hour in hours.range(first..=last).map(|(hour, _)| *hour).chain([last + 1]) {
        if hour > from {
            stretches.push((from, hour));
        }
        from = hour + 1;
    }
    stretches
}

fn clip(gaps: &mut [Gap], window: Window) {
    for gap in gaps {
        gap.from_ms = gap.from_ms.max(window.from_ms);
        gap.to_ms = gap.to_ms.min(window.to_ms + 1);
    }
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
    let (first, last) = hours_of(window);
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
    for (from, to) in empty_stretches(hours, first, last) {
        let expected: f64 = usual.expected(from, to);
        let next = missing.partition_point(|day| (day * DAY_HOURS).max(first) < from);
        let holds_day = missing
            .get(next)
            .is_some_and(|day| ((day + 1) * DAY_HOURS).min(last + 1) <= to);
        if !holds_day && (to - from < MIN_GAP_HOURS || expected < EXPECTED_IN_GAP) {
            continue;
        }
        let why = if hours.is_empty() {
            "no line tells of this time".to_owned()
        } else {
            format!("no line, where about {expected:.0} were to be expected at these hours of the week")
        };
        found.gaps.push(Gap {
            from_ms: i64::from(from) * HOUR_MS,
            to_ms: i64::from(to) * HOUR_MS,
            why,
        });
    }
    clip(&mut found.gaps, window);
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
