//! A workspace with findings, its console, and a browser that remembers cookies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use jiff::Timestamp;
use pollwatch_engine::{Mode, SourceSpec, Workspace};
use tower::ServiceExt as _;

use crate::{Console, Options, Role};

pub(super) const PASSWORD: &str = "four words unrelated";

const REGISTER: &str = r#"
schema = 1
owner = "Example <County> Clerk"

[[target]]
id = "wakefield-county"
name = "Wakefield <b>County</b> Clerk"
kind = "office"
state = "TX"
domains = ["wakefieldvotes.gov"]

[[target]]
id = "senate"
name = "United States Senate"
kind = "office"
domains = ["senate.gov"]
"#;

const NAMES: &str = "wakefieldvotes.com\nlogin-wakefieldvotes.com\nwakefieldvotes.gov.account-check.top\nmaplestreetbakery.com\n";

pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
    pub(super) console: Console,
    pub(super) router: axum::Router,
}

impl Place {
    /// A workspace in which the first desk found something, with an account of each role.
    pub(super) async fn new() -> Self {
        Place::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("ws");
        let (names, made) = (folder.path().join("names.txt"), dir.clone());
        std::fs::write(&names, NAMES).unwrap();
        tokio::task::spawn_blocking(move || record(&made, &names))
            .await
            .unwrap();
        let mut options = Options {
            workspace: dir.clone(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8_710)),
            public: false,
            tls: None,
            proxy: None,
            hosts: Vec::new(),
            limits: Default::default(),
        };
        change(&mut options);
        let console = Console::open(options).await.unwrap();
        let now = Timestamp::now();
        for role in Role::ALL {
            crate::access::accounts::new_account(&console.inner.access, role.word(), role, PASSWORD, now)
                .await
                .unwrap();
        }
        let router = console.router();
        Place {
            folder,
            console,
            router,
        }
    }

    pub(super) fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
        }
    }

    pub(super) async fn signed_in(&self, role: Role) -> Browser {
        let mut browser = self.browser();
        let answer = browser.sign_in(role.word(), PASSWORD, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        browser
    }

    /// The id of the most urgent finding.
    pub(super) async fn finding(&self) -> String {
        use pollwatch_store::Store as _;
        let page = self
            .console
            .inner
            .store
            .findings(&pollwatch_store::Filter::default())
            .await
            .unwrap();
        page.findings[0].finding.id.to_string()
    }
}

struct Quiet;

impl pollwatch_engine::Watcher for Quiet {
    fn finding(&mut self, _: &pollwatch_model::Finding, _: pollwatch_engine::Novelty) {}
    fn problem(&mut self, _: &pollwatch_model::Problem) {}
    fn progress(&mut self, _: pollwatch_engine::Progress<'_>) {}
}

fn record(dir: &Path, names: &Path) {
    let now: Timestamp = "2026-11-03T12:00:00Z".parse().unwrap();
    let mut workspace = Workspace::init(dir, "Clerk", "clerk.example/ledger", Some(REGISTER), now).unwrap();
    let desk = pollwatch_engine::desks::named("lookalike").unwrap();
    let sources = [SourceSpec::file(names)];
    workspace.run(desk, &sources, now, &mut Quiet).unwrap();
    drop(workspace);
    Workspace::open(dir, Mode::Read).unwrap();
}

/// Lets the first desk read one more file.
pub(super) fn record_more(dir: &Path, names: &Path) {
    let mut workspace = Workspace::open(dir, Mode::Write).unwrap();
    let desk = pollwatch_engine::desks::named("lookalike").unwrap();
    workspace
        .run(desk, &[SourceSpec::file(names)], Timestamp::now(), &mut Quiet)
        .unwrap();
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The token of the page's forms.
    pub(super) fn form_token(&self) -> String {
        let field = self.text.split("name=\"form\" value=\"").nth(1).expect("a form");
        field.split('"').next().unwrap().to_owned()
    }
}

pub(super) struct Browser {
    pub(super) router: axum::Router,
    pub(super) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(super) async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = request.body(body).unwrap();
        let headers = request.headers_mut();
        headers
            .entry(header::HOST)
            .or_insert("127.0.0.1:8710".parse().unwrap());
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        request
            .extensions_mut()
            .insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for set in parts.headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = to_bytes(body, 64 << 20).await.unwrap().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        }
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    /// Sends a form; its token is taken from a page with forms when `fields` have none.
    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all = fields.to_vec();
        let token;
        if !fields.iter().any(|(name, _)| *name == "form") {
            token = self.get("/sign-in").await.form_token();
            all.push(("form", &token));
        }
        self.post_exactly(path, &all).await
    }

    pub(super) async fn post_exactly(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, Body::from(body)).await
    }

    pub(super) async fn sign_in(&mut self, name: &str, password: &str, code: &str) -> Answer {
        self.post(
            "/sign-in",
            &[
                ("name", name),
                ("password", password),
                ("code", code),
                ("to", "/"),
            ],
        )
        .await
    }
}
