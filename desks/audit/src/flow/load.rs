//! From files to counties: manifests, records, tallies and the contests that they speak of.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pollwatch_model::Problem;

use super::contests::{ContestSpec, ContestsError, read_contests};
use super::event::{Audited, ContestPlan, InputFile, Role};
use super::frame::{County, RecordBatch, Records, SharedRecords};
use super::outcome::winners_by;
use super::published::{MAX_PUBLISHED_BYTES, PublishedRecords};
use crate::election::{
    CandidateId, CastVoteRecord, Contest, ContestKind, Election, Manifest, NameMap, Reported, near_misses,
};
use crate::index::{CardIndex, IndexBuilder, IndexError};
use crate::read::{ReadError, Source, read_batch_tallies, read_cvrs, read_manifest};
use crate::reconcile::{Shown, rare_styles, reconcile};

/// Longest file of names, in bytes.
const MAX_NAMES_BYTES: u64 = 10 << 20;
/// Imprinted ids of several cards that are named.
const MAX_SHARED: usize = 100;
/// Problems that are kept in words; the rest is counted.
const MAX_PROBLEMS: usize = 1_000;

/// What the files say.
#[derive(Debug)]
pub struct Loaded {
    /// By county.
    pub counties: Vec<County>,
    /// The file of contests, where there is one.
    pub specs: Option<Vec<ContestSpec>>,
    /// What was wrong with single records, and what is worth saying.
    pub problems: Vec<Problem>,
    /// Problems beyond those.
    pub problems_left_out: u64,
    /// Groups of cards whose votes were published as a sum only.
    pub groups: u64,
}

/// Where a file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputPlace {
    /// There.
    File(PathBuf),
    /// It is withheld; what is public of its records lies there.
    Published(PathBuf),
}

impl InputPlace {
    fn path(&self) -> &Path {
        match self {
            InputPlace::File(path) | InputPlace::Published(path) => path,
        }
    }
}

/// What keeps the files from being used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file of contests cannot be read.
    #[error("{file}: {source}")]
    Contests {
        /// Its name.
        file: String,
        /// Why.
        #[source]
        source: ContestsError,
    },
    /// The file of names cannot be read.
    #[error("{file}: {why}")]
    Names {
        /// Its name.
        file: String,
        /// Why.
        why: String,
    },
    /// The index of cards cannot be made.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A file cannot be opened.
    #[error("cannot read {file}")]
    Io {
        /// Its name.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A county has no manifest, or two.
    #[error("{}needs one manifest and has {found}", lead(.county))]
    Manifests {
        /// The county.
        county: String,
        /// How many.
        found: usize,
    },
    /// Two files of one role where one belongs.
    #[error("{}has more than one file of {role}; join them", lead(.county))]
    Twice {
        /// The county.
        county: String,
        /// The role.
        role: &'static str,
    },
    /// A contest or candidate that does not fit.
    #[error("{0}")]
    Contest(String),
}

fn lead(county: &str) -> String {
    if county.is_empty() {
        "the audit ".to_owned()
    } else {
        format!("{county} ")
    }
}

/// An index of records in a file that goes when nobody reads it any more.
struct Indexed {
    index: CardIndex,
    _file: tempfile::TempPath,
}

fn io_of(error: IndexError) -> io::Error {
    io::Error::other(error)
}

impl Records for Indexed {
    fn batches(&self) -> Vec<RecordBatch> {
        self.index
            .batches()
            .iter()
            .map(|batch| RecordBatch {
                id: batch.id.clone(),
                first: batch.first,
                records: batch.cards,
            })
            .collect()
    }

    fn at(&mut self, ordinal: u64) -> io::Result<Option<CastVoteRecord>> {
        self.index.at(ordinal).map_err(io_of)
    }

    fn each(&mut self, visit: &mut dyn FnMut(u64, &CastVoteRecord)) -> io::Result<()> {
        self.index
            .each(|ordinal, record| {
                visit(ordinal, record);
                std::ops::ControlFlow::Continue(())
            })
            .map_err(io_of)?;
        Ok(())
    }

