//! The command line of `pollwatch audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use pollwatch_audit::flow::Method;
use pollwatch_audit::flow::event::Yes;

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Begin an audit: its files, its contests, and the two questions on which every result rests
    Init(InitArguments),
    /// Answer the two questions of init anew
    Answer {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        answers: AnswerArguments,
    },
    /// List the audits of this workspace and how far each is
    List,
    /// List the contests with votes, margins and whether they are audited
    Contests(Which),
    /// Set every method that the files allow side by side, and say which one to choose and why
    Plan {
        #[command(flatten)]
        which: Which,
        /// Minutes that reading one card takes, with finding it (default: as given to init)
        #[arg(long, value_name = "MINUTES")]
        minutes: Option<f64>,
        /// Write the plan as a page with a picture
        #[arg(long, value_name = "FILE")]
        page: Option<PathBuf>,
    },
    /// Fix files and method, before anybody can know the seed
    Commit {
        #[command(flatten)]
        which: Which,
        /// The method (default: the one that the plan would choose)
        #[arg(long)]
        method: Option<Method>,
    },
    /// Record the dice: the seed, when it was rolled, who rolled and who saw
    Seed(SeedArguments),
    /// Draw the next round and write the lists by which cards are fetched
    Sample {
        #[command(flatten)]
        which: Which,
        /// Draws that a contest has by the end of this round, as CONTEST=NUMBER (default: as planned)
        #[arg(long, value_name = "CONTEST=NUMBER")]
        draws: Vec<String>,
        /// Where to write the lists (default: the audit's own folder)
        #[arg(long, short, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Enter what people read on the drawn cards: one by one, or from a CSV
    Enter {
        #[command(flatten)]
        which: Which,
        /// Who reads (default: the user of this machine)
        #[arg(long)]
        reader: Option<String>,
        /// A CSV of readings, one row a card
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        /// The county that the CSV or form is of, where several have batches of one name
        #[arg(long, value_name = "COUNTY")]
        county: Option<String>,
        /// Write an empty CSV of the cards still to read, to fill in
        #[arg(long, value_name = "FILE", conflicts_with = "csv")]
        form: Option<PathBuf>,
        /// Also ask for cards that somebody else has read already, to read them a second time
        #[arg(long)]
        again: bool,
    },
    /// Say which of several readings of a card is right
    Settle {
        #[command(flatten)]
        which: Which,
        /// The entry of the log whose reading is right
        #[arg(long, value_name = "ENTRY")]
        entry: u64,
        /// Who looked, and what they saw
        #[arg(long, short = 'm', value_name = "REASON")]
        because: String,
    },
    /// Measure the risk of each contest, and say what comes next
    Assess {
        #[command(flatten)]
        which: Which,
        /// Exit with status 1 unless every contest that is drawn for is confirmed
        #[arg(long)]
        fail_unless_confirmed: bool,
    },
    /// Send a contest to a full hand count, or enter the result of one
    Escalate {
        #[command(flatten)]
        which: Which,
        /// The contest
        contest: String,
        /// Why
        #[arg(long, short = 'm', value_name = "REASON", default_value = "")]
        because: String,
        /// The result of the full hand count: votes by candidate, as CANDIDATE=VOTES, every candidate
        #[arg(long, value_name = "CANDIDATE=VOTES")]
        votes: Vec<String>,
        /// Cards that were counted; needed with --votes
        #[arg(long, value_name = "NUMBER")]
        cards: Option<u64>,
        /// Who counted; needed with --votes
        #[arg(long, value_name = "NAME")]
        counted_by: Vec<String>,
    },
    /// Take an entry of the log back; it stays in the log, and so does this
    Undo {
        #[command(flatten)]
        which: Which,
        /// The entry's number (see `pollwatch audit log`)
        entry: u64,
        /// Why
        #[arg(long, short = 'm', value_name = "REASON")]
        because: String,
    },
    /// Print the log: everything that happened, in order
    Log(Which),
    /// Write the report as a page
    Report {
        #[command(flatten)]
        which: Which,
        /// Where to write it
        #[arg(long, short, default_value = "audit.html", value_name = "FILE")]
        output: PathBuf,
    },
    /// Write the package that anybody can verify offline
    Publish {
        #[command(flatten)]
        which: Which,
        /// A new folder, or a file whose name ends in .zip
        output: PathBuf,
        /// Leave the files of records out: only their sums and the records of drawn cards are published
        #[arg(long)]
        withhold_records: bool,
        /// Refuse to publish records when a style has fewer cards than this (Colorado's open-records law names ten)
        #[arg(long, default_value_t = 10, value_name = "CARDS")]
        rare_style: u64,
    },
    /// Check a package offline: derive all of it again, and name the first thing that does not follow
    Verify {
        /// The package: a folder or a zip
        package: PathBuf,
        /// The verifier key to trust, as the office published it elsewhere
        #[arg(long, value_name = "VKEY")]
        key: Option<String>,
        /// A folder with the files that the package withholds, to check what only an insider can
        #[arg(long, value_name = "DIR")]
        inputs: Option<PathBuf>,
    },
}

