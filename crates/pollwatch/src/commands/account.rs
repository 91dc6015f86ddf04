//! `pollwatch account`: the console's accounts, from the terminal of the machine that it runs on.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::arguments::AccountCommand;
use crate::commands::workspace_dir;
use crate::screen::visible;

pub fn run(workspace: Option<&Path>, command: AccountCommand) -> anyhow::Result<ExitCode> {
    let dir = workspace_dir(workspace)?;
    anyhow::ensure!(
        dir.join("pollwatch.toml").is_file(),
        pollwatch_engine::Error::NoWorkspace(dir)
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match command {
        AccountCommand::Add { name, role } => {
            let password = new_password()?;
            runtime.block_on(pollwatch_server::add_account(
                &dir,
                &name,
                role,
                &password,
                Timestamp::now(),
            ))?;
            println!("{} may sign in to the console as {role}.", visible(&name));
        }
        AccountCommand::Password { name } => {
            let password = new_password()?;
            runtime.block_on(pollwatch_server::change_password(
                &dir,
                &name,
                &password,
                Timestamp::now(),
            ))?;
            println!(
                "{} has a new password and no second factor; all sessions have ended.",
                visible(&name)
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for a password twice without showing it; from a file or a pipe the first line is taken.
fn new_password() -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .context("cannot read the password")?;
        return Ok(line.trim_end_matches(['\n', '\r']).to_owned());
    }
    let terminal = console::Term::stderr();
    eprint!("New password (15 characters or more): ");
    let first = terminal.read_secure_line().context("cannot read the password")?;
    eprint!("The same again: ");
    let second = terminal.read_secure_line().context("cannot read the password")?;
    anyhow::ensure!(first == second, "the two are not the same; nothing was changed");
    Ok(first)
}
