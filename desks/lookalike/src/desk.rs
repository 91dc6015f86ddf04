//! The desk as the engine meets it.

use std::collections::BTreeMap;
use std::io::BufRead;

use pollwatch_model::{
    Card, Coverage, Ctx, Desk, DeskError, Excerpt, Fed, Flow, Input, Observed, Position, Problem, Run, Saved,
    Sink,
};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::card::CARD;
use crate::read::{Item, NameReader};
use crate::{Matcher, Scratch};

/// Version of the saved state.
const SAVED_VERSION: u32 = 1;

/// Pairs of registrable domain and target that a run remembers; beyond it the older half is forgotten, and a name seen
/// again is one finding all the same, for its id does not depend on the run.
const MAX_REMEMBERED: usize = 1_000_000;

/// Records between two questions whether to pause.
const RECORDS_A_QUESTION: u64 = 512;

/// Names that imitate those of the register.
#[derive(Debug, Clone, Copy, Default)]
pub struct LookalikeDesk;

impl Desk for LookalikeDesk {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn open(&self, ctx: &Ctx, saved: Option<&Saved>) -> Result<Box<dyn Run>, DeskError> {
        let (matcher, problems) = Matcher::compile(&ctx.register);
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
        Ok(Box::new(LookalikeRun::new(matcher, problems, state)?))
    }
}

/// What a run keeps between two steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    /// Number of the next finding, so that the oldest can be told.
    next: u64,
    remembered: Vec<Remembered>,
    /// Of each input not yet read to its end, what was seen so far.
    inputs: BTreeMap<String, Tallied>,
    /// The reader of the input that was being read when the state was saved.
    reader: Option<serde_json::Value>,
}

/// One finding of this run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Remembered {
    registrable: String,
    target: u32,
    /// The name on which it rests.
    name: String,
    observed: Observed,
    score: f32,
    order: u64,
    #[serde(skip)]
    is_widened: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Tallied {
    read: u64,
    unread: u64,
    window: Observed,
}

struct LookalikeRun {
    matcher: Matcher,
    scratch: Scratch,
    problems: Vec<Problem>,
    found: FxHashMap<(String, u32), Remembered>,
    /// Keys whose interval grew since they were last put into the record.
    widened: Vec<(String, u32)>,
    next: u64,
    inputs: BTreeMap<String, Tallied>,
    /// The reader of the input that is read at the moment: it knows the columns of a CSV and the origin of a zone.
    reader: Option<NameReader>,
}

impl LookalikeRun {
    fn new(matcher: Matcher, problems: Vec<Problem>, state: State) -> Result<Self, DeskError> {
        let found = state
            .remembered
            .into_iter()
            .map(|entry| ((entry.registrable.clone(), entry.target), entry))
            .collect();
        let reader = state.reader.map(NameReader::restore).transpose()?;
        Ok(LookalikeRun {
            matcher,
            scratch: Scratch::default(),
            problems,
            found,
            widened: Vec::new(),
            next: state.next,
            inputs: state.inputs,
            reader,
        })
    }

    /// Judges one record and gives the finding to the sink when it says something new. Tells whether it could be read.
    fn judge(
        &mut self,
        input: &Input,
        name: &str,
        record: u64,
        excerpt: &[u8],
        seen: Option<jiff::Timestamp>,
        out: &mut dyn Sink,
    ) -> Result<bool, DeskError> {
        let hit = match self.matcher.judge(name, &mut self.scratch) {
            Ok(Some(hit)) => hit,
            Ok(None) => return Ok(true),
            Err(error) => {
                out.problem(Problem::lost(&input.name, record, format!("not a name: {error}")));
                return Ok(false);
            }
        };
        let registrable = self.scratch.name().registrable().unwrap_or_default().to_owned();
        let key = (registrable, hit.target);
        let sighted = Observed::at(seen);
        if let Some(known) = self.found.get_mut(&key) {
            let wider = known.observed.union(sighted);
            let is_stronger = hit.score > known.score;
            if wider != known.observed && !known.is_widened && !is_stronger {
                known.is_widened = true;
                self.widened.push(key.clone());
            }
            known.observed = wider;
            if !is_stronger {
                return Ok(true);
            }
            known.score = hit.score;
            known.name = self.scratch.name().ascii().to_owned();
            let draft = self.matcher.draft(&hit, &self.scratch, wider);
            out.finding(draft, vec![excerpt_of(input, record, excerpt)])?;
            return Ok(true);
        }
        self.forget_when_full();
        self.found.insert(
            key.clone(),
            Remembered {
                registrable: key.0,
                target: key.1,
                name: self.scratch.name().ascii().to_owned(),
                observed: sighted,
                score: hit.score,
                order: self.next,
                is_widened: false,
            },
        );
        self.next += 1;
        let draft = self.matcher.draft(&hit, &self.scratch, sighted);
        out.finding(draft, vec![excerpt_of(input, record, excerpt)])?;
        Ok(true)
    }

