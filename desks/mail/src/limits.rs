//! The bounds within which one message is looked at, and the account of what was cut off by them.
//!
//! A budget counts work, not seconds, so that the same message gives the same answer on every machine. What did not fit is
//! never passed over in silence: each cut is a sentence that the answer repeats as "not looked at: …".

use std::collections::BTreeSet;

/// Largest message that is looked at, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 50 << 20;
/// Largest header block, in bytes.
pub const MAX_HEADER_BYTES: usize = 1 << 20;
/// Most header fields of one message.
pub const MAX_HEADER_FIELDS: usize = 2_000;
/// Deepest nesting of multiparts.
pub const MAX_MIME_DEPTH: usize = 20;
/// Most MIME parts of one message.
pub const MAX_PARTS: usize = 1_000;
/// Deepest nesting of messages within messages.
pub const MAX_MESSAGE_DEPTH: usize = 5;
/// Deepest nesting of archives within archives.
pub const MAX_ARCHIVE_DEPTH: usize = 3;
/// Most archive entries of one message.
pub const MAX_ARCHIVE_ENTRIES: usize = 1_000;
/// Most bytes that are inflated for one message, in all.
pub const MAX_INFLATED_BYTES: u64 = 200 << 20;
/// Largest ratio of inflated to packed bytes, once more than 1 MiB was inflated.
pub const MAX_INFLATE_RATIO: u64 = 100;
/// Largest single inflated PDF or gzip stream, in bytes.
pub const MAX_STREAM_BYTES: usize = 32 << 20;
/// Largest picture, in pixels.
pub const MAX_IMAGE_PIXELS: u64 = 40_000_000;
/// Most pictures of one message that are opened.
pub const MAX_IMAGES: usize = 50;
/// Most pictures of one message that are searched for QR codes.
pub const MAX_QR_IMAGES: usize = 20;
/// Most pixels of one message that are searched for QR codes, in all: the search is the slowest thing there is here.
pub const MAX_QR_PIXELS: u64 = 12_000_000;
/// Longest HTML text that is read, in bytes.
pub const MAX_HTML_BYTES: usize = 5 << 20;
/// Most links of one message that are judged.
pub const MAX_LINKS: usize = 2_000;
/// Most bytes of one message that are passed through readers, each pass counted.
pub const MAX_WORK_BYTES: u64 = 1 << 30;

/// What may still be spent on one message, and what was not looked at.
#[derive(Debug, Clone)]
pub struct Budget {
    work: u64,
    inflated: u64,
    entries: usize,
    images: usize,
    qr_images: usize,
    qr_pixels: u64,
    links: usize,
    cuts: BTreeSet<String>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            work: MAX_WORK_BYTES,
            inflated: MAX_INFLATED_BYTES,
            entries: MAX_ARCHIVE_ENTRIES,
            images: MAX_IMAGES,
            qr_images: MAX_QR_IMAGES,
            qr_pixels: MAX_QR_PIXELS,
            links: MAX_LINKS,
            cuts: BTreeSet::new(),
        }
    }
}

impl Budget {
    /// Notes what was not looked at: a noun phrase for "not looked at: …", such as "the archive a.zip beyond 1,000 entries".
    /// Must not hold a recipient's address or text of the body.
    pub fn cut(&mut self, what: impl Into<String>) {
        // A message with a thousand bombs needs no thousand sentences.
        if self.cuts.len() < 100 {
            self.cuts.insert(what.into());
        }
    }

    /// What was not looked at so far, each said once.
    pub fn cuts(&self) -> impl Iterator<Item = &str> {
        self.cuts.iter().map(String::as_str)
    }

    /// Whether anything was cut.
    pub fn is_cut(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// Takes `bytes` of work (bytes passed through a reader). False when the budget is spent: stop, and say what was cut.
    #[must_use]
    pub fn work(&mut self, bytes: usize) -> bool {
        take(&mut self.work, bytes as u64)
    }

    /// Takes `bytes` of inflated data. False when the budget is spent.
    #[must_use]
    pub fn inflate(&mut self, bytes: usize) -> bool {
        take(&mut self.inflated, bytes as u64)
    }

    /// Bytes that may still be inflated.
    pub fn inflatable(&self) -> u64 {
        self.inflated
    }

    /// Takes one archive entry. False when the budget is spent.
    #[must_use]
    pub fn entry(&mut self) -> bool {
        take_one(&mut self.entries)
    }

    /// Takes one picture to open. False when the budget is spent.
    #[must_use]
    pub fn image(&mut self) -> bool {
        take_one(&mut self.images)
    }

    /// Takes one search of a picture of `pixels` for QR codes. False when the budget is spent.
    #[must_use]
    pub fn qr_image(&mut self, pixels: u64) -> bool {
        self.qr_images > 0 && take(&mut self.qr_pixels, pixels) && take_one(&mut self.qr_images)
    }

    /// Takes one link. False when the budget is spent.
    #[must_use]
    pub fn link(&mut self) -> bool {
        take_one(&mut self.links)
    }
}

fn take(left: &mut u64, amount: u64) -> bool {
    if *left < amount {
        return false;
    }
    *left -= amount;
    true
}

fn take_one(left: &mut usize) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_refuses_and_says_each_cut_once() {
        let mut budget = Budget::default();
        assert!(budget.inflate(MAX_INFLATED_BYTES as usize));
        assert!(!budget.inflate(1));
        budget.cut("the archive a.zip");
        budget.cut("the archive a.zip");
        assert_eq!(budget.cuts().collect::<Vec<_>>(), ["the archive a.zip"]);
        assert!((0..MAX_LINKS).all(|_| budget.link()));
        assert!(!budget.link());
    }
}
