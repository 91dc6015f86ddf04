//! Sets of moments: what some log covers, and what none does.

/// Disjoint spans of time in ascending order, each from its first microsecond to the one after its last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans(Vec<(i64, i64)>);

impl Spans {
    /// The one span from `from` to `to`; empty when it ends before it begins.
    pub fn one(from: i64, to: i64) -> Spans {
        Spans(if from < to { vec![(from, to)] } else { Vec::new() })
    }

    /// All moments of any of `spans`, in any order and overlapping as they like.
    pub fn union(spans: impl IntoIterator<Item = (i64, i64)>) -> Spans {
        let mut all: Vec<(i64, i64)> = spans.into_iter().filter(|(from, to)| from < to).collect();
        all.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::with_capacity(all.len());
        for (from, to) in all {
            match joined.last_mut() {
                Some((_, end)) if from <= *end => *end = (*end).max(to),
                _ => joined.push((from, to)),
            }
        }
        Spans(joined)
    }

    /// The moments of this set that are not in `other`.
    pub fn without(&self, other: &Spans) -> Spans {
        let mut rest = Vec::new();
        let mut skip = 0;
        for &(from, to) in &self.0 {
            let mut at = from;
            while skip < other.0.len() && other.0[skip].1 <= from {
                skip += 1;
            }
            for &(cut_from, cut_to) in &other.0[skip..] {
                if cut_from >= to {
                    break;
                }
                if at < cut_from {
                    rest.push((at, cut_from));
                }
                at = at.max(cut_to);
            }
            if at < to {
                rest.push((at, to));
            }
        }
        Spans(rest)
    }

    /// The moments of this set that are in `other` too.
    pub fn within(&self, other: &Spans) -> Spans {
        self.without(&self.without(other))
    }

    /// How long it is, in microseconds.
    pub fn length(&self) -> u64 {
        self.0.iter().map(|(from, to)| to.abs_diff(*from)).sum()
    }

    /// Whether it holds no moment.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The spans, first to last.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans() -> impl Strategy<Value = Vec<(i64, i64)>> {
        proptest::collection::vec((0i64..60, 0i64..60), 0..8)
    }

    fn members(spans: &Spans) -> Vec<i64> {
        (0..60)
            .filter(|at| spans.iter().any(|(from, to)| (from..to).contains(at)))
            .collect()
    }

    proptest! {
        #[test]
        fn sets_are_what_their_moments_say(a in spans(), b in spans()) {
            let (one, other) = (Spans::union(a.clone()), Spans::union(b));
            let is_in = |set: &[(i64, i64)], at: i64| set.iter().any(|(from, to)| (*from..*to).contains(&at));
            prop_assert_eq!(members(&one), (0..60).filter(|at| is_in(&a, *at)).collect::<Vec<_>>());
            let rest = members(&one.without(&other));
            let both = members(&one.within(&other));
            prop_assert_eq!(rest, members(&one).into_iter().filter(|at| !members(&other).contains(at)).collect::<Vec<_>>());
            prop_assert_eq!(both, members(&one).into_iter().filter(|at| members(&other).contains(at)).collect::<Vec<_>>());
            prop_assert_eq!(one.length(), members(&one).len() as u64);
            let touching = one.iter().zip(one.iter().skip(1)).any(|(a, b)| a.1 >= b.0);
            prop_assert!(!touching);
        }
    }
}
