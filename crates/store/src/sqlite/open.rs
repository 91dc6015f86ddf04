//! Opening a database, and bringing its schema up to date.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::fault;
use crate::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// "PoWa", which the first migration writes into the file's header.
const APPLICATION_ID: i64 = 0x506f_5761;

/// How long a call waits for another process's transaction before it gives up. Steps take well under a second; a copy of
/// the whole database does not block writers.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// One connection writes at a time; the others serve readers beside it.
const MAX_CONNECTIONS: u32 = 4;

/// What a database is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To read and write; made when there is none, and brought up to date when it is older.
    ReadWrite,
    /// To read; nothing is changed, and the folder need not be writable.
    ReadOnly,
}

/// The record in one SQLite file. Cheap to clone: clones share its connections.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pub(super) pool: SqlitePool,
    path: PathBuf,
    mode: Mode,
}

impl SqliteStore {
    /// Opens the database at `path`.
    ///
    /// A new file gets permissions 0600 on Unix. A read-only database in a folder that cannot be written to is taken for
    /// unchanging: another user who writes to it meanwhile is not noticed.
    ///
    /// Errors: [`Error::Missing`] (read only), [`Error::NewerSchema`], [`Error::OlderSchema`] (read only),
    /// [`Error::ForeignSchema`], [`Error::NotADatabase`], [`Error::Corrupt`], [`Error::CannotOpen`],
    /// [`Error::ReadOnly`] (read-write, when the file cannot be written to), [`Error::Busy`].
    pub async fn open(path: &Path, mode: Mode) -> Result<Self> {
        let refused = |why: String| Error::CannotOpen {
            path: path.to_owned(),
            why,
        };
        // A relative path that begins with "file:" would be read as a URI.
        let absolute = std::path::absolute(path).map_err(|error| refused(error.to_string()))?;
        let is_new = match (std::fs::metadata(&absolute), mode) {
            (Ok(found), _) if found.is_dir() => return Err(refused("it is a folder".to_owned())),
            (Ok(found), _) => found.len() == 0,
            (Err(error), Mode::ReadOnly) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::Missing { path: absolute });
            }
            (Err(error), Mode::ReadWrite) if error.kind() == std::io::ErrorKind::NotFound => {
                create_private(&absolute).map_err(|error| refused(error.to_string()))?;
                true
            }
            (Err(error), _) => return Err(refused(error.to_string())),
        };
        match mode {
            Mode::ReadWrite => open_to_write(absolute, is_new).await,
            Mode::ReadOnly => open_to_read(absolute).await,
        }
    }

    /// Where the database lies, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What `source` means for this database.
    pub(super) fn explain(&self, source: sqlx::Error) -> Error {
        fault::explain(&self.path, source)
    }

    /// Begins a transaction that holds the right to write from its beginning, so that what it reads stays true.
    pub(super) async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>> {
        // On a database that is read only, SQLite would begin a transaction to read without a word.
        if self.mode == Mode::ReadOnly {
            return Err(Error::ReadOnly {
                path: self.path.clone(),
            });
        }
        self.pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| self.explain(error))
    }
}

/// Makes an empty file that only its owner may read: the record names voters and findings not yet public.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        // Without it, "flushed" on macOS means handed to the drive's cache.
        .pragma("fullfsync", "1")
        .pragma("trusted_schema", "0")
        .disable_statement_logging()
}

async fn open_pool(path: PathBuf, mode: Mode, options: SqliteConnectOptions) -> Result<SqliteStore> {
    let pool = SqlitePoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(|error| fault::explain(&path, error))?;
    Ok(SqliteStore { pool, path, mode })
}

/// Times that a database is looked at again when it does not look like one of ours: half a second.
const MAX_LOOK_TRIES: u32 = 25;

/// The schema of the database at `path`, read without a chance of changing it.
async fn schema_on_disk(path: &Path) -> Result<Option<i64>> {
    let mut connection = options(path)
        .read_only(true)
        .connect()
        .await
        .map_err(|error| fault::explain(path, error))?;
    let found = read_schema(path, &mut connection).await;
    drop(connection.close().await);
    found
}

