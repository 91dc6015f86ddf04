//! A log through its life: growing, crashing, being tampered with, put back, and handed over to new keys.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use pollwatch_ledger::Error;
use pollwatch_ledger::checkpoint::{Checkpoint, Judgement};
use pollwatch_ledger::key::{create_key_file, load_current_key, load_key_file, rotate_key_file};
use pollwatch_ledger::log::Log;
use pollwatch_ledger::note::{SignerKey, VerifierKey};
use pollwatch_ledger::reader::LogReader;
use pollwatch_ledger::tree::{leaf_hash, root_of};
use pollwatch_ledger::verify::{Verified, VerifyError, verify_log};

const ORIGIN: &str = "county.example/ledger";

fn signer(seed: u8) -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

fn key(seed: u8) -> VerifierKey {
    signer(seed).verifier().clone()
}

fn entry(number: u64) -> Vec<u8> {
    format!("{{\"kind\":\"finding\",\"number\":{number}}}").into_bytes()
}

fn append(log: &mut Log, count: u64) {
    let entries: Vec<Vec<u8>> = (log.size()..log.size() + count).map(entry).collect();
    let all: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let begun = log.size();
    assert_eq!(log.append_batch(&all).unwrap(), begun..begun + count);
}

fn log_of(dir: &Path, batches: &[u64]) -> Log {
    let mut log = Log::create(dir, signer(1)).unwrap();
    batches.iter().for_each(|count| append(&mut log, *count));
    log
}

fn verify(dir: &Path) -> Result<Verified, VerifyError> {
    verify_log(dir, &[key(1)], None, |_, _| Ok(()))
}

fn files_of(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            files.extend(files_of(&path));
        } else if fs::metadata(&path).unwrap().len() > 0 {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn a_log_grows_over_reopening_and_proves_every_entry() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    drop(Log::create(dir, signer(1)).unwrap());
    assert!(matches!(Log::create(dir, signer(1)), Err(Error::Exists { .. })));
    let mut leaves = Vec::new();
    let mut checkpoints: Vec<Checkpoint> = Vec::new();
    for count in [1, 1, 253, 1, 1, 300, 66_000, 7] {
        let known = checkpoints.last();
        let mut log = Log::open(dir, signer(1), known).unwrap();
        assert!(matches!(
            Log::open(dir, signer(1), None),
            Err(Error::Locked { .. })
        ));
        append(&mut log, count);
        leaves.extend((log.size() - count..log.size()).map(|number| leaf_hash(&entry(number))));
        assert_eq!(log.checkpoint().root, root_of(&leaves));
        checkpoints.push(log.checkpoint().clone());
    }
    let reader = LogReader::open(dir, &[key(1)]).unwrap();
    for old in &checkpoints {
        assert_eq!(reader.root_at(old.size).unwrap(), old.root);
        let proof = reader.consistency_proof(old.size).unwrap();
        let judgement = pollwatch_ledger::checkpoint::judge(old, reader.checkpoint(), &proof);
        assert_eq!(judgement, Judgement::Consistent);
    }
    for number in [0, 255, 256, 511, 512, 65_535, 65_536, reader.size() - 1] {
        assert_eq!(reader.entry(number).unwrap(), entry(number));
        let text = reader.tlog_proof(number).unwrap().to_string();
        let proof: pollwatch_ledger::proof::TlogProof = text.parse().unwrap();
        assert_eq!(proof.verify(&entry(number), &[key(1)]).unwrap().index, number);
        assert!(proof.verify(&entry(number + 1), &[key(1)]).is_err());
    }
    assert!(reader.entry(reader.size()).is_err());
    let mut next = 0;
    let verified = verify_log(dir, &[key(1)], None, |index, bytes| {
        assert_eq!((index, bytes), (next, entry(next).as_slice()));
        next += 1;
        Ok(())
    });
    assert_eq!(verified.unwrap().checkpoint.size, next);
    // Partial tiles go once a full tile stands in their place.
    assert!(!dir.join("tile/0/000.p").exists() && !dir.join("tile/entries/000.p").exists());
    let last: Vec<_> = reader
        .entries(66_560..u64::MAX)
        .map(|one| one.unwrap().0)
        .collect();
    assert_eq!(last, (66_560..reader.size()).collect::<Vec<_>>());
}

