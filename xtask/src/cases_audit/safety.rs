//! Properties that an audit must keep: named cases without a function.

use anyhow::{Context as _, Result};
use pollwatch_audit::draw::card_style;
use pollwatch_audit::draw::consistent::TicketSeed;
use pollwatch_audit::draw::repr;
use pollwatch_audit::method::limit::RiskLimit;
use pollwatch_audit::method::polling::Round;
use pollwatch_audit::method::sequential::{Population, Test};
use pollwatch_audit::method::suite::{ComparedStratum, Known, PairStrata, PolledStratum, pair_risk};
use pollwatch_audit::method::supersimple::{self, ComparedCard, ErrorCounts, OverstatementRule, Reading};
use pollwatch_audit::method::tally::{FullCount, Tally};
use pollwatch_audit::method::{bravo, minerva, providence};
use serde_json::{Value, json};

use super::value::{is_near, limit, list, number, numbers, object, text, whole};
use super::{Case, Got, ranked, read};

pub fn run(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    if name != "safety" {
        return None;
    }
    Some(match case.row["id"].as_str()? {
        "greatest-relative-overstatement" => relative(case),
        "with-replacement-is-not-a-full-count" => with_replacement(case),
        "vote-for-n-sample-sum" => vote_for_n(case),
        "full-hand-count-decides-the-outcome" => full_count(case),
        "stratum-fully-counted" => counted_stratum(case),
        "escalation-never-repeats-a-card" => escalation(),
        "tickets-do-not-depend-on-library-versions" => tickets(case),
        "out-of-range-candidate" => out_of_range(case),
        "no-double-accumulation" => accumulation(case),
        "sample-with-more-votes-than-ballots" => too_many_votes(case),
        _ => return read::run(case.row["id"].as_str()?, case),
    })
}

/// Votes in the order of the names, and the tally.
fn tally(input: &Value) -> Result<Tally> {
    let votes = object(&input["votes"])?
        .values()
        .map(whole)
        .collect::<Result<Vec<_>>>()?;
    let of = |key: &str| input.get(key).map_or(Ok(1), whole);
    Ok(Tally::new(
        votes,
        whole(&input["ballots"])?,
        u32::try_from(of("num_winners")?)?,
        u32::try_from(of("votes_allowed")?)?,
    )?)
}

fn reading(names: &Value, votes: &Value) -> Result<Reading> {
    let of = |name: &String| Ok(u8::try_from(whole(&votes[name])?)?);
    Ok(Reading::Votes(
        object(names)?.keys().map(of).collect::<Result<_>>()?,
    ))
}

fn relative(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let tally = tally(input)?;
    let limit = limit(input)?;
    let clean = Reading::Votes(vec![0; tally.votes().len()]);
    let mut value = Vec::new();
    let mut is_right = true;
    for row in list(case.expect())? {
        let cards = [
            ComparedCard {
                recorded: clean.clone(),
                hand: clean.clone(),
                draws: u32::try_from(whole(&input["clean_matching_cards"])?)?,
            },
            ComparedCard {
                recorded: reading(&input["votes"], &input["bad_cards"]["cvr"])?,
                hand: reading(&input["votes"], &input["bad_cards"]["hand"])?,
                draws: u32::try_from(whole(&row["bad_cards"])?)?,
            },
        ];
        let got = supersimple::assess(&tally, &cards, OverstatementRule::GreatestRelative, &limit)?;
        is_right &= is_near(got.risk.value, number(&row["risk"])?, 1e-9)
            && row["finished"].as_bool() == Some(got.met);
        value.push(json!([got.risk.value, got.met]));
    }
    Ok(Got {
        value: json!(value),
        is_right,
    })
}

fn with_replacement(case: &Case<'_>) -> Result<Got> {
    let tally = tally(case.input())?;
    let vote = |candidate: usize| {
        let mut votes = vec![0; 2];
        votes[candidate] = 1;
        Reading::Votes(votes)
    };
    let card = ComparedCard {
        recorded: vote(tally.winners()[0]),
        hand: vote(tally.losers()[0]),
        draws: 10,
    };
    let got = supersimple::assess(
        &tally,
        &[card],
        OverstatementRule::GreatestRelative,
        &RiskLimit::new(0.1)?,
    )?;
    Ok(Got {
        value: json!([got.risk.value, got.met]),
        is_right: got.risk.value >= 1.0 && !got.met,
    })
}

fn vote_for_n(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let tally = tally(input)?;
    let votes = object(&input["sample"])?
        .values()
        .map(whole)
        .collect::<Result<Vec<_>>>()?;
    let round = Round {
        ballots: whole(&input["ballots_sampled"])?,
        not_found: 0,
        votes,
    };
    let limit = RiskLimit::new(0.1)?;
    let mut is_right = true;
    let mut value = Vec::new();
    for assess in [bravo::assess, minerva::assess, providence::assess] {
        let got = assess(&tally, std::slice::from_ref(&round), &limit)?;
        is_right &= !got.met && got.pairs.iter().all(|(_, risk)| risk.value >= 1.0 - 1e-12);
        value.push(json!([got.risk.value, got.met]));
    }
    Ok(Got {
        value: json!(value),
        is_right,
    })
}

