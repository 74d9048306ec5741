use tempfile::TempDir;

use super::*;
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::keys::{ReceiptPurpose, RootPurpose, SigningKey};
use crate::ground::discovery::{DISCOVERY_PATH, DiscoveryDocument};
use crate::ground::keyset::{self, KeySetDocument};
use crate::io::client::tests::client;
use crate::io::client::tests::server::{NOW, PeerServer, time};
use crate::io::clock::Hand;
use crate::io::store::sqlite::SqliteStore;
use crate::io::store::{Identity, ObservationQuery};
use crate::node::observation::Noticed;

/// A directory of `https://a.example` over a store of its own.
pub(in crate::node) struct Place {
    pub(in crate::node) directory: Arc<Directory>,
    pub(in crate::node) store: Arc<dyn Store>,
    pub(in crate::node) clock: Clock,
    pub(in crate::node) hand: Hand,
    _folder: TempDir,
}

impl Place {
    pub(in crate::node) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { issuer: "https://a.example".parse().unwrap(), origin: "a.example/log".to_owned() };
        let store = SqliteStore::create(folder.path().join("store.sqlite"), identity).await.unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let (clock, hand) = Clock::manual(time(NOW));
        let directory = Directory::new(Arc::clone(&store), client(), clock.clone(), DirectoryConfig::default());
        Self { directory: Arc::new(directory), store, clock, hand, _folder: folder }
    }

    /// The same after a restart.
    fn restarted(&self) -> Directory {
        Directory::new(Arc::clone(&self.store), client(), self.clock.clone(), DirectoryConfig::default())
    }

    pub(in crate::node) async fn approved(&self, seed: u8) -> PeerServer {
        let peer = PeerServer::start(seed).await;
        self.directory.add(&peer.issuer, Some(peer.fingerprint())).await.unwrap();
        peer
    }

    async fn refused(&self, issuer: &Issuer) -> ProblemType {
        self.directory.standing(issuer).await.unwrap_err().problem()
    }

    async fn number(&self, issuer: &Issuer) -> u64 {
        self.directory.standing(issuer).await.unwrap().key_set.key_set().document().number
    }

    pub(in crate::node) async fn noticed(&self, noticed: Noticed) -> Vec<String> {
        let query = ObservationQuery { kind: Some(noticed.code()), ..ObservationQuery::default() };
        let found = self.store.observations(&query, 100).await.unwrap();
        found.into_iter().map(|found| found.observation.detail).collect()
    }
}

#[tokio::test]
async fn a_peer_without_a_fingerprint_waits_for_approval() {
    let place = Place::new().await;
    let peer = PeerServer::start(20).await;
    assert_eq!(place.refused(&peer.issuer).await, ProblemType::PeerUnknown);
    let added = place.directory.add(&peer.issuer, None).await.unwrap();
    assert_eq!(added, Added { fingerprint: peer.fingerprint(), state: PeerState::Pending });
    assert_eq!(place.refused(&peer.issuer).await, ProblemType::PeerPending);
    place.directory.approve(&peer.issuer).await.unwrap();
    assert_eq!(place.number(&peer.issuer).await, 1);
}

#[tokio::test]
async fn a_matching_fingerprint_approves_and_another_adds_nothing() {
    let place = Place::new().await;
    let peer = PeerServer::start(20).await;
    let other = SigningKey::<RootPurpose>::from_seed(&[77; 32]).unwrap().id();
    let error = place.directory.add(&peer.issuer, Some(other)).await.unwrap_err();
    assert!(matches!(error, AddError::Fingerprint { .. }), "{error}");
    assert_eq!(place.store.peers().await.unwrap(), []);
    assert_eq!(place.store.key_sets(&peer.issuer).await.unwrap(), []);
    // A pending peer is approved by its fingerprint as well.
    place.directory.add(&peer.issuer, None).await.unwrap();
    let added = place.directory.add(&peer.issuer, Some(peer.fingerprint())).await.unwrap();
    assert_eq!(added.state, PeerState::Approved);
    assert_eq!(place.number(&peer.issuer).await, 1);
}

