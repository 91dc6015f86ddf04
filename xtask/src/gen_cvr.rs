//! A large Dominion CSV export, made up: what imports are measured on.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest, Sha256};

/// Name, votes allowed, choices; and whether it is on every ballot or on those of every third batch.
const CONTESTS: [(&str, u64, u64, bool); 10] = [
    ("President", 1, 5, true),
    ("US Senate", 1, 4, true),
    ("US House", 1, 3, true),
    ("Governor", 1, 4, true),
    ("Sheriff", 1, 2, false),
    ("County Council At Large", 3, 7, true),
    ("School Board", 2, 5, false),
    ("Judge A", 1, 2, true),
    ("Measure 1", 1, 2, true),
    ("Measure 2", 1, 2, true),
];

/// Cards of a batch, and tabulators.
const BATCH: u64 = 200;
const TABULATORS: u64 = 40;

/// SHA-256 of the two files, in hexadecimal.
pub struct Digests {
    /// Of the export.
    pub cvr: String,
    /// Of the manifest.
    pub manifest: String,
}

/// Knuth's 64-bit linear congruential generator (MMIX); the upper 31 bits.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

struct Digested<W> {
    inner: W,
    digest: Sha256,
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.digest.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn to_file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<String> {
    let make = || -> io::Result<String> {
        let file = Digested {
            inner: File::create(path)?,
            digest: Sha256::new(),
        };
        let mut out = BufWriter::with_capacity(1 << 18, file);
        fill(&mut out)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(file
            .digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    };
    make().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes an export of `rows` cards and its manifest.
pub fn write(rows: u64, cvr: &Path, manifest: &Path) -> Result<Digests> {
    Ok(Digests {
        cvr: to_file(cvr, |out| write_cvr(rows, out))?,
        manifest: to_file(manifest, |out| write_manifest(rows, out))?,
    })
}

fn write_cvr(rows: u64, out: &mut dyn Write) -> io::Result<()> {
    let columns: u64 = CONTESTS.iter().map(|(_, _, choices, _)| choices).sum();
    write!(
        out,
        "Pollwatch Bench,5.10.50.85{}\r\n",
        ",".repeat(columns as usize + 6)
    )?;
    let row = |out: &mut dyn Write, cell: &dyn Fn(&str, u64, u64) -> String| -> io::Result<()> {
        write!(out, ",,,,,,,")?;
        for (name, votes, choices, _) in CONTESTS {
            for choice in 1..=choices {
                write!(out, ",{}", cell(name, votes, choice))?;
            }
        }
        write!(out, "\r\n")
    };
    row(out, &|name, votes, _| format!("{name} (Vote For={votes})"))?;
    row(out, &|name, _, choice| format!("{name} Choice {choice}"))?;
    write!(
        out,
        "CvrNumber,TabulatorNum,BatchId,RecordId,ImprintedId,CountingGroup,PrecinctPortion,BallotType,{}\r\n",
        ",".repeat(columns as usize - 1)
    )?;
    let mut chance = Chance(12_345);
    let mut line = Vec::with_capacity(256);
    for at in 0..rows {
        let batch = at / BATCH;
        let (tabulator, id, record) = (101 + batch % TABULATORS, 1 + batch / TABULATORS, 1 + at % BATCH);
        line.clear();
        write!(
            line,
            "=\"{}\",=\"{tabulator}\",=\"{id}\",=\"{record}\",=\"{tabulator}-{id}-{record}\",Mail,Precinct {},Style {}",
            at + 1,
            batch % 250,
            batch % 3
        )?;
        for (_, votes, choices, everywhere) in CONTESTS {
            mark(
                &mut chance,
                votes,
                choices,
                everywhere || batch.is_multiple_of(3),
                &mut line,
            );
        }
        line.extend_from_slice(b"\r\n");
        out.write_all(&line)?;
    }
    out.flush()
}

fn mark(chance: &mut Chance, votes: u64, choices: u64, is_on_card: bool, line: &mut Vec<u8>) {
    if !is_on_card {
        (0..choices).for_each(|_| line.push(b','));
        return;
    }
    let mut cells = [b'0'; 16];
    match chance.next() % 100 {
        96.. => {}
        95 => cells[..choices.min(votes + 1) as usize].fill(b'1'),
        _ => {
            for _ in 0..votes {
                let drawn = chance.next() % (3 * choices);
                let choice = match drawn {
                    drawn if drawn >= 2 * choices => 0,
                    drawn if drawn >= choices + choices / 2 => 1,
                    drawn => drawn % choices,
                };
                cells[choice as usize] = b'1';
            }
        }
    }
    for cell in &cells[..choices as usize] {
        line.extend_from_slice(&[b',', *cell]);
    }
}

fn write_manifest(rows: u64, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Container,Tabulator,Batch Name,Number of Ballots")?;
    for batch in 0..rows.div_ceil(BATCH) {
        let cards = BATCH.min(rows - batch * BATCH);
        let (tabulator, id) = (101 + batch % TABULATORS, 1 + batch / TABULATORS);
        writeln!(out, "Box {},{tabulator},{id},{cards}", batch / 10 + 1)?;
    }
    out.flush()
}
