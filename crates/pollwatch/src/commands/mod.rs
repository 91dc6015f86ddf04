//! One file a command.

use std::path::{Path, PathBuf};

use anyhow::Context;
use pollwatch_engine::{Error, Mode, Workspace};

pub mod account;
pub mod audit;
pub mod brief;
pub mod demo;
pub mod findings;
pub mod init;
pub mod intrusion;
pub mod keep;
pub mod lookalike;
pub mod mail;
pub mod register;
pub mod rolls;
pub mod serve;
pub mod status;
pub mod tally;
pub mod transfer;
pub mod verify;
pub mod watch;

/// The folder of the workspace that a command works in.
pub fn workspace_dir(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    match given {
        Some(dir) => Ok(dir.to_path_buf()),
        None => {
            let here = std::env::current_dir().context("cannot tell the current folder")?;
            Workspace::find(&here).ok_or_else(|| Error::NoWorkspace(here).into())
        }
    }
}

/// How long a command waits for another process that writes. The daemon and the console hold a workspace for a moment only; a
/// scan that records holds it until it ends.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// Opens the workspace that a command works in, and prints what is wrong with its register.
pub fn open_workspace(given: Option<&Path>, mode: Mode) -> anyhow::Result<Workspace> {
    let dir = workspace_dir(given)?;
    let asked = std::time::Instant::now();
    let workspace = loop {
        match Workspace::open(&dir, mode) {
            Err(Error::Locked(_)) if asked.elapsed() < PATIENCE => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            other => break other?,
        }
    };
    for problem in workspace.register_problems() {
        eprintln!("{}", crate::screen::visible(&problem.to_string()));
    }
    Ok(workspace)
}
