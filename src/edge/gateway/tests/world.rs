//! A: an operator whose agent calls. B: an operator whose agent is called. Between them a wire that can be looked at.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::edge::config::Config;
use crate::edge::data_folder::{DataFolder, InitOptions};
use crate::edge::gateway::{AgentSecret, Gateway, inbound_router, outbound_router};
use crate::edge::server::{client_config, settings};
use crate::ground::crypto::hash::Digest;
use crate::ground::name::{Issuer, ReceiptId, Timestamp};
use crate::ground::receipt::compact::UnverifiedReceipt;
use crate::ground::receipt::payload::{Acknowledgement, Decision, Outcome, Payload};
use crate::io::clock::{Clock, Hand};
use crate::io::secret_files::Secret;
use crate::io::store::sqlite::SqliteStore;
use crate::io::store::{KeySetVersion, Observation, ObservationQuery, Peer, PeerState, Store as _, WorkTerms};
use crate::node::followup::Work;
use crate::node::{Node, NodeParts};

/// The time at both nodes.
const NOW: u64 = 1_800_000_000;

const POLICY: &str = r#"
@id("test-files")
permit (principal, action in [Action::"http.read", Action::"http.post"], resource);

@id("test-no-cancel")
@reason("nothing is cancelled here")
forbid (principal is Agent, action == Action::"a2a.cancel_task", resource);
"#;

/// One request as somebody received it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Seen {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Fields of ours.
    pub(super) fn ours(&self) -> Vec<&str> {
        self.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("countersign-")).collect()
    }
}

/// Sends JSON.
pub(super) trait ToJson {
    fn json(self, body: &Value) -> Self;
}

impl ToJson for reqwest::RequestBuilder {
    fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }
}

/// Reads JSON.
pub(super) trait FromJson {
    async fn value(self) -> Value;
}

impl FromJson for reqwest::Response {
    async fn value(self) -> Value {
        serde_json::from_slice(&self.bytes().await.unwrap()).unwrap()
    }
}

type Log = Arc<Mutex<Vec<Seen>>>;

/// What the wire puts in place of the acknowledgements that pass.
type Forged = Arc<Mutex<Option<Vec<String>>>>;

