//! Streams of events: what a desk keeps whose state is what its events make of it.
//!
//! Each event is a statement in the evidence, a row of the record and an entry of the ledger. A statement names the one
//! before it by digest, so that whoever is shown the last event of a stream can tell whether one was left out.

use jiff::Timestamp;
use pollwatch_model::EvidenceId;
use pollwatch_store::{EventRecord, Store};

use crate::Error;
use crate::statement::{Content, DeskEvent, seal};
use crate::workspace::Workspace;

/// Events that are read from the record at once.
const EVENTS_AT_ONCE: u32 = 10_000;

/// An event that was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEvent {
    /// Its number in the stream, from 0.
    pub seq: u64,
    /// The event in the desk's own form.
    pub event: serde_json::Value,
    /// The statement that tells of it.
    pub statement: EvidenceId,
    /// Its place in the ledger; `None` while it waits for its signature.
    pub ledger_index: Option<u64>,
}

impl Workspace {
    /// Every event of a stream, in order; none for a stream that does not exist.
    pub fn events(&self, desk: &str, stream: &str) -> Result<Vec<KeptEvent>, Error> {
        let mut all: Vec<KeptEvent> = Vec::new();
        loop {
            let page = self
                .block_on(
                    self.store()
                        .events(desk, stream, all.len() as u64, EVENTS_AT_ONCE),
                )
                .map_err(Error::store("read"))?;
            let is_last = page.len() < EVENTS_AT_ONCE as usize;
            for stored in page {
                all.push(KeptEvent {
                    seq: stored.seq,
                    event: serde_json::from_str(&stored.json)?,
                    statement: stored.statement,
                    ledger_index: stored.ledger_index,
                });
            }
            if is_last {
                return Ok(all);
            }
        }
    }

    /// The names of a desk's streams.
    pub fn event_streams(&self, desk: &str) -> Result<Vec<String>, Error> {
        let streams = self
            .block_on(self.store().event_streams())
            .map_err(Error::store("read"))?;
        Ok(streams
            .into_iter()
            .filter(|stream| stream.desk == desk)
            .map(|stream| stream.stream)
            .collect())
    }

    /// Appends events to a stream behind `before`, all of it as the caller has seen it, and signs them in.
    ///
    /// Errors: [`Error::Store`] with `StreamMovedOn` when the stream has grown since; nothing is kept then.
    pub fn append_events(
        &mut self,
        desk: &str,
        stream: &str,
        before: &[KeptEvent],
        events: &[serde_json::Value],
        now: Timestamp,
    ) -> Result<(), Error> {
        let first = before.len() as u64;
        let mut previous = before.last().map(|kept| kept.statement);
        let mut sealed = Vec::with_capacity(events.len());
        for (seq, event) in (first..).zip(events) {
            let content = Content::Event(DeskEvent {
                desk: desk.to_owned(),
                stream: stream.to_owned(),
                seq,
                previous,
                event: event.clone(),
            });
            let one = seal(content, self.nonce()?, now)?;
            previous = Some(one.id);
            sealed.push((serde_json::to_string(event)?, one));
        }
        let bytes: Vec<&[u8]> = sealed.iter().map(|(_, one)| one.bytes.as_slice()).collect();
        let places = self.put(&bytes)?;
        let records: Vec<EventRecord> = sealed
            .into_iter()
            .zip(places)
            .map(|((json, one), location)| EventRecord {
                json,
                statement: one.id,
                location,
                leaf: one.leaf,
            })
            .collect();
        self.block_on(self.store().append_events(desk, stream, first, &records))
            .map_err(Error::store("write to"))?;
        self.sequence()
    }
}
