//! The pieces that readers hand to the detectors, and detectors to the judgement.

use serde::{Deserialize, Serialize};

use crate::signal::Signal;

/// Exact words of the message, and where they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// MIME part path: `0` the header, `1`, `2.1` … parts; behind it `/name` for a file inside an archive.
    pub part: String,
    /// Byte offset in the decoded part (in the raw header block for part `0`).
    pub offset: usize,
    /// The words, at most 300 characters; hostile: escape before showing.
    pub text: String,
}

impl Quote {
    /// Longest quote, in characters.
    pub const MAX_CHARS: usize = 300;

    /// A quote, cut to its longest.
    pub fn new(part: &str, offset: usize, text: &str) -> Self {
        Quote {
            part: part.to_owned(),
            offset,
            text: text.chars().take(Self::MAX_CHARS).collect(),
        }
    }
}

/// A signal that was seen: with the words that gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Which.
    pub signal: Signal,
    /// One plain sentence: "The link leads to bit.ly, which hides where it goes."
    pub says: String,
    /// The words that gave it.
    pub quote: Quote,
}

/// How a link came to be in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Written in text.
    Text,
    /// `<a href>` or `<area href>`.
    Anchor,
    /// The address that a form sends to.
    Form,
    /// `<meta http-equiv=refresh>`.
    Refresh,
    /// In a script, as a string or decoded from one.
    Script,
    /// A picture or other thing that is only loaded.
    Resource,
    /// A QR code.
    Qr,
    /// A PDF's URI action.
    Pdf,
    /// A hyperlink of an Office document.
    Office,
    /// Loaded by an Office document when it is opened (template, object, frame).
    OfficeLoad,
    /// A calendar entry.
    Calendar,
    /// A shortcut file.
    Shortcut,
    /// SVG.
    Svg,
}

/// A link as it was found, before it is unwrapped and judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundLink {
    /// The address, as it stands there; entities and quoting decoded, nothing else.
    pub url: String,
    /// What the reader sees in its place; empty where nothing.
    pub text: String,
    /// How it came there.
    pub via: Via,
    /// Where.
    pub part: String,
    /// Byte offset in the decoded part.
    pub offset: usize,
}

/// A file in the message, however deep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name, as it stands; hostile.
    pub name: String,
    /// Where.
    pub part: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex; empty where only its name could be read (an encrypted archive).
    pub sha256: String,
    /// MD5 of its bytes, hex, because others' lists still use it; empty as above.
    pub md5: String,
    /// Whether it lies inside another file or was rebuilt from a script.
    pub is_embedded: bool,
}
