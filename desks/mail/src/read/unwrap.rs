//! From what was handed in to the message that is meant: out of reports, forwards, archives and digests.
//!
//! Bounds: messages within messages 5 deep, 100 originals from one input.

use jiff::Timestamp;

use super::address::{self, addresses};
use super::container::{self, Container, Item, Position};
use super::draft::{Draft, LOST};
use super::{bounce, forward, outlook, zips};
use crate::evidence::Quote;
use crate::limits::{self, Budget};
use crate::message::{Message, Part};

/// Most originals that one input gives.
const MAX_ORIGINALS: usize = 100;
/// Longest text over an attached message with which the whole still counts as a report, in characters.
const MAX_REPORT_CHARS: usize = 1_000;

/// What came around an original: who handed it in, and with which words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Address of the wrapper's From.
    pub reporter: Option<String>,
    /// What the reporter writes.
    pub says: Option<Quote>,
    /// When the wrapper says it was written.
    pub at: Option<Timestamp>,
    /// The wrapper's subject, decoded.
    pub wrapper_subject: String,
}

/// How an original lay in what was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// It is what was handed in.
    AsIs,
    /// Attached as a message (message/rfc822).
    AttachedMessage,
    /// Attached as a file.
    AttachedFile,
    /// In an attached zip archive.
    Zip,
    /// One message of a digest (RFC 2046, section 5.1.5, or RFC 1153).
    Digest,
    /// In an abuse report (RFC 5965).
    Arf,
    /// As text with a printed header.
    InlineForward,
}

/// A message to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Its bytes, RFC 5322; rebuilt where it came in another form.
    pub bytes: Vec<u8>,
    /// Whether its header is only what a screen showed.
    pub headers_lost: bool,
    /// How it lay in the input.
    pub how: How,
    /// Where: part paths from the outside in, `2/a.eml`; empty for the input itself.
    pub part: String,
    /// What came around it.
    pub report: Option<Report>,
}

/// The messages that are meant by `raw`, at least one.
///
/// `raw` is a message, an Outlook file, or text copied from a screen. A delivery notice is meant itself, whatever it returns.
/// A message with another attached is a report only when it looks like one: sent to a mailbox for reports, a forward by its
/// subject, or with little text of its own. Where it looks like one but may be a lure itself (a stranger's words, links of
/// its own, failed authentication), it comes last among the originals as it is.
pub fn unwrap(raw: &[u8], budget: &mut Budget) -> Vec<Original> {
    let mut out = Vec::new();
    let input = Original {
        bytes: raw.to_vec(),
        headers_lost: false,
        how: How::AsIs,
        part: String::new(),
        report: None,
    };
    open(input, 0, budget, &mut out);
    out
}

fn open(mut item: Original, depth: usize, budget: &mut Budget, out: &mut Vec<Original>) {
    if out.len() >= MAX_ORIGINALS {
        budget.cut("messages in the message beyond 100");
        return;
    }
    if let Some(message) = outlook::to_message(&item.bytes, budget) {
        item.bytes = message;
    }
    if item.how != How::InlineForward && container::sniff(&item.bytes, "") == Container::Paste {
        let (bytes, says, how) = from_paste(&item.bytes);
        item.headers_lost = true;
        item.bytes = bytes;
        item.how = how.unwrap_or(item.how);
        if let Some(says) = says {
            item.report = Some(merged(
                item.report,
                Report {
                    says: Some(says),
                    ..Report::default()
                },
                &item.part,
            ));
        }
        out.push(item);
        return;
    }
    let message = Message::read(&item.bytes, budget);
    if bounce::is_delivery_report(&message) {
        out.push(item);
        return;
    }
    let inner = within(&message, budget);
    if !inner.is_empty() && depth >= limits::MAX_MESSAGE_DEPTH {
        budget.cut("messages nested deeper than 5");
        out.push(item);
        return;
    }
    if !inner.is_empty() {
        let is_digest = inner.iter().all(|found| found.how == How::Digest);
        let is_arf = inner.iter().any(|found| found.how == How::Arf);
        let wrapper = Wrapper::of(&message);
        if !is_digest && !is_arf && !wrapper.is_report() {
            out.push(item);
            return;
        }
        for found in inner {
            let report = match is_digest {
                true => item.report.clone(),
                false => {
                    let says = (!is_arf).then(|| wrapper.says(&message)).flatten();
                    Some(merged(
                        item.report.clone(),
                        wrapper.report(&message, says),
                        &item.part,
                    ))
                }
            };
            let part = joined(&item.part, &found.part);
            let child = Original {
                bytes: found.bytes,
                headers_lost: false,
                how: found.how,
                part,
                report,
            };
            open(child, depth + 1, budget, out);
        }
        if !is_digest && !is_arf && wrapper.may_be_lure() {
            out.push(item);
        }
        return;
    }
    let wrapper = Wrapper::of(&message);
    let Some(forward) = forward::read(&message, wrapper.hints).filter(|_| depth < limits::MAX_MESSAGE_DEPTH)
    else {
        out.push(item);
        return;
    };
    let own = forward
        .says
        .as_ref()
        .map(|says| says.text.clone())
        .unwrap_or_default();
    let wrapper = Wrapper { own, ..wrapper };
    let report = merged(
        item.report.clone(),
        wrapper.report(&message, forward.says),
        &item.part,
    );
    let part = joined(&item.part, &forward.part);
    let child = Original {
        bytes: forward.bytes,
        headers_lost: true,
        how: How::InlineForward,
        part,
        report: Some(report),
    };
    open(child, depth + 1, budget, out);
    if wrapper.may_be_lure() {
        out.push(item);
    }
}

