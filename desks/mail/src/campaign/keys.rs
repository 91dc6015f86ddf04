//! What two messages of one campaign have in common: keys, strong and weak.

use std::net::IpAddr;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::text;
use super::{CampaignLink, TraitsInput};

/// A sort of thing that two messages may have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// A registrable domain under the attacker's control, of a link or of the sender.
    Domain,
    /// The same file, by its digest.
    File,
    /// The same address on a shortener or on a shared service.
    Url,
    /// The same phone number, mailbox or wallet to answer to.
    Contact,
    /// The same shape of path, with at least two fixed pieces.
    Path,
    /// The same Message-ID.
    MessageId,
    /// The same message, seen twice.
    Message,
    /// The same masked text, too short to weigh more.
    ShortText,
    /// The same attachment name and size.
    Attachment,
    /// The same picture.
    Picture,
    /// The same elements in the same order.
    Tags,
    /// The same network, greeting, program and shape of Message-ID.
    Infrastructure,
    /// The same sender address.
    Sender,
    /// The same subject, numbers and names apart.
    Subject,
    /// The same claimed identity behind the same shortener.
    ClaimShortener,
}

impl KeyKind {
    /// Whether one such key is enough to join.
    pub fn is_strong(self) -> bool {
        self < KeyKind::ShortText
    }
}

/// Something that a message may have in common with another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// What sort of thing.
    pub kind: KeyKind,
    /// What is compared.
    pub value: String,
    /// Where it was seen (a host, a file name); not compared.
    pub at: String,
}

impl Key {
    fn new(kind: KeyKind, value: impl Into<String>, at: &str) -> Self {
        Key {
            kind,
            value: value.into(),
            at: at.chars().take(200).collect(),
        }
    }

    /// Why two messages that share this key belong together; `other` is the same key of the other message.
    pub fn why(&self, other: &Key) -> String {
        let value = &self.value;
        match self.kind {
            KeyKind::Domain => format!("both lead to or come from {value}"),
            KeyKind::File if self.at == other.at => format!("the same file {}", self.at),
            KeyKind::File => format!("the same file, called {} and {}", self.at, other.at),
            KeyKind::Url => format!("the same link {value}"),
            KeyKind::Contact => format!("the same contact {value}"),
            KeyKind::Path if self.at == other.at => format!("same path {value} on {}", self.at),
            KeyKind::Path => format!("same path {value} on two hosts, {} and {}", self.at, other.at),
            KeyKind::MessageId => format!("the same Message-ID {value}"),
            KeyKind::Message => "the same message, seen twice".to_owned(),
            KeyKind::ShortText => "the same short text".to_owned(),
            KeyKind::Attachment => format!("an attachment of the same name and size, {value}"),
            KeyKind::Picture => "the same picture".to_owned(),
            KeyKind::Tags => "the same page layout".to_owned(),
            KeyKind::Infrastructure => format!("sent the same way ({value})"),
            KeyKind::Sender => format!("the same sender {value}"),
            KeyKind::Subject => format!("the same subject \"{value}\""),
            KeyKind::ClaimShortener => format!("the same claimed sender behind the same shortener ({value})"),
        }
    }
}

/// Most keys of one kind that are kept of one message; a message with a hundred links needs no hundred keys to be joined.
const MAX_KEYS_PER_KIND: usize = 32;
/// Fewest elements of a page whose order says anything: a paragraph and a button are everybody's.
const FEWEST_TAGS: usize = 12;
/// Fewest different elements of such a page.
const FEWEST_DIFFERENT_TAGS: usize = 5;
/// Fewest words of a short text that is compared as a whole.
const FEWEST_WORDS: usize = 5;
/// Smallest file whose digest says anything.
const SMALLEST_FILE: u64 = 64;

