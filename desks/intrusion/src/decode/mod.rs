//! The decode ladder: what a server may make of a field, however often it was wrapped.

mod base64;
mod fold;
mod ladder;

pub use base64::readable_base64;
pub use ladder::{Ladder, MAX_FIELD_BYTES, MAX_PASSES, Plus, Rung};
