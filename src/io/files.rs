//! Files that are whole or not there, whatever happens meanwhile to this process and to the machine, or in another
//! process that writes the same file.
//!
//! The bytes go into a file of another, random name in the same folder, are synced, and take the place as one; then the
//! folder is synced. A file that root writes belongs to whom the place belongs, or the node of another user could not
//! read it. Out of scope: files for other programs that somebody asked for by name, which may lie where none
//! of this is possible (`cli`).

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use tempfile::NamedTempFile;

/// Who may use a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner only.
    Owner,
    /// Whom the process lets by its umask.
    Umask,
}

impl Access {
    const fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Umask => 0o666,
        }
    }
}

/// Makes a file of the folder's owner, durable when this returns. What is there already stays, and the error is
/// `AlreadyExists`.
pub fn create(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    draft(path, bytes, access, None)?.persist_noclobber(path)?;
    sync_folder(path)
}

/// Puts a file in the place of what is there, durable when this returns. It keeps owner and permissions of the old one;
/// where there was none, it is the folder's owner's alone.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let old = match fs::metadata(path) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    draft(path, bytes, Access::Owner, old.as_ref())?.persist(path)?;
    sync_folder(path)
}

/// Makes a folder for its owner alone, who is that of the folder above. One that is there already stays.
pub fn make_folder(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => give(&File::open(path)?, &fs::metadata(folder(path))?),
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes durable which names the folder of `path` has.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// The folder that `path` lies in; for a bare name the current one.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Left behind by a death of the process, it is a hidden file that nothing reads.
fn draft(path: &Path, bytes: &[u8], access: Access, old: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".countersign-new-").permissions(Permissions::from_mode(access.mode()));
    let mut draft = builder.tempfile_in(folder(path))?;
    match old {
        Some(old) => {
            draft.as_file().set_permissions(old.permissions())?;
            give(draft.as_file(), old)?;
        }
        None => give(draft.as_file(), &fs::metadata(folder(path))?)?,
    }
    draft.write_all(bytes)?;
    draft.as_file().sync_all()?;
    Ok(draft)
}

/// Gives a file to the owner of another one, where that is somebody else.
fn give(file: &File, like: &Metadata) -> io::Result<()> {
    if file.metadata()?.uid() != like.uid() {
        // Only root may, and for others such a file was always their own: a folder that many write into takes that.
        let _given = fchown(file, Some(like.uid()), Some(like.gid()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_created_once_and_for_whom_it_is_meant() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        create(&path, b"one", Access::Owner).unwrap();
        assert_eq!(mode(&path), 0o600);
        let again = create(&path, b"two", Access::Owner).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        // What the umask gives is what an ordinary file gets.
        let (ordinary, shared) = (place.path().join("ordinary"), place.path().join("shared"));
        fs::write(&ordinary, b"").unwrap();
        create(&shared, b"", Access::Umask).unwrap();
        assert_eq!(mode(&shared), mode(&ordinary));
    }

    #[test]
    fn a_replaced_file_keeps_its_permissions_and_a_new_one_is_its_owners() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        replace(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"two".to_vec(), 0o664));
    }

    #[test]
    fn what_root_writes_belongs_to_whom_the_place_belongs() {
        let place = tempfile::tempdir().unwrap();
        let owners = |path: &Path| fs::metadata(path).map(|file| (file.uid(), file.gid())).unwrap();
        let own = owners(place.path());
        let (one, other) = ((own.0 + 4001, own.1 + 4001), (own.0 + 4002, own.1 + 4002));
        // Nobody else can write for others: then there is nothing to see.
        if chown(place.path(), Some(one.0), Some(one.1)).is_err() {
            return;
        }
        let [made, put, inner] = ["made", "put", "inner"].map(|name| place.path().join(name));
        create(&made, b"one", Access::Owner).unwrap();
        replace(&put, b"one").unwrap();
        assert_eq!((owners(&made), owners(&put), mode(&put)), (one, one, 0o600));
        make_folder(&inner).unwrap();
        assert_eq!((owners(&inner), mode(&inner)), (one, 0o700));
        chown(&inner, Some(other.0), Some(other.1)).unwrap();
        make_folder(&inner).unwrap();
        assert_eq!(owners(&inner), other);
        chown(&put, Some(other.0), Some(other.1)).unwrap();
        fs::set_permissions(&put, Permissions::from_mode(0o640)).unwrap();
        replace(&put, b"two").unwrap();
        assert_eq!((owners(&put), mode(&put)), (other, 0o640));
    }

    #[test]
    fn what_fails_leaves_no_draft() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(create(&path, b"", Access::Owner).is_err());
        assert!(replace(&path, b"").is_err());
        assert_eq!(names(place.path()), ["taken"]);
    }

    #[test]
    fn a_bare_name_lies_in_the_current_folder() {
        assert_eq!(folder(Path::new("head")), Path::new("."));
        assert_eq!(folder(Path::new("data/head")), Path::new("data"));
    }
}