fn joined(outer: &str, inner: &str) -> String {
    if outer.is_empty() {
        inner.to_owned()
    } else {
        format!("{outer}/{inner}")
    }
}

/// The outermost wrapper is the report; its reporter's words, or else those further in.
fn merged(outer: Option<Report>, mut inner: Report, inside: &str) -> Report {
    if let Some(says) = &mut inner.says {
        says.part = joined(inside, &says.part);
    }
    match outer {
        None => inner,
        Some(outer) => Report {
            says: outer.says.or(inner.says),
            ..outer
        },
    }
}

/// What is known of a message that may be a report.
struct Wrapper {
    hints: forward::Hints,
    own: String,
    is_stranger: bool,
    is_failed: bool,
}

impl Wrapper {
    fn of(message: &Message) -> Wrapper {
        let subject = message.decoded("subject");
        let recipients: Vec<String> = ["to", "cc", "delivered-to", "x-original-to"]
            .iter()
            .flat_map(|name| message.values(name))
            .flat_map(addresses)
            .map(|entry| entry.address.to_ascii_lowercase())
            .collect();
        let hints = forward::Hints {
            says_forward: forward::is_forward_subject(&subject),
            says_reply: forward::is_reply_subject(&subject),
            is_to_reporting: recipients.iter().any(|address| is_reporting_mailbox(address)),
        };
        let from = sender(message).unwrap_or_default().to_ascii_lowercase();
        let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
        let is_of_recipients = |address: &String| {
            address
                .rsplit_once('@')
                .is_some_and(|(_, theirs)| theirs == domain)
        };
        let results = ["authentication-results", "received-spf"]
            .iter()
            .flat_map(|name| message.values(name))
            .take(20);
        let is_failed = results.map(str::to_ascii_lowercase).any(|result| {
            result.contains("dmarc=fail") || result.contains("spf=fail") || result.starts_with("fail")
        });
        Wrapper {
            hints,
            own: own_text(message).map(|(_, text)| text).unwrap_or_default(),
            is_stranger: domain.is_empty() || !recipients.iter().any(is_of_recipients),
            is_failed,
        }
    }

    fn is_report(&self) -> bool {
        self.hints.is_to_reporting
            || self.hints.says_forward
            || !self.hints.says_reply
                && self.own.chars().take(MAX_REPORT_CHARS + 1).count() <= MAX_REPORT_CHARS
    }

    /// Whether the wrapper must be judged too, because a lure can be dressed as a forward.
    fn may_be_lure(&self) -> bool {
        let has_link = ["http://", "https://", "www."]
            .iter()
            .any(|start| self.own.contains(start));
        let says_more = !self.own.trim().is_empty();
        !self.hints.is_to_reporting && says_more && (self.is_failed || self.is_stranger || has_link)
    }

    fn says(&self, message: &Message) -> Option<Quote> {
        let (part, text) = own_text(message)?;
        let trimmed = text.trim();
        let offset = part
            .text
            .as_deref()
            .and_then(|whole| whole.find(trimmed))
            .unwrap_or(0);
        (!trimmed.is_empty()).then(|| Quote::new(&part.path, offset, trimmed))
    }

    fn report(&self, message: &Message, says: Option<Quote>) -> Report {
        Report {
            reporter: sender(message),
            says,
            at: address::date(message),
            wrapper_subject: message.decoded("subject"),
        }
    }
}

fn sender(message: &Message) -> Option<String> {
    let all = message.values("from").flat_map(addresses);
    all.map(|entry| entry.address)
        .find(|address| address.contains('@'))
}

