//! One file that grows: read as it is written, through every way in which logs are rotated.

use std::fs::File;
use std::io::{self, Cursor};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use pollwatch_engine::input::Place as InputPlace;
use pollwatch_engine::{Error, Following, ReadInput, SourceState, WatchedSource};
use pollwatch_model::Position;
use serde::{Deserialize, Serialize};

use crate::daemon::{Daemon, Mode};
use crate::rotation::{
    Finished, Known, Sibling, before_the_first, find_again, known_unpacked, nanoseconds, next_unread,
};
use crate::source::{Follower, POLL, Settling, path_of};

/// Bytes that are read in one go.
const CHUNK_BYTES: usize = 1 << 20;
/// How long a renamed log must lie still before the next one is read: servers write to the old file until they are told.
const ROTATION_GRACE: Duration = Duration::from_secs(2);
/// Finished files of a log that are known again: logs are kept in tens at most, and packed within a day or two.
const MAX_FINISHED: usize = 16;
/// For mail the end of a message shows only in the next one, so a mailbox is read when it has lain still for so long.
const MAILBOX_QUIET_SECONDS: u64 = 2;

/// Where the reading of a log has come to: what is kept in the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LogPlace {
    version: u32,
    /// Which file of the log this is, from 0.
    ordinal: usize,
    /// Its name in locators.
    name: String,
    /// How it is known again; `None` before the first byte was read.
    known: Option<Known>,
    position: Position,
    /// The last files of the log that were read to their end, oldest first.
    #[serde(default)]
    finished: Vec<Finished>,
}

/// Follows the log until the daemon stops or, in [`Mode::Once`], until all that is there is read.
pub fn follow(daemon: &Daemon, source: &WatchedSource) -> Result<(), Error> {
    let path = path_of(&daemon.dir, source);
    let (follower, came) = Follower::open(daemon, source, "")?;
    let place = came
        .place
        .and_then(|place| serde_json::from_value::<LogPlace>(place).ok())
        .filter(|place| place.version == 1);
    let is_first = place.is_none();
    let first = before_the_first(&path);
    let mut log = Log {
        follower,
        path,
        place: place.unwrap_or_else(|| LogPlace {
            version: 1,
            ordinal: came.inputs,
            name: source.path.clone(),
            known: None,
            position: Position::default(),
            finished: vec![first],
        }),
        file: None,
        still: None,
        quiet: Duration::from_secs(source.quiet_seconds.unwrap_or(if source.desk == "mail" {
            MAILBOX_QUIET_SECONDS
        } else {
            0
        })),
    };
    if is_first {
        // Before anything is read: a log that is rotated before the first record is then known to be unread.
        log.follower.touch();
        log.record(Settling::WhenDue)?;
    }
    loop {
        let outcome = log.look()?;
        if log.follower.is_due() {
            log.record(Settling::WhenDue)?;
        }
        let is_over = daemon.mode == Mode::Once && matches!(outcome, Look::Nothing);
        if daemon.stop.is_asked() || is_over {
            log.record(Settling::Now)?;
            return Ok(());
        }
        if !matches!(outcome, Look::Read) {
            daemon.stop.wait(POLL);
        }
    }
}

/// What one look at the log came to.
enum Look {
    /// Something was read; there may be more.
    Read,
    /// Something is there that must lie still first.
    NotYet,
    /// All that is there is read.
    Nothing,
}

/// What opening the log came to.
enum Opening {
    /// It is open.
    Open,
    /// A file beside it was read; the log is to be looked at again.
    Read,
    /// A file beside it must lie still first.
    NotYet,
}

struct Log<'a> {
    follower: Follower<'a>,
    path: PathBuf,
    place: LogPlace,
    file: Option<File>,
    /// Since when nothing was written to the file, and its size then.
    still: Option<(Instant, u64)>,
    /// How long it must lie still before it is read.
    quiet: Duration,
}

