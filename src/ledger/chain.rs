//! Links the events of a batch: each carries the SHA-256 of the one before, so that an edited, removed or reordered
//! event shows.

use super::error::LedgerError;
use crate::domain::sha256::Sha256;
use rusqlite::Row;
use rusqlite::types::FromSql;

/// What the first event of a batch carries.
pub(super) const START: Sha256 = Sha256::NONE;

/// Room for what most events hash.
const HASHED_BYTES: usize = 256;

/// The columns of one event, as they are hashed.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) payout_id: Option<i64>,
    pub(super) at: i64,
    pub(super) kind: &'a str,
    pub(super) detail: Option<&'a str>,
    pub(super) state: Option<&'a str>,
    pub(super) request_id: Option<&'a str>,
    pub(super) http: Option<i64>,
    pub(super) code: Option<i64>,
    pub(super) latency_ms: Option<i64>,
    pub(super) note: Option<&'a str>,
    pub(super) why: Option<&'a str>,
    pub(super) previous: Sha256,
}

impl Link<'_> {
    /// The hash that the next event carries.
    pub(super) fn hash(&self) -> Sha256 {
        // Hashed in one go: the fields are two dozen small pieces, and each of them would cost a call.
        let mut bytes = Vec::with_capacity(HASHED_BYTES);
        bytes.extend_from_slice(self.previous.as_bytes());
        for number in [self.payout_id, Some(self.at), self.http, self.code, self.latency_ms] {
            field(&mut bytes, number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        }
        for text in [Some(self.kind), self.detail, self.state, self.request_id, self.note, self.why] {
            field(&mut bytes, text.map(str::as_bytes));
        }
        Sha256::of(&bytes)
    }
}

/// A length in front keeps neighbouring fields apart, and absent ones from empty ones.
pub(super) fn field(hashed: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
    hashed.extend_from_slice(&length.to_be_bytes());
    hashed.extend_from_slice(bytes.unwrap_or_default());
}

/// What [`StoredEvent::read`] reads, from `events e`.
pub(super) const EVENT_COLUMNS: &str = "e.event_id, e.payout_id, e.at, e.kind, e.detail, e.state, e.request_id, \
     e.http, e.code, e.latency_ms, e.note, e.why, e.previous";

/// An event as the ledger holds it.
#[derive(Debug)]
pub(super) struct StoredEvent {
    pub(super) event_id: i64,
    pub(super) kind: String,
    pub(super) previous: Sha256,
    payout_id: Option<i64>,
    at: i64,
    detail: Option<String>,
    state: Option<String>,
    request_id: Option<String>,
    http: Option<i64>,
    code: Option<i64>,
    latency_ms: Option<i64>,
    note: Option<String>,
    why: Option<String>,
}

impl StoredEvent {
    /// Thirteen columns from `first` on, as [`EVENT_COLUMNS`] names them.
    pub(super) fn read(row: &Row<'_>, first: usize) -> Result<Self, LedgerError> {
        fn get<T: FromSql>(row: &Row<'_>, index: usize) -> Result<T, LedgerError> {
            row.get(index).map_err(LedgerError::sqlite("reading the history"))
        }
        Ok(Self {
            event_id: get(row, first)?,
            payout_id: get(row, first + 1)?,
            at: get(row, first + 2)?,
            kind: get(row, first + 3)?,
            detail: get(row, first + 4)?,
            state: get(row, first + 5)?,
            request_id: get(row, first + 6)?,
            http: get(row, first + 7)?,
            code: get(row, first + 8)?,
            latency_ms: get(row, first + 9)?,
            note: get(row, first + 10)?,
            why: get(row, first + 11)?,
            previous: get(row, first + 12)?,
        })
    }

    /// The hash that the next event carries.
    pub(super) fn hash(&self) -> Sha256 {
        let link = Link {
            payout_id: self.payout_id,
            at: self.at,
            kind: &self.kind,
            detail: self.detail.as_deref(),
            state: self.state.as_deref(),
            request_id: self.request_id.as_deref(),
            http: self.http,
            code: self.code,
            latency_ms: self.latency_ms,
            note: self.note.as_deref(),
            why: self.why.as_deref(),
            previous: self.previous,
        };
        link.hash()
    }
}
