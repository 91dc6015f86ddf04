//! What the name of a file says, and what it hides.

use super::{Item, Look, called};
use crate::evidence::Quote;
use crate::signal::Signal;

/// Endings that a double click runs, on Windows above all (Microsoft, "Blocked attachments in Outlook", level 1 list).
const PROGRAMS: &[&str] = &[
    "ade",
    "adp",
    "apk",
    "app",
    "application",
    "appref-ms",
    "appx",
    "appxbundle",
    "msix",
    "msixbundle",
    "appinstaller",
    "bat",
    "chm",
    "cmd",
    "com",
    "cpl",
    "diagcab",
    "dll",
    "dmg",
    "exe",
    "gadget",
    "hlp",
    "hpj",
    "hta",
    "inf",
    "ins",
    "isp",
    "jar",
    "jnlp",
    "js",
    "jse",
    "mad",
    "maf",
    "mde",
    "msc",
    "msh",
    "msi",
    "msp",
    "mst",
    "ocx",
    "one",
    "onepkg",
    "osd",
    "pcd",
    "pif",
    "pkg",
    "ps1",
    "ps1xml",
    "ps2",
    "psc1",
    "psm1",
    "reg",
    "rgs",
    "scf",
    "scr",
    "sct",
    "settingcontent-ms",
    "shb",
    "shs",
    "sys",
    "vb",
    "vbe",
    "vbs",
    "vbscript",
    "ws",
    "wsc",
    "wsf",
    "wsh",
    "xbap",
    "xll",
    "xlam",
    "command",
    "terminal",
    "workflow",
];

/// Endings that hold others' programs: within an archive they only serve to pass a filter.
const DISKS: &[&str] = &["iso", "img", "vhd", "vhdx", "udf", "vmdk"];

/// Endings that open a page, and so may run its script or show its form.
const PAGES: &[&str] = &["html", "htm", "xhtml", "xht", "shtml", "mht", "mhtml", "svg"];

/// Endings of shortcuts.
const SHORTCUTS: &[&str] = &[
    "lnk",
    "url",
    "webloc",
    "desktop",
    "library-ms",
    "search-ms",
    "searchconnector-ms",
    "website",
];

/// Endings that a reader trusts, and that stand before the real one in order to be read.
const TRUSTED: &[&str] = &[
    "pdf", "doc", "docx", "docm", "xls", "xlsx", "xlsm", "ppt", "pptx", "rtf", "txt", "csv", "odt", "ods",
    "jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "mp3", "mp4", "wav", "m4a", "eml", "msg", "zip",
    "rar", "7z", "ics",
];

