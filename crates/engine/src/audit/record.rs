//! What an audit came to, into the record: findings, and what becomes of them when a contest is opened again.

use std::path::PathBuf;

use jiff::Timestamp;
use pollwatch_audit::explain::{KIND, draft};
use pollwatch_audit::flow::Assessment;
use pollwatch_audit::package::head_of;
use pollwatch_audit::{AuditDesk, document};
use pollwatch_model::{FindingId, Verdict};

use super::{AUDITS, DESK};
use crate::input::Place;
use crate::run::{Novelty, RunReport, Watcher};
use crate::sources::SourceSpec;
use crate::workspace::Workspace;
use crate::{Error, Progress};

/// Who decides that a finding no longer stands, or stands again, because the audit's log says so.
const BY: &str = "audit log";

struct Silent;

impl Watcher for Silent {
    fn finding(&mut self, _: &pollwatch_model::Finding, _: Novelty) {}
    fn problem(&mut self, _: &pollwatch_model::Problem) {}
    fn progress(&mut self, _: Progress<'_>) {}
}

impl Workspace {
    /// Records an assessment: each contest that has ended becomes a finding. One whose finding stood and that is open again
    /// (a reading was taken back, say) has it dismissed, with the reason; when it ends again, the finding stands again.
    pub fn record_assessment(
        &mut self,
        name: &str,
        assessment: &Assessment,
        now: Timestamp,
    ) -> Result<RunReport, Error> {
        let audit = self.audit(Some(name))?;
        let Some(head) = head_of(name, audit.state(), assessment) else {
            return Ok(RunReport::default());
        };
        let bytes = document(&head, assessment)?;
        let path: PathBuf = self.dir().join(AUDITS).join(name).join("assessment.jsonl");
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
        }
        std::fs::write(&path, &bytes).map_err(Error::file("write", &path))?;
        let mut spec = SourceSpec::file(&path);
        spec.name = format!("{AUDITS}/{name}/assessment.jsonl");
        spec.place = Place::File(path);
        let report = self.run(&AuditDesk, &[spec], now, &mut Silent)?;
        for one in &assessment.contests {
            let subject = format!("{name}/{}", one.contest);
            let id = FindingId::derive(DESK, KIND, &head.target.id, &subject);
            let Ok(shown) = self.finding(id.as_str()) else {
                continue;
            };
            let stands = shown
                .decisions
                .iter()
                .rev()
                .find(|decision| decision.verdict != Verdict::Note);
            let is_ours = stands.is_some_and(|decision| decision.by == BY);
            let is_dismissed = stands.is_some_and(|decision| decision.verdict == Verdict::Dismissed);
            match draft(&head, one) {
                None if !is_dismissed => {
                    let because = format!("the audit of this contest is open again: {}", one.verdict.title());
                    self.decide(id.as_str(), Verdict::Dismissed, &because, BY, now)?;
                }
                Some(_) if is_dismissed && is_ours => {
                    let because = format!(
                        "the audit of this contest has ended again: {}",
                        one.verdict.title()
                    );
                    self.decide(id.as_str(), Verdict::Confirmed, &because, BY, now)?;
                }
                _ => {}
            }
        }
        Ok(report)
    }
}
