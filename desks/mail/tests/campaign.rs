//! Campaigns: who belongs together, who was targeted, what came of it; on messages made up here.

use jiff::Timestamp;
use pollwatch_mail::campaign::{Campaign, CampaignLink, Outcome, Role, Traits, TraitsInput, campaigns};
use proptest::prelude::*;

fn at(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(1_700_000_000 + second).ok()
}

fn nobody(_: &str) -> Option<Role> {
    None
}

fn link(url: &str) -> CampaignLink {
    let host = url.split('/').nth(2).unwrap_or_default().to_owned();
    CampaignLink {
        url: url.to_owned(),
        registrable: host.clone(),
        host,
        is_attacker: true,
        ..CampaignLink::default()
    }
}

/// A bad message number `n` to `to` with `links`.
fn bad(n: usize, to: &str, subject: &str, links: &[CampaignLink]) -> Traits {
    Traits::of(&TraitsInput {
        message: &format!("{n:064x}"),
        locator: &format!("box#{n}"),
        time: at(n as i64 * 60),
        is_bad: true,
        claim: "Google",
        recipients: &[to.to_owned()],
        subject,
        message_id: &format!("<{n:020x}@sender.example>"),
        links,
        from_address: &format!("no-reply{n}@sender.example"),
        ..TraitsInput::default()
    })
}

fn members(found: &[Campaign]) -> Vec<usize> {
    found.iter().map(|campaign| campaign.members.len()).collect()
}

#[test]
fn one_domain_joins_and_one_brand_does_not() {
    let all = [
        bad(1, "ana@x.example", "One", &[link("https://evil.example/a")]),
        bad(2, "tom@x.example", "Two", &[link("https://evil.example/b")]),
        bad(3, "kim@x.example", "Three", &[link("https://other.example/c")]),
    ];
    let found = campaigns(&all, &nobody);
    assert_eq!(members(&found), [2, 1]);
    assert_eq!(found[0].joins[0].why, "both lead to or come from evil.example");
}

#[test]
fn a_kit_is_known_by_its_path_on_another_host() {
    let all = [
        bad(
            1,
            "ana@x.example",
            "One",
            &[link("https://a.example/q/?c=ana@x.example")],
        ),
        bad(
            2,
            "tom@x.example",
            "Two",
            &[link("https://b.example/q/?c=dG9tQHguZXhhbXBsZQ==")],
        ),
    ];
    let found = campaigns(&all, &nobody);
    assert_eq!(members(&found), [2]);
    assert_eq!(
        found[0].joins[0].why,
        "same path /q/?c=<address> on two hosts, a.example and b.example"
    );
}

#[test]
fn shared_hosts_join_only_by_tenant_or_whole_link() {
    let shared = |url: &str| CampaignLink {
        is_shared_host: true,
        ..link(url)
    };
    let form = "https://docs.google.com/forms/d/e/1FAIpQLSd0000/viewform";
    let all = [
        bad(1, "a@x.example", "One", &[shared(form)]),
        bad(2, "b@x.example", "Two", &[shared(form)]),
        bad(
            3,
            "c@x.example",
            "Three",
            &[shared("https://docs.google.com/forms/d/e/1FAI9999/viewform")],
        ),
        bad(4, "d@x.example", "Four", &[shared("https://one.pages.dev/")]),
        bad(5, "e@x.example", "Five", &[shared("https://two.pages.dev/")]),
        bad(6, "f@x.example", "Six", &[shared("https://one.pages.dev/x")]),
    ];
    assert_eq!(members(&campaigns(&all, &nobody)), [2, 1, 2, 1]);
}

#[test]
fn persons_and_what_came_of_it() {
    let mut all = vec![
        bad(
            1,
            "ana@x.example",
            "Someone has your password",
            &[link("https://evil.example/a")],
        ),
        bad(
            2,
            "ben@x.example",
            "Your account is in danger",
            &[link("https://evil.example/b")],
        ),
        bad(
            3,
            "old@x.example",
            "Someone has your password",
            &[link("https://evil.example/c")],
        ),
    ];
    all.push(Traits::of(&TraitsInput {
        message: "d1",
        time: at(4000),
        recipients: &["no-reply3@sender.example".to_owned()],
        subject: "Undeliverable: Someone has your password",
        delivery_report: "550 5.1.1 <old@x.example>: user unknown",
        ..TraitsInput::default()
    }));
    all.push(Traits::of(&TraitsInput {
        message: "d2",
        time: at(7200),
        reporter: Some("Ben@x.example"),
        reporter_text: "I got the Google mail and changed my password with the button. Anything else?",
        subject: "changed my password",
        ..TraitsInput::default()
    }));
    all.push(Traits::of(&TraitsInput {
        message: "d3",
        time: at(4000),
        subject: "Undelivered Mail Returned to Sender",
        delivery_report: "550 5.1.1 user unknown <someone@y.example>",
        ..TraitsInput::default()
    }));
    let found = campaigns(&all, &nobody);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].evidence, [3, 4]);
    let outcomes: Vec<(&str, Outcome)> = found[0]
        .people
        .iter()
        .map(|p| (p.address.as_str(), p.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("ana@x.example", Outcome::Unknown),
            ("ben@x.example", Outcome::CredentialsEntered),
            ("old@x.example", Outcome::NotDelivered),
        ]
    );
    assert_eq!(found[0].reported_by, ["ben@x.example"]);
    assert_eq!(found[0].first_report_after, Some(7200 - 60));
}

#[test]
fn a_run_can_be_saved_and_the_id_stays_when_mail_arrives() {
    let mut all = vec![bad(5, "ana@x.example", "One", &[link("https://evil.example/a")])];
    let first = campaigns(&all, &nobody)[0].id.clone();
    let saved = serde_json::to_string(&all).expect("traits are plain data");
    let again: Vec<Traits> = serde_json::from_str(&saved).expect("it was written above");
    assert_eq!(again, all);
    all.push(bad(9, "tom@x.example", "Two", &[link("https://evil.example/b")]));
    assert_eq!(campaigns(&all, &nobody)[0].id, first);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_input_does_not_matter(
        made in proptest::collection::vec((0usize..6, 0usize..4, 0usize..5, any::<bool>()), 1..30),
    ) {
        let all: Vec<Traits> = made.iter().enumerate().map(|(n, (host, path, person, is_bad))| {
            let to = format!("p{person}@x.example");
            let links = [link(&format!("https://h{host}.example/kit/steppage{path}x/?who={to}"))];
            let mut traits = bad(n, &to, &format!("Your mailbox number {path} is full"), &links);
            traits.is_bad = *is_bad;
            traits.reporter = (!is_bad).then_some(to);
            traits
        }).collect();
        let last = all.len() - 1;
        let mixed: Vec<Traits> = all.iter().rev().cloned().collect();
        let one = campaigns(&all, &nobody);
        let mut two = campaigns(&mixed, &nobody);
        for campaign in &mut two {
            for position in campaign.members.iter_mut().chain(&mut campaign.evidence) {
                *position = last - *position;
            }
        }
        prop_assert_eq!(one, two);
    }
}
