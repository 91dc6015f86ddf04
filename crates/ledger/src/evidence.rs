//! The pieces of evidence themselves, beside the log: many small ones in few files, addressed by SHA-256.
//!
//! Packs are `000001.pack`, `000002.pack` … in one folder, append-only, at most 64 MiB each. A record is a header line
//! `<sha256> <length>`, the bytes, and a newline, so that a pack can be read with the eye and checked with `sha256sum`. There is no
//! index on disk to fall out of step: it is made by going through the headers.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::disk::{at, lock, read_up_to, sync_dir};
use crate::pack::{Bytes, PackScan, Record, RecordHead, bad, holds_sound_record, print_header};
pub use crate::pack::{MAX_PACK_BYTES, MAX_PIECE_BYTES, PieceDigest, parse_header};

/// Where a piece lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceLocation {
    /// Number of the pack, from 1.
    pub pack: u32,
    /// Where its record begins, in bytes from the beginning of the pack.
    pub offset: u32,
    /// Number of bytes of the piece, without header and newline.
    pub length: u32,
}

impl PieceLocation {
    fn of(pack: u32, head: &RecordHead) -> Self {
        PieceLocation {
            pack,
            offset: head.offset as u32,
            length: head.length as u32,
        }
    }
}

/// File name of pack `number`.
fn pack_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:06}.pack"))
}

/// Number of packs in the folder: they are numbered from 1, and a gap is damage.
fn count_packs(dir: &Path) -> Result<u32, Error> {
    let listing = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other.map_err(at("list", dir))?,
    };
    let (mut count, mut highest) = (0, 0);
    for file in listing {
        let name = file.map_err(at("list", dir))?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(".pack")?.parse::<u32>().ok());
        if let Some(number) = number.filter(|number| *number > 0 && pack_path(dir, *number).ends_with(&name))
        {
            count += 1;
            highest = highest.max(number);
        }
    }
    if count == highest {
        return Ok(count);
    }
    let missing = (1..=highest)
        .map(|number| pack_path(dir, number))
        .find(|path| !path.exists());
    Err(bad(
        &missing.unwrap_or_else(|| dir.to_owned()),
        0,
        "it is missing, though later packs are there",
    ))
}

/// Evidence open for reading; needs no write access. What another process adds meanwhile is found too.
#[derive(Debug)]
pub struct EvidenceReader {
    dir: PathBuf,
    index: HashMap<PieceDigest, PieceLocation>,
    /// Pack and offset up to which the index reaches.
    indexed: (u32, u64),
}

impl EvidenceReader {
    /// Opens the folder; nothing is read until a piece is asked for by its digest. A folder that does not exist holds no piece.
    pub fn open(dir: &Path) -> Self {
        EvidenceReader {
            dir: dir.to_owned(),
            index: HashMap::new(),
            indexed: (1, 0),
        }
    }

    /// Where the piece with this digest lies, if it is here.
    ///
    /// Errors: [`Error::Pack`] for a damaged pack, [`Error::Io`].
    pub fn find(&mut self, digest: &PieceDigest) -> Result<Option<PieceLocation>, Error> {
        if let Some(location) = self.index.get(digest) {
            return Ok(Some(*location));
        }
        self.index_new_records()?;
        Ok(self.index.get(digest).copied())
    }

    /// The bytes of the piece with this digest, if it is here.
    ///
    /// Errors: [`Error::Piece`] when they were changed; else as for [`EvidenceReader::find`].
    pub fn get(&mut self, digest: &PieceDigest) -> Result<Option<Vec<u8>>, Error> {
        self.find(digest)?
            .map(|location| self.read(location, digest))
            .transpose()
    }

    /// The bytes of the piece at `location`, if they have this digest.
    ///
    /// Errors: [`Error::Piece`] when they have another, [`Error::Pack`] when no such record is there.
    pub fn read(&self, location: PieceLocation, digest: &PieceDigest) -> Result<Vec<u8>, Error> {
        let path = pack_path(&self.dir, location.pack);
        let offset = u64::from(location.offset);
        let no_record = || bad(&path, offset, "the piece is not where it was put");
        let length = location.length as usize;
        if length > MAX_PIECE_BYTES {
            return Err(no_record());
        }
        let header = print_header(digest, length);
        let mut file = File::open(&path).map_err(at("open", &path))?;
        file.seek(SeekFrom::Start(offset)).map_err(at("read", &path))?;
        let mut bytes = Vec::new();
        file.take((header.len() + length) as u64)
            .read_to_end(&mut bytes)
            .map_err(at("read", &path))?;
        if bytes.len() != header.len() + length || !bytes.starts_with(header.as_bytes()) {
            return Err(no_record());
        }
        bytes.drain(..header.len());
        if PieceDigest::of(&bytes) != *digest {
            return Err(Error::Piece {
                digest: *digest,
                path,
                offset,
            });
        }
        Ok(bytes)
    }

