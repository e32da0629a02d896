//! Counts what a run tells: one fold of its events, for a bar, for metrics, and for a page.

use crate::domain::payout_status::State;
use crate::engine::{CallKind, RunEvent};
use crate::ledger::Totals;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The upper bounds of the latency histogram, in seconds: from loopback to the longest usual timeout.
pub const BOUNDS_S: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// The rate is that of the last so many seconds.
const RATE_OVER: Duration = Duration::from_secs(10);

/// The latencies of one call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latencies {
    /// By bucket, the last one for everything longer.
    pub counts: [u64; BOUNDS_S.len() + 1],
    /// All of them together, in seconds.
    pub sum_s: f64,
}

/// The numbers of one run. Arrays go by the place of a state or of a kind of call in its `ALL`.
#[derive(Clone, Debug)]
pub struct Counts {
    /// When it began.
    pub started: Instant,
    /// Payouts of the batch, by state.
    pub payouts: [u64; State::ALL.len()],
    /// Points of the batch, by the state of their payouts.
    pub points: [u64; State::ALL.len()],
    /// Payouts that needed nothing further when it began.
    pub done_before: u64,
    /// Requests that left, by call, HTTP status and `meta.code`.
    pub requests: BTreeMap<(&'static str, Option<u16>, Option<i64>), u64>,
    /// Requests that provably never left, by call.
    pub unsent: [u64; CallKind::ALL.len()],
    /// Calls under way, by call.
    pub in_flight: [u64; CallKind::ALL.len()],
    /// From departure to end, by call.
    pub latencies: [Latencies; CallKind::ALL.len()],
    /// Times that the gateway asked for less.
    pub slowdowns: u64,
    /// No new top-ups are sent any more.
    pub stopping: bool,
    /// When the next call is due, while nothing is under way.
    pub next_call: Option<Instant>,
    /// Since when the gateway owes an answer.
    pub unanswered_since: Option<Instant>,
    /// Requests of the last seconds, and payouts that came to need nothing further.
    recent: [Recent; 2],
}

/// What happened in the last seconds: the second since the start, and how often.
type Recent = VecDeque<(u64, u64)>;

/// Which of the recent happenings.
const CALLS: usize = 0;
const SETTLED: usize = 1;

impl Counts {
    /// Begins with what the ledger says.
    #[must_use]
    pub fn new(totals: &Totals) -> Self {
        let mut counts = Self {
            started: Instant::now(),
            payouts: State::ALL.map(|state| totals.of(state).rows),
            points: State::ALL.map(|state| totals.of(state).points),
            done_before: 0,
            requests: BTreeMap::new(),
            unsent: Default::default(),
            in_flight: Default::default(),
            latencies: Default::default(),
            slowdowns: 0,
            stopping: false,
            next_call: None,
            unanswered_since: None,
            recent: Default::default(),
        };
        counts.done_before = counts.done();
        counts
    }

    /// Payouts of the batch.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.payouts.iter().sum()
    }

