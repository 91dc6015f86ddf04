//! What changed between two tallies, and why.

use std::collections::{BTreeMap, BTreeSet};

use pollwatch_model::{FindingId, TargetId};
use serde::Serialize;

use super::basis::{Basis, Held, Seen, Standing};
use super::count::{Place, Row, Tally};
use super::sentence::percent;

/// One target that stands elsewhere than it did, in one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The desk of the field.
    pub desk: String,
    /// The target.
    pub target: TargetId,
    /// Its name for people.
    pub name: String,
    /// How it stood, in words.
    pub was: String,
    /// How it stands, in words.
    pub is: String,
    /// Why, as far as the two bases show it.
    pub because: Vec<Cause>,
}

/// A reason why a target stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A finding that was not known.
    New(FindingId),
    /// A finding that is no longer there: its office sent its findings again without it, or the question leaves it out.
    Gone(FindingId),
    /// A finding that an analyst dismissed since.
    Dismissed(FindingId),
    /// A finding whose dismissal no longer stands.
    Reopened(FindingId),
    /// A finding that a later revision judges otherwise.
    Judged(FindingId, String),
    /// A finding that is now known to be the work of a declared assessor, or is no longer.
    Authorised(FindingId),
    /// It is counted over another time.
    Window,
    /// The target was not asked about, or is not any more.
    Asked,
    /// Sources that were not read then.
    SourcesAdded(u64),
    /// Sources that are not counted any more.
    SourcesGone(u64),
    /// Findings withheld by their office: how many then and now.
    Withheld(u64, u64),
}

impl Cause {
    /// The cause in words.
    pub fn in_words(&self) -> String {
        match self {
            Cause::New(id) => format!("finding {id} is new"),
            Cause::Gone(id) => format!("finding {id} is no longer in the record that it came from"),
            Cause::Dismissed(id) => format!("an analyst dismissed finding {id}"),
            Cause::Reopened(id) => format!("the dismissal of finding {id} no longer stands"),
            Cause::Judged(id, how) => format!("finding {id} is judged otherwise: {how}"),
            Cause::Authorised(id) => format!("finding {id}: what is known of declared assessors changed"),
            Cause::Window => "it is counted over another time".to_owned(),
            Cause::Asked => "it was not asked about in both".to_owned(),
            Cause::SourcesAdded(1) => "1 source was added".to_owned(),
            Cause::SourcesAdded(number) => format!("{number} sources were added"),
            Cause::SourcesGone(1) => "1 source is no longer counted".to_owned(),
            Cause::SourcesGone(number) => format!("{number} sources are no longer counted"),
            Cause::Withheld(was, is) => format!("findings withheld by their office: {was} then, {is} now"),
        }
    }
}

/// How a row stands, in words.
fn stands(row: &Row, word: impl Fn(super::Level) -> &'static str) -> String {
    let share = row
        .covered
        .permille
        .map(|share| format!(", {} of the window covered", percent(share)));
    let share = share.unwrap_or_default();
    match (row.place, row.level, row.confidence) {
        (Place::Reached, Some(level), Some(confidence)) => {
            format!("{} ({confidence} confidence){share}", word(level))
        }
        (Place::Withheld, _, _) => "findings withheld by their office".to_owned(),
        (Place::NoSign, _, _) => format!("no sign{share}"),
        _ => "no data".to_owned(),
    }
}

