//! Whether the voter roll changed only as rolls do: where and in which column changes stand out, and how small one would have been seen.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use pollwatch_model::Finding;
use serde_json::Value;

use crate::count::Facts;
use crate::text::{counted, grouped};
use crate::words::interval;

/// Kinds that the rolls desk makes: an unexplained change, one that is missing, an explained one, and all changes that fit.
const CHANGE: &str = "roll-change";
const MISSING: &str = "roll-change-missing";
const BULK: &str = "roll-bulk-change";
const COMPARED: &str = "roll-compared";

/// Counties of the picture, and rows of the table: the most urgent first. A state has up to 254 counties, and a page is read whole.
const MAX_COUNTIES: usize = 40;
const MAX_ROWS: usize = 60;
/// Columns of the picture.
const MAX_FIELDS: usize = 12;

/// The section; nothing where no finding is of the rolls desk.
pub(crate) fn section(facts: &Facts) -> Markup {
    let shown = facts.alarms.iter().chain(&facts.watched).chain(&facts.assurances);
    let shown: Vec<&Finding> = shown.map(|held| &held.finding).collect();
    let of_kind =
        |kind: &str| -> Vec<&Finding> { shown.iter().filter(|one| one.kind == kind).copied().collect() };
    let (changes, missing, bulk, compared) = (
        of_kind(CHANGE),
        of_kind(MISSING),
        of_kind(BULK),
        of_kind(COMPARED),
    );
    let told: Vec<&Finding> = [&changes, &missing, &bulk]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    if told.is_empty() && compared.is_empty() {
        return html! {};
    }
    let counties = told
        .iter()
        .chain(&compared)
        .map(|one| number(one, "counties_compared"))
        .max();
    html! {
        section aria-labelledby="rolled" {
            h2 #rolled { "Whether the voter roll changed only as rolls do" }
            p {
                @if changes.is_empty() {
                    strong { "No change of the roll stands out from ordinary churn." }
                    " That says nothing of changes too small to see. "
                } @else {
                    strong { "In " (counted(changes.len() as u64, "place")) " of the roll entries changed in a way that ordinary churn does not explain." }
                    " That is a question to the office, not proof of tampering: each finding names the innocent causes that remain. "
                }
                @if !bulk.is_empty() { "Something explains " (counted(bulk.len() as u64, "bulk change")) ", shown here for that reason. " }
                @if !missing.is_empty() { "Of " (counted(missing.len() as u64, "usual change")) " fewer came than usual. " }
                @if let Some(counties) = counties.filter(|counties| *counties > 0) { (grouped(counties)) @if counties == 1 { " county was compared." } @else { " counties were compared." } }
            }
            @if !told.is_empty() { (picture(facts, &told)) (table(facts, &told)) }
            @if let Some(words) = power(&told, &compared) { p { (words) } }
            p.small {
                "Entries are counted, never named: no voter's name, address or number stands in this record, and a count from one to four is \
                 written <5. The list of the entries behind a change is made only by the office that holds the roll, on its own machine."
            }
        }
    }
}

/// What became of a county's column, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Unexplained,
    Missing,
    Explained,
}

impl Mark {
    fn of(finding: &Finding) -> Self {
        match finding.kind.as_str() {
            CHANGE => Mark::Unexplained,
            MISSING => Mark::Missing,
            _ => Mark::Explained,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Mark::Unexplained => "■",
            Mark::Missing => "▽",
            Mark::Explained => "◇",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Mark::Unexplained => "cell bad",
            Mark::Missing => "cell few",
            Mark::Explained => "cell bulk",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Mark::Unexplained => "not explained",
            Mark::Missing => "fewer than usual",
            Mark::Explained => "explained",
        }
    }
}

/// What a cell of the picture shows.
struct Cell {
    mark: Mark,
    count: String,
}

