//! The daemon: through every rotation and any kill nothing is lost and nothing is counted twice; people are told once.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::harness::Place;

/// Times that the daemon is killed in each test of killing.
const KILLS: u32 = 50;
/// Lines of a log before it is rotated.
const LINES_A_FILE: usize = 400;

fn settings(place: &Place, tables: &str) {
    let path = place.path("ws/pollwatch.toml");
    let text = fs::read_to_string(&path).expect("the settings");
    let kept = text.split("\n[[").next().expect("some text");
    fs::write(path, format!("{kept}\n{tables}")).expect("write the settings");
}

fn source(kind: &str, path: &Path, more: &str) -> String {
    format!(
        "[[source]]\nname = \"feed\"\ndesk = \"lookalike\"\nkind = \"{kind}\"\npath = \"{}\"\n{more}",
        path.display()
    )
}

/// Every fiftieth name imitates somebody.
fn name(number: usize) -> String {
    if number.is_multiple_of(50) {
        format!("wakefieldvotes-{number:05}.com\n")
    } else {
        format!("quiet{number}garden.org\n")
    }
}

fn subjects(place: &Place) -> Vec<String> {
    let mut all: Vec<String> = place
        .recorded()
        .iter()
        .map(|finding| format!("{} {}", finding["subject"], finding["severity"]))
        .collect();
    all.sort();
    all
}

/// What a scan of the same names says.
fn expected(names: usize) -> Vec<String> {
    let place = Place::with_workspace();
    place.write("all.txt", (0..names).map(name).collect::<String>());
    place.ws(&["lookalike", "scan", "--record", "all.txt"]).succeeds();
    subjects(&place)
}

/// Says what is missing and what is too much, not all that is alike.
#[track_caller]
fn assert_same(found: &[String], expected: &[String]) {
    let missing: Vec<&String> = expected.iter().filter(|one| !found.contains(one)).collect();
    let surplus: Vec<&String> = found.iter().filter(|one| !expected.contains(one)).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing {missing:?}, too much {surplus:?}"
    );
}

/// Records that were read, over all files that were followed.
fn records_read(place: &Place) -> u64 {
    let ran = place.ws(&["status"]);
    let table = ran.out.split("\n\ndesk").nth(1).unwrap_or_default();
    table
        .lines()
        .filter(|line| line.starts_with("lookalike"))
        .filter_map(|line| {
            let cells: Vec<&str> = line
                .split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect();
            cells.get(2)?.replace(',', "").parse::<u64>().ok()
        })
        .sum()
}

