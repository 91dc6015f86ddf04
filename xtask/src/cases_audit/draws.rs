//! Random draws.

use anyhow::{Context as _, Result, bail};
use pollwatch_audit::draw::card_style;
use pollwatch_audit::draw::consistent::{self, PRINTED_DIGITS, Replacement, Ticket, TicketSeed};
use pollwatch_audit::draw::counter;
use pollwatch_audit::draw::cryptorandom::Prng;
use pollwatch_audit::draw::repr::{self, Value as Repr};
use serde_json::{Value, json};

use super::value::{list, number, object, text, whole};
use super::{Case, Got};

pub fn run(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    Some(match name {
        "consistent_sampler" => consistent_sampler(case),
        "ticket_chain" => ticket_chain(case),
        "next_fraction" => next_fraction(case),
        "sha256_uniform" => Ok(same(
            case,
            json!(consistent::uniform(case.input().as_str().unwrap_or_default())),
        )),
        "sampler_tuples" => sampler_tuples(case),
        "sampler.draw_sample" => draw_sample(case),
        "rivest2011_with_replacement" => rivest(case, Replacement::With),
        "rivest2011_without_replacement" => rivest(case, Replacement::Without),
        "cryptorandom_sha256" => cryptorandom(case),
        "card_style_consistent_sample" => card_style_sample(case),
        _ => return None,
    })
}

fn same(case: &Case<'_>, value: Value) -> Got {
    Got {
        is_right: value == *case.expect(),
        value,
    }
}

fn replacement(value: &Value) -> Replacement {
    if value == true {
        Replacement::With
    } else {
        Replacement::Without
    }
}

fn consistent_sampler(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let ids = list(&input["ids_python_repr"])?
        .iter()
        .map(text)
        .collect::<Result<Vec<_>>>()?;
    let take = usize::try_from(whole(&input["take"])?)?;
    let digits = usize::try_from(whole(&input["digits"])?)?;
    let drawn = consistent::draw(
        text(&input["seed"])?,
        ids,
        take,
        replacement(&input["with_replacement"]),
    );
    let value = drawn
        .iter()
        .map(|draw| json!({"ticket": draw.ticket.trimmed(digits), "id_index": draw.index, "generation": draw.generation}))
        .collect::<Vec<_>>();
    Ok(same(case, json!(value)))
}

fn ticket_chain(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let first = TicketSeed::new(text(&input["seed"])?).first_ticket(text(&input["object_id"])?);
    let second = first.next();
    let third = second.next();
    Ok(same(
        case,
        json!({
            "first": first.text(), "second": second.text(), "third": third.text(),
            "trim18_first": first.trimmed(PRINTED_DIGITS),
        }),
    ))
}

fn next_fraction(case: &Case<'_>) -> Result<Got> {
    let from = match &case.row["input"] {
        Value::String(text) => text,
        input => text(&input["x"])?,
    };
    let ticket = Ticket::parse(from).context("not a fraction")?;
    Ok(same(case, json!(ticket.next().text())))
}

fn sampler_tuples(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let ids = list(&input["ids"])?
        .iter()
        .map(text)
        .collect::<Result<Vec<_>>>()?;
    let digits = usize::try_from(whole(&input["digits"])?)?;
    let seed = match &input["seed"] {
        Value::String(seed) => seed.clone(),
        seed => seed.to_string(),
    };
    let drawn = consistent::draw(&seed, &ids, ids.len(), Replacement::Without);
    let value = drawn
        .iter()
        .map(|draw| {
            let id = ids[usize::try_from(draw.index).unwrap_or(0)];
            json!([draw.ticket.trimmed(digits), id, draw.generation])
        })
        .collect::<Vec<_>>();
    Ok(same(case, json!(value)))
}

/// What Python prints for a batch's key: a text, or a list that was a tuple.
pub fn key_text(key: &Value) -> Result<String> {
    let mut text = String::new();
    match key {
        Value::String(name) => repr::push(&mut text, Repr::Text(name)),
        Value::Array(parts) => {
            let parts = parts
                .iter()
                .map(|part| match part {
                    Value::String(part) => Ok(Repr::Text(part)),
                    Value::Null => Ok(Repr::Nothing),
                    Value::Number(number) => Ok(Repr::Number(
                        number.as_u64().context("a negative number in a key")?,
                    )),
                    other => bail!("not a key: {other}"),
                })
                .collect::<Result<Vec<_>>>()?;
            repr::push(&mut text, Repr::Tuple(&parts));
        }
        other => bail!("not a key: {other}"),
    }
    Ok(text)
}

