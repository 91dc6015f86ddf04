//! Percent signs, HTML entities and script escapes, undone until nothing changes or three passes are through.

use super::fold::{folded, read_lenient};

/// Longest field that is decoded, in bytes; the rest is cut. Common servers refuse request lines beyond 8 to 32 KiB, so
/// nothing that reached an application is lost.
pub const MAX_FIELD_BYTES: usize = 64 * 1024;

/// Most passes over one field. Three layers are what proxies and applications were seen to undo together.
pub const MAX_PASSES: u8 = 3;

/// What a plus sign means in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plus {
    /// A blank: in the query of a URL (WHATWG URL, application/x-www-form-urlencoded).
    IsBlank,
    /// Itself: everywhere else.
    IsPlus,
}

/// What the ladder met on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rung {
    /// Passes that undid a percent sign; innocent clients need one.
    pub depth: u8,
    /// A character was written longer than UTF-8 needs.
    pub has_overlong: bool,
    /// A NUL byte, which was taken out.
    pub has_nul: bool,
    /// `%uXXXX`, which only old Microsoft servers read.
    pub has_wide: bool,
    /// An HTML entity.
    pub has_entity: bool,
    /// `\xXX` or `\uXXXX`, as scripts write letters.
    pub has_script_escape: bool,
    /// A letter that only a lenient server takes for ASCII.
    pub has_folded: bool,
}

/// Buffers of one ladder, used again for every field.
#[derive(Debug, Default)]
pub struct Ladder {
    cased: Vec<u8>,
    other: Vec<u8>,
    lower: Vec<u8>,
}

impl Ladder {
    /// Decodes `field` and returns what was met; the text is then in [`Ladder::cased`] and [`Ladder::lower`].
    ///
    /// Bounded: at most [`MAX_FIELD_BYTES`] and [`MAX_PASSES`] passes. No pass lengthens the text, and
    /// the buffers keep their room, so that the usual field allocates nothing.
    pub fn climb(&mut self, field: &[u8], plus: Plus) -> Rung {
        let field = &field[..field.len().min(MAX_FIELD_BYTES)];
        let mut rung = Rung::default();
        self.cased.clear();
        self.cased.extend_from_slice(field);
        if plus == Plus::IsBlank {
            for byte in &mut self.cased {
                if *byte == b'+' {
                    *byte = b' ';
                }
            }
        }
        for _ in 0..MAX_PASSES {
            let had_percent = undo_percent(&self.cased, &mut self.other, &mut rung);
            if had_percent {
                rung.depth += 1;
                std::mem::swap(&mut self.cased, &mut self.other);
            }
            let had_mark = undo_marks(&self.cased, &mut self.other, &mut rung);
            if had_mark {
                std::mem::swap(&mut self.cased, &mut self.other);
            }
            if !had_percent && !had_mark {
                break;
            }
        }
        self.lower.clear();
        self.lower
            .extend(self.cased.iter().map(|byte| byte.to_ascii_lowercase()));
        rung
    }

    /// The decoded text.
    pub fn cased(&self) -> &[u8] {
        &self.cased
    }

    /// The decoded text with ASCII letters in lower case.
    pub fn lower(&self) -> &[u8] {
        &self.lower
    }
}