/// One operator.
pub(super) struct Operator {
    pub(super) node: Arc<Node>,
    pub(super) gateway: Gateway,
    pub(super) store: SqliteStore,
    pub(super) hand: Hand,
    pub(super) issuer: Issuer,
    key_set: KeySetVersion,
    /// Where its gateway listens: the private side of A, the public side of B.
    pub(super) address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Operator {
    async fn start(issuer: &str, routes: &str, listener: TcpListener, agents: Vec<AgentSecret>) -> Self {
        let place = tempfile::tempdir().unwrap();
        // It stands still, so that no rate limit ever gives anything back.
        let (clock, hand) = Clock::manual(Timestamp::from_unix_s(NOW).unwrap());
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let issuer: Issuer = issuer.parse().unwrap();
        let options =
            InitOptions { issuer: issuer.clone(), public: any, private: any, log_origin: None, at: clock.now() };
        let folder = DataFolder::create(place.path().join("node"), &options).await.unwrap().folder;
        std::fs::write(folder.policy_folder().join("test.cedar"), POLICY).unwrap();
        let config = Config::parse(&format!("issuer = \"{issuer}\"\n{routes}"), Path::new("")).unwrap();
        let store = folder.store().await.unwrap();
        let parts = NodeParts {
            operator: Arc::new(folder.operator().unwrap()),
            store: Arc::new(store.clone()),
            clock: clock.clone(),
            head_file: None,
            policy_folder: Some(folder.policy_folder()),
            pseudonym_key: folder.pseudonym_key().unwrap(),
            peers: client_config(&config),
            settings: settings(&config),
        };
        let node = Node::start(parts).await.unwrap();
        let gateway = Gateway::new(&config, Arc::clone(&node), agents).unwrap();
        let key_set = folder.key_set().unwrap();
        let key_set = KeySetVersion {
            issuer: issuer.clone(),
            root: key_set.fingerprint().0,
            number: 1,
            digest: key_set.digest(),
            compact: key_set.compact().to_owned(),
            seen: clock.now(),
        };
        let address = listener.local_addr().unwrap();
        let router = inbound_router(gateway.clone()).merge(outbound_router(gateway.clone()));
        tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).await.unwrap();
        });
        Self { node, gateway, store, hand, issuer, key_set, address, _folder: place }
    }

    /// Makes `other` a peer in this state.
    pub(super) async fn know(&self, other: &Self, state: PeerState) {
        let at = other.key_set.seen;
        let peer =
            Peer { issuer: other.issuer.clone(), fingerprint: other.key_set.root, state, added: at, changed: at };
        self.store.put_peer(&peer).await.unwrap();
        self.store.put_key_set(&other.key_set, None).await.unwrap();
    }

    pub(super) async fn answers(&self, decision: &Digest) -> Vec<Payload> {
        self.gateway.settled().await;
        let rows = self.store.related(decision).await.unwrap();
        rows.iter().map(|row| UnverifiedReceipt::parse(row.compact.as_bytes()).unwrap().claims().clone()).collect()
    }

    /// The outcome that this operator itself wrote down.
    pub(super) async fn outcome(&self, decision: &Digest) -> Option<Outcome> {
        self.answers(decision).await.into_iter().find_map(|payload| match payload {
            Payload::Outcome(outcome) if outcome.iss == self.issuer => Some(*outcome),
            _ => None,
        })
    }

    /// Whether somebody will look whether the call was ended, should this node stop before its end.
    pub(super) async fn to_be_closed(&self, decision: &Digest) -> bool {
        let later = Timestamp::from_unix_s(NOW + 1_000_000).unwrap();
        let terms = WorkTerms { now: later, latest: later, again: later };
        let work = self.store.take_followups(terms, 1000, &[]).await.unwrap();
        work.iter().any(|work| work.kind == Work::CloseCall.code() && work.subject == *decision)
    }

    /// Whether the call still runs, once all outcomes are written down.
    pub(super) async fn is_running(&self, decision: &Digest) -> bool {
        self.gateway.settled().await;
        self.node.running.is_running(decision)
    }

    /// Every receipt that it holds, in compact form.
    pub(super) async fn receipts(&self) -> Vec<String> {
        self.store.recent(100).await.unwrap().into_iter().map(|row| row.compact).collect()
    }

    /// One receipt of its own, in compact form.
    pub(super) async fn compact(&self, id: &ReceiptId) -> String {
        self.store.receipt_by_id(&self.issuer, id).await.unwrap().unwrap().compact
    }

    pub(super) async fn acknowledgement(&self, decision: &Digest) -> Option<Acknowledgement> {
        self.answers(decision).await.into_iter().find_map(|payload| match payload {
            Payload::Acknowledgement(acknowledgement) => Some(*acknowledgement),
            _ => None,
        })
    }

    pub(super) async fn observations(&self) -> Vec<Observation> {
        self.gateway.settled().await;
        self.store.observations(&ObservationQuery::default(), 100).await.unwrap()
    }

    /// The decision that the response names.
    pub(super) async fn decision(&self, response: &reqwest::Response) -> (Digest, Decision) {
        let id = header(response, "countersign-receipt-id").parse().unwrap();
        let row = self.store.receipt_by_id(&self.issuer, &id).await.unwrap().unwrap();
        let receipt = UnverifiedReceipt::parse(row.compact.as_bytes()).unwrap();
        let Payload::Decision(decision) = receipt.claims() else { panic!("no decision") };
        (row.digest, (**decision).clone())
    }
}

pub(super) fn header<'r>(response: &'r reqwest::Response, name: &str) -> &'r str {
    response.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
}

/// Everything together.
pub(super) struct World {
    pub(super) a: Operator,
    pub(super) b: Operator,
    /// The origin under which B is reached.
    pub(super) wire: String,
    on_wire: Log,
    /// What the wire puts in place of acknowledgements.
    pub(super) forged: Forged,
    at_agent: Log,
    pub(super) agent: AgentHand,
    pub(super) secret: String,
    pub(super) http: reqwest::Client,
}

/// Moves the agent's streams.
pub(super) struct AgentHand {
    pub(super) address: SocketAddr,
    /// Sends the next event of the running stream; dropped, the stream ends.
    pub(super) events: mpsc::Sender<Bytes>,
    /// Fires when the running stream is dropped before its end.
    pub(super) left: oneshot::Receiver<()>,
}

impl World {
    /// Two operators that approved each other.
    pub(super) async fn new() -> Self {
        Self::with(PeerState::Approved, PeerState::Approved).await
    }

