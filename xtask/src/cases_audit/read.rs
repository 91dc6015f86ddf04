//! Cases of readers: cast vote records imported with their manifest, record by record and in sum.
//!
//! Where the importer that the cases were recorded from names things otherwise, its names are derived from ours before comparing: a
//! contest of a Clear Ballot export by what follows its last colon, a hexadecimal number of ES&S divided by 10^10. It also takes a
//! contest of a Hart export that has no mark to be missing on the card; an expectation of either count is met, because the cases
//! record its count and say the right one in a note. What was got is written as we read it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use pollwatch_audit::election::{
    Batch, BatchId, CastVoteRecord, Contest, ContestId, Election, Manifest, Tally,
};
use pollwatch_audit::index::IndexBuilder;
use pollwatch_audit::read::{CvrFormat, CvrRead, CvrSink, Source, read_cvrs, read_manifest};
use pollwatch_audit::reconcile::{DifferenceKind, reconcile};
use pollwatch_model::Problem;
use serde_json::{Map, Value, json};

use super::value::{list, object, text, whole};
use super::{Case, Got};
use crate::gen_cvr;

pub fn run(name: &str, case: &Case<'_>) -> Option<Result<Got>> {
    Some(match name {
        "import_cvr" => import(case),
        "import_cvr_totals" => totals(case),
        "undervoted-contest-is-on-the-card" => undervoted(),
        _ => return None,
    })
}

/// A Hart card with a contest that has no mark, and one with a mark: both carry the contest.
fn undervoted() -> Result<Got> {
    let card = |number: u32, options: &str| {
        format!(
            "<Cvr xmlns=\"http://tempuri.org/CVRDesign.xsd\"><Contests><Contest><Name>Measure</Name><Options>{options}</Options>\
             </Contest></Contests><BatchSequence>{number}</BatchSequence><BatchNumber>1</BatchNumber>\
             <CvrGuid>g{number}</CvrGuid></Cvr>"
        )
    };
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("1.xml"), card(1, ""))?;
    std::fs::write(
        dir.path().join("2.xml"),
        card(2, "<Option><Name>Yes</Name><Value>1</Value></Option>"),
    )?;
    let mut counted = Counted::default();
    read_cvrs(&mut Source::open(dir.path())?, None, &mut counted)?;
    let contest = counted.tally.contests.first().cloned().unwrap_or_default();
    Ok(Got {
        value: json!({"cards": contest.cards, "blank": contest.blank, "votes": contest.votes}),
        is_right: contest.cards == 2
            && contest.blank == 1
            && contest.votes == [1]
            && counted.problems.is_empty(),
    })
}

#[derive(Default)]
struct Kept {
    records: Vec<CastVoteRecord>,
    problems: Vec<String>,
}

impl CvrSink for Kept {
    fn record(&mut self, _: &Election, record: &CastVoteRecord) -> io::Result<()> {
        self.records.push(record.clone());
        Ok(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem.to_string());
    }
}

fn format(input: &Value) -> Result<CvrFormat> {
    Ok(match text(&input["format"])? {
        "DOMINION" => CvrFormat::DominionCsv,
        "CLEARBALLOT" => CvrFormat::ClearBallot,
        "ESS" => CvrFormat::Ess,
        "HART" => CvrFormat::Hart,
        other => bail!("no reader for {other}"),
    })
}

fn import(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let path = case.folder.join(text(&input["file"])?);
    let format = format(input)?;
    let mut kept = Kept::default();
    let read = read_cvrs(&mut Source::open(&path)?, Some(format), &mut kept);
    let expected_error = case.row.get("expect_error_like").and_then(Value::as_str);
    let manifest = manifest(&input["manifest"])?;
    let differences = match &read {
        Ok(read) => differences(read, &kept, &manifest)?,
        Err(_) => Vec::new(),
    };
    if let Some(expected) = expected_error {
        // The peer refuses; whether we refuse or name it, the fault must be named with the batch or row that it is about.
        let said: Vec<String> = match read {
            Ok(_) => differences.into_iter().chain(kept.problems).collect(),
            Err(error) => vec![error.to_string()],
        };
        let is_right = !said.is_empty() && named_in(expected, &said);
        return Ok(Got {
            value: json!({"said": said}),
            is_right,
        });
    }
    let read = read?;
    let counts = contests(&read.election, &kept.records);
    let rows = ballots(&read.election, &kept.records, &case.expect()["contests"], format)?;
    let mut is_right = is_expected(case, &counts, &rows)?;
    if !is_right && format == CvrFormat::Hart {
        let mut marked = kept.records.clone();
        for record in &mut marked {
            record.votes.retain(|votes| !votes.is_blank());
        }
        let rows = ballots(&read.election, &marked, &case.expect()["contests"], format)?;
        is_right = is_expected(case, &contests(&read.election, &marked), &rows)?;
    }
    is_right &= kept.problems.is_empty() && differences.is_empty();
    let value =
        json!({"contests": counts, "ballots": rows, "problems": kept.problems, "differences": differences});
    Ok(Got { value, is_right })
}

