//! Proofs over the tree: building them from node hashes, and checking them.

use crate::tree::{TreeHash, empty_root, node_hash};

/// Why a proof does not show what it claims.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The entry is not within the tree, or the older tree is larger than the newer one.
    #[error("no proof of {what} {small} can exist in a tree of size {size}")]
    OutOfRange {
        /// What was to be proved: an entry or an older tree.
        what: &'static str,
        /// Index of the entry, or size of the older tree.
        small: u64,
        /// Size of the (newer) tree.
        size: u64,
    },
    /// The proof has not the number of hashes that its place in the tree asks for.
    #[error("the proof has {got} hashes where the tree asks for {want}")]
    Length {
        /// Number of hashes given.
        got: usize,
        /// Number of hashes that belong there.
        want: usize,
    },
    /// A hash is not 32 bytes long.
    #[error("a hash is {0} bytes long instead of 32")]
    HashLength(usize),
    /// The hashes do not lead to the root.
    #[error("the proof leads to another root than that of the tree of size {0}")]
    Root(u64),
}

/// The hash of a node of the tree that has all its leaves: `level` 0 are leaf hashes, `index` counts from the left.
///
/// Building a proof asks for nodes within the tree alone.
pub trait NodeSource {
    /// What reading may fail with.
    type Error;

    /// The hash of node `index` at `level`.
    fn node(&mut self, level: u32, index: u64) -> Result<TreeHash, Self::Error>;
}

impl<F, E> NodeSource for F
where
    F: FnMut(u32, u64) -> Result<TreeHash, E>,
{
    type Error = E;

    fn node(&mut self, level: u32, index: u64) -> Result<TreeHash, E> {
        self(level, index)
    }
}

/// Largest power of two below `count` (RFC 6962, section 2.1: "k"); `count` is 2 or more.
fn split(count: u64) -> u64 {
    debug_assert!(count > 1, "one leaf has no children");
    1 << (63 - (count - 1).leading_zeros())
}

/// The hash over the leaves `from..to`, which are a subtree of a tree as RFC 6962 splits it.
fn range_hash<S: NodeSource>(nodes: &mut S, from: u64, to: u64) -> Result<TreeHash, S::Error> {
    let count = to - from;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return nodes.node(level, from >> level);
    }
    let middle = from + split(count);
    let left = range_hash(nodes, from, middle)?;
    let right = range_hash(nodes, middle, to)?;
    Ok(node_hash(&left, &right))
}

/// The root of the tree of the first `size` leaves (RFC 6962, section 2.1).
pub fn root_at<S: NodeSource>(nodes: &mut S, size: u64) -> Result<TreeHash, S::Error> {
    if size == 0 {
        return Ok(empty_root());
    }
    range_hash(nodes, 0, size)
}

