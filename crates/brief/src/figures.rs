//! The two pictures: the map of the states and the ladder of stages. Colour is never the only sign.

use std::collections::BTreeMap;

use maud::{Markup, html};
use pollwatch_casework::tally::Place as Standing;
use pollwatch_model::Stage;

use crate::count::Facts;
use crate::text::{counted, grouped};
use crate::words::{LADDER, steps};

/// One place of the map.
pub struct Place {
    /// Its USPS code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Column of its tile, from 0 at the left.
    pub column: u32,
    /// Row of its tile, from 0 at the top; territories stand in row 8.
    pub row: u32,
}

const fn place(code: &'static str, name: &'static str, column: u32, row: u32) -> Place {
    Place {
        code,
        name,
        column,
        row,
    }
}

/// The fifty states, the District of Columbia and the five territories that hold elections, each at its tile.
///
/// Codes: USPS Publication 28, appendix B. Tiles: the arrangement that NPR published in 2015, territories in a row beneath.
pub const PLACES: [Place; 56] = [
    place("AK", "Alaska", 0, 0),
    place("AL", "Alabama", 6, 6),
    place("AR", "Arkansas", 4, 5),
    place("AZ", "Arizona", 1, 5),
    place("CA", "California", 0, 4),
    place("CO", "Colorado", 2, 4),
    place("CT", "Connecticut", 9, 3),
    place("DC", "District of Columbia", 8, 5),
    place("DE", "Delaware", 9, 4),
    place("FL", "Florida", 8, 7),
    place("GA", "Georgia", 7, 6),
    place("HI", "Hawaii", 0, 7),
    place("IA", "Iowa", 4, 3),
    place("ID", "Idaho", 1, 2),
    place("IL", "Illinois", 5, 2),
    place("IN", "Indiana", 5, 3),
    place("KS", "Kansas", 3, 5),
    place("KY", "Kentucky", 5, 4),
    place("LA", "Louisiana", 4, 6),
    place("MA", "Massachusetts", 10, 2),
    place("MD", "Maryland", 8, 4),
    place("ME", "Maine", 10, 0),
    place("MI", "Michigan", 7, 2),
    place("MN", "Minnesota", 4, 2),
    place("MO", "Missouri", 4, 4),
    place("MS", "Mississippi", 5, 6),
    place("MT", "Montana", 2, 2),
    place("NC", "North Carolina", 6, 5),
    place("ND", "North Dakota", 3, 2),
    place("NE", "Nebraska", 3, 4),
    place("NH", "New Hampshire", 10, 1),
    place("NJ", "New Jersey", 8, 3),
    place("NM", "New Mexico", 2, 5),
    place("NV", "Nevada", 1, 3),
    place("NY", "New York", 8, 2),
    place("OH", "Ohio", 6, 3),
    place("OK", "Oklahoma", 3, 6),
    place("OR", "Oregon", 0, 3),
    place("PA", "Pennsylvania", 7, 3),
    place("RI", "Rhode Island", 9, 2),
    place("SC", "South Carolina", 7, 5),
    place("SD", "South Dakota", 3, 3),
    place("TN", "Tennessee", 5, 5),
    place("TX", "Texas", 3, 7),
    place("UT", "Utah", 1, 4),
    place("VA", "Virginia", 7, 4),
    place("VT", "Vermont", 9, 1),
    place("WA", "Washington", 0, 2),
    place("WI", "Wisconsin", 6, 2),
    place("WV", "West Virginia", 6, 4),
    place("WY", "Wyoming", 2, 3),
    place("AS", "American Samoa", 3, 8),
    place("GU", "Guam", 4, 8),
    place("MP", "Northern Mariana Islands", 5, 8),
    place("PR", "Puerto Rico", 6, 8),
    place("VI", "U.S. Virgin Islands", 7, 8),
];

/// What the page knows of one state.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StateCount {
    /// Registered targets.
    pub(crate) targets: u64,
    /// Those with an alarm.
    pub(crate) alarmed: u64,
    pub(crate) alarms: u64,
    /// Below alarm severity.
    pub(crate) watched: u64,
    pub(crate) stage: Option<Stage>,
    /// Targets without an alarm of which some source speaks.
    pub(crate) no_sign: u64,
    /// Targets without an alarm of which no source speaks.
    pub(crate) no_data: u64,
}

impl StateCount {
    /// Short words for the furthest stage, or for why there is none.
    pub(crate) fn says(&self) -> String {
        match self.stage {
            Some(stage) => stage.word().to_owned(),
            None if self.targets == 0 => "nothing registered".to_owned(),
            None if self.no_sign == 0 => "no data".to_owned(),
            None => "no sign".to_owned(),
        }
    }
}

/// The map's code of a state; empty for none and for one that the map does not have.
pub(crate) fn code_of(state: &str) -> &'static str {
    let place = PLACES.iter().find(|place| place.code.eq_ignore_ascii_case(state));
    place.map_or("", |place| place.code)
}

/// Counts by state code; the empty code holds the targets that belong to no state or to one that the map does not have.
pub(crate) fn by_state(facts: &Facts) -> BTreeMap<&'static str, StateCount> {
    let mut counts: BTreeMap<&'static str, StateCount> = BTreeMap::new();
    for (id, target) in &facts.targets {
        let count = counts.entry(code_of(&target.state)).or_default();
        count.targets += 1;
        match facts.place(id) {
            Standing::NoSign => count.no_sign += 1,
            Standing::NoData => count.no_data += 1,
            Standing::Reached | Standing::Withheld => {}
        }
    }
    for row in facts.struck.values() {
        let count = counts.entry(code_of(row.state)).or_default();
        count.alarmed += u64::from(row.alarms > 0);
        count.alarms += row.alarms;
        count.watched += row.watched;
        count.stage = count.stage.max(row.stage);
    }
    counts
}

