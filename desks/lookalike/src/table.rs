//! A small open-addressed table from 32-bit hashes to bytes: one cache line a look-up.

/// Entries by 32-bit hash. The key 0 stands for an empty slot.
pub struct HashTable {
    slots: Vec<(u32, u8)>,
    mask: usize,
}

impl HashTable {
    /// A table of these entries; of two with one key the first stays.
    pub fn of(entries: &[(u32, u8)]) -> Self {
        let size = (entries.len() * 2).next_power_of_two().max(16);
        let mut table = HashTable {
            slots: vec![(0, 0); size],
            mask: size - 1,
        };
        for (key, value) in entries {
            let key = (*key).max(1);
            let mut slot = key as usize & table.mask;
            while table.slots[slot].0 != 0 && table.slots[slot].0 != key {
                slot = (slot + 1) & table.mask;
            }
            if table.slots[slot].0 == 0 {
                table.slots[slot] = (key, *value);
            }
        }
        table
    }

    /// The value under `key`.
    #[inline]
    pub fn get(&self, key: u32) -> Option<u8> {
        let key = key.max(1);
        let mut slot = key as usize & self.mask;
        loop {
            let (found, value) = self.slots[slot];
            if found == key {
                return Some(value);
            }
            if found == 0 {
                return None;
            }
            slot = (slot + 1) & self.mask;
        }
    }
}
