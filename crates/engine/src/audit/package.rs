//! Writing a package, and checking one offline.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use pollwatch_audit::election::ContestKind;
use pollwatch_audit::explain::sentence;
use pollwatch_audit::flow::event::{Audited, Entry, Event, InputFile, Published, Role};
use pollwatch_audit::flow::{self, InputPlace, State, publish_records};
use pollwatch_audit::package::{EVENTS, INPUTS, KEY, PROOFS, RECORDS, SUMS, derive};
use pollwatch_ledger::note::VerifierKey;
use pollwatch_ledger::proof::TlogProof;
use pollwatch_model::EvidenceId;
use serde::{Deserialize, Serialize};

use super::session::{chain, draw_of, load_files};
use super::{Audit, AuditError, DESK, Session, digest_file};
use crate::statement::{Content, Leaf, Statement};
use crate::workspace::Workspace;
use crate::{DeskEvent, Error};

/// Largest file of a package that is read into memory: the log of an audit with a million readings.
const MAX_TEXT_BYTES: u64 = 2 << 30;
/// Most files of a package: a state has some hundred counties with a handful of files each.
const MAX_FILES: usize = 10_000;

/// A proof of one event, as a line of `ledger/proofs.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofLine {
    entry: u64,
    proof: String,
}

/// What a check of a package came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageReport {
    /// The audit's title.
    pub title: String,
    /// Name of the ledger.
    pub origin: String,
    /// The key by which the ledger was checked.
    pub key: String,
    /// Events of the log.
    pub events: u64,
    /// Files that were checked.
    pub files: u64,
    /// What was shown, in the order in which it was checked.
    pub shown: Vec<String>,
    /// What each audited contest came to, in a sentence.
    pub results: Vec<String>,
    /// What could not be checked with what is in the package, and by whom it can.
    pub unchecked: Vec<String>,
    /// The first thing that does not follow.
    pub fault: Option<PackageFault>,
}

/// Something that does not follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFault {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

