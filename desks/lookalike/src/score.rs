//! The table of weights: `data/weights.csv`, fitted by `cargo xtask fit lookalike`.

use std::sync::LazyLock;

use crate::features::{CARDS, FEATURES, Levels, REST_FEATURES};

/// Log-odds points for each level of each feature, and the thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Points of a candidate with no levels.
    pub bias: f32,
    /// Points by feature and level.
    pub points: [[f32; MAX_LEVELS]; FEATURES],
    /// From this score on a finding is kept as `low`: watch only.
    pub low: f32,
    /// From this score on it is an alarm.
    pub medium: f32,
    /// From this score on it is the top tier.
    pub high: f32,
    /// Turns a score into log-odds that the name is what it seems: `slope * score + offset`.
    pub slope: f32,
    /// See `slope`.
    pub offset: f32,
}

/// Most levels of a feature.
pub const MAX_LEVELS: usize = 64;

impl Default for Weights {
    fn default() -> Self {
        Weights {
            bias: 0.0,
            points: [[0.0; MAX_LEVELS]; FEATURES],
            low: f32::MAX,
            medium: f32::MAX,
            high: f32::MAX,
            slope: 1.0,
            offset: 0.0,
        }
    }
}

impl Weights {
    /// The table that is built in.
    pub fn built_in() -> &'static Weights {
        static WEIGHTS: LazyLock<Weights> =
            LazyLock::new(|| Weights::parse(include_str!("../data/weights.csv")));
        &WEIGHTS
    }

    /// Reads `feature,level,points` lines; lines that begin with `#` are provenance. Unknown names are passed over.
    pub fn parse(text: &str) -> Weights {
        let mut weights = Weights::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split(',').map(str::trim);
            let (Some(feature), Some(level), Some(points)) = (cells.next(), cells.next(), cells.next())
            else {
                continue;
            };
            let Ok(points) = points.parse::<f32>() else {
                continue;
            };
            match (feature, level) {
                ("bias", _) => weights.bias = points,
                ("threshold", "low") => weights.low = points,
                ("threshold", "medium") => weights.medium = points,
                ("threshold", "high") => weights.high = points,
                ("calibration", "slope") => weights.slope = points,
                ("calibration", "offset") => weights.offset = points,
                _ => {
                    let at = CARDS.iter().enumerate().find_map(|(index, card)| {
                        (card.name == feature).then_some(())?;
                        card.levels
                            .iter()
                            .position(|name| *name == level)
                            .map(|level| (index, level))
                    });
                    if let Some((feature, level)) = at {
                        weights.points[feature][level] = points;
                    }
                }
            }
        }
        weights
    }

    /// The score of one candidate, in points.
    #[inline]
    pub fn score(&self, levels: &Levels) -> f32 {
        let mut score = self.bias;
        for (feature, level) in levels.iter().enumerate() {
            score += self.points[feature][*level as usize & (MAX_LEVELS - 1)];
        }
        score
    }

    /// The most that a candidate can reach whatever stands beside its unit.
    pub(crate) fn upper_bound(&self, levels: &Levels, rest_bound: f32) -> f32 {
        let mut score = self.bias + rest_bound;
        for (feature, level) in levels.iter().enumerate() {
            if !REST_FEATURES.contains(&feature) {
                score += self.points[feature][*level as usize & (MAX_LEVELS - 1)];
            }
        }
        score
    }

    /// The most points that what stands beside a unit can bring.
    pub(crate) fn rest_bound(&self, is_short: bool) -> f32 {
        REST_FEATURES
            .iter()
            .filter(|feature| match feature {
                8 | 25 => is_short,
                9 | 22 => !is_short,
                _ => true,
            })
            .map(|feature| {
                let points = &self.points[*feature][..CARDS[*feature].levels.len()];
                points.iter().copied().fold(f32::MIN, f32::max)
            })
            .sum()
    }

    /// The calibrated probability that a name of this score is what it seems.
    pub fn probability(&self, score: f32) -> f64 {
        let odds = f64::from(self.slope * score + self.offset);
        1.0 / (1.0 + (-odds).exp())
    }
}
