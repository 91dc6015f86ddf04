//! The desk as the engine meets it.

use std::fmt;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pollwatch_model::{
    Card, Coverage, Ctx, Desk, DeskError, Fed, Input, Observed, Position, Problem, Register, Run, Saved,
    Sink, TargetId,
};
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::card::CARD;
use crate::churn::Correction;
use crate::compare::{CompareError, Ingested, Reading, Scratch, Snapshot, ingest};
use crate::explain::{drafts, state_of, target_by_county};
use crate::guess::guess_layout;
use crate::interval::{Linking, Listing};
use crate::judge::Rules;
use crate::layout::{BUILT_IN, Drift, Layout};
use crate::run::{Comparison, Report};

/// Version of the saved state.
const SAVED_VERSION: u32 = 1;

/// Opens an input a second time: rows that changed are read again, and an interrupted run reads its files again.
pub trait Reopen: Send + Sync {
    /// The file itself, where it lies there unpacked.
    fn plain(&self, name: &str) -> Option<PathBuf>;
    /// The input from its beginning, unpacked.
    fn reopen(&self, name: &str) -> std::io::Result<Box<dyn BufRead>>;
}

/// How a run works.
#[derive(Clone, Default)]
pub struct Options {
    /// The layout; `None`: that of the settings, else the one that fits.
    pub layout: Option<Layout>,
    /// What was announced.
    pub calendar: Calendar,
    /// How tests depend on each other.
    pub correction: Correction,
    /// Whether persons are looked for where identifiers do not do.
    pub linking: Linking,
    /// Whether the rows behind findings can be listed afterwards.
    pub listing: Listing,
    /// The target of the findings; `None`: by the county's name.
    pub target: Option<String>,
    /// A folder for scratch files, where the context has none.
    pub scratch: Option<PathBuf>,
    /// Key of the hashes. What is found does not depend on it, but who knows it could make two rows that look alike.
    pub key: u64,
    /// Opens inputs again.
    pub reopen: Option<Arc<dyn Reopen>>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("layout", &self.layout.as_ref().map(|layout| &layout.name))
            .field("events", &self.calendar.events.len())
            .field("correction", &self.correction)
            .finish_non_exhaustive()
    }
}

/// Where a run leaves its report, for pictures and further questions.
pub type Slot = Arc<Mutex<Option<Report>>>;

/// Snapshots of a voter roll, and which of their changes do not fit.
#[derive(Debug, Default)]
pub struct RollsDesk {
    options: Option<Options>,
    slot: Option<Slot>,
}

impl RollsDesk {
    /// The desk as settings alone make it.
    pub const fn new() -> Self {
        RollsDesk {
            options: None,
            slot: None,
        }
    }

    /// The desk with options of its own; the report goes into `slot`.
    pub fn with(options: Options, slot: Slot) -> Self {
        RollsDesk {
            options: Some(options),
            slot: Some(slot),
        }
    }
}

/// The desk's table of `pollwatch.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    layout: Option<String>,
    target: Option<String>,
    yekutieli: bool,
}

impl Desk for RollsDesk {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn open(&self, ctx: &Ctx, saved: Option<&Saved>) -> Result<Box<dyn Run>, DeskError> {
        let settings: Settings = if ctx.settings.is_null() {
            Settings::default()
        } else {
            serde_json::from_value(ctx.settings.clone())
                .map_err(|error| DeskError::Settings(format!("the settings of the rolls desk: {error}")))?
        };
        let mut options = self.options.clone().unwrap_or_default();
        if options.layout.is_none()
            && let Some(name) = &settings.layout
        {
            let layout = Layout::built_in(name).ok_or_else(|| {
                DeskError::Settings(format!(
                    "there is no layout {name:?}; known are {}",
                    BUILT_IN.join(", ")
                ))
            })?;
            options.layout = Some(layout);
        }
        options.target = options.target.or(settings.target);
        if settings.yekutieli {
            options.correction = Correction::BenjaminiYekutieli;
        }
        let scratch = ctx.scratch.clone().or_else(|| options.scratch.clone());
        let mut run = RollsRun {
            comparison: Comparison::new(options.key)
                .linking(options.linking)
                .listing(options.listing),
            scratch: scratch.as_deref().map(Scratch::new),
            layout: options.layout.clone().map(Arc::new),
            register: Arc::clone(&ctx.register),
            slot: self.slot.clone(),
            options,
            state: State::default(),
            spoken_of: Vec::new(),
        };
        if let Some(saved) = saved {
            run.take_up(saved)?;
        }
        Ok(Box::new(run))
    }
}

/// What is kept between two steps: the files that were read. Their contents are read again after an interruption.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    read: Vec<String>,
}

