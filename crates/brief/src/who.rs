//! Who was targeted: map, states, targets.

use std::collections::BTreeMap;

use maud::{Markup, html};
use pollwatch_casework::tally::Place;
use pollwatch_model::{Stage, TargetId};

use crate::count::{Facts, Struck};
use crate::figures::{self, PLACES, StateCount};
use crate::text::{MAX_LISTED_NAMES, counted, grouped, listed, some_of};

/// Most targets that a table names one by one; beyond that it says how many more there are.
const MAX_TARGET_ROWS: usize = 300;

/// Map, table of states, table of targets.
pub(crate) fn who(facts: &Facts) -> Markup {
    let counts = figures::by_state(facts);
    let empty: Vec<String> = PLACES
        .iter()
        .filter(|place| !counts.contains_key(place.code))
        .map(|place| place.name.to_owned())
        .collect();
    html! {
        section aria-labelledby="who" {
            h2 #who { "Who was targeted" }
            p {
                @if facts.targets.is_empty() {
                    "The register names no target yet, so no finding can be counted by target."
                } @else {
                    (grouped(facts.alarmed_targets())) " of " (counted(facts.targets.len() as u64, "target"))
                    " in the register " @if facts.alarmed_targets() == 1 { "has" } @else { "have" } " a finding at alarm severity; "
                    (grouped(facts.targets_standing(Place::NoSign))) " show no sign in what was read; no source speaks of the other "
                    (grouped(facts.targets_standing(Place::NoData))) "."
                }
                @if !facts.dismissed.is_empty() {
                    " " (counted(facts.dismissed.len() as u64, "finding")) " that an analyst dismissed "
                    @if facts.dismissed.len() == 1 { "is" } @else { "are" } " not counted."
                }
            }
            figure.map-figure {
                (figures::map(&counts))
                figcaption {
                    "Number: findings at alarm severity. Boxes and tint: the furthest stage, one box for each step."
                    (figures::legend())
                }
            }
            h3 { "By state" }
            @if counts.keys().any(|code| !code.is_empty()) {
                (state_table(&counts))
                @if !empty.is_empty() && empty.len() <= MAX_LISTED_NAMES {
                    p.small { "Nothing is registered in " (listed(&empty)) "." }
                } @else if !empty.is_empty() {
                    p.small { "Nothing is registered in the other " (empty.len()) " of " (PLACES.len()) " states and territories." }
                }
            } @else {
                p { "No registered target belongs to a state." }
            }
            h3 { "Targets with findings" }
            @if facts.struck.is_empty() {
                p { @if facts.records_read() == 0 { "Nothing was read that could show one." } @else { "None in what was read." } }
            } @else {
                (target_table(facts))
            }
            (others(facts, counts.get("")))
        }
    }
}

fn state_table(counts: &BTreeMap<&'static str, StateCount>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table by state" {
            table {
                thead { tr {
                    th scope="col" { "State" } th scope="col" { "Furthest stage" }
                    th.n scope="col" { "Alarms" } th.n scope="col" { "Targets with alarms" } th.n scope="col" { "No sign" }
                    th.n scope="col" { "No data" } th.n scope="col" { "Registered" } th.n scope="col" { "Below alarm" }
                } }
                tbody {
                    @for place in &PLACES {
                        @if let Some(count) = counts.get(place.code) {
                            tr {
                                th scope="row" { (place.name) " " span.dim { (place.code) } }
                                td { (stage_cell(count.stage, &count.says())) }
                                (numbers(&[count.alarms, count.alarmed, count.no_sign, count.no_data, count.targets, count.watched]))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Cells of a row that hold numbers.
pub(crate) fn numbers(cells: &[u64]) -> Markup {
    html! { @for number in cells { td.n { (grouped(*number)) } } }
}

/// A stage as picture and word.
pub(crate) fn stage_cell(stage: Option<Stage>, otherwise: &str) -> Markup {
    html! {
        span.stage {
            @match stage {
                Some(stage) => { (figures::swatch(Some(stage), "")) (stage.word()) }
                None => (otherwise)
            }
        }
    }
}

fn target_table(facts: &Facts) -> Markup {
    let mut rows: Vec<(&TargetId, &Struck)> = facts.struck.iter().collect();
    rows.sort_by(|(a_id, a), (b_id, b)| {
        (b.stage.cmp(&a.stage))
            .then(b.alarms.cmp(&a.alarms))
            .then(b.watched.cmp(&a.watched))
            .then(a_id.cmp(b_id))
    });
    let left_out = rows.len().saturating_sub(MAX_TARGET_ROWS);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Targets with findings" {
            table {
                thead { tr {
                    th scope="col" { "Target" } th scope="col" { "Kind" } th scope="col" { "State" }
                    th scope="col" { "Furthest stage" } th.n scope="col" { "Alarms" } th.n scope="col" { "Below alarm" }
                } }
                tbody {
                    @for (id, row) in rows.iter().take(MAX_TARGET_ROWS) {
                        tr {
                            th scope="row" { (facts.veil.text(row.name)) }
                            td { @match facts.targets.get(*id) {
                                Some(target) => (target.kind.title()),
                                None => "not in the register",
                            } }
                            td { @if row.state.is_empty() { "none" } @else { (facts.veil.text(row.state)) } }
                            td { (stage_cell(row.stage, "none at alarm severity")) }
                            (numbers(&[row.alarms, row.watched]))
                        }
                    }
                }
            }
        }
        @if left_out > 0 { p.small { (grouped(left_out as u64)) " more targets with findings are not listed here." } }
    }
}

/// Registered targets of no state that have no finding: they have no tile, so they are named.
fn others(facts: &Facts, count: Option<&StateCount>) -> Markup {
    let on_map = |state: &str| PLACES.iter().any(|place| place.code.eq_ignore_ascii_case(state));
    let quiet = facts
        .targets
        .iter()
        .filter(|(id, target)| !on_map(&target.state) && !facts.struck.contains_key(*id));
    let names: Vec<String> = quiet.map(|(_, target)| facts.veil.text(&target.name)).collect();
    html! {
        @if let Some(count) = count {
            h3 { "Targets of no state" }
            p {
                (counted(count.targets, "registered target")) " " @if count.targets == 1 { "belongs" } @else { "belong" }
                " to no state and so to no tile: " (grouped(count.alarmed)) " with an alarm, " (grouped(count.no_sign))
                " with no sign in what was read, " (grouped(count.no_data)) " with no data."
                @if !names.is_empty() { " Without a finding: " (some_of(&names)) "." }
            }
        }
    }
}
