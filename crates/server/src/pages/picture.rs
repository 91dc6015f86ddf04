//! The pictures: the map of the states, the ladder of stages, the line of time. Each stands beside a table that says the same.

use std::collections::BTreeMap;

use jiff::civil::Date;
use maud::{Markup, html};
use pollwatch_brief::PLACES;
use pollwatch_model::{Register, Stage};
use pollwatch_store::DayCount;

use super::bits::{LADDER, stage_text, steps};
use crate::snapshot::Snapshot;
use crate::words as w;
use crate::words::Language;

/// What is known of one state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StateCount {
    pub(crate) targets: u64,
    pub(crate) alarmed: u64,
    pub(crate) alarms: u64,
    pub(crate) stage: Option<Stage>,
    /// Targets without an alarm of which some source speaks.
    pub(crate) no_sign: u64,
    pub(crate) assurances: u64,
}

impl StateCount {
    pub(crate) fn says(&self, language: Language) -> &'static str {
        language.say(match self.stage {
            Some(stage) => stage_text(stage),
            None if self.targets == 0 => w::NOTHING_REGISTERED,
            None if self.no_sign == 0 => w::NO_DATA,
            None => w::NO_SIGN,
        })
    }
}

/// Counts by state; the empty code holds the targets of no state.
pub(crate) fn by_state(register: &Register, snapshot: &Snapshot) -> BTreeMap<&'static str, StateCount> {
    let mut counts: BTreeMap<&'static str, StateCount> = BTreeMap::new();
    for target in &register.targets {
        let Some(reach) = snapshot.targets.get(&target.id) else {
            continue;
        };
        let place = PLACES
            .iter()
            .find(|place| place.code.eq_ignore_ascii_case(&target.state));
        let count = counts.entry(place.map_or("", |place| place.code)).or_default();
        count.targets += 1;
        count.alarms += reach.alarms;
        count.assurances += reach.assurances;
        count.alarmed += u64::from(reach.alarms > 0);
        count.no_sign += u64::from(reach.alarms == 0 && !reach.desks_with_data.is_empty());
        count.stage = count.stage.max(reach.stage);
    }
    counts
}

/// Side of a tile with its gap, and without, in units of the picture.
const PITCH: u32 = 60;
const SIDE: u32 = 54;

/// The map of the states as tiles. Each says its state, its alarms, and the furthest stage as steps and as a tint.
pub(crate) fn map(language: Language, counts: &BTreeMap<&'static str, StateCount>) -> Markup {
    html! {
        svg.map viewBox="-1 -1 658 540" role="img" aria-labelledby="map-title" aria-describedby="map-desc" {
            title #map-title { (language.say(w::MAP_TITLE)) }
            desc #map-desc { (language.say(w::MAP_DESC)) }
            @for place in &PLACES {
                @let count = counts.get(place.code).copied().unwrap_or_default();
                @let apart = if place.row == 8 { 6 } else { 0 };
                g class={ "tile " (tile_class(&count)) } transform={ "translate(" (place.column * PITCH) "," (place.row * (PITCH - 1) + apart) ")" } {
                    title { (place.name) ": " (count.says(language)) ". " (language.count(count.alarms, w::ALARMS, &[])) }
                    rect.face width=(SIDE) height=(SIDE) rx="5" {}
                    text.code x="7" y="20" { (place.code) }
                    text.number x=(SIDE - 7) y="38" text-anchor="end" { (sign(&count)) }
                    @if let Some(stage) = count.stage {
                        @for step in 0..LADDER.len() as u32 {
                            rect class=(if (step as usize) < steps(stage) { "on" } else { "off" }) x=(7 + step * 7) y="44" width="5" height="5" rx="1" {}
                        }
                    }
                }
            }
        }
    }
}

fn tile_class(count: &StateCount) -> String {
    match count.stage {
        Some(stage) => format!("s{}", steps(stage)),
        None if count.targets == 0 => "none".to_owned(),
        None if count.no_sign == 0 => "nodata".to_owned(),
        None => "nosign".to_owned(),
    }
}

/// What stands in a tile: the alarms, `0` where somebody looked and saw none, `?` where nobody looked.
fn sign(count: &StateCount) -> String {
    match (count.stage, count.targets, count.no_sign) {
        (Some(_), _, _) => match count.alarms {
            n @ 0..10_000 => n.to_string(),
            n @ 10_000..1_000_000 => format!("{}k", n / 1_000),
            _ => ">1M".to_owned(),
        },
        (None, 0, _) => String::new(),
        (None, _, 0) => "?".to_owned(),
        (None, _, _) => "0".to_owned(),
    }
}

/// What the signs of the map mean.
pub(crate) fn legend(language: Language) -> Markup {
    let swatch = |class: &str, sign: &str, stage: Option<Stage>| {
        html! {
            svg.swatch viewBox="0 0 54 24" width="40" height="18" aria-hidden="true" {
                g class={ "tile " (class) } {
                    rect.face x="1" y="1" width="52" height="22" rx="4" {}
                    text.number x="46" y="17" text-anchor="end" { (sign) }
                    @if let Some(stage) = stage {
                        @for step in 0..LADDER.len() as u32 {
                            rect class=(if (step as usize) < steps(stage) { "on" } else { "off" }) x=(6 + step * 7) y="10" width="5" height="5" rx="1" {}
                        }
                    }
                }
            }
        }
    };
    html! {
        ul.legend aria-label=(language.say(w::LEGEND)) {
            @for stage in LADDER { li { (swatch(&format!("s{}", steps(stage)), "", Some(stage))) (language.say(stage_text(stage))) } }
            li { (swatch("nosign", "0", None)) (language.say(w::LEGEND_NO_SIGN)) }
            li { (swatch("nodata", "?", None)) (language.say(w::LEGEND_NO_DATA)) }
            li { (swatch("none", "", None)) (language.say(w::LEGEND_NONE)) }
        }
    }
}

