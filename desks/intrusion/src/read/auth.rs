//! Sign-ins as programs tell of them in prose: sshd by its own sentences, everything else by what a failure is called.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::fields::{Fields, Span, read_address, read_ipv4};
use super::time::Moment;
use crate::event::Action;

/// Words for a sign-in that failed, lower case. From the messages of sshd and PAM, mail servers, databases, VPN gateways and
/// web applications, which all say one of a few things.
const FAILURES: &[&str] = &[
    "authentication fail",
    "authentication failure",
    "authentication unsuccessful",
    "authentication error",
    "auth failed",
    "auth fail",
    "auth-error",
    "authfailed",
    "auth failure",
    "failed auth",
    "failed password",
    "failed login",
    "failed to login",
    "failed to log in",
    "failed sign-in",
    "login failed",
    "login failure",
    "login fail",
    "login incorrect",
    "login_error",
    "login_failed",
    "login attempt failed",
    "login authentication failed",
    "unsuccessful 1fa",
    "unsuccessful login",
    "invalid username or password",
    "invalid user",
    "invalid password",
    "invalid credential",
    "invalid login",
    "invalid_grant",
    "incorrect username or password",
    "incorrect password",
    "incorrect authentication",
    "incorrect user",
    "wrong password",
    "bad password",
    "bad username",
    "password mismatch",
    "password check failed",
    "password authentication failed",
    "access denied for user",
    "logon failure",
    "logondenied",
    "unknown user name or bad password",
    "user not found",
    "user_not_found",
    "user_login_failed",
    "credentials rejected",
    "has been denied",
    "authentication_failed",
    "failed authentication",
    "failed with error: status_",
    "nt_status_no_such_user",
    "nt_status_wrong_password",
    "nt_status_logon_failure",
    "authenticator failed",
    "no such user",
    "challengeresponsefailed",
    "invalidpassword",
    "ssl-login-fail",
    "could not authenticate",
    "failure_reason",
    "failed logins",
    "fail to login",
];

/// Whether the message says that a sign-in failed.
pub fn is_failure(message: &[u8]) -> bool {
    let lower = message
        .get(..2048.min(message.len()))
        .unwrap_or(message)
        .to_ascii_lowercase();
    FAILURES
        .iter()
        .any(|words| memchr::memmem::find(&lower, words.as_bytes()).is_some())
}

/// A word for signing in and a word for failing in one clause, whichever comes first: what nearly every program writes, in an
/// order of its own. For lines of which nothing else is known. Between the two there is room for a name and an IPv6 address (45 signs,
/// RFC 4291) when the failure comes last, and for a few words when it comes first.
static FAILED_SIGN_IN: LazyLock<Regex> = LazyLock::new(|| {
    const SIGN_IN: &str = r"(?:log[ _-]?(?:in|on)s?|sign[ _-]?in|auth(?:enticat\w*|orization)?|credentials?|passwords?|user ?names?|token)";
    const FAIL: &str = r"(?:fail(?:ed|ure|s)?|invalid|incorrect|wrong|bad|unsuccessful|denied|reject(?:ed)?|mismatch(?:ed)?|rate-limited|not authorized)";
    Regex::new(&format!(
        r"(?i-u)\b{SIGN_IN}\b[^;\r\n]{{0,90}}?\b{FAIL}\b|\b{FAIL}\b[^;\r\n]{{0,40}}?\b{SIGN_IN}\b"
    ))
    .expect("the pattern is a constant that a test uses")
});

/// What a server, or a guard on it (fail2ban's `fail2ban.actions … [jail] Ban 1.2.3.4`), says when it turns an address away. That
/// something is called brute force is not enough: a visitor may have typed the words.
static TURNED_AWAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i-u)\bbrute[ _-]?force\b.{0,80}\b(?:lock|block|bann|deni|reject)(?:ed)?\b|\bfail2ban\b.{0,80}\] ban \b")
        .expect("the pattern is a constant that a test uses")
});

