//! Writing a log: append, sign, hand over to a new key.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread;

use crate::Error;
use crate::checkpoint::{Checkpoint, Judgement};
use crate::disk::{at, lock, replace, sync_dir};
use crate::key_history::{KEY_ENTRY_PREFIX, KeyHistory, key_entry};
use crate::note::SignerKey;
use crate::reader::{
    CHECKPOINT_FILE, KEYS_FILE, LogReader, open_checkpoint, read_hash_tile, read_key_history,
    remove_if_there, tile_at,
};
use crate::tile::{
    MAX_ENTRY_BYTES, TileKind, TilePath, parse_bundle, print_tile, push_entry, tiles_for_size,
};
use crate::tree::{RightEdge, TILE_WIDTH, empty_root, leaf_hash};

/// Files written before they are made durable together: a file system syncs many in little more time than one.
const FILES_PER_SYNC: usize = 128;

/// Threads that wait for the device at the same time. Measured on ext4 with batches of 4,096 on a busy machine: one thread 17,000
/// entries a second, sixteen 66,000.
const SYNC_THREADS: usize = 16;

/// A log that is open for appending, by this process alone.
///
/// On disk (C2SP tlog-tiles): `checkpoint`, `tile/<level>/…`, `tile/entries/…`; beside them `keys.txt`, `endorsements/<size>` for
/// each hand-over to a new key, and `lock`. A batch first writes tiles that no checkpoint covers yet, makes them durable, then
/// signs and replaces the checkpoint: a crash at any point leaves the old checkpoint with all it covers, or the new one.
#[derive(Debug)]
pub struct Log {
    reader: LogReader,
    signer: SignerKey,
    keys: KeyHistory,
    edge: RightEdge,
    /// The last bundle, when it is not full.
    bundle: Vec<u8>,
    must_reopen: bool,
    _lock: File,
}

/// Files of a batch, in order.
type Batch = Vec<(TilePath, Vec<u8>)>;

