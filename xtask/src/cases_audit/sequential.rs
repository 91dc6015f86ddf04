//! Tests over assorters, the assorters themselves, ONEAudit.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use pollwatch_audit::assorter::{Assertion, CardRules, CardVotes, Comparison, Hand, Recorded};
use pollwatch_audit::method::limit::RiskLimit;
use pollwatch_audit::method::sequential::{Population, Runner, Test};
use serde_json::{Value, json};

use super::value::{is_near, list, number, numbers, object, text, whole};
use super::{Case, Got};

pub fn run(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    Some(match name {
        "alpha_fixed" | "alpha_shrink" | "alpha_shrink_f" | "alpha_optimal" | "bet_fixed" | "bet_agrapa"
        | "bet_agrapa_grow" | "mix_bet" | "kmarkov" | "kwald" | "kkolm" => risk_function(name, case),
        "kaplan_markov" | "kaplan_wald" => published(name, case),
        "alpha_fixed_sample_size" => fixed_size(case),
        "deterministic_sample_size" => deterministic_size(case),
        "assorter" => assorter(case),
        "oneaudit" => oneaudit(case),
        _ => return None,
    })
}

fn test(name: &str, params: &Value) -> Result<Test> {
    let of = |key: &str| number(&params[key]).with_context(|| key.to_owned());
    Ok(match name {
        "alpha_fixed" => Test::AlphaFixed { mean: of("eta")? },
        "alpha_shrink" | "alpha_shrink_f" => Test::AlphaShrink {
            mean: of("eta")?,
            weight: of("d")?,
            distance: Some(of("c")?),
            bound_weight: of("f")?,
            least_deviation: params.get("minsd").map_or(Ok(1e-6), number)?,
        },
        "alpha_optimal" => Test::AlphaComparison {
            two_vote_rate: of("error_rate_2")?,
        },
        "bet_fixed" => Test::BetFixed { bet: of("lam")? },
        "bet_agrapa" | "bet_agrapa_grow" => Test::BetGrowth {
            first: of("lam")?,
            least_share: of("c_grapa_0")?,
            most_share: of("c_grapa_max")?,
            growth: of("c_grapa_grow")?,
        },
        "mix_bet" => {
            // "100 equally spaced values from 0 to 1/t = 2 inclusive"
            let words: Vec<&str> = text(&params["lams"])?.split_whitespace().collect();
            let count: u32 = words.first().context("no count of bets")?.parse()?;
            let most = words
                .iter()
                .position(|word| *word == "=")
                .and_then(|place| words.get(place + 1))
                .context("no largest bet")?;
            let most: f64 = most.parse()?;
            Test::BetMixture {
                bets: (0..count)
                    .map(|index| most * f64::from(index) / f64::from(count - 1))
                    .collect(),
            }
        }
        "kmarkov" => Test::KaplanMarkov { padding: of("g")? },
        "kwald" => Test::KaplanWald { padding: of("g")? },
        "kkolm" => Test::KaplanKolmogorov { padding: of("g")? },
        _ => bail!("there is no test {name}"),
    })
}

fn population(input: &Value) -> Result<Population> {
    Ok(Population {
        size: input
            .get("N")
            .filter(|size| !size.is_null())
            .map(whole)
            .transpose()?,
        null_mean: input.get("t").map_or(Ok(0.5), number)?,
        upper_bound: input.get("u").map_or(Ok(1.0), number)?,
    })
}

fn risk_function(name: &str, case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let test = test(name, &input["params"])?;
    let population = population(input)?;
    let values = numbers(&input["x"])?;
    let risk = test.risk(&population, &values)?;
    let history = test.history(&population, &values)?;
    let expect = case.expect();
    let mut is_right = is_near(risk.value, number(&expect["p"])?, 1e-9);
    let every_fifth: Vec<f64> = history.iter().skip(4).step_by(5).copied().collect();
    let expected = numbers(&expect["p_history_every_5th"])?;
    is_right &= is_same(&every_fifth, &expected, 1e-9)
        || is_same(
            &history.iter().step_by(5).copied().collect::<Vec<_>>(),
            &expected,
            1e-9,
        );
    let mut runner = Runner::new(&test, population)?;
    let mut parameters = Vec::new();
    for value in values.iter().take(5) {
        parameters.push(runner.parameter());
        runner.push(*value)?;
    }
    for key in ["eta_first_5", "lambda_first_5"] {
        if let Some(expected) = expect.get(key) {
            is_right &= is_same(&parameters, &numbers(expected)?, 1e-9);
        }
    }
    Ok(Got {
        value: json!({"p": risk.value, "p_history_every_5th": every_fifth, "parameter_first_5": parameters}),
        is_right,
    })
}

fn is_same(got: &[f64], expected: &[f64], tolerance: f64) -> bool {
    got.len() == expected.len()
        && got
            .iter()
            .zip(expected)
            .all(|(got, expected)| is_near(*got, *expected, tolerance))
}

