//! What the officer looks after: accounts, tokens of programs, the guest view.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use pollwatch_store::access::{Account, Token};
use serde::Deserialize;

use super::account::{fault_text, role_means, role_text};
use super::bits::{self, scroll};
use super::layout::{Page, Place};
use super::notice;
use crate::access::accounts::new_account;
use crate::access::guard::Caller;
use crate::access::{password, secrets};
use crate::web::visitor::Visitor;
use crate::words as w;
use crate::{Console, Role};

/// Scopes that a token can have.
const SCOPES: [&str; 3] = ["read", "decide", "meters"];
/// Longest life of a token, in days.
const MAX_DAYS: i64 = 366;

pub(crate) async fn show(State(console): State<Console>, Extension(visitor): Extension<Visitor>) -> Response {
    page(&console, &visitor, Said::Nothing, StatusCode::OK).await
}

/// What the page has to say at its top.
enum Said {
    Nothing,
    Fault(String),
    /// A new token: shown once, and nowhere kept.
    Token(String),
}

async fn page(console: &Console, visitor: &Visitor, said: Said, status: StatusCode) -> Response {
    let access = &console.inner.access;
    let (accounts, tokens) = match tokio::try_join!(access.accounts(), access.tokens()) {
        Ok(found) => found,
        Err(error) => return notice::failed(console, visitor, &error),
    };
    let guests = console.guests_may_look().await;
    let say = |text| visitor.language.say(text);
    let body = html! {
        h1 { (say(w::PEOPLE)) }
        @match &said {
            Said::Nothing => {},
            Said::Fault(fault) => p.notice role="alert" { (fault) },
            Said::Token(token) => div.notice role="status" { p { strong { (say(w::NEW_TOKEN)) } " " (say(w::NEW_TOKEN_MEANS)) } pre tabindex="0" { (token) } },
        }
        section aria-labelledby="accounts" {
            h2 #accounts { (say(w::ACCOUNTS)) }
            (account_table(console, visitor, &accounts))
            details open[accounts.len() < 2] { summary { (say(w::NEW_ACCOUNT)) } (account_form(console, visitor)) }
        }
        section aria-labelledby="tokens" {
            h2 #tokens { (say(w::TOKENS)) }
            p { (say(w::TOKENS_MEAN)) " " a href="/api/v1/openapi.json" { "OpenAPI 3.1" } }
            @if tokens.is_empty() { p.quiet { (say(w::NO_TOKENS)) } } @else { (token_table(console, visitor, &tokens)) }
            details { summary { (say(w::MAKE_TOKEN)) } (token_form(console, visitor)) }
        }
        section aria-labelledby="guest" {
            h2 #guest { (say(w::GUEST_VIEW)) }
            p { (say(w::GUEST_VIEW_MEANS)) " " a href="/public" { (say(w::PUBLIC_PAGE)) } }
            p { strong { (say(if guests { w::GUESTS_MAY } else { w::GUESTS_MAY_NOT })) } }
            form method="post" action="/people/guest" { (visitor.form_field(console))
                button.second name="guest" value=(if guests { "off" } else { "on" }) { (say(if guests { w::TURN_OFF } else { w::TURN_ON })) } }
        }
    };
    Page::new(Place::Officer, say(w::PEOPLE), body)
        .status(status)
        .show(console, visitor)
}

fn account_table(console: &Console, visitor: &Visitor, accounts: &[Account]) -> Markup {
    let say = |text| visitor.language.say(text);
    let own = visitor.caller.as_ref().map(|caller| caller.name.as_str());
    scroll(
        say(w::ACCOUNTS_TABLE),
        html! { table {
            thead { tr { th scope="col" { (say(w::ACCOUNT_NAME)) } th scope="col" { (say(w::ROLE)) } th scope="col" { (say(w::SECOND_FACTOR)) } th scope="col" { (say(w::MADE_AT)) } th scope="col" { (say(w::CHANGE)) } } }
            tbody { @for account in accounts {
                tr {
                    th scope="row" { (bits::plain(&account.name)) @if account.is_disabled { span.under { (say(w::MAY_NOT_SIGN_IN)) } } }
                    td { @match account.role.parse::<Role>() { Ok(role) => (say(role_text(role))), Err(_) => (bits::plain(&account.role)) } }
                    td { (say(if account.totp.is_some() { w::ON } else { w::OFF })) }
                    td.w { (visitor.time(account.created)) }
                    td { @if own == Some(account.name.as_str()) { a href="/account" { (say(w::YOUR_ACCOUNT)) } } @else {
                        form.row method="post" action="/people/change" {
                            (visitor.form_field(console))
                            input type="hidden" name="name" value=(account.name);
                            label { span.visually-hidden { (say(w::ROLE)) } select name="role" { @for role in Role::ALL { option value=(role.word()) selected[role.word() == account.role] { (say(role_text(role))) } } } }
                            button.second name="what" value="role" { (say(w::SET_ROLE)) }
                            @if account.is_disabled { button.second name="what" value="enable" { (say(w::ENABLE)) } }
                            @else { button.second name="what" value="disable" { (say(w::DISABLE)) } }
                            @if account.totp.is_some() { button.second name="what" value="factor" { (say(w::REMOVE_FACTOR)) } }
                        }
                    } }
                }
            } }
        } },
    )
}

