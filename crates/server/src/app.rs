//! What every request has at hand.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use pollwatch_engine::{Mode, Workspace};
use pollwatch_model::Register;
use pollwatch_store::SqliteStore;
use pollwatch_store::access::{AccessEvent, AccessStore, SECRET_SETTING};
use tokio::sync::{Semaphore, broadcast, watch};

use crate::Error;
use crate::access::throttle::Throttle;
use crate::live::{Live, News};
use crate::snapshot::Snapshot;

/// Name of the database of accounts in the workspace's folder.
pub(crate) const ACCESS_FILE: &str = "access.db";

/// How long a change waits for another process that records.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits between two tries.
const WRITE_PAUSE: Duration = Duration::from_millis(100);
/// Passwords that are hashed at once: each takes 19 MiB and tens of milliseconds of a core.
const HASHES_AT_ONCE: usize = 2;
/// News that a slow reader may fall behind before it is told to look at everything again.
const NEWS_KEPT: usize = 64;

/// Certificate and key for TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The chain of certificates, PEM.
    pub certificates: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// A proxy in front that speaks TLS with the browsers.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// The address that it connects from. Only its word on the client's address is believed.
    pub address: IpAddr,
}

/// How the console is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// The workspace.
    pub workspace: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether other machines may reach it.
    pub public: bool,
    /// TLS by this program.
    pub tls: Option<Tls>,
    /// TLS by a proxy in front.
    pub proxy: Option<Proxy>,
    /// Names by which browsers may call it, besides the loopback names and the address it listens on.
    pub hosts: Vec<String>,
    /// What a slow or greedy client gets.
    pub limits: Limits,
}

/// What a slow or greedy client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections; those beyond wait. Enough for every event stream and the pages beside them.
    pub connections: usize,
    /// Time for the headers of a request: a client that sends one byte a second gets no further (slowloris).
    pub header_time: Duration,
    /// Time for a whole answer, its body's arrival included; streams apart.
    pub answer_time: Duration,
    /// Time for the TLS handshake.
    pub handshake_time: Duration,
    /// Bytes of headers, from 8 KiB on.
    pub header_bytes: usize,
    /// Number of headers.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 8_000,
            header_time: Duration::from_secs(10),
            answer_time: Duration::from_secs(60),
            handshake_time: Duration::from_secs(10),
            header_bytes: 32 * 1024,
            headers: 100,
        }
    }
}

impl Options {
    /// Whether browsers reach it by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some() || self.proxy.is_some()
    }

    /// Refuses to send passwords through a network in the open.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let at = self.listen;
        if at.ip().is_loopback() {
            return Ok(());
        }
        if !self.public {
            return Err(Error::NotPublic { at });
        }
        if !self.is_secure() {
            return Err(Error::Unprotected { at });
        }
        Ok(())
    }
}

/// The console of one workspace, without a socket.
#[derive(Clone)]
pub struct Console {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) register: Arc<Register>,
    pub(crate) origin: String,
    pub(crate) default_tlp: pollwatch_model::Tlp,
    /// What the settings tell the daemon to follow.
    pub(crate) followed: Vec<pollwatch_engine::WatchedSource>,
    pub(crate) store: SqliteStore,
    pub(crate) access: AccessStore,
    pub(crate) throttle: Throttle,
    pub(crate) hashing: Semaphore,
    pub(crate) snapshot: watch::Receiver<Arc<Snapshot>>,
    pub(crate) news: broadcast::Sender<News>,
    pub(crate) live: Live,
    /// Signs what a browser keeps for us.
    pub(crate) secret: [u8; 32],
    pub(crate) dummy_hash: String,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) meters: crate::api::metrics::Meters,
    pub(crate) last_brief: crate::pages::brief::LastBrief,
    pub(crate) last_audit: crate::pages::audits::LastAudit,
    reader: Option<Arc<Workspace>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A workspace waits for its database when it ends, which must not be done on the runtime's threads.
        let reader = self.reader.take();
        std::thread::spawn(move || drop(reader));
    }
}

