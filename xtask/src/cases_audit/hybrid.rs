//! SUITE, its strata, and its sizes.

use anyhow::{Context as _, Result};
use pollwatch_audit::method::limit::RiskLimit;
use pollwatch_audit::method::suite::{self, ComparedStratum, Known, PairStrata, PolledStratum};
use pollwatch_audit::method::supersimple::{ErrorCounts, pair_error};
use serde_json::{Map, Value, json};

use super::compare::cells;
use super::value::{Contest, is_near, limit, list, number, object, text, whole};
use super::{Case, Got};

pub fn run(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    Some(match name {
        "suite.risk" => fresh(case),
        "suite.sample_size" => fresh_size(case),
        "suite.compute_risk" => recorded(case),
        "suite.get_sample_size" => recorded_size(case),
        "suite.misstatements" => misstatements(case),
        "suite_lambda_range" => lambda_range(case),
        "suite_sample_size" => published_size(case),
        "sprt_without_replacement" => without_replacement(case),
        _ => return None,
    })
}

fn errors(value: &Value) -> Result<ErrorCounts> {
    let of = |key: &str| value.get(key).map_or(Ok(0), whole);
    Ok(ErrorCounts {
        one_over: of("o1")?,
        two_over: of("o2")?,
        one_under: of("u1")?,
        two_under: of("u2")?,
    })
}

fn votes(value: &Value, winner: &str, loser: &str) -> Result<(u64, u64)> {
    let of = |name: &str| value.get(name).map_or(Ok(0), whole);
    Ok((of(winner)?, of(loser)?))
}

/// The strata of one pair; `sample` gives the pair's votes in the polling sample, `misstatements` the pair's errors.
fn strata(
    compared: &Value,
    polled: &Value,
    (reported, sampled, misstatements): (&str, (u64, u64), &Value),
    (winner, loser): (&str, &str),
) -> Result<(ComparedStratum, PolledStratum)> {
    Ok((
        ComparedStratum {
            cards: whole(&compared["num_ballots"])?,
            votes: votes(&compared[reported], winner, loser)?,
            draws: whole(&compared["sample_size"])?,
            errors: errors(misstatements)?,
        },
        PolledStratum {
            cards: whole(&polled["num_ballots"])?,
            votes: votes(&polled[reported], winner, loser)?,
            draws: whole(&polled["sample_size"])?,
            sampled,
        },
    ))
}

fn fresh_strata(case: &Case<'_>) -> Result<(ComparedStratum, PolledStratum)> {
    let input = case.input();
    let (compared, polled) = (&input["cvr_stratum"], &input["no_cvr_stratum"]);
    let pair = ("winner", "loser");
    let sampled = votes(&polled["sample"], pair.0, pair.1)?;
    strata(
        compared,
        polled,
        ("votes", sampled, &compared["misstatements"]),
        pair,
    )
}

/// Whether a risk is as recorded: above the limit the peer gives a lower bound of the largest over lambda.
fn is_recorded(got: f64, expected: f64, limit: &RiskLimit) -> bool {
    if expected > limit.value() {
        got >= expected * (1.0 - 1e-3)
    } else {
        is_near(got, expected, 1e-2) || (expected == 0.0 && got < 1e-12)
    }
}

fn fresh(case: &Case<'_>) -> Result<Got> {
    let (compared, polled) = fresh_strata(case)?;
    let limit = limit(case.input())?;
    let pair = PairStrata {
        compared: Known::Sampled(compared),
        polled: Known::Sampled(polled),
    };
    let (risk, met) = suite::assess(&[pair], &limit)?;
    let expect = case.expect();
    let expected = &expect["risk"]["expect"];
    let mut is_right = is_recorded(risk.value, number(&expected["p_value"])?, &limit)
        && expected["finished"].as_bool() == Some(met);
    let margin = (compared.votes.0 + polled.votes.0) as f64 - (compared.votes.1 + polled.votes.1) as f64;
    let mut grid = Vec::new();
    for row in list(&expect["stratum_p_at_lambda"])? {
        let lambda = number(&row["lambda_cvr"])?;
        let first = compared.ln_p(margin, lambda).exp();
        let second = polled.ln_p(margin, 1.0 - lambda).exp();
        is_right &=
            is_near(first, number(&row["cvr_p"])?, 1e-6) && is_near(second, number(&row["no_cvr_p"])?, 1e-6);
        grid.push(json!([lambda, first, second]));
    }
    Ok(Got {
        value: json!({"p_value": risk.value, "finished": met, "strata": grid}),
        is_right,
    })
}

fn is_near_size(got: (u64, u64), expected: (u64, u64)) -> bool {
    got.0.abs_diff(expected.0) <= 2 && got.1.abs_diff(expected.1) <= 2
}

fn fresh_size(case: &Case<'_>) -> Result<Got> {
    let (compared, polled) = fresh_strata(case)?;
    let size = suite::size(&compared, &polled, &limit(case.input())?)?;
    let expect = case.expect();
    let expected = expect.get("expect").unwrap_or(expect);
    let is_right =
        !expected.is_null() && is_near_size(size, (whole(&expected["cvr"])?, whole(&expected["non_cvr"])?));
    Ok(Got {
        value: json!({"cvr": size.0, "non_cvr": size.1}),
        is_right,
    })
}

