//! The brief: what leadership and the public read.
//!
//! [`render`] makes one self-contained page of HTML out of a [`Briefing`]: no script, no font or picture from outside, good
//! to print, readable on a phone. It is a pure function: no clock, no I/O, nothing random, so the same record gives the
//! same bytes.
//!
//! Three rules hold for every page. A finding that is marked stricter than the page is withheld whole and counted. What
//! nobody looked at is named, so that a lack of findings never reads as safety. A text of a source never acts: markup is
//! escaped, marks of direction and characters of no width are written out, and hostile names are defanged.
//!
//! ```
//! use pollwatch_brief::{Briefing, render};
//! use pollwatch_model::{Register, Tlp};
//!
//! let register = Register { owner: "Example County Clerk".to_owned(), ..Register::default() };
//! let briefing = Briefing::new(&register, "2018-07-26T00:00:00Z".parse()?, Tlp::Green);
//! let page = render(&briefing);
//! assert!(page.contains("TLP:GREEN") && page.contains("No source has been read"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod align;
mod attack;
mod audited;
mod bottom_line;
mod count;
mod figures;
mod findings;
mod page;
mod phished;
mod rolled;
mod sections;
mod tally;
mod text;
mod who;
mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;
use pollwatch_casework::tally::{Seen, Window, Withheld};
use pollwatch_model::{Card, Coverage, Decision, EvidenceRef, Finding, Register, Tlp};

pub use figures::{PLACES, Place};
pub use page::render;
pub use text::{Veil, grouped};

/// Everything that a page tells.
#[derive(Debug, Clone)]
pub struct Briefing<'a> {
    /// Heading of the page, such as "Impersonation of election offices, 2018".
    pub title: String,
    /// Time of the record's last change, as the caller knows it. Never the time of the run: the same record gives the same
    /// page.
    pub prepared: Timestamp,
    /// Who may read the page. Findings that are marked stricter are withheld and counted.
    pub tlp: Tlp,
    /// What is protected; its owner is named as the one for whom the page was made.
    pub register: &'a Register,
    /// Every finding of the record, in any order.
    pub findings: Vec<BriefFinding>,
    /// What the sources let the desks see.
    pub coverage: Vec<Coverage>,
    /// What other offices say that their sources let them see.
    pub imported: Vec<Seen>,
    /// Findings that other offices have and did not send.
    pub withheld_elsewhere: Vec<Withheld>,
    /// The time that the count speaks of, where there is one.
    pub window: Option<Window>,
    /// Where `window` names none: of each desk the time that its sources speak of.
    pub windows: BTreeMap<String, Window>,
    /// How many problems the readers noted, remarks among them.
    pub problems: u64,
    /// Cards of the desks that this build has. One that no source of `coverage` was read for is named as unwatched.
    pub desks: Vec<&'static Card>,
    /// Fields of detection that this build has no desk for; they are named as unwatched too.
    pub absent: Vec<AbsentDesk>,
    /// The ledger's latest checkpoint: the text of the signed note, as it is. `None` where there is no ledger.
    pub checkpoint: Option<String>,
    /// Settings of the workspace that a reader needs in order to judge the figures, such as thresholds; shown in this order.
    pub settings: Vec<Setting>,
}

impl<'a> Briefing<'a> {
    /// A briefing with nothing in it yet.
    pub fn new(register: &'a Register, prepared: Timestamp, tlp: Tlp) -> Self {
        Briefing {
            title: "Election defence briefing".to_owned(),
            prepared,
            tlp,
            register,
            findings: Vec::new(),
            coverage: Vec::new(),
            imported: Vec::new(),
            withheld_elsewhere: Vec::new(),
            window: None,
            windows: BTreeMap::new(),
            problems: 0,
            desks: Vec::new(),
            absent: Vec::new(),
            checkpoint: None,
            settings: Vec::new(),
        }
    }
}

/// A finding with what the record holds about it.
#[derive(Debug, Clone)]
pub struct BriefFinding {
    /// The finding.
    pub finding: Finding,
    /// The latest decision on it. A dismissed finding is listed with the reason and counted nowhere else.
    pub decision: Option<Decision>,
    /// Its evidence, in its order; those without bytes at hand may be left out.
    pub excerpts: Vec<BriefExcerpt>,
    /// Where the ledger holds it; `None` while it is pending or where there is no ledger.
    pub ledger: Option<LedgerPlace>,
    /// The ledger of the office that sent it, and the entry there; `None` for our own.
    pub origin: Option<(String, Option<u64>)>,
}

impl From<Finding> for BriefFinding {
    fn from(finding: Finding) -> Self {
        BriefFinding {
            finding,
            decision: None,
            excerpts: Vec::new(),
            ledger: None,
            origin: None,
        }
    }
}

/// The bytes that a piece of evidence consists of, or their beginning.
#[derive(Debug, Clone)]
pub struct BriefExcerpt {
    /// The evidence that they belong to.
    pub reference: EvidenceRef,
    /// The bytes, at most as many as the caller wants shown.
    pub bytes: Vec<u8>,
    /// Whether the evidence goes on after `bytes`.
    pub truncated: bool,
}

/// Where the ledger holds a finding.
#[derive(Debug, Clone)]
pub struct LedgerPlace {
    /// Index of the leaf, from 0.
    pub index: u64,
    /// The proof that the leaf is in the ledger, as a `.tlog-proof` file has it. It is printed as it is, not defanged.
    pub proof_text: String,
}

/// A field of detection that this build has no desk for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentDesk {
    /// Its name for people, such as "Voter rolls".
    pub title: String,
    /// One sentence: what goes unseen.
    pub unseen: String,
}

/// One setting of the workspace, as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What it is, in plain words.
    pub name: String,
    /// Its value.
    pub value: String,
}
