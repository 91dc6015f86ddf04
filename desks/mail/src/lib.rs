//! Tells whether a message is phishing, why, who got it and what came of it.
//!
//! Nothing in a message is run, fetched or rendered; domain name servers are asked only by who hands in a resolver.

pub mod attach;
pub mod authenticate;
pub mod evidence;
pub mod html;
pub mod limits;
pub mod message;
pub mod signal;