/// Whether some word of the peer's message that has a digit in it (a batch, a row, an id) is in ours.
fn named_in(expected: &str, said: &[String]) -> bool {
    let words = expected.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'));
    let mut words = words.filter(|word| word.bytes().any(|byte| byte.is_ascii_digit()));
    words.any(|word| said.iter().any(|said| said.contains(word)))
}

fn manifest(rows: &Value) -> Result<Manifest> {
    let mut manifest = Manifest::default();
    for (row, line) in list(rows)?.iter().zip(2..) {
        let id = BatchId::new(
            row["tabulator"].as_str().unwrap_or_default(),
            text(&row["batch"])?,
        );
        manifest.batches.push(Batch {
            id,
            cards: whole(&row["num_ballots"])?,
            has_records: None,
            jurisdiction: String::new(),
            line,
        });
    }
    Ok(manifest)
}

fn differences(read: &CvrRead, kept: &Kept, manifest: &Manifest) -> Result<Vec<String>> {
    let dir = tempfile::tempdir()?;
    let mut builder = IndexBuilder::new(Some(dir.path()));
    for record in &kept.records {
        builder.record(&read.election, record)?;
    }
    let mut index = builder.finish(&read.election, &dir.path().join("cards"))?;
    let found = reconcile(manifest, &mut index)?;
    Ok(found
        .differences
        .into_iter()
        // A card without a record is a phantom of the audit, and no fault of the import.
        .filter(|difference| {
            !matches!(
                difference.kind,
                DifferenceKind::CardsWithoutRecord | DifferenceKind::BatchWithoutRecords
            )
        })
        .map(|difference| difference.says)
        .collect())
}

/// The name that the peer gives a contest.
fn peer_name(name: &str, format: CvrFormat) -> &str {
    match format {
        CvrFormat::ClearBallot => name.rsplit(':').next().unwrap_or(name),
        _ => name,
    }
}

fn contests(election: &Election, records: &[CastVoteRecord]) -> Value {
    let mut tally = Tally::default();
    for record in records {
        tally.add(election, record);
    }
    let mut contests = Map::new();
    for (contest, at) in election.contests.iter().zip(0..) {
        let count = tally.contests.get(at).cloned().unwrap_or_default();
        let votes = contest
            .candidates
            .iter()
            .zip(count.votes.iter().copied().chain(std::iter::repeat(0)))
            .map(|(candidate, votes)| (candidate.name.clone(), json!(votes)));
        contests.insert(
            contest.name.clone(),
            json!({"votes_allowed": contest.votes_allowed, "total_ballots_cast": count.cards,
                "num_votes": votes.collect::<Map<_, _>>()}),
        );
    }
    Value::Object(contests)
}

/// One row a record, as the peer stores it: cells in the peer's order of columns.
fn ballots(
    election: &Election,
    records: &[CastVoteRecord],
    expected: &Value,
    format: CvrFormat,
) -> Result<Vec<Value>> {
    let mut columns: Vec<Option<(ContestId, u32)>> = Vec::new();
    for (name, contest) in object(expected)? {
        let of_peer = |contest: &&Contest| peer_name(&contest.name, format) == name;
        let Some(known) = election.contests.iter().find(of_peer) else {
            bail!("there is no contest {name}")
        };
        let id = election.contest(&known.name).context("a contest has a place")?;
        for (choice, column) in object(&contest["choices"])? {
            let candidate = known
                .candidate(choice)
                .with_context(|| format!("there is no choice {choice}"))?;
            let at = usize::try_from(whole(&column["column"])?)?;
            if columns.len() <= at {
                columns.resize(at + 1, None);
            }
            columns[at] = Some((id, candidate.0));
        }
    }
    let mut sorted: Vec<&CastVoteRecord> = records.iter().collect();
    sorted.sort_by_key(|record| &record.card);
    let mut positions: BTreeMap<&BatchId, u64> = BTreeMap::new();
    let mut rows = Vec::new();
    for record in sorted {
        let position = positions.entry(&record.card.batch).or_default();
        *position += 1;
        let cells: Vec<&str> = columns
            .iter()
            .map(|column| cell(election, record, *column, format))
            .collect();
        let batch = &record.card.batch;
        let tabulator = if batch.tabulator.is_empty() {
            Value::Null
        } else {
            json!(batch.tabulator)
        };
        let number = record.card.record.to_string();
        let number = number
            .parse::<u64>()
            .map_or(json!(number), |number| json!(number));
        rows.push(json!([
            tabulator,
            batch.batch,
            *position,
            number,
            record.card.imprinted,
            cells.join(",")
        ]));
    }
    Ok(rows)
}

