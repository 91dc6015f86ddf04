//! Outlook's message files (`.msg`, MS-OXMSG) as messages of RFC 5322.
//!
//! Where the file keeps the header that came over the wire, that header is kept; fields that it lacks are written from the
//! properties. Bounds: 50 MB in all, 1,000 attachments, messages in messages 5 deep.

use std::io::{Cursor, Read};

use super::draft::{Draft, DraftPart};
use super::rtf;
use crate::limits::{self, Budget};

/// First bytes of a compound file (MS-CFB, section 2.2).
const SIGNATURE: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
/// Recipients that are read.
const MAX_RECIPIENTS: usize = 2_000;

/// Property ids (MS-OXPROPS, section 2).
mod id {
    pub const SUBJECT: u16 = 0x0037;
    pub const CLIENT_SUBMIT_TIME: u16 = 0x0039;
    pub const SENT_REPRESENTING_NAME: u16 = 0x0042;
    pub const SENT_REPRESENTING_ADDRESS: u16 = 0x0065;
    pub const TRANSPORT_HEADERS: u16 = 0x007D;
    pub const RECIPIENT_TYPE: u16 = 0x0C15;
    pub const SENDER_NAME: u16 = 0x0C1A;
    pub const SENDER_ADDRESS: u16 = 0x0C1F;
    pub const DISPLAY_CC: u16 = 0x0E03;
    pub const DISPLAY_TO: u16 = 0x0E04;
    pub const DELIVERY_TIME: u16 = 0x0E06;
    pub const BODY: u16 = 0x1000;
    pub const RTF_COMPRESSED: u16 = 0x1009;
    pub const HTML: u16 = 0x1013;
    pub const MESSAGE_ID: u16 = 0x1035;
    pub const REFERENCES: u16 = 0x1039;
    pub const IN_REPLY_TO: u16 = 0x1042;
    pub const DISPLAY_NAME: u16 = 0x3001;
    pub const ADDRESS: u16 = 0x3003;
    pub const RECIPIENT_SMTP: u16 = 0x39FE;
    pub const DATA: u16 = 0x3701;
    pub const FILE_NAME: u16 = 0x3704;
    pub const ATTACH_METHOD: u16 = 0x3705;
    pub const LONG_FILE_NAME: u16 = 0x3707;
    pub const MIME_TAG: u16 = 0x370E;
    pub const CONTENT_ID: u16 = 0x3712;
    pub const INTERNET_CODE_PAGE: u16 = 0x3FDE;
    pub const MESSAGE_CODE_PAGE: u16 = 0x3FFD;
    pub const SENDER_SMTP: u16 = 0x5D01;
    pub const SENT_REPRESENTING_SMTP: u16 = 0x5D02;
}

/// Value of the attachment method for a message within (MS-OXCMSG, section 2.2.2.9).
const EMBEDDED_MESSAGE: u32 = 5;

/// Whether `bytes` are a compound file: of Outlook, or an old Office document.
pub fn is_compound(bytes: &[u8]) -> bool {
    bytes.starts_with(&SIGNATURE)
}

/// The message that an Outlook file holds; `None` when `bytes` are no such file, or one too damaged to open.
pub fn to_message(bytes: &[u8], budget: &mut Budget) -> Option<Vec<u8>> {
    if !is_compound(bytes) || !budget.work(bytes.len()) {
        return None;
    }
    let file = cfb::CompoundFile::open(Cursor::new(bytes)).ok()?;
    let mut msg = Msg {
        file,
        left: limits::MAX_MESSAGE_BYTES,
        budget,
    };
    msg.properties("/", 32)?;
    Some(msg.message("/", 1))
}

struct Msg<'a, 'b> {
    file: cfb::CompoundFile<Cursor<&'a [u8]>>,
    /// Bytes that may still be taken out.
    left: usize,
    budget: &'b mut Budget,
}