#[derive(Args, Clone)]
pub struct Which {
    /// Which audit (default: the only one)
    #[arg(long, value_name = "NAME")]
    pub audit: Option<String>,
    /// Who does this (default: the user of this machine)
    #[arg(long, env = "POLLWATCH_ANALYST", value_name = "NAME")]
    pub by: Option<String>,
}

#[derive(Args)]
pub struct InitArguments {
    /// A short name for it, such as general-2026
    pub name: String,
    /// Its title, as the report shows it (default: the name)
    #[arg(long)]
    pub title: Option<String>,
    /// Whose election it is: an entry of the register (default: its only jurisdiction or office)
    #[arg(long, value_name = "ID")]
    pub target: Option<String>,
    /// The manifest, CSV or XLSX; of one of several counties: COUNTY=FILE
    #[arg(long, value_name = "FILE", required = true)]
    pub manifest: Vec<String>,
    /// Cast vote records; of one of several counties: COUNTY=FILE
    #[arg(long, value_name = "FILE")]
    pub cvr: Vec<String>,
    /// Batch tallies, CSV or XLSX; of one of several counties: COUNTY=FILE
    #[arg(long, value_name = "FILE")]
    pub batch_tallies: Vec<String>,
    /// Contests with seats and reported results, CSV
    #[arg(long, value_name = "FILE")]
    pub contests: Option<PathBuf>,
    /// Which names in the files mean which contest, JSON; of one of several counties: COUNTY=FILE
    #[arg(long, value_name = "FILE")]
    pub names: Vec<String>,
    /// A contest to audit; may be given more than once (default: as the file of contests says)
    #[arg(long = "contest", value_name = "CONTEST")]
    pub contest: Vec<String>,
    /// A contest whose risk is measured on cards that are drawn for others
    #[arg(long = "also", value_name = "CONTEST")]
    pub also: Vec<String>,
    /// The risk limit: the largest chance that a wrong outcome may have of being confirmed
    #[arg(long, default_value = "0.05", value_name = "LIMIT")]
    pub risk_limit: String,
    /// Minutes that reading one card takes, with finding it
    #[arg(long, default_value_t = 3.0, value_name = "MINUTES")]
    pub minutes: f64,
    #[command(flatten)]
    pub answers: AnswerArguments,
    /// Who does this (default: the user of this machine)
    #[arg(long, env = "POLLWATCH_ANALYST", value_name = "NAME")]
    pub by: Option<String>,
}

#[derive(Args)]
pub struct AnswerArguments {
    /// Whether a compliance audit showed that the paper trail was kept: yes, no or not-known
    #[arg(long, value_name = "ANSWER")]
    pub paper_trail: Option<Yes>,
    /// How that is known
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub paper_trail_because: String,
    /// Whether the manifest was made without the voting system: yes, no or not-known
    #[arg(long, value_name = "ANSWER")]
    pub manifest_independent: Option<Yes>,
    /// How that is known
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub manifest_because: String,
}

#[derive(Args)]
pub struct SeedArguments {
    #[command(flatten)]
    pub which: Which,
    /// The digits, at least twenty
    pub digits: String,
    /// When the last die was rolled, such as 2026-11-10T10:00-06:00
    #[arg(long, value_name = "TIME")]
    pub rolled_at: Timestamp,
    /// Who rolled; may be given more than once
    #[arg(long, required = true, value_name = "NAME")]
    pub rolled_by: Vec<String>,
    /// Who saw; may be given more than once
    #[arg(long, required = true, value_name = "NAME")]
    pub seen_by: Vec<String>,
    /// How and where: which dice, which room
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub how: String,
}
