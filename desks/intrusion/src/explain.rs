//! What was found, in words that a sceptic can check. Nothing that a visitor typed is in them: no value of a query, no name, no
//! address of mail.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pollwatch_model::{
    Coverage, Draft, Excerpt, Gap, Indicator, Observed, Polarity, Probability, Reason, Severity, TargetId,
    TargetRef, Tlp,
};
use pollwatch_names::visible;
use serde_json::{Map, Value, json};

use crate::behave::{self, Actor, Example, Seen, Silent, Window, of_file};
use crate::campaign::VISIT_RULE;
use crate::card::CARD;
use crate::event::address_of;
use crate::payload::rule_text;
use crate::scan::flag;
use crate::site::{FileSeen, Kept, series_of};
use crate::sweep::SiteReport;
use crate::{Class, Verdict, Weight};

/// Clients that a finding names; the rest is counted.
const MAX_CLIENTS: usize = 50;
/// Examples of a finding.
const EXAMPLES: usize = 3;

/// When, to the second, with its zone; empty where the log tells no time.
fn time(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) if ms != i64::MIN => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        _ => String::new(),
    }
}

fn observed(first_ms: Option<i64>, last_ms: Option<i64>) -> Observed {
    let at = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Observed {
        first: at(first_ms),
        last: at(last_ms),
    }
}

/// Days of a span: `on 2026-09-06`, `from 2026-09-06 to 2026-09-08 (UTC)`.
fn days(first_ms: Option<i64>, last_ms: Option<i64>) -> String {
    let day = |ms: Option<i64>| {
        ms.map(|ms| time(ms).chars().take(10).collect::<String>())
            .filter(|day| !day.is_empty())
    };
    match (day(first_ms), day(last_ms)) {
        (Some(first), Some(last)) if first == last => format!("on {first} (UTC)"),
        (Some(first), Some(last)) => format!("from {first} to {last} (UTC)"),
        _ => "at times that the log does not tell".to_owned(),
    }
}

/// One line as it may be shown: everything but values.
fn example(report: &SiteReport, kept: &Kept) -> Example {
    let site = &report.site;
    let shape = site
        .shapes
        .get(kept.shape)
        .map_or("", |shape| shape.text.as_str());
    let client = address_of(site.clients.get(kept.client).key);
    let mut what = format!("{client} ");
    if kept.is(flag::SIGN_IN_FAILED) {
        what.push_str("sign-in failed");
    } else if kept.is(flag::SIGNED_IN) {
        what.push_str("signed in");
    } else if kept.is(flag::UNREAD) {
        what.push_str("(a line that could not be laid out)");
    } else if kept.is(flag::CONNECTION) {
        what.push_str("connection");
    } else {
        what.push_str(&format!("{} {shape}", kept.method.name()));
        if kept.status > 0 {
            what.push_str(&format!(" answered {}, {} bytes", kept.status, kept.bytes));
        }
    }
    let mut rules: Vec<&str> = site.hits_of(kept).iter().map(|hit| site.name(hit.rule)).collect();
    rules.dedup();
    rules.truncate(3);
    if !rules.is_empty() {
        what.push_str(&format!(" [{}]", rules.join(", ")));
    }
    Example {
        file: site.files[kept.file as usize].name.clone(),
        line: kept.line,
        time: time(kept.time_ms),
        what: visible(&what),
    }
}

