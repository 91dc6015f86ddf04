//! Values that are base64 of readable text.

/// Shortest value that is tried: 12 letters hold 9 bytes, below which any word would do.
const MIN_LETTERS: usize = 12;

/// Appends to `out` what `value` holds, if the whole of it is base64 (RFC 4648, sections 4 and 5) of readable text.
///
/// Readable: at least 19 of 20 bytes are printable ASCII, so that identifiers and digests, which are letters of the same
/// alphabet, are not taken for text. Returns whether it was; `out` is unchanged when not.
pub fn readable_base64(value: &[u8], out: &mut Vec<u8>) -> bool {
    let letters = value.trim_ascii();
    let body = letters.trim_ascii_end();
    let unpadded = match body.iter().rposition(|&byte| byte != b'=') {
        Some(last) if body.len() - last <= 3 => &body[..=last],
        _ => return false,
    };
    if unpadded.len() < MIN_LETTERS || unpadded.len() % 4 == 1 {
        return false;
    }
    let start = out.len();
    let mut held = 0_u32;
    let mut bits = 0_u8;
    for &letter in unpadded {
        let Some(six) = sextet(letter) else {
            out.truncate(start);
            return false;
        };
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    let text = &out[start..];
    let readable = text
        .iter()
        .filter(|byte| (b' '..=b'~').contains(*byte) || matches!(byte, b'\n' | b'\r' | b'\t'))
        .count();
    let is_text = readable * 20 >= text.len() * 19;
    if !is_text {
        out.truncate(start);
    }
    is_text
}

/// The six bits of a letter of either alphabet.
fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::readable_base64;

    fn held(value: &str) -> Option<String> {
        let mut out = Vec::new();
        readable_base64(value.as_bytes(), &mut out).then(|| String::from_utf8_lossy(&out).into_owned())
    }

    #[test]
    fn text_is_read_and_identifiers_are_not() {
        // RFC 4648, section 10, with words long enough to be tried.
        assert_eq!(held("Zm9vYmFyZm9vYmE=").as_deref(), Some("foobarfooba"));
        assert_eq!(held("PHNjcmlwdD4").as_deref(), None, "shorter than what is tried");
        assert_eq!(
            held("PD9waHAgcGhwaW5mbygpOw").as_deref(),
            Some("<?php phpinfo();")
        );
        assert_eq!(held("IwAR1dug0BYxe0ukhZ2vKrdQwLAxVFRJ"), None);
        assert_eq!(held("registration"), None);
    }
}
