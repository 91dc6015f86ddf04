//! Sequential tests that a mean is at most a given one, for numbers between 0 and a bound: ALPHA, betting, Kaplan's tests.
//!
//! An assertion about a contest is that the mean of its assorter (see [`crate::assorter`]) over all cards is above 1/2. These
//! tests measure the risk that it is not, after cards drawn one by one; they may be looked at after each card.
//!
//! Sources: Stark, ALPHA: Audit that Learns from Previously Hand-Audited Ballots, Annals of Applied Statistics 17(1), 2023,
//! equations (10) and (15), sections 2.2 and 2.5; Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting,
//! arXiv 2010.09686, equation (24) and section B.3 (aGRAPA); Spertus, COBRA, arXiv 2304.01010, section 3; Stark, SHANGRLA, arXiv
//! 1911.10035, section 4 (Kaplan's tests).

use super::MethodError;
use super::limit::{Risk, RiskLimit};

/// What the values are drawn from, and the mean that is tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Population {
    /// How many cards there are, when they are drawn without replacement; nothing when drawn with.
    pub size: Option<u64>,
    /// The mean that the values have at most if the assertion is false.
    pub null_mean: f64,
    /// The largest value that a card can have; the smallest is 0.
    pub upper_bound: f64,
}

/// A test, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// ALPHA with a fixed alternative mean.
    AlphaFixed {
        /// The mean expected, above the null and at most the bound.
        mean: f64,
    },
    /// ALPHA with the mean seen so far, shrunk towards the reported one (ALPHA, section 2.5.2).
    AlphaShrink {
        /// The reported mean.
        mean: f64,
        /// How many cards the reported mean weighs as much as.
        weight: f64,
        /// How far above the null the estimate stays, over the root of the cards; half of `mean` less null when absent.
        distance: Option<f64>,
        /// Weight of the upper bound.
        bound_weight: f64,
        /// Least standard deviation used.
        least_deviation: f64,
    },
    /// ALPHA for comparison with the alternative that is best when so many records are overstated by two votes (ALPHA, section 2.5.4).
    AlphaComparison {
        /// Expected share of two-vote overstatements.
        two_vote_rate: f64,
    },
    /// Betting with the same bet on every card.
    BetFixed {
        /// The bet, at least 0.
        bet: f64,
    },
    /// Betting by approximate growth rate (aGRAPA).
    BetGrowth {
        /// The first bet.
        first: f64,
        /// Share of the largest bet allowed at the start.
        least_share: f64,
        /// Share allowed in the long run.
        most_share: f64,
        /// How fast the share grows.
        growth: f64,
    },
    /// The mean of several fixed bets.
    BetMixture {
        /// The bets, each at least 0.
        bets: Vec<f64>,
    },
    /// Betting for comparison with error rates that are learnt (COBRA).
    BetAdaptive(AdaptiveBet),
    /// Kaplan-Markov.
    KaplanMarkov {
        /// Added to every value, so that one 0 does not end all hope.
        padding: f64,
    },
    /// Kaplan-Wald.
    KaplanWald {
        /// Share of 1 mixed in.
        padding: f64,
    },
    /// Kaplan-Kolmogorov.
    KaplanKolmogorov {
        /// Added to every value.
        padding: f64,
    },
}

/// Bets that are best for the error rates expected and seen so far (COBRA, section 3; pools as in ONEAudit, arXiv 2303.03335).
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptiveBet {
    /// The value of a card whose record is right.
    pub no_error: f64,
    /// Shares expected of overstatements by two and one votes and of understatements by one and two.
    pub expected: [f64; 4],
    /// How many cards the expectation weighs as much as; above 0.
    pub weight: f64,
    /// Largest share of the stake that one card may lose, below 1.
    pub largest_loss: f64,
    /// Values of pooled cards and the shares of all cards that will have them, as the reports of the pools tell.
    pub pooled: Vec<(f64, f64)>,
}