/// The keys of a message, sorted; `words` is its masked text.
pub(super) fn keys_of(
    input: &TraitsInput<'_>,
    words: &[String],
    names: &[String],
    has_signature: bool,
) -> Vec<Key> {
    let mut keys = vec![Key::new(KeyKind::Message, input.message, "")];
    let message_id = input.message_id.trim().trim_matches(['<', '>']);
    if message_id.len() >= 12 {
        keys.push(Key::new(KeyKind::MessageId, message_id, ""));
    }
    for link in input.links {
        link_keys(link, input.claim, &mut keys);
    }
    if input.is_sender_attacker
        && let Some((_, host)) = input.from_address.rsplit_once('@')
        && let Some(domain) = registrable(host)
    {
        keys.push(Key::new(KeyKind::Domain, domain, host));
    }
    for contact in input.contacts {
        let contact = contact.trim().to_lowercase();
        if contact.len() >= 6 {
            keys.push(Key::new(KeyKind::Contact, contact, ""));
        }
    }
    file_keys(input, &mut keys);
    if !input.from_address.is_empty() {
        keys.push(Key::new(KeyKind::Sender, input.from_address.to_lowercase(), ""));
    }
    if let Some(subject) = text::subject_template(input.subject, names) {
        keys.push(Key::new(KeyKind::Subject, subject, ""));
    }
    if !has_signature && words.iter().filter(|word| !word.starts_with('<')).count() >= FEWEST_WORDS {
        keys.push(Key::new(
            KeyKind::ShortText,
            digest(words.join(" ").as_bytes()),
            "",
        ));
    }
    let mut different: Vec<&String> = input.html_tags.iter().collect();
    different.sort_unstable();
    different.dedup();
    if input.html_tags.len() >= FEWEST_TAGS && different.len() >= FEWEST_DIFFERENT_TAGS {
        keys.push(Key::new(
            KeyKind::Tags,
            digest(input.html_tags.join(" ").as_bytes()),
            "",
        ));
    }
    if let Some(ip) = input.sending_ip {
        let shape = message_id_shape(message_id);
        keys.push(Key::new(
            KeyKind::Infrastructure,
            format!(
                "{}, {}, {}, {shape}",
                network(ip),
                input.helo.to_lowercase(),
                input.mailer
            ),
            "",
        ));
    }
    keys.sort();
    keys.dedup_by(|a, b| a.kind == b.kind && a.value == b.value);
    let mut run = 0;
    let mut last = None;
    keys.retain(|key| {
        run = if last == Some(key.kind) { run + 1 } else { 0 };
        last = Some(key.kind);
        run < MAX_KEYS_PER_KIND
    });
    keys
}

fn link_keys(link: &CampaignLink, claim: &str, keys: &mut Vec<Key>) {
    let host = link.host.to_ascii_lowercase();
    if link.is_shortener {
        let (_, path, query) = split_url(&link.url);
        // A shortener's front page hides nothing.
        if path.trim_matches('/').is_empty() && query.is_empty() {
            return;
        }
        keys.push(Key::new(KeyKind::Url, without_scheme(&link.url), &host));
        if !claim.is_empty() {
            keys.push(Key::new(
                KeyKind::ClaimShortener,
                format!("{claim}, {host}"),
                &host,
            ));
        }
        return;
    }
    if !link.is_attacker {
        return;
    }
    if link.is_shared_host {
        // On `name.pages.dev` the tenant stands in the host and the path is its own; on `docs.google.com/forms/…` the path is
        // the service's, and only the whole address says whose it is.
        if let Some(tenant) = tenant(&host) {
            keys.push(Key::new(KeyKind::Domain, tenant, &host));
        } else {
            let (_, path, query) = split_url(&link.url);
            if path.len() + query.len() >= 12 {
                let masked = mask_addresses(&without_scheme(&link.url));
                keys.push(Key::new(KeyKind::Url, masked, &host));
            }
            return;
        }
    } else if !link.registrable.is_empty() {
        keys.push(Key::new(
            KeyKind::Domain,
            link.registrable.to_ascii_lowercase(),
            &host,
        ));
    } else if !host.is_empty() {
        keys.push(Key::new(KeyKind::Domain, host.clone(), &host));
    }
    if let Some(template) = path_template(&link.url) {
        keys.push(Key::new(KeyKind::Path, template, &host));
    }
}

/// Files that every document or archive of a kind holds, whoever made it.
fn is_boilerplate(name: &str, part: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let ending = name.rsplit('.').next().unwrap_or_default();
    let is_inside_office = [".docx/", ".docm/", ".xlsx/", ".xlsm/", ".pptx/", ".odt/", ".ods/"]
        .iter()
        .any(|office| part.to_ascii_lowercase().contains(office));
    is_inside_office
        || matches!(ending, "xml" | "rels" | "css" | "p7s" | "asc" | "vcf")
        || name.starts_with('.')
        || matches!(name.as_str(), "readme.txt" | "thumbs.db" | "desktop.ini")
}

