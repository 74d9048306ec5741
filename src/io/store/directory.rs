//! Who is known and who may ask: peers, key sets, tokens, and the epochs of the operator's own state.

use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, Timestamp};

/// Whose store this is. Set once, at creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The operator.
    pub issuer: Issuer,
    /// The origin of the operator's log.
    pub origin: String,
}

/// What the operator decided about a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeerState {
    /// Waits for the operator's approval.
    Pending,
    /// Evidence is exchanged.
    Approved,
    /// Refused for now.
    Suspended,
    /// Refused; what was exchanged stays.
    Removed,
}

impl PeerState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Approved, Self::Suspended, Self::Removed];

    /// The word for this state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
        }
    }
}

/// Another operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub issuer: Issuer,
    /// The thumbprint of the root key that is pinned for it.
    pub fingerprint: Digest,
    /// What the operator decided about it.
    pub state: PeerState,
    /// When it became known with this fingerprint.
    pub added: Timestamp,
    /// When `state` last changed.
    pub changed: Timestamp,
}

/// How adding a peer came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutPeer {
    /// It is stored, durably.
    Stored,
    /// There is one by that name already, and it is not removed. Nothing was changed.
    Exists {
        /// The one there is.
        peer: Peer,
    },
}

/// How a change of a peer's state came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerChange {
    /// The state is changed, durably.
    Changed,
    /// The peer is not in the state that the change starts from, or unknown. Nothing was changed.
    Differs {
        /// Its state, if there is such a peer.
        current: Option<PeerState>,
    },
}

/// One version of an operator's key set, signed by the root key `root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetVersion {
    /// Whose keys.
    pub issuer: Issuer,
    /// The thumbprint of the root key. An operator that comes back with another root key is another identity, with its
    /// own numbers.
    pub root: Digest,
    /// The version, from 1.
    pub number: u64,
    /// SHA-256 of `compact`.
    pub digest: Digest,
    /// The signed key set.
    pub compact: String,
    /// When it was last seen at its source.
    pub seen: Timestamp,
}

/// How storing a key set came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutKeySet {
    /// It is the latest version now, durably.
    Stored,
    /// It is the latest version already; its `seen` is now the one given, also where that is earlier: the clock that
    /// gave the other may have been ahead.
    Known,
    /// A later version is known, this very number with other contents, or another one in the place of the one that it
    /// names as the one before. Nothing was changed.
    RolledBack {
        /// The latest known version's number.
        number: u64,
        /// Its digest.
        digest: Digest,
    },
}

/// The right of a bearer to use the private listener. The token itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The operator's name for it.
    pub name: String,
    /// What it may do.
    pub role: String,
    /// SHA-256 of the token.
    pub hash: Digest,
    /// When it was made.
    pub created: Timestamp,
}

/// How storing a token came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutToken {
    /// It is stored, durably.
    Stored,
    /// There is one by that name, or with that hash. Nothing was changed.
    Taken,
}

/// A numbered state of policies and configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: u64,
    /// The digest that decisions name.
    pub digest: Digest,
    /// The digest of the configuration receipt that announced it.
    pub receipt: Digest,
}