impl Log {
    /// Makes an empty log in `dir`, which is created if need be, signed by `signer`; the origin is the signer's name.
    ///
    /// Errors: [`Error::Exists`] when there is a checkpoint already, [`Error::Locked`], [`Error::Io`].
    pub fn create(dir: &Path, signer: SignerKey) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(at("create", dir))?;
        let lock = lock(&dir.join("lock"))?;
        let checkpoint_path = dir.join(CHECKPOINT_FILE);
        if checkpoint_path.exists() {
            return Err(Error::Exists { path: dir.to_owned() });
        }
        let keys = KeyHistory::first(signer.verifier().clone());
        replace(&dir.join(KEYS_FILE), keys.to_string().as_bytes())?;
        let checkpoint = Checkpoint {
            origin: signer.verifier().name().to_owned(),
            size: 0,
            root: empty_root(),
            extensions: Vec::new(),
        };
        let signed = checkpoint.sign(&[&signer]).map_err(Error::Sign)?;
        replace(&checkpoint_path, signed.to_string().as_bytes())?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
        Ok(Log {
            reader: LogReader::from_parts(dir.to_owned(), checkpoint, signed),
            signer,
            keys,
            edge: RightEdge::default(),
            bundle: Vec::new(),
            must_reopen: false,
            _lock: lock,
        })
    }

    /// Opens the log in `dir` for appending with the key that signs it now.
    ///
    /// `known` is the newest checkpoint that the caller remembers from elsewhere, if any: the log must continue it. Reads the
    /// right edge of the tree alone. Tiles beyond the checkpoint, left by a crash, are written over in time.
    ///
    /// Errors: [`Error::WrongKey`], [`Error::Checkpoint`] when the checkpoint is not by that key, [`Error::NotAPrefix`] when the
    /// tiles do not lead to it, [`Error::Inconsistent`] against `known`, [`Error::Locked`], [`Error::Io`].
    pub fn open(dir: &Path, signer: SignerKey, known: Option<&Checkpoint>) -> Result<Self, Error> {
        // Before the lock, so that opening a folder that is no log leaves no lock file in it.
        let checkpoint_path = dir.join(CHECKPOINT_FILE);
        fs::metadata(&checkpoint_path).map_err(at("open", &checkpoint_path))?;
        let lock = lock(&dir.join("lock"))?;
        let listed = read_key_history(dir)?.unwrap_or_else(|| KeyHistory::first(signer.verifier().clone()));
        let reader = LogReader::open_unchecked(dir, &listed.verifiers())?;
        let keys = listed.up_to(reader.size());
        if keys.current() != signer.verifier() {
            return Err(Error::WrongKey {
                path: dir.to_owned(),
                given: signer.verifier().to_string(),
                expected: keys.current().to_string(),
            });
        }
        // The list of keys is not signed; only what the key in our hands has signed counts.
        open_checkpoint(
            &reader.signed_checkpoint().to_string(),
            &[signer.verifier().clone()],
        )
        .map_err(|source| Error::Checkpoint {
            path: checkpoint_path,
            source,
        })?;
        let edge = reader.read_edge(read_hash_tile)?;
        let bundle = read_last_bundle(&reader, &edge)?;
        if let Some(known) = known {
            check_known(&reader, known)?;
        }
        if keys != listed {
            replace(&dir.join(KEYS_FILE), keys.to_string().as_bytes())?;
        }
        remove_partials_beyond(&reader)?;
        Ok(Log {
            reader,
            signer,
            keys,
            edge,
            bundle,
            must_reopen: false,
            _lock: lock,
        })
    }

    /// The log as it is now, for reading.
    pub fn reader(&self) -> &LogReader {
        &self.reader
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.reader.size()
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        self.reader.checkpoint()
    }

    /// Which key signs from which size on.
    pub fn keys(&self) -> &KeyHistory {
        &self.keys
    }

    /// Appends `entries` and signs the new checkpoint; gives their indexes. When it returns they are on disk for good.
    ///
    /// All or none: after an error the old checkpoint stands, unless the error is [`Error::MustReopen`] on the next call, when
    /// opening again tells. The caller finds out what a crash left by comparing [`Log::size`] with what it remembers and reading
    /// the entries from there on.
    ///
    /// Errors: [`Error::Entry`] for an entry that is too long or begins with [`KEY_ENTRY_PREFIX`], [`Error::Io`] (a full disk among them).
    pub fn append_batch(&mut self, entries: &[&[u8]]) -> Result<Range<u64>, Error> {
        for (number, entry) in entries.iter().enumerate() {
            if entry.len() > MAX_ENTRY_BYTES {
                return Err(Error::Entry {
                    number,
                    why: "it is longer than 65,535 bytes",
                });
            }
            if entry.starts_with(KEY_ENTRY_PREFIX) {
                return Err(Error::Entry {
                    number,
                    why: "only a hand-over to a new key may begin like that",
                });
            }
        }
        self.commit(entries, None)
    }

    /// Hands over to the key `next`: appends the entry that names it and signs that checkpoint with both keys. From then on
    /// `next` alone signs. Gives the index of the entry. `time` is kept in the entry as it is.
    ///
    /// The new secret must be safely on disk before; [`crate::key::rotate_key_file`] does all of it.
    /// Errors: [`Error::WrongKey`] when `next` has another name than the log or signs it already; else as for [`Log::append_batch`].
    pub fn rotate(&mut self, next: SignerKey, time: &str) -> Result<u64, Error> {
        let verifier = next.verifier();
        if verifier.name() != self.checkpoint().origin || self.keys.verifiers().contains(verifier) {
            return Err(Error::WrongKey {
                path: self.reader.dir().to_owned(),
                given: verifier.to_string(),
                expected: format!(
                    "a key that was not used before, called {}",
                    self.checkpoint().origin
                ),
            });
        }
        let entry = key_entry(verifier, time);
        let range = self.commit(&[entry.as_slice()], Some(next))?;
        Ok(range.start)
    }

    fn commit(&mut self, entries: &[&[u8]], next: Option<SignerKey>) -> Result<Range<u64>, Error> {
        let dir = self.reader.dir().to_owned();
        if self.must_reopen {
            return Err(Error::MustReopen { path: dir });
        }
        let old_size = self.size();
        if entries.is_empty() {
            return Ok(old_size..old_size);
        }
        let mut edge = self.edge.clone();
        let mut bundle = self.bundle.clone();
        let files = lay_out(&mut edge, &mut bundle, entries, &self.edge)?;
        write_files(&dir, &files)?;

        let checkpoint = Checkpoint {
            size: edge.size(),
            root: edge.root(),
            ..self.checkpoint().clone()
        };
        let signers: Vec<&SignerKey> = std::iter::once(&self.signer).chain(next.as_ref()).collect();
        let signed = checkpoint.sign(&signers).map_err(Error::Sign)?;
        // From the first signature that reaches the disk on, only the disk knows whether it counts.
        self.must_reopen = true;
        let mut keys = self.keys.clone();
        if let Some(next) = &next {
            keys.push(checkpoint.size, next.verifier().clone());
            let path = LogReader::endorsement_path(&dir, checkpoint.size);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(at("create", parent))?;
                sync_dir(&dir)?;
            }
            replace(&path, signed.to_string().as_bytes())?;
            replace(&dir.join(KEYS_FILE), keys.to_string().as_bytes())?;
        }
        replace(&dir.join(CHECKPOINT_FILE), signed.to_string().as_bytes())?;
        self.must_reopen = false;

        self.reader = LogReader::from_parts(dir, checkpoint, signed);
        self.edge = edge;
        self.bundle = bundle;
        self.keys = keys;
        if let Some(next) = next {
            self.signer = next;
        }
        remove_partials_of_full(&self.reader, &files);
        Ok(old_size..self.size())
    }

    /// Checks the whole log, see [`crate::verify::verify_log`]; the key that signs now is trusted.
    pub fn verify(&self) -> Result<crate::verify::Verified, crate::verify::VerifyError> {
        crate::verify::verify_log(self.reader.dir(), &self.keys.verifiers(), None, |_, _| Ok(()))
    }
}

