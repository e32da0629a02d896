//! Defines the settings that a plan is sealed with, by name, and what changed of them since.

/// The sealed setting that holds why a plan repeats another batch.
pub(super) const REPEAT: &str = "--repeat";
/// How the names of the operator's own limits begin.
const LIMITS: &str = "limits.";

/// Settings that decide what of a plan is sent or held, by name, in a fixed order: sealed with the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(Vec<(String, String)>);

/// A setting that is not what the plan was sealed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its name, as in the configuration.
    pub setting: String,
    /// What it was when the plan was sealed.
    pub then: String,
    /// What it is.
    pub now: String,
}

impl Settings {
    /// These settings, in this order.
    #[must_use]
    pub fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The same settings with one more, or with another value of one.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// An operator's limit; `None`: there is none.
    #[must_use]
    pub fn limit(&self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok()
    }

    /// The first setting that `now` has with another value than these, of those that both have. Limits are not compared:
    /// they change nothing of what a plan sends, and a plan is held to those of now.
    #[must_use]
    pub fn changed(&self, now: &Self) -> Option<Changed> {
        self.iter().filter(|(name, _)| !name.starts_with(LIMITS)).find_map(|(name, then)| {
            let now = now.value(name).filter(|now| *now != then)?;
            Some(Changed { setting: name.to_owned(), then: then.to_owned(), now: now.to_owned() })
        })
    }

    /// As the ledger stores them.
    pub(super) fn to_json(&self) -> String {
        serde_json::json!(self.0).to_string()
    }

    /// Reads back what [`Settings::to_json`] wrote.
    pub(super) fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().map(Self)
    }
}