/// The fixed-length properties of a storage (MS-OXMSG, section 2.4): tag and value.
struct Properties(Vec<(u32, u64)>);

impl Properties {
    fn get(&self, id: u16) -> Option<u64> {
        self.0
            .iter()
            .find(|(tag, _)| tag >> 16 == u32::from(id))
            .map(|(_, value)| *value)
    }
}

impl Msg<'_, '_> {
    fn stream(&mut self, path: &str) -> Option<Vec<u8>> {
        if !self.file.is_stream(path) {
            return None;
        }
        let stream = self.file.open_stream(path).ok()?;
        let mut bytes = Vec::new();
        // What a damaged chain of sectors still gives is taken.
        let _ = stream.take(self.left as u64 + 1).read_to_end(&mut bytes);
        if bytes.len() > self.left {
            self.budget.cut("parts of the Outlook file beyond 50 MB");
            bytes.truncate(self.left);
        }
        self.left -= bytes.len();
        Some(bytes)
    }

    fn properties(&mut self, storage: &str, header: usize) -> Option<Properties> {
        let bytes = self.stream(&format!("{storage}__properties_version1.0"))?;
        let entries = bytes
            .get(header..)
            .unwrap_or_default()
            .chunks_exact(16)
            .map(|entry| {
                let number = |range: std::ops::Range<usize>| {
                    entry[range]
                        .iter()
                        .rev()
                        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
                };
                (number(0..4) as u32, number(8..16))
            });
        Some(Properties(entries.take(5_000).collect()))
    }

    /// The bytes of a property of variable length, and whether they are UTF-16.
    fn raw(&mut self, storage: &str, id: u16) -> Option<(Vec<u8>, bool)> {
        // Unicode, 8-bit and binary (MS-OXCDATA, section 2.11.1).
        for (kind, is_wide) in [("001F", true), ("001E", false), ("0102", false)] {
            if let Some(bytes) = self.stream(&format!("{storage}__substg1.0_{id:04X}{kind}")) {
                return Some((bytes, is_wide));
            }
        }
        None
    }

