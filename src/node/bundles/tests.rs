use super::*;
use crate::ground::crypto::keys::{RootPurpose, SigningKey};
use crate::ground::keyset::tests::{document, issuer, root};
use crate::ground::keyset::{self, KeySetDocument};
use crate::io::store::{KeySetVersion, Peer, PeerState};
use crate::node::directory::tests::Place;

fn name(text: &str) -> Issuer {
    text.parse().unwrap()
}

fn key_set(iss: &Issuer, number: u64, root: &SigningKey<RootPurpose>) -> SelfSignedKeySet {
    let previous = (number > 1).then(|| Digest::of(b"the one before"));
    let root_key = root.public().to_jwk();
    let document = KeySetDocument { iss: iss.clone(), number, previous, root: root_key, ..document() };
    keyset::sign(&document, root).unwrap()
}

/// Stores key sets with these numbers, none of which is the next to another.
async fn store(place: &Place, iss: &Issuer, numbers: impl Iterator<Item = u64>, root: &SigningKey<RootPurpose>) {
    for number in numbers {
        let key_set = key_set(iss, number, root);
        let version = KeySetVersion {
            issuer: iss.clone(),
            root: root.id().0,
            number,
            digest: key_set.digest(),
            compact: key_set.compact().to_owned(),
            seen: place.clock.now(),
        };
        place.store.put_key_set(&version, None).await.unwrap();
    }
}

fn numbers(bundle: &Bundle, iss: &Issuer) -> Vec<u64> {
    let key_sets = bundle.key_sets().iter().map(|text| SelfSignedKeySet::parse(text.as_bytes()).unwrap());
    let of_issuer = key_sets.filter(|key_set| key_set.document().iss == *iss);
    of_issuer.map(|key_set| key_set.document().number).collect()
}

#[tokio::test]
async fn an_operator_with_many_key_sets_neither_stops_a_bundle_nor_takes_anothers_place() {
    let place = Place::new().await;
    let own = issuer();
    let (many, few) = (name("https://many.example"), name("https://few.example"));
    let (pin, earlier) = (SigningKey::from_seed(&[61; 32]).unwrap(), SigningKey::from_seed(&[62; 32]).unwrap());
    let now = place.clock.now();
    let peer =
        Peer { issuer: many.clone(), fingerprint: pin.id().0, state: PeerState::Approved, added: now, changed: now };
    place.store.put_peer(&peer).await.unwrap();
    store(&place, &many, (1..=300).map(|turn| turn * 2), &pin).await;
    store(&place, &many, [1001].into_iter(), &earlier).await;
    store(&place, &few, [1, 3, 5].into_iter(), &earlier).await;
    store(&place, &own, [1].into_iter(), &root()).await;

    // The latest own one is not stored yet.
    let latest = key_set(&own, 2, &root()).pinned(&own, root().id()).unwrap();
    let gatherer = Gatherer::new(Arc::clone(&place.store), latest);
    let mut bundle = Bundle::new(now);
    gatherer.add_key_sets(&mut bundle, BTreeSet::from([&many, &few, &own])).await.unwrap();
    assert_eq!(bundle.key_sets().len(), MAX_BUNDLE_KEY_SETS);
    assert_eq!(numbers(&bundle, &own), [2, 1]);
    assert_eq!(numbers(&bundle, &few), [5, 3, 1]);
    let newest: Vec<u64> = (1..=300).rev().map(|turn| turn * 2).take(MAX_BUNDLE_KEY_SETS - 5).collect();
    assert_eq!(numbers(&bundle, &many), newest);
}
