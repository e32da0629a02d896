//! The ledger's own history: to what it was bound, which plans it took, which batches it purged. Each event carries the
//! SHA-256 of the one before it, and the ledger's one row that of the last: a batch that is gone, a plan whose facts were
//! written anew and a purge that was taken back all show.

use super::chain::StoredLedgerEvent;
use super::error::LedgerError;
use super::record::{BatchId, Binding, UnixMs};
use super::store::Store;
use crate::domain::sha256::Sha256;
use serde_json::json;

/// What happens to a ledger as a whole.
#[derive(Debug)]
pub(super) enum LedgerEvent<'a> {
    /// It belongs to this gateway, merchant and prefix from now on; and a person's reason, where it belonged to others.
    Bound { binding: &'a Binding, why: Option<&'a str> },
    /// A batch was planned, or planned again, by the event of this hash.
    BatchPlanned { batch: BatchId, name: &'a str, event: Sha256 },
    /// Names and phones were removed from a batch, and what is left was sealed.
    BatchPurged { batch: BatchId, name: &'a str, seal: Sha256 },
    /// People or policy changed.
    Team { kind: &'static str, note: &'a str, why: Option<&'a str> },
}

impl LedgerEvent<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Bound { .. } => "bound",
            Self::BatchPlanned { .. } => "batch_planned",
            Self::BatchPurged { .. } => "batch_purged",
            Self::Team { kind, .. } => kind,
        }
    }

    fn batch(&self) -> Option<i64> {
        match self {
            Self::Bound { .. } | Self::Team { .. } => None,
            Self::BatchPlanned { batch, .. } | Self::BatchPurged { batch, .. } => Some(batch.0),
        }
    }

    fn note(&self) -> String {
        match self {
            Self::Bound { binding, .. } => {
                bound_note(&binding.gateway_host, &binding.merchant_id, binding.invoice_prefix.as_str())
            }
            Self::BatchPlanned { name, event, .. } => planned_note(name, event),
            Self::BatchPurged { name, seal, .. } => purged_note(name, seal),
            Self::Team { note, .. } => (*note).to_owned(),
        }
    }
}

/// What a binding says in the history.
pub(super) fn bound_note(gateway_host: &str, merchant_id: &str, invoice_prefix: &str) -> String {
    json!({"gateway_host": gateway_host, "merchant_id": merchant_id, "invoice_prefix": invoice_prefix}).to_string()
}

/// What a planned batch says in the history.
pub(super) fn planned_note(name: &str, event: &Sha256) -> String {
    json!({"batch": name, "event": event.to_string()}).to_string()
}

/// What a purged batch says in the history.
pub(super) fn purged_note(name: &str, seal: &Sha256) -> String {
    json!({"batch": name, "seal": seal.to_string()}).to_string()
}

/// Writes an event of the ledger, in the transaction of what it is about.
pub(super) fn append(store: &impl Store, at: UnixMs, actor: &str, event: &LedgerEvent<'_>) -> Result<(), LedgerError> {
    let why = match event {
        LedgerEvent::Bound { binding, why } => {
            store.bind(binding)?;
            *why
        }
        LedgerEvent::Team { why, .. } => *why,
        LedgerEvent::BatchPlanned { .. } | LedgerEvent::BatchPurged { .. } => None,
    };
    let stored = StoredLedgerEvent {
        id: store.last_ledger_event()? + 1,
        at,
        kind: event.kind().to_owned(),
        batch_id: event.batch(),
        note: event.note(),
        why: why.map(str::to_owned),
        actor: actor.to_owned(),
        previous: store.ledger_head()?,
    };
    store.append_ledger(&stored, stored.hash())
}