    fn text(&mut self, storage: &str, id: u16, code_page: u16) -> Option<String> {
        let (bytes, is_wide) = self.raw(storage, id)?;
        let encoding = if is_wide {
            encoding_rs::UTF_16LE
        } else {
            rtf::encoding_of(code_page)
        };
        let text = encoding.decode_without_bom_handling(&bytes).0;
        let text = text.trim_end_matches('\0');
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn message(&mut self, storage: &str, depth: usize) -> Vec<u8> {
        let header = if depth == 1 { 32 } else { 24 };
        let fixed = self.properties(storage, header).unwrap_or(Properties(Vec::new()));
        let code_page = fixed.get(id::MESSAGE_CODE_PAGE).unwrap_or(1252) as u16;
        let html_page = fixed.get(id::INTERNET_CODE_PAGE).unwrap_or(u64::from(code_page)) as u16;
        let mut draft = Draft::default();
        if let Some(header) = self.text(storage, id::TRANSPORT_HEADERS, code_page) {
            draft.kept_header = kept_header(&header);
        }
        self.fields(&mut draft, storage, &fixed, code_page);
        draft.text = self.text(storage, id::BODY, code_page);
        draft.html = self.raw(storage, id::HTML).map(|(bytes, is_wide)| {
            let encoding = if is_wide {
                encoding_rs::UTF_16LE
            } else {
                rtf::encoding_of(html_page)
            };
            encoding.decode(&bytes).0.trim_end_matches('\0').to_owned()
        });
        if draft.html.is_none()
            && let Some((packed, _)) = self.raw(storage, id::RTF_COMPRESSED)
        {
            match rtf::unpack(&packed) {
                Some(rtf) => match rtf::read(&rtf) {
                    rtf::Body::Html(html) => draft.html = Some(html),
                    rtf::Body::Text(text) => draft.text = draft.text.or(Some(text)),
                },
                None => self.budget.cut("the formatted text of the Outlook file"),
            }
        }
        self.attachments(&mut draft, storage, code_page, depth);
        draft.write()
    }

    fn fields(&mut self, draft: &mut Draft, storage: &str, fixed: &Properties, code_page: u16) {
        let kept = draft.kept_header.to_ascii_lowercase();
        let lacks =
            |name: &str| !kept.starts_with(&format!("{name}:")) && !kept.contains(&format!("\n{name}:"));
        if lacks("from") {
            let mut first = |ids: &[u16]| {
                ids.iter()
                    .filter_map(|id| self.text(storage, *id, code_page))
                    .find(|text| !text.starts_with("/o="))
            };
            let name = first(&[id::SENT_REPRESENTING_NAME, id::SENDER_NAME]).unwrap_or_default();
            let address = first(&[
                id::SENT_REPRESENTING_SMTP,
                id::SENT_REPRESENTING_ADDRESS,
                id::SENDER_SMTP,
                id::SENDER_ADDRESS,
            ]);
            draft.field("From", &mailbox(&name, &address.unwrap_or_default()));
        }
        if lacks("to") && lacks("cc") {
            self.recipients(draft, storage, code_page);
        }
        for (name, id) in [
            ("Subject", id::SUBJECT),
            ("Message-ID", id::MESSAGE_ID),
            ("In-Reply-To", id::IN_REPLY_TO),
            ("References", id::REFERENCES),
        ] {
            if lacks(&name.to_ascii_lowercase())
                && let Some(value) = self.text(storage, id, code_page)
            {
                // A control character in front of the subject gives the length of its prefix (MS-OXCMSG, section 2.2.1.46).
                draft.field(name, value.trim_start_matches(|char: char| char.is_control()));
            }
        }
        let moment = fixed
            .get(id::CLIENT_SUBMIT_TIME)
            .or_else(|| fixed.get(id::DELIVERY_TIME));
        if lacks("date")
            && let Some(date) = moment.and_then(file_time)
        {
            draft.field("Date", &date);
        }
    }

    fn recipients(&mut self, draft: &mut Draft, storage: &str, code_page: u16) {
        let mut lists: [Vec<String>; 3] = Default::default();
        for inner in self.storages(storage, "__recip_version1.0_", MAX_RECIPIENTS) {
            let kind = self
                .properties(&inner, 8)
                .and_then(|fixed| fixed.get(id::RECIPIENT_TYPE))
                .unwrap_or(1);
            let name = self.text(&inner, id::DISPLAY_NAME, code_page).unwrap_or_default();
            let address = self
                .text(&inner, id::RECIPIENT_SMTP, code_page)
                .or_else(|| self.text(&inner, id::ADDRESS, code_page))
                .filter(|address| address.contains('@'));
            if let Some(list) = lists.get_mut((kind as u32 & 0xF).saturating_sub(1) as usize) {
                list.push(mailbox(&name, &address.unwrap_or_default()));
            }
        }
        for (name, list, shown) in [
            ("To", &lists[0], Some(id::DISPLAY_TO)),
            ("Cc", &lists[1], Some(id::DISPLAY_CC)),
            ("Bcc", &lists[2], None),
        ] {
            if !list.is_empty() {
                draft.field(name, &list.join(", "));
            } else if let Some(shown) = shown
                && let Some(text) = self.text(storage, shown, code_page)
            {
                draft.field(name, &text);
            }
        }
    }

    fn attachments(&mut self, draft: &mut Draft, storage: &str, code_page: u16, depth: usize) {
        for inner in self.storages(storage, "__attach_version1.0_", limits::MAX_PARTS) {
            let method = self
                .properties(&inner, 8)
                .and_then(|fixed| fixed.get(id::ATTACH_METHOD));
            let name = self
                .text(&inner, id::LONG_FILE_NAME, code_page)
                .or_else(|| self.text(&inner, id::FILE_NAME, code_page))
                .or_else(|| self.text(&inner, id::DISPLAY_NAME, code_page))
                .unwrap_or_default();
            let within = format!("{inner}__substg1.0_3701000D/");
            let is_message = self.file.is_storage(&within)
                && (method.is_none() || method.map(|method| method as u32) == Some(EMBEDDED_MESSAGE));
            if is_message {
                if depth >= limits::MAX_MESSAGE_DEPTH {
                    self.budget.cut("messages nested deeper than 5");
                    continue;
                }
                let bytes = self.message(&within, depth + 1);
                let name = if name.is_empty() {
                    "message".to_owned()
                } else {
                    name
                };
                let part = DraftPart {
                    media_type: "message/rfc822".to_owned(),
                    name: format!("{name}.eml"),
                    content_id: String::new(),
                    bytes,
                };
                draft.attachments.push(part);
                continue;
            }
            let media_type = self
                .text(&inner, id::MIME_TAG, code_page)
                .unwrap_or_default()
                .to_ascii_lowercase();
            let content_id = self.text(&inner, id::CONTENT_ID, code_page).unwrap_or_default();
            if let Some((bytes, _)) = self.raw(&inner, id::DATA) {
                draft.attachments.push(DraftPart {
                    media_type,
                    name,
                    content_id,
                    bytes,
                });
            } else if !name.is_empty() {
                self.budget
                    .cut("an attachment of the Outlook file that is only linked");
            }
        }
    }

    /// Paths of the storages in `storage` whose names begin with `prefix`, in the order of their numbers.
    fn storages(&mut self, storage: &str, prefix: &str, most: usize) -> Vec<String> {
        let mut names: Vec<String> = match self.file.read_storage(storage) {
            Ok(entries) => entries
                .filter(|entry| entry.is_storage() && entry.name().starts_with(prefix))
                .map(|entry| entry.name().to_owned())
                .take(most + 1)
                .collect(),
            Err(_) => Vec::new(),
        };
        names.sort();
        if names.len() > most {
            self.budget
                .cut("recipients or attachments of the Outlook file beyond the bounds");
            names.truncate(most);
        }
        names
            .into_iter()
            .map(|name| format!("{storage}{name}/"))
            .collect()
    }
}

/// A header as it came over the wire, without its MIME fields (the parts are written anew) and without lines that are no field.
fn kept_header(header: &str) -> String {
    let mut out = String::new();
    let mut is_kept = false;
    for line in header
        .split(['\r', '\n'])
        .filter(|line| !line.trim().is_empty())
        .take(limits::MAX_HEADER_FIELDS * 10)
    {
        if line.starts_with([' ', '\t']) {
            if is_kept {
                out.push_str(line);
                out.push_str("\r\n");
            }
            continue;
        }
        let name = super::container::field_name(line.as_bytes());
        is_kept = name.is_some_and(|name| {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            !name.starts_with("content-") && name != "mime-version"
        });
        if is_kept {
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    out
}

fn mailbox(name: &str, address: &str) -> String {
    let name = name.trim().trim_matches('\'');
    if address.is_empty() {
        return match name.contains([',', '<', '"', ';']) {
            true => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
            false => name.to_owned(),
        };
    }
    if name.is_empty() || name.eq_ignore_ascii_case(address) {
        return format!("<{address}>");
    }
    format!(
        "\"{}\" <{address}>",
        name.replace('\\', "\\\\").replace('"', "\\\"")
    )
}

/// A FILETIME (MS-DTYP, section 2.3.3: 100 ns since 1601) as a date of RFC 5322.
fn file_time(ticks: u64) -> Option<String> {
    let seconds = i64::try_from(ticks / 10_000_000).ok()? - 11_644_473_600;
    let moment = jiff::Timestamp::from_second(seconds).ok()?;
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_string(&moment)
        .ok()
}
