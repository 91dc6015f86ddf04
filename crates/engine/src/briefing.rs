//! Gathers the record into a briefing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pollwatch_brief::{AbsentDesk, BriefExcerpt, BriefFinding, Briefing, LedgerPlace};
use pollwatch_casework::tally::{Field, Window};
use pollwatch_model::Tlp;
use pollwatch_store::{Dismissed, Store};

use crate::record::is_key_entry;
use crate::statement::Leaf;
use crate::tally::TallyQuery;
use crate::workspace::Workspace;
use crate::{Error, desks};

/// Findings whose evidence and proof are printed in full; the brief lists the rest in a table.
const IN_FULL: usize = 200;
/// Bytes of an excerpt that are printed.
const EXCERPT_BYTES: usize = 2_000;

impl Workspace {
    /// The briefing as one page of HTML. The same record gives the same bytes.
    pub fn brief(&self, tlp: Tlp) -> Result<String, Error> {
        let findings = self.all_findings(Dismissed::Included)?;
        // After the findings, so that it covers every entry they name, also while another process records.
        let log = self.log_reader()?;
        let mut prepared = None;
        for index in (0..log.size()).rev() {
            let entry = log.entry(index).map_err(Error::ledger("read"))?;
            // A new key is no news.
            if !is_key_entry(&entry) {
                prepared = serde_json::from_slice::<Leaf>(&entry).ok().map(|leaf| leaf.at);
                break;
            }
        }
        let prepared = match prepared {
            Some(at) => at,
            None => self.created()?,
        };
        let mut briefing = Briefing::new(self.register(), prepared, tlp);
        for (place, stored) in findings.into_iter().enumerate() {
            let mut entry = BriefFinding::from(stored.finding);
            entry.decision = stored.decision;
            // Withheld findings are counted by the page and shown nowhere: their evidence is not even read.
            if place < IN_FULL && entry.finding.tlp <= tlp {
                entry.ledger = match stored.ledger_index {
                    None => None,
                    Some(index) => Some(LedgerPlace {
                        index,
                        proof_text: self.proof(&log, index)?,
                    }),
                };
                entry.excerpts = self
                    .excerpts(&entry.finding)?
                    .into_iter()
                    .filter_map(|(reference, bytes)| {
                        let mut bytes = bytes?;
                        let truncated = bytes.len() > EXCERPT_BYTES;
                        bytes.truncate(EXCERPT_BYTES);
                        Some(BriefExcerpt {
                            reference,
                            bytes,
                            truncated,
                        })
                    })
                    .collect();
            }
            briefing.findings.push(entry);
        }
        // What other offices sent comes behind our own: their evidence stays with them.
        let others = self.imported()?;
        for other in others.findings {
            let mut entry = BriefFinding::from(other.finding);
            entry.decision = other.decision;
            entry.origin = Some((other.origin, other.entry_index));
            briefing.findings.push(entry);
        }
        briefing.imported = others.coverage;
        briefing.withheld_elsewhere = others.withheld;
        // The page counts over the same time as the count that was recorded last.
        let (window, fields) = match self.tallies()?.pop() {
            Some(kept) => {
                let tally = kept.recorded.tally;
                (
                    tally.window,
                    tally.fields.into_iter().map(|field| field.field).collect(),
                )
            }
            None => {
                let question = self.tally_basis(&TallyQuery::default())?.question;
                (question.window, question.fields)
            }
        };
        briefing.window = window;
        briefing.windows = windows_of(fields);
        briefing.coverage = self.coverage()?;
        briefing.problems = briefing
            .coverage
            .iter()
            .map(|coverage| coverage.records_unread)
            .sum();
        briefing.desks = desks::all().iter().map(|desk| desk.card()).collect();
        briefing.absent = desks::ABSENT
            .iter()
            .map(|(title, unseen)| AbsentDesk {
                title: (*title).to_owned(),
                unseen: (*unseen).to_owned(),
            })
            .collect();
        briefing.checkpoint = Some(log.signed_checkpoint().to_string());
        Ok(pollwatch_brief::render(&briefing))
    }

    /// When the workspace was made.
    fn created(&self) -> Result<Timestamp, Error> {
        let created = self
            .block_on(self.store().meta("created"))
            .map_err(Error::store("read"))?;
        Ok(created
            .and_then(|text| text.parse().ok())
            .unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

/// Of each field that names one the time of which its shares are told.
fn windows_of(fields: Vec<Field>) -> BTreeMap<String, Window> {
    fields
        .into_iter()
        .filter_map(|field| Some((field.desk, field.window?)))
        .collect()
}
