//! What people write into a lookup page, and how honest programs name themselves, must not be spoken of.

use pollwatch_intrusion::payload::{Inspector, Scratch};
use pollwatch_intrusion::read::HeaderList;
use pollwatch_intrusion::{Hits, RequestFields, Weight};

fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[test]
fn targets_are_left_alone() {
    let inspector = Inspector::new();
    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
    let mut spoken = Vec::new();
    for target in rows(include_str!("data/innocent_targets.txt")) {
        let fields = RequestFields {
            target: target.as_bytes(),
            ..RequestFields::default()
        };
        inspector.inspect(&fields, &mut scratch, &mut hits);
        // A map server's `where=1=1` is a sign, which alone says nothing.
        for hit in hits
            .0
            .iter()
            .filter(|hit| hit.rule != "bare-tautology" || hit.weight == Weight::Strong)
        {
            spoken.push(format!("{:<24} {:?} {target}", hit.rule, hit.weight));
        }
        // The same as the page that somebody comes from.
        let referer = format!("https://vote.example.gov{target}");
        let fields = RequestFields {
            target: b"/static/site.css",
            referer: referer.as_bytes(),
            ..RequestFields::default()
        };
        inspector.inspect(&fields, &mut scratch, &mut hits);
        for hit in hits
            .0
            .iter()
            .filter(|hit| hit.rule != "bare-tautology" && hit.rule != "unlinked-file-probe")
        {
            spoken.push(format!("{:<24} {:?} referer {target}", hit.rule, hit.weight));
        }
    }
    assert!(spoken.is_empty(), "{}", spoken.join("\n"));
}

#[test]
fn agents_are_left_alone() {
    let inspector = Inspector::new();
    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
    let mut spoken = Vec::new();
    for agent in rows(include_str!("data/innocent_agents.txt")) {
        inspector.inspect_agent(agent.as_bytes(), &mut scratch, &mut hits);
        for hit in &hits.0 {
            spoken.push(format!("{:<24} {:?} {agent}", hit.rule, hit.weight));
        }
    }
    assert!(spoken.is_empty(), "{}", spoken.join("\n"));
}

#[test]
fn headers_are_left_alone() {
    let inspector = Inspector::new();
    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
    let mut spoken = Vec::new();
    for line in rows(include_str!("data/innocent_headers.txt")) {
        let (name, value) = line.split_once(": ").expect("`Name: value`");
        let list = HeaderList::default().with(name.as_bytes(), value.as_bytes());
        let fields = RequestFields {
            target: b"/",
            cookie: list.headers().value_of("cookie"),
            headers: list.headers(),
            ..RequestFields::default()
        };
        // A second time from what is remembered of the first.
        for _ in 0..2 {
            inspector.inspect(&fields, &mut scratch, &mut hits);
            for hit in &hits.0 {
                spoken.push(format!("{:<24} {:?} {line}", hit.rule, hit.weight));
            }
        }
    }
    assert!(spoken.is_empty(), "{}", spoken.join("\n"));
}
