//! Public keys of DKIM and ARC, and the check of a signature (RFC 6376, section 3.6; RFC 8301; RFC 8463).

use ring::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents, UnparsedPublicKey,
};
use sha2::{Digest, Sha256};

use super::dns::{Answer, Asked, Dns, is_queryable};
use super::method::MethodResult;
use super::tags::{Tags, decode_base64};

/// Smallest RSA key that counts, in bits (RFC 8301, section 3.2).
pub const MIN_RSA_BITS: usize = 1024;
/// Most key records of one name that are tried (RFC 6376, section 6.1.2, leaves the number open).
const MAX_KEY_RECORDS: usize = 5;

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// rsa-sha256
    Rsa,
    /// ed25519-sha256
    Ed25519,
}

impl Algorithm {
    /// Reads `a=`. Errors: the result, and why.
    pub fn read(tag: &str) -> Result<Self, (MethodResult, String)> {
        match tag {
            "rsa-sha256" => Ok(Algorithm::Rsa),
            "ed25519-sha256" => Ok(Algorithm::Ed25519),
            "rsa-sha1" => Err((MethodResult::Fail, "SHA-1 no longer counts (RFC 8301)".to_owned())),
            _ => Err((MethodResult::Permerror, "an unknown algorithm".to_owned())),
        }
    }
}

/// A key record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    material: Material,
    /// `t=s`: i= must be of the very domain.
    pub is_strict: bool,
    /// `t=y`: the domain is only trying.
    pub is_testing: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ed25519(Vec<u8>),
}

impl Key {
    /// Bits of the key.
    pub fn bits(&self) -> usize {
        match &self.material {
            Material::Rsa { modulus, .. } => {
                let lead = modulus.first().map_or(0, |b| b.leading_zeros() as usize);
                (modulus.len() * 8).saturating_sub(lead)
            }
            Material::Ed25519(_) => 256,
        }
    }

    /// Reads a key record for an algorithm. Errors: the result, and why.
    pub fn read(record: &[u8], algorithm: Algorithm) -> Result<Key, (MethodResult, String)> {
        let faulty = |why: &str| (MethodResult::Permerror, format!("the key record has {why}"));
        let text = std::str::from_utf8(record).map_err(|_| faulty("bytes that are no text"))?;
        let tags = Tags::read(text).map_err(|why| faulty(&why))?;
        if let Some(version) = tags.get("v")
            && (version != "DKIM1" || !text.trim_start().starts_with('v'))
        {
            return Err(faulty("an unknown version"));
        }
        let kind = tags.get("k").unwrap_or("rsa");
        let wanted = if algorithm == Algorithm::Rsa {
            "rsa"
        } else {
            "ed25519"
        };
        if kind != wanted {
            return Err((
                MethodResult::Permerror,
                "the key is for another algorithm".to_owned(),
            ));
        }
        if tags
            .get("h")
            .is_some_and(|list| list.split(':').all(|hash| hash.trim() != "sha256"))
        {
            return Err((
                MethodResult::Permerror,
                "the key does not allow SHA-256".to_owned(),
            ));
        }
        if tags.get("s").is_some_and(|list| {
            list.split(':')
                .all(|service| !matches!(service.trim(), "*" | "email"))
        }) {
            return Err((MethodResult::Permerror, "the key is not for mail".to_owned()));
        }
        let coded = tags.get("p").ok_or_else(|| faulty("no key"))?;
        if coded.is_empty() {
            return Err((MethodResult::Permerror, "the key was withdrawn".to_owned()));
        }
        let bytes = decode_base64(coded).ok_or_else(|| faulty("a key that is not base64"))?;
        let material = match algorithm {
            Algorithm::Rsa => {
                let (modulus, exponent) = read_rsa(&bytes).ok_or_else(|| faulty("a key that is not RSA"))?;
                Material::Rsa { modulus, exponent }
            }
            Algorithm::Ed25519 if bytes.len() == 32 => Material::Ed25519(bytes),
            Algorithm::Ed25519 => return Err(faulty("a key that is not Ed25519")),
        };
        let has_flag = |flag: &str| {
            tags.get("t")
                .is_some_and(|list| list.split(':').any(|t| t.trim() == flag))
        };
        let key = Key {
            material,
            is_strict: has_flag("s"),
            is_testing: has_flag("y"),
        };
        if key.bits() < MIN_RSA_BITS && algorithm == Algorithm::Rsa {
            return Err((
                MethodResult::Fail,
                format!(
                    "the RSA key has {} bits, fewer than {MIN_RSA_BITS} (RFC 8301)",
                    key.bits()
                ),
            ));
        }
        Ok(key)
    }