/// The hashes that lead from leaf `index` to the root of the tree of `size` leaves, lowest first.
///
/// Empty when `index` is not below `size`: there is nothing to prove.
/// Source: RFC 6962, section 2.1.1 (PATH).
pub fn inclusion_proof<S: NodeSource>(
    nodes: &mut S,
    index: u64,
    size: u64,
) -> Result<Vec<TreeHash>, S::Error> {
    let mut proof = Vec::new();
    if index >= size {
        return Ok(proof);
    }
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            proof.push(range_hash(nodes, middle, to)?);
            to = middle;
        } else {
            proof.push(range_hash(nodes, from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The hashes which show that the tree of `old_size` leaves is the beginning of the tree of `size` leaves.
///
/// Empty when the older tree is empty, as large as the newer one, or larger (then nothing can show it).
/// Source: RFC 6962, section 2.1.2 (PROOF and SUBPROOF).
pub fn consistency_proof<S: NodeSource>(
    nodes: &mut S,
    old_size: u64,
    size: u64,
) -> Result<Vec<TreeHash>, S::Error> {
    let mut proof = Vec::new();
    if old_size == 0 || old_size >= size {
        return Ok(proof);
    }
    let (mut from, mut to) = (0, size);
    let mut is_old_root_known = true;
    while to != old_size {
        let middle = from + split(to - from);
        if old_size <= middle {
            proof.push(range_hash(nodes, middle, to)?);
            to = middle;
        } else {
            proof.push(range_hash(nodes, from, middle)?);
            from = middle;
            is_old_root_known = false;
        }
    }
    if !is_old_root_known {
        proof.push(range_hash(nodes, from, to)?);
    }
    proof.reverse();
    Ok(proof)
}

fn hashes_of<P: AsRef<[u8]>>(proof: &[P]) -> Result<Vec<TreeHash>, ProofError> {
    proof.iter().map(|hash| one_hash(hash.as_ref())).collect()
}

fn one_hash(bytes: &[u8]) -> Result<TreeHash, ProofError> {
    TreeHash::from_slice(bytes).ok_or(ProofError::HashLength(bytes.len()))
}

/// Checks that the leaf with hash `leaf` is entry `index` of the tree of `size` leaves with this `root`.
///
/// Errors: any [`ProofError`]; the number of hashes must be exactly right.
/// Source: RFC 9162, section 2.1.3.2.
pub fn verify_inclusion<P: AsRef<[u8]>>(
    index: u64,
    size: u64,
    leaf: &[u8],
    proof: &[P],
    root: &[u8],
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange {
            what: "entry",
            small: index,
            size,
        });
    }
    let (leaf, root) = (one_hash(leaf)?, one_hash(root)?);
    let proof = hashes_of(proof)?;
    // Below the lowest level where the paths of this leaf and of the last leaf meet there is a sibling at every level; above
    // it one for each left sibling alone.
    let inner = 64 - (index ^ (size - 1)).leading_zeros();
    let border = if inner == 64 {
        0
    } else {
        (index >> inner).count_ones()
    };
    let want = (inner + border) as usize;
    if proof.len() != want {
        return Err(ProofError::Length {
            got: proof.len(),
            want,
        });
    }
    let mut hash = leaf;
    for (level, sibling) in proof.iter().enumerate() {
        let is_left = level < inner as usize && (index >> level) & 1 == 0;
        hash = if is_left {
            node_hash(&hash, sibling)
        } else {
            node_hash(sibling, &hash)
        };
    }
    if hash != root {
        return Err(ProofError::Root(size));
    }
    Ok(())
}

/// Checks that the tree of `old_size` leaves with root `old_root` is the beginning of the tree of `size` with `root`.
///
/// For equal sizes the proof is empty and the two roots are compared as they are. Nothing can be shown from an empty tree.
///
/// Errors: any [`ProofError`]; the number of hashes must be exactly right.
/// Source: RFC 9162, section 2.1.4.2.
pub fn verify_consistency<P: AsRef<[u8]>>(
    old_size: u64,
    size: u64,
    old_root: &[u8],
    root: &[u8],
    proof: &[P],
) -> Result<(), ProofError> {
    if old_size == 0 || old_size > size {
        return Err(ProofError::OutOfRange {
            what: "the older tree of size",
            small: old_size,
            size,
        });
    }
    if old_size == size {
        if !proof.is_empty() {
            return Err(ProofError::Length {
                got: proof.len(),
                want: 0,
            });
        }
        return if old_root == root {
            Ok(())
        } else {
            Err(ProofError::Root(old_size))
        };
    }
    let (old_root, root) = (one_hash(old_root)?, one_hash(root)?);
    let proof = hashes_of(proof)?;
    let shift = old_size.trailing_zeros();
    let last = (old_size - 1) >> shift;
    let inner = 64 - ((old_size - 1) ^ (size - 1)).leading_zeros() - shift;
    let border = if inner + shift == 64 {
        0
    } else {
        ((old_size - 1) >> (inner + shift)).count_ones()
    };
    // A power of two is itself a node of the newer tree: its root is the start and is not repeated in the proof.
    let (start, rest) = if old_size.is_power_of_two() {
        (old_root, proof.as_slice())
    } else {
        let want = 1 + (inner + border) as usize;
        let (first, rest) = proof.split_first().ok_or(ProofError::Length { got: 0, want })?;
        (*first, rest)
    };
    let want = (inner + border) as usize;
    if rest.len() != want {
        let extra = proof.len() - rest.len();
        return Err(ProofError::Length {
            got: proof.len(),
            want: want + extra,
        });
    }
    let (mut old_hash, mut hash) = (start, start);
    for (level, sibling) in rest.iter().enumerate() {
        if level < inner as usize && (last >> level) & 1 == 0 {
            hash = node_hash(&hash, sibling);
        } else {
            old_hash = node_hash(sibling, &old_hash);
            hash = node_hash(sibling, &hash);
        }
    }
    if old_hash != old_root {
        return Err(ProofError::Root(old_size));
    }
    if hash != root {
        return Err(ProofError::Root(size));
    }
    Ok(())
}
