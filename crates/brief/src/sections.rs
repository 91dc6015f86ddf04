//! The sections between who was targeted and the single findings.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use pollwatch_casework::tally::Place;
use pollwatch_model::{Severity, Stage, TargetId};

use crate::attack::technique_name;
use crate::count::Facts;
use crate::figures;
use crate::text::{counted, grouped, some_of, verbatim};
use crate::who::{numbers, stage_cell};
use crate::words::{LADDER, interval, iso, spoken, stage_means};

/// Most gaps that are named one by one.
const MAX_GAPS: usize = 300;

/// Techniques, the desks' own and ATT&CK's.
pub(crate) fn how(facts: &Facts) -> Markup {
    let mut by_technique: BTreeMap<(String, String), (u64, BTreeSet<&TargetId>, &str)> = BTreeMap::new();
    let mut by_attack: BTreeMap<&str, u64> = BTreeMap::new();
    for held in &facts.alarms {
        let finding = &held.finding;
        let technique = finding
            .details
            .get("technique")
            .and_then(|t| t.as_str())
            .unwrap_or_default();
        let entry = by_technique
            .entry((finding.kind.clone(), technique.to_owned()))
            .or_insert((0, BTreeSet::new(), finding.subject.as_str()));
        entry.0 += 1;
        entry.1.insert(&finding.target.id);
        for id in finding.techniques.iter().collect::<BTreeSet<_>>() {
            *by_attack.entry(id).or_default() += 1;
        }
    }
    let mut rows: Vec<_> = by_technique.into_iter().collect();
    rows.sort_by_key(|(_, (findings, _, _))| std::cmp::Reverse(*findings));
    let all = facts.alarms.len() as u64;
    html! {
        section aria-labelledby="how" {
            h2 #how { "How" }
            @if rows.is_empty() {
                p { "No finding at alarm severity, so there is no method to tell of." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="By technique" {
                    table {
                        thead { tr {
                            th scope="col" { "Technique" } th.n scope="col" { "Alarms of " (grouped(all)) }
                            th.n scope="col" { "Targets" } th scope="col" { "For example" }
                        } }
                        tbody {
                            @for ((kind, technique), (findings, targets, example)) in &rows {
                                tr {
                                    th scope="row" {
                                        (facts.kind_title(kind)) @if !technique.is_empty() { ": " (facts.veil.text(&spoken(technique))) }
                                        @if let Some(sees) = detector_sees(facts, technique) { span.under { (sees) } }
                                    }
                                    (numbers(&[*findings, targets.len() as u64]))
                                    td.t { code { (facts.veil.value(example)) } }
                                }
                            }
                        }
                    }
                }
                @if !by_attack.is_empty() {
                    h3 { "In the terms of MITRE ATT&CK" }
                    div.scroll tabindex="0" role="region" aria-label="By ATT&CK technique" {
                        table {
                            thead { tr { th scope="col" { "Id" } th scope="col" { "Name" } th.n scope="col" { "Alarms of " (grouped(all)) } } }
                            tbody {
                                @for (id, findings) in &by_attack {
                                    tr {
                                        th scope="row" { (facts.veil.text(id)) }
                                        td.t { (technique_name(id).unwrap_or("not in this version's table of names")) }
                                        (numbers(&[*findings]))
                                    }
                                }
                            }
                        }
                    }
                    p.small { "One finding can cite several techniques." }
                }
            }
        }
    }
}

fn detector_sees(facts: &Facts, technique: &str) -> Option<&'static str> {
    let detectors = facts.briefing.desks.iter().flat_map(|card| card.detectors);
    detectors.filter(|d| d.name == technique).map(|d| d.sees).next()
}

/// The ladder and its table.
pub(crate) fn how_far(facts: &Facts) -> Markup {
    html! {
        section aria-labelledby="stages" {
            div.keep {
                h2 #stages { "How far each got" }
                p { "Each target stands at the furthest stage of its alarms, or of what a log of its systems shows. A step where nothing was seen is one that the sources did not show; they do not show all." }
                (figures::ladder(facts))
            }
            div.scroll tabindex="0" role="region" aria-label="Targets and alarms by stage" {
                table {
                    thead { tr {
                        th scope="col" { "Stage" } th scope="col" { "Means" }
                        th.n scope="col" { "Targets whose furthest" } th.n scope="col" { "Alarms" }
                    } }
                    tbody {
                        @for stage in LADDER.iter().rev().chain(&[Stage::Unknown]) {
                            tr {
                                th scope="row" { (stage_cell(Some(*stage), "")) }
                                td.t { (stage_means(*stage)) }
                                (numbers(&[facts.targets_at(*stage), facts.alarms_at(*stage)]))
                            }
                        }
                        tr { th scope="row" { "no sign" } td.t { "some source speaks of the target, and nothing raised an alarm" } td.n { (grouped(facts.targets_standing(Place::NoSign))) } td.n { "–" } }
                        tr { th scope="row" { "no data" } td.t { "no source speaks of the target" } td.n { (grouped(facts.targets_standing(Place::NoData))) } td.n { "–" } }
                    }
                }
            }
        }
    }
}

