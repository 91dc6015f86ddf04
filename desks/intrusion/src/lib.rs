//! Tells from access and login logs who attacked an election system, how far it got, and what the logs could not show.
//!
//! **What it sees.** Requests and sign-ins, one line each, in the dialects of common servers. A line that cannot be parsed is
//! kept, counted and searched as it stands.
//!
//! **What it cannot see.** What travelled in the body of a request, and whether data were changed: a web log shows neither.

pub mod behave;
pub mod campaign;
mod card;
mod class;
pub mod decode;
pub mod desk;
pub mod event;
pub mod explain;
pub mod forwarded;
mod hit;
pub mod lists;
pub mod payload;
pub mod read;
pub mod scan;
pub mod site;
pub mod sketch;
pub mod sweep;

pub use class::{Class, UnknownWord, Verdict};
pub use desk::IntrusionDesk;
pub use hit::{Facts, Field, Hit, Hits, RequestFields, Weight};
