//! An input that is being read.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use pollwatch_model::Problem;

use super::raw::{BUFFER_BYTES, Raw};
use super::unpack::{BombGuard, Unpacker};

/// How the bytes of an input are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952), of one or more members.
    Gzip,
    /// Zstandard (RFC 8878), of one or more frames.
    Zstd,
}

/// An input that is being read: its bytes unpacked, and an account of them as they lie on disk.
///
/// Read errors name the input and say what to do; everything that came before them has been given.
pub struct Opened {
    /// The name that locators and problems begin with.
    pub name: String,
    /// How it is packed.
    pub packing: Packing,
    /// Its size as it lies on disk, in bytes; `None` where it is not known beforehand.
    pub raw_size: Option<u64>,
    read: Arc<AtomicU64>,
    unpacked: BufReader<Unpacker>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("name", &self.name)
            .field("packing", &self.packing)
            .finish_non_exhaustive()
    }
}

/// What an input was, known when it has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// SHA-256 of its bytes as they lie on disk, in lower-case hex.
    pub sha256: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// What was odd about it although it could be read, such as bytes after the end of a gzip stream.
    pub problems: Vec<Problem>,
}

impl Opened {
    /// An input of that name from anything that gives bytes.
    ///
    /// Errors: when its first bytes cannot be read.
    pub fn from_reader(name: &str, bytes: impl Read + Send + 'static) -> io::Result<Self> {
        Self::with_guard(name, bytes, BombGuard::default())
    }

    fn with_guard(name: &str, bytes: impl Read + Send + 'static, guard: BombGuard) -> io::Result<Self> {
        let raw = Raw::new(Box::new(bytes));
        let read = raw.bytes_read();
        let (unpacker, packing) = Unpacker::new(name, raw, guard)?;
        let unpacked = BufReader::with_capacity(BUFFER_BYTES, unpacker);
        Ok(Opened {
            name: name.to_owned(),
            packing,
            raw_size: None,
            read,
            unpacked,
        })
    }

    /// The count of bytes taken from disk so far, to be looked at while reading goes on, also from another thread.
    pub fn raw_bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// Reads and drops `bytes` unpacked bytes, to take up an input where an earlier run left it.
    ///
    /// Errors: those of reading, and [`io::ErrorKind::UnexpectedEof`] when the input is shorter than that.
    pub fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let mut left = bytes;
        while left > 0 {
            let len = self.fill_buf()?.len();
            if len == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!(
                        "{} is shorter than when an earlier run read it, by {left} bytes: give it back its old content, \
                         or start a new run",
                        self.name
                    ),
                ));
            }
            let step = len.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(step);
            left -= step as u64;
        }
        Ok(())
    }

    /// Reads what is left on disk, without unpacking it, and gives the account of the whole.
    ///
    /// Errors: when the rest cannot be read.
    pub fn finish(self) -> io::Result<Source> {
        let (mut raw, trailing) = self.unpacked.into_inner().into_raw();
        let mut problems = Vec::new();
        if trailing > 0 {
            let what =
                format!("{trailing} bytes follow the end of the gzip stream and were not read as content");
            problems.push(Problem::remark(&self.name, None, what));
        }
        raw.drain()?;
        let (sha256, bytes) = raw.account();
        Ok(Source {
            sha256,
            bytes,
            problems,
        })
    }
}

impl Read for Opened {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.unpacked.read(out)
    }
}

