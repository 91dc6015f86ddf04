//! Whole sweeps over small logs: who is held for what, how far it got, what is shown of it, and what is not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufReader, Read as _};

use jiff::Timestamp;
use pollwatch_intrusion::behave::Window;
use pollwatch_intrusion::explain::{actor_draft, assurance};
use pollwatch_intrusion::lists::{read_assessors, read_indicators};
use pollwatch_intrusion::read::Format;
use pollwatch_intrusion::sweep::{Deaf, Listener, Options, Place, Read, SiteReport, Sweep};
use pollwatch_intrusion::{Class, IntrusionDesk, Verdict};
use pollwatch_model::{
    Coverage, Ctx, Desk, DeskError, Draft, Excerpt, Fed, Flow, Input, Position, Problem, Sink, TargetId,
    TargetRef,
};

fn options() -> Options {
    Options::new("2026-12-01T00:00:00Z".parse::<Timestamp>().unwrap())
}

fn sweep(options: Options, files: &[(&str, &str)]) -> SiteReport {
    let mut sweep = Sweep::new(options);
    for (name, text) in files {
        sweep.read(
            "adams",
            name,
            &Format::Sniffed,
            Place::default(),
            &mut BufReader::new(text.as_bytes()),
            &mut Deaf,
        );
    }
    sweep.finish().remove(0)
}

/// Seconds after 2026-09-01 00:00 UTC, as a log writes them.
fn at(seconds: i64) -> String {
    let time = Timestamp::from_second(1_788_220_800 + seconds).unwrap();
    time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

fn line(client: &str, seconds: i64, request: &str, status: u16, bytes: u32, agent: &str) -> String {
    format!(
        "{client} - - [{}] \"{request} HTTP/1.1\" {status} {bytes} \"-\" \"{agent}\"\n",
        at(seconds)
    )
}

/// Visitors who do what visitors do, one every ten minutes over `days` days.
fn visitors(days: i64) -> String {
    let mut text = String::new();
    for visit in 0..days * 144 {
        let client = format!("198.18.{}.{}", visit / 250 % 250, visit % 250 + 1);
        let begun = visit * 600;
        let page = ["/", "/results", "/where-do-i-vote", "/contact"][visit as usize % 4];
        text.push_str(&line(
            &client,
            begun,
            &format!("GET {page}"),
            200,
            14_000 + (visit % 90) as u32,
            "Mozilla/5.0 (X11)",
        ));
        text.push_str(&format!(
            "{client} - - [{}] \"GET /static/site.css HTTP/1.1\" 200 1800 \"https://vote.example.gov{page}\" \"Mozilla/5.0 (X11)\"\n",
            at(begun + 1)
        ));
        text.push_str(&format!(
            "{client} - - [{}] \"GET /voter/status?id={} HTTP/1.1\" 200 {} \"https://vote.example.gov/\" \"Mozilla/5.0 (X11)\"\n",
            at(begun + 20),
            1_000_000 + visit * 7919 % 900_000,
            7400 + visit % 500
        ));
    }
    text
}

fn adams() -> TargetRef {
    TargetRef {
        id: TargetId::slug("adams"),
        name: "Adams County".to_owned(),
    }
}

#[test]
fn ordinary_traffic_is_no_sign_and_complete_logs_say_so() {
    let mut options = options();
    options.window = Some(Window {
        from_ms: 1_788_220_800_000,
        to_ms: 1_788_220_800_000 + 3 * 86_400_000 - 1,
    });
    let report = sweep(options, &[("a.log", &visitors(3))]);
    assert!(report.actors.is_empty(), "{:?}", report.actors);
    let draft = assurance(&report, &adams()).expect("everything could be seen");
    insta::assert_snapshot!(draft.summary);
}

#[test]
fn a_missing_day_is_named_and_takes_the_assurance_away() {
    let whole = visitors(9);
    let cut: String = whole
        .lines()
        .filter(|line| !["[04/Sep", "[05/Sep"].iter().any(|day| line.contains(day)))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut options = options();
    options.window = Some(Window {
        from_ms: 1_788_220_800_000,
        to_ms: 1_788_220_800_000 + 10 * 86_400_000 - 1,
    });
    let report = sweep(options, &[("a.log", &cut)]);
    let missing: Vec<String> = report.seen.missing_days.iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["2026-09-04", "2026-09-05", "2026-09-10"]);
    assert_eq!(report.verdict(), Verdict::None);
    assert!(!report.seen.is_complete());
    assert_eq!(assurance(&report, &adams()), None);
}

