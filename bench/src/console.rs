//! The console under load: pages, cold start, memory, open event streams, and the way from a written line to an open page.
//!
//! Load on pages is put on by wrk (Debian's package), on loopback, for some seconds each. Without wrk that table is skipped by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::table::{NOTHING, count, markdown};

/// Targets and findings of the record that pages are asked of.
const TARGETS: usize = 1_000;
const FINDINGS: usize = 100_000;
/// Requests a second, over connections that each wait a while after an answer.
const RATE: u32 = 50;
const CONNECTIONS: u32 = 10;
/// Seconds of load on each page: enough for p99 of some hundred answers.
const SECONDS: u32 = 8;
/// Times that the console is started.
const STARTS: usize = 5;
/// Event streams that are opened; the console holds 6,000.
const STREAMS: usize = 5_000;
/// Lines a second that arrive while attacks are timed, for how long, and how often one comes.
const LINES: usize = 5_000;
const ARRIVE: Duration = Duration::from_secs(40);
const ATTACK_EVERY: Duration = Duration::from_millis(500);
/// Lines of one attack.
const ATTACK_LINES: usize = 12;

const NAME: &str = "bench";
const PASSWORD: &str = "a password of the bench alone";

/// Measures and prints.
pub fn run(scratch: &Path) -> anyhow::Result<()> {
    let program = program()?;
    let folder = scratch.join("console");
    let large = record(&program, &folder)?;
    let limit = raise_limit();
    let mut figures = Vec::new();
    let mut add = |what: &str, figure: String, note: &str| {
        figures.push(vec![what.to_owned(), figure, note.to_owned()]);
    };

    eprintln!("console: cold start");
    let mut starts = Vec::new();
    let mut resting = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let served = Served::start(&program, &large)?;
        let cookie = served.sign_in_kept(&folder)?;
        let page = served.get("/", &cookie)?;
        ensure!(
            page.starts_with("HTTP/1.1 200"),
            "the overview is not there: {page:.200}"
        );
        starts.push(begun.elapsed());
        std::thread::sleep(Duration::from_secs(2));
        resting.extend(served.memory_kib());
    }
    starts.sort();
    add(
        "cold start to the overview, 100,000 findings",
        format!(
            "{} median, {} longest",
            millis(starts[STARTS / 2]),
            millis(starts[STARTS - 1])
        ),
        "process started, workspace opened, counts taken, page answered",
    );
    add(
        "memory at rest, 100,000 findings",
        crate::table::memory(resting.iter().copied().max()),
        "resident, two seconds after the first page; the most of 5",
    );
    let served = Served::start(&program, &large)?;
    let cookie = served.sign_in_kept(&folder)?;
    add(
        "overview, compressed",
        bytes_of_overview(&served, &cookie)?,
        "gzip",
    );

    let pages = match pages(&served, &cookie, &folder) {
        Ok(rows) => markdown(
            "Pages at 50 requests a second",
            &[
                "page",
                "p50",
                "p99",
                "longest",
                "requests/s",
                "answers that failed",
            ],
            &rows,
        ),
        Err(error) => format!("skipped: pages under load: {error:#}\n"),
    };
    add(
        "memory after that load",
        crate::table::memory(served.memory_kib()),
        "resident",
    );

    eprintln!("console: {STREAMS} event streams");
    let opened = streams(&program, &large, &served, &cookie, &folder, limit)?;
    for (what, figure, note) in opened {
        add(&what, figure, &note);
    }
    drop(served);

    eprintln!("console: from a line to an open page");
    let (what, figure, note) = line_to_page(&program, &folder)?;
    add(&what, figure, &note);

    println!("{pages}");
    println!("{}", markdown("Console", &["what", "measured", "note"], &figures));
    Ok(())
}

fn millis(took: Duration) -> String {
    format!("{:.0} ms", took.as_secs_f64() * 1_000.0)
}

