//! A record as bytes, and back.

use std::io::{self, Read};

use crate::election::{CandidateId, CastVoteRecord, ContestId, ContestVotes, Mark, RecordId, Redaction};

/// Longest text, in bytes, and most contests or marks of one record: far above what readers let through, so that a damaged file
/// cannot ask for memory.
const MAX_TEXT: u64 = 1 << 22;
const MAX_ITEMS: u64 = 1 << 20;

pub(crate) fn put(out: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u128);
    out.extend_from_slice(text.as_bytes());
}

/// Places of a record's names in the tables of the directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    pub(crate) style: u32,
    pub(crate) precinct: u32,
    pub(crate) group: u32,
}

/// How the imprinted id is written.
const NONE: u8 = 0;
const LITERAL: u8 = 1;
/// Tabulator, batch and record with hyphens between them, as Dominion prints it.
const DERIVED: u8 = 2;

fn is_derived(record: &CastVoteRecord) -> bool {
    let card = &record.card;
    let rest = card.imprinted.strip_prefix(card.batch.tabulator.as_str());
    let rest = rest
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_prefix(card.batch.batch.as_str()));
    let Some(number) = rest.and_then(|rest| rest.strip_prefix('-')) else {
        return false;
    };
    !number.starts_with('0') && number.parse() == Ok(card.record)
}

pub(crate) fn encode(record: &CastVoteRecord, places: Places, out: &mut Vec<u8>) {
    put(out, record.card.record.0);
    let how = match record.card.imprinted.is_empty() {
        true => NONE,
        false if is_derived(record) => DERIVED,
        false => LITERAL,
    };
    out.push(
        how | if record.redaction == Redaction::Withheld {
            0x80
        } else {
            0
        },
    );
    if how == LITERAL {
        put_text(out, &record.card.imprinted);
    }
    for place in [places.style, places.precinct, places.group] {
        put(out, u128::from(place));
    }
    put(out, record.votes.len() as u128);
    for votes in &record.votes {
        put(out, u128::from(votes.contest.0));
        // One byte for the usual contest: marks, and two flags.
        put(
            out,
            (votes.marks.len() as u128) << 2
                | u128::from(!votes.overvoted_ranks.is_empty()) << 1
                | u128::from(votes.overvoted),
        );
        for mark in &votes.marks {
            put(out, u128::from(mark.rank));
            put(out, u128::from(mark.candidate.0));
        }
        if !votes.overvoted_ranks.is_empty() {
            put(out, votes.overvoted_ranks.len() as u128);
            for rank in &votes.overvoted_ranks {
                put(out, u128::from(*rank));
            }
        }
    }
}

fn damaged() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}

fn byte(input: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}

pub(crate) fn take(input: &mut impl Read) -> io::Result<u128> {
    let mut number = 0u128;
    for shift in (0..).step_by(7) {
        let byte = byte(input)?;
        let part = u128::from(byte & 0x7f);
        if shift > 121 || (part << shift) >> shift != part {
            return Err(damaged());
        }
        number |= part << shift;
        if byte < 0x80 {
            break;
        }
    }
    Ok(number)
}

fn take_below(input: &mut impl Read, most: u64) -> io::Result<u64> {
    u64::try_from(take(input)?)
        .ok()
        .filter(|number| *number <= most)
        .ok_or_else(damaged)
}

/// Reads a record into `record`, whose batch is already set, and gives the places of its names.
pub(crate) fn decode(input: &mut impl Read, record: &mut CastVoteRecord) -> io::Result<Places> {
    use std::fmt::Write as _;
    let card = &mut record.card;
    card.record = RecordId(take(input)?);
    let how = byte(input)?;
    record.redaction = if how & 0x80 == 0 {
        Redaction::None
    } else {
        Redaction::Withheld
    };
    card.imprinted.clear();
    match how & 0x7f {
        NONE => {}
        LITERAL => {
            let length = take_below(input, MAX_TEXT)?;
            let got = input.take(length).read_to_string(&mut card.imprinted)?;
            if got as u64 != length {
                return Err(damaged());
            }
        }
        DERIVED => {
            let _ = write!(
                card.imprinted,
                "{}-{}-{}",
                card.batch.tabulator, card.batch.batch, card.record
            );
        }
        _ => return Err(damaged()),
    }
    let mut place = || take_below(input, u64::from(u32::MAX)).map(|place| place as u32);
    let places = Places {
        style: place()?,
        precinct: place()?,
        group: place()?,
    };
    let count = take_below(input, MAX_ITEMS)? as usize;
    record.votes.truncate(count);
    for at in 0..count {
        let contest = ContestId(take_below(input, u64::from(u32::MAX))? as u32);
        let marks = take_below(input, MAX_ITEMS << 2)?;
        if record.votes.len() <= at {
            record.votes.push(ContestVotes {
                contest,
                marks: Vec::new(),
                overvoted: false,
                overvoted_ranks: Vec::new(),
            });
        }
        let votes = &mut record.votes[at];
        votes.contest = contest;
        votes.overvoted = marks & 1 != 0;
        votes.marks.clear();
        votes.overvoted_ranks.clear();
        for _ in 0..marks >> 2 {
            let rank = take_below(input, u64::from(u16::MAX))? as u16;
            let candidate = CandidateId(take_below(input, u64::from(u32::MAX))? as u32);
            votes.marks.push(Mark { rank, candidate });
        }
        if marks & 2 != 0 {
            for _ in 0..take_below(input, MAX_ITEMS)? {
                votes
                    .overvoted_ranks
                    .push(take_below(input, u64::from(u16::MAX))? as u16);
            }
        }
    }
    Ok(places)
}
