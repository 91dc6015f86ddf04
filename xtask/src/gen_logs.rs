//! `cargo xtask gen`: access logs of the demonstration's invented counties.
//!
//! One was scanned, one was entered by SQL injection and records were taken, one lacks three days, and one gives no log at all. The
//! addresses are documentation ranges, the people's names are common ones, and nothing in it says anything about a real county.

use std::path::Path;

use anyhow::ensure;

use crate::gen_example::{Dice, read_gzip, write_gzip};

/// Days of the window: 2018-10-22 to 2018-11-04.
const FIRST_DAY: u64 = 22;
const DAYS: u64 = 14;
/// Visits of one day.
const VISITS: u64 = 28;

const PAGES: &[(&str, u64)] = &[
    ("/", 14_200),
    ("/register", 11_800),
    ("/union-school-district/polling-places", 17_300),
    ("/select-board/candidates", 16_600),
    ("/order-by-mail/ballot", 9_900),
    ("/drop-box-locations", 21_000),
    ("/results", 22_100),
    ("/contact", 8_100),
];
const SEARCHES: &[&str] = &[
    "drop+box+near+union+square",
    "select+all+that+apply",
    "it%27s+my+first+time+voting+--+help",
    "1%3D1+ballot+measure",
    "O%27Brien+for+clerk",
    "50%25+off+parking",
];
const NAMES: &[&str] = &[
    "O%27Brien",
    "Nguyen",
    "Garcia",
    "D%27Angelo",
    "Smith",
    "Unionson",
    "Perlak",
    "Cronk",
];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0.3538.77 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:63.0) Gecko/20100101 Firefox/63.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.0 Safari/605.1.15",
];
/// The address from which both counties were visited.
const ATTACKER: &str = "203.0.113.24";

/// Files of the example, by name, with what the generator makes of them.
fn logs() -> [(&'static str, String); 3] {
    [
        (
            "pinewater-county.log.gz",
            county("vote.pinewatercounty.example", 11, &[], scan),
        ),
        (
            "osprey-ridge-county.log.gz",
            county("vote.ospreyridgecounty.example", 12, &[], injection),
        ),
        (
            "tarpon-bend-county.log.gz",
            county("vote.tarponbendcounty.example", 13, &[29, 30, 31], |_, _| {}),
        ),
    ]
}

/// Writes the logs or, with `check`, only says whether they are what would be written.
pub fn run(check: bool) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/us-2018/logs");
    for (name, text) in logs() {
        let path = folder.join(name);
        if check {
            ensure!(
                read_gzip(&path)? == text,
                "{} is not what the generator makes: run `cargo xtask gen`",
                path.display()
            );
        } else if !read_gzip(&path).is_ok_and(|found| found == text) {
            std::fs::create_dir_all(&folder)?;
            write_gzip(&path, &text)?;
        }
    }
    Ok(())
}

/// One line: when, in seconds after the window's begin, and the whole of it.
type Line = (u64, String);

/// Who asks: address and agent.
#[derive(Clone, Copy)]
struct Client<'a>(&'a str, &'a str);

fn county(host: &str, seed: u64, missing: &[u64], attack: impl Fn(&mut Dice, &mut Vec<Line>)) -> String {
    let mut dice = Dice::new(seed);
    let mut lines = Vec::new();
    for day in 0..DAYS {
        for _ in 0..VISITS {
            visit(
                host,
                day * 86_400 + 21_600 + dice.below(57_600),
                &mut dice,
                &mut lines,
            );
        }
        // A monitor asks every quarter of an hour, so that a silent hour is a hole and no quiet one.
        for quarter in 0..96 {
            let monitor = Client("192.0.2.10", "check_http/v2.2 (monitoring-plugins 2.2)");
            push(
                &mut lines,
                day * 86_400 + quarter * 900 + 7,
                monitor,
                "GET",
                "/",
                200,
                14_200,
                "-",
            );
        }
    }
    attack(&mut dice, &mut lines);
    lines.sort();
    let mut text = String::new();
    for (second, line) in lines {
        let (month, day) = date(second / 86_400);
        if !missing.contains(&day) {
            let clock = second % 86_400;
            let time = format!(
                "{day:02}/{month}/2018:{:02}:{:02}:{:02} +0000",
                clock / 3600,
                clock / 60 % 60,
                clock % 60
            );
            text.push_str(&line.replacen("TIME", &time, 1));
            text.push('\n');
        }
    }
    text
}

fn date(day: u64) -> (&'static str, u64) {
    match FIRST_DAY + day {
        day @ ..=31 => ("Oct", day),
        day => ("Nov", day - 31),
    }
}

