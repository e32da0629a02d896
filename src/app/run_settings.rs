//! Turns the configuration into the settings of one run.

use super::config::out_of_range;
use super::failure::{Ending, Failure};
use super::settings::{RATE_MAX, Settings, TIMEOUT_S_MAX};
use crate::domain::backoff::Backoff;
use crate::domain::payout_process::Policy;
use crate::engine::{Mode, Names, NamesMissing, RunSettings};
use crate::gateway::Fence;
use std::time::Duration;
use toml::Value;

/// The longest time that any setting in seconds may say: a day.
const SECONDS_MAX: f64 = 86_400.0;
/// How much longer than the bound of late requests the settle time is, in seconds: for whole seconds, for clocks that
/// differ, for what is read in and not yet decided.
const SETTLE_BEYOND_S: f64 = 10.0;
/// Slower than this, a signed request would wait for its turn until its timestamp is too old.
const RATE_MIN: f64 = 0.01;
/// Tries of a call that only reads, for one payout in one run.
const MEMBER_CHECKS_MAX: u32 = 8;
/// Sends of one payout in one run that did nothing: refused for going too fast, or never left.
const IDLE_SENDS_MAX: u32 = 8;

impl Settings {
    /// The settings of one run that may credit `budget_points` in all.
    pub fn run_settings(&self, mode: Mode, budget_points: u64) -> Result<RunSettings, Failure> {
        let timeout = self.config.seconds("gateway.timeout_s", TIMEOUT_S_MAX)?;
        let fence = self.fence()?;
        let settle = self.settle(timeout, fence)?;
        let batch_limit = self.limits()?.points_per_batch.unwrap_or(u64::MAX);
        Ok(RunSettings {
            mode,
            policy: Policy {
                settle,
                late: fence.map_or(Duration::ZERO, |fence| fence.arrives_for()),
                queries_max: self.config.count("resolve.queries_max", 1..=1000)?,
                resends_max: self.config.count("resolve.resends_max", 0..=100)?,
                resubmit: self.config.yes("resolve.resubmit"),
                member_checks_max: MEMBER_CHECKS_MAX,
                idle_sends_max: IDLE_SENDS_MAX,
                backoff: backoff(settle),
            },
            names: self.names()?,
            names_missing: self.names_missing()?,
            rate_per_s: self.rate_per_s(timeout, fence)?,
            max_in_flight: self.config.count("gateway.max_in_flight", 1..=100_000)? as usize,
            timeout,
            fence,
            canary_rows: self.config.count("safety.canary_rows", 0..=10_000)?,
            breaker_in_doubt: self.config.count("safety.breaker_in_doubt", 0..=1_000_000)?,
            breaker_refused: self.config.count("safety.breaker_refused", 0..=1_000_000)?,
            budget_points: budget_points.min(batch_limit),
            stop_after: None,
            quiet_before: Duration::ZERO,
            shared_pace: None,
            is_unattended: false,
            seed: fastrand::u64(..),
        })
    }

    /// The settle time. Shorter than a call, or than a top-up may be on its way, an absent order would prove nothing.
    fn settle(&self, timeout: Duration, fence: Option<Fence>) -> Result<Duration, Failure> {
        let settle = self.config.seconds("resolve.settle_s", SECONDS_MAX)?;
        let found = Value::Float(settle.as_secs_f64());
        if settle < timeout {
            let expected = format!("at least gateway.timeout_s ({} s)", timeout.as_secs_f64());
            return Err(out_of_range("resolve.settle_s", &found, &expected));
        }
        let Some(within) = fence.map(|fence| fence.within.as_secs_f64()) else { return Ok(settle) };
        // Both as they are written: a sum of fractions must not be refused for its last bit.
        if settle.as_secs_f64() + 1e-9 < within + SETTLE_BEYOND_S {
            let expected = format!(
                "at least gateway.deliver_within_s + {SETTLE_BEYOND_S} ({within} + {SETTLE_BEYOND_S} = {} s)",
                within + SETTLE_BEYOND_S
            );
            let hint = "raise settle_s, or lower deliver_within_s: a top-up may be on its way for so long, and an order \
                    that is absent before says nothing";
            let failure = out_of_range("resolve.settle_s", &found, &expected).to_string();
            return Err(Failure::said(Ending::Usage, "configuration", format!("{failure}\nhint: {hint}")));
        }
        Ok(settle)
    }

