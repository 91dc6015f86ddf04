//! Ranked ballots: how marks are read, and how they are counted round by round.
//!
//! The rules of interpretation are applied once, here, and to records and hand readings alike. What they give is a ranking, which is all that
//! [`crate::raire`] and the assorters know.

mod rules;
mod tabulate;

pub use rules::{Cell, DuplicateRule, End, OvervoteRule, Ranking, Rules, cells_of_ranks};
pub use tabulate::{Inactive, Outcome, RoundCount, Tabulation, tabulate};
