//! `pollwatch tally`: who was targeted, how far it got, and what could not be seen.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use pollwatch_casework::tally::{
    Basis, Cause, Change, DayRange, FieldTally, Place, Row, RowFinding, Tally, percent,
};
use pollwatch_engine::{KeptTally, Mode, TallyQuery, Workspace};
use pollwatch_model::register::TargetKind;
use serde_json::json;

use crate::arguments::{Format, TallyArguments};
use crate::commands::open_workspace;
use crate::screen::{grouped, table, visible, wrapped};

/// Characters of a line of running text.
const WIDTH: usize = 100;
/// Rows of a field's table; beyond that the rest is counted.
const MAX_ROWS: usize = 200;
/// Names in a running list.
const MAX_NAMES: usize = 12;
/// Findings that a row names.
const MAX_IDS: usize = 3;
/// Characters of a finding's id that name it for people.
const ID_CHARS: usize = 10;

pub fn run(workspace: Option<&Path>, arguments: TallyArguments) -> anyhow::Result<ExitCode> {
    let mode = if arguments.record { Mode::Write } else { Mode::Read };
    let mut workspace = open_workspace(workspace, mode)?;
    if arguments.list {
        return list(&workspace, arguments.format);
    }
    let earlier = arguments
        .against
        .as_deref()
        .map(|id| workspace.recorded_tally(id))
        .transpose()?;
    let query = match &earlier {
        None => query(&arguments)?,
        // The same question, of whatever the register holds of it now.
        Some((_, then)) => TallyQuery {
            window: arguments.window.or(then.question.window),
            windows: then
                .question
                .fields
                .iter()
                .filter_map(|field| Some((field.desk.clone(), field.window?)))
                .collect(),
            desks: then
                .question
                .fields
                .iter()
                .map(|field| field.desk.clone())
                .collect(),
            targets: then
                .question
                .targets
                .iter()
                .map(|asked| asked.id.clone())
                .filter(|id| workspace.register().target(id).is_some())
                .collect(),
            ..TallyQuery::default()
        },
    };
    let basis = workspace.tally_basis(&query)?;
    let tally = basis.tally();
    let changes = earlier
        .as_ref()
        .map(|(_, then)| workspace.tally_changes(then, &basis));
    let kept = if arguments.record {
        Some(workspace.record_tally(&basis, Timestamp::now())?)
    } else {
        None
    };
    if arguments.format == Format::Jsonl {
        let mut line = serde_json::to_value(&tally)?;
        line["sentences"] = json!(tally.fields.iter().map(FieldTally::sentence).collect::<Vec<_>>());
        if let Some(kept) = &kept {
            line["recorded"] =
                json!({"id": kept.id, "basis": kept.recorded.basis, "ledger_index": kept.ledger_index});
        }
        if let (Some((then, _)), Some(changes)) = (&earlier, &changes) {
            line["against"] = json!({"id": then.id, "at": then.recorded.at, "sentences": then.recorded.sentences, "changes": changes});
        }
        println!("{line}");
        return Ok(ExitCode::SUCCESS);
    }
    match (&earlier, &changes) {
        (Some((then, _)), Some(changes)) => print_changes(then, &tally, changes),
        _ => print_tally(&tally, !arguments.targets.is_empty(), &basis),
    }
    if let Some(kept) = kept {
        println!(
            "Recorded as {} (ledger entry {}, resting on {}).\nNext year: pollwatch tally --against {}",
            kept.id,
            kept.ledger_index.map_or("pending".to_owned(), grouped),
            kept.recorded.basis,
            kept.id
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn query(arguments: &TallyArguments) -> anyhow::Result<TallyQuery> {
    let mut kinds = Vec::with_capacity(arguments.kinds.len());
    for word in &arguments.kinds {
        let Some(kind) = TargetKind::from_category(word) else {
            anyhow::bail!(
                "there is no kind of target {word:?} (there are jurisdiction, office, candidate, campaign, party, vendor, media, login, other)"
            );
        };
        kinds.push(kind);
    }
    Ok(TallyQuery {
        window: arguments.window,
        desks: arguments.desks.clone(),
        targets: arguments.targets.clone(),
        states: arguments.states.clone(),
        kinds,
        ..TallyQuery::default()
    })
}

fn list(workspace: &Workspace, format: Format) -> anyhow::Result<ExitCode> {
    let tallies = workspace.tallies()?;
    if format == Format::Jsonl {
        for kept in &tallies {
            println!(
                "{}",
                json!({"id": kept.id, "ledger_index": kept.ledger_index, "recorded": kept.recorded})
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    if tallies.is_empty() {
        println!("No tally was recorded. `pollwatch tally --record` records one.");
    }
    for KeptTally { id, recorded, .. } in &tallies {
        let window = recorded
            .tally
            .window
            .map_or("of each field the time of its sources".to_owned(), |window| {
                window.in_words()
            });
        println!("{id}  {}  {window}", recorded.at.strftime("%Y-%m-%d %H:%MZ"));
        for (field, sentence) in recorded.tally.fields.iter().zip(&recorded.sentences) {
            println!(
                "    {}: {}",
                visible(&field.field.title),
                wrapped(sentence, WIDTH, "      ")
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_tally(tally: &Tally, in_full: bool, basis: &Basis) {
    for field in &tally.fields {
        let targets = field.rows.len() as u64;
        let noun = if targets == 1 { "target" } else { "targets" };
        let window = tally
            .window_of(field)
            .map_or(String::new(), |window| format!(", {}", window.in_words()));
        println!(
            "{}: {} {noun}{window}",
            visible(&field.field.title),
            grouped(targets)
        );
        println!("  {}\n", wrapped(&field.sentence(), WIDTH, "  "));
        let rows = rows_of(field, in_full);
        if !rows.is_empty() {
            let cells: Vec<Vec<String>> = rows
                .iter()
                .take(MAX_ROWS)
                .map(|row| cells_of(field, row))
                .collect();
            print!(
                "{}",
                table(
                    &[
                        "target",
                        "stands at",
                        "confidence",
                        "findings",
                        "covered",
                        "missing (days of UTC)"
                    ],
                    &cells
                )
            );
            if rows.len() > MAX_ROWS {
                println!(
                    "… and {} more: --format jsonl has them all",
                    grouped((rows.len() - MAX_ROWS) as u64)
                );
            }
            println!();
        }
        if in_full {
            rows.iter().for_each(|row| print_row(field, row, basis));
        }
        let quiet: Vec<&str> = field
            .standing(Place::NoSign)
            .filter(|row| !rows.iter().any(|shown| shown.target == row.target))
            .map(|row| row.target.as_str())
            .collect();
        if !quiet.is_empty() {
            println!(
                "  {}",
                wrapped(&format!("No sign of {}.", some(&quiet)), WIDTH, "  ")
            );
        }
        let dark: Vec<&str> = field
            .standing(Place::NoData)
            .filter(|row| !rows.iter().any(|shown| shown.target == row.target))
            .map(|row| row.target.as_str())
            .collect();
        if !dark.is_empty() {
            println!(
                "  {}",
                wrapped(&format!("No data of {}.", some(&dark)), WIDTH, "  ")
            );
        }
        if !quiet.is_empty() || !dark.is_empty() {
            println!();
        }
    }
    let outside: usize = tally
        .fields
        .iter()
        .flat_map(|field| &field.rows)
        .map(|row| row.findings.iter().filter(|held| !held.is_timed).count())
        .sum();
    if outside > 0 && tally.window.is_some() {
        println!(
            "{}",
            wrapped(
                &format!(
                    "{} of the findings counted tell no time; they are counted whatever the window.",
                    grouped(outside as u64)
                ),
                WIDTH,
                ""
            )
        );
    }
    println!(
        "{}",
        wrapped(
            "\"No sign\" is not \"safe\": it says that something was looked at, for the share of the window named, and nothing \
             was found there. A moment counts as covered when some source of the target covers it and none of its logs is silent there. Contact is no attack. \
             Declared assessors are never counted.",
            WIDTH,
            ""
        )
    );
}

/// Rows that say something, furthest first; targets of which nothing is known are listed beneath.
fn rows_of(field: &FieldTally, in_full: bool) -> Vec<&Row> {
    let mut rows: Vec<&Row> = field
        .rows
        .iter()
        .filter(|row| match row.place {
            Place::Reached | Place::Withheld => true,
            // Without a share there is nothing to tell of each: they are named in a line beneath.
            Place::NoSign => in_full || row.covered.permille.is_some() || !row.authorised.is_empty(),
            Place::NoData => in_full || !row.authorised.is_empty(),
        })
        .collect();
    rows.sort_by(|a, b| {
        (b.level, b.confidence)
            .cmp(&(a.level, a.confidence))
            .then(a.place.cmp(&b.place))
            .then(a.covered.permille.cmp(&b.covered.permille))
            .then(a.target.cmp(&b.target))
    });
    rows
}

fn cells_of(field: &FieldTally, row: &Row) -> Vec<String> {
    let mut ids: Vec<String> = row
        .findings
        .iter()
        .take(MAX_IDS)
        .map(|held| short(held.id.as_str()))
        .collect();
    if row.findings.len() > MAX_IDS {
        ids.push(format!("+{}", row.findings.len() - MAX_IDS));
    }
    let stands = match (row.place, row.level) {
        (_, Some(level)) => field.word(level).to_owned(),
        (Place::Withheld, _) => format!("withheld by its office ({})", row.withheld),
        (Place::NoSign, _) if row.authorised.is_empty() => "no sign".to_owned(),
        (Place::NoSign, _) => "no sign (authorised test)".to_owned(),
        _ => "no data".to_owned(),
    };
    vec![
        row.target.to_string(),
        stands,
        row.confidence
            .map_or(String::new(), |confidence| confidence.to_string()),
        ids.join(" "),
        covered(row),
        missing(row),
    ]
}

fn covered(row: &Row) -> String {
    match (row.covered.permille, row.covered.sources.len()) {
        (Some(share), _) => percent(share),
        (None, 0) => "none".to_owned(),
        (None, 1) => "1 source, no time".to_owned(),
        (None, number) => format!("{number} sources, no time"),
    }
}

fn missing(row: &Row) -> String {
    let range = |range: &DayRange| {
        if range.first == range.last {
            range.first.to_string()
        } else {
            format!("{}..{}", range.first, range.last)
        }
    };
    let mut days: Vec<String> = row.covered.missing.iter().map(range).collect();
    days.extend(
        row.covered
            .cut
            .iter()
            .map(|cut| format!("{} ({} h {:02} min)", cut.day, cut.minutes / 60, cut.minutes % 60)),
    );
    if days.len() > MAX_IDS + 1 {
        let more = days.len() - MAX_IDS;
        days.truncate(MAX_IDS);
        days.push(format!("and {more} more"));
    }
    days.join(", ")
}

/// All that one row rests on.
fn print_row(field: &FieldTally, row: &Row, basis: &Basis) {
    println!("{} ({})", visible(&row.name), row.target);
    for RowFinding {
        id,
        level,
        confidence,
        origin,
        ..
    } in &row.findings
    {
        let from = origin
            .as_ref()
            .map_or(String::new(), |origin| format!(", from {}", visible(origin)));
        println!("  {id}  {} ({confidence} confidence){from}", field.word(*level));
    }
    let lists = [
        ("authorised, not counted", &row.authorised),
        ("found sound", &row.assurances),
        ("dismissed by an analyst", &row.dismissed),
        ("outside the window, or only watched", &row.not_counted),
    ];
    for (words, ids) in lists {
        for id in ids {
            println!("  {id}  {words}");
        }
    }
    for (source, sha256) in &row.covered.sources {
        let digest = sha256.map_or("not read to its end".to_owned(), |digest| {
            format!("sha256 {digest}")
        });
        println!("  looked at {}  {digest}", visible(source));
    }
    for seen in basis
        .coverage
        .iter()
        .filter(|seen| seen.coverage.desk == field.field.desk && seen.coverage.targets.contains(&row.target))
    {
        for gap in seen.coverage.holes() {
            println!(
                "  {} shows nothing from {} to {}: {}",
                visible(&seen.coverage.source),
                gap.from,
                gap.to,
                visible(&gap.why)
            );
        }
    }
    println!();
}

fn print_changes(then: &KeptTally, now: &Tally, changes: &[Change]) {
    println!(
        "Against tally {} of {}:",
        then.id,
        then.recorded.at.strftime("%Y-%m-%d %H:%MZ")
    );
    for (field, sentence) in then.recorded.tally.fields.iter().zip(&then.recorded.sentences) {
        let Some(new) = now.fields.iter().find(|new| new.field.desk == field.field.desk) else {
            continue;
        };
        println!("\n{}", visible(&field.field.title));
        println!("  then  {}", wrapped(sentence, WIDTH, "        "));
        println!("  now   {}", wrapped(&new.sentence(), WIDTH, "        "));
        let here: Vec<&Change> = changes
            .iter()
            .filter(|change| change.desk == field.field.desk)
            .collect();
        if here.is_empty() {
            println!("  No target stands elsewhere.");
        }
        for change in here {
            println!("\n  {}: {}, was {}", change.target, change.is, change.was);
            for cause in &change.because {
                println!("    because {}", visible(&Cause::in_words(cause)));
            }
            if change.because.is_empty() {
                println!("    because the same findings and sources are weighed otherwise by this version");
            }
        }
    }
    println!();
}

fn short(id: &str) -> String {
    id.chars().take(ID_CHARS).collect()
}

fn some(names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(MAX_NAMES)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        more => format!("{shown} and {} more", grouped(more as u64)),
    }
}
