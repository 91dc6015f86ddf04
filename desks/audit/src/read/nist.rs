//! The common data format for cast vote records, NIST SP 1500-103, as XML or JSON.
//!
//! Definitions (contests, candidates, devices) may stand behind the records, so that the file is read twice. Of a record's
//! snapshots the one named by `CurrentSnapshotId` counts. A selection counts when one of its positions has an indication and is
//! allocable; where it is not said whether it is allocable, `TotalNumberVotes` decides.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::draft::{Out, set};
use super::error::ReadError;
use super::source::{Parts, Source};
use super::tree::{Node, node_of, read_json, read_xml};
use crate::election::{CandidateId, Contest, ContestId, ContestKind, RecordId};

const RECORDS: &str = "CVR";
const DEFINITIONS: [&str; 3] = ["Election", "ReportingDevice", "GpUnit"];
/// What a selection without an id is: a name written in.
const WRITE_IN: &str = "Write-in";

#[derive(Default)]
struct Defined {
    contests: FxHashMap<String, ContestId>,
    selections: FxHashMap<(ContestId, String), CandidateId>,
    devices: FxHashMap<String, String>,
    units: FxHashMap<String, String>,
}

pub(super) fn read(source: &mut Source, out: &mut Out<'_>) -> Result<(), ReadError> {
    let mut parts = source.parts()?;
    let files: Vec<usize> = (0..parts.names().len())
        .filter(|at| {
            let name = parts.names()[*at].to_ascii_lowercase();
            let name = name.trim_end_matches(".gz");
            name.is_empty() || name.ends_with(".xml") || name.ends_with(".json")
        })
        .collect();
    let mut defined = Defined::default();
    for at in &files {
        each(&mut parts, *at, &DEFINITIONS, &mut |node| {
            define(&node, &mut defined, out)
        })?;
    }
    if defined.contests.is_empty() {
        let what = "no Election with a Contest is defined in it";
        return Err(ReadError::format(&parts.place(usize::MAX), None, what));
    }
    // Records that state no number in their batch are numbered as they come.
    let mut counted: BTreeMap<String, u128> = BTreeMap::new();
    let mut unnumbered = 0u64;
    for at in files {
        let place = parts.place(at);
        let mut record = 0;
        each(&mut parts, at, &[RECORDS], &mut |node| {
            record += 1;
            match read_record(&node, &defined, &mut counted, &mut unnumbered, out)? {
                Ok(()) => out.record(),
                Err(what) => {
                    out.lost(&place, record, what);
                    Ok(())
                }
            }
        })?;
    }
    if unnumbered > 0 {
        let what = format!(
            "{unnumbered} records state no number (BatchSequenceId, UniqueId): they are numbered as they come"
        );
        out.remark(&parts.place(usize::MAX), None, what);
    }
    Ok(())
}

/// Hands over the wanted children of the report, be it XML or JSON.
fn each(
    parts: &mut Parts<'_>,
    at: usize,
    wanted: &[&str],
    hand: &mut dyn FnMut(Node) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let place = parts.place(at);
    if super::sniff::is_json(parts, at)? {
        return read_json(&place, parts.read(at)?, wanted, &[], &mut |key, value| {
            hand(node_of(key, value))
        });
    }
    let root = read_xml(&place, parts.read(at)?, wanted, hand)?;
    if root != "CastVoteRecordReport" {
        let what = format!(
            "its root is {}, not CastVoteRecordReport",
            super::text::quoted(&root)
        );
        return Err(ReadError::format(&place, None, what));
    }
    Ok(())
}

/// Text with its white space put in order: XML files break names over lines.
fn name_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn id_of(node: &Node) -> String {
    node.attribute("ObjectId").unwrap_or_default().to_owned()
}

fn define(node: &Node, defined: &mut Defined, out: &mut Out<'_>) -> Result<(), ReadError> {
    match node.name.as_str() {
        "ReportingDevice" => {
            let name = node
                .text_of("SerialNumber")
                .or(node.text_of("Code"))
                .map_or_else(|| id_of(node), name_of);
            defined.devices.insert(id_of(node), name);
        }
        "GpUnit" => {
            let name = node.text_of("Name").map_or_else(|| id_of(node), name_of);
            defined.units.insert(id_of(node), name);
        }
        _ => {
            if let Some(name) = node.text_of("Name") {
                out.election.name = name_of(name);
            }
            let candidates: FxHashMap<String, String> = node
                .all("Candidate")
                .map(|candidate| {
                    (
                        id_of(candidate),
                        candidate
                            .text_of("Name")
                            .map_or_else(|| id_of(candidate), name_of),
                    )
                })
                .collect();
            for contest in node.all("Contest") {
                define_contest(contest, &candidates, defined, out)?;
            }
        }
    }
    Ok(())
}

