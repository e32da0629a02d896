//! Counts what a run tells, and writes it as Prometheus reads it.

use crate::domain::payout_status::State;
use crate::engine::{CallKind, RunEvent};
use crate::ledger::Totals;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::{Display, Write};
use std::time::{Duration, Instant};

/// The upper bounds of the latency histogram, in seconds: from loopback to the longest usual timeout.
const BOUNDS_S: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// The rate is that of the last so many seconds.
const RATE_OVER: Duration = Duration::from_secs(10);

/// The latencies of one call.
#[derive(Clone, Copy, Debug, Default)]
struct Latencies {
    /// By bucket, the last one for everything longer.
    counts: [u64; BOUNDS_S.len() + 1],
    sum_s: f64,
}

/// The numbers of one run.
#[derive(Clone, Debug)]
pub(super) struct RunMetrics {
    batch: String,
    rate_limit_per_s: f64,
    started: Instant,
    payouts: [u64; State::ALL.len()],
    points: [u64; State::ALL.len()],
    /// Requests that left, by call, HTTP status and `meta.code`.
    requests: BTreeMap<(&'static str, Option<u16>, Option<i64>), u64>,
    unsent: [u64; CallKind::ALL.len()],
    in_flight: [u64; CallKind::ALL.len()],
    latencies: [Latencies; CallKind::ALL.len()],
    /// Requests of the last seconds: the second since the start, and how many.
    recent: VecDeque<(u64, u64)>,
    slowdowns: u64,
    stopping: bool,
}

impl RunMetrics {
    /// Begins with what the ledger says.
    pub(super) fn new(batch: &str, totals: &Totals, rate_limit_per_s: f64) -> Self {
        Self {
            batch: batch.to_owned(),
            rate_limit_per_s,
            started: Instant::now(),
            payouts: State::ALL.map(|state| totals.of(state).rows),
            points: State::ALL.map(|state| totals.of(state).points),
            requests: BTreeMap::new(),
            unsent: Default::default(),
            in_flight: Default::default(),
            latencies: Default::default(),
            recent: VecDeque::new(),
            slowdowns: 0,
            stopping: false,
        }
    }

