//! Fetching and building the peers. A peer that cannot be got is skipped by name; nothing else stops.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::scratch::workspace_root;

/// Release of dnstwist that is measured; twistrs' is in its own manifest.
const DNSTWIST: &str = "20250130";

/// A peer that can be run: its arguments follow the command's.
pub struct Peer {
    /// Name and release.
    pub name: &'static str,
    /// What the reader of the table should know.
    pub note: &'static str,
    /// Program and first arguments.
    command: Vec<PathBuf>,
}

impl Peer {
    /// A new command that runs it.
    pub fn command(&self) -> Command {
        let mut words = self.command.iter();
        let mut command = Command::new(words.next().map_or(Path::new(""), PathBuf::as_path));
        command.args(words);
        command
    }
}

/// The peers that can be got, and a line for each that cannot.
pub fn set_up(scratch: &Path) -> (Vec<Peer>, Vec<String>) {
    let mut peers = Vec::new();
    let mut skipped = Vec::new();
    for (name, attempt) in [("dnstwist", dnstwist(scratch)), ("twistrs", twistrs(scratch))] {
        match attempt {
            Ok(peer) => peers.push(peer),
            Err(error) => skipped.push(format!("skipped: {name}: {error:#}")),
        }
    }
    (peers, skipped)
}

fn dnstwist(scratch: &Path) -> anyhow::Result<Peer> {
    let folder = scratch.join("dnstwist");
    fs::create_dir_all(&folder)?;
    let python = folder.join("venv/bin/python");
    if !python.is_file() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(folder.join("venv")))?;
    }
    let release = format!(
        "__import__('dnstwist').__version__ == '{DNSTWIST}' and __import__('tld') and __import__('idna')"
    );
    let is_there = Command::new(&python)
        .args(["-c", &format!("import sys; sys.exit(not ({release}))")])
        .output()
        .is_ok_and(|output| output.status.success());
    if !is_there {
        // tld and idna are optional for dnstwist; without them it guesses suffixes.
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args([&format!("dnstwist=={DNSTWIST}"), "tld", "idna"]))?;
    }
    let script = folder.join("peer.py");
    fs::copy(workspace_root().join("bench/peers/dnstwist.py"), &script)?;
    Ok(Peer {
        name: "dnstwist 20250130, set look-up",
        note: "Python; without the word and TLD lists of its repository, which its package does not carry",
        command: vec![python, script],
    })
}

/// Releases of the packages that audits draw with.
const AUDIT_PACKAGES: [&str; 2] = ["consistent_sampler==1.0.10", "cryptorandom==0.4"];

/// The packages that audits draw with, in one script.
pub fn audit_draws(scratch: &Path) -> anyhow::Result<Peer> {
    let folder = scratch.join("audit");
    fs::create_dir_all(&folder)?;
    let python = folder.join("venv/bin/python");
    if !python.is_file() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(folder.join("venv")))?;
    }
    let is_there = Command::new(&python)
        .args(["-c", "import consistent_sampler, cryptorandom, numpy"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !is_there {
        run(Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "numpy",
            ])
            .args(AUDIT_PACKAGES))?;
    }
    let script = folder.join("peer.py");
    fs::copy(workspace_root().join("bench/peers/audit_draws.py"), &script)?;
    Ok(Peer {
        name: "consistent_sampler 1.0.10, cryptorandom 0.4",
        note: "Python",
        command: vec![python, script],
    })
}

fn twistrs(scratch: &Path) -> anyhow::Result<Peer> {
    Ok(Peer {
        name: "twistrs 1.2.2, set look-up",
        note: "Rust; all its kinds of permutation, in a hash set",
        command: vec![built(scratch, "twistrs", "peer-twistrs")?],
    })
}

/// The csv-diff crate over two rolls.
pub fn csv_diff(scratch: &Path) -> anyhow::Result<Peer> {
    Ok(Peer {
        name: "csv-diff 0.1.2",
        note: "Rust; rows paired, changed columns not counted",
        command: vec![built(scratch, "csv_diff", "peer-csv-diff")?],
    })
}

/// Release of DuckDB's package.
const DUCKDB: &str = "duckdb==2.0.1";

/// DuckDB over two rolls.
pub fn duckdb_rolls(scratch: &Path) -> anyhow::Result<Peer> {
    let folder = scratch.join("duckdb");
    fs::create_dir_all(&folder)?;
    let python = folder.join("venv/bin/python");
    if !python.is_file() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(folder.join("venv")))?;
    }
    let is_there = Command::new(&python)
        .args(["-c", "import duckdb"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !is_there {
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg(DUCKDB))?;
    }
    let script = folder.join("peer.py");
    fs::copy(workspace_root().join("bench/peers/duckdb_rolls.py"), &script)?;
    Ok(Peer {
        name: "DuckDB 2.0.1, keyed join of all columns",
        note: "Python package; every column of paired rows compared, two threads",
        command: vec![python, script],
    })
}

/// Builds a peer of this repository in the scratch folder and gives back its program.
fn built(scratch: &Path, name: &str, program: &str) -> anyhow::Result<PathBuf> {
    let from = workspace_root().join("bench/peers").join(name);
    let folder = scratch.join(name);
    fs::create_dir_all(folder.join("src"))?;
    for file in ["Cargo.toml", "src/main.rs"] {
        // Written only when it changed, so that cargo does not build it again.
        let text = fs::read(from.join(file))?;
        if fs::read(folder.join(file)).ok().as_ref() != Some(&text) {
            fs::write(folder.join(file), text)?;
        }
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo)
        .args(["build", "--quiet", "--release", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(folder.join("target")))?;
    let program = folder
        .join("target/release")
        .join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
    ensure!(
        program.is_file(),
        "cargo built it but {} is not there",
        program.display()
    );
    Ok(program)
}

/// Runs a command to its end; its last line of complaint is part of the error.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("no reason given");
    ensure!(
        output.status.success(),
        "{program} ended with {}: {last}",
        output.status
    );
    Ok(())
}
