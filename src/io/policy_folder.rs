//! Reads a policy folder into memory, bounded. Out of scope: what the files mean (`ground::policy`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::ground::limits::{MAX_POLICY_FILES, MAX_POLICY_SOURCE_BYTES};
use crate::ground::policy::PolicyFile;

/// Why a policy folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFolderError {
    /// The operating system refuses.
    #[error("cannot read the policy folder at `{path}`: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// More than a policy may be.
    #[error("the policy folder `{0}` holds more than {MAX_POLICY_FILES} files or {MAX_POLICY_SOURCE_BYTES} bytes")]
    TooLarge(PathBuf),
    /// A name that is not text.
    #[error("the file name `{0}` is not UTF-8")]
    Name(PathBuf),
}

/// Every file of the folder and its subfolders, by path. Symbolic links are followed, so that a folder may be one.
pub fn read(folder: &Path) -> Result<Vec<PolicyFile>, PolicyFolderError> {
    let mut files = Vec::new();
    let (mut folders, mut bytes) = (vec![folder.to_owned()], 0);
    while let Some(next) = folders.pop() {
        let as_error = |source| PolicyFolderError::Io { path: next.clone(), source };
        for entry in fs::read_dir(&next).map_err(as_error)? {
            let path = entry.map_err(as_error)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let file = read_file(folder, &path)?;
                bytes += file.bytes.len();
                files.push(file);
            }
            if files.len() + folders.len() > MAX_POLICY_FILES || bytes > MAX_POLICY_SOURCE_BYTES {
                return Err(PolicyFolderError::TooLarge(folder.to_owned()));
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn read_file(folder: &Path, path: &Path) -> Result<PolicyFile, PolicyFolderError> {
    let as_error = |source| PolicyFolderError::Io { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(as_error)?.len();
    if usize::try_from(size).map_or(true, |size| size > MAX_POLICY_SOURCE_BYTES) {
        return Err(PolicyFolderError::TooLarge(folder.to_owned()));
    }
    let name = path.strip_prefix(folder).unwrap_or(path).to_str();
    let name = name.ok_or_else(|| PolicyFolderError::Name(path.to_owned()))?;
    Ok(PolicyFile { path: name.replace('\\', "/"), bytes: fs::read(path).map_err(as_error)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_with_their_paths_in_order() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("schema.cedarschema"), b"s").unwrap();
        fs::write(folder.path().join("in/a.cedar"), b"a").unwrap();
        let files = read(folder.path()).unwrap();
        let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["in/a.cedar", "schema.cedarschema"]);
        assert!(matches!(read(&folder.path().join("none")), Err(PolicyFolderError::Io { .. })));
    }
}