/// A running test.
#[derive(Clone, Debug)]
pub struct Runner<'a> {
    test: &'a Test,
    population: Population,
    seen: u64,
    sum: f64,
    /// What the sum lost to rounding (Neumaier).
    lost: f64,
    mean: f64,
    /// Sum of squared distances from the mean (Welford).
    squares: f64,
    statistic: f64,
    /// Bound on the relative rounding error of the statistic.
    error: f64,
    components: Vec<f64>,
    counts: [u64; 5],
    last_ideal_bet: f64,
    greatest: f64,
    greatest_error: f64,
}

/// Statistics are held below this, so that they stay numbers; a risk of 1e-300 needs no finer print.
const LARGEST_STATISTIC: f64 = 1e300;

/// Where the null mean of the remaining cards stands.
enum Remaining {
    /// No remaining card can make the null true: the assertion is proved.
    Disproved,
    /// No remaining card can make the null false.
    Proved,
    /// At an end of the range: this card shows nothing.
    AtTheEnd,
    /// The mean, and a bound on its rounding error.
    Mean(f64, f64),
}

impl Population {
    /// All cards' assorter values, half of which or less is the null (ALPHA, section 2).
    #[must_use]
    pub fn of_assorter(size: Option<u64>, upper_bound: f64) -> Self {
        Self {
            size,
            null_mean: 0.5,
            upper_bound,
        }
    }

    fn check(&self) -> Result<(), MethodError> {
        let is_fit =
            self.null_mean > 0.0 && self.upper_bound > self.null_mean && self.upper_bound.is_finite();
        if is_fit && self.size != Some(0) {
            return Ok(());
        }
        Err(MethodError::OutOfRange {
            what: "a tested mean",
            range: "above 0 and below the largest value, over at least one card",
        })
    }
}

impl Test {
    /// ALPHA for polling as SHANGRLA runs it: the reported mean weighs as much as 100 cards.
    #[must_use]
    pub fn polling(reported_mean: f64) -> Self {
        Self::AlphaShrink {
            mean: reported_mean,
            weight: 100.0,
            distance: None,
            bound_weight: 0.0,
            least_deviation: 1e-6,
        }
    }

    /// The risk after these values, in the order in which the cards were drawn: the least over all their beginnings.
    ///
    /// Errors: a population or a value out of range, or more values than cards.
    pub fn risk(&self, population: &Population, values: &[f64]) -> Result<Risk, MethodError> {
        let mut runner = Runner::new(self, *population)?;
        for value in values {
            runner.push(*value)?;
        }
        Ok(runner.risk())
    }

    /// The risk after each value: one over the statistic there, at most 1 (not the least so far).
    ///
    /// Errors: as for [`Self::risk`].
    pub fn history(&self, population: &Population, values: &[f64]) -> Result<Vec<f64>, MethodError> {
        let mut runner = Runner::new(self, *population)?;
        values
            .iter()
            .map(|value| Ok((1.0 / runner.push(*value)?).min(1.0)))
            .collect()
    }

    /// The first number of cards after which the limit is met, when card i (from 0) has the value `value_of(i)`.
    ///
    /// Nothing when `most` cards do not suffice. Errors: as for [`Self::risk`].
    pub fn size_for(
        &self,
        population: &Population,
        limit: &RiskLimit,
        most: u64,
        value_of: impl Fn(u64) -> f64,
    ) -> Result<Option<u64>, MethodError> {
        let mut runner = Runner::new(self, *population)?;
        for index in 0..most {
            runner.push(value_of(index))?;
            if runner.risk().is_within(limit) {
                return Ok(Some(index + 1));
            }
        }
        Ok(None)
    }
}

