//! Keeps what waits for a person's word and what was approved by whom, as events of the batch's history, and decides up
//! to which version of the plan a permit may be minted.
//!
//! Each word names the end of the ledger's own history at that moment, and so the people, keys and policy of then: years
//! later `verify` judges it by them, signatures included.

use super::error::LedgerError;
use super::facts;
use super::record::{BatchEvent, BatchId, PayoutId, UnixMs};
use super::sqlite::planning::Size;
use super::sqlite::read;
use super::team::{self, Change};
use super::writer::{Group, Write};
use crate::domain::approval::{self, Actor, ProposalKind, ProposalState};
use crate::domain::proposal::{Proposal, ProposalEvent, Proposals};
use crate::domain::sha256::Sha256;
use crate::domain::team::{PersonName, Team};
use crate::sshsig::Key;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde_json::{Value, json};

const READING: &str = "reading what was approved";
const WRITING: &str = "writing what was approved";

/// The words by which the ledger calls what happens to proposals.
pub(super) const KINDS: [&str; 4] = ["proposed", "approved", "sent_back", "withdrawn"];

/// A person's word about a proposal, out of the batch's history.
#[derive(Debug)]
pub(super) struct Word {
    event_id: i64,
    event: ProposalEvent,
    signature: Option<String>,
    /// The newest event of the ledger's own history at that moment.
    ledger_event: i64,
    /// The payouts that a proposed decision is about.
    payouts: Vec<i64>,
}

/// What goes along with a person's word.
#[derive(Clone, Copy, Debug, Default)]
pub struct Along<'a> {
    /// The person's reason.
    pub why: Option<&'a str>,
    /// The person's signature.
    pub signature: Option<&'a str>,
    /// The payouts that a proposed decision is about.
    pub payouts: &'a [PayoutId],
}

fn kind(event: &ProposalEvent) -> &'static str {
    match event {
        ProposalEvent::Proposed { .. } => KINDS[0],
        ProposalEvent::Approved { .. } => KINDS[1],
        ProposalEvent::SentBack { .. } => KINDS[2],
        ProposalEvent::Withdrawn { .. } => KINDS[3],
    }
}

fn actor(event: &ProposalEvent) -> &Actor {
    match event {
        ProposalEvent::Proposed { by, .. }
        | ProposalEvent::Approved { by, .. }
        | ProposalEvent::SentBack { by }
        | ProposalEvent::Withdrawn { by } => by,
    }
}

/// What a person signs: the word, the batch, what it is about, and its seal.
pub(super) fn bytes(word: &'static str, batch: &str, kind: ProposalKind, seal: &Sha256) -> Vec<u8> {
    format!("topup {word} v1\n{batch}\n{}\n{}\n", kind.word(), seal.to_string()).into_bytes()
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

fn note(event: &ProposalEvent, along: &Along<'_>, ledger_event: i64) -> String {
    let (kind, seal) = match event {
        ProposalEvent::Proposed { kind, seal, .. } => (Some(kind.word()), Some(seal.to_string())),
        ProposalEvent::Approved { seal, .. } => (None, Some(seal.to_string())),
        ProposalEvent::SentBack { .. } | ProposalEvent::Withdrawn { .. } => (None, None),
    };
    let (person, system) = match actor(event) {
        Actor::Person(name) => (Some(name.as_str()), None),
        Actor::System(name) => (None, Some(name.as_str())),
    };
    json!({
        "kind": kind, "seal": seal, "person": person, "system": system, "why": along.why, "signature": along.signature,
        "ledger_event": ledger_event, "payouts": along.payouts.iter().map(|payout| payout.0).collect::<Vec<_>>(),
    })
    .to_string()
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
fn words(connection: &Connection, batch: BatchId) -> Result<Vec<Word>, LedgerError> {
    let kinds = KINDS.map(|kind| format!("'{kind}'")).join(", ");
    let sql = format!(
        "SELECT event_id, kind, note FROM events WHERE batch_id = ?1 AND payout_id IS NULL AND kind IN ({kinds})
         ORDER BY event_id"
    );
    read::rows(connection, &sql, [batch.0], |row| {
        let read = || Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?));
        let (event_id, kind, note) = read().map_err(LedgerError::sqlite(READING))?;
        let broken = || LedgerError::Broken(format!("event {event_id} says nothing of a proposal"));
        let note: Value = serde_json::from_str(&note.unwrap_or_default()).map_err(|_| broken())?;
        Ok(Word {
            event_id,
            event: event_of(&kind, &note).ok_or_else(broken)?,
            signature: note.get("signature").and_then(Value::as_str).map(str::to_owned),
            ledger_event: note.get("ledger_event").and_then(Value::as_i64).ok_or_else(broken)?,
            payouts: note
                .get("payouts")
                .and_then(Value::as_array)
                .map_or_else(Vec::new, |payouts| payouts.iter().filter_map(Value::as_i64).collect()),
        })
    })
}

