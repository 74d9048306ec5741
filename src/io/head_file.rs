//! The head file: the log's last committed head, kept beside the database and outside of it.
//!
//! A database that is restored from a backup forgets heads that were signed. This file does not, so the node notices
//! and refuses to sign a second history. Several processes may write it (a node, and the command line beside it): it
//! only goes forward. Trusted for nothing but that: losing it costs only the warning.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;

use crate::ground::log::merkle::TreeHead;
use crate::io::files::{self, Access};

/// Why the head file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadFileError {
    /// The file, or the one beside it that is locked meanwhile, cannot be read or written.
    #[error("cannot use the head file `{path}`: {source}")]
    Io {
        /// Which of them.
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

    /// Keeps a head, durably, and answers the one that the file names then. That is another one if the file names one
    /// as large or larger already: a process that was slower does not take the file back.
    pub fn advance(&self, head: TreeHead) -> Result<TreeHead, HeadFileError> {
        let as_error = |source| HeadFileError::Io { path: self.path.clone(), source };
        // Nobody else reads, compares and replaces until this is closed.
        let _turn = self.lock()?;
        if let Some(known) = self.read()?
            && known.size >= head.size
            && known != head
        {
            return Ok(known);
        }
        let text = serde_json::to_vec(&head).map_err(|error| as_error(io::Error::other(error)))?;
        files::replace(&self.path, &text).map_err(as_error)?;
        Ok(head)
    }

    /// A file of its own, never removed: the head file is another one after each head.
    fn lock(&self) -> Result<File, HeadFileError> {
        let mut path = self.path.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let open = || OpenOptions::new().write(true).open(&path);
        let opened = open().or_else(|error| match error.kind() {
            // Whoever comes second finds the first one's.
            io::ErrorKind::NotFound => files::create(&path, b"", Access::Owner)
                .or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
                .and_then(|()| open()),
            _ => Err(error),
        });
        let locked = opened.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|source| HeadFileError::Io { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::crypto::hash::Digest;

    fn head(size: u64, root: &str) -> TreeHead {
        TreeHead::new(size, Digest::of(root.as_bytes())).unwrap()
    }

    #[test]
    fn the_last_head_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = HeadFile::at(folder.path().join("head"));
        assert_eq!(file.read().unwrap(), None);
        for size in 1..4 {
            assert_eq!(file.advance(head(size, "root")).unwrap(), head(size, "root"));
            assert_eq!(file.read().unwrap(), Some(head(size, "root")));
        }
    }

    #[test]
    fn the_file_never_goes_back_and_takes_no_other_head_of_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let file = HeadFile::at(folder.path().join("head"));
        let known = file.advance(head(5, "root")).unwrap();
        for late in [head(4, "root"), head(5, "other")] {
            assert_eq!(file.advance(late).unwrap(), known);
            assert_eq!(file.read().unwrap(), Some(known));
        }
        assert_eq!(file.advance(known).unwrap(), known);
    }

    #[test]
    fn of_many_writers_none_takes_the_file_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = HeadFile::at(folder.path().join("head"));
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let file = file.clone();
                scope.spawn(move || {
                    for size in (1..=200).map(|round| round * 4 + writer) {
                        let kept = file.advance(head(size, "root")).unwrap();
                        assert!(kept.size >= size && file.read().unwrap().unwrap().size >= kept.size);
                    }
                });
            }
        });
        assert_eq!(file.read().unwrap(), Some(head(803, "root")));
    }

    #[test]
    fn a_lock_that_cannot_be_had_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        fs::create_dir(folder.path().join("head.lock")).unwrap();
        let error = HeadFile::at(path).advance(head(1, "root")).unwrap_err();
        assert!(error.to_string().contains("head.lock`"), "{error}");
    }

    #[test]
    fn a_damaged_head_file_is_not_read_as_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        fs::write(&path, b"{\"size\":").unwrap();
        assert!(matches!(HeadFile::at(path).read(), Err(HeadFileError::Malformed { .. })));
    }
}