impl<'a> Runner<'a> {
    /// Before the first card.
    ///
    /// Errors: a population out of range.
    pub fn new(test: &'a Test, population: Population) -> Result<Self, MethodError> {
        population.check()?;
        Ok(Self {
            test,
            population,
            seen: 0,
            sum: 0.0,
            lost: 0.0,
            mean: 0.0,
            squares: 0.0,
            statistic: 1.0,
            error: 0.0,
            components: match test {
                Test::BetMixture { bets } => vec![1.0; bets.len()],
                _ => Vec::new(),
            },
            counts: [0; 5],
            last_ideal_bet: 0.0,
            greatest: 1.0,
            greatest_error: 0.0,
        })
    }

    /// The risk so far.
    #[must_use]
    pub fn risk(&self) -> Risk {
        Risk {
            value: 1.0 / self.greatest,
            relative_error: self.greatest_error,
        }
    }

    /// How many cards have been seen.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// What the next card will be judged by: ALPHA's alternative mean, or the bet; nothing else has one and gives 0.
    #[must_use]
    pub fn parameter(&self) -> f64 {
        let Remaining::Mean(mean, _) = self.remaining() else {
            return 0.0;
        };
        match self.test {
            Test::AlphaFixed { .. } | Test::AlphaShrink { .. } | Test::AlphaComparison { .. } => {
                self.expected_mean(mean).clamp(0.0, self.population.upper_bound)
            }
            _ => self.bet(mean).clamp(0.0, 1.0 / mean),
        }
    }

    /// Takes the next card in and returns the statistic; one over it is a risk at this moment.
    ///
    /// Errors: a value outside 0 to the bound, or more values than cards.
    pub fn push(&mut self, value: f64) -> Result<f64, MethodError> {
        let bound = self.population.upper_bound;
        // Values are quotients of small numbers: what lies beyond the bound by their rounding is the bound.
        if !(value >= 0.0 && value <= bound * (1.0 + 16.0 * f64::EPSILON)) {
            return Err(MethodError::OutOfRange {
                what: "a card's value",
                range: "from 0 to the upper bound",
            });
        }
        if self.population.size.is_some_and(|size| self.seen >= size) {
            return Err(MethodError::OutOfRange {
                what: "cards drawn without replacement",
                range: "at most all cards",
            });
        }
        let value = value.min(bound);
        let statistic = match self.remaining() {
            Remaining::Disproved => f64::INFINITY,
            Remaining::Proved => {
                self.statistic = 0.0;
                0.0
            }
            Remaining::AtTheEnd => 1.0,
            Remaining::Mean(mean, mean_error) => {
                self.step(value, mean, mean_error);
                self.statistic
            }
        };
        self.add(value);
        let statistic = if self.is_sum_above_null() {
            f64::INFINITY
        } else {
            statistic
        };
        let held = statistic.min(LARGEST_STATISTIC);
        if held > self.greatest {
            self.greatest = held;
            self.greatest_error = if statistic.is_infinite() { 0.0 } else { self.error };
        }
        Ok(statistic)
    }

    /// How far the sum may be off: each value is a rounded quotient, and so is each partial sum.
    fn sum_error(&self) -> f64 {
        4.0 * f64::EPSILON * (self.seen as f64 + 1.0) * self.population.upper_bound
    }

    fn remaining(&self) -> Remaining {
        let Some(size) = self.population.size else {
            return Remaining::Mean(self.population.null_mean, 0.0);
        };
        let whole = size as f64 * self.population.null_mean;
        let left = whole - (self.sum + self.lost);
        let slack = self.sum_error() + 4.0 * f64::EPSILON * whole;
        let cards = (size - self.seen) as f64;
        if left < -slack {
            Remaining::Disproved
        } else if left > cards * self.population.upper_bound + slack {
            Remaining::Proved
        } else if left <= slack || left >= cards * self.population.upper_bound - slack {
            Remaining::AtTheEnd
        } else {
            Remaining::Mean(left / cards, slack / cards)
        }
    }

