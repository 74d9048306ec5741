//! Two operators with fixed keys and logs of their own, and the bundles of what happened between them.

use serde_json::{Value, json};

use super::super::{Bundle, Item, Request, Response};
use crate::ground::crypto::hash::{Digest, leaf_hash};
use crate::ground::crypto::keys::{
    CosignPurpose, HttpPurpose, KeyUse, LogPurpose, Purpose, ReceiptPurpose, RootPurpose, SigningKey,
};
use crate::ground::keyset::{self, KeyEntry, KeySetDocument, LogNames, SelfSignedKeySet};
use crate::ground::log::checkpoint::{Checkpoint, CosignerKey, LogKey};
use crate::ground::log::merkle::{Frontier, TreeHead};
use crate::ground::log::note::Note;
use crate::ground::log::proof::{ConsistencyProof, ProofFile};
use crate::ground::log::tile::{Tile, TileMap, build_consistency, build_inclusion};
use crate::ground::name::{Issuer, Timestamp};
use crate::ground::receipt::binding::{Committed, Nonce};
use crate::ground::receipt::compact::issue;
use crate::ground::receipt::payload::Payload;
use crate::ground::trust::Pins;

/// 15 January 2027, 08:00:00 UTC.
pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const METHOD: &str = "POST";
pub(super) const TARGET: &str = "https://b.example/hotel/rpc";
pub(super) const BODY: &[u8] =
    br#"{"jsonrpc":"2.0","method":"SendMessage","params":{"message":"two nights in Lisbon"}}"#;
pub(super) const ANSWER: &[u8] = br#"{"jsonrpc":"2.0","result":"booked, reference 4711"}"#;

pub(super) fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix_s(seconds).unwrap()
}

pub(super) fn key<P: Purpose>(seed: u8) -> SigningKey<P> {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

pub(super) fn nonce(call: u8) -> Nonce {
    Nonce::from_bytes([call; 32])
}

/// An operator: five keys from consecutive seeds, and a log that starts with three entries of an earlier time.
#[derive(Clone)]
pub(super) struct Operator {
    host: &'static str,
    seed: u8,
    pub(super) leaves: Vec<Digest>,
}

impl Operator {
    pub(super) fn new(host: &'static str, seed: u8) -> Self {
        Self { host, seed, leaves: (0..3).map(|entry| leaf_hash(&[seed, entry])).collect() }
    }

    pub(super) fn issuer(&self) -> Issuer {
        format!("https://{}", self.host).parse().unwrap()
    }

    pub(super) fn root(&self) -> SigningKey<RootPurpose> {
        key(self.seed)
    }

    fn names(&self) -> LogNames {
        LogNames { cosigner: format!("{}/cosigner", self.host), origin: format!("{}/log", self.host) }
    }

    pub(super) fn document(&self) -> KeySetDocument {
        let since = time(NOW - 86_400);
        let receipt = key::<ReceiptPurpose>(self.seed + 1);
        let log = key::<LogPurpose>(self.seed + 2);
        let cosign = key::<CosignPurpose>(self.seed + 3);
        let http = key::<HttpPurpose>(self.seed + 4);
        KeySetDocument {
            iat: since,
            iss: self.issuer(),
            keys: vec![
                KeyEntry::active(receipt.public(), KeyUse::Receipt, since),
                KeyEntry::active(log.public(), KeyUse::Log, since),
                KeyEntry::active(cosign.public(), KeyUse::Cosign, since),
                KeyEntry::active(http.public(), KeyUse::Http, since),
            ],
            log: self.names(),
            number: 1,
            predecessor: None,
            previous: None,
            root: self.root().public().to_jwk(),
        }
    }

    pub(super) fn key_set(&self) -> SelfSignedKeySet {
        keyset::sign(&self.document(), &self.root()).unwrap()
    }

    fn head(&self, size: usize) -> TreeHead {
        let mut frontier = Frontier::empty();
        self.leaves[..size].iter().for_each(|leaf| frontier.append(*leaf));
        frontier.head()
    }

    /// Signs a payload of which only issuer and log are left out, and logs it.
    pub(super) fn issue(&mut self, mut payload: Value) -> Issued {
        let (head, iat) = (self.head(self.leaves.len()), payload["iat"].as_u64().unwrap());
        payload["iss"] = json!(self.issuer());
        payload["log"] = json!({
            "origin": self.names().origin, "size": head.size, "root": head.root, "include_by": iat + 60,
        });
        let typed = if payload.get("observer").is_some() {
            Payload::Outcome(serde_json::from_value(payload).unwrap())
        } else if payload.get("receipt").is_some() {
            Payload::Acknowledgement(serde_json::from_value(payload).unwrap())
        } else {
            Payload::Decision(serde_json::from_value(payload).unwrap())
        };
        let jti = *typed.jti();
        let signed = issue(typed, &key(self.seed + 1)).unwrap();
        self.leaves.push(leaf_hash(&signed.digest.0));
        let reference = json!({"digest": signed.digest, "jti": jti});
        Issued { compact: signed.compact, reference, index: self.leaves.len() - 1 }
    }

    fn tiles(&self) -> TileMap {
        let bytes: Vec<u8> = self.leaves.iter().flat_map(|leaf| leaf.0).collect();
        [(0, 0, Tile::parse(&bytes).unwrap())].into_iter().collect()
    }

    /// The checkpoint of the log's first `size` entries, dated `at`, and cosigned by the witness.
    pub(super) fn note(&self, size: usize, at: u64) -> Note {
        let names = self.names();
        let (log, cosign) = (key::<LogPurpose>(self.seed + 2), key::<CosignPurpose>(self.seed + 3));
        let log_key = LogKey::new(names.origin.parse().unwrap(), log.public().as_dalek()).unwrap();
        let cosigner = CosignerKey::new(names.cosigner.parse().unwrap(), cosign.public().as_dalek()).unwrap();
        let checkpoint = Checkpoint { origin: log_key.origin().clone(), head: self.head(size) };
        let mut note = checkpoint.sign(&log_key, |message| log.sign(message)).unwrap();
        note.add(checkpoint.cosign(&cosigner, time(at), |message| cosign.sign(message))).unwrap();
        note.add(checkpoint.cosign(&witness(), time(at + 2), |message| witness_key().sign(message))).unwrap();
        note
    }

    /// An item with its proofs under the checkpoint of `size` entries.
    pub(super) fn item(&self, issued: &Issued, size: usize, at: u64) -> Item {
        let (tiles, leaf, until) = (self.tiles(), issued.index as u64, size as u64);
        let inclusion = build_inclusion(leaf, until, &tiles).unwrap();
        let checkpoint = self.note(size, at).to_string();
        let checkpoint = crate::ground::log::checkpoint::UnverifiedCheckpoint::parse(checkpoint.as_bytes()).unwrap();
        let mut item = Item::new(issued.compact.clone());
        item.proof = Some(ProofFile { extra: None, inclusion, checkpoint }.to_string());
        // The head that a receipt names is the log before its own entry.
        item.head_proof = Some(build_consistency(leaf, until, &tiles).unwrap());
        item
    }
}

/// A receipt and how others refer to it.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) compact: String,
    pub(super) reference: Value,
    pub(super) index: usize,
}

