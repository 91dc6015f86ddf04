//! The inspection of single requests against published cases: attacks found, innocent texts left alone.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use pollwatch_intrusion::payload::{Inspector, Scratch};
use pollwatch_intrusion::{Class, Hits, RequestFields, Weight};
use serde_json::Value;

fn shared(path: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/cases/systems")
        .join(path);
    if folder.exists() {
        return Some(folder);
    }
    println!("skipped: no ../shared");
    None
}

fn lines(path: &Path) -> impl Iterator<Item = String> + use<> {
    let file = File::open(path).expect("the file is there");
    BufReader::new(MultiGzDecoder::new(file))
        .lines()
        .map(|line| line.expect("the file is whole"))
}

/// What a log shows of one case: never a body, never a header but agent and referring page.
fn inspect(inspector: &Inspector, scratch: &mut Scratch, hits: &mut Hits, row: &Value) {
    let header = |name: &str| {
        row["headers"]
            .as_object()
            .and_then(|headers| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))
            .and_then(|(_, value)| value.as_str())
            .unwrap_or_default()
    };
    let fields = RequestFields {
        method: row["method"].as_str().unwrap_or_default().as_bytes(),
        target: row["uri"].as_str().unwrap_or_default().as_bytes(),
        referer: header("referer").as_bytes(),
        agent: header("user-agent").as_bytes(),
        ..RequestFields::default()
    };
    inspector.inspect(&fields, scratch, hits);
}

/// The published cases of the Core Rule Set (Apache-2.0) that a log can show, by class; floors as the desk's issue sets them.
#[test]
fn published_attacks_are_found_and_guards_are_not() {
    let Some(path) = shared("requests/crs.jsonl.gz") else {
        return;
    };
    let inspector = Inspector::new();
    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
    // class: seen, of them in a field that logs hold, found, found strongly, with the very class
    let mut attacks: BTreeMap<String, [usize; 5]> = BTreeMap::new();
    let (mut guards, mut tripped, mut tripped_strongly) = (0, 0, 0);
    for line in lines(&path) {
        let row: Value = serde_json::from_str(&line).expect("the cases are JSON");
        if row["visible_in_access_log"] != true {
            continue;
        }
        inspect(&inspector, &mut scratch, &mut hits, &row);
        let is_strong = hits.0.iter().any(|hit| hit.weight == Weight::Strong);
        let said: Vec<String> = hits
            .0
            .iter()
            .map(|hit| format!("{}/{}", hit.class, hit.rule))
            .collect();
        let class = row["cls"].as_str().expect("a class").to_owned();
        if row["label"] == "attack" {
            let counts = attacks.entry(class.clone()).or_default();
            counts[0] += 1;
            // Rows whose payload is in a header that no access log writes have a bare path and no word in agent or referer.
            let is_shown = row["headers"].as_object().is_none_or(|headers| {
                !headers.keys().any(|name| {
                    name.eq_ignore_ascii_case("x-filename")
                        || name.eq_ignore_ascii_case("x_filename")
                        || name.eq_ignore_ascii_case("x-file-name")
                        || name.eq_ignore_ascii_case("x.filename")
                })
            });
            counts[1] += usize::from(is_shown);
            counts[2] += usize::from(!hits.0.is_empty());
            counts[3] += usize::from(is_strong);
            let wire = if class == "ssrf_ssti_nodejs" {
                "ssrf_ssti"
            } else {
                &class
            };
            counts[4] += usize::from(hits.0.iter().any(|hit| hit.class.word() == wire));
            if hits.0.is_empty() {
                println!(
                    "missed  {class:<10} {} {} {} {}",
                    row["id"], row["uri"], row["headers"]["User-Agent"], row["headers"]["Referer"]
                );
            }
        } else {
            guards += 1;
            tripped += usize::from(!hits.0.is_empty());
            tripped_strongly += usize::from(is_strong);
            if !hits.0.is_empty() {
                println!("tripped {class:<10} {} {} {said:?}", row["id"], row["uri"]);
            }
        }
    }
    println!("class              rows shown found strong same-class");
    for (class, [rows, shown, found, strong, same]) in &attacks {
        println!(
            "{class:<18} {rows:>4} {shown:>5} {found:>5} {strong:>6} {same:>10}   {:.3} of rows, {:.3} of shown",
            *found as f64 / *rows as f64,
            *found as f64 / *shown as f64
        );
    }
    println!("guards {guards}, tripped {tripped}, strongly {tripped_strongly}");
    for (class, [_, shown, found, ..]) in attacks.iter().filter(|(class, _)| *class != "protocol") {
        // The floor. Rows whose payload no log holds are apart: see the table.
        assert!(found * 100 >= shown * 75, "{class}: {found} of {shown}");
    }
    assert!(tripped * 100 <= guards, "{tripped} of {guards} guards");
}

