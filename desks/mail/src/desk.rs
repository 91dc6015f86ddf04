//! The desk as the engine meets it.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pollwatch_model::{
    Card, Coverage, Ctx, Desk, DeskError, Excerpt, Fed, Flow, Input, Observed, Position, Problem, Register,
    Run, Saved, Sink,
};
use serde::{Deserialize, Serialize};

use crate::campaign::{Role, Traits, campaigns};
use crate::card::CARD;
use crate::examine::{Examiner, Judged};
use crate::explain::{campaign_draft, campaign_excerpt, message_draft, target_of};
use crate::read::{self, Item};

/// Version of the saved state.
const SAVED_VERSION: u32 = 1;

/// Messages whose traits a run remembers for joining; beyond it the oldest are forgotten, and said so.
const MAX_REMEMBERED: usize = 200_000;

/// Messages that pretend to be from somebody else.
#[derive(Debug, Clone, Copy, Default)]
pub struct MailDesk;

impl Desk for MailDesk {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn open(&self, ctx: &Ctx, saved: Option<&Saved>) -> Result<Box<dyn Run>, DeskError> {
        let state = match saved {
            None => State::default(),
            Some(saved) if saved.version == SAVED_VERSION => {
                serde_json::from_slice(&saved.bytes).map_err(|error| DeskError::Saved(error.to_string()))?
            }
            Some(saved) => {
                return Err(DeskError::Saved(format!(
                    "its state has version {}, and this program reads version {SAVED_VERSION}",
                    saved.version
                )));
            }
        };
        Ok(Box::new(MailRun {
            examiner: Examiner::new(Arc::clone(&ctx.register), ctx.judges.names.clone()),
            register: Arc::clone(&ctx.register),
            state,
        }))
    }
}

/// What a run keeps between two steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    remembered: Vec<Traits>,
    forgotten: u64,
    /// Of each input not yet read to its end, what was seen so far.
    inputs: BTreeMap<String, Tallied>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Tallied {
    read: u64,
    unread: u64,
    window: Observed,
    targets: BTreeMap<usize, u64>,
}

struct MailRun {
    examiner: Examiner,
    register: Arc<Register>,
    state: State,
}

/// Judges every message that `raw` means. A reader that fails costs the message, not the run: `None` then.
pub fn examine_guarded(examiner: &Examiner, raw: &[u8], locator: &str) -> Option<Vec<Judged>> {
    catch_unwind(AssertUnwindSafe(|| examiner.examine(raw, locator, None))).ok()
}

impl MailRun {
    fn judge(
        &mut self,
        raw: &[u8],
        locator: &str,
        record: u64,
        input: &Input,
        tallied: &mut Tallied,
        out: &mut dyn Sink,
    ) -> Result<(), DeskError> {
        let Some(all) = examine_guarded(&self.examiner, raw, locator) else {
            tallied.unread += 1;
            out.problem(Problem::lost(
                &input.name,
                record,
                "cannot tell: a reader gave up on this message; report it to the makers of Pollwatch"
                    .to_owned(),
            ));
            return Ok(());
        };
        tallied.read += 1;
        for judged in all {
            if judged.date.is_some() {
                tallied.window = tallied.window.union(Observed::at(judged.date));
            }
            if let Some(target) = judged.target {
                *tallied.targets.entry(target).or_default() += 1;
            }
            if let Some(draft) = message_draft(&judged, &self.register) {
                let excerpt = Excerpt {
                    bytes: judged.bytes,
                    media_type: "message/rfc822",
                    locator: if judged.part.is_empty() {
                        locator.to_owned()
                    } else {
                        format!("{locator}#{}", judged.part)
                    },
                };
                out.finding(draft, vec![excerpt])?;
            }
            self.state.remembered.push(judged.traits);
        }
        if self.state.remembered.len() > MAX_REMEMBERED {
            let surplus = self.state.remembered.len() - MAX_REMEMBERED / 2;
            self.state.remembered.drain(..surplus);
            self.state.forgotten += surplus as u64;
        }
        Ok(())
    }
}

impl MailRun {
    fn cover(&self, input: &Input, tallied: &Tallied, is_complete: bool, out: &mut dyn Sink) {
        let targets = tallied
            .targets
            .keys()
            .filter_map(|place| target_of(&self.register, Some(*place)))
            .map(|target| target.id)
            .collect();
        out.coverage(Coverage {
            desk: CARD.name.to_owned(),
            source: input.name.clone(),
            sha256: None,
            bytes: 0,
            targets,
            window: tallied.window,
            gaps: Vec::new(),
            records_read: tallied.read,
            records_unread: tallied.unread,
            series: None,
            silent: Vec::new(),
            is_complete,
        });
    }
}

