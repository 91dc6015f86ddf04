//! The count: one sentence a field, and for logs of election systems the map of the states and its table.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use pollwatch_casework::tally::{DayRange, FieldTally, Level, Place, Row, Scale, percent};

use crate::count::Facts;
use crate::figures::{PLACES, code_of, tile_corner};
use crate::text::{counted, grouped, some_of};

/// Most rows of a table; beyond that it says how many more there are.
const MAX_ROWS: usize = 300;
/// Findings that one row links to.
const MAX_LINKS: usize = 4;
/// Spans of missing days that one row names.
const MAX_SPANS: usize = 4;

/// The section; empty when no field is counted.
pub(crate) fn section(facts: &Facts) -> Markup {
    let tally = &facts.tally;
    if tally.fields.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="tally" {
            h2 #tally { "The count" }
            p {
                "Each field is counted by itself, over " (counted(facts.targets.len() as u64, "registered target"))
                @match tally.window {
                    Some(window) => { " and the time " strong { (window.in_words()) } "." }
                    None => { " and the time that its own sources speak of, where they tell one." }
                }
                " “No sign” says that something was looked at for the share of the time that is named, and that nothing was found there; it says no more. "
                "Contact is not counted as an attack."
            }
            dl.count {
                @for field in &tally.fields {
                    div {
                        dt { (facts.veil.text(&field.field.title)) }
                        dd {
                            (capital(&field.sentence())) "."
                            @if let Some(window) = field.field.window.filter(|_| tally.window.is_none()) { " " span.dim { (window.in_days()) } }
                        }
                    }
                }
            }
            @for field in tally.fields.iter().filter(|field| field.field.scale == Scale::Verdicts) { (logs(facts, field)) }
            @if !facts.authorised.is_empty() {
                p.small {
                    (counted(facts.authorised.len() as u64, "finding")) " about the work of declared assessors "
                    @if facts.authorised.len() == 1 { "is" } @else { "are" } " counted nowhere on this page."
                }
            }
        }
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Map and table of a field of logs; of one state alone, the table of its places.
fn logs(facts: &Facts, field: &FieldTally) -> Markup {
    let is_dark = field
        .rows
        .iter()
        .all(|row| row.place == Place::NoData && row.authorised.is_empty());
    if is_dark {
        return html! {};
    }
    let states: BTreeSet<&str> = field
        .rows
        .iter()
        .map(|row| code_of(&row.state))
        .filter(|code| !code.is_empty())
        .collect();
    html! {
        h3 { (facts.veil.text(&field.field.title)) ": verdict and coverage" }
        @if states.len() > 1 {
            figure.map-figure {
                (map(field))
                figcaption {
                    "Sign and tint: the furthest verdict of any target of the state. Bar beneath: share of the time that logs cover, of the target "
                    "that is covered least. A count of targets at that verdict stands beside the sign where the state has more than one."
                    (legend())
                }
            }
        }
        (rows(facts, field))
    }
}

/// One state of the map.
#[derive(Default)]
struct StateRows<'a> {
    rows: Vec<&'a Row>,
}

impl StateRows<'_> {
    fn level(&self) -> Option<Level> {
        self.rows.iter().filter_map(|row| row.level).max()
    }

    /// Where the state stands when no finding counts: it shows no sign only where every target was looked at.
    fn place(&self) -> Place {
        let places = self.rows.iter().map(|row| row.place);
        match places.clone().min() {
            Some(Place::NoSign) if places.clone().any(|place| place == Place::NoData) => Place::NoData,
            Some(place) => place,
            None => Place::NoData,
        }
    }

    /// Share of the window that is covered, of the target that is covered least.
    fn permille(&self) -> u32 {
        self.rows
            .iter()
            .map(|row| row.covered.permille.unwrap_or(0))
            .min()
            .unwrap_or(0)
    }
}

fn by_state(field: &FieldTally) -> BTreeMap<&'static str, StateRows<'_>> {
    let mut states: BTreeMap<&'static str, StateRows> = BTreeMap::new();
    for row in &field.rows {
        states.entry(code_of(&row.state)).or_default().rows.push(row);
    }
    states
}