fn account_form(console: &Console, visitor: &Visitor) -> Markup {
    let language = visitor.language;
    let say = |text| language.say(text);
    html! {
        form.stack method="post" action="/people/add" {
            (visitor.form_field(console))
            label for="new-name" { (say(w::ACCOUNT_NAME)) } input #new-name name="name" required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false";
            fieldset { legend { (say(w::ROLE)) }
                @for role in Role::ALL { label.choice { input type="radio" name="role" value=(role.word()) checked[role == Role::Viewer]; span { strong { (say(role_text(role))) } span.under { (say(role_means(role))) } } } } }
            label for="new-password" { (say(w::FIRST_PASSWORD)) } input #new-password type="password" name="password" required minlength=(password::MIN_CHARS) maxlength="1024" autocomplete="new-password" aria-describedby="new-help";
            p #new-help.dim { (language.fill(w::PASSWORD_HELP, &[&password::MIN_CHARS.to_string()])) }
            button { (say(w::MAKE_ACCOUNT)) }
        }
    }
}

fn token_table(console: &Console, visitor: &Visitor, tokens: &[Token]) -> Markup {
    let say = |text| visitor.language.say(text);
    scroll(
        say(w::TOKENS_TABLE),
        html! { table {
            thead { tr { th scope="col" { (say(w::LABEL)) } th scope="col" { (say(w::ACCOUNT_NAME)) } th scope="col" { (say(w::SCOPES)) } th scope="col" { (say(w::ENDS)) } th scope="col" { (say(w::LAST_USED)) } th scope="col" { (say(w::CHANGE)) } } }
            tbody { @for token in tokens {
                tr {
                    th scope="row" { (bits::plain(&token.label)) } td { (bits::plain(&token.account)) } td { code { (token.scopes) } }
                    td.w { (visitor.time(token.expires)) } td.w { @match token.used { Some(used) => (visitor.time(used)), None => (say(w::NEVER)) } }
                    td { form method="post" action="/people/token/end" { (visitor.form_field(console)) input type="hidden" name="id" value=(token.id); button.second { (say(w::END_TOKEN)) } } }
                }
            } }
        } },
    )
}

