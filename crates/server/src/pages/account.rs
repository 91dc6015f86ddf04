//! One's own account: password, second factor, sessions.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};
use pollwatch_store::access::Account;
use serde::Deserialize;

use super::layout::{Page, Place};
use super::notice;
use crate::Console;
use crate::access::accounts::{AccountError, check_password};
use crate::access::guard::Caller;
use crate::access::throttle::Bucket;
use crate::access::{password, totp};
use crate::app::{off_the_runtime, random};
use crate::web::visitor::Visitor;
use crate::words as w;
use crate::words::{Language, Text};

pub(crate) fn role_text(role: crate::Role) -> Text {
    match role {
        crate::Role::Viewer => w::ROLE_VIEWER,
        crate::Role::AuditBoard => w::ROLE_BOARD,
        crate::Role::Analyst => w::ROLE_ANALYST,
        crate::Role::Officer => w::ROLE_OFFICER,
    }
}

pub(crate) fn role_means(role: crate::Role) -> Text {
    match role {
        crate::Role::Viewer => w::ROLE_VIEWER_MEANS,
        crate::Role::AuditBoard => w::ROLE_BOARD_MEANS,
        crate::Role::Analyst => w::ROLE_ANALYST_MEANS,
        crate::Role::Officer => w::ROLE_OFFICER_MEANS,
    }
}

pub(crate) fn fault_text(language: Language, error: &AccountError) -> String {
    let text = match error {
        AccountError::Name => w::BAD_NAME,
        AccountError::Taken(_) => w::NAME_TAKEN,
        AccountError::Missing(_) => w::NO_SUCH_ACCOUNT,
        AccountError::Short => w::SHORT_PASSWORD,
        AccountError::Long => w::LONG_PASSWORD,
        AccountError::Common => w::COMMON_PASSWORD,
        AccountError::Store(_) | AccountError::System(_) => w::FAILED_MEANS,
    };
    language.fill(text, &[&password::MIN_CHARS.to_string()])
}

pub(crate) async fn show(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
) -> Response {
    page(&console, &visitor, &caller, None, StatusCode::OK).await
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    caller: &Caller,
    fault: Option<String>,
    status: StatusCode,
) -> Response {
    let sessions = match console.inner.access.count_sessions(&caller.name).await {
        Ok(sessions) => sessions,
        Err(error) => return notice::failed(console, visitor, &error),
    };
    let language = visitor.language;
    let say = |text| language.say(text);
    let body = html! {
        h1 { (say(w::YOUR_ACCOUNT)) }
        @if let Some(fault) = &fault { p.notice role="alert" { (fault) } }
        dl.facts {
            div { dt { (say(w::ACCOUNT_NAME)) } dd { (caller.name) } }
            div { dt { (say(w::ROLE)) } dd { (say(role_text(caller.role))) span.under { (say(role_means(caller.role))) } } }
            div { dt { (say(w::SECOND_FACTOR)) } dd { (say(if caller.has_totp { w::ON } else { w::OFF })) } }
            div { dt { (say(w::SESSIONS)) } dd { (language.number(sessions)) } }
        }
        section aria-labelledby="out" {
            h2 #out { (say(w::SIGN_OUT)) }
            form.row method="post" action="/sign-out" { (visitor.form_field(console)) button { (say(w::SIGN_OUT)) } button.second name="everywhere" value="1" { (say(w::SIGN_OUT_EVERYWHERE)) } }
        }
        section aria-labelledby="pw" {
            h2 #pw { (say(w::NEW_PASSWORD)) }
            form.stack method="post" action="/account/password" {
                (visitor.form_field(console))
                input type="hidden" name="username" autocomplete="username" value=(caller.name);
                label for="old" { (say(w::OLD_PASSWORD)) } input #old type="password" name="old" required autocomplete="current-password" maxlength="1024";
                label for="new" { (say(w::NEW_PASSWORD)) } input #new type="password" name="new" required autocomplete="new-password" minlength=(password::MIN_CHARS) maxlength="1024" aria-describedby="pw-help";
                p #pw-help.dim { (language.fill(w::PASSWORD_HELP, &[&password::MIN_CHARS.to_string()])) }
                button { (say(w::CHANGE_PASSWORD)) }
            }
        }
        section aria-labelledby="totp" {
            h2 #totp { (say(w::SECOND_FACTOR)) }
            p { (say(w::SECOND_FACTOR_MEANS)) }
            form.stack method="post" action=(if caller.has_totp { "/account/factor/off" } else { "/account/factor" }) {
                (visitor.form_field(console))
                label for="confirm" { (say(w::OLD_PASSWORD)) } input #confirm type="password" name="password" required autocomplete="current-password" maxlength="1024";
                button.second { (say(if caller.has_totp { w::TURN_OFF } else { w::SET_UP })) }
            }
        }
    };
    Page::new(Place::Account, say(w::YOUR_ACCOUNT), body)
        .status(status)
        .show(console, visitor)
}

