//! Inflates with bounds: never more than the message's budget, a stream's limit and the ratio of a bomb.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::limits::{self, Budget};

/// How the bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Raw deflate (RFC 1951), as in zip.
    Deflate,
    /// Deflate with the zlib frame (RFC 1950), as in PDF.
    Zlib,
    /// gzip (RFC 1952).
    Gzip,
}

/// What came out.
#[derive(Debug, Default)]
pub(super) struct Inflated {
    pub(super) bytes: Vec<u8>,
    /// Whether a bound stopped it.
    pub(super) is_cut: bool,
    /// Whether the data was broken; what came before is kept.
    pub(super) is_broken: bool,
}

/// Inflates `packed`, at most `most` bytes of it.
pub(super) fn inflate(packed: &[u8], packing: Packing, most: usize, budget: &mut Budget) -> Inflated {
    match packing {
        Packing::Deflate => drain(DeflateDecoder::new(packed), packed.len(), most, budget),
        Packing::Zlib => {
            let inflated = drain(ZlibDecoder::new(packed), packed.len(), most, budget);
            // A broken frame hides nothing from PDF viewers: the data behind its two bytes is read without it.
            match packed.get(2..) {
                Some(bare) if inflated.is_broken && inflated.bytes.is_empty() => {
                    drain(DeflateDecoder::new(bare), bare.len(), most, budget)
                }
                _ => inflated,
            }
        }
        Packing::Gzip => drain(MultiGzDecoder::new(packed), packed.len(), most, budget),
    }
}

fn drain(mut source: impl Read, packed: usize, most: usize, budget: &mut Budget) -> Inflated {
    let mut out = Inflated::default();
    let mut chunk = [0_u8; 16 << 10];
    loop {
        match source.read(&mut chunk) {
            Ok(0) => return out,
            Ok(read) => {
                let total = out.bytes.len() + read;
                let is_bomb =
                    total > (1 << 20) && total as u64 > limits::MAX_INFLATE_RATIO * packed.max(1) as u64;
                if total > most || is_bomb || !budget.inflate(read) {
                    out.is_cut = true;
                    return out;
                }
                out.bytes.extend_from_slice(&chunk[..read]);
            }
            Err(_) => {
                out.is_broken = true;
                return out;
            }
        }
    }
}
