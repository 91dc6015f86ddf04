//! Opens inputs: files, folders, standard input; plain, gzip or zstd.
//!
//! What packs a file is told by its first bytes, never by its name. While a desk reads, the bytes *as they lie on disk* are
//! counted and digested, so that a source can be named by its SHA-256 ever after. Memory is constant: two buffers of
//! [`BUFFER_BYTES`] and the window of the decompressor (at most 128 MiB for zstd, 32 KiB for gzip).
//!
//! ```
//! use std::io::{BufRead, Read};
//! use pollwatch_engine::input::Opened;
//!
//! let mut opened = Opened::from_reader("names", std::io::Cursor::new("a.example\nb.example\n"))?;
//! let mut text = String::new();
//! opened.read_to_string(&mut text)?;
//! assert_eq!(text.lines().count(), 2);
//! assert_eq!(opened.finish()?.bytes, 20);
//! # Ok::<(), std::io::Error>(())
//! ```

mod opened;
mod place;
mod raw;
mod unpack;

pub use opened::{Opened, Packing, Source};
pub use place::{InputError, Listed, Place, list_places};
pub use raw::BUFFER_BYTES;
