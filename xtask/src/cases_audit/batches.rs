//! Batch comparison, and the draw of batches.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use anyhow::{Context as _, Result, bail};
use pollwatch_audit::draw::consistent::PRINTED_DIGITS;
use pollwatch_audit::draw::ppeb::{self, BatchDraw};
use pollwatch_audit::method::batch::{self, Batch, BatchContest, CountedBatch, Law, Unseen, unauditable};
use pollwatch_audit::method::limit::Risk;
use pollwatch_audit::method::tally::Tally;
use serde_json::{Value, json};

use super::draws::key_text;
use super::value::{is_near, limit, list, number, object, text, whole};
use super::{Case, Got};

pub fn run(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    Some(match name {
        "macro" => fresh(case),
        "macro.compute_max_error" => max_error(case),
        "macro.compute_risk" => recorded_risk(case),
        "macro.get_sample_sizes" => recorded_size(case),
        "macro_end_to_end" => end_to_end(case),
        "sampler.draw_ppeb_sample" => recorded_draw(case),
        _ => return None,
    })
}

/// A contest with whole numbers: where the case has halves, everything is doubled, which changes no risk.
struct Setting {
    names: Vec<String>,
    tally: Tally,
    law: Law,
    pending: u64,
    factor: f64,
}

impl Setting {
    fn read(contest: &Value, factor: f64) -> Result<Self> {
        let candidates = object(&contest["candidates"])?;
        let votes = candidates
            .values()
            .map(|votes| Ok((number(votes)? * factor) as u64))
            .collect::<Result<Vec<_>>>()?;
        let of = |key: &str, absent: u64| contest.get(key).map_or(Ok(absent), whole);
        Ok(Self {
            names: candidates.keys().cloned().collect(),
            tally: Tally::new(
                votes,
                (number(&contest["ballots"])? * factor) as u64,
                u32::try_from(of("num_winners", 1)?)?,
                u32::try_from(of("votes_allowed", 1)?)?,
            )?,
            law: if contest["is_subject_to_runoff"] == true {
                Law::MajorityOrRunoff
            } else {
                Law::Plurality
            },
            pending: (of("pending_ballots", 0)? as f64 * factor) as u64,
            factor,
        })
    }

    fn batch(&self, votes: &Value) -> Result<Batch> {
        let of = |key: &str| {
            votes.get(key).map_or(Ok(0), |votes| {
                Ok::<_, anyhow::Error>((number(votes)? * self.factor) as u64)
            })
        };
        Ok(Batch {
            votes: self.names.iter().map(|name| of(name)).collect::<Result<_>>()?,
            ballots: of("ballots")?,
        })
    }

    fn contest(&self, batches: &[Batch]) -> Result<BatchContest> {
        let unseen = Unseen {
            pending: self.pending,
            unauditable: unauditable(&self.tally, batches)?,
        };
        Ok(BatchContest::new(&self.tally, self.law, unseen)?)
    }
}

/// 2 when any number in the value is a half.
fn factor(value: &Value) -> f64 {
    let is_half = |value: &Value| value.as_f64().is_some_and(|number| number.fract() != 0.0);
    match value {
        Value::Array(values) if values.iter().any(|value| factor(value) > 1.0) => 2.0,
        Value::Object(values) if values.values().any(|value| factor(value) > 1.0) => 2.0,
        other if is_half(other) => 2.0,
        _ => 1.0,
    }
}