/// Whether a line of which nothing else is known tells of a sign-in that failed.
fn tells_of_failure(message: &[u8]) -> bool {
    is_failure(message) || FAILED_SIGN_IN.is_match(message.get(..2048.min(message.len())).unwrap_or(message))
}

/// sshd: the sentences of OpenSSH's `auth.c`, `auth2.c` and `packet.c` in which somebody failed, got in or gave up.
pub fn sshd(whole: &[u8], message: &[u8], when: Option<Moment>) -> Option<Fields> {
    let mut fields = Fields {
        time_ms: when.map(|moment| moment.ms),
        offset_minutes: when.map_or(0, |moment| moment.offset),
        action: Action::Notice,
        ..Fields::default()
    };
    let (client, user) = sentence(message);
    fields.client = client;
    fields.user = Span::of(whole, user);
    let begins = |words: &str| message.starts_with(words.as_bytes());
    let holds = |words: &str| memchr::memmem::find(message, words.as_bytes()).is_some();
    if begins("Accepted ") {
        fields.action = Action::SignedIn;
    } else if begins("Failed ")
        || begins("Invalid user ")
        || holds("authentication failure")
        || holds("not allowed because")
        || begins("error: maximum authentication attempts")
        || begins("error: PAM: ")
        || holds(" authenticating user ")
        || holds(" invalid user ")
        || begins("Connection closed by ") && holds("[preauth]")
        || begins("Unable to negotiate ")
        || begins("banner exchange: ")
        || begins("kex_exchange_identification: ")
        || holds("Timeout before authentication")
        || holds("Magic value check failed")
        || holds("ssh_dispatch_run_fatal")
        || begins("Did not receive identification")
        || begins("Bad protocol version")
    {
        // "Failed none" is how a client asks which methods there are.
        fields.action = if begins("Failed none") {
            Action::Notice
        } else {
            Action::SignInFailed
        };
    } else if begins("refused connect ") || begins("Connection reset by ") {
        fields.action = Action::SignInFailed;
    } else if begins("Received disconnect")
        || begins("Disconnected from user")
        || begins("Connection closed by ")
    {
        fields.action = Action::Notice;
    } else if fields.client.is_none() {
        return None;
    }
    Some(fields)
}

/// The address and the name of a sentence of sshd's.
fn sentence(message: &[u8]) -> (Option<std::net::IpAddr>, &[u8]) {
    let mut user = b"".as_slice();
    for lead in [
        b"invalid user ".as_slice(),
        b"Invalid user ",
        b"authenticating user ",
        b" for ",
        b" user=",
        b"User ",
    ] {
        if let Some(at) = memchr::memmem::find(message, lead) {
            let name = &message[at + lead.len()..];
            let end = memchr::memchr(b' ', name).unwrap_or(name.len());
            user = &name[..end];
            break;
        }
    }
    (address_in(message), user)
}

/// The address that a message speaks of: the one behind a word that introduces the client, else the last there is.
pub fn address_in(message: &[u8]) -> Option<std::net::IpAddr> {
    const LEADS: &[&[u8]] = &[
        b"rhost=",
        b"remote host [ipv4:",
        b"remote host [ipv6:",
        b" rip=",
        b"remote_ip=",
        b"remoteip=",
        b"remote_addr=",
        b"ipaddress=",
        b"ip address: ",
        b"ip-address: ",
        b"client_ip\":",
        b"client ip=\"",
        b"client ip=",
        b"client: ",
        b"[client ",
        b"remip=",
        b"srcip=",
        b"source ip: ",
        b"\"ip\":\"",
        b"\"ip\": \"",
        b"ip=",
        b"ip: ",
        b"ip:",
        b" ip ",
        b"(ip: \"",
        b"host=",
        b" from ",
        b"from: ",
    ];
    let scanned = message.get(..2048.min(message.len())).unwrap_or(message);
    let lower = scanned.to_ascii_lowercase();
    for lead in LEADS {
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&lower[from..], lead) {
            let begin = from + at + lead.len();
            if let Some(address) = address_at(&scanned[begin..]) {
                return Some(address);
            }
            from = begin;
        }
    }
    let mut last = None;
    let mut at = 0;
    while at < scanned.len() {
        let starts_word = at == 0 || !(scanned[at - 1].is_ascii_alphanumeric() || scanned[at - 1] == b'.');
        if starts_word
            && scanned[at].is_ascii_digit()
            && let Some((four, rest)) = read_ipv4(&scanned[at..])
            && !matches!(rest.first(), Some(b'.' | b'0'..=b'9'))
        {
            last = Some(std::net::IpAddr::V4(four));
        }
        at += 1;
    }
    last
}

