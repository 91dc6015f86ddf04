//! Looks into attachments: bytes to links, files, text and signals. Nothing is run and nothing is fetched.
//!
//! What an attachment is, its bytes say, not its name; every reading that a program might take is taken. Files inside files
//! wait in a queue, so that nothing recurses however deep they are nested, and every bound of [`crate::limits`] that is met
//! is said as a cut. Readers of other people that might panic on hostile bytes are called behind `catch_unwind`.

mod archive;
mod calendar;
mod html;
mod inflate;
mod kind;
mod name;
mod office;
mod pdf;
mod picture;
mod qr;
mod script;
mod shortcut;
mod url;
mod zip;

use std::borrow::Cow;
use std::collections::VecDeque;

use md5::Md5;
use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};

use crate::evidence::{File, FoundLink, Quote, Seen, Via};
use crate::limits::{self, Budget};
use crate::signal::Signal;
use kind::Kind;

pub use qr::{qr_in_tables, qr_in_text};

/// Most text of one attachment that is handed on, in bytes.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// Deepest nesting of pages that scripts write.
const MAX_PAGE_DEPTH: usize = 3;
/// Most signals of one attachment.
const MAX_SEEN: usize = 200;
/// Most files of one attachment that are named: more than archive entries, because pages and documents hold some too.
const MAX_FILES: usize = 2_000;
/// Longest address that is kept, in bytes: browsers take 2 MiB at most, and no honest one is nearly as long as this.
const MAX_URL_BYTES: usize = 64 << 10;

/// One attachment, or one picture of the body.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// MIME part path, such as `2`.
    pub part: &'a str,
    /// File name as decoded; empty when none.
    pub name: &'a str,
    /// Declared media type, in lower case, such as `application/pdf`.
    pub declared: &'a str,
    /// Its bytes, transfer encoding undone.
    pub bytes: &'a [u8],
}

/// What an attachment holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// Links, however deep.
    pub links: Vec<FoundLink>,
    /// Files: the attachment itself first.
    pub files: Vec<File>,
    /// Signals that the bytes alone give.
    pub seen: Vec<Seen>,
    /// Text that a reader would see, at most 256 KiB, with the part it stands in.
    pub text: Vec<(String, String)>,
    /// Messages inside (in archives): part path and bytes.
    pub messages: Vec<(String, Vec<u8>)>,
}

/// Looks into `attachment`.
pub fn examine(attachment: Attachment<'_>, budget: &mut Budget) -> Contents {
    let mut look = Look::new(budget);
    look.queue.push_back(Item {
        part: attachment.part.to_owned(),
        name: attachment.name.to_owned(),
        declared: attachment.declared.to_owned(),
        bytes: Cow::Borrowed(attachment.bytes),
        archive_depth: 0,
        page_depth: 0,
        is_embedded: false,
    });
    while let Some(item) = look.queue.pop_front() {
        look.item(&item);
    }
    look.contents
}

/// A file that waits to be looked into.
#[derive(Debug, Clone)]
struct Item<'a> {
    part: String,
    name: String,
    declared: String,
    bytes: Cow<'a, [u8]>,
    archive_depth: usize,
    page_depth: usize,
    is_embedded: bool,
}

impl Item<'_> {
    /// A file called `name` inside this one.
    fn inside(&self, name: &str, bytes: Vec<u8>) -> Item<'static> {
        Item {
            part: part_inside(&self.part, name),
            name: name.to_owned(),
            declared: String::new(),
            bytes: Cow::Owned(bytes),
            archive_depth: self.archive_depth + 1,
            page_depth: self.page_depth,
            is_embedded: true,
        }
    }

    /// The name where there is one, "the attachment" otherwise: for sentences and cuts.
    fn called(&self) -> String {
        called(&self.name)
    }
}

fn part_inside(part: &str, name: &str) -> String {
    let name: String = name.chars().take(120).collect();
    format!("{part}/{name}")
}

/// A file's name for a sentence: invisible marks made visible, and short.
fn called(name: &str) -> String {
    match name.trim() {
        "" => "the attachment".to_owned(),
        name => name::visible(name).chars().take(80).collect(),
    }
}

