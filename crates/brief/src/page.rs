//! The page as a whole: head, label, bottom line, sections in order.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use pollwatch_model::Tlp;

use crate::Briefing;
use crate::audited;
use crate::bottom_line;
use crate::count::Facts;
use crate::findings;
use crate::phished;
use crate::rolled;
use crate::sections;
use crate::tally;
use crate::text::counted;
use crate::who;
use crate::words::{iso, sharing_rule};

/// All of the page's looks.
const STYLE: &str = include_str!("style.css");

/// Only styles that stand in the page and pictures that stand in it; nothing is loaded, run or sent.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// The briefing as one HTML page.
///
/// Same briefing, same bytes: order of `findings` and `coverage` aside, which does not matter for the findings and is kept
/// for the coverage.
pub fn render(briefing: &Briefing) -> String {
    let facts = Facts::of(briefing);
    let title = facts.veil.text(&briefing.title);
    let label = briefing.tlp.label();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { (label) " " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                // In print these two are header and footer group of a table, which every browser repeats on each sheet.
                div.running.top aria-hidden="true" { div { span.words {} (tlp_label(briefing.tlp)) } }
                div.sheet {
                    (masthead(&facts, &title))
                    main {
                        (bottom_line::bottom_line(&facts))
                        (bottom_line::contents())
                        (tally::section(&facts))
                        (who::who(&facts))
                        (phished::section(&facts))
                        (sections::how(&facts))
                        (sections::how_far(&facts))
                        (audited::section(&facts))
                        (rolled::section(&facts))
                        (sections::sound(&facts))
                        (sections::not_known(&facts))
                        (sections::was_read(&facts))
                        (sections::indicators(&facts))
                        (findings::section(&facts))
                        (sections::check(&facts))
                    }
                    footer.foot {
                        p { (tlp_label(briefing.tlp)) " " (sharing_rule(briefing.tlp)) }
                        p { "Made by Pollwatch from the record as of " (iso(briefing.prepared)) ". The same record gives this same page, byte for byte." }
                    }
                }
                div.running.bottom aria-hidden="true" {
                    div { span.words { (title) " · record as of " (iso(briefing.prepared)) } (tlp_label(briefing.tlp)) }
                }
            }
        }
    }
    .into_string()
}

fn masthead(facts: &Facts, title: &str) -> Markup {
    let briefing = facts.briefing;
    let owner = facts.veil.text(&briefing.register.owner);
    html! {
        header.masthead {
            p.sharing { (tlp_label(briefing.tlp)) span { (sharing_rule(briefing.tlp)) } }
            h1 { (title) }
            p.for {
                @if owner.is_empty() { "For the owner of the register" } @else { "For " strong { (owner) } }
                " · record as of "
                time datetime=(iso(briefing.prepared)) { (iso(briefing.prepared)) }
            }
            @if facts.withheld > 0 {
                p.notice role="note" {
                    strong { (counted(facts.withheld, "finding")) " withheld: marked stricter than " (briefing.tlp.label()) "." }
                    " No figure on this page includes them, so a target that shows no sign here may have one there."
                }
            }
        }
    }
}

/// The label of FIRST's Traffic Light Protocol 2.0: coloured letters on black, the words always there.
pub(crate) fn tlp_label(tlp: Tlp) -> Markup {
    let class = match tlp {
        Tlp::Clear => "tlp clear",
        Tlp::Green => "tlp green",
        Tlp::Amber | Tlp::AmberStrict => "tlp amber",
        Tlp::Red => "tlp red",
    };
    html! { span class=(class) { (tlp.label()) } }
}
