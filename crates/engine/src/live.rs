//! A run that does not end: the desk's side of `pollwatch watch`.
//!
//! A batch run ends when its inputs end. A live run is fed as bytes arrive, commits what it found with the place that it
//! reached, and is taken up from there after a stop or a crash. What a desk says only at the end of a run (a campaign, how
//! far an actor got) is asked of a copy that is opened from the saved state and ended, while the run itself goes on.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufRead;
use std::sync::Arc;

use jiff::Timestamp;
use pollwatch_model::{
    Ctx, Desk, DeskError, EvidenceId, Fed, Finding, FindingId, Input, Polarity, Position, Problem, Run, Saved,
};
use pollwatch_store::{InputPosition, RunId, RunStart, Store};
use serde_json::Value;

use crate::input::Opened;
use crate::record::commit_step;
use crate::run::{Collector, Novelty, Progress, Step, Watcher, with_causes};
use crate::workspace::Workspace;
use crate::{Error, desks};

/// How the key of a live run begins: it is taken up by its source's name, never by its inputs.
pub(crate) const LIVE_KEY: &str = "live ";
/// Version of the envelope in which a live run's place and its desk's state are kept.
const ENVELOPE_VERSION: u32 = 1;

/// Whether more may follow after the bytes that are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Following {
    /// The source is still written to.
    MayGrow,
    /// These are its last bytes.
    Ended,
}

/// What one source is to a live run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSource {
    /// The name by which it is taken up again.
    pub name: String,
    /// What makes it the same source, beside its name: a change begins anew. The register and the desk's settings are
    /// taken into account by themselves.
    pub identity: String,
}

/// A live run that was taken up or begun.
pub struct Taken {
    /// The run.
    pub run: LiveRun,
    /// The place that was recorded last; `None` for a run that begins.
    pub place: Option<Value>,
    /// Inputs that were read to their end, by the names under which they were recorded.
    pub done: Vec<String>,
    /// Inputs that were begun.
    pub inputs: usize,
    /// What is worth saying about taking it up.
    pub remark: Option<String>,
}

/// One input of a live run, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadInput {
    /// Its number in the life of the source, from 0.
    pub ordinal: usize,
    /// What it is known by when the run is taken up.
    pub name: String,
    /// How far it was read.
    pub position: Position,
    /// Whether that is its end.
    pub is_done: bool,
}

/// What a live run has recorded already, so that it is not recorded again and again.
#[derive(Debug, Default)]
pub struct Recorded(HashMap<FindingId, u64>);

/// Findings that [`Recorded`] remembers; beyond them all are forgotten, and at worst compared with the record once more.
const MAX_RECORDED: usize = 200_000;

/// A run that does not end.
pub struct LiveRun {
    desk: &'static dyn Desk,
    ctx: Ctx,
    run: Box<dyn Run>,
    id: RunId,
}

/// What was found in one go, before it is recorded.
#[derive(Debug, Default)]
pub struct LiveStep {
    step: Step,
    /// How far the input was read.
    pub reached: Position,
    /// Whether that is its end.
    pub is_end: bool,
    /// Records read.
    pub records: u64,
    /// Records that could not be read.
    pub records_unread: u64,
    /// Why the input could not be read to the end of what was given.
    pub failure: Option<String>,
}

impl LiveStep {
    /// Whether it holds findings, coverage or problems.
    pub fn says_something(&self) -> bool {
        !self.step.findings.is_empty() || !self.step.coverage.is_empty() || !self.step.problems.is_empty()
    }

    /// Whether it holds findings.
    pub fn has_findings(&self) -> bool {
        !self.step.findings.is_empty()
    }

    /// Drops findings that are recorded as they are, with their evidence.
    pub fn leave_out(&mut self, recorded: &Recorded) {
        self.step
            .findings
            .retain(|finding| recorded.0.get(&finding.id) != Some(&digest_of(finding)));
        let referred: HashSet<EvidenceId> = self
            .step
            .findings
            .iter()
            .flat_map(|finding| finding.evidence.iter().map(|piece| piece.sha256))
            .collect();
        self.step.evidence.retain(|(id, _)| referred.contains(id));
    }

