//! Where bytes come from: a file, a folder or bytes in memory; what is packed is unpacked within limits.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::error::{OverLimit, ReadError};

/// Most members of an archive or folder: a county of two million cards with one file a card (Hart).
const MAX_MEMBERS: usize = 2_000_000;
/// Largest ratio of unpacked to packed bytes. Exports of real counties pack 5 to 60 to one; the worst that deflate allows is
/// 1,032 (zlib technical details, "maximum compression factor").
const MAX_RATIO: u64 = 200;
/// Bytes that may be unpacked whatever the ratio is.
const FREE_BYTES: u64 = 16 << 20;
/// Most bytes unpacked from one source: fifty times the largest export of a county of ten million cards.
const MAX_UNPACKED_BYTES: u64 = 64 << 30;

/// Something that can be read from any place.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// An input of the readers. It is read more than once where a format needs it.
pub struct Source {
    name: String,
    kind: Kind,
    scratch: Option<PathBuf>,
}

enum Kind {
    File(Box<dyn ReadSeek>),
    Folder(Vec<(String, PathBuf)>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// A file, or a folder with the files of one export (its subfolders are not looked at).
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        let fail = |error| ReadError::io(&name, error);
        if !path.is_dir() {
            let file = std::fs::File::open(path).map_err(fail)?;
            return Ok(Source::from_reader(
                name,
                Box::new(BufReader::with_capacity(1 << 18, file)),
            ));
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if entry.path().is_file() {
                files.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
            }
            if files.len() > MAX_MEMBERS {
                return Err(too_many(&name));
            }
        }
        files.sort();
        Ok(Source {
            name,
            kind: Kind::Folder(files),
            scratch: None,
        })
    }

    /// Bytes in memory.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Source::from_reader(name.into(), Box::new(Cursor::new(bytes)))
    }

    /// Anything that can be read from any place.
    pub fn from_reader(name: impl Into<String>, reader: Box<dyn ReadSeek>) -> Self {
        Source {
            name: name.into(),
            kind: Kind::File(reader),
            scratch: None,
        }
    }

    /// The folder for what does not fit into memory; the system's own where none is given.
    #[must_use]
    pub fn with_scratch(mut self, scratch: Option<PathBuf>) -> Self {
        self.scratch = scratch;
        self
    }

    /// The name that problems begin with.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn scratch(&self) -> Option<PathBuf> {
        self.scratch.clone()
    }

    /// The source's members: those of a zip archive or folder, or the one file that it is.
    pub(super) fn parts(&mut self) -> Result<Parts<'_>, ReadError> {
        let name = self.name.clone();
        let mut names = Vec::new();
        let kind = match &mut self.kind {
            Kind::Folder(files) => {
                names.extend(files.iter().map(|(file, _)| file.clone()));
                PartsKind::Folder(files)
            }
            Kind::File(file) => {
                let length = file
                    .seek(SeekFrom::End(0))
                    .map_err(|error| ReadError::io(&name, error))?;
                if !is_zip(file.as_mut()).map_err(|error| ReadError::io(&name, error))? {
                    names.push(String::new());
                    PartsKind::File(file.as_mut(), length)
                } else {
                    let archive = ZipArchive::new(file.as_mut() as &mut dyn ReadSeek).map_err(|error| {
                        ReadError::format(&name, None, format!("the archive cannot be read ({error})"))
                    })?;
                    if archive.len() > MAX_MEMBERS {
                        return Err(too_many(&name));
                    }
                    for index in 0..archive.len() {
                        let name = archive.name_for_index(index).and_then(Result::ok);
                        names.push(name.unwrap_or_default().into_owned());
                    }
                    PartsKind::Zip(Box::new(archive))
                }
            }
        };
        Ok(Parts {
            name,
            names,
            kind,
            unpacked: 0,
        })
    }

    /// All bytes as they lie there, not unpacked, refused above `most`.
    pub(super) fn small(&mut self, most: u64) -> Result<Vec<u8>, ReadError> {
        let fail = |error| ReadError::io(&self.name, error);
        let Kind::File(file) = &mut self.kind else {
            return Err(ReadError::format(
                &self.name,
                None,
                "it is a folder, where one file is read",
            ));
        };
        file.rewind().map_err(fail)?;
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() as u64 > most {
            let what = format!("it is larger than {} MiB", most >> 20);
            return Err(ReadError::Limit {
                file: self.name.clone(),
                what,
            });
        }
        Ok(bytes)
    }

    /// Whether it has several members.
    pub(super) fn is_many(&mut self) -> Result<bool, ReadError> {
        match &mut self.kind {
            Kind::Folder(_) => Ok(true),
            Kind::File(file) => is_zip(file.as_mut()).map_err(|error| ReadError::io(&self.name, error)),
        }
    }
}