    /// Whether the cards seen alone have more than all cards may have under the null.
    fn is_sum_above_null(&self) -> bool {
        let Some(size) = self.population.size else {
            return false;
        };
        let whole = size as f64 * self.population.null_mean;
        self.sum + self.lost > whole + self.sum_error() + 4.0 * f64::EPSILON * whole
    }

    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum >= value {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        self.sum = sum;
        self.seen += 1;
        let distance = value - self.mean;
        self.mean += distance / self.seen as f64;
        self.squares += distance * (value - self.mean);
    }

    fn step(&mut self, value: f64, mean: f64, mean_error: f64) {
        let bound = self.population.upper_bound;
        let (factor, change) = match self.test {
            Test::AlphaFixed { .. } | Test::AlphaShrink { .. } | Test::AlphaComparison { .. } => {
                let expected = self.expected_mean(mean).clamp(0.0, bound);
                let up = value * expected / mean;
                let down = (bound - value) * (bound - expected) / (bound - mean);
                let change = (up / mean + down / (bound - mean)) / bound;
                ((up + down) / bound, change)
            }
            Test::BetFixed { .. } | Test::BetGrowth { .. } | Test::BetAdaptive(_) => {
                let bet = self.bet(mean).clamp(0.0, 1.0 / mean);
                if let Test::BetGrowth { .. } = self.test {
                    self.note_growth(value, mean);
                }
                if let Test::BetAdaptive(adaptive) = self.test
                    && !adaptive.is_pooled(value)
                {
                    self.counts[adaptive.nearest(value)] += 1;
                }
                (1.0 + bet * (value - mean), bet)
            }
            Test::BetMixture { bets } => {
                let mut sum = 0.0;
                for (component, bet) in self.components.iter_mut().zip(bets) {
                    let bet = bet.clamp(0.0, 1.0 / mean);
                    *component = (*component * (1.0 + bet * (value - mean))).clamp(0.0, LARGEST_STATISTIC);
                    sum += *component;
                }
                let before = self.statistic;
                self.statistic = sum / bets.len().max(1) as f64;
                // Every component's factor moves by at most this much.
                self.error += (mean_error * 2.0 / mean + 16.0 * f64::EPSILON)
                    * (before / self.statistic.max(f64::MIN_POSITIVE)).max(1.0);
                return;
            }
            Test::KaplanMarkov { padding } => {
                let null = self.population.null_mean;
                ((value + padding) / (null + padding), 0.0)
            }
            Test::KaplanWald { padding } => {
                ((1.0 - padding) * value / self.population.null_mean + padding, 0.0)
            }
            Test::KaplanKolmogorov { padding } => {
                ((value + padding) / (mean + padding), 1.0 / (mean + padding))
            }
        };
        let factor = factor.max(0.0);
        self.statistic = (self.statistic * factor).min(LARGEST_STATISTIC);
        self.error += (mean_error * change + 12.0 * f64::EPSILON) / factor.clamp(f64::MIN_POSITIVE, 1.0);
    }

    /// ALPHA's alternative for the next card.
    fn expected_mean(&self, null: f64) -> f64 {
        let bound = self.population.upper_bound;
        match self.test {
            Test::AlphaFixed { mean } => self.population.size.map_or(*mean, |size| {
                (size as f64 * mean - (self.sum + self.lost)) / (size - self.seen) as f64
            }),
            Test::AlphaShrink {
                mean,
                weight,
                distance,
                bound_weight,
                least_deviation,
            } => {
                let distance = distance.unwrap_or((mean - self.population.null_mean) / 2.0);
                let cards = weight + self.seen as f64;
                let shrunk = (weight * mean + self.sum + self.lost) / cards;
                let weighted = if *bound_weight > 0.0 {
                    let deviation = if self.seen < 2 {
                        1.0
                    } else {
                        libm::sqrt(self.squares / self.seen as f64).max(*least_deviation)
                    };
                    let share = bound_weight / deviation;
                    (shrunk + bound * share) / (1.0 + share)
                } else {
                    shrunk
                };
                let away = distance / libm::sqrt(cards);
                weighted.max(null + away).min(bound - away)
            }
            Test::AlphaComparison { two_vote_rate } => {
                let right = bound * (1.0 - two_vote_rate);
                (1.0 - right) / (2.0 - 2.0 * bound) + right - 0.5
            }
            _ => null,
        }
    }

