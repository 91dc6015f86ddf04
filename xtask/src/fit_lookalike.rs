//! `xtask fit lookalike DIR [--write]`: the background counts and the weights of the lookalike desk.
//!
//! 1. Counts, over ordinary names that no protected owner holds, in how many labels each run of letters stands, and in how
//!    many names each part between hyphens (`data/background.bin`: hashes and quantised logarithms, no names).
//! 2. Finds every candidate in the known bad, the ordinary and the new names, with its levels.
//! 3. Fits one table of points by logistic regression with L2 penalty, the levels of features that must rise or fall
//!    constrained to do so. A name is judged by its best candidate, so the fit alternates: choose the best candidate of each
//!    name under the present table, fit on those (multiple-instance learning, as in MI-SVM: Andrews et al. 2002).
//! 4. Repeats it five times with a fifth of the *campaigns* and of the ordinary names held out, sets the thresholds on the
//!    held-out scores, and reports them: the honest estimate.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use pollwatch_lookalike::features::{CARDS, FEATURES, Levels, Shape};
use pollwatch_lookalike::score::{MAX_LEVELS, Weights};
use pollwatch_lookalike::words::{MAX_RUN_BYTES, MIN_RUN_BYTES, fold_hash, hash_of};
use pollwatch_lookalike::{Aliases, Matcher, Scratch};
use pollwatch_names::ParsedName;

use crate::cases_lookalike::{Cases, load, load_register, registered_label};

/// A run of letters is kept when at least this many labels hold it.
const MIN_RUN_COUNT: u32 = 8;
/// A part between hyphens is kept when it stands in at least this many names.
const MIN_TOKEN_COUNT: u32 = 4;
const FOLDS: u64 = 5;

/// Runs the whole fit; with `write` the data files of the desk are replaced.
pub fn run(dir: &Path, write: bool) -> anyhow::Result<()> {
    let cases = load(dir)?;
    let data = Path::new("desks/lookalike/data");
    let background = background(&cases);
    println!("background: {} bytes", background.len());
    let on_disk = std::fs::read(data.join("background.bin")).unwrap_or_default();
    if on_disk != background {
        if write {
            std::fs::write(data.join("background.bin"), &background)?;
            println!("background.bin is new: build and run again to fit the weights on it");
            return Ok(());
        }
        println!("background.bin on disk differs; --write replaces it");
    }
    let register = load_register(&dir.join("protected_5000.csv"))?;
    let (matcher, _) = Matcher::compile_with(&register, Aliases::All, Weights::default());
    let bags = bags(&cases, &matcher);
    let names = |source: Source| bags.iter().filter(|bag| bag.source == source).count();
    println!(
        "names with a candidate: {} bad (of {}; {} with the right one), {} clean, {} flagged, {} new",
        names(Source::Bad),
        cases.truth.len(),
        bags.iter()
            .filter(|bag| bag.source == Source::Bad && bag.right.iter().any(|r| *r))
            .count(),
        names(Source::Clean),
        names(Source::Flagged),
        names(Source::New)
    );
    let mut held_out = vec![f32::MIN; bags.len()];
    for fold in 0..FOLDS {
        let weights = fit(
            &bags,
            cases.new_names.len() * (FOLDS as usize - 1) / FOLDS as usize,
            |bag| bag.fold != fold,
        );
        for (score, bag) in held_out.iter_mut().zip(&bags) {
            if bag.fold == fold {
                *score = bag.best(&weights).1;
            }
        }
    }
    let mut weights = fit(&bags, cases.new_names.len(), |_| true);
    report(&cases, &bags, &held_out, &mut weights);
    let table = print_table(&weights, &cases, dir)?;
    if write {
        std::fs::write(data.join("weights.csv"), &table)?;
        println!("wrote {}", data.join("weights.csv").display());
    } else {
        println!("{table}");
    }
    Ok(())
}

