//! Evidence packs: kept once, found again, torn by crashes, tampered with.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use pollwatch_ledger::Error;
use pollwatch_ledger::evidence::{EvidenceReader, EvidenceStore, PieceDigest, VerifiedPacks, verify_packs};

fn verify(dir: &Path) -> Result<VerifiedPacks, Error> {
    verify_packs(dir, |_, _| ())
}

#[test]
fn pieces_are_kept_once_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let mut reader = EvidenceReader::open(dir);
    assert_eq!(reader.get(&PieceDigest::of(b"one")).unwrap(), None);
    let mut store = EvidenceStore::open(dir).unwrap();
    assert!(matches!(EvidenceStore::open(dir), Err(Error::Locked { .. })));
    let locations = store.put_batch(&[b"one", b"", b"two\nlines", b"one"]).unwrap();
    assert_eq!(locations[0], locations[3]);
    assert_eq!(store.put_batch(&[b"two\nlines"]).unwrap(), [locations[2]]);
    // The form is fixed: SHA-256 of "one" as sha256sum prints it.
    let text = fs::read_to_string(dir.join("000001.pack")).unwrap();
    assert!(
        text.starts_with("7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed 3\none\n"),
        "{text}"
    );
    // A reader that was opened before finds what was added since, and a store that is opened again knows it.
    assert_eq!(reader.get(&PieceDigest::of(b"one")).unwrap().unwrap(), b"one");
    assert_eq!(reader.get(&PieceDigest::of(b"")).unwrap().unwrap(), b"");
    drop(store);
    let mut store = EvidenceStore::open(dir).unwrap();
    assert_eq!(store.put_batch(&[b"one", b"three"]).unwrap()[0], locations[0]);
    assert_eq!(verify(dir).unwrap().pieces, 4);
    assert!(matches!(
        reader.read(locations[0], &PieceDigest::of(b"two")),
        Err(Error::Pack { .. })
    ));
}

#[test]
fn a_new_pack_begins_when_one_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = EvidenceStore::open(folder.path()).unwrap();
    let pieces: Vec<Vec<u8>> = (0..5_u8).map(|number| vec![number; 30 << 20]).collect();
    let all: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    let locations = store.put_batch(&all).unwrap();
    assert_eq!(
        locations.iter().map(|one| one.pack).collect::<Vec<_>>(),
        [1, 1, 2, 2, 3]
    );
    assert!(matches!(
        store.put_batch(&[&vec![0; 64 << 20]]),
        Err(Error::PieceTooLong(_))
    ));
    assert_eq!(store.put_batch(&[b"small"]).unwrap()[0].pack, 3);
    let found = verify(folder.path()).unwrap();
    assert_eq!((found.packs, found.pieces), (3, 6));
    fs::remove_file(folder.path().join("000002.pack")).unwrap();
    assert!(
        matches!(verify(folder.path()), Err(Error::Pack { .. })),
        "a missing pack is noticed"
    );
}

#[test]
fn a_torn_end_goes_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("000001.pack");
    let mut store = EvidenceStore::open(folder.path()).unwrap();
    store.put_batch(&[b"first piece"]).unwrap();
    let kept = fs::read(&path).unwrap();
    store.put_batch(&[b"second piece\nof two lines"]).unwrap();
    drop(store);
    let whole = fs::read(&path).unwrap();
    for length in kept.len()..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let torn = (length > kept.len()).then_some(kept.len() as u64);
        assert_eq!(verify(folder.path()).unwrap().torn_at, torn);
        let mut reader = EvidenceReader::open(folder.path());
        assert!(reader.get(&PieceDigest::of(b"first piece")).unwrap().is_some());
        let mut store = EvidenceStore::open(folder.path()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), kept, "cut at {length}");
        store.put_batch(&[b"second piece\nof two lines"]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
    // Zeros at the end, as some file systems leave them.
    fs::write(&path, [kept.as_slice(), &[0; 5_000]].concat()).unwrap();
    drop(EvidenceStore::open(folder.path()).unwrap());
    assert_eq!(fs::read(&path).unwrap(), kept);
    // A length that was changed to reach beyond the end must not take the sound pieces after it along.
    let changed = String::from_utf8(whole.clone())
        .unwrap()
        .replacen(" 11\n", " 999\n", 1);
    fs::write(&path, &changed).unwrap();
    assert!(matches!(
        EvidenceStore::open(folder.path()),
        Err(Error::Pack { offset: 0, .. })
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), changed);
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("000001.pack");
    let pieces: [&[u8]; 3] = [b"first", b"second", b"third"];
    let locations = EvidenceStore::open(folder.path())
        .unwrap()
        .put_batch(&pieces)
        .unwrap();
    let sound = fs::read(&path).unwrap();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let result = verify(folder.path());
        // A length that grew beyond the end looks like a torn record; its piece is then missing.
        let is_noticed = result
            .as_ref()
            .map_or(true, |found| found.torn_at.is_some() && found.pieces < 3);
        assert!(is_noticed, "byte {at}: {result:?}");
        let broken = locations
            .iter()
            .rposition(|one| one.offset as usize <= at)
            .unwrap();
        if let Err(Error::Piece { offset, .. } | Error::Pack { offset, .. }) = result {
            assert_eq!(offset, u64::from(locations[broken].offset), "byte {at}");
        }
    }
}
