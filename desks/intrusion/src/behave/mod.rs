//! From what was kept to who did what, and how far it got.

mod actor;
mod content;
mod coverage;
mod enumerate;
mod guess;
mod judge;
mod link;
mod shell;
mod sqli;
pub mod stat;
mod timeline;

pub use actor::{Actor, Example, Held, Standing};
pub use coverage::{Gap, Seen, Silent, Window, of_file, of_site};
pub use judge::{Terms, judge};
pub use timeline::Timeline;
