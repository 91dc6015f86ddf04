//! DomainKeys Identified Mail: verification (RFC 6376, with RFC 8301 and RFC 8463).

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::message::{Field, Message};

use super::dns::Dns;
use super::key::{Algorithm, find_keys};
use super::method::MethodResult;
use super::tags::{Canon, Tags, canonical_body, decode_base64, push_field, without_signature};

/// Most signatures of one message that are verified (RFC 6376, section 6.1, leaves the number open).
pub const MAX_SIGNATURES: usize = 20;

/// One signature, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The domain that signed (`d=`), lower case; a pass proves this and nothing else.
    pub domain: String,
    /// The selector (`s=`).
    pub selector: String,
    /// The result.
    pub result: MethodResult,
    /// Why, where it did not pass.
    pub why: String,
    /// What a reader should know of a signature: weak key, unsigned Subject or text, testing.
    pub remarks: Vec<String>,
}

/// Verifies every signature, from the top. `at` is when the message came in (seconds since 1970), to tell whether `x=` was over.
pub fn verify(message: &Message, dns: &dyn Dns, at: Option<i64>) -> Vec<Signature> {
    let mut bodies = Bodies::new(message);
    message
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.name == "dkim-signature")
        .take(MAX_SIGNATURES)
        .map(|(index, field)| verify_one(message, index, field, dns, at, &mut bodies))
        .collect()
}

/// The canonical bodies of a message, each made once.
pub(super) struct Bodies<'a> {
    body: &'a [u8],
    simple: Option<Vec<u8>>,
    relaxed: Option<Vec<u8>>,
}

impl<'a> Bodies<'a> {
    pub(super) fn new(message: &'a Message) -> Self {
        Bodies {
            body: message.raw.get(message.header_end..).unwrap_or_default(),
            simple: None,
            relaxed: None,
        }
    }

    pub(super) fn get(&mut self, canon: Canon) -> &[u8] {
        let body = self.body;
        let slot = match canon {
            Canon::Simple => &mut self.simple,
            Canon::Relaxed => &mut self.relaxed,
        };
        slot.get_or_insert_with(|| canonical_body(body, canon))
    }
}

fn verify_one(
    message: &Message,
    index: usize,
    field: &Field,
    dns: &dyn Dns,
    at: Option<i64>,
    bodies: &mut Bodies<'_>,
) -> Signature {
    let mut signature = Signature {
        domain: String::new(),
        selector: String::new(),
        result: MethodResult::Permerror,
        why: String::new(),
        remarks: Vec::new(),
    };
    match check(message, index, field, dns, at, bodies, &mut signature) {
        Ok(()) => signature.result = MethodResult::Pass,
        Err((result, why)) => {
            signature.result = result;
            signature.why = why;
        }
    }
    signature
}

fn check(
    message: &Message,
    index: usize,
    field: &Field,
    dns: &dyn Dns,
    at: Option<i64>,
    bodies: &mut Bodies<'_>,
    signature: &mut Signature,
) -> Result<(), (MethodResult, String)> {
    let bad = |why: String| (MethodResult::Permerror, why);
    let tags = Tags::read(&field.value).map_err(bad)?;
    let domain = tags.need("d").map_err(bad)?.to_ascii_lowercase();
    signature.domain.clone_from(&domain);
    let selector = tags.need("s").map_err(bad)?;
    signature.selector = selector.to_owned();
    if tags.need("v").map_err(bad)? != "1" {
        return Err(bad("an unknown version".to_owned()));
    }
    if tags
        .get("q")
        .is_some_and(|list| list.split(':').all(|method| method.trim() != "dns/txt"))
    {
        return Err(bad("q= names no known way to the key".to_owned()));
    }
    let headers = tags.need("h").map_err(bad)?;
    if !headers
        .split(':')
        .any(|name| name.trim().eq_ignore_ascii_case("from"))
    {
        return Err(bad("From is not signed".to_owned()));
    }
    let identity = match tags.get("i") {
        None => domain.clone(),
        Some(identity) => match identity.rsplit_once('@') {
            Some((_, identity_domain)) => identity_domain.to_ascii_lowercase(),
            None => return Err(bad("i= is not an identity".to_owned())),
        },
    };
    if identity != domain && !identity.ends_with(&format!(".{domain}")) {
        return Err(bad("i= is not of the domain d=".to_owned()));
    }
    let signed_at = read_seconds(&tags, "t").map_err(bad)?;
    let expires = read_seconds(&tags, "x").map_err(bad)?;
    if let (Some(signed_at), Some(expires)) = (signed_at, expires)
        && expires <= signed_at
    {
        return Err(bad("it ends before it begins".to_owned()));
    }
    add_remarks(message, &tags, &mut signature.remarks);
    let signed = Signed::read(&tags, Canon::Simple)?;
    if let (Some(at), Some(expires)) = (at, expires)
        && at > expires
    {
        return Err((
            MethodResult::Fail,
            "it had expired when the message came in".to_owned(),
        ));
    }
    let keys = find_keys(dns, &domain, selector, signed.algorithm)?;
    signed.check_body(bodies)?;
    let covered = signed.header(message, index);
    let Some(key) = keys.iter().find(|key| key.verifies(&covered, &signed.signature)) else {
        if keys.iter().any(|key| key.is_testing) {
            signature
                .remarks
                .push("the key is marked as a test (t=y)".to_owned());
        }
        return Err((
            MethodResult::Fail,
            "the signature does not fit the header".to_owned(),
        ));
    };
    if key.is_strict && identity != domain {
        return Err((
            MethodResult::Fail,
            "the key forbids subdomains in i= (t=s)".to_owned(),
        ));
    }
    if key.is_testing {
        signature
            .remarks
            .push("the key is marked as a test (t=y)".to_owned());
    }
    if signed.algorithm == Algorithm::Rsa && key.bits() < 2048 {
        signature
            .remarks
            .push(format!("the key is weak: {} bits", key.bits()));
    }
    Ok(())
}

