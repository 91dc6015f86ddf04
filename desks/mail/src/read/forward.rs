//! Forwards within the text: the header as a mail client prints it, and the forwarded text below it.
//!
//! A forward is told from a reply that quotes: by its marker ("Forwarded message", "Begin forwarded message:"), or by a subject
//! that says so together with the printed header. Under it nothing but the forwarded text may stand.

use super::address::strip_prefix_ignoring_case;
use super::draft::{Draft, DraftPart, LOST};
use super::lines::{self, Line};
use crate::evidence::Quote;
use crate::message::{Message, Part};

/// Lines of a body in which the printed header must begin.
const MAX_LINES: usize = 3_000;
/// Lines of a printed header.
const MAX_HEAD_LINES: usize = 60;
/// Longest text of one's own above a forward, in characters, unless the mail goes to a mailbox for reports.
const MAX_OWN_CHARS: usize = 2_000;
/// Longest text below a quoted forward that still counts as nothing.
const MAX_AFTER_CHARS: usize = 300;

/// Marks of a forward, without their dashes, in lower case.
const FORWARD_MARKS: [&str; 25] = [
    "forwarded message",
    "forwarded mail",
    "mensaje reenviado",
    "weitergeleitete nachricht",
    "message transféré",
    "mensagem encaminhada",
    "mensagem reencaminhada",
    "message réexpédié",
    "messaggio inoltrato",
    "doorgestuurd bericht",
    "begin forwarded message",
    "inicio del mensaje reenviado",
    "anfang der weitergeleiteten nachricht",
    "anfang der weitergeleiteten e-mail",
    "début du message réexpédié",
    "début du message transféré",
    "início da mensagem encaminhada",
    "início da mensagem reencaminhada",
    "inizio messaggio inoltrato",
    "inicio del mensaje retransmitido",
    "weitergeleitete mail",
    "mensaje retransmitido",
    "courriel transféré",
    "correo reenviado",
    "e-mail transféré",
];

/// Marks that stand over forwards and replies alike.
const ORIGINAL_MARKS: [&str; 14] = [
    "original message",
    "original email",
    "mensaje original",
    "ursprüngliche nachricht",
    "originalnachricht",
    "original-nachricht",
    "message d'origine",
    "message d\u{2019}origine",
    "message original",
    "mensagem original",
    "messaggio originale",
    "correo original",
    "e-mail d'origine",
    "original appointment",
];

/// Beginnings of subjects of forwards, without the colon.
const FORWARD_PREFIXES: [&str; 9] = ["fw", "fwd", "wg", "tr", "rv", "enc", "i", "reenv", "doorst"];
/// Beginnings of subjects of replies.
const REPLY_PREFIXES: [&str; 8] = ["re", "aw", "sv", "res", "rif", "antw", "ref", "ré"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    From,
    Date,
    To,
    Cc,
    Subject,
    Other,
}

/// Names of printed fields, in lower case.
const LABELS: [(Shown, &[&str]); 6] = [
    (
        Shown::From,
        &[
            "from",
            "de",
            "von",
            "da",
            "desde",
            "expéditeur",
            "remitente",
            "absender",
        ],
    ),
    (
        Shown::Date,
        &[
            "date",
            "sent",
            "fecha",
            "enviado",
            "enviado el",
            "gesendet",
            "datum",
            "envoyé",
            "envoyé le",
            "data",
            "enviada",
            "enviada em",
            "enviado em",
            "inviato",
            "fecha de envío",
            "gesendet am",
            "date d'envoi",
        ],
    ),
    (
        Shown::To,
        &[
            "to",
            "para",
            "an",
            "à",
            "a",
            "pour",
            "destinataire",
            "destinatario",
            "destinatário",
        ],
    ),
    (Shown::Cc, &["cc", "kopie", "copie", "copia", "cópia"]),
    (
        Shown::Subject,
        &[
            "subject", "asunto", "betreff", "objet", "assunto", "oggetto", "sujet",
        ],
    ),
    (
        Shown::Other,
        &[
            "reply-to",
            "bcc",
            "cci",
            "cco",
            "importance",
            "importancia",
            "wichtigkeit",
            "importância",
            "attachments",
            "datos adjuntos",
            "anlagen",
            "pièces jointes",
            "anexos",
            "antwort an",
            "responder a",
            "répondre à",
            "priority",
            "organization",
            "message-id",
            "resent-from",
            "x-mailer",
            "newsgroups",
        ],
    ),
];

