//! The desk as the engine meets it.
//!
//! The role of an input says what it is: `jurisdiction=NAME`, or NAME alone, a log of that jurisdiction, `list=indicators`,
//! `list=proxies`, `list=assessors` and `list=mapping` what the names say, to be fed before the logs. A role may also hold
//! `window=FROM..TO` and `expect=A,B`: the time that is asked about, and jurisdictions that are to be reported even where they
//! give nothing.

use std::collections::BTreeMap;
use std::io::{BufRead, Read as _};
use std::sync::Arc;

use pollwatch_model::{
    Card, Ctx, Desk, DeskError, Fed, Flow, Input, Position, Problem, Register, Run, Saved, Sink, TargetId,
    TargetRef,
};
use serde::{Deserialize, Serialize};

use crate::behave::Window;
use crate::card::CARD;
use crate::explain;
use crate::lists::{AddressSet, assessors_of, day_or_time, read_assessors, read_indicators, read_proxies};
use crate::read::{Dialect, Format, Mapping};
use crate::sweep::{Listener, Options, Place, Read, State, Sweep};

/// Version of the saved state.
const SAVED_VERSION: u32 = 3;
/// Largest list that is read.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// Logs of election systems.
#[derive(Debug, Clone, Copy, Default)]
pub struct IntrusionDesk;

/// What a run keeps between two steps, beside the sweep.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    state: State,
    indicators: crate::lists::AddressSet,
    proxies: crate::lists::AddressSet,
    assessors: Vec<crate::lists::Assessor>,
    window: Option<Window>,
    mapping: Option<String>,
}

impl Desk for IntrusionDesk {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn open(&self, ctx: &Ctx, saved: Option<&Saved>) -> Result<Box<dyn Run>, DeskError> {
        let mut options = Options::new(ctx.now);
        options.threads = threads(&ctx.settings)?;
        options.assessors = assessors_of(&ctx.register);
        options.proxies = proxies_of(&ctx.settings).map_err(DeskError::Settings)?;
        if let Some(text) = ctx.settings.get("window").and_then(serde_json::Value::as_str) {
            options.window = Some(parse_window(text).map_err(DeskError::Settings)?);
        }
        let (sweep, mapping) = match saved {
            None => (Sweep::new(options), None),
            Some(saved) if saved.version == SAVED_VERSION => {
                let kept: Kept = postcard::from_bytes(&saved.bytes)
                    .map_err(|error| DeskError::Saved(error.to_string()))?;
                options.indicators = kept.indicators;
                options.proxies = kept.proxies;
                options.assessors = kept.assessors;
                options.window = kept.window;
                (Sweep::restore(options, kept.state), kept.mapping)
            }
            Some(saved) => {
                return Err(DeskError::Saved(format!(
                    "its state has version {}, and this program reads version {SAVED_VERSION}",
                    saved.version
                )));
            }
        };
        Ok(Box::new(IntrusionRun {
            sweep,
            mapping,
            register: Arc::clone(&ctx.register),
        }))
    }
}

/// Threads that lay out lines: as set, else as many as there are processors, at most eight.
fn threads(settings: &serde_json::Value) -> Result<usize, DeskError> {
    match settings.get("threads") {
        None => Ok(std::thread::available_parallelism()
            .map_or(1, std::num::NonZero::get)
            .min(8)),
        Some(value) => value
            .as_u64()
            .filter(|count| (1..=64).contains(count))
            .map(|count| count as usize)
            .ok_or_else(|| {
                DeskError::Settings(format!(
                    "intrusion.threads is {value}, and has to be a number from 1 to 64"
                ))
            }),
    }
}

/// The proxies that the settings declare: `proxies = ["10.0.0.0/8", "192.0.2.7"]` under `[desk.intrusion]`.
///
/// Errors: words for whoever wrote the settings.
pub fn proxies_of(settings: &serde_json::Value) -> Result<AddressSet, String> {
    let Some(value) = settings.get("proxies") else {
        return Ok(AddressSet::default());
    };
    let texts: Option<Vec<&str>> = value
        .as_array()
        .and_then(|list| list.iter().map(serde_json::Value::as_str).collect());
    let texts = texts.ok_or_else(|| {
        format!("intrusion.proxies is {value}, and has to be a list of addresses and networks")
    })?;
    // One a line; the heading that a list may have is none of these.
    let (set, problems) = read_proxies("intrusion.proxies", &format!("address\n{}", texts.join("\n")));
    match problems.first() {
        Some(problem) => Err(format!("intrusion.proxies: {}", problem.what)),
        None => Ok(set),
    }
}

