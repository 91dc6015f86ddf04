//! Looks into pages: links, forms, and what their scripts write, build and send.

use base64::Engine;

use super::{Item, Look, MAX_PAGE_DEPTH, head, script, url};
use crate::evidence::Via;
use crate::html::{self, Form};
use crate::signal::Signal;

/// Engine that forgives what browsers forgive: missing padding and stray last bits.
pub(super) const LENIENT: base64::engine::GeneralPurpose = base64::engine::GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    base64::engine::GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// Looks into a page, and the pages that it writes.
pub(super) fn look(item: &Item<'_>, page: &str, look: &mut Look<'_, '_>) {
    look_as(item, page, Via::Anchor, look);
}

/// Looks into a page whose anchors count as `anchors`.
pub(super) fn look_as(item: &Item<'_>, page: &str, anchors: Via, look: &mut Look<'_, '_>) {
    let mut pages = vec![(page.to_owned(), item.page_depth)];
    let mut read = 0;
    let mut reads_password = false;
    let mut sends = Vec::new();
    while let Some((page, depth)) = pages.pop() {
        read += 1;
        if depth > MAX_PAGE_DEPTH || read > 64 {
            look.budget.cut(format!(
                "pages written by scripts of {}, nested deeper than 3",
                item.called()
            ));
            continue;
        }
        let parsed = html::read(&page, look.budget);
        look.text(&item.part, &parsed.text);
        if depth > item.page_depth {
            look.text(&item.part, &parsed.title);
        }
        for link in &parsed.links {
            if let Some(inner) = page_of_data_url(&link.url) {
                pages.push((inner, depth + 1));
            }
            let via = if link.is_refresh { Via::Refresh } else { anchors };
            look.link(&link.url, &link.text, via, &item.part, link.offset);
        }
        for (address, alt) in &parsed.resources {
            match page_of_data_url(address) {
                Some(inner) => pages.push((inner, depth + 1)),
                None if address.starts_with("data:") => look_at_picture(item, address, look),
                None => look.link(address, alt, Via::Resource, &item.part, 0),
            }
        }
        for form in &parsed.forms {
            look_at_form(item, form, look);
            reads_password |= form.asks_password;
        }
        look_at_downloads(item, &page, look);
        for inner in documents_of_frames(&page) {
            pages.push((inner, depth + 1));
        }
        let found = script::look(item, &parsed.scripts, &page, look);
        reads_password |= found.reads_password;
        sends.extend(found.sends);
        pages.extend(found.pages.into_iter().map(|page| (page, depth + 1)));
    }
    // A password field and a script that sends: the form needs no address of its own.
    if reads_password
        && !look.has(Signal::HtmlForm, &item.part)
        && let Some(to) = sends.first()
    {
        let says = format!(
            "The page {} asks for a password, and its script sends it to {}.",
            item.called(),
            head(to, 120)
        );
        look.seen(Signal::HtmlForm, says, &item.part, 0, to);
    }
    for to in sends.iter().take(20) {
        let via = if reads_password { Via::Form } else { Via::Script };
        look.link(to, "", via, &item.part, 0);
    }
}

fn look_at_form(item: &Item<'_>, form: &Form, look: &mut Look<'_, '_>) {
    let is_remote = url::is_web(&form.action) || form.action.to_ascii_lowercase().starts_with("mailto:");
    // A field with a name that is filled in; buttons and hidden fields alone send nothing of the reader's.
    let asks = form.fields.iter().any(|field| {
        let kind = field.rsplit(':').next().unwrap_or_default();
        !matches!(kind, "hidden" | "submit" | "button" | "reset" | "image")
    });
    let is_search = form.fields.len() <= 3
        && !form.asks_password
        && form.fields.iter().any(|field| {
            let name = field.split(':').next().unwrap_or_default().to_ascii_lowercase();
            field.ends_with(":search") || matches!(name.as_str(), "q" | "s" | "query" | "search" | "keywords")
        });
    if is_remote {
        look.link(&form.action, "", Via::Form, &item.part, form.offset);
    }
    let says = match (is_remote, form.asks_password) {
        (true, true) => format!(
            "The page {} asks for a password and sends it to {}.",
            item.called(),
            head(&form.action, 120)
        ),
        (true, false) if asks && !is_search => format!(
            "The page {} has a form that sends what is typed to {}.",
            item.called(),
            head(&form.action, 120)
        ),
        (false, true) => format!("The page {} asks for a password.", item.called()),
        _ => return,
    };
    let quote = match form.action.is_empty() {
        true => form.fields.join(" "),
        false => form.action.clone(),
    };
    look.seen(Signal::HtmlForm, says, &item.part, form.offset, &quote);
}