fn fresh(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let setting = Setting::read(&input["contest"], 1.0)?;
    let limit = limit(input)?;
    let mut keys = Vec::new();
    let mut batches = Vec::new();
    for row in list(&input["batches"])? {
        keys.push(&row[0]);
        batches.push(setting.batch(&row[1])?);
    }
    let contest = setting.contest(&batches)?;
    let bounds = contest.bounds(&batches).context("only a full count can decide")?;
    let texts = keys.iter().map(|key| key_text(key)).collect::<Result<Vec<_>>>()?;
    let draws = usize::try_from(whole(&input["draws"])?)?;
    let drawn = ppeb::draw(text(&input["seed"])?, &texts, &bounds, draws);
    let tickets: Vec<Value> = drawn
        .iter()
        .map(|draw| json!([draw.ticket.trimmed(PRINTED_DIGITS), keys[draw.batch]]))
        .collect();
    let mut counted = Vec::new();
    for row in list(&input["audited"])? {
        let index = keys
            .iter()
            .position(|key| **key == row[0])
            .context("an unknown batch")?;
        counted.push(CountedBatch {
            bound_by: batches[index].clone(),
            reported: batches[index].clone(),
            counted: setting.batch(&row[1])?,
            draws: count_draws(&drawn, index)?,
        });
    }
    let assessment = batch::assess(&contest, &batches, &counted, &limit)?;
    let first = batch::size(&contest, &batches, &limit, Risk::ONE, 0)?;
    let next = batch::size(&contest, &batches, &limit, assessment.risk, counted.len());
    let expect = case.expect();
    let total: f64 = bounds.iter().sum();
    let mut is_right = is_near(total, number(&expect["U"]["expect"])?, 1e-9)
        && json!(unauditable(&setting.tally, &batches)?) == expect["unauditable_ballots"]
        && json!(first) == expect["first_round_size"]["expect"]
        && json!(tickets) == expect["tickets"]["expect"];
    for (got, expected) in bounds.iter().zip(list(&expect["max_error_per_batch"])?) {
        is_right &= is_near(*got, number(expected)?, 1e-9);
    }
    let risk = &expect["risk"]["expect"];
    is_right &= is_near(assessment.risk.value, number(&risk["p_value"])?, 1e-9)
        && risk["finished"].as_bool() == Some(assessment.met);
    if let Some(expected) = expect["next_size"].get("expect") {
        is_right &= next.as_ref().is_ok_and(|next| json!(next) == *expected);
    } else if expect["next_size"].get("error").is_some() {
        is_right &= next.is_err() || assessment.met;
    }
    Ok(Got {
        value: json!({"U": total, "first": first, "tickets": tickets, "p_value": assessment.risk.value,
            "finished": assessment.met, "next": next.ok()}),
        is_right,
    })
}

fn count_draws(drawn: &[BatchDraw], index: usize) -> Result<u32> {
    Ok(u32::try_from(
        drawn.iter().filter(|draw| draw.batch == index).count(),
    )?)
}

fn max_error(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let setting = Setting::read(&input["contest"], factor(&input["batch_results"]))?;
    let name = text(&input["contest"]["name"])?;
    let unseen = Unseen {
        pending: setting.pending,
        unauditable: (number(&input["unauditable_ballots"])? * setting.factor) as u64,
    };
    let contest = BatchContest::new(&setting.tally, setting.law, unseen)?;
    let value = match input["batch_results"].get(name) {
        None => Some(0.0),
        Some(votes) => contest.bound(&setting.batch(votes)?),
    };
    let got = value.unwrap_or(f64::INFINITY);
    Ok(Got {
        value: json!(value.map_or_else(|| json!("inf"), |value| json!(value))),
        is_right: is_near(got, number(case.expect())?, 1e-9),
    })
}

/// Reported batches that carry the contest, by name in the order of the file, and how the sample counts each.
struct Recorded {
    setting: Setting,
    batches: Vec<Batch>,
    counted: Vec<CountedBatch>,
}

