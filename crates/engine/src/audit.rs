//! Audits in a workspace: the engine's side of a desk whose state is what its events make of it.
//!
//! The log of an audit is a stream of events of the desk `audit` (see [`crate::Workspace::events`]). Its files lie in
//! `audits/NAME/inputs`; their digests are in the log, and a file that does not answer to its digest is not read.
//! Everything else is derived, every time, from the two.

mod batches;
mod package;
mod record;
mod session;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pollwatch_audit::flow::event::{Entry, Event, InputFile, Role};
use pollwatch_audit::flow::{Refused, State};
use pollwatch_ledger::evidence::{EvidenceReader, PieceDigest};
use pollwatch_model::EvidenceId;
use sha2::{Digest as _, Sha256};

use crate::workspace::Workspace;
use crate::{Error, KeptEvent};

pub use package::{PackageFault, PackageReport, PublishHow, verify_package, zip_package};
pub use session::{ContestOutcome, Session, Stage, audited_on};

/// The desk that the streams belong to.
const DESK: &str = "audit";
/// Where audits keep their files, beneath the workspace's folder.
pub(crate) const AUDITS: &str = "audits";
/// Longest name of an audit.
const MAX_NAME: usize = 60;

/// What stops an operation on an audit.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A name that cannot be one.
    #[error(
        "{0:?} is no name for an audit: take small letters, digits and hyphens, such as general-2026, at most {MAX_NAME}"
    )]
    Name(String),
    /// There is no such audit.
    #[error("there is no audit {0:?}")]
    NoSuch(String),
    /// No audit was named and there is not exactly one.
    #[error("{}", match .0.as_slice() {
        [] => "there is no audit in this workspace yet".to_owned(),
        names => format!("there are several audits ({}): say which with --audit", names.join(", ")),
    })]
    Which(Vec<String>),
    /// The event cannot be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The log holds an entry that cannot be.
    #[error("entry {entry} of the audit's log cannot be: {why}")]
    Log {
        /// Its number.
        entry: u64,
        /// Why.
        why: String,
    },
    /// A file is not the one whose digest is in the log.
    #[error(
        "{} is not the file that the audit was opened with: its SHA-256 is {found}, and the log says {expected}",
        path.display()
    )]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// What the log says.
        expected: EvidenceId,
        /// What was found.
        found: EvidenceId,
    },
    /// What the files say cannot be audited.
    #[error("{0}")]
    Files(String),
}

impl From<AuditError> for Error {
    fn from(error: AuditError) -> Self {
        Error::Audit(error)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Error::Audit(AuditError::Refused(refused))
    }
}

/// An audit as it stands.
#[derive(Debug, Clone)]
pub struct Audit {
    name: String,
    dir: PathBuf,
    kept: Vec<KeptEvent>,
    state: State,
}

impl Audit {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder: `inputs` lies in it, and whatever the commands write.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What its events make of it.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Its events as they lie in the record.
    pub fn kept(&self) -> &[KeptEvent] {
        &self.kept
    }

    /// Where a file of it lies.
    pub fn input(&self, file: &InputFile) -> PathBuf {
        self.dir.join("inputs").join(&file.name)
    }
}

/// Reads files that were taken into an audit's folder.
pub fn load_audit_files(
    workspace: &Workspace,
    name: &str,
    inputs: &[InputFile],
    scratch: &Path,
) -> Result<pollwatch_audit::flow::Loaded, Error> {
    let dir = workspace.dir().join(AUDITS).join(name).join("inputs");
    let place_of = |file: &InputFile| pollwatch_audit::flow::InputPlace::File(dir.join(&file.name));
    session::load_files(inputs, &place_of, scratch)
}

/// Whether a text is a risk limit.
pub fn check_risk_limit(text: &str) -> Result<(), Error> {
    match text.parse::<pollwatch_audit::method::limit::RiskLimit>() {
        Ok(_) => Ok(()),
        Err(error) => Err(AuditError::Files(error.to_string()).into()),
    }
}

/// Whether a text can name an audit.
pub fn check_name(name: &str) -> Result<(), AuditError> {
    let is_fit = !name.is_empty()
        && name.len() <= MAX_NAME
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-');
    if is_fit {
        Ok(())
    } else {
        Err(AuditError::Name(name.to_owned()))
    }
}

impl Workspace {
    /// The names of all audits, those without any event left out.
    pub fn audits(&self) -> Result<Vec<String>, Error> {
        self.event_streams(DESK)
    }

