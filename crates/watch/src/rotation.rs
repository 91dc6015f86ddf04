//! Tells one file from another when logs are rotated: renamed, copied and cut, or packed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pollwatch_engine::input::Place;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// First bytes of a log by which it is known again under another name: two or three lines, which hold a time.
const HEAD_BYTES: usize = 1_024;
/// Most files of one folder that are looked at for a rotated log.
const MAX_SIBLINGS: usize = 10_000;

/// How a log's file is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Number of the device and of the file on it.
    pub device: u64,
    /// Number of the file on its device.
    pub inode: u64,
    /// Length of the first bytes that were digested.
    pub head_bytes: u64,
    /// SHA-256 of these bytes, in hexadecimal.
    pub head: String,
}

impl Known {
    /// How the open file is known again, by its first bytes up to `read`.
    pub fn of(file: &File, read: u64) -> io::Result<Known> {
        let about = file.metadata()?;
        let length = read.min(HEAD_BYTES as u64);
        let mut head = vec![0; length as usize];
        file.read_exact_at(&mut head, 0)?;
        Ok(Known {
            device: about.dev(),
            inode: about.ino(),
            head_bytes: length,
            head: hex::encode(Sha256::digest(&head)),
        })
    }

    /// Whether the first bytes of the open file are those that were read.
    pub fn begins(&self, file: &File) -> bool {
        let mut head = vec![0; (self.head_bytes as usize).min(HEAD_BYTES)];
        file.read_exact_at(&mut head, 0).is_ok() && hex::encode(Sha256::digest(&head)) == self.head
    }

    /// Whether more of the head could be digested now that `read` bytes are read.
    pub fn can_be_surer(&self, read: u64) -> bool {
        self.head_bytes < HEAD_BYTES as u64 && read > self.head_bytes
    }
}

/// A file of a log that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// How it is known again.
    pub known: Known,
    /// Bytes that were read, unpacked.
    pub read: u64,
    /// When it was last written to, in nanoseconds since 1970; packing does not change it.
    pub changed: i128,
}

/// A file beside a log that may be an older part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sibling {
    /// Where it lies.
    pub path: PathBuf,
    /// When it was last written to.
    pub changed: SystemTime,
    /// Number of the device and of the file on it.
    pub number: (u64, u64),
}

/// Files beside `path` whose names begin with its name or, for `access.log`, with `access` and end with `log` or a packing,
/// oldest first; itself is not among them.
pub fn siblings(path: &Path) -> Vec<Sibling> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten().take(MAX_SIBLINGS) {
        let other = entry.file_name();
        let Some(other) = other.to_str() else { continue };
        let rest = other.strip_prefix(name).or_else(|| {
            other
                .strip_prefix(stem)
                .filter(|rest| rest.starts_with(['-', '.', '_']))
        });
        if other == name || rest.is_none() {
            continue;
        }
        let Ok(about) = entry.metadata() else { continue };
        if !about.is_file() {
            continue;
        }
        found.push(Sibling {
            path: entry.path(),
            changed: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            number: (about.dev(), about.ino()),
        });
    }
    found.sort_by(|a, b| (a.changed, &a.path).cmp(&(b.changed, &b.path)));
    found
}

/// The file beside `path` that holds what was read of `known`, and at least `read` bytes: the log under another name, a copy
/// of it, or either of them packed.
pub fn find_again(path: &Path, known: &Known, read: u64) -> Option<Sibling> {
    let all = siblings(path);
    let by_number = all
        .iter()
        .find(|file| file.number == (known.device, known.inode) && holds(&file.path, known, read));
    by_number
        .or_else(|| all.iter().rev().find(|file| holds(&file.path, known, read)))
        .cloned()
}

/// Where a log is taken up for the first time: what lies beside it by now is older and is not read.
pub fn before_the_first(path: &Path) -> Finished {
    let newest = siblings(path).last().map(|file| nanoseconds(file.changed));
    Finished {
        known: Known {
            device: 0,
            inode: 0,
            head_bytes: 0,
            head: String::new(),
        },
        read: 0,
        changed: newest.map_or(0, |newest| newest + 1),
    }
}

