//! The operator's policy: a folder of Cedar rules, read strictly, asked for every decision, and named by a digest.
//!
//! Cedar 4 (<https://docs.cedarpolicy.com>) evaluates; the request is that of the OpenID AuthZEN Authorization API
//! 1.0; `spec/policy.md` numbers the rules (POL-01 and on) of everything that this module adds. The engine fails
//! closed: whatever cannot be evaluated is a deny that says why.
//!
//! Out of scope: reading the folder and keeping its revisions (`edge`, `io`), describing an HTTP or A2A call as a
//! request (`agent`), receipts (`receipt`), who approves and how (`node`).

mod engine;
mod epoch;
mod explain;
mod facts;
mod fault;
mod rules;
mod source;
pub mod starter;

pub use engine::{Approval, Engine, Evaluation};
pub use epoch::{EngineName, EpochManifest, Named, Revision, RevisionFile};
pub use explain::{DecidingRule, Explanation, Failure, NearestPermit, Part};

pub use crate::ground::question::{Action, Entity, EntityName, Request};
pub use fault::{Location, PolicyError, PolicyFault, PolicyWarning};
pub use source::{ENTITIES_PATH, PolicyFile, PolicySource, SCHEMA_PATH};

#[cfg(test)]
mod tests;
