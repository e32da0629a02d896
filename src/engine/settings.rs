//! Defines what a run is told before it begins.

use super::shared_pace::SharedPace;
use crate::domain::payout_process::Policy;
use crate::gateway::Fence;
use std::sync::Arc;
use std::time::Duration;

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Resolves what is in doubt and pays what is planned.
    Pay,
    /// Only asks order status of what is in doubt.
    Resolve,
    /// Only the pre-check of what is planned.
    CheckMembers,
}

/// What a member's other name leads to (`payout.names`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// The payout is held for a person.
    Hold,
    /// It is said, and paid.
    Warn,
    /// Names are not compared.
    Off,
}

/// What a member leads to whose name the gateway does not give (`payout.names_missing`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamesMissing {
    /// The payout is held for a person.
    Hold,
    /// It is said, and paid.
    Pay,
}

/// The settings of one run. There is no `Default`: each caller says all of it.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// What to do.
    pub mode: Mode,
    /// How patient to be with each payout.
    pub policy: Policy,
    /// What a member's other name leads to.
    pub names: Names,
    /// What a member leads to whose name the gateway does not give, where names are compared.
    pub names_missing: NamesMissing,
    /// Requests a second, all three calls together (`gateway.rate_per_s`).
    pub rate_per_s: f64,
    /// Calls under way at once, at most (`gateway.max_in_flight`).
    pub max_in_flight: usize,
    /// How long one call may take (`gateway.timeout_s`).
    pub timeout: Duration,
    /// The bound of late requests (`gateway.deliver_within_s`); `None`: there is none.
    pub fence: Option<Fence>,
    /// Payouts that are paid alone and confirmed first; 0: none (`safety.canary_rows`).
    pub canary_rows: u32,
    /// New payouts in doubt in a row that stop new top-ups; 0: never (`safety.breaker_in_doubt`).
    pub breaker_in_doubt: u32,
    /// Payouts in a row whose refusal may be our own fault, that stop the batch; 0: never (`safety.breaker_refused`).
    pub breaker_refused: u32,
    /// Points that the batch may credit in all.
    pub budget_points: u64,
    /// Points that this run may send at most, whatever is planned; `None`: all of it.
    pub stop_after: Option<u64>,
    /// How long the first request has to wait, so that a restart does not exceed the rate.
    pub quiet_before: Duration,
    /// The pace that all commands of a ledger on this machine share; `None`: this run has one of its own.
    pub shared_pace: Option<Arc<SharedPace>>,
    /// Nobody looks on who would be asked whether it goes on after a stop: another run may take it up by itself.
    pub is_unattended: bool,
    /// Where chance comes from: the same seed gives the same waits.
    pub seed: u64,
}
