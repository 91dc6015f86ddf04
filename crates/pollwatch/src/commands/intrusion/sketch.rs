//! `pollwatch intrusion sketch`: a key for a group, a sketch of an office's actors, several sketches beside each other.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use pollwatch_intrusion::campaign::traits_of;
use pollwatch_intrusion::sketch::{GroupKey, MAX_SKETCH_BYTES, Sketch, compare};
use pollwatch_intrusion::sweep::SiteReport;

use crate::screen::{table, visible, wrapped};

/// Largest key file that is read.
const MAX_KEY_BYTES: u64 = 4096;
/// Matches that are shown; the rest is counted.
const MAX_SHOWN: usize = 200;

/// Where a sketch goes, and the key that it is made with.
pub struct Into {
    key: GroupKey,
    output: PathBuf,
}

/// Makes a new key file that only its owner can read. Never writes over a file.
pub fn make_key(file: &Path) -> anyhow::Result<ExitCode> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|error| anyhow::anyhow!("the operating system gives no random bytes: {error}"))?;
    let key = GroupKey::new(random);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .and_then(|mut file| file.write_all(key.to_text().as_bytes()))
        .with_context(|| format!("cannot write a new key to {}", file.display()))?;
    println!(
        "Key {} written to {}.",
        key.name(),
        visible(&file.display().to_string())
    );
    println!(
        "{}",
        wrapped(
            "Give it to the members of the group by a safe way. Whoever has it can find out, by trying all addresses, which ones a \
             sketch speaks of: only addresses of actors are in it, never those of visitors.",
            100,
            ""
        )
    );
    Ok(ExitCode::SUCCESS)
}

impl Into {
    /// Reads the key, before any log is.
    pub fn open(key: &Path, output: &Path) -> anyhow::Result<Self> {
        let mut text = String::new();
        File::open(key)
            .and_then(|file| file.take(MAX_KEY_BYTES).read_to_string(&mut text))
            .with_context(|| format!("cannot read the key {}", key.display()))?;
        let key = GroupKey::parse(&text).with_context(|| format!("cannot use {} as a key", key.display()))?;
        Ok(Into {
            key,
            output: output.to_path_buf(),
        })
    }

    /// Writes the sketch, and prints which of its numbers is which actor: for this office alone.
    pub fn write(&self, reports: &[SiteReport]) -> anyhow::Result<()> {
        let (traits, places, background) = traits_of(reports);
        let actors: Vec<_> = traits
            .into_iter()
            .zip(&places)
            .map(|(traits, (report, actor))| (traits, reports[*report].actors[*actor].verdict))
            .collect();
        let sketch = Sketch::of(&actors, &background, &self.key);
        std::fs::write(&self.output, sketch.to_text())
            .with_context(|| format!("cannot write {}", self.output.display()))?;
        let mut rows: Vec<Vec<String>> = Vec::new();
        for actor in &sketch.actors {
            let address = actors
                .iter()
                .filter(|(traits, _)| traits.jurisdiction == actor.jurisdiction)
                .map(|(traits, _)| (traits.first_ms, &traits.clients))
                .collect::<std::collections::BTreeSet<_>>();
            let address = address
                .into_iter()
                .nth(actor.number - 1)
                .and_then(|(_, clients)| clients.first())
                .map_or_else(|| "unnamed".to_owned(), ToString::to_string);
            let classes: Vec<&str> = actor.classes.iter().map(|class| class.word()).collect();
            rows.push(vec![
                actor.jurisdiction.clone(),
                actor.number.to_string(),
                address,
                actor.verdict.word().to_owned(),
                classes.join(", "),
            ]);
        }
        print!(
            "{}",
            table(&["JURISDICTION", "NUMBER", "CLIENT", "VERDICT", "CLASSES"], &rows)
        );
        println!(
            "\n{} actors sketched with key {} into {}. The table above is for your office alone; the file may go to the group.",
            rows.len(),
            self.key.name(),
            visible(&self.output.display().to_string())
        );
        Ok(())
    }
}

/// Compares sketches.
pub fn compare_files(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut sketches: Vec<Sketch> = Vec::new();
    for path in files {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_SKETCH_BYTES as u64 + 1).read_to_end(&mut bytes))
            .with_context(|| format!("cannot read the sketch {}", path.display()))?;
        let sketch = Sketch::parse(&bytes).with_context(|| format!("cannot use {}", path.display()))?;
        if let Some(first) = sketches.first() {
            anyhow::ensure!(
                first.key_name == sketch.key_name,
                "{} was made with key {}, and {} with key {}: only sketches of one key can be compared",
                path.display(),
                visible(&sketch.key_name),
                files[0].display(),
                visible(&first.key_name)
            );
        }
        sketches.push(sketch);
    }
    let all: Vec<&Sketch> = sketches.iter().collect();
    let found = compare(&all)
        .context("there are more than fifty million pairs of actors: compare fewer sketches at once")?;
    let rows: Vec<Vec<String>> = found
        .iter()
        .take(MAX_SHOWN)
        .map(|pair| {
            vec![
                format!("{} {}", pair.a.jurisdiction, pair.a.number),
                format!("{} {}", pair.b.jurisdiction, pair.b.number),
                pair.strength.word().to_owned(),
                pair.shared.join("; "),
            ]
        })
        .collect();
    if rows.is_empty() {
        println!("No two actors of different jurisdictions share anything that says something.");
    } else {
        print!(
            "{}",
            table(&["ACTOR", "ACTOR", "MATCH", "WHAT THEY SHARE"], &rows)
        );
    }
    if found.len() > MAX_SHOWN {
        println!("… and {} more.", found.len() - MAX_SHOWN);
    }
    let actors: usize = sketches.iter().map(|sketch| sketch.actors.len()).sum();
    eprintln!("{actors} actors of {} sketches compared.", sketches.len());
    Ok(ExitCode::SUCCESS)
}
