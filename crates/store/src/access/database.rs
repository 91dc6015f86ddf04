//! The access database on SQLite.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{AccessEvent, Account, SecretDigest, Session, Token};
use crate::sqlite::{create_private, explain};
use crate::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations_access");

/// How long a call waits for another process: the terminal's `account` commands take milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The setting by which a console signs what browsers keep for it.
pub const SECRET_SETTING: &str = "secret";

/// Readers beside the one writer.
const MAX_CONNECTIONS: u32 = 2;

/// Accounts, sessions and tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AccessStore {
    pool: SqlitePool,
    path: PathBuf,
}

type AccountRow = (String, String, String, Option<Vec<u8>>, i64, bool, String, i64);
type SessionRow = (Vec<u8>, String, Vec<u8>, i64, i64);
type TokenRow = (String, Vec<u8>, String, String, String, i64, i64, Option<i64>);

impl AccessStore {
    /// Opens the database at `path`, made when there is none; only its owner may read it.
    ///
    /// Errors: [`Error::CannotOpen`], [`Error::Busy`], [`Error::ReadOnly`], [`Error::NotADatabase`].
    pub async fn open(path: &Path) -> Result<Self> {
        let refused = |why: String| Error::CannotOpen {
            path: path.to_owned(),
            why,
        };
        let path = std::path::absolute(path).map_err(|error| refused(error.to_string()))?;
        create_private(&path).map_err(|error| refused(error.to_string()))?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("trusted_schema", "0")
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(|error| explain(&path, error))?;
        let store = AccessStore { pool, path };
        let mut transaction = store
            .pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| store.explain(error))?;
        MIGRATIONS
            .run_direct(None, &mut *transaction, false)
            .await
            .map_err(|error| Error::CannotOpen {
                path: store.path.clone(),
                why: error.to_string(),
            })?;
        transaction.commit().await.map_err(|error| store.explain(error))?;
        Ok(store)
    }

    fn explain(&self, error: sqlx::Error) -> Error {
        explain(&self.path, error)
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Copies accounts, second factors and tokens to a new file at `path` that only its owner may read; gives the number of accounts.
    ///
    /// Left out is what is worth nothing elsewhere, or too much: sessions, and the secret by which forms and browsers are known.
    /// Errors: [`Error::CannotOpen`] when there is something at `path`, and as every call.
    pub async fn copy_to(&self, path: &Path) -> Result<u64> {
        let refused = |why: String| Error::CannotOpen {
            path: path.to_owned(),
            why,
        };
        if std::fs::symlink_metadata(path).is_ok() {
            return Err(refused("there is something there already".to_owned()));
        }
        let Some(text) = path.to_str() else {
            return Err(refused("its name is no valid UTF-8".to_owned()));
        };
        create_private(path).map_err(|error| refused(error.to_string()))?;
        sqlx::query("VACUUM INTO $1")
            .bind(text)
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Delete)
            .pragma("trusted_schema", "0")
            .pragma("secure_delete", "1")
            .disable_statement_logging();
        let mut copy = options.connect().await.map_err(|error| explain(path, error))?;
        let done = async {
            sqlx::query("DELETE FROM sessions").execute(&mut copy).await?;
            sqlx::query("DELETE FROM settings WHERE name = $1")
                .bind(SECRET_SETTING)
                .execute(&mut copy)
                .await?;
            // What was deleted is not left in free pages.
            sqlx::query("VACUUM").execute(&mut copy).await?;
            sqlx::query_as::<_, (i64,)>("SELECT count(*) FROM accounts")
                .fetch_one(&mut copy)
                .await
        };
        let (accounts,) = done.await.map_err(|error| explain(path, error))?;
        copy.close().await.map_err(|error| explain(path, error))?;
        Ok(accounts.cast_unsigned())
    }

    /// Adds an account. Gives whether it was added: a name that is taken changes nothing.
    pub async fn add_account(&self, account: &Account) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO accounts (name, role, password, totp, totp_last_step, is_disabled, language, created) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING",
        )
        .bind(&account.name)
        .bind(&account.role)
        .bind(&account.password)
        .bind(&account.totp)
        .bind(account.totp_last_step.cast_signed())
        .bind(account.is_disabled)
        .bind(&account.language)
        .bind(account.created.as_second())
        .execute(&self.pool)
        .await
        .map_err(|error| self.explain(error))?;
        Ok(done.rows_affected() == 1)
    }

    /// The account of that name.
    pub async fn account(&self, name: &str) -> Result<Option<Account>> {
        let row: Option<AccountRow> = sqlx::query_as(
            "SELECT name, role, password, totp, totp_last_step, is_disabled, language, created FROM accounts WHERE name = $1",
        )
        .bind(name)
        .fetch_optional(&self.pool)
        .await
        .map_err(|error| self.explain(error))?;
        row.map(account).transpose()
    }

    /// All accounts by name.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let rows: Vec<AccountRow> = sqlx::query_as(
            "SELECT name, role, password, totp, totp_last_step, is_disabled, language, created FROM accounts ORDER BY name",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|error| self.explain(error))?;
        rows.into_iter().map(account).collect()
    }

    /// Writes all but name and time of making. With a changed role, password, second factor or disablement the account's
    /// sessions end; an account that is disabled loses its tokens too. Gives whether there was such an account.
    pub async fn change_account(&self, account: &Account) -> Result<bool> {
        let Some(before) = self.account(&account.name).await? else {
            return Ok(false);
        };
        let mut transaction = self
            .pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|e| self.explain(e))?;
        sqlx::query(
            "UPDATE accounts SET role = $2, password = $3, totp = $4, is_disabled = $5, language = $6 WHERE name = $1",
        )
        .bind(&account.name)
        .bind(&account.role)
        .bind(&account.password)
        .bind(&account.totp)
        .bind(account.is_disabled)
        .bind(&account.language)
        .execute(&mut *transaction)
        .await
        .map_err(|error| self.explain(error))?;
        if before.role != account.role
            || before.password != account.password
            || before.totp != account.totp
            || before.is_disabled != account.is_disabled
        {
            sqlx::query("DELETE FROM sessions WHERE account = $1")
                .bind(&account.name)
                .execute(&mut *transaction)
                .await
                .map_err(|error| self.explain(error))?;
        }
        if account.is_disabled {
            sqlx::query("DELETE FROM tokens WHERE account = $1")
                .bind(&account.name)
                .execute(&mut *transaction)
                .await
                .map_err(|error| self.explain(error))?;
        }
        transaction.commit().await.map_err(|error| self.explain(error))?;
        Ok(true)
    }

    /// Uses the code of a time step up. Gives `false` when that step or a later one was used before.
    pub async fn use_totp_step(&self, name: &str, step: u64) -> Result<bool> {
        let done =
            sqlx::query("UPDATE accounts SET totp_last_step = $2 WHERE name = $1 AND totp_last_step < $2")
                .bind(name)
                .bind(step.cast_signed())
                .execute(&self.pool)
                .await
                .map_err(|error| self.explain(error))?;
        Ok(done.rows_affected() == 1)
    }

    /// Begins a session.
    pub async fn add_session(&self, session: &Session) -> Result<()> {
        sqlx::query(
            "INSERT INTO sessions (secret, account, csrf, created, used) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(session.secret.as_slice())
        .bind(&session.account)
        .bind(session.csrf.as_slice())
        .bind(session.created.as_second())
        .bind(session.used.as_second())
        .execute(&self.pool)
        .await
        .map_err(|error| self.explain(error))?;
        Ok(())
    }

    /// The session of a secret, with its account.
    pub async fn session(&self, secret: &SecretDigest) -> Result<Option<(Session, Account)>> {
        let row: Option<SessionRow> =
            sqlx::query_as("SELECT secret, account, csrf, created, used FROM sessions WHERE secret = $1")
                .bind(secret.as_slice())
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| self.explain(error))?;
        let Some((secret, name, csrf, created, used)) = row else {
            return Ok(None);
        };
        let session = Session {
            secret: digest("sessions", secret)?,
            account: name,
            csrf: digest("sessions", csrf)?,
            created: time("sessions", created)?,
            used: time("sessions", used)?,
        };
        Ok(self
            .account(&session.account)
            .await?
            .map(|account| (session, account)))
    }

    /// Notes that a session was used.
    pub async fn touch_session(&self, secret: &SecretDigest, now: Timestamp) -> Result<()> {
        sqlx::query("UPDATE sessions SET used = $2 WHERE secret = $1")
            .bind(secret.as_slice())
            .bind(now.as_second())
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(())
    }

    /// Ends a session.
    pub async fn end_session(&self, secret: &SecretDigest) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE secret = $1")
            .bind(secret.as_slice())
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(())
    }

    /// Ends every session of an account. Gives how many there were.
    pub async fn end_sessions_of(&self, account: &str) -> Result<u64> {
        let done = sqlx::query("DELETE FROM sessions WHERE account = $1")
            .bind(account)
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(done.rows_affected())
    }

    /// How many sessions an account has.
    pub async fn count_sessions(&self, account: &str) -> Result<u64> {
        let (found,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM sessions WHERE account = $1")
            .bind(account)
            .fetch_one(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(found.cast_unsigned())
    }

    /// Drops sessions begun before `begun` or not used since `used`, and tokens that ended before `now`.
    pub async fn forget_expired(&self, begun: Timestamp, used: Timestamp, now: Timestamp) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE created < $1 OR used < $2")
            .bind(begun.as_second())
            .bind(used.as_second())
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        sqlx::query("DELETE FROM tokens WHERE expires < $1")
            .bind(now.as_second())
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(())
    }

    /// Adds a token.
    pub async fn add_token(&self, token: &Token) -> Result<()> {
        sqlx::query(
            "INSERT INTO tokens (token_id, secret, account, label, scopes, created, expires, used) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)",
        )
        .bind(&token.id)
        .bind(token.secret.as_slice())
        .bind(&token.account)
        .bind(&token.label)
        .bind(&token.scopes)
        .bind(token.created.as_second())
        .bind(token.expires.as_second())
        .execute(&self.pool)
        .await
        .map_err(|error| self.explain(error))?;
        Ok(())
    }

    /// The token of a secret, with its account; whether it has ended is the caller's to see.
    pub async fn token(&self, secret: &SecretDigest) -> Result<Option<(Token, Account)>> {
        let row: Option<TokenRow> = sqlx::query_as(
            "SELECT token_id, secret, account, label, scopes, created, expires, used FROM tokens WHERE secret = $1",
        )
        .bind(secret.as_slice())
        .fetch_optional(&self.pool)
        .await
        .map_err(|error| self.explain(error))?;
        let Some(row) = row else { return Ok(None) };
        let token = token(row)?;
        Ok(self
            .account(&token.account)
            .await?
            .map(|account| (token, account)))
    }

    /// All tokens, newest first.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let rows: Vec<TokenRow> = sqlx::query_as(
            "SELECT token_id, secret, account, label, scopes, created, expires, used FROM tokens \
             ORDER BY created DESC, token_id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|error| self.explain(error))?;
        rows.into_iter().map(token).collect()
    }

    /// Notes that a token was used.
    pub async fn touch_token(&self, id: &str, now: Timestamp) -> Result<()> {
        sqlx::query("UPDATE tokens SET used = $2 WHERE token_id = $1")
            .bind(id)
            .bind(now.as_second())
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(())
    }

    /// Ends a token. Gives whether there was one.
    pub async fn end_token(&self, id: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM tokens WHERE token_id = $1")
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(done.rows_affected() == 1)
    }

    /// A setting of the console.
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let row: Option<(Vec<u8>,)> = sqlx::query_as("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(row.map(|(value,)| value))
    }

    /// Sets a setting of the console.
    pub async fn set_setting(&self, name: &str, value: &[u8]) -> Result<()> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&self.pool)
        .await
        .map_err(|error| self.explain(error))?;
        Ok(())
    }

    /// Puts an event where it waits for the ledger.
    pub async fn post(&self, event: &AccessEvent) -> Result<()> {
        let text = serde_json::to_string(event).map_err(|error| Error::Row {
            table: "outbox",
            why: error.to_string(),
        })?;
        sqlx::query("INSERT INTO outbox (event) VALUES ($1)")
            .bind(text)
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(())
    }

    /// The events that wait, in their order, at most `limit`.
    pub async fn posted(&self, limit: u32) -> Result<Vec<(i64, AccessEvent)>> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT event_id, event FROM outbox ORDER BY event_id LIMIT $1")
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await
                .map_err(|error| self.explain(error))?;
        rows.into_iter()
            .map(|(id, text)| {
                let event = serde_json::from_str(&text).map_err(|error| row("outbox", &error))?;
                Ok((id, event))
            })
            .collect()
    }

    /// Drops events up to `last`, once the ledger has them.
    pub async fn forget_posted(&self, last: i64) -> Result<()> {
        sqlx::query("DELETE FROM outbox WHERE event_id <= $1")
            .bind(last)
            .execute(&self.pool)
            .await
            .map_err(|error| self.explain(error))?;
        Ok(())
    }
}

fn row(table: &'static str, why: &dyn std::fmt::Display) -> Error {
    Error::Row {
        table,
        why: why.to_string(),
    }
}

fn time(table: &'static str, seconds: i64) -> Result<Timestamp> {
    Timestamp::from_second(seconds).map_err(|error| row(table, &error))
}

fn digest(table: &'static str, bytes: Vec<u8>) -> Result<SecretDigest> {
    bytes
        .try_into()
        .map_err(|_| row(table, &"a digest of another length"))
}

fn account(
    (name, role, password, totp, step, is_disabled, language, created): AccountRow,
) -> Result<Account> {
    Ok(Account {
        name,
        role,
        password,
        totp,
        totp_last_step: step.cast_unsigned(),
        is_disabled,
        language,
        created: time("accounts", created)?,
    })
}

fn token((id, secret, account, label, scopes, created, expires, used): TokenRow) -> Result<Token> {
    Ok(Token {
        id,
        secret: digest("tokens", secret)?,
        account,
        label,
        scopes,
        created: time("tokens", created)?,
        expires: time("tokens", expires)?,
        used: used.map(|used| time("tokens", used)).transpose()?,
    })
}
