//! Private keys on disk: one file each, readable by its owner only.
//!
//! A file that others can read is refused, because its key may have been taken already. Out of scope: what the file
//! holds (`crypto::keys`), and the root key's life offline.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::ground::crypto::keys::{KeyError, Purpose, SigningKey};
use crate::io::entropy::{EntropyError, random};
use crate::io::files::{self, Access};

/// A key file holds one short JSON object.
const MAX_KEY_FILE_BYTES: u64 = 4096;

/// Why a key file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("cannot use the private file `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Others can read it.
    #[error(
        "the key file `{path}` has mode {mode:03o}, so others can read it: `chmod 600` it, and replace the key if it was exposed"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Larger than any key file.
    #[error("`{0}` is too large for a key file")]
    TooLarge(PathBuf),
    /// It does not hold the key that is needed.
    #[error("the key file `{path}` cannot be used: {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// It does not hold a secret.
    #[error("`{0}` does not hold a secret: expected 32 bytes in base64url, 43 characters")]
    Secret(PathBuf),
    /// No key can be made.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// Draws a new key.
pub fn generate<P: Purpose>() -> Result<SigningKey<P>, EntropyError> {
    loop {
        let seed = Zeroizing::new(random::<32>()?);
        // A seed whose public key is of small order does not occur in practice; another draw mends it.
        if let Ok(key) = SigningKey::from_seed(&seed) {
            return Ok(key);
        }
    }
}

/// Writes a new key file with mode 0600, synced with its folder. Never overwrites.
pub fn create<P: Purpose>(path: &Path, key: &SigningKey<P>) -> Result<(), KeyFileError> {
    create_private(path, key.to_key_file().as_bytes())
}

/// Writes a new file that only its owner can read, synced with its folder. Never overwrites.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    let created = files::create(path, bytes, Access::Owner);
    created.map_err(|source| KeyFileError::Io { path: path.to_owned(), source })
}

/// Reads a key file of one purpose, and refuses one that others can read.
pub fn read<P: Purpose>(path: &Path) -> Result<SigningKey<P>, KeyFileError> {
    let bytes = read_private(path)?;
    SigningKey::from_key_file(&bytes).map_err(|source| KeyFileError::Key { path: path.to_owned(), source })
}

/// Reads a small file, and refuses one that others can read.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let as_error = |source| KeyFileError::Io { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(as_error)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    if metadata.len() > MAX_KEY_FILE_BYTES {
        return Err(KeyFileError::TooLarge(path.to_owned()));
    }
    Ok(Zeroizing::new(fs::read(path).map_err(as_error)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::crypto::keys::{LogPurpose, ReceiptPurpose};

    #[test]
    fn a_key_survives_its_file_and_no_other_purpose_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jwk");
        let key = generate::<LogPurpose>().unwrap();
        create(&path, &key).unwrap();
        assert_eq!(read::<LogPurpose>(&path).unwrap().id(), key.id());
        assert!(matches!(read::<ReceiptPurpose>(&path), Err(KeyFileError::Key { .. })));
        assert!(matches!(create(&path, &key), Err(KeyFileError::Io { .. })));
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jwk");
        create(&path, &generate::<LogPurpose>().unwrap()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read::<LogPurpose>(&path), Err(KeyFileError::Exposed { mode: 0o640, .. })));
    }
}