    /// `a_knows`: how B stands at A; `b_knows`: how A stands at B.
    pub(super) async fn with(a_knows: PeerState, b_knows: PeerState) -> Self {
        let (agent, at_agent) = start_agent().await;
        let (wire_listener, b_listener) = (listen().await, listen().await);
        let wire = origin(&wire_listener);
        let (on_wire, forged) = (Log::default(), Forged::default());
        let between =
            Wire { to: b_listener.local_addr().unwrap(), log: Arc::clone(&on_wire), forged: Arc::clone(&forged) };
        serve(wire_listener, Router::new().fallback(pass).with_state(between));
        let closed = origin(&listen().await);
        let b = Operator::start(&wire, &b_routes(&agent.address, &closed), b_listener, Vec::new()).await;
        let secret = Secret::generate().unwrap();
        let agents = vec![AgentSecret { name: "buyer".to_owned(), secret: secret.clone() }];
        let a_listener = listen().await;
        let a_issuer = origin(&a_listener);
        let a = Operator::start(&a_issuer, &a_routes(&wire, &closed), a_listener, agents).await;
        a.know(&b, a_knows).await;
        b.know(&a, b_knows).await;
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { a, b, wire, on_wire, forged, at_agent, agent, secret: secret.reveal().to_owned(), http }
    }

    /// The URL at A's gateway for a path of a route.
    pub(super) fn url(&self, route: &str, path: &str) -> String {
        format!("http://{}/a/{}/{route}{path}", self.a.address, self.secret)
    }

    /// A JSON-RPC call through both gateways.
    pub(super) async fn call(&self, route: &str, method: &str, params: Value) -> reqwest::Response {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        self.http.post(self.url(route, "/rpc")).json(&body).send().await.unwrap()
    }

    pub(super) async fn send_message(&self, route: &str) -> reqwest::Response {
        self.call(route, "SendMessage", message("hello")).await
    }

    /// What crossed between the operators.
    pub(super) fn crossed(&self) -> Vec<Seen> {
        self.on_wire.lock().unwrap().clone()
    }

    /// What reached the agent.
    pub(super) fn reached(&self) -> Vec<Seen> {
        self.at_agent.lock().unwrap().clone()
    }

    /// Sends to B what crossed, as it was or changed.
    pub(super) async fn replay(&self, seen: Seen) -> reqwest::Response {
        let url = format!("http://{}{}", self.b.address, seen.uri.path_and_query().unwrap());
        self.http.request(seen.method, url).headers(seen.headers).body(seen.body).send().await.unwrap()
    }
}

pub(super) fn message(text: &str) -> Value {
    json!({ "message": { "role": "ROLE_USER", "messageId": "m1", "contextId": "c1", "parts": [{ "text": text }] } })
}

fn b_routes(agent: &SocketAddr, closed: &str) -> String {
    format!(
        r#"
        [limits]
        stranger_requests_per_s = 50
        peer_receipts_per_s = 20
        [[inbound]]
        name = "seller"
        path = "/agents/seller"
        upstream = "http://{agent}"
        open = ["/.well-known/agent-card.json", "/open"]
        [[inbound]]
        name = "watched"
        path = "/agents/watched"
        upstream = "http://{agent}"
        mode = "observe"
        [[inbound]]
        name = "files"
        path = "/files"
        upstream = "http://{agent}/files"
        protocol = "http"
        [[inbound]]
        name = "gone"
        path = "/agents/gone"
        upstream = "{closed}"
        "#
    )
}

fn a_routes(wire: &str, closed: &str) -> String {
    let route = |name: &str, peer: &str, url: &str, more: &str| {
        format!("[[outbound]]\nname = \"{name}\"\npeer = \"{peer}\"\nurl = \"{url}\"\n{more}\n")
    };
    let lift = "lift = [{ name = \"amount\", pointer = \"/message/metadata/amount\", type = \"integer\", actions = [\"a2a.send_message\"] }]";
    let seller = format!("{wire}/agents/seller");
    [
        route("seller", wire, &seller, ""),
        route("paid", wire, &seller, lift),
        route("watched", wire, &format!("{wire}/agents/watched"), ""),
        route("gone", wire, &format!("{wire}/agents/gone"), ""),
        route("files", wire, &format!("{wire}/files"), "protocol = \"http\""),
        route("down", wire, closed, ""),
        route("stranger", "https://stranger.example", &seller, ""),
    ]
    .concat()
}

pub(super) async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

pub(super) fn origin(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().unwrap())
}

fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
}

#[derive(Clone)]
struct Wire {
    to: SocketAddr,
    log: Log,
    forged: Forged,
}

