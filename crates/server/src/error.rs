//! What keeps the console from starting, and what a page says when something fails.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the console does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The workspace cannot be opened.
    #[error(transparent)]
    Engine(#[from] pollwatch_engine::Error),
    /// A database cannot be opened.
    #[error("cannot open the database")]
    Store(#[from] pollwatch_store::Error),
    /// Another program has the port, or this user may not have it.
    #[error("cannot listen on {at}")]
    Bind {
        /// Where.
        at: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The address can be reached from other machines, and nothing protects what is sent.
    #[error("{at} can be reached from other machines, and neither TLS nor a proxy that has it is declared")]
    Unprotected {
        /// Where.
        at: SocketAddr,
    },
    /// The address can be reached from other machines, and that was not asked for.
    #[error("{at} can be reached from other machines, and that was not asked for")]
    NotPublic {
        /// Where.
        at: SocketAddr,
    },
    /// A certificate or key cannot be used.
    #[error("cannot use {} for TLS: {why}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// The server stopped by itself.
    #[error("the console stopped: {0}")]
    Stopped(String),
}
