//! The way through: a fast look at what is raw, and the full one at what gave a reason for it.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use crate::Class;
use crate::decode::{Ladder, Plus, readable_base64};
use crate::hit::{Facts, Field, Hit, Hits, RequestFields, Weight};

use super::headers::Known;
use super::rules::{AGENTS, Lookup, RuleSet, Scope, TRACES};
use super::shell::{is_command_parameter, is_script, is_split_command, unquoted};
use super::sql::{Expects, SqlGrammar, SqlScratch, fingerprint};

/// Most hits kept of one request: enough for every class once.
const MAX_HITS: usize = 24;

/// Most parameters looked at one by one; what follows is looked at as one text.
const MAX_PARAMETERS: usize = 256;

/// Shortest value that is tried as base64.
const MIN_BASE64: usize = 16;

/// Everything that does not change from request to request. Built once, shared by threads.
pub struct Inspector {
    rules: RuleSet,
    sql: SqlGrammar,
    agents: AhoCorasick,
}

/// Buffers for one thread, used again for every request.
#[derive(Debug, Default)]
pub struct Scratch {
    ladder: Ladder,
    name: Ladder,
    lookup: Lookup,
    sql: SqlScratch,
    bare: Vec<u8>,
    plain: Vec<u8>,
    joined: Vec<u8>,
    pub(super) known: Known,
}

impl Default for Inspector {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a text came from, and what it may be tried for.
#[derive(Clone, Copy)]
pub(super) struct Place {
    field: Field,
    scope: Scope,
    plus: Plus,
    expects: Expects,
}

impl Place {
    const PATH: Place = Place {
        field: Field::Path,
        scope: Scope::PATH,
        // By the standards a plus is a plus in a path, but frameworks that decode paths as forms are common enough.
        plus: Plus::IsBlank,
        expects: Expects::Value,
    };
    const PARAMETER: Place = Place {
        field: Field::Parameter,
        scope: Scope::PARAMETER,
        plus: Plus::IsBlank,
        expects: Expects::Value,
    };

    /// The same for the value of the parameter of this name.
    fn for_name(self, name: &[u8]) -> Place {
        let expects = if is_condition_name(name) {
            Expects::Condition
        } else {
            Expects::Value
        };
        Place { expects, ..self }
    }

    pub(super) fn header(field: Field) -> Place {
        Place {
            field,
            scope: Scope::HEADER,
            plus: Plus::IsPlus,
            expects: Expects::Value,
        }
    }
}

impl Inspector {
    /// Compiles the rules. Some tens of milliseconds; build it once.
    pub fn new() -> Self {
        let agents = AhoCorasickBuilder::new()
            .match_kind(MatchKind::LeftmostFirst)
            .ascii_case_insensitive(true)
            .build(AGENTS.iter().map(|trace| trace.literal))
            .expect("some hundred short words fit any automaton");
        Inspector {
            rules: RuleSet::new(),
            sql: SqlGrammar::new(),
            agents,
        }
    }

    /// Looks at target, referring page, cookie, other headers and agent. `hits` is cleared first.
    pub fn inspect(&self, request: &RequestFields<'_>, scratch: &mut Scratch, hits: &mut Hits) {
        self.inspect_without_agent(request, scratch, hits);
        self.add_agent(request.agent, scratch, hits);
    }

    /// The same without the agent, for callers who remember what they were told of an agent.
    pub fn inspect_without_agent(&self, request: &RequestFields<'_>, scratch: &mut Scratch, hits: &mut Hits) {
        hits.0.clear();
        if request.method == b"CONNECT" {
            push(hits, asks_for_proxy());
        }
        if self.is_target_worth_a_look(request.target, scratch) {
            self.look_at_target(request.target, None, scratch, hits);
        }
        if !request.referer.is_empty() && self.is_worth_a_look(after_host(request.referer), scratch) {
            self.look_at_referer(request.referer, scratch, hits);
        }
        if !request.cookie.is_empty() && self.is_worth_a_look(request.cookie, scratch) {
            for crumb in request.cookie.split(|&byte| byte == b';') {
                let at = memchr::memchr(b'=', crumb);
                let (name, value) = at.map_or((&crumb[..0], crumb), |at| (&crumb[..at], &crumb[at + 1..]));
                for text in [name, value] {
                    self.look_at_text(text, Place::header(Field::Cookie), scratch, hits);
                }
            }
        }
        if !request.headers.is_empty() {
            self.look_at_headers(request.headers, scratch, hits);
        }
    }