fn background(cases: &Cases) -> Vec<u8> {
    let mut labels: Vec<String> = Vec::new();
    let mut tokens: HashMap<String, u32> = HashMap::new();
    let mut last = String::new();
    for (host, flag) in &cases.benign {
        if *flag == b'o' {
            continue;
        }
        let Ok(name) = ParsedName::parse(host) else {
            continue;
        };
        let (Some(label), Some(registrable)) = (name.user_label(), name.registrable()) else {
            continue;
        };
        if label.starts_with("xn--") || registrable == last {
            continue;
        }
        last = registrable.to_owned();
        // A protected label under another suffix is mostly the same owner's: its whole label is not counted.
        if *flag != b's' || label.contains('-') {
            for token in label.split('-').filter(|token| token.len() >= 2) {
                *tokens.entry(token.to_owned()).or_default() += 1;
            }
        }
        labels.push(label.to_owned());
    }
    labels.sort();
    labels.dedup();
    let mut runs: HashMap<u64, (u32, u32)> = HashMap::new();
    for (number, label) in labels.iter().enumerate() {
        let letters = label.as_bytes();
        for length in MIN_RUN_BYTES..=MAX_RUN_BYTES.min(letters.len().saturating_sub(1)) {
            for run in letters.windows(length) {
                let entry = runs.entry(hash_of(run)).or_insert((0, u32::MAX));
                if entry.1 != number as u32 {
                    *entry = (entry.0 + 1, number as u32);
                }
            }
        }
    }
    let level = |count: u32| (f64::from(count).log2() * 2.0).floor() as u8;
    let mut run_entries: Vec<(u32, u8)> = runs
        .iter()
        .filter(|(_, (count, _))| *count >= MIN_RUN_COUNT)
        .map(|(hash, (count, _))| (fold_hash(*hash), level(*count)))
        .collect();
    let mut token_entries: Vec<(u32, u8)> = tokens
        .iter()
        .filter(|(_, count)| **count >= MIN_TOKEN_COUNT)
        .map(|(token, count)| (fold_hash(hash_of(token.as_bytes())), level(*count)))
        .collect();
    run_entries.sort_unstable();
    token_entries.sort_unstable();
    let mut bytes = b"PWBG1\n".to_vec();
    bytes.extend((run_entries.len() as u32).to_le_bytes());
    bytes.extend((token_entries.len() as u32).to_le_bytes());
    for (hash, level) in run_entries.into_iter().chain(token_entries) {
        bytes.extend(hash.to_le_bytes());
        bytes.push(level);
    }
    bytes
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Bad,
    Clean,
    Flagged,
    New,
}

/// The candidates of one name.
struct Bag {
    source: Source,
    fold: u64,
    levels: Vec<Levels>,
    /// For bad names: whether the candidate stands for the name that is imitated.
    right: Vec<bool>,
    /// Names of one registrable domain alarm once.
    registrable: u64,
    core: bool,
}

impl Bag {
    fn best(&self, weights: &Weights) -> (usize, f32) {
        let mut best = (0, f32::MIN);
        for (index, levels) in self.levels.iter().enumerate() {
            let score = weights.score(levels);
            if score > best.1 {
                best = (index, score);
            }
        }
        best
    }

    fn best_right(&self, weights: &Weights) -> Option<usize> {
        let mut best = (None, f32::MIN);
        for (index, levels) in self.levels.iter().enumerate() {
            let score = weights.score(levels);
            if self.right[index] && score > best.1 {
                best = (Some(index), score);
            }
        }
        best.0
    }
}