impl Workspace {
    /// Writes the package of an audit into a folder that is empty or not there.
    ///
    /// The entry that says so is appended to the log first: it is the last one of the package, so that nothing behind it can
    /// be left out. Errors: [`Error::NotEmpty`]; [`AuditError::Files`] naming styles that are too rare to be published;
    /// whatever keeps the audit from being read.
    pub fn publish_audit(
        &mut self,
        name: &str,
        by: &str,
        folder: &Path,
        how: &PublishHow<'_>,
        now: jiff::Timestamp,
    ) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
        let mut entries = fs::read_dir(folder).map_err(Error::file("read", folder))?;
        if entries.next().is_some() {
            return Err(Error::NotEmpty(folder.to_path_buf()));
        }
        // Before anything is said: an audit whose files cannot be read is not published.
        let session = self.audit(Some(name))?.read(how.scratch)?;
        let mut public = BTreeMap::new();
        if how.withholds_records {
            public = public_records(&session)?;
        } else {
            let method = session.committed()?.method;
            // A polling audit publishes no record at all, but the file of records would still be in the package.
            let rare = session
                .frame(method)?
                .rare_styles(how.rare_style)
                .map_err(|error| AuditError::Files(chain(&error)))?;
            if !rare.is_empty() {
                let shown: Vec<String> = rare.iter().take(RARE_SHOWN).cloned().collect();
                let more = rare.len() - shown.len();
                return Err(AuditError::Files(format!(
                    "these styles have fewer than {} cards, and publishing their records may show how a voter voted: {}{}. \
                     Publish with --withhold-records, or say with --rare-style what the law of your state asks for",
                    how.rare_style,
                    shown.join("; "),
                    if more > 0 { format!("; and {more} more") } else { String::new() }
                ))
                .into());
            }
        }
        let opened = session.audit().state().opened().cloned();
        let included = opened
            .map(|opened| {
                opened
                    .inputs
                    .into_iter()
                    .map(|file| file.name)
                    .filter(|name| !public.contains_key(name))
                    .collect()
            })
            .unwrap_or_default();
        let published = Event::Published(Published {
            included,
            withheld: public
                .iter()
                .map(|(name, bytes)| (name.clone(), EvidenceId::of(bytes)))
                .collect(),
        });
        drop(session);
        let audit = self.audit_append(name, by, vec![published], now)?;
        self.write_package(audit, folder, &public, how.scratch)
    }

    fn write_package(
        &self,
        audit: Audit,
        folder: &Path,
        public: &BTreeMap<String, Vec<u8>>,
        scratch: &Path,
    ) -> Result<(), Error> {
        let log = self.log_reader()?;
        let mut events = Vec::new();
        let mut proofs = Vec::new();
        for kept in audit.kept() {
            let statement = self.statement_bytes(kept.statement)?;
            events.extend_from_slice(&statement);
            events.push(b'\n');
            let index = kept.ledger_index.ok_or_else(|| {
                AuditError::Files(format!(
                    "entry {} is not signed yet; record anything and try again",
                    kept.seq
                ))
            })?;
            let line = ProofLine {
                entry: kept.seq,
                proof: self.proof(&log, index)?,
            };
            serde_json::to_writer(&mut proofs, &line)?;
            proofs.push(b'\n');
        }
        let inputs: Vec<(InputFile, PathBuf)> = audit
            .state()
            .opened()
            .map(|opened| {
                opened
                    .inputs
                    .iter()
                    .filter(|file| !public.contains_key(&file.name))
                    .map(|file| (file.clone(), audit.input(file)))
                    .collect()
            })
            .unwrap_or_default();
        let name = audit.name().to_owned();
        let session = audit.read(scratch)?;
        let (mut files, _) = derived(&name, &session)?;
        for (name, bytes) in public {
            files.insert(record_name(name), bytes.clone());
        }
        files.insert(EVENTS.to_owned(), events);
        files.insert(PROOFS.to_owned(), proofs);
        files.insert(KEY.to_owned(), format!("{}\n", self.verifier_key()).into_bytes());
        let mut sums = BTreeMap::new();
        for (name, bytes) in &files {
            write(&folder.join(name), bytes)?;
            sums.insert(name.clone(), EvidenceId::of(bytes));
        }
        for (file, path) in inputs {
            let target = folder.join(INPUTS).join(&file.name);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(Error::file("make", parent))?;
            }
            fs::copy(&path, &target).map_err(Error::file("copy", &path))?;
            sums.insert(format!("{INPUTS}/{}", file.name), file.sha256);
        }
        write(&folder.join(SUMS), sums_text(&sums).as_bytes())
    }
}

/// Rare styles that are named; the rest is counted.
const RARE_SHOWN: usize = 20;

/// How a package is written.
#[derive(Debug, Clone, Copy)]
pub struct PublishHow<'a> {
    /// Whether the files of records stay out of it.
    pub withholds_records: bool,
    /// Styles with fewer cards than this keep the records from being published.
    pub rare_style: u64,
    /// A folder for what does not fit into memory.
    pub scratch: &'a Path,
}

/// The file of a package in which the public part of withheld records lies.
fn record_name(input: &str) -> String {
    format!("{RECORDS}/{input}.json")
}

