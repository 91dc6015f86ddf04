//! All cases of `exchange/tlog` but RFC 3161, through the public interface.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::path::PathBuf;

#[path = "../../../xtask/src/cases_ledger.rs"]
mod cases_ledger;

#[test]
fn every_case_passes() {
    let shared = std::env::var_os("POLLWATCH_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")));
    let dir = shared.join("cases/exchange/tlog");
    if !dir.is_dir() {
        eprintln!("skipped: no ../shared");
        return;
    }
    let (mut count, mut failed) = (0, Vec::new());
    cases_ledger::run(&dir, &mut |line| {
        count += 1;
        if line["pass"] != true {
            failed.push(line.to_string());
        }
    })
    .unwrap();
    eprintln!("{count} cases");
    assert!(
        failed.is_empty(),
        "{} of {count} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert!(count > 250, "only {count} cases were found");
}
