//! Signing in and out. Whatever fails, the answer is the same sentence, and takes as long.

use std::time::Instant;

use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use jiff::Timestamp;
use maud::html;
use pollwatch_store::access::{Account, Session};
use serde::Deserialize;

use super::layout::{Page, Place};
use super::notice;
use crate::Console;
use crate::access::guard::{Caller, Means, SESSION_HOURS, session_cookie};
use crate::access::throttle::Bucket;
use crate::access::{password, secrets, totp};
use crate::app::{off_the_runtime, random};
use crate::web::visitor::{Visitor, before_cookie, cookie};
use crate::words as w;
use crate::words::Text;

/// Longest name that is looked up, in bytes.
const MAX_NAME_BYTES: usize = 256;
/// Failed sign-ins after which the ledger is told, once for so many: it must not be flooded.
const FAILED_A_NOTE: u64 = 20;
/// Days that a browser is known for.
const KNOWN_DAYS: i64 = 90;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignInQuery {
    to: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignInForm {
    name: String,
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    to: String,
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<SignInQuery>,
) -> Response {
    let has_accounts = match console.inner.access.accounts().await {
        Ok(accounts) => !accounts.is_empty(),
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    form(&console, &visitor, &query.to, None, has_accounts, StatusCode::OK)
}

fn form(
    console: &Console,
    visitor: &Visitor,
    to: &str,
    fault: Option<String>,
    has_accounts: bool,
    status: StatusCode,
) -> Response {
    let is_secure = console.inner.options.is_secure();
    let mut set = None;
    let visitor = match visitor.before() {
        Some(_) => visitor.clone(),
        None => {
            let Ok((secret, _)) = secrets::new_secret("") else {
                return (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The system gives no random numbers.\n",
                )
                    .into_response();
            };
            set = Some(set_cookie(before_cookie(is_secure), &secret, is_secure, None));
            visitor.clone().with_before(secret)
        }
    };
    let say = |text| visitor.language.say(text);
    let body = html! {
        div.sign-in {
            h1 { (say(w::SIGN_IN)) }
            @if !has_accounts {
                p.notice { (say(w::NO_ACCOUNTS)) }
                pre tabindex="0" { "pollwatch account add NAME --role officer" }
            }
            @if let Some(fault) = &fault { p.notice role="alert" #fault { (fault) } }
            form method="post" action="/sign-in" {
                (visitor.form_field(console))
                input type="hidden" name="to" value=(if is_path_of_ours(to) { to } else { "/" });
                label for="name" { (say(w::ACCOUNT_NAME)) }
                input #name name="name" required autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" autofocus;
                label for="password" { (say(w::PASSWORD)) }
                input #password type="password" name="password" required autocomplete="current-password" maxlength="1024";
                label for="code" { (say(w::CODE)) }
                input #code name="code" autocomplete="one-time-code" inputmode="numeric" maxlength="9" aria-describedby="code-help";
                p #code-help.dim { (say(w::CODE_HELP)) }
                button { (say(w::SIGN_IN)) }
            }
        }
    };
    let mut response = Page::new(Place::Elsewhere, say(w::SIGN_IN), body)
        .status(status)
        .show(console, &visitor);
    if let Some(set) = set {
        response.headers_mut().append(header::SET_COOKIE, set);
    }
    response
}

pub(crate) async fn submit(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    headers: axum::http::HeaderMap,
    Form(given): Form<SignInForm>,
) -> Response {
    // The form is bound to the browser that was given it, so that nobody signs others in to an account of theirs.
    if visitor.before().is_none() {
        return notice::not_meant(&console, &visitor);
    }
    let is_secure = console.inner.options.is_secure();
    let name = given.name.trim();
    let again = |text: Text, seconds: u64, status| {
        let fault = visitor.language.count(seconds.div_ceil(60), text, &[]);
        form(&console, &visitor, &given.to, Some(fault), true, status)
    };
    if name.len() > MAX_NAME_BYTES {
        return again(w::NOT_SIGNED_IN, 0, StatusCode::UNAUTHORIZED);
    }
    let is_known = cookie(&headers, "known").is_some_and(|kept| is_known_browser(&console, kept, name));
    let bucket = if is_known {
        Bucket::KnownBrowser(name.to_owned())
    } else {
        Bucket::Name(name.to_owned())
    };
    let buckets = [bucket, Bucket::of_address(visitor.address)];
    if let Err(seconds) = console.inner.throttle.take(&buckets, Instant::now()) {
        let mut response = again(w::TRY_LATER, seconds, StatusCode::TOO_MANY_REQUESTS);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return response;
    }
    let account = match check(&console, name, &given.password, &given.code).await {
        Ok(Some(account)) => account,
        Ok(None) => {
            let failed = console.inner.meters.sign_in_failed();
            if failed.is_multiple_of(FAILED_A_NOTE) {
                let about = format!("{failed} since the console was started");
                if let Err(error) = console.tell("sign-ins-failed", "console", &about).await {
                    return notice::failed(&console, &visitor, &error);
                }
            }
            return again(w::NOT_SIGNED_IN, 0, StatusCode::UNAUTHORIZED);
        }
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    console.inner.throttle.give_back(&buckets);
    // A new secret at every sign-in: one that somebody planted is worth nothing (session fixation).
    let now = Timestamp::now();
    let (Ok((secret, digest)), Ok(csrf)) = (secrets::new_secret(""), random()) else {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The system gives no random numbers.\n",
        )
            .into_response();
    };
    let session = Session {
        secret: digest,
        account: account.name.clone(),
        csrf,
        created: now,
        used: now,
    };
    let began = async {
        if let Some(Caller {
            means: Means::Session { secret, .. },
            ..
        }) = &visitor.caller
        {
            console.inner.access.end_session(secret).await?;
        }
        console.inner.access.add_session(&session).await?;
        console.tell("signed-in", &account.name, "").await
    };
    if let Err(error) = began.await {
        return notice::failed(&console, &visitor, &error);
    }
    let to = if is_path_of_ours(&given.to) {
        given.to.as_str()
    } else {
        "/"
    };
    let mut response = Redirect::to(to).into_response();
    let headers = response.headers_mut();
    headers.append(
        header::SET_COOKIE,
        set_cookie(
            session_cookie(is_secure),
            &secret,
            is_secure,
            Some(SESSION_HOURS * 3_600),
        ),
    );
    headers.append(
        header::SET_COOKIE,
        set_cookie(
            "known",
            &known_browser(&console, &account.name),
            is_secure,
            Some(KNOWN_DAYS * 86_400),
        ),
    );
    if !account.language.is_empty() {
        headers.append(
            header::SET_COOKIE,
            choice_cookie("language", &account.language, is_secure),
        );
    }
    response
}

/// The account, when name, password and code are right. Does the same work whichever of them is wrong.
async fn check(
    console: &Console,
    name: &str,
    given: &str,
    code: &str,
) -> Result<Option<Account>, pollwatch_store::Error> {
    let account = console.inner.access.account(name).await?;
    let hash = account.as_ref().map_or_else(
        || console.inner.dummy_hash.clone(),
        |account| account.password.clone(),
    );
    let given = given.to_owned();
    let fits = {
        // Nobody is let past the brake, so the queue behind this is short.
        let _turn = console.inner.hashing.acquire().await;
        off_the_runtime(move || password::verify(&given, &hash)).await
    };
    let Some(account) = account.filter(|account| fits && !account.is_disabled) else {
        return Ok(None);
    };
    if let Some(secret) = &account.totp {
        let Some(step) = totp::step_of(secret, code, Timestamp::now()) else {
            return Ok(None);
        };
        if !console.inner.access.use_totp_step(&account.name, step).await? {
            return Ok(None);
        }
    }
    Ok(Some(account))
}

/// A browser that has signed in to `name` keeps our word for it.
fn known_browser(console: &Console, name: &str) -> String {
    secrets::signed(&console.inner.secret, &format!("known {name}"))
}

fn is_known_browser(console: &Console, kept: &str, name: &str) -> bool {
    secrets::is_signed(&console.inner.secret, &format!("known {name}"), kept)
}

/// Whether a redirect stays with us: a path, and not the beginning of another site's address.
pub(crate) fn is_path_of_ours(to: &str) -> bool {
    to.starts_with('/')
        && !to.starts_with("//")
        && !to.contains('\\')
        && to.len() <= 2_000
        && to.bytes().all(|b| (0x21..0x7f).contains(&b))
}

pub(crate) fn set_cookie(name: &str, value: &str, is_secure: bool, seconds: Option<i64>) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let age = seconds
        .map(|seconds| format!("; Max-Age={seconds}"))
        .unwrap_or_default();
    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"
    ))
    .unwrap_or(HeaderValue::from_static("none="))
}

