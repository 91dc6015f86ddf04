//! The desk as the engine meets it: an assessment goes in, findings come out.
//!
//! An assessment is JSON lines: a [`Head`], then one [`ContestResult`] a contest. What it says was derived from the audit's
//! log and files ([`crate::flow`]); here each contest that has ended becomes a finding that rests on its line.

use std::io::{BufRead, Read};

use pollwatch_model::{
    Card, Coverage, Ctx, Desk, DeskError, Excerpt, Fed, Flow, Input, Position, Problem, Run, Saved, Sink,
};

use crate::card::CARD;
use crate::explain::{Head, draft};
use crate::flow::{Assessment, ContestResult};

/// Version of the saved state.
const SAVED_VERSION: u32 = 1;
/// Longest line: a contest with the values of 10 million draws.
const MAX_LINE_BYTES: u64 = 512 << 20;

/// Audits of paper ballots.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditDesk;

/// The assessment in the form that the desk reads.
pub fn document(head: &Head, assessment: &Assessment) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec(head)?;
    bytes.push(b'\n');
    for one in &assessment.contests {
        serde_json::to_writer(&mut bytes, one)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

impl Desk for AuditDesk {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn open(&self, _: &Ctx, saved: Option<&Saved>) -> Result<Box<dyn Run>, DeskError> {
        let head = match saved {
            None => None,
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
        Ok(Box::new(AuditRun { head }))
    }
}

struct AuditRun {
    head: Option<Head>,
}

impl Run for AuditRun {
    fn feed(
        &mut self,
        input: &Input,
        from: Position,
        bytes: &mut dyn BufRead,
        out: &mut dyn Sink,
    ) -> Result<Fed, DeskError> {
        let mut at = from;
        let mut line = Vec::new();
        loop {
            line.clear();
            let io = |source| DeskError::Io {
                input: input.name.clone(),
                at,
                source,
            };
            let length = bytes
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
                .map_err(io)?;
            if length == 0 {
                break;
            }
            at.offset += length as u64;
            at.record += 1;
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let Some(head) = &self.head else {
                let head = serde_json::from_slice(text).map_err(|error| DeskError::Format {
                    input: input.name.clone(),
                    why: format!("its first line is no head of an assessment: {error}"),
                })?;
                self.head = Some(head);
                continue;
            };
            match serde_json::from_slice::<ContestResult>(text) {
                Err(error) => out.problem(Problem::lost(&input.name, at.record, error.to_string())),
                Ok(one) => {
                    if let Some(draft) = draft(head, &one) {
                        let excerpt = Excerpt {
                            bytes: text.to_vec(),
                            media_type: "application/json",
                            locator: format!("{}:{}", input.name, at.record),
                        };
                        out.finding(draft, vec![excerpt])?;
                    }
                }
            }
            if out.flow(1) == Flow::Pause {
                return Ok(Fed::Paused(at));
            }
        }
        if let Some(head) = &self.head {
            out.coverage(Coverage {
                desk: CARD.name.to_owned(),
                source: input.name.clone(),
                sha256: None,
                bytes: 0,
                targets: vec![head.target.id.clone()],
                window: head.window,
                gaps: Vec::new(),
                records_read: head.read,
                records_unread: 0,
                series: None,
                silent: Vec::new(),
                is_complete: true,
            });
        }
        Ok(Fed::End(at))
    }

    fn save(&self) -> Result<Saved, DeskError> {
        Ok(Saved {
            version: SAVED_VERSION,
            bytes: serde_json::to_vec(&self.head).map_err(|error| DeskError::Saved(error.to_string()))?,
        })
    }

    fn finish(self: Box<Self>, _: &mut dyn Sink) -> Result<(), DeskError> {
        Ok(())
    }
}
