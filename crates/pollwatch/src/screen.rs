//! What the terminal shows: text made harmless, tables, progress.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
pub use pollwatch_brief::grouped;
use pollwatch_engine::{Novelty, Progress, Watcher};
use pollwatch_model::{Finding, Problem, Severity};
pub use pollwatch_names::visible;

/// Problems printed word by word; the rest is counted.
const PROBLEMS_SHOWN: u64 = 20;

/// The severity as a word with a sign of its own, so that colour is never needed.
pub fn severity_mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "!!! critical",
        Severity::High => "!!  high",
        Severity::Medium => "!   medium",
        Severity::Low => ".   low",
        Severity::Info => "    info",
    }
}

/// Rows under headings, columns as wide as their widest cell, two spaces between them.
///
/// Every cell is made harmless. The last column is not padded.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| visible(cell)).collect())
        .collect();
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let mut line = |cells: &[String]| {
        let mut joined = String::new();
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            if column > 0 {
                joined.push_str("  ");
            }
            joined.push_str(cell);
            if column + 1 < cells.len() {
                joined.extend(std::iter::repeat_n(' ', width - cell.chars().count()));
            }
        }
        text.push_str(joined.trim_end());
        text.push('\n');
    };
    line(
        &headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect::<Vec<_>>(),
    );
    line(&widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>());
    rows.iter().for_each(|row| line(row));
    text
}

/// The name that was seen and, beneath it, the letters of what it imitates; every dot of the name in brackets, as `[.]`.
///
/// Empty for a finding whose details have no such lines.
pub fn aligned(finding: &Finding) -> Vec<String> {
    let Some(lines) = finding.details.get("aligned").and_then(|value| value.as_str()) else {
        return Vec::new();
    };
    let mut lines = lines.lines().map(visible);
    let (Some(above), Some(beneath)) = (lines.next(), lines.next()) else {
        return Vec::new();
    };
    let mut beneath = beneath.chars().collect::<Vec<_>>().into_iter();
    let (mut seen, mut meant) = (String::new(), String::new());
    for letter in above.chars() {
        let answer = beneath.next().unwrap_or(' ');
        if letter == '.' {
            seen.push_str("[.]");
            meant.extend([' ', answer, ' ']);
        } else {
            seen.push(letter);
            meant.push(answer);
        }
    }
    meant.extend(beneath);
    vec![seen, meant.trim_end().to_owned()]
}

/// Text broken into lines of at most `width` characters, each after the first indented by `indent`.
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut lines = String::new();
    let mut length = 0;
    for word in visible(text).split_whitespace() {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > width {
            lines.push('\n');
            lines.push_str(indent);
            length = indent.chars().count();
        } else if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += word_length;
    }
    lines
}

/// Shows a run: problems and progress on standard error, findings wherever `each` puts them.
pub struct Screen<F: FnMut(&Finding, Novelty)> {
    each: F,
    bar: Option<ProgressBar>,
    problems: u64,
    started: Instant,
}

impl<F: FnMut(&Finding, Novelty)> Screen<F> {
    /// A screen that hands every finding to `each`. A bar is drawn when standard error is a terminal.
    pub fn new(each: F) -> Self {
        Screen {
            each,
            bar: None,
            problems: 0,
            started: Instant::now(),
        }
    }

    /// Takes the bar away and says how many problems were not printed.
    pub fn close(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.problems > PROBLEMS_SHOWN {
            eprintln!(
                "… and {} more records with problems",
                grouped(self.problems - PROBLEMS_SHOWN)
            );
        }
    }
}

impl<F: FnMut(&Finding, Novelty)> Watcher for Screen<F> {
    fn finding(&mut self, finding: &Finding, novelty: Novelty) {
        match &self.bar {
            Some(bar) => bar.suspend(|| (self.each)(finding, novelty)),
            None => (self.each)(finding, novelty),
        }
    }

    fn problem(&mut self, problem: &Problem) {
        self.problems += 1;
        if self.problems <= PROBLEMS_SHOWN {
            let text = visible(&problem.to_string());
            match &self.bar {
                Some(bar) => bar.suspend(|| eprintln!("{text}")),
                None => eprintln!("{text}"),
            }
        }
    }

    fn progress(&mut self, progress: Progress<'_>) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(0);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let style = match progress.size {
            Some(_) => "{msg} [{bar:24}] {bytes}/{total_bytes}, {eta} left",
            None => "{msg} {bytes}",
        };
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_length(progress.size.unwrap_or(0));
        bar.set_position(progress.bytes);
        bar.set_message(format!(
            "{}: {} records, {} a second",
            visible(progress.input),
            grouped(progress.records),
            grouped((progress.records as f64 / self.started.elapsed().as_secs_f64().max(0.001)) as u64)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_and_disarms_its_cells() {
        let rows = vec![
            vec!["a".to_owned(), "long cell".to_owned()],
            vec!["bcd\u{202e}".to_owned(), "x\u{1b}[2J".to_owned()],
        ];
        let text = table(&["one", "two"], &rows);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
        let starts: Vec<_> = text.lines().take(3).map(str::len).collect();
        assert!(starts[0] > 3, "{text}");
    }

    #[test]
    fn letters_stay_above_what_they_imitate() {
        let details = serde_json::json!({"aligned": "wakefleldvotes.org\nwakefieldvotes"});
        let mut finding: Finding =
            serde_json::from_str(include_str!("../tests/data/finding.json")).expect("a finding");
        finding.details = details.as_object().cloned().expect("an object");
        assert_eq!(aligned(&finding), ["wakefleldvotes[.]org", "wakefieldvotes"]);
        finding
            .details
            .insert("aligned".to_owned(), "a.bc.org\n  bc".into());
        assert_eq!(aligned(&finding), ["a[.]bc[.]org", "    bc"]);
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three four", 9, "  "), "one two\n  three\n  four");
    }
}
