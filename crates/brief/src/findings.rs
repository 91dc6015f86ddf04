//! Each finding: what, why, what else explains it, what to do, what it rests on.

use maud::{Markup, html};
use pollwatch_model::{Finding, Probability, Severity, Span, Tlp, Verdict};

use crate::align::{self, Fit};
use crate::attack::technique_name;
use crate::count::Facts;
use crate::text::{counted, grouped, verbatim, visible};
use crate::words::{interval, iso, likelihood, stage_means};
use crate::{BriefExcerpt, BriefFinding};

/// Findings told in full; the rest, less urgent, are rows of a table. A page of 3,000 full ones is a page nobody opens.
const MAX_FULL_FINDINGS: usize = 200;

/// Excerpts shown of one finding; further evidence is named by locator and digest.
const MAX_EXCERPTS: usize = 3;

/// Letters of a name for which an alignment is drawn: the longest domain name (RFC 1035, section 2.3.4).
const MAX_DRAWN_BYTES: usize = 253;

/// All findings, most urgent first.
pub(crate) fn section(facts: &Facts) -> Markup {
    let full = facts.alarms.len().min(MAX_FULL_FINDINGS);
    let rest = &facts.alarms[full..];
    html! {
        section aria-labelledby="findings" {
            h2 #findings { "Findings" }
            @if facts.alarms.is_empty() {
                p { "No finding at alarm severity stands in the record. That is a statement about the sources above, and about nothing else." }
            } @else {
                p.lead {
                    (counted(facts.alarms.len() as u64, "finding")) " at alarm severity (medium, high, critical), most urgent first"
                    @if rest.is_empty() { "." } @else {
                        ": the first " (grouped(full as u64)) " in full, the other " (grouped(rest.len() as u64)) " as a table after them. The record has each of them in full."
                    }
                }
            }
            @for held in &facts.alarms[..full] { (whole(facts, held)) }
            @if !rest.is_empty() { h3 #further { "Further findings at alarm severity" } (compact(facts, rest, "Further findings")) }
            @if !facts.watched.is_empty() {
                h3 #watched { "Below alarm severity" }
                p { (counted(facts.watched.len() as u64, "finding")) " to keep an eye on; none asks for action today." }
                (compact(facts, &facts.watched, "Findings below alarm severity"))
            }
            @if !facts.dismissed.is_empty() {
                h3 #dismissed { "Dismissed" }
                p { (counted(facts.dismissed.len() as u64, "finding")) " looked at by an analyst and set aside. They are in none of the counts." }
                (dismissed(facts))
            }
        }
    }
}

/// The severity's word in a box; the frame grows with it.
pub(crate) fn severity_tag(severity: Severity) -> Markup {
    html! { span class={ "severity " (severity.word()) } { (severity.word()) } }
}

/// A probability in words and as a number.
pub(crate) fn confidence(probability: Probability) -> String {
    format!("{} ({:.2})", likelihood(probability), probability.get())
}

fn whole(facts: &Facts, held: &BriefFinding) -> Markup {
    let veil = &facts.veil;
    let finding = &held.finding;
    let heading = format!("h-{}", finding.id);
    html! {
        article.finding #(finding.id) aria-labelledby=(heading) {
            header {
                p.kicker { (severity_tag(finding.severity)) " " (facts.kind_title(&finding.kind)) " · " (veil.text(&finding.target.name)) }
                h3 #(heading) { code { (veil.value(&finding.subject)) } }
                p.summary { (veil.text(&finding.summary)) }
            }
            dl.facts {
                div { dt { "Confidence" } dd { (confidence(finding.confidence)) } }
                div { dt { "Stage" } dd { @match finding.stage {
                    Some(stage) => { (stage.word()) ": " (stage_means(stage)) }
                    None => "none given",
                } } }
                div { dt { "Observed" } dd { (interval(finding.observed)) } }
                @if let Some(verdict) = &finding.verdict { div { dt { "Verdict of the desk" } dd { (veil.text(verdict)) } } }
                div { dt { "Marked" } dd { (finding.tlp.label()) } }
                @if !finding.techniques.is_empty() {
                    div { dt { "ATT&CK" } dd {
                        @for (at, id) in finding.techniques.iter().enumerate() {
                            @if at > 0 { "; " } (veil.text(id)) @if let Some(name) = technique_name(id) { " " (name) }
                        }
                    } }
                }
            }
            (why(facts, finding))
            div.beside {
                div {
                    h4 { "What else explains it" }
                    @if finding.alternatives.is_empty() { p { "The desk names no innocent cause." } }
                    @else { ul { @for cause in &finding.alternatives { li { (veil.text(cause)) } } } }
                }
                div { h4 { "Next step" } p { (veil.text(&finding.next)) } }
            }
            (evidence(facts, held))
            (ledger(facts, held))
            @if let Some(decision) = &held.decision {
                p.decision {
                    strong { (match decision.verdict { Verdict::Confirmed => "Confirmed", Verdict::Dismissed => "Dismissed", Verdict::Note => "Noted" }) }
                    " by " (veil.text(&decision.by)) ", " (iso(decision.at)) @if !decision.reason.is_empty() { ": " (veil.text(&decision.reason)) }
                }
            }
            p.id { "Finding " code { (finding.id) } }
        }
    }
}

