//! Reading a log on disk, which never needs to write.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::disk::{at, is_missing, read_text, read_up_to};
use crate::key_history::{KeyHistory, MAX_KEYS_BYTES};
use crate::note::{SignedNote, VerifierKey};
use crate::proof::TlogProof;
use crate::tile::{MAX_BUNDLE_BYTES, TileKind, TilePath, parse_bundle, parse_tile, tiles_for_size};
use crate::tree::{RightEdge, TILE_HEIGHT, TILE_WIDTH, TreeHash, complete_root, leaf_hash};
use crate::tree_proof;

/// File name of the newest signed checkpoint within the log's folder (C2SP tlog-tiles, "Checkpoints").
pub(crate) const CHECKPOINT_FILE: &str = "checkpoint";

/// File name of the list of keys within the log's folder.
pub(crate) const KEYS_FILE: &str = "keys.txt";

/// Longest checkpoint file in bytes, that of a note.
pub(crate) const MAX_CHECKPOINT_BYTES: usize = 1_000_000;

/// A log as of one checkpoint, open for reading.
///
/// It stays as it was opened while the log grows: tiles are never changed once a checkpoint covers them.
#[derive(Debug, Clone)]
pub struct LogReader {
    dir: PathBuf,
    checkpoint: Checkpoint,
    signed: SignedNote,
}

