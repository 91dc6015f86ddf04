//! Which units lie within one edit of a run of letters, by the deletions of both.
//!
//! Two words within one edit (insertion, omission, substitution, swap of neighbours) have a common word among themselves
//! and their one-letter deletions. Units are indexed by hashes of those; a Bloom filter that fits the second-level cache
//! answers "no" for nearly every run of letters. (Garbe's symmetric deletions, 2012; Bocek, Hunt, Stiller 2007.)

/// Longest run that is looked up, in bytes.
const MAX_BYTES: usize = 63;

/// Multiplier of the polynomial hash: odd, random.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// The index.
pub(crate) struct Neighbourhood {
    bloom: Vec<u64>,
    bloom_mask: u64,
    slots: Vec<(u32, u32)>,
    slot_mask: usize,
    shortest: usize,
}

fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 29)
}

/// Powers of the multiplier.
const POWERS: [u64; MAX_BYTES + 2] = {
    let mut powers = [1u64; MAX_BYTES + 2];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1].wrapping_mul(BASE);
        i += 1;
    }
    powers
};

/// Hashes of `text` and of each of its one-letter deletions, to `each`.
#[inline]
fn for_each_deletion(text: &[u8], mut each: impl FnMut(u64)) {
    let n = text.len().min(MAX_BYTES);
    let text = &text[..n];
    let mut hash = 0u64;
    for (letter, power) in text.iter().rev().zip(&POWERS) {
        hash = hash.wrapping_add(u64::from(*letter).wrapping_mul(*power));
    }
    each(mix(hash ^ n as u64));
    // Without letter i: the letters before it move one power down, those after it stay.
    let (mut before, mut after) = (0u64, hash);
    for (i, letter) in text.iter().enumerate() {
        let power = POWERS[n - 1 - i];
        after = after.wrapping_sub(u64::from(*letter).wrapping_mul(power));
        let without = before.wrapping_mul(power).wrapping_add(after);
        each(mix(without ^ (n as u64 - 1)));
        before = before.wrapping_mul(BASE).wrapping_add(u64::from(*letter));
    }
}

impl Neighbourhood {
    /// An index of units, each with its folded letters.
    pub(crate) fn of<'a>(units: impl Iterator<Item = (u32, &'a [u8])>) -> Self {
        let mut keys: Vec<(u64, u32)> = Vec::new();
        let mut shortest = usize::MAX;
        for (unit, folded) in units {
            shortest = shortest.min(folded.len());
            for_each_deletion(folded, |hash| keys.push((hash, unit)));
        }
        keys.sort_unstable();
        keys.dedup();
        // 16 to 32 bits a key; three of them, in one word.
        let words = (keys.len() / 4).next_power_of_two().max(64);
        let mut index = Neighbourhood {
            bloom: vec![0; words],
            bloom_mask: words as u64 - 1,
            slots: vec![(0, u32::MAX); (keys.len() * 2).next_power_of_two().max(16)],
            slot_mask: (keys.len() * 2).next_power_of_two().max(16) - 1,
            shortest,
        };
        for (hash, unit) in keys {
            let (word, bits) = index.bloom_place(hash);
            index.bloom[word] |= bits;
            let mut slot = (hash >> 20) as usize & index.slot_mask;
            while index.slots[slot].1 != u32::MAX {
                slot = (slot + 1) & index.slot_mask;
            }
            index.slots[slot] = (hash as u32, unit);
        }
        index
    }

    #[inline]
    fn bloom_place(&self, hash: u64) -> (usize, u64) {
        let word = (hash >> 12) & self.bloom_mask;
        let bits = (1 << (hash & 63)) | (1 << ((hash >> 6) & 63)) | (1 << ((hash >> 58) & 63));
        (word as usize, bits)
    }

    /// Calls `each` with every unit that may lie within one edit of `folded`; some may come twice.
    #[inline]
    pub(crate) fn near(&self, folded: &[u8], mut each: impl FnMut(u32)) {
        if folded.len() + 1 < self.shortest || folded.len() > MAX_BYTES {
            return;
        }
        for_each_deletion(folded, |hash| {
            let (word, bits) = self.bloom_place(hash);
            if self.bloom[word] & bits != bits {
                return;
            }
            let mut slot = (hash >> 20) as usize & self.slot_mask;
            while self.slots[slot].1 != u32::MAX {
                let (key, unit) = self.slots[slot];
                if key == hash as u32 {
                    each(unit);
                }
                slot = (slot + 1) & self.slot_mask;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_lies_one_edit_away_is_found(word in "[a-z]{5,12}", at in 0usize..12, letter in b'a'..=b'z', kind in 0..4) {
            let index = Neighbourhood::of([(7u32, word.as_bytes())].into_iter());
            let mut seen = word.clone().into_bytes();
            let at = at % seen.len();
            match kind {
                0 => seen.insert(at, letter),
                1 => { seen.remove(at); }
                2 => seen[at] = letter,
                _ => { let next = (at + 1).min(seen.len() - 1); seen.swap(at, next); }
            }
            let mut found = false;
            index.near(&seen, |unit| found |= unit == 7);
            prop_assert!(found);
        }
    }
}
