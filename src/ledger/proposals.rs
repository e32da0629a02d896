//! Keeps what waits for a person's word and what was approved by whom, as events of the batch's history, and decides up
//! to which version of the plan a permit may be minted.
//!
//! Each word names the end of the ledger's own history at that moment, and so the people, keys and policy of then: years
//! later `verify` judges it by them, signatures included.

use super::error::LedgerError;
use super::record::{Batch, BatchId, UnixMs};
use super::store::{Store, StoredWord};
use super::team::{self, Change};
use super::up_to_date;
use crate::domain::approval::{self, Actor, ProposalKind};
use crate::domain::proposal::{Proposal, ProposalEvent, Proposals};
use crate::domain::sha256::Sha256;
use crate::domain::team::{PersonName, Team};
use serde_json::Value;
use std::path::Path;

/// The words by which the ledger calls what happens to proposals.
pub(super) const KINDS: [&str; 4] = ["proposed", "approved", "sent_back", "withdrawn"];

/// A person's word about a proposal, out of the batch's history.
#[derive(Debug)]
pub(super) struct Word {
    event_id: i64,
    at: UnixMs,
    event: ProposalEvent,
    signature: Option<String>,
    /// The newest event of the ledger's own history at that moment.
    ledger_event: i64,
    /// The payouts that a proposed decision is about.
    payouts: Vec<i64>,
}

/// The word by which the history calls it.
pub(super) fn kind(event: &ProposalEvent) -> &'static str {
    match event {
        ProposalEvent::Proposed { .. } => KINDS[0],
        ProposalEvent::Approved { .. } => KINDS[1],
        ProposalEvent::SentBack { .. } => KINDS[2],
        ProposalEvent::Withdrawn { .. } => KINDS[3],
    }
}

/// Whose word it is.
pub(super) fn actor(event: &ProposalEvent) -> &Actor {
    match event {
        ProposalEvent::Proposed { by, .. }
        | ProposalEvent::Approved { by, .. }
        | ProposalEvent::SentBack { by }
        | ProposalEvent::Withdrawn { by } => by,
    }
}

/// What a person signs: the word, the batch, what it is about, and its seal.
pub(super) fn bytes(word: &'static str, batch: &str, kind: ProposalKind, seal: &Sha256) -> Vec<u8> {
    format!("topup {word} v1\n{batch}\n{}\n{seal}\n", kind.word()).into_bytes()
}

/// The word that stands in the bytes that are signed.
pub(super) fn signed_word(event: &ProposalEvent) -> &'static str {
    match event {
        ProposalEvent::Proposed { .. } => "proposal",
        ProposalEvent::Approved { .. } => "approval",
        ProposalEvent::SentBack { .. } => "sending-back",
        ProposalEvent::Withdrawn { .. } => "withdrawal",
    }
}

fn event_of(word: &str, note: &Value) -> Option<ProposalEvent> {
    let text = |field: &str| note.get(field).and_then(Value::as_str);
    let by = match text("person") {
        Some(name) => Actor::Person(PersonName::parse(name)?),
        None => Actor::System(text("system")?.to_owned()),
    };
    let seal = || text("seal").and_then(Sha256::parse);
    match KINDS.iter().position(|kind| *kind == word)? {
        0 => Some(ProposalEvent::Proposed { kind: ProposalKind::from_word(text("kind")?)?, seal: seal()?, by }),
        1 => Some(ProposalEvent::Approved { seal: seal()?, by }),
        2 => Some(ProposalEvent::SentBack { by }),
        _ => Some(ProposalEvent::Withdrawn { by }),
    }
}

/// Every word about the proposals of a batch, oldest first.
pub(super) fn words(store: &impl Store, batch: BatchId) -> Result<Vec<Word>, LedgerError> {
    let read = |StoredWord { event_id, at, kind, note }| {
        let broken = || LedgerError::Broken(format!("event {event_id} says nothing of a proposal"));
        let note: Value = serde_json::from_str(&note.unwrap_or_default()).map_err(|_| broken())?;
        Ok(Word {
            event_id,
            at,
            event: event_of(&kind, &note).ok_or_else(broken)?,
            signature: note.get("signature").and_then(Value::as_str).map(str::to_owned),
            ledger_event: note.get("ledger_event").and_then(Value::as_i64).ok_or_else(broken)?,
            payouts: note
                .get("payouts")
                .and_then(Value::as_array)
                .map_or_else(Vec::new, |payouts| payouts.iter().filter_map(Value::as_i64).collect()),
        })
    };
    store.batch_events(batch, &KINDS)?.into_iter().map(read).collect()
}

/// What words come to, each under the people and policy of its moment.
pub(super) fn fold(words: &[Word], changes: &[Change]) -> Result<Proposals, LedgerError> {
    words.iter().try_fold(Proposals::default(), |proposals, word| {
        Ok(proposals.after(&word.event, &team::team_at(changes, word.ledger_event)?)?)
    })
}

/// The proposals of a batch.
pub(super) fn proposals(store: &impl Store, batch: BatchId) -> Result<Proposals, LedgerError> {
    fold(&words(store, batch)?, &team::changes(store)?)
}

