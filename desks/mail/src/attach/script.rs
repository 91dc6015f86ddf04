//! Reads scripts without running them: strings, what standard functions would decode, and what is built and sent.

use base64::Engine;

use super::html::LENIENT;
use super::{Item, Look, head, url};
use crate::evidence::Via;
use crate::signal::Signal;

/// What a page's scripts do.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Pages that they write.
    pub(super) pages: Vec<String>,
    pub(super) reads_password: bool,
    /// Addresses that they send to.
    pub(super) sends: Vec<String>,
}

/// Most strings of a script that are looked at.
const MAX_STRINGS: usize = 20_000;

/// Looks into the scripts of `page`.
pub(super) fn look(item: &Item<'_>, scripts: &[String], page: &str, look: &mut Look<'_, '_>) -> Found {
    let mut found = Found::default();
    let all = scripts.join("\n");
    if all.is_empty() {
        return found;
    }
    if !look.budget.work(all.len()) {
        look.budget.cut(format!("scripts of {}", item.called()));
        return found;
    }
    let strings = strings_of(&all);
    let mut payloads: Vec<Vec<u8>> = number_arrays(&all);
    let mut texts = strings.clone();
    let uses = |word: &str| all.contains(word);
    for value in &strings {
        let mut forms = vec![value.clone()];
        if uses("reverse") {
            forms.push(value.chars().rev().collect());
        }
        for form in forms {
            if form.contains('%') {
                texts.push(unescaped(&form));
            }
            if form.len() >= 16
                && let Some(bytes) = packed_bytes(&form)
            {
                texts.push(super::text_of(&bytes).into_owned());
                payloads.push(bytes);
            }
            texts.push(form);
        }
    }
    for bytes in &payloads {
        if let Ok(text) = std::str::from_utf8(bytes) {
            texts.push(text.to_owned());
            if text.contains('%') {
                texts.push(unescaped(text));
            }
        }
    }
    let sends_something = [
        "fetch(",
        "XMLHttpRequest",
        "ajax",
        "$.post",
        "sendBeacon",
        "axios",
        ".action",
    ]
    .iter()
    .any(|word| uses(word));
    for text in &texts {
        for address in url::in_text(text)
            .into_iter()
            .filter(|it| !url::is_name_space(&it.url))
        {
            if sends_something {
                found.sends.push(address.url.clone());
            }
            look.link(&address.url, "", Via::Script, &item.part, 0);
        }
        let lower = head(text, 1 << 20).to_ascii_lowercase();
        let is_page = [
            "<html", "<script", "<form", "<body", "<a ", "<iframe", "<input", "<meta",
        ]
        .iter()
        .any(|mark| lower.contains(mark));
        if is_page && !found.pages.contains(text) && found.pages.len() < 16 {
            found.pages.push(text.clone());
        }
    }
    found.reads_password = uses("password") && sends_something && page.contains("<input");
    let builds = [
        "new Blob",
        "new File",
        "createObjectURL",
        "msSaveBlob",
        "msSaveOrOpenBlob",
        "Blob(",
        "data:application",
    ]
    .iter()
    .find(|word| uses(word));
    let saves = uses("download") || uses("msSave") || uses(".click(") || uses("saveAs") || uses("location");
    let decodes = !payloads.is_empty() || uses("atob") || uses("fromCharCode") || uses("Uint8Array");
    if let (Some(built), true, true) = (builds, saves, decodes) {
        let at = all.find(built).unwrap_or(0);
        let says = format!(
            "The page {} builds a file out of its own script and has it saved.",
            item.called()
        );
        look.seen(
            Signal::HtmlSmuggling,
            says,
            &item.part,
            at,
            head(all.get(at..).unwrap_or_default(), 200),
        );
        let name = file_name(&all).unwrap_or_default();
        // The largest is the file; script snippets and keys are small.
        if let Some(largest) = payloads.into_iter().max_by_key(Vec::len) {
            embed(item, &name, largest, look);
        } else if !name.is_empty() {
            look.file_by_name(&item.part, &name, 0);
            super::name::look_at_name(&name, &item.part, true, look);
        }
    }
    found
}

/// A script as a file of its own.
pub(super) fn look_file(item: &Item<'_>, script: &str, look_in: &mut Look<'_, '_>) {
    look_in.links_of_text(script, Via::Script, &item.part);
    look(item, &[script.to_owned()], "", look_in);
}

