//! Decides whether a person's decision that can pay again may be written: where a plan needs two persons, so does it. An
//! approval names its payouts, and serves each of them once.

use super::error::LedgerError;
use super::proposals;
use super::record::{BatchId, PayoutId};
use super::store::Store;
use super::team;
use crate::domain::approval::ProposalKind;
use crate::domain::batch_name::BatchName;
use crate::domain::event::Event;
use crate::domain::sha256::Sha256;
use crate::domain::team::Policy;

/// What a decision has to be approved as; nothing where it takes one person.
fn kind_of(event: &Event) -> Option<ProposalKind> {
    match event {
        Event::Retried => Some(ProposalKind::Retry),
        Event::Released { .. } => Some(ProposalKind::Release),
        Event::AttestedNotCredited => Some(ProposalKind::Attest),
        Event::MemberAnswered(_)
        | Event::OrderAnswered(_)
        | Event::SubmitIntended
        | Event::SendEnded(_)
        | Event::Cancelled
        | Event::AttestedCredited => None,
    }
}

/// SHA-256 over exactly what is decided: the kind, the how-manieth of it, the payouts and the reason. Without its number
/// the same decision would have the same seal a second time, and a signature that was given once would fit again.
pub(super) fn seal(batch: &BatchName, kind: ProposalKind, version: u32, payouts: &[PayoutId], why: &str) -> Sha256 {
    let mut bytes = version.to_be_bytes().to_vec();
    for text in ["topup-decision-1", batch.as_str(), kind.word(), why] {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    let mut ids: Vec<i64> = payouts.iter().map(|payout| payout.0).collect();
    ids.sort_unstable();
    ids.iter().for_each(|id| bytes.extend_from_slice(&id.to_be_bytes()));
    Sha256::of(&bytes)
}

/// Refuses a decision that nobody else approved, whichever door it came by.
pub(super) fn check(store: &impl Store, batch: BatchId, event: &Event, payout: PayoutId) -> Result<(), LedgerError> {
    let Some(kind) = kind_of(event) else { return Ok(()) };
    if team::team(store)?.policy() == Policy::OnePerson || is_unused(store, batch, kind, &[payout])? {
        return Ok(());
    }
    let row = store.stands(payout)?.row;
    Err(LedgerError::DecisionNotApproved { kind: kind.word(), row })
}

/// Whether each of the payouts has an approval for a decision of this kind that was not carried out yet.
pub(super) fn is_unused(
    store: &impl Store,
    batch: BatchId,
    kind: ProposalKind,
    payouts: &[PayoutId],
) -> Result<bool, LedgerError> {
    let approved = proposals::approved_decisions(store, batch, kind)?;
    for payout in payouts {
        let approved_at = approved.iter().filter(|(_, named)| named.contains(&payout.0)).map(|(event, _)| *event).max();
        let Some(approved_at) = approved_at else { return Ok(false) };
        if store.was_decided_since(*payout, kind, approved_at)? {
            return Ok(false);
        }
    }
    Ok(true)
}