/// Reads `2026-09-01..2026-09-21`; both days are included, times may be given instead.
pub fn parse_window(text: &str) -> Result<Window, String> {
    let wrong = || format!("{text:?} is no window like 2026-09-01..2026-09-21");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let from = day_or_time(from.trim(), false).ok_or_else(wrong)?;
    let to = day_or_time(to.trim(), true).ok_or_else(wrong)?;
    if to <= from {
        return Err(format!("the window {text:?} ends before it begins"));
    }
    Ok(Window {
        from_ms: from.as_millisecond(),
        to_ms: to.as_millisecond(),
    })
}

/// The target that a jurisdiction's name stands for: by id, by name, by the two letters of its state where one jurisdiction
/// of the register has them; else a target of that name, made for the occasion.
pub fn target_of(register: &Register, name: &str) -> TargetRef {
    use pollwatch_model::register::TargetKind;
    let known = register
        .targets
        .iter()
        .find(|target| target.id.as_str() == name || target.name.eq_ignore_ascii_case(name))
        .or_else(|| {
            let mut of_state = register.targets.iter().filter(|target| {
                target.kind == TargetKind::Jurisdiction && target.state.eq_ignore_ascii_case(name)
            });
            match (of_state.next(), of_state.next()) {
                (Some(one), None) => Some(one),
                _ => None,
            }
        });
    match known {
        Some(target) => TargetRef {
            id: target.id.clone(),
            name: target.name.clone(),
        },
        None => TargetRef {
            id: TargetId::slug(name),
            name: name.to_owned(),
        },
    }
}

/// The words of a role: `jurisdiction=il window=…`. A role of one word alone is a jurisdiction.
fn words(role: &str) -> BTreeMap<&str, &str> {
    if !role.is_empty() && !role.contains('=') {
        return BTreeMap::from([("jurisdiction", role.trim())]);
    }
    // A jurisdiction's name may hold blanks: it comes last.
    let (head, jurisdiction) = match role.split_once("jurisdiction=") {
        Some((head, name)) => (head, Some(name.trim())),
        None => (role, None),
    };
    let mut words: BTreeMap<&str, &str> = head
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .collect();
    if let Some(name) = jurisdiction {
        words.insert("jurisdiction", name);
    }
    words
}

struct IntrusionRun {
    sweep: Sweep,
    mapping: Option<String>,
    register: Arc<Register>,
}

struct ToSink<'a> {
    out: &'a mut dyn Sink,
}

impl Listener for ToSink<'_> {
    fn problem(&mut self, problem: Problem) {
        self.out.problem(problem);
    }

    fn lines(&mut self, lines: u64) -> bool {
        self.out.flow(lines) == Flow::Continue
    }

    fn may_grow(&self) -> bool {
        self.out.may_grow()
    }
}

