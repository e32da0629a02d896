//! Makes a plan durable under its seal: approved by whoever planned it, or as a proposal that waits for somebody else.

use super::planning::{PLANNING, Planning};
use crate::domain::approval::{Actor, ProposalKind};
use crate::domain::proposal::ProposalEvent;
use crate::domain::sha256::Sha256;
use crate::ledger::error::LedgerError;
use crate::ledger::facts;
use crate::ledger::proposing::{self, Along};
use crate::ledger::record::Size;
use crate::ledger::record::{PayoutId, UnixMs};
use crate::ledger::words::actor_word;
use rusqlite::params;

impl Planning<'_> {
    /// Makes the plan durable under its seal, approved by whoever planned it, with the consent that was given to it.
    ///
    /// # Errors
    /// [`LedgerError::Proposal`] where a plan needs two persons; or the ledger cannot be written. Then nothing of what
    /// this file adds is in it.
    pub fn seal(self, plan_sha256: Sha256, skipped_rows: u64, consent: &str, at: UnixMs) -> Result<(), LedgerError> {
        let by = self.actor.clone();
        self.store(plan_sha256, skipped_rows, consent, at, &actor_word(&by, false))?;
        if self.is_rehearsal {
            // Nothing of a copy is anybody's money, and nothing of it is kept.
            let sql = "UPDATE batches SET approved_plan = plan_version WHERE batch_id = ?1";
            self.transaction.execute(sql, [self.batch.0]).map_err(LedgerError::sqlite(PLANNING))?;
        } else {
            self.write_proposal(plan_sha256, &by, None, at)?;
            let approved = ProposalEvent::Approved { seal: plan_sha256, by };
            let along = Along { why: Some(consent), ..Along::default() };
            proposing::record(&*self.transaction, self.batch, at, &approved, &along)?;
        }
        self.transaction.commit().map_err(LedgerError::sqlite("committing the plan"))
    }

    /// Makes the plan durable under its seal as a proposal: nothing of what this file adds is paid before it is approved.
    ///
    /// # Errors
    /// [`LedgerError::Proposal`] or [`LedgerError::Signature`] where the proposer may not; or the ledger cannot be
    /// written. Then nothing of what this file adds is in it.
    pub fn propose(
        self,
        plan_sha256: Sha256,
        skipped_rows: u64,
        by: &Actor,
        signature: Option<&str>,
        at: UnixMs,
    ) -> Result<u32, LedgerError> {
        self.store(plan_sha256, skipped_rows, "", at, &actor_word(by, signature.is_some()))?;
        self.write_proposal(plan_sha256, by, signature, at)?;
        self.transaction.commit().map_err(LedgerError::sqlite("committing the plan"))?;
        Ok(self.version)
    }

    fn write_proposal(&self, seal: Sha256, by: &Actor, signature: Option<&str>, at: UnixMs) -> Result<(), LedgerError> {
        let proposed = ProposalEvent::Proposed { kind: ProposalKind::Plan, seal, by: by.clone() };
        let along = Along { signature, ..Along::default() };
        proposing::record(&*self.transaction, self.batch, at, &proposed, &along).map(drop)
    }

    fn store(
        &self,
        plan_sha256: Sha256,
        skipped_rows: u64,
        consent: &str,
        at: UnixMs,
        actor: &str,
    ) -> Result<(), LedgerError> {
        let Size { rows, points } = self.new;
        self.transaction
            .execute(
                "UPDATE totals SET rows = rows + ?2, points = points + ?3 WHERE batch_id = ?1 AND state = 'planned'",
                params![self.batch.0, rows, points],
            )
            .and_then(|_| {
                self.transaction.execute(
                    "UPDATE batches SET rows = rows + ?2, points = points + ?3, skipped_rows = ?4, plan_sha256 = ?5,
                                        consent = ?6, plan_version = ?7
                     WHERE batch_id = ?1",
                    params![self.batch.0, rows, points, skipped_rows, plan_sha256, consent, self.version],
                )
            })
            .map_err(LedgerError::sqlite(PLANNING))?;
        let first_new = (rows > 0).then_some(PayoutId(self.last + 1));
        facts::record(&*self.transaction, self.batch, (at, actor), first_new)
    }
}
