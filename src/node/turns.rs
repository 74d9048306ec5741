//! Taking turns: what goes by one name is done by one at a time, in the order in which they came.
//!
//! Out of scope: other processes, which nothing here holds back.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};

/// Names share this many locks, so that memory does not grow with them. Two that share one merely wait for each other;
/// with as many locks as a group commit has items, a commit is filled all the same.
const LOCKS: usize = crate::node::write_path::MAX_BATCH;

/// The turns. Clones share them.
#[derive(Debug, Clone)]
pub(in crate::node) struct Turns {
    locks: Arc<[Mutex<()>]>,
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { locks: (0..LOCKS).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }
}

impl Turns {
    /// Waits until it is the caller's turn at `name`, which ends when the guard is dropped.
    pub(in crate::node) async fn take(&self, name: &str) -> Option<MutexGuard<'_, ()>> {
        let hash = usize::try_from(self.hasher.hash_one(name) % LOCKS as u64).unwrap_or_default();
        match self.locks.get(hash) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_another_name_does_not() {
        let turns = Turns::default();
        let first = turns.take("a").await;
        assert!(turns.clone().take("a").now_or_never().is_none());
        let others = ["b", "c", "d", "e", "f", "g", "h", "i"];
        assert!(others.iter().any(|name| turns.take(name).now_or_never().is_some()));
        drop(first);
        assert!(turns.take("a").now_or_never().is_some());
    }
}
