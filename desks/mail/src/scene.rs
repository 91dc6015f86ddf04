//! Everything that is known of one message before it is judged: what detectors look at.

use std::collections::BTreeSet;

use pollwatch_names::refang;

use crate::attach::{self, Attachment};
use crate::authenticate::Authentication;
use crate::evidence::{File, FoundLink, Quote, Seen, Via};
use crate::fold::Words;
use crate::html::{self, Page};
use crate::known::Known;
use crate::limits::Budget;
use crate::link::{Link, addresses_in_text};
use crate::message::Message;
use crate::phrases::{Found, PhraseKind};
use crate::read::{Address, addresses};
use crate::wallet::{Wallet, wallets};

/// Most bytes of body text that words are looked for in.
const MAX_TEXT_BYTES: usize = 512 << 10;

/// A text of the message with the phrases found in it.
#[derive(Debug, Clone, Default)]
pub struct Passage {
    /// MIME part path; `0` for the subject.
    pub part: String,
    /// The text.
    pub text: String,
    /// Its words.
    pub words: Words,
    /// Phrases in it.
    pub phrases: Vec<Found>,
    /// Whether it stands in an attachment.
    pub is_attached: bool,
}

impl Passage {
    fn new(part: &str, text: String, is_attached: bool, known: &Known) -> Passage {
        let words = Words::of(&text);
        let phrases = known.phrases.find(&words);
        Passage {
            part: part.to_owned(),
            text,
            words,
            phrases,
            is_attached,
        }
    }

    /// A quote of words `from..to`, with a little of what stands around them.
    pub fn quote(&self, from: usize, to: usize) -> Quote {
        let (begin, end) = self.words.place(from, to);
        self.quote_bytes(begin, end)
    }

    /// A quote of bytes, widened to the line or sixty bytes around.
    pub fn quote_bytes(&self, begin: usize, end: usize) -> Quote {
        let before = &self.text[..begin.min(self.text.len())];
        let line_start = before.rfind(['\n', '.', '!', '?']).map_or(0, |at| at + 1);
        let mut start = line_start.max(begin.saturating_sub(80));
        while !self.text.is_char_boundary(start) {
            start += 1;
        }
        let after = self.text.get(end..).unwrap_or_default();
        let mut stop = end + after.find(['\n', '.', '!', '?']).unwrap_or(after.len()).min(80);
        while !self.text.is_char_boundary(stop) {
            stop += 1;
        }
        let text = self.text.get(start..stop).unwrap_or_default();
        let lead = text.len() - text.trim_start().len();
        Quote::new(&self.part, start + lead, text.trim())
    }
}

/// A message, laid out.
#[derive(Debug)]
pub struct Scene<'a> {
    /// What it is compared with.
    pub known: &'a Known,
    /// The message.
    pub message: &'a Message,
    /// Who it says it is from: every address of every From field.
    pub from: Vec<Address>,
    /// What is known of its authentication.
    pub authentication: &'a Authentication,
    /// Recipients: To, Cc, Delivered-To, X-Original-To and the like.
    pub recipients: Vec<String>,
    /// The subject, decoded.
    pub subject: Passage,
    /// The sender's own new text: bodies without what they quote, and texts of attachments.
    pub passages: Vec<Passage>,
    /// Pages of HTML in the body.
    pub pages: Vec<(String, Page)>,
    /// Links, unwrapped; those of attachments too.
    pub links: Vec<Link>,
    /// Attachments and what is in them.
    pub files: Vec<File>,
    /// Signals that attachments give.
    pub attached: Vec<Seen>,
    /// Links drawn as QR codes in the body.
    pub drawn: Vec<FoundLink>,
    /// Defanged addresses that the text quotes.
    pub quoted: Vec<String>,
    /// Messages inside archives: part and bytes.
    pub messages: Vec<(String, Vec<u8>)>,
    /// Pictures in the body.
    pub pictures: usize,
    /// Whether the message quotes an earlier one.
    pub has_quote: bool,
    /// Whether the body is encrypted (S/MIME, PGP).
    pub is_encrypted: bool,
}

impl<'a> Scene<'a> {
    /// The wallets that its own text names.
    pub fn wallets(&self) -> Vec<Wallet> {
        let own = self.passages.iter().filter(|passage| !passage.is_attached);
        own.flat_map(|passage| wallets(&passage.text)).collect()
    }