    /// The audit of a name; `None`: the only one there is.
    pub fn audit(&self, name: Option<&str>) -> Result<Audit, Error> {
        let name = match name {
            Some(name) => {
                check_name(name)?;
                name.to_owned()
            }
            None => {
                let mut names = self.audits()?;
                match names.len() {
                    1 => names.remove(0),
                    _ => return Err(AuditError::Which(names).into()),
                }
            }
        };
        let audit = self.load_audit(&name)?;
        if audit.kept.is_empty() {
            return Err(AuditError::NoSuch(name).into());
        }
        Ok(audit)
    }

    fn load_audit(&self, name: &str) -> Result<Audit, Error> {
        let kept = self.events(DESK, name)?;
        let mut state = State::default();
        for one in &kept {
            let refuse = |why: String| AuditError::Log { entry: one.seq, why };
            let entry: Entry =
                serde_json::from_value(one.event.clone()).map_err(|error| refuse(error.to_string()))?;
            state
                .apply(entry)
                .map_err(|refused| refuse(refused.to_string()))?;
        }
        Ok(Audit {
            name: name.to_owned(),
            dir: self.dir().join(AUDITS).join(name),
            kept,
            state,
        })
    }

    /// Appends events to an audit, all of them or, when one cannot be, none; gives the audit as it then stands.
    ///
    /// Errors: [`AuditError::Refused`] with the reason.
    pub fn audit_append(
        &mut self,
        name: &str,
        by: &str,
        events: Vec<Event>,
        now: Timestamp,
    ) -> Result<Audit, Error> {
        check_name(name)?;
        let mut audit = self.load_audit(name)?;
        // A clock that was set back must not stop an audit that runs: entries of one moment are in order by number.
        let now = audit.state.log().last().map_or(now, |last| now.max(last.at));
        let mut values = Vec::with_capacity(events.len());
        for event in events {
            let entry = Entry::new(by, now, event);
            values.push(serde_json::to_value(&entry)?);
            audit.state.apply(entry)?;
        }
        self.append_events(DESK, name, &audit.kept, &values, now)?;
        self.load_audit(name)
    }

    /// The exact bytes of a statement.
    pub(crate) fn statement_bytes(&self, id: EvidenceId) -> Result<Vec<u8>, Error> {
        let folder = self.dir().join(crate::workspace::files::EVIDENCE);
        let bytes = EvidenceReader::open(&folder)
            .get(&PieceDigest(*id.digest()))
            .map_err(Error::ledger("read the evidence of"))?;
        bytes.ok_or(Error::LostStatement(id))
    }

    /// Copies files into a new audit's folder, and says what they are. Two files of one name get numbers.
    ///
    /// Errors: [`AuditError::Name`]; a file that cannot be read or written.
    pub fn take_audit_files(
        &mut self,
        name: &str,
        files: &[(Role, String, PathBuf)],
    ) -> Result<Vec<InputFile>, Error> {
        check_name(name)?;
        let folder = self.dir().join(AUDITS).join(name).join("inputs");
        std::fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
        let mut taken: Vec<InputFile> = Vec::new();
        for (role, county, path) in files {
            let base = path
                .file_name()
                .map_or_else(|| "file".to_owned(), |name| safe_name(&name.to_string_lossy()));
            let mut chosen = base.clone();
            let mut number = 2;
            while taken.iter().any(|file| file.name == chosen) {
                chosen = format!("{number}-{base}");
                number += 1;
            }
            let target = folder.join(&chosen);
            let same = std::fs::canonicalize(path).ok() == std::fs::canonicalize(&target).ok();
            if !(same && target.is_file()) {
                std::fs::copy(path, &target).map_err(Error::file("copy", path))?;
            }
            let file = std::fs::File::open(&target).map_err(Error::file("read", &target))?;
            file.sync_all().map_err(Error::file("sync", &target))?;
            let (sha256, bytes) = digest_file(&target)?;
            taken.push(InputFile {
                role: *role,
                county: county.clone(),
                name: chosen,
                sha256,
                bytes,
            });
        }
        Ok(taken)
    }
}

/// A file's name without anything that a file system or a page could take amiss.
fn safe_name(name: &str) -> String {
    let mut safe: String = name
        .chars()
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => letter,
            _ => '-',
        })
        .take(100)
        .collect();
    if safe.trim_matches(['.', '-']).is_empty() {
        safe = "file".to_owned();
    }
    safe.trim_start_matches('.').to_owned()
}

/// SHA-256 and size of a file.
pub(crate) fn digest_file(path: &Path) -> Result<(EvidenceId, u64), Error> {
    let mut file = std::fs::File::open(path).map_err(Error::file("read", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = std::io::Read::read(&mut file, &mut buffer).map_err(Error::file("read", path))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    Ok((EvidenceId::from_digest(hash.finalize().into()), bytes))
}
