//! Which dialect a log is written in, and the way through all of them.

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::{Mapping, W3cFields, alb, auth, cef, clf, haproxy, json, packet, palo_alto, syslog, time, xml};
use crate::event::Action;

/// A dialect of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Common and combined, with or without a virtual host in front.
    Combined,
    /// Nginx Proxy Manager.
    ProxyManager,
    /// Apache's error log.
    ApacheError,
    /// nginx's error log.
    NginxError,
    /// One JSON object a line.
    Json,
    /// W3C extended, as IIS writes it.
    W3c,
    /// AWS application load balancer.
    Alb,
    /// Common Event Format.
    Cef,
    /// HAProxy.
    Haproxy,
    /// sshd.
    Sshd,
    /// Any program's message that a sign-in failed.
    SignIn,
    /// pf's filterlog.
    Pf,
    /// iptables.
    Iptables,
    /// Zoraxy.
    Zoraxy,
    /// Palo Alto's threat and traffic logs.
    PaloAlto,
    /// Windows events as XML.
    WindowsXml,
    /// By a mapping file.
    Mapped,
}

/// The name of a dialect that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no dialect {0:?}; known are {known}", known = Dialect::names())]
pub struct Unknown(pub String);

impl Dialect {
    /// Every dialect with its name.
    pub const ALL: &'static [(Dialect, &'static str)] = &[
        (Dialect::Combined, "combined"),
        (Dialect::ProxyManager, "proxy-manager"),
        (Dialect::ApacheError, "apache-error"),
        (Dialect::NginxError, "nginx-error"),
        (Dialect::Json, "json"),
        (Dialect::W3c, "w3c"),
        (Dialect::Alb, "alb"),
        (Dialect::Cef, "cef"),
        (Dialect::Haproxy, "haproxy"),
        (Dialect::Sshd, "sshd"),
        (Dialect::SignIn, "sign-in"),
        (Dialect::Pf, "pf"),
        (Dialect::Iptables, "iptables"),
        (Dialect::Zoraxy, "zoraxy"),
        (Dialect::PaloAlto, "palo-alto"),
        (Dialect::WindowsXml, "windows-xml"),
        (Dialect::Mapped, "mapped"),
    ];

    fn names() -> String {
        let names: Vec<&str> = Dialect::ALL.iter().map(|(_, name)| *name).collect();
        names.join(", ")
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Dialect::ALL
            .iter()
            .find(|(dialect, _)| *dialect == self)
            .map_or("", |(_, name)| name)
    }

    /// The dialect of a name; other names of the same are `common`, `vhost`, `nginx`, `apache`, `iis`, `cloudflare`, `caddy`,
    /// `fastly`, `syslog` and `auth`.
    pub fn named(name: &str) -> Result<Self, Unknown> {
        let other = match name {
            "common" | "vhost" | "nginx" | "apache" => Some(Dialect::Combined),
            "iis" => Some(Dialect::W3c),
            "cloudflare" | "caddy" | "fastly" | "nginx-json" | "apache-json" => Some(Dialect::Json),
            "syslog" | "auth" => Some(Dialect::Sshd),
            _ => None,
        };
        other
            .or_else(|| {
                Dialect::ALL
                    .iter()
                    .find(|(_, known)| *known == name)
                    .map(|(dialect, _)| *dialect)
            })
            .ok_or_else(|| Unknown(name.to_owned()))
    }
}

/// How a file is to be read: found by looking, or said by whoever gave it.
#[derive(Debug, Clone)]
pub enum Format {
    /// By looking at each line, the dialect of the one before it first.
    Sniffed,
    /// As said; lines that do not read so are still tried as the others.
    Named(Dialect),
    /// By a mapping.
    Mapped(Mapping),
}

/// Reads the lines of one file. Cloned for each block that is read beside others.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The dialect that is tried first.
    pub first: Option<Dialect>,
    /// The columns of W3C, as last declared.
    pub columns: Option<W3cFields>,
    mapping: Option<Mapping>,
    /// The columns of a mapped CSV.
    pub header: Vec<String>,
    /// The time of the run, by which times without a year are placed.
    pub now_ms: i64,
}

impl Reader {
    /// A reader of a file that begins here.
    pub fn new(format: &Format, now_ms: i64) -> Self {
        let (first, mapping) = match format {
            Format::Sniffed => (None, None),
            Format::Named(dialect) => (Some(*dialect), None),
            Format::Mapped(mapping) => (Some(Dialect::Mapped), Some(mapping.clone())),
        };
        Reader {
            first,
            columns: None,
            mapping,
            header: Vec::new(),
            now_ms,
        }
    }

    /// Takes in a line that says how the following ones are to be read; tells whether it was one.
    pub fn declares(&mut self, line: &[u8], is_first_line: bool) -> bool {
        if line.starts_with(b"#") {
            if let Some(columns) = W3cFields::directive(line) {
                self.columns = Some(columns);
                self.first.get_or_insert(Dialect::W3c);
            }
            return true;
        }
        if is_first_line && let Some(header) = self.mapping.as_ref().and_then(|mapping| mapping.header(line))
        {
            self.header = header;
            return true;
        }
        false
    }

    /// Whether the file may declare its columns anew between two lines.
    pub fn may_redeclare(&self) -> bool {
        self.columns.is_some()
    }

    /// Lays out one line. `scratch` is cleared, and holds what the dialect had to undo.
    pub fn read(&self, line: &[u8], scratch: &mut Vec<u8>) -> Option<(Dialect, Fields)> {
        scratch.clear();
        if let Some(dialect) = self.first {
            if let Some(fields) = self.read_as(dialect, line, line, None, scratch) {
                return Some((dialect, fields));
            }
            if dialect == Dialect::Mapped {
                return None;
            }
            scratch.clear();
        }
        self.look(line, line, None, scratch, 0)
    }

