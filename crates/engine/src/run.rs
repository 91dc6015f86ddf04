//! Runs inputs through a desk, step by step.
//!
//! A *step* is what is committed together: findings with their evidence, coverage, problems, the position reached and the
//! run's saved state. Where it goes is the [`Recorder`]'s affair: into a workspace, or nowhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pollwatch_model::{
    Coverage, Ctx, Desk, DeskError, Draft, EvidenceId, EvidenceRef, Excerpt, Fed, Finding, FindingId, Flow,
    Input, Position, Problem, Saved, Severity, Sink,
};

use crate::Error;
use crate::input::Opened;
use crate::sources::SourceSpec;

/// A step is committed when it holds this many records …
const STEP_RECORDS: u64 = 1_000_000;
/// … or this many findings …
const STEP_FINDINGS: usize = 2_000;
/// … or this many bytes of evidence.
const STEP_EVIDENCE_BYTES: usize = 16 << 20;
/// Problems of one step that are kept word by word; the rest is counted.
const STEP_PROBLEMS: usize = 2_000;

/// What is committed together.
#[derive(Debug, Default)]
pub struct Step {
    /// Findings, each once, in the order in which they were first found.
    pub findings: Vec<Finding>,
    /// The bytes of their evidence.
    pub evidence: Vec<(EvidenceId, Vec<u8>)>,
    /// What inputs that ended let the desk see.
    pub coverage: Vec<Coverage>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Problems beyond those in `problems`.
    pub problems_left_out: u64,
    /// The input that was being read, and how far.
    pub reached: Option<Reached>,
    /// The run's state.
    pub saved: Option<Saved>,
}

/// How far an input was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Which input, from 0.
    pub ordinal: usize,
    /// How far.
    pub position: Position,
    /// Whether that is its end.
    pub is_end: bool,
}

/// Where an interrupted run goes on.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// The run's state.
    pub saved: Option<Saved>,
    /// Of each input how far it was read, and whether that was its end.
    pub reached: BTreeMap<usize, (Position, bool)>,
}

/// Where steps go.
pub trait Recorder {
    /// Where to begin: at the beginning, or where an interrupted run of the same inputs ended.
    fn resume(&mut self) -> Result<Resume, Error>;
    /// Keeps a step. Gives back the findings as they now stand, each with what became of it.
    fn commit(&mut self, step: Step) -> Result<Vec<(Finding, Novelty)>, Error>;
    /// The run is over.
    fn finish(&mut self) -> Result<(), Error>;
}

/// What recording a finding did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// It was not known.
    New,
    /// It was known, and something about it changed.
    Changed,
    /// It was known as it is.
    Known,
}

/// Keeps nothing: what a desk's command does outside a workspace.
#[derive(Debug, Default)]
pub struct NoRecord;

impl Recorder for NoRecord {
    fn resume(&mut self) -> Result<Resume, Error> {
        Ok(Resume::default())
    }

