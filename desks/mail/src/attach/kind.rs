//! What a file is by its bytes, and whether its name and its declared type say the same.

use super::name;
use super::{Item, Look};
use crate::signal::Signal;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Html,
    Mht,
    Svg,
    Pdf,
    Zip,
    Tar,
    Gzip,
    Iso,
    DiskImage,
    SevenZip,
    Rar,
    Cab,
    OtherArchive,
    Ole,
    Rtf,
    OneNote,
    Calendar,
    Card,
    Lnk,
    ShortcutText,
    Script,
    Xml,
    Message,
    Png,
    Jpeg,
    Gif,
    Bmp,
    Webp,
    Text,
    Program,
    Unknown,
}

/// Largest distance of `%PDF` from the beginning at which viewers still open a file (ISO 32000-1, annex H.3, note 13).
const PDF_MAGIC_WITHIN: usize = 1024;

/// What `bytes` are; name and declared type decide only among texts, which have no magic.
pub(super) fn of(bytes: &[u8], name: &str, declared: &str) -> Kind {
    by_magic(bytes).unwrap_or_else(|| by_text(bytes, name, declared))
}

fn by_magic(bytes: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..offset + magic.len()) == Some(magic);
    let kind = if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") || starts(b"PK\x07\x08") {
        Kind::Zip
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Kind::Png
    } else if starts(b"\xff\xd8\xff") {
        Kind::Jpeg
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Kind::Gif
    } else if starts(b"RIFF") && at(8, b"WEBP") {
        Kind::Webp
    } else if starts(b"BM")
        && at(6, &[0; 4])
        && bytes
            .get(14)
            .is_some_and(|size| [12, 40, 52, 56, 108, 124].contains(size))
    {
        Kind::Bmp
    } else if starts(b"MZ") && is_program(bytes) || starts(b"\x7fELF") || is_mach(bytes) {
        Kind::Program
    } else if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        Kind::Ole
    } else if starts(b"{\\rt") {
        Kind::Rtf
    } else if starts(b"\x1f\x8b\x08") {
        Kind::Gzip
    } else if starts(b"7z\xbc\xaf\x27\x1c") {
        Kind::SevenZip
    } else if starts(b"Rar!\x1a\x07") {
        Kind::Rar
    } else if starts(b"MSCF\0\0\0\0") {
        Kind::Cab
    } else if starts(b"BZh") && at(4, b"1AY&SY")
        || starts(b"\xfd7zXZ\0")
        || starts(b"\x28\xb5\x2f\xfd")
        || at(7, b"**ACE**")
        || at(2, b"-lh") && at(6, b"-")
        || starts(b"\x60\xea") && bytes.len() > 60 && at(10, b"\x02")
    {
        Kind::OtherArchive
    } else if starts(b"L\0\0\0\x01\x14\x02\0") {
        Kind::Lnk
    } else if starts(b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3") {
        Kind::OneNote
    } else if starts(b"ITSF") {
        // Compiled help (chm) runs script when it is opened.
        Kind::Program
    } else if at(257, b"ustar") {
        Kind::Tar
    } else if [0x8001, 0x8801, 0x9001].iter().any(|begin| at(*begin, b"CD001")) || at(0x8001, b"BEA01") {
        Kind::Iso
    } else if starts(b"conectix")
        || starts(b"vhdxfile")
        || starts(b"KDMV")
        || starts(b"QFI\xfb")
        || is_vhd(bytes)
    {
        Kind::DiskImage
    } else if memchr::memmem::find(&bytes[..bytes.len().min(PDF_MAGIC_WITHIN)], b"%PDF-").is_some() {
        Kind::Pdf
    } else {
        return None;
    };
    Some(kind)
}

/// Whether the old header leads to a portable executable, or is at least no sentence that happens to begin with MZ.
fn is_program(bytes: &[u8]) -> bool {
    let at = bytes
        .get(60..64)
        .map_or(0, |at| u32::from_le_bytes([at[0], at[1], at[2], at[3]]) as usize);
    bytes.get(at..at.saturating_add(2)) == Some(b"PE")
        || bytes.iter().take(64).any(|b| *b < 9)
        // What is left of a program when it is cut: too short for its own header.
        || bytes.len() < 64
}

fn is_mach(bytes: &[u8]) -> bool {
    matches!(
        bytes.get(..4),
        Some(b"\xfe\xed\xfa\xce" | b"\xfe\xed\xfa\xcf" | b"\xce\xfa\xed\xfe" | b"\xcf\xfa\xed\xfe")
    ) || bytes.starts_with(b"\xca\xfe\xba\xbe") && bytes.len() > 32
}

/// A fixed disk image has its mark in the last sector only.
fn is_vhd(bytes: &[u8]) -> bool {
    bytes
        .len()
        .checked_sub(512)
        .and_then(|at| bytes.get(at..at + 8))
        .is_some_and(|mark| mark == b"conectix")
}

