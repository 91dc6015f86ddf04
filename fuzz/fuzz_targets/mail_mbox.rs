//! Any bytes as an mbox: read in one go, and with a stop after every message; the two must agree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_mail::read::{Item, Position, read_messages};

fn read(data: &[u8], stops: bool) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = Position::default();
    loop {
        let mut rest = &data[(at.offset as usize).min(data.len())..];
        let reached = read_messages("in.mbox", Some("mbox"), at, &mut rest, &mut |item| {
            if let Item::Message(message) = item {
                found.push(message.bytes);
                return !stops;
            }
            true
        })
        .expect("memory does not fail");
        if reached.is_complete || reached.position.offset <= at.offset {
            return found;
        }
        at = reached.position;
    }
}

fuzz_target!(|data: &[u8]| {
    assert_eq!(read(data, false), read(data, true));
});