/// Every pair's strata, as the peer's tests give them.
fn recorded_pairs(case: &Case<'_>) -> Result<Vec<(ComparedStratum, PolledStratum)>> {
    let input = case.input();
    let contest = Contest::read(&input["contest"])?;
    let (compared, polled) = (&input["cvr_stratum"], &input["bp_stratum"]);
    contest
        .tally
        .pairs()
        .map(|pair| {
            let names = (
                contest.names[pair.winner].as_str(),
                contest.names[pair.loser].as_str(),
            );
            let mut sampled = (0, 0);
            for round in object(&polled["sample"])?.values() {
                let more = votes(round, names.0, names.1)?;
                sampled = (sampled.0 + more.0, sampled.1 + more.1);
            }
            let misstatements = &compared["misstatements"][contest.pair_name(pair)];
            strata(compared, polled, ("vote_totals", sampled, misstatements), names)
        })
        .collect()
}

fn recorded(case: &Case<'_>) -> Result<Got> {
    let limit = limit(case.input())?;
    let pairs: Vec<PairStrata> = recorded_pairs(case)?
        .into_iter()
        .map(|(compared, polled)| PairStrata {
            // As many draws as cards: the peer takes that for a whole count, of which the case gives no result.
            compared: if compared.draws >= compared.cards {
                Known::Counted {
                    reported: compared.votes,
                    counted: compared.votes,
                }
            } else {
                Known::Sampled(compared)
            },
            polled: if polled.draws >= polled.cards {
                Known::Counted {
                    reported: polled.votes,
                    counted: polled.sampled,
                }
            } else {
                Known::Sampled(polled)
            },
        })
        .collect();
    let (risk, met) = suite::assess(&pairs, &limit)?;
    let expect = list(case.expect())?;
    Ok(Got {
        value: json!([risk.value, met]),
        is_right: is_recorded(risk.value, number(&expect[0])?, &limit) && expect[1].as_bool() == Some(met),
    })
}

fn recorded_size(case: &Case<'_>) -> Result<Got> {
    let limit = limit(case.input())?;
    let pairs = recorded_pairs(case)?;
    let is_first = pairs
        .iter()
        .all(|(compared, polled)| compared.draws == 0 && polled.draws == 0);
    let margin = |pair: &(ComparedStratum, PolledStratum)| {
        (pair.0.votes.0 + pair.1.votes.0) as i64 - (pair.0.votes.1 + pair.1.votes.1) as i64
    };
    let chosen: Vec<_> = if is_first {
        pairs.into_iter().min_by_key(margin).into_iter().collect()
    } else {
        pairs
    };
    let mut most = (0, 0);
    for (compared, polled) in &chosen {
        let size = suite::size(compared, polled, &limit)?;
        if size.0 + size.1 > most.0 + most.1 {
            most = size;
        }
    }
    let expect = case.expect();
    Ok(Got {
        value: json!({"cvr": most.0, "non_cvr": most.1}),
        is_right: is_near_size(most, (whole(&expect["cvr"])?, whole(&expect["non_cvr"])?)),
    })
}

fn misstatements(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let contest = Contest::read(&input["contest"])?;
    let name = text(&input["contest"]["name"])?;
    let mut value = Map::new();
    for pair in contest.tally.pairs() {
        let mut counts = [0_u64; 2];
        for (ballot, row) in object(&input["audited_results"])? {
            let recorded = cells(&contest, name, input["reported_results"].get(ballot))?;
            let hand = cells(&contest, name, row.get("cvr"))?;
            match pair_error(pair, &recorded, &hand) {
                1 => counts[0] += 1,
                2 => counts[1] += 1,
                _ => {}
            }
        }
        value.insert(
            contest.pair_name(pair),
            json!({"o1": counts[0], "o2": counts[1], "u1": 0, "u2": 0}),
        );
    }
    Ok(Got {
        is_right: Value::Object(value.clone()) == *case.expect(),
        value: Value::Object(value),
    })
}

fn published_strata(input: &Value) -> Result<(ComparedStratum, PolledStratum)> {
    let of = |key: &str| whole(input.get(key).with_context(|| key.to_owned())?);
    Ok((
        ComparedStratum {
            cards: of("N1")?,
            votes: (of("N_w1")?, of("N_l1")?),
            draws: 0,
            errors: ErrorCounts::default(),
        },
        PolledStratum {
            cards: of("N2")?,
            votes: (of("N_w2")?, of("N_l2")?),
            draws: 0,
            sampled: (0, 0),
        },
    ))
}

fn lambda_range(case: &Case<'_>) -> Result<Got> {
    let (compared, polled) = published_strata(case.input())?;
    let (low, high) = suite::lambda_range((compared.cards, compared.votes), (polled.cards, polled.votes));
    let expect = list(case.expect())?;
    Ok(Got {
        value: json!([low, high]),
        is_right: is_near(low, number(&expect[0])?, 1e-9) && is_near(high, number(&expect[1])?, 1e-9),
    })
}

fn published_size(case: &Case<'_>) -> Result<Got> {
    let (compared, polled) = published_strata(case.input())?;
    let size = suite::size(&compared, &polled, &limit(case.input())?)?;
    let expect = list(case.expect())?;
    Ok(Got {
        value: json!([size.0, size.1]),
        is_right: is_near_size(size, (whole(&expect[0])?, whole(&expect[1])?)),
    })
}

fn without_replacement(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let of = |key: &str| whole(&input[key]);
    let polled = PolledStratum {
        cards: of("N")?,
        votes: (of("Vw")?, of("Vl")?),
        draws: of("w")? + of("l")? + of("u")?,
        sampled: (of("w")?, of("l")?),
    };
    let p = polled.ln_p_of_margin(0.0).exp();
    let expect = case.expect();
    Ok(Got {
        value: json!({"p_value": p, "LR": 1.0 / p}),
        is_right: is_near(p, number(&expect["p_value"])?, 1e-6)
            && is_near(1.0 / p, number(&expect["LR"])?, 1e-6),
    })
}
