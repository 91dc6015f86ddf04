//! PDF (ISO 32000-1): a tolerant scan of all streams and strings, wherever the cross-reference table says they are.

use super::inflate::{Packing, inflate};
use super::picture::{self, Grey};
use super::{Item, Look, head, url};
use crate::evidence::Via;
use crate::limits;
use crate::signal::Signal;

/// Most streams of one file that are opened.
const MAX_STREAMS: usize = 2_000;

/// Looks into a PDF.
pub(super) fn look(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let bytes = &item.bytes[..];
    if is_encrypted(bytes) {
        // Strings and streams are scrambled (section 7.6): what stands there cannot be read without the password.
        look.budget.cut(format!(
            "the text and links of {}, which is encrypted",
            item.called()
        ));
    }
    actions(item, bytes, look);
    let mut last = 0;
    let mut text = String::new();
    for (count, at) in memchr::memmem::find_iter(bytes, b"stream").enumerate() {
        if at < last || bytes[..at].ends_with(b"end") {
            continue;
        }
        if count > MAX_STREAMS * 2 {
            look.budget
                .cut(format!("streams of {} beyond 2,000", item.called()));
            break;
        }
        let dict_begin = memchr::memmem::rfind(&bytes[last..at], b"obj").map_or(last, |begin| last + begin);
        let dict = String::from_utf8_lossy(&bytes[dict_begin.max(at.saturating_sub(4096))..at]).into_owned();
        let begin = at
            + 6
            + bytes[at + 6..]
                .iter()
                .take(2)
                .take_while(|b| matches!(b, b'\r' | b'\n'))
                .count();
        let end = memchr::memmem::find(&bytes[begin..], b"endstream").map_or(bytes.len(), |end| begin + end);
        last = end;
        let raw = &bytes[begin..end];
        if dict.contains("DCTDecode") {
            if look.budget.image()
                && let Some(Ok(Some(grey))) = super::guarded(|| picture::read_jpeg(raw))
            {
                picture::search(item, &grey, look);
            }
            continue;
        }
        let data = if dict.contains("FlateDecode") || dict.contains("/Fl ") {
            let out = inflate(raw, Packing::Zlib, limits::MAX_STREAM_BYTES, look.budget);
            if out.is_cut {
                look.budget
                    .cut(format!("a stream of {} beyond its bound", item.called()));
            }
            out.bytes
        } else {
            raw.to_vec()
        };
        if dict.contains("/Image") {
            raw_picture(item, &dict, &data, look);
        } else if dict.contains("ObjStm") {
            actions(item, &data, look);
        } else if dict.contains("EmbeddedFile") {
            look.child(item.inside("embedded file", data));
        } else if !dict.contains("FontFile") && !dict.contains("/XRef") {
            page_text(&data, &mut text);
        }
    }
    look.text(&item.part, &text);
    for found in url::in_text(&text) {
        look.link(&found.url, "", Via::Text, &item.part, 0);
    }
}

/// Whether the trailer, or the cross-reference stream in its place, names an encryption dictionary (ISO 32000-1, section
/// 7.6.1): `/Encrypt` and a reference or a dictionary behind it.
fn is_encrypted(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, b"/Encrypt").take(100).any(|at| {
        let rest = bytes.get(at + 8..(at + 40).min(bytes.len())).unwrap_or_default();
        let gap = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        match rest.get(gap) {
            Some(b'<') => rest.get(gap + 1) == Some(&b'<'),
            // `12 0 R`; `/EncryptMetadata` is a key of the dictionary itself.
            Some(b'0'..=b'9') => gap > 0 && memchr::memchr(b'R', &rest[gap..]).is_some(),
            _ => false,
        }
    })
}

/// Actions among objects (sections 12.6.4.5 Launch, 12.6.4.7 URI, 12.6.4.16 JavaScript, 12.7.5.2 SubmitForm).
fn actions(item: &Item<'_>, bytes: &[u8], look: &mut Look<'_, '_>) {
    for key in [&b"/URI"[..], b"/F", b"/JS", b"/UF"] {
        for at in memchr::memmem::find_iter(bytes, key).take(10_000) {
            let rest = &bytes[at + key.len()..];
            let gap = rest
                .iter()
                .take(16)
                .take_while(|b| b.is_ascii_whitespace())
                .count();
            let Some(value) = string_at(&rest[gap..]) else {
                continue;
            };
            let address = super::text_of(&value).into_owned();
            let is_uri = key == b"/URI";
            if is_uri || url::is_web(&address) {
                let address = address.trim();
                let is_web =
                    url::is_web(address) || is_uri && address.contains('.') && !address.contains(':');
                look.link(address, "", Via::Pdf, &item.part, at);
                if is_web {
                    let says = format!("The PDF {} leads to {}.", item.called(), head(address, 120));
                    look.seen(Signal::PdfLink, says, &item.part, at, address);
                }
            } else if key == b"/JS" && look.links_of_text(&address, Via::Script, &item.part) {
                let says = format!("A script of the PDF {} names a web address.", item.called());
                look.seen(Signal::PdfLink, says, &item.part, at, &address);
            }
        }
    }
}

