//! Finds the phrases of `data/phrases.csv` in a text.
//!
//! A phrase is a sequence of folded words; `*` at the end of a word stands for any ending, `_` for one word. Each phrase is
//! looked up by its rarest-looking exact word, so that a text costs one look-up a word whatever the number of phrases.

use rustc_hash::FxHashMap;

use crate::fold::Words;

/// What a phrase asks or says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhraseKind {
    /// A sign-in, a code, a password, an account to be confirmed.
    Credential,
    /// Money.
    Payment,
    /// Time.
    Urgency,
    /// A charge to be cancelled by telephone.
    Callback,
    /// A prize, a loan, a stranger's love: unwanted, but not phishing.
    Unwanted,
}

/// A phrase found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// What it asks or says.
    pub kind: PhraseKind,
    /// 1 used by honest mail as well, to 3 hardly ever.
    pub weight: u8,
    /// Which phrase: its line in the table.
    pub phrase: u32,
    /// Byte offsets in the text.
    pub place: (usize, usize),
}

#[derive(Debug)]
enum Piece {
    Exact(String),
    Prefix(String),
    Any,
}

impl Piece {
    fn is(&self, word: &str) -> bool {
        match self {
            Piece::Exact(exact) => exact == word,
            Piece::Prefix(prefix) => word.starts_with(prefix.as_str()),
            Piece::Any => true,
        }
    }
}

#[derive(Debug)]
struct Phrase {
    kind: PhraseKind,
    weight: u8,
    pieces: Vec<Piece>,
}

/// The phrases, ready to be found.
#[derive(Debug, Default)]
pub struct Phrases {
    phrases: Vec<Phrase>,
    /// Exact word to phrases and the place of the word in them.
    by_word: FxHashMap<String, Vec<(u32, u8)>>,
    /// First three bytes of a word with any ending.
    by_prefix: FxHashMap<[u8; 3], Vec<(u32, u8)>>,
}

impl Phrases {
    /// Reads the table: `kind,language,weight,phrase`. Lines that cannot be used are left out; a test sees that there are none.
    pub fn parse(table: &str) -> Phrases {
        let mut phrases = Phrases::default();
        for record in csv::Reader::from_reader(table.as_bytes())
            .into_records()
            .flatten()
        {
            let kind = match record.get(0).unwrap_or_default() {
                "credential" => PhraseKind::Credential,
                "payment" => PhraseKind::Payment,
                "urgency" => PhraseKind::Urgency,
                "callback" => PhraseKind::Callback,
                "unwanted" => PhraseKind::Unwanted,
                _ => continue,
            };
            let Ok(weight) = record.get(2).unwrap_or_default().parse() else {
                continue;
            };
            phrases.add(kind, weight, record.get(3).unwrap_or_default());
        }
        phrases
    }

    fn add(&mut self, kind: PhraseKind, weight: u8, phrase: &str) {
        let mut pieces = Vec::new();
        for word in phrase.split_whitespace() {
            if word == "_" {
                pieces.push(Piece::Any);
                continue;
            }
            let is_prefix = word.ends_with('*');
            let folded = Words::of(word);
            let last = folded.len().saturating_sub(1);
            for (at, part) in folded.iter().enumerate() {
                pieces.push(if is_prefix && at == last {
                    Piece::Prefix(part.to_owned())
                } else {
                    Piece::Exact(part.to_owned())
                });
            }
        }
        let longest = |is_wanted: &dyn Fn(&Piece) -> Option<usize>| {
            (0..pieces.len())
                .filter_map(|at| Some((is_wanted(&pieces[at])?, at)))
                .max()
                .map(|(_, at)| at)
        };
        let id = self.phrases.len() as u32;
        let exact = longest(&|piece| match piece {
            Piece::Exact(word) => Some(word.len()),
            _ => None,
        });
        let prefix = longest(&|piece| match piece {
            Piece::Prefix(word) if word.len() >= 3 => Some(word.len()),
            _ => None,
        });
        // A short exact word ("your") is met everywhere; a long beginning is the better anchor.
        let exact_length = exact.map_or(0, |at| match &pieces[at] {
            Piece::Exact(word) => word.len(),
            _ => 0,
        });
        match (exact, prefix) {
            (Some(at), _) if exact_length >= 6 || prefix.is_none() => {
                if let Piece::Exact(word) = &pieces[at] {
                    self.by_word.entry(word.clone()).or_default().push((id, at as u8));
                }
            }
            (_, Some(at)) => {
                if let Piece::Prefix(word) = &pieces[at]
                    && let Some(Ok(key)) = word.as_bytes().get(..3).map(<[u8; 3]>::try_from)
                {
                    self.by_prefix.entry(key).or_default().push((id, at as u8));
                }
            }
            _ => return,
        }
        self.phrases.push(Phrase { kind, weight, pieces });
    }

    /// How many phrases there are.
    pub fn len(&self) -> usize {
        self.phrases.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.phrases.is_empty()
    }

    /// Every phrase in `text`, in the order of their anchors; at most 1,000.
    pub fn find(&self, text: &Words) -> Vec<Found> {
        let mut found = Vec::new();
        for at in 0..text.len() {
            let Some(word) = text.get(at) else { break };
            if let Some(anchored) = self.by_word.get(word) {
                self.check(text, at, anchored, &mut found);
            }
            if let Some(Ok(key)) = word.as_bytes().get(..3).map(<[u8; 3]>::try_from)
                && let Some(anchored) = self.by_prefix.get(&key)
            {
                self.check(text, at, anchored, &mut found);
            }
            if found.len() >= 1_000 {
                break;
            }
        }
        found
    }

    fn check(&self, text: &Words, at: usize, anchored: &[(u32, u8)], found: &mut Vec<Found>) {
        for &(id, anchor) in anchored {
            let phrase = &self.phrases[id as usize];
            let Some(begin) = at.checked_sub(usize::from(anchor)) else {
                continue;
            };
            let is_there = phrase
                .pieces
                .iter()
                .enumerate()
                .all(|(offset, piece)| text.get(begin + offset).is_some_and(|word| piece.is(word)));
            if is_there {
                found.push(Found {
                    kind: phrase.kind,
                    weight: phrase.weight,
                    phrase: id,
                    place: text.place(begin, begin + phrase.pieces.len()),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_with_endings_and_gaps() {
        let phrases = Phrases::parse(
            "kind,language,weight,phrase\ncredential,en,3,verif* your _ account\nurgency,en,1,within 24 hours\ncredential,es,2,contrase\u{f1}a caduc*\n",
        );
        let text = "Please VERIFY your Micr0soft acc\u{200b}ount within 24 hours. Su contrasen\u{303}a caducar\u{e1}.";
        let found = phrases.find(&Words::of(text));
        let quotes: Vec<_> = found.iter().map(|one| &text[one.place.0..one.place.1]).collect();
        assert_eq!(
            quotes,
            [
                "VERIFY your Micr0soft acc\u{200b}ount",
                "within 24 hours",
                "contrasen\u{303}a caducar\u{e1}"
            ]
        );
    }
}
