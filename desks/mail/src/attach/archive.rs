//! Archives other than zip, and disk images.

use super::inflate::{Packing, inflate};
use super::{Item, Look};
use crate::limits;
use crate::signal::Signal;

/// A tar archive (POSIX.1-1988, ustar).
pub(super) fn look_tar(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let mut at = 0_usize;
    while let Some(header) = item.bytes.get(at..at + 512) {
        if header.iter().all(|b| *b == 0) {
            return;
        }
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&header[range])
                .trim_matches(['\0', ' '])
                .to_owned()
        };
        let (name, size) = (text(0..100), usize::from_str_radix(&text(124..136), 8));
        let Ok(size) = size else { break };
        let Some(bytes) = item
            .bytes
            .get(at + 512..at.saturating_add(512).saturating_add(size))
        else {
            break;
        };
        if !look.budget.entry() || !look.budget.inflate(size) {
            break;
        }
        if matches!(header[156], b'0' | 0) {
            look.child(item.inside(&name, bytes.to_vec()));
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    if at < item.bytes.len() {
        look.budget
            .cut(format!("the rest of the archive {}", item.called()));
    }
}

/// A gzip file (RFC 1952).
pub(super) fn look_gzip(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let out = inflate(&item.bytes, Packing::Gzip, limits::MAX_STREAM_BYTES, look.budget);
    if out.is_cut || out.is_broken {
        look.budget
            .cut(format!("the rest of the archive {}", item.called()));
    }
    let name = item
        .name
        .strip_suffix(".gz")
        .or(item.name.strip_suffix(".svgz"))
        .unwrap_or(&item.name);
    let name = match item.name.strip_suffix(".tgz") {
        Some(stem) => format!("{stem}.tar"),
        None => name.to_owned(),
    };
    if !out.bytes.is_empty() {
        look.child(item.inside(&name, out.bytes));
    }
}

/// A disk image whose files are not listed.
pub(super) fn look_disk(item: &Item<'_>, look: &mut Look<'_, '_>) {
    let says = format!(
        "{} is a disk image: files in it escape the usual warnings.",
        item.called()
    );
    look.seen(Signal::DiskImage, says, &item.part, 0, &item.name);
    look.budget
        .cut(format!("the contents of the disk image {}", item.called()));
}

/// An image of a disc.
pub(super) fn look_iso(item: &Item<'_>, look: &mut Look<'_, '_>) {
    look_disk(item, look);
}

/// An archive of a kind that is not opened.
pub(super) fn look_closed(item: &Item<'_>, look: &mut Look<'_, '_>) {
    look.budget
        .cut(format!("the contents of the archive {}", item.called()));
}
