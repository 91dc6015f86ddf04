//! Who is one and who is two: addresses that belong together, and strangers who use the same tools or the same address.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::io::BufReader;

use jiff::Timestamp;
use pollwatch_intrusion::behave::Actor;
use pollwatch_intrusion::explain::actor_draft;
use pollwatch_intrusion::lists::read_proxies;
use pollwatch_intrusion::read::Format;
use pollwatch_intrusion::sweep::{Deaf, Options, Place, SiteReport, Sweep};
use pollwatch_intrusion::{Class, Verdict};
use pollwatch_model::{TargetId, TargetRef};
use proptest::prelude::*;

const DAY: i64 = 86_400;
const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14) Chrome/131.0.0.0 Mobile",
];
const SQLMAP: &str = "sqlmap/1.7.2#stable (https://sqlmap.org)";

/// A log that is made of lines in any order.
#[derive(Default)]
struct Log(Vec<(i64, String)>);

impl Log {
    /// Fourteen days of visitors, four an hour.
    fn with_visitors() -> Self {
        let mut log = Log::default();
        for visit in 0..14 * 96 {
            let client = format!("198.18.{}.{}", visit / 250, visit % 250 + 1);
            let agent = BROWSERS[visit as usize % BROWSERS.len()];
            log.add(
                &client,
                visit * 900,
                "GET /",
                200,
                14_000 + visit % 90,
                "-",
                agent,
            );
            log.add(
                &client,
                visit * 900 + 1,
                "GET /static/site.css",
                200,
                1800,
                "https://vote.example.gov/",
                agent,
            );
        }
        log
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a line")]
    fn add(
        &mut self,
        client: &str,
        at: i64,
        request: &str,
        status: u16,
        bytes: i64,
        referer: &str,
        agent: &str,
    ) {
        let time = Timestamp::from_second(1_788_220_800 + at).unwrap();
        let time = time.strftime("%d/%b/%Y:%H:%M:%S +0000");
        self.0.push((
            at,
            format!(
                "{client} - - [{time}] \"{request} HTTP/1.1\" {status} {bytes} \"{referer}\" \"{agent}\"\n"
            ),
        ));
    }

    /// What a public tool for SQL injection sends, at one place.
    fn sqli(&mut self, client: &str, at: i64, agent: &str) {
        for shot in 0..24 {
            let payload = [
                "1%27%20OR%20%271%27%3D%271",
                "1%27%20AND%204821%3D4821--%20-",
                "-1%20UNION%20ALL%20SELECT%20NULL%2CNULL%2CNULL--%20-",
                "1%27%20UNION%20SELECT%20table_name%2Ccolumn_name%20FROM%20information_schema.columns--%20-",
            ][shot as usize % 4];
            let request = format!("GET /voter/status?id={payload}");
            self.add(client, at + shot, &request, 500, 710, "-", agent);
        }
    }

    fn traversal(&mut self, client: &str, at: i64, agent: &str) {
        for shot in 0..20 {
            let file = [
                "../../../../etc/passwd",
                "..%252f..%252fetc%252fshadow",
                "....//....//etc/passwd",
            ][shot as usize % 3];
            let request = format!("GET /docs/view?file={file}");
            self.add(client, at + shot, &request, 404, 900, "-", agent);
        }
    }

    fn sweep(self) -> SiteReport {
        self.sweep_with(|_| {})
    }

    /// The same where these are the office's own proxies.
    fn sweep_behind(self, proxies: &str) -> SiteReport {
        self.sweep_with(|options| options.proxies = read_proxies("proxies", proxies).0)
    }

    fn text(mut self) -> String {
        self.0.sort();
        self.0.into_iter().map(|(_, line)| line).collect()
    }

    fn sweep_with(self, set: impl FnOnce(&mut Options)) -> SiteReport {
        let text = self.text();
        let mut options = Options::new("2026-12-01T00:00:00Z".parse().unwrap());
        set(&mut options);
        let mut sweep = Sweep::new(options);
        sweep.read(
            "adams",
            "a.log",
            &Format::Sniffed,
            Place::default(),
            &mut BufReader::new(text.as_bytes()),
            &mut Deaf,
        );
        sweep.finish().remove(0)
    }
}

/// The addresses of each actor.
fn groups(report: &SiteReport) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = report
        .actors
        .iter()
        .map(|actor| actor.addresses.iter().map(ToString::to_string).collect())
        .collect();
    groups.sort();
    groups
}

