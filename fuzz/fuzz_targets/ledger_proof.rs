//! `.tlog-proof` files and tree proofs: no bytes may panic, and no proof of made-up hashes holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_ledger::tree_proof::{verify_consistency, verify_inclusion};
use pollwatch_ledger::proof::TlogProof;

fuzz_target!(|data: &[u8]| {
    if let Some(proof) = std::str::from_utf8(data).ok().and_then(|text| text.parse::<TlogProof>().ok()) {
        assert_eq!(proof.to_string().as_bytes(), data);
        assert!(proof.verify(b"entry", &[]).is_err(), "no key is trusted");
    }
    let Some((numbers, hashes)) = data.split_first_chunk::<16>() else { return };
    let small = u64::from_be_bytes(numbers[..8].try_into().expect("half of sixteen is eight"));
    let size = u64::from_be_bytes(numbers[8..].try_into().expect("half of sixteen is eight"));
    let (proof, _) = hashes.as_chunks::<32>();
    // The last bytes of a root that nothing hashes to.
    let root = [0xff; 32];
    assert!(verify_inclusion(small, size, &[0; 32], proof, &root).is_err());
    assert!(verify_consistency(small, size, &[0; 32], &root, proof).is_err());
});
