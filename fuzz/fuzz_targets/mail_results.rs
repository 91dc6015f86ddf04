//! Authentication-Results, signatures and sender policies: any text as a field and as a record.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_mail::authenticate::dns::{Completeness, Entry, Recorded};
use pollwatch_mail::authenticate::results::{Boundary, read};
use pollwatch_mail::authenticate::authenticate;
use pollwatch_mail::limits::Budget;
use pollwatch_mail::message::Message;

fuzz_target!(|text: &str| {
    read(text);
    let head = text.replace(['\r', '\n'], " ");
    let raw = format!(
        "Authentication-Results: mx.example; {head}\r\nReceived: from a.example ([192.0.2.1]) by mx.example; {head}\r\n\
         DKIM-Signature: {head}\r\nARC-Seal: {head}\r\nReturn-Path: <a@b.example>\r\nFrom: <a@b.example>\r\n\r\n{text}"
    );
    let message = Message::read(raw.as_bytes(), &mut Budget::default());
    let mut dns = Recorded::new(Completeness::Whole);
    for name in ["b.example", "_dmarc.b.example", "s._domainkey.b.example"] {
        dns.insert(name, Entry { txt: Some(vec![text.as_bytes().to_vec()]), ..Entry::default() });
    }
    let ours = Boundary::from_ids(&["mx.example".to_owned()], &["example".to_owned()]);
    authenticate(&message, &ours, None);
    authenticate(&message, &Boundary::from_ids(&[], &[]), Some(&dns));
});