/// What is public of the files of records, by the name of the file.
///
/// Errors: a ranked contest is audited: its assertions cannot be checked without the rankings.
fn public_records(session: &Session) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let ranked = session
        .audited_contests()
        .into_iter()
        .find(|contest| contest.kind == ContestKind::Irv);
    if let Some(contest) = ranked {
        return Err(AuditError::Files(format!(
            "{:?} is ranked: that its assertions imply the outcome cannot be checked without the rankings, so the records cannot be withheld",
            contest.name
        ))
        .into());
    }
    let (frame, draw) = session.draw()?;
    let mut public = BTreeMap::new();
    let opened = session.audit().state().opened();
    for file in opened.map_or(&[][..], |opened| &opened.inputs[..]) {
        if file.role != Role::Cvr {
            continue;
        }
        let place = frame
            .counties()
            .iter()
            .position(|county| county.name == file.county);
        let Some(place) = place else { continue };
        let records = publish_records(&frame, place, &draw)
            .map_err(|error| AuditError::Files(format!("{}: {error}", file.name)))?;
        if let Some(records) = records {
            public.insert(file.name.clone(), serde_json::to_vec(&records)?);
        }
    }
    Ok(public)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Error::file("make", parent))?;
    }
    fs::write(path, bytes).map_err(Error::file("write", path))
}

/// The list in the form that `sha256sum -c` reads.
fn sums_text(sums: &BTreeMap<String, EvidenceId>) -> String {
    sums.iter()
        .map(|(name, sum)| format!("{sum}  {name}\n"))
        .collect()
}

/// The files that follow from log and inputs.
fn derived(name: &str, session: &Session) -> Result<(BTreeMap<String, Vec<u8>>, flow::Assessment), Error> {
    let state = session.audit().state();
    let committed = session.committed()?;
    let frame = session.frame(committed.method)?;
    let draw = draw_of(state, &frame, committed.method).map_err(|error| AuditError::Files(chain(&error)))?;
    let assessment =
        flow::assess(&frame, state, committed, &draw).map_err(|error| AuditError::Files(chain(&error)))?;
    let files = derive(name, state, &frame, &draw, &assessment)?;
    Ok((files, assessment))
}

/// What each audited contest came to, in a sentence.
fn results(assessment: &flow::Assessment) -> Vec<String> {
    assessment
        .contests
        .iter()
        .filter(|one| one.audited != Audited::No)
        .map(|one| {
            format!(
                "{}: {}. {}",
                one.contest,
                one.verdict.title(),
                sentence(one, &assessment.risk_limit)
            )
        })
        .collect()
}

/// Checks the package in the folder `package`, offline: derives all of it again, and names the first thing that does not
/// follow.
///
/// `inside` is a folder with files that the package withholds: with it is checked what only an insider can. `key` is the verifier key to trust; `None` takes the one in the package, which shows that everything follows from
/// everything else and not whose it is. `scratch` is a folder for what does not fit into memory. Errors: what keeps the check
/// from being made at all; what does not follow is a fault of the report.
pub fn verify_package(
    package: &Path,
    key: Option<&str>,
    inside: Option<&Path>,
    scratch: &Path,
) -> Result<PackageReport, Error> {
    let mut report = PackageReport::default();
    let unpacked;
    let package = if package.is_file() {
        unpacked = tempfile::tempdir_in(scratch).map_err(Error::file("make a folder in", scratch))?;
        if let Err(why) = unzip(package, unpacked.path())? {
            report.fault = Some(PackageFault {
                file: package.display().to_string(),
                why,
            });
            return Ok(report);
        }
        unpacked.path()
    } else {
        package
    };
    let files = match listing(package)? {
        Ok(files) => files,
        Err(fault) => {
            report.fault = Some(fault);
            return Ok(report);
        }
    };
    report.files = files.len() as u64;
    let mut check = Check {
        dir: package,
        files,
        sums: BTreeMap::new(),
    };
    check.digest_all()?;
    let listed = check.listed();
    let fault = match check.all(key, inside, scratch, &mut report)? {
        Ok(()) => check.sums_follow(&listed),
        // Two files can accuse each other, such as the key and the proofs that it signs. The list of digests tells which of
        // them is not what was written.
        Err(accused) => Some(check.blame(accused, &listed)),
    };
    report.fault = fault;
    Ok(report)
}

/// Most bytes that a zipped package may unpack to: the inputs of the largest state.
const MAX_UNPACKED_BYTES: u64 = 64 << 30;
/// Largest ratio of unpacked to packed bytes: records pack 5 to 60 to one, and bombs pack better.
const MAX_RATIO: u64 = 200;

