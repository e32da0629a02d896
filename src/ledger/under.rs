//! Defines under what a run of a batch is made: what it may do, where its calls go, and what holds a payment back.

use super::record::{Binding, UnixMs};
use crate::domain::payout_status::SIGNED_BYTES_VALID;
use std::time::Duration;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How the names of the operator's own limits begin.
const LIMITS: &str = "limits.";
/// A window that nothing was credited before: a century.
const FOR_EVER_DAYS: u32 = 36_500;

/// What a run of a batch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It may send top-ups.
    Pay,
    /// It only asks the gateway, and records what that says and what a person decides.
    Ask,
    /// It makes no call, and records what a person decides.
    Record,
}

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

/// When another batch's credit of the same member and points makes a payout a repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatRule {
    /// How long ago such a credit counts, in days (`payout.repeat_window_days`).
    pub window_days: u32,
    /// Why it is meant to be repeated (`--repeat`).
    pub why: Option<String>,
}

impl Default for RepeatRule {
    /// The strictest: whatever was ever credited counts, and nothing is meant.
    fn default() -> Self {
        Self { window_days: FOR_EVER_DAYS, why: None }
    }
}

impl RepeatRule {
    /// Since when a credit counts, by the clock of now.
    #[must_use]
    pub fn since(&self, now: UnixMs) -> UnixMs {
        now.saturating_sub(i64::from(self.window_days) * DAY_MS)
    }
}

/// Under what a run of a batch is made.
#[derive(Clone, Debug)]
pub struct Under {
    /// What it is for.
    pub purpose: Purpose,
    /// Where its calls go, and as whom.
    pub binding: Binding,
    /// The settings that were sealed with the plan, as they are now.
    pub settings: Settings,
    /// What counts as a repetition of another batch.
    pub repeats: RepeatRule,
    /// How long after it was signed the gateway may still apply a request, as far as nothing else bounds it: below two
    /// hours it counts as two hours.
    pub signed_valid: Duration,
    /// Now, in Unix milliseconds.
    pub now: UnixMs,
}

impl Under {
    /// For this purpose and gateway, by the strictest rule of repetitions.
    #[must_use]
    pub fn new(purpose: Purpose, binding: Binding, now: UnixMs) -> Self {
        let (settings, repeats) = (Settings::default(), RepeatRule::default());
        Self { purpose, binding, settings, repeats, signed_valid: SIGNED_BYTES_VALID, now }
    }
}