/// Assurances.
pub(crate) fn sound(facts: &Facts) -> Markup {
    html! {
        section aria-labelledby="sound" {
            h2 #sound { "What was checked and found sound" }
            @if facts.assurances.is_empty() {
                p { "Nothing. No desk examined something and found it sound, so nothing on this page says that a system, a roll or a count is in order." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Found sound" {
                    table {
                        thead { tr { th scope="col" { "Target" } th scope="col" { "What was found" } th scope="col" { "Confidence" } th scope="col" { "Looked at" } } }
                        tbody {
                            @for held in &facts.assurances {
                                tr {
                                    th scope="row" { (facts.veil.text(&held.finding.target.name)) }
                                    td.t { (facts.veil.text(&held.finding.summary)) }
                                    td { (crate::findings::confidence(held.finding.confidence)) }
                                    td { (interval(held.finding.observed)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Unwatched fields, dark targets, gaps, unread records, and what the desks that looked cannot tell.
pub(crate) fn not_known(facts: &Facts) -> Markup {
    let unwatched = facts.unwatched();
    let briefing = facts.briefing;
    let dark = facts
        .targets
        .iter()
        .filter(|(id, _)| facts.place(id) == Place::NoData);
    let dark: Vec<String> = dark.map(|(_, target)| facts.veil.text(&target.name)).collect();
    let unfinished = briefing.coverage.iter().filter(|seen| !seen.is_complete);
    let gaps: Vec<_> = briefing
        .coverage
        .iter()
        .flat_map(|seen| seen.holes().map(move |gap| (seen, gap)))
        .collect();
    let unread = facts.records_unread();
    let blind = briefing
        .desks
        .iter()
        .filter(|card| facts.is_watched(card.name))
        .flat_map(|card| card.detectors);
    let blind: Vec<_> = blind
        .filter(|detector| !detector.cannot_tell.is_empty())
        .collect();
    html! {
        section aria-labelledby="not-known" {
            h2 #not-known { "What is not known" }
            p { "A lack of findings is not a finding. Each line here is a place where something may have happened unseen." }
            @if unwatched.is_empty() {
                p { "Every desk of this build had a source." }
            } @else {
                h3 { "Unwatched" }
                dl.unwatched {
                    @for (title, sentence, why) in &unwatched {
                        div {
                            dt { (facts.veil.text(title)) span.tag { "unwatched" } }
                            dd { (facts.veil.text(sentence)) " " span.dim { "(" (why) ")" } }
                        }
                    }
                }
            }
            h3 { "Seen in part" }
            ul {
                @if !dark.is_empty() { li { "No source speaks of " (grouped(dark.len() as u64)) " of " (counted(facts.targets.len() as u64, "target")) ": " (some_of(&dark)) "." } }
                @for seen in unfinished { li { (facts.veil.text(&seen.source)) " was not read to its end." } }
                @for (seen, gap) in gaps.iter().take(MAX_GAPS) {
                    li { (facts.veil.text(&seen.source)) " shows nothing from " (iso(gap.from)) " to " (iso(gap.to)) ": " (facts.veil.text(&gap.why)) "." }
                }
                @if gaps.len() > MAX_GAPS { li { (grouped((gaps.len() - MAX_GAPS) as u64)) " more gaps." } }
                li {
                    (grouped(unread)) " of " (counted(unread.saturating_add(facts.records_read()), "record")) " could not be read; the readers noted "
                    (counted(briefing.problems, "problem")) "."
                }
                @if facts.withheld > 0 { li { (counted(facts.withheld, "finding")) " withheld: marked stricter than " (briefing.tlp.label()) "." } }
                @let lost = facts.alarms_at(Stage::Unknown);
                @if lost > 0 { li { "How far it got is unknown for " (grouped(lost)) " of " (counted(facts.alarms.len() as u64, "alarm")) "." } }
            }
            @if !blind.is_empty() {
                h3 { "What the methods that looked cannot tell" }
                dl.cannot {
                    @for detector in &blind { div { dt { (facts.veil.text(&spoken(detector.name))) } dd { (facts.veil.text(detector.cannot_tell)) } } }
                }
            }
        }
    }
}

/// Coverage.
pub(crate) fn was_read(facts: &Facts) -> Markup {
    let briefing = facts.briefing;
    html! {
        section aria-labelledby="read" {
            h2 #read { "What was read" }
            @if briefing.coverage.is_empty() {
                p { "No source has been read." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Sources" {
                    table {
                        thead { tr {
                            th scope="col" { "Source" } th scope="col" { "Desk" } th.n scope="col" { "Records read" } th.n scope="col" { "Not read" }
                            th scope="col" { "Window" } th scope="col" { "Speaks of" } th.n scope="col" { "Bytes" } th scope="col" { "SHA-256 begins" } th scope="col" { "To its end" }
                        } }
                        tbody {
                            @for seen in &briefing.coverage {
                                tr {
                                    th scope="row" { (facts.veil.text(&seen.source)) }
                                    td { (facts.veil.text(&seen.desk)) }
                                    (numbers(&[seen.records_read, seen.records_unread]))
                                    td.t { (interval(seen.window)) }
                                    td { @if seen.targets.is_empty() { "all targets" } @else { (counted(seen.targets.len() as u64, "target")) } }
                                    (numbers(&[seen.bytes]))
                                    td { @match seen.sha256 { Some(sha256) => code { (sha256.to_string()[..16]) }, None => "not yet known" } }
                                    td { @if seen.is_complete { "yes" } @else { "no" } }
                                }
                            }
                        }
                        tfoot { tr {
                            th scope="row" { "Together" } td {} (numbers(&[facts.records_read(), facts.records_unread()])) td colspan="5" {}
                        } }
                    }
                }
            }
            @if !briefing.settings.is_empty() {
                h3 { "Settings in force" }
                dl.settings {
                    @for setting in &briefing.settings { div { dt { (facts.veil.text(&setting.name)) } dd { (facts.veil.text(&setting.value)) } } }
                }
            }
        }
    }
}

/// What others can search for: one row a value, in order of the value.
pub(crate) fn indicators(facts: &Facts) -> Markup {
    let mut rows: BTreeMap<(&str, &str), (Severity, BTreeSet<&str>)> = BTreeMap::new();
    for held in &facts.alarms {
        for indicator in &held.finding.indicators {
            let row = rows
                .entry((indicator.kind.as_str(), indicator.value.as_str()))
                .or_insert((Severity::Info, BTreeSet::new()));
            row.0 = row.0.max(held.finding.severity);
            row.1.insert(&held.finding.target.name);
        }
    }
    html! {
        section aria-labelledby="indicators" {
            h2 #indicators { "Indicators" }
            @if rows.is_empty() {
                p { "No finding at alarm severity gives one." }
            } @else {
                p { (counted(rows.len() as u64, "value")) " to search mail, proxy and DNS logs for. They are defanged, so that nothing on this page can be followed by accident: take out the square brackets and read hxxp as http." }
                div.scroll tabindex="0" role="region" aria-label="Indicators" {
                    table.indicators {
                        thead { tr { th scope="col" { "Value" } th scope="col" { "Type" } th scope="col" { "Severity" } th scope="col" { "Imitates or concerns" } } }
                        tbody {
                            @for ((kind, value), (severity, targets)) in &rows {
                                tr {
                                    th scope="row" {
                                        code { (facts.veil.value(value)) }
                                        @let odd = crate::findings::odd_letters(value);
                                        @if !odd.is_empty() { span.under { "Letters outside a to z: " (odd.join(", ")) } }
                                    }
                                    td { (facts.veil.text(kind)) }
                                    td { (crate::findings::severity_tag(*severity)) }
                                    td.t { (some_of(&targets.iter().map(|name| facts.veil.text(name)).collect::<Vec<_>>())) }
                                }
                            }
                        }
                    }
                }
                details.screen-only {
                    summary { "The values alone, one a line, to copy" }
                    pre tabindex="0" { @for (_, value) in rows.keys() { (facts.veil.value(value)) "\n" } }
                }
            }
        }
    }
}

/// How somebody who does not trust the page checks it.
pub(crate) fn check(facts: &Facts) -> Markup {
    html! {
        section aria-labelledby="check" {
            h2 #check { "How to check this page" }
            @match &facts.briefing.checkpoint {
                None => p { "There was no signed checkpoint when this page was made, so it cannot be checked against a ledger. The SHA-256 values still tell whether an excerpt is the one that a finding rests on." },
                Some(checkpoint) => {
                    p {
                        "Every finding, decision and piece of evidence is a leaf of an append-only ledger. The note below is the ledger's signed state when this page was made. "
                        "Keep this page outside the office that made it. Anyone who has the ledger can save the note as a file, exactly as it stands, and run the command; "
                        "it fails if the ledger was cut, rewritten or signed anew since then, and names the first entry that does not follow. "
                        "Each finding's own proof stands with it, and its evidence is checked by its SHA-256."
                    }
                    pre.command tabindex="0" { "pollwatch verify --checkpoint NOTE" }
                    pre.note tabindex="0" { (verbatim(checkpoint)) }
                }
            }
        }
    }
}
