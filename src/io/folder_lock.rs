//! Who works with the keys of a data folder: any number of programs that sign, or one that changes the keys.
//!
//! What a node signed with a key after that key was replaced would count nowhere, so keys change only while nobody
//! signs. The lock is on the folder itself and ends with the process: a crash leaves nothing to clean up.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Why a folder is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum FolderLockError {
    /// Somebody signs with its keys.
    #[error("a node or a command works with the keys in `{0}`: end it first, and start it again afterwards")]
    InUse(PathBuf),
    /// Another node serves from it.
    #[error("another node serves from `{0}`: there can be one only, so end it first")]
    Served(PathBuf),
    /// Somebody changes its keys.
    #[error("the keys in `{0}` are being changed: try again in a moment")]
    Changing(PathBuf),
    /// It cannot be locked.
    #[error("cannot lock `{path}`: {source}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A hold on a folder, until it is dropped.
#[derive(Debug)]
pub struct FolderLock {
    _held: Vec<File>,
}

impl FolderLock {
    /// For somebody who signs with its keys.
    pub fn signing(folder: &Path) -> Result<Self, FolderLockError> {
        let held = hold(folder, File::try_lock_shared, FolderLockError::Changing)?;
        Ok(Self { _held: vec![held] })
    }

    /// For the node, which signs with its keys, and of which there is one: it takes calls that it does not carry itself
    /// for calls that were cut off. `alone` is a folder below that nobody else locks.
    pub fn serving(folder: &Path, alone: &Path) -> Result<Self, FolderLockError> {
        let signing = hold(folder, File::try_lock_shared, FolderLockError::Changing)?;
        let alone = hold(alone, File::try_lock, |_| FolderLockError::Served(folder.to_owned()))?;
        Ok(Self { _held: vec![signing, alone] })
    }

    /// For somebody who changes its keys.
    pub fn changing(folder: &Path) -> Result<Self, FolderLockError> {
        let held = hold(folder, File::try_lock, FolderLockError::InUse)?;
        Ok(Self { _held: vec![held] })
    }
}

fn hold(
    folder: &Path,
    lock: impl FnOnce(&File) -> Result<(), TryLockError>,
    taken: impl FnOnce(PathBuf) -> FolderLockError,
) -> Result<File, FolderLockError> {
    let failed = |source| FolderLockError::Io { path: folder.to_owned(), source };
    let file = File::open(folder).map_err(failed)?;
    match lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(taken(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_serves_while_others_sign() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        let node = FolderLock::serving(folder.path(), &keys).unwrap();
        let command = FolderLock::signing(folder.path()).unwrap();
        assert!(matches!(FolderLock::serving(folder.path(), &keys), Err(FolderLockError::Served(_))));
        drop(node);
        FolderLock::serving(folder.path(), &keys).unwrap();
        drop(command);
        FolderLock::changing(folder.path()).unwrap();
    }

    #[test]
    fn many_sign_or_one_changes() {
        let folder = tempfile::tempdir().unwrap();
        let one = FolderLock::signing(folder.path()).unwrap();
        let other = FolderLock::signing(folder.path()).unwrap();
        assert!(matches!(FolderLock::changing(folder.path()), Err(FolderLockError::InUse(_))));
        drop((one, other));
        let alone = FolderLock::changing(folder.path()).unwrap();
        assert!(matches!(FolderLock::signing(folder.path()), Err(FolderLockError::Changing(_))));
        assert!(matches!(FolderLock::changing(folder.path()), Err(FolderLockError::InUse(_))));
        drop(alone);
        FolderLock::signing(folder.path()).unwrap();
    }
}