    /// Remembers the findings of this step, which was recorded.
    pub fn remember_in(&self, recorded: &mut Recorded) {
        if recorded.0.len() > MAX_RECORDED {
            recorded.0.clear();
        }
        for finding in &self.step.findings {
            recorded.0.insert(finding.id.clone(), digest_of(finding));
        }
    }

    /// Adds something worth saying about the source.
    pub fn remark(&mut self, input: &str, what: impl Into<String>) {
        self.step.problems.push(Problem::remark(input, None, what.into()));
    }

    /// Puts `later`, found after it in the same run, behind it.
    pub fn absorb(&mut self, later: LiveStep) {
        for finding in later.step.findings {
            match self.step.findings.iter_mut().find(|known| known.id == finding.id) {
                Some(known) => *known = known.merged(&finding),
                None => self.step.findings.push(finding),
            }
        }
        self.step.evidence.extend(later.step.evidence);
        self.step.coverage.extend(later.step.coverage);
        self.step.problems.extend(later.step.problems);
        self.step.problems_left_out += later.step.problems_left_out;
        self.reached = later.reached;
        self.is_end = later.is_end;
        self.records += later.records;
        self.records_unread += later.records_unread;
        self.failure = later.failure.or(self.failure.take());
    }

    /// Adds what is known of a source that was read to its end.
    pub fn account(&mut self, input: &str, opened: Opened) {
        match opened.finish() {
            Ok(source) => {
                self.step.problems.extend(source.problems);
                for coverage in self.step.coverage.iter_mut().filter(|seen| seen.source == input) {
                    coverage.bytes = source.bytes;
                    coverage.sha256 = source.sha256.parse().ok();
                    coverage.is_complete = self.is_end && self.failure.is_none();
                }
            }
            Err(error) => self.remark(input, with_causes(&error)),
        }
    }
}

impl LiveRun {
    /// Takes up the live run of `source` through `desk`, or begins it. Gives with it the place that was recorded last.
    ///
    /// A saved state that the desk cannot take up is given up with a remark: what was found stands, what was only suspected
    /// is forgotten. Errors: a record that cannot be read or written, settings that the desk refuses.
    pub fn open(
        workspace: &mut Workspace,
        desk: &'static dyn Desk,
        source: &LiveSource,
        now: Timestamp,
    ) -> Result<Taken, Error> {
        let name = desk.card().name;
        let stopped = |source: DeskError| Error::Desk { desk: name, source };
        let settings = workspace.settings().desk.get(name).cloned();
        let ctx = Ctx {
            register: Arc::clone(workspace.register()),
            settings: settings.map_or(Ok(Value::Null), serde_json::to_value)?,
            now,
            seed: 0,
            scratch: None,
            judges: desks::judges(name, workspace.register()),
        };
        let bound = serde_json::to_vec(&(workspace.register().as_ref(), &ctx.settings, &source.identity))?;
        let prefix = format!("{LIVE_KEY}{} ", source.name);
        let key = format!("{prefix}{}", EvidenceId::of(&bound));
        let earlier = workspace
            .block_on(workspace.store().unfinished_run(name, &key))
            .map_err(Error::store("read"))?;
        if let Some(earlier) = earlier {
            let (place, saved) = match earlier.saved.as_ref().map(open_envelope) {
                None => (None, None),
                Some(Some((place, saved))) => (Some(place), Some(saved)),
                Some(None) => (None, None),
            };
            let id = earlier.start.id;
            let (run, remark) = match desk.open(&ctx, saved.as_ref()) {
                Ok(run) => (run, None),
                Err(DeskError::Saved(why)) => {
                    let what = format!(
                        "the state of an earlier version cannot be taken up ({why}): what was found stands, what was \
                         only suspected is forgotten"
                    );
                    (desk.open(&ctx, None).map_err(stopped)?, Some(what))
                }
                Err(error) => return Err(stopped(error)),
            };
            let done = earlier.positions.iter().filter(|input| input.is_done);
            return Ok(Taken {
                run: LiveRun { desk, ctx, run, id },
                place,
                done: done.map(|input| input.input_name.clone()).collect(),
                inputs: earlier
                    .positions
                    .iter()
                    .map(|input| input.ordinal as usize + 1)
                    .max()
                    .unwrap_or(0),
                remark,
            });
        }
        // An earlier run of this source under another register or other settings is over.
        let unfinished = workspace
            .block_on(workspace.store().unfinished_runs())
            .map_err(Error::store("read"))?;
        for run in unfinished
            .iter()
            .filter(|run| run.desk == name && run.inputs_key.starts_with(&prefix))
        {
            workspace
                .block_on(workspace.store().finish_run(&run.id))
                .map_err(Error::store("write to"))?;
        }
        let id = RunId(format!("{name}-{}", now.as_nanosecond()));
        let start = RunStart {
            id: id.clone(),
            desk: name.to_owned(),
            started: now,
            inputs_key: key,
            inputs: serde_json::json!([source.name]),
        };
        workspace
            .block_on(workspace.store().begin_run(&start))
            .map_err(Error::store("write to"))?;
        let run = desk.open(&ctx, None).map_err(stopped)?;
        Ok(Taken {
            run: LiveRun { desk, ctx, run, id },
            place: None,
            done: Vec::new(),
            inputs: 0,
            remark: None,
        })
    }

