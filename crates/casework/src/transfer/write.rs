//! Making the file.

use pollwatch_model::{Coverage, EvidenceId};

use super::form::{Consistency, EXPORT_SCHEMA, Head, Line, Proven};

/// Makes the lines of a file; each ends in a line feed. The lines follow in the order of the manifest's entries.
#[derive(Debug, Default)]
pub struct Writer {
    lines: Vec<u8>,
}

impl Writer {
    /// Begins a file: the signed checkpoint, proofs from earlier sizes, and the manifest's entry.
    ///
    /// Errors: none that outside data can cause; a value that JSON cannot hold. The same of the other methods.
    pub fn begin(
        checkpoint: &str,
        consistency: Vec<Consistency>,
        manifest: Proven,
    ) -> Result<Writer, serde_json::Error> {
        let head = Head {
            pollwatch_export: EXPORT_SCHEMA,
            checkpoint: checkpoint.to_owned(),
            consistency,
            manifest,
        };
        let mut lines = serde_json::to_vec(&head)?;
        lines.push(b'\n');
        Ok(Writer { lines })
    }

    /// A finding, as its ledger committed to it.
    pub fn finding(&mut self, statement: Proven) -> Result<(), serde_json::Error> {
        self.line(&Line::Finding(statement))
    }

    /// The decision that stands on a finding.
    pub fn decision(&mut self, statement: Proven) -> Result<(), serde_json::Error> {
        self.line(&Line::Decision(statement))
    }

    /// What a source let a desk see.
    pub fn coverage(&mut self, coverage: Coverage) -> Result<(), serde_json::Error> {
        self.line(&Line::Coverage(coverage))
    }

    fn line(&mut self, line: &Line) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut self.lines, line)?;
        self.lines.push(b'\n');
        Ok(())
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.lines
    }
}

/// The digest by which a manifest names a coverage.
///
/// Errors: none that outside data can cause.
pub fn coverage_id(coverage: &Coverage) -> Result<EvidenceId, serde_json::Error> {
    Ok(EvidenceId::of(&serde_json::to_vec(coverage)?))
}
