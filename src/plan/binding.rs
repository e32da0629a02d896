//! Binds a ledger and its batches to what the configuration says now: what nothing was ever sent from on its own, and what
//! was on a person's word, with the plans sealed anew.

use super::canonical::Seal;
use crate::ledger::{Batch, Binding, Ledger, LedgerError, Rebinding, UnixMs};

/// What was bound to something else, and is bound to the configuration now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebound {
    /// What the ledger was bound to, where that changed.
    pub ledger: Option<String>,
    /// The batches, each with what it was bound to.
    pub batches: Vec<(String, Binding)>,
}

/// While no top-up of a batch was ever intended, the configuration takes it over, and the ledger while none of any was:
/// a wrong terminal, merchant or address at the first run is no dead end. Gives a line that says so.
///
/// # Errors
/// [`LedgerError::Bound`] where top-ups were intended under another binding.
pub fn take_over(
    ledger: &mut Ledger,
    batch: Option<&Batch>,
    binding: &Binding,
    now: UnixMs,
) -> Result<Option<String>, LedgerError> {
    if !ledger.takes_over(batch, binding)? {
        ledger.check_binding(batch, binding)?;
        return Ok(None);
    }
    let rebinding = ledger.rebinding(binding, None, now)?;
    let mut lines = Vec::new();
    if let Some(before) = rebinding.ledger()? {
        lines.push(format!("the ledger was bound to {before}"));
    }
    if let Some(batch) = batch
        && bind_batch(&rebinding, batch, binding)?
    {
        lines.push(format!("batch {} was bound to {}", batch.name, words(&batch.binding)));
    }
    rebinding.commit()?;
    let lines = lines.join("; ");
    Ok(Some(format!("{lines}; nothing was ever sent from it, and from now on it is bound to {}", words(binding))))
}

/// Binds the ledger and all its batches but purged ones to another gateway or terminal, on a person's word; `agreed`: it is
/// to this, or else nothing was changed.
///
/// # Errors
/// [`LedgerError::Bound`] for another merchant or prefix of what was ever sent; then nothing was changed.
pub fn rebind(
    ledger: &mut Ledger,
    binding: &Binding,
    why: &str,
    now: UnixMs,
    agreed: impl FnOnce(&Rebound) -> bool,
) -> Result<Rebound, LedgerError> {
    let batches = ledger.batches()?;
    let rebinding = ledger.rebinding(binding, Some(why), now)?;
    let mut rebound = Rebound { ledger: rebinding.ledger()?, batches: Vec::new() };
    for batch in batches.iter().filter(|batch| batch.purged_at.is_none()) {
        if bind_batch(&rebinding, batch, binding)? {
            rebound.batches.push((batch.name.to_string(), batch.binding.clone()));
        }
    }
    if agreed(&rebound) {
        rebinding.commit()?;
    }
    Ok(rebound)
}

/// Binds one batch and seals its plan anew; false where it is bound so already.
fn bind_batch(rebinding: &Rebinding<'_>, batch: &Batch, binding: &Binding) -> Result<bool, LedgerError> {
    if !rebinding.batch(batch)? {
        return Ok(false);
    }
    let mut seal =
        Seal::new((&batch.name, batch.plan_version), binding, &batch.settings, &rebinding.skipped_sha256(batch.id)?);
    rebinding.in_key_order(batch.id, |key, top_up, name| seal.add(key, top_up, name))?;
    rebinding.seal(batch.id, seal.close(batch.rows, batch.points))?;
    Ok(true)
}

/// A binding in words.
#[must_use]
pub fn words(binding: &Binding) -> String {
    let Binding { gateway_host, merchant_id, terminal_id, invoice_prefix } = binding;
    format!(
        "gateway {gateway_host}, merchant {merchant_id}, terminal {terminal_id}, prefix {:?}",
        invoice_prefix.as_str()
    )
}
