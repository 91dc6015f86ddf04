//! The ledger beside plain SHA-256 of the same bytes and the same number of hashes, and beside a plain file that is synced as often.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use pollwatch_ledger::log::Log;
use pollwatch_ledger::note::SignerKey;
use pollwatch_ledger::verify::verify_log;
use sha2::{Digest, Sha256};

use crate::measure::{Took, best_of, once};
use crate::table::{NOTHING, count, markdown, memory, rate, seconds};
use crate::tools::{Said, say_peak, say_took};

/// Bytes of an entry: about those of a line that names a finding and its digest.
const ENTRY_BYTES: usize = 120;
/// Entries appended in the measurement of appending.
const APPENDED: u64 = 200_000;
/// Entries appended and synced at once there.
const BATCH: u64 = 4_096;
/// Files that a batch of so many entries is in the ledger: bundles of 256 entries, as many tiles of their hashes, a tile above, the
/// checkpoint (C2SP tlog-tiles).
const FILES_OF_BATCH: u64 = 2 * BATCH / 256 + 2;
/// Entries of the log that is verified.
const VERIFIED: u64 = 1_000_000;
/// Entries appended at once while that log is made; nothing is measured then.
const BUILD_BATCH: u64 = 65_536;

const COLUMNS: [&str; 9] = [
    "what",
    "entries",
    "entries/s, wall",
    "entries/s, CPU",
    "wall",
    "CPU",
    "CPU of plain SHA-256",
    "peak memory",
    "note",
];

/// Measures and prints.
pub fn run(scratch: &Path) -> anyhow::Result<()> {
    let folder = scratch.join("ledger");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut rows = Vec::new();

    eprintln!("ledger: appending {APPENDED} entries");
    let plain = tool("sha256", &[&APPENDED.to_string()])?;
    let plain_took = plain.took("")?;
    let note = format!(
        "{APPENDED} leaves of {ENTRY_BYTES} bytes and {} nodes, one thread",
        APPENDED - 1
    );
    rows.push(row("plain SHA-256", APPENDED, &plain, plain_took, &note)?);
    let file = folder.join("plain.bin");
    let synced = tool("plain-append", &[&file.to_string_lossy(), &APPENDED.to_string()])?;
    let note = format!("one file, synced every {BATCH} entries");
    rows.push(row("plain file, appended", APPENDED, &synced, plain_took, &note)?);
    let many = fresh(&folder.join("plain"))?;
    let synced = tool("plain-files", &[&many.to_string_lossy(), &APPENDED.to_string()])?;
    let note = format!(
        "as many files as the ledger writes: {FILES_OF_BATCH} every {BATCH} entries, synced together with their folder"
    );
    rows.push(row(
        "plain small files, written",
        APPENDED,
        &synced,
        plain_took,
        &note,
    )?);
    let appended = fresh(&folder.join("append"))?;
    let said = tool(
        "ledger-append",
        &[
            &appended.to_string_lossy(),
            &APPENDED.to_string(),
            &BATCH.to_string(),
        ],
    )?;
    let note = format!("tiles and a signed checkpoint, all synced, every {BATCH} entries");
    rows.push(row("Pollwatch, append", APPENDED, &said, plain_took, &note)?);

    eprintln!("ledger: making a log of {VERIFIED} entries");
    let verified = fresh(&folder.join("verify"))?;
    tool(
        "ledger-append",
        &[
            &verified.to_string_lossy(),
            &VERIFIED.to_string(),
            &BUILD_BATCH.to_string(),
        ],
    )?;
    eprintln!("ledger: verifying it");
    let plain = tool("sha256", &[&VERIFIED.to_string()])?;
    let plain_took = plain.took("")?;
    let note = format!(
        "{VERIFIED} leaves of {ENTRY_BYTES} bytes and {} nodes, one thread",
        VERIFIED - 1
    );
    rows.push(row("plain SHA-256", VERIFIED, &plain, plain_took, &note)?);
    let read = tool("read-files", &[&verified.to_string_lossy()])?;
    let note = format!(
        "{} files, in the page cache",
        count(read.number("files").unwrap_or_default() as f64)
    );
    rows.push(row(
        "plain read of the log's files",
        VERIFIED,
        &read,
        plain_took,
        &note,
    )?);
    let said = tool("ledger-verify", &[&verified.to_string_lossy()])?;
    rows.push(row(
        "Pollwatch, verify",
        VERIFIED,
        &said,
        plain_took,
        "every entry, tile and key; several threads",
    )?);

    println!("{}", markdown("Ledger", &COLUMNS, &rows));
    println!("Best of 3 in this one run, but for appending, which runs once: it leaves files behind.\n");
    Ok(())
}

fn tool(name: &str, arguments: &[&str]) -> anyhow::Result<Said> {
    let arguments: Vec<&Path> = arguments.iter().map(Path::new).collect();
    Said::by_own(name, &arguments)
}

fn row(what: &str, entries: u64, said: &Said, plain: Took, note: &str) -> anyhow::Result<Vec<String>> {
    let took = said.took("")?;
    Ok(vec![
        what.to_owned(),
        count(entries as f64),
        count(rate(entries, took.wall)),
        count(rate(entries, took.cpu)),
        seconds(took.wall),
        seconds(took.cpu),
        format!(
            "{:.2}",
            took.cpu.as_secs_f64() / plain.cpu.as_secs_f64().max(1e-9)
        ),
        said.number("peak_kib")
            .map_or(NOTHING.to_owned(), |kib| memory(Some(kib))),
        note.to_owned(),
    ])
}

