//! The data folder: everything that makes one node, in one place.
//!
//! ```text
//! countersign.toml             configuration                               (`config`)
//! key-set.jws                  the key set that the root key signed
//! keys/receipt.jwk  log.jwk  cosign.jwk  http.jwk   the online keys        (0600)
//! keys/pseudonym               the key under which users get pseudonyms    (0600)
//! keys/receipt.jwk.retired-…   keys that were replaced, and nothing needs    (0600)
//! root.jwk                     the root key: belongs offline               (0600)
//! policy/                      the policy's working copy
//! store.sqlite                 receipts, log, peers, tokens, epochs        (0600)
//! head                         the log's last signed head                  (0600)
//! head.lock                    whose turn it is to write it                (0600)
//! ```
//!
//! Out of scope: what runs on it (`node`), and the words that `init` prints (`cli`).

mod change;
mod create;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use change::{KeyChange, KeyChangeError, KeysChanged, NewKey};
pub use create::{Created, InitOptions};

use crate::edge::config::{Agent, CONFIG_FILE, Config, ConfigError};
use crate::ground::crypto::keys::{KeyError, KeyUse, Purpose, SigningKey};
use crate::ground::keyset::{KeySetError, SelfSignedKeySet};
use crate::ground::limits::MAX_KEY_SET_BYTES;
use crate::ground::name::Issuer;
use crate::ground::policy::PolicyFile;
use crate::io::entropy::EntropyError;
use crate::io::folder_lock::{FolderLock, FolderLockError};
use crate::io::head_file::HeadFile;
use crate::io::key_files::{self, KeyFileError};
use crate::io::policy_folder::{self, PolicyFolderError};
use crate::io::secret_files::{self, Secret};
use crate::io::store::sqlite::SqliteStore;
use crate::io::store::{Identity, StoreError};
use crate::node::operator::{OnlineKeys, Operator, OperatorError};

/// Why a data folder cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// There is no data folder.
    #[error("`{0}` is not a data folder: make one with `countersign init`, or name another with `--config`")]
    Missing(PathBuf),
    /// There is something already.
    #[error("`{0}` exists and is not empty; nothing was changed")]
    Occupied(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot use `{path}`: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The configuration is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A key file is refused.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The key set is refused.
    #[error("the key set in `{path}` cannot be used: {source}")]
    KeySet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeySetError,
    },
    /// Keys and key set do not belong together.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// A key cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The policy folder is refused.
    #[error(transparent)]
    Policy(#[from] PolicyFolderError),
    /// The store is refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// An opened data folder: its configuration is read and valid, everything else is read when asked for.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
    config: Config,
}

