//! The report: what was audited, what came of it, what it rests on, and how to check it.

use maud::{Markup, html};

use super::{grouped, shell};
use crate::explain::{Head, caveats, sentence};
use crate::flow::event::{Answer, Audited, Event, Yes};
use crate::flow::{Assessment, ContestResult, Frame, State, Verdict, limit_text, risk_text};

/// What a report is made of.
pub struct Report<'a> {
    /// What it is about.
    pub head: &'a Head,
    /// The log.
    pub state: &'a State,
    /// The cards.
    pub frame: &'a Frame,
    /// What the readings say.
    pub assessment: &'a Assessment,
}

impl std::fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report")
            .field("audit", &self.head.audit)
            .finish_non_exhaustive()
    }
}

/// Differences that are printed; `results.jsonl` has all.
const DIFFERENCES: usize = 200;

/// The report as one page. The same log and files give the same bytes.
pub fn report_page(report: &Report<'_>) -> String {
    let head = report.head;
    let assessment = report.assessment;
    let limit = limit_text(&head.risk_limit);
    let audited: Vec<&ContestResult> = assessment
        .contests
        .iter()
        .filter(|one| one.audited != Audited::No)
        .collect();
    let left_out: Vec<&str> = assessment
        .contests
        .iter()
        .filter(|one| one.audited == Audited::No)
        .map(|one| one.contest.as_str())
        .collect();
    let body = html! {
        h1 { "Were the votes counted as cast?" }
        p { strong { (head.title) } " · " (head.target.name) " · as of " (head.at.strftime("%Y-%m-%d %H:%M UTC")) }
        (bottom_line(&audited))
        @for caveat in caveats(&head.answers) { p.notice { (caveat) } }
        h2 { "Contest by contest" }
        div.scroll { table {
            thead { tr { th { "Contest" } th { "Result" } th.n { "Risk measured" } th.n { "Draws read" } th.n { "Cards that may hold it" } } }
            tbody { @for one in &audited { (row(one)) } }
        } }
        @for one in &audited { p { strong { (one.contest) ". " } (sentence(one, &head.risk_limit)) } }
        @if !left_out.is_empty() {
            h3 { "Not audited" }
            p { (left_out.join("; ")) "." }
        }
        p.small.dim {
            "Risk limit " (limit) ": the largest chance that a wrong outcome may have of being confirmed, set before anything was drawn. "
            "“Risk measured” is the most that this chance can be, given what was read; it is not the chance that the outcome is wrong."
        }
        h2 { "What it rests on" }
        (answer("Was the paper trail kept, as a compliance audit shows?", &head.answers.paper_trail))
        (answer("Was the manifest made without the voting system?", &head.answers.manifest_independent))
        (how(report))
        @for one in &audited { (details(one)) }
        h2 { "How to check this" }
        p { "The package that this page belongs to holds everything: " code { "pollwatch audit verify FOLDER --key KEY" } " derives it again on any machine, without a network, and names the first thing that does not follow. Take the key from where the office published it, not from this page." }
    };
    shell(&format!("Audit: {}", head.title), &body)
}

fn bottom_line(audited: &[&ContestResult]) -> Markup {
    let count = |verdict: Verdict| audited.iter().filter(|one| one.verdict == verdict).count() as u64;
    let names = |verdict: Verdict| -> Vec<&str> {
        audited
            .iter()
            .filter(|one| one.verdict == verdict)
            .map(|one| one.contest.as_str())
            .collect()
    };
    html! {
        @if count(Verdict::Wrong) > 0 {
            p.lead { span.verdict.bad { "The reported outcome is wrong" } " in " (names(Verdict::Wrong).join("; ")) ", as a count of every card by hand shows. That does not say why: errors of machines and people are more common than attacks." }
        }
        @if count(Verdict::Confirmed) > 0 {
            p.lead { "Of " (grouped(audited.len() as u64)) " audited contests, " strong { (grouped(count(Verdict::Confirmed))) } " are confirmed by paper that people read by hand." }
        }
        @if count(Verdict::FullCount) > 0 { p.lead { "A full hand count is needed in " (names(Verdict::FullCount).join("; ")) "." } }
        @if count(Verdict::NotYet) > 0 { p.lead { "Not yet shown: " (names(Verdict::NotYet).join("; ")) "." } }
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed => "verdict good",
        Verdict::Wrong | Verdict::FullCount => "verdict bad",
        Verdict::NotYet => "verdict wait",
        Verdict::NotAudited => "dim",
    }
}

fn row(one: &ContestResult) -> Markup {
    html! {
        tr {
            th {
                (one.contest)
                @if one.audited == Audited::Opportunistic { span.dim.small { " (on cards drawn for others)" } }
            }
            td { span class=(class(one.verdict)) { (one.verdict.title()) } }
            td.n { @match one.risk { Some(risk) => (risk_text(risk)), None => "–" } }
            td.n { (grouped(one.draws)) @if one.drawn > one.draws { span.dim { " of " (grouped(one.drawn)) } } }
            td.n { (grouped(one.cards)) }
        }
    }
}