fn fold(words: &[Word], changes: &[Change]) -> Result<Proposals, LedgerError> {
    words.iter().try_fold(Proposals::default(), |proposals, word| {
        Ok(proposals.after(&word.event, &team::team_at(changes, word.ledger_event)?)?)
    })
}

/// The proposals of a batch.
pub(super) fn proposals(connection: &Connection, batch: BatchId) -> Result<Proposals, LedgerError> {
    fold(&words(connection, batch)?, &team::changes(connection)?)
}

/// The approved decisions of a kind: the event that approved each as the policy of now demands, and the payouts that it
/// names.
pub(super) fn approved_decisions(
    connection: &Connection,
    batch: BatchId,
    kind: ProposalKind,
) -> Result<Vec<(i64, Vec<i64>)>, LedgerError> {
    let (words, changes) = (words(connection, batch)?, team::changes(connection)?);
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
pub(super) fn payable(connection: &Connection, batch: BatchId) -> Result<u32, LedgerError> {
    let changes = team::changes(connection)?;
    let policy = team::team_at(&changes, i64::MAX)?.policy();
    let proposals = fold(&words(connection, batch)?, &changes)?;
    let suffices = |plan: &&Proposal| approval::is_approved(policy, &plan.by, &plan.approved_by);
    Ok(proposals.approved_plan().filter(suffices).map_or(0, |plan| plan.version))
}

/// Planned payouts of versions that may not be paid yet, and their points.
pub(super) fn waiting(connection: &Connection, batch: BatchId, payable: u32) -> Result<Size, LedgerError> {
    let sql = "SELECT plan_version FROM batches WHERE batch_id = ?1";
    // The cheap question first: nearly every batch is approved whole.
    if read::one::<u32>(connection, sql, [batch.0])?.is_none_or(|version| version <= payable) {
        return Ok(Size::default());
    }
    let sql = "SELECT count(*), coalesce(sum(points), 0) FROM payouts
               WHERE batch_id = ?1 AND state = 'planned' AND plan > ?2";
    connection
        .query_row(sql, params![batch.0, payable], |row| Ok(Size { rows: row.get(0)?, points: row.get(1)? }))
        .map_err(LedgerError::sqlite(READING))
}

/// Takes a person's word about what waits, in a transaction of its own.
pub(super) fn decide(
    connection: &mut Connection,
    batch: BatchId,
    at: UnixMs,
    event: &ProposalEvent,
    along: &Along<'_>,
) -> Result<Proposals, LedgerError> {
    let behavior = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior).map_err(LedgerError::sqlite(WRITING))?;
    let proposals = record(&transaction, batch, at, event, along)?;
    transaction.commit().map_err(LedgerError::sqlite(WRITING))?;
    Ok(proposals)
}

/// Writes a person's word about what waits, if the rules and the signature allow it.
pub(super) fn record(
    transaction: &Transaction<'_>,
    batch: BatchId,
    at: UnixMs,
    event: &ProposalEvent,
    along: &Along<'_>,
) -> Result<Proposals, LedgerError> {
    let changes = team::changes(transaction)?;
    let team = team::team_at(&changes, i64::MAX)?;
    let before = fold(&words(transaction, batch)?, &changes)?;
    let waiting = before.waiting().cloned();
    let after = before.after(event, &team)?;
    let name: String = read::one(transaction, "SELECT name FROM batches WHERE batch_id = ?1", [batch.0])?
        .ok_or_else(|| LedgerError::Broken("a proposal of no batch".to_owned()))?;
    if let Some(signed) = signed_bytes(&name, event, after.all(), waiting.as_ref())
        && (is_signed(event) || along.signature.is_some())
    {
        check_signature(&team, actor(event), &signed, along.signature)?;
    }
    let ledger_event =
        read::one(transaction, "SELECT coalesce(max(ledger_event_id), 0) FROM ledger_events", [])?.unwrap_or(0);
    let mut group = Group::begin(transaction, batch)?;
    let note = note(event, along, ledger_event);
    group.write(&Write::Batch { at, event: BatchEvent::Proposal { kind: kind(event), note } })?;
    group.finish()?;
    match event {
        ProposalEvent::Approved { .. } => keep_approved(transaction, batch, &after)?,
        ProposalEvent::SentBack { .. } | ProposalEvent::Withdrawn { .. } => {
            if let Some(plan) = waiting.filter(|waiting| waiting.kind == ProposalKind::Plan) {
                take_back(transaction, batch, &plan, &after, at)?;
            }
        }
        ProposalEvent::Proposed { .. } => {}
    }
    Ok(after)
}

