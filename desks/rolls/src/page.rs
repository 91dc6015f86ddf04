//! One page of pictures: a map of counties by fields, and what each count was over time. A pure function; nothing is fetched,
//! everything is escaped, and no colour stands without a sign and a number.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::cell::{hidden, shown};
use crate::explain::{called, explained};
use crate::judge::{Basis, Flag, Place, Table};
use crate::kind::Kind;
use crate::run::Report;

const STYLE: &str = include_str!("page.css");

/// Intervals that have a map of their own: the last ones, and those in which something was found.
const MAX_MAPS: usize = 6;
/// Counties that a map shows: those in which something was found first, then the largest. The table of a state with 254
/// counties is still read; a list of 4,000 towns is not.
const MAX_ROWS: usize = 300;
/// Small pictures of single counts.
const MAX_PICTURES: usize = 60;

/// What became of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Unexplained,
    Explained,
    High,
    Usual,
}

impl Mark {
    fn class(self) -> &'static str {
        match self {
            Mark::Unexplained => "bad",
            Mark::Explained => "bulk",
            Mark::High => "high",
            Mark::Usual => "",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Mark::Unexplained => "■ ",
            Mark::Explained => "◇ ",
            Mark::High => "▲ ",
            Mark::Usual => "",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Mark::Unexplained => "not explained by ordinary churn",
            Mark::Explained => "a bulk change that something explains",
            Mark::High => "more than twice the expectation, and within the ordinary spread",
            Mark::Usual => "usual",
        }
    }
}

/// The page.
pub fn page(report: &Report) -> String {
    let unexplained: Vec<&Flag> = flags(report, |flag| {
        flag.explanation.is_none() && flag.first().basis != Basis::Fewer
    });
    let bulk: Vec<&Flag> = flags(report, |flag| flag.explanation.is_some());
    let title = match (report.intervals.first(), report.intervals.last()) {
        (Some(first), Some(last)) => {
            format!("Voter roll, {} to {}", called(&first.before), called(&last.after))
        }
        _ => "Voter roll".to_owned(),
    };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p { strong { (bottom_line(report, unexplained.len(), bulk.len())) } }
                p { "Counts of entries, never of persons by name. Cells under five are shown as <5. Made from "
                    (report.snapshots.len()) " files by " (report.judgement.tests) " tests, of which at most 1 in 100 findings is false by chance." }
                (intervals_table(report))
                @if !unexplained.is_empty() {
                    h2 { "Not explained by ordinary churn" }
                    (list(report, &unexplained))
                }
                @if !bulk.is_empty() {
                    h2 { "Explained" }
                    (list(report, &bulk))
                }
                h2 { "Where and what" }
                p.legend {
                    @for mark in [Mark::Unexplained, Mark::Explained, Mark::High] {
                        span { (mark.sign()) (mark.words()) }
                    }
                }
                @for at in maps(report) { (map(report, at)) }
                (pictures(report))
                (per_county(report))
            }
        }
    };
    markup.into_string()
}

fn flags(report: &Report, is_wanted: impl Fn(&Flag) -> bool) -> Vec<&Flag> {
    report
        .judgement
        .flags
        .iter()
        .filter(|flag| is_wanted(flag))
        .collect()
}

fn bottom_line(report: &Report, unexplained: usize, bulk: usize) -> String {
    if report.judged.is_empty() {
        return "No two of these files could be compared.".to_owned();
    }
    let what = match unexplained {
        0 => "No change stands out from ordinary churn".to_owned(),
        1 => "In one place changes stand out that ordinary churn does not explain".to_owned(),
        more => format!("In {more} places changes stand out that ordinary churn does not explain"),
    };
    format!(
        "{what}; bulk changes that something explains: {bulk}. Changes too small to see are not counted as absent."
    )
}

fn intervals_table(report: &Report) -> Markup {
    html! {
        div.wide { table {
            thead { tr { th.side { "from" } th.side { "to" } th { "the same" } th { "changed" } th { "gone" } th { "new" } th.side { "remark" } } }
            tbody {
                @for interval in &report.intervals {
                    tr {
                        td.side { (called(&interval.before)) } td.side { (called(&interval.after)) }
                        td { (shown(interval.same)) } td { (shown(interval.changed)) } td { (shown(interval.gone)) } td { (shown(interval.new)) }
                        td.side { @if let Some(why) = &interval.refused { "not compared: " (why) } @else if interval.is_same_file { "the same file twice" } }
                    }
                }
            }
        } }
    }
}

fn place(report: &Report, flag: &Flag) -> String {
    match flag.place {
        Place::Area(area) => report.area_words(area),
        Place::Whole => "the whole roll".to_owned(),
    }
}

