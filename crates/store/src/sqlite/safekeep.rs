//! Settings, copies, and looking for damage.

use std::path::{Path, PathBuf};

use super::SqliteStore;
use super::open::create_private;
use super::rows::off_the_runtime;
use crate::{Error, Result};

/// Most faults that the check for damage names.
const FAULTS_NAMED: usize = 5;

pub(super) async fn meta(store: &SqliteStore, name: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = sqlx::query_as("SELECT value FROM meta WHERE name = $1")
        .bind(name)
        .fetch_optional(&store.pool)
        .await
        .map_err(|error| store.explain(error))?;
    Ok(row.map(|(value,)| value))
}

pub(super) async fn set_meta(store: &SqliteStore, name: &str, value: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(&store.pool)
    .await
    .map_err(|error| store.explain(error))?;
    Ok(())
}

/// Copies under another name first, so that a copy which was broken off is never taken for a whole one.
pub(super) async fn backup_to(store: &SqliteStore, path: &Path) -> Result<()> {
    let target = path.to_owned();
    let refused = |why: String| Error::CannotOpen {
        path: target.clone(),
        why,
    };
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(refused("there is something there already".to_owned()));
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let Some(partial_text) = partial.to_str().map(str::to_owned) else {
        return Err(refused("its name is no valid UTF-8".to_owned()));
    };
    if let Err(error) = std::fs::remove_file(&partial)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(refused(error.to_string()));
    }
    create_private(&partial).map_err(|error| refused(error.to_string()))?;
    let copied = sqlx::query("VACUUM INTO $1")
        .bind(partial_text)
        .execute(&store.pool)
        .await;
    if let Err(error) = copied {
        drop(std::fs::remove_file(&partial));
        return Err(super::fault::explain(path, error));
    }
    let path = target.clone();
    off_the_runtime(move || {
        put_in_place(&partial, &path).map_err(|error| Error::CannotOpen {
            why: error.to_string(),
            path,
        })
    })
    .await
}

/// `VACUUM INTO` does not flush what it writes (SQLite documentation, "VACUUM", section 3).
fn put_in_place(partial: &Path, path: &Path) -> std::io::Result<()> {
    std::fs::File::open(partial)?.sync_all()?;
    std::fs::rename(partial, path)?;
    #[cfg(unix)]
    if let Some(folder) = std::path::absolute(path)?.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

pub(super) async fn integrity_check(store: &SqliteStore) -> Result<()> {
    let mut faults: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(5)")
        .fetch_all(&store.pool)
        .await
        .map_err(|error| store.explain(error))?;
    faults.retain(|fault| fault != "ok");
    if faults.is_empty() {
        let dangling: Vec<(String, Option<i64>, String, i64)> = sqlx::query_as("PRAGMA foreign_key_check")
            .fetch_all(&store.pool)
            .await
            .map_err(|error| store.explain(error))?;
        let name = |(table, _, parent, _): (String, Option<i64>, String, i64)| {
            format!("a row of {table} refers to a row of {parent} that is missing")
        };
        faults.extend(dangling.into_iter().take(FAULTS_NAMED).map(name));
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::Corrupt {
        path: store.path().to_owned(),
        what: faults.join("; "),
    })
}
