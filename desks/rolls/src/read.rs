//! From bytes to rows: where a record ends, where its fields stand, and what a value says.

mod blocks;
mod date;
mod split;
mod text;

pub use blocks::{Block, Blocks};
pub use date::{date_in_name, parse_date};
pub(crate) use split::split as split_record;
pub use split::{EachRecord, Form, Span, Unread, records};
pub use text::{field_bytes, normalised, normalised_into};

/// Longest record in bytes. The widest roll that we know has rows of some 2,000.
pub const MAX_RECORD_BYTES: usize = 1 << 16;

/// Most lines of one record whose quoted fields hold line feeds.
pub const MAX_RECORD_LINES: usize = 16;
