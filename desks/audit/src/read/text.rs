//! Bytes to UTF-8, whatever the export was written in, and the limits within which a record is read.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::error::OverLimit;
use super::source::read_full;

/// Text as UTF-8 bytes without a byte-order mark. UTF-16 is recognised by its mark, or by its zero bytes; everything else passes
/// as it is, see [`decode`].
pub(super) struct Text<R> {
    inner: R,
    decoder: Option<Decoder>,
    /// Bytes to hand out before any more are read.
    ready: Vec<u8>,
    at: usize,
    raw: Vec<u8>,
    ended: bool,
}

impl<R: Read> Text<R> {
    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let mut head = [0; 4];
        let got = read_full(&mut inner, &mut head)?;
        let head = &head[..got];
        let (skip, encoding) = match head {
            [0xef, 0xbb, 0xbf, ..] => (3, None),
            [0xff, 0xfe, ..] => (2, Some(UTF_16LE)),
            [0xfe, 0xff, ..] => (2, Some(UTF_16BE)),
            [a, 0, b, 0] if *a != 0 && *b != 0 => (0, Some(UTF_16LE)),
            [0, a, 0, b] if *a != 0 && *b != 0 => (0, Some(UTF_16BE)),
            _ => (0, None),
        };
        let mut text = Text {
            inner,
            decoder: encoding.map(|encoding| encoding.new_decoder_without_bom_handling()),
            ready: Vec::new(),
            at: 0,
            raw: Vec::new(),
            ended: false,
        };
        match text.decoder {
            None => text.ready.extend_from_slice(&head[skip..]),
            Some(_) => text.raw.extend_from_slice(&head[skip..]),
        }
        Ok(text)
    }

    fn refill(&mut self) -> io::Result<()> {
        /// A page of UTF-16; each unit becomes at most three bytes.
        const PAGE: usize = 1 << 16;
        let Some(decoder) = &mut self.decoder else {
            return Ok(());
        };
        self.ready.clear();
        self.at = 0;
        while self.ready.is_empty() && !self.ended {
            let held = self.raw.len();
            self.raw.resize(held.max(PAGE), 0);
            let got = if held < PAGE {
                self.inner.read(&mut self.raw[held..])?
            } else {
                0
            };
            self.raw.truncate(held + got);
            self.ended = got == 0 && held < PAGE;
            self.ready.resize(3 * PAGE + 16, 0);
            let (result, read, written, _) = decoder.decode_to_utf8(&self.raw, &mut self.ready, self.ended);
            debug_assert!(matches!(result, CoderResult::InputEmpty));
            self.ready.truncate(written);
            self.raw.drain(..read);
        }
        Ok(())
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            if self.decoder.is_none() {
                return self.inner.read(buffer);
            }
            self.refill()?;
        }
        let count = buffer.len().min(self.ready.len() - self.at);
        buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// How many more bytes may be read before the record ends.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    left: Rc<Cell<usize>>,
    whole: usize,
}

impl Budget {
    pub(super) fn new(whole: usize) -> Self {
        Budget {
            left: Rc::new(Cell::new(whole)),
            whole,
        }
    }

    /// A record has ended: the next one may have as many bytes.
    pub(super) fn renew(&self) {
        self.left.set(self.whole);
    }
}

/// Refuses to read on when a record never ends.
pub(super) struct Metered<R> {
    inner: R,
    budget: Budget,
}

impl<R> Metered<R> {
    pub(super) fn new(inner: R, budget: Budget) -> Self {
        Metered { inner, budget }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.left.get();
        if left == 0 {
            return Err(OverLimit::error(format!(
                "a record is longer than {} MiB",
                self.budget.whole >> 20
            )));
        }
        let got = self.inner.read(buffer)?;
        self.budget.left.set(left.saturating_sub(got));
        Ok(got)
    }
}

/// Text of a cell: UTF-8, or else Windows-1252, which spreadsheets on Windows write.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// What is meant by `="…"`: exports write it so that a spreadsheet leaves `001` alone.
pub(super) fn plain(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'=', b'"', inner @ .., b'"'] => inner,
        other => other,
    }
}

/// A stranger's text as it may be shown: shortened, control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    match text.chars().nth(60) {
        Some(_) => format!("\"{short}…\""),
        None => format!("\"{short}\""),
    }
}
