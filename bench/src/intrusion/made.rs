//! The log that is measured on: by the generator of the cases where it is there, else by a smaller one of the bench's own.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::shared;

/// Makes a log of about `lines` lines in `folder`, once, and says by what.
pub fn log(folder: &Path, lines: u64) -> anyhow::Result<&'static str> {
    const CASES: &str = "the cases' generator (seed 3)";
    const OWN: &str = "the bench's own generator, because the cases' is not there";
    fs::create_dir_all(folder)?;
    let done = folder.join("made-by");
    if let Ok(by) = fs::read_to_string(&done) {
        return Ok(if by == CASES { CASES } else { OWN });
    }
    let generator = shared().join("cases/systems/gen/gen_logs.py");
    let by = if generator.is_file() && cases(&generator, folder, lines).is_ok() {
        CASES
    } else {
        own(folder, lines)?;
        OWN
    };
    fs::write(done, by)?;
    Ok(by)
}

fn cases(generator: &Path, folder: &Path, lines: u64) -> anyhow::Result<()> {
    let status = Command::new("python3")
        .arg(generator)
        .args(["big", "--seed", "3", "--lines", &lines.to_string(), "--out"])
        .arg(folder)
        .stdout(Stdio::null())
        .status()
        .context("cannot run python3")?;
    ensure!(status.success(), "the generator ended with {status}");
    Ok(())
}

/// Numbers that look random and are the same each time (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Seconds of the log: two weeks from 2026-09-01.
const BEGIN: u64 = 1_788_220_800;
const SECONDS: u64 = 14 * 86_400;

/// One line to be: when, whose, what, and the attacker where it is one's.
struct Entry {
    second: u64,
    client: String,
    request: String,
    status: u16,
    bytes: u64,
    agent: &'static str,
    attack: Option<(&'static str, &'static str)>,
}

/// Visitors of an invented county, and six attackers of six kinds. Simpler than the cases' generator: good for speed, poor for skill.
fn own(folder: &Path, lines: u64) -> anyhow::Result<()> {
    const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut entries = Vec::new();
    while (entries.len() as u64) < lines {
        let client = format!("198.18.{}.{}", numbers.below(256), numbers.below(256));
        let second = numbers.below(SECONDS);
        let page = [
            "/",
            "/results",
            "/where-do-i-vote",
            "/select-board/candidates",
            "/union/drop-box",
        ][numbers.below(5) as usize];
        let id = 1_000_000 + numbers.below(900_000);
        for (step, request) in [
            page.to_owned(),
            "/static/site.css".to_owned(),
            "/static/seal.png".to_owned(),
            format!("/voter/status?id={id}"),
        ]
        .into_iter()
        .enumerate()
        {
            entries.push(Entry {
                second: second + step as u64,
                client: client.clone(),
                request: format!("GET {request}"),
                status: 200,
                bytes: 4_000 + numbers.below(9_000),
                agent: BROWSER,
                attack: None,
            });
        }
    }
    type Step = fn(u64) -> (String, u16, u64);
    let attackers: [(&str, &str, &str, &str, u64, Step); 6] = [
        ("sql", "sqli", "203.0.113.11", BROWSER, 120, |n| {
            (
                format!("GET /voter/status?id=-1%20UNION%20SELECT%20name,ssn{n}%20FROM%20voters--"),
                200,
                9_000 + n * 31,
            )
        }),
        (
            "paths",
            "dirbust",
            "203.0.113.12",
            "DirBuster-1.0-RC1",
            300,
            |n| (format!("GET /admin{n}/"), 404, 300),
        ),
        ("climb", "traversal", "203.0.113.13", BROWSER, 40, |n| {
            (
                format!("GET /doc?f={}etc/passwd", "..%2f".repeat(3 + (n % 6) as usize)),
                403,
                300,
            )
        }),
        (
            "script",
            "scanner",
            "203.0.113.14",
            "Mozilla/5.00 (Nikto/2.1.6)",
            200,
            |n| {
                (
                    format!("GET /search?q=%3Cscript%3Ealert({n})%3C/script%3E"),
                    200,
                    5_000,
                )
            },
        ),
        ("guess", "bruteforce", "203.0.113.15", BROWSER, 250, |_| {
            ("POST /login".to_owned(), 401, 900)
        }),
        ("steps", "enumeration", "203.0.113.16", "curl/8.5.0", 500, |n| {
            (
                format!("GET /voter/status?id={}", 2_000_000 + n),
                200,
                4_500 + n % 700,
            )
        }),
    ];
    for (name, class, client, agent, times, step) in attackers {
        let begun = numbers.below(SECONDS - 86_400);
        for n in 0..times {
            let (request, status, bytes) = step(n);
            entries.push(Entry {
                second: begun + n * 2,
                client: client.to_owned(),
                request,
                status,
                bytes,
                agent,
                attack: Some((class, name)),
            });
        }
    }
    entries.sort_by(|a, b| (a.second, &a.client).cmp(&(b.second, &b.client)));
    let mut log = BufWriter::new(File::create(folder.join("access.log"))?);
    let mut truth = BufWriter::new(File::create(folder.join("truth_lines.tsv"))?);
    writeln!(truth, "file\tline\tclass\tactor")?;
    for (place, entry) in entries.iter().enumerate() {
        let time = jiff::Timestamp::from_second((BEGIN + entry.second) as i64)?;
        writeln!(
            log,
            "{} - - [{}] \"{} HTTP/1.1\" {} {} \"-\" \"{}\"",
            entry.client,
            time.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            entry.request,
            entry.status,
            entry.bytes,
            entry.agent
        )?;
        if let Some((class, actor)) = entry.attack {
            writeln!(truth, "access.log\t{}\t{class}\t{actor}", place + 1)?;
        }
    }
    log.flush()?;
    truth.flush()?;
    Ok(())
}
