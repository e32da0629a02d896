//! Holds a person's decision to the payout's history as it is written: no command, page or program passes this by.

use super::error::LedgerError;
use super::guard::Guard;
use super::history;
use super::record::{Entry, UnixMs};
use super::store::Store;
use crate::domain::event::Event;
use crate::domain::payout_status::SIGNED_BYTES_VALID;

/// Refuses a decision that the history does not allow, that rests on no answer written together with it (`answered`: what
/// is written just before), that comes while the gateway may still apply the last send (as the guard says, two hours at
/// the least), or that mints a number where the old one is not used up.
pub(super) fn check(
    store: &impl Store,
    at: UnixMs,
    entry: &Entry,
    answered: Option<&Entry>,
    guard: Option<&Guard>,
) -> Result<(), LedgerError> {
    let standing = history::standing(store, entry.payout)?;
    let broken = |why: &str| LedgerError::Broken(format!("{:?} of payout {} {why}", entry.event, entry.payout.0));
    let was_asked = answered
        .is_some_and(|answered| answered.payout == entry.payout && matches!(answered.event, Event::OrderAnswered(_)));
    if standing.asks_first(&entry.event) && !was_asked {
        return Err(broken("without an answer of order status in the same step"));
    }
    if entry.event == Event::AttestedNotCredited {
        let valid = guard.map_or(SIGNED_BYTES_VALID, |guard| guard.signed_valid.max(SIGNED_BYTES_VALID));
        let valid_ms = i64::try_from(valid.as_millis()).unwrap_or(i64::MAX);
        if store.last_send_at(entry.payout)?.is_some_and(|sent_at| at - sent_at < valid_ms) {
            return Err(broken("while the gateway may still apply the last send"));
        }
    }
    let after = standing.clone().after(&entry.event)?;
    if (standing.state, after.state) != (entry.before, entry.after) {
        return Err(broken("with another state than its history gives"));
    }
    if (after.attempt > standing.attempt) != entry.new_number.is_some() {
        return Err(broken("with a new number and no failed order, or the other way round"));
    }
    Ok(())
}
