//! `pollwatch.toml`: how a workspace works, as opposed to what it protects.

use pollwatch_model::Tlp;
use serde::Deserialize;

use crate::Error;

mod watched;

pub use watched::{AlertChannel, MailRelay, MailSecurity, SourceKind, WatchedSource, Webhook};

/// Version of the settings format that this crate reads and writes.
const SETTINGS_SCHEMA: u32 = 1;

/// Fewest days that `retention.problems_days` may name: a list of what could not be read has to outlive a canvass and its
/// contests.
const MIN_PROBLEM_DAYS: u32 = 400;

/// The settings of a workspace.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Version of the format: 1.
    pub schema: u32,
    /// Name of the ledger, written into every checkpoint: a host name and path by which others tell ledgers apart.
    pub origin: String,
    /// Further lists of protected names, read beside `register.toml`; paths from the workspace's folder.
    #[serde(default)]
    pub protect: Vec<String>,
    /// Who may read a brief when the command line says nothing.
    #[serde(default = "amber")]
    pub brief_tlp: BriefTlp,
    /// What is kept, and for how long.
    #[serde(default)]
    pub retention: Retention,
    /// Each desk's own table.
    #[serde(default)]
    pub desk: toml::Table,
    /// What `pollwatch watch` follows.
    #[serde(default, rename = "source")]
    pub sources: Vec<WatchedSource>,
    /// Whom `pollwatch watch` tells.
    #[serde(default, rename = "alert")]
    pub alerts: Vec<AlertChannel>,
}

/// A TLP label as the settings write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct BriefTlp(pub Tlp);

fn amber() -> BriefTlp {
    BriefTlp(Tlp::Amber)
}

/// What is kept. Findings, evidence, decisions and the ledger are never deleted by Pollwatch; these settings can only make
/// it keep more of the rest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days that the list of unreadable records is kept: 400 or more.
    pub problems_days: u32,
    /// Keeps everything for as long as it stands, whatever else is set.
    pub legal_hold: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Retention {
            problems_days: 3_650,
            legal_hold: false,
        }
    }
}

impl Settings {
    /// Reads the text of a settings file.
    ///
    /// Errors: [`Error::Settings`] with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let at = |line: u64, why: String| Error::Settings {
            file: file.to_owned(),
            line,
            why,
        };
        let settings: Settings = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text
                .as_bytes()
                .iter()
                .take(start)
                .filter(|byte| **byte == b'\n')
                .count() as u64
                + 1;
            at(line, error.message().trim().replace('\n', " "))
        })?;
        if settings.schema != SETTINGS_SCHEMA {
            let why = format!(
                "schema {} is not known to this program, which reads {SETTINGS_SCHEMA}",
                settings.schema
            );
            return Err(at(1, why));
        }
        if settings.retention.problems_days < MIN_PROBLEM_DAYS {
            let why = format!("retention.problems_days must be {MIN_PROBLEM_DAYS} or more");
            return Err(at(1, why));
        }
        let faults = watched::faults(&settings.sources, &settings.alerts);
        if !faults.is_empty() {
            return Err(at(1, faults.join("; ")));
        }
        Ok(settings)
    }

    /// The text of a new workspace's settings.
    pub fn template(origin: &str) -> String {
        format!(
            "# How this workspace works. What it protects stands in register.toml.\n\
             schema = {SETTINGS_SCHEMA}\n\
             \n\
             # Name of the ledger, written into every checkpoint. Do not change it: the log would be another log.\n\
             origin = {}\n\
             \n\
             # Further lists of protected names, beside register.toml: CSV with a header, or one name a line.\n\
             protect = []\n\
             \n\
             # Who may read a brief when --tlp is not given: clear, green, amber, amber+strict or red.\n\
             brief_tlp = \"amber\"\n\
             \n\
             # Findings, evidence, decisions and the ledger are never deleted. These two only ever keep more of the rest.\n\
             [retention]\n\
             problems_days = 3650\n\
             legal_hold = false\n\
             \n\
             # What `pollwatch watch` follows, and whom it tells. docs/watch.md has every setting.\n\
             #\n\
             # [[source]]\n\
             # name = \"web server of the county\"\n\
             # desk = \"intrusion\"\n\
             # kind = \"log\"              # log: one file that grows; folder: whole files arrive, a Maildir too; stdin\n\
             # path = \"/var/log/nginx/access.log\"\n\
             # target = \"example-county-clerk\"\n\
             #\n\
             # [[alert]]\n\
             # name = \"duty officer\"\n\
             # min_severity = \"high\"\n\
             # quiet_hours = \"22:00-06:00\"\n\
             # zone = \"America/Chicago\"\n\
             # mail = {{ relay = \"mail.county.example:587\", from = \"pollwatch@county.example\", to = [\"duty@county.example\"] }}\n",
            toml::Value::String(origin.to_owned())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_reads_back() {
        let settings =
            Settings::parse("pollwatch.toml", &Settings::template("county.example/ledger")).unwrap();
        assert_eq!(settings.origin, "county.example/ledger");
        assert_eq!(settings.brief_tlp.0, Tlp::Amber);
    }

    #[test]
    fn faults_name_file_and_line() {
        let message = |text: &str| Settings::parse("pollwatch.toml", text).unwrap_err().to_string();
        assert!(message("schema = 1\norigin = 3\n").starts_with("pollwatch.toml:2: "));
        assert!(message("schema = 9\norigin = \"a\"\n").contains("schema 9"));
        let short = "schema = 1\norigin = \"a\"\n[retention]\nproblems_days = 3\n";
        assert!(message(short).contains("400 or more"));
        let source = |text: &str| {
            let text = format!("schema = 1\norigin = \"a\"\n[[source]]\nname = \"x\"\n{text}");
            message(&text)
        };
        assert!(
            source("desk = \"weather\"\nkind = \"log\"\npath = \"a\"\n")
                .contains("a desk \"weather\" that there is not")
        );
        assert!(source("desk = \"mail\"\nkind = \"log\"\n").contains("needs a path"));
        let alert = "schema = 1\norigin = \"a\"\n[[alert]]\nname = \"x\"\n";
        assert!(message(alert).contains("exactly one of"));
    }
}