impl BufRead for Opened {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.unpacked.fill_buf()
    }

    fn consume(&mut self, len: usize) {
        self.unpacked.consume(len);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use sha2::{Digest, Sha256};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn sha256(bytes: &[u8]) -> String {
        hex::encode(Sha256::digest(bytes))
    }

    /// What could be read, the error that ended it, and the account.
    fn read_all(raw: &[u8]) -> (Vec<u8>, Option<io::Error>, Source) {
        read_portions(raw, usize::MAX, BombGuard::default())
    }

    fn read_portions(raw: &[u8], portion: usize, guard: BombGuard) -> (Vec<u8>, Option<io::Error>, Source) {
        struct Portions(Cursor<Vec<u8>>, usize);
        impl Read for Portions {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let len = out.len().min(self.1);
                self.0.read(&mut out[..len])
            }
        }
        let mut opened =
            Opened::with_guard("in", Portions(Cursor::new(raw.to_vec()), portion), guard).unwrap();
        let mut text = Vec::new();
        let error = loop {
            match opened.fill_buf() {
                Ok([]) => break None,
                Ok(some) => {
                    text.extend_from_slice(some);
                    let len = some.len();
                    opened.consume(len);
                }
                Err(error) => break Some(error),
            }
        };
        (text, error, opened.finish().unwrap())
    }

    /// Text that does not shrink to nothing.
    fn sample() -> Vec<u8> {
        let mut state = 1_u64;
        (0..60_000)
            .flat_map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                format!("{:x}.example\n", state >> 40).into_bytes()
            })
            .collect()
    }

    #[test]
    fn every_packing_gives_the_same_text_and_the_digest_of_what_lies_on_disk() {
        let text = sample();
        let (half, rest) = text.split_at(text.len() / 2);
        let skippable = [
            b"\x53\x2a\x4d\x18\x03\0\0\0abc".as_slice(),
            &zstd::encode_all(&text[..], 3).unwrap(),
        ]
        .concat();
        let cases = [
            text.clone(),
            gzip(&text),
            [gzip(half), gzip(b""), gzip(rest)].concat(),
            zstd::encode_all(&text[..], 3).unwrap(),
            [
                zstd::encode_all(half, 3).unwrap(),
                zstd::encode_all(rest, 3).unwrap(),
            ]
            .concat(),
            skippable,
        ];
        for raw in cases {
            for portion in [usize::MAX, 1, 1000] {
                let (read, error, source) = read_portions(&raw, portion, BombGuard::default());
                assert!(error.is_none() && read == text, "{error:?}");
                let expected = Source {
                    sha256: sha256(&raw),
                    bytes: raw.len() as u64,
                    problems: Vec::new(),
                };
                assert_eq!(source, expected);
            }
        }
        let (read, error, source) = read_all(b"");
        assert!(read.is_empty() && error.is_none());
        assert_eq!(source.sha256, sha256(b""));
    }

    #[test]
    fn a_packed_file_that_breaks_off_gives_what_came_before() {
        let text = sample();
        for (packing, raw) in [
            ("gzip", gzip(&text)),
            ("zstd", zstd::encode_all(&text[..], 3).unwrap()),
        ] {
            let raw = &raw[..raw.len() * 3 / 4];
            let (read, error, source) = read_all(raw);
            assert!(
                read.len() > text.len() / 2 && text.starts_with(&read),
                "{packing}: {}",
                read.len()
            );
            let words = error.unwrap().to_string();
            assert!(
                words.starts_with(&format!("in breaks off: its {packing} stream has no end")),
                "{words}"
            );
            assert!(words.ends_with("copy or download it again"), "{words}");
            assert_eq!((source.sha256, source.bytes), (sha256(raw), raw.len() as u64));
        }
        // Only the last eight bytes, the check sum and length, are missing.
        let raw = gzip(&text);
        let (read, error, _) = read_all(&raw[..raw.len() - 8]);
        assert_eq!(read.len(), text.len());
        assert!(error.unwrap().to_string().contains("breaks off"));
    }

    #[test]
    fn a_damaged_file_says_so_with_its_cause() {
        let text = sample();
        for mut raw in [gzip(&text), zstd::encode_all(&text[..], 3).unwrap()] {
            let middle = raw.len() / 2;
            raw[middle..middle + 50].fill(0xaa);
            let (read, error, source) = read_all(&raw);
            let error = error.unwrap();
            assert!(read.len() < text.len() + BUFFER_BYTES);
            assert!(error.to_string().contains("is damaged"), "{error}");
            assert!(error.get_ref().unwrap().source().is_some());
            assert_eq!(source.sha256, sha256(&raw));
        }
    }

    #[test]
    fn bytes_after_a_gzip_stream_are_told_of() {
        let raw = [gzip(b"a.example\n"), b"rest of something".to_vec()].concat();
        let (read, error, source) = read_all(&raw);
        assert_eq!(read, b"a.example\n");
        assert!(error.is_none());
        assert_eq!(source.bytes, raw.len() as u64);
        assert_eq!(
            source.problems[0].to_string(),
            "in: 17 bytes follow the end of the gzip stream and were not read as content"
        );
    }

    #[test]
    fn a_bomb_is_stopped() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..64 {
            encoder.write_all(&zeros).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 64 * 1024);
        let guard = BombGuard {
            free_bytes: 16 << 20,
            ratio: 1000,
        };
        let (read, error, source) = read_portions(&bomb, usize::MAX, guard);
        assert!(read.len() < 32 << 20, "{}", read.len());
        let words = error.unwrap().to_string();
        assert!(words.starts_with(
            "in expands more than 1,000-fold, to over 16,777,216 bytes so far, and was stopped"
        ));
        assert_eq!(source.sha256, sha256(&bomb));
        // The same bytes below the bound, and any ratio of a plain file, are let through.
        let (read, error, _) = read_portions(&bomb, usize::MAX, BombGuard::default());
        assert!(error.is_none() && read.len() == 64 << 20);
    }

    #[test]
    fn a_window_beyond_the_limit_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(28).unwrap();
        encoder.write_all(b"a.example\n").unwrap();
        let (_, error, _) = read_all(&encoder.finish().unwrap());
        let words = error.unwrap().to_string();
        assert!(words.contains("a zstd window of more than 128 MiB"), "{words}");
    }

    #[test]
    fn skipping_leads_to_where_an_earlier_run_stopped() {
        let text = sample();
        let mut opened = Opened::from_reader("in", Cursor::new(gzip(&text))).unwrap();
        opened.skip(500_000).unwrap();
        let mut rest = Vec::new();
        opened.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, text[500_000..]);
        let mut opened = Opened::from_reader("in", Cursor::new(b"short".to_vec())).unwrap();
        let words = opened.skip(9).unwrap_err().to_string();
        assert!(
            words.starts_with("in is shorter than when an earlier run read it, by 4 bytes"),
            "{words}"
        );
    }

    #[test]
    fn the_account_is_whole_when_reading_stopped_early() {
        let raw = gzip(&sample());
        let mut opened = Opened::from_reader("in", Cursor::new(raw.clone())).unwrap();
        opened.skip(10).unwrap();
        assert_eq!(opened.finish().unwrap().sha256, sha256(&raw));
    }
}
