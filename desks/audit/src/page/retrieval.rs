//! The list by which cards are fetched: by container and tabulator, sorted as one walks.

use std::cmp::Ordering;

use maud::html;

use super::{grouped, shell};

/// One card, or batch, to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrievalRow {
    /// The county; empty in an audit of one.
    pub county: String,
    /// The box.
    pub container: String,
    /// The scanner.
    pub tabulator: String,
    /// The batch.
    pub batch: String,
    /// Place in the batch, from 1; `None` for a whole batch.
    pub position: Option<u64>,
    /// Cards in the batch.
    pub of: u64,
    /// The record's number; empty where there is none.
    pub record: String,
    /// What is printed on the card; empty where nothing is.
    pub imprinted: String,
    /// How often it was drawn.
    pub times: u32,
    /// What is to be read on it.
    pub contests: Vec<String>,
    /// Its name in the audit.
    pub key: String,
    /// Whether somebody has read it.
    pub is_read: bool,
}

impl RetrievalRow {
    /// The order in which one walks: numbers within texts count as numbers, so that box 9 comes before box 10.
    pub fn walked(&self, other: &Self) -> Ordering {
        natural(&self.county, &other.county)
            .then_with(|| natural(&self.container, &other.container))
            .then_with(|| natural(&self.tabulator, &other.tabulator))
            .then_with(|| natural(&self.batch, &other.batch))
            .then_with(|| self.position.cmp(&other.position))
            .then_with(|| self.key.cmp(&other.key))
    }
}

/// Texts in the order of a person: runs of digits by their number, the rest letter by letter.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        match (left.is_empty(), right.is_empty()) {
            (true, true) => return a.cmp(b),
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (here, there) = (digits(left), digits(right));
        if here > 0 && there > 0 {
            let (x, y) = (
                left[..here].trim_start_matches('0'),
                right[..there].trim_start_matches('0'),
            );
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order != Ordering::Equal {
                return order;
            }
            left = &left[here..];
            right = &right[there..];
        } else {
            let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) else {
                return a.cmp(b);
            };
            if x != y {
                return x.cmp(&y);
            }
            left = &left[x.len_utf8()..];
            right = &right[y.len_utf8()..];
        }
    }
}

