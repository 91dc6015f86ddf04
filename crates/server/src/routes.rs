//! Every address of the console, what a caller needs for it, and who answers. The tests go through the same list.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};

use crate::Console;
use crate::access::guard::{Guard, Need, guard};
use crate::api::{handlers as api, metrics, openapi};
use crate::pages::{
    account, audits, brief, decide, desks, finding, findings, ledger, notice, officer, overview, sign_in,
    sources, stream, targets,
};
use crate::web::{assets, headers, shrink};

/// Longest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// One address: method, path, need, and who answers.
pub(crate) type Route = (&'static str, &'static str, Need, MethodRouter<Console>);

/// All of them.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        ("GET", "/", Need::Read, get(overview::show)),
        ("GET", "/findings", Need::Read, get(findings::list)),
        ("GET", "/findings/{id}", Need::Read, get(finding::show)),
        (
            "POST",
            "/findings/{id}/decision",
            Need::Decide,
            post(decide::submit),
        ),
        (
            "GET",
            "/evidence/{sha256}",
            Need::Decide,
            get(finding::evidence_file),
        ),
        ("GET", "/targets", Need::Read, get(targets::list)),
        ("GET", "/targets/{id}", Need::Read, get(targets::show)),
        ("GET", "/sources", Need::Read, get(sources::list)),
        ("GET", "/sources/runs/{run}", Need::Read, get(sources::problems)),
        ("GET", "/audits", Need::ReadAudits, get(audits::list)),
        ("GET", "/audits/{audit}", Need::ReadAudits, get(audits::show)),
        (
            "GET",
            "/audits/{audit}/retrieval",
            Need::ReadAudits,
            get(audits::retrieval),
        ),
        (
            "GET",
            "/audits/{audit}/report",
            Need::ReadAudits,
            get(audits::report),
        ),
        (
            "GET",
            "/audits/{audit}/enter",
            Need::EnterBallots,
            get(audits::enter),
        ),
        (
            "POST",
            "/audits/{audit}/enter",
            Need::EnterBallots,
            post(audits::submit),
        ),
        (
            "POST",
            "/audits/{audit}/package",
            Need::Manage,
            post(audits::package),
        ),
        ("GET", "/brief", Need::Read, get(brief::show)),
        ("GET", "/brief/page", Need::Read, get(brief::page)),
        ("GET", "/help", Need::Account, get(desks::help)),
        ("GET", "/ledger", Need::Account, get(ledger::show)),
        ("GET", "/ledger/{index}", Need::Account, get(ledger::entry)),
        ("GET", "/ledger/{index}/proof", Need::Account, get(ledger::proof)),
        ("GET", "/ledger/checkpoint", Need::Guest, get(ledger::checkpoint)),
        ("GET", "/ledger/tile/{*path}", Need::Guest, get(ledger::tile)),
        ("GET", "/public", Need::Guest, get(ledger::public)),
        ("GET", "/events", Need::Read, get(stream::events)),
        ("GET", "/account", Need::Account, get(account::show)),
        (
            "POST",
            "/account/password",
            Need::Account,
            post(account::change_password),
        ),
        ("POST", "/account/factor", Need::Account, post(account::factor)),
        (
            "POST",
            "/account/factor/on",
            Need::Account,
            post(account::factor_on),
        ),
        (
            "POST",
            "/account/factor/off",
            Need::Account,
            post(account::factor_off),
        ),
        ("GET", "/people", Need::Manage, get(officer::show)),
        ("POST", "/people/add", Need::Manage, post(officer::add)),
        ("POST", "/people/change", Need::Manage, post(officer::change)),
        ("POST", "/people/token", Need::Manage, post(officer::token)),
        (
            "POST",
            "/people/token/end",
            Need::Manage,
            post(officer::end_token),
        ),
        ("POST", "/people/guest", Need::Manage, post(officer::guest)),
        ("GET", "/sign-in", Need::Open, get(sign_in::show)),
        ("POST", "/sign-in", Need::Open, post(sign_in::submit)),
        ("POST", "/sign-out", Need::Account, post(sign_in::sign_out)),
        ("POST", "/preferences", Need::Open, post(sign_in::preferences)),
        ("GET", "/api/v1/findings", Need::ApiRead, get(api::findings)),
        ("GET", "/api/v1/findings/{id}", Need::ApiRead, get(api::finding)),
        (
            "POST",
            "/api/v1/findings/{id}/decisions",
            Need::ApiDecide,
            post(api::decide),
        ),
        ("GET", "/api/v1/targets", Need::ApiRead, get(api::targets)),
        ("GET", "/api/v1/targets/{id}", Need::ApiRead, get(api::target)),
        ("GET", "/api/v1/tally", Need::ApiRead, get(api::tally)),
        ("GET", "/api/v1/coverage", Need::ApiRead, get(api::coverage)),
        ("GET", "/api/v1/sources", Need::ApiRead, get(api::sources)),
        ("GET", "/api/v1/watch", Need::ApiRead, get(api::watch)),
        ("GET", "/api/v1/ledger", Need::ApiRead, get(api::ledger)),
        ("GET", "/api/v1/ledger/{index}", Need::ApiRead, get(api::entry)),
        (
            "GET",
            "/api/v1/evidence/{sha256}",
            Need::ApiRead,
            get(api::evidence),
        ),
        ("GET", "/api/v1/openapi.json", Need::Account, get(openapi::show)),
        ("GET", "/metrics", Need::Meters, get(metrics::show)),
        ("GET", "/healthz", Need::Open, get(metrics::healthy)),
        ("GET", "/readyz", Need::Open, get(metrics::ready)),
        ("GET", "/static/{name}", Need::Open, get(assets::serve)),
    ]
}

pub(crate) fn router(console: Console) -> Router {
    let mut router = Router::new();
    for (_, path, need, answer) in routes() {
        let guarded = answer.layer(from_fn_with_state(
            Guard {
                console: console.clone(),
                need,
            },
            guard,
        ));
        router = router.route(path, guarded);
    }
    let open = |need| {
        from_fn_with_state(
            Guard {
                console: console.clone(),
                need,
            },
            guard,
        )
    };
    router
        .route("/api/{*rest}", get(api::missing).layer(open(Need::ApiRead)))
        .fallback(get(notice::no_such_page).layer(open(Need::Open)))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(shrink::shrink))
        .layer(from_fn_with_state(console.clone(), headers::frame))
        .with_state(console)
}