    fn rare_styles(&mut self, least: u64) -> io::Result<Vec<String>> {
        let shown = Shown {
            style: true,
            precinct: true,
            group: true,
        };
        let rare = rare_styles(&mut self.index, shown, least).map_err(io_of)?;
        Ok(rare
            .into_iter()
            .map(|one| {
                let parts: Vec<&str> = [&one.style, &one.precinct, &one.group]
                    .into_iter()
                    .map(String::as_str)
                    .filter(|part| !part.is_empty())
                    .collect();
                format!(
                    "{} card{} of {} ({})",
                    one.cards,
                    if one.cards == 1 { "" } else { "s" },
                    if parts.is_empty() {
                        "no style".to_owned()
                    } else {
                        parts.join(", ")
                    },
                    one.contests.join("; ")
                )
            })
            .collect())
    }
}

#[derive(Default)]
struct Problems {
    kept: Vec<Problem>,
    left_out: u64,
}

impl Problems {
    fn add(&mut self, problem: Problem) {
        if self.kept.len() < MAX_PROBLEMS {
            self.kept.push(problem);
        } else {
            self.left_out += 1;
        }
    }
}

/// Reads the audit's files, which lie where `place_of` says. `scratch` is a folder for what does not fit into memory.
///
/// The same bytes give the same result on every machine. Errors: [`LoadError`], naming file and line.
pub fn load(
    inputs: &[InputFile],
    place_of: &dyn Fn(&InputFile) -> InputPlace,
    scratch: &Path,
) -> Result<Loaded, LoadError> {
    let mut problems = Problems::default();
    let mut specs = None;
    let mut groups = 0;
    let mut files: BTreeMap<&str, BTreeMap<Role, Vec<&InputFile>>> = BTreeMap::new();
    for file in inputs {
        if file.role == Role::Contests {
            let opened = std::fs::File::open(place_of(file).path()).map_err(|source| LoadError::Io {
                file: file.name.clone(),
                source,
            })?;
            let read = read_contests(io::BufReader::new(opened)).map_err(|source| LoadError::Contests {
                file: file.name.clone(),
                source,
            })?;
            if specs.replace(read).is_some() {
                return Err(LoadError::Twice {
                    county: String::new(),
                    role: Role::Contests.word(),
                });
            }
            continue;
        }
        let county = files.entry(&file.county).or_default();
        county.entry(file.role).or_default().push(file);
    }
    let mut counties = Vec::new();
    for (county, roles) in files {
        let of = |role: Role| roles.get(&role).map_or(&[][..], Vec::as_slice);
        let one = |role: Role| match of(role) {
            [] => Ok(None),
            [file] => Ok(Some(*file)),
            _ => Err(LoadError::Twice {
                county: county.to_owned(),
                role: role.word(),
            }),
        };
        let open = |file: &InputFile| -> Result<Source, LoadError> {
            Ok(Source::open(place_of(file).path())?.with_scratch(Some(scratch.to_path_buf())))
        };
        let Some(manifest) = one(Role::Manifest)? else {
            return Err(LoadError::Manifests {
                county: county.to_owned(),
                found: 0,
            });
        };
        let manifest: Manifest = read_manifest(&mut open(manifest)?, &mut |problem| problems.add(problem))?;
        let tallies = match one(Role::BatchTallies)? {
            None => None,
            Some(file) => Some(read_batch_tallies(&mut open(file)?, &mut |problem| {
                problems.add(problem);
            })?),
        };
        let names = match one(Role::Names)? {
            None => NameMap::default(),
            Some(file) => read_names(file, place_of(file).path())?,
        };
        let mut election = Election::default();
        let records: Option<SharedRecords> = match one(Role::Cvr)? {
            None => None,
            Some(file) if matches!(place_of(file), InputPlace::Published(_)) => {
                let published = read_published(file, place_of(file).path())?;
                election = published.election.clone();
                Some(Arc::new(Mutex::new(published)))
            }
            Some(file) => {
                let mut sink = IndexBuilder::new(Some(scratch));
                let read = read_cvrs(&mut open(file)?, None, &mut sink)?;
                sink.problems()
                    .iter()
                    .cloned()
                    .for_each(|problem| problems.add(problem));
                groups += read.groups;
                election = read.election;
                let at = tempfile::NamedTempFile::new_in(scratch)
                    .map_err(|source| LoadError::Io {
                        file: "the index of cards".to_owned(),
                        source,
                    })?
                    .into_temp_path();
                let mut index = sink.finish(&election, &at)?;
                tell_differences(&file.name, &manifest, &mut index, &mut problems)?;
                Some(Arc::new(Mutex::new(Indexed { index, _file: at })))
            }
        };
        counties.push(County {
            name: county.to_owned(),
            manifest: Arc::new(manifest),
            election: Arc::new(election),
            records,
            tallies: tallies.map(Arc::new),
            names: Arc::new(names),
        });
    }
    if counties.is_empty() {
        return Err(LoadError::Manifests {
            county: String::new(),
            found: 0,
        });
    }
    Ok(Loaded {
        counties,
        specs,
        problems: problems.kept,
        problems_left_out: problems.left_out,
        groups,
    })
}

