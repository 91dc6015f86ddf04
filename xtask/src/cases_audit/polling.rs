//! BRAVO, Minerva, Providence.

use anyhow::{Context as _, Result, bail};
use pollwatch_audit::method::limit::RiskLimit;
use pollwatch_audit::method::minerva::StoppingRule;
use pollwatch_audit::method::polling::Sizes;
use pollwatch_audit::method::tally::{Assessment, FullCount, Tally};
use pollwatch_audit::method::{MethodError, bravo, minerva, providence};
use serde_json::{Map, Value, json};

use super::value::{Contest, is_near, limit, list, number, object, rounds, whole};
use super::{Case, Got};

const CHANCES: [f64; 3] = [0.7, 0.8, 0.9];

pub fn run(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    Some(match name {
        "bravo.risk" | "bravo.compute_risk" => risk(case, bravo::assess, 1e-9),
        "minerva.risk" | "minerva.compute_risk" => risk(case, minerva::assess, 1e-6),
        "providence.risk" | "providence.compute_risk" => risk(case, providence::assess, 1e-6),
        "bravo.sample_size" | "bravo.get_sample_size" => bravo_sizes(case),
        "bravo.get_expected_sample_size" => bravo_expected(case),
        "bravo.bravo_sample_sizes" => one_round_size(case),
        "bravo.expected_prob" => expected_chance(case),
        "bravo_asn_two_way" => two_way(case),
        "minerva.first_round_sizes" | "minerva.get_sample_size" => round_sizes(case, minerva::round_size),
        "providence.sizes" | "providence.get_sample_size" => round_sizes(case, providence::round_size),
        "minerva_kmins" => stopping_counts(case, StoppingRule::Tails),
        "athena_kmins" => number(&case.input()["delta"])
            .and_then(|delta| stopping_counts(case, StoppingRule::TailsAndCount(delta))),
        "arlo_kmins" => stopping_counts(case, StoppingRule::Count),
        "minerva_next_round" => next_round(case),
        "minerva_risk" => uncapped(case),
        _ => return None,
    })
}

type Assess =
    fn(&Tally, &[pollwatch_audit::method::polling::Round], &RiskLimit) -> Result<Assessment, MethodError>;

fn risk(case: &Case<'_>, assess: Assess, tolerance: f64) -> Result<Got> {
    let contest = Contest::read(&case.input()["contest"])?;
    let limit = limit(case.input())?;
    let rounds = rounds(&contest, case.input())?;
    let expect = case.expect();
    let (expected, finished) = match expect {
        Value::Array(pair) => (&pair[0], &pair[1]),
        _ => (&expect["p_values"], &expect["finished"]),
    };
    let drawn: u64 = rounds.iter().map(|round| round.ballots).sum();
    if case
        .row
        .get("note")
        .and_then(Value::as_str)
        .is_some_and(|note| note.contains("full count"))
    {
        // A declared full count: the count itself decides, and a tie confirms nobody.
        let mut sums = vec![0; contest.names.len()];
        for round in &rounds {
            for (sum, votes) in sums.iter_mut().zip(&round.votes) {
                *sum += votes;
            }
        }
        let outcome = contest.tally.judge_full_count(&sums)?;
        let is_right = drawn >= contest.tally.ballots() && matches!(outcome, FullCount::Tied { .. });
        return Ok(Got {
            value: json!({"full_count": format!("{outcome:?}")}),
            is_right,
        });
    }
    let assessment = assess(&contest.tally, &rounds, &limit)?;
    let mut got = Map::new();
    for (pair, risk) in &assessment.pairs {
        got.insert(contest.pair_name(*pair), json!(risk.value));
    }
    let mut is_right = finished.as_bool() == Some(assessment.met);
    for (name, value) in object(expected)? {
        let value = number(value)?;
        // Nobody lost, or the key stands for the largest over the pairs.
        let risk = got
            .get(name)
            .and_then(Value::as_f64)
            .unwrap_or(assessment.risk.value);
        is_right &= is_near(risk, value, tolerance) || (value == 0.0 && risk < 1e-15);
    }
    Ok(Got {
        value: json!({"p_values": got, "risk": assessment.risk.value, "finished": assessment.met}),
        is_right,
    })
}

fn bravo_sizes(case: &Case<'_>) -> Result<Got> {
    let contest = Contest::read(&case.input()["contest"])?;
    let limit = limit(case.input())?;
    let rounds = rounds(&contest, case.input())?;
    let all = json!({"all-ballots": {"size": contest.tally.ballots(), "prob": null}});
    let is_single = contest.tally.winners().len() == 1;
    let value = match bravo::sizes(&contest.tally, &rounds, &limit, &CHANCES)? {
        Sizes::AllBallots => all,
        // The peers propose one ballot, and then the next: the size that suffices is `draws`.
        Sizes::Landslide { draws } => json!({"asn": {"size": 1, "prob": 1}, "suffices": draws}),
        Sizes::Draws {
            full_count_is_less_work: true,
            ..
        } if is_single => all,
        Sizes::Draws {
            expected,
            expected_chance,
            by_chance,
            ..
        } => {
            let mut sizes = Map::new();
            sizes.insert(
                "asn".to_owned(),
                json!({"size": expected, "prob": expected_chance}),
            );
            for (chance, size) in by_chance {
                sizes.insert(chance.to_string(), json!({"size": size, "prob": chance}));
            }
            Value::Object(sizes)
        }
    };
    let is_right = object(case.expect())?.iter().all(|(key, expected)| {
        let got = &value[key];
        let same = |key: &str| {
            let (left, right) = (got[key].as_f64(), expected[key].as_f64());
            left == right
        };
        same("size") && same("prob")
    });
    Ok(Got { value, is_right })
}

