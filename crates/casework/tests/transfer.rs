//! What the reader of another office's file takes in, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use common::{actor, at, id, log};
use pollwatch_casework::transfer::{
    Consistency, EXPORT_SCHEMA, Export, Manifest, Proven, Refusal, Trust, Writer, coverage_id, read_export,
};
use pollwatch_ledger::checkpoint::Checkpoint;
use pollwatch_ledger::log::Log;
use pollwatch_ledger::note::{SignerKey, VerifierKey};
use pollwatch_model::{Coverage, Decision, EvidenceId, Finding, TargetId, TargetRef, Tlp, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

const ORIGIN: &str = "adams.example/ledger";

fn signer() -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

fn key() -> VerifierKey {
    signer().verifier().clone()
}

/// A ledger that is written as the engine writes it, and files made of it that may lie.
struct Office {
    _folder: tempfile::TempDir,
    log: Log,
    statements: Vec<String>,
}

impl Office {
    fn new() -> Office {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::create(&folder.path().join("ledger"), signer()).unwrap();
        Office {
            _folder: folder,
            log,
            statements: Vec::new(),
        }
    }

    fn state(&mut self, kind: &str, content: Value) -> u64 {
        let mut statement = json!({"schema": 1, "nonce": format!("{:032x}", self.statements.len())});
        statement[kind] = content;
        let statement = statement.to_string();
        let leaf = json!({"schema": 1, "kind": kind, "sha256": EvidenceId::of(statement.as_bytes()), "at": "2026-10-01T00:00:00Z"});
        self.statements.push(statement);
        self.log
            .append_batch(&[leaf.to_string().as_bytes()])
            .unwrap()
            .start
    }

    fn finding(&mut self, finding: &Finding) -> u64 {
        self.state("finding", json!({"revision": 1, "finding": finding}))
    }

    fn decision(&mut self, finding: &Finding, verdict: Verdict) -> u64 {
        let decision = Decision {
            schema: 1,
            finding: finding.id.clone(),
            verdict,
            reason: "our monitor".to_owned(),
            by: "clerk".to_owned(),
            at: at("2026-10-01T00:00:00Z"),
        };
        self.state("decision", serde_json::to_value(decision).unwrap())
    }

    fn proven(&self, index: u64) -> Proven {
        let reader = self.log.reader();
        Proven {
            index,
            leaf: String::from_utf8(reader.entry(index).unwrap()).unwrap(),
            statement: self.statements[index as usize].clone(),
            hashes: reader.inclusion_proof(index).unwrap(),
        }
    }

    /// A file with these findings, decisions and sources, whatever they are.
    fn export(
        &mut self,
        targets: &[&str],
        tlp: Tlp,
        findings: &[u64],
        decisions: &[u64],
        sources: &[Coverage],
    ) -> Vec<u8> {
        let before = self.log.size();
        let named = findings
            .iter()
            .chain(decisions)
            .map(|index| EvidenceId::of(self.statements[*index as usize].as_bytes()));
        let manifest = Manifest {
            schema: EXPORT_SCHEMA,
            origin: ORIGIN.to_owned(),
            made: at("2026-10-01T00:00:00Z"),
            tlp,
            targets: targets
                .iter()
                .map(|target| TargetRef {
                    id: id(target),
                    name: target.to_uppercase(),
                })
                .collect(),
            withheld: vec![],
            entries: named
                .chain(sources.iter().map(|seen| coverage_id(seen).unwrap()))
                .collect(),
        };
        let head = self.state("export", serde_json::to_value(manifest).unwrap());
        let reader = self.log.reader();
        let consistency = (1..=before)
            .map(|size| Consistency {
                size,
                hashes: reader.consistency_proof(size).unwrap(),
            })
            .collect();
        let mut writer = Writer::begin(
            &reader.signed_checkpoint().to_string(),
            consistency,
            self.proven(head),
        )
        .unwrap();
        findings
            .iter()
            .for_each(|index| writer.finding(self.proven(*index)).unwrap());
        decisions
            .iter()
            .for_each(|index| writer.decision(self.proven(*index)).unwrap());
        sources
            .iter()
            .for_each(|seen| writer.coverage(seen.clone()).unwrap());
        writer.into_bytes()
    }
}

fn read(file: &[u8]) -> Result<Export, Refusal> {
    let key = key();
    read_export(
        &mut &file[..],
        &Trust {
            key: &key,
            speaks_for: None,
            known: None,
        },
    )
}

fn why(result: Result<Export, Refusal>) -> String {
    result
        .map(|export| format!("taken in with {} findings", export.findings.len()))
        .unwrap_or_else(|refusal| refusal.to_string())
}

/// Two findings, one of them dismissed, and one log.
fn sound() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let mut office = Office::new();
        let scanned = actor("adams", "198.51.100.7", "scanned", "high", "2026-09-03");
        let monitor = actor("adams", "192.0.2.1", "attempted", "low", "2026-09-04");
        let (a, b) = (office.finding(&scanned), office.finding(&monitor));
        let dismissed = office.decision(&monitor, Verdict::Dismissed);
        office.export(
            &["adams"],
            Tlp::Amber,
            &[a, b],
            &[dismissed],
            &[log("adams", &[("2026-09-05", "2026-09-14")])],
        )
    })
}

