//! Holds the settings that a plan is sealed with against those of now.

use super::terms::Terms;
use crate::domain::payout_status::State;
use crate::ledger::{Batch, Changed, Ledger, LedgerError, Settings};

/// The first setting that is not what the plan was sealed with, while something of it is still to be paid.
pub(super) fn changed_setting(
    ledger: &Ledger,
    batch: Option<&Batch>,
    terms: &Terms,
) -> Result<Option<(Batch, Changed)>, LedgerError> {
    let Some(batch) = batch else { return Ok(None) };
    let totals = ledger.totals(batch.id)?;
    let open = totals.of(State::Planned).rows + totals.of(State::InDoubt).rows;
    let changed = if open > 0 { batch.settings.changed(&terms.settings) } else { None };
    Ok(changed.map(|changed| (batch.clone(), changed)))
}

/// The settings that a plan is sealed with: those of the configuration, and the options that decide as much. A reason for
/// repeating another batch stays with the plan.
pub(super) fn sealed_settings(terms: &Terms, batch: Option<&Batch>) -> Settings {
    let earlier = batch.and_then(|batch| batch.settings.value("--repeat")).unwrap_or_default();
    let why = terms.repeat_why.as_deref().unwrap_or(earlier);
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    (terms.settings.clone())
        .with("--allow-repeat-phones", yes(terms.allow_repeat_phones))
        .with("--skip-invalid", yes(terms.skip_invalid))
        .with("--repeat", why)
}
