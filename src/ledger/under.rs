//! Defines under what a run of a batch is made: what it may do, where its calls go, and what holds a payment back.

use super::record::{Binding, UnixMs};
use super::settings::Settings;
use crate::domain::payout_status::SIGNED_BYTES_VALID;
use std::time::Duration;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
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