struct RollsRun {
    comparison: Comparison,
    options: Options,
    scratch: Option<Scratch>,
    layout: Option<Arc<Layout>>,
    register: Arc<Register>,
    slot: Option<Slot>,
    state: State,
    /// Targets of the register whose counties stand in the latest snapshot.
    spoken_of: Vec<TargetId>,
}

impl RollsRun {
    fn take_up(&mut self, saved: &Saved) -> Result<(), DeskError> {
        if saved.version != SAVED_VERSION {
            return Err(DeskError::Saved(format!(
                "its state has version {}, and this program reads version {SAVED_VERSION}",
                saved.version
            )));
        }
        let state: State =
            serde_json::from_slice(&saved.bytes).map_err(|error| DeskError::Saved(error.to_string()))?;
        let mut quiet = Quiet;
        for name in state.read {
            let Some(reopen) = self.options.reopen.clone() else {
                return Err(DeskError::Saved(
                    "it was interrupted, and its files cannot be opened again from here".to_owned(),
                ));
            };
            let mut bytes = reopen
                .reopen(&name)
                .map_err(|error| DeskError::Saved(format!("cannot read {name} again: {error}")))?;
            self.add(&name, &mut *bytes, &mut quiet)?;
        }
        Ok(())
    }

    /// Reads a snapshot and compares it with the one before. Gives back lines, rows and lost records.
    fn add(
        &mut self,
        name: &str,
        bytes: &mut dyn BufRead,
        out: &mut dyn Sink,
    ) -> Result<(u64, u64, u64), DeskError> {
        let format = |why: String| DeskError::Format {
            input: name.to_owned(),
            why,
        };
        let layout = match &self.layout {
            Some(layout) => Arc::clone(layout),
            None => {
                let ready = bytes.fill_buf().map_err(|source| DeskError::Io {
                    input: name.to_owned(),
                    at: Position::default(),
                    source,
                })?;
                let guessed = guess_layout(ready).map(Arc::new).ok_or_else(|| {
                    format(format!(
                        "no layout fits its first line. Name one (--layout {}), or draft a mapping file: \
                         pollwatch rolls describe {name}",
                        BUILT_IN.join(", ")
                    ))
                })?;
                // One layout for the whole run; a file of another one is named below.
                out.problem(Problem::remark(
                    name,
                    None,
                    format!("read as layout {} ({})", guessed.name, guessed.title),
                ));
                self.layout = Some(Arc::clone(&guessed));
                guessed
            }
        };
        let reading = Reading {
            name,
            layout,
            plain: self.options.reopen.as_ref().and_then(|reopen| reopen.plain(name)),
            scratch: self.scratch.as_ref(),
            key: self.options.key,
        };
        let read = ingest(&reading, bytes, &mut |rows| {
            out.flow(rows);
        });
        let Ingested {
            snapshot,
            notes,
            lines,
        } = read.map_err(|error| of_compare(error, name))?;
        let mut lost = 0;
        for note in notes {
            lost += note.lost;
            out.problem(Problem {
                file: name.to_owned(),
                record: note.line,
                what: note.what,
                records_lost: note.lost,
            });
        }
        if snapshot.rows == 0 {
            return Err(format(format!(
                "none of its {lines} lines could be read as layout {}: is it the right layout?",
                snapshot.layout.name
            )));
        }
        if let Some(before) = self.comparison.previous() {
            if let (Some(earlier), Some(later)) = (before.date, snapshot.date)
                && later < earlier
            {
                return Err(format(format!(
                    "it is of {later}, older than the snapshot before it ({}, {earlier}): give snapshots in order of time",
                    before.name
                )));
            }
            for sentence in Drift::between(&before.binding, &snapshot.binding).sentences() {
                out.problem(Problem::remark(name, None, sentence));
            }
        }
        let rows = snapshot.rows;
        self.spoken_of = counties_of(&snapshot, &self.register);
        let compared = self.comparison.add(snapshot, lost, &mut |_| {
            out.flow(0);
        });
        if let Some(interval) = compared.map_err(|error| of_compare(error, name))? {
            let mut say = |what: String| out.problem(Problem::remark(name, None, what));
            for (column, code) in &interval.drift.new_codes {
                say(format!(
                    "column {column:?} has the code {code:?}, which the layout does not list"
                ));
            }
            if let Some(why) = &interval.refused {
                say(format!("not compared with {}: {why}", interval.before.0));
            }
            if let Some(linked) = &interval.linked {
                say(format!(
                    "identifiers do not match those of {}; {} persons were found again by name, birth date and address; expected \
                     wrong: {:.4} %, expected missed: {:.2} %",
                    interval.before.0,
                    linked.links,
                    100.0 * linked.expected_false,
                    100.0 * linked.expected_missed
                ));
            }
            if interval.is_same_file {
                say(format!(
                    "it holds the same rows as {}: was one file given twice?",
                    interval.before.0
                ));
            }
            for (repeated, which) in [
                (interval.repeated.0, &interval.before.0),
                (interval.repeated.1, &interval.after.0),
            ] {
                if repeated > 0 {
                    say(format!(
                        "{repeated} rows of {which} repeat an identifier that another row has"
                    ));
                }
            }
            for note in &interval.notes {
                say(note.clone());
            }
        }
        self.state.read.push(name.to_owned());
        Ok((lines, rows, lost))
    }
}

