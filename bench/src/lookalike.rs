//! The lookalike desk beside dnstwist and twistrs, on the same names and the same protected list, and beside a plain read of the file.

use std::path::Path;
use std::time::Duration;

use crate::inputs::{Group, Inputs, ProtectedList};
use crate::measure::Took;
use crate::peers::{self, Peer};
use crate::score::{alarms_per_million, read_alarms, recall};
use crate::table::{NOTHING, count, markdown, memory, rate, seconds, share};
use crate::tools::Said;

/// Times that each measurement is repeated; the best counts.
const REPETITIONS: &str = "5";

const COLUMNS: [&str; 12] = [
    "tool",
    "protected",
    "set-up, CPU",
    "names/s, CPU",
    "names/s, wall",
    "time of a plain read",
    "recall",
    "recall, core",
    "clean alarms/M",
    "new-name alarms/M",
    "peak memory",
    "note",
];

/// Which form of the names a tool reads.
#[derive(Clone, Copy)]
enum Form {
    /// As they came.
    Names,
    /// Cut to the registrable part beforehand, at no cost to the tool.
    Registrables,
}

/// Measures and prints.
pub fn run(scratch: &Path) -> anyhow::Result<()> {
    eprintln!("lookalike: writing the names to {}", scratch.display());
    let inputs = Inputs::gather(scratch)?;
    eprintln!("lookalike: getting the peers");
    let (peers, mut skipped) = peers::set_up(scratch);

    eprintln!("lookalike: plain read");
    let floor = Said::by_own("read", &[&inputs.stream.names, Path::new("20")])?;
    let floor_took = floor.took("")?;
    let mut rows = vec![floor_row(&floor, floor_took)];
    for (number, list) in inputs.lists.iter().enumerate() {
        if number == 0 {
            for peer in &peers {
                eprintln!(
                    "lookalike: {} on {} protected names",
                    peer.name,
                    list.domains.len()
                );
                match peer_row(peer, &inputs, list, scratch, floor_took.cpu) {
                    Ok(row) => rows.push(row),
                    Err(error) => skipped.push(format!("skipped: {}: {error:#}", peer.name)),
                }
            }
        }
        eprintln!("lookalike: Pollwatch on {} protected names", list.domains.len());
        rows.push(pollwatch_row(&inputs, list, scratch, floor_took.cpu)?);
    }
    println!("{}", markdown("Lookalike domains", &COLUMNS, &rows));
    println!(
        "{}. One thread each. CPU and wall are the best of several repetitions in this one run. Recall counts the rows that imitate a \
         name of the protected list used; alarms are one a registrable name, over the names read.\n",
        inputs.what
    );
    for line in skipped {
        println!("{line}\n");
    }
    Ok(())
}

fn floor_row(said: &Said, took: Took) -> Vec<String> {
    let names = said.number("names").unwrap_or_default();
    let nothing = || NOTHING.to_owned();
    vec![
        "plain read, lines counted".to_owned(),
        nothing(),
        nothing(),
        count(rate(names, took.cpu)),
        count(rate(names, took.wall)),
        "1".to_owned(),
        nothing(),
        nothing(),
        nothing(),
        nothing(),
        memory(said.number("peak_kib")),
        "the file lies in the page cache".to_owned(),
    ]
}

fn pollwatch_row(
    inputs: &Inputs,
    list: &ProtectedList,
    scratch: &Path,
    floor: Duration,
) -> anyhow::Result<Vec<String>> {
    let files = Files::of(inputs, scratch, Form::Names);
    let mut arguments = vec![list.register.as_path(), Path::new(REPETITIONS)];
    arguments.extend(files.arguments());
    let said = Said::by_own("pollwatch", &arguments)?;
    let note = format!(
        "register read and compiled, names read and judged; {} findings, {} of them alarms, {} problems",
        count(said.number("findings").unwrap_or_default() as f64),
        count(said.number("alarms").unwrap_or_default() as f64),
        count(said.number("problems").unwrap_or_default() as f64),
    );
    row("Pollwatch", note, &said, inputs, list, &files, floor)
}

fn peer_row(
    peer: &Peer,
    inputs: &Inputs,
    list: &ProtectedList,
    scratch: &Path,
    floor: Duration,
) -> anyhow::Result<Vec<String>> {
    let files = Files::of(inputs, scratch, Form::Registrables);
    let said = Said::by(
        peer.command()
            .arg(&list.plain)
            .arg(REPETITIONS)
            .args(files.arguments()),
    )?;
    let candidates = said.number("candidates").unwrap_or_default();
    let note = format!(
        "{}; {} candidates at {}/s, {} names refused; looks up registrables cut beforehand",
        peer.note,
        count(candidates as f64),
        count(rate(candidates, said.took("setup_")?.cpu)),
        said.number("refused").unwrap_or_default(),
    );
    row(peer.name, note, &said, inputs, list, &files, floor)
}

fn row(
    tool: &str,
    note: String,
    said: &Said,
    inputs: &Inputs,
    list: &ProtectedList,
    files: &Files<'_>,
    floor: Duration,
) -> anyhow::Result<Vec<String>> {
    let took = said.took("")?;
    let (all, core) = recall(&inputs.truth_rows, list, &read_alarms(&files.alarms("truth"))?);
    let clean = alarms_per_million(&read_alarms(&files.alarms("clean"))?, &inputs.clean);
    let unknown = match &inputs.unknown {
        Some(group) => count(alarms_per_million(&read_alarms(&files.alarms("unknown"))?, group)),
        None => NOTHING.to_owned(),
    };
    // The stream was read by every tool, and its length is known here; a tool need not tell.
    let names = inputs.stream.count;
    Ok(vec![
        tool.to_owned(),
        count(list.domains.len() as f64),
        seconds(said.took("setup_")?.cpu),
        count(rate(names, took.cpu)),
        count(rate(names, took.wall)),
        format!("{:.0}", took.cpu.as_secs_f64() / floor.as_secs_f64().max(1e-9)),
        share(all.hits, all.rows),
        share(core.hits, core.rows),
        count(clean),
        unknown,
        memory(said.number("peak_kib")),
        note,
    ])
}

/// The files of names that a tool reads and those that it writes its alarms to.
struct Files<'a> {
    groups: Vec<(&'static str, &'a Group)>,
    scratch: &'a Path,
    form: Form,
    pairs: Vec<std::path::PathBuf>,
}

impl<'a> Files<'a> {
    fn of(inputs: &'a Inputs, scratch: &'a Path, form: Form) -> Self {
        let mut groups = vec![
            ("stream", &inputs.stream),
            ("truth", &inputs.truth),
            ("clean", &inputs.clean),
        ];
        groups.extend(inputs.unknown.as_ref().map(|group| ("unknown", group)));
        let mut files = Files {
            groups,
            scratch,
            form,
            pairs: Vec::new(),
        };
        files.pairs = files
            .groups
            .iter()
            .flat_map(|(stem, group)| {
                let names = match files.form {
                    Form::Names => &group.names,
                    Form::Registrables => &group.registrables,
                };
                [names.clone(), files.alarms(stem)]
            })
            .collect();
        files
    }

    fn alarms(&self, stem: &str) -> std::path::PathBuf {
        self.scratch.join("lookalike").join(format!("{stem}.alarms"))
    }

    fn arguments(&self) -> impl Iterator<Item = &Path> {
        self.pairs.iter().map(std::path::PathBuf::as_path)
    }
}
