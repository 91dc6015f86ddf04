//! Two snapshots, compared by their identifiers in bounded memory.
//!
//! A first pass turns every row into 24 bytes (a keyed hash of its identifier, one of the row, its place in the file) and lays
//! them into [`PARTITIONS`] partitions by the identifier's hash. A second pass sorts and merges one pair of partitions after
//! another: same, changed, gone, new. A third reads again only the rows that are not the same, and compares their fields.

mod data;
mod diff;
mod ingest;
mod partition;
mod row;

pub use data::{RowData, Rows};
pub use diff::{Pairs, pair_up};
pub use ingest::{IngestNote, Ingested, Reading, Snapshot, ingest};
pub(crate) use ingest::{column_names, short_hash, trimmed};
pub use partition::{PARTITIONS, Partitions, Scratch};
pub use row::{Entry, read_entry};

/// What stops a comparison.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A file could not be read or a scratch file not written.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what the layout says.
    #[error("{0}")]
    Format(String),
    /// There is no folder for scratch files and the roll is too large for memory.
    #[error("the roll has more than {0} rows and there is no folder for scratch files")]
    TooLarge(u64),
}

/// An I/O error, with what was being done.
pub(crate) fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> CompareError {
    move |source| CompareError::Io { doing, source }
}

/// Threads that compare: more than this gain nothing over one reader of the file.
const MAX_THREADS: usize = 4;

/// How many threads to use on this machine.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(MAX_THREADS)
}
