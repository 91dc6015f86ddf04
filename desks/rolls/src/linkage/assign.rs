//! One partner each.

use super::{Candidate, is_link};

/// Chooses links so that nobody has two: in the order of their odds, then by exchanging a partner where two links become
/// likelier than one. `found` is sorted on the way.
pub(crate) fn one_to_one(found: &mut [Candidate], old: usize, new: usize) -> Vec<Candidate> {
    found.sort_by(|a, b| {
        b.odds
            .total_cmp(&a.odds)
            .then_with(|| a.old.cmp(&b.old))
            .then_with(|| a.new.cmp(&b.new))
    });
    let links: Vec<Candidate> = found.iter().copied().filter(is_link).collect();
    const FREE: u32 = u32::MAX;
    let mut of_old = vec![FREE; old];
    let mut of_new = vec![FREE; new];
    for (at, link) in links.iter().enumerate() {
        if of_old[link.old as usize] == FREE && of_new[link.new as usize] == FREE {
            of_old[link.old as usize] = at as u32;
            of_new[link.new as usize] = at as u32;
        }
    }
    // Augmenting paths of three: a pair whose one side is taken, whose taker has a free partner too.
    let mut by_old: Vec<(u32, u32)> = links
        .iter()
        .enumerate()
        .map(|(at, link)| (link.old, at as u32))
        .collect();
    let mut by_new: Vec<(u32, u32)> = links
        .iter()
        .enumerate()
        .map(|(at, link)| (link.new, at as u32))
        .collect();
    by_old.sort_unstable();
    by_new.sort_unstable();
    let of = |index: &[(u32, u32)], who: u32| -> Vec<u32> {
        let from = index.partition_point(|entry| entry.0 < who);
        index[from..]
            .iter()
            .take_while(|entry| entry.0 == who)
            .map(|entry| entry.1)
            .collect()
    };
    for (at, link) in links.iter().enumerate() {
        let (left, right) = (of_old[link.old as usize], of_new[link.new as usize]);
        let best = match (left == FREE, right == FREE) {
            (true, false) => of(&by_old, links[right as usize].old)
                .into_iter()
                .filter(|other| of_new[links[*other as usize].new as usize] == FREE)
                .map(|other| (right, other))
                .max_by(|a, b| links[a.1 as usize].odds.total_cmp(&links[b.1 as usize].odds)),
            (false, true) => of(&by_new, links[left as usize].new)
                .into_iter()
                .filter(|other| of_old[links[*other as usize].old as usize] == FREE)
                .map(|other| (left, other))
                .max_by(|a, b| links[a.1 as usize].odds.total_cmp(&links[b.1 as usize].odds)),
            _ => None,
        };
        let Some((given_up, taken)) = best else { continue };
        let gain = link.odds + links[taken as usize].odds - links[given_up as usize].odds;
        if gain > 0.0 {
            let old_link = links[given_up as usize];
            of_old[old_link.old as usize] = FREE;
            of_new[old_link.new as usize] = FREE;
            for chosen in [at as u32, taken] {
                of_old[links[chosen as usize].old as usize] = chosen;
                of_new[links[chosen as usize].new as usize] = chosen;
            }
        }
    }
    of_old
        .iter()
        .filter(|at| **at != FREE)
        .map(|at| links[*at as usize])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(old: u32, new: u32, odds: f64) -> Candidate {
        Candidate { old, new, odds }
    }

    #[test]
    fn two_links_are_better_than_one() {
        // The likeliest pair takes both their only partner.
        let mut found = vec![pair(0, 0, 5.0), pair(0, 1, 4.0), pair(1, 0, 4.0)];
        let links = one_to_one(&mut found, 2, 2);
        assert_eq!(links, [pair(0, 1, 4.0), pair(1, 0, 4.0)]);
    }

    proptest! {
        #[test]
        fn nobody_has_two_partners(pairs in prop::collection::vec((0u32..12, 0u32..12, -3.0f64..9.0), 0..60)) {
            let mut found: Vec<Candidate> = pairs.iter().map(|(old, new, odds)| pair(*old, *new, *odds)).collect();
            let links = one_to_one(&mut found, 12, 12);
            for (at, link) in links.iter().enumerate() {
                prop_assert!(link.odds >= 0.0);
                prop_assert!(links[at + 1..].iter().all(|other| other.old != link.old && other.new != link.new));
            }
        }
    }
}
