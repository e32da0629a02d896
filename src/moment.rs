//! Tells moments of a clock that never jumps and that goes on while the machine sleeps.
//!
//! Neither of the standard library's clocks does both: `SystemTime` is stepped, and `Instant` stands still during a
//! sleep. What a permit may live through has to count either.

use std::time::Duration;

/// A moment, counted from the machine's start. Moments of two machines, or of two starts, say nothing of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment of the call.
    #[must_use]
    pub fn now() -> Self {
        Self(since_start())
    }

    /// The moment so long after the machine's start: for clocks that a simulation brings itself.
    #[must_use]
    pub const fn after_start(since: Duration) -> Self {
        Self(since)
    }

    /// How long after the machine's start it is.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// How long after an earlier moment it is; zero after a later one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// `CLOCK_BOOTTIME`, which counts the time asleep; elsewhere the clock that comes nearest (on macOS and Windows the
/// monotonic one counts it as well).
#[cfg(unix)]
fn since_start() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    Duration::try_from(rustix::time::clock_gettime(CLOCK)).unwrap_or_default()
}

#[cfg(not(unix))]
fn since_start() -> Duration {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    FIRST.get_or_init(std::time::Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_and_never_back() {
        let (first, then) = (Moment::now(), Moment::now());
        assert!(first <= then && first.since_start() > Duration::ZERO);
        assert_eq!(first.since(then), Duration::ZERO);
        let later = Moment::after_start(first.since_start() + Duration::from_secs(3));
        assert_eq!(later.since(first), Duration::from_secs(3));
    }

    /// What the machine slept through is in it: it is never behind the kernel's own count of uptime, sleep included.
    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_the_clock_that_counts_sleep() {
        let uptime = || {
            let text = std::fs::read_to_string("/proc/uptime").unwrap();
            Duration::from_secs_f64(text.split(' ').next().unwrap().parse().unwrap())
        };
        let hundredth = Duration::from_millis(11);
        let (before, now, after) = (uptime(), Moment::now().since_start(), uptime());
        assert!(before <= now + hundredth && now <= after + hundredth, "{before:?} {now:?} {after:?}");
    }
}