/// The map of counties by fields. The table beneath says the same in words.
fn picture(facts: &Facts, told: &[&Finding]) -> Markup {
    let mut counties: BTreeMap<(Mark, String), String> = BTreeMap::new();
    let mut fields: BTreeSet<String> = BTreeSet::new();
    let mut cells: BTreeMap<(String, String), Cell> = BTreeMap::new();
    for finding in told {
        let (code, field) = (county(finding), text(finding, "field").unwrap_or("?").to_owned());
        let mark = Mark::of(finding);
        let known = counties.keys().find(|(_, other)| *other == code).cloned();
        match known {
            Some(key) if key.0 <= mark => {}
            other => {
                other.map(|key| counties.remove(&key));
                counties.insert((mark, code.clone()), called(facts, finding));
            }
        }
        fields.insert(field.clone());
        let cell = Cell {
            mark,
            count: count(finding),
        };
        let slot = cells.entry((code, field));
        // Of several intervals the most urgent one; the table has them all.
        slot.and_modify(|old| {
            if cell.mark < old.mark {
                *old = Cell {
                    mark: cell.mark,
                    count: cell.count.clone(),
                };
            }
        })
        .or_insert(cell);
    }
    let left_out = counties.len().saturating_sub(MAX_COUNTIES);
    let rows: Vec<(&String, &String)> = counties
        .iter()
        .take(MAX_COUNTIES)
        .map(|((_, code), name)| (code, name))
        .collect();
    let fields: Vec<&String> = fields.iter().take(MAX_FIELDS).collect();
    const LEFT: usize = 190;
    const TOP: usize = 52;
    let (wide, high) = (112, 30);
    let (width, height) = (LEFT + wide * fields.len(), TOP + high * rows.len() + 4);
    html! {
        figure.rolls-figure {
            div.scroll tabindex="0" role="region" aria-label="Map of counties by columns" {
                svg.rolls viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="img" aria-labelledby="rolls-map" {
                    title #rolls-map { "Counties by columns of the roll: where changes stand out. The table below says the same." }
                    @for (at, field) in fields.iter().enumerate() {
                        @for (line, part) in broken(&facts.veil.text(field)).iter().enumerate() {
                            text.head x=(LEFT + wide * at + wide / 2) y=(14 + 14 * line) text-anchor="middle" { (part) }
                        }
                    }
                    @for (row, (code, name)) in rows.iter().enumerate() {
                        text.side x=(LEFT - 10) y=(TOP + high * row + 20) text-anchor="end" { (short(name, 26)) }
                        @for (at, field) in fields.iter().enumerate() {
                            @let (x, y) = (LEFT + wide * at, TOP + high * row);
                            @match cells.get(&((*code).clone(), (*field).clone())) {
                                Some(cell) => g class=(cell.mark.class()) {
                                    title { (name) ", " (facts.veil.text(field)) ": " (cell.count) ", " (cell.mark.words()) }
                                    rect x=(x + 1) y=(y + 1) width=(wide - 2) height=(high - 2) {}
                                    text x=(x + wide / 2) y=(y + 20) text-anchor="middle" { (cell.mark.sign()) " " (cell.count) }
                                },
                                None => g.cell.none { rect x=(x + 1) y=(y + 1) width=(wide - 2) height=(high - 2) {} },
                            }
                        }
                    }
                }
            }
            figcaption.small {
                @for mark in [Mark::Unexplained, Mark::Explained, Mark::Missing] { (mark.sign()) " " (mark.words()) ". " }
                "An empty cell: nothing stands out there. A number counts entries. "
                @if left_out > 0 { "Counties left out of the picture: " (grouped(left_out as u64)) "." }
            }
        }
    }
}

fn table(facts: &Facts, told: &[&Finding]) -> Markup {
    let mut sorted = told.to_vec();
    sorted.sort_by_key(|finding| (Mark::of(finding), county(finding), finding.observed.last));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Changes of the roll" {
            table {
                thead { tr {
                    th scope="col" { "County" } th scope="col" { "Column" } th.n scope="col" { "Entries" } th.n scope="col" { "Expected" }
                    th scope="col" { "What is said of it" } th scope="col" { "When" }
                } }
                tbody {
                    @for finding in sorted.iter().take(MAX_ROWS) {
                        @let mark = Mark::of(finding);
                        tr {
                            th scope="row" { (called(facts, finding)) }
                            td.t { (facts.veil.text(text(finding, "field").unwrap_or("unknown"))) }
                            td.n { (count(finding)) }
                            td.n { @if mark == Mark::Explained { "–" } @else { (expected(finding)) } }
                            td.t {
                                (mark.sign()) " " (mark.words())
                                @if let Some(why) = finding.details.get("explained").and_then(|why| why.get("text")).and_then(Value::as_str) {
                                    span.under { (facts.veil.text(why)) }
                                } @else if let Some(group) = text(finding, "subgroup") {
                                    span.under { "more than others: " (facts.veil.text(group)) }
                                }
                            }
                            td.t { (interval(finding.observed)) }
                        }
                    }
                }
            }
        }
        @if sorted.len() > MAX_ROWS { p.small { (counted((sorted.len() - MAX_ROWS) as u64, "further change")) " stands among the findings below." } }
    }
}