/// Reasons, with the letters they speak of drawn beneath each other.
fn why(facts: &Facts, finding: &Finding) -> Markup {
    let name = finding
        .details
        .get("name")
        .and_then(|name| name.as_str())
        .unwrap_or(&finding.subject);
    let spans = finding.reasons.iter().flat_map(|reason| &reason.spans);
    let (drawn, left) = drawable(name, spans);
    let odd: Vec<String> = odd_letters(name);
    html! {
        h4 { "Why" }
        @if !drawn.is_empty() { (alignment(facts, name, &drawn)) }
        @if !odd.is_empty() { p.small { "Letters outside a to z: " (odd.join(", ")) "." } }
        @if finding.reasons.is_empty() { p { "The desk gives no reasons." } }
        @else {
            ol.reasons {
                @for reason in &finding.reasons {
                    li {
                        (facts.veil.text(&reason.text))
                        @for span in reason.spans.iter().filter(|span| left.contains(span)) {
                            " " span.dim { "(letters " code { (facts.veil.value(&span.text)) } " answer to " code { (facts.veil.text(&span.of)) } ")" }
                        }
                        span.weight title="How much the reason moved the score, in the desk's own units" { (format!("{:+.2}", reason.weight)) }
                    }
                }
            }
        }
    }
}

/// The spans that can be drawn over `name` without covering each other, in order, and those that cannot.
fn drawable<'a>(name: &str, spans: impl Iterator<Item = &'a Span>) -> (Vec<&'a Span>, Vec<&'a Span>) {
    let mut all: Vec<&Span> = spans.collect();
    all.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    all.dedup();
    let (mut drawn, mut left) = (Vec::new(), Vec::new());
    let mut free_from = 0;
    for span in all {
        let (start, end) = (span.start as usize, span.end as usize);
        let is_there = name.len() <= MAX_DRAWN_BYTES
            && start < end
            && span.of.len() <= MAX_DRAWN_BYTES
            && is_drawable(name)
            && is_drawable(&span.of)
            && name.get(start..end).is_some_and(|there| there == span.text);
        if is_there && start >= free_from {
            free_from = end;
            drawn.push(span);
        } else {
            left.push(span);
        }
    }
    (drawn, left)
}

/// Whether `text` can be a name: an address with a scheme must not be taken apart, for then nothing would defang it.
fn is_drawable(text: &str) -> bool {
    !text.contains([':', '/'])
}

/// The name that was seen, its letters above those that they answer to. Equal letters are marked, others underlined.
fn alignment(facts: &Facts, name: &str, spans: &[&Span]) -> Markup {
    let said: Vec<String> = spans
        .iter()
        .map(|span| {
            format!(
                "{} answers to {}",
                facts.veil.value(&span.text),
                facts.veil.text(&span.of)
            )
        })
        .collect();
    let mut columns = Vec::new();
    let mut at = 0;
    for span in spans {
        let (start, end) = (span.start as usize, span.end as usize);
        columns.extend(align::alone(&name[at..start]));
        columns.extend(align::columns(&name[start..end], &span.of));
        at = end;
    }
    columns.extend(align::alone(&name[at..]));
    let runs = align::runs(&columns);
    html! {
        div.aligned tabindex="0" role="img" aria-label={ "Letters of " (facts.veil.value(name)) ": " (said.join("; ")) } {
            div.rows {
                span.key { "seen" }
                span {
                    @for run in &runs {
                        @match run.fit {
                            Fit::Same => mark { (run.seen) },
                            Fit::Differs => mark.differs { (run.seen) },
                            Fit::Alone => (run.seen),
                        }
                    }
                }
                span.key { "ours" }
                span { @for run in &runs { (run.ours) } }
            }
        }
    }
}

