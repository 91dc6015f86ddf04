//! Hand readings against records: overstatements and their assorter.

use super::{Assertion, CardVotes};

/// What the record says of a card.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// A cast vote record.
    Card(CardVotes),
    /// A card that the manifest or the contest's bound promises and no record describes (Bañuelos and Stark, arXiv 1207.3413).
    Phantom,
    /// A card of a group of which only the totals are known, with the mean of the assorter over that group
    /// (Stark, ONEAudit, arXiv 2303.03335, section 2).
    Pooled(f64),
}

/// What people found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The paper, as read.
    Read(CardVotes),
    /// No paper.
    NotFound,
}

/// What the sample is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardRules {
    /// Cards that carry the contest by their records, phantoms among them: paper without the contest is an error.
    CardStyle,
    /// All cards: paper without the contest is a card without a vote.
    AllCards,
}

/// One assertion, audited by comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What must be true.
    pub assertion: Assertion,
    /// The reported margin over the cards that are sampled from: twice the mean of the assorter over the records, less 1. Above 0.
    pub margin: f64,
    /// What the sample is drawn from.
    pub rules: CardRules,
}

impl Comparison {
    /// The assorter of the record.
    #[must_use]
    pub fn recorded_value(&self, recorded: &Recorded) -> f64 {
        match recorded {
            Recorded::Card(votes) => self.assertion.value(votes),
            Recorded::Phantom => 0.5,
            Recorded::Pooled(mean) => *mean,
        }
    }

    /// The assorter of the paper, at its worst where there is none.
    #[must_use]
    pub fn hand_value(&self, hand: &Hand) -> f64 {
        match (hand, self.rules) {
            (Hand::NotFound, _) | (Hand::Read(CardVotes::NotOnCard), CardRules::CardStyle) => 0.0,
            (Hand::Read(votes), _) => self.assertion.value(votes),
        }
    }

    /// By how much the record overstates the assertion: its value less that of the paper.
    #[must_use]
    pub fn overstatement(&self, recorded: &Recorded, hand: &Hand) -> f64 {
        self.recorded_value(recorded) - self.hand_value(hand)
    }

    /// The overstatement assorter B (1911.10035, section 3.2): its mean over all cards is above 1/2 exactly when the assertion is true.
    #[must_use]
    pub fn value(&self, recorded: &Recorded, hand: &Hand) -> f64 {
        let bound = self.assertion.upper_bound();
        (1.0 - self.overstatement(recorded, hand) / bound) / (2.0 - self.margin / bound)
    }

    /// B of a card that is read as it was recorded.
    #[must_use]
    pub fn no_error(&self) -> f64 {
        1.0 / (2.0 - self.margin / self.assertion.upper_bound())
    }

    /// The largest value of B.
    #[must_use]
    pub fn upper_bound(&self) -> f64 {
        2.0 * self.no_error()
    }
}

/// The mean of an assorter over a group of which the totals are known.
///
/// `votes` are the valid votes by candidate and `cards` the cards that may carry the contest, at least 1.
/// Nothing for IRV: totals do not tell rankings.
#[must_use]
pub fn pool_mean(assertion: &Assertion, votes: &[u64], cards: u64) -> Option<f64> {
    assertion
        .reported_margin(votes, cards.max(1))
        .map(|margin| (margin + 1.0) / 2.0)
}
