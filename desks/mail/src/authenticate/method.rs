//! The result of one method of authentication.

use serde::{Deserialize, Serialize};

/// What a method found (RFC 8601, section 2.7), or that nothing can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MethodResult {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// The sender's domain thinks that the sender is not allowed (SPF `~`).
    Softfail,
    /// Nothing is claimed either way.
    Neutral,
    /// There is nothing to check.
    None,
    /// The checking side refused it for reasons of its own.
    Policy,
    /// The name servers gave no answer; another time it may work.
    Temperror,
    /// What was published or signed is faulty.
    Permerror,
    /// The records that are needed were not kept. Never a sign of anything.
    NotCheckable,
}

impl MethodResult {
    /// The result as Authentication-Results fields write it; `not checkable` is ours.
    pub fn as_str(self) -> &'static str {
        match self {
            MethodResult::Pass => "pass",
            MethodResult::Fail => "fail",
            MethodResult::Softfail => "softfail",
            MethodResult::Neutral => "neutral",
            MethodResult::None => "none",
            MethodResult::Policy => "policy",
            MethodResult::Temperror => "temperror",
            MethodResult::Permerror => "permerror",
            MethodResult::NotCheckable => "not checkable",
        }
    }

    /// The result that a field's word means; `None` for a word that no standard and no large service writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "pass" => MethodResult::Pass,
            "fail" | "hardfail" => MethodResult::Fail,
            "softfail" => MethodResult::Softfail,
            "neutral" => MethodResult::Neutral,
            // Microsoft's word for: no record, and it would have passed if there had been one.
            "none" | "bestguesspass" => MethodResult::None,
            "policy" => MethodResult::Policy,
            "temperror" | "error" => MethodResult::Temperror,
            "permerror" | "unknown" => MethodResult::Permerror,
            _ => return None,
        })
    }
}
