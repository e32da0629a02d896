//! Turns the configuration into what the engine, the gateway and the plan are told, each value checked for its range.

use super::config::{Config, Source, out_of_range};
use super::failure::Failure;
use super::key_material::{SECRETS, Secret};
use crate::domain::invoice_no::InvoicePrefix;
use crate::domain::payout_status::SIGNED_BYTES_VALID;
use crate::gateway::{
    Authorities, Fence, GatewaySettings, GatewayUrl, HttpGateway, PrivateKey, ProxyAddress, read_passphrase,
};
use crate::ledger::{Binding, Purpose, RepeatRule, Settings as SealedSettings, Under, UnixMs};
use crate::plan::Limits;
use crate::report::Zone;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Value;

/// The longest that one call may take, in seconds.
pub(super) const TIMEOUT_S_MAX: f64 = 600.0;
/// A year, in hours: no contract lets points rest longer.
const SPENDABLE_AFTER_H_MAX: u64 = 8760;
pub(super) const RATE_MAX: f64 = 100_000.0;
/// The shortest and the longest window of timestamps, in seconds: a minute, and a week.
const WINDOW_S_MIN: f64 = 60.0;
pub(super) const WINDOW_S_MAX: f64 = 604_800.0;
/// The shortest bound of late requests, in seconds. Timestamps have whole seconds, so below a few of them a top-up may
/// be refused however fast it is: definite, and it stops the batch.
const DELIVER_WITHIN_S_MIN: f64 = 0.1;
/// How old a timestamp is at the least, in seconds.
const TIMESTAMP_BACK_S: f64 = 10.0;
/// Calls at once in a rehearsal, enough for this machine: more would only wait for each other, until they time out.
const REHEARSED_IN_FLIGHT_MAX: i64 = 64;
/// The longest that a rehearsed call may take, and an absent order may be waited for, in seconds.
const REHEARSED_PATIENCE_S: f64 = 2.0;

/// The settings of the configuration that decide what of a plan is sent or held: they are sealed with it.
const SEALED: [&str; 6] = [
    "payout.names",
    "payout.names_missing",
    "payout.send_sms",
    "limits.points_per_payout",
    "limits.points_per_batch",
    "limits.rows_per_batch",
];

/// What the use cases work under: read once, each value with its source, and turned into what each part is told.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) config: Config,
    ledger_path: PathBuf,
}

