//! Sign-ins that fail: who guesses, who mistypes, and in how many words programs say so.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::BufReader;

use jiff::Timestamp;
use pollwatch_intrusion::event::Action;
use pollwatch_intrusion::read::{Format, Reader};
use pollwatch_intrusion::sweep::{Deaf, Options, Place, SiteReport, Sweep};
use pollwatch_intrusion::{Class, Verdict};

fn sweep(text: &str) -> SiteReport {
    let mut sweep = Sweep::new(Options::new("2026-12-01T00:00:00Z".parse::<Timestamp>().unwrap()));
    sweep.read(
        "adams",
        "auth.log",
        &Format::Sniffed,
        Place::default(),
        &mut BufReader::new(text.as_bytes()),
        &mut Deaf,
    );
    sweep.finish().remove(0)
}

/// A sign-in at a mail server that failed, so many seconds into the day.
fn failed(client: &str, user: &str, seconds: u32) -> String {
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "Sep 15 {hour:02}:{minute:02}:{second:02} mail dovecot: imap-login: Disconnected (auth failed, 1 attempts): \
         user=<{user}>, method=PLAIN, rip={client}, lip=10.0.0.1\n"
    )
}

#[test]
fn several_names_that_fail_and_none_that_works_are_guessing() {
    let slow: String = ["admin", "info", "webmaster", "info"]
        .iter()
        .enumerate()
        .map(|(place, user)| failed("203.0.113.5", user, 28_800 + 1_800 * place as u32))
        .collect();
    let report = sweep(&slow);
    let [actor] = report.actors.as_slice() else {
        panic!("{:?}", report.actors)
    };
    assert_eq!(
        (actor.class, actor.verdict),
        (Class::Bruteforce, Verdict::Attempted)
    );
    assert_eq!(actor.held[0].rule, "several-names-and-none-worked");
    let at_once: String = ["pat", "kim", "pat", "kim"]
        .iter()
        .enumerate()
        .map(|(place, user)| failed("203.0.113.5", user, 28_800 + place as u32))
        .collect();
    assert_eq!(sweep(&at_once).actors.len(), 1);
}

#[test]
fn an_old_password_and_an_office_behind_one_address_are_not() {
    // A telephone that tries an old password, all day long but never fast.
    let telephone: String = (0..8)
        .map(|n| failed("203.0.113.5", "pat", 28_800 + 3_600 * n))
        .collect();
    // Three people of whom one gets in.
    let mut office: String = ["pat", "kim", "lee", "pat"]
        .iter()
        .enumerate()
        .map(|(place, user)| failed("203.0.113.6", user, 28_800 + 1_800 * place as u32))
        .collect();
    office.push_str("Sep 15 11:00:00 host sshd[7]: Accepted password for pat from 203.0.113.6 port 5 ssh2\n");
    // Two names, and time to type them.
    let couple: String = ["pat", "kim", "pat", "kim"]
        .iter()
        .enumerate()
        .map(|(place, user)| failed("203.0.113.7", user, 28_800 + 25 * place as u32))
        .collect();
    // The same three names on three days.
    let days: String = ["pat", "kim", "lee", "pat"]
        .iter()
        .enumerate()
        .map(|(place, user)| {
            failed("203.0.113.8", user, 100).replace("Sep 15", &format!("Sep {:>2}", 3 + 3 * place))
        })
        .collect();
    for text in [telephone, office, couple, days] {
        let report = sweep(&text);
        assert!(report.actors.is_empty(), "{text}{:?}", report.actors);
    }
}

