//! How many calls an own agent has under way at once.
//!
//! Connections alone are no bound, because each carries many streams. Peers are bounded by the rate of their receipts
//! (`node::acceptor`), an own agent by this.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::node::write_path::MAX_BATCH;

/// Calls that one agent may have under way. Each has one item at a time before the store, so an agent alone can fill
/// one commit, which is all that speed asks for, and never more than a sixteenth of what may wait there.
pub(super) const MAX_OF_AN_AGENT: usize = MAX_BATCH;

/// The calls under way, by agent.
#[derive(Debug)]
pub(super) struct UnderWay(BTreeMap<String, Arc<Semaphore>>);

/// A call's place, given back once all of the call is written down.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl UnderWay {
    /// No calls of these agents.
    pub(super) fn of<'a>(agents: impl Iterator<Item = &'a str>) -> Self {
        Self(agents.map(|name| (name.to_owned(), Arc::new(Semaphore::new(MAX_OF_AN_AGENT)))).collect())
    }

    /// A place for one more call of the agent, if there is one left.
    pub(super) fn begin(&self, agent: &str) -> Option<Place> {
        Arc::clone(self.0.get(agent)?).try_acquire_owned().ok().map(Place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agent_has_its_own_places() {
        let under_way = UnderWay::of(["one", "two"].into_iter());
        let mut places: Vec<_> = std::iter::from_fn(|| under_way.begin("one")).collect();
        assert_eq!(places.len(), MAX_OF_AN_AGENT);
        assert!(under_way.begin("two").is_some());
        places.pop();
        assert!(under_way.begin("one").is_some());
    }
}
