//! Reads the configuration: the file, over it the environment, over it the flags.

use super::failure::{Ending, Failure};
use super::key_material::{SECRETS, Secret, kind_of_key};
use super::keys::{KEYS, Key, Kind, is_of_a_service, nearest};
use crate::domain::hint::{Choice, Hint, Step};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Value;

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "topup.toml";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Default,
    File,
    Environment(String),
    Flag(&'static str),
}

/// The values as they were written, checked for their kind and nothing else.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// The file, if there is one.
    pub(super) file: Option<PathBuf>,
    values: BTreeMap<String, (Value, Source)>,
    /// The key itself, and the passphrase of one: variables that are no keys of the file, and are never shown.
    pub(super) secrets: [Option<Secret>; 2],
}

/// A value that no command can work with.
fn wrong(message: String) -> Failure {
    Failure::said(Ending::Usage, "configuration", message)
}

impl Config {
    /// Reads `file` (or `topup.toml`, where there is one) and the environment.
    pub(super) fn read(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let mut config = Self { file: None, values: BTreeMap::new(), secrets: [None, None] };
        for key in KEYS {
            if let Some(default) = key.default {
                config.set(key, parse(key, default, "the default")?, Source::Default);
            }
        }
        config.read_file(file)?;
        config.read_environment(environment)?;
        Ok(config)
    }

