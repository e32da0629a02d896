//! Writes the numbers of a run as Prometheus reads them.

use crate::app::counts::{BOUNDS_S, Counts, Latencies};
use crate::app::{CallKind, State};
use std::fmt::{Display, Write};

/// Everything, in Prometheus's text format.
pub(super) fn page(batch: &str, rate_limit_per_s: f64, counts: &Counts) -> String {
    let mut page = Page(String::new());
    page.head("topup_run_info", "gauge", "The run that is going on; always 1.");
    page.value("topup_run_info", &[("batch", batch)], 1);
    page.head("topup_payouts", "gauge", "Payouts of the batch, by state.");
    for state in State::ALL {
        page.value("topup_payouts", &[("state", state.word())], counts.payouts[state as usize]);
    }
    page.head("topup_points", "gauge", "Points of the batch, by the state of their payouts.");
    for state in State::ALL {
        page.value("topup_points", &[("state", state.word())], counts.points[state as usize]);
    }
    page.head("topup_in_doubt_points", "gauge", "Points that may or may not have been credited.");
    page.value("topup_in_doubt_points", &[], counts.points[State::InDoubt as usize]);
    calls(counts, &mut page);
    page.head("topup_request_rate_per_second", "gauge", "Requests that ended, a second, over the last 10 seconds.");
    page.value("topup_request_rate_per_second", &[], counts.rate());
    page.head("topup_request_rate_limit_per_second", "gauge", "The configured rate, gateway.rate_per_s.");
    page.value("topup_request_rate_limit_per_second", &[], rate_limit_per_s);
    page.head("topup_slowdowns_total", "counter", "Times that the gateway asked for less.");
    page.value("topup_slowdowns_total", &[], counts.slowdowns);
    page.head("topup_run_stopping", "gauge", "1 when no new top-ups are sent any more.");
    page.value("topup_run_stopping", &[], u8::from(counts.stopping));
    page.head("topup_run_duration_seconds", "gauge", "How long the run has been going on.");
    page.value("topup_run_duration_seconds", &[], counts.started.elapsed().as_secs_f64());
    page.0
}

fn calls(counts: &Counts, page: &mut Page) {
    page.head("topup_requests_total", "counter", "Requests that left, by call, HTTP status and meta.code.");
    for ((call, http, code), count) in &counts.requests {
        let http = http.map_or_else(|| "none".to_owned(), |http| http.to_string());
        let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        page.value("topup_requests_total", &[("call", call), ("http", &http), ("code", &code)], count);
    }
    page.head("topup_requests_unsent_total", "counter", "Requests that provably never left, by call.");
    for kind in CallKind::ALL {
        page.value("topup_requests_unsent_total", &[("call", kind.word())], counts.unsent[kind as usize]);
    }
    page.head("topup_requests_in_flight", "gauge", "Calls under way, by call.");
    for kind in CallKind::ALL {
        page.value("topup_requests_in_flight", &[("call", kind.word())], counts.in_flight[kind as usize]);
    }
    page.head("topup_request_duration_seconds", "histogram", "From departure to end of a request, by call.");
    for kind in CallKind::ALL {
        write_latencies(&counts.latencies[kind as usize], kind.word(), page);
    }
}

fn write_latencies(latencies: &Latencies, call: &str, page: &mut Page) {
    const NAME: &str = "topup_request_duration_seconds";
    let mut below = 0;
    for (place, count) in latencies.counts.iter().enumerate() {
        below += count;
        let bound = BOUNDS_S.get(place).map_or_else(|| "+Inf".to_owned(), f64::to_string);
        page.value(&format!("{NAME}_bucket"), &[("call", call), ("le", &bound)], below);
    }
    page.value(&format!("{NAME}_sum"), &[("call", call)], latencies.sum_s);
    page.value(&format!("{NAME}_count"), &[("call", call)], below);
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
    use crate::app::{RunEvent, Totals};
    use std::time::Duration;

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
        let mut counts = Counts::new(&Totals::default());
        counts.payouts[State::Planned as usize] = 3;
        counts.points[State::Planned as usize] = 600;
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
            counts.apply(event);
        }
        let page = page("2026-11", 20.0, &counts);
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
