//! What only the SQLite backend must do: its file, its schema, its permissions, its neighbours.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{coverage, decision, finding, located, position, record, renamed, revision, saved, start, step};
use pollwatch_model::{EvidenceId, Finding, Polarity, Problem, Severity, Verdict};
use pollwatch_store::{Error, Filter, LeafId, Mode, RunId, SqliteStore, Store};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

async fn raw(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    options.connect().await.unwrap()
}

async fn execute(path: &Path, sql: &str) {
    let mut connection = raw(path).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Mode::ReadWrite).await.unwrap()
}

/// What `tests/data/schema-1.sql` holds.
async fn record_sample(store: &SqliteStore) {
    let threat = finding("adfs-senate.services");
    let mut assurance = finding("größe.example");
    assurance.polarity = Polarity::Assurance;
    assurance.stage = None;
    assurance.severity = Severity::Info;
    let assurance = renamed(assurance);
    store.set_meta("workspace", "w-1").await.unwrap();
    store.begin_run(&start("r", "k")).await.unwrap();
    let mut one = step("r", vec![revision(&threat, 1), revision(&assurance, 1)]);
    one.evidence.push(located(threat.evidence[0].sha256));
    one.coverage = vec![coverage("names.txt", Some(EvidenceId::of(b"names")), 9)];
    one.problems = vec![Problem::lost("names.txt", 7, "no name")];
    one.positions = vec![position(0, 9)];
    one.saved = Some(saved("state"));
    store.commit_step(one).await.unwrap();
    let mut changed = threat.clone();
    changed.severity = Severity::Critical;
    store
        .commit_step(step("r", vec![revision(&changed, 2)]))
        .await
        .unwrap();
    store
        .record_decision(&decision(&threat, Verdict::Confirmed, "seen by eye"))
        .await
        .unwrap();
    store
        .mark_sequenced(&[(LeafId(1), 0), (LeafId(2), 1)])
        .await
        .unwrap();
}

/// All that a store tells, as one text.
async fn everything(store: &SqliteStore) -> String {
    let findings = store.findings(&Filter::default()).await.unwrap().findings;
    let mut told = format!("{findings:#?}");
    for stored in &findings {
        told += &format!("{:#?}", store.revisions(&stored.finding.id).await.unwrap());
    }
    told += &format!("{:#?}", store.all_decisions(None, 99).await.unwrap());
    told += &format!("{:#?}", store.unfinished_run("lookalike", "k").await.unwrap());
    told += &format!("{:#?}", store.coverage().await.unwrap());
    let run = RunId("r".to_owned());
    told += &format!("{:#?}", store.problems(&run, 99).await.unwrap());
    told += &format!("{:#?}", store.problem_count(&run).await.unwrap());
    told += &format!("{:#?}", store.pending_leaves(99).await.unwrap());
    told += &format!("{:#?}", store.sequenced_leaves(0, 99).await.unwrap());
    told + &format!("{:#?}", store.meta("workspace").await.unwrap())
}

#[tokio::test]
async fn a_database_of_schema_1_still_loads() {
    let folder = tempfile::tempdir().unwrap();
    let fresh_path = match std::env::var_os("POLLWATCH_WRITE_SAMPLE") {
        Some(path) => PathBuf::from(path),
        None => folder.path().join("fresh.db"),
    };
    let fresh = open(&fresh_path).await;
    record_sample(&fresh).await;
    let old_path = folder.path().join("old.db");
    execute(&old_path, include_str!("data/schema-1.sql")).await;
    let old = open(&old_path).await;
    old.integrity_check().await.unwrap();
    assert_eq!(everything(&old).await, everything(&fresh).await);
    old.commit_step(step("r", vec![revision(&finding("later.example"), 1)]))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    open(&path).await.close().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (700, 'later', 1, x'00', 0); CREATE TABLE later (x)";
    execute(&path, newer).await;
    let before = std::fs::read(&path).unwrap();
    for mode in [Mode::ReadWrite, Mode::ReadOnly] {
        let error = SqliteStore::open(&path, mode).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::NewerSchema { found: 700, known, .. } if known < 700
            ),
            "{error:?}"
        );
        let message = error.to_string();
        assert!(
            message.contains("record.db has schema 700 and this program knows schemas up to"),
            "{message}"
        );
    }
    assert!(std::fs::read(&path).unwrap() == before);
}