#[test]
fn a_changed_byte_in_any_file_is_noticed_and_entries_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let mut log = log_of(dir, &[5, 300]);
    log.rotate(signer(2), "2026-11-03T08:00:00Z").unwrap();
    append(&mut log, 3);
    drop(log);
    verify(dir).unwrap();
    for path in files_of(dir) {
        let sound = fs::read(&path).unwrap();
        // A spread over the file, by an odd step, so that it meets lengths, entries and hashes at different offsets.
        let step = (sound.len() / 60).max(1) | 1;
        for at in (0..sound.len()).step_by(step) {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&path, &bytes).unwrap();
            let error = verify(dir).expect_err(&format!("byte {at} of {} was changed", path.display()));
            if path == dir.join("tile/entries/000") {
                let mut end = 0;
                let index = (0..256).find(|number| {
                    end += 2 + entry(*number).len();
                    at < end
                });
                match error {
                    VerifyError::Entry { index: named, .. } => assert_eq!(Some(named), index, "byte {at}"),
                    other => panic!("byte {at} of {}: {other}", path.display()),
                }
            }
            if path.starts_with(dir.join("tile/0")) {
                assert!(
                    matches!(error, VerifyError::Tile { .. }),
                    "byte {at} of {}: {error}",
                    path.display()
                );
            }
        }
        for shorter in [0, sound.len() - 1] {
            fs::write(&path, &sound[..shorter]).unwrap();
            verify(dir).expect_err(&format!("{} was cut to {shorter}", path.display()));
        }
        fs::write(&path, &sound).unwrap();
    }
    verify(dir).unwrap();
}