/// Files that appending `entries` at the right edge asks for; `edge` and `bundle` become those after it.
fn lay_out(
    edge: &mut RightEdge,
    bundle: &mut Vec<u8>,
    entries: &[&[u8]],
    old_edge: &RightEdge,
) -> Result<Batch, Error> {
    let mut files: Batch = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        push_entry(bundle, entry).map_err(|error| Error::Entry {
            number,
            why: error.why,
        })?;
        let mut full_tiles: Batch = Vec::new();
        edge.push(leaf_hash(entry), &mut |level, index, hashes| {
            full_tiles.push((TilePath::full(TileKind::Hashes(level), index), print_tile(hashes)));
        });
        if let Some((leaf_tile, _)) = full_tiles.first() {
            let path = TilePath::full(TileKind::Entries, leaf_tile.index());
            files.push((path, std::mem::take(bundle)));
        }
        files.append(&mut full_tiles);
    }
    if let Some(path) = TilePath::new(TileKind::Entries, edge.full_tiles(0), edge.partial_tile(0).len()) {
        files.push((path, bundle.clone()));
    }
    for level in 0..edge.level_count() {
        let hashes = edge.partial_tile(level);
        let is_as_before =
            hashes == old_edge.partial_tile(level) && edge.full_tiles(level) == old_edge.full_tiles(level);
        let path = TilePath::new(TileKind::Hashes(level), edge.full_tiles(level), hashes.len());
        // A tile that the old checkpoint covers must never be written again: a crash could tear it.
        if let Some(path) = path.filter(|_| !is_as_before) {
            files.push((path, print_tile(hashes)));
        }
    }
    Ok(files)
}

/// Writes files and makes them, and the folders that name them, durable.
fn write_files(dir: &Path, files: &Batch) -> Result<(), Error> {
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for group in files.chunks(FILES_PER_SYNC) {
        let mut open_files = Vec::with_capacity(group.len());
        for (tile, bytes) in group {
            let path = dir.join(tile.to_string());
            let mut file = create_with_folders(dir, &path, &mut folders)?;
            file.write_all(bytes).map_err(at("write", &path))?;
            open_files.push((file, path));
        }
        sync_all(&open_files, |(file, path)| {
            file.sync_all().map_err(at("sync", path))
        })?;
    }
    sync_all(&folders.into_iter().collect::<Vec<_>>(), |folder| {
        sync_dir(folder)
    })
}