/// The program as a user runs it, built for speed; or the one that `POLLWATCH_PROGRAM` names.
fn program() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("POLLWATCH_PROGRAM") {
        return Ok(named.into());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(crate::scratch::workspace_root())
        .args(["build", "--quiet", "--release", "-p", "pollwatch"])
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "pollwatch does not build");
    let own = std::env::current_exe()?;
    Ok(own.with_file_name("pollwatch"))
}

fn ran(program: &Path, arguments: &[&str], input: &str) -> anyhow::Result<()> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_remove("POLLWATCH_WORKSPACE")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "pollwatch {} failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Name of a made-up county: letters alone, so that nothing in it looks like a digit that stands for a letter.
fn county(number: usize) -> String {
    let letters = b"bcdfghjklmnprstvwz";
    let vowels = b"aeiou";
    let mut name = String::new();
    let mut rest = number * 7_919 + 13;
    for _ in 0..4 {
        name.push(char::from(letters[rest % letters.len()]));
        rest /= 3;
        name.push(char::from(vowels[rest % vowels.len()]));
        rest = rest / 2 + number;
    }
    format!("{name}{}", char::from(letters[number % letters.len()]))
}

/// The workspace with many findings, made once: a thousand counties, and names that imitate them.
fn record(program: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let ws = folder.join("large");
    let done = folder.join("large-is-whole");
    if done.is_file() {
        return Ok(ws);
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    eprintln!("console: recording {FINDINGS} findings about {TARGETS} targets");
    let at = ws.display().to_string();
    ran(program, &["init", &at, "--owner", "Bench"], "")?;
    let states = ["TX", "OH", "NC", "FL", "PA", "GA", "MI", "WI", "AZ", "NV"];
    let mut register = "schema = 1\nowner = \"Bench\"\n".to_owned();
    let mut names = String::new();
    let words = [
        "login", "secure", "verify", "account", "mail", "portal", "ballot", "results", "update", "support",
    ];
    let zones = [
        "com", "net", "org", "info", "top", "xyz", "site", "online", "click", "live",
    ];
    for number in 0..TARGETS {
        let domain = format!("{}county{}votes", county(number), letters(number));
        let _ = write!(
            register,
            "\n[[target]]\nid = \"c{number}\"\nname = \"{} County {number}\"\nkind = \"office\"\nstate = \"{}\"\ndomains = [\"{domain}.gov\"]\n",
            county(number),
            states[number % states.len()]
        );
        for at in 0..FINDINGS / TARGETS {
            let _ = writeln!(
                names,
                "{}-{domain}.{}",
                words[at / zones.len() % words.len()],
                zones[at % zones.len()]
            );
        }
    }
    fs::write(ws.join("register.toml"), register)?;
    let list = folder.join("names.txt");
    fs::write(&list, names)?;
    ran(
        program,
        &[
            "-C",
            &at,
            "lookalike",
            "scan",
            "--record",
            &list.display().to_string(),
        ],
        "",
    )?;
    ran(
        program,
        &["-C", &at, "account", "add", NAME, "--role", "officer"],
        &format!("{PASSWORD}\n"),
    )?;
    fs::write(done, "")?;
    Ok(ws)
}

/// A number in letters, so that no two names differ by a digit alone.
fn letters(number: usize) -> String {
    let digit = |n: usize| char::from(b"bdfhjlnprt"[n % 10]);
    [digit(number / 100), digit(number / 10), digit(number)]
        .iter()
        .collect()
}

/// A console, ended with this value.
struct Served {
    child: Child,
    at: SocketAddr,
}

impl Served {
    fn start(program: &Path, workspace: &Path) -> anyhow::Result<Served> {
        let mut child = Command::new(program)
            .arg("-C")
            .arg(workspace)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().context("a pipe")?).read_line(&mut said)?;
        let at = said
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once('/'));
        let Some((at, _)) = at else {
            let _ = child.kill();
            bail!("the console said {said:?}");
        };
        Ok(Served {
            at: at.parse()?,
            child,
        })
    }

    /// Sends a request and reads its answer to the end.
    fn ask(&self, head: &str, body: &str) -> anyhow::Result<Vec<u8>> {
        let mut socket = TcpStream::connect(self.at)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        write!(
            socket,
            "{head}\r\nHost: {}\r\nConnection: close\r\n\r\n{body}",
            self.at
        )?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        Ok(answer)
    }

    fn get(&self, path: &str, cookie: &str) -> anyhow::Result<String> {
        let answer = self.ask(&format!("GET {path} HTTP/1.1\r\nCookie: {cookie}"), "")?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// The session of an earlier start, or a new one: signing in takes as long as its password costs, and is not the console's start.
    fn sign_in_kept(&self, folder: &Path) -> anyhow::Result<String> {
        let kept = folder.join("session");
        if let Ok(cookie) = fs::read_to_string(&kept)
            && self.get("/account", &cookie)?.starts_with("HTTP/1.1 200")
        {
            return Ok(cookie);
        }
        let cookie = self.sign_in()?;
        fs::write(kept, &cookie)?;
        Ok(cookie)
    }

    fn sign_in(&self) -> anyhow::Result<String> {
        let form = self.get("/sign-in", "none=")?;
        let token = between(&form, "name=\"form\" value=\"", "\"").context("no form")?;
        let before = between(&form, "set-cookie: ", ";").context("no cookie")?;
        let body = format!(
            "form={token}&name={NAME}&password={}&to=/",
            PASSWORD.replace(' ', "+")
        );
        let head = format!(
            "POST /sign-in HTTP/1.1\r\nCookie: {before}\r\nOrigin: http://{}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}",
            self.at,
            body.len()
        );
        let answer = String::from_utf8_lossy(&self.ask(&head, &body)?).into_owned();
        between(&answer, "set-cookie: pollwatch=", ";")
            .map(|secret| format!("pollwatch={secret}"))
            .with_context(|| format!("no session: {answer:.300}"))
    }

    fn memory_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        between(&status, "VmRSS:", " kB")?.trim().parse().ok()
    }

    /// CPU time of the process so far, in hundredths of a second.
    fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let rest = stat.rsplit(')').next().unwrap_or_default();
        rest.split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// Bytes of the overview and of all that it loads, as they cross the line.