    fn read_file(&mut self, file: Option<&Path>) -> Result<(), Failure> {
        let path = file.unwrap_or_else(|| Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(wrong(format!("reading the configuration {}: {error}", path.display()))),
        };
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| wrong(broken_file(path, &text, &error)))?;
        refuse_keys(&path.display().to_string(), &Value::Table(table.clone()))?;
        for (section, keys) in &table {
            let Value::Table(keys) = keys else {
                return Err(unknown(path, section, KEYS.iter().map(|key| format!("[{}]", key.section))));
            };
            if !KEYS.iter().any(|key| key.section == section) {
                let sections = KEYS.iter().map(|key| format!("[{}]", key.section));
                return Err(unknown(path, &format!("[{section}]"), sections));
            }
            for (name, value) in keys {
                let Some(key) = KEYS.iter().find(|key| key.section == section && key.name == name) else {
                    return Err(unknown(path, &format!("{section}.{name}"), KEYS.iter().map(Key::path)));
                };
                let value = key.value_of(value.clone()).ok_or_else(|| {
                    let found = if key.name == "key_code" { "something else".to_owned() } else { value.to_string() };
                    wrong(format!("{} in {} must be {}, found {found}", key.path(), path.display(), key.takes()))
                })?;
                self.set(key, value, Source::File);
            }
        }
        self.file = Some(path.to_owned());
        Ok(())
    }

    fn read_environment(&mut self, environment: impl Iterator<Item = (String, String)>) -> Result<(), Failure> {
        for (variable, text) in environment {
            if let Some(place) = SECRETS.iter().position(|secret| *secret == variable) {
                self.secrets[place] = Some(Secret(text)).filter(|Secret(text)| !text.is_empty());
                continue;
            }
            let known = KEYS.iter().find(|key| key.variable() == variable);
            let place = known.map_or_else(|| "a variable of the environment".to_owned(), Key::variable);
            refuse_key(&place, &format!("{variable}={text}"))?;
            if let Some(key) = known {
                let value = parse(key, &text, &variable)?;
                self.set(key, value, Source::Environment(variable));
            } else if is_of_a_service(&variable) {
                // Kubernetes made it of a service that is called like this program.
            } else if KEYS.iter().any(|key| variable.starts_with(&format!("TOPUP_{}_", key.section.to_uppercase()))) {
                return Err(unknown(Path::new("the environment"), &variable, KEYS.iter().map(Key::variable)));
            }
        }
        Ok(())
    }

    /// Whether nothing at all was configured of the gateway: no file, and no variable.
    pub(super) fn is_absent(&self) -> bool {
        let is_of_gateway = |path: &str, source: &Source| path.starts_with("gateway.") && *source != Source::Default;
        self.file.is_none() && !self.values().any(|(path, _, source)| is_of_gateway(path, source))
    }

    /// A flag's value, over file and environment.
    pub(super) fn set_flag(&mut self, path: &str, value: Value, flag: &'static str) {
        self.values.insert(path.to_owned(), (value, Source::Flag(flag)));
    }

    fn set(&mut self, key: &Key, value: Value, source: Source) {
        self.values.insert(key.path(), (value, source));
    }

    /// Every key with its value and where that came from.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &Value, &Source)> {
        self.values.iter().map(|(path, (value, source))| (path.as_str(), value, source))
    }

    /// The value of a key and where it came from, if it has one.
    pub(super) fn found(&self, path: &str) -> Option<(&Value, &Source)> {
        self.values.get(path).map(|(value, source)| (value, source))
    }

    /// A text that has to be there.
    pub(super) fn text(&self, path: &str) -> Result<&str, Failure> {
        self.values.get(path).and_then(|(value, _)| value.as_str()).filter(|text| !text.is_empty()).ok_or_else(|| {
            let (section, name) = path.split_once('.').unwrap_or_default();
            match &self.file {
                Some(file) => {
                    let file = file.display();
                    wrong(format!("the configuration has no {path}\nhint: set {name} under [{section}] in {file}"))
                }
                None => no_file(&format!(", and nothing else sets {path}")),
            }
        })
    }

    /// A whole number within a range.
    pub(super) fn whole(&self, path: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Failure> {
        let Some((value, _)) = self.values.get(path) else { return Ok(None) };
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(out_of_range(path, value, &format!("{} to {}", range.start(), range.end()))),
        }
    }

    /// A whole number within a range, of a key that has a default.
    pub(super) fn count(&self, path: &str, range: std::ops::RangeInclusive<u64>) -> Result<u32, Failure> {
        let number = self.whole(path, range)?.unwrap_or_default();
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// A number above 0 and up to `most`.
    pub(super) fn positive(&self, path: &str, most: f64) -> Result<f64, Failure> {
        let Some((value, _)) = self.values.get(path) else { return Err(wrong(format!("{path} is not set"))) };
        let number = value.as_float().unwrap_or_default();
        if number > 0.0 && number <= most {
            Ok(number)
        } else {
            Err(out_of_range(path, value, &format!("above 0 and up to {most}")))
        }
    }

    /// Seconds above 0 and up to `most`.
    pub(super) fn seconds(&self, path: &str, most: f64) -> Result<Duration, Failure> {
        self.positive(path, most).map(Duration::from_secs_f64)
    }

    /// Seconds within a range; 0 stands for none at all.
    pub(super) fn seconds_or_none(
        &self,
        path: &str,
        range: std::ops::RangeInclusive<f64>,
    ) -> Result<Option<Duration>, Failure> {
        let Some((value, _)) = self.values.get(path) else { return Err(wrong(format!("{path} is not set"))) };
        let number = value.as_float().unwrap_or(-1.0);
        if number == 0.0 {
            Ok(None)
        } else if range.contains(&number) {
            Ok(Some(Duration::from_secs_f64(number)))
        } else {
            Err(out_of_range(path, value, &format!("{} to {}, or 0 for none", range.start(), range.end())))
        }
    }

    /// Yes or no.
    pub(super) fn yes(&self, path: &str) -> bool {
        self.values.get(path).and_then(|(value, _)| value.as_bool()).unwrap_or_default()
    }

    /// A path of the file, and a default beside it, is relative to the file: otherwise the same command typed in another
    /// folder would begin a new ledger. One of a flag or variable is relative to where the command is typed.
    pub(super) fn path(&self, path: &str) -> Result<PathBuf, Failure> {
        let text = self.text(path)?;
        // The key itself where the name of its file belongs: no message about the path may show it.
        if text.contains("PRIVATE KEY") || text.contains(['\n', '\r']) {
            return Err(wrong(format!(
                "{path} must be the name of a file, found its contents\nhint: write them to a file that only its owner \
                 may read, and name that"
            )));
        }
        let text = PathBuf::from(text);
        let in_file = self.values.get(path).is_some_and(|(_, source)| matches!(source, Source::File | Source::Default));
        Ok(match self.file.as_deref().and_then(Path::parent) {
            Some(folder) if in_file => folder.join(text),
            Some(_) | None => text,
        })
    }
}

/// There is no configuration where one is looked for. `also`: what is missing for that.
pub(super) fn no_file(also: &str) -> Failure {
    let hint = Hint::default()
        .step(Step::Init)
        .words(" writes one here; where it is elsewhere, go there or name it: ")
        .choice(Choice::Config);
    wrong(format!("there is no configuration: no {DEFAULT_FILE} in this folder{also}")).with_hint(hint)
}

