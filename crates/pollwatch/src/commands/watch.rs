//! `pollwatch watch`: the daemon, and what it says while it runs.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pollwatch_brief::Veil;
use pollwatch_engine::{Novelty, SourceState};
use pollwatch_model::Register;
use pollwatch_watch::{Mode, Notice, Stop};

use crate::commands::{open_workspace, workspace_dir};
use crate::screen::visible;

pub fn run(workspace: Option<&Path>, once: bool) -> anyhow::Result<ExitCode> {
    let dir = workspace_dir(workspace)?;
    let stop = Stop::default();
    let reload = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&reload))?;
    let mut signals = signal_hook::iterator::Signals::new([
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGQUIT,
    ])?;
    let asked = stop.clone();
    std::thread::spawn(move || {
        for (number, _) in signals.forever().enumerate() {
            // Whoever asks twice does not want to wait. What is recorded is whole at any moment.
            if number > 0 {
                std::process::exit(2);
            }
            asked.ask();
        }
    });
    let mode = if once { Mode::Once } else { Mode::Forever };
    let mut has_failed = false;
    let register = Arc::clone(open_workspace(Some(&dir), pollwatch_engine::Mode::Read)?.register());
    pollwatch_watch::watch(&dir, mode, &stop, &reload, &mut |notice| {
        if let Notice::State {
            state: SourceState::Failed | SourceState::Missing,
            ..
        } = &notice
        {
            has_failed = true;
        }
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        for line in in_words(&notice, &register).lines() {
            eprintln!("{now} {}", visible(line));
        }
    })?;
    eprintln!(
        "{} stopped; every place that was reached is kept",
        jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    Ok(if once && has_failed {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    })
}

fn in_words(notice: &Notice, register: &Register) -> String {
    match notice {
        Notice::Began { sources, alerts } => format!(
            "watching {}; {}",
            counted(*sources, "source"),
            match alerts {
                0 => "nobody is told: pollwatch.toml has no [[alert]]".to_owned(),
                some => format!("telling people in {}", counted(*some, "way")),
            }
        ),
        Notice::Finding {
            source,
            finding,
            novelty,
        } => format!(
            "{source}: {} {} {} {}",
            if *novelty == Novelty::New {
                "new"
            } else {
                "changed"
            },
            finding.severity,
            finding.id,
            Veil::new(register, [finding.as_ref()]).text(&finding.summary)
        ),
        Notice::State {
            source,
            state,
            trouble,
        } => {
            let why = trouble.as_ref().map_or(String::new(), |why| format!(": {why}"));
            match state {
                SourceState::Starting | SourceState::Reading => format!("{source}: {}{why}", state.word()),
                SourceState::Waiting => format!("{source}: all that is there is read{why}"),
                SourceState::Late => {
                    format!("{source}: late, nothing new came for longer than its settings allow{why}")
                }
                SourceState::Missing => format!("{source}: missing{why}; it is looked for again"),
                SourceState::Failed => format!("{source}: failed{why}; it is tried again"),
                SourceState::Ended => format!("{source}: standard input ended{why}"),
            }
        }
        Notice::Remark { source, what } => format!("{source}: {what}"),
        Notice::Told {
            alert,
            findings,
            trouble: None,
        } => format!("told {alert} of {}", counted(*findings, "finding")),
        Notice::Told {
            alert,
            findings,
            trouble: Some(why),
        } => format!(
            "could not tell {alert} of {}: {why}; it is tried again",
            counted(*findings, "finding")
        ),
        Notice::Reloaded { trouble: None } => "settings read anew".to_owned(),
        Notice::Reloaded { trouble: Some(why) } => {
            format!("the new settings cannot be used, the old ones stand: {why}")
        }
    }
}

fn counted(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        more => format!("{more} {word}s"),
    }
}
