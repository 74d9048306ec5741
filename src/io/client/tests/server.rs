//! A peer's public listener for tests: real HTTP on loopback, with real documents under keys of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Notify;

use crate::ground::crypto::hash::{Digest, leaf_hash};
use crate::ground::crypto::keys::{
    CosignPurpose, HttpPurpose, KeyId, KeyUse, LogPurpose, Purpose, ReceiptPurpose, RootPurpose, SigningKey,
};
use crate::ground::discovery::{DISCOVERY_PATH, DiscoveryDocument, Endpoints};
use crate::ground::keyset::{self, KeyEntry, KeySetDocument, LogNames, SelfSignedKeySet};
use crate::ground::log::checkpoint::{Checkpoint, CosignerKey, LogKey};
use crate::ground::log::merkle::TreeHead;
use crate::ground::log::proof::ProofFile;
use crate::ground::log::tile::{RightEdge, Tile, TileAddress, TileMap, build_inclusion};
use crate::ground::name::{Issuer, ReceiptId, Timestamp};

/// The time at which every test starts.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix_s(seconds).unwrap()
}

type Answers = BTreeMap<String, (u16, Vec<u8>)>;

#[derive(Debug, Default)]
struct Served {
    answers: Answers,
    asked: Vec<(String, HeaderMap)>,
    /// Answers nothing.
    silent: bool,
    /// Answers everything with this status.
    broken: Option<u16>,
}

/// What is set is answered, by path and query; everything else is 404.
#[derive(Debug, Clone)]
pub(crate) struct PeerServer {
    pub(crate) issuer: Issuer,
    seed: u8,
    served: Arc<Door>,
}

#[derive(Debug, Default)]
struct Door {
    served: Mutex<Served>,
    /// Somebody asked.
    bell: Notify,
}

impl Door {
    fn lock(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap()
    }
}

