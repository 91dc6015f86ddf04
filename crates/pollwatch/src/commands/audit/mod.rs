//! `pollwatch audit`: a risk-limiting audit, from the files to a package that anybody can verify.

pub mod arguments;
mod begin;
mod enter;
mod look;
mod publish;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_audit::flow::Event;
use pollwatch_engine::audit::{Audit, Session};
use pollwatch_engine::{Mode, Workspace};

use crate::commands::{open_workspace, workspace_dir};
use arguments::{AuditCommand, Which};

pub fn run(workspace: Option<&Path>, command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Init(arguments) => begin::init(workspace, &arguments),
        AuditCommand::Answer { which, answers } => begin::answer(workspace, &which, &answers),
        AuditCommand::List => look::list(workspace),
        AuditCommand::Contests(which) => look::contests(workspace, &which),
        AuditCommand::Plan { which, minutes, page } => {
            look::plan(workspace, &which, minutes, page.as_deref())
        }
        AuditCommand::Commit { which, method } => begin::commit(workspace, &which, method),
        AuditCommand::Seed(arguments) => begin::seed(workspace, &arguments),
        AuditCommand::Sample { which, draws, output } => begin::sample(workspace, &which, &draws, output),
        AuditCommand::Enter {
            which,
            reader,
            csv,
            county,
            form,
            again,
        } => enter::enter(
            workspace,
            &which,
            &enter::How {
                reader,
                csv,
                county,
                form,
                again,
            },
        ),
        AuditCommand::Settle {
            which,
            entry,
            because,
        } => enter::settle(workspace, &which, entry, &because),
        AuditCommand::Assess {
            which,
            fail_unless_confirmed,
        } => look::assess(workspace, &which, fail_unless_confirmed),
        AuditCommand::Escalate {
            which,
            contest,
            because,
            votes,
            cards,
            counted_by,
        } => enter::escalate(
            workspace,
            &which,
            &contest,
            &because,
            &enter::HandCount {
                votes,
                cards,
                counted_by,
            },
        ),
        AuditCommand::Undo {
            which,
            entry,
            because,
        } => enter::undo(workspace, &which, entry, &because),
        AuditCommand::Log(which) => look::log(workspace, &which),
        AuditCommand::Report { which, output } => publish::report(workspace, &which, &output),
        AuditCommand::Publish {
            which,
            output,
            withhold_records,
            rare_style,
        } => publish::publish(workspace, &which, &output, withhold_records, rare_style),
        AuditCommand::Verify { package, key, inputs } => {
            publish::verify(&package, key.as_deref(), inputs.as_deref())
        }
    }
}

/// Who does it: as named, or the user of this machine.
fn who(named: Option<&str>) -> anyhow::Result<String> {
    let name = match named {
        Some(name) => name.to_owned(),
        None => std::env::var("USER")
            .or_else(|_| std::env::var("USERNAME"))
            .unwrap_or_default(),
    };
    anyhow::ensure!(
        !name.trim().is_empty(),
        "nobody knows who you are: say it with --by NAME"
    );
    Ok(name)
}

/// The audit with its files read. The workspace is let go at once: nobody waits for a person who thinks.
fn session(workspace: Option<&Path>, which: &Which) -> anyhow::Result<Session> {
    let audit = open_workspace(workspace, Mode::Read)?.audit(which.audit.as_deref())?;
    read(audit)
}

fn read(audit: Audit) -> anyhow::Result<Session> {
    let scratch = std::env::temp_dir();
    Ok(audit.read(&scratch)?)
}

/// Appends events and gives the audit as it then stands.
fn append(workspace: Option<&Path>, audit: &str, by: &str, events: Vec<Event>) -> anyhow::Result<Audit> {
    let mut workspace = Workspace::open(&workspace_dir(workspace)?, Mode::Write)?;
    Ok(workspace.audit_append(audit, by, events, Timestamp::now())?)
}

/// Writes a file for people, making its folder.
fn write(path: &Path, text: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
    if let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
    {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_path_buf())
}

/// `NAME=NUMBER`, split at the last equals sign: a contest's name may hold one.
fn name_and_number(text: &str) -> anyhow::Result<(String, u64)> {
    let (name, number) = text
        .rsplit_once('=')
        .with_context(|| format!("{text:?} is not of the form NAME=NUMBER"))?;
    let number = number
        .trim()
        .replace(',', "")
        .parse()
        .with_context(|| format!("{number:?} in {text:?} is no number"))?;
    Ok((name.trim().to_owned(), number))
}
