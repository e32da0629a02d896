//! Lists every configuration key: what it takes, and what holds where nobody sets it.

use toml::Value;

/// What a key's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Whole,
    YesNo,
}

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// As it would stand in the file; `None`: there is no default.
    pub(super) default: Option<&'static str>,
}

const fn key(section: &'static str, name: &'static str, kind: Kind, default: Option<&'static str>) -> Key {
    Key { section, name, kind, default }
}

/// Every key, in the order of the documentation.
pub(super) const KEYS: &[Key] = &[
    key("gateway", "url", Kind::Text, None),
    key("gateway", "merchant_id", Kind::Text, None),
    key("gateway", "terminal_id", Kind::Text, None),
    key("gateway", "key_code", Kind::Text, None),
    key("gateway", "private_key", Kind::Text, None),
    key("gateway", "private_key_passphrase_file", Kind::Text, None),
    key("gateway", "ca_file", Kind::Text, None),
    key("gateway", "proxy", Kind::Text, None),
    key("gateway", "rate_per_s", Kind::Number, Some("20")),
    key("gateway", "max_in_flight", Kind::Whole, Some("1000")),
    key("gateway", "timeout_s", Kind::Number, Some("30")),
    key("gateway", "connect_timeout_s", Kind::Number, Some("5")),
    key("gateway", "timestamp_window_s", Kind::Number, Some("7200")),
    key("gateway", "deliver_within_s", Kind::Number, Some("45")),
    key("payout", "invoice_prefix", Kind::Text, Some("TP")),
    key("payout", "send_sms", Kind::YesNo, Some("true")),
    key("payout", "names", Kind::Text, Some("hold")),
    key("payout", "names_missing", Kind::Text, Some("hold")),
    key("payout", "repeat_window_days", Kind::Whole, Some("20")),
    key("resolve", "settle_s", Kind::Number, Some("60")),
    key("resolve", "queries_max", Kind::Whole, Some("10")),
    key("resolve", "resends_max", Kind::Whole, Some("3")),
    key("resolve", "resubmit", Kind::YesNo, Some("true")),
    key("limits", "points_per_payout", Kind::Whole, None),
    key("limits", "points_per_batch", Kind::Whole, None),
    key("limits", "rows_per_batch", Kind::Whole, None),
    key("safety", "canary_rows", Kind::Whole, Some("3")),
    key("safety", "breaker_in_doubt", Kind::Whole, Some("20")),
    key("safety", "breaker_refused", Kind::Whole, Some("3")),
    key("ledger", "path", Kind::Text, Some("topup.db")),
    key("ledger", "create", Kind::YesNo, Some("true")),
    key("report", "spendable_after_h", Kind::Whole, Some("24")),
    key("report", "time_zone", Kind::Text, Some("Asia/Ho_Chi_Minh")),
];

impl Key {
    /// `section.name`.
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// What it takes, in words.
    pub(super) fn takes(&self) -> &'static str {
        match self.kind {
            Kind::Text => "a text in quotes",
            Kind::Number => "a number",
            Kind::Whole => "a whole number",
            Kind::YesNo => "true or false",
        }
    }

    /// The value, if it is of the key's kind; whole numbers serve as numbers.
    pub(super) fn value_of(&self, value: Value) -> Option<Value> {
        match (self.kind, value) {
            (Kind::Number, Value::Integer(number)) => i32::try_from(number).ok().map(|it| Value::Float(it.into())),
            (Kind::Number, value) => value.is_float().then_some(value),
            (Kind::Text, value) => value.is_str().then_some(value),
            (Kind::Whole, value) => value.is_integer().then_some(value),
            (Kind::YesNo, value) => value.is_bool().then_some(value),
        }
    }

    /// The environment variable that overrides the file.
    pub(super) fn variable(&self) -> String {
        format!("TOPUP_{}_{}", self.section.to_uppercase(), self.name.to_uppercase())
    }
}

/// The known key that is nearest to what was written.
pub(super) fn nearest(written: &str, known: impl Iterator<Item = String>) -> Option<String> {
    known.max_by(|a, b| strsim::jaro_winkler(written, a).total_cmp(&strsim::jaro_winkler(written, b)))
}

/// Whether a variable is one that Kubernetes gives every container of each service: `…_SERVICE_HOST`, `…_SERVICE_PORT[_NAME]`,
/// `…_PORT`, and `…_PORT_443_TCP[_ADDR|_PORT|_PROTO]` (Kubernetes documentation, "environment variables").
pub(super) fn is_of_a_service(variable: &str) -> bool {
    let is_port = |rest: &str| {
        let mut words = rest.split('_');
        words.next().is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
            && words.next().is_some_and(|protocol| ["TCP", "UDP", "SCTP"].contains(&protocol))
            && words.next().is_none_or(|what| ["ADDR", "PORT", "PROTO"].contains(&what))
            && words.next().is_none()
    };
    variable.ends_with("_SERVICE_HOST")
        || variable.ends_with("_SERVICE_PORT")
        || variable.contains("_SERVICE_PORT_")
        || variable.ends_with("_PORT")
        || variable.split_once("_PORT_").is_some_and(|(_, rest)| is_port(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_makes_of_a_service_is_told_from_a_misspelt_key() {
        for rest in ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTPS", "PORT", "PORT_443_TCP", "PORT_443_TCP_PROTO"]
        {
            assert!(is_of_a_service(&format!("TOPUP_GATEWAY_{rest}")), "{rest}");
        }
        for rest in ["URI", "PORTS", "PORT_443", "PORT_X_TCP", "PORT_443_TCP_HOST", "PORT_443_TCP_ADDR_MORE", "TIMEOUT"]
        {
            assert!(!is_of_a_service(&format!("TOPUP_GATEWAY_{rest}")), "{rest}");
        }
        assert!(KEYS.iter().all(|key| !is_of_a_service(&key.variable())));
    }
}
