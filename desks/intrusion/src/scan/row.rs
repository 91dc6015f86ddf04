//! One line as the judgement needs it: numbers only, its texts left where they stand.

use super::memo::Memo;
use super::path::{Shape, shape_of};
use crate::event::{Action, Escapes, Event, address_key};
use crate::forwarded::{client_of, names_another};
use crate::lists::AddressSet;
use crate::payload::{Inspector, Scratch};
use crate::read::{Dialect, Reader};
use crate::{Hit, Hits, RequestFields};

/// What is known of a row beyond its numbers.
pub mod flag {
    /// A picture, a style sheet, a script for browsers, a font.
    pub const STATIC: u16 = 1;
    /// It names a referring page.
    pub const REFERER: u16 = 1 << 1;
    /// Its path is one where people sign in.
    pub const SIGN_IN_PATH: u16 = 1 << 2;
    /// Its path is one where files are handed in.
    pub const UPLOAD_PATH: u16 = 1 << 3;
    /// The log names who is signed in.
    pub const USER: u16 = 1 << 4;
    /// A message that a sign-in failed.
    pub const SIGN_IN_FAILED: u16 = 1 << 5;
    /// A message that a sign-in worked.
    pub const SIGNED_IN: u16 = 1 << 6;
    /// A firewall's line: nothing was asked.
    pub const CONNECTION: u16 = 1 << 7;
    /// It could not be laid out.
    pub const UNREAD: u16 = 1 << 8;
    /// A web request.
    pub const REQUEST: u16 = 1 << 9;
    /// Its path names a program of the server's: `.php`, `.aspx`, `.jsp` and so on.
    pub const PROGRAM: u16 = 1 << 10;
    /// The request line is none of HTTP's.
    pub const GARBLED: u16 = 1 << 11;
    /// Its client had fetched pictures or style sheets within the half hour before, as a browser does.
    pub const BROWSED: u16 = 1 << 12;
    /// It says that it was forwarded for somebody else, and nobody declared who forwarded it.
    pub const FORWARDED: u16 = 1 << 13;
    /// The server itself says that it turned the address away for guessing.
    pub const TURNED_AWAY: u16 = 1 << 14;
}

/// A method, as far as the judgement tells them apart.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Method {
    /// Any other, or none.
    #[default]
    Other,
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// PUT or PATCH.
    Put,
}

impl Method {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Method::Other => "",
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
        }
    }
}

/// One line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row {
    /// Milliseconds since 1970 UTC; `i64::MIN` where the line tells no time.
    pub time_ms: i64,
    /// Key of the client's address; 0 where there is none.
    pub client: u128,
    /// Hash of the path as asked for.
    pub path: u64,
    /// Hash of the shape.
    pub shape: u64,
    /// Hash of the agent; 0 where there is none.
    pub agent: u64,
    /// The number of a record, plus one; 0 where none is named.
    pub record: u64,
    /// Hash of the name that signed in or tried to; 0 where there is none.
    pub user: u64,
    /// Size of the answer; at most 4 GiB.
    pub bytes: u32,
    /// Duration in milliseconds plus one; 0 where none is told.
    pub duration: u32,
    /// Length of the target.
    pub target_len: u32,
    /// Where the line begins in its block, and its length.
    pub start: u32,
    /// See [`Row::start`].
    pub len: u32,
    /// Its hits: the first one's place, and how many.
    pub hits: u32,
    /// See [`Row::hits`].
    pub hit_count: u16,
    /// See [`flag`].
    pub flags: u16,
    /// Status of the answer; 0 where none is told.
    pub status: u16,
    /// The method.
    pub method: Method,
}

impl Row {
    /// Whether it has all of `flags`.
    pub fn is(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }
}

/// What an inspection found, with the row's number in its block.
#[derive(Debug, Clone, Copy)]
pub struct RowHit {
    /// What was found.
    pub hit: Hit,
}

/// A block, laid out.
#[derive(Debug, Default)]
pub struct Rows {
    /// One for each line that is not empty or a declaration.
    pub rows: Vec<Row>,
    /// Number of each row's line, less the block's first.
    pub lines: Vec<u32>,
    /// Hits of all rows.
    pub hits: Vec<RowHit>,
    /// How many rows each dialect laid out.
    pub dialects: Vec<(Dialect, u64)>,
}

