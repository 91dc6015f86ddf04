//! An index of cards on disk: ten million records, of which any one is found in a few reads.
//!
//! One file, made once from the records and never changed. Records lie in the order of their batches (container, tabulator and
//! batch, digits by their value) and of their numbers; beside them, where each begins, and a table of imprinted ids by their hash.
//! Building sorts on disk and holds a bounded part in memory. The same records in the same order give the same file.
//!
//! Layout, all numbers little-endian: a header of 128 bytes (magic `PWCARDS` and version, count of cards, place and length of each
//! section, SHA-256 of the directory); the records; for each card the 32-bit offset of its record from where its batch begins; for
//! each imprinted id its 64-bit hash and 32-bit ordinal, sorted; the directory, as JSON: batches, names, the election, the tally.

mod build;
mod code;
mod open;

pub use build::{IndexBuilder, MAX_INDEXED_CARDS};
pub use open::{CardIndex, IndexedBatch};

/// What goes wrong with an index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file system refused.
    #[error("cannot {doing} the index of cards")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no index, or was damaged; make it again from the records.
    #[error("the index of cards is damaged ({0}): make it again from the cast vote records")]
    Damaged(&'static str),
    /// The file was made by another version; make it again from the records.
    #[error(
        "the index of cards is of version {found}, and this program reads {known}: make it again from the cast vote records"
    )]
    Version {
        /// In the file.
        found: u8,
        /// Of this program.
        known: u8,
    },
    /// More cards, batches or names than an index holds.
    #[error("the index of cards holds at most {0}")]
    Limit(&'static str),
}

pub(crate) const MAGIC: [u8; 7] = *b"PWCARDS";
pub(crate) const VERSION: u8 = 1;
/// Bytes of the header.
pub(crate) const HEADER: u64 = 128;
/// Bytes of an entry of the table of imprinted ids.
pub(crate) const IMPRINT: u64 = 12;

/// Hash of an imprinted id: FNV-1a, 64 bits (RFC 9923). It only finds candidates; the ids themselves are compared.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
