//! The console in a real browser: what a person does there, on a telephone and at a desk, with scripts and without.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod audits;
mod axe;
mod chrome;
mod enter;
#[path = "../end_to_end/harness.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod harness;
mod hostile;
mod live;
mod looks;
mod page;
mod plain;
mod read;
mod site;