/// The keys listed in the log's folder; `None` when there is no list, as in logs that others made.
pub fn read_key_history(dir: &Path) -> Result<Option<KeyHistory>, Error> {
    let path = dir.join(KEYS_FILE);
    match read_text(&path, MAX_KEYS_BYTES, "list of keys") {
        Ok(text) => text
            .parse()
            .map(Some)
            .map_err(|source| Error::Format { path, source }),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The hash tile of a tree of `size` that has number `index` at `level`; partial at the right edge.
pub(crate) fn tile_at(kind: TileKind, size: u64, index: u64) -> Option<TilePath> {
    let level = match kind {
        TileKind::Hashes(level) => u32::from(level),
        TileKind::Entries => 0,
    };
    let count = size.checked_shr(TILE_HEIGHT * level).unwrap_or(0);
    let left = count.saturating_sub(index.checked_mul(TILE_WIDTH as u64)?);
    TilePath::new(kind, index, left.min(TILE_WIDTH as u64) as usize)
}

/// Reads a hash tile that must be there in exactly this width.
pub(crate) fn read_hash_tile(dir: &Path, tile: TilePath) -> Result<Vec<TreeHash>, Error> {
    let path = dir.join(tile.to_string());
    let bytes = read_up_to(&path, tile.width() * 32)?;
    parse_tile(&bytes, tile.width()).map_err(|source| Error::Format { path, source })
}

/// The hashes of a tile, from the full tile if the partial one was removed because the log has grown since
/// (C2SP tlog-tiles, "Partial Tiles").
fn read_hash_tile_or_full(dir: &Path, tile: TilePath) -> Result<Vec<TreeHash>, Error> {
    match read_hash_tile(dir, tile) {
        Err(error) if is_missing(&error) && tile.is_partial() => {
            let mut hashes =
                read_hash_tile(dir, TilePath::full(tile.kind(), tile.index())).map_err(|_| error)?;
            hashes.truncate(tile.width());
            Ok(hashes)
        }
        other => other,
    }
}

/// The bytes of an entry bundle of exactly this width, and its path.
fn read_bundle(dir: &Path, tile: TilePath) -> Result<(Vec<u8>, usize, PathBuf), Error> {
    let path = dir.join(tile.to_string());
    match read_up_to(&path, MAX_BUNDLE_BYTES) {
        Err(error) if is_missing(&error) && tile.is_partial() => {
            let path = dir.join(TilePath::full(tile.kind(), tile.index()).to_string());
            let bytes = read_up_to(&path, MAX_BUNDLE_BYTES).map_err(|_| error)?;
            Ok((bytes, TILE_WIDTH, path))
        }
        other => Ok((other?, tile.width(), path)),
    }
}

impl LogReader {
    /// Opens the log in `dir` as its newest checkpoint has it, if one of `keys` signed that for the log.
    ///
    /// Reads the right edge of the tree alone, and checks that it leads to the signed root.
    /// Errors: [`Error::Checkpoint`], [`Error::NotAPrefix`], [`Error::Io`].
    pub fn open(dir: &Path, keys: &[VerifierKey]) -> Result<Self, Error> {
        let reader = LogReader::open_unchecked(dir, keys)?;
        reader.read_edge(read_hash_tile_or_full)?;
        Ok(reader)
    }

    /// Opens the log without a look at its tiles.
    pub(crate) fn open_unchecked(dir: &Path, keys: &[VerifierKey]) -> Result<Self, Error> {
        let path = dir.join(CHECKPOINT_FILE);
        let text = read_text(&path, MAX_CHECKPOINT_BYTES, "checkpoint")?;
        let (checkpoint, signed) = open_checkpoint(&text, keys).map_err(|source| Error::Checkpoint {
            path: path.clone(),
            source,
        })?;
        Ok(LogReader {
            dir: dir.to_owned(),
            checkpoint,
            signed,
        })
    }

    /// A reader for what was just written.
    pub(crate) fn from_parts(dir: PathBuf, checkpoint: Checkpoint, signed: SignedNote) -> Self {
        LogReader {
            dir,
            checkpoint,
            signed,
        }
    }

    /// The log's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The checkpoint with its signatures, as it is published.
    pub fn signed_checkpoint(&self) -> &SignedNote {
        &self.signed
    }

    /// The right edge of the tree, if it leads to the signed root.
    pub(crate) fn read_edge(
        &self,
        read: fn(&Path, TilePath) -> Result<Vec<TreeHash>, Error>,
    ) -> Result<RightEdge, Error> {
        let mut partial_tiles = Vec::new();
        for level in tiles_for_size(self.size()) {
            let tile = TilePath::new(TileKind::Hashes(level.level), level.full, level.partial_width);
            partial_tiles.push(match tile {
                Some(tile) => read(&self.dir, tile).map_err(|error| self.explain_missing(error, tile))?,
                None => Vec::new(),
            });
        }
        let edge = RightEdge::from_partial_tiles(self.size(), partial_tiles)
            .ok_or_else(|| self.not_a_prefix("its tiles have the wrong width".to_owned()))?;
        let root = edge.root();
        if root != self.checkpoint.root {
            let signed = self.checkpoint.root;
            return Err(self.not_a_prefix(format!("the tiles give the root {root}, signed was {signed}")));
        }
        Ok(edge)
    }

    /// A tile that the checkpoint needs and that is not there says more than that a file is missing.
    pub(crate) fn explain_missing(&self, error: Error, tile: TilePath) -> Error {
        if !is_missing(&error) {
            return error;
        }
        let full = self
            .dir
            .join(TilePath::full(tile.kind(), tile.index()).to_string());
        if tile.is_partial() && full.exists() {
            return self.not_a_prefix(format!(
                "{tile} is gone and the full tile in its place is from a larger tree: the checkpoint was put back to an older one"
            ));
        }
        self.not_a_prefix(format!("{tile} is missing"))
    }

    pub(crate) fn not_a_prefix(&self, why: String) -> Error {
        Error::NotAPrefix {
            path: self.dir.clone(),
            size: self.size(),
            why,
        }
    }

    /// A source of nodes that keeps the tiles it has read.
    fn nodes(&self) -> impl FnMut(u32, u64) -> Result<TreeHash, Error> + use<'_> {
        let mut read_tiles: Vec<(TilePath, Vec<TreeHash>)> = Vec::new();
        move |level, index| {
            let within = level % TILE_HEIGHT;
            let first = index << within;
            let kind = TileKind::Hashes((level / TILE_HEIGHT) as u8);
            let beyond = || Error::Beyond {
                what: "a node of the tree under",
                asked: index << level,
                size: self.size(),
            };
            let tile = tile_at(kind, self.size(), first / TILE_WIDTH as u64).ok_or_else(beyond)?;
            if !read_tiles.iter().any(|(known, _)| *known == tile) {
                read_tiles.push((tile, read_hash_tile_or_full(&self.dir, tile)?));
            }
            let hashes = read_tiles
                .iter()
                .find(|(known, _)| *known == tile)
                .map(|(_, hashes)| hashes);
            let from = (first % TILE_WIDTH as u64) as usize;
            hashes
                .and_then(|hashes| hashes.get(from..from + (1 << within)))
                .map(complete_root)
                .ok_or_else(beyond)
        }
    }

    /// The root of the first `size` entries.
    ///
    /// Errors: [`Error::Beyond`] when the log has fewer.
    pub fn root_at(&self, size: u64) -> Result<TreeHash, Error> {
        if size > self.size() {
            return Err(Error::Beyond {
                what: "size",
                asked: size,
                size: self.size(),
            });
        }
        tree_proof::root_at(&mut self.nodes(), size)
    }

    /// The hashes that lead from entry `index` to the root, checked before they are given.
    ///
    /// Errors: [`Error::Beyond`]; [`Error::Damaged`] when the tiles do not lead there.
    pub fn inclusion_proof(&self, index: u64) -> Result<Vec<TreeHash>, Error> {
        if index >= self.size() {
            return Err(Error::Beyond {
                what: "entry",
                asked: index,
                size: self.size(),
            });
        }
        let mut nodes = self.nodes();
        let leaf = nodes(0, index)?;
        let proof = tree_proof::inclusion_proof(&mut nodes, index, self.size())?;
        tree_proof::verify_inclusion(index, self.size(), &leaf.0, &proof, &self.checkpoint.root.0).map_err(
            |_| Error::Damaged {
                path: self.dir.join("tile"),
                index,
            },
        )?;
        Ok(proof)
    }

    /// The hashes which show that the log begins with the tree it was at `old_size`.
    ///
    /// Errors: [`Error::Beyond`] when the log is smaller than that.
    pub fn consistency_proof(&self, old_size: u64) -> Result<Vec<TreeHash>, Error> {
        if old_size > self.size() {
            return Err(Error::Beyond {
                what: "size",
                asked: old_size,
                size: self.size(),
            });
        }
        tree_proof::consistency_proof(&mut self.nodes(), old_size, self.size())
    }

    /// A proof of entry `index` that travels alone, as a `.tlog-proof` file.
    pub fn tlog_proof(&self, index: u64) -> Result<TlogProof, Error> {
        let hashes = self.inclusion_proof(index)?;
        Ok(TlogProof {
            extra: None,
            index,
            hashes,
            checkpoint: self.signed.clone(),
        })
    }

    /// Entry `index`, if it fits its hash in the tree.
    ///
    /// Errors: [`Error::Beyond`]; [`Error::Damaged`] when the entry is not the one that was hashed.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, Error> {
        if index >= self.size() {
            return Err(Error::Beyond {
                what: "entry",
                asked: index,
                size: self.size(),
            });
        }
        let (entries, path) = self.bundle(index / TILE_WIDTH as u64)?;
        let entry = entries
            .into_iter()
            .nth((index % TILE_WIDTH as u64) as usize)
            .unwrap_or_default();
        if leaf_hash(&entry) != self.nodes()(0, index)? {
            return Err(Error::Damaged { path, index });
        }
        Ok(entry)
    }

    /// The entries of `range` with their indexes, in order, a bundle in memory at a time; not checked against the tree.
    ///
    /// What lies beyond the log is left out.
    pub fn entries(&self, range: Range<u64>) -> impl Iterator<Item = Result<(u64, Vec<u8>), Error>> + '_ {
        let end = range.end.min(self.size());
        let mut index = range.start;
        let mut bundle: std::vec::IntoIter<Vec<u8>> = Vec::new().into_iter();
        std::iter::from_fn(move || {
            if index >= end {
                return None;
            }
            let within = index % TILE_WIDTH as u64;
            if within == 0 || index == range.start {
                match self.bundle(index / TILE_WIDTH as u64) {
                    Ok((entries, _)) => bundle = entries.into_iter(),
                    Err(error) => {
                        index = end;
                        return Some(Err(error));
                    }
                }
                (0..within).for_each(|_| drop(bundle.next()));
            }
            let entry = bundle.next()?;
            index += 1;
            Some(Ok((index - 1, entry)))
        })
    }

    /// All entries of bundle `number` that the checkpoint covers, and the bundle's path.
    fn bundle(&self, number: u64) -> Result<(Vec<Vec<u8>>, PathBuf), Error> {
        let tile = tile_at(TileKind::Entries, self.size(), number).ok_or(Error::Beyond {
            what: "bundle",
            asked: number,
            size: self.size(),
        })?;
        let (bytes, width, path) = read_bundle(&self.dir, tile)?;
        let entries = parse_bundle(&bytes, width)
            .map_err(|source| Error::Format {
                path: path.clone(),
                source,
            })?
            .into_iter()
            .take(tile.width())
            .map(<[u8]>::to_vec)
            .collect();
        Ok((entries, path))
    }

    /// The checkpoint that endorsed a new key when the log had `size` entries.
    pub(crate) fn endorsement_path(dir: &Path, size: u64) -> PathBuf {
        dir.join("endorsements").join(size.to_string())
    }
}

/// Reads a signed checkpoint by one of `keys`.
pub(crate) fn open_checkpoint(
    text: &str,
    keys: &[VerifierKey],
) -> Result<(Checkpoint, SignedNote), CheckpointError> {
    let (checkpoint, _) = Checkpoint::open(text, keys)?;
    Ok((checkpoint, SignedNote::parse(text)?))
}

/// Removes a file or folder that nobody needs any more; that it is gone already is fine.
pub(crate) fn remove_if_there(path: &Path, remove: fn(&Path) -> std::io::Result<()>) -> Result<(), Error> {
    match remove(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at("remove", path)(error)),
        _ => Ok(()),
    }
}
