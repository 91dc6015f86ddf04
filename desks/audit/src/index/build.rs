//! Makes an index.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use pollwatch_model::Problem;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use super::code::{Places, encode};
use super::open::{CardIndex, Directory, IndexedBatch};
use super::{HEADER, IndexError, MAGIC, VERSION, code, hash};
use crate::election::{BatchId, CardId, CastVoteRecord, Election, Tally};
use crate::read::{CvrSink, RedactedGroup};
use crate::spill::{KEY, Key, Sorter};

/// Memory for the records that are being sorted; what is more goes to the scratch folder.
const SORT_BYTES: usize = 64 << 20;
/// Memory for the imprinted ids that are being sorted.
const IMPRINT_BYTES: usize = 32 << 20;
/// Most cards; ordinals have 32 bits.
pub const MAX_INDEXED_CARDS: u64 = 1_000_000_000;
/// Most batches, and most styles, precincts and groups each.
const MAX_NAMES: usize = 2_000_000;
/// Most cards met twice, problems and groups that are kept.
const MAX_KEPT: usize = 10_000;

/// Takes records in any order, and makes an index of them.
pub struct IndexBuilder {
    scratch: Option<PathBuf>,
    sorter: Sorter,
    batches: FxHashMap<BatchId, u32>,
    ids: Vec<BatchId>,
    last: u32,
    styles: Names,
    precincts: Names,
    groups: Names,
    tally: Tally,
    payload: Vec<u8>,
    problems: Vec<Problem>,
    redacted: Vec<RedactedGroup>,
}

/// Names by their places; the last one is remembered, because the next record mostly has the same.
#[derive(Default)]
struct Names {
    places: FxHashMap<String, u32>,
    names: Vec<String>,
    last: u32,
}

impl Names {
    fn place(&mut self, name: &str) -> io::Result<u32> {
        if self
            .names
            .get(self.last as usize)
            .is_some_and(|last| last == name)
        {
            return Ok(self.last);
        }
        self.last = match self.places.get(name) {
            Some(place) => *place,
            None => {
                if self.names.len() >= MAX_NAMES {
                    return Err(io::Error::other(IndexError::Limit(
                        "2,000,000 batches, styles or precincts",
                    )));
                }
                let place = self.names.len() as u32;
                self.places.insert(name.to_owned(), place);
                self.names.push(name.to_owned());
                place
            }
        };
        Ok(self.last)
    }
}

impl IndexBuilder {
    /// `scratch`: the folder for what does not fit into memory; the system's own where none is given.
    pub fn new(scratch: Option<&Path>) -> Self {
        Self::with_memory(scratch, SORT_BYTES)
    }

    /// The same, holding about `bytes` of records in memory.
    pub fn with_memory(scratch: Option<&Path>, bytes: usize) -> Self {
        IndexBuilder {
            scratch: scratch.map(Path::to_owned),
            sorter: Sorter::new(scratch, bytes),
            batches: FxHashMap::default(),
            ids: Vec::new(),
            last: 0,
            styles: Names::default(),
            precincts: Names::default(),
            groups: Names::default(),
            tally: Tally::default(),
            payload: Vec::new(),
            problems: Vec::new(),
            redacted: Vec::new(),
        }
    }

    /// The problems met so far, up to 10,000.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The rows met so far that stand for several cards, up to 10,000.
    pub fn groups(&self) -> &[RedactedGroup] {
        &self.redacted
    }

