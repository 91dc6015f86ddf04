//! Markdown tables, and numbers as people read them.

use std::fmt::Write as _;
use std::time::Duration;

/// A cell for what was not measured.
pub const NOTHING: &str = "–";

/// A Markdown table with its heading.
pub fn markdown(title: &str, columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!(
        "## {title}\n\n| {} |\n|{}\n",
        columns.join(" | "),
        " --- |".repeat(columns.len())
    );
    for row in rows {
        debug_assert_eq!(row.len(), columns.len(), "every row has every column");
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// `1234567.8` as `1,234,568`.
pub fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many in a second.
pub fn rate(number: u64, took: Duration) -> f64 {
    number as f64 / took.as_secs_f64().max(1e-9)
}

/// Seconds.
pub fn seconds(took: Duration) -> String {
    format!("{:.3} s", took.as_secs_f64())
}

/// KiB as MiB.
pub fn memory(kib: Option<u64>) -> String {
    kib.map_or(NOTHING.to_owned(), |kib| {
        format!("{:.0} MiB", kib as f64 / 1024.0)
    })
}

/// `41/523 .078`.
pub fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return NOTHING.to_owned();
    }
    format!("{part}/{whole} {:.3}", part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(count(999.4), "999");
        assert_eq!(count(1_234_567.8), "1,234,568");
        assert_eq!(share(1, 4), "1/4 0.250");
        assert_eq!(share(0, 0), NOTHING);
    }

    #[test]
    fn a_table_is_markdown() {
        let text = markdown("T", &["a", "b"], &[vec!["1".into(), "2".into()]]);
        assert_eq!(text, "## T\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    }
}
