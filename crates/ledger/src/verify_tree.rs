//! Computing the tree again from the bytes of the entries, and comparing it with every tile on disk.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::Error;
use crate::checkpoint::Checkpoint;
use crate::disk::read_up_to;
use crate::reader::{read_hash_tile, tile_at};
use crate::tile::{MAX_BUNDLE_BYTES, TileKind, TilePath, parse_bundle, parse_tile, tiles_for_size};
use crate::tree::{RightEdge, TILE_WIDTH, TreeHash, complete_root, leaf_hash};
use crate::verify::VerifyError;

/// Threads that hash; the machines this is meant for have two cores.
const WORKERS: usize = 2;

/// Bundles that may wait for the caller, a thread: bounds memory to some megabytes with entries of usual length.
const WAITING_BUNDLES: usize = 16;

/// A bundle whose entries have the hashes in the tile above them.
struct CheckedBundle {
    bytes: Vec<u8>,
    leaves: Vec<TreeHash>,
    /// Root of the tile, when it is full.
    root: Option<TreeHash>,
}

/// What is told of every entry.
pub(crate) type OnEntry<'a> = dyn FnMut(u64, &[u8]) -> Result<(), VerifyError> + 'a;

/// Checks all bundles against their tiles with [`WORKERS`] threads, and the full tiles above them; tells the entries in order.
pub(crate) fn check_entries(
    dir: &Path,
    checkpoint: &Checkpoint,
    on_entry: &mut OnEntry<'_>,
) -> Result<RightEdge, VerifyError> {
    let bundle_count = checkpoint.size.div_ceil(TILE_WIDTH as u64);
    thread::scope(|scope| {
        let mut results: Vec<Receiver<Result<CheckedBundle, VerifyError>>> = Vec::new();
        for worker in 0..WORKERS as u64 {
            let (sender, receiver) = sync_channel(WAITING_BUNDLES);
            results.push(receiver);
            scope.spawn(move || check_every_nth_bundle(dir, checkpoint, worker, bundle_count, &sender));
        }
        let mut edge = RightEdge::default();
        for number in 0..bundle_count {
            let checked = results[number as usize % WORKERS]
                .recv()
                .expect("a worker sends a result for each of its bundles before it ends")?;
            let mut full_tiles = Vec::new();
            match checked.root {
                Some(root) => edge.push_leaf_tile(root, &mut |level, index, hashes| {
                    full_tiles.push((level, index, hashes.to_vec()));
                }),
                None => checked
                    .leaves
                    .iter()
                    .for_each(|leaf| edge.push(*leaf, &mut |_, _, _| {})),
            }
            for (level, index, hashes) in full_tiles {
                check_tile(dir, TilePath::full(TileKind::Hashes(level), index), &hashes)?;
            }
            let entries =
                parse_bundle(&checked.bytes, checked.leaves.len()).map_err(|source| Error::Format {
                    path: dir.to_owned(),
                    source,
                })?;
            for (index, entry) in (number * TILE_WIDTH as u64..).zip(entries) {
                on_entry(index, entry)?;
            }
        }
        Ok(edge)
    })
}

fn check_every_nth_bundle(
    dir: &Path,
    checkpoint: &Checkpoint,
    first: u64,
    bundle_count: u64,
    sender: &SyncSender<Result<CheckedBundle, VerifyError>>,
) {
    for number in (first..bundle_count).step_by(WORKERS) {
        let result = check_bundle(dir, checkpoint, number);
        let is_last = result.is_err();
        if sender.send(result).is_err() || is_last {
            return;
        }
    }
}

fn check_bundle(dir: &Path, checkpoint: &Checkpoint, number: u64) -> Result<CheckedBundle, VerifyError> {
    let width = (checkpoint.size - number * TILE_WIDTH as u64).min(TILE_WIDTH as u64) as usize;
    let path_of = |kind| {
        TilePath::new(kind, number, width)
            .map(|tile| dir.join(tile.to_string()))
            .expect("a bundle below the count holds 1 to 256 entries")
    };
    let (bundle_path, tile_path) = (path_of(TileKind::Entries), path_of(TileKind::Hashes(0)));
    let bytes = read_up_to(&bundle_path, MAX_BUNDLE_BYTES)?;
    let tile_bytes = read_up_to(&tile_path, width * 32)?;
    let format = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Format { path, source }
    };
    let hashes = parse_tile(&tile_bytes, width).map_err(format(&tile_path))?;
    let first_index = number * TILE_WIDTH as u64;
    let entries = match parse_bundle(&bytes, width) {
        Ok(entries) => entries,
        Err(source) => {
            // A changed length garbles all that follows: the first entry that does not fit its hash is the changed one.
            let mut rest = bytes.as_slice();
            for (index, hash) in (first_index..).zip(&hashes) {
                let entry = rest.split_first_chunk::<2>().and_then(|(length, after)| {
                    after.split_at_checked(usize::from(u16::from_be_bytes(*length)))
                });
                match entry {
                    Some((entry, after)) if leaf_hash(entry) == *hash => rest = after,
                    _ => {
                        return Err(VerifyError::Entry {
                            index,
                            path: bundle_path,
                        });
                    }
                }
            }
            return Err(format(&bundle_path)(source).into());
        }
    };
    let leaves: Vec<TreeHash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    if let Some(at) = leaves.iter().zip(&hashes).position(|(leaf, hash)| leaf != hash) {
        let index = first_index + at as u64;
        return Err(
            if is_tile_right(dir, checkpoint, number, &hashes)
                || !is_tile_right(dir, checkpoint, number, &leaves)
            {
                VerifyError::Entry {
                    index,
                    path: bundle_path,
                }
            } else {
                VerifyError::Tile {
                    path: tile_path,
                    entries: index..index + 1,
                }
            },
        );
    }
    let root = (width == TILE_WIDTH).then(|| complete_root(&leaves));
    Ok(CheckedBundle { bytes, leaves, root })
}

