//! Measures Pollwatch beside its peers and beside the floor that the machine sets.
//!
//! `pollwatch-bench [lookalike] [ledger] [audit] [mail] [intrusion] [console] [rolls]`; all when none is named. Every tool runs as a process of its own, so that its peak of memory is
//! its own, and speaks the same lines of `key=value`. Nothing is asserted about time: the tables are to be read.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints tables"
)]

mod audit;
mod console;
mod inputs;
mod intrusion;
mod ledger;
mod lookalike;
mod machine;
mod mail;
mod measure;
mod peers;
mod rolls;
mod score;
mod scratch;
mod table;
mod tools;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tool", name, rest @ ..] => return tools::run(name, rest),
        parts => {
            if let Some(unknown) = parts.iter().find(|part| {
                ![
                    "lookalike",
                    "ledger",
                    "audit",
                    "mail",
                    "intrusion",
                    "console",
                    "rolls",
                ]
                .contains(part)
            }) {
                bail!(
                    "there is no part {unknown}; the parts are lookalike, ledger, audit, mail, intrusion, console and rolls"
                );
            }
        }
    }
    let is_asked = |part: &str| words.is_empty() || words.contains(&part);
    let scratch = scratch::folder()?;
    println!("{}\n", machine::describe(&scratch));
    if is_asked("lookalike") {
        lookalike::run(&scratch)?;
    }
    if is_asked("ledger") {
        ledger::run(&scratch)?;
    }
    if is_asked("audit") {
        audit::run(&scratch)?;
    }
    if is_asked("mail") {
        mail::run(&scratch)?;
    }
    if is_asked("intrusion") {
        intrusion::run(&scratch)?;
    }
    if is_asked("console") {
        console::run(&scratch)?;
    }
    if is_asked("rolls") {
        rolls::run(&scratch)?;
    }
    Ok(())
}
