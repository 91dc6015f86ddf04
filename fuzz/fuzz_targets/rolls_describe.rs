//! The first bytes of any file, drafted into a mapping: no bytes may panic, and a draft can be read as a mapping file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_rolls::describe::draft;
use pollwatch_rolls::layout::Layout;

fuzz_target!(|data: &[u8]| {
    if let Ok(drafted) = draft(data) {
        let text = drafted.layout.to_text();
        // A draft without an identifier is shown for completion, and is no mapping yet.
        if let Err(why) = Layout::parse(&text) {
            assert!(!why.to_string().is_empty());
        }
    }
});