    /// Looks at an agent alone. `hits` is cleared first.
    pub fn inspect_agent(&self, agent: &[u8], scratch: &mut Scratch, hits: &mut Hits) {
        hits.0.clear();
        self.add_agent(agent, scratch, hits);
    }

    /// Looks at a line that could not be parsed. `hits` is cleared first. Nothing is said of bytes that are no text: in enough of
    /// them any short payload stands by chance, and no server writes a request down so.
    pub fn inspect_raw(&self, line: &[u8], scratch: &mut Scratch, hits: &mut Hits) {
        hits.0.clear();
        if !is_text(line) || !self.is_worth_a_look(line, scratch) {
            return;
        }
        if let Some(target) = target_of_line(line) {
            self.look_at_target(target, Some(Field::Line), scratch, hits);
        }
        let place = Place {
            field: Field::Line,
            scope: Scope::LINE,
            plus: Plus::IsPlus,
            expects: Expects::Value,
        };
        self.look_at_text(line, place, scratch, hits);
        self.add_agent_names(line, Field::Line, hits);
    }

    /// Whether anything in a raw text could make a rule or a grammar speak: the only thing that an innocent line costs.
    pub(super) fn is_worth_a_look(&self, raw: &[u8], scratch: &mut Scratch) -> bool {
        if !raw.iter().any(|&byte| CODED[usize::from(byte)]) {
            return self.rules.may_match(raw);
        }
        scratch.ladder.climb(raw, Plus::IsBlank);
        let plain = scratch.ladder.cased();
        // An ampersand parts parameters; one that was encoded is part of a value.
        let ampersands = |text: &[u8]| memchr::memchr_iter(b'&', text).count();
        self.rules.may_match(plain) || ampersands(plain) > ampersands(raw)
    }

    /// The same for a target: the first question mark is no part of either half.
    fn is_target_worth_a_look(&self, target: &[u8], scratch: &mut Scratch) -> bool {
        if is_plain_asset(target) {
            return false;
        }
        match memchr::memchr(b'?', target) {
            None => self.is_worth_a_look(target, scratch),
            Some(at) => {
                self.is_worth_a_look(&target[..at], scratch)
                    || self.is_worth_a_look(&target[at + 1..], scratch)
                    || has_base64(&target[at + 1..])
            }
        }
    }

    fn look_at_target(&self, target: &[u8], field: Option<Field>, scratch: &mut Scratch, hits: &mut Hits) {
        let in_field = |place: Place| Place {
            field: field.unwrap_or(place.field),
            ..place
        };
        let (path, query) = match memchr::memchr(b'?', target) {
            Some(at) => (&target[..at], Some(&target[at + 1..])),
            None => (target, None),
        };
        self.look_at_text(path, in_field(Place::PATH), scratch, hits);
        let runs_script = is_script(scratch.ladder.lower());
        let Some(query) = query else { return };
        self.look_at_query(query, runs_script, in_field(Place::PARAMETER), scratch, hits);
        let whole = Place {
            field: field.unwrap_or(Field::Path),
            scope: Scope::WHOLE,
            plus: Plus::IsPlus,
            expects: Expects::Value,
        };
        self.look_at_text(target, whole, scratch, hits);
    }

    fn look_at_query(
        &self,
        query: &[u8],
        runs_script: bool,
        place: Place,
        scratch: &mut Scratch,
        hits: &mut Hits,
    ) {
        let mut rest = query;
        for _ in 0..MAX_PARAMETERS {
            let (pair, after) = match memchr::memchr(b'&', rest) {
                Some(at) => (&rest[..at], Some(&rest[at + 1..])),
                None => (rest, None),
            };
            self.look_at_pair(pair, runs_script, place, scratch, hits);
            match after {
                Some(after) => rest = after,
                None => {
                    self.look_at_repeated(query, place, scratch, hits);
                    return;
                }
            }
        }
        self.look_at_text(rest, place, scratch, hits);
    }

    fn look_at_pair(
        &self,
        pair: &[u8],
        runs_script: bool,
        place: Place,
        scratch: &mut Scratch,
        hits: &mut Hits,
    ) {
        let Some(at) = memchr::memchr(b'=', pair) else {
            self.look_at_text(pair, place, scratch, hits);
            return;
        };
        let (name, value) = (&pair[..at], &pair[at + 1..]);
        self.look_at_text(name, place, scratch, hits);
        let place_of_value = place.for_name(scratch.ladder.lower());
        self.look_at_text(value, place_of_value, scratch, hits);
        scratch.name.climb(name, place.plus);
        if is_command_parameter(scratch.name.lower(), scratch.ladder.lower(), runs_script) {
            let class = if runs_script { Class::WebShell } else { Class::Rce };
            let facts = Facts {
                runs_command: true,
                ..Facts::default()
            };
            push(
                hits,
                Hit {
                    class,
                    rule: "command-parameter",
                    weight: Weight::Strong,
                    field: place.field,
                    depth: 0,
                    fingerprint: fingerprint(scratch.name.lower()),
                    tool: None,
                    facts,
                },
            );
        }
    }

