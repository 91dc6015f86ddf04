//! An actor: who did what, how far it got, and why we say so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Class, Verdict};

/// How sure a verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// One weak sign, or a guess.
    Low,
    /// Signs that agree.
    Medium,
    /// Signs that hardly anything else leaves.
    High,
}

impl Standing {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Low => "low",
            Standing::Medium => "medium",
            Standing::High => "high",
        }
    }

    /// As a number, for findings: what share of such verdicts we expect to stand.
    pub fn probability(self) -> f64 {
        match self {
            Standing::Low => 0.6,
            Standing::Medium => 0.85,
            Standing::High => 0.97,
        }
    }
}

/// Something that is held against a client, and the lines that show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// What it is.
    pub class: Class,
    /// How far it got.
    pub verdict: Verdict,
    /// How sure that is.
    pub standing: Standing,
    /// The rule that says so, such as `sqli-answers-follow`.
    pub rule: &'static str,
    /// What was seen, in words with numbers.
    pub says: String,
    /// What would overturn it.
    pub overturned_by: &'static str,
    /// Places of the kept lines.
    pub lines: Vec<u32>,
    /// Counts that the words rest on.
    pub counts: BTreeMap<&'static str, u64>,
}

/// A line that shows what an actor did, its values taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// When, as the log says; empty where it does not.
    pub time: String,
    /// What was asked and answered.
    pub what: String,
}

/// One actor in one jurisdiction.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    /// Places of its clients in the site.
    pub clients: Vec<u32>,
    /// Their addresses, the earliest first.
    pub addresses: Vec<IpAddr>,
    /// What most of its lines are.
    pub class: Class,
    /// Everything it did.
    pub classes: BTreeSet<Class>,
    /// How far it got.
    pub verdict: Verdict,
    /// How sure that is.
    pub standing: Standing,
    /// What is held against it; the one that makes the verdict first.
    pub held: Vec<Held>,
    /// Why several clients are one actor.
    pub links: Vec<String>,
    /// Lines held against it, with the class of each.
    pub lines: Vec<(u32, Class)>,
    /// First and last of its lines, in milliseconds since 1970.
    pub first_ms: Option<i64>,
    /// See [`Actor::first_ms`].
    pub last_ms: Option<i64>,
    /// Tools that named themselves.
    pub tools: Vec<String>,
    /// The assessor's name, where a declared one was at work.
    pub assessor: Option<String>,
    /// The campaign that it belongs to.
    pub campaign: Option<String>,
    /// With whom it belongs to it, and why.
    pub campaign_links: Vec<String>,
}