fn file_keys(input: &TraitsInput<'_>, keys: &mut Vec<Key>) {
    for file in input.files {
        let ending = file
            .name
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_picture = matches!(
            ending.as_str(),
            "png" | "jpg" | "jpeg" | "gif" | "bmp" | "webp" | "ico" | "svg"
        );
        if file.bytes < SMALLEST_FILE || (file.is_embedded && is_boilerplate(&file.name, &file.part)) {
            continue;
        }
        // A logo is the brand's: the same picture alone must not join. An SVG can be a page, and its digest counts.
        if is_picture && ending != "svg" {
            if !file.sha256.is_empty() {
                keys.push(Key::new(KeyKind::Picture, file.sha256.as_str(), &file.name));
            }
            continue;
        }
        if !file.sha256.is_empty() && !matches!(ending.as_str(), "p7s" | "asc" | "vcf") {
            keys.push(Key::new(KeyKind::File, file.sha256.as_str(), &file.name));
        }
        if !file.is_embedded && !file.name.is_empty() {
            let value = format!("{} ({} bytes)", file.name.to_lowercase(), file.bytes);
            keys.push(Key::new(KeyKind::Attachment, value, &file.name));
        }
    }
}

/// The first 32 hex digits of a SHA-256.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut hex = hex::encode(Sha256::digest(bytes));
    hex.truncate(32);
    hex
}

fn registrable(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let domain = psl::domain(host.as_bytes())?;
    String::from_utf8(domain.as_bytes().to_vec()).ok()
}

/// The customer's name on a host whose provider is in the private section of the public suffix list.
fn tenant(host: &str) -> Option<String> {
    let domain = psl::domain(host.as_bytes())?;
    if domain.suffix().typ() != Some(psl::Type::Private) {
        return None;
    }
    String::from_utf8(domain.as_bytes().to_vec()).ok()
}

fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

fn message_id_shape(id: &str) -> String {
    let local = id.split('@').next().unwrap_or_default();
    let mut shape = String::new();
    for piece in local
        .split_inclusive(|c: char| !c.is_ascii_alphanumeric())
        .take(12)
    {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let class = if word.is_empty() {
            ""
        } else if word.bytes().all(|b| b.is_ascii_digit()) {
            "9"
        } else if word.bytes().all(|b| b.is_ascii_hexdigit()) {
            "f"
        } else {
            "x"
        };
        shape.push_str(class);
        if !class.is_empty() {
            shape.push_str(&word.len().to_string());
        }
        shape.push_str(&piece[word.len()..]);
    }
    shape
}

fn without_scheme(url: &str) -> String {
    let (host, path, query) = split_url(url);
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    format!(
        "{}{}{query}",
        host.to_ascii_lowercase(),
        path.trim_end_matches('/')
    )
}

/// Host, path and query (with fragment) of `url`.
fn split_url(url: &str) -> (&str, &str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match rest.find(['?', '#']) {
        Some(at) => (host, &rest[..at], &rest[at + 1..]),
        None => (host, rest, ""),
    }
}

fn mask_addresses(url: &str) -> String {
    url.split_inclusive(['/', '?', '&', '=', '#'])
        .map(|piece| {
            let bare = piece.trim_end_matches(['/', '?', '&', '=', '#']);
            if is_address(bare) {
                format!("<address>{}", &piece[bare.len()..])
            } else {
                piece.to_owned()
            }
        })
        .collect()
}

/// Names and pieces of paths that say nothing about who built the site.
const COMMON: &[&str] = &[
    "index",
    "index.php",
    "index.html",
    "index.htm",
    "home",
    "login",
    "login.php",
    "login.html",
    "signin",
    "sign-in",
    "wp-content",
    "wp-admin",
    "wp-includes",
    "wp-login.php",
    "plugins",
    "themes",
    "uploads",
    "default.aspx",
    "account",
    "accounts",
    "auth",
    "secure",
    "verify",
    "portal",
    "view",
    "download",
    "file",
    "files",
    "document",
    "documents",
    "cgi-bin",
    "api",
    "static",
    "assets",
    "images",
    "img",
    "js",
    "css",
    "www",
    "web",
    "app",
    "en",
    "es",
    "us",
    "public",
    "id",
    "page",
    "lang",
    "ref",
    "v",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "fbclid",
    "gclid",
    "unsubscribe",
    "click",
    "track",
];

