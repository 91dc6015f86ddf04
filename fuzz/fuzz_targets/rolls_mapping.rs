//! A mapping file and a roll read by it, parted by the first NUL: no bytes may panic, and what is taken as a mapping is written and read
//! back alike.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pollwatch_rolls::compare::{Reading, ingest};
use pollwatch_rolls::layout::Layout;

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (text, roll) = (&data[..at], data.get(at + 1..).unwrap_or_default());
    let Ok(layout) = Layout::parse(&String::from_utf8_lossy(text)) else { return };
    let again = Layout::parse(&layout.to_text()).expect("what was written is read");
    assert_eq!(layout.to_text(), again.to_text());
    let reading = Reading { name: "roll", layout: Arc::new(layout), plain: None, scratch: None, key: 7 };
    let _ = ingest(&reading, &mut &*roll, &mut |_| {});
});
