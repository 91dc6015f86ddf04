//! The workspace, shared by the threads of the daemon and with other processes.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pollwatch_engine::{Error, Mode, Workspace};

use crate::daemon::Stop;

/// Longest that the workspace is held while others may want it.
const HOLD: Duration = Duration::from_millis(300);
/// How long to wait before trying again for a workspace that another process holds.
const LOCKED_PAUSE: Duration = Duration::from_millis(15);
/// How long another process may hold the workspace before it is said.
const LOCKED_PATIENCE: Duration = Duration::from_secs(30);

/// A workspace that is taken when it is needed, and let go of again.
pub struct Shared {
    dir: PathBuf,
    held: Mutex<Option<(Workspace, Instant)>>,
}

impl Shared {
    /// The workspace in `dir`.
    pub fn new(dir: &Path) -> Self {
        Shared {
            dir: dir.to_path_buf(),
            held: Mutex::new(None),
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<(Workspace, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the workspace open for writing, waiting for another process that holds it.
    ///
    /// Errors: those of `work`, of opening, and [`Error::Locked`] when another process holds it for half a minute or the
    /// daemon is to stop meanwhile. After an error it is opened anew the next time.
    pub fn with<T>(
        &self,
        stop: &Stop,
        work: impl FnOnce(&mut Workspace) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut slot = self.slot();
        if slot.as_ref().is_some_and(|(_, since)| since.elapsed() > HOLD) {
            *slot = None;
            // Whoever waits for it gets a chance: the lock is not a queue.
            drop(slot);
            std::thread::sleep(LOCKED_PAUSE);
            slot = self.slot();
        }
        if slot.is_none() {
            let asked = Instant::now();
            let workspace = loop {
                match Workspace::open(&self.dir, Mode::Write) {
                    Err(Error::Locked(dir)) => {
                        if asked.elapsed() > LOCKED_PATIENCE || stop.is_asked() {
                            return Err(Error::Locked(dir));
                        }
                        std::thread::sleep(LOCKED_PAUSE);
                    }
                    other => break other?,
                }
            };
            *slot = Some((workspace, Instant::now()));
        }
        let (mut workspace, since) = slot.take().expect("it was opened just now");
        let result = work(&mut workspace);
        if result.is_ok() {
            *slot = Some((workspace, since));
        }
        result
    }

    /// Lets go of the workspace when it was held long enough. Called often.
    pub fn rest(&self) {
        let mut slot = self.slot();
        if slot.as_ref().is_some_and(|(_, since)| since.elapsed() > HOLD) {
            *slot = None;
        }
    }

    /// Lets go of the workspace.
    pub fn close(&self) {
        *self.slot() = None;
    }
}