/// True when `hashes` as tile `number` of the lowest level fit what lies above: which of a tile and a bundle to believe.
fn is_tile_right(dir: &Path, checkpoint: &Checkpoint, number: u64, hashes: &[TreeHash]) -> bool {
    if hashes.len() == TILE_WIDTH {
        let above = tile_at(TileKind::Hashes(1), checkpoint.size, number / TILE_WIDTH as u64)
            .and_then(|tile| read_hash_tile(dir, tile).ok());
        return above.is_some_and(|above| {
            above.get((number % TILE_WIDTH as u64) as usize) == Some(&complete_root(hashes))
        });
    }
    let partial_tiles = tiles_for_size(checkpoint.size).into_iter().map(|level| {
        if level.level == 0 {
            return Some(hashes.to_vec());
        }
        match TilePath::new(TileKind::Hashes(level.level), level.full, level.partial_width) {
            Some(tile) => read_hash_tile(dir, tile).ok(),
            None => Some(Vec::new()),
        }
    });
    partial_tiles
        .collect::<Option<Vec<_>>>()
        .and_then(|tiles| RightEdge::from_partial_tiles(checkpoint.size, tiles))
        .is_some_and(|edge| edge.root() == checkpoint.root)
}

/// Checks a tile above the lowest level against hashes that were computed from the entries.
fn check_tile(dir: &Path, tile: TilePath, computed: &[TreeHash]) -> Result<(), VerifyError> {
    let TileKind::Hashes(level) = tile.kind() else {
        return Ok(());
    };
    let hashes = read_hash_tile(dir, tile)?;
    let Some(at) = hashes
        .iter()
        .zip(computed)
        .position(|(hash, computed)| hash != computed)
    else {
        return Ok(());
    };
    let leaves_each = 1_u64 << (crate::tree::TILE_HEIGHT * u32::from(level));
    let first = (tile.index() * TILE_WIDTH as u64 + at as u64) * leaves_each;
    Err(VerifyError::Tile {
        path: dir.join(tile.to_string()),
        entries: first..first + leaves_each,
    })
}

/// Checks the partial tiles of the checkpoint and those of older checkpoints that still lie beside them.
pub(crate) fn check_right_edge(
    dir: &Path,
    checkpoint: &Checkpoint,
    edge: &RightEdge,
) -> Result<(), VerifyError> {
    for level in tiles_for_size(checkpoint.size) {
        let kind = TileKind::Hashes(level.level);
        let computed = edge.partial_tile(level.level);
        if let Some(tile) = TilePath::new(kind, level.full, computed.len()) {
            check_tile(dir, tile, computed)?;
        }
        for width in older_widths(dir, kind, level.full, computed.len()) {
            if let Some(tile) = TilePath::new(kind, level.full, width) {
                check_tile(dir, tile, &computed[..width])?;
            }
        }
    }
    let leaves = edge.partial_tile(0);
    let number = edge.full_tiles(0);
    for width in older_widths(dir, TileKind::Entries, number, leaves.len()) {
        let Some(tile) = TilePath::new(TileKind::Entries, number, width) else {
            continue;
        };
        let path = dir.join(tile.to_string());
        let bytes = read_up_to(&path, MAX_BUNDLE_BYTES)?;
        let entries = parse_bundle(&bytes, width).map_err(|source| Error::Format {
            path: path.clone(),
            source,
        })?;
        if let Some(at) = entries
            .iter()
            .zip(leaves)
            .position(|(entry, leaf)| leaf_hash(entry) != *leaf)
        {
            return Err(VerifyError::Entry {
                index: number * TILE_WIDTH as u64 + at as u64,
                path,
            });
        }
    }
    Ok(())
}

/// Widths of the partial tiles on disk that are narrower than `width`, in order.
fn older_widths(dir: &Path, kind: TileKind, index: u64, width: usize) -> Vec<usize> {
    let folder = dir.join(format!("{}.p", TilePath::full(kind, index)));
    let mut widths: Vec<usize> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|file| crate::tile::decimal(file.file_name().to_str()?))
        .map(|found| found as usize)
        .filter(|found| *found < width)
        .collect();
    widths.sort_unstable();
    widths
}
