//! Authentication against published vectors, hostile bytes, and the suites where they are at hand.

#[path = "../../../xtask/src/cases_mail_auth.rs"]
mod suites;

use std::path::Path;

use pollwatch_mail::authenticate::dns::{Completeness, Entry, NoDns, Recorded};
use pollwatch_mail::authenticate::{Boundary, MethodResult, State, authenticate, dkim, results, spf, tags};
use pollwatch_mail::limits::Budget;
use pollwatch_mail::message::Message;
use proptest::prelude::*;

#[test]
#[expect(clippy::print_stderr, reason = "says that the suites are not at hand")]
fn suites_pass() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/mail/auth-suites");
    if !dir.is_dir() {
        eprintln!("skipped: no ../shared");
        return;
    }
    let mut wrong = Vec::new();
    for (suite, rows) in suites::run(&dir).expect("the suites can be read") {
        let passed = rows.iter().filter(|row| row.pass).count();
        eprintln!("{suite}: {passed} of {}", rows.len());
        for row in rows.iter().filter(|row| !row.pass) {
            wrong.push(format!(
                "{suite} {}: expected {}, got {}",
                row.case, row.expect, row.got
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// RFC 7208, appendix A.
#[test]
fn spf_of_the_standard() {
    let zone = r#"{"example.com": {"TXT": ["v=spf1 mx -all"], "MX": [[10, "mail-a.example.com"]]},
        "mail-a.example.com": {"A": ["192.0.2.129"]}}"#;
    let zone = Recorded::from_json(zone, Completeness::Whole).expect("it is a zone");
    let check = |ip: &str| {
        let ip = ip.parse().expect("it is an address");
        spf::check(
            &zone,
            ip,
            "h.example",
            "a@example.com",
            &spf::SpfContext::default(),
        )
        .result
    };
    assert_eq!(check("192.0.2.129"), MethodResult::Pass);
    assert_eq!(check("192.0.2.1"), MethodResult::Fail);
}

#[test]
fn what_was_not_recorded_is_not_a_fail() {
    let ip = "192.0.2.1".parse().expect("it is an address");
    let outcome = spf::check(
        &NoDns,
        ip,
        "h.example",
        "a@example.com",
        &spf::SpfContext::default(),
    );
    assert_eq!(outcome.result, MethodResult::NotCheckable);
    let message = Message::read(b"From: a@example.com\r\n\r\nx", &mut Budget::default());
    let known = authenticate(&message, &Boundary::default(), Some(&NoDns));
    assert_eq!(known.state, State::NotCheckable);
    assert!(!known.why_not.is_empty());
}

/// RFC 6376, section 3.4.5.
#[test]
fn canonical_forms_of_the_standard() {
    let body = b" C \r\nD \t E\r\n\r\n\r\n";
    assert_eq!(tags::canonical_body(body, tags::Canon::Relaxed), b" C\r\nD E\r\n");
    assert_eq!(
        tags::canonical_body(body, tags::Canon::Simple),
        b" C \r\nD \t E\r\n"
    );
    let mut header = Vec::new();
    tags::push_field(b"B : Y\t\r\n\tZ  \r\n", tags::Canon::Relaxed, &mut header);
    assert_eq!(header, b"b:Y Z\r\n");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), text in "[a-z=;:() \"\\\\%{}./@<>-]{0,200}") {
        let mut raw = b"From: a@b.example\r\nDKIM-Signature: v=1; ".to_vec();
        raw.extend_from_slice(&bytes);
        let message = Message::read(&raw, &mut Budget::default());
        let boundary = Boundary::from_ids(&["mx.example".to_owned()], &[]);
        authenticate(&message, &boundary, Some(&NoDns));
        dkim::verify(&message, &NoDns, None);
        results::read(&text);
        let header = format!("From: {text}\r\nARC-Seal: {text}\r\nReceived: {text}\r\nAuthentication-Results: {text}\r\n\r\n");
        authenticate(&Message::read(header.as_bytes(), &mut Budget::default()), &boundary, None);
        let mut zone = Recorded::new(Completeness::Whole);
        let txt = Some(vec![[b"v=spf1 ", text.as_bytes()].concat()]);
        zone.insert("b.example", Entry { txt, ..Entry::default() });
        let ip = "192.0.2.1".parse().expect("it is an address");
        spf::check(&zone, ip, "h.example", "a@b.example", &spf::SpfContext::default());
    }
}

#[test]
fn a_signature_is_over_when_the_receiving_server_says_so() {
    let result = |received: &str, date: &str| {
        let raw = format!(
            "Received: from a.example ([192.0.2.1]) by mx.example; {received}\r\nDate: {date}\r\n\
             DKIM-Signature: v=1; a=rsa-sha256; d=b.example; s=s; h=from; t=1473206400; x=1473292800; bh=AAAA; b=AAAA\r\n\
             From: <a@b.example>\r\n\r\nText\r\n"
        );
        let message = Message::read(raw.as_bytes(), &mut Budget::default());
        let nothing = Recorded::new(Completeness::Partial);
        authenticate(&message, &Boundary::from_ids(&[], &[]), Some(&nothing)).dkim
    };
    // x= is 2016-09-08T00:00:00Z. The Date field is the sender's own and does not matter.
    let (early, late) = ("Wed, 7 Sep 2016 12:00:00 +0000", "Fri, 9 Sep 2016 12:00:00 +0000");
    assert_eq!(result(late, early), Some(MethodResult::Fail));
    assert_ne!(result(early, late), Some(MethodResult::Fail));
    assert_ne!(result("the day after", late), Some(MethodResult::Fail));
}
