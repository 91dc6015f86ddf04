//! How the person in front of the browser reads: language, time zone, colours.

use axum::http::HeaderMap;
use axum::http::header;
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::Console;
use crate::access::guard::{Caller, Means};
use crate::access::secrets;
use crate::words::Language;

/// Longest name of a time zone that is looked up, in bytes.
const MAX_ZONE_BYTES: usize = 64;

/// Colours, as chosen on the page "Your account" or left to the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    #[default]
    System,
    Light,
    Dark,
    Contrast,
}

impl Theme {
    pub(crate) const ALL: [Theme; 4] = [Theme::System, Theme::Light, Theme::Dark, Theme::Contrast];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
            Theme::Contrast => "contrast",
        }
    }
}

/// The person in front of the browser.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) language: Language,
    pub(crate) theme: Theme,
    zone: TimeZone,
    pub(crate) zone_is_known: bool,
    pub(crate) caller: Option<Caller>,
    /// Path and query, for links that come back here.
    pub(crate) here: String,
    /// The cookie that binds the sign-in form to this browser.
    before: Option<String>,
    /// Only a part of the page is wanted.
    pub(crate) wants_part: bool,
    pub(crate) address: std::net::IpAddr,
}

/// Name of the cookie that binds forms to a browser that has not signed in.
pub(crate) fn before_cookie(is_secure: bool) -> &'static str {
    if is_secure { "__Host-before" } else { "before" }
}

impl Visitor {
    pub(crate) fn of(console: &Console, parts: &Parts, caller: Option<&Caller>) -> Self {
        let headers = &parts.headers;
        let zone_name = cookie(headers, "zone").filter(|name| name.len() <= MAX_ZONE_BYTES);
        // The browser's script has to escape the slash of a zone's name.
        let zone_name = zone_name.map(|name| name.replace("%2F", "/"));
        let zone = zone_name.and_then(|name| TimeZone::get(&name).ok());
        let theme =
            cookie(headers, "theme").and_then(|word| Theme::ALL.into_iter().find(|t| t.word() == word));
        let chosen = cookie(headers, "language").and_then(Language::of_tag);
        let asked = || {
            headers
                .get(header::ACCEPT_LANGUAGE)
                .and_then(|value| value.to_str().ok())
                .map(Language::accepted)
        };
        Visitor {
            language: chosen.or_else(asked).unwrap_or_default(),
            theme: theme.unwrap_or_default(),
            zone_is_known: zone.is_some(),
            zone: zone.unwrap_or(TimeZone::UTC),
            caller: caller.cloned(),
            here: parts
                .uri
                .path_and_query()
                .map_or_else(String::new, |at| at.as_str().to_owned()),
            before: cookie(headers, before_cookie(console.inner.options.is_secure())).map(str::to_owned),
            wants_part: headers.contains_key("hx-request")
                && !headers.contains_key("hx-history-restore-request"),
            address: crate::access::guard::address_of(console, parts),
        }
    }

    /// The key of forms that are sent before there is a session.
    pub(crate) fn before_key(&self, console: &Console) -> [u8; 32] {
        let text = self.before.as_deref().unwrap_or_default();
        secrets::digest_of(&secrets::signed(&console.inner.secret, &format!("before {text}")))
    }

    /// The browser's cookie for forms before a session; `None` when it has none yet.
    pub(crate) fn before(&self) -> Option<&str> {
        self.before.as_deref()
    }

    /// With the cookie that this answer sets.
    pub(crate) fn with_before(mut self, before: String) -> Self {
        self.before = Some(before);
        self
    }

    /// The hidden field without which no form is believed.
    pub(crate) fn form_field(&self, console: &Console) -> Markup {
        html! { input type="hidden" name="form" value=(self.form_token(console)); }
    }

    pub(crate) fn form_token(&self, console: &Console) -> String {
        let key = match self.caller.as_ref().map(|caller| &caller.means) {
            Some(Means::Session { csrf, .. }) => *csrf,
            _ => self.before_key(console),
        };
        // A salt that repeats would weaken nothing but the defence against BREACH.
        let salt = crate::app::random().unwrap_or([0; 16]);
        secrets::form_token(&key, salt)
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        self.caller.is_some()
    }

    pub(crate) fn may(&self, need: crate::access::guard::Need) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.role.may(need))
    }

    /// A time in the visitor's zone, to the minute, with the zone named: `2026-11-30 16:05 EST`.
    pub(crate) fn time(&self, at: Timestamp) -> Markup {
        let local = at.to_zoned_datetime(self.zone.clone());
        html! {
            time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ")) data-local[!self.zone_is_known] {
                (local.strftime("%Y-%m-%d %H:%M")) " " (local.strftime("%Z"))
            }
        }
    }

    /// The name of the zone that times are shown in.
    pub(crate) fn zone_name(&self) -> String {
        self.zone.iana_name().unwrap_or("UTC").to_owned()
    }

    /// Midnight at the beginning of a day, or of the day after it, in the visitor's zone.
    pub(crate) fn day_start(&self, day: &str, days_later: i32) -> Option<Timestamp> {
        let day: jiff::civil::Date = day.parse().ok()?;
        let day = day.checked_add(jiff::Span::new().days(days_later)).ok()?;
        Some(day.to_zoned_datetime(self.zone.clone()).ok()?.timestamp())
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
