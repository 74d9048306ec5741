//! Peers and their key sets.

use std::sync::Arc;

use crate::ground::crypto::keys::KeyId;
use crate::ground::keyset::{PinnedKeySet, SelfSignedKeySet};
use crate::ground::name::Issuer;
use crate::ground::problem::ProblemType;
use crate::io::store::{PeerState, Store};

/// The peers of this node.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Where peers stand.
    pub store: Arc<dyn Store>,
}

impl Directory {
    /// The key set of an approved peer.
    pub async fn standing(&self, issuer: &Issuer, _kid: KeyId) -> Result<Arc<PinnedKeySet>, ProblemType> {
        let failed = |_| ProblemType::StorageUnavailable;
        let peer = self.store.peer(issuer).await.map_err(failed)?.ok_or(ProblemType::PeerUnknown)?;
        match peer.state {
            PeerState::Approved => {}
            PeerState::Pending => return Err(ProblemType::PeerPending),
            PeerState::Suspended => return Err(ProblemType::PeerSuspended),
            PeerState::Removed => return Err(ProblemType::PeerRemoved),
        }
        let found = self.store.key_set(issuer, &peer.fingerprint).await.map_err(failed)?;
        let found = found.ok_or(ProblemType::KeySetMissing)?;
        let key_set = SelfSignedKeySet::parse(found.compact.as_bytes()).map_err(|error| error.problem())?;
        key_set.pinned(issuer, KeyId(peer.fingerprint)).map(Arc::new).map_err(|error| error.problem())
    }
}
