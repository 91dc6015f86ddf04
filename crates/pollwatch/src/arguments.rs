//! The command line. `pollwatch --help` reads like the table of words in ARCHITECTURE.md.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use pollwatch_casework::tally::Window;
use pollwatch_model::{Severity, TargetId, Tlp};
use pollwatch_server::Role;

/// Shows whether an election was attacked, what came of it, and how that is known.
#[derive(Parser)]
#[command(name = "pollwatch", version, disable_help_subcommand = true)]
#[command(
    after_help = "Start with `pollwatch demo`. Exit status: 0 it ran; 1 it ran and what --fail-on names was found, or \
                        what was to be verified does not follow; 2 wrong usage, or an input could not be read."
)]
pub struct Arguments {
    /// The workspace (default: this folder or the nearest one above it that has a pollwatch.toml)
    #[arg(
        long,
        short = 'C',
        global = true,
        env = "POLLWATCH_WORKSPACE",
        value_name = "DIR"
    )]
    pub workspace: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Open a worked election: scan, record, verify, write the brief, and show what to try next
    Demo {
        /// Where to put the workspace (default: a new folder in the system's temporary folder)
        dir: Option<PathBuf>,
    },
    /// Make a new workspace: settings, register, record, ledger and its key
    Init {
        /// The folder; made when it is not there
        dir: PathBuf,
        /// The office, campaign or group that keeps it, as the brief names it
        #[arg(long, default_value = "")]
        owner: String,
        /// Name of the ledger, such as county.example/ledger (default: from the owner or the folder)
        #[arg(long)]
        origin: Option<String>,
    },
    /// List, check and import what is protected
    #[command(subcommand)]
    Register(RegisterCommand),
    /// Find names that imitate the register's
    #[command(subcommand)]
    Lookalike(LookalikeCommand),
    /// Tell whether messages are phishing, why, and what to answer
    #[command(subcommand)]
    Mail(MailCommand),
    /// Tell from logs who attacked election systems, how far it got, and what the logs could not show
    #[command(subcommand)]
    Intrusion(IntrusionCommand),
    /// Show that votes were counted as cast: a risk-limiting audit, from the files to a package that anybody can verify
    #[command(subcommand)]
    Audit(crate::commands::audit::arguments::AuditCommand),
    /// Compare snapshots of a voter roll, and tell which changes ordinary churn does not explain
    #[command(subcommand)]
    Rolls(crate::commands::rolls::arguments::RollsCommand),
    /// List, show and decide on what was found
    #[command(subcommand)]
    Findings(FindingsCommand),
    /// Tell who was targeted, how far it got, and what could not be seen
    Tally(TallyArguments),
    /// Write findings and coverage to a file for another office, with proofs from the ledger
    Export(ExportArguments),
    /// Take in what another office exported, after checking every line of it
    Import(ImportArguments),
    /// Write the briefing for leadership and the public: one page, self-contained, good to print
    Brief {
        /// Who may read it (clear, green, amber, amber+strict, red); stricter findings are withheld
        #[arg(long)]
        tlp: Option<Tlp>,
        /// Where to write it; - is standard output
        #[arg(long, short, default_value = "brief.html", value_name = "FILE")]
        output: PathBuf,
    },
    /// Check the ledger, the record and all evidence, offline
    Verify {
        /// A checkpoint from earlier, from a brief or a second office: shows a log that was cut or rewritten since
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// Trust only this verifier key (default: the first key in the workspace's ledger/keys.txt)
        #[arg(long, value_name = "VKEY")]
        key: Option<String>,
    },
    /// Follow every source of pollwatch.toml, record what is found, and tell people: the daemon
    Watch {
        /// Read all that is there, tell people, and end: for a timer instead of a daemon
        #[arg(long)]
        once: bool,
    },
    /// Serve the console and the API to browsers and programs
    Serve(ServeArguments),
    /// Make accounts for the console, the first one among them
    #[command(subcommand)]
    Account(AccountCommand),
    /// Show the health of the workspace
    Status,
    /// Copy the whole workspace, its key apart, into a new folder, and check the copy
    Backup {
        /// The new folder
        dir: PathBuf,
        /// Copy the secret key and the console's accounts too: keep such a backup as you keep the key
        #[arg(long)]
        with_key: bool,
    },
    /// Make a workspace from a backup, after checking all of it
    Restore {
        /// The backup
        from: PathBuf,
        /// The new workspace
        dir: PathBuf,
    },
    /// Show or rotate the key that signs the ledger
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Subcommand)]
pub enum RegisterCommand {
    /// Print every target
    List,
    /// Check the register and the lists beside it, and name every fault by file and line
    Check {
        /// A register to check instead of the workspace's
        file: Option<PathBuf>,
    },
    /// Turn a list of names (plain, CSV, or the .gov list as CISA publishes it) into entries of the register
    Import {
        /// The list
        file: PathBuf,
        /// Keep only rows of this state or territory (two-letter code)
        #[arg(long)]
        state: Option<String>,
    },
    /// Print the JSON Schema of register.toml, for editors
    Schema,
}

