//! What a person reads about a name.

use pollwatch_lookalike::{Matcher, Scratch, register_from_list};
use pollwatch_model::Observed;

fn matcher() -> Matcher {
    let (register, _) = register_from_list(
        "register",
        "domain,organisation,category,source,state\n\
         harborcountyvotes.gov,Harbor County Clerk,gov,,OH\n\
         bluelakeparty.org,Blue Lake Party,political,,\n\
         microsoft.com,Microsoft,login,,\n",
    );
    Matcher::compile(&register).0
}

#[test]
fn letters_stand_beneath_the_letters_they_imitate() {
    let matcher = matcher();
    let aligned = |name: &str| matcher.explain(name).unwrap().candidates[0].aligned.clone();
    insta::assert_snapshot!(aligned("secure-rnicrosoft-login.com"));
    insta::assert_snapshot!(aligned("login.bluelakepary.cloud"));
    insta::assert_snapshot!(aligned("harborcountyvotes.gov-verify.top"));
}

#[test]
fn a_quiet_name_says_why() {
    let matcher = matcher();
    insta::assert_snapshot!(matcher.explain("mail.bluelakeparty.org").unwrap().verdict);
    insta::assert_snapshot!(matcher.explain("example.com").unwrap().verdict);
    insta::assert_snapshot!(matcher.explain("bluelakeparty.example.gov").unwrap().verdict);
}

#[test]
fn a_draft_reads_well() {
    let matcher = matcher();
    let mut scratch = Scratch::default();
    let hit = matcher
        .judge("login.harborcountyvotes-verify.top", &mut scratch)
        .unwrap()
        .expect("an imitation");
    let draft = matcher.draft(&hit, &scratch, Observed::default());
    assert_eq!(draft.subject, "harborcountyvotes-verify.top");
    assert_eq!(draft.details["imitates"], "harborcountyvotes.gov");
    // Points move with every fit; the words do not.
    let words: Vec<String> = draft
        .reasons
        .iter()
        .map(|reason| format!("{}: {}", reason.code, reason.text))
        .collect();
    let mut words = words;
    words.sort();
    insta::assert_snapshot!(format!(
        "{}\n{}\n{}",
        draft.summary,
        words.join("\n"),
        draft.alternatives.join("\n")
    ));
}
