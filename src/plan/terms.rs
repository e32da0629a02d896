//! Defines what a plan is made under, and what a row's keys and number are under it.

use crate::domain::batch_name::BatchName;
use crate::domain::payout::Row;
use crate::domain::row_key::RowKey;
use crate::ledger::{Binding, Settings, UnixMs};

/// What a plan is made under.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The batch.
    pub batch: BatchName,
    /// Gateway, merchant, terminal and prefix.
    pub binding: Binding,
    /// The settings of the configuration that are sealed with the plan, by name.
    pub settings: Settings,
    /// What becomes of a plan of which those settings changed since it was sealed.
    pub resealing: Resealing,
    /// Whether members get a message where their row says nothing (`payout.send_sms`).
    pub send_sms: bool,
    /// The operator's own limits.
    pub limits: Limits,
    /// How many rows the user expects (`--expect-rows`).
    pub expect_rows: Option<u64>,
    /// One member may stand in several rows without references (`--allow-repeat-phones`).
    pub allow_repeat_phones: bool,
    /// Pay the valid rows and report the rest as skipped (`--skip-invalid`).
    pub skip_invalid: bool,
    /// Why rows that another batch credited lately are paid again (`--repeat`).
    pub repeat_why: Option<String>,
    /// How long ago such a credit counts (`payout.repeat_window_days`).
    pub repeat_window_days: u32,
    /// Now, in Unix milliseconds.
    pub now: UnixMs,
}

/// What becomes of a plan of which a sealed setting changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resealing {
    /// It is refused: the consent was to another plan.
    Refused,
    /// It is sealed anew: on a copy, nothing is paid.
    OnACopy,
    /// It is sealed anew if it comes to exactly this seal, in hexadecimal digits (`--confirm-plan`).
    Confirmed(String),
}

/// The operator's own limits (`[limits]`); `None`: only the gateway's hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Points of one payout.
    pub points_per_payout: Option<u64>,
    /// Points of the whole batch.
    pub points_per_batch: Option<u64>,
    /// Payouts of the batch.
    pub rows_per_batch: Option<u64>,
}

/// The keys that a row may have, in the order in which they are tried: its reference, or its member's n-th row.
pub(super) fn keys_of(row: &Row) -> impl Iterator<Item = RowKey> + '_ {
    let reference = row.reference.as_deref().map(RowKey::reference);
    let occurrences = (1..).map(|n| RowKey::member(&row.member, n));
    let by_member = row.reference.is_none();
    reference.into_iter().chain(occurrences.take_while(move |_| by_member))
}
