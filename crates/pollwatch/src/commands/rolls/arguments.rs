//! What `pollwatch rolls` understands.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pollwatch_model::Severity;

use crate::arguments::Format;

#[derive(Subcommand)]
pub enum RollsCommand {
    /// Compare snapshots in order of time; the more of them, the better ordinary churn is known
    Compare(CompareArguments),
    /// Draft a mapping file for a roll of any form from its first rows; no value of a voter goes into it
    Describe {
        /// A snapshot, plain, gzip or zstd
        file: PathBuf,
        /// Print what is known of each column instead of the mapping file
        #[arg(long)]
        columns: bool,
    },
    /// Describe what the desk detects, and what it cannot tell
    About,
}

#[derive(Args)]
pub struct CompareArguments {
    /// Snapshots of one roll, two or more; plain, gzip or zstd. They are put in the order of the days in their names
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// nc, oh, fl, ny, pa, or a mapping file (default: by looking at the first line)
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<String>,
    /// What was announced: CSV with the header from,to,county,event,most,note
    #[arg(long, value_name = "FILE")]
    pub calendar: Option<PathBuf>,
    /// Control false findings for tests that depend on each other in any way (Benjamini-Yekutieli); finds less
    #[arg(long)]
    pub yekutieli: bool,
    /// Find persons again by name, birth date and address where identifiers were issued anew
    #[arg(long)]
    pub link: bool,
    /// The target of the register that the roll belongs to (default: by the county's name)
    #[arg(long, value_name = "ID")]
    pub target: Option<String>,
    /// How to print findings
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write a page of pictures: counties by fields, counts over time
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// List the entries behind unexplained changes, with voters' identifiers, in a new file that only you can read. It must lie
    /// outside any workspace, and never leaves this machine by itself
    #[arg(long, value_name = "FILE")]
    pub rows: Option<PathBuf>,
    /// A folder for scratch files, about as large as the unpacked snapshots (default: the system's temporary folder)
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
    /// Keep findings and the counts that they rest on in the workspace
    #[arg(long)]
    pub record: bool,
    /// End with status 1 when a finding has this severity or a higher one
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
}
