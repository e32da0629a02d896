//! Makes a plan durable under its seal: approved by whoever planned it, or as a proposal that waits for somebody else.

use super::database::Transaction;
use super::error::LedgerError;
use super::facts;
use super::plan_store::{PlanStore, Planned};
use super::planning::Planning;
use super::proposing::{self, Along};
use super::record::UnixMs;
use super::store::Store;
use super::words::actor_word;
use crate::domain::approval::{Actor, ProposalKind};
use crate::domain::proposal::ProposalEvent;
use crate::domain::sha256::Sha256;

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
            self.transaction.keep_approved(self.batch.id, self.version)?;
        } else {
            self.write_proposal(plan_sha256, &by, None, at)?;
            let approved = ProposalEvent::Approved { seal: plan_sha256, by };
            let along = Along { why: Some(consent), ..Along::default() };
            proposing::record(&*self.transaction, self.batch.id, at, &approved, &along)?;
        }
        self.transaction.make_durable("committing the plan")
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
        self.transaction.make_durable("committing the plan")?;
        Ok(self.version)
    }

    fn write_proposal(&self, seal: Sha256, by: &Actor, signature: Option<&str>, at: UnixMs) -> Result<(), LedgerError> {
        let proposed = ProposalEvent::Proposed { kind: ProposalKind::Plan, seal, by: by.clone() };
        let along = Along { signature, ..Along::default() };
        proposing::record(&*self.transaction, self.batch.id, at, &proposed, &along).map(drop)
    }

    fn store(
        &self,
        plan_sha256: Sha256,
        skipped_rows: u64,
        consent: &str,
        at: UnixMs,
        actor: &str,
    ) -> Result<(), LedgerError> {
        let (version, new) = (self.version, self.new);
        let planned = Planned { version, new, skipped_rows, seal: plan_sha256, consent };
        self.transaction.keep_plan(self.batch.id, &planned)?;
        facts::record(&*self.transaction, self.batch.id, (at, actor), self.added.map(|(first, _)| first))
    }
}
