//! The suites of mail authentication: SPF (RFC 7208), ARC, DKIM, recorded results and DMARC.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use serde::Deserialize as _;
use serde_json::{Value, json};

use pollwatch_mail::authenticate::dmarc::{self, Discovery};
use pollwatch_mail::authenticate::dns::{Completeness, Entry, Recorded};
use pollwatch_mail::authenticate::method::MethodResult;
use pollwatch_mail::authenticate::results::{self, Boundary};
use pollwatch_mail::authenticate::spf::{self, SpfContext};
use pollwatch_mail::authenticate::{arc, author_domains, dkim};
use pollwatch_mail::limits::Budget;
use pollwatch_mail::message::Message;

/// One case.
pub struct Row {
    /// Its name.
    pub case: String,
    /// What the suite wants.
    pub expect: Value,
    /// What came.
    pub got: Value,
    /// Whether that is right.
    pub pass: bool,
}

/// Runs every suite found in `dir`.
pub fn run(dir: &Path) -> anyhow::Result<Vec<(&'static str, Vec<Row>)>> {
    let mut suites = Vec::new();
    if let Some(path) = find(dir, "rfc7208", ".yml")? {
        suites.push(("spf (RFC 7208)", run_spf(&path)?));
    }
    if let Some(path) = find(dir, "arc-validation", ".yml")? {
        suites.push(("arc validation", run_arc(&path)?));
    }
    if let Some(path) = find(dir, "dkim-arc", ".json")? {
        suites.push(("dkim and arc", run_dkim(&read_json(&path)?)?));
    }
    if let Some(path) = find(dir, "ar-dmarc", ".json")? {
        let cases = read_json(&path)?;
        suites.push((
            "authentication-results",
            run_results(&cases["authentication_results"]),
        ));
        suites.push(("dmarc", run_dmarc(&cases["dmarc"])?));
    }
    Ok(suites)
}

fn find(dir: &Path, prefix: &str, ending: &str) -> anyhow::Result<Option<PathBuf>> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .with_context(|| format!("cannot list {}", dir.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            name.starts_with(prefix) && name.ends_with(ending)
        })
        .collect();
    found.sort();
    Ok(found.into_iter().next())
}

fn read_json(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

fn read_yaml(path: &Path) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_norway::Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).map_err(Into::into))
        .collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> &[Value] {
    value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The suites write bytes as the characters of the same number.
fn bytes(value: &Value) -> Vec<u8> {
    let all: String = items(value).iter().map(text).collect();
    all.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

fn run_spf(path: &Path) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for document in read_yaml(path)? {
        let mut zone = Recorded::new(Completeness::Whole);
        for (name, records) in members(&document["zonedata"]) {
            zone.insert(name, zone_entry(records)?);
        }
        for (name, test) in members(&document["tests"]) {
            let outcome = spf::check(
                &zone,
                text(&test["host"]).parse()?,
                &text(&test["helo"]),
                &text(&test["mailfrom"]),
                &SpfContext::default(),
            );
            let got = outcome.result.as_str();
            let explanation = outcome.explanation.unwrap_or_else(|| "DEFAULT".to_owned());
            let is_explained = test
                .get("explanation")
                .is_none_or(|wanted| text(wanted) == explanation);
            rows.push(Row {
                case: name.clone(),
                expect: json!({"result": test["result"], "explanation": test["explanation"]}),
                got: json!({"result": got, "explanation": explanation, "why": outcome.why}),
                pass: items(&test["result"]).iter().any(|wanted| wanted == got) && is_explained,
            });
        }
    }
    Ok(rows)
}

fn zone_entry(records: &Value) -> anyhow::Result<Entry> {
    let mut entry = Entry::default();
    let mut policies = Vec::new();
    for record in items(records) {
        if record == "TIMEOUT" {
            entry.timeout = true;
        }
        for (kind, value) in members(record) {
            match kind.as_str() {
                // Records of type SPF stand for TXT unless there are some (or NONE) of that type.
                "SPF" => policies.push(if value == &json!([]) {
                    Vec::new()
                } else {
                    bytes(value)
                }),
                "TXT" if value == "NONE" => {
                    // With TIMEOUT beside it the type times out.
                    policies.clear();
                    if !items(records).iter().any(|record| record == "TIMEOUT") {
                        entry.txt.get_or_insert_default();
                    }
                }
                "TXT" => entry.txt.get_or_insert_default().push(bytes(value)),
                "A" => entry.a.get_or_insert_default().push(text(value).parse()?),
                "AAAA" => entry.aaaa.get_or_insert_default().push(text(value).parse()?),
                "PTR" => entry.ptr.get_or_insert_default().push(text(value)),
                "CNAME" => entry.cname = Some(text(value)),
                "MX" => {
                    let preference = u16::try_from(value[0].as_u64().unwrap_or(0))?;
                    entry
                        .mx
                        .get_or_insert_default()
                        .push((preference, text(&value[1])));
                }
                _ => {}
            }
        }
    }
    if entry.txt.is_none() && !policies.is_empty() {
        entry.txt = Some(policies);
    }
    Ok(entry)
}

fn run_arc(path: &Path) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for document in read_yaml(path)? {
        let mut zone = Recorded::new(Completeness::Whole);
        for (name, record) in members(&document["txt-records"]) {
            let txt = Some(vec![bytes(record)]);
            zone.insert(
                name,
                Entry {
                    txt,
                    ..Entry::default()
                },
            );
        }
        for (name, test) in members(&document["tests"]) {
            let message = Message::read(text(&test["message"]).as_bytes(), &mut Budget::default());
            let outcome = arc::validate(&message, &zone);
            let wanted = text(&test["cv"]).to_lowercase();
            // Empty: the newest or an older sealer already said fail.
            let wanted = if wanted.is_empty() {
                "fail".to_owned()
            } else {
                wanted
            };
            rows.push(Row {
                case: name.clone(),
                expect: test["cv"].clone(),
                got: json!({"cv": outcome.result.as_str(), "why": outcome.why}),
                pass: wanted == outcome.result.as_str(),
            });
        }
    }
    Ok(rows)
}

