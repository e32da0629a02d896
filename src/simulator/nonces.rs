//! Remembers the nonces of the last two hours, within a stated amount of memory.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How long a nonce may not be used again.
const WINDOW: Duration = Duration::from_hours(2);

/// How many nonces are kept at most: two hours at about 550 requests a second, some 500 MiB. Beyond it the oldest
/// are forgotten early, as a gateway with a bounded cache would.
const NONCES_MAX: usize = 4_000_000;

/// The nonces that were accepted and may not come again yet.
#[derive(Debug)]
pub(super) struct NonceRecord {
    known: HashSet<Arc<str>>,
    by_age: VecDeque<(Duration, Arc<str>)>,
    nonces_max: usize,
}

impl NonceRecord {
    pub(super) fn new() -> Self {
        Self::with_cap(NONCES_MAX)
    }

    fn with_cap(nonces_max: usize) -> Self {
        Self { known: HashSet::new(), by_age: VecDeque::new(), nonces_max }
    }

    /// Records a nonce; false when it is already there. `now` is the time since the simulator started.
    pub(super) fn admit(&mut self, nonce: &str, now: Duration) -> bool {
        while self.by_age.front().is_some_and(|(at, _)| now.saturating_sub(*at) > WINDOW) {
            self.forget_oldest();
        }
        if self.known.contains(nonce) {
            return false;
        }
        if self.by_age.len() >= self.nonces_max {
            self.forget_oldest();
        }
        let nonce: Arc<str> = nonce.into();
        self.known.insert(Arc::clone(&nonce));
        self.by_age.push_back((now, nonce));
        true
    }

    fn forget_oldest(&mut self) {
        if let Some((_, nonce)) = self.by_age.pop_front() {
            self.known.remove(&nonce);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_refused_for_two_hours_and_then_forgotten() {
        let mut record = NonceRecord::new();
        assert!(record.admit("a", Duration::ZERO));
        assert!(!record.admit("a", WINDOW));
        assert!(record.admit("b", WINDOW));
        assert!(record.admit("a", WINDOW + Duration::from_secs(1)));
        assert_eq!(record.by_age.len(), 2);
    }

    #[test]
    fn memory_is_bounded() {
        let mut record = NonceRecord::with_cap(3);
        for nonce in ["a", "b", "c", "d"] {
            assert!(record.admit(nonce, Duration::ZERO));
        }
        assert_eq!(record.known.len(), 3);
        assert!(!record.admit("d", Duration::ZERO));
        assert!(record.admit("a", Duration::ZERO));
    }
}
