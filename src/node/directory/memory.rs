//! What the directory remembers between two looks at the store, so that neither strangers nor busy peers cost a query
//! each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{ApprovedPeer, DirectoryConfig};
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::keys::KeyId;
use crate::ground::discovery::Endpoints;
use crate::ground::keyset::{KeySetError, PinnedKeySet, SelfSignedKeySet};
use crate::ground::limits::MAX_KEY_SET_AGE_S;
use crate::ground::name::{Issuer, Timestamp};
use crate::io::clock::Clock;
use crate::io::store::{KeySetVersion, Peer, Store, StoreError};

/// For how long a look at the store counts: changes by the command line take effect within a second.
const FRESH_MS: u64 = 1000;

#[derive(Debug, Default)]
pub(super) struct Memory {
    list: Mutex<Option<Arc<List>>>,
    /// Held while the list is read, so that a crowd of requests reads it once.
    reading: tokio::sync::Mutex<()>,
    key_sets: Mutex<BTreeMap<Issuer, Held>>,
    attempts: Mutex<BTreeMap<Issuer, Attempts>>,
}

#[derive(Debug)]
struct List {
    read_ms: u64,
    peers: BTreeMap<Issuer, Peer>,
}

/// A key set in memory.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) approved: ApprovedPeer,
    root: Digest,
    seen: Timestamp,
    read_ms: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Attempts {
    refresh: Option<Timestamp>,
    unknown_key: Option<Timestamp>,
}

/// Panics elsewhere leave these maps whole: every change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clock that was set back makes nothing fresh.
fn is_fresh(read_ms: u64, now_ms: u64) -> bool {
    now_ms.checked_sub(read_ms).is_some_and(|age| age < FRESH_MS)
}

impl Held {
    /// One that was seen in the future was seen by a clock that was ahead: nobody knows how long ago.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        self.seen > now || now.since(self.seen) > MAX_KEY_SET_AGE_S
    }
}

impl Memory {
    /// The peer by that name, as the store had it within the last second.
    pub(super) async fn peer(
        &self,
        store: &dyn Store,
        clock: &Clock,
        issuer: &Issuer,
    ) -> Result<Option<Peer>, StoreError> {
        Ok(self.list(store, clock).await?.peers.get(issuer).cloned())
    }

    async fn list(&self, store: &dyn Store, clock: &Clock) -> Result<Arc<List>, StoreError> {
        if let Some(list) = self.fresh_list(clock) {
            return Ok(list);
        }
        let _one_reader = self.reading.lock().await;
        if let Some(list) = self.fresh_list(clock) {
            return Ok(list);
        }
        let read_ms = clock.now_ms();
        let peers = store.peers().await?.into_iter().map(|peer| (peer.issuer.clone(), peer)).collect();
        let list = Arc::new(List { read_ms, peers });
        *lock(&self.list) = Some(Arc::clone(&list));
        Ok(list)
    }

    fn fresh_list(&self, clock: &Clock) -> Option<Arc<List>> {
        lock(&self.list).as_ref().filter(|list| is_fresh(list.read_ms, clock.now_ms())).map(Arc::clone)
    }

    /// Makes the next look at the list one at the store: this process changed it.
    pub(super) fn forget_list(&self) {
        *lock(&self.list) = None;
    }

    /// The key set under the peer's pinned root. One in memory does until it is stale; then another process may have
    /// refreshed the one in the store.
    pub(super) async fn key_set(
        &self,
        store: &dyn Store,
        clock: &Clock,
        peer: &Peer,
    ) -> Result<Option<Held>, StoreError> {
        let held = lock(&self.key_sets).get(&peer.issuer).filter(|held| held.root == peer.fingerprint).cloned();
        match held {
            Some(held) if !held.is_stale(clock.now()) || is_fresh(held.read_ms, clock.now_ms()) => Ok(Some(held)),
            _ => {
                let Some(version) = store.key_set(&peer.issuer, &peer.fingerprint).await? else { return Ok(None) };
                let pinned = read(&version).map_err(|error| StoreError::corrupt(format!("a key set: {error}")))?;
                let endpoints = held.map(|held| held.approved.endpoints);
                let endpoints = endpoints.unwrap_or_else(|| Arc::new(Endpoints::of(&peer.issuer)));
                self.keep(pinned, endpoints, version.seen, clock);
                Ok(lock(&self.key_sets).get(&peer.issuer).filter(|held| held.root == peer.fingerprint).cloned())
            }
        }
    }

    /// Keeps a key set that the store took, unless a later one is there: two refreshes may end in either order.
    pub(super) fn keep(&self, key_set: PinnedKeySet, endpoints: Arc<Endpoints>, seen: Timestamp, clock: &Clock) {
        let issuer = key_set.issuer().clone();
        let root = key_set.key_set().fingerprint().0;
        let mut key_sets = lock(&self.key_sets);
        let known = key_sets.get(&issuer).filter(|held| held.root == root);
        if known.is_some_and(|held| held.approved.key_set.admit(&key_set).is_err()) {
            return;
        }
        let believed = known.map(|held| held.seen).filter(|seen| *seen <= clock.now());
        let seen = believed.map_or(seen, |believed| believed.max(seen));
        let approved = ApprovedPeer { key_set: Arc::new(key_set), endpoints };
        key_sets.insert(issuer, Held { approved, root, seen, read_ms: clock.now_ms() });
    }

    /// Whether a refresh is due; if so, this is it.
    pub(super) fn may_refresh(&self, now: Timestamp, issuer: &Issuer, every_s: u64) -> bool {
        begin(&mut lock(&self.attempts).entry(issuer.clone()).or_default().refresh, now, every_s)
    }

    /// Whether an unknown key may cause a refresh; if so, this is it.
    pub(super) fn may_look_for_key(&self, clock: &Clock, issuer: &Issuer, config: DirectoryConfig) -> bool {
        let mut attempts = lock(&self.attempts);
        let last = &mut attempts.entry(issuer.clone()).or_default().unknown_key;
        begin(last, clock.now(), config.unknown_key_refresh_s)
    }
}

fn begin(last: &mut Option<Timestamp>, now: Timestamp, every_s: u64) -> bool {
    // A last time in the future comes from a clock that was set back, and must not keep anything from happening.
    let due = last.is_none_or(|last| last > now || now.since(last) >= every_s);
    if due {
        *last = Some(now);
    }
    due
}

fn read(version: &KeySetVersion) -> Result<PinnedKeySet, KeySetError> {
    SelfSignedKeySet::parse(version.compact.as_bytes())?.pinned(&version.issuer, KeyId(version.root))
}
