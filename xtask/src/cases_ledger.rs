//! The cases of `exchange/tlog`, run through the public interface of the ledger.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pollwatch_ledger::checkpoint::{Checkpoint, judge};
use pollwatch_ledger::log::Log;
use pollwatch_ledger::note::{NoteError, SignedNote, SignerKey, VerifierKey};
use pollwatch_ledger::proof::TlogProof;
use pollwatch_ledger::reader::LogReader;
use pollwatch_ledger::tile::{TilePath, encode_tile_number, parse_bundle, tiles_for_size};
use pollwatch_ledger::tree_proof::{verify_consistency, verify_inclusion};
use pollwatch_ledger::verify::verify_log;
use serde_json::{Value, json};

/// Runs every case in `dir` (the folder `tlog`, or one that contains it, such as `exchange`) and tells `out` of each:
/// `{"case":…, "fn":…, "expect":…, "got":…, "pass":…}`.
///
/// RFC 3161 tokens are left out: the ledger does not read them.
/// Errors: a case file that is missing or not of the form described in the cases' README.
pub fn run(dir: &Path, out: &mut dyn FnMut(Value)) -> Result<()> {
    let dir = if dir.join("tlog").is_dir() {
        dir.join("tlog")
    } else {
        dir.to_owned()
    };
    let mut tell = |case: String, function: &str, expect: Value, got: Value| {
        let pass = expect == got;
        out(json!({"case": case, "fn": function, "expect": expect, "got": got, "pass": pass}));
    };
    for row in rows(&dir.join("notes.jsonl"))? {
        let (expect, got) = run_note(&row)?;
        tell(format!("notes: {}", text(&row, "name")?), "note", expect, got);
    }
    for row in rows(&dir.join("checkpoints.jsonl"))? {
        let body = text(&row, "text")?;
        let got = match body.parse::<Checkpoint>() {
            Ok(checkpoint) if checkpoint.to_string() == body => "ok",
            Ok(_) => "printed differently",
            Err(_) => "malformed",
        };
        tell(
            format!("checkpoints: {}", text(&row, "name")?),
            "checkpoint",
            row["expect"].clone(),
            json!(got),
        );
    }
    for row in rows(&dir.join("paths.jsonl"))? {
        let (case, expect, got) = run_path(&row)?;
        tell(format!("paths: {case}"), "tile", expect, got);
    }
    for row in rows(&dir.join("proofs.jsonl"))? {
        let case = format!("proofs: {} {}", text(&row, "src")?, text(&row, "desc")?);
        tell(
            case,
            "tree_proof",
            row["wantErr"].clone(),
            json!(run_proof(&row)?),
        );
    }
    let forks = read_json(&dir.join("forks.json"))?;
    let keys = [text(&forks, "vkey")?.parse::<VerifierKey>()?];
    for row in forks["cases"].as_array().context("forks.json has no cases")? {
        let (earlier, _) = Checkpoint::open(text(row, "a")?, &keys)?;
        let (later, _) = Checkpoint::open(text(row, "b")?, &keys)?;
        let got = judge(&earlier, &later, &hashes(&row["proof"])?).to_string();
        tell(
            format!("forks: {}", text(row, "name")?),
            "judge",
            row["expect"].clone(),
            json!(got),
        );
    }
    run_log(&dir, &mut tell)?;
    run_tessera(&dir, &mut tell)
}

type Tell<'a> = dyn FnMut(String, &str, Value, Value) + 'a;

fn read_json(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("cannot parse {}", path.display()))
}

fn rows(path: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).with_context(|| format!("cannot parse {}", path.display())))
        .collect()
}

fn text<'a>(row: &'a Value, member: &str) -> Result<&'a str> {
    row[member]
        .as_str()
        .with_context(|| format!("a case has no text {member:?}"))
}

fn number(row: &Value, member: &str) -> Result<u64> {
    row[member]
        .as_u64()
        .with_context(|| format!("a case has no number {member:?}"))
}

fn bytes(value: &Value) -> Result<Vec<u8>> {
    let text = value.as_str().context("base64 is not a text")?;
    BASE64
        .decode(text)
        .map_err(|error| anyhow!("not base64: {error}"))
}

fn hashes(value: &Value) -> Result<Vec<Vec<u8>>> {
    value
        .as_array()
        .map_or(Ok(Vec::new()), |list| list.iter().map(bytes).collect())
}

