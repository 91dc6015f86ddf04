//! What the inspection of one request says of it: the nouns that the inspector and the judgement of actors share.

use serde::{Deserialize, Serialize};

use crate::Class;
use crate::read::Headers;

/// The parts of a request that an attack can travel in.
///
/// As they stood in the log, after undoing the escapes of the log's own format (`\x22`, JSON, the `+` of W3C) and no others.
/// Empty: absent, or written `-`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestFields<'a> {
    /// The method.
    pub method: &'a [u8],
    /// Path and query.
    pub target: &'a [u8],
    /// The referring page.
    pub referer: &'a [u8],
    /// The user agent.
    pub agent: &'a [u8],
    /// The cookies, where a log has them.
    pub cookie: &'a [u8],
    /// Other headers, where a log has them.
    pub headers: Headers<'a>,
}

/// The part of a request in which a hit lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Field {
    /// The path.
    Path,
    /// Name or value of a parameter of the query.
    Parameter,
    /// The referring page.
    Referer,
    /// The user agent.
    Agent,
    /// A cookie.
    Cookie,
    /// Somewhere in a line that could not be parsed.
    Line,
    /// Another header.
    Header,
}

/// How much one hit says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Weight {
    /// It needs a second sign from the same client before anything is said.
    Sign,
    /// It stands alone.
    Strong,
}

/// What can be read off a payload beyond its class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Of a condition whose truth can be decided by reading it (`1=1`, `'a'='b'`): whether it holds.
    pub truth: Option<bool>,
    /// How many seconds the database is told to wait.
    pub sleep_seconds: Option<u16>,
    /// It asks for records.
    pub reads_data: bool,
    /// It asks what the database is or holds.
    pub reads_schema: bool,
    /// Which row it asks for.
    pub row: Option<u64>,
    /// It hands a command to a page that runs commands.
    pub runs_command: bool,
}

/// One thing that the inspection of a request found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// What it is.
    pub class: Class,
    /// The rule that found it.
    pub rule: &'static str,
    /// How much it says by itself.
    pub weight: Weight,
    /// Where it lies.
    pub field: Field,
    /// After how many passes of decoding it appeared.
    pub depth: u8,
    /// The payload's shape, literals taken out; the same on every machine and in every version.
    pub fingerprint: u64,
    /// The tool whose name it carries.
    pub tool: Option<&'static str>,
    /// What else can be read off it.
    pub facts: Facts,
}

/// What was found in one request. Cleared and used again, so that nothing is allocated where nothing is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits(pub Vec<Hit>);