/// The person of the register whose address it is, or whose office it belongs to.
pub fn role_of(examiner: &Examiner, register: &Register, address: &str) -> Option<Role> {
    let person = examiner.known().people.iter().find(|person| {
        person
            .addresses
            .iter()
            .any(|own| own.eq_ignore_ascii_case(address))
    });
    let target = examiner.target_of_address(address)?;
    Some(Role {
        target: register.targets.get(target)?.id.to_string(),
        name: person.map(|person| person.name.clone()).unwrap_or_default(),
        role: person.map(|person| person.role.clone()).unwrap_or_default(),
    })
}

impl Run for MailRun {
    fn feed(
        &mut self,
        input: &Input,
        from: Position,
        bytes: &mut dyn BufRead,
        out: &mut dyn Sink,
    ) -> Result<Fed, DeskError> {
        let mut tallied = self.state.inputs.remove(&input.name).unwrap_or_default();
        let start = read::Position {
            offset: from.offset,
            records: from.record,
        };
        let mut failed = None;
        let mut at = from;
        let mut is_paused = false;
        let outcome = read::read_messages(&input.name, input.format.as_deref(), start, bytes, &mut |item| {
            match item {
                Item::Message(message) => {
                    let record = at.record + 1;
                    if let Err(error) =
                        self.judge(&message.bytes, &message.locator, record, input, &mut tallied, out)
                    {
                        failed = Some(error);
                        return false;
                    }
                    at = Position {
                        offset: message.next.offset,
                        record: message.next.records,
                    };
                }
                Item::Problem { locator, what } => {
                    tallied.unread += 1;
                    out.problem(Problem::lost(
                        &input.name,
                        at.record + 1,
                        format!("{locator}: {what}"),
                    ));
                }
            }
            is_paused = out.flow(1) == Flow::Pause;
            !is_paused
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let reached = match outcome {
            Ok(reached) => reached,
            Err(source) => {
                self.cover(input, &tallied, false, out);
                return Err(DeskError::Io {
                    input: input.name.clone(),
                    at,
                    source,
                });
            }
        };
        let position = Position {
            offset: reached.position.offset,
            record: reached.position.records,
        };
        if (is_paused && !reached.is_complete) || out.may_grow() {
            self.state.inputs.insert(input.name.clone(), tallied);
            return Ok(Fed::Paused(position));
        }
        self.cover(input, &tallied, true, out);
        Ok(Fed::End(position))
    }

    fn save(&self) -> Result<Saved, DeskError> {
        let bytes = serde_json::to_vec(&self.state).map_err(|error| DeskError::Saved(error.to_string()))?;
        Ok(Saved {
            version: SAVED_VERSION,
            bytes,
        })
    }

    fn finish(self: Box<Self>, out: &mut dyn Sink) -> Result<(), DeskError> {
        if self.state.forgotten > 0 {
            out.problem(Problem::remark(
                CARD.name,
                None,
                format!("the oldest {} messages were not joined with later ones: a run joins {MAX_REMEMBERED} at most", self.state.forgotten),
            ));
        }
        let all = &self.state.remembered;
        let role = |address: &str| role_of(&self.examiner, &self.register, address);
        for campaign in campaigns(all, &role) {
            if campaign.members.len() < 2 {
                continue;
            }
            let members: Vec<&Traits> = campaign.members.iter().filter_map(|at| all.get(*at)).collect();
            let messages: Vec<String> = members.iter().map(|traits| traits.message.clone()).collect();
            let claimed = members
                .iter()
                .map(|traits| traits.claim.as_str())
                .find(|claim| !claim.is_empty())
                .unwrap_or_default();
            // The target that most messages were aimed at.
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for traits in &members {
                *counts.entry(traits.target.as_str()).or_default() += 1;
            }
            let most = counts
                .iter()
                .filter(|(id, _)| !id.is_empty())
                .max_by_key(|(_, count)| **count)
                .map(|(id, _)| *id);
            let place = most.and_then(|id| {
                self.register
                    .targets
                    .iter()
                    .position(|target| target.id.as_str() == id)
            });
            let Some(target) = target_of(&self.register, place) else {
                continue;
            };
            out.finding(
                campaign_draft(&campaign, all, &messages, claimed, target),
                vec![campaign_excerpt(&campaign, all)],
            )?;
        }
        Ok(())
    }
}
