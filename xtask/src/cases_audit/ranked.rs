//! Instant runoff: RAIRE, and the rules of ballots.

use std::io::Read as _;

use anyhow::{Context as _, Result, bail};
use pollwatch_audit::assorter::Assertion;
use pollwatch_audit::irv::{self, Cell, DuplicateRule, Outcome, OvervoteRule, Rules};
use pollwatch_audit::raire::{self, Budget, Difficulty, Found, Profile, RaireError};
use serde_json::{Map, Value, json};

use super::value::{is_near, list, number, object, text, whole};
use super::{Case, Got};

pub fn run(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    Some(match name {
        "raire" => found(case),
        "raire_edge" => edge(case),
        "irv_step_asn" => step(case),
        "irv_tabulate" => tabulate(case),
        "supersimple_raire.normalize_cvr" => normalize(case),
        _ => return None,
    })
}

/// Sets of candidates that a search may visit: enough for 18 candidates in the worst case.
const SETS: usize = 1 << 18;

/// A contest's file, or the case's own input.
fn contest(case: &Case<'_>) -> Result<Value> {
    let Some(file) = case.row.get("input_file") else {
        return Ok(case.input().clone());
    };
    let name = text(file)?.rsplit("irv-real/").next().context("no file")?;
    let path = case.root.join("irv-real").join(name);
    let mut content = String::new();
    flate2::read::GzDecoder::new(
        std::fs::File::open(&path).with_context(|| format!("cannot read {}", path.display()))?,
    )
    .read_to_string(&mut content)?;
    Ok(serde_json::from_str(&content)?)
}

