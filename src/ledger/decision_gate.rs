//! Decides whether a person's decision that can pay again may be written: where a plan needs two persons, so does it. An
//! approval names its payouts, and serves each of them once.

use super::error::LedgerError;
use super::proposals;
use super::record::{BatchId, PayoutId};
use super::sqlite::read;
use super::team;
use crate::domain::approval::ProposalKind;
use crate::domain::batch_name::BatchName;
use crate::domain::event::Event;
use crate::domain::sha256::Sha256;
use crate::domain::team::Policy;
use rusqlite::Connection;

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

/// The words by which the history calls the decisions of a kind.
fn words_of(kind: ProposalKind) -> &'static str {
    match kind {
        ProposalKind::Plan => "",
        ProposalKind::Retry => "kind = 'retried'",
        ProposalKind::Release => "kind = 'released'",
        ProposalKind::Attest => "kind = 'attested' AND detail = 'not_credited'",
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
pub(super) fn check(
    connection: &Connection,
    batch: BatchId,
    event: &Event,
    payout: PayoutId,
) -> Result<(), LedgerError> {
    let Some(kind) = kind_of(event) else { return Ok(()) };
    if team::team(connection)?.policy() == Policy::OnePerson || is_unused(connection, batch, kind, &[payout])? {
        return Ok(());
    }
    let row = read::one(connection, "SELECT row FROM payouts WHERE payout_id = ?1", [payout.0])?.unwrap_or(0);
    Err(LedgerError::DecisionNotApproved { kind: kind.word(), row })
}

/// Whether each of the payouts has an approval for a decision of this kind that was not carried out yet.
pub(super) fn is_unused(
    connection: &Connection,
    batch: BatchId,
    kind: ProposalKind,
    payouts: &[PayoutId],
) -> Result<bool, LedgerError> {
    let approved = proposals::approved_decisions(connection, batch, kind)?;
    for payout in payouts {
        let approved_at = approved.iter().filter(|(_, named)| named.contains(&payout.0)).map(|(event, _)| *event).max();
        let Some(approved_at) = approved_at else { return Ok(false) };
        let sql = format!("SELECT 1 FROM events WHERE payout_id = ?1 AND event_id > ?2 AND {} LIMIT 1", words_of(kind));
        if read::one::<i64>(connection, &sql, (payout.0, approved_at))?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}
