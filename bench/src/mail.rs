//! The mail desk beside SpamAssassin, bogofilter and rspamd, on the same messages, each in a process of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use pollwatch_mail::Examiner;
use pollwatch_mail::desk::examine_guarded;
use pollwatch_model::Register;

use crate::scratch::workspace_root;
use crate::table::{NOTHING, markdown};

/// Every how many messages of the corpus one is measured: SpamAssassin takes a tenth of a second for each.
const EVERY: usize = 4;
/// Where an rspamd listens for `rspamc` (its default).
const RSPAMD: &str = "localhost:11334";

const COLUMNS: [&str; 6] = [
    "tool",
    "asks for credentials, flagged",
    "other phish, flagged",
    "honest, flagged",
    "mails/s, wall",
    "note",
];

/// A message on disk, and what it is.
struct Message {
    path: PathBuf,
    kind: &'static str,
    is_measured: bool,
}

/// Measures and prints.
pub fn run(scratch: &Path) -> anyhow::Result<()> {
    let cases = std::env::var_os("POLLWATCH_SHARED")
        .map_or_else(|| workspace_root().join("../shared"), PathBuf::from)
        .join("cases/mail");
    if !cases.join("corpus.tar.zst").is_file() {
        println!("skipped: mail: there is no corpus in {}\n", cases.display());
        return Ok(());
    }
    eprintln!("mail: unpacking the corpus");
    let messages = unpack(&cases, &scratch.join("mail"))?;
    let mut rows = vec![row(
        "Pollwatch",
        &messages,
        pollwatch(&messages)?,
        "one thread, an empty register; no training",
    )];
    let peers: [(&str, &str, Measure); 3] = [
        (
            "SpamAssassin, local tests",
            "shipped rules, score of 5 or more; one process",
            spamassassin,
        ),
        (
            "bogofilter, trained",
            "learns from the rest of the same corpus, the tokens that leak the label among them",
            bogofilter,
        ),
        (
            "rspamd, as it is set up here",
            "what answers on its port; score of 6 or more",
            rspamd,
        ),
    ];
    let mut skipped = Vec::new();
    for (name, note, measure) in peers {
        eprintln!("mail: {name}");
        match measure(&messages, scratch) {
            Ok(flagged) => rows.push(row(name, &messages, flagged, note)),
            Err(error) => skipped.push(format!("skipped: {name}: {error:#}")),
        }
    }
    println!("{}", markdown("Messages", &COLUMNS, &rows));
    println!(
        "{} messages, every {EVERY}th of the open half of the mail cases. Flagged: Pollwatch suspicious or worse, the others by their own mark. \
         The phishing is one honeypot's and the honest mail is lists': figures near 1 on it are leakage, not skill.\n",
        messages.iter().filter(|message| message.is_measured).count()
    );
    for line in skipped {
        println!("{line}\n");
    }
    Ok(())
}

/// How a peer is measured: the messages, and a folder of its own.
type Measure = fn(&[Message], &Path) -> anyhow::Result<Flagged>;

/// Which messages were flagged, and how long all of them took.
struct Flagged {
    paths: Vec<PathBuf>,
    took: Duration,
}

fn row(name: &str, messages: &[Message], flagged: Flagged, note: &str) -> Vec<String> {
    let share = |kind: &str| {
        let all: Vec<&Message> = messages
            .iter()
            .filter(|message| message.is_measured && message.kind == kind)
            .collect();
        let hits = all
            .iter()
            .filter(|message| flagged.paths.contains(&message.path))
            .count();
        match all.len() {
            0 => NOTHING.to_owned(),
            some => format!("{hits}/{some} {:.3}", hits as f64 / some as f64),
        }
    };
    let measured = messages.iter().filter(|message| message.is_measured).count();
    let rate = measured as f64 / flagged.took.as_secs_f64().max(1e-9);
    vec![
        name.to_owned(),
        share("credential"),
        share("other"),
        share("ham"),
        format!("{rate:.0}"),
        note.to_owned(),
    ]
}

/// Lays the corpus out as files, once, and says what each is.
fn unpack(cases: &Path, folder: &Path) -> anyhow::Result<Vec<Message>> {
    let done = folder.join("whole");
    if !done.is_file() {
        fs::create_dir_all(folder)?;
        let mut decoder = zstd::stream::read::Decoder::new(fs::File::open(cases.join("corpus.tar.zst"))?)?;
        decoder.window_log_max(27)?;
        tar::Archive::new(decoder).unpack(folder)?;
        fs::write(&done, "")?;
    }
    let labels = fs::read_to_string(cases.join("labels.tsv")).context("cannot read labels.tsv")?;
    let mut all = Vec::new();
    for line in labels.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (Some(file), Some(label), Some(sub)) = (fields.first(), fields.get(1), fields.get(2)) else {
            continue;
        };
        let kind = match (*label, *sub) {
            ("phish", "credential") => "credential",
            ("phish", "likely-legit") => continue,
            ("phish", _) => "other",
            ("ham", _) => "ham",
            _ => continue,
        };
        let path = folder.join(file);
        ensure!(path.is_file(), "the corpus lacks {file}");
        all.push(Message {
            path,
            kind,
            is_measured: false,
        });
    }
    // By a digest of the name would be as good: the label file is in no order that matters.
    for message in all.iter_mut().step_by(EVERY) {
        message.is_measured = true;
    }
    Ok(all)
}

