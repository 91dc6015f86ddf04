//! The nouns of an audit: contests, candidates, cards and what is marked on them, batches, manifests, tallies.
//!
//! Everything that a reader reads and a method judges is made of these. A contest and a candidate are known by their place
//! in an [`Election`]; names live there and nowhere else, so that a million records stay small.

mod card;
mod contest;
mod manifest;
mod names;
mod tally;

pub use card::{
    BatchId, CardId, CastVoteRecord, ContestVotes, Mark, RankMark, RecordId, RecordIdError, Redaction,
};
pub use contest::{Candidate, CandidateId, Contest, ContestId, ContestKind, Election, Reported};
pub use manifest::{Batch, Manifest};
pub(crate) use names::distance;
pub use names::{NameMap, NearMiss, near_misses};
pub use tally::{BatchTallies, BatchTally, ContestCount, HandReading, Tally, TallyColumn};
