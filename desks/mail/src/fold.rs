//! Folds text so that spelling tricks do not hide words, and cuts it into words that remember where they stood.
//!
//! Case, accents, width and script tricks are folded (NFKD; confusable letters by Unicode Technical Standard 39), marks
//! without width are dropped, and `i`, `l`, `1` and `|` are one letter, because in most faces they are: "waIIet" is read as
//! "wallet". Both sides of every comparison are folded, so that nothing is lost by it.

use pollwatch_names::{is_unseen, unicode_skeleton};
use unicode_normalization::UnicodeNormalization;

/// Most words of one text that are kept.
const MAX_WORDS: usize = 100_000;

/// A text cut into folded words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    folded: String,
    words: Vec<Word>,
    /// Marks without width that stood inside words.
    pub unseen_inside: usize,
    /// Letters of other scripts that look like ours, beside ours.
    pub confusables: usize,
}

/// Where one word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word {
    folded: (u32, u32),
    source: (u32, u32),
}

/// How an ASCII byte folds; 0 where it separates words.
const ASCII: [u8; 128] = ascii();

const fn ascii() -> [u8; 128] {
    let mut table = [0; 128];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'A'..=b'Z' => match byte.to_ascii_lowercase() {
                b'i' => b'l',
                lower => lower,
            },
            b'i' | b'1' | b'|' => b'l',
            b'0' => b'o',
            b'a'..=b'z' | b'2'..=b'9' => byte,
            _ => 0,
        };
        byte += 1;
    }
    table
}

impl Words {
    /// Cuts `text`.
    pub fn of(text: &str) -> Words {
        let mut words = Words {
            folded: String::with_capacity(text.len()),
            ..Words::default()
        };
        let mut word_start: Option<(usize, usize)> = None;
        let mut was_unseen = false;
        for (at, c) in text.char_indices() {
            let before = words.folded.len();
            let mut is_separator = false;
            if c.is_ascii() {
                match ASCII[c as usize] {
                    0 => is_separator = true,
                    folded => words.folded.push(char::from(folded)),
                }
            } else if is_unseen(c) || c == '\u{ad}' {
                was_unseen = word_start.is_some();
                continue;
            } else {
                is_separator = !words.fold_other(c);
            }
            if is_separator {
                words.end_word(word_start.take(), at, before);
                was_unseen = false;
                if words.words.len() >= MAX_WORDS {
                    return words;
                }
            } else {
                if was_unseen {
                    words.unseen_inside += 1;
                    was_unseen = false;
                }
                if word_start.is_none() {
                    word_start = Some((before, at));
                }
            }
        }
        let end = words.folded.len();
        words.end_word(word_start.take(), text.len(), end);
        words
    }

    /// Adds the folded form of a character that is not ASCII. False when it separates words.
    fn fold_other(&mut self, c: char) -> bool {
        let before = self.folded.len();
        let mut is_letter = false;
        for plain in c.nfkd() {
            if plain.is_ascii() {
                if ASCII[plain as usize] != 0 {
                    self.folded.push(char::from(ASCII[plain as usize]));
                    is_letter = true;
                }
            } else if !is_combining(plain) && plain.is_alphanumeric() {
                is_letter = true;
                let mut buffer = [0; 4];
                let looks = unicode_skeleton(plain.encode_utf8(&mut buffer));
                match looks.as_deref() {
                    Some(looks) if looks.is_ascii() && !looks.is_empty() => {
                        self.confusables += 1;
                        for byte in looks.bytes() {
                            match ASCII[byte as usize] {
                                0 => {}
                                folded => self.folded.push(char::from(folded)),
                            }
                        }
                    }
                    _ => self.folded.extend(plain.to_lowercase()),
                }
            }
        }
        // A combining mark that stands alone belongs to the letter before it.
        is_letter || (is_combining(c) && before > 0)
    }

    fn end_word(&mut self, start: Option<(usize, usize)>, source_end: usize, folded_end: usize) {
        if let Some((folded, source)) = start {
            self.words.push(Word {
                folded: (folded as u32, folded_end as u32),
                source: (source as u32, source_end as u32),
            });
            self.folded.push(' ');
        }
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The folded word at `index`.
    pub fn get(&self, index: usize) -> Option<&str> {
        let word = self.words.get(index)?;
        self.folded.get(word.folded.0 as usize..word.folded.1 as usize)
    }

    /// The words, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Where words `from..to` stand in the text that was cut: byte offsets.
    pub fn place(&self, from: usize, to: usize) -> (usize, usize) {
        let begin = self.words.get(from).map_or(0, |word| word.source.0 as usize);
        let end = to
            .checked_sub(1)
            .and_then(|last| self.words.get(last))
            .map_or(begin, |word| word.source.1 as usize);
        (begin, end.max(begin))
    }

    /// All words, run together.
    pub fn joined(&self) -> String {
        self.iter().collect()
    }
}

fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Words::of(text).iter().map(str::to_owned).collect()
    }

    #[test]
    fn tricks_of_spelling_fold_away() {
        assert_eq!(words("Trust WaIIet!"), words("TRUST  wallet"));
        assert_eq!(words("p\u{430}ss\u{200b}word"), words("password"));
        assert_eq!(words("Contrase\u{f1}a"), words("contrasen\u{303}a"));
        assert_eq!(Words::of("pass\u{200b}word").unseen_inside, 1);
        assert_eq!(Words::of("a \u{200b}b").unseen_inside, 0);
    }

    #[test]
    fn words_know_where_they_stood() {
        let text = "Please, verify \u{e9}t\u{e9} now";
        let cut = Words::of(text);
        let (begin, end) = cut.place(1, 3);
        assert_eq!(&text[begin..end], "verify \u{e9}t\u{e9}");
    }
}