/// Lays out blocks. One for each thread.
pub struct Laid<'i> {
    inspector: &'i Inspector,
    proxies: Option<&'i AddressSet>,
    scratch: Scratch,
    hits: Hits,
    agent_hits: Hits,
    unescaped: Vec<u8>,
    text: Vec<u8>,
    shape: Vec<u8>,
    /// Targets in which nothing was found.
    targets: Memo<Target>,
    /// Referring pages in which nothing was found.
    referers: Memo<()>,
    /// Agents: the hash, and the place of what was found in them.
    agents: Memo<(u64, u32)>,
    /// What was found in agents; at the first place nothing.
    of_agents: Vec<Vec<Hit>>,
}

/// What is read off a target alone.
#[derive(Debug, Clone, Copy, Default)]
struct Target {
    path: u64,
    shape: u64,
    record: u64,
    path_end: u32,
    flags: u16,
}

/// Agents of which something was found and is remembered; beyond it all are forgotten.
const MAX_AGENTS: usize = 8192;

impl<'i> Laid<'i> {
    /// For one thread.
    pub fn new(inspector: &'i Inspector) -> Self {
        Laid {
            inspector,
            proxies: None,
            scratch: Scratch::default(),
            hits: Hits::default(),
            agent_hits: Hits::default(),
            unescaped: Vec::new(),
            text: Vec::new(),
            shape: Vec::new(),
            targets: Memo::new(),
            referers: Memo::new(),
            agents: Memo::new(),
            of_agents: vec![Vec::new()],
        }
    }

    /// The same, which takes the word of these proxies for whom they forward.
    pub fn behind(inspector: &'i Inspector, proxies: &'i AddressSet) -> Self {
        Laid {
            proxies: Some(proxies),
            ..Laid::new(inspector)
        }
    }

    /// Lays out every line of a block.
    pub fn lay_out(&mut self, block: &[u8], reader: &mut Reader, is_first_block: bool, out: &mut Rows) {
        out.rows.clear();
        out.lines.clear();
        out.hits.clear();
        out.dialects.clear();
        let mut start = 0;
        let mut number = 0u32;
        while start < block.len() {
            let end = memchr::memchr(b'\n', &block[start..]).map_or(block.len(), |at| start + at);
            let mut line = &block[start..end];
            if let Some(without) = line.strip_suffix(b"\r") {
                line = without;
            }
            if number == 0 && is_first_block {
                // A byte order mark is no part of the first line.
                line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
            }
            let is_first_line = is_first_block && number == 0;
            if !line.trim_ascii_start().is_empty()
                && !((line[0] == b'#' || is_first_line) && reader.declares(line, is_first_line))
            {
                let mut row = self.row(line, reader, out);
                row.start = start as u32;
                row.len = line.len() as u32;
                out.rows.push(row);
                out.lines.push(number);
            }
            number += 1;
            start = end + 1;
        }
    }

    fn row(&mut self, line: &[u8], reader: &mut Reader, out: &mut Rows) -> Row {
        let mut text = std::mem::take(&mut self.text);
        let row = match reader.read(line, &mut text) {
            Some((dialect, fields)) => {
                if reader.first.is_none() && dialect != Dialect::SignIn {
                    reader.first = Some(dialect);
                }
                match out.dialects.iter_mut().find(|(known, _)| *known == dialect) {
                    Some((_, count)) => *count += 1,
                    None => out.dialects.push((dialect, 1)),
                }
                let event = fields.event(line, &text);
                self.of_event(&event, out)
            }
            None => {
                self.hits.0.clear();
                self.inspector
                    .inspect_raw(line, &mut self.scratch, &mut self.hits);
                let mut row = Row {
                    time_ms: i64::MIN,
                    flags: flag::UNREAD,
                    ..Row::default()
                };
                self.keep_hits(&mut row, out);
                row
            }
        };
        self.text = text;
        row
    }

