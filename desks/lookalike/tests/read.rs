//! Reading names: worked cases of every format, and what holds for any input.

// The lint spares test functions, not the helpers that they share.
#![allow(clippy::unwrap_used)]

use std::io::{self, BufRead, BufReader, Read};

use pollwatch_lookalike::read::{Item, MAX_EXCERPT_BYTES, NameReader, read_names};
use pollwatch_model::{DeskError, Fed, Flow, Input, Position};
use proptest::prelude::*;

fn input() -> Input {
    Input {
        name: "in".into(),
        role: String::new(),
        format: None,
    }
}

/// One item as text: `line: name [time]`, or `line! what`.
fn told(item: &Item<'_>) -> String {
    match item {
        Item::Name(record) => {
            assert!(record.excerpt.len() <= MAX_EXCERPT_BYTES && !record.name.is_empty());
            let seen = record.seen.map(|seen| format!(" [{seen}]")).unwrap_or_default();
            format!("{}: {}{seen}", record.record, record.name)
        }
        Item::Problem(problem) => {
            assert!(
                !problem.what.contains(|c: char| c.is_control()),
                "{:?}",
                problem.what
            );
            let lost = if problem.records_lost > 0 { "lost: " } else { "" };
            format!("{}! {lost}{}", problem.record.unwrap(), problem.what)
        }
    }
}

fn read_all(format: Option<&str>, bytes: &mut dyn BufRead) -> (Vec<String>, NameReader) {
    let mut reader = NameReader::open(format, &input()).unwrap();
    let mut items = Vec::new();
    let fed = reader
        .read(Position::default(), bytes, &mut |item| {
            items.push(told(&item));
            Flow::Continue
        })
        .unwrap();
    let Fed::End(end) = fed else {
        panic!("nobody asked to pause")
    };
    let counts = reader.counts();
    assert_eq!(counts.lines, end.record);
    assert_eq!(
        counts.lines,
        counts.with_names + counts.without_names + counts.lost,
        "{counts:?}"
    );
    assert_eq!(
        counts.names,
        items.iter().filter(|item| !item.contains('!')).count() as u64
    );
    (items, reader)
}

fn items(format: Option<&str>, mut text: &[u8]) -> Vec<String> {
    read_all(format, &mut text).0
}

#[test]
fn plain_lines() {
    let found = items(None, include_bytes!("data/names.txt"));
    assert_eq!(
        found,
        [
            "2: adfs-senate.services",
            "4: *.ohio-gov-tc.bar",
            "5: https://login.example:8443/path?q=1",
            "6! lost: the name holds a NUL byte",
            "7! lost: the name is not valid UTF-8",
            "8: HRCofficeé.example",
            "10: last.example",
        ]
    );
}

#[test]
fn an_excerpt_is_the_line_as_it_stands() {
    let mut excerpts = Vec::new();
    let mut text: &[u8] = b"  a.example \textra\r\nb.example";
    read_names(
        Some("lines"),
        &input(),
        Position::default(),
        &mut text,
        &mut |item| {
            if let Item::Name(record) = item {
                excerpts.push(record.excerpt.to_vec());
            }
            Flow::Continue
        },
    )
    .unwrap();
    assert_eq!(excerpts, [b"  a.example \textra".to_vec(), b"b.example".to_vec()]);
}

#[test]
fn csv_with_header() {
    let expected = [
        "3: senate-mail.example [2018-06-01T12:00:00Z]",
        "4: vote-\"ohio\".example [2018-06-02T00:00:00Z]",
        "6! the row has 2 fields where the first row has 4; the name may not be the one that was meant",
        "6: short.example",
        "7! lost: the column of names is empty",
        "9! the time of the row cannot be read; this is said once for the file",
        "9: late.example",
        "10! the row has 5 fields where the first row has 4; the name may not be the one that was meant",
        "10: wide.example [2018-06-04T10:00:00Z]",
        "11: after.example [2018-06-05T12:00:00Z]",
        "12! lost: a quote or parenthesis is opened and never closed",
        "13: next.example [2018-06-06T00:00:00Z]",
        "14: last.example [2018-06-07T00:00:00Z]",
    ];
    let text = include_bytes!("data/names.csv");
    assert_eq!(items(None, text), expected);
    assert_eq!(items(Some("csv:domain"), text), expected);
}

#[test]
fn csv_without_header_and_with_other_separators() {
    let ranked = ["1: example.org", "2: example.net", "3: xn--exmple-cua.example"];
    assert_eq!(items(None, include_bytes!("data/ranked.csv")), ranked);
    assert_eq!(items(None, b"rank\tfqdn\n1\ta.example\n"), ["2: a.example"]);
    assert_eq!(items(None, b"Domain name;x\na.example;1\n"), ["2: a.example"]);
    assert_eq!(items(None, b"\"domain\"\na.example\n"), ["2: a.example"]);
}