#[tokio::test]
async fn a_database_whose_schema_was_edited_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    open(&path).await.close().await;
    execute(&path, "UPDATE _sqlx_migrations SET checksum = x'00'").await;
    let error = SqliteStore::open(&path, Mode::ReadWrite).await.unwrap_err();
    assert!(
        matches!(error, Error::ForeignSchema { version: 1, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let missing = SqliteStore::open(&path, Mode::ReadOnly).await.unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }), "{missing:?}");
    assert!(!path.exists());
    for mode in [Mode::ReadWrite, Mode::ReadOnly] {
        let error = SqliteStore::open(folder.path(), mode).await.unwrap_err();
        assert!(matches!(error, Error::CannotOpen { .. }), "{error:?}");

        let text = "no database at all, but long enough to be one. ".repeat(100);
        std::fs::write(&path, &text).unwrap();
        let error = SqliteStore::open(&path, mode).await.unwrap_err();
        assert!(matches!(error, Error::NotADatabase { .. }), "{error:?}");
        assert!(
            error.to_string().contains("file is not a Pollwatch database"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

        std::fs::remove_file(&path).unwrap();
        execute(&path, "CREATE TABLE theirs (x)").await;
        let error = SqliteStore::open(&path, mode).await.unwrap_err();
        assert!(matches!(error, Error::NotADatabase { .. }), "{error:?}");
        std::fs::remove_file(&path).unwrap();
    }
    let nowhere = SqliteStore::open(&path.join("deeper"), Mode::ReadWrite)
        .await
        .unwrap_err();
    assert!(matches!(nowhere, Error::CannotOpen { .. }), "{nowhere:?}");
    std::fs::write(&path, "").unwrap();
    let empty = SqliteStore::open(&path, Mode::ReadOnly).await.unwrap_err();
    assert!(matches!(empty, Error::NotADatabase { .. }), "{empty:?}");
    open(&path).await;
}

#[tokio::test]
async fn damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let store = open(&path).await;
    let findings: Vec<Finding> = (0..300).map(|n| finding(&format!("n{n}.example"))).collect();
    record(&store, &findings).await;
    store.integrity_check().await.unwrap();
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    for byte in bytes.iter_mut().skip(half).step_by(7) {
        *byte ^= 0x55;
    }
    std::fs::write(&path, bytes).unwrap();
    let store = SqliteStore::open(&path, Mode::ReadOnly).await.unwrap();
    let error = store.integrity_check().await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("record.db is damaged ("), "{error}");
    let error = store.findings(&Filter::default()).await.unwrap_err();
    assert!(
        matches!(error, Error::Corrupt { .. } | Error::Row { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_row_that_refers_to_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let store = open(&path).await;
    record(&store, &[finding("a.example")]).await;
    execute(&path, "PRAGMA foreign_keys = 0; DELETE FROM leaves").await;
    let error = store.integrity_check().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a row of finding_revisions refers to a row of leaves that is missing"),
        "{error}"
    );
}

#[tokio::test]
async fn an_edited_row_is_told_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let store = open(&path).await;
    let (one, two) = (finding("one.example"), finding("two.example"));
    record(&store, &[one.clone(), two.clone()]).await;
    let edit = format!(
        "UPDATE findings SET finding = '{{' WHERE finding_id = '{}'",
        one.id
    );
    execute(&path, &edit).await;
    let error = store.finding(&one.id).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Row {
                table: "findings",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(store.finding(&two.id).await.unwrap().is_some());
    assert_eq!(
        store.current_statements(None, 9).await.unwrap().len(),
        2,
        "verification sees both"
    );
    let swap = format!(
        "UPDATE findings SET finding = (SELECT finding FROM findings WHERE finding_id = '{}')",
        two.id
    );
    execute(&path, &swap).await;
    let error = store.finding(&one.id).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&format!("the row of {} holds {}", one.id, two.id)),
        "{error}"
    );
}

#[tokio::test]
async fn a_store_that_is_dropped_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let finding = finding("a.example");
    record(&open(&path).await, std::slice::from_ref(&finding)).await;
    let store = open(&path).await;
    assert_eq!(
        store.finding(&finding.id).await.unwrap().unwrap().finding,
        finding
    );
    assert_eq!(store.pending_leaves(9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_reader_sees_what_a_writer_commits_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file:odd ?#%41.db");
    let writer = open(&path).await;
    let reader = SqliteStore::open(&path, Mode::ReadOnly).await.unwrap();
    let finding = finding("a.example");
    record(&writer, std::slice::from_ref(&finding)).await;
    assert!(reader.finding(&finding.id).await.unwrap().is_some());
    let error = reader.set_meta("a", "b").await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    let error = reader.commit_step(step("r", Vec::new())).await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    let copy = folder.path().join("copy.db");
    reader.backup_to(&copy).await.unwrap();
    assert!(open(&copy).await.finding(&finding.id).await.unwrap().is_some());
}

#[cfg(unix)]
mod permissions {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn a_new_database_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let store = open(&path).await;
        store.backup_to(&folder.path().join("copy.db")).await.unwrap();
        for name in ["record.db", "record.db-wal", "record.db-shm", "copy.db"] {
            let mode = std::fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_to_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record ?%.db");
        let finding = finding("a.example");
        let store = open(&path).await;
        record(&store, std::slice::from_ref(&finding)).await;
        store.close().await;
        set(&path, 0o444);
        set(folder.path(), 0o555);
        let is_protected = std::fs::write(folder.path().join("probe"), "").is_err();
        let store = SqliteStore::open(&path, Mode::ReadOnly).await.unwrap();
        assert!(store.finding(&finding.id).await.unwrap().is_some());
        let error = store.set_meta("a", "b").await.unwrap_err();
        assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
        // The permissions do not hold root back.
        if is_protected {
            let error = SqliteStore::open(&path, Mode::ReadWrite).await.unwrap_err();
            assert!(
                matches!(error, Error::ReadOnly { .. } | Error::CannotOpen { .. }),
                "{error:?}"
            );
        }
        set(folder.path(), 0o755);
    }

    #[tokio::test]
    async fn changes_beside_the_file_are_not_overlooked_in_a_protected_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let store = open(&path).await;
        record(&store, &[finding("a.example")]).await;
        // As a killed process leaves it.
        let copied = tempfile::tempdir().unwrap();
        for name in ["record.db", "record.db-wal"] {
            std::fs::copy(folder.path().join(name), copied.path().join(name)).unwrap();
            set(&copied.path().join(name), 0o444);
        }
        set(copied.path(), 0o555);
        let is_protected = std::fs::write(copied.path().join("probe"), "").is_err();
        let opened = SqliteStore::open(&copied.path().join("record.db"), Mode::ReadOnly).await;
        match opened {
            Ok(store) => {
                assert!(!is_protected);
                assert!(store.finding(&finding("a.example").id).await.unwrap().is_some());
            }
            Err(error) => {
                assert!(
                    is_protected && error.to_string().contains("-wal holds changes"),
                    "{error:?}"
                );
            }
        }
        set(copied.path(), 0o755);
    }
}

