//! The intrusion desk beside what offices use on their logs today, on the same generated files, each in a process of its own.
//!
//! Two files of one generator: a small one on which everything runs, and a large one for whatever is fast enough.

mod made;
mod outside;
mod peers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use pollwatch_intrusion::read::Format;
use pollwatch_intrusion::sweep::{Deaf, Options, Place, Read, Sweep};

use crate::measure::{Took, once};
use crate::scratch::workspace_root;
use crate::table::{NOTHING, count, markdown, memory, rate, share};
use crate::tools::{Said, say_peak, say_took};

/// Lines asked of the generator for the small file: what CrowdSec reads in a minute or two.
const SMALL: u64 = 22_000;
/// And for the large one.
const LARGE: u64 = 1_000_000;

const COLUMNS: [&str; 8] = [
    "tool",
    "lines/s, CPU",
    "lines/s, wall",
    "peak memory",
    "attack lines named",
    "attackers named",
    "innocent named",
    "note",
];

/// A log with what is true of it.
struct Log {
    path: PathBuf,
    /// Attackers' lines, counted from 1, with the attacker.
    truth: BTreeMap<u64, String>,
    /// The client of each line.
    clients: Vec<String>,
    lines: u64,
}

impl Log {
    fn read(folder: &Path) -> anyhow::Result<Log> {
        let path = folder.join("access.log");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let clients: Vec<String> = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| {
                let end = memchr::memchr(b' ', line).unwrap_or(line.len());
                String::from_utf8_lossy(&line[..end]).into_owned()
            })
            .collect();
        let mut truth = BTreeMap::new();
        for row in fs::read_to_string(folder.join("truth_lines.tsv"))?
            .lines()
            .skip(1)
        {
            let columns: Vec<&str> = row.split('\t').collect();
            let [_, line, _, actor] = columns.as_slice() else {
                bail!("a row of the truth has {} columns", columns.len());
            };
            truth.insert(line.parse()?, (*actor).to_owned());
        }
        ensure!(
            !clients.is_empty() && !truth.is_empty(),
            "the generator wrote nothing"
        );
        Ok(Log {
            path,
            truth,
            lines: clients.len() as u64,
            clients,
        })
    }

    fn client(&self, line: u64) -> &str {
        usize::try_from(line)
            .ok()
            .and_then(|line| self.clients.get(line.checked_sub(1)?))
            .map_or("", String::as_str)
    }
}

/// What a tool named.
enum Named {
    /// Lines, counted from 1.
    Lines(BTreeSet<u64>),
    /// Addresses.
    Clients(BTreeSet<String>),
    /// It makes a report and names nobody.
    Nobody,
}

/// What a tool made of a log.
struct Outcome {
    took: Took,
    peak_kib: Option<u64>,
    named: Named,
}

/// Measures and prints.
pub fn run(scratch: &Path) -> anyhow::Result<()> {
    let folder = scratch.join("intrusion");
    fs::create_dir_all(&folder)?;
    for (title, lines, is_small) in [("Logs, small", SMALL, true), ("Logs, large", LARGE, false)] {
        let place = folder.join(format!("log-{lines}"));
        let by = made::log(&place, lines)?;
        let log = Log::read(&place)?;
        let mut rows = Vec::new();
        let mut skipped = Vec::new();
        for threads in [1, 2] {
            eprintln!("intrusion: Pollwatch, {threads} threads, {} lines", log.lines);
            let outcome = pollwatch(&log, &folder, threads)?;
            rows.push(row(
                &format!(
                    "Pollwatch, {threads} thread{}",
                    if threads == 1 { "" } else { "s" }
                ),
                &log,
                &outcome,
                "read, judged and joined into actors; how far each got",
            ));
        }
        for peer in peers::ALL {
            if !is_small && peer.is_slow {
                skipped.push(format!(
                    "skipped: {}: at its speed on the small file the large one would take hours",
                    peer.name
                ));
                continue;
            }
            eprintln!("intrusion: {}, {} lines", peer.name, log.lines);
            match (peer.run)(&log, &folder) {
                Ok(outcome) => rows.push(row(peer.name, &log, &outcome, peer.note)),
                Err(error) => skipped.push(format!("skipped: {}: {error:#}", peer.name)),
            }
        }
        println!("{}", markdown(title, &COLUMNS, &rows));
        let attackers: BTreeSet<&String> = log.truth.values().collect();
        println!(
            "{} lines in the combined format, {} of them of {} attackers, made by {by}. Innocent: lines, or where a tool names \
             addresses, addresses of no attacker. Each tool ran once.\n",
            count(log.lines as f64),
            count(log.truth.len() as f64),
            attackers.len()
        );
        for line in skipped {
            println!("{line}\n");
        }
    }
    Ok(())
}