    /// Writes the index to `path`, which is replaced, and opens it. `election`: what the readers gave back.
    pub fn finish(self, election: &Election, path: &Path) -> Result<CardIndex, IndexError> {
        let fail = |source| IndexError::Io {
            doing: "write",
            source,
        };
        let order = order_of(&self.ids);
        // In the order in which the batches were met; then copied in their own order.
        let mut runs = vec![(0u64, 0u64, 0u64); self.ids.len()];
        let mut unordered =
            BufWriter::with_capacity(1 << 18, temporary(self.scratch.as_deref()).map_err(fail)?);
        let mut duplicates = Vec::new();
        let mut sorted = self.sorter.sorted().map_err(fail)?;
        let mut at = 0u64;
        let mut before: Option<Key> = None;
        while let Some((key, payload)) = sorted.next().map_err(fail)? {
            let batch = u32::from_be_bytes([key[0], key[1], key[2], key[3]]) as usize;
            if runs[batch].2 == 0 {
                runs[batch].0 = at;
            }
            runs[batch].1 += payload.len() as u64 + 4;
            runs[batch].2 += 1;
            if before == Some(key) && duplicates.len() < MAX_KEPT {
                let number = u128::from_be_bytes(key[4..].try_into().unwrap_or_default());
                duplicates.push(CardId {
                    batch: self.ids[batch].clone(),
                    record: crate::election::RecordId(number),
                    imprinted: String::new(),
                });
            }
            before = Some(key);
            unordered
                .write_all(&(payload.len() as u32).to_le_bytes())
                .map_err(fail)?;
            unordered.write_all(payload).map_err(fail)?;
            at += payload.len() as u64 + 4;
        }
        drop(sorted);
        let unordered = unordered.into_inner().map_err(|error| fail(error.into_error()))?;
        let mut unordered = BufReader::with_capacity(1 << 18, unordered);

        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(fail)?;
        let mut out = BufWriter::with_capacity(1 << 18, file);
        out.write_all(&[0; HEADER as usize]).map_err(fail)?;
        let mut offsets =
            BufWriter::with_capacity(1 << 18, temporary(self.scratch.as_deref()).map_err(fail)?);
        let mut imprints = Sorter::new(self.scratch.as_deref(), IMPRINT_BYTES);
        let mut batches: Vec<IndexedBatch> = Vec::with_capacity(order.len());
        let (mut ordinal, mut written) = (0u64, 0u64);
        let mut record = CastVoteRecord::default();
        let mut bytes = Vec::new();
        for batch in order {
            let (start, length, cards) = runs[batch];
            let here = unordered.stream_position().map_err(fail)?;
            unordered
                .seek_relative(start as i64 - here as i64)
                .map_err(fail)?;
            let (base, mut left) = (written, length);
            record.card.batch = self.ids[batch].clone();
            batches.push(IndexedBatch {
                id: self.ids[batch].clone(),
                first: ordinal,
                cards,
                base,
            });
            while left > 0 {
                let mut size = [0; 4];
                unordered.read_exact(&mut size).map_err(fail)?;
                bytes.resize(u32::from_le_bytes(size) as usize, 0);
                unordered.read_exact(&mut bytes).map_err(fail)?;
                left -= bytes.len() as u64 + 4;
                let offset =
                    u32::try_from(written - base).map_err(|_| IndexError::Limit("4 GiB in one batch"))?;
                offsets.write_all(&offset.to_le_bytes()).map_err(fail)?;
                out.write_all(&bytes).map_err(fail)?;
                written += bytes.len() as u64;
                code::decode(&mut bytes.as_slice(), &mut record).map_err(fail)?;
                if !record.card.imprinted.is_empty() {
                    let mut key = [0; KEY];
                    key[..8].copy_from_slice(&hash(&record.card.imprinted).to_be_bytes());
                    key[8..12].copy_from_slice(&(ordinal as u32).to_be_bytes());
                    imprints.push(key, &[]).map_err(fail)?;
                }
                ordinal += 1;
            }
        }
        drop(unordered);
        let mut offsets = offsets.into_inner().map_err(|error| fail(error.into_error()))?;
        offsets.rewind().map_err(fail)?;
        io::copy(&mut offsets, &mut out).map_err(fail)?;
        let mut imprinted = 0u64;
        let mut sorted = imprints.sorted().map_err(fail)?;
        while let Some((key, _)) = sorted.next().map_err(fail)? {
            let mut entry = [0; 12];
            for (to, from) in entry[..8].iter_mut().zip(key[..8].iter().rev()) {
                *to = *from;
            }
            for (to, from) in entry[8..].iter_mut().zip(key[8..12].iter().rev()) {
                *to = *from;
            }
            out.write_all(&entry).map_err(fail)?;
            imprinted += 1;
        }
        let directory = Directory {
            batches,
            styles: self.styles.names,
            precincts: self.precincts.names,
            groups: self.groups.names,
            election: election.clone(),
            tally: self.tally,
            duplicates,
            redacted: self.redacted,
        };
        let directory = serde_json::to_vec(&directory).map_err(|error| fail(error.into()))?;
        out.write_all(&directory).map_err(fail)?;
        let mut header = Vec::with_capacity(HEADER as usize);
        header.extend_from_slice(&MAGIC);
        header.push(VERSION);
        for number in [ordinal, written, imprinted, directory.len() as u64] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.extend_from_slice(&Sha256::digest(&directory));
        header.resize(HEADER as usize, 0);
        let mut file = out.into_inner().map_err(|error| fail(error.into_error()))?;
        // The header comes last: a file that was cut off has none.
        file.seek(SeekFrom::Start(0)).map_err(fail)?;
        file.write_all(&header).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        drop(file);
        CardIndex::open(path)
    }
}