fn too_many(name: &str) -> ReadError {
    ReadError::Limit {
        file: name.to_owned(),
        what: format!("it has more than {MAX_MEMBERS} members"),
    }
}

fn is_zip(file: &mut dyn ReadSeek) -> io::Result<bool> {
    file.rewind()?;
    let mut head = [0; 4];
    let got = read_full(file, &mut head)?;
    file.rewind()?;
    // A local file header, or the end of an empty archive (APPNOTE.TXT, sections 4.3.7 and 4.3.16).
    Ok(got == 4 && (head == *b"PK\x03\x04" || head == *b"PK\x05\x06"))
}

pub(super) fn read_full(reader: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match reader.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// The members of a source.
pub(super) struct Parts<'a> {
    name: String,
    names: Vec<String>,
    kind: PartsKind<'a>,
    unpacked: u64,
}

enum PartsKind<'a> {
    File(&'a mut dyn ReadSeek, u64),
    Folder(&'a [(String, PathBuf)]),
    Zip(Box<ZipArchive<&'a mut dyn ReadSeek>>),
}

impl Parts<'_> {
    /// Names of the members; one empty name where the source is one file.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The place that problems of member `at` begin with.
    pub(super) fn place(&self, at: usize) -> String {
        match self.names.get(at).map(String::as_str) {
            None | Some("") => self.name.clone(),
            Some(member) => format!("{}:{}", self.name, shown(member)),
        }
    }

    /// Opens a member from its beginning, unpacked.
    pub(super) fn read(&mut self, at: usize) -> Result<Box<dyn Read + '_>, ReadError> {
        let place = self.place(at);
        let fail = |error| ReadError::io(&place, error);
        match &mut self.kind {
            PartsKind::File(file, length) => {
                file.rewind().map_err(fail)?;
                unpacked(&mut **file, *length).map_err(fail)
            }
            PartsKind::Folder(files) => {
                let file = std::fs::File::open(&files[at].1).map_err(fail)?;
                let length = file.metadata().map_err(fail)?.len();
                unpacked(BufReader::with_capacity(1 << 18, file), length).map_err(fail)
            }
            PartsKind::Zip(archive) => {
                let entry = archive.by_index(at).map_err(|error| {
                    ReadError::format(&place, None, format!("cannot be unpacked ({error})"))
                })?;
                let packed = entry.compressed_size();
                let total = &mut self.unpacked;
                Ok(Box::new(Unpacked {
                    inner: entry,
                    packed,
                    here: 0,
                    total: Total::Shared(total),
                }))
            }
        }
    }
}

/// A member's name as it may be shown: hostile names must not write to a terminal.
fn shown(name: &str) -> String {
    name.chars().take(200).flat_map(char::escape_debug).collect()
}

fn unpacked<'a>(mut reader: impl Read + Seek + 'a, length: u64) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = [0; 2];
    let got = read_full(&mut reader, &mut head)?;
    reader.rewind()?;
    // RFC 1952, section 2.3.1.
    if got == 2 && head == [0x1f, 0x8b] {
        let inner = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, reader));
        return Ok(Box::new(Unpacked {
            inner,
            packed: length,
            here: 0,
            total: Total::Own(0),
        }));
    }
    Ok(Box::new(reader))
}

enum Total<'a> {
    Own(u64),
    Shared(&'a mut u64),
}

/// Unpacked bytes, refused when they are more than their packed size can honestly hold.
struct Unpacked<'a, R> {
    inner: R,
    packed: u64,
    here: u64,
    total: Total<'a>,
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.here += got as u64;
        if self.here > FREE_BYTES && self.here / MAX_RATIO > self.packed {
            return Err(OverLimit::error(format!(
                "it unpacks to more than {MAX_RATIO} times its size, as files made to exhaust a machine do"
            )));
        }
        let total = match &mut self.total {
            Total::Own(total) => total,
            Total::Shared(total) => total,
        };
        *total += got as u64;
        if *total > MAX_UNPACKED_BYTES {
            return Err(OverLimit::error(format!(
                "it unpacks to more than {} GiB",
                MAX_UNPACKED_BYTES >> 30
            )));
        }
        Ok(got)
    }
}
