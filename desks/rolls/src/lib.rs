//! Compares snapshots of a voter roll, models how rolls change by themselves, and tells which changes do not fit, without
//! naming a voter.
//!
//! **What it sees.** Two or more files of one roll, in the layouts of five states or by a mapping file. Rows are compared by
//! their identifiers in bounded memory; changes are counted by county, kind and group; counts are tested against the churn of
//! the roll itself.
//!
//! **What it cannot see.** Changes smaller than the ordinary spread of a county; what was changed before the first file; and
//! who made a change, or why.
//!
//! ```
//! use pollwatch_rolls::layout::{Layout, Role};
//!
//! let layout = Layout::built_in("nc").expect("it comes with the crate");
//! let binding = layout.bind(vec!["county_id".into(), "ncid".into(), "voter_status_cd".into()])?;
//! assert_eq!(binding.column_of(Role::Status), "status_cd");
//! # Ok::<(), pollwatch_rolls::layout::LayoutError>(())
//! ```

pub mod calendar;
mod card;
mod cell;
pub mod churn;
pub mod classify;
pub mod compare;
pub mod describe;
pub mod desk;
pub mod explain;
pub mod guess;
pub mod interval;
pub mod judge;
pub mod kind;
pub mod layout;
pub mod linkage;
mod names;
pub mod page;
pub mod read;
pub mod rows;
pub mod run;
pub mod scan;

pub use cell::shown;
pub use desk::{Options, Reopen, RollsDesk, Slot};
