//! How the engine meets a desk.
//!
//! The engine opens a [`Run`] of a desk and feeds it inputs, one after another. Between two records the run asks its
//! [`Sink`] whether to pause; when it does, the engine commits everything so far (findings, evidence, the position reached
//! and the run's saved state) in one transaction and feeds on from that position. After a crash it opens the run again with
//! the saved state and feeds from the saved position. A batch of two files, a mailbox and a stream that never ends all fit.

use std::fmt;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Coverage, Draft, Probability, Problem, Register};

/// One field of detection. It knows nothing of the other desks, the store or the screen.
pub trait Desk: Sync {
    /// What the desk is and makes: what documentation, console and brief show of it.
    fn card(&self) -> &'static Card;

    /// Begins a run, or takes up one whose state was saved.
    ///
    /// Errors: [`DeskError::Saved`] when the saved state is of another version or damaged, [`DeskError::Settings`] when the
    /// context cannot be worked with.
    fn open(&self, ctx: &Ctx, saved: Option<&Saved>) -> Result<Box<dyn Run>, DeskError>;
}

/// One pass of a desk over its inputs.
pub trait Run: Send {
    /// Reads `bytes`, which begin at `from`, until they end or the sink asks to pause between two records.
    ///
    /// A record that cannot be read goes to [`Sink::problem`] and the rest is still read. An I/O error of `bytes` ends the
    /// input: what came before it stands, and the error is returned as [`DeskError::Io`] with the position reached.
    fn feed(
        &mut self,
        input: &Input,
        from: Position,
        bytes: &mut dyn BufRead,
        out: &mut dyn Sink,
    ) -> Result<Fed, DeskError>;

    /// The run's state between two calls of `feed`, in a versioned form.
    fn save(&self) -> Result<Saved, DeskError>;

    /// Ends the run: whatever can only be said when all inputs are known is said here.
    fn finish(self: Box<Self>, out: &mut dyn Sink) -> Result<(), DeskError>;
}

/// Where a run puts what it finds.
pub trait Sink {
    /// A finding and the excerpts that it rests on.
    fn finding(&mut self, draft: Draft, excerpts: Vec<Excerpt>) -> Result<(), DeskError>;

    /// What the input let the desk see. The engine adds size and digest of the source.
    fn coverage(&mut self, coverage: Coverage);

    /// Something wrong with a record.
    fn problem(&mut self, problem: Problem);

    /// Asked between two records, with the number of records read since it was last asked; [`Flow::Pause`] makes `feed`
    /// return. Cheap to ask; need not be asked more often than every few hundred records.
    fn flow(&mut self, records: u64) -> Flow;

    /// Whether more bytes may follow after the end of those that `feed` is given, as in a log that is still written.
    ///
    /// `feed` then returns [`Fed::Paused`] at their end and keeps all that it knows of the input; it is fed on from there.
    fn may_grow(&self) -> bool {
        false
    }
}

/// Whether to go on reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Read on.
    Continue,
    /// Return from `feed` at this record boundary, so that what was found can be committed.
    Pause,
}

/// What `feed` reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// The input ended.
    End(Position),
    /// The sink asked to pause; feed on from here.
    Paused(Position),
}

/// A place in an input, between two records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Bytes before it, after decompression.
    pub offset: u64,
    /// Records (for most formats: lines) before it.
    pub record: u64,
}

/// One input of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The name that people know it by; every locator and problem begins with it.
    pub name: String,
    /// The part it plays where a desk tells inputs apart, such as `before`, `after` or `manifest`; empty where not.
    pub role: String,
    /// The format to read it as; `None`: the desk looks and decides.
    pub format: Option<String>,
}

/// The exact bytes of the source that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they are, such as `text/plain`.
    pub media_type: &'static str,
    /// Where they stood, such as `names.txt:1042`.
    pub locator: String,
}

/// Whether a name imitates one that the register protects: the lookalike desk's judgement, as other desks may ask for it.
pub trait NameJudge: Send + Sync {
    /// Whom `host` imitates; `None` where it imitates nobody, belongs to the register, or is no name.
    fn judge_name(&self, host: &str) -> Option<NameJudgement>;
}

/// A name that imitates a target of the register.
#[derive(Debug, Clone, PartialEq)]
pub struct NameJudgement {
    /// Whom it imitates: place in the register's targets.
    pub target: usize,
    /// The protected name that it imitates.
    pub protected: String,
    /// Why, in plain words.
    pub says: String,
    /// How sure.
    pub confidence: Probability,
}

/// The judgements of other desks that a run may ask for.
#[derive(Clone, Default)]
pub struct Judges {
    /// Whether a name imitates a protected one.
    pub names: Option<Arc<dyn NameJudge>>,
}

/// What a run may know of the world.
#[derive(Clone)]
pub struct Ctx {
    /// What is protected.
    pub register: Arc<Register>,
    /// The desk's own table of `pollwatch.toml`, as JSON; `null` when there is none.
    pub settings: serde_json::Value,
    /// The time of the run. Never the time of a finding.
    pub now: Timestamp,
    /// Seed for anything random.
    pub seed: u64,
    /// A folder for spilling, emptied after the run; `None` where there is none.
    pub scratch: Option<PathBuf>,
    /// Judgements of other desks; a desk works without them.
    pub judges: Judges,
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx")
            .field("targets", &self.register.targets.len())
            .field("now", &self.now)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// A run's state, kept between two steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Version of the desk's own format.
    pub version: u32,
    /// The state.
    pub bytes: Vec<u8>,
}

/// What stops a desk.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The input could not be read further; what came before stands.
    #[error("cannot read {input} beyond record {}", at.record)]
    Io {
        /// The input's name.
        input: String,
        /// The position up to which everything was read.
        at: Position,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The input cannot be read as what it was said to be.
    #[error("cannot read {input}: {why}")]
    Format {
        /// The input's name.
        input: String,
        /// Why, and what would help.
        why: String,
    },
    /// The saved state of an earlier run is damaged or of another version.
    #[error("cannot take up the earlier run: {0}")]
    Saved(String),
    /// The context cannot be worked with.
    #[error("{0}")]
    Settings(String),
    /// The sink could not take what was found.
    #[error("cannot keep what was found")]
    Sink(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What a desk is and makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// Its name on the command line and on the wire, such as `lookalike`.
    pub name: &'static str,
    /// Its name for people, such as "Lookalike domains".
    pub title: &'static str,
    /// One sentence: what it looks for.
    pub looks_for: &'static str,
    /// One sentence: what goes unseen while it has no source. The brief prints it.
    pub unwatched: &'static str,
    /// What it makes.
    pub kinds: &'static [KindCard],
    /// How it finds.
    pub detectors: &'static [DetectorCard],
}

/// One kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindCard {
    /// Its name on the wire, such as `lookalike-domain`.
    pub name: &'static str,
    /// Its name for people, singular, such as "lookalike domain".
    pub title: &'static str,
    /// What its subject is, so that it does not drift between runs.
    pub subject: &'static str,
}

/// One way of finding. The five texts are the page that an election official reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetectorCard {
    /// Its stable name, such as `combosquat`.
    pub name: &'static str,
    /// What it sees.
    pub sees: &'static str,
    /// Why that matters.
    pub matters: &'static str,
    /// What it cannot tell.
    pub cannot_tell: &'static str,
    /// Data, precision, recall, date.
    pub measured_on: &'static str,
    /// Where the method comes from.
    pub sources: &'static str,
}
