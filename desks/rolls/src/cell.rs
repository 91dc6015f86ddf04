//! Numbers that name nobody: cells under five are told as "<5".

use serde_json::Value;

use crate::judge::MIN_CELL;

/// A count as it may be shown: 0, "<5", or the number.
pub fn shown(count: u64) -> String {
    if count > 0 && count < MIN_CELL {
        format!("<{MIN_CELL}")
    } else {
        grouped(count)
    }
}

/// A count on the wire: a number, or the text "<5".
pub fn value(count: u64) -> Value {
    if count > 0 && count < MIN_CELL {
        Value::from(format!("<{MIN_CELL}"))
    } else {
        Value::from(count)
    }
}

/// Whether a count may be shown as it is.
pub fn is_shown(count: u64) -> bool {
    count == 0 || count >= MIN_CELL
}

/// A part and its whole. Where the rest is a cell under five the part is told as "nearly all": part and whole together would
/// betray it. Where the part is under five so is "<5", and the whole is only told when it betrays nothing.
pub fn part(part: u64, whole: u64) -> String {
    let rest = whole.saturating_sub(part);
    if !is_shown(part) {
        format!("<{MIN_CELL} of {}", shown(whole))
    } else if rest > 0 && !is_shown(rest) {
        format!("nearly all of {}", shown(whole))
    } else {
        format!("{} of {}", shown(part), shown(whole))
    }
}

/// A part on the wire; see [`part`].
pub fn part_value(part: u64, whole: u64) -> Value {
    let rest = whole.saturating_sub(part);
    if rest > 0 && !is_shown(rest) {
        Value::from("nearly all")
    } else {
        value(part)
    }
}

/// Counts of one row or column, with the cells hidden that the sum would betray: where exactly one is under five, the next
/// smallest is hidden too.
pub(crate) fn hidden(counts: &[u64]) -> Vec<bool> {
    let mut hidden: Vec<bool> = counts.iter().map(|count| !is_shown(*count)).collect();
    if hidden.iter().filter(|one| **one).count() == 1 {
        let next = (0..counts.len())
            .filter(|at| !hidden[*at] && counts[*at] > 0)
            .min_by_key(|at| counts[*at]);
        if let Some(next) = next {
            hidden[next] = true;
        }
    }
    hidden
}

/// 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An expectation with as many digits as mean something: one behind the point below ten, none above. The same number stands in
/// sentences, on pages and on the wire.
pub fn rounded(mean: f64) -> f64 {
    let tenths = (mean * 10.0).round() / 10.0;
    if tenths < 10.0 { tenths } else { mean.round() }
}

/// An expectation in words; see [`rounded`].
pub fn expectation(mean: f64) -> String {
    let mean = rounded(mean);
    if mean == 0.0 {
        "none".to_owned()
    } else if mean < 10.0 {
        format!("{mean:.1}")
    } else {
        grouped(mean as u64)
    }
}

/// A probability in words that keep its size.
pub fn probability(p: f64) -> String {
    if p < 1e-12 {
        "less than one in a million million".to_owned()
    } else if p < 1e-3 {
        let of = 10f64.powf(-p.log10().ceil());
        format!("less than one in {}", grouped(of as u64))
    } else {
        format!("{p:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cells_are_not_betrayed() {
        assert_eq!(shown(4), "<5");
        assert_eq!(shown(0), "0");
        assert_eq!(shown(12_345), "12,345");
        assert_eq!(part(97, 100), "nearly all of 100");
        assert_eq!(part(3, 100), "<5 of 100");
        assert_eq!(part(50, 100), "50 of 100");
        assert_eq!(part_value(97, 100), Value::from("nearly all"));
        assert_eq!(hidden(&[3, 10, 7]), [true, false, true]);
        assert_eq!(hidden(&[3, 2, 7]), [true, true, false]);
        assert_eq!(probability(3.2e-7), "less than one in 1,000,000");
    }
}
