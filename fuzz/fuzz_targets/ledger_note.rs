//! Signed notes, keys, checkpoints and lists of keys: no bytes may panic, and what is read prints as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_ledger::checkpoint::Checkpoint;
use pollwatch_ledger::key_history::{KeyHistory, parse_key_entry};
use pollwatch_ledger::note::{SignedNote, SignerKey, VerifierKey};

fuzz_target!(|data: &[u8]| {
    parse_key_entry(data).ok();
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(note) = SignedNote::parse(text) {
        assert_eq!(note.to_string(), text);
        let key = SignerKey::from_seed("fuzz.example/log", &[1; 32]).expect("the name is valid").verifier().clone();
        assert!(note.verify(&[key]).is_err(), "nobody can sign in this name");
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Ok(keys) = text.parse::<KeyHistory>() {
        assert_eq!(keys.to_string(), text);
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(key) = SignerKey::from_secret_text(text) {
        assert_eq!(key.to_secret_text(), text);
    }
});