/// What the wrapper says about itself before its text is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hints {
    pub says_forward: bool,
    pub says_reply: bool,
    pub is_to_reporting: bool,
}

/// An inline forward, rebuilt as a message.
#[derive(Debug, Clone, Default)]
pub(super) struct Forward {
    /// The message.
    pub bytes: Vec<u8>,
    /// The part it stood in.
    pub part: String,
    /// What stands above it.
    pub says: Option<Quote>,
}

/// Whether a subject begins as a forward's does: `Fw:`, `Fwd:`, `WG:`, `TR:`, `RV:`, `ENC:`. Labels in brackets before it
/// are passed over.
pub fn is_forward_subject(subject: &str) -> bool {
    has_prefix(subject, &FORWARD_PREFIXES)
}

pub(super) fn is_reply_subject(subject: &str) -> bool {
    has_prefix(subject, &REPLY_PREFIXES)
}

fn has_prefix(subject: &str, prefixes: &[&str]) -> bool {
    let mut rest = subject.trim_start();
    while let Some(inner) = rest.strip_prefix('[')
        && let Some((_, behind)) = inner.split_once(']')
    {
        rest = behind.trim_start();
    }
    rest = strip_prefix_ignoring_case(rest, "external:")
        .unwrap_or(rest)
        .trim_start();
    let Some((prefix, _)) = rest.split_once(':') else {
        return false;
    };
    let prefix = prefix.trim().to_lowercase();
    prefixes.contains(&prefix.as_str())
}

/// Whether text begins with the fields that a screen shows (`From:`, `Sent:`, `Subject:`), and is not a message itself.
pub(super) fn is_screen_copy(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(16 << 10)];
    let mut is_printed = false;
    for line in head.split(|byte| *byte == b'\n').take(200) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let Some(name) = super::container::field_name(line) else {
            continue;
        };
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        is_printed |= !matches!(
            name.as_str(),
            "from" | "to" | "cc" | "subject" | "reply-to" | "sender"
        );
        let value = String::from_utf8_lossy(&line[line.iter().position(|byte| *byte == b':').unwrap_or(0)..]);
        let is_machine_date =
            name == "date" && super::displayed::has_rfc_order(value.trim_start_matches(':'));
        const MACHINE: [&str; 8] = [
            "received",
            "return-path",
            "message-id",
            "mime-version",
            "content-type",
            "delivered-to",
            "dkim-signature",
            "authentication-results",
        ];
        if is_machine_date || name.starts_with("x-") || MACHINE.contains(&name.as_str()) {
            return false;
        }
    }
    // A message may have no more than these either; only a screen has another name or another date among them.
    if !is_printed {
        return false;
    }
    let lines = lines::of_text(&String::from_utf8_lossy(head));
    let first = lines
        .iter()
        .position(|line| !line.text.trim().is_empty())
        .unwrap_or(0);
    read_head(&lines, first, Folding::Folded)
        .is_some_and(|head| head.from.is_some() && head.subject.is_some())
}

/// Reads the inline forward that `message` is, if it is one.
pub(super) fn read(message: &Message, hints: Hints) -> Option<Forward> {
    let plain = body(message, "text/plain");
    let html = body(message, "text/html");
    let plain_text = plain.and_then(|part| part.text.as_deref());
    let html_text = html.and_then(|part| part.text.as_deref());
    let mut forward = rebuild(plain_text, html_text, hints, &|draft| {
        draft.field(LOST, "lost (inline forward)");
        for part in &message.parts {
            let is_body = [plain, html]
                .into_iter()
                .flatten()
                .any(|body| std::ptr::eq(body, part));
            if !is_body && !part.path.contains(' ') {
                draft.attachments.push(DraftPart {
                    media_type: part.media_type.clone(),
                    name: part.name.clone(),
                    content_id: part.content_id.clone(),
                    bytes: part.bytes.clone(),
                });
            }
        }
    })?;
    forward.part = plain.or(html).map(|part| part.path.clone()).unwrap_or_default();
    if let Some(says) = &mut forward.says {
        says.part = forward.part.clone();
    }
    Some(forward)
}

/// Reads text, or HTML, that was copied from a screen with the fields it showed.
pub(super) fn read_copy(plain: Option<&str>, html: Option<&str>) -> Option<Forward> {
    let hints = Hints {
        says_forward: true,
        says_reply: false,
        is_to_reporting: true,
    };
    rebuild(plain, html, hints, &|draft| {
        draft.field(LOST, "lost (pasted text)")
    })
}