/// Runs the test `name` of this program once more as a process of its own, told to work on `path`.
fn child(name: &str, path: &Path, number: u32) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture"])
        .env("POLLWATCH_TEST_CHILD", path)
        .env("POLLWATCH_TEST_NUMBER", number.to_string())
        .stdout(Stdio::null());
    command
}

fn task() -> Option<(PathBuf, String)> {
    let path = std::env::var_os("POLLWATCH_TEST_CHILD")?;
    Some((path.into(), std::env::var("POLLWATCH_TEST_NUMBER").unwrap()))
}

#[tokio::test]
async fn processes_that_open_a_new_database_at_once_share_it() {
    if let Some((path, number)) = task() {
        let store = open(&path).await;
        let run = format!("run-{number}");
        store.begin_run(&start(&run, "k")).await.unwrap();
        for n in 0..20 {
            let own = finding(&format!("p{number}n{n}.example"));
            store
                .commit_step(step(&run, vec![revision(&own, 1)]))
                .await
                .unwrap();
        }
        return;
    }
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let name = "processes_that_open_a_new_database_at_once_share_it";
        let mut children: Vec<_> = (0..4).map(|n| child(name, &path, n).spawn().unwrap()).collect();
        for child in &mut children {
            assert!(child.wait().unwrap().success());
        }
        let store = open(&path).await;
        assert_eq!(
            store.findings(&Filter::default()).await.unwrap().findings.len(),
            80
        );
        assert_eq!(store.pending_leaves(999).await.unwrap().len(), 80);
        store.integrity_check().await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_leaves_whole_steps() {
    if let Some((path, number)) = task() {
        let store = open(&path).await;
        let run = format!("run-{number}");
        store.begin_run(&start(&run, &run)).await.unwrap();
        for n in 1.. {
            let findings = (0..10).map(|k| finding(&format!("p{number}n{n}k{k}.example")));
            let mut one = step(&run, findings.map(|one| revision(&one, 1)).collect());
            one.positions = vec![position(0, n)];
            one.saved = Some(saved(&n.to_string()));
            store.commit_step(one).await.unwrap();
            // What was acknowledged must be there afterwards. Renamed into place: a reader between two writes of one file
            // can read the first digit of the old number and the second of the new.
            std::fs::write(path.with_extension("next"), n.to_string()).unwrap();
            std::fs::rename(path.with_extension("next"), path.with_extension("acknowledged")).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let mut steps_before = 0;
    for number in 0..8 {
        let acknowledged = path.with_extension("acknowledged");
        std::fs::write(&acknowledged, "0").unwrap();
        let mut process = child("a_killed_process_leaves_whole_steps", &path, number)
            .spawn()
            .unwrap();
        let enough = u64::from(number) * 3 + 1;
        let read = || {
            std::fs::read_to_string(&acknowledged)
                .unwrap()
                .parse::<u64>()
                .unwrap_or(0)
        };
        while read() < enough {
            assert!(
                process.try_wait().unwrap().is_none(),
                "the process ended by itself"
            );
            std::thread::yield_now();
        }
        process.kill().unwrap();
        process.wait().unwrap();
        let store = open(&path).await;
        let run = format!("run-{number}");
        let left = store.unfinished_run("lookalike", &run).await.unwrap().unwrap();
        let steps = left.positions[0].position.record;
        assert!(steps >= read().max(enough), "an acknowledged step was lost");
        assert_eq!(left.saved, Some(saved(&steps.to_string())));
        steps_before += steps;
        let findings = store.findings(&Filter::default()).await.unwrap().findings;
        assert_eq!(findings.len() as u64, steps_before * 10);
        assert_eq!(
            store.pending_leaves(u32::MAX).await.unwrap().len() as u64,
            steps_before * 10
        );
        store.integrity_check().await.unwrap();
    }
}