fn daemon(place: &Place) -> Child {
    place
        .command(&["-C", "ws", "watch"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start pollwatch")
}

/// Waits until the daemon says something that has `text` in it.
fn said(lines: &mpsc::Receiver<String>, text: &str) -> String {
    let until = Instant::now() + Duration::from_secs(60);
    let mut heard = Vec::new();
    while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if line.contains(text) {
            return line;
        }
        heard.push(line);
    }
    panic!("the daemon never said {text:?}; it said {heard:#?}");
}

/// A daemon whose words can be waited for.
struct Heard {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Heard {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut child = place
            .command(arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start pollwatch");
        let (give, lines) = mpsc::channel();
        let words = BufReader::new(child.stderr.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in words.lines().map_while(Result::ok) {
                let _ = give.send(line);
            }
        });
        Heard { child, lines }
    }

    fn signal(&self, name: &str) {
        let done = std::process::Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(done.expect("send a signal").success());
    }

    /// Asks it to end, and waits until it has.
    fn stop(mut self) {
        self.signal("TERM");
        said(&self.lines, "stopped");
        assert!(self.child.wait().expect("wait for pollwatch").success());
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy)]
enum Rotation {
    /// `access.log` becomes `access.log.1`, that becomes `access.log.2`, and so on.
    Rename,
    /// The log is copied and cut to nothing.
    CopyTruncate,
    /// It is renamed and packed at once.
    Pack,
}

fn rotate(log: &Path, rotation: Rotation, number: usize) {
    let beside = |ending: String| PathBuf::from(format!("{}.{ending}", log.display()));
    match rotation {
        Rotation::Rename => {
            for old in (1..number).rev() {
                let _ = fs::rename(beside(old.to_string()), beside((old + 1).to_string()));
            }
            fs::rename(log, beside("1".to_owned())).expect("rename the log");
            fs::write(log, "").expect("begin the log");
        }
        Rotation::CopyTruncate => {
            fs::copy(log, beside(format!("{number:03}"))).expect("copy the log");
            OpenOptions::new()
                .write(true)
                .open(log)
                .expect("open the log")
                .set_len(0)
                .expect("cut the log");
        }
        Rotation::Pack => {
            let text = fs::read(log).expect("read the log");
            let packed = fs::File::create(beside(format!("{number:03}.gz"))).expect("a packed file");
            let mut gzip = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
            gzip.write_all(&text).expect("pack");
            gzip.finish().expect("pack").sync_all().expect("sync");
            fs::remove_file(log).expect("remove the log");
            fs::write(log, "").expect("begin the log");
        }
    }
}

fn killed_at_random(rotation: Rotation) {
    let place = Place::with_workspace();
    let log = place.path("logs/access.log");
    place.write("logs/access.log", "");
    settings(&place, &source("log", &log, ""));
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (log, is_over) = (log.clone(), Arc::clone(&is_over));
        move || {
            let (mut number, mut rotated) = (0, 0);
            while !is_over.load(Ordering::SeqCst) {
                let mut file = OpenOptions::new().append(true).open(&log).expect("open the log");
                // Lines come in pieces, as a server's buffer gives them.
                let text: String = (number..number + 7).map(name).collect();
                let (first, second) = text.split_at(text.len() / 2);
                file.write_all(first.as_bytes()).expect("write");
                std::thread::sleep(Duration::from_millis(3));
                file.write_all(second.as_bytes()).expect("write");
                number += 7;
                std::thread::sleep(Duration::from_millis(15));
                if number / LINES_A_FILE > rotated {
                    rotated += 1;
                    rotate(&log, rotation, rotated);
                }
            }
            number
        }
    });
    for kill in 0..KILLS {
        let mut child = daemon(&place);
        // Spread over start, reading, committing and rotating; sometimes long enough to see a rotation live.
        let life = if kill % 12 == 11 {
            3_000
        } else {
            u64::from(kill * 37 % 450) + 5
        };
        std::thread::sleep(Duration::from_millis(life));
        child.kill().expect("kill pollwatch");
        child.wait().expect("wait for pollwatch");
    }
    is_over.store(true, Ordering::SeqCst);
    let names = writer.join().expect("the writer");
    place.ws(&["watch", "--once"]).succeeds();
    place.ws(&["verify"]).succeeds().says("Everything follows");
    assert_same(&subjects(&place), &expected(names));
    assert_eq!(records_read(&place), names as u64, "each line once");
}

#[test]
fn killed_at_any_moment_a_log_that_is_renamed_is_read_once() {
    killed_at_random(Rotation::Rename);
}

#[test]
fn killed_at_any_moment_a_log_that_is_copied_and_cut_is_read_once() {
    killed_at_random(Rotation::CopyTruncate);
}

#[test]
fn killed_at_any_moment_a_log_that_is_packed_is_read_once() {
    killed_at_random(Rotation::Pack);
}

