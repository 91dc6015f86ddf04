//! `pollwatch serve`: the console and the API.

use std::path::Path;
use std::process::ExitCode;

use pollwatch_server::{Limits, Options, Proxy, Tls};

use crate::arguments::ServeArguments;
use crate::commands::{open_workspace, workspace_dir};

pub fn run(workspace: Option<&Path>, arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let dir = workspace_dir(workspace)?;
    // Says what is wrong with the register before anything is served.
    drop(open_workspace(Some(&dir), pollwatch_engine::Mode::Read));
    let tls = arguments
        .tls_cert
        .zip(arguments.tls_key)
        .map(|(certificates, key)| Tls { certificates, key });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let options = Options {
        workspace: dir,
        listen: arguments.listen,
        public: arguments.public,
        tls,
        proxy: arguments.proxy.map(|address| Proxy { address }),
        hosts: arguments.host,
        limits: Limits::default(),
    };
    raise_limit();
    // Two threads answer: the work behind a page is done elsewhere, and a small machine has other things to do.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ready = |at: std::net::SocketAddr| {
        println!("The console is at {scheme}://{at}/ (Ctrl-C ends it).");
        if !at.ip().is_loopback() {
            println!("Other machines can reach it.");
        }
    };
    runtime.block_on(pollwatch_server::serve(options, ready, told_to_stop()))?;
    Ok(ExitCode::SUCCESS)
}

/// Lets the console hold as many connections as the system allows: a shell commonly gives 1,024 at first.
fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        /// Enough for every connection and every file beside them.
        const ENOUGH: u64 = 16_384;
        let limit = getrlimit(Resource::Nofile);
        if limit.current.is_some_and(|current| current < ENOUGH) {
            let current = Some(limit.maximum.map_or(ENOUGH, |most| most.min(ENOUGH)));
            // Where it may not, the console serves fewer at once.
            let _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
        }
    }
}

/// Ready at Ctrl-C, and at the signal by which service managers end a program.
async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
