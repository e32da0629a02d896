//! Turns the configuration into what the engine, the gateway and the plan are told.

use super::config::{Config, out_of_range};
use super::failure::Failure;
use crate::domain::backoff::Backoff;
use crate::domain::course::Policy;
use crate::domain::invoice_no::InvoicePrefix;
use crate::engine::{Mode, Names, NamesMissing, RunSettings};
use crate::gateway::{GatewaySettings, GatewayUrl, HttpGateway, PrivateKey};
use crate::ledger::Binding;
use crate::plan::Limits;
use std::time::Duration;
use toml::Value;

/// The longest time that any setting in seconds may say: a day.
const SECONDS_MAX: f64 = 86_400.0;
/// The longest that one call may take, in seconds.
const TIMEOUT_S_MAX: f64 = 600.0;
const RATE_MAX: f64 = 100_000.0;
/// Slower than this, a signed request would wait for its turn until its timestamp is too old.
const RATE_MIN: f64 = 0.01;
/// Tries of a call that only reads, for one payout in one run.
const MEMBER_CHECKS_MAX: u32 = 8;
/// Sends of one payout in one run that did nothing: refused for going too fast, or never left.
const IDLE_SENDS_MAX: u32 = 8;

/// The gateway's client, with the key it signs with.
pub(super) fn gateway(config: &Config) -> Result<HttpGateway, Failure> {
    let key = PrivateKey::load(&config.path("gateway.private_key")?)?;
    Ok(HttpGateway::new(gateway_settings(config)?, key)?)
}

pub(super) fn gateway_settings(config: &Config) -> Result<GatewaySettings, Failure> {
    Ok(GatewaySettings {
        url: GatewayUrl::parse(config.text("gateway.url")?)?,
        merchant_id: config.text("gateway.merchant_id")?.to_owned(),
        terminal_id: config.text("gateway.terminal_id")?.to_owned(),
        key_code: config.text("gateway.key_code")?.to_owned(),
        timeout: config.seconds("gateway.timeout_s", TIMEOUT_S_MAX)?,
        connect_timeout: config.seconds("gateway.connect_timeout_s", TIMEOUT_S_MAX)?,
    })
}

/// What a batch is bound to under this configuration.
pub(super) fn binding(config: &Config) -> Result<Binding, Failure> {
    let settings = gateway_settings(config)?;
    let prefix = config.text("payout.invoice_prefix").unwrap_or_default();
    let invoice_prefix = InvoicePrefix::parse(prefix).ok_or_else(|| {
        out_of_range("payout.invoice_prefix", &Value::String(prefix.to_owned()), "at most 3 of A-Z 0-9")
    })?;
    Ok(Binding {
        gateway_host: settings.url.host(),
        merchant_id: settings.merchant_id,
        terminal_id: settings.terminal_id,
        invoice_prefix,
    })
}

/// The operator's own limits.
pub(super) fn limits(config: &Config) -> Result<Limits, Failure> {
    Ok(Limits {
        points_per_payout: config.whole("limits.points_per_payout", 1..=u64::MAX)?,
        points_per_batch: config.whole("limits.points_per_batch", 1..=u64::MAX)?,
        rows_per_batch: config.whole("limits.rows_per_batch", 1..=u64::MAX)?,
    })
}

/// The settings of one run that may credit `budget_points` in all.
pub(super) fn run_settings(config: &Config, mode: Mode, budget_points: u64) -> Result<RunSettings, Failure> {
    let timeout = config.seconds("gateway.timeout_s", TIMEOUT_S_MAX)?;
    let settle = config.seconds("resolve.settle_s", SECONDS_MAX)?;
    if settle < timeout {
        let found = Value::Float(settle.as_secs_f64());
        let expected = format!("at least gateway.timeout_s ({} s)", timeout.as_secs_f64());
        return Err(out_of_range("resolve.settle_s", &found, &expected));
    }
    let batch_limit = limits(config)?.points_per_batch.unwrap_or(u64::MAX);
    Ok(RunSettings {
        mode,
        policy: Policy {
            settle,
            queries_max: config.count("resolve.queries_max", 1..=1000)?,
            resends_max: config.count("resolve.resends_max", 0..=100)?,
            resubmit: config.yes("resolve.resubmit"),
            member_checks_max: MEMBER_CHECKS_MAX,
            idle_sends_max: IDLE_SENDS_MAX,
            backoff: backoff(settle),
        },
        names: names(config)?,
        names_missing: names_missing(config)?,
        rate_per_s: rate_per_s(config)?,
        max_in_flight: config.count("gateway.max_in_flight", 1..=100_000)? as usize,
        timeout,
        canary_rows: config.count("safety.canary_rows", 0..=10_000)?,
        breaker_in_doubt: config.count("safety.breaker_in_doubt", 0..=1_000_000)?,
        breaker_refused: config.count("safety.breaker_refused", 0..=1_000_000)?,
        budget_points: budget_points.min(batch_limit),
        quiet_before: Duration::ZERO,
        shared_pace: None,
        seed: fastrand::u64(..),
    })
}

fn rate_per_s(config: &Config) -> Result<f64, Failure> {
    let rate_per_s = config.positive("gateway.rate_per_s", RATE_MAX)?;
    if rate_per_s < RATE_MIN {
        let expected = format!("{RATE_MIN} to {RATE_MAX}");
        return Err(out_of_range("gateway.rate_per_s", &Value::Float(rate_per_s), &expected));
    }
    Ok(rate_per_s)
}

/// Waits that fit a settle time of a minute, and shorter ones where that is shorter: a rehearsal goes faster.
fn backoff(settle: Duration) -> Backoff {
    let first = (settle / 4).clamp(Duration::from_millis(50), Duration::from_secs(1));
    Backoff { first, longest: first * 30 }
}

fn names(config: &Config) -> Result<Names, Failure> {
    match config.text("payout.names")? {
        "hold" => Ok(Names::Hold),
        "warn" => Ok(Names::Warn),
        "off" => Ok(Names::Off),
        other => Err(out_of_range("payout.names", &Value::String(other.to_owned()), "\"hold\", \"warn\" or \"off\"")),
    }
}

fn names_missing(config: &Config) -> Result<NamesMissing, Failure> {
    match config.text("payout.names_missing")? {
        "hold" => Ok(NamesMissing::Hold),
        "pay" => Ok(NamesMissing::Pay),
        other => Err(out_of_range("payout.names_missing", &Value::String(other.to_owned()), "\"hold\" or \"pay\"")),
    }
}

/// The settings that a batch keeps, as JSON: everything but the key and what names it.
pub(super) fn settings_json(config: &Config) -> String {
    let kept = config.values().filter(|(path, ..)| !matches!(*path, "gateway.private_key" | "gateway.key_code"));
    let object: serde_json::Map<String, serde_json::Value> =
        kept.map(|(path, value, _)| (path.to_owned(), serde_json::json!(value))).collect();
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_no_clock_can_keep_is_refused() {
        for (rate, taken) in [("1e-300", false), ("0.001", false), ("0.01", true), ("100000", true), ("100001", false)]
        {
            let variables = [("TOPUP_GATEWAY_RATE_PER_S".to_owned(), rate.to_owned())];
            let file = tempfile::NamedTempFile::new().unwrap();
            let config = Config::read(Some(file.path()), variables.into_iter()).unwrap();
            assert_eq!(run_settings(&config, Mode::Pay, 0).is_ok(), taken, "{rate}");
        }
    }
}
