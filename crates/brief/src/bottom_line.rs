//! The three sentences that everybody reads, and the way to the rest.

use maud::{Markup, html};
use pollwatch_casework::tally::Place;
use pollwatch_model::Stage;

use crate::count::Facts;
use crate::text::{counted, grouped, listed};
use crate::words::stage_means;

/// What was found, how far it got, what is not known: one sentence each.
pub(crate) fn bottom_line(facts: &Facts) -> Markup {
    html! {
        section.bottom-line aria-labelledby="bottom-line" {
            h2 #bottom-line { "Bottom line" }
            p { (found_sentence(facts)) }
            p { (reach_sentence(facts)) }
            p { (unknown_sentence(facts)) }
        }
    }
}

fn found_sentence(facts: &Facts) -> String {
    let targets = match facts.targets.len() as u64 {
        0 => "the targets (none is registered yet)".to_owned(),
        some => counted(some, "registered target"),
    };
    let alarms = facts.alarms.len() as u64;
    if alarms == 0 && facts.records_read() == 0 {
        return format!("No source has been read, so nothing can be said about any of {targets}.");
    }
    let read = format!(
        "{} read from {}",
        counted(facts.records_read(), "record"),
        counted(facts.sources_read(), "source")
    );
    if alarms == 0 {
        let below = match facts.watched.len() as u64 {
            0 => String::new(),
            low => format!(", and {} stand below it", counted(low, "finding")),
        };
        return format!(
            "None of the {read} led to a finding at alarm severity about any of {targets}{below}."
        );
    }
    let unregistered = match facts.unregistered_targets() {
        0 => String::new(),
        more => format!(" and {} outside the register", grouped(more)),
    };
    let confirmed = match facts.confirmed() {
        0 => "none of them yet confirmed by an analyst".to_owned(),
        some => format!("{} of them confirmed by an analyst", grouped(some)),
    };
    let verb = if alarms == 1 { "concerns" } else { "concern" };
    format!(
        "{} at alarm severity {verb} {} of {targets}{unregistered}, {confirmed}, in {read}.",
        counted(alarms, "finding"),
        grouped(facts.alarmed_targets()),
    )
}

fn reach_sentence(facts: &Facts) -> String {
    match facts.furthest() {
        None if facts.records_read() == 0 => {
            "How far anything got cannot be said, because nothing was looked at.".to_owned()
        }
        None => {
            "No stage of an attack was seen in the sources that were looked at, which says nothing about \
                 places where nobody looked."
                .to_owned()
        }
        Some(Stage::Unknown) => format!(
            "How far it got cannot be said for any of the {}, because the sources do not show it.",
            counted(facts.alarms.len() as u64, "finding")
        ),
        Some(stage) => {
            let at = counted(facts.targets_at(stage), "target");
            let beyond = if stage == Stage::Altered {
                "which is the last stage there is; the findings say what innocent causes remain"
            } else {
                "and nothing beyond that was seen in the sources that were looked at"
            };
            format!(
                "The furthest that anything got is “{}” ({}), at {at}, {beyond}.",
                stage.word(),
                stage_means(stage)
            )
        }
    }
}

fn unknown_sentence(facts: &Facts) -> String {
    let mut unknown = Vec::new();
    let fields: Vec<String> = facts
        .unwatched()
        .iter()
        .map(|(title, _, _)| without_stop(&facts.veil.text(title)).to_lowercase())
        .collect();
    if !fields.is_empty() {
        let noun = if fields.len() == 1 {
            "field that nobody watched"
        } else {
            "fields that nobody watched"
        };
        unknown.push(format!(
            "what happened in {} {noun} ({})",
            fields.len(),
            listed(&fields)
        ));
    }
    let dark = facts.targets_standing(Place::NoData);
    if dark > 0 {
        unknown.push(format!(
            "what was done to {} of {} that no source speaks of",
            grouped(dark),
            counted(facts.targets.len() as u64, "target")
        ));
    }
    let unread = facts.records_unread();
    if unread > 0 {
        let all = unread.saturating_add(facts.records_read());
        unknown.push(format!(
            "what stood in {} of {} that could not be read",
            grouped(unread),
            counted(all, "record")
        ));
    }
    if unknown.is_empty() {
        return "Not known is whatever these sources do not show: every field of this build had one, and none of them shows all."
            .to_owned();
    }
    format!("Not known: {}.", unknown.join("; "))
}

/// A title inside a sentence must not end it.
fn without_stop(text: &str) -> String {
    text.replace(". ", ", ").trim_end_matches('.').to_owned()
}

/// Links to the sections, for the screen.
pub(crate) fn contents() -> Markup {
    let sections = [
        ("#tally", "The count"),
        ("#who", "Who was targeted"),
        ("#how", "How"),
        ("#stages", "How far it got"),
        ("#sound", "Found sound"),
        ("#not-known", "Not known"),
        ("#read", "What was read"),
        ("#indicators", "Indicators"),
        ("#findings", "Findings"),
        ("#check", "Check this page"),
    ];
    html! {
        nav.contents aria-label="Sections" {
            ul { @for (place, title) in sections { li { a href=(place) { (title) } } } }
        }
    }
}
