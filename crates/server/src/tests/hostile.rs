//! Hostile callers and hostile records.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use jiff::Timestamp;
use pollwatch_model::{
    EvidenceRef, Finding, FindingId, Indicator, Observed, Polarity, Probability, Reason, Severity, Span,
    Stage, TargetRef, Tlp,
};
use pollwatch_store::{EvidenceLocation, Mode, Revision, RunId, RunStart, SqliteStore, Step, Store};

use super::place::{PASSWORD, Place};
use crate::Role;
use crate::access::totp;

/// Markup in every way that a page could take it up, and marks that turn a line around.
const MARKUP: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg/onload=alert(3)>\u{202e}\0javascript:alert(4)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_did_not_come_from_us_changes_nothing() {
    let place = Place::new().await;
    let finding = place.finding().await;
    let mut analyst = place.signed_in(Role::Analyst).await;
    let path = format!("/findings/{finding}/decision");
    let mut other = place.signed_in(Role::Officer).await;
    let others_token = other.get("/account").await.form_token();
    for token in ["", "x", &others_token] {
        let answer = analyst
            .post_exactly(&path, &[("verdict", "confirmed"), ("form", token)])
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token:?}");
    }
    let token = analyst.get("/account").await.form_token();
    let body = format!("verdict=confirmed&form={token}");
    let form = || Request::post(&path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:8711"),
    ] {
        let answer = analyst
            .send(form().header(name, value), Body::from(body.clone()))
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert!(
        analyst
            .get(&format!("/findings/{finding}"))
            .await
            .text
            .contains("Nobody has decided")
    );
    let ours = form()
        .header("sec-fetch-site", "same-origin")
        .header("origin", "http://127.0.0.1:8710");
    assert_eq!(
        analyst.send(ours, Body::from(body)).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(
        analyst
            .get(&format!("/findings/{finding}"))
            .await
            .text
            .contains("confirmed")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_somebody_planted_is_worth_nothing() {
    let place = Place::new().await;
    let mut browser = place.browser();
    browser.cookies.insert(
        "pollwatch".to_owned(),
        "planted-by-somebody-else-planted-by-somebody".to_owned(),
    );
    browser.sign_in("viewer", PASSWORD, "").await;
    let first = browser.cookies["pollwatch"].clone();
    assert!(!first.starts_with("planted"));
    browser.sign_in("viewer", PASSWORD, "").await;
    assert_ne!(browser.cookies["pollwatch"], first, "each sign-in has its own");
    let mut thief = place.browser();
    thief.cookies.insert("pollwatch".to_owned(), first);
    assert_eq!(
        thief.get("/").await.status,
        StatusCode::SEE_OTHER,
        "the one before has ended"
    );
    thief
        .cookies
        .insert("pollwatch".to_owned(), browser.cookies["pollwatch"].clone());
    assert_eq!(thief.get("/").await.status, StatusCode::OK);
    browser.post("/sign-out", &[("everywhere", "1")]).await;
    assert_eq!(
        thief.get("/").await.status,
        StatusCode::SEE_OTHER,
        "ended everywhere"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_wrong_passwords_tell_nothing_and_lock_nobody_out() {
    let place = Place::new().await;
    let mut known = place.signed_in(Role::Viewer).await;
    let mut guesser = place.browser();
    let token = guesser.get("/sign-in").await.form_token();
    let strip = |text: &str| -> String {
        let start = text
            .find("id=\"fault\"")
            .or(text.find("role=\"alert\""))
            .expect("a fault");
        text[start..].split("</p>").next().unwrap().to_owned()
    };
    let mut statuses = std::collections::BTreeMap::new();
    for n in 0..10_000 {
        let name = if n % 2 == 0 { "viewer" } else { "nobody-here" };
        let answer = guesser
            .post_exactly(
                "/sign-in",
                &[
                    ("name", name),
                    ("password", "guess guess guess"),
                    ("form", &token),
                ],
            )
            .await;
        let seen = statuses
            .entry(answer.status.as_u16())
            .or_insert((0, strip(&answer.text)));
        seen.0 += 1;
        if answer.status == StatusCode::UNAUTHORIZED {
            assert_eq!(
                strip(&answer.text),
                seen.1,
                "the same words, whether or not there is {name}"
            );
        }
    }
    let looked_at = statuses[&401].0;
    assert!(
        (15..=60).contains(&looked_at),
        "{looked_at} of 10,000 were looked at"
    );
    assert_eq!(looked_at + statuses[&429].0, 10_000);
    // The address is held up too: the office's own browser comes from another one in this test's world.
    place
        .console
        .inner
        .throttle
        .give_back(&[crate::access::throttle::Bucket::of_address([127, 0, 0, 1].into())]);
    assert_eq!(
        known.sign_in("viewer", PASSWORD, "").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_factor_is_asked_for_and_each_code_counts_once() {
    let place = Place::new().await;
    let mut viewer = place.signed_in(Role::Viewer).await;
    let page = viewer.post("/account/factor", &[("password", PASSWORD)]).await;
    let kept = page
        .text
        .split("name=\"secret\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let secret = hex::decode(kept.split('.').next().unwrap()).unwrap();
    let planted = format!("{}.{}", hex::encode([7; 20]), kept.split('.').nth(1).unwrap());
    let code = totp::code(&[7; 20], Timestamp::now());
    let refused = viewer
        .post("/account/factor/on", &[("secret", &planted), ("code", &code)])
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "a secret that is not ours");
    let code = totp::code(&secret, Timestamp::now());
    assert_eq!(
        viewer
            .post("/account/factor/on", &[("secret", &kept), ("code", &code)])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        viewer.sign_in("viewer", PASSWORD, "").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        viewer.sign_in("viewer", PASSWORD, "000000").await.status,
        StatusCode::UNAUTHORIZED
    );
    let code = totp::code(&secret, Timestamp::now());
    assert_eq!(
        viewer.sign_in("viewer", PASSWORD, &code).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        viewer.sign_in("viewer", PASSWORD, &code).await.status,
        StatusCode::UNAUTHORIZED,
        "used up"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_name_for_this_address_is_answered_by_nothing() {
    let place = Place::with(|options| options.hosts = vec!["console.county.example".to_owned()]).await;
    let mut browser = place.browser();
    for (host, status) in [
        ("127.0.0.1:8710", StatusCode::OK),
        ("localhost:8710", StatusCode::OK),
        ("[::1]:8710", StatusCode::OK),
        ("Console.County.Example", StatusCode::OK),
        ("evil.example", StatusCode::MISDIRECTED_REQUEST),
        ("evil.example:8710", StatusCode::MISDIRECTED_REQUEST),
        ("127.0.0.1.evil.example", StatusCode::MISDIRECTED_REQUEST),
        ("127.0.0.1@evil.example", StatusCode::MISDIRECTED_REQUEST),
        ("console.county.example.", StatusCode::MISDIRECTED_REQUEST),
        ("", StatusCode::MISDIRECTED_REQUEST),
        ("a b", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let request = Request::get("/healthz").header(header::HOST, host);
        let answer = browser.send(request, Body::empty()).await;
        assert_eq!(answer.status, status, "{host:?}");
    }
    let request = Request::get("http://evil.example/healthz").header(header::HOST, "localhost:8710");
    assert_eq!(
        browser.send(request, Body::empty()).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_lead_nowhere_else() {
    let place = Place::new().await;
    let mut officer = place.signed_in(Role::Officer).await;
    for path in [
        "/ledger/tile/../../keys/ledger.key",
        "/ledger/tile/..%2f..%2fkeys%2fledger.key",
        "/ledger/tile/0/%2e%2e/%2e%2e/checkpoint",
        "/ledger/tile//etc/passwd",
        "/evidence/..%2f..%2frecord.db",
        "/evidence/%2e%2e",
        "/api/v1/evidence/..%2f..%2frecord.db",
        "/static/..%2fconsole.css",
        "/findings/..%2f..",
        "/sources/runs/..%2f..%2frecord.db",
        "/targets/%00",
        "/ledger/18446744073709551615",
        "/ledger/18446744073709551616",
    ] {
        let answer = officer.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_long_is_refused() {
    let place = Place::new().await;
    let finding = place.finding().await;
    let mut analyst = place.signed_in(Role::Analyst).await;
    let long = "x".repeat(100_000);
    let path = format!("/findings/{finding}/decision");
    assert_eq!(
        analyst
            .post(&path, &[("verdict", "note"), ("reason", &long)])
            .await
            .status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let answer = analyst
        .post(&path, &[("verdict", "note"), ("reason", &long[..2_001])])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        analyst
            .post(&path, &[("verdict", "dismissed"), ("reason", " ")])
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let long = "x".repeat(5_000);
    let query = format!("/findings?text={long}&target={long}&from={long}&after={long}&desk={long}");
    let page = analyst.get(&query).await;
    assert_eq!(page.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_is_not_shown_to_the_network_in_the_open() {
    let check = |listen: &str, public, is_secure: bool| {
        let options = crate::Options {
            workspace: "/nowhere".into(),
            listen: listen.parse().unwrap(),
            public,
            tls: None,
            proxy: is_secure.then(|| crate::Proxy {
                address: [10, 0, 0, 1].into(),
            }),
            hosts: Vec::new(),
            limits: Default::default(),
        };
        options.check().map_err(|error| error.to_string())
    };
    assert!(check("127.0.0.1:1", false, false).is_ok());
    assert!(check("[::1]:1", false, false).is_ok());
    assert!(
        check("0.0.0.0:1", false, true)
            .unwrap_err()
            .contains("not asked for")
    );
    assert!(
        check("192.0.2.1:1", true, false)
            .unwrap_err()
            .contains("neither TLS")
    );
    assert!(check("0.0.0.0:1", true, true).is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_markup_is_text_on_every_page() {
    let place = Place::new().await;
    let finding = hostile_finding();
    let mut workspace = pollwatch_engine::Workspace::find(&place.folder.path().join("ws")).unwrap();
    workspace.push("record.db");
    let store = SqliteStore::open(&workspace, Mode::ReadWrite).await.unwrap();
    keep(&store, &finding).await;
    let mut officer = place.signed_in(Role::Officer).await;
    officer
        .post(
            &format!("/findings/{}/decision", finding.id),
            &[("verdict", "note"), ("reason", MARKUP)],
        )
        .await;
    let text: String = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    for path in [
        "/".to_owned(),
        "/findings".to_owned(),
        format!("/findings?text={text}&target={text}&kind={text}&desk={text}&from={text}&stage={text}"),
        format!("/findings/{}", finding.id),
        "/findings/x".to_owned(),
        "/targets".to_owned(),
        format!("/targets?text={text}&state={text}"),
        "/targets/wakefield-county".to_owned(),
        "/sources".to_owned(),
        "/brief".to_owned(),
        "/people".to_owned(),
        format!("/sign-in?to={text}"),
        format!("/{text}"),
    ] {
        let page = officer.get(&path).await;
        assert_ne!(
            page.status,
            StatusCode::INTERNAL_SERVER_ERROR,
            "{path}: {}",
            page.text
        );
        for acting in [
            "<script>",
            "<img",
            "onerror=alert(2)>",
            "<svg/",
            "<b>County",
            "<County>",
            "\u{202e}",
            "\0",
            "href=\"javascript",
        ] {
            assert!(!page.text.contains(acting), "{path}: {acting:?}");
        }
        assert!(
            page.header("content-security-policy")
                .contains("script-src 'self'"),
            "{path}"
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    }
    let page = officer.get(&format!("/findings/{}", finding.id)).await.text;
    assert!(page.contains("&lt;script&gt;"), "it is shown");
    assert!(page.contains("⟨U+202E⟩"), "what does not show is written out");
    assert!(!page.contains("evil.example"), "and nobody can follow it");
    assert!(page.contains("evil[.]example"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_is_saved_and_not_opened() {
    let place = Place::new().await;
    let id = place.finding().await;
    let mut analyst = place.signed_in(Role::Analyst).await;
    let page = analyst.get(&format!("/findings/{id}")).await.text;
    let path = page
        .split("href=\"/evidence/")
        .nth(1)
        .expect("evidence")
        .split('"')
        .next()
        .unwrap();
    let file = analyst.get(&format!("/evidence/{path}")).await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(pollwatch_model::EvidenceId::of(&file.bytes).to_string(), path);
    assert_eq!(file.header("content-type"), "application/octet-stream");
    assert!(file.header("content-disposition").starts_with("attachment;"));
    assert!(file.header("content-security-policy").contains("sandbox"));
    assert_eq!(file.header("x-content-type-options"), "nosniff");
}

fn hostile_finding() -> Finding {
    let target = TargetRef {
        id: "wakefield-county".parse().unwrap(),
        name: MARKUP.to_owned(),
    };
    let subject = format!("{MARKUP}.evil.example");
    Finding {
        schema: 1,
        id: FindingId::derive("lookalike", "lookalike-domain", &target.id, &subject),
        desk: MARKUP.to_owned(),
        kind: MARKUP.to_owned(),
        polarity: Polarity::Threat,
        stage: Some(Stage::Attempted),
        target,
        verdict: Some(MARKUP.to_owned()),
        severity: Severity::Critical,
        confidence: Probability::rounded(0.5),
        tlp: Tlp::Clear,
        observed: Observed::at(Some(Timestamp::UNIX_EPOCH)),
        summary: format!("{MARKUP} at evil.example"),
        reasons: vec![Reason {
            code: MARKUP.to_owned(),
            text: format!("{MARKUP} at http://evil.example/"),
            weight: f64::MAX,
            spans: vec![
                Span {
                    start: 0,
                    end: 8,
                    text: subject[..8].to_owned(),
                    of: MARKUP.to_owned(),
                },
                Span {
                    start: 7,
                    end: u32::MAX,
                    text: MARKUP.to_owned(),
                    of: String::new(),
                },
                Span {
                    start: 9,
                    end: 2,
                    text: String::new(),
                    of: String::new(),
                },
            ],
        }],
        alternatives: vec![MARKUP.to_owned()],
        next: MARKUP.to_owned(),
        indicators: vec![Indicator {
            kind: MARKUP.to_owned(),
            value: "http://evil.example/<script>".to_owned(),
        }],
        techniques: vec![MARKUP.to_owned()],
        evidence: vec![EvidenceRef {
            sha256: pollwatch_model::EvidenceId::of(b"gone"),
            media_type: MARKUP.to_owned(),
            locator: MARKUP.to_owned(),
        }],
        details: serde_json::Map::from_iter([(
            MARKUP.to_owned(),
            serde_json::json!([MARKUP, {"a": MARKUP}]),
        )]),
        subject,
    }
}

async fn keep(store: &SqliteStore, finding: &Finding) {
    let run = RunStart {
        id: RunId(MARKUP.to_owned()),
        desk: MARKUP.to_owned(),
        started: Timestamp::UNIX_EPOCH,
        inputs_key: "k".to_owned(),
        inputs: serde_json::json!([MARKUP]),
    };
    store.begin_run(&run).await.unwrap();
    let statement = pollwatch_model::EvidenceId::of(b"statement");
    let location = |sha256| EvidenceLocation {
        sha256,
        pack: 1,
        offset: 0,
        length: 1,
    };
    let step = Step {
        revisions: vec![Revision {
            finding: finding.clone(),
            revision: 1,
            statement,
            leaf: b"leaf".to_vec(),
        }],
        evidence: vec![location(statement)],
        coverage: vec![pollwatch_model::Coverage {
            desk: "lookalike".to_owned(),
            source: MARKUP.to_owned(),
            sha256: None,
            bytes: 1,
            targets: Vec::new(),
            window: Observed::default(),
            gaps: vec![pollwatch_model::Gap {
                from: Timestamp::UNIX_EPOCH,
                to: Timestamp::UNIX_EPOCH,
                why: MARKUP.to_owned(),
            }],
            records_read: 1,
            records_unread: 1,
            series: None,
            silent: Vec::new(),
            is_complete: true,
        }],
        problems: vec![pollwatch_model::Problem {
            file: MARKUP.to_owned(),
            record: Some(1),
            what: MARKUP.to_owned(),
            records_lost: 1,
        }],
        ..Step::of(run.id.clone())
    };
    store.commit_step(step).await.unwrap();
    store.finish_run(&run.id).await.unwrap();
}