/// A daemon that was killed before it had read anything still knows that it had begun.
#[test]
fn a_log_that_is_rotated_before_anything_was_read_is_read() {
    let place = Place::with_workspace();
    let log = place.path("logs/access.log");
    place.write("logs/access.log.1", "wakefieldvotes-00000.com\n");
    place.write("logs/access.log", "");
    settings(&place, &source("log", &log, ""));
    let mut watch = Heard::start(&place, &["-C", "ws", "watch"]);
    said(&watch.lines, "all that is there is read");
    watch.child.kill().expect("kill pollwatch");
    watch.child.wait().expect("wait for pollwatch");
    fs::write(&log, "wakefieldvotes-00050.com\n").expect("write");
    fs::rename(&log, place.path("logs/access.log.2")).expect("rename");
    fs::write(&log, "wakefieldvotes-00100.com\n").expect("write");
    place.ws(&["watch", "--once"]).succeeds();
    // What lay beside the log before it was taken up is older, and was not asked for.
    let expected = ["wakefieldvotes-00050.com", "wakefieldvotes-00100.com"];
    assert_same(
        &subjects(&place),
        &expected.map(|name| format!("\"{name}\" \"medium\"")),
    );
}

#[test]
fn killed_at_any_moment_a_folder_is_read_once() {
    let place = Place::with_workspace();
    let folder = place.path("arrivals");
    fs::create_dir_all(&folder).expect("make the folder");
    settings(&place, &source("folder", &folder, "quiet_seconds = 0\n"));
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (folder, is_over) = (folder.clone(), Arc::clone(&is_over));
        move || {
            let (mut number, mut file) = (0, 0);
            while !is_over.load(Ordering::SeqCst) {
                let unfinished = folder.join(format!("{file:04}.txt.part"));
                fs::write(&unfinished, (number..number + 60).map(name).collect::<String>()).expect("write");
                fs::rename(&unfinished, folder.join(format!("{file:04}.txt"))).expect("rename");
                number += 60;
                file += 1;
                std::thread::sleep(Duration::from_millis(60));
            }
            number
        }
    });
    for kill in 0..KILLS {
        let mut child = daemon(&place);
        std::thread::sleep(Duration::from_millis(u64::from(kill * 37 % 450) + 5));
        child.kill().expect("kill pollwatch");
        child.wait().expect("wait for pollwatch");
    }
    is_over.store(true, Ordering::SeqCst);
    let names = writer.join().expect("the writer");
    place.ws(&["watch", "--once"]).succeeds();
    place.ws(&["verify"]).succeeds().says("Everything follows");
    assert_same(&subjects(&place), &expected(names));
    assert_eq!(records_read(&place), names as u64, "each line once");
}

#[test]
fn a_line_that_is_written_is_found_and_the_other_commands_work_beside_the_daemon() {
    let place = Place::with_workspace();
    let log = place.path("names.log");
    fs::write(&log, "maplestreetbakery.com\n").expect("write");
    settings(&place, &source("log", &log, ""));
    let watch = Heard::start(&place, &["-C", "ws", "watch"]);
    said(&watch.lines, "all that is there is read");
    let mut file = OpenOptions::new().append(true).open(&log).expect("open");
    file.write_all(b"login-wakefieldvotes.com\nhalf-a-line-wakefieldvotes")
        .expect("write");
    let line = said(&watch.lines, "feed: new");
    assert!(line.contains("wakefieldvotes[.]com"), "{line}");
    // Nothing is made of a line that has not ended.
    assert_eq!(place.recorded().len(), 1);
    let id = place.recorded()[0]["id"].as_str().expect("an id").to_owned();
    place
        .ws(&["findings", "decide", &id, "dismissed", "-m", "a test of ours"])
        .succeeds();
    place.ws(&["status"]).succeeds().says("running since");
    // A source that vanishes and comes back is said, and followed again.
    fs::rename(&log, place.path("away")).expect("rename");
    said(&watch.lines, "feed: missing");
    fs::rename(place.path("away"), &log).expect("rename");
    file.write_all(b".com\n").expect("write");
    said(&watch.lines, "half-a-line-wakefieldvotes");
    watch.stop();
    place.ws(&["status"]).succeeds().says("stopped at");
    place.ws(&["verify"]).succeeds();
}

