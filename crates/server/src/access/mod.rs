//! Who may do what: passwords, second factors, sessions, form tokens, and the brake on guessing.

pub(crate) mod accounts;
pub(crate) mod guard;
pub(crate) mod password;
pub(crate) mod secrets;
pub(crate) mod throttle;
pub(crate) mod totp;
