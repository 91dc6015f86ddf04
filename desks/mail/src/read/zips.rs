//! Walks a zip archive, archives in it included, within the bounds of [`crate::limits`].

use std::io::{Cursor, Read};

use crate::limits::{self, Budget};

/// First bytes of a zip archive (APPNOTE.TXT, sections 4.3.7 and 4.3.16).
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// A thing met on the walk.
pub(super) enum Met {
    /// A file: its name, names of archives within in front of it with a colon, and its bytes.
    File(String, Vec<u8>),
    /// What could not be read: where, and a clause for a person.
    Problem(String, String),
}

/// Hands every file in the archive to `each`, in the archive's order, until it says false. False when it did.
pub(super) fn walk(
    bytes: &[u8],
    budget: &mut Budget,
    each: &mut dyn FnMut(Met, &mut Budget) -> bool,
) -> bool {
    walk_at(bytes, "", 1, budget, each)
}

fn walk_at(
    bytes: &[u8],
    inside: &str,
    depth: usize,
    budget: &mut Budget,
    each: &mut dyn FnMut(Met, &mut Budget) -> bool,
) -> bool {
    let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(_) => {
            let problem = Met::Problem(inside.to_owned(), "the archive cannot be read".to_owned());
            return each(problem, budget);
        }
    };
    for index in 0..archive.len() {
        if !budget.entry() {
            budget.cut("archive entries beyond 1,000");
            return each(
                Met::Problem(inside.to_owned(), "entries beyond 1,000 are not read".to_owned()),
                budget,
            );
        }
        let (name, met) = read_entry(&mut archive, index, budget);
        if name.ends_with('/') || name.starts_with("__MACOSX/") || name.ends_with(".DS_Store") {
            continue;
        }
        let path = match inside {
            "" => name,
            inside => format!("{inside}:{name}"),
        };
        let go_on = match met {
            Err(what) => each(Met::Problem(path, what), budget),
            Ok(inner) if is_zip(&inner) && !is_office(&path) => {
                if depth >= limits::MAX_ARCHIVE_DEPTH {
                    budget.cut("archives nested deeper than 3");
                    each(
                        Met::Problem(path, "archives nested deeper than 3 are not read".to_owned()),
                        budget,
                    )
                } else {
                    walk_at(&inner, &path, depth + 1, budget, each)
                }
            }
            Ok(file) => each(Met::File(path, file), budget),
        };
        if !go_on {
            return false;
        }
    }
    true
}

/// Documents that are zip archives themselves: nobody sends mails in them.
fn is_office(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["docx", "docm", "xlsx", "xlsm", "pptx", "odt", "ods", "jar", "apk"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn read_entry(
    archive: &mut zip::ZipArchive<Cursor<&[u8]>>,
    index: usize,
    budget: &mut Budget,
) -> (String, Result<Vec<u8>, String>) {
    let mut file = match archive.by_index(index) {
        Ok(file) => file,
        Err(zip::result::ZipError::UnsupportedArchive(what)) if what.contains("assword") => {
            budget.cut("an archive entry that is encrypted");
            return (
                format!("#{}", index + 1),
                Err("the entry is encrypted".to_owned()),
            );
        }
        Err(_) => {
            return (
                format!("#{}", index + 1),
                Err("the entry cannot be read".to_owned()),
            );
        }
    };
    let name: String = String::from_utf8_lossy(file.name_raw())
        .chars()
        .filter(|char| !char.is_control())
        .take(500)
        .collect();
    let packed = file.compressed_size().max(1);
    let free = 1_u64 << 20;
    let bound = (limits::MAX_MESSAGE_BYTES as u64)
        .min(budget.inflatable())
        .min(packed.saturating_mul(limits::MAX_INFLATE_RATIO).max(free));
    let mut bytes = Vec::new();
    let read = file.by_ref().take(bound + 1).read_to_end(&mut bytes);
    let is_over = bytes.len() as u64 > bound;
    bytes.truncate(usize::try_from(bound).unwrap_or(usize::MAX));
    let is_paid = budget.inflate(bytes.len());
    if is_over || !is_paid {
        budget.cut("an archive entry that unpacks to more than the bounds");
        return (
            name,
            Err("the entry unpacks to more than the bounds and is not read".to_owned()),
        );
    }
    match read {
        Ok(_) => (name, Ok(bytes)),
        Err(_) => (name, Err("the entry is damaged".to_owned())),
    }
}

/// Whether an archive names a mail, or an archive that may hold one. Reads only its directory.
pub(super) fn may_hold_mails(bytes: &[u8]) -> bool {
    let Ok(archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        return false;
    };
    archive
        .file_names()
        .take(limits::MAX_ARCHIVE_ENTRIES)
        .any(|name| {
            let Ok(name) = name else {
                return false;
            };
            let name = name.to_ascii_lowercase();
            [".eml", ".msg", ".mbox", ".emlx", ".zip"]
                .iter()
                .any(|end| name.ends_with(end))
        })
}
