//! Shows whether the votes were counted as cast: risk-limiting audits of paper ballots.
//!
//! **What it sees.** What was reported, what the manifest and the cast vote records say, and what people read by hand on
//! the paper that was drawn. From these it measures the risk that a wrong outcome would have passed unseen.
//!
//! **What it cannot see.** Whether the paper is the paper that voters cast: that is what a compliance audit shows.

pub mod assorter;
mod card;
mod desk;
pub mod draw;
pub mod election;
pub mod explain;
pub mod flow;
pub mod index;
pub mod irv;
pub mod method;
pub mod package;
pub mod page;
pub mod plan;
pub mod promise;
pub mod raire;
pub mod read;
pub mod reconcile;
mod spill;

pub use desk::{AuditDesk, document};
