//! What those are shown who look at a ledger.

use super::record::{Batch, Payout, PayoutId, UnixMs};
use crate::domain::event::{Event, Fate};
use crate::domain::invoice_no::InvoiceNo;
use crate::domain::payout::TopUp;
use crate::domain::payout_status::{PayoutStatus, State};
use crate::domain::row_key::RowKey;

/// What a look at a batch shows beside its totals.
#[derive(Clone, Debug, Default)]
pub struct BatchDetails {
    /// Why payouts are declined, ineligible and held, the most frequent reason of each state first.
    pub reasons: Vec<ReasonCount>,
    /// States of which only the first payouts were looked into, and how many those are.
    pub bounded: Vec<(State, u64)>,
    /// The first held payouts, each with the name that the gateway gave.
    pub held: Vec<(Payout, Option<String>)>,
    /// How fast the run goes that is going on.
    pub pace: Option<Pace>,
}

/// How many payouts stand as they do for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    /// Their state.
    pub state: State,
    /// What decided it.
    pub event: Event,
    /// `meta.code` of the answer that decided it.
    pub code: Option<i64>,
    /// What the gateway said to the first of them; for a name that differs, nothing.
    pub said: Option<String>,
    /// How many payouts it explains.
    pub rows: u64,
}

/// What a live run did lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// When the run began.
    pub started_at: UnixMs,
    /// How long ago the span begins that the counts are of, in milliseconds; at least one.
    pub span_ms: u64,
    /// Calls that ended in it.
    pub calls: u64,
    /// Payouts that were settled in it: credited, or not to be paid.
    pub settled: u64,
}

/// One payout in doubt.
#[derive(Clone, Debug)]
pub struct InDoubt {
    /// The row in the spreadsheet.
    pub row: u64,
    /// The payer's own reference.
    pub reference: Option<String>,
    /// The number in use.
    pub invoice_no: InvoiceNo,
    /// Since when it is in doubt.
    pub since: UnixMs,
    /// How it stands.
    pub standing: PayoutStatus,
    /// Its sends, oldest first, those of earlier numbers too.
    pub sends: Vec<Send>,
    /// What order status said last, unless it plainly did not know the number.
    pub order_said: Option<String>,
}

/// One send of a top-up, as the history has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// When its intent was recorded.
    pub at: UnixMs,
    /// What became of it; `None`: the run ended before its end was recorded.
    pub fate: Option<Fate>,
    /// HTTP status, where there was an answer.
    pub http: Option<u16>,
    /// `meta.code`, where there was one.
    pub code: Option<i64>,
    /// What the gateway said.
    pub said: Option<String>,
}

/// Payouts that are found of one text; a member has one a month.
pub const FOUND_MAX: usize = 200;

/// A payout that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its batch.
    pub batch: String,
    /// When the batch was planned.
    pub planned_at: UnixMs,
    /// Who planned it.
    pub planned_by: String,
    /// Its row in the spreadsheet, as first planned.
    pub row: u64,
    /// The payer's own row key, where it has one.
    pub reference: Option<String>,
    /// The member, as the ledger holds it.
    pub member: String,
    /// Whole points.
    pub points: u64,
    /// How it stands.
    pub state: State,
    /// Every invoice_no that it ever had, the one in use last.
    pub invoice_nos: Vec<String>,
    /// What happened to it, oldest first.
    pub events: Vec<FoundEvent>,
}

/// Something that happened to a payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEvent {
    /// When it was recorded.
    pub at: UnixMs,
    /// What it was, in the words of the ledger.
    pub kind: String,
    /// What came of it, in the words of the ledger.
    pub detail: Option<String>,
    /// The state that it led to, where that is another one.
    pub state: Option<String>,
    /// HTTP status, where there was an answer.
    pub http: Option<u16>,
    /// `meta.code`, where there was one.
    pub code: Option<i64>,
    /// What the gateway said.
    pub note: Option<String>,
    /// A person's reason.
    pub why: Option<String>,
    /// Who did it, and how that is known.
    pub actor: String,
}

/// A row of the file that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its number in the spreadsheet.
    pub row: u64,
    /// Header and text of each cell, as it was read; `None`: removed by a purge.
    pub cells: Option<Vec<(String, String)>>,
    /// Why; empty after a purge.
    pub reasons: Vec<String>,
}

/// A batch, as it stands before a purge.
#[derive(Clone, Debug)]
pub struct Purgeable {
    /// The batch.
    pub batch: Batch,
    /// Payouts that a run or a person has still to bring to an end.
    pub open: u64,
    /// When the last of its payouts came to stand as it does, in Unix milliseconds.
    pub settled_at: UnixMs,
}

/// How much there is to remove from a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Personal {
    /// Names that the file gave.
    pub names: u64,
    /// Receipts.
    pub receipts: u64,
    /// Payouts with cells of the file that were only kept.
    pub extras: u64,
    /// Events with words of the gateway, or a name that it gave.
    pub notes: u64,
}

/// What a look at the file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// How commits are kept: `wal` once a run opened the ledger.
    pub journal: String,
    /// The schema's version.
    pub schema: u64,
    /// The file's size in bytes, without what is in its write-ahead log.
    pub bytes: u64,
    /// What is damaged; empty: nothing.
    pub damage: Vec<String>,
    /// Payouts that are planned or in doubt, of all batches.
    pub open_payouts: u64,
}

/// Another payout of the batch that goes to the member of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its row, as first planned.
    pub row: u64,
    /// This file added it.
    pub is_of_this_file: bool,
}

/// A payout of the plan that the file no longer names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPayout {
    /// Its row in the ledger.
    pub payout: PayoutId,
    /// The row, as first planned.
    pub row: u64,
    /// Its invoice_no.
    pub invoice_no: String,
    /// How it stands.
    pub state: State,
    /// Its points.
    pub points: u64,
}

/// A payout of the batch, with what a statement is held against.
#[derive(Clone, Debug)]
pub struct LedgerEntry {
    /// The row in the spreadsheet, as first planned.
    pub row: u64,
    /// Its key across edits.
    pub key: RowKey,
    /// What it sends, under the number of its current attempt.
    pub top_up: TopUp,
    /// Its current attempt, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub state: State,
    /// When it was credited, in Unix milliseconds.
    pub credited_at: Option<UnixMs>,
}

/// A run, as the history of its batch tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// What was noted at its beginning.
    pub beginning: String,
    /// When it ended, and how; `None`: it goes on, or was cut off.
    pub ended: Option<(UnixMs, String)>,
}
