//! The workflow of an audit: what happened, what it means, and what comes next.
//!
//! An audit is a log of [events](event). [`State::apply`] is the only way in: it takes an entry or says why it cannot be.
//! With the files that the audit rests on, everything else follows from the log: the [`Frame`] of cards, the [draw](Draw),
//! and what each contest came to.

mod assess;
pub mod contests;
mod draw;
pub mod event;
mod frame;
mod load;
mod outcome;
mod published;
mod ranked;
mod reading;
mod refused;
mod replaced;
mod state;

pub use assess::{
    AssertionResult, AssessError, Assessment, ContestResult, Difference, More, Verdict, assess,
    comparison_test, limit_text, real_cards, risk_text,
};
pub use draw::{Draw, Pick, draw_cards};
pub use event::{CardKey, Entry, Event, Method};
pub use frame::{
    BatchKind, ContestStats, County, Frame, FrameBatch, FrameCard, FrameError, Paper, RecordBatch, Records,
    SharedRecords,
};
pub use load::{InputPlace, LoadError, Loaded, compare_reports, compose, load};
pub use outcome::{Claim, OutcomeError, card_votes, check_method, names, winners_by, words};
pub use published::{PublishedRecords, publish_records};
pub use reading::{check_batch_reading, check_reading, marked_of, votes_of};
pub use refused::Refused;
pub use replaced::{batch_draws, minerva_draws};
pub(crate) use replaced::{batch_plan, tally_of};
pub use state::{Known, MAX_SEED_DIGITS, MIN_SEED_DIGITS, State, apply};
