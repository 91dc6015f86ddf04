//! What the access database takes and gives.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// SHA-256 of a secret that somebody else keeps: the secret itself is nowhere on the disk.
pub type SecretDigest = [u8; 32];

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name to sign in with: 1 to 64 characters, compared as written.
    pub name: String,
    /// What the account may do, as the server words it.
    pub role: String,
    /// The password's hash in PHC string form.
    pub password: String,
    /// The shared secret of the second factor; `None` while there is none.
    pub totp: Option<Vec<u8>>,
    /// Number of the last time step whose code was used: a code counts once (RFC 6238, section 5.2).
    pub totp_last_step: u64,
    /// Whether it may not sign in.
    pub is_disabled: bool,
    /// The language it chose, such as `es`; empty for the browser's.
    pub language: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A browser that somebody signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Of the cookie's secret.
    pub secret: SecretDigest,
    /// Whose it is.
    pub account: String,
    /// The key of its form tokens.
    pub csrf: [u8; 32],
    /// When it began.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub used: Timestamp,
}

/// A key for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name in lists.
    pub id: String,
    /// Of the token's secret.
    pub secret: SecretDigest,
    /// Whose it is: it may never do more than that account.
    pub account: String,
    /// What it is for, in its owner's words.
    pub label: String,
    /// What it may do, with spaces between.
    pub scopes: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was last used; `None`: never.
    pub used: Option<Timestamp>,
}

/// Something about access that the ledger is to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEvent {
    /// What happened, such as `signed-in`.
    pub what: String,
    /// Who did it: an account, or `terminal`.
    pub by: String,
    /// What it was done to, or how often; empty where there is no more to say.
    #[serde(default)]
    pub about: String,
    /// When.
    pub at: Timestamp,
}
