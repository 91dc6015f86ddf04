//! SQL by its grammar: tokens, the shape that they make, and what the shape says.

mod facts;
mod judge;
mod token;
mod words;

pub(crate) use judge::fingerprint;
#[cfg(test)]
pub(super) use judge::rule_names;
pub(super) use judge::{Expects, SqlGrammar, SqlScratch};
