//! One line of a log, laid out.

use std::net::IpAddr;

use crate::read::Headers;

/// What a line tells of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Action {
    /// A request to a web server.
    #[default]
    Request,
    /// A sign-in that failed.
    SignInFailed,
    /// A sign-in that failed, and the server itself, or a guard on it, says that it turned the address away for guessing.
    TurnedAway,
    /// A sign-in that worked.
    SignedIn,
    /// A connection that was let through or turned away before anything was asked.
    Connection,
    /// Something else that a server thought worth a line.
    Notice,
}

/// How a dialect wrote the text of a request, so that it can be undone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Escapes {
    /// As it was sent.
    #[default]
    None,
    /// `\"`, `\\` and `\xHH`, as Apache httpd and nginx write them.
    Backslash,
}

/// One line of a log, laid out. Texts are bytes as they stood there; empty: absent, or written `-`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// What it tells of.
    pub action: Action,
    /// When, in milliseconds since 1970 UTC.
    pub time_ms: Option<i64>,
    /// The offset from UTC that the log wrote, in minutes.
    pub offset_minutes: i16,
    /// Whom the server spoke with.
    pub client: Option<IpAddr>,
    /// The chain of addresses that the request says it was forwarded for.
    pub forwarded: &'a [u8],
    /// The method.
    pub method: &'a [u8],
    /// The host that was asked for.
    pub host: &'a [u8],
    /// Path and query, as sent.
    pub target: &'a [u8],
    /// The status of the answer.
    pub status: Option<u16>,
    /// The size of the answer, in bytes.
    pub bytes: Option<u64>,
    /// How long the answer took, in milliseconds.
    pub duration_ms: Option<u32>,
    /// The referring page.
    pub referer: &'a [u8],
    /// The user agent.
    pub agent: &'a [u8],
    /// The name that somebody signed in with, or tried to.
    pub user: &'a [u8],
    /// Other headers of the request that the log captured.
    pub headers: Headers<'a>,
    /// How its texts are to be undone.
    pub escapes: Escapes,
}

/// An address as a number that tells IPv4 (mapped, RFC 4291 section 2.5.5.2) and IPv6 apart and every spelling together.
pub fn address_key(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(four.to_ipv6_mapped()),
        IpAddr::V6(six) => u128::from(six),
    }
}

/// The address behind a key of [`address_key`].
pub fn address_of(key: u128) -> IpAddr {
    std::net::Ipv6Addr::from(key).to_canonical()
}