fn run_note(row: &Value) -> Result<(Value, Value)> {
    if let Some(vkey) = row["vkey"].as_str() {
        let got = match vkey.parse::<VerifierKey>() {
            Ok(key) if key.to_string() == vkey => "ok",
            Ok(_) => "printed differently",
            Err(_) => "bad-vkey",
        };
        return Ok((row["expect"].clone(), json!(got)));
    }
    let keys = row["vkeys"].as_array().context("a note has no list of keys")?;
    let keys = keys
        .iter()
        .map(|key| Ok(key.as_str().context("a key is not a text")?.parse()?))
        .collect::<Result<Vec<VerifierKey>>>()?;
    let mut expect = json!({"result": row["expect"]});
    let mut got = json!({});
    let source = text(row, "note")?;
    match SignedNote::parse(source).and_then(|note| Ok((note.verify(&keys)?, note))) {
        Ok((signatures, note)) => {
            got["result"] = json!(if note.to_string() == source {
                "ok"
            } else {
                "printed differently"
            });
            let names: Vec<String> = signatures
                .iter()
                .map(|one| format!("{}+{:08x}", one.key.name(), one.key.key_id()))
                .collect();
            got["verified"] = json!(names);
            expect["verified"] = row["verified"].clone();
            if row.get("text").is_some() {
                expect["text"] = row["text"].clone();
                got["text"] = json!(note.text());
            }
            if row.get("cosigned_at").is_some() {
                expect["cosigned_at"] = row["cosigned_at"].clone();
                got["cosigned_at"] = json!(signatures.iter().find_map(|one| one.cosigned_at));
            }
        }
        Err(NoteError::Malformed(_)) => got["result"] = json!("malformed"),
        Err(NoteError::Unverified(_)) => got["result"] = json!("unverified"),
        Err(NoteError::InvalidSignature { .. }) => got["result"] = json!("invalid-signature"),
        Err(error) => got["result"] = json!(error.to_string()),
    }
    Ok((expect, got))
}

fn run_path(row: &Value) -> Result<(String, Value, Value)> {
    match text(row, "kind")? {
        "encode" => {
            let n = number(row, "n")?;
            Ok((
                format!("encode {n}"),
                row["path"].clone(),
                json!(encode_tile_number(n)),
            ))
        }
        "tiles-for-size" => {
            let size = number(row, "size")?;
            let levels: Vec<Value> = tiles_for_size(size)
                .iter()
                .map(|one| json!({"level": one.level, "full": one.full, "partial_width": one.partial_width}))
                .collect();
            Ok((format!("size {size}"), row["levels"].clone(), json!(levels)))
        }
        "parse" => {
            let path = text(row, "path")?;
            let got = match path.parse::<TilePath>() {
                Ok(tile) if tile.to_string() == path => "ok",
                Ok(_) => "printed differently",
                Err(_) => "bad",
            };
            Ok((format!("parse {path}"), row["expect"].clone(), json!(got)))
        }
        kind => Err(anyhow!("unknown kind of path case: {kind}")),
    }
}

/// True when the proof is refused.
fn run_proof(row: &Value) -> Result<bool> {
    let proof = hashes(&row["proof"])?;
    let result = if text(row, "kind")? == "inclusion" {
        let (leaf, root) = (bytes(&row["leafHash"])?, bytes(&row["root"])?);
        verify_inclusion(
            number(row, "leafIdx")?,
            number(row, "treeSize")?,
            &leaf,
            &proof,
            &root,
        )
    } else {
        let (old_root, root) = (bytes(&row["root1"])?, bytes(&row["root2"])?);
        verify_consistency(
            number(row, "size1")?,
            number(row, "size2")?,
            &old_root,
            &root,
            &proof,
        )
    };
    Ok(result.is_err())
}