fn published(name: &str, case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let padding = number(&input["g"])?;
    let test = if name == "kaplan_markov" {
        Test::KaplanMarkov { padding }
    } else {
        Test::KaplanWald { padding }
    };
    let values = numbers(&input["x"])?;
    let population = population(input)?;
    // In a random order every beginning counts; in a given one only the whole.
    let risk = if input.get("random_order") == Some(&Value::Bool(false)) {
        *test.history(&population, &values)?.last().context("no values")?
    } else {
        test.risk(&population, &values)?.value
    };
    Ok(Got {
        value: json!(risk),
        is_right: is_near(risk, number(case.expect())?, 1e-9),
    })
}

fn fixed_size(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let value: f64 = text(&input["x"])?.trim_start_matches("all ").parse()?;
    let test = Test::AlphaFixed {
        mean: number(&input["eta"])?,
    };
    let population = population(input)?;
    let limit = RiskLimit::new(number(&input["risk_limit"])?)?;
    let size = test.size_for(&population, &limit, population.size.unwrap_or(u64::MAX), |_| {
        value
    })?;
    Ok(Got {
        value: json!(size),
        is_right: json!(size) == *case.expect(),
    })
}

fn deterministic_size(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let name = text(&input["method"])?;
    let test = test(name, &input["params"])?;
    let bound = number(&input["upper_bound"])?;
    let no_error = 1.0 / (2.0 - number(&input["assorter_margin"])? / bound);
    let size = whole(&input["N"])?;
    let population = Population::of_assorter(Some(size), 2.0 * no_error);
    let period = |key: &str| -> Result<Option<u64>> {
        let rate = number(&input[key])?;
        Ok((rate > 0.0).then(|| (1.0 / rate) as u64))
    };
    let (one, two) = (
        period("rate_1_vote_overstatements")?,
        period("rate_2_vote_overstatements")?,
    );
    let is_due = |index: u64, period: Option<u64>| period.is_some_and(|period| index.is_multiple_of(period));
    let got = test.size_for(
        &population,
        &RiskLimit::new(number(&input["risk_limit"])?)?,
        size,
        |index| {
            if is_due(index, two) {
                0.0
            } else if is_due(index, one) {
                no_error / 2.0
            } else {
                no_error
            }
        },
    )?;
    let expected = whole(case.expect())?;
    let slack = u64::from(name == "bet_agrapa");
    Ok(Got {
        value: json!(got),
        is_right: got.is_some_and(|got| got.abs_diff(expected) <= slack),
    })
}

/// The assertion of a case, with the candidates' places.
fn assertion(value: &Value, place: &dyn Fn(&Value) -> Result<usize>) -> Result<Assertion> {
    let winner = || place(&value["winner"]);
    let loser = || place(&value["loser"]);
    Ok(match text(&value["type"])? {
        "plurality" => Assertion::Plurality {
            winner: winner()?,
            loser: loser()?,
        },
        "supermajority" => Assertion::AboveShare {
            candidate: winner()?,
            share: number(&value["share_to_win"])?,
        },
        "irv_neb" => Assertion::NotEliminatedBefore {
            winner: winner()?,
            loser: loser()?,
        },
        "irv_nen" => Assertion::NotEliminatedNext {
            winner: winner()?,
            loser: loser()?,
            standing: list(&value["continuing"])?
                .iter()
                .map(place)
                .collect::<Result<_>>()?,
        },
        other => bail!("there is no assertion {other}"),
    })
}

fn card(votes: &Value, is_ranked: bool, place: &dyn Fn(&Value) -> Result<usize>) -> Result<CardVotes> {
    let mut marks = Vec::new();
    for (name, vote) in object(votes)? {
        let rank = match vote {
            Value::Bool(is_marked) => u64::from(*is_marked),
            other => whole(other)?,
        };
        if rank > 0 {
            marks.push((rank, place(&json!(name))?));
        }
    }
    marks.sort_unstable();
    let candidates = marks.into_iter().map(|(_, candidate)| candidate).collect();
    Ok(if is_ranked {
        CardVotes::Ranks(candidates)
    } else {
        CardVotes::Marks(candidates)
    })
}

