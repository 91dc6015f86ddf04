//! What a value says, however it is written.

use std::borrow::Cow;

use super::split::Span;

/// The bytes of a field, doubled quotes made one.
pub fn field_bytes(record: &[u8], span: Span, quote: bool) -> Cow<'_, [u8]> {
    let (start, end) = (span.start as usize, span.end as usize);
    let raw = record.get(start..end).unwrap_or_default();
    let is_quoted = quote && start > 0 && record.get(start - 1) == Some(&b'"');
    if !is_quoted || memchr::memchr(b'"', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        out.push(raw[at]);
        at += if raw[at] == b'"' && raw.get(at + 1) == Some(&b'"') {
            2
        } else {
            1
        };
    }
    Cow::Owned(out)
}

/// Appends the value for comparison: read as UTF-8 or else as Windows-1252, in capitals, blanks at the ends gone and those
/// inside made one.
pub fn normalised_into(bytes: &[u8], out: &mut String) {
    let begin = out.len();
    if bytes.is_ascii() {
        let mut is_gap = false;
        for byte in bytes {
            if byte.is_ascii_whitespace() || *byte == 0 {
                is_gap = out.len() > begin;
            } else {
                if is_gap {
                    out.push(' ');
                    is_gap = false;
                }
                out.push(byte.to_ascii_uppercase() as char);
            }
        }
        return;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    };
    for word in text.split_whitespace() {
        if out.len() > begin {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_uppercase));
    }
}

/// The value for comparison: see [`normalised_into`].
pub fn normalised(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    normalised_into(bytes, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_encodings_of_one_name_are_one_value() {
        assert_eq!(normalised(b"  jos\xc3\xa9   nu\xc3\xb1ez "), "JOSÉ NUÑEZ");
        assert_eq!(normalised(b"Jos\xe9 NU\xd1EZ"), "JOSÉ NUÑEZ");
        assert_eq!(normalised(b" \t "), "");
    }
}