#[derive(Debug, Deserialize)]
pub(crate) struct PasswordForm {
    old: String,
    new: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ConfirmForm {
    #[serde(default)]
    password: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    code: String,
}

/// The account, when its password is given again: whoever sits down at an open screen does not have it.
async fn confirmed(
    console: &Console,
    caller: &Caller,
    given: String,
) -> Result<Option<Account>, pollwatch_store::Error> {
    let bucket = Bucket::KnownBrowser(caller.name.clone());
    if console
        .inner
        .throttle
        .take(&[bucket], std::time::Instant::now())
        .is_err()
    {
        return Ok(None);
    }
    let Some(account) = console.inner.access.account(&caller.name).await? else {
        return Ok(None);
    };
    let hash = account.password.clone();
    let _turn = console.inner.hashing.acquire().await;
    let fits = off_the_runtime(move || password::verify(&given, &hash)).await;
    Ok(fits.then_some(account))
}

pub(crate) async fn change_password(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<PasswordForm>,
) -> Response {
    let account = match confirmed(&console, &caller, form.old).await {
        Ok(Some(account)) => account,
        Ok(None) => return refuse(&console, &visitor, &caller, w::WRONG_PASSWORD).await,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    if let Err(error) = check_password(&caller.name, &form.new) {
        let fault = fault_text(visitor.language, &error);
        return page(
            &console,
            &visitor,
            &caller,
            Some(fault),
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
    }
    let hash = match off_the_runtime(move || password::hash(&form.new)).await {
        Ok(hash) => hash,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let changed = Account {
        password: hash,
        ..account
    };
    // Every session ends with the old password, this one too.
    finish(&console, &visitor, &caller, &changed, "password-changed").await
}

async fn refuse(console: &Console, visitor: &Visitor, caller: &Caller, text: Text) -> Response {
    let fault = visitor.language.say(text).to_owned();
    page(
        console,
        visitor,
        caller,
        Some(fault),
        StatusCode::UNPROCESSABLE_ENTITY,
    )
    .await
}

async fn finish(
    console: &Console,
    visitor: &Visitor,
    caller: &Caller,
    changed: &Account,
    what: &str,
) -> Response {
    let done = async {
        console.inner.access.change_account(changed).await?;
        console.tell(what, &caller.name, "").await
    };
    if let Err(error) = done.await {
        return notice::failed(console, visitor, &error);
    }
    let mut response = Redirect::to("/sign-in").into_response();
    let is_secure = console.inner.options.is_secure();
    let name = crate::access::guard::session_cookie(is_secure);
    response.headers_mut().append(
        header::SET_COOKIE,
        super::sign_in::set_cookie(name, "", is_secure, Some(0)),
    );
    response
}

/// A new secret for the authenticator app, shown once; it counts when a code of it was given back.
pub(crate) async fn factor(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<ConfirmForm>,
) -> Response {
    match confirmed(&console, &caller, form.password).await {
        Ok(Some(_)) => {}
        Ok(None) => return refuse(&console, &visitor, &caller, w::WRONG_PASSWORD).await,
        Err(error) => return notice::failed(&console, &visitor, &error),
    }
    let secret: [u8; totp::SECRET_BYTES] = match random() {
        Ok(secret) => secret,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    factor_page(&console, &visitor, &caller, &secret, None)
}

fn factor_page(
    console: &Console,
    visitor: &Visitor,
    caller: &Caller,
    secret: &[u8],
    fault: Option<Text>,
) -> Response {
    let say = |text| visitor.language.say(text);
    let text = totp::base32(secret);
    // The form brings the secret back with our signature, so that nobody plants one of theirs.
    let kept = format!("{}.{}", hex::encode(secret), sign(console, caller, secret));
    let label: String =
        url::form_urlencoded::byte_serialize(format!("Pollwatch:{}", caller.name).as_bytes()).collect();
    let address = format!("otpauth://totp/{label}?secret={text}&issuer=Pollwatch");
    let body = html! {
        h1 { (say(w::SECOND_FACTOR)) }
        @if let Some(fault) = fault { p.notice role="alert" { (say(fault)) } }
        ol.steps {
            li { p { (say(w::SCAN_CODE)) } (qr(&address, say(w::QR_ALT))) p { (say(w::OR_TYPE)) " " code { (text) } } }
            li {
                form.stack method="post" action="/account/factor/on" {
                    (visitor.form_field(console))
                    input type="hidden" name="secret" value=(kept);
                    label for="code" { (say(w::CODE_SHOWN)) }
                    input #code name="code" required autocomplete="one-time-code" inputmode="numeric" maxlength="9";
                    button { (say(w::TURN_ON)) }
                }
            }
        }
    };
    Page::new(Place::Account, say(w::SECOND_FACTOR), body).show(console, visitor)
}

fn sign(console: &Console, caller: &Caller, secret: &[u8]) -> String {
    let text = format!("factor {} {}", caller.name, hex::encode(secret));
    crate::access::secrets::signed(&console.inner.secret, &text)
}

/// A QR code as a picture.
fn qr(text: &str, label: &str) -> Markup {
    let Ok(code) = qrcode::QrCode::new(text.as_bytes()) else {
        return html! {};
    };
    let width = code.width();
    let mut path = String::new();
    for (place, colour) in code.to_colors().into_iter().enumerate() {
        if colour == qrcode::Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", place % width + 4, place / width + 4));
        }
    }
    html! {
        svg.qr viewBox={ "0 0 " (width + 8) " " (width + 8) } role="img" aria-label=(label) shape-rendering="crispEdges" {
            rect width="100%" height="100%" fill="#fff" {}
            path d=(PreEscaped(path)) fill="#000" {}
        }
    }
}

pub(crate) async fn factor_on(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<ConfirmForm>,
) -> Response {
    let secret = form.secret.split_once('.').and_then(|(secret, signature)| {
        let secret = hex::decode(secret).ok()?;
        let text = format!("factor {} {}", caller.name, hex::encode(&secret));
        crate::access::secrets::is_signed(&console.inner.secret, &text, signature).then_some(secret)
    });
    let Some(secret) = secret else {
        return notice::not_meant(&console, &visitor);
    };
    if totp::step_of(&secret, &form.code, Timestamp::now()).is_none() {
        return factor_page(&console, &visitor, &caller, &secret, Some(w::WRONG_CODE));
    }
    match console.inner.access.account(&caller.name).await {
        Ok(Some(account)) => {
            let changed = Account {
                totp: Some(secret),
                ..account
            };
            finish(&console, &visitor, &caller, &changed, "second-factor-on").await
        }
        Ok(None) => notice::signed_out(&console, &visitor),
        Err(error) => notice::failed(&console, &visitor, &error),
    }
}

pub(crate) async fn factor_off(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<ConfirmForm>,
) -> Response {
    match confirmed(&console, &caller, form.password).await {
        Ok(Some(account)) => {
            let changed = Account {
                totp: None,
                ..account
            };
            finish(&console, &visitor, &caller, &changed, "second-factor-off").await
        }
        Ok(None) => refuse(&console, &visitor, &caller, w::WRONG_PASSWORD).await,
        Err(error) => notice::failed(&console, &visitor, &error),
    }
}
