//! Secrets on disk: 32 random bytes each, in base64url, readable by their owner only.
//!
//! Two things are kept this way: the keys of agents' base paths, and the key under which users get pseudonyms. Out of
//! scope: signing keys (`key_files`).

use std::fmt;
use std::path::Path;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::ground::crypto::hash::{decode_base64url, encode_base64url};
use crate::io::entropy::{EntropyError, random};
use crate::io::key_files::{KeyFileError, create_private, read_private};

/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A secret. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Draws a new one.
    pub fn generate() -> Result<Self, EntropyError> {
        let bytes = Zeroizing::new(random::<SECRET_BYTES>()?);
        Ok(Self(Zeroizing::new(encode_base64url(bytes.as_slice()))))
    }

    /// The secret itself, 43 characters of base64url: for the one that it belongs to.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The bytes, as a key.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(decode_base64url(&self.0).unwrap_or_default())
    }

    /// Whether this is the secret, in time that does not tell how far it agrees.
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Draws a secret and writes it to a new file with mode 0600. Never overwrites.
pub fn create(path: &Path) -> Result<Secret, KeyFileError> {
    let secret = Secret::generate()?;
    let text = Zeroizing::new(format!("{}\n", secret.reveal()));
    create_private(path, text.as_bytes())?;
    Ok(secret)
}

/// Reads a secret, and refuses a file that others can read.
pub fn read(path: &Path) -> Result<Secret, KeyFileError> {
    let bytes = read_private(path)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim_ascii_end();
    let whole = decode_base64url(text).map(Zeroizing::new).is_some_and(|bytes| bytes.len() == SECRET_BYTES);
    if !whole {
        return Err(KeyFileError::Secret(path.to_owned()));
    }
    Ok(Secret(Zeroizing::new(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_its_file_and_is_not_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let secret = create(&path).unwrap();
        assert!(read(&path).unwrap().is(secret.reveal()));
        assert!(!secret.is("x"));
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert!(create(&path).is_err());
    }

    #[test]
    fn a_short_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        create_private(&path, b"c2hvcnQ\n").unwrap();
        assert!(matches!(read(&path), Err(KeyFileError::Secret(_))));
    }
}
