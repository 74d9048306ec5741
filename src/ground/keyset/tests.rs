use serde_json::json;

use super::*;
use crate::ground::crypto::keys::{CosignPurpose, HttpPurpose, LogPurpose, ReceiptPurpose};

pub(crate) fn issuer() -> Issuer {
    "https://a.example".parse().unwrap()
}

pub(crate) fn root() -> SigningKey<RootPurpose> {
    SigningKey::from_seed(&[10; 32]).unwrap()
}

pub(crate) fn receipt_key() -> SigningKey<ReceiptPurpose> {
    SigningKey::from_seed(&[11; 32]).unwrap()
}

pub(crate) fn log_key() -> SigningKey<LogPurpose> {
    SigningKey::from_seed(&[12; 32]).unwrap()
}

pub(crate) fn cosign_key() -> SigningKey<CosignPurpose> {
    SigningKey::from_seed(&[13; 32]).unwrap()
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix_s(seconds).unwrap()
}

/// Number 1 of `https://a.example`, with one active key of each use since 1 790 000 000.
pub(crate) fn document() -> KeySetDocument {
    let http = SigningKey::<HttpPurpose>::from_seed(&[14; 32]).unwrap();
    let since = time(1_790_000_000);
    KeySetDocument {
        iat: since,
        iss: issuer(),
        keys: vec![
            KeyEntry::active(receipt_key().public(), KeyUse::Receipt, since),
            KeyEntry::active(log_key().public(), KeyUse::Log, since),
            KeyEntry::active(cosign_key().public(), KeyUse::Cosign, since),
            KeyEntry::active(http.public(), KeyUse::Http, since),
        ],
        log: LogNames { cosigner: "a.example/cosigner".to_owned(), origin: "a.example/log".to_owned() },
        number: 1,
        predecessor: None,
        previous: None,
        root: root().public().to_jwk(),
    }
}

#[test]
fn a_key_set_is_trusted_only_under_its_pin() {
    let signed = sign(&document(), &root()).unwrap();
    assert!(signed.clone().pinned(&issuer(), root().id()).is_ok());
    let other = receipt_key().id();
    assert!(matches!(signed.clone().pinned(&issuer(), other), Err(KeySetError::NotPinned { .. })));
    let stranger = "https://b.example".parse().unwrap();
    assert!(matches!(signed.pinned(&stranger, root().id()), Err(KeySetError::Issuer { .. })));
}

#[test]
fn an_online_key_cannot_sign_a_key_set() {
    let bytes = canonical::to_vec(&document()).unwrap();
    let forged = jose::sign(KEY_SET_TYP, &bytes, &receipt_key());
    assert_eq!(SelfSignedKeySet::parse(forged.as_bytes()), Err(KeySetError::Signature));
}

#[test]
fn a_receipt_is_no_key_set() {
    let bytes = canonical::to_vec(&document()).unwrap();
    let other = jose::sign("countersign-decision-v1+jwt", &bytes, &root());
    assert!(matches!(SelfSignedKeySet::parse(other.as_bytes()), Err(KeySetError::Typ(_))));
}

#[test]
fn documents_that_contradict_themselves_are_refused() {
    let change = |edit: fn(&mut KeySetDocument)| {
        let mut document = document();
        edit(&mut document);
        sign(&document, &root()).unwrap_err().problem()
    };
    let edits: [fn(&mut KeySetDocument); 12] = [
        |d| d.number = 0,
        |d| d.number = 2,
        |d| d.previous = Some(Digest::of(b"")),
        |d| d.keys.clear(),
        |d| d.keys.push(d.keys[0].clone()),
        |d| d.keys[0].kid = d.keys[1].kid,
        |d| d.keys[0].until = Some(time(1_790_000_001)),
        |d| d.keys[0].state = KeyState::Retired,
        |d| d.keys[0].reason = Some("lost".to_owned()),
        |d| d.log.cosigner = d.log.origin.clone(),
        |d| d.log.origin = "a b".to_owned(),
        |d| d.keys.push(KeyEntry::active(root().public(), KeyUse::Http, d.iat)),
    ];
    for (at, edit) in edits.into_iter().enumerate() {
        assert_eq!(change(edit), ProblemType::KeySetInvalid, "edit {at}");
    }
}

#[test]
fn a_weak_or_foreign_key_is_refused() {
    let mut value = serde_json::to_value(document()).unwrap();
    value["keys"][0]["x"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let bytes = canonical::to_vec(&value).unwrap();
    let signed = jose::sign(KEY_SET_TYP, &bytes, &root());
    assert!(matches!(SelfSignedKeySet::parse(signed.as_bytes()), Err(KeySetError::Form(_))));
}

#[test]
fn a_key_set_is_replaced_only_by_a_later_one() {
    let pinned = |document: &KeySetDocument| sign(document, &root()).unwrap().pinned(&issuer(), root().id()).unwrap();
    let first = pinned(&document());
    let second = KeySetDocument { number: 2, previous: Some(first.key_set().digest()), ..document() };
    let second = pinned(&second);
    assert_eq!(first.admit(&second), Ok(()));
    assert_eq!(first.admit(&first.clone()), Ok(()));
    assert_eq!(second.admit(&first), Err(KeySetError::RolledBack { known: 2, offered: 1 }));
    let stray = KeySetDocument { number: 2, previous: Some(Digest::of(b"another first")), ..document() };
    assert_eq!(first.admit(&pinned(&stray)), Err(KeySetError::RolledBack { known: 1, offered: 2 }));
    let later = KeySetDocument { number: 3, ..stray };
    assert_eq!(first.admit(&pinned(&later)), Ok(()));
    let mut other = document();
    other.iat = time(1_790_000_009);
    assert_eq!(first.admit(&pinned(&other)), Err(KeySetError::RolledBack { known: 1, offered: 1 }));
}

#[test]
fn a_key_signs_within_its_time() {
    let mut entry = document().keys[0].clone();
    let at = |entry: &KeyEntry, seconds| state_at(entry, time(seconds));
    assert_eq!(at(&entry, 1_790_000_000), Ok(()));
    assert_eq!(at(&entry, 1_789_999_999), Err(ProblemType::KeyNotActive));
    entry.state = KeyState::Retired;
    entry.until = Some(time(1_790_000_100));
    assert_eq!(at(&entry, 1_790_000_099), Ok(()));
    assert_eq!(at(&entry, 1_790_000_100), Err(ProblemType::KeyNotActive));
    entry.state = KeyState::Pending;
    assert_eq!(at(&entry, 1_790_000_099), Err(ProblemType::KeyNotActive));
    entry.state = KeyState::Revoked;
    assert_eq!(at(&entry, 1_790_000_050), Err(ProblemType::KeyRevoked));
}