/// The proposals of a batch as things stand: a plan that waits, and would be another one by now, is out of date.
pub(super) fn proposals_now(
    store: &impl Store,
    batch: &Batch,
    purge_key: Option<&Path>,
) -> Result<Proposals, LedgerError> {
    let words = words(store, batch.id)?;
    let is_plan = |word: &&Word| matches!(word.event, ProposalEvent::Proposed { kind: ProposalKind::Plan, .. });
    let proposed_at = words.iter().rfind(is_plan).map_or(UnixMs::MAX, |word| word.at);
    let proposals = fold(&words, &team::changes(store)?)?;
    up_to_date::judged(store, batch, proposals, proposed_at, purge_key)
}

/// The approved decisions of a kind: the event that approved each as the policy of now demands, and the payouts that it
/// names.
pub(super) fn approved_decisions(
    store: &impl Store,
    batch: BatchId,
    kind: ProposalKind,
) -> Result<Vec<(i64, Vec<i64>)>, LedgerError> {
    let (words, changes) = (words(store, batch)?, team::changes(store)?);
    let policy = team::team_at(&changes, i64::MAX)?.policy();
    let (mut proposals, mut named, mut approved) = (Proposals::default(), Vec::new(), Vec::new());
    for word in words {
        proposals = proposals.after(&word.event, &team::team_at(&changes, word.ledger_event)?)?;
        match word.event {
            ProposalEvent::Proposed { .. } => named.push(word.payouts),
            ProposalEvent::Approved { seal, .. } => {
                let place = proposals.all().iter().rposition(|proposal| proposal.kind == kind && proposal.seal == seal);
                if let Some(place) = place.filter(|place| proposals.all()[*place].is_approved_under(policy)) {
                    approved.push((word.event_id, named.get(place).cloned().unwrap_or_default()));
                }
            }
            ProposalEvent::SentBack { .. } | ProposalEvent::Withdrawn { .. } => {}
        }
    }
    Ok(approved)
}

/// The version of the plan up to which a permit may be minted as things stand: approved as the policy of now demands.
pub(super) fn payable(store: &impl Store, batch: BatchId) -> Result<u32, LedgerError> {
    let changes = team::changes(store)?;
    let policy = team::team_at(&changes, i64::MAX)?.policy();
    let proposals = fold(&words(store, batch)?, &changes)?;
    let suffices = |plan: &&Proposal| approval::is_approved(policy, &plan.by, &plan.approved_by);
    Ok(proposals.approved_plan().filter(suffices).map_or(0, |plan| plan.version))
}

/// Whether a person's word counts only with a signature: what can lead to a payment does, what takes it back does not.
pub(super) fn is_signed(event: &ProposalEvent) -> bool {
    match event {
        ProposalEvent::Proposed { .. } | ProposalEvent::Approved { .. } => true,
        ProposalEvent::SentBack { .. } | ProposalEvent::Withdrawn { .. } => false,
    }
}

/// The bytes that a word is signed over.
pub(super) fn signed_bytes(
    batch: &str,
    event: &ProposalEvent,
    after: &[Proposal],
    waiting: Option<&Proposal>,
) -> Option<Vec<u8>> {
    let word = signed_word(event);
    match event {
        ProposalEvent::Proposed { kind, seal, .. } => Some(bytes(word, batch, *kind, seal)),
        ProposalEvent::Approved { seal, .. } => {
            let approved = after.iter().rfind(|proposal| proposal.seal == *seal)?;
            Some(bytes(word, batch, approved.kind, seal))
        }
        ProposalEvent::SentBack { .. } | ProposalEvent::Withdrawn { .. } => {
            waiting.map(|waiting| bytes(word, batch, waiting.kind, &waiting.seal))
        }
    }
}

/// Refuses what a person of the ledger did not sign.
pub(super) fn check_signature(
    team: &Team,
    actor: &Actor,
    signed: &[u8],
    signature: Option<&str>,
) -> Result<(), LedgerError> {
    let Some(name) = actor.person() else { return Ok(()) };
    match team.person(name) {
        Some(person) => team::check_signature_of(person, signed, signature),
        None => {
            let problem = "cannot be checked: nobody has that name".to_owned();
            Err(LedgerError::Signature { name: name.to_string(), problem })
        }
    }
}

/// What is wrong with a batch's proposals: words that were not allowed, signatures that do not fit.
pub(super) fn findings(store: &impl Store, batch: BatchId, name: &str) -> Result<Vec<String>, LedgerError> {
    let (words, changes) = (words(store, batch)?, team::changes(store)?);
    let (mut findings, mut proposals) = (Vec::new(), Proposals::default());
    for word in &words {
        let mut find = |what: String| findings.push(format!("event {} ({}): {what}", word.event_id, kind(&word.event)));
        let team = team::team_at(&changes, word.ledger_event)?;
        let waiting = proposals.waiting().cloned();
        match proposals.clone().after(&word.event, &team) {
            Ok(after) => proposals = after,
            Err(refusal) => find(refusal.to_string()),
        }
        if let Some(signed) = signed_bytes(name, &word.event, proposals.all(), waiting.as_ref())
            && (is_signed(&word.event) || word.signature.is_some())
            && let Err(error) = check_signature(&team, actor(&word.event), &signed, word.signature.as_deref())
        {
            find(error.to_string());
        }
    }
    let approved = store.approved_plan(batch)?;
    let expected = proposals.approved_plan().map_or(0, |plan| plan.version);
    if approved != expected {
        findings.push(format!(
            "the batch says that version {approved} of its plan is approved, its history says {expected}"
        ));
    }
    Ok(findings)
}
