//! The samples of the fuzz targets, read once: one line each of what came of them.
#![allow(clippy::unwrap_used)]

mod exports;

use std::path::{Path, PathBuf};

use pollwatch_audit::election::{Contest, ContestKind, Election};
use pollwatch_audit::read::{CvrFormat, Source, read_batch_tallies, read_hand_readings, read_manifest};

fn samples(target: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn samples_of_every_format_are_read() {
    let lines: Vec<String> = samples("audit_cvr")
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path).unwrap();
            let format = CvrFormat::ALL[usize::from(bytes[0] - b'0')];
            let (read, kept) = exports::read(&name(path), bytes[1..].to_vec(), None).unwrap();
            assert_eq!(read.format, format);
            let seen: Vec<String> = exports::seen(&read.election, &kept.records)
                .into_iter()
                .map(|(card, votes)| format!("    {card:?} {votes:?}"))
                .collect();
            let told: Vec<String> = kept
                .problems
                .iter()
                .map(|problem| format!("    {problem}"))
                .collect();
            format!(
                "{} ({}): {} groups\n{}",
                name(path),
                format.name(),
                kept.groups.len(),
                [seen, told].concat().join("\n")
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn samples_of_tables_are_read_or_refused_in_words() {
    let mut election = Election::default();
    let mut mayor = Contest {
        votes_allowed: 2,
        ..Contest::new("Mayor")
    };
    mayor.add("Ann Lee", false);
    mayor.add("Bo", false);
    election.add(mayor);
    let mut sheriff = Contest {
        kind: ContestKind::Irv,
        ranks: 3,
        ..Contest::new("Sheriff")
    };
    sheriff.add("Dee", false);
    sheriff.add("Eve", false);
    election.add(sheriff);
    let lines: Vec<String> = samples("audit_tables")
        .iter()
        .map(|path| {
            let bytes = std::fs::read(path).unwrap();
            let mut source = Source::from_bytes(name(path), bytes[1..].to_vec());
            let mut told = Vec::new();
            let mut tell = |problem: pollwatch_model::Problem| told.push(problem.to_string());
            let said = match bytes[0] {
                b'm' => read_manifest(&mut source, &mut tell).map(|manifest| format!("{manifest:?}")),
                b't' => read_batch_tallies(&mut source, &mut tell).map(|tallies| format!("{tallies:?}")),
                _ => read_hand_readings(&mut source, &election, &mut tell)
                    .map(|readings| format!("{readings:?}")),
            };
            format!(
                "{}: {} {told:?}",
                name(path),
                said.unwrap_or_else(|error| error.to_string())
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