    fn forget_when_full(&mut self) {
        if self.found.len() < MAX_REMEMBERED {
            return;
        }
        let oldest_kept = self.next.saturating_sub(MAX_REMEMBERED as u64 / 2);
        // What is still to be told of is told first.
        self.found
            .retain(|_, entry| entry.order >= oldest_kept || entry.is_widened);
    }

    /// Puts findings whose interval grew into the record again, in the order of their names.
    fn tell_widened(&mut self, out: &mut dyn Sink) -> Result<(), DeskError> {
        let mut keys = std::mem::take(&mut self.widened);
        keys.sort();
        for key in keys {
            let Some(known) = self.found.get_mut(&key) else {
                continue;
            };
            known.is_widened = false;
            let (name, observed) = (known.name.clone(), known.observed);
            if let Ok(Some(hit)) = self.matcher.judge(&name, &mut self.scratch) {
                out.finding(self.matcher.draft(&hit, &self.scratch, observed), Vec::new())?;
            }
        }
        Ok(())
    }
}

fn excerpt_of(input: &Input, record: u64, bytes: &[u8]) -> Excerpt {
    Excerpt {
        bytes: bytes.to_vec(),
        media_type: "text/plain",
        locator: format!("{}:{record}", input.name),
    }
}

impl Run for LookalikeRun {
    fn feed(
        &mut self,
        input: &Input,
        from: Position,
        bytes: &mut dyn BufRead,
        out: &mut dyn Sink,
    ) -> Result<Fed, DeskError> {
        for problem in std::mem::take(&mut self.problems) {
            out.problem(problem);
        }
        // Taken out for the time of reading: at a million names a second a look-up for each would be felt.
        let mut tallied = self.inputs.remove(&input.name).unwrap_or_default();
        let mut reader = match self.reader.take() {
            Some(reader) if from != Position::default() => reader,
            _ => NameReader::open(input.format.as_deref(), input)?,
        };
        let mut failed = None;
        let mut since_asked = 0;
        let outcome = reader.read(from, bytes, &mut |item| {
            match item {
                Item::Name(record) => {
                    match self.judge(
                        input,
                        record.name,
                        record.record,
                        record.excerpt,
                        record.seen,
                        out,
                    ) {
                        Ok(true) => tallied.read += 1,
                        Ok(false) => tallied.unread += 1,
                        Err(error) => {
                            failed = Some(error);
                            return Flow::Pause;
                        }
                    }
                    if record.seen.is_some() {
                        tallied.window = tallied.window.union(Observed::at(record.seen));
                    }
                }
                Item::Problem(problem) => {
                    tallied.unread += problem.records_lost;
                    out.problem(problem);
                }
            }
            since_asked += 1;
            if since_asked >= RECORDS_A_QUESTION {
                let flow = out.flow(since_asked);
                since_asked = 0;
                return flow;
            }
            Flow::Continue
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let outcome = match outcome {
            Ok(Fed::End(position)) if out.may_grow() => Ok(Fed::Paused(position)),
            other => other,
        };
        let _ = out.flow(since_asked);
        self.tell_widened(out)?;
        let is_complete = matches!(outcome, Ok(Fed::End(_)));
        if is_complete || outcome.is_err() {
            out.coverage(Coverage {
                desk: CARD.name.to_owned(),
                source: input.name.clone(),
                sha256: None,
                bytes: 0,
                targets: Vec::new(),
                window: tallied.window,
                gaps: Vec::new(),
                records_read: tallied.read,
                records_unread: tallied.unread,
                series: None,
                silent: Vec::new(),
                is_complete,
            });
        }
        if matches!(outcome, Ok(Fed::Paused(_))) {
            self.inputs.insert(input.name.clone(), tallied);
            self.reader = Some(reader);
        }
        outcome
    }

    fn save(&self) -> Result<Saved, DeskError> {
        let mut remembered: Vec<Remembered> = self.found.values().cloned().collect();
        remembered.sort_by_key(|entry| entry.order);
        let state = State {
            next: self.next,
            remembered,
            inputs: self.inputs.clone(),
            reader: self.reader.as_ref().map(NameReader::save),
        };
        let bytes = serde_json::to_vec(&state).map_err(|error| DeskError::Saved(error.to_string()))?;
        Ok(Saved {
            version: SAVED_VERSION,
            bytes,
        })
    }

    fn finish(mut self: Box<Self>, out: &mut dyn Sink) -> Result<(), DeskError> {
        self.tell_widened(out)
    }
}
