//! Peers and their key sets.

use std::sync::Arc;

use crate::ground::crypto::keys::KeyId;
use crate::ground::keyset::PinnedKeySet;
use crate::ground::name::Issuer;
use crate::ground::problem::ProblemType;

/// The peers of this node.
#[derive(Debug, Clone)]
pub struct Directory {}

impl Directory {
    /// The key set of an approved peer.
    #[expect(clippy::unused_async, reason = "looks into the store")]
    pub async fn standing(&self, _issuer: &Issuer, _kid: KeyId) -> Result<Arc<PinnedKeySet>, ProblemType> {
        Err(ProblemType::PeerUnknown)
    }
}
