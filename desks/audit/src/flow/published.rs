//! Records of which only a part is public: how many there are, what they add up to, and those that the draw came by.
//!
//! Whoever has them can derive draw and risks. That they follow from the records that are withheld, only an insider can check.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use super::draw::Draw;
use super::frame::{BatchKind, County, Frame, FrameCard, Paper, RecordBatch, Records};
use crate::election::{CastVoteRecord, ContestCount, ContestVotes, Election, Redaction};

/// Largest file of published records, in bytes: a million cards of twenty contests.
pub const MAX_PUBLISHED_BYTES: u64 = 1 << 30;

/// The public part of one county's records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedRecords {
    /// Version of this format: 1.
    pub schema: u32,
    /// Contests and candidates as the records name them.
    pub election: Election,
    /// The batches, in order.
    pub batches: Vec<RecordBatch>,
    /// What the records add up to, contest by contest in the election's order.
    pub counts: Vec<ContestCount>,
    /// Records whose votes were withheld by whoever made them.
    pub withheld: u64,
    /// By ordinal, the records of drawn cards; of cards that the draw passed over only which contests are on them.
    pub cards: BTreeMap<u64, CastVoteRecord>,
}

/// What the public may see of the records of the county at `place` of the frame; `None` where it has none.
///
/// Style, precinct and group are left out, and so is all that is written on cards that were not drawn.
pub fn publish_records(frame: &Frame, place: usize, draw: &Draw) -> io::Result<Option<PublishedRecords>> {
    let county: &County = &frame.counties()[place];
    let Some(records) = &county.records else {
        return Ok(None);
    };
    let mut records = records.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut counts = vec![ContestCount::default(); county.election.contests.len()];
    let mut withheld = 0;
    records.each(&mut |_, record| {
        if record.redaction == Redaction::Withheld {
            withheld += 1;
            return;
        }
        for votes in &record.votes {
            if let (Some(count), Some(contest)) = (
                counts.get_mut(votes.contest.index()),
                county.election.get(votes.contest),
            ) {
                count.add(contest, votes);
            }
        }
    })?;
    let ordinal_of = |card: &FrameCard| {
        let batch = &frame.batches()[card.batch];
        match (batch.kind, &card.paper) {
            (BatchKind::Records { first }, Paper::Record { .. }) if batch.county == place => {
                Some(first + card.position - 1)
            }
            _ => None,
        }
    };
    let mut cards = BTreeMap::new();
    let drawn = draw.picks.iter().map(|pick| (&pick.card, true));
    for (card, is_drawn) in drawn.chain(draw.passed.iter().map(|card| (card, false))) {
        let Some(ordinal) = ordinal_of(card) else {
            continue;
        };
        let Some(mut record) = records.at(ordinal)? else {
            continue;
        };
        record.style.clear();
        record.precinct.clear();
        record.group.clear();
        if !is_drawn {
            record.card.imprinted.clear();
            for votes in &mut record.votes {
                *votes = ContestVotes {
                    contest: votes.contest,
                    marks: Vec::new(),
                    overvoted: false,
                    overvoted_ranks: Vec::new(),
                };
            }
        }
        cards.insert(ordinal, record);
    }
    Ok(Some(PublishedRecords {
        schema: 1,
        election: county.election.as_ref().clone(),
        batches: records.batches(),
        counts,
        withheld,
        cards,
    }))
}

impl Records for PublishedRecords {
    fn batches(&self) -> Vec<RecordBatch> {
        self.batches.clone()
    }

    fn at(&mut self, ordinal: u64) -> io::Result<Option<CastVoteRecord>> {
        match self.cards.get(&ordinal) {
            Some(record) => Ok(Some(record.clone())),
            None => Err(io::Error::other(
                "the draw comes by a record that is not published, so the published records do not follow",
            )),
        }
    }

    fn each(&mut self, _: &mut dyn FnMut(u64, &CastVoteRecord)) -> io::Result<()> {
        Err(io::Error::other("the records are withheld"))
    }

    fn rare_styles(&mut self, _: u64) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn counts(&self) -> Option<(Vec<ContestCount>, u64)> {
        Some((self.counts.clone(), self.withheld))
    }
}