fn measured(messages: &[Message]) -> impl Iterator<Item = &Message> {
    messages.iter().filter(|message| message.is_measured)
}

fn pollwatch(messages: &[Message]) -> anyhow::Result<Flagged> {
    let examiner = Examiner::new(Arc::new(Register::default()), None);
    let started = Instant::now();
    let mut paths = Vec::new();
    for message in measured(messages) {
        let raw = fs::read(&message.path)?;
        let judged = examine_guarded(&examiner, &raw, "message").unwrap_or_default();
        if judged.iter().any(|one| one.scored.verdict.is_alarm()) {
            paths.push(message.path.clone());
        }
    }
    Ok(Flagged {
        paths,
        took: started.elapsed(),
    })
}

/// Runs `command` with the paths on its standard input; its lines come back.
fn by_paths<'a>(command: &mut Command, paths: impl Iterator<Item = &'a Path>) -> anyhow::Result<Vec<String>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let text: String = paths.map(|path| format!("{}\n", path.display())).collect();
    let mut stdin = child.stdin.take().context("no pipe")?;
    // Written aside: the program may answer before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output()?;
    let _ = writer.join();
    let complaint = String::from_utf8_lossy(&output.stderr)
        .lines()
        .next()
        .unwrap_or("no reason given")
        .to_owned();
    // bogofilter ends with the class of the last message: 0, 1 or 2.
    ensure!(
        output.status.code().is_some_and(|code| code < 3),
        "{program} ended with {}: {complaint}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect())
}

fn spamassassin(messages: &[Message], scratch: &Path) -> anyhow::Result<Flagged> {
    let state = scratch.join("spamassassin");
    fs::create_dir_all(&state)?;
    let script = workspace_root().join("bench/peers/spamassassin.pl");
    let started = Instant::now();
    let lines = by_paths(
        Command::new("perl").arg(script).arg(state),
        measured(messages).map(|one| one.path.as_path()),
    )?;
    let took = started.elapsed();
    ensure!(!lines.is_empty(), "it scored nothing");
    let flagged = lines.iter().filter_map(|line| {
        let (score, path) = line.split_once('\t')?;
        (score.parse::<f64>().ok()? >= 5.0).then(|| PathBuf::from(path))
    });
    Ok(Flagged {
        paths: flagged.collect(),
        took,
    })
}

fn bogofilter(messages: &[Message], scratch: &Path) -> anyhow::Result<Flagged> {
    let words = scratch.join("bogofilter");
    if words.exists() {
        fs::remove_dir_all(&words)?;
    }
    fs::create_dir_all(&words)?;
    for (flag, is_ham) in [("-s", false), ("-n", true)] {
        let rest = messages
            .iter()
            .filter(|one| !one.is_measured && (one.kind == "ham") == is_ham);
        by_paths(
            Command::new("bogofilter")
                .arg("-d")
                .arg(&words)
                .args([flag, "-b"]),
            rest.map(|one| one.path.as_path()),
        )?;
    }
    let started = Instant::now();
    let test = measured(messages).map(|one| one.path.as_path());
    let lines = by_paths(
        Command::new("bogofilter")
            .arg("-d")
            .arg(&words)
            .args(["-T", "-b"]),
        test,
    )?;
    let took = started.elapsed();
    ensure!(!lines.is_empty(), "it said nothing");
    let flagged = lines.iter().filter_map(|line| {
        let mut words = line.split_whitespace();
        let path = words.next()?;
        (words.next()? == "S").then(|| PathBuf::from(path))
    });
    Ok(Flagged {
        paths: flagged.collect(),
        took,
    })
}

fn rspamd(messages: &[Message], _: &Path) -> anyhow::Result<Flagged> {
    let is_there = std::net::TcpStream::connect(RSPAMD).is_ok();
    ensure!(
        is_there,
        "none answers on {RSPAMD}: start one with its stock settings and no network, and run the bench again"
    );
    let started = Instant::now();
    let mut scores: BTreeMap<PathBuf, f64> = BTreeMap::new();
    let all: Vec<&Message> = measured(messages).collect();
    for few in all.chunks(200) {
        let paths = few.iter().map(|one| one.path.as_path());
        let output = Command::new("rspamc")
            .args(["-n", "1", "-h", RSPAMD, "symbols"])
            .args(paths)
            .output()
            .context("cannot run rspamc")?;
        ensure!(output.status.success(), "rspamc ended with {}", output.status);
        let text = String::from_utf8_lossy(&output.stdout);
        let mut current = None;
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("Results for file: ") {
                current = path.split(" (").next().map(PathBuf::from);
            } else if let Some(score) = line.strip_prefix("Score: ")
                && let Some(path) = current.take()
            {
                scores.insert(
                    path,
                    score
                        .split(" /")
                        .next()
                        .and_then(|score| score.trim().parse().ok())
                        .unwrap_or(0.0),
                );
            }
        }
    }
    let took = started.elapsed();
    ensure!(
        scores.len() * 10 >= all.len() * 9,
        "it answered for {} of {} messages",
        scores.len(),
        all.len()
    );
    Ok(Flagged {
        paths: scores
            .into_iter()
            .filter(|(_, score)| *score >= 6.0)
            .map(|(path, _)| path)
            .collect(),
        took,
    })
}