/// Undoes `%XX` and `%uXXXX` once. Returns whether there was any; `out` is only written to when there was.
fn undo_percent(text: &[u8], out: &mut Vec<u8>, rung: &mut Rung) -> bool {
    let Some(first) = memchr::memchr_iter(b'%', text).find(|&at| percent(&text[at..]).is_some()) else {
        return false;
    };
    out.clear();
    out.extend_from_slice(&text[..first]);
    let mut at = first;
    while at < text.len() {
        match percent(&text[at..]) {
            Some(Percent::Byte(byte)) => {
                out.push(byte);
                at += 3;
            }
            Some(Percent::Wide(unit)) => {
                rung.has_wide = true;
                push_character(out, unit);
                at += 6;
            }
            None => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    true
}

enum Percent {
    Byte(u8),
    Wide(u32),
}

fn percent(text: &[u8]) -> Option<Percent> {
    match text {
        [b'%', b'u' | b'U', rest @ ..] => hex_digits(rest, 4).map(Percent::Wide),
        [b'%', rest @ ..] => hex_digits(rest, 2).map(|value| Percent::Byte(value as u8)),
        _ => None,
    }
}

/// The value of the first `count` bytes, if they are hexadecimal digits.
fn hex_digits(text: &[u8], count: usize) -> Option<u32> {
    text.get(..count)?.iter().try_fold(0, |value, &digit| {
        Some(value << 4 | (digit as char).to_digit(16)?)
    })
}

fn push_character(out: &mut Vec<u8>, value: u32) {
    let character = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Undoes HTML entities and script escapes, folds lookalike letters and takes NUL bytes out, once. Returns whether there
/// was any; `out` is only written to when there was.
fn undo_marks(text: &[u8], out: &mut Vec<u8>, rung: &mut Rung) -> bool {
    let may_change = |byte: u8| matches!(byte, b'&' | b'\\' | 0) || byte >= 0x80;
    let Some(first) = text.iter().position(|&byte| may_change(byte)) else {
        return false;
    };
    out.clear();
    out.extend_from_slice(&text[..first]);
    let mut changed = false;
    let mut at = first;
    while at < text.len() {
        let rest = &text[at..];
        let undone = match rest[0] {
            0 => {
                rung.has_nul = true;
                Some((None, 1))
            }
            b'&' => entity(rest).map(|(character, length)| {
                rung.has_entity = true;
                (Some(character), length)
            }),
            b'\\' => script_escape(rest).map(|(character, length)| {
                rung.has_script_escape = true;
                (Some(character), length)
            }),
            0x80.. => lookalike(rest, rung),
            _ => None,
        };
        match undone {
            Some((character, length)) => {
                changed = true;
                if let Some(character) = character {
                    push_character(out, character);
                }
                at += length;
            }
            None => {
                out.push(rest[0]);
                at += 1;
            }
        }
    }
    changed
}

/// The ASCII letter that a lenient server makes of the character at the start of `rest`.
fn lookalike(rest: &[u8], rung: &mut Rung) -> Option<(Option<u32>, usize)> {
    let read = read_lenient(rest)?;
    if read.is_overlong && read.character < 0x80 {
        rung.has_overlong = true;
        let kept = (read.character != 0).then_some(read.character);
        return Some((kept, read.length));
    }
    let ascii = folded(read.character)?;
    rung.has_folded = true;
    Some(((ascii != 0).then_some(u32::from(ascii)), read.length))
}

/// Entities by name that hide a sign (WHATWG HTML, named character references). The rest spell letters that hide nothing.
const ENTITIES: &[(&[u8], u8)] = &[
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"amp", b'&'),
    (b"colon", b':'),
    (b"tab", b'\t'),
    (b"newline", b'\n'),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"sol", b'/'),
    (b"bsol", b'\\'),
    (b"dollar", b'$'),
    (b"lcub", b'{'),
    (b"lbrace", b'{'),
    (b"grave", b'`'),
];

/// Most digits of a numeric entity that are read: leading zeros are a way round filters.
const MAX_ENTITY_DIGITS: usize = 64;

fn entity(text: &[u8]) -> Option<(u32, usize)> {
    let (character, mut length) = if text.get(1) == Some(&b'#') {
        let (radix, start) = match text.get(2) {
            Some(b'x' | b'X') => (16, 3),
            _ => (10, 2),
        };
        let digits = text[start..]
            .iter()
            .take(MAX_ENTITY_DIGITS)
            .take_while(|byte| (**byte as char).is_digit(radix))
            .count();
        if digits == 0 {
            return None;
        }
        let value = text[start..start + digits].iter().fold(0_u32, |value, &digit| {
            let digit = (digit as char).to_digit(radix).unwrap_or_default();
            value.saturating_mul(radix).saturating_add(digit)
        });
        (value, start + digits)
    } else {
        let (name, ascii) = ENTITIES.iter().find(|(name, _)| {
            text.get(1..=name.len())
                .is_some_and(|word| word.eq_ignore_ascii_case(name))
                && !text.get(1 + name.len()).is_some_and(u8::is_ascii_alphanumeric)
        })?;
        // A name without its semicolon is taken only where no parameter of that name could begin.
        if text.get(1 + name.len()) == Some(&b'=') {
            return None;
        }
        (u32::from(*ascii), 1 + name.len())
    };
    if text.get(length) == Some(&b';') {
        length += 1;
    }
    Some((character, length))
}

/// `\xXX`, `\uXXXX`, `\u{X…}` (ECMA-262, section 12.9.4).
fn script_escape(text: &[u8]) -> Option<(u32, usize)> {
    match text.get(1)? {
        b'x' | b'X' => Some((hex_digits(&text[2..], 2)?, 4)),
        b'u' | b'U' if text.get(2) == Some(&b'{') => {
            let end = text.iter().take(12).position(|&byte| byte == b'}')?;
            if end == 3 {
                return None;
            }
            Some((hex_digits(&text[3..end], end - 3)?, end + 1))
        }
        b'u' | b'U' => Some((hex_digits(&text[2..], 4)?, 6)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Ladder, Plus, Rung};

    fn climbed(field: &str) -> (String, Rung) {
        let mut ladder = Ladder::default();
        let rung = ladder.climb(field.as_bytes(), Plus::IsBlank);
        (String::from_utf8_lossy(ladder.cased()).into_owned(), rung)
    }

    #[test]
    fn layers_are_undone_and_counted() {
        assert_eq!(climbed("a+b%20c").0, "a b c");
        assert_eq!(climbed("%2527").0, "'");
        assert_eq!(climbed("%2527").1.depth, 2);
        assert_eq!(climbed("%25252527").0, "%27", "a fourth layer stays");
        assert_eq!(climbed("%u0027or%u02bc").0, "'or'");
        assert_eq!(climbed("..%c0%af..%e0%80%af").0, "../../");
        assert!(climbed("..%c0%af").1.has_overlong);
        assert_eq!(climbed("%26%2360;script%26gt;").0, "<script>");
        assert_eq!(climbed("&#0000123;&#x24").0, "{$");
        assert_eq!(climbed("\\u0061\\x6cert\\u{28}1)").0, "alert(1)");
        assert_eq!(climbed("%ef%bc%9c%E2%91%A0%00").0, "<1");
        assert_eq!(climbed("50% off %zz %u12").0, "50% off %zz %u12");
        assert_eq!(
            climbed("a%26lt=5&gt=3").0,
            "a&lt=5&gt=3",
            "parameters keep their names"
        );
    }
}
