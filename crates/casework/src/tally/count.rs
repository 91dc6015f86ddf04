//! Counting.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use pollwatch_model::{EvidenceId, FindingId, Gap, TargetId};
use serde::{Deserialize, Serialize};

use super::basis::{Basis, Field, Scale, Seen, Standing};
use super::{Confidence, Level, Spans, Window};

/// Share of the window, in thousandths, below which "no sign" is told apart: the 80 % of the statement that this count takes
/// its form from (DESIGN, "tally").
pub const WANTED_PERMILLE: u32 = 800;

/// Microseconds of a second: a log tells whole seconds, so the last one that it covers is covered to its end.
const SECOND: i64 = 1_000_000;
/// A day is told as cut when at least an hour of it is not covered: gaps are judged by the hour of the week.
const CUT_MICROSECONDS: i64 = 3_600 * SECOND;

/// The answer to a [`super::Question`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Version of this form.
    pub schema: u32,
    /// The time that it speaks of, where one was asked for; else each field names its own.
    pub window: Option<Window>,
    /// The fields, each counted by itself, in the question's order.
    pub fields: Vec<FieldTally>,
}

/// The count of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldTally {
    /// The field.
    pub field: Field,
    /// Whether the count speaks of a window, so that shares can be told.
    pub has_window: bool,
    /// Every target, by id.
    pub rows: Vec<Row>,
}

/// One target in one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The target.
    pub target: TargetId,
    /// Its name for people.
    pub name: String,
    /// Two-letter code of its state, or empty.
    pub state: String,
    /// Where it stands.
    pub place: Place,
    /// The furthest level, and the best confidence of a finding at that level.
    pub level: Option<Level>,
    /// See `level`.
    pub confidence: Option<Confidence>,
    /// What it rests on: every finding that counts, furthest and surest first.
    pub findings: Vec<RowFinding>,
    /// Work of declared assessors, which is not counted.
    pub authorised: Vec<FindingId>,
    /// Findings that say something is sound.
    pub assurances: Vec<FindingId>,
    /// Findings that an analyst dismissed.
    pub dismissed: Vec<FindingId>,
    /// Findings of the field about the target that are counted nowhere: outside the window, or only watched.
    pub not_counted: Vec<FindingId>,
    /// Findings that their office did not send.
    pub withheld: u64,
    /// What was looked at.
    pub covered: Covered,
}

/// A finding that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFinding {
    /// The finding.
    pub id: FindingId,
    /// How far it says that something got.
    pub level: Level,
    /// How sure it is.
    pub confidence: Confidence,
    /// Whether it tells when; one that does not is counted whatever the window.
    pub is_timed: bool,
    /// The ledger that it comes from; `None`: our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// Where a target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Some finding counts.
    Reached,
    /// No finding counts, and its office withholds some.
    Withheld,
    /// Something was looked at, and nothing was found there. Never the same as safe.
    NoSign,
    /// Nothing was looked at.
    NoData,
}

/// What was looked at for one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    /// Share of the window that is covered, in thousandths, rounded down; `None` without a window, or when no source
    /// tells its times.
    pub permille: Option<u32>,
    /// Sources that tell no time, so that nobody knows how much of the window they cover.
    pub untimed: u64,
    /// Whole days of UTC that are not covered.
    pub missing: Vec<DayRange>,
    /// Days of which an hour or more is not covered.
    pub cut: Vec<CutDay>,
    /// The sources: name, and digest where the source was read to its end.
    pub sources: Vec<(String, Option<EvidenceId>)>,
}

/// Days of UTC, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayRange {
    /// The first.
    pub first: Date,
    /// The last.
    pub last: Date,
}

/// A day of UTC of which a part is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutDay {
    /// The day.
    pub day: Date,
    /// Minutes that are not covered, rounded down.
    pub minutes: u32,
}

/// How many, by confidence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByConfidence {
    /// All of them.
    pub total: u64,
    /// Of high confidence.
    pub high: u64,
    /// Of medium confidence.
    pub medium: u64,
    /// Of low confidence.
    pub low: u64,
}

