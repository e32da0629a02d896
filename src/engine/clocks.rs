//! Compares this machine's clock with the gateway's, and words what follows where they are too far apart or where the
//! gateway takes a top-up's timestamp for too old.

use super::breaker::clock_hint;
use super::event::{Stop, StopCode};
use crate::domain::answer::{Answer, Reply};
use crate::gateway::Fence;
use crate::ledger::UnixMs;
use std::time::Duration;

/// Clocks further apart stop a run: top-ups are stamped by the gateway's clock, everything else by ours.
const SKEW_MAX_MS: i64 = 60_000;
/// What the header `Date` does not tell.
const SECOND_MS: i64 = 1000;

/// The stop for clocks that are certainly too far apart, by one answer that came at `came_at` (this machine's clock)
/// after `latency`. Within these the gateway made it, so that a slow answer proves nothing.
pub(super) fn skew_stop(reply: &Reply, came_at: UnixMs, latency: Duration) -> Option<Stop> {
    // What bears no code may come from something before the gateway, with a clock of its own.
    let Reply::Answered(Answer { code: Some(_), date_unix_s: Some(date_unix_s), .. }) = reply else { return None };
    let latency_ms = i64::try_from(latency.as_millis()).unwrap_or(i64::MAX / 4);
    let ahead_at_most = came_at - date_unix_s.saturating_mul(SECOND_MS);
    let ahead_at_least = ahead_at_most.saturating_sub(SECOND_MS + latency_ms);
    let (skew_ms, side) = if ahead_at_least > SKEW_MAX_MS {
        (ahead_at_least, "ahead of")
    } else if ahead_at_most < -SKEW_MAX_MS {
        (-ahead_at_most, "behind")
    } else {
        return None;
    };
    Some(Stop {
        code: StopCode::Clock,
        message: format!(
            "this machine's clock is {} s {side} the gateway's, and {} s are allowed\nhint: set this machine's clock, \
             then run the same command again",
            (skew_ms + SECOND_MS - 1) / SECOND_MS,
            SKEW_MAX_MS / SECOND_MS
        ),
    })
}

/// The stop for a top-up whose timestamp the gateway refused; `None`: it refused something else.
pub(super) fn stamp_stop(reply: &Reply, message: &str, fence: Fence, now_unix_s: i64) -> Option<Stop> {
    let Reply::Answered(Answer { code: Some(code @ (4_010_003 | 4_010_004)), date_unix_s, .. }) = reply else {
        return None;
    };
    let (window, within) = (fence.window.as_secs_f64(), fence.within.as_secs_f64());
    Some(Stop {
        code: StopCode::Clock,
        message: format!(
            "the gateway refused a top-up's timestamp with code {code}: {message}; it did nothing. a top-up is stamped so \
             that it is refused {within} s after its intent (deliver_within_s), by a window of {window} s \
             (timestamp_window_s)\nhint: the command doctor measures the gateway's window and names what to set \
             timestamp_window_s to; a larger deliver_within_s gives a slow network more time; {}",
            clock_hint(*date_unix_s, now_unix_s)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = 1_780_000_000_500;

    fn reply(code: Option<i64>, date_unix_s: Option<i64>) -> Reply {
        Reply::Answered(Answer { http: 200, code, date_unix_s, ..Answer::default() })
    }

    fn skewed(off_s: i64, latency_ms: u64) -> Option<String> {
        let date = NOW / 1000 - off_s;
        skew_stop(&reply(Some(200), Some(date)), NOW, Duration::from_millis(latency_ms)).map(|stop| stop.message)
    }

    #[test]
    fn clocks_more_than_a_minute_apart_stop_a_run_and_slow_answers_do_not() {
        for (off_s, latency_ms, expected) in [
            (0, 0, None),
            (60, 0, None),
            (61, 0, Some("ahead")),
            (62, 0, Some("ahead")),
            (62, 5_000, None),
            (100, 30_000, Some("ahead")),
            (-60, 0, None),
            (-61, 0, Some("behind")),
            (-61, 30_000, Some("behind")),
        ] {
            let found = skewed(off_s, latency_ms);
            assert_eq!(found.is_some(), expected.is_some(), "{off_s} {latency_ms}: {found:?}");
        }
        assert!(
            skewed(3600, 0).unwrap().starts_with("this machine's clock is 3600 s ahead of the gateway's, and 60 s")
        );
        assert!(skewed(-3600, 0).unwrap().starts_with("this machine's clock is 3600 s behind the gateway's, and 60 s"));
    }

    #[test]
    fn only_the_gateways_own_answers_tell_of_its_clock() {
        let old = Some(NOW / 1000 - 7200);
        for reply in [reply(None, old), reply(Some(200), None), Reply::Lost, Reply::Unsent] {
            assert_eq!(skew_stop(&reply, NOW, Duration::ZERO).map(|stop| stop.message), None);
        }
    }

    #[test]
    fn a_refused_timestamp_names_both_settings_and_another_refusal_does_not() {
        let fence = Fence { window: Duration::from_secs(7200), within: Duration::from_secs(45) };
        for code in [4_010_003, 4_010_004] {
            let stop = stamp_stop(&reply(Some(code), None), "said", fence, 0).unwrap();
            assert_eq!(stop.code, StopCode::Clock);
            for part in [&code.to_string(), "45 s after", "deliver_within_s", "7200 s", "timestamp_window_s", "doctor"]
            {
                assert!(stop.message.contains(part), "{part}: {}", stop.message);
            }
        }
        assert!(stamp_stop(&reply(Some(4_010_002), None), "said", fence, 0).is_none());
    }
}