impl Console {
    /// Opens the workspace, and begins to watch it.
    ///
    /// Errors: as [`Workspace::open`]; a database that another process is bringing up to date.
    pub async fn open(options: Options) -> Result<Console, Error> {
        let dir = options.workspace.clone();
        // A writer brings an older database up to date; beside another writer the console reads what is there.
        let reader = off_the_runtime(move || {
            match Workspace::open(&dir, Mode::Write) {
                Ok(_) | Err(pollwatch_engine::Error::Locked(_)) => {}
                Err(error) => return Err(Error::Engine(error)),
            }
            Ok(Workspace::open(&dir, Mode::Read)?)
        })
        .await?;
        let register = Arc::clone(reader.register());
        let (origin, default_tlp) = (reader.settings().origin.clone(), reader.settings().brief_tlp.0);
        let followed = reader.settings().sources.clone();
        let record = options.workspace.join("record.db");
        let store = SqliteStore::open(&record, pollwatch_store::Mode::ReadOnly).await?;
        let access = AccessStore::open(&options.workspace.join(ACCESS_FILE)).await?;
        let secret = match access
            .setting(SECRET_SETTING)
            .await?
            .and_then(|bytes| bytes.try_into().ok())
        {
            Some(secret) => secret,
            None => {
                let secret: [u8; 32] = random()?;
                access.set_setting(SECRET_SETTING, &secret).await?;
                secret
            }
        };
        let dummy_hash = off_the_runtime(|| crate::access::password::hash("nobody's password")).await?;
        let first = Snapshot::take(&store, &register).await?;
        let (snapshot_in, snapshot) = watch::channel(Arc::new(first));
        let (news, _) = broadcast::channel(NEWS_KEPT);
        let (stop, stopped) = watch::channel(false);
        let inner = Inner {
            register,
            origin,
            default_tlp,
            followed,
            store,
            access,
            throttle: Throttle::default(),
            hashing: Semaphore::new(HASHES_AT_ONCE),
            snapshot,
            news,
            live: Live::default(),
            secret,
            dummy_hash,
            stop,
            meters: crate::api::metrics::Meters::default(),
            last_brief: crate::pages::brief::LastBrief::default(),
            last_audit: crate::pages::audits::LastAudit::default(),
            reader: Some(Arc::new(reader)),
            options,
        };
        let console = Console {
            inner: Arc::new(inner),
        };
        tokio::spawn(crate::live::follow(console.clone(), snapshot_in, stopped));
        Ok(console)
    }

    /// Answers requests.
    pub fn router(&self) -> Router {
        crate::routes::router(self.clone())
    }

    /// Ends open streams, so that the server can end.
    pub fn stop(&self) {
        self.inner.stop.send_replace(true);
    }

    /// Opens the workspace for writing, does `work`, and lets go of it again; waits while another process records.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Workspace) -> Result<T, pollwatch_engine::Error> + Send + 'static,
    ) -> Result<T, pollwatch_engine::Error> {
        let dir = self.inner.options.workspace.clone();
        off_the_runtime(move || {
            let begun = std::time::Instant::now();
            loop {
                match Workspace::open(&dir, Mode::Write) {
                    Err(pollwatch_engine::Error::Locked(_)) if begun.elapsed() < WRITE_PATIENCE => {
                        std::thread::sleep(WRITE_PAUSE);
                    }
                    opened => return work(&mut opened?),
                }
            }
        })
        .await
    }

    /// Does `work` with the workspace as it is, open for reading.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workspace) -> Result<T, pollwatch_engine::Error> + Send + 'static,
    ) -> Result<T, pollwatch_engine::Error> {
        let console = self.clone();
        off_the_runtime(move || {
            let reader = console
                .inner
                .reader
                .as_deref()
                .expect("it is there until the console ends");
            work(reader)
        })
        .await
    }

    /// Notes an event of access for the ledger; it gets there as soon as the workspace is free.
    pub(crate) async fn tell(&self, what: &str, by: &str, about: &str) -> Result<(), pollwatch_store::Error> {
        let event = AccessEvent {
            what: what.to_owned(),
            by: by.to_owned(),
            about: about.to_owned(),
            at: Timestamp::now(),
        };
        self.inner.access.post(&event).await?;
        self.inner.live.wake_recorder();
        Ok(())
    }

    /// What is followed day and night, and how that is.
    pub(crate) fn watch(&self) -> crate::watched::Watch {
        self.snapshot().watch(&self.inner.followed, Timestamp::now())
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.inner.snapshot.borrow())
    }
}

/// Does work of more than a millisecond where it holds up nobody.
pub(crate) async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
    Ok(bytes)
}