/// The wire: notes what crosses and passes it on unchanged, save what a test forges.
async fn pass(State(wire): State<Wire>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let seen = Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    // What the nodes fetch from each other in the background is no call.
    if ["/agents/", "/files"].iter().any(|route| seen.uri.path().starts_with(route)) {
        wire.log.lock().unwrap().push(seen.clone());
    }
    let url = format!("http://{}{}", wire.to, seen.uri.path_and_query().unwrap());
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.request(seen.method, url).headers(seen.headers).body(seen.body).send().await.unwrap();
    let mut answer = Response::<reqwest::Body>::from(answer).map(Body::new).into_response();
    if let Some(forged) = wire.forged.lock().unwrap().clone() {
        answer.headers_mut().remove("countersign-receipt");
        for value in forged {
            answer.headers_mut().append("countersign-receipt", value.parse().unwrap());
        }
    }
    answer
}

/// The agent behind B. It notes what reaches it, and claims evidence that is none of its business.
async fn start_agent() -> (AgentHand, Log) {
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    let log = Log::default();
    let (events, from_hand) = mpsc::channel(8);
    let (leave, left) = oneshot::channel();
    let stream = Arc::new(Mutex::new(Some((from_hand, leave))));
    let state = Agent { address, log: Arc::clone(&log), stream };
    serve(listener, Router::new().fallback(act).with_state(state));
    (AgentHand { address, events, left }, log)
}

type Stream = (mpsc::Receiver<Bytes>, oneshot::Sender<()>);

#[derive(Clone)]
struct Agent {
    address: SocketAddr,
    log: Log,
    stream: Arc<Mutex<Option<Stream>>>,
}

async fn act(State(agent): State<Agent>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let seen = Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    agent.log.lock().unwrap().push(seen.clone());
    let mut response = agent.answer(&seen);
    response.headers_mut().insert("countersign-receipt", "forged".parse().unwrap());
    response.headers_mut().insert("countersign-verdict", "forged".parse().unwrap());
    response.headers_mut().insert("x-agent", "yes".parse().unwrap());
    response
}

impl Agent {
    fn answer(&self, seen: &Seen) -> Response {
        match seen.uri.path() {
            "/.well-known/agent-card.json" => ([("etag", "\"1\"")], axum::Json(self.card())).into_response(),
            "/cards/mine" | "/tasks/as-card" => axum::Json(self.card()).into_response(),
            "/tasks/1" => axum::Json(json!({ "id": "1", "status": {} })).into_response(),
            "/open" => "open".into_response(),
            "/away" => (StatusCode::TEMPORARY_REDIRECT, [("location", "http://127.0.0.1:9/elsewhere")]).into_response(),
            "/near" => (StatusCode::TEMPORARY_REDIRECT, [("location", "/tasks/1")]).into_response(),
            "/rpc" => self.rpc(&serde_json::from_slice(&seen.body).unwrap()),
            path if path.starts_with("/files") => seen.body.clone().into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn rpc(&self, request: &Value) -> Response {
        let result = match request["method"].as_str().unwrap() {
            "SendStreamingMessage" => return self.stream(),
            "GetExtendedAgentCard" => self.card(),
            _ => json!({ "echo": request["params"] }),
        };
        axum::Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).into_response()
    }

    fn stream(&self) -> Response {
        let (events, leave) = self.stream.lock().unwrap().take().unwrap();
        let held = Leaving(Some(leave));
        let events = stream::unfold((events, held), |(mut events, mut held)| async move {
            match events.recv().await {
                Some(event) => Some((Ok::<_, Infallible>(event), (events, held))),
                None => {
                    drop(held.0.take());
                    None
                }
            }
        });
        ([("content-type", "text/event-stream")], Body::from_stream(events.boxed())).into_response()
    }

    fn card(&self) -> Value {
        let at = format!("http://localhost:{}", self.address.port());
        json!({
            "name": "seller", "description": "sells", "version": "1", "skills": [], "signatures": [{ "signature": "x" }],
            "supportedInterfaces": [
                { "url": format!("{at}/rpc"), "protocolBinding": "JSONRPC", "protocolVersion": "1.0" },
                { "url": at, "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0" },
                { "url": "https://elsewhere.example/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0" },
                { "url": format!("{at}/grpc"), "protocolBinding": "GRPC", "protocolVersion": "1.0" },
            ],
            "url": format!("{at}/rpc"), "preferredTransport": "JSONRPC",
            "capabilities": { "streaming": true }, "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
        })
    }
}

/// Says so when a stream is dropped before its end.
struct Leaving(Option<oneshot::Sender<()>>);

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(leave) = self.0.take() {
            let _nobody_waits = leave.send(());
        }
    }
}
