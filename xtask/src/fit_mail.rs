//! Calibrates the mail desk: scores of the open corpus to probabilities.
//!
//! Platt scaling (Platt 1999): one logistic curve of the score, which never falls, fitted by Newton's method on credential
//! phishing and ham of the folder. Its base rate is then set to [`BASE_RATE`], for a corpus that is a sixth phishing says
//! nothing about a mailbox. The curve is fitted on mail before the middle date of each label and its bins are printed on the
//! mail after it.

use std::path::Path;

use anyhow::{Context, Result};
use pollwatch_mail::examine::Examiner;

use crate::cases_mail::{self, Labelled};

/// Share of phishing among the messages that somebody asks about or that come overnight: an assumption, stated in the docs.
const BASE_RATE: f64 = 0.05;

/// Fits and prints; writes `desks/mail/data/calibration.csv` when `write`.
pub fn run(dir: &Path, write: bool) -> Result<()> {
    let examiner = Examiner::new(cases_mail::register(dir)?, None);
    let corpus = cases_mail::corpus(dir)?;
    let mut points: Vec<(String, f64, bool)> = Vec::new();
    for mail in &corpus {
        let is_phish = mail.label == "phish" && mail.sub == "credential";
        if !is_phish && mail.label != "ham" {
            continue;
        }
        let score = score_of(&examiner, mail);
        points.push((mail.date.clone(), score, is_phish));
    }
    let middle = |wanted: bool| {
        let mut dates: Vec<&str> = points
            .iter()
            .filter(|point| point.2 == wanted)
            .map(|point| point.0.as_str())
            .collect();
        dates.sort_unstable();
        dates
            .get(dates.len() / 2)
            .map(|date| (*date).to_owned())
            .unwrap_or_default()
    };
    let (phish_middle, ham_middle) = (middle(true), middle(false));
    let is_early = |point: &(String, f64, bool)| {
        point.0
            < if point.2 {
                phish_middle.clone()
            } else {
                ham_middle.clone()
            }
    };
    let early: Vec<(f64, bool)> = points
        .iter()
        .filter(|point| is_early(point))
        .map(|point| (point.1, point.2))
        .collect();
    let late: Vec<(f64, bool)> = points
        .iter()
        .filter(|point| !is_early(point))
        .map(|point| (point.1, point.2))
        .collect();
    let (slope, offset) = platt(&early);
    let probability = |score: f64| 1.0 / (1.0 + (-(slope * score + offset)).exp());
    println!("fitted on the earlier half: log-odds = {slope:.3} x score + {offset:.3}");
    println!("reliability on the later half, base rate of the corpus:");
    println!(
        "{:>12} {:>8} {:>10} {:>10}",
        "probability", "messages", "predicted", "phishing"
    );
    for bin in 0..10 {
        let inside: Vec<&(f64, bool)> = late
            .iter()
            .filter(|point| ((probability(point.0) * 10.0) as usize).min(9) == bin)
            .collect();
        if !inside.is_empty() {
            let count = inside.len() as f64;
            let predicted: f64 = inside.iter().map(|point| probability(point.0)).sum::<f64>() / count;
            let phishing = inside.iter().filter(|point| point.1).count() as f64 / count;
            println!(
                "{:>5.1} to {:.1} {:>8} {predicted:>10.3} {phishing:>10.3}",
                bin as f64 / 10.0,
                (bin + 1) as f64 / 10.0,
                inside.len()
            );
        }
    }
    let calibrated: Vec<(f64, bool)> = late.iter().map(|point| (probability(point.0), point.1)).collect();
    println!(
        "calibration error on the later half: {:.3}",
        cases_mail::ece(&calibrated)
    );
    let share = points.iter().filter(|point| point.2).count() as f64 / points.len().max(1) as f64;
    let shift = (BASE_RATE / (1.0 - BASE_RATE)).ln() - (share / (1.0 - share)).ln();
    let mut table = String::from("score,probability\n");
    for step in -10..=10 {
        let score = f64::from(step) * 0.5;
        let value = 1.0 / (1.0 + (-(slope * score + offset + shift)).exp());
        table.push_str(&format!("{score:.1},{value:.4}\n"));
    }
    println!("base rate {share:.3} of the corpus set to {BASE_RATE}:\n{table}");
    if write {
        let path = crate::root().join("desks/mail/data/calibration.csv");
        std::fs::write(&path, table).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn score_of(examiner: &Examiner, mail: &Labelled) -> f64 {
    examiner
        .examine(&mail.bytes, &mail.file, None)
        .iter()
        .map(|judged| judged.scored.score)
        .fold(f64::MIN, f64::max)
}

/// Slope and offset of the logistic curve of least deviance, with Platt's softened targets.
fn platt(points: &[(f64, bool)]) -> (f64, f64) {
    let positives = points.iter().filter(|point| point.1).count() as f64;
    let negatives = points.len() as f64 - positives;
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    let (mut slope, mut offset) = (1.0, 0.0);
    for _ in 0..100 {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for (score, is_phish) in points {
            let p = 1.0 / (1.0 + (-(slope * score + offset)).exp());
            let error = if *is_phish { high } else { low } - p;
            let weight = p * (1.0 - p);
            g0 += error * score;
            g1 += error;
            h00 += weight * score * score;
            h01 += weight * score;
            h11 += weight;
        }
        let determinant = h00 * h11 - h01 * h01;
        if determinant.abs() < 1e-12 {
            break;
        }
        let (d0, d1) = (
            (h11 * g0 - h01 * g1) / determinant,
            (h00 * g1 - h01 * g0) / determinant,
        );
        slope += d0.clamp(-1.0, 1.0);
        offset += d1.clamp(-1.0, 1.0);
        if d0.abs() + d1.abs() < 1e-9 {
            break;
        }
    }
    (slope, offset)
}
