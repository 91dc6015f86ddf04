//! A workspace on disk: settings, register, record, ledger, evidence and key, opened and kept in step.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use pollwatch_ledger::checkpoint::Checkpoint;
use pollwatch_ledger::evidence::{EvidenceReader, EvidenceStore, PieceDigest, PieceLocation};
use pollwatch_ledger::key::{create_key_file, load_current_key, rotate_key_file};
use pollwatch_ledger::log::Log;
use pollwatch_ledger::reader::{LogReader, read_key_history};
use pollwatch_model::{
    Coverage, Ctx, Decision, Desk, EvidenceRef, Finding, FindingId, Problem, Register, Severity, Verdict,
};
use pollwatch_names::protectable;
use pollwatch_store::{
    DecisionRecord, Dismissed, EvidenceLocation, Filter, SqliteStore, Store, StoredFinding,
};

use crate::live::LIVE_KEY;
use crate::record::{STREAM_KEY, WorkspaceRecorder, sequence};
use crate::run::{RunReport, Watcher};
use crate::settings::Settings;
use crate::sources::SourceSpec;
use crate::statement::{Content, seal};
use crate::{Error, protect};

/// Names of what lies in a workspace's folder.
pub(crate) mod files {
    pub const SETTINGS: &str = "pollwatch.toml";
    pub const REGISTER: &str = "register.toml";
    pub const RECORD: &str = "record.db";
    pub const LEDGER: &str = "ledger";
    pub const EVIDENCE: &str = "evidence";
    pub const KEY: &str = "keys/ledger.key";
    pub const LOCK: &str = "lock";
}

/// Under which name the record keeps the newest checkpoint that it saw.
pub(crate) const CHECKPOINT_META: &str = "checkpoint";

/// What a new workspace's register says.
const REGISTER_TEMPLATE: &str = r#"# What is protected. `pollwatch register check` names faults by line; `pollwatch register schema` prints the schema.
schema = 1
owner = OWNER

# Names of others that are known to be honest and never alarm.
allow = []

# One entry a target. Take away the # signs and put your own names in.
#
# [[target]]
# id = "example-county-clerk"
# name = "Example County Clerk"
# kind = "office"              # jurisdiction, office, candidate, campaign, party, vendor, media, login, other
# state = "TX"
# domains = ["example-county.gov"]
# owned = ["examplecountyvotes.org"]    # yours too: never an alarm
"#;

/// How a workspace is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// For looking: works on a folder that cannot be written to, and beside a process that writes.
    Read,
    /// For recording: one process at a time.
    Write,
}

/// An open workspace.
pub struct Workspace {
    dir: PathBuf,
    settings: Settings,
    register: Arc<Register>,
    register_problems: Vec<Problem>,
    runtime: tokio::runtime::Runtime,
    store: SqliteStore,
    writing: Option<Writing>,
}

/// What only a writer has.
struct Writing {
    ledger: LedgerWriter,
    evidence: EvidenceStore,
    /// Held, and by that locked, as long as the workspace is open.
    _lock: File,
}

/// The ledger, open for appending.
pub(crate) struct LedgerWriter(pub(crate) Log);

impl LedgerWriter {
    pub(crate) fn size(&self) -> u64 {
        self.0.size()
    }

    pub(crate) fn entry(&self, index: u64) -> Result<Vec<u8>, Error> {
        self.0.reader().entry(index).map_err(Error::ledger("read"))
    }

    /// Appends, syncs and signs. Gives the index of the first.
    pub(crate) fn append(&mut self, entries: &[&[u8]]) -> Result<u64, Error> {
        Ok(self
            .0
            .append_batch(entries)
            .map_err(Error::ledger("append to"))?
            .start)
    }
}

/// Which findings to list.
#[derive(Debug, Clone)]
pub struct FindingQuery {
    /// Only this severity and up.
    pub min_severity: Severity,
    /// Only this target.
    pub target: Option<String>,
    /// Only findings whose subject or summary has this text.
    pub text: Option<String>,
    /// At most so many.
    pub limit: u32,
}

impl Default for FindingQuery {
    fn default() -> Self {
        FindingQuery {
            min_severity: Severity::Info,
            target: None,
            text: None,
            limit: 100,
        }
    }
}

