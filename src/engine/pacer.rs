//! Lets requests leave at the operator's rate: the three calls share it, and no sliding second holds more than one
//! above it, by the times at which requests leave.
//!
//! `governor` decides which moment is the next one. It is asked on a clock of our own that stands at the ideal time of
//! each departure: a timer that fires late then delays one request, and does not push all later ones back. What a
//! late timer lets catch up is bounded twice: in time by [`CATCH_UP_MAX`], in number by the sliding second.

use super::settings::RunSettings;
use super::shared_pace::{SharedPace, Speed, Turn};
use governor::clock::{Clock, FakeRelativeClock};
use governor::{Quota, RateLimiter};
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};

/// How far behind the ideal times departures may be and still keep to them; beyond it, slots are lost.
const CATCH_UP_MAX: Duration = Duration::from_millis(100);
/// How much of a second's requests may have a slot and not have left yet: they wait for a commit or a signature.
const SLOTS_PER_RATE: f64 = 0.25;
/// Slots at the most: above a rate that the processor can keep, more of them would only wait for it, each with a
/// connection of its own in the end.
const SLOTS_MAX: usize = 128;
/// A slowed run comes back by this part of its rate each second.
const RECOVERY_PER_S: f64 = 0.05;
/// A run is never slowed below this part of its rate.
const SLOWEST: f64 = 1.0 / 64.0;
const SECOND: Duration = Duration::from_secs(1);

/// How long a run stays quiet that begins just after another one at the same rate was cut off, so that no second across
/// the two holds more than one request above the rate.
///
/// In the part `x` of a second the old run let at most `rate × (x + CATCH_UP_MAX) + 1` requests leave. The new one, which
/// begins `d` into the rest of that second, adds at most `rate × (1 − x − d) + 1`. Together that is no more than
/// `rate + 1` from `d = CATCH_UP_MAX + 1 / rate` on; a whole second is always enough.
#[must_use]
pub fn quiet_after_a_cut(rate_per_s: f64) -> Duration {
    SECOND.min(CATCH_UP_MAX + Duration::try_from_secs_f64(1.0 / rate_per_s).unwrap_or(SECOND))
}

type Limiter = RateLimiter<
    governor::state::NotKeyed,
    governor::state::InMemoryState,
    FakeRelativeClock,
    governor::middleware::NoOpMiddleware<<FakeRelativeClock as Clock>::Instant>,
>;

/// The pace of one run.
#[derive(Debug)]
pub(super) struct Pacer {
    slots: Arc<Semaphore>,
    control: std::sync::Mutex<Control>,
    closed: Closed,
    /// Fair: who came first leaves first.
    schedule: Mutex<Schedule>,
    shared: Option<Arc<SharedPace>>,
}

/// A door that closes once: a semaphore without permits, which only its closing lets anyone pass.
#[derive(Debug)]
struct Closed(Semaphore);

impl Closed {
    async fn wait(&self) {
        drop(self.0.acquire().await);
    }

    fn close(&self) {
        self.0.close();
    }
}

/// What a slow-down changes. Never locked across an await, so that slowing down does not itself wait for a departure.
#[derive(Debug)]
struct Control {
    full_rate_per_s: f64,
    rate_per_s: f64,
    rate_changed_at: Instant,
    paused_until: Instant,
}

/// A place among the requests that are about to leave. Taken before an intent is made durable, so that few payouts
/// are ever in doubt only because they wait for their turn.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Schedule {
    limiter: Limiter,
    /// The ideal time of the last departure, since `epoch`.
    clock: FakeRelativeClock,
    epoch: Instant,
    rate_per_s: f64,
    /// The last departures, at most one more than the rate.
    departed: VecDeque<Instant>,
}

impl Pacer {
    /// The pace of a run with these settings that begins at `started`.
    #[must_use]
    pub(super) fn of(settings: &RunSettings, started: Instant) -> Self {
        let shared = settings.shared_pace.clone();
        let pacer = Self { shared, ..Self::new(settings.rate_per_s, started + settings.quiet_before) };
        match settings.fence.map(|fence| fence.permit_lives(settings.timeout)) {
            Some(lives) => pacer.hurried(settings.rate_per_s, lives),
            None => pacer,
        }
    }

