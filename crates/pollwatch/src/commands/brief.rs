//! `pollwatch brief`: what leadership and the public read.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use pollwatch_engine::Mode;
use pollwatch_model::Tlp;

use crate::commands::open_workspace;
use crate::screen::visible;

pub fn run(workspace: Option<&Path>, tlp: Option<Tlp>, output: &Path) -> anyhow::Result<ExitCode> {
    let workspace = open_workspace(workspace, Mode::Read)?;
    let tlp = tlp.unwrap_or(workspace.settings().brief_tlp.0);
    let page = workspace.brief(tlp)?;
    if output == Path::new("-") {
        std::io::stdout()
            .lock()
            .write_all(page.as_bytes())
            .context("cannot print the brief")?;
        return Ok(ExitCode::SUCCESS);
    }
    std::fs::write(output, page).with_context(|| format!("cannot write {}", output.display()))?;
    println!(
        "The brief ({}) is in {}",
        tlp.label(),
        visible(&output.display().to_string())
    );
    Ok(ExitCode::SUCCESS)
}
