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
    _held: File,
}

impl FolderLock {
    /// For somebody who signs with its keys.
    pub fn signing(folder: &Path) -> Result<Self, FolderLockError> {
        hold(folder, File::try_lock_shared, FolderLockError::Changing)
    }

    /// For somebody who changes its keys.
    pub fn changing(folder: &Path) -> Result<Self, FolderLockError> {
        hold(folder, File::try_lock, FolderLockError::InUse)
    }
}

fn hold(
    folder: &Path,
    lock: impl FnOnce(&File) -> Result<(), TryLockError>,
    taken: impl FnOnce(PathBuf) -> FolderLockError,
) -> Result<FolderLock, FolderLockError> {
    let failed = |source| FolderLockError::Io { path: folder.to_owned(), source };
    let file = File::open(folder).map_err(failed)?;
    match lock(&file) {
        Ok(()) => Ok(FolderLock { _held: file }),
        Err(TryLockError::WouldBlock) => Err(taken(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
