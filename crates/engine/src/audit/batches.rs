//! Counts of drawn batches, to and from CSV: `card` (the batch's name in the audit), container, tabulator, batch, `cards`,
//! `reader`, and one column a candidate headed `contest: candidate`.

use std::collections::BTreeMap;

use pollwatch_audit::flow::event::{BatchReading, CardKey, Event};
use pollwatch_audit::flow::{self, check_batch_reading};
use pollwatch_model::Problem;

use super::{AuditError, Session};
use crate::Error;

/// The columns that say which batch, how many cards were in it, and who counted.
const LEAD: [&str; 6] = ["card", "container", "tabulator", "batch", "cards", "reader"];
/// Most rows of one file: a state has some hundred thousand batches.
const MAX_ROWS: usize = 1_000_000;

impl Session {
    fn batch_columns(&self) -> Vec<(String, String, String)> {
        self.audited_contests()
            .into_iter()
            .flat_map(|contest| {
                let name = contest.name.clone();
                contest.candidates.into_iter().map(move |candidate| {
                    (
                        format!("{name}: {}", candidate.name),
                        name.clone(),
                        candidate.name,
                    )
                })
            })
            .collect()
    }

    pub(super) fn blank_batch_form(&self) -> Result<String, Error> {
        let broken = |error: csv::Error| AuditError::Files(error.to_string());
        let mut writer = csv::Writer::from_writer(Vec::new());
        let columns = self.batch_columns();
        let header = LEAD
            .iter()
            .map(|name| (*name).to_owned())
            .chain(columns.iter().map(|(title, _, _)| title.clone()));
        writer.write_record(header).map_err(broken)?;
        for row in self.retrieval()?.into_iter().filter(|row| !row.is_read) {
            let mut cells = vec![
                row.key,
                row.container,
                row.tabulator,
                row.batch,
                String::new(),
                String::new(),
            ];
            cells.resize(LEAD.len() + columns.len(), String::new());
            writer.write_record(&cells).map_err(broken)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| AuditError::Files(error.to_string()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn batches_from_csv(
        &self,
        name: &str,
        bytes: &[u8],
        reader: &str,
    ) -> Result<(Vec<Event>, Vec<Problem>), Error> {
        let (_, draw) = self.draw()?;
        let plans = self
            .audit()
            .state()
            .opened()
            .map(|opened| opened.contests.clone())
            .unwrap_or_default();
        let mut rows = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let refuse = |error: csv::Error| AuditError::Files(format!("{name}: {error}"));
        let header = rows.headers().map_err(refuse)?.clone();
        let place = |title: &str| header.iter().position(|one| one == title);
        let Some(card_place) = place("card") else {
            return Err(AuditError::Files(format!(
                "{name}: there is no column \"card\"; begin with the form that --form writes"
            ))
            .into());
        };
        let columns = self.batch_columns();
        let (mut events, mut refused) = (Vec::new(), Vec::new());
        for row in rows.records().take(MAX_ROWS) {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    refused.push(Problem::lost(
                        name,
                        error.position().map_or(0, csv::Position::line),
                        error.to_string(),
                    ));
                    continue;
                }
            };
            let line = row.position().map_or(0, csv::Position::line);
            let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or("");
            let number = |text: &str, what: &str| -> Result<u64, String> {
                text.replace(',', "")
                    .parse()
                    .map_err(|_| format!("{text:?} in the column {what:?} is no count"))
            };
            let read = || -> Result<BatchReading, String> {
                let card = CardKey(cell(Some(card_place)).to_owned());
                if !draw.has(&card) {
                    return Err(flow::Refused::NotDrawn { card }.to_string());
                }
                let mut votes: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
                for (title, contest, candidate) in &columns {
                    let at = place(title).ok_or_else(|| format!("there is no column {title:?}"))?;
                    let count = number(cell(Some(at)), title)?;
                    votes
                        .entry(contest.clone())
                        .or_default()
                        .insert(candidate.clone(), count);
                }
                let who = cell(place("reader"));
                let reading = BatchReading {
                    card,
                    reader: if who.is_empty() { reader } else { who }.to_owned(),
                    cards: number(cell(place("cards")), "cards")?,
                    votes,
                };
                check_batch_reading(&plans, &reading).map_err(|why| why.to_string())?;
                Ok(reading)
            };
            match read() {
                Ok(reading) => events.push(Event::BatchCounted(reading)),
                Err(why) => refused.push(Problem::lost(name, line, why)),
            }
        }
        Ok((events, refused))
    }
}
