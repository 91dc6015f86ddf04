//! Cuts a stream of bytes into lines without copying them, in bounded memory.

use std::io::{self, BufRead};

use super::gather::MAX_RECORD_BYTES;

/// One line of the input.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line<'a> {
    /// The line with its line end, if it has one.
    Whole(&'a [u8]),
    /// A line of this many bytes, line end included: too long to be held, and skipped.
    TooLong(u64),
}

impl Line<'_> {
    /// Bytes of the input that the line takes, line end included.
    pub(super) fn len(&self) -> u64 {
        match self {
            Line::Whole(raw) => raw.len() as u64,
            Line::TooLong(len) => *len,
        }
    }
}

/// Whether to go on after a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    On,
    Stop,
}

/// Gives every line of `bytes` to `take` until it says [`Step::Stop`] or the bytes end; tells which of the two it was.
///
/// When it stops, exactly the bytes of the lines given have been consumed. What is given does not depend on how the reader
/// portions its bytes.
pub(super) fn split_lines(
    bytes: &mut dyn BufRead,
    mut take: impl FnMut(Line<'_>) -> Step,
) -> io::Result<Step> {
    // The beginning of a line that straddles two buffers, and the length of one that is being skipped.
    let mut carry: Vec<u8> = Vec::new();
    let mut skipped: u64 = 0;
    loop {
        let buffer = match bytes.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            if skipped > 0 {
                return Ok(take(Line::TooLong(skipped)));
            }
            if !carry.is_empty() {
                return Ok(take(whole_or_too_long(&carry)));
            }
            return Ok(Step::On);
        }
        let mut start = 0;
        let mut step = Step::On;
        for end in memchr::memchr_iter(b'\n', buffer).map(|at| at + 1) {
            let raw = &buffer[start..end];
            start = end;
            step = if skipped > 0 {
                let len = skipped + raw.len() as u64;
                skipped = 0;
                take(Line::TooLong(len))
            } else if carry.is_empty() {
                take(whole_or_too_long(raw))
            } else if carry.len() + raw.len() > MAX_RECORD_BYTES {
                let len = (carry.len() + raw.len()) as u64;
                carry.clear();
                take(Line::TooLong(len))
            } else {
                carry.extend_from_slice(raw);
                let step = take(Line::Whole(&carry));
                carry.clear();
                step
            };
            if step == Step::Stop {
                break;
            }
        }
        if step == Step::Stop {
            bytes.consume(start);
            return Ok(Step::Stop);
        }
        let rest = &buffer[start..];
        if skipped > 0 {
            skipped += rest.len() as u64;
        } else if carry.len() + rest.len() > MAX_RECORD_BYTES {
            skipped = (carry.len() + rest.len()) as u64;
            carry.clear();
        } else {
            carry.extend_from_slice(rest);
        }
        let used = buffer.len();
        bytes.consume(used);
    }
}

fn whole_or_too_long(raw: &[u8]) -> Line<'_> {
    if raw.len() > MAX_RECORD_BYTES {
        Line::TooLong(raw.len() as u64)
    } else {
        Line::Whole(raw)
    }
}

/// The line without its line end (LF or CR LF).
pub(super) fn without_line_end(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    raw.strip_suffix(b"\r").unwrap_or(raw)
}
