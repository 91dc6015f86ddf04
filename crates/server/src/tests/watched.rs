//! Sources that are followed, late or never connected, and the count field by field.

use std::time::Duration;

use jiff::Timestamp;
use pollwatch_engine::{Mode, SourceHealth, SourceState, WatchHealth, Workspace};

use super::place::Place;
use crate::{Console, Options, Role};

const SOURCES: &str = r#"
[[source]]
name = "web server <of the county>"
desk = "intrusion"
kind = "log"
path = "/var/log/nginx/access.log"

[[source]]
name = "mail gateway"
desk = "mail"
kind = "folder"
path = "/var/spool/mail"
"#;

/// The console of the same workspace, opened anew as after a restart.
async fn reopened(place: &Place) -> Place {
    let options = Options {
        workspace: place.folder.path().join("ws"),
        ..place.console.inner.options.clone()
    };
    let console = Console::open(options).await.unwrap();
    Place {
        folder: tempfile::tempdir().unwrap(),
        router: console.router(),
        console,
    }
}

fn told(state: SourceState, trouble: Option<&str>) -> WatchHealth {
    let now = Timestamp::now();
    WatchHealth {
        alive_at: Some(now),
        since: Some(now),
        sources: vec![SourceHealth {
            name: "web server <of the county>".to_owned(),
            desk: "intrusion".to_owned(),
            path: "/var/log/nginx/access.log".to_owned(),
            state,
            since: now,
            read_at: None,
            records: 1_234,
            records_unread: 0,
            lag_bytes: 0,
            trouble: trouble.map(str::to_owned),
        }],
        ..WatchHealth::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_and_never_connected_sources_are_told_on_the_pages_and_in_the_api() {
    let place = Place::new().await;
    let ws = place.folder.path().join("ws");
    let settings = ws.join("pollwatch.toml");
    let quiet = place.signed_in(Role::Viewer).await.get("/").await.text;
    assert!(quiet.contains("No source is followed day and night"), "{quiet}");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text + SOURCES).unwrap();
    let again = reopened(&place).await;
    let mut viewer = again.signed_in(Role::Viewer).await;
    let page = viewer.get("/").await.text;
    assert!(page.contains("The daemon never ran"), "{page}");
    assert!(
        page.contains("web server &lt;of the county&gt; and mail gateway")
            || page.contains("2 sources that are late"),
        "{page}"
    );
    for (state, trouble, words) in [
        (SourceState::Late, None, "late"),
        (SourceState::Missing, Some("it is not there"), "missing"),
        (SourceState::Failed, Some("permission denied"), "cannot be read"),
    ] {
        let (dir, health) = (ws.clone(), told(state, trouble));
        tokio::task::spawn_blocking(move || {
            let mut workspace = Workspace::open(&dir, Mode::Write).unwrap();
            workspace.set_watch_health(&health).unwrap();
        })
        .await
        .unwrap();
        let mut page = String::new();
        for _ in 0..100 {
            page = viewer.get("/sources").await.text;
            if page.contains(&format!("</span> {words}</span>")) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(
            page.contains(&format!("</span> {words}</span>")),
            "{words}: {page}"
        );
        assert!(
            page.contains("web server &lt;of the county&gt;") && page.contains("never connected"),
            "{page}"
        );
        assert!(page.contains(trouble.unwrap_or_default()), "{page}");
        let overview = viewer.get("/").await.text;
        assert!(
            overview.contains("0 of 2 sources that should be followed are up to date"),
            "{overview}"
        );
        assert!(
            overview.contains("2 sources that are late, missing or not connected"),
            "{overview}"
        );
        let api: serde_json::Value = serde_json::from_str(&viewer.get("/api/v1/watch").await.text).unwrap();
        assert_eq!(api["daemon"], "running");
        assert_eq!(api["sources"][0]["state"], state.word());
        assert_eq!(api["sources"][1]["state"], "never-connected");
        // The public page counts them and names none.
        let public = viewer.get("/public").await.text;
        assert!(
            public.contains("2 sources that are late") && !public.contains("mail gateway"),
            "{public}"
        );
    }
    let health = told(SourceState::Waiting, None);
    let watch = crate::watched::Watch::of(
        &again.console.inner.followed[..1],
        Some(&health),
        Timestamp::now(),
    );
    assert!(watch.troubled().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overview_counts_field_by_field_as_the_terminal_does() {
    let place = Place::new().await;
    let tally = place
        .console
        .read(|workspace| workspace.tally(&Default::default()))
        .await
        .unwrap();
    let mut viewer = place.signed_in(Role::Viewer).await;
    let mut page = String::new();
    for _ in 0..100 {
        page = viewer.get("/").await.text;
        if !page.contains("It is being counted.") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!tally.fields.is_empty());
    for field in &tally.fields {
        let sentence = maud::html! { dt { (field.field.title) } dd { (field.sentence()) } }.into_string();
        assert!(page.contains(&sentence), "{sentence}: {page}");
    }
}
