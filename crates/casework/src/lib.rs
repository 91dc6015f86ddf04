//! Weighs what the desks found.
//!
//! [`tally`] counts: for a window and a set of targets, how many stand at each verdict, how sure that is, which had logs for
//! how much of the window, and which gave none. [`transfer`] lets an office hand its findings and coverage to another, so
//! that a state can count over its counties. Both are pure: no store, no clock, no files.
//!
//! ```
//! use pollwatch_casework::tally::{Asked, Basis, Field, Question, Scale};
//!
//! let question = Question {
//!     window: Some("2026-09-01..2026-09-21".parse()?),
//!     fields: vec![Field { desk: "intrusion".to_owned(), title: "Logs of election systems".to_owned(), scale: Scale::Verdicts, window: None }],
//!     targets: vec![Asked { id: "adams-county".parse()?, name: "Adams County".to_owned(), state: "IL".to_owned(), assessors: vec![] }],
//! };
//! let tally = Basis::of(question, vec![], vec![], vec![]).tally();
//! assert_eq!(tally.fields[0].sentence(), "scanned or worse: 0; contact only: 0; no sign: 0; no data: 1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod tally;
pub mod transfer;
