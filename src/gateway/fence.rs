//! Says how the gateway is made to refuse top-ups that are delivered late.
//!
//! The gateway refuses a request whose timestamp is older than its window (VinID top-up API, code 4010004). A top-up is
//! stamped as if it were nearly that old already, so that what is delivered later than `within` after its intent does
//! nothing, whoever delivers it.

use crate::moment::Moment;
use std::time::Duration;

/// A top-up that leaves while its permit lives is answered, or given up, so long before the bound at the least. An answer
/// that says "too old" then speaks for every copy of the request that something on the way may have made.
const SPARE: Duration = Duration::from_secs(2);
/// What a permit lives at the least where the bound is not longer than a call may take: half of it, of long bounds less.
const LEAST: Duration = Duration::from_secs(4);

/// Timestamps have whole seconds, and a `Date` header tells the gateway's clock to about one.
const CLOCKS: Duration = Duration::from_secs(3);

/// The bound of late requests. Where there is none, a signed request stays valid as long as the gateway's window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// How old a timestamp the gateway takes (`gateway.timestamp_window_s`).
    pub window: Duration,
    /// A top-up that is delivered later than this after its intent is refused (`gateway.deliver_within_s`); above zero.
    pub within: Duration,
}

impl Fence {
    /// How old a top-up's timestamp is at the moment of its intent.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.window.saturating_sub(self.within)
    }

    /// How long after its intent the gateway may still take a top-up in.
    #[must_use]
    pub fn arrives_for(&self) -> Duration {
        self.within + CLOCKS
    }

    /// How long after its intent a top-up may leave, when a call takes at most `timeout`: later, it would be refused
    /// before its answer is there.
    #[must_use]
    pub fn permit_lives(&self, timeout: Duration) -> Duration {
        let least = (self.within / 2).min(LEAST).max(self.within / 4);
        self.within.saturating_sub(timeout + SPARE).max(least)
    }
}

/// Since when a top-up is permitted, and how long it may leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permitted {
    pub(super) since: Moment,
    pub(super) lives: Duration,
}

impl Permitted {
    /// Why the top-up may not leave any more, if so.
    pub(super) fn death(self, now: Moment) -> Option<String> {
        let age = now.since(self.since);
        (age > self.lives).then(|| {
            let (age, lives) = (age.as_secs_f64(), self.lives.as_secs_f64());
            format!("not sent: {age:.1} s after its intent, it may leave within {lives:.1} s")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_dies_so_early_that_its_answer_is_there_before_the_bound_where_that_can_be() {
        let lives = |within_ms, timeout_s| {
            let fence = Fence { window: Duration::from_secs(7200), within: Duration::from_millis(within_ms) };
            fence.permit_lives(Duration::from_secs(timeout_s)).as_millis()
        };
        for (within_ms, timeout_s, expected_ms) in
            [(45_000, 30, 13_000), (45_000, 10, 33_000), (45_000, 60, 11_250), (2_000, 1, 1_000), (500, 30, 250)]
        {
            assert_eq!(lives(within_ms, timeout_s), expected_ms, "{within_ms} {timeout_s}");
        }
    }
}
