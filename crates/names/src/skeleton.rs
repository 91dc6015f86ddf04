//! Letters that look alike.
//!
//! Three layers: a fold of single bytes that keeps positions (`0` as `o`, `1` and `i` as `l`), pairs that read as one letter
//! (`rn` as `m`), and the Unicode skeleton of UTS 39 for everything beyond ASCII.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::MixedScript as _;

/// Folds a byte to the letter that it is read as; positions do not move.
///
/// Digits that stand for letters (0 o, 1 l, 3 e, 5 s) and letters of the same outline (i l, q g).
/// Source: the ASCII part of UTS 39's confusables, and the substitutions of dnstwist's homoglyph table.
#[inline]
pub const fn fold_byte(byte: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' | b'i' => b'l',
        b'3' => b'e',
        b'5' => b's',
        b'q' => b'g',
        other => other,
    }
}

/// Pairs that read as one letter.
const PAIRS: &[(&[u8; 2], u8)] = &[(b"rn", b'm'), (b"vv", b'w'), (b"cl", b'd'), (b"nn", b'm')];

/// Folds pairs that read as one letter in bytes that [`fold_byte`] has been over; `at` receives, for each byte written, the
/// position it came from. Whether anything was folded.
pub fn fold_pairs(folded: &[u8], out: &mut Vec<u8>, at: &mut Vec<u16>) -> bool {
    out.clear();
    at.clear();
    let (mut position, mut changed) = (0, false);
    while position < folded.len() {
        at.push(position as u16);
        let pair = folded
            .get(position..position + 2)
            .and_then(|two| PAIRS.iter().find(|(pair, _)| two == &pair[..]));
        match pair {
            Some((_, letter)) => {
                out.push(*letter);
                position += 2;
                changed = true;
            }
            None => {
                out.push(folded[position]);
                position += 1;
            }
        }
    }
    changed
}

/// The ASCII letters that a label beyond ASCII is read as, or `None` when some of it is not read as ASCII at all.
///
/// Marks are taken off (NFKD), then UTS 39's skeleton, then marks again.
pub fn unicode_skeleton(label: &str) -> Option<String> {
    let bare: String = label.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    let mut skeleton = String::with_capacity(bare.len());
    for c in bare.chars() {
        // ASCII stays as it is: UTS 39 would turn m into rn.
        if c.is_ascii() {
            skeleton.push(c.to_ascii_lowercase());
            continue;
        }
        let text = c.to_string();
        let prototype: String = unicode_security::skeleton(&text)
            .filter(|c| !is_combining_mark(*c))
            .flat_map(char::to_lowercase)
            .collect();
        skeleton.push_str(if prototype == "rn" { "m" } else { &prototype });
    }
    skeleton
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        .then_some(skeleton)
}

/// Whether a label mixes scripts in a way that no language does (UTS 39, section 5.1).
pub fn is_mixed_script(label: &str) -> bool {
    !label.is_single_script()
}

/// Rows of a QWERTY keyboard.
const ROWS: [&[u8]; 4] = [b"1234567890", b"qwertyuiop", b"asdfghjkl", b"zxcvbnm"];

/// Whether two keys lie side by side on a QWERTY keyboard.
pub fn is_adjacent_key(a: u8, b: u8) -> bool {
    let place = |key: u8| {
        ROWS.iter()
            .enumerate()
            .find_map(|(row, keys)| keys.iter().position(|k| *k == key).map(|column| (row, column)))
    };
    let (Some((row_a, column_a)), Some((row_b, column_b))) = (place(a), place(b)) else {
        return false;
    };
    match row_a.abs_diff(row_b) {
        0 => column_a.abs_diff(column_b) == 1,
        // Each row is shifted half a key to the right of the one above.
        1 => {
            let (upper, lower) = if row_a < row_b {
                (column_a, column_b)
            } else {
                (column_b, column_a)
            };
            upper == lower || upper == lower + 1
        }
        _ => false,
    }
}

/// Whether two letters are easily taken for each other in a sans-serif face at small size.
pub fn are_lookalike_letters(a: u8, b: u8) -> bool {
    const PAIRS: &[&[u8; 2]] = &[
        b"ce", b"ao", b"uv", b"vy", b"nm", b"hn", b"ft", b"ij", b"lt", b"gq", b"bd", b"pq", b"eo", b"co",
        b"nr", b"gy", b"il", b"lf", b"bh", b"hk", b"vw", b"mn", b"li", b"il", b"tf", b"sz", b"kx", b"ck",
        b"iy",
    ];
    PAIRS
        .iter()
        .any(|pair| (pair[0] == a && pair[1] == b) || (pair[0] == b && pair[1] == a))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_that_look_alike_fold_together() {
        let fold = |text: &str| text.bytes().map(fold_byte).collect::<Vec<_>>();
        assert_eq!(fold("g00g1e"), fold("googie"));
        let (mut out, mut at) = (Vec::new(), Vec::new());
        assert!(fold_pairs(b"rnlcrosoft", &mut out, &mut at));
        assert_eq!(out, b"mlcrosoft");
        assert_eq!(at[..3], [0, 2, 3]);
        assert_eq!(unicode_skeleton("mícrosoft").as_deref(), Some("microsoft"));
        assert_eq!(unicode_skeleton("раураӏ").as_deref(), Some("paypal"));
        assert_eq!(unicode_skeleton("東京"), None);
        assert!(is_mixed_script("pаypal"));
        assert!(!is_mixed_script("paypal"));
    }

    #[test]
    fn keys_side_by_side() {
        assert!(is_adjacent_key(b'g', b'h') && is_adjacent_key(b'a', b'q') && is_adjacent_key(b's', b'w'));
        assert!(!is_adjacent_key(b'a', b'p') && !is_adjacent_key(b'-', b'p'));
    }

    proptest! {
        #[test]
        fn no_label_makes_it_panic(label in "\\PC{0,80}") {
            let _ = unicode_skeleton(&label);
            let _ = is_mixed_script(&label);
        }
    }
}