/// Whether a person's word counts only with a signature: what can lead to a payment does, what takes it back does not.
fn is_signed(event: &ProposalEvent) -> bool {
    match event {
        ProposalEvent::Proposed { .. } | ProposalEvent::Approved { .. } => true,
        ProposalEvent::SentBack { .. } | ProposalEvent::Withdrawn { .. } => false,
    }
}

/// The bytes that a word is signed over.
fn signed_bytes(batch: &str, event: &ProposalEvent, after: &[Proposal], waiting: Option<&Proposal>) -> Option<Vec<u8>> {
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

fn check_signature(team: &Team, actor: &Actor, signed: &[u8], signature: Option<&str>) -> Result<(), LedgerError> {
    let Some(name) = actor.person() else { return Ok(()) };
    let person = team.person(name);
    let key = person.and_then(|person| person.ssh_key.as_deref()).and_then(|line| Key::parse(line).ok());
    let problem = match (key, signature) {
        (Some(key), Some(signature)) => match key.verify(signed, signature) {
            Ok(()) => return Ok(()),
            Err(error) => error.to_string(),
        },
        (_, None) => "is missing".to_owned(),
        (None, _) => "cannot be checked: the person has no key".to_owned(),
    };
    Err(LedgerError::Signature { name: name.to_string(), problem })
}

/// Beside the history for the triggers, which let nothing of an approved plan go; an audit compares the two.
fn keep_approved(transaction: &Transaction<'_>, batch: BatchId, proposals: &Proposals) -> Result<(), LedgerError> {
    let version = proposals.approved_plan().map_or(0, |plan| plan.version);
    transaction
        .execute("UPDATE batches SET approved_plan = ?2 WHERE batch_id = ?1", params![batch.0, version])
        .map(drop)
        .map_err(LedgerError::sqlite(WRITING))
}

/// Takes the rows of a version out that nobody approved: nothing ever happened to them, and another version may have
/// them again. What the batch is said to be goes back to what it was before.
fn take_back(
    transaction: &Transaction<'_>,
    batch: BatchId,
    plan: &Proposal,
    after: &Proposals,
    at: UnixMs,
) -> Result<(), LedgerError> {
    let writing = || LedgerError::sqlite(WRITING);
    let row = params![batch.0, plan.version];
    let (rows, points): (u64, u64) = transaction
        .query_row(
            "SELECT count(*), coalesce(sum(points), 0) FROM payouts WHERE batch_id = ?1 AND plan = ?2",
            row,
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(writing())?;
    for sql in [
        "DELETE FROM invoices WHERE payout_id IN (SELECT payout_id FROM payouts WHERE batch_id = ?1 AND plan = ?2)",
        "DELETE FROM payouts WHERE batch_id = ?1 AND plan = ?2",
    ] {
        transaction.execute(sql, row).map_err(writing())?;
    }
    transaction
        .execute(
            "UPDATE totals SET rows = rows - ?2, points = points - ?3 WHERE batch_id = ?1 AND state = 'planned'",
            params![batch.0, rows, points],
        )
        .map_err(writing())?;
    let stands = |proposal: &&Proposal| {
        proposal.kind == ProposalKind::Plan
            && matches!(proposal.state, ProposalState::Proposed | ProposalState::Approved)
    };
    let left: Vec<u32> = after.all().iter().filter(stands).map(|proposal| proposal.version).collect();
    facts::restore(transaction, batch, &left, at)
}

/// What is wrong with a batch's proposals: words that were not allowed, signatures that do not fit.
pub(super) fn findings(connection: &Connection, batch: BatchId, name: &str) -> Result<Vec<String>, LedgerError> {
    let (words, changes) = (words(connection, batch)?, team::changes(connection)?);
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
    let approved: u32 =
        read::one(connection, "SELECT approved_plan FROM batches WHERE batch_id = ?1", [batch.0])?.unwrap_or(0);
    let expected = proposals.approved_plan().map_or(0, |plan| plan.version);
    if approved != expected {
        findings.push(format!(
            "the batch says that version {approved} of its plan is approved, its history says {expected}"
        ));
    }
    Ok(findings)
}
