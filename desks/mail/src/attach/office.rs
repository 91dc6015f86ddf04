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

/// A rich text: objects, templates and fields.
pub(super) fn look_rtf(item: &Item<'_>, look: &mut Look<'_, '_>) {
    links_of_strings(item, look);
}

/// A notebook: programs that are pasted into it.
pub(super) fn look_onenote(item: &Item<'_>, look: &mut Look<'_, '_>) {
    links_of_strings(item, look);
}

fn links_of_strings(item: &Item<'_>, look: &mut Look<'_, '_>) {
    for found in url::in_text(&url::strings_of(&item.bytes)) {
        leads_to(item, &found.url, Via::Office, look);
    }
}
