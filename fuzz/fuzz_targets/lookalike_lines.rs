#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_fuzz::check_reader;

fuzz_target!(|bytes: &[u8]| {
    check_reader(Some("lines"), bytes);
    // The format is looked for in the bytes, too.
    check_reader(None, bytes);
});
