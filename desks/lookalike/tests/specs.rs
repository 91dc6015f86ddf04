//! Runs the specifications in `tests/specs`: prose, a register, and what is expected of each name.

use pollwatch_lookalike::{Matcher, Outcome, Scratch, register_from_list};

/// The fenced block that begins with this word after the backticks.
fn block<'a>(text: &'a str, title: &str) -> &'a str {
    let opening = format!("```{title}\n");
    let start = text.find(&opening).expect("the block is there") + opening.len();
    let end = text[start..].find("```").expect("the block ends");
    &text[start..start + end]
}

#[test]
fn the_specifications_hold() {
    let mut failures = Vec::new();
    let mut specs: Vec<_> = std::fs::read_dir("tests/specs")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
        .collect();
    specs.sort();
    assert!(specs.len() >= 2);
    for path in specs {
        let text = std::fs::read_to_string(&path).unwrap();
        let (register, problems) = register_from_list("register", block(&text, "csv register"));
        assert!(problems.is_empty(), "{problems:?}");
        let (matcher, problems) = Matcher::compile(&register);
        assert!(problems.is_empty(), "{problems:?}");
        let mut scratch = Scratch::default();
        for line in block(&text, "expect").lines() {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let got = match matcher.look(cells[0], &mut scratch).unwrap() {
                Outcome::Hit(hit) if hit.severity.is_alarm() => {
                    format!(
                        "alarm {} {}",
                        matcher.protected(hit.imitates).domain,
                        hit.technique
                    )
                }
                Outcome::Hit(_) | Outcome::Nothing => "nothing".to_owned(),
                Outcome::Quiet(_) | Outcome::Government | Outcome::Suffix => "quiet".to_owned(),
            };
            if got != cells[1..].join(" ") {
                let explained = matcher.explain(cells[0]).unwrap().to_text();
                failures.push(format!(
                    "{}: wanted {line}, got {got}\n{explained}",
                    path.display()
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