/// Whether an address is one that organisations give out for reports; its local part decides.
fn is_reporting_mailbox(address: &str) -> bool {
    const WITHIN: [&str; 9] = [
        "abuse",
        "phish",
        "helpdesk",
        "help-desk",
        "servicedesk",
        "service-desk",
        "infosec",
        "csirt",
        "spam",
    ];
    const WHOLE: [&str; 14] = [
        "report",
        "reports",
        "report-mail",
        "security",
        "soc",
        "cert",
        "help",
        "it",
        "itsupport",
        "it-support",
        "it-security",
        "reporting",
        "suspicious",
        "support",
    ];
    let local = address.split('@').next().unwrap_or_default();
    WITHIN.iter().any(|word| local.contains(word)) || WHOLE.contains(&local)
}

/// The body as its writer's own text: without signature and quoted lines.
fn own_text(message: &Message) -> Option<(&Part, String)> {
    let part = forward::body(message, "text/plain").or_else(|| forward::body(message, "text/html"))?;
    let text = part.text.as_deref()?;
    let lines: Vec<String> = match part.media_type.as_str() {
        "text/html" => super::lines::of_html(text)
            .into_iter()
            .map(|line| line.text)
            .collect(),
        _ => text.lines().map(str::to_owned).collect(),
    };
    let own: Vec<&str> = lines
        .iter()
        .map(|line| line.trim_end())
        .take_while(|line| *line != "--")
        .filter(|line| !line.starts_with('>'))
        .collect();
    Some((part, own.join("\n").trim().to_owned()))
}

struct Within {
    how: How,
    part: String,
    bytes: Vec<u8>,
}

/// The messages attached to `message`, in whatever way.
fn within(message: &Message, budget: &mut Budget) -> Vec<Within> {
    let is_arf = message
        .parts
        .iter()
        .any(|part| part.media_type == "message/feedback-report");
    let is_digest = memchr::memmem::find(&message.raw, b"multipart/digest").is_some()
        || message
            .value("content-type")
            .is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/digest"));
    let mut found = Vec::new();
    let mut slices = nested(&message.raw).into_iter();
    // A second reading of the same bytes (uneven line ends) is no further message.
    for part in message.parts.iter().filter(|part| !part.path.contains(' ')) {
        if found.len() >= MAX_ORIGINALS {
            budget.cut("messages in the message beyond 100");
            break;
        }
        let name = part.name.to_ascii_lowercase();
        let is_headers = is_arf && part.media_type.contains("rfc822-header");
        let is_declared = matches!(
            part.media_type.as_str(),
            "message/rfc822" | "message/global" | "message/news"
        );
        let is_bare = part.text.is_none() && is_digest && container::has_header(&part.bytes);
        let is_whole = part.text.is_none() && part.bytes == message.raw;
        let bytes = if is_whole {
            slices.next().unwrap_or_default()
        } else {
            part.bytes.clone()
        };
        if is_declared || is_headers || is_bare || is_whole {
            let how = match (is_arf, is_digest) {
                (true, _) => How::Arf,
                (_, true) => How::Digest,
                _ => How::AttachedMessage,
            };
            found.push(Within {
                how,
                part: part.path.clone(),
                bytes,
            });
            continue;
        }
        if zips::is_zip(&part.bytes) {
            from_zip(part, budget, &mut found);
            continue;
        }
        let is_file = part.is_attachment || !name.is_empty() || part.text.is_none();
        let is_named = name.ends_with(".eml") || name.ends_with(".emlx");
        let is_unnamed_mail = part.text.is_none() && looks_like_mail(&part.bytes);
        if is_file && (is_named && container::has_header(&part.bytes) || is_unnamed_mail) {
            found.push(Within {
                how: How::AttachedFile,
                part: part.path.clone(),
                bytes: part.bytes.clone(),
            });
        } else if outlook::is_compound(&part.bytes) {
            if let Some(bytes) = outlook::to_message(&part.bytes, budget) {
                found.push(Within {
                    how: How::AttachedFile,
                    part: part.path.clone(),
                    bytes,
                });
            }
        } else if is_file && container::sniff(&part.bytes, &name) == Container::Mbox {
            from_mbox(&part.path, How::AttachedFile, &part.bytes, &mut found);
        }
    }
    if found.is_empty() {
        from_plain_digest(message, &mut found);
    }
    found
}

/// The messages of a digest that is written out in the text.
fn from_plain_digest(message: &Message, found: &mut Vec<Within>) {
    let Some(part) = forward::body(message, "text/plain") else {
        return;
    };
    let messages = super::digest::messages(part.text.as_deref().unwrap_or_default(), MAX_ORIGINALS);
    for (at, bytes) in messages.into_iter().enumerate() {
        found.push(Within {
            how: How::Digest,
            part: format!("{}#{}", part.path, at + 1),
            bytes,
        });
    }
}

