//! `cargo xtask bench [lookalike|ledger|audit|mail|intrusion|console|rolls]`: the measurements of the package in `bench`, built for speed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

/// The parts that can be asked for.
const PARTS: [&str; 7] = [
    "lookalike",
    "ledger",
    "audit",
    "mail",
    "intrusion",
    "console",
    "rolls",
];

/// Runs the parts named in `only`, all of them when it is empty: one Markdown table each, after a line on the machine and the date.
///
/// Nothing is asserted about time. A peer that cannot be got is named as skipped, and the rest is measured.
pub fn run(only: &[String]) -> anyhow::Result<()> {
    if let Some(unknown) = only.iter().find(|part| !PARTS.contains(&part.as_str())) {
        bail!(
            "there is no part {unknown} of the bench; there are: {}",
            PARTS.join(", ")
        );
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args(["run", "--quiet", "--release", "-p", "pollwatch-bench", "--"])
        .args(only)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}
