//! What an actor does, and how far it got.

use std::fmt;
use std::str::FromStr;

use pollwatch_model::{Severity, Stage};
use serde::{Deserialize, Serialize};

/// A text that names no class or verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of the desk's words")]
pub struct UnknownWord(pub String);

macro_rules! words {
    ($scale:ty { $($variant:ident = $word:literal, $title:literal);+ $(;)? }) => {
        impl $scale {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it on the wire and on the command line.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What it is called for people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }

        impl fmt::Display for $scale {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }

        impl FromStr for $scale {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord(text.to_owned())),
                }
            }
        }
    };
}

/// A way of working against an election system, as a log shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Database commands where a value belongs.
    Sqli,
    /// Script where a value belongs.
    Xss,
    /// Paths that leave the site's own folder.
    Traversal,
    /// Commands for the operating system.
    Rce,
    /// Code or settings for PHP.
    Php,
    /// Expressions and lookups for Java.
    Java,
    /// Addresses that the server is to fetch, and template expressions that it is to work out.
    #[serde(rename = "ssrf_ssti")]
    SsrfSsti,
    /// A file of the attacker's that the server is to include.
    Rfi,
    /// Requests that break the protocol so as to slip past something.
    Protocol,
    /// The shape of a published hole.
    #[serde(rename = "knownhole")]
    KnownHole,
    /// A tool that tries many things.
    Scanner,
    /// A page of the attacker's on the server, in use.
    #[serde(rename = "webshell")]
    WebShell,
    /// Guessing of paths by the hundred.
    Dirbust,
    /// Guessing of passwords.
    Bruteforce,
    /// Sign-ins with stolen names and passwords, from many addresses.
    #[serde(rename = "credstuff")]
    CredStuff,
    /// Stepping through records.
    Enumeration,
    /// Taking of records in bulk.
    Exfil,
    /// A visit from an address on a list, or of an actor who attacked elsewhere.
    Contact,
}
words!(Class {
    Sqli = "sqli", "SQL injection";
    Xss = "xss", "cross-site scripting";
    Traversal = "traversal", "path traversal";
    Rce = "rce", "command injection";
    Php = "php", "PHP injection";
    Java = "java", "Java injection";
    SsrfSsti = "ssrf_ssti", "server-side request or template injection";
    Rfi = "rfi", "remote file inclusion";
    Protocol = "protocol", "protocol abuse";
    KnownHole = "knownhole", "a known hole";
    Scanner = "scanner", "vulnerability scanner";
    WebShell = "webshell", "web shell";
    Dirbust = "dirbust", "guessing of paths";
    Bruteforce = "bruteforce", "guessing of passwords";
    CredStuff = "credstuff", "credential stuffing";
    Enumeration = "enumeration", "stepping through records";
    Exfil = "exfil", "bulk taking of records";
    Contact = "contact", "contact";
});

impl Class {
    /// The ATT&CK techniques that the class stands for.
    pub fn techniques(self) -> &'static [&'static str] {
        match self {
            Class::Sqli
            | Class::Xss
            | Class::Traversal
            | Class::Rce
            | Class::Php
            | Class::Java
            | Class::SsrfSsti
            | Class::Rfi
            | Class::Protocol
            | Class::KnownHole => &["T1190"],
            Class::Scanner => &["T1595.002"],
            Class::Dirbust => &["T1595.003"],
            Class::WebShell => &["T1505.003"],
            Class::Bruteforce => &["T1110.001"],
            Class::CredStuff => &["T1110.004"],
            Class::Enumeration | Class::Exfil => &["T1213"],
            Class::Contact => &[],
        }
    }

    /// Whether one request shows it by what it carries, as against by what its client does.
    pub fn is_by_content(self) -> bool {
        !matches!(
            self,
            Class::Dirbust
                | Class::Bruteforce
                | Class::CredStuff
                | Class::Enumeration
                | Class::Exfil
                | Class::Contact
        )
    }
}

/// How far an actor got in one jurisdiction, least first.
///
/// `Authorised` stands apart: a declared assessor at work, whatever was done. It is never counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A declared assessor at work.
    Authorised,
    /// Nothing was seen.
    None,
    /// An address of ill repute came by.
    Contact,
    /// Somebody looked for a way in.
    Scanned,
    /// Somebody tried to get in, or to take something.
    Attempted,
    /// It worked.
    Breached,
    /// It worked, and records were taken.
    Exfiltrated,
}
words!(Verdict {
    Authorised = "authorised", "authorised assessment";
    None = "none", "no sign";
    Contact = "contact", "contact only";
    Scanned = "scanned", "scanned";
    Attempted = "attempted", "attack attempted";
    Breached = "breached", "entered";
    Exfiltrated = "exfiltrated", "records taken";
});

impl Verdict {
    /// The stage that the verdict stands for. `Altered` is never said from a log.
    pub fn stage(self) -> Stage {
        match self {
            Verdict::Authorised | Verdict::None => Stage::Unknown,
            Verdict::Contact => Stage::Contacted,
            Verdict::Scanned => Stage::Probed,
            Verdict::Attempted => Stage::Attempted,
            Verdict::Breached | Verdict::Exfiltrated => Stage::Succeeded,
        }
    }

    /// How urgently it wants a person. Scanning is every day's weather on a public site: worth a count, not an alarm.
    pub fn severity(self) -> Severity {
        match self {
            Verdict::Authorised | Verdict::None => Severity::Info,
            Verdict::Contact | Verdict::Scanned => Severity::Low,
            Verdict::Attempted => Severity::Medium,
            Verdict::Breached => Severity::High,
            Verdict::Exfiltrated => Severity::Critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_agree_with_serde() {
        for class in Class::ALL {
            assert_eq!(class.word().parse::<Class>().as_ref(), Ok(class));
            assert_eq!(serde_json::to_value(class).unwrap(), class.word());
        }
        for verdict in Verdict::ALL {
            assert_eq!(verdict.word().parse::<Verdict>().as_ref(), Ok(verdict));
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.word());
        }
        assert!(Verdict::ALL.is_sorted(), "least first");
    }

    #[test]
    fn nothing_is_ever_called_altered() {
        assert!(
            Verdict::ALL
                .iter()
                .all(|verdict| verdict.stage() != Stage::Altered)
        );
    }
}
