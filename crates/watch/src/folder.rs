//! A folder in which whole files arrive: exports, nightly mailboxes, a Maildir, snapshots of a roll.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pollwatch_engine::input::Place as InputPlace;
use pollwatch_engine::{Error, Following, ReadInput, SourceState, WatchedSource};
use pollwatch_model::{EvidenceId, Position};
use serde::{Deserialize, Serialize};

use crate::daemon::{Daemon, Mode, in_words};
use crate::source::{Follower, Settling, path_of};

/// How often the folder is listed.
const LIST_EVERY: Duration = Duration::from_millis(500);
/// Seconds for which a file must lie untouched, where the settings say nothing.
const QUIET_SECONDS: u64 = 5;
/// Deepest folder below the one that is watched.
const MAX_DEPTH: usize = 8;
/// Most files of the folder: their names are held in memory.
const MAX_FILES: usize = 1_000_000;
/// Endings of names under which programs write before they rename.
const TEMPORARY: &[&str] = &[
    ".tmp",
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".swp",
    "~",
];

/// Where the reading of a folder has come to: the file that was begun and not ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct FolderPlace {
    version: u32,
    reading: Option<Begun>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    key: String,
    ordinal: usize,
    position: Position,
}

/// A file that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrived {
    path: PathBuf,
    /// Its name below the folder.
    name: String,
    bytes: u64,
    changed: i128,
}

impl Arrived {
    /// What tells it from another file of its name.
    fn key(&self) -> String {
        format!("{}\t{}\t{}", self.name, self.bytes, self.changed)
    }
}

/// Follows the folder until the daemon stops or, in [`Mode::Once`], until all complete files are read.
pub fn follow(daemon: &Daemon, source: &WatchedSource) -> Result<(), Error> {
    let folder = path_of(&daemon.dir, source);
    let together = source.together.unwrap_or(source.desk == "rolls");
    if together {
        return follow_together(daemon, source, &folder);
    }
    let (mut follower, came) = Follower::open(daemon, source, "")?;
    let mut place = came
        .place
        .and_then(|place| serde_json::from_value::<FolderPlace>(place).ok())
        .filter(|place| place.version == 1)
        .unwrap_or(FolderPlace {
            version: 1,
            reading: None,
        });
    let mut done: HashSet<String> = came.done.into_iter().collect();
    let mut ordinal = came.inputs;
    let mut lying = Lying::default();
    loop {
        let Some(listed) = list(&folder, daemon, source) else {
            if daemon.mode == Mode::Once || daemon.stop.is_asked() {
                return Ok(());
            }
            daemon.stop.wait(LIST_EVERY);
            continue;
        };
        let quiet = quiet_of(source, &folder, daemon.mode);
        let (complete, waiting) = lying.complete(listed, quiet, |file| done.contains(&file.key()));
        let mut left = complete.len();
        for file in complete {
            let key = file.key();
            let begun = place.reading.take().filter(|begun| begun.key == key);
            let (at, from) = match begun {
                Some(begun) => (begun.ordinal, begun.position),
                None => {
                    ordinal += 1;
                    (ordinal - 1, Position::default())
                }
            };
            follower.state(SourceState::Reading, left as u64, None);
            let is_read = read_file(&mut follower, &mut place, source, &file, at, from)?;
            if is_read {
                done.insert(key);
            }
            left -= 1;
            if follower.is_due() {
                follower.record(&[], &serde_json::to_value(&place)?, Settling::WhenDue)?;
            }
            if daemon.stop.is_asked() {
                break;
            }
        }
        let is_over = daemon.mode == Mode::Once && waiting == 0;
        if follower.is_due() || is_over || daemon.stop.is_asked() {
            follower.record(&[], &serde_json::to_value(&place)?, Settling::Now)?;
        }
        if is_over || daemon.stop.is_asked() {
            return Ok(());
        }
        follower.state(SourceState::Waiting, 0, None);
        daemon.stop.wait(if follower.is_due() {
            Duration::from_millis(50)
        } else {
            LIST_EVERY.min(Duration::from_millis(100).max(quiet))
        });
        if follower.is_due() {
            follower.record(&[], &serde_json::to_value(&place)?, Settling::WhenDue)?;
        }
    }
}

