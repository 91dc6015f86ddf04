//! Runs folders of cases with known answers.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::cases_ledger;

/// Runs the ledger's cases, prints how many of each function pass and every miss, and writes them to `out`.
pub fn run_ledger(dir: &Path, out: Option<&Path>) -> anyhow::Result<()> {
    let mut file = out
        .map(|path| std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display())))
        .transpose()?
        .map(std::io::BufWriter::new);
    let mut counts: std::collections::BTreeMap<String, (u32, u32)> = std::collections::BTreeMap::new();
    let mut failure = None;
    cases_ledger::run(dir, &mut |case| {
        let function = case["fn"].as_str().unwrap_or("?").to_owned();
        let count = counts.entry(function).or_default();
        count.1 += 1;
        if case["pass"] == true {
            count.0 += 1;
        } else {
            println!("miss: {case}");
        }
        if let Some(file) = &mut file
            && let Err(error) = writeln!(file, "{case}")
        {
            failure = Some(error);
        }
    })?;
    if let Some(error) = failure {
        return Err(error).context("cannot write the cases");
    }
    if let Some(mut file) = file {
        file.flush().context("cannot write the cases")?;
    }
    println!("{:<24} {:>6} {:>6}", "ledger", "right", "of");
    for (function, (right, all)) in counts {
        println!("{function:<24} {right:>6} {all:>6}");
    }
    Ok(())
}
