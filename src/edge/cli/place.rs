//! Which node a command works on: its data folder, its store, and waiting for both.
//!
//! A command opens the store itself; a node that runs beside it sees what was changed through the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::output::CliError;
use crate::edge::config::CONFIG_FILE;
use crate::edge::data_folder::DataFolder;
use crate::ground::keyset::PinnedKeySet;
use crate::io::clock::Clock;
use crate::io::store::Store;
use crate::io::store::sqlite::SqliteStore;

/// The folder that `init` makes when it is given no name, and where the other commands look second.
pub(super) const DEFAULT_FOLDER: &str = "countersign";

/// Which node.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// The node's configuration, or the folder that it is in; by default ./countersign.toml or else
    /// ./countersign/countersign.toml
    #[arg(
        long,
        value_name = "PATH",
        env = "COUNTERSIGN_CONFIG",
        hide_env_values = true,
        help_heading = "Node",
        global = true
    )]
    config: Option<PathBuf>,
}

impl Place {
    /// The folder that holds the configuration.
    pub(super) fn path(&self) -> Result<PathBuf, CliError> {
        let Some(given) = &self.config else {
            let here = Path::new(CONFIG_FILE).exists() || !Path::new(DEFAULT_FOLDER).join(CONFIG_FILE).exists();
            return Ok(PathBuf::from(if here { "." } else { DEFAULT_FOLDER }));
        };
        if given.file_name().is_some_and(|name| name == CONFIG_FILE) {
            let folder = given.parent().filter(|folder| !folder.as_os_str().is_empty());
            return Ok(folder.unwrap_or(Path::new(".")).to_owned());
        }
        if given.is_file() {
            let help = "a data folder is found by the place of its configuration, which is always called so";
            return Err(CliError::usage(format!("--config must name a `{CONFIG_FILE}` or its folder")).with_help(help));
        }
        Ok(given.clone())
    }

    /// Opens the folder: its configuration is read and valid.
    pub(super) fn folder(&self) -> Result<DataFolder, CliError> {
        Ok(DataFolder::open(self.path()?)?)
    }

    /// Opens the folder and its store.
    pub(super) async fn open(&self) -> Result<OpenNode, CliError> {
        let folder = self.folder()?;
        let sqlite = folder.store().await?;
        Ok(OpenNode { store: Arc::new(sqlite.clone()), folder, sqlite, clock: Clock::system() })
    }
}

/// A node's folder and store, without the node.
#[derive(Debug)]
pub(super) struct OpenNode {
    pub(super) folder: DataFolder,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    sqlite: SqliteStore,
}

impl OpenNode {
    /// The operator's own key set.
    pub(super) fn key_set(&self) -> Result<PinnedKeySet, CliError> {
        let key_set = self.folder.key_set()?;
        let fingerprint = key_set.fingerprint();
        key_set.pinned(self.folder.issuer(), fingerprint).map_err(CliError::invalid)
    }

    /// Closes the store, so that nothing of it is left to be written.
    pub(super) async fn close(self) {
        self.sqlite.close().await;
    }
}

/// Waits for a command's work.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    // Clients of HTTP are built without one of their own; a program that embeds the command line may have chosen already.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| CliError::internal(format!("cannot start the runtime: {error}")))?.block_on(work)
}
