//! Office documents: what they lead to, what they load, and their macros (ECMA-376, MS-CFB, MS-RTF).

use super::{Item, Look, head, url};
use crate::evidence::Via;
use crate::html;
use crate::signal::Signal;

/// Whether a member of a document is worth inflating.
pub(super) fn wants(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        ".rels", ".xml", ".bin", ".html", ".htm", ".exe", ".js", ".png", ".jpg", ".jpeg",
    ]
    .iter()
    .any(|ending| lower.ends_with(ending))
}

/// Looks into a member of a document.
pub(super) fn look_member(item: &Item<'_>, name: &str, bytes: Vec<u8>, look: &mut Look<'_, '_>) {
    let lower = name.to_ascii_lowercase();
    if lower.ends_with("vbaproject.bin")
        || lower.contains("macrosheets/")
        || lower.starts_with("basic/") && lower.ends_with(".xml")
    {
        let says = format!("The document {} holds macros, which are programs.", item.called());
        look.seen(Signal::OfficeMacro, says, &item.part, 0, name);
    } else if lower.ends_with(".rels") {
        look_relations(item, &super::text_of(&bytes), look);
    } else if lower.ends_with(".xml") {
        look_flat(item, &super::text_of(&bytes), look);
    } else if lower.contains("/media/") || lower.ends_with(".exe") || lower.ends_with(".js") {
        look.child(item.inside(name, bytes));
    }
}

fn look_relations(item: &Item<'_>, text: &str, look: &mut Look<'_, '_>) {
    for tag in text.split('<').filter(|tag| tag.contains("External")).take(2_000) {
        let value = |name: &str| {
            tag.split_once(&format!("{name}=\""))
                .and_then(|(_, rest)| rest.split('"').next())
                .unwrap_or_default()
        };
        let target = value("Target").replace("&amp;", "&");
        let is_link = value("Type").ends_with("/hyperlink");
        leads_to(
            item,
            &target,
            if is_link { Via::Office } else { Via::OfficeLoad },
            look,
        );
    }
}

fn leads_to(item: &Item<'_>, target: &str, via: Via, look: &mut Look<'_, '_>) {
    if url::is_name_space(target) {
        return;
    }
    look.link(target, "", via, &item.part, 0);
    if url::is_web(target) {
        let does = if via == Via::Office {
            "leads to"
        } else {
            "loads, when opened,"
        };
        let says = format!("The document {} {does} {}.", item.called(), head(target, 120));
        look.seen(Signal::OfficeExternalLink, says, &item.part, 0, target);
    }
}

/// Text and addresses of a member or a document in flat XML.
pub(super) fn look_flat(item: &Item<'_>, text: &str, look: &mut Look<'_, '_>) {
    let page = html::read(text, look.budget);
    look.text(&item.part, &page.text);
    for word in ["xlink:href=\"", "instrText", "DDEAUTO", "DDE "] {
        for (at, _) in text.match_indices(word).take(500) {
            let rest = head(&text[at + word.len()..], 2048);
            if word.starts_with("DDE") && text.contains("instrText") {
                let says = format!(
                    "The document {} has a field that starts another program (DDE).",
                    item.called()
                );
                look.seen(Signal::OfficeMacro, says, &item.part, at, head(rest, 200));
            }
            let value = rest.split(['<', '"']).next().unwrap_or_default();
            for found in url::in_text(if word.starts_with("xlink") { value } else { rest })
                .into_iter()
                .take(1)
            {
                leads_to(item, &found.url, Via::Office, look);
            }
        }
    }
}

/// An OLE compound file: storages by their names, addresses by their strings.
pub(super) fn look_ole(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let has = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memchr::memmem::find(&item.bytes, &wide).is_some()
    };
    if has("_VBA_PROJECT") || has("Macros") {
        let says = format!("The document {} holds macros, which are programs.", item.called());
        look.seen(Signal::OfficeMacro, says, &item.part, 0, &item.name);
    }
    if has("EncryptedPackage") {
        look.budget
            .cut(format!("the encrypted document {}", item.called()));
    }
    if has("__substg1.0_") && item.is_embedded {
        look.message(item);
    }
    links_of_strings(item, look);
}

/// Most objects of one rich text or notebook that are taken out.
const MAX_OBJECTS: usize = 100;
/// Largest object that is taken out of a rich text, in bytes.
const MAX_OBJECT_BYTES: usize = 16 << 20;

/// A rich text: objects, templates and fields (RTF 1.9.1; objects as MS-OLEDS, section 2.2.5, has them).
pub(super) fn look_rtf(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let bytes = &item.bytes[..];
    for (count, at) in memchr::memmem::find_iter(bytes, b"\\objdata").enumerate() {
        if count >= MAX_OBJECTS {
            look.budget
                .cut(format!("objects of {} beyond 100", item.called()));
            break;
        }
        let data = hex_of(&bytes[at + 8..]);
        if !look.budget.work(data.len()) {
            look.budget.cut(format!("an object of {}", item.called()));
            break;
        }
        look_object(item, &data, count, look);
    }
    // A template that is loaded when the document is opened.
    for at in memchr::memmem::find_iter(bytes, b"\\template").take(MAX_OBJECTS) {
        let rest = super::text_of(&bytes[at + 9..(at + 9 + 2048).min(bytes.len())]).into_owned();
        if let Some(found) = url::in_text(rest.split(['{', '}']).next().unwrap_or_default()).first() {
            leads_to(item, &found.url, Via::OfficeLoad, look);
        }
    }
    if memchr::memmem::find(bytes, b"DDEAUTO").is_some() {
        let says = format!(
            "The document {} has a field that starts another program (DDE).",
            item.called()
        );
        look.seen(Signal::OfficeMacro, says, &item.part, 0, "DDEAUTO");
    }
    links_of_strings(item, look);
}

