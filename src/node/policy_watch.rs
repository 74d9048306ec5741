//! Watches the policy: takes up epochs that the command line began, and tells about files that nobody applied.
//!
//! An edited file changes nothing until it is applied. That is easy to forget, so it is said once in the log for every
//! change, and shown by `/readyz` and `doctor` as long as it lasts. Out of scope: applying (`policies`).

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ground::crypto::hash::Digest;
use crate::ground::policy::{Engine, PolicySource};
use crate::io::policy_folder;
use crate::node::policies::{Policies, PoliciesError};

/// How often the store and the folder are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the policy's working copy is, compared with the policy in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderState {
    /// The same.
    InForce,
    /// Valid, and not applied.
    Edited(Digest),
    /// It cannot be applied: it has faults, or cannot be read.
    Faulty(String),
    /// There is no working copy here.
    Absent,
}

/// Path, size and time of every file: what changes when somebody edits.
type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// The watcher of one folder.
#[derive(Debug)]
pub struct PolicyWatch {
    policies: Policies,
    folder: Option<PathBuf>,
    seen: Option<(Stamp, Digest)>,
    state: watch::Sender<FolderState>,
}

impl PolicyWatch {
    /// Watches `folder`, where there is one.
    pub fn new(policies: Policies, folder: Option<PathBuf>) -> Self {
        Self { policies, folder, seen: None, state: watch::Sender::new(FolderState::Absent) }
    }

    /// What the folder is, as it changes.
    pub fn state(&self) -> watch::Receiver<FolderState> {
        self.state.subscribe()
    }

    /// Looks until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.look().await,
            }
        }
    }

    /// One look at the store and at the folder.
    pub async fn look(&mut self) {
        match self.policies.follow().await {
            Ok(true) => {
                let active = self.policies.active();
                tracing::info!(epoch = %active.engine.epoch(), number = active.number, "another process applied a policy");
            }
            Ok(false) => {}
            Err(error) => tracing::error!(error = %error, "the policy in force cannot be followed"),
        }
        let Some(folder) = self.folder.clone() else { return };
        let epoch = self.policies.active().engine.epoch();
        let seen = self.seen.clone();
        let looked = tokio::task::spawn_blocking(move || compare(&folder, epoch, seen.as_ref())).await;
        if let Ok(Some((stamp, state))) = looked {
            self.seen = Some((stamp, epoch));
            self.tell(state);
        }
    }

    fn tell(&self, state: FolderState) {
        if *self.state.borrow() == state {
            return;
        }
        match &state {
            FolderState::Edited(digest) => {
                tracing::warn!(epoch = %digest, "the policy folder was edited and is not in force: `countersign policy apply`");
            }
            FolderState::Faulty(fault) => tracing::warn!(fault, "the policy folder cannot be applied as it is"),
            FolderState::InForce | FolderState::Absent => {}
        }
        self.state.send_replace(state);
    }
}

/// What the folder is now; `None` when neither it nor the epoch changed since it was last `seen`.
fn compare(folder: &Path, epoch: Digest, seen: Option<&(Stamp, Digest)>) -> Option<(Stamp, FolderState)> {
    let mut stamp = Stamp::new();
    stamp_folder(folder, &mut stamp);
    if seen.is_some_and(|(before, under)| *before == stamp && *under == epoch) {
        return None;
    }
    let state = match digest(folder) {
        Ok(found) if found == epoch => FolderState::InForce,
        Ok(found) => FolderState::Edited(found),
        Err(_) if !folder.exists() => FolderState::Absent,
        Err(error) => FolderState::Faulty(error.to_string()),
    };
    Some((stamp, state))
}

fn digest(folder: &Path) -> Result<Digest, PoliciesError> {
    Ok(Engine::load(PolicySource::new(policy_folder::read(folder)?)?)?.epoch())
}

/// A file that cannot be looked at has no stamp: reading it says why.
fn stamp_folder(folder: &Path, stamp: &mut Stamp) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        // Far more than a policy may have: the reader says that it is too much.
        if stamp.len() > 4 * crate::ground::limits::MAX_POLICY_FILES {
            return;
        }
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => stamp_folder(&path, stamp),
            Ok(metadata) => stamp.push((path, metadata.len(), metadata.modified().ok())),
            Err(_) => {}
        }
    }
    stamp.sort();
}
