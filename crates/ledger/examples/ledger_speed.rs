//! How fast the ledger appends and verifies on this machine, beside plain SHA-256 of the same bytes.
//!
//! `cargo run --release -p pollwatch-ledger --example ledger_speed [FOLDER] [ENTRIES] [BATCH]`
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::time::Instant;

use pollwatch_ledger::evidence::{EvidenceStore, verify_packs};
use pollwatch_ledger::log::Log;
use pollwatch_ledger::note::SignerKey;
use pollwatch_ledger::verify::verify_log;
use sha2::{Digest as _, Sha256};

fn entry(number: usize) -> Vec<u8> {
    let digest = Sha256::digest(number.to_be_bytes());
    format!(
        "{{\"case\":\"case-{number:07}\",\"kind\":\"finding\",\"sha256\":\"{}\"}}",
        hex::encode(digest)
    )
    .into_bytes()
}

/// Processor time of this process so far, in seconds, all threads; 0 where there is no /proc.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let count: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let batch: usize = arguments.next().map_or(Ok(4_096), |text| text.parse())?;
    let folder = tempfile::tempdir_in(parent)?;
    let entries: Vec<Vec<u8>> = (0..count).map(entry).collect();
    let all: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let bytes: usize = entries.iter().map(Vec::len).sum();
    println!("{count} entries of {} bytes", bytes / count.max(1));

    let signer = SignerKey::from_seed("speed.example/ledger", &[1; 32])?;
    let key = signer.verifier().clone();
    let dir = folder.path().join("ledger");
    let begun = Instant::now();
    let processor = processor_seconds();
    let mut log = Log::create(&dir, signer.clone())?;
    for part in all.chunks(batch) {
        log.append_batch(part)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let processor = processor_seconds() - processor;
    println!(
        "append with fsync, batches of {batch}: {:.0} a second",
        count as f64 / seconds
    );
    println!("  {seconds:.2} s ({processor:.2} s of processor)");
    drop(log);

    let begun = Instant::now();
    let log = Log::open(&dir, signer, None)?;
    println!("open: {:.2} ms", begun.elapsed().as_secs_f64() * 1e3);
    let begun = Instant::now();
    for number in 0..1_000 {
        log.reader().inclusion_proof(number * count as u64 / 1_000)?;
    }
    println!(
        "inclusion proof from disk: {:.3} ms each",
        begun.elapsed().as_secs_f64()
    );
    drop(log);

    for _ in 0..3 {
        let begun = Instant::now();
        let processor = processor_seconds();
        let mut told = 0;
        verify_log(&dir, std::slice::from_ref(&key), None, |_, entry| {
            told += entry.len();
            Ok(())
        })?;
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "verify: {seconds:.3} s ({:.2} s of processor)",
            processor_seconds() - processor
        );
        assert_eq!(told, bytes);
    }
    let (begun, processor) = (Instant::now(), processor_seconds());
    let digests = entries
        .iter()
        .fold(0, |sum: u64, entry| sum + u64::from(Sha256::digest(entry)[0]));
    let (seconds, processor) = (begun.elapsed().as_secs_f64(), processor_seconds() - processor);
    println!(
        "SHA-256 of each entry, one thread: {seconds:.3} s ({processor:.2} s of processor; sum {digests})"
    );
    let begun = Instant::now();
    let mut hash = Sha256::new();
    entries.iter().for_each(|entry| hash.update(entry));
    println!(
        "SHA-256 of all bytes in one, one thread: {:.3} s ({:02x})",
        begun.elapsed().as_secs_f64(),
        hash.finalize()[0]
    );

    let packs = folder.path().join("evidence");
    let begun = Instant::now();
    let mut store = EvidenceStore::open(&packs)?;
    for part in all.chunks(batch) {
        store.put_batch(part)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "evidence put with fsync: {seconds:.2} s, {:.0} a second",
        count as f64 / seconds
    );
    drop(store);
    let begun = Instant::now();
    let found = verify_packs(&packs, |_, _| ())?;
    println!(
        "evidence verify: {:.3} s for {} MB",
        begun.elapsed().as_secs_f64(),
        found.bytes / 1_000_000
    );
    let (begun, processor) = (Instant::now(), processor_seconds());
    EvidenceStore::open(&packs)?;
    let (seconds, processor) = (begun.elapsed().as_secs_f64(), processor_seconds() - processor);
    println!("evidence open: {seconds:.3} s ({processor:.2} s of processor)");
    Ok(())
}
