//! Safe-keeping: backup and restore.

use std::path::Path;

use crate::workspace::{files, lock, runtime};
use crate::{Error, verify};
use pollwatch_store::access::AccessStore;
use pollwatch_store::{SqliteStore, Store};

/// Whether a backup takes the secret key along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKey {
    /// It does.
    Included,
    /// It does not: the key is kept apart.
    LeftOut,
}

/// The database of the console's accounts.
const ACCESS: &str = "access.db";

/// What a backup holds beside the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accounts {
    /// The console has none.
    NoneThere,
    /// There are some, and they stay where they are, because the copy is not kept like a key.
    LeftOut,
    /// So many, with second factors and tokens, without sessions.
    Kept(u64),
}

/// What came back from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Whether the ledger's secret key did.
    pub has_key: bool,
    /// Whether the console's accounts did.
    pub has_accounts: bool,
}

/// Copies the workspace in `from` to `to`, which must be empty or not there, and checks the copy.
///
/// The workspace is taken for the time of the copy, so that record, ledger and evidence are of one moment. Errors:
/// [`Error::Locked`] while another process records, [`Error::NotEmpty`], and [`Error::Unsound`] when the copy does not verify.
/// Passwords go where the secret key goes: the console's accounts are copied with it, and only with it.
pub fn backup(from: &Path, to: &Path, key: SecretKey) -> Result<Accounts, Error> {
    if !from.join(files::SETTINGS).is_file() {
        return Err(Error::NoWorkspace(from.to_path_buf()));
    }
    let _lock = lock(from)?;
    begin(to)?;
    let runtime = runtime()?;
    runtime.block_on(async {
        let store = SqliteStore::open(&from.join(files::RECORD), pollwatch_store::Mode::ReadOnly)
            .await
            .map_err(Error::store("open"))?;
        store
            .backup_to(&to.join(files::RECORD))
            .await
            .map_err(Error::store("copy"))?;
        store.close().await;
        Ok::<(), Error>(())
    })?;
    copy_tree(&from.join(files::EVIDENCE), &to.join(files::EVIDENCE))?;
    copy_tree(&from.join(files::LEDGER), &to.join(files::LEDGER))?;
    copy_file(&from.join(files::REGISTER), &to.join(files::REGISTER))?;
    let audits = from.join(crate::audit::AUDITS);
    if audits.is_dir() {
        copy_tree(&audits, &to.join(crate::audit::AUDITS))?;
    }
    for list in protect_lists(from)? {
        // A list that lies outside of the folder stays where it is.
        if Path::new(&list)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)))
        {
            copy_file(&from.join(&list), &to.join(&list))?;
        }
    }
    if key == SecretKey::Included {
        copy_file(&from.join(files::KEY), &to.join(files::KEY))?;
    }
    let access = from.join(ACCESS);
    let accounts = match (access.is_file(), key) {
        (false, _) => Accounts::NoneThere,
        (true, SecretKey::LeftOut) => Accounts::LeftOut,
        (true, SecretKey::Included) => Accounts::Kept(runtime.block_on(async {
            let store = AccessStore::open(&access).await.map_err(Error::store("open"))?;
            let copied = store.copy_to(&to.join(ACCESS)).await;
            store.close().await;
            copied.map_err(Error::store("copy"))
        })?),
    };
    // The last of all: a copy without settings is no workspace.
    copy_file(&from.join(files::SETTINGS), &to.join(files::SETTINGS))?;
    check(to)?;
    Ok(accounts)
}

/// Makes a workspace in `to` from the backup in `from`, after checking all of it. Tells what came back beside the record.
///
/// Errors: as [`backup`].
pub fn restore(from: &Path, to: &Path) -> Result<Restored, Error> {
    if !from.join(files::SETTINGS).is_file() {
        return Err(Error::NoWorkspace(from.to_path_buf()));
    }
    check(from)?;
    begin(to)?;
    copy_tree(from, to)?;
    check(to)?;
    Ok(Restored {
        has_key: to.join(files::KEY).is_file(),
        has_accounts: to.join(ACCESS).is_file(),
    })
}

fn check(dir: &Path) -> Result<(), Error> {
    let report = verify::verify(dir, None, None)?;
    match report.faults.into_iter().next() {
        None => Ok(()),
        Some(fault) => Err(Error::Unsound {
            dir: dir.to_path_buf(),
            what: fault.what,
        }),
    }
}

fn begin(to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to).map_err(Error::file("make", to))?;
    if std::fs::read_dir(to)
        .map_err(Error::file("read", to))?
        .next()
        .is_some()
    {
        return Err(Error::NotEmpty(to.to_path_buf()));
    }
    Ok(())
}

fn protect_lists(dir: &Path) -> Result<Vec<String>, Error> {
    let path = dir.join(files::SETTINGS);
    let text = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    Ok(crate::settings::Settings::parse(&path.display().to_string(), &text)?.protect)
}

/// Copies a folder with all below it; links are not followed, and locks are left out.
fn copy_tree(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to).map_err(Error::file("make", to))?;
    for entry in std::fs::read_dir(from).map_err(Error::file("read", from))? {
        let entry = entry.map_err(Error::file("read", from))?;
        let kind = entry.file_type().map_err(Error::file("read", entry.path()))?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_file() && entry.file_name() != files::LOCK {
            copy_file(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Copies a file with its rights, and syncs it.
fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
    }
    std::fs::copy(from, to).map_err(Error::file("copy", from))?;
    let file = std::fs::File::open(to).map_err(Error::file("read", to))?;
    file.sync_all().map_err(Error::file("sync", to))
}
