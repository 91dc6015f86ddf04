//! QR codes: in pictures of any bytes, in letters that draw one, in tables that do.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_mail::attach::{Attachment, examine, qr_in_tables, qr_in_text};
use pollwatch_mail::limits::Budget;

const BEGINNINGS: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"BM", b""];

fuzz_target!(|data: &[u8]| {
    let mut budget = Budget::default();
    let (which, rest) = data.split_first().map_or((0, data), |(first, rest)| (*first, rest));
    let bytes = [BEGINNINGS[which as usize % BEGINNINGS.len()], rest].concat();
    examine(Attachment { part: "2", name: "a.png", declared: "image/png", bytes: &bytes }, &mut budget);
    if let Ok(text) = std::str::from_utf8(rest) {
        for (offset, _) in qr_in_text(text, &mut budget) {
            assert!(offset <= text.len());
        }
        qr_in_tables(text, &mut budget);
    }
});