/// The looking itself: what was found so far, and what is still to look into.
struct Look<'a, 'b> {
    budget: &'b mut Budget,
    contents: Contents,
    queue: VecDeque<Item<'a>>,
    known_links: FxHashSet<(String, Via, String)>,
    text_bytes: usize,
}

impl<'b> Look<'_, 'b> {
    fn new(budget: &'b mut Budget) -> Self {
        Look {
            budget,
            contents: Contents::default(),
            queue: VecDeque::new(),
            known_links: FxHashSet::default(),
            text_bytes: 0,
        }
    }

    fn item(&mut self, item: &Item<'_>) {
        self.file(item);
        name::look(item, self);
        if item.bytes.is_empty() {
            return;
        }
        if !self.budget.work(item.bytes.len()) {
            self.budget.cut(format!("the file {}", item.called()));
            return;
        }
        let kind = kind::of(&item.bytes, &item.name, &item.declared);
        kind::look_for_mismatch(item, kind, self);
        match kind {
            Kind::Html => html::look(item, &text_of(&item.bytes), self),
            Kind::Mht => {
                if item.archive_depth > 0 {
                    self.message(item);
                }
                html::look_mht(item, self);
            }
            Kind::Svg => html::look_svg(item, &text_of(&item.bytes), self),
            Kind::Pdf => pdf::look(item, self),
            Kind::Zip => zip::look(item, self),
            Kind::Tar => archive::look_tar(item, self),
            Kind::Gzip => archive::look_gzip(item, self),
            Kind::Iso => archive::look_iso(item, self),
            Kind::DiskImage => archive::look_disk(item, self),
            Kind::SevenZip | Kind::Rar | Kind::Cab | Kind::OtherArchive => archive::look_closed(item, self),
            Kind::Ole => office::look_ole(item, self),
            Kind::Rtf => office::look_rtf(item, self),
            Kind::OneNote => office::look_onenote(item, self),
            Kind::Calendar | Kind::Card => calendar::look(item, &text_of(&item.bytes), self),
            Kind::Lnk => shortcut::look_lnk(item, self),
            Kind::ShortcutText => shortcut::look_text(item, &text_of(&item.bytes), self),
            Kind::Script => script::look_file(item, &text_of(&item.bytes), self),
            Kind::Xml => office::look_flat(item, &text_of(&item.bytes), self),
            Kind::Message => {
                if item.is_embedded {
                    self.message(item);
                }
            }
            Kind::Png | Kind::Jpeg | Kind::Gif | Kind::Bmp | Kind::Webp => picture::look(item, kind, self),
            Kind::Text => {
                let text = text_of(&item.bytes);
                self.links_of_text(&text, Via::Text, &item.part);
                self.text(&item.part, &text);
            }
            Kind::Program => {}
            Kind::Unknown => self.links_of_unknown(item),
        }
    }

    fn file(&mut self, item: &Item<'_>) {
        if self.contents.files.len() >= MAX_FILES {
            self.budget.cut("names of files beyond 2,000");
            return;
        }
        self.contents.files.push(File {
            name: item.name.clone(),
            part: item.part.clone(),
            bytes: item.bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(&item.bytes)),
            md5: hex::encode(Md5::digest(&item.bytes)),
            is_embedded: item.is_embedded,
        });
    }

    /// A file of which only the name is known.
    fn file_by_name(&mut self, part: &str, name: &str, bytes: u64) {
        if self.contents.files.len() < MAX_FILES {
            self.contents.files.push(File {
                name: name.to_owned(),
                part: part_inside(part, name),
                bytes,
                sha256: String::new(),
                md5: String::new(),
                is_embedded: true,
            });
        }
    }

    fn message(&mut self, item: &Item<'_>) {
        self.contents
            .messages
            .push((item.part.clone(), item.bytes.to_vec()));
    }

    fn seen(&mut self, signal: Signal, says: impl Into<String>, part: &str, offset: usize, quote: &str) {
        let says = says.into();
        let is_known = self
            .contents
            .seen
            .iter()
            .any(|known| known.signal == signal && known.says == says);
        if !is_known && self.contents.seen.len() < MAX_SEEN {
            self.contents.seen.push(Seen {
                signal,
                says,
                quote: Quote::new(part, offset, quote),
            });
        }
    }

    fn has(&self, signal: Signal, part: &str) -> bool {
        self.contents
            .seen
            .iter()
            .any(|seen| seen.signal == signal && seen.quote.part == part)
    }

    fn link(&mut self, url: &str, text: &str, via: Via, part: &str, offset: usize) {
        let url = url.trim();
        if url.is_empty() || url.starts_with('#') {
            return;
        }
        if url.len() > MAX_URL_BYTES {
            self.budget.cut("addresses longer than 64 KiB");
            return;
        }
        if self.contents.links.len() >= limits::MAX_LINKS {
            self.budget.cut("links of an attachment beyond 2,000");
            return;
        }
        if self.known_links.insert((url.to_owned(), via, part.to_owned())) {
            self.contents.links.push(FoundLink {
                url: url.to_owned(),
                text: text.chars().take(Quote::MAX_CHARS).collect(),
                via,
                part: part.to_owned(),
                offset,
            });
        }
    }

    /// Takes every address of `text` as a link; says whether there was a web address.
    fn links_of_text(&mut self, text: &str, via: Via, part: &str) -> bool {
        let mut is_web = false;
        for found in url::in_text(text) {
            is_web |= url::is_web(&found.url);
            self.link(&found.url, &found.url, via, part, found.offset);
        }
        is_web
    }

    fn text(&mut self, part: &str, text: &str) {
        let text = text.trim();
        let room = MAX_TEXT_BYTES - self.text_bytes.min(MAX_TEXT_BYTES);
        if text.is_empty() {
            return;
        }
        let kept = head(text, room);
        if kept.len() < text.len() {
            self.budget.cut("text of an attachment beyond 256 KiB");
        }
        if !kept.is_empty() {
            self.text_bytes += kept.len();
            self.contents.text.push((part.to_owned(), kept.to_owned()));
        }
    }

    /// Puts a file on the queue, unless it is nested too deep.
    fn child(&mut self, child: Item<'static>) {
        if child.archive_depth > limits::MAX_ARCHIVE_DEPTH {
            self.budget.cut(format!(
                "the contents of {}, nested deeper than 3",
                called(&child.name)
            ));
            self.file(&child);
            name::look(&child, self);
            return;
        }
        self.queue.push_back(child);
    }

    /// Addresses in the strings of a file that nothing else reads: only as links that stand in a text.
    fn links_of_unknown(&mut self, item: &Item<'_>) {
        let bytes = &item.bytes[..item.bytes.len().min(1 << 20)];
        let strings = url::strings_of(bytes);
        self.links_of_text(&strings, Via::Text, &item.part);
    }
}

