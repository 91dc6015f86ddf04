//! What offices use on their logs today. None is fetched: what is installed is measured, the rest is named with the reason.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::{Log, Named, Outcome, line_numbers, outside, shared};
use crate::scratch::workspace_root;

/// Longest that a peer may take for one file.
const LIMIT: Duration = Duration::from_secs(900);

/// A peer, and how it is run on a log.
pub struct Peer {
    pub name: &'static str,
    pub note: &'static str,
    /// So slow that it is run on the small file alone.
    pub is_slow: bool,
    pub run: fn(&Log, &Path) -> anyhow::Result<Outcome>,
}

/// All, in the order of the table.
pub const ALL: [Peer; 5] = [
    Peer {
        name: "ripgrep, list of addresses",
        note: "the 876 addresses of JAR-16-20296A, or as many made up: what a team does with an alert; none is in this log",
        is_slow: false,
        run: ripgrep_list,
    },
    Peer {
        name: "ripgrep, expression",
        note: "eight words of attacks in one expression, either case",
        is_slow: false,
        run: ripgrep_expression,
    },
    Peer {
        name: "goaccess",
        note: "its report as JSON; it counts visitors and names no attack",
        is_slow: false,
        run: goaccess,
    },
    Peer {
        name: "rsigma",
        note: "the rules of $SIGMA_RULES, else four of the bench's own; the log is given as JSON, made beforehand at no cost to it",
        is_slow: false,
        run: rsigma,
    },
    Peer {
        name: "CrowdSec",
        note: "parser of Apache's log and every HTTP and CVE scenario of its package, at their settings; names addresses",
        is_slow: true,
        run: crowdsec,
    },
];

/// The program of this name, by the variable's value or by its own.
fn program(name: &str) -> Command {
    Command::new(std::env::var_os(name.to_uppercase()).unwrap_or_else(|| name.into()))
}

fn ripgrep_list(log: &Log, folder: &Path) -> anyhow::Result<Outcome> {
    let list = folder.join("addresses.txt");
    let known =
        fs::read_to_string(shared().join("cases/systems/indicators/indicators.csv")).unwrap_or_default();
    let mut addresses: BTreeSet<String> = known
        .lines()
        .flat_map(|line| line.split(','))
        .map(|cell| cell.trim_matches('"'))
        .filter(|cell| cell.parse::<std::net::Ipv4Addr>().is_ok())
        .map(str::to_owned)
        .collect();
    for n in 0..876u32 {
        if addresses.len() >= 876 {
            break;
        }
        addresses.insert(format!("192.0.{}.{}", n / 250, n % 250 + 1));
    }
    fs::write(&list, addresses.into_iter().collect::<Vec<_>>().join("\n"))?;
    ripgrep(
        log,
        folder,
        &["--fixed-strings".into(), "--file".into(), list.into()],
    )
}

fn ripgrep_expression(log: &Log, folder: &Path) -> anyhow::Result<Outcome> {
    let expression = r"union[^a-z]+(all[^a-z]+)?select|sleep(\(|%28)|information_schema|(\.\.(/|%2f)){2}|<script|%3cscript|/etc/passwd|sqlmap|dirbuster|nikto|acunetix|xp_cmdshell";
    ripgrep(
        log,
        folder,
        &["--ignore-case".into(), "--regexp".into(), expression.into()],
    )
}

fn ripgrep(log: &Log, folder: &Path, arguments: &[std::ffi::OsString]) -> anyhow::Result<Outcome> {
    let out = folder.join("ripgrep.lines");
    let mut command = Command::new(std::env::var_os("RIPGREP").unwrap_or_else(|| "rg".into()));
    command
        .args([
            "--no-config",
            "--text",
            "--line-number",
            "--only-matching",
            "--replace",
            "",
            "--color",
            "never",
            "--threads",
            "1",
        ])
        .args(arguments)
        .arg(&log.path)
        .stdin(Stdio::null())
        .stdout(File::create(&out)?)
        .stderr(Stdio::null());
    let (status, took, peak_kib) = outside::run(&mut command, LIMIT)?;
    // 1: no line matched.
    ensure!(
        status.code().is_some_and(|code| code < 2),
        "rg ended with {status}"
    );
    Ok(Outcome {
        took,
        peak_kib,
        named: Named::Lines(line_numbers(&out)?),
    })
}

