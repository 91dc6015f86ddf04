//! Any bytes as a PDF; what is found stands within the bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_mail::attach::{Attachment, examine};
use pollwatch_mail::limits::{Budget, MAX_LINKS};

fuzz_target!(|data: &[u8]| {
    let bytes = [b"%PDF-1.7\n".as_slice(), data].concat();
    let attachment = Attachment { part: "2", name: "a.pdf", declared: "application/pdf", bytes: &bytes };
    let contents = examine(attachment, &mut Budget::default());
    assert!(contents.links.len() <= MAX_LINKS);
});
