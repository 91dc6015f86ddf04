//! The workflow of an audit: what happened, what it means, and what comes next.
//!
//! An audit is a log of [events](event). [`State::apply`] is the only way in: it takes an entry or says why it cannot be.

pub mod contests;
pub mod event;
mod reading;
mod refused;
mod state;

pub use event::{CardKey, Entry, Event, Method};
pub use reading::{check_reading, marked_of, votes_of};
pub use refused::Refused;
pub use state::{Known, MAX_SEED_DIGITS, MIN_SEED_DIGITS, State, apply};