fn bags(cases: &Cases, matcher: &Matcher) -> Vec<Bag> {
    let mut scratch = Scratch::thorough();
    let mut bags = Vec::new();
    let label_of: Vec<String> = (0..matcher.protected_count() as u32)
        .map(|index| registered_label(&matcher.protected(index).domain))
        .collect();
    let mut add = |name: &str, source: Source, fold: Option<u64>, imitated: &[String], core: bool| {
        if matcher.look(name, &mut scratch).is_err() {
            return;
        }
        let registrable = hash_of(scratch.name().registrable().unwrap_or_default().as_bytes());
        let mut bag = Bag {
            source,
            fold: fold.unwrap_or_else(|| u64::from(fold_hash(registrable)) % FOLDS),
            levels: Vec::new(),
            right: Vec::new(),
            registrable,
            core,
        };
        for (levels, unit) in scratch.candidate_levels() {
            bag.levels.push(*levels);
            bag.right.push(
                matcher
                    .unit_protected(unit)
                    .iter()
                    .any(|index| imitated.contains(&label_of[*index as usize])),
            );
        }
        if !bag.levels.is_empty() {
            bags.push(bag);
        }
    };
    for truth in &cases.truth {
        let imitated: Vec<String> = truth.imitated.iter().map(|name| registered_label(name)).collect();
        let fold = u64::from(fold_hash(hash_of(truth.campaign.as_bytes()))) % FOLDS;
        let core = matches!(truth.scope.as_str(), "political" | "gov" | "media");
        add(&truth.name, Source::Bad, Some(fold), &imitated, core);
    }
    for (name, flag) in &cases.benign {
        match flag {
            b'o' => {}
            b'-' => add(name, Source::Clean, None, &[], false),
            _ => add(name, Source::Flagged, None, &[], false),
        }
    }
    for name in &cases.new_names {
        add(name, Source::New, None, &[], false);
    }
    bags
}

/// How much one name of each source counts. Clean names are known to be innocent; the flagged are mostly the owners' own
/// and so no examples of innocence; the new ones hold true imitations.
fn importance(source: Source) -> f64 {
    match source {
        Source::Bad => 1.0,
        Source::Clean => 0.5,
        Source::Flagged => 0.0,
        Source::New => 0.65,
    }
}

/// New names a million, from the top, that are left out as likely true imitations.
const TRIMMED_NEW: f64 = 400.0;

/// Penalty on the square of a level's points; on the step between two ordered levels; how much more on the crossed
/// features, whose levels have fewer examples. Chosen among a few values by held-out recall.
const L2_FREE: f64 = 0.6;
const L2_STEP: f64 = 0.6;
const L2_CROSS: f64 = 2.0;

struct Row {
    levels: Levels,
    is_bad: bool,
    weight: f64,
}

fn fit(bags: &[Bag], new_names: usize, is_used: impl Fn(&Bag) -> bool) -> Weights {
    let used: Vec<&Bag> = bags.iter().filter(|bag| is_used(bag)).collect();
    let mut weights = Weights::default();
    for round in 0..6 {
        let mut rows: HashMap<(Levels, bool), f64> = HashMap::new();
        // The highest new names are mostly true imitations (read by eye): they are no examples of innocence.
        let mut new: Vec<f32> = used
            .iter()
            .filter(|bag| bag.source == Source::New)
            .map(|bag| bag.best(&weights).1)
            .collect();
        new.sort_by(|a, b| b.total_cmp(a));
        let trimmed = new
            .get((new_names as f64 * TRIMMED_NEW / 1e6) as usize)
            .copied()
            .filter(|_| round > 0)
            .unwrap_or(f32::MAX);
        for bag in &used {
            if bag.source == Source::New && bag.best(&weights).1 > trimmed {
                continue;
            }
            let is_bad = bag.source == Source::Bad;
            let importance = importance(bag.source);
            if round == 0 {
                let count = bag.levels.len() as f64;
                for (levels, right) in bag.levels.iter().zip(&bag.right) {
                    if !is_bad || *right {
                        *rows.entry((*levels, is_bad)).or_default() += importance / count;
                    }
                }
            } else if is_bad {
                if let Some(index) = bag.best_right(&weights) {
                    *rows.entry((bag.levels[index], true)).or_default() += importance;
                }
            } else {
                let (index, _) = bag.best(&weights);
                *rows.entry((bag.levels[index], false)).or_default() += importance;
            }
        }
        let mut rows: Vec<Row> = rows
            .into_iter()
            .map(|((levels, is_bad), weight)| Row {
                levels,
                is_bad,
                weight,
            })
            .collect();
        rows.sort_by_key(|row| (row.levels, row.is_bad));
        weights = regress(&rows, &weights, if round == 0 { 250 } else { 150 });
    }
    weights
}