/// The first part of `media_type` that is the body rather than a file.
pub(super) fn body<'a>(message: &'a Message, media_type: &str) -> Option<&'a Part> {
    message.parts.iter().find(|part| {
        part.media_type == media_type && part.text.is_some() && !part.is_attachment && part.name.is_empty()
    })
}

fn rebuild(
    plain: Option<&str>,
    html: Option<&str>,
    hints: Hints,
    begin: &dyn Fn(&mut Draft),
) -> Option<Forward> {
    let plain_lines = plain.map(lines::of_text).unwrap_or_default();
    let html_lines = html.map(lines::of_html).unwrap_or_default();
    let in_plain = find(&plain_lines, hints, Folding::Folded);
    // Some write a text part of nothing beside their HTML.
    let is_plain_empty = plain_lines.iter().all(|line| line.text.trim().is_empty());
    let in_html = find(&html_lines, hints, Folding::Whole);
    let found = match (&in_plain, &in_html) {
        (Some(found), _) => found,
        (None, Some(found)) if is_plain_empty || found.is_marked => found,
        _ => return None,
    };
    let mut draft = Draft::default();
    begin(&mut draft);
    found.head.write(&mut draft);
    if !plain_lines.is_empty() && !is_plain_empty {
        draft.text = in_plain.as_ref().map(|found| found.body.clone());
    }
    if let Some(html) = html {
        // Where the forward's place in the HTML is not found, the whole of it stays: no link may be lost.
        let start = in_html.as_ref().map_or(0, |found| found.body_start);
        let page = html.get(start..).unwrap_or(html);
        draft.html = Some(match start {
            0 => page.to_owned(),
            _ => format!("<html><body>{page}"),
        });
    }
    let says = (!found.own.trim().is_empty()).then(|| Quote::new("", found.own_start, found.own.trim()));
    Some(Forward {
        bytes: draft.write(),
        part: String::new(),
        says,
    })
}

#[derive(Debug, Default)]
struct Found {
    head: Head,
    own: String,
    own_start: usize,
    body: String,
    body_start: usize,
    is_marked: bool,
}

/// Whether long lines of a printed header may go on in the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folding {
    Folded,
    Whole,
}

fn find(lines: &[Line], hints: Hints, folding: Folding) -> Option<Found> {
    let mut is_reply = false;
    for (at, line) in lines.iter().enumerate().take(MAX_LINES) {
        let (_, text) = unquoted(&line.text);
        if text.is_empty() {
            continue;
        }
        is_reply |= is_attribution(text);
        let mark = mark_of(text);
        let is_head_start =
            mark.is_some() || is_rule(text) || label(text).is_some_and(|(shown, _)| shown == Shown::From);
        if !is_head_start {
            continue;
        }
        let start = if mark.is_some() || is_rule(text) {
            at + 1
        } else {
            at
        };
        let Some(head) = read_head(lines, start, folding) else {
            continue;
        };
        let is_marked = mark == Some(Mark::Forward);
        let fields = [head.date.is_some(), head.to.is_some(), head.subject.is_some()];
        let count = fields.iter().filter(|is_there| **is_there).count();
        if mark.is_none() && count < 2 || count < 1 {
            continue;
        }
        let may_be = !hints.says_reply && hints.is_to_reporting || hints.says_forward;
        let is_forward = !is_reply && (is_marked && !hints.says_reply || may_be);
        if !is_forward {
            return None;
        }
        return cut_out(lines, at, head, is_marked, hints);
    }
    None
}