#[tokio::test]
async fn every_state_refuses_with_its_own_code() {
    let place = Place::new().await;
    let peer = place.approved(20).await;
    place.directory.suspend(&peer.issuer).await.unwrap();
    assert_eq!(place.refused(&peer.issuer).await, ProblemType::PeerSuspended);
    // To add a suspended peer again does not lift the suspension.
    let added = place.directory.add(&peer.issuer, Some(peer.fingerprint())).await.unwrap();
    assert_eq!(added.state, PeerState::Suspended);
    place.directory.approve(&peer.issuer).await.unwrap();
    assert_eq!(place.number(&peer.issuer).await, 1);
    place.directory.remove(&peer.issuer).await.unwrap();
    assert_eq!(place.refused(&peer.issuer).await, ProblemType::PeerRemoved);
    assert!(matches!(place.directory.approve(&peer.issuer).await, Err(ChangeError::NoWay { .. })));
    let stranger = "https://c.example".parse().unwrap();
    assert!(matches!(place.directory.approve(&stranger).await, Err(ChangeError::Unknown(_))));
}

#[tokio::test]
async fn a_node_is_not_its_own_peer() {
    let place = Place::new().await;
    let own = "https://a.example".parse().unwrap();
    assert!(matches!(place.directory.add(&own, None).await, Err(AddError::Own(_))));
}

#[tokio::test]
async fn another_root_key_takes_a_removal_first() {
    let place = Place::new().await;
    let peer = place.approved(20).await;
    let other = SigningKey::from_seed(&[77; 32]).unwrap();
    peer.show(&peer.key_set(2, Some(&other)));
    let error = place.directory.add(&peer.issuer, Some(other.id())).await.unwrap_err();
    assert!(matches!(error, AddError::OtherRoot { .. }), "{error}");
    let error = place.directory.refresh(&peer.issuer).await.unwrap_err();
    assert_eq!(error.problem(), ProblemType::KeySetInvalid);
    assert_eq!(place.noticed(Noticed::RootKeyDiffers).await.len(), 1);
    assert_eq!(place.number(&peer.issuer).await, 1);
    place.directory.remove(&peer.issuer).await.unwrap();
    place.directory.add(&peer.issuer, Some(other.id())).await.unwrap();
    assert_eq!(place.number(&peer.issuer).await, 2);
}

#[tokio::test]
async fn a_later_key_set_is_taken_and_a_rolled_back_one_is_noticed() {
    let place = Place::new().await;
    let peer = place.approved(20).await;
    peer.show(&peer.key_set(2, None));
    assert_eq!(place.directory.refresh(&peer.issuer).await.unwrap(), Refreshed::Changed);
    assert_eq!(place.directory.refresh(&peer.issuer).await.unwrap(), Refreshed::Same);
    peer.show(&peer.key_set(1, None));
    for _ in 0..2 {
        let error = place.directory.refresh(&peer.issuer).await.unwrap_err();
        assert_eq!(error.problem(), ProblemType::KeySetRolledBack);
    }
    // Number 3 under the same root, but after another number 2 than the one that is known.
    let stray = KeySetDocument {
        number: 3,
        previous: Some(Digest::of(b"another number 2")),
        ..peer.key_set(3, None).document().clone()
    };
    peer.show(&keyset::sign(&stray, &peer.root()).unwrap());
    let error = place.directory.refresh(&peer.issuer).await.unwrap_err();
    assert_eq!(error.problem(), ProblemType::KeySetRolledBack);
    assert_eq!(place.number(&peer.issuer).await, 2);
    assert_eq!(place.noticed(Noticed::KeySetRolledBack).await.len(), 2);
    assert_eq!(place.restarted().standing(&peer.issuer).await.unwrap().key_set.key_set().document().number, 2);
}

#[tokio::test]
async fn a_key_set_counts_for_an_hour() {
    let place = Place::new().await;
    let peer = place.approved(20).await;
    peer.set(DISCOVERY_PATH, 503, "");
    place.hand.advance_ms(3_600_000);
    assert_eq!(place.number(&peer.issuer).await, 1);
    place.hand.advance_ms(1000);
    assert_eq!(place.refused(&peer.issuer).await, ProblemType::KeySetStale);
    assert_eq!(place.restarted().standing(&peer.issuer).await.unwrap_err().problem(), ProblemType::KeySetStale);
    let error = place.directory.refresh(&peer.issuer).await.unwrap_err();
    assert_eq!(error.problem(), ProblemType::PeerUnreachable);
    // Another process of this operator reached the peer.
    peer.show(&peer.key_set(1, None));
    place.restarted().refresh(&peer.issuer).await.unwrap();
    place.hand.advance_ms(1000);
    assert_eq!(place.number(&peer.issuer).await, 1);
}

