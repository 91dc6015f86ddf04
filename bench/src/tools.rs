//! What the bench runs in processes of their own: the floors and Pollwatch. Each prints lines of `key=value`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use pollwatch_lookalike::{LookalikeDesk, register_from_list};
use pollwatch_model::{
    Coverage, Ctx, Desk, DeskError, Draft, Excerpt, Fed, Flow, Input, Position, Problem, Register, Sink,
};
use pollwatch_names::protectable;

use crate::measure::{Took, best_of, once, peak_kib};

/// Bytes asked for at once when a file of names is read.
const READ_BYTES: usize = 1 << 20;

/// What a tool said.
pub struct Said(BTreeMap<String, String>);

impl Said {
    /// Runs `command` to its end and reads its lines of `key=value`.
    pub fn by(command: &mut Command) -> anyhow::Result<Said> {
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {command:?}"))?;
        ensure!(
            output.status.success(),
            "{command:?} ended with {}",
            output.status
        );
        let text = String::from_utf8_lossy(&output.stdout);
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Ok(Said(
            pairs
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        ))
    }

    /// Runs one of the tools of this file.
    pub fn by_own(name: &str, arguments: &[&Path]) -> anyhow::Result<Said> {
        Said::by(
            Command::new(std::env::current_exe()?)
                .args(["tool", name])
                .args(arguments),
        )
    }

    /// A whole number.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.0.get(key)?.parse().ok()
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Two times, under `cpu` and `wall` with `prefix` before them.
    pub fn took(&self, prefix: &str) -> anyhow::Result<Took> {
        let time = |key: String| {
            let seconds: f64 = self
                .0
                .get(&key)
                .with_context(|| format!("the tool did not tell {key}"))?
                .parse()?;
            Ok::<_, anyhow::Error>(Duration::try_from_secs_f64(seconds)?)
        };
        Ok(Took {
            cpu: time(format!("{prefix}cpu"))?,
            wall: time(format!("{prefix}wall"))?,
        })
    }
}

/// Says what a tool found out, as [`Said`] reads it.
pub fn say_took(prefix: &str, took: Took) {
    println!(
        "{prefix}cpu={}\n{prefix}wall={}",
        took.cpu.as_secs_f64(),
        took.wall.as_secs_f64()
    );
}

/// Says how much memory this process has held.
pub fn say_peak() {
    if let Some(kib) = peak_kib() {
        println!("peak_kib={kib}");
    }
}

/// Runs the tool called `name` in this process.
pub fn run(name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    match (name, arguments) {
        ("read", [path, repetitions]) => read(Path::new(path), repetitions.parse()?),
        ("pollwatch", [register, repetitions, pairs @ ..]) => {
            pollwatch(Path::new(register), repetitions.parse()?, pairs)
        }
        (name, arguments) if name.starts_with("intrusion-") => crate::intrusion::run_tool(name, arguments),
        (name, arguments) if name.starts_with("rolls-") => crate::rolls::run_tool(name, arguments),
        (name, arguments) if name.starts_with("audit-") => crate::audit::run_tool(name, arguments),
        (name, arguments) => crate::ledger::run_tool(name, arguments),
    }
}

/// The floor: reads the file and counts its lines.
fn read(path: &Path, repetitions: usize) -> anyhow::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    let (lines, took) = best_of(repetitions, || {
        let mut file = File::open(path)?;
        let mut lines = 0;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(lines);
            }
            lines += memchr::memchr_iter(b'\n', &buffer[..read]).count();
        }
    })?;
    println!("names={lines}");
    say_took("", took);
    say_peak();
    Ok(())
}

/// Pollwatch as it is used: the register from its file, then reader and judge over every file of names; all but keeping what was found.
fn pollwatch(register_path: &Path, repetitions: usize, pairs: &[&str]) -> anyhow::Result<()> {
    let (desk, setup) = best_of(repetitions.min(3), || {
        let ctx = Ctx {
            register: Arc::new(read_register(register_path)?),
            settings: serde_json::Value::Null,
            now: jiff::Timestamp::UNIX_EPOCH,
            seed: 0,
            scratch: None,
            judges: Default::default(),
        };
        // Opening compiles the register.
        LookalikeDesk.open(&ctx, None)?;
        Ok(ctx)
    })?;
    say_took("setup_", setup);
    for (number, pair) in pairs.chunks_exact(2).enumerate() {
        let (names_path, alarms_path) = (Path::new(pair[0]), Path::new(pair[1]));
        let mut best: Option<Took> = None;
        let mut sink = CountingSink::default();
        for _ in 0..if number == 0 { repetitions } else { 1 } {
            sink = CountingSink::default();
            let mut run = LookalikeDesk.open(&desk, None)?;
            let ((), took) = once(|| {
                let mut names = BufReader::with_capacity(READ_BYTES, File::open(names_path)?);
                let input = Input {
                    name: "names".to_owned(),
                    role: String::new(),
                    format: None,
                };
                let Fed::End(_) = run.feed(&input, Position::default(), &mut names, &mut sink)? else {
                    bail!("the run paused though nobody asked it to");
                };
                Ok(run.finish(&mut sink)?)
            })?;
            best = Some(best.map_or(took, |best| best.best(took)));
        }
        let mut alarms = BufWriter::new(File::create(alarms_path)?);
        for subject in &sink.alarms {
            writeln!(alarms, "{subject}")?;
        }
        alarms.flush()?;
        if let (0, Some(took)) = (number, best) {
            println!(
                "names={}\nfindings={}\nproblems={}",
                sink.records, sink.findings, sink.problems
            );
            println!("alarms={}", sink.alarms.len());
            say_took("", took);
            // Memory as it is while a stream is read; the later files are for the figures alone.
            say_peak();
        }
    }
    Ok(())
}

fn read_register(path: &Path) -> anyhow::Result<Register> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let (register, _problems) = if path.extension().is_some_and(|ending| ending == "toml") {
        Register::parse(&file, &text, &|name| protectable(name))?
    } else {
        register_from_list(&file, &text)
    };
    ensure!(
        !register.targets.is_empty(),
        "{} protects nothing",
        path.display()
    );
    Ok(register)
}

/// Counts what is found and keeps the subjects of alarms.
#[derive(Default)]
struct CountingSink {
    records: u64,
    findings: u64,
    problems: u64,
    alarms: Vec<String>,
}

impl Sink for CountingSink {
    fn finding(&mut self, draft: Draft, _excerpts: Vec<Excerpt>) -> Result<(), DeskError> {
        self.findings += 1;
        if draft.severity.is_alarm() {
            self.alarms.push(draft.subject);
        }
        Ok(())
    }

    fn coverage(&mut self, _coverage: Coverage) {}

    fn problem(&mut self, _problem: Problem) {
        self.problems += 1;
    }

    fn flow(&mut self, records: u64) -> Flow {
        self.records += records;
        Flow::Continue
    }
}
