//! A recorded tally that does not rest on what the ledger held is told by `verify`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;

use jiff::Timestamp;
use pollwatch_casework::tally::{Basis, Level, Standing};
use pollwatch_engine::verify::verify;
use pollwatch_engine::{Novelty, Progress, SourceSpec, TallyQuery, Watcher, Workspace, desks};
use pollwatch_model::{Finding, Problem, Verdict};

struct Quiet;

impl Watcher for Quiet {
    fn finding(&mut self, _: &Finding, _: Novelty) {}
    fn problem(&mut self, _: &Problem) {}
    fn progress(&mut self, _: Progress<'_>) {}
}

const REGISTER: &str = r#"
schema = 1
owner = "Example County Clerk"

[[target]]
id = "wakefield-county"
name = "Wakefield County Clerk"
kind = "office"
state = "TX"
domains = ["wakefieldvotes.gov"]
"#;

fn now() -> Timestamp {
    "2018-08-01T00:00:00Z".parse().unwrap()
}

fn scan(workspace: &mut Workspace, dir: &Path, names: &str) {
    let file = dir.join("names.txt");
    std::fs::write(&file, names).unwrap();
    let desk = desks::named("lookalike").unwrap();
    // A run is named by its time.
    let later = now() + jiff::SignedDuration::from_secs(names.len() as i64);
    workspace
        .run(desk, &[SourceSpec::file(&file)], later, &mut Quiet)
        .unwrap();
}

/// Records the tally of what `lie` makes of the true basis, in a workspace of two findings; gives the faults that are told.
fn faults_of(lie: impl FnOnce(&mut Workspace, &Path, Basis) -> Basis) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ws");
    let mut workspace = Workspace::init(&dir, "", "county.example/ledger", Some(REGISTER), now()).unwrap();
    scan(
        &mut workspace,
        folder.path(),
        "wakefieldvotes.com\nlogin-wakefieldvotes.com\n",
    );
    let basis = workspace.tally_basis(&TallyQuery::default()).unwrap();
    assert!(basis.findings.len() >= 2);
    let basis = lie(&mut workspace, folder.path(), basis);
    workspace.record_tally(&basis, now()).unwrap();
    drop(workspace);
    let report = verify(&dir, None, None).unwrap();
    assert_eq!(report.tallies, 1);
    report.faults.into_iter().map(|fault| fault.what).collect()
}

#[test]
fn a_true_tally_follows_whatever_comes_after_it() {
    assert_eq!(faults_of(|_, _, basis| basis), [""; 0]);
    let later = faults_of(|workspace, folder, basis| {
        scan(workspace, folder, "wakefieldvotes.net\n");
        let id = basis.findings[0].id.to_string();
        workspace
            .decide(&id, Verdict::Dismissed, "ours", "clerk", now())
            .unwrap();
        workspace.tally_basis(&TallyQuery::default()).unwrap()
    });
    assert_eq!(later, [""; 0]);
}

#[test]
fn a_tally_that_leaves_out_changes_or_invents_a_finding_is_told() {
    let left_out = faults_of(|_, _, mut basis| {
        basis.findings.pop();
        basis
    });
    assert!(
        left_out.len() == 1 && left_out[0].contains("leaves out finding"),
        "{left_out:?}"
    );
    let changed = faults_of(|_, _, mut basis| {
        if let Standing::Counted { level, .. } = &mut basis.findings[0].standing {
            *level = Level::Contact;
        }
        basis
    });
    assert!(
        changed.len() == 1 && changed[0].contains("otherwise than the ledger held it"),
        "{changed:?}"
    );
    let dismissed = faults_of(|_, _, mut basis| {
        basis.findings[0].standing = Standing::Dismissed;
        basis
    });
    assert!(
        dismissed[0].contains("otherwise"),
        "nobody had dismissed it: {dismissed:?}"
    );
    let invented = faults_of(|_, _, mut basis| {
        let mut more = basis.findings[0].clone();
        more.origin = Some("nobody.example/ledger".to_owned());
        basis.findings.push(more);
        basis
    });
    assert!(
        invented[0].contains("which the ledger did not hold"),
        "{invented:?}"
    );
    let stale = faults_of(|workspace, folder, basis| {
        scan(workspace, folder, "wakefieldvotes.net\n");
        basis
    });
    assert!(
        stale[0].contains("leaves out finding"),
        "recorded after a finding that it does not count: {stale:?}"
    );
}