#[test]
fn a_sound_file_is_taken_in_as_it_was_sent() {
    let export = read(sound()).unwrap();
    assert_eq!(
        (
            export.findings.len(),
            export.decisions.len(),
            export.coverage.len()
        ),
        (2, 1, 1)
    );
    assert_eq!(
        export.findings[0].finding,
        actor("adams", "198.51.100.7", "scanned", "high", "2026-09-03")
    );
    assert_eq!((export.findings[1].index, export.decisions[0].index), (1, 2));
    let again: Vec<u8> = export
        .lines
        .iter()
        .flat_map(|line| [line.as_slice(), b"\n"].concat())
        .collect();
    assert_eq!(again, sound(), "what is kept checks again");
}

#[test]
fn a_sender_with_the_key_can_still_not_say_what_does_not_follow() {
    let mut office = Office::new();
    let adams = actor("adams", "198.51.100.7", "scanned", "high", "2026-09-03");
    let bond = actor("bond", "198.51.100.7", "breached", "high", "2026-09-03");
    let mut renamed = adams.clone();
    renamed.subject = "203.0.113.9".to_owned();
    let mut red = actor("adams", "203.0.113.10", "breached", "high", "2026-09-03");
    red.tlp = Tlp::Red;
    let mut newer = actor("adams", "203.0.113.11", "breached", "high", "2026-09-03");
    newer.schema = 9;
    let [a, b, c, d, e] = [&adams, &bond, &renamed, &red, &newer].map(|finding| office.finding(finding));
    let again = office.finding(&adams);
    let on_bond = office.decision(&bond, Verdict::Dismissed);
    let (first, second) = (
        office.decision(&adams, Verdict::Dismissed),
        office.decision(&adams, Verdict::Confirmed),
    );
    let mut whole = log("adams", &[]);
    whole.targets.clear();
    let mut told = |findings: &[u64], decisions: &[u64], sources: &[Coverage]| {
        let file = office.export(&["adams"], Tlp::Amber, findings, decisions, sources);
        why(read(&file))
    };
    let refusals = [
        (
            "another target",
            told(&[a, b], &[], &[]),
            "line 3: it is about bond",
        ),
        (
            "an id of something else",
            told(&[c], &[], &[]),
            "is not that of what the finding is about",
        ),
        (
            "stricter than the file",
            told(&[d], &[], &[]),
            "marked TLP:RED and the file TLP:AMBER",
        ),
        ("a newer schema", told(&[e], &[], &[]), "schema 9"),
        (
            "one finding twice",
            told(&[a, again], &[], &[]),
            "line 3: finding",
        ),
        (
            "a decision on what is not there",
            told(&[a], &[on_bond], &[]),
            "line 3: it decides on finding",
        ),
        (
            "decisions turned round",
            told(&[a], &[second, first], &[]),
            "line 4: decisions are not in the order",
        ),
        (
            "a decision said to be a finding",
            told(&[first], &[], &[]),
            "line 2: the entry is of another kind",
        ),
        (
            "the whole register",
            told(&[a], &[], &[whole]),
            "line 3: the coverage names no target",
        ),
        (
            "another's log",
            told(&[a], &[], &[log("bond", &[])]),
            "line 3: it is about bond",
        ),
        (
            "a line twice",
            told(&[a, a], &[], &[]),
            "line 3: two lines of the file speak of one entry",
        ),
    ];
    for (what, told, expected) in refusals {
        assert!(told.contains(expected), "{what}: {told}");
    }
    assert_eq!(
        told(&[a], &[first, second], &[log("adams", &[])]),
        "taken in with 1 findings"
    );
}