fn list(report: &Report, flags: &[&Flag]) -> Markup {
    html! {
        ol {
            @for flag in flags {
                @let interval = report.interval(flag.interval);
                @let told = flag.told();
                li {
                    strong { (place(report, flag)) } ", " (called(&interval.before)) " to " (called(&interval.after)) ": "
                    (shown(told.observed)) " " (told.kind.words())
                    @if let Some(explanation) = &flag.explanation { ". " (explained(explanation)) }
                    @else { ", expected " (crate::cell::expectation(told.expected)) "." }
                    @if let (None, Some(skew)) = (&flag.explanation, flag.skews.first()) {
                        " Stands out: " (skew.attribute.name()) " " (skew.value) "."
                    }
                }
            }
        }
    }
}

/// Intervals to draw, the latest first.
fn maps(report: &Report) -> Vec<usize> {
    let mut all: Vec<usize> = (0..report.judged.len()).rev().collect();
    let is_found = |at: usize| {
        report
            .judgement
            .flags
            .iter()
            .any(|flag| flag.interval == at && flag.explanation.is_none())
    };
    all.sort_by_key(|at| (!is_found(*at), std::cmp::Reverse(*at)));
    all.truncate(MAX_MAPS);
    all.sort_unstable_by_key(|at| std::cmp::Reverse(*at));
    all
}

fn mark(report: &Report, at: usize, area: u16, kind: Kind, count: u64, table: &Table, column: usize) -> Mark {
    let mut found = Mark::Usual;
    for flag in report.judgement.flags.iter().filter(|flag| flag.interval == at) {
        let is_here =
            flag.place == Place::Area(area) || (flag.place == Place::Whole && flag.areas.contains(&area));
        if is_here
            && flag
                .tests
                .iter()
                .any(|test| test.kind == kind && test.basis != Basis::Fewer)
        {
            found = if flag.explanation.is_none() {
                Mark::Unexplained
            } else {
                Mark::Explained
            };
            if found == Mark::Unexplained {
                return found;
            }
        }
    }
    let is_high =
        table.expected[at][column].is_some_and(|expected| count >= 5 && count as f64 > 2.0 * expected.mean);
    if found == Mark::Usual && is_high {
        Mark::High
    } else {
        found
    }
}

/// Counts of all changes, whole groups included.
fn count(report: &Report, at: usize, area: u16, kind: Kind) -> u64 {
    report
        .interval(at)
        .counts
        .changes
        .get(&(area, kind))
        .copied()
        .unwrap_or(0)
}

fn rows(report: &Report, at: usize, areas: &[u16]) -> Vec<u16> {
    let is_found = |area: &u16| {
        report.judgement.flags.iter().any(|flag| {
            flag.interval == at && (flag.place == Place::Area(*area) || flag.areas.contains(area))
        })
    };
    let size = |area: &u16| report.interval(at).rows_of.get(area).copied().unwrap_or(0);
    let mut chosen = areas.to_vec();
    chosen.sort_by_key(|area| (!is_found(area), std::cmp::Reverse(size(area)), *area));
    chosen.truncate(MAX_ROWS);
    chosen.sort_unstable();
    chosen
}

fn map(report: &Report, at: usize) -> Markup {
    let interval = report.interval(at);
    let tables: Vec<(&Kind, &Table)> = report
        .judgement
        .tables
        .iter()
        .filter(|(kind, _)| interval.counts.changes.keys().any(|(_, other)| other == *kind))
        .collect();
    let Some((_, first)) = tables.first() else {
        return html! {};
    };
    let areas = rows(report, at, &first.areas);
    let hidden: BTreeMap<Kind, Vec<bool>> = tables
        .iter()
        .map(|(kind, _)| {
            let counts: Vec<u64> = areas
                .iter()
                .map(|area| count(report, at, *area, **kind))
                .collect();
            (**kind, hidden(&counts))
        })
        .collect();
    let is_open = at + 1 == report.judged.len();
    html! {
        details open[is_open] {
            summary { h3 style="display:inline" { (called(&interval.before)) " to " (called(&interval.after)) } }
            div.wide { table {
                thead { tr { th.side { "county" } th { "entries" }
                    @for (kind, _) in &tables { th title=(kind.words()) { (kind.field(&interval.binding, report.series.columns.all())) br; (kind.code()) } } } }
                tbody {
                    @for (row, area) in areas.iter().enumerate() {
                        tr {
                            th.side { (report.area_words(*area)) }
                            td { (shown(interval.rows_of.get(area).copied().unwrap_or(0))) }
                            @for (kind, table) in &tables {
                                @let number = count(report, at, *area, **kind);
                                @let column = table.areas.iter().position(|one| one == area).unwrap_or(0);
                                @let mark = mark(report, at, *area, **kind, number, table, column);
                                @if number == 0 { td.none { "0" } }
                                @else if hidden[*kind][row] { td class=(mark.class()) title=(mark.words()) { (mark.sign()) @if number < 5 { "<5" } @else { "…" } } }
                                @else { td class=(mark.class()) title=(mark.words()) { (mark.sign()) (shown(number)) } }
                            }
                        }
                    }
                }
            } }
            p { "… stands for a number that is hidden because the sum of its column would betray a cell under five." }
        }
    }
}

