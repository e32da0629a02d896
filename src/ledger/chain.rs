//! Links the events of a batch: each carries the SHA-256 of the one before, so that an edited, removed or reordered
//! event shows.

use super::record::UnixMs;
use crate::domain::sha256::Sha256;

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
    pub(super) actor: &'a str,
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
        for text in [Some(self.kind), self.detail, self.state, self.request_id, self.note, self.why, Some(self.actor)] {
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

/// An event as the ledger holds it.
#[derive(Debug)]
pub(super) struct StoredEvent {
    pub(super) event_id: i64,
    pub(super) kind: String,
    pub(super) previous: Sha256,
    pub(super) payout_id: Option<i64>,
    pub(super) at: i64,
    pub(super) detail: Option<String>,
    pub(super) state: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) http: Option<i64>,
    pub(super) code: Option<i64>,
    pub(super) latency_ms: Option<i64>,
    pub(super) note: Option<String>,
    pub(super) why: Option<String>,
    pub(super) actor: String,
}

impl StoredEvent {
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
            actor: &self.actor,
            previous: self.previous,
        };
        link.hash()
    }
}

/// An event of the ledger as a whole, as it holds it.
#[derive(Debug)]
pub(super) struct StoredLedgerEvent {
    /// Its place in the history, from 1.
    pub(super) id: i64,
    pub(super) at: UnixMs,
    pub(super) kind: String,
    pub(super) batch_id: Option<i64>,
    pub(super) note: String,
    pub(super) why: Option<String>,
    pub(super) actor: String,
    pub(super) previous: Sha256,
}

impl StoredLedgerEvent {
    /// The hash that the next event carries.
    pub(super) fn hash(&self) -> Sha256 {
        let mut bytes = self.previous.as_bytes().to_vec();
        for number in [Some(self.at), self.batch_id] {
            field(&mut bytes, number.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        }
        for text in [Some(&self.kind), Some(&self.note), self.why.as_ref(), Some(&self.actor)] {
            field(&mut bytes, text.map(|text| text.as_bytes()));
        }
        Sha256::of(&bytes)
    }
}