/// The longest beginning of `text` of at most `bytes` bytes.
fn head(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Text of a file without a declared charset: by its byte order mark, as UTF-16 where every other byte is zero, as UTF-8, and
/// as windows-1252 at last, as browsers do (WHATWG Encoding, section 6).
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let begin = &bytes[..bytes.len().min(64)];
    if begin.len() >= 4 {
        let zeros = |odd: usize| begin.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
        let half = begin.len() / 2;
        if zeros(1) * 10 >= half * 9 && zeros(0) == 0 {
            return encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0;
        }
        if zeros(0) * 10 >= half * 9 && zeros(1) == 0 {
            return encoding_rs::UTF_16BE.decode_without_bom_handling(bytes).0;
        }
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// Calls a reader that might panic on hostile bytes; `None` where it did.
fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    // The readers own all that they touch: what a panic leaves half done is dropped with them.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).ok()
}

/// Where `needle` stands in `text`, ASCII letters of either case alike; `needle` in lower case.
fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    let (first, needle) = (needle.as_bytes().first()?, needle.as_bytes());
    let bytes = text.as_bytes();
    let upper = first.to_ascii_uppercase();
    memchr::memchr2_iter(*first, upper, bytes).find(|at| {
        bytes
            .get(*at..*at + needle.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(needle))
    })
}