/// How small a change would have been seen, in one sentence.
fn power(told: &[&Finding], compared: &[&Finding]) -> Option<String> {
    let latest = told
        .iter()
        .chain(compared)
        .max_by_key(|finding| finding.observed.last)?;
    let ranges = latest.details.get("smallest_group")?.as_array()?;
    let parts: Vec<String> = ranges
        .iter()
        .filter_map(|range| {
            let (least, most) = (range.get("least")?.as_u64()?, range.get("most")?.as_u64()?);
            let words = range.get("words")?.as_str()?;
            Some(if least == most {
                format!("{} {words}", grouped(least))
            } else {
                format!("{} to {} {words}", grouped(least), grouped(most))
            })
        })
        .collect();
    (!parts.is_empty()).then(|| {
        format!(
            "How small a change would have been seen: between the last two files, and depending on the county, a group of {}, on top of \
             ordinary churn, would have been told of with a chance of 19 in 20. Smaller ones may be there.",
            parts.join("; ")
        )
    })
}

fn county(finding: &Finding) -> String {
    text(finding, "county").unwrap_or("?").to_owned()
}

fn called(facts: &Facts, finding: &Finding) -> String {
    let code = text(finding, "county").unwrap_or("unknown");
    match (code, text(finding, "county_name")) {
        ("statewide", _) => "the whole roll".to_owned(),
        (code, Some(name)) if code != name => facts.veil.text(&format!("{name} ({code})")),
        (code, _) => facts.veil.text(code),
    }
}

/// The largest count of entries among the tests, as the finding's own sentence tells it; `<5` where it is so small.
fn largest(finding: &Finding) -> Option<&Value> {
    let tests = finding.details.get("tests")?.as_array()?;
    let churn = tests.iter().filter(|test| {
        let basis = test.get("basis").and_then(Value::as_str);
        matches!(basis, Some("more-than-churn" | "fewer-than-churn"))
    });
    churn
        .max_by_key(|test| test.get("observed").and_then(Value::as_u64).unwrap_or(0))
        .or(tests.first())
}

fn count(finding: &Finding) -> String {
    match largest(finding).and_then(|test| test.get("observed")) {
        Some(Value::Number(count)) => grouped(count.as_u64().unwrap_or(0)),
        _ => "<5".to_owned(),
    }
}

fn expected(finding: &Finding) -> String {
    let mean = largest(finding)
        .and_then(|test| test.get("expected"))
        .and_then(Value::as_f64);
    match mean {
        None => "–".to_owned(),
        Some(mean) if mean < 0.05 => "none".to_owned(),
        Some(mean) if mean < 10.0 => format!("{mean:.1}"),
        Some(mean) => grouped(mean as u64),
    }
}

fn text<'f>(finding: &'f Finding, name: &str) -> Option<&'f str> {
    let text = finding.details.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}

fn number(finding: &Finding, name: &str) -> u64 {
    finding.details.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// A column's name in at most three short lines, broken behind underscores and blanks.
fn broken(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in name.split_inclusive(['_', ' ']) {
        let has_room = |line: &&mut String| line.chars().count() + part.chars().count() <= 15;
        if let Some(line) = lines.last_mut().filter(has_room) {
            line.push_str(part);
        } else if lines.len() < 3 {
            lines.push(part.to_owned());
        }
    }
    lines.iter().map(|line| short(line, 16)).collect()
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most - 1).collect();
    cut + "…"
}

#[cfg(test)]
mod tests {
    use super::{broken, short};

    #[test]
    fn names_of_columns_fit_above_their_column() {
        assert_eq!(broken("status_cd"), ["status_cd"]);
        assert_eq!(broken("res_street_address"), ["res_street_", "address"]);
        assert!(
            broken(&"x".repeat(90))
                .iter()
                .all(|line| line.chars().count() <= 16)
        );
        assert_eq!(short("CALDERMERE (3)", 26), "CALDERMERE (3)");
    }
}