impl CvrSink for IndexBuilder {
    fn record(&mut self, election: &Election, record: &CastVoteRecord) -> io::Result<()> {
        let same = self
            .ids
            .get(self.last as usize)
            .is_some_and(|last| *last == record.card.batch);
        if !same {
            self.last = match self.batches.get(&record.card.batch) {
                Some(place) => *place,
                None => {
                    if self.ids.len() >= MAX_NAMES {
                        return Err(io::Error::other(IndexError::Limit("2,000,000 batches")));
                    }
                    let place = self.ids.len() as u32;
                    self.batches.insert(record.card.batch.clone(), place);
                    self.ids.push(record.card.batch.clone());
                    place
                }
            };
        }
        if self.tally.cards >= MAX_INDEXED_CARDS {
            return Err(io::Error::other(IndexError::Limit("1,000,000,000 cards")));
        }
        self.tally.add(election, record);
        let places = Places {
            style: self.styles.place(&record.style)?,
            precinct: self.precincts.place(&record.precinct)?,
            group: self.groups.place(&record.group)?,
        };
        let mut key = [0; KEY];
        key[..4].copy_from_slice(&self.last.to_be_bytes());
        key[4..].copy_from_slice(&record.card.record.0.to_be_bytes());
        self.payload.clear();
        encode(record, places, &mut self.payload);
        self.sorter.push(key, &self.payload)
    }

    fn problem(&mut self, problem: Problem) {
        if self.problems.len() < MAX_KEPT {
            self.problems.push(problem);
        }
    }

    fn group(&mut self, group: RedactedGroup) {
        if self.redacted.len() < MAX_KEPT {
            self.redacted.push(group);
        }
    }
}

fn temporary(dir: Option<&Path>) -> io::Result<File> {
    match dir {
        Some(dir) => tempfile::tempfile_in(dir),
        None => tempfile::tempfile(),
    }
}

/// Places of the batches, in the order in which a person would put them.
fn order_of(ids: &[BatchId]) -> Vec<usize> {
    let mut order: Vec<(Vec<Piece>, usize)> = ids
        .iter()
        .enumerate()
        .map(|(at, id)| {
            let mut pieces = pieces(&id.container);
            pieces.push(Piece::End);
            pieces.extend(self::pieces(&id.tabulator));
            pieces.push(Piece::End);
            pieces.extend(self::pieces(&id.batch));
            (pieces, at)
        })
        .collect();
    order.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| ids[a.1].cmp(&ids[b.1])));
    order.into_iter().map(|(_, at)| at).collect()
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    End,
    /// Digits without leading zeros: their number, then themselves.
    Number(usize, String),
    Text(String),
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest
            .find(|c: char| c.is_ascii_digit() != digits)
            .unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        pieces.push(match digits {
            true => {
                let digits = piece.trim_start_matches('0');
                Piece::Number(digits.len(), digits.to_owned())
            }
            false => Piece::Text(piece.to_owned()),
        });
    }
    pieces
}
