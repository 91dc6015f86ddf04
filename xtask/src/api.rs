//! `cargo xtask api`: schemathesis puts requests of every shape to the API, as its description allows them and as it does not.
//!
//! No answer may be a failure of the server, and every answer must be one that the description promises.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use jiff::{Timestamp, ToSpan as _};
use pollwatch_engine::{SourceSpec, Workspace, desks};
use pollwatch_server::{Limits, Options, Role, add_account};
use pollwatch_store::access::{AccessStore, Token};
use sha2::{Digest as _, Sha256};

use crate::browser::is_ci;
use crate::root;

/// The version that the chore was written with.
const VERSION: &str = "4.32.5";
/// Seconds that it may take: requests are made up until then.
const SECONDS: &str = "120";
/// Requests made up for each operation in each phase.
const EXAMPLES: &str = "60";
/// What a failure of ours would be.
const CHECKS: &str =
    "not_a_server_error,content_type_conformance,response_schema_conformance,status_code_conformance";

const ACCOUNT: &str = "api";
const SECRET: &str = "pw_of_this_chore_alone";
const REGISTER: &str = "schema = 1\nowner = \"Example County Clerk\"\n\n[[target]]\nid = \"wakefield-county\"\n\
    name = \"Wakefield County Clerk\"\nkind = \"office\"\nstate = \"TX\"\ndomains = [\"wakefieldvotes.gov\"]\n";

/// Runs it against a console of its own.
pub fn run() -> anyhow::Result<()> {
    let program = match schemathesis() {
        Ok(program) => program,
        Err(error) if !is_ci() => {
            println!("Skipped: requests by schemathesis: {error:#}");
            return Ok(());
        }
        Err(error) => return Err(error.context("schemathesis must not be skipped where CI is set")),
    };
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("ws");
    record(folder.path(), &dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(account(&dir))?;
    let options = Options {
        workspace: dir,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        public: false,
        tls: None,
        proxy: None,
        hosts: Vec::new(),
        limits: Limits::default(),
    };
    let (ready, address) = std::sync::mpsc::channel();
    let console = runtime.spawn(pollwatch_server::serve(
        options,
        move |at| {
            let _ = ready.send(at);
        },
        std::future::pending(),
    ));
    let at = address.recv().context("the console did not start")?;
    let status = Command::new(program)
        .args([
            "run",
            "docs/schemas/openapi-1.json",
            "--url",
            &format!("http://{at}"),
        ])
        .args(["--header", &format!("Authorization: Bearer {SECRET}")])
        .args([
            "--checks",
            CHECKS,
            "--max-examples",
            EXAMPLES,
            "--max-time",
            SECONDS,
        ])
        .args([
            "--seed",
            "1",
            "--no-color",
            "--generation-database",
            "none",
            "--warnings",
            "off",
        ])
        .current_dir(root())
        .status()
        .context("cannot start schemathesis")?;
    console.abort();
    ensure!(status.success(), "schemathesis found something: see above");
    Ok(())
}

/// A workspace with a little of everything that the API tells.
fn record(folder: &Path, dir: &Path) -> anyhow::Result<()> {
    struct Quiet;
    impl pollwatch_engine::Watcher for Quiet {
        fn finding(&mut self, _: &pollwatch_model::Finding, _: pollwatch_engine::Novelty) {}
        fn problem(&mut self, _: &pollwatch_model::Problem) {}
        fn progress(&mut self, _: pollwatch_engine::Progress<'_>) {}
    }
    let names = folder.join("names.txt");
    std::fs::write(
        &names,
        "wakefieldvotes.com\nlogin-wakefieldvotes.com\nmaplestreetbakery.com\n",
    )?;
    let now = Timestamp::now();
    let mut workspace = Workspace::init(dir, "Clerk", "clerk.example/ledger", Some(REGISTER), now)?;
    let desk = desks::named("lookalike").context("the desk is there")?;
    workspace.run(desk, &[SourceSpec::file(&names)], now, &mut Quiet)?;
    Ok(())
}

/// An account with a token that may do whatever a token can.
async fn account(dir: &Path) -> anyhow::Result<()> {
    let now = Timestamp::now();
    add_account(dir, ACCOUNT, Role::Officer, "correct horse battery staple", now).await?;
    let store = AccessStore::open(&dir.join("access.db")).await?;
    store
        .add_token(&Token {
            id: "t-1".to_owned(),
            secret: Sha256::digest(SECRET.as_bytes()).into(),
            account: ACCOUNT.to_owned(),
            label: "chore".to_owned(),
            scopes: "read decide meters".to_owned(),
            created: now,
            expires: now + 24.hours(),
            used: None,
        })
        .await?;
    store.close().await;
    Ok(())
}

/// The program, from Python's package index into a folder of its own.
fn schemathesis() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where xtask lies")?;
    let target = own.ancestors().nth(2).context("xtask lies in no target folder")?;
    let folder = target.join(format!("schemathesis-{VERSION}"));
    let program = folder.join("bin/schemathesis");
    if program.is_file() {
        return Ok(program);
    }
    println!("Installing schemathesis {VERSION} by pip into a folder of its own (some minutes, once).");
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(&folder)
        .stderr(Stdio::null())
        .status();
    ensure!(
        made.is_ok_and(|status| status.success()),
        "python3 with venv is missing (apt-get install python3-venv)"
    );
    let status = Command::new(folder.join("bin/pip"))
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            &format!("schemathesis=={VERSION}"),
        ])
        .status()
        .context("cannot start pip")?;
    ensure!(status.success(), "pip cannot fetch schemathesis {VERSION}");
    Ok(program)
}
