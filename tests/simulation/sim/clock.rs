//! Tells virtual time as the ledger and the gateway do: as moments since a start, and as the gateway's Unix time.

use std::sync::LazyLock;
use tokio::time::Instant;
use topup::moment::Moment;

/// The wall clock when a simulation begins, in Unix milliseconds.
pub(crate) const BEGINNING_MS: i64 = 1_780_000_000_000;

/// What moments are counted from; only their differences matter.
static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);

/// Makes sure that no simulated time lies before the start.
pub(crate) fn begin() {
    LazyLock::force(&START);
}

/// The virtual present, by which intents are counted.
pub(crate) fn virtual_now() -> Moment {
    moment_of(Instant::now())
}

pub(crate) fn moment_of(at: Instant) -> Moment {
    Moment::after_start(at.into_std().saturating_duration_since(*START))
}

/// The gateway's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GatewayClock {
    pub(crate) epoch: Instant,
    /// How far it is ahead of the wall clock as that was at the beginning.
    pub(crate) ahead_ms: i64,
}

impl GatewayClock {
    /// Its time at a moment, in Unix milliseconds.
    pub(crate) fn unix_ms(self, at: Moment) -> i64 {
        let since = at.since(moment_of(self.epoch)).as_millis();
        BEGINNING_MS + i64::try_from(since).unwrap_or(i64::MAX / 2) + self.ahead_ms
    }
}
