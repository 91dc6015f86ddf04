//! How many ballots an assertion is expected to take, up to a constant.

/// A measure of difficulty. Larger is harder; infinite when the ballots do not support the assertion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difficulty {
    /// All auditable ballots over the margin: for comparison by any test (1903.08804, section 5).
    OneOnMargin {
        /// Ballots in the audit.
        ballots: u64,
    },
    /// Expected ballots of a MACRO comparison audit without errors: 2 gamma N ln(1/limit) / margin.
    Macro {
        /// Ballots in the audit.
        ballots: u64,
        /// Risk limit.
        limit: f64,
        /// Error inflation factor, above 1.
        gamma: f64,
    },
    /// Expected ballots of a BRAVO polling audit (Lindeman, Stark and Yates 2012, section 5).
    Bravo {
        /// Ballots in the audit.
        ballots: u64,
        /// Risk limit.
        limit: f64,
    },
}

impl Difficulty {
    /// The difficulty of showing that the winner's ballots are more than the loser's.
    #[must_use]
    pub fn of(&self, winner: u64, loser: u64) -> f64 {
        if winner <= loser {
            return f64::INFINITY;
        }
        let margin = (winner - loser) as f64;
        match self {
            Self::OneOnMargin { ballots } => *ballots as f64 / margin,
            Self::Macro {
                ballots,
                limit,
                gamma,
            } => 2.0 * gamma * *ballots as f64 * -libm::log(*limit) / margin,
            Self::Bravo { ballots, limit } => {
                let share = winner as f64 / (winner + loser) as f64;
                let up = libm::log(2.0 * share);
                let down = if loser == 0 {
                    0.0
                } else {
                    loser as f64 * libm::log(2.0 - 2.0 * share)
                };
                (up / 2.0 - libm::log(*limit)) / ((winner as f64 * up + down) / *ballots as f64)
            }
        }
    }
}