#[expect(clippy::too_many_arguments, reason = "the fields of a line, in their order")]
fn push(
    lines: &mut Vec<Line>,
    second: u64,
    client: Client<'_>,
    method: &str,
    target: &str,
    status: u32,
    bytes: u64,
    referer: &str,
) {
    let Client(address, agent) = client;
    lines.push((
        second,
        format!(
            "{address} - - [TIME] \"{method} {target} HTTP/1.1\" {status} {bytes} \"{referer}\" \"{agent}\""
        ),
    ));
}

/// One innocent visit: a page, its pictures, and what people look for.
fn visit(host: &str, at: u64, dice: &mut Dice, lines: &mut Vec<Line>) {
    let address = format!("198.18.{}.{}", dice.below(200), 1 + dice.below(250));
    let client = Client(&address, AGENTS[dice.below(AGENTS.len() as u64) as usize]);
    let (page, size) = PAGES[dice.below(PAGES.len() as u64) as usize];
    let referer = format!("https://{host}{page}");
    push(lines, at, client, "GET", page, 200, size + dice.below(90), "-");
    push(
        lines,
        at + 1,
        client,
        "GET",
        "/static/site.css",
        200,
        18_000,
        &referer,
    );
    push(
        lines,
        at + 1,
        client,
        "GET",
        "/static/seal.png",
        200,
        24_100,
        &referer,
    );
    match dice.below(4) {
        0 => {
            let name = NAMES[dice.below(NAMES.len() as u64) as usize];
            let target = format!("/voter/lookup?last={name}&yob={}", 1935 + dice.below(65));
            push(
                lines,
                at + 20,
                client,
                "GET",
                &target,
                200,
                6_100 + dice.below(400),
                &referer,
            );
            let target = format!("/voter/status?id={}", 1_000_000 + dice.below(8_000_000));
            push(
                lines,
                at + 31,
                client,
                "GET",
                &target,
                200,
                7_400 + dice.below(600),
                &referer,
            );
        }
        1 => {
            let words = SEARCHES[dice.below(SEARCHES.len() as u64) as usize];
            let target = format!("/search?q={words}");
            push(
                lines,
                at + 15,
                client,
                "GET",
                &target,
                200,
                9_000 + dice.below(3_000),
                &referer,
            );
        }
        _ => {}
    }
}

/// A scanner that gives its name: files that nobody links to, and a few probes.
fn scan(dice: &mut Dice, lines: &mut Vec<Line>) {
    const FILES: &[&str] = &[
        "/.git/HEAD",
        "/.env",
        "/phpinfo.php",
        "/wp-config.php.bak",
        "/server-status",
        "/backup.sql",
        "/admin.php",
        "/.aws/credentials",
    ];
    let client = Client(
        ATTACKER,
        "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:map_codes)",
    );
    let start = 5 * 86_400 + 7_200;
    for probe in 0..160 {
        let file = FILES[dice.below(FILES.len() as u64) as usize];
        let target = if probe % 3 == 0 {
            file.to_owned()
        } else {
            format!("/{}{}", ["old", "test", "db", "conf"][probe as usize % 4], probe)
        };
        push(lines, start + probe / 2, client, "GET", &target, 404, 1_220, "-");
    }
}

/// SQL injection by hand: true and false conditions whose answers differ, then one voter's record after the other.
fn injection(dice: &mut Dice, lines: &mut Vec<Line>) {
    let client = Client(ATTACKER, AGENTS[0]);
    let start = 6 * 86_400 + 9_000;
    for probe in 0..40 {
        let number = 1_000 + dice.below(8_000);
        let is_true = probe % 2 == 0;
        let other = if is_true { number } else { number + 1 };
        let target = format!("/voter/status?id=1%20AND%20{number}%3D{other}");
        push(
            lines,
            start + probe * 3,
            client,
            "GET",
            &target,
            200,
            if is_true { 7_620 } else { 1_910 },
            "-",
        );
    }
    for row in 0..220 {
        let target = format!(
            "/voter/status?id=-1%20UNION%20ALL%20SELECT%20last_name%2Cbirth_year%20FROM%20voters%20LIMIT%20{row}%2C1--%20-"
        );
        push(
            lines,
            start + 600 + row * 2,
            client,
            "GET",
            &target,
            200,
            7_900 + dice.below(1_900),
            "-",
        );
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_logs_are_what_the_generator_makes() {
        super::run(true).expect("the checked-in logs are current");
    }
}
