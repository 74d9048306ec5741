//! The called agent: a small A2A agent that books rooms, and knows nothing of receipts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A running agent.
#[derive(Debug)]
pub(super) struct BookingAgent {
    address: SocketAddr,
    booked: Arc<AtomicUsize>,
}

#[derive(Debug, Clone)]
struct Desk {
    address: SocketAddr,
    booked: Arc<AtomicUsize>,
}

impl BookingAgent {
    /// Starts it on a free port. It ends with the process.
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let booked = Arc::new(AtomicUsize::new(0));
        let desk = Desk { address, booked: Arc::clone(&booked) };
        let router =
            Router::new().route("/.well-known/agent-card.json", get(card)).route("/rpc", post(call)).with_state(desk);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, booked })
    }

    /// Where it listens, for its own node.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many rooms it has booked: how often a call reached it.
    pub(super) fn booked(&self) -> usize {
        self.booked.load(Ordering::SeqCst)
    }
}

async fn card(State(desk): State<Desk>) -> Json<Value> {
    let url = format!("http://{}/rpc", desk.address);
    Json(json!({
        "name": "booking",
        "description": "Books rooms.",
        "version": "1.0.0",
        "supportedInterfaces": [{ "url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0" }],
        "capabilities": { "streaming": false },
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [{ "id": "book", "name": "Book a room", "description": "Books a room.", "tags": ["hotel"] }],
    }))
}

/// JSON-RPC, as A2A 1.0 names the method.
async fn call(State(desk): State<Desk>, Json(request): Json<Value>) -> Json<Value> {
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    if request.get("method").and_then(Value::as_str) != Some("SendMessage") {
        let error = json!({ "code": -32601, "message": "method not found" });
        return Json(json!({ "jsonrpc": "2.0", "id": id, "error": error }));
    }
    let number = desk.booked.fetch_add(1, Ordering::SeqCst) + 1;
    let text = format!("booked: room {}, reference BH-{number:03}", 110 + number);
    let message = json!({ "role": "ROLE_AGENT", "messageId": format!("answer-{number}"), "parts": [{ "text": text }] });
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": { "message": message } }))
}