/// Logistic regression by Adam (Kingma, Ba 2015) on the steps between levels, projected on the constraints.
fn regress(rows: &[Row], start: &Weights, rounds: usize) -> Weights {
    let mut steps = [[0f64; MAX_LEVELS]; FEATURES];
    for (feature, card) in CARDS.iter().enumerate() {
        for (level, step) in steps[feature].iter_mut().enumerate().take(card.levels.len()) {
            let points = f64::from(start.points[feature][level]);
            *step = if card.shape == Shape::Free || level == 0 {
                points
            } else {
                points - f64::from(start.points[feature][level - 1])
            };
        }
    }
    let mut bias = f64::from(start.bias);
    let (mut m, mut v) = ([[0f64; MAX_LEVELS]; FEATURES], [[0f64; MAX_LEVELS]; FEATURES]);
    let (mut bias_m, mut bias_v) = (0f64, 0f64);
    for round in 1..=rounds {
        let points = points_of(&steps);
        let mut gradient = [[0f64; MAX_LEVELS]; FEATURES];
        let mut bias_gradient = 0.0;
        for row in rows {
            let mut score = bias;
            for (feature, level) in row.levels.iter().enumerate() {
                score += points[feature][*level as usize];
            }
            let chance = 1.0 / (1.0 + (-score).exp());
            let slope = row.weight * (chance - f64::from(u8::from(row.is_bad)));
            bias_gradient += slope;
            for (feature, level) in row.levels.iter().enumerate() {
                gradient[feature][*level as usize] += slope;
            }
        }
        let rate = 0.15 * (1.0 - 0.8 * round as f64 / rounds as f64);
        let (one, two) = (1.0 - 0.9f64.powi(round as i32), 1.0 - 0.99f64.powi(round as i32));
        bias_m = 0.9 * bias_m + 0.1 * bias_gradient;
        bias_v = 0.99 * bias_v + 0.01 * bias_gradient * bias_gradient;
        bias -= rate * (bias_m / one) / ((bias_v / two).sqrt() + 1e-8);
        for (feature, card) in CARDS.iter().enumerate() {
            let first = first_level(card.levels);
            let mut below = 0.0;
            for level in (0..card.levels.len()).rev() {
                below += gradient[feature][level];
                let is_step = card.shape != Shape::Free && level > 0;
                let slope = if is_step { below } else { gradient[feature][level] };
                let penalty = if is_step { L2_STEP } else { L2_FREE }
                    * if (22..=28).contains(&feature) {
                        L2_CROSS
                    } else {
                        1.0
                    };
                let slope = slope + penalty * steps[feature][level];
                m[feature][level] = 0.9 * m[feature][level] + 0.1 * slope;
                v[feature][level] = 0.99 * v[feature][level] + 0.01 * slope * slope;
                steps[feature][level] -=
                    rate * (m[feature][level] / one) / ((v[feature][level] / two).sqrt() + 1e-8);
                // "Does not apply" and the first level of an ordered feature are the zero of their scale.
                if (first == 1 && level == 0) || (card.shape != Shape::Free && level <= first) {
                    steps[feature][level] = 0.0;
                }
                match card.shape {
                    Shape::Rising => steps[feature][level] = steps[feature][level].max(0.0),
                    Shape::Falling => steps[feature][level] = steps[feature][level].min(0.0),
                    Shape::Free => {}
                }
            }
        }
    }
    let points = points_of(&steps);
    let mut weights = Weights {
        bias: bias as f32,
        ..Weights::default()
    };
    for (to, from) in weights.points.iter_mut().flatten().zip(points.iter().flatten()) {
        *to = *from as f32;
    }
    weights
}

fn first_level(levels: &[&str]) -> usize {
    usize::from(levels[0] == "-")
}

