//! Sorts more than fits into memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Bytes of a key.
pub(crate) const KEY: usize = 20;
/// What one key costs beside its payload: key, offset and length.
const ROW: usize = KEY + 8;
/// Most runs that are merged at once: each holds a file and a buffer.
const MAX_RUNS: usize = 256;

/// A key: compared byte by byte.
pub(crate) type Key = [u8; KEY];

/// Takes rows in any order within a bound of memory, and gives them back sorted by key; rows of one key in the order in which
/// they were taken.
pub(crate) struct Sorter {
    dir: Option<PathBuf>,
    limit: usize,
    rows: Vec<(Key, u32, u32)>,
    arena: Vec<u8>,
    runs: Vec<File>,
}

impl Sorter {
    /// `limit`: bytes to hold in memory, at most 4 GiB.
    pub(crate) fn new(dir: Option<&Path>, limit: usize) -> Self {
        Sorter {
            dir: dir.map(Path::to_owned),
            limit: limit.min(u32::MAX as usize),
            rows: Vec::new(),
            arena: Vec::new(),
            runs: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, key: Key, payload: &[u8]) -> io::Result<()> {
        if !self.rows.is_empty()
            && self.rows.len() * ROW + self.arena.len() + ROW + payload.len() > self.limit
        {
            self.spill()?;
        }
        self.rows
            .push((key, self.arena.len() as u32, payload.len() as u32));
        self.arena.extend_from_slice(payload);
        Ok(())
    }

    fn sort(&mut self) {
        // Offsets grow, so that rows of one key keep their order.
        self.rows.sort_unstable();
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        let mut out = BufWriter::with_capacity(1 << 18, temporary(self.dir.as_deref())?);
        for (key, at, length) in self.rows.drain(..) {
            write_row(&mut out, &key, &self.arena[at as usize..(at + length) as usize])?;
        }
        self.arena.clear();
        self.runs.push(rewound(out)?);
        if self.runs.len() >= MAX_RUNS {
            let mut merge = Merge::new(std::mem::take(&mut self.runs))?;
            let mut out = BufWriter::with_capacity(1 << 18, temporary(self.dir.as_deref())?);
            while let Some((key, payload)) = merge.next()? {
                write_row(&mut out, &key, payload)?;
            }
            self.runs.push(rewound(out)?);
        }
        Ok(())
    }

    /// The rows, sorted.
    pub(crate) fn sorted(mut self) -> io::Result<Sorted> {
        if self.runs.is_empty() {
            self.sort();
            return Ok(Sorted::Memory {
                rows: self.rows,
                arena: self.arena,
                at: 0,
            });
        }
        if !self.rows.is_empty() {
            self.spill()?;
        }
        self.rows = Vec::new();
        self.arena = Vec::new();
        Ok(Sorted::Merge(Merge::new(self.runs)?))
    }
}

fn temporary(dir: Option<&Path>) -> io::Result<File> {
    match dir {
        Some(dir) => tempfile::tempfile_in(dir),
        None => tempfile::tempfile(),
    }
}

fn rewound(out: BufWriter<File>) -> io::Result<File> {
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

fn write_row(out: &mut impl Write, key: &Key, payload: &[u8]) -> io::Result<()> {
    out.write_all(key)?;
    out.write_all(&(payload.len() as u32).to_le_bytes())?;
    out.write_all(payload)
}

/// Rows in the order of their keys.
pub(crate) enum Sorted {
    Memory {
        rows: Vec<(Key, u32, u32)>,
        arena: Vec<u8>,
        at: usize,
    },
    Merge(Merge),
}

impl Sorted {
    pub(crate) fn next(&mut self) -> io::Result<Option<(Key, &[u8])>> {
        match self {
            Sorted::Memory { rows, arena, at } => {
                let Some((key, from, length)) = rows.get(*at) else {
                    return Ok(None);
                };
                *at += 1;
                Ok(Some((*key, &arena[*from as usize..(*from + *length) as usize])))
            }
            Sorted::Merge(merge) => merge.next(),
        }
    }
}

pub(crate) struct Merge {
    runs: Vec<Run>,
    /// The next key of each run that has one, and the run.
    heap: BinaryHeap<Reverse<(Key, usize)>>,
    current: Option<usize>,
}

struct Run {
    file: BufReader<File>,
    payload: Vec<u8>,
    next: Vec<u8>,
}

impl Run {
    /// Reads the row ahead; its key, or `None` at the end.
    fn advance(&mut self) -> io::Result<Option<Key>> {
        let mut key = [0; KEY];
        if self.file.read(&mut key[..1])? == 0 {
            return Ok(None);
        }
        self.file.read_exact(&mut key[1..])?;
        let mut length = [0; 4];
        self.file.read_exact(&mut length)?;
        self.next.resize(u32::from_le_bytes(length) as usize, 0);
        self.file.read_exact(&mut self.next)?;
        Ok(Some(key))
    }
}

impl Merge {
    fn new(files: Vec<File>) -> io::Result<Self> {
        let mut merge = Merge {
            runs: Vec::new(),
            heap: BinaryHeap::new(),
            current: None,
        };
        for file in files {
            let mut run = Run {
                file: BufReader::with_capacity(1 << 16, file),
                payload: Vec::new(),
                next: Vec::new(),
            };
            if let Some(key) = run.advance()? {
                merge.heap.push(Reverse((key, merge.runs.len())));
            }
            merge.runs.push(run);
        }
        Ok(merge)
    }

    fn next(&mut self) -> io::Result<Option<(Key, &[u8])>> {
        if let Some(at) = self.current.take()
            && let Some(key) = self.runs[at].advance()?
        {
            self.heap.push(Reverse((key, at)));
        }
        let Some(Reverse((key, at))) = self.heap.pop() else {
            return Ok(None);
        };
        let run = &mut self.runs[at];
        std::mem::swap(&mut run.payload, &mut run.next);
        self.current = Some(at);
        Ok(Some((key, &run.payload)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{KEY, Sorter};

    proptest! {
        #[test]
        fn sorts_within_any_bound_and_keeps_the_order_of_equal_keys(
            rows in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..20)), 0..600),
            limit in 60usize..2_000,
        ) {
            let mut sorter = Sorter::new(None, limit);
            for (key, payload) in &rows {
                sorter.push([*key; KEY], payload).unwrap();
            }
            let mut sorted = sorter.sorted().unwrap();
            let mut got = Vec::new();
            while let Some((key, payload)) = sorted.next().unwrap() {
                got.push((key[0], payload.to_vec()));
            }
            let mut expected = rows;
            expected.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(got, expected);
        }
    }
}