/// Packs a package's folder into one file: the same folder gives the same bytes.
///
/// Errors: files that cannot be read or written.
pub fn zip_package(folder: &Path, target: &Path) -> Result<(), Error> {
    let names = match listing(folder)? {
        Ok(names) => names,
        Err(fault) => return Err(AuditError::Files(format!("{}: {}", fault.file, fault.why)).into()),
    };
    let packed = fs::File::create_new(target).map_err(Error::file("write", target))?;
    let mut writer = zip::ZipWriter::new(std::io::BufWriter::new(packed));
    let broken = |error: zip::result::ZipError| AuditError::Files(format!("cannot pack: {error}"));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .large_file(true);
    for name in names {
        let path = folder.join(&name);
        writer.start_file(&name, options).map_err(broken)?;
        let mut file = fs::File::open(&path).map_err(Error::file("read", &path))?;
        std::io::copy(&mut file, &mut writer).map_err(Error::file("pack", &path))?;
    }
    let mut packed = writer.finish().map_err(broken)?;
    std::io::Write::flush(&mut packed).map_err(Error::file("write", target))
}

/// Unpacks a package within limits; or says why it is none.
fn unzip(package: &Path, target: &Path) -> Result<Result<(), String>, Error> {
    let file = fs::File::open(package).map_err(Error::file("read", package))?;
    let packed_bytes = file.metadata().map_err(Error::file("read", package))?.len();
    let Ok(mut archive) = zip::ZipArchive::new(std::io::BufReader::new(file)) else {
        return Ok(Err("it is neither a folder nor a zip".to_owned()));
    };
    if archive.len() > MAX_FILES {
        return Ok(Err(format!("there are more than {MAX_FILES} files in it")));
    }
    let mut left = MAX_UNPACKED_BYTES.min(packed_bytes.saturating_mul(MAX_RATIO).saturating_add(1 << 20));
    for index in 0..archive.len() {
        let Ok(mut member) = archive.by_index(index) else {
            return Ok(Err(format!("file {} of the zip cannot be read", index + 1)));
        };
        if member.is_dir() {
            continue;
        }
        let Some(name) = member.enclosed_name() else {
            return Ok(Err("a name in the zip leads out of it".to_owned()));
        };
        let path = target.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::file("make", parent))?;
        }
        let Ok(mut out) = fs::File::create_new(&path) else {
            return Ok(Err(format!("file {} of the zip stands twice in it", index + 1)));
        };
        match std::io::copy(&mut std::io::Read::take(&mut member, left + 1), &mut out) {
            Ok(bytes) if bytes <= left => left -= bytes,
            Ok(_) => return Ok(Err("it unpacks to more than any package holds".to_owned())),
            Err(_) => {
                return Ok(Err(format!(
                    "file {} of the zip is damaged: {}",
                    index + 1,
                    path.strip_prefix(target).unwrap_or(&path).display()
                )));
            }
        }
    }
    Ok(Ok(()))
}

/// The names of all files beneath a folder, with `/` between their parts.
fn listing(dir: &Path) -> Result<Result<BTreeSet<String>, PackageFault>, Error> {
    let mut names = BTreeSet::new();
    let mut waiting = vec![(dir.to_path_buf(), String::new(), 0)];
    while let Some((folder, lead, depth)) = waiting.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::file("read", &folder))? {
            let entry = entry.map_err(Error::file("read", &folder))?;
            let name = format!("{lead}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(Error::file("read", entry.path()))?;
            if kind.is_dir() && depth < 2 {
                waiting.push((entry.path(), format!("{name}/"), depth + 1));
            } else if kind.is_file() {
                names.insert(name.clone());
            } else {
                return Ok(Err(PackageFault {
                    file: name,
                    why: "it is no file, and packages hold nothing else".to_owned(),
                }));
            }
            if names.len() > MAX_FILES {
                return Ok(Err(PackageFault {
                    file: name,
                    why: format!("there are more than {MAX_FILES} files"),
                }));
            }
        }
    }
    Ok(Ok(names))
}