fn witness_key() -> SigningKey<CosignPurpose> {
    key(70)
}

fn witness() -> CosignerKey {
    CosignerKey::new("w.example/witness".parse().unwrap(), witness_key().public().as_dalek()).unwrap()
}

/// A quorum that the one witness meets.
pub(super) fn quorum_file() -> String {
    format!("# One witness, run by neither operator.\nwitness outside {}\nquorum outside\n", witness())
}

pub(super) fn a() -> Operator {
    Operator::new("a.example", 10)
}

pub(super) fn b() -> Operator {
    Operator::new("b.example", 20)
}

/// Somebody who signs under the name of operator B with keys of their own.
pub(super) fn forger() -> Operator {
    Operator::new("b.example", 30)
}

pub(super) fn pins() -> Pins {
    let mut pins = Pins::default();
    for operator in [a(), b()] {
        pins.insert(operator.issuer(), operator.root().id()).unwrap();
    }
    pins
}

fn jti(number: u8) -> String {
    format!("01932f3c-7b1a-7c3e-9f00-0123456789{number:02x}")
}

pub(super) fn decision_payload(call: u8) -> Value {
    let nonce = nonce(call);
    let at = NOW + u64::from(call) * 100;
    json!({
        "aud": "https://b.example", "iat": at, "exp": at + 300, "jti": jti(call * 16),
        "sub": "user-7f3a", "act": {"sub": "travel-agent"}, "subject": {"type": "Agent", "id": "travel-agent"},
        "identity": {"agent": {"basis": "verified", "by": "gateway_path"}, "user": {"basis": "claimed"}},
        "action": {"name": "a2a.send_message"}, "resource": {"type": "PeerAgent", "id": "https://b.example/hotel"},
        "effect": "allow", "reasons": ["policy_permit"], "policies": ["travel-may-book"],
        "epoch": Digest::of(b"epoch of a"), "assurance": "evaluated",
        "binding": {
            "body": "bound", "content": nonce.commit(Committed::Body, BODY),
            "target": nonce.commit_target(METHOD, TARGET),
        },
    })
}

