//! Notices that a message was not delivered (RFC 3464), and those of software that writes them its own way.

use super::address::addresses;
use super::forward;
use crate::evidence::Quote;
use crate::message::{Message, Part};

/// Most failures that are read from one notice.
const MAX_FAILURES: usize = 1_000;
/// Lines of a notice in words that are read.
const MAX_LINES: usize = 2_000;
/// Lines behind an address in which the reason stands.
const REASON_LINES: usize = 6;

/// A recipient whom a message did not reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// Whom: the address that was written to, where the notice tells it, else the final one.
    pub recipient: String,
    /// The enhanced status code (RFC 3463) or the reply code (RFC 5321, section 4.2); empty where none is given.
    pub status: String,
    /// Message-ID of the message that came back, without brackets.
    pub original_message_id: Option<String>,
    /// Its subject, decoded.
    pub original_subject: Option<String>,
    /// The words that say so.
    pub quote: Quote,
}

/// Whether `message` is a notice about the delivery of another message.
pub fn is_delivery_report(message: &Message) -> bool {
    let has_type = |name: &str| message.parts.iter().any(|part| part.media_type == name);
    if has_type("message/feedback-report") {
        return false;
    }
    let declared = message
        .value("content-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_report = declared.starts_with("multipart/report")
        && (declared.contains("delivery-status") || declared.contains("disposition-notification"));
    if is_report
        || has_type("message/delivery-status")
        || has_type("message/global-delivery-status")
        || has_type("message/disposition-notification")
        || message.value("x-failed-recipients").is_some()
    {
        return true;
    }
    is_from_daemon(message)
        && (speaks_of_failure(&message.decoded("subject")) || {
            let text = forward::body(message, "text/plain")
                .and_then(|part| part.text.as_deref())
                .unwrap_or_default();
            let head: String = text.chars().take(1_000).collect();
            speaks_of_failure(&head)
        })
}

fn is_from_daemon(message: &Message) -> bool {
    const DAEMONS: [&str; 5] = [
        "mailer-daemon",
        "postmaster",
        "mail-daemon",
        "mailerdaemon",
        "maildaemon",
    ];
    let from = message.value("from").unwrap_or_default().to_ascii_lowercase();
    let path = message.value("return-path").unwrap_or_default();
    DAEMONS.iter().any(|daemon| from.contains(daemon))
        || path == "<>"
        || from.contains("mail delivery")
        || path.to_ascii_lowercase().starts_with("<mailer-daemon")
}

fn speaks_of_failure(text: &str) -> bool {
    const WORDS: [&str; 28] = [
        "undeliver",
        "delivery status",
        "delivery failure",
        "delivery failed",
        "returned mail",
        "failure notice",
        "delivery has failed",
        "returned to sender",
        "delivery report",
        "not be delivered",
        "nondeliver",
        "non-deliver",
        "delivery notification",
        "mail failure",
        "returning message",
        "delivery error",
        "not delivered",
        "delivery problem",
        "unzustellbar",
        "nicht zugestellt",
        "no se puede entregar",
        "no se pudo entregar",
        "non remis",
        "échec de la remise",
        "não entregue",
        "não pôde ser entregue",
        "wasn't able to deliver",
        "unable to deliver",
    ];
    let lower = text.to_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

/// Who was not reached, as a delivery notice says; empty for any other message.
///
/// Reads the fields of RFC 3464 (action `failed` only), `X-Failed-Recipients`, and the plain text of qmail, Exim and older
/// gateways. The notice can be forged: it is a claim with its quote, not a fact.
pub fn delivery_failures(message: &Message) -> Vec<Failure> {
    if !is_delivery_report(message) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut has_status_part = false;
    for part in &message.parts {
        if part.media_type.ends_with("delivery-status") {
            has_status_part = true;
            read_status(part, &mut found);
        }
    }
    if found.is_empty() && !has_status_part || found.is_empty() && !speaks_of_delay(message) {
        read_words(message, &mut found);
    }
    if found.is_empty() {
        for value in message.values("x-failed-recipients") {
            for entry in addresses(value) {
                add(
                    &mut found,
                    entry.address,
                    String::new(),
                    Quote::new("0", 0, value),
                );
            }
        }
    }
    let (id, subject) = returned(message);
    for failure in &mut found {
        failure.original_message_id.clone_from(&id);
        failure.original_subject.clone_from(&subject);
    }
    found
}

fn speaks_of_delay(message: &Message) -> bool {
    message.parts.iter().any(|part| {
        let text = String::from_utf8_lossy(&part.bytes[..part.bytes.len().min(8_192)]).to_ascii_lowercase();
        part.media_type.ends_with("delivery-status")
            && [
                "action: delayed",
                "action: delivered",
                "action: relayed",
                "action: expanded",
            ]
            .iter()
            .any(|action| text.contains(action))
    })
}

fn add(found: &mut Vec<Failure>, recipient: String, status: String, quote: Quote) {
    let is_address = recipient.contains('@') && recipient.len() < 320;
    let is_known = found
        .iter()
        .any(|failure| failure.recipient.eq_ignore_ascii_case(&recipient));
    if is_address && !is_known && found.len() < MAX_FAILURES {
        found.push(Failure {
            recipient,
            status,
            quote,
            ..Failure::default()
        });
    }
}

/// The per-recipient fields of a status part (RFC 3464, section 2.3).
fn read_status(part: &Part, found: &mut Vec<Failure>) {
    let text = String::from_utf8_lossy(&part.bytes).replace("\r\n", "\n");
    let mut offset = 0;
    for group in text.split("\n\n") {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in group.lines().take(200) {
            match line.split_once(':') {
                Some((name, value)) if !line.starts_with([' ', '\t']) => {
                    fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                }
                _ => {
                    if let Some((_, value)) = fields.last_mut() {
                        value.push(' ');
                        value.push_str(line.trim());
                    }
                }
            }
        }
        let value = |name: &str| {
            fields
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        let is_failed = value("action").is_none_or(|action| action.to_ascii_lowercase().starts_with("fail"));
        let named = [
            value("original-recipient"),
            value("final-recipient"),
            value("x-actual-recipient"),
        ];
        let recipient = named
            .into_iter()
            .flatten()
            .map(recipient_of)
            .find(|address| address.contains('@'));
        if let Some(recipient) = recipient
            && is_failed
        {
            let status = value("status")
                .and_then(status_of)
                .or_else(|| value("diagnostic-code").and_then(status_of));
            add(
                found,
                recipient,
                status.unwrap_or_default(),
                Quote::new(&part.path, offset, group.trim()),
            );
        }
        offset += group.len() + 2;
    }
}

/// The address of `rfc822; a@b.example` (RFC 3464, section 2.3.1).
fn recipient_of(value: &str) -> String {
    let address = value.split_once(';').map_or(value, |(_, address)| address);
    addresses(address)
        .into_iter()
        .next()
        .map(|entry| entry.address)
        .unwrap_or_default()
}

/// The first status code in `text`: `5.1.1`, else a reply code `550`.
fn status_of(text: &str) -> Option<String> {
    let words = || {
        text.split(|char: char| !(char.is_ascii_digit() || char == '.'))
            .map(|word| word.trim_matches('.'))
    };
    let is_enhanced = |word: &&str| {
        let mut numbers = word.split('.');
        let class = numbers.next();
        let rest: Vec<&str> = numbers.collect();
        matches!(class, Some("4" | "5"))
            && rest.len() == 2
            && rest.iter().all(|number| (1..=3).contains(&number.len()))
    };
    let is_reply =
        |word: &&str| word.len() == 3 && matches!(word.as_bytes()[0], b'4' | b'5') && !word.contains('.');
    words()
        .find(is_enhanced)
        .or_else(|| words().find(is_reply))
        .map(str::to_owned)
}

/// Lines below which the returned message stands.
fn is_returned_mark(line: &str) -> bool {
    const MARKS: [&str; 11] = [
        "below this line is a copy of the message",
        "this is a copy of the message",
        "this is a copy of your message",
        "original message follows",
        "original message headers",
        "unsent message follows",
        "original message",
        "undelivered message",
        "returned message",
        "message header follows",
        "the following is a copy",
    ];
    let line = line.to_ascii_lowercase();
    let dashed =
        line.starts_with("--") || line.starts_with("**") || line.starts_with("==") || line.ends_with(':');
    dashed && MARKS.iter().any(|mark| line.contains(mark))
}

fn notice(message: &Message) -> Option<&Part> {
    forward::body(message, "text/plain").or_else(|| message.parts.iter().find(|part| part.text.is_some()))
}

fn read_words(message: &Message, found: &mut Vec<Failure>) {
    let Some(part) = notice(message) else {
        return;
    };
    let text = part.text.as_deref().unwrap_or_default();
    let told: Vec<String> = ["to", "from"]
        .iter()
        .flat_map(|name| message.values(name))
        .flat_map(addresses)
        .map(|entry| entry.address.to_ascii_lowercase())
        .collect();
    let mut lines: Vec<(usize, &str)> = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n').take(MAX_LINES) {
        let bare = line.trim();
        if is_returned_mark(bare) || is_returned_header(bare) {
            break;
        }
        lines.push((offset, bare));
        offset += line.len();
    }
    for (at, (offset, line)) in lines.iter().enumerate() {
        let named: Vec<String> = line
            .split(|char: char| {
                char.is_whitespace()
                    || matches!(char, '<' | '>' | '(' | ')' | '"' | '\'' | ',' | ';' | '[' | ']')
            })
            .map(|word| word.trim_matches([':', '.', '=']).trim_start_matches("mailto:"))
            .filter(|word| is_address(word) && !told.contains(&word.to_ascii_lowercase()))
            .map(str::to_owned)
            .collect();
        let Some(recipient) = named.into_iter().next() else {
            continue;
        };
        let is_alone = line.trim_matches(['<', '>', ':', '.', '-', '*', ' ']).len() <= recipient.len() + 4;
        let behind = lines[at..].iter().take(REASON_LINES).map(|(_, line)| *line);
        let mut reason = String::new();
        for (count, next) in behind.enumerate() {
            if count > 0
                && (next.contains('@')
                    && !next.contains("rcpt")
                    && is_address(next.trim_matches(['<', '>', ':'])))
            {
                break;
            }
            reason.push_str(next);
            reason.push('\n');
        }
        let status = status_of(line).or_else(|| status_of(&reason));
        if status.is_some() || is_alone || speaks_of_failure(line) {
            add(
                found,
                recipient,
                status.unwrap_or_default(),
                Quote::new(&part.path, *offset, reason.trim()),
            );
        }
    }
}

/// A line that only a returned header has.
fn is_returned_header(line: &str) -> bool {
    [
        "Return-Path:",
        "Received:",
        "Return-path:",
        "Message-ID:",
        "Message-Id:",
        "DKIM-Signature:",
    ]
    .iter()
    .any(|name| line.starts_with(name))
}

fn is_address(word: &str) -> bool {
    word.len() < 320
        && word.split_once('@').is_some_and(|(local, domain)| {
            let is_host = domain
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
            !local.is_empty() && !local.contains(['/', ':']) && domain.contains('.') && is_host
        })
}

/// Message-ID and subject of the message that came back.
fn returned(message: &Message) -> (Option<String>, Option<String>) {
    let mut id = None;
    let mut subject = None;
    for part in &message.parts {
        let is_message = matches!(
            part.media_type.as_str(),
            "message/rfc822" | "message/global" | "message/partial"
        );
        if is_message
            || part.media_type.contains("rfc822-header")
            || part.media_type.contains("global-headers")
        {
            read_returned(
                &String::from_utf8_lossy(&part.bytes[..part.bytes.len().min(1 << 20)]),
                &mut id,
                &mut subject,
            );
        }
    }
    let text = notice(message)
        .and_then(|part| part.text.as_deref())
        .unwrap_or_default();
    let mut offset = 0;
    let mut tries = 0;
    for line in text.split_inclusive('\n').take(MAX_LINES) {
        let bare = line.trim();
        if is_returned_mark(bare) || is_returned_header(bare) || bare.starts_with("Subject:") {
            tries += 1;
            let from = offset + if is_returned_mark(bare) { line.len() } else { 0 };
            read_returned(text[from..].trim_start(), &mut id, &mut subject);
        }
        if id.is_some() && subject.is_some() || tries > 10 {
            break;
        }
        offset += line.len();
    }
    if subject.is_none() {
        // "Undeliverable: subject", as Exchange and its translations write it.
        let own = message.decoded("subject");
        subject = own
            .split_once(':')
            .filter(|(before, _)| !before.trim().contains(' ') && speaks_of_failure(before))
            .map(|(_, behind)| behind.trim().to_owned());
    }
    (id, subject)
}

fn read_returned(text: &str, id: &mut Option<String>, subject: &mut Option<String>) {
    let head: String = text.chars().take(64 << 10).collect();
    let mut unfolded: Vec<String> = Vec::new();
    for line in head.lines() {
        if line.trim().is_empty() {
            break;
        }
        match unfolded.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => unfolded.push(line.trim().to_owned()),
        }
    }
    for line in unfolded {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        if value.is_empty() {
            continue;
        }
        if name.eq_ignore_ascii_case("message-id") && id.is_none() {
            *id = Some(value.trim_matches(['<', '>', ' ']).to_owned());
        } else if name.eq_ignore_ascii_case("subject") && subject.is_none() {
            *subject = Some(crate::message::decode_words(value));
        }
    }
}