fn draw_sample(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let names = case.keys.at("input").at("manifest").names();
    let mut batches = Vec::new();
    for name in &names {
        let key = if name.contains('|') {
            json!(name.split('|').collect::<Vec<_>>())
        } else {
            json!(name)
        };
        let cards = list(&input["manifest"][name])?;
        if cards
            .iter()
            .zip(1..)
            .any(|(card, position)| card.as_u64() != Some(position))
        {
            bail!("cards of {name} are not counted from 1");
        }
        batches.push((key_text(&key)?, cards.len() as u64));
    }
    let before = usize::try_from(whole(&input["num_sampled"])?)?;
    let take = before + usize::try_from(whole(&input["sample_size"])?)?;
    let drawn = consistent::draw_from_batches(
        text(&input["seed"])?,
        &batches,
        take,
        replacement(&input["with_replacement"]),
    );
    let value = drawn
        .iter()
        .skip(before)
        .map(|draw| {
            let (batch, position) = consistent::position(&batches, draw.index).context("no such card")?;
            Ok(json!([
                draw.ticket.trimmed(PRINTED_DIGITS),
                [names[batch], position],
                draw.generation
            ]))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(same(case, json!(value)))
}

fn rivest(case: &Case<'_>, replacement: Replacement) -> Result<Got> {
    let input = case.input();
    let (low, high) = (whole(&input["a"])?, whole(&input["b"])?);
    let drawn: Vec<u64> = counter::draw(
        text(&input["seed"])?,
        high + 1 - low,
        usize::try_from(whole(&input["n"])?)?,
        replacement,
    )
    .into_iter()
    .map(|number| number + low - 1)
    .collect();
    if let Some(expected) = case.row.get("expect_distinct_sorted") {
        let mut distinct = drawn;
        distinct.sort_unstable();
        distinct.dedup();
        return Ok(Got {
            is_right: json!(distinct) == *expected,
            value: json!(distinct),
        });
    }
    Ok(same(case, json!(drawn)))
}

fn cryptorandom(case: &Case<'_>) -> Result<Got> {
    let seed = text(&case.input()["seed"])?;
    let expect = case.expect();
    let mut hashes = Prng::new(seed);
    let hashes: Vec<String> = (0..3).map(|_| hex(&hashes.next_hash())).collect();
    let mut floats = Prng::new(seed);
    let floats: Vec<f64> = (0..3).map(|_| floats.random()).collect();
    let mut whole_numbers = Prng::new(seed);
    let integers: Vec<u64> = (0..5).map(|_| whole_numbers.integer(1, 1_000_001)).collect();
    let is_right = json!(hashes) == expect["nextRandom_hex_first_3"]
        && json!(integers) == expect["randint_1_to_1000000_first_5"]
        && list(&expect["random_first_3"])?
            .iter()
            .zip(&floats)
            .all(|(expected, got)| number(expected).is_ok_and(|expected| (expected - got).abs() <= 1e-15));
    Ok(Got {
        value: json!({"random_first_3": floats, "randint_1_to_1000000_first_5": integers, "nextRandom_hex_first_3": hashes}),
        is_right,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn card_style_sample(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let contests: Vec<&String> = object(&input["sample_sizes"])?.keys().collect();
    let sizes = contests
        .iter()
        .map(|contest| Ok(usize::try_from(whole(&input["sample_sizes"][contest.as_str()])?)?))
        .collect::<Result<Vec<_>>>()?;
    let cards = list(&input["cards"])?;
    let numbers = card_style::card_numbers(text(&input["seed"])?, cards.len());
    let drawn = card_style::draw(&numbers, &sizes, |card, contest| {
        cards[card]
            .as_array()
            .is_some_and(|carried| carried.iter().any(|name| name == contests[contest]))
    });
    let mut thresholds = serde_json::Map::new();
    for (name, contest) in contests.iter().zip(&drawn.contests) {
        thresholds.insert(
            (*name).clone(),
            json!(contest.threshold.as_ref().map(|threshold| hex(threshold))),
        );
    }
    let first: Vec<String> = numbers.iter().take(3).map(|number| hex(number)).collect();
    Ok(same(
        case,
        json!({
            "first_3_sample_nums_hex": first,
            "sampled_card_indices_in_order": drawn.cards,
            "thresholds_hex": thresholds,
        }),
    ))
}
