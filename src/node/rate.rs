//! Rate limits: a token bucket for each of a bounded number of parties.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How fast one party may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls per second in the long run.
    pub per_s: u32,
    /// Calls at once after a pause.
    pub burst: u32,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Thousandths of a call.
    level: u64,
    at_ms: u64,
}

/// Buckets by party. At most `parties` are kept; a newcomer beyond that takes the place of the one that was quiet the
/// longest, whose bucket has filled again in the meantime or nearly so.
#[derive(Debug)]
pub struct RateLimit<K: Ord + Clone> {
    rate: Rate,
    parties: usize,
    buckets: Mutex<BTreeMap<K, Bucket>>,
}

impl<K: Ord + Clone> RateLimit<K> {
    /// Limits each of at most `parties` parties to `rate`.
    pub fn new(rate: Rate, parties: usize) -> Self {
        Self { rate, parties, buckets: Mutex::new(BTreeMap::new()) }
    }

    /// Takes one call at `now_ms` and tells whether there was one left.
    pub fn take(&self, party: &K, now_ms: u64) -> bool {
        let full = u64::from(self.rate.burst) * 1000;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(party) && buckets.len() >= self.parties {
            // Buckets ahead of the clock go first: else newcomers would take turns in the place of one another.
            let quiet = buckets.iter().min_by_key(|(_, bucket)| (bucket.at_ms <= now_ms, bucket.at_ms));
            let quiet = quiet.map(|(party, _)| party.clone());
            quiet.map(|quiet| buckets.remove(&quiet));
        }
        let bucket = buckets.entry(party.clone()).or_insert(Bucket { level: full, at_ms: now_ms });
        // Calls per second are thousandths of a call per millisecond. A clock that was set back gives and takes
        // nothing.
        let gained = now_ms.saturating_sub(bucket.at_ms).saturating_mul(u64::from(self.rate.per_s));
        *bucket = Bucket { level: bucket.level.saturating_add(gained).min(full), at_ms: now_ms };
        let left = bucket.level >= 1000;
        if left {
            bucket.level -= 1000;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_has_its_burst_and_then_its_rate() {
        let limit = RateLimit::new(Rate { per_s: 2, burst: 3 }, 10);
        assert_eq!((0..5).filter(|_| limit.take(&"a", 1000)).count(), 3);
        assert!(limit.take(&"b", 1000));
        assert!(!limit.take(&"a", 1499));
        assert!(limit.take(&"a", 1500));
        assert_eq!((0..9).filter(|_| limit.take(&"a", 60_000)).count(), 3);
    }

    #[test]
    fn the_number_of_parties_is_bounded() {
        let limit = RateLimit::new(Rate { per_s: 1, burst: 1 }, 100);
        for party in 0..10_000u32 {
            assert!(limit.take(&party, u64::from(party)));
        }
        assert!(limit.buckets.lock().unwrap().len() <= 100);
    }

    #[test]
    fn a_clock_that_goes_back_gives_and_takes_nothing() {
        let limit = RateLimit::new(Rate { per_s: 1, burst: 3 }, 1);
        assert!(limit.take(&(), 1_000_000));
        assert_eq!((0..5).filter(|_| limit.take(&(), 0)).count(), 2);
        assert!(!limit.take(&(), 999));
        assert!(limit.take(&(), 1000));
    }

    #[test]
    fn newcomers_after_a_clock_went_back_do_not_take_turns() {
        let limit = RateLimit::new(Rate { per_s: 1, burst: 1 }, 10);
        for party in 0..10 {
            assert!(limit.take(&party, 1_000_000));
        }
        assert!(limit.take(&10, 0) && limit.take(&11, 0));
        assert!(!limit.take(&10, 0) && !limit.take(&11, 0));
    }
}