    fn index_new_records(&mut self) -> Result<(), Error> {
        let packs = count_packs(&self.dir)?;
        while self.indexed.0 <= packs {
            let (pack, offset) = self.indexed;
            let path = pack_path(&self.dir, pack);
            let mut scan = PackScan::open(&path, offset)?;
            while let Record::Complete(head) = scan.next_record(Bytes::StepOver)? {
                self.index
                    .entry(head.digest)
                    .or_insert(PieceLocation::of(pack, &head));
                self.indexed.1 = scan.offset();
            }
            if pack == packs {
                return Ok(());
            }
            self.indexed = (pack + 1, 0);
        }
        Ok(())
    }
}

/// Evidence open for adding, by this process alone.
#[derive(Debug)]
pub struct EvidenceStore {
    reader: EvidenceReader,
    /// The last pack and its length; none before the first piece.
    last: Option<(File, u64)>,
    must_reopen: bool,
    _lock: File,
}

impl EvidenceStore {
    /// Opens the folder for adding; it is created if need be.
    ///
    /// Goes through all headers, and reads the last pack in full. A record at its end that a crash cut off is removed, and nothing else ever is.
    /// Errors: [`Error::Locked`], [`Error::Pack`] for damage that no crash explains, [`Error::Io`].
    pub fn open(dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(at("create", dir))?;
        let lock = lock(&dir.join("lock"))?;
        let mut reader = EvidenceReader::open(dir);
        let packs = count_packs(dir)?;
        for pack in 1..=packs {
            let path = pack_path(dir, pack);
            let bytes = if pack == packs {
                Bytes::Hash
            } else {
                Bytes::StepOver
            };
            let mut scan = PackScan::open(&path, 0)?;
            let end = loop {
                match scan.next_record(bytes)? {
                    // A piece whose bytes never reached the disk must be put again when it comes again.
                    Record::Complete(head) if head.is_sound != Some(false) => {
                        reader
                            .index
                            .entry(head.digest)
                            .or_insert(PieceLocation::of(pack, &head));
                    }
                    Record::Complete(_) => {}
                    end => break end,
                }
            };
            if end == Record::Torn {
                if pack != packs {
                    return Err(bad(
                        &path,
                        scan.offset(),
                        "it ends in the middle of a record, though it is not the last pack",
                    ));
                }
                cut_torn_tail(&path, scan.offset())?;
            }
            reader.indexed = (pack, scan.offset());
        }
        let last = if packs == 0 {
            None
        } else {
            let path = pack_path(dir, packs);
            let file = OpenOptions::new()
                .append(true)
                .open(&path)
                .map_err(at("open", &path))?;
            Some((file, reader.indexed.1))
        };
        Ok(EvidenceStore {
            reader,
            last,
            must_reopen: false,
            _lock: lock,
        })
    }

    /// The evidence for reading.
    pub fn reader(&mut self) -> &mut EvidenceReader {
        &mut self.reader
    }

    /// Keeps `pieces` and tells where each lies; one that is here already is not written again. When it returns they are on disk for good.
    ///
    /// Errors: [`Error::PieceTooLong`] before anything is written; [`Error::Io`], a full disk among them, after which the folder
    /// must be opened again ([`Error::MustReopen`]) and pieces kept before are all still there.
    pub fn put_batch(&mut self, pieces: &[&[u8]]) -> Result<Vec<PieceLocation>, Error> {
        if self.must_reopen {
            return Err(Error::MustReopen {
                path: self.reader.dir.clone(),
            });
        }
        if let Some(piece) = pieces.iter().find(|piece| piece.len() > MAX_PIECE_BYTES) {
            return Err(Error::PieceTooLong(piece.len()));
        }
        self.must_reopen = true;
        let mut locations = Vec::with_capacity(pieces.len());
        let mut added: Vec<PieceDigest> = Vec::new();
        let result = self.write_pieces(pieces, &mut locations, &mut added);
        if let Err(error) = result {
            // What the index says must be on disk for good.
            for digest in &added {
                self.reader.index.remove(digest);
            }
            return Err(error);
        }
        self.must_reopen = false;
        Ok(locations)
    }

