//! The audit desk's mathematics: draws beside the packages that audits use, sample sizes, and assertions of instant-runoff contests.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use pollwatch_audit::draw::consistent::{PRINTED_DIGITS, Replacement, draw_from_batches};
use pollwatch_audit::draw::cryptorandom::Prng;
use pollwatch_audit::draw::pcg::Pcg64;
use pollwatch_audit::draw::repr;
use pollwatch_audit::method::limit::RiskLimit;
use pollwatch_audit::method::sequential::{Population, Test};
use pollwatch_audit::method::size::{Question, play};
use pollwatch_audit::raire::{Budget, Difficulty, Profile, RaireError, assertions};

use crate::measure::{best_of, once};
use crate::peers;
use crate::table::{NOTHING, markdown, memory, seconds};
use crate::tools::{Said, say_peak, say_took};

const COLUMNS: [&str; 5] = ["what", "CPU", "wall", "peak memory", "note"];

/// Ballots of the hard instant-runoff contests.
const BALLOTS: u64 = 20_000;

/// Measures and prints.
pub fn run(scratch: &Path) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut skipped = Vec::new();
    let mut add = |what: &str, said: &Said| -> anyhow::Result<()> {
        let took = said.took("")?;
        rows.push(vec![
            what.to_owned(),
            seconds(took.cpu),
            seconds(took.wall),
            memory(said.number("peak_kib")),
            said.text("note").unwrap_or(NOTHING).to_owned(),
        ]);
        Ok(())
    };
    match peers::audit_draws(scratch) {
        Ok(peer) => {
            for (tool, what) in [
                ("tickets", "consistent_sampler: 10,000 of 1 million with tickets"),
                ("integers", "cryptorandom: 10,000 integers"),
            ] {
                eprintln!("audit: {what}");
                match Said::by(peer.command().arg(tool)) {
                    Ok(said) => add(what, &said)?,
                    Err(error) => skipped.push(format!("skipped: {what}: {error:#}")),
                }
            }
        }
        Err(error) => skipped.push(format!("skipped: consistent_sampler, cryptorandom: {error:#}")),
    }
    for (arguments, what) in [
        (vec!["1000000"], "Pollwatch: 10,000 of 1 million with tickets"),
        (vec!["10000000"], "Pollwatch: 10,000 of 10 million with tickets"),
    ] {
        eprintln!("audit: {what}");
        add(what, &tool("audit-tickets", &arguments)?)?;
    }
    eprintln!("audit: sizes");
    add("Pollwatch: 10,000 integers", &tool("audit-integers", &[])?)?;
    add(
        "Pollwatch: sample size, 100 audits played, 1 million cards",
        &tool("audit-size", &[])?,
    )?;
    for candidates in ["10", "12", "15"] {
        let what = format!("Pollwatch: assertions, {candidates} candidates, 20,000 random ballots");
        eprintln!("audit: {what}");
        add(&what, &tool("audit-raire", &[candidates])?)?;
    }
    println!("{}", markdown("Audit", &COLUMNS, &rows));
    for line in skipped {
        println!("{line}\n");
    }
    Ok(())
}

fn tool(name: &str, arguments: &[&str]) -> anyhow::Result<Said> {
    Said::by(
        Command::new(std::env::current_exe()?)
            .args(["tool", name])
            .args(arguments),
    )
}

/// Runs the tool called `name` in this process.
pub fn run_tool(name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    match (name, arguments) {
        ("audit-tickets", [cards]) => tickets(cards.parse()?),
        ("audit-integers", []) => integers(),
        ("audit-size", []) => sample_size(),
        ("audit-raire", [candidates]) => hard_contest(candidates.parse()?),
        (name, arguments) => bail!("there is no tool {name} with {} arguments", arguments.len()),
    }
}

/// Batches of 100 cards, in 159 places, as in the peer's script.
fn tickets(cards: u64) -> anyhow::Result<()> {
    let batches: Vec<(String, u64)> = (0..cards / 100)
        .map(|batch| {
            let place = format!("J{:03}", batch % 159);
            let name = format!("Batch {batch}");
            (repr::tuple_of_texts(&[&place, &name]), 100)
        })
        .collect();
    let (drawn, took) = once(|| {
        Ok(draw_from_batches(
            "12345678901234567890",
            &batches,
            10_000,
            Replacement::With,
        ))
    })?;
    let (first, last) = drawn.first().zip(drawn.last()).context("nothing was drawn")?;
    say_took("", took);
    say_peak();
    println!(
        "note=tickets {} to {}",
        first.ticket.trimmed(PRINTED_DIGITS),
        last.ticket.trimmed(PRINTED_DIGITS)
    );
    Ok(())
}

fn integers() -> anyhow::Result<()> {
    let (drawn, took) = best_of(5, || {
        let mut random = Prng::new("12345678901234567890");
        Ok((0..10_000)
            .map(|_| random.integer(1, 10_000_001))
            .collect::<Vec<_>>())
    })?;
    say_took("", took);
    say_peak();
    println!("note={} to {}", drawn[0], drawn[9_999]);
    Ok(())
}

fn sample_size() -> anyhow::Result<()> {
    let no_error = 1.0 / (2.0 - 0.02);
    let cards = 1_000_000;
    let question = Question {
        test: Test::AlphaComparison { two_vote_rate: 1e-4 },
        population: Population::of_assorter(Some(cards), 2.0 * no_error),
        values: vec![(no_error, cards - 1_000), (no_error / 2.0, 1_000)],
        repetitions: 100,
        seed: 1,
    };
    let limit = RiskLimit::new(0.05)?;
    let (answer, took) = best_of(5, || Ok(play(&question, &limit)?))?;
    say_took("", took);
    say_peak();
    println!("note=80 % of the audits end by card {}", answer.quantile(0.8));
    Ok(())
}

/// Ballots of uniformly random order and length.
fn hard_contest(candidates: usize) -> anyhow::Result<()> {
    let mut random = Pcg64::from_number(2010);
    let ballots: Vec<(u64, Vec<usize>)> = (0..BALLOTS)
        .map(|_| {
            let mut order: Vec<usize> = (0..candidates).collect();
            for place in (1..candidates).rev() {
                order.swap(place, random.below(place as u64 + 1) as usize);
            }
            order.truncate(1 + random.below(candidates as u64) as usize);
            (1, order)
        })
        .collect();
    let (found, took) = once(|| {
        let profile = Profile::new(candidates, ballots)?;
        let winner = *profile.possible_winners().first().context("nobody stands")?;
        let difficulty = Difficulty::OneOnMargin { ballots: BALLOTS };
        let budget = Budget {
            sets: 1 << 20,
            may_go_on: &|| true,
        };
        match assertions(&profile, winner, difficulty, &budget) {
            Ok(found) => Ok(Some(found)),
            Err(RaireError::FullCount | RaireError::Tied(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })?;
    say_took("", took);
    say_peak();
    match found {
        Some(found) => println!(
            "note={} assertions, difficulty {:.3}, {}",
            found.assertions.len(),
            found.difficulty,
            if found.is_optimal {
                "the least possible"
            } else {
                "not proved least"
            }
        ),
        None => println!("note=a tie on the way: no set of assertions exists, a full hand count is needed"),
    }
    Ok(())
}