fn recorded(case: &Case<'_>, tickets: &str) -> Result<Recorded> {
    let input = case.input();
    let setting = Setting::read(&input["contest"], factor(&input["reported_results"]))?;
    let contest = text(&input["contest"]["name"])?;
    let names: Vec<String> = case
        .keys
        .at("input")
        .at("reported_results")
        .names()
        .into_iter()
        .filter(|name| input["reported_results"][name].get(contest).is_some())
        .collect();
    let reported = names
        .iter()
        .map(|name| {
            Ok((
                name.clone(),
                setting.batch(&input["reported_results"][name][contest])?,
            ))
        })
        .collect::<Result<BTreeMap<_, _>>>()?;
    let mut counted = Vec::new();
    for (name, votes) in object(&input["sample_results"])? {
        let own = reported.get(name).context("an unknown batch")?;
        let group = list(&input["combined_batches"])?
            .iter()
            .filter_map(Value::as_array)
            .find(|group| group.iter().any(|member| member.as_str() == Some(name)));
        let mut sum = own.clone();
        if let Some(group) = group {
            sum.votes.fill(0);
            for member in group.iter().filter_map(Value::as_str) {
                let member = reported.get(member).context("an unknown batch")?;
                for (sum, votes) in sum.votes.iter_mut().zip(&member.votes) {
                    *sum += votes;
                }
            }
        }
        let draws = object(&input[tickets])?
            .values()
            .filter(|drawn| drawn.as_str() == Some(name))
            .count();
        counted.push(CountedBatch {
            bound_by: own.clone(),
            reported: sum,
            counted: setting.batch(&votes[contest])?,
            draws: u32::try_from(draws)?,
        });
    }
    let batches = names.iter().map(|name| reported[name].clone()).collect();
    Ok(Recorded {
        setting,
        batches,
        counted,
    })
}

fn recorded_risk(case: &Case<'_>) -> Result<Got> {
    let recorded = recorded(case, "sample_ticket_numbers")?;
    let contest = recorded.setting.contest(&recorded.batches)?;
    let got = batch::assess(
        &contest,
        &recorded.batches,
        &recorded.counted,
        &limit(case.input())?,
    )?;
    let expect = list(case.expect())?;
    Ok(Got {
        value: json!([got.risk.value, got.met]),
        is_right: is_near(got.risk.value, number(&expect[0])?, 1e-9) && expect[1].as_bool() == Some(got.met),
    })
}

fn recorded_size(case: &Case<'_>) -> Result<Got> {
    let recorded = recorded(case, "ticket_numbers")?;
    let contest = recorded.setting.contest(&recorded.batches)?;
    let limit = limit(case.input())?;
    let risk = batch::assess(&contest, &recorded.batches, &recorded.counted, &limit)?.risk;
    let size = batch::size(&contest, &recorded.batches, &limit, risk, recorded.counted.len())?;
    Ok(Got {
        value: json!(size),
        is_right: json!(size) == *case.expect(),
    })
}

fn recorded_draw(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let contest_name = text(&input["contest"]["name"])?;
    let setting = Setting::read(&input["contest"], 1.0)?;
    let names = case.keys.at("input").at("batch_results").names();
    // A batch without the contest can hide no error and is never drawn.
    let batches = names
        .iter()
        .map(|name| setting.batch(&input["batch_results"][name][contest_name]))
        .collect::<Result<Vec<_>>>()?;
    let keys: Vec<Vec<&str>> = names.iter().map(|name| name.split('|').collect()).collect();
    let texts = keys
        .iter()
        .map(|key| key_text(&json!(key)))
        .collect::<Result<Vec<_>>>()?;
    let contest = setting.contest(&batches)?;
    let size = usize::try_from(whole(&input["sample_size"])?)?;
    let earlier = list(&input["previously_sampled_batch_keys"])?;
    let before = earlier.len();
    let seed = text(&input["seed"])?;
    let drawn = if size >= batches.len() {
        let mut all = ppeb::all(seed, &texts);
        all.retain(|draw| !earlier.contains(&json!(keys[draw.batch])));
        all
    } else {
        let bounds = contest.bounds(&batches).context("only a full count can decide")?;
        ppeb::draw(seed, &texts, &bounds, before + size).split_off(before)
    };
    let value: Vec<Value> = drawn
        .iter()
        .map(|draw| json!([draw.ticket.trimmed(PRINTED_DIGITS), keys[draw.batch]]))
        .collect();
    Ok(Got {
        is_right: json!(value) == *case.expect(),
        value: json!(value),
    })
}