fn run_dkim(cases: &Value) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for case in items(cases) {
        let raw = base64::engine::general_purpose::STANDARD
            .decode(text(&case["message_b64"]))
            .map_err(|error| anyhow::anyhow!("{} is not base64: {error}", case["id"]))?;
        let message = Message::read(&raw, &mut Budget::default());
        let zone = Recorded::from_value(&case["dns"], Completeness::Whole)?;
        let signatures = dkim::verify(&message, &zone, None);
        let results: Vec<&str> = signatures
            .iter()
            .map(|signature| signature.result.as_str())
            .collect();
        let dkim = if results.is_empty() {
            "none".to_owned()
        } else {
            results.join(",")
        };
        let arc = arc::validate(&message, &zone);
        let fits = |wanted: &Value, got: &str| {
            wanted.is_null() || text(wanted) == got || text(wanted).split("-or-").any(|one| one == got)
        };
        rows.push(Row {
            case: text(&case["id"]),
            expect: case["expect"].clone(),
            got: json!({"dkim": dkim, "arc": arc.result.as_str(), "why": arc.why}),
            pass: fits(&case["expect"]["dkim"], &dkim) && fits(&case["expect"]["arc"], arc.result.as_str()),
        });
    }
    Ok(rows)
}

fn run_results(cases: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    for case in items(cases) {
        let mut raw: String = items(&case["headers"])
            .iter()
            .map(|line| text(line) + "\r\n")
            .collect();
        raw.push_str("\r\n");
        let message = Message::read(raw.as_bytes(), &mut Budget::default());
        let ids: Vec<String> = items(&case["trusted_authserv_ids"]).iter().map(text).collect();
        let hosted: Vec<String> = case["hosted_by"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        let boundary = Boundary::from_ids(&ids, &hosted);
        let authors = author_domains(&message);
        let recorded = results::recorded(&message, &boundary, authors.first().map(String::as_str));
        let is_used = matches!(
            recorded.state,
            results::RecordedState::Used | results::RecordedState::CheckedNoAnswer
        );
        let got = json!({
            "use": is_used,
            "state": recorded.state.as_str(),
            "spf": recorded.spf.map(|(result, _)| result.as_str()),
            "dkim": recorded.dkim.iter().map(|(result, _)| *result).min().map(MethodResult::as_str),
            "dmarc": recorded.dmarc.map(MethodResult::as_str),
            "arc": recorded.arc.map(MethodResult::as_str),
            "aligned": recorded.aligned,
            "override": recorded.overridden,
        });
        let pass = members(&case["expect"]).all(|(key, wanted)| got.get(key) == Some(wanted));
        rows.push(Row {
            case: text(&case["id"]),
            expect: case["expect"].clone(),
            got,
            pass,
        });
    }
    rows
}

fn run_dmarc(cases: &Value) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for case in items(cases) {
        let zone = Recorded::from_value(&case["dns"], Completeness::Whole)?;
        let word = |value: &Value| MethodResult::from_word(&text(value)).unwrap_or(MethodResult::None);
        let dkim: Vec<(MethodResult, String)> = case["dkim"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|pair| (word(&pair[0]), text(&pair[1])))
            .collect();
        let spf_domain = text(&case["spf"][1]);
        let outcome = dmarc::evaluate(
            &zone,
            &text(&case["from_domain"]),
            (word(&case["spf"][0]), &spf_domain),
            &dkim,
            Discovery::TreeWalk,
        );
        let got = json!({"dmarc": outcome.result.as_str(), "policy": outcome.policy});
        let pass = members(&case["expect"]).all(|(key, wanted)| got.get(key) == Some(wanted));
        rows.push(Row {
            case: text(&case["id"]),
            expect: case["expect"].clone(),
            got,
            pass,
        });
    }
    Ok(rows)
}
