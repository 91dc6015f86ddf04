//! The file of another office, under the key of the corpus: no bytes may panic, and what is taken in checks again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_casework::transfer::{Trust, read_export};
use pollwatch_ledger::note::SignerKey;

fuzz_target!(|data: &[u8]| {
    let signer = SignerKey::from_seed("adams.example/ledger", &[7; 32]).expect("the name is valid");
    let trust = Trust { key: signer.verifier(), speaks_for: None, known: None };
    if let Ok(export) = read_export(&mut &data[..], &trust) {
        let again: Vec<u8> = export.lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        assert_eq!(again, data, "what is kept is the file");
        assert_eq!(read_export(&mut &again[..], &trust), Ok(export));
    }
});
