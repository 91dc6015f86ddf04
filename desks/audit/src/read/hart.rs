//! Hart's export: one XML file a card, in a zip; or a zip of such zips, one a tabulator, named as the tabulator.
//!
//! A contest that is listed is on the card, marked or not. The export lists only options that are marked, and says nowhere how
//! many may be marked but by `Undervotes`: marks and undervotes together are the votes allowed. Files are therefore read twice:
//! once to learn contests, and once for the votes. A CSV of scanned ballot information beside the zips names tabulators
//! (`Workstation`) and imprinted ids (`UniqueIdentifier`).

use std::borrow::Cow;
use std::io::{Seek, Write};

use rustc_hash::FxHashMap;

use super::draft::{Out, set};
use super::error::ReadError;
use super::source::{Parts, Source, read_full};
use super::table::Rows;
use super::text::{decode, quoted};
use super::tree::{Node, read_xml};
use crate::election::RecordId;

/// Most cards of which scanned ballot information is kept.
const MAX_INFORMATION: usize = 5_000_000;
/// What names written in are counted as: the export says the text, which is a voter's hand.
const WRITE_IN: &str = "Write-In";

#[derive(Default)]
struct Information {
    workstation: String,
    identifier: String,
}

pub(super) fn read(source: &mut Source, out: &mut Out<'_>) -> Result<(), ReadError> {
    let scratch = source.scratch();
    let mut parts = source.parts()?;
    let ends =
        |name: &str, end: &str| name.to_ascii_lowercase().ends_with(end) && !name.starts_with("__MACOSX/");
    let mut information = FxHashMap::default();
    let mut inner: Vec<(String, Source)> = Vec::new();
    for at in 0..parts.names().len() {
        let name = parts.names()[at].clone();
        if ends(&name, ".csv") {
            read_information(&mut parts, at, &mut information, out)?;
        } else if ends(&name, ".zip") {
            let place = parts.place(at);
            let fail = |error| ReadError::io(&place, error);
            let mut file = match &scratch {
                Some(dir) => tempfile::tempfile_in(dir),
                None => tempfile::tempfile(),
            }
            .map_err(fail)?;
            std::io::copy(&mut parts.read(at)?, &mut file).map_err(fail)?;
            file.flush().and_then(|()| file.rewind()).map_err(fail)?;
            let tabulator = name.rsplit('/').next().unwrap_or(&name);
            let tabulator = tabulator[..tabulator.len() - ".zip".len()].to_owned();
            inner.push((
                tabulator,
                Source::from_reader(place, Box::new(std::io::BufReader::new(file))),
            ));
        }
    }
    let loose: Vec<usize> = (0..parts.names().len())
        .filter(|at| ends(&parts.names()[*at], ".xml"))
        .collect();
    if loose.is_empty() && inner.is_empty() {
        return Err(ReadError::format(
            out_name(&parts).as_str(),
            None,
            "there is no XML file in it, as Hart's exports have",
        ));
    }
    // One zip alone is one tabulator whose name nobody gave; of several, each is named as its tabulator.
    let is_named = inner.len() > 1;
    for pass in [Pass::Learn, Pass::Hand] {
        read_files(&mut parts, &loose, None, &information, pass, out)?;
        for (tabulator, source) in &mut inner {
            let mut parts = source.parts()?;
            let files: Vec<usize> = (0..parts.names().len())
                .filter(|at| ends(&parts.names()[*at], ".xml"))
                .collect();
            let tabulator = is_named.then_some(tabulator.as_str());
            read_files(&mut parts, &files, tabulator, &information, pass, out)?;
        }
    }
    Ok(())
}

fn out_name(parts: &Parts<'_>) -> String {
    parts.place(usize::MAX)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Contests, candidates, votes allowed.
    Learn,
    /// Records.
    Hand,
}

fn read_files(
    parts: &mut Parts<'_>,
    files: &[usize],
    tabulator: Option<&str>,
    information: &FxHashMap<String, Information>,
    pass: Pass,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    for at in files {
        let place = parts.place(*at);
        let mut found = None;
        let read = parts.read(*at).and_then(|reader| {
            read_xml(&place, reader, &[], &mut |node| {
                found = Some(node);
                Ok(())
            })
        });
        let what = match (read, found) {
            (Err(ReadError::Format { what, .. }), _) => what,
            (Err(error), _) => return Err(error),
            (Ok(_), Some(card)) if card.name == "Cvr" => match pass {
                Pass::Learn => {
                    learn(&card, out)?;
                    continue;
                }
                Pass::Hand => match hand(&card, tabulator, information, out)? {
                    Ok(()) => {
                        out.record()?;
                        continue;
                    }
                    Err(what) => what,
                },
            },
            (Ok(root), _) => format!("its root is {}, not Cvr", quoted(&root)),
        };
        if pass == Pass::Hand {
            out.lost(&place, 1, what);
        }
    }
    Ok(())
}

fn contests(card: &Node) -> impl Iterator<Item = &Node> {
    card.child("Contests")
        .into_iter()
        .flat_map(|contests| contests.all("Contest"))
}