/// Reads one file. Tells whether its end was reached, or would never be.
fn read_file(
    follower: &mut Follower<'_>,
    place: &mut FolderPlace,
    source: &WatchedSource,
    file: &Arrived,
    ordinal: usize,
    from: Position,
) -> Result<bool, Error> {
    let name = Path::new(&source.path).join(&file.name).display().to_string();
    let input = follower.input(&name);
    let read = |position, is_done| ReadInput {
        ordinal,
        name: file.key(),
        position,
        is_done,
    };
    let mut opened = match InputPlace::File(file.path.clone()).open() {
        Ok(opened) => opened,
        Err(error) => {
            // A Maildir's message that was moved meanwhile comes again under its new name.
            if file.path.exists() {
                follower.remark(&name, in_words(&error));
                follower.read(read(from, true));
            }
            return Ok(true);
        }
    };
    if let Err(error) = opened.skip(from.offset) {
        follower.remark(&name, error.to_string());
        follower.read(read(from, true));
        return Ok(true);
    }
    let mut position = from;
    loop {
        let mut step = follower
            .run()
            .feed(&input, position, &mut opened, Following::Ended)?;
        position = step.reached;
        if step.is_end || step.failure.is_some() {
            step.account(&name, opened);
            follower.take(step);
            follower.read(read(position, true));
            place.reading = None;
            return Ok(true);
        }
        follower.take(step);
        follower.read(read(position, false));
        place.reading = Some(Begun {
            key: file.key(),
            ordinal,
            position,
        });
        if follower.is_due() {
            follower.record(&[], &serde_json::to_value(&*place)?, Settling::WhenDue)?;
        }
        if follower.daemon.stop.is_asked() {
            return Ok(false);
        }
    }
}

/// Runs the desk over all files of the folder together whenever one has arrived.
fn follow_together(daemon: &Daemon, source: &WatchedSource, folder: &Path) -> Result<(), Error> {
    let mut lying = Lying::default();
    let mut known: Option<String> = None;
    loop {
        let mut is_new = false;
        let mut waiting = 0;
        if let Some(listed) = list(folder, daemon, source) {
            let quiet = quiet_of(source, folder, daemon.mode);
            let complete;
            (complete, waiting) = lying.complete(listed, quiet, |_| false);
            let keys: Vec<String> = complete.iter().map(Arrived::key).collect();
            let identity = EvidenceId::of(keys.join("\n").as_bytes()).to_string();
            let told = format!("together {} {}", source.name, source.path);
            if known.is_none() {
                known = daemon
                    .shared
                    .with(&daemon.stop, |workspace| workspace.note(&told))?;
            }
            if !complete.is_empty() && waiting == 0 && known.as_deref() != Some(identity.as_str()) {
                is_new = true;
                if run_together(daemon, source, &complete, &identity)? {
                    daemon
                        .shared
                        .with(&daemon.stop, |workspace| workspace.set_note(&told, &identity))?;
                    known = Some(identity);
                }
            }
            if !is_new {
                let late = Duration::from_secs(source.late_after_hours.saturating_mul(3_600));
                crate::source::say_state(daemon, source, SourceState::Waiting, 0, None, late);
            }
        }
        if daemon.stop.is_asked() || (daemon.mode == Mode::Once && !is_new && waiting == 0) {
            return Ok(());
        }
        daemon.stop.wait(LIST_EVERY);
    }
}

/// One run over all `files`. Tells whether it came to its end.
fn run_together(
    daemon: &Daemon,
    source: &WatchedSource,
    files: &[Arrived],
    identity: &str,
) -> Result<bool, Error> {
    let (mut follower, _) = Follower::open(daemon, source, identity)?;
    let mut left = files.len();
    for file in files {
        follower.state(SourceState::Reading, left as u64, None);
        let name = Path::new(&source.path).join(&file.name).display().to_string();
        let input = follower.input(&name);
        let mut opened = match InputPlace::File(file.path.clone()).open() {
            Ok(opened) => opened,
            Err(error) => {
                follower.remark(&name, in_words(&error));
                continue;
            }
        };
        let mut position = Position::default();
        loop {
            let mut step = follower
                .run()
                .feed(&input, position, &mut opened, Following::Ended)?;
            position = step.reached;
            if daemon.stop.is_asked() {
                return Ok(false);
            }
            let is_over = step.is_end || step.failure.is_some();
            if is_over {
                step.account(&name, opened);
                follower.take(step);
                break;
            }
            follower.take(step);
        }
        left -= 1;
    }
    follower.record_end()?;
    Ok(true)
}

