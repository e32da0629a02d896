//! Decides whether an intent may become a permit: the row is what it was planned with, and as many persons approved it as
//! the policy of now demands. Whoever writes to the ledger, by whichever door, comes by here.

use super::error::LedgerError;
use super::record::{BatchId, PayoutId};
use super::store::{PlannedRow, Store};
use super::{history, proposals, row_seal};
use crate::domain::payout::TopUp;
use crate::domain::payout_status::State;
use crate::domain::sha256::Sha256;

/// The version of the plan up to which permits are minted, and the end of the ledger's own history for which that was
/// found: people and policy may change during a run.
pub(super) type Payable = Option<(Sha256, u32)>;

/// The version of the plan up to which permits may be minted, found again whenever people or policy changed.
pub(super) fn payable(known: &mut Payable, store: &impl Store, batch: BatchId) -> Result<u32, LedgerError> {
    let head = store.ledger_head()?;
    match *known {
        Some((then, version)) if then == head => Ok(version),
        Some(_) | None => {
            let version = proposals::payable(store, batch)?;
            *known = Some((head, version));
            Ok(version)
        }
    }
}

/// What may be sent is what the ledger holds, not what the run believes: what the row was planned with, under the number
/// that it leads to, and only where its history says that this intent is the next thing that happens to it.
pub(super) fn read_back(
    store: &impl Store,
    batch: BatchId,
    payable: u32,
    payout: PayoutId,
) -> Result<TopUp, LedgerError> {
    let standing = history::standing(store, payout)?;
    if standing.state != State::InDoubt {
        let state = standing.state.word();
        return Err(LedgerError::Broken(format!("payout {} was to be sent, and is {state}", payout.0)));
    }
    let judge = |planned: PlannedRow<'_>| {
        let PlannedRow { sealed, seal, top_up, batch, merchant_id, invoice_prefix } = planned;
        let bound = (batch, merchant_id, invoice_prefix);
        let is_own = row_seal::is_own_number(&top_up.invoice_no, bound, sealed.row_key, standing.attempt);
        if sealed.sha256(batch) != seal || !is_own {
            return Err(LedgerError::RowChanged { batch: batch.to_owned(), row: sealed.row });
        }
        if sealed.plan > i64::from(payable) {
            return Err(LedgerError::NotApproved { batch: batch.to_owned(), row: sealed.row });
        }
        Ok(top_up)
    };
    store.planned_row(batch, payout, judge).and_then(sendable)
}

/// The top-up, unless its member is only a hash: nobody is behind it, and nothing may ever be intended for it.
pub(super) fn sendable(top_up: TopUp) -> Result<TopUp, LedgerError> {
    if top_up.member.is_purged() {
        return Err(LedgerError::Broken(format!("{} is of a purged batch, and was to be sent", top_up.invoice_no)));
    }
    Ok(top_up)
}