/// What is odd about records and manifest, batch by batch. None of it stops an audit: each missing card counts at its worst.
fn tell_differences(
    file: &str,
    manifest: &Manifest,
    index: &mut CardIndex,
    problems: &mut Problems,
) -> Result<(), LoadError> {
    let compared = reconcile(manifest, index)?;
    for difference in compared.differences {
        problems.add(Problem::remark(file, None, difference.says));
    }
    for twice in index.duplicates() {
        problems.add(Problem::remark(
            file,
            None,
            format!("{twice} has more than one record"),
        ));
    }
    for (imprinted, cards) in index.shared_imprints(MAX_SHARED)? {
        problems.add(Problem::remark(
            file,
            None,
            format!(
                "{} cards have one imprinted id, {imprinted:?}: look for each by its batch and number",
                cards.len()
            ),
        ));
    }
    Ok(())
}

fn read_published(file: &InputFile, path: &Path) -> Result<PublishedRecords, LoadError> {
    let refuse = |why: String| LoadError::Names {
        file: file.name.clone(),
        why,
    };
    let io = |source| LoadError::Io {
        file: file.name.clone(),
        source,
    };
    let bytes = std::fs::metadata(path).map_err(io)?.len();
    if bytes > MAX_PUBLISHED_BYTES {
        return Err(refuse(format!(
            "its published part is larger than {MAX_PUBLISHED_BYTES} bytes"
        )));
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let published: PublishedRecords = serde_json::from_slice(&bytes)
        .map_err(|error| refuse(format!("its published part cannot be read: {error}")))?;
    let fits = published.schema == 1
        && published.counts.len() == published.election.contests.len()
        && published
            .election
            .contests
            .iter()
            .zip(&published.counts)
            .all(|(contest, count)| count.votes.len() <= contest.candidates.len());
    if !fits {
        return Err(refuse("its published part does not fit itself".to_owned()));
    }
    Ok(published)
}

/// A file of names is JSON: `{"contests": {"GOVERNOR": "Governor"}, "candidates": {"Governor": {"AMES": "Ames"}}}`.
fn read_names(file: &InputFile, path: &Path) -> Result<NameMap, LoadError> {
    let refuse = |why: String| LoadError::Names {
        file: file.name.clone(),
        why,
    };
    if file.bytes > MAX_NAMES_BYTES {
        return Err(refuse(format!("it is larger than {MAX_NAMES_BYTES} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|source| LoadError::Io {
        file: file.name.clone(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        refuse(format!(
            "it is not JSON of the form {{\"contests\": {{\"name in the file\": \"name in the audit\"}}}}: {error}"
        ))
    })
}

/// The contests of the audit: those of the file of contests, completed from the records; without such a file, those of the
/// records. `audit` and `also` name contests whose cards are drawn, and whose risk is measured on others' cards; where the
/// file says nothing either, every contest that the file lists is audited.
///
/// Gives the contests and what is worth saying. Errors: a contest of the audit that no file has, a name that two counties
/// write differently, a reported result that the files contradict.
pub fn compose(
    loaded: &Loaded,
    audit: &[String],
    also: &[String],
) -> Result<(Vec<ContestPlan>, Vec<Problem>), LoadError> {
    let mut remarks = Vec::new();
    let found = found_contests(loaded);
    let mut plans: Vec<ContestPlan> = match &loaded.specs {
        Some(specs) => {
            let mut plans = Vec::new();
            for spec in specs {
                plans.push(plan_of(spec, found.iter().find(|one| one.name == spec.name))?);
            }
            plans
        }
        None => found
            .iter()
            .map(|contest| ContestPlan {
                contest: contest.clone(),
                audited: Audited::No,
            })
            .collect(),
    };
    for contest in &found {
        if !plans.iter().any(|plan| plan.contest.name == contest.name) {
            plans.push(ContestPlan {
                contest: contest.clone(),
                audited: Audited::No,
            });
        }
    }
    let named = |name: &String| {
        plans
            .iter()
            .position(|plan| plan.contest.name == *name)
            .ok_or_else(|| no_such_contest(name, &plans))
    };
    let chosen: Vec<usize> = audit.iter().map(named).collect::<Result<_, _>>()?;
    let beside: Vec<usize> = also.iter().map(named).collect::<Result<_, _>>()?;
    if !chosen.is_empty() {
        for (place, plan) in plans.iter_mut().enumerate() {
            plan.audited = if chosen.contains(&place) {
                Audited::Targeted
            } else if beside.contains(&place) {
                Audited::Opportunistic
            } else {
                Audited::No
            };
        }
    } else {
        for place in beside {
            plans[place].audited = Audited::Opportunistic;
        }
    }
    check_counties(loaded, &plans)?;
    for plan in &mut plans {
        settle_winners(plan, &mut remarks)?;
    }
    Ok((plans, remarks))
}

fn no_such_contest(name: &str, plans: &[ContestPlan]) -> LoadError {
    let names: Vec<&str> = plans.iter().map(|plan| plan.contest.name.as_str()).collect();
    LoadError::Contest(format!(
        "there is no contest {name:?} in the files; there are {}",
        names.join("; ")
    ))
}

/// The contests of all records and tallies under the audit's names, with all candidates that any county has.
fn found_contests(loaded: &Loaded) -> Vec<Contest> {
    let mut found: Vec<Contest> = Vec::new();
    let mut place_of = |contest: &Contest| -> usize {
        match found.iter().position(|known| known.name == contest.name) {
            Some(place) => place,
            None => {
                found.push(Contest {
                    candidates: Vec::new(),
                    ..contest.clone()
                });
                found.len() - 1
            }
        }
    };
    let mut additions: Vec<(usize, String, bool)> = Vec::new();
    for county in &loaded.counties {
        if county.records.is_some() {
            for theirs in &county.election.contests {
                let name = county.names.contest(&theirs.name).to_owned();
                let place = place_of(&Contest {
                    name: name.clone(),
                    ..theirs.clone()
                });
                for candidate in &theirs.candidates {
                    let ours = county.names.candidate(&name, &candidate.name).to_owned();
                    additions.push((place, ours, candidate.write_in));
                }
            }
        } else if let Some(tallies) = &county.tallies {
            for column in tallies.columns.iter().filter(|column| !column.contest.is_empty()) {
                let name = county.names.contest(&column.contest).to_owned();
                let place = place_of(&Contest::new(name.clone()));
                let ours = county.names.candidate(&name, &column.candidate).to_owned();
                additions.push((place, ours, false));
            }
        }
    }
    for (place, name, write_in) in additions {
        if found[place].candidate(&name).is_none() {
            found[place].add(name, write_in);
        }
    }
    found
}

fn plan_of(spec: &ContestSpec, found: Option<&Contest>) -> Result<ContestPlan, LoadError> {
    let mut contest = found.cloned().unwrap_or_else(|| Contest::new(spec.name.clone()));
    let is_ranked = contest.is_ranked();
    if let Some(kind) = spec.kind {
        contest.kind = kind;
    } else if is_ranked {
        contest.kind = ContestKind::Irv;
    }
    let unknown: Vec<&str> = contest
        .candidates
        .iter()
        .filter(|known| !spec.candidates.iter().any(|one| one.name == known.name))
        .map(|known| known.name.as_str())
        .collect();
    let ours: Vec<&str> = spec.candidates.iter().map(|one| one.name.as_str()).collect();
    if found.is_some() && !ours.is_empty() {
        let near = near_misses(&unknown, &ours);
        if let Some(near) = near.first() {
            return Err(LoadError::Contest(format!(
                "{:?}: the file of contests has {:?} and the records have {:?}; are they one? ({}) Write them alike, or join them \
                 with a file of names",
                spec.name, near.ours, near.theirs, near.because
            )));
        }
    }
    // The order of the file of contests first: it is the ballot's.
    let mut candidates = Vec::new();
    for one in &spec.candidates {
        let known = contest.candidates.iter().find(|known| known.name == one.name);
        candidates.push(known.cloned().unwrap_or_else(|| crate::election::Candidate {
            name: one.name.clone(),
            write_in: false,
        }));
    }
    for known in &contest.candidates {
        if !candidates.iter().any(|one| one.name == known.name) {
            candidates.push(known.clone());
        }
    }
    contest.candidates = candidates;
    contest.winners = spec.seats.unwrap_or(1);
    contest.votes_allowed = match (spec.votes_allowed, found) {
        (Some(allowed), _) => allowed,
        (None, Some(found)) => found.votes_allowed,
        (None, None) if contest.kind == ContestKind::Approval => contest.candidates.len() as u32,
        (None, None) if contest.kind == ContestKind::Plurality => contest.winners,
        (None, None) => 1,
    };
    if contest.kind == ContestKind::Irv && contest.ranks == 0 {
        contest.ranks = spec.ranks.unwrap_or(contest.candidates.len() as u32);
    } else if let Some(ranks) = spec.ranks {
        contest.ranks = ranks;
    }
    let says_votes = spec.candidates.iter().any(|one| one.votes.is_some());
    let says_winners = spec.candidates.iter().any(|one| one.won);
    if says_votes || says_winners || spec.cards.is_some() {
        let votes = contest
            .candidates
            .iter()
            .map(|known| {
                let said = spec.candidates.iter().find(|one| one.name == known.name);
                said.and_then(|one| one.votes).unwrap_or(0)
            })
            .collect();
        let winners = spec
            .candidates
            .iter()
            .enumerate()
            .filter(|(_, one)| one.won)
            .map(|(place, _)| CandidateId(place as u32))
            .collect();
        contest.reported = Some(Reported {
            votes: if says_votes { votes } else { Vec::new() },
            cards: spec.cards.unwrap_or(0),
            winners,
        });
    }
    Ok(ContestPlan {
        contest,
        audited: spec.audited.unwrap_or(Audited::Targeted),
    })
}

/// A contest that some county writes differently would be audited on half of its cards: the names must be joined first.
fn check_counties(loaded: &Loaded, plans: &[ContestPlan]) -> Result<(), LoadError> {
    let audited: Vec<&str> = plans
        .iter()
        .filter(|plan| plan.audited != Audited::No)
        .map(|plan| plan.contest.name.as_str())
        .collect();
    for county in &loaded.counties {
        if county.records.is_none() {
            continue;
        }
        let theirs: Vec<&str> = county
            .election
            .contests
            .iter()
            .map(|contest| county.names.contest(&contest.name))
            .collect();
        if let Some(near) = near_misses(&theirs, &audited).first() {
            return Err(LoadError::Contest(format!(
                "{}: its files have a contest {:?} and the audit has {:?}; are they one? ({}) Say so in a file of names \
                 (--names), such as {{\"contests\": {{{:?}: {:?}}}}}",
                if county.name.is_empty() {
                    "the records"
                } else {
                    &county.name
                },
                near.theirs,
                near.ours,
                near.because,
                near.theirs,
                near.ours
            )));
        }
    }
    for plan in plans.iter().filter(|plan| plan.audited != Audited::No) {
        let speaks = |county: &County| match (&county.records, &county.tallies) {
            (None, None) => true,
            (Some(_), _) => county
                .election
                .contests
                .iter()
                .any(|contest| county.names.contest(&contest.name) == plan.contest.name),
            (None, Some(tallies)) => tallies.columns.iter().any(|column| {
                column.contest.is_empty() || county.names.contest(&column.contest) == plan.contest.name
            }),
        };
        if !loaded.counties.iter().any(speaks) {
            return Err(no_such_contest(&plan.contest.name, plans));
        }
    }
    Ok(())
}

/// Completes who was reported to have won from the reported votes, and refuses what contradicts itself.
fn settle_winners(plan: &mut ContestPlan, remarks: &mut Vec<Problem>) -> Result<(), LoadError> {
    let contest = plan.contest.clone();
    let Some(reported) = &mut plan.contest.reported else {
        return Ok(());
    };
    if reported.votes.is_empty() {
        return Ok(());
    }
    let sum: u128 = reported.votes.iter().map(|votes| u128::from(*votes)).sum();
    if reported.cards > 0 {
        let most = reported.votes.iter().copied().max().unwrap_or(0);
        let allowed = u128::from(contest.votes_allowed) * u128::from(reported.cards);
        if contest.kind != ContestKind::Irv && (sum > allowed || most > reported.cards) {
            return Err(LoadError::Contest(format!(
                "{:?}: {sum} votes cannot be on {} cards with {} votes each",
                contest.name, reported.cards, contest.votes_allowed
            )));
        }
    }
    let Some(by_votes) = winners_by(&contest, &reported.votes) else {
        return Ok(());
    };
    let by_votes: Vec<CandidateId> = by_votes
        .into_iter()
        .map(|place| CandidateId(place as u32))
        .collect();
    if reported.winners.is_empty() {
        reported.winners = by_votes;
        return Ok(());
    }
    let mut said = reported.winners.clone();
    said.sort_unstable();
    if said != by_votes {
        return Err(LoadError::Contest(format!(
            "{:?}: the file of contests marks other winners than its votes give",
            contest.name
        )));
    }
    let _ = remarks;
    Ok(())
}

/// What the records count otherwise than was reported, for each audited contest.
pub fn compare_reports(frame: &super::frame::Frame) -> Vec<Problem> {
    let mut remarks = Vec::new();
    for (place, plan) in frame.contests().iter().enumerate() {
        let Some(reported) = &plan.contest.reported else {
            continue;
        };
        let counted = &frame.stats(place).votes;
        if reported.votes.is_empty() || counted.iter().all(|votes| *votes == 0) || plan.contest.is_ranked() {
            continue;
        }
        for ((candidate, said), found) in plan.contest.candidates.iter().zip(&reported.votes).zip(counted) {
            if said != found {
                remarks.push(Problem::remark(
                    "contests",
                    None,
                    format!(
                        "{}: {} was reported with {said} votes, and the files count {found}; the margin audited is that of the files",
                        plan.contest.name, candidate.name
                    ),
                ));
            }
        }
    }
    remarks
}
