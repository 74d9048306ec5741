//! The time of day, from one place, so that a test can hold the hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ground::name::Timestamp;

/// A source of Unix time. Clones share the hand.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicU64>),
}

/// Moves a manual clock.
#[derive(Debug, Clone)]
pub struct Hand(Arc<AtomicU64>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until its hand is moved.
    pub fn manual(start: Timestamp) -> (Self, Hand) {
        let hand = Arc::new(AtomicU64::new(start.unix_s().saturating_mul(1000)));
        (Self(Source::Manual(Arc::clone(&hand))), Hand(hand))
    }

    /// Milliseconds since the epoch. A machine whose clock stands before 1970 gets 0, and with it receipts that
    /// nobody takes.
    pub fn now_ms(&self) -> u64 {
        match &self.0 {
            Source::System => {
                #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
            }
            Source::Manual(hand) => hand.load(Ordering::Acquire),
        }
    }

    /// Seconds since the epoch.
    pub fn now(&self) -> Timestamp {
        Timestamp::EPOCH.plus(self.now_ms() / 1000)
    }
}

impl Hand {
    /// Moves on by milliseconds.
    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::AcqRel);
    }

    /// Sets the time, also backwards.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.unix_s().saturating_mul(1000), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_its_hand() {
        let (clock, hand) = Clock::manual(Timestamp::EPOCH.plus(100));
        assert_eq!(clock.now().unix_s(), 100);
        hand.advance_ms(1999);
        assert_eq!((clock.now().unix_s(), clock.now_ms()), (101, 101_999));
        hand.set(Timestamp::EPOCH.plus(50));
        assert_eq!(clock.now().unix_s(), 50);
    }

    #[test]
    fn the_machines_clock_is_past_this_programs_making() {
        assert!(Clock::system().now().unix_s() > 1_760_000_000);
    }
}