    /// The desk's name.
    pub fn desk_name(&self) -> &'static str {
        self.desk.card().name
    }

    /// Feeds bytes that stand at `from` of `input`, until they end or enough was found to be recorded.
    ///
    /// Errors: a desk that cannot go on. What is wrong with the input is in the step.
    pub fn feed(
        &mut self,
        input: &Input,
        from: Position,
        bytes: &mut dyn BufRead,
        following: Following,
    ) -> Result<LiveStep, Error> {
        let name = self.desk.card().name;
        feed_run(name, self.run.as_mut(), input, from, bytes, following)
    }

    /// The run's state as it is now.
    pub fn save(&self) -> Result<Saved, Error> {
        self.run.save().map_err(|source| Error::Desk {
            desk: self.desk.card().name,
            source,
        })
    }

    /// What the desk would say if the run ended now, its open inputs being read up to the places given.
    ///
    /// Assurances are left out: a source that is still written to was not looked at to its end.
    ///
    /// `saved` is the run's state, as [`LiveRun::save`] gives it.
    pub fn settle(&self, saved: &Saved, open: &[(Input, Position)]) -> Result<LiveStep, Error> {
        let name = self.desk.card().name;
        let stopped = |source: DeskError| Error::Desk { desk: name, source };
        let mut copy = self.desk.open(&self.ctx, Some(saved)).map_err(stopped)?;
        let mut all = LiveStep::default();
        for (input, position) in open {
            let mut nothing: &[u8] = &[];
            let step = feed_run(
                name,
                copy.as_mut(),
                input,
                *position,
                &mut nothing,
                Following::Ended,
            )?;
            all.absorb(step);
        }
        let mut silent = Silent;
        let mut collector = Collector::new(name, "", &mut silent);
        copy.finish(&mut collector).map_err(stopped)?;
        let step = collector.into_step();
        all.absorb(LiveStep {
            step,
            ..LiveStep::default()
        });
        all.step
            .findings
            .retain(|finding| finding.polarity == Polarity::Threat);
        for coverage in &mut all.step.coverage {
            coverage.is_complete = false;
            coverage.sha256 = None;
        }
        all.step.problems.clear();
        Ok(all)
    }

    /// Ends the run: what the desk says at the end, assurances among it. The run must be recorded with
    /// [`LiveRun::record_end`] after it.
    pub fn end(&mut self) -> Result<LiveStep, Error> {
        let name = self.desk.card().name;
        let stopped = |source: DeskError| Error::Desk { desk: name, source };
        let fresh = self.desk.open(&self.ctx, None).map_err(stopped)?;
        let run = std::mem::replace(&mut self.run, fresh);
        let mut silent = Silent;
        let mut collector = Collector::new(name, "", &mut silent);
        run.finish(&mut collector).map_err(stopped)?;
        Ok(LiveStep {
            step: collector.into_step(),
            ..LiveStep::default()
        })
    }

    /// Records a step together with the run's state, how far inputs were read and the source's place: all of it or nothing.
    pub fn record(
        &self,
        workspace: &mut Workspace,
        step: &mut LiveStep,
        saved: &Saved,
        inputs: &[ReadInput],
        place: &Value,
        now: Timestamp,
    ) -> Result<Vec<(Finding, Novelty)>, Error> {
        step.step.saved = Some(close_envelope(place, saved)?);
        let positions: Vec<InputPosition> = inputs
            .iter()
            .map(|input| InputPosition {
                ordinal: input.ordinal as u32,
                input_name: input.name.clone(),
                position: input.position,
                is_done: input.is_done,
                sha256: None,
                bytes: None,
            })
            .collect();
        commit_step(workspace, &self.id, &step.step, &positions, now)
    }

    /// Records the last step, and that the run is over.
    pub fn record_end(
        &self,
        workspace: &mut Workspace,
        step: &LiveStep,
        now: Timestamp,
    ) -> Result<Vec<(Finding, Novelty)>, Error> {
        let kept = commit_step(workspace, &self.id, &step.step, &[], now)?;
        workspace
            .block_on(workspace.store().finish_run(&self.id))
            .map_err(Error::store("write to"))?;
        Ok(kept)
    }
}