/// A cookie for a choice of looks: the page's script may read it too.
pub(crate) fn choice_cookie(name: &str, value: &str, is_secure: bool) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/; SameSite=Lax; Max-Age=31536000{secure}"
    ))
    .unwrap_or(HeaderValue::from_static("none="))
}

pub(crate) async fn sign_out(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<SignOutForm>,
) -> Response {
    let access = &console.inner.access;
    let ended = async {
        match (&caller.means, form.everywhere.is_empty()) {
            (Means::Session { secret, .. }, true) => access.end_session(secret).await?,
            _ => {
                access.end_sessions_of(&caller.name).await?;
            }
        }
        let what = if form.everywhere.is_empty() {
            "signed-out"
        } else {
            "signed-out-everywhere"
        };
        console.tell(what, &caller.name, "").await
    };
    if let Err(error) = ended.await {
        return notice::failed(&console, &visitor, &error);
    }
    let is_secure = console.inner.options.is_secure();
    let mut response = Redirect::to("/sign-in").into_response();
    response.headers_mut().append(
        header::SET_COOKIE,
        set_cookie(session_cookie(is_secure), "", is_secure, Some(0)),
    );
    // Nothing of what was shown stays in the browser.
    response.headers_mut().insert(
        header::HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    response
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SignOutForm {
    everywhere: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Preferences {
    #[serde(default)]
    language: String,
    #[serde(default)]
    theme: String,
    #[serde(default)]
    back: String,
}

/// Language and colours, kept in the browser; the language with the account too.
pub(crate) async fn preferences(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    caller: Option<Extension<Caller>>,
    Form(form): Form<Preferences>,
) -> Response {
    let is_secure = console.inner.options.is_secure();
    let back = if is_path_of_ours(&form.back) {
        form.back.as_str()
    } else {
        "/"
    };
    let mut response = Redirect::to(back).into_response();
    if let Some(language) = w::Language::of_tag(&form.language) {
        response.headers_mut().append(
            header::SET_COOKIE,
            choice_cookie("language", language.tag(), is_secure),
        );
        if let Some(Extension(caller)) = caller {
            let kept = async {
                let Some(account) = console.inner.access.account(&caller.name).await? else {
                    return Ok(true);
                };
                let changed = Account {
                    language: language.tag().to_owned(),
                    ..account
                };
                console.inner.access.change_account(&changed).await
            };
            if let Err(error) = kept.await {
                return notice::failed(&console, &visitor, &error);
            }
        }
    }
    let themes = crate::web::visitor::Theme::ALL;
    if let Some(theme) = themes.into_iter().find(|theme| theme.word() == form.theme) {
        response.headers_mut().append(
            header::SET_COOKIE,
            choice_cookie("theme", theme.word(), is_secure),
        );
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_with_us() {
        for ours in ["/", "/findings?text=a%20b", "/findings/f-abc#decisions"] {
            assert!(is_path_of_ours(ours), "{ours}");
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "/a\r\nSet-Cookie: x",
            "/é",
            "/ x",
        ] {
            assert!(!is_path_of_ours(other), "{other:?}");
        }
    }
}
