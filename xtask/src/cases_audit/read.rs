//! Cases of readers.

use anyhow::Result;

use super::{Case, Got};

/// Dispatches the readers' functions (`import_cvr`, `import_cvr_totals`) and the property `undervoted-contest-is-on-the-card`; none is run yet.
pub fn run(_name: &str, _case: &Case<'_>) -> Option<Result<Got>> {
    None
}
