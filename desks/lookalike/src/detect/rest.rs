//! What stands beside a unit: cut into words of the list, words of ordinary names, and letters of no word.

use crate::features::Rest;
use crate::words::{Background, HASH_START, MAX_WORD_BYTES, WordClass, Words, hash_step};

/// A word found beside a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundWord {
    pub start: usize,
    pub end: usize,
    /// `None`: a word that ordinary names have.
    pub class: Option<WordClass>,
}

/// An ordinary word stands alone in at least this many ordinary names: 2 x log2 of 32.
const WORD_LEVEL: u8 = 10;

/// Longest run of letters that is cut; what is longer counts as unknown beyond.
const MAX_RUN: usize = 48;

/// Cuts `text` (letters, digits, hyphens, dots) into words; `offset` is its place in the name. Words found go to `words`.
pub(crate) fn cut(text: &[u8], offset: usize, words: &mut Vec<FoundWord>) -> Rest {
    let mut rest = Rest::default();
    let mut at = 0;
    while at < text.len() {
        if text[at].is_ascii_digit() {
            rest.digits += 1;
            at += 1;
            continue;
        }
        if !text[at].is_ascii_lowercase() {
            at += 1;
            continue;
        }
        // A word of the list may hold digits (o365, s3, 2024); try the whole part between hyphens first.
        let end = at + text[at..].iter().take_while(|b| b.is_ascii_lowercase()).count();
        let run = &text[at..end.min(at + MAX_RUN)];
        cut_run(run, offset + at, words, &mut rest);
        rest.unknown_letters += (end - at - run.len()) as u16;
        at = end;
    }
    rest
}

fn cut_run(run: &[u8], offset: usize, words: &mut Vec<FoundWord>, rest: &mut Rest) {
    let (lures, background) = (Words::built_in(), Background::built_in());
    let n = run.len();
    // cost[i]: the cheapest cut of run[i..]; an unknown letter costs 4, an ordinary word 1 a letter, a word of the list 1.
    let mut cost = [u16::MAX; MAX_RUN + 1];
    let mut next = [(0u8, 0u8); MAX_RUN + 1];
    cost[n] = 0;
    for start in (0..n).rev() {
        cost[start] = cost[start + 1] + 4;
        next[start] = (start as u8 + 1, 0);
        let mut hash = HASH_START;
        for end in start + 1..=(start + MAX_WORD_BYTES).min(n) {
            hash = hash_step(hash, run[end - 1]);
            let length = end - start;
            // Two letters are a word only where they fill the run; one letter likewise.
            let fills_run = length == n;
            if length < 3 && !fills_run {
                continue;
            }
            let (price, kind) = match lures.class_of_hash(hash) {
                Some(class) => (1, class as u8),
                None if length >= 3 && background.token_level_of_hash(hash) >= WORD_LEVEL => {
                    (1 + length as u16, 7)
                }
                None => continue,
            };
            if cost[end] + price < cost[start] {
                cost[start] = cost[end] + price;
                next[start] = (end as u8, kind);
            }
        }
    }
    let mut at = 0;
    while at < n {
        let (end, kind) = next[at];
        let (end, length) = (end as usize, (end as usize - at) as u16);
        let class = match kind {
            0 => {
                rest.unknown_letters += length;
                at = end;
                continue;
            }
            1 => Some(WordClass::Signin),
            2 => Some(WordClass::Service),
            3 => Some(WordClass::Civic),
            4 => Some(WordClass::Firm),
            5 => Some(WordClass::Place),
            6 => Some(WordClass::Suffix),
            _ => None,
        };
        match class {
            Some(WordClass::Signin) => {
                rest.signin_words = rest.signin_words.saturating_add(1);
                rest.lure_letters += length;
            }
            Some(class) => {
                let count = &mut rest.by_class[class as usize - 2];
                *count = count.saturating_add(1);
                rest.other_lures = rest.other_lures.saturating_add(1);
                rest.lure_letters += length;
            }
            None => rest.word_letters += length,
        }
        words.push(FoundWord {
            start: offset + at,
            end: offset + end,
            class,
        });
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lure_words_run_together_are_cut_apart() {
        let mut words = Vec::new();
        let rest = cut(b"secureaccount-login2024", 0, &mut words);
        assert_eq!((rest.unknown_letters, rest.signin_words, rest.digits), (0, 3, 4));
        assert_eq!(words.len(), 3);
    }
}
