//! The readers: one line of each dialect, and bytes that are none.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::BufReader;

use jiff::Timestamp;
use pollwatch_intrusion::event::{Event, address_key};
use pollwatch_intrusion::read::{Dialect, Format, Mapping, Reader};
use pollwatch_intrusion::sweep::{Deaf, Options, Place, Read, Sweep};
use proptest::prelude::*;

fn now() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().unwrap()
}

/// Lays out the last of `lines` and shows its fields.
fn laid_out(lines: &[&str], format: &Format) -> String {
    let mut reader = Reader::new(format, now().as_millisecond());
    let (last, before) = lines.split_last().unwrap();
    for (place, line) in before.iter().enumerate() {
        reader.declares(line.as_bytes(), place == 0);
    }
    let mut scratch = Vec::new();
    match reader.read(last.as_bytes(), &mut scratch) {
        None => "not laid out".to_owned(),
        Some((dialect, fields)) => show(dialect, &fields.event(last.as_bytes(), &scratch)),
    }
}

fn show(dialect: Dialect, event: &Event<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let time = event
        .time_ms
        .map(|ms| Timestamp::from_millisecond(ms).unwrap().to_string())
        .unwrap_or_default();
    let headers: String = event
        .headers
        .iter()
        .map(|(name, value)| format!(" [{}: {}]", text(name), text(value)))
        .collect();
    format!(
        "{} {:?} {time} {} {} {}{} {:?} {:?} {:?}ms ref={} agent={} user={}{headers}",
        dialect.name(),
        event.action,
        event.client.map(|client| client.to_string()).unwrap_or_default(),
        text(event.method),
        text(event.host),
        text(event.target),
        event.status,
        event.bytes,
        event.duration_ms,
        text(event.referer),
        text(event.agent),
        text(event.user),
    )
}

