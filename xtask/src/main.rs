//! The project's own chores: `cargo xtask test`, `bench`, `cases`, `fit`, `gen`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;

use clap::{Parser, Subcommand};

mod api;
mod bench;
mod browser;
mod cases;
mod cases_audit;
mod cases_intrusion;
mod cases_ledger;
mod cases_lookalike;
mod cases_mail;
mod cases_mail_auth;
mod cases_rolls;
mod fit_lookalike;
mod fit_mail;
mod gen_audit;
mod gen_cvr;
mod gen_example;
mod gen_logs;
mod gen_rolls_example;
mod generate;
mod promise;
mod test;

/// Chores of the Pollwatch project.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Checks the form, lints, and runs every test; installs cargo-nextest and Chromium when they are missing
    Test,
    /// Puts requests of every shape to the console's API (schemathesis); no answer may be a failure
    Api,
    /// Measures Pollwatch beside its peers, in one run
    Bench {
        /// Measure only these (lookalike, ledger, audit, mail, console)
        only: Vec<String>,
    },
    /// Runs a folder of cases with known answers and prints a table of figures
    Cases {
        /// The desk or part that the cases are for
        #[arg(value_parser = ["lookalike", "mail", "intrusion", "rolls", "ledger", "audit"])]
        desk: String,
        /// The folder
        dir: PathBuf,
        /// The protected names to use (lookalike only), instead of the folder's protected_5000.csv
        #[arg(long)]
        protect: Option<PathBuf>,
        /// Writes one JSON line a case to this file
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Plays audits of wrong outcomes and counts how many each method confirms; run it built for speed (`cargo run --release -p xtask`)
    Promise {
        /// Audits of each election
        #[arg(long, default_value_t = 4000)]
        audits: u32,
        /// Changes the random numbers
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Fits weights from a folder of cases and prints them
    Fit {
        /// What to fit
        #[arg(value_parser = ["lookalike", "mail"])]
        desk: String,
        /// The folder
        dir: PathBuf,
        /// Writes the weights where the desk keeps them
        #[arg(long)]
        write: bool,
    },
    /// Writes the generated files (JSON Schemas, the example's stream of names)
    Gen {
        /// Changes nothing; fails when a file is stale
        #[arg(long)]
        check: bool,
    },
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    match Arguments::parse().chore {
        Chore::Test => test::run(),
        Chore::Api => api::run(),
        Chore::Bench { only } => bench::run(&only),
        Chore::Cases {
            desk,
            dir,
            protect,
            out,
        } if desk == "lookalike" => cases_lookalike::run(&dir, protect.as_deref(), out.as_deref()),
        Chore::Cases { desk, dir, out, .. } if desk == "intrusion" => {
            cases_intrusion::run(&dir, out.as_deref())
        }
        Chore::Cases { desk, dir, out, .. } if desk == "mail" => cases_mail::run(&dir, out.as_deref()),
        Chore::Cases { desk, dir, out, .. } if desk == "audit" => cases_audit::run(&dir, out.as_deref()),
        Chore::Cases { desk, dir, out, .. } if desk == "rolls" => cases_rolls::run(&dir, out.as_deref()),
        Chore::Cases { dir, out, .. } => cases::run_ledger(&dir, out.as_deref()),
        Chore::Promise { audits, seed } => promise::run(audits, seed),
        Chore::Fit { desk, dir, write } if desk == "mail" => fit_mail::run(&dir, write),
        Chore::Fit { dir, write, .. } => fit_lookalike::run(&dir, write),
        Chore::Gen { check } => {
            generate::run(check)?;
            gen_rolls_example::run(check)?;
            gen_example::run(check)?;
            gen_logs::run(check)?;
            gen_audit::run(check)
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest
        .parent()
        .map_or(manifest.clone(), std::path::Path::to_path_buf)
}