#[test]
fn whom_the_server_turned_away_is_told_as_the_server_tells_it() {
    for line in [
        "[2026-09-15 12:07:01 +0000] info [cpaneld] 203.0.113.9 - pat \"POST /login/?login_only=1 HTTP/1.1\" FAILED LOGIN cpaneld: brute force attempt (user pat) has locked out IP 203.0.113.9\n",
        "2026-09-15 12:07:01,123 fail2ban.actions        [812]: NOTICE  [sshd] Ban 203.0.113.9\n",
    ] {
        let report = sweep(line);
        assert_eq!(report.actors.len(), 1, "{line}");
        assert_eq!(
            report.actors[0].held[0].rule, "turned-away-by-the-server",
            "{line}"
        );
        assert_eq!(
            report.actors[0].addresses,
            ["203.0.113.9".parse::<std::net::IpAddr>().unwrap()]
        );
    }
    for line in [
        "2026-09-15 12:07:01,123 fail2ban.actions        [812]: NOTICE  [sshd] Unban 203.0.113.9\n",
        "2026-09-15 12:07:01,123 fail2ban.filter         [812]: INFO    [sshd] Found 203.0.113.9 - 2026-09-15 12:07:00\n",
        "2026-09-15 12:07:01 app: 203.0.113.9 searched for brute force\n",
    ] {
        assert!(sweep(line).actors.is_empty(), "{line}");
    }
}

#[test]
fn a_survey_of_the_whole_internet_is_no_scan_until_it_looks_for_holes() {
    let visit = |path: &str| {
        format!(
            "203.0.113.9 - - [15/Sep/2026:08:00:00 +0000] \"GET {path} HTTP/1.1\" 403 118 \"-\" \"Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)\"\n"
        )
    };
    assert!(sweep(&visit("/")).actors.is_empty());
    let report = sweep(&visit("/.git/config"));
    assert_eq!(report.actors[0].verdict, Verdict::Scanned);
}

#[test]
fn who_asks_for_a_proxy_looks_for_one() {
    let line = "203.0.113.9 - - [15/Sep/2026:08:00:00 +0000] \"CONNECT mail.example.com:25 HTTP/1.1\" 400 166 \"-\" \"-\"\n";
    let report = sweep(line);
    assert_eq!(report.actors[0].verdict, Verdict::Scanned);
    assert_eq!(report.actors[0].class, Class::Scanner);
}

/// What programs write when a sign-in fails, in their own order of words, and what they write when none did.
#[test]
fn prose_tells_of_failures_and_of_nothing_else() {
    let reader = Reader::new(&Format::Sniffed, 1_790_000_000_000);
    let mut scratch = Vec::new();
    for line in [
        "2026-09-15T08:00:00Z WARN Authentication attempt from [203.0.113.5, 10.0.0.2] for user \"pat\" failed.",
        "Sep 15 08:00:00 host app[7]: [Warn] Auth: Auth-Failure ip 203.0.113.5 username 'pat'",
        "[2026-09-15 08:00:00.219][app::identity][ERROR] Username or password is incorrect. Try again. IP: 203.0.113.5. Username: pat.",
        "Mon Sep 15 08:00:00 2026 [pid 27244] [pat] FAIL LOGIN: Client \"203.0.113.5\"",
        "2026-09-15 08:00:00|INFO|Query| |query from 203.0.113.5:48426 attempted to login with account \"pat\" and failed!",
        "Sep 15 08:00:00 host smb[2725]: Auth: [SMB2,(null)] user []\\[pat] with [NTLMv2] status [NT_STATUS_NO_SUCH_USER] remote host [ipv4:203.0.113.5:62419] local host [ipv4:10.1.1.1:445]",
        "2026-09-15T08:00:00Z [AUTH] WARN: Invalid token provided for user pat. IP=203.0.113.5",
    ] {
        let (_, fields) = reader.read(line.as_bytes(), &mut scratch).expect(line);
        assert_eq!(fields.action, Action::SignInFailed, "{line}");
        assert_eq!(fields.client, Some("203.0.113.5".parse().unwrap()), "{line}");
    }
    for line in [
        "2026-09-15T08:00:00Z INFO User pat logged in from 203.0.113.5",
        "Sep 15 08:00:00 host app[7]: upload of 203.0.113.5 failed: disk full",
        "2026/09/15 08:00:00 [error] 8#8: *1 open() \"/var/www/login\" failed (2: No such file or directory), client: 203.0.113.5, server: , request: \"GET /login HTTP/1.1\"",
        "Sep 15 08:00:00 host ntpd[7]: bad peer 203.0.113.5",
    ] {
        let action = reader
            .read(line.as_bytes(), &mut scratch)
            .map(|(_, fields)| fields.action);
        assert_ne!(action, Some(Action::SignInFailed), "{line}");
    }
}
