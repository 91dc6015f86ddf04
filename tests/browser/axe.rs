//! The rules of accessibility (axe-core), which `cargo xtask test` fetches; they are no part of the project.

use std::path::PathBuf;

use crate::page::Page;

/// The version that xtask fetches.
const VERSION: &str = "4.14.1";

/// The rules as text. Without them a test says that it was skipped, unless it runs where everything has to be there (`CI`).
pub fn rules() -> Option<String> {
    let path =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name(format!("axe-core-{VERSION}.min.js"));
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(_) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "there is no axe-core, and with CI set no test is skipped: cargo xtask test"
            );
            eprintln!("skipped: there is no axe-core (cargo xtask test fetches it)");
            None
        }
    }
}

/// What a page does against the rules of WCAG 2.2 A and AA and the usual good practice, each with where.
pub fn violations(page: &mut Page, rules: &str) -> Vec<String> {
    page.eval(&format!("{rules}; 0"));
    let found = page.eval(
        "axe.run(document, {iframes: false, resultTypes: ['violations'], runOnly: {type: 'tag', \
         values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}}) \
         .then((said) => said.violations.flatMap((one) => one.nodes.map((node) => one.id + ': ' + node.html.slice(0, 160))))",
    );
    let found = found.as_array().expect("a list");
    found
        .iter()
        .map(|one| one.as_str().unwrap_or_default().to_owned())
        .collect()
}
