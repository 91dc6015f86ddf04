//! The names that are read, the lists that are protected, and what is known about each name.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use flate2::read::GzDecoder;
use pollwatch_names::{ParsedName, protectable};

use crate::scratch::workspace_root;

/// Names that the peers protect: they hold every permutation of every name in memory.
const PEER_NAMES: usize = 100;
/// Lines of the stand-in for the case files.
const STAND_IN_LINES: usize = 500_000;

/// All that the lookalike part reads. Every file is plain, one name a line.
pub struct Inputs {
    /// Where they come from, for the reader of the table.
    pub what: String,
    /// What is timed.
    pub stream: Group,
    /// Names that reports called imitations.
    pub truth: Group,
    /// What each line of `truth` imitates.
    pub truth_rows: Vec<TruthRow>,
    /// Names that are known to be honest.
    pub clean: Group,
    /// New names about which nothing is known, if there are such.
    pub unknown: Option<Group>,
    /// The lists, shortest first. The peers run on the first.
    pub lists: Vec<ProtectedList>,
}

/// Names in two forms.
pub struct Group {
    /// As they came.
    pub names: PathBuf,
    /// The registrable part of each, which is what a set look-up looks up.
    pub registrables: PathBuf,
    /// Number of names.
    pub count: u64,
}

/// One name that reports called an imitation.
pub struct TruthRow {
    /// The registrable part of the name.
    pub registrable: String,
    /// What it imitates: any of these.
    pub imitates: Vec<String>,
    /// Whether that is political, governmental or a news organisation.
    pub is_core: bool,
}

/// A list of protected names.
pub struct ProtectedList {
    /// As Pollwatch reads it: TOML or CSV.
    pub register: PathBuf,
    /// As a peer reads it.
    pub plain: PathBuf,
    /// The names.
    pub domains: BTreeSet<String>,
}

impl Inputs {
    /// The case files when they are there, else the repository's own example.
    pub fn gather(scratch: &Path) -> anyhow::Result<Inputs> {
        let shared = std::env::var_os("POLLWATCH_SHARED")
            .map_or_else(|| workspace_root().join("../shared"), PathBuf::from);
        let cases = shared.join("cases/lookalike");
        let folder = scratch.join("lookalike");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        if cases.join("benign.tsv.gz").is_file() {
            from_cases(&cases, &folder)
        } else {
            println!(
                "skipped: no ../shared (nor POLLWATCH_SHARED); the names are those of examples/us-2018\n"
            );
            from_example(&workspace_root().join("examples/us-2018"), &folder)
        }
    }
}

fn from_cases(cases: &Path, folder: &Path) -> anyhow::Result<Inputs> {
    let benign = read_text(&cases.join("benign.tsv.gz"))?;
    let unknown = read_text(&cases.join("nrd_unlabelled.txt.gz"))?;
    let hosts = benign.lines().filter_map(|line| line.split('\t').next());
    let clean = benign
        .lines()
        .filter(|line| line.ends_with("\t-"))
        .filter_map(|line| line.split('\t').next());
    let stream = Group::write(folder, "stream", hosts.chain(unknown.lines()))?;
    let clean = Group::write(folder, "clean", clean)?;
    let unknown = Group::write(folder, "unknown", unknown.lines())?;

    let truth = read_table(
        &cases.join("truth.csv"),
        ["malicious_domain", "imitated_name", "scope"],
    )?;
    let truth_rows = truth
        .iter()
        .map(|[name, imitates, scope]| TruthRow {
            registrable: registrable(name),
            imitates: imitates.split(';').map(|one| one.trim().to_owned()).collect(),
            is_core: ["political", "gov", "media"].contains(&scope.as_str()),
        })
        .collect();
    let truth = Group::write(folder, "truth", truth.iter().map(|[name, ..]| name.as_str()))?;

    let mut lists = Vec::new();
    for size in ["100", "5000", "10000"] {
        let register = cases.join(format!("protected_{size}.csv"));
        let domains = read_table(&register, ["domain"])?
            .into_iter()
            .map(|[domain]| domain)
            .collect();
        lists.push(ProtectedList::write(folder, size, register, domains)?);
    }
    let what = format!(
        "{} names: the benign hosts and the newly registered names of the lookalike cases; recall on their truth rows",
        stream.count
    );
    Ok(Inputs {
        what,
        stream,
        truth,
        truth_rows,
        clean,
        unknown: Some(unknown),
        lists,
    })
}

