//! The words for scales, times and techniques.

use jiff::Timestamp;
use maud::{Markup, html};
use pollwatch_model::{Observed, Probability, Stage, Tlp};

/// What a stage means, as DESIGN.md has it.
pub(crate) fn stage_means(stage: Stage) -> &'static str {
    match stage {
        Stage::Unknown => "the data cannot say how far it got",
        Stage::Prepared => "the means exist",
        Stage::Contacted => "an address of ill repute came by",
        Stage::Probed => "somebody looked for a way in",
        Stage::Attempted => "somebody tried to get in, or to take something",
        Stage::Succeeded => "it worked",
        Stage::Altered => "data or counts differ, and nothing known explains it",
    }
}

/// Steps of the ladder, lowest first; `unknown` is not a step.
pub(crate) const LADDER: [Stage; 6] = [
    Stage::Prepared,
    Stage::Contacted,
    Stage::Probed,
    Stage::Attempted,
    Stage::Succeeded,
    Stage::Altered,
];

/// How many steps of the ladder a stage has climbed: 0 for `unknown`.
pub(crate) fn steps(stage: Stage) -> usize {
    LADDER.iter().position(|s| *s == stage).map_or(0, |at| at + 1)
}

/// A probability in the words of ICD 203, section D.6.e(2)(a) (2015).
pub(crate) fn likelihood(probability: Probability) -> &'static str {
    match probability.get() {
        p if p >= 0.95 => "almost certain",
        p if p >= 0.80 => "very likely",
        p if p >= 0.55 => "likely",
        p if p >= 0.45 => "roughly even chance",
        p if p >= 0.20 => "unlikely",
        p if p >= 0.05 => "very unlikely",
        _ => "almost no chance",
    }
}

/// A time as the page writes it: ISO 8601 in UTC, to the second.
pub(crate) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An interval as the page writes it; a time is never broken between two lines.
pub(crate) fn interval(observed: Observed) -> Markup {
    let time = |at| html! { time { (iso(at)) } };
    html! {
        @match (observed.first, observed.last) {
            (None, None) => "the source tells no time",
            (Some(first), Some(last)) if first == last => (time(first)),
            (Some(first), Some(last)) => { (time(first)) " to " (time(last)) }
            (Some(first), None) => { "from " (time(first)) }
            (None, Some(last)) => { "until " (time(last)) }
        }
    }
}

/// What a TLP label allows its reader (FIRST, Traffic Light Protocol 2.0, section 4).
pub(crate) fn sharing_rule(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "No limit on disclosure.",
        Tlp::Green => "Share within your community, not in places open to the public.",
        Tlp::Amber => "Share with those in your organisation and its clients who need to know.",
        Tlp::AmberStrict => "Share only within your organisation, with those who need to know.",
        Tlp::Red => "For the eyes and ears of the individual recipients only.",
    }
}

/// A stable name such as `cut-tail` as words; what is no such name stays as it is.
pub(crate) fn spoken(name: &str) -> String {
    if name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        name.replace('-', " ")
    } else {
        name.to_owned()
    }
}