    /// A parameter that comes twice: some servers join its values with a comma, which is where an attack may be whole.
    fn look_at_repeated(&self, query: &[u8], place: Place, scratch: &mut Scratch, hits: &mut Hits) {
        let pairs = || query.split(|&byte| byte == b'&').take(MAX_PARAMETERS);
        let name_of = |pair: &'_ [u8]| pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        for (place_of_first, first) in pairs().enumerate() {
            let name = &first[..name_of(first)];
            if name.is_empty()
                || pairs()
                    .take(place_of_first)
                    .any(|pair| &pair[..name_of(pair)] == name)
            {
                continue;
            }
            let mut joined = std::mem::take(&mut scratch.joined);
            joined.clear();
            let mut values = 0;
            for pair in pairs().filter(|pair| &pair[..name_of(pair)] == name) {
                if values > 0 {
                    joined.push(b',');
                }
                joined.extend_from_slice(pair.get(name.len() + 1..).unwrap_or_default());
                values += 1;
            }
            if values > 1 {
                self.look_at_text(&joined, place, scratch, hits);
            }
            scratch.joined = joined;
            // Searching is quadratic in the number of names: enough of it.
            if place_of_first > 32 {
                break;
            }
        }
    }

    fn look_at_referer(&self, referer: &[u8], scratch: &mut Scratch, hits: &mut Hits) {
        let place = Place {
            plus: Plus::IsBlank,
            ..Place::header(Field::Referer)
        };
        match memchr::memchr2(b'?', b'#', referer) {
            Some(at) => {
                self.look_at_text(&referer[..at], place, scratch, hits);
                let pairs = referer[at + 1..].split(|byte| matches!(byte, b'&' | b'#'));
                for pair in pairs.take(MAX_PARAMETERS) {
                    let at = pair.iter().position(|&byte| byte == b'=');
                    let (name, value) = at.map_or((&pair[..0], pair), |at| (&pair[..at], &pair[at + 1..]));
                    scratch.name.climb(name, Plus::IsBlank);
                    let place = place.for_name(scratch.name.lower());
                    self.look_at_text(value, place, scratch, hits);
                }
            }
            None => self.look_at_text(referer, place, scratch, hits),
        }
    }

    fn add_agent(&self, agent: &[u8], scratch: &mut Scratch, hits: &mut Hits) {
        if agent.is_empty() {
            return;
        }
        self.add_agent_names(agent, Field::Agent, hits);
        let mut plain = std::mem::take(&mut scratch.plain);
        without_comments(agent, &mut plain);
        if self.is_worth_a_look(&plain, scratch) {
            self.look_at_text(&plain, Place::header(Field::Agent), scratch, hits);
        }
        scratch.plain = plain;
    }

    fn add_agent_names(&self, text: &[u8], field: Field, hits: &mut Hits) {
        if let Some(found) = self.agents.find(text) {
            let trace = &AGENTS[found.pattern().as_usize()];
            push(
                hits,
                Hit {
                    class: Class::Scanner,
                    rule: "tool-agent",
                    weight: trace.weight,
                    field,
                    depth: 0,
                    fingerprint: fingerprint(trace.tool.as_bytes()),
                    tool: Some(trace.tool),
                    facts: Facts::default(),
                },
            );
        }
    }

    /// Decodes a text and tries everything on it. Leaves the decoded text in `scratch.ladder`.
    pub(super) fn look_at_text(&self, raw: &[u8], place: Place, scratch: &mut Scratch, hits: &mut Hits) {
        let rung = scratch.ladder.climb(raw, place.plus);
        let ladder = std::mem::take(&mut scratch.ladder);
        self.judge_text(ladder.lower(), place, rung.depth, scratch, hits);
        if place.scope == Scope::PARAMETER {
            let mut plain = std::mem::take(&mut scratch.plain);
            plain.clear();
            if raw.len() >= MIN_BASE64 && readable_base64(ladder.cased(), &mut plain) {
                let mut inner = std::mem::take(&mut scratch.name);
                let inner_rung = inner.climb(&plain, Plus::IsPlus);
                self.judge_text(
                    inner.lower(),
                    place,
                    rung.depth + inner_rung.depth + 1,
                    scratch,
                    hits,
                );
                scratch.name = inner;
            }
            scratch.plain = plain;
        }
        scratch.ladder = ladder;
    }

