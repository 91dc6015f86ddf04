//! Readers: cast vote records, manifests, batch tallies and hand readings, as voting systems and people write them.
//!
//! Records come one at a time; what a format makes a reader keep (names, batches, joins that do not fit) is bounded or spilled
//! to the scratch folder. What is wrong with one record is a [`Problem`] with its file and line, and the rest is read. An input
//! that is of another format, contradicts itself or passes a limit is refused with a [`ReadError`].

mod clear_ballot;
mod dominion_csv;
mod dominion_json;
mod draft;
mod error;
mod ess;
mod hand;
mod hart;
mod manifest;
mod nist;
mod raire;
mod sheet;
mod sniff;
mod source;
mod table;
mod tallies;
mod text;
mod tree;

use std::io;

use pollwatch_model::Problem;
use serde::{Deserialize, Serialize};

use crate::election::{CastVoteRecord, Election};

pub use error::ReadError;
pub use hand::{hand_reading_header, read_hand_readings};
pub use manifest::{MAX_BATCH_CARDS, MAX_BATCHES, read_manifest};
pub use source::{ReadSeek, Source};
pub use tallies::read_batch_tallies;

/// A format of cast vote records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CvrFormat {
    /// Dominion Democracy Suite, CSV export.
    DominionCsv,
    /// Dominion Democracy Suite, JSON export with its manifests, as zip or folder.
    DominionJson,
    /// ES&S Electionware: a zip or folder of one file of votes and one or more of ballots.
    Ess,
    /// Hart Verity: a zip of one XML file a card, or a zip of such zips, one a tabulator.
    Hart,
    /// Clear Ballot ClearCount, CSV export.
    ClearBallot,
    /// The common data format of NIST SP 1500-103, XML or JSON.
    Nist,
    /// The text form that RAIRE programs read.
    Raire,
}

impl CvrFormat {
    /// All of them.
    pub const ALL: [CvrFormat; 7] = [
        CvrFormat::DominionCsv,
        CvrFormat::DominionJson,
        CvrFormat::Ess,
        CvrFormat::Hart,
        CvrFormat::ClearBallot,
        CvrFormat::Nist,
        CvrFormat::Raire,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            CvrFormat::DominionCsv => "dominion-csv",
            CvrFormat::DominionJson => "dominion-json",
            CvrFormat::Ess => "ess",
            CvrFormat::Hart => "hart",
            CvrFormat::ClearBallot => "clear-ballot",
            CvrFormat::Nist => "nist",
            CvrFormat::Raire => "raire",
        }
    }

    /// The format of a name that [`CvrFormat::name`] gives.
    pub fn from_name(name: &str) -> Option<CvrFormat> {
        CvrFormat::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Votes that were published only as the sum over several cards, so that none of them can be recognised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactedGroup {
    /// What the row is called.
    pub label: String,
    /// Ballot style; empty where none is stated.
    pub style: String,
    /// Line of the file, from 1.
    pub line: u64,
    /// For each contest with votes in the row: its place, and the sum for each candidate.
    pub votes: Vec<(crate::election::ContestId, Vec<u64>)>,
}

/// Where a reader of cast vote records puts what it reads.
pub trait CvrSink {
    /// One record. `election` may have grown since the last one; places in it never change.
    fn record(&mut self, election: &Election, record: &CastVoteRecord) -> io::Result<()>;

    /// Something wrong with a record, or worth saying.
    fn problem(&mut self, problem: Problem);

    /// A row that stands for several cards.
    fn group(&mut self, _group: RedactedGroup) {}
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CvrRead {
    /// The format that it was read as.
    pub format: CvrFormat,
    /// All contests and candidates that were met.
    pub election: Election,
    /// Records handed over.
    pub records: u64,
    /// Records that could not be read.
    pub lost: u64,
    /// Rows that stand for several cards.
    pub groups: u64,
}

/// Reads cast vote records; `format` `None`: looks and decides.
///
/// Votes are handed over as the source has them: nothing is interpreted but what the source itself interprets.
pub fn read_cvrs(
    source: &mut Source,
    format: Option<CvrFormat>,
    sink: &mut dyn CvrSink,
) -> Result<CvrRead, ReadError> {
    let format = match format {
        Some(format) => format,
        None => sniff::sniff(source)?,
    };
    let mut out = draft::Out::new(source.name(), sink);
    match format {
        CvrFormat::DominionCsv => dominion_csv::read(source, &mut out)?,
        CvrFormat::DominionJson => dominion_json::read(source, &mut out)?,
        CvrFormat::Ess => ess::read(source, &mut out)?,
        CvrFormat::Hart => hart::read(source, &mut out)?,
        CvrFormat::ClearBallot => clear_ballot::read(source, &mut out)?,
        CvrFormat::Nist => nist::read(source, &mut out)?,
        CvrFormat::Raire => raire::read(source, &mut out)?,
    }
    Ok(out.end(format))
}