fn cell(
    election: &Election,
    record: &CastVoteRecord,
    column: Option<(ContestId, u32)>,
    format: CvrFormat,
) -> &'static str {
    let Some((contest, candidate)) = column else {
        return "";
    };
    let Some(votes) = record.contest(contest) else {
        return "";
    };
    let known = &election.contests[contest.index()];
    match format {
        CvrFormat::Ess if votes.is_overvote(known) => "o",
        CvrFormat::Ess if votes.marks.is_empty() => "u",
        _ if votes.marks.iter().any(|mark| mark.candidate.0 == candidate) => "1",
        _ => "0",
    }
}

fn is_expected(case: &Case<'_>, contests: &Value, ballots: &[Value]) -> Result<bool> {
    let expect = case.expect();
    let format = format(case.input())?;
    let mut is_right = true;
    let got = object(contests)?;
    for (name, contest) in object(&expect["contests"])? {
        let Some((_, ours)) = got.iter().find(|(ours, _)| peer_name(ours, format) == name) else {
            return Ok(false);
        };
        is_right &= whole(&ours["votes_allowed"])? == whole(&contest["votes_allowed"])?;
        is_right &= whole(&ours["total_ballots_cast"])? == whole(&contest["total_ballots_cast"])?;
        let choices = object(&contest["choices"])?;
        is_right &= choices.len() == object(&ours["num_votes"])?.len();
        for (choice, expected) in choices {
            is_right &= ours["num_votes"][choice] == expected["num_votes"];
        }
    }
    is_right &= got.len() == object(&expect["contests"])?.len();
    let rows = list(&expect["ballots"])?;
    let mut expected: Vec<Value> = rows.clone();
    let mut ours: Vec<Value> = ballots.to_vec();
    for row in &mut ours {
        row[3] = peer_number(&row[3], &row[4], format);
    }
    expected.sort_by_key(Value::to_string);
    ours.sort_by_key(Value::to_string);
    Ok(is_right && expected == ours)
}

fn peer_number(number: &Value, imprinted: &Value, format: CvrFormat) -> Value {
    let id = imprinted.as_str().unwrap_or_default();
    let hexadecimal = format == CvrFormat::Ess && id.len() == 16;
    match u128::from_str_radix(id, 16) {
        Ok(value) if hexadecimal => json!((value / 10_000_000_000) as u64),
        _ => number.clone(),
    }
}

/// Counts records and keeps none.
#[derive(Default)]
struct Counted {
    tally: Tally,
    problems: Vec<String>,
}

impl CvrSink for Counted {
    fn record(&mut self, election: &Election, record: &CastVoteRecord) -> io::Result<()> {
        self.tally.add(election, record);
        Ok(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem.to_string());
    }
}

fn totals(case: &Case<'_>) -> Result<Got> {
    let input = case.input();
    let dir = tempfile::tempdir()?;
    let named = case.folder.join(text(&input["file"])?);
    let (path, manifest_path) = match named.is_file() {
        true => (named, case.folder.join(text(&input["manifest"])?)),
        false => made(dir.path(), input)?,
    };
    let begun = Instant::now();
    let mut counted = Counted::default();
    let read = read_cvrs(&mut Source::open(&path)?, None, &mut counted)?;
    let seconds = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let mut builder = IndexBuilder::new(Some(dir.path()));
    read_cvrs(&mut Source::open(&path)?, None, &mut builder)?;
    let mut index = builder.finish(&read.election, &dir.path().join("cards"))?;
    let indexed_seconds = begun.elapsed().as_secs_f64();
    let manifest = read_manifest(&mut Source::open(&manifest_path)?, &mut |_| {})?;
    let found = reconcile(&manifest, &mut index)?;
    let contests: Map<String, Value> = read
        .election
        .contests
        .iter()
        .zip(&counted.tally.contests)
        .map(|(contest, count)| {
            let votes = contest.candidates.iter().zip(&count.votes);
            let votes = votes.map(|(candidate, votes)| (candidate.name.clone(), json!(votes)));
            let value = json!({"total_ballots_cast": count.cards, "num_votes": votes.collect::<Map<_, _>>()});
            (contest.name.clone(), value)
        })
        .collect();
    let is_right = Value::Object(contests.clone()) == *case.expect()
        && counted.problems.is_empty()
        && counted.tally == *index.tally()
        && found.is_clean();
    let value = json!({"contests": contests, "records": read.records, "seconds": seconds,
        "seconds_with_index": indexed_seconds, "differences": found.differences.len()});
    Ok(Got { value, is_right })
}

/// Makes the large export that the case describes, and checks its digest.
fn made(dir: &Path, input: &Value) -> Result<(std::path::PathBuf, std::path::PathBuf)> {
    let (cvr, manifest) = (dir.join("cvr.csv"), dir.join("manifest.csv"));
    let digests = gen_cvr::write(1_000_000, &cvr, &manifest)?;
    if digests.cvr != text(&input["uncompressed_sha256"])? {
        bail!("the generator's file has another digest than the case names");
    }
    if digests.manifest != text(&input["manifest_sha256"])? {
        bail!("the generator's manifest has another digest than the case names");
    }
    Ok((cvr, manifest))
}