/// A piece of evidence and its bytes, or `None` where they are missing from the evidence folder.
pub type ShownEvidence = (EvidenceRef, Option<Vec<u8>>);

/// A finding with all that belongs to it.
#[derive(Debug, Clone)]
pub struct ShownFinding {
    /// The finding as it stands.
    pub finding: Finding,
    /// Its revision, from 1.
    pub revision: u64,
    /// Its evidence.
    pub excerpts: Vec<ShownEvidence>,
    /// Where the ledger has it.
    pub ledger: Option<LedgerPlace>,
    /// Every decision on it, oldest first.
    pub decisions: Vec<Decision>,
    /// For a finding that another office sent: its ledger, and the entry there. Its evidence stays with that office.
    pub origin: Option<(String, Option<u64>)>,
}

/// A finding's place in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPlace {
    /// Index of its leaf.
    pub index: u64,
    /// The proof, in the form of a `.tlog-proof` file.
    pub proof: String,
}

/// The health of a workspace.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Findings recorded.
    pub findings: u64,
    /// Of them alarms that nobody dismissed.
    pub alarms: u64,
    /// Findings that somebody decided on.
    pub decided: u64,
    /// Entries of the ledger.
    pub ledger_size: u64,
    /// Entries recorded and not yet signed.
    pub pending: u64,
    /// Size of the evidence folder.
    pub evidence_bytes: u64,
    /// Desks of runs that were interrupted.
    pub unfinished: Vec<String>,
    /// What was read.
    pub coverage: Vec<Coverage>,
}