#[test]
fn a_log_that_was_cut_or_rewritten_and_signed_again_is_caught_by_an_older_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let honest = folder.path().join("honest");
    let log = log_of(&honest, &[100, 200]);
    let older = log.reader().signed_checkpoint().to_string();
    let known = log.checkpoint().clone();
    let judge = |dir: &Path| verify_log(dir, &[key(1)], Some(&older), |_, _| Ok(()));
    judge(&honest).unwrap();

    let cut = folder.path().join("cut");
    drop(log_of(&cut, &[299]));
    let rewritten = folder.path().join("rewritten");
    let mut log = log_of(&rewritten, &[50]);
    log.append_batch(&[b"another entry"]).unwrap();
    append(&mut log, 300);
    drop(log);
    for (dir, expected) in [(&cut, Judgement::Rollback), (&rewritten, Judgement::Fork)] {
        verify(dir).unwrap();
        match judge(dir) {
            Err(VerifyError::Inconsistent { judgement, .. }) => assert_eq!(judgement, expected),
            other => panic!("{other:?}"),
        }
        match Log::open(dir, signer(1), Some(&known)) {
            Err(Error::Inconsistent { judgement, .. }) => assert_eq!(judgement, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_crash_at_any_step_leaves_the_old_log_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (folder.path().join("before"), folder.path().join("after"));
    let mut log = log_of(&before, &[250]);
    copy(&before, &after);
    drop(log);
    log = Log::open(&after, signer(1), None).unwrap();
    append(&mut log, 300);
    drop(log);
    let new_files: Vec<PathBuf> = files_of(&after)
        .into_iter()
        .map(|path| path.strip_prefix(&after).unwrap().to_owned())
        .collect();
    // The checkpoint is written last: a crash leaves any of the other files, whole, cut or full of rubbish.
    let tiles: Vec<&PathBuf> = new_files.iter().filter(|path| path.starts_with("tile")).collect();
    for (step, damage) in (0..=tiles.len()).flat_map(|step| (0..3).map(move |damage| (step, damage))) {
        let crashed = folder.path().join(format!("crash-{step}-{damage}"));
        copy(&before, &crashed);
        for (number, tile) in tiles[..step].iter().enumerate() {
            let target = crashed.join(tile);
            if before.join(tile).exists() {
                continue;
            }
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            let bytes = fs::read(after.join(tile)).unwrap();
            let bytes = match (damage, number + 1 == step) {
                (1, true) => bytes[..bytes.len() / 2].to_vec(),
                (2, true) => vec![0; bytes.len()],
                _ => bytes,
            };
            fs::write(target, bytes).unwrap();
        }
        fs::write(crashed.join("checkpoint.new"), b"half of a check").unwrap();
        verify(&crashed).unwrap();
        assert_eq!(LogReader::open(&crashed, &[key(1)]).unwrap().size(), 250);
        let mut log = Log::open(&crashed, signer(1), None).unwrap();
        assert_eq!(log.size(), 250);
        append(&mut log, 300);
        drop(log);
        assert_eq!(
            fs::read(crashed.join("checkpoint")).unwrap(),
            fs::read(after.join("checkpoint")).unwrap()
        );
        verify(&crashed).unwrap();
    }
}

#[test]
fn opening_refuses_what_does_not_follow_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("log");
    let mut log = log_of(&dir, &[100]);
    let old_checkpoint = fs::read(dir.join("checkpoint")).unwrap();
    append(&mut log, 500);
    drop(log);
    let refuse = |change: &dyn Fn(&Path), expected: &str| {
        let changed = folder.path().join("changed");
        copy(&dir, &changed);
        change(&changed);
        let error = Log::open(&changed, signer(1), None)
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
        fs::remove_dir_all(&changed).unwrap();
    };
    refuse(
        &|dir| fs::write(dir.join("checkpoint"), &old_checkpoint).unwrap(),
        "put back to an older one",
    );
    refuse(
        &|dir| fs::remove_file(dir.join("tile/1/000.p/2")).unwrap(),
        "tile/1/000.p/2 is missing",
    );
    refuse(
        &|dir| fs::write(dir.join("tile/0/002.p/88"), [7; 88 * 32]).unwrap(),
        "not a prefix of the tree",
    );
    refuse(
        &|dir| fs::remove_file(dir.join("tile/entries/002.p/88")).unwrap(),
        "is missing",
    );
    refuse(
        &|dir| {
            let path = dir.join("tile/entries/002.p/88");
            let mut bytes = fs::read(&path).unwrap();
            bytes[5] ^= 1;
            fs::write(path, bytes).unwrap();
        },
        "entry 512 in tile/entries/002.p/88 is not the one that was signed",
    );
    refuse(
        &|dir| {
            let text = fs::read_to_string(dir.join("checkpoint")).unwrap();
            fs::write(dir.join("checkpoint"), text.replace("\n600\n", "\n599\n")).unwrap();
        },
        "it was edited or signed with another key",
    );
    assert!(matches!(
        Log::open(&dir, signer(2), None),
        Err(Error::WrongKey { .. })
    ));
    let mut log = Log::open(&dir, signer(1), None).unwrap();
    assert!(matches!(
        log.append_batch(&[&[0; 65_536]]),
        Err(Error::Entry { number: 0, .. })
    ));
    assert!(matches!(
        log.append_batch(&[b"x", b"{\"kind\":\"key\",1"]),
        Err(Error::Entry { number: 1, .. })
    ));
    assert_eq!(log.append_batch(&[]).unwrap(), 600..600);
    log.append_batch(&[&[0; 65_535], b""]).unwrap();
    assert_eq!(log.reader().entry(600).unwrap().len(), 65_535);
    assert_eq!(log.verify().unwrap().checkpoint.size, 602);
}

#[test]
fn a_new_key_signs_only_when_the_old_one_endorsed_it() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, key_path) = (folder.path().join("log"), folder.path().join("ledger.key"));
    let first = create_key_file(&key_path, ORIGIN).unwrap().verifier().clone();
    assert!(
        matches!(create_key_file(&key_path, ORIGIN), Err(Error::Io { .. })),
        "a key is never written over"
    );
    let mut log = Log::create(&dir, load_key_file(&key_path).unwrap()).unwrap();
    append(&mut log, 260);
    let before = folder.path().join("before");
    copy(&dir, &before);
    let old_key = fs::read(&key_path).unwrap();
    assert_eq!(
        rotate_key_file(&mut log, &key_path, "2026-11-03T08:00:00Z").unwrap(),
        260
    );
    append(&mut log, 2);
    assert_eq!(
        rotate_key_file(&mut log, &key_path, "2026-11-04T08:00:00Z").unwrap(),
        263
    );
    append(&mut log, 2);
    drop(log);
    let last = load_key_file(&key_path).unwrap().verifier().clone();
    let verify_with =
        |dir: &Path, key: &VerifierKey| verify_log(dir, std::slice::from_ref(key), None, |_, _| Ok(()));
    let verified = verify_with(&dir, &first).unwrap();
    assert_eq!(
        verified.keys.iter().map(|(size, _)| *size).collect::<Vec<_>>(),
        [0, 261, 264]
    );
    verify_with(&dir, &last).unwrap();
    assert!(matches!(
        verify_with(&dir, &key(9)),
        Err(VerifyError::Untrusted { .. })
    ));
    assert!(
        LogReader::open(&dir, std::slice::from_ref(&first)).is_err(),
        "the first key no longer signs"
    );

    // A crash after the hand-over counted but before the new key file took its place.
    let next_path = folder.path().join("ledger.key.next");
    fs::rename(&key_path, &next_path).unwrap();
    fs::write(&key_path, &old_key).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&key_path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load_key_file(&key_path), Err(Error::KeyIsOpen { .. })));
        fs::set_permissions(&key_path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(load_current_key(&key_path, &dir).unwrap().verifier(), &last);
    assert!(!next_path.exists() && load_key_file(&key_path).unwrap().verifier() == &last);

    // A crash after the endorsement and the list were written, before the checkpoint: the old key still signs.
    let crashed = folder.path().join("crashed");
    copy(&before, &crashed);
    copy(&dir.join("endorsements"), &crashed.join("endorsements"));
    fs::copy(dir.join("keys.txt"), crashed.join("keys.txt")).unwrap();
    verify_with(&crashed, &first).unwrap();
    let old = SignerKey::from_secret_text(std::str::from_utf8(&old_key).unwrap().trim()).unwrap();
    let mut log = Log::open(&crashed, old, None).unwrap();
    append(&mut log, 3);
    drop(log);
    assert_eq!(verify_with(&crashed, &first).unwrap().keys.len(), 1);

    // Somebody without the old key brings in one of their own: all that they can sign, they sign.
    let forged = folder.path().join("forged");
    let mut log = Log::create(&forged, signer(7)).unwrap();
    append(&mut log, 260);
    log.rotate(signer(8), "2026-11-03T08:00:00Z").unwrap();
    drop(log);
    let list = fs::read_to_string(forged.join("keys.txt")).unwrap();
    fs::write(
        forged.join("keys.txt"),
        list.replace(&key(7).to_string(), &first.to_string()),
    )
    .unwrap();
    assert!(matches!(
        verify_with(&forged, &first),
        Err(VerifyError::NotEndorsed { index: 260, .. })
    ));
}