    /// So few slots that who has one leaves within half of the time that a permit lives: at a slow rate the others would
    /// only wait until they may not leave any more.
    fn hurried(self, rate_per_s: f64, lives: Duration) -> Self {
        let in_time = whole((rate_per_s * lives.as_secs_f64() / 2.0).floor()).max(1);
        let slots = self.slots.available_permits().min(in_time);
        Self { slots: Arc::new(Semaphore::new(slots)), ..self }
    }

    /// A pace of `rate_per_s` requests a second; the first leaves at `first_at` at the earliest.
    #[must_use]
    fn new(rate_per_s: f64, first_at: Instant) -> Self {
        let slots = (rate_per_s * SLOTS_PER_RATE).ceil() + 4.0;
        Self {
            slots: Arc::new(Semaphore::new(whole(slots).min(SLOTS_MAX))),
            control: std::sync::Mutex::new(Control {
                full_rate_per_s: rate_per_s,
                rate_per_s,
                rate_changed_at: first_at,
                paused_until: first_at,
            }),
            closed: Closed(Semaphore::new(0)),
            schedule: Mutex::new(Schedule::new(rate_per_s, first_at)),
            shared: None,
        }
    }

    /// Takes a slot if one is free.
    #[must_use]
    pub(super) fn try_slot(&self) -> Option<Slot> {
        Arc::clone(&self.slots).try_acquire_owned().ok().map(|permit| Slot { _permit: permit })
    }

    /// Waits for a slot.
    pub(super) async fn slot(&self) -> Option<Slot> {
        Arc::clone(&self.slots).acquire_owned().await.ok().map(|permit| Slot { _permit: permit })
    }

    /// Waits for the moment at which one request may leave, and gives that moment; `None` once the pacer is closed.
    pub(super) async fn depart(&self, slot: Slot) -> Option<Instant> {
        let departed = async { self.schedule.lock().await.depart(&self.control, self.shared.as_deref()).await };
        let at = tokio::select! {
            biased;
            () = self.closed.wait() => None,
            at = departed => Some(at),
        };
        drop(slot);
        at
    }

    /// Lets nothing leave any more: what has not left yet is known to be unsent.
    pub(super) fn close(&self) {
        self.closed.close();
    }

    /// The gateway said that the run is too fast: wait `pause`, and go on at half the rate. Answers to requests that
    /// left before an earlier slow-down change nothing further within its second. Gives the new rate, if it is new.
    pub(super) fn slow_down(&self, pause: Duration) -> Option<f64> {
        let now = Instant::now();
        let mut control = lock(&self.control);
        control.paused_until = control.paused_until.max(now + pause);
        let is_new = control.rate_per_s >= control.full_rate_per_s || now >= control.rate_changed_at + SECOND;
        is_new.then(|| {
            control.rate_per_s = (control.rate_per_s / 2.0).max(control.full_rate_per_s * SLOWEST);
            control.rate_changed_at = now;
            control.rate_per_s
        })
    }
}

impl Control {
    /// The rate at `now`, a step nearer to the full one if it is time.
    fn rate_at(&mut self, now: Instant) -> f64 {
        if self.rate_per_s < self.full_rate_per_s && now >= self.rate_changed_at.max(self.paused_until) + SECOND {
            self.rate_per_s = (self.rate_per_s + self.full_rate_per_s * RECOVERY_PER_S).min(self.full_rate_per_s);
            self.rate_changed_at = now;
        }
        self.rate_per_s
    }
}