fn actor_of<'r>(report: &'r SiteReport, address: &str) -> &'r Actor {
    report
        .actors
        .iter()
        .find(|actor| actor.addresses.iter().any(|one| one.to_string() == address))
        .unwrap()
}

#[test]
fn strangers_with_the_same_public_tool_and_neighbouring_addresses_are_strangers() {
    let mut log = Log::with_visitors();
    log.sqli("203.0.113.8", DAY, SQLMAP);
    log.sqli("203.0.113.77", 4 * DAY, SQLMAP);
    log.sqli("203.0.113.130", 4 * DAY + 7 * 3600, BROWSERS[0]);
    log.sqli("203.0.113.200", 9 * DAY, BROWSERS[1]);
    let report = log.sweep();
    assert_eq!(report.actors.len(), 4, "{:?}", groups(&report));
}

#[test]
fn one_program_of_its_own_at_two_addresses_at_one_time_is_one_hand_and_says_why() {
    let mut log = Log::with_visitors();
    let agent = "Mozilla/5.0 (X11) Doorstep/7";
    // Two halves of one list of paths, from two networks, begun twenty seconds apart.
    for (part, client) in ["203.0.113.8", "192.0.2.77"].iter().enumerate() {
        for path in 0..60 {
            let request = format!("GET /p{}", path * 2 + part);
            log.add(
                client,
                5 * DAY + 20 * part as i64 + path as i64,
                &request,
                404,
                300,
                "-",
                agent,
            );
        }
    }
    // A stranger with a public list of words on another day.
    for path in 0..60 {
        let request = format!("GET /p{path}");
        log.add(
            "203.0.113.9",
            11 * DAY + path,
            &request,
            404,
            300,
            "-",
            BROWSERS[2],
        );
    }
    let report = log.sweep();
    assert_eq!(
        groups(&report),
        [vec!["203.0.113.8", "192.0.2.77"], vec!["203.0.113.9"]]
    );
    insta::assert_snapshot!(actor_of(&report, "192.0.2.77").links.join("\n"), @"192.0.2.77 and 203.0.113.8: the same agent, which none of 1344 other clients has (Mozilla/5.0 (X11) Doorstep/7), one began within 20 seconds of the other's beginning or end, which happens by accident once in 3358");
}

#[test]
fn addresses_of_one_subscriber_of_version_six_are_one() {
    let mut log = Log::with_visitors();
    log.sqli("2001:db8:1:2:aaaa::1", 3 * DAY, BROWSERS[0]);
    log.sqli("2001:db8:1:2:bbbb::7", 3 * DAY + 300, BROWSERS[0]);
    log.sqli("2001:db8:9:9:cccc::7", 8 * DAY, BROWSERS[0]);
    assert_eq!(log.sweep().actors.len(), 2);
}

#[test]
fn a_tool_of_one_trade_does_not_hide_what_else_comes_from_its_address() {
    let mut log = Log::with_visitors();
    log.sqli("203.0.113.8", DAY, SQLMAP);
    log.traversal("203.0.113.8", 6 * DAY, BROWSERS[1]);
    let report = log.sweep();
    let actor = actor_of(&report, "203.0.113.8");
    assert_eq!(actor.lines.len(), 44);
    assert!(actor.classes.contains(&Class::Traversal) && actor.classes.contains(&Class::Sqli));
    assert_eq!(actor.verdict, Verdict::Attempted);
}

#[test]
fn what_failed_at_one_place_does_not_make_an_answer_at_another_a_break_in() {
    let mut log = Log::with_visitors();
    log.traversal("203.0.113.8", DAY, BROWSERS[1]);
    // A search page that answers whatever is asked with its own page.
    for shot in 0..12 {
        let request = format!("GET /search?q=..%2f..%2f..%2fetc%2fpasswd&n={shot}");
        log.add(
            "203.0.113.8",
            DAY + 60 + shot,
            &request,
            200,
            6000,
            "-",
            BROWSERS[1],
        );
    }
    let report = log.sweep();
    let held = &actor_of(&report, "203.0.113.8").held;
    assert!(held.iter().all(|one| one.verdict < Verdict::Breached), "{held:?}");
}