/// The bytes that the hexadecimal digits of an object stand for. Control words and groups between the digits are passed over,
/// as readers of the format do, because they are put there to hide the object.
fn hex_of(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut half: Option<u8> = None;
    let (mut at, mut depth) = (0, 0usize);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => {
                let digit = (*byte as char).to_digit(16).unwrap_or(0) as u8;
                match half.take() {
                    None => half = Some(digit),
                    Some(high) => out.push(high << 4 | digit),
                }
                if out.len() >= MAX_OBJECT_BYTES {
                    break;
                }
            }
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b'\\' => {
                at += text[at..]
                    .iter()
                    .take(32)
                    .take_while(|b| b.is_ascii_alphabetic())
                    .count();
                at += text[at..]
                    .iter()
                    .take(12)
                    .take_while(|b| b.is_ascii_digit() || **b == b'-')
                    .count();
            }
            _ => {}
        }
    }
    out
}

/// An embedded object: its class, and the file in it.
fn look_object(item: &Item<'_>, data: &[u8], count: usize, look: &mut Look<'_, '_>) {
    // OLEVersion and FormatID, then the class name with its length (MS-OLEDS, section 2.2.4).
    let length = data.get(8..12).map_or(0, |four| {
        u32::from_le_bytes([four[0], four[1], four[2], four[3]]) as usize
    });
    let class = data.get(12..12 + length.min(64)).unwrap_or_default();
    let class: String = super::text_of(class).trim_end_matches('\0').to_owned();
    if class.to_ascii_lowercase().starts_with("equation.") {
        let says = format!(
            "The document {} holds an object of the old equation editor, which attackers use to run programs.",
            item.called()
        );
        look.seen(Signal::OfficeMacro, says, &item.part, 0, &class);
    }
    let is_package = class.eq_ignore_ascii_case("package");
    // A package gives the file's name and where it lay before its bytes.
    let name = if is_package { package_name(data) } else { None };
    let begins: [&[u8]; 7] = [
        b"\xd0\xcf\x11\xe0",
        b"PK\x03\x04",
        b"MZ\x90",
        b"%PDF",
        b"<!DOCTYPE",
        b"<html",
        b"{\\rt",
    ];
    let begin = begins
        .iter()
        .filter_map(|magic| memchr::memmem::find(data, magic))
        .min();
    match (begin, name) {
        (Some(begin), name) => {
            let name = name.unwrap_or_else(|| format!("object {}", count + 1));
            look.child(item.inside(&name, data[begin..].to_vec()));
        }
        (None, Some(name)) => look.child(item.inside(&name, data.to_vec())),
        (None, None) => {
            for found in url::in_text(&url::strings_of(data)) {
                leads_to(item, &found.url, Via::OfficeLoad, look);
            }
        }
    }
}

/// The file name that a package object gives: the first run of printable characters with an ending.
fn package_name(data: &[u8]) -> Option<String> {
    let strings = url::strings_of(&data[..data.len().min(4096)]);
    let is_name = |text: &&str| {
        let ending = super::name::ending(text);
        (2..=5).contains(&ending.len()) && text.len() <= 200
    };
    let mut names = strings.split(['\n', '\\', '/']).map(str::trim);
    names.find(is_name).map(str::to_owned)
}

/// How a file inside a notebook begins: the GUID of FileDataStoreObject (MS-ONESTORE, section 2.6.13).
const ONENOTE_FILE: &[u8] = b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac";

/// A notebook: the files that are put into it, and the names that it gives them.
pub(super) fn look_onenote(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let bytes = &item.bytes[..];
    for (count, at) in memchr::memmem::find_iter(bytes, ONENOTE_FILE).enumerate() {
        if count >= MAX_OBJECTS {
            look.budget.cut(format!("files of {} beyond 100", item.called()));
            break;
        }
        // cbLength (8), unused (4), reserved (8), then the file.
        let Some(length) = bytes.get(at + 16..at + 24) else {
            break;
        };
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        let begin = at + 36;
        let end = begin
            .saturating_add(usize::try_from(length).unwrap_or(usize::MAX))
            .min(bytes.len());
        let Some(data) = bytes.get(begin..end) else {
            continue;
        };
        if !look.budget.work(data.len()) {
            look.budget.cut(format!("a file of {}", item.called()));
            break;
        }
        look.child(item.inside(&format!("object {}", count + 1), data.to_vec()));
    }
    // Names stand in UTF-16 apart from the files.
    let names = wide_strings(bytes);
    let is_file = |name: &&String| {
        let ending = super::name::ending(name);
        // These end more hosts than files in a notebook's text.
        super::name::is_active(&ending) && !matches!(ending.as_str(), "com" | "app")
    };
    for name in names.iter().filter(is_file).take(MAX_OBJECTS) {
        super::name::look_at_name(name, &item.part, true, look);
    }
    links_of_strings(item, look);
}

/// Runs of ASCII letters written as UTF-16, each once, as far as they may be names of files.
fn wide_strings(bytes: &[u8]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while at + 1 < bytes.len() && found.len() < 2_000 {
        let run: String = bytes[at..]
            .chunks_exact(2)
            .take(200)
            .take_while(|pair| pair[1] == 0 && (0x20..0x7f).contains(&pair[0]))
            .map(|pair| pair[0] as char)
            .collect();
        if run.len() >= 5 && run.contains('.') && !found.contains(&run) {
            found.push(run.clone());
        }
        at += (run.len() * 2).max(1);
    }
    found
}

fn links_of_strings(item: &Item<'_>, look: &mut Look<'_, '_>) {
    for found in url::in_text(&url::strings_of(&item.bytes)) {
        leads_to(item, &found.url, Via::Office, look);
    }
}