/// Calls `sync` for each, several at a time: the device is told to flush once for those that wait together.
fn sync_all<T: Sync>(all: &[T], sync: impl Fn(&T) -> Result<(), Error> + Sync) -> Result<(), Error> {
    let results: Vec<Result<(), Error>> = thread::scope(|scope| {
        let sync = &sync;
        let threads: Vec<_> = all
            .chunks(all.len().div_ceil(SYNC_THREADS).max(1))
            .map(|part| scope.spawn(move || part.iter().try_for_each(sync)))
            .collect();
        threads
            .into_iter()
            .map(|one| one.join().expect("syncing a file does not panic"))
            .collect()
    });
    results.into_iter().collect()
}

fn create_with_folders(dir: &Path, path: &Path, folders: &mut BTreeSet<PathBuf>) -> Result<File, Error> {
    let parent = path.parent().unwrap_or(dir);
    folders.insert(parent.to_owned());
    match File::create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent).map_err(at("create", parent))?;
            folders.extend(
                parent
                    .ancestors()
                    .take_while(|above| above.starts_with(dir))
                    .map(Path::to_owned),
            );
            File::create(path).map_err(at("create", path))
        }
        other => other.map_err(at("create", path)),
    }
}

/// The last bundle when it is not full, checked against the tile that hashes it.
fn read_last_bundle(reader: &LogReader, edge: &RightEdge) -> Result<Vec<u8>, Error> {
    let leaves = edge.partial_tile(0);
    let Some(tile) = TilePath::new(TileKind::Entries, edge.full_tiles(0), leaves.len()) else {
        return Ok(Vec::new());
    };
    let path = reader.dir().join(tile.to_string());
    let bytes = crate::disk::read_up_to(&path, crate::tile::MAX_BUNDLE_BYTES)
        .map_err(|error| reader.explain_missing(error, tile))?;
    let entries = parse_bundle(&bytes, tile.width())
        .map_err(|error| reader.not_a_prefix(format!("{tile} is damaged: {}", error.why)))?;
    for (number, (entry, leaf)) in entries.iter().zip(leaves).enumerate() {
        if leaf_hash(entry) != *leaf {
            let index = tile.index() * TILE_WIDTH as u64 + number as u64;
            return Err(
                reader.not_a_prefix(format!("entry {index} in {tile} is not the one that was signed"))
            );
        }
    }
    Ok(bytes)
}

fn check_known(reader: &LogReader, known: &Checkpoint) -> Result<(), Error> {
    let judgement = if known.origin != reader.checkpoint().origin {
        Judgement::OtherLog
    } else if reader.size() < known.size {
        Judgement::Rollback
    } else if reader.root_at(known.size)? != known.root {
        Judgement::Fork
    } else {
        return Ok(());
    };
    Err(Error::Inconsistent {
        path: reader.dir().to_owned(),
        judgement,
        found: reader.size(),
        known: Box::new(known.clone()),
    })
}

fn partials_folder(dir: &Path, kind: TileKind, index: u64) -> PathBuf {
    let mut path = dir.join(TilePath::full(kind, index).to_string()).into_os_string();
    path.push(".p");
    PathBuf::from(path)
}

/// Partial tiles wider than the checkpoint's, left by a crash, would be taken for tiles of a later checkpoint by whoever lists the folder.
fn remove_partials_beyond(reader: &LogReader) -> Result<(), Error> {
    for level in tiles_for_size(reader.size()) {
        let kinds = [TileKind::Hashes(level.level), TileKind::Entries];
        for kind in kinds.into_iter().take(if level.level == 0 { 2 } else { 1 }) {
            let folder = partials_folder(reader.dir(), kind, level.full);
            let Ok(listing) = fs::read_dir(&folder) else {
                continue;
            };
            for file in listing.flatten() {
                let width = file.file_name().to_str().and_then(crate::tile::decimal);
                if width.is_some_and(|width| width > level.partial_width as u64) {
                    remove_if_there(&file.path(), |path| fs::remove_file(path))?;
                }
            }
        }
    }
    Ok(())
}

/// Partial tiles may go once the full tile is covered by a checkpoint (C2SP tlog-tiles, "Partial Tiles"). That one stays harms nobody.
fn remove_partials_of_full(reader: &LogReader, files: &Batch) {
    for (tile, _) in files {
        let is_covered = tile_at(tile.kind(), reader.size(), tile.index()) == Some(*tile);
        if is_covered && !tile.is_partial() {
            fs::remove_dir_all(partials_folder(reader.dir(), tile.kind(), tile.index())).ok();
        }
    }
}
