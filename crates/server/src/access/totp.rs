//! Codes of an authenticator app: TOTP (RFC 6238) with the defaults that every app has, SHA-1, 30 seconds, six digits.

use jiff::Timestamp;
use ring::hmac;

/// Length of a time step in seconds (RFC 6238, section 4).
const STEP_SECONDS: i64 = 30;

/// Steps before and after the present one that are taken, for clocks that differ (RFC 6238, section 5.2).
const SLACK_STEPS: u64 = 1;

/// Length of a secret, in bytes: that of the hash (RFC 4226, section 4, R6).
pub(crate) const SECRET_BYTES: usize = 20;

/// The code of a step (RFC 4226, section 5.3).
fn code_at(secret: &[u8], step: u64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes[bytes.len() - 1] & 0xf);
    let word = [
        bytes[offset] & 0x7f,
        bytes[offset + 1],
        bytes[offset + 2],
        bytes[offset + 3],
    ];
    u32::from_be_bytes(word) % 1_000_000
}

/// The time step that `code` belongs to, when it is one of those near `now`. The caller sees to it that each counts once.
pub(crate) fn step_of(secret: &[u8], code: &str, now: Timestamp) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let code: u32 = code.parse().ok()?;
    let present = u64::try_from(now.as_second().div_euclid(STEP_SECONDS)).ok()?;
    // Every step is computed, whichever fits.
    let mut found = None;
    for step in present.saturating_sub(SLACK_STEPS)..=present + SLACK_STEPS {
        if code_at(secret, step) == code {
            found = Some(step);
        }
    }
    found
}

/// The code of `now`, as the app would show it.
#[cfg(test)]
pub(crate) fn code(secret: &[u8], now: Timestamp) -> String {
    format!("{:06}", code_at(secret, (now.as_second() / STEP_SECONDS) as u64))
}

/// A secret as people type it (RFC 4648, section 6, without padding).
pub(crate) fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::new();
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(LETTERS[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        out.push(char::from(LETTERS[(buffer << (5 - bits)) as usize & 31]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1; the RFC prints eight digits, of which these are the last six.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (second, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(code(secret, now), expected);
            assert_eq!(step_of(secret, expected, now), Some(second as u64 / 30));
        }
        let now = Timestamp::from_second(59).unwrap();
        assert_eq!(step_of(secret, " 287 082", now), Some(1));
        for wrong in ["", "28708", "2870821", "٢٨٧٠٨٢", "28708a", "287083"] {
            assert_eq!(step_of(secret, wrong, now), None, "{wrong}");
        }
    }

    /// RFC 4648, section 10.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foob", "MZXW6YQ"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
