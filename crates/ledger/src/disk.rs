//! Reading and writing files so that every error names its path and what was written stays written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::Error;

/// Turns an error of the system into ours.
pub(crate) fn at<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |source| Error::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// True when the error says that there is no such file.
pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

/// The bytes of a file, at most `limit` and one more, so that a file that is too long is seen to be.
pub(crate) fn read_up_to(path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(at("open", path))?;
    let length = file.metadata().map_err(at("read", path))?.len();
    let capacity = usize::try_from(length).unwrap_or(limit).min(limit) + 1;
    let mut bytes = Vec::with_capacity(capacity);
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(at("read", path))?;
    Ok(bytes)
}

/// The text of a file, at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: usize, what: &'static str) -> Result<String, Error> {
    let bad = |why| Error::Format {
        path: path.to_owned(),
        source: crate::FormatError { what, why },
    };
    let bytes = read_up_to(path, limit)?;
    if bytes.len() > limit {
        return Err(bad("it is too long"));
    }
    String::from_utf8(bytes).map_err(|_| bad("it is not UTF-8"))
}

/// Makes the entries of a folder durable: without it a new file may be gone after a power cut though its bytes are there.
pub(crate) fn sync_dir(path: &Path) -> Result<(), Error> {
    // Windows cannot open a folder as a file, and its file systems journal names by themselves.
    if cfg!(unix) {
        File::open(path)
            .and_then(|dir| dir.sync_all())
            .map_err(at("sync", path))?;
    }
    Ok(())
}

/// Replaces a file in one step: a reader sees the old bytes or the new ones, after a crash too.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    let mut file = File::create(&temporary).map_err(at("create", &temporary))?;
    file.write_all(bytes).map_err(at("write", &temporary))?;
    file.sync_all().map_err(at("sync", &temporary))?;
    fs::rename(&temporary, path).map_err(at("replace", path))?;
    if let Some(parent) = path.parent() {
        sync_dir(parent)?;
    }
    Ok(())
}

/// Takes a lock that lasts as long as the file it gives is open.
pub(crate) fn lock(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(at("open the lock", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Error::Locked {
            path: path.to_owned(),
        }),
        Err(fs::TryLockError::Error(source)) => Err(at("lock", path)(source)),
    }
}