/// What stands elsewhere in `now` than in `then`, by desk and target. Fields that only one of them counts are left out.
pub fn changes(then: &Basis, now: &Basis) -> Vec<Change> {
    let (old, new): (Tally, Tally) = (then.tally(), now.tally());
    let mut all = Vec::new();
    for field in &new.fields {
        let desk = &field.field.desk;
        let Some(before) = old.fields.iter().find(|before| before.field.desk == *desk) else {
            continue;
        };
        let targets: BTreeSet<&TargetId> = field
            .rows
            .iter()
            .chain(&before.rows)
            .map(|row| &row.target)
            .collect();
        for target in targets {
            let words = |row: Option<&Row>| {
                row.map_or("not asked about".to_owned(), |row| {
                    stands(row, |level| field.word(level))
                })
            };
            let (a, b) = (before.row(target), field.row(target));
            let (was, is) = (words(a), words(b));
            if was == is {
                continue;
            }
            let mut because = Vec::new();
            if a.is_none() || b.is_none() {
                because.push(Cause::Asked);
            }
            if old.window_of(before) != new.window_of(field) {
                because.push(Cause::Window);
            }
            because.extend(findings_of(then, now, desk, target));
            because.extend(sources_of(then, now, desk, target));
            let withheld = (a.map_or(0, |row| row.withheld), b.map_or(0, |row| row.withheld));
            if withheld.0 != withheld.1 {
                because.push(Cause::Withheld(withheld.0, withheld.1));
            }
            let name = b.or(a).map_or_else(String::new, |row| row.name.clone());
            all.push(Change {
                desk: desk.clone(),
                target: target.clone(),
                name,
                was,
                is,
                because,
            });
        }
    }
    all
}

type Key<'a> = (&'a Option<String>, &'a FindingId);

fn findings_of(then: &Basis, now: &Basis, desk: &str, target: &TargetId) -> Vec<Cause> {
    fn about<'a>(basis: &'a Basis, desk: &str, target: &TargetId) -> BTreeMap<Key<'a>, &'a Held> {
        let mine = basis
            .findings
            .iter()
            .filter(|held| held.desk == desk && held.target == *target);
        mine.map(|held| ((&held.origin, &held.id), held)).collect()
    }
    let (old, new) = (about(then, desk, target), about(now, desk, target));
    let counts = |held: &Held| {
        matches!(
            held.standing,
            Standing::Counted { .. } | Standing::Authorised | Standing::Dismissed
        )
    };
    let mut causes = Vec::new();
    for (key, held) in &new {
        let id = held.id.clone();
        match old.get(key) {
            None if counts(held) => causes.push(Cause::New(id)),
            Some(before) if before.standing != held.standing => {
                causes.push(match (before.standing, held.standing) {
                    (_, Standing::Dismissed) => Cause::Dismissed(id),
                    (Standing::Dismissed, _) => Cause::Reopened(id),
                    (_, Standing::Authorised) | (Standing::Authorised, _) => Cause::Authorised(id),
                    (was, is) => Cause::Judged(id, format!("{} then, {} now", in_words(was), in_words(is))),
                })
            }
            _ => {}
        }
    }
    let gone = old
        .iter()
        .filter(|(key, held)| counts(held) && !new.contains_key(*key));
    causes.extend(gone.map(|(_, held)| Cause::Gone(held.id.clone())));
    causes
}

fn in_words(standing: Standing) -> String {
    match standing {
        Standing::Counted { level, confidence } => format!("{level} ({confidence})"),
        Standing::BelowAlarm => "only watched".to_owned(),
        Standing::Dismissed => "dismissed".to_owned(),
        Standing::Authorised => "authorised".to_owned(),
        Standing::Assurance => "found sound".to_owned(),
    }
}

fn sources_of(then: &Basis, now: &Basis, desk: &str, target: &TargetId) -> Vec<Cause> {
    let about = |seen: &&Seen| {
        let coverage = &seen.coverage;
        coverage.desk == desk
            && coverage.records_read > 0
            && (coverage.targets.is_empty() || coverage.targets.contains(target))
    };
    let (old, new): (Vec<&Seen>, Vec<&Seen>) = (
        then.coverage.iter().filter(about).collect(),
        now.coverage.iter().filter(about).collect(),
    );
    let added = new.iter().filter(|seen| !old.contains(*seen)).count() as u64;
    let gone = old.iter().filter(|seen| !new.contains(*seen)).count() as u64;
    let mut causes = Vec::new();
    if added > 0 {
        causes.push(Cause::SourcesAdded(added));
    }
    if gone > 0 {
        causes.push(Cause::SourcesGone(gone));
    }
    causes
}
