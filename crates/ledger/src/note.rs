//! Signed notes and the keys behind them (<https://c2sp.org/signed-note>, <https://c2sp.org/tlog-cosignature>).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// Most signatures a note may carry: the limit of Go's `x/mod/sumdb/note`; C2SP asks for at least 16.
const MAX_SIGNATURES: usize = 100;

/// Longest note in bytes: the limit of Go's `x/mod/sumdb/note`.
const MAX_NOTE_BYTES: usize = 1_000_000;

/// What every signature line begins with: an em dash and a space (C2SP signed-note, "Format").
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// Why a note or a key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The bytes are not a signed note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// The text is not a verifier key.
    #[error("not a verifier key (name+id+key): {0}")]
    BadVerifierKey(&'static str),
    /// The text is not a signer key. It is not repeated here, because it is a secret.
    #[error("not a signer key (PRIVATE+KEY+name+id+key): {0}")]
    BadSignerKey(&'static str),
    /// No signature comes from a known key.
    #[error("no signature of the note is by a known key; the note is signed by {0}")]
    Unverified(String),
    /// A signature claims to be by a known key, and is not.
    #[error(
        "the signature of {name}+{key_id:08x} does not fit the note: it was changed, or signed by another"
    )]
    InvalidSignature {
        /// Name of the key.
        name: String,
        /// Id of the key.
        key_id: u32,
    },
}

/// What a key signs, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// The text of the note, with Ed25519 (type 0x01).
    Ed25519,
    /// A checkpoint and the time at which a witness saw it, with Ed25519 (type 0x04, "cosignature/v1").
    CosignatureV1,
}

impl Algorithm {
    fn type_byte(self) -> u8 {
        match self {
            Algorithm::Ed25519 => 0x01,
            Algorithm::CosignatureV1 => 0x04,
        }
    }
}

/// A key that checks signatures. Text form `name+id+base64` ("vkey").
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key_id: u32,
    algorithm: Algorithm,
    key: VerifyingKey,
}

/// True for a name that a key may have: not empty, no space of any kind, no `+`, no control character.
fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// SHA-256 over name, newline and key with its type, cut to 32 bits (C2SP signed-note, "Key IDs").
fn key_id_of(name: &str, typed_key: &[u8]) -> u32 {
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update(b"\n");
    hash.update(typed_key);
    let digest: [u8; 32] = hash.finalize().into();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

impl VerifierKey {
    fn from_parts(name: &str, algorithm: Algorithm, key: VerifyingKey) -> Self {
        let mut typed_key = vec![algorithm.type_byte()];
        typed_key.extend_from_slice(key.as_bytes());
        VerifierKey {
            name: name.to_owned(),
            key_id: key_id_of(name, &typed_key),
            algorithm,
            key,
        }
    }

    /// Name of the key: for a log's own key, by convention, the origin of its checkpoints.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of the key, by which signature lines refer to it.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// What it signs, and how.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `Some` when `signature` is by this key over `text`; inside, the time in seconds since 1970 if it is a cosignature.
    fn check(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let (message, signature, cosigned_at) = match self.algorithm {
            Algorithm::Ed25519 => (text.as_bytes().to_vec(), signature, None),
            Algorithm::CosignatureV1 => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                (
                    format!("cosignature/v1\ntime {time}\n{text}").into_bytes(),
                    signature,
                    Some(time),
                )
            }
        };
        let signature = Signature::from_slice(signature).ok()?;
        self.key.verify_strict(&message, &signature).ok()?;
        Some(cosigned_at)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed_key = vec![self.algorithm.type_byte()];
        typed_key.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{:08x}+{}",
            self.name,
            self.key_id,
            BASE64.encode(typed_key)
        )
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let bad = NoteError::BadVerifierKey;
        let (name, key_id, typed_key) =
            split_key(text).ok_or(bad("it has not three parts with a valid name"))?;
        let (algorithm, key) = match typed_key.split_first() {
            Some((0x01, key)) => (Algorithm::Ed25519, key),
            Some((0x04, key)) => (Algorithm::CosignatureV1, key),
            _ => return Err(bad("its algorithm is not known here")),
        };
        let key: &[u8; 32] = key.try_into().map_err(|_| bad("the key is not 32 bytes long"))?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| bad("the key is not a point of the curve"))?;
        let verifier = VerifierKey::from_parts(name, algorithm, key);
        if verifier.key_id != key_id {
            return Err(bad("its id is not that of its name and key"));
        }
        Ok(verifier)
    }
}