#[test]
fn settings_are_read_anew_and_faulty_ones_change_nothing() {
    let place = Place::with_workspace();
    let (first, second) = (place.path("first.log"), place.path("second.log"));
    fs::write(&first, "").expect("write");
    fs::write(&second, "login-wakefieldvotes.com\n").expect("write");
    settings(&place, &source("log", &first, ""));
    let watch = Heard::start(&place, &["-C", "ws", "watch"]);
    said(&watch.lines, "all that is there is read");
    settings(
        &place,
        "[[source]]\nname = \"feed\"\ndesk = \"weather\"\nkind = \"log\"\npath = \"x\"\n",
    );
    watch.signal("HUP");
    said(&watch.lines, "the old ones stand");
    settings(&place, &source("log", &second, ""));
    watch.signal("HUP");
    said(&watch.lines, "settings read anew");
    said(&watch.lines, "feed: new");
    watch.stop();
}

#[test]
fn people_are_told_once_also_when_the_receiver_was_away() {
    let place = Place::with_workspace();
    place.write("ws/keys/hook", "0123456789abcdef0123456789abcdef\n");
    let log = place.path("names.log");
    fs::write(&log, "").expect("write");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address");
    drop(free);
    let out = place.path("told.jsonl");
    let alerts = format!(
        "[[alert]]\nname = \"hook\"\nmin_severity = \"low\"\nwebhook = {{ url = \"http://{address}/\", secret_file = \"keys/hook\" }}\n\
         [[alert]]\nname = \"script\"\nmin_severity = \"low\"\ncommand = [\"sh\", \"-c\", \"cat >> {} && echo >> {}\"]\n",
        out.display(),
        out.display()
    );
    settings(&place, &format!("{}\n{alerts}", source("log", &log, "")));
    let watch = Heard::start(&place, &["-C", "ws", "watch"]);
    said(&watch.lines, "all that is there is read");
    fs::write(&log, "login-wakefieldvotes.com\n").expect("write");
    said(&watch.lines, "told script of 1 finding");
    said(&watch.lines, "could not tell hook of 1 finding");
    watch.stop();
    place.ws(&["status"]).says("does not answer");

    let listener = TcpListener::bind(address).expect("the port again");
    let (give, posts) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = give.send(take_post(stream));
        }
    });
    let watch = Heard::start(&place, &["-C", "ws", "watch"]);
    let (head, body) = posts.recv_timeout(Duration::from_secs(60)).expect("a post");
    said(&watch.lines, "told hook of 1 finding");
    watch.stop();
    assert!(head.to_lowercase().contains("pollwatch-signature: t="), "{head}");
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["findings"][0]["finding"]["target"], "Wakefield County Clerk");
    assert_eq!(
        body["subject"].as_str().expect("a subject").split(',').next(),
        Some("Pollwatch: one finding")
    );
    // Neither the post nor the command came a second time.
    assert!(posts.try_recv().is_err());
    assert_eq!(
        fs::read_to_string(&out).expect("what was told").lines().count(),
        1
    );
}

fn take_post(mut stream: std::net::TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    std::io::Read::read_exact(&mut reader, &mut body).expect("a body");
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        .expect("answer");
    (head, String::from_utf8(body).expect("UTF-8"))
}

#[test]
fn standard_input_is_followed_to_its_end() {
    let place = Place::with_workspace();
    settings(
        &place,
        "[[source]]\nname = \"feed\"\ndesk = \"lookalike\"\nkind = \"stdin\"\n",
    );
    let mut watch = Heard::start(&place, &["-C", "ws", "watch", "--once"]);
    let mut stdin = watch.child.stdin.take().expect("a pipe");
    stdin
        .write_all(b"login-wakefieldvotes.com\nmaplestreetb")
        .expect("write");
    said(&watch.lines, "feed: new");
    stdin.write_all(b"akery.com").expect("write");
    drop(stdin);
    said(&watch.lines, "stopped");
    assert_eq!(records_read(&place), 2);
}

