//! Bytes to messages: files of messages, reports that carry messages, Outlook's own format, screens that were copied.
//!
//! Every reader here is bounded, runs in time linear in its input and has no answer that is an error of the message: what cannot
//! be read is still a message, and what was not looked at is said in the [`Budget`](crate::limits::Budget).

pub mod address;
pub mod bounce;
pub mod container;
mod digest;
mod displayed;
mod draft;
pub mod forward;
mod lines;
pub mod outlook;
mod rtf;
pub mod unwrap;
mod zips;

pub use address::{Address, addresses, date, moment};
pub use bounce::{Failure, delivery_failures, is_delivery_report};
pub use container::{Container, Item, Position, RawMessage, read_messages, sniff};
pub use unwrap::{How, Original, Report, unwrap};
