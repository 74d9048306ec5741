//! What the gateway has to know about agents: their calls, their cards, and how to refuse them.
//!
//! A request becomes a [`call::Call`], the call a question to the policy ([`question`]), and a refusal becomes an
//! answer that the caller's own library understands ([`refusal`]). Agent cards are rewritten so that no call goes past
//! the gateway ([`card`]). The table from calls to questions is `spec/calls.md`; refusals and cards are in
//! `spec/carriage.md`.
//!
//! Public specs: A2A 1.0.1 (JSON-RPC and HTTP+JSON bindings) and 0.3, OpenID AuthZEN Authorization API 1.0, RFC 9457,
//! RFC 6901. Out of scope: gRPC, which the gateway does not carry; the bytes on the wire and their headers (`edge`);
//! and what the policy answers (`policy`).

mod a2a;
mod action;
pub mod authzen;
pub mod call;
pub mod card;
pub mod lift;
pub mod question;
pub mod refusal;

pub use action::{CallAction, UnknownAction};

/// URI of the A2A extension that announces receipts in an agent card.
pub const EXTENSION_URI: &str = "urn:countersign:a2a:receipts:v1";
