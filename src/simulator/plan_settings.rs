//! The measures of faults, and how a value of a fault plan is read.

use super::error::SimulatorError;
use super::headers::Clock;
use std::str::FromStr;
use std::time::Duration;

/// The measures by the names that a plan gives them, and what each means.
pub(super) const MEASURES: [(&str, &str); 11] = [
    ("late_asks", "how often order status says absent before a late top-up is applied"),
    ("late_s", "how long after that it is applied, in seconds"),
    ("lag_asks", "how often order status says absent after a credit"),
    ("lag_s", "how long it says so, in seconds"),
    ("slow_s", "how late a slow answer is, in seconds"),
    ("trickle_s", "the time between two bytes of an answer that trickles, in seconds"),
    ("retry_after_s", "the Retry-After of a refusal for too many requests, in seconds"),
    ("oversized_mib", "the size of an oversized answer, in MiB"),
    ("skew_s", "how far the gateway's clock is ahead, in seconds; negative: behind"),
    ("window_s", "how old a timestamp may be, in seconds"),
    ("apply_repeats", "1: a known invoice_no is credited again, as no gateway should"),
];

const PROBABILITY: &str = "a probability in 0..=1";

/// The measures of the faults that have one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    /// How often order status says absent before a late top-up is applied, and how long after that it is.
    pub(super) late_asks: u32,
    pub(super) late: Duration,
    /// How often, and how long, order status says absent after a credit.
    pub(super) lag_asks: u32,
    pub(super) lag: Duration,
    /// How late a slow answer, or a delayed application, is.
    pub(super) slow: Duration,
    /// The time between two bytes of a trickle.
    pub(super) trickle: Duration,
    pub(super) retry_after_s: u32,
    pub(super) oversized_mib: u32,
    /// How far the gateway's clock is ahead of the machine's, in seconds.
    pub(super) skew_s: i64,
    /// How old a timestamp may be, in seconds.
    pub(super) window_s: u64,
    /// A known invoice_no is taken for a new order, and credited again.
    pub(super) apply_repeats: bool,
}

impl Settings {
    /// The gateway's clock.
    pub(super) const fn clock(&self) -> Clock {
        Clock { skew_s: self.skew_s, window_s: self.window_s }
    }
}

pub(super) fn probability(name: &str, value: &str) -> Result<f64, SimulatorError> {
    let probability = number::<f64>(name, value, PROBABILITY)?;
    if (0.0..=1.0).contains(&probability) { Ok(probability) } else { Err(bad_value(name, PROBABILITY, value)) }
}

pub(super) fn seconds(name: &str, value: &str) -> Result<Duration, SimulatorError> {
    const SECONDS: &str = "a number of seconds, 0 or more";
    let seconds = number::<f64>(name, value, SECONDS)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| bad_value(name, SECONDS, value))
}

pub(super) fn number<T: FromStr>(name: &str, value: &str, expected: &'static str) -> Result<T, SimulatorError> {
    value.parse().map_err(|_| bad_value(name, expected, value))
}

pub(super) fn bad_value(name: &str, expected: &'static str, found: &str) -> SimulatorError {
    SimulatorError::FaultValue { name: name.to_owned(), expected, found: found.to_owned() }
}
