//! Plain lines: one name a line.
//!
//! The name is the first field of the line as separated by white space; what follows it is ignored, and so are blank lines
//! and lines that begin with `#`. The name is given as it stands, with `*.`, scheme, port or path: the `names` crate knows
//! what to do with those.

use super::reader::Out;

/// Largest line of a plain list, in bytes: 64 KiB. A name has at most 253 (RFC 1035, section 2.3.4), an address line with
/// scheme and path a few thousand.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Reads one line, given without its line end.
#[inline]
pub(super) fn read_line(text: &[u8], line: u64, out: &mut Out<'_, '_>) {
    if text.len() > MAX_LINE_BYTES {
        return out.lost(line, 1, too_long(text.len() as u64));
    }
    let Some(start) = text.iter().position(|byte| !is_space(*byte)) else {
        return out.without_name(1);
    };
    if text[start] == b'#' {
        return out.without_name(1);
    }
    let field = &text[start..];
    let field = match field.iter().position(|byte| is_space(*byte)) {
        Some(end) => &field[..end],
        None => field,
    };
    match text_of(field) {
        Ok(name) => {
            out.with_names(1);
            out.name(name, line, text, None);
        }
        Err(why) => out.lost(line, 1, why),
    }
}

pub(super) fn too_long(bytes: u64) -> String {
    format!("the line of {bytes} bytes is too long for a name and was skipped")
}

/// The bytes as text without NUL.
#[inline]
pub(super) fn text_of(field: &[u8]) -> Result<&str, &'static str> {
    match std::str::from_utf8(field) {
        Ok(name) if !field.contains(&0) => Ok(name),
        Ok(_) => Err("the name holds a NUL byte"),
        Err(_) => Err("the name is not valid UTF-8"),
    }
}

#[inline]
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}
