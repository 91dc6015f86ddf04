//! From signals to a verdict: additive log-odds, each group bounded, then one calibration.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::detect::Graded;
use crate::evidence::Seen;
use crate::signal::{Group, Signal};

/// What a message is judged to be. Never "safe": that no sign was found is all that can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It cannot be read, or not enough of it.
    CannotTell,
    /// Nothing speaks for phishing.
    NoSign,
    /// Bulk or scam that nobody asked for; no theft of credentials or payments in somebody's name.
    Unwanted,
    /// Something is wrong with it.
    Suspicious,
    /// It is made to deceive.
    Phishing,
}

impl Verdict {
    /// Its name on the wire, such as `no-sign`.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::CannotTell => "cannot-tell",
            Verdict::NoSign => "no-sign",
            Verdict::Unwanted => "unwanted",
            Verdict::Suspicious => "suspicious",
            Verdict::Phishing => "phishing",
        }
    }

    /// Whether it makes a finding.
    pub fn is_alarm(self) -> bool {
        self >= Verdict::Suspicious
    }
}

/// How much a signal says in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Worth a mention; it moved nothing.
    Mention,
    /// It counts beside others.
    Weak,
    /// It counts by itself.
    Strong,
}

/// A signal with its share of the judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weighed {
    /// The signal and its words.
    #[serde(flatten)]
    pub seen: Seen,
    /// Its group.
    pub group: Group,
    /// Log-odds that it brought before its group was bounded.
    pub weight: f64,
    /// How much it says.
    pub band: Band,
}

/// Weights and calibration.
#[derive(Debug, Clone)]
pub struct Weights {
    of: FxHashMap<Signal, f64>,
    calibration: Vec<(f64, f64)>,
}

/// Log-odds of phishing before anything was seen.
const PRIOR: f64 = -4.0;
/// What each group may bring at most: ten findings of one kind count as little more than one.
const CAP_CLAIM: f64 = 3.6;
const CAP_PROOF: f64 = 3.0;
const CAP_ASK: f64 = 2.6;
const CAP_PATH: f64 = 3.6;
/// From this weight a signal is strong.
const STRONG: f64 = 1.5;
/// How much the second, third … signal of a group still counts.
const FADE: f64 = 0.45;

/// Facts beside the signals that the verdict rests on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Circumstances {
    /// The claimed identity is shown to be the sender's.
    pub is_proven: bool,
    /// From is of the reader's own organisation (or one we know), DMARC failed, and nothing excuses it.
    pub is_own_spoofed: bool,
    /// The ask itself leads to the sender (a payment, an answer), and the sender is not who it claims to be.
    pub answers_to_impostor: bool,
    /// A machine of the mail system wrote it about another message.
    pub is_delivery_report: bool,
    /// The text quotes addresses so that nobody follows them: it speaks about attacks.
    pub quotes_indicators: bool,
    /// Nothing could be read.
    pub is_unreadable: bool,
    /// Weight of the phrases of unwanted mail.
    pub unwanted: f64,
}

/// A judgement's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The verdict.
    pub verdict: Verdict,
    /// Calibrated probability of phishing.
    pub probability: f64,
    /// Log-odds before calibration.
    pub score: f64,
    /// Signals, those that decided first.
    pub weighed: Vec<Weighed>,
}

impl Weights {
    /// The weights that come with the desk.
    pub fn built_in() -> Weights {
        Weights::parse(
            include_str!("../data/weights.csv"),
            include_str!("../data/calibration.csv"),
        )
    }

    /// Reads `signal,weight` and `score,probability`. Lines that cannot be read are left out; a test sees that there are none.
    pub fn parse(weights: &str, calibration: &str) -> Weights {
        let pairs = |table: &str| -> Vec<(String, f64)> {
            csv::Reader::from_reader(table.as_bytes())
                .into_records()
                .flatten()
                .filter_map(|record| Some((record.get(0)?.to_owned(), record.get(1)?.parse().ok()?)))
                .collect()
        };
        let by_id: FxHashMap<&str, Signal> =
            Signal::ALL.iter().map(|signal| (signal.id(), *signal)).collect();
        Weights {
            of: pairs(weights)
                .into_iter()
                .filter_map(|(id, weight)| Some((*by_id.get(id.as_str())?, weight)))
                .collect(),
            calibration: pairs(calibration)
                .into_iter()
                .filter_map(|(score, probability)| Some((score.parse().ok()?, probability)))
                .collect(),
        }
    }

