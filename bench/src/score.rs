//! Recall and alarms: the same sums for every tool, over the registrable names that it alarmed on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::inputs::{Group, ProtectedList, TruthRow, registrable};

/// Names found among names that should be found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recall {
    /// Found.
    pub hits: usize,
    /// Of so many.
    pub rows: usize,
}

/// The registrable names in a file of alarms.
pub fn read_alarms(path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().map(registrable).collect())
}

/// Recall over the rows that imitate a name of `list`: of all of them, and of the core ones.
pub fn recall(rows: &[TruthRow], list: &ProtectedList, alarms: &BTreeSet<String>) -> (Recall, Recall) {
    let (mut all, mut core) = (Recall::default(), Recall::default());
    for row in rows {
        if !row.imitates.iter().any(|name| list.domains.contains(name)) {
            continue;
        }
        let hit = usize::from(alarms.contains(&row.registrable));
        all = Recall {
            hits: all.hits + hit,
            rows: all.rows + 1,
        };
        if row.is_core {
            core = Recall {
                hits: core.hits + hit,
                rows: core.rows + 1,
            };
        }
    }
    (all, core)
}

/// One alarm a registrable name, divided by the names read, times a million.
pub fn alarms_per_million(alarms: &BTreeSet<String>, group: &Group) -> f64 {
    alarms.len() as f64 / (group.count as f64).max(1.0) * 1e6
}
