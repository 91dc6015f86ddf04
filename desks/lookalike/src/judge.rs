//! The desk's judgement as other desks may ask for it: one name at a time, whom it imitates.

use std::sync::Mutex;

use pollwatch_model::{NameJudge, NameJudgement, Probability, Register, Severity};

use crate::{Matcher, Scratch};

/// Judges single names against a register.
pub struct NamesJudge {
    matcher: Matcher,
    scratch: Mutex<Scratch>,
}

impl NamesJudge {
    /// A judge for `register`.
    pub fn compile(register: &Register) -> Self {
        NamesJudge {
            matcher: Matcher::compile(register).0,
            scratch: Mutex::default(),
        }
    }
}

impl NameJudge for NamesJudge {
    fn judge_name(&self, host: &str) -> Option<NameJudgement> {
        let mut scratch = match self.scratch.lock() {
            Ok(scratch) => scratch,
            // The scratch is written anew for each name: what a panic left in it does no harm.
            Err(poisoned) => poisoned.into_inner(),
        };
        let hit = self.matcher.judge(host, &mut scratch).ok()??;
        if hit.severity < Severity::Medium {
            return None;
        }
        Some(NameJudgement {
            target: hit.target as usize,
            protected: self.matcher.protected(hit.imitates).domain.clone(),
            says: hit.technique.to_owned(),
            confidence: Probability::rounded(hit.probability),
        })
    }
}
