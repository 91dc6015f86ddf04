//! Ballot comparison: super-simple.

use anyhow::Result;
use pollwatch_audit::method::supersimple::{
    self, ComparedCard, ErrorCounts, Expectation, OverstatementRule, Reading, discrepancy,
};
use serde_json::{Map, Value, json};

use super::value::{Contest, is_near, limit, list, number, object, text, whole};
use super::{Case, Got};

pub fn run(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    Some(match name {
        "supersimple.sample_size" => size(case, "observed"),
        "supersimple.get_sample_sizes" => size(case, "sample_results"),
        "supersimple.risk" => risk(case),
        "supersimple.compute_risk" => recorded_risk(case),
        "supersimple.compute_discrepancies" => discrepancies(case),
        "kaplan_markov_bound" => bound(case),
        "optimistic" => optimistic(case),
        _ => return None,
    })
}

fn counts(value: &Value, keys: [&str; 4]) -> Result<ErrorCounts> {
    let [one_over, two_over, one_under, two_under] = keys.map(|key| whole(&value[key]));
    Ok(ErrorCounts {
        one_over: one_over?,
        two_over: two_over?,
        one_under: one_under?,
        two_under: two_under?,
    })
}

fn size(case: &Case<'_>, key: &str) -> Result<Got> {
    let input = case.input();
    let contest = Contest::read(&input["contest"])?;
    let expectation = match &input[key] {
        Value::Null => Expectation::Usual,
        observed => Expectation::Observed {
            draws: whole(&observed["sample_size"])?,
            errors: counts(observed, ["1-over", "2-over", "1-under", "2-under"])?,
        },
    };
    let size = supersimple::size(&contest.tally, &limit(input)?, expectation)?;
    Ok(Got {
        value: json!(size),
        is_right: json!(size) == *case.expect(),
    })
}

/// Votes of one contest on a card: cells "0", "1", or "o" and "u" for over- and undervotes, which are no votes.
fn reading(contest: &Contest, votes: &Value) -> Result<Reading> {
    let of = |name: &String| -> Result<u8> {
        match votes.get(name) {
            None => Ok(0),
            Some(Value::String(cell)) if cell == "o" || cell == "u" => Ok(0),
            Some(cell) => Ok(u8::try_from(whole(cell)?)?),
        }
    };
    Ok(Reading::Votes(
        contest.names.iter().map(of).collect::<Result<_>>()?,
    ))
}

fn told(value: &Value, contest: &Contest) -> Result<Reading> {
    match value.as_str() {
        Some("CONTEST_NOT_ON_BALLOT") => reading(contest, &json!({})),
        Some(_) => Ok(Reading::Absent),
        None => reading(contest, value),
    }
}

fn risk(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let contest = Contest::read(&input["contest"])?;
    let limit = limit(input)?;
    let empty = reading(&contest, &json!({}))?;
    let mut cards = vec![ComparedCard {
        recorded: empty.clone(),
        hand: empty,
        draws: u32::try_from(whole(&input["clean_matching_ballots"])?)?,
    }];
    let mut names = Vec::new();
    for row in list(&input["other_ballots"])? {
        names.push(text(&row["ballot"])?.to_owned());
        cards.push(ComparedCard {
            recorded: told(&row["cvr"], &contest)?,
            hand: told(&row["mvr"], &contest)?,
            draws: u32::try_from(whole(&row["times_sampled"])?)?,
        });
    }
    let got = supersimple::assess(
        &contest.tally,
        &cards,
        OverstatementRule::GreatestRelative,
        &limit,
    )?;
    let expect = case.expect();
    let mut is_right = is_near(got.risk.value, number(&expect["p_value"])?, 1e-9)
        && expect["finished"].as_bool() == Some(got.met);
    // Discrepancies were recorded by the peer, with its own rule, and so was its risk.
    let replay = supersimple::assess(&contest.tally, &cards, OverstatementRule::MostVotes, &limit)?;
    is_right &= is_same_discrepancies(
        names.iter().zip(replay.discrepancies.iter().skip(1)),
        &case.row["discrepancies"],
    )?;
    if let Some(peer) = case.row.get("peer_result") {
        is_right &= is_near(replay.risk.value, number(&peer["p_value"])?, 1e-9);
    }
    Ok(Got {
        value: json!({"p_value": got.risk.value, "finished": got.met, "replayed": replay.risk.value}),
        is_right,
    })
}

