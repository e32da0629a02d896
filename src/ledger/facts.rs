//! What a batch was planned as: everything about it that a person is shown, in the note of the event that planned it,
//! and so in the chain of its history. Whoever changes a batch's row writes such an event anew.

use super::audit::Audit;
use super::error::LedgerError;
use super::ledger_chain::{self, LedgerEvent};
use super::record::{BatchEvent, BatchId, Newest, PayoutId, UnixMs};
use super::store::{Store, StoredWord};
use super::writer::{Group, Write};
use serde_json::{Map, Value, json};

/// The digest of the rows that were skipped, which are a table of their own.
pub(super) const SKIPPED: &str = "skipped_sha256";
/// The kinds of events that plan a batch, and that say its first rows were confirmed.
const PLANNED: &str = "batch_planned";
const CONFIRMED: &str = "canary_confirmed";

/// Where the rows begin that the plan added: they are confirmed apart from those before.
const FIRST_NEW: &str = "first_new_payout";

/// Writes what the batch's row says into its history, and the event into the ledger's.
pub(super) fn record(
    store: &impl Store,
    batch: BatchId,
    (at, actor): (UnixMs, &str),
    first_new: Option<PayoutId>,
) -> Result<(), LedgerError> {
    let mut facts = store.facts(batch)?;
    if let Some(first_new) = first_new {
        facts.insert(FIRST_NEW.to_owned(), json!(first_new.0));
    }
    let mut group = Group::begin(store, batch, actor)?;
    group.write(&Write::Batch { at, event: BatchEvent::Planned(Value::Object(facts.clone()).to_string()) })?;
    let event = group.head();
    group.finish()?;
    let name = facts.get("name").and_then(Value::as_str).unwrap_or_default();
    ledger_chain::append(store, at, actor, &LedgerEvent::BatchPlanned { batch, name, event })
}

/// The newest rows of a batch, and whether the first of them were confirmed by order status.
pub(super) fn newest(store: &impl Store, batch: BatchId) -> Result<Newest, LedgerError> {
    let mut newest = Newest { first: None, confirmed: false };
    for StoredWord { kind, note, .. } in store.batch_events(batch, &[PLANNED, CONFIRMED])? {
        if kind == CONFIRMED {
            newest.confirmed = true;
        } else if let Some(first) = parsed(note).and_then(|facts| facts.get(FIRST_NEW).and_then(Value::as_i64)) {
            newest = Newest { first: Some(PayoutId(first)), confirmed: false };
        }
    }
    Ok(newest)
}

/// Makes the batch again what it was planned as before the version of its plan that nobody approved: what the newest of
/// the versions that are left says, or nothing.
pub(super) fn restore(store: &impl Store, batch: BatchId, left: &[u32], by: (UnixMs, &str)) -> Result<(), LedgerError> {
    let facts = planned(store, batch)?;
    let is_left = |facts: &Map<String, Value>| {
        let version = facts.get("plan_version").and_then(Value::as_u64);
        version.is_some_and(|version| left.iter().any(|left| u64::from(*left) == version))
    };
    let before = facts.into_iter().rfind(is_left);
    store.put_facts(batch, before.as_ref())?;
    record(store, batch, by, None)
}

/// The merchants and prefixes that a batch was planned under, in the order of its history.
pub(super) fn bindings(store: &impl Store, batch: BatchId) -> Result<Vec<(String, String)>, LedgerError> {
    let of = |facts: Map<String, Value>| {
        let text = |fact| facts.get(fact).and_then(Value::as_str).map(str::to_owned);
        Some((text("merchant_id")?, text("invoice_prefix")?))
    };
    Ok(planned(store, batch)?.into_iter().filter_map(of).collect())
}

/// What every event says that planned a batch, oldest first.
fn planned(store: &impl Store, batch: BatchId) -> Result<Vec<Map<String, Value>>, LedgerError> {
    Ok(store.batch_events(batch, &[PLANNED])?.into_iter().filter_map(|event| parsed(event.note)).collect())
}

fn parsed(note: Option<String>) -> Option<Map<String, Value>> {
    serde_json::from_str(&note?).ok()
}

/// Holds what a batch says of itself against the event that planned it last.
pub(super) fn check(store: &impl Store, batch: BatchId, is_purged: bool, audit: &mut Audit) -> Result<(), LedgerError> {
    let planned = store.batch_events(batch, &[PLANNED])?.pop().and_then(|event| parsed(event.note));
    let Some(planned) = planned else {
        audit.find("no event of the history says as what the batch was planned".to_owned());
        return Ok(());
    };
    let facts = store.facts(batch)?;
    for (fact, now) in &facts {
        // A purge removes the cells of skipped rows, and seals what is left of them.
        let may_differ = is_purged && fact == SKIPPED;
        if planned.get(fact) != Some(now) && !may_differ {
            let then = planned.get(fact).map_or_else(|| "nothing".to_owned(), Value::to_string);
            audit.find(format!("{fact}: the batch says {now}, and it was planned with {then}"));
        }
    }
    Ok(())
}