/// Name, id and typed key of `name+id+base64`; base64 may itself contain `+`.
fn split_key(text: &str) -> Option<(&str, u32, Vec<u8>)> {
    let (name, rest) = text.split_once('+')?;
    let (key_id, key) = rest.split_once('+')?;
    let is_id = key_id.len() == 8 && key_id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_key_name(name) || !is_id {
        return None;
    }
    Some((
        name,
        u32::from_str_radix(key_id, 16).ok()?,
        BASE64.decode(key).ok()?,
    ))
}

/// A key that signs notes. Text form `PRIVATE+KEY+name+id+base64`, as Go's `x/mod/sumdb/note` writes it.
#[derive(Clone)]
pub struct SignerKey {
    verifier: VerifierKey,
    key: SigningKey,
}

impl SignerKey {
    /// The Ed25519 key called `name` that `seed` gives (RFC 8032, section 5.1.5).
    ///
    /// Errors: [`NoteError::BadSignerKey`] when the name is empty or has a space or a `+` in it.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::BadSignerKey(
                "a name is not empty and has no space and no + in it",
            ));
        }
        let key = SigningKey::from_bytes(seed);
        Ok(SignerKey {
            verifier: VerifierKey::from_parts(name, Algorithm::Ed25519, key.verifying_key()),
            key,
        })
    }

    /// The key that checks what this one signs.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The secret text form; whoever has it can sign in this name.
    pub fn to_secret_text(&self) -> String {
        let mut typed_seed = vec![Algorithm::Ed25519.type_byte()];
        typed_seed.extend_from_slice(self.key.as_bytes());
        format!(
            "PRIVATE+KEY+{}+{:08x}+{}",
            self.verifier.name,
            self.verifier.key_id,
            BASE64.encode(typed_seed)
        )
    }

    /// The key whose secret text form is `text`.
    ///
    /// Errors: [`NoteError::BadSignerKey`], which never repeats the text.
    pub fn from_secret_text(text: &str) -> Result<Self, NoteError> {
        let bad = NoteError::BadSignerKey;
        let rest = text
            .strip_prefix("PRIVATE+KEY+")
            .ok_or(bad("it does not begin with PRIVATE+KEY+"))?;
        let (name, key_id, typed_seed) =
            split_key(rest).ok_or(bad("it has not three parts with a valid name"))?;
        let seed = match typed_seed.split_first() {
            Some((0x01, seed)) => seed,
            _ => return Err(bad("its algorithm is not Ed25519")),
        };
        let seed: &[u8; 32] = seed.try_into().map_err(|_| bad("the key is not 32 bytes long"))?;
        let signer = SignerKey::from_seed(name, seed)?;
        if signer.verifier.key_id != key_id {
            return Err(bad("its id is not that of its name and key"));
        }
        Ok(signer)
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier)
    }
}

/// One signature line of a note, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key that is said to have signed.
    pub name: String,
    /// Id of that key.
    pub key_id: u32,
    /// The signature, in whatever form the key's algorithm gives it; never empty.
    pub signature: Vec<u8>,
}

/// A text with signatures beneath it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// A signature that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// The key that signed.
    pub key: VerifierKey,
    /// For a witness's cosignature: when it saw the checkpoint, in seconds since 1970.
    pub cosigned_at: Option<u64>,
}

