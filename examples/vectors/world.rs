//! The operators, keys and logs that the vectors speak of.

use countersign::ground::canonical;
use countersign::ground::crypto::hash::{Digest, leaf_hash};
use countersign::ground::crypto::jose;
use countersign::ground::crypto::keys::{
    CosignPurpose, HttpPurpose, KeyUse, LogPurpose, Purpose, ReceiptPurpose, RootPurpose, SigningKey,
};
use countersign::ground::keyset::{KeyEntry, KeySetDocument, LogNames};
use countersign::ground::log::checkpoint::{Checkpoint, CosignerKey, LogKey};
use countersign::ground::log::merkle::TreeHead;
use countersign::ground::log::note::Note;
use countersign::ground::log::tile::{RightEdge, TileMap};
use countersign::ground::name::Timestamp;
use serde_json::{Value, json};

pub(crate) const A: &str = "https://a.example";
pub(crate) const B: &str = "https://b.example";
pub(crate) const DECISION: &str = "countersign-decision-v1+jwt";
pub(crate) const ACKNOWLEDGEMENT: &str = "countersign-acknowledgement-v1+jwt";
pub(crate) const OUTCOME: &str = "countersign-outcome-v1+jwt";
pub(crate) const CONFIGURATION: &str = "countersign-configuration-v1+jwt";
/// When the story plays.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const EPOCH: &str = "Ml5nBrM8f3m0vIT6yYbnZx8bRzGdC6OnqdbpUOqFcvU";
pub(crate) const JTI: &str = "01932f3c-7b1a-7c3e-9f00-0123456789ab";
pub(crate) const METHOD: &str = "POST";
pub(crate) const TARGET: &str = "https://b.example/hotel/rpc?a=%2F";
pub(crate) const BODY: &[u8] = br#"{"jsonrpc":"2.0"}"#;
/// Seeds are 32 equal bytes.
pub(crate) const ROOT_A: u8 = 10;
pub(crate) const RECEIPT_A: u8 = 11;
pub(crate) const LOG_A: u8 = 12;
pub(crate) const COSIGN_A: u8 = 13;
pub(crate) const HTTP_A: u8 = 14;
pub(crate) const ROOT_B: u8 = 20;
pub(crate) const RECEIPT_B: u8 = 21;
pub(crate) const WITNESSES: [u8; 3] = [31, 32, 33];
pub(crate) const STRANGER: u8 = 77;
/// A second key of A, for a use that has one already.
pub(crate) const SECOND: u8 = 40;

/// The key of a seed that is 32 times one byte.
pub(crate) fn key<P: Purpose>(seed: u8) -> SigningKey<P> {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

pub(crate) fn kid(seed: u8) -> String {
    key::<ReceiptPurpose>(seed).id().to_string()
}

pub(crate) fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix_s(seconds).unwrap()
}

/// A copy with the member at a JSON pointer set, or removed for null, or with an item of a list replaced.
pub(crate) fn with(value: &Value, pointer: &str, member: Value) -> Value {
    let mut value = value.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    if let Some(item) = name.parse::<usize>().ok().and_then(|at| parent.get_mut(at)) {
        *item = member;
        return value;
    }
    let parent = parent.as_object_mut().unwrap();
    if member.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.to_owned(), member);
    }
    value
}

/// Signs the canonical form of a payload with the receipt key of a seed.
pub(crate) fn signed(typ: &str, payload: &Value, seed: u8) -> String {
    jose::sign(typ, &canonical::to_vec(payload).unwrap(), &key::<ReceiptPurpose>(seed))
}

pub(crate) fn digest_of(compact: &str) -> Digest {
    Digest::of(compact.as_bytes())
}

