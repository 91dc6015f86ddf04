//! Any bytes as a name: read or refused, never a panic, and what is read reads back as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_names::{ParsedName, defang, protectable, refang, visible};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(name) = ParsedName::parse(&text) {
        let again = ParsedName::parse(name.ascii()).expect("a canonical name reads back");
        assert_eq!(again.ascii(), name.ascii());
    }
    let _ = protectable(&text);
    let _ = refang(&defang(&text));
    assert!(!visible(&text).contains(|c: char| c.is_control()));
});
