//! Blocks of whole lines, cut from a stream, with a bound on the length of a line.

use std::io::BufRead;

/// Longest line that is looked at, in bytes; the decode ladder takes no more either. What lies beyond is skipped and counted.
pub const MAX_LINE_BYTES: usize = 64 << 10;
/// Size of a block: large enough that handing it over costs nothing, small enough that its rows stay in the cache.
const BLOCK_BYTES: usize = 512 << 10;

/// Whole lines.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The lines, each with its end.
    pub bytes: Vec<u8>,
    /// Number of its first line, from 1.
    pub first_line: u64,
    /// Bytes of the stream before and up to its end.
    pub end_offset: u64,
    /// How many lines it holds, the last of a stream counted where it has no end.
    pub lines: u64,
    /// Numbers of the lines that were longer than [`MAX_LINE_BYTES`] and end there.
    pub cut_lines: Vec<u64>,
    /// Whether it is the last.
    pub is_last: bool,
}

/// Cuts a stream into blocks.
#[derive(Debug, Default)]
pub struct Blocks {
    carry: Vec<u8>,
    offset: u64,
    line: u64,
    /// In a line that is longer than the bound.
    is_skipping: bool,
    spare: Vec<Vec<u8>>,
    is_over: bool,
    /// More bytes may follow the end: a line without its end waits for the rest.
    may_grow: bool,
}

impl Blocks {
    /// Of a stream that begins at `offset`, behind `line` lines.
    pub fn new(offset: u64, line: u64) -> Self {
        Blocks {
            offset,
            line,
            ..Blocks::default()
        }
    }

    /// Says whether more may follow what the stream now ends with.
    pub fn set_growing(&mut self, may_grow: bool) {
        self.may_grow = may_grow;
        self.is_over = false;
    }

    /// Whether the next block begins at `offset`: what was read ahead of it is still held.
    pub fn stands_at(&self, offset: u64) -> bool {
        self.offset - self.carry.len() as u64 == offset
    }

    /// Takes back the bytes of a block that was read, so that none need be allocated.
    pub fn give_back(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < 8 {
            bytes.clear();
            self.spare.push(bytes);
        }
    }

    /// The next block; `None` behind the last. An error of the stream is returned once what came before it has been.
    pub fn next(&mut self, stream: &mut dyn BufRead) -> std::io::Result<Option<Block>> {
        if self.is_over {
            return Ok(None);
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.reserve(BLOCK_BYTES + MAX_LINE_BYTES);
        bytes.append(&mut self.carry);
        let mut cut_lines = Vec::new();
        loop {
            let got = match stream.fill_buf() {
                Ok(got) => got,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) if bytes.is_empty() => return Err(error),
                Err(_) => break,
            };
            if got.is_empty() {
                self.is_over = !self.may_grow;
                break;
            }
            if self.is_skipping {
                let taken = memchr::memchr(b'\n', got).unwrap_or(got.len());
                self.is_skipping = taken == got.len();
                self.offset += taken as u64;
                stream.consume(taken);
                continue;
            }
            let taken = got.len().min(BLOCK_BYTES);
            let before = bytes.len();
            bytes.extend_from_slice(&got[..taken]);
            stream.consume(taken);
            self.offset += taken as u64;
            let last_end = memchr::memrchr(b'\n', &bytes[before..]).map(|at| before + at);
            let open = bytes.len()
                - last_end.map_or_else(
                    || memchr::memrchr(b'\n', &bytes[..before]).map_or(0, |at| at + 1),
                    |at| at + 1,
                );
            if open > MAX_LINE_BYTES {
                // The line is closed here; its rest is skipped.
                let begun = bytes.len() - open;
                let line = self.line + memchr::memchr_iter(b'\n', &bytes[..begun]).count() as u64 + 1;
                cut_lines.push(line);
                bytes.truncate(begun + MAX_LINE_BYTES);
                self.is_skipping = true;
            }
            if bytes.len() >= BLOCK_BYTES && !self.is_skipping {
                break;
            }
        }
        if !self.is_over
            && !self.is_skipping
            && let Some(at) = memchr::memrchr(b'\n', &bytes)
        {
            self.carry.extend_from_slice(&bytes[at + 1..]);
            bytes.truncate(at + 1);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let first_line = self.line + 1;
        let ends = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        self.line += ends + u64::from(!bytes.ends_with(b"\n") && !self.is_skipping);
        Ok(Some(Block {
            first_line,
            lines: ends + u64::from(!bytes.ends_with(b"\n")),
            end_offset: self.offset - self.carry.len() as u64,
            cut_lines,
            is_last: self.is_over,
            bytes,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    fn lines_of(stream: &mut dyn BufRead) -> (Vec<Vec<u8>>, u64, Vec<u64>) {
        let mut blocks = Blocks::new(0, 0);
        let (mut lines, mut end, mut cut) = (Vec::new(), 0, Vec::new());
        while let Some(block) = blocks.next(stream).unwrap() {
            assert_eq!(block.first_line, lines.len() as u64 + 1);
            lines.extend(
                block
                    .bytes
                    .split_inclusive(|byte| *byte == b'\n')
                    .map(<[u8]>::to_vec),
            );
            end = block.end_offset;
            cut.extend(block.cut_lines);
        }
        (lines, end, cut)
    }

    #[test]
    fn lines_are_whole_whatever_the_stream_hands_out() {
        let text: String = (0..40_000)
            .map(|n| format!("line number {n} of a log\n"))
            .collect::<String>()
            + "the end";
        for size in [7, 4096, 1 << 20] {
            let (lines, end, cut) = lines_of(&mut BufReader::with_capacity(size, text.as_bytes()));
            assert_eq!(lines.len(), 40_001, "buffer of {size}");
            assert_eq!(lines.concat(), text.as_bytes());
            assert_eq!(end, text.len() as u64);
            assert!(cut.is_empty());
        }
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let long = std::io::repeat(b'a').take(30 << 20);
        let mut stream = BufReader::new(b"first\n".chain(long).chain(&b"\nlast\n"[..]));
        let (lines, end, cut) = lines_of(&mut stream);
        assert_eq!(lines.iter().map(Vec::len).max(), Some(MAX_LINE_BYTES + 1));
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2], b"last\n");
        assert_eq!(end, 6 + (30 << 20) + 6);
        assert_eq!(cut, [2]);
    }
}
