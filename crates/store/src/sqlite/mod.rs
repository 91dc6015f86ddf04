//! The embedded backend: one SQLite file, in write-ahead mode, each commit flushed to the disk.

mod backend;
mod decide;
mod declare;
mod events;
mod fault;
mod find;
mod leaves;
mod open;
mod rows;
mod runs;
mod safekeep;
mod step;

pub use open::{Mode, SqliteStore};
