//! Tells the gateway's present, by the header `Date` of its answers.
//!
//! The time between two moments is taken from a clock that never jumps ([`Moment`]); only where its zero lies in Unix
//! time is a question. An answer with `Date: d` that came at `m` was made at `d` or up to a second after it, and not
//! after `m`: the gateway's time at `m` is at least `d`. So `d - m` is a lower bound of that zero, short of it by the
//! answer's delay and the second's fraction, and the largest bound seen is the best: the smallest delay counts. Where this
//! machine's own clock agrees with it within the second that `Date` does not tell, it is the finer one, and is taken.
//!
//! An estimate that is too low makes a top-up older than it should be: its time on the way gets shorter, and what the
//! gateway refuses is refused for certain. It is too high by less than a second.
//!
//! Before the first `Date` this machine's clock at the start of the program counts: were it stepped since, requests that
//! are under way would else be given hours that they should not have.

use crate::moment::Moment;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// How long a bound counts at the least, and half of how long it counts at the most: the two clocks may drift.
const KEPT_MS: i64 = 300_000;
/// What `Date` does not tell.
const SECOND_MS: i64 = 1000;

/// What the answers so far say of the gateway's clock. Times in milliseconds.
#[derive(Debug)]
pub(super) struct Present {
    /// Where this machine's clock said that zero lies, at the start.
    at_start: i64,
    heard: Mutex<Option<Heard>>,
}

/// The largest bounds: of the newest span of time, and of the one before.
#[derive(Clone, Copy, Debug)]
struct Heard {
    since: i64,
    newest: i64,
    before: Option<i64>,
}

impl Present {
    pub(super) fn new() -> Self {
        Self::with(own_zero())
    }

    fn with(at_start: i64) -> Self {
        Self { at_start, heard: Mutex::new(None) }
    }

    /// Takes in the `Date` of an answer that came at a moment.
    pub(super) fn hear(&self, date_unix_s: i64, came_at: Moment) {
        let came_at = ms(came_at);
        let bound = date_unix_s.saturating_mul(SECOND_MS) - came_at;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = Some(match *heard {
            None => Heard { since: came_at, newest: bound, before: None },
            Some(heard) if came_at - heard.since > KEPT_MS => {
                Heard { since: came_at, newest: bound, before: Some(heard.newest) }
            }
            Some(heard) => Heard { newest: heard.newest.max(bound), ..heard },
        });
    }

    /// The gateway's time at a moment, in Unix milliseconds.
    pub(super) fn unix_ms(&self, at: Moment) -> i64 {
        self.unix_ms_beside(at, own_zero())
    }

    fn unix_ms_beside(&self, at: Moment, own_zero: i64) -> i64 {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let zero = heard.map_or(self.at_start, |heard| {
            let bound = heard.before.map_or(heard.newest, |before| before.max(heard.newest));
            own_zero.clamp(bound, bound + SECOND_MS)
        });
        zero + ms(at)
    }
}

/// Where this machine's clock says that zero of the other one lies.
fn own_zero() -> i64 {
    let now = Moment::now();
    // A clock before 1970 is refused by the gateway, which names the skew; here it must only not panic.
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(unix.as_millis()).unwrap_or(i64::MAX / 2) - ms(now)
}

fn ms(at: Moment) -> i64 {
    i64::try_from(at.since_start().as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// 2026-05-28, at which both clocks begin.
    const ZERO: i64 = 1_780_000_000_000;

    fn at(ms: u64) -> Moment {
        Moment::after_start(Duration::from_millis(ms))
    }

    /// A gateway whose clock is `off` ahead, heard at these moments after these delays.
    fn heard(off: i64, answers: &[(u64, i64)]) -> Present {
        let present = Present::with(ZERO);
        for (came_at, delay) in answers {
            let made_at = ZERO + i64::try_from(*came_at).unwrap() + off - delay;
            present.hear(made_at.div_euclid(1000), at(*came_at));
        }
        present
    }

    #[test]
    fn a_clock_that_agrees_is_believed_to_the_millisecond() {
        let present = heard(0, &[(5_300, 40), (9_950, 700)]);
        assert_eq!(present.unix_ms_beside(at(20_123), ZERO), ZERO + 20_123);
    }

    #[test]
    fn the_smallest_delay_counts_and_the_estimate_is_never_a_second_too_high() {
        for off in [-3_600_000, -45_250, -1_700, 1_700, 45_250, 3_600_000] {
            for came_at in [5_000, 5_300, 5_999] {
                let present = heard(off, &[(1_000, 29_000), (came_at, 20), (8_500, 4_000)]);
                let found = present.unix_ms_beside(at(20_000), ZERO) - ZERO - 20_000;
                assert!((-1_020..1_000).contains(&(found - off)), "{off}: {found}");
            }
        }
    }

    #[test]
    fn a_step_of_this_machines_clock_changes_nothing_once_the_gateway_was_heard() {
        let present = heard(0, &[(5_300, 40)]);
        let right = present.unix_ms_beside(at(20_000), ZERO);
        for step in [-3_600_000, 3_600_000] {
            assert!((present.unix_ms_beside(at(20_000), ZERO + step) - right).abs() < 1_000, "{step}");
        }
    }

    #[test]
    fn before_the_gateway_was_heard_the_clock_at_the_start_counts() {
        let present = Present::with(ZERO);
        for step in [-3_600_000, 0, 3_600_000] {
            assert_eq!(present.unix_ms_beside(at(20_000), ZERO + step), ZERO + 20_000);
        }
    }

    #[test]
    fn a_gateway_whose_clock_was_set_back_is_believed_after_a_while() {
        let present = heard(30_000, &[(5_000, 10)]);
        for came_at in [310_000, 620_000] {
            present.hear((ZERO + i64::try_from(came_at).unwrap()) / 1000, at(came_at));
        }
        assert_eq!(present.unix_ms_beside(at(700_000), ZERO), ZERO + 700_000);
    }
}