#[test]
fn json_lines() {
    let found = items(None, include_bytes!("data/stream.jsonl"));
    assert_eq!(
        found,
        [
            "2: senate.example [2018-06-26T08:00:00.123Z]",
            "2: *.senate.example [2018-06-26T08:00:00.123Z]",
            "3: one.example",
            "3: two.example",
            "4: three.example",
            "5: four.example [2018-06-26T08:00:00Z]",
            "6: five.example [2024-12-03T17:37:58Z]",
            "7: six.example",
            "9: seven.example",
            "9! 3 of 4 names of the message are no text without control bytes",
            "10! lost: the line breaks off within a JSON value",
            "11! lost: the JSON value has no field that holds names",
            "12! lost: none of the 1 names of the message is a text without control bytes",
        ]
    );
}

#[test]
fn zone_of_delegations() {
    assert_eq!(
        items(None, include_bytes!("data/gov.zone")),
        ["8: a1.county.gov", "12: county.gov", "15: state.gov"]
    );
}

#[test]
fn zone_with_every_form() {
    assert_eq!(
        items(None, include_bytes!("data/small.zone")),
        [
            "8: ns1.example",
            "10: county.example",
            "12: senate.example",
            "14! lost: the owner holds an escaped byte that is in no host name",
            "15! lost: $INCLUDE is not followed; give the file that it names as an input of its own",
            "16! lost: the directive is not known and was not followed",
            "19: deep.sub.example",
            "20! lost: the line is no record of a zone: it has no known record type with data",
        ]
    );
}

#[test]
fn one_stray_parenthesis_loses_one_line() {
    let mut zone = b"$ORIGIN test.\na NS ( x\n".to_vec();
    for number in 0..200_000 {
        zone.extend_from_slice(format!("n{number} NS x\n").as_bytes());
    }
    let found = items(Some("zone"), &zone);
    assert_eq!(found.len(), 200_001);
    assert_eq!(
        found[0],
        "2! lost: a quote or parenthesis is opened and never closed"
    );
}

#[test]
fn what_cannot_be_read_at_all_says_what_to_do() {
    let fails = |format: Option<&str>, mut text: &[u8]| {
        let result = read_names(format, &input(), Position::default(), &mut text, &mut |_| {
            Flow::Continue
        });
        result.unwrap_err().to_string()
    };
    assert_eq!(
        fails(Some("csv:host"), b"a,b\x1b\n1,2\n"),
        "cannot read in: it has no column \"host\"; it has \"a\", \"b\\u{1b}\""
    );
    assert_eq!(
        fails(None, b"rank,site\n1,a.example\n"),
        "cannot read in: no column is titled domain, domain name, domain_name, fqdn, hostname, host, name; it has \
         \"rank\", \"site\": say which one holds the names with the format csv:COLUMN"
    );
    assert!(fails(None, b"[\n\"a.example\"\n]\n").contains("jq -c"));
    assert!(fails(None, b"\xff\xfea\0").contains("UTF-16"));
    assert!(fails(Some("xml"), b"").contains("the formats are lines, csv, csv:COLUMN, jsonl, zone"));
}

#[test]
fn nothing_in_nothing_out() {
    for format in [
        None,
        Some("lines"),
        Some("csv"),
        Some("csv:x"),
        Some("jsonl"),
        Some("zone"),
    ] {
        assert!(items(format, b"").is_empty());
        assert!(items(format, b"\n\r\n\n").is_empty());
    }
}

/// Bytes that are made as they are read: `prefix`, then `left` times `a`, then `suffix`.
struct LongLine {
    prefix: &'static [u8],
    left: u64,
    suffix: &'static [u8],
}

impl Read for LongLine {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.prefix.is_empty() {
            return self.prefix.read(out);
        }
        if self.left == 0 {
            return self.suffix.read(out);
        }
        let len = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        out[..len].fill(b'a');
        self.left -= len as u64;
        Ok(len)
    }
}

/// Memory at its highest, in KiB, as Linux tells it.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

#[test]
fn a_line_longer_than_memory_is_one_lost_record() {
    for format in [
        None,
        Some("lines"),
        Some("csv:domain"),
        Some("jsonl"),
        Some("zone"),
    ] {
        let before = peak_memory_kib();
        let (prefix, after): (&'static [u8], &'static [u8]) = match format {
            Some("csv:domain") => (b"domain\n", b"\nb.example\n"),
            Some("jsonl") => (b"\"x.example\"\n", b"\n\"b.example\"\n"),
            Some("zone") => (b"$ORIGIN example.\n", b"\nb NS c\n"),
            _ => (b"x.example\n", b"\nb.example\n"),
        };
        let line = LongLine {
            prefix,
            left: 300_000_000,
            suffix: after,
        };
        let (found, _) = read_all(format, &mut BufReader::with_capacity(256 * 1024, line));
        let [.., lost, last] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(
            lost,
            "2! lost: the line of 300000001 bytes is too long for a name and was skipped"
        );
        assert_eq!(last, "3: b.example");
        let grown = peak_memory_kib() - before;
        assert!(grown < 100_000, "{format:?} took {grown} KiB");
    }
}

