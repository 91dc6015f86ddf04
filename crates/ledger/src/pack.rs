//! The records within an evidence pack: a header line `<sha256 in hexadecimal> <length>`, the bytes, a newline.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::disk::at;
use crate::tile::decimal;
use crate::{Error, FormatError};

/// Longest pack in bytes, so that packs are easy to copy and one can be read in a blink; a new one is begun after that.
pub const MAX_PACK_BYTES: u64 = 64 << 20;

/// Longest header: digest, space, length of up to eight digits, newline.
pub(crate) const MAX_HEADER_BYTES: usize = 64 + 1 + 8 + 1;

/// Longest piece in bytes: its record alone must fit in a pack.
pub const MAX_PIECE_BYTES: usize = MAX_PACK_BYTES as usize - MAX_HEADER_BYTES - 1;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 << 10;

/// The address of a piece of evidence: the SHA-256 of its bytes. Text form: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceDigest(pub [u8; 32]);

impl PieceDigest {
    /// The address of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        PieceDigest(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for PieceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PieceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PieceDigest({self})")
    }
}

impl FromStr for PieceDigest {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let bad = FormatError {
            what: "SHA-256",
            why: "it is not 64 lower-case hexadecimal digits",
        };
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(bad);
        }
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).map_err(|_| bad)?;
        Ok(PieceDigest(digest))
    }
}

/// The header of a record.
pub(crate) fn print_header(digest: &PieceDigest, length: usize) -> String {
    format!("{digest} {length}\n")
}

/// Digest and length of a piece from its header line, without the newline.
///
/// Errors: [`FormatError`] for anything but 64 hexadecimal digits, a space and a length up to [`MAX_PIECE_BYTES`].
pub fn parse_header(line: &[u8]) -> Result<(PieceDigest, usize), FormatError> {
    let bad = |why| FormatError {
        what: "header of a piece",
        why,
    };
    let line = std::str::from_utf8(line).map_err(|_| bad("it is not text"))?;
    let (digest, length) = line
        .split_once(' ')
        .ok_or(bad("it is not a digest and a length"))?;
    let length = decimal(length)
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| *length <= MAX_PIECE_BYTES)
        .ok_or(bad("its length is not a decimal number up to 64 MiB"))?;
    Ok((digest.parse()?, length))
}

/// What stands at one place of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// A complete record.
    Complete(RecordHead),
    /// The pack ends here.
    End,
    /// The pack ends in the middle of the record that begins here, as after a crash.
    Torn,
}

/// Where a record is and what it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHead {
    pub(crate) offset: u64,
    pub(crate) digest: PieceDigest,
    pub(crate) length: usize,
    /// Whether the bytes have that digest; `None` when they were not read.
    pub(crate) is_sound: Option<bool>,
}

/// Whether to read the bytes of each piece or step over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bytes {
    Hash,
    StepOver,
}

/// Goes through the records of one pack; the memory used does not depend on what the pack says.
pub(crate) struct PackScan<'a> {
    path: &'a Path,
    file: BufReader<File>,
    offset: u64,
    end: u64,
}

impl<'a> PackScan<'a> {
    /// Begins at `offset`, which is where a record begins.
    pub(crate) fn open(path: &'a Path, offset: u64) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(at("open", path))?;
        let end = file.metadata().map_err(at("read", path))?.len();
        if end > MAX_PACK_BYTES {
            return Err(bad(path, MAX_PACK_BYTES, "it is longer than 64 MiB"));
        }
        file.seek(SeekFrom::Start(offset)).map_err(at("read", path))?;
        Ok(PackScan {
            path,
            file: BufReader::with_capacity(BUFFER_BYTES, file),
            offset,
            end,
        })
    }

