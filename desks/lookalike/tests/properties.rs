//! What holds for every name.

use pollwatch_lookalike::{Matcher, Outcome, Scratch, register_from_list};
use proptest::prelude::*;
use std::sync::LazyLock;

static MATCHER: LazyLock<Matcher> = LazyLock::new(|| {
    let (mut register, problems) = register_from_list(
        "register",
        "domain,organisation,category,source,state\n\
         harborcountyvotes.gov,Harbor County Clerk,gov,,OH\n\
         bluelakeparty.org,Blue Lake Party,political,,\n\
         microsoft.com,Microsoft,login,,\n\
         t-online.de,Telekom,login,,\n\
         gov.ua,Ukraine,gov,,\n",
    );
    assert!(problems.is_empty());
    register
        .allow
        .push("bluelakeparty-friends.example.com".to_owned());
    register.targets[1].owned.push("bluelake.party".to_owned());
    Matcher::compile(&register).0
});

fn judged(name: &str) -> Option<String> {
    let mut scratch = Scratch::default();
    MATCHER.judge(name, &mut scratch).ok().flatten().map(|hit| {
        format!(
            "{} {} {:.3}",
            MATCHER.protected(hit.imitates).domain,
            hit.technique,
            hit.score
        )
    })
}

proptest! {
    #[test]
    fn no_name_makes_it_panic(name in "\\PC{0,280}") {
        let mut scratch = Scratch::default();
        let _ = MATCHER.judge(&name, &mut scratch);
        let _ = MATCHER.explain(&name).map(|explanation| explanation.to_text());
    }

    #[test]
    fn no_host_name_makes_it_panic(name in "([a-z0-9-]{1,20}\\.){1,6}(com|top|gov-x\\.top|workers\\.dev|co\\.uk)", brand in prop::sample::select(vec!["", "microsoft", "rnicrosoft", "t-online", "gov-ua", "bluelakeparty.org", "xn--mcrosoft-tkb"])) {
        let mut scratch = Scratch::default();
        for name in [format!("{brand}{name}"), format!("{brand}.{name}"), format!("{brand}-{name}")] {
            if let Ok(Some(hit)) = MATCHER.judge(&name, &mut scratch) {
                let draft = MATCHER.draft(&hit, &scratch, pollwatch_model::Observed::default());
                for span in draft.reasons.iter().flat_map(|reason| &reason.spans) {
                    prop_assert_eq!(&scratch.name().ascii()[span.start as usize..span.end as usize], span.text.as_str());
                }
                prop_assert!(!draft.reasons.is_empty());
            }
            let _ = MATCHER.explain(&name).map(|explanation| explanation.to_text());
        }
    }

    #[test]
    fn an_owners_name_never_alarms(
        sub in "([a-z0-9-]{1,12}\\.){0,3}",
        own in prop::sample::select(vec!["harborcountyvotes.gov", "bluelakeparty.org", "bluelake.party", "microsoft.com", "bluelakeparty-friends.example.com", "mod.gov.ua"]),
    ) {
        let mut scratch = Scratch::default();
        if let Ok(outcome) = MATCHER.look(&format!("{sub}{own}"), &mut scratch) {
            prop_assert!(matches!(outcome, Outcome::Quiet(_)), "{:?}", outcome);
        }
    }

    #[test]
    fn how_a_name_is_written_does_not_matter(
        name in prop::sample::select(vec!["microsoft-login.top", "rnicrosoft.com", "bluelakeparty.cloud", "harborcountyvotes.gov-x.top"]),
        form in 0..6,
    ) {
        let written = match form {
            0 => name.to_uppercase(),
            1 => format!("*.{name}"),
            2 => format!("{name}."),
            3 => format!("https://{name}:8443/path?query"),
            4 => format!("  {name} "),
            _ => format!("HTTP://user@{name}/"),
        };
        prop_assert!(judged(name).is_some());
        prop_assert_eq!(judged(name), judged(&written));
    }

    #[test]
    fn each_typo_of_a_distinctive_name_is_found(at in 1usize..12, letter in b'a'..=b'z', kind in 0..5) {
        let mut seen = b"bluelakeparty".to_vec();
        match kind {
            0 => seen.insert(at, letter),
            1 => { seen.remove(at); }
            2 => seen[at] = letter,
            3 => seen.swap(at, at + 1),
            _ => seen.insert(at, seen[at]),
        }
        let seen = String::from_utf8(seen).expect("ASCII");
        prop_assume!(seen != "bluelakeparty");
        let found = judged(&format!("{seen}.com"));
        prop_assert!(found.as_ref().is_some_and(|found| found.starts_with("bluelakeparty.org")), "{} {:?}", seen, found);
    }
}

#[test]
fn one_matcher_serves_many_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Matcher>();
}