fn by_text(bytes: &[u8], name: &str, declared: &str) -> Kind {
    let ending = name::ending(name);
    let is_binary = bytes.iter().take(4096).filter(|b| **b == 0).count() > 0
        && !bytes.starts_with(b"\xff\xfe")
        && !bytes.starts_with(b"\xfe\xff")
        && !is_wide(bytes);
    let begin: String = super::text_of(&bytes[..bytes.len().min(8192)])
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let begin = begin.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    let has = |mark: &str| begin.contains(mark);
    let declares = |what: &str| declared.starts_with(what);
    match ending.as_str() {
        "url" | "webloc" | "desktop" | "library-ms" | "search-ms" | "searchconnector-ms" | "website"
        | "settingcontent-ms" | "theme" | "themepack" | "scf" => return Kind::ShortcutText,
        "ics" | "vcs" | "ical" | "ifb" => return Kind::Calendar,
        "vcf" | "vcard" => return Kind::Card,
        _ => {}
    }
    if begin.starts_with("begin:vcalendar") || declares("text/calendar") || declares("application/ics") {
        return Kind::Calendar;
    }
    if begin.starts_with("begin:vcard") || declares("text/vcard") || declares("text/x-vcard") {
        return Kind::Card;
    }
    if begin.starts_with("[internetshortcut]") || begin.starts_with("[desktop entry]") {
        return Kind::ShortcutText;
    }
    let is_message_name = matches!(ending.as_str(), "eml" | "mht" | "mhtml" | "mbs");
    let is_mime = has("mime-version:") || has("content-type:") && has("content-location:");
    if is_mime
        && (is_message_name
            || declares("message/")
            || declares("multipart/related")
            || declares("application/x-mimearchive"))
    {
        return if has("multipart/related") && ending != "eml" && !declares("message/") {
            Kind::Mht
        } else {
            Kind::Message
        };
    }
    if ending == "eml"
        || declares("message/rfc822")
        || (begin.starts_with("received:") || begin.starts_with("return-path:")) && has("\nfrom:")
    {
        return Kind::Message;
    }
    let is_svg_name = matches!(ending.as_str(), "svg" | "svgz") || declares("image/svg");
    if begin.starts_with('<') && has("<svg") && (is_svg_name || !has("<html")) || is_svg_name && has("<") {
        return Kind::Svg;
    }
    let is_html_name = matches!(
        ending.as_str(),
        "html" | "htm" | "xhtml" | "xht" | "shtml" | "shtm" | "stm" | "hta" | "php" | "asp" | "aspx" | "jsp"
    ) || declares("text/html")
        || declares("application/xhtml");
    if begin.starts_with("<?xml")
        && (has("<w:worddocument") || has("<?mso-application") || has("<office:document"))
    {
        return Kind::Xml;
    }
    const PAGE_MARKS: &[&str] = &[
        "<!doctype html",
        "<html",
        "<head",
        "<body",
        "<script",
        "<form",
        "<iframe",
        "<meta http",
    ];
    if is_html_name && !is_binary || begin.starts_with('<') && PAGE_MARKS.iter().any(|mark| has(mark)) {
        return Kind::Html;
    }
    if is_binary {
        return if looks_like_tar(bytes) {
            Kind::Tar
        } else {
            Kind::Unknown
        };
    }
    if matches!(
        ending.as_str(),
        "js" | "jse"
            | "mjs"
            | "vbs"
            | "vbe"
            | "wsf"
            | "wsh"
            | "wsc"
            | "sct"
            | "bat"
            | "cmd"
            | "ps1"
            | "psm1"
            | "reg"
    ) || declares("text/javascript")
        || declares("application/javascript")
        || declares("application/x-javascript")
    {
        return Kind::Script;
    }
    if begin.starts_with("<?xml") {
        return Kind::Xml;
    }
    Kind::Text
}

fn is_wide(bytes: &[u8]) -> bool {
    let begin = &bytes[..bytes.len().min(64)];
    let odd = begin.iter().skip(1).step_by(2).filter(|b| **b == 0).count();
    let even = begin.iter().step_by(2).filter(|b| **b == 0).count();
    begin.len() >= 8 && (odd.min(even) == 0) && odd.max(even) * 10 >= begin.len() / 2 * 9
}

/// An old tar has no magic, but a checksum (POSIX.1-1988, ustar's forerunner).
fn looks_like_tar(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..512) else {
        return false;
    };
    let said = std::str::from_utf8(&header[148..156])
        .ok()
        .and_then(|digits| u32::from_str_radix(digits.trim_matches(['\0', ' ']), 8).ok());
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(at, b)| {
            if (148..156).contains(&at) {
                32
            } else {
                u32::from(*b)
            }
        })
        .sum();
    said == Some(sum)
}

/// Sorts of files among which a wrong name fools nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Picture,
    Pdf,
    Office,
    Page,
    Text,
    Archive,
    Disk,
    Program,
    Shortcut,
    Media,
}