    fn rate_per_s(&self, timeout: Duration, fence: Option<Fence>) -> Result<f64, Failure> {
        let rate_per_s = self.config.positive("gateway.rate_per_s", RATE_MAX)?;
        if rate_per_s < RATE_MIN {
            let expected = format!("{RATE_MIN} to {RATE_MAX}");
            return Err(out_of_range("gateway.rate_per_s", &Value::Float(rate_per_s), &expected));
        }
        // A top-up waits for its turn after its intent, and must not wait until it may not leave any more.
        if let Some(lives_s) = fence.map(|fence| fence.permit_lives(timeout).as_secs_f64())
            && rate_per_s * lives_s < 2.0
        {
            let expected = format!(
                "at least {:.3}, two requests in the {lives_s} s in which a top-up may leave (deliver_within_s less timeout_s)",
                2.0 / lives_s
            );
            return Err(out_of_range("gateway.rate_per_s", &Value::Float(rate_per_s), &expected));
        }
        Ok(rate_per_s)
    }

    fn names(&self) -> Result<Names, Failure> {
        match self.config.text("payout.names")? {
            "hold" => Ok(Names::Hold),
            "warn" => Ok(Names::Warn),
            "off" => Ok(Names::Off),
            other => {
                Err(out_of_range("payout.names", &Value::String(other.to_owned()), "\"hold\", \"warn\" or \"off\""))
            }
        }
    }

    fn names_missing(&self) -> Result<NamesMissing, Failure> {
        match self.config.text("payout.names_missing")? {
            "hold" => Ok(NamesMissing::Hold),
            "pay" => Ok(NamesMissing::Pay),
            other => Err(out_of_range("payout.names_missing", &Value::String(other.to_owned()), "\"hold\" or \"pay\"")),
        }
    }
}

/// Waits that fit a settle time of a minute, and shorter ones where that is shorter: a rehearsal goes faster.
fn backoff(settle: Duration) -> Backoff {
    let first = (settle / 4).clamp(Duration::from_millis(50), Duration::from_secs(1));
    Backoff { first, longest: first * 30 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Settings {
        let file = tempfile::NamedTempFile::new().unwrap();
        let variables = variables.iter().map(|(name, value)| (format!("TOPUP_{name}").into(), (*value).into()));
        Settings::read(Some(file.path()), variables, None).unwrap()
    }

    #[test]
    fn a_rate_that_no_clock_can_keep_is_refused() {
        for (rate, taken) in [("1e-300", false), ("0.001", false), ("0.01", true), ("100000", true), ("100001", false)]
        {
            let config = config(&[("GATEWAY_RATE_PER_S", rate), ("GATEWAY_DELIVER_WITHIN_S", "0")]);
            assert_eq!(config.run_settings(Mode::Pay, 0).is_ok(), taken, "{rate}");
        }
    }

    #[test]
    fn a_rate_at_which_every_permit_would_die_is_refused() {
        for (rate, taken) in [("0.15", false), ("0.16", true)] {
            let found = config(&[("GATEWAY_RATE_PER_S", rate)]).run_settings(Mode::Pay, 0);
            assert_eq!(found.as_ref().map(drop).is_ok(), taken, "{found:?}");
            assert!(taken || found.unwrap_err().to_string().contains("at least 0.154, two requests in the 13 s"));
        }
    }

    #[test]
    fn an_absence_that_proves_nothing_is_no_setting() {
        for (settle, within, timeout, expected) in [
            ("54.9", "45", "30", Some("must be at least gateway.deliver_within_s + 10 (45 + 10 = 55 s), found 54.9")),
            ("55", "45", "30", None),
            ("10.3", "0.3", "1", None),
            ("10.2", "0.3", "1", Some("(0.3 + 10 = 10.3 s), found 10.2")),
            ("29", "0", "30", Some("at least gateway.timeout_s (30 s), found 29")),
            ("30", "0", "30", None),
        ] {
            let config = config(&[
                ("RESOLVE_SETTLE_S", settle),
                ("GATEWAY_DELIVER_WITHIN_S", within),
                ("GATEWAY_TIMEOUT_S", timeout),
            ]);
            let found = config.run_settings(Mode::Pay, 0).map(drop).map_err(|failure| failure.to_string());
            match (&found, expected) {
                (Ok(()), None) => {}
                (Err(found), Some(expected)) => assert!(found.contains(expected), "{found}"),
                _ => panic!("{settle} {within} {timeout}: {found:?}"),
            }
        }
    }
}
