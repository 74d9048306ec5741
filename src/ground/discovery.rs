//! The discovery document: where an operator's evidence is, and its current key set.
//!
//! It is not signed: everything that it says is checked by what it leads to. The same types serve it and read it.
//! Normative text: `spec/discovery.md` (DISC-01 to DISC-06). Out of scope: fetching it (`io::client`), and whether its
//! key set is to be trusted (a pin decides, in `keyset`).

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ground::canonical::{self, ReadError, Rules};
use crate::ground::crypto::hash::Digest;
use crate::ground::crypto::keys::{KeyId, KeyUse};
use crate::ground::keyset::{KEY_SET_TYP, KeySetError, KeyState, SelfSignedKeySet};
use crate::ground::kind::Kind;
use crate::ground::limits::{MAX_DISCOVERY_BYTES, MAX_ENDPOINT_BYTES, MAX_ROUTES, MAX_SUPPORTED};
use crate::ground::log::checkpoint::{CosignerKey, LogKey};
use crate::ground::log::tile::TileAddress;
use crate::ground::name::{Issuer, ReceiptId};
use crate::ground::problem::ProblemType;
use crate::ground::receipt::compact::typ;
use crate::ground::receipt::payload::Mode;
use crate::ground::verdict::Level;

/// The path under an issuer at which its discovery document stands.
pub const DISCOVERY_PATH: &str = "/.well-known/countersign";

/// The A2A extension that announces receipts in an agent card.
pub const A2A_EXTENSION: &str = "urn:countersign:a2a:receipts:v1";

/// Why bytes are not the discovery document of an operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Not strict JSON.
    #[error("the discovery document is not strict JSON: {0}")]
    Json(#[from] ReadError),
    /// A member too many, too few, or of another form.
    #[error("the discovery document is not of the documented form: {0}")]
    Form(String),
    /// Of another operator than the one that was asked.
    #[error("the discovery document is of `{found}`, but `{asked}` was asked")]
    Issuer {
        /// The operator that was asked.
        asked: Issuer,
        /// The operator that the document names.
        found: Issuer,
    },
    /// An endpoint that is not a plain URL under the operator's origin.
    #[error("the endpoint `{member}` is not a plain URL under `{issuer}`")]
    Endpoint {
        /// Which one.
        member: &'static str,
        /// The operator.
        issuer: Issuer,
    },
    /// The key set does not hold.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
}

impl DiscoveryError {
    /// The registered problem.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::KeySet(error) => error.problem(),
            Self::Json(_) | Self::Form(_) | Self::Issuer { .. } | Self::Endpoint { .. } => ProblemType::PeerMisbehaved,
        }
    }
}

/// The document as it is served, members in JCS order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscoveryDocument {
    /// Where to ask.
    pub endpoints: Endpoints,
    /// The thumbprint of the root key: for people who compare, never a reason to trust.
    pub fingerprint: KeyId,
    /// The operator.
    pub issuer: Issuer,
    /// The current key set, compact.
    pub key_set: String,
    /// The log's active keys, for people and other tools; the key set is what counts.
    pub log: LogKeys,
    /// The inbound routes, at most 128.
    pub routes: Vec<Route>,
    /// What this node understands.
    pub supported: Supported,
}

/// Base URLs, all under the operator's origin, without query, fragment or trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    evidence: String,
    log: String,
    proofs: String,
}

/// The active keys of the log as C2SP vkeys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogKeys {
    /// The key that dates checkpoints.
    pub cosigner_vkey: String,
    /// The log's name.
    pub origin: String,
    /// The key that signs checkpoints.
    pub vkey: String,
}

/// One inbound route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Whether refusals take effect.
    pub mode: Mode,
    /// The path prefix.
    pub path: String,
}

/// Versions and levels, as codes; a list may hold values that its reader does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supported {
    /// The A2A extension.
    pub a2a_extension: String,
    /// The `typ`s of key sets.
    pub key_set: Vec<String>,
    /// The levels that an inbound route can demand.
    pub levels: Vec<String>,
    /// The `typ`s of receipts.
    pub receipts: Vec<String>,
}