/// The ladder of stages, with the targets whose furthest alarm stands on each step; each step is a link to its findings.
pub(crate) fn ladder(language: Language, snapshot: &Snapshot) -> Markup {
    let furthest = snapshot.furthest();
    html! {
        ol.ladder {
            @for stage in LADDER {
                @let targets = snapshot.targets_at(stage);
                @let findings = snapshot.alarms_by_stage.get(&stage).copied().unwrap_or(0);
                @let is_reached = furthest.is_some_and(|f| f >= stage);
                li class={ "step s" (steps(stage)) @if targets == 0 { " empty" } @if !is_reached { " beyond" } } {
                    span.count { (language.number(targets)) }
                    span.word {
                        @if findings > 0 {
                            a href={ "/findings?polarity=threat&severity=medium&decided=standing&stage=" (stage.word()) } { (language.say(stage_text(stage))) }
                        } @else { (language.say(stage_text(stage))) }
                    }
                    span.note {
                        @if targets > 0 { (if targets == 1 { language.say(w::TARGET_HERE) } else { language.say(w::TARGETS_HERE) }) }
                        @else if is_reached { (language.say(w::NONE_STOPS)) }
                        @else if snapshot.records_read() == 0 { (language.say(w::NOT_LOOKED_FOR)) }
                        @else { (language.say(w::NOT_SEEN)) }
                    }
                }
            }
        }
    }
}

/// A span of the line of time, with the alarms first seen in it by stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: Date,
    /// One day past the last.
    pub(crate) end: Date,
    pub(crate) counts: BTreeMap<Stage, u64>,
}

impl Span {
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// Most columns of the line of time.
const MAX_COLUMNS: i64 = 60;

/// The days as spans of equal length, a day, a week, four weeks or more of them, so that they fit.
pub(crate) fn spans(days: &[DayCount]) -> Vec<Span> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Vec::new();
    };
    let whole = last.day - first.day + 1;
    let length = match whole {
        1..=MAX_COLUMNS => 1,
        n if n <= MAX_COLUMNS * 7 => 7,
        n => (n.div_euclid(MAX_COLUMNS * 28) + 1) * 28,
    };
    let date = |day: i64| {
        let epoch = jiff::civil::date(1970, 1, 1);
        epoch
            .checked_add(jiff::Span::new().days(day.clamp(0, 2_000_000)))
            .unwrap_or(Date::MAX)
    };
    let mut spans: Vec<Span> = Vec::new();
    let mut start = first.day;
    while start <= last.day {
        spans.push(Span {
            first: date(start),
            end: date(start + length),
            counts: BTreeMap::new(),
        });
        start += length;
    }
    for count in days {
        if let Some(span) = spans.get_mut(((count.day - first.day) / length) as usize) {
            *span.counts.entry(count.stage).or_default() += count.findings;
        }
    }
    spans
}

/// Height of the picture's columns, in its units.
const COLUMN_HEIGHT: f64 = 120.0;

/// Alarms over time, a column a span, by stage from the ground up.
pub(crate) fn time_line(language: Language, spans: &[Span]) -> Markup {
    let most = spans.iter().map(Span::total).max().unwrap_or(0).max(1);
    let wide = 960.0 / spans.len().max(12) as f64;
    html! {
        svg.time-line viewBox="0 0 1000 165" role="img" aria-labelledby="time-title" {
            title #time-title { (language.say(w::TIME_TITLE)) }
            line.axis x1="38" x2="1000" y1="131" y2="131" {}
            line.grid x1="38" x2="1000" y1="11" y2="11" {}
            text.scale x="32" y="16" text-anchor="end" { (language.number(most)) }
            text.scale x="32" y="136" text-anchor="end" { "0" }
            @for (place, span) in spans.iter().enumerate() {
                @let x = 40.0 + place as f64 * wide;
                g {
                    title { (span.first) ": " (language.count(span.total(), w::ALARMS, &[])) }
                    @for (stage, y, height) in columns(span, most) {
                        rect class={ "col s" (steps(stage)) } x=(format!("{x:.1}")) y=(format!("{y:.1}"))
                            width=(format!("{:.1}", (wide - 2.0).clamp(2.0, 40.0))) height=(format!("{height:.1}")) {}
                    }
                }
            }
            @if let (Some(first), Some(last)) = (spans.first(), spans.last()) {
                text.scale x="40" y="155" { (first.first) }
                @if spans.len() > 1 { text.scale x=(format!("{:.0}", (40.0 + spans.len() as f64 * wide).max(260.0))) y="155" text-anchor="end" { (last.first) } }
            }
        }
    }
}

/// Stage, top and height of each piece of a column; a piece is never too low to be seen.
fn columns(span: &Span, most: u64) -> Vec<(Stage, f64, f64)> {
    let mut ground = 131.0;
    let mut pieces = Vec::new();
    for (stage, count) in &span.counts {
        let height = (*count as f64 / most as f64 * COLUMN_HEIGHT).max(3.0);
        ground -= height;
        pieces.push((*stage, ground, height));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_stretch_of_time_fits() {
        let day = |day| DayCount {
            day,
            stage: Stage::Prepared,
            findings: 1,
        };
        for last in [0, 1, 59, 60, 400, 500, 5_000, 20_000, 1_000_000] {
            let spans = spans(&[day(0), day(last)]);
            assert!(spans.len() as i64 <= MAX_COLUMNS, "{last}: {}", spans.len());
            let total: u64 = spans.iter().map(Span::total).sum();
            assert_eq!(total, 2, "{last}: nothing is lost");
        }
        assert!(spans(&[]).is_empty());
    }
}
