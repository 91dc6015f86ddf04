//! The scales that findings are measured on.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text or number that is not on its scale.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScaleError {
    /// A word that the scale does not have.
    #[error("{value:?} is not one of {allowed}")]
    Word {
        /// What was given.
        value: String,
        /// The words of the scale, lowest first.
        allowed: String,
    },
    /// A probability outside [0, 1], or not a number.
    #[error("a probability lies between 0 and 1, not at {0}")]
    Probability(f64),
}

/// Gives an enum whose variants have one lower-case word each its text forms in both directions.
macro_rules! words {
    ($scale:ty { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $scale {
            /// Every value of the scale, lowest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for the value, as it stands on the wire and on the command line.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $scale {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }

        impl FromStr for $scale {
            type Err = ScaleError;

            fn from_str(text: &str) -> Result<Self, ScaleError> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(ScaleError::Word { value: text.to_owned(), allowed: [$($word),+].join(", ") }),
                }
            }
        }
    };
}

/// Whether something was done, or something was looked at and is sound.
///
/// "No evidence of change" and "evidence of no change" are different sentences: only an assurance can say the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Polarity {
    /// Something was done.
    Threat,
    /// We looked, and it is sound.
    Assurance,
}
words!(Polarity { Threat = "threat", Assurance = "assurance" });

/// How far a threat got. Ordered; `Unknown` comes first because it claims the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The data cannot say.
    Unknown,
    /// The means exist.
    Prepared,
    /// An address of ill repute came by.
    Contacted,
    /// Somebody looked for a way in.
    Probed,
    /// Somebody tried to get in, or to take something.
    Attempted,
    /// It worked.
    Succeeded,
    /// Data or votes were changed.
    Altered,
}
words!(Stage {
    Unknown = "unknown",
    Prepared = "prepared",
    Contacted = "contacted",
    Probed = "probed",
    Attempted = "attempted",
    Succeeded = "succeeded",
    Altered = "altered",
});

/// How urgently a finding wants a person. `Medium` and up is an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; an assurance always has this.
    Info,
    /// Watch only.
    Low,
    /// Look at it today.
    Medium,
    /// Look at it now.
    High,
    /// Act now.
    Critical,
}
words!(Severity { Info = "info", Low = "low", Medium = "medium", High = "high", Critical = "critical" });

impl Severity {
    /// Whether the severity asks for a person's attention.
    pub fn is_alarm(self) -> bool {
        self >= Severity::Medium
    }
}

/// Who may read something: Traffic Light Protocol 2.0 (FIRST, August 2022), most open first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tlp {
    /// TLP:CLEAR, no limit on disclosure.
    Clear,
    /// TLP:GREEN, the recipients' community.
    Green,
    /// TLP:AMBER, the recipients' organisation and its clients, on a need-to-know basis.
    Amber,
    /// TLP:AMBER+STRICT, the recipients' organisation only.
    #[serde(rename = "amber+strict")]
    AmberStrict,
    /// TLP:RED, the individual recipients only.
    Red,
}
words!(Tlp { Clear = "clear", Green = "green", Amber = "amber", AmberStrict = "amber+strict", Red = "red" });

impl Tlp {
    /// The label as the standard writes it, such as `TLP:AMBER+STRICT`.
    pub fn label(self) -> String {
        format!("TLP:{}", self.word().to_ascii_uppercase())
    }
}

/// A probability in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Probability(f64);

impl Probability {
    /// A probability, when `value` lies in [0, 1].
    ///
    /// Errors: [`ScaleError::Probability`] for anything else, NaN included.
    pub fn new(value: f64) -> Result<Self, ScaleError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Probability(value))
        } else {
            Err(ScaleError::Probability(value))
        }
    }

    /// The nearest probability with three decimals: what a finding carries, so that the same finding has the same bytes on
    /// every machine. NaN becomes 0.
    pub fn rounded(value: f64) -> Self {
        let value = if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 1.0)
        };
        Probability((value * 1000.0).round() / 1000.0)
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = ScaleError;

    fn try_from(value: f64) -> Result<Self, ScaleError> {
        Probability::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> f64 {
        probability.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_and_agrees_with_serde() {
        fn check<T>(all: &[T])
        where
            T: Copy
                + fmt::Display
                + FromStr<Err = ScaleError>
                + PartialEq
                + fmt::Debug
                + Serialize
                + PartialOrd,
        {
            for value in all {
                let word = value.to_string();
                assert_eq!(word.parse::<T>().as_ref(), Ok(value));
                assert_eq!(
                    serde_json::to_value(value).unwrap(),
                    serde_json::Value::String(word)
                );
            }
            assert!(all.is_sorted(), "lowest first");
        }
        check(Polarity::ALL);
        check(Stage::ALL);
        check(Severity::ALL);
        check(Tlp::ALL);
    }

    #[test]
    fn an_alarm_begins_at_medium() {
        let alarms: Vec<_> = Severity::ALL
            .iter()
            .filter(|s| s.is_alarm())
            .map(|s| s.word())
            .collect();
        assert_eq!(alarms, ["medium", "high", "critical"]);
    }

    #[test]
    fn a_probability_stays_in_its_range() {
        assert!(Probability::new(1.01).is_err());
        assert!(Probability::new(f64::NAN).is_err());
        assert_eq!(Probability::rounded(0.97049).get(), 0.97);
        assert_eq!(Probability::rounded(7.0).get(), 1.0);
    }
}