impl Workspace {
    /// Makes a workspace in `dir`, which must be empty or not there, and opens it for writing.
    ///
    /// `register` is the text of its register; `None` writes one to fill in. Errors: [`Error::NotEmpty`], or a file that
    /// cannot be written; what was made until then is left for a look.
    pub fn init(
        dir: &Path,
        owner: &str,
        origin: &str,
        register: Option<&str>,
        now: Timestamp,
    ) -> Result<Workspace, Error> {
        std::fs::create_dir_all(dir).map_err(Error::file("make", dir))?;
        let mut entries = std::fs::read_dir(dir).map_err(Error::file("read", dir))?;
        if entries.next().is_some() {
            return Err(Error::NotEmpty(dir.to_path_buf()));
        }
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(Error::file("write", path))
        };
        let owner = toml::Value::String(owner.to_owned()).to_string();
        write(
            files::REGISTER,
            register.unwrap_or(&REGISTER_TEMPLATE.replace("OWNER", &owner)),
        )?;
        std::fs::create_dir_all(dir.join("keys")).map_err(Error::file("make", dir.join("keys")))?;
        std::fs::create_dir_all(dir.join(files::EVIDENCE))
            .map_err(Error::file("make", dir.join(files::EVIDENCE)))?;
        let signer =
            create_key_file(&dir.join(files::KEY), origin).map_err(Error::ledger("make the key of"))?;
        drop(Log::create(&dir.join(files::LEDGER), signer).map_err(Error::ledger("make"))?);
        let runtime = runtime()?;
        let store = runtime
            .block_on(SqliteStore::open(
                &dir.join(files::RECORD),
                pollwatch_store::Mode::ReadWrite,
            ))
            .map_err(Error::store("make"))?;
        runtime
            .block_on(store.set_meta("created", &now.to_string()))
            .map_err(Error::store("write to"))?;
        runtime.block_on(store.close());
        // The settings come last: a folder that has them is a whole workspace.
        write(files::SETTINGS, &Settings::template(origin))?;
        Workspace::open(dir, Mode::Write)
    }

    /// The nearest workspace at or above `start`.
    pub fn find(start: &Path) -> Option<PathBuf> {
        start
            .ancestors()
            .find(|dir| dir.join(files::SETTINGS).is_file())
            .map(Path::to_path_buf)
    }

    /// Opens the workspace in `dir`. A writer signs in whatever an interrupted process left waiting.
    ///
    /// Errors: [`Error::Locked`] when another process writes, [`Error::Ledger`] when the signed checkpoint is not a prefix of
    /// the tree on disk, [`Error::Store`] for a database that is newer, damaged or not one.
    pub fn open(dir: &Path, mode: Mode) -> Result<Workspace, Error> {
        let settings_path = dir.join(files::SETTINGS);
        if !settings_path.is_file() {
            return Err(Error::NoWorkspace(dir.to_path_buf()));
        }
        let text = std::fs::read_to_string(&settings_path).map_err(Error::file("read", &settings_path))?;
        let settings = Settings::parse(&settings_path.display().to_string(), &text)?;
        let (register, register_problems) = read_register(dir, &settings)?;
        let runtime = runtime()?;
        let lock = match mode {
            Mode::Read => None,
            Mode::Write => Some(lock(dir)?),
        };
        let store_mode = match mode {
            Mode::Read => pollwatch_store::Mode::ReadOnly,
            Mode::Write => pollwatch_store::Mode::ReadWrite,
        };
        // `init` has made it: opening a lost one for writing would put an empty one in its place.
        let record = dir.join(files::RECORD);
        std::fs::metadata(&record).map_err(Error::file("open", &record))?;
        let store = runtime
            .block_on(SqliteStore::open(&record, store_mode))
            .map_err(Error::store("open"))?;
        let writing = match lock {
            None => None,
            Some(lock) => {
                let ledger = open_ledger(dir, &runtime, &store)?;
                let evidence = EvidenceStore::open(&dir.join(files::EVIDENCE))
                    .map_err(Error::ledger("open the evidence of"))?;
                let mut writing = Writing {
                    ledger: LedgerWriter(ledger),
                    evidence,
                    _lock: lock,
                };
                runtime.block_on(sequence(&store, &mut writing.ledger))?;
                Some(writing)
            }
        };
        let register = Arc::new(register);
        let dir = dir.to_path_buf();
        Ok(Workspace {
            dir,
            settings,
            register,
            register_problems,
            runtime,
            store,
            writing,
        })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it protects.
    pub fn register(&self) -> &Arc<Register> {
        &self.register
    }

    /// What is wrong with the register and the lists beside it.
    pub fn register_problems(&self) -> &[Problem] {
        &self.register_problems
    }

    /// How it works.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The key by which others check the ledger, or an empty text when the ledger's list of keys cannot be read.
    pub fn verifier_key(&self) -> String {
        let keys = read_key_history(&self.dir.join(files::LEDGER)).ok().flatten();
        keys.map(|keys| keys.current().to_string()).unwrap_or_default()
    }

    /// Runs `sources` through `desk` and records what it finds, taking up an interrupted run of the same sources.
    pub fn run(
        &mut self,
        desk: &'static dyn Desk,
        sources: &[SourceSpec],
        now: Timestamp,
        watcher: &mut dyn Watcher,
    ) -> Result<RunReport, Error> {
        if self.writing.is_none() {
            return Err(Error::ReadOnly(self.dir.clone()));
        }
        self.forget_old_problems(now)?;
        let name = desk.card().name;
        let settings = self.settings.desk.get(name).cloned();
        let ctx = Ctx {
            register: Arc::clone(&self.register),
            settings: settings.map_or(Ok(serde_json::Value::Null), serde_json::to_value)?,
            now,
            seed: 0,
            scratch: None,
            judges: crate::desks::judges(name, &self.register),
        };
        let mut recorder = WorkspaceRecorder::new(self, name, sources, now);
        crate::run::run(desk, &ctx, sources, &mut recorder, watcher)
    }

    /// Findings that answer to `query`, most severe first, each with the decision that stands.
    pub fn findings(&self, query: &FindingQuery) -> Result<Vec<(Finding, Option<Decision>)>, Error> {
        let target =
            match &query.target {
                None => None,
                Some(target) => Some(target.parse().map_err(|error| {
                    Error::NoSuchFinding(format!("{error}: see `pollwatch register list`"))
                })?),
            };
        let filter = Filter {
            severity_at_least: Some(query.min_severity),
            target,
            text: query.text.clone(),
            limit: Some(query.limit),
            ..Filter::default()
        };
        let page = self
            .block_on(self.store.findings(&filter))
            .map_err(Error::store("read"))?;
        Ok(page
            .findings
            .into_iter()
            .map(|stored| (stored.finding, stored.decision))
            .collect())
    }

    /// Every finding, in the order of [`Workspace::findings`].
    pub(crate) fn all_findings(&self, dismissed: Dismissed) -> Result<Vec<StoredFinding>, Error> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let filter = Filter {
                dismissed,
                limit: Some(1_000),
                after,
                ..Filter::default()
            };
            let page = self
                .block_on(self.store.findings(&filter))
                .map_err(Error::store("read"))?;
            all.extend(page.findings);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// The finding whose id begins with `prefix`, with its evidence, proof and decisions.
    pub fn finding(&self, prefix: &str) -> Result<ShownFinding, Error> {
        let id = match self.find_id(prefix) {
            Ok(id) => id,
            Err(error @ Error::NoSuchFinding(_)) => return self.imported_finding(prefix, error),
            Err(error) => return Err(error),
        };
        let stored = self
            .block_on(self.store.finding(&id))
            .map_err(Error::store("read"))?
            .ok_or_else(|| Error::NoSuchFinding(format!("there is no finding {id}")))?;
        let excerpts = self.excerpts(&stored.finding)?;
        let decisions = self
            .block_on(self.store.decisions(&id))
            .map_err(Error::store("read"))?;
        let ledger = match stored.ledger_index {
            None => None,
            Some(index) => Some(LedgerPlace {
                index,
                proof: self.proof(&self.log_reader()?, index)?,
            }),
        };
        Ok(ShownFinding {
            revision: stored.revision,
            excerpts,
            ledger,
            decisions: decisions.into_iter().map(|stored| stored.decision).collect(),
            finding: stored.finding,
            origin: None,
        })
    }

    /// The one finding of other offices whose id begins with `prefix`; `unknown` when there is none, or more than one.
    fn imported_finding(&self, prefix: &str, unknown: Error) -> Result<ShownFinding, Error> {
        let wanted = prefix.trim().to_ascii_lowercase();
        let wanted = if wanted.starts_with("f-") {
            wanted
        } else {
            format!("f-{wanted}")
        };
        let mut fitting = self.imported_findings()?;
        fitting.retain(|other| wanted.len() > 2 && other.finding.id.as_str().starts_with(&wanted));
        let Some(other) = fitting.pop().filter(|_| fitting.is_empty()) else {
            return Err(unknown);
        };
        Ok(ShownFinding {
            revision: other.revision,
            excerpts: other
                .finding
                .evidence
                .iter()
                .map(|piece| (piece.clone(), None))
                .collect(),
            ledger: None,
            decisions: other.decision.into_iter().collect(),
            finding: other.finding,
            origin: Some((other.origin, other.entry_index)),
        })
    }

    /// The bytes of a piece of evidence; `None` for one that the record does not know or that is gone from the packs.
    pub fn evidence(&self, id: &pollwatch_model::EvidenceId) -> Result<Option<Vec<u8>>, Error> {
        let locations = self
            .block_on(self.store.evidence_locations(std::slice::from_ref(id)))
            .map_err(Error::store("read"))?;
        let reader = EvidenceReader::open(&self.dir.join(files::EVIDENCE));
        Ok(locations.first().and_then(|location| {
            reader
                .read(pack_location(location), &PieceDigest(*id.digest()))
                .ok()
        }))
    }

    /// The ledger as of its newest checkpoint, open for reading.
    pub fn ledger(&self) -> Result<LogReader, Error> {
        self.log_reader()
    }

    pub(crate) fn log_reader(&self) -> Result<LogReader, Error> {
        open_reader(&self.dir)
    }

    pub(crate) fn proof(&self, log: &LogReader, index: u64) -> Result<String, Error> {
        Ok(log
            .tlog_proof(index)
            .map_err(Error::ledger("prove an entry of"))?
            .to_string())
    }

    /// The evidence of a finding, with its bytes.
    pub(crate) fn excerpts(&self, finding: &Finding) -> Result<Vec<ShownEvidence>, Error> {
        let ids: Vec<_> = finding.evidence.iter().map(|piece| piece.sha256).collect();
        let locations = self
            .block_on(self.store.evidence_locations(&ids))
            .map_err(Error::store("read"))?;
        let reader = EvidenceReader::open(&self.dir.join(files::EVIDENCE));
        let mut excerpts = Vec::with_capacity(finding.evidence.len());
        for piece in &finding.evidence {
            let bytes = locations
                .iter()
                .find(|location| location.sha256 == piece.sha256)
                .and_then(|location| {
                    reader
                        .read(pack_location(location), &PieceDigest(*piece.sha256.digest()))
                        .ok()
                });
            excerpts.push((piece.clone(), bytes));
        }
        Ok(excerpts)
    }

    /// The bytes of one piece of evidence or of a statement; `None` where they are missing.
    pub(crate) fn evidence_bytes(&self, id: pollwatch_model::EvidenceId) -> Result<Option<Vec<u8>>, Error> {
        let locations = self
            .block_on(self.store.evidence_locations(&[id]))
            .map_err(Error::store("read"))?;
        let reader = EvidenceReader::open(&self.dir.join(files::EVIDENCE));
        Ok(locations.first().and_then(|location| {
            reader
                .read(pack_location(location), &PieceDigest(*id.digest()))
                .ok()
        }))
    }

    fn find_id(&self, prefix: &str) -> Result<FindingId, Error> {
        self.block_on(self.store.find_id(prefix))
            .map_err(|error| match error {
                pollwatch_store::Error::NoSuchFinding(_) | pollwatch_store::Error::AmbiguousId { .. } => {
                    Error::NoSuchFinding(error.to_string())
                }
                other => Error::Store {
                    doing: "read",
                    source: other,
                },
            })
    }

    /// Records a decision on the finding whose id begins with `prefix`.
    pub fn decide(
        &mut self,
        prefix: &str,
        verdict: Verdict,
        reason: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Decision, Error> {
        let finding = self.find_id(prefix)?;
        let decision = Decision {
            schema: 1,
            finding,
            verdict,
            reason: reason.to_owned(),
            by: by.to_owned(),
            at: now,
        };
        let sealed = seal(Content::Decision(decision.clone()), self.nonce()?, now)?;
        let location = self.put(&[sealed.bytes.as_slice()])?.remove(0);
        let record = DecisionRecord {
            decision: decision.clone(),
            statement: sealed.id,
            location,
            leaf: sealed.leaf,
        };
        self.block_on(self.store.record_decision(&record))
            .map_err(Error::store("write to"))?;
        self.sequence()?;
        Ok(decision)
    }

    pub(crate) fn coverage(&self) -> Result<Vec<Coverage>, Error> {
        self.block_on(self.store.coverage()).map_err(Error::store("read"))
    }

    /// The health of the workspace.
    pub fn status(&self) -> Result<Status, Error> {
        let counts = self
            .block_on(self.store.finding_counts())
            .map_err(Error::store("read"))?;
        let all = self.all_findings(Dismissed::Included)?;
        let pending = self
            .block_on(self.store.pending_leaves(1_000_000))
            .map_err(Error::store("read"))?;
        let unfinished = self
            .block_on(self.store.unfinished_runs())
            .map_err(Error::store("read"))?;
        let folder = self.dir.join(files::EVIDENCE);
        let evidence_bytes = std::fs::read_dir(&folder)
            .map_err(Error::file("read", &folder))?
            .filter_map(|entry| entry.ok()?.metadata().ok())
            .map(|metadata| metadata.len())
            .sum();
        Ok(Status {
            findings: counts.iter().map(|count| count.findings).sum(),
            alarms: counts
                .iter()
                .filter(|count| count.severity.is_alarm())
                .map(|count| count.findings - count.dismissed)
                .sum(),
            decided: all.iter().filter(|stored| stored.decision.is_some()).count() as u64,
            ledger_size: self.log_reader()?.size(),
            pending: pending.len() as u64,
            evidence_bytes,
            unfinished: unfinished
                .into_iter()
                .filter(|run| {
                    !run.inputs_key.starts_with(STREAM_KEY) && !run.inputs_key.starts_with(LIVE_KEY)
                })
                .map(|run| run.desk)
                .collect(),
            coverage: self.coverage()?,
        })
    }

    /// Makes a new key, signed in by the old one.
    pub fn rotate_key(&mut self, now: Timestamp) -> Result<(), Error> {
        let Some(writing) = &mut self.writing else {
            return Err(Error::ReadOnly(self.dir.clone()));
        };
        rotate_key_file(
            &mut writing.ledger.0,
            &self.dir.join(files::KEY),
            &now.to_string(),
        )
        .map_err(Error::ledger("rotate the key of"))?;
        Ok(())
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn store(&self) -> &SqliteStore {
        &self.store
    }

    /// 128 random bits.
    pub(crate) fn nonce(&self) -> Result<[u8; 16], Error> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|error| Error::Random(error.to_string()))?;
        Ok(nonce)
    }

    /// Writes pieces to the evidence packs and syncs them.
    pub(crate) fn put(&mut self, pieces: &[&[u8]]) -> Result<Vec<EvidenceLocation>, Error> {
        let Some(writing) = &mut self.writing else {
            return Err(Error::ReadOnly(self.dir.clone()));
        };
        let places = writing
            .evidence
            .put_batch(pieces)
            .map_err(Error::ledger("add evidence to"))?;
        Ok(pieces
            .iter()
            .zip(places)
            .map(|(bytes, place)| store_location(bytes, place))
            .collect())
    }

    /// Appends what waits to the ledger.
    pub(crate) fn sequence(&mut self) -> Result<(), Error> {
        let Some(writing) = &mut self.writing else {
            return Err(Error::ReadOnly(self.dir.clone()));
        };
        self.runtime.block_on(sequence(&self.store, &mut writing.ledger))
    }

    /// Drops the lists of unreadable records that are older than the settings keep them, unless a legal hold stands.
    fn forget_old_problems(&self, now: Timestamp) -> Result<(), Error> {
        let retention = &self.settings.retention;
        if retention.legal_hold {
            return Ok(());
        }
        let age = jiff::SignedDuration::from_hours(24 * i64::from(retention.problems_days));
        let Ok(before) = now.checked_sub(age) else {
            return Ok(());
        };
        self.block_on(self.store.forget_problems(before))
            .map_err(Error::store("write to"))
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // A clean end folds the write-ahead log into the database, so that a copied folder is whole.
        self.runtime.block_on(self.store.close());
    }
}