/// Side of a tile with its gap, and without, in units of the picture.
const PITCH: u32 = 60;
const SIDE: u32 = 56;

/// Height of a row: a little less, so that the map fits a printed page beside its legend.
const ROW_PITCH: u32 = 58;

/// The map. Each tile says its state, the number of alarms, and the furthest stage as steps of a ladder and as a tint.
pub(crate) fn map(counts: &BTreeMap<&'static str, StateCount>) -> Markup {
    html! {
        svg.map viewBox="-1 -1 658 527" role="img" aria-labelledby="map-title map-desc" {
            title #map-title { "Map of the states: alarms and furthest stage" }
            desc #map-desc { "One tile for each state, the District of Columbia and five territories. The table beneath has the same numbers in words." }
            @for place in &PLACES { (tile(place, counts.get(place.code).copied().unwrap_or_default())) }
        }
    }
}

/// Upper left corner of a tile. Territories stand a little apart.
pub(crate) fn tile_corner(place: &Place) -> (u32, u32) {
    let territories_apart = if place.row == 8 { 6 } else { 0 };
    (place.column * PITCH, place.row * ROW_PITCH + territories_apart)
}

fn tile(place: &Place, count: StateCount) -> Markup {
    let (x, y) = tile_corner(place);
    let state = match count.stage {
        Some(stage) => format!("tile s{}", steps(stage)),
        None if count.targets == 0 => "tile none".to_owned(),
        None if count.no_sign == 0 => "tile nodata".to_owned(),
        None => "tile nosign".to_owned(),
    };
    let sign = match (count.stage, count.targets, count.no_sign) {
        (Some(_), _, _) => fitting(count.alarms),
        (None, 0, _) => String::new(),
        (None, _, 0) => "?".to_owned(),
        (None, _, _) => "0".to_owned(),
    };
    let title = format!(
        "{}: {}; {} at {} of {}",
        place.name,
        count.says(),
        counted(count.alarms, "alarm"),
        grouped(count.alarmed),
        counted(count.targets, "registered target"),
    );
    html! {
        g class=(state) transform={ "translate(" (x) "," (y) ")" } {
            title { (title) }
            rect width=(SIDE) height=(SIDE - 2) rx="4" {}
            text.code x="6" y="19" { (place.code) }
            text.number.long[sign.len() > 3] x="50" y="39" text-anchor="end" { (sign) }
            @if let Some(stage) = count.stage { (ladder_marks(stage, 6, 46, 7)) }
        }
    }
}

/// A number in the four characters that a tile has room for; title and table have it in full.
fn fitting(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}k", number / 1000),
        _ => ">1M".to_owned(),
    }
}

/// Six little boxes, as many of them full as the stage has steps; a dashed line for `unknown`.
fn ladder_marks(stage: Stage, x: u32, y: u32, pitch: u32) -> Markup {
    html! {
        @for step in 0..LADDER.len() as u32 {
            rect class=(if (step as usize) < steps(stage) { "on" } else { "off" })
                x=(x + step * pitch + step / 2) y=(y) width=(pitch - 2) height="5" {}
        }
    }
}

/// What the signs of the map mean.
pub(crate) fn legend() -> Markup {
    html! {
        ul.legend aria-label="Signs of the map" {
            @for stage in LADDER { li { (swatch(Some(stage), "")) (stage.word()) } }
            li { (swatch(Some(Stage::Unknown), "")) "unknown stage" }
            li { (swatch(None, "nosign")) "0: no sign in what was read" }
            li { (swatch(None, "nodata")) "?: no data" }
            li { (swatch(None, "none")) "no number: nothing registered" }
        }
    }
}

/// A tile without letters, for the legend and for tables.
pub(crate) fn swatch(stage: Option<Stage>, otherwise: &str) -> Markup {
    let class = stage.map_or_else(|| otherwise.to_owned(), |stage| format!("s{}", steps(stage)));
    html! {
        svg.swatch viewBox="0 0 56 24" aria-hidden="true" {
            g class={ "tile " (class) } {
                rect x="1" y="1" width="54" height="22" rx="4" {}
                @if let Some(stage) = stage { (ladder_marks(stage, 6, 10, 7)) }
            }
        }
    }
}

/// The ladder of stages, with the number of targets whose furthest alarm stands on each step.
pub(crate) fn ladder(facts: &Facts) -> Markup {
    let furthest = facts.furthest();
    html! {
        ol.ladder aria-label="Stages, and the targets whose furthest alarm is there" {
            @for (at, stage) in LADDER.iter().enumerate() {
                @let targets = facts.targets_at(*stage);
                @let is_reached = furthest.is_some_and(|f| f >= *stage);
                li class={ "step s" (at + 1) @if targets == 0 { " empty" } @if !is_reached { " beyond" } } {
                    span.count { (grouped(targets)) }
                    span.word { (stage.word()) }
                    span.note {
                        @if targets > 0 { (if targets == 1 { "target" } else { "targets" }) }
                        @else if is_reached { "none stops here" }
                        @else if facts.records_read() == 0 { "not looked for" }
                        @else { "not seen" }
                    }
                }
            }
        }
    }
}