    /// Where the next record begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record.
    ///
    /// Errors: [`Error::Pack`] when what stands here is neither a record nor the beginning of one cut off by the end.
    pub(crate) fn next_record(&mut self, bytes: Bytes) -> Result<Record, Error> {
        let left = self.end.saturating_sub(self.offset);
        if left == 0 {
            return Ok(Record::End);
        }
        let mut line = Vec::with_capacity(MAX_HEADER_BYTES);
        (&mut self.file)
            .take(left.min(MAX_HEADER_BYTES as u64))
            .read_until(b'\n', &mut line)
            .map_err(at("read", self.path))?;
        let Some(header) = line.strip_suffix(b"\n") else {
            return if left < MAX_HEADER_BYTES as u64 && is_header_start(&line)
                || self.is_zero_to_end(&line)?
            {
                Ok(Record::Torn)
            } else {
                Err(bad(
                    self.path,
                    self.offset,
                    "there is no header where a record should begin",
                ))
            };
        };
        let (digest, length) =
            parse_header(header).map_err(|error| bad(self.path, self.offset, error.why))?;
        let record_bytes = (line.len() + length + 1) as u64;
        if record_bytes > left {
            return Ok(Record::Torn);
        }
        let is_sound = match bytes {
            Bytes::Hash => Some(self.hash_bytes(length)? == digest),
            Bytes::StepOver => {
                self.file
                    .seek_relative(length as i64)
                    .map_err(at("read", self.path))?;
                None
            }
        };
        let mut newline = [0];
        self.file
            .read_exact(&mut newline)
            .map_err(at("read", self.path))?;
        if newline != *b"\n" {
            return Err(bad(
                self.path,
                self.offset,
                "the record that begins here has not the length it claims",
            ));
        }
        let head = RecordHead {
            offset: self.offset,
            digest,
            length,
            is_sound,
        };
        self.offset += record_bytes;
        Ok(Record::Complete(head))
    }

    fn hash_bytes(&mut self, length: usize) -> Result<PieceDigest, Error> {
        let mut hash = Sha256::new();
        let mut left = length;
        while left > 0 {
            let buffer = self.file.fill_buf().map_err(at("read", self.path))?;
            let count = buffer.len().min(left);
            if count == 0 {
                return Err(at("read", self.path)(io::ErrorKind::UnexpectedEof.into()));
            }
            hash.update(&buffer[..count]);
            self.file.consume(count);
            left -= count;
        }
        Ok(PieceDigest(hash.finalize().into()))
    }

    /// A file system may lengthen a file before the bytes arrive; after a power cut it then ends in zeros.
    fn is_zero_to_end(&mut self, begun: &[u8]) -> Result<bool, Error> {
        if begun.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        loop {
            let buffer = self.file.fill_buf().map_err(at("read", self.path))?;
            if buffer.is_empty() {
                return Ok(true);
            }
            if buffer.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            let count = buffer.len();
            self.file.consume(count);
        }
    }
}

/// True when `bytes` can be the beginning of a header line.
fn is_header_start(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(at, byte)| match at {
        0..64 => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        64 => *byte == b' ',
        _ => byte.is_ascii_digit(),
    })
}

pub(crate) fn bad(path: &Path, offset: u64, why: &'static str) -> Error {
    Error::Pack {
        path: path.to_owned(),
        offset,
        why,
    }
}

/// True when a complete record with the right digest begins somewhere within `tail` after its first byte, or when looking would take too long.
///
/// A torn record is the last one. If sound records follow it, its length was changed, and cutting it off would destroy them.
pub(crate) fn holds_sound_record(tail: &[u8]) -> bool {
    let mut may_hash = 4 * MAX_PACK_BYTES;
    let mut from = 0;
    while let Some(newline) = tail[from..].iter().position(|byte| *byte == b'\n') {
        from += newline + 1;
        let rest = &tail[from..];
        let head = &rest[..rest.len().min(MAX_HEADER_BYTES)];
        let Some(end) = head.iter().position(|byte| *byte == b'\n') else {
            continue;
        };
        let Ok((digest, length)) = parse_header(&head[..end]) else {
            continue;
        };
        let Some(piece) = rest.get(end + 1..end + 1 + length) else {
            continue;
        };
        if rest.get(end + 1 + length) != Some(&b'\n') {
            continue;
        }
        let Some(left) = may_hash.checked_sub(length as u64) else {
            return true;
        };
        may_hash = left;
        if PieceDigest::of(piece) == digest {
            return true;
        }
    }
    false
}