fn from_example(example: &Path, folder: &Path) -> anyhow::Result<Inputs> {
    let names = read_text(&example.join("names.txt.gz"))?;
    let once: Vec<&str> = names.lines().collect();
    let repeats = STAND_IN_LINES.div_ceil(once.len().max(1));
    let stream = Group::write(folder, "stream", (0..repeats).flat_map(|_| once.iter().copied()))?;

    let reported = read_table(&example.join("reported.csv"), ["domain", "imitates"])?;
    let truth_rows: Vec<TruthRow> = reported
        .iter()
        .map(|[name, imitates]| TruthRow {
            registrable: registrable(name),
            imitates: imitates.split(';').map(|one| one.trim().to_owned()).collect(),
            is_core: false,
        })
        .collect();
    let truth = Group::write(folder, "truth", reported.iter().map(|[name, _]| name.as_str()))?;
    let bad: BTreeSet<&str> = truth_rows.iter().map(|row| row.registrable.as_str()).collect();
    let clean = once
        .iter()
        .copied()
        .filter(|name| !bad.contains(registrable(name).as_str()));
    let clean = Group::write(folder, "clean", clean)?;

    let register_path = example.join("register.toml");
    let text = read_text(&register_path)?;
    let (register, _) = pollwatch_model::Register::parse("register.toml", &text, &|name| protectable(name))?;
    let all: Vec<String> = register
        .targets
        .iter()
        .flat_map(|target| target.domains.clone())
        .collect();
    let mut lists = Vec::new();
    if all.len() > PEER_NAMES {
        let first: BTreeSet<String> = all.iter().take(PEER_NAMES).cloned().collect();
        let path = folder.join("protected_first.csv");
        let rows: String = first
            .iter()
            .map(|domain| format!("{domain},{domain},other\n"))
            .collect();
        fs::write(&path, format!("domain,organisation,category\n{rows}"))?;
        lists.push(ProtectedList::write(folder, "first", path, first)?);
    }
    lists.push(ProtectedList::write(
        folder,
        "all",
        register_path,
        all.into_iter().collect(),
    )?);
    let what = format!(
        "{} names: the example's {} made-up names, {repeats} times over, so that a finding repeats as it would not in life; \
         recall on its reported names",
        stream.count,
        once.len()
    );
    Ok(Inputs {
        what,
        stream,
        truth,
        truth_rows,
        clean,
        unknown: None,
        lists,
    })
}

impl Group {
    fn write<'a>(folder: &Path, stem: &str, lines: impl Iterator<Item = &'a str>) -> anyhow::Result<Group> {
        let names = folder.join(format!("{stem}.names"));
        let registrables = folder.join(format!("{stem}.registrables"));
        let mut names_file = BufWriter::new(create(&names)?);
        let mut registrables_file = BufWriter::new(create(&registrables)?);
        let mut count = 0;
        for line in lines {
            writeln!(names_file, "{line}")?;
            writeln!(registrables_file, "{}", registrable(line))?;
            count += 1;
        }
        names_file.flush()?;
        registrables_file.flush()?;
        Ok(Group {
            names,
            registrables,
            count,
        })
    }
}

impl ProtectedList {
    fn write(
        folder: &Path,
        stem: &str,
        register: PathBuf,
        domains: BTreeSet<String>,
    ) -> anyhow::Result<ProtectedList> {
        let plain = folder.join(format!("protected_{stem}.txt"));
        let mut file = BufWriter::new(create(&plain)?);
        for domain in &domains {
            writeln!(file, "{domain}")?;
        }
        file.flush()?;
        Ok(ProtectedList {
            register,
            plain,
            domains,
        })
    }
}

/// The registrable part of a name; the name itself where there is none.
pub fn registrable(name: &str) -> String {
    match ParsedName::parse(name) {
        Ok(parsed) => parsed.registrable().unwrap_or(parsed.ascii()).to_owned(),
        Err(_) => name.to_owned(),
    }
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot make {}", path.display()))
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut text = String::new();
    let read = if path.extension().is_some_and(|ending| ending == "gz") {
        GzDecoder::new(file).read_to_string(&mut text)
    } else {
        { file }.read_to_string(&mut text)
    };
    read.with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text)
}

/// The named columns of a CSV file, row by row.
fn read_table<const N: usize>(path: &Path, columns: [&str; N]) -> anyhow::Result<Vec<[String; N]>> {
    let mut reader =
        csv::Reader::from_path(path).with_context(|| format!("cannot open {}", path.display()))?;
    let header = reader.headers()?.clone();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        *place = header
            .iter()
            .position(|found| found == column)
            .with_context(|| format!("{} has no column {column}", path.display()))?;
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("cannot read {}", path.display()))?;
        rows.push(places.map(|place| record.get(place).unwrap_or_default().to_owned()));
    }
    Ok(rows)
}
