//! What a single request shows by its content: the classes that need no knowledge of what else its client did.

mod cards;
mod headers;
mod inspector;
mod rules;
mod shell;
mod sql;
mod texts;

pub use cards::detector_cards;
pub use inspector::{Inspector, Scratch};
pub(crate) use sql::fingerprint as stable_hash;
pub use texts::{RULES, RuleCard, rule_text};
