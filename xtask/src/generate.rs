//! `cargo xtask gen`: files that are made from the code and checked in.

use std::path::Path;

use anyhow::{Context, bail};
use pollwatch_model::{Finding, register};

use crate::root;

/// Writes the JSON Schemas, the description of the API and the list of fuzz targets, or with `check` fails when one on disk is stale.
pub fn run(check: bool) -> anyhow::Result<()> {
    let mut finding = schemars::schema_for!(Finding).to_value();
    finding["title"] = "Pollwatch finding, schema 1".into();
    let schemas = root().join("docs/schemas");
    write(&schemas.join("finding-1.json"), &pretty(&finding)?, check)?;
    write(
        &schemas.join("register-1.json"),
        &pretty(&register::json_schema())?,
        check,
    )?;
    write(
        &schemas.join("openapi-1.json"),
        &pretty(&pollwatch_server::openapi_document())?,
        check,
    )?;
    let fuzz = root().join("fuzz");
    write(&fuzz.join("Cargo.toml"), &fuzz_manifest(&fuzz)?, check)
}

/// The manifest of the fuzz targets: what stands before the first target, then a target for every file of `fuzz_targets`, so
/// that none is forgotten and two changes beside each other make no manifest that cannot be read.
fn fuzz_manifest(fuzz: &Path) -> anyhow::Result<String> {
    let manifest = fuzz.join("Cargo.toml");
    let text =
        std::fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let head = text.split("[[bin]]").next().unwrap_or_default();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(fuzz.join("fuzz_targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    let bins = names.iter().map(|name| {
        format!("\n[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\ntest = false\ndoc = false\nbench = false\n")
    });
    Ok(head.trim_end().to_owned() + "\n" + &bins.collect::<String>())
}

fn pretty(value: &serde_json::Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn write(path: &Path, contents: &str, check: bool) -> anyhow::Result<()> {
    let is_current = std::fs::read_to_string(path).is_ok_and(|found| found == contents);
    if is_current {
        return Ok(());
    }
    if check {
        bail!("{} is stale: run `cargo xtask gen` and commit it", path.display());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, contents).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}
