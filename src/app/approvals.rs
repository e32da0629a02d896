//! Proposes plans, and takes a person's word about what waits: an approval, a sending back, a withdrawal.

use super::clock::unix_ms;
use super::context::{Context, News};
use super::failure::{Ending, Failure};
use super::file_request::{self, FileRequest};
use super::identity::{Identity, IdentityError};
use crate::domain::approval::{Actor, ProposalKind, ProposalState};
use crate::domain::proposal::{Proposal, ProposalEvent, ProposalRefusal, Proposals};
use crate::domain::sha256::Sha256;
use crate::domain::team::Policy;
use crate::intake::{Intake, IntakeError};
use crate::ledger::{Access, Along, Batch, Ledger, LedgerError, Origin, PayoutId, UnixMs};
use crate::plan::{self, DraftSummary, PlanError, Planned, Refusal, Resealing, Terms};
use crate::sshsig::SigningError;

/// What proposing a file came to.
#[derive(Debug)]
pub enum Proposed {
    /// The plan waits for approval.
    Waits {
        /// Its version.
        version: u32,
        /// What it comes to.
        summary: Box<DraftSummary>,
    },
    /// The batch has all these rows already; and what a person should know.
    Known(Box<Batch>, Vec<String>),
    /// Nothing will be paid.
    Refused(Refusal),
}

/// Why nothing was proposed.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// The file or the ledger failed, or the batch is bound to something else.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nothing was signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// What was signed is no longer what would be stored.
    #[error(
        "the file or the ledger changed while the plan was signed; nothing was stored\nhint: run the same command again"
    )]
    Changed,
}

impl From<LedgerError> for ProposeError {
    fn from(error: LedgerError) -> Self {
        Self::Plan(error.into())
    }
}

impl From<ProposeError> for Failure {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::Plan(error) => error.into(),
            ProposeError::Signing(error) => error.into(),
            ProposeError::Changed => Self::said(Ending::Refused, "changed", error),
        }
    }
}

impl From<IdentityError> for ProposeError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Signing(error) => Self::Signing(error),
            IdentityError::Ledger(error) => error.into(),
        }
    }
}

/// Stores a file's plan as a proposal. Where a person signs it, it is planned once to know what is signed, and once more,
/// to the same seal, to be stored: nothing is open or locked while a passphrase is typed.
///
/// # Errors
/// The file or the ledger failed, or the proposer may not; then nothing was stored.
pub fn propose(
    ledger: &mut Ledger,
    open: &dyn Fn() -> Result<Intake, IntakeError>,
    terms: &Terms,
    origin: &Origin,
    proposer: &Identity<'_>,
) -> Result<Proposed, ProposeError> {
    let (actor, at) = (proposer.actor(), terms.now);
    let mut signed = None;
    if let Actor::Person(_) = &actor {
        let seal = match plan::plan(ledger, open().map_err(PlanError::from)?, terms, origin)? {
            Planned::Draft(draft) => draft.summary().plan_sha256,
            Planned::Known(batch, warnings) => return Ok(Proposed::Known(batch, warnings)),
            Planned::Refused(refusal) => return Ok(Proposed::Refused(refusal)),
        };
        let event = ProposalEvent::Proposed { kind: ProposalKind::Plan, seal, by: actor.clone() };
        let bytes = Ledger::signed_bytes(&event, &terms.batch, ProposalKind::Plan, &seal);
        signed = Some((seal, proposer.sign(&bytes)?));
    }
    match plan::plan(ledger, open().map_err(PlanError::from)?, terms, origin)? {
        Planned::Draft(draft) => {
            let seal = draft.summary().plan_sha256;
            let signature = match signed {
                Some((known, _)) if known != seal => return Err(ProposeError::Changed),
                Some((_, signature)) => signature,
                None => None,
            };
            let (version, summary) = draft.propose(&actor, signature.as_deref(), at)?;
            Ok(Proposed::Waits { version, summary: Box::new(summary) })
        }
        Planned::Known(batch, warnings) => Ok(Proposed::Known(batch, warnings)),
        Planned::Refused(refusal) => Ok(Proposed::Refused(refusal)),
    }
}