/// Letters that are not what they may look like, with their code points.
pub(crate) fn odd_letters(name: &str) -> Vec<String> {
    let mut odd: Vec<char> = name.chars().filter(|c| !c.is_ascii()).collect();
    odd.sort_unstable();
    odd.dedup();
    odd.truncate(16);
    odd.iter()
        .map(|c| format!("{} is U+{:04X}", visible(&c.to_string()), u32::from(*c)))
        .collect()
}

fn evidence(facts: &Facts, held: &BriefFinding) -> Markup {
    let excerpt_of = |sha256| {
        held.excerpts
            .iter()
            .find(|excerpt| excerpt.reference.sha256 == sha256)
    };
    html! {
        h4 { "Evidence" }
        @if held.finding.evidence.is_empty() { p { "None is on record." } }
        @for (at, piece) in held.finding.evidence.iter().enumerate() {
            div.evidence {
                p {
                    (facts.veil.text(&piece.locator)) " · " (facts.veil.text(&piece.media_type))
                    br; span.dim { "SHA-256 " } code.digest { (piece.sha256) }
                }
                @match excerpt_of(piece.sha256) {
                    Some(excerpt) if at < MAX_EXCERPTS => (shown_excerpt(facts, excerpt)),
                    _ => {}
                }
            }
        }
    }
}

/// Whole messages name the people they were sent to: they are shown only to the own office.
const NAMES_PEOPLE: &str = "message/rfc822";

fn shown_excerpt(facts: &Facts, excerpt: &BriefExcerpt) -> Markup {
    if excerpt.reference.media_type == NAMES_PEOPLE && facts.briefing.tlp != Tlp::Red {
        return html! {
            p.small { "The message itself names the people that it was sent to, so it is not printed here. It is kept under this digest; a briefing at TLP:RED shows it." }
        };
    }
    html! {
        pre.excerpt tabindex="0" { (facts.veil.excerpt(&excerpt.bytes)) @if excerpt.truncated { "\n⟨the evidence goes on⟩" } }
    }
}

fn ledger(facts: &Facts, held: &BriefFinding) -> Markup {
    html! {
        @match &held.ledger {
            None if let Some((origin, index)) = &held.origin => {
                p.ledger {
                    "Sent by another office: " @if let Some(index) = index { "entry " (grouped(*index)) " of " } (facts.veil.text(origin))
                    ", checked when it was taken in. Its evidence stays with that office."
                }
            }
            Some(place) => {
                p.ledger { "Entry " (grouped(place.index)) " of the ledger." }
                @if !place.proof_text.is_empty() {
                    details.proof { summary { "Proof that entry " (grouped(place.index)) " is in the ledger" } pre tabindex="0" { (verbatim(&place.proof_text)) } }
                }
            },
            None => p.ledger { "Not in a ledger yet." },
        }
    }
}

fn compact(facts: &Facts, findings: &[&BriefFinding], label: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr {
                    th scope="col" { "Subject" } th scope="col" { "Target" } th scope="col" { "Severity" } th.n scope="col" { "Confidence" }
                    th scope="col" { "Stage" } th scope="col" { "Last seen" } th.n scope="col" { "Ledger entry" }
                } }
                tbody {
                    @for held in findings {
                        tr #(held.finding.id) {
                            th scope="row" { code { (facts.veil.value(&held.finding.subject)) } }
                            td.t { (facts.veil.text(&held.finding.target.name)) }
                            td { (severity_tag(held.finding.severity)) }
                            td.n { (format!("{:.2}", held.finding.confidence.get())) }
                            td { (held.finding.stage.map_or("none given", |stage| stage.word())) }
                            td.w { @match held.finding.observed.last { Some(last) => (iso(last)), None => "no time given" } }
                            td.n { @match &held.ledger { Some(place) => (grouped(place.index)), None => "none" } }
                        }
                    }
                }
            }
        }
    }
}

fn dismissed(facts: &Facts) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Dismissed findings" {
            table {
                thead { tr { th scope="col" { "Subject" } th scope="col" { "Target" } th scope="col" { "Why it was dismissed" } th scope="col" { "By" } th scope="col" { "When" } } }
                tbody {
                    @for held in &facts.dismissed {
                        @if let Some(decision) = &held.decision {
                            tr #(held.finding.id) {
                                th scope="row" { code { (facts.veil.value(&held.finding.subject)) } }
                                td.t { (facts.veil.text(&held.finding.target.name)) }
                                td.t { (facts.veil.text(&decision.reason)) }
                                td.t { (facts.veil.text(&decision.by)) }
                                td.w { (iso(decision.at)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