    fn commit(&mut self, step: Step) -> Result<Vec<(Finding, Novelty)>, Error> {
        Ok(step
            .findings
            .into_iter()
            .map(|finding| (finding, Novelty::New))
            .collect())
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Watches a run: the binary shows what it is told.
pub trait Watcher {
    /// A finding was made, and kept where findings are kept.
    fn finding(&mut self, finding: &Finding, novelty: Novelty);
    /// A record could not be read, or something about it is worth saying.
    fn problem(&mut self, problem: &Problem);
    /// Some more was read.
    fn progress(&mut self, progress: Progress<'_>);
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The input that is being read.
    pub input: &'a str,
    /// Bytes read of it, as it lies there.
    pub bytes: u64,
    /// Its size, where known.
    pub size: Option<u64>,
    /// Records read in the whole run.
    pub records: u64,
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Inputs read to their end.
    pub inputs: u64,
    /// Inputs that could not be read, or not to their end.
    pub inputs_failed: u64,
    /// Records read and judged, in this process.
    pub records_read: u64,
    /// Records that could not be read.
    pub records_unread: u64,
    /// Findings that were not known before.
    pub findings_new: u64,
    /// Findings that were known and changed.
    pub findings_changed: u64,
    /// Findings that were known as they are.
    pub findings_known: u64,
    /// The highest severity of any finding of this run.
    pub highest: Option<Severity>,
    /// Whether the run took up an interrupted one.
    pub is_resumed: bool,
}

/// Runs `sources` through `desk`, in order, keeping every step with `recorder`.
///
/// A source that cannot be opened or read to its end is a problem, counted in [`RunReport::inputs_failed`]; the others are
/// still read. Errors: what stops the whole run, such as a recorder that cannot keep.
pub fn run(
    desk: &'static dyn Desk,
    ctx: &Ctx,
    sources: &[SourceSpec],
    recorder: &mut dyn Recorder,
    watcher: &mut dyn Watcher,
) -> Result<RunReport, Error> {
    let name = desk.card().name;
    let stopped = |source: DeskError| Error::Desk { desk: name, source };
    let resume = recorder.resume()?;
    let mut report = RunReport {
        is_resumed: !resume.reached.is_empty(),
        ..RunReport::default()
    };
    let mut run = desk.open(ctx, resume.saved.as_ref()).map_err(stopped)?;
    for (ordinal, spec) in sources.iter().enumerate() {
        let (mut position, is_done) = resume.reached.get(&ordinal).copied().unwrap_or_default();
        if is_done {
            report.inputs += 1;
            continue;
        }
        let mut opened: Opened = match spec.place.open() {
            Ok(opened) => opened,
            Err(error) => {
                report.inputs_failed += 1;
                tell(
                    watcher,
                    &mut report,
                    &Problem::remark(&spec.name, None, with_causes(&error)),
                );
                continue;
            }
        };
        if let Err(error) = opened.skip(position.offset) {
            let what = format!(
                "cannot go on where the earlier run stopped: {error}; delete nothing and run it again"
            );
            tell(watcher, &mut report, &Problem::remark(&spec.name, None, what));
            report.inputs_failed += 1;
            continue;
        }
        let input = Input {
            name: spec.name.clone(),
            role: spec.role.clone(),
            format: spec.format.clone(),
        };
        loop {
            let mut collector = Collector::new(name, &spec.name, watcher);
            collector.records_before = report.records_read;
            collector.read = Some(opened.raw_bytes_read());
            collector.size = opened.raw_size;
            let fed = run.feed(&input, position, &mut opened, &mut collector);
            let mut step = collector.close(&mut report);
            let fed_to_end = matches!(fed, Ok(Fed::End(_)));
            let (reached, is_end) = match fed {
                Ok(Fed::Paused(reached)) => (reached, false),
                Ok(Fed::End(reached)) => {
                    report.inputs += 1;
                    (reached, true)
                }
                Err(DeskError::Io { at, source, .. }) => {
                    report.inputs_failed += 1;
                    let what = format!(
                        "{}; what came before record {} was read and stands",
                        with_causes(&source),
                        at.record + 1
                    );
                    note(
                        watcher,
                        &mut report,
                        &mut step,
                        Problem::remark(&spec.name, None, what),
                    );
                    (at, true)
                }
                Err(DeskError::Format { why, .. }) => {
                    report.inputs_failed += 1;
                    note(
                        watcher,
                        &mut report,
                        &mut step,
                        Problem::remark(&spec.name, None, why),
                    );
                    (position, true)
                }
                Err(error) => return Err(stopped(error)),
            };
            if is_end {
                account(&mut step, &spec.name, opened, fed_to_end, watcher, &mut report);
                step.reached = Some(Reached {
                    ordinal,
                    position: reached,
                    is_end,
                });
                step.saved = Some(run.save().map_err(stopped)?);
                commit(step, recorder, watcher, &mut report)?;
                break;
            }
            step.reached = Some(Reached {
                ordinal,
                position: reached,
                is_end,
            });
            step.saved = Some(run.save().map_err(stopped)?);
            commit(step, recorder, watcher, &mut report)?;
            position = reached;
        }
    }
    let mut collector = Collector::new(name, "", watcher);
    collector.records_before = report.records_read;
    run.finish(&mut collector).map_err(stopped)?;
    let step = collector.close(&mut report);
    commit(step, recorder, watcher, &mut report)?;
    recorder.finish()?;
    Ok(report)
}

/// Adds what is known of the source now that it is read: its digest, its size, and what was odd about it.
fn account(
    step: &mut Step,
    name: &str,
    opened: Opened,
    fed_to_end: bool,
    watcher: &mut dyn Watcher,
    report: &mut RunReport,
) {
    let source = match opened.finish() {
        Ok(source) => source,
        Err(error) => {
            note(
                watcher,
                report,
                step,
                Problem::remark(name, None, with_causes(&error)),
            );
            return;
        }
    };
    for problem in source.problems {
        note(watcher, report, step, problem);
    }
    for coverage in step
        .coverage
        .iter_mut()
        .filter(|coverage| coverage.source == name)
    {
        coverage.bytes = source.bytes;
        coverage.sha256 = source.sha256.parse().ok();
        coverage.is_complete = fed_to_end;
    }
}

/// An error with its causes, each said once.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

fn tell(watcher: &mut dyn Watcher, report: &mut RunReport, problem: &Problem) {
    report.records_unread += problem.records_lost;
    watcher.problem(problem);
}

fn note(watcher: &mut dyn Watcher, report: &mut RunReport, step: &mut Step, problem: Problem) {
    tell(watcher, report, &problem);
    step.problems.push(problem);
}

fn commit(
    step: Step,
    recorder: &mut dyn Recorder,
    watcher: &mut dyn Watcher,
    report: &mut RunReport,
) -> Result<(), Error> {
    for (finding, novelty) in recorder.commit(step)? {
        match novelty {
            Novelty::New => report.findings_new += 1,
            Novelty::Changed => report.findings_changed += 1,
            Novelty::Known => report.findings_known += 1,
        }
        report.highest = report.highest.max(Some(finding.severity));
        watcher.finding(&finding, novelty);
    }
    Ok(())
}

/// The sink of one step.
pub(crate) struct Collector<'a> {
    desk: &'static str,
    pub(crate) step: Step,
    /// Of each finding of the step its place.
    index: BTreeMap<FindingId, usize>,
    evidence_bytes: usize,
    records: u64,
    records_before: u64,
    /// Bytes read of the input as it lies there, and its size.
    read: Option<Arc<AtomicU64>>,
    size: Option<u64>,
    input: &'a str,
    watcher: &'a mut dyn Watcher,
    records_unread: u64,
    /// What it answers when it is asked whether more may follow.
    pub(crate) may_grow: bool,
}

impl<'a> Collector<'a> {
    /// Of a step of that desk in that input.
    pub(crate) fn new(desk: &'static str, input: &'a str, watcher: &'a mut dyn Watcher) -> Self {
        Collector {
            desk,
            step: Step::default(),
            index: BTreeMap::new(),
            evidence_bytes: 0,
            records: 0,
            records_before: 0,
            read: None,
            size: None,
            input,
            watcher,
            records_unread: 0,
            may_grow: false,
        }
    }

    /// Records read and records that could not be read, so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.records, self.records_unread)
    }

    /// What was collected.
    pub(crate) fn into_step(self) -> Step {
        self.step
    }

    fn close(self, report: &mut RunReport) -> Step {
        report.records_read += self.records;
        report.records_unread += self.records_unread;
        self.step
    }
}

impl Sink for Collector<'_> {
    fn finding(&mut self, draft: Draft, excerpts: Vec<Excerpt>) -> Result<(), DeskError> {
        let mut evidence = Vec::with_capacity(excerpts.len());
        for excerpt in excerpts {
            let sha256 = EvidenceId::of(&excerpt.bytes);
            self.evidence_bytes += excerpt.bytes.len();
            evidence.push(EvidenceRef {
                sha256,
                media_type: excerpt.media_type.to_owned(),
                locator: excerpt.locator,
            });
            self.step.evidence.push((sha256, excerpt.bytes));
        }
        let finding = draft.into_finding(self.desk, evidence);
        match self.index.get(&finding.id) {
            Some(place) => {
                let merged = self.step.findings[*place].merged(&finding);
                self.step.findings[*place] = merged;
            }
            None => {
                self.index.insert(finding.id.clone(), self.step.findings.len());
                self.step.findings.push(finding);
            }
        }
        Ok(())
    }

    fn coverage(&mut self, coverage: Coverage) {
        self.step.coverage.push(coverage);
    }

    fn problem(&mut self, problem: Problem) {
        self.records_unread += problem.records_lost;
        self.watcher.problem(&problem);
        if self.step.problems.len() < STEP_PROBLEMS {
            self.step.problems.push(problem);
        } else {
            self.step.problems_left_out += 1;
        }
    }

    fn flow(&mut self, records: u64) -> Flow {
        self.records += records;
        if let Some(read) = &self.read {
            self.watcher.progress(Progress {
                input: self.input,
                bytes: read.load(Ordering::Relaxed),
                size: self.size,
                records: self.records_before + self.records,
            });
        }
        let is_full = self.records >= STEP_RECORDS
            || self.step.findings.len() >= STEP_FINDINGS
            || self.evidence_bytes >= STEP_EVIDENCE_BYTES
            || self.step.problems_left_out > 0;
        if is_full { Flow::Pause } else { Flow::Continue }
    }

    fn may_grow(&self) -> bool {
        self.may_grow
    }
}
