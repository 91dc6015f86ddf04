//! Before every handler: who asks, whether they may, and whether a change was meant.

use std::net::{IpAddr, SocketAddr};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use pollwatch_store::access::SecretDigest;

use super::accounts::Role;
use super::secrets;
use crate::Console;
use crate::api::problem::Problem;
use crate::web::visitor::{Visitor, cookie};

/// Longest time that a session lasts: a working day.
pub(crate) const SESSION_HOURS: i64 = 12;
/// Longest time that it is left alone (NIST SP 800-63B-4, section 2.2.3: one hour at level 2).
pub(crate) const IDLE_MINUTES: i64 = 60;
/// Longest form body, in bytes.
const MAX_FORM_BYTES: usize = 64 * 1024;

/// What a caller must be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: sign-in, styles, health.
    Open,
    /// The public page: everybody when the guest view is on, else whoever has signed in.
    Guest,
    /// An account, whatever its role.
    Account,
    /// To read findings, targets, sources.
    Read,
    /// To read audits.
    ReadAudits,
    /// To enter ballots.
    EnterBallots,
    /// To decide on findings.
    Decide,
    /// To manage accounts, tokens and the console.
    Manage,
    /// A token of the API, or a session, that may read.
    ApiRead,
    /// A token of the API that may decide.
    ApiDecide,
    /// A token that may read the meters; on the loopback address nothing is needed.
    Meters,
}

impl Role {
    /// Whether the role may do what is needed; what needs no account is not asked here.
    pub(crate) fn may(self, need: Need) -> bool {
        use Role::{Analyst, AuditBoard, Officer, Viewer};
        match need {
            Need::Open | Need::Guest | Need::Account => true,
            Need::Read | Need::ApiRead => matches!(self, Viewer | Analyst | Officer),
            Need::ReadAudits => true,
            Need::EnterBallots => matches!(self, AuditBoard | Officer),
            Need::Decide | Need::ApiDecide => matches!(self, Analyst | Officer),
            Need::Manage => self == Officer,
            Need::Meters => matches!(self, Analyst | Officer),
        }
    }
}

/// Somebody who signed in, or a program with a token.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) has_totp: bool,
    pub(crate) means: Means,
}

/// How a caller proved who they are.
#[derive(Debug, Clone)]
pub(crate) enum Means {
    /// A browser's session.
    Session { secret: SecretDigest, csrf: [u8; 32] },
    /// A program's token, with its scopes.
    Token { scopes: String },
}

/// The guard of one route.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) console: Console,
    pub(crate) need: Need,
}

/// Name of the session's cookie. With TLS the prefix binds it to this host and to TLS (RFC 6265bis, section 4.1.3.2).
pub(crate) fn session_cookie(is_secure: bool) -> &'static str {
    if is_secure {
        "__Host-pollwatch"
    } else {
        "pollwatch"
    }
}

pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let Guard { console, need } = guard;
    let is_api = matches!(need, Need::ApiRead | Need::ApiDecide | Need::Meters);
    let (mut parts, body) = request.into_parts();
    let caller = match who(&console, &parts.headers, is_api).await {
        Ok(caller) => caller,
        Err(response) => return response,
    };
    let visitor = Visitor::of(&console, &parts, caller.as_ref());
    let refusal = match &caller {
        _ if need == Need::Open => None,
        None if need == Need::Guest && console.guests_may_look().await => None,
        None if need == Need::Meters && is_local(&console, &parts) => None,
        None => Some(Refusal::SignIn),
        Some(caller) if !caller.role.may(need) => Some(Refusal::NotAllowed),
        Some(Caller {
            means: Means::Token { scopes },
            ..
        }) if !token_may(scopes, need) => Some(Refusal::NotAllowed),
        Some(_) => None,
    };
    if let Some(refusal) = refusal {
        return refusal.answer(&console, &visitor, &parts, is_api);
    }
    let body = if parts.method == Method::GET || parts.method == Method::HEAD {
        body
    } else {
        match was_meant(&console, &visitor, caller.as_ref(), &parts.headers, body, need).await {
            Ok(body) => body,
            Err(response) => return *response,
        }
    };
    if let Some(caller) = caller {
        parts.extensions.insert(caller);
    }
    parts.extensions.insert(visitor);
    next.run(Request::from_parts(parts, body)).await
}

