//! What a person and a program do, and what they are told.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use pollwatch_model::Verdict;

use super::place::{PASSWORD, Place};
use crate::Role;
use crate::words::Language;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_speaks_spanish_when_asked_to() {
    let place = Place::new().await;
    let finding = place.finding().await;
    let mut officer = place.signed_in(Role::Officer).await;
    officer
        .post("/preferences", &[("language", "es"), ("back", "//evil.example")])
        .await;
    for path in [
        "/",
        "/findings",
        &format!("/findings/{finding}"),
        "/targets",
        "/targets/senate",
        "/sources",
        "/brief",
        "/ledger",
        "/ledger/0",
        "/public",
        "/people",
        "/account",
        "/help",
        "/none",
    ] {
        let page = officer.get(path).await;
        assert!(page.text.contains("<html lang=\"es\""), "{path}");
        assert!(page.text.contains("Saltar al contenido"), "{path}");
        // Words of the English catalogue that no Spanish text has.
        for english in [
            ">Show<",
            ">Overview<",
            ">Apply<",
            "Sign out<",
            ">Evidence<",
            ">Targets<",
        ] {
            assert!(!page.text.contains(english), "{path}: {english}");
        }
    }
    let mut again = place.browser();
    again.sign_in("officer", PASSWORD, "").await;
    assert_eq!(
        again.cookies.get("language").map(String::as_str),
        Some(Language::Spanish.tag()),
        "kept with the account"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_are_those_of_the_reader_and_name_their_zone() {
    let place = Place::new().await;
    let mut viewer = place.signed_in(Role::Viewer).await;
    let page = viewer.get("/ledger").await.text;
    assert!(
        page.contains("2026-11-03 12:00 UTC") && page.contains("data-local"),
        "until the browser has told its zone"
    );
    viewer
        .cookies
        .insert("zone".to_owned(), "America%2FNew_York".to_owned());
    let page = viewer.get("/ledger").await.text;
    assert!(
        page.contains("2026-11-03 07:00 EST") && page.contains("America/New_York"),
        "{page}"
    );
    for hostile in ["../../etc/passwd", "%2e%2e%2f", "\"><script>", &"x".repeat(5_000)] {
        viewer.cookies.insert("zone".to_owned(), hostile.to_owned());
        assert!(
            viewer.get("/ledger").await.text.contains("2026-11-03 12:00 UTC"),
            "{hostile}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_and_a_sign_in_are_in_the_ledger() {
    let place = Place::new().await;
    let finding = place.finding().await;
    let mut analyst = place.signed_in(Role::Analyst).await;
    let sent = analyst
        .post(
            &format!("/findings/{finding}/decision"),
            &[("verdict", "dismissed"), ("reason", "our vendor's test site")],
        )
        .await;
    assert_eq!(sent.header("location"), format!("/findings/{finding}#decisions"));
    let shown = place
        .console
        .read(move |workspace| workspace.finding(&finding))
        .await
        .unwrap();
    let decision = shown.decisions.last().unwrap();
    assert_eq!(
        (decision.verdict, decision.by.as_str(), decision.reason.as_str()),
        (Verdict::Dismissed, "analyst", "our vendor's test site")
    );
    // The sign-in follows as soon as the workspace is free.
    for _ in 0..100 {
        let streams = place
            .console
            .read(|workspace| workspace.event_streams("console"))
            .await
            .unwrap();
        if let Some(stream) = streams.first().cloned() {
            let events = place
                .console
                .read(move |workspace| workspace.events("console", &stream))
                .await
                .unwrap();
            assert_eq!(events[0].event["what"], "signed-in");
            assert_eq!(events[0].event["by"], "analyst");
            let dir = place.folder.path().join("ws");
            let verify = move || {
                // The console may be telling the ledger something at this moment.
                for _ in 0..100 {
                    match pollwatch_engine::verify::verify(&dir, None, None) {
                        Err(pollwatch_engine::Error::Locked(_)) => {
                            std::thread::sleep(Duration::from_millis(50))
                        }
                        checked => return checked.unwrap(),
                    }
                }
                panic!("the workspace is never free");
            };
            let report = tokio::task::spawn_blocking(verify).await.unwrap();
            assert!(report.faults.is_empty(), "{:?}", report.faults);
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no sign-in in the ledger");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_hears_of_a_new_decision_and_finding_within_a_second() {
    let place = Place::new().await;
    let mut news = place.console.inner.news.subscribe();
    let dir = place.folder.path().join("ws");
    let names = place.folder.path().join("more.txt");
    std::fs::write(&names, "wakefieldvotes.org\n").unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    tokio::task::spawn_blocking(move || super::place::record_more(&dir, &names))
        .await
        .unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(5), news.recv())
        .await
        .expect("news")
        .unwrap();
    assert_eq!((heard.findings, heard.alarms.len()), (1, 1));
    assert!(
        heard.alarms[0].summary.contains("wakefieldvotes[.]org"),
        "{}",
        heard.alarms[0].summary
    );
    for _ in 0..50 {
        if place.console.snapshot().alarms == 4 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!(
        "the counts stayed as they were: {}",
        place.console.snapshot().alarms
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_has_already_is_not_sent_again_and_pages_are_small() {
    let place = Place::new().await;
    let mut viewer = place.signed_in(Role::Viewer).await;
    let first = viewer.get("/api/v1/tally").await;
    let request = Request::get("/api/v1/tally").header(header::IF_NONE_MATCH, first.header("etag"));
    let second = viewer.send(request, Body::empty()).await;
    assert_eq!((second.status, second.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    let mut sum = 0;
    let page = viewer.get("/").await.text;
    let assets = page
        .split("/static/")
        .skip(1)
        .map(|rest| format!("/static/{}", rest.split('"').next().unwrap()));
    for path in std::iter::once("/".to_owned()).chain(assets) {
        let request = Request::get(&path).header(header::ACCEPT_ENCODING, "gzip");
        let answer = viewer.send(request, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        sum += answer.bytes.len();
    }
    assert!(
        sum < 60_000,
        "the overview with all that it loads has {sum} bytes"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_is_a_link_and_pages_follow_each_other() {
    let place = Place::new().await;
    let mut viewer = place.signed_in(Role::Viewer).await;
    let page = viewer
        .get("/findings?severity=medium&text=wakefield&sort=newest&limit=2")
        .await;
    assert!(
        page.text
            .contains("href=\"/findings?severity=medium&amp;text=wakefield&amp;sort=newest\"")
    );
    let next = page
        .text
        .split("rel=\"next\" href=\"")
        .nth(1)
        .expect("a next page")
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&");
    let second = viewer.get(&next).await;
    assert_eq!(second.text.matches("data-row").count(), 1, "three in all");
    let odd = viewer.get("/findings?stage=far&severity=").await;
    assert!(odd.text.contains("The filter “stage” does not know far"));
    assert!(viewer.get("/findings/f-").await.status == StatusCode::NOT_FOUND);
}
