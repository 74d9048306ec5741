//! Rewrites agent cards so that no call goes past the gateway (`spec/carriage.md`, rules CARD-01 to CARD-09).
//!
//! An SDK fetches the card where it is told to, and then calls the URL **in** the card. So each callable URL of a card
//! that passes the gateway is either below the gateway or gone: `supportedInterfaces[].url` (A2A 1.0), `url` and
//! `additionalInterfaces[].url` (0.3). URLs that nobody calls as an agent (documentation, icon, provider, security
//! schemes) stay as they are.
//!
//! A rewritten card no longer matches its signatures, so they are stripped and [`Rewritten::was_signed`] says so. Out
//! of scope: verifying them first and signing anew, which needs keys of the upstream agent; and push-notification
//! configs, which carry the client's own callback URLs, not an agent's.

use serde_json::{Map, Value, json};
use url::Url;

use super::EXTENSION_URI;
use super::a2a::same_for_some;
use crate::ground::canonical::{ReadError, Rules, parse, to_vec};
use crate::ground::limits::MAX_CARD_BYTES;
use crate::ground::name::Issuer;

/// How cards of one route are rewritten.
#[derive(Debug, Clone, Copy)]
pub struct CardRewrite<'a> {
    /// Where the agent is reached: the route's upstream first, then other names that its card uses for the same place.
    pub upstreams: &'a [Url],
    /// What callers use instead: the route's URL at the gateway.
    pub gateway: &'a Url,
    /// The extension entry to put in; without one, an entry that is there is taken out, because the caller's own
    /// gateway deals with it.
    pub announcement: Option<Announcement<'a>>,
}

/// What a card says about receipts.
#[derive(Debug, Clone, Copy)]
pub struct Announcement<'a> {
    /// Whether calls without a receipt are refused.
    pub required: bool,
    /// The operator.
    pub issuer: &'a Issuer,
    /// URL of its discovery document.
    pub discovery: &'a str,
}

/// A rewritten card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The new bytes.
    pub body: Vec<u8>,
    /// URLs of interfaces that were taken out, as the card wrote them.
    pub dropped: Vec<String>,
    /// Whether the card carried signatures, which are stripped.
    pub was_signed: bool,
}

