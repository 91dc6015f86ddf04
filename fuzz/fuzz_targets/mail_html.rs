//! Any text as a page of a message and as an attached page with scripts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollwatch_mail::attach::{Attachment, examine};
use pollwatch_mail::html;
use pollwatch_mail::limits::Budget;

fuzz_target!(|text: &str| {
    let mut budget = Budget::default();
    html::read(text, &mut budget);
    let page = format!("<html><script>{text}</script>");
    for (name, bytes) in [("a.html", text.as_bytes()), ("b.html", page.as_bytes()), ("c.svg", text.as_bytes())] {
        examine(Attachment { part: "2", name, declared: "text/html", bytes }, &mut budget);
    }
});
