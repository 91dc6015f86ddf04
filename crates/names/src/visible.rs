//! Making hostile text visible, so that what a person sees is what is there.

use std::fmt::Write as _;

/// Most marks that may stand on one letter before they are written out: no living orthography stacks more.
const MAX_STACKED_MARKS: usize = 2;

/// `text` with everything that does not show, or that rearranges what shows, written out as `⟨U+202E⟩`.
///
/// That is: control characters, marks of direction, characters of zero width, fillers, variation selectors, tags,
/// surplus combining marks, private-use characters and noncharacters. A line feed or tab becomes a space.
pub fn visible(text: &str) -> String {
    shown(text, usize::MAX, Lines::Joined)
}

/// Whether line feeds and tabs stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// They do.
    Kept,
    /// Each becomes a space.
    Joined,
}

/// `text` as [`visible`], its first `max_chars` characters; the rest is counted.
pub fn shown(text: &str, max_chars: usize, lines: Lines) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for (position, c) in text.chars().enumerate() {
        if position >= max_chars {
            let more = text.chars().count() - max_chars;
            let _ = write!(out, "… ⟨{more} more characters⟩");
            break;
        }
        marks = if is_combining(c) { marks + 1 } else { 0 };
        match c {
            '\n' | '\t' if lines == Lines::Kept => out.push(c),
            '\n' | '\t' => out.push(' '),
            c if is_unseen(c) || marks > MAX_STACKED_MARKS => {
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether `c` does not show, or changes how its neighbours show (Unicode 16: Cc, Cf, default-ignorable, Co, noncharacters).
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x34F | 0x61C | 0x600..=0x605 | 0x6DD | 0x70F | 0x115F..=0x1160 | 0x17B4..=0x17B5
            | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
            | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB
            | 0x13430..=0x1343F | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0x10FFFF)
        || u32::from(c) & 0xFFFE == 0xFFFE
}

fn is_combining(c: char) -> bool {
    matches!(u32::from(c),
        0x300..=0x36F | 0x483..=0x489 | 0x591..=0x5BD | 0x610..=0x61A | 0x64B..=0x65F | 0xE31 | 0xE34..=0xE3A
        | 0xE47..=0xE4E | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_show_is_written_out() {
        assert_eq!(
            visible("a\u{202e}b\0c\u{200b}\u{feff}\nd"),
            "a⟨U+202E⟩b⟨U+0000⟩c⟨U+200B⟩⟨U+FEFF⟩ d"
        );
        assert_eq!(visible("é ü ß ž"), "é ü ß ž");
        assert_eq!(visible("e\u{301}\u{301}\u{301}"), "e\u{301}\u{301}⟨U+0301⟩");
        assert_eq!(shown("a\nb", 9, Lines::Kept), "a\nb");
    }
}
