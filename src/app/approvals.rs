//! Proposes plans, and takes a person's word about what waits: an approval, a sending back, a withdrawal.

use super::clock::unix_ms;
use super::context::{Context, News};
use super::failure::{Ending, Failure};
use super::file_request::{self, FileRequest};
use super::identity::Identity;
use crate::domain::approval::{Actor, ProposalKind, ProposalState};
use crate::domain::hint::Hint;
use crate::domain::proposal::{Proposal, ProposalEvent, ProposalRefusal};
use crate::domain::sha256::Sha256;
use crate::domain::team::Policy;
use crate::ledger::{Access, Along, Batch, Ledger, LedgerError, PayoutId};
use crate::plan::{self, DraftSummary, Planned, Resealing, Terms};

/// What waits for approval in a batch: a proposal, or a plan whose approvals no longer suffice.
fn waiting(ledger: &Ledger, batch: &Batch) -> Result<Proposal, LedgerError> {
    let policy = ledger.team()?.policy();
    let proposals = ledger.proposals(batch)?;
    proposals.open_under(policy).cloned().ok_or_else(|| ProposalRefusal::NothingWaits.into())
}

/// What somebody says about what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It may be paid.
    Approve,
    /// It is given back.
    SendBack,
    /// Its proposer takes it back.
    Withdraw,
}

/// Two clicks are one approval: the second hears who was first.
fn said_before(ledger: &Ledger, batch: &Batch, word: Word) -> Result<Option<LedgerError>, LedgerError> {
    let proposals = ledger.proposals(batch)?;
    let approved = proposals.approved_plan().filter(|_| word == Word::Approve);
    Ok(approved.map(|plan| ProposalRefusal::ApprovedBefore(plan.approved_by.clone()).into()))
}

/// A plan that is stored, and waits.
#[derive(Debug)]
pub struct Stored {
    /// The batch.
    pub batch: Batch,
    /// The version of its plan.
    pub version: u32,
    /// What it comes to.
    pub summary: Box<DraftSummary>,
    /// How many persons it needs.
    pub policy: Policy,
}

/// What became of a file that was proposed.
#[derive(Debug)]
pub enum Outcome {
    /// Its plan is stored, and waits.
    Stored(Box<Stored>),
    /// The batch has all its rows already, and its plan stands like this.
    Known(Box<Batch>, ProposalState),
}

/// Stores a file's plan as a proposal; it pays nothing.
pub fn propose_file(context: Context<'_>, request: &FileRequest, proposer: &Identity<'_>) -> Result<Outcome, Failure> {
    context.refuse_missing()?;
    let terms = file_request::terms(context, request, Resealing::Refused)?;
    drop(request.open()?);
    // A ledger is made only for a file that opens.
    let mut ledger = context.open_to_change(Access::Create)?;
    if let Some(stored) = stored(context, &mut ledger, request, &terms, proposer)? {
        return Ok(Outcome::Stored(Box::new(stored)));
    }
    let batch = ledger.batch(terms.batch.as_str())?;
    let is_open = waiting(&ledger, &batch).is_ok();
    let state = if is_open { ProposalState::Proposed } else { ProposalState::Approved };
    Ok(Outcome::Known(Box::new(batch), state))
}

/// Stores a file's plan as a proposal; nothing where the batch has all its rows already. Where a person signs it, it is
/// planned once to know what is signed, and once more, to the same seal, to be stored: nothing is open or locked while a
/// passphrase is typed.
pub(super) fn stored(
    context: Context<'_>,
    ledger: &mut Ledger,
    request: &FileRequest,
    terms: &Terms,
    proposer: &Identity<'_>,
) -> Result<Option<Stored>, Failure> {
    let (actor, origin) = (proposer.actor(), file_request::origin(context, request, terms));
    let mut signed = None;
    if matches!(actor, Actor::Person(_))
        && let Planned::Draft(draft) = plan::plan(ledger, request.open()?, terms, &origin)?
    {
        let seal = draft.summary().plan_sha256;
        drop(draft);
        let event = ProposalEvent::Proposed { kind: ProposalKind::Plan, seal, by: actor.clone() };
        let bytes = Ledger::signed_bytes(&event, &terms.batch, ProposalKind::Plan, &seal);
        signed = Some((seal, proposer.sign(&bytes)?));
    }
    let (version, summary) = match plan::plan(ledger, request.open()?, terms, &origin)? {
        Planned::Refused(refusal) => return Err(refusal.into()),
        Planned::Known(_, warnings) => {
            context.note_all(&warnings);
            return Ok(None);
        }
        Planned::Draft(draft) => {
            let signature = match signed {
                Some((known, _)) if known != draft.summary().plan_sha256 => {
                    let message = "the file or the ledger changed while the plan was signed; nothing was stored";
                    let hint = Hint::of("run the same command again");
                    return Err(Failure::said(Ending::Refused, "changed", message).with_hint(hint));
                }
                Some((_, signature)) => signature,
                None => None,
            };
            draft.propose(&actor, signature.as_deref(), terms.now)?
        }
    };
    context.door.tell(&News::Plan(&terms.batch, &summary));
    let batch = ledger.batch(terms.batch.as_str())?;
    Ok(Some(Stored { batch, version, summary: Box::new(summary), policy: ledger.team()?.policy() }))
}

