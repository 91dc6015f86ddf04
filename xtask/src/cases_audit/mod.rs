//! The audit desk's cases: every file of a folder, each case by its `fn`, through the public interface.
//!
//! A file is `{…, cases: [{id, fn, input, expect | error}]}`. A case that has `error` instead of `expect` passes when the input is refused.

mod batches;
mod compare;
mod draws;
mod hybrid;
mod order;
mod polling;
mod ranked;
mod read;
mod safety;
mod sequential;
mod value;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// What came of a case: what was got, and whether it is what was expected; or why it was refused.
pub struct Got {
    /// As JSON.
    pub value: Value,
    /// Whether it meets the expectation.
    pub is_right: bool,
}

/// A case with the folder that its files lie in.
pub struct Case<'a> {
    /// The case itself.
    pub row: &'a Value,
    /// The names in it, in the order of the file.
    pub keys: &'a order::Keys,
    /// The folder given on the command line.
    pub root: &'a Path,
    /// The folder of the file that holds the case.
    pub folder: &'a Path,
}

impl Case<'_> {
    fn input(&self) -> &Value {
        &self.row["input"]
    }

    fn expect(&self) -> &Value {
        &self.row["expect"]
    }
}

/// Runs every case under `root`, prints each miss and a table, and writes one JSON line a case to `out`.
///
/// Errors: a folder or file that cannot be read, or `out` that cannot be written. A case that fails is a line of the table.
pub fn run(root: &Path, out: Option<&Path>) -> Result<()> {
    let mut file = out
        .map(|path| std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display())))
        .transpose()?
        .map(std::io::BufWriter::new);
    let mut counts: BTreeMap<String, (u32, u32, u32)> = BTreeMap::new();
    let mut files = Vec::new();
    find_files(root, &mut files)?;
    for path in files {
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let content: Value =
            serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
        let Some(rows) = content["cases"].as_array() else {
            continue;
        };
        let keys: order::Keys =
            serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
        for (index, row) in rows.iter().enumerate() {
            let name = row["fn"].as_str().unwrap_or("safety");
            let case = Case {
                row,
                keys: keys.at("cases").item(index),
                root,
                folder: path.parent().unwrap_or(root),
            };
            let (got, is_right, is_left) = match dispatch(name, &case) {
                Some(Ok(got)) => (got.value, got.is_right && row.get("error").is_none(), false),
                Some(Err(error)) => (
                    json!({"refused": format!("{error:#}")}),
                    row.get("error").is_some(),
                    false,
                ),
                None => (json!("not run: nothing here knows this function"), false, true),
            };
            let count = counts.entry(name.to_owned()).or_default();
            count.0 += u32::from(is_right);
            count.1 += 1;
            count.2 += u32::from(is_left);
            let line = json!({
                "file": path.strip_prefix(root).unwrap_or(&path).display().to_string(),
                "id": row["id"],
                "fn": name,
                "pass": is_right,
                "got": got,
                "expect": row.get("expect").or_else(|| row.get("error")),
            });
            if !is_right && !is_left {
                println!("miss: {}", shorten(&line.to_string()));
            }
            if let Some(file) = &mut file {
                writeln!(file, "{line}").context("cannot write the cases")?;
            }
        }
    }
    if let Some(mut file) = file {
        file.flush().context("cannot write the cases")?;
    }
    println!("{:<44} {:>6} {:>6} {:>8}", "audit", "right", "of", "not run");
    let mut sum = (0, 0, 0);
    for (function, (right, all, left)) in counts {
        println!("{function:<44} {right:>6} {all:>6} {left:>8}");
        sum = (sum.0 + right, sum.1 + all, sum.2 + left);
    }
    println!("{:<44} {:>6} {:>6} {:>8}", "all", sum.0, sum.1, sum.2);
    Ok(())
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 900 {
        return text.to_owned();
    }
    let start: String = text.chars().take(600).collect();
    let end: String = text.chars().skip(text.chars().count() - 280).collect();
    format!("{start} … {end}")
}

/// JSON files of the folder and of those in it, in order.
fn find_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("cannot read {}", folder.display()))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            find_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

fn dispatch(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    None.or_else(|| polling::run(name, case))
        .or_else(|| compare::run(name, case))
        .or_else(|| batches::run(name, case))
        .or_else(|| hybrid::run(name, case))
        .or_else(|| sequential::run(name, case))
        .or_else(|| draws::run(name, case))
        .or_else(|| ranked::run(name, case))
        .or_else(|| safety::run(name, case))
        .or_else(|| read::run(name, case))
}
