//! Real sockets: TLS, and clients that are slow, greedy or many.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::place::Place;
use crate::{Error, Limits, Options, Tls, serve};

/// Longer than any answer takes on a busy machine: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/tls")
        .join(name)
}

/// Serves the workspace of `place` on a port of the system's choice until the sender is dropped.
async fn served(place: &Place, change: impl FnOnce(&mut Options)) -> (SocketAddr, oneshot::Sender<()>) {
    let mut options = Options {
        workspace: place.folder.path().join("ws"),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        public: false,
        tls: None,
        proxy: None,
        hosts: Vec::new(),
        limits: Limits::default(),
    };
    change(&mut options);
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, address) = oneshot::channel();
    tokio::spawn(serve(options, move |at| ready.send(at).unwrap(), async move {
        drop(stopped.await)
    }));
    (address.await.unwrap(), stop)
}

/// Sends bytes and reads until the other side closes.
async fn told(mut socket: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> String {
    // The other side may have closed already, which is an answer too.
    let _ = socket.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut part = [0; 8_192];
    let read = async {
        while let Ok(n @ 1..) = socket.read(&mut part).await {
            answer.extend_from_slice(&part[..n]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("it closes");
    String::from_utf8_lossy(&answer).into_owned()
}

const ASKS: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_spoken_with_the_given_files_and_cookies_are_bound_to_it() {
    let place = Place::new().await;
    let (address, _stop) = served(&place, |options| {
        options.tls = Some(Tls {
            certificates: file("console.pem"),
            key: file("console.key"),
        });
    })
    .await;
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(file("ca.pem")).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = |versions: &[&'static rustls::SupportedProtocolVersion]| {
        let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        tokio_rustls::TlsConnector::from(Arc::new(config))
    };
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let socket = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let socket = client(&[version]).connect(name, socket).await.unwrap();
        let asks = b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let answer = told(socket, asks).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(
            answer.contains("__Host-before=") && answer.contains("; Secure"),
            "{answer}"
        );
        assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
    }
    // Plain text is no handshake: nothing of the console is told.
    let plain = told(TcpStream::connect(address).await.unwrap(), ASKS).await;
    assert!(!plain.contains("HTTP/1.1"), "{plain:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_does_not_fit_its_key_is_refused_with_its_name() {
    let place = Place::new().await;
    let with = |certificates: PathBuf, key: PathBuf| {
        let options = Options {
            workspace: place.folder.path().join("ws"),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public: false,
            tls: Some(Tls { certificates, key }),
            proxy: None,
            hosts: Vec::new(),
            limits: Limits::default(),
        };
        serve(options, |_| panic!("it must not serve"), std::future::pending())
    };
    let refused = with(file("console.pem"), file("other.key")).await.unwrap_err();
    let said = refused.to_string();
    assert!(
        said.contains("other.key") && said.contains("is not the key of"),
        "{said}"
    );
    for (certificates, key, named) in [
        ("console.key", "console.key", "console.key"),
        ("console.pem", "console.pem", "console.pem"),
        ("missing.pem", "console.key", "missing.pem"),
    ] {
        let refused = with(file(certificates), file(key)).await.unwrap_err();
        assert!(matches!(refused, Error::Tls { .. }), "{refused}");
        assert!(refused.to_string().contains(named), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_dawdles_is_let_go_and_others_are_served() {
    let place = Place::new().await;
    let (address, _stop) = served(&place, |options| {
        options.limits.header_time = Duration::from_millis(300);
        options.limits.answer_time = Duration::from_millis(600);
        options.limits.connections = 8;
    })
    .await;
    // Headers that never end: as many as there are places, so that nobody else would ever be let in.
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
            .await
            .unwrap();
        slow.push(socket);
    }
    let answer = told(TcpStream::connect(address).await.unwrap(), ASKS).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for socket in slow {
        let answer = told(socket, b"a").await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    // A body that never comes.
    let dawdler = TcpStream::connect(address).await.unwrap();
    let asks = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nname=";
    let answer = told(dawdler, asks).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    // A handshake that never comes is the same with TLS.
    let (address, _stop) = served(&place, |options| {
        options.limits.handshake_time = Duration::from_millis(300);
        options.tls = Some(Tls {
            certificates: file("console.pem"),
            key: file("console.key"),
        });
    })
    .await;
    assert_eq!(told(TcpStream::connect(address).await.unwrap(), b"").await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_are_huge_or_many_are_refused() {
    let place = Place::new().await;
    let (address, _stop) = served(&place, |_| {}).await;
    let huge = format!(
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "a".repeat(64 * 1024)
    );
    let many: String = (0..200).map(|n| format!("X-{n}: a\r\n")).collect();
    let many = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{many}\r\n");
    let long = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "a".repeat(64 * 1024)
    );
    for asks in [&huge, &many, &long] {
        let answer = told(TcpStream::connect(address).await.unwrap(), asks.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let body = format!(
        "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000\r\n\r\n{}",
        "a".repeat(300_000)
    );
    let answer = told(TcpStream::connect(address).await.unwrap(), body.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let answer = told(TcpStream::connect(address).await.unwrap(), ASKS).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "it serves on: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_breaks_off_changes_nothing_and_the_console_goes_on() {
    let place = Place::new().await;
    let finding = place.finding().await;
    let mut analyst = place.signed_in(crate::Role::Analyst).await;
    let token = analyst.get("/account").await.form_token();
    let (address, _stop) = served(&place, |_| {}).await;
    let body = format!("form={token}&verdict=dismissed&reason=half of it");
    let cookies: Vec<String> = analyst
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let head = format!(
        "POST /findings/{finding}/decision HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        cookies.join("; "),
        body.len()
    );
    // The browser goes away with half of the form sent, then once more with the whole of it and nobody to read the answer.
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
        .write_all(&body.as_bytes()[..body.len() / 2])
        .await
        .unwrap();
    drop(socket);
    let decisions = |id: String| {
        let console = place.console.clone();
        async move {
            console
                .read(move |workspace| workspace.finding(&id))
                .await
                .unwrap()
                .decisions
                .len()
        }
    };
    let answer = told(TcpStream::connect(address).await.unwrap(), ASKS).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(decisions(finding.clone()).await, 0, "half of a form is none");
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
    drop(socket);
    // Whether it was taken before the browser was gone is open; it is whole or not there, and the record is sound.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(decisions(finding).await <= 1);
    let answer = told(TcpStream::connect(address).await.unwrap(), ASKS).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