fn points_of(steps: &[[f64; MAX_LEVELS]; FEATURES]) -> [[f64; MAX_LEVELS]; FEATURES] {
    let mut points = *steps;
    for (feature, card) in CARDS.iter().enumerate() {
        if card.shape != Shape::Free {
            for level in 1..card.levels.len() {
                points[feature][level] = points[feature][level - 1] + steps[feature][level];
            }
        }
    }
    points
}

/// The best score of each registrable domain of a source, highest first.
fn ranked(bags: &[Bag], scores: &[f32], source: Source) -> Vec<f32> {
    let mut best: HashMap<u64, f32> = HashMap::new();
    for (bag, score) in bags.iter().zip(scores) {
        if bag.source == source {
            let entry = best.entry(bag.registrable).or_insert(f32::MIN);
            *entry = entry.max(*score);
        }
    }
    let mut all: Vec<f32> = best.into_values().collect();
    all.sort_by(|a, b| b.total_cmp(a));
    all
}

fn report(cases: &Cases, bags: &[Bag], held_out: &[f32], weights: &mut Weights) {
    let fitted: Vec<f32> = bags.iter().map(|bag| bag.best(weights).1).collect();
    let clean_names = cases.benign.iter().filter(|(_, flag)| *flag == b'-').count();
    let new_names = cases.new_names.len();
    let cores = cases
        .truth
        .iter()
        .filter(|truth| matches!(truth.scope.as_str(), "political" | "gov" | "media"))
        .count();
    let clean = ranked(bags, held_out, Source::Clean);
    let new = ranked(bags, held_out, Source::New);
    let rate = |scores: &[f32], threshold: f32, of: usize| {
        scores.iter().filter(|score| **score >= threshold).count() as f64 * 1e6 / of as f64
    };
    let recall = |scores: &[f32], threshold: f32, core: bool| {
        bags.iter()
            .zip(scores)
            .filter(|(bag, score)| bag.source == Source::Bad && (!core || bag.core) && **score >= threshold)
            .count() as f64
            / if core { cores } else { cases.truth.len() } as f64
    };
    println!(
        "\nthreshold  held out: recall  core   clean/M   new/M | on all: recall  core   clean/M   new/M"
    );
    let fitted_clean = ranked(bags, &fitted, Source::Clean);
    let fitted_new = ranked(bags, &fitted, Source::New);
    for tenth in -40..=40 {
        let threshold = tenth as f32 * 0.15;
        let clean_rate = rate(&clean, threshold, clean_names);
        if !(2.0..=2500.0).contains(&clean_rate) {
            continue;
        }
        println!(
            "{threshold:>8.2}            {:.3}  {:.3}  {:>7.0} {:>7.0} |         {:.3}  {:.3}  {:>7.0} {:>7.0}",
            recall(held_out, threshold, false),
            recall(held_out, threshold, true),
            clean_rate,
            rate(&new, threshold, new_names),
            recall(&fitted, threshold, false),
            recall(&fitted, threshold, true),
            rate(&fitted_clean, threshold, clean_names),
            rate(&fitted_new, threshold, new_names),
        );
    }
    let at = |scores: &[f32], per_million: f64, of: usize| {
        let count = (per_million * of as f64 / 1e6) as usize;
        scores.get(count).copied().unwrap_or(f32::MIN) + 0.001
    };
    weights.medium = at(&clean, MEDIUM_CLEAN, clean_names).max(at(&new, MEDIUM_NEW, new_names));
    weights.high = at(&clean, HIGH_CLEAN, clean_names).max(at(&new, HIGH_NEW, new_names));
    weights.low = at(&clean, LOW_CLEAN, clean_names).max(at(&new, LOW_NEW, new_names));
    for target in [1500.0, 2300.0, 2800.0, 3200.0, 4000.0] {
        let threshold = at(&new, target, new_names);
        println!(
            "AT new {target}: {threshold:.2} recall {:.3} core {:.3} clean {:.0} | fitted {:.3} {:.3}",
            recall(held_out, threshold, false),
            recall(held_out, threshold, true),
            rate(&clean, threshold, clean_names),
            recall(&fitted, at(&fitted_new, target, new_names), false),
            recall(&fitted, at(&fitted_new, target, new_names), true),
        );
    }
    for (name, threshold) in [
        ("medium", weights.medium),
        ("high", weights.high),
        ("low", weights.low),
    ] {
        println!(
            "{name:<7} {threshold:>6.2}: held out recall {:.3}, core {:.3}, clean {:.0}/M, new {:.0}/M",
            recall(held_out, threshold, false),
            recall(held_out, threshold, true),
            rate(&clean, threshold, clean_names),
            rate(&new, threshold, new_names)
        );
    }
    // Platt's scaling on held-out scores (Platt 1999): bad names against new ones, which is how names come in a feed; every
    // second new name of a high score is taken to be a true imitation, as the reading by eye found.
    let (mut slope, mut offset) = (1f64, 0f64);
    for _ in 0..4000 {
        let (mut ds, mut d_o, mut total) = (0f64, 0f64, 0f64);
        for (bag, score) in bags.iter().zip(held_out) {
            let (target, weight) = match bag.source {
                Source::Bad => (1.0, 1.0),
                Source::New => (0.0, 0.5),
                _ => continue,
            };
            let score = f64::from(*score).clamp(-12.0, 12.0);
            let chance = 1.0 / (1.0 + (-(slope * score + offset)).exp());
            ds += weight * (chance - target) * score;
            d_o += weight * (chance - target);
            total += weight;
        }
        slope -= 2.0 * ds / total;
        offset -= 2.0 * d_o / total;
    }
    weights.slope = slope as f32;
    weights.offset = offset as f32;
}

