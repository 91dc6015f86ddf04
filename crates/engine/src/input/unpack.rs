//! Unpacks, watches how far an input expands, and puts errors into words.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

use super::Packing;
use super::raw::Raw;

/// Largest zstd window, as a power of two, in bytes: what `zstd` itself accepts unless asked for more (`zstd(1)`, `--long`).
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// When a packed input is taken for a bomb: more than `free_bytes` unpacked, at more than `ratio` to one.
#[derive(Debug, Clone, Copy)]
pub(super) struct BombGuard {
    pub(super) free_bytes: u64,
    pub(super) ratio: u64,
}

impl Default for BombGuard {
    /// 1 GiB and 1,000 to one. Lists of names shrink to a third or a tenth; the most repetitive log not a hundredfold.
    fn default() -> Self {
        BombGuard {
            free_bytes: 1 << 30,
            ratio: 1000,
        }
    }
}

enum Stream {
    Plain(Raw),
    Gzip(Box<GzDecoder<Raw>>),
    Zstd(zstd::stream::read::Decoder<'static, Raw>),
    /// Nothing more to unpack.
    Ended(Raw),
}

/// Unpacks, watches the ratio, and puts errors into words.
pub(super) struct Unpacker {
    name: String,
    /// Always there between two calls.
    stream: Option<Stream>,
    guard: BombGuard,
    unpacked: u64,
    read: Arc<AtomicU64>,
    trailing: u64,
}

impl Read for Unpacker {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let len = self.unpack(out).map_err(|error| self.explained(error))?;
        self.unpacked += len as u64;
        let is_packed = matches!(self.stream, Some(Stream::Gzip(_) | Stream::Zstd(_)));
        let raw = self.read.load(Ordering::Relaxed);
        if is_packed
            && self.unpacked > self.guard.free_bytes
            && self.unpacked > raw.saturating_mul(self.guard.ratio)
        {
            return Err(io::Error::other(format!(
                "{} expands more than {}-fold, to over {} bytes so far, and was stopped: it looks made to fill memory or \
                 disk; if it is not, unpack it and give the unpacked file",
                self.name,
                thousands(self.guard.ratio),
                thousands(self.guard.free_bytes),
            )));
        }
        Ok(len)
    }
}

impl Unpacker {
    /// Looks at the first bytes of `raw` to tell how it is packed.
    ///
    /// Errors: when they cannot be read.
    pub(super) fn new(name: &str, mut raw: Raw, guard: BombGuard) -> io::Result<(Self, Packing)> {
        let read = raw.bytes_read();
        let packing = packing_of(raw.peek(4)?);
        let stream = match packing {
            Packing::Plain => Stream::Plain(raw),
            Packing::Gzip => Stream::Gzip(Box::new(GzDecoder::new(raw))),
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
                decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
                Stream::Zstd(decoder)
            }
        };
        let unpacker = Unpacker {
            name: name.to_owned(),
            stream: Some(stream),
            guard,
            unpacked: 0,
            read,
            trailing: 0,
        };
        Ok((unpacker, packing))
    }

    /// What lies beneath, and how many bytes followed the end of a gzip stream.
    pub(super) fn into_raw(mut self) -> (Raw, u64) {
        let raw = match self
            .stream
            .take()
            .expect("only a read that panicked leaves no stream")
        {
            Stream::Plain(raw) | Stream::Ended(raw) => raw,
            Stream::Gzip(decoder) => decoder.into_inner(),
            Stream::Zstd(decoder) => decoder.finish(),
        };
        (raw, self.trailing)
    }

    fn unpack(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let len = match self.stream.as_mut().expect("there is a stream between two calls") {
                Stream::Plain(raw) => return raw.read(out),
                Stream::Zstd(decoder) => return decoder.read(out),
                Stream::Ended(_) => return Ok(0),
                Stream::Gzip(decoder) => decoder.read(out)?,
            };
            if len > 0 {
                return Ok(len);
            }
            // A member has ended: another one, the end, or something else follows.
            if let Some(Stream::Gzip(decoder)) = self.stream.take() {
                let mut raw = decoder.into_inner();
                let next = raw.peek(2).map(|bytes| (bytes.is_empty(), packing_of(bytes)));
                let stream = match next {
                    Ok((false, Packing::Gzip)) => Stream::Gzip(Box::new(GzDecoder::new(raw))),
                    Ok((true, _)) | Err(_) => Stream::Ended(raw),
                    Ok((false, _)) => {
                        let drained = raw.drain();
                        self.trailing = *drained.as_ref().unwrap_or(&0);
                        Stream::Ended(raw)
                    }
                };
                self.stream = Some(stream);
                next?;
            }
        }
    }

    fn explained(&self, error: io::Error) -> io::Error {
        let packing = match self.stream {
            Some(Stream::Gzip(_)) => "gzip",
            Some(Stream::Zstd(_)) => "zstd",
            _ => {
                return io::Error::new(
                    error.kind(),
                    Explained {
                        what: format!("cannot read {}", self.name),
                        error,
                    },
                );
            }
        };
        let read = thousands(self.read.load(Ordering::Relaxed));
        let text = error.to_string();
        let what = if error.kind() == io::ErrorKind::Interrupted {
            return error;
        } else if error.kind() == io::ErrorKind::UnexpectedEof || text.contains("incomplete frame") {
            format!(
                "{} breaks off: its {packing} stream has no end after {read} bytes on disk; what came before was read; copy \
                 or download it again",
                self.name
            )
        } else if text.contains("too much memory") {
            format!(
                "{} needs a zstd window of more than 128 MiB, which is not granted: unpack it with zstd --long=31 and give \
                 the unpacked file",
                self.name
            )
        } else {
            format!(
                "{} is damaged: its {packing} stream cannot be unpacked near byte {read} on disk; what came before was read; \
                 copy or download it again",
                self.name
            )
        };
        io::Error::new(error.kind(), Explained { what, error })
    }
}

fn packing_of(first: &[u8]) -> Packing {
    match first {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        // A frame, or a frame to be skipped (RFC 8878, sections 3.1.1 and 3.1.2).
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Packing::Zstd,
        _ => Packing::Plain,
    }
}

/// An error in words for a person, with its cause.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct Explained {
    what: String,
    #[source]
    error: io::Error,
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
