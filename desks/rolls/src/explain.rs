//! What was found, in words that a registrar understands and a sceptic can check. No sentence names a voter.

mod words;

use std::fmt::Write as _;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use pollwatch_model::register::Target;
use pollwatch_model::{
    Draft, Excerpt, Observed, Polarity, Probability, Reason, Register, Severity, Stage, TargetId, TargetRef,
    Tlp,
};
use serde_json::{Map, Value, json};

use crate::cell::{self, expectation, grouped, is_shown, part, part_value, probability, shown};
use crate::interval::Interval;
use crate::judge::{Basis, Explanation, Flag, MIN_HISTORY, Place, Power, Test};
use crate::kind::Kind;
use crate::layout::{BUILT_IN, Layout, Role};
use crate::run::Report;

pub use words::{innocent_causes, what_to_do};

/// Target of a roll that the register does not list.
const UNKNOWN_TARGET: &str = "unlisted-roll";

/// Of the areas of a finding so many are named; the rest is counted.
const MAX_NAMED_AREAS: usize = 20;

/// The target that a place of the roll belongs to: the one that the settings name, else the only one whose name has the name
/// of the county in it, else one for rolls that the register does not list.
pub fn target_of(register: &Register, wanted: Option<&str>, state: &str, county: &str) -> Option<TargetRef> {
    let named = wanted.and_then(|id| register.targets.iter().find(|target| target.id.as_str() == id));
    match named.or_else(|| target_by_county(register, state, county)) {
        Some(target) => {
            let target = register.reported_as(target);
            Some(TargetRef {
                id: target.id.clone(),
                name: target.name.clone(),
            })
        }
        None => Some(TargetRef {
            id: UNKNOWN_TARGET.parse::<TargetId>().ok()?,
            name: "a voter roll that the register does not list".to_owned(),
        }),
    }
}

/// The only target of the register whose name has the words of a county's name in it, one after another. `state` is the USPS code
/// of the roll's state, empty where it is not known: a target of another state is none of its counties.
pub fn target_by_county<'r>(register: &'r Register, state: &str, county: &str) -> Option<&'r Target> {
    let words = |name: &str| -> Vec<String> {
        name.split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_uppercase)
            .collect()
    };
    let mut wanted = words(county);
    if wanted.last().is_some_and(|word| word == "COUNTY") {
        wanted.pop();
    }
    // A number, or a code of a few letters, is part of many names.
    let is_name = wanted.iter().map(String::len).sum::<usize>() > 3
        && wanted.iter().any(|word| word.chars().any(char::is_alphabetic));
    if !is_name {
        return None;
    }
    let mut found = register
        .targets
        .iter()
        .filter(|target| {
            let is_elsewhere = !state.is_empty() && !target.state.is_empty() && target.state != state;
            let names = words(&target.name);
            !is_elsewhere && names.windows(wanted.len()).any(|part| part == wanted)
        })
        .map(|target| register.reported_as(target));
    let first = found.next()?;
    found.all(|other| other.id == first.id).then_some(first)
}

/// The USPS code of the state that a layout of the program is of; empty for a mapping file.
pub fn state_of(layout: &Layout) -> String {
    if BUILT_IN.contains(&layout.name.as_str()) {
        layout.name.to_uppercase()
    } else {
        String::new()
    }
}

fn state_of_report(report: &Report) -> String {
    report
        .snapshots
        .first()
        .map(|snapshot| state_of(&snapshot.layout))
        .unwrap_or_default()
}