/// A value that is of the right kind and says nothing sensible.
pub(super) fn out_of_range(path: &str, found: &Value, expected: &str) -> Failure {
    wrong(format!("{path} must be {expected}, found {found}"))
}

/// Where a file is no TOML, without the line itself: it may hold the key's code, or the key.
fn broken_file(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let place = format!("in {}, line {}", path.display(), before.matches('\n').count() + 1);
    match kind_of_key(text) {
        // The parser's message may name what it found.
        Some(kind) => format!("{place}: no toml, and the file holds {kind}, which is not shown\nhint: {HINT_KEY}"),
        None => format!("{place}: {}", error.message()),
    }
}

const HINT_KEY: &str = "write the key to a file of its own that only its owner may read, and name that file as private_key \
                        under [gateway]";

/// A private key in any place of the configuration: whatever is wrong there, no message may show it.
fn refuse_key(place: &str, text: &str) -> Result<(), Failure> {
    match kind_of_key(text) {
        Some(kind) => Err(wrong(format!("{place} holds {kind}, which is not shown\nhint: {HINT_KEY}"))),
        None => Ok(()),
    }
}

/// Looks through names and values, however deep.
fn refuse_keys(place: &str, value: &Value) -> Result<(), Failure> {
    match value {
        Value::String(text) => refuse_key(place, text),
        Value::Array(items) => items.iter().try_for_each(|item| refuse_keys(place, item)),
        Value::Table(table) => table.iter().try_for_each(|(name, value)| {
            refuse_key(place, name)?;
            let below =
                place.rsplit_once(": ").map_or_else(|| format!("{place}: {name}"), |_| format!("{place}.{name}"));
            refuse_keys(&below, value)
        }),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => Ok(()),
    }
}

fn unknown(place: &Path, written: &str, known: impl Iterator<Item = String>) -> Failure {
    let hint = nearest(written, known).map(|near| format!("\nhint: did you mean {near}?")).unwrap_or_default();
    wrong(format!("{} has an unknown key {written}{hint}", place.display()))
}

