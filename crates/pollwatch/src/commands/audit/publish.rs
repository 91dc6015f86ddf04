//! Report, package, and the check that anybody can make.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_engine::Mode;
use pollwatch_engine::audit::{PackageReport, PublishHow, verify_package};

use super::arguments::Which;
use super::{session, who, write};
use crate::commands::open_workspace;
use crate::screen::{grouped, visible, wrapped};

pub fn report(workspace: Option<&Path>, which: &Which, output: &Path) -> anyhow::Result<ExitCode> {
    let session = session(workspace, which)?;
    let path = write(output, session.report()?)?;
    println!("The report is in {}", visible(&path.display().to_string()));
    Ok(ExitCode::SUCCESS)
}

pub fn publish(
    workspace: Option<&Path>,
    which: &Which,
    output: &Path,
    withholds_records: bool,
    rare_style: u64,
) -> anyhow::Result<ExitCode> {
    let by = who(which.by.as_deref())?;
    let scratch = std::env::temp_dir();
    let is_zip = output
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("zip"));
    anyhow::ensure!(
        !(is_zip && output.exists()),
        "{} is there already; nothing was written",
        output.display()
    );
    let mut workspace = open_workspace(workspace, Mode::Write)?;
    let name = workspace.audit(which.audit.as_deref())?.name().to_owned();
    let folder = if is_zip { None } else { Some(output.to_path_buf()) };
    let unpacked = tempfile::tempdir().context("cannot make a temporary folder")?;
    let target: PathBuf = folder.unwrap_or_else(|| unpacked.path().join("package"));
    let how = PublishHow {
        withholds_records,
        rare_style,
        scratch: &scratch,
    };
    workspace.publish_audit(&name, &by, &target, &how, Timestamp::now())?;
    if is_zip {
        pollwatch_engine::audit::zip_package(&target, output)?;
    }
    let checked = verify_package(output, None, None, &scratch)?;
    if let Some(fault) = checked.fault {
        anyhow::bail!(
            "the package was written and does not verify: {}: {}",
            fault.file,
            fault.why
        );
    }
    println!("The package is in {}", visible(&output.display().to_string()));
    println!(
        "  {} files; checked again after writing: everything follows.\n",
        grouped(checked.files)
    );
    println!("Publish the verifier key elsewhere, such as on your site and in the minutes of the meeting:");
    println!("  {}\n", visible(&checked.key));
    println!("Anybody can check the package with");
    println!(
        "  pollwatch audit verify {} --key '{}'",
        visible(&output.display().to_string()),
        visible(&checked.key)
    );
    Ok(ExitCode::SUCCESS)
}

pub fn verify(package: &Path, key: Option<&str>, inputs: Option<&Path>) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        package.exists(),
        "there is no file or folder {}",
        package.display()
    );
    let report = verify_package(package, key, inputs, &std::env::temp_dir())?;
    if report.fault.is_some() {
        crate::STATUS_WHEN_CLOSED.store(1, std::sync::atomic::Ordering::Relaxed);
    }
    Ok(show(&report, key.is_some()))
}

fn show(report: &PackageReport, key_was_given: bool) -> ExitCode {
    println!("audit    {}", visible(&report.title));
    println!("ledger   {}", visible(&report.origin));
    println!("key      {}", visible(&report.key));
    println!("events   {}", grouped(report.events));
    println!("files    {}\n", grouped(report.files));
    for shown in &report.shown {
        println!("  ok  {}", wrapped(shown, 92, "      "));
    }
    if let Some(fault) = &report.fault {
        println!("\nThis does NOT follow:");
        println!("  {}", visible(&fault.file));
        println!("  {}", wrapped(&fault.why, 92, "  "));
        return ExitCode::from(1);
    }
    println!("\nEverything follows.");
    for line in &report.results {
        println!("  {}", wrapped(line, 96, "    "));
    }
    for open in &report.unchecked {
        println!("\n{}", wrapped(open, 96, ""));
    }
    if !key_was_given {
        println!(
            "\n{}",
            wrapped(
                "No key was given, so this shows that everything here follows from everything else, and not whose it is. Take the \
                 office's key from elsewhere and check again with --key.",
                96,
                ""
            )
        );
    }
    ExitCode::SUCCESS
}