/// The options that are marked. A second name written in is a candidate of its own: two marks must not become one.
fn marked(contest: &Node) -> impl Iterator<Item = Cow<'_, str>> {
    let options = contest
        .child("Options")
        .into_iter()
        .flat_map(|options| options.all("Option"));
    // Only marked options are listed; a value that says otherwise is believed.
    let options = options.filter(|option| option.text_of("Value") != Some("0"));
    let mut written = 0;
    options.filter_map(move |option| {
        if option.child("WriteInData").is_none() {
            return option.text_of("Name").map(Cow::Borrowed);
        }
        written += 1;
        Some(if written == 1 {
            Cow::Borrowed(WRITE_IN)
        } else {
            Cow::Owned(format!("{WRITE_IN} ({written})"))
        })
    })
}

fn learn(card: &Node, out: &mut Out<'_>) -> Result<(), ReadError> {
    for contest in contests(card) {
        let Some(name) = contest.text_of("Name") else {
            continue;
        };
        let id = out.contest(name)?;
        let mut marks = 0u32;
        for option in marked(contest) {
            out.candidate(id, &option)?;
            marks += 1;
        }
        // Nobody votes for more than there are options on a sheet of paper; a larger number is a fault of the file.
        let undervotes = contest
            .number_of::<u32>("Undervotes")
            .filter(|count| *count <= 1_000)
            .unwrap_or(0);
        if undervotes > 0 {
            let contest = &mut out.election.contests[id.index()];
            contest.votes_allowed = contest.votes_allowed.max(marks + undervotes);
            contest.winners = contest.votes_allowed;
        }
    }
    Ok(())
}

/// Fills the draft; the inner error says why this card cannot be read.
fn hand(
    card: &Node,
    tabulator: Option<&str>,
    information: &FxHashMap<String, Information>,
    out: &mut Out<'_>,
) -> Result<Result<(), String>, ReadError> {
    let Some(batch) = card.text_of("BatchNumber") else {
        return Ok(Err("it has no BatchNumber".to_owned()));
    };
    let Some(sequence) = card
        .text_of("BatchSequence")
        .and_then(|text| text.parse::<RecordId>().ok())
    else {
        return Ok(Err("it has no BatchSequence that is a number".to_owned()));
    };
    for contest in contests(card) {
        let Some(name) = contest.text_of("Name") else {
            return Ok(Err("a contest has no name".to_owned()));
        };
        let id = out.contest(name)?;
        out.draft.votes(id);
        for option in marked(contest) {
            let candidate = out.candidate(id, &option)?;
            out.draft.mark(id, candidate, 0);
        }
    }
    let record = &mut out.draft.record;
    let guid = card.text_of("CvrGuid").unwrap_or_default();
    let known = information.get(guid);
    set(&mut record.card.batch.batch, batch);
    set(
        &mut record.card.batch.tabulator,
        tabulator
            .or(known.map(|known| known.workstation.as_str()))
            .unwrap_or_default(),
    );
    set(
        &mut record.card.imprinted,
        known.map_or(guid, |known| known.identifier.as_str()),
    );
    record.card.record = sequence;
    if let Some(precinct) = card
        .child("PrecinctSplit")
        .and_then(|split| split.text_of("Name"))
    {
        set(&mut record.precinct, precinct);
    }
    if let Some(party) = card.child("Party").and_then(|party| party.text_of("Name")) {
        set(&mut record.group, party);
    }
    Ok(Ok(()))
}

fn read_information(
    parts: &mut Parts<'_>,
    at: usize,
    information: &mut FxHashMap<String, Information>,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    let place = parts.place(at);
    let mut rows = Rows::new(&place, parts.read(at)?, b',')?;
    let mut columns: Option<[usize; 3]> = None;
    while let Some((row, line)) = rows.next()? {
        let Some([cvr, identifier, workstation]) = columns else {
            let find = |name: &str| {
                row.iter().position(|cell| {
                    decode(cell)
                        .trim()
                        .trim_start_matches('#')
                        .eq_ignore_ascii_case(name)
                })
            };
            if let (Some(cvr), Some(identifier), Some(workstation)) =
                (find("CvrId"), find("UniqueIdentifier"), find("Workstation"))
            {
                columns = Some([cvr, identifier, workstation]);
            }
            continue;
        };
        let cell = |at: usize| decode(row.get(at).unwrap_or_default()).trim().to_owned();
        let fresh = Information {
            workstation: cell(workstation),
            identifier: cell(identifier),
        };
        if let Some(known) = information.get(&cell(cvr))
            && (known.workstation != fresh.workstation || known.identifier != fresh.identifier)
        {
            return Err(ReadError::format(
                &place,
                line,
                format!(
                    "it says otherwise of {} than a line before it",
                    quoted(&cell(cvr))
                ),
            ));
        }
        information.insert(cell(cvr), fresh);
        if information.len() > MAX_INFORMATION {
            return Err(ReadError::Limit {
                file: place,
                what: format!("it describes more than {MAX_INFORMATION} cards"),
            });
        }
    }
    if columns.is_none() {
        out.remark(
            &place,
            None,
            "no header with CvrId, UniqueIdentifier and Workstation: this file is not read",
        );
    }
    Ok(())
}

/// Whether a zip or folder looks like Hart's, from a look into one of its files.
pub(super) fn is_hart(parts: &mut Parts<'_>, at: usize) -> bool {
    let mut head = [0; 4096];
    match parts.read(at) {
        Ok(mut reader) => {
            let got = read_full(&mut reader, &mut head).unwrap_or(0);
            // In UTF-16 each letter has a zero beside it.
            let text: Vec<u8> = head[..got].iter().copied().filter(|byte| *byte != 0).collect();
            text.windows(4).any(|window| window == b"<Cvr")
        }
        Err(_) => false,
    }
}
