//! Files and archives of messages, taken apart into messages.
//!
//! An mbox is read line by line and can be read on from any of its messages; every other file is one input.
//! Bounds: 50 MB a message, 200 MB a zip, packed and unpacked, 1,000 entries in it, 3 archives deep, ratio 100:1 past 1 MB.

use std::io::{self, BufRead, Cursor, Read};

use super::{forward, outlook, zips};
use crate::limits::{self, Budget};

/// Bytes of a file that are looked at to tell what it is.
const SNIFFED_BYTES: u64 = 64 << 10;
/// Largest zip file that is read, in bytes.
const MAX_ZIP_BYTES: u64 = limits::MAX_INFLATED_BYTES;
/// Longest piece of a line of an mbox that is held at once, in bytes.
const MAX_LINE_PIECE: u64 = 1 << 20;
/// Longest From_ line (RFC 4155, appendix A, sets no bound; RFC 5322, section 2.1.1, for its address).
const MAX_FROM_LINE: usize = 1_000;

/// What a file of mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Container {
    /// One message (RFC 5322), or anything that is none of the others.
    Message,
    /// Messages one after another (RFC 4155).
    Mbox,
    /// One message in Outlook's format (MS-OXMSG).
    Msg,
    /// A zip archive with any of these in it.
    Zip,
    /// Text or HTML without header fields, as it is copied from a screen; or with the fields that the screen showed.
    Paste,
}

/// Where a run stands in an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Byte offset at which the next message begins; stays 0 in inputs that can only be read from their start.
    pub offset: u64,
    /// Messages before it.
    pub records: u64,
}

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMessage {
    /// Where it came from: `inbox.mbox:12` for the 12th message, `a.eml`, `mails.zip:dir/x.eml`.
    pub locator: String,
    /// Its bytes; the quoting of an mbox is undone, nothing else. May be empty.
    pub bytes: Vec<u8>,
    /// What its file is; inside a zip, what the entry is.
    pub container: Container,
    /// Where a later run reads on behind it.
    pub next: Position,
}

/// What a reader meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A message.
    Message(RawMessage),
    /// Something that was stepped over.
    Problem {
        /// Where.
        locator: String,
        /// A clause for a person: "the entry is encrypted".
        what: String,
    },
}

/// How far a reader came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Where a later run reads on.
    pub position: Position,
    /// Whether the input was read to its end.
    pub is_complete: bool,
}

/// Tells what a file is by its first bytes, and by its name where these do not decide.
///
/// 64 kB are enough. An empty file is a message.
pub fn sniff(first_bytes: &[u8], name: &str) -> Container {
    let bytes = first_bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first_bytes);
    if outlook::is_compound(bytes) {
        return Container::Msg;
    }
    if zips::is_zip(bytes) {
        return Container::Zip;
    }
    let start = bytes
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n'))
        .unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    if is_from_line(first_line(bytes)) {
        return Container::Mbox;
    }
    let name = name.to_ascii_lowercase();
    if bytes.is_empty() || name.ends_with(".eml") && has_header(bytes) {
        return Container::Message;
    }
    let is_utf16 = first_bytes.starts_with(b"\xFF\xFE") || first_bytes.starts_with(b"\xFE\xFF");
    if is_utf16 || is_text(bytes) && (!has_header(bytes) || forward::is_screen_copy(bytes)) {
        return Container::Paste;
    }
    Container::Message
}

/// Whether `bytes` begin with the header of a message: fields, one of them known.
pub(super) fn has_header(bytes: &[u8]) -> bool {
    let mut known = 0;
    for (at, line) in bytes.split(|byte| *byte == b'\n').take(200).enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if at == 0 && (line.starts_with(b"From ") || line.starts_with(b">From ")) {
            continue;
        }
        if matches!(line[0], b' ' | b'\t') && at > 0 {
            continue;
        }
        let Some(name) = field_name(line) else {
            // Text whose first line has a colon is not yet a header; a header with one bad line still is.
            if known == 0 {
                return false;
            }
            continue;
        };
        known += usize::from(is_known_field(name));
        if known >= 1 && at >= 1 {
            return true;
        }
        if at >= 3 && known == 0 && !name.contains(&b'-') {
            return false;
        }
    }
    known > 0
}

/// The name of a header field: printable characters up to a colon (RFC 5322, section 2.2).
pub(super) fn field_name(line: &[u8]) -> Option<&[u8]> {
    let end = line.iter().take(100).position(|byte| *byte == b':')?;
    let name = line[..end].trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(|byte| (33..=126).contains(byte));
    is_name.then_some(name)
}

fn is_known_field(name: &[u8]) -> bool {
    const KNOWN: [&str; 22] = [
        "from",
        "to",
        "subject",
        "date",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "content-type",
        "delivered-to",
        "reply-to",
        "sender",
        "authentication-results",
        "dkim-signature",
        "received-spf",
        "cc",
        "envelope-to",
        "list-id",
        "in-reply-to",
        "content-transfer-encoding",
        "arc-seal",
        "resent-from",
    ];
    let is_private = name
        .get(..2)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"x-"));
    is_private
        || KNOWN
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4_096)];
    let odd = head
        .iter()
        .filter(|byte| **byte < 32 && !matches!(byte, b'\t' | b'\r' | b'\n' | 0x0C))
        .count();
    // Text in any 8-bit charset, but hardly a control character in it.
    odd * 200 <= head.len() && !head.contains(&0)
}

