//! Properties of the forms: proofs of trees of any size, and parse(print(x)) = x.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;

use pollwatch_ledger::checkpoint::Checkpoint;
use pollwatch_ledger::key_history::{KeyHistory, key_entry, parse_key_entry};
use pollwatch_ledger::note::{SignedNote, SignerKey, VerifierKey};
use pollwatch_ledger::proof::TlogProof;
use pollwatch_ledger::tile::{TileKind, TilePath, parse_bundle, push_entry};
use pollwatch_ledger::tree::{RightEdge, TreeHash, leaf_hash, node_hash, root_of};
use pollwatch_ledger::tree_proof::{
    consistency_proof, inclusion_proof, root_at, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

/// The tree as RFC 6962 defines it, by recursion: an independent way to every root.
fn slow_root(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => root_of(&[]),
        [one] => *one,
        _ => {
            let middle = leaves.len().next_power_of_two() / 2;
            node_hash(&slow_root(&leaves[..middle]), &slow_root(&leaves[middle..]))
        }
    }
}

fn leaves(count: u64) -> Vec<TreeHash> {
    (0..count)
        .map(|number| leaf_hash(&number.to_be_bytes()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_hold_for_their_place_alone(size in 1_u64..700, index in any::<u64>(), old in any::<u64>(), flip in any::<(usize, u8)>()) {
        let (index, old) = (index % size, 1 + old % size);
        let leaves = leaves(size);
        let root = slow_root(&leaves);
        let old_root = slow_root(&leaves[..old as usize]);
        prop_assert_eq!(root_of(&leaves), root);
        let mut nodes = |level: u32, index: u64| -> Result<TreeHash, Infallible> {
            Ok(slow_root(&leaves[(index << level) as usize..((index + 1) << level) as usize]))
        };
        prop_assert_eq!(root_at(&mut nodes, old).unwrap(), old_root);
        let leaf = leaves[index as usize];
        let mut proof = inclusion_proof(&mut nodes, index, size).unwrap();
        let mut link = consistency_proof(&mut nodes, old, size).unwrap();
        verify_inclusion(index, size, &leaf.0, &proof, &root.0).unwrap();
        verify_consistency(old, size, &old_root.0, &root.0, &link).unwrap();
        prop_assert!(verify_inclusion((index + 1) % size, size, &leaf.0, &proof, &root.0).is_err() || size == 1);
        prop_assert!(verify_inclusion(index, size, &root.0, &proof, &leaf.0).is_err() || size == 1);
        prop_assert!(verify_consistency(old, size, &old_root.0, &leaf.0, &link).is_err() || size == 1);
        for changed in [&mut proof, &mut link] {
            if let Some(at) = flip.0.checked_rem(changed.len()) {
                changed[at].0[usize::from(flip.1 / 8)] ^= 1 << (flip.1 % 8);
            } else {
                changed.push(leaf);
            }
        }
        prop_assert!(verify_inclusion(index, size, &leaf.0, &proof, &root.0).is_err());
        prop_assert!(verify_consistency(old, size, &old_root.0, &root.0, &link).is_err());
    }

    #[test]
    fn proofs_of_huge_trees_are_refused_without_harm(small in any::<u64>(), size in any::<u64>(), count in 0_usize..70) {
        let proof = vec![[1; 32]; count];
        prop_assert!(verify_inclusion(small, size, &[0; 32], &proof, &[2; 32]).is_err());
        prop_assert!(verify_consistency(small, size, &[0; 32], &[2; 32], &proof).is_err());
        prop_assert!(verify_inclusion(u64::MAX - 1, u64::MAX, &[0; 32], &proof, &[2; 32]).is_err());
        prop_assert!(verify_consistency(small | 1 << 63, u64::MAX, &[0; 32], &[2; 32], &proof).is_err());
    }

    #[test]
    fn a_right_edge_restored_from_its_tiles_goes_on_the_same(size in 0_u64..1_500, more in 1_u64..300) {
        let mut edge = RightEdge::default();
        leaves(size).into_iter().for_each(|leaf| edge.push(leaf, &mut |_, _, _| {}));
        let tiles = (0..edge.level_count()).map(|level| edge.partial_tile(level).to_vec()).collect();
        let mut restored = RightEdge::from_partial_tiles(size, tiles).unwrap();
        prop_assert_eq!(&restored, &edge);
        for leaf in leaves(more) {
            edge.push(leaf, &mut |_, _, _| {});
            restored.push(leaf, &mut |_, _, _| {});
        }
        prop_assert_eq!(restored.root(), edge.root());
        prop_assert_eq!(edge.size(), size + more);
    }

    #[test]
    fn what_is_printed_reads_back(
        size in any::<u64>(),
        root in any::<[u8; 32]>(),
        seed in any::<[u8; 32]>(),
        origin in "[a-z]{1,9}\\.example/[a-zü]{1,9}",
        extensions in prop::collection::vec("[ -~]{1,20}", 0..3),
        hashes in prop::collection::vec(any::<[u8; 32]>(), 0..64),
        extra in prop::option::of(prop::collection::vec(any::<u8>(), 0..50)),
        level in 0_u8..64,
        width in 1_usize..=256,
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..256),
    ) {
        let checkpoint = Checkpoint { origin: origin.clone(), size, root: TreeHash(root), extensions };
        prop_assert_eq!(&checkpoint.to_string().parse::<Checkpoint>().unwrap(), &checkpoint);
        let signer = SignerKey::from_seed(&origin, &seed).unwrap();
        let again = SignerKey::from_secret_text(&signer.to_secret_text()).unwrap();
        prop_assert_eq!(again.verifier(), signer.verifier());
        let key: VerifierKey = signer.verifier().to_string().parse().unwrap();
        prop_assert_eq!(&key, signer.verifier());
        let signed = checkpoint.sign(&[&signer]).unwrap();
        let note = SignedNote::parse(&signed.to_string()).unwrap();
        prop_assert_eq!(&note, &signed);
        prop_assert_eq!(Checkpoint::open(&signed.to_string(), std::slice::from_ref(&key)).unwrap().0, checkpoint);
        let proof = TlogProof { extra, index: size, hashes: hashes.into_iter().map(TreeHash).collect(), checkpoint: note };
        prop_assert_eq!(proof.to_string().parse::<TlogProof>().unwrap(), proof);
        let history = KeyHistory::first(key.clone());
        prop_assert_eq!(history.to_string().parse::<KeyHistory>().unwrap(), history);
        prop_assert_eq!(parse_key_entry(&key_entry(&key, "2026-11-03")).unwrap(), Some(key));
        for kind in [TileKind::Entries, TileKind::Hashes(level)] {
            let tile = TilePath::new(kind, size, width).unwrap();
            prop_assert_eq!(tile.to_string().parse::<TilePath>().unwrap(), tile);
        }
        let mut bundle = Vec::new();
        entries.iter().for_each(|entry| push_entry(&mut bundle, entry).unwrap());
        prop_assert_eq!(parse_bundle(&bundle, entries.len()).unwrap(), entries);
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,200}|[ -~\n—]{0,200}|(tile/[0-9x/.p]{0,20})") {
        SignedNote::parse(&text).ok();
        text.parse::<TlogProof>().ok();
        text.parse::<VerifierKey>().ok();
        text.parse::<TilePath>().ok();
        text.parse::<KeyHistory>().ok();
        SignerKey::from_secret_text(&text).ok();
    }
}