#[test]
fn a_source_that_fails_leaves_what_came_before() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("cut off"))
        }
    }
    let text: &[u8] = b"domain,x\na.example,1\nb.example,\"2\n3";
    let mut reader = NameReader::open(None, &input()).unwrap();
    let mut found = Vec::new();
    let error = reader
        .read(
            Position::default(),
            &mut BufReader::new(text.chain(Fails)),
            &mut |item| {
                found.push(told(&item));
                Flow::Continue
            },
        )
        .unwrap_err();
    assert!(
        matches!(
            error,
            DeskError::Io {
                at: Position {
                    offset: 21,
                    record: 2
                },
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(found, ["2: a.example"]);
    // From there the whole input can be read on.
    let mut rest = &text[21..];
    let at = Position {
        offset: 21,
        record: 2,
    };
    reader
        .read(at, &mut rest, &mut |item| {
            found.push(told(&item));
            Flow::Continue
        })
        .unwrap();
    assert_eq!(
        found[1..],
        [
            "3! lost: a quote or parenthesis is opened and never closed",
            "4! the row has 1 fields where the first row has 2; the name may not be the one that was meant",
            "4: 3",
        ]
    );
    assert_eq!(reader.counts().lines, 4);
}

#[test]
fn a_saved_state_of_another_kind_is_refused() {
    let reader = NameReader::open(Some("zone"), &input()).unwrap();
    let mut saved = reader.save();
    assert_eq!(NameReader::restore(saved.clone()).unwrap(), reader);
    saved["version"] = 2.into();
    let error = NameReader::restore(saved).unwrap_err().to_string();
    assert!(error.contains("of version 2, this program knows 1"), "{error}");
    assert!(NameReader::restore(serde_json::json!({"x": 1})).is_err());
}

/// Reads with a pause after every `every` items, saving and restoring in between, from a source that gives `portion` bytes
/// at a time. `Err` is the message of an error.
fn read_with_pauses(
    format: Option<&str>,
    text: &[u8],
    every: usize,
    portion: usize,
) -> Result<(Vec<String>, NameReader), String> {
    let mut reader = NameReader::open(format, &input()).unwrap();
    let mut at = Position::default();
    let mut found = Vec::new();
    loop {
        let mut bytes = BufReader::with_capacity(portion, &text[at.offset as usize..]);
        let mut since = 0;
        let fed = reader
            .read(at, &mut bytes, &mut |item| {
                found.push(told(&item));
                since += 1;
                if since >= every {
                    Flow::Pause
                } else {
                    Flow::Continue
                }
            })
            .map_err(|error| error.to_string())?;
        match fed {
            Fed::End(end) => {
                assert_eq!(end.offset, text.len() as u64);
                return Ok((found, reader));
            }
            Fed::Paused(reached) => {
                assert!(since >= every && reached > at);
                // Exactly what lies before the position was taken from the source.
                let mut rest = Vec::new();
                bytes.read_to_end(&mut rest).unwrap();
                assert_eq!(rest, &text[reached.offset as usize..]);
                at = reached;
                reader = NameReader::restore(reader.save()).unwrap();
            }
        }
    }
}

const FORMATS: [Option<&str>; 6] = [
    None,
    Some("lines"),
    Some("csv"),
    Some("csv:domain"),
    Some("jsonl"),
    Some("zone"),
];

fn check_pauses_and_portions(text: &[u8]) {
    for format in FORMATS {
        let whole = read_with_pauses(format, text, usize::MAX, 64 * 1024);
        if let Ok((_, reader)) = &whole {
            let counts = reader.counts();
            assert_eq!(
                counts.lines,
                counts.with_names + counts.without_names + counts.lost,
                "{counts:?}"
            );
        }
        for (every, portion) in [(1, 64 * 1024), (1, 1), (3, 7), (usize::MAX, 1)] {
            assert_eq!(
                read_with_pauses(format, text, every, portion),
                whole,
                "{format:?} {every} {portion}"
            );
        }
    }
}

#[test]
fn pauses_and_portions_change_nothing() {
    check_pauses_and_portions(include_bytes!("data/names.txt"));
    check_pauses_and_portions(include_bytes!("data/names.csv"));
    check_pauses_and_portions(include_bytes!("data/ranked.csv"));
    check_pauses_and_portions(include_bytes!("data/stream.jsonl"));
    check_pauses_and_portions(include_bytes!("data/gov.zone"));
    check_pauses_and_portions(include_bytes!("data/small.zone"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_the_same_way(text in prop::collection::vec(any::<u8>(), 0..400)) {
        check_pauses_and_portions(&text);
    }

    #[test]
    fn any_mix_of_what_formats_are_made_of(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "\n", "\n", "\r\n", "\"", "\"\"", ",", "\t", " ", "(", ")", ";", "\\", "\\065", "@", "domain", "a.example",
                "b", "$ORIGIN ", "IN ", "NS ", "SOA ", "3600 ", "{", "}", "[", "]", ":", "\"domain\":", "\"data\":",
                "\"c.example\"", "#", "\0", "é", "\u{feff}", "name", "date", "2018-01-01",
            ]),
            0..80,
        )
    ) {
        check_pauses_and_portions(pieces.concat().as_bytes());
    }
}