/// A string, literal or hexadecimal (section 7.3.4).
fn string_at(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match bytes.first()? {
        b'<' if bytes.get(1) != Some(&b'<') => {
            let digits: Vec<u8> = bytes[1..]
                .iter()
                .take(65536)
                .take_while(|b| **b != b'>')
                .filter(|b| b.is_ascii_hexdigit())
                .copied()
                .collect();
            out = hex::decode(&digits[..digits.len() / 2 * 2]).ok()?;
        }
        b'(' => {
            let mut depth = 0;
            let mut at = 0;
            while at < bytes.len().min(65536) {
                match bytes[at] {
                    b'\\' => {
                        at += 1;
                        let digits: Vec<u8> = bytes[at..]
                            .iter()
                            .take(3)
                            .take_while(|b| matches!(b, b'0'..=b'7'))
                            .copied()
                            .collect();
                        if digits.is_empty() {
                            match bytes.get(at) {
                                Some(b'\n' | b'\r') | None => {}
                                Some(b'n') => out.push(b'\n'),
                                Some(b'r') => out.push(b'\r'),
                                Some(b't') => out.push(b'\t'),
                                Some(other) => out.push(*other),
                            }
                        } else {
                            out.push(
                                digits
                                    .iter()
                                    .fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'))
                                    as u8,
                            );
                            at += digits.len() - 1;
                        }
                    }
                    b'(' => {
                        depth += 1;
                        if depth > 1 {
                            out.push(b'(');
                        }
                    }
                    b')' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(out);
                        }
                        out.push(b')');
                    }
                    other => out.push(other),
                }
                at += 1;
            }
        }
        _ => return None,
    }
    (!out.is_empty()).then_some(out)
}

/// Strings that a page's contents show, as far as their fonts use plain codes.
fn page_text(data: &[u8], text: &mut String) {
    if memchr::memmem::find(data, b"BT").is_none() {
        return;
    }
    let mut at = 0;
    while text.len() < 64 << 10 {
        let Some(found) = data.get(at..).and_then(|rest| memchr::memchr2(b'(', b'\n', rest)) else {
            break;
        };
        let begin = at + found;
        at = begin + 1;
        if data[begin] == b'\n' {
            if !text.ends_with(['\n', ' ']) {
                text.push(' ');
            }
            continue;
        }
        let Some(value) = string_at(&data[begin..]) else {
            continue;
        };
        at = begin + value.len() + 2;
        if value.iter().all(|b| *b >= 0x20) {
            text.push_str(&super::text_of(&value));
        }
    }
}

fn raw_picture(item: &Item<'_>, dict: &str, data: &[u8], look: &mut Look<'_, '_>) {
    let number = |key: &str| {
        let rest = dict.split_once(key)?.1.trim_start();
        rest.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse::<usize>()
            .ok()
    };
    let (Some(width), Some(height)) = (number("/Width"), number("/Height")) else {
        return;
    };
    let bits = number("/BitsPerComponent").unwrap_or(if dict.contains("ImageMask") { 1 } else { 8 });
    if width == 0
        || height == 0
        || (width as u64).saturating_mul(height as u64) > limits::MAX_IMAGE_PIXELS
        || !look.budget.image()
    {
        look.budget.cut(format!("a picture of {}", item.called()));
        return;
    }
    let pixels = if bits == 1 {
        let row = width.div_ceil(8);
        data.chunks_exact(row)
            .flat_map(|line| {
                (0..width).map(move |x| {
                    if line[x / 8] >> (7 - x % 8) & 1 == 1 {
                        255
                    } else {
                        0
                    }
                })
            })
            .take(width * height)
            .collect()
    } else {
        let predictor = number("/Predictor").is_some_and(|predictor| predictor >= 10);
        let row = data.len() / height;
        let channels = (row / width).clamp(1, 4);
        if predictor {
            look.budget
                .cut(format!("a picture with predictor of {}", item.called()));
            return;
        }
        picture::grey_of(data, channels)
    };
    picture::search(
        item,
        &Grey {
            width,
            height,
            pixels,
        },
        look,
    );
}