#[test]
fn an_address_that_a_visitor_had_on_another_day_still_belongs_to_the_wave() {
    let mut log = Log::with_visitors();
    // A person who mistypes once, having fetched the page's pictures.
    log.add(
        "198.18.3.250",
        7 * DAY + 100,
        "GET /static/site.css",
        200,
        1800,
        "-",
        BROWSERS[0],
    );
    log.add(
        "198.18.3.250",
        7 * DAY + 130,
        "POST /admin/login",
        401,
        2200,
        "-",
        BROWSERS[0],
    );
    for address in 1..=60 {
        let client = format!("198.18.1.{address}");
        for again in 0..2 {
            let at = 7 * DAY + address * 40 + again * 30;
            log.add(&client, at, "POST /admin/login", 401, 2200, "-", BROWSERS[3]);
        }
    }
    let report = log.sweep();
    let wave = actor_of(&report, "198.18.1.1");
    // All of the sixty were visitors on the third day.
    assert_eq!(wave.class, Class::CredStuff);
    assert_eq!((wave.clients.len(), wave.lines.len()), (60, 120));
}

#[test]
fn behind_a_declared_proxy_the_client_is_whom_it_names() {
    // Two attackers and many visitors, all through one proxy that adds whom it spoke with; the second attacker writes a chain of
    // its own before.
    let log = || {
        let mut log = Log::with_visitors();
        log.sqli("203.0.113.8", 3 * DAY, SQLMAP);
        log.traversal("198.51.100.9", 9 * DAY, BROWSERS[1]);
        for (_, line) in &mut log.0 {
            let (client, rest) = line.trim_end().split_once(' ').unwrap();
            let made_up = if client.starts_with("198.51") {
                "127.0.0.1, 10.0.0.5, "
            } else {
                ""
            };
            *line = format!("10.0.0.5 {rest} \"{made_up}{client}\"\n");
        }
        log
    };
    let undeclared = log().sweep();
    assert_eq!(groups(&undeclared), [["10.0.0.5"]]);
    let target = TargetRef {
        id: TargetId::slug("adams"),
        name: "Adams County".to_owned(),
    };
    let (draft, _) = actor_draft(&undeclared, &undeclared.actors[0], &target);
    let cannot_show = draft.details["cannot_show"].to_string();
    assert!(cannot_show.contains("declare it by --proxies"), "{cannot_show}");
    let declared = log().sweep_behind("10.0.0.0/24\n");
    assert_eq!(groups(&declared), [["198.51.100.9"], ["203.0.113.8"]]);
    let (draft, _) = actor_draft(&declared, &declared.actors[0], &target);
    let cannot_show = draft.details["cannot_show"].to_string();
    assert!(!cannot_show.contains("proxies"), "{cannot_show}");
}

#[test]
fn a_campaigns_address_that_only_visited_is_contact_there_and_no_campaign() {
    let logs = (0..8).map(|place| {
        let mut log = Log::with_visitors();
        let who = "203.0.113.8";
        match place {
            0..5 => log.sqli(who, 5 * DAY + 3600 * place, "Mozilla/5.0 (X11) Doorstep/7"),
            5 => log.add(who, 6 * DAY, "GET /results", 200, 14_000, "-", BROWSERS[0]),
            _ => {}
        }
        (format!("county{place}"), log)
    });
    let mut sweep = Sweep::new(Options::new("2026-12-01T00:00:00Z".parse().unwrap()));
    for (name, log) in logs {
        let text = log.text();
        sweep.read(
            &name,
            &format!("{name}.log"),
            &Format::Sniffed,
            Place::default(),
            &mut BufReader::new(text.as_bytes()),
            &mut Deaf,
        );
    }
    let reports = sweep.finish();
    let verdicts: Vec<Verdict> = reports.iter().map(SiteReport::verdict).collect();
    assert_eq!(verdicts[..5], [Verdict::Attempted; 5]);
    assert_eq!(verdicts[5..], [Verdict::Contact, Verdict::None, Verdict::None]);
    assert!(reports[0].actors[0].campaign.is_some());
    let target = TargetRef {
        id: TargetId::slug("county5"),
        name: "Fifth County".to_owned(),
    };
    let visit = &reports[5].actors[0];
    assert_eq!((visit.campaign.as_ref(), reports[5].actors.len()), (None, 1));
    let (draft, _) = actor_draft(&reports[5], visit, &target);
    insta::assert_snapshot!(draft.summary, @"203.0.113.8, an address from which other jurisdictions were attacked, visited Fifth County on 2026-09-07 (UTC). That is a visit, not an attack.");
    assert!(draft.indicators.is_empty());
}