/// `<a download=… href=data:…>`: a file inside the page that needs no script.
fn look_at_downloads(item: &Item<'_>, page: &str, look: &mut Look<'_, '_>) {
    let lower = page.to_ascii_lowercase();
    let mut from = 0;
    let mut found = 0;
    while let Some(at) = lower[from..].find("data:") {
        let begin = from + at;
        from = begin + 5;
        let tag_begin = lower[..begin].rfind('<').unwrap_or(0);
        let is_link =
            lower[tag_begin..begin].starts_with("<a") || lower[tag_begin..begin].starts_with("<area");
        if !is_link || begin - tag_begin > 4096 {
            continue;
        }
        let end = page[begin..]
            .find(['"', '\'', '>', ' ', '\n'])
            .map_or(page.len(), |end| begin + end);
        let tag_end = page[end..].find('>').map_or(page.len(), |at| end + at);
        from = end.max(from);
        let tag = [&page[tag_begin..begin], &page[end..tag_end]].concat();
        let Some((media, bytes)) = bytes_of_data_url(&page[begin..end]) else {
            continue;
        };
        let name = attribute_of(&tag, "download");
        if name.is_none() && (media.starts_with("image/") || media.starts_with("text/plain"))
            || media.starts_with("text/html")
        {
            continue;
        }
        let name = name.unwrap_or_default();
        let says = format!(
            "The page {} carries the file {} in itself and has it saved.",
            item.called(),
            super::called(&name)
        );
        look.seen(
            Signal::HtmlSmuggling,
            says,
            &item.part,
            begin,
            head(&page[begin..end], 120),
        );
        script::embed(item, &name, bytes, look);
        found += 1;
        if found > 8 {
            look.budget
                .cut(format!("files inside the page {} beyond 8", item.called()));
            return;
        }
    }
}

fn attribute_of(tag: &str, name: &str) -> Option<String> {
    let at = super::find_ignoring_case(tag, name)?;
    let rest = tag[at + name.len()..].trim_start();
    let Some(value) = rest.strip_prefix('=') else {
        return Some(String::new());
    };
    let value = value.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next().unwrap_or_default(),
        None => value.split([' ', '>', '\n']).next().unwrap_or_default(),
    };
    Some(value.to_owned())
}

/// Pages in `srcdoc` attributes.
fn documents_of_frames(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(at) = super::find_ignoring_case(rest, "srcdoc") {
        if let Some(inner) = attribute_of(&rest[at..], "srcdoc").filter(|inner| inner.len() > 8) {
            found.push(unescape_entities(&inner));
        }
        rest = &rest[at + 6..];
        if found.len() >= 8 {
            break;
        }
    }
    found
}

fn unescape_entities(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// Media type and bytes of a `data:` address (RFC 2397).
pub(super) fn bytes_of_data_url(address: &str) -> Option<(String, Vec<u8>)> {
    let rest = address
        .get(..5)
        .filter(|scheme| scheme.eq_ignore_ascii_case("data:"))
        .map(|_| &address[5..])?;
    let (media, data) = rest.split_once(',')?;
    let media = media.to_ascii_lowercase();
    let plain = percent_decoded(data);
    let bytes = if media.contains("base64") {
        let packed: Vec<u8> = plain.into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
        LENIENT.decode(packed).ok()?
    } else {
        plain
    };
    Some((media, bytes))
}

fn page_of_data_url(address: &str) -> Option<String> {
    let (media, bytes) = bytes_of_data_url(address)?;
    let is_page = media.starts_with("text/html")
        || media.starts_with("image/svg")
        || media.starts_with("application/xhtml");
    is_page.then(|| super::text_of(&bytes).into_owned())
}

/// A picture inside the page may hold a QR code.
fn look_at_picture(item: &Item<'_>, address: &str, look: &mut Look<'_, '_>) {
    if let Some((media, bytes)) = bytes_of_data_url(address)
        && media.starts_with("image/")
    {
        let inner = Item {
            archive_depth: item.archive_depth,
            ..item.inside("", bytes)
        };
        let kind = super::kind::of(&inner.bytes, "", "");
        super::picture::look(
            &Item {
                part: item.part.clone(),
                ..inner
            },
            kind,
            look,
        );
    }
}

pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// A web archive (RFC 2557): the pages among its parts.
pub(super) fn look_mht(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let message = crate::message::Message::read(&item.bytes, look.budget);
    for part in message.parts.into_iter().take(100) {
        match part.text {
            Some(text) if part.media_type.contains("html") => self::look(item, &text, look),
            Some(text) => look.text(&item.part, &text),
            None => {
                let name = if part.name.is_empty() {
                    part.path
                } else {
                    part.name
                };
                look.child(Item {
                    declared: part.media_type,
                    ..item.inside(&name, part.bytes)
                });
            }
        }
    }
}

/// Looks into a picture in SVG: its links, and what a picture has no need of.
pub(super) fn look_svg(item: &Item<'_>, picture: &str, look: &mut Look<'_, '_>) {
    let had_form = look.has(Signal::HtmlForm, &item.part);
    look_as(item, picture, Via::Svg, look);
    let lower = picture.to_ascii_lowercase();
    let active = [
        "<script",
        "<foreignobject",
        "<iframe",
        "<form",
        " onload",
        " onclick",
        " onmouseover",
        " onbegin",
        "javascript:",
    ];
    if let Some(at) = active.iter().find_map(|mark| lower.find(mark)) {
        let says = format!(
            "The picture {} holds script or a form, which no picture needs.",
            item.called()
        );
        look.seen(
            Signal::SvgScript,
            says,
            &item.part,
            at,
            head(picture.get(at..).unwrap_or_default(), 200),
        );
    }
    let _ = had_form;
}
