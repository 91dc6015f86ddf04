//! Tile paths, tiles and entry bundles: no bytes may panic, and what is read prints as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_ledger::tile::{TilePath, parse_bundle, parse_tile, print_tile, push_entry};

fuzz_target!(|data: &[u8]| {
    let Some((width, rest)) = data.split_first() else { return };
    let width = usize::from(*width) + 1;
    if let Some(path) = std::str::from_utf8(rest).ok().and_then(|text| text.parse::<TilePath>().ok()) {
        assert_eq!(path.to_string().as_bytes(), rest);
    }
    if let Ok(entries) = parse_bundle(rest, width) {
        let mut bundle = Vec::new();
        entries.iter().for_each(|entry| push_entry(&mut bundle, entry).expect("it was read from a bundle"));
        assert_eq!(bundle, rest);
    }
    if let Ok(hashes) = parse_tile(rest, width) {
        assert_eq!(print_tile(&hashes), rest);
    }
});
