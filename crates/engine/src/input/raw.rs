//! The bytes of an input as they lie on disk.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// Size of a read buffer, in bytes: larger ones were not faster.
pub const BUFFER_BYTES: usize = 256 * 1024;

/// The bytes as they lie on disk, counted and digested as they are taken.
pub(super) struct Raw {
    bytes: Box<dyn Read + Send>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    digest: Sha256,
    read: Arc<AtomicU64>,
}

impl Raw {
    pub(super) fn new(bytes: Box<dyn Read + Send>) -> Self {
        Raw {
            bytes,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            digest: Sha256::new(),
            read: Arc::new(AtomicU64::new(0)),
        }
    }

    /// The count of bytes taken so far, shared.
    pub(super) fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// SHA-256, in lower-case hex, and number of the bytes taken.
    pub(super) fn account(self) -> (String, u64) {
        (
            hex::encode(self.digest.finalize()),
            self.read.load(Ordering::Relaxed),
        )
    }

    /// The next bytes without taking them: `len` of them, or fewer where the input ends. `len` is small.
    pub(super) fn peek(&mut self, len: usize) -> io::Result<&[u8]> {
        debug_assert!(len <= self.buffer.len(), "a peek fits the buffer");
        if self.end - self.start < len {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < len && self.take_more()? > 0 {}
        }
        Ok(&self.buffer[self.start..self.end.min(self.start + len)])
    }

    /// Reads into the free end of the buffer.
    fn take_more(&mut self) -> io::Result<usize> {
        let len = loop {
            match self.bytes.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.digest.update(&self.buffer[self.end..self.end + len]);
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        self.end += len;
        Ok(len)
    }

    /// Takes all that is left; gives how many bytes that was.
    pub(super) fn drain(&mut self) -> io::Result<u64> {
        let mut drained = 0;
        loop {
            let len = self.fill_buf()?.len();
            if len == 0 {
                return Ok(drained);
            }
            drained += len as u64;
            self.consume(len);
        }
    }
}

impl Read for Raw {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let buffer = self.fill_buf()?;
        let len = buffer.len().min(out.len());
        out[..len].copy_from_slice(&buffer[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for Raw {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.take_more()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, len: usize) {
        self.start = (self.start + len).min(self.end);
    }
}
