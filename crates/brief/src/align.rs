//! Writes two spellings beneath each other, letter under letter.

use pollwatch_names::defang;

use crate::text::visible;

/// How a letter of the name that was seen answers to one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The same letter.
    Same,
    /// Another letter, or one too many or too few.
    Differs,
    /// It stands outside what answers to anything.
    Alone,
}

/// One column: at most one letter of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    seen: Option<char>,
    ours: Option<char>,
    fit: Fit,
}

/// Neighbouring columns that fit alike, as text of the same width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) fit: Fit,
    pub(crate) seen: String,
    pub(crate) ours: String,
}

/// Letters that answer to nothing.
pub(crate) fn alone(seen: &str) -> Vec<Column> {
    let column = |c| Column {
        seen: Some(c),
        ours: None,
        fit: Fit::Alone,
    };
    seen.chars().map(column).collect()
}

/// `seen` over `ours` with the fewest edits (Wagner and Fischer, 1974); both are at most a domain name long.
pub(crate) fn columns(seen: &str, ours: &str) -> Vec<Column> {
    let seen: Vec<char> = seen.chars().collect();
    let ours: Vec<char> = ours.chars().collect();
    // edits[i][j]: fewest edits between what is left of each after i and j letters.
    let mut edits = vec![vec![0usize; ours.len() + 1]; seen.len() + 1];
    for i in (0..=seen.len()).rev() {
        for j in (0..=ours.len()).rev() {
            edits[i][j] = match (seen.get(i), ours.get(j)) {
                (None, _) => ours.len() - j,
                (_, None) => seen.len() - i,
                (Some(a), Some(b)) => {
                    let swap = edits[i + 1][j + 1] + usize::from(!alike(*a, *b));
                    swap.min(edits[i + 1][j] + 1).min(edits[i][j + 1] + 1)
                }
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut columns = Vec::new();
    while i < seen.len() || j < ours.len() {
        let (a, b) = (seen.get(i).copied(), ours.get(j).copied());
        let is_pair = a
            .zip(b)
            .is_some_and(|(a, b)| edits[i][j] == edits[i + 1][j + 1] + usize::from(!alike(a, b)));
        let takes_seen = is_pair || (a.is_some() && (b.is_none() || edits[i][j] == edits[i + 1][j] + 1));
        let takes_ours = is_pair || !takes_seen;
        let column = Column {
            seen: a.filter(|_| takes_seen),
            ours: b.filter(|_| takes_ours),
            fit: match a.zip(b) {
                Some((a, b)) if is_pair && alike(a, b) => Fit::Same,
                _ => Fit::Differs,
            },
        };
        columns.push(column);
        i += usize::from(takes_seen);
        j += usize::from(takes_ours);
    }
    columns
}

fn alike(a: char, b: char) -> bool {
    a.eq_ignore_ascii_case(&b)
}

/// The columns as text: dots bracketed above, what does not show written out, the shorter side filled with spaces.
pub(crate) fn runs(columns: &[Column]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in columns {
        let mut seen = column
            .seen
            .map(|c| visible(&defang(c.encode_utf8(&mut [0; 4]))))
            .unwrap_or_default();
        let mut ours = column
            .ours
            .map(|c| visible(c.encode_utf8(&mut [0; 4])))
            .unwrap_or_default();
        let (seen_width, ours_width) = (seen.chars().count(), ours.chars().count());
        let width = seen_width.max(ours_width);
        // A single letter under "[.]" stands in its middle.
        let lead = |own: usize| (width - own) / 2;
        seen = format!(
            "{}{seen}{}",
            " ".repeat(lead(seen_width)),
            " ".repeat(width - seen_width - lead(seen_width))
        );
        ours = format!(
            "{}{ours}{}",
            " ".repeat(lead(ours_width)),
            " ".repeat(width - ours_width - lead(ours_width))
        );
        match runs.last_mut() {
            Some(last) if last.fit == column.fit => {
                last.seen.push_str(&seen);
                last.ours.push_str(&ours);
            }
            _ => runs.push(Run {
                fit: column.fit,
                seen,
                ours,
            }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seen: &str, ours: &str) -> (String, String) {
        let runs = runs(&columns(seen, ours));
        (
            runs.iter().map(|r| r.seen.as_str()).collect(),
            runs.iter().map(|r| r.ours.as_str()).collect(),
        )
    }

    #[test]
    fn letters_stand_under_the_letters_they_answer_to() {
        assert_eq!(
            drawn("hudsonorg", "hudson.org"),
            ("hudson org".into(), "hudson.org".into())
        );
        assert_eq!(
            drawn("snate.gov", "senate.gov"),
            ("s nate[.]gov".into(), "senate . gov".into())
        );
        assert_eq!(drawn("", "ab"), ("  ".into(), "ab".into()));
        assert_eq!(drawn("ab", ""), ("ab".into(), "  ".into()));
    }

    #[test]
    fn nothing_is_lost_and_both_lines_are_equally_long() {
        for (seen, ours) in [
            ("clairernccaskill", "clairemccaskill"),
            ("a\u{202e}b", "ab"),
            ("x", "yyyy"),
        ] {
            let columns = columns(seen, ours);
            assert_eq!(columns.iter().filter_map(|c| c.seen).collect::<String>(), seen);
            assert_eq!(columns.iter().filter_map(|c| c.ours).collect::<String>(), ours);
            let (above, below) = drawn(seen, ours);
            assert_eq!(above.chars().count(), below.chars().count());
        }
    }
}
