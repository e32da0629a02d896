//! Doctor's look at the configuration and the key: each value with its source, and whether a run could take it.

use super::findings::Findings;
use crate::app::config::{Config, Source, no_file};
use crate::app::context::Context;
use crate::app::keys::{KEYS, Key};
use crate::engine::Mode;
use crate::gateway::{GatewaySettings, GatewayUrl, ProxyAddress};
use std::fmt::Write;
use std::path::Path;
use toml::Value;

/// The size of the key that the provider documents (VinID developer documentation, "signature"), in bits.
const KEY_BITS: usize = 2048;

/// Where the configuration is; with `all_settings` every value and its source. The key, and what names it at the gateway,
/// are never shown.
pub(super) fn check_configuration(context: Context<'_>, all_settings: bool, findings: &mut Findings) {
    let config = &context.settings.config;
    if config.is_absent() {
        return findings.fail_of("configuration", no_file(""));
    }
    let mut text = config
        .file
        .as_ref()
        .map_or_else(|| "no file: environment and defaults only".to_owned(), |path| path.display().to_string());
    if !all_settings {
        text.push_str(" (-v lists every setting)");
    }
    for key in KEYS.iter().filter(|_| all_settings) {
        let path = key.path();
        let _ = match config.found(&path) {
            Some((value, source)) => {
                write!(text, "\n{path} = {}   ({})", shown(config, key, value), source_words(source))
            }
            None => write!(text, "\n{path} is not set"),
        };
    }
    findings.ok("configuration", text);
    if let Some(path) = &config.file
        && let Some(mode) = mode_of(path)
        && mode & 0o022 != 0
    {
        let path = path.display();
        let text =
            format!("others may change {path} (mode {mode:03o}), and with it where points go\nhint: chmod 600 {path}");
        findings.warn("file modes", text);
    }
}

fn shown(config: &Config, key: &Key, value: &Value) -> String {
    match (key.section, key.name) {
        ("gateway", "key_code") => "(set, not shown)".to_owned(),
        // What should be an address or a file's name may hold a password, or the key itself.
        ("gateway", "url") if value.as_str().is_none_or(|text| GatewayUrl::parse(text).is_err()) => {
            "(not shown)".to_owned()
        }
        ("gateway", "proxy") if value.as_str().is_none_or(|text| ProxyAddress::parse(text).is_err()) => {
            "(not shown)".to_owned()
        }
        ("gateway", "private_key") => config
            .path("gateway.private_key")
            .map_or_else(|_| "(not shown)".to_owned(), |path| path.display().to_string()),
        _ => value.to_string(),
    }
}

fn source_words(source: &Source) -> String {
    match source {
        Source::Default => "default".to_owned(),
        Source::File => "file".to_owned(),
        Source::Environment(variable) => format!("environment: {variable}"),
        Source::Flag(flag) => format!("flag: {flag}"),
    }
}

/// Whether a run could take the values; gives what the network checks need.
pub(super) fn check_settings(context: Context<'_>, findings: &mut Findings) -> Option<GatewaySettings> {
    let settings = findings.take("gateway", context.settings.gateway_settings());
    if let Some(settings) = &settings {
        let url = settings.url.origin();
        findings.ok("gateway", format!("{url}, merchant {}, terminal {}", settings.merchant_id, settings.terminal_id));
        findings.take("invoice prefix", context.settings.binding());
    }
    let run = context.settings.run_settings(Mode::Pay, 0).and_then(|run| {
        context.settings.limits()?;
        context.settings.repeat_window_days()?;
        context.settings.spendable_after_h()?;
        context.settings.time_zone()?;
        Ok(run)
    });
    if let Some(run) = findings.take("settings", run) {
        let text = format!("{} requests/s, settle time {} s", run.rate_per_s, run.policy.settle.as_secs_f64());
        findings.ok("settings", text);
    }
    if let Some(GatewaySettings { fence: None, .. }) = &settings
        && let Ok(text) = context.settings.late_words()
    {
        let hint = "set deliver_within_s under [gateway]: then the gateway itself refuses what comes later";
        findings.warn("late requests", format!("{text}\nhint: {hint}"));
    }
    settings
}

pub(super) fn check_key(context: Context<'_>, findings: &mut Findings) {
    let key = context.settings.key_place().and_then(|path| Ok((context.settings.key()?, path)));
    let Some((key, path)) = findings.take("private key", key) else { return };
    let mode = mode_of(&path).map(|mode| format!(", mode {mode:03o}")).unwrap_or_default();
    let text = format!("{}, RSA, {} bits{mode}", path.display(), key.bits());
    if key.bits() == KEY_BITS {
        findings.ok("private key", text);
    } else {
        findings.warn("private key", format!("{text}\nhint: the provider documents keys of {KEY_BITS} bits"));
    }
    // What a run sets up from key and settings together, the very same way: headers, certificates, threads.
    if context.settings.gateway_settings().is_ok() {
        findings.take("client", context.settings.gateway());
    }
}

/// The permission bits of a file; `None` where there are none, or no file.
#[cfg(unix)]
pub(super) fn mode_of(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
pub(super) fn mode_of(_path: &Path) -> Option<u32> {
    None
}
