//! `pollwatch backup`, `restore` and `key`: safe-keeping.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use pollwatch_engine::{Mode, keep};

use crate::arguments::KeyCommand;
use crate::commands::{open_workspace, workspace_dir};
use crate::screen::visible;

pub fn backup(workspace: Option<&Path>, to: &Path, with_key: bool) -> anyhow::Result<ExitCode> {
    let dir = workspace_dir(workspace)?;
    let choice = if with_key {
        keep::SecretKey::Included
    } else {
        keep::SecretKey::LeftOut
    };
    let accounts = keep::backup(&dir, to, choice)?;
    println!(
        "The backup is in {}. Its ledger was checked after copying.",
        visible(&to.display().to_string())
    );
    match choice {
        keep::SecretKey::Included => println!("It holds the secret key: keep it as you keep the key."),
        keep::SecretKey::LeftOut => {
            println!("The secret key is not in it: keep keys/ledger.key apart, offline.")
        }
    }
    match accounts {
        keep::Accounts::NoneThere => {}
        keep::Accounts::LeftOut => println!(
            "The console's accounts are not in it, because they hold passwords: --with-key takes them along, or make them again with `pollwatch account add`."
        ),
        keep::Accounts::Kept(1) => println!(
            "It holds the console's 1 account with its second factor and tokens; nobody stays signed in."
        ),
        keep::Accounts::Kept(n) => println!(
            "It holds the console's {} accounts with their second factors and tokens; nobody stays signed in.",
            crate::screen::grouped(n)
        ),
    }
    Ok(ExitCode::SUCCESS)
}

pub fn restore(from: &Path, to: &Path) -> anyhow::Result<ExitCode> {
    let restored = keep::restore(from, to)?;
    println!(
        "The workspace is in {}, and all of it was checked.",
        visible(&to.display().to_string())
    );
    if !restored.has_key {
        println!(
            "The backup has no secret key. Copy yours to keys/ledger.key before you record anything new."
        );
    }
    if !restored.has_accounts {
        println!("The backup has no accounts of the console. Make them again with `pollwatch account add`.");
    }
    Ok(ExitCode::SUCCESS)
}

pub fn key(workspace: Option<&Path>, command: KeyCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeyCommand::Show => {
            let workspace = open_workspace(workspace, Mode::Read)?;
            println!("{}", workspace.verifier_key());
        }
        KeyCommand::Rotate => {
            let mut workspace = open_workspace(workspace, Mode::Write)?;
            let old = workspace.verifier_key();
            workspace.rotate_key(Timestamp::now())?;
            println!("old key  {old}\nnew key  {}", workspace.verifier_key());
            println!("The old key signed the new one into the ledger, and signs nothing more.");
            println!(
                "Destroy copies of the old keys/ledger.key, and tell the new verifier key to whoever checks on you."
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
