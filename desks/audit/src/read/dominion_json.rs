//! Dominion's JSON export: `CvrExport.json` (or several, `CvrExport_*.json`) and its manifests, in a zip or folder.
//!
//! A session is one record, all its cards together, as the scanner took them in one pass. An adjudicated session has its
//! `Modified` form beside `Original`: the one that is current counts. In a ranked contest every mark that is not ambiguous is a
//! ranking (`IsVote` is true for the first one only); in any other a mark counts when `IsVote` says so, and `Overvotes` says that
//! there were too many.

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::Value;

use super::draft::{Out, set};
use super::error::ReadError;
use super::source::{Parts, Source};
use super::text::quoted;
use super::tree::read_json;
use crate::election::{Candidate, CandidateId, Contest, ContestId, ContestKind, RecordId};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContestRow {
    description: String,
    id: u64,
    #[serde(default)]
    vote_for: u32,
    #[serde(default)]
    num_of_ranks: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CandidateRow {
    description: String,
    id: u64,
    contest_id: u64,
    #[serde(default, rename = "Type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedRow {
    description: String,
    id: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Session {
    tabulator_id: u64,
    batch_id: Value,
    record_id: Value,
    #[serde(default)]
    counting_group_id: u64,
    #[serde(default)]
    image_mask: String,
    #[serde(default)]
    unique_voting_identifier: Option<String>,
    original: Form,
    #[serde(default)]
    modified: Option<Form>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Form {
    #[serde(default)]
    precinct_portion_id: u64,
    #[serde(default)]
    ballot_type_id: u64,
    #[serde(default)]
    is_current: bool,
    #[serde(default)]
    cards: Vec<Card>,
    /// Older exports have the contests here.
    #[serde(default)]
    contests: Vec<Votes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Card {
    #[serde(default)]
    contests: Vec<Votes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Votes {
    id: u64,
    #[serde(default)]
    overvotes: u32,
    #[serde(default)]
    marks: Vec<MarkRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MarkRow {
    candidate_id: u64,
    #[serde(default)]
    rank: u16,
    #[serde(default)]
    is_ambiguous: bool,
    #[serde(default)]
    is_vote: bool,
}

#[derive(Default)]
struct Manifests {
    contests: FxHashMap<u64, ContestId>,
    candidates: FxHashMap<u64, (ContestId, CandidateId)>,
    styles: FxHashMap<u64, String>,
    precincts: FxHashMap<u64, String>,
    groups: FxHashMap<u64, String>,
}

/// Last part of a member's path.
fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Whether a member is one of an export's files of sessions.
pub(super) fn is_export(name: &str) -> bool {
    let base = base(name).trim_end_matches(".gz");
    base.starts_with("CvrExport") && base.ends_with(".json")
}

pub(super) fn read(source: &mut Source, out: &mut Out<'_>) -> Result<(), ReadError> {
    let mut parts = source.parts()?;
    let exports: Vec<usize> = (0..parts.names().len())
        .filter(|at| is_export(&parts.names()[*at]))
        .collect();
    if exports.is_empty() {
        let what = "there is no CvrExport.json in it: name the folder or zip that holds the whole export";
        return Err(ReadError::format(&parts.place(usize::MAX), None, what));
    }
    let manifests = read_manifests(&mut parts, out)?;
    let mut several = 0u64;
    for at in exports {
        let place = parts.place(at);
        let mut record = 0;
        read_json(
            &place,
            parts.read(at)?,
            &["Sessions"],
            &["ElectionId"],
            &mut |key, value| {
                if key == "ElectionId" {
                    out.election.name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    return Ok(());
                }
                record += 1;
                let session = match serde_json::from_value::<Session>(value) {
                    Ok(session) => session,
                    Err(error) => {
                        out.lost(&place, record, format!("the session cannot be read: {error}"));
                        return Ok(());
                    }
                };
                match read_session(&session, &manifests, out, &mut several) {
                    Ok(()) => out.record(),
                    Err(what) => {
                        out.lost(&place, record, what);
                        Ok(())
                    }
                }
            },
        )?;
    }
    if several > 0 {
        let what = format!(
            "{several} sessions hold several cards; each session is one record, to be retrieved as a whole"
        );
        out.remark(&parts.place(usize::MAX), None, what);
    }
    Ok(())
}

fn read_manifests(parts: &mut Parts<'_>, out: &mut Out<'_>) -> Result<Manifests, ReadError> {
    let mut manifests = Manifests::default();
    let contests: Vec<ContestRow> = rows(parts, "ContestManifest.json")?.ok_or_else(|| {
        ReadError::format(
            &parts.place(usize::MAX),
            None,
            "there is no ContestManifest.json in it",
        )
    })?;
    for row in contests {
        let mut name = row.description.trim().to_owned();
        if out.election.contest(&name).is_some() {
            name = format!("{name} [{}]", row.id);
        }
        let votes = row.vote_for.max(1);
        let contest = Contest {
            kind: if row.num_of_ranks > 0 {
                ContestKind::Irv
            } else {
                ContestKind::Plurality
            },
            votes_allowed: votes,
            winners: votes,
            ranks: row.num_of_ranks.min(100),
            ..Contest::new(name)
        };
        let id = out.add_contest(contest)?;
        manifests.contests.insert(row.id, id);
    }
    let candidates: Vec<CandidateRow> = rows(parts, "CandidateManifest.json")?.ok_or_else(|| {
        ReadError::format(
            &parts.place(usize::MAX),
            None,
            "there is no CandidateManifest.json in it",
        )
    })?;
    for row in candidates {
        let Some(contest) = manifests.contests.get(&row.contest_id).copied() else {
            let what = format!(
                "candidate {} is of contest {}, which the contest manifest has not",
                row.id, row.contest_id
            );
            out.remark(&parts.place(usize::MAX), None, what);
            continue;
        };
        let mut name = row.description.trim().to_owned();
        if name.is_empty() || out.election.contests[contest.index()].candidate(&name).is_some() {
            name = format!("{name} [{}]", row.id).trim_start().to_owned();
        }
        let id = out.candidate(contest, &name)?;
        let Candidate { write_in, .. } = &mut out.election.contests[contest.index()].candidates[id.index()];
        // WriteIn, QualifiedWriteIn, UnqualifiedWriteIn.
        *write_in |= row.kind.ends_with("WriteIn");
        manifests.candidates.insert(row.id, (contest, id));
    }
    for (file, names) in [
        ("BallotTypeManifest.json", &mut manifests.styles),
        ("PrecinctPortionManifest.json", &mut manifests.precincts),
        ("CountingGroupManifest.json", &mut manifests.groups),
    ] {
        for row in rows::<NamedRow>(parts, file)?.unwrap_or_default() {
            names.insert(row.id, row.description);
        }
    }
    Ok(manifests)
}

fn rows<T: serde::de::DeserializeOwned>(
    parts: &mut Parts<'_>,
    file: &str,
) -> Result<Option<Vec<T>>, ReadError> {
    let Some(at) = parts
        .names()
        .iter()
        .position(|name| base(name).trim_end_matches(".gz") == file)
    else {
        return Ok(None);
    };
    let place = parts.place(at);
    let mut rows = Vec::new();
    let mut record = 0;
    read_json(&place, parts.read(at)?, &["List"], &[], &mut |_, value| {
        record += 1;
        // As many as there may be contests and candidates in all.
        if record > 1_000_000 {
            return Err(ReadError::Limit {
                file: place.clone(),
                what: "it has more than 1,000,000 entries".to_owned(),
            });
        }
        let row = serde_json::from_value(value).map_err(|error| {
            ReadError::format(&place, record, format!("the entry cannot be read: {error}"))
        })?;
        rows.push(row);
        Ok(())
    })?;
    Ok(Some(rows))
}

fn read_session(
    session: &Session,
    manifests: &Manifests,
    out: &mut Out<'_>,
    several: &mut u64,
) -> Result<(), String> {
    let form = match &session.modified {
        Some(modified) if modified.is_current || !session.original.is_current => modified,
        _ => &session.original,
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let record = text(&session.record_id);
    // Public exports write X for the number; the name of the image still ends in it.
    let record = match record.parse::<RecordId>() {
        Ok(record) => record,
        Err(_) => last_number(&session.image_mask)
            .ok_or_else(|| format!("RecordId is {}, and ImageMask holds no number", quoted(&record)))?,
    };
    *several += u64::from(form.cards.len() > 1);
    let contests = form
        .cards
        .iter()
        .flat_map(|card| &card.contests)
        .chain(&form.contests);
    for votes in contests {
        let contest = *manifests
            .contests
            .get(&votes.id)
            .ok_or_else(|| format!("contest {} is not in the contest manifest", votes.id))?;
        let ranked = out.election.contests[contest.index()].is_ranked();
        out.draft.votes(contest).overvoted |= !ranked && votes.overvotes > 0;
        for mark in &votes.marks {
            let counts = if ranked { !mark.is_ambiguous } else { mark.is_vote };
            if !counts {
                continue;
            }
            let (of, candidate) = *manifests
                .candidates
                .get(&mark.candidate_id)
                .ok_or_else(|| format!("candidate {} is not in the candidate manifest", mark.candidate_id))?;
            if of != contest {
                return Err(format!(
                    "candidate {} is marked in contest {}, which is not theirs",
                    mark.candidate_id, votes.id
                ));
            }
            out.draft
                .mark(contest, candidate, if ranked { mark.rank.max(1) } else { 0 });
        }
    }
    let into = &mut out.draft.record;
    set(&mut into.card.batch.tabulator, &session.tabulator_id.to_string());
    set(&mut into.card.batch.batch, &text(&session.batch_id));
    into.card.record = record;
    match session.unique_voting_identifier.as_deref() {
        Some(id) if !id.is_empty() => set(&mut into.card.imprinted, id),
        // What Dominion's scanners print, and the CSV export says.
        _ => set(
            &mut into.card.imprinted,
            &format!("{}-{}-{record}", session.tabulator_id, text(&session.batch_id)),
        ),
    }
    let name = |names: &FxHashMap<u64, String>, id: u64| names.get(&id).cloned().unwrap_or_default();
    into.style = name(&manifests.styles, form.ballot_type_id);
    into.precinct = name(&manifests.precincts, form.precinct_portion_id);
    into.group = name(&manifests.groups, session.counting_group_id);
    Ok(())
}

/// The number at the end of an image's name, such as 000001 in `…\00042_00001_000001*.*`.
fn last_number(mask: &str) -> Option<RecordId> {
    let name = mask.rsplit(['\\', '/']).next()?;
    let stem = name.split(['*', '.']).next()?;
    stem.rsplit('_').next()?.parse().ok()
}