/// A panic while it was held left two numbers, each whole.
fn lock(control: &std::sync::Mutex<Control>) -> std::sync::MutexGuard<'_, Control> {
    control.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Schedule {
    fn new(rate_per_s: f64, first_at: Instant) -> Self {
        let clock = FakeRelativeClock::default();
        Self { limiter: limiter(rate_per_s, &clock), clock, epoch: first_at, rate_per_s, departed: VecDeque::new() }
    }

    async fn depart(&mut self, control: &std::sync::Mutex<Control>, shared: Option<&SharedPace>) -> Instant {
        let (rate_per_s, full_rate_per_s) = {
            let mut control = lock(control);
            (control.rate_at(Instant::now()), control.full_rate_per_s)
        };
        if rate_per_s != self.rate_per_s {
            self.change_rate(rate_per_s);
        }
        let window = whole(full_rate_per_s.floor()) + 1;
        if let Some(shared) = shared
            && let Some(at) = depart_in_turn(shared, rate_per_s, window, control).await
        {
            // Kept for the case that there is nothing to share any more.
            self.departed.push_back(at);
            self.departed.drain(..self.departed.len().saturating_sub(window));
            return at;
        }
        let ideal = self.next_ideal();
        let window_opens = if self.departed.len() >= window {
            self.departed.pop_front().map(|oldest| oldest + SECOND + Duration::from_nanos(1))
        } else {
            None
        };
        sleep_until(ideal.max(window_opens.unwrap_or(ideal))).await;
        // A pause may have come while this one waited for its time.
        wait_for_the_end_of_pauses(control).await;
        let now = Instant::now();
        self.left(ideal, now);
        self.departed.push_back(now);
        now
    }

    /// What left later than may be caught up, held back by a pause or a stalled machine, moves the ideal times with it:
    /// otherwise the next one would leave together with it.
    fn left(&mut self, ideal: Instant, now: Instant) {
        let behind = now.saturating_duration_since(ideal);
        if behind > CATCH_UP_MAX {
            self.clock.advance(behind - CATCH_UP_MAX);
            self.change_rate(self.rate_per_s);
        }
    }

    /// Moves the clock to the next moment that the limiter allows.
    fn next_ideal(&mut self) -> Instant {
        let now = Instant::now().saturating_duration_since(self.epoch);
        let ideal_now = Duration::from(self.clock.now());
        let behind = now.saturating_sub(ideal_now);
        if behind > CATCH_UP_MAX {
            self.clock.advance(behind - CATCH_UP_MAX);
        }
        while let Err(not_until) = self.limiter.check() {
            self.clock.advance(not_until.wait_time_from(self.clock.now()));
        }
        self.epoch + Duration::from(self.clock.now())
    }

    fn change_rate(&mut self, rate_per_s: f64) {
        self.rate_per_s = rate_per_s;
        self.limiter = limiter(rate_per_s, &self.clock);
        // A new limiter lets one through at once; that one is the request that left last.
        drop(self.limiter.check());
    }
}

async fn wait_for_the_end_of_pauses(control: &std::sync::Mutex<Control>) {
    loop {
        let paused_until = lock(control).paused_until;
        if paused_until <= Instant::now() {
            return;
        }
        sleep_until(paused_until).await;
    }
}

/// Departs when it is this process's turn among all that share the pace; `None` where there is nothing to share.
async fn depart_in_turn(
    shared: &SharedPace,
    rate_per_s: f64,
    window: usize,
    control: &std::sync::Mutex<Control>,
) -> Option<Instant> {
    let speed = Speed { interval: interval(rate_per_s), window: window as u64 };
    loop {
        wait_for_the_end_of_pauses(control).await;
        match shared.turn(speed) {
            Turn::Now => return Some(Instant::now()),
            Turn::Wait(wait) => sleep(wait).await,
            Turn::Alone => return None,
        }
    }
}

fn interval(rate_per_s: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate_per_s).max(Duration::from_nanos(1))
}

fn limiter(rate_per_s: f64, clock: &FakeRelativeClock) -> Limiter {
    let quota = Quota::with_period(interval(rate_per_s))
        .unwrap_or(Quota::per_second(NonZeroU32::MIN))
        .allow_burst(NonZeroU32::MIN);
    RateLimiter::direct_with_clock(quota, clock.clone())
}

/// A count that is never negative and far below the range's end.
fn whole(count: f64) -> usize {
    // A float that is too large saturates, which is what a rate without limit asks for.
    count as usize
}

#[cfg(test)]
mod tests;
