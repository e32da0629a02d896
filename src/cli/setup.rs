//! Turns the configuration into what the engine, the gateway and the plan are told.

use super::config::{Config, out_of_range};
use super::context::unix_ms;
use super::failure::{Exit, Failure};
use crate::domain::backoff::Backoff;
use crate::domain::invoice_no::InvoicePrefix;
use crate::domain::payout_process::Policy;
use crate::domain::payout_status::SIGNED_BYTES_VALID;
use crate::engine::{Mode, Names, NamesMissing, RunSettings};
use crate::gateway::{Fence, GatewaySettings, GatewayUrl, HttpGateway, PrivateKey};
use crate::ledger::{Binding, Purpose, RepeatRule, Settings, Under};
use crate::plan::Limits;
use anyhow::anyhow;
use std::time::Duration;
use toml::Value;

/// The longest time that any setting in seconds may say: a day.
const SECONDS_MAX: f64 = 86_400.0;
/// The longest that one call may take, in seconds.
const TIMEOUT_S_MAX: f64 = 600.0;
/// A year, in hours: no contract lets points rest longer.
const SPENDABLE_AFTER_H_MAX: u64 = 8760;
const RATE_MAX: f64 = 100_000.0;
/// The shortest and the longest window of timestamps, in seconds: a minute, and a week.
const WINDOW_S_MIN: f64 = 60.0;
pub(super) const WINDOW_S_MAX: f64 = 604_800.0;
/// The shortest bound of late requests, in seconds. Timestamps have whole seconds, so below a few of them a top-up may
/// be refused however fast it is: definite, and it stops the batch.
const DELIVER_WITHIN_S_MIN: f64 = 0.1;
/// How old a timestamp is at the least, in seconds.
const TIMESTAMP_BACK_S: f64 = 10.0;
/// How much longer than the bound of late requests the settle time is, in seconds: for whole seconds, for clocks that
/// differ, for what is read in and not yet decided.
const SETTLE_BEYOND_S: f64 = 10.0;
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
        fence: fence(config)?,
    })
}

/// The bound of late requests; `None`: it is switched off.
pub(super) fn fence(config: &Config) -> Result<Option<Fence>, Failure> {
    let window = timestamp_window(config)?;
    // A timestamp may not lie in the gateway's future, whatever the clocks differ by.
    let most = window.as_secs_f64() - TIMESTAMP_BACK_S;
    let within = config.seconds_or_none("gateway.deliver_within_s", DELIVER_WITHIN_S_MIN..=most)?;
    Ok(within.map(|within| Fence { window, within }))
}

/// How old a timestamp the gateway takes: so long a signed request can be applied where nothing else bounds it.
pub(super) fn timestamp_window(config: &Config) -> Result<Duration, Failure> {
    let window = config.seconds("gateway.timestamp_window_s", WINDOW_S_MAX)?;
    if window.as_secs_f64() < WINDOW_S_MIN {
        let found = Value::Float(window.as_secs_f64());
        return Err(out_of_range("gateway.timestamp_window_s", &found, &format!("{WINDOW_S_MIN} to {WINDOW_S_MAX}")));
    }
    Ok(window)
}

/// How long after a send a person's word that it did nothing is too early: the two hours for which a signed request is
/// valid, or longer where the gateway's window is longer and nothing bounds late requests.
pub(super) fn signed_valid(config: &Config) -> Result<Duration, Failure> {
    let unbounded = if fence(config)?.is_some() { Duration::ZERO } else { timestamp_window(config)? };
    Ok(unbounded.max(SIGNED_BYTES_VALID))
}

