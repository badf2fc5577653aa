//! The data folder: made private, locked by the shop that serves from it, removed if it was temporary.

use crate::target::Targets;
use contracts::BoxError;
use platform::config::readable_by_everybody;
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

/// What a folder holds while a backup is brought back into it.
pub(crate) const RESTORING: &str = "restore.unfinished";

/// A folder that this process serves from, alone.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    temporary: bool,
    // Held as long as the shop is open; the system lets go of it even after kill -9.
    _lock: File,
}

/// Makes the folder if it is not there, for its owner only.
pub(crate) fn make(path: &Path) -> Result<(), BoxError> {
    if path.is_dir() {
        return Ok(());
    }
    make_and_sync(path).map_err(|error| {
        format!("the data folder {} cannot be made: {error}", path.display()).into()
    })
}

/// A folder whose name is not on the disk would go when the power goes, with everything in it, however well
/// that was synced.
fn make_and_sync(path: &Path) -> std::io::Result<()> {
    let missing = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
    let missing: Vec<&Path> = missing.collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    for made in missing {
        let parent = made
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new("."));
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Refuses keys that everybody on this machine can read, as a careless copy may leave them: whoever signs tokens is
/// anybody. The other databases are closed when they are opened.
fn check_private(path: &Path) -> Result<(), BoxError> {
    let is_open =
        |path: &Path| std::fs::metadata(path).is_ok_and(|known| known.mode() & 0o005 == 0o005);
    let keys = path.join("identity.sqlite");
    // Where the folder is closed nobody else gets as far as the file.
    if is_open(path) && readable_by_everybody(&keys) {
        let keys = keys.display();
        let line = format!("{keys} can be read by everybody on this machine: `chmod o= {keys}`");
        return Err(line.into());
    }
    Ok(())
}

/// Whether anything is kept in this folder of what is kept here.
pub(crate) fn has_a_shop(path: &Path, targets: &Targets) -> bool {
    let mut services = targets.services();
    services.any(|service| path.join(format!("{}.sqlite", service.name())).is_file())
}

/// Whether a shop is open on this folder just now.
pub(crate) fn is_served(path: &Path) -> bool {
    let lock = File::open(path.join("souk.lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl DataFolder {
    /// Opens a folder, or says plainly that another shop has it.
    pub(crate) fn open(path: PathBuf, temporary: bool) -> Result<Self, BoxError> {
        make(&path)?;
        check_private(&path)?;
        if path.join(RESTORING).exists() {
            let path = path.display();
            return Err(format!(
                "a restore into {path} did not come to its end: empty it, and begin again"
            )
            .into());
        }
        let name = path.join("souk.lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(|error| format!("{} cannot be opened: {error}", name.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path,
                temporary,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(format!(
                "another shop is open on {}: stop it first, or use another --data",
                path.display()
            )
            .into()),
            Err(TryLockError::Error(error)) => Err(Box::new(error)),
        }
    }

    /// A folder of its own that goes when the shop closes.
    pub(crate) fn temporary() -> Result<Self, BoxError> {
        let random = platform::digest::base64url(&platform::digest::random::<12>()?);
        Self::open(std::env::temp_dir().join(format!("souk-{random}")), true)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(error = %error, "the temporary folder {} stays", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_shop_on_one_folder_is_refused_and_a_temporary_one_is_removed() {
        let first = DataFolder::temporary().unwrap();
        let path = first.path().to_owned();
        let second = DataFolder::open(path.clone(), false)
            .unwrap_err()
            .to_string();
        assert!(second.starts_with("another shop is open on "), "{second}");
        assert!(is_served(&path));
        drop(first);
        assert!(!path.exists() && !is_served(&path));
    }
}