fn is_same_discrepancies<'a>(
    got: impl Iterator<Item = (&'a String, &'a Option<supersimple::Discrepancy>)>,
    expected: &Value,
) -> Result<bool> {
    let expected = object(expected)?;
    let mut found = 0;
    for (name, discrepancy) in got {
        let Some(discrepancy) = discrepancy else {
            continue;
        };
        found += 1;
        let Some(row) = expected.get(name) else {
            return Ok(false);
        };
        if row["counted_as"].as_i64() != Some(i64::from(discrepancy.votes))
            || !is_near(discrepancy.relative, number(&row["weighted_error"])?, 1e-9)
        {
            return Ok(false);
        }
    }
    Ok(found == expected.len())
}

/// A contest's cells on a card: of nothing when the card is not in the records; none when the contest is not on it.
pub fn cells(contest: &Contest, name: &str, card: Option<&Value>) -> Result<Reading> {
    match card {
        None | Some(Value::Null) => Ok(Reading::Absent),
        Some(card) => reading(contest, card.get(name).unwrap_or(&json!({}))),
    }
}

fn recorded_cards(case: &Case<'_>) -> Result<(Contest, Vec<String>, Vec<ComparedCard>)> {
    let input = case.input();
    let contest = Contest::read(&input["contest"])?;
    let name = text(&input["contest"]["name"])?;
    let mut names = Vec::new();
    let mut cards = Vec::new();
    for (ballot, row) in object(&input["sample_cvr"])? {
        names.push(ballot.clone());
        cards.push(ComparedCard {
            recorded: cells(&contest, name, input["cvrs"].get(ballot))?,
            hand: cells(&contest, name, row.get("cvr"))?,
            draws: u32::try_from(whole(&row["times_sampled"])?)?,
        });
    }
    Ok((contest, names, cards))
}

fn recorded_risk(case: &Case<'_>) -> Result<Got> {
    let (contest, _, cards) = recorded_cards(case)?;
    let limit = limit(case.input())?;
    let got = supersimple::assess(
        &contest.tally,
        &cards,
        OverstatementRule::GreatestRelative,
        &limit,
    )?;
    let expect = list(case.expect())?;
    Ok(Got {
        value: json!([got.risk.value, got.met]),
        is_right: is_near(got.risk.value, number(&expect[0])?, 1e-9) && expect[1].as_bool() == Some(got.met),
    })
}

fn discrepancies(case: &Case<'_>) -> Result<Got> {
    let (contest, names, cards) = recorded_cards(case)?;
    let found = cards
        .iter()
        .map(|card| {
            discrepancy(
                &contest.tally,
                &card.recorded,
                &card.hand,
                OverstatementRule::MostVotes,
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut value = Map::new();
    for (name, found) in names.iter().zip(&found) {
        if let Some(found) = found {
            value.insert(
                name.clone(),
                json!({"counted_as": found.votes, "weighted_error": found.relative}),
            );
        }
    }
    let is_right = is_same_discrepancies(names.iter().zip(&found), case.expect())?;
    Ok(Got {
        value: Value::Object(value),
        is_right,
    })
}

fn bound(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let bound = supersimple::kaplan_markov_bound(
        whole(&input["n"])?,
        number(&input["diluted_margin"])?,
        number(&input["gamma"])?,
        &counts(input, ["o1", "o2", "u1", "u2"])?,
    );
    let rounded = (bound * 1000.0 + 0.5).floor() / 1000.0;
    Ok(Got {
        value: json!(bound),
        is_right: is_near(rounded, number(case.expect())?, 1e-9),
    })
}

fn optimistic(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let size = supersimple::optimistic_size(
        number(&input["risk_limit"])?,
        number(&input["diluted_margin"])?,
        number(&input["gamma"])?,
        &counts(input, ["o1", "o2", "u1", "u2"])?,
    );
    Ok(Got {
        value: json!(size),
        is_right: json!(size) == *case.expect(),
    })
}