#[derive(Subcommand)]
pub enum LookalikeCommand {
    /// Scan names and report those that imitate a protected one
    Scan(ScanArguments),
    /// Tell why a name does or does not alarm: every candidate that was considered
    Explain {
        /// The name
        name: String,
        /// Protected names to use; may be given more than once
        #[arg(long, value_name = "FILE")]
        protect: Vec<PathBuf>,
    },
    /// Describe what the desk detects, and what it cannot tell
    About,
}

#[derive(Subcommand)]
pub enum MailCommand {
    /// Judge messages: one for the person who asks, or a whole mailbox
    Check(CheckArguments),
}

#[derive(Args)]
pub struct CheckArguments {
    /// Messages: .eml, mbox, Maildir, .msg, zip, folders, plain, gzip or zstd; - is standard input, pasted text too
    #[arg(default_value = "-", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// What to protect: register.toml (default: the workspace's)
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,
    /// What our own mail server writes: a file with authserv_ids and hosted_by (default: the register's)
    #[arg(long, value_name = "FILE")]
    pub boundary: Option<PathBuf>,
    /// How the input is written: eml, mbox, msg, zip or paste (default: by looking)
    #[arg(long = "read-as", value_name = "FORMAT")]
    pub read_as: Option<String>,
    /// How to print findings
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Print one JSON line a message, whatever the verdict; it names recipients, keep it in the office
    #[arg(long)]
    pub verdicts: bool,
    /// The language of the answer: en or es (default: the reporter's)
    #[arg(long, value_parser = ["en", "es"])]
    pub language: Option<String>,
    /// Keep findings and evidence in the workspace
    #[arg(long)]
    pub record: bool,
    /// Exit with status 1 when a finding of this severity or above is made
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
}

#[derive(Subcommand)]
pub enum IntrusionCommand {
    /// Search logs of one or many jurisdictions, and tell how far each actor got
    Sweep(Box<SweepArguments>),
    /// Compare with other offices who attacked whom, without showing anybody's visitors
    #[command(subcommand)]
    Sketch(SketchCommand),
    /// Describe what the desk detects, what it cannot tell, and which logs it reads
    About,
}