/// The whole tiled log: read it, prove from it, write the same tiles, and notice every changed entry.
fn run_log(dir: &Path, tell: &mut Tell<'_>) -> Result<()> {
    let about = read_json(&dir.join("log.json"))?;
    let log_dir = dir.join("log");
    let keys = [
        text(&about, "vkey")?.parse()?,
        text(&about, "witness_vkey")?.parse()?,
    ];
    let reader = LogReader::open(&log_dir, &keys)?;
    let size = number(&about, "size")?;
    for (old_size, root) in about["roots"].as_object().context("log.json has no roots")? {
        let old_size: u64 = old_size.parse()?;
        tell(
            format!("log: root at {old_size}"),
            "reader",
            root.clone(),
            json!(reader.root_at(old_size)?.to_string()),
        );
        let old = fs::read_to_string(log_dir.join(format!("checkpoint.{old_size}")))?;
        let (earlier, _) = Checkpoint::open(&old, &keys)?;
        let judgement = judge(
            &earlier,
            reader.checkpoint(),
            &reader.consistency_proof(old_size)?,
        );
        tell(
            format!("log: consistent with {old_size}"),
            "reader",
            json!("consistent"),
            json!(judgement.to_string()),
        );
        let verified = verify_log(&log_dir, &keys[..1], Some(&old), |_, _| Ok(()));
        tell(
            format!("log: verify against {old_size}"),
            "verify",
            json!(size),
            json!(verified?.checkpoint.size),
        );
    }
    tell(
        "log: root".to_owned(),
        "reader",
        about["root"].clone(),
        json!(reader.root_at(size)?.to_string()),
    );

    let (index, entry) = (
        number(&about["proof_entry"], "index")?,
        text(&about["proof_entry"], "entry")?,
    );
    tell(
        "log: entry".to_owned(),
        "reader",
        json!(entry),
        json!(String::from_utf8(reader.entry(index)?)?),
    );
    let file = fs::read_to_string(log_dir.join("entry-200.tlog-proof"))?;
    tell(
        "log: proof as written".to_owned(),
        "proof",
        json!(file),
        json!(reader.tlog_proof(index)?.to_string()),
    );
    let proven = file.parse::<TlogProof>()?.verify(entry.as_bytes(), &keys)?;
    tell(
        "log: proof holds for".to_owned(),
        "proof",
        json!(index),
        json!(proven.index),
    );
    let other = file
        .parse::<TlogProof>()?
        .verify(b"another entry", &keys)
        .is_err();
    tell(
        "log: proof refuses another entry".to_owned(),
        "proof",
        json!(true),
        json!(other),
    );

    let mut entries = Vec::new();
    for entry in reader.entries(0..size) {
        entries.push(entry?.1);
    }
    let all: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let folder = tempfile::tempdir()?;
    write_log(folder.path(), &[&all[..1], &all[1..300], &all[300..]])?;
    for file in [
        "0/000",
        "0/001",
        "0/002.p/88",
        "1/000.p/2",
        "entries/000",
        "entries/001",
        "entries/002.p/88",
    ] {
        let path = format!("tile/{file}");
        let is_same = fs::read(folder.path().join(&path))? == fs::read(log_dir.join(&path))?;
        tell(
            format!("log: {path} as written"),
            "log",
            json!(true),
            json!(is_same),
        );
    }
    Ok(())
}

/// Appends the batches to a new log in `dir`, with a key for tests alone.
fn write_log(dir: &Path, batches: &[&[&[u8]]]) -> Result<Log> {
    let mut log = Log::create(dir, SignerKey::from_seed("case.example/ledger", &[9; 32])?)?;
    for batch in batches {
        log.append_batch(batch)?;
    }
    Ok(log)
}

/// A log that another program wrote, one entry at a time, with all its partial tiles.
fn run_tessera(dir: &Path, tell: &mut Tell<'_>) -> Result<()> {
    let about = read_json(&dir.join("log-tessera.json"))?;
    let keys = [text(&about, "vkey")?.parse::<VerifierKey>()?];
    let folder = tempfile::tempdir()?;
    let files = about["files_b64"]
        .as_object()
        .context("log-tessera.json has no files")?;
    for (name, content) in files {
        let path: PathBuf = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        fs::write(path, bytes(content)?)?;
    }
    let entries: Vec<&[u8]> = about["entries"]
        .as_array()
        .context("log-tessera.json has no entries")?
        .iter()
        .map(|entry| Ok(entry.as_str().context("an entry is not a text")?.as_bytes()))
        .collect::<Result<_>>()?;
    let own_folder = tempfile::tempdir()?;
    let singly: Vec<&[&[u8]]> = entries.chunks(1).collect();
    write_log(own_folder.path(), &singly)?;
    for size in 0..=entries.len() {
        let checkpoint = fs::read_to_string(folder.path().join(format!("checkpoint.{size}")))?;
        fs::write(folder.path().join("checkpoint"), &checkpoint)?;
        let mut read = Vec::new();
        let verified = verify_log(folder.path(), &keys, None, |_, entry| {
            read.push(entry.to_vec());
            Ok(())
        })?;
        tell(
            format!("tessera: verify size {size}"),
            "verify",
            json!(size),
            json!(verified.checkpoint.size),
        );
        tell(
            format!("tessera: entries at size {size}"),
            "verify",
            json!(true),
            json!(read == entries[..size]),
        );
        if size > 0 {
            for kind in ["0", "entries"] {
                let path = format!("tile/{kind}/000.p/{size}");
                let is_same =
                    fs::read(own_folder.path().join(&path))? == fs::read(folder.path().join(&path))?;
                tell(
                    format!("tessera: {path} as written"),
                    "log",
                    json!(true),
                    json!(is_same),
                );
            }
            let bundle = fs::read(folder.path().join(format!("tile/entries/000.p/{size}")))?;
            let is_same = parse_bundle(&bundle, size)? == entries[..size];
            tell(
                format!("tessera: bundle of {size}"),
                "tile",
                json!(true),
                json!(is_same),
            );
        }
    }
    Ok(())
}
