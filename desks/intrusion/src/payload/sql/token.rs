//! Text to tokens of SQL, one letter each.

use super::words::{is_cast_type, letter};

/// Most tokens of one field. The longest statement that a public tool sends has some 200.
const MAX_TOKENS: usize = 512;

/// How the text is entered: as it stands, or from inside a string that the application has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// A number or a column name stands before the text.
    Bare,
    /// The application has opened a string with this quote.
    Inside(u8),
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// Its letter in the shape:
    ///
    /// `1` number, `z` NULL, TRUE or FALSE, `h` hexadecimal, `s` string, `q` string that does not end, `v` variable, `n` other word,
    /// `x` other word before a bracket, `f` function, `d` function or word that waits or reaches out, `D` such a function
    /// with a blank before its bracket, `U` union, `E` select,
    /// `a` all, `F` from, `W` where, `H` having, `&` and/or, `!` not, `~` like, `I` in, is or between, `=` comparison,
    /// `+` joining of strings, `-` plus or minus, `o` other operator, `j` JSON operator, `t` cast, `C` case, `N` when, `B` order or group by, `L` limit, `k` verb of a statement,
    /// `T` its object, `V` values, `S` name in a catalogue, `c` comment to the end, `i` comment that MySQL executes, `(` `)` `,` `;` `.`.
    pub letter: u8,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What the tokens are.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// The tokens, in order.
    pub tokens: Vec<Token>,
    /// Their letters.
    pub shape: Vec<u8>,
    /// Comments between words, which hide words from filters.
    pub inline_comments: u32,
    /// The string that the text was entered in was closed at this byte.
    pub closed_at: Option<usize>,
}

impl Tokens {
    /// Reads `text`, which is in lower case.
    pub fn read(&mut self, text: &[u8], entry: Entry) {
        self.tokens.clear();
        self.shape.clear();
        self.inline_comments = 0;
        self.closed_at = None;
        let mut at = 0;
        if let Entry::Inside(quote) = entry {
            let (end, is_closed) = string_end(text, 0, quote);
            self.push(if is_closed { b's' } else { b'q' }, 0, end);
            self.closed_at = is_closed.then_some(end);
            at = end;
        }
        while at < text.len() && self.tokens.len() < MAX_TOKENS {
            at = self.read_one(text, at);
        }
    }

    fn push(&mut self, letter: u8, start: usize, end: usize) {
        // `order by` and `group by` are one token.
        if letter == b'y' {
            if self.shape.last() == Some(&b'O') {
                if let Some(token) = self.tokens.last_mut() {
                    token.end = end;
                    token.letter = b'B';
                }
                if let Some(last) = self.shape.last_mut() {
                    *last = b'B';
                }
                return;
            }
            return self.push(b'n', start, end);
        }
        self.tokens.push(Token { letter, start, end });
        self.shape.push(letter);
    }

