//! Risk functions: how likely it is that an outcome that is wrong would have passed this far.
//!
//! Every method here has a test that plays thousands of audits of wrong outcomes and counts how many it confirms.
//!
//! | module | audit | source |
//! | --- | --- | --- |
//! | [`bravo`] | ballot polling | Lindeman, Stark and Yates 2012 |
//! | [`minerva`], [`providence`] | ballot polling in rounds | Zagórski et al. 2020, Broadrick et al. 2022 |
//! | [`supersimple`] | ballot comparison | Stark 2010 |
//! | [`batch`] | batch comparison | Stark 2009 (MACRO), Aslam, Popa and Rivest 2008 |
//! | [`sequential`] | polling and comparison over assorters | Stark 2022 (ALPHA), Waudby-Smith and Ramdas 2020 (betting), Spertus 2023 (COBRA) |
//! | [`suite`], [`union`] | hybrid of two strata | Ottoboni et al. 2018, Spertus, Sridhar and Stark 2024 |
//! | [`size`] | how many cards will be needed | simulation |

pub mod batch;
pub mod bravo;
mod exact;
pub mod limit;
pub mod minerva;
pub mod polling;
pub mod providence;
pub mod sequential;
pub mod size;
mod special;
pub mod suite;
pub mod supersimple;
pub mod tally;
pub mod union;

/// The chance of at least `successes` in so many independent trials, each with chance `chance`: an exact binomial test.
#[must_use]
pub fn tail_chance(trials: u64, successes: u64, chance: f64) -> f64 {
    libm::exp(special::ln_binomial_upper_tail(trials, successes, chance))
}

/// Why no risk or size can be given.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum MethodError {
    /// Not a number between 0 and 1.
    #[error("a risk limit must lie between 0 and 1, both excluded: {0:?}")]
    RiskLimit(String),
    /// A contest without anybody who lost.
    #[error("there is nothing to audit: no candidate lost")]
    NoLosers,
    /// A tie between the last winner and the first loser.
    #[error("winner and loser are tied: only a full hand count can decide")]
    Tied,
    /// More votes than the cards allow.
    #[error("{votes} votes cannot be on {ballots} ballots with {votes_allowed} votes each")]
    TooManyVotes {
        /// Votes in all, or those of one candidate.
        votes: u64,
        /// Ballots that carry the contest.
        ballots: u64,
        /// Votes that each may hold.
        votes_allowed: u32,
    },
    /// A list of votes of another length than the list of candidates.
    #[error("votes for {got} candidates where the contest has {expected}")]
    Candidates {
        /// How many the contest has.
        expected: usize,
        /// How many were given.
        got: usize,
    },
    /// Nothing remains to be drawn: the limit is met already.
    #[error("the risk limit is met already: no more cards are needed")]
    AlreadyMet,
    /// Every card was examined.
    #[error("every card has been examined: the count decides, not a sample")]
    FullyCounted,
    /// An input outside its range.
    #[error("{what} must be {range}")]
    OutOfRange {
        /// What it is.
        what: &'static str,
        /// What it may be.
        range: &'static str,
    },
}
