//! The directory: which operators are peers, and the key sets under their pinned root keys.
//!
//! Who is a peer is the operator's act and stands in the store, where the command line changes it under a running
//! node: the list is read again once a second. Key sets come from the peers themselves, are refreshed in the
//! background, and count for an hour at most. Nothing that is fetched ever changes a pin. Out of scope: what is
//! verified with the keys.

use std::sync::Arc;

use crate::ground::crypto::keys::KeyId;
use crate::ground::discovery::Endpoints;
use crate::ground::keyset::PinnedKeySet;
use crate::ground::limits::MAX_KEY_SET_AGE_S;
use crate::ground::name::Issuer;
use crate::ground::problem::ProblemType;
use crate::io::client::PeerClient;
use crate::io::clock::Clock;
use crate::io::store::{Peer, PeerState, Store, StoreError};

mod enrol;
mod memory;
mod refresh;
#[cfg(test)]
pub(in crate::node) mod tests;

pub use enrol::{AddError, Added, ChangeError};
pub use refresh::{RefreshError, Refreshed};

use memory::Memory;

/// How the directory works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryConfig {
    /// Seconds between two refreshes of a peer's key set. Well under the hour that a key set counts.
    pub refresh_s: u64,
    /// Seconds between two refreshes of one peer because of an unknown key.
    pub unknown_key_refresh_s: u64,
}

impl Default for DirectoryConfig {
    fn default() -> Self {
        Self { refresh_s: 300, unknown_key_refresh_s: 30 }
    }
}

/// The peers of one operator.
#[derive(Debug)]
pub struct Directory {
    store: Arc<dyn Store>,
    client: PeerClient,
    clock: Clock,
    config: DirectoryConfig,
    memory: Memory,
}

/// A peer that evidence is exchanged with, and its keys.
#[derive(Debug, Clone)]
pub struct ApprovedPeer {
    /// The key set, under the pinned root key, seen at its source within the last hour.
    pub key_set: Arc<PinnedKeySet>,
    /// Where its node answers.
    pub endpoints: Arc<Endpoints>,
}

/// Why an operator's evidence is not taken now.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not a peer.
    #[error("`{0}` is not a peer of this node")]
    Unknown(Issuer),
    /// Waits for approval.
    #[error("the peer `{0}` waits for approval")]
    Pending(Issuer),
    /// Suspended.
    #[error("the peer `{0}` is suspended")]
    Suspended(Issuer),
    /// Removed.
    #[error("the peer `{0}` was removed")]
    Removed(Issuer),
    /// No key set was ever fetched.
    #[error("no key set of the peer `{0}` is at hand")]
    KeySetMissing(Issuer),
    /// The key set was not refreshed within the last hour, as far as the clock tells.
    #[error("the key set of the peer `{0}` was not refreshed within the last {MAX_KEY_SET_AGE_S} s")]
    KeySetStale(Issuer),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refusal {
    /// The registered problem.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Unknown(_) => ProblemType::PeerUnknown,
            Self::Pending(_) => ProblemType::PeerPending,
            Self::Suspended(_) => ProblemType::PeerSuspended,
            Self::Removed(_) => ProblemType::PeerRemoved,
            Self::KeySetMissing(_) => ProblemType::KeySetMissing,
            Self::KeySetStale(_) => ProblemType::KeySetStale,
            Self::Store(_) => ProblemType::StorageUnavailable,
        }
    }
}

impl Directory {
    /// The directory over this store.
    pub fn new(store: Arc<dyn Store>, client: PeerClient, clock: Clock, config: DirectoryConfig) -> Self {
        Self { store, client, clock, config, memory: Memory::default() }
    }

    /// Every peer, removed ones included, by name.
    pub async fn peers(&self) -> Result<Vec<Peer>, StoreError> {
        self.store.peers().await
    }

    /// The peer with its keys, if evidence is exchanged with it now. Fetches nothing.
    pub async fn standing(&self, issuer: &Issuer) -> Result<ApprovedPeer, Refusal> {
        let peer = self.memory.peer(&*self.store, &self.clock, issuer).await?;
        let peer = peer.ok_or_else(|| Refusal::Unknown(issuer.clone()))?;
        match peer.state {
            PeerState::Approved => {}
            PeerState::Pending => return Err(Refusal::Pending(peer.issuer)),
            PeerState::Suspended => return Err(Refusal::Suspended(peer.issuer)),
            PeerState::Removed => return Err(Refusal::Removed(peer.issuer)),
        }
        let held = self.memory.key_set(&*self.store, &self.clock, &peer).await?;
        let held = held.ok_or_else(|| Refusal::KeySetMissing(issuer.clone()))?;
        if held.is_stale(self.clock.now()) {
            return Err(Refusal::KeySetStale(issuer.clone()));
        }
        Ok(held.approved)
    }

    /// The same for evidence under the key `kid`. When the key set does not have that key, the peer may have rotated:
    /// its key set is then fetched, once in a while, whatever strangers send.
    pub async fn standing_for(&self, issuer: &Issuer, kid: KeyId) -> Result<ApprovedPeer, Refusal> {
        let standing = self.standing(issuer).await?;
        if standing.key_set.key_set().find(kid).is_some()
            || !self.memory.may_look_for_key(&self.clock, issuer, self.config)
        {
            return Ok(standing);
        }
        match self.refresh(issuer).await {
            Ok(_) => self.standing(issuer).await,
            Err(RefreshError::Refused(refusal)) => Err(refusal),
            Err(RefreshError::Store(error)) => Err(error.into()),
            // The key stays unknown, which is what the caller goes on to say.
            Err(error) => {
                tracing::warn!(peer = %issuer, error = %error, "looking for an unknown key failed");
                Ok(standing)
            }
        }
    }
}