fn bytes_of_overview(served: &Served, cookie: &str) -> anyhow::Result<String> {
    let page = served.get("/", cookie)?;
    let mut paths = vec!["/".to_owned()];
    paths.extend(
        page.split("\"/static/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(|name| format!("/static/{name}")),
    );
    let mut sizes = Vec::new();
    for path in &paths {
        let answer = served.ask(
            &format!("GET {path} HTTP/1.1\r\nCookie: {cookie}\r\nAccept-Encoding: gzip"),
            "",
        )?;
        let head = answer
            .windows(4)
            .position(|part| part == b"\r\n\r\n")
            .context("no head")?;
        sizes.push(answer.len() - head - 4);
    }
    Ok(format!(
        "{} kB, {} kB with style and script",
        sizes[0] / 1_000,
        sizes.iter().sum::<usize>() / 1_000
    ))
}

fn pages(served: &Served, cookie: &str, folder: &Path) -> anyhow::Result<Vec<Vec<String>>> {
    let is_there = Command::new("wrk")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ensure!(is_there.is_ok(), "there is no wrk (apt-get install wrk)");
    let list = served.get("/findings", cookie)?;
    let id = between(&list, "href=\"/findings/f-", "\"").context("no finding")?;
    let next = between(&list, "rel=\"next\" href=\"", "\"")
        .context("no next page")?
        .replace("&amp;", "&");
    let paths = [
        ("overview", "/".to_owned()),
        ("findings", "/findings".to_owned()),
        ("findings, second page", next),
        ("newest first", "/findings?sort=newest".to_owned()),
        (
            "undecided threats",
            "/findings?polarity=threat&severity=medium&decided=open".to_owned(),
        ),
        ("text that nearly all have", "/findings?text=votes".to_owned()),
        (
            "text that a thousandth has",
            "/findings?text=secure-".to_owned() + &county(7),
        ),
        ("text that none has", "/findings?text=zzzzqqq".to_owned()),
        (
            "stage and desk that none has",
            "/findings?stage=succeeded&desk=mail".to_owned(),
        ),
        (
            "of one target, high and up",
            "/findings?target=c7&severity=high".to_owned(),
        ),
        ("a finding", format!("/findings/f-{id}")),
        ("targets", "/targets".to_owned()),
        ("a target", "/targets/c7".to_owned()),
        ("sources", "/sources".to_owned()),
        ("ledger", "/ledger".to_owned()),
        ("API: findings", "/api/v1/findings".to_owned()),
    ];
    let script = folder.join("load.lua");
    fs::write(
        &script,
        format!(
            "wrk.headers['Cookie'] = '{cookie}'\nfunction delay() return math.random({}, {}) end\n\
             function done(summary, latency, requests)\n  io.write(string.format('figures %d %d %d %d %d %d\\n', latency:percentile(50), \
             latency:percentile(99), latency.max, summary.requests, summary.duration, \
             summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))\nend\n",
            // Evenly around the pause that makes the rate, so that the connections do not all ask at the same moment.
            500 * CONNECTIONS / RATE,
            1_500 * CONNECTIONS / RATE
        ),
    )?;
    let mut rows = Vec::new();
    for (what, path) in paths {
        eprintln!("console: {what}");
        let output = Command::new("wrk")
            .args(["--threads", "1", "--connections", &CONNECTIONS.to_string()])
            .args(["--duration", &format!("{SECONDS}s"), "--script"])
            .arg(&script)
            .arg(format!("http://{}{path}", served.at))
            .stderr(Stdio::inherit())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let figures: Vec<f64> = said
            .lines()
            .find_map(|line| line.strip_prefix("figures "))
            .with_context(|| format!("wrk said {said}"))?
            .split(' ')
            .filter_map(|number| number.parse().ok())
            .collect();
        let [p50, p99, max, requests, duration, failed] = figures[..] else {
            bail!("wrk said {said}");
        };
        let in_ms = |micros: f64| format!("{:.1} ms", micros / 1_000.0);
        rows.push(vec![
            what.to_owned(),
            in_ms(p50),
            in_ms(p99),
            in_ms(max),
            format!("{:.0}", requests / duration * 1e6),
            count(failed),
        ]);
    }
    Ok(rows)
}

/// Lets this process have as many open files as the system allows; the console started by it inherits that.
fn raise_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(65_536);
    let raised = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => most,
        Err(_) => limit.current.unwrap_or(1_024),
    }
}

