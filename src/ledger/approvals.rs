//! The ledger as those use it who say who may do what, propose, approve, send back and withdraw.

use super::Ledger;
use super::database::Database;
use super::decision_gate;
use super::error::LedgerError;
use super::proposals;
use super::proposing::{self, Along};
use super::read_store::ReadStore;
use super::record::Size;
use super::record::{Batch, BatchId, PayoutId, UnixMs};
use super::run_ledger::RunLedger;
use super::store::Store;
use super::team;
use crate::domain::approval::{ProposalKind, ProposalState};
use crate::domain::batch_name::BatchName;
use crate::domain::proposal::{Proposal, ProposalEvent, ProposalRefusal, Proposals};
use crate::domain::sha256::Sha256;
use crate::domain::team::{Team, TeamEvent};

impl Ledger {
    /// Who may do what, and how many persons a plan needs.
    ///
    /// # Errors
    /// When its history of people contradicts itself.
    pub fn team(&self) -> Result<Team, LedgerError> {
        team::team(self.store())
    }

    /// The bytes that an administrator signs for a change of people or policy. They fit the ledger as it is now: after
    /// any other change they are others.
    pub fn team_bytes(&self, event: &TeamEvent) -> Result<Vec<u8>, LedgerError> {
        team::bytes(self.store(), event)
    }

    /// Changes people or policy, with the signature of the administrator whom the change names.
    ///
    /// # Errors
    /// [`LedgerError::Team`] or [`LedgerError::Signature`] when it is not allowed; then nothing was changed.
    pub fn change_team(
        &mut self,
        at: UnixMs,
        event: &TeamEvent,
        why: Option<&str>,
        signature: Option<&str>,
    ) -> Result<Team, LedgerError> {
        self.file.commit(|store| team::change(store, at, event, why, signature))
    }

    /// Whether a batch has any payout.
    pub fn has_payouts(&self, batch: BatchId) -> Result<bool, LedgerError> {
        self.store().has_payouts(batch)
    }

    /// What was proposed in a batch, what waits, and who approved what.
    ///
    /// # Errors
    /// When the history of proposals contradicts itself.
    pub fn proposals(&self, batch: &Batch) -> Result<Proposals, LedgerError> {
        match proposals::proposals_now(self.store(), batch, self.purge_key.as_deref()) {
            // Whom a purged batch paid is asked where somebody approves.
            Err(LedgerError::PurgeKey { .. }) => proposals::proposals(self.store(), batch.id),
            judged => judged,
        }
    }

    /// Exactly the bytes that a person signs to approve a proposal.
    #[must_use]
    pub fn approval_bytes(batch: &Batch, proposal: &Proposal) -> Vec<u8> {
        proposals::bytes("approval", batch.name.as_str(), proposal.kind, &proposal.seal)
    }

    /// The bytes that a person signs for another word about a proposal: `proposal`, `sending-back` or `withdrawal`.
    #[must_use]
    pub fn signed_bytes(event: &ProposalEvent, batch: &BatchName, kind: ProposalKind, seal: &Sha256) -> Vec<u8> {
        proposals::bytes(proposals::signed_word(event), batch.as_str(), kind, seal)
    }

    /// SHA-256 over a decision that can pay again: its kind, its number among those, its payouts and its reason.
    #[must_use]
    pub fn decision_seal(batch: &Batch, kind: ProposalKind, version: u32, payouts: &[PayoutId], why: &str) -> Sha256 {
        decision_gate::seal(&batch.name, kind, version, payouts, why)
    }

    /// Whether each of the payouts has an approval for a decision of this kind that was not carried out yet.
    pub fn is_decision_open(
        &self,
        batch: &Batch,
        kind: ProposalKind,
        payouts: &[PayoutId],
    ) -> Result<bool, LedgerError> {
        decision_gate::is_unused(self.store(), batch.id, kind, payouts)
    }

    /// Takes a person's word about what waits in a batch: an approval, a sending back, a withdrawal.
    ///
    /// # Errors
    /// [`LedgerError::Proposal`] or [`LedgerError::Signature`] when it does not count; then nothing was changed.
    pub fn decide_proposal(
        &mut self,
        batch: BatchId,
        at: UnixMs,
        event: &ProposalEvent,
        along: &Along<'_>,
    ) -> Result<Proposals, LedgerError> {
        let purge_key = self.purge_key.as_deref();
        self.file.commit(|store| {
            let is_approval = matches!(event, ProposalEvent::Approved { .. });
            let is_outdated = |plan: &Proposal| plan.state == ProposalState::OutOfDate;
            if is_approval
                && let proposals = proposals::proposals_now(store, &store.batch(batch)?, purge_key)?
                && proposals.waiting_plan().is_some_and(is_outdated)
            {
                return Err(ProposalRefusal::OutOfDate.into());
            }
            proposing::record(store, batch, at, event, along)
        })
    }
}

impl RunLedger {
    /// Who may do what, and how many persons a plan needs.
    ///
    /// # Errors
    /// When its history of people contradicts itself.
    pub fn team(&self) -> Result<Team, LedgerError> {
        self.read(team::team)
    }

    /// Planned payouts that wait for approval, and their points: no run takes them up.
    pub fn waiting(&self) -> Result<Size, LedgerError> {
        self.read(|connection| connection.unapproved(self.batch, self.payable))
    }
}