/// Opens the ledger for appending, as a continuation of the checkpoint that the record knows.
fn open_ledger(dir: &Path, runtime: &tokio::runtime::Runtime, store: &SqliteStore) -> Result<Log, Error> {
    let folder = dir.join(files::LEDGER);
    let signer = load_current_key(&dir.join(files::KEY), &folder).map_err(Error::ledger("use the key of"))?;
    let known = runtime
        .block_on(store.meta(CHECKPOINT_META))
        .map_err(Error::store("read"))?;
    let known: Option<Checkpoint> = known.and_then(|text| text.parse().ok());
    Log::open(&folder, signer, known.as_ref()).map_err(Error::ledger("go on with"))
}

/// Opens the ledger for reading, trusting the keys that it lists.
pub(crate) fn open_reader(dir: &Path) -> Result<LogReader, Error> {
    let folder = dir.join(files::LEDGER);
    let keys = read_key_history(&folder).map_err(Error::ledger("read the keys of"))?;
    let keys = keys.map(|keys| keys.verifiers()).unwrap_or_default();
    LogReader::open(&folder, &keys).map_err(Error::ledger("read"))
}

/// Where the ledger has a piece, in the store's terms.
fn store_location(bytes: &[u8], place: PieceLocation) -> EvidenceLocation {
    EvidenceLocation {
        sha256: pollwatch_model::EvidenceId::of(bytes),
        pack: place.pack,
        offset: u64::from(place.offset),
        length: u64::from(place.length),
    }
}

/// Where the store says a piece lies, in the ledger's terms.
fn pack_location(location: &EvidenceLocation) -> PieceLocation {
    PieceLocation {
        pack: location.pack,
        offset: location.offset as u32,
        length: location.length as u32,
    }
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::file("start the runtime for", "the record"))
}

/// Takes the workspace for this process.
pub(crate) fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join(files::LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::file("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked(dir.to_path_buf())),
        Err(std::fs::TryLockError::Error(source)) => Err(Error::File {
            doing: "lock",
            path,
            source,
        }),
    }
}

/// The workspace's register and the lists that its settings name.
fn read_register(dir: &Path, settings: &Settings) -> Result<(Register, Vec<Problem>), Error> {
    let path = dir.join(files::REGISTER);
    let text = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    let (mut register, mut problems) = Register::parse(&path.display().to_string(), &text, &protectable)?;
    for list in &settings.protect {
        let path = dir.join(list);
        let (more, found) = protect::read_list(&path)?;
        problems.extend(found);
        problems.extend(register.extend(list, more));
    }
    Ok((register, problems))
}
