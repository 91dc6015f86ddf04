//! The desk, fed as the engine feeds it.

use std::sync::Arc;

use pollwatch_lookalike::{LookalikeDesk, register_from_list};
use pollwatch_model::{
    Coverage, Ctx, Desk as _, DeskError, Draft, Excerpt, Fed, Flow, Input, Position, Problem, Sink,
};

#[derive(Default)]
struct Kept {
    drafts: Vec<(Draft, Vec<Excerpt>)>,
    coverage: Vec<Coverage>,
    problems: Vec<Problem>,
    pause: bool,
}

impl Sink for Kept {
    fn finding(&mut self, draft: Draft, excerpts: Vec<Excerpt>) -> Result<(), DeskError> {
        self.drafts.push((draft, excerpts));
        Ok(())
    }
    fn coverage(&mut self, coverage: Coverage) {
        self.coverage.push(coverage);
    }
    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
    fn flow(&mut self, _records: u64) -> Flow {
        if self.pause { Flow::Pause } else { Flow::Continue }
    }
}

fn ctx() -> Ctx {
    let (register, _) = register_from_list(
        "r",
        "domain,organisation,category\nharborcountyvotes.gov,Harbor County Clerk,gov\n",
    );
    Ctx {
        register: Arc::new(register),
        settings: serde_json::Value::Null,
        now: "2026-01-01T00:00:00Z".parse().expect("a time"),
        seed: 1,
        scratch: None,
        judges: Default::default(),
    }
}

fn input() -> Input {
    Input {
        name: "names.txt".to_owned(),
        role: String::new(),
        format: None,
    }
}

#[test]
fn one_finding_a_domain_with_its_line_and_coverage() {
    let names = "example.com\nharborcountyvotes-login.top\nwww.harborcountyvotes-login.top\na..b\nharborcountyvotes.gov\n";
    let mut kept = Kept::default();
    let mut run = LookalikeDesk.open(&ctx(), None).expect("it works");
    let fed = run
        .feed(&input(), Position::default(), &mut names.as_bytes(), &mut kept)
        .expect("it works");
    assert!(matches!(fed, Fed::End(at) if at.offset == names.len() as u64));
    run.finish(&mut kept).expect("it works");
    assert_eq!(kept.drafts.len(), 1);
    let (draft, excerpts) = &kept.drafts[0];
    assert_eq!(draft.subject, "harborcountyvotes-login.top");
    assert_eq!(excerpts[0].locator, "names.txt:2");
    assert_eq!(excerpts[0].bytes, b"harborcountyvotes-login.top");
    assert_eq!(kept.problems.len(), 1);
    assert_eq!(
        kept.problems[0].to_string(),
        "names.txt:4: not a name: a label is empty"
    );
    let coverage = &kept.coverage[0];
    assert_eq!(
        (
            coverage.records_read,
            coverage.records_unread,
            coverage.is_complete
        ),
        (4, 1, true)
    );
}

#[test]
fn a_run_that_pauses_and_is_taken_up_ends_as_one_that_did_not() {
    let mut names = String::new();
    for number in 0..3000 {
        names.push_str(&format!(
            "harborcountyvotes-login{}.top\nexample{number}.com\n",
            number % 7
        ));
    }
    let mut whole = Kept::default();
    let mut run = LookalikeDesk.open(&ctx(), None).expect("it works");
    run.feed(&input(), Position::default(), &mut names.as_bytes(), &mut whole)
        .expect("it works");

    let mut parts = Kept {
        pause: true,
        ..Kept::default()
    };
    let (mut at, mut saved) = (Position::default(), None);
    loop {
        let mut run = LookalikeDesk.open(&ctx(), saved.as_ref()).expect("it works");
        let fed = run
            .feed(
                &input(),
                at,
                &mut &names.as_bytes()[at.offset as usize..],
                &mut parts,
            )
            .expect("it works");
        saved = Some(run.save().expect("it works"));
        match fed {
            Fed::Paused(position) => at = position,
            Fed::End(_) => break,
        }
    }
    let subjects = |kept: &Kept| {
        kept.drafts
            .iter()
            .map(|(draft, _)| draft.subject.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(subjects(&whole), subjects(&parts));
    assert_eq!(whole.coverage, parts.coverage);
}

#[test]
fn a_state_of_another_version_is_refused() {
    let saved = pollwatch_model::Saved {
        version: 99,
        bytes: Vec::new(),
    };
    let error = LookalikeDesk
        .open(&ctx(), Some(&saved))
        .err()
        .expect("refused")
        .to_string();
    assert!(error.contains("99"), "{error}");
}