impl Basis {
    /// Counts.
    ///
    /// A target stands at the furthest level of the findings that count. A finding counts when it was seen in the window, or
    /// tells no time. A moment is covered when some source that speaks of the target covers it, and
    /// no log of the target is silent there that usually speaks.
    pub fn tally(&self) -> Tally {
        let question = &self.question;
        let fields = question
            .fields
            .iter()
            .map(|field| FieldTally {
                field: field.clone(),
                has_window: question.window.or(field.window).is_some(),
                rows: self.rows(field),
            })
            .collect();
        Tally {
            schema: self.schema,
            window: question.window,
            fields,
        }
    }

    fn rows(&self, field: &Field) -> Vec<Row> {
        let asked_for = self.question.window.as_ref();
        let window = asked_for.or(field.window.as_ref());
        let coverage = self.coverage_by_target(field);
        let mut rows: BTreeMap<&TargetId, Row> = BTreeMap::new();
        for asked in &self.question.targets {
            let seen = coverage.get(&asked.id).map_or(&[][..], Vec::as_slice);
            let row = Row {
                target: asked.id.clone(),
                name: asked.name.clone(),
                state: asked.state.clone(),
                place: Place::NoData,
                level: None,
                confidence: None,
                findings: Vec::new(),
                authorised: Vec::new(),
                assurances: Vec::new(),
                dismissed: Vec::new(),
                not_counted: Vec::new(),
                withheld: 0,
                covered: covered(seen, window),
            };
            rows.insert(&asked.id, row);
        }
        for held in self.findings.iter().filter(|held| held.desk == field.desk) {
            let Some(row) = rows.get_mut(&held.target) else {
                continue;
            };
            let id = held.id.clone();
            match held.standing {
                Standing::Dismissed => row.dismissed.push(id),
                _ if !held.is_within(asked_for) => row.not_counted.push(id),
                Standing::Authorised => row.authorised.push(id),
                Standing::Assurance => row.assurances.push(id),
                Standing::BelowAlarm => row.not_counted.push(id),
                Standing::Counted { level, confidence } => row.findings.push(RowFinding {
                    id,
                    level,
                    confidence,
                    is_timed: held.observed.first.or(held.observed.last).is_some(),
                    origin: held.origin.clone(),
                }),
            }
        }
        for withheld in self
            .withheld
            .iter()
            .filter(|withheld| withheld.desk == field.desk)
        {
            if let Some(row) = rows.get_mut(&withheld.target) {
                row.withheld += withheld.findings;
            }
        }
        rows.into_values().map(|row| row.settled(field.scale)).collect()
    }

    fn coverage_by_target(&self, field: &Field) -> BTreeMap<&TargetId, Vec<&Seen>> {
        let mut by_target: BTreeMap<&TargetId, Vec<&Seen>> = BTreeMap::new();
        let asked: BTreeSet<&TargetId> = self.question.targets.iter().map(|asked| &asked.id).collect();
        for seen in self
            .coverage
            .iter()
            .filter(|seen| seen.coverage.desk == field.desk)
        {
            if seen.coverage.targets.is_empty() {
                // Another office's "all of the register" means its own register, which is not ours.
                if seen.origin.is_none() && field.speaks_of_all() {
                    asked
                        .iter()
                        .for_each(|id| by_target.entry(id).or_default().push(seen));
                }
                continue;
            }
            let named: BTreeSet<&TargetId> = seen.coverage.targets.iter().collect();
            named
                .intersection(&asked)
                .for_each(|id| by_target.entry(id).or_default().push(seen));
        }
        by_target
    }
}

impl Row {
    /// Sorts what was gathered and says where the target stands.
    fn settled(mut self, scale: Scale) -> Row {
        self.findings.sort_by(|a, b| {
            (b.level, b.confidence)
                .cmp(&(a.level, a.confidence))
                .then_with(|| (&a.origin, &a.id).cmp(&(&b.origin, &b.id)))
        });
        // Two offices that read the same log make one finding; it is one finding here too, at its furthest.
        let mut known = BTreeSet::new();
        self.findings.retain(|held| known.insert(held.id.clone()));
        for list in [
            &mut self.authorised,
            &mut self.assurances,
            &mut self.dismissed,
            &mut self.not_counted,
        ] {
            list.sort();
            list.dedup();
        }
        self.level = self.findings.first().map(|held| held.level);
        self.confidence = self.findings.first().map(|held| held.confidence);
        // Logs for under a thousandth of the time are as good as none; an audit or a list of names is looked at in a moment.
        let is_next_to_nothing =
            scale == Scale::Verdicts && self.covered.permille == Some(0) && self.covered.untimed == 0;
        let has_data = !self.covered.sources.is_empty() && !is_next_to_nothing;
        self.place = match () {
            () if self.level.is_some() => Place::Reached,
            () if self.withheld > 0 => Place::Withheld,
            () if has_data => Place::NoSign,
            () => Place::NoData,
        };
        self
    }