fn observed(interval: &Interval) -> Observed {
    let midnight =
        |date: Option<Date>| date.and_then(|date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
    Observed {
        first: midnight(interval.before.1),
        last: midnight(interval.after.1),
    }
}

/// A snapshot as it is called in sentences: by its day, else by its file's name.
pub fn called(snapshot: &(String, Option<Date>)) -> String {
    match snapshot.1 {
        Some(date) => date.to_string(),
        None => snapshot.0.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

/// How many, without betraying a small cell.
fn how_many(count: u64) -> String {
    if is_shown(count) {
        grouped(count)
    } else {
        "fewer than five".to_owned()
    }
}

/// What a test found, as one sentence.
fn sentence(test: &Test, report: &Report) -> String {
    let count = how_many(test.observed);
    let chance = if is_shown(test.observed) {
        format!("; the probability of that is {}", probability(test.p))
    } else {
        String::new()
    };
    match test.basis {
        Basis::More => format!(
            "{count} {} where ordinary churn leads to expect {}{chance}",
            test.kind.words(),
            expectation(test.expected)
        ),
        Basis::Fewer => format!(
            "only {count} {} where ordinary churn leads to expect {}{chance}",
            test.kind.words(),
            expectation(test.expected)
        ),
        Basis::SharedValue(shared, _) => format!(
            "{count} of these entries came to share one {}; in this run values are shared by households at most{chance}",
            shared.words()
        ),
        Basis::InSequence(_) => format!(
            "{count} new entries have identifiers in sequence, one date of registration and one house; in this run only households \
             register so{chance}"
        ),
        Basis::ExchangedDigits => format!(
            "{count} of the changed house numbers have two neighbouring digits exchanged, where {} would be expected by \
             mistyping{chance}",
            expectation(test.expected)
        ),
        Basis::IllegalReason => format!(
            "{count} entries have a status that its reason does not go with by the state's own table, where {} would be \
             expected{chance}",
            expectation(test.expected)
        ),
        Basis::GoneWithoutStage => {
            let column = test.kind.field(
                &report.interval(test.interval).binding,
                report.series.columns.all(),
            );
            debug_assert_eq!(column, "(row)");
            format!(
                "{count} active entries are gone that were never marked as removed, where {} would be expected{chance}",
                expectation(test.expected)
            )
        }
    }
}

fn code_of(test: &Test) -> &'static str {
    match test.basis {
        Basis::More => "more-than-churn",
        Basis::Fewer => "fewer-than-churn",
        Basis::SharedValue(..) => "one-value-for-many",
        Basis::InSequence(_) => "identifiers-in-sequence",
        Basis::ExchangedDigits => "digits-exchanged",
        Basis::IllegalReason => "illegal-reason",
        Basis::GoneWithoutStage => "gone-without-stage",
    }
}

/// The findings of a report, each with its evidence.
pub fn drafts(report: &Report, register: &Register, target: Option<&str>) -> Vec<(Draft, Vec<Excerpt>)> {
    let mut all: Vec<(Draft, Vec<Excerpt>)> = report
        .judgement
        .flags
        .iter()
        .filter_map(|flag| flag_draft(flag, report, register, target))
        .collect();
    all.extend(assurance(report, register, target));
    all
}

fn place_words(flag: &Flag, report: &Report) -> String {
    match flag.place {
        Place::Area(area) => report.area_words(area),
        Place::Whole => "the whole roll".to_owned(),
    }
}

/// How sure that ordinary churn does not explain it: the tests leave one false finding in a hundred, the model is only as
/// good as the history that it was fitted on.
fn confidence(report: &Report) -> Probability {
    let others = report.judged.len().saturating_sub(1);
    let sure = if others >= MIN_HISTORY {
        0.95
    } else if others > 0 {
        0.9
    } else {
        0.75
    };
    Probability::rounded(sure)
}

fn flag_draft(
    flag: &Flag,
    report: &Report,
    register: &Register,
    target: Option<&str>,
) -> Option<(Draft, Vec<Excerpt>)> {
    let interval = report.interval(flag.interval);
    let first = flag.first();
    let column = first.kind.field(&interval.binding, report.series.columns.all());
    let (code, county_name) = match flag.place {
        Place::Area(area) => report.area(area),
        Place::Whole => ("statewide", ""),
    };
    let target = target_of(
        register,
        target,
        &state_of_report(report),
        if county_name.is_empty() { code } else { county_name },
    )?;
    let place = place_words(flag, report);
    let between = format!(
        "between {} and {}",
        called(&interval.before),
        called(&interval.after)
    );
    let is_fewer = first.basis == Basis::Fewer;
    let (kind, severity, stage) = match &flag.explanation {
        None if is_fewer => ("roll-change-missing", Severity::Low, Stage::Unknown),
        None => ("roll-change", severity(flag), Stage::Altered),
        Some(Explanation::Routine(_) | Explanation::WrittenAnew { .. }) => {
            ("roll-bulk-change", Severity::Low, Stage::Unknown)
        }
        Some(_) => ("roll-bulk-change", Severity::Info, Stage::Unknown),
    };
    let told = flag.told();
    let summary = match &flag.explanation {
        None if is_fewer => format!(
            "In {place} {between}: {}. Was something left undone?",
            sentence(told, report)
        ),
        None => format!(
            "Changes that ordinary churn does not explain, in {place} {between}: {} {}, {} expected.",
            how_many(told.observed),
            told.kind.words(),
            expectation(told.expected)
        ),
        Some(explanation) => format!(
            "Explained bulk change in {place} {between}: {} {}. {}",
            how_many(told.observed),
            told.kind.words(),
            explained(explanation)
        ),
    };
    let mut reasons: Vec<Reason> = flag
        .tests
        .iter()
        .map(|test| Reason {
            code: code_of(test).to_owned(),
            text: match flag.explanation {
                Some(Explanation::WholeGroup { .. }) => "a whole group was changed alike".to_owned(),
                _ => sentence(test, report),
            },
            weight: if is_shown(test.observed) && test.p > 0.0 {
                -test.p.max(1e-300).log10()
            } else {
                0.0
            },
            spans: Vec::new(),
        })
        .collect();
    for skew in &flag.skews {
        reasons.push(Reason {
            code: "one-group-more-than-others".to_owned(),
            text: format!(
                "{} of them have {} {:?}, which {} of all entries there have; the probability of that is {}",
                part(skew.among_changed, skew.changed),
                skew.attribute.name(),
                skew.value,
                percent(skew.among_all, skew.all),
                probability(skew.p)
            ),
            weight: -skew.p.max(1e-300).log10(),
            spans: Vec::new(),
        });
    }
    let is_unexplained = flag.explanation.is_none();
    let day = called(&interval.after);
    let draft = Draft {
        kind,
        polarity: Polarity::Threat,
        stage: Some(stage),
        target,
        subject: format!("{code} {column} {day}{}", if is_fewer { " fewer" } else { "" }),
        verdict: None,
        severity,
        confidence: confidence(report),
        tlp: Tlp::Amber,
        observed: observed(interval),
        summary,
        reasons,
        alternatives: if is_unexplained {
            innocent_causes(first.kind, first.basis)
                .into_iter()
                .map(str::to_owned)
                .collect()
        } else {
            Vec::new()
        },
        next: what_to_do(
            flag.explanation.as_ref(),
            first.basis,
            is_without_reason(told.kind, interval),
        )
        .to_owned(),
        indicators: Vec::new(),
        techniques: if is_unexplained && !is_fewer {
            vec!["T1565.001"]
        } else {
            Vec::new()
        },
        details: details(flag, report, code, county_name, &column),
    };
    Some((draft, vec![evidence(flag, report, code)]))
}

/// High where the form of the change, or whom it hit, has no ordinary cause; else medium.
fn severity(flag: &Flag) -> Severity {
    use crate::interval::Attribute;
    let by_form = flag
        .tests
        .iter()
        .any(|test| !matches!(test.basis, Basis::More | Basis::Fewer))
        || flag.tests.iter().any(|test| {
            matches!(
                test.kind,
                Kind::HouseDigits
                    | Kind::NameLetter
                    | Kind::BirthDate
                    | Kind::IdSwapped
                    | Kind::ReasonIllegal
                    | Kind::Returned(_)
            )
        });
    let by_group = flag.skews.iter().any(|skew| {
        matches!(
            skew.attribute,
            Attribute::Party | Attribute::Race | Attribute::Sex | Attribute::Age
        )
    });
    if by_form || by_group {
        Severity::High
    } else {
        Severity::Medium
    }
}

/// Whether list maintenance would look like it, because the file does not say why an entry is inactive or gone.
fn is_without_reason(kind: Kind, interval: &Interval) -> bool {
    matches!(
        kind,
        Kind::Deactivated | Kind::Removed | Kind::GoneActive | Kind::GoneInactive
    ) && interval.binding.places(Role::Reason).is_empty()
}

fn percent(some: u64, all: u64) -> String {
    if all == 0 {
        return "none".to_owned();
    }
    // Whole percents of a county do not betray a cell under five.
    format!("{:.0} %", 100.0 * some as f64 / all as f64)
}

/// An explanation in one sentence.
pub fn explained(explanation: &Explanation) -> String {
    match explanation {
        Explanation::WholeGroup {
            from,
            to,
            changed,
            of,
        } => format!(
            "{:?} became {:?} for {} entries that had it: a whole group treated alike, as when it is renumbered or renamed.",
            from,
            to,
            part(*changed, *of)
        ),
        Explanation::WrittenAnew { changed, of } => format!(
            "{} entries that had a value in this column have another one, in every county alike: the column is written otherwise, as by \
             another vendor or system. Compare some entries by hand before you rely on either file.",
            part((*changed).min(*of), *of)
        ),
        Explanation::Announced { line, note } if note.is_empty() => {
            format!("Line {line} of the calendar announces it.")
        }
        Explanation::Announced { line, note } => format!("Line {line} of the calendar announces it: {note}."),
        Explanation::Routine(routine) => format!(
            "It has the shape of {}. Nobody announced it: ask the county, and put it into the calendar.",
            routine.words()
        ),
        Explanation::SharedBefore { before } => format!(
            "{} entries had that address before: a home, a hall of residence or a mail service.",
            shown(*before)
        ),
    }
}

fn explanation_code(explanation: &Explanation) -> &'static str {
    match explanation {
        Explanation::WholeGroup { .. } => "whole-group",
        Explanation::WrittenAnew { .. } => "written-anew",
        Explanation::Announced { .. } => "calendar",
        Explanation::Routine(_) => "routine",
        Explanation::SharedBefore { .. } => "shared-before",
    }
}

fn details(flag: &Flag, report: &Report, code: &str, county_name: &str, column: &str) -> Map<String, Value> {
    let interval = report.interval(flag.interval);
    let first = flag.first();
    let number = |observed: u64, number: f64| {
        if is_shown(observed) {
            json!(number)
        } else {
            Value::Null
        }
    };
    let tests: Vec<Value> = flag
        .tests
        .iter()
        .map(|test| {
            json!({
                "kind": test.kind.code(),
                "basis": code_of(test),
                "observed": cell::value(test.observed),
                "expected": cell::rounded(test.expected),
                "p": number(test.observed, test.p),
                "q": number(test.observed, test.q),
            })
        })
        .collect();
    let groups: Vec<Value> = flag
        .skews
        .iter()
        .map(|skew| {
            json!({
                "attribute": skew.attribute.name(),
                "value": skew.value,
                "changed": part_value(skew.among_changed, skew.changed),
                "of": cell::value(skew.changed),
                "share_of_all": (100.0 * skew.among_all as f64 / skew.all.max(1) as f64).round() / 100.0,
                "p": skew.p,
                "q": skew.q,
            })
        })
        .collect();
    let subgroup = flag
        .skews
        .first()
        .map(|skew| format!("{}={}", skew.attribute.name(), skew.value));
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| {
        map.insert(name.to_owned(), value);
    };
    put("county", json!(code));
    put("county_name", json!(county_name));
    put("field", json!(column));
    put("role", json!(first.kind.role().map_or("row", Role::name)));
    put("kind", json!(first.kind.code()));
    put("observed", cell::value(first.observed));
    put("expected", json!(cell::rounded(first.expected)));
    put("p", number(first.observed, first.p));
    put("q", number(first.observed, first.q));
    put(
        "explained",
        flag.explanation.as_ref().map_or(
            Value::Null,
            |explanation| json!({"by": explanation_code(explanation), "text": explained(explanation)}),
        ),
    );
    put("subgroup", json!(subgroup));
    put("subgroups", Value::from(groups));
    put("tests", Value::from(tests));
    put("before", json!(called(&interval.before)));
    put("after", json!(called(&interval.after)));
    put(
        "intervals_compared_with",
        json!(report.judged.len().saturating_sub(1)),
    );
    put("snapshots", json!(report.snapshots.len()));
    put("counties_compared", json!(interval.rows_of.len()));
    put("smallest_group", power_ranges(&smallest_groups(report)));
    if flag.place == Place::Whole {
        let counties: Vec<&str> = flag
            .areas
            .iter()
            .take(MAX_NAMED_AREAS)
            .map(|area| report.area(*area).0)
            .collect();
        put("counties", json!(counties));
        put(
            "counties_left_out",
            json!(flag.areas.len().saturating_sub(MAX_NAMED_AREAS)),
        );
    }
    map
}

/// The counts that a flag rests on: every interval of the place, cells under five hidden.
fn evidence(flag: &Flag, report: &Report, code: &str) -> Excerpt {
    let mut text = String::from("from,to,county,kind,observed,expected\n");
    let mut kinds: Vec<Kind> = flag.tests.iter().map(|test| test.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let Some(table) = report.judgement.tables.get(&kind) else {
            continue;
        };
        for (at, counts) in table.counts.iter().enumerate() {
            let interval = report.interval(at);
            let (observed, expected) = match flag.place {
                Place::Whole => (counts.iter().sum(), table.mean(at, None)),
                Place::Area(area) => {
                    let Some(column) = table.areas.iter().position(|one| *one == area) else {
                        continue;
                    };
                    (counts[column], table.mean(at, Some(column)))
                }
            };
            let _ = writeln!(
                text,
                "{},{},{code},{},{},{}",
                called(&interval.before),
                called(&interval.after),
                kind.code(),
                cell::shown(observed).replace(',', ""),
                expected
                    .map(|mean| cell::rounded(mean).to_string())
                    .unwrap_or_default()
            );
        }
    }
    let interval = report.interval(flag.interval);
    Excerpt {
        bytes: text.into_bytes(),
        media_type: "text/csv",
        locator: format!("{} against {}", interval.after.0, interval.before.0),
    }
}

/// The assurance that every change fits; none where something does not, or where a file was not read whole.
fn assurance(report: &Report, register: &Register, target: Option<&str>) -> Option<(Draft, Vec<Excerpt>)> {
    let is_whole = report.snapshots.iter().all(|snapshot| snapshot.lost == 0)
        && report.judged.len() == report.intervals.len()
        && report.intervals.iter().all(|interval| interval.notes.is_empty());
    let does_not_fit = report
        .judgement
        .flags
        .iter()
        .any(|flag| flag.explanation.is_none());
    let (first, last) = (report.judged.first()?, report.judged.last()?);
    if !is_whole || does_not_fit {
        return None;
    }
    let (before, after) = (&report.intervals[*first].before, &report.intervals[*last].after);
    let explained = report.judgement.flags.len() as u64;
    let others = report.judged.len() - 1;
    let smallest = smallest_groups(report);
    let model = match others {
        0 => "each county against the others of the same interval: there is no history to compare with"
            .to_owned(),
        1..MIN_HISTORY => format!(
            "each county against the others and against {others} other intervals; fewer than {MIN_HISTORY} are a weak baseline"
        ),
        _ => format!(
            "each county against its own changes in {others} other intervals, and against the other counties"
        ),
    };
    let text = power_text(report, &smallest);
    let draft = Draft {
        kind: "roll-compared",
        polarity: Polarity::Assurance,
        stage: None,
        target: target_of(register, target, &state_of_report(report), "")?,
        subject: format!("{} {}", called(before), called(after)),
        verdict: None,
        severity: Severity::Info,
        confidence: confidence(report),
        tlp: Tlp::Amber,
        observed: Observed {
            first: observed(&report.intervals[*first]).first,
            last: observed(&report.intervals[*last]).last,
        },
        summary: format!(
            "{} snapshots of the roll were compared, {} to {}: every change fits ordinary churn{}.",
            report.snapshots.len(),
            called(before),
            called(after),
            match explained {
                0 => String::new(),
                1 => " or is explained (1 bulk change)".to_owned(),
                more => format!(" or is explained ({more} bulk changes)"),
            }
        ),
        reasons: vec![
            Reason {
                code: "model".to_owned(),
                text: format!(
                    "{} tests at a false-discovery rate of 1 %, {model}",
                    grouped(report.judgement.tests)
                ),
                weight: 0.0,
                spans: Vec::new(),
            },
            Reason {
                code: "power".to_owned(),
                text: text.clone(),
                weight: 0.0,
                spans: Vec::new(),
            },
        ],
        alternatives: vec![
            "smaller changes than those named would not have been seen".to_owned(),
            "changes made before the first snapshot, or in the files of all days alike, cannot be seen"
                .to_owned(),
        ],
        next: "Keep these files and their digests; compare the next snapshot with them.".to_owned(),
        indicators: Vec::new(),
        techniques: Vec::new(),
        details: assurance_details(report, &smallest, explained, others),
    };
    let excerpt = Excerpt {
        bytes: power_csv(report).into_bytes(),
        media_type: "text/csv",
        locator: format!("{} against {}", after.0, before.0),
    };
    Some((draft, vec![excerpt]))
}

/// Of each kind the smallest and the largest of the smallest groups of the areas.
fn smallest_groups(report: &Report) -> Vec<(Kind, u64, u64)> {
    let mut all: Vec<(Kind, u64, u64)> = Vec::new();
    for Power { kind, smallest, .. } in &report.judgement.power {
        let Some(smallest) = smallest else { continue };
        match all.iter_mut().find(|(other, _, _)| other == kind) {
            Some(entry) => {
                entry.1 = entry.1.min(*smallest);
                entry.2 = entry.2.max(*smallest);
            }
            None => all.push((*kind, *smallest, *smallest)),
        }
    }
    all
}

fn power_text(report: &Report, smallest: &[(Kind, u64, u64)]) -> String {
    if smallest.is_empty() {
        return "how small a change would have been seen cannot be told from these files".to_owned();
    }
    let parts: Vec<String> = smallest
        .iter()
        .map(|(kind, least, most)| format!("{least} to {most} {}", kind.words()))
        .collect();
    format!(
        "in the last interval a group of so many in one county, on top of ordinary churn, would have been told of with a chance of \
         19 in 20; how many depends on the county ({} of them): {}",
        report
            .judgement
            .power
            .iter()
            .map(|power| power.area)
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        parts.join("; ")
    )
}

/// The smallest groups on the wire, with the words of their kinds.
fn power_ranges(smallest: &[(Kind, u64, u64)]) -> Value {
    smallest
        .iter()
        .map(|(kind, least, most)| json!({"kind": kind.code(), "words": kind.words(), "least": least, "most": most}))
        .collect()
}

fn power_csv(report: &Report) -> String {
    let mut text = String::from("county,kind,smallest_group_that_would_have_been_seen\n");
    for power in &report.judgement.power {
        let _ = writeln!(
            text,
            "{},{},{}",
            report.area(power.area).0.replace([',', '"', '\n'], " "),
            power.kind.code(),
            power
                .smallest
                .map(|number| number.to_string())
                .unwrap_or_default()
        );
    }
    text
}

fn assurance_details(
    report: &Report,
    smallest: &[(Kind, u64, u64)],
    explained: u64,
    others: usize,
) -> Map<String, Value> {
    let rows = report
        .snapshots
        .iter()
        .map(|snapshot| snapshot.rows)
        .collect::<Vec<_>>();
    let power: Vec<Value> = report
        .judgement
        .power
        .iter()
        .map(|power| json!({"county": report.area(power.area).0, "kind": power.kind.code(), "smallest": power.smallest}))
        .collect();
    let mut map = Map::new();
    map.insert("snapshots".to_owned(), json!(report.snapshots.len()));
    map.insert("rows".to_owned(), json!(rows));
    map.insert("tests".to_owned(), json!(report.judgement.tests));
    map.insert("intervals_compared_with".to_owned(), json!(others));
    map.insert("explained".to_owned(), json!(explained));
    map.insert("smallest_group".to_owned(), power_ranges(smallest));
    let counties = report
        .intervals
        .iter()
        .map(|interval| interval.rows_of.len())
        .max();
    map.insert("counties_compared".to_owned(), json!(counties));
    map.insert("smallest_group_by_county".to_owned(), Value::from(power));
    map
}