#[test]
fn a_sender_is_bound_to_its_targets_and_its_past() {
    let mut office = Office::new();
    let index = office.finding(&actor("adams", "198.51.100.7", "scanned", "high", "2026-09-03"));
    let first = office.export(&["adams"], Tlp::Amber, &[index], &[], &[]);
    let second = office.export(&["adams"], Tlp::Amber, &[index], &[], &[]);
    let key = key();
    let told = |file: &[u8], speaks_for: Option<&BTreeSet<TargetId>>, known: Option<&Checkpoint>| {
        why(read_export(
            &mut &file[..],
            &Trust {
                key: &key,
                speaks_for,
                known,
            },
        ))
    };
    let only = |target: &str| BTreeSet::from([id(target)]);
    assert!(told(&first, Some(&only("adams")), None).starts_with("taken in"));
    assert!(told(&first, Some(&only("bond")), None).contains("line 1: the file speaks of adams"));
    let known = read(&first).unwrap().checkpoint;
    assert!(told(&second, None, Some(&known)).starts_with("taken in"));
    assert!(told(&first, None, Some(&known)).contains("taken in already"));
    let newest = read(&second).unwrap().checkpoint;
    assert!(told(&first, None, Some(&newest)).contains("older than the last one"));

    // Another ledger of the same name and key: its past is not the one that is known.
    let mut forked = Office::new();
    for client in 1..9 {
        forked.finding(&actor(
            "adams",
            &format!("203.0.113.{client}"),
            "contact",
            "high",
            "2026-09-03",
        ));
    }
    let forked = forked.export(&["adams"], Tlp::Amber, &[0], &[], &[]);
    assert!(told(&forked, None, Some(&known)).contains("was rewritten since its last file"));
    let mut gap = known.clone();
    gap.size = 100;
    assert!(told(&forked, None, Some(&gap)).contains("older than the last one"));
    let other = SignerKey::from_seed(ORIGIN, &[8; 32]).unwrap().verifier().clone();
    let refused = read_export(
        &mut &first[..],
        &Trust {
            key: &other,
            speaks_for: None,
            known: None,
        },
    );
    assert!(why(refused).contains("not by the key that you trust"));
}

proptest! {
    #[test]
    fn a_changed_byte_is_never_taken_in(place in 0usize..1_000_000, bit in 0u8..8) {
        let mut file = sound().to_vec();
        let at = place % file.len();
        file[at] ^= 1 << bit;
        // Blanks between the parts of JSON are the one thing that may differ, and then it says the same.
        match read(&file) {
            Ok(export) => prop_assert_eq!(export.findings, read(sound()).unwrap().findings),
            Err(refusal) => prop_assert!((1..=6).contains(&refusal.line), "{}", refusal),
        }
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused(place in 0usize..1_000_000) {
        let file = sound();
        let at = place % file.len();
        prop_assert!(read(&file[..at]).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn lines_in_any_other_order_are_refused(order in Just([0usize, 1, 2, 3, 4]).prop_shuffle()) {
        let text = std::str::from_utf8(sound()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let turned: String = order.iter().map(|at| format!("{}\n", lines[*at])).collect();
        prop_assert_eq!(read(turned.as_bytes()).is_ok(), order == [0, 1, 2, 3, 4]);
    }
}

#[test]
fn a_problem_never_repeats_what_the_sender_wrote() {
    let hostile = "{\"pollwatch_export\":1,\"checkpoint\":\"\u{1b}[2J\u{202e}evil\",\"consistency\":[],\"\u{1b}[31m\":1}\n";
    let refusal = read(hostile.as_bytes()).unwrap_err().to_string();
    assert!(
        !refusal.contains('\u{1b}') && !refusal.contains("evil"),
        "{refusal}"
    );
}

/// Writes the corpus of the fuzz target when asked to; checks that it is there otherwise.
#[test]
fn the_fuzz_target_has_a_sound_file_to_begin_with() {
    let corpus =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/import_read/sound.jsonl");
    if std::env::var_os("POLLWATCH_WRITE_SAMPLE").is_some() {
        std::fs::create_dir_all(corpus.parent().unwrap()).unwrap();
        std::fs::write(&corpus, sound()).unwrap();
    }
    assert_eq!(
        std::fs::read(&corpus).unwrap(),
        sound(),
        "make it anew with POLLWATCH_WRITE_SAMPLE=1"
    );
}