    /// The best confidence of a finding at `level` or beyond it.
    pub fn confidence_from(&self, level: Level) -> Option<Confidence> {
        self.findings
            .iter()
            .filter(|held| held.level >= level)
            .map(|held| held.confidence)
            .max()
    }

    /// Whether less of the window is covered than the count tells apart. A source that tells no time cannot mend it.
    pub fn is_thin(&self) -> bool {
        self.covered.permille.is_some_and(|share| share < WANTED_PERMILLE)
    }
}

/// What the sources of one target cover of the window.
///
/// A log that is silent where it usually speaks takes its time away, whatever other logs cover, until another piece of it turns up:
/// else the log of one server hides the hole in another's.
fn covered(seen: &[&Seen], window: Option<&Window>) -> Covered {
    let mut covered = Covered::default();
    let mut spans: Vec<(i64, i64)> = Vec::new();
    let mut silent: BTreeMap<Series<'_>, Vec<(i64, i64)>> = BTreeMap::new();
    let mut shown_of: BTreeMap<Series<'_>, Vec<(i64, i64)>> = BTreeMap::new();
    for one in seen {
        let coverage = &one.coverage;
        let series = coverage
            .series
            .as_deref()
            .map(|series| (one.origin.as_deref(), series));
        if let Some(series) = series {
            silent.entry(series).or_default().extend(bounds(&coverage.silent));
        }
        if coverage.records_read == 0 {
            continue;
        }
        let (Some(first), Some(last)) = (coverage.window.first, coverage.window.last) else {
            covered.untimed += 1;
            covered.sources.push(source(one));
            continue;
        };
        let whole = Spans::one(
            first.as_microsecond(),
            last.as_microsecond().saturating_add(SECOND),
        );
        let shown = whole.without(&Spans::union(bounds(&coverage.gaps)));
        let shown = match window {
            None => shown,
            Some(window) => shown.within(&Spans::one(
                window.from().as_microsecond(),
                window.to().as_microsecond(),
            )),
        };
        if !shown.is_empty() {
            spans.extend(shown.iter());
            if let Some(series) = series {
                shown_of.entry(series).or_default().extend(shown.iter());
            }
            covered.sources.push(source(one));
        }
    }
    covered.sources.sort();
    covered.sources.dedup();
    let Some(window) = window else {
        return covered;
    };
    let asked = Spans::one(window.from().as_microsecond(), window.to().as_microsecond());
    let shown = Spans::union(spans);
    // Nothing at all that tells its time: the share is not zero, it is not known.
    if shown.is_empty() && covered.untimed > 0 {
        return covered;
    }
    let not_seen = silent.into_iter().flat_map(|(series, silent)| {
        let found = Spans::union(shown_of.remove(&series).unwrap_or_default());
        Spans::union(silent).without(&found).iter().collect::<Vec<_>>()
    });
    let shown = shown.without(&Spans::union(not_seen));
    let share = u128::from(shown.length()) * 1000 / u128::from(asked.length().max(1));
    covered.permille = Some(u32::try_from(share).unwrap_or(1000).min(1000));
    (covered.missing, covered.cut) = days_of(&asked.without(&shown), &asked);
    covered
}

/// A log of an office: the office's ledger and the log's name.
type Series<'a> = (Option<&'a str>, &'a str);

fn bounds(gaps: &[Gap]) -> impl Iterator<Item = (i64, i64)> + '_ {
    gaps.iter()
        .map(|gap| (gap.from.as_microsecond(), gap.to.as_microsecond()))
}

fn source(seen: &Seen) -> (String, Option<EvidenceId>) {
    let name = match &seen.origin {
        None => seen.coverage.source.clone(),
        Some(origin) => format!("{} ({origin})", seen.coverage.source),
    };
    (name, seen.coverage.sha256)
}

