//! The secret key on disk, and handing over to a new one.
//!
//! **Losing the key.** Without the secret key nobody can append to the log any more; what is in it stays provable, because
//! checking needs the public keys alone. The way on is a new log under a new name whose first entry quotes the old log's
//! last checkpoint. **A stolen key** lets the thief sign another history: hand over to a new key at once, and compare the
//! log with checkpoints that left the house before the theft (a printed brief, a witness).

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::checkpoint::Checkpoint;
use crate::disk::{at, read_text, sync_dir};
use crate::log::Log;
use crate::note::{SignedNote, SignerKey};
use crate::reader::{CHECKPOINT_FILE, MAX_CHECKPOINT_BYTES, read_key_history, remove_if_there};

/// Longest key file in bytes: far above any name that a log has.
const MAX_KEY_BYTES: usize = 10_000;

/// Makes a new Ed25519 key called `name` from the system's random bytes and keeps it in a new file that its owner alone can read (0600).
///
/// Errors: [`Error::Io`] when the file exists already: a key is never written over. [`Error::Random`], [`Error::Key`] for an invalid name.
pub fn create_key_file(path: &Path, name: &str) -> Result<SignerKey, Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(Error::Random)?;
    let signer = SignerKey::from_seed(name, &seed).map_err(|source| Error::Key {
        path: path.to_owned(),
        source,
    })?;
    write_key_file(path, &signer)?;
    Ok(signer)
}

/// Keeps `signer` in a new file, as [`create_key_file`] does.
pub fn write_key_file(path: &Path, signer: &SignerKey) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(at("create", path))?;
    writeln!(file, "{}", signer.to_secret_text()).map_err(at("write", path))?;
    file.sync_all().map_err(at("sync", path))?;
    sync_dir(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The key in a file.
///
/// Errors: [`Error::KeyIsOpen`] when other users can read it, [`Error::Key`] when it is not a signer key, [`Error::Io`].
pub fn load_key_file(path: &Path) -> Result<SignerKey, Error> {
    let metadata = fs::metadata(path).map_err(at("open", path))?;
    if is_open_to_others(&metadata) {
        return Err(Error::KeyIsOpen {
            path: path.to_owned(),
        });
    }
    let text = read_text(path, MAX_KEY_BYTES, "key file")?;
    SignerKey::from_secret_text(text.trim_end_matches(['\n', '\r'])).map_err(|source| Error::Key {
        path: path.to_owned(),
        source,
    })
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

/// Where the next key waits during a hand-over.
fn next_path(path: &Path) -> PathBuf {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    PathBuf::from(next)
}

/// The key that signs the log in `log_dir` now, from `path`; a hand-over that a crash cut short after it counted is finished.
///
/// When neither `path` nor the key that waits beside it signs the log, the one in `path` is given, and [`Log::open`] refuses it.
/// Errors: as for [`load_key_file`].
pub fn load_current_key(path: &Path, log_dir: &Path) -> Result<SignerKey, Error> {
    let next = next_path(path);
    if !next.exists() {
        return load_key_file(path);
    }
    let checkpoint_path = log_dir.join(CHECKPOINT_FILE);
    let size = read_text(&checkpoint_path, MAX_CHECKPOINT_BYTES, "checkpoint")
        .ok()
        .and_then(|text| SignedNote::parse(&text).ok())
        .and_then(|note| note.text().parse::<Checkpoint>().ok())
        .map_or(0, |checkpoint| checkpoint.size);
    let keys = read_key_history(log_dir)?.map(|keys| keys.up_to(size));
    // A torn file of a hand-over that never counted is no reason to stop.
    if let (Some(keys), Ok(waiting)) = (keys, load_key_file(&next))
        && keys.current() == waiting.verifier()
    {
        fs::rename(&next, path).map_err(at("replace", path))?;
        sync_dir(folder_of(path))?;
        return Ok(waiting);
    }
    load_key_file(path)
}

/// Hands the log over to a new key from the system's random bytes and puts it in the place of the old one, which is then gone
/// for good. Gives the index of the entry that says so. `time` is kept in that entry as it is.
///
/// The last checkpoint under the old key is signed by both keys. A crash at any point leaves one of the two in charge;
/// [`load_current_key`] finds out which.
/// Errors: as for [`Log::rotate`].
pub fn rotate_key_file(log: &mut Log, path: &Path, time: &str) -> Result<u64, Error> {
    let next = next_path(path);
    remove_if_there(&next, |path| fs::remove_file(path))?;
    let signer = create_key_file(&next, &log.checkpoint().origin.clone())?;
    let index = log.rotate(signer, time)?;
    fs::rename(&next, path).map_err(at("replace", path))?;
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(at("sync", path))?;
    sync_dir(folder_of(path))?;
    Ok(index)
}
