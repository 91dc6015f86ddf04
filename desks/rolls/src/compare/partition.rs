//! Rows by their identifiers, on disk.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{CompareError, io};

/// Partitions of a snapshot. With 15 million rows one holds some 60,000, which are sorted in 1.4 MB.
pub const PARTITIONS: usize = 256;

/// Bytes of one record: hash of the identifier, hash of the row, place in the file.
pub(crate) const RECORD_BYTES: usize = 24;

/// Bytes of a partition that one thread gathers before it writes them: 256 × 24 KiB are 6 MiB a thread.
const BUFFER_BYTES: usize = RECORD_BYTES * 1_024;

/// Most rows that are kept in memory where there is no folder for scratch files (480 MB).
const MAX_ROWS_IN_MEMORY: u64 = 20_000_000;

/// One row of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub id: u64,
    pub row: u64,
    pub place: u64,
}

/// A folder for files that are deleted when they are no longer needed.
#[derive(Debug, Clone)]
pub struct Scratch {
    dir: PathBuf,
    next: Arc<AtomicU64>,
}

impl Scratch {
    /// Scratch files in `dir`, which must be there.
    pub fn new(dir: &Path) -> Self {
        Scratch {
            dir: dir.to_owned(),
            next: Arc::default(),
        }
    }

    /// A new file, open for reading and writing.
    pub(crate) fn file(&self) -> Result<ScratchFile, CompareError> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.dir.join(format!("rolls-{number}.scratch"));
            match OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
            {
                Ok(file) => return Ok(ScratchFile { file, path }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(io("make a scratch file")(source)),
            }
        }
    }
}

/// A file that goes when it is dropped.
#[derive(Debug)]
pub(crate) struct ScratchFile {
    pub file: File,
    pub path: PathBuf,
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        // A file that cannot be deleted stays in the scratch folder, which is emptied after the run.
        std::fs::remove_file(&self.path).ok();
    }
}

/// The rows of one snapshot, by partition.
#[derive(Debug)]
pub struct Partitions {
    shared: Mutex<Shared>,
}

#[derive(Debug)]
struct Shared {
    file: Option<ScratchFile>,
    end: u64,
    /// Of each partition the places of its pieces in the file.
    pieces: Vec<Vec<(u64, u32)>>,
    /// Of each partition what is not in the file.
    memory: Vec<Vec<u8>>,
    rows_in_memory: u64,
}

impl Partitions {
    /// Empty partitions; a file is made when there is more than a thread gathers.
    pub fn new(scratch: Option<&Scratch>) -> Result<Self, CompareError> {
        Ok(Partitions {
            shared: Mutex::new(Shared {
                file: scratch.map(Scratch::file).transpose()?,
                end: 0,
                pieces: vec![Vec::new(); PARTITIONS],
                memory: vec![Vec::new(); PARTITIONS],
                rows_in_memory: 0,
            }),
        })
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // A panic of another thread leaves whole records: the lock is only held around appending them.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of a partition, sorted by identifier, then row, then place.
    pub(crate) fn load(&self, partition: usize) -> Result<Vec<Record>, CompareError> {
        let mut bytes;
        {
            let shared = &mut *self.shared();
            bytes = shared.memory[partition].clone();
            if let Some(scratch) = &mut shared.file {
                for (offset, length) in &shared.pieces[partition] {
                    let begin = bytes.len();
                    bytes.resize(begin + *length as usize, 0);
                    scratch
                        .file
                        .seek(SeekFrom::Start(*offset))
                        .and_then(|_| scratch.file.read_exact(&mut bytes[begin..]))
                        .map_err(io("read a scratch file"))?;
                }
            }
        }
        let number = |piece: &[u8]| u64::from_le_bytes(piece.try_into().expect("eight bytes"));
        let mut records: Vec<Record> = bytes
            .chunks_exact(RECORD_BYTES)
            .map(|record| Record {
                id: number(&record[..8]),
                row: number(&record[8..16]),
                place: number(&record[16..]),
            })
            .collect();
        records.sort_unstable();
        Ok(records)
    }
}

/// Gathers the rows that one thread reads.
pub(crate) struct Gatherer<'a> {
    partitions: &'a Partitions,
    buffers: Vec<Vec<u8>>,
}

impl<'a> Gatherer<'a> {
    pub fn new(partitions: &'a Partitions) -> Self {
        Gatherer {
            partitions,
            buffers: vec![Vec::new(); PARTITIONS],
        }
    }

    pub fn add(&mut self, record: Record) -> Result<(), CompareError> {
        // The top bits choose; the merge compares all of them.
        let partition = (record.id >> 56) as usize;
        let buffer = &mut self.buffers[partition];
        for number in [record.id, record.row, record.place] {
            buffer.extend_from_slice(&number.to_le_bytes());
        }
        if buffer.len() >= BUFFER_BYTES {
            self.flush(partition)?;
        }
        Ok(())
    }

    fn flush(&mut self, partition: usize) -> Result<(), CompareError> {
        let shared = &mut *self.partitions.shared();
        let buffer = &mut self.buffers[partition];
        match &mut shared.file {
            Some(scratch) => {
                scratch
                    .file
                    .seek(SeekFrom::Start(shared.end))
                    .and_then(|_| scratch.file.write_all(buffer))
                    .map_err(io("write a scratch file (is the disk full?)"))?;
                shared.pieces[partition].push((shared.end, buffer.len() as u32));
                shared.end += buffer.len() as u64;
            }
            None => {
                shared.rows_in_memory += (buffer.len() / RECORD_BYTES) as u64;
                if shared.rows_in_memory > MAX_ROWS_IN_MEMORY {
                    return Err(CompareError::TooLarge(MAX_ROWS_IN_MEMORY));
                }
                shared.memory[partition].extend_from_slice(buffer);
            }
        }
        buffer.clear();
        Ok(())
    }

    /// Hands over what is left; it stays in memory.
    pub fn close(mut self) {
        let shared = &mut *self.partitions.shared();
        for (partition, buffer) in self.buffers.iter_mut().enumerate() {
            shared.memory[partition].append(buffer);
        }
    }
}