/// The whole days that `dark` holds, and the days of which it holds an hour or more. A day at the window's edge is whole when
/// all of it that lies in the window is dark.
fn days_of(dark: &Spans, window: &Spans) -> (Vec<DayRange>, Vec<CutDay>) {
    let (Some((begin, _)), Some((_, end))) = (window.iter().next(), window.iter().last()) else {
        return (Vec::new(), Vec::new());
    };
    let mut missing: Vec<DayRange> = Vec::new();
    let mut cut: BTreeMap<Date, i64> = BTreeMap::new();
    for (from, to) in dark.iter() {
        let (Some(first), Some(last)) = (day_of(from), day_of(to - 1)) else {
            continue;
        };
        let whole_from = if from == bounds_of(first, begin, end).0 {
            Some(first)
        } else {
            first.tomorrow().ok()
        };
        let whole_to = if to == bounds_of(last, begin, end).1 {
            Some(last)
        } else {
            last.yesterday().ok()
        };
        if let (Some(a), Some(b)) = (whole_from, whole_to)
            && a <= b
        {
            missing.push(DayRange { first: a, last: b });
        }
        for day in [first, last] {
            let (day_from, day_to) = bounds_of(day, begin, end);
            let dark_here = to.min(day_to) - from.max(day_from);
            let is_whole = from <= day_from && day_to <= to;
            if !is_whole && dark_here > 0 {
                *cut.entry(day).or_default() += dark_here;
            }
            if first == last {
                break;
            }
        }
    }
    // Days of neighbouring spans that touch are one range.
    let mut ranges: Vec<DayRange> = Vec::new();
    for range in missing {
        match ranges.last_mut() {
            Some(before)
                if before
                    .last
                    .checked_add(1.day())
                    .is_ok_and(|next| next >= range.first) =>
            {
                before.last = before.last.max(range.last);
            }
            _ => ranges.push(range),
        }
    }
    let cut = cut
        .into_iter()
        .filter(|(_, dark)| *dark >= CUT_MICROSECONDS)
        .map(|(day, dark)| CutDay {
            day,
            minutes: u32::try_from(dark / (60 * SECOND)).unwrap_or(u32::MAX),
        })
        .collect();
    (ranges, cut)
}

fn day_of(microsecond: i64) -> Option<Date> {
    let moment = Timestamp::from_microsecond(microsecond).ok()?;
    Some(TimeZone::UTC.to_datetime(moment).date())
}

/// Begin and end of the part of a day that lies between `begin` and `end`.
fn bounds_of(day: Date, begin: i64, end: i64) -> (i64, i64) {
    let midnight = |day: Date| {
        TimeZone::UTC
            .to_timestamp(day.at(0, 0, 0, 0))
            .map(|moment| moment.as_microsecond())
    };
    let from = midnight(day).unwrap_or(begin);
    let to = day
        .tomorrow()
        .ok()
        .and_then(|next| midnight(next).ok())
        .unwrap_or(end);
    (from.max(begin), to.min(end))
}

impl Tally {
    /// The time of which the shares of `field` are told.
    pub fn window_of(&self, field: &FieldTally) -> Option<Window> {
        self.window.or(field.field.window)
    }
}

impl FieldTally {
    /// Targets at exactly `level`, by their confidence there.
    pub fn at(&self, level: Level) -> ByConfidence {
        self.sum(|row| row.confidence.filter(|_| row.level == Some(level)))
    }

    /// Targets at `level` or beyond it, by the best confidence of what stands at or beyond it: a scan that is sure does not
    /// become unsure because a breach is only suspected.
    pub fn from(&self, level: Level) -> ByConfidence {
        self.sum(|row| row.confidence_from(level))
    }

    fn sum(&self, confidence: impl Fn(&Row) -> Option<Confidence>) -> ByConfidence {
        let mut sum = ByConfidence::default();
        for confidence in self.rows.iter().filter_map(confidence) {
            sum.total += 1;
            match confidence {
                Confidence::High => sum.high += 1,
                Confidence::Medium => sum.medium += 1,
                Confidence::Low => sum.low += 1,
            }
        }
        sum
    }

    /// Targets that stand at `place`.
    pub fn standing(&self, place: Place) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.place == place)
    }

    /// The row of a target.
    pub fn row(&self, target: &TargetId) -> Option<&Row> {
        self.rows
            .binary_search_by(|row| row.target.cmp(target))
            .ok()
            .map(|at| &self.rows[at])
    }
}