/// Clean alarms a million on held-out scores that the alarm threshold aims at.
const MEDIUM_CLEAN: f64 = 420.0;
/// New-name alarms a million that the alarm threshold aims at.
const MEDIUM_NEW: f64 = 3100.0;
/// The same for names that are watched only.
const LOW_CLEAN: f64 = 1000.0;
/// The same for names that are watched only.
const LOW_NEW: f64 = 5000.0;
/// The same for the top tier.
const HIGH_CLEAN: f64 = 58.0;
/// The same for the top tier.
const HIGH_NEW: f64 = 1200.0;

fn print_table(weights: &Weights, cases: &Cases, dir: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "# Points of the lookalike desk: log-odds by feature and level. Made by `cargo xtask fit lookalike`; not edited by hand."
    )?;
    writeln!(
        text,
        "# Fitted on {} known bad names of {} campaigns, {} ordinary names and {} new names.",
        cases.truth.len(),
        cases
            .truth
            .iter()
            .map(|truth| &truth.campaign)
            .collect::<std::collections::HashSet<_>>()
            .len(),
        cases.benign.len(),
        cases.new_names.len()
    )?;
    for file in [
        "truth.csv",
        "benign.tsv.gz",
        "nrd_unlabelled.txt.gz",
        "protected_5000.csv",
    ] {
        let bytes = std::fs::read(dir.join(file))?;
        writeln!(
            text,
            "# {file}: {} bytes, FNV-1a {:016x}",
            bytes.len(),
            hash_of(&bytes)
        )?;
    }
    writeln!(text, "feature,level,points")?;
    writeln!(text, "bias,,{:.3}", weights.bias)?;
    for (name, value) in [
        ("low", weights.low),
        ("medium", weights.medium),
        ("high", weights.high),
    ] {
        writeln!(text, "threshold,{name},{value:.3}")?;
    }
    writeln!(
        text,
        "calibration,slope,{:.4}\ncalibration,offset,{:.4}",
        weights.slope, weights.offset
    )?;
    for (feature, card) in CARDS.iter().enumerate() {
        for (level, name) in card.levels.iter().enumerate() {
            if *name != "-" {
                writeln!(text, "{},{name},{:.3}", card.name, weights.points[feature][level])?;
            }
        }
    }
    Ok(text)
}