    fn judge_text(&self, text: &[u8], place: Place, depth: u8, scratch: &mut Scratch, hits: &mut Hits) {
        if text.is_empty() {
            return;
        }
        self.rules.look_up(text, &mut scratch.lookup);
        let grammars = scratch.lookup.grammars;
        // The grammar speaks first: its hit carries what can be read off the statement.
        let is_single_field = place.scope != Scope::WHOLE && place.scope != Scope::LINE;
        if grammars & RuleSet::SQL != 0
            && is_single_field
            && let Some(judged) = self.sql.judge(text, place.expects, &mut scratch.sql)
        {
            push(
                hits,
                Hit {
                    class: Class::Sqli,
                    rule: judged.rule,
                    weight: judged.weight,
                    field: place.field,
                    depth,
                    fingerprint: judged.fingerprint,
                    tool: None,
                    facts: judged.facts,
                },
            );
        }
        for found in self.rules.matches(text, &scratch.lookup, place.scope) {
            let matched = &text[found.start..found.end];
            push(
                hits,
                Hit {
                    class: found.rule.class,
                    rule: found.rule.name,
                    weight: found.rule.weight,
                    field: place.field,
                    depth,
                    fingerprint: skeleton(found.rule.name, matched),
                    tool: None,
                    facts: Facts::default(),
                },
            );
        }
        if grammars & RuleSet::TRACE != 0
            && let Some(trace) = TRACES
                .iter()
                .find(|trace| memchr::memmem::find(text, trace.literal.as_bytes()).is_some())
        {
            push(
                hits,
                Hit {
                    class: Class::Scanner,
                    rule: "tool-trace",
                    weight: trace.weight,
                    field: place.field,
                    depth,
                    fingerprint: fingerprint(trace.literal.as_bytes()),
                    tool: Some(trace.tool),
                    facts: Facts::default(),
                },
            );
        }
        if grammars & RuleSet::SHELL != 0 && is_single_field && place.scope != Scope::PATH {
            self.judge_bare(text, place, depth, scratch, hits);
        }
    }

    /// Tries the rules for commands on what a shell would make of the text.
    fn judge_bare(&self, text: &[u8], place: Place, depth: u8, scratch: &mut Scratch, hits: &mut Hits) {
        let mut bare = std::mem::take(&mut scratch.bare);
        let splits_word = unquoted(text, &mut bare);
        if bare != text {
            let mut rule = is_split_command(text, &bare).then_some("split-command");
            if rule.is_none() && splits_word {
                self.rules.look_up(&bare, &mut scratch.lookup);
                rule = self
                    .rules
                    .matches(&bare, &scratch.lookup, place.scope)
                    .find(|found| found.rule.class == Class::Rce || found.rule.name == "system-file")
                    .map(|_| "split-command");
            }
            if let Some(rule) = rule {
                push(
                    hits,
                    Hit {
                        class: Class::Rce,
                        rule,
                        weight: Weight::Strong,
                        field: place.field,
                        depth,
                        fingerprint: skeleton(rule, &bare),
                        tool: None,
                        facts: Facts::default(),
                    },
                );
            }
        }
        scratch.bare = bare;
    }
}

/// Whether a parameter of this name takes a condition: `where` of ArcGIS servers, which county maps run on; `$filter` of OData
/// and its like; filters of OGC servers.
fn is_condition_name(name: &[u8]) -> bool {
    const NAMES: &[&[u8]] = &[
        b"where",
        b"$filter",
        b"filter",
        b"cql_filter",
        b"$where",
        b"definitionexpression",
        b"layerdefs",
        b"havingclause",
        b"orderbyfields",
        b"$orderby",
        b"outstatistics",
        b"$query",
        b"ecql",
        b"soql",
    ];
    NAMES.contains(&name)
}

/// Whether at most every eighth byte is none of text in UTF-8: of random bytes more than half are none. Servers write what is no
/// text as escapes, so a line of a log has hardly any.
fn is_text(line: &[u8]) -> bool {
    let odd: usize = line
        .utf8_chunks()
        .map(|chunk| {
            let control = |letter: char| letter.is_control() && !letter.is_ascii_whitespace();
            chunk.invalid().len() + chunk.valid().chars().filter(|letter| control(*letter)).count()
        })
        .sum();
    odd * 8 <= line.len()
}

