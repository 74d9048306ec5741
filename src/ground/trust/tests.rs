use super::*;
use crate::ground::crypto::keys::{RootPurpose, SigningKey};
use crate::ground::keyset::tests::{document, issuer, receipt_key, root};
use crate::ground::keyset::{self, KeySetDocument, KeySetError};
use crate::ground::name::Timestamp;
use crate::ground::problem::ProblemType;
use crate::ground::receipt::verify::Trust;

fn pins() -> Pins {
    let mut pins = Pins::default();
    pins.insert(issuer(), root().id()).unwrap();
    pins
}

fn stranger() -> SigningKey<RootPurpose> {
    SigningKey::from_seed(&[90; 32]).unwrap()
}

fn numbered(number: u64) -> KeySetDocument {
    let first = keyset::sign(&document(), &root()).unwrap();
    KeySetDocument { number, previous: (number > 1).then_some(first.digest()), ..document() }
}

fn signed(document: &KeySetDocument) -> String {
    keyset::sign(document, &root()).unwrap().compact().to_owned()
}

/// A key set under the same name that another root key signed.
fn forged(number: u64) -> String {
    let document = KeySetDocument { root: stranger().public().to_jwk(), ..numbered(number) };
    keyset::sign(&document, &stranger()).unwrap().compact().to_owned()
}

fn trust(pins: &Pins, texts: &[&str]) -> IssuerKeys {
    pins.trust_for(&issuer(), &KeySets::read(texts.iter().copied()))
}

#[test]
fn a_trust_file_has_one_pin_a_line_with_comments() {
    let mut pins = Pins::default();
    let fingerprint = root().id();
    let file =
        format!("# ours\n\nhttps://a.example={fingerprint}  # told by phone\r\n https://b.example = {fingerprint}\n");
    pins.insert_file(&file).unwrap();
    assert_eq!(pins.get(&issuer()), Some(fingerprint));
    assert_eq!(pins.get(&"https://b.example".parse().unwrap()), Some(fingerprint));
    assert_eq!(pins.get(&"https://c.example".parse().unwrap()), None);
}

#[test]
fn a_bad_line_is_named_by_its_number() {
    let fingerprint = root().id();
    for (bad, error) in [
        ("https://a.example".to_owned(), PinError::Malformed("https://a.example".to_owned())),
        (format!("a.example={fingerprint}"), PinError::Issuer(NameError::Issuer("a.example".to_owned()))),
        ("https://a.example=abc".to_owned(), PinError::Fingerprint("abc".to_owned())),
        (format!("https://b.example={fingerprint}"), PinError::Repeated("https://b.example".parse().unwrap())),
        (
            format!("https://b.example={}", receipt_key().id()),
            PinError::Contradiction {
                issuer: "https://b.example".parse().unwrap(),
                known: fingerprint,
                offered: receipt_key().id(),
            },
        ),
    ] {
        let file = format!("https://b.example={fingerprint}\n\n{bad}\n");
        assert_eq!(Pins::default().insert_file(&file), Err(TrustFileError::Line { line: 3, error }), "{bad}");
    }
    let long = "#".repeat(MAX_TRUST_BYTES + 1);
    assert_eq!(Pins::default().insert_file(&long), Err(TrustFileError::TooLarge(long.len())));
}

#[test]
fn the_latest_key_set_under_the_pinned_root_counts() {
    let (first, second) = (signed(&numbered(1)), signed(&numbered(2)));
    let IssuerKeys::Pinned(chosen) = trust(&pins(), &[&second, &first, &second]) else { panic!("pinned") };
    assert_eq!(chosen.key_set().document().number, 2);
    assert!(matches!(trust(&pins(), &[]), IssuerKeys::NoKeySet));
}

#[test]
fn a_forged_key_set_is_refused_and_cannot_push_the_real_one_aside() {
    let refused = trust(&pins(), &[&forged(1)]);
    let error = KeySetError::NotPinned { pinned: root().id(), found: stranger().id() };
    assert_eq!(refused, IssuerKeys::Refused(error));
    assert!(matches!(refused.as_trust(), Trust::Refused(ProblemType::KeySetInvalid)));
    assert!(matches!(trust(&pins(), &[&forged(9), &signed(&numbered(1))]), IssuerKeys::Pinned(_)));
}

#[test]
fn two_key_sets_of_one_number_are_refused() {
    let other = KeySetDocument { iat: Timestamp::from_unix_s(1_790_000_009).unwrap(), ..numbered(1) };
    let refused = trust(&pins(), &[&signed(&numbered(1)), &signed(&other), &signed(&numbered(2))]);
    assert!(matches!(refused.as_trust(), Trust::Refused(ProblemType::KeySetRolledBack)));
}

#[test]
fn without_a_pin_one_root_is_shown_and_two_are_not_chosen_between() {
    let none = Pins::default();
    assert!(matches!(trust(&none, &[&signed(&numbered(1))]), IssuerKeys::Unpinned(_)));
    assert!(matches!(trust(&none, &[&signed(&numbered(1)), &forged(2)]), IssuerKeys::Unknown));
    assert!(matches!(trust(&none, &[]), IssuerKeys::Unknown));
}

#[test]
fn a_broken_key_set_is_missed_under_the_name_that_it_gives() {
    let good = signed(&numbered(1));
    let (signed_part, _) = good.rsplit_once('.').unwrap();
    let broken = format!("{signed_part}.{}", "A".repeat(86));
    let key_sets = KeySets::read([broken.as_str(), "nonsense"]);
    assert_eq!(key_sets.refused().len(), 2);
    assert_eq!(pins().trust_for(&issuer(), &key_sets), IssuerKeys::Refused(KeySetError::Signature));
    let mut other = Pins::default();
    let b: Issuer = "https://b.example".parse().unwrap();
    other.insert(b.clone(), root().id()).unwrap();
    assert_eq!(other.trust_for(&b, &key_sets), IssuerKeys::NoKeySet);
}