#[test]
fn a_log_that_falls_silent_beside_another_is_told_and_takes_the_assurance_away() {
    let mut options = options();
    options.window = Some(Window {
        from_ms: 1_788_220_800_000,
        to_ms: 1_788_220_800_000 + 9 * 86_400_000 - 1,
    });
    let whole = visitors(9);
    let without = |days: &[&str]| -> String {
        let lines = whole
            .lines()
            .filter(|line| !days.iter().any(|day| line.contains(&format!("[{day}/Sep"))));
        lines.map(|line| format!("{line}\n")).collect()
    };
    let (first, last) = (
        without(&["06", "07", "08", "09"]),
        without(&["01", "02", "03", "04", "05"]),
    );
    // Two pieces of one log are whole together.
    let pieces = sweep(
        options.clone(),
        &[
            ("web1/a.log.1", &first),
            ("web1/a.log", &last),
            ("web2/a.log", &whole),
        ],
    );
    assert!(pieces.seen.is_complete(), "{:?}", pieces.seen);
    // The same without the older piece: the other server's log covers every day, and hides nothing.
    let report = sweep(options.clone(), &[("web1/a.log", &last), ("web2/a.log", &whole)]);
    assert_eq!(report.seen.missing_days, []);
    assert!(!report.seen.is_complete());
    assert_eq!(assurance(&report, &adams()), None);
    let [silent] = report.seen.silent.as_slice() else {
        panic!("{:?}", report.seen.silent);
    };
    assert_eq!(silent.series, "web1/a.log");
    assert_eq!(silent.gaps.len(), 1);
    assert_eq!(silent.gaps[0].from_ms, 1_788_220_800_000);
    assert_eq!(silent.gaps[0].to_ms, 1_788_220_800_000 + 5 * 86_400_000);
    insta::assert_snapshot!(pollwatch_intrusion::explain::seen_words(&report.seen), @"2026-09-01 to 2026-09-09, lines on every day; web1/a.log is silent from 2026-09-01T00:00:00Z to 2026-09-06T00:00:00Z while other logs go on");
    // A log with few lines says nothing by its silence.
    let few: String = whole
        .lines()
        .step_by(300)
        .map(|line| format!("{line}\n"))
        .collect();
    let report = sweep(options, &[("admin.log", &few), ("web2/a.log", &whole)]);
    assert!(report.seen.is_complete(), "{:?}", report.seen.silent);
}

fn attack() -> String {
    let mut text = visitors(2);
    for (place, id) in (0..900).map(|n| n * 37 % 900).enumerate() {
        let status = if id % 15 == 0 { 404 } else { 200 };
        text.push_str(&line(
            "203.0.113.200",
            90_000 + place as i64,
            &format!("GET /voter/status?id={}", 2_000_000 + id),
            status,
            7400 + id % 500,
            "curl/7.68.0",
        ));
    }
    for n in 0..60 {
        text.push_str(&line(
            "203.0.113.9",
            100_000 + n,
            &format!("GET /backup{n}.zip"),
            404,
            1220,
            "Mozilla/5.0 (old)",
        ));
    }
    for n in 0..40 {
        text.push_str(&line(
            "203.0.113.77",
            110_000 + n * 2,
            "POST /admin/login",
            401,
            2200,
            "python-requests/2.31",
        ));
    }
    text.push_str(&line(
        "203.0.113.77",
        110_100,
        "POST /admin/login",
        302,
        0,
        "python-requests/2.31",
    ));
    text.push_str(&line(
        "203.0.113.77",
        110_102,
        "GET /admin/export",
        200,
        15_000,
        "python-requests/2.31",
    ));
    text
}