/// An event stream that was opened and told that it is.
fn stream(at: SocketAddr, cookie: &str) -> anyhow::Result<TcpStream> {
    let mut socket = TcpStream::connect(at)?;
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(
        socket,
        "GET /events HTTP/1.1\r\nHost: {at}\r\nCookie: {cookie}\r\n\r\n"
    )?;
    let mut heard = Vec::new();
    let mut part = [0; 2_048];
    while !heard.windows(12).any(|part| part == b"event: ready") {
        let read = socket.read(&mut part)?;
        ensure!(
            read > 0 && heard.len() < 8_192,
            "no stream: {}",
            String::from_utf8_lossy(&heard)
        );
        heard.extend_from_slice(&part[..read]);
    }
    Ok(socket)
}

type Figure = (String, String, String);

/// Opens many streams, then records one finding and waits until each has heard of it.
fn streams(
    program: &Path,
    workspace: &Path,
    served: &Served,
    cookie: &str,
    folder: &Path,
    limit: u64,
) -> anyhow::Result<Vec<Figure>> {
    let wanted = STREAMS.min(usize::try_from(limit.saturating_sub(200)).unwrap_or(STREAMS));
    let before = served.memory_kib().unwrap_or_default();
    let mut open = Vec::new();
    let begun = Instant::now();
    let mut why = String::new();
    for _ in 0..wanted {
        match stream(served.at, cookie) {
            Ok(socket) => open.push(socket),
            Err(error) => {
                why = format!("; then: {error:#}");
                break;
            }
        }
    }
    let opened = begun.elapsed();
    let memory = served.memory_kib().unwrap_or_default();
    let ticks = served.cpu_ticks();
    std::thread::sleep(Duration::from_secs(10));
    let idle = served.cpu_ticks() - ticks;
    let list = folder.join("one-more.txt");
    let number = fs::read_to_string(&list).map_or(0, |text| text.len());
    fs::write(
        &list,
        format!(
            "help{}-{}county{}votes.com\n",
            "x".repeat(number % 40),
            county(3),
            letters(3)
        ),
    )?;
    ran(
        program,
        &[
            "-C",
            &workspace.display().to_string(),
            "lookalike",
            "scan",
            "--record",
            &list.display().to_string(),
        ],
        "",
    )?;
    let recorded = Instant::now();
    let mut told = 0;
    let mut part = [0; 8_192];
    for socket in &mut open {
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut heard = Vec::new();
        while let Ok(read @ 1..) = socket.read(&mut part) {
            heard.extend_from_slice(&part[..read]);
            if heard.windows(11).any(|part| part == b"event: news") {
                told += 1;
                break;
            }
        }
    }
    let told_after = recorded.elapsed();
    Ok(vec![
        (
            "event streams open at once".to_owned(),
            count(open.len() as f64),
            format!(
                "asked for {wanted}, opened one after the other in {:.1} s{why}",
                opened.as_secs_f64()
            ),
        ),
        (
            "memory of them".to_owned(),
            crate::table::memory(Some(memory)),
            format!(
                "resident; {:.0} kB a stream; {:.1} % of a core while nothing happens",
                (memory.saturating_sub(before)) as f64 / (open.len().max(1)) as f64,
                idle as f64 / 10.0
            ),
        ),
        (
            "one finding, told to all of them".to_owned(),
            format!("{told} of {}", open.len()),
            format!(
                "all read {:.2} s after the command that recorded it had ended",
                told_after.as_secs_f64()
            ),
        ),
    ])
}