impl Endpoints {
    /// Where a node of this version answers for `issuer`.
    pub fn of(issuer: &Issuer) -> Self {
        Self {
            evidence: format!("{issuer}/v1/evidence"),
            log: format!("{issuer}/log"),
            proofs: format!("{issuer}/v1/proofs"),
        }
    }

    /// The answers to the decision with this digest.
    pub fn evidence(&self, decision: &Digest) -> String {
        format!("{}/{decision}", self.evidence)
    }

    /// The inclusion proof of a receipt.
    pub fn proof(&self, jti: &ReceiptId, digest: &Digest) -> String {
        format!("{}?jti={jti}&digest={digest}", self.proofs)
    }

    /// A tile of the log.
    pub fn tile(&self, tile: &TileAddress) -> String {
        format!("{}/{tile}", self.log)
    }

    fn check(&self, issuer: &Issuer) -> Result<(), DiscoveryError> {
        for (member, text) in [("evidence", &self.evidence), ("log", &self.log), ("proofs", &self.proofs)] {
            if !is_plain_url_under(text, issuer) {
                return Err(DiscoveryError::Endpoint { member, issuer: issuer.clone() });
            }
        }
        Ok(())
    }
}

/// Whether `text` is the one spelling of a URL that can be extended by a path or a query, at this origin.
fn is_plain_url_under(text: &str, issuer: &Issuer) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    text.len() <= MAX_ENDPOINT_BYTES
        && url.as_str() == text
        && !text.ends_with('/')
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.origin().ascii_serialization() == issuer.as_str()
}

impl LogKeys {
    /// The active log and cosigning key of a key set, named as it names them; `None` when it has no such key.
    pub fn of(key_set: &SelfSignedKeySet) -> Option<Self> {
        let names = &key_set.document().log;
        let active = |usage| key_set.of_use(usage).find(|(entry, _)| entry.state == KeyState::Active);
        let (_, log) = active(KeyUse::Log)?;
        let (_, cosigner) = active(KeyUse::Cosign)?;
        let log = LogKey::new(names.origin.parse().ok()?, log.as_dalek()).ok()?;
        let cosigner = CosignerKey::new(names.cosigner.parse().ok()?, cosigner.as_dalek()).ok()?;
        Some(Self { cosigner_vkey: cosigner.to_string(), origin: names.origin.clone(), vkey: log.to_string() })
    }
}

impl Supported {
    /// What this version understands.
    pub fn here() -> Self {
        Self {
            a2a_extension: A2A_EXTENSION.to_owned(),
            key_set: vec![KEY_SET_TYP.to_owned()],
            levels: Level::ALL.iter().map(Level::to_string).collect(),
            receipts: Kind::ALL.into_iter().filter_map(typ).map(str::to_owned).collect(),
        }
    }

    fn is_bounded(&self) -> bool {
        let lists = [&self.key_set, &self.levels, &self.receipts];
        lists.iter().all(|list| list.len() <= MAX_SUPPORTED)
    }
}

impl DiscoveryDocument {
    /// The document of the operator whose key set this is; `None` when the key set has no active log or cosigning key.
    pub fn of(key_set: &SelfSignedKeySet, routes: Vec<Route>) -> Option<Self> {
        let issuer = key_set.document().iss.clone();
        Some(Self {
            endpoints: Endpoints::of(&issuer),
            fingerprint: key_set.fingerprint(),
            issuer,
            key_set: key_set.compact().to_owned(),
            log: LogKeys::of(key_set)?,
            routes,
            supported: Supported::here(),
        })
    }
}

/// What a discovery document led to. The key set agrees with itself; nobody has compared its fingerprint yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// Where to ask.
    pub endpoints: Endpoints,
    /// The key set, of the operator that was asked.
    pub key_set: SelfSignedKeySet,
}

