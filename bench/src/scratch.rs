//! Where the bench keeps what it makes: `target/bench`, which is never cleared, so that a second run finds its peers.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The root of the workspace.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The scratch folder, made if need be; beside the rest of what cargo builds.
pub fn folder() -> anyhow::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || workspace_root().join("target"),
        |target| workspace_root().join(target),
    );
    let folder = target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
