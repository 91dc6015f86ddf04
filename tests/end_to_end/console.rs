//! `pollwatch serve` and what it says when it cannot, and the console's accounts in backups.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::harness::Place;

/// A console, ended with the test.
struct Served(Child, SocketAddr);

impl Served {
    fn of(place: &Place, workspace: &str) -> Served {
        let mut child = place
            .command(&["-C", workspace, "serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the console");
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("a pipe"))
            .read_line(&mut said)
            .expect("read");
        let address = said
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .unwrap_or_else(|| panic!("the console said {said:?}"));
        Served(child, address.0.parse().expect("an address"))
    }

    /// The answer to a request for `path`, head and body.
    fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(self.1).expect("connect");
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.1
        )
        .expect("ask");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tls(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../server/tests/data/tls")
        .join(name);
    path.display().to_string()
}

#[test]
fn what_keeps_the_console_from_starting_is_said_with_what_to_do() {
    let place = Place::with_workspace();
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = holder.local_addr().expect("its address").to_string();
    place
        .ws(&["serve", "--listen", &at])
        .ends_with(2)
        .says("cannot listen on")
        .says("Another program has that port")
        .says("--listen");
    place
        .ws(&["serve", "--listen", "0.0.0.0:0", "--public"])
        .ends_with(2)
        .says("Nothing was started: passwords would cross the network in the open")
        .says("--tls-cert");
    place
        .ws(&["serve", "--listen", "0.0.0.0:0"])
        .ends_with(2)
        .says("add --public");
    place
        .ws(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--tls-cert",
            &tls("console.pem"),
            "--tls-key",
            &tls("other.key"),
        ])
        .ends_with(2)
        .says("it is not the key of")
        .says("Certificate and key are PEM files that belong together");
    place
        .run(&["-C", "nowhere", "serve"])
        .ends_with(2)
        .says("pollwatch init");
    // A workspace that cannot be read: its database is something else.
    place.run(&["init", "broken", "--owner", "Clerk"]).succeeds();
    place.write(
        "broken/record.db",
        "this is no database at all, whatever its name says",
    );
    let ran = place.run(&["-C", "broken", "serve", "--listen", "127.0.0.1:0"]);
    ran.ends_with(2).says("record.db");
    assert!(
        !ran.err.contains("panicked") && !ran.err.contains("SqliteError"),
        "{ran:?}"
    );
}

#[test]
fn a_database_that_is_being_brought_up_to_date_or_is_newer_is_said_and_left_alone() {
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    // Another program has it for itself, as while it is brought up to date.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path("ws/record.db"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ran = runtime.block_on(async {
        use sqlx::{ConnectOptions, Connection, Executor};
        let mut connection = options.connect().await.expect("open");
        connection
            .execute("PRAGMA locking_mode = EXCLUSIVE")
            .await
            .expect("lock");
        connection.execute("BEGIN EXCLUSIVE").await.expect("lock");
        let ran = place.ws(&["serve", "--listen", "127.0.0.1:0"]);
        connection.execute("ROLLBACK").await.expect("unlock");
        connection.close().await.expect("close");
        ran
    });
    ran.ends_with(2)
        .says("is in use by another process; wait for it or stop it");
    place.edit_record("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'of tomorrow', 1, x'00', 0)");
    let ran = place.ws(&["serve", "--listen", "127.0.0.1:0"]);
    ran.ends_with(2).says("newer");
}

#[test]
fn accounts_are_in_a_backup_with_the_key_alone_and_nobody_stays_signed_in() {
    let place = Place::with_workspace();
    let add = |name: &str, role: &str| {
        let ran = place.run_with_input(
            &["-C", "ws", "account", "add", name, "--role", role],
            b"correct horse battery staple\n",
        );
        ran.succeeds();
    };
    place.ws(&["backup", "before"]).succeeds();
    add("ada", "officer");
    add("ben", "viewer");
    place
        .ws(&["backup", "without"])
        .succeeds()
        .says("The console's accounts are not in it")
        .says("--with-key");
    assert!(!place.path("without/access.db").exists());
    place
        .run(&["restore", "without", "again"])
        .succeeds()
        .says("The backup has no accounts of the console");
    place
        .ws(&["backup", "with", "--with-key"])
        .succeeds()
        .says("It holds the console's 2 accounts")
        .says("nobody stays signed in");
    let ran = place.run(&["restore", "with", "whole"]);
    ran.succeeds();
    assert!(!ran.out.contains("accounts"), "{ran:?}");
    let taken = place.run_with_input(
        &["-C", "whole", "account", "add", "ada"],
        b"correct horse battery staple\n",
    );
    taken.ends_with(2).says("ada");
    let served = Served::of(&place, "whole");
    assert!(served.get("/sign-in").starts_with("HTTP/1.1 200"));
    assert!(served.get("/").contains("location: /sign-in"));
}