    fn write_pieces(
        &mut self,
        pieces: &[&[u8]],
        locations: &mut Vec<PieceLocation>,
        added: &mut Vec<PieceDigest>,
    ) -> Result<(), Error> {
        let mut waiting: Vec<u8> = Vec::new();
        for piece in pieces {
            let digest = PieceDigest::of(piece);
            if let Some(location) = self.reader.index.get(&digest) {
                locations.push(*location);
                continue;
            }
            let header = print_header(&digest, piece.len());
            let record_bytes = (header.len() + piece.len() + 1) as u64;
            let is_full =
                |(_, length): &(File, u64)| length + waiting.len() as u64 + record_bytes > MAX_PACK_BYTES;
            if self.last.as_ref().is_none_or(is_full) {
                self.flush(&mut waiting)?;
                self.begin_pack()?;
            }
            let begun = self.last.as_ref().map_or(0, |(_, length)| *length);
            let location = PieceLocation {
                pack: self.reader.indexed.0,
                offset: (begun + waiting.len() as u64) as u32,
                length: piece.len() as u32,
            };
            waiting.extend_from_slice(header.as_bytes());
            waiting.extend_from_slice(piece);
            waiting.push(b'\n');
            self.reader.index.insert(digest, location);
            added.push(digest);
            locations.push(location);
        }
        self.flush(&mut waiting)
    }

    /// Writes what waits at the end of the last pack and makes it durable.
    fn flush(&mut self, waiting: &mut Vec<u8>) -> Result<(), Error> {
        let Some((file, length)) = self.last.as_mut().filter(|_| !waiting.is_empty()) else {
            return Ok(());
        };
        let path = pack_path(&self.reader.dir, self.reader.indexed.0);
        file.write_all(waiting).map_err(at("write", &path))?;
        file.sync_data().map_err(at("sync", &path))?;
        *length += waiting.len() as u64;
        self.reader.indexed.1 = *length;
        waiting.clear();
        Ok(())
    }

    fn begin_pack(&mut self) -> Result<(), Error> {
        let number = if self.last.is_some() {
            self.reader.indexed.0 + 1
        } else {
            1
        };
        let path = pack_path(&self.reader.dir, number);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(at("create", &path))?;
        sync_dir(&self.reader.dir)?;
        self.last = Some((file, 0));
        self.reader.indexed = (number, 0);
        Ok(())
    }
}

fn cut_torn_tail(path: &Path, offset: u64) -> Result<(), Error> {
    let bytes = read_up_to(path, MAX_PACK_BYTES as usize)?;
    if holds_sound_record(&bytes[(offset as usize).min(bytes.len())..]) {
        return Err(bad(
            path,
            offset,
            "the length in a header was changed, complete records follow it",
        ));
    }
    let file = OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(at("open", path))?;
    file.set_len(offset).map_err(at("cut the torn end of", path))?;
    file.sync_all().map_err(at("sync", path))
}

/// What going through all packs found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifiedPacks {
    /// Number of packs.
    pub packs: u32,
    /// Number of pieces, all sound.
    pub pieces: u64,
    /// Bytes of the packs.
    pub bytes: u64,
    /// The last pack ends in the middle of a record, at this byte: a crash, or a process that is writing. The record was never
    /// reported as kept, and goes when the folder is next opened for adding.
    pub torn_at: Option<u64>,
}

/// Reads all packs and checks every piece against its digest; `on_piece` is told each sound one and the bytes done so far.
///
/// That a piece is missing altogether shows only against the log's entries: collect the digests from `on_piece`.
/// Errors: [`Error::Piece`] for the first piece that was changed, [`Error::Pack`] where no record can be read, [`Error::Io`].
/// Limits: memory of one buffer, whatever the packs say.
pub fn verify_packs(dir: &Path, mut on_piece: impl FnMut(&PieceDigest, u64)) -> Result<VerifiedPacks, Error> {
    let mut found = VerifiedPacks {
        packs: count_packs(dir)?,
        ..VerifiedPacks::default()
    };
    for pack in 1..=found.packs {
        let path = pack_path(dir, pack);
        let mut scan = PackScan::open(&path, 0)?;
        loop {
            match scan.next_record(Bytes::Hash)? {
                Record::Complete(head) if head.is_sound == Some(false) => {
                    return Err(Error::Piece {
                        digest: head.digest,
                        path,
                        offset: head.offset,
                    });
                }
                Record::Complete(head) => {
                    found.pieces += 1;
                    on_piece(&head.digest, found.bytes + scan.offset());
                }
                Record::End => break,
                Record::Torn if pack == found.packs => {
                    found.torn_at = Some(scan.offset());
                    break;
                }
                Record::Torn => {
                    return Err(bad(
                        &path,
                        scan.offset(),
                        "it ends in the middle of a record, though it is not the last pack",
                    ));
                }
            }
        }
        found.bytes += scan.offset();
    }
    Ok(found)
}