fn map(field: &FieldTally) -> Markup {
    let states = by_state(field);
    html! {
        svg.map.verdicts viewBox="-1 -1 658 527" role="img" aria-labelledby="tally-title tally-desc" {
            title #tally-title { "Map of the states: furthest verdict, and share of the time that logs cover" }
            desc #tally-desc { "One tile for each state, the District of Columbia and five territories. The table beneath says the same in words." }
            @for place in &PLACES {
                @let (x, y) = tile_corner(place);
                @let state = states.get(place.code);
                g class={ "tile " (class_of(state)) } transform={ "translate(" (x) "," (y) ")" } {
                    title { (place.name) ": " (says(field, state)) }
                    rect width="56" height="54" rx="4" {}
                    text.code x="6" y="19" { (place.code) }
                    @if let Some(state) = state {
                        (sign(state.level(), state.place(), 42, 31))
                        @if let Some(level) = state.level() && state.rows.len() > 1 {
                            text.number.small-number x="6" y="37" { (state.rows.iter().filter(|row| row.level == Some(level)).count()) }
                        }
                        rect.cover x="6" y="45" width="44" height="5" {}
                        rect.covered x="6" y="45" width=(state.permille() * 44 / 1000) height="5" {}
                    }
                }
            }
        }
    }
}

fn class_of(state: Option<&StateRows>) -> &'static str {
    let Some(state) = state else {
        return "none";
    };
    match (state.level(), state.place()) {
        (Some(level), _) => level_class(level),
        (None, Place::NoSign) => "nosign",
        (None, Place::Withheld) => "s0",
        (None, _) => "nodata",
    }
}

fn level_class(level: Level) -> &'static str {
    match level {
        Level::Unknown => "s0",
        Level::Prepared => "s1",
        Level::Contact => "s2",
        Level::Scanned => "s3",
        Level::Attempted => "s4",
        Level::Breached => "s5",
        Level::Exfiltrated | Level::Altered => "s6",
    }
}

fn says(field: &FieldTally, state: Option<&StateRows>) -> String {
    let Some(state) = state else {
        return "nothing registered".to_owned();
    };
    let dark = state.rows.iter().filter(|row| row.place == Place::NoData).count() as u64;
    let stands = match (state.level(), state.place()) {
        (Some(level), _) => {
            let at = state.rows.iter().filter(|row| row.level == Some(level)).count() as u64;
            format!(
                "{} at {} of {}",
                field.word(level),
                grouped(at),
                counted(state.rows.len() as u64, "target")
            )
        }
        (None, Place::NoSign) => "no sign in what was looked at".to_owned(),
        (None, Place::Withheld) => "findings withheld by their office".to_owned(),
        (None, _) if dark < state.rows.len() as u64 => {
            format!(
                "no sign at some targets, no data of {} of {}",
                grouped(dark),
                grouped(state.rows.len() as u64)
            )
        }
        (None, _) => "no data".to_owned(),
    };
    format!(
        "{stands}; logs cover {} of the time, where least",
        percent(state.permille())
    )
}

/// A sign of a shape of its own for each verdict, so that it is read without colours; centred at `x`, `y`.
fn sign(level: Option<Level>, place: Place, x: i32, y: i32) -> Markup {
    let points = |points: &[(i32, i32)]| -> String {
        points
            .iter()
            .map(|(dx, dy)| format!("{},{}", x + dx, y + dy))
            .collect::<Vec<_>>()
            .join(" ")
    };
    html! {
        @match (level, place) {
            (Some(Level::Contact), _) => circle.sign.open cx=(x) cy=(y) r="6" {},
            (Some(Level::Scanned), _) => polygon.sign.open points=(points(&[(0, -7), (7, 6), (-7, 6)])) {},
            (Some(Level::Attempted), _) => rect.sign.full x=(x - 6) y=(y - 6) width="12" height="12" {},
            (Some(Level::Breached), _) => polygon.sign.full points=(points(&[(0, -8), (8, 0), (0, 8), (-8, 0)])) {},
            (Some(Level::Exfiltrated | Level::Altered), _) => {
                polygon.sign.full points=(points(&[(0, -9), (2, -3), (9, -3), (4, 2), (6, 9), (0, 5), (-6, 9), (-4, 2), (-9, -3), (-2, -3)])) {}
            }
            (Some(Level::Prepared), _) => polyline.sign.open points=(points(&[(-6, 4), (0, -5), (6, 4)])) {},
            (None, Place::NoSign) => line.sign.open x1=(x - 6) y1=(y) x2=(x + 6) y2=(y) {},
            (Some(Level::Unknown), _) | (None, Place::Withheld) => text.mark-sign x=(x) y=(y + 6) text-anchor="middle" { "!" },
            (None, _) => text.mark-sign x=(x) y=(y + 6) text-anchor="middle" { "?" },
        }
    }
}

/// A tile without letters, for the legend and for tables.
fn swatch(level: Option<Level>, place: Place) -> Markup {
    let class = match (level, place) {
        (Some(level), _) => level_class(level),
        (None, Place::NoSign) => "nosign",
        (None, Place::Withheld) => "s0",
        (None, _) => "nodata",
    };
    html! {
        svg.swatch viewBox="0 0 56 24" aria-hidden="true" {
            g class={ "tile " (class) } { rect x="1" y="1" width="54" height="22" rx="4" {} (sign(level, place, 28, 12)) }
        }
    }
}

