//! A connection of its own that tells, at little cost, whether anything was recorded.

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection};

use super::SqliteStore;
use super::rows::count;
use crate::{Mark, Result};

/// Looks for changes. It holds one of the store's connections, because SQLite counts other connections' commits.
pub struct Watch {
    store: SqliteStore,
    connection: PoolConnection<Sqlite>,
}

impl SqliteStore {
    /// Begins to watch.
    pub async fn watch(&self) -> Result<Watch> {
        let connection = self.pool.acquire().await.map_err(|error| self.explain(error))?;
        Ok(Watch {
            store: self.clone(),
            connection,
        })
    }
}

impl Watch {
    /// Where the record stands now. Costs two reads of a page that is in memory.
    pub async fn mark(&mut self) -> Result<Mark> {
        let connection: &mut SqliteConnection = &mut self.connection;
        let (version,): (i64,) = sqlx::query_as("PRAGMA data_version")
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.store.explain(error))?;
        let (leaf,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(leaf_id), 0) FROM leaves")
            .fetch_one(connection)
            .await
            .map_err(|error| self.store.explain(error))?;
        Ok(Mark {
            leaf: count("leaves", leaf)?,
            version,
        })
    }
}