impl Settings {
    /// Reads `file` (or `topup.toml`, where there is one) and the environment; `ledger` goes over both.
    ///
    /// # Errors
    /// The file, or a value, is not what is expected.
    pub fn read(
        file: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
        ledger: Option<(&Path, &'static str)>,
    ) -> Result<Self, Failure> {
        let mut config = Config::read(file, text_of(environment))?;
        if let Some((path, flag)) = ledger {
            config.set_flag("ledger.path", Value::String(path.display().to_string()), flag);
        }
        let ledger_path = ledger.map_or_else(|| config.path("ledger.path"), |(path, _)| Ok(path.to_owned()))?;
        Ok(Self { config, ledger_path })
    }

    /// Where the ledger is.
    #[must_use]
    pub fn ledger_path(&self) -> &Path {
        &self.ledger_path
    }

    /// Whether there is no configuration, and nothing else says where the ledger is.
    pub(super) fn is_unconfigured(&self) -> bool {
        self.config.is_absent() && matches!(self.config.found("ledger.path"), Some((_, Source::Default)))
    }

    /// The gateway's client, with the key it signs with.
    pub fn gateway(&self) -> Result<HttpGateway, Failure> {
        Ok(HttpGateway::new(self.gateway_settings()?, self.key()?)?)
    }

    /// The key that requests are signed with: of a variable, or else of a file.
    pub(super) fn key(&self) -> Result<PrivateKey, Failure> {
        let [pem, passphrase] = &self.config.secrets;
        let of_file = match (passphrase, self.config.found("gateway.private_key_passphrase_file")) {
            (Some(Secret(passphrase)), _) => Some(passphrase.clone()),
            (None, Some(_)) => Some(read_passphrase(&self.config.path("gateway.private_key_passphrase_file")?)?),
            (None, None) => None,
        };
        let passphrase = of_file.as_deref();
        Ok(match pem {
            Some(Secret(pem)) => PrivateKey::from_pem(pem, SECRETS[0], passphrase)?,
            None => PrivateKey::load(&self.config.path("gateway.private_key")?, passphrase)?,
        })
    }

    /// Where the key is, as people are told.
    pub(super) fn key_place(&self) -> Result<PathBuf, Failure> {
        if self.config.secrets[0].is_some() {
            Ok(PathBuf::from(SECRETS[0]))
        } else {
            self.config.path("gateway.private_key")
        }
    }

    /// Where requests go, and as whom.
    pub fn gateway_settings(&self) -> Result<GatewaySettings, Failure> {
        Ok(GatewaySettings {
            url: GatewayUrl::parse(self.config.text("gateway.url")?)?,
            merchant_id: self.config.text("gateway.merchant_id")?.to_owned(),
            terminal_id: self.config.text("gateway.terminal_id")?.to_owned(),
            key_code: self.config.text("gateway.key_code")?.to_owned(),
            timeout: self.config.seconds("gateway.timeout_s", TIMEOUT_S_MAX)?,
            connect_timeout: self.config.seconds("gateway.connect_timeout_s", TIMEOUT_S_MAX)?,
            proxy: self.proxy()?,
            authorities: self.authorities()?,
            fence: self.fence()?,
        })
    }

    /// Who is trusted beside the system's authorities.
    fn authorities(&self) -> Result<Authorities, Failure> {
        if self.config.found("gateway.ca_file").is_none() {
            return Ok(Authorities::default());
        }
        Ok(Authorities::load(&self.config.path("gateway.ca_file")?)?)
    }

    fn proxy(&self) -> Result<Option<ProxyAddress>, Failure> {
        if self.config.found("gateway.proxy").is_none() {
            return Ok(None);
        }
        Ok(Some(ProxyAddress::parse(self.config.text("gateway.proxy")?)?))
    }

    /// The bound of late requests; `None`: it is switched off.
    pub fn fence(&self) -> Result<Option<Fence>, Failure> {
        let window = self.timestamp_window()?;
        // A timestamp may not lie in the gateway's future, whatever the clocks differ by.
        let most = window.as_secs_f64() - TIMESTAMP_BACK_S;
        let within = self.config.seconds_or_none("gateway.deliver_within_s", DELIVER_WITHIN_S_MIN..=most)?;
        Ok(within.map(|within| Fence { window, within }))
    }

    /// How old a timestamp the gateway takes: so long a signed request can be applied where nothing else bounds it.
    pub fn timestamp_window(&self) -> Result<Duration, Failure> {
        let window = self.config.seconds("gateway.timestamp_window_s", WINDOW_S_MAX)?;
        if window.as_secs_f64() < WINDOW_S_MIN {
            let found = Value::Float(window.as_secs_f64());
            return Err(out_of_range(
                "gateway.timestamp_window_s",
                &found,
                &format!("{WINDOW_S_MIN} to {WINDOW_S_MAX}"),
            ));
        }
        Ok(window)
    }

    /// How long a request that was signed may still be applied by the gateway, in words.
    pub fn late_words(&self) -> Result<String, Failure> {
        Ok(match self.fence()? {
            Some(Fence { within, .. }) => {
                format!("refused by the gateway itself, {} s after the intent (deliver_within_s)", within.as_secs_f64())
            }
            None => format!(
                "not bounded (deliver_within_s = 0): for {} s after it was signed, a top-up that is held up on its way can \
             still be applied",
                self.timestamp_window()?.as_secs_f64()
            ),
        })
    }

    /// What a batch is bound to under this configuration.
    pub fn binding(&self) -> Result<Binding, Failure> {
        let settings = self.gateway_settings()?;
        let prefix = self.config.text("payout.invoice_prefix").unwrap_or_default();
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

    /// Those settings as they are now.
    pub fn sealed_settings(&self) -> SealedSettings {
        let value = |path: &str| match self.config.found(path) {
            Some((Value::String(text), _)) => text.clone(),
            Some((value, _)) => value.to_string(),
            None => "none".to_owned(),
        };
        SealedSettings::new(SEALED.map(|path| (path.to_owned(), value(path))).into())
    }

    /// Under what a use case works on a batch; `repeat_why`: why it pays again what another batch credited.
    ///
    /// # Errors
    /// A setting is missing or out of its range.
    pub fn under(&self, purpose: Purpose, repeat_why: Option<String>, now: UnixMs) -> Result<Under, Failure> {
        Ok(Under {
            purpose,
            binding: self.binding()?,
            settings: self.sealed_settings(),
            repeats: RepeatRule { window_days: self.repeat_window_days()?, why: repeat_why },
            signed_valid: self.signed_valid()?,
            now,
        })
    }

    /// How long after a send a person's word that it did nothing is too early: the two hours for which a signed request is
    /// valid, or longer where the gateway's window is longer and nothing bounds late requests.
    pub fn signed_valid(&self) -> Result<Duration, Failure> {
        let unbounded = if self.fence()?.is_some() { Duration::ZERO } else { self.timestamp_window()? };
        Ok(unbounded.max(SIGNED_BYTES_VALID))
    }

    /// Whether a ledger may be made where there is none.
    #[must_use]
    pub fn may_create_a_ledger(&self) -> bool {
        self.config.yes("ledger.create")
    }

    /// Whether members get a message where their row says nothing.
    #[must_use]
    pub fn send_sms(&self) -> bool {
        self.config.yes("payout.send_sms")
    }

    /// A text of the configuration, if it has one.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.config.text(path).ok()
    }

    /// The file of the key that requests are signed with.
    pub fn private_key(&self) -> Result<PathBuf, Failure> {
        self.config.path("gateway.private_key")
    }

    /// These settings with another gateway, and in faster time. Where nobody's name is known, names are not compared:
    /// every payout with a name would be held.
    pub(super) fn rehearsed(&self, url: &str, knows_names: bool) -> Result<Self, Failure> {
        const FLAG: &str = "--rehearse";
        let mut rehearsed = self.clone();
        let config = &mut rehearsed.config;
        let in_flight = i64::from(config.count("gateway.max_in_flight", 1..=100_000)?).min(REHEARSED_IN_FLIGHT_MAX);
        for key in ["gateway.timeout_s", "gateway.connect_timeout_s", "resolve.settle_s"] {
            let span = config.seconds(key, f64::MAX)?.as_secs_f64().min(REHEARSED_PATIENCE_S);
            config.set_flag(key, span.into(), FLAG);
        }
        config.set_flag("gateway.url", url.into(), FLAG);
        config.set_flag("gateway.rate_per_s", RATE_MAX.into(), FLAG);
        config.set_flag("gateway.max_in_flight", in_flight.into(), FLAG);
        // The simulator inside delivers at once, or as late as a fault says: the settle time is shortened, so the bound
        // goes.
        config.set_flag("gateway.deliver_within_s", 0.0.into(), FLAG);
        if !knows_names {
            config.set_flag("payout.names", "off".into(), FLAG);
        }
        Ok(rehearsed)
    }

    /// The operator's own limits.
    pub fn limits(&self) -> Result<Limits, Failure> {
        Ok(Limits {
            points_per_payout: self.config.whole("limits.points_per_payout", 1..=u64::MAX)?,
            points_per_batch: self.config.whole("limits.points_per_batch", 1..=u64::MAX)?,
            rows_per_batch: self.config.whole("limits.rows_per_batch", 1..=u64::MAX)?,
        })
    }

    /// How long ago another batch's payment still counts as a repeat, in days.
    pub fn repeat_window_days(&self) -> Result<u32, Failure> {
        self.config.count("payout.repeat_window_days", 0..=3650)
    }

    /// How long after its receipt a member can spend points, in hours: reports say until when a mistake can be raised.
    pub fn spendable_after_h(&self) -> Result<u64, Failure> {
        Ok(self.config.whole("report.spendable_after_h", 0..=SPENDABLE_AFTER_H_MAX)?.unwrap_or_default())
    }

    /// The zone by whose clock results tell times.
    pub fn time_zone(&self) -> Result<Zone, Failure> {
        let (key, expected) = ("report.time_zone", "a name of the IANA database, such as \"Asia/Ho_Chi_Minh\"");
        let name = self.config.text(key)?;
        Zone::named(name).ok_or_else(|| out_of_range(key, &Value::String(name.to_owned()), expected))
    }

    /// The settings that a batch keeps, as JSON: everything but the key and what names it.
    pub fn to_json(&self) -> String {
        let kept =
            self.config.values().filter(|(path, ..)| !matches!(*path, "gateway.private_key" | "gateway.key_code"));
        let object: serde_json::Map<String, serde_json::Value> =
            kept.map(|(path, value, _)| (path.to_owned(), serde_json::json!(value))).collect();
        serde_json::Value::Object(object).to_string()
    }
}

/// The variables that are text. Others' may be anything, and `std::env::vars` would panic and show them; one of ours
/// that is no text is passed on with what cannot be read replaced, so that it is refused and not overlooked.
fn text_of(variables: impl Iterator<Item = (OsString, OsString)>) -> impl Iterator<Item = (String, String)> {
    variables.filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("TOPUP_"))?;
        Some((name, value.to_string_lossy().into_owned()))
    })
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
            let found = config.fence().map(|fence| fence.map(|fence| fence.within.as_secs_f64()));
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{found}"),
                (found, expected) => panic!("{found:?} and not {expected:?}"),
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_environment_that_is_no_text_harms_nobody() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let variables = [
            (bytes(b"SECRET"), bytes(b"\xff")),
            (bytes(b"\xff"), bytes(b"x")),
            (bytes(b"TOPUP_GATEWAY_URL"), bytes(b"sandbox")),
        ];
        let read: Vec<_> = text_of(variables.into_iter()).collect();
        assert_eq!(read, [("TOPUP_GATEWAY_URL".to_owned(), "sandbox".to_owned())]);
    }
}
