//! Reads the clock, and words a day.

use crate::ledger::UnixMs;

/// Now, in Unix milliseconds.
#[must_use]
pub fn unix_ms() -> UnixMs {
    jiff::Timestamp::now().as_millisecond()
}

/// A moment in UTC, as the ledger keeps times, to the second.
#[must_use]
pub fn moment(ms: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "?".to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The day in UTC, as the ledger keeps times.
#[must_use]
pub fn day(ms: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| "?".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}
