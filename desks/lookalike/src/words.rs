//! Words that stand beside a brand in names made to deceive, and how often any word stands in ordinary names.
//!
//! The first come from `data/words.txt`, written down from general knowledge. The second from `data/background.bin`: counts
//! over ordinary names, made by `cargo xtask fit lookalike`; its provenance stands in `data/PROVENANCE.md`.

use std::sync::LazyLock;

use crate::table::HashTable;

/// What a word beside a brand is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WordClass {
    /// Credentials, alarm, urgency: `login`, `verify`.
    Signin = 1,
    /// What online services call their parts: `mail`, `cloud`.
    Service = 2,
    /// Elections, government, money owed: `vote`, `tax`.
    Civic = 3,
    /// What organisations append to their names: `group`, `careers`.
    Firm = 4,
    /// Countries, states, regions, languages: `us`, `ohio`.
    Place = 5,
    /// Top-level words written as labels: `com`.
    Suffix = 6,
}

impl WordClass {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => WordClass::Signin,
            2 => WordClass::Service,
            3 => WordClass::Civic,
            4 => WordClass::Firm,
            5 => WordClass::Place,
            6 => WordClass::Suffix,
            _ => return None,
        })
    }

    /// The class in words.
    pub fn title(self) -> &'static str {
        match self {
            WordClass::Signin => "a sign-in or security word",
            WordClass::Service => "a word of online services",
            WordClass::Civic => "a word of elections and government",
            WordClass::Firm => "a word that organisations append",
            WordClass::Place => "a place or language",
            WordClass::Suffix => "a top-level word written as a label",
        }
    }
}

/// Start value of [`hash_step`].
pub const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// One byte more of FNV-1a, 64 bits (Fowler, Noll, Vo; public domain).
#[inline]
pub const fn hash_step(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3)
}

/// FNV-1a of a text.
pub fn hash_of(text: &[u8]) -> u64 {
    text.iter().fold(HASH_START, |hash, byte| hash_step(hash, *byte))
}

/// Folds a 64-bit hash to the 32 bits that tables are keyed by.
#[inline]
pub const fn fold_hash(hash: u64) -> u32 {
    (hash ^ (hash >> 32)) as u32
}

/// Longest word of the list, in bytes.
pub const MAX_WORD_BYTES: usize = 16;

/// The list of words, by hash.
pub struct Words {
    table: HashTable,
}

impl Words {
    /// The list that is built in.
    pub fn built_in() -> &'static Words {
        static WORDS: LazyLock<Words> = LazyLock::new(|| Words::parse(include_str!("../data/words.txt")));
        &WORDS
    }

    fn parse(text: &str) -> Words {
        let mut class = 0;
        let mut entries: Vec<(u32, u8)> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            class = match line {
                "[signin]" => 1,
                "[service]" => 2,
                "[civic]" => 3,
                "[firm]" => 4,
                "[place]" => 5,
                "[suffix]" => 6,
                words => {
                    // The first class that names a word keeps it.
                    for word in words.split_whitespace().filter(|w| w.len() <= MAX_WORD_BYTES) {
                        entries.push((fold_hash(hash_of(word.as_bytes())), class));
                    }
                    class
                }
            };
        }
        Words {
            table: HashTable::of(&entries),
        }
    }

    /// The class of the word with this FNV-1a hash.
    #[inline]
    pub fn class_of_hash(&self, hash: u64) -> Option<WordClass> {
        self.table.get(fold_hash(hash)).and_then(WordClass::from_code)
    }

    /// The class of a word.
    pub fn class_of(&self, word: &[u8]) -> Option<WordClass> {
        self.class_of_hash(hash_of(word))
    }
}

/// How often letters stand in ordinary names.
pub struct Background {
    /// Runs of 5 to 12 letters: in how many different labels, beyond the label that is that run.
    runs: HashTable,
    /// Whole labels and parts between hyphens: in how many names.
    tokens: HashTable,
}

/// Shortest run that is counted.
pub const MIN_RUN_BYTES: usize = 5;
/// Longest run that is counted; longer units count as their first twelve letters.
pub const MAX_RUN_BYTES: usize = 12;

impl Background {
    /// The counts that are built in.
    pub fn built_in() -> &'static Background {
        static BACKGROUND: LazyLock<Background> =
            LazyLock::new(|| Background::read(include_bytes!("../data/background.bin")));
        &BACKGROUND
    }

    /// Format: `PWBG1\n`, two little-endian u32 counts of entries (runs, tokens), then per entry the 32-bit hash and one byte
    /// holding twice the binary logarithm of the count.
    fn read(bytes: &[u8]) -> Background {
        let number = |at: usize| {
            bytes
                .get(at..at + 4)
                .map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)
        };
        let (runs, tokens) = (number(6), number(10));
        let entries = |start: usize, count: usize| -> Vec<(u32, u8)> {
            (0..count)
                .map_while(|index| {
                    let at = start + 5 * index;
                    bytes.get(at + 4).map(|level| (number(at) as u32, *level))
                })
                .collect()
        };
        Background {
            runs: HashTable::of(&entries(14, runs)),
            tokens: HashTable::of(&entries(14 + 5 * runs, tokens)),
        }
    }

    /// Twice the binary logarithm of the number of ordinary labels that hold `run`, 0 when there are too few to count.
    pub fn run_level(&self, run: &[u8]) -> u8 {
        let run = &run[..run.len().min(MAX_RUN_BYTES)];
        self.runs.get(fold_hash(hash_of(run))).unwrap_or(0)
    }

    /// Twice the binary logarithm of the number of ordinary names in which `token` stands between dots or hyphens.
    pub fn token_level(&self, token: &[u8]) -> u8 {
        self.token_level_of_hash(hash_of(token))
    }

    /// The same, by FNV-1a hash.
    #[inline]
    pub fn token_level_of_hash(&self, hash: u64) -> u8 {
        self.tokens.get(fold_hash(hash)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_their_class() {
        let words = Words::built_in();
        assert_eq!(words.class_of(b"login"), Some(WordClass::Signin));
        assert_eq!(words.class_of(b"ballot"), Some(WordClass::Civic));
        assert_eq!(words.class_of(b"xyzzyplugh"), None);
    }
}
