//! Ranked contests: assertions found by RAIRE, and checked to imply the outcome.

use super::frame::Frame;
use super::outcome::{Claim, OutcomeError};
use crate::assorter::CardVotes;
use crate::election::{Contest, ContestVotes};

pub(super) fn claim(_frame: &Frame, _place: usize, contest: &Contest) -> Result<Claim, OutcomeError> {
    Err(OutcomeError::CannotImply {
        contest: contest.name.clone(),
        why: "no assertions can be made for a ranked contest".to_owned(),
    })
}

pub(super) fn card_votes(_contest: &Contest, _votes: &ContestVotes) -> CardVotes {
    CardVotes::Ranks(Vec::new())
}
