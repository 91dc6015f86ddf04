//! Finds domain names that imitate a protected name, says which, how, and how surely.
//!
//! **What it sees.** Names: one at a time, from any feed. It compares each with every name of a register and weighs what it
//! finds (how distinct the letters are, where they stand, what stands beside them, under which suffix) by a table of points
//! that was fitted on reported names (`data/weights.csv`).
//!
//! **What it cannot see.** Names that show no brand; what lies behind a name; whether its owner means harm. An organisation
//! that has not listed all the names it owns will see its own names alarm.
//!
//! ```
//! use pollwatch_lookalike::{Matcher, Scratch, register_from_list};
//!
//! let (register, problems) = register_from_list("protected.txt", "harborcountyvotes.gov\n");
//! assert!(problems.is_empty());
//! let (matcher, _) = Matcher::compile(&register);
//! let mut scratch = Scratch::default();
//! let hit = matcher.judge("login.harborcountyvotes.gov-verify.top", &mut scratch)?.expect("an imitation");
//! assert_eq!(matcher.protected(hit.imitates).domain, "harborcountyvotes.gov");
//! assert_eq!(hit.technique, "full-name-prefix");
//! assert!(matcher.judge("mail.harborcountyvotes.gov", &mut scratch)?.is_none(), "the owner's own");
//! # Ok::<(), pollwatch_names::NameError>(())
//! ```

mod card;
mod desk;
mod detect;
mod explain;
pub mod features;
mod judge;
mod matcher;
mod protect;
pub mod read;
pub mod score;
mod table;
mod units;
pub mod words;

pub use desk::LookalikeDesk;
pub use explain::{ExplainedCandidate, Explanation};
pub use judge::NamesJudge;
pub use matcher::{Hit, Matcher, Outcome, Scratch};
pub use protect::register_from_list;
pub use units::{Aliases, Origin, Protected, Quiet};
