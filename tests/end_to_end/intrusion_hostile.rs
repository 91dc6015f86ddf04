//! `pollwatch intrusion` on what nobody should give it: broken logs, lists that say nothing, and visitors who write to the reader.

use std::io::Write as _;

use crate::harness::{Place, Ran};

const AGENT: &str = "Mozilla/5.0";

fn line(client: &str, second: u32, target: &str, status: u16, agent: &str) -> String {
    format!(
        "{client} - - [01/Sep/2026:10:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" {status} 1200 \"-\" \"{agent}\"\n",
        second / 60,
        second % 60
    )
}

fn visitors() -> String {
    (0..200)
        .map(|n| line(&format!("198.18.0.{}", n + 1), n, "/results", 200, AGENT))
        .collect()
}

/// Sixty different paths that do not exist.
fn scan(client: &str) -> String {
    (0..60)
        .map(|n| line(client, n, &format!("/backup{n}.zip"), 404, AGENT))
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

fn sweep(place: &Place, arguments: &[&str]) -> Ran {
    let mut all = vec!["intrusion", "sweep"];
    all.extend(arguments);
    place.run(&all)
}

#[test]
fn bytes_that_are_no_log_are_counted_and_the_rest_is_read() {
    let place = Place::new();
    // Numbers that look random (xorshift); the same each time.
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut bytes = Vec::new();
    while bytes.len() < 200_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.push(b'\n');
    bytes.extend_from_slice(scan("203.0.113.9").as_bytes());
    // Cut in the middle of a character.
    bytes.extend_from_slice(
        line("192.0.2.1", 9, "/caf\u{e9}", 200, AGENT)
            .trim_end()
            .as_bytes(),
    );
    let cut = bytes
        .iter()
        .rposition(|byte| *byte == 0xc3)
        .expect("a letter of two bytes")
        + 1;
    bytes.truncate(cut);
    place.write("a.log", &bytes);
    let ran = sweep(&place, &["Adams=a.log"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("Of 1 jurisdiction: scanned: 1"), "{}", ran.out);
    assert!(ran.out.contains("203.0.113.9"), "{}", ran.out);
}

#[test]
fn a_line_of_64_megabytes_is_skipped_and_what_follows_is_read() {
    let place = Place::new();
    let mut bytes = line("192.0.2.1", 0, "/", 200, AGENT).into_bytes();
    bytes.resize(bytes.len() + (64 << 20), b'%');
    bytes.push(b'\n');
    bytes.extend_from_slice(scan("203.0.113.9").as_bytes());
    place.write("a.log", &bytes);
    let ran = sweep(&place, &["Adams=a.log"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("203.0.113.9"), "{}", ran.out);
    assert!(
        ran.err.contains("a.log") && ran.err.contains('2'),
        "it is named by file and line: {}",
        ran.err
    );
}

#[test]
fn gzip_with_rubbish_behind_it_and_cut_gzip_are_read_as_far_as_they_go() {
    let place = Place::new();
    let text = visitors() + &scan("203.0.113.9");
    let mut behind = gzip(text.as_bytes());
    behind.extend_from_slice(b"\x1f\x8brubbish that is no member");
    place.write("behind.log.gz", behind);
    let mut plain = gzip(text.as_bytes());
    plain.extend_from_slice(b"rubbish");
    place.write("plain.log.gz", plain);
    let whole = gzip((text + &visitors()).as_bytes());
    place.write("cut.log.gz", &whole[..whole.len() - 200]);
    for name in ["behind.log.gz", "plain.log.gz", "cut.log.gz"] {
        let ran = sweep(&place, &[&format!("Adams={name}")]);
        assert!(ran.out.contains("scanned: 1"), "{name}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(name), "{name} is named: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
    }
}

#[test]
fn times_that_run_backwards_or_lie_in_1970_are_told_and_nothing_is_lost() {
    let place = Place::new();
    let mut lines: Vec<String> = visitors().lines().map(|line| format!("{line}\n")).collect();
    lines.reverse();
    lines.push(line("192.0.2.7", 1, "/", 200, AGENT).replace("01/Sep/2026", "01/Jan/1970"));
    lines.push(scan("203.0.113.9"));
    lines.push(line("192.0.2.7", 1, "/", 200, AGENT).replace("01/Sep/2026", "31/Dec/9999"));
    place.write("a.log", lines.concat());
    let ran = sweep(&place, &["--window", "2026-09-01..2026-09-01", "Adams=a.log"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("scanned: 1"), "{}", ran.out);
}

#[test]
fn a_log_that_grows_while_it_is_read_is_read_to_a_whole_line() {
    let place = Place::new();
    place.write("a.log", visitors() + &scan("203.0.113.9"));
    let path = place.path("a.log");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(path)
            .expect("the log");
        let text = visitors();
        let (half, rest) = text.split_at(text.len() / 2 + 7);
        while stopped.try_recv().is_err() {
            for part in [half, rest] {
                file.write_all(part.as_bytes()).expect("append");
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
    });
    for _ in 0..3 {
        let ran = sweep(&place, &["Adams=a.log"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.out.contains("scanned: 1"), "{}", ran.out);
    }
    stop.send(()).expect("the writer listens");
    writer.join().expect("the writer");
}

#[test]
fn rotated_copies_and_a_jurisdiction_named_twice_count_once() {
    let place = Place::new();
    let text = visitors() + &scan("203.0.113.9");
    place.write("adams/access.log", &text);
    place.write("adams/access.log.1", &text);
    place.write("adams/access.log.2.gz", gzip(text.as_bytes()));
    place.write(
        "map",
        "Adams=adams/access.log\nAdams=adams/access.log.1\nAdams=adams/access.log.2.gz\n",
    );
    let ran = sweep(&place, &["--map", "map", "--flagged", "lines.tsv"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("Of 1 jurisdiction: scanned: 1"), "{}", ran.out);
    let flagged = std::fs::read_to_string(place.path("lines.tsv")).expect("the file was written");
    assert_eq!(
        flagged.lines().count(),
        61,
        "a heading and sixty lines: {flagged}"
    );
}

#[test]
fn a_list_of_indicators_that_names_everybody_makes_nobody_a_contact() {
    let place = Place::new();
    let inside: String = (0..20)
        .map(|n| line("10.1.2.3", n, "/results", 200, AGENT))
        .collect();
    place.write("a.log", visitors() + &inside);
    place.write(
        "list.csv",
        "value\n0.0.0.0/0\n::/0\n10.0.0.0/8\n192.168.0.0/16\n127.0.0.1\n169.254.0.0/16\n198.18.0.7\n",
    );
    let ran = sweep(
        &place,
        &["--indicators", "list.csv", "--format", "jsonl", "Adams=a.log"],
    );
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let subjects: Vec<String> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|finding| finding["kind"] == "intrusion-actor")
        .map(|finding| finding["subject"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(subjects, ["198.18.0.7"]);
    for refused in ["0.0.0.0/0", "::/0", "10.0.0.0/8", "192.168.0.0/16"] {
        assert!(ran.err.contains(refused), "{refused} is told of: {}", ran.err);
    }
}

#[test]
fn one_client_in_every_spelling_of_its_address_is_one_actor() {
    let place = Place::new();
    let spellings = [
        "2001:db8::9",
        "2001:DB8:0:0:0:0:0:9",
        "2001:0db8:0000:0000:0000:0000:0000:0009",
        "2001:db8::0.0.0.9",
    ];
    let text: String = (0..60)
        .map(|n| {
            line(
                spellings[n as usize % spellings.len()],
                n,
                &format!("/backup{n}.zip"),
                404,
                AGENT,
            )
        })
        .collect();
    place.write("a.log", visitors() + &text);
    let ran = sweep(&place, &["--format", "jsonl", "Adams=a.log"]);
    let actors: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|finding: &serde_json::Value| finding["kind"] == "intrusion-actor")
        .collect();
    assert_eq!(actors.len(), 1, "{}", ran.out);
    assert_eq!(actors[0]["subject"], "2001:db8::9");
    assert_eq!(actors[0]["details"]["lines"], 60);
}

/// A visitor who writes to whoever reads the log, in every field, and visitors with secrets: in no output of any kind.
#[test]
fn nothing_that_a_visitor_typed_reaches_any_output() {
    const SECRETS: [&str; 9] = [
        "\u{1b}",
        "\u{9b}",
        "\u{202e}",
        "<script",
        "Okonkwo",
        "pat.private",
        "hunter2",
        "1948-03-02",
        "<img",
    ];
    let place = Place::with_workspace();
    let agent =
        "\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}2J\u{202e}<script>alert(1)</script><img src=x> sqlmap/1.7";
    let mut text = visitors();
    for n in 0..40 {
        text.push_str(&line(
            "203.0.113.9",
            n,
            &format!("/voter/status?last=Okonkwo&mail=pat.private@example.org&pw=hunter2&dob=1948-03-02&id={n}%27%20UNION%20SELECT%20ssn%20FROM%20voters--%20<script>"),
            200,
            agent,
        ));
        text.push_str(&format!(
            "Sep  1 10:00:{n:02} host sshd[1]: Failed password for invalid user pat.private@example.org from 203.0.113.6 port 5 ssh2\n\
             {{\"ts\":{},\"request\":{{\"remote_ip\":\"203.0.113.8\",\"method\":\"POST\",\"host\":\"vote.example.gov\",\"uri\":\"/photo\",\"headers\":{{\"Cookie\":[\"sid=hunter2\"],\"Authorization\":[\"Basic hunter2\"],\"X-Filename\":[\"Okonkwo-1948-03-02.php\"],\"From\":[\"pat.private@example.org\"]}}}},\"status\":200,\"size\":{n}}}\n",
            1_788_256_800 + n
        ));
    }
    place.write("wake.log", text);
    let mut shown = Vec::new();
    let from = "Wakefield County Clerk=wake.log";
    for arguments in [
        vec!["intrusion", "sweep", "--flagged", "lines.tsv", from],
        vec!["intrusion", "sweep", "--format", "jsonl", from],
        vec!["intrusion", "sweep", "--record", from],
        vec!["findings", "list"],
        vec!["findings", "list", "--format", "jsonl"],
        vec!["brief", "-o", "brief.html"],
        vec!["tally"],
        vec!["export", "-o", "out.jsonl"],
    ] {
        let ran = place.ws(&arguments);
        assert!(!ran.err.contains("panicked"), "{arguments:?}: {}", ran.err);
        shown.push((arguments.join(" "), ran.out + &ran.err));
    }
    assert!(shown[0].1.contains("203.0.113.9"), "{}", shown[0].1);
    for name in ["lines.tsv", "brief.html", "out.jsonl"] {
        // Where a command wrote relative to its own folder.
        if let Ok(bytes) = std::fs::read(place.path(name)) {
            shown.push((name.to_owned(), String::from_utf8(bytes).expect("valid UTF-8")));
        }
    }
    let findings = place.ws(&["findings", "list", "--format", "jsonl"]).out;
    for finding in findings.lines() {
        let finding: serde_json::Value = serde_json::from_str(finding).expect("JSON");
        if let Some(id) = finding["id"].as_str() {
            let ran = place.ws(&["findings", "show", id]);
            shown.push((format!("show {id}"), ran.out + &ran.err));
        }
    }
    assert!(shown.len() > 9, "there are findings to look at");
    for (what, text) in &shown {
        for secret in SECRETS {
            // The brief's own script is its own.
            if what == "brief.html" && secret == "<script" {
                assert!(!text.contains("alert(1)"), "{what}");
                continue;
            }
            assert!(!text.contains(secret), "{secret:?} in {what}: {text}");
        }
    }
}

/// Two offices and a third, a key that they share, and what each learns of the others.
#[test]
fn sketches_of_one_key_show_who_visited_two_offices_and_no_visitor() {
    let place = Place::new();
    place.write("adams.log", visitors() + &scan("203.0.113.9"));
    place.write("baker.log", visitors() + &scan("203.0.113.9"));
    place.write(
        "clark.log",
        visitors() + &scan("203.0.113.77").replace("/backup", "/old"),
    );
    let key = place.run(&["intrusion", "sketch", "key", "group.key"]);
    assert_eq!(key.code, Some(0), "{}", key.err);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(place.path("group.key"))
            .expect("the key")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "others can read the key");
    }
    let before = std::fs::read(place.path("group.key")).expect("the key");
    let again = place.run(&["intrusion", "sketch", "key", "group.key"]);
    assert_eq!(again.code, Some(2), "a key is never written over");
    assert_eq!(std::fs::read(place.path("group.key")).expect("the key"), before);
    for name in ["Adams", "Baker", "Clark"] {
        let lower = name.to_lowercase();
        let made = place.run(&[
            "intrusion",
            "sketch",
            "make",
            "--key",
            "group.key",
            "-o",
            &format!("{lower}.sketch"),
            &format!("{name}={lower}.log"),
        ]);
        assert_eq!(made.code, Some(0), "{}{}", made.out, made.err);
        assert!(
            made.out.contains("203.0.113."),
            "the office's own table names the client: {}",
            made.out
        );
        let sketch = std::fs::read_to_string(place.path(&format!("{lower}.sketch"))).expect("the sketch");
        for hidden in ["203.0.113", "198.18.0", "/backup", "/old", AGENT] {
            assert!(!sketch.contains(hidden), "{hidden} in {sketch}");
        }
    }
    let compared = place.run(&[
        "intrusion",
        "sketch",
        "compare",
        "adams.sketch",
        "baker.sketch",
        "clark.sketch",
    ]);
    assert_eq!(compared.code, Some(0), "{}", compared.err);
    assert!(
        compared.out.contains("Adams 1") && compared.out.contains("Baker 1"),
        "{}",
        compared.out
    );
    assert!(compared.out.contains("strong"), "{}", compared.out);
    assert!(!compared.out.contains("Clark"), "{}", compared.out);
    assert!(!compared.out.contains("203.0.113"), "{}", compared.out);
    // Another group's sketch cannot be compared, and says why; what is no sketch says so.
    place.run(&["intrusion", "sketch", "key", "other.key"]).succeeds();
    place
        .run(&[
            "intrusion",
            "sketch",
            "make",
            "--key",
            "other.key",
            "-o",
            "other.sketch",
            "Adams=adams.log",
        ])
        .succeeds();
    let foreign = place.run(&["intrusion", "sketch", "compare", "adams.sketch", "other.sketch"]);
    assert_eq!(foreign.code, Some(2));
    assert!(foreign.err.contains("one key"), "{}", foreign.err);
    let nothing = place.run(&["intrusion", "sketch", "compare", "adams.sketch", "adams.log"]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.err.contains("adams.log"), "{}", nothing.err);
}
