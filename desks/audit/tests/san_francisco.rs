//! San Francisco 2019, District Attorney: 146,662 ranked cards, the assertions that SHANGRLA audited, and its hand readings with errors.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use flate2::read::GzDecoder;
use pollwatch_audit::assorter::{Assertion, CardRules, CardVotes, Comparison, Hand, Recorded};
use pollwatch_audit::raire::{Budget, Difficulty, Profile, assertions, implies};
use serde_json::Value;

/// Candidates are numbered from 15 to 18 in the files.
const FIRST: usize = 15;

fn read(folder: &Path, name: &str) -> String {
    let mut text = String::new();
    let file = File::open(folder.join(name)).expect("a file of the cases");
    GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text
}

fn number(value: &Value) -> usize {
    value
        .as_str()
        .expect("a text")
        .parse::<usize>()
        .expect("a number")
        - FIRST
}

#[test]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn published_assertions_hold_and_the_errors_are_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/audit/real/sf-2019-da");
    if !folder.is_dir() {
        eprintln!("skipped: no ../shared");
        return;
    }
    let cards: BTreeMap<String, Vec<usize>> =
        read(&folder, "SFDA2019_PrelimReport12VBMJustDASheets.raire.gz")
            .lines()
            .skip(2)
            .map(|line| {
                let mut cells = line.split(',').skip(1);
                let id = cells.next().expect("an id").replace('_', "-");
                (
                    id,
                    // A card on which nobody is marked ends with an empty cell.
                    cells
                        .filter(|cell| !cell.is_empty())
                        .map(|cell| cell.parse::<usize>().expect("a candidate") - FIRST)
                        .collect(),
                )
            })
            .collect();
    assert_eq!(cards.len(), 146_662);
    let profile = Profile::new(4, cards.values().map(|ranks| (1, ranks.clone()))).expect("ballots");
    let published: Value = serde_json::from_str(&read(&folder, "assertions.json.gz")).expect("JSON");
    let audit = &published["audits"][0];
    let winner = number(&audit["winner"]);
    assert_eq!(profile.possible_winners(), [winner]);
    let difficulty = Difficulty::OneOnMargin { ballots: 146_662 };
    let mut theirs = Vec::new();
    let mut hardest: f64 = 0.0;
    for row in audit["assertions"].as_array().expect("a list") {
        let (winner, loser) = (number(&row["winner"]), number(&row["loser"]));
        let gone: Vec<usize> = row["already_eliminated"]
            .as_array()
            .map(|gone| gone.iter().map(number).collect())
            .unwrap_or_default();
        let standing: Vec<usize> = (0..4).filter(|candidate| !gone.contains(candidate)).collect();
        let (for_winner, for_loser, assertion) = if row["assertion_type"] == "IRV_ELIMINATION" {
            let tallies = profile.tallies(standing.iter().fold(0, |set, candidate| set | 1 << candidate));
            let assertion = Assertion::NotEliminatedNext {
                winner,
                loser,
                standing,
            };
            (tallies[winner], tallies[loser], assertion)
        } else {
            let (first, ever) = profile.first_against_ever(winner, loser);
            (first, ever, Assertion::NotEliminatedBefore { winner, loser })
        };
        assert!(for_winner > for_loser, "{assertion:?}");
        hardest = hardest.max(difficulty.of(for_winner, for_loser));
        theirs.push((assertion, (for_winner - for_loser) as f64 / 146_662.0));
    }
    let plain: Vec<Assertion> = theirs.iter().map(|(assertion, _)| assertion.clone()).collect();
    assert_eq!(implies(4, winner, &plain, 100), Ok(()));
    let budget = Budget {
        sets: 100,
        may_go_on: &|| true,
    };
    let ours = assertions(&profile, winner, difficulty, &budget).expect("assertions");
    assert!(ours.is_optimal && ours.difficulty <= hardest);

    let hand: Value =
        serde_json::from_str(&read(&folder, "mvrTest-PR11-errors-5-5-5.json.gz")).expect("JSON");
    let mut found = [0_u32; 3];
    let mut readings = 0;
    for ballot in hand["ballots"].as_array().expect("a list") {
        let Some(recorded) = ballot["id"].as_str().and_then(|id| cards.get(id)) else {
            continue;
        };
        readings += 1;
        let mut ranked: Vec<(u64, usize)> = ballot["votes"]["339"]
            .as_object()
            .map(|votes| {
                votes
                    .iter()
                    .map(|(name, rank)| {
                        (
                            rank.as_u64().unwrap_or(0),
                            name.parse::<usize>().expect("a number") - FIRST,
                        )
                    })
                    .collect()
            })
            .unwrap_or_default();
        ranked.sort_unstable();
        let read = CardVotes::Ranks(ranked.into_iter().map(|(_, candidate)| candidate).collect());
        let worst = theirs
            .iter()
            .map(|(assertion, margin)| {
                let comparison = Comparison {
                    assertion: assertion.clone(),
                    margin: *margin,
                    rules: CardRules::CardStyle,
                };
                comparison.overstatement(
                    &Recorded::Card(CardVotes::Ranks(recorded.clone())),
                    &Hand::Read(read.clone()),
                )
            })
            .fold(f64::NEG_INFINITY, f64::max);
        if read != CardVotes::Ranks(recorded.clone()) {
            found[0] += 1;
        }
        found[1] += u32::from(worst == 0.5);
        found[2] += u32::from(worst == 1.0);
    }
    // Counted apart from this code, by a script that reads the same two files: write-ins that are no candidate of the contest are
    // passed over, 42 readings differ from their record, 10 by one vote and 11 by two of the assertion that they hurt most.
    assert_eq!((readings, found), (188, [42, 10, 11]));
}
