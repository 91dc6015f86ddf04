//! Accounts and their roles.

use std::path::Path;
use std::str::FromStr;

use jiff::Timestamp;
use pollwatch_store::access::{AccessEvent, AccessStore, Account};

use super::password;
use crate::app::ACCESS_FILE;

/// Longest name of an account, in characters.
const MAX_NAME_CHARS: usize = 64;

/// What an account may do. Each role is for one sort of person; nobody needs two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Enters ballots of audits, and sees nothing of findings: the tablet on the counting table.
    AuditBoard,
    /// Reads, and decides on findings.
    Analyst,
    /// Does everything, accounts included.
    Officer,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Role; 4] = [Role::Viewer, Role::AuditBoard, Role::Analyst, Role::Officer];

    /// Its word on the command line and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::AuditBoard => "audit-board",
            Role::Analyst => "analyst",
            Role::Officer => "officer",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Role::ALL
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or_else(|| format!("{text:?} is not one of viewer, audit-board, analyst, officer"))
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// Why an account is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name cannot be used.
    #[error("a name has 1 to {MAX_NAME_CHARS} letters, digits, dots, dashes, underscores or @ signs")]
    Name,
    /// The name is taken.
    #[error("there is an account {0} already")]
    Taken(String),
    /// There is no such account.
    #[error("there is no account {0}")]
    Missing(String),
    /// The password is too short.
    #[error(
        "a password has {} characters or more: four words that have nothing to do with each other are good",
        password::MIN_CHARS
    )]
    Short,
    /// The password is too long.
    #[error("a password has no more than {} bytes", password::MAX_BYTES)]
    Long,
    /// The password is the name, or one letter again and again.
    #[error("that password would be among the first that are tried")]
    Common,
    /// The database cannot be used.
    #[error("cannot use the database of accounts")]
    Store(#[from] pollwatch_store::Error),
    /// The system gives no random numbers.
    #[error("{0}")]
    System(String),
}

/// Whether a name can be that of an account.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.chars().count())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@'))
}

/// Whether a password will do.
pub(crate) fn check_password(name: &str, password: &str) -> Result<(), AccountError> {
    if password.len() > password::MAX_BYTES {
        return Err(AccountError::Long);
    }
    if password.chars().count() < password::MIN_CHARS {
        return Err(AccountError::Short);
    }
    let lower = password.to_lowercase();
    let mut letters: Vec<char> = lower.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let without_name = lower.replace(&name.to_lowercase(), "");
    if letters.len() < 5 || without_name.chars().count() < 8 {
        return Err(AccountError::Common);
    }
    Ok(())
}

/// Makes an account in the workspace in `dir`. For the terminal: whoever may write to that folder may make the first officer.
pub async fn add_account(
    dir: &Path,
    name: &str,
    role: Role,
    password: &str,
    now: Timestamp,
) -> Result<(), AccountError> {
    let access = AccessStore::open(&dir.join(ACCESS_FILE)).await?;
    let made = new_account(&access, name, role, password, now).await;
    if made.is_ok() {
        post(
            &access,
            "account-made",
            "terminal",
            &format!("{name}, {role}"),
            now,
        )
        .await?;
    }
    access.close().await;
    made
}

/// Sets a new password from the terminal, takes the second factor away, and ends the account's sessions.
pub async fn change_password(
    dir: &Path,
    name: &str,
    password: &str,
    now: Timestamp,
) -> Result<(), AccountError> {
    let access = AccessStore::open(&dir.join(ACCESS_FILE)).await?;
    let Some(account) = access.account(name).await? else {
        return Err(AccountError::Missing(name.to_owned()));
    };
    check_password(name, password)?;
    let changed = Account {
        password: hash(password)?,
        totp: None,
        is_disabled: false,
        ..account
    };
    access.change_account(&changed).await?;
    access.end_sessions_of(name).await?;
    post(&access, "password-reset", "terminal", name, now).await?;
    access.close().await;
    Ok(())
}

pub(crate) async fn new_account(
    access: &AccessStore,
    name: &str,
    role: Role,
    password: &str,
    now: Timestamp,
) -> Result<(), AccountError> {
    if !is_name(name) {
        return Err(AccountError::Name);
    }
    check_password(name, password)?;
    let account = Account {
        name: name.to_owned(),
        role: role.word().to_owned(),
        password: hash(password)?,
        totp: None,
        totp_last_step: 0,
        is_disabled: false,
        language: String::new(),
        created: now,
    };
    if !access.add_account(&account).await? {
        return Err(AccountError::Taken(name.to_owned()));
    }
    Ok(())
}

fn hash(password: &str) -> Result<String, AccountError> {
    password::hash(password).map_err(|error| AccountError::System(error.to_string()))
}

async fn post(
    access: &AccessStore,
    what: &str,
    by: &str,
    about: &str,
    at: Timestamp,
) -> Result<(), pollwatch_store::Error> {
    let event = AccessEvent {
        what: what.to_owned(),
        by: by.to_owned(),
        about: about.to_owned(),
        at,
    };
    access.post(&event).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_tried_first_are_refused() {
        let check = |password: &str| check_password("clerk.garcia", password).map_err(|e| e.to_string());
        assert!(check("four words unrelated").is_ok());
        assert!(check("contraseña de ñandú").is_ok());
        assert!(check("too short").unwrap_err().contains("15 characters"));
        assert!(check("clerk.garcia2026").unwrap_err().contains("first"));
        assert!(check("aaaaaaaaaaaaaaaaaaaa").unwrap_err().contains("first"));
        assert!(check(&"long".repeat(300)).unwrap_err().contains("1024"));
    }

    #[test]
    fn names_are_plain() {
        for good in ["ada", "José.García", "board-7", "a@b"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a b", "<b>", "a\u{202e}b", "a/b", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