impl IntrusionRun {
    fn take_list(
        &mut self,
        input: &Input,
        kind: &str,
        bytes: &mut dyn BufRead,
        out: &mut dyn Sink,
    ) -> Result<Fed, DeskError> {
        let mut text = Vec::new();
        bytes
            .take(MAX_LIST_BYTES)
            .read_to_end(&mut text)
            .map_err(|source| DeskError::Io {
                input: input.name.clone(),
                at: Position::default(),
                source,
            })?;
        let end = Position {
            offset: text.len() as u64,
            record: text.iter().filter(|byte| **byte == b'\n').count() as u64,
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        match kind {
            "indicators" => {
                let (set, problems) = read_indicators(&input.name, &text);
                problems.into_iter().for_each(|problem| out.problem(problem));
                if set.is_empty() {
                    return Err(DeskError::Format {
                        input: input.name.clone(),
                        why: "it holds no address; the first column has to be one".to_owned(),
                    });
                }
                self.sweep.options.indicators = set;
            }
            "proxies" => {
                let (set, problems) = read_proxies(&input.name, &text);
                problems.into_iter().for_each(|problem| out.problem(problem));
                if set.is_empty() {
                    return Err(DeskError::Format {
                        input: input.name.clone(),
                        why: "it holds no address; the first column has to be one".to_owned(),
                    });
                }
                self.sweep.options.proxies = set;
            }
            "assessors" => {
                let (assessors, problems) = read_assessors(&input.name, &text);
                problems.into_iter().for_each(|problem| out.problem(problem));
                self.sweep.options.assessors.extend(assessors);
            }
            "mapping" => {
                Mapping::parse(&text).map_err(|error| DeskError::Format {
                    input: input.name.clone(),
                    why: error.to_string(),
                })?;
                self.mapping = Some(text);
            }
            other => {
                return Err(DeskError::Format {
                    input: input.name.clone(),
                    why: format!("there is no list of the kind {other:?}"),
                });
            }
        }
        Ok(Fed::End(end))
    }
}

impl Run for IntrusionRun {
    fn feed(
        &mut self,
        input: &Input,
        from: Position,
        bytes: &mut dyn BufRead,
        out: &mut dyn Sink,
    ) -> Result<Fed, DeskError> {
        let words = words(&input.role);
        if let Some(kind) = words.get("list") {
            let kind = (*kind).to_owned();
            return self.take_list(input, &kind, bytes, out);
        }
        if let Some(text) = words.get("window") {
            self.sweep.options.window = Some(parse_window(text).map_err(DeskError::Settings)?);
        }
        for name in words.get("expect").into_iter().flat_map(|names| names.split(',')) {
            self.sweep.expect(name);
        }
        let jurisdiction = match words.get("jurisdiction") {
            Some(name) => (*name).to_owned(),
            None => jurisdiction_of(&input.name, &self.register),
        };
        let format = match (input.format.as_deref(), &self.mapping) {
            (Some("mapped"), Some(text)) | (None, Some(text)) => {
                Format::Mapped(Mapping::parse(text).map_err(|error| DeskError::Settings(error.to_string()))?)
            }
            (Some("mapped"), None) => {
                return Err(DeskError::Format {
                    input: input.name.clone(),
                    why: "no mapping was given".to_owned(),
                });
            }
            (Some(name), _) => Format::Named(Dialect::named(name).map_err(|error| DeskError::Format {
                input: input.name.clone(),
                why: error.to_string(),
            })?),
            (None, None) => Format::Sniffed,
        };
        let place = Place {
            offset: from.offset,
            line: from.record,
        };
        let read = self.sweep.read(
            &jurisdiction,
            &input.name,
            &format,
            place,
            bytes,
            &mut ToSink { out },
        );
        let position = |place: Place| Position {
            offset: place.offset,
            record: place.line,
        };
        let target = target_of(&self.register, &jurisdiction);
        if let Read::Paused(place) = read {
            return Ok(Fed::Paused(position(place)));
        }
        if let Some(file) = self
            .sweep
            .site(&jurisdiction)
            .and_then(|site| site.files.iter().rev().find(|file| file.name == input.name))
        {
            if file.read == 0 && file.unread > 0 {
                out.problem(Problem::remark(
                    &input.name,
                    None,
                    "no line of it could be laid out: name its dialect, or give a mapping (`pollwatch intrusion about` lists both). \
                     Its lines were searched as they stand",
                ));
            } else if file.unread > 0 {
                out.problem(Problem::remark(
                    &input.name,
                    None,
                    format!(
                        "{} of {} lines could not be laid out; they were searched as they stand",
                        file.unread,
                        file.read + file.unread
                    ),
                ));
            }
            out.coverage(explain::file_coverage(
                file,
                &target.id,
                self.sweep.options.window,
            ));
        }
        match read {
            Read::End(place) | Read::Paused(place) => Ok(Fed::End(position(place))),
            Read::Failed(place, source) => Err(DeskError::Io {
                input: input.name.clone(),
                at: position(place),
                source,
            }),
        }
    }

    fn save(&self) -> Result<Saved, DeskError> {
        let kept = SavedView {
            state: self.sweep.saved_view(),
            indicators: &self.sweep.options.indicators,
            proxies: &self.sweep.options.proxies,
            assessors: &self.sweep.options.assessors,
            window: self.sweep.options.window,
            mapping: self.mapping.as_deref(),
        };
        let bytes = postcard::to_allocvec(&kept).map_err(|error| DeskError::Saved(error.to_string()))?;
        Ok(Saved {
            version: SAVED_VERSION,
            bytes,
        })
    }