enum Refusal {
    SignIn,
    NotAllowed,
}

impl Refusal {
    fn answer(
        self,
        console: &Console,
        visitor: &Visitor,
        parts: &axum::http::request::Parts,
        is_api: bool,
    ) -> Response {
        match (self, is_api) {
            (Refusal::SignIn, true) => {
                let mut response = Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "no-token",
                    "This needs a token or a session.",
                )
                .into_response();
                response.headers_mut().insert(
                    header::WWW_AUTHENTICATE,
                    header::HeaderValue::from_static("Bearer"),
                );
                response
            }
            (Refusal::NotAllowed, true) => Problem::new(
                StatusCode::FORBIDDEN,
                "not-allowed",
                "This account or token may not do that.",
            )
            .into_response(),
            (Refusal::SignIn, false) if parts.method == Method::GET => {
                let wanted = parts.uri.path_and_query().map_or("/", |at| at.as_str());
                let query: String = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("to", wanted)
                    .finish();
                Redirect::to(&format!("/sign-in?{query}")).into_response()
            }
            (Refusal::SignIn, false) => crate::pages::notice::signed_out(console, visitor),
            (Refusal::NotAllowed, false) => crate::pages::notice::not_allowed(console, visitor),
        }
    }
}

/// Whether a token with these scopes may do what is needed.
fn token_may(scopes: &str, need: Need) -> bool {
    let has = |wanted: &str| scopes.split(' ').any(|scope| scope == wanted);
    match need {
        Need::ApiRead => has("read"),
        Need::ApiDecide => has("decide"),
        Need::Meters => has("meters"),
        _ => false,
    }
}

/// Whether the request came from this machine, and not through a proxy on it.
fn is_local(console: &Console, parts: &axum::http::request::Parts) -> bool {
    console.inner.options.proxy.is_none()
        && parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .is_some_and(|at| at.0.ip().is_loopback())
}

/// The client's address: that of the connection, or what the declared proxy says of it.
pub(crate) fn address_of(console: &Console, parts: &axum::http::request::Parts) -> IpAddr {
    let at = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([127, 0, 0, 1]), |at| at.0.ip());
    match &console.inner.options.proxy {
        // The last entry is the one that our proxy wrote; those before it are whatever the client sent.
        Some(proxy) if proxy.address == at => parts
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .next_back()
            .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok())
            .unwrap_or(at),
        _ => at,
    }
}

