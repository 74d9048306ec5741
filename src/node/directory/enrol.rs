//! Making peers and changing what they may: acts of the operator, never of what is fetched.

use std::sync::Arc;

use super::Directory;
use super::refresh::RefreshError;
use crate::ground::crypto::keys::KeyId;
use crate::ground::discovery::Discovered;
use crate::ground::keyset::KeySetError;
use crate::ground::name::Issuer;
use crate::ground::problem::ProblemType;
use crate::io::client::FetchError;
use crate::io::store::{Peer, PeerChange, PeerState, PutPeer, StoreError};

/// What adding a peer led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// The root key that the peer showed and that is pinned now: to be compared out of band unless it was given.
    pub fingerprint: KeyId,
    /// Whether evidence is exchanged already, or waits for approval.
    pub state: PeerState,
}

/// Why a peer was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// This node itself.
    #[error("`{0}` is this node itself")]
    Own(Issuer),
    /// The peer showed another root key than the one that was told.
    #[error("`{issuer}` shows the root key `{found}`, not the given `{expected}`: nothing was added")]
    Fingerprint {
        /// The operator.
        issuer: Issuer,
        /// What the operator was told.
        expected: KeyId,
        /// What was shown.
        found: KeyId,
    },
    /// It is a peer already, under another root key.
    #[error(
        "`{issuer}` is a peer under the root key `{pinned}` and now shows `{found}`: remove it first, if its operator confirms the change"
    )]
    OtherRoot {
        /// The operator.
        issuer: Issuer,
        /// The pin.
        pinned: KeyId,
        /// What was shown.
        found: KeyId,
    },
    /// The peer did not give a discovery document.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The peer's key set was refused.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AddError {
    /// The registered problem.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Own(_) => ProblemType::RequestMalformed,
            Self::Fingerprint { .. } | Self::OtherRoot { .. } => ProblemType::KeySetInvalid,
            Self::Fetch(error) => error.problem(),
            Self::KeySet(error) => error.problem(),
            Self::Store(_) => ProblemType::StorageUnavailable,
        }
    }
}

impl From<RefreshError> for AddError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Fetch(error) => Self::Fetch(error),
            RefreshError::KeySet(error) => Self::KeySet(error),
            RefreshError::Store(error) => Self::Store(error),
            RefreshError::Refused(refusal) => Self::Store(StoreError::unfitting(refusal.to_string())),
        }
    }
}

/// Why a peer's state was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Not a peer.
    #[error("`{0}` is not a peer of this node")]
    Unknown(Issuer),
    /// There is no way from its state to the wanted one.
    #[error("the peer `{issuer}` is {from} and cannot become {to}; add it again", from = from.as_str(), to = to.as_str())]
    NoWay {
        /// The operator.
        issuer: Issuer,
        /// Its state.
        from: PeerState,
        /// The wanted state.
        to: PeerState,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Fetches an operator's discovery document and makes it a peer: approved when `expected` is the root key that it
    /// shows, otherwise pending until [`Directory::approve`]. Another root key than `expected` adds nothing.
    ///
    /// A peer that is known keeps its state, save that a pending one is approved by its fingerprint.
    pub async fn add(&self, issuer: &Issuer, expected: Option<KeyId>) -> Result<Added, AddError> {
        if *issuer == self.store.identity().issuer {
            return Err(AddError::Own(issuer.clone()));
        }
        let Discovered { endpoints, key_set } = self.client.discovery(issuer).await?;
        let found = key_set.fingerprint();
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Err(AddError::Fingerprint { issuer: issuer.clone(), expected, found });
        }
        let known = self.store.peer(issuer).await?.filter(|peer| peer.state != PeerState::Removed);
        check_root(known.as_ref(), found)?;
        let pinned = key_set.pinned(issuer, found)?;
        self.keep_key_set(&pinned).await?;
        let now = self.clock.now();
        self.memory.keep(pinned, Arc::new(endpoints), now, &self.clock);
        let state = if expected.is_some() { PeerState::Approved } else { PeerState::Pending };
        let peer = Peer { issuer: issuer.clone(), fingerprint: found.0, state, added: now, changed: now };
        let stored = self.store.put_peer(&peer).await?;
        self.memory.forget_list();
        match stored {
            PutPeer::Stored => Ok(Added { fingerprint: found, state }),
            PutPeer::Exists { peer } => self.add_again(peer, found, expected.is_some()).await,
        }
    }

    async fn add_again(&self, peer: Peer, found: KeyId, confirmed: bool) -> Result<Added, AddError> {
        check_root(Some(&peer), found)?;
        let mut state = peer.state;
        if confirmed && state == PeerState::Pending {
            let to = PeerState::Approved;
            let change = self.store.change_peer(&peer.issuer, state, to, self.clock.now()).await?;
            self.memory.forget_list();
            state = match change {
                PeerChange::Changed => to,
                PeerChange::Differs { current } => current.unwrap_or(state),
            };
        }
        Ok(Added { fingerprint: found, state })
    }

    /// Begins, or begins again, to exchange evidence with a peer: the operator has compared its fingerprint.
    pub async fn approve(&self, issuer: &Issuer) -> Result<(), ChangeError> {
        self.change(issuer, PeerState::Approved).await
    }

    /// Refuses a peer until it is approved again.
    pub async fn suspend(&self, issuer: &Issuer) -> Result<(), ChangeError> {
        self.change(issuer, PeerState::Suspended).await
    }

    /// Ends it; what was exchanged stays. The operator may be added again, also under another root key.
    pub async fn remove(&self, issuer: &Issuer) -> Result<(), ChangeError> {
        self.change(issuer, PeerState::Removed).await
    }

    async fn change(&self, issuer: &Issuer, to: PeerState) -> Result<(), ChangeError> {
        loop {
            let peer = self.store.peer(issuer).await?.ok_or_else(|| ChangeError::Unknown(issuer.clone()))?;
            let from = peer.state;
            if from == to {
                return Ok(());
            }
            if from == PeerState::Removed {
                return Err(ChangeError::NoWay { issuer: issuer.clone(), from, to });
            }
            let change = self.store.change_peer(issuer, from, to, self.clock.now()).await?;
            self.memory.forget_list();
            // Another process changed it in between: what to do depends on the state that it is in now.
            if change == PeerChange::Changed {
                return Ok(());
            }
        }
    }
}

fn check_root(known: Option<&Peer>, found: KeyId) -> Result<(), AddError> {
    match known {
        Some(peer) if peer.fingerprint != found.0 => {
            Err(AddError::OtherRoot { issuer: peer.issuer.clone(), pinned: KeyId(peer.fingerprint), found })
        }
        _ => Ok(()),
    }
}
