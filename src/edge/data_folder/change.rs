//! Replacing and revoking the online keys of a data folder, by the root key.
//!
//! A change touches a key file, the key set and the store, and a crash may come between any two of them. The key set is
//! what counts: a new key waits beside its place (`receipt.jwk.next`) until a key set names it, and whoever reads the
//! keys looks there as well. Out of scope: what the next key set says (`ground::keyset`).

use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{DataFolder, DataFolderError};
use crate::ground::crypto::keys::{
    CosignPurpose, HttpPurpose, KeyId, KeyUse, LogPurpose, PublicKey, Purpose, ReceiptPurpose, RootPurpose, SigningKey,
};
use crate::ground::keyset::{self, KeySetError, KeyState, SelfSignedKeySet, SuccessorError};
use crate::ground::name::Timestamp;
use crate::io::entropy::EntropyError;
use crate::io::files;
use crate::io::folder_lock::{FolderLock, FolderLockError};
use crate::io::key_files::{self, KeyFileError};
use crate::io::store::{KeySetVersion, PutKeySet, Store, StoreError};

/// What is to become of the online keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// A new key of this use takes the place of the active one.
    Rotate(KeyUse),
    /// This key is not to be trusted any more. If it is an active one, a new key takes its place.
    Revoke {
        /// The key.
        kid: KeyId,
        /// Why: 1 to 256 characters.
        reason: String,
    },
}

/// What became of them.
#[derive(Debug)]
pub struct KeysChanged {
    /// The key set that counts now.
    pub key_set: SelfSignedKeySet,
    /// The keys that ended with it.
    pub ended: Vec<KeyId>,
    /// The key that is new in it.
    pub made: Option<NewKey>,
}

/// A new online key.
#[derive(Debug)]
pub struct NewKey {
    /// Its thumbprint.
    pub kid: KeyId,
    /// What it signs.
    pub usage: KeyUse,
    /// Where it is.
    pub file: PathBuf,
    /// Where the file is that was there before.
    pub put_aside: Option<PathBuf>,
}

