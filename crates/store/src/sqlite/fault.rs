//! SQLite's result codes in the store's words.

use std::path::Path;

use crate::Error;

/// Primary result codes (SQLite documentation, "Result and Error Codes"); an extended code has one in its lowest byte.
const BUSY: i64 = 5;
const LOCKED: i64 = 6;
const READONLY: i64 = 8;
const IOERR: i64 = 10;
const CORRUPT: i64 = 11;
const FULL: i64 = 13;
const CANTOPEN: i64 = 14;
const NOTADB: i64 = 26;

/// SQLite's primary result code, where the error has one.
fn primary_code(error: &sqlx::Error) -> Option<i64> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i64>().ok().map(|extended| extended & 0xff)
}

/// Whether a database in write-ahead mode could not be opened because its folder does not take the shared-memory file.
pub(super) fn wants_writable_folder(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(CANTOPEN | READONLY))
}

/// What `source` means for the database at `path`.
pub(crate) fn explain(path: &Path, source: sqlx::Error) -> Error {
    let path = path.to_owned();
    let said = |source: &sqlx::Error| match source.as_database_error() {
        Some(database) => database.message().to_owned(),
        None => source.to_string(),
    };
    match primary_code(&source) {
        Some(BUSY | LOCKED) => Error::Busy { path },
        Some(READONLY) => Error::ReadOnly { path },
        Some(FULL) => Error::Full { path },
        Some(CORRUPT) => Error::Corrupt {
            path,
            what: said(&source),
        },
        Some(NOTADB) => Error::NotADatabase {
            path,
            why: said(&source),
        },
        Some(CANTOPEN) => Error::CannotOpen {
            path,
            why: said(&source),
        },
        Some(IOERR) => Error::Disk { path, source },
        _ if matches!(source, sqlx::Error::PoolTimedOut) => Error::Busy { path },
        _ => Error::Database { path, source },
    }
}
