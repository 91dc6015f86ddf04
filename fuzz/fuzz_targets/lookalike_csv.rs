#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_fuzz::check_reader;

fuzz_target!(|bytes: &[u8]| {
    check_reader(Some("csv"), bytes);
    check_reader(Some("csv:domain"), bytes);
});
