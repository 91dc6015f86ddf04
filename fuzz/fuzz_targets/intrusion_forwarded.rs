#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_intrusion::forwarded::{client_of, names_another};
use pollwatch_intrusion::lists::read_proxies;

/// An address of the trusted ones, mapped into version 6.
const PROXY: u128 = 0xffff_0a00_0005;

fuzz_target!(|bytes: &[u8]| {
    let (trusted, _) = read_proxies("proxies", "10.0.0.0/8\nfd00::/8\n");
    let client = client_of(PROXY, bytes, &trusted);
    // Past the one that the server spoke with only where the chain names somebody.
    if client != PROXY {
        assert!(bytes.iter().any(|byte| matches!(byte, b'.' | b':')));
    }
    // Whom nobody declared is not believed.
    let stranger = PROXY ^ 0xff00_0000;
    assert_eq!(client_of(stranger, bytes, &trusted), stranger);
    names_another(PROXY, bytes);
});
