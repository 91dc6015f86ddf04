//! Names by number, so that counts are kept under small keys.

use rustc_hash::FxHashMap;

/// Distinct names in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Names {
    places: FxHashMap<String, u32>,
    names: Vec<String>,
}

/// Most names of one list; what comes after shares the last place. A column with more values is no code.
const MAX_NAMES: usize = 1 << 20;

impl Names {
    /// The place of `name`, a new one where it has none.
    pub fn place(&mut self, name: &str) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        if self.names.len() >= MAX_NAMES {
            return (MAX_NAMES - 1) as u32;
        }
        let place = self.names.len() as u32;
        self.places.insert(name.to_owned(), place);
        self.names.push(name.to_owned());
        place
    }

    /// The place of `name`, where it has one.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.places.get(name).copied()
    }

    /// The name at a place; empty where there is none.
    pub fn name(&self, place: u32) -> &str {
        self.names.get(place as usize).map_or("", String::as_str)
    }

    /// All names, in order.
    pub fn all(&self) -> &[String] {
        &self.names
    }
}