#[tokio::test]
async fn a_key_set_seen_by_a_clock_that_was_ahead_is_stale_until_it_is_seen_again() {
    let place = Place::new().await;
    let peer = place.approved(20).await;
    place.hand.set(time(NOW + 200_000_000));
    place.directory.refresh(&peer.issuer).await.unwrap();
    assert_eq!(place.number(&peer.issuer).await, 1);
    place.hand.set(time(NOW));
    for directory in [&*place.directory, &place.restarted()] {
        let refused = directory.standing(&peer.issuer).await.unwrap_err();
        assert_eq!(refused.problem(), ProblemType::KeySetStale);
    }
    place.directory.refresh(&peer.issuer).await.unwrap();
    for directory in [&*place.directory, &place.restarted()] {
        directory.standing(&peer.issuer).await.unwrap();
    }
}

#[tokio::test]
async fn the_background_refreshes_approved_peers_when_they_are_due() {
    let place = Place::new().await;
    let peer = place.approved(20).await;
    let waiting = PeerServer::start(40).await;
    place.directory.add(&waiting.issuer, None).await.unwrap();
    peer.show(&peer.key_set(2, None));
    assert_eq!(place.directory.refresh_due().await.unwrap(), 1);
    assert_eq!(place.number(&peer.issuer).await, 2);
    assert_eq!(place.directory.refresh_due().await.unwrap(), 0);
    place.hand.advance_ms(300_000);
    assert_eq!(place.directory.refresh_due().await.unwrap(), 1);
    assert_eq!((peer.asked(DISCOVERY_PATH), waiting.asked(DISCOVERY_PATH)), (3, 1));
    // A clock that is set back by a day does not stop it for a day.
    place.hand.set(time(NOW - 86_400));
    assert_eq!(place.directory.refresh_due().await.unwrap(), 1);
}

#[tokio::test]
async fn an_unknown_key_causes_one_refresh_in_a_while() {
    let place = Place::new().await;
    let peer = place.approved(20).await;
    let kid = |number| peer.receipt_key(number).id();
    peer.show(&peer.key_set(2, None));
    place.directory.standing_for(&peer.issuer, kid(1)).await.unwrap();
    assert_eq!(peer.asked(DISCOVERY_PATH), 1);
    let found = place.directory.standing_for(&peer.issuer, kid(2)).await.unwrap();
    assert!(found.key_set.key_set().find(kid(2)).is_some());
    let stranger = SigningKey::<ReceiptPurpose>::from_seed(&[99; 32]).unwrap().id();
    for _ in 0..10 {
        let found = place.directory.standing_for(&peer.issuer, stranger).await.unwrap();
        assert!(found.key_set.key_set().find(stranger).is_none());
    }
    assert_eq!(peer.asked(DISCOVERY_PATH), 2);
    place.hand.advance_ms(30_000);
    place.directory.standing_for(&peer.issuer, stranger).await.unwrap();
    assert_eq!(peer.asked(DISCOVERY_PATH), 3);
}

#[tokio::test]
async fn changes_by_another_process_take_effect_within_a_second() {
    let place = Place::new().await;
    let peer = place.approved(20).await;
    assert_eq!(place.number(&peer.issuer).await, 1);
    let command_line = place.restarted();
    command_line.suspend(&peer.issuer).await.unwrap();
    place.hand.advance_ms(1000);
    assert_eq!(place.refused(&peer.issuer).await, ProblemType::PeerSuspended);
}

#[tokio::test]
async fn a_peer_that_is_down_is_not_added() {
    let place = Place::new().await;
    let gone: Issuer = "http://127.0.0.1:1".parse().unwrap();
    let error = place.directory.add(&gone, None).await.unwrap_err();
    assert_eq!(error.problem(), ProblemType::PeerUnreachable);
    assert_eq!(place.store.peers().await.unwrap(), []);
}

#[tokio::test]
async fn the_key_set_counts_where_the_rest_of_the_document_differs() {
    let place = Place::new().await;
    let (peer, other) = (PeerServer::start(20).await, PeerServer::start(60).await);
    let document = |of: &PeerServer| DiscoveryDocument::of(&of.key_set(1, None), Vec::new()).unwrap();
    let mixed = DiscoveryDocument { log: document(&other).log, ..document(&peer) };
    peer.set(DISCOVERY_PATH, 200, serde_json::to_vec(&mixed).unwrap());
    place.directory.add(&peer.issuer, Some(peer.fingerprint())).await.unwrap();
    let trusted = place.directory.standing(&peer.issuer).await.unwrap().key_set;
    assert_eq!(trusted.key_set().document(), peer.key_set(1, None).document());
}