impl DataFolder {
    /// Opens the folder at `path`, and reads its configuration.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DataFolderError> {
        let path = path.into();
        let file = path.join(CONFIG_FILE);
        if !file.exists() {
            return Err(DataFolderError::Missing(path));
        }
        let config = Config::load(&file)?;
        Ok(Self { path, config })
    }

    /// Makes a new data folder: keys, the first key set, a configuration, a starter policy and an empty store. All of
    /// it appears at once, or nothing does. Never overwrites.
    pub async fn create(path: impl Into<PathBuf>, options: &InitOptions) -> Result<Created, DataFolderError> {
        create::create(path.into(), options).await
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The same folder under another configuration: what a command line or a test sets in its place.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The key set, not yet checked against anything but itself.
    pub fn key_set(&self) -> Result<SelfSignedKeySet, DataFolderError> {
        let path = self.key_set_file();
        let unreadable = |source| DataFolderError::Io { path: path.clone(), source };
        let size = fs::metadata(&path).map_err(unreadable)?.len();
        // Room for a newline at the end, which editors and shells leave.
        if usize::try_from(size).map_or(true, |size| size > MAX_KEY_SET_BYTES + 2) {
            return Err(unreadable(io::Error::other("it is too large for a key set")));
        }
        let bytes = fs::read(&path).map_err(unreadable)?;
        let parsed = SelfSignedKeySet::parse(bytes.trim_ascii_end());
        parsed.map_err(|source| DataFolderError::KeySet { path: path.clone(), source })
    }

    /// The operator: issuer, key set and online keys, checked against each other.
    pub fn operator(&self) -> Result<Operator, DataFolderError> {
        let key_set = self.key_set()?;
        let keys = OnlineKeys {
            receipt: self.online_key(KeyUse::Receipt, &key_set)?,
            log: self.online_key(KeyUse::Log, &key_set)?,
            cosign: self.online_key(KeyUse::Cosign, &key_set)?,
            http: self.online_key(KeyUse::Http, &key_set)?,
        };
        Ok(Operator::new(self.config.issuer.clone(), key_set, keys)?)
    }

    /// A change of keys that was cut short leaves the new key beside its place: it counts if the key set names it.
    fn online_key<P: Purpose>(
        &self,
        usage: KeyUse,
        key_set: &SelfSignedKeySet,
    ) -> Result<SigningKey<P>, DataFolderError> {
        let next = key_files::read::<P>(&self.next_key_file(usage));
        match next {
            Ok(next) if change::is_active(key_set, usage, next.id()) => Ok(next),
            _ => Ok(key_files::read(&self.key_file(usage))?),
        }
    }

    /// Keeps the online keys what they are while it is held: whoever signs with them holds it.
    pub fn hold_keys(&self) -> Result<FolderLock, FolderLockError> {
        FolderLock::signing(&self.path)
    }

    /// The same for the node itself, of which there is one at a time.
    pub fn hold_to_serve(&self) -> Result<FolderLock, FolderLockError> {
        FolderLock::serving(&self.path, &self.keys_folder())
    }

    /// Whether a node serves from this folder now.
    pub fn is_served(&self) -> bool {
        matches!(self.hold_to_serve(), Err(FolderLockError::Served(_)))
    }

    /// The store, which must exist and be this operator's.
    pub async fn store(&self) -> Result<SqliteStore, DataFolderError> {
        let origin = self.key_set()?.document().log.origin.clone();
        let identity = Identity { issuer: self.config.issuer.clone(), origin };
        Ok(SqliteStore::open(self.store_file(), identity).await?)
    }

    /// The head file, which need not exist yet.
    pub fn head_file(&self) -> HeadFile {
        HeadFile::at(self.path.join("head"))
    }

    /// The policy's working copy.
    pub fn policy_folder(&self) -> PathBuf {
        self.path.join("policy")
    }

    /// The files of the policy's working copy.
    pub fn policy_files(&self) -> Result<Vec<PolicyFile>, DataFolderError> {
        Ok(policy_folder::read(&self.policy_folder())?)
    }

    /// The key under which users get pseudonyms, one per peer.
    pub fn pseudonym_key(&self) -> Result<Secret, DataFolderError> {
        Ok(secret_files::read(&self.keys_folder().join("pseudonym"))?)
    }

    /// The secret of an agent's base path.
    pub fn agent_secret(&self, agent: &Agent) -> Result<Secret, DataFolderError> {
        Ok(secret_files::read(&agent.secret_file)?)
    }

    /// Where the online key of one use is.
    pub fn key_file(&self, usage: KeyUse) -> PathBuf {
        self.keys_folder().join(format!("{usage}.jwk"))
    }

    fn next_key_file(&self, usage: KeyUse) -> PathBuf {
        self.keys_folder().join(format!("{usage}.jwk.next"))
    }

    fn keys_folder(&self) -> PathBuf {
        self.path.join("keys")
    }

    /// Where the root key is, as long as nobody took it offline.
    pub fn root_key_file(&self) -> PathBuf {
        self.path.join("root.jwk")
    }

    /// Where the key set is.
    pub fn key_set_file(&self) -> PathBuf {
        self.path.join("key-set.jws")
    }

    /// Where the store is.
    pub fn store_file(&self) -> PathBuf {
        self.path.join("store.sqlite")
    }

    /// The operator's name.
    pub fn issuer(&self) -> &Issuer {
        &self.config.issuer
    }
}

#[cfg(test)]
mod tests;
