//! The demonstration's voter roll: six weekly files of an invented state, the last of them tampered with.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use anyhow::Context;
use jiff::Timestamp;
use pollwatch_engine::{SourceSpec, Workspace};
use pollwatch_model::{Finding, Polarity};
use pollwatch_rolls::{RollsDesk, Slot};

use crate::commands::rolls::{options, read_calendar};
use crate::demo_data;
use crate::screen::{Screen, grouped, table, visible};

/// Whose roll it is: an entry of the example's register.
const TARGET: &str = "lakeside-elections";

/// Compares the files, tells what does not fit, and writes the page of pictures.
pub fn run(dir: &Path, workspace: &mut Workspace) -> anyhow::Result<()> {
    let folder = dir.join("sources").join("rolls");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let calendar = folder.join("calendar.csv");
    std::fs::write(&calendar, demo_data::ROLLS_CALENDAR)
        .with_context(|| format!("cannot write {}", calendar.display()))?;
    let mut sources = Vec::new();
    for (name, bytes) in demo_data::ROLLS {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        sources.push(SourceSpec {
            name: format!("sources/rolls/{name}"),
            ..SourceSpec::file(&path)
        });
    }
    let scratch = tempfile::tempdir().context("cannot make a folder for scratch files")?;
    let mut options = options(&sources, scratch.path())?;
    options.target = Some(TARGET.to_owned());
    options.calendar = read_calendar(&calendar)?;
    let slot = Slot::default();
    // The engine keeps desks for as long as the program runs.
    let desk: &'static RollsDesk = Box::leak(Box::new(RollsDesk::with(options, Arc::clone(&slot))));
    let mut found: Vec<Finding> = Vec::new();
    let mut screen = Screen::new(|finding: &Finding, _| found.push(finding.clone()));
    let report = workspace.run(desk, &sources, Timestamp::now(), &mut screen);
    screen.close();
    let report = report?;
    println!(
        "\nThen it compared {} weekly files of an invented state's voter roll, {} rows. Of no voter is anything said:\n",
        sources.len(),
        grouped(report.records_read)
    );
    let mut rows: Vec<Vec<String>> = found
        .iter()
        .filter(|finding| finding.polarity == Polarity::Threat)
        .map(|finding| vec![finding.severity.to_string(), visible(&finding.summary)])
        .collect();
    rows.sort();
    println!("{}", table(&["severity", "what is known"], &rows));
    let compared = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(compared) = compared {
        let page = dir.join("rolls.html");
        std::fs::write(&page, pollwatch_rolls::page::page(&compared))
            .with_context(|| format!("cannot write {}", page.display()))?;
        println!("Its pictures are in {}", visible(&page.display().to_string()));
    }
    Ok(())
}