/// The last ending of a name, in lower case and without spaces; empty when there is none.
pub(super) fn ending(name: &str) -> String {
    let bare = base(name);
    match bare.rsplit_once('.') {
        Some((_, ending)) if !ending.is_empty() && ending.len() <= 20 => ending.trim().to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// The name without folders, marks that are not seen, and what Windows drops at the end (dots and spaces).
fn base(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let shown: String = last
        .chars()
        .filter(|c| {
            !is_bidi(*c) && !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}')
        })
        .collect();
    shown.trim_end_matches(['.', ' ', '\u{a0}']).to_owned()
}

/// Whether opening a file of this ending runs or shows something of the sender's making.
pub(super) fn is_active(ending: &str) -> bool {
    [PROGRAMS, PAGES, SHORTCUTS, DISKS]
        .iter()
        .any(|list| list.contains(&ending))
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

/// Marks that turn the order of what is shown. Left-to-right marks of Windows' own dialogs are not among them.
fn turns(c: char) -> bool {
    matches!(c, '\u{202b}' | '\u{202d}' | '\u{202e}' | '\u{2067}')
}

/// A name with its invisible marks written out, such as `proof[U+202E]fdp.exe`.
pub(super) fn visible(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if is_bidi(c) || c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}') {
            out.push_str(&format!("[U+{:04X}]", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Looks at the name of `item`.
pub(super) fn look(item: &Item<'_>, look: &mut Look<'_, '_>) {
    look_at_name(&item.name, &item.part, item.is_embedded, look);
    let is_program =
        super::kind::of(&item.bytes[..item.bytes.len().min(256)], "", "") == super::kind::Kind::Program;
    if is_program && !look.has(Signal::ArchiveExecutable, &item.part) {
        let says = match item.is_embedded {
            true => format!("The file {} inside is a program.", called(&item.name)),
            false => "The attachment is a program.".to_owned(),
        };
        look.seen(Signal::ArchiveExecutable, says, &item.part, 0, &item.name);
    }
}

/// Looks at a name alone, as where the bytes are encrypted.
pub(super) fn look_at_name(name: &str, part: &str, is_embedded: bool, look: &mut Look<'_, '_>) {
    if name.is_empty() {
        return;
    }
    if name.chars().any(turns) {
        let says = format!(
            "The file name {} turns its letters round with an invisible mark; the file really ends in .{}.",
            Quote::new("", 0, &visible(name)).text,
            ending(name)
        );
        look.seen(Signal::Rtlo, says, part, 0, name);
    }
    let last = ending(name);
    if is_active(&last)
        && let Some(before) = ending_before(name)
        && TRUSTED.contains(&before.as_str())
    {
        let says = format!("The file {} looks like .{before} but is .{last}.", called(name));
        look.seen(Signal::DoubleExtension, says, part, 0, name);
    }
    if PROGRAMS.contains(&last.as_str()) || is_embedded && (DISKS.contains(&last.as_str()) || last == "lnk") {
        let says = match is_embedded {
            true => format!("Inside is {}, a file that runs when it is opened.", called(name)),
            false => format!("The attachment {} runs when it is opened.", called(name)),
        };
        look.seen(Signal::ArchiveExecutable, says, part, 0, name);
    }
    if SHORTCUTS.contains(&last.as_str()) {
        let says = format!(
            "{} is a shortcut: it opens something else than itself.",
            called(name)
        );
        look.seen(Signal::Shortcut, says, part, 0, name);
    }
    if DISKS.contains(&last.as_str()) {
        let says = format!(
            "{} is a disk image: files in it escape the usual warnings.",
            called(name)
        );
        look.seen(Signal::DiskImage, says, part, 0, name);
    }
}

/// The ending before the last, spaces that push the last out of sight removed.
fn ending_before(name: &str) -> Option<String> {
    let bare = base(name);
    let (stem, _) = bare.rsplit_once('.')?;
    let (_, before) = stem
        .trim_end_matches([' ', '_', '\u{a0}', '.'])
        .rsplit_once('.')?;
    Some(before.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Budget;

    fn signals(name: &str) -> Vec<&'static str> {
        let mut budget = Budget::default();
        let mut look = Look::new(&mut budget);
        look_at_name(name, "2", false, &mut look);
        look.contents.seen.iter().map(|seen| seen.signal.id()).collect()
    }

    #[test]
    fn names_that_lie_are_told_from_names_with_dots() {
        assert_eq!(
            signals("invoice.pdf.exe"),
            ["att.double_extension", "att.archive_executable"]
        );
        assert_eq!(signals("list.PDF          .html"), ["att.double_extension"]);
        assert_eq!(signals("scan.pdf.lnk"), ["att.double_extension", "att.shortcut"]);
        for honest in [
            "a.tar.gz",
            "v1.2.pdf",
            "minutes.docx.pdf",
            "report.2024.html",
            "photo.jpg",
            "list.csv.zip",
            "README",
        ] {
            assert!(signals(honest).is_empty(), "{honest}");
        }
    }

    #[test]
    fn turned_names_show_their_real_order() {
        let mut budget = Budget::default();
        let mut look = Look::new(&mut budget);
        look_at_name("proof_\u{202e}fdp.exe", "2", false, &mut look);
        let says = &look.contents.seen[0].says;
        assert!(
            says.contains("proof_[U+202E]fdp.exe") && says.contains("ends in .exe"),
            "{says}"
        );
    }
}
