//! Authentication of a message without a network: what our own boundary recorded, and what recorded DNS answers show.

pub mod arc;
pub mod dkim;
pub mod dns;
pub mod key;
pub mod method;
pub mod spf;
pub mod spf_record;
pub mod tags;
