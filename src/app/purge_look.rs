//! Looks which batches are due for a purge: finished long enough ago, and holding together.

use super::audit::audit;
use super::clock::day;
use crate::ledger::{Ledger, LedgerError, Personal, Purgeable, UnixMs};
use crate::report::counted;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What a look at all batches found.
#[derive(Debug, Default)]
pub struct PurgeLook {
    /// To be purged, and what of it.
    pub due: Vec<(Purgeable, Personal)>,
    /// Left alone, by name, and why.
    pub left: Vec<(String, String)>,
    /// Of those, the ones that do not hold together.
    pub broken: u64,
    /// Purged before.
    pub purged: u64,
}

/// Looks at every batch. One that does not hold together is left as it is: a purge would hide what is wrong with it.
pub(super) fn look(ledger: &Ledger, now: UnixMs, older_than: u32) -> Result<PurgeLook, LedgerError> {
    let mut found = PurgeLook::default();
    for purgeable in ledger.purgeable()? {
        let Purgeable { batch, open, settled_at } = &purgeable;
        let name = batch.name.to_string();
        if batch.purged_at.is_some() {
            found.purged += 1;
        } else if *open > 0 {
            let why = format!("{} planned, in doubt or held", counted(*open, "payout"));
            found.left.push((name, why));
        } else if now.saturating_sub(*settled_at) < i64::from(older_than) * DAY_MS {
            let span = counted(older_than.into(), "day");
            found.left.push((name, format!("finished on {}, less than {span} ago", day(*settled_at))));
        } else {
            let audit = audit(ledger, batch, None)?;
            if let Some(finding) = audit.findings.first() {
                found.broken += 1;
                let all = counted(audit.finding_count, "difference");
                found.left.push((name.clone(), format!("does not hold together, {all}: {finding}")));
            } else {
                let personal = ledger.personal(batch.id)?;
                found.due.push((purgeable, personal));
            }
        }
    }
    Ok(found)
}
