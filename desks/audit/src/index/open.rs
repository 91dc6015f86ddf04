//! Reads an index.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{HEADER, IMPRINT, IndexError, MAGIC, VERSION, code, hash};
use crate::election::{BatchId, CardId, CastVoteRecord, Election, RecordId, Tally};
use crate::read::RedactedGroup;

/// Largest directory: two million batches with long names.
const MAX_DIRECTORY: u64 = 1 << 30;

/// A batch of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedBatch {
    /// The batch, as the records name it.
    pub id: BatchId,
    /// Ordinal of its first card.
    pub first: u64,
    /// Cards with a record.
    pub cards: u64,
    /// Where its records begin, from where all records begin.
    pub(super) base: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Directory {
    pub(super) batches: Vec<IndexedBatch>,
    pub(super) styles: Vec<String>,
    pub(super) precincts: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) election: Election,
    pub(super) tally: Tally,
    pub(super) duplicates: Vec<CardId>,
    pub(super) redacted: Vec<RedactedGroup>,
}

/// An index of cards. Cards have ordinals from 0, in the order of batches and record numbers.
pub struct CardIndex {
    file: File,
    cards: u64,
    records: u64,
    imprints: u64,
    directory: Directory,
    /// Places of batches by the name of the batch alone.
    by_name: FxHashMap<String, Vec<u32>>,
}

impl std::fmt::Debug for CardIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardIndex")
            .field("cards", &self.cards)
            .finish_non_exhaustive()
    }
}

fn fail(source: io::Error) -> IndexError {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => IndexError::Damaged("it ends too early"),
        io::ErrorKind::InvalidData => IndexError::Damaged("a record is none"),
        _ => IndexError::Io {
            doing: "read",
            source,
        },
    }
}

