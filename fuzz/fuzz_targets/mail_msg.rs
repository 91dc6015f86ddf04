//! Any bytes as an Outlook message, and as the zip of messages that help desks get.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_mail::limits::Budget;
use pollwatch_mail::read::{outlook, unwrap};

fuzz_target!(|data: &[u8]| {
    let mut budget = Budget::default();
    if let Some(message) = outlook::to_message(data, &mut budget) {
        assert!(!message.is_empty());
    }
    // The signature of a compound file, so that what comes behind it is reached (MS-CFB, section 2.2).
    let compound = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), data].concat();
    outlook::to_message(&compound, &mut budget);
    assert!(!unwrap(data, &mut budget).is_empty());
});
