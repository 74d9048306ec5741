//! Peers, key sets and tokens.

use super::{Database, them, time, us};
use crate::ground::crypto::hash::Digest;
use crate::io::store::{KeySetVersion, Peer, PeerChange, PeerState, PutKeySet, PutPeer, PutToken, Token};

fn peer(root: u8) -> Peer {
    Peer {
        issuer: them(),
        fingerprint: Digest([root; 32]),
        state: PeerState::Pending,
        added: time(1),
        changed: time(1),
    }
}

pub(in crate::io::store) async fn a_peer_is_added_once(database: &dyn Database) {
    let store = database.open().await;
    assert_eq!(store.put_peer(&peer(1)).await.unwrap(), PutPeer::Stored);
    assert_eq!(store.put_peer(&peer(2)).await.unwrap(), PutPeer::Exists { peer: peer(1) });
    drop(store);
    let store = database.open().await;
    assert_eq!(store.peer(&them()).await.unwrap(), Some(peer(1)));
    assert_eq!(store.peer(&us()).await.unwrap(), None);
    assert_eq!(store.peers().await.unwrap(), [peer(1)]);
}

pub(in crate::io::store) async fn a_removed_peer_may_come_back_with_another_root(database: &dyn Database) {
    let store = database.open().await;
    store.put_peer(&Peer { state: PeerState::Removed, ..peer(1) }).await.unwrap();
    assert_eq!(store.put_peer(&peer(2)).await.unwrap(), PutPeer::Stored);
    assert_eq!(store.peers().await.unwrap(), [peer(2)]);
}

pub(in crate::io::store) async fn a_peer_changes_only_from_the_state_named(database: &dyn Database) {
    use PeerState::{Approved, Pending, Suspended};
    let store = database.open().await;
    let unknown = store.change_peer(&them(), Pending, Approved, time(2)).await.unwrap();
    assert_eq!(unknown, PeerChange::Differs { current: None });
    store.put_peer(&peer(1)).await.unwrap();
    let wrong = store.change_peer(&them(), Approved, Suspended, time(2)).await.unwrap();
    assert_eq!(wrong, PeerChange::Differs { current: Some(Pending) });
    assert_eq!(store.peer(&them()).await.unwrap(), Some(peer(1)));
    assert_eq!(store.change_peer(&them(), Pending, Approved, time(3)).await.unwrap(), PeerChange::Changed);
    let approved = Peer { state: Approved, changed: time(3), ..peer(1) };
    assert_eq!(store.peer(&them()).await.unwrap(), Some(approved));
}

fn version(number: u64, contents: &str) -> KeySetVersion {
    KeySetVersion {
        issuer: them(),
        root: Digest([1; 32]),
        number,
        digest: Digest::of(contents.as_bytes()),
        compact: contents.to_owned(),
        seen: time(number),
    }
}

pub(in crate::io::store) async fn a_key_set_is_not_rolled_back(database: &dyn Database) {
    let store = database.open().await;
    let root = Digest([1; 32]);
    assert_eq!(store.key_set(&them(), &root).await.unwrap(), None);
    assert_eq!(store.put_key_set(&version(1, "one"), None).await.unwrap(), PutKeySet::Stored);
    // A number may be passed over: whoever was away missed some versions.
    assert_eq!(store.put_key_set(&version(3, "three"), None).await.unwrap(), PutKeySet::Stored);
    for wrong in [version(1, "one"), version(2, "two"), version(3, "other")] {
        let refused = PutKeySet::RolledBack { number: 3, digest: Digest::of(b"three") };
        assert_eq!(store.put_key_set(&wrong, None).await.unwrap(), refused);
    }
    // The next number names the one before it: another one there means that two were signed.
    let refused = PutKeySet::RolledBack { number: 3, digest: Digest::of(b"three") };
    for previous in [None, Some(&Digest::of(b"other"))] {
        assert_eq!(store.put_key_set(&version(4, "four"), previous).await.unwrap(), refused);
    }
    let before = Digest::of(b"three");
    assert_eq!(store.put_key_set(&version(4, "four"), Some(&before)).await.unwrap(), PutKeySet::Stored);
    drop(store);
    let store = database.open().await;
    assert_eq!(store.key_set(&them(), &root).await.unwrap(), Some(version(4, "four")));
    assert_eq!(store.key_sets(&them()).await.unwrap(), [version(1, "one"), version(3, "three"), version(4, "four")]);
    assert_eq!(store.key_sets(&us()).await.unwrap(), []);
}

