//! Secrets that a browser or a program keeps, and the tokens of forms.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pollwatch_store::access::SecretDigest;
use ring::{digest, hmac};

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// How a program's token begins, so that scanners of source code recognise one that leaked.
pub(crate) const TOKEN_PREFIX: &str = "pollwatch_";

/// A new secret as text, and its digest, which is all that is kept.
pub(crate) fn new_secret(prefix: &str) -> Result<(String, SecretDigest), crate::Error> {
    let bytes: [u8; SECRET_BYTES] = crate::app::random()?;
    let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes));
    let digest = digest_of(&text);
    Ok((text, digest))
}

/// What is kept of a secret. It has 256 random bits, so that a plain hash is enough.
pub(crate) fn digest_of(secret: &str) -> SecretDigest {
    let digest = digest::digest(&digest::SHA256, secret.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// A token for the forms of a session. Each page has another one, so that compressing it gives nothing away (BREACH).
pub(crate) fn form_token(key: &[u8; 32], salt: [u8; 16]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &salt);
    let mut bytes = salt.to_vec();
    bytes.extend_from_slice(tag.as_ref());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether `token` was made with `key`. Takes the same time wherever it differs.
pub(crate) fn is_form_token(key: &[u8; 32], token: &str) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
        return false;
    };
    let Some((salt, tag)) = bytes.split_at_checked(16) else {
        return false;
    };
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), salt, tag).is_ok()
}

/// Signs `text`, so that a browser can keep it for us.
pub(crate) fn signed(key: &[u8; 32], text: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    URL_SAFE_NO_PAD.encode(tag.as_ref())
}

/// Whether `signature` is ours on `text`.
pub(crate) fn is_signed(key: &[u8; 32], text: &str, signature: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(signature)
        .is_ok_and(|tag| hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes(), &tag).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_belongs_to_one_session() {
        let token = form_token(&[1; 32], [7; 16]);
        assert_ne!(token, form_token(&[1; 32], [8; 16]));
        assert!(is_form_token(&[1; 32], &token));
        assert!(!is_form_token(&[2; 32], &token));
        for broken in ["", "x", "AAAA", &token[1..], &format!("{token}A")] {
            assert!(!is_form_token(&[1; 32], broken), "{broken}");
        }
    }
}