/// A value as the environment gives it: a text without quotes.
fn parse(key: &Key, text: &str, place: &str) -> Result<Value, Failure> {
    let value = match key.kind {
        Kind::Text => Some(Value::String(text.to_owned())),
        Kind::Number => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
        Kind::Whole => text.parse().ok().map(Value::Integer),
        Kind::YesNo => text.parse().ok().map(Value::Boolean),
    };
    value.ok_or_else(|| wrong(format!("{} from {place} must be {}, found {text:?}", key.path(), key.takes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, Failure> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Config::read(Some(file.path()), environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn the_environment_goes_over_the_file_and_the_file_over_the_default() {
        let config = read("[gateway]\nrate_per_s = 7\n", &[("TOPUP_RESOLVE_SETTLE_S", "0.5")]).unwrap();
        assert_eq!(config.positive("gateway.rate_per_s", 100.0).unwrap(), 7.0);
        assert_eq!(config.seconds("resolve.settle_s", 100.0).unwrap(), Duration::from_millis(500));
        assert_eq!(config.seconds("gateway.timeout_s", 100.0).unwrap(), Duration::from_secs(30));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_was_expected() {
        for (text, environment, expected) in [
            ("[gateway]\nrate = 7\n", vec![], "unknown key gateway.rate\nhint: did you mean gateway.rate_per_s?"),
            ("[gatway]\nurl = 'x'\n", vec![], "unknown key [gatway]\nhint: did you mean [gateway]?"),
            ("[gateway]\nrate_per_s = 'fast'\n", vec![], "must be a number, found \"fast\""),
            ("", vec![("TOPUP_GATEWAY_RATE", "7")], "did you mean TOPUP_GATEWAY_RATE_PER_S?"),
            ("", vec![("TOPUP_SAFETY_CANARY_ROWS", "x")], "must be a whole number, found \"x\""),
            ("[gateway\n", vec![], "in "),
        ] {
            let failure = read(text, &environment).unwrap_err().to_string();
            assert!(failure.contains(expected), "{failure}");
        }
    }

    #[test]
    fn the_ledger_is_beside_the_configuration_wherever_the_command_is_typed() {
        for text in ["", "[ledger]\npath = 'topup.db'\n"] {
            let config = read(text, &[]).unwrap();
            let folder = config.file.as_deref().and_then(Path::parent).unwrap();
            assert_eq!(config.path("ledger.path").unwrap(), folder.join("topup.db"));
        }
        let config = read("", &[("TOPUP_LEDGER_PATH", "here.db")]).unwrap();
        assert_eq!(config.path("ledger.path").unwrap(), Path::new("here.db"));
    }

    #[test]
    fn a_line_that_is_no_toml_is_named_and_not_shown() {
        for text in ["\n[gateway]\nkey_code = 28f04867-c6d5-secret\n", "\n\nprivate_key = secret\n"] {
            let failure = read(text, &[]).unwrap_err().to_string();
            assert!(failure.contains(", line 3: ") && !failure.contains("secret"), "{failure}");
        }
        let failure = read("[gateway]\nkey_code = 12345678\n", &[]).unwrap_err().to_string();
        assert!(!failure.contains("12345678"), "{failure}");
    }

    #[test]
    fn a_key_in_place_of_its_files_name_is_never_shown() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEsecret\n-----END RSA PRIVATE KEY-----\n";
        for key in [key.to_owned(), key.replace('\n', " ")] {
            let failure = read("", &[("TOPUP_GATEWAY_PRIVATE_KEY", &key)]).unwrap_err().to_string();
            assert!(failure.contains("TOPUP_GATEWAY_PRIVATE_KEY holds an rsa private key"), "{failure}");
            assert!(failure.contains("name that file as private_key") && !failure.contains("MIIE"), "{failure}");
        }
    }

    #[test]
    fn a_key_of_any_kind_in_any_place_is_never_shown() {
        let body = crate::simulator::generate_key_pem().unwrap();
        let body: String = body.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\n");
        let one_line = body.replace('\n', "");
        let pem = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----");
        for text in [
            format!("[gateway]\nprivate_key = \"\"\"{pem}\"\"\"\n"),
            format!("[gateway]\nprivate_key = \"{one_line}\"\n"),
            format!("[gateway]\nmerchant_id = \"{one_line}\"\n"),
            format!("[gateway]\nurl = \"{one_line}\"\n"),
            format!("[gateway]\nrate_per_s = \"{one_line}\"\n"),
            format!("[payout]\nnames = \"\"\"\n{pem}\"\"\"\n"),
            format!("[payout]\nkey = [\"x\", {{ k = \"{one_line}\" }}]\n"),
            format!("private_key = \"{one_line}\"\n"),
            format!("[gateway]\n\"{one_line}\" = 1\n"),
            format!("[\"{one_line}\"]\nx = 1\n"),
            format!("[gateway]\nprivate_key = {pem}\n"),
            format!("[gateway]\nprivate_key = \"{pem}\"\n"),
            format!("[gateway]\nprivate_key = \"\"\"{pem}\n"),
            format!("[gateway]\nprivate_key = {one_line}\n"),
            format!("{one_line} = 1\n"),
            format!("[gateway]\n{pem}\n"),
            pem.clone(),
            body.clone(),
        ] {
            let failure = read(&text, &[]).unwrap_err();
            let said = failure.to_string();
            assert_eq!(failure.ending, Ending::Usage);
            assert!(said.contains("which is not shown") && said.contains("private_key under [gateway]"), "{said}");
            for line in body.lines() {
                assert!(!said.contains(&line[..20]), "{said}");
            }
        }
        for variable in ["TOPUP_GATEWAY_URL", "TOPUP_GATEWAY_RATE_PER_S", "TOPUP_GATEWAY_KEY", "TOPUP_LEDGER_PATH"] {
            let said = read("", &[(variable, &one_line)]).unwrap_err().to_string();
            assert!(said.contains("which is not shown") && !said.contains(&one_line[..20]), "{said}");
        }
    }

    #[test]
    fn ranges_are_held() {
        let config = read("[gateway]\nrate_per_s = 0\n[safety]\ncanary_rows = -1\n", &[]).unwrap();
        assert!(config.positive("gateway.rate_per_s", 10.0).is_err());
        assert!(config.count("safety.canary_rows", 0..=10).is_err());
    }
}