    fn of_event(&mut self, event: &Event<'_>, out: &mut Rows) -> Row {
        let mut row = Row {
            time_ms: event.time_ms.unwrap_or(i64::MIN),
            client: event.client.map_or(0, address_key),
            bytes: event
                .bytes
                .map_or(0, |bytes| u32::try_from(bytes).unwrap_or(u32::MAX)),
            duration: event.duration_ms.map_or(0, |ms| ms.saturating_add(1)),
            status: event.status.unwrap_or(0),
            target_len: event.target.len() as u32,
            ..Row::default()
        };
        let chain = chain_of(event);
        if !chain.is_empty() {
            let spoken_with = row.client;
            if let Some(proxies) = self.proxies {
                row.client = client_of(spoken_with, chain, proxies);
            }
            if row.client == spoken_with && names_another(spoken_with, chain) {
                row.flags |= flag::FORWARDED;
            }
        }
        if !event.user.is_empty() {
            row.user = hash(event.user);
            row.flags |= flag::USER;
        }
        match event.action {
            Action::SignInFailed => row.flags |= flag::SIGN_IN_FAILED,
            Action::TurnedAway => row.flags |= flag::SIGN_IN_FAILED | flag::TURNED_AWAY,
            Action::SignedIn => row.flags |= flag::SIGNED_IN,
            Action::Connection => row.flags |= flag::CONNECTION,
            Action::Request => row.flags |= flag::REQUEST,
            Action::Notice => {}
        }
        row.method = match event.method {
            b"GET" => Method::Get,
            b"POST" => Method::Post,
            b"HEAD" => Method::Head,
            b"PUT" | b"PATCH" => Method::Put,
            _ => Method::Other,
        };
        if event.target.is_empty() {
            return row;
        }
        if event.method.is_empty() && event.action == Action::Request {
            row.flags |= flag::GARBLED;
        }
        if !event.referer.is_empty() {
            row.flags |= flag::REFERER;
        }
        let known = self.targets.get(event.target);
        let target = known.unwrap_or_else(|| self.read_target(event.target));
        (row.shape, row.path, row.record) = (target.shape, target.path, target.record);
        row.flags |= target.flags;
        if row.method == Method::Head {
            row.flags &= !flag::PROGRAM;
        }
        // Only where it can matter: these are looked for letter by letter.
        if matches!(row.method, Method::Post | Method::Put | Method::Other) || matches!(row.status, 401 | 403)
        {
            row.flags |= path_flags(&event.target[..target.path_end as usize]);
        }
        let is_known_referer = self.referers.get(event.referer).is_some();
        self.hits.0.clear();
        let request = RequestFields {
            method: event.method,
            target: if known.is_some() { b"" } else { event.target },
            referer: if is_known_referer { b"" } else { event.referer },
            agent: event.agent,
            cookie: event.headers.value_of("cookie"),
            headers: event.headers,
        };
        let is_escaped = event.escapes == Escapes::Backslash
            && (memchr::memchr(b'\\', request.target).is_some()
                || memchr::memchr(b'\\', request.referer).is_some());
        if is_escaped {
            self.unescaped.clear();
            undo(request.target, &mut self.unescaped);
            let cut = self.unescaped.len();
            undo(request.referer, &mut self.unescaped);
            let request = RequestFields {
                target: &self.unescaped[..cut],
                referer: &self.unescaped[cut..],
                ..request
            };
            self.inspector
                .inspect_without_agent(&request, &mut self.scratch, &mut self.hits);
        } else {
            self.inspector
                .inspect_without_agent(&request, &mut self.scratch, &mut self.hits);
        }
        if self.hits.0.is_empty() {
            if known.is_none() {
                self.targets.put(event.target, target);
            }
            if !is_known_referer {
                self.referers.put(event.referer, ());
            }
        }
        if !event.agent.is_empty() {
            row.agent = self.inspect_agent(event.agent, event.escapes);
        }
        self.keep_hits(&mut row, out);
        row
    }

    fn read_target(&mut self, target: &[u8]) -> Target {
        let Shape {
            record,
            path_end,
            is_static,
        } = shape_of(target, &mut self.shape);
        let path = &target[..path_end];
        Target {
            path: hash(path),
            shape: hash(&self.shape),
            record: record.map_or(0, |number| number + 1),
            path_end: path_end as u32,
            flags: match (is_static, is_program(path)) {
                (true, _) => flag::STATIC,
                (false, true) => flag::PROGRAM,
                (false, false) => 0,
            },
        }
    }

    /// Adds what is found in an agent to the hits, and gives its hash.
    fn inspect_agent(&mut self, agent: &[u8], escapes: Escapes) -> u64 {
        if let Some((key, place)) = self.agents.get(agent) {
            self.hits.0.extend_from_slice(&self.of_agents[place as usize]);
            return key;
        }
        let key = hash(agent);
        if escapes == Escapes::Backslash && memchr::memchr(b'\\', agent).is_some() {
            self.unescaped.clear();
            undo(agent, &mut self.unescaped);
            self.inspector
                .inspect_agent(&self.unescaped, &mut self.scratch, &mut self.agent_hits);
        } else {
            self.inspector
                .inspect_agent(agent, &mut self.scratch, &mut self.agent_hits);
        }
        self.hits.0.extend_from_slice(&self.agent_hits.0);
        let place = if self.agent_hits.0.is_empty() {
            0
        } else {
            if self.of_agents.len() >= MAX_AGENTS {
                self.of_agents.truncate(1);
                self.agents = Memo::new();
            }
            self.of_agents.push(self.agent_hits.0.clone());
            self.of_agents.len() - 1
        };
        self.agents.put(agent, (key, place as u32));
        key
    }

