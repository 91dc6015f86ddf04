//! The package: everything that follows from an audit's log and files, byte for byte, so that anybody can derive it again.
//!
//! | file | what it is | what it follows from |
//! |---|---|---|
//! | `inputs/…` | the files | their digests are in the log |
//! | `events.jsonl` | the log, one signed statement a line | the ledger |
//! | `ledger/key.txt`, `ledger/proofs.jsonl` | the key and, for each event, its proof | each other |
//! | `records/…` | of withheld records: their number, their sums, and those of drawn cards | the records, as an insider can check |
//! | `draw.csv` | the draws in order | inputs and seed |
//! | `readings.csv` | every reading, those taken back included | the log |
//! | `results.jsonl` | each risk with the values that it is a function of | all of that |
//! | `index.html`, `README.txt` | the same for people | all of that |
//! | `SHA256SUMS` | digests, to be checked by other programs too | the files |

use std::collections::BTreeMap;

use pollwatch_model::Observed;

use crate::desk::document;
use crate::explain::Head;
use crate::flow::event::{Event, Marked};
use crate::flow::{Assessment, Draw, Frame, State, Verdict};
use crate::page::{Report, report_page};

/// Name of the log in a package.
pub const EVENTS: &str = "events.jsonl";
/// Name of the verifier key.
pub const KEY: &str = "ledger/key.txt";
/// Name of the proofs.
pub const PROOFS: &str = "ledger/proofs.jsonl";
/// Name of the list of digests.
pub const SUMS: &str = "SHA256SUMS";
/// Folder of the inputs.
pub const INPUTS: &str = "inputs";

/// Folder of what is public of records that are withheld.
pub const RECORDS: &str = "records";

/// What the package is, for whoever opens the folder.
const README: &str = include_str!("package/README.txt");

/// The head of an audit's assessment: what it is about, and from when to when.
///
/// `None` when the audit is not open.
pub fn head_of(name: &str, state: &State, assessment: &Assessment) -> Option<Head> {
    let opened = state.opened()?;
    let mut window = Observed::default();
    for entry in state.log() {
        if matches!(
            entry.event,
            Event::Sampled(_) | Event::Read(_) | Event::BatchCounted(_) | Event::FullyCounted(_)
        ) {
            window = window.union(Observed::at(Some(entry.at)));
        }
    }
    let names = |is_one: fn(Verdict) -> bool| -> Vec<String> {
        let of = assessment.contests.iter().filter(|one| is_one(one.verdict));
        of.map(|one| one.contest.clone()).collect()
    };
    Some(Head {
        schema: 1,
        audit: name.to_owned(),
        title: opened.title.clone(),
        target: opened.target.clone(),
        risk_limit: opened.risk_limit.clone(),
        answers: state.answers().clone(),
        window,
        at: state.log().last()?.at,
        read: assessment.read,
        not_audited: names(|verdict| verdict == Verdict::NotAudited),
        open: names(|verdict| matches!(verdict, Verdict::NotYet | Verdict::FullCount)),
    })
}

/// The derived files of a package, by name: all but the inputs, the log, the ledger's and the list of digests.
///
/// The same log and files give the same bytes on every machine. Errors: a value that JSON cannot hold.
pub fn derive(
    name: &str,
    state: &State,
    frame: &Frame,
    draw: &Draw,
    assessment: &Assessment,
) -> Result<BTreeMap<String, Vec<u8>>, serde_json::Error> {
    let mut files = BTreeMap::new();
    files.insert("README.txt".to_owned(), README.as_bytes().to_vec());
    files.insert("draw.csv".to_owned(), draw_csv(frame, draw).into_bytes());
    files.insert("readings.csv".to_owned(), readings_csv(state).into_bytes());
    if let Some(head) = head_of(name, state, assessment) {
        files.insert("results.jsonl".to_owned(), document(&head, assessment)?);
        let report = Report {
            head: &head,
            state,
            frame,
            assessment,
        };
        files.insert("index.html".to_owned(), report_page(&report).into_bytes());
    }
    Ok(files)
}

fn csv_text(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = (|| {
        writer.write_record(header)?;
        for row in rows {
            writer.write_record(&row)?;
        }
        writer.flush()?;
        Ok::<(), csv::Error>(())
    })();
    debug_assert!(written.is_ok(), "writing into memory cannot fail");
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Every draw in order.
fn draw_csv(frame: &Frame, draw: &Draw) -> String {
    let rows = (1..).zip(&draw.picks).map(|(order, pick): (u64, _)| {
        let contests: Vec<&str> = pick
            .contests
            .iter()
            .map(|place| frame.contests()[*place].contest.name.as_str())
            .collect();
        vec![
            order.to_string(),
            pick.ticket.clone(),
            pick.card.key.0.clone(),
            pick.times.to_string(),
            serde_json::Value::from(contests).to_string(),
        ]
    });
    csv_text(&["draw", "ticket", "card", "time of this card", "contests"], rows)
}

/// Every reading, with the entry that it stands in and the one that took it back.
fn readings_csv(state: &State) -> String {
    let rows = (0..).zip(state.log()).flat_map(|(number, entry)| {
        let taken_back = state
            .undone_by(number)
            .map(|by| by.to_string())
            .unwrap_or_default();
        match &entry.event {
            Event::Read(reading) => {
                let lead = |contest: &str, says: String| {
                    vec![
                        number.to_string(),
                        taken_back.clone(),
                        reading.card.0.clone(),
                        reading.reader.clone(),
                        if reading.found { "yes" } else { "no" }.to_owned(),
                        contest.to_owned(),
                        says,
                    ]
                };
                if reading.votes.is_empty() {
                    vec![lead("", String::new())]
                } else {
                    reading
                        .votes
                        .iter()
                        .map(|(contest, marked)| lead(contest, marked_text(marked)))
                        .collect()
                }
            }
            Event::BatchCounted(reading) => reading
                .votes
                .iter()
                .map(|(contest, votes)| {
                    vec![
                        number.to_string(),
                        taken_back.clone(),
                        reading.card.0.clone(),
                        reading.reader.clone(),
                        "yes".to_owned(),
                        contest.clone(),
                        serde_json::to_string(votes).unwrap_or_default(),
                    ]
                })
                .collect(),
            _ => Vec::new(),
        }
    });
    csv_text(
        &[
            "entry",
            "taken back by",
            "card",
            "reader",
            "found",
            "contest",
            "says",
        ],
        rows,
    )
}

/// What a reading says, as the CSV of readings writes it.
pub fn marked_text(marked: &Marked) -> String {
    if marked.overvoted {
        return "overvote".to_owned();
    }
    if !marked.ranks.is_empty() {
        let ranks: Vec<String> = marked.ranks.iter().map(|names| names.join(" & ")).collect();
        return ranks.join(" | ");
    }
    if marked.marks.is_empty() {
        return "blank".to_owned();
    }
    marked.marks.join(" | ")
}
