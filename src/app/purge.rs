//! Removes names and phones of finished batches.

use super::clock::unix_ms;
use super::context::{Context, News};
use super::failure::{Details, Ending, Failure};
use super::purge_look::{PurgeLook, look};
use crate::domain::batch_name::BatchName;
use crate::domain::hint::Hint;
use crate::domain::sha256::Sha256;
use crate::ledger::{Access, LedgerError};
use crate::report::counted;

/// What is to be purged.
#[derive(Clone, Debug)]
pub struct PurgeRequest {
    /// Batches that were finished at least so many days ago.
    pub older_than_days: u32,
    /// The reason, which is kept with the batch.
    pub why: String,
}

/// What was purged, and where the key is that tells whom the purged batches paid.
pub struct Purged {
    /// What was due, and what was left alone.
    pub look: PurgeLook,
    /// The key's file.
    pub key: String,
}

/// Only looks what would be purged.
pub fn preview(context: Context<'_>, older_than_days: u32) -> Result<PurgeLook, Failure> {
    let (ledger, _lock) = context.open_locked("purge", Access::Write)?;
    ledger.purge_key()?;
    Ok(look(&ledger, unix_ms(), older_than_days)?)
}

/// Purges what is due. `agree`: a person's word to it; anything but `Ok` ends the use case, and nothing is changed.
pub fn purge(
    context: Context<'_>,
    request: &PurgeRequest,
    agree: impl FnOnce(&PurgeLook) -> Result<(), Failure>,
) -> Result<Purged, Failure> {
    let now = unix_ms();
    let looked = || {
        let (ledger, lock) = context.open_locked("purge", Access::Write)?;
        // A key that is missing shows before anybody is asked.
        ledger.purge_key()?;
        let found = look(&ledger, now, request.older_than_days)?;
        Ok::<_, Failure>((ledger, lock, found))
    };
    let (mut ledger, mut lock, mut found) = looked()?;
    if !found.due.is_empty() {
        // Nobody waits for a person.
        drop((ledger, lock));
        agree(&found)?;
        let heads = due_heads(&found);
        (ledger, lock, found) = looked()?;
        if due_heads(&found) != heads {
            return Err(Failure::changed("what is due"));
        }
        let key = ledger.purge_key_or_new()?;
        let why = context.reason(&request.why);
        for (purgeable, _) in &found.due {
            context.door.tell(&News::Purging(&purgeable.batch.name));
            ledger.purge(&purgeable.batch, &key, now, &why)?;
        }
    }
    // Also where nothing is new: an earlier purge may have been cut off before it.
    if !found.due.is_empty() || found.purged > 0 {
        context.door.tell(&News::WritingAnew);
        crate::crash::point("before-wipe");
        if let Err(error) = ledger.wipe() {
            return Err(not_wiped(context, found, &error));
        }
    }
    drop(lock);
    let key = ledger.purge_key_path().map(|path| path.display().to_string()).unwrap_or_default();
    Ok(Purged { look: found, key })
}

/// The batches that are due, each as it is.
fn due_heads(found: &PurgeLook) -> Vec<(BatchName, Sha256)> {
    found.due.iter().map(|(due, _)| (due.batch.name.clone(), due.batch.chain_head)).collect()
}

/// The purge is over, and only what the file held before may still be found in it.
fn not_wiped(context: Context<'_>, found: PurgeLook, error: &LedgerError) -> Failure {
    let error = error.to_string();
    let message = format!(
        "{} purged, and the file could not be written anew: {}; bytes of names and phones may still be in the free \
         space of {} and in its write-ahead log",
        counted(found.due.len() as u64, "batch"),
        error.split("\nhint: ").next().unwrap_or_default(),
        context.settings.ledger_path().display(),
    );
    let hint =
        Hint::of("about twice the size of the ledger has to be free, and no other program may read it; then once more");
    Failure::said(Ending::Failed, "not_wiped", message).with_hint(hint).with_details(Details::Purged(found))
}