fn bravo_expected(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let contest = Contest::read(&input["contest"])?;
    let limit = limit(input)?;
    let sampled = contest.votes(&input["cumulative_sample_results"])?;
    let size = bravo::expected_size(&contest.tally, &sampled, &limit)?;
    Ok(Got {
        value: json!(size),
        is_right: json!(size) == case.expect()["size"],
    })
}

fn one_round_size(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let size = bravo::one_round_size(
        number(&input["alpha"])?,
        (number(&input["p_w"])?, number(&input["p_r"])?),
        (whole(&input["sample_w"])?, whole(&input["sample_r"])?),
        number(&input["p_completion"])?,
        whole(&input["total_ballots"])?,
    );
    Ok(Got {
        value: json!(size),
        is_right: json!(size) == *case.expect(),
    })
}

fn expected_chance(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let chance = bravo::one_round_chance(
        number(&input["alpha"])?,
        (number(&input["p_w"])?, number(&input["p_r"])?),
        (whole(&input["sample_w"])?, whole(&input["sample_r"])?),
        whole(&input["asn"])?,
    );
    Ok(Got {
        value: json!(chance),
        is_right: is_near(chance, number(case.expect())?, 1e-12),
    })
}

fn two_way(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let (ballots, winner) = (whole(&input["ballots"])?, whole(&input["winner_votes"])?);
    let tally = Tally::new(vec![winner, ballots - winner], ballots, 1, 1)?;
    let size = bravo::expected_size(&tally, &[0, 0], &limit(input)?)?;
    Ok(Got {
        value: json!(size),
        is_right: json!(size) == *case.expect(),
    })
}

type RoundSize =
    fn(&Tally, &[pollwatch_audit::method::polling::Round], &RiskLimit, f64) -> Result<u64, MethodError>;

fn round_sizes(case: &Case<'_>, size: RoundSize) -> Result<Got> {
    let contest = Contest::read(&case.input()["contest"])?;
    let limit = limit(case.input())?;
    let rounds = rounds(&contest, case.input())?;
    let mut value = Map::new();
    let mut is_right = true;
    for (key, expected) in object(case.expect())? {
        let Ok(chance) = key.parse::<f64>() else {
            // "all-ballots": a tie.
            is_right &= contest.tally.is_tied();
            continue;
        };
        let got = size(&contest.tally, &rounds, &limit, chance)?;
        value.insert(key.clone(), json!(got));
        let (winner, loser) = closest(&contest.tally).context("nobody lost")?;
        // Below 1.5 % between the closest two the peer takes a normal approximation.
        let is_close = ((winner - loser) as f64) < 0.015 * (winner + loser) as f64;
        let expected = whole(&expected["size"])?;
        is_right &= got == expected || (is_close && is_near(got as f64, expected as f64, 0.05));
    }
    Ok(Got {
        value: Value::Object(value),
        is_right,
    })
}

fn closest(tally: &Tally) -> Option<(u64, u64)> {
    Some((
        tally.votes()[*tally.winners().last()?],
        tally.votes()[*tally.losers().first()?],
    ))
}

fn stopping_counts(case: &Case<'_>, rule: StoppingRule) -> Result<Got> {
    let input = case.input();
    let share = number(&input["winner_votes"])? / number(&input["ballots"])?;
    let schedule = list(&input["round_schedule_cumulative"])?
        .iter()
        .map(whole)
        .collect::<Result<Vec<_>>>()?;
    let got = minerva::stopping_counts(share, number(&input["alpha"])?, &schedule, rule);
    let counts: Vec<Option<u64>> = got.iter().map(|(count, _)| *count).collect();
    let risks: Vec<f64> = got.iter().map(|(_, risk)| *risk).collect();
    let expected = list(&case.expect()["risk_expended"])?;
    let is_right = json!(counts) == case.expect()["kmins"]
        && risks.len() == expected.len()
        && risks.iter().zip(expected).all(|(got, expected)| {
            expected
                .as_f64()
                .is_some_and(|expected| (got - expected).abs() <= 1e-3)
        });
    Ok(Got {
        value: json!({"kmins": counts, "risk_expended": risks}),
        is_right,
    })
}

/// Share of the winner, and (winner's, loser's) ballots of each round, from cumulative ones.
fn pair_rounds(input: &Value) -> Result<(f64, Vec<(u64, u64)>)> {
    let [winner, loser] = list(&input["tally"])?.as_slice() else {
        bail!("a tally of two is expected");
    };
    let share = number(winner)? / (number(winner)? + number(loser)?);
    let mut before = (0, 0);
    let mut rounds = Vec::new();
    for round in list(&input["rounds"])? {
        let (all, winner) = (whole(&round["cumulative"])?, whole(&round["winner"])?);
        rounds.push((winner - before.1, (all - before.0) - (winner - before.1)));
        before = (all, winner);
    }
    Ok((share, rounds))
}

fn next_round(case: &Case<'_>) -> Result<Got> {
    let (share, rounds) = pair_rounds(case.input())?;
    let chance = number(&case.input()["stopping_probability"])?;
    let size = minerva::pair_size(share, &rounds, number(&case.input()["alpha"])?, chance);
    Ok(Got {
        value: json!(size),
        is_right: json!(size) == *case.expect(),
    })
}

fn uncapped(case: &Case<'_>) -> Result<Got> {
    let (share, rounds) = pair_rounds(case.input())?;
    let ratio = minerva::pair_ratio(share, &rounds, number(&case.input()["alpha"])?);
    Ok(Got {
        value: json!(ratio),
        is_right: is_near(ratio, number(case.expect())?, 1e-6),
    })
}