    fn finish(self: Box<Self>, out: &mut dyn Sink) -> Result<(), DeskError> {
        let window = self.sweep.options.window;
        for report in self.sweep.finish() {
            let target = target_of(&self.register, &report.jurisdiction);
            if report.seen.read + report.seen.unread == 0 && report.site.files.is_empty() {
                out.coverage(explain::no_coverage(&target.id, window));
            }
            for silent in &report.seen.silent {
                out.coverage(explain::silent_coverage(silent, &target.id));
            }
            for actor in &report.actors {
                let (draft, excerpts) = explain::actor_draft(&report, actor, &target);
                out.finding(draft, excerpts)?;
            }
            if let Some(draft) = explain::assurance(&report, &target) {
                out.finding(draft, Vec::new())?;
            }
        }
        Ok(())
    }
}

/// The same fields as [`Kept`], borrowed.
#[derive(Serialize)]
struct SavedView<'a> {
    state: crate::sweep::StateView<'a>,
    indicators: &'a crate::lists::AddressSet,
    proxies: &'a crate::lists::AddressSet,
    assessors: &'a [crate::lists::Assessor],
    window: Option<Window>,
    mapping: Option<&'a str>,
}

/// Names of log files that say nothing of whose they are.
const PLAIN_NAMES: &[&str] = &[
    "access",
    "access_log",
    "error",
    "error_log",
    "ssl_access",
    "other_vhosts_access",
    "auth",
    "secure",
    "messages",
    "syslog",
    "log",
    "logs",
    "httpd",
    "nginx",
    "apache",
    "apache2",
    "iis",
    "haproxy",
    "caddy",
    "waf",
    "firewall",
    "vpn",
    "sshd",
    "web",
    "-",
];

/// Whose log a file is when nobody said: by the first part of its name, or of its folder's where that says nothing; `site`
/// where neither does.
pub fn jurisdiction_of(name: &str, register: &Register) -> String {
    let parts: Vec<&str> = name.split(['/', '\\']).collect();
    let stem = |part: &str| part.split('.').next().unwrap_or_default().to_owned();
    let speaks = |text: &String| {
        !text.is_empty()
            && !PLAIN_NAMES.contains(&text.to_ascii_lowercase().as_str())
            && !text.starts_with("u_ex")
            && !text.chars().next().is_some_and(|first| first.is_ascii_digit())
    };
    let mut candidates = parts.iter().rev().take(2).map(|part| stem(part)).filter(speaks);
    let first = candidates.next();
    // A name that the register knows is taken before one that it does not.
    let known = std::iter::once(first.clone())
        .chain(std::iter::once(candidates.next()))
        .flatten()
        .find(|name| {
            register
                .targets
                .iter()
                .any(|target| target.id.as_str() == name || target.name.eq_ignore_ascii_case(name))
        });
    known.or(first).unwrap_or_else(|| "site".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_whose_it_is_by_its_name_or_its_folder() {
        let none = Register::default();
        assert_eq!(jurisdiction_of("logs/IL.json.log.gz", &none), "IL");
        assert_eq!(jurisdiction_of("adams-county/access.log", &none), "adams-county");
        assert_eq!(jurisdiction_of("access.log.1", &none), "site");
        assert_eq!(jurisdiction_of("-", &none), "site");
    }

    #[test]
    fn a_window_is_two_days_or_two_times() {
        let window = parse_window("2026-09-01..2026-09-21").unwrap();
        assert_eq!(window.to_ms - window.from_ms, 21 * 86_400_000 - 1);
        for wrong in ["", "2026-09-01", "2026-09-21..2026-09-01", "a..b"] {
            assert!(parse_window(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_role_holds_words_and_a_name_with_blanks() {
        let words = words("window=2026-09-01..2026-09-21 expect=ga,in jurisdiction=Adams County");
        assert_eq!(words["jurisdiction"], "Adams County");
        assert_eq!(words["expect"], "ga,in");
        assert_eq!(super::words("adams")["jurisdiction"], "adams");
    }
}
