//! Small invented rolls, and the desk run over them.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{Arc, PoisonError};

use pollwatch_model::{
    Coverage, Ctx, Desk, DeskError, Draft, Excerpt, Flow, Input, Judges, Polarity, Position, Problem,
    Register, Sink,
};
use pollwatch_rolls::interval::{Linking, Listing};
use pollwatch_rolls::layout::Layout;
use pollwatch_rolls::run::Report;
use pollwatch_rolls::{Options, RollsDesk, Slot};

/// The columns of [`text`], as the file of North Carolina calls them.
pub const HEADER: &str = "county_id\tcounty_desc\tncid\tlast_name\tfirst_name\tstatus_cd\treason_cd\tres_street_address\tzip_code\t\
    mail_addr1\tfull_phone_number\tregistr_dt\tbirth_year\tparty_cd\tgender_code\tprecinct_abbrv";

/// Columns of a row of [`text`].
pub const COLUMNS: usize = 16;

/// A voter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voter {
    pub county: usize,
    pub id: u64,
    pub last: String,
    pub first: String,
    pub status: &'static str,
    pub reason: &'static str,
    pub address: String,
    pub mail: String,
    pub phone: String,
    pub registered: String,
    pub born: u32,
    pub party: &'static str,
    pub sex: &'static str,
    pub precinct: usize,
}

/// Numbers that look random and are always the same (SplitMix64).
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

const LAST: [&str; 12] = [
    "QUILLFEATHER",
    "ZANTHORPE",
    "VELLACOTT",
    "OSTERWICK",
    "MARBLEDON",
    "KESTERMAN",
    "JARNDYSEN",
    "HOLLOWMERE",
    "FENWRIGHT",
    "DUNQUIST",
    "CORBLESHAW",
    "BRISKWATER",
];
const FIRST: [&str; 8] = [
    "ANNICE", "BERTIL", "CORDULA", "DAGMAR", "EDMUNDA", "FLORIAN", "GISLA", "HUBERT",
];
const STREETS: [&str; 9] = [
    "OAK ST",
    "ELM AVE",
    "MILL RD",
    "LAKE DR",
    "HILL LN",
    "PARK CT",
    "FERRY WAY",
    "CANAL BLVD",
    "GROVE RD",
];
const PARTIES: [&str; 3] = ["DEM", "REP", "UNA"];

pub fn address(draw: &mut Draw) -> String {
    format!(
        "{} {}",
        100 + draw.below(9_000),
        STREETS[draw.below(STREETS.len())]
    )
}

pub fn voter(id: u64, county: usize, registered: &str, draw: &mut Draw) -> Voter {
    let address = address(draw);
    Voter {
        county,
        id,
        last: format!("{}{}", LAST[draw.below(LAST.len())], draw.below(900)),
        first: FIRST[draw.below(FIRST.len())].to_owned(),
        status: "A",
        reason: "AV",
        mail: address.clone(),
        address,
        phone: format!("919555{:04}", draw.below(10_000)),
        registered: registered.to_owned(),
        born: 1930 + draw.below(75) as u32,
        party: PARTIES[draw.below(3)],
        sex: if draw.below(2) == 0 { "F" } else { "M" },
        precinct: draw.below(6),
    }
}

/// Six weekly snapshots of four counties with ordinary churn.
pub fn series(seed: u64) -> Vec<Vec<Voter>> {
    let mut draw = Draw(seed);
    let mut next = 100_000;
    let mut voters = Vec::new();
    for county in 1..=4 {
        for _ in 0..500 {
            voters.push(voter(next, county, "01/02/2010", &mut draw));
            next += 1;
        }
    }
    let mut all = vec![voters];
    for week in 1..6 {
        let mut voters = all[week - 1].clone();
        for _ in 0..8 + draw.below(5) {
            let at = draw.below(voters.len());
            voters[at].address = address(&mut draw);
            voters[at].mail = voters[at].address.clone();
        }
        for _ in 0..14 + draw.below(4) {
            let at = draw.below(voters.len());
            voters[at].party = PARTIES[draw.below(3)];
        }
        for _ in 0..4 + draw.below(3) {
            let at = draw.below(voters.len());
            (voters[at].status, voters[at].reason) = ("I", "IN");
        }
        for _ in 0..10 + draw.below(4) {
            let day = format!("08/{:02}/2026", 7 * week - 4 + draw.below(7));
            let county = 1 + draw.below(4);
            voters.push(voter(next, county, &day, &mut draw));
            next += 1;
        }
        all.push(voters);
    }
    all
}