    fn bet(&self, mean: f64) -> f64 {
        match self.test {
            Test::BetFixed { bet } => *bet,
            Test::BetGrowth {
                first,
                least_share,
                most_share,
                growth,
            } => {
                let seen = libm::sqrt(self.seen as f64);
                let share = least_share + (most_share - least_share) * (1.0 - 1.0 / (1.0 + growth * seen));
                let bet = if self.seen == 0 {
                    *first
                } else {
                    self.last_ideal_bet
                };
                bet.clamp(0.0, share / mean)
            }
            Test::BetAdaptive(adaptive) => adaptive.bet(&self.counts, mean),
            _ => 0.0,
        }
    }

    /// The growth-optimal bet after this card (2010.09686, section B.3), for the next one.
    fn note_growth(&mut self, value: f64, null: f64) {
        let cards = (self.seen + 1) as f64;
        let distance = value - self.mean;
        let mean = self.mean + distance / cards;
        let variance = (self.squares + distance * (value - mean)) / cards;
        let above = mean - null;
        let spread = variance + above * above;
        self.last_ideal_bet = if spread > 0.0 { above / spread } else { 0.0 };
    }
}

impl AdaptiveBet {
    /// Values of cards that are overstated by 2 and 1 votes, right, understated by 1 and 2.
    fn values(&self) -> [f64; 5] {
        [0.0, 0.5, 1.0, 1.5, 2.0].map(|factor| factor * self.no_error)
    }

    fn nearest(&self, value: f64) -> usize {
        let half_votes = libm::round(2.0 * value / self.no_error).clamp(0.0, 4.0);
        half_votes as usize
    }

    /// Whether a value is one that pooled cards have: how often those come is known from the pools and need not be learnt.
    fn is_pooled(&self, value: f64) -> bool {
        let is_same = |pooled: f64| (pooled - value).abs() <= 1e-12 * self.no_error;
        self.pooled.iter().any(|(pooled, _)| is_same(*pooled))
    }

    /// The bet that grows the stake fastest if errors keep their rates.
    fn bet(&self, counts: &[u64; 5], mean: f64) -> f64 {
        let weight = self.weight + counts.iter().sum::<u64>() as f64;
        let rate = |expected: f64, count: u64| (self.weight * expected + count as f64) / weight;
        let [two_over, one_over, one_under, two_under] = self.expected;
        let mut rates = [
            rate(two_over, counts[0]),
            rate(one_over, counts[1]),
            0.0,
            rate(one_under, counts[3]),
            rate(two_under, counts[4]),
        ];
        let pooled: f64 = self.pooled.iter().map(|(_, share)| share).sum();
        let errors: f64 = rates.iter().sum();
        rates[2] = (1.0 - errors).max(0.0);
        let unpooled = (1.0 - pooled).max(0.0);
        let values = self.values();
        let terms = || {
            let own = values
                .iter()
                .zip(rates)
                .map(move |(value, rate)| (*value, rate * unpooled));
            own.chain(self.pooled.iter().copied())
        };
        let slope = |bet: f64| -> f64 {
            terms()
                .map(|(value, rate)| rate * (value - mean) / (1.0 + bet * (value - mean)))
                .sum()
        };
        let most = self.largest_loss.clamp(0.0, 1.0 - 1e-6) / mean;
        if slope(0.0) <= 0.0 {
            return 0.0;
        }
        if slope(most) >= 0.0 {
            return most;
        }
        let (mut low, mut high) = (0.0, most);
        // 40 halvings leave less than 1e-11 of the bet.
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if slope(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        0.5 * (low + high)
    }
}
