use super::*;
use crate::ground::crypto::keys::ReceiptPurpose;
use crate::ground::keyset;
use crate::ground::keyset::tests::{document, issuer, root};

const TARGET: &str = "https://b.example/v1/evidence/Ml5nBrM8f3m0vIT6yYbnZx8bRzGdC6OnqdbpUOqFcvU";
const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn key() -> SigningKey<HttpPurpose> {
    SigningKey::from_seed(&[14; 32]).unwrap()
}

fn peer() -> PinnedKeySet {
    keyset::sign(&document(), &root()).unwrap().pinned(&issuer(), root().id()).unwrap()
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix_s(seconds).unwrap()
}

const NOW: u64 = 1_800_000_000;

fn signed() -> SignatureFields {
    sign_pull("GET", TARGET, time(NOW), NONCE, &key())
}

fn verify_at(fields: &SignatureFields, now: u64) -> Result<(), PullError> {
    verify_pull("GET", TARGET, fields, &peer(), time(now), &mut NonceMemory::default())
}

#[test]
fn a_signed_pull_is_taken_once() {
    let mut memory = NonceMemory::default();
    let mut take = |now| verify_pull("GET", TARGET, &signed(), &peer(), time(now), &mut memory);
    assert_eq!(take(NOW), Ok(()));
    assert_eq!(take(NOW), Err(PullError::Replayed));
    assert_eq!(take(NOW + 60), Err(PullError::Replayed));
    assert!(matches!(take(NOW + 61), Err(PullError::Time { .. })));
}

#[test]
fn a_signature_counts_for_a_minute_around_its_time() {
    for (now, taken) in [(NOW - 61, false), (NOW - 60, true), (NOW + 60, true), (NOW + 61, false)] {
        assert_eq!(verify_at(&signed(), now).is_ok(), taken, "{now}");
    }
}

#[test]
fn nonces_are_forgotten_when_their_signatures_are_too_old() {
    let mut memory = NonceMemory::default();
    for at in 0..300 {
        let fields = sign_pull("GET", TARGET, time(NOW + at), NONCE, &key());
        let taken = verify_pull("GET", TARGET, &fields, &peer(), time(NOW + at), &mut memory);
        assert_eq!(taken.is_ok(), at % 61 == 0, "{at}");
        assert!(memory.used.len() <= 1);
    }
}

#[test]
fn each_peer_has_a_bounded_share_of_the_memory() {
    let mut memory = NonceMemory::default();
    let mut admit = |peer: &str, nonce: &str, now: u64| {
        memory.admit(&peer.parse().unwrap(), (key().id(), nonce.to_owned()), time(now), time(now))
    };
    for number in 0..MAX_PEER_PULL_NONCES {
        assert_eq!(admit("https://a.example", &number.to_string(), NOW), Ok(()));
    }
    let full = admit("https://a.example", "one more", NOW);
    assert_eq!(full.unwrap_err().problem(), ProblemType::RateLimited);
    assert_eq!(admit("https://b.example", "one more", NOW), Ok(()));
    assert_eq!(admit("https://a.example", "one more", NOW + 61), Ok(()));
}

#[test]
fn a_signature_is_for_one_method_and_one_target() {
    let verify = |method: &str, target: &str| {
        verify_pull(method, target, &signed(), &peer(), time(NOW), &mut NonceMemory::default())
    };
    assert_eq!(verify("POST", TARGET), Err(PullError::Signature));
    assert_eq!(verify("GET", "https://c.example/"), Err(PullError::Signature));
    assert_eq!(verify("GET", &format!("{TARGET}?x")), Err(PullError::Signature));
}

#[test]
fn only_an_active_http_key_of_the_peer_signs() {
    let stranger = SigningKey::from_seed(&[99; 32]).unwrap();
    let fields = sign_pull("GET", TARGET, time(NOW), NONCE, &stranger);
    assert_eq!(verify_at(&fields, NOW), Err(PullError::Key(stranger.id())));
    // The seed of the peer's receipt key: a key that its key set names for another purpose.
    let other = SigningKey::<HttpPurpose>::from_seed(&[11; 32]).unwrap();
    assert_eq!(other.id(), SigningKey::<ReceiptPurpose>::from_seed(&[11; 32]).unwrap().id());
    let fields = sign_pull("GET", TARGET, time(NOW), NONCE, &other);
    assert_eq!(verify_at(&fields, NOW), Err(PullError::Key(other.id())));
    let mut retired = document();
    retired.keys[3].state = KeyState::Pending;
    let retired = keyset::sign(&retired, &root()).unwrap().pinned(&issuer(), root().id()).unwrap();
    let refused = verify_pull("GET", TARGET, &signed(), &retired, time(NOW), &mut NonceMemory::default());
    assert_eq!(refused, Err(PullError::Key(key().id())));
}

#[test]
fn headers_outside_the_profile_are_refused() {
    let good = signed();
    let input = |from: &str, to: &str| SignatureFields { input: good.input.replacen(from, to, 1), ..good.clone() };
    for fields in [
        input("countersign=", "sig1="),
        input("countersign=", "a=(), countersign="),
        input("\"@method\" ", ""),
        input("\"@target-uri\"", "\"@path\""),
        input(")", " \"date\")"),
        input(";created=", "; created="),
        input(";created=1", ";created=01"),
        input(";created=1800000000", ""),
        input(";alg=\"ed25519\"", ""),
        input("ed25519", "hmac-sha256"),
        input("countersign-pull", "other"),
        input(";nonce", ";expires=1900000000;nonce"),
        input(";nonce", ";created=1800000000;nonce"),
        input(NONCE, "short"),
        input(NONCE, &"A".repeat(65)),
        input(NONCE, "AAAAAAAAAAAAAAAA;tag="),
        input(&key().id().to_string(), "test-key"),
        SignatureFields { input: format!("{}{}", good.input, " ".repeat(512)), ..good.clone() },
        SignatureFields { signature: good.signature.replace("=:", "="), ..good.clone() },
        SignatureFields { signature: good.signature.replace("==:", ":"), ..good.clone() },
        SignatureFields { signature: format!("{}, a=:AA==:", good.signature), ..good.clone() },
    ] {
        let error = verify_at(&fields, NOW).unwrap_err();
        assert!(matches!(error, PullError::Malformed { .. }), "{fields:?}: {error}");
        assert_eq!(error.problem(), ProblemType::MessageSignature);
    }
}