impl Log<'_> {
    fn record(&mut self, settling: Settling) -> Result<(), Error> {
        let open = if self.place.position == Position::default() {
            Vec::new()
        } else {
            vec![(self.follower.input(&self.place.name), self.place.position)]
        };
        let place = serde_json::to_value(&self.place)?;
        self.follower.record(&open, &place, settling)
    }

    fn look(&mut self) -> Result<Look, Error> {
        if self.file.is_none() {
            match self.open() {
                Ok(Opening::Open) => {}
                Ok(Opening::Read) => return Ok(Look::Read),
                Ok(Opening::NotYet) => return Ok(Look::NotYet),
                Err(error) => {
                    let state = if error.kind() == io::ErrorKind::NotFound {
                        SourceState::Missing
                    } else {
                        SourceState::Failed
                    };
                    let what = format!("{}: {error}", self.path.display());
                    self.follower.state(state, 0, Some(what));
                    return Ok(Look::Nothing);
                }
            }
        }
        let Some(file) = &self.file else {
            return Ok(Look::Nothing);
        };
        let read = self.place.position.offset;
        let size = match file.metadata() {
            Ok(about) => about.len(),
            Err(error) => return self.failed(&error),
        };
        if size < read || self.place.known.as_ref().is_some_and(|known| !known.begins(file)) {
            // Cut to nothing while it was held, as `copytruncate` does: what was not read is in the copy.
            self.file = None;
            return Ok(Look::Read);
        }
        let lain_still = match self.still {
            Some((since, then)) if then == size => since.elapsed(),
            _ => {
                self.still = Some((Instant::now(), size));
                Duration::ZERO
            }
        };
        if size > read {
            if lain_still < self.quiet {
                return Ok(Look::NotYet);
            }
            if self.read_chunk(size, Following::MayGrow)? {
                return Ok(Look::Read);
            }
        }
        let elsewhere = match std::fs::metadata(&self.path) {
            Ok(now) => self
                .file
                .as_ref()
                .and_then(|file| file.metadata().ok())
                .is_none_or(|held| (held.dev(), held.ino()) != (now.dev(), now.ino())),
            Err(_) => {
                self.follower.state(
                    SourceState::Missing,
                    0,
                    Some(format!("{} is not there", self.path.display())),
                );
                return Ok(Look::Nothing);
            }
        };
        if !elsewhere {
            let held = size - self.place.position.offset;
            self.follower.state(SourceState::Waiting, held, None);
            return Ok(Look::Nothing);
        }
        if lain_still < ROTATION_GRACE {
            return Ok(Look::NotYet);
        }
        // The log goes on in another file: this one is over.
        while self.read_chunk(size, Following::Ended)? {}
        let changed = self
            .file
            .as_ref()
            .and_then(|file| file.metadata().ok()?.modified().ok());
        let known = self.place.known.take();
        self.finish_file(known, changed.unwrap_or(SystemTime::UNIX_EPOCH));
        Ok(Look::Read)
    }

    /// Opens the file at the path, after what is left of the file that was being read, where that lies elsewhere now, and
    /// after files that were written and rotated while nobody looked.
    fn open(&mut self) -> io::Result<Opening> {
        let found = File::open(&self.path);
        let read = self.place.position.offset;
        let Some(known) = self.place.known.clone() else {
            if let Some(sibling) = next_unread(&self.path, &self.place.finished) {
                return self.read_sibling(&sibling);
            }
            self.file = Some(found?);
            return Ok(Opening::Open);
        };
        let is_same = found
            .as_ref()
            .is_ok_and(|file| file.metadata().is_ok_and(|about| about.len() >= read) && known.begins(file));
        if is_same {
            self.file = Some(found?);
            return Ok(Opening::Open);
        }
        // Not there for a moment, as between two steps of a rotation.
        let missing = found
            .err()
            .filter(|error| error.kind() == io::ErrorKind::NotFound);
        match find_again(&self.path, &known, read) {
            Some(sibling) => self.read_sibling(&sibling),
            None => match missing {
                Some(error) => Err(error),
                None => {
                    self.follower.remark(
                        &self.place.name,
                        format!(
                            "the log was cut or replaced after byte {read}, and no file beside it begins like it: what \
                             was written after that byte could not be read"
                        ),
                    );
                    self.finish_file(Some(known), SystemTime::now());
                    Ok(Opening::Read)
                }
            },
        }
    }

    /// Reads a file beside the log to its end, once it has lain still: it may still be written to, or be packed.
    fn read_sibling(&mut self, sibling: &Sibling) -> io::Result<Opening> {
        let age = SystemTime::now().duration_since(sibling.changed);
        if age.is_ok_and(|age| age < ROTATION_GRACE) {
            return Ok(Opening::NotYet);
        }
        self.read_whole(&sibling.path).map_err(io::Error::other)?;
        let known = known_unpacked(&sibling.path, self.place.position.offset).ok();
        self.finish_file(known, sibling.changed);
        Ok(Opening::Read)
    }

    /// Reads on in a file that is over, from the position reached.
    fn read_whole(&mut self, path: &Path) -> Result<(), Error> {
        let input = self.follower.input(&self.place.name);
        let opened = InputPlace::File(path.to_path_buf())
            .open()
            .and_then(|mut opened| {
                let skipped = opened.skip(self.place.position.offset);
                skipped
                    .map(|()| opened)
                    .map_err(|source| pollwatch_engine::input::InputError::Open {
                        path: path.to_path_buf(),
                        source,
                    })
            });
        let mut opened = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.follower
                    .remark(&self.place.name, crate::daemon::in_words(&error));
                return Ok(());
            }
        };
        loop {
            let mut step =
                self.follower
                    .run()
                    .feed(&input, self.place.position, &mut opened, Following::Ended)?;
            self.place.position = step.reached;
            let is_over = step.is_end || step.failure.is_some();
            if is_over {
                step.account(&input.name, opened);
                self.follower.take(step);
                return Ok(());
            }
            self.follower.take(step);
            if self.follower.is_due() {
                self.record(Settling::WhenDue)?;
            }
        }
    }

    /// Goes on to the next file of the log.
    fn finish_file(&mut self, known: Option<Known>, changed: SystemTime) {
        self.follower.read(ReadInput {
            ordinal: self.place.ordinal,
            name: self.place.name.clone(),
            position: self.place.position,
            is_done: true,
        });
        self.file = None;
        self.still = None;
        let now = Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
        let mut finished = std::mem::take(&mut self.place.finished);
        let empty = || Known {
            device: 0,
            inode: 0,
            head_bytes: 0,
            head: String::new(),
        };
        finished.push(Finished {
            known: known.unwrap_or_else(empty),
            read: self.place.position.offset,
            changed: nanoseconds(changed),
        });
        let surplus = finished.len().saturating_sub(MAX_FINISHED);
        finished.drain(..surplus);
        self.place = LogPlace {
            version: 1,
            ordinal: self.place.ordinal + 1,
            name: format!("{}~{now}", self.follower.source.path),
            known: None,
            position: Position::default(),
            finished,
        };
    }

    /// Feeds what stands after the position, up to the last line feed; of a file that ended, all of it. Tells whether
    /// something was fed.
    fn read_chunk(&mut self, size: u64, following: Following) -> Result<bool, Error> {
        let Some(file) = &self.file else {
            return Ok(false);
        };
        let from = self.place.position.offset;
        let wanted = size.saturating_sub(from).min(CHUNK_BYTES as u64) as usize;
        let mut chunk = vec![0; wanted];
        let got = match read_at_most(file, &mut chunk, from) {
            Ok(got) => got,
            Err(error) => {
                self.failed(&error)?;
                return Ok(false);
            }
        };
        chunk.truncate(got);
        let is_last = following == Following::Ended && from + got as u64 >= size;
        if !is_last {
            match chunk.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => chunk.truncate(at + 1),
                // A line longer than a chunk goes in pieces: the desk says that it could not read it.
                None if got == CHUNK_BYTES => {}
                None => return Ok(false),
            }
        }
        let length = chunk.len() as u64;
        self.follower.state(SourceState::Reading, size - from, None);
        let input = self.follower.input(&self.place.name);
        let mut bytes = Cursor::new(chunk);
        loop {
            let position = self.place.position;
            bytes.set_position(position.offset - from);
            let following = if is_last {
                Following::Ended
            } else {
                Following::MayGrow
            };
            let step = self
                .follower
                .run()
                .feed(&input, position, &mut bytes, following)?;
            let is_end = step.is_end || step.failure.is_some();
            self.place.position = step.reached;
            // A record that the desk will not take in part would stop the log for good: it is passed over, and said.
            if step.reached == position && !is_end && (length as usize == CHUNK_BYTES || is_last) {
                self.follower.remark(
                    &input.name,
                    format!("{length} bytes at byte {from} hold no record that ends and were passed over"),
                );
                self.place.position.offset = from + length;
            }
            let stalls = step.reached == position;
            self.follower.take(step);
            if is_end || stalls || self.place.position.offset >= from + length {
                if is_end && self.place.position.offset < from + length {
                    self.place.position.offset = from + length;
                }
                break;
            }
            if self.follower.is_due() {
                self.record(Settling::WhenDue)?;
            }
        }
        let read = self.place.position.offset;
        if let Some(file) = &self.file
            && self
                .place
                .known
                .as_ref()
                .is_none_or(|known| known.can_be_surer(read))
        {
            self.place.known = Known::of(file, read).ok();
        }
        self.follower.read(ReadInput {
            ordinal: self.place.ordinal,
            name: self.place.name.clone(),
            position: self.place.position,
            is_done: false,
        });
        Ok(read > from && !is_last)
    }

    fn failed(&mut self, error: &io::Error) -> Result<Look, Error> {
        self.file = None;
        let what = format!("{} cannot be read: {error}", self.path.display());
        self.follower.state(SourceState::Failed, 0, Some(what));
        Ok(Look::Nothing)
    }
}

fn read_at_most(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read_at(&mut buffer[got..], from + got as u64) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