fn assorter(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let candidates = list(&input["candidates"])?;
    let place = |name: &Value| {
        candidates
            .iter()
            .position(|candidate| candidate == name)
            .with_context(|| format!("no candidate {name}"))
    };
    let is_ranked = text(&input["assertion"]["type"])?.starts_with("irv");
    let comparison = Comparison {
        assertion: assertion(&input["assertion"], &place)?,
        margin: number(&input["assorter_margin"])?,
        rules: if input["use_style"] == true {
            CardRules::CardStyle
        } else {
            CardRules::AllCards
        },
    };
    let mut is_right = is_near(
        comparison.assertion.upper_bound(),
        number(&input["upper_bound"])?,
        1e-12,
    );
    let mut value = Vec::new();
    for row in list(case.expect())? {
        let recorded = match row["cvr"].as_str() {
            Some("CONTEST_NOT_ON_CARD") => Recorded::Card(CardVotes::NotOnCard),
            Some(_) => Recorded::Phantom,
            None => Recorded::Card(card(&row["cvr"], is_ranked, &place)?),
        };
        let hand = match row["mvr"].as_str() {
            Some("CONTEST_NOT_ON_CARD") => Hand::Read(CardVotes::NotOnCard),
            Some(_) => Hand::NotFound,
            None => Hand::Read(card(&row["mvr"], is_ranked, &place)?),
        };
        let got = [
            comparison.recorded_value(&recorded),
            comparison.overstatement(&recorded, &hand),
            comparison.value(&recorded, &hand),
        ];
        for (got, key) in got
            .iter()
            .zip(["assort_cvr", "overstatement", "overstatement_assorter"])
        {
            let expected = number(&row[key])?;
            is_right &= (got - expected).abs() <= 1e-12;
        }
        value.push(json!(got));
    }
    Ok(Got {
        value: json!(value),
        is_right,
    })
}

fn oneaudit(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let cards = list(&input["cards"])?;
    let mut names: Vec<&str> = cards.iter().filter_map(|card| card["vote"].as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let place = |name: &Value| {
        names
            .iter()
            .position(|candidate| Some(*candidate) == name.as_str())
            .with_context(|| format!("no candidate {name}"))
    };
    let assertion = assertion(&input["assertion"], &place)?;
    let votes = cards
        .iter()
        .map(|card| match &card["vote"] {
            Value::Null => Ok(CardVotes::Marks(Vec::new())),
            name => Ok(CardVotes::Marks(vec![place(name)?])),
        })
        .collect::<Result<Vec<_>>>()?;
    let mut pools: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (card, votes) in cards.iter().zip(&votes) {
        if let Some(pool) = card["pool"].as_str() {
            let (sum, count) = pools.entry(pool).or_default();
            *sum += assertion.value(votes);
            *count += 1.0;
        }
    }
    let pools: BTreeMap<&str, f64> = pools
        .into_iter()
        .map(|(pool, (sum, count))| (pool, sum / count))
        .collect();
    let recorded: Vec<Recorded> = cards
        .iter()
        .zip(&votes)
        .map(|(card, votes)| match card["pool"].as_str() {
            Some(pool) => Recorded::Pooled(pools[pool]),
            None => Recorded::Card(votes.clone()),
        })
        .collect();
    let mut comparison = Comparison {
        assertion,
        margin: 0.0,
        rules: CardRules::CardStyle,
    };
    let mean = recorded
        .iter()
        .map(|recorded| comparison.recorded_value(recorded))
        .sum::<f64>()
        / cards.len() as f64;
    comparison.margin = 2.0 * mean - 1.0;
    let mut values = Vec::new();
    for drawn in list(&input["draw_order"])? {
        let card = usize::try_from(whole(drawn)?)?;
        let hand = Hand::Read(votes.get(card).context("no such card")?.clone());
        values.push(comparison.value(&recorded[card], &hand));
    }
    let bet: f64 = text(&input["test"])?
        .split("lambda ")
        .nth(1)
        .and_then(|rest| rest.split(',').next())
        .context("no bet")?
        .parse()?;
    let population = Population::of_assorter(Some(cards.len() as u64), comparison.upper_bound());
    let history = Test::BetFixed { bet }.history(&population, &values)?;
    let risk = Test::BetFixed { bet }.risk(&population, &values)?;
    let expect = case.expect();
    let close = |got: f64, key: &str| Ok::<_, anyhow::Error>((got - number(&expect[key])?).abs() <= 1e-10);
    let mut is_right = close(mean, "assorter_mean")?
        && close(comparison.margin, "margin")?
        && close(comparison.upper_bound(), "test_upper_bound")?
        && close(risk.value, "p")?;
    for (pool, mean) in object(&expect["pool_means"])? {
        is_right &= pools
            .get(pool.as_str())
            .is_some_and(|got| is_near(*got, mean.as_f64().unwrap_or(f64::NAN), 1e-10));
    }
    let first: Vec<f64> = values.iter().take(30).copied().collect();
    is_right &= is_same(&first, &numbers(&expect["B_values_by_draw_first_30"])?, 1e-10);
    let tenth = |start: usize| {
        history
            .iter()
            .skip(start)
            .step_by(10)
            .copied()
            .collect::<Vec<_>>()
    };
    let expected = numbers(&expect["p_history_every_10th"])?;
    is_right &= [0, 9].iter().any(|start| {
        let got = tenth(*start);
        got.len() == expected.len()
            && got
                .iter()
                .zip(&expected)
                .all(|(got, expected)| (got - expected).abs() <= 1e-10)
    });
    Ok(Got {
        value: json!({"assorter_mean": mean, "pool_means": pools, "p": risk.value, "history": tenth(9)}),
        is_right,
    })
}
