//! Zip archives (PKWARE APPNOTE 6.3): the central directory, and the local headers where it is missing or lies.

use super::inflate::{Packing, inflate};
use super::{Item, Look, office};
use crate::limits;
use crate::signal::Signal;

/// An entry of an archive.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_encrypted: bool,
    method: u16,
    begin: usize,
    packed: usize,
    size: u64,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

/// Looks into an archive, or the document that it is.
pub(super) fn look(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let bytes = &item.bytes[..];
    let mut entries: Vec<Entry> = memchr::memmem::find_iter(bytes, b"PK\x01\x02")
        .take(limits::MAX_ARCHIVE_ENTRIES + 1)
        .filter_map(|at| central(bytes, at))
        .collect();
    if entries.is_empty() {
        entries = memchr::memmem::find_iter(bytes, b"PK\x03\x04")
            .take(limits::MAX_ARCHIVE_ENTRIES + 1)
            .filter_map(|at| local(bytes, at))
            .collect();
    }
    if entries.is_empty() {
        look.budget
            .cut(format!("the contents of the archive {}", item.called()));
        return;
    }
    if let Some(encrypted) = entries.iter().find(|entry| entry.is_encrypted) {
        let says = format!(
            "The archive {} is encrypted, so that no filter can look inside.",
            item.called()
        );
        look.seen(Signal::ArchiveEncrypted, says, &item.part, 0, &encrypted.name);
    }
    let is_document = entries.iter().any(|entry| {
        matches!(
            entry.name.as_str(),
            "[Content_Types].xml" | "META-INF/manifest.xml" | "content.xml"
        )
    });
    for entry in entries {
        if entry.name.ends_with('/') {
            continue;
        }
        if !look.budget.entry() {
            look.budget
                .cut(format!("the archive {} beyond 1,000 entries", item.called()));
            return;
        }
        if is_document && !office::wants(&entry.name) {
            continue;
        }
        let packed = bytes.get(entry.begin..entry.begin.saturating_add(entry.packed).min(bytes.len()));
        let (Some(packed), false, 0 | 8) = (packed, entry.is_encrypted, entry.method) else {
            look.file_by_name(&item.part, &entry.name, entry.size);
            super::name::look_at_name(&entry.name, &item.part, true, look);
            if !entry.is_encrypted {
                look.budget
                    .cut(format!("the file {} in an archive", super::called(&entry.name)));
            }
            continue;
        };
        let unpacked = if entry.method == 0 {
            if !look.budget.inflate(packed.len()) {
                look.budget
                    .cut(format!("the archive {} beyond 200 MB", item.called()));
                return;
            }
            packed.to_vec()
        } else {
            let out = inflate(packed, Packing::Deflate, limits::MAX_STREAM_BYTES, look.budget);
            if out.is_cut || out.is_broken {
                look.budget.cut(format!(
                    "the file {} in an archive, beyond its bound or broken",
                    super::called(&entry.name)
                ));
            }
            out.bytes
        };
        if is_document {
            office::look_member(item, &entry.name, unpacked, look);
        } else {
            look.child(item.inside(&entry.name, unpacked));
        }
    }
}

fn central(bytes: &[u8], at: usize) -> Option<Entry> {
    let name_length = usize::from(u16_at(bytes, at + 28)?);
    let local_at = u32_at(bytes, at + 42)?;
    let begin = local_at
        + 30
        + usize::from(u16_at(bytes, local_at.checked_add(26)?)?)
        + usize::from(u16_at(bytes, local_at + 28)?);
    Some(Entry {
        name: super::text_of(bytes.get(at + 46..at + 46 + name_length)?).into_owned(),
        is_encrypted: u16_at(bytes, at + 8)? & 1 == 1,
        method: u16_at(bytes, at + 10)?,
        packed: u32_at(bytes, at + 20)?,
        size: u32_at(bytes, at + 24)? as u64,
        begin,
    })
}

fn local(bytes: &[u8], at: usize) -> Option<Entry> {
    let name_length = usize::from(u16_at(bytes, at + 26)?);
    let begin = at + 30 + name_length + usize::from(u16_at(bytes, at + 28)?);
    let said = u32_at(bytes, at + 18)?;
    let packed = if said == 0 {
        bytes.len().saturating_sub(begin)
    } else {
        said
    };
    Some(Entry {
        name: super::text_of(bytes.get(at + 30..at + 30 + name_length)?).into_owned(),
        is_encrypted: u16_at(bytes, at + 6)? & 1 == 1,
        method: u16_at(bytes, at + 8)?,
        packed,
        size: u32_at(bytes, at + 22)? as u64,
        begin,
    })
}