fn full_count(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let tally = tally(input)?;
    let counted = object(&input["hand_count"])?
        .values()
        .map(whole)
        .collect::<Result<Vec<_>>>()?;
    let outcome = tally.judge_full_count(&counted)?;
    let is_right = matches!(&outcome, FullCount::Wrong { winners } if winners == tally.losers());
    Ok(Got {
        value: json!(format!("{outcome:?}")),
        is_right,
    })
}

fn counted_stratum(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let of = |stratum: &Value| -> Result<(u64, (u64, u64))> {
        Ok((
            whole(&stratum["num_ballots"])?,
            (whole(&stratum["votes"]["w"])?, whole(&stratum["votes"]["l"])?),
        ))
    };
    let (cards, votes) = of(&input["cvr_stratum"])?;
    let (_, counted) = of(&input["no_cvr_stratum"])?;
    let strata = PairStrata {
        compared: Known::Sampled(ComparedStratum {
            cards,
            votes,
            draws: whole(&input["cvr_stratum"]["sample_size"])?,
            errors: ErrorCounts::default(),
        }),
        polled: Known::<PolledStratum>::Counted {
            reported: counted,
            counted,
        },
    };
    let risk = pair_risk(&strata)?;
    let expected = text(&case.row["must"])?
        .rsplit(' ')
        .next()
        .and_then(|word| word.parse::<f64>().ok())
        .context("no figure")?;
    Ok(Got {
        value: json!(risk.value),
        is_right: is_near(risk.value, expected, 1e-9),
    })
}

fn escalation() -> Result<Got> {
    let numbers: Vec<[u8; 32]> = (0..12_u8)
        .map(|card| {
            let mut number = [0; 32];
            number[31] = card;
            number
        })
        .collect();
    let carries = |card: usize, contest: usize| card.is_multiple_of(3) == (contest == 0);
    let first = card_style::draw(&numbers, &[2, 0], carries);
    let second = card_style::draw(&numbers, &[3, 0], carries);
    Ok(Got {
        value: json!([first.contests[0].cards, second.contests[0].cards]),
        is_right: first.contests[0].cards == [0, 3] && second.contests[0].cards == [0, 3, 6],
    })
}

fn tickets(case: &Case<'_>) -> Result<Got> {
    let must = text(&case.row["must"])?;
    let start = must.find('(').context("no text")?;
    let expected = &must[start..];
    let inner = expected.trim_start_matches("('").trim_end_matches("')");
    let parts: Vec<&str> = inner.split("', '").collect();
    let text = repr::tuple_of_texts(&parts);
    let ticket = TicketSeed::new("1").first_ticket(&text);
    Ok(Got {
        is_right: text == expected && ticket == TicketSeed::new("1").first_ticket(expected),
        value: json!(text),
    })
}

fn out_of_range(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let contest =
        json!({"num_candidates": input["num_candidates"], "votes": [{"n": 1, "prefs": input["prefs"]}]});
    let refused = ranked::profile(&contest);
    Ok(Got {
        value: json!(refused.as_ref().err().map(ToString::to_string)),
        is_right: refused.is_err(),
    })
}

fn accumulation(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let population = Population {
        size: None,
        null_mean: number(&input["t"])?,
        upper_bound: number(&input["u"])?,
    };
    let test = Test::AlphaFixed {
        mean: number(&input["eta"])?,
    };
    let got = *test
        .history(&population, &numbers(&input["x"])?)?
        .last()
        .context("no values")?;
    let must = text(&case.row["must"])?;
    let expected = must
        .split(' ')
        .find_map(|word| word.parse::<f64>().ok().filter(|number| number.fract() != 0.0))
        .context("no figure")?;
    Ok(Got {
        value: json!(got),
        is_right: is_near(got, expected, 1e-12),
    })
}

fn too_many_votes(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let votes = object(&input["votes"])?
        .values()
        .map(whole)
        .collect::<Result<Vec<_>>>()?;
    let tally = Tally::new(
        vec![600, 400],
        1000,
        1,
        u32::try_from(whole(&input["votes_allowed"])?)?,
    )?;
    let round = Round {
        ballots: whole(&input["ballots_sampled"])?,
        not_found: 0,
        votes,
    };
    let limit = RiskLimit::new(0.1)?;
    let rounds = [round];
    let refused = [
        bravo::assess(&tally, &rounds, &limit).is_err(),
        minerva::assess(&tally, &rounds, &limit).is_err(),
        providence::assess(&tally, &rounds, &limit).is_err(),
    ];
    Ok(Got {
        value: json!({"refused": refused}),
        is_right: refused == [true; 3],
    })
}