    /// Payouts that need nothing further.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.rows() - self.payouts[State::Planned as usize] - self.payouts[State::InDoubt as usize]
    }

    /// Calls that came to their end, sent or not.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.requests.values().sum::<u64>() + self.unsent.iter().sum::<u64>()
    }

    /// Payouts in doubt of which no call is under way, and the top-ups that are.
    #[must_use]
    pub fn in_doubt_and_under_way(&self) -> (u64, u64) {
        let under_way = self.in_flight[CallKind::TopUp as usize];
        (self.payouts[State::InDoubt as usize].saturating_sub(under_way), self.in_flight.iter().sum())
    }

    /// Requests that ended, a second, over the last whole seconds.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.lately(CALLS)
    }

    /// How long the rest takes, as fast as payouts were settled over the last whole seconds; `None`: none was.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let (rate, left) = (self.lately(SETTLED), self.rows().saturating_sub(self.done()));
        (rate > 0.0 && left > 0).then(|| Duration::from_secs_f64(left as f64 / rate))
    }

    fn lately(&self, what: usize) -> f64 {
        let elapsed = self.started.elapsed();
        let now = elapsed.as_secs();
        let from = now.saturating_sub(RATE_OVER.as_secs());
        let recent = self.recent[what].iter();
        let count: u64 = recent.filter(|(second, _)| (from..=now).contains(second)).map(|(_, count)| count).sum();
        count as f64 / (elapsed.as_secs_f64() - from as f64).max(1.0)
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: &RunEvent) {
        match event {
            RunEvent::CallBegan { kind } => {
                self.in_flight[*kind as usize] += 1;
                self.next_call = None;
                self.unanswered_since.get_or_insert_with(Instant::now);
            }
            RunEvent::CallEnded { kind, http, code, departed, latency, .. } => {
                let place = *kind as usize;
                self.in_flight[place] = self.in_flight[place].saturating_sub(1);
                if http.is_some() {
                    let owes = self.in_flight.iter().any(|calls| *calls > 0);
                    self.unanswered_since = owes.then(Instant::now);
                }
                if departed.is_none() {
                    self.unsent[place] += 1;
                    return;
                }
                *self.requests.entry((kind.word(), *http, *code)).or_default() += 1;
                self.latencies[place].note(latency.as_secs_f64());
                self.note(CALLS);
            }
            RunEvent::Moved { points, from, to, .. } => {
                let points = u64::from(*points);
                let is_open = |state: State| matches!(state, State::Planned | State::InDoubt);
                if is_open(*from) && !is_open(*to) {
                    self.note(SETTLED);
                }
                let (from, to) = (*from as usize, *to as usize);
                self.payouts[from] = self.payouts[from].saturating_sub(1);
                self.points[from] = self.points[from].saturating_sub(points);
                self.payouts[to] += 1;
                self.points[to] += points;
            }
            RunEvent::SlowedDown { .. } | RunEvent::Unavailable { .. } => self.slowdowns += 1,
            RunEvent::Waiting { span } => self.next_call = Some(Instant::now() + *span),
            RunEvent::Stopping(_) | RunEvent::Interrupted => self.stopping = true,
            RunEvent::NameDiffers { .. }
            | RunEvent::NameMissing { .. }
            | RunEvent::GatewayAhead
            | RunEvent::CanaryConfirmed
            | RunEvent::Paused { .. }
            | RunEvent::Probing { .. }
            | RunEvent::ProbeFailed
            | RunEvent::WentOn => {}
        }
    }

    fn note(&mut self, what: usize) {
        let now = self.started.elapsed().as_secs();
        let recent = &mut self.recent[what];
        match recent.back_mut() {
            Some((second, count)) if *second == now => *count += 1,
            Some(_) | None => recent.push_back((now, 1)),
        }
        while recent.len() > RATE_OVER.as_secs() as usize + 1 {
            recent.pop_front();
        }
    }
}

impl Latencies {
    fn note(&mut self, seconds: f64) {
        let bucket = BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS_S.len());
        self.counts[bucket] += 1;
        self.sum_s += seconds;
    }
}

/// The numbers of a run that goes on, shared by the run, which writes them, and whoever looks on.
#[derive(Clone, Debug)]
pub struct LiveCounts(Arc<Mutex<Counts>>);

impl LiveCounts {
    /// Shares these.
    #[must_use]
    pub fn new(counts: Counts) -> Self {
        Self(Arc::new(Mutex::new(counts)))
    }

    /// Takes in what happened.
    pub fn apply(&self, event: &RunEvent) {
        self.with(|counts| counts.apply(event));
    }

    /// Looks at them, while the run waits.
    pub fn with<T>(&self, look: impl FnOnce(&mut Counts) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A copy, for whoever takes longer.
    #[must_use]
    pub fn now(&self) -> Counts {
        self.with(|counts| counts.clone())
    }
}
