//! The head file: the log's last committed head, kept beside the database and outside of it.
//!
//! A database that is restored from a backup forgets heads that were signed. This file does not, so the node notices
//! and refuses to sign a second history. Trusted for nothing but that: losing it costs only the warning.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::ground::log::merkle::TreeHead;

/// Why the head file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadFileError {
    /// The file cannot be read or written.
    #[error("cannot use the head file `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It holds something else.
    #[error(
        "`{path}` is not a head file: {detail}; if it is damaged, compare your log with a peer's copy before you remove it"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        detail: String,
    },
}

/// One head file.
#[derive(Debug, Clone)]
pub struct HeadFile {
    path: PathBuf,
}

impl HeadFile {
    /// The head file at `path`, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The head that was kept last; `None` where there is no file.
    pub fn read(&self) -> Result<Option<TreeHead>, HeadFileError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(HeadFileError::Io { path: self.path.clone(), source }),
        };
        let parsed = serde_json::from_slice(&bytes);
        parsed
            .map(Some)
            .map_err(|error| HeadFileError::Malformed { path: self.path.clone(), detail: error.to_string() })
    }

    /// Keeps a head durably: a new file, synced, put in place of the old one, the folder synced.
    pub fn write(&self, head: &TreeHead) -> Result<(), HeadFileError> {
        let as_error = |source| HeadFileError::Io { path: self.path.clone(), source };
        let text = serde_json::to_string(head).map_err(|error| as_error(io::Error::other(error)))?;
        let next = self.path.with_extension("next");
        let write = || {
            let mut file = File::create(&next)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&next, &self.path)?;
            File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(as_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::crypto::hash::Digest;

    #[test]
    fn the_last_head_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = HeadFile::at(folder.path().join("head"));
        assert_eq!(file.read().unwrap(), None);
        for size in 1..4 {
            let head = TreeHead::new(size, Digest::of(b"root")).unwrap();
            file.write(&head).unwrap();
            assert_eq!(file.read().unwrap(), Some(head));
        }
    }

    #[test]
    fn a_damaged_head_file_is_not_read_as_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        fs::write(&path, b"{\"size\":").unwrap();
        assert!(matches!(HeadFile::at(path).read(), Err(HeadFileError::Malformed { .. })));
    }
}