#[test]
fn reading_and_verifying_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("log");
    drop(log_of(&dir, &[300]));
    fs::remove_file(dir.join("lock")).unwrap();
    let times = |dir: &Path| -> Vec<_> {
        files_of(dir)
            .into_iter()
            .map(|path| (fs::metadata(&path).unwrap().modified().unwrap(), path))
            .collect()
    };
    let before = times(&dir);
    let reader = LogReader::open(&dir, &[key(1)]).unwrap();
    reader.tlog_proof(3).unwrap();
    verify(&dir).unwrap();
    assert_eq!(times(&dir), before);
    assert!(!dir.join("lock").exists());
}

#[test]
fn a_write_that_fails_leaves_the_old_checkpoint_and_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("log");
    let mut log = log_of(&dir, &[5]);
    // A folder in the way stands for a disk that refuses, such as a full one.
    let obstacle = dir.join("tile/entries/000.p/6");
    fs::create_dir(&obstacle).unwrap();
    let error = log.append_batch(&[b"six"]).unwrap_err();
    assert!(error.to_string().contains("tile/entries/000.p/6"), "{error}");
    assert_eq!((log.size(), verify(&dir).unwrap().checkpoint.size), (5, 5));
    fs::remove_dir(&obstacle).unwrap();
    log.append_batch(&[b"six"]).unwrap();
    // After a failure around the checkpoint itself only the disk knows which one counts.
    fs::create_dir(dir.join("checkpoint.new")).unwrap();
    assert!(
        log.append_batch(&[b"seven"])
            .unwrap_err()
            .to_string()
            .contains("checkpoint.new")
    );
    assert!(matches!(
        log.append_batch(&[b"other"]),
        Err(Error::MustReopen { .. })
    ));
    drop(log);
    fs::remove_dir(dir.join("checkpoint.new")).unwrap();
    let mut log = Log::open(&dir, signer(1), None).unwrap();
    log.append_batch(&[b"other"]).unwrap();
    assert_eq!(log.reader().entry(6).unwrap(), b"other");
    assert_eq!(log.verify().unwrap().checkpoint.size, 7);
}