/// What can be said of the signature of `field` without a key.
pub fn remarks(message: &Message, field: &Field) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Ok(tags) = Tags::read(&field.value) {
        add_remarks(message, &tags, &mut remarks);
    }
    remarks
}

fn add_remarks(message: &Message, tags: &Tags, remarks: &mut Vec<String>) {
    let signed = tags.get("h").unwrap_or_default();
    let count = |wanted: &str| {
        let named = signed
            .split(':')
            .filter(|name| name.trim().eq_ignore_ascii_case(wanted))
            .count();
        (named, message.values(wanted).count())
    };
    if tags.get("l").is_some() {
        remarks.push("only the first part of the text is signed (l=)".to_owned());
    }
    let (named, present) = count("subject");
    if present > named {
        remarks.push("Subject is not signed".to_owned());
    }
    let (named, present) = count("from");
    if present > named {
        remarks.push("a From field is not signed".to_owned());
    }
}

pub(super) fn read_seconds(tags: &Tags, name: &str) -> Result<Option<i64>, String> {
    let Some(text) = tags.get(name) else {
        return Ok(None);
    };
    // RFC 6376, section 3.5: 1*12DIGIT.
    if text.is_empty() || text.len() > 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("{name}= is not a time"));
    }
    Ok(text.parse().ok())
}

/// What is signed, and how; shared by DKIM and ARC message signatures.
pub(super) struct Signed {
    pub(super) algorithm: Algorithm,
    header_canon: Canon,
    body_canon: Canon,
    headers: Vec<String>,
    length: Option<usize>,
    body_hash: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl Signed {
    pub(super) fn read(tags: &Tags, missing: Canon) -> Result<Self, (MethodResult, String)> {
        let bad = |why: String| (MethodResult::Permerror, why);
        let algorithm = Algorithm::read(tags.need("a").map_err(bad)?)?;
        let (header_canon, body_canon) =
            Canon::read_pair(tags.get("c"), missing).ok_or_else(|| bad("c= is unknown".to_owned()))?;
        let length = match tags.get("l") {
            None => None,
            // RFC 6376, section 3.5: 1*76DIGIT; a length that no message has is no length.
            Some(text)
                if !text.is_empty() && text.len() <= 76 && text.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Some(text.parse().unwrap_or(usize::MAX))
            }
            Some(_) => return Err(bad("l= is not a length".to_owned())),
        };
        let body_hash = decode_base64(tags.need("bh").map_err(bad)?)
            .ok_or_else(|| bad("bh= is not base64".to_owned()))?;
        let signature =
            decode_base64(tags.need("b").map_err(bad)?).ok_or_else(|| bad("b= is not base64".to_owned()))?;
        Ok(Signed {
            algorithm,
            header_canon,
            body_canon,
            headers: tags
                .get("h")
                .unwrap_or_default()
                .split(':')
                .map(|name| name.trim().to_ascii_lowercase())
                .collect(),
            length,
            body_hash,
            signature,
        })
    }

    pub(super) fn check_body(&self, bodies: &mut Bodies<'_>) -> Result<(), (MethodResult, String)> {
        let mut body = bodies.get(self.body_canon);
        if let Some(length) = self.length {
            body = body
                .get(..length)
                .ok_or_else(|| (MethodResult::Permerror, "l= is longer than the text".to_owned()))?;
        }
        if Sha256::digest(body).as_slice() == self.body_hash {
            Ok(())
        } else {
            Err((
                MethodResult::Fail,
                "the text was changed after signing".to_owned(),
            ))
        }
    }

    /// The header as it was signed; `own` is the index of the signature's field (RFC 6376, sections 3.7 and 5.4.2).
    pub(super) fn header(&self, message: &Message, own: usize) -> Vec<u8> {
        let mut by_name: BTreeMap<&str, Vec<&Field>> = BTreeMap::new();
        for (index, field) in message.fields.iter().enumerate() {
            if index != own {
                by_name.entry(&field.name).or_default().push(field);
            }
        }
        let mut covered = Vec::new();
        for name in &self.headers {
            if let Some(field) = by_name.get_mut(name.as_str()).and_then(Vec::pop) {
                push_field(raw_field(message, field), self.header_canon, &mut covered);
            }
        }
        if let Some(field) = message.fields.get(own) {
            push_field(
                &without_signature(raw_field(message, field)),
                self.header_canon,
                &mut covered,
            );
        }
        covered.truncate(covered.len().saturating_sub(2));
        covered
    }
}

pub(super) fn raw_field<'a>(message: &'a Message, field: &Field) -> &'a [u8] {
    message
        .raw
        .get(field.offset..field.offset + field.length)
        .unwrap_or_default()
}
