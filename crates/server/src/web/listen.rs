//! The socket: plain or TLS, with limits on what a slow or greedy client can hold.

use std::convert::Infallible;
use std::future::Future;
use std::io::BufReader;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::app::{Limits, Options, Tls};
use crate::{Console, Error};

/// Time that open requests get when the console is told to stop.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Serves until `stop` is ready. `ready` is told the address, the port chosen by the system among them.
///
/// Errors: [`Error::Bind`] for a port in use, [`Error::Tls`] for a certificate that does not match its key,
/// [`Error::NotPublic`] and [`Error::Unprotected`] for an address that other machines reach.
pub async fn serve(
    options: Options,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    options.check()?;
    let tls = options.tls.as_ref().map(acceptor).transpose()?;
    let limits = options.limits.clone();
    let at = options.listen;
    let listener = TcpListener::bind(at)
        .await
        .map_err(|source| Error::Bind { at, source })?;
    let console = Console::open(options).await?;
    let router = console.router();
    ready(
        listener
            .local_addr()
            .map_err(|source| Error::Bind { at, source })?,
    );
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        // Out of file descriptors, or a client that went away: others are served on.
        let Ok((socket, from)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            break;
        };
        let (router, tls, limits) = (router.clone(), tls.clone(), limits.clone());
        tokio::spawn(async move {
            let _place = place;
            let _ = socket.set_nodelay(true);
            match tls {
                None => answer(socket, from, router, &limits).await,
                Some(tls) => {
                    if let Ok(Ok(socket)) =
                        tokio::time::timeout(limits.handshake_time, tls.accept(socket)).await
                    {
                        answer(socket, from, router, &limits).await;
                    }
                }
            }
        });
    }
    drop(listener);
    console.stop();
    // Every connection holds a place: all of them back means that all have ended.
    let _ = tokio::time::timeout(STOP_TIME, room.acquire_many(limits.connections as u32)).await;
    Ok(())
}

async fn answer(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    from: SocketAddr,
    router: axum::Router,
    limits: &Limits,
) {
    let answer_time = limits.answer_time;
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let router = router.clone();
        async move {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(from));
            let answer = tokio::time::timeout(answer_time, router.oneshot(request)).await;
            Ok::<Response, Infallible>(match answer {
                Ok(Ok(response)) => response,
                Err(_) => (StatusCode::REQUEST_TIMEOUT, "That took too long.\n").into_response(),
            })
        }
    });
    // A client that goes away, or speaks no HTTP, is no news.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

/// Reads certificate and key, and sees whether they belong together.
fn acceptor(tls: &Tls) -> Result<tokio_rustls::TlsAcceptor, Error> {
    let fault = |path: &std::path::Path, why: String| Error::Tls {
        path: path.to_owned(),
        why,
    };
    let open = |path: &std::path::Path| {
        std::fs::File::open(path)
            .map(BufReader::new)
            .map_err(|error| fault(path, error.to_string()))
    };
    let certificates: Vec<CertificateDer> = CertificateDer::pem_reader_iter(open(&tls.certificates)?)
        .collect::<Result<_, _>>()
        .map_err(|error| fault(&tls.certificates, error.to_string()))?;
    if certificates.is_empty() {
        return Err(fault(
            &tls.certificates,
            "there is no certificate in it".to_owned(),
        ));
    }
    let key = PrivateKeyDer::from_pem_reader(open(&tls.key)?)
        .map_err(|error| fault(&tls.key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(&tls.certificates, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => fault(
                &tls.key,
                format!("it is not the key of {}", tls.certificates.display()),
            ),
            other => fault(&tls.certificates, other.to_string()),
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}