async fn answer(State(door): State<Arc<Door>>, request: Request) -> Response {
    let asked = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    door.lock().asked.push((asked.clone(), request.headers().clone()));
    door.bell.notify_waiters();
    if door.lock().silent {
        std::future::pending::<()>().await;
    }
    let served = door.lock();
    match (served.broken, served.answers.get(&asked)) {
        (Some(status), _) => StatusCode::from_u16(status).unwrap().into_response(),
        (None, Some((status, body))) => (StatusCode::from_u16(*status).unwrap(), body.clone()).into_response(),
        (None, None) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn key<P: Purpose>(seed: u8) -> SigningKey<P> {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

impl PeerServer {
    /// A peer whose keys are made from `seed`, with key set 1 in its discovery document.
    pub(crate) async fn start(seed: u8) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let served: Arc<Door> = Arc::default();
        let server = Self { issuer, seed, served: Arc::clone(&served) };
        let router = Router::new().fallback(answer).with_state(served);
        tokio::spawn(async move { axum::serve(listener, router).await });
        server.show(&server.key_set(1, None));
        server
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(Arc::clone(&self.served))
    }

    pub(crate) fn set(&self, path: &str, status: u16, body: impl Into<Vec<u8>>) {
        self.served.lock().answers.insert(path.to_owned(), (status, body.into()));
    }

    /// As `set`, under a whole URL of this server.
    pub(crate) fn set_url(&self, url: &str, body: impl Into<Vec<u8>>) {
        self.set(url.strip_prefix(self.issuer.as_str()).unwrap(), 200, body);
    }

    /// The same peer under another name, such as its https one.
    pub(crate) fn named(&self, issuer: &Issuer) -> Self {
        Self { issuer: issuer.clone(), ..self.clone() }
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.served.lock().asked.iter().filter(|(asked, _)| asked == path).count()
    }

    /// How often paths that begin like this were asked for.
    pub(crate) fn asked_below(&self, prefix: &str) -> usize {
        self.served.lock().asked.iter().filter(|(asked, _)| asked.starts_with(prefix)).count()
    }

    /// Waits until paths that begin like this were asked for so often.
    pub(crate) async fn until_asked(&self, prefix: &str, times: usize) {
        loop {
            let asked = self.served.bell.notified();
            let mut asked = std::pin::pin!(asked);
            // From here on no bell is missed.
            asked.as_mut().enable();
            if self.asked_below(prefix) >= times {
                return;
            }
            asked.await;
        }
    }

    /// From now on everything stays without an answer.
    pub(crate) fn fall_silent(&self) {
        self.served.lock().silent = true;
    }

    /// From now on everything is answered with this status.
    pub(crate) fn break_down(&self, status: u16) {
        self.served.lock().broken = Some(status);
    }

    /// The headers of the last request.
    pub(crate) fn last_headers(&self) -> HeaderMap {
        self.served.lock().asked.last().map(|(_, headers)| headers.clone()).unwrap_or_default()
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        Endpoints::of(&self.issuer)
    }

    /// Serves a discovery document with this key set.
    pub(crate) fn show(&self, key_set: &SelfSignedKeySet) {
        let document = DiscoveryDocument::of(key_set, Vec::new()).unwrap();
        self.set(DISCOVERY_PATH, 200, serde_json::to_vec(&document).unwrap());
    }

    pub(crate) fn root(&self) -> SigningKey<RootPurpose> {
        key(self.seed)
    }

    pub(crate) fn fingerprint(&self) -> KeyId {
        self.root().id()
    }

    pub(crate) fn receipt_key(&self, number: u8) -> SigningKey<ReceiptPurpose> {
        key(self.seed + 10 + number)
    }

    fn log_key(&self) -> SigningKey<LogPurpose> {
        key(self.seed + 2)
    }

    fn cosign_key(&self) -> SigningKey<CosignPurpose> {
        key(self.seed + 3)
    }

    pub(crate) fn log_origin(&self) -> String {
        format!("{}/log", self.issuer.authority())
    }

    fn cosigner_name(&self) -> String {
        format!("{}/cosigner", self.issuer.authority())
    }

    /// Key set `number`, with one receipt key for each number up to it.
    pub(crate) fn key_set(&self, number: u8, root: Option<&SigningKey<RootPurpose>>) -> SelfSignedKeySet {
        let since = time(NOW - 1000);
        let http: SigningKey<HttpPurpose> = key(self.seed + 4);
        let receipt =
            (1..=number).map(|number| KeyEntry::active(self.receipt_key(number).public(), KeyUse::Receipt, since));
        let others = [
            KeyEntry::active(self.log_key().public(), KeyUse::Log, since),
            KeyEntry::active(self.cosign_key().public(), KeyUse::Cosign, since),
            KeyEntry::active(http.public(), KeyUse::Http, since),
        ];
        let own_root = self.root();
        let root = root.unwrap_or(&own_root);
        let document = KeySetDocument {
            iat: since,
            iss: self.issuer.clone(),
            keys: receipt.chain(others).collect(),
            log: LogNames { cosigner: self.cosigner_name(), origin: self.log_origin() },
            number: number.into(),
            predecessor: None,
            previous: (number > 1).then(|| self.key_set(number - 1, Some(root)).digest()),
            root: root.public().to_jwk(),
        };
        keyset::sign(&document, root).unwrap()
    }

    /// The head of a log with these entries.
    pub(crate) fn head(entries: &[Digest]) -> TreeHead {
        let leaves: Vec<Digest> = entries.iter().map(|entry| leaf_hash(&entry.0)).collect();
        RightEdge::empty().grow(&leaves).head
    }

    /// Serves a log of at most 256 entries, dated `at`, with the proof of its last entry, which is that receipt.
    pub(crate) fn serve_log(&self, entries: &[Digest], at: u64, jti: &ReceiptId) {
        let leaves: Vec<Digest> = entries.iter().map(|entry| leaf_hash(&entry.0)).collect();
        let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.0).collect();
        let (size, head) = (entries.len() as u64, Self::head(entries));
        let address = TileAddress::at(0, 0, size).unwrap();
        self.set_url(&self.endpoints().tile(&address), bytes.clone());
        let log = LogKey::new(self.log_origin().parse().unwrap(), self.log_key().public().as_dalek()).unwrap();
        let cosigner = self.cosigner_name().parse().unwrap();
        let cosigner = CosignerKey::new(cosigner, self.cosign_key().public().as_dalek()).unwrap();
        let checkpoint = Checkpoint { origin: log.origin().clone(), head };
        let mut note = checkpoint.sign(&log, |message| self.log_key().sign(message)).unwrap();
        note.add(checkpoint.cosign(&cosigner, time(at), |message| self.cosign_key().sign(message))).unwrap();
        let tiles = TileMap::from_iter([(0, 0, Tile::parse(&bytes).unwrap())]);
        let inclusion = build_inclusion(size - 1, size, &tiles).unwrap();
        let checkpoint = crate::ground::log::checkpoint::UnverifiedCheckpoint::parse(note.to_string().as_bytes());
        let proof = ProofFile { extra: None, inclusion, checkpoint: checkpoint.unwrap() };
        self.set_url(&self.endpoints().proof(jti, entries.last().unwrap()), proof.to_string());
    }
}