/// Times that opening is tried again while another process makes the database: two seconds.
const MAX_OPEN_TRIES: u32 = 100;

async fn open_to_write(path: PathBuf, is_new: bool) -> Result<SqliteStore> {
    // SQLite may have waited for its whole time already when it says "busy": such a try is the last one.
    let begun = std::time::Instant::now();
    // Before anything may be written, so that a database of a newer program stays as it is.
    let found = if is_new {
        None
    } else {
        let mut tries = 0;
        loop {
            match schema_on_disk(&path).await {
                // Another process may be making it at this moment: its tables are there before its mark is.
                Err(Error::NotADatabase { .. } | Error::Busy { .. })
                    if tries < MAX_LOOK_TRIES && begun.elapsed() < BUSY_TIMEOUT =>
                {
                    tries += 1;
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                found => break found?,
            }
        }
    };
    let writable = options(&path).journal_mode(SqliteJournalMode::Wal);
    let mut tries = 0;
    let store = loop {
        // SQLite does not wait when two connections make the same new database a write-ahead one: it says "busy" at once.
        match open_pool(path.clone(), Mode::ReadWrite, writable.clone()).await {
            Err(Error::Busy { .. }) if tries < MAX_OPEN_TRIES && begun.elapsed() < BUSY_TIMEOUT => {
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            opened => break opened?,
        }
    };
    if found == newest() {
        store.check_is_writable().await?;
    } else {
        store.migrate().await?;
    }
    Ok(store)
}

async fn open_to_read(path: PathBuf) -> Result<SqliteStore> {
    let plain = options(&path).read_only(true);
    let store = match open_and_probe(&path, plain.clone()).await {
        Ok(()) => open_pool(path, Mode::ReadOnly, plain).await?,
        Err(error) if fault::wants_writable_folder(&error) => {
            let mut log = path.clone().into_os_string();
            log.push("-wal");
            let log = PathBuf::from(log);
            if std::fs::metadata(&log).is_ok_and(|found| found.len() > 0) {
                let why = format!(
                    "{} holds changes that are not in it yet, and the folder cannot be written to; copy the folder to a place where you may write",
                    log.display()
                );
                return Err(Error::CannotOpen { path, why });
            }
            open_pool(path, Mode::ReadOnly, plain.immutable(true)).await?
        }
        Err(error) => return Err(fault::explain(&path, error)),
    };
    let mut connection = store.pool.acquire().await.map_err(|error| store.explain(error))?;
    let found = read_schema(&store.path, &mut connection).await?;
    drop(connection);
    match (found, newest()) {
        (None, _) => Err(Error::NotADatabase {
            path: store.path,
            why: "it is empty".to_owned(),
        }),
        (Some(found), Some(known)) if found < known => Err(Error::OlderSchema {
            path: store.path,
            found,
            known,
        }),
        _ => Ok(store),
    }
}

/// Opens one connection and reads from it: a database in write-ahead mode only then asks for its shared-memory file.
async fn open_and_probe(_path: &Path, options: SqliteConnectOptions) -> std::result::Result<(), sqlx::Error> {
    let mut connection = options.connect().await?;
    sqlx::query("SELECT COUNT(*) FROM sqlite_schema")
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// The newest schema that this program knows.
fn newest() -> Option<i64> {
    MIGRATIONS.iter().map(|migration| migration.version).max()
}

/// The schema of a database, once it is sure that this program may work with it; `None` for an empty one.
async fn read_schema(path: &Path, connection: &mut SqliteConnection) -> Result<Option<i64>> {
    let explain = |error| fault::explain(path, error);
    let (application_id,): (i64,) = sqlx::query_as("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await
        .map_err(explain)?;
    let tables: Vec<(String,)> = sqlx::query_as("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut *connection)
        .await
        .map_err(explain)?;
    if tables.is_empty() {
        return Ok(None);
    }
    if application_id != APPLICATION_ID || !tables.iter().any(|(name,)| name == "_sqlx_migrations") {
        return Err(Error::NotADatabase {
            path: path.to_owned(),
            why: "it belongs to another program".to_owned(),
        });
    }
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut *connection)
            .await
            .map_err(explain)?;
    let found = applied.last().map(|(version, _)| *version);
    if let (Some(found), Some(known)) = (found, newest())
        && found > known
    {
        return Err(Error::NewerSchema {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for (version, checksum) in applied {
        let is_ours = MIGRATIONS
            .iter()
            .any(|ours| ours.version == version && *ours.checksum == *checksum);
        if !is_ours {
            return Err(Error::ForeignSchema {
                path: path.to_owned(),
                version,
            });
        }
    }
    Ok(found)
}

impl SqliteStore {
    /// Brings the schema up to date in one transaction: two processes that open a new database at once do it once.
    async fn migrate(&self) -> Result<()> {
        let mut transaction = self.begin().await?;
        MIGRATIONS
            .run_direct(None, &mut *transaction, false)
            .await
            .map_err(|error| match error {
                MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                    self.explain(source)
                }
                MigrateError::VersionMismatch(version) => Error::ForeignSchema {
                    path: self.path.clone(),
                    version,
                },
                other => self.explain(sqlx::Error::Migrate(Box::new(other))),
            })?;
        transaction.commit().await.map_err(|error| self.explain(error))
    }

    /// SQLite opens a write-protected file to be read without a word; better said now than at the first finding.
    async fn check_is_writable(&self) -> Result<()> {
        // Changes nothing, and still asks for the right to write.
        let asked = sqlx::query("DELETE FROM meta WHERE FALSE")
            .execute(&self.pool)
            .await;
        match asked.map_err(|error| self.explain(error)) {
            Ok(_) | Err(Error::Busy { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    #[tokio::test]
    async fn a_full_disk_is_told_and_what_was_recorded_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let store = SqliteStore::open(&path, Mode::ReadWrite).await.unwrap();
        store.set_meta("before", "kept").await.unwrap();
        // The limit stands for the disk; it is a connection's own, so there is only one.
        let one_connection = SqlitePoolOptions::new().max_connections(1);
        let limited = options(&path).pragma("max_page_count", "1");
        let store = SqliteStore {
            pool: one_connection.connect_with(limited).await.unwrap(),
            ..store
        };
        let error = store.set_meta("large", &"x".repeat(1 << 20)).await.unwrap_err();
        assert!(matches!(error, Error::Full { .. }), "{error:?}");
        assert!(
            error.to_string().starts_with("no room on the disk of /"),
            "{error}"
        );
        assert_eq!(store.meta("large").await.unwrap(), None);
        drop(store);
        let store = SqliteStore::open(&path, Mode::ReadWrite).await.unwrap();
        assert_eq!(store.meta("before").await.unwrap().as_deref(), Some("kept"));
        store.set_meta("large", &"x".repeat(1 << 20)).await.unwrap();
    }

    #[tokio::test]
    async fn every_connection_flushes_each_commit_and_keeps_references() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("record.db"), Mode::ReadWrite)
            .await
            .unwrap();
        let mut held = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            let mut connection = store.pool.acquire().await.unwrap();
            let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            let references: i64 = sqlx::query_scalar("PRAGMA foreign_keys")
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            assert_eq!(
                (journal.as_str(), synchronous, references),
                ("wal", 2, 1),
                "2 is FULL"
            );
            held.push(connection);
        }
    }

    #[test]
    fn a_busy_database_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let holder = SqliteStore::open(&path, Mode::ReadWrite).await.unwrap();
            let held = holder.begin().await.unwrap();
            let hasty = options(&path).busy_timeout(Duration::from_millis(1));
            let store = open_pool(path.clone(), Mode::ReadWrite, hasty).await.unwrap();
            let error = store.set_meta("a", "b").await.unwrap_err();
            assert!(matches!(error, Error::Busy { .. }), "{error:?}");
            assert_eq!(store.meta("a").await.unwrap(), None, "readers go on");
            held.rollback().await.unwrap();
            store.set_meta("a", "b").await.unwrap();
        });
    }
}