fn of_compare(error: CompareError, name: &str) -> DeskError {
    match error {
        CompareError::Io { doing, source } => DeskError::Io {
            input: name.to_owned(),
            at: Position::default(),
            source: std::io::Error::new(source.kind(), format!("cannot {doing}: {source}")),
        },
        other => DeskError::Format {
            input: name.to_owned(),
            why: other.to_string(),
        },
    }
}

impl RollsRun {
    /// The targets of the register that a snapshot speaks of: the one that the settings name, or the source's part; else every
    /// county that stands in it.
    fn targets(&self, input: &Input) -> Vec<TargetId> {
        let named = [self.options.target.as_deref(), Some(input.role.as_str())];
        let named = named
            .into_iter()
            .flatten()
            .filter_map(|id| id.parse::<TargetId>().ok())
            .find(|id| self.register.targets.iter().any(|target| target.id == *id));
        match named {
            Some(id) => vec![id],
            None => self.spoken_of.clone(),
        }
    }
}

/// The targets of the register whose counties a snapshot has.
fn counties_of(snapshot: &Snapshot, register: &Register) -> Vec<TargetId> {
    let state = state_of(&snapshot.layout);
    // Where the file has no names, its codes may be names.
    let mut targets: Vec<TargetId> = snapshot
        .rows_of
        .keys()
        .map(|code| snapshot.names_of.get(code).unwrap_or(code))
        .filter_map(|county| target_by_county(register, &state, county))
        .map(|target| target.id.clone())
        .collect();
    targets.sort();
    targets.dedup();
    targets
}

impl Run for RollsRun {
    fn feed(
        &mut self,
        input: &Input,
        _from: Position,
        bytes: &mut dyn BufRead,
        out: &mut dyn Sink,
    ) -> Result<Fed, DeskError> {
        let day_of = |name: &String| {
            let day = crate::read::date_in_name(name)?;
            jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
        };
        // A snapshot shows what changed since the one before it.
        let before = self.state.read.last().and_then(day_of);
        let day = day_of(&input.name);
        let (lines, rows, lost) = self.add(&input.name, bytes, out)?;
        out.coverage(Coverage {
            desk: CARD.name.to_owned(),
            source: input.name.clone(),
            sha256: None,
            bytes: 0,
            targets: self.targets(input),
            window: Observed {
                first: before
                    .filter(|before| day.is_some_and(|day| *before < day))
                    .or(day),
                last: day,
            },
            gaps: Vec::new(),
            records_read: rows,
            records_unread: lost,
            series: None,
            silent: Vec::new(),
            is_complete: true,
        });
        Ok(Fed::End(Position {
            offset: 0,
            record: lines,
        }))
    }

    fn save(&self) -> Result<Saved, DeskError> {
        let bytes = serde_json::to_vec(&self.state).map_err(|error| DeskError::Saved(error.to_string()))?;
        Ok(Saved {
            version: SAVED_VERSION,
            bytes,
        })
    }

    fn finish(self: Box<Self>, out: &mut dyn Sink) -> Result<(), DeskError> {
        let rules = Rules {
            correction: self.options.correction,
            calendar: self.options.calendar,
        };
        let report = self
            .comparison
            .finish(&rules, &mut |_| {
                out.flow(0);
            })
            .map_err(|error| of_compare(error, CARD.name))?;
        for (draft, excerpts) in drafts(&report, &self.register, self.options.target.as_deref()) {
            out.finding(draft, excerpts)?;
        }
        if let Some(slot) = self.slot {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        }
        Ok(())
    }
}

/// Says nothing: what is worth saying was said before the interruption.
struct Quiet;

impl Sink for Quiet {
    fn finding(
        &mut self,
        _: pollwatch_model::Draft,
        _: Vec<pollwatch_model::Excerpt>,
    ) -> Result<(), DeskError> {
        Ok(())
    }
    fn coverage(&mut self, _: Coverage) {}
    fn problem(&mut self, _: Problem) {}
    fn flow(&mut self, _: u64) -> pollwatch_model::Flow {
        pollwatch_model::Flow::Continue
    }
}
