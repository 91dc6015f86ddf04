//! The plan as a page with a picture.

use maud::{Markup, html};

use super::{Plan, PlanOption};
use crate::page::{grouped, shell};

/// Width of the picture, in its own units.
const WIDTH: f64 = 900.0;
/// Where the bars begin: room for the longest name of a method.
const LEFT: f64 = 250.0;
/// Room behind the longest bar for its number.
const RIGHT: f64 = 110.0;
/// Height of a row.
const ROW: f64 = 44.0;

/// The plan as a page: what each method would cost, which one to take, and why.
pub fn plan_page(title: &str, risk_limit: &str, plan: &Plan) -> String {
    let limit = crate::flow::limit_text(risk_limit);
    let body = html! {
        h1 { "What an audit would cost" }
        p { strong { (title) } " · risk limit " (limit) " · " (grouped(plan.cards)) " cards" }
        @match plan.chosen {
            Some(method) => p.lead { "Choose " strong { (method.title()) } ": " (plan.because) "." },
            None => p.lead { (plan.because) "." },
        }
        @if !plan.full_counts.is_empty() {
            p.notice { "The reported margin is zero, so that no sample can decide: " (plan.full_counts.join("; ")) ". Count every card of it by hand." }
        }
        (picture(plan))
        h2 { "The same as a table" }
        div.scroll { table {
            thead { tr {
                th { "Method" } th.n { "Cards expected" } th.n { "Cards for 9 audits of 10" } th.n { "Rounds, in 9 of 10" } th.n { "Hours expected" } th.n { "Hours for 9 of 10" }
            } }
            tbody { @for option in &plan.options { (row(plan, option)) } }
        } }
        p.small.dim {
            "“Expected” is the mean over audits of a right outcome in which 1 record in 1,000 is off by one vote and 1 in 10,000 by two; a few audits that meet such a record read many more cards, so that the mean can lie above the size for nine of ten. "
            "A first round of the size for “9 audits of 10” ends the audit in nine of ten; the tenth draws again. Hours are cards times "
            (plan.minutes_a_card) " minutes, the figure given for this office."
        }
        @for option in plan.options.iter().filter(|option| option.contests.len() > 1) {
            h3 { (option.method.title()) ", contest by contest" }
            div.scroll { table {
                thead { tr { th { "Contest" } th.n { "Draws expected" } th.n { "For 9 of 10" } th.n { "Cards that may hold it" } } }
                tbody { @for one in &option.contests {
                    tr { th { (one.contest) } td.n { (grouped(one.expected)) } td.n { (grouped(one.ninety)) } td.n { (grouped(one.cards)) } }
                } }
            } }
        }
    };
    shell(&format!("What an audit would cost: {title}"), &body)
}

fn row(plan: &Plan, option: &PlanOption) -> Markup {
    let is_chosen = plan.chosen == Some(option.method);
    let hours = |cards| format!("{:.1}", PlanOption::hours(cards, plan.minutes_a_card));
    html! {
        tr.chosen[is_chosen] {
            th { (option.method.title()) @if is_chosen { " (this one)" } }
            @if let Some(why) = &option.why_not {
                td colspan="5" { span.dim { "not with these files: " (why) } }
            } @else if option.is_full_count {
                td.n { (grouped(option.expected)) }
                td colspan="4" { "as many as there are: a full hand count" }
            } @else {
                td.n { (grouped(option.expected)) }
                td.n { (grouped(option.ninety)) }
                td.n { "1" }
                td.n { (hours(option.expected)) }
                td.n { (hours(option.ninety)) }
            }
        }
    }
}

/// A bar for each possible method: filled to the cards expected, outlined to those for nine audits of ten. The scale is
/// logarithmic, for methods differ by hundreds.
fn picture(plan: &Plan) -> Markup {
    let shown: Vec<&PlanOption> = plan
        .options
        .iter()
        .filter(|option| option.why_not.is_none() && !option.contests.is_empty())
        .collect();
    let most = shown
        .iter()
        .map(|option| option.ninety)
        .max()
        .unwrap_or(1)
        .max(10);
    let decades = (most as f64).log10().ceil().max(1.0);
    let x = |cards: u64| LEFT + (cards.max(1) as f64).log10() / decades * (WIDTH - LEFT - RIGHT);
    let height = ROW * shown.len() as f64 + 56.0;
    let bottom = height - 44.0;
    html! {
        @if !shown.is_empty() {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="Cards to read by method: the table below says the same" {
                @for decade in 0..=(decades as u32) {
                    @let cards = 10_u64.pow(decade);
                    line.grid x1=(x(cards)) x2=(x(cards)) y1="0" y2=(bottom) {}
                    text.dim x=(x(cards)) y=(bottom + 18.0) text-anchor="middle" { (grouped(cards)) }
                }
                @for (place, option) in shown.iter().enumerate() {
                    @let y = ROW * place as f64 + 10.0;
                    text x=(LEFT - 12.0) y=(y + 17.0) text-anchor="end" font-weight=(if plan.chosen == Some(option.method) { "700" } else { "400" }) {
                        (option.method.title())
                    }
                    rect.bar x=(LEFT) y=(y) width=(x(option.expected) - LEFT) height="24" {}
                    rect.more x=(LEFT) y=(y) width=((x(option.ninety) - LEFT).max(1.0)) height="24" {}
                    text x=(x(option.ninety) + 8.0) y=(y + 17.0) { (grouped(option.ninety)) }
                }
                text.dim x=(LEFT) y=(height - 6.0) { "cards: filled as expected, outlined for 9 audits of 10 (logarithmic scale)" }
            }
        }
    }
}
