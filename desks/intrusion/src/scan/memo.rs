//! What was found out about texts that come again and again: the same few hundred pages, pictures and browsers make up most of
//! a log.

/// Texts that are remembered at once: some times as many as a site has pages, and few enough to stay in the cache.
const SLOTS: usize = 1024;
/// Longest text that is remembered, in bytes.
const MAX_BYTES: usize = 256;

/// A table from texts to what is known of them, in which a newcomer takes the place of whoever has its slot. Texts are compared
/// whole: nobody can make one of theirs pass for another.
#[derive(Debug)]
pub(super) struct Memo<V> {
    slots: Vec<(Vec<u8>, V)>,
}

impl<V: Default + Copy> Memo<V> {
    pub fn new() -> Self {
        Memo {
            slots: (0..SLOTS).map(|_| (Vec::new(), V::default())).collect(),
        }
    }

    /// What is known of a text.
    pub fn get(&self, text: &[u8]) -> Option<V> {
        let (known, value) = &self.slots[slot(text)];
        (!text.is_empty() && known == text).then_some(*value)
    }

    /// Remembers a text; those that are long or hold a backslash, which dialects understand differently, are not.
    pub fn put(&mut self, text: &[u8], value: V) {
        if text.is_empty() || text.len() > MAX_BYTES || memchr::memchr(b'\\', text).is_some() {
            return;
        }
        let (known, slot) = &mut self.slots[slot(text)];
        known.clear();
        known.extend_from_slice(text);
        *slot = value;
    }
}

/// A slot by a sum of products over the text's words (multilinear hashing; Lemire and Kaser 2014), whose multiplications do not
/// wait for one another. Texts that share a slot merely push each other out.
fn slot(text: &[u8]) -> usize {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let text = &text[..text.len().min(MAX_BYTES)];
    let mut sum = text.len() as u64;
    let mut factor = STEP;
    let mut chunks = text.chunks_exact(8);
    let mut add = |word: [u8; 8]| {
        sum = sum.wrapping_add(u64::from_le_bytes(word).wrapping_mul(factor | 1));
        factor = factor.wrapping_add(STEP);
    };
    for chunk in &mut chunks {
        let mut word = [0u8; 8];
        word.copy_from_slice(chunk);
        add(word);
    }
    let rest = chunks.remainder();
    let mut word = [0u8; 8];
    word[..rest.len()].copy_from_slice(rest);
    add(word);
    ((sum ^ sum >> 29).wrapping_mul(STEP) >> 40) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A text is told what was last put for it, or nothing; never what was put for another.
        #[test]
        fn no_text_passes_for_another(texts in prop::collection::vec("[ab\\\\]{0,20}", 1..400)) {
            let mut memo = Memo::<u32>::new();
            let mut truth = std::collections::BTreeMap::new();
            for (place, text) in texts.iter().enumerate() {
                if let Some(value) = memo.get(text.as_bytes()) {
                    prop_assert_eq!(Some(&value), truth.get(text));
                }
                memo.put(text.as_bytes(), place as u32);
                truth.insert(text.clone(), place as u32);
                prop_assert_eq!(memo.get(text.as_bytes()).is_some(), !text.is_empty() && !text.contains('\\'));
            }
        }
    }
}
