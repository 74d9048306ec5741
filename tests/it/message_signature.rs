//! Signed pulls against another implementation of RFC 9421, both ways.

use countersign::ground::crypto::keys::{HttpPurpose, KeyUse, RootPurpose, SigningKey};
use countersign::ground::keyset::{self, KeyEntry, KeySetDocument, LogNames, PinnedKeySet};
use countersign::ground::message_signature::{NonceMemory, SignatureFields, sign_pull, verify_pull};
use countersign::ground::name::Timestamp;
use httpsig_hyper::prelude::message_component::HttpMessageComponentId;
use httpsig_hyper::prelude::{AlgorithmName, HttpSigError, HttpSignatureParams, VerifyingKey};
use httpsig_hyper::{MessageSignature as _, MessageSignatureReq as _};

const TARGET: &str = "https://b.example/v1/evidence/Ml5nBrM8f3m0vIT6yYbnZx8bRzGdC6OnqdbpUOqFcvU";
const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const NOW: u64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_unix_s(NOW).unwrap()
}

fn key() -> SigningKey<HttpPurpose> {
    SigningKey::from_seed(&[14; 32]).unwrap()
}

fn peer() -> PinnedKeySet {
    let root = SigningKey::<RootPurpose>::from_seed(&[10; 32]).unwrap();
    let document = KeySetDocument {
        iat: now(),
        iss: "https://a.example".parse().unwrap(),
        keys: vec![KeyEntry::active(key().public(), KeyUse::Http, now())],
        log: LogNames { cosigner: "a.example/cosigner".to_owned(), origin: "a.example/log".to_owned() },
        number: 1,
        predecessor: None,
        previous: None,
        root: root.public().to_jwk(),
    };
    keyset::sign(&document, &root).unwrap().pinned(&document.iss, root.id()).unwrap()
}

/// The other implementation's view of our keys.
struct Ours(SigningKey<HttpPurpose>);

impl httpsig_hyper::prelude::SigningKey for Ours {
    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, HttpSigError> {
        Ok(self.0.sign(data).to_vec())
    }

    fn key_id(&self) -> String {
        self.0.id().to_string()
    }

    fn alg(&self) -> AlgorithmName {
        AlgorithmName::Ed25519
    }
}

impl VerifyingKey for Ours {
    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), HttpSigError> {
        let fits = signature.try_into().is_ok_and(|signature| self.0.public().verifies(data, signature));
        fits.then_some(()).ok_or_else(|| HttpSigError::InvalidSignature("does not verify".to_owned()))
    }

    fn key_id(&self) -> String {
        self.0.id().to_string()
    }

    fn alg(&self) -> AlgorithmName {
        AlgorithmName::Ed25519
    }
}

fn request() -> http::Request<http_body_util::Empty<&'static [u8]>> {
    http::Request::get(TARGET).body(http_body_util::Empty::new()).unwrap()
}

#[tokio::test]
async fn another_implementation_verifies_our_signature() {
    let fields = sign_pull("GET", TARGET, now(), NONCE, &key());
    let mut request = request();
    request.headers_mut().insert("signature-input", fields.input.parse().unwrap());
    request.headers_mut().insert("signature", fields.signature.parse().unwrap());
    assert!(request.has_message_signature());
    let verified = request.verify_message_signature(&Ours(key()), Some(&key().id().to_string())).await;
    assert_eq!(verified.unwrap(), "countersign");
    *request.method_mut() = http::Method::POST;
    assert!(request.verify_message_signature(&Ours(key()), None).await.is_err());
}

#[tokio::test]
async fn another_implementations_signature_is_taken() {
    let components = ["@method", "@target-uri"].map(|name| HttpMessageComponentId::try_from(name).unwrap());
    let mut params = HttpSignatureParams::try_new(&components).unwrap();
    params.set_created(NOW).set_nonce(NONCE).set_key_info(&Ours(key())).set_tag("countersign-pull");
    let mut request = request();
    request.set_message_signature(&params, &Ours(key()), Some("countersign")).await.unwrap();
    let value = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    let fields = SignatureFields { input: value("signature-input"), signature: value("signature") };
    let verified = verify_pull("GET", TARGET, &fields, &peer(), now(), &mut NonceMemory::default());
    assert_eq!(verified, Ok(()));
}