/// What waits in a batch, and exactly the bytes that are signed to approve it.
pub fn approval(context: Context<'_>, batch: &str) -> Result<(Batch, Proposal, Vec<u8>), Failure> {
    let ledger = context.open_to_read()?;
    let batch = ledger.batch(batch)?;
    let waits = waiting(&ledger, &batch)?;
    let bytes = Ledger::approval_bytes(&batch, &waits);
    Ok((batch, waits, bytes))
}

/// Somebody's word about what waits in a batch.
#[derive(Clone, Debug)]
pub struct WordRequest {
    /// The batch.
    pub batch: String,
    /// What is said.
    pub word: Word,
    /// What the person looked at; a word about anything else does not count.
    pub seal: Option<Sha256>,
    /// The reason.
    pub why: Option<String>,
}

/// Takes somebody's word about what waits; gives how it stands after it.
pub fn say(context: Context<'_>, request: &WordRequest, person: &Identity<'_>) -> Result<(Batch, Proposal), Failure> {
    let (mut ledger, _lock) = context.open_locked("approve", Access::Write)?;
    let batch = ledger.batch(&request.batch)?.unpurged()?;
    let waits = match waiting(&ledger, &batch) {
        Ok(waits) => waits,
        Err(error) => return Err(said_before(&ledger, &batch, request.word)?.unwrap_or(error).into()),
    };
    if request.seal.is_some_and(|seal| seal != waits.seal) {
        return Err(LedgerError::from(ProposalRefusal::OtherSeal { waits: waits.seal }).into());
    }
    let by = person.actor();
    let event = match request.word {
        Word::Approve => ProposalEvent::Approved { seal: waits.seal, by },
        Word::SendBack => ProposalEvent::SentBack { by },
        Word::Withdraw => ProposalEvent::Withdrawn { by },
    };
    // Judged before anybody is asked for a passphrase, and again by the ledger as it writes.
    ledger.proposals(&batch)?.after(&event, &ledger.team()?).map_err(LedgerError::from)?;
    let signature = person.sign(&Ledger::signed_bytes(&event, &batch.name, waits.kind, &waits.seal))?;
    let along = Along { why: request.why.as_deref(), signature: signature.as_deref(), ..Along::default() };
    let proposals = ledger.decide_proposal(batch.id, unix_ms(), &event, &along)?;
    let same = |proposal: &&Proposal| proposal.kind == waits.kind && proposal.version == waits.version;
    let after = proposals.all().iter().find(same).cloned().unwrap_or(waits);
    Ok((batch, after))
}

/// Has a decision that can pay again approved as the policy demands: where a plan needs two persons, so does it. The first
/// time it is stored as a proposal, and waits under this seal; typed again once somebody else approved it, it is carried
/// out.
pub(super) fn decided(
    context: Context<'_>,
    batch: &str,
    kind: ProposalKind,
    payouts: &[PayoutId],
    why: &str,
    proposer: &Identity<'_>,
) -> Result<Option<Sha256>, Failure> {
    let (mut ledger, _lock) = context.open_locked(kind.word(), Access::Write)?;
    let batch = &ledger.batch(batch)?.unpurged()?;
    let policy = ledger.team()?.policy();
    if policy == Policy::OnePerson {
        return Ok(None);
    }
    let proposals = ledger.proposals(batch)?;
    let sealed = |version| Ledger::decision_seal(batch, kind, version, payouts, why);
    let is_this = |proposal: &&Proposal| proposal.kind == kind && proposal.seal == sealed(proposal.version);
    match proposals.all().iter().rfind(is_this) {
        Some(known) if known.state == ProposalState::Proposed => return Ok(Some(known.seal)),
        Some(known) if known.is_approved_under(policy) && ledger.is_decision_open(batch, kind, payouts)? => {
            return Ok(None);
        }
        Some(_) | None => {}
    }
    let seal = sealed(proposals.next_version(kind));
    let event = ProposalEvent::Proposed { kind, seal, by: proposer.actor() };
    proposals.after(&event, &ledger.team()?).map_err(LedgerError::from)?;
    let signature = proposer.sign(&Ledger::signed_bytes(&event, &batch.name, kind, &seal))?;
    let along = Along { why: Some(why), signature: signature.as_deref(), payouts };
    ledger.decide_proposal(batch.id, unix_ms(), &event, &along)?;
    Ok(Some(seal))
}