/// A count as it may be drawn: one under five stands at 2.5.
fn drawn(count: u64) -> f64 {
    if count > 0 && count < 5 { 2.5 } else { count as f64 }
}

/// A small picture of counts over time, with the expectation as a dashed line.
fn picture(counts: &[u64], expected: &[Option<f64>]) -> Markup {
    const WIDTH: f64 = 240.0;
    const HEIGHT: f64 = 90.0;
    let top = counts
        .iter()
        .map(|count| drawn(*count))
        .chain(expected.iter().flatten().copied())
        .fold(5.0f64, f64::max);
    let x = |at: usize| 20.0 + (WIDTH - 40.0) * at as f64 / (counts.len().max(2) - 1) as f64;
    let y = |value: f64| HEIGHT - 18.0 - (HEIGHT - 34.0) * value / top;
    let line = |values: &[(usize, f64)]| -> String {
        let points: Vec<String> = values
            .iter()
            .map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value)))
            .collect();
        points.join(" ")
    };
    let observed: Vec<(usize, f64)> = counts
        .iter()
        .enumerate()
        .map(|(at, count)| (at, drawn(*count)))
        .collect();
    let usual: Vec<(usize, f64)> = expected
        .iter()
        .enumerate()
        .filter_map(|(at, value)| value.map(|value| (at, value)))
        .collect();
    let text: Vec<String> = counts.iter().map(|count| shown(*count)).collect();
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(text.join(", ")) {
            polyline points=(line(&usual)) fill="none" stroke="#777" stroke-width="1" stroke-dasharray="4 3" {}
            polyline points=(line(&observed)) fill="none" stroke="#1d4f82" stroke-width="1.5" {}
            @for (at, count) in counts.iter().enumerate() {
                circle cx=(format!("{:.1}", x(at))) cy=(format!("{:.1}", y(drawn(*count)))) r="3"
                    fill=(if *count > 0 && *count < 5 { "#fff" } else { "#1d4f82" }) stroke="#1d4f82" {}
                @if at + 1 == counts.len() || drawn(*count) >= top {
                    text x=(format!("{:.1}", x(at))) y=(format!("{:.1}", y(drawn(*count)) - 6.0)) font-size="10" text-anchor="middle" { (shown(*count)) }
                }
            }
        }
    }
}

fn pictures(report: &Report) -> Markup {
    let mut cells: Vec<(Place, Kind)> = Vec::new();
    for flag in report
        .judgement
        .flags
        .iter()
        .filter(|flag| flag.explanation.is_none())
    {
        for test in &flag.tests {
            if !cells.contains(&(flag.place, test.kind)) {
                cells.push((flag.place, test.kind));
            }
        }
    }
    cells.truncate(MAX_PICTURES);
    html! {
        @if !cells.is_empty() {
            h2 { "What stands out, over time" }
            p { "Blue: counted. Dashed: expected. A hollow point is a count under five." }
            div.many {
                @for (place, kind) in &cells {
                    @if let Some(table) = report.judgement.tables.get(kind) {
                        @let column = match place { Place::Area(area) => table.areas.iter().position(|one| one == area), Place::Whole => None };
                        @let counts: Vec<u64> = table.counts.iter().map(|row| column.map_or_else(|| row.iter().sum(), |column| row[column])).collect();
                        @let expected: Vec<Option<f64>> = (0..counts.len()).map(|at| table.mean(at, column)).collect();
                        figure {
                            (picture(&counts, &expected))
                            figcaption { strong { (match place { Place::Area(area) => report.area_words(*area), Place::Whole => "the whole roll".to_owned() }) } ": " (kind.words()) }
                        }
                    }
                }
            }
        }
    }
}

/// One picture a county: all changes together.
fn per_county(report: &Report) -> Markup {
    let Some(table) = report.judgement.tables.values().next() else {
        return html! {};
    };
    let last = report.judged.len().saturating_sub(1);
    let areas = rows(report, last, &table.areas);
    let sums: Vec<(u16, Vec<u64>)> = areas
        .iter()
        .map(|area| {
            let column = table.areas.iter().position(|one| one == area);
            let counts = (0..report.judged.len())
                .map(|at| {
                    report
                        .judgement
                        .tables
                        .values()
                        .filter_map(|table| column.map(|column| table.counts[at][column]))
                        .sum()
                })
                .collect();
            (*area, counts)
        })
        .collect();
    html! {
        h2 { "Every county, all changes together" }
        div.many {
            @for (area, counts) in &sums {
                figure { (picture(counts, &[])) figcaption { (report.area_words(*area)) } }
            }
        }
        details {
            summary { "The numbers behind these pictures" }
            div.wide { table {
                thead { tr { th.side { "county" } @for at in 0..report.judged.len() { th { "to " (called(&report.interval(at).after)) } } } }
                tbody { @for (area, counts) in &sums { tr { th.side { (report.area_words(*area)) } @for number in counts { td { (shown(*number)) } } } } }
            } }
        }
    }
}