/// How long a request that was signed may still be applied by the gateway, in words.
pub(super) fn late_words(config: &Config) -> Result<String, Failure> {
    Ok(match fence(config)? {
        Some(Fence { within, .. }) => {
            format!("refused by the gateway itself, {} s after the intent (deliver_within_s)", within.as_secs_f64())
        }
        None => format!(
            "not bounded (deliver_within_s = 0): for {} s after it was signed, a top-up that is held up on its way can \
             still be applied",
            timestamp_window(config)?.as_secs_f64()
        ),
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

/// The settings of the configuration that decide what of a plan is sent or held: they are sealed with it.
const SEALED: [&str; 6] = [
    "payout.names",
    "payout.names_missing",
    "payout.send_sms",
    "limits.points_per_payout",
    "limits.points_per_batch",
    "limits.rows_per_batch",
];

/// Those settings as they are now.
pub(super) fn sealed_settings(config: &Config) -> Settings {
    let value = |path: &str| match config.found(path) {
        Some((Value::String(text), _)) => text.clone(),
        Some((value, _)) => value.to_string(),
        None => "none".to_owned(),
    };
    Settings::new(SEALED.map(|path| (path.to_owned(), value(path))).into())
}

/// Under what a command works on a batch.
pub(super) fn under(config: &Config, purpose: Purpose) -> Result<Under, Failure> {
    Ok(Under {
        purpose,
        binding: binding(config)?,
        settings: sealed_settings(config),
        repeats: RepeatRule { window_days: repeat_window_days(config)?, why: None },
        signed_valid: signed_valid(config)?,
        now: unix_ms(),
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

/// How long ago another batch's payment still counts as a repeat, in days.
pub(super) fn repeat_window_days(config: &Config) -> Result<u32, Failure> {
    config.count("payout.repeat_window_days", 0..=3650)
}

/// How long after its receipt a member can spend points, in hours: reports say until when a mistake can be raised.
pub(super) fn spendable_after_h(config: &Config) -> Result<u64, Failure> {
    Ok(config.whole("report.spendable_after_h", 0..=SPENDABLE_AFTER_H_MAX)?.unwrap_or_default())
}

/// The settings of one run that may credit `budget_points` in all.
pub(super) fn run_settings(config: &Config, mode: Mode, budget_points: u64) -> Result<RunSettings, Failure> {
    let timeout = config.seconds("gateway.timeout_s", TIMEOUT_S_MAX)?;
    let fence = fence(config)?;
    let settle = settle(config, timeout, fence)?;
    let batch_limit = limits(config)?.points_per_batch.unwrap_or(u64::MAX);
    Ok(RunSettings {
        mode,
        policy: Policy {
            settle,
            late: fence.map_or(Duration::ZERO, |fence| fence.arrives_for()),
            queries_max: config.count("resolve.queries_max", 1..=1000)?,
            resends_max: config.count("resolve.resends_max", 0..=100)?,
            resubmit: config.yes("resolve.resubmit"),
            member_checks_max: MEMBER_CHECKS_MAX,
            idle_sends_max: IDLE_SENDS_MAX,
            backoff: backoff(settle),
        },
        names: names(config)?,
        names_missing: names_missing(config)?,
        rate_per_s: rate_per_s(config, timeout, fence)?,
        max_in_flight: config.count("gateway.max_in_flight", 1..=100_000)? as usize,
        timeout,
        fence,
        canary_rows: config.count("safety.canary_rows", 0..=10_000)?,
        breaker_in_doubt: config.count("safety.breaker_in_doubt", 0..=1_000_000)?,
        breaker_refused: config.count("safety.breaker_refused", 0..=1_000_000)?,
        budget_points: budget_points.min(batch_limit),
        quiet_before: Duration::ZERO,
        shared_pace: None,
        seed: fastrand::u64(..),
    })
}

/// The settle time. Shorter than a call, or than a top-up may be on its way, an absent order would prove nothing.
fn settle(config: &Config, timeout: Duration, fence: Option<Fence>) -> Result<Duration, Failure> {
    let settle = config.seconds("resolve.settle_s", SECONDS_MAX)?;
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
        return Err(Failure::new(Exit::Usage, "configuration", anyhow!("{failure}\nhint: {hint}")));
    }
    Ok(settle)
}

fn rate_per_s(config: &Config, timeout: Duration, fence: Option<Fence>) -> Result<f64, Failure> {
    let rate_per_s = config.positive("gateway.rate_per_s", RATE_MAX)?;
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

    fn config(variables: &[(&str, &str)]) -> Config {
        let file = tempfile::NamedTempFile::new().unwrap();
        let variables = variables.iter().map(|(name, value)| (format!("TOPUP_{name}"), (*value).to_owned()));
        Config::read(Some(file.path()), variables).unwrap()
    }

    #[test]
    fn a_rate_that_no_clock_can_keep_is_refused() {
        for (rate, taken) in [("1e-300", false), ("0.001", false), ("0.01", true), ("100000", true), ("100001", false)]
        {
            let config = config(&[("GATEWAY_RATE_PER_S", rate), ("GATEWAY_DELIVER_WITHIN_S", "0")]);
            assert_eq!(run_settings(&config, Mode::Pay, 0).is_ok(), taken, "{rate}");
        }
    }

    #[test]
    fn a_rate_at_which_every_permit_would_die_is_refused() {
        for (rate, taken) in [("0.15", false), ("0.16", true)] {
            let found = run_settings(&config(&[("GATEWAY_RATE_PER_S", rate)]), Mode::Pay, 0);
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
            let found = run_settings(&config, Mode::Pay, 0).map(drop).map_err(|failure| failure.to_string());
            match (&found, expected) {
                (Ok(()), None) => {}
                (Err(found), Some(expected)) => assert!(found.contains(expected), "{found}"),
                _ => panic!("{settle} {within} {timeout}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_bound_lies_within_the_window_or_is_off() {
        for (window, within, expected) in [
            ("7200", "45", Ok(Some(45.0))),
            ("7200", "0", Ok(None)),
            ("300", "290", Ok(Some(290.0))),
            ("300", "290.5", Err("gateway.deliver_within_s must be 0.1 to 290, or 0 for none, found 290.5")),
            ("7200", "-1", Err("gateway.deliver_within_s must be 0.1 to 7190, or 0 for none, found -1")),
            ("59", "45", Err("gateway.timestamp_window_s must be 60 to 604800, found 59")),
            ("0", "45", Err("gateway.timestamp_window_s must be above 0 and up to 604800, found 0")),
        ] {
            let config = config(&[("GATEWAY_TIMESTAMP_WINDOW_S", window), ("GATEWAY_DELIVER_WITHIN_S", within)]);
            let found = fence(&config).map(|fence| fence.map(|fence| fence.within.as_secs_f64()));
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{found}"),
                (found, expected) => panic!("{found:?} and not {expected:?}"),
            }
        }
    }
}