impl Discovered {
    /// Reads the answer of the operator that was asked.
    pub fn parse(bytes: &[u8], asked: &Issuer) -> Result<Self, DiscoveryError> {
        let value = canonical::parse(bytes, &Rules::receipt(MAX_DISCOVERY_BYTES))?;
        let form = |error: serde_json::Error| DiscoveryError::Form(error.to_string());
        let document: DiscoveryDocument = serde_json::from_value(value).map_err(form)?;
        if document.issuer != *asked {
            return Err(DiscoveryError::Issuer { asked: asked.clone(), found: document.issuer });
        }
        if document.routes.len() > MAX_ROUTES || !document.supported.is_bounded() {
            return Err(DiscoveryError::Form("a list is longer than it may be".to_owned()));
        }
        document.endpoints.check(asked)?;
        let key_set = SelfSignedKeySet::parse(document.key_set.as_bytes())?;
        if key_set.document().iss != *asked {
            let found = key_set.document().iss.clone();
            return Err(KeySetError::Issuer { expected: asked.clone(), found }.into());
        }
        Ok(Self { endpoints: document.endpoints, key_set })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ground::keyset;
    use crate::ground::keyset::tests::{document, issuer, root};

    fn served() -> Value {
        let key_set = keyset::sign(&document(), &root()).unwrap();
        let routes = vec![Route { mode: Mode::Enforce, path: "/agents/hotel".to_owned() }];
        serde_json::to_value(DiscoveryDocument::of(&key_set, routes).unwrap()).unwrap()
    }

    fn refused(value: &Value) -> ProblemType {
        Discovered::parse(value.to_string().as_bytes(), &issuer()).unwrap_err().problem()
    }

    #[test]
    fn what_is_served_is_read() {
        let read = Discovered::parse(served().to_string().as_bytes(), &issuer()).unwrap();
        assert_eq!(read.endpoints, Endpoints::of(&issuer()));
        assert_eq!(read.key_set.fingerprint(), root().id());
        assert_eq!(served()["log"]["origin"], "a.example/log");
    }

    #[test]
    fn another_operators_document_is_refused() {
        let other = "https://c.example".parse().unwrap();
        let bytes = served().to_string();
        let error = Discovered::parse(bytes.as_bytes(), &other).unwrap_err();
        assert!(matches!(error, DiscoveryError::Issuer { .. }));
        let mut value = served();
        value["issuer"] = json!("https://c.example");
        let endpoints = serde_json::to_value(Endpoints::of(&other)).unwrap();
        value["endpoints"] = endpoints;
        // The document names the operator that was asked, and leads to the keys of another one.
        let error = Discovered::parse(value.to_string().as_bytes(), &other).unwrap_err();
        assert_eq!(error.problem(), ProblemType::KeySetInvalid);
    }

    #[test]
    fn endpoints_stay_under_the_operators_origin() {
        for url in [
            "https://c.example/v1/proofs",
            "http://a.example/v1/proofs",
            "https://a.example:8443/v1/proofs",
            "https://a.example@c.example/x",
            "https://a.example/v1/proofs?x=",
            "https://a.example/v1/proofs#x",
            "https://a.example/",
            "https://a.example/a/../b",
            "/v1/proofs",
        ] {
            let mut value = served();
            value["endpoints"]["proofs"] = json!(url);
            assert_eq!(refused(&value), ProblemType::PeerMisbehaved, "{url}");
        }
    }

    #[test]
    fn unknown_members_and_unbounded_lists_are_refused() {
        let mut value = served();
        value["extra"] = json!(1);
        assert_eq!(refused(&value), ProblemType::PeerMisbehaved);
        let mut value = served();
        value["routes"][0]["mode"] = json!("maybe");
        assert_eq!(refused(&value), ProblemType::PeerMisbehaved);
        let mut value = served();
        value["supported"]["levels"] = json!(vec!["x"; MAX_SUPPORTED + 1]);
        assert_eq!(refused(&value), ProblemType::PeerMisbehaved);
        let mut value = served();
        value["supported"]["levels"] = json!(["a level of the future"]);
        assert!(Discovered::parse(value.to_string().as_bytes(), &issuer()).is_ok());
    }
}
