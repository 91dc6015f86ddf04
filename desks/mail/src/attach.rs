//! Looks into attachments: bytes to links, files, text and signals. Nothing is run and nothing is fetched.

use crate::evidence::{File, FoundLink, Seen};
use crate::limits::Budget;

/// One attachment, or one picture of the body.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// MIME part path, such as `2`.
    pub part: &'a str,
    /// File name as decoded; empty when none.
    pub name: &'a str,
    /// Declared media type, in lower case, such as `application/pdf`.
    pub declared: &'a str,
    /// Its bytes, transfer encoding undone.
    pub bytes: &'a [u8],
}

/// What an attachment holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// Links, however deep.
    pub links: Vec<FoundLink>,
    /// Files: the attachment itself first.
    pub files: Vec<File>,
    /// Signals that the bytes alone give.
    pub seen: Vec<Seen>,
    /// Text that a reader would see, at most 256 KiB, with the part it stands in.
    pub text: Vec<(String, String)>,
    /// Messages inside (in archives): part path and bytes.
    pub messages: Vec<(String, Vec<u8>)>,
}

/// Looks into `attachment`.
pub fn examine(attachment: Attachment<'_>, budget: &mut Budget) -> Contents {
    let _ = (attachment, budget);
    Contents::default()
}
