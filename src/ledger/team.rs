//! Keeps who may do what: people and policy, as events of the ledger's own history. Whoever changes either is an
//! administrator, and has signed exactly that change of exactly this ledger; the first person alone needs nobody.

use super::chain::StoredLedgerEvent;
use super::error::LedgerError;
use super::ledger_chain::{self, LedgerEvent};
use super::record::UnixMs;
use super::store::Store;
use crate::domain::sha256::Sha256;
use crate::domain::team::{Person, PersonName, Policy, Role, Team, TeamEvent};
use crate::sshsig::Key;
use serde_json::{Map, Value, json};

/// Where a stored change has its signature, which is not signed itself.
const SIGNATURE: &str = "signature";

/// A change out of the ledger's own history.
#[derive(Debug)]
pub(super) struct Change {
    /// Its place in that history.
    pub(super) id: i64,
    pub(super) event: TeamEvent,
    signature: Option<String>,
    /// The end of the history that it was signed on.
    previous: Sha256,
}

/// The words by which the ledger calls the kinds of changes.
pub(super) const KINDS: [&str; 3] = ["person_added", "person_removed", "policy_asked"];

fn kind(event: &TeamEvent) -> &'static str {
    match event {
        TeamEvent::PersonAdded(_) => KINDS[0],
        TeamEvent::PersonRemoved { .. } => KINDS[1],
        TeamEvent::PolicyAsked { .. } => KINDS[2],
    }
}

