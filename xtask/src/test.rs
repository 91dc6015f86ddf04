//! `cargo xtask test`: everything that a machine can decide about a change.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::{browser, root};

/// The version that the tests were written with; any later one of the same line serves.
const NEXTEST: &str = "0.9.143";

/// Runs every check in order and stops at the first that fails.
pub fn run() -> anyhow::Result<()> {
    install_nextest()?;
    let skipped = browser::set_up()?;
    step("form", "cargo", &["fmt", "--all", "--check"])?;
    step(
        "lints",
        "cargo",
        &[
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    step("generated files", "cargo", &["xtask", "gen", "--check"])?;
    step("tests", "cargo", &["nextest", "run", "--workspace", "--locked"])?;
    step(
        "examples in the documentation",
        "cargo",
        &["test", "--quiet", "--workspace", "--doc", "--locked"],
    )?;
    for what in &skipped {
        println!("\nSkipped: {what}");
    }
    println!(
        "\nAll checks {}passed.",
        if skipped.is_empty() {
            ""
        } else {
            "that could be made "
        }
    );
    Ok(())
}

fn step(name: &str, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    println!("\n== {name}: {program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{name}: `{program} {}` failed", arguments.join(" "));
    }
    Ok(())
}

fn install_nextest() -> anyhow::Result<()> {
    let is_installed = Command::new("cargo")
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if is_installed {
        return Ok(());
    }
    println!("cargo-nextest runs the tests and is not on this machine. Installing it (some minutes, once).");
    step(
        "set-up",
        "cargo",
        &["install", "--locked", "cargo-nextest", "--version", NEXTEST],
    )
}