fn address_at(text: &[u8]) -> Option<std::net::IpAddr> {
    let text = text
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'"' | b'\'' | b'[' | b'(' | b'='))
        .map_or(text, |at| &text[at..]);
    let end = text
        .iter()
        .position(|byte| !(byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')))
        .unwrap_or(text.len());
    let word = &text[..end.min(64)];
    read_address(word).or_else(|| {
        // `1.2.3.4:` and `1.2.3.4.`: the sentence goes on.
        let trimmed = word.trim_ascii_end();
        let trimmed = trimmed
            .strip_suffix(b":")
            .or_else(|| trimmed.strip_suffix(b"."))?;
        read_address(trimmed)
    })
}

/// Any program's message that a sign-in failed, where it names an address.
pub fn prose(whole: &[u8], message: &[u8], when: Option<Moment>, now_ms: i64) -> Option<Fields> {
    let head = whole.get(..2048.min(whole.len())).unwrap_or(whole);
    let is_turned_away = TURNED_AWAY.is_match(head);
    if !is_turned_away && !tells_of_failure(message) {
        return None;
    }
    let client = address_in(message)?;
    let when = when.or_else(|| first_time(whole, now_ms));
    let mut fields = Fields {
        action: if is_turned_away {
            Action::TurnedAway
        } else {
            Action::SignInFailed
        },
        time_ms: when.map(|moment| moment.ms),
        offset_minutes: when.map_or(0, |moment| moment.offset),
        client: Some(client),
        ..Fields::default()
    };
    for lead in [
        b"user=<".as_slice(),
        b"username=",
        b"username '",
        b"username \\\"",
        b"for username \"",
        b"account \"",
        b"user \"",
        b"user '",
        b"for user ",
        b"user=",
        b"user: ",
        b"username \"",
        b"set_id=",
        b"for '",
    ] {
        if let Some(at) = memchr::memmem::find(message, lead) {
            let name = message[at + lead.len()..].trim_ascii_start();
            let name = name
                .strip_prefix(b"\"")
                .or_else(|| name.strip_prefix(b"'"))
                .unwrap_or(name);
            let end = name
                .iter()
                .position(|byte| matches!(byte, b' ' | b'"' | b'\'' | b',' | b'>' | b')' | b':' | b']'))
                .unwrap_or(name.len());
            fields.user = Span::of(whole, &name[..end]);
            break;
        }
    }
    Some(fields)
}

/// The first thing in a line that reads as a time, near its beginning.
pub fn first_time(line: &[u8], now_ms: i64) -> Option<Moment> {
    let head = &line[..line.len().min(160)];
    let mut starts_word = true;
    for at in 0..head.len() {
        let byte = head[at];
        if starts_word
            && (byte.is_ascii_digit() || byte.is_ascii_uppercase())
            && let Some(moment) = super::time::iso(&line[at..])
                .map(|(moment, _)| moment)
                .or_else(|| super::time::rfc3164(&line[at..], now_ms).map(|(moment, _)| moment))
                .or_else(|| super::time::clf(&line[at..]))
        {
            return Some(moment);
        }
        starts_word = !byte.is_ascii_alphanumeric();
    }
    None
}