struct Check<'a> {
    dir: &'a Path,
    files: BTreeSet<String>,
    /// Digests of the files as they are.
    sums: BTreeMap<String, EvidenceId>,
}

/// Files of which at least one is not what it was, the most likely one first, and why.
struct Accused {
    files: Vec<String>,
    why: String,
}

fn accuse<T>(file: &str, why: impl Into<String>) -> Result<T, Accused> {
    Err(Accused {
        files: vec![file.to_owned()],
        why: why.into(),
    })
}

/// What follows, or who is accused; or what keeps the check from being made.
type Checked<T> = Result<Result<T, Accused>, Error>;

macro_rules! follows {
    ($checked:expr) => {
        match $checked {
            Ok(value) => value,
            Err(accused) => return Ok(Err(accused)),
        }
    };
}

impl Check<'_> {
    fn digest_all(&mut self) -> Result<(), Error> {
        for name in &self.files {
            let (sum, _) = digest_file(&self.dir.join(name))?;
            self.sums.insert(name.clone(), sum);
        }
        Ok(())
    }

    /// What the list of digests says, as far as it can be read.
    fn listed(&self) -> BTreeMap<String, EvidenceId> {
        let Ok(text) = fs::read_to_string(self.dir.join(SUMS)) else {
            return BTreeMap::new();
        };
        text.lines()
            .filter_map(|line| {
                let (sum, name) = line.split_once("  ")?;
                Some((name.to_owned(), sum.parse().ok()?))
            })
            .collect()
    }

    /// The list must be the very one that these files give.
    fn sums_follow(&self, listed: &BTreeMap<String, EvidenceId>) -> Option<PackageFault> {
        let mut sums = self.sums.clone();
        sums.remove(SUMS);
        let same = fs::read(self.dir.join(SUMS)).is_ok_and(|bytes| bytes == sums_text(&sums).into_bytes());
        if same {
            return None;
        }
        let missing = sums.keys().find(|name| !listed.contains_key(*name));
        Some(PackageFault {
            file: SUMS.to_owned(),
            why: match missing {
                Some(name) => format!("it does not list {name} as it must"),
                None => "it is not the list of digests of the other files, though each of those follows"
                    .to_owned(),
            },
        })
    }

    fn blame(&self, accused: Accused, listed: &BTreeMap<String, EvidenceId>) -> PackageFault {
        let changed = accused
            .files
            .iter()
            .find(|name| listed.get(*name) != self.sums.get(*name));
        PackageFault {
            file: changed
                .or_else(|| accused.files.first())
                .cloned()
                .unwrap_or_default(),
            why: accused.why,
        }
    }

    fn text(&self, name: &str) -> Checked<String> {
        if !self.files.contains(name) {
            return Ok(accuse(name, "it is missing"));
        }
        let path = self.dir.join(name);
        let mut bytes = Vec::new();
        let file = fs::File::open(&path).map_err(Error::file("read", &path))?;
        file.take(MAX_TEXT_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(Error::file("read", &path))?;
        if bytes.len() as u64 > MAX_TEXT_BYTES {
            return Ok(accuse(name, "it is larger than any that this program writes"));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(_) => accuse(name, "it is not UTF-8 text"),
        })
    }

    fn all(
        &self,
        key: Option<&str>,
        inside: Option<&Path>,
        scratch: &Path,
        report: &mut PackageReport,
    ) -> Checked<()> {
        if !self.files.contains(SUMS) {
            return Ok(accuse(SUMS, "it is missing"));
        }
        let statements = follows!(self.events()?);
        follows!(self.ledger(&statements, key, report)?);
        report.events = statements.len() as u64;
        report.shown.push(format!(
            "{} events are in the signed log, in this order and with none left out between the first and the last",
            statements.len()
        ));
        let (name, state) = follows!(replay(&statements));
        let Some(Event::Published(published)) = statements.last().map(|(_, _, entry)| &entry.event) else {
            return Ok(accuse(
                EVENTS,
                "its last entry is not the publication: entries were cut off its end",
            ));
        };
        let Some(opened) = state.opened().cloned() else {
            return Ok(accuse(EVENTS, "the audit was never opened"));
        };
        report.title = opened.title.clone();
        let mut withheld = 0;
        for file in &opened.inputs {
            if let Some(digest) = published.withheld.get(&file.name) {
                withheld += 1;
                let public = record_name(&file.name);
                match self.sums.get(&public) {
                    Some(sum) if sum == digest => {}
                    Some(_) => {
                        return Ok(accuse(
                            &public,
                            "it is not what was signed when the package was written",
                        ));
                    }
                    None => return Ok(accuse(&public, "it is missing")),
                }
                if let Some(inside) = inside {
                    let path = inside.join(&file.name);
                    let (sum, _) = digest_file(&path)?;
                    if sum != file.sha256 {
                        return Ok(accuse(
                            &path.display().to_string(),
                            "it is not the file whose digest was signed before the dice were rolled",
                        ));
                    }
                }
                continue;
            }
            let name = format!("{INPUTS}/{}", file.name);
            match self.sums.get(&name) {
                Some(sum) if *sum == file.sha256 => {}
                Some(_) => {
                    return Ok(accuse(
                        &name,
                        "it is not the file whose digest was signed before the dice were rolled",
                    ));
                }
                None => return Ok(accuse(&name, "it is missing")),
            }
        }
        report.shown.push(format!(
            "{} input files are those whose digests were signed before the dice were rolled",
            opened.inputs.len() - if inside.is_some() { 0 } else { withheld }
        ));
        let place_of = |file: &InputFile| {
            let is_withheld = published.withheld.contains_key(&file.name);
            match (is_withheld, inside) {
                (true, Some(inside)) => InputPlace::File(inside.join(&file.name)),
                (true, None) => InputPlace::Published(self.dir.join(record_name(&file.name))),
                (false, _) => InputPlace::File(self.dir.join(INPUTS).join(&file.name)),
            }
        };
        let loaded = match load_files(&opened.inputs, &place_of, scratch) {
            Ok(loaded) => loaded,
            Err(error) => {
                return Ok(accuse(
                    EVENTS,
                    format!("its input files cannot be read: {}", chain(&error)),
                ));
            }
        };
        let audit = Audit {
            name: name.clone(),
            dir: self.dir.to_path_buf(),
            kept: Vec::new(),
            state,
        };
        let session = Session::of(audit, loaded);
        follows!(commitment_follows(&session)?);
        report.shown.push(
            "the commitment follows from the files: cards, outcomes and what must be true for them"
                .to_owned(),
        );
        follows!(readings_follow(&session)?);
        if withheld > 0 {
            if inside.is_some() {
                for (name, bytes) in public_records(&session)? {
                    if published.withheld.get(&name) != Some(&EvidenceId::of(&bytes)) {
                        return Ok(accuse(
                            &record_name(&name),
                            "it is not what follows from the records that are withheld",
                        ));
                    }
                }
                report.shown.push(
                    "the published part of the records follows from the records that are withheld".to_owned(),
                );
            } else {
                report.unchecked.push(format!(
                    "Files of records are withheld ({withheld}), so that nobody's ballot is exposed. What a member of the public cannot \
                     check: that the totals and the records of drawn cards in {RECORDS}/ are those of the files whose digests were \
                     signed. Whoever has the files can, with --inputs."
                ));
            }
        }
        let expected = match derived(&name, &session) {
            Ok((expected, assessment)) => {
                report.results = results(&assessment);
                expected
            }
            Err(error) => return Ok(accuse(EVENTS, chain(&error))),
        };
        for (name, bytes) in &expected {
            match self.sums.get(name) {
                None => return Ok(accuse(name, "it is missing")),
                Some(sum) if *sum != EvidenceId::of(bytes) => {
                    return Ok(accuse(name, "it is not what follows from the log and the files"));
                }
                Some(_) => {}
            }
        }
        report.shown.push(
            "draw, readings, risks and report follow from the log and the files, byte for byte".to_owned(),
        );
        let known = |name: &String| {
            expected.contains_key(name)
                || [EVENTS, PROOFS, KEY, SUMS].contains(&name.as_str())
                || opened.inputs.iter().any(|file| {
                    if published.withheld.contains_key(&file.name) {
                        *name == record_name(&file.name)
                    } else {
                        *name == format!("{INPUTS}/{}", file.name)
                    }
                })
        };
        if let Some(stranger) = self.files.iter().find(|name| !known(name)) {
            return Ok(accuse(stranger, "it does not belong to the package"));
        }
        Ok(Ok(()))
    }

    /// The statements, each with its bytes, chained to the one before it.
    fn events(&self) -> Checked<Vec<(Vec<u8>, DeskEvent, Entry)>> {
        let text = follows!(self.text(EVENTS)?);
        let mut statements: Vec<(Vec<u8>, DeskEvent, Entry)> = Vec::new();
        let mut previous = None;
        for (number, line) in (0u64..).zip(text.lines()) {
            let refuse = |why: &str| accuse(EVENTS, format!("entry {number} {why}"));
            let statement: Statement = match serde_json::from_str(line) {
                Ok(statement) => statement,
                Err(_) => return Ok(refuse("is no statement")),
            };
            let Content::Event(event) = statement.content else {
                return Ok(refuse("is no event"));
            };
            if event.desk != DESK || event.seq != number || event.previous != previous {
                return Ok(refuse("does not follow the one before it"));
            }
            if statements
                .first()
                .is_some_and(|(_, first, _)| first.stream != event.stream)
            {
                return Ok(refuse("belongs to another audit"));
            }
            let entry: Entry = match serde_json::from_value(event.event.clone()) {
                Ok(entry) => entry,
                Err(error) => return Ok(refuse(&format!("cannot be read: {error}"))),
            };
            previous = Some(EvidenceId::of(line.as_bytes()));
            statements.push((line.as_bytes().to_vec(), event, entry));
        }
        if statements.is_empty() {
            return Ok(accuse(EVENTS, "it is empty"));
        }
        if !text.ends_with('\n') || text.contains('\r') {
            return Ok(accuse(EVENTS, "a line feed was changed"));
        }
        Ok(Ok(statements))
    }

    /// Every statement is in the ledger of the key.
    fn ledger(
        &self,
        statements: &[(Vec<u8>, DeskEvent, Entry)],
        trusted: Option<&str>,
        report: &mut PackageReport,
    ) -> Checked<()> {
        let both = |first: &str, why: String| {
            let mut files: Vec<String> = [first, KEY, PROOFS, EVENTS].map(str::to_owned).to_vec();
            files.dedup();
            Ok(Err(Accused { files, why }))
        };
        let text = follows!(self.text(KEY)?);
        let Some(written) = text.strip_suffix('\n') else {
            return Ok(accuse(KEY, "it is not one line"));
        };
        let Ok(packed) = written.parse::<VerifierKey>() else {
            return Ok(accuse(KEY, "it is no verifier key"));
        };
        if packed.to_string() != written {
            return Ok(accuse(KEY, "it is not written as keys are written"));
        }
        let key = match trusted {
            None => packed,
            Some(trusted) => {
                let Ok(key) = trusted.trim().parse::<VerifierKey>() else {
                    return Err(AuditError::Files(format!(
                        "{trusted:?} is no verifier key: copy it whole, from its name on"
                    ))
                    .into());
                };
                if key.to_string() != packed.to_string() {
                    return Ok(accuse(
                        KEY,
                        "it is not the key that you trust: the package is signed by somebody else",
                    ));
                }
                key
            }
        };
        report.key = key.to_string();
        report.origin = key.name().to_owned();
        let proofs = follows!(self.text(PROOFS)?);
        let mut lines = proofs.lines();
        let mut last_index = None;
        for (number, (bytes, _, entry)) in (0u64..).zip(statements) {
            let Some(line) = lines.next() else {
                return Ok(accuse(PROOFS, format!("the proof of entry {number} is missing")));
            };
            let parsed: ProofLine = match serde_json::from_str(line) {
                Ok(parsed) => parsed,
                Err(_) => {
                    return Ok(accuse(
                        PROOFS,
                        format!("the proof of entry {number} cannot be read"),
                    ));
                }
            };
            let Ok(proof) = parsed.proof.parse::<TlogProof>() else {
                return Ok(accuse(PROOFS, format!("the proof of entry {number} is none")));
            };
            let canonical = serde_json::to_string(&ProofLine {
                entry: number,
                proof: proof.to_string(),
            })?;
            if parsed.entry != number || canonical != line {
                return Ok(accuse(
                    PROOFS,
                    format!("the proof of entry {number} is not written as proofs are written"),
                ));
            }
            let leaf = serde_json::to_vec(&Leaf {
                schema: 1,
                kind: "event".to_owned(),
                sha256: EvidenceId::of(bytes),
                at: entry.at,
            })?;
            match proof.verify(&leaf, std::slice::from_ref(&key)) {
                Err(error) => return both(PROOFS, format!("entry {number}: {}", chain(&error))),
                Ok(proven) => {
                    if last_index.is_some_and(|last| proven.index <= last) {
                        return both(
                            PROOFS,
                            format!("entry {number} stands before entry {} in the log", number - 1),
                        );
                    }
                    last_index = Some(proven.index);
                }
            }
        }
        if lines.next().is_some() || !proofs.ends_with('\n') || proofs.contains('\r') {
            return Ok(accuse(PROOFS, "it has more than one proof for each entry"));
        }
        Ok(Ok(()))
    }
}

