//! The nouns of Pollwatch.
//!
//! A value travels left to right and never back: a *source* gives bytes, a *desk* turns them into *findings* that rest on
//! *evidence*, the *record* keeps them, the *brief* tells them. This crate holds those words as types, the register of what
//! is protected, and the traits by which the engine meets a desk. It does no I/O and knows no clock.
//!
//! ```
//! use pollwatch_model::{FindingId, TargetId};
//!
//! let target: TargetId = "us-senate".parse()?;
//! let first = FindingId::derive("lookalike", "lookalike-domain", &target, "adfs-senate.services");
//! let again = FindingId::derive("lookalike", "lookalike-domain", &target, "adfs-senate.services");
//! assert_eq!(first, again, "finding the same thing twice is one finding");
//! # Ok::<(), pollwatch_model::IdError>(())
//! ```

mod coverage;
mod desk;
mod finding;
mod id;
mod problem;
pub mod register;
mod scale;

pub use coverage::{Coverage, Gap};
pub use desk::{
    Card, Ctx, Desk, DeskError, DetectorCard, Excerpt, Fed, Flow, Input, Judges, KindCard, NameJudge,
    NameJudgement, Position, Run, Saved, Sink,
};
pub use finding::{
    Decision, Draft, EvidenceRef, Finding, Indicator, Observed, Reason, SCHEMA, Span, TargetRef, Verdict,
};
pub use id::{EvidenceId, FindingId, IdError, TargetId};
pub use problem::Problem;
pub use register::Register;
pub use scale::{Polarity, Probability, ScaleError, Severity, Stage, Tlp};