    fn keep_hits(&mut self, row: &mut Row, out: &mut Rows) {
        if self.hits.0.is_empty() {
            return;
        }
        row.hits = out.hits.len() as u32;
        row.hit_count = self.hits.0.len().min(64) as u16;
        out.hits
            .extend(self.hits.0.iter().take(64).map(|hit| RowHit { hit: *hit }));
    }
}

/// For whom a request says that it was forwarded.
fn chain_of<'a>(event: &Event<'a>) -> &'a [u8] {
    if !event.forwarded.is_empty() || event.headers.is_empty() {
        return event.forwarded;
    }
    // Of several the last is the nearest proxy's.
    let named = |name: &[u8]| {
        let of_name = event
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.last().map(|(_, value)| value)
    };
    named(b"x-forwarded-for")
        .or_else(|| named(b"forwarded"))
        .unwrap_or_default()
}

/// Undoes `\"`, `\\` and `\xHH`.
fn undo(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'\\' {
            out.push(text[at]);
            at += 1;
            continue;
        }
        let digit = |place: usize| text.get(place).and_then(|byte| (*byte as char).to_digit(16));
        match text.get(at + 1) {
            Some(b'x' | b'X') => match (digit(at + 2), digit(at + 3)) {
                (Some(high), Some(low)) => {
                    out.push((high * 16 + low) as u8);
                    at += 4;
                }
                _ => {
                    out.push(b'\\');
                    at += 1;
                }
            },
            Some(byte @ (b'"' | b'\\')) => {
                out.push(*byte);
                at += 2;
            }
            _ => {
                out.push(b'\\');
                at += 1;
            }
        }
    }
}

/// Parts of paths where people sign in. From the sign-in pages of common web software.
const SIGN_IN: &[&[u8]] = &[
    b"login",
    b"logon",
    b"log-in",
    b"signin",
    b"sign-in",
    b"sign_in",
    b"auth",
    b"session",
    b"xmlrpc.php",
    b"token",
    b"firstfactor",
    b"password",
];
/// Parts of paths where files are handed in.
const UPLOAD: &[&[u8]] = &[b"upload", b"file", b"import", b"attach", b"media", b"document"];

fn path_flags(path: &[u8]) -> u16 {
    let lower = path[..path.len().min(200)].to_ascii_lowercase();
    let holds = |words: &[&[u8]]| {
        words
            .iter()
            .any(|word| memchr::memmem::find(&lower, word).is_some())
    };
    let mut flags = 0;
    if holds(SIGN_IN) {
        flags |= flag::SIGN_IN_PATH;
    }
    if holds(UPLOAD) {
        flags |= flag::UPLOAD_PATH;
    }
    flags
}

fn is_program(path: &[u8]) -> bool {
    let tail = &path[path.len().saturating_sub(6)..];
    let Some(dot) = memchr::memrchr(b'.', tail) else {
        return false;
    };
    let mut ending = [0u8; 5];
    let text = &tail[dot + 1..];
    let Some(slot) = ending.get_mut(..text.len()) else {
        return false;
    };
    slot.copy_from_slice(text);
    slot.make_ascii_lowercase();
    matches!(
        &*slot,
        b"php"
            | b"phtml"
            | b"php5"
            | b"php7"
            | b"asp"
            | b"aspx"
            | b"ashx"
            | b"asmx"
            | b"jsp"
            | b"jspx"
            | b"cgi"
            | b"pl"
            | b"cfm"
            | b"py"
            | b"do"
    )
}

/// Hash of a text, the same in every run: eight bytes at a time, mixed as in wyhash's final step. Not for telling apart
/// what an enemy chooses: a collision makes two paths count as one, and no more.
pub(crate) fn hash(text: &[u8]) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15u64 ^ text.len() as u64;
    let mut chunks = text.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0u8; 8];
        word.copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word));
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let mut word = [0u8; 8];
        word[..rest.len()].copy_from_slice(rest);
        state = mix(state ^ u64::from_le_bytes(word));
    }
    // 0 stands for "none".
    mix(state).max(1)
}

fn mix(value: u64) -> u64 {
    let product = u128::from(value ^ 0xa076_1d64_78bd_642f)
        * u128::from(0xe703_7ed1_a0b4_28dbu64 ^ value.rotate_left(29));
    (product as u64) ^ ((product >> 64) as u64)
}
