//! Names of contests that differ between counties: proposed, never joined in silence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which name in a county's files is which contest of the audit. Only what a person wrote into it is joined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameMap {
    /// For each name in the files, the audit's name for it.
    pub contests: BTreeMap<String, String>,
    /// The same for candidates, by the audit's name of the contest and the name in the files.
    #[serde(default)]
    pub candidates: BTreeMap<String, BTreeMap<String, String>>,
}

impl NameMap {
    /// The audit's name of a contest: the mapped one, or the name itself.
    pub fn contest<'a>(&'a self, name: &'a str) -> &'a str {
        self.contests.get(name).map_or(name, String::as_str)
    }

    /// The audit's name of a candidate of `contest` (the audit's name of it).
    pub fn candidate<'a>(&'a self, contest: &str, name: &'a str) -> &'a str {
        self.candidates
            .get(contest)
            .and_then(|names| names.get(name))
            .map_or(name, String::as_str)
    }
}

/// Two names that may mean one contest. A person decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NearMiss {
    /// A name that only the county's files have.
    pub theirs: String,
    /// A name that only the audit has.
    pub ours: String,
    /// Why they look like one, in plain words.
    pub because: String,
}

/// Names in `theirs` that are not in `ours`, each with the names of `ours` that are missing in `theirs` and look like it:
/// they are equal when case, spaces and punctuation are left out, or have the same words in another order, or differ by few
/// letters (at most one in eight, numbers excepted: "District 1" and "District 2" are never near).
pub fn near_misses(theirs: &[&str], ours: &[&str]) -> Vec<NearMiss> {
    let only = |names: &[&str], others: &[&str]| -> Vec<String> {
        names
            .iter()
            .filter(|name| !others.contains(name))
            .map(|name| (*name).to_owned())
            .collect()
    };
    let missing = only(ours, theirs);
    let mut near = Vec::new();
    for name in only(theirs, ours) {
        for other in &missing {
            if let Some(because) = likeness(&name, other) {
                near.push(NearMiss {
                    theirs: name.clone(),
                    ours: other.clone(),
                    because: because.to_owned(),
                });
            }
        }
    }
    near.sort();
    near.dedup();
    near
}

/// Longest name, in words or letters, that is compared; a longer one is near to nothing.
const MAX_COMPARED: usize = 300;

fn likeness(left: &str, right: &str) -> Option<&'static str> {
    if left.chars().count() > MAX_COMPARED || right.chars().count() > MAX_COMPARED {
        return None;
    }
    let (a, b) = (words(left), words(right));
    if a.concat() == b.concat() {
        return Some("they differ only in case, spaces or punctuation");
    }
    let digits = |words: &[String]| {
        let mut found: Vec<String> = words
            .iter()
            .filter(|word| word.bytes().any(|b| b.is_ascii_digit()))
            .cloned()
            .collect();
        found.sort();
        found
    };
    if digits(&a) != digits(&b) {
        return None;
    }
    let sorted = |words: &[String]| {
        let mut sorted = words.to_vec();
        sorted.sort();
        sorted
    };
    if sorted(&a) == sorted(&b) {
        return Some("they have the same words in another order");
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.concat().chars().collect(), b.concat().chars().collect());
    // One letter in eight: a slip of the hand in each longer word. A person decides what it means.
    let allowed = a.len().max(b.len()) / 8;
    (allowed > 0 && distance(&a, &b) <= allowed).then_some("they differ by few letters")
}

fn words(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Levenshtein's distance.
pub(crate) fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::near_misses;

    #[test]
    fn near_names_are_proposed_and_numbers_keep_districts_apart() {
        let theirs = [
            "GOVERNOR",
            "State Senate - District 12",
            "Sheriff",
            "School Board, At-Large",
            "Propositon 9A",
        ];
        let ours = [
            "Governor",
            "State Senate District 21",
            "Sheriff",
            "At-Large School Board",
            "Proposition 9A",
        ];
        let near: Vec<(String, String)> = near_misses(&theirs, &ours)
            .into_iter()
            .map(|miss| (miss.theirs, miss.ours))
            .collect();
        assert_eq!(
            near,
            [
                ("GOVERNOR".to_owned(), "Governor".to_owned()),
                ("Propositon 9A".to_owned(), "Proposition 9A".to_owned()),
                (
                    "School Board, At-Large".to_owned(),
                    "At-Large School Board".to_owned()
                ),
            ]
        );
    }
}