pub(super) fn acknowledgement_payload(call: u8, decision: &Issued) -> Value {
    json!({
        "aud": "https://a.example", "iat": NOW + u64::from(call) * 100 + 1, "jti": jti(call * 16 + 1),
        "receipt": decision.reference, "effect": "allow", "reasons": ["policy_permit"], "policies": [],
        "epoch": Digest::of(b"epoch of b"), "assurance": "evaluated", "action": {"name": "a2a.send_message"},
        "resource": {"type": "Agent", "id": "hotel"}, "body": "bound", "mode": "enforce",
    })
}

pub(super) fn outcome_payload(call: u8, observer: &str, decision: &Issued, acknowledgement: &Issued) -> Value {
    let (aud, number) = if observer == "executor" { ("https://a.example", 2) } else { ("https://b.example", 3) };
    json!({
        "aud": aud, "iat": NOW + u64::from(call) * 100 + 2, "jti": jti(call * 16 + number),
        "receipt": decision.reference, "acknowledgement": acknowledgement.reference, "observer": observer,
        "status": "completed", "http_status": 200,
        "response": {"body": "bound", "content": nonce(call).commit(Committed::Response, ANSWER)},
    })
}

/// What happened between A and B: a booking that both allowed, and a cancellation that B escalated.
pub(super) struct Story {
    pub(super) a: Operator,
    pub(super) b: Operator,
    pub(super) decision: Issued,
    pub(super) acknowledgement: Issued,
    pub(super) executed: Issued,
    pub(super) observed: Issued,
    pub(super) second: Issued,
    pub(super) escalated: Issued,
}

impl Story {
    pub(super) fn new() -> Self {
        let (mut a, mut b) = (a(), b());
        let decision = a.issue(decision_payload(1));
        let acknowledgement = b.issue(acknowledgement_payload(1, &decision));
        let executed = b.issue(outcome_payload(1, "executor", &decision, &acknowledgement));
        let observed = a.issue(outcome_payload(1, "caller", &decision, &acknowledgement));
        let mut asked = decision_payload(2);
        asked["resource"]["id"] = json!("https://b.example/hotel#cancel");
        let second = a.issue(asked);
        let mut answer = acknowledgement_payload(2, &second);
        answer["effect"] = json!("escalate");
        answer["reasons"] = json!(["approval_required"]);
        answer["approval"] = json!({"by": "duty_manager", "deadline": NOW + 3800});
        let escalated = b.issue(answer);
        Self { a, b, decision, acknowledgement, executed, observed, second, escalated }
    }

    /// The items of the story: both sides of the first call with everything disclosed, the second without its nonce.
    pub(super) fn items(&self) -> Vec<Item> {
        let (a, b) = (&self.a, &self.b);
        let of_a = |issued| a.item(issued, a.leaves.len(), NOW + 240);
        let of_b = |issued| b.item(issued, b.leaves.len(), NOW + 250);
        // Dated within the minute that the first decision promises.
        let mut decision = a.item(&self.decision, 4, NOW + 110);
        decision.nonce = Some(nonce(1));
        decision.request =
            Some(Request { method: METHOD.to_owned(), target: TARGET.to_owned(), body: Some(BODY.to_vec()) });
        let mut executed = of_b(&self.executed);
        executed.response = Some(Response { body: Some(ANSWER.to_vec()) });
        let first = [decision, of_b(&self.acknowledgement), executed, of_a(&self.observed)];
        first.into_iter().chain([of_a(&self.second), of_b(&self.escalated)]).collect()
    }

    pub(super) fn bundle(&self) -> Bundle {
        self.bundle_of(self.items())
    }

    pub(super) fn bundle_of(&self, items: Vec<Item>) -> Bundle {
        bundle_of(&[self.a.key_set(), self.b.key_set()], items)
    }
}

pub(super) fn bundle_of(key_sets: &[SelfSignedKeySet], items: Vec<Item>) -> Bundle {
    let mut bundle = Bundle::new(time(NOW + 3600));
    key_sets.iter().for_each(|key_set| bundle.add_key_set(key_set).unwrap());
    items.into_iter().for_each(|item| bundle.add(item).unwrap());
    bundle
}

/// The same receipt with another payload under the old signature.
pub(super) fn with_payload(compact: &str, change: impl FnOnce(&mut Value)) -> String {
    use crate::ground::canonical;
    use crate::ground::crypto::hash::{decode_base64url, encode_base64url};
    let parts: Vec<&str> = compact.split('.').collect();
    let mut payload = serde_json::from_slice(&decode_base64url(parts[1]).unwrap()).unwrap();
    change(&mut payload);
    format!("{}.{}.{}", parts[0], encode_base64url(&canonical::to_vec(&payload).unwrap()), parts[2])
}

pub(super) fn no_proof() -> ConsistencyProof {
    ConsistencyProof::default()
}
