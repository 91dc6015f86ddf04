//! Small parts that many pages share. Colour is never the only sign.

use maud::{Markup, html};
use pollwatch_model::{Decision, Observed, Probability, Severity, Stage, Tlp, Verdict};
use pollwatch_names::{Lines, shown};

use crate::web::visitor::Visitor;
use crate::words as w;
use crate::words::{Language, Text};

/// Longest plain text that a page shows, in characters.
const MAX_PLAIN_CHARS: usize = 300;

/// Steps of the ladder, lowest first; `unknown` is not a step.
pub(crate) const LADDER: [Stage; 6] = [
    Stage::Prepared,
    Stage::Contacted,
    Stage::Probed,
    Stage::Attempted,
    Stage::Succeeded,
    Stage::Altered,
];

/// A text that names nobody hostile, such as a name of the register: what does not show is written out.
pub(crate) fn plain(text: &str) -> String {
    shown(text, MAX_PLAIN_CHARS, Lines::Joined)
}

/// A text that has to be copied as it is, such as a proof.
pub(crate) fn verbatim(text: &str) -> String {
    shown(text, usize::MAX, Lines::Kept)
}

/// How many steps of the ladder a stage has climbed: 0 for `unknown`.
pub(crate) fn steps(stage: Stage) -> usize {
    LADDER.iter().position(|s| *s == stage).map_or(0, |at| at + 1)
}

pub(crate) fn stage_text(stage: Stage) -> Text {
    match stage {
        Stage::Unknown => w::STAGE_UNKNOWN,
        Stage::Prepared => w::STAGE_PREPARED,
        Stage::Contacted => w::STAGE_CONTACTED,
        Stage::Probed => w::STAGE_PROBED,
        Stage::Attempted => w::STAGE_ATTEMPTED,
        Stage::Succeeded => w::STAGE_SUCCEEDED,
        Stage::Altered => w::STAGE_ALTERED,
    }
}

pub(crate) fn stage_means(stage: Stage) -> Text {
    match stage {
        Stage::Unknown => w::MEANS_UNKNOWN,
        Stage::Prepared => w::MEANS_PREPARED,
        Stage::Contacted => w::MEANS_CONTACTED,
        Stage::Probed => w::MEANS_PROBED,
        Stage::Attempted => w::MEANS_ATTEMPTED,
        Stage::Succeeded => w::MEANS_SUCCEEDED,
        Stage::Altered => w::MEANS_ALTERED,
    }
}

pub(crate) fn severity_text(severity: Severity) -> Text {
    match severity {
        Severity::Info => w::SEVERITY_INFO,
        Severity::Low => w::SEVERITY_LOW,
        Severity::Medium => w::SEVERITY_MEDIUM,
        Severity::High => w::SEVERITY_HIGH,
        Severity::Critical => w::SEVERITY_CRITICAL,
    }
}

/// The severity, in words and as a frame.
pub(crate) fn severity(language: Language, severity: Severity) -> Markup {
    html! { span class={ "severity " (severity.word()) } { (language.say(severity_text(severity))) } }
}

/// The stage in a word, after six little boxes of which as many are full as it has steps.
pub(crate) fn stage(language: Language, stage: Option<Stage>) -> Markup {
    html! {
        @match stage {
            Some(stage) => span.stage { (boxes(stage)) (language.say(stage_text(stage))) },
            None => span.stage { (language.say(w::ASSURANCE)) },
        }
    }
}

/// Six little boxes.
pub(crate) fn boxes(stage: Stage) -> Markup {
    html! {
        svg.boxes viewBox="0 0 41 8" width="41" height="8" aria-hidden="true" {
            @for step in 0..LADDER.len() {
                rect class=(if step < steps(stage) { "on" } else { "off" }) x=(step * 7) y="1" width="5" height="6" rx="1" {}
            }
        }
    }
}

/// The label of FIRST's Traffic Light Protocol 2.0.
pub(crate) fn tlp(tlp: Tlp) -> Markup {
    let class = match tlp {
        Tlp::Clear => "tlp clear",
        Tlp::Green => "tlp green",
        Tlp::Amber | Tlp::AmberStrict => "tlp amber",
        Tlp::Red => "tlp red",
    };
    html! { span class=(class) { (tlp.label()) } }
}

pub(crate) fn tlp_rule(tlp: Tlp) -> Text {
    match tlp {
        Tlp::Clear => w::TLP_CLEAR,
        Tlp::Green => w::TLP_GREEN,
        Tlp::Amber => w::TLP_AMBER,
        Tlp::AmberStrict => w::TLP_STRICT,
        Tlp::Red => w::TLP_RED,
    }
}

/// A probability in the words of ICD 203, section D.6.e(2)(a) (2015).
pub(crate) fn likelihood(probability: Probability) -> Text {
    match probability.get() {
        p if p >= 0.95 => w::ALMOST_CERTAIN,
        p if p >= 0.80 => w::VERY_LIKELY,
        p if p >= 0.55 => w::LIKELY,
        p if p >= 0.45 => w::EVEN_CHANCE,
        p if p >= 0.20 => w::UNLIKELY,
        p if p >= 0.05 => w::VERY_UNLIKELY,
        _ => w::ALMOST_NO_CHANCE,
    }
}

pub(crate) fn verdict_text(verdict: Verdict) -> Text {
    match verdict {
        Verdict::Confirmed => w::CONFIRMED,
        Verdict::Dismissed => w::DISMISSED,
        Verdict::Note => w::NOTE,
    }
}

/// What was decided, in a word.
pub(crate) fn decided(language: Language, decision: Option<&Decision>) -> Markup {
    html! {
        @if let Some(decision) = decision {
            span class={ "decided " (format!("{:?}", decision.verdict).to_lowercase()) } { (language.say(verdict_text(decision.verdict))) }
        }
    }
}

/// When something was seen.
pub(crate) fn observed(visitor: &Visitor, observed: Observed) -> Markup {
    let language = visitor.language;
    let time = |at| visitor.time(at);
    match (observed.first, observed.last) {
        (None, None) => html! { (language.say(w::NO_TIME)) },
        (Some(first), Some(last)) if first == last => time(first),
        (Some(first), Some(last)) => language.mark(w::FROM_TO, &[time(first), time(last)]),
        (Some(first), None) => language.mark(w::FROM, &[time(first)]),
        (None, Some(last)) => language.mark(w::UNTIL, &[time(last)]),
    }
}

/// A table that scrolls by itself where the screen is narrow, and can be scrolled with the keyboard.
/// A group and not a region: its section is the landmark.
pub(crate) fn scroll(label: &str, table: Markup) -> Markup {
    html! { div.scroll role="group" aria-label=(label) tabindex="0" { (table) } }
}
