//! The calling side: the travel desk, an A2A client that calls its gateway, and whoever writes to Birch past it.

use std::time::Duration;

use serde_json::{Value, json};

use super::DemoError;
use crate::ground::name::Issuer;

/// Longer than any step takes; a demo that hangs says so.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) receipt: Option<String>,
    pub(super) receipt_id: Option<String>,
    pub(super) body: Value,
}

impl Answer {
    /// The text that the agent answered.
    pub(super) fn text(&self) -> Option<&str> {
        self.body.pointer("/result/message/parts/0/text")?.as_str()
    }

    /// A member of the refusal, as A2A's errors carry it.
    pub(super) fn refusal(&self, member: &str) -> &str {
        let found = self.body.pointer("/error/data/0/metadata").and_then(|data| data.get(member));
        found.and_then(Value::as_str).unwrap_or_default()
    }

    /// The code of the refusal.
    pub(super) fn code(&self) -> &str {
        self.refusal("code")
    }
}

/// A receipt with its nonce, as they travel.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) receipt: String,
    pub(super) nonce: String,
}

#[derive(Debug)]
pub(super) struct TravelDesk {
    http: reqwest::Client,
    base: String,
    private: String,
    token: String,
    birch: Issuer,
}

impl TravelDesk {
    pub(super) fn new(base: String, private: String, token: String, birch: Issuer) -> Result<Self, DemoError> {
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
        Ok(Self { http: client.map_err(DemoError::http)?, base, private, token, birch })
    }

    /// The unguessable base URL under which the desk calls booking.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Where booking is, past the desk's own gateway.
    pub(super) fn direct(&self, route: &str) -> String {
        format!("{}/agents/{route}/rpc", self.birch)
    }

    /// Reads booking's card, as any A2A client does first, and tells which URL it names.
    pub(super) async fn read_card(&self) -> Result<String, DemoError> {
        let url = format!("{}/.well-known/agent-card.json", self.base);
        let answer = self.send(self.http.get(url)).await?;
        let url = answer.body.pointer("/supportedInterfaces/0/url").and_then(Value::as_str);
        url.map(str::to_owned).ok_or_else(|| DemoError::Unexpected(format!("no card: {}", answer.body)))
    }

    /// Asks for a room at this price, at the URL that the card named.
    pub(super) async fn book(&self, url: &str, amount: u64) -> Result<Answer, DemoError> {
        let request = self.http.post(url).header("content-type", "application/json").body(question(amount));
        self.send(request).await
    }

    /// Lets Atlas decide about a request of another program, which attaches the receipt itself.
    pub(super) async fn ticket(&self, audience: &Issuer, target: &str, body: &str) -> Result<Ticket, DemoError> {
        let asked = json!({
            "evaluation": {
                "subject": { "type": "Agent", "id": "night-batch" },
                "action": { "name": "a2a.send_message" },
                "resource": { "type": "PeerAgent", "id": format!("{audience}/booking") },
            },
            "effect": "allow",
            "audience": audience,
            "request": {
                "method": "POST",
                "target": target,
                "body": crate::ground::crypto::hash::encode_base64url(body.as_bytes()),
            },
        });
        let url = format!("{}/v1/decisions", self.private);
        let request = self.http.post(url).bearer_auth(&self.token).header("content-type", "application/json");
        let answer = self.send(request.body(asked.to_string())).await?;
        let field = |name: &str| answer.body.pointer(&format!("/headers/{name}")).and_then(Value::as_str);
        match (field("Countersign-Receipt"), field("Countersign-Nonce")) {
            (Some(receipt), Some(nonce)) => Ok(Ticket { receipt: receipt.to_owned(), nonce: nonce.to_owned() }),
            _ => Err(DemoError::Unexpected(format!("no receipt: {}", answer.body))),
        }
    }

    /// Sends bytes to Birch as whoever holds the ticket.
    pub(super) async fn present(&self, ticket: &Ticket, url: &str, body: &str) -> Result<Answer, DemoError> {
        let request = self.http.post(url).header("content-type", "application/json");
        let request = request.header("countersign-receipt", &ticket.receipt).header("countersign-nonce", &ticket.nonce);
        self.send(request.body(body.to_owned())).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, DemoError> {
        let response = request.send().await.map_err(DemoError::http)?;
        let field = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (receipt, receipt_id) = (field("countersign-receipt"), field("countersign-receipt-id"));
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(DemoError::http)?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, receipt, receipt_id, body })
    }
}

/// An A2A message in JSON-RPC.
pub(super) fn question(amount: u64) -> String {
    let text = format!("A room for two nights, please, for at most {amount}.");
    let message = json!({
        "role": "ROLE_USER",
        "messageId": format!("ask-{amount}"),
        "parts": [{ "text": text }],
        "metadata": { "amount": amount },
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": { "message": message } }).to_string()
}