    /// Reads the token at `at` and returns where the next begins.
    fn read_one(&mut self, text: &[u8], at: usize) -> usize {
        let rest = &text[at..];
        match rest {
            [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0xa0, ..] => at + 1,
            [b'/', b'*', b'!', ..] => {
                // MySQL executes what stands in such a comment; a version number of five or six digits may lead.
                let digits = rest[3..]
                    .iter()
                    .take(6)
                    .take_while(|b| b.is_ascii_digit())
                    .count();
                self.push(b'i', at, at + 3 + digits);
                at + 3 + digits
            }
            [b'/', b'*', ..] => match memchr::memmem::find(&rest[2..], b"*/") {
                Some(length) => {
                    self.inline_comments += 1;
                    at + length + 4
                }
                None => {
                    self.push(b'c', at, text.len());
                    text.len()
                }
            },
            [b'*', b'/', ..] => at + 2,
            [b'-', b'-', after @ ..]
                if after
                    .first()
                    .is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'>') =>
            {
                self.comment(text, at)
            }
            [b'#', after @ ..] if !matches!(after.first(), Some(b'>' | b'-')) => self.comment(text, at),
            [b';', b'%', b'0', b'0', ..] => {
                self.push(b'c', at, text.len());
                text.len()
            }
            [quote @ (b'\'' | b'"' | b'`'), ..] => {
                let (end, is_closed) = string_end(text, at + 1, *quote);
                self.push(if is_closed { b's' } else { b'q' }, at, end);
                end
            }
            [b'0', b'x', digit, ..] if digit.is_ascii_hexdigit() => {
                let length = 2 + rest[2..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
                self.push(b'h', at, at + length);
                at + length
            }
            [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => self.number(text, at),
            [b'@', ..] => {
                let length = rest
                    .iter()
                    .take_while(|b| matches!(**b, b'@' | b'_' | b'.') || b.is_ascii_alphanumeric())
                    .count();
                if let Some(operator) = json_operator(rest) {
                    self.push(b'j', at, at + operator);
                    return at + operator;
                }
                self.push(b'v', at, at + length);
                at + length
            }
            [b':', b':', after @ ..] => {
                let blanks = after.iter().take_while(|b| b.is_ascii_whitespace()).count();
                let word = word_at(&after[blanks..]);
                if is_cast_type(word) {
                    let end = at + 2 + blanks + word.len();
                    self.push(b't', at, end);
                    return end;
                }
                self.push(b'o', at, at + 2);
                at + 2
            }
            [byte, ..] if byte.is_ascii_alphabetic() || *byte == b'_' || *byte >= 0x80 => self.word(text, at),
            [b'&', b'&', ..] => {
                self.push(b'&', at, at + 2);
                at + 2
            }
            [b'|', b'|', ..] => {
                self.push(b'+', at, at + 2);
                at + 2
            }
            _ => {
                if let Some(length) = json_operator(rest) {
                    self.push(b'j', at, at + length);
                    return at + length;
                }
                let length = comparison(rest);
                if length > 0 {
                    self.push(b'=', at, at + length);
                    return at + length;
                }
                let letter = match rest[0] {
                    sign @ (b'(' | b')' | b',' | b';' | b'.') => sign,
                    b'!' => b'!',
                    b'+' | b'-' => b'-',
                    b'*' | b'/' | b'%' | b'^' | b'~' | b'|' | b'&' => b'o',
                    _ => b'?',
                };
                self.push(letter, at, at + 1);
                at + 1
            }
        }
    }

    /// A comment to the end of the line.
    fn comment(&mut self, text: &[u8], at: usize) -> usize {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
        self.push(b'c', at, end);
        end
    }

    fn number(&mut self, text: &[u8], at: usize) -> usize {
        let mut end = at;
        while end < text.len() && (text[end].is_ascii_digit() || text[end] == b'.') {
            end += 1;
        }
        // An exponent; `1union` is a number and a word to MySQL.
        if matches!(text.get(end), Some(b'e'))
            && text[end + 1..]
                .iter()
                .find(|b| !matches!(b, b'+' | b'-'))
                .is_some_and(u8::is_ascii_digit)
        {
            end += 1;
            while end < text.len() && (text[end].is_ascii_digit() || matches!(text[end], b'+' | b'-')) {
                end += 1;
            }
        }
        self.push(b'1', at, end);
        end
    }

    fn word(&mut self, text: &[u8], at: usize) -> usize {
        let word = word_at(&text[at..]);
        let end = at + word.len();
        let after = &text[end..];
        let blanks = after.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let is_call = after.first() == Some(&b'(');
        let is_late_call = !is_call && after.get(blanks) == Some(&b'(');
        // N'…', X'…', B'…', E'…', _utf8'…' are strings.
        if let (b"n" | b"x" | b"b" | b"e" | b"r" | b"_utf8" | b"_latin1", Some(quote @ (b'\'' | b'"'))) =
            (word, after.first())
        {
            let (end, is_closed) = string_end(text, end + 1, *quote);
            self.push(if is_closed { b's' } else { b'q' }, at, end);
            return end;
        }
        let last = word.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
        let letter = letter(word, is_call)
            .or_else(|| {
                word.split(|&byte| byte == b'.')
                    .find_map(|part| letter(part, false).filter(|l| *l == b'S'))
            })
            .or_else(|| if is_call { letter(last, true) } else { None })
            .unwrap_or(if is_call { b'x' } else { b'n' });
        // "sleep (8 hours)" and "left (rear)" are sentences: with a blank before its bracket, a word that waits needs more
        // around it, and any other is no function.
        let letter = match letter {
            b'n' if is_late_call && super::words::letter(word, true) == Some(b'd') => b'D',
            other => other,
        };
        self.push(letter, at, end);
        end
    }
}

/// The word at the start of `text`: letters, digits, `_`, `$`, and dots between them.
fn word_at(text: &[u8]) -> &[u8] {
    let length = text
        .iter()
        .enumerate()
        .take_while(|(place, byte)| {
            byte.is_ascii_alphanumeric()
                || matches!(**byte, b'_' | b'$')
                || **byte >= 0x80
                || (**byte == b'.'
                    && text
                        .get(place + 1)
                        .is_some_and(|next| next.is_ascii_alphabetic() || *next == b'_'))
        })
        .count();
    &text[..length]
}

/// Where the string ends that `quote` opened before `from`, and whether it ends.
fn string_end(text: &[u8], from: usize, quote: u8) -> (usize, bool) {
    let mut at = from;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            byte if byte == quote => {
                // A doubled quote stands for itself, but only inside: at the very start it closes an empty string.
                if text.get(at + 1) == Some(&quote) && at > from {
                    at += 2;
                } else {
                    return (at + 1, true);
                }
            }
            _ => at += 1,
        }
    }
    (text.len(), false)
}

/// Length of the comparison at the start of `text`; 0 for none.
fn comparison(text: &[u8]) -> usize {
    match text {
        [b'<', b'=', b'>', ..] => 3,
        [b'<', b'=' | b'>', ..] | [b'>' | b'!' | b'=', b'=', ..] => 2,
        [b'=' | b'<' | b'>', ..] => 1,
        _ => 0,
    }
}

/// Length of the JSON operator at the start of `text` (PostgreSQL 17, section 9.16; MySQL 8.4, section 14.17); 0 is `None`.
fn json_operator(text: &[u8]) -> Option<usize> {
    match text {
        [b'-', b'>', b'>', ..] | [b'#', b'>', b'>', ..] => Some(3),
        [b'-', b'>', ..]
        | [b'#', b'>' | b'-', ..]
        | [b'@', b'>' | b'?' | b'@', b' ' | b'\'', ..]
        | [b'<', b'@', ..]
        | [b'?', b'|' | b'&', ..] => Some(2),
        _ => None,
    }
}