fn define_contest(
    node: &Node,
    candidates: &FxHashMap<String, String>,
    defined: &mut Defined,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    let id = id_of(node);
    if defined.contests.contains_key(&id) {
        return Ok(());
    }
    let mut name = node.text_of("Name").map(name_of).unwrap_or_else(|| id.clone());
    if out.election.contest(&name).is_some() {
        name = format!("{name} [{id}]");
    }
    let votes = node
        .number_of::<u32>("VotesAllowed")
        .filter(|votes| *votes > 0)
        .unwrap_or(1);
    let selections: Vec<&Node> = node.all("ContestSelection").collect();
    let (kind, ranks) = match node.text_of("VoteVariation") {
        // No number of ranks is defined; as many as there are choices is the most that can matter.
        Some("rcv") => (ContestKind::Irv, selections.len().clamp(1, 100) as u32),
        Some("approval") => (ContestKind::Approval, 0),
        _ => (ContestKind::Plurality, 0),
    };
    let contest = out.add_contest(Contest {
        kind,
        votes_allowed: if kind == ContestKind::Approval {
            votes.max(selections.len() as u32)
        } else {
            votes
        },
        winners: node
            .number_of::<u32>("NumberElected")
            .filter(|seats| *seats > 0)
            .unwrap_or(votes),
        ranks,
        ..Contest::new(name)
    })?;
    defined.contests.insert(id, contest);
    for selection in selections {
        let id = id_of(selection);
        let names: Vec<&str> = selection
            .all("CandidateIds")
            .flat_map(|ids| ids.text.split_whitespace())
            .map(|id| candidates.get(id).map_or(id, String::as_str))
            .collect();
        let is_write_in = selection.text_of("IsWriteIn") == Some("true");
        let mut name = match selection.text_of("Selection") {
            Some(text) => name_of(text),
            None if !names.is_empty() => names.join(" / "),
            None if is_write_in => WRITE_IN.to_owned(),
            None => id.clone(),
        };
        if out.election.contests[contest.index()].candidate(&name).is_some() {
            name = format!("{name} [{id}]");
        }
        let candidate = out.candidate(contest, &name)?;
        out.election.contests[contest.index()].candidates[candidate.index()].write_in |= is_write_in;
        defined.selections.insert((contest, id), candidate);
    }
    Ok(())
}

fn read_record(
    node: &Node,
    defined: &Defined,
    counted: &mut BTreeMap<String, u128>,
    unnumbered: &mut u64,
    out: &mut Out<'_>,
) -> Result<Result<(), String>, ReadError> {
    let current = node.text_of("CurrentSnapshotId").unwrap_or_default();
    let mut snapshots = node.all("CVRSnapshot");
    let Some(snapshot) = snapshots.find(|snapshot| snapshot.attribute("ObjectId") == Some(current)) else {
        return Ok(Err(format!(
            "there is no snapshot {}, which it says is current",
            super::text::quoted(current)
        )));
    };
    for contest in snapshot.all("CVRContest") {
        let id = contest.text_of("ContestId").unwrap_or_default();
        let Some(id) = defined.contests.get(id).copied() else {
            return Ok(Err(format!("contest {} is not defined", super::text::quoted(id))));
        };
        out.draft.votes(id);
        let mut overvoted = contest.number_of::<u32>("Overvotes").unwrap_or(0) > 0;
        overvoted |= contest
            .all("Status")
            .any(|status| status.text.trim() == "overvoted");
        let ranked = out.election.contests[id.index()].is_ranked();
        for selection in contest.all("CVRContestSelection") {
            if let Err(what) = read_selection(selection, id, ranked, defined, out)? {
                return Ok(Err(what));
            }
        }
        if !ranked {
            out.draft.votes(id).overvoted |= overvoted;
        }
    }
    let batch = node.text_of("BatchId").unwrap_or_default();
    let device = node.text_of("CreatingDeviceId").unwrap_or_default();
    let unique = node.text_of("UniqueId");
    let number = node
        .text_of("BatchSequenceId")
        .or(unique)
        .and_then(|text| text.parse::<RecordId>().ok());
    let number = match number {
        Some(number) => number,
        None => {
            *unnumbered += 1;
            // A batch is met again and again; its name is kept once.
            let key = format!("{device}\u{1f}{batch}");
            let count = counted.entry(key).or_default();
            *count += 1;
            RecordId(*count)
        }
    };
    let record = &mut out.draft.record;
    set(&mut record.card.batch.batch, batch);
    set(
        &mut record.card.batch.tabulator,
        defined.devices.get(device).map_or(device, String::as_str),
    );
    record.card.record = number;
    let imprinted = node
        .text_of("BallotAuditId")
        .or(node.text_of("BallotPrePrintedId"))
        .or(unique);
    set(&mut record.card.imprinted, imprinted.unwrap_or_default());
    set(
        &mut record.style,
        node.text_of("BallotStyleId").unwrap_or_default(),
    );
    let unit = node.text_of("BallotStyleUnitId").unwrap_or_default();
    set(
        &mut record.precinct,
        defined.units.get(unit).map_or(unit, String::as_str),
    );
    Ok(Ok(()))
}

fn read_selection(
    selection: &Node,
    contest: ContestId,
    ranked: bool,
    defined: &Defined,
    out: &mut Out<'_>,
) -> Result<Result<(), String>, ReadError> {
    let total = selection.number_of::<u32>("TotalNumberVotes");
    for position in selection.all("SelectionPosition") {
        if position.text_of("HasIndication") != Some("yes") {
            continue;
        }
        let counts = match position.text_of("IsAllocable") {
            Some("yes") => true,
            Some("no") => false,
            _ => total.is_none_or(|total| total > 0),
        };
        if !counts {
            continue;
        }
        let candidate = match selection.text_of("ContestSelectionId") {
            Some(id) => match defined.selections.get(&(contest, id.to_owned())) {
                Some(candidate) => *candidate,
                None => {
                    return Ok(Err(format!(
                        "selection {} is not defined",
                        super::text::quoted(id)
                    )));
                }
            },
            None => out.candidate(contest, WRITE_IN)?,
        };
        let rank = position.number_of::<u16>("Rank").or(selection.number_of("Rank"));
        let rank = match (ranked, rank) {
            (false, _) => 0,
            (true, Some(rank)) if (1..=100).contains(&rank) => rank,
            (true, _) => return Ok(Err("a ranked selection has no rank from 1 to 100".to_owned())),
        };
        out.draft.mark(contest, candidate, rank);
    }
    Ok(Ok(()))
}
