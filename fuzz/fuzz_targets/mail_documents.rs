//! Any bytes as an attachment of every kind that is told by its first bytes: archives, Office, rich text, notebooks, pictures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_mail::attach::{Attachment, examine};
use pollwatch_mail::limits::Budget;

const BEGINNINGS: [&[u8]; 10] = [
    b"",
    b"PK\x03\x04",
    b"{\\rtf1{\\*\\objdata 0105",
    b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"\x1f\x8b\x08",
    b"BEGIN:VCALENDAR\n",
    b"<svg xmlns=\"http://www.w3.org/2000/svg\">",
    b"[InternetShortcut]\nURL=",
    b"L\0\0\0\x01\x14\x02\0",
];

fuzz_target!(|data: (u8, &[u8])| {
    let (which, rest) = data;
    let bytes = [BEGINNINGS[which as usize % BEGINNINGS.len()], rest].concat();
    examine(Attachment { part: "2", name: "", declared: "", bytes: &bytes }, &mut Budget::default());
});