/// The first, the most telling and the last of the lines that make the verdict.
fn examples(report: &SiteReport, actor: &Actor) -> Vec<Example> {
    let lines: &[u32] = match actor.held.first() {
        Some(held) if !held.lines.is_empty() => &held.lines,
        _ => return Vec::new(),
    };
    let telling = |place: &u32| {
        let kept = &report.site.kept[*place as usize];
        let strong = report
            .site
            .hits_of(kept)
            .iter()
            .filter(|hit| hit.weight == Weight::Strong)
            .count();
        (strong, kept.is_success(), kept.bytes)
    };
    let middle = lines.iter().max_by_key(|place| telling(place)).copied();
    let mut chosen: Vec<u32> = [
        lines.first().copied(),
        middle,
        lines.last().copied(),
        lines.get(lines.len() / 2).copied(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut seen = std::collections::BTreeSet::new();
    chosen.retain(|place| seen.insert(*place));
    chosen.truncate(EXAMPLES);
    chosen.sort_unstable();
    chosen
        .into_iter()
        .map(|place| example(report, &report.site.kept[place as usize]))
        .collect()
}

/// What this kind of log cannot show of an actor.
fn cannot_show(report: &SiteReport, actor: &Actor) -> Vec<String> {
    let mut list = vec!["whether any data were changed".to_owned()];
    if actor
        .addresses
        .iter()
        .any(|address| crate::lists::is_nobody(*address))
    {
        list.push(
            "which visitor it was: the address is one of a proxy, or of the office's own network".to_owned(),
        );
    }
    let has = |of: u16| {
        let mut lines = actor.lines.iter();
        lines.any(|(place, _)| report.site.kept[*place as usize].is(of))
    };
    if has(flag::FORWARDED) {
        list.push(
            "who stands behind the address: it says that it forwards for others. If it is a proxy of the office's own or of its \
             content network, declare it by --proxies and sweep again"
                .to_owned(),
        );
    }
    if has(flag::REQUEST) {
        list.push("what was sent in the body of a request, such as a form or a file".to_owned());
        if !actor
            .lines
            .iter()
            .any(|(place, _)| report.site.kept[*place as usize].duration > 0)
        {
            list.push("how long answers took, by which hidden questions to a database are told".to_owned());
        }
        if !actor
            .lines
            .iter()
            .any(|(place, _)| report.site.kept[*place as usize].bytes > 0)
        {
            list.push("how large answers were, by which it is told whether something was taken".to_owned());
        }
    } else {
        list.push("what was done after a sign-in".to_owned());
    }
    list
}

fn severity_next(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Authorised => {
            "Compare the time and the addresses with the agreement; nothing else is to be done."
        }
        Verdict::None => "Keep the logs.",
        Verdict::Contact => {
            "Keep the logs of that time. If the address belongs to somebody you know, note it."
        }
        Verdict::Scanned => {
            "Keep the logs. See that what was looked for does not exist on the server, and that its software is up to date."
        }
        Verdict::Attempted => {
            "Keep the logs and copy them elsewhere. Look into the application's and the database's own logs of that time for errors \
             and odd queries, and have the place that was attacked checked."
        }
        Verdict::Breached | Verdict::Exfiltrated => {
            "Treat it as an incident now: copy all logs and the machine's state before anything is changed, take the place that was \
             used off the network, and tell your state's election security staff and CISA or the FBI. Whether records were changed \
             has to be checked in the database itself."
        }
    }
}

/// Who, for a sentence.
fn who(actor: &Actor) -> String {
    match actor.addresses.as_slice() {
        [] => "Somebody".to_owned(),
        [one] if one.is_unspecified() => "A client that the log does not name".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more addresses", rest.len()),
    }
}

fn summary(actor: &Actor, name: &str) -> String {
    let (who, when) = (who(actor), days(actor.first_ms, actor.last_ms));
    let lines = match actor.lines.len() {
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    };
    let how = actor.class.title();
    match actor.verdict {
        Verdict::Authorised => format!(
            "A declared assessor ({}) tested {name} {when}: {lines}. It is not counted.",
            actor.assessor.as_deref().unwrap_or("unnamed")
        ),
        Verdict::None => format!("Nothing is held against {who} at {name}."),
        Verdict::Contact if actor.held.first().is_some_and(|held| held.rule == VISIT_RULE) => format!(
            "{who}, an address from which other jurisdictions were attacked, visited {name} {when}. That is a visit, not an attack."
        ),
        Verdict::Contact => format!(
            "{who}, an address on the list of indicators, visited {name} {when} ({lines}). That is a visit, not an attack."
        ),
        Verdict::Scanned => format!(
            "{who} looked for a way into {name} {when} ({how}, {lines}); nothing in the logs shows that one was found."
        ),
        Verdict::Attempted => format!(
            "{who} tried to get in or at data at {name} {when} ({how}, {lines}); nothing in the logs shows that it worked."
        ),
        Verdict::Breached => {
            format!("{who} got in at {name} {when} ({how}, {lines}), as the answers in the logs show.")
        }
        Verdict::Exfiltrated => format!(
            "{who} was given records of {name} {when} ({how}, {lines}), as the answers in the logs show."
        ),
    }
}

/// The coverage of a jurisdiction, for the details of its findings.
pub fn coverage_details(seen: &Seen) -> Value {
    let missing: Vec<Value> = seen
        .missing_spans()
        .iter()
        .map(|(from, to)| json!({"from": from.to_string(), "to": to.to_string()}))
        .collect();
    json!({
        "window_from": seen.window.map(|window| time(window.from_ms)),
        "window_to": seen.window.map(|window| time(window.to_ms)),
        "is_declared": seen.is_declared,
        "days": seen.days,
        "days_missing": seen.missing_days.len(),
        "missing": missing,
        "gaps": seen.gaps.iter().map(|gap| json!({"from": time(gap.from_ms), "to": time(gap.to_ms), "why": gap.why})).collect::<Vec<_>>(),
        "silent": seen.silent.iter().map(|log| json!({"log": log.series, "gaps": log.gaps.iter()
            .map(|gap| json!({"from": time(gap.from_ms), "to": time(gap.to_ms), "why": gap.why})).collect::<Vec<_>>()})).collect::<Vec<_>>(),
        "lines_behind_undeclared_proxy": seen.forwarded,
        "share_parsed": (seen.share_read() * 10_000.0).round() / 10_000.0,
    })
}

/// The finding about one actor, and the excerpts that it rests on.
pub fn actor_draft(report: &SiteReport, actor: &Actor, target: &TargetRef) -> (Draft, Vec<Excerpt>) {
    let examples = examples(report, actor);
    let excerpts = examples
        .iter()
        .map(|example| Excerpt {
            bytes: format!("{} {}\n", example.time, example.what).into_bytes(),
            media_type: "text/plain",
            locator: format!("{}:{}", example.file, example.line),
        })
        .collect();
    let mut reasons: Vec<Reason> = actor
        .held
        .iter()
        .map(|held| Reason {
            code: held.rule.to_owned(),
            text: visible(&held.says),
            weight: (held.standing.probability() / (1.0 - held.standing.probability())).ln(),
            spans: Vec::new(),
        })
        .collect();
    reasons.truncate(12);
    let mut rules: BTreeMap<u16, u64> = BTreeMap::new();
    for (place, _) in &actor.lines {
        for hit in report.site.hits_of(&report.site.kept[*place as usize]) {
            *rules.entry(hit.rule).or_default() += 1;
        }
    }
    let mut by_count: Vec<(u64, u16)> = rules.into_iter().map(|(rule, count)| (count, rule)).collect();
    by_count.sort_unstable_by(|a, b| b.cmp(a));
    for (count, rule) in by_count.into_iter().take(4) {
        let name = report.site.name(rule);
        reasons.push(Reason {
            code: name.to_owned(),
            text: format!("{count} times: {}", rule_text(name)),
            weight: 0.0,
            spans: Vec::new(),
        });
    }
    for link in &actor.links {
        reasons.push(Reason {
            code: "same-actor".to_owned(),
            text: visible(link),
            weight: 0.0,
            spans: Vec::new(),
        });
    }
    for link in &actor.campaign_links {
        reasons.push(Reason {
            code: "same-campaign".to_owned(),
            text: visible(link),
            weight: 0.0,
            spans: Vec::new(),
        });
    }
    let mut overturned: Vec<&str> = actor.held.iter().map(|held| held.overturned_by).collect();
    overturned.dedup();
    let addresses: Vec<String> = actor
        .addresses
        .iter()
        .filter(|address| !address.is_unspecified())
        .take(MAX_CLIENTS)
        .map(ToString::to_string)
        .collect();
    let indicators = match actor.verdict {
        Verdict::Authorised | Verdict::Contact | Verdict::None => Vec::new(),
        _ => addresses
            .iter()
            .map(|address| Indicator {
                kind: if address.contains(':') {
                    "ipv6-addr".to_owned()
                } else {
                    "ipv4-addr".to_owned()
                },
                value: address.clone(),
            })
            .collect(),
    };
    let techniques: std::collections::BTreeSet<&'static str> = actor
        .classes
        .iter()
        .flat_map(|class| class.techniques().iter().copied())
        .collect();
    let subject = addresses
        .first()
        .cloned()
        .unwrap_or_else(|| "unnamed client".to_owned());
    let mut counts: Map<String, Value> = Map::new();
    for held in &actor.held {
        for (name, count) in &held.counts {
            counts.entry((*name).to_owned()).or_insert(json!(count));
        }
    }
    let classes: Vec<&str> = actor.classes.iter().map(|class| class.word()).collect();
    let is_authorised = actor.verdict == Verdict::Authorised;
    let details = json!({
        "jurisdiction": target.id,
        "actor": subject,
        "clients": addresses,
        "client_count": actor.addresses.len(),
        "classes": classes,
        "class": actor.class.word(),
        "verdict": actor.verdict.word(),
        "confidence_word": actor.standing.word(),
        "rule": actor.held.first().map(|held| held.rule),
        "lines": actor.lines.len(),
        "examples": examples,
        "counts": counts,
        "tools": actor.tools,
        "overturned_by": overturned,
        "cannot_show": cannot_show(report, actor),
        "campaign": actor.campaign,
        "campaign_links": actor.campaign_links,
        "coverage": coverage_details(&report.seen),
    });
    let draft = Draft {
        kind: if is_authorised {
            "authorised-assessment"
        } else {
            "intrusion-actor"
        },
        polarity: Polarity::Threat,
        stage: Some(actor.verdict.stage()),
        target: target.clone(),
        subject,
        verdict: Some(actor.verdict.word().to_owned()),
        severity: actor.verdict.severity(),
        confidence: Probability::rounded(actor.standing.probability()),
        tlp: Tlp::Amber,
        observed: observed(actor.first_ms, actor.last_ms),
        summary: summary(actor, &target.name),
        reasons,
        alternatives: overturned.iter().map(|text| (*text).to_owned()).collect(),
        next: severity_next(actor.verdict).to_owned(),
        indicators,
        techniques: techniques.into_iter().collect(),
        details: match details {
            Value::Object(map) => map,
            _ => Map::new(),
        },
    };
    (draft, excerpts)
}

/// The assurance that nothing was found where everything could be seen; `None` where something was, or could not be.
pub fn assurance(report: &SiteReport, target: &TargetRef) -> Option<Draft> {
    let is_clean = report
        .actors
        .iter()
        .all(|actor| actor.verdict == Verdict::Authorised);
    let window = report
        .seen
        .window
        .filter(|_| is_clean && report.seen.is_complete())?;
    let day = |ms: i64| time(ms).chars().take(10).collect::<String>();
    let subject = format!("{}..{}", day(window.from_ms), day(window.to_ms));
    let read = report.seen.read;
    let looked_for: Vec<&str> = Class::ALL.iter().map(|class| class.word()).collect();
    let shown: Vec<&str> = report
        .site
        .files
        .iter()
        .take(20)
        .map(|file| file.name.as_str())
        .collect();
    let unread = match report.seen.unread {
        0 => "all could be laid out".to_owned(),
        some => format!("{some} more could not be laid out and were searched as they stand"),
    };
    let details = json!({
        "jurisdiction": target.id,
        "verdict": Verdict::None.word(),
        "lines": read,
        "looked_for": looked_for,
        "files": shown,
        "clients": Vec::<String>::new(),
        "client_count": report.site.clients.len() as u64 + report.site.clients.gone.clients,
        "cannot_show": ["what was sent in the body of a request, such as a form or a file", "whether any data were changed",
                        "anything on systems whose logs were not given"],
        "coverage": coverage_details(&report.seen),
    });
    Some(Draft {
        kind: "no-sign-in-logs",
        polarity: Polarity::Assurance,
        stage: None,
        target: target.clone(),
        subject,
        verdict: Some(Verdict::None.word().to_owned()),
        severity: Severity::Info,
        confidence: Probability::rounded(0.9),
        tlp: Tlp::Amber,
        observed: observed(Some(window.from_ms), Some(window.to_ms)),
        summary: format!(
            "In the logs of {}, which have lines on every day from {} to {} (UTC), no sign of scanning, attack or entry was found: \
             {read} lines were judged, and {unread}.",
            target.name,
            day(window.from_ms),
            day(window.to_ms)
        ),
        reasons: vec![Reason {
            code: "nothing-found".to_owned(),
            text: format!(
                "{} kinds of attack were looked for, by what requests carry and by what clients do; nothing reached the level at \
                 which the desk speaks.",
                looked_for.len()
            ),
            weight: 0.0,
            spans: Vec::new(),
        }],
        alternatives: vec![
            "an attack that travels in the body of requests, or on a system whose logs were not given, would not show here".to_owned(),
        ],
        next: "Keep the logs, so that they can be searched again when more is known.".to_owned(),
        indicators: Vec::new(),
        techniques: Vec::new(),
        details: match details {
            Value::Object(map) => map,
            _ => Map::new(),
        },
    })
}

/// What one file let the desk see.
pub fn file_coverage(file: &FileSeen, target: &TargetId, declared: Option<Window>) -> Coverage {
    let seen = of_file(file, declared);
    Coverage {
        desk: CARD.name.to_owned(),
        source: file.name.clone(),
        sha256: None,
        bytes: 0,
        targets: vec![target.clone()],
        window: seen.window.map_or(Observed::default(), |window| {
            observed(Some(window.from_ms), Some(window.to_ms))
        }),
        gaps: gaps(&seen.gaps),
        records_read: file.read + file.unread,
        records_unread: 0,
        series: Some(series_of(&file.name)),
        silent: Vec::new(),
        is_complete: file.is_complete,
    }
}

/// The coverage of a jurisdiction that gave no log.
pub fn no_coverage(target: &TargetId, declared: Option<Window>) -> Coverage {
    let window = declared.map_or(Observed::default(), |window| {
        observed(Some(window.from_ms), Some(window.to_ms))
    });
    Coverage {
        desk: CARD.name.to_owned(),
        source: format!("(none given by {target})"),
        sha256: None,
        bytes: 0,
        targets: vec![target.clone()],
        window,
        gaps: match (window.first, window.last) {
            (Some(from), Some(to)) => vec![Gap {
                from,
                to,
                why: "no log was given".to_owned(),
            }],
            _ => Vec::new(),
        },
        records_read: 0,
        records_unread: 0,
        series: None,
        silent: Vec::new(),
        is_complete: false,
    }
}

/// What is missing of a log that is silent while others of its jurisdiction go on: of no file, so it has an entry of its own.
pub fn silent_coverage(silent: &Silent, target: &TargetId) -> Coverage {
    Coverage {
        desk: CARD.name.to_owned(),
        source: format!("(all of {} together)", silent.series),
        sha256: None,
        bytes: 0,
        targets: vec![target.clone()],
        window: Observed::default(),
        gaps: Vec::new(),
        records_read: 0,
        records_unread: 0,
        series: Some(silent.series.clone()),
        silent: gaps(&silent.gaps),
        is_complete: true,
    }
}

fn gaps(gaps: &[behave::Gap]) -> Vec<Gap> {
    gaps.iter()
        .filter_map(|gap| {
            Some(Gap {
                from: Timestamp::from_millisecond(gap.from_ms).ok()?,
                to: Timestamp::from_millisecond(gap.to_ms).ok()?,
                why: gap.why.clone(),
            })
        })
        .collect()
}

/// One sentence about a jurisdiction, and what could not be seen of it: `missing 2026-09-05 to 2026-09-13`.
pub fn seen_words(seen: &Seen) -> String {
    if seen.read + seen.unread == 0 {
        return "no log given".to_owned();
    }
    let Some(window) = seen.window else {
        return "no line tells a time".to_owned();
    };
    let day = |ms: i64| time(ms).chars().take(10).collect::<String>();
    let mut text = format!("{} to {}", day(window.from_ms), day(window.to_ms));
    let spans: Vec<String> = seen
        .missing_spans()
        .iter()
        .map(|(from, to)| {
            if from == to {
                from.to_string()
            } else {
                format!("{from} to {to}")
            }
        })
        .collect();
    match spans.as_slice() {
        [] if seen.gaps.is_empty() => text.push_str(", lines on every day"),
        [] => text.push_str(&format!(", {} gaps of hours", seen.gaps.len())),
        spans => text.push_str(&format!(
            ", without any line on {} of {} days: {}",
            seen.missing_days.len(),
            seen.days,
            spans.join(", ")
        )),
    }
    for log in &seen.silent {
        let Some(gap) = log.gaps.first() else { continue };
        let more = match log.gaps.len() {
            1 => String::new(),
            all => format!(" and {} times more", all - 1),
        };
        text.push_str(&format!(
            "; {} is silent from {} to {}{more} while other logs go on",
            visible(&log.series),
            time(gap.from_ms),
            time(gap.to_ms)
        ));
    }
    if seen.is_behind_proxy() {
        text.push_str(&format!(
            "; {:.0} % of lines come through a proxy that was not declared, so what each visitor did is not seen: name it by --proxies",
            seen.forwarded as f64 * 100.0 / seen.read.max(1) as f64
        ));
    }
    if seen.share_read() < 0.95 {
        text.push_str(&format!(
            "; only {:.0} % of lines could be laid out",
            seen.share_read() * 100.0
        ));
    }
    text
}