/// All that a report says, as one text.
fn said(report: &SiteReport) -> String {
    let target = TargetRef {
        id: TargetId::slug("adams"),
        name: "Adams County".to_owned(),
    };
    let drafts: Vec<String> = report
        .actors
        .iter()
        .map(|actor| {
            let (draft, _) = actor_draft(report, actor, &target);
            format!(
                "{}\n{:?}\n{}",
                draft.summary,
                draft.reasons,
                serde_json::Value::from(draft.details)
            )
        })
        .collect();
    let clients = report.site.clients.len() as u64 + report.site.clients.gone.clients;
    format!("{clients} clients\n{}", drafts.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// However few clients are held in memory: what is said is the same, for visitors who come back, for somebody who comes back
    /// as an attacker, and for what is normal.
    #[test]
    fn clients_on_disk_change_nothing(bound in 40usize..1500, seed in 0i64..1000) {
        let log = || {
            let mut log = Log::with_visitors();
            // Two thousand visitors of whom most come back days later, some to a page that is not there.
            for visit in 0i64..9_000 {
                let who = (visit * 7919 + seed * 31) % 2_000;
                let client = format!("198.19.{}.{}", who / 250, who % 250 + 1);
                let at = visit * 130;
                let agent = BROWSERS[who as usize % BROWSERS.len()];
                log.add(&client, at, "GET /results", 200, 14_000 + visit % 90, "-", agent);
                log.add(&client, at + 1, "GET /static/site.css", 200, 1800, "https://vote.example.gov/", agent);
                if visit % 40 == 3 {
                    log.add(&client, at + 9, &format!("GET /old/{}.html", visit % 50), 404, 300, "-", agent);
                }
            }
            // One that visited as anybody and then guesses paths; two that share a program of their own.
            for path in 0..60 {
                log.add("198.19.1.7", 12 * DAY + path, &format!("GET /b{path}"), 404, 300, "-", BROWSERS[1]);
                for (part, client) in ["203.0.113.8", "192.0.2.77"].iter().enumerate() {
                    let at = 8 * DAY + 20 * part as i64 + path;
                    log.add(client, at, &format!("GET /c{path}-{part}"), 404, 300, "-", "Mozilla/5.0 (X11) Doorstep/7");
                }
            }
            log.sqli("198.19.2.9", 13 * DAY, BROWSERS[2]);
            log
        };
        let whole = log().sweep();
        let spilled = log().sweep_with(|options| options.max_clients = bound);
        prop_assert!(spilled.site.clients.gone.clients > 0, "none was put aside");
        prop_assert_eq!(said(&spilled), said(&whole));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However strangers fall in time: what all of them share joins none of them.
    #[test]
    fn what_everybody_shares_joins_nobody(starts in prop::collection::vec(0..13 * DAY, 8..20), agents in 0usize..4) {
        let mut log = Log::with_visitors();
        let apart: BTreeSet<i64> = starts.iter().map(|at| at / 600 * 600).collect();
        for (place, at) in apart.iter().enumerate() {
            log.sqli(&format!("203.0.113.{}", place + 1), *at, BROWSERS[(place * agents) % BROWSERS.len()]);
        }
        let report = log.sweep();
        prop_assert_eq!(report.actors.len(), apart.len(), "{:?}", groups(&report));
    }
}
