//! Fetching peers' key sets again, in the background and for an unknown key.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Directory, Refusal};
use crate::ground::crypto::keys::KeyId;
use crate::ground::discovery::Discovered;
use crate::ground::keyset::{KeySetError, PinnedKeySet};
use crate::ground::name::Issuer;
use crate::ground::problem::ProblemType;
use crate::io::client::FetchError;
use crate::io::store::{KeySetVersion, Peer, PeerState, PutKeySet, StoreError};
use crate::node::observation::{Note, Noticed, note_once};

/// Peers that are asked at the same time: a few that hang until their deadline do not hold up all others.
const AT_ONCE: usize = 8;

/// How often the background looks for peers that are due.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How a refresh came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// There is a later key set.
    Changed,
    /// The known key set still stands.
    Same,
}

/// Why a key set was not refreshed. The known one stays, and counts until it is stale.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Not an approved peer.
    #[error(transparent)]
    Refused(Refusal),
    /// The peer gave none.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The peer's key set is not under the pin, or rolled back.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RefreshError {
    /// The registered problem.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Refused(refusal) => refusal.problem(),
            Self::Fetch(error) => error.problem(),
            Self::KeySet(error) => error.problem(),
            Self::Store(_) => ProblemType::StorageUnavailable,
        }
    }
}

impl Directory {
    /// Fetches the key set of an approved peer now, whenever it was last fetched.
    pub async fn refresh(&self, issuer: &Issuer) -> Result<Refreshed, RefreshError> {
        let peer = self.store.peer(issuer).await?;
        let peer = peer.filter(|peer| peer.state == PeerState::Approved);
        let peer = peer.ok_or_else(|| RefreshError::Refused(Refusal::Unknown(issuer.clone())))?;
        self.refresh_peer(&peer).await
    }

    async fn refresh_peer(&self, peer: &Peer) -> Result<Refreshed, RefreshError> {
        let Discovered { endpoints, key_set } = self.client.discovery(&peer.issuer).await?;
        let pin = KeyId(peer.fingerprint);
        let found = key_set.fingerprint();
        match key_set.pinned(&peer.issuer, pin) {
            Ok(pinned) => {
                let refreshed = self.keep_key_set(&pinned).await?;
                self.memory.keep(pinned, Arc::new(endpoints), self.clock.now(), &self.clock);
                Ok(refreshed)
            }
            Err(error) => {
                let detail = json!({ "pinned": pin, "found": found });
                self.note(Noticed::RootKeyDiffers, &peer.issuer, found.0, detail).await?;
                Err(error.into())
            }
        }
    }

    /// Stores a key set as seen now. A roll-back is refused and noticed.
    pub(super) async fn keep_key_set(&self, pinned: &PinnedKeySet) -> Result<Refreshed, RefreshError> {
        let key_set = pinned.key_set();
        let version = KeySetVersion {
            issuer: pinned.issuer().clone(),
            root: key_set.fingerprint().0,
            number: key_set.document().number,
            digest: key_set.digest(),
            compact: key_set.compact().to_owned(),
            seen: self.clock.now(),
        };
        match self.store.put_key_set(&version, key_set.document().previous.as_ref()).await? {
            PutKeySet::Stored => Ok(Refreshed::Changed),
            PutKeySet::Known => Ok(Refreshed::Same),
            PutKeySet::RolledBack { number, digest } => {
                let offered = json!({ "number": version.number, "key_set": version.compact });
                let detail = json!({ "known": { "number": number, "digest": digest }, "offered": offered });
                self.note(Noticed::KeySetRolledBack, &version.issuer, version.digest, detail).await?;
                Err(KeySetError::RolledBack { known: number, offered: version.number }.into())
            }
        }
    }

    async fn note(
        &self,
        noticed: Noticed,
        peer: &Issuer,
        about: crate::ground::crypto::hash::Digest,
        detail: serde_json::Value,
    ) -> Result<(), StoreError> {
        note_once(&*self.store, self.clock.now(), Note { noticed, peer, about, detail }).await
    }

    /// Refreshes the approved peers that are due, a few at a time, and answers how many were tried.
    pub async fn refresh_due(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let peers = self.store.peers().await?.into_iter();
        let approved = peers.filter(|peer| peer.state == PeerState::Approved);
        let due: Vec<Peer> =
            approved.filter(|peer| self.memory.may_refresh(now, &peer.issuer, self.config.refresh_s)).collect();
        let tried = due.len();
        let refresh = |peer: Peer| async move {
            if let Err(error) = self.refresh_peer(&peer).await {
                let code = error.problem().code();
                tracing::warn!(peer = %peer.issuer, code, error = %error, "the key set was not refreshed");
            }
        };
        futures_util::stream::iter(due).for_each_concurrent(AT_ONCE, refresh).await;
        Ok(tried)
    }

    /// Refreshes in the background until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let work = async {
            loop {
                if let Err(error) = self.refresh_due().await {
                    tracing::warn!(error = %error, "the list of peers cannot be read");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        // Dropping a fetch halfway loses nothing.
        stop.run_until_cancelled(work).await;
    }
}
