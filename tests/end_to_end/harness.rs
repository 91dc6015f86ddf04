//! A folder of its own for each test, and the binary run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A small register that the tests share.
pub const REGISTER: &str = r#"
schema = 1
owner = "Example County Clerk"
allow = ["wakefieldvotes-fans.org"]

[[target]]
id = "wakefield-county"
name = "Wakefield County Clerk"
kind = "office"
state = "TX"
domains = ["wakefieldvotes.gov"]
owned = ["wakefieldvotes.us"]

[[target]]
id = "senate"
name = "United States Senate"
kind = "office"
domains = ["senate.gov"]

[[target]]
id = "onedrive"
name = "Microsoft OneDrive"
kind = "login"
domains = ["onedrive.com"]
"#;

/// Names of which the first four imitate somebody in [`REGISTER`] and the rest do not.
pub const NAMES: &str = "wakefieldvotes.com\n\
    login-wakefieldvotes.com\n\
    wakefleldvotes.org\n\
    wakefieldvotes.gov.account-check.top\n\
    maplestreetbakery.com\n\
    wakefieldvotes.gov\n\
    www.wakefieldvotes.us\n\
    wakefieldvotes-fans.org\n\
    lakeside-dental.net\n";

pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Place {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// With a workspace `ws` that protects [`REGISTER`], and [`NAMES`] in `names.txt`.
    pub fn with_workspace() -> Self {
        let place = Place::new();
        place
            .run(&["init", "ws", "--owner", "Example County Clerk"])
            .succeeds();
        place.write("ws/register.toml", REGISTER);
        place.write("names.txt", NAMES);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("make the folder");
        std::fs::write(path, contents).expect("write the file");
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pollwatch"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("POLLWATCH_WORKSPACE")
            .env("USER", "clerk")
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().expect("start pollwatch"))
    }

    /// Runs in the workspace `ws`.
    pub fn ws(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["-C", "ws"];
        all.extend(arguments);
        self.run(&all)
    }

    /// Runs with `input` on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        use std::io::Write;
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start pollwatch");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // The child may end before it has read everything.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().expect("wait for pollwatch");
        writer.join().expect("the writer");
        Ran::from(output)
    }

    /// The name of the ledger of `ws`.
    pub fn origin(&self) -> String {
        let checkpoint = std::fs::read_to_string(self.path("ws/ledger/checkpoint")).expect("the checkpoint");
        checkpoint.lines().next().expect("an origin").to_owned()
    }

    /// Does to the database of `ws` what somebody with SQL could.
    pub fn edit_record(&self, sql: &str) {
        self.edit_record_of("ws", sql);
    }

    /// Does to the database of a workspace what somebody with SQL could.
    pub fn edit_record_of(&self, workspace: &str, sql: &str) {
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(self.path(&format!("{workspace}/record.db")));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            use sqlx::{ConnectOptions, Connection};
            let mut connection = options.connect().await.expect("open the database");
            let sql = sqlx::AssertSqlSafe(sql.to_owned());
            sqlx::raw_sql(sql)
                .execute(&mut connection)
                .await
                .expect("edit the database");
            connection.close().await.expect("close the database");
        });
    }

    /// The findings recorded in `ws`, without what differs between runs.
    pub fn recorded(&self) -> Vec<serde_json::Value> {
        let ran = self.ws(&[
            "findings",
            "list",
            "--min-severity",
            "info",
            "--format",
            "jsonl",
            "--limit",
            "1000000",
        ]);
        ran.succeeds();
        ran.json_lines()
    }
}

#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn ends_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(
            self.out.contains(text) || self.err.contains(text),
            "no {text:?} in {self:#?}"
        );
        self
    }

    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    }
}

/// Every file below `dir`, in order.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("read a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.sort();
    files
}