impl SignedNote {
    /// Signs `text` with each of `signers`, in their order.
    ///
    /// Errors: [`NoteError::Malformed`] when the text is not one that a note may have.
    pub fn sign(text: &str, signers: &[&SignerKey]) -> Result<Self, NoteError> {
        check_text(text)?;
        let signatures = signers
            .iter()
            .map(|signer| NoteSignature {
                name: signer.verifier.name.clone(),
                key_id: signer.verifier.key_id,
                signature: signer.key.sign(text.as_bytes()).to_bytes().to_vec(),
            })
            .collect();
        Ok(SignedNote {
            text: text.to_owned(),
            signatures,
        })
    }

    /// Reads a note; the signatures are not checked yet.
    ///
    /// Errors: [`NoteError::Malformed`]. Limits: 1,000,000 bytes and 100 signatures.
    /// Source: C2SP signed-note, "Format": the text ends at the last empty line.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Malformed;
        if note.len() > MAX_NOTE_BYTES {
            return Err(bad("it is longer than 1,000,000 bytes"));
        }
        let split = note
            .rfind("\n\n")
            .ok_or(bad("no empty line comes before the signatures"))?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        check_text(text)?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or(bad("the last line does not end in a newline"))?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(bad("it has more than 100 signatures"));
            }
            signatures.push(parse_signature(line)?);
        }
        Ok(SignedNote {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The text that is signed, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The signatures by keys among `keys`, in the note's order, each key once; signatures by other keys are passed over.
    ///
    /// Errors: [`NoteError::InvalidSignature`] when one by a known key does not fit, [`NoteError::Unverified`] when none is by a known key.
    /// Source: C2SP signed-note, "Verifying": a known key is one whose name and id are those of the line.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<VerifiedSignature>, NoteError> {
        let mut verified: Vec<VerifiedSignature> = Vec::new();
        for line in &self.signatures {
            let Some(key) = keys
                .iter()
                .find(|key| key.name == line.name && key.key_id == line.key_id)
            else {
                continue;
            };
            let cosigned_at =
                key.check(&self.text, &line.signature)
                    .ok_or_else(|| NoteError::InvalidSignature {
                        name: line.name.clone(),
                        key_id: line.key_id,
                    })?;
            if !verified.iter().any(|known| known.key == *key) {
                verified.push(VerifiedSignature {
                    key: key.clone(),
                    cosigned_at,
                });
            }
        }
        if verified.is_empty() {
            let names: Vec<String> = self
                .signatures
                .iter()
                .map(|line| format!("{}+{:08x}", line.name, line.key_id))
                .collect();
            return Err(NoteError::Unverified(if names.is_empty() {
                "nobody".to_owned()
            } else {
                names.join(", ")
            }));
        }
        Ok(verified)
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            let mut bytes = line.key_id.to_be_bytes().to_vec();
            bytes.extend_from_slice(&line.signature);
            writeln!(f, "{SIGNATURE_PREFIX}{} {}", line.name, BASE64.encode(bytes))?;
        }
        Ok(())
    }
}

/// A text of a note ends in a newline and has no other control characters (C2SP signed-note, "Format").
fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("the text does not end in a newline"));
    }
    if text.bytes().any(|b| (b < 0x20 && b != b'\n') || b == 0x7f) {
        return Err(NoteError::Malformed("the text holds control characters"));
    }
    Ok(())
}

fn parse_signature(line: &str) -> Result<NoteSignature, NoteError> {
    let bad = NoteError::Malformed;
    let rest = line
        .strip_prefix(SIGNATURE_PREFIX)
        .ok_or(bad("a signature line does not begin with a dash"))?;
    let (name, signature) = rest
        .split_once(' ')
        .ok_or(bad("a signature line has no signature"))?;
    if !is_key_name(name) {
        return Err(bad("a signature line has an invalid key name"));
    }
    let bytes = BASE64
        .decode(signature)
        .map_err(|_| bad("a signature is not base64"))?;
    match bytes.split_first_chunk::<4>() {
        Some((key_id, signature)) if !signature.is_empty() => Ok(NoteSignature {
            name: name.to_owned(),
            key_id: u32::from_be_bytes(*key_id),
            signature: signature.to_vec(),
        }),
        _ => Err(bad("a signature is shorter than its key id")),
    }
}