fn answer(question: &str, answer: &Answer) -> Markup {
    let word = match answer.is_so {
        Yes::Yes => "Yes",
        Yes::No => "No",
        Yes::NotKnown => "Not known",
    };
    html! { p { (question) " " strong { (word) "." } @if !answer.because.is_empty() { " " (answer.because) } } }
}

fn how(report: &Report<'_>) -> Markup {
    let state = report.state;
    html! {
        @if let Some((committed, at)) = state.committed() {
            p {
                "Method: " (committed.method.title()) ", over " (grouped(committed.cards)) " cards"
                " in " (grouped(report.frame.batches().len() as u64)) " batches. Files and method were fixed at " (at.strftime("%Y-%m-%d %H:%M:%S UTC")) "."
            }
            div.scroll { table {
                thead { tr { th { "File" } th { "Part" } th { "SHA-256" } } }
                tbody { @for file in &committed.inputs {
                    tr { td { @if !file.county.is_empty() { (file.county) ": " } (file.name) } td { (file.role.word()) } td { code { (file.sha256.to_string()) } } }
                } }
            } }
        }
        @if let Some(seeded) = state.seeded() {
            p {
                "Dice: seed " code { (seeded.seed) } ", rolled at " (seeded.rolled_at.strftime("%Y-%m-%d %H:%M:%S UTC")) " by " (seeded.rolled_by.join(", ")) ", seen by " (seeded.seen_by.join(", ")) "."
                @if !seeded.how.is_empty() { " " (seeded.how) }
            }
        }
        @for seeded in state.seeds_taken_back() {
            p.notice { "A seed was taken back before this one: " code { (seeded.seed) } ", rolled at " (seeded.rolled_at.strftime("%Y-%m-%d %H:%M:%S UTC")) ". Ask why." }
        }
        @let assessment = report.assessment;
        p {
            (grouped(assessment.draws)) " draws of " (grouped(assessment.distinct)) " different " (if assessment.method.draws_batches() { "batches" } else { "cards" }) " in " (rounds(state.rounds().len())) "; "
            (grouped(assessment.read)) " are read, " (grouped(assessment.unread.len() as u64)) " are not, and on " (grouped(assessment.disagreements.len() as u64)) " readers disagree."
        }
        @let taken_back = state.log().iter().filter(|entry| matches!(entry.event, Event::Undone(_))).count();
        @if taken_back > 0 { p { (taken_back) " entries of the log were taken back, each with a reason; they stay in it." } }
    }
}

fn rounds(number: usize) -> String {
    match number {
        1 => "1 round".to_owned(),
        number => format!("{number} rounds"),
    }
}

fn details(one: &ContestResult) -> Markup {
    html! {
        h3 { (one.contest) }
        @if !one.assertions.is_empty() {
            p { "Its outcome follows when all of these are true:" }
            div.scroll { table {
                thead { tr { th { "What must be true" } th.n { "Reported margin" } th.n { "Risk measured" } } }
                tbody { @for assertion in &one.assertions {
                    tr { td { (assertion.says) } td.n { (format!("{:.3} %", assertion.margin * 100.0)) } td.n { (risk_text(assertion.risk)) } }
                } }
            } }
        }
        @if !one.differences.is_empty() {
            p { (grouped(one.differences.len() as u64)) " cards say otherwise than their records:" }
            div.scroll { table {
                thead { tr { th { "Card" } th { "Record" } th { "Paper" } th.n { "Overstates the margin by" } } }
                tbody { @for difference in one.differences.iter().take(DIFFERENCES) {
                    tr {
                        td { code { (difference.card.0) } @if difference.times > 1 { div.twice { "drawn " (difference.times) " times" } } }
                        td { (said(difference.record.as_ref())) }
                        td { @if difference.found { (said(difference.hand.as_ref())) } @else { "not found" } }
                        td.n { (votes(difference.overstatement)) }
                    }
                } }
            } }
            @if one.differences.len() > DIFFERENCES { p.dim { "… and " (grouped((one.differences.len() - DIFFERENCES) as u64)) " more in results.jsonl." } }
        }
    }
}

fn said(marked: Option<&crate::flow::event::Marked>) -> String {
    marked.map_or_else(|| "contest not on card".to_owned(), crate::package::marked_text)
}

fn votes(overstatement: f64) -> String {
    let rounded = (overstatement * 100.0).round() / 100.0;
    match rounded {
        0.0 => "0 votes".to_owned(),
        votes @ (1.0 | -1.0) => format!("{votes} vote"),
        votes => format!("{votes} votes"),
    }
}