    fn read_as(
        &self,
        dialect: Dialect,
        whole: &[u8],
        text: &[u8],
        outside: Option<time::Moment>,
        scratch: &mut Vec<u8>,
    ) -> Option<Fields> {
        match dialect {
            Dialect::Combined => clf::access(whole, text),
            Dialect::ProxyManager => clf::proxy_manager(whole, text),
            Dialect::ApacheError => clf::apache_error(whole, text),
            Dialect::NginxError => clf::nginx_error(whole, text),
            Dialect::Json => {
                let fields = text
                    .starts_with(b"{")
                    .then(|| json::object(whole, text, scratch, self.now_ms, None))
                    .flatten()?;
                Some(self.signed_in(fields, whole, text))
            }
            Dialect::W3c => self.columns.as_ref()?.entry(whole, text, scratch),
            Dialect::Alb => alb::entry(whole, text),
            Dialect::Cef => cef::event(whole, text, scratch, outside, self.now_ms),
            Dialect::Haproxy => haproxy::entry(whole, text, scratch),
            Dialect::Iptables => packet::iptables(text).map(|fields| timed(fields, outside)),
            Dialect::Pf => packet::filterlog(text).map(|fields| timed(fields, outside)),
            Dialect::Zoraxy => clf::zoraxy(whole, text),
            Dialect::PaloAlto => palo_alto::entry(whole, text, outside, self.now_ms),
            Dialect::WindowsXml => xml::event(whole, text, scratch),
            Dialect::Sshd => None,
            Dialect::SignIn => auth::prose(whole, text, outside, self.now_ms),
            Dialect::Mapped => self
                .mapping
                .as_ref()?
                .entry(whole, &self.header, scratch, self.now_ms),
        }
    }

    /// A JSON line that tells of no request may tell of a sign-in.
    fn signed_in(&self, fields: Fields, whole: &[u8], text: &[u8]) -> Fields {
        let is_request = fields.action == Action::Request && fields.status.is_some_and(|status| status > 0);
        if is_request || !auth::is_failure(text) {
            return fields;
        }
        Fields {
            action: Action::SignInFailed,
            client: fields.client.or_else(|| auth::address_in(text)),
            time_ms: fields
                .time_ms
                .or_else(|| auth::first_time(whole, self.now_ms).map(|moment| moment.ms)),
            ..fields
        }
    }

    /// Tries what the line's first bytes allow, then opens an envelope and looks inside.
    fn look(
        &self,
        whole: &[u8],
        text: &[u8],
        outside: Option<time::Moment>,
        scratch: &mut Vec<u8>,
        depth: u32,
    ) -> Option<(Dialect, Fields)> {
        let text = text.trim_ascii_start();
        let first = *text.first()?;
        let order: &[Dialect] = match first {
            b'{' => &[Dialect::Json],
            b'[' => &[Dialect::ProxyManager, Dialect::ApacheError],
            b'<' => &[Dialect::WindowsXml],
            b'-' => &[Dialect::WindowsXml, Dialect::Combined],
            b'0'..=b'9' => &[
                Dialect::W3c,
                Dialect::Combined,
                Dialect::Haproxy,
                Dialect::NginxError,
                Dialect::Cef,
                Dialect::Zoraxy,
                Dialect::Pf,
                Dialect::PaloAlto,
            ],
            b'h' | b'w' | b'g' => &[Dialect::Alb, Dialect::Combined],
            b'C' => &[Dialect::Cef, Dialect::Combined],
            _ => &[Dialect::Combined, Dialect::Haproxy],
        };
        for dialect in order {
            scratch.clear();
            if let Some(fields) = self.read_as(*dialect, whole, text, outside, scratch) {
                return Some((*dialect, fields));
            }
        }
        scratch.clear();
        if depth == 0
            && let Some(envelope) = syslog::open(text, self.now_ms)
        {
            let message = envelope.message;
            let when = envelope.when.or(outside);
            let program = envelope.program;
            if program.starts_with(b"sshd")
                && let Some(fields) = auth::sshd(whole, message, when)
            {
                return Some((Dialect::Sshd, fields));
            }
            if program == b"filterlog"
                && let Some(fields) = packet::filterlog(message)
            {
                return Some((Dialect::Pf, timed(fields, when)));
            }
            if let Some(fields) = packet::iptables(message) {
                return Some((Dialect::Iptables, timed(fields, when)));
            }
            if let Some(found) = self.look(whole, message, when, scratch, 1) {
                return Some(found);
            }
            // Fastly sends `time host  {…}`: no program, and the message lies behind blanks.
            if let Some(at) = memchr::memchr(b'{', &message[..message.len().min(256)]) {
                scratch.clear();
                if let Some(fields) = self.read_as(Dialect::Json, whole, &message[at..], when, scratch) {
                    return Some((Dialect::Json, timed(fields, when)));
                }
            }
        }
        if depth == 0 {
            scratch.clear();
            return auth::prose(whole, text, outside, self.now_ms).map(|fields| (Dialect::SignIn, fields));
        }
        None
    }
}

fn timed(fields: Fields, when: Option<time::Moment>) -> Fields {
    match (fields.time_ms, when) {
        (None, Some(moment)) => Fields {
            time_ms: Some(moment.ms),
            offset_minutes: moment.offset,
            ..fields
        },
        _ => fields,
    }
}
