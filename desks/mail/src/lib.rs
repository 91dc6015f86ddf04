//! Tells whether a message is phishing, why, who got it and what came of it.
//!
//! Nothing in a message is run, fetched or rendered; domain name servers are asked only by who hands in a resolver.

pub mod answer;
pub mod attach;
pub mod authenticate;
pub mod campaign;
mod card;
pub mod desk;
pub mod detect;
pub mod evidence;
pub mod examine;
pub mod explain;
pub mod fold;
pub mod html;
pub mod imitate;
pub mod indicator;
pub mod judge;
pub mod known;
pub mod limits;
pub mod link;
pub mod message;
pub mod phrases;
pub mod read;
pub mod scene;
pub mod signal;
pub mod wallet;

pub use desk::MailDesk;
pub use examine::{Examiner, Judged};
