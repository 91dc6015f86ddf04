//! What `pollwatch watch` follows, and whom it tells: the `[[source]]` and `[[alert]]` tables of `pollwatch.toml`.

use pollwatch_model::{Severity, Tlp};
use serde::{Deserialize, Serialize};

/// One source that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WatchedSource {
    /// The name that people know it by; no other source has it.
    pub name: String,
    /// The desk that reads it.
    pub desk: String,
    /// How bytes arrive.
    pub kind: SourceKind,
    /// The file or folder; from the workspace's folder when it is not absolute. Empty for standard input.
    #[serde(default)]
    pub path: String,
    /// The target that it speaks of, by its id in the register; empty: all.
    #[serde(default)]
    pub target: String,
    /// The format to read it as; empty: the desk looks and decides.
    #[serde(default)]
    pub format: String,
    /// Seconds for which a file must lie untouched before it counts as complete; 0: it is complete as soon as it is there
    /// under a name that is not a temporary one. Not given: what suits the kind.
    pub quiet_seconds: Option<u64>,
    /// Reads all files of the folder together each time that one arrives, as a comparison of snapshots needs. Not given: as
    /// the desk needs it.
    pub together: Option<bool>,
    /// Hours without anything new after which the source is called late.
    #[serde(default = "a_day")]
    pub late_after_hours: u64,
}

/// How the bytes of a source arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// One file that grows and is rotated.
    Log,
    /// A folder in which whole files arrive; a Maildir is one.
    Folder,
    /// The daemon's standard input.
    Stdin,
}

fn a_day() -> u64 {
    24
}

/// One way of telling people.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertChannel {
    /// Its name; no other channel has it.
    pub name: String,
    /// Only findings at least this severe.
    #[serde(default = "high")]
    pub min_severity: Severity,
    /// Who may read what goes this way: of stricter findings only the id is told.
    #[serde(default = "amber")]
    pub tlp: Tlp,
    /// Minutes for which findings are gathered into one message, counted from the first of them; 0: each at once.
    #[serde(default)]
    pub digest_minutes: u64,
    /// Hours in which only `critical` is told, such as `22:00-06:00`; the rest waits. Empty: none.
    #[serde(default)]
    pub quiet_hours: String,
    /// The time zone of `quiet_hours` and of times in messages, such as `America/Chicago`.
    #[serde(default = "utc")]
    pub zone: String,
    /// Runs a command, with the message as JSON on its standard input.
    pub command: Option<Vec<String>>,
    /// Posts the message as JSON to a web address.
    pub webhook: Option<Webhook>,
    /// Sends the message as mail.
    pub mail: Option<MailRelay>,
}

/// A web address that takes alerts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address: https, or http on this machine.
    pub url: String,
    /// A file with the secret that signs each message (HMAC-SHA-256), from the workspace's folder.
    pub secret_file: String,
}

/// A relay that takes mail by SMTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailRelay {
    /// Host and port, such as `mail.county.example:587`.
    pub relay: String,
    /// How the connection is protected.
    #[serde(default)]
    pub security: MailSecurity,
    /// The sender's address.
    pub from: String,
    /// The recipients' addresses.
    pub to: Vec<String>,
    /// The user name, where the relay asks for one.
    #[serde(default)]
    pub user: String,
    /// A file with that user's password, from the workspace's folder.
    #[serde(default)]
    pub password_file: String,
}

/// How a connection to a mail relay is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// TLS after a greeting in clear (RFC 3207); refused where the relay does not offer it.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// None: only for a relay on this machine.
    None,
}

fn high() -> Severity {
    Severity::High
}

fn amber() -> Tlp {
    Tlp::Amber
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What is wrong with the tables, each fault in words; empty when nothing is.
pub(super) fn faults(sources: &[WatchedSource], alerts: &[AlertChannel]) -> Vec<String> {
    let mut faults = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        let name = &source.name;
        if name.trim().is_empty() {
            faults.push(format!("source {} has no name", place + 1));
        }
        if sources[..place].iter().any(|other| other.name == *name) {
            faults.push(format!("two sources are called {name:?}: give one another name"));
        }
        if crate::desks::named(&source.desk).is_none() {
            let known: Vec<&str> = crate::desks::all().iter().map(|desk| desk.card().name).collect();
            faults.push(format!(
                "source {name:?} names a desk {:?} that there is not; there are {}",
                source.desk,
                known.join(", ")
            ));
        }
        if source.path.is_empty() != (source.kind == SourceKind::Stdin) {
            faults.push(format!(
                "source {name:?} needs a path, unless its kind is stdin, which has none"
            ));
        }
        if sources[..place]
            .iter()
            .any(|other| other.kind == SourceKind::Stdin && source.kind == SourceKind::Stdin)
        {
            faults.push("only one source can be standard input".to_owned());
        }
    }
    for (place, alert) in alerts.iter().enumerate() {
        let name = &alert.name;
        if alerts[..place].iter().any(|other| other.name == *name) {
            faults.push(format!("two alerts are called {name:?}: give one another name"));
        }
        let ways = [
            alert.command.is_some(),
            alert.webhook.is_some(),
            alert.mail.is_some(),
        ];
        if ways.iter().filter(|is_given| **is_given).count() != 1 {
            faults.push(format!(
                "alert {name:?} needs exactly one of command, webhook and mail"
            ));
        }
        if alert.command.as_ref().is_some_and(Vec::is_empty) {
            faults.push(format!("alert {name:?} has an empty command"));
        }
    }
    faults
}
