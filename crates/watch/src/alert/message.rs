//! What people are told: in words, and as JSON.

use jiff::Timestamp;
use pollwatch_brief::Veil;
use pollwatch_engine::{AlertChannel, Revised};
use pollwatch_model::{EvidenceId, Register, Severity};
use pollwatch_names::visible;
use serde::Serialize;

use super::quiet::QuietHours;

/// Findings that one message tells of; the rest is counted.
const MAX_TOLD: usize = 50;

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Version of this format: 1.
    pub schema: u32,
    /// Names this message: the same findings by the same way have the same name, so that a receiver can drop a second copy.
    pub delivery: String,
    /// Who keeps the workspace.
    pub owner: String,
    /// When it was written.
    pub at: Timestamp,
    /// Who may read it.
    pub tlp: String,
    /// One line: how many findings, and how grave.
    pub subject: String,
    /// The findings, gravest first.
    pub findings: Vec<Told>,
    /// Findings that are not listed.
    pub more: usize,
    /// The message in words.
    pub text: String,
}

/// One finding of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// Its severity.
    pub severity: String,
    /// Its index in the ledger.
    pub ledger_index: u64,
    /// What was found; `None` where it may not go this way.
    pub finding: Option<Shown>,
}

/// What is told of a finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// The desk.
    pub desk: String,
    /// How far it got; `None` where nothing is said of that.
    pub stage: Option<String>,
    /// At whom it was aimed.
    pub target: String,
    /// One sentence.
    pub summary: String,
    /// What to do.
    pub next: String,
    /// Whether it was known and is graver now.
    pub is_graver: bool,
}

impl Message {
    /// A message about `findings` by the way `alert`, at `now`.
    pub fn about(
        alert: &AlertChannel,
        register: &Register,
        findings: &[&Revised],
        times: &QuietHours,
        now: Timestamp,
    ) -> Self {
        let owner = register.owner.as_str();
        let veil = Veil::new(register, findings.iter().map(|one| &one.finding));
        let mut sorted: Vec<&&Revised> = findings.iter().collect();
        sorted.sort_by(|a, b| (b.finding.severity, a.index).cmp(&(a.finding.severity, b.index)));
        let highest = sorted.first().map_or(Severity::Info, |one| one.finding.severity);
        let grave = sorted
            .iter()
            .filter(|one| one.finding.severity == highest)
            .count();
        let subject = match (sorted.len(), grave) {
            (1, _) => format!("Pollwatch: one finding, {highest}"),
            (all, grave) if all == grave => format!("Pollwatch: {all} findings, {highest}"),
            (all, grave) => format!("Pollwatch: {all} findings, {grave} of them {highest}"),
        };
        let told: Vec<Told> = sorted
            .iter()
            .take(MAX_TOLD)
            .map(|one| Told {
                id: one.finding.id.to_string(),
                severity: one.finding.severity.to_string(),
                ledger_index: one.index,
                finding: (one.finding.tlp <= alert.tlp).then(|| Shown {
                    desk: one.finding.desk.clone(),
                    stage: one.finding.stage.map(|stage| stage.to_string()),
                    target: visible(&one.finding.target.name),
                    summary: veil.text(&one.finding.summary),
                    next: veil.text(&one.finding.next),
                    is_graver: one.before.is_some(),
                }),
            })
            .collect();
        let indices: Vec<String> = findings.iter().map(|one| one.index.to_string()).collect();
        let name = format!("{}\n{}\n{}", alert.name, owner, indices.join(" "));
        let delivery = EvidenceId::of(name.as_bytes()).to_string();
        let more = sorted.len() - told.len();
        let text = in_words(alert, owner, &told, more, times, now);
        Message {
            schema: 1,
            delivery,
            owner: visible(owner),
            at: now,
            tlp: alert.tlp.to_string(),
            subject,
            findings: told,
            more,
            text,
        }
    }
}

fn in_words(
    alert: &AlertChannel,
    owner: &str,
    told: &[Told],
    more: usize,
    times: &QuietHours,
    now: Timestamp,
) -> String {
    let mut text = format!(
        "{}\nTLP:{}\n",
        times.show(now),
        alert.tlp.to_string().to_uppercase()
    );
    if !owner.is_empty() {
        text.push_str(&format!("{}\n", visible(owner)));
    }
    for one in told {
        text.push('\n');
        match &one.finding {
            None => text.push_str(&format!(
                "[{}] {}\nWhat was found may not be sent this way.\n",
                one.severity, one.id
            )),
            Some(shown) => {
                let again = if shown.is_graver {
                    ", graver than before"
                } else {
                    ""
                };
                let stage = shown
                    .stage
                    .as_ref()
                    .map_or(String::new(), |stage| format!(", {stage}"));
                text.push_str(&format!("[{}{again}{stage}] {}\n", one.severity, shown.target));
                text.push_str(&format!("{}\n", shown.summary));
                if !shown.next.is_empty() {
                    text.push_str(&format!("Next: {}\n", shown.next));
                }
                text.push_str(&format!("Why: pollwatch findings show {}\n", one.id));
            }
        }
    }
    if more > 0 {
        text.push_str(&format!("\nand {more} more: pollwatch findings list\n"));
    }
    text
}
