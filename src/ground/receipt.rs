//! Receipts: one signed statement each, as a compact JWS whose payload is canonical JSON.
//!
//! The way through this folder is the way of the data: [`payload`] says what each kind states, [`compact`] turns it
//! into the signed string and reads strangers' strings, [`binding`] ties a receipt to one HTTP exchange, and
//! [`verify`] is the only place where a `VerifiedReceipt` comes from. Normative text: `spec/receipts.md`.

pub mod binding;
pub mod compact;
pub mod payload;
pub mod verify;