/// A daemon, ended with this value.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Times the way of attacks from the log of a web server that is written to all the time to an open page's event stream.
fn line_to_page(program: &Path, folder: &Path) -> anyhow::Result<Figure> {
    let ws = folder.join("watched");
    if ws.exists() {
        fs::remove_dir_all(&ws)?;
    }
    let at = ws.display().to_string();
    let log = folder.join("access.log");
    fs::write(&log, "")?;
    ran(program, &["init", &at, "--owner", "Bench"], "")?;
    fs::write(
        ws.join("register.toml"),
        "schema = 1\nowner = \"Bench\"\n\n[[target]]\nid = \"county\"\nname = \"Bench County\"\nkind = \"office\"\nstate = \"TX\"\ndomains = [\"benchcountyvotes.gov\"]\n",
    )?;
    let settings = ws.join("pollwatch.toml");
    let text = fs::read_to_string(&settings)?;
    let source = format!(
        "\n[[source]]\nname = \"web server\"\ndesk = \"intrusion\"\nkind = \"log\"\npath = \"{}\"\ntarget = \"county\"\n",
        log.display()
    );
    fs::write(&settings, text + &source)?;
    ran(
        program,
        &["-C", &at, "account", "add", NAME, "--role", "officer"],
        &format!("{PASSWORD}\n"),
    )?;
    let served = Served::start(program, &ws)?;
    let cookie = served.sign_in()?;
    let _daemon = Daemon(
        Command::new(program)
            .args(["-C", &at, "watch"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let socket = stream(served.at, &cookie)?;
    let heard: Arc<Mutex<BTreeMap<String, Instant>>> = Arc::default();
    let (told, ended) = (Arc::clone(&heard), Arc::new(AtomicBool::new(false)));
    let ends = Arc::clone(&ended);
    let listener = std::thread::spawn(move || {
        let mut lines = BufReader::new(socket);
        let mut line = String::new();
        while !ends.load(Ordering::Relaxed) {
            line.clear();
            match lines.read_line(&mut line) {
                Ok(0) => return,
                Ok(_) => {}
                Err(_) => continue,
            }
            let now = Instant::now();
            // The summary of an alarm begins with its address, defanged.
            for alarm in line.split("\"summary\":\"").skip(1) {
                let address = alarm.split(' ').next().unwrap_or_default().replace("[.]", ".");
                told.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .entry(address)
                    .or_insert(now);
            }
        }
    });
    std::thread::sleep(Duration::from_secs(3));

    let mut file = fs::OpenOptions::new().append(true).open(&log)?;
    let mut written: BTreeMap<String, Instant> = BTreeMap::new();
    let begun = Instant::now();
    let lines = AtomicU64::new(0);
    let mut next_attack = begun + Duration::from_secs(5);
    let mut tick = 0_u32;
    // Twenty times a second, as many lines as should have come by then.
    while begun.elapsed() < ARRIVE {
        let due = (begun.elapsed().as_secs_f64() * LINES as f64) as u64;
        let mut text = String::new();
        let time = jiff::Timestamp::now()
            .strftime("%d/%b/%Y:%H:%M:%S +0000")
            .to_string();
        while lines.load(Ordering::Relaxed) < due {
            let n = lines.fetch_add(1, Ordering::Relaxed);
            let _ = writeln!(
                text,
                "198.18.{}.{} - - [{time}] \"GET /results/{} HTTP/1.1\" 200 14000 \"-\" \"Mozilla/5.0\"",
                n / 200 % 200,
                n % 200 + 1,
                n % 50
            );
        }
        let attacker = (Instant::now() >= next_attack && begun.elapsed() + Duration::from_secs(3) < ARRIVE)
            .then(|| {
                next_attack += ATTACK_EVERY;
                tick += 1;
                format!("203.0.113.{tick}")
            });
        if let Some(attacker) = &attacker {
            for n in 0..ATTACK_LINES {
                let _ = writeln!(
                    text,
                    "{attacker} - - [{time}] \"GET /voter.php?id={n}%27%20UNION%20SELECT%20name,%20email%20FROM%20voters--%20 HTTP/1.1\" 404 1220 \"-\" \"Mozilla/5.0\""
                );
            }
        }
        file.write_all(text.as_bytes())?;
        if let Some(attacker) = attacker {
            written.insert(attacker, Instant::now());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(5));
    ended.store(true, Ordering::Relaxed);
    drop(served);
    let _ = listener.join();
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    let mut waits: Vec<Duration> = written
        .iter()
        .filter_map(|(address, at)| heard.get(address).map(|told| told.saturating_duration_since(*at)))
        .collect();
    waits.sort();
    let figure = match waits.len() {
        0 => NOTHING.to_owned(),
        n => format!(
            "{:.2} s median, {:.2} s p99, {:.2} s longest",
            waits[n / 2].as_secs_f64(),
            waits[(n * 99).div_ceil(100) - 1].as_secs_f64(),
            waits[n - 1].as_secs_f64()
        ),
    };
    let arrived = lines.load(Ordering::Relaxed) as f64;
    Ok((
        "line written to alert on an open page".to_owned(),
        figure,
        format!(
            "{} of {} attacks told; {} lines a second arrived, a daemon read them",
            waits.len(),
            written.len(),
            count(arrived / ARRIVE.as_secs_f64())
        ),
    ))
}