/// The shape of a link's path and query, such as `/q/?c=<address>`; `None` with less than two pieces of its own.
pub(super) fn path_template(url: &str) -> Option<String> {
    let (_, path, query) = split_url(url);
    let mut fixed = 0;
    let mut letters = 0;
    let mut has_address = false;
    let mut template = String::new();
    let mut count = |piece: &str| {
        if !COMMON.contains(&piece) {
            fixed += 1;
            letters += piece.len();
        }
    };
    for (at, segment) in path.split('/').take(12).enumerate() {
        if at > 0 {
            template.push('/');
        }
        match placeholder(segment) {
            Some(mask) => {
                has_address |= mask == "<address>";
                template.push_str(mask);
            }
            None if segment.is_empty() => {}
            None => {
                let segment = segment.to_ascii_lowercase();
                count(&segment);
                template.push_str(&segment);
            }
        }
    }
    let mut parameters = Vec::new();
    for parameter in query.split(['&', ';', '#']).filter(|p| !p.is_empty()).take(24) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if let Some(mask) = placeholder(name) {
            has_address |= mask == "<address>";
            parameters.push(mask.to_owned());
            continue;
        }
        let name = name.to_ascii_lowercase();
        count(&name);
        let mask = if is_address(value) { "<address>" } else { "<value>" };
        has_address |= mask == "<address>";
        parameters.push(format!("{name}={mask}"));
    }
    parameters.sort_unstable();
    parameters.dedup();
    if !parameters.is_empty() {
        template.push('?');
        template.push_str(&parameters.join("&"));
    }
    // "/d?c=1" is too short to be one builder's, unless it carries the recipient's address.
    (fixed >= 2 && (has_address || letters >= 8) && template.len() <= 300).then_some(template)
}

fn placeholder(segment: &str) -> Option<&'static str> {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let length = segment.len();
    if segment.is_empty() {
        None
    } else if is_address(segment) {
        Some("<address>")
    } else if digits == length {
        Some("<number>")
    } else if length >= 6 && digits > 0 && segment.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        Some("<hex>")
    } else if length > 40
        || (length >= 8 && digits >= 2 && !segment.contains(['.', '-', '_']))
        || segment.ends_with("==")
    {
        Some("<token>")
    } else {
        None
    }
}

/// Whether `value` is a mail address, plain, percent-encoded, base64 or hex.
fn is_address(value: &str) -> bool {
    address_in(value).is_some()
}

/// The mail address that `value` is: plain, percent-encoded, base64 or hex.
fn address_in(value: &str) -> Option<String> {
    let plain = |text: &str| {
        text.len() <= 320
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && domain.contains('.')
                    && !domain.contains('@')
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"@.-_+'".contains(&b))
            })
    };
    let value = value.replace("%40", "@").replace("%3D", "=").replace("%3d", "=");
    if plain(&value) {
        return Some(value.to_lowercase());
    }
    if value.len() < 8 || value.len() > 600 {
        return None;
    }
    let bare = value.trim_end_matches('=').replace('-', "+").replace('_', "/");
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    [engine.decode(bare).ok(), hex::decode(&value).ok()]
        .into_iter()
        .flatten()
        .filter_map(|bytes| String::from_utf8(bytes).ok())
        .find(|text| plain(text))
        .map(|text| text.to_lowercase())
}

/// The mail addresses that a link carries in its path, query or fragment.
pub(super) fn addresses_in(url: &str) -> Vec<String> {
    let (_, path, query) = split_url(url);
    path.split('/')
        .chain(query.split(['&', ';', '#', '=', '/', '?']))
        .chain(
            query
                .split(['&', ';', '#'])
                .filter_map(|p| p.split_once('='))
                .map(|(_, value)| value),
        )
        .take(200)
        .filter_map(address_in)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_keep_names_and_mask_what_is_personal() {
        let template = |url| path_template(url);
        assert_eq!(
            template("https://a.example/q/?c=ana%40x.example").as_deref(),
            Some("/q/?c=<address>")
        );
        assert_eq!(
            template("https://b.example/q/?c=YW5hQHguZXhhbXBsZQ").as_deref(),
            Some("/q/?c=<address>")
        );
        assert_eq!(
            template("http://x.tk/security/signinoptions/password?e=Y2hhaXJAcC5leGFtcGxl&fn=Sm9obg==")
                .as_deref(),
            Some("/security/signinoptions/password?e=<address>&fn=<value>")
        );
        assert_eq!(template("https://a.example/login?email=ana@x.example"), None);
        assert_eq!(template("https://a.example/d?c=1"), None);
        assert_eq!(template("https://a.example/owa"), None);
        assert_eq!(template(""), None);
    }

    #[test]
    fn message_ids_have_a_shape() {
        assert_eq!(message_id_shape("e2f304e22e98d2fe084b@x"), "f20");
        assert_eq!(message_id_shape("20240101.1234.abc-xyz@x"), "98.94.f3-x3");
    }
}
