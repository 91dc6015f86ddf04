//! `pollwatch intrusion sweep`, as a state's security team runs it.

use crate::harness::Place;

/// A log of two days with a visitor every quarter of an hour.
fn visitors() -> String {
    let mut text = String::new();
    for visit in 0..192 {
        let (day, hour, minute) = (1 + visit / 96, visit / 4 % 24, visit % 4 * 15);
        text.push_str(&format!(
            "198.18.0.{} - - [{day:02}/Sep/2026:{hour:02}:{minute:02}:00 +0000] \"GET /results HTTP/1.1\" 200 14000 \"-\" \"Mozilla/5.0\"\n",
            visit + 1
        ));
    }
    text
}

/// Somebody who guesses paths.
fn scan(client: &str) -> String {
    (0..60)
        .map(|n| {
            format!(
                "{client} - - [02/Sep/2026:10:00:{n:02} +0000] \"GET /backup{n}.zip?who=pat.private%40example.org HTTP/1.1\" 404 1220 \"-\" \
                 \"Mozilla/5.0 (\u{1b}[31mred)\"\n"
            )
        })
        .collect()
}

fn place() -> Place {
    let place = Place::new();
    place.write("adams/access.log", visitors());
    place.write("baker/access.log", visitors() + &scan("203.0.113.9"));
    place.write("map", "Adams=adams/access.log\nBaker=baker\nClark=\n");
    place
}

#[test]
fn the_overview_names_each_jurisdiction_what_was_seen_and_who_gave_nothing() {
    let place = place();
    let output = place.run(&[
        "intrusion",
        "sweep",
        "--map",
        "map",
        "--window",
        "2026-09-01..2026-09-03",
        "--flagged",
        "lines.tsv",
    ]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(
        output.out.contains(
            "Of 3 jurisdictions: scanned: 1; no sign: 1, of which 1 with gaps in their logs; no data: 1."
        ),
        "{}",
        output.out
    );
    assert!(
        output.out.contains("without any line on 1 of 3 days: 2026-09-03"),
        "{}",
        output.out
    );
    for forbidden in ["\u{1b}", "pat.private", "example.org"] {
        assert!(!output.out.contains(forbidden), "{forbidden:?} in {}", output.out);
    }
    let flagged = std::fs::read_to_string(place.path("lines.tsv")).expect("the file was written");
    assert_eq!(flagged.lines().count(), 61);
    assert!(
        flagged
            .lines()
            .nth(1)
            .is_some_and(|line| line.ends_with("\t193\tdirbust\tBaker/203.0.113.9")),
        "{flagged}"
    );
}

#[test]
fn findings_are_json_lines_and_severity_decides_the_exit() {
    let place = place();
    let output = place.run(&[
        "intrusion",
        "sweep",
        "--format",
        "jsonl",
        "--fail-on",
        "low",
        "Baker=baker/access.log",
    ]);
    assert_eq!(output.code, Some(1));
    let finding: serde_json::Value =
        serde_json::from_str(output.out.lines().next().expect("a finding")).expect("JSON");
    assert_eq!(finding["kind"], "intrusion-actor");
    assert_eq!(finding["verdict"], "scanned");
    assert_eq!(finding["details"]["lines"], 60);
    assert_eq!(finding["subject"], "203.0.113.9");
}

#[test]
fn wrong_usage_and_unreadable_logs_say_what_to_do() {
    let place = place();
    let output = place.run(&["intrusion", "sweep"]);
    assert_eq!(output.code, Some(2));
    assert!(output.err.contains("NAME=PATH"), "{}", output.err);
    let output = place.run(&[
        "intrusion",
        "sweep",
        "Adams=adams/access.log",
        "Nowhere=missing.log",
    ]);
    assert_eq!(output.code, Some(2));
    assert!(output.out.contains("no data: 1"), "{}", output.out);
    let output = place.run(&["intrusion", "sweep", "--read-as", "klingon", "adams/access.log"]);
    assert_eq!(output.code, Some(2));
    assert!(
        output.err.contains("klingon") && output.err.contains("haproxy"),
        "{}",
        output.err
    );
    let output = place.run(&["intrusion", "about"]);
    assert_eq!(output.code, Some(0));
    assert!(output.out.contains("What it cannot tell"));
}

#[test]
fn behind_a_declared_proxy_the_client_is_whom_it_names() {
    let place = Place::new();
    let line = |client: &str, second: u32, target: &str, status: u16| {
        format!(
            "{{\"time_iso8601\":\"2026-09-01T10:{:02}:{:02}+00:00\",\"remote_addr\":\"10.0.0.5\",\"request\":\"GET {target} HTTP/1.1\",\
             \"status\":\"{status}\",\"body_bytes_sent\":\"1200\",\"http_referer\":\"-\",\"http_user_agent\":\"Mozilla/5.0\",\
             \"http_x_forwarded_for\":\"198.51.100.77, {client}\"}}\n",
            second / 60,
            second % 60
        )
    };
    let mut log: String = (0..300)
        .map(|n| line(&format!("198.18.0.{}", n % 250 + 1), n, "/results", 200))
        .collect();
    log.extend((0..60).map(|n| line("203.0.113.9", 300 + n, &format!("/backup{n}.zip"), 404)));
    place.write("access.json", log.as_bytes());
    place.write("proxies.txt", b"10.0.0.0/8\n");
    // Behind one address they look like one visitor, and a scan drowns among them: that is said, and is no all-clear.
    let undeclared = place.run(&["intrusion", "sweep", "--format", "jsonl", "adams=access.json"]);
    undeclared.succeeds();
    assert!(
        !undeclared.out.contains("assurance") && !undeclared.out.contains("203.0.113.9"),
        "{}",
        undeclared.out
    );
    place
        .run(&["intrusion", "sweep", "adams=access.json"])
        .succeeds()
        .says("100 % of lines come through a proxy that was not declared");
    let declared = place.run(&[
        "intrusion",
        "sweep",
        "--format",
        "jsonl",
        "--proxies",
        "proxies.txt",
        "adams=access.json",
    ]);
    // What the visitor himself wrote at the left of the chain is nobody.
    declared.succeeds().says("203.0.113.9");
    assert!(
        !declared.out.contains("10.0.0.5") && !declared.out.contains("198.51.100.77"),
        "{}",
        declared.out
    );
}