    /// Whether `signature` is that of `signed` (the canonical header).
    pub fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, signed, signature)
            .is_ok(),
            // RFC 8463, section 3: what is signed is the SHA-256 digest.
            Material::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key)
                .verify(&Sha256::digest(signed), signature)
                .is_ok(),
        }
    }
}

/// The keys at `selector._domainkey.domain` that fit. Errors: the result, and why.
pub fn find_keys(
    dns: &dyn Dns,
    domain: &str,
    selector: &str,
    algorithm: Algorithm,
) -> Result<Vec<Key>, (MethodResult, String)> {
    let name = format!("{selector}._domainkey.{domain}");
    if !is_queryable(&name) || !domain.contains('.') {
        return Err((
            MethodResult::Permerror,
            "d= and s= make no domain name".to_owned(),
        ));
    }
    let records = match dns.txt(&name) {
        Answer::Found(records) => records,
        Answer::NoData | Answer::NoSuchName if dns.asked() == Asked::Today => {
            return Err((
                MethodResult::NotCheckable,
                format!("there is no key {name} today; keys rotate"),
            ));
        }
        Answer::NoData | Answer::NoSuchName => {
            return Err((MethodResult::Permerror, format!("there is no key {name}")));
        }
        Answer::TempError => {
            return Err((
                MethodResult::Temperror,
                format!("the name servers of {name} gave no answer"),
            ));
        }
        Answer::NotRecorded => {
            return Err((
                MethodResult::NotCheckable,
                format!("the key {name} was not recorded"),
            ));
        }
    };
    let mut keys = Vec::new();
    let mut first = None;
    for record in records.iter().take(MAX_KEY_RECORDS) {
        match Key::read(record, algorithm) {
            Ok(key) => keys.push(key),
            Err(error) => first = first.or(Some(error)),
        }
    }
    match first {
        Some(error) if keys.is_empty() => Err(error),
        _ => Ok(keys),
    }
}

/// Modulus and exponent of an RSA key: SubjectPublicKeyInfo (RFC 5280), or RSAPublicKey alone (RFC 8017, A.1.1).
fn read_rsa(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let (outer, rest) = read_der(bytes, 0x30)?;
    if !rest.is_empty() {
        return None;
    }
    let numbers = if let Some((algorithm, rest)) = read_der(outer, 0x30) {
        let (oid, _) = read_der(algorithm, 0x06)?;
        if oid != RSA {
            return None;
        }
        let (bits, _) = read_der(rest, 0x03)?;
        read_der(bits.strip_prefix(&[0])?, 0x30)?.0
    } else {
        outer
    };
    let (modulus, rest) = read_der(numbers, 0x02)?;
    let (exponent, _) = read_der(rest, 0x02)?;
    Some((without_zeros(modulus)?, without_zeros(exponent)?))
}

fn without_zeros(number: &[u8]) -> Option<Vec<u8>> {
    let start = number.iter().position(|b| *b != 0)?;
    Some(number[start..].to_vec())
}

/// One DER value of a tag, and what follows it (X.690, section 8.1).
fn read_der(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 3 || rest.len() < count {
            return None;
        }
        length = rest[..count]
            .iter()
            .fold(0, |sum, b| (sum << 8) | usize::from(*b));
        rest = &rest[count..];
    }
    (found == tag && rest.len() >= length).then(|| rest.split_at(length))
}