fn family_of(kind: Kind) -> Option<Family> {
    Some(match kind {
        Kind::Png | Kind::Jpeg | Kind::Gif | Kind::Bmp | Kind::Webp | Kind::Svg => Family::Picture,
        Kind::Pdf => Family::Pdf,
        Kind::Ole | Kind::Rtf | Kind::OneNote => Family::Office,
        Kind::Html => Family::Page,
        Kind::Zip | Kind::Tar | Kind::Gzip | Kind::SevenZip | Kind::Rar | Kind::Cab | Kind::OtherArchive => {
            Family::Archive
        }
        Kind::Iso | Kind::DiskImage => Family::Disk,
        Kind::Program => Family::Program,
        Kind::Lnk => Family::Shortcut,
        // Texts are whatever their name says.
        _ => return None,
    })
}

fn family_of_ending(ending: &str) -> Option<Family> {
    Some(match ending {
        "png" | "jpg" | "jpeg" | "jpe" | "jfif" | "gif" | "bmp" | "webp" | "tif" | "tiff" | "heic"
        | "ico" => Family::Picture,
        "svg" | "svgz" => Family::Picture,
        "pdf" => Family::Pdf,
        "doc" | "docx" | "dot" | "xls" | "xlsx" | "ppt" | "pptx" | "rtf" | "odt" | "ods" | "odp" | "docm"
        | "xlsm" => Family::Office,
        "txt" | "csv" | "log" => Family::Text,
        "zip" | "gz" | "tgz" | "tar" | "7z" | "rar" | "cab" => Family::Archive,
        "mp3" | "wav" | "mp4" | "m4a" | "mov" | "avi" | "ogg" | "wma" => Family::Media,
        _ => return None,
    })
}

fn family_of_type(declared: &str) -> Option<Family> {
    let bare = declared.split(';').next().unwrap_or_default().trim();
    Some(match bare {
        "application/pdf" | "application/x-pdf" => Family::Pdf,
        "text/html" | "application/xhtml+xml" => Family::Page,
        "text/plain" | "text/csv" => Family::Text,
        "application/zip" | "application/x-zip-compressed" | "application/gzip" | "application/x-tar" => {
            Family::Archive
        }
        "application/msword"
        | "application/vnd.ms-excel"
        | "application/vnd.ms-powerpoint"
        | "application/rtf" => Family::Office,
        office if office.starts_with("application/vnd.openxmlformats") => Family::Office,
        picture if picture.starts_with("image/") => Family::Picture,
        media if media.starts_with("audio/") || media.starts_with("video/") => Family::Media,
        _ => return None,
    })
}

/// Whether a file of the family `real` under the label of `claimed` is an everyday thing.
fn is_harmless(real: Family, claimed: Family) -> bool {
    if real == claimed {
        return true;
    }
    match claimed {
        // Programs export pages and archives under the name of a table; new documents are archives.
        Family::Office => matches!(
            real,
            Family::Page | Family::Archive | Family::Text | Family::Office
        ),
        Family::Text => matches!(real, Family::Page | Family::Office),
        Family::Page => matches!(real, Family::Text),
        Family::Archive => matches!(real, Family::Disk),
        // Recordings come in boxes that are not known here.
        Family::Media => !matches!(real, Family::Program | Family::Shortcut | Family::Page),
        _ => false,
    }
}

/// Words for a family.
fn words(family: Family) -> &'static str {
    match family {
        Family::Picture => "a picture",
        Family::Pdf => "a PDF",
        Family::Office => "an Office document",
        Family::Page => "a web page",
        Family::Text => "a text",
        Family::Archive => "an archive",
        Family::Disk => "a disk image",
        Family::Program => "a program",
        Family::Shortcut => "a shortcut",
        Family::Media => "a recording",
    }
}

/// `att.type_mismatch`: what the reader is told by the name is not what the bytes are.
pub(super) fn look_for_mismatch(item: &Item<'_>, kind: Kind, look: &mut Look<'_, '_>) {
    let Some(real) = family_of(kind) else {
        return;
    };
    let ending = name::ending(&item.name);
    let by_name = family_of_ending(&ending);
    let by_type = family_of_type(&item.declared);
    // The name is what the reader goes by; the declared type counts alone only where the name says nothing.
    let claimed = match (by_name, by_type) {
        (Some(by_name), by_type) => {
            let is_active = matches!(
                real,
                Family::Page | Family::Program | Family::Shortcut | Family::Disk
            );
            let type_agrees = by_type.is_some_and(|by_type| is_harmless(real, by_type));
            if is_harmless(real, by_name) || !is_active && type_agrees {
                return;
            }
            by_name
        }
        (None, Some(by_type)) => {
            // An unknown ending with a wrong type is some mail program's guess, unless a program hides behind it.
            let is_dangerous = matches!(real, Family::Program | Family::Shortcut);
            if is_harmless(real, by_type) || !ending.is_empty() && !is_dangerous || name::is_active(&ending) {
                return;
            }
            by_type
        }
        (None, None) => return,
    };
    let says = format!(
        "{} calls itself {} but is {} inside.",
        capital(&item.called()),
        words(claimed),
        words(real)
    );
    let quote = if item.name.is_empty() {
        &item.declared
    } else {
        &item.name
    };
    look.seen(Signal::TypeMismatch, says, &item.part, 0, quote);
}

fn capital(called: &str) -> String {
    match called {
        "the attachment" => "The attachment".to_owned(),
        name => format!("The file {name}"),
    }
}