/// The ballots of `{num_candidates, votes: [{n, prefs}]}`.
pub fn profile(contest: &Value) -> Result<Profile> {
    let votes = list(&contest["votes"])?
        .iter()
        .map(|vote| {
            let ranks = list(&vote["prefs"])?
                .iter()
                .map(|candidate| Ok(usize::try_from(whole(candidate)?)?))
                .collect::<Result<Vec<_>>>()?;
            Ok((whole(&vote["n"])?, ranks))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Profile::new(
        usize::try_from(whole(&contest["num_candidates"])?)?,
        votes,
    )?)
}

fn total(case: &Case<'_>, contest: &Value) -> Result<u64> {
    let places = [
        &contest["audit"]["total_auditable_ballots"],
        &contest["total"],
        &case.row["total_auditable_ballots"],
    ];
    whole(
        places
            .into_iter()
            .find(|place| !place.is_null())
            .context("no total")?,
    )
}

fn search(profile: &Profile, winner: usize, difficulty: Difficulty) -> Result<Found, RaireError> {
    let budget = Budget {
        sets: SETS,
        may_go_on: &|| true,
    };
    raire::assertions(profile, winner, difficulty, &budget)
}

fn found(case: &Case<'_>) -> Result<Got> {
    let contest = contest(case)?;
    let profile = profile(&contest)?;
    let ballots = total(case, &contest)?;
    let expect = case.expect();
    let winner = profile.possible_winners();
    let expected_winner = expect
        .get("winner")
        .or_else(|| contest.get("winner"))
        .map(whole)
        .transpose()?;
    let winner = *winner.first().context("no winner")?;
    let mut is_right = expected_winner.is_none_or(|expected| expected == winner as u64);
    let measures = [
        ("difficulty", Difficulty::OneOnMargin { ballots }, 1e-9),
        (
            "bravo5_difficulty",
            Difficulty::Bravo { ballots, limit: 0.05 },
            1e-9,
        ),
        (
            "macro5_gamma1.1_difficulty",
            Difficulty::Macro {
                ballots,
                limit: 0.05,
                gamma: 1.1,
            },
            1e-9,
        ),
    ];
    let mut value = Map::new();
    value.insert("winner".to_owned(), json!(winner));
    for (key, difficulty, tolerance) in measures {
        let Some(expected) = expect.get(key) else {
            continue;
        };
        let found = search(&profile, winner, difficulty)?;
        let expected = number(expected)?;
        // Published examples are printed to so many digits.
        let is_printed = case.row.get("origin").is_some();
        is_right &= is_near(
            found.difficulty,
            expected,
            if is_printed { 2e-4 } else { tolerance },
        ) && found.is_optimal;
        is_right &= margins_hold(&profile, &found)?;
        let plain: Vec<Assertion> = found
            .assertions
            .iter()
            .map(|ranked| ranked.assertion.clone())
            .collect();
        is_right &= raire::implies(profile.candidates(), winner, &plain, 4 * SETS).is_ok();
        value.insert(key.to_owned(), json!(found.difficulty));
        value.insert(format!("assertions ({key})"), json!(found.assertions.len()));
        if key == "difficulty" {
            let least = found.assertions.iter().map(raire::RankedAssertion::margin).min();
            value.insert("smallest_margin_votes".to_owned(), json!(least));
            is_right &= expect
                .get("smallest_margin_votes")
                .is_none_or(|expected| json!(least) == *expected);
        }
    }
    if let Some(order) = expect.get("elimination_order") {
        is_right &= json!(profile.elimination_order()) == *order;
    }
    Ok(Got {
        value: Value::Object(value),
        is_right,
    })
}

/// Counts each assertion's margin again, from tallies alone.
fn margins_hold(profile: &Profile, found: &Found) -> Result<bool> {
    for ranked in &found.assertions {
        let holds = match &ranked.assertion {
            Assertion::NotEliminatedBefore { winner, loser } => {
                let everybody = (0..profile.candidates()).fold(0_u64, |set, candidate| set | 1 << candidate);
                let two = 1 << winner | 1 << loser;
                profile.tallies(everybody)[*winner] == ranked.winner_ballots
                    && profile.tallies(two)[*loser] == ranked.loser_ballots
            }
            Assertion::NotEliminatedNext {
                winner,
                loser,
                standing,
            } => {
                let set = standing.iter().fold(0_u64, |set, candidate| set | 1 << candidate);
                let tallies = profile.tallies(set);
                tallies[*winner] == ranked.winner_ballots && tallies[*loser] == ranked.loser_ballots
            }
            other => bail!("not an assertion of instant runoff: {other:?}"),
        };
        if !holds || ranked.winner_ballots <= ranked.loser_ballots {
            return Ok(false);
        }
    }
    Ok(true)
}

fn edge(case: &Case<'_>) -> Result<Got> {
    let contest = case.input();
    let result = edge_result(case, contest);
    let value = match &result {
        Ok(found) => {
            json!({"winner": found.0, "difficulty": found.1.difficulty, "assertions": found.1.assertions.len()})
        }
        Err(error) => match error.downcast_ref::<RaireError>() {
            Some(RaireError::Candidates(_)) => json!({"error": "InvalidNumberOfCandidates"}),
            Some(RaireError::UnknownCandidate { .. }) => json!({"error": "InvalidCandidateNumber"}),
            Some(RaireError::Tied(winners)) => json!({"error": {"TiedWinners": winners}}),
            Some(RaireError::WrongWinner(winners)) => json!({"error": {"WrongWinner": winners}}),
            Some(other) => json!({"error": other.to_string()}),
            None => bail!("{error:#}"),
        },
    };
    let expect = case.expect();
    let is_right = match &result {
        Err(_) => value == *expect,
        Ok((winner, found)) => {
            let same = |key: &str, got: f64| {
                expect.get(key).is_none_or(|expected| {
                    number(expected).is_ok_and(|expected| is_near(got, expected, 1e-9))
                })
            };
            expect.get("error").is_none()
                && same("winner", *winner as f64)
                && same("difficulty", found.difficulty)
        }
    };
    Ok(Got { value, is_right })
}

fn edge_result(case: &Case<'_>, contest: &Value) -> Result<(usize, Found)> {
    let profile = profile(contest)?;
    let winners = profile.possible_winners();
    let winner = match contest.get("winner") {
        Some(winner) => usize::try_from(whole(winner)?)?,
        None => *winners.first().context("no winner")?,
    };
    let ballots = total(case, contest)?;
    Ok((
        winner,
        search(&profile, winner, Difficulty::OneOnMargin { ballots })?,
    ))
}

fn step(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let profile = profile(input)?;
    let ballots = whole(&input["total"])?;
    let candidate: usize = text(&input["step"])?
        .split_whitespace()
        .nth(1)
        .context("no candidate")?
        .parse()?;
    let everybody = (0..profile.candidates()).fold(0_u64, |set, candidate| set | 1 << candidate);
    // The easiest assertion against this step: by the count with everybody standing, or by first preferences against anybody.
    let easiest = |difficulty: Difficulty| {
        let tallies = profile.tallies(everybody);
        (0..profile.candidates())
            .filter(|other| *other != candidate)
            .flat_map(|other| {
                let (first, ever) = profile.first_against_ever(candidate, other);
                [
                    difficulty.of(tallies[candidate], tallies[other]),
                    difficulty.of(first, ever),
                ]
            })
            .fold(f64::INFINITY, f64::min)
    };
    let bravo = easiest(Difficulty::Bravo { ballots, limit: 0.05 });
    let comparison = easiest(Difficulty::Macro {
        ballots,
        limit: 0.05,
        gamma: 1.1,
    });
    let expect = case.expect();
    let printed = |got: f64, key: &str| number(&expect[key]).map(|expected| is_near(got, expected, 2e-4));
    Ok(Got {
        value: json!({"bravo5": bravo, "macro5_gamma1.1": comparison}),
        is_right: printed(bravo, "bravo5")? && printed(comparison, "macro5_gamma1.1")?,
    })
}

fn tabulate(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let rules = &input["rules"];
    let count = |key: &str| -> Result<Option<usize>> {
        match rules[key].as_str() {
            None | Some("unlimited" | "max") => Ok(None),
            Some(text) => Ok(Some(text.parse()?)),
        }
    };
    let rules = Rules {
        overvote: match text(&rules["overvoteRule"])? {
            "exhaustImmediately" => OvervoteRule::Exhaust,
            "alwaysSkipToNextRank" => OvervoteRule::SkipToNextRank,
            other => bail!("the overvote rule {other} gives no fixed ranking"),
        },
        duplicate: if rules["exhaustOnDuplicateCandidate"] == true {
            DuplicateRule::Exhaust
        } else {
            DuplicateRule::Skip
        },
        most_skipped: count("maxSkippedRanksAllowed")?,
        most_ranks: count("maxRankingsAllowed")?,
    };
    let rows = list(&input["ballots"])?;
    let mut letters: Vec<&str> = rows
        .iter()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
        .filter(|cell| !["", "undervote", "overvote"].contains(cell))
        .collect();
    letters.sort_unstable();
    letters.dedup();
    let ballots = rows
        .iter()
        .map(|row| {
            list(row)?
                .iter()
                .map(|cell| {
                    Ok(match text(cell)? {
                        "" | "undervote" => Cell::Skipped,
                        "overvote" => Cell::Overvote,
                        letter => Cell::Candidate(
                            letters
                                .iter()
                                .position(|name| *name == letter)
                                .context("an unknown candidate")?,
                        ),
                    })
                })
                .collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()?;
    let counted = irv::tabulate(letters.len(), ballots.iter().map(Vec::as_slice), &rules);
    let name = |candidate: usize| format!("Candidate {} Name", letters[candidate]);
    let mut rounds = Vec::new();
    for (number, round) in (1..).zip(&counted.rounds) {
        let tally: Map<String, Value> = round
            .tallies
            .iter()
            .enumerate()
            .filter_map(|(candidate, tally)| Some((name(candidate), json!((*tally)?.to_string()))))
            .collect();
        let result = match &round.outcome {
            Outcome::Elected(candidate) => json!({"elected": name(*candidate), "transfers": {}}),
            Outcome::Eliminated {
                candidate, transfers, ..
            } => {
                let transfers: Map<String, Value> = transfers
                    .iter()
                    .map(|(to, count)| {
                        (
                            to.map_or_else(|| "exhausted".to_owned(), name),
                            json!(count.to_string()),
                        )
                    })
                    .collect();
                json!({"eliminated": name(*candidate), "transfers": transfers})
            }
            Outcome::Nobody => json!({}),
        };
        rounds.push(json!({
            "round": number, "threshold": round.threshold.to_string(), "tally": tally,
            "inactive": {
                "exhaustedChoices": round.inactive.choices.to_string(), "overvotes": round.inactive.overvotes.to_string(),
                "repeatedRankings": round.inactive.duplicates.to_string(), "skippedRankings": round.inactive.skipped.to_string(),
            },
            "results": [result],
        }));
    }
    let summary = json!({
        "finalThreshold": counted.rounds.last().map(|round| round.threshold.to_string()),
        "numCandidates": letters.len(), "numWinners": 1, "totalNumBallots": ballots.len().to_string(),
        "undervotes": counted.undervotes,
    });
    let value = json!({"rounds": rounds, "summary": summary});
    Ok(Got {
        is_right: value == *case.expect(),
        value,
    })
}

/// Arlo's rule: an overvoted rank ends the ballot, empty ranks close up.
fn normalize(case: &Case<'_>) -> Result<Got> {
    let mut value = Map::new();
    for (contest, votes) in object(&case.input()["cvr"])? {
        let names: Vec<&String> = object(votes)?.keys().collect();
        let ranks = object(votes)?
            .values()
            .map(|rank| Ok(u32::try_from(whole(rank)?)?))
            .collect::<Result<Vec<_>>>()?;
        let ranking = Rules::USUAL.read(&irv::cells_of_ranks(&ranks, 1000)).candidates;
        let place = |candidate: usize| ranking.iter().position(|ranked| *ranked == candidate);
        let read: Map<String, Value> = names
            .iter()
            .enumerate()
            .map(|(candidate, name)| {
                (
                    (*name).clone(),
                    json!(place(candidate).map_or(0, |place| place + 1)),
                )
            })
            .collect();
        value.insert(contest.clone(), Value::Object(read));
    }
    Ok(Got {
        is_right: Value::Object(value.clone()) == *case.expect(),
        value: Value::Object(value),
    })
}