fn end_to_end(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let setting = Setting::read(&input["contest"], 1.0)?;
    let name = text(&input["contest"]["name"])?;
    let limit = limit(input)?;
    let path = case.root.join(text(&input["batch_file"])?);
    let mut content = String::new();
    flate2::read::GzDecoder::new(
        std::fs::File::open(&path).with_context(|| format!("cannot read {}", path.display()))?,
    )
    .read_to_string(&mut content)?;
    let mut reader = csv::Reader::from_reader(content.as_bytes());
    let headers = reader.headers()?.clone();
    let columns = setting
        .names
        .iter()
        .map(|candidate| {
            let header = format!("{name} :: {candidate}");
            headers.iter().position(|column| column == header).context(header)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut keys = Vec::new();
    let mut batches = Vec::new();
    for record in reader.records() {
        let record = record?;
        if columns.iter().all(|column| record[*column].is_empty()) {
            continue;
        }
        keys.push((record[0].to_owned(), record[1].to_owned()));
        let votes = columns
            .iter()
            .map(|column| Ok(record[*column].parse()?))
            .collect::<Result<Vec<u64>>>()?;
        batches.push(Batch {
            votes,
            ballots: record[2].parse()?,
        });
    }
    let contest = setting.contest(&batches)?;
    let bounds = contest.bounds(&batches).context("only a full count can decide")?;
    let total: f64 = bounds.iter().sum();
    let size = batch::size(&contest, &batches, &limit, Risk::ONE, 0)?;
    let texts = keys
        .iter()
        .map(|(jurisdiction, batch)| key_text(&json!([jurisdiction, batch])))
        .collect::<Result<Vec<_>>>()?;
    let drawn = ppeb::draw(text(&input["seed"])?, &texts, &bounds, usize::try_from(size)?);
    let draws: Vec<Value> = drawn
        .iter()
        .map(|draw| {
            let (jurisdiction, batch) = &keys[draw.batch];
            json!([draw.ticket.trimmed(PRINTED_DIGITS), jurisdiction, batch])
        })
        .collect();
    let hand: BTreeMap<(&str, &str), &Value> = list(&input["hand_counts"])?
        .iter()
        .filter_map(|row| Some(((row[0][0].as_str()?, row[0][1].as_str()?), &row[1])))
        .collect();
    let mut counted = Vec::new();
    let distinct: BTreeSet<usize> = drawn.iter().map(|draw| draw.batch).collect();
    for index in distinct {
        let (jurisdiction, batch) = &keys[index];
        let combined = list(&input["combined_batches"])?.iter().find(|group| {
            group["report_name"][0].as_str() == Some(jurisdiction)
                && group["sub_batches"]
                    .as_array()
                    .is_some_and(|members| members.iter().any(|member| member.as_str() == Some(batch)))
        });
        let mut reported = batches[index].clone();
        let mut report_name = batch.as_str();
        if let Some(group) = combined {
            report_name = text(&group["report_name"][1])?;
            reported.votes.fill(0);
            for member in list(&group["sub_batches"])? {
                let place = keys
                    .iter()
                    .position(|key| key.0 == *jurisdiction && Some(key.1.as_str()) == member.as_str())
                    .context("an unknown sub-batch")?;
                for (sum, votes) in reported.votes.iter_mut().zip(&batches[place].votes) {
                    *sum += votes;
                }
            }
        }
        let Some(count) = hand.get(&(jurisdiction.as_str(), report_name)) else {
            bail!("no hand count of {jurisdiction} {report_name}");
        };
        counted.push(CountedBatch {
            bound_by: batches[index].clone(),
            reported,
            counted: setting.batch(count)?,
            draws: count_draws(&drawn, index)?,
        });
    }
    let got = batch::assess(&contest, &batches, &counted, &limit)?;
    let expect = case.expect();
    let is_right = is_near(total, number(&expect["U"])?, 1e-9)
        && json!(size) == expect["sample_size"]
        && json!(draws) == expect["draws"]
        && is_near(got.risk.value, number(&expect["p_value"])?, 1e-9)
        && expect["finished"].as_bool() == Some(got.met);
    Ok(Got {
        value: json!({"U": total, "sample_size": size, "p_value": got.risk.value, "finished": got.met, "draws": draws.len()}),
        is_right,
    })
}
