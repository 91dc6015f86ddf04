//! Lines that are kept because they may belong to an attack.

use serde::{Deserialize, Serialize};

use crate::scan::Method;
use crate::{Class, Facts, Field, Weight};

/// One line, without its texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Milliseconds since 1970 UTC; `i64::MIN` where the line tells no time.
    pub time_ms: i64,
    /// Number of the line in its file, from 1.
    pub line: u64,
    /// Hash of the path as asked for.
    pub path: u64,
    /// The number of a record plus one, or 0.
    pub record: u64,
    /// Hash of a name that signed in or tried to, or 0.
    pub user: u64,
    /// Place of the client.
    pub client: u32,
    /// Place of the shape; `u32::MAX` where there is none.
    pub shape: u32,
    /// Place of the agent; `u32::MAX` where there is none.
    pub agent: u32,
    /// Place of the file.
    pub file: u32,
    /// Size of the answer.
    pub bytes: u32,
    /// Duration in milliseconds plus one, or 0.
    pub duration: u32,
    /// Length of the target.
    pub target_len: u32,
    /// Place of its first hit.
    pub hits: u32,
    /// Number of its hits.
    pub hit_count: u16,
    /// See [`crate::scan::flag`].
    pub flags: u16,
    /// Status of the answer, or 0.
    pub status: u16,
    /// The method.
    pub method: Method,
}

impl Kept {
    /// Whether it has all of `flags`.
    pub fn is(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }

    /// Whether the answer gave what was asked for.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// One hit of a kept line. Names are places in the site's list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHit {
    /// What it is.
    pub class: Class,
    /// The rule that found it.
    pub rule: u16,
    /// The tool whose name it carries; `u16::MAX` where none.
    pub tool: u16,
    /// How much it says.
    pub weight: Weight,
    /// Where it lies.
    pub field: Field,
    /// Passes of decoding.
    pub depth: u8,
    /// The payload's shape.
    pub fingerprint: u64,
    /// What else was read off it.
    pub facts: Facts,
}