fn digest_of(finding: &Finding) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_vec(finding).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

fn feed_run(
    desk: &'static str,
    run: &mut dyn Run,
    input: &Input,
    from: Position,
    bytes: &mut dyn BufRead,
    following: Following,
) -> Result<LiveStep, Error> {
    let mut silent = Silent;
    let mut collector = Collector::new(desk, &input.name, &mut silent);
    collector.may_grow = following == Following::MayGrow;
    let fed = run.feed(input, from, bytes, &mut collector);
    let (records, records_unread) = collector.counts();
    let mut step = LiveStep {
        step: collector.into_step(),
        records,
        records_unread,
        ..LiveStep::default()
    };
    match fed {
        Ok(Fed::Paused(reached)) => step.reached = reached,
        Ok(Fed::End(reached)) => {
            step.reached = reached;
            step.is_end = true;
        }
        Err(DeskError::Io { at, source, .. }) => {
            step.reached = at;
            step.failure = Some(format!(
                "{}; what came before record {} was read and stands",
                with_causes(&source),
                at.record + 1
            ));
        }
        Err(DeskError::Format { why, .. }) => {
            step.reached = from;
            step.failure = Some(why);
        }
        Err(source) => return Err(Error::Desk { desk, source }),
    }
    if let Some(failure) = step.failure.clone() {
        step.remark(&input.name, failure);
    }
    Ok(step)
}

/// Place and state in one piece: length of the place (four bytes, big-endian), the place as JSON, the version of the desk's
/// state (four bytes), the state.
fn close_envelope(place: &Value, saved: &Saved) -> Result<Saved, Error> {
    let place = serde_json::to_vec(place)?;
    let mut bytes = Vec::with_capacity(place.len() + saved.bytes.len() + 8);
    bytes.extend_from_slice(&(place.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&place);
    bytes.extend_from_slice(&saved.version.to_be_bytes());
    bytes.extend_from_slice(&saved.bytes);
    Ok(Saved {
        version: ENVELOPE_VERSION,
        bytes,
    })
}

fn open_envelope(saved: &Saved) -> Option<(Value, Saved)> {
    if saved.version != ENVELOPE_VERSION {
        return None;
    }
    let (length, rest) = saved.bytes.split_first_chunk::<4>()?;
    let (place, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (version, state) = rest.split_first_chunk::<4>()?;
    let place = serde_json::from_slice(place).ok()?;
    Some((
        place,
        Saved {
            version: u32::from_be_bytes(*version),
            bytes: state.to_vec(),
        },
    ))
}

/// Watches nothing.
struct Silent;

impl Watcher for Silent {
    fn finding(&mut self, _: &Finding, _: Novelty) {}
    fn problem(&mut self, _: &Problem) {}
    fn progress(&mut self, _: Progress<'_>) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_envelope_gives_back_what_was_put_in(text in ".*", version: u32, bytes: Vec<u8>) {
            let place = serde_json::json!({ "text": text });
            let saved = Saved { version, bytes };
            let closed = close_envelope(&place, &saved).unwrap();
            prop_assert_eq!(open_envelope(&closed), Some((place, saved)));
        }

        #[test]
        fn a_damaged_envelope_is_none_and_never_a_panic(bytes: Vec<u8>) {
            let _ = open_envelope(&Saved { version: ENVELOPE_VERSION, bytes });
        }
    }
}
