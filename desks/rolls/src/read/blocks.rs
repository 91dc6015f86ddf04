//! Cuts a stream into blocks of whole records, so that several threads can read at once.

use std::io::{self, BufRead};

use super::split::Form;
use super::{MAX_RECORD_BYTES, MAX_RECORD_LINES};

/// Size of a block: large against the cost of handing it over, small against memory.
const BLOCK_BYTES: usize = 1 << 20;

/// A run of whole records.
#[derive(Debug, Default)]
pub struct Block {
    /// Its number, from 0.
    pub number: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Reads blocks from a stream.
pub struct Blocks<'a> {
    stream: &'a mut dyn BufRead,
    /// What was read and belongs to the next block.
    held: Vec<u8>,
    offset: u64,
    number: u64,
    is_ended: bool,
    quote: bool,
}

impl<'a> Blocks<'a> {
    /// Blocks of `stream`, which begins at `offset`; `held` was read of it already.
    pub fn new(stream: &'a mut dyn BufRead, held: Vec<u8>, offset: u64, form: &Form) -> Self {
        Blocks {
            stream,
            held,
            offset,
            number: 0,
            is_ended: false,
            quote: form.quote,
        }
    }

    /// The next block, in `buffer` where one is given back; `None` at the end.
    pub fn next_block(&mut self, buffer: Vec<u8>) -> io::Result<Option<Block>> {
        let mut bytes = buffer;
        bytes.clear();
        bytes.append(&mut self.held);
        // A record that is longer than a block ends it all the same: the reader of records refuses it.
        while !self.is_ended && bytes.len() < BLOCK_BYTES {
            let ready = self.stream.fill_buf()?;
            if ready.is_empty() {
                self.is_ended = true;
                break;
            }
            let take = ready.len();
            bytes.extend_from_slice(ready);
            self.stream.consume(take);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        if !self.is_ended {
            let cut = self.cut(&bytes);
            self.held.extend_from_slice(&bytes[cut..]);
            bytes.truncate(cut);
        }
        let block = Block {
            number: self.number,
            offset: self.offset,
            bytes,
        };
        self.number += 1;
        self.offset += block.bytes.len() as u64;
        Ok(Some(block))
    }

    /// Where to cut: behind a line feed that does not stand inside quotes, as far as the lines around it tell.
    fn cut(&self, bytes: &[u8]) -> usize {
        let Some(last) = memchr::memrchr(b'\n', bytes) else {
            return bytes.len();
        };
        if !self.quote {
            return last + 1;
        }
        // Behind the last of so many lines with paired quotes as a record may have, so that no record straddles the cut.
        let floor = bytes.len().saturating_sub(MAX_RECORD_BYTES);
        let (mut end, mut paired, mut candidate) = (last, 0, last + 1);
        while end > floor {
            let start = memchr::memrchr(b'\n', &bytes[..end]).map_or(0, |at| at + 1);
            let quotes = memchr::memchr_iter(b'"', &bytes[start..end]).count();
            if quotes.is_multiple_of(2) {
                if paired == 0 {
                    candidate = end + 1;
                }
                paired += 1;
                // Lines of ordinary rolls are paired; one with quotes of its own cannot be the inside of a record.
                if quotes > 0 || paired == MAX_RECORD_LINES {
                    return candidate;
                }
            } else {
                paired = 0;
            }
            if start == 0 {
                break;
            }
            end = start - 1;
        }
        last + 1
    }
}