pub(in crate::io::store) async fn each_root_has_its_own_key_sets(database: &dyn Database) {
    let store = database.open().await;
    let other = Digest([2; 32]);
    store.put_key_set(&version(5, "five"), None).await.unwrap();
    let first = KeySetVersion { root: other, ..version(1, "one") };
    assert_eq!(store.put_key_set(&first, None).await.unwrap(), PutKeySet::Stored);
    assert_eq!(store.key_set(&them(), &other).await.unwrap(), Some(first));
    assert_eq!(store.key_set(&them(), &Digest([1; 32])).await.unwrap(), Some(version(5, "five")));
    assert_eq!(store.key_sets(&them()).await.unwrap().len(), 2);
}

pub(in crate::io::store) async fn the_latest_key_sets_begin_with_those_of_a_root(database: &dyn Database) {
    let store = database.open().await;
    let other = KeySetVersion { root: Digest([2; 32]), ..version(7, "seven") };
    for version in [version(1, "one"), version(3, "three"), version(5, "five"), other.clone()] {
        store.put_key_set(&version, None).await.unwrap();
    }
    let latest = async |root, limit| {
        let found = store.latest_key_sets(&them(), root, limit).await.unwrap();
        found.into_iter().map(|version| version.number).collect::<Vec<_>>()
    };
    assert_eq!(latest(Some(&Digest([1; 32])), 9).await, [5, 3, 1, 7]);
    assert_eq!(latest(Some(&Digest([1; 32])), 2).await, [5, 3]);
    assert_eq!(latest(Some(&other.root), 2).await, [7, 5]);
    assert_eq!(latest(None, 9).await, [7, 5, 3, 1]);
    assert_eq!(store.latest_key_sets(&us(), None, 9).await.unwrap(), []);
}

pub(in crate::io::store) async fn seeing_a_key_set_again_renews_its_time(database: &dyn Database) {
    let store = database.open().await;
    store.put_key_set(&version(1, "one"), None).await.unwrap();
    for seen in [50, 40] {
        let again = KeySetVersion { seen: time(seen), ..version(1, "one") };
        assert_eq!(store.put_key_set(&again, None).await.unwrap(), PutKeySet::Known);
        let latest = store.key_set(&them(), &Digest([1; 32])).await.unwrap().unwrap();
        assert_eq!(latest.seen, time(seen));
    }
}

fn token(name: &str, hash: u8) -> Token {
    Token { name: name.to_owned(), role: "auditor".to_owned(), hash: Digest([hash; 32]), created: time(1) }
}

pub(in crate::io::store) async fn a_token_is_found_by_its_hash_until_removed(database: &dyn Database) {
    let store = database.open().await;
    assert_eq!(store.put_token(&token("b", 1)).await.unwrap(), PutToken::Stored);
    assert_eq!(store.put_token(&token("a", 2)).await.unwrap(), PutToken::Stored);
    assert_eq!(store.token(&Digest([1; 32])).await.unwrap(), Some(token("b", 1)));
    assert_eq!(store.tokens().await.unwrap(), [token("a", 2), token("b", 1)]);
    assert!(store.remove_token("b").await.unwrap());
    assert!(!store.remove_token("b").await.unwrap());
    assert_eq!(store.token(&Digest([1; 32])).await.unwrap(), None);
}

pub(in crate::io::store) async fn token_names_and_hashes_are_taken_once(database: &dyn Database) {
    let store = database.open().await;
    store.put_token(&token("a", 1)).await.unwrap();
    for taken in [token("a", 2), token("b", 1)] {
        assert_eq!(store.put_token(&taken).await.unwrap(), PutToken::Taken);
    }
    assert_eq!(store.tokens().await.unwrap(), [token("a", 1)]);
}