fn cut_out(lines: &[Line], at: usize, head: Head, is_marked: bool, hints: Hints) -> Option<Found> {
    let mut own_lines: Vec<&str> = lines[..at].iter().map(|line| line.text.trim_end()).collect();
    while own_lines
        .last()
        .is_some_and(|line| line.trim().is_empty() || is_rule(line))
    {
        own_lines.pop();
    }
    if let Some(end) = own_lines.iter().position(|line| *line == "--") {
        own_lines.truncate(end);
    }
    let own = own_lines.join("\n");
    if own.chars().count() > MAX_OWN_CHARS && !hints.is_to_reporting {
        return None;
    }
    let own_start = lines[..at]
        .iter()
        .find(|line| !line.text.trim().is_empty())
        .map_or(0, |line| line.start);
    let mut body = String::new();
    let mut after = 0;
    let mut is_after = false;
    for line in &lines[head.end.min(lines.len())..] {
        if head.depth == 0 {
            body.push_str(&line.text);
            body.push('\n');
            continue;
        }
        let (depth, _) = unquoted(&line.text);
        if depth >= head.depth && !is_after {
            body.push_str(strip_marks(&line.text, head.depth));
            body.push('\n');
        } else if line.text.trim().is_empty() {
            body.push('\n');
        } else if line.text.trim_end() == "--" || is_rule(line.text.trim()) {
            break;
        } else if depth == 0 {
            is_after = true;
            after += line.text.chars().count();
        }
    }
    if after > MAX_AFTER_CHARS && !hints.is_to_reporting {
        return None;
    }
    let body_start = lines.get(head.end).map_or_else(
        || lines.last().map_or(0, |last| last.start + last.text.len()),
        |line| line.start,
    );
    Some(Found {
        head,
        own,
        own_start,
        body: body.trim_start_matches('\n').to_owned(),
        body_start,
        is_marked,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Forward,
    Original,
}

fn mark_of(text: &str) -> Option<Mark> {
    if text.len() > 120 {
        return None;
    }
    let bare = text.trim_matches(|char: char| {
        matches!(
            char,
            '-' | '_' | '*' | '=' | '#' | ' ' | '>' | '\u{2013}' | '\u{2014}'
        )
    });
    let has_dashes = text.trim_start_matches('*').starts_with("--");
    let lower = bare.trim_end_matches([':', ' ', '*', '\u{a0}']).to_lowercase();
    if FORWARD_MARKS.contains(&lower.as_str()) && (has_dashes || bare.ends_with(':') || text.starts_with('*'))
    {
        return Some(Mark::Forward);
    }
    // Forwards of forums and lists say from whom: "----- Forwarded message from x@y.example -----".
    if has_dashes && (lower.starts_with("forwarded message from ") || lower.starts_with("forwarded by ")) {
        return Some(Mark::Forward);
    }
    (has_dashes && ORIGINAL_MARKS.contains(&lower.as_str())).then_some(Mark::Original)
}

/// A line of underscores or dashes.
fn is_rule(text: &str) -> bool {
    text.len() >= 5 && text.bytes().all(|byte| matches!(byte, b'_' | b'-'))
}

/// "On … wrote:" over the quoted text of a reply.
fn is_attribution(text: &str) -> bool {
    const ENDS: [&str; 9] = [
        "wrote:",
        "writes:",
        "schrieb:",
        "escribió:",
        "a écrit :",
        "a écrit:",
        "escreveu:",
        "ha scritto:",
        "said:",
    ];
    let text = text.trim_end_matches(['*', ' ']);
    if ENDS.iter().any(|end| text.ends_with(end)) {
        return true;
    }
    text.starts_with("Am ") && text.contains(" schrieb ") && text.ends_with(':')
}

#[derive(Debug, Default)]
struct Head {
    from: Option<String>,
    date: Option<String>,
    to: Option<String>,
    cc: Option<String>,
    subject: Option<String>,
    /// The line behind it.
    end: usize,
    /// How deep it is quoted.
    depth: usize,
}

impl Head {
    fn slot(&mut self, shown: Shown) -> Option<&mut Option<String>> {
        match shown {
            Shown::From => Some(&mut self.from),
            Shown::Date => Some(&mut self.date),
            Shown::To => Some(&mut self.to),
            Shown::Cc => Some(&mut self.cc),
            Shown::Subject => Some(&mut self.subject),
            Shown::Other => None,
        }
    }

    fn write(&self, draft: &mut Draft) {
        draft.field("From", &sender(self.from.as_deref().unwrap_or_default()));
        for (name, value) in [
            ("Date", &self.date),
            ("Subject", &self.subject),
            ("To", &self.to),
            ("Cc", &self.cc),
        ] {
            draft.field(name, value.as_deref().unwrap_or_default());
        }
    }
}

fn read_head(lines: &[Line], start: usize, folding: Folding) -> Option<Head> {
    let mut head = Head::default();
    let mut last: Option<Shown> = None;
    let mut blanks = 0;
    let mut length_before = 0;
    let mut at = start;
    while at < lines.len() && at < start + MAX_HEAD_LINES {
        let (depth, text) = unquoted(&lines[at].text);
        if text.is_empty() {
            blanks += 1;
            let is_open =
                last.is_none() || head.from.is_none() || head.subject.is_none() && head.date.is_none();
            let next = lines[at + 1..]
                .iter()
                .take(2)
                .map(|line| unquoted(&line.text).1)
                .find(|text| !text.is_empty());
            let goes_on = next
                .and_then(label)
                .is_some_and(|(shown, _)| match head.slot(shown) {
                    Some(slot) => slot.is_none(),
                    None => false,
                });
            if last.is_some() && !goes_on
                || last.is_none() && blanks > 2
                || blanks > 12
                || !is_open && !goes_on
            {
                break;
            }
            at += 1;
            continue;
        }
        match label(text) {
            Some((shown, value)) if head.slot(shown).is_none_or(|slot| slot.is_none()) => {
                if last.is_none() {
                    head.depth = depth;
                }
                if let Some(slot) = head.slot(shown) {
                    *slot = Some(value.to_owned());
                }
                last = Some(shown);
            }
            Some(_) => break,
            None => {
                let shown = last?;
                let Some(slot) = head.slot(shown) else {
                    break;
                };
                let value = slot.get_or_insert_default();
                let is_list = matches!(shown, Shown::To | Shown::Cc | Shown::From);
                let is_folded = folding == Folding::Folded && (is_list || length_before > 60) && blanks == 0;
                if !value.is_empty() && !is_folded || value.len() > 4_000 {
                    break;
                }
                value.push(' ');
                value.push_str(text);
            }
        }
        length_before = text.len();
        at += 1;
    }
    head.end = at;
    let from = head.from.as_deref().map(str::trim).unwrap_or_default();
    (!from.is_empty()).then_some(head)
}

fn label(text: &str) -> Option<(Shown, &str)> {
    let text = text.trim_start_matches(|char: char| {
        matches!(char, '*' | '|' | '_' | '\u{2022}') || char.is_whitespace()
    });
    let colon = text
        .char_indices()
        .take(24)
        .find(|(_, char)| matches!(char, ':' | '\u{ff1a}'))
        .map(|(at, _)| at)?;
    let name = text[..colon]
        .trim_matches(|char: char| char == '*' || char == '_' || char.is_whitespace())
        .to_lowercase();
    let value = text[colon..]
        .trim_start_matches([':', '\u{ff1a}'])
        .trim_start_matches(|char: char| matches!(char, '*' | '_') || char.is_whitespace())
        .trim_end();
    let found = LABELS.iter().find(|(_, names)| names.contains(&name.as_str()))?;
    Some((found.0, value))
}

/// The sender as displayed, as a field value: its name in quotes, so that a comma in it does not make two of it.
fn sender(shown: &str) -> String {
    let shown = shown.trim();
    let open = shown.rfind(['<', '[']);
    let Some(open) = open else {
        return shown.to_owned();
    };
    let name = shown[..open].trim().trim_matches(['"', '\'', '*', ' ']);
    let inner: String = shown[open + 1..]
        .chars()
        .take_while(|char| !matches!(char, '>' | ']'))
        .collect();
    let inner = strip_prefix_ignoring_case(inner.trim(), "mailto:").unwrap_or(inner.trim());
    if !inner.contains('@') {
        return shown.to_owned();
    }
    // Clients that print an address as a link repeat it: a@b.example<mailto:a@b.example>, Name <a@b.example<mailto:…>>.
    let name = name
        .split('<')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches(['"', '\'', '*', ' ']);
    if name.is_empty() || name.eq_ignore_ascii_case(inner) {
        return format!("<{inner}>");
    }
    format!(
        "\"{}\" <{inner}>",
        name.replace('\\', "\\\\").replace('"', "\\\"")
    )
}

/// How deep a line is quoted, and its text without the marks and the spaces around it.
fn unquoted(line: &str) -> (usize, &str) {
    let mut depth = 0;
    let mut rest = line.trim_start();
    while let Some(behind) = rest.strip_prefix('>') {
        depth += 1;
        rest = behind.trim_start();
    }
    (depth, rest.trim_end())
}

fn strip_marks(line: &str, depth: usize) -> &str {
    let mut rest = line;
    for _ in 0..depth {
        rest = rest.trim_start();
        rest = rest.strip_prefix('>').unwrap_or(rest);
    }
    rest.strip_prefix(' ').unwrap_or(rest)
}