    /// Lays out `message`.
    pub fn new(
        message: &'a Message,
        authentication: &'a Authentication,
        known: &'a Known,
        budget: &mut Budget,
    ) -> Scene<'a> {
        let mut scene = Scene {
            known,
            message,
            from: message
                .values("from")
                .take(10)
                .flat_map(addresses)
                .take(20)
                .collect(),
            authentication,
            recipients: recipients(message),
            subject: Passage::new("0", message.decoded("subject"), false, known),
            passages: Vec::new(),
            pages: Vec::new(),
            links: Vec::new(),
            files: Vec::new(),
            attached: Vec::new(),
            drawn: Vec::new(),
            quoted: Vec::new(),
            messages: Vec::new(),
            pictures: 0,
            has_quote: false,
            is_encrypted: false,
        };
        let mut found: Vec<FoundLink> = Vec::new();
        let mut plain: Vec<(String, String)> = Vec::new();
        let mut rich: Vec<(String, String)> = Vec::new();
        for part in &message.parts {
            let kind = part.media_type.as_str();
            scene.is_encrypted |= kind.ends_with("pkcs7-mime") && !part.name.ends_with(".p7s")
                || kind == "application/pgp-encrypted";
            match &part.text {
                Some(text)
                    if !part.is_attachment
                        && part.name.is_empty()
                        && matches!(kind, "text/html" | "application/xhtml+xml") =>
                {
                    let page = html::read(text, budget);
                    found.extend(links_of_page(&page, &part.path));
                    for url in attach::qr_in_tables(text, budget) {
                        scene.drawn.push(drawn(&part.path, 0, url));
                    }
                    rich.push((part.path.clone(), page.text.clone()));
                    scene.pictures += page.resources.len();
                    scene.pages.push((part.path.clone(), page));
                }
                Some(text) if !part.is_attachment && part.name.is_empty() && kind != "text/calendar" => {
                    found.extend(
                        addresses_in_text(text)
                            .into_iter()
                            .map(|(offset, url)| FoundLink {
                                text: url.clone(),
                                url,
                                via: Via::Text,
                                part: part.path.clone(),
                                offset,
                            }),
                    );
                    for (offset, url) in attach::qr_in_text(text, budget) {
                        scene.drawn.push(drawn(&part.path, offset, url));
                    }
                    plain.push((part.path.clone(), text.clone()));
                }
                _ => scene.look_into(part, &mut found, budget),
            }
        }
        // The page is what most readers see; the plain alternative is read too where it says something else.
        for (path, text) in rich.iter().chain(&plain) {
            let (own, quotes) = own_text(text);
            scene.has_quote |= quotes;
            scene.quoted.extend(quoted_addresses(text));
            let is_same = scene.passages.iter().any(|known| is_alike(&known.text, &own));
            if !own.trim().is_empty() && !is_same {
                scene
                    .passages
                    .push(Passage::new(path, cut(&own).to_owned(), false, known));
            }
        }
        scene.quoted.sort();
        scene.quoted.dedup();
        scene.quoted.truncate(500);
        found.extend(scene.drawn.iter().cloned());
        let mut seen = BTreeSet::new();
        for one in found {
            if !seen.insert((one.url.clone(), one.text.clone())) {
                continue;
            }
            if !budget.link() {
                budget.cut("links beyond 2,000");
                break;
            }
            scene.links.extend(Link::read(one, known));
        }
        scene
    }

    fn look_into(&mut self, part: &crate::message::Part, found: &mut Vec<FoundLink>, budget: &mut Budget) {
        self.pictures += usize::from(part.media_type.starts_with("image/"));
        let contents = attach::examine(
            Attachment {
                part: &part.path,
                name: &part.name,
                declared: &part.media_type,
                bytes: &part.bytes,
            },
            budget,
        );
        found.extend(contents.links);
        self.files.extend(contents.files);
        self.attached.extend(contents.seen);
        self.messages.extend(contents.messages);
        for (path, text) in contents.text {
            if !text.trim().is_empty() {
                self.passages
                    .push(Passage::new(&path, cut(&text).to_owned(), true, self.known));
            }
        }
    }

    /// The first author address, lower case; empty where there is none.
    pub fn from_address(&self) -> &str {
        self.from.first().map_or("", |one| one.address.as_str())
    }

    /// The domain of the first author address.
    pub fn from_domain(&self) -> &str {
        domain_of(self.from_address())
    }

    /// Every phrase of a kind, strongest first, with the passage it stands in; each phrase once.
    pub fn phrases(&self, kind: PhraseKind) -> Vec<(&Passage, Found)> {
        let mut all: Vec<(&Passage, Found)> = std::iter::once(&self.subject)
            .chain(&self.passages)
            .flat_map(|passage| passage.phrases.iter().map(move |found| (passage, *found)))
            .filter(|(_, found)| found.kind == kind)
            .collect();
        all.sort_by_key(|(_, found)| (std::cmp::Reverse(found.weight), found.place));
        let mut known = BTreeSet::new();
        all.retain(|(_, found)| known.insert(found.phrase));
        all
    }
}

