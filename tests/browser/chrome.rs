//! Chromium without a window, driven through its DevTools protocol.
//!
//! It speaks over a pipe (`--remote-debugging-pipe`): JSON messages that end with a zero byte, read on descriptor 3 and written
//! on 4. So there is no port that another program could reach, and no crate with a hundred thousand generated lines to build.
//! What a page complains of on its own (errors, refused scripts, requests to elsewhere, dialogs) is collected and fails the test.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long one answer of the browser may take: a busy machine is slow, a hanging browser is slower.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// Where Debian and others put it.
const PROGRAMS: [&str; 4] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
];

/// Nothing is sent anywhere, nothing is kept, nothing needs rights that a container lacks.
const FLAGS: [&str; 15] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
];

/// The browser's program: `CHROMIUM`, or where it usually lies.
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    named
        .into_iter()
        .chain(PROGRAMS.map(PathBuf::from))
        .find(|path| path.is_file())
}

/// One browser with a fresh profile.
pub struct Chrome {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    last_id: u64,
    /// What pages complained of.
    pub complaints: Vec<String>,
    /// Every address that was asked for.
    pub requests: BTreeSet<String>,
    /// Those of them that were answered.
    pub answered: BTreeSet<String>,
    origin: String,
    _profile: tempfile::TempDir,
}

impl Chrome {
    /// Starts `program`; pages may ask for addresses below `origin` alone.
    pub fn start(program: &std::path::Path, origin: &str) -> Chrome {
        let profile = tempfile::tempdir().expect("a folder for the profile");
        // The shell hands the pipe on as descriptors 3 and 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the browser");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in output.split(0) {
                let Ok(message) = message else { return };
                let Ok(message) = serde_json::from_slice(&message) else {
                    continue;
                };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Chrome {
            child,
            input,
            messages,
            last_id: 0,
            complaints: Vec::new(),
            requests: BTreeSet::new(),
            answered: BTreeSet::new(),
            origin: origin.to_owned(),
            _profile: profile,
        }
    }

    /// Asks for something and waits for the answer.
    pub fn ask(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Result<Value, String> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).expect("speak to the browser");
        let until = Instant::now() + ANSWER_TIME;
        loop {
            match self
                .messages
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(answer) if answer["id"] == id => {
                    return match answer.get("error") {
                        Some(error) => Err(format!("{method}: {error}")),
                        None => Ok(answer["result"].clone()),
                    };
                }
                Ok(event) => self.hear(&event),
                Err(RecvTimeoutError::Timeout) => panic!("the browser did not answer {method}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the browser ended at {method}"),
            }
        }
    }

    /// Listens for a moment to what pages say on their own.
    pub fn listen(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while let Ok(event) = self
            .messages
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.hear(&event);
        }
    }

    fn hear(&mut self, event: &Value) {
        let about = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => {
                self.complain("exception", &about["exceptionDetails"]);
            }
            "Runtime.consoleAPICalled" if about["type"] == "error" || about["type"] == "assert" => {
                self.complain("console", &about["args"]);
            }
            // Failed requests are judged below: a page that says "wrong password" with 401 is right to.
            "Log.entryAdded"
                if about["entry"]["level"] == "error" && about["entry"]["source"] != "network" =>
            {
                self.complain("log", &about["entry"]);
            }
            "Network.requestWillBeSent" => {
                let address = about["request"]["url"].as_str().unwrap_or_default().to_owned();
                let is_ours = address
                    .strip_prefix(&self.origin)
                    .is_some_and(|rest| rest.starts_with('/'));
                if !is_ours && !address.starts_with("data:") && !address.starts_with("about:") {
                    self.complain("request to elsewhere", &json!(address));
                }
                self.requests.insert(address);
            }
            "Network.responseReceived" => {
                let address = about["response"]["url"].as_str().unwrap_or_default();
                self.answered.insert(address.to_owned());
                let status = about["response"]["status"].as_u64().unwrap_or_default();
                if status >= 400 && about["type"] != "Document" && about["type"] != "Fetch" {
                    self.complain("failed request", &about["response"]["url"]);
                }
            }
            "Page.javascriptDialogOpening" => {
                self.complain("dialog", &about["message"]);
                let session = event["sessionId"].as_str().map(str::to_owned);
                // A script that opens one would wait for ever. The answer to this is not waited for.
                self.last_id += 1;
                let answer = json!({"id": self.last_id, "method": "Page.handleJavaScriptDialog",
                    "params": {"accept": false}, "sessionId": session});
                let mut bytes = answer.to_string().into_bytes();
                bytes.push(0);
                self.input.write_all(&bytes).expect("speak to the browser");
            }
            _ => {}
        }
    }

    fn complain(&mut self, what: &str, about: &Value) {
        self.complaints.push(format!("{what}: {about}"));
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        // Asked first, so that it ends its own processes; it may have ended already.
        self.last_id += 1;
        let bye = format!("{{\"id\":{},\"method\":\"Browser.close\"}}\0", self.last_id);
        let _ = self.input.write_all(bye.as_bytes());
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
