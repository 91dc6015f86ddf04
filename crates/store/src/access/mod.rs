//! Who may use the console: accounts, their sessions and tokens, in a database of their own.

mod database;
mod types;

pub use database::{AccessStore, SECRET_SETTING};
pub use types::{AccessEvent, Account, SecretDigest, Session, Token};