fn of<'r>(report: &'r SiteReport, client: &str) -> &'r pollwatch_intrusion::behave::Actor {
    report
        .actors
        .iter()
        .find(|actor| {
            actor
                .addresses
                .iter()
                .any(|address| address.to_string() == client)
        })
        .unwrap_or_else(|| panic!("nothing is held against {client}"))
}

#[test]
fn each_kind_of_behaviour_is_told_by_its_own_rule() {
    let report = sweep(options(), &[("a.log", &attack())]);
    let shown: Vec<String> = ["203.0.113.200", "203.0.113.9", "203.0.113.77"]
        .iter()
        .map(|client| {
            let actor = of(&report, client);
            format!(
                "{client} {} {} {} {} lines",
                actor.class,
                actor.verdict,
                actor.held[0].rule,
                actor.lines.len()
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
    assert_eq!(report.actors.len(), 3, "no visitor is held");
}

#[test]
fn the_order_of_numbers_does_not_matter() {
    let whole = attack();
    let (mut asked, other): (Vec<&str>, Vec<&str>) =
        whole.lines().partition(|line| line.starts_with("203.0.113.200"));
    // The same records, asked for in their own order at the same times.
    let mut ids: Vec<String> = asked
        .iter()
        .map(|line| {
            line.split("id=")
                .nth(1)
                .unwrap()
                .split(' ')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    ids.sort();
    let sorted: Vec<String> = asked
        .drain(..)
        .zip(ids)
        .map(|(line, id)| {
            let (head, rest) = line.split_once("id=").unwrap();
            format!("{head}id={id} {}", rest.split_once(' ').unwrap().1)
        })
        .collect();
    let text = format!("{}\n{}\n", other.join("\n"), sorted.join("\n"));
    let (shuffled, sorted) = (
        sweep(options(), &[("a.log", &whole)]),
        sweep(options(), &[("a.log", &text)]),
    );
    let records = |report: &SiteReport| of(report, "203.0.113.200").held[0].counts["records"];
    assert_eq!(records(&shuffled), 900);
    assert_eq!(records(&sorted), 900);
}

#[test]
fn a_declared_assessor_is_never_counted_and_a_listed_address_is_contact() {
    let mut text = visitors(2);
    for n in 0..60 {
        text.push_str(&line(
            "192.0.2.250",
            100_000 + n,
            &format!("GET /old{n}.php"),
            404,
            1220,
            "scanner",
        ));
    }
    text.push_str(&line(
        "198.51.100.66",
        50_000,
        "GET /",
        200,
        14_000,
        "Mozilla/5.0 (X11)",
    ));
    let mut options = options();
    options.indicators = read_indicators("list", "198.51.100.66\n0.0.0.0/0\n10.0.0.0/8\n").0;
    options.assessors = read_assessors("a", "192.0.2.250,Blue Team,2026-09-01,2026-09-30\n").0;
    let report = sweep(options.clone(), &[("a.log", &text)]);
    assert_eq!(of(&report, "192.0.2.250").verdict, Verdict::Authorised);
    assert_eq!(of(&report, "198.51.100.66").verdict, Verdict::Contact);
    assert_eq!(report.verdict(), Verdict::Contact);
    // Outside the agreed time the same is a scan.
    options.assessors = read_assessors("a", "192.0.2.250,Blue Team,2026-09-10,2026-09-30\n").0;
    assert_eq!(sweep(options, &[("a.log", &text)]).verdict(), Verdict::Scanned);
}

#[test]
fn a_wave_of_failures_is_one_actor_and_mistyping_visitors_are_not_in_it() {
    let mut text = visitors(3);
    for n in 0..60 {
        let client = format!("100.64.{n}.7");
        for try_ in 0..2 {
            text.push_str(&line(
                &client,
                130_000 + n * 50 + try_ * 25,
                "POST /portal/login",
                401,
                900,
                "Mozilla/5.0 (A)",
            ));
        }
    }
    for n in 0..5 {
        let client = format!("198.19.0.{}", n + 1);
        text.push_str(&line(
            &client,
            130_100 + n * 300,
            "GET /static/site.css",
            200,
            1800,
            "Mozilla/5.0 (B)",
        ));
        text.push_str(&line(
            &client,
            130_105 + n * 300,
            "POST /portal/login",
            401,
            900,
            "Mozilla/5.0 (B)",
        ));
        text.push_str(&line(
            &client,
            130_125 + n * 300,
            "POST /portal/login",
            302,
            0,
            "Mozilla/5.0 (B)",
        ));
    }
    let report = sweep(options(), &[("a.log", &text)]);
    assert_eq!(report.actors.len(), 1, "{:?}", report.actors);
    let actor = &report.actors[0];
    assert_eq!(
        (actor.class, actor.verdict),
        (Class::CredStuff, Verdict::Attempted)
    );
    assert_eq!((actor.addresses.len(), actor.lines.len()), (60, 120));
}

#[test]
fn a_rotated_copy_is_not_counted_twice() {
    let text = attack();
    let once = sweep(options(), &[("a.log", &text)]);
    let twice = sweep(options(), &[("a.log", &text), ("a.log.1", &text)]);
    let shown = |report: &SiteReport| -> Vec<(String, Verdict, usize)> {
        report
            .actors
            .iter()
            .map(|actor| (actor.addresses[0].to_string(), actor.verdict, actor.lines.len()))
            .collect()
    };
    assert_eq!(shown(&once), shown(&twice));
    assert!(twice.timeline.repeated > 0);
}

/// Nothing that a visitor or an attacker typed may be in anything that is shown.
#[test]
fn no_value_name_or_address_of_mail_reaches_an_output() {
    let secrets = [
        "Okonkwo",
        "pat.private@example.org",
        "hunter2",
        "1948-03-02",
        "\u{1b}[31m",
        "<script>",
    ];
    let mut text = String::new();
    for n in 0..30 {
        text.push_str(&line(
            "203.0.113.5",
            n,
            &format!("GET /voter/Okonkwo/pat.private%40example.org?last=Okonkwo&dob=1948-03-02&pw=hunter2&<script>=1&id={n}%27%20UNION%20SELECT%20ssn%20FROM%20voters--"),
            200,
            100 + n as u32 * 31,
            "evil \u{1b}[31m <script>alert(1)</script>",
        ));
        text.push_str(&format!(
            "Sep  1 00:00:{n:02} h sshd[1]: Failed password for invalid user pat.private@example.org from 203.0.113.6 port 5 ssh2\n"
        ));
        text.push_str(&format!(
            "{{\"ts\":{},\"request\":{{\"remote_ip\":\"203.0.113.8\",\"method\":\"POST\",\"host\":\"vote.example.gov\",\"uri\":\"/photo\",\"headers\":{{\"Cookie\":[\"sid=hunter2; last=Okonkwo\"],\"Authorization\":[\"Basic hunter2\"],\"From\":[\"pat.private@example.org\"],\"X-Filename\":[\"Okonkwo-1948-03-02-hunter2.php\"],\"X-Note\":[\"<?php system('hunter2'); // pat.private@example.org\"]}}}},\"status\":200,\"size\":{n}}}\n",
            1_788_220_800 + n
        ));
    }
    let report = sweep(options(), &[("a.log", &text)]);
    assert!(report.actors.len() >= 3, "{:?}", report.actors);
    assert!(
        report
            .actors
            .iter()
            .any(|actor| actor.classes.contains(&Class::Php)),
        "what stands in headers is seen"
    );
    for actor in &report.actors {
        let (draft, excerpts) = actor_draft(&report, actor, &adams());
        let mut shown = format!("{draft:?} {}", serde_json::to_string(&draft.details).unwrap());
        for excerpt in &excerpts {
            shown.push_str(std::str::from_utf8(&excerpt.bytes).expect("valid UTF-8"));
        }
        for secret in secrets {
            assert!(!shown.contains(secret), "{secret:?} in {shown}");
        }
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_cut_and_told_of() {
    #[derive(Default)]
    struct Told(Vec<Problem>);
    impl Listener for Told {
        fn problem(&mut self, problem: Problem) {
            self.0.push(problem);
        }
        fn lines(&mut self, _: u64) -> bool {
            true
        }
    }
    let long = std::io::repeat(b'%').take(100 << 20);
    let first = line("192.0.2.1", 0, "GET /", 200, 10, "a");
    let last = line("192.0.2.1", 9, "GET /", 200, 10, "a");
    let mut stream = BufReader::new(
        first
            .as_bytes()
            .chain(long)
            .chain(&b"\n"[..])
            .chain(last.as_bytes()),
    );
    let mut told = Told::default();
    let mut sweep = Sweep::new(options());
    let read = sweep.read(
        "adams",
        "a.log",
        &Format::Sniffed,
        Place::default(),
        &mut stream,
        &mut told,
    );
    assert!(matches!(read, Read::End(place) if place.line == 3), "{read:?}");
    assert_eq!(told.0.len(), 1);
    assert_eq!(told.0[0].record, Some(2));
    assert_eq!(sweep.finish()[0].seen.read, 2);
}

/// Keeps what a run says; pauses after every block when asked to.
#[derive(Default)]
struct Heard {
    drafts: Vec<String>,
    coverage: Vec<Coverage>,
    pauses: bool,
}

impl Sink for Heard {
    fn finding(&mut self, draft: Draft, _: Vec<Excerpt>) -> Result<(), DeskError> {
        self.drafts.push(format!("{draft:?}"));
        Ok(())
    }
    fn coverage(&mut self, coverage: Coverage) {
        self.coverage.push(coverage);
    }
    fn problem(&mut self, _: Problem) {}
    fn flow(&mut self, _: u64) -> Flow {
        if self.pauses { Flow::Pause } else { Flow::Continue }
    }
}

#[test]
fn a_run_that_is_saved_and_taken_up_at_every_pause_says_the_same() {
    let text = attack() + &visitors(9);
    let ctx = Ctx {
        register: Default::default(),
        settings: serde_json::json!({"threads": 2}),
        now: "2026-12-01T00:00:00Z".parse().unwrap(),
        seed: 0,
        scratch: None,
        judges: Default::default(),
    };
    let input = Input {
        name: "a.log".to_owned(),
        role: "jurisdiction=adams".to_owned(),
        format: None,
    };
    let mut whole = Heard::default();
    let mut run = IntrusionDesk.open(&ctx, None).unwrap();
    run.feed(&input, Position::default(), &mut text.as_bytes(), &mut whole)
        .unwrap();
    run.finish(&mut whole).unwrap();

    let mut pieces = Heard {
        pauses: true,
        ..Heard::default()
    };
    let mut run = IntrusionDesk.open(&ctx, None).unwrap();
    let mut from = Position::default();
    let mut pauses = 0;
    loop {
        let mut rest = &text.as_bytes()[from.offset as usize..];
        let fed = run.feed(&input, from, &mut rest, &mut pieces).unwrap();
        let saved = run.save().unwrap();
        run = IntrusionDesk.open(&ctx, Some(&saved)).unwrap();
        match fed {
            Fed::Paused(position) => {
                assert!(position > from, "a pause moves on");
                from = position;
                pauses += 1;
            }
            Fed::End(_) => break,
        }
    }
    run.finish(&mut pieces).unwrap();
    assert!(pauses >= 1, "the text is longer than a block");
    assert_eq!(whole.drafts, pieces.drafts);
    assert_eq!(whole.coverage.len(), 1);
    assert_eq!(whole.coverage, pieces.coverage);
}
