//! Detectors: from a message laid out to signals, each with its words and how strongly it speaks.

pub mod ask;
pub mod attachment;
pub mod claim;
pub mod path;
pub mod proof;

use crate::evidence::{Quote, Seen};
use crate::signal::Signal;

/// A signal with its strength: 1 is the usual, 0 is only worth a mention.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded {
    /// The signal.
    pub seen: Seen,
    /// How strongly, from 0 to 2, in units of the signal's weight.
    pub grade: f64,
}

pub(crate) fn graded(signal: Signal, grade: f64, says: impl Into<String>, quote: Quote) -> Graded {
    Graded {
        seen: Seen {
            signal,
            says: says.into(),
            quote,
        },
        grade,
    }
}
