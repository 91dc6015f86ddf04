//! Getting at JSON, and comparing numbers.

use anyhow::{Context as _, Result};
use pollwatch_audit::method::limit::RiskLimit;
use pollwatch_audit::method::polling::Round;
use pollwatch_audit::method::tally::Tally;
use serde_json::{Map, Value};

/// A whole number, also when it is written as text.
pub fn whole(value: &Value) -> Result<u64> {
    match value {
        Value::String(text) => text
            .parse()
            .with_context(|| format!("not a whole number: {text}")),
        Value::Number(number) => number
            .as_u64()
            .or_else(|| {
                number
                    .as_f64()
                    .filter(|number| number.fract() == 0.0 && *number >= 0.0)
                    .map(|number| number as u64)
            })
            .with_context(|| format!("not a whole number: {number}")),
        _ => anyhow::bail!("not a whole number: {value}"),
    }
}

/// A number, also "inf".
pub fn number(value: &Value) -> Result<f64> {
    match value {
        Value::String(text) if text == "inf" => Ok(f64::INFINITY),
        Value::String(text) => text.parse().with_context(|| format!("not a number: {text}")),
        _ => value.as_f64().with_context(|| format!("not a number: {value}")),
    }
}

/// A list.
pub fn list(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().with_context(|| format!("not a list: {value}"))
}

/// An object. The order of its keys is that of the file.
pub fn object(value: &Value) -> Result<&Map<String, Value>> {
    value
        .as_object()
        .with_context(|| format!("not an object: {value}"))
}

/// A text.
pub fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("not a text: {value}"))
}

/// A list of numbers.
pub fn numbers(value: &Value) -> Result<Vec<f64>> {
    list(value)?.iter().map(number).collect()
}

/// Whether two numbers differ by at most this part of the larger, or by a negligible amount.
pub fn is_near(got: f64, expected: f64, relative: f64) -> bool {
    if got == expected {
        return true;
    }
    (got - expected).abs() <= relative * got.abs().max(expected.abs())
        || (got.abs() < 1e-200 && expected.abs() < 1e-200)
}

/// A contest: the names of its candidates and its tally.
pub struct Contest {
    /// In the order of the file.
    pub names: Vec<String>,
    /// What was reported.
    pub tally: Tally,
}

impl Contest {
    /// Reads `{candidates: {name: votes}, ballots, num_winners, votes_allowed}`.
    pub fn read(value: &Value) -> Result<Self> {
        let candidates = object(&value["candidates"])?;
        let names = candidates.keys().cloned().collect();
        let votes = candidates.values().map(whole).collect::<Result<Vec<_>>>()?;
        let of = |key: &str| value.get(key).map_or(Ok(1), whole);
        let tally = Tally::new(
            votes,
            whole(&value["ballots"])?,
            u32::try_from(of("num_winners")?)?,
            u32::try_from(of("votes_allowed")?)?,
        )?;
        Ok(Self { names, tally })
    }

    /// Votes in the order of the candidates, 0 where none are given.
    pub fn votes(&self, value: &Value) -> Result<Vec<u64>> {
        self.names
            .iter()
            .map(|name| value.get(name).map_or(Ok(0), whole))
            .collect()
    }

    /// `winner|loser`.
    pub fn pair_name(&self, pair: pollwatch_audit::method::tally::Pair) -> String {
        format!("{}|{}", self.names[pair.winner], self.names[pair.loser])
    }
}

/// The risk limit, in per cent or as a share.
pub fn limit(input: &Value) -> Result<RiskLimit> {
    for key in ["risk_limit_percent", "risk_limit"] {
        if let Some(value) = input.get(key) {
            let number = number(value)?;
            let is_percent = key == "risk_limit_percent" || number >= 1.0;
            return Ok(if is_percent {
                format!("{number}%").parse()?
            } else {
                RiskLimit::new(number)?
            });
        }
    }
    Ok(RiskLimit::new(number(&input["alpha"])?)?)
}

/// Rounds of `{ballots_sampled, votes}`, or of votes alone: then as many ballots as the votes need at least.
pub fn rounds(contest: &Contest, input: &Value) -> Result<Vec<Round>> {
    let round = |votes: &Value, ballots: Option<&Value>| -> Result<Round> {
        let votes = contest.votes(votes)?;
        let sum: u64 = votes.iter().sum();
        let needed = sum.div_ceil(u64::from(contest.tally.votes_allowed()));
        let least = needed.max(votes.iter().copied().max().unwrap_or(0));
        let ballots = ballots.map_or(Ok(least), whole)?;
        Ok(Round {
            ballots,
            not_found: 0,
            votes,
        })
    };
    if let Some(rounds) = input.get("rounds").and_then(Value::as_array) {
        return rounds
            .iter()
            .map(|row| round(&row["votes"], row.get("ballots_sampled")))
            .collect();
    }
    let Some(results) = input.get("sample_results").and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    let size_of = |id: &str| {
        let sizes = input.get("round_sizes").and_then(Value::as_object)?;
        let size = sizes.values().find(|size| size["round_id"] == id)?;
        size.get("round_size")
    };
    results
        .iter()
        .map(|(id, votes)| {
            // Some recorded rounds are smaller than their votes: then the votes decide.
            let made = round(votes, None)?;
            match size_of(id).map(whole).transpose()? {
                Some(size) if size > made.ballots => round(votes, size_of(id)),
                _ => Ok(made),
            }
        })
        .collect()
}