pub fn row(voter: &Voter) -> String {
    format!(
        "{}\tCOUNTY{}\tAB{:09}\t{}\t{}\t{}\t{}\t{}\t2700{}\t{}\t{}\t{}\t{}\t{}\t{}\t0{}",
        voter.county,
        voter.county,
        voter.id,
        voter.last,
        voter.first,
        voter.status,
        voter.reason,
        voter.address,
        voter.county,
        voter.mail,
        voter.phone,
        voter.registered,
        voter.born,
        voter.party,
        voter.sex,
        voter.precinct
    )
}

pub fn text(voters: &[Voter]) -> String {
    let mut text = format!("{HEADER}\n");
    for voter in voters {
        text.push_str(&row(voter));
        text.push('\n');
    }
    text
}

/// The name of a week's file.
pub fn name(week: usize) -> String {
    format!("roll_2026-08-{:02}.txt", 3 + 7 * week)
}

/// The files of a series.
pub fn files(series: &[Vec<Voter>]) -> Vec<(String, Vec<u8>)> {
    let weeks = series.iter().enumerate();
    // The sixth week would be the 38th of August.
    weeks
        .map(|(week, voters)| {
            let day = if week < 5 {
                name(week)
            } else {
                "roll_2026-09-07.txt".to_owned()
            };
            (day, text(voters).into_bytes())
        })
        .collect()
}

/// What a run said.
#[derive(Default)]
pub struct Said {
    pub drafts: Vec<Draft>,
    pub excerpts: Vec<Excerpt>,
    pub problems: Vec<Problem>,
    pub coverage: Vec<Coverage>,
    /// Files that could not be used, and why.
    pub failed: Vec<(String, String)>,
}

impl Sink for Said {
    fn finding(&mut self, draft: Draft, excerpts: Vec<Excerpt>) -> Result<(), DeskError> {
        self.drafts.push(draft);
        self.excerpts.extend(excerpts);
        Ok(())
    }
    fn coverage(&mut self, coverage: Coverage) {
        self.coverage.push(coverage);
    }
    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
    fn flow(&mut self, _: u64) -> Flow {
        Flow::Continue
    }
}

impl Said {
    /// Subjects of the unexplained changes.
    pub fn unexplained(&self) -> Vec<(&str, &str)> {
        let found = self.drafts.iter().filter(|draft| draft.kind == "roll-change");
        found
            .map(|draft| {
                let detail = |name: &str| draft.details[name].as_str().unwrap_or_default();
                (detail("county"), detail("field"))
            })
            .collect()
    }

    pub fn is_assured(&self) -> bool {
        self.drafts
            .iter()
            .any(|draft| draft.polarity == Polarity::Assurance)
    }

    /// Fails unless a problem says `text`.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Problem {
        let found = self.problems.iter().find(|problem| problem.what.contains(text));
        found.unwrap_or_else(|| panic!("nothing says {text:?}: {:?}", self.problems))
    }
}

/// Runs the desk over files; what cannot be used is noted and the rest goes on, as the engine does it.
pub fn run(files: &[(String, Vec<u8>)], layout: Option<&str>, linking: Linking) -> (Said, Report) {
    run_for(files, layout, linking, Register::default())
}

pub fn run_for(
    files: &[(String, Vec<u8>)],
    layout: Option<&str>,
    linking: Linking,
    register: Register,
) -> (Said, Report) {
    let options = Options {
        layout: layout.map(|name| Layout::built_in(name).expect("it comes with the crate")),
        linking,
        listing: Listing::On,
        key: 99,
        ..Options::default()
    };
    let slot = Slot::default();
    let desk = RollsDesk::with(options, Arc::clone(&slot));
    let ctx = Ctx {
        register: Arc::new(register),
        settings: serde_json::Value::Null,
        now: "2026-09-08T00:00:00Z".parse().expect("a time"),
        seed: 0,
        scratch: None,
        judges: Judges::default(),
    };
    let mut said = Said::default();
    let mut run = desk.open(&ctx, None).expect("it opens");
    for (name, bytes) in files {
        let input = Input {
            name: name.clone(),
            role: String::new(),
            format: None,
        };
        if let Err(error) = run.feed(&input, Position::default(), &mut &bytes[..], &mut said) {
            said.failed.push((name.clone(), error.to_string()));
        }
    }
    run.finish(&mut said).expect("it ends");
    let report = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    (said, report.expect("a report"))
}