    pub(super) fn apply(&mut self, event: &RunEvent) {
        match event {
            RunEvent::CallBegan { kind } => self.in_flight[*kind as usize] += 1,
            RunEvent::CallEnded { kind, http, code, departed, latency, .. } => {
                let place = *kind as usize;
                self.in_flight[place] = self.in_flight[place].saturating_sub(1);
                if departed.is_none() {
                    self.unsent[place] += 1;
                    return;
                }
                *self.requests.entry((kind.word(), *http, *code)).or_default() += 1;
                self.latencies[place].note(latency.as_secs_f64());
                self.note_recent();
            }
            RunEvent::Moved { points, from, to, .. } => {
                let points = u64::from(*points);
                let (from, to) = (*from as usize, *to as usize);
                self.payouts[from] = self.payouts[from].saturating_sub(1);
                self.points[from] = self.points[from].saturating_sub(points);
                self.payouts[to] += 1;
                self.points[to] += points;
            }
            RunEvent::SlowedDown { .. } | RunEvent::Unavailable { .. } => self.slowdowns += 1,
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

    fn note_recent(&mut self) {
        let now = self.started.elapsed().as_secs();
        match self.recent.back_mut() {
            Some((second, count)) if *second == now => *count += 1,
            Some(_) | None => self.recent.push_back((now, 1)),
        }
        while self.recent.len() > RATE_OVER.as_secs() as usize + 1 {
            self.recent.pop_front();
        }
    }

    /// Requests a second, over the last whole seconds.
    fn rate(&self) -> f64 {
        let elapsed = self.started.elapsed();
        let now = elapsed.as_secs();
        let from = now.saturating_sub(RATE_OVER.as_secs());
        let count: u64 =
            self.recent.iter().filter(|(second, _)| (from..=now).contains(second)).map(|(_, count)| count).sum();
        count as f64 / (elapsed.as_secs_f64() - from as f64).max(1.0)
    }

    /// Everything, in Prometheus's text format.
    pub(super) fn page(&self) -> String {
        let mut page = Page(String::new());
        let batch = &self.batch;
        page.head("topup_run_info", "gauge", "The run that is going on; always 1.");
        page.value("topup_run_info", &[("batch", batch)], 1);
        page.head("topup_payouts", "gauge", "Payouts of the batch, by state.");
        for state in State::ALL {
            page.value("topup_payouts", &[("state", state.word())], self.payouts[state as usize]);
        }
        page.head("topup_points", "gauge", "Points of the batch, by the state of their payouts.");
        for state in State::ALL {
            page.value("topup_points", &[("state", state.word())], self.points[state as usize]);
        }
        page.head("topup_in_doubt_points", "gauge", "Points that may or may not have been credited.");
        page.value("topup_in_doubt_points", &[], self.points[State::InDoubt as usize]);
        self.calls(&mut page);
        page.head("topup_request_rate_per_second", "gauge", "Requests that ended, a second, over the last 10 seconds.");
        page.value("topup_request_rate_per_second", &[], self.rate());
        page.head("topup_request_rate_limit_per_second", "gauge", "The configured rate, gateway.rate_per_s.");
        page.value("topup_request_rate_limit_per_second", &[], self.rate_limit_per_s);
        page.head("topup_slowdowns_total", "counter", "Times that the gateway asked for less.");
        page.value("topup_slowdowns_total", &[], self.slowdowns);
        page.head("topup_run_stopping", "gauge", "1 when no new top-ups are sent any more.");
        page.value("topup_run_stopping", &[], u8::from(self.stopping));
        page.head("topup_run_duration_seconds", "gauge", "How long the run has been going on.");
        page.value("topup_run_duration_seconds", &[], self.started.elapsed().as_secs_f64());
        page.0
    }

    fn calls(&self, page: &mut Page) {
        page.head("topup_requests_total", "counter", "Requests that left, by call, HTTP status and meta.code.");
        for ((call, http, code), count) in &self.requests {
            let http = http.map_or_else(|| "none".to_owned(), |http| http.to_string());
            let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
            page.value("topup_requests_total", &[("call", call), ("http", &http), ("code", &code)], count);
        }
        page.head("topup_requests_unsent_total", "counter", "Requests that provably never left, by call.");
        for kind in CallKind::ALL {
            page.value("topup_requests_unsent_total", &[("call", kind.word())], self.unsent[kind as usize]);
        }
        page.head("topup_requests_in_flight", "gauge", "Calls under way, by call.");
        for kind in CallKind::ALL {
            page.value("topup_requests_in_flight", &[("call", kind.word())], self.in_flight[kind as usize]);
        }
        page.head("topup_request_duration_seconds", "histogram", "From departure to end of a request, by call.");
        for kind in CallKind::ALL {
            self.latencies[kind as usize].write(kind.word(), page);
        }
    }
}

impl Latencies {
    fn note(&mut self, seconds: f64) {
        let bucket = BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS_S.len());
        self.counts[bucket] += 1;
        self.sum_s += seconds;
    }

    fn write(&self, call: &str, page: &mut Page) {
        const NAME: &str = "topup_request_duration_seconds";
        let mut below = 0;
        for (place, count) in self.counts.iter().enumerate() {
            below += count;
            let bound = BOUNDS_S.get(place).map_or_else(|| "+Inf".to_owned(), f64::to_string);
            page.value(&format!("{NAME}_bucket"), &[("call", call), ("le", &bound)], below);
        }
        page.value(&format!("{NAME}_sum"), &[("call", call)], self.sum_s);
        page.value(&format!("{NAME}_count"), &[("call", call)], below);
    }
}

/// A page in Prometheus's text format. Writing to a string cannot fail.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// No label of ours holds a quote, a backslash or a line break: they are words, numbers and a batch name.
    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{text}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: Option<i64>, departed: bool, latency_ms: u64) -> RunEvent {
        RunEvent::CallEnded {
            kind: CallKind::TopUp,
            request_id: String::new(),
            row: 2,
            http: code.map(|_| 200),
            code,
            departed: departed.then_some(Duration::ZERO),
            latency: Duration::from_millis(latency_ms),
            message: String::new(),
        }
    }

    #[test]
    fn the_page_says_what_the_events_said() {
        let mut gauges = RunMetrics::new("2026-11", &Totals::default(), 20.0);
        gauges.payouts[State::Planned as usize] = 3;
        gauges.points[State::Planned as usize] = 600;
        let moved = |from, to| RunEvent::Moved { row: 2, points: 200, from, to };
        let began = RunEvent::CallBegan { kind: CallKind::TopUp };
        for event in [
            &moved(State::Planned, State::InDoubt),
            &began,
            &ended(Some(200), true, 30),
            &moved(State::InDoubt, State::Credited),
            &moved(State::Planned, State::InDoubt),
            &began,
            &ended(None, true, 31_000),
            &began,
            &ended(None, false, 0),
            &began,
        ] {
            gauges.apply(event);
        }
        let page = gauges.page();
        for line in [
            "topup_run_info{batch=\"2026-11\"} 1",
            "topup_payouts{state=\"planned\"} 1",
            "topup_payouts{state=\"in_doubt\"} 1",
            "topup_payouts{state=\"credited\"} 1",
            "topup_in_doubt_points 200",
            "topup_requests_total{call=\"top_up\",http=\"200\",code=\"200\"} 1",
            "topup_requests_total{call=\"top_up\",http=\"none\",code=\"none\"} 1",
            "topup_requests_unsent_total{call=\"top_up\"} 1",
            "topup_requests_in_flight{call=\"top_up\"} 1",
            "topup_request_duration_seconds_bucket{call=\"top_up\",le=\"0.025\"} 0",
            "topup_request_duration_seconds_bucket{call=\"top_up\",le=\"0.05\"} 1",
            "topup_request_duration_seconds_bucket{call=\"top_up\",le=\"30\"} 1",
            "topup_request_duration_seconds_bucket{call=\"top_up\",le=\"+Inf\"} 2",
            "topup_request_duration_seconds_count{call=\"top_up\"} 2",
            "topup_request_rate_limit_per_second 20",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in {page}");
        }
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(page.contains(&format!("# TYPE {family} ")), "{name} has no type");
        }
    }
}