/// The list as CSV, sorted as it is walked, with one column a contest left empty for the reading where `blank` says so.
pub fn retrieval_csv(rows: &[RetrievalRow]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = (|| {
        writer.write_record([
            "county",
            "container",
            "tabulator",
            "batch",
            "position",
            "of",
            "record",
            "imprinted",
            "times drawn",
            "contests",
            "card",
            "read",
        ])?;
        for row in sorted(rows) {
            writer.write_record([
                guarded(&row.county),
                guarded(&row.container),
                guarded(&row.tabulator),
                guarded(&row.batch),
                row.position
                    .map(|position| position.to_string())
                    .unwrap_or_default(),
                row.of.to_string(),
                guarded(&row.record),
                guarded(&row.imprinted),
                row.times.to_string(),
                guarded(&row.contests.join("; ")),
                row.key.clone(),
                if row.is_read {
                    "yes".to_owned()
                } else {
                    String::new()
                },
            ])?;
        }
        writer.flush()
    })();
    debug_assert!(written.is_ok(), "writing into memory cannot fail");
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection).
fn guarded(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

fn sorted(rows: &[RetrievalRow]) -> Vec<&RetrievalRow> {
    let mut sorted: Vec<&RetrievalRow> = rows.iter().collect();
    sorted.sort_by(|a, b| a.walked(b));
    sorted
}

/// The list as a page to print and carry along.
pub fn retrieval_page(title: &str, subtitle: &str, rows: &[RetrievalRow]) -> String {
    let rows = sorted(rows);
    let is_batches = rows.iter().all(|row| row.position.is_none()) && !rows.is_empty();
    let draws: u64 = rows.iter().map(|row| u64::from(row.times)).sum();
    let thing = if is_batches { "batches" } else { "cards" };
    let mut groups: Vec<(&str, &str, Vec<&RetrievalRow>)> = Vec::new();
    for row in rows.iter().copied() {
        match groups.last_mut() {
            Some((county, container, same)) if *county == row.county && *container == row.container => {
                same.push(row);
            }
            _ => groups.push((&row.county, &row.container, vec![row])),
        }
    }
    let body = html! {
        h1 { "Retrieval list" }
        p { strong { (title) } " · " (subtitle) }
        p {
            (grouped(rows.len() as u64)) " " (thing) " to fetch"
            @if draws > rows.len() as u64 {
                ", for " (grouped(draws)) " draws: those marked " span.twice { "drawn twice" } " (or more often) are read once and count as often as they were drawn"
            }
            ". Take each from its place, put a placeholder there, and read it before two people."
        }
        div.scroll { table {
            thead { tr {
                th { "Tabulator" } th { "Batch" }
                @if !is_batches { th.n { "Card" } th { "Record" } th { "Printed on it" } }
                @if is_batches { th.n { "Cards" } }
                th { "Read" } th { "Found" } th { "Put back" }
            } }
            tbody {
                @for (county, container, same) in &groups {
                    tr.container { th colspan=(if is_batches { 6 } else { 8 }) {
                        @if !county.is_empty() { (county) " · " }
                        @if container.is_empty() { "No container named" } @else { "Container " (container) }
                        " · " (grouped(same.len() as u64)) " " (thing)
                    } }
                    @for row in same {
                        tr {
                            td { (row.tabulator) }
                            td { (row.batch) }
                            @if let Some(position) = row.position {
                                td.n { (grouped(position)) span.dim { " of " (grouped(row.of)) } }
                                td { (row.record) }
                                td { (row.imprinted) }
                            } @else {
                                td.n { (grouped(row.of)) }
                            }
                            td {
                                (row.contests.join("; "))
                                @if row.times > 1 { div.twice { "drawn " (often(row.times)) } }
                                @if row.is_read { div.dim { "already read" } }
                            }
                            td { span.box {} } td { span.box {} }
                        }
                    }
                }
            }
        } }
        p.small.dim { "“Card” counts from the top of the batch in the order of its records. Where the printed number and the count differ, the printed number is right." }
    };
    shell(&format!("Retrieval list: {title}"), &body)
}

fn often(times: u32) -> String {
    match times {
        2 => "twice".to_owned(),
        3 => "three times".to_owned(),
        other => format!("{other} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(container: &str, batch: &str, position: u64, times: u32) -> RetrievalRow {
        RetrievalRow {
            county: String::new(),
            container: container.to_owned(),
            tabulator: "101".to_owned(),
            batch: batch.to_owned(),
            position: Some(position),
            of: 200,
            record: position.to_string(),
            imprinted: format!("101-{batch}-{position}"),
            times,
            contests: vec!["Mayor".to_owned()],
            key: format!("[\"\",\"{container}\",\"101\",\"{batch}\",{position}]"),
            is_read: false,
        }
    }

    #[test]
    fn the_list_is_sorted_as_one_walks_and_says_what_was_drawn_twice() {
        let rows = [
            row("Box 10", "2", 5, 1),
            row("Box 9", "12", 30, 2),
            row("Box 9", "12", 4, 1),
            row("Box 9", "2", 100, 1),
        ];
        let csv = retrieval_csv(&rows);
        let order: Vec<&str> = csv
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(1).unwrap())
            .collect();
        assert_eq!(order, ["Box 9", "Box 9", "Box 9", "Box 10"]);
        assert!(csv.lines().nth(1).unwrap().contains(",2,100,"), "{csv}");
        let page = retrieval_page("General election", "round 1", &rows);
        assert!(page.contains("drawn twice") && page.contains("4 cards to fetch"));
    }

    #[test]
    fn hostile_names_stay_text() {
        let mut hostile = row("<script>alert(1)</script>", "=HYPERLINK(\"x\")", 1, 1);
        hostile.imprinted = "\u{202e}x".to_owned();
        let page = retrieval_page("a <b>", "c", std::slice::from_ref(&hostile));
        assert!(!page.contains("<script>") && !page.contains("a <b>"));
        let csv = retrieval_csv(&[hostile]);
        assert!(csv.contains("'=HYPERLINK"), "{csv}");
    }

    #[test]
    fn numbers_in_names_count_as_numbers() {
        assert_eq!(natural("Box 9", "Box 10"), Ordering::Less);
        assert_eq!(natural("a007", "a7"), "a007".cmp("a7"));
        assert_eq!(natural("b", "a10"), Ordering::Greater);
        assert_eq!(natural("", "a"), Ordering::Less);
    }
}