/// What is said of `CONNECT host:port` (RFC 9110, section 9.3.6), which nobody asks of a web site.
fn asks_for_proxy() -> Hit {
    Hit {
        class: Class::Scanner,
        rule: "asks-for-proxy",
        weight: Weight::Strong,
        field: Field::Path,
        depth: 0,
        fingerprint: fingerprint(b"asks-for-proxy"),
        tool: None,
        facts: Facts::default(),
    }
}

/// Keeps a hit, unless the rule has spoken already or the request has enough.
pub(super) fn push(hits: &mut Hits, hit: Hit) {
    if hits.0.len() < MAX_HITS
        && !hits
            .0
            .iter()
            .any(|known| known.rule == hit.rule && known.class == hit.class)
    {
        hits.0.push(hit);
    }
}

/// Bytes that some decoder makes another byte of.
static CODED: [bool; 256] = {
    let mut coded = [false; 256];
    let mut byte = 0x80;
    while byte < 256 {
        coded[byte] = true;
        byte += 1;
    }
    coded[b'%' as usize] = true;
    coded[b'+' as usize] = true;
    coded[b'\\' as usize] = true;
    coded[0] = true;
    coded
};

/// Whether a value of the query may be base64 of something.
fn has_base64(query: &[u8]) -> bool {
    query.len() > MIN_BASE64
        && query.split(|&byte| byte == b'&').any(|pair| {
            let value = memchr::memchr(b'=', pair).map_or(pair, |at| &pair[at + 1..]);
            value.len() >= MIN_BASE64
                && value.iter().all(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'%')
                })
        })
}

/// Whether a target is a picture, a style or a script of the site, spelled in letters that hide nothing: the greater part of
/// every log.
fn is_plain_asset(target: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] = &[
        b".css", b".js", b".png", b".jpg", b".jpeg", b".gif", b".svg", b".ico", b".woff", b".woff2", b".ttf",
        b".webp", b".pdf",
    ];
    ENDINGS.iter().any(|ending| target.ends_with(ending))
        && target
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_'))
        && !target
            .windows(2)
            .any(|pair| pair == b".." || pair == b"/." || pair == b"//")
        && target.len() < 256
}

/// The part of a referring page behind its host, which is all that an attack can be in when it is written so.
fn after_host(referer: &[u8]) -> &[u8] {
    let Some(at) = memchr::memmem::find(referer, b"://") else {
        return referer;
    };
    let host = &referer[at + 3..];
    let length = host
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'))
        .count();
    if referer[..at].iter().all(u8::is_ascii_alphabetic) {
        &host[length..]
    } else {
        referer
    }
}

/// The target in a line that could not be parsed: from the method to the protocol's name, or to the end.
fn target_of_line(line: &[u8]) -> Option<&[u8]> {
    const METHODS: &[&[u8]] = &[
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"OPTIONS ",
        b"DELETE ",
        b"PATCH ",
        b"TRACE ",
        b"CONNECT ",
        b"PROPFIND ",
    ];
    let start = METHODS
        .iter()
        .filter_map(|method| memchr::memmem::find(line, method).map(|at| at + method.len()))
        .min()?;
    let rest = &line[start..];
    let end = memchr::memmem::rfind(rest, b" HTTP/").unwrap_or(rest.len());
    Some(&rest[..end])
}

/// A payload's shape without its literals: runs of letters and of digits become one sign each.
fn skeleton(rule: &str, matched: &[u8]) -> u64 {
    let mut hash = fingerprint(rule.as_bytes());
    let mut last = 0;
    for &byte in matched.iter().take(256) {
        let sign = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => b'a',
            b'0'..=b'9' => b'0',
            b'\t' | b'\n' | b'\r' => b' ',
            other => other,
        };
        if sign != last || !matches!(sign, b'a' | b'0' | b' ') {
            hash = (hash ^ u64::from(sign)).wrapping_mul(0x0100_0000_01b3);
        }
        last = sign;
    }
    hash
}

/// An agent without the comments that browsers write in brackets (RFC 9110, section 10.1.5): a semicolon in them parts words,
/// not commands.
fn without_comments(agent: &[u8], out: &mut Vec<u8>) {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" ;:/.,+-_@~=[]*".contains(byte);
    out.clear();
    let mut at = 0;
    while at < agent.len() {
        let opens = agent[at] == b'(' && (at == 0 || agent[at - 1] == b' ');
        if opens
            && let Some(length) = memchr::memchr(b')', &agent[at..])
            && length > 1
            && agent[at + 1..at + length].iter().all(is_plain)
        {
            at += length + 1;
            continue;
        }
        out.push(agent[at]);
        at += 1;
    }
}