/// Whether `line` begins a message of an mbox: `From `, a sender, a date with month, time and year (RFC 4155, appendix A).
/// A sentence that begins with "From" has no such date.
pub(super) fn is_from_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    if rest.len() > MAX_FROM_LINE {
        return false;
    }
    let words = || {
        rest.split(|byte| byte.is_ascii_whitespace())
            .filter(|word| !word.is_empty())
    };
    let has = |is: &dyn Fn(&[u8]) -> bool| words().any(is);
    let is_month = |word: &[u8]| std::str::from_utf8(word).is_ok_and(super::displayed::is_short_month);
    let is_day = |word: &[u8]| word.len() <= 2 && word.iter().all(u8::is_ascii_digit);
    let is_year = |word: &[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    let is_time = |word: &[u8]| {
        word.len() >= 4
            && word.contains(&b':')
            && word.iter().all(|byte| byte.is_ascii_digit() || *byte == b':')
    };
    words().count() >= 5 && has(&is_month) && has(&is_day) && has(&is_year) && has(&is_time)
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end])
}

/// Reads the messages of `bytes`, in order, into `each`, until it says false.
///
/// `format` names what the input is (`eml`, `mbox`, `msg`, `zip`, `paste`); without it, [`sniff`] decides. A run that was
/// stopped goes on with the position it reached as `start`, `bytes` standing at `start.offset`. The result does not depend
/// on how `bytes` are cut into reads.
/// Errors: those of `bytes` alone; the messages before the error have been handed over.
pub fn read_messages(
    input_name: &str,
    format: Option<&str>,
    start: Position,
    bytes: &mut dyn BufRead,
    each: &mut dyn FnMut(Item) -> bool,
) -> io::Result<Reached> {
    let mut head = Vec::new();
    (&mut *bytes).take(SNIFFED_BYTES).read_to_end(&mut head)?;
    let container = match format.map(str::to_ascii_lowercase).as_deref() {
        Some("eml" | "message") => Container::Message,
        Some("mbox" | "mboxrd" | "mboxo") => Container::Mbox,
        Some("msg") => Container::Msg,
        Some("zip") => Container::Zip,
        Some("paste" | "text") => Container::Paste,
        _ => sniff(&head, input_name),
    };
    let mut rest = Cursor::new(head).chain(bytes);
    if container == Container::Mbox {
        return read_mbox(input_name, start, &mut rest, each);
    }
    let bound = match container {
        Container::Zip => MAX_ZIP_BYTES,
        _ => limits::MAX_MESSAGE_BYTES as u64,
    };
    let mut all = Vec::new();
    (&mut rest).take(bound + 1).read_to_end(&mut all)?;
    let is_over = all.len() as u64 > bound;
    all.truncate(usize::try_from(bound).unwrap_or(usize::MAX));
    let mut whole = Whole {
        start,
        records: 0,
        each,
    };
    if is_over
        && !whole.problem(
            input_name,
            &format!("bytes beyond {} MB are not read", bound >> 20),
        )
    {
        return Ok(whole.reached(false));
    }
    let is_complete = match container {
        Container::Zip => whole.zip(input_name, &all),
        _ => whole.message(input_name.to_owned(), all, container),
    };
    Ok(whole.reached(is_complete))
}

/// Reading of an input that is taken in whole.
struct Whole<'a> {
    start: Position,
    records: u64,
    each: &'a mut dyn FnMut(Item) -> bool,
}

impl Whole<'_> {
    fn reached(&self, is_complete: bool) -> Reached {
        let records = self.records.max(self.start.records);
        Reached {
            position: Position { offset: 0, records },
            is_complete,
        }
    }

    fn problem(&mut self, locator: &str, what: &str) -> bool {
        (self.each)(Item::Problem {
            locator: locator.to_owned(),
            what: what.to_owned(),
        })
    }

    fn message(&mut self, locator: String, bytes: Vec<u8>, container: Container) -> bool {
        self.records += 1;
        if self.records <= self.start.records {
            return true;
        }
        let next = Position {
            offset: 0,
            records: self.records,
        };
        (self.each)(Item::Message(RawMessage {
            locator,
            bytes,
            container,
            next,
        }))
    }

    fn zip(&mut self, name: &str, bytes: &[u8]) -> bool {
        let mut budget = Budget::default();
        let before = self.records;
        let mut is_stopped = !zips::walk(bytes, &mut budget, &mut |met, _| match met {
            zips::Met::Problem(inside, what) if inside.is_empty() => self.problem(name, &what),
            zips::Met::Problem(inside, what) => self.problem(&format!("{name}:{inside}"), &what),
            zips::Met::File(inside, file) => self.entry(format!("{name}:{inside}"), file),
        });
        if !is_stopped && self.records == before {
            is_stopped = !self.problem(name, "the archive holds no message that can be read");
        }
        !is_stopped
    }

    fn entry(&mut self, locator: String, file: Vec<u8>) -> bool {
        let name = locator.to_ascii_lowercase();
        let container = sniff(&file, &locator);
        match container {
            Container::Mbox => {
                let mut is_going = true;
                let read = read_mbox(
                    &locator,
                    Position::default(),
                    &mut Cursor::new(file),
                    &mut |item| {
                        is_going = match item {
                            Item::Message(message) => {
                                self.message(message.locator, message.bytes, Container::Mbox)
                            }
                            problem => (self.each)(problem),
                        };
                        is_going
                    },
                );
                is_going && read.is_ok()
            }
            Container::Message if !has_header(&file) && !is_mail_name(&name) => {
                self.problem(&locator, "the entry is not a message")
            }
            Container::Paste if !is_mail_name(&name) && !name.ends_with(".txt") => {
                self.problem(&locator, "the entry is not a message")
            }
            Container::Msg if outlook::to_message(&file, &mut Budget::default()).is_none() => {
                self.problem(&locator, "the entry is not a message")
            }
            container => self.message(locator, file, container),
        }
    }
}