/// Takes a file that a page carries.
pub(super) fn embed(item: &Item<'_>, name: &str, bytes: Vec<u8>, look: &mut Look<'_, '_>) {
    if !look.budget.inflate(bytes.len()) {
        look.budget
            .cut(format!("the file {} inside a page", super::called(name)));
        return;
    }
    look.child(item.inside(name, bytes));
}

/// Strings of a script, neighbours that `+` joins taken as one.
fn strings_of(script: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut chars = script.char_indices().peekable();
    let mut joins = false;
    while let Some((_, c)) = chars.next() {
        match c {
            '"' | '\'' | '`' => {
                let mut text = String::new();
                while let Some((_, inner)) = chars.next() {
                    if inner == c {
                        break;
                    }
                    if inner != '\\' {
                        text.push(inner);
                        continue;
                    }
                    let Some((_, escaped)) = chars.next() else { break };
                    match escaped {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        '\n' => {}
                        'x' | 'u' => {
                            let mut digits = String::new();
                            let wanted = if escaped == 'x' { 2 } else { 4 };
                            while digits.len() < wanted
                                && chars.peek().is_some_and(|(_, c)| c.is_ascii_hexdigit())
                            {
                                digits.extend(chars.next().map(|(_, c)| c));
                            }
                            text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                        }
                        other => text.push(other),
                    }
                }
                match found.last_mut() {
                    Some(last) if joins => last.push_str(&text),
                    _ => found.push(text),
                }
                joins = false;
                if found.len() >= MAX_STRINGS {
                    break;
                }
            }
            '+' => joins = true,
            c if c.is_whitespace() => {}
            _ => joins = false,
        }
    }
    found.retain(|text| !text.is_empty());
    found
}

/// Lists of at least 8 numbers that are bytes: `[104,116,…]`, `fromCharCode(104,116,…)`.
fn number_arrays(script: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for run in script.split(|c: char| !(c.is_ascii_hexdigit() || c == ',' || c == 'x' || c.is_whitespace())) {
        if found.len() >= 64 || run.matches(',').count() < 7 {
            continue;
        }
        let bytes: Option<Vec<u8>> = run
            .trim_matches([',', ' ', '\n'])
            .split(',')
            .map(|number| {
                let number = number.trim();
                match number.strip_prefix("0x") {
                    Some(hex) => u8::from_str_radix(hex, 16).ok(),
                    None => number.parse().ok(),
                }
            })
            .collect();
        found.extend(bytes);
    }
    found
}

/// What `unescape` and `decodeURIComponent` make of `text` (`%41`, `%u0041`).
fn unescaped(text: &str) -> String {
    let mut wide = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("%u") {
        wide.push_str(&rest[..at]);
        let digits = rest.get(at + 2..at + 6).unwrap_or_default();
        match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
            Some(c) => {
                wide.push(c);
                rest = &rest[at + 6..];
            }
            None => {
                wide.push_str("%u");
                rest = &rest[at + 2..];
            }
        }
    }
    wide.push_str(rest);
    super::text_of(&super::html::percent_decoded(&wide)).into_owned()
}

fn packed_bytes(text: &str) -> Option<Vec<u8>> {
    let bare: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if bare.len() >= 32 && bare.len().is_multiple_of(2) && bare.iter().all(u8::is_ascii_hexdigit) {
        return hex::decode(&bare).ok();
    }
    let bare = match bare.iter().position(|b| *b == b',') {
        Some(at) if bare.starts_with(b"data:") => &bare[at + 1..],
        _ => &bare[..],
    };
    LENIENT.decode(bare).ok().filter(|bytes| bytes.len() >= 10)
}

/// The name under which a script saves.
fn file_name(script: &str) -> Option<String> {
    for mark in [
        ".download",
        "\"download\"",
        "'download'",
        "msSaveOrOpenBlob",
        "msSaveBlob",
        "saveAs",
        "new File",
    ] {
        for (at, _) in script.match_indices(mark).take(8) {
            let rest = head(script.get(at + mark.len()..)?, 4096);
            let statement = rest.split(';').next().unwrap_or_default();
            if let Some(name) = strings_of(statement)
                .into_iter()
                .find(|name| name.contains('.') && name.len() < 200 && !name.contains('/'))
            {
                return Some(name);
            }
        }
    }
    // The name stood in a variable.
    let looks = |name: &String| {
        name.len() < 100
            && !name.contains(['/', ' '])
            && (super::name::is_active(&super::name::ending(name))
                || name.ends_with(".zip")
                || name.ends_with(".pdf"))
    };
    strings_of(script).into_iter().find(looks)
}
