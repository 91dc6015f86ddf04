//! The tally: a count that never takes missing data for safety.
//!
//! A [`Basis`] holds the question and all that the answer rests on; [`Basis::tally`] is a pure function of it, so that whoever
//! has the basis can count again. [`changes`] says how two answers differ, and why.

mod authorised;
mod basis;
mod change;
mod count;
mod level;
mod sentence;
mod span;
mod window;

pub use basis::{Asked, Basis, Field, Held, Question, Scale, Seen, Standing, TALLY_SCHEMA, Withheld};
pub use change::{Cause, Change, changes};
pub use count::{
    ByConfidence, Covered, CutDay, DayRange, FieldTally, Place, Row, RowFinding, Tally, WANTED_PERMILLE,
};
pub use level::{Confidence, Level};
pub use sentence::percent;
pub use span::Spans;
pub use window::{Window, WindowError};
