//! Lists of indicators and of assessors: no bytes may panic, and nothing private or all-embracing is taken in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_intrusion::event::address_key;
use pollwatch_intrusion::lists::{read_assessors, read_indicators};

fuzz_target!(|text: &str| {
    let (set, _) = read_indicators("list", text);
    for private in ["10.1.2.3", "192.168.1.1", "127.0.0.1", "::1", "fe80::1", "0.0.0.0"] {
        assert!(!set.contains(address_key(private.parse().expect("an address"))), "{private}");
    }
    let _ = read_assessors("list", text);
});