/// What a change says, as the ledger stores it and as it is signed.
fn stored(event: &TeamEvent) -> Map<String, Value> {
    let change = match event {
        TeamEvent::PersonAdded(person) => json!({
            "name": person.name.as_str(),
            "roles": person.roles.iter().map(|role| role.word()).collect::<Vec<_>>(),
            "ssh_key": person.ssh_key,
            "by": person.added_by.as_ref().map(PersonName::as_str),
        }),
        TeamEvent::PersonRemoved { name, by } => json!({"name": name.as_str(), "by": by.as_str()}),
        TeamEvent::PolicyAsked { policy, by } => json!({"persons": policy.persons(), "by": by.as_str()}),
    };
    match change {
        Value::Object(change) => change,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// What a stored change says; nothing where it says nothing that can be understood.
fn event_of(kind: &str, stored: &Map<String, Value>) -> Option<TeamEvent> {
    let name = |field: &str| stored.get(field).and_then(Value::as_str).and_then(PersonName::parse);
    match KINDS.iter().position(|known| *known == kind)? {
        0 => {
            let words = stored.get("roles")?.as_array()?.iter();
            Some(TeamEvent::PersonAdded(Person {
                name: name("name")?,
                roles: words.map(|word| word.as_str().and_then(Role::from_word)).collect::<Option<_>>()?,
                ssh_key: stored.get("ssh_key").and_then(Value::as_str).map(str::to_owned),
                added_by: name("by"),
            }))
        }
        1 => Some(TeamEvent::PersonRemoved { name: name("name")?, by: name("by")? }),
        _ => {
            let persons = stored.get("persons").and_then(Value::as_u64).and_then(|number| u8::try_from(number).ok())?;
            Some(TeamEvent::PolicyAsked { policy: Policy::of(persons)?, by: name("by")? })
        }
    }
}

/// Who has to have signed a change; nobody the first person.
fn signer(event: &TeamEvent) -> Option<&PersonName> {
    match event {
        TeamEvent::PersonAdded(person) => person.added_by.as_ref(),
        TeamEvent::PersonRemoved { by, .. } | TeamEvent::PolicyAsked { by, .. } => Some(by),
    }
}

/// Whom a change is about; the first person is their own actor.
fn subject(event: &TeamEvent) -> &str {
    match event {
        TeamEvent::PersonAdded(person) => person.name.as_str(),
        TeamEvent::PersonRemoved { name, .. } | TeamEvent::PolicyAsked { by: name, .. } => name.as_str(),
    }
}

/// The bytes that an administrator signs for a change: they name the end of the ledger's history, so that a signature
/// counts once, and for this ledger alone.
fn bytes_on(head: &Sha256, event: &TeamEvent) -> Vec<u8> {
    let change = Value::Object(stored(event)).to_string();
    let mut hashed = head.as_bytes().to_vec();
    hashed.extend_from_slice(change.as_bytes());
    let seal = Sha256::of(&hashed);
    format!("topup approval v1\n-\n{}\n{seal}\n", kind(event)).into_bytes()
}

/// The bytes that an administrator has to sign for a change now.
pub(super) fn bytes(store: &impl Store, event: &TeamEvent) -> Result<Vec<u8>, LedgerError> {
    Ok(bytes_on(&store.ledger_head()?, event))
}

/// Every change, oldest first.
pub(super) fn changes(store: &impl Store) -> Result<Vec<Change>, LedgerError> {
    let read = |StoredLedgerEvent { id, kind, note, previous, .. }| {
        let broken =
            || LedgerError::Broken(format!("event {id} of the ledger's own history says nothing of its people"));
        let stored: Map<String, Value> = serde_json::from_str(&note).map_err(|_| broken())?;
        let event = event_of(&kind, &stored).ok_or_else(broken)?;
        let signature = stored.get(SIGNATURE).and_then(Value::as_str).map(str::to_owned);
        Ok(Change { id, event, signature, previous })
    };
    store.ledger_events(&KINDS)?.into_iter().map(read).collect()
}

/// The people and the policy as they were up to an event of the ledger's history.
pub(super) fn team_at(changes: &[Change], last: i64) -> Result<Team, LedgerError> {
    let events = changes.iter().take_while(|change| change.id <= last).map(|change| &change.event);
    Team::from_history(events).map_err(|refusal| LedgerError::Broken(format!("the people of the ledger: {refusal}")))
}

/// The people and the policy.
pub(super) fn team(store: &impl Store) -> Result<Team, LedgerError> {
    team_at(&changes(store)?, i64::MAX)
}

/// Writes a change, if the team and its administrator's signature allow it.
pub(super) fn change(
    store: &impl Store,
    at: UnixMs,
    event: &TeamEvent,
    why: Option<&str>,
    signature: Option<&str>,
) -> Result<Team, LedgerError> {
    let before = team(store)?;
    check_signature(&before, event, &store.ledger_head()?, signature)?;
    let after = before.after(event)?;
    let mut note = stored(event);
    note.insert(SIGNATURE.to_owned(), json!(signature));
    let note = Value::Object(note).to_string();
    let actor = signer(event).map_or_else(|| format!("name:{}", subject(event)), |name| format!("signature:{name}"));
    ledger_chain::append(store, at, &actor, &LedgerEvent::Team { kind: kind(event), note: &note, why })?;
    Ok(after)
}

fn check_signature(
    before: &Team,
    event: &TeamEvent,
    head: &Sha256,
    signature: Option<&str>,
) -> Result<(), LedgerError> {
    let Some(name) = signer(event) else { return Ok(()) };
    check_signature_of(before.administrator(name)?, &bytes_on(head, event), signature)
}

/// Refuses what a person did not sign with the key that the ledger has of them.
pub(super) fn check_signature_of(person: &Person, signed: &[u8], signature: Option<&str>) -> Result<(), LedgerError> {
    let key = person.ssh_key.as_deref().and_then(|line| Key::parse(line).ok());
    let fits = match (key, signature) {
        (Some(key), Some(signature)) => key.verify(signed, signature).map_err(|error| error.to_string()),
        (_, None) => Err("is missing".to_owned()),
        (None, _) => Err("cannot be checked: the person has no key".to_owned()),
    };
    fits.map_err(|problem| LedgerError::Signature { name: person.name.to_string(), problem })
}

/// What is wrong with the history of people and policy: changes that were not allowed, signatures that do not fit.
pub(super) fn findings(changes: &[Change]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut team = Team::default();
    for change in changes {
        let said = |what: String| format!("event {} of the ledger's own history: {what}", change.id);
        if let Err(error) = check_signature(&team, &change.event, &change.previous, change.signature.as_deref()) {
            findings.push(said(error.to_string()));
        }
        match team.clone().after(&change.event) {
            Ok(after) => team = after,
            Err(refusal) => findings.push(said(refusal.to_string())),
        }
    }
    findings
}