/// What waits for approval in a batch: a proposal, or a plan whose approvals no longer suffice.
///
/// # Errors
/// Nothing waits, or the ledger cannot be read.
pub fn waiting(ledger: &Ledger, batch: &Batch) -> Result<Proposal, LedgerError> {
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

/// Takes a person's word about what waits in a batch. `seal`: what the person looked at, where they named it; a word about
/// anything else does not count.
///
/// # Errors
/// The word does not count or is not signed, or the ledger failed; then nothing was changed.
pub fn decide(
    ledger: &mut Ledger,
    batch: &Batch,
    word: Word,
    seal: Option<Sha256>,
    why: Option<&str>,
    person: &Identity<'_>,
    at: UnixMs,
) -> Result<(Proposal, Proposals), IdentityError> {
    let waits = match waiting(ledger, batch) {
        Ok(waits) => waits,
        Err(error) => return Err(said_before(ledger, batch, word)?.unwrap_or(error).into()),
    };
    if seal.is_some_and(|seal| seal != waits.seal) {
        return Err(LedgerError::from(ProposalRefusal::OtherSeal { waits: waits.seal }).into());
    }
    let by = person.actor();
    let event = match word {
        Word::Approve => ProposalEvent::Approved { seal: waits.seal, by },
        Word::SendBack => ProposalEvent::SentBack { by },
        Word::Withdraw => ProposalEvent::Withdrawn { by },
    };
    // Judged before anybody is asked for a passphrase, and again by the ledger as it writes.
    ledger.proposals(batch)?.after(&event, &ledger.team()?).map_err(LedgerError::from)?;
    let signature = person.sign(&Ledger::signed_bytes(&event, &batch.name, waits.kind, &waits.seal))?;
    let along = Along { why, signature: signature.as_deref(), ..Along::default() };
    let proposals = ledger.decide_proposal(batch.id, at, &event, &along)?;
    let same = |proposal: &&Proposal| proposal.kind == waits.kind && proposal.version == waits.version;
    let after = proposals.all().iter().find(same).cloned().unwrap_or(waits);
    Ok((after, proposals))
}

/// Two clicks are one approval: the second hears who was first.
fn said_before(ledger: &Ledger, batch: &Batch, word: Word) -> Result<Option<LedgerError>, LedgerError> {
    let proposals = ledger.proposals(batch)?;
    let approved = proposals.approved_plan().filter(|_| word == Word::Approve);
    Ok(approved.map(|plan| ProposalRefusal::ApprovedBefore(plan.approved_by.clone()).into()))
}

/// Whether a decision that can pay again may be carried out.
#[derive(Debug)]
pub enum Decision {
    /// One person decides, or it was approved: exactly this, about exactly these payouts.
    Approved,
    /// It waits for another person, under this seal.
    Waits(Sha256),
}

/// Has a decision that can pay again approved as the policy demands: where a plan needs two persons, so does it. The first
/// time it is stored as a proposal; typed again once somebody else approved it, it is carried out.
///
/// # Errors
/// The proposer may not, something else waits, or the ledger failed; then nothing was stored.
pub fn decision(
    ledger: &mut Ledger,
    batch: &Batch,
    kind: ProposalKind,
    payouts: &[PayoutId],
    why: &str,
    proposer: &Identity<'_>,
    at: UnixMs,
) -> Result<Decision, IdentityError> {
    let policy = ledger.team()?.policy();
    if policy == Policy::OnePerson {
        return Ok(Decision::Approved);
    }
    let proposals = ledger.proposals(batch)?;
    let sealed = |version| Ledger::decision_seal(batch, kind, version, payouts, why);
    let is_this = |proposal: &&Proposal| proposal.kind == kind && proposal.seal == sealed(proposal.version);
    match proposals.all().iter().rfind(is_this) {
        Some(known) if known.state == ProposalState::Proposed => return Ok(Decision::Waits(known.seal)),
        Some(known) if known.is_approved_under(policy) && ledger.is_decision_open(batch, kind, payouts)? => {
            return Ok(Decision::Approved);
        }
        Some(_) | None => {}
    }
    let seal = sealed(proposals.next_version(kind));
    let event = ProposalEvent::Proposed { kind, seal, by: proposer.actor() };
    proposals.after(&event, &ledger.team()?).map_err(LedgerError::from)?;
    let signature = proposer.sign(&Ledger::signed_bytes(&event, &batch.name, kind, &seal))?;
    let along = Along { why: Some(why), signature: signature.as_deref(), payouts };
    ledger.decide_proposal(batch.id, at, &event, &along)?;
    Ok(Decision::Waits(seal))
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
    Stored(Stored),
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
        return Ok(Outcome::Stored(stored));
    }
    let batch = ledger.batch(terms.batch.as_str())?;
    let is_open = waiting(&ledger, &batch).is_ok();
    let state = if is_open { ProposalState::Proposed } else { ProposalState::Approved };
    Ok(Outcome::Known(Box::new(batch), state))
}

/// Stores a file's plan as a proposal; nothing where the batch has all its rows already.
pub(super) fn stored(
    context: Context<'_>,
    ledger: &mut Ledger,
    request: &FileRequest,
    terms: &Terms,
    proposer: &Identity<'_>,
) -> Result<Option<Stored>, Failure> {
    let origin = file_request::origin(context, request, terms);
    let open = || crate::intake::open(&request.file, &request.options);
    match propose(ledger, &open, terms, &origin, proposer)? {
        Proposed::Refused(refusal) => Err(refusal.into()),
        Proposed::Known(_, warnings) => {
            context.note_all(&warnings);
            Ok(None)
        }
        Proposed::Waits { version, summary } => {
            context.door.tell(&News::Plan(&terms.batch, &summary));
            let batch = ledger.batch(terms.batch.as_str())?;
            Ok(Some(Stored { batch, version, summary, policy: ledger.team()?.policy() }))
        }
    }
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
    let why = request.why.as_deref();
    let (proposal, _) = decide(&mut ledger, &batch, request.word, request.seal, why, person, unix_ms())?;
    Ok((batch, proposal))
}

/// Has a decision that can pay again approved as the policy demands; the seal under which it waits, where it does.
pub(super) fn decided(
    context: Context<'_>,
    batch: &str,
    kind: ProposalKind,
    payouts: &[PayoutId],
    why: &str,
    person: &Identity<'_>,
) -> Result<Option<Sha256>, Failure> {
    let (mut ledger, _lock) = context.open_locked(kind.word(), Access::Write)?;
    let batch = ledger.batch(batch)?.unpurged()?;
    Ok(match decision(&mut ledger, &batch, kind, payouts, why, person, unix_ms())? {
        Decision::Waits(seal) => Some(seal),
        Decision::Approved => None,
    })
}