    /// The weight of a signal of usual strength, in log-odds.
    pub fn weight(&self, signal: Signal) -> f64 {
        self.of.get(&signal).copied().unwrap_or(0.0)
    }

    /// The same weights without a signal: what an ablation compares with.
    pub fn without(&self, signal: Signal) -> Weights {
        let mut less = self.clone();
        less.of.remove(&signal);
        less
    }

    /// The calibrated probability of a score: linear between the points of the table, which never falls.
    pub fn probability(&self, score: f64) -> f64 {
        let points = &self.calibration;
        let Some((first, last)) = points.first().zip(points.last()) else {
            return 1.0 / (1.0 + (-score).exp());
        };
        if score <= first.0 {
            return first.1;
        }
        points
            .windows(2)
            .find(|pair| score <= pair[1].0)
            .map_or(last.1, |pair| {
                let (from, to) = (pair[0], pair[1]);
                let share = if to.0 > from.0 {
                    (score - from.0) / (to.0 - from.0)
                } else {
                    1.0
                };
                from.1 + share * (to.1 - from.1)
            })
    }

    /// Judges the signals of one message.
    pub fn judge(&self, graded: Vec<Graded>, circumstances: &Circumstances) -> Scored {
        let mut weighed: Vec<Weighed> = graded
            .into_iter()
            .map(|one| {
                let signal = one.seen.signal;
                // Proof takes away the claim that it proves.
                let is_void = circumstances.is_proven
                    && signal.group() == Group::Claim
                    && signal != Signal::FromMultiple;
                let weight = if is_void {
                    0.0
                } else {
                    self.weight(signal) * one.grade
                };
                let band = match weight {
                    weight if weight >= STRONG => Band::Strong,
                    weight if weight > 0.05 => Band::Weak,
                    _ => Band::Mention,
                };
                Weighed {
                    group: signal.group(),
                    seen: one.seen,
                    weight,
                    band,
                }
            })
            .collect();
        weighed.sort_by(|a, b| {
            b.weight
                .total_cmp(&a.weight)
                .then_with(|| a.seen.signal.cmp(&b.seen.signal))
        });
        let sum = |group: Group, cap: f64| {
            weighed
                .iter()
                .filter(|one| one.group == group)
                .zip(0..)
                .map(|(one, at)| one.weight * FADE.powi(at))
                .sum::<f64>()
                .min(cap)
        };
        let (claim, proof, ask) = (
            sum(Group::Claim, CAP_CLAIM),
            sum(Group::Proof, CAP_PROOF),
            sum(Group::Ask, CAP_ASK),
        );
        // Some things have no innocent reading: they are not held down by the bound of their group.
        let has_no_innocent_reading = weighed
            .iter()
            .any(|one| one.seen.signal == Signal::HtmlSmuggling && one.weight > CAP_PATH);
        let cap = if has_no_innocent_reading {
            CAP_PATH + 0.8
        } else {
            CAP_PATH
        };
        let mut path = sum(Group::Path, cap);
        if circumstances.answers_to_impostor {
            path = path.max(1.6);
        }
        // What fails to authenticate says something only about a claim; by itself it is everyday.
        let proof = if claim > 0.5 || circumstances.is_own_spoofed {
            proof
        } else {
            proof.min(0.4)
        };
        let mut score = PRIOR + claim + proof + ask + path;
        if circumstances.is_delivery_report {
            score -= 3.0;
        }
        if circumstances.quotes_indicators {
            score -= 1.0;
        }
        let probability = self.probability(score);
        let groups = [claim, ask, path, proof]
            .iter()
            .filter(|part| **part >= 0.5)
            .count();
        let has_core = claim >= 0.5 || path >= 0.5;
        let is_very_strong = circumstances.is_own_spoofed && ask + path >= 1.0
            || weighed.iter().any(|one| {
                matches!(
                    one.seen.signal,
                    Signal::HtmlSmuggling | Signal::HtmlForm | Signal::Rtlo | Signal::SvgScript
                ) && one.weight >= 2.0
            });
        let verdict = if circumstances.is_unreadable {
            Verdict::CannotTell
        } else if probability >= 0.9 && groups >= 2 && has_core {
            Verdict::Phishing
        } else if probability >= 0.5 && groups >= 2 || is_very_strong {
            Verdict::Suspicious
        } else if circumstances.unwanted >= 4.0 {
            Verdict::Unwanted
        } else {
            Verdict::NoSign
        };
        Scored {
            verdict,
            probability,
            score,
            weighed,
        }
    }
}