fn goaccess(log: &Log, folder: &Path) -> anyhow::Result<Outcome> {
    let mut command = program("goaccess");
    command
        .arg(&log.path)
        .args([
            "--log-format=COMBINED",
            "--no-global-config",
            "--no-progress",
            "-o",
        ])
        .arg(folder.join("goaccess.json"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let (status, took, peak_kib) = outside::run(&mut command, LIMIT)?;
    ensure!(status.success(), "goaccess ended with {status}");
    Ok(Outcome {
        took,
        peak_kib,
        named: Named::Nobody,
    })
}

fn rsigma(log: &Log, folder: &Path) -> anyhow::Result<Outcome> {
    let rules = std::env::var_os("SIGMA_RULES")
        .map_or_else(|| workspace_root().join("bench/peers/sigma"), PathBuf::from);
    let events = folder.join("events.jsonl");
    write_events(log, &events)?;
    let found = folder.join("rsigma.jsonl");
    let mut command = program("rsigma");
    command
        .args(["engine", "eval", "-q", "--include-event", "-r"])
        .arg(&rules)
        .arg("-e")
        .arg(format!("@{}", events.display()))
        .arg("-o")
        .arg(&found)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let (status, took, peak_kib) = outside::run(&mut command, LIMIT)?;
    ensure!(status.success(), "rsigma ended with {status}");
    let mut named = BTreeSet::new();
    for line in BufReader::new(File::open(&found)?).lines() {
        let found: Value = serde_json::from_str(&line?).context("rsigma's answer is not JSON")?;
        if let Some(number) = line_of(&found) {
            named.insert(number);
        }
    }
    Ok(Outcome {
        took,
        peak_kib,
        named: Named::Lines(named),
    })
}

/// The number that [`write_events`] gave an event, wherever the answer holds it.
fn line_of(value: &Value) -> Option<u64> {
    match value {
        Value::Object(members) => members
            .get("pollwatch_line")
            .and_then(Value::as_u64)
            .or_else(|| members.values().find_map(line_of)),
        Value::Array(items) => items.iter().find_map(line_of),
        _ => None,
    }
}

/// The log with the names that Sigma's rules for web servers use.
fn write_events(log: &Log, path: &Path) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for (place, line) in BufReader::new(File::open(&log.path)?).split(b'\n').enumerate() {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        let quoted: Vec<&str> = line.split('"').collect();
        let (Some(request), Some(answer), Some(referer), Some(agent)) =
            (quoted.get(1), quoted.get(2), quoted.get(3), quoted.get(5))
        else {
            continue;
        };
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (stem, query) = target.split_once('?').unwrap_or((target, ""));
        let event = json!({
            "pollwatch_line": place + 1, "c-ip": log.client(place as u64 + 1), "cs-method": method, "cs-uri": target,
            "cs-uri-stem": stem, "cs-uri-query": query, "c-uri": target, "c-uri-query": query, "cs-referer": referer,
            "cs-user-agent": agent, "c-useragent": agent, "sc-status": answer.split_whitespace().next(),
        });
        writeln!(out, "{event}")?;
    }
    out.flush()?;
    Ok(())
}

/// Where CrowdSec's package lies: `$CROWDSEC_ROOT`, for one that was unpacked and not installed.
fn crowdsec_root() -> PathBuf {
    std::env::var_os("CROWDSEC_ROOT").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

fn crowdsec(log: &Log, folder: &Path) -> anyhow::Result<Outcome> {
    let root = crowdsec_root();
    let (program, hub) = (root.join("usr/bin/crowdsec"), root.join("usr/share/crowdsec/hub"));
    ensure!(program.is_file(), "there is no {}", program.display());
    ensure!(hub.is_dir(), "there is no {}", hub.display());
    let config = crowdsec_config(&root, &hub, &folder.join("crowdsec"))?;
    let out = folder.join("crowdsec.out");
    let file = File::create(&out)?;
    let mut command = Command::new(program);
    command
        .arg("-c")
        .arg(&config)
        .arg("-dsn")
        .arg(format!("file://{}", log.path.canonicalize()?.display()))
        .args(["-type", "apache2"])
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file);
    let (status, took, peak_kib) = outside::run(&mut command, LIMIT)?;
    ensure!(status.success(), "crowdsec ended with {status}");
    // `Ip 203.0.113.7 performed 'crowdsecurity/http-probing' (11 events over 1s)`
    let text = String::from_utf8_lossy(&fs::read(&out)?).into_owned();
    let named = text
        .split("Ip ")
        .skip(1)
        .filter_map(|rest| rest.split_once(" performed "))
        .map(|(client, _)| client.to_owned())
        .filter(|client| client.parse::<std::net::IpAddr>().is_ok())
        .collect();
    Ok(Outcome {
        took,
        peak_kib,
        named: Named::Clients(named),
    })
}

/// A configuration of its own, with a database of its own, that speaks to nobody outside.
fn crowdsec_config(root: &Path, hub: &Path, place: &Path) -> anyhow::Result<PathBuf> {
    let place = {
        let _ = fs::remove_dir_all(place);
        fs::create_dir_all(place)?;
        place.canonicalize()?
    };
    for folder in [
        "parsers/s00-raw",
        "parsers/s01-parse",
        "parsers/s02-enrich",
        "scenarios",
        "data",
        "hub",
        "patterns",
    ] {
        fs::create_dir_all(place.join(folder))?;
    }
    for parser in [
        "s00-raw/crowdsecurity/syslog-logs.yaml",
        "s01-parse/crowdsecurity/apache2-logs.yaml",
        "s02-enrich/crowdsecurity/dateparse-enrich.yaml",
        "s02-enrich/crowdsecurity/http-logs.yaml",
    ] {
        let (stage, name) = parser
            .split_once("/crowdsecurity/")
            .context("the names are constants")?;
        fs::copy(
            hub.join("parsers").join(parser),
            place.join("parsers").join(stage).join(name),
        )
        .with_context(|| format!("the package lacks the parser {parser}"))?;
    }
    let data = root.join("usr/share/crowdsec/data");
    for entry in fs::read_dir(hub.join("scenarios/crowdsecurity"))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        let is_meant = name.ends_with(".yaml")
            && (name.starts_with("http-") || name.contains("cve"))
            // These want an address's network and country, for which the package has no table.
            && !name.contains("-ccs");
        if !is_meant {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        // `source_url: …/list.txt` and `dest_file: name.txt`: the package has the lists under their first names.
        let mut source = "";
        for line in text.lines() {
            let line = line.trim().trim_start_matches("- ");
            if let Some(url) = line.strip_prefix("source_url:") {
                source = url
                    .trim()
                    .trim_matches(['"', '\''])
                    .rsplit('/')
                    .next()
                    .unwrap_or_default();
            } else if let Some(name) = line.strip_prefix("dest_file:") {
                let _ = fs::copy(
                    data.join(source),
                    place.join("data").join(name.trim().trim_matches(['"', '\''])),
                );
            }
        }
        fs::write(place.join("scenarios").join(name), text)?;
    }
    for entry in fs::read_dir(root.join("etc/crowdsec/patterns"))? {
        let path = entry?.path();
        fs::copy(
            &path,
            place.join("patterns").join(path.file_name().unwrap_or_default()),
        )?;
    }
    for file in ["profiles.yaml", "simulation.yaml", "acquis.yaml"] {
        fs::copy(root.join("etc/crowdsec").join(file), place.join(file))?;
    }
    fs::write(
        place.join("hub/.index.json"),
        r#"{"parsers":{},"scenarios":{},"collections":{},"postoverflows":{}}"#,
    )?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let at = place.display();
    fs::write(
        place.join("config.yaml"),
        format!(
            "common:\n  daemonize: false\n  log_media: stdout\n  log_level: info\n  working_dir: .\n\
             config_paths:\n  config_dir: {at}/\n  data_dir: {at}/data/\n  simulation_path: {at}/simulation.yaml\n  hub_dir: {at}/hub/\n  index_path: {at}/hub/.index.json\n\
             crowdsec_service:\n  acquisition_path: {at}/acquis.yaml\n  parser_routines: 1\n\
             cscli:\n  output: human\n\
             db_config:\n  log_level: info\n  type: sqlite\n  db_path: {at}/data/crowdsec.db\n\
             api:\n  client:\n    insecure_skip_verify: false\n    credentials_path: {at}/local.yaml\n  server:\n    log_level: info\n    listen_uri: 127.0.0.1:{port}\n    profiles_path: {at}/profiles.yaml\n\
             prometheus:\n  enabled: false\n"
        ),
    )?;
    fs::write(place.join("local.yaml"), "")?;
    let made = Command::new(root.join("usr/bin/cscli"))
        .arg("-c")
        .arg(place.join("config.yaml"))
        .args(["machines", "add", "bench", "--auto", "--force", "-f"])
        .arg(place.join("local.yaml"))
        .output()
        .context("cannot run cscli")?;
    ensure!(made.status.success(), "cscli ended with {}", made.status);
    Ok(place.join("config.yaml"))
}