#[test]
fn a_line_of_each_dialect() {
    let lines: &[(&str, &[&str])] = &[
        (
            "common",
            &[r#"192.0.2.1 - frank [10/Oct/2026:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326"#],
        ),
        (
            "combined",
            &[
                r#"192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET /s?q=a%20b HTTP/1.1" 404 - "https://x.example/" "Agent \"7\"""#,
            ],
        ),
        (
            "quotes in the request",
            &[
                r#"192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET /s?q="union" select" 200 5 HTTP/1.1" 200 12 "-" "a""#,
            ],
        ),
        (
            "virtual host",
            &[
                r#"vote.example.gov:443 2001:DB8::1 - - [10/Oct/2026:13:55:36 +0000] "POST /login HTTP/2.0" 302 0 "-" "a""#,
            ],
        ),
        (
            "nginx json",
            &[
                r#"{"time": "2026-09-01T01:21:52.336Z", "remote_addr": "192.0.2.1", "request_method": "GET", "request_uri": "/a?b=1", "status": 200, "body_bytes_sent": 8134, "http_referer": "-", "http_user_agent": "A\u00e9\"", "host": "vote.example.gov", "request_time": 0.05}"#,
            ],
        ),
        (
            "cloudflare",
            &[
                r#"{"EdgeStartTimestamp": "2026-09-01T00:37:08.426Z", "ClientIP": "192.0.2.1", "ClientRequestMethod": "GET", "ClientRequestHost": "vote.example.gov", "ClientRequestURI": "/a?id=1", "ClientRequestPath": "/a", "EdgeResponseStatus": 403, "EdgeResponseBytes": 18000, "ClientRequestUserAgent": "A", "ClientRequestReferer": "-"}"#,
            ],
        ),
        (
            "caddy",
            &[
                r#"{"level":"info","ts":1693840791.7564995,"request":{"remote_ip":"172.17.0.1","client_ip":"192.0.2.1","method":"GET","host":"vote.example.gov:8080","uri":"/x","headers":{"User-Agent":["curl/7.74.0"]}},"duration":0.0027,"size":10,"status":200}"#,
            ],
        ),
        (
            "w3c",
            &[
                "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status sc-bytes time-taken",
                "2026-09-01 00:02:22 10.0.0.5 GET /a id=1+2 192.0.2.1 Mozilla/5.0+(compatible;++x) 200 14175 50",
            ],
        ),
        (
            "w3c, columns changed",
            &[
                "#Fields: date time c-ip cs-method cs-uri-stem sc-status",
                "#Fields: c-ip sc-status cs-uri-stem",
                "192.0.2.1 500 /b",
            ],
        ),
        (
            "alb",
            &[
                r#"https 2026-09-01T01:11:37.440Z app/lb/0 192.0.2.1:45097 10.0.0.5:443 0.000 0.050 0.001 200 200 300 18000 "GET https://vote.example.gov:443/a?b=c HTTP/1.1" "Agent" ECDHE TLSv1.2 arn "Root=1" "x""#,
            ],
        ),
        (
            "cef",
            &[
                r"Sep 01 01:47:17 fw1 CEF:0|V|WAF|1.0|100|HTTP request|3|rt=1788227237918 src=192.0.2.1 requestMethod=GET request=https://vote.example.gov/a?id\=1 AND 2\=2 outcome=200 out=24100 requestClientApplication=Mozilla/5.0 (X)",
            ],
        ),
        (
            "haproxy",
            &[
                r#"Sep  1 00:00:00 lb haproxy[7]: 192.0.2.1:14853 [14/Jan/2026:12:48:57.127] https-in~ b/s 170/0/0/3/173 200 739 - - --NN 0/0/0/0/0 0/0 "GET /xxx HTTP/1.1""#,
            ],
        ),
        (
            "sshd",
            &[
                "Feb 12 14:10:21 host sshd[16378]: Failed password for invalid user root from 192.0.2.1 port 53502 ssh2",
            ],
        ),
        (
            "sshd, RFC 5424",
            &[
                "<38>1 2026-02-12T14:10:21+01:00 host sshd 7 - - Accepted publickey for pat from 2001:db8::1 port 5 ssh2",
            ],
        ),
        (
            "mail sign-in",
            &[
                "Jan 15 08:00:00 server dovecot: imap-login: Disconnected (auth failed, 1 attempts): user=<admin@example.com>, method=PLAIN, rip=192.0.2.1, lip=10.0.0.1",
            ],
        ),
        (
            "pf",
            &[
                "Sep 28 10:38:09 pf filterlog: 53,,,1000,em0,match,block,in,4,0x0,,64,420,0,none,6,tcp,460,192.0.2.1,10.0.2.15,53742,22",
            ],
        ),
        (
            "iptables",
            &[
                "Jun  8 14:34:33 host kernel: [5.0] IN=eth0 OUT= MAC=00 SRC=192.0.2.1 DST=198.51.100.1 LEN=40 PROTO=TCP SPT=80 DPT=22",
            ],
        ),
        (
            "palo alto",
            &[
                r#"2026-07-05T14:14:33+02:00 fw1 1,2026/07/05 14:14:33,016401002737,THREAT,vulnerability,2561,2026/07/05 14:14:33,192.0.2.1,198.51.100.1,192.0.2.1,198.51.100.1,Rule,,,web-browsing,vsys1,Untrust,DMZ,ae1,ae2,fwd,2026/07/05 14:14:33,1475349,3,32362,80,32362,28869,0x402000,tcp,alert,"vote.example.gov:80/a?b=c,d",Name(58433),any,medium,client-to-server"#,
            ],
        ),
        (
            "nginx error",
            &[
                r#"2026/01/24 16:33:06 [error] 334#334: *338 user "toto": password mismatch, client: 192.0.2.1, server: x, request: "GET / HTTP/1.1", host: "x.example""#,
            ],
        ),
        (
            "caddy, every header",
            &[
                r#"{"ts":1693840791.75,"request":{"remote_ip":"192.0.2.1","method":"POST","host":"vote.example.gov","uri":"/x","headers":{"User-Agent":["a"],"X-Filename":["b\"1.php","c.php"],"Status":["500"],"Remote-Addr":["203.0.113.9"],"User":["somebody"]}},"size":10,"status":200,"resp_headers":{"Referer":["y"],"X-Filename":["z"]}}"#,
            ],
        ),
        (
            "nginx json with headers",
            &[
                r#"{"time":"2026-09-01T01:21:52Z","remote_addr":"192.0.2.1","request_uri":"/a","request_method":"GET","status":200,"http_x_filename":"b.php","http_cookie":"a=b","x_request_id":"7","request_X-Real-Name":"c"}"#,
            ],
        ),
        (
            "cloudflare with headers",
            &[
                r#"{"EdgeStartTimestamp":"2026-09-01T00:37:08Z","ClientIP":"192.0.2.1","ClientRequestMethod":"GET","ClientRequestURI":"/a","EdgeResponseStatus":403,"RequestHeaders":{"x-filename":"b.php"},"ResponseHeaders":{"x-kind":"c"}}"#,
            ],
        ),
        (
            "w3c with headers",
            &[
                "#Fields: date time cs-method cs-uri-stem c-ip sc-status cs(X-Filename) cs(Cookie) x-upload",
                "2026-09-01 00:02:22 GET /a 192.0.2.1 200 b+c.php a=b;+c=d -",
            ],
        ),
        (
            "haproxy with captured headers",
            &[
                r#"192.0.2.1:14853 [14/Jan/2026:12:48:57.127] in b/s 170/0/0/3/173 200 739 - - ---- 0/0/0/0/0 0/0 {vote.example.gov||b.php} {nginx} "GET /xxx HTTP/1.1""#,
            ],
        ),
        ("nothing known", &["hello world, this is no log line"]),
    ];
    let mut text = String::new();
    for (name, lines) in lines {
        text.push_str(&format!("{name}: {}\n", laid_out(lines, &Format::Sniffed)));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_mapping_reads_any_table() {
    let mapping = Mapping::parse(
        "format = \"csv\"\nseparator = \";\"\n[fields]\ntime = \"when\"\nclient = \"src\"\ntarget = \"uri\"\nstatus = \"rc\"\nagent = \"ua\"\n",
    )
    .unwrap();
    let shown = laid_out(
        &[
            "when;src;uri;rc;ua",
            "2026-09-01 10:00:00;192.0.2.1;/a?x=1;200;\"A; \"\"B\"\"\"",
        ],
        &Format::Mapped(mapping),
    );
    assert_eq!(
        shown,
        "mapped Request 2026-09-01T10:00:00Z 192.0.2.1  /a?x=1 Some(200) None Nonems ref= agent=A; \"B\" user="
    );
    let json = Mapping::parse(
        "format = \"json\"\n[fields]\nclient = \"who\"\ntarget = \"what\"\nstatus = \"result\"\n",
    )
    .unwrap();
    let shown = laid_out(
        &[r#"{"who":"192.0.2.1","what":"/x","result":404}"#],
        &Format::Mapped(json),
    );
    assert!(
        shown.contains("192.0.2.1") && shown.contains("/x Some(404)"),
        "{shown}"
    );
    for wrong in [
        "",
        "format = \"csv\"\n[fields]\n",
        "format = \"csv\"\n[fields]\nclient = \"a\"\ncolour = \"b\"\n",
    ] {
        assert!(Mapping::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_address_is_one_client_in_every_spelling() {
    for text in ["2001:DB8:0:0:0:0:0:1", "2001:db8::1", "2001:0db8::0001"] {
        let line = format!(r#"{text} - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 1"#);
        let reader = Reader::new(&Format::Sniffed, 0);
        let mut scratch = Vec::new();
        let (_, fields) = reader.read(line.as_bytes(), &mut scratch).unwrap();
        assert_eq!(
            fields.client.map(address_key),
            Some(address_key("2001:db8::1".parse().unwrap())),
            "{text}"
        );
    }
    let mapped = r#"::ffff:192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 1"#;
    assert!(laid_out(&[mapped], &Format::Sniffed).contains(" 192.0.2.1 "));
}

/// As many headers as a visitor cares to send, of any length: what is kept has bounds.
#[test]
fn headers_are_kept_within_bounds() {
    let many: Vec<String> = (0..100_000)
        .map(|n| format!("\"X-{n}\":[\"{}\"]", "v".repeat(n % 90_000)))
        .take(400)
        .collect();
    let long = format!("\"X-Long\":[\"{}\"]", "w".repeat(1 << 20));
    for headers in [
        many.join(","),
        long,
        format!("\"{}\":[\"v\"]", "n".repeat(70_000)),
    ] {
        let line = format!(
            r#"{{"request":{{"remote_ip":"192.0.2.1","method":"GET","uri":"/x","headers":{{{headers}}}}},"status":200}}"#
        );
        let reader = Reader::new(&Format::Sniffed, 0);
        let mut scratch = Vec::new();
        let (_, fields) = reader.read(line.as_bytes(), &mut scratch).unwrap();
        let event = fields.event(line.as_bytes(), &scratch);
        let kept: usize = event
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!((1..=64 << 10).contains(&kept), "{kept}");
        assert!(event.headers.iter().count() <= 128);
        assert!(
            event
                .headers
                .iter()
                .all(|(name, value)| name.len() <= 64 && value.len() <= 8192)
        );
    }
}

fn sweep_of(bytes: &[u8], threads: usize) -> (String, u64) {
    let mut options = Options::new(now());
    options.threads = threads;
    let mut sweep = Sweep::new(options);
    let read = sweep.read(
        "X",
        "x.log",
        &Format::Sniffed,
        Place::default(),
        &mut BufReader::new(bytes),
        &mut Deaf,
    );
    let Read::End(place) = read else {
        panic!("{read:?}")
    };
    let report = sweep.finish().remove(0);
    (
        format!("{:?} {:?} {:?}", report.actors, report.seen, report.site.files),
        place.offset,
    )
}

/// Pieces from which hostile logs are put together.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        Just(br#"192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET /a?id=1' OR 1=1-- HTTP/1.1" 200 2326 "-" "sqlmap/1.0""#.to_vec()),
        Just(br#"{"time":"2026-09-01T01:21:52Z","remote_addr":"192.0.2.1","request_uri":"/\ud800\u0000","status":"#.to_vec()),
        Just(b"CEF:0|a|b|c|d|e|f|src=192.0.2.1 request=\\=\\".to_vec()),
        Just(b"#Fields: date time c-ip sc-status cs-uri-stem".to_vec()),
        Just(b"1970-01-01 00:00:00 192.0.2.1 200 /x".to_vec()),
        Just(b"<999>1 - - - - [a b=\"]".to_vec()),
        Just(b"https 2026-09-01T01:11:37.440Z app/lb/0 192.0.2.1:1 \"".to_vec()),
        Just(b"Feb 30 99:99:99 h sshd[1]: Failed password for \xff\xfe from".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_bytes_stop_a_sweep_and_threads_change_nothing(pieces in proptest::collection::vec(piece(), 0..40)) {
        let bytes: Vec<u8> = pieces.concat();
        let (alone, end) = sweep_of(&bytes, 1);
        prop_assert_eq!(end, bytes.len() as u64);
        let (beside, _) = sweep_of(&bytes, 3);
        prop_assert_eq!(alone, beside);
    }

    #[test]
    fn every_reader_bears_any_line(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut scratch = Vec::new();
        for (dialect, _) in Dialect::ALL {
            let mut reader = Reader::new(&Format::Named(*dialect), 1_700_000_000_000);
            reader.declares(b"#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query cs(User-Agent) sc-status", false);
            if let Some((_, fields)) = reader.read(&line, &mut scratch) {
                let event = fields.event(&line, &scratch);
                prop_assert!(event.target.len() <= line.len() + 8);
            }
        }
    }

    /// What is printed in the combined format reads back.
    #[test]
    fn combined_reads_back(target in "/[a-z0-9/?=&%.]{0,40}", agent in "[ -!#-\\[\\]-~]{1,40}", status in 100u16..600, bytes in 0u32.., seconds in 0i64..4_000_000_000) {
        let time = Timestamp::from_second(seconds).unwrap();
        let line = format!(
            "198.51.100.7 - - [{}] \"GET {target} HTTP/1.1\" {status} {bytes} \"-\" \"{agent}\"",
            time.strftime("%d/%b/%Y:%H:%M:%S +0000")
        );
        let reader = Reader::new(&Format::Sniffed, 0);
        let mut scratch = Vec::new();
        let (_, fields) = reader.read(line.as_bytes(), &mut scratch).unwrap();
        let event = fields.event(line.as_bytes(), &scratch);
        prop_assert_eq!(event.target, target.as_bytes());
        prop_assert_eq!(event.agent, if agent == "-" { b"".as_slice() } else { agent.as_bytes() });
        prop_assert_eq!(event.status, Some(status));
        prop_assert_eq!(event.bytes, Some(u64::from(bytes)));
        prop_assert_eq!(event.time_ms, Some(seconds * 1000));
    }
}