fn replay(statements: &[(Vec<u8>, DeskEvent, Entry)]) -> Result<(String, State), Accused> {
    let name = statements
        .first()
        .map(|(_, event, _)| event.stream.clone())
        .unwrap_or_default();
    let entries = statements.iter().map(|(_, _, entry)| entry.clone());
    match State::replay(entries) {
        Ok(state) => Ok((name, state)),
        Err((number, refused)) => accuse(EVENTS, format!("entry {number} cannot be: {refused}")),
    }
}

/// The commitment says of cards and outcomes what the files give.
fn commitment_follows(session: &Session) -> Checked<()> {
    let Some((committed, _)) = session.audit().state().committed() else {
        return Ok(accuse(EVENTS, "nothing was committed"));
    };
    let again = match session.commitment(committed.method) {
        Ok(again) => again,
        Err(error) => {
            return Ok(accuse(
                EVENTS,
                format!("its commitment does not follow from the files: {}", chain(&error)),
            ));
        }
    };
    if again == *committed {
        return Ok(Ok(()));
    }
    let what = if again.frame != committed.frame || again.cards != committed.cards {
        "the list of cards"
    } else {
        "the outcomes"
    };
    Ok(accuse(
        EVENTS,
        format!("its commitment does not follow from the files: {what} would be another"),
    ))
}

/// Only drawn cards were read.
fn readings_follow(session: &Session) -> Checked<()> {
    let (_, draw) = session.draw()?;
    for card in session.audit().state().cards_read() {
        if !draw.has(card) {
            return Ok(accuse(EVENTS, format!("{card} was read and was not drawn")));
        }
    }
    Ok(Ok(()))
}
