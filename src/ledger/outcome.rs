//! Defines what results are made of: how a payout came out, what decided it, and how calls went over time.

use super::record::UnixMs;
use crate::domain::event::Event;
use crate::domain::payout_status::State;
use std::borrow::Cow;

/// A column of a payout file, as it was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileColumn {
    /// Its header as written.
    pub header: String,
    /// The word of its meaning; `None`: its cells are only kept.
    pub meaning: Option<String>,
}

/// Header and text of a cell that is only kept.
pub type ExtraCell<'r> = (Cow<'r, str>, Cow<'r, str>);

/// How one payout came out, borrowed from the ledger while it is shown.
#[derive(Clone, Debug)]
pub struct Outcome<'r> {
    /// The row in the spreadsheet, as first planned.
    pub row: u64,
    /// The payer's own row key.
    pub reference: Option<&'r str>,
    /// The member's phone, where it is known.
    pub phone: Option<&'r str>,
    /// `CARD` or `USER_ID` and the identifier, where the member is named by one.
    pub id: Option<(&'r str, &'r str)>,
    /// Whole points.
    pub points: u64,
    /// Whether the member gets a message.
    pub send_sms: bool,
    /// Name, address, email and tax code of the receipt.
    pub receipt: Option<[String; 4]>,
    /// The name that the payer expects behind the member.
    pub name: Option<&'r str>,
    /// Header and text of the cells that are only kept, in the order of the file that the row came from.
    pub extra: Vec<ExtraCell<'r>>,
    /// How it stands.
    pub state: State,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The number of this attempt.
    pub invoice_no: &'r str,
    /// When it was credited.
    pub credited_at: Option<UnixMs>,
    /// What explains the state; `None` for credited payouts, and where nothing was answered yet.
    pub decided: Option<Decided>,
}

/// The event that explains a payout's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What happened.
    pub event: Event,
    /// HTTP status, where there was an answer.
    pub http: Option<u16>,
    /// `meta.code`, where there was one.
    pub code: Option<i64>,
    /// What the gateway said; of a name that differs, the member's name.
    pub note: Option<String>,
    /// A person's reason, and who it was.
    pub why: Option<String>,
}

/// A call that ended, or a credit, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedCall {
    /// When it was recorded.
    pub at: UnixMs,
    /// A payout became credited by it.
    pub credited: bool,
    /// From send to end, where that is known.
    pub latency_ms: Option<u32>,
}