/// The domain of an address.
pub fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

fn drawn(part: &str, offset: usize, url: String) -> FoundLink {
    FoundLink {
        url,
        text: String::new(),
        via: Via::Qr,
        part: part.to_owned(),
        offset,
    }
}

fn recipients(message: &Message) -> Vec<String> {
    let mut all: Vec<String> = [
        "delivered-to",
        "x-original-to",
        "envelope-to",
        "x-forwarded-to",
        "to",
        "cc",
        "bcc",
    ]
    .iter()
    .flat_map(|name| message.values(name).take(4))
    .flat_map(addresses)
    .map(|one| one.address.to_lowercase())
    .filter(|address| address.contains('@'))
    .take(500)
    .collect();
    let mut seen = BTreeSet::new();
    all.retain(|address| seen.insert(address.clone()));
    all
}

fn links_of_page(page: &Page, part: &str) -> Vec<FoundLink> {
    let mut found: Vec<FoundLink> = page
        .links
        .iter()
        .map(|link| FoundLink {
            url: link.url.clone(),
            text: link.text.clone(),
            via: if link.is_refresh {
                Via::Refresh
            } else {
                Via::Anchor
            },
            part: part.to_owned(),
            offset: link.offset,
        })
        .collect();
    found.extend(
        page.forms
            .iter()
            .filter(|form| !form.action.is_empty())
            .map(|form| FoundLink {
                url: form.action.clone(),
                text: String::new(),
                via: Via::Form,
                part: part.to_owned(),
                offset: form.offset,
            }),
    );
    // An address that is only written, in a page without anchors, is clicked all the same: mail programs make a link of it.
    let written = addresses_in_text(&page.text);
    found.extend(
        written
            .into_iter()
            .filter(|(_, url)| {
                !page
                    .links
                    .iter()
                    .any(|link| link.text.contains(url.as_str()) || link.url.starts_with(url.as_str()))
            })
            .map(|(offset, url)| FoundLink {
                text: url.clone(),
                url,
                via: Via::Text,
                part: part.to_owned(),
                offset,
            }),
    );
    found.extend(page.resources.iter().map(|(url, alt)| FoundLink {
        url: url.clone(),
        text: alt.clone(),
        via: Via::Resource,
        part: part.to_owned(),
        offset: 0,
    }));
    found
}

/// Beginnings of lines behind which an earlier message is quoted.
const QUOTE_MARKS: &[&str] = &[
    "-----original message",
    "-------- original message",
    "-----mensaje original",
    "-----mensagem original",
    "-----urspr\u{fc}ngliche nachricht",
    "-----message d'origine",
];

/// The sender's own text: without lines that quote, and without what follows the head of a quoted message. Whether anything
/// was quoted.
fn own_text(text: &str) -> (String, bool) {
    let mut own = String::with_capacity(text.len());
    let mut quotes = false;
    for line in text.lines() {
        let bare = line.trim();
        if bare.starts_with('>') || bare.starts_with("&gt;") {
            quotes = true;
            continue;
        }
        let lower: String = bare.chars().take(60).collect::<String>().to_lowercase();
        let is_head = QUOTE_MARKS.iter().any(|mark| lower.starts_with(mark))
            || (bare.len() < 200
                && (lower.starts_with("on ") && bare.ends_with("wrote:")
                    || lower.starts_with("el ") && bare.ends_with("escribi\u{f3}:")
                    || lower.starts_with("am ") && bare.ends_with("schrieb:")
                    || lower.starts_with("le ") && bare.ends_with("crit :")
                    || lower.starts_with("em ") && bare.ends_with("escreveu:")));
        if is_head {
            quotes = true;
            break;
        }
        own.push_str(line);
        own.push('\n');
    }
    (own, quotes)
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Whether two texts say the same, give or take their layout: compared by their first 400 letters.
fn is_alike(a: &str, b: &str) -> bool {
    let letters = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .take(400)
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let (a, b) = (letters(a), letters(b));
    !a.is_empty() && (a == b || (a.len() > 200 && a.starts_with(b.get(..150).unwrap_or("\0"))))
}

/// Addresses written so that nobody follows them: `hxxp://a[.]example`, `a(dot)example`.
fn quoted_addresses(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '<' | '>'))
        .filter(|word| {
            word.len() < 500
                && (word.contains("[.]")
                    || word.contains("(.)")
                    || word.starts_with("hxxp")
                    || word.contains("[@]"))
        })
        .map(|word| {
            refang(&word.replace("(.)", "."))
                .trim_end_matches(['.', ')', ':'])
                .to_owned()
        })
        .filter(|word| word.contains('.'))
        .take(500)
        .collect()
}