/// Why the keys are what they were.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    /// Somebody signs with them, or changes them.
    #[error(transparent)]
    Lock(#[from] FolderLockError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] DataFolderError),
    /// The root key's file cannot be used.
    #[error(transparent)]
    RootFile(KeyFileError),
    /// Another root key.
    #[error("the root key in `{path}` is `{found}`, not `{expected}`, under which this operator is known")]
    OtherRoot {
        /// The file.
        path: PathBuf,
        /// Its thumbprint.
        found: KeyId,
        /// The fingerprint of the key set.
        expected: KeyId,
    },
    /// The key set at hand is not the last one that was signed.
    #[error(
        "the store knows key set {known}, and `{path}` is another or an earlier one: put the latest one back first"
    )]
    Behind {
        /// The file of the key set at hand.
        path: PathBuf,
        /// The number that the store knows.
        known: u64,
    },
    /// The change makes no sense.
    #[error(transparent)]
    Successor(#[from] SuccessorError),
    /// The next key set breaks a rule.
    #[error("the next key set cannot be signed: {0}")]
    KeySet(#[from] KeySetError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl DataFolder {
    /// Signs the next key set with the root key in `root_file`, and puts it and its keys in place. The root key is read
    /// and kept nowhere. Nobody may sign with this folder's keys meanwhile: a node has to be ended first.
    pub async fn change_keys(
        &self,
        change: &KeyChange,
        root_file: &Path,
        at: Timestamp,
    ) -> Result<KeysChanged, KeyChangeError> {
        let _alone = FolderLock::changing(self.path())?;
        let known = self.key_set()?;
        let expected = known.fingerprint();
        let root: SigningKey<RootPurpose> = key_files::read(root_file).map_err(KeyChangeError::RootFile)?;
        if root.id() != expected {
            return Err(KeyChangeError::OtherRoot { path: root_file.to_owned(), found: root.id(), expected });
        }
        let store = self.store().await?;
        let changed = self.change(&store, &known, change, &root, at).await;
        store.close().await;
        changed
    }

    /// The order is what makes it safe:
    ///
    /// 1. Make sure that the key set at hand is the last one that was signed: a second one with its successor's number
    ///    would be a contradiction for good. End what an earlier change left when it was cut short.
    /// 2. Write the new key beside its place. A crash after it leaves a draft that no key set names, and the next
    ///    change removes it.
    /// 3. Replace the key set. From here on the change counts: the node finds the new key where step 2 left it.
    /// 4. Move the new key into its place, and the old one out of it. A crash in between loses neither.
    /// 5. Store the key set for bundles and audits. A crash before it is made good by step 1 of the next change.
    async fn change(
        &self,
        store: &dyn Store,
        known: &SelfSignedKeySet,
        change: &KeyChange,
        root: &SigningKey<RootPurpose>,
        at: Timestamp,
    ) -> Result<KeysChanged, KeyChangeError> {
        self.keep(store, known, at).await?;
        self.settle(known)?;
        let draft = Draft::of(known, change)?;
        let public = draft.as_ref().map(|draft| &draft.public);
        let document = match (change, public) {
            (KeyChange::Rotate(usage), Some(new)) => keyset::rotated(known, *usage, new, at)?,
            (KeyChange::Revoke { kid, reason }, new) => keyset::revoked(known, *kid, reason, new, at)?,
            (KeyChange::Rotate(_), None) => return Err(SuccessorError::Replacement.into()),
        };
        let next = keyset::sign(&document, root)?;
        if let Some(draft) = &draft {
            let path = self.next_key_file(draft.usage);
            key_files::create_private(&path, draft.file.as_bytes()).map_err(DataFolderError::from)?;
        }
        let path = self.key_set_file();
        files::replace(&path, next.compact().as_bytes()).map_err(|source| DataFolderError::Io { path, source })?;
        let made = draft.map(|draft| self.move_in(draft.usage, draft.public.id(), &next)).transpose()?;
        self.keep(store, &next, at).await?;
        Ok(KeysChanged { ended: ended(known, &next), key_set: next, made })
    }

    async fn keep(&self, store: &dyn Store, key_set: &SelfSignedKeySet, seen: Timestamp) -> Result<(), KeyChangeError> {
        let version = KeySetVersion {
            issuer: self.issuer().clone(),
            root: key_set.fingerprint().0,
            number: key_set.document().number,
            digest: key_set.digest(),
            compact: key_set.compact().to_owned(),
            seen,
        };
        match store.put_key_set(&version, key_set.document().previous.as_ref()).await? {
            PutKeySet::Stored | PutKeySet::Known => Ok(()),
            PutKeySet::RolledBack { number, .. } => {
                Err(KeyChangeError::Behind { path: self.key_set_file(), known: number })
            }
        }
    }

    fn settle(&self, known: &SelfSignedKeySet) -> Result<(), DataFolderError> {
        for usage in KeyUse::ALL {
            let next = self.next_key_file(usage);
            if !next.exists() {
                continue;
            }
            match key_id(usage, &next) {
                Ok(kid) if is_active(known, usage, kid) => drop(self.move_in(usage, kid, known)?),
                // Half a file is a draft, unless it is the only one that could be the key.
                Err(error) if self.file_of_active(known, usage).is_none() => return Err(error.into()),
                _ => fs::remove_file(&next).map_err(|source| DataFolderError::Io { path: next, source })?,
            }
        }
        Ok(())
    }

    /// The file that holds this key, if it is an online key that is here.
    pub fn file_of(&self, usage: KeyUse, kid: KeyId) -> Option<PathBuf> {
        let files = [self.next_key_file(usage), self.key_file(usage)];
        files.into_iter().find(|file| key_id(usage, file).is_ok_and(|found| found == kid))
    }

    fn file_of_active(&self, key_set: &SelfSignedKeySet, usage: KeyUse) -> Option<PathBuf> {
        let active = key_set.of_use(usage).filter(|(entry, _)| entry.state == KeyState::Active);
        active.into_iter().find_map(|(entry, _)| self.file_of(usage, entry.kid))
    }

    /// Moves the key that waits beside its place into it. What was there is kept under the name of its end; nothing
    /// needs it any more.
    fn move_in(&self, usage: KeyUse, kid: KeyId, key_set: &SelfSignedKeySet) -> Result<NewKey, DataFolderError> {
        let (file, next) = (self.key_file(usage), self.next_key_file(usage));
        let old = key_id(usage, &file).ok();
        let state = old.and_then(|old| Some((old, key_set.find(old)?.0.state)));
        let aside = match state {
            Some((old, state)) => format!("{usage}.jwk.{}-{old}", state.as_str()),
            // It cannot be read, and somebody may want to know why.
            None => format!("{usage}.jwk.unreadable"),
        };
        let aside = file.with_file_name(aside);
        let put_aside = file.exists().then(|| aside.clone());
        let moved = || {
            if file.exists() {
                fs::rename(&file, &aside)?;
            }
            fs::rename(&next, &file)?;
            files::sync_folder(&file)
        };
        moved().map_err(|source| DataFolderError::Io { path: file.clone(), source })?;
        Ok(NewKey { kid, usage, file, put_aside })
    }
}

/// A key that is in no file yet.
struct Draft {
    usage: KeyUse,
    public: PublicKey,
    file: Zeroizing<String>,
}

impl Draft {
    /// The key that the change needs, if it needs one.
    fn of(known: &SelfSignedKeySet, change: &KeyChange) -> Result<Option<Self>, KeyChangeError> {
        let usage = match change {
            KeyChange::Rotate(usage) => Some(*usage),
            KeyChange::Revoke { kid, .. } => keyset::replaced_by_revoking(known, *kid)?,
        };
        Ok(usage.map(Self::draw).transpose()?)
    }

    fn draw(usage: KeyUse) -> Result<Self, EntropyError> {
        match usage {
            KeyUse::Cosign => Self::with::<CosignPurpose>(usage),
            KeyUse::Http => Self::with::<HttpPurpose>(usage),
            KeyUse::Log => Self::with::<LogPurpose>(usage),
            KeyUse::Receipt => Self::with::<ReceiptPurpose>(usage),
        }
    }

    fn with<P: Purpose>(usage: KeyUse) -> Result<Self, EntropyError> {
        let key = key_files::generate::<P>()?;
        Ok(Self { usage, public: key.public().clone(), file: key.to_key_file() })
    }
}

fn key_id(usage: KeyUse, path: &Path) -> Result<KeyId, KeyFileError> {
    match usage {
        KeyUse::Cosign => key_files::read::<CosignPurpose>(path).map(|key| key.id()),
        KeyUse::Http => key_files::read::<HttpPurpose>(path).map(|key| key.id()),
        KeyUse::Log => key_files::read::<LogPurpose>(path).map(|key| key.id()),
        KeyUse::Receipt => key_files::read::<ReceiptPurpose>(path).map(|key| key.id()),
    }
}

/// Whether a key set names this key as one that signs for this use.
pub(super) fn is_active(key_set: &SelfSignedKeySet, usage: KeyUse, kid: KeyId) -> bool {
    key_set.find(kid).is_some_and(|(entry, _)| entry.usage == usage && entry.state == KeyState::Active)
}

fn ended(known: &SelfSignedKeySet, next: &SelfSignedKeySet) -> Vec<KeyId> {
    let state = |key_set: &SelfSignedKeySet, kid| key_set.find(kid).map(|(entry, _)| entry.state);
    let kids = known.document().keys.iter().map(|entry| entry.kid);
    kids.filter(|kid| state(known, *kid) != state(next, *kid)).collect()
}
