//! Making a data folder.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{DataFolder, DataFolderError};
use crate::edge::config::CONFIG_FILE;
use crate::ground::crypto::keys::{KeyId, KeyUse, RootPurpose, SigningKey};
use crate::ground::keyset::{self, KeyEntry, KeySetDocument, LogNames, SelfSignedKeySet};
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::policy::starter;
use crate::io::files::{self, Access};
use crate::io::key_files;
use crate::io::secret_files;
use crate::io::store::Identity;
use crate::io::store::sqlite::SqliteStore;
use crate::node::operator::OnlineKeys;

/// What a new node is to be.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// The operator's permanent name.
    pub issuer: Issuer,
    /// Where the public listener shall listen; port 0 takes any free one at each start.
    pub public: SocketAddr,
    /// Where the private listener shall listen.
    pub private: SocketAddr,
    /// The log's permanent origin. Absent: the issuer's host and `/log`.
    pub log_origin: Option<String>,
    /// When the keys are made.
    pub at: Timestamp,
}

/// A new data folder.
#[derive(Debug)]
pub struct Created {
    /// The folder, opened.
    pub folder: DataFolder,
    /// The thumbprint of the root key, for counterparties to compare.
    pub fingerprint: KeyId,
    /// The root key's file, which belongs offline.
    pub root_key_file: PathBuf,
}

pub(super) async fn create(path: PathBuf, options: &InitOptions) -> Result<Created, DataFolderError> {
    let fault = |source| DataFolderError::Io { path: path.clone(), source };
    if path.exists() && fs::read_dir(&path).map_err(fault)?.next().is_some() {
        return Err(DataFolderError::Occupied(path));
    }
    let parent = files::folder(&path);
    fs::create_dir_all(parent).map_err(fault)?;
    // Made beside its place and moved there whole: an interrupted creation leaves a folder with another name, and never
    // half an identity.
    let owner_only = fs::Permissions::from_mode(0o700);
    let draft = tempfile::Builder::new().prefix(".countersign-new-").permissions(owner_only).tempdir_in(parent);
    let draft = draft.map_err(fault)?;
    let fingerprint = fill(draft.path(), options).await?;
    // Renaming takes the place of nothing or of an empty folder, and fails on everything else.
    let draft = draft.keep();
    if let Err(source) = fs::rename(&draft, &path) {
        let _leftover = fs::remove_dir_all(&draft);
        return Err(fault(source));
    }
    files::sync_folder(&path).map_err(fault)?;
    let folder = DataFolder::open(path)?;
    Ok(Created { root_key_file: folder.root_key_file(), folder, fingerprint })
}

async fn fill(folder: &Path, options: &InitOptions) -> Result<KeyId, DataFolderError> {
    let root = key_files::generate::<RootPurpose>()?;
    let keys = OnlineKeys {
        receipt: key_files::generate()?,
        log: key_files::generate()?,
        cosign: key_files::generate()?,
        http: key_files::generate()?,
    };
    write_keys(folder, &root, &keys)?;
    let key_set = first_key_set(options, &root, &keys)
        .map_err(|source| DataFolderError::KeySet { path: folder.join("key-set.jws"), source })?;
    write(&folder.join("key-set.jws"), key_set.compact())?;
    write(&folder.join(CONFIG_FILE), &config_text(options))?;
    for file in starter::files() {
        write(&folder.join("policy").join(&file.path), &String::from_utf8_lossy(&file.bytes))?;
    }
    let identity = Identity { issuer: options.issuer.clone(), origin: key_set.document().log.origin.clone() };
    SqliteStore::create(folder.join("store.sqlite"), identity).await?.close().await;
    Ok(root.id())
}

fn write_keys(folder: &Path, root: &SigningKey<RootPurpose>, keys: &OnlineKeys) -> Result<(), DataFolderError> {
    let online = folder.join("keys");
    make_folder(&online)?;
    key_files::create(&folder.join("root.jwk"), root)?;
    key_files::create(&online.join("receipt.jwk"), &keys.receipt)?;
    key_files::create(&online.join("log.jwk"), &keys.log)?;
    key_files::create(&online.join("cosign.jwk"), &keys.cosign)?;
    key_files::create(&online.join("http.jwk"), &keys.http)?;
    secret_files::create(&online.join("pseudonym"))?;
    Ok(())
}

fn first_key_set(
    options: &InitOptions,
    root: &SigningKey<RootPurpose>,
    keys: &OnlineKeys,
) -> Result<SelfSignedKeySet, keyset::KeySetError> {
    let host = options.issuer.authority();
    let origin = options.log_origin.clone().unwrap_or_else(|| format!("{host}/log"));
    let entry = |key, usage| KeyEntry::active(key, usage, options.at);
    let document = KeySetDocument {
        iat: options.at,
        iss: options.issuer.clone(),
        keys: vec![
            entry(keys.receipt.public(), KeyUse::Receipt),
            entry(keys.log.public(), KeyUse::Log),
            entry(keys.cosign.public(), KeyUse::Cosign),
            entry(keys.http.public(), KeyUse::Http),
        ],
        log: LogNames { cosigner: format!("{host}/cosigner"), origin },
        number: 1,
        predecessor: None,
        previous: None,
        root: root.public().to_jwk(),
    };
    keyset::sign(&document, root)
}

fn config_text(options: &InitOptions) -> String {
    let InitOptions { issuer, public, private, .. } = options;
    format!(
        "# Configuration of this node. Every key, with its default: examples/node.toml\n\n\
         # Permanent: every receipt names it.\n\
         issuer = \"{issuer}\"\n\n\
         [listen]\n\
         public = \"{public}\"\n\
         private = \"{private}\"\n"
    )
}

fn make_folder(path: &Path) -> Result<(), DataFolderError> {
    let made = fs::DirBuilder::new().mode(0o700).recursive(true).create(path);
    made.map_err(|source| DataFolderError::Io { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str) -> Result<(), DataFolderError> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let written = files::create(path, text.as_bytes(), Access::Umask);
    written.map_err(|source| DataFolderError::Io { path: path.to_owned(), source })
}
