//! Reads streams of names: bytes to names and problems, one file per input format.
//!
//! Everything here works on lines. A *record* is one line, or, in CSV with a quoted line break and in zone files with
//! parentheses, a few of them. Memory is bounded whatever the input: by [`MAX_LINE_BYTES`] for a plain line and
//! [`MAX_RECORD_BYTES`] for any other record, also when a line is longer than the memory of the machine.
//!
//! ```
//! use pollwatch_lookalike::read::{Item, read_names};
//! use pollwatch_model::{Flow, Input, Position};
//!
//! let input = Input { name: "names.txt".into(), role: String::new(), format: None };
//! let mut bytes: &[u8] = b"# seen tonight\nadfs-senate.services\n*.ohio-gov-tc.bar\n";
//! let mut names = Vec::new();
//! read_names(None, &input, Position::default(), &mut bytes, &mut |item| {
//!     if let Item::Name(record) = item {
//!         names.push((record.record, record.name.to_owned()));
//!     }
//!     Flow::Continue
//! })?;
//! assert_eq!(names, [(2, "adfs-senate.services".to_owned()), (3, "*.ohio-gov-tc.bar".to_owned())]);
//! # Ok::<(), pollwatch_model::DeskError>(())
//! ```

mod certstream;
mod csv;
mod gather;
mod lines;
mod reader;
mod sniff;
mod split;
mod when;
mod zone;

pub use gather::MAX_RECORD_BYTES;
pub use lines::MAX_LINE_BYTES;
pub use reader::{FORMATS, Item, LineCounts, MAX_EXCERPT_BYTES, NameReader, NameRecord, read_names};
