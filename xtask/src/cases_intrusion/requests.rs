//! Single requests, each as two logs would write it: Apache httpd's combined format, and Caddy's JSON with the request's headers.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use pollwatch_intrusion::payload::Inspector;
use pollwatch_intrusion::read::{Format, Reader};
use pollwatch_intrusion::scan::{Laid, Rows};

use super::{Cases, read};

/// A way to write a request down.
#[derive(Debug, Clone, Copy)]
enum Log {
    Combined,
    Caddy,
}

impl Log {
    const ALL: [(Log, &'static str); 2] = [
        (Log::Combined, "combined"),
        (Log::Caddy, "Caddy JSON, with headers"),
    ];

    fn line(self, row: &Value) -> String {
        match self {
            Log::Combined => combined(row),
            Log::Caddy => caddy(row),
        }
    }
}

fn header<'r>(row: &'r Value, name: &str) -> &'r str {
    row["headers"]
        .as_object()
        .and_then(|headers| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)))
        .and_then(|(_, value)| value.as_str())
        .unwrap_or_default()
}

/// Apache httpd's `combined`, with the escapes of its manual (mod_log_config, "Security Considerations").
fn combined(row: &Value) -> String {
    let field = |text: &str| match text {
        "" => "-".to_owned(),
        text => escaped(text),
    };
    format!(
        "198.51.100.7 - - [01/Dec/2026:00:00:00 +0000] \"{} {} HTTP/1.1\" 200 512 \"{}\" \"{}\"\n",
        row["method"].as_str().unwrap_or("GET"),
        escaped(row["uri"].as_str().unwrap_or("/")),
        field(header(row, "Referer")),
        field(header(row, "User-Agent")),
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..0x7f => out.push(char::from(byte)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out
}

/// Caddy's access log: all headers of the request, credentials taken out as it does unless told otherwise (`log_credentials`).
fn caddy(row: &Value) -> String {
    let headers: Map<String, Value> = row["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let is_credential = ["cookie", "authorization", "proxy-authorization"]
                .iter()
                .any(|credential| name.eq_ignore_ascii_case(credential));
            let shown = if is_credential {
                json!(["REDACTED"])
            } else {
                json!([value])
            };
            (name.clone(), shown)
        })
        .collect();
    let entry = json!({
        "level": "info", "ts": 1_796_083_200.5, "logger": "http.log.access", "msg": "handled request",
        "request": {
            "remote_ip": "198.51.100.7", "remote_port": "44790", "client_ip": "198.51.100.7", "proto": "HTTP/1.1",
            "method": row["method"], "host": "vote.example.gov", "uri": row["uri"], "headers": headers,
        },
        "bytes_read": 0, "user_id": "", "duration": 0.0021, "size": 512, "status": 200,
        "resp_headers": {"Server": ["Caddy"]},
    });
    format!("{entry}\n")
}

pub(super) fn run(dir: &Path, cases: &mut Cases) -> anyhow::Result<()> {
    let text = String::from_utf8(read(&dir.join("requests/crs.jsonl.gz"))?).context("the cases are UTF-8")?;
    let rows: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context("a case is JSON")?;
    for (log, name) in Log::ALL {
        run_as(log, name, &rows, cases)?;
    }
    Ok(())
}

fn run_as(log: Log, name: &str, rows: &[Value], cases: &mut Cases) -> anyhow::Result<()> {
    let inspector = Inspector::new();
    let mut laid = Laid::new(&inspector);
    let mut out = Rows::default();
    let mut by_class: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut tripped, mut guards) = (0, 0);
    for row in rows.iter().filter(|row| row["visible_in_access_log"] == true) {
        let line = log.line(row);
        let mut reader = Reader::new(&Format::Sniffed, 1_796_083_200_000);
        laid.lay_out(line.as_bytes(), &mut reader, false, &mut out);
        let got: BTreeSet<&str> = out.hits.iter().map(|found| found.hit.class.word()).collect();
        let id = row["id"].as_str().unwrap_or_default();
        if row["label"] == "attack" {
            let class = row["cls"].as_str().unwrap_or_default();
            let found = !got.is_empty();
            let count = by_class.entry(class).or_default();
            count.0 += usize::from(found);
            count.1 += 1;
            cases.case(id, &format!("requests, {name}"), json!(class), json!(got), found)?;
        } else if row["fp"] == true {
            guards += 1;
            tripped += usize::from(!got.is_empty());
            cases.case(
                id,
                &format!("requests guard, {name}"),
                json!([]),
                json!(got),
                got.is_empty(),
            )?;
        }
    }
    let all = by_class
        .iter()
        .filter(|(class, _)| **class != "protocol")
        .fold((0, 0), |sum, (_, count)| (sum.0 + count.0, sum.1 + count.1));
    cases.rate(
        &format!("requests, {name}: attacks found (protocol apart)"),
        all.0,
        all.1,
        0.75,
        0.90,
    )?;
    for (class, (found, all)) in &by_class {
        let (floor, goal) = match *class {
            "protocol" => ("", ""),
            _ => ("0.75", "0.9"),
        };
        cases.row(
            &format!("  {class}"),
            format!("{:.3} ({found} of {all})", *found as f64 / *all as f64),
            floor,
            goal,
        );
    }
    cases.row(
        &format!("requests, {name}: false-positive guards tripped"),
        format!(
            "{:.1} % ({tripped} of {guards})",
            tripped as f64 * 100.0 / guards.max(1) as f64
        ),
        "5 %",
        "1 %",
    );
    Ok(())
}
