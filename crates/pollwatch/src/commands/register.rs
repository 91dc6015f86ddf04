//! `pollwatch register`: what is protected.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pollwatch_engine::{Mode, protect};
use pollwatch_model::{Problem, Register, register::json_schema};
use serde_json::to_string_pretty;

use crate::arguments::RegisterCommand;
use crate::commands::open_workspace;
use crate::screen::{table, visible};

pub fn run(workspace: Option<&Path>, command: RegisterCommand) -> anyhow::Result<ExitCode> {
    match command {
        RegisterCommand::List => list(workspace),
        RegisterCommand::Check { file } => check(workspace, file),
        RegisterCommand::Import { file, state } => import(&file, state.as_deref()),
        RegisterCommand::Schema => {
            println!("{}", to_string_pretty(&json_schema())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(workspace: Option<&Path>) -> anyhow::Result<ExitCode> {
    let workspace = open_workspace(workspace, Mode::Read)?;
    let rows: Vec<Vec<String>> = workspace
        .register()
        .targets
        .iter()
        .map(|target| {
            vec![
                target.id.to_string(),
                target.kind.title().to_owned(),
                target.state.clone(),
                target.domains.join(" "),
                target.name.clone(),
            ]
        })
        .collect();
    print!(
        "{}",
        table(&["id", "kind", "state", "protected domains", "name"], &rows)
    );
    Ok(ExitCode::SUCCESS)
}

fn check(workspace: Option<&Path>, file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let (register, problems): (Register, Vec<Problem>) = match file {
        Some(file) => protect::read_list(&file)?,
        None => {
            let workspace =
                pollwatch_engine::Workspace::open(&crate::commands::workspace_dir(workspace)?, Mode::Read)?;
            (
                workspace.register().as_ref().clone(),
                workspace.register_problems().to_vec(),
            )
        }
    };
    for problem in &problems {
        eprintln!("{}", visible(&problem.to_string()));
    }
    let domains: usize = register.targets.iter().map(|target| target.domains.len()).sum();
    println!(
        "{} targets with {domains} protected domains; {} faults",
        register.targets.len(),
        problems.len()
    );
    let is_sound = problems.iter().all(|problem| problem.records_lost == 0);
    Ok(if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn import(file: &Path, state: Option<&str>) -> anyhow::Result<ExitCode> {
    let (mut register, problems) = protect::read_list(file)?;
    for problem in &problems {
        eprintln!("{}", visible(&problem.to_string()));
    }
    if let Some(state) = state {
        register
            .targets
            .retain(|target| target.state.eq_ignore_ascii_case(state));
    }
    print!("{}", register.to_toml()?);
    eprintln!(
        "{} targets. Append this to register.toml (`pollwatch register import FILE >> register.toml`, without its first \
         line), then `pollwatch register check`.",
        register.targets.len()
    );
    Ok(ExitCode::SUCCESS)
}
