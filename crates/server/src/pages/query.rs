//! The questions that a list of findings answers, as they stand in an address: a saved view is a link.

use pollwatch_model::{Polarity, Severity, Stage, TargetId};
use pollwatch_store::{Cursor, Decided, Dismissed, Filter, Order};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::web::visitor::Visitor;

/// Findings of a page.
pub(crate) const PAGE: u32 = 50;
/// Most findings that a program gets at once.
pub(crate) const MAX_PAGE: u32 = 500;
/// Longest text that is searched for, in characters.
const MAX_TEXT_CHARS: usize = 200;

/// What findings are asked for. Fields left empty ask nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct FindingQuery {
    /// Of this desk, such as `lookalike`.
    pub(crate) desk: String,
    /// Of this kind, such as `lookalike-domain`.
    pub(crate) kind: String,
    /// `threat` or `assurance`.
    pub(crate) polarity: String,
    /// At this stage, such as `attempted`.
    pub(crate) stage: String,
    /// This severity and up: info, low, medium, high or critical.
    pub(crate) severity: String,
    /// About this target, by its id in the register.
    pub(crate) target: String,
    /// With this text in id, subject, summary, target or indicators.
    pub(crate) text: String,
    /// `open`, `confirmed`, `dismissed`, or `standing` for all but dismissed ones.
    pub(crate) decided: String,
    /// Last seen on this day or later (ISO 8601, such as 2026-11-03).
    pub(crate) from: String,
    /// First seen on this day or earlier.
    pub(crate) to: String,
    /// `urgency` (most severe first) or `newest` (last seen first).
    pub(crate) sort: String,
    /// The place where the page begins, as the page before named it.
    pub(crate) after: String,
    /// How many at most: 1 to 500, or nothing for 50.
    pub(crate) limit: String,
}

/// A field of a query that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadField {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

impl FindingQuery {
    /// The filter that it means. Each field that makes no sense is named and asks nothing.
    pub(crate) fn filter(&self, visitor: &Visitor) -> (Filter, Vec<BadField>) {
        let mut bad = Vec::new();
        let mut filter = Filter {
            desk: word(&self.desk),
            kind: word(&self.kind),
            polarity: parse::<Polarity>("polarity", &self.polarity, &mut bad),
            stage: parse::<Stage>("stage", &self.stage, &mut bad),
            severity_at_least: parse::<Severity>("severity", &self.severity, &mut bad),
            target: parse::<TargetId>("target", &self.target, &mut bad),
            limit: Some(PAGE),
            ..Filter::default()
        };
        let text: String = self.text.trim().chars().take(MAX_TEXT_CHARS).collect();
        filter.text = (!text.is_empty()).then_some(text);
        let mut wrong = |name, value: &str| {
            bad.push(BadField {
                name,
                value: value.to_owned(),
            });
        };
        match self.decided.as_str() {
            "" => {}
            "open" => filter.decided = Some(Decided::Open),
            "confirmed" => filter.decided = Some(Decided::Confirmed),
            "dismissed" => filter.decided = Some(Decided::Dismissed),
            "standing" => filter.dismissed = Dismissed::LeftOut,
            other => wrong("decided", other),
        }
        match self.sort.as_str() {
            "" | "urgency" => {}
            "newest" => filter.order = Order::Newest,
            other => wrong("sort", other),
        }
        if !self.from.is_empty() {
            filter.seen_from = visitor.day_start(&self.from, 0);
            if filter.seen_from.is_none() {
                wrong("from", &self.from);
            }
        }
        if !self.to.is_empty() {
            filter.seen_before = visitor.day_start(&self.to, 1);
            if filter.seen_before.is_none() {
                wrong("to", &self.to);
            }
        }
        if !self.after.is_empty() {
            filter.after = read_cursor(&self.after);
            if filter.after.is_none() {
                wrong("after", &self.after);
            }
        }
        if !self.limit.is_empty() {
            match self.limit.parse::<u32>() {
                Ok(limit @ 1..=MAX_PAGE) => filter.limit = Some(limit),
                _ => wrong("limit", &self.limit),
            }
        }
        (filter, bad)
    }

    /// The fields that ask something, as they stand in an address; the place apart.
    pub(crate) fn fields(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("desk", &self.desk),
            ("kind", &self.kind),
            ("polarity", &self.polarity),
            ("stage", &self.stage),
            ("severity", &self.severity),
            ("target", &self.target),
            ("text", &self.text),
            ("decided", &self.decided),
            ("from", &self.from),
            ("to", &self.to),
            ("sort", &self.sort),
        ];
        all.into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.as_str()))
            .collect()
    }

    /// The address of this view, at `after` where that is given.
    pub(crate) fn address(&self, path: &str, after: Option<&Cursor>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.fields());
        if let Some(after) = after {
            query.append_pair("after", &write_cursor(after));
        }
        let query = query.finish();
        if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        }
    }
}

fn word(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(64).collect())
}

fn parse<T: std::str::FromStr>(name: &'static str, text: &str, bad: &mut Vec<BadField>) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    let parsed = text.parse().ok();
    if parsed.is_none() {
        bad.push(BadField {
            name,
            value: text.to_owned(),
        });
    }
    parsed
}

/// A place in a list as it stands in an address.
pub(crate) fn write_cursor(cursor: &Cursor) -> String {
    let last = cursor
        .last_observed_us
        .map(|us| us.to_string())
        .unwrap_or_default();
    format!("{}~{last}~{}", cursor.severity, cursor.finding)
}

pub(crate) fn read_cursor(text: &str) -> Option<Cursor> {
    let mut parts = text.split('~');
    let (severity, last, finding) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some(Cursor {
        severity: severity.parse().ok()?,
        last_observed_us: if last.is_empty() {
            None
        } else {
            Some(last.parse().ok()?)
        },
        finding: finding.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_place_reads_back(rank in 0..5_usize, last in any::<Option<i64>>(), seed in any::<u64>()) {
            let target: TargetId = "t".parse().unwrap();
            let cursor = Cursor {
                severity: Severity::ALL[rank],
                last_observed_us: last,
                finding: pollwatch_model::FindingId::derive("d", "k", &target, &seed.to_string()),
            };
            prop_assert_eq!(read_cursor(&write_cursor(&cursor)), Some(cursor));
        }

        #[test]
        fn no_text_breaks_the_reading_of_a_place(text in ".*") {
            let _ = read_cursor(&text);
        }
    }
}
