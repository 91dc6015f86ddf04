//! The file of contests: read or refused by a line, without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_audit::flow::contests::read_contests;

fuzz_target!(|data: &[u8]| {
    match read_contests(data) {
        Ok(contests) => assert!(!contests.is_empty()),
        Err(error) => assert!(error.line >= 1),
    }
});
