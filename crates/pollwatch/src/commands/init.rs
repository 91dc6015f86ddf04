//! `pollwatch init`: a new workspace.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use pollwatch_engine::Workspace;

use crate::screen::visible;

/// What a new key means, in one paragraph.
const KEY_PARAGRAPH: &str = "keys/ledger.key signs the ledger. Whoever has it can sign in your name, so only you may read it, and \
    backups leave it out unless asked. If you lose it, nothing recorded is lost and everything can still be checked, but \
    nothing more can be added: you would begin a new ledger and tell people why. Keep one copy offline. If you think that \
    somebody else has it, run `pollwatch key rotate` at once.";

pub fn run(dir: &Path, owner: &str, origin: Option<String>) -> anyhow::Result<ExitCode> {
    let origin = origin.unwrap_or_else(|| origin_of(dir, owner));
    let workspace = Workspace::init(dir, owner, &origin, None, Timestamp::now())?;
    println!("A new workspace is in {}:\n", visible(&dir.display().to_string()));
    println!("  register.toml   what you protect: begin here");
    println!("  pollwatch.toml  how the workspace works");
    println!("  record.db       what was found");
    println!("  ledger/         the signed log of it, {}", visible(&origin));
    println!("  evidence/       what it rests on");
    println!("  keys/           the key that signs the ledger\n");
    println!("{}\n", crate::screen::wrapped(KEY_PARAGRAPH, 90, ""));
    println!(
        "Give this verifier key to whoever checks on you:\n  {}\n",
        workspace.verifier_key()
    );
    println!("Next: put your domains into register.toml, then `pollwatch register check`.");
    Ok(ExitCode::SUCCESS)
}

/// A name for the ledger when none is given.
fn origin_of(dir: &Path, owner: &str) -> String {
    let base = if owner.is_empty() {
        dir.file_name().map_or_else(
            || "workspace".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    } else {
        owner.to_owned()
    };
    format!("pollwatch.invalid/{}", pollwatch_model::TargetId::slug(&base))
}
