//! Writes a person's word about what waits, if the rules and the signature allow it: a proposal, an approval, a sending
//! back, a withdrawal.

use super::error::LedgerError;
use super::facts;
use super::proposals::{actor, check_signature, fold, is_signed, kind, signed_bytes, words};
use super::record::{BatchEvent, BatchId, PayoutId, UnixMs};
use super::store::Store;
use super::team::{self};
use super::writer::{Group, Write};
use crate::domain::approval::{Actor, ProposalKind, ProposalState};
use crate::domain::proposal::{Proposal, ProposalEvent, Proposals};
use serde_json::json;

/// What goes along with a person's word.
#[derive(Clone, Copy, Debug, Default)]
pub struct Along<'a> {
    /// The person's reason.
    pub why: Option<&'a str>,
    /// The person's signature.
    pub signature: Option<&'a str>,
    /// The payouts that a proposed decision is about.
    pub payouts: &'a [PayoutId],
}

fn note(event: &ProposalEvent, along: &Along<'_>, ledger_event: i64) -> String {
    let (kind, seal) = match event {
        ProposalEvent::Proposed { kind, seal, .. } => (Some(kind.word()), Some(seal.to_string())),
        ProposalEvent::Approved { seal, .. } => (None, Some(seal.to_string())),
        ProposalEvent::SentBack { .. } | ProposalEvent::Withdrawn { .. } => (None, None),
    };
    let (person, system) = match actor(event) {
        Actor::Person(name) => (Some(name.as_str()), None),
        Actor::System(name) => (None, Some(name.as_str())),
    };
    json!({
        "kind": kind, "seal": seal, "person": person, "system": system, "why": along.why, "signature": along.signature,
        "ledger_event": ledger_event, "payouts": along.payouts.iter().map(|payout| payout.0).collect::<Vec<_>>(),
    })
    .to_string()
}

/// Writes a person's word about what waits, if the rules and the signature allow it.
pub(super) fn record(
    store: &impl Store,
    batch: BatchId,
    at: UnixMs,
    event: &ProposalEvent,
    along: &Along<'_>,
) -> Result<Proposals, LedgerError> {
    let changes = team::changes(store)?;
    let team = team::team_at(&changes, i64::MAX)?;
    let before = fold(&words(store, batch)?, &changes)?;
    let waiting = before.waiting().cloned();
    let after = before.after(event, &team)?;
    let name = store.batch(batch)?.name;
    if let Some(signed) = signed_bytes(name.as_str(), event, after.all(), waiting.as_ref())
        && (is_signed(event) || along.signature.is_some())
    {
        check_signature(&team, actor(event), &signed, along.signature)?;
    }
    let by = super::words::actor_word(actor(event), along.signature.is_some());
    let mut group = Group::begin(store, batch, &by)?;
    let note = note(event, along, store.last_ledger_event()?);
    group.write(&Write::Batch { at, event: BatchEvent::Proposal { kind: kind(event), note } })?;
    group.finish()?;
    match event {
        // Beside the history for the triggers, which let nothing of an approved plan go; an audit compares the two.
        ProposalEvent::Approved { .. } => {
            store.keep_approved(batch, after.approved_plan().map_or(0, |plan| plan.version))?;
        }
        ProposalEvent::SentBack { .. } | ProposalEvent::Withdrawn { .. } => {
            if let Some(plan) = waiting.filter(|waiting| waiting.kind == ProposalKind::Plan) {
                take_back(store, batch, &plan, &after, (at, &by))?;
            }
        }
        ProposalEvent::Proposed { .. } => {}
    }
    Ok(after)
}

/// Takes the rows of a version out that nobody approved: nothing ever happened to them, and another version may have
/// them again. What the batch is said to be goes back to what it was before.
fn take_back(
    store: &impl Store,
    batch: BatchId,
    plan: &Proposal,
    after: &Proposals,
    by: (UnixMs, &str),
) -> Result<(), LedgerError> {
    store.remove_version(batch, plan.version)?;
    let stands = |proposal: &&Proposal| {
        proposal.kind == ProposalKind::Plan
            && matches!(proposal.state, ProposalState::Proposed | ProposalState::Approved)
    };
    let left: Vec<u32> = after.all().iter().filter(stands).map(|proposal| proposal.version).collect();
    facts::restore(store, batch, &left, by)
}