fn quiet_of(source: &WatchedSource, folder: &Path, mode: Mode) -> Duration {
    let is_maildir = folder.join("new").is_dir() && folder.join("cur").is_dir();
    let by_kind = if is_maildir || mode == Mode::Once {
        0
    } else {
        QUIET_SECONDS
    };
    Duration::from_secs(source.quiet_seconds.unwrap_or(by_kind))
}

fn list(folder: &Path, daemon: &Daemon, source: &WatchedSource) -> Option<Vec<Arrived>> {
    let mut files = Vec::new();
    match list_below(folder, "", 0, &mut files) {
        Ok(()) => {
            files.sort_by(|a, b| (a.changed, &a.name).cmp(&(b.changed, &b.name)));
            if source.together.unwrap_or(source.desk == "rolls") {
                files.sort_by(|a, b| a.name.cmp(&b.name));
            }
            Some(files)
        }
        Err(error) => {
            let state = if error.kind() == std::io::ErrorKind::NotFound {
                SourceState::Missing
            } else {
                SourceState::Failed
            };
            let what = format!("{}: {error}", folder.display());
            crate::source::say_state(daemon, source, state, 0, Some(what), Duration::ZERO);
            None
        }
    }
}

fn list_below(folder: &Path, below: &str, depth: usize, files: &mut Vec<Arrived>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let file_name = entry.file_name();
        // A name that is no UTF-8 is shown with its odd bytes replaced, and read all the same.
        let file_name = file_name.to_string_lossy();
        let is_temporary = file_name.starts_with('.')
            || TEMPORARY.iter().any(|ending| file_name.ends_with(ending))
            || (below.is_empty() && file_name == "tmp");
        let Ok(about) = std::fs::metadata(entry.path()) else {
            continue;
        };
        if is_temporary || files.len() >= MAX_FILES {
            continue;
        }
        let name = if below.is_empty() {
            file_name.into_owned()
        } else {
            format!("{below}/{file_name}")
        };
        if about.is_dir() {
            if depth < MAX_DEPTH {
                // A folder that vanishes or is closed to us does not hide the others.
                let _ = list_below(&entry.path(), &name, depth + 1, files);
            }
        } else if about.is_file() {
            files.push(Arrived {
                path: entry.path(),
                name,
                bytes: about.len(),
                changed: i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec()),
            });
        }
    }
    Ok(())
}

/// Files that were seen and not read yet, each with the moment since which it lies untouched.
#[derive(Default)]
struct Lying(BTreeMap<String, Instant>);

impl Lying {
    /// Those of `listed` that are complete, and how many are still to become so.
    fn complete(
        &mut self,
        listed: Vec<Arrived>,
        quiet: Duration,
        is_done: impl Fn(&Arrived) -> bool,
    ) -> (Vec<Arrived>, usize) {
        let mut still = BTreeMap::new();
        let mut complete = Vec::new();
        let now_seconds = i128::from(Timestamp::now().as_second()) * 1_000_000_000;
        for file in listed {
            if is_done(&file) {
                continue;
            }
            let since = self.0.get(&file.key()).copied().unwrap_or_else(Instant::now);
            // A file that was last changed long ago need not be watched lying.
            let age = now_seconds.saturating_sub(file.changed);
            let is_old = age > quiet.as_nanos() as i128 + 2_000_000_000;
            if quiet.is_zero() || is_old || since.elapsed() >= quiet {
                complete.push(file);
            } else {
                still.insert(file.key(), since);
            }
        }
        self.0 = still;
        let waiting = self.0.len();
        (complete, waiting)
    }
}