fn token_form(console: &Console, visitor: &Visitor) -> Markup {
    let say = |text| visitor.language.say(text);
    html! {
        form.stack method="post" action="/people/token" {
            (visitor.form_field(console))
            label for="label" { (say(w::LABEL)) } input #label name="label" required maxlength="100" autocomplete="off";
            fieldset { legend { (say(w::SCOPES)) }
                @for (scope, text) in SCOPES.into_iter().zip([w::SCOPE_READ, w::SCOPE_DECIDE, w::SCOPE_METERS]) {
                    label.choice { input type="checkbox" name=(scope) value="1" checked[scope == "read"]; span { code { (scope) } " " (say(text)) } }
                } }
            label for="days" { (say(w::DAYS)) } input #days type="number" name="days" value="90" min="1" max=(MAX_DAYS) required;
            button { (say(w::MAKE_TOKEN)) }
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct AddForm {
    name: String,
    role: String,
    password: String,
}

pub(crate) async fn add(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<AddForm>,
) -> Response {
    let Ok(role) = form.role.parse::<Role>() else {
        return notice::missing(&console, &visitor);
    };
    let name = form.name.trim();
    let turn = console.inner.hashing.acquire().await;
    let made = new_account(
        &console.inner.access,
        name,
        role,
        &form.password,
        Timestamp::now(),
    )
    .await;
    drop(turn);
    if let Err(error) = made {
        let fault = fault_text(visitor.language, &error);
        return page(
            &console,
            &visitor,
            Said::Fault(fault),
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
    }
    told(
        &console,
        &visitor,
        "account-made",
        &caller,
        &format!("{name}, {role}"),
    )
    .await
}

async fn told(console: &Console, visitor: &Visitor, what: &str, caller: &Caller, about: &str) -> Response {
    match console.tell(what, &caller.name, about).await {
        Ok(()) => Redirect::to("/people").into_response(),
        Err(error) => notice::failed(console, visitor, &error),
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct ChangeForm {
    name: String,
    role: String,
    what: String,
}

pub(crate) async fn change(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<ChangeForm>,
) -> Response {
    // Nobody shuts themselves out, so there is always an officer.
    if form.name == caller.name {
        return notice::not_allowed(&console, &visitor);
    }
    let account = match console.inner.access.account(&form.name).await {
        Ok(Some(account)) => account,
        Ok(None) => return notice::missing(&console, &visitor),
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let (what, changed) = match (form.what.as_str(), form.role.parse::<Role>()) {
        ("role", Ok(role)) => (
            "role-changed",
            Account {
                role: role.word().to_owned(),
                ..account
            },
        ),
        ("disable", _) => (
            "account-disabled",
            Account {
                is_disabled: true,
                ..account
            },
        ),
        ("enable", _) => (
            "account-enabled",
            Account {
                is_disabled: false,
                ..account
            },
        ),
        ("factor", _) => (
            "second-factor-removed",
            Account {
                totp: None,
                ..account
            },
        ),
        _ => return notice::missing(&console, &visitor),
    };
    if let Err(error) = console.inner.access.change_account(&changed).await {
        return notice::failed(&console, &visitor, &error);
    }
    told(
        &console,
        &visitor,
        what,
        &caller,
        &format!("{}, {}", changed.name, changed.role),
    )
    .await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenForm {
    label: String,
    days: String,
    read: String,
    decide: String,
    meters: String,
}

pub(crate) async fn token(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<TokenForm>,
) -> Response {
    let chosen = [
        ("read", &form.read),
        ("decide", &form.decide),
        ("meters", &form.meters),
    ];
    let scopes: Vec<&str> = chosen
        .iter()
        .filter(|(_, on)| !on.is_empty())
        .map(|(scope, _)| *scope)
        .collect();
    let days = form
        .days
        .parse::<i64>()
        .ok()
        .filter(|days| (1..=MAX_DAYS).contains(days));
    let label: String = form.label.trim().chars().take(100).collect();
    let (Some(days), false, false) = (days, scopes.is_empty(), label.is_empty()) else {
        let fault = visitor.language.say(w::BAD_TOKEN).to_owned();
        return page(
            &console,
            &visitor,
            Said::Fault(fault),
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
    };
    let now = Timestamp::now();
    let made = (|| {
        let (secret, digest) = secrets::new_secret(secrets::TOKEN_PREFIX)?;
        let id: [u8; 8] = crate::app::random()?;
        let expires = now + SignedDuration::from_hours(24 * days);
        let token = Token {
            id: hex::encode(id),
            secret: digest,
            account: caller.name.clone(),
            label,
            scopes: scopes.join(" "),
            created: now,
            expires,
            used: None,
        };
        Ok::<_, crate::Error>((secret, token))
    })();
    let (secret, token) = match made {
        Ok(made) => made,
        Err(error) => return notice::failed(&console, &visitor, &error),
    };
    let kept = async {
        console.inner.access.add_token(&token).await?;
        console
            .tell(
                "token-made",
                &caller.name,
                &format!("{}, {}", token.id, token.scopes),
            )
            .await
    };
    if let Err(error) = kept.await {
        return notice::failed(&console, &visitor, &error);
    }
    page(&console, &visitor, Said::Token(secret), StatusCode::OK).await
}

#[derive(Debug, Deserialize)]
pub(crate) struct EndForm {
    id: String,
}

pub(crate) async fn end_token(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<EndForm>,
) -> Response {
    match console.inner.access.end_token(&form.id).await {
        Ok(true) => told(&console, &visitor, "token-ended", &caller, &form.id).await,
        Ok(false) => notice::missing(&console, &visitor),
        Err(error) => notice::failed(&console, &visitor, &error),
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct GuestForm {
    guest: String,
}

pub(crate) async fn guest(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Extension(caller): Extension<Caller>,
    Form(form): Form<GuestForm>,
) -> Response {
    let word = if form.guest == "on" { "on" } else { "off" };
    if let Err(error) = console.inner.access.set_setting("guest", word.as_bytes()).await {
        return notice::failed(&console, &visitor, &error);
    }
    told(&console, &visitor, "guest-view", &caller, word).await
}