async fn who(console: &Console, headers: &HeaderMap, is_api: bool) -> Result<Option<Caller>, Response> {
    let now = Timestamp::now();
    let access = &console.inner.access;
    let failed = |error: pollwatch_store::Error| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "accounts", &error.to_string()).into_response()
    };
    if is_api && let Some(value) = headers.get(header::AUTHORIZATION) {
        let refused = || {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "bad-token",
                "This token is not known, or has ended.",
            )
            .into_response()
        };
        let secret = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
        let Some(secret) = secret else {
            return Err(refused());
        };
        let found = access
            .token(&secrets::digest_of(secret.trim()))
            .await
            .map_err(failed)?;
        let Some((token, account)) = found else {
            return Err(refused());
        };
        let role = account.role.parse::<Role>();
        let (false, true, Ok(role)) = (account.is_disabled, token.expires > now, role) else {
            return Err(refused());
        };
        if token
            .used
            .is_none_or(|used| now.duration_since(used) > SignedDuration::from_mins(10))
        {
            access.touch_token(&token.id, now).await.map_err(failed)?;
        }
        return Ok(Some(Caller {
            name: account.name,
            role,
            has_totp: account.totp.is_some(),
            means: Means::Token { scopes: token.scopes },
        }));
    }
    let Some(secret) = cookie(headers, session_cookie(console.inner.options.is_secure())) else {
        return Ok(None);
    };
    let digest = secrets::digest_of(secret);
    let Some((session, account)) = access.session(&digest).await.map_err(failed)? else {
        return Ok(None);
    };
    let age = now.duration_since(session.created);
    let idle = now.duration_since(session.used);
    if account.is_disabled
        || age > SignedDuration::from_hours(SESSION_HOURS)
        || idle > SignedDuration::from_mins(IDLE_MINUTES)
    {
        access.end_session(&digest).await.map_err(failed)?;
        return Ok(None);
    }
    if idle > SignedDuration::from_mins(1) {
        access.touch_session(&digest, now).await.map_err(failed)?;
    }
    let Ok(role) = account.role.parse() else {
        return Ok(None);
    };
    Ok(Some(Caller {
        name: account.name,
        role,
        has_totp: account.totp.is_some(),
        means: Means::Session {
            secret: digest,
            csrf: session.csrf,
        },
    }))
}

/// Whether a request that changes something came from one of our own forms. Gives the body back for the handler.
async fn was_meant(
    console: &Console,
    visitor: &Visitor,
    caller: Option<&Caller>,
    headers: &HeaderMap,
    body: Body,
    need: Need,
) -> Result<Body, Box<Response>> {
    let refuse = || Err(Box::new(crate::pages::notice::not_meant(console, visitor)));
    // A program's token is sent by nobody's browser on its own.
    if let Some(Caller {
        means: Means::Token { .. },
        ..
    }) = caller
    {
        return Ok(body);
    }
    // Every browser of today says where a request comes from (Fetch Metadata Request Headers, section 2.3).
    let site = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return refuse();
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    if let (Some(origin), Some(host)) = (origin, host)
        && origin.split_once("://").map(|(_, rest)| rest) != Some(host)
    {
        return refuse();
    }
    let bytes = match to_bytes(body, MAX_FORM_BYTES).await {
        Ok(bytes) => bytes,
        Err(_) => return Err(Box::new(crate::pages::notice::too_large(console, visitor))),
    };
    let token = match headers.get("x-form-token").and_then(|value| value.to_str().ok()) {
        Some(token) => Some(token.to_owned()),
        None => url::form_urlencoded::parse(&bytes)
            .find(|(name, _)| name == "form")
            .map(|(_, value)| value.into_owned()),
    };
    let key = match caller.map(|caller| &caller.means) {
        Some(Means::Session { csrf, .. }) => *csrf,
        // Before there is a session: the key of the cookie that came with the sign-in page.
        _ => visitor.before_key(console),
    };
    let is_ours = token.is_some_and(|token| secrets::is_form_token(&key, &token));
    if !is_ours {
        return if matches!(need, Need::ApiDecide) {
            Err(Box::new(
                Problem::new(
                    StatusCode::FORBIDDEN,
                    "no-form-token",
                    "A session needs the form's token here.",
                )
                .into_response(),
            ))
        } else {
            refuse()
        };
    }
    Ok(Body::from(bytes))
}

impl Console {
    /// Whether the public page is shown to guests.
    pub(crate) async fn guests_may_look(&self) -> bool {
        matches!(self.inner.access.setting("guest").await, Ok(Some(value)) if value == b"on")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_what_its_scopes_say_and_nothing_else() {
        assert!(token_may("read decide", Need::ApiDecide));
        assert!(!token_may("read", Need::ApiDecide));
        assert!(!token_may("reading", Need::ApiRead));
        assert!(!token_may("read decide meters", Need::Manage));
        assert!(
            !token_may("read decide meters", Need::Read),
            "pages are for people"
        );
    }
}
