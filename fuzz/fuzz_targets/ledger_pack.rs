//! Evidence packs: whatever a pack holds, reading ends without a panic, and opening for adding never loses a sound piece.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use pollwatch_ledger::evidence::{EvidenceReader, EvidenceStore, PieceDigest, parse_header, verify_packs};

fuzz_target!(|data: &[u8]| {
    parse_header(data).ok();
    let folder = tempfile::tempdir().expect("the fuzzer has a folder for temporary files");
    let path = folder.path().join("000001.pack");
    fs::write(&path, data).expect("the folder can be written to");
    let mut sound: Vec<PieceDigest> = Vec::new();
    verify_packs(folder.path(), |digest, _| sound.push(*digest)).ok();
    EvidenceReader::open(folder.path()).get(&PieceDigest([0; 32])).ok();
    if let Ok(mut store) = EvidenceStore::open(folder.path()) {
        let location = store.put_batch(&[b"piece"]).expect("a folder that opens can be added to")[0];
        assert!(store.reader().read(location, &PieceDigest::of(b"piece")).is_ok());
        for digest in sound {
            assert!(store.reader().get(&digest).is_ok_and(|piece| piece.is_some()), "a sound piece was lost");
        }
    }
});
