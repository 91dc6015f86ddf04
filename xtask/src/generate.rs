//! `cargo xtask gen`: files that are made from the code and checked in.

use std::path::Path;

use anyhow::{Context, bail};
use pollwatch_model::{Finding, register};

use crate::root;

/// Writes the JSON Schemas and the description of the API, or with `check` fails when one on disk is stale.
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
    )
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