/// The oldest file beside `path` that was written to since the last of `finished` and is none of them.
pub fn next_unread(path: &Path, finished: &[Finished]) -> Option<Sibling> {
    let last = finished.last()?.changed;
    siblings(path).into_iter().find(|file| {
        nanoseconds(file.changed) >= last
            && !finished.iter().any(|over| {
                let is_it = file.number == (over.known.device, over.known.inode);
                (is_it || !over.known.head.is_empty()) && holds(&file.path, &over.known, over.read)
            })
    })
}

/// How a file that may be packed is known again, by its first bytes, unpacked, up to `read`.
pub fn known_unpacked(path: &Path, read: u64) -> io::Result<Known> {
    let about = fs::metadata(path)?;
    let mut opened = Place::File(path.to_path_buf()).open().map_err(io::Error::other)?;
    let mut head = Vec::new();
    (&mut opened)
        .take(read.min(HEAD_BYTES as u64))
        .read_to_end(&mut head)?;
    Ok(Known {
        device: about.dev(),
        inode: about.ino(),
        head_bytes: head.len() as u64,
        head: hex::encode(Sha256::digest(&head)),
    })
}

/// A file's time in nanoseconds since 1970.
pub fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

/// Whether a file, unpacked where it is packed, begins with the known head and is at least `read` bytes long.
fn holds(path: &Path, known: &Known, read: u64) -> bool {
    let Ok(mut opened) = Place::File(path.to_path_buf()).open() else {
        return false;
    };
    let mut head = Vec::new();
    if (&mut opened)
        .take(known.head_bytes)
        .read_to_end(&mut head)
        .is_err()
        || head.len() as u64 != known.head_bytes
        || hex::encode(Sha256::digest(&head)) != known.head
    {
        return false;
    }
    opened.skip(read.saturating_sub(known.head_bytes)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_rotated_log_is_found_renamed_copied_or_packed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let text = "first line\nsecond line\n".repeat(100);
        fs::write(&path, &text).unwrap();
        let known = Known::of(&File::open(&path).unwrap(), 500).unwrap();
        assert!(find_again(&path, &known, 500).is_none());

        // Something else lies beside it, and an older part of the same log.
        fs::write(folder.path().join("access.log.2"), "other line\n".repeat(100)).unwrap();
        fs::write(folder.path().join("error.log"), &text).unwrap();
        assert!(find_again(&path, &known, 500).is_none());

        let renamed = folder.path().join("access.log.1");
        fs::rename(&path, &renamed).unwrap();
        assert_eq!(find_again(&path, &known, 500).unwrap().path, renamed);
        assert!(find_again(&path, &known, text.len() as u64 + 1).is_none());

        let packed = folder.path().join("access.log.1.gz");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        fs::write(&packed, gzip.finish().unwrap()).unwrap();
        fs::remove_file(&renamed).unwrap();
        assert_eq!(find_again(&path, &known, 500).unwrap().path, packed);

        let dated = folder.path().join("access-20261103.log");
        fs::rename(&packed, folder.path().join("unrelated.gz")).unwrap();
        fs::write(&dated, &text).unwrap();
        assert_eq!(find_again(&path, &known, 500).unwrap().path, dated);
    }

    #[test]
    fn a_head_is_known_until_it_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "one\ntwo\n").unwrap();
        let known = Known::of(&File::open(&path).unwrap(), 4).unwrap();
        assert!(known.begins(&File::open(&path).unwrap()) && known.can_be_surer(8));
        fs::write(&path, "eno\ntwo\nthree\n").unwrap();
        assert!(!known.begins(&File::open(&path).unwrap()));
        fs::write(&path, "").unwrap();
        assert!(!known.begins(&File::open(&path).unwrap()));
    }
}