/// A's decision that its agent may call B, bound to the request of `binding::opened`.
pub(crate) fn decision() -> Value {
    json!({
        "iss": A, "aud": B, "iat": NOW, "exp": NOW + 300, "jti": JTI, "sub": "booking-agent",
        "subject": {"type": "Agent", "id": "booking-agent"},
        "identity": {"agent": {"basis": "verified", "by": "gateway_path"}},
        "action": {"name": "a2a.send_message"}, "resource": {"type": "PeerAgent", "id": "https://b.example/hotel"},
        "effect": "allow", "reasons": ["policy_permit"], "policies": ["may-book"], "epoch": EPOCH,
        "assurance": "evaluated",
        "binding": super::binding::bound(), "log": promise("a.example/log"),
    })
}

/// A promise to log by a minute later, from a log that is still empty.
fn promise(origin: &str) -> Value {
    json!({"origin": origin, "size": 0, "root": Digest::of(b""), "include_by": NOW + 60})
}

/// A decision with every optional member, and a chain of delegation.
pub(crate) fn full_decision() -> Value {
    let mut payload = decision();
    for (name, member) in [
        ("act", json!({"sub": "booking-agent", "act": {"sub": "planner"}})),
        ("sub", json!("user-7f3a")),
        ("nbf", json!(NOW - 5)),
        ("effect", json!("escalate")),
        ("reasons", json!(["acme.budget", "approval_required"])),
        ("approval", json!({"by": "manager", "deadline": NOW + 3600})),
        ("inputs", json!(EPOCH)),
        ("session", json!({"id": "s_1-A", "seq": 3})),
        ("parents", json!([EPOCH])),
        ("obligations", json!([{"id": "o1", "type": "acme.notify"}])),
        ("retry_of", json!("01932f3c-7b1a-7c3e-9f00-0123456789aa")),
        ("contract", json!(EPOCH)),
        ("ext", json!({"acme": [1, "x", null, {"deep": true}]})),
        ("_sd", json!([EPOCH])),
        ("_sd_alg", json!("sha-256")),
    ] {
        payload = with(&payload, &format!("/{name}"), member);
    }
    let user = json!({"basis": "claimed"});
    with(&with(&payload, "/identity/user", user.clone()), "/identity/delegation", user)
}

/// B's acknowledgement of a decision.
pub(crate) fn acknowledgement(decision: &str) -> Value {
    json!({
        "iss": B, "aud": A, "iat": NOW + 1, "jti": "01932f3c-7b1a-7c3e-9f00-0123456789ac",
        "receipt": {"digest": digest_of(decision), "jti": JTI}, "effect": "allow", "reasons": ["policy_permit"],
        "policies": [], "epoch": EPOCH, "assurance": "evaluated", "action": {"name": "a2a.send_message"},
        "resource": {"type": "Agent", "id": "hotel"}, "body": "bound", "mode": "enforce", "log": promise("b.example/log"),
    })
}

/// B's outcome of a decision that it acknowledged.
pub(crate) fn outcome(decision: &str) -> Value {
    let content = super::binding::opened().commit(super::binding::what("response"), b"done");
    json!({
        "iss": B, "aud": A, "iat": NOW + 2, "jti": "01932f3c-7b1a-7c3e-9f00-0123456789ad",
        "receipt": {"digest": digest_of(decision), "jti": JTI},
        "acknowledgement": {"digest": EPOCH, "jti": "01932f3c-7b1a-7c3e-9f00-0123456789ac"},
        "observer": "executor", "status": "completed", "http_status": 200,
        "response": {"body": "bound", "content": content}, "log": promise("b.example/log"),
    })
}

/// B's first epoch.
pub(crate) fn configuration() -> Value {
    json!({
        "iss": B, "aud": B, "iat": NOW, "jti": "01932f3c-7b1a-7c3e-9f00-0123456789ae", "event": "start", "number": 1,
        "after": EPOCH, "by": "cli", "log": promise("b.example/log"),
    })
}

