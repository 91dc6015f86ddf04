//! `pollwatch tally`: who was targeted, how far it got, and what could not be seen.

use std::path::Path;
use std::process::ExitCode;

use pollwatch_engine::Mode;

use crate::arguments::Format;
use crate::commands::open_workspace;
use crate::screen::table;

pub fn run(workspace: Option<&Path>, format: Format) -> anyhow::Result<ExitCode> {
    let workspace = open_workspace(workspace, Mode::Read)?;
    let tally = workspace.tally()?;
    if format == Format::Jsonl {
        println!("{}", serde_json::to_string(&tally)?);
        return Ok(ExitCode::SUCCESS);
    }
    let counts: Vec<String> = tally
        .by_stage()
        .iter()
        .map(|count| format!("{} {}", count.stage, count.targets))
        .collect();
    println!(
        "Of {} targets: {}no sign in what was looked at {}, no data {}.\n",
        tally.targets.len(),
        counts
            .iter()
            .map(|count| format!("{count}, "))
            .collect::<String>(),
        tally.no_sign(),
        tally.no_data()
    );
    let mut rows: Vec<(Option<pollwatch_model::Stage>, u64, Vec<String>)> = tally
        .targets
        .iter()
        .filter(|(_, reach)| reach.stage.is_some() || reach.assurances > 0)
        .map(|(id, reach)| {
            let row = vec![
                id.to_string(),
                reach.stage.map_or("no sign", |stage| stage.word()).to_owned(),
                reach.alarms.to_string(),
                reach.assurances.to_string(),
                reach.desks_with_data.join(" "),
            ];
            (reach.stage, reach.alarms, row)
        })
        .collect();
    rows.sort_by(|a, b| (b.0, b.1, &a.2[0]).cmp(&(a.0, a.1, &b.2[0])));
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, _, row)| row).collect();
    print!(
        "{}",
        table(
            &[
                "target",
                "furthest stage",
                "alarms",
                "assurances",
                "desks with data"
            ],
            &rows
        )
    );
    println!("\n\"No sign\" is not \"safe\": it says that the desks named had data and found nothing there.");
    Ok(ExitCode::SUCCESS)
}