/// The innocent lines of a log have nothing said of them; the attacks by content have.
#[test]
fn innocent_lines_of_many_sites_are_left_alone() {
    let Some(folder) = shared("multistate") else {
        return;
    };
    let mut truth: BTreeMap<(String, usize), String> = BTreeMap::new();
    for line in lines(&folder.join("truth_lines.tsv.gz")).skip(1) {
        let parts: Vec<&str> = line.split('\t').collect();
        truth.insert(
            (parts[0].to_owned(), parts[1].parse().expect("a number")),
            parts[2].to_owned(),
        );
    }
    let inspector = Inspector::new();
    let (mut scratch, mut hits) = (Scratch::default(), Hits::default());
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".log.gz"))
        .collect();
    files.sort();
    let (mut innocent, mut flagged) = (0, 0);
    let mut by_class: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        for (place, line) in lines(&path).enumerate() {
            let said = fields_of(&name, &line).map(|(target, referer, agent)| {
                let fields = RequestFields {
                    target: target.as_bytes(),
                    referer: referer.as_bytes(),
                    agent: agent.as_bytes(),
                    ..RequestFields::default()
                };
                inspector.inspect(&fields, &mut scratch, &mut hits);
                !hits.0.is_empty()
            });
            let Some(said) = said else { continue };
            match truth.get(&(name.clone(), place + 1)) {
                Some(class) => {
                    let counts = by_class.entry(class.clone()).or_default();
                    counts[0] += 1;
                    counts[1] += usize::from(said);
                    if !said && matches!(class.as_str(), "sqli" | "scanner" | "traversal" | "webshell") {
                        println!("missed {class} {line}");
                    }
                }
                None => {
                    innocent += 1;
                    if said {
                        flagged += 1;
                        let rules: Vec<_> = hits.0.iter().map(|hit| hit.rule).collect();
                        println!("flagged {rules:?} {line}");
                    }
                }
            }
        }
    }
    println!("innocent {innocent}, flagged {flagged}; {by_class:?}");
    assert_eq!(flagged, 0, "of {innocent} innocent lines");
}

/// Target, referring page and agent of a line in the formats of that folder.
fn fields_of(name: &str, line: &str) -> Option<(String, String, String)> {
    let quoted = |text: &str| -> Vec<String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('"') {
            rest = &rest[at + 1..];
            let mut end = 0;
            let bytes = rest.as_bytes();
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            let end = end.min(rest.len());
            parts.push(rest[..end].replace("\\\"", "\""));
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        parts
    };
    let path_of = |request: &str| -> String {
        let start = request.find(' ').map_or(0, |at| at + 1);
        let end = request.rfind(" HTTP/").unwrap_or(request.len());
        request[start..end.max(start)].to_owned()
    };
    if name.contains(".combined.") || name.contains(".vhost.") {
        // The request itself may hold quotes.
        let start = line.find("\"")? + 1;
        let end = line.find(" HTTP/1.1\" ")?;
        let request = &line[start..end];
        let parts = quoted(&line[end + 10..]);
        return Some((
            path_of(&format!("{request} HTTP/")),
            parts.first()?.clone(),
            parts.get(1)?.clone(),
        ));
    }
    if name.contains(".alb.") {
        let parts = quoted(line);
        let url = path_of(parts.first()?);
        let path = url.splitn(4, '/').nth(3)?;
        return Some((format!("/{path}"), String::new(), parts.get(1)?.clone()));
    }
    if name.contains(".json.") || name.contains(".cloudflare.") {
        let row: Value = serde_json::from_str(line).ok()?;
        let get = |one: &str, two: &str| {
            row[one]
                .as_str()
                .or(row[two].as_str())
                .unwrap_or_default()
                .to_owned()
        };
        return Some((
            get("request_uri", "ClientRequestURI"),
            get("http_referer", "ClientRequestReferer"),
            get("http_user_agent", "ClientRequestUserAgent"),
        ));
    }
    if name.contains(".w3c.") {
        let parts: Vec<&str> = line.split(' ').collect();
        if line.starts_with('#') {
            return None;
        }
        let query = if parts.get(5)? == &"-" {
            String::new()
        } else {
            format!("?{}", parts[5])
        };
        return Some((
            format!("{}{query}", parts.get(4)?),
            parts.get(10)?.replace('+', " "),
            parts.get(9)?.replace('+', " "),
        ));
    }
    let request = line.split("request=https://").nth(1)?;
    let request = request.split(" outcome=").next()?;
    let path = request
        .find('/')
        .map(|at| request[at..].replace("\\=", "=").replace("\\\\", "\\"))?;
    let agent = line.split("requestClientApplication=").nth(1)?;
    Some((path, String::new(), agent.to_owned()))
}

/// Every class has a word, so that a new one is not left out of the tables above.
#[test]
fn classes_have_words() {
    for class in Class::ALL {
        assert_eq!(class.word().parse::<Class>().ok(), Some(*class));
    }
}