/// Key set 1 of an operator whose root key has `seed`, and the others the seeds after it.
pub(crate) fn key_set(issuer: &str, seed: u8) -> Value {
    let since = time(NOW - 10_000_000);
    let name = issuer.trim_start_matches("https://");
    let document = KeySetDocument {
        iat: since,
        iss: issuer.parse().unwrap(),
        keys: vec![
            KeyEntry::active(key::<ReceiptPurpose>(seed + 1).public(), KeyUse::Receipt, since),
            KeyEntry::active(key::<LogPurpose>(seed + 2).public(), KeyUse::Log, since),
            KeyEntry::active(key::<CosignPurpose>(seed + 3).public(), KeyUse::Cosign, since),
            KeyEntry::active(key::<HttpPurpose>(seed + 4).public(), KeyUse::Http, since),
        ],
        log: LogNames { cosigner: format!("{name}/cosigner"), origin: format!("{name}/log") },
        number: 1,
        predecessor: None,
        previous: None,
        root: key::<RootPurpose>(seed).public().to_jwk(),
    };
    serde_json::to_value(document).unwrap()
}

pub(crate) fn signed_key_set(document: &Value, seed: u8) -> String {
    signed("countersign-keyset-v1+jwt", document, seed)
}

/// The digests of a log, and the tree over them.
pub(crate) struct Log {
    entries: Vec<Digest>,
    pub(crate) tiles: TileMap,
}

impl Log {
    /// A log of `size` entries with `receipt` at `index`.
    pub(crate) fn holding(receipt: Option<(usize, Digest)>, size: usize) -> Self {
        let entry = |number: usize| match receipt {
            Some((index, digest)) if index == number => digest,
            _ => Digest::of(format!("entry {number}").as_bytes()),
        };
        let entries: Vec<Digest> = (0..size).map(entry).collect();
        let grown = RightEdge::empty().grow(&Self::leaves(&entries));
        let tiles = grown.tiles.iter().map(|row| (row.level, row.index, row.tile().unwrap())).collect();
        Self { entries, tiles }
    }

    fn leaves(entries: &[Digest]) -> Vec<Digest> {
        entries.iter().map(|entry| leaf_hash(&entry.0)).collect()
    }

    pub(crate) fn leaf(&self, index: usize) -> Digest {
        leaf_hash(&self.entries.get(index).unwrap().0)
    }

    pub(crate) fn head(&self, size: usize) -> TreeHead {
        RightEdge::empty().grow(&Self::leaves(self.entries.get(..size).unwrap())).head
    }
}

pub(crate) fn log_key(origin: &str, seed: u8) -> LogKey {
    LogKey::new(origin.parse().unwrap(), key::<LogPurpose>(seed).public().as_dalek()).unwrap()
}

pub(crate) fn cosigner(name: &str, seed: u8) -> CosignerKey {
    CosignerKey::new(name.parse().unwrap(), key::<CosignPurpose>(seed).public().as_dalek()).unwrap()
}

/// A checkpoint under the log key of a seed, without any cosignature.
pub(crate) fn undated(origin: &str, head: TreeHead, seed: u8) -> Note {
    let log = log_key(origin, seed);
    let checkpoint = Checkpoint { origin: log.origin().clone(), head };
    checkpoint.sign(&log, |message| key::<LogPurpose>(seed).sign(message)).unwrap()
}

/// Adds a cosignature of a name and seed, dated `at`.
pub(crate) fn cosign(note: &mut Note, head: TreeHead, name: &str, seed: u8, at: u64) {
    let origin = note.text().lines().next().unwrap().parse().unwrap();
    let checkpoint = Checkpoint { origin, head };
    let line = checkpoint.cosign(&cosigner(name, seed), time(at), |bytes| key::<CosignPurpose>(seed).sign(bytes));
    note.add(line).unwrap();
}

/// A's checkpoint, dated by its own cosigner.
pub(crate) fn dated(head: TreeHead, at: u64) -> Note {
    let mut note = undated("a.example/log", head, LOG_A);
    cosign(&mut note, head, "a.example/cosigner", COSIGN_A, at);
    note
}
