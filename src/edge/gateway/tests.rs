//! Two operators' gateways, a real agent behind one of them, and the wire between them, on loopback.

mod attacks;
mod calls;
mod cards;
mod delivery;
mod streams;
mod world;
