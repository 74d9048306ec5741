//! The calls that this process is carrying: what tells a call that lasts from one that a stop of the node cut off.
//!
//! Out of scope: what comes of a call (`outcomes`), and closing those that were cut off (`followup`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ground::crypto::hash::Digest;

/// The running calls, by the digest of their decision. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct RunningCalls(Arc<Mutex<BTreeSet<Digest>>>);

/// A running call. It runs until this is dropped, which is after its outcome was written down.
#[derive(Debug)]
pub struct RunningCall {
    calls: RunningCalls,
    decision: Digest,
}

impl RunningCalls {
    /// The call that this decision is about begins. There is one call for a decision.
    pub fn begin(&self, decision: Digest) -> RunningCall {
        self.lock().insert(decision);
        RunningCall { calls: self.clone(), decision }
    }

    /// Whether the call that this decision is about is running.
    pub fn is_running(&self, decision: &Digest) -> bool {
        self.lock().contains(decision)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.decision);
    }
}
