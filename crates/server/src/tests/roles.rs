//! Each role against each route.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use super::place::{PASSWORD, Place};
use crate::Role;
use crate::access::guard::Need;
use crate::routes::routes;

/// An address that the route answers to.
fn address(path: &str, finding: &str) -> String {
    path.replace("/findings/{id}", &format!("/findings/{finding}"))
        .replace("/targets/{id}", "/targets/senate")
        .replace("{index}", "0")
        .replace("{sha256}", &"0".repeat(64))
        .replace("{*path}", "0/000.p/1")
        .replace("{run}", "none")
        .replace("{audit}", "none")
        .replace("{name}", "none.css")
}

/// Answers of the guard, as opposed to those of a handler.
fn is_refused(status: StatusCode, text: &str) -> bool {
    status == StatusCode::UNAUTHORIZED && text.contains("no-token")
        || status == StatusCode::FORBIDDEN
            && (text.contains("may not do that") || text.contains("not-allowed"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_gets_what_it_may_and_nothing_else() {
    let place = Place::new().await;
    let finding = place.finding().await;
    // The table of the design, spelled out and not asked of the code.
    let expected = |role: Option<Role>, need: Need| -> bool {
        use Role::{Analyst, AuditBoard, Officer, Viewer};
        match need {
            Need::Open => true,
            Need::Guest | Need::Account | Need::ReadAudits => role.is_some(),
            Need::Read | Need::ApiRead => matches!(role, Some(Viewer | Analyst | Officer)),
            Need::Decide | Need::ApiDecide => matches!(role, Some(Analyst | Officer)),
            Need::EnterBallots => matches!(role, Some(AuditBoard | Officer)),
            Need::Manage => role == Some(Officer),
            // On this machine everybody may, as long as nobody with too little signs in.
            Need::Meters => !matches!(role, Some(Viewer | AuditBoard)),
        }
    };
    let mut tried = 0;
    for role in [
        None,
        Some(Role::Viewer),
        Some(Role::AuditBoard),
        Some(Role::Analyst),
        Some(Role::Officer),
    ] {
        let mut browser = match role {
            Some(role) => place.signed_in(role).await,
            None => place.browser(),
        };
        for (method, path, need, _) in routes() {
            // These end the session; they have tests of their own.
            if path == "/sign-out"
                || (method, path) == ("POST", "/sign-in")
                || path.starts_with("/account/")
                || path == "/events"
            {
                continue;
            }
            let address = address(path, &finding);
            let answer = match method {
                "GET" => browser.get(&address).await,
                _ => browser.post(&address, &[]).await,
            };
            let to_sign_in = answer.header("location").starts_with("/sign-in?to=")
                || answer.status == StatusCode::UNAUTHORIZED && answer.text.contains("You are signed out");
            let refused = is_refused(answer.status, &answer.text) || to_sign_in;
            assert_eq!(
                !refused,
                expected(role, need),
                "{role:?} {method} {path}: {}",
                answer.status
            );
            assert_ne!(
                answer.status,
                StatusCode::INTERNAL_SERVER_ERROR,
                "{role:?} {method} {path}: {}",
                answer.text
            );
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_reads_pages_of_the_api_alone_and_ends() {
    let place = Place::new().await;
    let mut officer = place.signed_in(Role::Officer).await;
    let made = officer
        .post(
            "/people/token",
            &[("label", "wall"), ("read", "1"), ("days", "1")],
        )
        .await;
    let secret = made
        .text
        .split("pollwatch_")
        .nth(1)
        .expect("shown once")
        .split('<')
        .next()
        .unwrap();
    let secret = format!("pollwatch_{secret}");
    assert!(
        !officer.get("/people").await.text.contains(&secret),
        "and never again"
    );
    let finding = place.finding().await;
    let mut program = place.browser();
    let mut ask = async |method: &str, path: &str, token: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        program
            .send(request, Body::from(r#"{"verdict":"confirmed"}"#))
            .await
    };
    let listed = ask("GET", "/api/v1/findings?limit=2", &secret).await;
    assert_eq!(listed.status, StatusCode::OK);
    assert!(!listed.header("etag").is_empty());
    for (path, status) in [
        ("/api/v1/findings?limit=0", StatusCode::BAD_REQUEST),
        ("/api/v1/findings?stage=far", StatusCode::BAD_REQUEST),
        ("/api/v1/findings/f-none", StatusCode::NOT_FOUND),
        ("/api/v1/nothing", StatusCode::NOT_FOUND),
    ] {
        let answer = ask("GET", path, &secret).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
    let decide = format!("/api/v1/findings/{finding}/decisions");
    assert_eq!(
        ask("POST", &decide, &secret).await.status,
        StatusCode::FORBIDDEN,
        "it may only read"
    );
    assert_eq!(
        ask("GET", "/", &secret).await.status,
        StatusCode::SEE_OTHER,
        "pages are for people"
    );
    assert_eq!(
        ask("GET", "/api/v1/tally", "pollwatch_wrong").await.status,
        StatusCode::UNAUTHORIZED
    );
    let id = officer.get("/people").await.text;
    let id = id
        .split("name=\"id\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    officer.post("/people/token/end", &[("id", &id)]).await;
    assert_eq!(
        ask("GET", "/api/v1/tally", &secret).await.status,
        StatusCode::UNAUTHORIZED,
        "it has ended"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_see_the_public_page_when_that_is_on_and_nothing_else() {
    let place = Place::new().await;
    let mut guest = place.browser();
    assert_eq!(guest.get("/public").await.status, StatusCode::SEE_OTHER);
    let mut officer = place.signed_in(Role::Officer).await;
    officer.post("/people/guest", &[("guest", "on")]).await;
    let page = guest.get("/public").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("account-check"), "nothing of what was found");
    assert_eq!(guest.get("/ledger/checkpoint").await.status, StatusCode::OK);
    assert_eq!(guest.get("/findings").await.status, StatusCode::SEE_OTHER);
    assert_eq!(guest.get("/ledger").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_changed_or_shut_out_has_to_sign_in_again() {
    let place = Place::new().await;
    let mut officer = place.signed_in(Role::Officer).await;
    let mut viewer = place.signed_in(Role::Viewer).await;
    officer
        .post(
            "/people/change",
            &[("name", "viewer"), ("role", "audit-board"), ("what", "role")],
        )
        .await;
    assert_eq!(viewer.get("/").await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        viewer.sign_in("viewer", PASSWORD, "").await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        viewer.get("/findings").await.status,
        StatusCode::FORBIDDEN,
        "a board sees no findings"
    );
    officer
        .post(
            "/people/change",
            &[("name", "viewer"), ("role", "viewer"), ("what", "disable")],
        )
        .await;
    assert_eq!(
        viewer.sign_in("viewer", PASSWORD, "").await.status,
        StatusCode::UNAUTHORIZED
    );
    let own = officer
        .post(
            "/people/change",
            &[("name", "officer"), ("role", "viewer"), ("what", "role")],
        )
        .await;
    assert_eq!(own.status, StatusCode::FORBIDDEN, "there is always an officer");
}
