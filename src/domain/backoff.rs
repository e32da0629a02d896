//! Defines how long to wait before the next try of a call.

use std::time::Duration;

/// Doubling waits between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first try.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after `tries` tries (from 1), less up to half of it: `jitter` is 0 (all of it) to 1 (half of it).
    ///
    /// Without the jitter, calls that failed together would come back together.
    #[must_use]
    pub fn wait(&self, tries: u32, jitter: f64) -> Duration {
        let doublings = tries.saturating_sub(1).min(20);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        whole.mul_f64(1.0 - 0.5 * jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };
        for (tries, jitter, expected_ms) in
            [(1, 0.0, 1_000), (2, 0.0, 2_000), (3, 0.0, 4_000), (6, 0.0, 30_000), (99, 0.0, 30_000), (2, 1.0, 1_000)]
        {
            assert_eq!(backoff.wait(tries, jitter).as_millis(), expected_ms);
        }
    }
}