#[derive(Subcommand)]
pub enum SketchCommand {
    /// Make the key that a group of offices shares; give it to its members by a safe way, and to nobody else
    Key {
        /// The new file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Sweep logs, and write a sketch of their actors for the group: keyed tags, no address and no visitor
    Make {
        /// The group's key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where to write the sketch
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        /// The logs, as for `sweep`
        #[command(flatten)]
        sweep: Box<SweepArguments>,
    },
    /// Show which actors of different offices share what; needs no key
    Compare {
        /// Sketches of two or more offices
        #[arg(required = true, value_name = "SKETCH")]
        files: Vec<PathBuf>,
    },
}

#[derive(Args)]
pub struct SweepArguments {
    /// Logs: PATH, or NAME=PATH to say whose they are; files or folders, plain, gzip or zstd; - is standard input
    #[arg(value_name = "PATH | NAME=PATH")]
    pub paths: Vec<PathBuf>,
    /// Whose logs lie where: one NAME=PATH a line; NAME= alone for a jurisdiction that gave none
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Addresses of ill repute, one a line or the first column of CSV; a visit from one is contact, never more
    #[arg(long, value_name = "FILE")]
    pub indicators: Option<PathBuf>,
    /// Your own proxies and content network, one address or network a line: behind them the client is whom they name (settings:
    /// desk.intrusion.proxies)
    #[arg(long, value_name = "FILE")]
    pub proxies: Option<PathBuf>,
    /// Who was asked to test: CSV of address, name, from, to; they are reported and never counted
    #[arg(long, value_name = "FILE")]
    pub assessors: Option<PathBuf>,
    /// The time that is asked about, both days included; days without a line are named
    #[arg(long, value_name = "FROM..TO")]
    pub window: Option<String>,
    /// How the logs are written: combined, json, w3c, alb, cef, haproxy, sshd … (default: by looking; see `about`)
    #[arg(long = "read-as", value_name = "DIALECT")]
    pub read_as: Option<String>,
    /// Which column of a CSV or JSON log is what (TOML; see `about`)
    #[arg(long, value_name = "FILE")]
    pub columns: Option<PathBuf>,
    /// How to print findings
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write file, line, class and actor of every line that is held against somebody
    #[arg(long, value_name = "FILE.tsv")]
    pub flagged: Option<PathBuf>,
    /// Threads that lay out lines (default: one a processor)
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Keep findings, coverage and evidence in the workspace
    #[arg(long)]
    pub record: bool,
    /// Exit with status 1 when a finding of this severity or above is made
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
}

#[derive(Args)]
pub struct ScanArguments {
    /// Files or folders of names, plain, gzip or zstd; - is standard input
    #[arg(default_value = "-", value_name = "FILES")]
    pub files: Vec<PathBuf>,
    /// Protected names: register.toml, a plain list, CSV, or CISA's .gov list; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub protect: Vec<PathBuf>,
    /// How the names are written: lines, csv, csv:COLUMN, jsonl (certstream) or zone (default: by looking)
    #[arg(long = "read-as", value_name = "FORMAT")]
    pub read_as: Option<String>,
    /// How to print findings
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Print findings of this severity and up (info, low, medium, high, critical)
    #[arg(long, default_value = "medium", value_name = "SEVERITY")]
    pub min_severity: Severity,
    /// Keep what was found in the workspace
    #[arg(long)]
    pub record: bool,
    /// End with status 1 when a finding has this severity or a higher one (a run that goes on after an interruption judges
    /// what it reads itself)
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
}

#[derive(Args)]
pub struct TallyArguments {
    /// The time to count over: two days of UTC, both whole, or two moments (default: of each field, all that its sources speak of)
    #[arg(long, value_name = "FROM..TO")]
    pub window: Option<Window>,
    /// Count only this desk's field; may be given more than once
    #[arg(long = "desk", value_name = "NAME")]
    pub desks: Vec<String>,
    /// Count only this target, and show all that its count rests on; may be given more than once
    #[arg(long = "target", value_name = "ID")]
    pub targets: Vec<TargetId>,
    /// Count only targets of this state; may be given more than once
    #[arg(long = "state", value_name = "CODE")]
    pub states: Vec<String>,
    /// Count only targets of this kind (jurisdiction, office, campaign, party, vendor …); may be given more than once
    #[arg(long = "kind", value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Keep the count in the ledger, with a digest of all that it rests on
    #[arg(long)]
    pub record: bool,
    /// Ask what a recorded tally asked again, and tell what changed since and why
    #[arg(long, value_name = "TALLY", conflicts_with_all = ["desks", "targets", "states", "kinds"])]
    pub against: Option<String>,
    /// List the tallies that were recorded
    #[arg(long, conflicts_with_all = ["record", "against"])]
    pub list: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Args)]
