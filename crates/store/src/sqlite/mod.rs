//! The embedded backend: one SQLite file, in write-ahead mode, each commit flushed to the disk.

mod backend;
mod count;
mod decide;
mod declare;
mod events;
mod fault;
mod filters;
mod find;
mod leaves;
mod open;
mod rows;
mod runs;
mod safekeep;
mod step;
mod watch;

pub(crate) use fault::explain;
pub(crate) use open::create_private;
pub use open::{Mode, SqliteStore};
pub use watch::Watch;