/// A folder that is not there.
fn fresh(folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    Ok(folder.to_owned())
}

/// Runs the tool called `name` in this process.
pub fn run_tool(name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let took = match (name, arguments) {
        ("sha256", [entries]) => {
            let entries = entries.parse()?;
            best_of(3, || Ok(std::hint::black_box(plain_tree(entries))))?.1
        }
        ("plain-append", [file, entries]) => plain_append(Path::new(file), entries.parse()?)?,
        ("plain-files", [folder, entries]) => plain_files(Path::new(folder), entries.parse()?)?,
        ("ledger-append", [folder, entries, batch]) => {
            append(Path::new(folder), entries.parse()?, batch.parse()?)?
        }
        ("ledger-verify", [folder]) => verify(Path::new(folder))?,
        ("read-files", [folder]) => {
            let (files, took) = best_of(3, || read_files(Path::new(folder)))?;
            println!("files={files}");
            took
        }
        (name, _) => bail!("there is no tool {name} with these arguments"),
    };
    say_took("", took);
    say_peak();
    Ok(())
}

/// Entry number `index`. Cheap to make, so that making it is not what is measured.
fn entry(index: u64) -> [u8; ENTRY_BYTES] {
    let mut bytes = [b'.'; ENTRY_BYTES];
    bytes[..8].copy_from_slice(&index.to_be_bytes());
    bytes
}

/// Hashes all entries and, pair by pair, what lies above them: the hashes of a tree (RFC 6962, section 2.1), without the tree.
fn plain_tree(entries: u64) -> [u8; 32] {
    let hash = |prefix: u8, parts: [&[u8]; 2]| -> [u8; 32] {
        Sha256::new()
            .chain_update([prefix])
            .chain_update(parts[0])
            .chain_update(parts[1])
            .finalize()
            .into()
    };
    let mut level: Vec<[u8; 32]> = (0..entries).map(|index| hash(0, [&entry(index), &[]])).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => hash(1, [left, right]),
                single => single[0],
            })
            .collect();
    }
    level.first().copied().unwrap_or_default()
}

fn plain_append(path: &Path, entries: u64) -> anyhow::Result<Took> {
    let mut file = File::create(path)?;
    let mut took = Took::default();
    for begin in (0..entries).step_by(BATCH as usize) {
        let bytes: Vec<u8> = (begin..entries.min(begin + BATCH)).flat_map(entry).collect();
        took += once(|| {
            file.write_all(&bytes)?;
            Ok(file.sync_data()?)
        })?
        .1;
    }
    drop(file);
    fs::remove_file(path)?;
    Ok(took)
}

/// Writes files as the ledger has them, with nothing in them that needs work: what the form costs the file system.
fn plain_files(folder: &Path, entries: u64) -> anyhow::Result<Took> {
    fs::create_dir_all(folder)?;
    // A bundle and the tile of its hashes, on average.
    let bytes = vec![b'.'; 256 * (ENTRY_BYTES + 2 + 32) / 2];
    let mut took = Took::default();
    for batch in 0..entries.div_ceil(BATCH) {
        took += once(|| {
            let mut open_files = Vec::new();
            for number in 0..FILES_OF_BATCH {
                let mut file = File::create(folder.join(format!("{batch}-{number}")))?;
                file.write_all(&bytes)?;
                open_files.push(file);
            }
            for file in &open_files {
                file.sync_all()?;
            }
            Ok(File::open(folder)?.sync_all()?)
        })?
        .1;
    }
    fs::remove_dir_all(folder)?;
    Ok(took)
}

fn signer() -> anyhow::Result<SignerKey> {
    Ok(SignerKey::from_seed("bench.example/ledger", &[7; 32])?)
}

fn append(folder: &Path, entries: u64, batch: u64) -> anyhow::Result<Took> {
    let mut log = Log::create(folder, signer()?)?;
    let mut took = Took::default();
    for begin in (0..entries).step_by(usize::try_from(batch)?) {
        let owned: Vec<[u8; ENTRY_BYTES]> = (begin..entries.min(begin + batch)).map(entry).collect();
        let borrowed: Vec<&[u8]> = owned.iter().map(<[u8; ENTRY_BYTES]>::as_slice).collect();
        took += once(|| Ok(log.append_batch(&borrowed)?))?.1;
    }
    ensure!(
        log.size() == entries,
        "the log has {} entries, not {entries}",
        log.size()
    );
    Ok(took)
}

fn verify(folder: &Path) -> anyhow::Result<Took> {
    let keys = [signer()?.verifier().clone()];
    let (size, took) = best_of(3, || {
        Ok(verify_log(folder, &keys, None, |_, _| Ok(()))?.checkpoint.size)
    })?;
    ensure!(
        size == VERIFIED,
        "the log that was verified has {size} entries, not {VERIFIED}"
    );
    Ok(took)
}

/// Reads every file of a folder and counts them.
fn read_files(folder: &Path) -> anyhow::Result<u64> {
    let mut files = 0;
    let mut buffer = Vec::new();
    for item in fs::read_dir(folder)? {
        let item = item?;
        if item.file_type()?.is_dir() {
            files += read_files(&item.path())?;
        } else {
            buffer.clear();
            File::open(item.path())?.read_to_end(&mut buffer)?;
            files += 1;
        }
    }
    Ok(files)
}
