//! Tiles and entry bundles as C2SP tlog-tiles lays them out (<https://c2sp.org/tlog-tiles>).

use std::fmt;
use std::str::FromStr;

use crate::FormatError;
use crate::tree::{TILE_HEIGHT, TILE_WIDTH, TreeHash};

/// Longest entry, in bytes: the length before it has 16 bits (C2SP tlog-tiles, "Log Entries").
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// Highest tile level (C2SP tlog-tiles, "Merkle Tree": a level is 0 to 63).
const MAX_LEVEL: u8 = 63;

/// Longest bundle in bytes: 256 entries of the longest kind, each behind two bytes of length.
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH * (MAX_ENTRY_BYTES + 2);

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes at this tile level, 0 to 63.
    Hashes(u8),
    /// Entries, in a bundle.
    Entries,
}

/// Names one tile or entry bundle. Its text form is the path relative to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl TilePath {
    /// The tile `index` with `width` hashes or entries; `None` unless the width is 1 to 256 and the level 0 to 63.
    pub fn new(kind: TileKind, index: u64, width: usize) -> Option<Self> {
        let is_level_valid = !matches!(kind, TileKind::Hashes(level) if level > MAX_LEVEL);
        let width = u16::try_from(width).ok()?;
        (is_level_valid && (1..=TILE_WIDTH as u16).contains(&width)).then_some(TilePath {
            kind,
            index,
            width,
        })
    }

    /// The full tile `index` of this kind.
    pub(crate) fn full(kind: TileKind, index: u64) -> Self {
        TilePath {
            kind,
            index,
            width: TILE_WIDTH as u16,
        }
    }

    /// What it holds.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Its number, counted from the left.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds, 1 to 256.
    pub fn width(&self) -> usize {
        usize::from(self.width)
    }

    /// True when it holds fewer than 256.
    pub fn is_partial(&self) -> bool {
        self.width() < TILE_WIDTH
    }
}

/// A tile number as a path: groups of three digits, all but the last behind an `x`, such as `x001/x234/067`.
///
/// Source: C2SP tlog-tiles, "Merkle Tree".
pub fn encode_tile_number(number: u64) -> String {
    let mut text = format!("{:03}", number % 1000);
    let mut left = number / 1000;
    while left > 0 {
        text = format!("x{:03}/{text}", left % 1000);
        left /= 1000;
    }
    text
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        f.write_str(&encode_tile_number(self.index))?;
        if self.is_partial() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for TilePath {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let bad = |why| FormatError {
            what: "tile path",
            why,
        };
        let rest = text
            .strip_prefix("tile/")
            .ok_or(bad("it does not begin with tile/"))?;
        let (kind, rest) = rest.split_once('/').ok_or(bad("it has no number"))?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(
                decimal(level)
                    .and_then(|n| u8::try_from(n).ok())
                    .ok_or(bad("its level is not 0 to 63"))?,
            ),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (
                number,
                decimal(width)
                    .filter(|w| *w < TILE_WIDTH as u64)
                    .ok_or(bad("its width is not 1 to 255"))?,
            ),
            None => (rest, TILE_WIDTH as u64),
        };
        let mut index: u64 = 0;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(bad("its number is not in groups of three digits"));
            }
            let digits: u64 = digits
                .parse()
                .map_err(|_| bad("its number is not in groups of three digits"))?;
            index = index
                .checked_mul(1000)
                .and_then(|index| index.checked_add(digits))
                .ok_or(bad("its number is above 64 bits"))?;
        }
        if encode_tile_number(index) != number {
            return Err(bad("its number is not written in the one allowed way"));
        }
        TilePath::new(kind, index, width as usize)
            .ok_or(bad("its level is not 0 to 63 or its width not 1 to 256"))
    }
}

/// A number in decimal without sign or leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let is_canonical = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if is_canonical { text.parse().ok() } else { None }
}

/// How many tiles one level of a tree has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelTiles {
    /// The tile level.
    pub level: u8,
    /// Number of full tiles.
    pub full: u64,
    /// Width of the partial tile right of them, 0 when there is none.
    pub partial_width: usize,
}

/// The tiles of a tree of `size` entries, lowest level first; no level that holds nothing.
///
/// Source: C2SP tlog-tiles, "Partial Tiles": level L holds ⌊size / 256^L⌋ hashes.
pub fn tiles_for_size(size: u64) -> Vec<LevelTiles> {
    let mut levels = Vec::new();
    let mut left = size;
    while left > 0 {
        levels.push(LevelTiles {
            level: levels.len() as u8,
            full: left >> TILE_HEIGHT,
            partial_width: (left % TILE_WIDTH as u64) as usize,
        });
        left >>= TILE_HEIGHT;
    }
    levels
}

/// Appends `entry` to a bundle: its length in 16 bits, big-endian, then its bytes.
///
/// Errors: [`FormatError`] when the entry is longer than [`MAX_ENTRY_BYTES`]; the bundle is then as before.
/// Source: C2SP tlog-tiles, "Log Entries".
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), FormatError> {
    let length = u16::try_from(entry.len()).map_err(|_| FormatError {
        what: "entry",
        why: "it is longer than 65,535 bytes",
    })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle, in order.
///
/// Errors: [`FormatError`] unless there are exactly `width` entries and nothing follows.
/// Limits: reads the given bytes alone and allocates one slice an entry, at most 256.
/// Source: C2SP tlog-tiles, "Log Entries".
pub fn parse_bundle(bytes: &[u8], width: usize) -> Result<Vec<&[u8]>, FormatError> {
    let cut = FormatError {
        what: "entry bundle",
        why: "it ends in the middle of an entry",
    };
    let mut entries = Vec::with_capacity(width.min(TILE_WIDTH));
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or(cut.clone())?;
        if entries.len() == width.min(TILE_WIDTH) {
            return Err(FormatError {
                what: "entry bundle",
                why: "it holds more entries than its name says",
            });
        }
        entries.push(entry);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(cut);
    }
    if entries.len() != width {
        return Err(FormatError {
            what: "entry bundle",
            why: "it holds fewer entries than its name says",
        });
    }
    Ok(entries)
}

/// The bytes of a tile: its hashes, one after the other.
pub fn print_tile(hashes: &[TreeHash]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(hashes.len() * 32);
    for hash in hashes {
        bytes.extend_from_slice(&hash.0);
    }
    bytes
}

/// The hashes of a tile.
///
/// Errors: [`FormatError`] unless there are exactly `width` times 32 bytes.
pub fn parse_tile(bytes: &[u8], width: usize) -> Result<Vec<TreeHash>, FormatError> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() != width {
        return Err(FormatError {
            what: "tile",
            why: "it has not 32 bytes for each hash that its name promises",
        });
    }
    Ok(hashes.iter().map(|hash| TreeHash(*hash)).collect())
}
