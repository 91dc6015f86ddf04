//! Which revisions of findings people are told of.

use pollwatch_engine::{AlertChannel, Revised};
use pollwatch_model::Polarity;

/// Whether a way of telling people owes them this revision: it is a threat of enough severity that was not one before, or
/// got further or graver since.
pub fn is_owed(alert: &AlertChannel, revised: &Revised) -> bool {
    let finding = &revised.finding;
    if finding.polarity != Polarity::Threat || finding.severity < alert.min_severity {
        return false;
    }
    match &revised.before {
        None => true,
        Some(before) => finding.severity > before.severity || finding.stage > before.stage,
    }
}
