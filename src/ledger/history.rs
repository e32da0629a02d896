//! Tells how a payout stands: what its history comes to, which has to be what its row says.

use super::error::LedgerError;
use super::record::PayoutId;
use super::store::{Stands, Store};
use crate::domain::payout_status::PayoutStatus;

/// How a payout stands after its whole history, which has to be what its row says.
pub(super) fn standing(store: &impl Store, payout: PayoutId) -> Result<PayoutStatus, LedgerError> {
    let standing = PayoutStatus::from_history(&store.history(payout)?)?;
    let Stands { row, state, attempt } = store.stands(payout)?;
    if (state.as_str(), attempt) != (standing.state.word(), standing.attempt) {
        let (implied, implied_attempt) = (standing.state.word(), standing.attempt);
        return Err(LedgerError::Broken(format!(
            "row {row} is {state} at attempt {attempt}, and its history implies {implied} at attempt {implied_attempt}"
        )));
    }
    Ok(standing)
}
