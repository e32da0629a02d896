//! Counts what came and what was done with it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use super::fault::Call;

/// How many arrivals are kept: 32 MiB of them.
const ARRIVALS_MAX: usize = 4_000_000;
/// How many messages of invalid requests are kept.
const MESSAGES_MAX: usize = 1_000;

/// The counters of a simulator.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Member-info requests.
    pub member_info: u64,
    /// Top-up requests.
    pub top_up: u64,
    /// Order-status requests.
    pub order_status: u64,
    /// Requests to the gateway's address that are none of the three calls.
    pub other: u64,
    /// Connections that were accepted.
    pub connections: u64,
    /// Requests that break the protocol's rules on headers or body, each refused with 4000.
    pub invalid: u64,
    /// What was wrong with them, up to the first thousand.
    pub invalid_messages: Vec<String>,
    /// Requests whose signature or key code was wrong.
    pub signature_failures: u64,
    /// Requests whose nonce had been used, apart from those that a fault delivered twice.
    pub replayed_nonces: u64,
    /// Top-ups that were refused because their timestamp was too old when they were delivered.
    pub refused_late: u64,
    /// Requests that followed a redirect.
    pub redirects_followed: u64,
    /// How often one invoice_no came with another member or amount than before.
    pub violations: u64,
    /// How many requests came to each `meta.code`, by what the gateway decided, before a fault garbled it.
    pub codes: BTreeMap<i64, u64>,
    /// How often each fault happened.
    pub faults: BTreeMap<&'static str, FaultCount>,
    arrivals_us: VecDeque<u64>,
}

/// How often a fault happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCount {
    /// The requests it happened to.
    pub injected: u64,
    /// Those among them that made a credit.
    pub applied: u64,
}

impl FaultCount {
    /// The requests that it happened to and that made no credit.
    #[must_use]
    pub const fn not_applied(self) -> u64 {
        self.injected - self.applied
    }
}

impl Stats {
    /// All requests to the gateway's address.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.member_info + self.top_up + self.order_status + self.other
    }

    /// How often a fault happened; zero for a name that is none.
    #[must_use]
    pub fn fault(&self, name: &str) -> FaultCount {
        self.faults.get(name).copied().unwrap_or_default()
    }

    /// How many faults happened in all.
    #[must_use]
    pub fn faults_injected(&self) -> u64 {
        self.faults.values().map(|count| count.injected).sum()
    }

    /// When each request came, since the simulator started: the last four million.
    pub fn arrivals(&self) -> impl Iterator<Item = Duration> {
        self.arrivals_us.iter().map(|&at| Duration::from_micros(at))
    }

    /// The largest number of requests in any sliding second.
    #[must_use]
    pub fn busiest_second(&self) -> usize {
        let mut arrivals = self.arrivals_us.iter().copied().collect::<Vec<_>>();
        // Two connections may take their times and the lock in opposite orders.
        arrivals.sort_unstable();
        let mut first = 0;
        let mut busiest = 0;
        for (last, &at) in arrivals.iter().enumerate() {
            while at - arrivals[first] >= 1_000_000 {
                first += 1;
            }
            busiest = busiest.max(last - first + 1);
        }
        busiest
    }

    /// The counters as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let codes = self.codes.iter().map(|(code, count)| (code.to_string(), json!(count)));
        let faults = self.faults.iter().map(|(name, count)| {
            let split =
                json!({ "injected": count.injected, "applied": count.applied, "not_applied": count.not_applied() });
            ((*name).to_owned(), split)
        });
        json!({
            "requests": { "member_info": self.member_info, "top_up": self.top_up,
                          "order_status": self.order_status, "other": self.other },
            "connections": self.connections,
            "busiest_second": self.busiest_second(),
            "invalid": self.invalid,
            "invalid_messages": self.invalid_messages,
            "signature_failures": self.signature_failures,
            "replayed_nonces": self.replayed_nonces,
            "refused_late": self.refused_late,
            "redirects_followed": self.redirects_followed,
            "violations": self.violations,
            "codes": codes.collect::<serde_json::Map<_, _>>(),
            "faults": faults.collect::<serde_json::Map<_, _>>(),
        })
    }

    pub(super) fn note_arrival(&mut self, call: Option<Call>, at: Duration) {
        match call {
            Some(Call::MemberInfo) => self.member_info += 1,
            Some(Call::TopUp) => self.top_up += 1,
            Some(Call::OrderStatus) => self.order_status += 1,
            None => self.other += 1,
        }
        if self.arrivals_us.len() == ARRIVALS_MAX {
            self.arrivals_us.pop_front();
        }
        self.arrivals_us.push_back(u64::try_from(at.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn note_fault(&mut self, name: &'static str, applied: bool) {
        let count = self.faults.entry(name).or_default();
        count.injected += 1;
        count.applied += u64::from(applied);
    }

    /// A fault that happened earlier made its credit only now.
    pub(super) fn note_applied(&mut self, name: &'static str) {
        self.faults.entry(name).or_default().applied += 1;
    }

    pub(super) fn note_invalid(&mut self, message: &str) {
        self.invalid += 1;
        if self.invalid_messages.len() < MESSAGES_MAX {
            self.invalid_messages.push(message.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busiest(arrivals_ms: &[u64]) -> usize {
        let mut stats = Stats::default();
        for &at in arrivals_ms {
            stats.note_arrival(Some(Call::TopUp), Duration::from_millis(at));
        }
        stats.busiest_second()
    }

    #[test]
    fn the_busiest_second_slides() {
        assert_eq!(busiest(&[]), 0);
        assert_eq!(busiest(&[5]), 1);
        assert_eq!(busiest(&[0, 1_000, 2_000]), 1);
        assert_eq!(busiest(&[0, 600, 900, 1_000, 1_599, 1_600]), 4);
        assert_eq!(busiest(&[900, 0, 600]), 3);
    }

    #[test]
    fn a_fault_is_split_into_applied_and_not() {
        let mut stats = Stats::default();
        stats.note_fault("late", false);
        stats.note_fault("late", false);
        stats.note_applied("late");
        assert_eq!(stats.fault("late"), FaultCount { injected: 2, applied: 1 });
        assert_eq!(stats.fault("late").not_applied(), 1);
        assert_eq!(stats.faults_injected(), 2);
    }
}