/// Why a card cannot be passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Not strict JSON.
    #[error("the agent card is no JSON document that every reader takes for the same: {0}")]
    Json(#[from] ReadError),
    /// A member of the wrong type.
    #[error("the agent card's `{0}` is not {1}")]
    Member(&'static str, &'static str),
    /// No interface is below the upstream, so none can be reached through the gateway.
    #[error("no interface of the agent card can be reached through the gateway; it names {}", list(.0))]
    NoInterface(Vec<String>),
    /// A member that some readers would take for one that decides where calls go.
    #[error("the agent card's `{0}` is misspelled; some readers would take it for `{1}`")]
    Spelling(String, &'static str),
}

fn list(urls: &[String]) -> String {
    if urls.is_empty() { "none".to_owned() } else { format!("`{}`", urls.join("`, `")) }
}

/// Rewrites the bytes of a card.
pub fn rewrite(card: &[u8], by: &CardRewrite<'_>) -> Result<Rewritten, CardError> {
    let mut object = read(card, "body")?;
    let (dropped, was_signed) = rewrite_object(&mut object, by)?;
    Ok(Rewritten { body: written(&Value::Object(object))?, dropped, was_signed })
}

/// Rewrites the card in a JSON-RPC answer; `None` when the answer carries no result, and may pass as it is.
pub fn rewrite_rpc_answer(answer: &[u8], by: &CardRewrite<'_>) -> Result<Option<Rewritten>, CardError> {
    let mut envelope = read(answer, "body")?;
    refuse_misspelling(&envelope, "result")?;
    let Some(result) = envelope.get_mut("result") else { return Ok(None) };
    let card = result.as_object_mut().ok_or(CardError::Member("result", "an object"))?;
    let (dropped, was_signed) = rewrite_object(card, by)?;
    Ok(Some(Rewritten { body: written(&Value::Object(envelope))?, dropped, was_signed }))
}

/// Whether some SDK could take this answer for an agent card, wherever it was fetched.
pub fn looks_like_card(answer: &[u8]) -> bool {
    let Ok(Value::Object(object)) = serde_json::from_slice(answer) else { return false };
    let has = |name| object.keys().any(|key| same_for_some(key, name));
    has("supportedInterfaces") || has("additionalInterfaces") || (has("url") && has("skills"))
}

fn read(bytes: &[u8], name: &'static str) -> Result<Map<String, Value>, CardError> {
    match parse(bytes, &Rules::json(MAX_CARD_BYTES))? {
        Value::Object(object) => Ok(object),
        _ => Err(CardError::Member(name, "an object")),
    }
}

fn written(value: &Value) -> Result<Vec<u8>, CardError> {
    to_vec(value).map_err(|_| CardError::Member("body", "expressible as JSON"))
}

fn rewrite_object(card: &mut Map<String, Value>, by: &CardRewrite<'_>) -> Result<(Vec<String>, bool), CardError> {
    for name in
        ["supportedInterfaces", "additionalInterfaces", "url", "preferredTransport", "capabilities", "signatures"]
    {
        refuse_misspelling(card, name)?;
    }
    let was_signed = card.remove("signatures").is_some_and(|signatures| !is_empty(&signatures));
    let mut dropped = Vec::new();
    let current = interfaces(card, "supportedInterfaces", "protocolBinding", by, &mut dropped)?;
    let former = interfaces(card, "additionalInterfaces", "transport", by, &mut dropped)?;
    let main = main_interface(card, by, &mut dropped)?;
    if current + former == 0 && !main {
        return Err(CardError::NoInterface(dropped));
    }
    announce(card, by.announcement.as_ref())?;
    Ok((dropped, was_signed))
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn refuse_misspelling(object: &Map<String, Value>, name: &'static str) -> Result<(), CardError> {
    match object.keys().find(|key| *key != name && same_for_some(key, name)) {
        Some(key) => Err(CardError::Spelling(key.chars().take(80).collect(), name)),
        None => Ok(()),
    }
}

/// Bindings that the gateway carries; it recognises no others and lets none past.
fn is_carried(binding: &str) -> bool {
    matches!(binding, "JSONRPC" | "HTTP+JSON")
}

/// Rewrites a list of interfaces in place and counts those that stay; an empty list goes altogether.
fn interfaces(
    card: &mut Map<String, Value>,
    list: &'static str,
    binding: &'static str,
    by: &CardRewrite<'_>,
    dropped: &mut Vec<String>,
) -> Result<usize, CardError> {
    let entries = match card.remove(list) {
        None | Some(Value::Null) => return Ok(0),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(CardError::Member(list, "an array")),
    };
    let mut kept = Vec::new();
    for entry in entries {
        let Value::Object(mut entry) = entry else { return Err(CardError::Member(list, "an array of objects")) };
        refuse_misspelling(&entry, "url")?;
        refuse_misspelling(&entry, binding)?;
        let url = entry.get("url").and_then(Value::as_str).unwrap_or_default();
        let carried = entry.get(binding).and_then(Value::as_str).is_some_and(is_carried);
        match by.at_gateway(url).filter(|_| carried) {
            Some(mapped) => {
                entry.insert("url".to_owned(), mapped.into());
                kept.push(Value::Object(entry));
            }
            None => dropped.push(url.to_owned()),
        }
    }
    let count = kept.len();
    if count > 0 {
        card.insert(list.to_owned(), Value::Array(kept));
    }
    Ok(count)
}

/// The main interface of version 0.3. Where it cannot stay, the first additional one takes its place, as a 0.3 card
/// must have one. Called after the lists are rewritten.
fn main_interface(
    card: &mut Map<String, Value>,
    by: &CardRewrite<'_>,
    dropped: &mut Vec<String>,
) -> Result<bool, CardError> {
    let url = match card.remove("url") {
        None | Some(Value::Null) => return Ok(false),
        Some(Value::String(url)) => url,
        Some(_) => return Err(CardError::Member("url", "a string")),
    };
    let carried = match card.get("preferredTransport") {
        None | Some(Value::Null) => true,
        Some(transport) => transport.as_str().is_some_and(is_carried),
    };
    if let Some(mapped) = by.at_gateway(&url).filter(|_| carried) {
        card.insert("url".to_owned(), mapped.into());
        return Ok(true);
    }
    dropped.push(url);
    card.remove("preferredTransport");
    let first = card.get("additionalInterfaces").and_then(|list| list.get(0)).cloned();
    if let Some(Value::Object(mut first)) = first {
        for (from, to) in [("url", "url"), ("transport", "preferredTransport")] {
            if let Some(value) = first.remove(from) {
                card.insert(to.to_owned(), value);
            }
        }
    }
    Ok(card.contains_key("url"))
}

impl CardRewrite<'_> {
    /// The URL at the gateway for one below an upstream; `None` for any other, which must not reach the caller where it
    /// could be called (also in a `Location`). A URL that already is below the gateway stays.
    pub fn at_gateway(&self, text: &str) -> Option<String> {
        let url = Url::parse(text).ok()?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if !plain || !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let bases = std::iter::once(self.gateway).chain(self.upstreams);
        let below = bases.into_iter().find_map(|base| path_below(base, &url))?;
        // A URL without a path has the path `/` once it is parsed; the card did not write it.
        let below = if below == "/" && !text.ends_with('/') { "" } else { below };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(format!("{}{below}{query}", self.gateway.as_str().trim_end_matches('/')))
    }
}

/// The rest of the URL's path if it has the base's origin and continues the base's path at a segment boundary.
fn path_below<'a>(base: &Url, url: &'a Url) -> Option<&'a str> {
    let same_origin = base.scheme() == url.scheme()
        && base.host() == url.host()
        && base.port_or_known_default() == url.port_or_known_default();
    let below = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    (same_origin && (below.is_empty() || below.starts_with('/'))).then_some(below)
}

/// Puts our extension entry in, or takes it out.
fn announce(card: &mut Map<String, Value>, announcement: Option<&Announcement<'_>>) -> Result<(), CardError> {
    let mut capabilities = match card.remove("capabilities") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(capabilities)) => capabilities,
        Some(_) => return Err(CardError::Member("capabilities", "an object")),
    };
    refuse_misspelling(&capabilities, "extensions")?;
    let mut extensions = match capabilities.remove("extensions") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(extensions)) => extensions,
        Some(_) => return Err(CardError::Member("capabilities.extensions", "an array")),
    };
    extensions.retain(|entry| entry.get("uri").and_then(Value::as_str) != Some(EXTENSION_URI));
    extensions.extend(announcement.map(Announcement::entry));
    if !extensions.is_empty() {
        capabilities.insert("extensions".to_owned(), Value::Array(extensions));
    }
    card.insert("capabilities".to_owned(), Value::Object(capabilities));
    Ok(())
}

impl Announcement<'_> {
    /// Texts only: A2A carries `params` as a protobuf Struct, in which numbers change their form.
    fn entry(&self) -> Value {
        json!({
            "uri": EXTENSION_URI,
            "description": "Calls carry a signed decision receipt of the caller's operator; answers carry an acknowledgement.",
            "required": self.required,
            "params": {"issuer": self.issuer.as_str(), "discovery": self.discovery},
        })
    }
}

#[cfg(test)]
mod tests;