fn row(name: &str, log: &Log, outcome: &Outcome, note: &str) -> Vec<String> {
    let attackers: BTreeSet<&str> = log.truth.values().map(String::as_str).collect();
    let (lines, found, innocent) = match &outcome.named {
        Named::Nobody => (NOTHING.to_owned(), NOTHING.to_owned(), NOTHING.to_owned()),
        Named::Lines(named) => {
            let right = named.iter().filter(|line| log.truth.contains_key(line)).count();
            let found: BTreeSet<&String> = named.iter().filter_map(|line| log.truth.get(line)).collect();
            (
                share(right, log.truth.len()),
                format!("{} of {}", found.len(), attackers.len()),
                format!("{} lines", count((named.len() - right) as f64)),
            )
        }
        Named::Clients(named) => {
            let of_attackers: BTreeSet<&str> = log.truth.keys().map(|line| log.client(*line)).collect();
            let found: BTreeSet<&String> = log
                .truth
                .iter()
                .filter(|(line, _)| named.contains(log.client(**line)))
                .map(|(_, actor)| actor)
                .collect();
            let innocent = named
                .iter()
                .filter(|client| !of_attackers.contains(client.as_str()))
                .count();
            (
                NOTHING.to_owned(),
                format!("{} of {}", found.len(), attackers.len()),
                format!("{innocent} addresses"),
            )
        }
    };
    vec![
        name.to_owned(),
        count(rate(log.lines, outcome.took.cpu.max(Duration::from_millis(10)))),
        count(rate(log.lines, outcome.took.wall)),
        memory(outcome.peak_kib),
        lines,
        found,
        innocent,
        note.to_owned(),
    ]
}

fn pollwatch(log: &Log, folder: &Path, threads: usize) -> anyhow::Result<Outcome> {
    let flagged = folder.join("pollwatch.lines");
    let said = Said::by(
        std::process::Command::new(std::env::current_exe()?)
            .args(["tool", "intrusion-sweep", &threads.to_string()])
            .args([&log.path, &flagged]),
    )?;
    Ok(Outcome {
        took: said.took("")?,
        peak_kib: said.number("peak_kib"),
        named: Named::Lines(line_numbers(&flagged)?),
    })
}

/// A file of numbers, one a line; what follows a colon is left out.
fn line_numbers(path: &Path) -> anyhow::Result<BTreeSet<u64>> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let number = line.split(|byte| *byte == b':').next().unwrap_or_default();
            let number = std::str::from_utf8(number).context("a line's number is not text")?;
            number
                .parse()
                .with_context(|| format!("{number:?} is no line's number"))
        })
        .collect()
}

/// Pollwatch as it is used, in this process: a log read and judged, and the lines held against somebody written down.
pub fn run_tool(name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let ("intrusion-sweep", [threads, log, flagged]) = (name, arguments) else {
        bail!("there is no tool {name} with {} arguments", arguments.len());
    };
    let mut options = Options::new("2026-12-01T00:00:00Z".parse()?);
    options.threads = threads.parse()?;
    let (reports, took) = once(|| {
        let mut sweep = Sweep::new(options);
        let mut stream = BufReader::with_capacity(1 << 20, File::open(log)?);
        let read = sweep.read(
            "county",
            "access.log",
            &Format::Sniffed,
            Place::default(),
            &mut stream,
            &mut Deaf,
        );
        ensure!(matches!(read, Read::End(_)), "the log was not read to its end");
        Ok(sweep.finish())
    })?;
    let mut out = BufWriter::new(File::create(flagged)?);
    for report in &reports {
        for (place, _) in report.actors.iter().flat_map(|actor| &actor.lines) {
            writeln!(out, "{}", report.site.kept[*place as usize].line)?;
        }
    }
    out.flush()?;
    say_took("", took);
    say_peak();
    Ok(())
}

/// The cases, where they are.
fn shared() -> PathBuf {
    std::env::var_os("POLLWATCH_SHARED").map_or_else(|| workspace_root().join("../shared"), PathBuf::from)
}