pub struct ExportArguments {
    /// Where to write it; - is standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Only what concerns this target; may be given more than once
    #[arg(long = "target", value_name = "ID")]
    pub targets: Vec<TargetId>,
    /// Who may read it (clear, green, amber, amber+strict, red); stricter findings are withheld, and counted in the file
    #[arg(long, default_value = "amber")]
    pub tlp: Tlp,
    /// A size of this ledger that the receiver knows, when its own message asks for it; may be given more than once
    #[arg(long, value_name = "ENTRIES")]
    pub since: Vec<u64>,
}

#[derive(Args)]
pub struct ImportArguments {
    /// Files that other offices exported
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The sender's verifier key, as `pollwatch key show` prints it there; needed the first time, and remembered
    #[arg(long, value_name = "VKEY")]
    pub key: Option<String>,
    /// Targets that this sender may speak for, and no others; remembered. May be given more than once
    #[arg(long = "for", value_name = "TARGET", num_args = 1..)]
    pub speaks_for: Vec<TargetId>,
    /// How to print what was taken in
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Subcommand)]
pub enum FindingsCommand {
    /// Print what was found
    List {
        /// Only this severity and up
        #[arg(long, default_value = "medium", value_name = "SEVERITY")]
        min_severity: Severity,
        /// Only findings about this target
        #[arg(long, value_name = "ID")]
        target: Option<String>,
        /// Only findings whose summary or subject has this text
        #[arg(long)]
        text: Option<String>,
        /// How to print them
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Print one finding with its reasons, evidence and ledger proof
    Show {
        /// Its id, or the beginning of it
        id: String,
        /// Print the text of a report to the registrar or host instead: facts only
        #[arg(long)]
        takedown: bool,
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Record what you make of a finding; nothing is ever rewritten
    Decide {
        /// Its id, or the beginning of it
        id: String,
        /// confirmed, dismissed or note
        #[arg(value_enum)]
        decision: DecisionWord,
        /// Why; a dismissal needs one
        #[arg(long, short = 'm', default_value = "")]
        reason: String,
        /// Who decides (default: the user of this machine)
        #[arg(long, env = "POLLWATCH_ANALYST")]
        by: Option<String>,
    },
}

#[derive(Args)]
pub struct ServeArguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8710", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Let other machines reach it; needs --tls-cert and --tls-key, or --proxy
    #[arg(long)]
    pub public: bool,
    /// The chain of certificates (PEM) by which browsers know it
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The private key (PEM) of that certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// The address that a proxy connects from which speaks TLS with the browsers; its X-Forwarded-For is believed
    #[arg(long, value_name = "ADDRESS", conflicts_with = "tls_cert")]
    pub proxy: Option<IpAddr>,
    /// A name by which browsers call it, such as console.county.example; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
}

#[derive(Subcommand)]
pub enum AccountCommand {
    /// Make an account; asks for its password, or takes the first line of standard input
    Add {
        /// The name to sign in with
        name: String,
        /// What it may do: viewer, audit-board, analyst or officer
        #[arg(long, default_value = "viewer")]
        role: Role,
    },
    /// Set a new password, take the second factor away, let a shut-out account in again, and end its sessions
    Password {
        /// The account
        name: String,
    },
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Print the verifier key that others need to check the ledger
    Show,
    /// Make a new key; the old one signs it in
    Rotate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// One JSON object a line
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DecisionWord {
    /// It is what it says
    Confirmed,
    /// It is not
    Dismissed,
    /// A remark
    Note,
}