/// The bytes of messages that are attached without an encoding: the parser gives the whole input for them, with offsets.
fn nested(raw: &[u8]) -> Vec<Vec<u8>> {
    let Some(parsed) = mail_parser::MessageParser::new().parse(raw) else {
        return Vec::new();
    };
    let is_nested = |part: &&mail_parser::MessagePart<'_>| match &part.body {
        mail_parser::PartType::Message(message) => message.raw_message.as_ref() == raw,
        _ => false,
    };
    let slices = parsed
        .parts
        .iter()
        .filter(is_nested)
        .take(MAX_ORIGINALS)
        .map(|part| {
            let (start, end) = (part.raw_body_offset() as usize, part.raw_end_offset() as usize);
            raw.get(start..end).unwrap_or_default().to_vec()
        });
    slices.collect()
}

/// Bytes that nobody declared a message are one only if they begin with a sender and a subject or a date.
fn looks_like_mail(bytes: &[u8]) -> bool {
    if !container::has_header(bytes) {
        return false;
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(64 << 10)]).to_ascii_lowercase();
    let has = |name: &str| head.starts_with(&format!("{name}:")) || head.contains(&format!("\n{name}:"));
    has("from") && (has("subject") || has("date"))
}

fn from_mbox(path: &str, how: How, bytes: &[u8], found: &mut Vec<Within>) {
    let mut read = std::io::Cursor::new(bytes);
    let done = container::read_messages(path, Some("mbox"), Position::default(), &mut read, &mut |item| {
        if let Item::Message(message) = item {
            found.push(Within {
                how,
                part: message.locator,
                bytes: message.bytes,
            });
        }
        found.len() < MAX_ORIGINALS
    });
    debug_assert!(done.is_ok(), "reading memory does not fail");
}

/// A zip is opened here only if it holds mails and nothing else; any other is an attachment to be judged.
fn from_zip(part: &Part, budget: &mut Budget, found: &mut Vec<Within>) {
    if !zips::may_hold_mails(&part.bytes) {
        return;
    }
    let mut inner = Vec::new();
    let mut is_mail_only = true;
    zips::walk(&part.bytes, budget, &mut |met, budget| {
        let zips::Met::File(name, bytes) = met else {
            return true;
        };
        let path = format!("{}/{name}", part.path);
        match container::sniff(&bytes, &name) {
            Container::Mbox => from_mbox(&path, How::Zip, &bytes, &mut inner),
            Container::Msg => match outlook::to_message(&bytes, budget) {
                Some(bytes) => inner.push(Within {
                    how: How::Zip,
                    part: path,
                    bytes,
                }),
                None => is_mail_only = false,
            },
            _ if container::has_header(&bytes) => inner.push(Within {
                how: How::Zip,
                part: path,
                bytes,
            }),
            Container::Paste if name.to_ascii_lowercase().ends_with(".txt") => {}
            _ => is_mail_only = false,
        }
        inner.len() < MAX_ORIGINALS
    });
    if is_mail_only {
        found.append(&mut inner);
    }
}

/// A message made of text that was copied from a screen; with the printed header where it begins with one.
fn from_paste(raw: &[u8]) -> (Vec<u8>, Option<Quote>, Option<How>) {
    let raw = &raw[..raw.len().min(limits::MAX_MESSAGE_BYTES)];
    let encoding = match std::str::from_utf8(raw) {
        Ok(_) => encoding_rs::UTF_8,
        Err(_) => encoding_rs::WINDOWS_1252,
    };
    // Text with a byte order mark is in what the mark says.
    let text = encoding.decode(raw).0;
    let start: String = text
        .trim_start()
        .chars()
        .take(500)
        .collect::<String>()
        .to_ascii_lowercase();
    let is_html = start.starts_with('<')
        && [
            "<html",
            "<!doctype",
            "<body",
            "<div",
            "<table",
            "<p>",
            "<head",
            "<meta",
            "<style",
        ]
        .iter()
        .any(|tag| start.contains(tag));
    let (plain, html) = if is_html {
        (None, Some(&*text))
    } else {
        (Some(&*text), None)
    };
    if let Some(copy) = forward::read_copy(plain, html) {
        return (copy.bytes, copy.says, Some(How::InlineForward));
    }
    let mut draft = Draft::default();
    draft.field(LOST, "lost (pasted text)");
    draft.text = plain.map(str::to_owned);
    draft.html = html.map(str::to_owned);
    (draft.write(), None, None)
}
