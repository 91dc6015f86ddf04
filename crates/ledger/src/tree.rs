//! The Merkle tree of RFC 6962: hashes of leaves and nodes, roots, and the right edge of a growing tree.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

/// How many hashes a full tile holds (C2SP tlog-tiles, "Merkle Tree").
pub const TILE_WIDTH: usize = 256;

/// Levels of the tree that one level of tiles spans: 2^8 = [`TILE_WIDTH`].
pub(crate) const TILE_HEIGHT: u32 = 8;

/// A SHA-256 hash of the tree: of a leaf, of a node, or a root.
///
/// Shown in base64 (RFC 4648, section 4, with padding), as checkpoints and proofs write it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash(pub [u8; 32]);

impl TreeHash {
    /// The hash that `text` gives in base64; `None` unless it is exactly 32 bytes in the standard alphabet with padding.
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        Some(TreeHash(bytes.try_into().ok()?))
    }

    /// The hash in `bytes`; `None` unless there are exactly 32 of them.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(TreeHash(bytes.try_into().ok()?))
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeHash({self})")
    }
}

impl AsRef<[u8]> for TreeHash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The hash of one entry: SHA-256 over a zero byte and the entry (RFC 6962, section 2.1).
pub fn leaf_hash(entry: &[u8]) -> TreeHash {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(entry);
    TreeHash(hash.finalize().into())
}

/// The hash of a node: SHA-256 over a byte 1 and the hashes of its two children (RFC 6962, section 2.1).
pub fn node_hash(left: &TreeHash, right: &TreeHash) -> TreeHash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    TreeHash(Sha256::digest(bytes).into())
}

/// The root of the tree with no entries: SHA-256 of nothing (RFC 6962, section 2.1).
pub fn empty_root() -> TreeHash {
    TreeHash(Sha256::digest([]).into())
}

/// The root of the tree over `leaves`, given as leaf hashes.
///
/// Source: RFC 6962, section 2.1 (the Merkle Tree Hash).
pub fn root_of(leaves: &[TreeHash]) -> TreeHash {
    let mut edge = RightEdge::default();
    for leaf in leaves {
        edge.push(*leaf, &mut |_, _, _| {});
    }
    edge.root()
}

/// The root of a complete subtree, whose number of hashes is a power of two.
pub(crate) fn complete_root(hashes: &[TreeHash]) -> TreeHash {
    debug_assert!(
        hashes.len().is_power_of_two(),
        "a complete subtree has a power of two of leaves"
    );
    match hashes {
        [one] => *one,
        [left, right] => node_hash(left, right),
        _ => {
            let mut level: Vec<TreeHash> = hashes.chunks_exact(2).map(|p| node_hash(&p[0], &p[1])).collect();
            while level.len() > 1 {
                for at in 0..level.len() / 2 {
                    level[at] = node_hash(&level[2 * at], &level[2 * at + 1]);
                }
                level.truncate(level.len() / 2);
            }
            level[0]
        }
    }
}

/// What is known of a growing tree when all but its right edge is forgotten: at each tile level the hashes of the tile that
/// is not yet full.
///
/// Enough to append and to tell the root, in memory that grows with the logarithm of the size. It is a compact range
/// whose pieces are kept a tile at a time, because the tiles have to be written anyway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RightEdge {
    levels: Vec<EdgeLevel>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct EdgeLevel {
    full_tiles: u64,
    hashes: Vec<TreeHash>,
}

impl RightEdge {
    /// The edge of a tree of `size` leaves whose partial tiles, lowest level first, are `partial_tiles`.
    ///
    /// `None` when their lengths are not those that a tree of that size has.
    pub fn from_partial_tiles(size: u64, partial_tiles: Vec<Vec<TreeHash>>) -> Option<Self> {
        let mut levels = Vec::new();
        let mut left = size;
        for hashes in partial_tiles {
            if left == 0 || hashes.len() as u64 != left % TILE_WIDTH as u64 {
                return None;
            }
            left /= TILE_WIDTH as u64;
            levels.push(EdgeLevel {
                full_tiles: left,
                hashes,
            });
        }
        (left == 0).then_some(RightEdge { levels })
    }

    /// Number of leaves of the tree.
    pub fn size(&self) -> u64 {
        match self.levels.first() {
            Some(level) => level.full_tiles * TILE_WIDTH as u64 + level.hashes.len() as u64,
            None => 0,
        }
    }

    /// The hashes of the tile at `level` that is not yet full; empty when there is none.
    pub fn partial_tile(&self, level: u8) -> &[TreeHash] {
        self.levels
            .get(usize::from(level))
            .map_or(&[], |edge| edge.hashes.as_slice())
    }

    /// How many full tiles lie left of the edge at `level`.
    pub fn full_tiles(&self, level: u8) -> u64 {
        self.levels
            .get(usize::from(level))
            .map_or(0, |edge| edge.full_tiles)
    }

    /// Number of tile levels that hold anything.
    pub fn level_count(&self) -> u8 {
        self.levels.len() as u8
    }

    /// Appends a leaf hash; `on_full` is told the level, index and hashes of each tile that this fills.
    pub fn push(&mut self, leaf: TreeHash, on_full: &mut dyn FnMut(u8, u64, &[TreeHash])) {
        self.push_at(0, leaf, on_full);
    }

    /// Appends a full tile of leaf hashes by its root alone, for when its hashes were checked elsewhere.
    ///
    /// Only when no leaves were pushed since the last full tile.
    pub(crate) fn push_leaf_tile(&mut self, root: TreeHash, on_full: &mut dyn FnMut(u8, u64, &[TreeHash])) {
        if self.levels.is_empty() {
            self.levels.push(EdgeLevel::default());
        }
        debug_assert!(
            self.levels[0].hashes.is_empty(),
            "a full tile begins where a tile begins"
        );
        self.levels[0].full_tiles += 1;
        self.push_at(1, root, on_full);
    }

    fn push_at(&mut self, level: u8, hash: TreeHash, on_full: &mut dyn FnMut(u8, u64, &[TreeHash])) {
        let mut level = usize::from(level);
        let mut hash = hash;
        loop {
            if self.levels.len() <= level {
                self.levels.push(EdgeLevel::default());
            }
            let edge = &mut self.levels[level];
            edge.hashes.push(hash);
            if edge.hashes.len() < TILE_WIDTH {
                return;
            }
            on_full(level as u8, edge.full_tiles, &edge.hashes);
            hash = complete_root(&edge.hashes);
            edge.hashes.clear();
            edge.full_tiles += 1;
            level += 1;
        }
    }

    /// The root of the tree (RFC 6962, section 2.1).
    pub fn root(&self) -> TreeHash {
        let mut root: Option<TreeHash> = None;
        for edge in &self.levels {
            let mut end = edge.hashes.len();
            while end > 0 {
                let width = 1 << end.trailing_zeros();
                let peak = complete_root(&edge.hashes[end - width..end]);
                root = Some(match root {
                    Some(right) => node_hash(&peak, &right),
                    None => peak,
                });
                end -= width;
            }
        }
        root.unwrap_or_else(empty_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree of RFC 6962's reference implementation: eight leaves whose roots are published with it
    /// (certificate-transparency, cpp/merkletree/merkle_tree_test.cc).
    #[test]
    fn reference_roots_come_out() {
        let leaves: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e,
                0x6f,
            ],
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let hashes: Vec<TreeHash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        for (size, root) in roots.iter().enumerate() {
            assert_eq!(hex::encode(root_of(&hashes[..size]).0), *root, "size {size}");
        }
    }
}