/// Whether a file is called as mails are: `.eml`, `.msg`, `.mbox`, or as a Maildir calls them (`…:2,S`).
fn is_mail_name(name: &str) -> bool {
    [".eml", ".msg", ".mbox", ".mbx", ".emlx"]
        .iter()
        .any(|end| name.ends_with(end))
        || name.contains(":2,")
}

/// Reads an mbox. Quoting: a line `>From ` loses its mark (mboxo and mboxrd agree); `>>From ` loses one mark as mboxrd has it,
/// unless the line before is quoted as deep, because then a reply quotes it and an mboxo has left it as it was.
fn read_mbox(
    name: &str,
    start: Position,
    bytes: &mut dyn BufRead,
    each: &mut dyn FnMut(Item) -> bool,
) -> io::Result<Reached> {
    let mut mbox = Mbox {
        name,
        position: start,
        message: Vec::new(),
        is_open: false,
        is_over: false,
    };
    let mut offset = start.offset;
    let mut line = Vec::new();
    let mut is_line_start = true;
    let mut is_after_blank = true;
    let mut depth_before = 0;
    loop {
        line.clear();
        let count = (&mut *bytes).take(MAX_LINE_PIECE).read_until(b'\n', &mut line)?;
        if count == 0 {
            break;
        }
        if is_line_start && is_after_blank && is_from_line(first_line(&line)) {
            if !mbox.end(offset, each) {
                return Ok(Reached {
                    position: mbox.position,
                    is_complete: false,
                });
            }
            mbox.is_open = true;
            (is_after_blank, depth_before) = (false, 0);
        } else {
            let depth = line.iter().take_while(|byte| **byte == b'>').count();
            let is_quoted_from = is_line_start && depth > 0 && line[depth..].starts_with(b"From ");
            let is_marked = is_quoted_from && (depth == 1 || depth != depth_before);
            mbox.push(&line[usize::from(is_marked)..]);
            is_after_blank = is_line_start && first_line(&line).is_empty();
            if is_line_start {
                depth_before = depth;
            }
        }
        is_line_start = line.ends_with(b"\n");
        offset += count as u64;
    }
    let is_going = mbox.end(offset, each);
    mbox.position.offset = offset;
    Ok(Reached {
        position: mbox.position,
        is_complete: is_going,
    })
}

struct Mbox<'a> {
    name: &'a str,
    position: Position,
    message: Vec<u8>,
    is_open: bool,
    is_over: bool,
}

impl Mbox<'_> {
    fn push(&mut self, line: &[u8]) {
        let room = limits::MAX_MESSAGE_BYTES - self.message.len();
        self.is_over |= line.len() > room;
        self.message.extend_from_slice(&line[..line.len().min(room)]);
    }

    /// Hands over the message that ends at `offset`.
    fn end(&mut self, offset: u64, each: &mut dyn FnMut(Item) -> bool) -> bool {
        let mut bytes = std::mem::take(&mut self.message);
        // What stands before the first From_ line is a message only if it says anything.
        if !self.is_open && bytes.iter().all(u8::is_ascii_whitespace) {
            return true;
        }
        // The empty line that ends each message is the file's, not the message's.
        for end in [&b"\r\n\r\n"[..], b"\n\n"] {
            if bytes.ends_with(end) {
                bytes.truncate(bytes.len() - end.len() / 2);
                break;
            }
        }
        self.position.records += 1;
        self.position.offset = offset;
        let locator = format!("{}:{}", self.name, self.position.records);
        if std::mem::take(&mut self.is_over) {
            let what = "bytes of the message beyond 50 MB are not read".to_owned();
            if !each(Item::Problem {
                locator: locator.clone(),
                what,
            }) {
                return false;
            }
        }
        each(Item::Message(RawMessage {
            locator,
            bytes,
            container: Container::Mbox,
            next: self.position,
        }))
    }
}