impl CardIndex {
    /// Opens an index. The directory is checked against its digest.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let mut file = File::open(path).map_err(fail)?;
        let mut header = [0; HEADER as usize];
        file.read_exact(&mut header).map_err(fail)?;
        if header[..7] != MAGIC {
            return Err(IndexError::Damaged("it does not begin as one"));
        }
        if header[7] != VERSION {
            return Err(IndexError::Version {
                found: header[7],
                known: VERSION,
            });
        }
        let number =
            |at: usize| u64::from_le_bytes(header[8 + 8 * at..16 + 8 * at].try_into().unwrap_or_default());
        let (cards, records, imprints, length) = (number(0), number(1), number(2), number(3));
        let whole = file.metadata().map_err(fail)?.len();
        let place = |cards: u64, imprints: u64| {
            HEADER
                .checked_add(records)?
                .checked_add(cards.checked_mul(4)?)?
                .checked_add(imprints.checked_mul(IMPRINT)?)
        };
        let Some(at) = place(cards, imprints).filter(|at| at.checked_add(length) == Some(whole)) else {
            return Err(IndexError::Damaged("its sections do not fill it"));
        };
        if length > MAX_DIRECTORY {
            return Err(IndexError::Damaged("its directory is too long"));
        }
        file.seek(SeekFrom::Start(at)).map_err(fail)?;
        let mut bytes = vec![0; length as usize];
        file.read_exact(&mut bytes).map_err(fail)?;
        if Sha256::digest(&bytes)[..] != header[40..72] {
            return Err(IndexError::Damaged(
                "its directory is not the one that was written",
            ));
        }
        let directory: Directory = serde_json::from_slice(&bytes)
            .map_err(|_| IndexError::Damaged("its directory cannot be read"))?;
        let mut next = 0;
        for batch in &directory.batches {
            if batch.first != next || batch.base > records {
                return Err(IndexError::Damaged("its batches do not follow each other"));
            }
            next = next.saturating_add(batch.cards);
        }
        if next != cards {
            return Err(IndexError::Damaged("its batches are not all of its cards"));
        }
        Ok(CardIndex {
            file,
            cards,
            records,
            imprints,
            by_name: by_name(&directory.batches),
            directory,
        })
    }

    /// Cards with a record.
    pub fn len(&self) -> u64 {
        self.cards
    }

    /// Whether there is no card.
    pub fn is_empty(&self) -> bool {
        self.cards == 0
    }

    /// The contests and candidates that the records speak of.
    pub fn election(&self) -> &Election {
        &self.directory.election
    }

    /// Counts over all records.
    pub fn tally(&self) -> &Tally {
        &self.directory.tally
    }

    /// The batches, in order.
    pub fn batches(&self) -> &[IndexedBatch] {
        &self.directory.batches
    }

    /// Cards of which there is more than one record with the same number in the same batch, up to 10,000.
    pub fn duplicates(&self) -> &[CardId] {
        &self.directory.duplicates
    }

    /// Rows of the sources that stand for several cards.
    pub fn groups(&self) -> &[RedactedGroup] {
        &self.directory.redacted
    }

    /// The batch of this id: exactly, or else the only one that [agrees](BatchId::agrees_with) with it, as when a manifest states a
    /// container and the records do not.
    pub fn batch(&self, id: &BatchId) -> Option<&IndexedBatch> {
        let named = self.by_name.get(&id.batch)?;
        let batches = || named.iter().map(|place| &self.directory.batches[*place as usize]);
        let mut like = batches().filter(|batch| batch.id.agrees_with(id));
        match (batches().find(|batch| batch.id == *id), like.next(), like.next()) {
            (Some(exact), ..) => Some(exact),
            (None, only, None) => only,
            _ => None,
        }
    }

    /// The record of ordinal `at`; `None` at and beyond [`len`](Self::len).
    pub fn at(&mut self, at: u64) -> Result<Option<CastVoteRecord>, IndexError> {
        if at >= self.cards {
            return Ok(None);
        }
        let which = self.directory.batches.partition_point(|batch| batch.first <= at) - 1;
        let batch = &self.directory.batches[which];
        let mut offset = [0; 4];
        self.file
            .seek(SeekFrom::Start(HEADER + self.records + 4 * at))
            .map_err(fail)?;
        self.file.read_exact(&mut offset).map_err(fail)?;
        let start = HEADER + batch.base + u64::from(u32::from_le_bytes(offset));
        self.file.seek(SeekFrom::Start(start)).map_err(fail)?;
        let mut record = CastVoteRecord::default();
        record.card.batch = batch.id.clone();
        // A record has some 50 bytes.
        let mut reader = BufReader::with_capacity(512, &self.file);
        let places = code::decode(&mut reader, &mut record).map_err(fail)?;
        name(&self.directory, places, &mut record)?;
        Ok(Some(record))
    }

    /// The card that lies `position`th in the batch, counted from 1, and its ordinal.
    pub fn position(
        &mut self,
        id: &BatchId,
        position: u64,
    ) -> Result<Option<(u64, CastVoteRecord)>, IndexError> {
        let Some(batch) = self
            .batch(id)
            .filter(|batch| (1..=batch.cards).contains(&position))
        else {
            return Ok(None);
        };
        let at = batch.first + position - 1;
        Ok(self.at(at)?.map(|record| (at, record)))
    }

    /// The card of this number in the batch, and its ordinal; the first one where there are several.
    pub fn card(
        &mut self,
        id: &BatchId,
        number: RecordId,
    ) -> Result<Option<(u64, CastVoteRecord)>, IndexError> {
        let Some(batch) = self.batch(id) else {
            return Ok(None);
        };
        let (mut low, mut high) = (batch.first, batch.first + batch.cards);
        let end = high;
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle)? {
                Some(record) if record.card.record < number => low = middle + 1,
                _ => high = middle,
            }
        }
        if low == end {
            return Ok(None);
        }
        Ok(self
            .at(low)?
            .filter(|record| record.card.record == number)
            .map(|record| (low, record)))
    }

    /// Ordinals of all cards with this imprinted id, ascending.
    pub fn imprinted(&mut self, id: &str) -> Result<Vec<u64>, IndexError> {
        let wanted = hash(id);
        let (mut low, mut high) = (0, self.imprints);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.imprint(middle)?.0 < wanted {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut found = Vec::new();
        while low < self.imprints {
            let (hash, ordinal) = self.imprint(low)?;
            if hash != wanted {
                break;
            }
            if self
                .at(ordinal)?
                .is_some_and(|record| record.card.imprinted == id)
            {
                found.push(ordinal);
            }
            low += 1;
        }
        Ok(found)
    }

    fn imprint(&mut self, at: u64) -> Result<(u64, u64), IndexError> {
        let mut entry = [0; IMPRINT as usize];
        self.file
            .seek(SeekFrom::Start(
                HEADER + self.records + 4 * self.cards + IMPRINT * at,
            ))
            .map_err(fail)?;
        self.file.read_exact(&mut entry).map_err(fail)?;
        Ok(split(&entry))
    }

    /// Imprinted ids that more than one card has, with the cards' ordinals, up to `most` of them.
    pub fn shared_imprints(&mut self, most: usize) -> Result<Vec<(String, Vec<u64>)>, IndexError> {
        self.file
            .seek(SeekFrom::Start(HEADER + self.records + 4 * self.cards))
            .map_err(fail)?;
        let mut candidates: Vec<Vec<u64>> = Vec::new();
        {
            let mut reader = BufReader::with_capacity(1 << 18, &self.file);
            let mut entry = [0; IMPRINT as usize];
            let mut last: Option<(u64, u64)> = None;
            let mut open = false;
            for _ in 0..self.imprints {
                reader.read_exact(&mut entry).map_err(fail)?;
                let (hash, ordinal) = split(&entry);
                match last {
                    Some((before, other)) if before == hash => {
                        if !open && candidates.len() < most {
                            candidates.push(vec![other]);
                            open = true;
                        }
                        // Of one id on very many cards, a hundred are enough to name.
                        if open && let Some(group) = candidates.last_mut().filter(|group| group.len() < 100) {
                            group.push(ordinal);
                        }
                    }
                    _ => open = false,
                }
                last = Some((hash, ordinal));
            }
        }
        let mut shared: Vec<(String, Vec<u64>)> = Vec::new();
        for group in candidates {
            let mut of_group: Vec<(String, Vec<u64>)> = Vec::new();
            for ordinal in group {
                let Some(record) = self.at(ordinal)? else { continue };
                match of_group.iter_mut().find(|(id, _)| *id == record.card.imprinted) {
                    Some((_, ordinals)) => ordinals.push(ordinal),
                    None => of_group.push((record.card.imprinted, vec![ordinal])),
                }
            }
            shared.extend(of_group.into_iter().filter(|(_, ordinals)| ordinals.len() > 1));
        }
        shared.sort_by_key(|(_, ordinals)| ordinals[0]);
        Ok(shared)
    }

    /// Hands over every record with its ordinal, in order, until `each` says stop.
    pub fn each(
        &mut self,
        mut each: impl FnMut(u64, &CastVoteRecord) -> std::ops::ControlFlow<()>,
    ) -> Result<(), IndexError> {
        self.file.seek(SeekFrom::Start(HEADER)).map_err(fail)?;
        let mut reader = BufReader::with_capacity(1 << 18, &self.file).take(self.records);
        let mut record = CastVoteRecord::default();
        for batch in &self.directory.batches {
            record.card.batch = batch.id.clone();
            for at in batch.first..batch.first + batch.cards {
                let places = code::decode(&mut reader, &mut record).map_err(fail)?;
                name(&self.directory, places, &mut record)?;
                if each(at, &record).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn by_name(batches: &[IndexedBatch]) -> FxHashMap<String, Vec<u32>> {
    let mut places: FxHashMap<String, Vec<u32>> = FxHashMap::default();
    for (batch, place) in batches.iter().zip(0..) {
        places.entry(batch.id.batch.clone()).or_default().push(place);
    }
    places
}

fn split(entry: &[u8; IMPRINT as usize]) -> (u64, u64) {
    let hash = u64::from_le_bytes(entry[..8].try_into().unwrap_or_default());
    let ordinal = u32::from_le_bytes(entry[8..].try_into().unwrap_or_default());
    (hash, u64::from(ordinal))
}

fn name(directory: &Directory, places: code::Places, record: &mut CastVoteRecord) -> Result<(), IndexError> {
    for (into, names, place) in [
        (&mut record.style, &directory.styles, places.style),
        (&mut record.precinct, &directory.precincts, places.precinct),
        (&mut record.group, &directory.groups, places.group),
    ] {
        let name = names
            .get(place as usize)
            .ok_or(IndexError::Damaged("a name is not in its directory"))?;
        if into != name {
            into.clear();
            into.push_str(name);
        }
    }
    Ok(())
}