#[test]
fn a_full_disk_or_a_lost_record_holds_a_source_up_and_loses_nothing() {
    let place = Place::with_workspace();
    let log = place.path("names.log");
    fs::write(&log, "").expect("write");
    settings(&place, &source("log", &log, ""));
    let watch = Heard::start(&place, &["-C", "ws", "watch"]);
    said(&watch.lines, "all that is there is read");
    // What a database looks like that somebody is restoring.
    std::thread::sleep(Duration::from_millis(500));
    fs::rename(place.path("ws/record.db"), place.path("ws/record.away")).expect("rename");
    let mut file = OpenOptions::new().append(true).open(&log).expect("open");
    file.write_all(b"login-wakefieldvotes.com\n").expect("write");
    said(&watch.lines, "cannot be recorded");
    fs::rename(place.path("ws/record.away"), place.path("ws/record.db")).expect("rename");
    said(&watch.lines, "feed: new");
    watch.stop();
    place.ws(&["verify"]).succeeds();
}

#[test]
fn without_sources_it_says_what_to_write() {
    let place = Place::with_workspace();
    place
        .ws(&["watch", "--once"])
        .ends_with(2)
        .says("there is nothing to watch")
        .says("[[source]]");
}

#[test]
fn mail_goes_to_the_relay_with_names_defanged_and_strict_findings_left_out() {
    let place = Place::with_workspace();
    let log = place.path("names.log");
    fs::write(&log, "").expect("write");
    let relay = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = relay.local_addr().expect("its address");
    let mail = |name: &str, tlp: &str| {
        format!(
            "[[alert]]\nname = \"{name}\"\nmin_severity = \"low\"\ntlp = \"{tlp}\"\nmail = {{ relay = \"{address}\", security = \"none\", \
             from = \"pollwatch@county.example\", to = [\"{name}@county.example\"] }}\n"
        )
    };
    settings(
        &place,
        &format!(
            "{}\n{}{}",
            source("log", &log, ""),
            mail("duty", "amber"),
            mail("public", "clear")
        ),
    );
    let (give, mails) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in relay.incoming().map_while(Result::ok) {
            let _ = give.send(take_mail(stream));
        }
    });
    let watch = Heard::start(&place, &["-C", "ws", "watch"]);
    said(&watch.lines, "all that is there is read");
    fs::write(&log, "login-wakefieldvotes.com\n").expect("write");
    let mut both: Vec<String> = (0..2)
        .map(|_| mails.recv_timeout(Duration::from_secs(60)).expect("a mail"))
        .collect();
    watch.stop();
    both.sort_by_key(|mail| mail.contains("public@county.example"));
    assert!(
        both[0].contains("Subject: Pollwatch: one finding, high"),
        "{}",
        both[0]
    );
    assert!(
        both[0].contains("wakefieldvotes[.]com") && !both[0].contains("login-wakefieldvotes.com"),
        "{}",
        both[0]
    );
    assert!(
        both[1].contains("may not be sent this way") && !both[1].contains("wakefieldvotes"),
        "{}",
        both[1]
    );
}

/// A relay that takes everything, and what it took.
fn take_mail(mut stream: std::net::TcpStream) -> String {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut taken = String::new();
    let mut is_data = false;
    stream.write_all(b"220 relay\r\n").expect("greet");
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return taken;
        }
        taken.push_str(&line);
        let answer: &[u8] = match line.trim_end() {
            "." if is_data => {
                is_data = false;
                b"250 taken\r\n"
            }
            _ if is_data => continue,
            "DATA" => {
                is_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => {
                let _ = stream.write_all(b"221 bye\r\n");
                return taken;
            }
            _ => b"250 fine\r\n",
        };
        stream.write_all(answer).expect("answer");
    }
}