fn legend() -> Markup {
    let levels = [
        Level::Exfiltrated,
        Level::Breached,
        Level::Attempted,
        Level::Scanned,
        Level::Contact,
    ];
    html! {
        ul.legend aria-label="Signs of the map" {
            @for level in levels { li { (swatch(Some(level), Place::Reached)) (level.word()) } }
            li { (swatch(None, Place::NoSign)) "no sign in what was looked at" }
            li { (swatch(None, Place::NoData)) "no data, of one target at least" }
            li { (swatch(None, Place::Withheld)) "withheld by its office, or how far is unknown" }
        }
    }
}

/// Every target of which something is known, furthest first; the others are named beneath.
fn rows(facts: &Facts, field: &FieldTally) -> Markup {
    let mut shown: Vec<&Row> = field
        .rows
        .iter()
        .filter(|row| row.place != Place::NoData || !row.authorised.is_empty())
        .collect();
    shown.sort_by(|a, b| {
        (b.level, b.confidence)
            .cmp(&(a.level, a.confidence))
            .then(a.place.cmp(&b.place))
            .then(a.covered.permille.cmp(&b.covered.permille))
            .then_with(|| (&a.state, &a.name, &a.target).cmp(&(&b.state, &b.name, &b.target)))
    });
    let dark: Vec<String> = field
        .standing(Place::NoData)
        .map(|row| facts.veil.text(&row.name))
        .collect();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Verdict and coverage of each target" {
            table {
                thead { tr {
                    th scope="col" { "Target" } th scope="col" { "State" } th scope="col" { "Verdict" } th scope="col" { "Confidence" }
                    th.n scope="col" { "Time covered" } th scope="col" { "Days without logs (UTC)" } th scope="col" { "Rests on" }
                } }
                tbody {
                    @for row in shown.iter().take(MAX_ROWS) {
                        tr {
                            th scope="row" { (facts.veil.text(&row.name)) }
                            td { @if row.state.is_empty() { "none" } @else { (facts.veil.text(&row.state)) } }
                            td { span.stage { (swatch(row.level, row.place)) (stands(field, row)) } }
                            td { @match row.confidence { Some(confidence) => (confidence.word()), None => "–" } }
                            td.n { @match row.covered.permille { Some(share) => (percent(share)), None => "not told" } }
                            td.t { (missing(row)) }
                            td.t { (rests_on(row)) }
                        }
                    }
                }
            }
        }
        @if shown.len() > MAX_ROWS { p.small { (grouped((shown.len() - MAX_ROWS) as u64)) " more targets are not listed here; `pollwatch tally` has them." } }
        @if !dark.is_empty() {
            p.small { "No logs of " (counted(dark.len() as u64, "target")) " for this time: " (some_of(&dark)) "." }
        }
    }
}

fn stands(field: &FieldTally, row: &Row) -> &'static str {
    match (row.level, row.place) {
        (Some(level), _) => field.word(level),
        (None, Place::Withheld) => "withheld",
        (None, Place::NoSign) if !row.authorised.is_empty() => "no sign; authorised test",
        (None, Place::NoSign) => "no sign",
        (None, _) => "no data",
    }
}

fn missing(row: &Row) -> String {
    let range = |range: &DayRange| match range.first == range.last {
        true => range.first.to_string(),
        false => format!("{} to {}", range.first, range.last),
    };
    let mut spans: Vec<String> = row.covered.missing.iter().map(range).collect();
    spans.extend(
        row.covered
            .cut
            .iter()
            .map(|cut| format!("{} in part ({} min)", cut.day, cut.minutes)),
    );
    if spans.is_empty() {
        return if row.covered.permille.is_some() {
            "none".to_owned()
        } else {
            "not told".to_owned()
        };
    }
    if spans.len() > MAX_SPANS {
        let more = spans.len() - MAX_SPANS;
        spans.truncate(MAX_SPANS);
        spans.push(format!("{more} more"));
    }
    spans.join(", ")
}

/// Links to the findings, and how many sources were looked at.
fn rests_on(row: &Row) -> Markup {
    let left = row.findings.len().saturating_sub(MAX_LINKS);
    html! {
        @for held in row.findings.iter().take(MAX_LINKS) {
            a href={ "#" (held.id) } { (held.id.as_str()[..10]) } " "
        }
        @if left > 0 { "and " (left) " more " }
        span.under { (counted(row.covered.sources.len() as u64, "source")) }
    }
}
