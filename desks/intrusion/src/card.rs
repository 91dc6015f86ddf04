//! What documentation, console and brief show of the desk.

use std::sync::LazyLock;

use pollwatch_model::{Card, DetectorCard, KindCard};

use crate::payload::detector_cards;

/// The desk's card: the classes that one request shows, then those that a client shows by what it does.
pub(crate) static CARD: LazyLock<Card> = LazyLock::new(|| {
    let mut detectors: Vec<DetectorCard> = detector_cards().to_vec();
    detectors.extend_from_slice(BEHAVIOUR);
    detectors.push(crate::campaign::CARD);
    Card {
        name: "intrusion",
        title: "Logs of election systems",
        looks_for: "Scanning, attack and entry in the logs of web servers, proxies and sign-in services, how far each got, and what \
                    the logs could not show.",
        unwatched: "Whether election systems were scanned, attacked or entered was not looked at.",
        kinds: KINDS,
        detectors: Vec::leak(detectors),
    }
});

const KINDS: &[KindCard] = &[
    KindCard {
        name: "intrusion-actor",
        title: "actor in the logs",
        subject: "the earliest address of the actor in that jurisdiction",
    },
    KindCard {
        name: "authorised-assessment",
        title: "authorised assessment",
        subject: "the earliest address of the declared assessor in that jurisdiction",
    },
    KindCard {
        name: "no-sign-in-logs",
        title: "no sign in complete logs",
        subject: "the window that was looked at, as 2026-09-01..2026-09-21",
    },
];

const MULTISTATE: &str = "Invented logs of 50 states with one campaign in 14 of them, 253,476 lines, 2026-11-30: every labelled line \
                          of the class was held against its actor, and no innocent line was.";

const BEHAVIOUR: &[DetectorCard] = &[
    DetectorCard {
        name: "guessing-of-paths",
        sees: "Twenty or more different paths that do not exist, asked for by one client within ten minutes, most of what it asks \
               for, while it fetches none of the pictures that a browser does. Paths that other visitors miss too do not count.",
        matters: "It is how somebody finds pages that were never meant to be found: backups, consoles, old versions.",
        cannot_tell: "A link checker of the office's own from a stranger's tool; guessing slower than twenty paths in ten minutes.",
        measured_on: MULTISTATE,
        sources: "Likelihood ratio against the site's own rate of misses; Debian's dirb run against a loopback site.",
    },
    DetectorCard {
        name: "guessing-of-passwords",
        sees: "Failed sign-ins of one client: five within a minute, ten within an hour, or fifteen over the whole log with hardly a \
               success; three names within a day, or two at once, of which none ever works; an address that the server itself, or a \
               guard such as fail2ban, says it turned away; and a success after eight failures, with what was given behind it.",
        matters: "A guessed password opens the door without any hole in the software.",
        cannot_tell: "A device that still holds an old password from somebody who guesses. Whether a page that is given back is the \
                      form again, where a site answers both with the same status and size.",
        measured_on: MULTISTATE,
        sources: "NIST SP 800-63B, section 5.2.2; MITRE ATT&CK T1110.001.",
    },
    DetectorCard {
        name: "credential-stuffing",
        sees: "A wave of failed sign-ins from a dozen clients or more that do not behave as browsers, where hardly any were to be \
               expected. Each client may try only once.",
        matters: "Passwords stolen elsewhere are tried from hundreds of addresses, so that no single one is conspicuous.",
        cannot_tell: "An app whose password was changed on the server. Attempts spread thinner than the site's own failures.",
        measured_on: MULTISTATE,
        sources: "Poisson tail against the site's own rate; MITRE ATT&CK T1110.004.",
    },
    DetectorCard {
        name: "stepping-through-records",
        sees: "Forty or more different record numbers at one place by one client, in whatever order, or a hundred and twenty by \
               several clients of one agent that share them out.",
        matters: "In 2020 voter records were taken by a script that asked for one number after another.",
        cannot_tell: "A partner who fetches records by agreement. Whether a page that was given held a record.",
        measured_on: MULTISTATE,
        sources: "CISA and FBI, AA20-304A (2020-10-30).",
    },
    DetectorCard {
        name: "answers-that-follow",
        sees: "Whether answers to database commands differ in size with what was asked, outside what others get there; whether \
               true and false conditions are answered differently; whether waits follow the time asked for.",
        matters: "It tells an attempt from an entry. A status of 200 does not.",
        cannot_tell: "Anything where the log has neither sizes nor durations. An error page that differs from command to command.",
        measured_on: "Runs of sqlmap 1.7.2, wfuzz and wapiti against a loopback site, and the invented logs of 50 states, 2026-11-30.",
        sources: "Fisher's exact test; OWASP Web Security Testing Guide, 4.7.5.",
    },
    DetectorCard {
        name: "coverage",
        sees: "Days and hours without a line where lines were to be expected, clocks that go back, rotated copies, lines that could \
               not be laid out.",
        matters: "A count of attacks without it takes missing logs for safety.",
        cannot_tell: "Lines that were taken out one by one from a busy hour.",
        measured_on: "15 invented logs with days cut out, 2026-11-30: all missing days named exactly.",
        sources: "Median of the hour of the week.",
    },
];
